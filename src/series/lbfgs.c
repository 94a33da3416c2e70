/* lbfgs.c - L-BFGS (Liu and Nocedal 1989): the direction of each step is that of Newton's method, with the inverse
 * of the second derivatives guessed from how the gradient has changed over the last few steps (Nocedal 1980: the
 * two loops below). The length is halved until the value has fallen as the slope promises (Armijo 1966). */
#include "series/lbfgs.h"

#include <math.h>
#include <string.h>

enum { KEPT = 8, HALVINGS = 30 };

typedef struct state {
	size_t n;
	double *memory, *x, *gradient, *direction, *tried, *slope;
	double *step[KEPT], *change[KEPT], inner[KEPT], weight[KEPT]; /* the last steps and changes of the gradient */
	int kept;
} state;

static double dot(const double *a, const double *b, size_t n) {
	double sum = 0;
	for (size_t i = 0; i < n; i++) sum += a[i] * b[i];
	return sum;
}

static void add(double *y, double a, const double *x, size_t n) {
	for (size_t i = 0; i < n; i++) y[i] += a * x[i];
}

/* direction = - H gradient */
static void choose_direction(state *s) {
	double *d = s->direction;
	for (size_t i = 0; i < s->n; i++) d[i] = -s->gradient[i];
	for (int k = s->kept - 1; k >= 0; k--) {
		s->weight[k] = dot(s->step[k], d, s->n) / s->inner[k];
		add(d, -s->weight[k], s->change[k], s->n);
	}
	if (s->kept > 0) {
		const double *y = s->change[s->kept - 1];
		double scale = s->inner[s->kept - 1] / dot(y, y, s->n);
		for (size_t i = 0; i < s->n; i++) d[i] *= scale;
	}
	for (int k = 0; k < s->kept; k++)
		add(d, s->weight[k] - dot(s->change[k], d, s->n) / s->inner[k], s->step[k], s->n);
}

/* Remembers the step from x to `tried`; the oldest is forgotten. */
static void remember(state *s) {
	int k = s->kept < KEPT ? s->kept : 0;
	double *step = s->step[k], *change = s->change[k];
	for (int i = 0; i < KEPT - 1 && s->kept == KEPT; i++) {
		s->step[i] = s->step[i + 1], s->change[i] = s->change[i + 1], s->inner[i] = s->inner[i + 1];
	}
	if (s->kept == KEPT) k = KEPT - 1, s->step[k] = step, s->change[k] = change;
	for (size_t i = 0; i < s->n; i++) step[i] = s->tried[i] - s->x[i], change[i] = s->slope[i] - s->gradient[i];
	double inner = dot(step, change, s->n);
	s->kept = k;
	bool bends_up = inner > 1e-12 * dot(change, change, s->n); /* else it says nothing of a minimum */
	if (bends_up) s->inner[k] = inner, s->kept = k + 1;
}

/* false: no length will do. */
static bool search(state *s, double *value, eg_slope f, void *user, bool *stopped) {
	double down = dot(s->gradient, s->direction, s->n), now;
	double length = s->kept ? 1 : 1 / fmax(1, sqrt(-down));
	for (int i = 0; i < HALVINGS; i++, length /= 2) {
		for (size_t k = 0; k < s->n; k++) s->tried[k] = s->x[k] + length * s->direction[k];
		if (!f(user, s->tried, &now, s->slope)) return *stopped = true, false;
		if (now > *value + 1e-4 * length * down || !isfinite(now)) continue;
		*value = now;
		return true;
	}
	return false;
}

static bool make_room(state *s, size_t n) {
	size_t rows = 4 + 2 * KEPT;
	s->n = n;
	s->memory = eg_calloc(NULL, rows * n + 1, sizeof *s->memory);
	if (!s->memory) return false;
	s->gradient = s->memory, s->direction = s->gradient + n, s->tried = s->direction + n, s->slope = s->tried + n;
	for (int k = 0; k < KEPT; k++) {
		s->step[k] = s->memory + (4 + (size_t)k) * n;
		s->change[k] = s->step[k] + KEPT * n;
	}
	return true;
}

eg_status eg_lbfgs(double *x, size_t n, int steps, double small, double gain, eg_slope f, void *user, eg_error *err) {
	state s = {.x = x};
	double value, before[2] = {INFINITY, INFINITY};
	bool stopped = false;
	if (!make_room(&s, n)) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a function's minimum");
	stopped = !f(user, x, &value, s.gradient);
	const double first = sqrt(dot(s.gradient, s.gradient, n));
	for (int i = 0; i < steps && !stopped; i++) {
		if (sqrt(dot(s.gradient, s.gradient, n)) <= small * first) break;
		choose_direction(&s);
		if (dot(s.direction, s.gradient, n) >= 0) { /* nothing that was remembered is of use */
			s.kept = 0;
			choose_direction(&s);
		}
		if (!search(&s, &value, f, user, &stopped)) break;
		remember(&s);
		memcpy(x, s.tried, n * sizeof *x);
		memcpy(s.gradient, s.slope, n * sizeof *x);
		if (gain > 0 && before[0] - value <= gain) break;
		before[0] = before[1], before[1] = value;
	}
	eg_release(NULL, s.memory);
	return stopped ? eg_fail(err, EG_ERR_STOPPED, "stopped") : EG_OK;
}
