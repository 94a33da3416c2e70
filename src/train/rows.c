/* rows.c - updates of tables of which a batch uses few rows: a row without gradient and momentum rests, and when it
 * occurs again its moments have faded by as much as if it had been visited in every step (eg_rows_update).
 *
 * All that is remembered is the step in which each row occurred last. Rows are visited in rising order, neighbours
 * together, so that an update is one pass over those parts of the memory that it is about, and its result does not
 * depend on who does which part.
 *
 * Not here: which rows a run has used (core/tables.c), which tables are updated so (groups.c). */
#include "train/optimizer.h"

#include <math.h>
#include <string.h>

/* What is left of a momentum when its row may rest. */
static const double SPENT = 1e-6;

/* Steps until a way that becomes `factor` times as long in each is spent. Adam's is the mean of gradients by the root
 * of that of squares, which fades too: where it is the faster of the two the way grows, and a row never rests. */
static int steps_until_spent(double factor) {
	if (!(factor < 1)) return INT32_MAX;
	return factor > 0 ? (int)fmin(ceil(log(SPENT) / log(factor)), INT32_MAX) : 0;
}

/* What the equations of kern_update.h make of the moments where g' is 0. */
static void set_fades(eg_optimizer *o) {
	const eg_optimizer_config *c = &o->config;
	const bool adam = c->kind == EG_ADAM || c->kind == EG_ADAMW || c->kind == EG_NADAM;
	const double square = adam ? c->beta2 : c->alpha, momentum = adam ? c->beta1 : c->momentum;
	const bool lazy = c->embeddings == EG_ROWS_LAZY, fades = c->kind != EG_ADAGRAD;
	for (int k = 0; k < EG_MOMENT_KINDS; k++) o->fade[k] = 1;
	o->rest = 0;
	if (lazy) return;
	if (eg_optimizer_array(o, EG_MOMENT_M)) {
		o->fade[EG_MOMENT_M] = momentum;
		if (momentum > 0) o->rest = steps_until_spent(adam ? momentum / sqrt(square) : momentum);
	}
	if (fades) o->fade[EG_MOMENT_V] = o->fade[EG_MOMENT_U] = square;
}

bool eg_rows_make(eg_optimizer *o) {
	size_t n = 0;
	for (int i = 0; i < o->nruns; i++) n += o->runs[i].table ? (size_t)o->runs[i].table->rows : 0;
	set_fades(o);
	if (n == 0) return true;
	o->last = eg_calloc(o->ctx->allocator, n, sizeof *o->last);
	o->nlast = n;
	int32_t *last = o->last;
	for (int i = 0; i < o->nruns && last; i++) {
		if (!o->runs[i].table) continue;
		o->runs[i].last = last;
		last += o->runs[i].table->rows;
	}
	return o->last != NULL;
}

void eg_rows_all(eg_optimizer *o, uint64_t step) {
	for (size_t i = 0; i < o->nlast; i++) o->last[i] = (int32_t)step;
}

/* A row's moments after `steps` steps without a gradient in which nobody has visited it. */
static void catch_up(const eg_optimizer *o, size_t first, int n, int64_t steps) {
	for (int kind = 0; kind < EG_MOMENT_KINDS; kind++) {
		real *m = o->fade[kind] != 1 ? eg_optimizer_array(o, kind) : NULL;
		const real factor = (real)pow(o->fade[kind], (double)steps);
		for (int i = 0; m && i < n; i++) m[first + (size_t)i] *= factor;
	}
}

/* Has row i been left out before step t, and is that to be made good? */
static void wake(const eg_optimizer *o, const eg_param_run *r, int i, int64_t t) {
	const int64_t missed = t - 1 - r->last[i] - o->rest;
	if (r->last[i] > 0 && missed > 0) catch_up(o, r->first + (size_t)i * (size_t)r->table->n, r->table->n, missed);
}

void eg_rows_settle(eg_optimizer *o) {
	for (int k = 0; k < o->nruns; k++) {
		eg_param_run *r = &o->runs[k];
		for (int i = 0; r->table && i < r->table->rows; i++) wake(o, r, i, (int64_t)o->steps + 1);
		o->run_units -= eg_run_units(r);
		r->table = NULL;
		o->run_units += eg_run_units(r);
	}
	eg_release(o->ctx->allocator, o->last);
	o->last = NULL;
	o->nlast = 0;
}

static void update_span(const eg_optimizer *o, const eg_param_run *r, const eg_update_args *run, int begin, int end) {
	const size_t at = (size_t)begin * (size_t)r->table->n;
	eg_update_args a = *run;
	a.g = eg_behind(a.g, at), a.w = eg_behind(a.w, at), a.m = eg_behind(a.m, at);
	a.v = eg_behind(a.v, at), a.u = eg_behind(a.u, at);
	a.n = (int64_t)(end - begin) * r->table->n;
	o->ctx->kern.update(&a, 0, (int)((a.n + EG_CHUNK - 1) / EG_CHUNK), EG_WORKER(&o->ctx->kern, NULL));
}

void eg_rows_update_units(const eg_optimizer *o, const eg_param_run *r, const eg_update_args *run, int begin, int end) {
	const eg_table *t = r->table;
	const int64_t step = (int64_t)o->steps + 1;
	int first = begin * EG_UNIT_ROWS, last = end * EG_UNIT_ROWS < t->rows ? end * EG_UNIT_ROWS : t->rows, from = -1;
	for (int i = first; i < last; i++) {
		if (t->occurs[i]) {
			wake(o, r, i, step);
			r->last[i] = (int32_t)step;
		}
		const bool goes = r->last[i] > 0 && step - r->last[i] <= o->rest;
		if (!goes && from >= 0) update_span(o, r, run, from, i);
		from = !goes ? -1 : from < 0 ? i : from;
	}
	if (from >= 0) update_span(o, r, run, from, last);
}

/* ---- squares ----------------------------------------------------------------------------------------------------- */

void eg_rows_inner(const eg_param_run *r, int *begin, int *end) {
	const size_t behind = r->first + (size_t)r->table->rows * (size_t)r->table->n;
	*begin = (int)((r->first + EG_CHUNK - 1) / EG_CHUNK);
	*end = (int)(behind / EG_CHUNK);
}

void eg_rows_squares(const eg_optimizer *o, const eg_param_run *r, double *out, int begin, int end) {
	const eg_table *t = r->table;
	const eg_kernels *k = &o->ctx->kern;
	int inner, outer;
	eg_rows_inner(r, &inner, &outer);
	for (int u = begin; u < end; u++) {
		out[u] = 0;
		for (int i = u * EG_UNIT_ROWS; i < (u + 1) * EG_UNIT_ROWS && i < t->nlist; i++) {
			int64_t at = (int64_t)r->first + (int64_t)t->list[i] * t->n, last = at + t->n;
			if (at < (int64_t)inner * EG_CHUNK) at = (int64_t)inner * EG_CHUNK;
			if (last > (int64_t)outer * EG_CHUNK) last = (int64_t)outer * EG_CHUNK;
			for (; at < last; at += EG_CHUNK) {
				double square;
				const eg_sumsq_args sum = {.x = {o->params->grad + at, EG_CHUNK}, .out = {&square, 1},
					.n = last - at < EG_CHUNK ? last - at : EG_CHUNK};
				k->sumsq(&sum, 0, 1, EG_WORKER(k, NULL));
				out[u] += square;
			}
		}
	}
}
