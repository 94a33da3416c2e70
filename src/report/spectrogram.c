/* spectrogram.c - see spectrogram.h. Windows of 32 ms (Hann), at least every 8 ms. */
#include "report/spectrogram.h"

#include "data/sound.h"

#include <math.h>
#include <string.h>

enum { ROWS_MOST = 256 };
#define RANGE 70.0 /* decibels */
#define FAINTEST -30.0 /* of a strongest: below it is what the last bit of 16 does */

/* The transform's length: the power of two that holds 32 ms, within what a picture has rows for. */
static int length_of(double rate) {
	int fft = 32;
	while (fft < 0.032 * rate && fft < 2 * ROWS_MOST) fft *= 2;
	return fft;
}

/* Decibels of frame t into column t of map (fft/2, columns), high frequencies above. */
static void measure(const eg_datum_sound *d, eg_fourier *f, int fft, const float *window, int64_t from, float *frame, float *spectrum,
	eg_real *map, int t, int columns) {
	const int rows = fft / 2;
	for (int i = 0; i < fft; i++) frame[i] = from + i < d->n ? d->at[(from + i) * d->channels] * window[i] : 0;
	eg_fourier_forward(f, frame, spectrum);
	for (int k = 0; k < rows; k++) {
		const double re = (double)spectrum[2 * k], im = (double)spectrum[2 * k + 1];
		map[(ptrdiff_t)(rows - 1 - k) * columns + t] = (eg_real)(10 * log10(re * re + im * im + 1e-10));
	}
}

eg_status eg_spectrogram(eg_arena *a, const eg_datum_sound *d, int most, eg_pane *p, eg_error *err) {
	const double rate = d->rate > 0 ? d->rate : 1;
	const int fft = length_of(rate);
	int64_t hop = (int64_t)ceil((double)d->n / most);
	if (hop < fft / 4) hop = fft / 4;
	const int columns = d->n > 0 ? (int)((d->n + hop - 1) / hop) : 1;
	if (eg_fourier_check(err)) return EG_ERR_ARG;
	const size_t numbers = (size_t)(fft / 2) * (size_t)columns;
	void *room = eg_arena_alloc(a, eg_fourier_room(fft));
	float *window = eg_arena_alloc(a, (size_t)fft * sizeof *window), *frame = eg_arena_alloc(a, (size_t)fft * sizeof *frame);
	float *spectrum = eg_arena_alloc(a, ((size_t)fft + 2) * sizeof *spectrum);
	eg_real *map = eg_arena_alloc(a, numbers * sizeof *map);
	if (!room || !window || !frame || !spectrum || !map) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a spectrogram");
	eg_fourier *f = eg_fourier_begin(room, fft, false);
	eg_hann(fft, window);
	for (int t = 0; t < columns; t++) measure(d, f, fft, window, t * hop, frame, spectrum, map, t, columns);
	double strongest = -INFINITY;
	for (size_t i = 0; i < numbers; i++) strongest = fmax(strongest, (double)map[i]);
	if (strongest < FAINTEST) strongest = FAINTEST; /* silence is dark */
	for (size_t i = 0; i < numbers; i++) map[i] = (eg_real)fmax(0, ((double)map[i] - strongest) / RANGE + 1);
	if (eg_pane_map(a, map, fft / 2, columns, EG_PANE_SIZE, 1, NULL, 1, 1, p)) return EG_OK;
	return eg_fail(err, EG_ERR_MEMORY, "out of memory for a spectrogram");
}
