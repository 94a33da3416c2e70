/* muon.c - Muon (Jordan 2024, https://kellerjordan.github.io/posts/muon): the momentum of a matrix is replaced by the
 * nearest matrix whose singular values are all about 1, so that a step goes as far in rare directions as in frequent
 * ones. That matrix is approached by a polynomial of odd degree, Newton-Schulz: with X = U S V^T, a X + b (X X^T) X + c
 * (X X^T)^2 X has the singular values a s + b s^3 + c s^5. The factors are Jordan's: after 5 rounds every s of 0.01 to
 * 1 is between 0.7 and 1.2.
 *
 * A parameter of more dimensions is the matrix of its first one and of all others: the filters of a convolution. The
 * step is longer by sqrt(rows / cols) where that is above 1, as Jordan's, and decay is decoupled.
 *
 * The ranks of a team share each product and each pass; sums are added in units of fixed size and in fixed order, so
 * that any number of threads gives the same bits.
 *
 * Not here: the momentum itself (kern.h, eg_update_args), and parameters that are no matrices (update.c). */
#include "train/optimizer.h"

#include <math.h>

static const double A = 3.4445, B = -4.7750, C = 2.0315;

/* ---- room -------------------------------------------------------------------------------------------------------- */

static int smaller(const eg_param_run *r) { return r->rows < r->cols ? r->rows : r->cols; }
static bool is_wide(const eg_param_run *r) { return r->rows <= r->cols; }

/* X X^T, or X^T X where X is tall: the smaller of the two. */
static eg_gemm_args square_args(const eg_muon *m, const real *x, const eg_param_run *r) {
	eg_buf in = {(void *)(uintptr_t)x, 0};
	bool wide = is_wide(r);
	return (eg_gemm_args){.a = in,
		.b = in,
		.c = {m->a, 0},
		.m = smaller(r),
		.n = smaller(r),
		.k = wide ? r->cols : r->rows,
		.lda = r->cols,
		.ldb = r->cols,
		.ldc = smaller(r),
		.ta = !wide,
		.tb = wide};
}

/* That times itself. */
static eg_gemm_args fourth_args(const eg_muon *m, const eg_param_run *r) {
	int n = smaller(r);
	return (eg_gemm_args){
		.a = {m->a, 0}, .b = {m->a, 0}, .c = {m->b, 0}, .m = n, .n = n, .k = n, .lda = n, .ldb = n, .ldc = n};
}

/* m->b X, or X m->b, into `to`. */
static eg_gemm_args product_args(const eg_muon *m, const real *x, real *to, const eg_param_run *r) {
	eg_buf in = {(void *)(uintptr_t)x, 0}, square = {m->b, 0};
	bool wide = is_wide(r);
	return (eg_gemm_args){.a = wide ? square : in,
		.b = wide ? in : square,
		.c = {to, 0},
		.m = r->rows,
		.n = r->cols,
		.k = smaller(r),
		.lda = wide ? r->rows : r->cols,
		.ldb = r->cols,
		.ldc = r->cols};
}

static size_t scratch_of(const eg_optimizer *o, const eg_param_run *r) {
	const eg_gemm_args jobs[] = {square_args(&o->muon, NULL, r), fourth_args(&o->muon, r),
		product_args(&o->muon, NULL, NULL, r)};
	size_t most = 0;
	for (int i = 0; i < EG_COUNT(jobs); i++) {
		size_t bytes = o->ctx->kern.gemm_scratch(&jobs[i]);
		if (bytes > most) most = bytes;
	}
	return most;
}

eg_status eg_muon_make(eg_optimizer *o, eg_error *err) {
	const eg_allocator *a = o->ctx->allocator;
	eg_muon *m = &o->muon;
	size_t elements = 0, square = 0, scratch = 0;
	for (int i = 0; i < o->nruns; i++) {
		const eg_param_run *r = &o->runs[i];
		if (!r->rows || r->frozen) continue;
		size_t n = (size_t)smaller(r), bytes = scratch_of(o, r);
		if (r->count > elements) elements = r->count;
		if (n * n > square) square = n * n;
		if (bytes > scratch) scratch = bytes;
	}
	if (elements == 0) return EG_OK;
	m->scratch_bytes = (scratch + EG_ALIGN - 1) / EG_ALIGN * EG_ALIGN;
	m->x = eg_block_new(a, elements * sizeof(real) + EG_ALIGN);
	m->next = eg_block_new(a, elements * sizeof(real) + EG_ALIGN);
	m->a = eg_block_new(a, square * sizeof(real) + EG_ALIGN);
	m->b = eg_block_new(a, square * sizeof(real) + EG_ALIGN);
	m->scratch = eg_block_new(a, m->scratch_bytes * (size_t)eg_team_size(o->ctx->team) + EG_ALIGN);
	m->partial = eg_calloc(a, elements / EG_CHUNK + 1, sizeof *m->partial);
	bool whole = m->x && m->next && m->a && m->b && m->scratch && m->partial;
	return whole ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for the optimizer's matrices");
}

