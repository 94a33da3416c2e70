/* film_mean.c - the floor `film-mean` of the task classify, for films: what changes along edges, on average over a
 * film, and a weight for each such number and class. In which order things happen is not seen.
 *
 * The brightness I of a frame changes along x and y, by half the difference of the neighbours, and over time, from the
 * frame before; where something moves with the speed (u, v), I_x u + I_y v + I_t = 0. Six products of these, from which
 * the speed of what is there follows by least squares (Lucas and Kanade 1981),
 *
 *   I_x^2, I_y^2, I_t^2, I_x I_y, I_x I_t, I_y I_t,
 *
 * are added up over a frame and over each of its 4 x 4 parts, and their mean is taken over the frames. Brought to
 * mean 0 and deviation 1 over the training films, these 102 numbers vote for the classes (softmax of W x + b;
 * weights as text_logistic.c finds them, with |W|^2 / 2c beside the loss of all films). */
#include "floors/floors.h"
#include "series/lbfgs.h"

#include <math.h>
#include <string.h>

enum { PRODUCTS = 6, SIDE = 4, PLACES = SIDE * SIDE + 1, WIDTH = PRODUCTS * PLACES, STEPS = 100 };

typedef struct film_mean {
	eg_floor base;
	double mean[WIDTH], scale[WIDTH]; /* x becomes (x - mean) * scale */
	double *w;                        /* [class][WIDTH + 1], the constant last */
} film_mean;

/* ---- a film as numbers ------------------------------------------------------------------------------------------- */

static double brightness(const eg_real *frame, int C, int64_t plane, int64_t at) {
	double sum = 0;
	for (int c = 0; c < C; c++) sum += (double)frame[c * plane + at];
	return sum / C;
}

static void add_frame(const eg_real *now, const eg_real *before, const int shape[3], double *x) {
	const int C = shape[0], H = shape[1], W = shape[2];
	const int64_t plane = (int64_t)H * W;
	for (int r = 1; r + 1 < H; r++)
		for (int k = 1; k + 1 < W; k++) {
			const int64_t at = (int64_t)r * W + k;
			const double dx = (brightness(now, C, plane, at + 1) - brightness(now, C, plane, at - 1)) / 2,
				     dy = (brightness(now, C, plane, at + W) - brightness(now, C, plane, at - W)) / 2,
				     dt = brightness(now, C, plane, at) - brightness(before, C, plane, at);
			const double v[PRODUCTS] = {dx * dx, dy * dy, dt * dt, dx * dy, dx * dt, dy * dt};
			double *part = x + PRODUCTS * (1 + r * SIDE / H * SIDE + k * SIDE / W);
			for (int i = 0; i < PRODUCTS; i++) x[i] += v[i], part[i] += v[i];
		}
}

/* The one film of the batch; of a single frame all is 0. */
static void describe(const film_mean *m, const eg_floor_batch *b, double *x) {
	const eg_dims *d = &m->base.task->intakes[0]->sample;
	const int shape[3] = {(int)d->d[1], (int)d->d[2], (int)d->d[3]};
	const int64_t each = (int64_t)shape[0] * shape[1] * shape[2];
	const eg_real *frames = b->slots[0];
	memset(x, 0, WIDTH * sizeof *x);
	for (int t = 1; t < b->time; t++) add_frame(frames + t * each, frames + (t - 1) * each, shape, x);
	for (int i = 0; i < WIDTH && b->time > 1; i++) x[i] /= b->time - 1;
}

/* ---- weights ----------------------------------------------------------------------------------------------------- */

typedef struct films {
	film_mean *m;
	int64_t n;
	double *x, *p; /* (n, WIDTH); room for the classes */
	int32_t *labels;
	int calls;
	eg_status status;
	eg_error *err;
} films;

/* Logarithms of probabilities of x, which has been scaled. */
static void score(const film_mean *m, const double *w, const double *x, double *log_p) {
	const int K = eg_floor_classes(&m->base);
	double most = -INFINITY, sum = 0;
	for (int k = 0; k < K; k++) {
		const double *row = w + (ptrdiff_t)k * (WIDTH + 1);
		log_p[k] = row[WIDTH];
		for (int i = 0; i < WIDTH; i++) log_p[k] += row[i] * x[i];
		most = fmax(most, log_p[k]);
	}
	for (int k = 0; k < K; k++) sum += exp(log_p[k] - most);
	for (int k = 0; k < K; k++) log_p[k] -= most + log(sum);
}

