/* feed.c - a batch of a data set into a plan. See feed.h.
 *
 * Not here: which samples make a batch (batches.c), what is done with it (trainer.c, evaluate.c). */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "train/feed.h"

#include <string.h>
#include <time.h>

int eg_feed_output(const eg_graph *g, const char *name) {
	for (int i = 0; i < g->noutputs; i++)
		if (!strcmp(g->outputs[i].name, name)) return g->outputs[i].value;
	return -1;
}

/* ---- targets ----------------------------------------------------------------------------------------------------- */

static bool without(const eg_dims *x, int axis, const eg_dims *t) {
	int same = 0;
	for (int i = 0; i < t->rank && t->rank == x->rank - 1; i++) same += t->d[i] == x->d[i + (i >= axis)];
	return same > 0 && same == t->rank;
}

/* Is t what x holds without the axis of classes: the last one, or, of pictures (N,C,...), the second? */
static bool without_classes(const eg_dims *x, const eg_dims *t) {
	return without(x, x->rank - 1, t) || without(x, 1, t);
}

static void add_target(eg_feed *f, const eg_node *node) {
	const eg_graph *g = f->graph;
	const eg_op_info *op = &node->op->info;
	if (op->min_inputs < 2 || strcmp(op->inputs[1], "target") != 0 || node->nin < 2 || node->in[1] < 0) return;
	const eg_graph_value *x = &g->values[node->in[0]], *t = &g->values[node->in[1]];
	if (t->node >= 0 || t->type != EG_I32 || !without_classes(&x->dims, &t->dims) || f->ntargets == EG_FEED_TARGETS)
		return;
	f->targets[f->ntargets++] = t->name;
}

/* Walks back from the objective to the losses that it is made of. */
static eg_status find_targets(eg_feed *f, int objective, eg_error *err) {
	const eg_graph *g = f->graph;
	bool *behind = eg_calloc(g->ctx->allocator, (size_t)g->nvalues + 1, sizeof *behind);
	if (!behind) return eg_fail(err, EG_ERR_MEMORY, "out of memory for the batches of a data set");
	behind[objective] = true;
	for (int n = g->nnodes - 1; n >= 0; n--) {
		const eg_node *node = &g->nodes[n];
		bool wanted = false;
		for (int i = 0; i < node->nout; i++) wanted |= behind[node->out[i]];
		for (int i = 0; i < node->nin && wanted; i++)
			if (node->in[i] >= 0) behind[node->in[i]] = true;
		if (wanted) add_target(f, node);
	}
	eg_release(g->ctx->allocator, behind);
	return EG_OK;
}

/* ---- filling ----------------------------------------------------------------------------------------------------- */

/* Which size of each sample an input of this name asks for: "lengths" its steps, "lengths.WORD" those of another
 * dimension. -1: none, 0: the steps, 1 and on: of data->dims. */
static int length_asked(const eg_dataset *d, const char *name) {
	if (!strcmp(name, "lengths")) return d->time > 0 ? 0 : -1;
	for (int i = 0; d->dims && d->dims[i] && !strncmp(name, "lengths.", 8); i++)
		if (!strcmp(name + 8, d->dims[i])) return 1 + i;
	return -1;
}

/* Nothing that the network takes may be left as it was: what the data set does not fill are lengths, or an error. */
static eg_status fill_others(const eg_feed *f, const eg_batch *b, eg_error *err) {
	const eg_graph *g = f->graph;
	const eg_dataset *d = f->data;
	for (int i = 0; i < g->nvalues; i++) {
		const char *name = g->values[i].name;
		int k = 0;
		if (!name || !eg_plan_input(f->plan, name)) continue;
		while (d->inputs[k] && strcmp(d->inputs[k], name) != 0) k++;
		if (d->inputs[k]) continue;
		int which = length_asked(d, name);
		if (which < 0 || g->values[i].type != EG_I32 || g->values[i].dims.rank != 1)
			return eg_fail(err, EG_ERR_ARG,
			        "the network takes an input '%s', which the data set does not fill", name);
		eg_fill_lengths(eg_plan_input(f->plan, name), d, which, b);
	}
	return EG_OK;
}

