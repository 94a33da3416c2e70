/* principal.c - principal components by orthogonal iteration: a few rows more than are wanted are multiplied with the
 * covariance and made orthonormal, again and again, until the space that they span stays where it is; inside of it the
 * directions are told apart by Jacobi's rotations (Golub and Van Loan, Matrix Computations, 8.2 and 8.5). */
#include "data/principal.h"

#include <math.h>
#include <string.h>

enum { WIDEST = 4096, MORE = 8, MOST_ROUNDS = 300, SWEEPS = 60 };

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for principal components"); }

eg_status eg_principal_begin(eg_principal *p, int width, eg_error *err) {
	*p = (eg_principal){.width = width};
	if (width < 1 || width > WIDEST) return eg_fail(err, EG_ERR_ARG, "principal components of rows of %d numbers; 1 to %d are possible", width, WIDEST);
	p->mean = eg_calloc(NULL, (size_t)width, sizeof *p->mean);
	p->products = eg_calloc(NULL, (size_t)width * (size_t)width, sizeof *p->products);
	if (p->mean && p->products) return EG_OK;
	eg_principal_free(p);
	return no_memory(err);
}

void eg_principal_add(eg_principal *p, const eg_real *row) {
	for (int i = 0; i < p->width; i++) {
		const double x = (double)row[i];
		double *to = p->products + (ptrdiff_t)i * p->width;
		p->mean[i] += x;
		if (x == 0) continue;
		for (int j = i; j < p->width; j++) to[j] += x * (double)row[j];
	}
	p->n++;
}

/* Sums become the covariance, both halves of it. */
static void finish_products(eg_principal *p) {
	const int d = p->width;
	for (int i = 0; i < d; i++) p->mean[i] /= (double)p->n;
	p->total = 0;
	for (int i = 0; i < d; i++) {
		for (int j = i; j < d; j++) {
			const double v = p->products[(ptrdiff_t)i * d + j] / (double)p->n - p->mean[i] * p->mean[j];
			p->products[(ptrdiff_t)i * d + j] = p->products[(ptrdiff_t)j * d + i] = v;
		}
		p->total += p->products[(ptrdiff_t)i * d + i];
	}
}

static double dot(const double *a, const double *b, int n) {
	double s = 0;
	for (int i = 0; i < n; i++) s += a[i] * b[i];
	return s;
}

/* Gram and Schmidt, twice, which is enough; a row that depends on those before it becomes zero. */
static void orthonormal(double *rows, int k, int d) {
	for (int i = 0; i < k; i++) {
		double *x = rows + (ptrdiff_t)i * d;
		const double before = sqrt(dot(x, x, d));
		for (int again = 0; again < 2; again++)
			for (int j = 0; j < i; j++) {
				const double *y = rows + (ptrdiff_t)j * d, s = dot(x, y, d);
				for (int c = 0; c < d; c++) x[c] -= s * y[c];
			}
		const double length = sqrt(dot(x, x, d));
		for (int c = 0; c < d; c++) x[c] = length > 1e-12 * before && length > 0 ? x[c] / length : 0;
	}
}

static void multiply(const eg_principal *p, const double *rows, int k, double *out) {
	for (int i = 0; i < k; i++)
		for (int c = 0; c < p->width; c++)
			out[(ptrdiff_t)i * p->width + c] = dot(p->products + (ptrdiff_t)c * p->width, rows + (ptrdiff_t)i * p->width, p->width);
}

/* a and v turned in the plane of p and q so that a[p][q] becomes 0; a stays symmetric. */
static void rotate(double *a, double *v, int n, int p, int q) {
	const double apq = a[p * n + q];
	if (apq == 0) return;
	const double theta = (a[q * n + q] - a[p * n + p]) / (2 * apq);
	const double t = (theta < 0 ? -1 : 1) / (fabs(theta) + sqrt(theta * theta + 1)), c = 1 / sqrt(t * t + 1), s = t * c;
	for (int k = 0; k < n; k++) {
		const double x = a[k * n + p], y = a[k * n + q];
		a[k * n + p] = c * x - s * y, a[k * n + q] = s * x + c * y;
	}
	for (int k = 0; k < n; k++) {
		const double x = a[p * n + k], y = a[q * n + k], e = v[p * n + k], f = v[q * n + k];
		a[p * n + k] = c * x - s * y, a[q * n + k] = s * x + c * y;
		v[p * n + k] = c * e - s * f, v[q * n + k] = s * e + c * f;
	}
	a[p * n + q] = a[q * n + p] = 0;
}

void eg_jacobi(double *a, double *v, int n) {
	for (int i = 0; i < n * n; i++) v[i] = i % (n + 1) == 0;
	for (int sweep = 0; sweep < SWEEPS; sweep++) {
		double off = 0, on = 0;
		for (int i = 0; i < n; i++)
			for (int j = 0; j <= i; j++) *(i == j ? &on : &off) += a[i * n + j] * a[i * n + j];
		if (off <= 1e-28 * on) return;
		for (int p = 0; p < n; p++)
			for (int q = p + 1; q < n; q++) rotate(a, v, n, p, q);
	}
}

