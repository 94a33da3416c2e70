/* wav.c - WAV files of 16-bit samples without compression (RIFF, format 1): a strict reader, as pieces of recordings
 * for training are.
 *
 * Chunks that are not needed are passed over. Other formats, and other widths of a sample, are refused by name. */
#include "data/data.h"

#include <string.h>

enum { HEAD = 12, CHUNK = 8, FORMAT = 16, PCM = 1, CHANNELS_MOST = 16, FILE_MOST = 256 << 20 };

static uint32_t u16(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8; }
static uint32_t u32(const uint8_t *p) { return u16(p) | u16(p + 2) << 16; }

/* The contents of the first chunk of this name; NULL: there is none. `left` is what there is of it in the file. */
static const uint8_t *find(const uint8_t *data, size_t size, const char *name, size_t *says, size_t *left) {
	for (size_t at = HEAD; size - at >= CHUNK;) {
		size_t bytes = u32(data + at + 4), rest = size - at - CHUNK;
		if (memcmp(data + at, name, 4) == 0) {
			*says = bytes, *left = rest;
			return data + at + CHUNK;
		}
		if (bytes + (bytes & 1) > rest) return NULL;
		at += CHUNK + bytes + (bytes & 1); /* chunks begin at even places */
	}
	return NULL;
}

eg_status eg_wav_decode(
	const uint8_t *data, size_t size, const char *name, eg_record *r, eg_datum_sound *sound, eg_error *err) {
	size_t bytes = 0, left = 0;
	if (size < HEAD || memcmp(data, "RIFF", 4) != 0 || memcmp(data + 8, "WAVE", 4) != 0)
		return eg_fail(err, EG_ERR_FORMAT, "'%s' is no WAV file", name);
	const uint8_t *format = find(data, size, "fmt ", &bytes, &left);
	if (!format || bytes < FORMAT || left < FORMAT)
		return eg_fail(err, EG_ERR_FORMAT, "'%s' is damaged: it does not say what its samples are", name);
	uint32_t kind = u16(format), channels = u16(format + 2), rate = u32(format + 4), bits = u16(format + 14);
	if (kind != PCM || bits != 16)
		return eg_fail(err, EG_ERR_FORMAT,
		        "'%s' has samples of format %u with %u bits; 16 bits without compression (format 1) are read: convert it with "
		        "`sox FILE -b 16 -e signed NEW.wav`",
		        name, (unsigned)kind, (unsigned)bits);
	if (channels < 1 || channels > CHANNELS_MOST || rate < 1 || rate > 1000000)
		return eg_fail(err, EG_ERR_FORMAT, "'%s' is damaged: %u channels, %u samples a second", name, (unsigned)channels,
		        (unsigned)rate);
	const uint8_t *in = find(data, size, "data", &bytes, &left);
	if (!in) return eg_fail(err, EG_ERR_FORMAT, "'%s' has no samples", name);
	if (bytes > left || bytes % (2 * channels) != 0 || bytes == 0)
		return eg_fail(err, EG_ERR_FORMAT, "'%s' is cut off: it says that it has %zu bytes of samples, but holds %zu", name,
		        bytes, left);
	float *out = eg_record_room(r, bytes / 2 * sizeof *out);
	if (!out) return eg_record_no_memory(err);
	for (size_t i = 0; i < bytes / 2; i++) out[i] = (float)(int16_t)u16(in + 2 * i) * 0x1p-15f;
	*sound = (eg_datum_sound){
	        .n = (int64_t)(bytes / 2 / channels), .channels = (int)channels, .rate = rate, .at = out};
	return EG_OK;
}

eg_status eg_wav_load(const eg_files *files, const char *path, eg_record *r, eg_datum_sound *sound, eg_error *err) {
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
	if (data && !status) status = eg_wav_decode(data, size, path, r, sound, err);
	eg_release(NULL, data);
	eg_reader_close(reader);
	return status;
}
