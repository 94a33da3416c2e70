/* eigenfaces.c - floors of tasks that compare embeddings:
 *
 *   pixels      what the network gets, less the mean of the training samples
 *   eigenfaces  the `components` directions in which the training samples differ most (Turk and Pentland 1991)
 *   fisherfaces in these, the directions that part classes: the largest ratio of the scatter between classes to that
 *               within them (Belhumeur, Hespanha and Kriegman 1997)
 *
 * What they say of a sample is an embedding: y = P (x - m), of length 1 where samples are to be compared `by_angle`,
 * and else with one number more, the same for all and so large that angles rise as distances do: whichever the task
 * compares by, both are tried. With D numbers a sample and n samples, n below D, the directions are found in the
 * matrix of inner products (n,n), whose eigenvectors u give A' u / sqrt(lambda). At most `most` samples, an even
 * selection (`of`), are looked at for that; scatters are of all.
 *
 * Not here: eigenvectors (eigen.c), distances (the task's judge). */
#include "floors/eigen.h"
#include "floors/floors.h"

#include <limits.h>
#include <math.h>
#include <string.h>

enum { MOST = 1000 };
enum { BY_ANGLE, OF, COMPONENTS }; /* settings; those of `pixels` are the first two */

typedef struct faces {
	eg_floor base;
	int width;    /* numbers of an embedding, but for the last one */
	double far;   /* that last one: see `say` */
	float *mean;  /* of D numbers */
	float *axes;  /* (width, D); NULL: the numbers themselves */
} faces;

static bool parts_classes(const faces *f) { return !strcmp(f->base.type->info.name, "fisherfaces"); }
static bool has_axes(const faces *f) { return strcmp(f->base.type->info.name, "pixels") != 0; }

/* ---- the directions of the largest differences ------------------------------------------------------------------- */

