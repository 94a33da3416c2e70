/* sound_file.c - sound files through libsndfile; the only file that knows it. libsndfile's own memory comes from
 * malloc. */
#include "data/sound.h"

enum { FILE_MOST = 256 << 20, CHANNELS_MOST = 64 };
#define SAMPLES_MOST ((int64_t)1 << 28) /* of all channels: 1 GiB as floats, 9 hours at 8 kHz */
#define LOUDEST 1e6F /* of files of floats, some of which hold whole numbers; squares of more would not be numbers */

#ifdef ENGRAM_HAVE_SNDFILE

#include <math.h>
#include <sndfile.h>
#include <string.h>

/* ---- a file in memory -------------------------------------------------------------------------------------------- */

typedef struct bytes {
	uint8_t *at;
	sf_count_t size, cap, place;
	bool failed; /* out of memory */
} bytes;

static sf_count_t length_of(void *user) { return ((bytes *)user)->size; }
static sf_count_t place_of(void *user) { return ((bytes *)user)->place; }

static sf_count_t seek_to(sf_count_t by, int whence, void *user) {
	bytes *b = user;
	sf_count_t from = whence == SEEK_CUR ? b->place : whence == SEEK_END ? b->size : 0;
	if (by < -from || by > FILE_MOST) return -1;
	return b->place = from + by;
}

static sf_count_t read_some(void *to, sf_count_t n, void *user) {
	bytes *b = user;
	sf_count_t left = b->place < b->size ? b->size - b->place : 0;
	if (n > left) n = left;
	if (n > 0) memcpy(to, b->at + b->place, (size_t)n);
	b->place += n;
	return n;
}

static sf_count_t write_some(const void *from, sf_count_t n, void *user) {
	bytes *b = user;
	const sf_count_t end = b->place + n;
	if (end > b->cap) {
		sf_count_t cap = end > 2 * b->cap ? end + 4096 : 2 * b->cap;
		uint8_t *more = eg_alloc(NULL, (size_t)cap);
		if (!more) return b->failed = true, 0;
		if (b->size) memcpy(more, b->at, (size_t)b->size);
		eg_release(NULL, b->at);
		b->at = more, b->cap = cap;
	}
	if (b->place > b->size) memset(b->at + b->size, 0, (size_t)(b->place - b->size));
	memcpy(b->at + b->place, from, (size_t)n);
	b->place = end;
	if (end > b->size) b->size = end;
	return n;
}

static SF_VIRTUAL_IO calls = {length_of, seek_to, read_some, write_some, place_of};

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static eg_status read_samples(SNDFILE *file, const SF_INFO *info, const char *name, eg_record *r, eg_datum_sound *sound,
	eg_error *err) {
	const size_t n = (size_t)info->frames * (size_t)info->channels;
	float *out = eg_record_room(r, n * sizeof *out);
	if (!out) return eg_record_no_memory(err);
	sf_command(file, SFC_SET_NORM_FLOAT, NULL, SF_TRUE);
	const sf_count_t got = sf_readf_float(file, out, info->frames);
	if (got != info->frames)
		return eg_fail(err, EG_ERR_FORMAT, "'%s' is cut off or damaged: it says that it has %lld samples, of which %lld can be read",
			name, (long long)info->frames, (long long)got);
	for (size_t i = 0; i < n; i++) {
		const long long at = (long long)(i / (size_t)info->channels);
		if (!isfinite(out[i])) return eg_fail(err, EG_ERR_FORMAT, "'%s': sample %lld is no number", name, at);
		if (fabsf(out[i]) > LOUDEST)
			return eg_fail(err, EG_ERR_FORMAT, "'%s': sample %lld is %g; samples go from -1 to 1", name, at, (double)out[i]);
	}
	*sound = (eg_datum_sound){.n = info->frames, .channels = info->channels, .rate = info->samplerate, .at = out};
	return EG_OK;
}

/* What programs write that do not know how long their sound will be (sox: 0x7ffff000, ffmpeg: all ones). */
enum { ENDLESS = 0x7ffff000 };

static uint32_t number_at(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24; }

/* What libsndfile does not say of a WAV file: that it was cut off while it was copied, when what is there is read; and
 * that no sound has its rate, when nothing is. */
static eg_status look_at_wav(const uint8_t *data, size_t size, const char *name, eg_error *err) {
	if (size < 44 || memcmp(data, "RIFF", 4) != 0 || memcmp(data + 8, "WAVE", 4) != 0) return EG_OK;
	for (size_t at = 12; size - at >= 8;) {
		const uint8_t *p = data + at;
		const uint32_t n = number_at(p + 4);
		const size_t left = size - at - 8;
		if (memcmp(p, "data", 4) == 0 && n < ENDLESS && n > left)
			return eg_fail(err, EG_ERR_FORMAT, "'%s' is cut off: %lld bytes of its samples are missing", name, (long long)n - (long long)left);
		if (memcmp(p, "data", 4) == 0 || (size_t)n + (n & 1) > left) return EG_OK;
		const uint32_t rate = memcmp(p, "fmt ", 4) == 0 && n >= 16 ? number_at(p + 12) : 1;
		if (rate < 1 || rate > INT32_MAX)
			return eg_fail(err, EG_ERR_FORMAT, "'%s' says that it has %u samples a second, which cannot be: its head is damaged; "
				"`sox -r RATE FILE NEW.wav` writes it with the right rate", name, (unsigned)rate);
		at += 8 + (size_t)n + (n & 1);
	}
	return EG_OK;
}

