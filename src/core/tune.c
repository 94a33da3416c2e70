/* tune.c - measured times in place of estimates: making them, and looking them up when a plan chooses.
 *
 * A graph is planned with each layout and algorithm forced in turn, and every call that stands for a choice is timed
 * where it stands. Not here: files (io/tuning.c). */
#define _POSIX_C_SOURCE 199309L /* clock_gettime */
#include "core/plan.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- looking up -------------------------------------------------------------------------------------------------- */

struct eg_tuning {
	int n;
	eg_measurement *m; /* sorted; the texts lie behind */
};

static int by_key(const void *pa, const void *pb) {
	const eg_measurement *a = pa, *b = pb;
	int c = strcmp(a->problem, b->problem);
	if (!c) c = strcmp(a->pass, b->pass);
	return c ? c : strcmp(a->algorithm, b->algorithm);
}

static const char *keep(char **at, const char *text) {
	size_t n = strlen(text) + 1;
	const char *kept = memcpy(*at, text, n);
	*at += n;
	return kept;
}

eg_status eg_context_tuning(eg_context *ctx, const eg_measurement *m, int n, eg_error *err) {
	size_t bytes = sizeof(eg_tuning) + (size_t)n * sizeof *m;
	for (int i = 0; i < n; i++) bytes += strlen(m[i].problem) + strlen(m[i].pass) + strlen(m[i].algorithm) + 3;
	eg_tuning *t = n > 0 ? eg_calloc(ctx->allocator, 1, bytes) : NULL;
	if (n > 0 && !t) return eg_fail(err, EG_ERR_MEMORY, "out of memory for %d measured times", n);
	eg_release(ctx->allocator, ctx->tuning);
	ctx->tuning = t;
	if (!t) return EG_OK;
	t->n = n;
	t->m = (eg_measurement *)(void *)(t + 1);
	char *at = (char *)(t->m + n);
	for (int i = 0; i < n; i++)
		t->m[i] = (eg_measurement){keep(&at, m[i].problem), keep(&at, m[i].pass), keep(&at, m[i].algorithm), m[i].ns};
	qsort(t->m, (size_t)n, sizeof *t->m, by_key);
	return EG_OK;
}

bool eg_emit_tuned(const eg_emit *e) { return e->plan->ctx->tuning != NULL; }

double eg_emit_measured(const eg_emit *e, const char *problem, const char *pass, const char *algorithm) {
	const eg_tuning *t = e->plan->ctx->tuning;
	eg_measurement key = {problem, pass, algorithm, 0};
	const eg_measurement *m = t ? bsearch(&key, t->m, (size_t)t->n, sizeof *t->m, by_key) : NULL;
	return m ? m->ns : -1;
}

/* ---- measuring --------------------------------------------------------------------------------------------------- */

enum { FEWEST = 3, MOST = 200 };

typedef struct tuner {
	eg_graph *graph;
	double seconds;
	void (*found)(void *user, const eg_measurement *m);
	void *user;
	eg_arena arena;
	eg_measurement *m;
	int n, room;
	bool out_of_memory;
} tuner;

typedef struct one {
	eg_plan *plan;
	const eg_step *step;
	const eg_call *call;
} one;

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* One rank's part of one call, shared out as the plan's runner does it. */
static void run_one(void *arg, int rank, int size) {
	const one *o = arg;
	const eg_plan *p = o->plan;
	int begin, end;
	eg_split(o->step->units, rank, size, &begin, &end);
	if (begin >= end) return;
	if (o->step->block) {
		begin = eg_shard_begin(begin, o->step->blocks, o->step->units);
		end = eg_shard_begin(end, o->step->blocks, o->step->units);
	}
	const eg_worker worker = eg_plan_worker(p, rank);
	for (int b = begin; b < end; b = o->step->block ? b + 1 : end)
		o->call->run(o->call->resolved[rank], b, o->step->block ? b + 1 : end, &worker);
}

