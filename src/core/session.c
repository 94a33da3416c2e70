/* session.c - a network with a memory: sequences in chunks, the state kept from one to the next.
 *
 * A chunk is run by a plan that carries its state. Plans exist for a few lengths only (`chunk`, and powers of 4 below
 * it), into which every input is cut; the state moves from plan to plan. What a step computes does not depend on the
 * length of the run that it is part of, so the cuts do not show in the results, or,
 * where attention has a context, in their rounding only. */
#include "core/loop.h"
#include "core/plan.h"

#include <string.h>

enum { CHUNK = 64, CHUNK_MAX = 4096 };

struct eg_session {
	eg_graph *graph;
	const eg_allocator *allocator;
	eg_plan_cache *plans;
	eg_plan *holder; /* whose state is the session's */
	int batch, chunk, noutputs;
	const char **outputs; /* and a NULL; names belong to the graph */
	size_t *width;        /* of each output: numbers of one step of all sequences */
	int nlengths, *lengths; /* inputs that say how long each sequence is, as values: as long as the chunk, since
	                         * nothing is padded */
};

/* ---- can it run chunk by chunk? ---------------------------------------------------------------------------------- */

static bool is_sequence(const eg_dims *d) { return d->rank >= 2 && d->d[0] == EG_T && d->d[1] == EG_N; }

static int output_value(const eg_graph *g, const char *name) {
	for (int i = 0; i < g->noutputs; i++)
		if (!strcmp(g->outputs[i].name, name)) return g->outputs[i].value;
	return -1;
}

/* An input (N) that a layer takes as the lengths of its sequences. */
static bool is_lengths(const eg_graph *g, const eg_node *node, int i) {
	const eg_graph_value *x = &g->values[node->in[i]];
	return x->node < 0 && x->type == EG_I32 && x->dims.rank == 1 && x->dims.d[0] == EG_N && i < node->op->info.max_inputs && !strcmp(node->op->info.inputs[i], "lengths");
}

/* Can it be told to look back only, and how far? */
static bool has_context(const eg_node *node) {
	for (int i = 0; i < node->op->info.nattrs; i++)
		if (!strcmp(node->op->info.attrs[i].name, "context")) return true;
	return false;
}

static void note_lengths(eg_session *s, int value) {
	int k = 0;
	while (k < s->nlengths && s->lengths[k] != value) k++;
	if (k == s->nlengths) s->lengths[s->nlengths++] = value;
}

static bool fills(const eg_session *s, int value) {
	for (int i = 0; i < s->nlengths; i++)
		if (s->lengths[i] == value) return true;
	return false;
}

/* Marks the nodes behind the outputs, and refuses what cannot be computed without seeing the whole sequence. */
static eg_status check(eg_session *s, bool *needed, eg_error *err) {
	const eg_graph *g = s->graph;
	for (int i = 0; i < s->noutputs; i++) {
		int v = output_value(g, s->outputs[i]);
		if (v < 0) return eg_fail(err, EG_ERR_ARG, "a session was asked for output '%s', which the graph has not", s->outputs[i]);
		if (!is_sequence(&g->values[v].dims))
			return eg_fail(err, EG_ERR_ARG, "output '%s' is no sequence (T,N,...); a session gives one result for each step", s->outputs[i]);
		if (g->values[v].node >= 0) needed[g->values[v].node] = true;
	}
	for (int n = g->nnodes - 1; n >= 0; n--) {
		const eg_node *node = &g->nodes[n];
		if (!needed[n]) continue;
		if (node->info.mixes_time)
			return eg_fail(err, EG_ERR_ARG,
				"layer '%s' (%s) needs the whole sequence at once, so it cannot run in a session, chunk by chunk; run the whole in one plan%s",
				node->name, node->op->info.name, has_context(node) ? ", or make it causal with a context" : "");
		if (eg_loop_is_state(node->op) && node->nin > 0)
			return eg_fail(err, EG_ERR_ARG, "the loop state '%s' is given an initial value, with which every chunk would begin; leave it out, or let it be learned",
				node->name);
		for (int i = 0; i < node->nin; i++) {
			if (node->in[i] < 0) continue;
			const eg_graph_value *x = &g->values[node->in[i]];
			if (x->data) continue;
			if (x->node >= 0) needed[x->node] = true;
			else if (is_lengths(g, node, i)) note_lengths(s, node->in[i]);
			else if (!is_sequence(&x->dims))
				return eg_fail(err, EG_ERR_ARG, "input '%s' of layer '%s' is no sequence (T,N,...); a session takes its input step by step",
					x->name, node->name);
		}
	}
	return EG_OK;
}