eg_status eg_sound_decode(const void *data, size_t size, const char *name, eg_record *r, eg_datum_sound *sound, eg_error *err) {
	bytes b = {.at = (uint8_t *)data, .size = (sf_count_t)size};
	SF_INFO info = {0};
	if (size == 0) return eg_fail(err, EG_ERR_FORMAT, "'%s' is empty", name);
	if (size > FILE_MOST)
		return eg_fail(err, EG_ERR_FORMAT, "'%s' is larger than %d MiB: cut it into pieces", name, FILE_MOST >> 20);
	eg_status status = look_at_wav(data, size, name, err);
	if (status) return status;
	SNDFILE *file = sf_open_virtual(&calls, SFM_READ, &info, &b);
	if (!file)
		return eg_fail(err, EG_ERR_FORMAT, "'%s' is no sound file that can be read, or is damaged (%s); read are %s", name,
			sf_strerror(NULL), EG_SOUND_FILES);
	if (info.channels < 1 || info.channels > CHANNELS_MOST || info.samplerate < 1 || info.frames < 0)
		status = eg_fail(err, EG_ERR_FORMAT, "'%s' is damaged: %d channels, %d samples a second", name, info.channels, info.samplerate);
	else if (info.frames == 0)
		status = eg_fail(err, EG_ERR_FORMAT, "'%s' has no samples", name);
	else if (info.frames == SF_COUNT_MAX)
		status = eg_fail(err, EG_ERR_FORMAT, "'%s' is cut off or damaged: its end, which says how long it is, is missing", name);
	else if (info.frames > SAMPLES_MOST / info.channels)
		status = eg_fail(err, EG_ERR_FORMAT, "'%s' has %lld samples, which is too many: cut it into pieces", name,
			(long long)info.frames);
	else
		status = read_samples(file, &info, name, r, sound, err);
	sf_close(file);
	return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static eg_status encode(bytes *b, const float *at, int64_t n, int channels, double rate, eg_error *err) {
	SF_INFO info = {.samplerate = (int)(rate + 0.5), .channels = channels, .format = SF_FORMAT_WAV | SF_FORMAT_PCM_16};
	SNDFILE *file = sf_open_virtual(&calls, SFM_WRITE, &info, b);
	if (!file) return eg_fail(err, EG_ERR_ARG, "sound of %d channels at %g Hz cannot be written (%s)", channels, rate, sf_strerror(NULL));
	sf_command(file, SFC_SET_CLIPPING, NULL, SF_TRUE);
	const sf_count_t put = sf_writef_float(file, at, n);
	const int closed = sf_close(file);
	if (b->failed || put != n || closed) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a sound file");
	return EG_OK;
}

eg_status eg_sound_write(const char *path, const float *at, int64_t n, int channels, double rate, eg_error *err) {
	bytes b = {0};
	eg_status status = encode(&b, at, n, channels, rate, err);
	eg_writer *w = status ? NULL : eg_writer_new(NULL, path, err);
	if (!status && !w) status = err ? err->status : EG_ERR_IO;
	if (w) {
		eg_writer_put(w, b.at, (size_t)b.size);
		status = eg_writer_commit(w, err);
	}
	eg_release(NULL, b.at);
	return status;
}

#else

static eg_status without(eg_error *err) {
	return eg_fail(err, EG_ERR_ARG, "this engram was built without libsndfile, and can neither read nor write sound: install it "
		"(tools/setup) and build again");
}
eg_status eg_sound_decode(const void *data, size_t size, const char *name, eg_record *r, eg_datum_sound *sound, eg_error *err) {
	EG_UNUSED(data), EG_UNUSED(size), EG_UNUSED(name), EG_UNUSED(r), EG_UNUSED(sound);
	return without(err);
}
eg_status eg_sound_write(const char *path, const float *at, int64_t n, int channels, double rate, eg_error *err) {
	EG_UNUSED(path), EG_UNUSED(at), EG_UNUSED(n), EG_UNUSED(channels), EG_UNUSED(rate);
	return without(err);
}

#endif

eg_status eg_sound_load(const eg_files *files, const char *path, eg_record *r, eg_datum_sound *sound, eg_error *err) {
	eg_reader *reader;
	size_t size = 0;
	eg_status status = eg_files_reader(files, path, FILE_MOST, &reader, err);
	if (status) return status;
	int64_t most = eg_reader_most(reader);
	uint8_t *data = NULL;
	if (most <= FILE_MOST) data = eg_alloc(NULL, (size_t)most + 1);
	if (most > FILE_MOST)
		status = eg_fail(err, EG_ERR_FORMAT, "'%s' is larger than %d MiB: cut it into pieces", path, FILE_MOST >> 20);
	else
		status = data ? eg_reader_read(reader, data, (size_t)most, &size, err) : eg_record_no_memory(err);
	if (data && !status) status = eg_sound_decode(data, size, path, r, sound, err);
	eg_release(NULL, data);
	eg_reader_close(reader);
	return status;
}

void eg_sound_mix(const float *x, int64_t n, int channels, float *out) {
	for (int64_t i = 0; i < n; i++) {
		double sum = 0;
		for (int c = 0; c < channels; c++) sum += (double)x[i * channels + c];
		out[i] = (float)(sum / channels);
	}
}