static int rising(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* The median of some runs, in nanoseconds. */
static double time_call(const tuner *t, one *o) {
	double samples[MOST], begin = now();
	int n = 0;
	while (n < MOST && (n < FEWEST || now() - begin < t->seconds)) {
		double start = now();
		eg_team_run(o->plan->ctx->team, o->step->threads, run_one, o);
		samples[n++] = now() - start;
	}
	qsort(samples, (size_t)n, sizeof *samples, rising);
	return samples[n / 2] * 1e9;
}

/* The smaller time of two that were measured for the same choice, in two layouts or at two places. */
static void note(tuner *t, const eg_call *c, double ns) {
	for (int i = 0; i < t->n; i++) {
		eg_measurement *m = &t->m[i];
		if (strcmp(m->problem, c->problem) || strcmp(m->pass, c->pass) || strcmp(m->algorithm, c->algorithm)) continue;
		if (ns < m->ns) m->ns = ns;
		return;
	}
	const eg_allocator *a = t->graph->ctx->allocator;
	const char *problem = eg_arena_strdup(&t->arena, c->problem);
	if (!problem || !eg_grow(a, &t->m, &t->room, t->n, sizeof *t->m)) {
		t->out_of_memory = true;
		return;
	}
	t->m[t->n++] = (eg_measurement){problem, c->pass, c->algorithm, ns};
}

/* All calls that stand for this choice: the main one and those that prepare for it or finish it. */
static void measure_choice(tuner *t, eg_plan *p, const eg_call *main) {
	double ns = 0;
	for (int i = 0; i < p->nsteps; i++) {
		const eg_step *s = &p->steps[i];
		for (int k = 0; k < s->count; k++) {
			const eg_call *c = &p->calls[p->order[s->first + k]];
			bool same = c->algorithm && c->node == main->node && !strcmp(c->pass, main->pass) && (p->options.train || !s->pack);
			if (same) ns += time_call(t, &(one){p, s, c});
		}
	}
	note(t, main, ns);
}

static void fill_inputs(eg_plan *p) {
	const eg_graph *g = p->graph;
	for (int i = 0; i < g->nvalues; i++) {
		real *x = g->values[i].name && g->values[i].type == EG_F32 ? eg_plan_input(p, g->values[i].name) : NULL;
		eg_rng rng = {1, eg_stream(EG_RNG_TEST, (uint32_t)i, 0)};
		eg_dims d = eg_plan_dims(p, (eg_tensor){i + 1});
		for (int64_t k = 0, n = x ? eg_dims_count(&d, 0) : 0; k < n; k++)
			x[k] = (real)(eg_rng_uniform(rng, (uint64_t)k) - 0.5);
	}
}

static eg_status measure_plan(tuner *t, eg_params *params, eg_plan_options o, eg_error *err) {
	const char *wanted = o.layout == EG_LAYOUT_LANES ? "lanes" : eg_algorithm_name(o.algorithm);
	eg_plan *p = eg_plan_new(t->graph, params, &o, err);
	if (!p) return err->status;
	bool ready = false;
	for (int k = 0; k < p->ncalls && !t->out_of_memory; k++) {
		const eg_call *c = &p->calls[k];
		if (!c->algorithm || c->aside || strcmp(c->algorithm, wanted) != 0) continue;
		if (!ready) {
			fill_inputs(p);
			eg_plan_run(p, 0);
			ready = true;
		}
		measure_choice(t, p, c);
	}
	eg_plan_free(p);
	return EG_OK;
}

eg_status eg_tune(eg_graph *g, eg_params *params, const eg_plan_options *options, double seconds,
	void (*found)(void *user, const eg_measurement *m), void *user, eg_error *err) {
	eg_error own = {0};
	eg_context *ctx = g->ctx;
	tuner t = {.graph = g, .seconds = seconds > 0 ? seconds : 0.05, .arena = {.allocator = ctx->allocator}};
	eg_status status = EG_OK;
	eg_plan_options o = *options;
	if (!err) err = &own;
	for (int layout = EG_LAYOUT_PLAIN; layout < EG_LAYOUT_CHOICES && !status; layout++) {
		bool lanes = layout == EG_LAYOUT_LANES;
		o.layout = (eg_layout_choice)layout;
		for (int a = lanes ? EG_ALGORITHM_AUTO : EG_ALGORITHM_IMPLICIT; a < (lanes ? 1 : EG_ALGORITHMS) && !status; a++) {
			o.algorithm = (eg_algorithm)a;
			status = measure_plan(&t, params, o, err);
		}
	}
	if (!status && t.out_of_memory) status = eg_fail(err, EG_ERR_MEMORY, "out of memory for measured times");
	for (int i = 0; i < t.n && !status; i++) found(user, &t.m[i]);
	eg_release(ctx->allocator, t.m);
	eg_arena_free(&t.arena);
	return status;
}
