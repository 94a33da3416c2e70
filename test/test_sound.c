/* test_sound.c - tests of sound: files of all kinds, other rates, spectra, features as a whole and as they come in,
 * sound from strengths, and what augmentations do to it. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/augment.h"
#include "data/sound.h"
#include "source_bed.h"

#include <math.h>

#define PI 3.14159265358979323846
#ifdef ENGRAM_HAVE_SAMPLERATE
enum { HAVE_SAMPLERATE = 1 };
#else
enum { HAVE_SAMPLERATE = 0 };
#endif
#ifdef ENGRAM_HAVE_KISSFFT
enum { HAVE_KISSFFT = 1 };
#else
enum { HAVE_KISSFFT = 0 };
#endif

/* ---- files ------------------------------------------------------------------------------------------------------- */

static uint8_t *put32(uint8_t *p, uint32_t v) {
	for (int i = 0; i < 4; i++) *p++ = (uint8_t)(v >> 8 * i);
	return p;
}
static uint8_t *put16(uint8_t *p, uint32_t v) {
	*p++ = (uint8_t)v, *p++ = (uint8_t)(v >> 8);
	return p;
}

typedef struct wav_kind {
	int format, bits; /* 1: whole numbers, 3: floats, 0xFFFE: EXTENSIBLE with whole numbers */
} wav_kind;

/* Four samples of two channels: 0.5 and -0.25, then -1 and 0, ... as a WAV file of this kind. Returns its size. */
static const double heard[8] = {0.5, -0.25, -1, 0, 0.125, 0.75, -0.5, 0.25};
static size_t write_wav(uint8_t *to, wav_kind k) {
	const uint32_t bytes = (uint32_t)k.bits / 8, head = k.format == 0xFFFE ? 40 : 16, data = 8 * bytes;
	uint8_t *p = to;
	memcpy(p, "RIFF", 4), p = put32(p + 4, 4 + 8 + head + 8 + data);
	memcpy(p, "WAVEfmt ", 8), p = put32(p + 8, head);
	p = put16(p, (uint32_t)k.format), p = put16(p, 2), p = put32(p, 8000), p = put32(p, 8000 * 2 * bytes);
	p = put16(p, 2 * bytes), p = put16(p, (uint32_t)k.bits);
	if (head == 40) {
		static const uint8_t pcm[14] = {0, 0, 0, 0, 0x10, 0, 0x80, 0, 0, 0xAA, 0, 0x38, 0x9B, 0x71};
		p = put16(p, 22), p = put16(p, (uint32_t)k.bits), p = put32(p, 3), p = put16(p, 1);
		memcpy(p, pcm, 14), p += 14;
	}
	memcpy(p, "data", 4), p = put32(p + 4, data);
	for (int i = 0; i < 8; i++) {
		if (k.format == 3 && k.bits == 32) {
			const float v = (float)heard[i];
			memcpy(p, &v, 4), p += 4;
		} else if (k.format == 3) {
			memcpy(p, &heard[i], 8), p += 8;
		} else {
			const int64_t v = (int64_t)(heard[i] * (double)((int64_t)1 << (k.bits - 1))) + (k.bits == 8 ? 128 : 0);
			for (uint32_t b = 0; b < bytes; b++) *p++ = (uint8_t)(v >> 8 * b);
		}
	}
	return (size_t)(p - to);
}

