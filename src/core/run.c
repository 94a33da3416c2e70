/* run.c - executing the steps of a plan on the team: no allocation, nothing that can fail; and no lock, unless weights
 * have to be packed. */
#include "core/plan.h"

#include <math.h>
#include <string.h>

eg_worker eg_plan_worker(const eg_plan *p, int rank) {
	return (eg_worker){&p->ctx->kern, p->memory + p->worker_offset + (size_t)rank * p->worker_bytes + p->arena_bytes};
}

/* Where the ranks of a joint step meet. */
typedef struct meeting {
	eg_team *team;
	int size;
} meeting;
static void meet(void *arg) {
	const meeting *m = arg;
	eg_team_meet(m->team, m->size);
}

/* One rank's part of a step. Block steps are shared out in whole shards, so that partial sums do not depend on who
 * computes them. */
static void do_step(eg_plan *p, const eg_step *s, int rank, int size) {
	int begin, end;
	const eg_worker worker = eg_plan_worker(p, s->joint ? 0 : rank);
	eg_split(s->units, rank, size, &begin, &end);
	if (s->joint) {
		const eg_call *c = &p->calls[p->order[s->first]];
		c->joint.run(c->resolved[rank], &(eg_ranks){rank, size, meet, &(meeting){p->ctx->team, size}}, &worker);
		return;
	}
	if (begin >= end) return;
	if (!s->block) {
		const eg_call *c = &p->calls[p->order[s->first]];
		c->run(c->resolved[rank], begin, end, &worker);
		return;
	}
	int last = eg_shard_begin(end, s->blocks, s->units);
	for (int b = eg_shard_begin(begin, s->blocks, s->units); b < last; b++)
		for (int k = 0; k < s->count; k++) {
			const eg_call *c = &p->calls[p->order[s->first + k]];
			c->run(c->resolved[rank], b, b + 1, &worker);
		}
}

/* A step that packs weights is left out while what it writes is as the parameters are. */
static bool up_to_date(const eg_plan *p, const eg_step *s) {
	const eg_call *c = &p->calls[p->order[s->first]];
	for (int i = c->reads; i < c->reads + c->writes && !s->again; i++)
		if (c->buf[i] >= 0 && !eg_packed_fresh(p->bufs[c->buf[i]].packed, p->params->version)) return false;
	return true;
}

static bool all_packed(const eg_plan *p) {
	for (int i = 0; i < p->nsteps; i++)
		if (p->steps[i].pack && !up_to_date(p, &p->steps[i])) return false;
	return true;
}

/* Steps that pack what is not up to date, all others, or both. */
typedef struct job {
	eg_plan *plan;
	bool pack, rest;
} job;

static bool wanted(const job *j, const eg_step *s) { return s->pack ? j->pack && !up_to_date(j->plan, s) : j->rest; }

static void run_steps(void *arg, int rank, int size) {
	const job *j = arg;
	eg_plan *p = j->plan;
	bool alone = true; /* the last step was done by rank 0 only */
	for (int i = 0; i < p->nsteps; i++) {
		const eg_step *s = &p->steps[i];
		if (!wanted(j, s)) continue;
		int threads = s->threads < size ? s->threads : size;
		if (!(alone && threads == 1)) eg_team_barrier(p->ctx->team);
		if (rank < threads) do_step(p, s, rank, threads);
		alone = threads == 1;
	}
}

static void run_job(job j) {
	const eg_plan *p = j.plan;
	int threads = 1;
	for (int i = 0; i < p->nsteps; i++)
		if (p->steps[i].threads > threads && wanted(&j, &p->steps[i])) threads = p->steps[i].threads;
	eg_team_run(p->ctx->team, threads, run_steps, &j);
}

/* Packs what is out of date, and, where asked for, does the rest along with it. Another plan that needs the same waits
 * meanwhile, and finds it done. */
static void pack(eg_plan *p, bool rest) {
	eg_packed_lock(p->packed);
	run_job((job){p, .pack = true, .rest = rest});
	for (int i = 0; i < p->nbufs; i++)
		if (p->bufs[i].packed) eg_packed_written(p->bufs[i].packed, p->params->version);
	eg_packed_unlock(p->packed);
}

/* The state that the last run of a plan with a backward pass began with. */
static char *before_of(const eg_plan *p) { return p->memory + p->carry_offset + p->carry_bytes; }

static void keep_state(eg_params *p) { memcpy(p->before, p->data + p->trained, (p->total - p->trained) * sizeof *p->before); }

/* Tables: what the run before has left in their gradients, and what this one has used. */
static void clear_rows(const eg_plan *p) {
	for (int i = 0; i < p->nuses; i++) eg_table_clear(p->params, &p->params->tables[p->uses[i].table]);
}
static void mark_rows(const eg_plan *p) {
	for (int i = 0; i < p->nuses; i++) eg_table_mark(&p->params->tables[p->uses[i].table], p->uses[i].ids, p->uses[i].n);
}