static eg_status choose_outputs(eg_session *s, const char *const *names, eg_error *err) {
	const eg_graph *g = s->graph;
	const eg_allocator *a = s->allocator;
	int most = g->noutputs;
	while (names && names[s->noutputs]) s->noutputs++;
	if (s->noutputs > most) most = s->noutputs;
	s->outputs = eg_calloc(a, (size_t)most + 1, sizeof *s->outputs);
	s->width = eg_calloc(a, (size_t)most + 1, sizeof *s->width);
	s->lengths = eg_calloc(a, (size_t)g->nvalues + 1, sizeof *s->lengths);
	bool *needed = eg_calloc(a, (size_t)g->nnodes + 1, sizeof *needed);
	eg_status status = EG_OK;
	if (!s->outputs || !s->width || !s->lengths || !needed) status = eg_fail(err, EG_ERR_MEMORY, "out of memory for a session");
	for (int i = 0; !status && names && i < s->noutputs; i++) s->outputs[i] = names[i];
	for (int i = 0; !status && !names && i < g->noutputs; i++)
		if (is_sequence(&g->values[g->outputs[i].value].dims)) s->outputs[s->noutputs++] = g->outputs[i].name;
	if (!status && s->noutputs == 0) status = eg_fail(err, EG_ERR_ARG, "the graph has no output that is a sequence (T,N,...)");
	if (!status) status = check(s, needed, err);
	eg_release(a, needed);
	for (int i = 0; !status && i < s->noutputs; i++) {
		int v = output_value(g, s->outputs[i]);
		for (int k = 0; k < g->noutputs; k++) /* the caller's string is not kept */
			if (g->outputs[k].value == v && !strcmp(g->outputs[k].name, s->outputs[i])) s->outputs[i] = g->outputs[k].name;
	}
	return status;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

/* Numbers of one step of an input or output, all sequences. */
static size_t step_elems(const eg_session *s, const char *name) {
	eg_dims d = eg_plan_dims(s->holder, eg_graph_find(s->graph, name));
	return (size_t)eg_dims_count(&d, 1);
}

eg_session *eg_session_new(eg_graph *g, eg_params *p, const eg_session_options *options, eg_error *err) {
	const eg_session_options none = {0};
	const eg_session_options *o = options ? options : &none;
	const eg_allocator *a = (o->context ? o->context : g->ctx)->allocator;
	if (g->error.status) {
		eg_graph_status(g, err);
		return NULL;
	}
	if (o->batch < 0 || o->chunk < 0 || o->chunk > CHUNK_MAX) {
		eg_fail(err, EG_ERR_ARG, "a session of %d sequences in chunks of %d steps; at least 0 (the default), chunks of at most %d", o->batch,
			o->chunk, CHUNK_MAX);
		return NULL;
	}
	eg_session *s = eg_calloc(a, 1, sizeof *s);
	if (!s) {
		eg_fail(err, EG_ERR_MEMORY, "out of memory for a session");
		return NULL;
	}
	*s = (eg_session){.graph = g, .allocator = a, .batch = o->batch ? o->batch : 1, .chunk = o->chunk ? o->chunk : CHUNK};
	if (!choose_outputs(s, o->outputs, err))
		s->plans = eg_plan_cache_new(g, p, &(eg_plan_options){.batch = s->batch, .carry = true, .outputs = s->outputs, .sizes = o->sizes, .context = o->context}, err);
	if (s->plans) s->holder = eg_plan_cache_get(s->plans, s->batch, 1, NULL, err);
	if (!s->holder) {
		eg_session_free(s);
		return NULL;
	}
	for (int i = 0; i < s->noutputs; i++) s->width[i] = step_elems(s, s->outputs[i]);
	return s;
}

void eg_session_free(eg_session *s) {
	if (!s) return;
	const eg_allocator *a = s->allocator;
	eg_plan_cache_free(s->plans);
	eg_release(a, s->outputs);
	eg_release(a, s->width);
	eg_release(a, s->lengths);
	eg_release(a, s);
}

/* ---- state ------------------------------------------------------------------------------------------------------- */

int eg_session_batch(const eg_session *s) { return s->batch; }

size_t eg_session_state_count(const eg_session *s) {
	size_t n;
	eg_plan_state(s->holder, &n);
	return n;
}

void eg_session_save(const eg_session *s, eg_real *state) {
	size_t n;
	const real *own = eg_plan_state(s->holder, &n);
	if (n) memcpy(state, own, n * sizeof *state);
}

void eg_session_restore(eg_session *s, const eg_real *state) {
	size_t n;
	real *own = eg_plan_state(s->holder, &n);
	if (n) memcpy(own, state, n * sizeof *state);
}

void eg_session_reset(eg_session *s) {
	size_t n;
	real *own = eg_plan_state(s->holder, &n);
	if (n) memset(own, 0, n * sizeof *own);
}

void eg_session_reset_one(eg_session *s, int sequence) {
	if (sequence >= 0 && sequence < s->batch) eg_plan_forget(s->holder, sequence);
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

/* The plan for n steps, with the session's state in it. */
static eg_plan *plan_for(eg_session *s, int n, eg_error *err) {
	eg_plan *p = eg_plan_cache_get(s->plans, s->batch, n, NULL, err);
	if (!p || p == s->holder) return p;
	size_t count;
	const real *from = eg_plan_state(s->holder, &count);
	if (count) memcpy(eg_plan_state(p, &count), from, count * sizeof *from);
	s->holder = p;
	return p;
}

/* How many of the steps that are left are run next. */
static int next_chunk(const eg_session *s, int left) {
	if (left >= s->chunk) return s->chunk;
	int n = 1;
	while (n * 4 <= left) n *= 4;
	return n;
}

/* Are all inputs there, and known? */
static eg_status check_inputs(const eg_session *s, const char *const *names, const void *const *inputs, int ninputs, eg_error *err) {
	const eg_graph *g = s->graph;
	for (int i = 0; i < ninputs; i++)
		if (fills(s, eg_graph_find(g, names[i]).id - 1))
			return eg_fail(err, EG_ERR_ARG, "'%s': a session fills in how long its sequences are; leave it out", names[i]);
		else if (!inputs[i] || !eg_plan_input(s->holder, names[i]))
			return eg_fail(err, EG_ERR_ARG, "'%s': %s", names[i], inputs[i] ? "the session's outputs need no such input" : "its data is missing");
	for (int v = 0; v < g->nvalues; v++) {
		if (g->values[v].node >= 0 || g->values[v].data || fills(s, v) || !eg_plan_input(s->holder, g->values[v].name)) continue;
		int i = 0;
		while (i < ninputs && strcmp(names[i], g->values[v].name) != 0) i++;
		if (i == ninputs) return eg_fail(err, EG_ERR_ARG, "the session needs input '%s'", g->values[v].name);
	}
	return EG_OK;
}

static size_t input_bytes(const eg_session *s, const char *name) {
	eg_dtype type = eg_tensor_dtype(s->graph, eg_graph_find(s->graph, name));
	return step_elems(s, name) * eg_dtype_size(type);
}

eg_status eg_session_run(eg_session *s, int steps, const char *const *names, const void *const *inputs, int ninputs,
	eg_real *const *outputs, eg_error *err) {
	eg_error own = {0};
	const eg_graph *g = s->graph;
	if (!err) err = &own;
	if (steps < 1) return eg_fail(err, EG_ERR_ARG, "a session was given %d steps; at least 1 is needed", steps);
	eg_status status = check_inputs(s, names, inputs, ninputs, err);
	if (status) return status;
	for (int at = 0, n; at < steps; at += n) {
		n = next_chunk(s, steps - at);
		eg_plan *p = plan_for(s, n, err);
		if (!p) return err->status;
		for (int i = 0; i < ninputs; i++) {
			size_t bytes = input_bytes(s, names[i]);
			memcpy(eg_plan_input(p, names[i]), (const char *)inputs[i] + (size_t)at * bytes, (size_t)n * bytes);
		}
		for (int i = 0; i < s->nlengths; i++) {
			int32_t *lengths = eg_plan_input(p, g->values[s->lengths[i]].name);
			for (int k = 0; k < s->batch; k++) lengths[k] = n;
		}
		eg_plan_run(p, 0);
		for (int i = 0; i < s->noutputs; i++)
			if (outputs && outputs[i])
				memcpy(outputs[i] + (size_t)at * s->width[i], eg_plan_output(p, s->outputs[i]), (size_t)n * s->width[i] * sizeof(real));
	}
	return EG_OK;
}