/* A view of a batch into the plan's own memory, and what the plan does not need into other. */
static eg_status fill_here(eg_feed *f, const eg_batch *b, int view, eg_error *err) {
	const eg_dataset *d = f->data;
	eg_status status = eg_filled_begin(&f->here, f->graph, d, b, f->seed, f->epoch, view, err);
	for (int k = 0; d->inputs[k] && !status; k++) {
		f->here.slots[k] = eg_plan_input(f->plan, d->inputs[k]);
		if (!f->here.slots[k]) status = eg_filled_own(&f->here, f->graph, d, k, err);
	}
	f->now = &f->here;
	if (!status) status = fill_others(f, b, err);
	return status ? status : eg_filled_fill(&f->here, f->graph, d, err);
}

/* The same of a batch that somebody has filled elsewhere. */
static eg_status copy_there(eg_feed *f, eg_filled *from, eg_error *err) {
	const eg_dataset *d = f->data;
	f->now = from;
	for (int k = 0; d->inputs[k]; k++) {
		void *to = eg_plan_input(f->plan, d->inputs[k]);
		if (!to) continue;
		memcpy(to, from->own[k], eg_filled_bytes(from, f->graph, d, k));
		from->slots[k] = to;
	}
	return fill_others(f, &from->batch, err);
}

/* ---- whether threads fill ahead ---------------------------------------------------------------------------------- */

/* Asked for nothing, the feed looks for itself: it fills in line while a share of time below WORTH goes into that, and
 * looks again in every epoch, since files that have been read once are read faster. */
enum { LOOK_BATCHES = 4 };
static const double LOOK_SECONDS = 0.02, WORTH = 0.04;

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void begin_threads(eg_feed *f) {
	f->settled = true;
	f->prefetch = eg_prefetch_new(f->graph, f->data, eg_context_loaders(f->graph->ctx));
}

static bool may_begin(const eg_feed *f) {
	return !f->settled && f->data->parallel && eg_context_loaders(f->graph->ctx) > 0;
}

/* A batch was filled in line from `begin` to `end`; the first one of an epoch brings no time between two. */
static void look(eg_feed *f, double begin, double end) {
	if (f->looked > 0) f->filling += end - begin, f->running += begin - f->last;
	f->looked++;
	f->last = end;
	const double all = f->filling + f->running;
	if (f->looked <= LOOK_BATCHES || all < LOOK_SECONDS || !may_begin(f)) return;
	if (f->filling > WORTH * all)
		begin_threads(f);
	else
		f->settled = true;
}

static void look_again(eg_feed *f) {
	if (!f->prefetch && eg_context_loaders_asked(f->graph->ctx) < 0) f->settled = false;
	f->looked = 0;
	f->filling = f->running = 0;
}

