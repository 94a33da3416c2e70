/* optimizer.c - gradient clipping and SGD, Adam, AdamW over the flat parameter block. The equations stand beside the kernel slots
 * (kern.h, eg_optimizer_args); the norm is summed in units of fixed size and in fixed order, so that it has the same bits for any number
 * of threads. Parameters that are updated alike and lie side by side are one run, and without groups or decay all are (groups.c). */
#include "train/groups.h"

#include <math.h>
#include <string.h>

enum { SHARE_FROM = 32768 }; /* elements from which a second thread pays */

struct eg_optimizer {
	eg_params *params;
	eg_context *ctx;
	eg_optimizer_config config;
	real *moments;  /* m, or m and v, each as long as the parameter block */
	int nmoments;
	double *partial; /* sums of squares by unit */
	int units;
	eg_param_run *runs;
	bool *frozen; /* by parameter */
	int nruns, run_units;
	bool any_frozen;
	uint64_t steps;
};

/* What 0 stands for; EG_ZERO_F is zero. */
static double or_default(double v, double d) { return v != 0 ? v : signbit(v) ? 0 : d; }

static eg_status check(const eg_optimizer_config *c, eg_error *err) {
	if (!(c->lr > 0) || !isfinite(c->lr)) return eg_fail(err, EG_ERR_ARG, "optimizer: learning rate is %g; it must be above 0", c->lr);
	if (!(c->momentum >= 0 && c->momentum < 1)) return eg_fail(err, EG_ERR_ARG, "optimizer: momentum is %g; it must be in [0, 1)", c->momentum);
	if (c->nesterov && c->momentum == 0) return eg_fail(err, EG_ERR_ARG, "optimizer: nesterov needs a momentum, 0.9 for example");
	if (!(c->beta1 >= 0 && c->beta1 < 1 && c->beta2 >= 0 && c->beta2 < 1))
		return eg_fail(err, EG_ERR_ARG, "optimizer: betas are %g and %g; they must be in [0, 1)", c->beta1, c->beta2);
	if (!(c->eps > 0)) return eg_fail(err, EG_ERR_ARG, "optimizer: eps is %g; it must be above 0", c->eps);
	if (!(c->clip_norm >= 0) || !(c->clip_value >= 0))
		return eg_fail(err, EG_ERR_ARG, "optimizer: clip_norm %g and clip_value %g must not be negative", c->clip_norm, c->clip_value);
	if (c->kind != EG_SGD && c->momentum != 0) return eg_fail(err, EG_ERR_ARG, "optimizer: momentum belongs to sgd; adam has beta1");
	return EG_OK;
}

static int units_of(const eg_param_run *r) { return r->frozen ? 0 : (int)((r->count + EG_CHUNK - 1) / EG_CHUNK); }

static eg_status set_groups(eg_optimizer *o, eg_error *err) {
	eg_status status = eg_groups_resolve(o->params, &o->config, o->runs, &o->nruns, o->frozen, err);
	for (int i = 0; i < o->params->count; i++) o->any_frozen |= o->frozen[i];
	for (int i = 0; i < o->nruns; i++) o->run_units += units_of(&o->runs[i]);
	o->config.groups = NULL; /* the caller's; not kept */
	return status;
}

