/* update.c - one update of the weights: the norm of the gradients, clipping, the method's own arithmetic over runs of
 * parameters that are updated alike, and Lookahead behind it. The equations stand beside the kernel slot (kern.h,
 * eg_update_args).
 *
 * The norm is summed in units of fixed size and in fixed order, so that it has the same bits for any number of threads.
 *
 * Not here: settings and moments (optimizer.c), matrices of Muon (muon.c), rows of tables (rows.c). */
#include "train/optimizer.h"

#include <math.h>
#include <string.h>

enum { SHARE_FROM = 32768 }; /* elements from which a second thread pays */

typedef struct step_job {
	eg_optimizer *o;
	eg_update_args update;
	double norm; /* written by rank 0 */
} step_job;

/* Units of rows of all tables, whose sums stand behind those of the block. */
static int row_units(const eg_optimizer *o) {
	int n = 0;
	for (int i = 0; i < o->nruns; i++) n += eg_rows_units(&o->runs[i]);
	return n;
}

/* Every rank sums all partial sums, in the same order, and so comes to the same norm. */
static double total_norm(const eg_optimizer *o) {
	const int units = o->units + row_units(o);
	double sum = 0;
	for (int i = 0; i < units; i++) sum += o->partial[i];
	return sqrt(sum);
}

/* Units of the block but for those in tables, whose sums stay 0. */
static void sum_block(const eg_optimizer *o, const eg_sumsq_args *sum, int begin, int end) {
	const eg_kernels *k = &o->ctx->kern;
	for (int i = 0; i < o->nruns; i++) {
		int from, to;
		if (!o->runs[i].table) continue;
		eg_rows_inner(&o->runs[i], &from, &to);
		if (to > end) to = end;
		if (from > begin && begin < end) k->sumsq(sum, begin, from < end ? from : end, EG_WORKER(k, NULL));
		if (to > begin) begin = to;
	}
	if (begin < end) k->sumsq(sum, begin, end, EG_WORKER(k, NULL));
}

/* This rank's share of the units of rows. */
static void sum_rows(const eg_optimizer *o, int rank, int size) {
	int begin, end, before = 0;
	eg_split(row_units(o), rank, size, &begin, &end);
	for (int i = 0; i < o->nruns; i++) {
		const int units = eg_rows_units(&o->runs[i]), from = begin > before ? begin - before : 0,
			  to = end - before < units ? end - before : units;
		if (from < to) eg_rows_squares(o, &o->runs[i], o->partial + o->units + before, from, to);
		before += units;
	}
}

/* This rank's share of the units of all runs that are no matrices. */
static void update_runs(const eg_optimizer *o, const eg_update_args *all, int rank, int size) {
	int begin, end, before = 0;
	eg_split(o->run_units, rank, size, &begin, &end);
	for (int i = 0; i < o->nruns; i++) {
		const eg_param_run *r = &o->runs[i];
		int units = eg_run_units(r), from = begin > before ? begin - before : 0,
		    to = end - before < units ? end - before : units;
		before += units;
		if (from >= to) continue;
		eg_update_args a = *all;
		a.g = eg_behind(a.g, r->first), a.w = eg_behind(a.w, r->first), a.m = eg_behind(a.m, r->first);
		a.v = eg_behind(a.v, r->first), a.u = eg_behind(a.u, r->first);
		a.n = (int64_t)r->count;
		a.lr = (real)((double)a.lr * r->lr);
		a.weight_decay = (real)((double)a.weight_decay * r->decay);
		if (r->table) eg_rows_update_units(o, r, &a, from, to);
		else o->ctx->kern.update(&a, from, to, EG_WORKER(&o->ctx->kern, NULL));
	}
}

/* Muon: matrices one after the other, the rest by AdamW at a learning rate of its own, which the schedule moves
 * alike. */
static void update_matrices(const eg_optimizer *o, const eg_update_args *all, int rank, int size) {
	eg_update_args rest = *all;
	rest.lr = (real)((double)all->lr * (o->config.adam_lr / o->config.lr));
	update_runs(o, &rest, rank, size);
	for (int i = 0; i < o->nruns; i++)
		if (o->runs[i].rows && !o->runs[i].frozen) eg_muon_update(o, &o->runs[i], all, rank, size);
}