static eg_status fill(eg_feed *f, const eg_batch *b, int64_t k, eg_error *err) {
	eg_filled *filled;
	if (may_begin(f) && eg_context_loaders_asked(f->graph->ctx) > 0) begin_threads(f);
	if (f->prefetch) {
		eg_status status = eg_prefetch_get(f->prefetch, f->batches, k, f->views, f->seed, f->epoch, &filled, err);
		return status ? status : copy_there(f, filled, err);
	}
	const double begin = f->settled ? 0 : now();
	eg_status status = fill_here(f, b, (int)(k % f->views), err);
	if (!f->settled) look(f, begin, now());
	return status;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

eg_status eg_feed_make(eg_feed *f, eg_graph *g, const eg_dataset *data, const eg_batches *batches, eg_plan_cache *plans,
	const char *objective, eg_error *err) {
	*f = (eg_feed){.graph = g, .data = data, .batches = batches, .plans = plans, .epoch = -1, .views = 1};
	int n = 0;
	while (data->inputs && data->inputs[n]) {
		if (n == EG_FEED_INPUTS)
			return eg_fail(err, EG_ERR_ARG, "a data set may fill at most %d inputs", EG_FEED_INPUTS);
		n++;
	}
	if (n == 0) return eg_fail(err, EG_ERR_ARG, "the data set fills no input");
	return objective ? find_targets(f, eg_feed_output(g, objective), err) : EG_OK;
}

void eg_feed_free(eg_feed *f) {
	eg_prefetch_free(f->prefetch);
	if (f->graph) eg_filled_free(&f->here, f->graph, f->data);
	*f = (eg_feed){0};
}

void eg_feed_rewind(eg_feed *f, const eg_real *state, size_t n) {
	eg_prefetch_stop(f->prefetch);
	look_again(f);
	f->plan = NULL;
	f->begin = state;
	f->nbegin = n;
}

/* ---- a batch ----------------------------------------------------------------------------------------------------- */

/* The state of the streams goes on from the plan of the batch before, or, at the beginning (NULL), is what
 * eg_feed_rewind was told. */
static eg_status carry_state(const eg_feed *f, eg_plan *before, eg_error *err) {
	size_t n = 0;
	real *state = eg_plan_state(f->plan, &n);
	if (f->plan == before) return EG_OK;
	if (!before && f->begin && f->nbegin != n)
		return eg_fail(err, EG_ERR_ARG,
		        "the state of the streams to go on from is %zu numbers, but this network has %zu in it",
		        f->nbegin, n);
	if (!state) return EG_OK;
	if (before || f->begin)
		memcpy(state, before ? eg_plan_state(before, &n) : f->begin, n * sizeof *state);
	else
		memset(state, 0, n * sizeof *state);
	return EG_OK;
}

const eg_real *eg_feed_streams(const eg_feed *f, size_t *n) {
	*n = 0;
	return f->plan && f->data->streams ? eg_plan_state(f->plan, n) : NULL;
}

static bool has_targets(const eg_feed *f) {
	for (int i = 0; i < f->ntargets; i++) {
		const int32_t *t = eg_plan_input(f->plan, f->targets[i]);
		eg_dims d = eg_plan_dims(f->plan, eg_graph_find(f->graph, f->targets[i]));
		int64_t n = eg_dims_count(&d, 0);
		for (int64_t k = 0; t && k < n; k++)
			if (t[k] >= 0) return true;
	}
	return f->ntargets == 0;
}

eg_status eg_feed_put(eg_feed *f, int64_t k, eg_error *err) {
	const eg_batch batch = eg_batches_get(f->batches, k / f->views), *b = &batch;
	eg_plan *before = f->plan;
	eg_size sizes[EG_DATASET_DIMS + 1] = {{0}};
	for (int i = 0; f->data->dims && f->data->dims[i]; i++) sizes[i] = (eg_size){f->data->dims[i], b->sizes[i]};
	f->plan = eg_plan_cache_get(f->plans, b->n, b->time, sizes, err);
	if (!f->plan) return err->status;
	eg_status status = f->data->streams ? carry_state(f, before, err) : EG_OK;
	if (!status) status = fill(f, b, k, err);
	if (!status) f->empty = !(b->weight > 0) || !has_targets(f);
	return status;
}

eg_batch_run eg_feed_run(const eg_feed *f) {
	return (eg_batch_run){
	        .plan = f->plan, .data = f->data, .fill = &f->now->fill, .slots = f->now->slots, .weight = f->now->batch.weight};
}

const void *eg_batch_input(const eg_batch_run *b, const char *name) {
	for (int i = 0; b->data->inputs[i]; i++)
		if (!strcmp(b->data->inputs[i], name)) return b->slots[i];
	return eg_plan_input(b->plan, name);
}

/* ---- outputs ----------------------------------------------------------------------------------------------------- */

const char **eg_feed_outputs(
	const eg_allocator *a, const char *objective, const char *shown, const eg_judge *judge) {
	size_t n = 0;
	const char *const *read = judge && judge->nmetrics > 0 ? judge->outputs : NULL;
	while (read && read[n]) n++;
	const char **all = eg_calloc(a, n + 3, sizeof *all);
	n = 0;
	if (all && objective) all[n++] = objective;
	if (all && shown && objective && strcmp(shown, objective) != 0) all[n++] = shown;
	for (; all && read && *read; read++) {
		size_t i = 0;
		while (i < n && strcmp(all[i], *read) != 0) i++;
		if (i == n) all[n++] = *read;
	}
	return all;
}