static void files(void **state) {
	sources *f = *state;
	static const wav_kind kinds[] = {{1, 8}, {1, 16}, {1, 24}, {1, 32}, {3, 32}, {3, 64}, {0xFFFE, 16}, {0xFFFE, 24}};
	uint8_t wav[256];
	eg_record r = {0};
	eg_datum_sound s;
	if (!HAVE_SNDFILE) skip();
	for (int i = 0; i < EG_COUNT(kinds); i++) {
		const size_t size = write_wav(wav, kinds[i]);
		assert_int_equal(eg_sound_decode(wav, size, "a.wav", &r, &s, &f->err), EG_OK);
		assert_true(s.n == 4 && s.channels == 2 && s.rate == 8000);
		for (int k = 0; k < 8; k++) assert_true(fabs((double)s.at[k] - heard[k]) < 1e-6);
		/* Cut anywhere: an error, never less sound than the file says. */
		for (size_t cut = 0; cut < size; cut++)
			assert_int_not_equal(eg_sound_decode(wav, cut, "a.wav", &r, &s, NULL), EG_OK);
		eg_record_reset(&r);
	}
	assert_int_equal(eg_sound_decode(wav, write_wav(wav, kinds[1]) - 1, "a.wav", &r, &s, &f->err), EG_ERR_FORMAT);
	assert_says(f->err.message, "'a.wav' is cut off: 1 bytes of its samples are missing");
	assert_int_equal(eg_sound_decode("", 0, "a.wav", &r, &s, &f->err), EG_ERR_FORMAT);
	assert_says(f->err.message, "'a.wav' is empty");
	assert_int_equal(eg_sound_decode("no sound at all", 15, "a.wav", &r, &s, &f->err), EG_ERR_FORMAT);
	assert_says(f->err.message, "'a.wav' is no sound file that can be read");
	write_wav(wav, (wav_kind){3, 32});
	put32(wav + 44, 0x7FC00000); /* NaN */
	assert_int_equal(eg_sound_decode(wav, 76, "a.wav", &r, &s, &f->err), EG_ERR_FORMAT);
	assert_says(f->err.message, "'a.wav': sample 0 is no number");
	put32(wav + 44, 0x7149F2CA); /* 1e30: what is computed of it would be no number */
	assert_int_equal(eg_sound_decode(wav, 76, "a.wav", &r, &s, &f->err), EG_ERR_FORMAT);
	assert_says(f->err.message, "'a.wav': sample 0 is 1e+30; samples go from -1 to 1");
	/* A rate that no sound has: the cure is named. */
	static const uint32_t rates[] = {0, 0xEE6B2800};
	for (int i = 0; i < EG_COUNT(rates); i++) {
		const size_t size = write_wav(wav, kinds[1]);
		put32(wav + 24, rates[i]);
		assert_int_equal(eg_sound_decode(wav, size, "a.wav", &r, &s, &f->err), EG_ERR_FORMAT);
		assert_says(f->err.message, rates[i] ? "'a.wav' says that it has 4000000000 samples a second" : "'a.wav' says that it has 0 samples a second");
		assert_says(f->err.message, "sox -r RATE");
	}
	/* A stream, whose length nobody knew when it began: all ones, or as sox has it. */
	static const uint32_t endless[] = {0xFFFFFFFF, 0x7FFFF000};
	for (int i = 0; i < EG_COUNT(endless); i++) {
		const size_t size = write_wav(wav, kinds[1]);
		put32(wav + 40, endless[i]);
		assert_int_equal(eg_sound_decode(wav, size, "a.wav", &r, &s, &f->err), EG_OK);
		assert_int_equal(s.n, 4);
	}
	/* A chunk that nobody knows, of an odd length, before the others. */
	static const uint8_t odd[] = "RIFF....WAVEodd \1\0\0\0x\0fmt \x10\0\0\0\1\0\2\0\x40\x1f\0\0\0\x7d\0\0\4\0\x10\0data\x08\0\0\0\0\x80\xff\x7f\0\0\1\0";
	assert_int_equal(eg_sound_decode(odd, sizeof odd - 1, "a", &r, &s, &f->err), EG_OK);
	assert_true(s.n == 2 && s.channels == 2 && s.at[0] == -1 && s.at[1] == 32767 * 0x1p-15F && s.at[2] == 0 && s.at[3] == 0x1p-15F);
	eg_record_free(&r);
}