typedef struct room {
	double *rows, *next, *inner, *turns; /* (m, width) twice, (m, m) twice */
	int m;
} room;

/* The space that stays: rows of r are orthonormal then. */
static void iterate(const eg_principal *p, room *r) {
	const eg_rng rng = {0x7072696e63697061, 0};
	double before = 0;
	for (int64_t i = 0; i < (int64_t)r->m * p->width; i++) r->rows[i] = eg_rng_normal(rng, (uint64_t)i);
	orthonormal(r->rows, r->m, p->width);
	for (int round = 0; round < MOST_ROUNDS; round++) {
		double kept = 0;
		multiply(p, r->rows, r->m, r->next);
		for (int i = 0; i < p->k; i++) kept += dot(r->rows + (ptrdiff_t)i * p->width, r->next + (ptrdiff_t)i * p->width, p->width);
		memcpy(r->rows, r->next, (size_t)r->m * (size_t)p->width * sizeof *r->rows);
		orthonormal(r->rows, r->m, p->width);
		if (round > 0 && fabs(kept - before) <= 1e-9 * fabs(kept)) return;
		before = kept;
	}
}

/* The directions inside of that space, by what varies along them. */
static void tell_apart(eg_principal *p, room *r) {
	const int d = p->width, m = r->m;
	multiply(p, r->rows, m, r->next);
	for (int i = 0; i < m; i++)
		for (int j = 0; j < m; j++) r->inner[i * m + j] = dot(r->rows + (ptrdiff_t)i * d, r->next + (ptrdiff_t)j * d, d);
	eg_jacobi(r->inner, r->turns, m);
	for (int i = 0; i < p->k; i++) {
		int best = 0;
		for (int j = 1; j < m; j++)
			if (r->inner[j * m + j] > r->inner[best * m + best]) best = j;
		double *to = p->axes + (ptrdiff_t)i * d;
		p->variances[i] = fmax(r->inner[best * m + best], 0);
		r->inner[best * m + best] = -INFINITY;
		for (int c = 0; c < d; c++) to[c] = 0;
		for (int j = 0; j < m; j++)
			for (int c = 0; c < d; c++) to[c] += r->turns[best * m + j] * r->rows[(ptrdiff_t)j * d + c];
	}
}

eg_status eg_principal_solve(eg_principal *p, int k, eg_error *err) {
	room r = {0};
	if (p->n < 1) return eg_fail(err, EG_ERR_ARG, "principal components of no rows");
	p->k = k < 1 ? 1 : k > p->width ? p->width : k;
	r.m = p->k + MORE < p->width ? p->k + MORE : p->width;
	const size_t d = (size_t)p->width, m = (size_t)r.m;
	p->axes = eg_calloc(NULL, (size_t)p->k * d, sizeof *p->axes);
	p->variances = eg_calloc(NULL, (size_t)p->k, sizeof *p->variances);
	r.rows = eg_calloc(NULL, m * d, sizeof *r.rows), r.next = eg_calloc(NULL, m * d, sizeof *r.next);
	r.inner = eg_calloc(NULL, m * m, sizeof *r.inner), r.turns = eg_calloc(NULL, m * m, sizeof *r.turns);
	const bool ok = p->axes && p->variances && r.rows && r.next && r.inner && r.turns;
	if (ok) {
		finish_products(p);
		iterate(p, &r);
		tell_apart(p, &r);
	}
	eg_release(NULL, r.rows);
	eg_release(NULL, r.next);
	eg_release(NULL, r.inner);
	eg_release(NULL, r.turns);
	eg_release(NULL, p->products);
	p->products = NULL;
	return ok ? EG_OK : no_memory(err);
}

void eg_principal_project(const eg_principal *p, const eg_real *row, double *codes) {
	for (int i = 0; i < p->k; i++) {
		const double *axis = p->axes + (ptrdiff_t)i * p->width;
		codes[i] = 0;
		for (int c = 0; c < p->width; c++) codes[i] += ((double)row[c] - p->mean[c]) * axis[c];
	}
}

void eg_principal_rebuild(const eg_principal *p, const double *codes, eg_real *row) {
	for (int c = 0; c < p->width; c++) {
		double x = p->mean[c];
		for (int i = 0; i < p->k; i++) x += codes[i] * p->axes[(ptrdiff_t)i * p->width + c];
		row[c] = (eg_real)x;
	}
}

void eg_principal_free(eg_principal *p) {
	eg_release(NULL, p->mean);
	eg_release(NULL, p->products);
	eg_release(NULL, p->axes);
	eg_release(NULL, p->variances);
	*p = (eg_principal){0};
}