void eg_plan_run(eg_plan *p, uint64_t step) {
	const bool stale = !all_packed(p), together = stale && p->options.train; /* training packs in every run, and
	                                                                          * nobody runs beside it */
	p->dropout = (eg_dropout_state){p->options.seed, step};
	if (eg_plan_backward(p) && p->carry_bytes) memcpy(before_of(p), p->memory + p->carry_offset, p->carry_bytes);
	if (p->updates_state) keep_state(p->params);
	clear_rows(p);
	if (stale) pack(p, together);
	if (!together) run_job((job){p, .rest = true});
	mark_rows(p);
	if (p->updates_state) p->params->version++; /* for plans that pack it */
}

/* ---- looking for NaN --------------------------------------------------------------------------------------------- */

static const real *not_finite(const real *x, int64_t n) {
	for (int64_t i = 0; i < n; i++)
		if (!isfinite(x[i])) return &x[i];
	return NULL;
}

/* Looks at what a call has written: the whole buffer, or the block b of it. */
static const real *bad_result(const eg_plan *p, const eg_call *c, int b) {
	for (int i = c->reads; i < c->reads + c->writes; i++) {
		if (c->buf[i] < 0 || !p->bufs[c->buf[i]].real) continue;
		const eg_pbuf *pb = &p->bufs[c->buf[i]];
		eg_buf buf = ((const eg_buf *)(const void *)c->resolved[0])[i];
		int64_t n = pb->count;
		if (c->block && pb->samples_elems) n = pb->samples_elems * eg_block_size(pb->samples, b);
		else if (!c->block) n = (int64_t)(eg_pbuf_bytes(pb) / pb->elem) - c->begin[i];
		const real *bad = not_finite(c->block ? eg_at(buf, b) : buf.p, n);
		if (bad) return bad;
	}
	return NULL;
}

static eg_status tell(const eg_plan *p, const eg_call *c, double value, eg_error *err) {
	const eg_node *n = &p->graph->nodes[c->node];
	return eg_fail(err, EG_ERR_NUMERIC, "%s of layer '%s' (%s) is %s", c->bwd ? "a gradient in the backward pass" : "the activation", n->name,
		n->op->info.name, isnan(value) ? "NaN" : value > 0 ? "+infinity" : "-infinity");
}

eg_status eg_plan_diagnose(eg_plan *p, uint64_t step, eg_error *err) {
	char number[64];
	eg_graph *g = p->graph;
	if (p->updates_state) eg_params_restore_state(p->params);
	for (int i = 0; i < g->nparams; i++) {
		const real *bad = not_finite(p->params->data + p->params->offset[i], eg_dims_count(&g->params[i].spec.dims, 0));
		if (bad) return eg_fail(err, EG_ERR_NUMERIC, "weight '%s' holds a value that is not finite", g->params[i].name);
	}
	for (int i = 0; i < g->nvalues; i++) {
		if (eg_plan_source(p, i) >= 0 || g->values[i].type != EG_F32 || p->values[i].buf[EG_PLAIN] < 0) continue;
		const eg_pbuf *b = &p->bufs[p->values[i].buf[EG_PLAIN]];
		const real *x = g->values[i].data ? g->values[i].data : (const real *)(const void *)(p->memory + b->offset);
		const real *bad = not_finite(x, (int64_t)(eg_pbuf_bytes(b) / b->elem));
		if (!bad) continue;
		if (g->values[i].data) return eg_fail(err, EG_ERR_NUMERIC, "a constant holds %s", isnan(*bad) ? "NaN" : "infinity");
		if (b->samples_elems && eg_plan_value_batched(p, i)) snprintf(number, sizeof number, " (sample %lld of the batch)", (long long)((bad - x) / b->samples_elems));
		else number[0] = '\0';
		const char *name = g->values[i].name ? g->values[i].name : g->nodes[g->values[i].node].name;
		return eg_fail(err, EG_ERR_NUMERIC, "input '%s' holds %s%s", name, isnan(*bad) ? "NaN" : "infinity", number);
	}
	p->dropout = (eg_dropout_state){p->options.seed, step};
	if (!all_packed(p)) pack(p, false);
	if (eg_plan_backward(p) && p->carry_bytes) memcpy(p->memory + p->carry_offset, before_of(p), p->carry_bytes);
	eg_status status = EG_OK;
	int mode = eg_fp_flush_on();
	const eg_worker worker = eg_plan_worker(p, 0);
	for (int i = 0; i < p->nsteps && !status; i++) {
		const eg_step *s = &p->steps[i];
		if (s->pack) continue;
		const bool by_block = s->block && p->calls[p->order[s->first]].block; /* chunks are looked at all at
		                                                                       * once */
		int blocks = by_block ? s->blocks : 1;
		for (int b = 0; b < blocks && !status; b++)
			for (int k = 0; k < s->count && !status; k++) {
				const eg_call *c = &p->calls[p->order[s->first + k]];
				c->run(c->resolved[0], by_block ? b : 0, by_block ? b + 1 : c->units, &worker);
				const real *bad = bad_result(p, c, b);
				if (bad) status = tell(p, c, (double)*bad, err);
			}
	}
	eg_fp_restore(mode);
	return status;
}