void eg_muon_free(eg_optimizer *o) {
	const eg_allocator *a = o->ctx->allocator;
	eg_muon *m = &o->muon;
	eg_block_free(a, m->x);
	eg_block_free(a, m->next);
	eg_block_free(a, m->a);
	eg_block_free(a, m->b);
	eg_block_free(a, m->scratch);
	eg_release(a, m->partial);
}

/* ---- shares of the work ------------------------------------------------------------------------------------------ */

typedef struct share {
	const eg_optimizer *o;
	int rank, size;
} share;

static void multiply(const share *s, eg_gemm_args g) {
	const eg_kernels *k = &s->o->ctx->kern;
	int begin, end;
	eg_split(k->gemm_units(&g), s->rank, s->size, &begin, &end);
	if (begin < end) k->gemm(&g, begin, end, EG_WORKER(k, s->o->muon.scratch + s->o->muon.scratch_bytes * (size_t)s->rank));
	eg_team_barrier(s->o->ctx->team);
}

/* y = fx x + fy y, over n elements. */
static void combine(const share *s, const real *x, double fx, real *y, double fy, size_t n) {
	size_t first = n * (size_t)s->rank / (size_t)s->size, last = n * ((size_t)s->rank + 1) / (size_t)s->size;
	const real by_x = (real)fx, by_y = (real)fy;
	for (size_t i = first; i < last; i++) y[i] = by_x * x[i] + by_y * y[i];
	eg_team_barrier(s->o->ctx->team);
}

/* The momentum into o->muon.x; returns its norm. */
static double momentum(const share *s, const eg_update_args *step, int units) {
	const eg_kernels *k = &s->o->ctx->kern;
	const eg_muon *m = &s->o->muon;
	int begin, end;
	double sum = 0;
	eg_split(units, s->rank, s->size, &begin, &end);
	if (begin < end) {
		eg_sumsq_args squares = {.x = step->u, .out = {m->partial, 1}, .n = step->n};
		k->update(step, begin, end, EG_WORKER(k, NULL));
		k->sumsq(&squares, begin, end, EG_WORKER(k, NULL));
	}
	eg_team_barrier(s->o->ctx->team);
	for (int i = 0; i < units; i++) sum += m->partial[i];
	return sqrt(sum);
}

/* From o->muon.x; returns where the result is. */
static real *orthogonalise(const share *s, const eg_param_run *r, double norm) {
	const eg_muon *m = &s->o->muon;
	size_t square = (size_t)smaller(r) * (size_t)smaller(r);
	real *x = m->x, *next = m->next;
	combine(s, x, 0, x, 1 / (norm + 1e-7), r->count);
	for (int i = 0; i < s->o->config.newton_schulz; i++) {
		multiply(s, square_args(m, x, r));
		multiply(s, fourth_args(m, r));
		combine(s, m->a, B, m->b, C, square);
		multiply(s, product_args(m, x, next, r));
		combine(s, x, A, next, 1, r->count);
		real *done = next;
		next = x, x = done;
	}
	return x;
}

static eg_buf behind(eg_buf b, size_t elements) { return (eg_buf){(real *)b.p + elements, EG_CHUNK}; }

void eg_muon_update(const eg_optimizer *o, const eg_param_run *r, const eg_update_args *all, int rank, int size) {
	const share s = {o, rank, size};
	int begin, end, units = (int)((r->count + EG_CHUNK - 1) / EG_CHUNK);
	eg_update_args step = *all;
	step.op = EG_UPDATE_MUON;
	step.momentum = (real)o->config.momentum;
	step.g = behind(all->g, r->first), step.m = behind(all->m, r->first), step.u = (eg_buf){o->muon.x, EG_CHUNK};
	step.n = (int64_t)r->count;
	double norm = momentum(&s, &step, units);
	/* The step is a gradient that plain descent follows, whose coupled decay is what is called decoupled here. */
	eg_update_args last = {.op = EG_UPDATE_SGD,
		.g = {orthogonalise(&s, r, norm), EG_CHUNK},
		.w = behind(all->w, r->first),
		.n = step.n,
		.lr = (real)((double)all->lr * r->lr),
		.weight_decay = (real)((double)all->weight_decay * r->decay),
		.scale = (real)(r->rows > r->cols ? sqrt((double)r->rows / r->cols) : 1)};
	eg_split(units, rank, size, &begin, &end);
	if (begin < end) o->ctx->kern.update(&last, begin, end, EG_WORKER(&o->ctx->kern, NULL));
	eg_team_barrier(o->ctx->team); /* the next matrix takes the same room */
}