/* What is written is read again; what is beyond -1..1 is cut off, and does not wrap around. */
static void written(void **state) {
	sources *f = *state;
	static const float at[6] = {0, 0.5F, -0.5F, 2, -2, 0.25F};
	eg_record r = {0};
	eg_datum_sound s;
	char *data = NULL;
	size_t size = 0;
	if (!HAVE_SNDFILE) skip();
	char path[1024];
	snprintf(path, sizeof path, "%s", path_in(f, "out.wav"));
	assert_int_equal(eg_sound_write(path, at, 6, 1, 16000, &f->err), EG_OK);
	assert_int_equal(eg_file_read(NULL, path, 0, &data, &size, &f->err), EG_OK);
	assert_int_equal(eg_sound_decode(data, size, path, &r, &s, &f->err), EG_OK);
	assert_true(s.n == 6 && s.channels == 1 && s.rate == 16000);
	for (int i = 0; i < 6; i++) assert_true(fabs((double)s.at[i] - fmax(-1, fmin(1, (double)at[i]))) < 1e-4);
	assert_int_not_equal(eg_sound_write(path_in(f, "nowhere/out.wav"), at, 6, 1, 16000, &f->err), EG_OK);
	eg_release(NULL, data);
	eg_record_free(&r);
}

/* ---- rates ------------------------------------------------------------------------------------------------------- */

static float *tone(int64_t n, double cycles) {
	float *x = malloc((size_t)n * sizeof *x);
	assert_non_null(x);
	for (int64_t i = 0; i < n; i++) x[i] = (float)(0.5 * sin(2 * PI * cycles * (double)i));
	return x;
}

static void rates(void **state) {
	sources *f = *state;
	if (!HAVE_SAMPLERATE) skip();
	float *x = tone(4000, 0.05), *y;
	int64_t n;
	assert_int_equal(eg_resample(x, 4000, 1, 1.6, &y, &n, &f->err), EG_OK);
	assert_int_equal(n, 6400);
	for (int64_t i = 300; i < 6100; i++) assert_true(fabs((double)y[i] - 0.5 * sin(2 * PI * 0.05 / 1.6 * (double)i)) < 2e-3);
	/* Piece by piece: the same. */
	eg_resampler *s = eg_resampler_new(1.6, &f->err);
	assert_non_null(s);
	float piece[64];
	int64_t at = 0, got = 0;
	for (bool more = true; more;) {
		int used, made;
		const int take = at + 37 < 4000 ? 37 : (int)(4000 - at);
		assert_int_equal(eg_resampler_push(s, x + at, take, at + take == 4000, piece, 64, &used, &made, &f->err), EG_OK);
		for (int i = 0; i < made && got + i < n; i++) assert_true(fabsf(piece[i] - y[got + i]) < 1e-6F);
		at += used, got += made;
		more = at < 4000 || made > 0;
	}
	assert_true(got >= n - 2 && got <= n + 2);
	eg_resampler_free(s);
	eg_release(NULL, y);
	assert_int_not_equal(eg_resample(x, 4000, 1, 1000, &y, &n, &f->err), EG_OK);
	free(x);
}

/* ---- features ---------------------------------------------------------------------------------------------------- */

static const eg_sound_options mel = {.rate = 8000, .window = 200, .hop = 80, .fft = 256, .bands = 20, .low = 50, .high = 3800,
	.coefficients = 13};

/* The energy in bands, by the definition. */
static void log_mel_by_hand(const eg_sound_options *o, const float *x, int64_t n, float *out) {
	double power[129];
	for (int k = 0; k <= 128; k++) {
		double re = 0, im = 0;
		for (int i = 0; i < o->window && i < n; i++) {
			const double v = (double)x[i] * (0.5 - 0.5 * cos(2 * PI * i / o->window));
			re += v * cos(2 * PI * k * i / 256), im -= v * sin(2 * PI * k * i / 256);
		}
		power[k] = re * re + im * im;
	}
	double edge[22];
	for (int b = 0; b < 22; b++) {
		const double low = 0.75, high = 15 + 27 * log(3.8) / log(6.4), m = low + (high - low) * b / 21;
		edge[b] = m < 15 ? m * 200 / 3 : 1000 * pow(6.4, (m - 15) / 27);
	}
	for (int b = 0; b < 20; b++) {
		double sum = 0;
		for (int k = 0; k <= 128; k++) {
			const double hz = k * 31.25, up = (hz - edge[b]) / (edge[b + 1] - edge[b]), down = (edge[b + 2] - hz) / (edge[b + 2] - edge[b + 1]);
			sum += fmax(0, fmin(up, down)) * 2 / (edge[b + 2] - edge[b]) * power[k];
		}
		out[b] = (float)log(fmax(1e-10, sum));
	}
}

