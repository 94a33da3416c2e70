/* spectrum.c - Fourier transforms through kissfft, the only file that knows it, and the way back from the strengths of
 * frequencies to sound. */
#include "data/sound.h"

#include <math.h>
#include <string.h>

#define PI 3.14159265358979323846

void eg_hann(int n, float *window) {
	for (int i = 0; i < n; i++) window[i] = (float)(0.5 - 0.5 * cos(2 * PI * i / n));
}

#ifdef ENGRAM_HAVE_KISSFFT

#include <kiss_fftr.h>

eg_status eg_fourier_check(eg_error *err) {
	EG_UNUSED(err);
	return EG_OK;
}

size_t eg_fourier_room(int n) {
	size_t bytes = 0;
	kiss_fftr_alloc(n, 0, NULL, &bytes);
	return (bytes + 15) / 16 * 16;
}

eg_fourier *eg_fourier_begin(void *room, int n, bool inverse) {
	size_t bytes = eg_fourier_room(n);
	return (eg_fourier *)kiss_fftr_alloc(n, inverse, room, &bytes);
}

void eg_fourier_forward(eg_fourier *f, const float *x, float *spectrum) {
	kiss_fftr((kiss_fftr_cfg)f, x, (kiss_fft_cpx *)spectrum);
}

void eg_fourier_inverse(eg_fourier *f, const float *spectrum, float *x) {
	kiss_fftri((kiss_fftr_cfg)f, (const kiss_fft_cpx *)spectrum, x);
}

#else

eg_status eg_fourier_check(eg_error *err) {
	return eg_fail(err, EG_ERR_ARG, "this engram was built without kissfft, and computes no spectra: install it (tools/setup) and "
		"build again, or take the features 'raw'");
}
size_t eg_fourier_room(int n) {
	EG_UNUSED(n);
	return 16;
}
eg_fourier *eg_fourier_begin(void *room, int n, bool inverse) {
	EG_UNUSED(n), EG_UNUSED(inverse);
	return room;
}
void eg_fourier_forward(eg_fourier *f, const float *x, float *spectrum) { EG_UNUSED(f), EG_UNUSED(x), EG_UNUSED(spectrum); }
void eg_fourier_inverse(eg_fourier *f, const float *spectrum, float *x) { EG_UNUSED(f), EG_UNUSED(spectrum), EG_UNUSED(x); }

#endif

/* ---- from strengths to sound ------------------------------------------------------------------------------------- */

typedef struct griffin {
	const eg_griffin_lim *g;
	eg_fourier *there, *back;
	const float *strengths;
	float *spectrum, *before; /* (frames, fft/2+1) complex: with the phases of now, and of the round before */
	float *window, *weight, *frame, *one;
	int64_t n; /* samples */
} griffin;

/* The sound whose frames come nearest to the spectra: frames are added up where they lie, and divided by windows. */
static void sound_of(griffin *s, float *out) {
	const eg_griffin_lim *g = s->g;
	const ptrdiff_t bins = 2 * (g->fft / 2 + 1);
	memset(out, 0, (size_t)s->n * sizeof *out);
	for (int t = 0; t < g->frames; t++) {
		eg_fourier_inverse(s->back, s->spectrum + t * bins, s->frame);
		for (int i = 0; i < g->window; i++) out[(ptrdiff_t)t * g->hop + i] += s->frame[i] / (float)g->fft * s->window[i];
	}
	for (int64_t i = 0; i < s->n; i++) out[i] = s->weight[i] > 1e-6F ? out[i] / s->weight[i] : 0;
}

/* Its own spectra, of which the phases are kept, and the strengths replaced. */
static void spectra_of(griffin *s, const float *x) {
	const eg_griffin_lim *g = s->g;
	const int bins = g->fft / 2 + 1;
	const float m = (float)g->momentum;
	for (int t = 0; t < g->frames; t++) {
		float *to = s->spectrum + (ptrdiff_t)t * 2 * bins, *before = s->before + (ptrdiff_t)t * 2 * bins;
		const float *strength = s->strengths + (ptrdiff_t)t * bins;
		memset(s->frame, 0, (size_t)g->fft * sizeof *s->frame);
		for (int i = 0; i < g->window; i++) s->frame[i] = x[(ptrdiff_t)t * g->hop + i] * s->window[i];
		eg_fourier_forward(s->there, s->frame, s->one);
		for (int k = 0; k < bins; k++) {
			const float re = s->one[2 * k] + m * (s->one[2 * k] - before[2 * k]);
			const float im = s->one[2 * k + 1] + m * (s->one[2 * k + 1] - before[2 * k + 1]);
			const float size = hypotf(re, im);
			before[2 * k] = s->one[2 * k], before[2 * k + 1] = s->one[2 * k + 1];
			to[2 * k] = size > 0 ? strength[k] * re / size : strength[k];
			to[2 * k + 1] = size > 0 ? strength[k] * im / size : 0;
		}
	}
}

static void begin(griffin *s) {
	const eg_griffin_lim *g = s->g;
	const int64_t bins = g->fft / 2 + 1;
	const eg_rng rng = {g->seed, 0};
	eg_hann(g->window, s->window);
	for (int t = 0; t < g->frames; t++)
		for (int i = 0; i < g->window; i++) s->weight[(ptrdiff_t)t * g->hop + i] += s->window[i] * s->window[i];
	for (int64_t i = 0; i < g->frames * bins; i++) {
		const double phase = 2 * PI * eg_rng_uniform(rng, (uint64_t)i);
		s->spectrum[2 * i] = s->strengths[i] * (float)cos(phase);
		s->spectrum[2 * i + 1] = s->strengths[i] * (float)sin(phase);
	}
}

eg_status eg_griffin_lim_run(const eg_griffin_lim *g, const float *strengths, float *out, eg_error *err) {
	const size_t bins = (size_t)g->fft / 2 + 1, numbers = 2 * bins * (size_t)g->frames;
	griffin s = {.g = g, .strengths = strengths, .n = (int64_t)(g->frames - 1) * g->hop + g->window};
	eg_arena arena = {0};
	eg_status status = EG_OK;
	if (g->frames <= 0) return eg_fail(err, EG_ERR_ARG, "there is no frame to make sound of");
	if (eg_fourier_check(err)) return EG_ERR_ARG;
	void *there = eg_arena_alloc(&arena, eg_fourier_room(g->fft)), *back = eg_arena_alloc(&arena, eg_fourier_room(g->fft));
	s.spectrum = eg_arena_alloc(&arena, numbers * sizeof(float));
	s.before = eg_arena_alloc(&arena, numbers * sizeof(float));
	s.window = eg_arena_alloc(&arena, (size_t)g->window * sizeof(float));
	s.frame = eg_arena_alloc(&arena, (size_t)g->fft * sizeof(float));
	s.one = eg_arena_alloc(&arena, 2 * bins * sizeof(float));
	s.weight = eg_arena_alloc(&arena, (size_t)s.n * sizeof(float));
	if (there && back && s.spectrum && s.before && s.window && s.frame && s.one && s.weight) {
		s.there = eg_fourier_begin(there, g->fft, false);
		s.back = eg_fourier_begin(back, g->fft, true);
		begin(&s);
		sound_of(&s, out);
		for (int i = 0; i < g->rounds; i++) {
			spectra_of(&s, out);
			sound_of(&s, out);
		}
	} else
		status = eg_fail(err, EG_ERR_MEMORY, "out of memory for sound");
	eg_arena_free(&arena);
	return status;
}