static double inner(const float *a, const float *b, int64_t n) {
	double sum = 0;
	for (int64_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
	return sum;
}

/* rows (n, D), less their mean, which is kept. */
static void centre(faces *f, float *rows, int64_t n, int64_t D) {
	for (int64_t d = 0; d < D; d++) {
		double sum = 0;
		for (int64_t i = 0; i < n; i++) sum += (double)rows[i * D + d];
		f->mean[d] = (float)(sum / (double)n);
		for (int64_t i = 0; i < n; i++) rows[i * D + d] -= f->mean[d];
	}
}

/* Directions without any difference are left out. */
static eg_status find_axes(faces *f, const float *rows, int n, int64_t D, eg_error *err) {
	int k = (int)f->base.settings[COMPONENTS];
	if (k > n - 1) k = n - 1;
	if (k > D) k = (int)D;
	if (k < 1) k = 1;
	double *gram = eg_alloc(NULL, (size_t)n * (size_t)n * sizeof *gram), *values = eg_alloc(NULL, (size_t)k * sizeof *values),
	       *u = eg_alloc(NULL, (size_t)k * (size_t)n * sizeof *u);
	f->axes = eg_calloc(NULL, (size_t)k * (size_t)D, sizeof *f->axes);
	eg_status status = gram && values && u && f->axes ? EG_OK : eg_floor_no_memory(&f->base, err);
	for (int i = 0; i < n && !status; i++) {
		for (int j = 0; j <= i; j++) gram[(size_t)i * (size_t)n + (size_t)j] = gram[(size_t)j * (size_t)n + (size_t)i] = inner(rows + i * D, rows + j * D, D);
		if (i % 64 == 0) status = eg_floor_tell(&f->base, 0.4 * i / n, err);
	}
	if (!status) status = eg_eigen_largest(gram, n, k, values, u, err);
	for (int c = 0; c < k && !status; c++) {
		if (!(values[c] > 1e-9 * values[0])) break;
		for (int i = 0; i < n; i++) {
			const float scale = (float)(u[(size_t)c * (size_t)n + (size_t)i] / sqrt(values[c]));
			for (int64_t d = 0; d < D; d++) f->axes[c * D + d] += scale * rows[i * D + d];
		}
		f->width = c + 1;
	}
	eg_release(NULL, gram);
	eg_release(NULL, values);
	eg_release(NULL, u);
	if (!status && f->width == 0) status = eg_fail(err, EG_ERR_NUMERIC, "the training samples are all alike");
	return status;
}

static eg_status learn_axes(faces *f, const eg_floor_part *p, eg_error *err) {
	const int64_t D = eg_floor_width(&f->base);
	eg_floor_part some;
	eg_status status = eg_floor_some(p, has_axes(f) ? MOST : p->count, &some, err);
	f->base.settings[OF] = (double)some.count;
	f->mean = eg_calloc(NULL, (size_t)D, sizeof *f->mean);
	eg_real *read = status ? NULL : eg_alloc(NULL, (size_t)some.count * (size_t)D * sizeof *read);
	float *rows = read ? eg_alloc(NULL, (size_t)some.count * (size_t)D * sizeof *rows) : NULL;
	if (!status && (!f->mean || !rows)) status = eg_floor_no_memory(&f->base, err);
	if (!status) status = eg_floor_read(&f->base, &some, NULL, read, err);
	for (int64_t i = 0; i < some.count * D && !status; i++) rows[i] = (float)read[i];
	if (!status) centre(f, rows, some.count, D);
	if (!status && has_axes(f)) status = find_axes(f, rows, (int)some.count, D, err);
	if (!status && !has_axes(f)) f->width = (int)D;
	eg_release(NULL, read);
	eg_release(NULL, rows);
	eg_release(NULL, some.items);
	return status;
}

/* y (width) of a sample x (D). */
static void project(const faces *f, const eg_real *x, int64_t D, float *room, float *y) {
	for (int64_t d = 0; d < D; d++) room[d] = (float)x[d] - f->mean[d];
	for (int c = 0; c < f->width; c++) y[c] = f->axes ? (float)inner(f->axes + c * D, room, D) : room[c];
}

/* ---- the directions that part classes ---------------------------------------------------------------------------- */

typedef struct scatter {
	int k, classes;
	int64_t *n;   /* samples of each class */
	double *mean; /* (classes, k) */
	double *within, *between; /* (k, k) */
	double *basis; /* (k, k): a row each, whitens what is within */
	double *values;
} scatter;

static void free_scatter(scatter *s) {
	eg_release(NULL, s->n);
	eg_release(NULL, s->mean);
	eg_release(NULL, s->within);
	eg_release(NULL, s->between);
	eg_release(NULL, s->basis);
	eg_release(NULL, s->values);
}

static bool make_scatter(scatter *s) {
	const size_t k = (size_t)s->k, C = (size_t)s->classes;
	s->n = eg_calloc(NULL, C, sizeof *s->n);
	s->mean = eg_calloc(NULL, C * k, sizeof *s->mean);
	s->within = eg_calloc(NULL, k * k, sizeof *s->within);
	s->between = eg_calloc(NULL, k * k, sizeof *s->between);
	s->basis = eg_calloc(NULL, k * k, sizeof *s->basis);
	s->values = eg_calloc(NULL, k, sizeof *s->values);
	return s->n && s->mean && s->within && s->between && s->basis && s->values;
}

/* Adds v v' to m. */
static void add_square(double *m, const double *v, int k, double weight) {
	for (int i = 0; i < k; i++)
		for (int j = 0; j < k; j++) m[i * k + j] += weight * v[i] * v[j];
}

typedef void (*taker)(scatter *s, const float *y, int32_t label, double *room);

static void take_mean(scatter *s, const float *y, int32_t label, double *room) {
	EG_UNUSED(room);
	s->n[label]++;
	for (int c = 0; c < s->k; c++) s->mean[label * s->k + c] += (double)y[c];
}

static void take_within(scatter *s, const float *y, int32_t label, double *room) {
	for (int c = 0; c < s->k; c++) room[c] = (double)y[c] - s->mean[label * s->k + c];
	add_square(s->within, room, s->k, 1);
}

static void take_length(scatter *s, const float *y, int32_t label, double *room) {
	EG_UNUSED(label), EG_UNUSED(room);
	for (int c = 0; c < s->k; c++) s->mean[0] += (double)y[c] * (double)y[c];
}

/* All samples, in the directions found so far. */
static eg_status each_sample(faces *f, const eg_floor_part *p, scatter *s, taker take, double done, eg_error *err) {
	const int64_t D = eg_floor_width(&f->base);
	float *room = eg_alloc(NULL, (size_t)D * sizeof *room), *y = eg_alloc(NULL, (size_t)s->k * sizeof *y);
	double *v = eg_alloc(NULL, (size_t)s->k * sizeof *v);
	eg_floor_batch b = {.part = p};
	eg_status status = room && y && v ? eg_floor_next(&b, EG_FLOOR_BATCH, err) : eg_floor_no_memory(&f->base, err);
	while (!status && b.n > 0) {
		for (int i = 0; i < b.n; i++) {
			const int32_t label = eg_floor_label(&f->base, &b, i);
			if (label < 0 || label >= s->classes) continue;
			project(f, eg_floor_row(&f->base, &b, i), D, room, y);
			take(s, y, label, v);
		}
		status = eg_floor_tell(&f->base, done + 0.25 * (double)(b.first + b.n) / (double)p->count, err);
		if (!status) status = eg_floor_next(&b, EG_FLOOR_BATCH, err);
	}
	eg_floor_batch_free(&b);
	eg_release(NULL, room);
	eg_release(NULL, y);
	eg_release(NULL, v);
	return status;
}

/* The class means, and how they scatter about the mean of all. */
static void finish_means(scatter *s) {
	double *all = s->values;
	int64_t n = 0;
	memset(all, 0, (size_t)s->k * sizeof *all);
	for (int k = 0; k < s->classes; k++) {
		for (int c = 0; c < s->k; c++) all[c] += s->mean[k * s->k + c];
		n += s->n[k];
		for (int c = 0; c < s->k && s->n[k]; c++) s->mean[k * s->k + c] /= (double)s->n[k];
	}
	for (int c = 0; c < s->k; c++) all[c] /= (double)(n ? n : 1);
	for (int k = 0; k < s->classes; k++) {
		double *v = s->mean + (ptrdiff_t)k * s->k;
		for (int c = 0; c < s->k; c++) v[c] -= all[c];
		add_square(s->between, v, s->k, (double)s->n[k]);
		for (int c = 0; c < s->k; c++) v[c] += all[c];
	}
}

/* to (n,k) = a (n,m) b (m,k); a' where `turned`: a (m,n). */
static void multiply(const double *a, bool turned, const double *b, double *to, int n, int m, int k) {
	memset(to, 0, (size_t)n * (size_t)k * sizeof *to);
	for (int i = 0; i < n; i++)
		for (int l = 0; l < m; l++) {
			const double v = turned ? a[(ptrdiff_t)l * n + i] : a[(ptrdiff_t)i * m + l];
			for (int j = 0; j < k; j++) to[(ptrdiff_t)i * k + j] += v * b[(ptrdiff_t)l * k + j];
		}
}

/* W whitens what is within: the eigenvectors of (W between W') then part classes best. Returns them as rows (k,k) over
 * the directions so far, in s->within. What is within is made a little larger in all directions, as there are few
 * samples for it. */
static eg_status part(scatter *s, int keep, eg_error *err) {
	const int k = s->k;
	double trace = 0, *half = eg_alloc(NULL, (size_t)k * (size_t)k * sizeof *half),
	       *turned = eg_alloc(NULL, (size_t)k * (size_t)k * sizeof *turned);
	eg_status status = half && turned ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for scatters");
	for (int i = 0; i < k; i++) trace += s->within[(ptrdiff_t)i * k + i];
	for (int i = 0; i < k; i++) s->within[(ptrdiff_t)i * k + i] += 0.01 * trace / k + 1e-12;
	if (!status) status = eg_eigen_largest(s->within, k, k, s->values, s->basis, err);
	for (int i = 0; i < k && !status; i++)
		for (int j = 0; j < k; j++) s->basis[(ptrdiff_t)i * k + j] /= sqrt(s->values[i]);
	if (!status) {
		multiply(s->basis, false, s->between, half, k, k, k);
		for (int i = 0; i < k; i++)
			for (int j = 0; j < k; j++) {
				double sum = 0;
				for (int l = 0; l < k; l++) sum += half[(ptrdiff_t)i * k + l] * s->basis[(ptrdiff_t)j * k + l];
				turned[(ptrdiff_t)i * k + j] = sum;
			}
		status = eg_eigen_largest(turned, k, keep, s->values, half, err);
	}
	if (!status) multiply(half, false, s->basis, s->within, keep, k, k);
	eg_release(NULL, half);
	eg_release(NULL, turned);
	return status;
}

static eg_status learn_classes(faces *f, const eg_floor_part *p, eg_error *err) {
	const int64_t D = eg_floor_width(&f->base);
	scatter s = {.k = f->width, .classes = eg_floor_classes(&f->base)};
	eg_status status = make_scatter(&s) ? EG_OK : eg_floor_no_memory(&f->base, err);
	if (!status) status = each_sample(f, p, &s, take_mean, 0.5, err);
	if (!status) finish_means(&s);
	if (!status) status = each_sample(f, p, &s, take_within, 0.75, err);
	int seen = 0;
	for (int k = 0; k < s.classes && !status; k++) seen += s.n[k] > 0;
	const int keep = seen - 1 < s.k ? seen - 1 : s.k;
	if (!status && keep < 1) status = eg_fail(err, EG_ERR_ARG, "there is one class only, and nothing to be parted");
	if (!status) status = part(&s, keep, err);
	float *axes = status ? NULL : eg_calloc(NULL, (size_t)keep * (size_t)D, sizeof *axes);
	if (!status && !axes) status = eg_floor_no_memory(&f->base, err);
	for (int i = 0; i < keep && !status; i++)
		for (int c = 0; c < s.k; c++) {
			const float w = (float)s.within[(ptrdiff_t)i * s.k + c];
			for (int64_t d = 0; d < D; d++) axes[i * D + d] += w * f->axes[c * D + d];
		}
	if (!status) {
		eg_release(NULL, f->axes);
		f->axes = axes, f->width = keep;
	}
	free_scatter(&s);
	return status;
}

/* ---- the floor --------------------------------------------------------------------------------------------------- */

/* Many times as long as embeddings are. */
static eg_status find_far(faces *f, const eg_floor_part *p, eg_error *err) {
	enum { LOOKED_AT = 200, TIMES = 30 };
	scatter s = {.k = f->width, .classes = INT_MAX};
	eg_floor_part some;
	double sum = 0;
	s.mean = &sum;
	eg_status status = eg_floor_some(p, LOOKED_AT, &some, err);
	if (!status) status = each_sample(f, &some, &s, take_length, 0.75, err);
	f->far = TIMES * sqrt(sum / (double)(some.count > 0 ? some.count : 1));
	eg_release(NULL, some.items);
	return status;
}

static eg_status train(eg_floor *base, const eg_floor_part *p, eg_error *err) {
	faces *f = (faces *)base;
	eg_status status = learn_axes(f, p, err);
	if (!status && parts_classes(f)) status = learn_classes(f, p, err);
	if (!status) status = find_far(f, p, err);
	return status ? status : eg_floor_tell(base, 1, err);
}

static void by_angle(eg_real *y, int n) {
	double sum = 0;
	for (int c = 0; c < n; c++) sum += (double)y[c] * (double)y[c];
	for (int c = 0; c < n && sum > 0; c++) y[c] = (eg_real)((double)y[c] / sqrt(sum));
}

static eg_status say(eg_floor *base, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	const faces *f = (const faces *)base;
	const int64_t D = eg_floor_width(base);
	const int width = f->width + 1;
	const bool angle = base->settings[BY_ANGLE] > 0;
	eg_real *out = eg_floor_room(base, (size_t)b->n * (size_t)width);
	float *room = eg_alloc(NULL, (size_t)D * sizeof *room), *y = eg_alloc(NULL, (size_t)f->width * sizeof *y);
	const bool there = out && room && y;
	EG_UNUSED(from), EG_UNUSED(steps);
	for (int i = 0; i < b->n && there; i++) {
		project(f, eg_floor_row(base, b, i), D, room, y);
		eg_real *to = out + (ptrdiff_t)i * width;
		for (int c = 0; c < f->width; c++) to[c] = (eg_real)y[c];
		to[f->width] = (eg_real)(angle ? 0 : f->far);
		if (angle) by_angle(to, f->width);
	}
	eg_release(NULL, room);
	eg_release(NULL, y);
	*said = (eg_said){out, {2, {b->n, width}}, false};
	return there ? EG_OK : eg_floor_no_memory(base, err);
}

static bool serves_numbers(const eg_floor *f) {
	return f->task->ninputs == 1 && f->task->nintakes == 2 && eg_floor_width(f) > 0;
}
static bool serves(const eg_floor *f) { return serves_numbers(f) && eg_eigen_there(); }

static void free_floor(eg_floor *base) {
	faces *f = (faces *)base;
	eg_release(NULL, f->mean);
	eg_release(NULL, f->axes);
}

#define TYPE(name_, task_, doc_, source_, serves_) \
	.info = {.name = name_, .task = task_, .doc = doc_, .source = source_, .version = 1}, .size = sizeof(faces), .batch = 256, \
	.serves = serves_, .train = train, .say = say, .free = free_floor
#define ANGLE {.name = "by_angle", .n = 2, .tried = {0, 1}}, {.name = "of", .n = 1, .tried = {0}}
#define SETTINGS \
	.settings = {ANGLE, {.name = "components", .n = 4, .tried = {20, 40, 80, 160}, .low = 2, .high = 400, .log = true, .whole = true}}
#define FLOORS(task_) \
	const eg_floor_type eg_floor_type_pixels_##task_ = { \
		TYPE("pixels", #task_, "the numbers that the network gets, themselves", "Cover and Hart 1967", serves_numbers), \
		.settings = {ANGLE}}; \
	const eg_floor_type eg_floor_type_eigenfaces_##task_ = { \
		TYPE("eigenfaces", #task_, "the directions in which samples differ most", "Turk and Pentland 1991", serves), SETTINGS}; \
	const eg_floor_type eg_floor_type_fisherfaces_##task_ = { \
		TYPE("fisherfaces", #task_, "in these, the directions that part classes", "Belhumeur, Hespanha and Kriegman 1997", \
			serves), \
		SETTINGS}

FLOORS(search);
FLOORS(verify);
