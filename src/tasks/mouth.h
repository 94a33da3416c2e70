/* mouth.h - a network that speaks: what it says of the texts of a batch, frame by frame, until it stops by itself; and
 * these frames as sound. */
#ifndef ENGRAM_TASKS_MOUTH_H
#define ENGRAM_TASKS_MOUTH_H

#include "tasks/intake_spoken.h"
#include "tasks/scribe.h"

/* What is said of the rows of a batch. Zero-initialise. */
typedef struct eg_mouth {
	eg_scribe *scribe;
	const eg_graph *graph;
	const eg_params *params;
	int n, steps, width; /* rows; steps of the longest; numbers a step. n 0: nothing */
	eg_real *told;       /* (steps, n, width) */
	eg_real *attention;  /* (steps, n, places of the text); NULL: not told */
	int *ends;           /* steps of each row */
	bool *stopped;       /* did it stop by itself? */
} eg_mouth;
void eg_mouth_clear(eg_mouth *m);

/* Of all rows of the batch that row r is one of: at most so many steps, and no more than it takes to be this sure,
 * 0..1, that it was the last. */
eg_status eg_mouth_speak(eg_mouth *m, const eg_task *t, const eg_row *r, int most, double sure, eg_error *err);
/* The sound of row i: phases by the seed. *sound is from eg_alloc, to be released. */
typedef struct eg_mouth_sound {
	float *at;
	int64_t n;
	double rate;
} eg_mouth_sound;
eg_status eg_mouth_sound_of(
	const eg_mouth *m, const eg_task *t, int i, int rounds, uint64_t seed, eg_mouth_sound *sound, eg_error *err);

#endif