static float *noise(int64_t n) {
	float *x = malloc((size_t)n * sizeof *x);
	assert_non_null(x);
	for (int64_t i = 0; i < n; i++) x[i] = (float)(0.1 * eg_rng_normal((eg_rng){5, EG_RNG_TEST}, (uint64_t)i));
	return x;
}

static void by_hand(void **state) {
	sources *f = *state;
	if (!HAVE_KISSFFT) skip();
	enum { N = 1000 };
	float *x = noise(N), want[20];
	eg_sound_options o = mel;
	eg_sound_features *m = eg_sound_features_new(&o, &f->err);
	assert_non_null(m);
	void *room = malloc(eg_sound_features_room(m) + 16);
	const int64_t steps = eg_sound_features_steps(&o, N);
	assert_int_equal(steps, 11);
	float *got = malloc((size_t)steps * 20 * sizeof *got);
	assert_true(room && got);
	eg_sound_features_of(m, x, N, got, room);
	for (int64_t t = 0; t < steps; t++) {
		log_mel_by_hand(&o, x + 80 * t, N - 80 * t, want);
		for (int b = 0; b < 20; b++) assert_true(fabsf(got[t * 20 + b] - want[b]) < 1e-3F);
	}
	/* The cosine transform: the first coefficient is the mean times the root of the number. */
	o.kind = EG_SOUND_MFCC;
	eg_sound_features *c = eg_sound_features_new(&o, &f->err);
	float mfcc[13 * 11], sum = 0;
	assert_non_null(c);
	eg_sound_features_of(c, x, N, mfcc, room);
	for (int b = 0; b < 20; b++) sum += got[b];
	assert_true(fabs((double)mfcc[0] - (double)sum / sqrt(20)) < 1e-4);
	eg_sound_features_free(m), eg_sound_features_free(c);
	free(x), free(got), free(room);
}

/* As it comes in, in pieces of any size: the same bits as the whole. */
static void streamed(void **state) {
	sources *f = *state;
	if (!HAVE_KISSFFT) skip();
	static const int lengths[] = {0, 1, 79, 200, 201, 280, 281, 1234};
	float *x = noise(1234), *whole = malloc(1234 * 3 * 200 * sizeof *whole), *step = malloc(3 * 200 * sizeof *step);
	assert_true(whole && step);
	for (int kind = 0; kind < 3; kind++)
		for (int deltas = 0; deltas < 3; deltas++)
			for (int hop = 80; hop <= 230; hop += 75)
				for (int l = 0; l < EG_COUNT(lengths); l++) {
					eg_sound_options o = mel;
					o.kind = kind, o.deltas = deltas, o.hop = hop;
					eg_sound_features *m = eg_sound_features_new(&o, &f->err);
					assert_non_null(m);
					eg_sound_stream *s = eg_sound_stream_new(m, &f->err);
					void *room = malloc(eg_sound_features_room(m) + 16);
					assert_true(s && room);
					const int width = eg_sound_features_width(&o), n = lengths[l];
					eg_sound_features_of(m, x, n, whole, room);
					for (int again = 0; again < 2; again++) {
						int64_t t = 0, at = 0;
						while (at < n) {
							bool came;
							const int64_t take = at + 33 * (again + 1) < n ? 33 * (again + 1) : n - at;
							at += eg_sound_stream_push(s, x + at, take, step, &came);
							if (came) assert_memory_equal(step, whole + t++ * width, (size_t)width * sizeof *step);
						}
						while (eg_sound_stream_end(s, step)) assert_memory_equal(step, whole + t++ * width, (size_t)width * sizeof *step);
						assert_int_equal(t, eg_sound_features_steps(&o, n));
						eg_sound_stream_reset(s);
					}
					eg_sound_stream_free(s);
					eg_sound_features_free(m);
					free(room);
				}
	free(x), free(whole), free(step);
}

