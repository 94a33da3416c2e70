/* feed.c - a batch of a data set into a plan. See feed.h.
 *
 * Not here: which samples make a batch (batches.c), what is done with it (trainer.c, evaluate.c). */
#include "train/feed.h"

#include <math.h>
#include <string.h>

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

/* ---- life -------------------------------------------------------------------------------------------------------- */

eg_status eg_feed_make(
	eg_feed *f, eg_graph *g, const eg_dataset *data, eg_plan_cache *plans, const char *objective, eg_error *err) {
	*f = (eg_feed){.graph = g, .data = data, .plans = plans, .epoch = -1};
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
	for (int i = 0; i < EG_FEED_INPUTS && f->graph; i++) eg_block_free(f->graph->ctx->allocator, f->spare[i]);
	if (f->graph) eg_release(f->graph->ctx->allocator, f->ends);
	*f = (eg_feed){0};
}

void eg_feed_rewind(eg_feed *f, const eg_real *state, size_t n) {
	f->plan = NULL;
	f->begin = state;
	f->nbegin = n;
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

/* Of which of these sizes is a dimension that is open in the graph, where samples differ in it? -1: of none. */
static int size_asked(const eg_feed *f, int64_t dim) {
	const eg_dataset *d = f->data;
	if (dim == EG_T) return d->time_of ? 0 : -1;
	for (int i = 0; d->size_of && d->dims && d->dims[i] && dim <= EG_NAMED; i++) {
		const int open = eg_graph_open_find(f->graph, d->dims[i]);
		if (open >= 0 && dim == EG_NAMED - open) return 1 + i;
	}
	return -1;
}

static void fill_lengths(int32_t *lengths, const eg_dataset *d, int which, const eg_batch *b) {
	for (int i = 0; i < b->n; i++) {
		uint32_t item = b->items[i];
		if (which == 0)
			lengths[i] = d->time_of ? d->time_of(d->user, item) : d->time;
		else
			lengths[i] = d->size_of ? d->size_of(d->user, item, which - 1) : d->most[which - 1];
	}
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
		fill_lengths(eg_plan_input(f->plan, name), d, which, b);
	}
	return EG_OK;
}

/* Memory for an input that the graph has but the plan does not need. */
static void *spare(eg_feed *f, int k, eg_error *err) {
	const char *name = f->data->inputs[k];
	eg_tensor t = eg_graph_find(f->graph, name);
	if (!t.id || f->graph->values[t.id - 1].node >= 0) {
		eg_fail(err, EG_ERR_ARG, "the data set fills '%s', but the graph has no such input", name);
		return NULL;
	}
	eg_dims d = eg_plan_dims(f->plan, t);
	for (int i = 0; i < d.rank; i++)
		if (d.d[i] < 0) {
			eg_fail(err, EG_ERR_SHAPE,
			        "the data set fills '%s', but does not say how large all its dimensions are (dims)",
			        name);
			return NULL;
		}
	size_t bytes = (size_t)eg_dims_count(&d, 0) *
	               (eg_tensor_dtype(f->graph, t) == EG_F32 ? sizeof(real) : sizeof(int32_t));
	if (bytes <= f->spare_bytes[k]) return f->spare[k];
	eg_block_free(f->graph->ctx->allocator, f->spare[k]);
	f->spare[k] = eg_block_new(f->graph->ctx->allocator, bytes);
	f->spare_bytes[k] = f->spare[k] ? bytes : 0;
	if (!f->spare[k]) eg_fail(err, EG_ERR_MEMORY, "out of memory for input '%s'", name);
	return f->spare[k];
}

/* ---- padding ----------------------------------------------------------------------------------------------------- */

static void zero_odd(real *x, int64_t n) {
	for (int64_t i = 0; i < n; i++)
		if (!isfinite(x[i])) x[i] = 0;
}