eg_optimizer *eg_optimizer_new(eg_params *p, const eg_optimizer_config *config, eg_error *err) {
	eg_context *ctx = p->graph->ctx;
	eg_optimizer_config c = config ? *config : (eg_optimizer_config){0};
	c.lr = or_default(c.lr, c.kind == EG_SGD ? 0.01 : 0.001);
	c.beta1 = or_default(c.beta1, 0.9);
	c.beta2 = or_default(c.beta2, 0.999);
	c.eps = or_default(c.eps, 1e-8);
	c.weight_decay = or_default(c.weight_decay, c.kind == EG_ADAMW ? 0.01 : 0);
	if (c.weight_decay < 0) c.weight_decay = 0;
	if (check(&c, err) || eg_params_need_grad(p, err)) return NULL;
	eg_optimizer *o = eg_calloc(ctx->allocator, 1, sizeof *o);
	if (!o) goto no_memory;
	*o = (eg_optimizer){.params = p, .ctx = ctx, .config = c};
	o->runs = eg_calloc(ctx->allocator, (size_t)p->count + 1, sizeof *o->runs);
	o->frozen = eg_calloc(ctx->allocator, (size_t)p->count + 1, sizeof *o->frozen);
	if (!o->runs || !o->frozen) goto no_memory;
	if (set_groups(o, err)) {
		eg_optimizer_free(o);
		return NULL;
	}
	o->nmoments = eg_optimizer_moments_of(&c);
	o->units = (int)((p->trained + EG_CHUNK - 1) / EG_CHUNK);
	o->moments = eg_block_new(ctx->allocator, (size_t)o->nmoments * p->trained * sizeof(real) + EG_ALIGN);
	o->partial = eg_calloc(ctx->allocator, (size_t)o->units + 1, sizeof *o->partial);
	if (o->moments && o->partial) return o;
no_memory:
	eg_optimizer_free(o);
	eg_fail(err, EG_ERR_MEMORY, "out of memory for the optimizer's moments");
	return NULL;
}

void eg_optimizer_free(eg_optimizer *o) {
	if (!o) return;
	const eg_allocator *a = o->ctx->allocator;
	eg_block_free(a, o->moments);
	eg_release(a, o->partial);
	eg_release(a, o->runs);
	eg_release(a, o->frozen);
	eg_release(a, o);
}

const bool *eg_optimizer_frozen(const eg_optimizer *o) { return o->any_frozen ? o->frozen : NULL; }

void eg_optimizer_clear_frozen(eg_optimizer *o) {
	for (int i = 0; i < o->nruns && o->any_frozen; i++)
		if (o->runs[i].frozen) memset(o->params->grad + o->runs[i].first, 0, o->runs[i].count * sizeof(real));
}

typedef struct step_job {
	eg_optimizer *o;
	eg_optimizer_args update;
	double norm; /* written by rank 0 */
} step_job;

/* Every rank sums all partial sums, in the same order, and so comes to the same norm. */
static double total_norm(const eg_optimizer *o) {
	double sum = 0;
	for (int i = 0; i < o->units; i++) sum += o->partial[i];
	return sqrt(sum);
}

static eg_buf behind(eg_buf b, size_t elements) { return b.p ? (eg_buf){(real *)b.p + elements, EG_CHUNK} : b; }

/* This rank's share of the units of all runs. */
static void update_runs(const eg_optimizer *o, const eg_optimizer_args *all, int rank, int size) {
	const eg_kernels *k = &o->ctx->kern;
	int begin, end, before = 0;
	eg_split(o->run_units, rank, size, &begin, &end);
	for (int i = 0; i < o->nruns; i++) {
		const eg_param_run *r = &o->runs[i];
		int units = units_of(r), from = begin > before ? begin - before : 0, to = end - before < units ? end - before : units;
		before += units;
		if (from >= to) continue;
		eg_optimizer_args a = *all;
		a.g = behind(a.g, r->first), a.w = behind(a.w, r->first), a.m = behind(a.m, r->first), a.v = behind(a.v, r->first);
		a.n = (int64_t)r->count;
		a.lr = (real)((double)a.lr * r->lr);
		a.weight_decay = (real)((double)a.weight_decay * r->decay);
		(o->config.kind == EG_SGD ? k->sgd : k->adam)(&a, from, to, NULL);
	}
}