static bool slope(void *user, const double *w, double *value, double *gradient) {
	films *f = user;
	const int K = eg_floor_classes(&f->m->base);
	const size_t n = (size_t)K * (WIDTH + 1);
	*value = 0;
	memset(gradient, 0, n * sizeof *gradient);
	for (int64_t s = 0; s < f->n; s++) {
		const double *x = f->x + s * WIDTH;
		if (f->labels[s] < 0) continue;
		score(f->m, w, x, f->p);
		*value -= f->p[f->labels[s]];
		for (int k = 0; k < K; k++) {
			const double e = exp(f->p[k]) - (k == f->labels[s]);
			double *row = gradient + (ptrdiff_t)k * (WIDTH + 1);
			for (int i = 0; i < WIDTH; i++) row[i] += e * x[i];
			row[WIDTH] += e;
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (i % (WIDTH + 1) == WIDTH) continue;
		*value += w[i] * w[i] / (2 * f->m->base.settings[0]);
		gradient[i] += w[i] / f->m->base.settings[0];
	}
	const int calls = ++f->calls;
	f->status = eg_floor_tell(&f->m->base, 0.5 + (calls < STEPS ? 0.5 * calls / STEPS : 0.5), f->err);
	return !f->status;
}

static void scale(const film_mean *m, double *x) {
	for (int i = 0; i < WIDTH; i++) x[i] = (x[i] - m->mean[i]) * m->scale[i];
}

static void find_scale(film_mean *m, films *f) {
	for (int i = 0; i < WIDTH; i++) {
		double sum = 0, squares = 0;
		for (int64_t s = 0; s < f->n; s++) sum += f->x[s * WIDTH + i];
		m->mean[i] = sum / (double)f->n;
		for (int64_t s = 0; s < f->n; s++) squares += pow(f->x[s * WIDTH + i] - m->mean[i], 2);
		m->scale[i] = squares > 0 ? sqrt((double)f->n / squares) : 0;
	}
	for (int64_t s = 0; s < f->n; s++) scale(m, f->x + s * WIDTH);
}

static eg_status look(film_mean *m, const eg_floor_part *p, films *f, eg_error *err) {
	eg_floor_batch b = {.part = p};
	eg_status status = eg_floor_next(&b, 1, err);
	while (!status && b.n > 0) {
		describe(m, &b, f->x + f->n * WIDTH);
		f->labels[f->n++] = eg_floor_label(&m->base, &b, 0);
		status = eg_floor_tell(&m->base, 0.5 * (double)f->n / (double)p->count, err);
		if (!status) status = eg_floor_next(&b, 1, err);
	}
	eg_floor_batch_free(&b);
	return status;
}

static eg_status train(eg_floor *base, const eg_floor_part *p, eg_error *err) {
	film_mean *m = (film_mean *)base;
	const size_t K = (size_t)eg_floor_classes(base), n = (size_t)p->count;
	films f = {.m = m, .err = err};
	f.x = eg_calloc(NULL, (n + 1) * WIDTH, sizeof *f.x);
	f.labels = eg_calloc(NULL, n + 1, sizeof *f.labels);
	f.p = eg_calloc(NULL, K, sizeof *f.p);
	m->w = eg_calloc(NULL, K * (WIDTH + 1), sizeof *m->w);
	eg_status status = f.x && f.labels && f.p && m->w ? look(m, p, &f, err) : eg_floor_no_memory(base, err);
	if (!status) find_scale(m, &f);
	if (!status) status = eg_lbfgs(m->w, K * (WIDTH + 1), STEPS, 1e-3, 0, slope, &f, err);
	if (status == EG_ERR_STOPPED && f.status) status = f.status;
	eg_release(NULL, f.x);
	eg_release(NULL, f.labels);
	eg_release(NULL, f.p);
	return status;
}

static eg_status say(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	const film_mean *m = (const film_mean *)f;
	const int K = eg_floor_classes(f);
	double x[WIDTH];
	eg_real *out = eg_floor_room(f, (size_t)K);
	double *p = eg_calloc(NULL, (size_t)K, sizeof *p);
	EG_UNUSED(from), EG_UNUSED(steps);
	if (out && p) {
		describe(m, b, x);
		scale(m, x);
		score(m, m->w, x, p);
		for (int k = 0; k < K; k++) out[k] = (eg_real)p[k];
	}
	eg_release(NULL, p);
	*said = (eg_said){out, {2, {1, K}}, false};
	return out && p ? EG_OK : eg_floor_no_memory(f, err);
}

static bool serves(const eg_floor *f) {
	return eg_floor_takes(f, EG_FIELD_FRAMES) && f->task->nintakes == 2;
}

static void free_floor(eg_floor *f) { eg_release(NULL, ((film_mean *)f)->w); }

const eg_floor_type eg_floor_type_film_mean = {
	.info = {.name = "film-mean",
		.task = "classify",
		.doc = "of films: how brightness changes along edges, on average over the film, votes for each class",
		.source = "Lucas and Kanade 1981; Cox 1958",
		.version = 1},
	.size = sizeof(film_mean),
	.settings = {{.name = "c", .n = 2, .tried = {1, 100}, .low = 0.01, .high = 1000, .log = true}},
	.probabilities = true,
	.batch = 1,
	.serves = serves,
	.train = train,
	.say = say,
	.free = free_floor,
};