static void refused(void **state) {
	sources *f = *state;
	static const struct {
		eg_sound_options o;
		const char *words;
	} wrong[] = {{{.rate = 8000, .window = 0, .hop = 80}, "frames of 0 samples every 80"},
		{{.rate = 8000, .window = 200, .hop = 80, .fft = 128, .bands = 20, .high = 4000}, "at least as long as the window, 200"},
		{{.rate = 8000, .window = 200, .hop = 80, .fft = 255, .bands = 20, .high = 4000}, "it must be even"},
		{{.rate = 8000, .window = 200, .hop = 80, .fft = 256, .bands = 0, .high = 4000}, "0 bands"},
		{{.rate = 8000, .window = 200, .hop = 80, .fft = 256, .bands = 20, .high = 5000}, "sound at 8000 Hz holds frequencies from 0 to 4000"},
		{{.kind = EG_SOUND_MFCC, .rate = 8000, .window = 200, .hop = 80, .fft = 256, .bands = 20, .high = 4000, .coefficients = 21},
			"21 coefficients of 20 bands"},
		{{.rate = 8000, .window = 200, .hop = 80, .deltas = 3}, "'deltas' is 0, 1 or 2"}};
	for (int i = 0; i < EG_COUNT(wrong); i++) {
		assert_null(eg_sound_features_new(&wrong[i].o, &f->err));
		assert_says(f->err.message, wrong[i].words);
	}
}

/* ---- and back ---------------------------------------------------------------------------------------------------- */

/* How far the strengths of what was made are from those that were asked for, as a share. */
static double missed(const eg_griffin_lim *g, const float *strengths, const float *x) {
	double miss = 0, all = 0;
	float window[256], frame[256], spectrum[258];
	void *room = malloc(eg_fourier_room(g->fft));
	assert_non_null(room);
	eg_fourier *there = eg_fourier_begin(room, g->fft, false);
	eg_hann(g->window, window);
	for (int t = 0; t < g->frames; t++) {
		memset(frame, 0, sizeof frame);
		for (int i = 0; i < g->window; i++) frame[i] = x[t * g->hop + i] * window[i];
		eg_fourier_forward(there, frame, spectrum);
		for (int k = 0; k <= g->fft / 2; k++) {
			const double is = hypot((double)spectrum[2 * k], (double)spectrum[2 * k + 1]), was = (double)strengths[t * 129 + k];
			miss += (is - was) * (is - was), all += was * was;
		}
	}
	free(room);
	return sqrt(miss / all);
}

static void there_and_back(void **state) {
	sources *f = *state;
	if (!HAVE_KISSFFT) skip();
	const eg_griffin_lim g = {.frames = 40, .window = 240, .hop = 60, .fft = 256, .rounds = 60, .momentum = 0.99, .seed = 3};
	enum { N = 39 * 60 + 240 };
	float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y), *strengths = malloc(40 * 129 * sizeof *strengths);
	float window[240], frame[256], spectrum[258];
	void *room = malloc(eg_fourier_room(256)), *back = malloc(eg_fourier_room(256));
	assert_true(x && y && strengths && room && back);
	for (int i = 0; i < N; i++) x[i] = (float)(0.3 * sin(0.2 * i + 4 * sin(0.002 * i)) + 0.2 * sin(0.5 * i));
	eg_fourier *there = eg_fourier_begin(room, 256, false);
	eg_hann(240, window);
	for (int t = 0; t < 40; t++) {
		memset(frame, 0, sizeof frame);
		for (int i = 0; i < 240; i++) frame[i] = x[t * 60 + i] * window[i];
		eg_fourier_forward(there, frame, spectrum);
		for (int k = 0; k < 129; k++) strengths[t * 129 + k] = hypotf(spectrum[2 * k], spectrum[2 * k + 1]);
	}
	float again[256];
	eg_fourier_inverse(eg_fourier_begin(back, 256, true), spectrum, again);
	for (int i = 0; i < 256; i++) assert_true(fabsf(again[i] / 256 - frame[i]) < 1e-5F);
	assert_int_equal(eg_griffin_lim_run(&g, strengths, y, &f->err), EG_OK);
	assert_true(missed(&g, strengths, y) < 0.1);
	eg_griffin_lim none = g;
	none.rounds = 0;
	assert_int_equal(eg_griffin_lim_run(&none, strengths, y, &f->err), EG_OK);
	assert_true(missed(&g, strengths, y) > 0.3);
	free(x), free(y), free(strengths), free(room), free(back);
}