static void step(void *arg, int rank, int size) {
	step_job *job = arg;
	eg_optimizer *o = job->o;
	const eg_kernels *k = &o->ctx->kern;
	eg_buf grad = {o->params->grad, EG_CHUNK};
	int64_t n = (int64_t)o->params->trained;
	int begin, end;
	eg_split(o->units, rank, size, &begin, &end);
	eg_sumsq_args sum = {.x = grad, .out = {o->partial, 1}, .n = n};
	if (begin < end) k->sumsq(&sum, begin, end, NULL);
	eg_team_barrier(o->ctx->team);
	double norm = total_norm(o);
	if (o->config.clip_value > 0 && isfinite(norm)) { /* after the look for infinity, which clipping would hide */
		eg_clip_value_args clip = {.x = grad, .n = n, .limit = (real)o->config.clip_value};
		eg_team_barrier(o->ctx->team);
		if (begin < end) {
			k->clip_value(&clip, begin, end, NULL);
			k->sumsq(&sum, begin, end, NULL);
		}
		eg_team_barrier(o->ctx->team);
		norm = total_norm(o);
	}
	if (rank == 0) job->norm = norm;
	if (!isfinite(norm)) return;
	eg_optimizer_args a = job->update;
	if (o->config.clip_norm > 0 && norm > o->config.clip_norm) a.scale = (real)(o->config.clip_norm / (norm + 1e-6));
	update_runs(o, &a, rank, size);
}

eg_status eg_optimizer_step(eg_optimizer *o, double lr, double *norm, eg_error *err) {
	const eg_optimizer_config *c = &o->config;
	eg_params *p = o->params;
	if (norm) *norm = 0;
	if (o->units == 0) return EG_OK;
	eg_optimizer_clear_frozen(o);
	real *m = o->nmoments ? o->moments : NULL, *v = o->nmoments == 2 ? o->moments + p->trained : NULL;
	double t = (double)(o->steps + 1);
	step_job job = {.o = o,
		.update = {.g = {p->grad, EG_CHUNK}, .w = {p->data, EG_CHUNK}, .m = {m, EG_CHUNK}, .v = {v, EG_CHUNK}, .n = (int64_t)p->trained,
			.lr = (real)lr, .scale = 1, .momentum = (real)c->momentum, .weight_decay = (real)c->weight_decay, .b1 = (real)c->beta1,
			.b2 = (real)c->beta2, .eps = (real)c->eps, .c1 = (real)(1 - pow(c->beta1, t)), .c2 = (real)(1 - pow(c->beta2, t)),
			.nesterov = c->nesterov, .decoupled = c->kind == EG_ADAMW, .first = o->steps == 0}};
	int threads = eg_team_size(o->ctx->team);
	if (p->trained < SHARE_FROM) threads = 1;
	eg_team_run(o->ctx->team, threads < o->units ? threads : o->units, step, &job);
	if (norm) *norm = job.norm;
	if (!isfinite(job.norm)) return eg_fail(err, EG_ERR_NUMERIC, "the norm of the gradients is not finite; nothing was updated");
	o->steps++;
	eg_params_changed(p);
	return EG_OK;
}

double eg_optimizer_lr(const eg_optimizer *o) { return o->config.lr; }
int eg_optimizer_moments(const eg_optimizer *o) { return o->nmoments; }
int eg_optimizer_moments_of(const eg_optimizer_config *c) { return c->kind != EG_SGD ? 2 : c->momentum != 0; }
const char *eg_optimizer_moment_name(const eg_optimizer *o, int i) { return i < 0 || i >= o->nmoments ? NULL : i == 0 ? "m" : "v"; }
eg_real *eg_optimizer_moment(eg_optimizer *o, int i, size_t *n) {
	if (n) *n = o->params->trained;
	return i < 0 || i >= o->nmoments ? NULL : o->moments + (size_t)i * o->params->trained;
}
uint64_t eg_optimizer_steps(const eg_optimizer *o) { return o->steps; }
void eg_optimizer_set_steps(eg_optimizer *o, uint64_t steps) { o->steps = steps; }
