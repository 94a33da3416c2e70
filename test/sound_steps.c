/* sound_steps.c - prints features of a recording, a line a step, for test/interop/sound.py:
 *
 *   sound_steps FILE log_mel|mfcc WINDOW HOP FFT BANDS LOW HIGH COEFFICIENTS DELTAS */
#include "data/sound.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed(const eg_error *err) {
	fprintf(stderr, "sound_steps: %s\n", err->message);
	return 1;
}

int main(int argc, char **argv) {
	eg_error err = {EG_OK, ""};
	eg_record r = {0};
	eg_datum_sound s;
	if (argc != 11) return fprintf(stderr, "usage: sound_steps FILE KIND WINDOW HOP FFT BANDS LOW HIGH COEFFICIENTS DELTAS\n"), 2;
	if (eg_sound_load(NULL, argv[1], &r, &s, &err)) return failed(&err);
	const eg_sound_options o = {.kind = strcmp(argv[2], "mfcc") == 0 ? EG_SOUND_MFCC : EG_SOUND_LOG_MEL,
		.rate = s.rate,
		.window = atoi(argv[3]),
		.hop = atoi(argv[4]),
		.fft = atoi(argv[5]),
		.bands = atoi(argv[6]),
		.low = atof(argv[7]),
		.high = atof(argv[8]),
		.coefficients = atoi(argv[9]),
		.deltas = atoi(argv[10])};
	eg_sound_features *f = eg_sound_features_new(&o, &err);
	if (!f) return failed(&err);
	const int width = eg_sound_features_width(&o);
	const int64_t steps = eg_sound_features_steps(&o, s.n);
	float *x = eg_calloc(NULL, (size_t)(steps * width) + 1, sizeof *x);
	void *room = eg_alloc(NULL, eg_sound_features_room(f) + 16);
	if (!x || !room) return 1;
	eg_sound_features_of(f, s.at, s.n, x, room);
	for (int64_t t = 0; t < steps; t++)
		for (int k = 0; k < width; k++) printf("%.9g%c", (double)x[t * width + k], k + 1 < width ? ' ' : '\n');
	eg_release(NULL, x), eg_release(NULL, room);
	eg_sound_features_free(f);
	eg_record_free(&r);
	return 0;
}
