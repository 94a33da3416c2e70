/* features.c - what networks are given of sound: pieces of it, the energy in bands of frequency, and their cosine
 * transform; of a whole recording, or as it comes in.
 *
 * A frame is computed in one function, whoever asks: a stream gives the same bits as the whole. Not here: Fourier
 * transforms (spectrum.c). */
#include "data/sound.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846
enum { SPAN = 2 * EG_DELTA_REACH + 1, WINDOW_MOST = 1 << 20, BANDS_MOST = 1024 };

/* A triangle over frequencies [from, from + n). */
typedef struct band {
	int from, n;
	const float *weights;
} band;

struct eg_sound_features {
	eg_sound_options o;
	eg_arena arena;
	int base, width; /* numbers of a step without slopes, and with them */
	double quietest; /* energy of a band */
	float *window;
	band *bands;
	float *cosines; /* (coefficients, bands) */
	size_t room, fourier;
};

int eg_sound_features_width(const eg_sound_options *o) {
	const int base = o->kind == EG_SOUND_RAW ? o->window : o->kind == EG_SOUND_MFCC ? o->coefficients : o->bands;
	return base * (1 + o->deltas);
}

int64_t eg_sound_features_steps(const eg_sound_options *o, int64_t n) {
	const int64_t reach = n <= o->window ? 1 : 1 + (n - o->window + o->hop - 1) / o->hop, begun = (n + o->hop - 1) / o->hop;
	return n <= 0 ? 0 : reach < begun ? reach : begun;
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

/* Slaney's mels: linear up to 1000 Hz, 27 to a factor of 6.4 above. */
static double mel_of(double hz) { return hz < 1000 ? hz * 3 / 200 : 15 + 27 * log(hz / 1000) / log(6.4); }
static double hz_of(double mel) { return mel < 15 ? mel * 200 / 3 : 1000 * exp((mel - 15) * log(6.4) / 27); }

/* How high the triangle (left, middle, right) stands at a frequency; its area is 1. */
static double triangle(double hz, double left, double middle, double right) {
	const double up = (hz - left) / (middle - left), down = (right - hz) / (right - middle);
	return fmax(0, fmin(up, down)) * 2 / (right - left);
}

static bool make_bands(eg_sound_features *f) {
	const eg_sound_options *o = &f->o;
	const double low = mel_of(o->low), step = (mel_of(o->high) - low) / (o->bands + 1), bin = o->rate / o->fft;
	const int bins = o->fft / 2 + 1;
	f->bands = eg_arena_alloc(&f->arena, (size_t)o->bands * sizeof *f->bands);
	for (int b = 0; b < o->bands && f->bands; b++) {
		const double left = hz_of(low + b * step), middle = hz_of(low + (b + 1) * step), right = hz_of(low + (b + 2) * step);
		int from = 0, to = bins;
		while (from < bins && !(triangle(from * bin, left, middle, right) > 0)) from++;
		while (to > from && !(triangle((to - 1) * bin, left, middle, right) > 0)) to--;
		float *weights = eg_arena_alloc(&f->arena, (size_t)(to - from + 1) * sizeof *weights);
		if (!weights) return false;
		for (int k = from; k < to; k++) weights[k - from] = (float)triangle(k * bin, left, middle, right);
		f->bands[b] = (band){from, to - from, weights};
	}
	return f->bands != NULL;
}

static bool make_cosines(eg_sound_features *f) {
	const int n = f->o.bands, m = f->o.coefficients;
	f->cosines = eg_arena_alloc(&f->arena, (size_t)m * (size_t)n * sizeof *f->cosines);
	for (int c = 0; c < m && f->cosines; c++)
		for (int b = 0; b < n; b++)
			f->cosines[c * n + b] = (float)(cos(PI * c * (2 * b + 1) / (2.0 * n)) * sqrt((c ? 2.0 : 1.0) / n));
	return f->cosines != NULL;
}

/* ---- is that possible? ------------------------------------------------------------------------------------------- */

static eg_status check(const eg_sound_options *o, eg_error *err) {
	if (!(o->rate > 0) || o->window < 1 || o->hop < 1 || o->window > WINDOW_MOST || o->hop > WINDOW_MOST)
		return eg_fail(err, EG_ERR_ARG, "frames of %d samples every %d at %g Hz: all must be above 0, and at most %d samples", o->window,
			o->hop, o->rate, WINDOW_MOST);
	if (o->deltas < 0 || o->deltas > 2) return eg_fail(err, EG_ERR_ARG, "'deltas' is 0, 1 or 2");
	if (o->kind == EG_SOUND_RAW) return EG_OK;
	if (o->fft < o->window || o->fft % 2 || o->fft > WINDOW_MOST)
		return eg_fail(err, EG_ERR_ARG, "a transform of %d samples: it must be even, and at least as long as the window, %d", o->fft,
			o->window);
	if (o->bands < 1 || o->bands > BANDS_MOST)
		return eg_fail(err, EG_ERR_ARG, "%d bands: from 1 to %d there may be", o->bands, BANDS_MOST);
	if (!(o->low >= 0 && o->low < o->high && o->high <= o->rate / 2))
		return eg_fail(err, EG_ERR_ARG, "bands from %g to %g Hz: sound at %g Hz holds frequencies from 0 to %g", o->low, o->high, o->rate,
			o->rate / 2);
	if (o->kind == EG_SOUND_MFCC && (o->coefficients < 1 || o->coefficients > o->bands))
		return eg_fail(err, EG_ERR_ARG, "%d coefficients of %d bands: there are at most as many as bands", o->coefficients, o->bands);
	return eg_fourier_check(err);
}

static size_t floats(size_t n) { return (n * sizeof(float) + 15) / 16 * 16; }

eg_sound_features *eg_sound_features_new(const eg_sound_options *o, eg_error *err) {
	if (check(o, err)) return NULL;
	eg_sound_features *f = eg_calloc(NULL, 1, sizeof *f);
	bool done = f != NULL;
	if (done) {
		f->o = *o;
		f->width = eg_sound_features_width(o);
		f->base = f->width / (1 + o->deltas);
		f->quietest = o->quietest < 0 ? pow(10, o->quietest / 10) : 1e-10;
	}
	if (done && o->kind != EG_SOUND_RAW) {
		f->window = eg_arena_alloc(&f->arena, (size_t)o->window * sizeof *f->window);
		done = f->window && make_bands(f) && (o->kind != EG_SOUND_MFCC || make_cosines(f));
		if (done) eg_hann(o->window, f->window);
		f->fourier = eg_fourier_room(o->fft);
		f->room = f->fourier + floats((size_t)o->fft) + floats((size_t)o->fft + 2) + floats((size_t)o->bands);
	}
	if (done) return f;
	eg_sound_features_free(f);
	eg_fail(err, EG_ERR_MEMORY, "out of memory for features of sound");
	return NULL;
}

void eg_sound_features_free(eg_sound_features *f) {
	if (!f) return;
	eg_arena_free(&f->arena);
	eg_release(NULL, f);
}

size_t eg_sound_features_room(const eg_sound_features *f) { return f->room; }

const float *eg_sound_features_window(const eg_sound_features *f, double *quietest) {
	*quietest = f->quietest;
	return f->window;
}

void eg_sound_features_tables(const eg_sound_features *f, float *mel, float *cosines) {
	const int bands = f->o.bands, m = f->o.coefficients;
	memset(mel, 0, ((size_t)f->o.fft / 2 + 1) * (size_t)bands * sizeof *mel);
	for (int b = 0; b < bands; b++)
		for (int k = 0; k < f->bands[b].n; k++) mel[(f->bands[b].from + k) * bands + b] = f->bands[b].weights[k];
	for (int i = 0; f->cosines && i < bands * m; i++) cosines[i % bands * m + i / bands] = f->cosines[i];
}

/* ---- one frame --------------------------------------------------------------------------------------------------- */

/* What a frame is computed in. */
typedef struct bench {
	eg_fourier *fourier;
	float *frame, *spectrum, *energies;
} bench;

static bench bench_in(const eg_sound_features *f, void *room) {
	bench b = {0};
	char *at = room;
	if (f->o.kind == EG_SOUND_RAW) return b;
	b.fourier = eg_fourier_begin(at, f->o.fft, false);
	b.frame = (float *)(void *)(at += f->fourier);
	b.spectrum = (float *)(void *)(at += floats((size_t)f->o.fft));
	b.energies = (float *)(void *)(at + floats((size_t)f->o.fft + 2));
	return b;
}

static void log_mel(const eg_sound_features *f, const float *x, int n, const bench *on, float *out) {
	const int window = f->o.window;
	for (int i = 0; i < f->o.fft; i++) on->frame[i] = i < n && i < window ? x[i] * f->window[i] : 0;
	eg_fourier_forward(on->fourier, on->frame, on->spectrum);
	for (int b = 0; b < f->o.bands; b++) {
		const band *at = &f->bands[b];
		const float *s = on->spectrum + 2 * (ptrdiff_t)at->from;
		double sum = 0;
		for (int k = 0; k < at->n; k++) sum += (double)(at->weights[k] * (s[2 * k] * s[2 * k] + s[2 * k + 1] * s[2 * k + 1]));
		out[b] = (float)log(fmax(f->quietest, sum));
	}
}

/* The frame that begins at x, of which there are n samples; the others are 0. */
static void frame_of(const eg_sound_features *f, const float *x, int64_t n, const bench *on, float *out) {
	const int there = n > f->o.window ? f->o.window : n > 0 ? (int)n : 0;
	if (f->o.kind == EG_SOUND_RAW) {
		for (int i = 0; i < f->o.window; i++) out[i] = i < there ? x[i] : 0;
	} else if (f->o.kind == EG_SOUND_LOG_MEL)
		log_mel(f, x, there, on, out);
	else {
		log_mel(f, x, there, on, on->energies);
		for (int c = 0; c < f->o.coefficients; c++) {
			double sum = 0;
			for (int b = 0; b < f->o.bands; b++) sum += (double)(f->cosines[c * f->o.bands + b] * on->energies[b]);
			out[c] = (float)sum;
		}
	}
}

/* ---- slopes ------------------------------------------------------------------------------------------------------ */

/* The slope of a straight line through nine steps. at[k] is step t - 4 + k. */
static void slope(const float *const at[SPAN], int n, float *out) {
	double all = 0;
	for (int k = 1; k <= EG_DELTA_REACH; k++) all += 2.0 * k * k;
	for (int i = 0; i < n; i++) {
		double sum = 0;
		for (int k = 1; k <= EG_DELTA_REACH; k++) sum += k * (double)(at[EG_DELTA_REACH + k][i] - at[EG_DELTA_REACH - k][i]);
		out[i] = (float)(sum / all);
	}
}

/* Column group `order` of all steps from the one before it. */
static void slopes(const eg_sound_features *f, float *x, int64_t steps, int order) {
	for (int64_t t = 0; t < steps; t++) {
		const float *at[SPAN];
		for (int k = 0; k < SPAN; k++) {
			int64_t from = t + k - EG_DELTA_REACH;
			from = from < 0 ? 0 : from >= steps ? steps - 1 : from;
			at[k] = x + from * f->width + (ptrdiff_t)(order - 1) * f->base;
		}
		slope(at, f->base, x + t * f->width + (ptrdiff_t)order * f->base);
	}
}

void eg_sound_features_of(const eg_sound_features *f, const float *x, int64_t n, float *out, void *room) {
	const int64_t steps = eg_sound_features_steps(&f->o, n);
	const bench on = bench_in(f, room);
	for (int64_t t = 0; t < steps; t++) frame_of(f, x + t * f->o.hop, n - t * f->o.hop, &on, out + t * f->width);
	for (int order = 1; order <= f->o.deltas; order++) slopes(f, out, steps, order);
}

/* ---- and back ---------------------------------------------------------------------------------------------------- */

enum { ROUNDS_OF_BANDS = 100 };
static const double momentum = 0.99; /* of Griffin and Lim: Perraudin and others 2013 */

/* to = M'e: what energies of the bands are spread over the frequencies. */
static void spread(const eg_sound_features *f, const float *energies, float *to) {
	memset(to, 0, ((size_t)f->o.fft / 2 + 1) * sizeof *to);
	for (int b = 0; b < f->o.bands; b++)
		for (int k = 0; k < f->bands[b].n; k++) to[f->bands[b].from + k] += f->bands[b].weights[k] * energies[b];
}

/* Strengths of the frequencies of one step. */
static void strengths_of(const eg_sound_features *f, const float *step, const bench *on, float *strengths) {
	const int bins = f->o.fft / 2 + 1;
	float *wanted = on->spectrum, *has = on->frame;
	for (int b = 0; b < f->o.bands; b++) on->energies[b] = expf(step[b]);
	spread(f, on->energies, wanted);
	memcpy(strengths, wanted, (size_t)bins * sizeof *strengths);
	for (int i = 0; i < ROUNDS_OF_BANDS; i++) {
		for (int b = 0; b < f->o.bands; b++) {
			const band *at = &f->bands[b];
			double sum = 0;
			for (int k = 0; k < at->n; k++) sum += (double)(at->weights[k] * strengths[at->from + k]);
			on->energies[b] = (float)sum;
		}
		spread(f, on->energies, has);
		for (int k = 0; k < bins; k++) strengths[k] *= has[k] > 0 ? wanted[k] / has[k] : 0;
	}
	for (int k = 0; k < bins; k++) strengths[k] = sqrtf(strengths[k]);
}

eg_status eg_sound_features_sound(
	const eg_sound_features *f, const float *steps, int n, int rounds, uint64_t seed, float *out, eg_error *err) {
	const eg_sound_options *o = &f->o;
	if (o->kind != EG_SOUND_LOG_MEL || o->deltas)
		return eg_fail(err, EG_ERR_ARG, "sound can be made of the features log_mel alone, without slopes");
	const size_t bins = (size_t)o->fft / 2 + 1;
	eg_arena arena = {0};
	float *strengths = eg_arena_alloc(&arena, ((size_t)n + 1) * bins * sizeof *strengths);
	void *room = eg_arena_alloc(&arena, f->room + 16);
	eg_status status = strengths && room ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for sound");
	if (!status) {
		const bench on = bench_in(f, room);
		const eg_griffin_lim g = {
			.frames = n, .window = o->window, .hop = o->hop, .fft = o->fft, .rounds = rounds, .momentum = momentum, .seed = seed};
		for (int t = 0; t < n; t++) strengths_of(f, steps + (ptrdiff_t)t * o->bands, &on, strengths + (size_t)t * bins);
		status = eg_griffin_lim_run(&g, strengths, out, err);
	}
	eg_arena_free(&arena);
	return status;
}

/* ---- as it comes in ---------------------------------------------------------------------------------------------- */

/* Slopes of one order: the last nine steps of what they are slopes of, with all that belongs to these. */
typedef struct delay {
	float *rows;      /* (SPAN, width), a ring */
	int64_t got, put; /* steps that came in, and went out */
} delay;

struct eg_sound_stream {
	const eg_sound_features *f;
	eg_arena arena;
	bench on;
	float *samples; /* of the next frame, `held` of them */
	int held, skip; /* samples that no frame has, where hop is longer than the window */
	int64_t frames;
	bool fresh;     /* is a sample held that no frame had? */
	float *step[3]; /* what goes from one order to the next */
	delay delays[2];
};

void eg_sound_stream_free(eg_sound_stream *s) {
	if (!s) return;
	eg_arena_free(&s->arena);
	eg_release(NULL, s);
}

eg_sound_stream *eg_sound_stream_new(const eg_sound_features *f, eg_error *err) {
	eg_sound_stream *s = eg_calloc(NULL, 1, sizeof *s);
	bool done = s != NULL;
	if (done) {
		void *room = eg_arena_alloc(&s->arena, f->room + 16);
		s->f = f;
		s->samples = eg_arena_alloc(&s->arena, (size_t)f->o.window * sizeof(float));
		done = room && s->samples;
		for (int i = 0; i <= f->o.deltas && done; i++) done = (s->step[i] = eg_arena_alloc(&s->arena, (size_t)f->width * sizeof(float))) != NULL;
		for (int i = 0; i < f->o.deltas && done; i++)
			done = (s->delays[i].rows = eg_arena_alloc(&s->arena, SPAN * (size_t)f->width * sizeof(float))) != NULL;
		if (done) s->on = bench_in(f, room);
	}
	if (done) return s;
	eg_sound_stream_free(s);
	eg_fail(err, EG_ERR_MEMORY, "out of memory for features of sound");
	return NULL;
}

void eg_sound_stream_reset(eg_sound_stream *s) {
	s->held = s->skip = 0;
	s->frames = 0;
	s->fresh = false;
	for (int i = 0; i < 2; i++) s->delays[i].got = s->delays[i].put = 0;
}

/* The next step that can be told of one order: when `ended`, the last one stands for all behind it. */
static bool delay_next(const eg_sound_stream *s, delay *d, int order, bool ended, float *out) {
	const int width = s->f->width, base = s->f->base;
	const float *at[SPAN];
	if (d->put >= d->got || (!ended && d->put + EG_DELTA_REACH >= d->got)) return false;
	for (int k = 0; k < SPAN; k++) {
		int64_t from = d->put + k - EG_DELTA_REACH;
		from = from < 0 ? 0 : from >= d->got ? d->got - 1 : from;
		at[k] = d->rows + from % SPAN * width + (ptrdiff_t)(order - 1) * base;
	}
	memcpy(out, d->rows + d->put % SPAN * width, (size_t)(base * order) * sizeof *out);
	slope(at, base, out + (ptrdiff_t)order * base);
	d->put++;
	return true;
}

/* A frame through the slopes of each order; true: a step comes out. */
static bool pass_on(eg_sound_stream *s, int from, float *out) {
	const int deltas = s->f->o.deltas;
	for (int i = from; i < deltas; i++) {
		delay *d = &s->delays[i];
		memcpy(d->rows + d->got++ % SPAN * s->f->width, s->step[i], (size_t)s->f->width * sizeof(float));
		if (!delay_next(s, d, i + 1, false, s->step[i + 1])) return false;
	}
	memcpy(out, s->step[deltas], (size_t)s->f->width * sizeof *out);
	return true;
}

static void make_frame(eg_sound_stream *s) {
	const eg_sound_options *o = &s->f->o;
	frame_of(s->f, s->samples, s->held, &s->on, s->step[0]);
	s->frames++;
	s->fresh = false;
	if (o->hop < s->held)
		memmove(s->samples, s->samples + o->hop, (size_t)(s->held - o->hop) * sizeof *s->samples);
	s->skip = o->hop > s->held ? o->hop - s->held : 0;
	s->held = o->hop < s->held ? s->held - o->hop : 0;
}

int64_t eg_sound_stream_push(eg_sound_stream *s, const float *x, int64_t n, float *out, bool *step) {
	const int window = s->f->o.window;
	int64_t used = n < s->skip ? n : s->skip;
	s->skip -= (int)used;
	int64_t take = n - used < window - s->held ? n - used : window - s->held;
	*step = false;
	if (take > 0) memcpy(s->samples + s->held, x + used, (size_t)take * sizeof *x);
	if (take > 0) s->fresh = true;
	s->held += (int)take;
	if (s->held == window) {
		make_frame(s);
		*step = pass_on(s, 0, out);
	}
	return used + take;
}

bool eg_sound_stream_end(eg_sound_stream *s, float *out) {
	if (s->fresh) { /* samples that no frame has yet */
		make_frame(s);
		s->held = s->skip = 0;
		if (pass_on(s, 0, out)) return true;
	}
	for (int i = 0; i < s->f->o.deltas; i++)
		while (delay_next(s, &s->delays[i], i + 1, true, s->step[i + 1]))
			if (pass_on(s, i + 1, out)) return true;
	return false;
}