/* Lookahead: the slow weights go a part of the way to the others, which go on from there. */
static void look_ahead(const eg_optimizer *o, int begin, int end) {
	const size_t all = o->params->trained, first = (size_t)begin * EG_CHUNK, behind_last = (size_t)end * EG_CHUNK,
		     last = behind_last < all ? behind_last : all;
	real *slow = eg_optimizer_array(o, EG_MOMENT_SLOW);
	eg_blend_args a = {.x = {o->params->data, EG_CHUNK},
		.y = {slow, EG_CHUNK},
		.n = (int64_t)all,
		.a = (real)o->config.lookahead_alpha};
	if (begin >= end) return;
	o->ctx->kern.blend(&a, begin, end, EG_WORKER(&o->ctx->kern, NULL));
	memcpy(o->params->data + first, slow + first, (last - first) * sizeof(real));
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
	sum_block(o, &sum, begin, end);
	sum_rows(o, rank, size);
	eg_team_barrier(o->ctx->team);
	double norm = total_norm(o);
	if (o->config.clip_value > 0 && isfinite(norm)) { /* after the look for infinity, which clipping would hide */
		eg_clip_value_args clip = {.x = grad, .n = n, .limit = (real)o->config.clip_value};
		eg_team_barrier(o->ctx->team);
		if (begin < end) {
			k->clip_value(&clip, begin, end, EG_WORKER(k, NULL));
			k->sumsq(&sum, begin, end, EG_WORKER(k, NULL));
		}
		eg_team_barrier(o->ctx->team);
		norm = total_norm(o);
	}
	if (rank == 0) job->norm = norm;
	if (!isfinite(norm)) return;
	eg_update_args a = job->update;
	if (o->config.clip_norm > 0 && norm > o->config.clip_norm) a.scale = (real)(o->config.clip_norm / (norm + 1e-6));
	(o->config.kind == EG_MUON ? update_matrices : update_runs)(o, &a, rank, size);
	if (o->config.lookahead == 0 || (o->steps + 1) % (uint64_t)o->config.lookahead) return;
	eg_team_barrier(o->ctx->team);
	look_ahead(o, begin, end);
}

/* NAdam's factors of the mean and of the gradient. */
static void set_nadam(const eg_optimizer *o, eg_update_args *a, double t) {
	const eg_optimizer_config *c = &o->config;
	double now = eg_nadam_rise(c, t), next = eg_nadam_rise(c, t + 1);
	double mu = c->beta1 * now, mu_next = c->beta1 * next, product = pow(c->beta1, t) * o->rise * now;
	a->cg = (real)((1 - mu) / (1 - product));
	a->cm = (real)(mu_next / (1 - product * mu_next));
}

static eg_update_args make_args(const eg_optimizer *o, double lr) {
	static const eg_update ops[] = {[EG_SGD] = EG_UPDATE_SGD,
		[EG_ADAM] = EG_UPDATE_ADAM,
		[EG_ADAMW] = EG_UPDATE_ADAM,
		[EG_RMSPROP] = EG_UPDATE_RMSPROP,
		[EG_ADAGRAD] = EG_UPDATE_ADAGRAD,
		[EG_ADADELTA] = EG_UPDATE_ADADELTA,
		[EG_NADAM] = EG_UPDATE_NADAM,
		[EG_MUON] = EG_UPDATE_ADAM};
	const eg_optimizer_config *c = &o->config;
	eg_params *p = o->params;
	bool means = c->kind == EG_RMSPROP || c->kind == EG_ADADELTA;
	double t = (double)(o->steps + 1);
	eg_update_args a = {.op = ops[c->kind],
		.g = {p->grad, EG_CHUNK},
		.w = {p->data, EG_CHUNK},
		.m = {eg_optimizer_array(o, EG_MOMENT_M), EG_CHUNK},
		.v = {eg_optimizer_array(o, EG_MOMENT_V), EG_CHUNK},
		.u = {eg_optimizer_array(o, EG_MOMENT_U), EG_CHUNK},
		.n = (int64_t)p->trained,
		.lr = (real)lr,
		.scale = 1,
		.momentum = (real)c->momentum,
		.weight_decay = (real)c->weight_decay,
		.b1 = (real)c->beta1,
		.b2 = (real)(means ? c->alpha : c->beta2),
		.eps = (real)c->eps,
		.c1 = (real)(1 - pow(c->beta1, t)),
		.c2 = (real)(1 - pow(c->beta2, t)),
		.nesterov = c->nesterov,
		.centered = c->centered,
		.decoupled = c->kind == EG_ADAMW || c->kind == EG_MUON,
		.first = o->steps == 0};
	if (c->kind == EG_NADAM) set_nadam(o, &a, t);
	return a;
}

eg_status eg_optimizer_step(eg_optimizer *o, double lr, double *norm, eg_error *err) {
	eg_params *p = o->params;
	real *slow = eg_optimizer_array(o, EG_MOMENT_SLOW);
	if (norm) *norm = 0;
	if (o->units == 0) return EG_OK;
	if (o->last && p->whole) eg_rows_settle(o);
	eg_optimizer_clear_frozen(o);
	if (slow && o->steps == 0) memcpy(slow, p->data, p->trained * sizeof(real));
	step_job job = {.o = o, .update = make_args(o, lr)};
	int threads = eg_team_size(o->ctx->team);
	if (p->trained < SHARE_FROM) threads = 1;
	eg_team_run(o->ctx->team, threads < o->units ? threads : o->units, step, &job);
	if (norm) *norm = job.norm;
	if (!isfinite(job.norm))
		return eg_fail(err, EG_ERR_NUMERIC, "the norm of the gradients is not finite; nothing was updated");
	o->steps++;
	if (o->config.kind == EG_NADAM) o->rise = eg_nadam_product(o->rise, eg_nadam_rise(&o->config, (double)o->steps));
	eg_params_changed(p);
	return EG_OK;
}