/* Of a sound that glides the energies in bands come back, nearly: within a decibel and a half where there is any. */
static void bands_and_back(void **state) {
	sources *f = *state;
	if (!HAVE_KISSFFT) skip();
	const eg_sound_options o = {.rate = 8000, .window = 256, .hop = 64, .fft = 512, .bands = 48, .high = 4000};
	enum { STEPS = 60, N = (STEPS - 1) * 64 + 256 };
	eg_sound_features *features = eg_sound_features_new(&o, &f->err);
	assert_non_null(features);
	float *x = malloc(N * sizeof *x), *y = malloc(N * sizeof *y), *was = malloc(STEPS * 48 * sizeof *was), *is = malloc(STEPS * 48 * sizeof *is);
	void *room = malloc(eg_sound_features_room(features));
	assert_true(x && y && was && is && room);
	for (int i = 0; i < N; i++) { /* a voice: harmonics of a pitch that rises */
		const double pitch = 0.1 * i + 2e-6 * i * i;
		x[i] = 0;
		for (int k = 1; k <= 12; k++) x[i] += (float)(0.2 / k * sin(k * pitch));
	}
	assert_int_equal(eg_sound_features_steps(&o, N), STEPS);
	eg_sound_features_of(features, x, N, was, room);
	assert_int_equal(eg_sound_features_sound(features, was, STEPS, 60, 1, y, &f->err), EG_OK);
	eg_sound_features_of(features, y, N, is, room);
	double miss = 0;
	int n = 0;
	for (int t = 4; t < STEPS - 4; t++) /* at the ends few frames say what there is */
		for (int b = 0; b < 48; b++)
			if (was[t * 48 + b] > -9) miss += fabs((double)(was[t * 48 + b] - is[t * 48 + b])), n++;
	assert_true(n > 1000);
	assert_true(10 / log(10) * miss / n < 1.5);
	free(x), free(y), free(was), free(is), free(room);
	eg_sound_features_free(features);
	const eg_sound_options mfcc = {.kind = EG_SOUND_MFCC, .rate = 8000, .window = 256, .hop = 64, .fft = 256, .bands = 20, .high = 4000, .coefficients = 13};
	features = eg_sound_features_new(&mfcc, &f->err);
	assert_non_null(features);
	float steps[13] = {0}, out[256];
	assert_int_equal(eg_sound_features_sound(features, steps, 1, 1, 1, out, &f->err), EG_ERR_ARG);
	assert_says(f->err.message, "log_mel alone");
	eg_sound_features_free(features);
}

/* ---- augmentations ----------------------------------------------------------------------------------------------- */

static const eg_augment_type *kind_of(const char *name) {
	for (int i = 0; eg_augment_at(i); i++)
		if (!strcmp(eg_augment_at(i)->name, name) && eg_augment_at(i)->works_on & EG_KINDS_OF(SOUND)) return eg_augment_at(i);
	fail_msg("there is no augmentation '%s'", name);
	return NULL;
}

static const eg_field sound_field = {.name = "sound", .kind = EG_FIELD_SOUND, .rate = 8000};
/* A tone of half a second through an augmentation, as record `item`. */
static eg_datum changed(sources *f, const char *name, const float *x, int64_t item, eg_record *r) {
	const eg_augment_type *type = kind_of(name);
	_Alignas(16) char options[EG_AUGMENT_MOST] = {0};
	type->defaults(options);
	((eg_augment_options *)(void *)options)->probability = 1;
	eg_record_reset(r);
	r->fields[0] = (eg_datum){.there = true, .sound = {4000, 1, 8000, x}};
	eg_augment_call c = {.options = options, .fields = &sound_field, .nfields = 1, .record = r, .inputs = 1, .draw = eg_draw_of(1, 0, item, 0)};
	assert_int_equal(type->apply(&c, &f->err), EG_OK);
	return r->fields[0];
}