/* Of x, what lies behind the ends of the samples in one dimension; the batch is dimension `samples`. */
static void zero_behind(real *x, const eg_dims *d, int axis, int samples, const int32_t *ends) {
	const int first = axis < samples ? axis : samples, second = axis < samples ? samples : axis;
	int64_t outer = 1, between = 1, inner = 1;
	for (int i = 0; i < d->rank; i++) *(i < first ? &outer : i < second ? &between : &inner) *= d->d[i];
	between /= d->d[first];
	inner /= d->d[second];
	for (int64_t o = 0; o < outer * d->d[first] * between; o++) {
		const int64_t at_first = o / between % d->d[first];
		for (int64_t k = 0; k < d->d[second]; k++) {
			const int64_t at = axis < samples ? at_first : k, sample = axis < samples ? k : at_first;
			if (at >= ends[sample]) zero_odd(x + (o * d->d[second] + k) * inner, inner);
		}
	}
}

/* Behind the ends of its samples a data set may leave anything. What is no number there becomes 0: layers that know of
 * no lengths multiply it with gradients of 0. */
static eg_status zero_padding(eg_feed *f, const eg_batch *b, eg_error *err) {
	const eg_dataset *d = f->data;
	if (!d->time_of && !d->size_of) return EG_OK;
	while (f->room_ends < b->n)
		if (!eg_grow(f->graph->ctx->allocator, &f->ends, &f->room_ends, f->room_ends, sizeof *f->ends)) break;
	if (f->room_ends < b->n) return eg_fail(err, EG_ERR_MEMORY, "out of memory for the lengths of %d samples", b->n);
	for (int k = 0; d->inputs[k]; k++) {
		const eg_tensor t = eg_graph_find(f->graph, d->inputs[k]);
		const eg_dims declared = eg_tensor_dims(f->graph, t), dims = eg_plan_dims(f->plan, t);
		int samples = 0;
		while (samples < declared.rank && declared.d[samples] != EG_N) samples++;
		if (samples == declared.rank || eg_tensor_dtype(f->graph, t) != EG_F32 || !eg_plan_input(f->plan, d->inputs[k])) continue;
		for (int i = 0; i < declared.rank; i++) {
			const int which = size_asked(f, declared.d[i]);
			if (which < 0) continue;
			fill_lengths(f->ends, d, which, b);
			zero_behind(f->slots[k], &dims, i, samples, f->ends);
		}
	}
	return EG_OK;
}

static eg_status fill(eg_feed *f, const eg_batch *b, eg_error *err) {
	const eg_dataset *d = f->data;
	for (int k = 0; d->inputs[k]; k++) {
		f->slots[k] = eg_plan_input(f->plan, d->inputs[k]);
		if (!f->slots[k]) f->slots[k] = spare(f, k, err);
		if (!f->slots[k]) return err->status;
	}
	if (fill_others(f, b, err)) return err->status;
	f->batch = *b;
	f->fill = (eg_fill){.items = b->items,
	        .n = b->n,
	        .time = b->time,
	        .sizes = f->batch.sizes,
	        .seed = f->seed,
	        .epoch = f->epoch};
	eg_status status = d->fill(d->user, &f->fill, f->slots, err);
	if (status && !err->status) return eg_fail(err, status, "the data set could not fill a batch, and does not say why");
	return status ? status : zero_padding(f, b, err);
}

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

eg_status eg_feed_put(eg_feed *f, const eg_batch *b, eg_error *err) {
	eg_plan *before = f->plan;
	eg_size sizes[EG_DATASET_DIMS + 1] = {{0}};
	for (int i = 0; f->data->dims && f->data->dims[i]; i++) sizes[i] = (eg_size){f->data->dims[i], b->sizes[i]};
	f->plan = eg_plan_cache_get(f->plans, b->n, b->time, sizes, err);
	if (!f->plan) return err->status;
	eg_status status = f->data->streams ? carry_state(f, before, err) : EG_OK;
	if (!status) status = fill(f, b, err);
	if (!status) f->empty = !(b->weight > 0) || !has_targets(f);
	return status;
}

eg_batch_run eg_feed_run(const eg_feed *f) {
	return (eg_batch_run){
	        .plan = f->plan, .data = f->data, .fill = &f->fill, .slots = f->slots, .weight = f->batch.weight};
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
