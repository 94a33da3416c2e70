/* minimum.c - the smallest value of a function that gives no slope: L-BFGS (lbfgs.c) with central differences, begun
 * anew where it ends, since what it remembers of a far place may hold it up. */
#include "series/lbfgs.h"
#include "series/series.h"

#include <string.h>

typedef struct slope {
	eg_valued f;
	void *user;
	int n;
	double *x;
} slope;

static bool differences(void *user, const double *x, double *value, double *gradient) {
	const slope *s = user;
	*value = s->f(s->user, x);
	if (!isfinite(*value)) {
		*value = INFINITY;
		for (int i = 0; i < s->n; i++) gradient[i] = 0;
		return true;
	}
	memcpy(s->x, x, (size_t)s->n * sizeof *x);
	for (int i = 0; i < s->n; i++) {
		const double h = 6e-6 * fmax(1, fabs(x[i]));
		s->x[i] = x[i] + h;
		double above = s->f(s->user, s->x);
		s->x[i] = x[i] - h;
		double below = s->f(s->user, s->x);
		s->x[i] = x[i];
		if (!isfinite(above)) above = *value;
		if (!isfinite(below)) below = *value;
		gradient[i] = (above - below) / (2 * h);
	}
	return true;
}

eg_status eg_series_minimise(
	double *x, int n, int steps, bool roughly, eg_valued f, void *user, double *value, eg_error *err) {
	enum { ROUNDS = 4 };
	double before = f(user, x);
	*value = before;
	if (n == 0 || !isfinite(before)) return EG_OK;
	slope s = {f, user, n, eg_alloc(NULL, (size_t)n * sizeof(double))};
	if (!s.x) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a function's minimum");
	eg_status status = EG_OK;
	for (int i = 0; i < ROUNDS && !status; i++) {
		status = eg_lbfgs(x, (size_t)n, steps, 1e-9, roughly ? 1e-6 : 1e-10, differences, &s, err);
		*value = f(user, x);
		if (roughly || before - *value < 1e-9) break;
		before = *value;
	}
	eg_release(NULL, s.x);
	return status;
}
