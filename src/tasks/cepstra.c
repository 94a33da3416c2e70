/* cepstra.c - see cepstra.h. */
#include "tasks/cepstra.h"

#include "data/sound.h"

#include <math.h>

enum { BANDS = 40 };

void eg_cepstra_free(eg_cepstra *c) {
	eg_release(NULL, c->at);
	*c = (eg_cepstra){0};
}

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for cepstra"); }

eg_status eg_cepstra_of(const float *x, int64_t n, double rate, eg_cepstra *c, eg_error *err) {
	eg_sound_options o = {.kind = EG_SOUND_MFCC,
	        .rate = rate,
	        .window = (int)lround(0.032 * rate),
	        .hop = (int)lround(0.008 * rate),
	        .fft = 512,
	        .bands = BANDS,
	        .high = fmin(4000, rate / 2),
	        .quietest = -80,
	        .coefficients = EG_CEPSTRA + 1};
	while (o.fft < o.window) o.fft *= 2;
	*c = (eg_cepstra){0};
	eg_sound_features *f = eg_sound_features_new(&o, err);
	if (!f) return err ? err->status : EG_ERR_MEMORY;
	const int64_t steps = eg_sound_features_steps(&o, n);
	float *all = eg_alloc(NULL, ((size_t)steps * (EG_CEPSTRA + 1) + 1) * sizeof *all);
	void *room = eg_alloc(NULL, eg_sound_features_room(f) + 16);
	c->at = eg_alloc(NULL, ((size_t)steps * EG_CEPSTRA + 1) * sizeof *c->at);
	c->n = (int)steps;
	eg_status status = all && room && c->at ? EG_OK : no_memory(err);
	if (!status) {
		const double each = sqrt(2.0 / BANDS) / 2 / 2; /* the transform is orthonormal there, and of energies */
		eg_sound_features_of(f, x, n, all, room);
		for (int64_t t = 0; t < steps; t++)
			for (int k = 0; k < EG_CEPSTRA; k++)
				c->at[t * EG_CEPSTRA + k] = (float)(each * (double)all[t * (EG_CEPSTRA + 1) + k + 1]);
	} else
		eg_cepstra_free(c);
	eg_release(NULL, room);
	eg_release(NULL, all);
	eg_sound_features_free(f);
	return status;
}

static double of_steps(const float *a, const float *b) {
	double sum = 0;
	for (int k = 0; k < EG_CEPSTRA; k++) sum += ((double)a[k] - (double)b[k]) * ((double)a[k] - (double)b[k]);
	return 10 / log(10) * sqrt(2 * sum);
}

/* The best path to a pair of steps: what it costs, and how many pairs it has. */
typedef struct reached {
	double cost;
	int n;
} reached;

static reached cheaper(reached a, reached b) { return b.cost < a.cost ? b : a; }

eg_status eg_cepstra_distortion(const eg_cepstra *a, const eg_cepstra *b, double *db, eg_error *err) {
	if (a->n < 1 || b->n < 1) return eg_fail(err, EG_ERR_ARG, "a recording without a sample is compared with nothing");
	reached *row = eg_alloc(NULL, (size_t)b->n * sizeof *row);
	if (!row) return no_memory(err);
	for (int i = 0; i < a->n; i++) {
		reached corner = {0};
		for (int k = 0; k < b->n; k++) {
			const reached above = row[k];
			reached from = {0};
			if (i > 0) from = above;
			if (k > 0) from = i > 0 ? cheaper(cheaper(corner, above), row[k - 1]) : row[k - 1];
			row[k] = (reached){from.cost + of_steps(a->at + (ptrdiff_t)i * EG_CEPSTRA, b->at + (ptrdiff_t)k * EG_CEPSTRA), from.n + 1};
			corner = above;
		}
	}
	*db = row[b->n - 1].cost / row[b->n - 1].n;
	eg_release(NULL, row);
	return EG_OK;
}