/* Cycles a sample of a tone, by its zero crossings from below. */
static double cycles_of(const eg_datum_sound *s) {
	int64_t first = -1, last = -1, n = 0;
	for (int64_t i = s->n / 8; i < s->n * 7 / 8; i++)
		if (s->at[i - 1] < 0 && s->at[i] >= 0) {
			if (first < 0) first = i;
			last = i, n++;
		}
	return n > 1 ? (double)(n - 1) / (double)(last - first) : 0;
}

static double power_of(const float *x, int64_t n) {
	double sum = 0;
	for (int64_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
	return sum / (double)n;
}

static void augmented(void **state) {
	sources *f = *state;
	if (!HAVE_SAMPLERATE) skip();
	float *x = tone(4000, 0.05), *same = tone(4000, 0.05);
	eg_record r = {0};
	for (int item = 0; item < 12; item++) {
		eg_datum d = changed(f, "speed", x, item, &r);
		const double factor = 4000.0 / (double)d.sound.n;
		assert_true(factor > 0.89 && factor < 1.11 && fabs(cycles_of(&d.sound) - 0.05 * factor) < 1e-3);
		d = changed(f, "pitch", x, item, &r);
		const double high = cycles_of(&d.sound) / 0.05;
		assert_true(d.sound.n == 4000 && high > 0.88 && high < 1.13 && fabs(power_of(d.sound.at + 500, 3000) - 0.125) < 0.03);
		if (item == 0) assert_true(fabs(high - 1) > 0.005);
		d = changed(f, "gain", x, item, &r);
		const double louder = 10 * log10(power_of(d.sound.at, 4000) / power_of(x, 4000));
		assert_true(fabs(louder) < 6.001 && fabs(louder) > 1e-3);
		d = changed(f, "microphone", x, item, &r); /* a tone stays one, and as far behind */
		const double strength = sqrt(power_of(d.sound.at + 500, 3000) / power_of(x + 500, 3000));
		assert_true(fabs(20 * log10(strength)) < 6.5 && fabs(strength - 1) > 1e-4 && d.sound.n == 4000);
		for (int i = 500; i < 3500; i++) assert_true(fabs((double)d.sound.at[i] - strength * (double)x[i]) < 1e-3);
		d = changed(f, "hiss", x, item, &r);
		double noise_power = 0;
		for (int i = 0; i < 4000; i++) noise_power += pow((double)d.sound.at[i] - (double)x[i], 2) / 4000;
		const double snr = 10 * log10(power_of(x, 4000) / noise_power);
		assert_true(snr > 9.5 && snr < 30.5);
		d = changed(f, "spec_augment", x, item, &r);
		assert_true(d.hidden && d.hidden->nsteps == 2 && d.hidden->nbands == 2 && d.sound.at == x);
		for (int k = 0; k < 2; k++) {
			assert_true(d.hidden->steps[k].from >= 0 && d.hidden->steps[k].to <= 1 && d.hidden->steps[k].to - d.hidden->steps[k].from <= 0.1);
			assert_true(d.hidden->bands[k].from >= 0 && d.hidden->bands[k].to <= 1 && d.hidden->bands[k].to - d.hidden->bands[k].from <= 0.2);
		}
	}
	assert_memory_equal(x, same, 4000 * sizeof *x); /* the source's own */
	eg_record_free(&r);
	free(x), free(same);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, sources_setup, sources_teardown)
	const struct CMUnitTest tests[] = {CASE(files), CASE(written), CASE(rates), CASE(by_hand), CASE(streamed), CASE(refused),
		CASE(there_and_back), CASE(bands_and_back), CASE(augmented)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
