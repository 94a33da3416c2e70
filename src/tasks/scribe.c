/* scribe.c - the part of a network that writes, step by step (scribe.h). */
#include "tasks/scribe.h"

#include <string.h>

enum { CUTS = 8, INPUTS = 16 };
static const char *const cut_names[CUTS + 1] = {
	"memory.1", "memory.2", "memory.3", "memory.4", "memory.5", "memory.6", "memory.7", "memory.8", NULL};

static const char stop_output[] = "stop";

struct eg_scribe {
	eg_graph *graph;
	eg_params *params;
	const char *source, *previous;
	eg_tensor given[CUTS + 1]; /* what the second part reads of the first */
	int ngiven;
	bool attends;
	const char *outputs[4]; /* of a step, NULL-terminated */
	eg_plan_cache *steps;
	/* of the batch at hand */
	const eg_row *row;
	eg_size sizes[EG_MAX_DIMS + 1]; /* of the words of the source */
	int *lengths, places;           /* places of each sentence */
	int most;                       /* rows that are followed */
	eg_plan *plan;                  /* the last step's; NULL: none yet */
	int *of, *from, room;           /* of each row of the plan: its sentence; the row that it goes on from */
	eg_real *state;
	size_t room_state;
	eg_hypothesis *best;
	int nbest;
};

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for writing a text"); }

/* ---- where the network is cut ------------------------------------------------------------------------------------ */

typedef struct cutting {
	eg_graph *g;
	const char *previous;
	int nodes, most; /* tensors are 1..most */
	bool *behind;    /* by tensor: it comes from `previous` */
	bool *needed;    /* by tensor: the answer comes from it */
} cutting;

static int body_of(const char *name) {
	const char *slash = strchr(name, '/');
	return slash ? (int)(slash - name) : 0;
}

/* All of a body over time comes from `previous` when some of it does: its states do by what they become. */
static bool mark_bodies(cutting *c) {
	eg_node_info a, b;
	bool more = false;
	for (int i = 0; i < c->nodes; i++) {
		eg_graph_node(c->g, i, &a);
		const int n = body_of(a.name);
		if (!n || !c->behind[a.outputs[0].id]) continue;
		for (int k = 0; k < c->nodes; k++) {
			eg_graph_node(c->g, k, &b);
			if (body_of(b.name) != n || strncmp(a.name, b.name, (size_t)n) != 0 ||
				c->behind[b.outputs[0].id])
				continue;
			for (int j = 0; j < b.noutputs; j++) c->behind[b.outputs[j].id] = true;
			more = true;
		}
	}
	return more;
}

static void mark_behind(cutting *c) {
	eg_node_info node;
	for (int i = 0; i < c->nodes; i++) {
		eg_graph_node(c->g, i, &node);
		bool any = false;
		for (int k = 0; k < node.ninputs; k++) any = any || c->behind[node.inputs[k].id];
		for (int k = 0; k < node.noutputs && any; k++) c->behind[node.outputs[k].id] = true;
	}
}

static void mark_needed(cutting *c) {
	eg_node_info node;
	for (int i = c->nodes - 1; i >= 0; i--) {
		eg_graph_node(c->g, i, &node);
		bool any = false;
		for (int k = 0; k < node.noutputs; k++) any = any || c->needed[node.outputs[k].id];
		for (int k = 0; k < node.ninputs && any; k++) c->needed[node.inputs[k].id] = true;
	}
}

static eg_status cutting_begin(cutting *c, eg_graph *g, const char *previous, eg_error *err) {
	eg_node_info node;
	*c = (cutting){.g = g, .previous = previous, .nodes = eg_graph_nodes(g)};
	for (int i = 0; i < c->nodes; i++) {
		eg_graph_node(g, i, &node);
		for (int k = 0; k < node.noutputs; k++)
			c->most = node.outputs[k].id > c->most ? node.outputs[k].id : c->most;
		for (int k = 0; k < node.ninputs; k++)
			c->most = node.inputs[k].id > c->most ? node.inputs[k].id : c->most;
	}
	c->behind = eg_calloc(NULL, (size_t)c->most + 1, sizeof *c->behind);
	c->needed = eg_calloc(NULL, (size_t)c->most + 1, sizeof *c->needed);
	if (!c->behind || !c->needed) return no_memory(err);
	c->behind[eg_graph_find(g, previous).id] = true;
	do {
		mark_behind(c);
	} while (mark_bodies(c));
	c->needed[eg_graph_find(g, "logits").id] = true;
	if (eg_graph_find(g, stop_output).id) c->needed[eg_graph_find(g, stop_output).id] = true;
	mark_needed(c);
	return EG_OK;
}

static void cutting_end(cutting *c) {
	eg_release(NULL, c->behind);
	eg_release(NULL, c->needed);
}

/* Is it a node of the part that writes? */
static bool writes(const cutting *c, const eg_node_info *node) {
	bool needed = false;
	for (int k = 0; k < node->noutputs; k++) needed = needed || c->needed[node->outputs[k].id];
	return needed && c->behind[node->outputs[0].id];
}

static bool has_size(const cutting *c, eg_tensor t, int64_t size) {
	const eg_dims d = eg_tensor_dims(c->g, t);
	bool any = false;
	for (int i = 0; i < d.rank; i++) any = any || d.d[i] == size;
	return any;
}

/* What is read of the other part goes to the rows of each sample, and is as long as the text. */
static eg_status check_given(const cutting *c, const eg_node_info *node, eg_tensor x, eg_error *err) {
	if (has_size(c, x, EG_T))
		return eg_fail(err, EG_ERR_SHAPE,
			"layer '%s', which writes, reads what has the size `time` and does not come from '%s': `time` is for what is "
			"written; let what is read have another word",
			node->name, c->previous);
	if (!has_size(c, x, EG_N))
		return eg_fail(err, EG_ERR_SHAPE,
			"layer '%s', which writes, reads a result of the part that reads the text in which samples have no dimension of "
			"their own: add it to the text's states first",
			node->name);
	return EG_OK;
}

/* Results of nodes that do not come from `previous` and are read by a needed one that does. */
static eg_status find_given(const cutting *c, eg_tensor given[CUTS + 1], int *n, eg_error *err) {
	eg_node_info node;
	*n = 0;
	for (int i = 0; i < c->nodes; i++) {
		eg_graph_node(c->g, i, &node);
		if (!writes(c, &node)) continue;
		for (int k = 0; k < node.ninputs; k++) {
			const eg_tensor x = node.inputs[k];
			if (!x.id || c->behind[x.id] || eg_constant_data(c->g, x)) continue;
			const eg_status status = check_given(c, &node, x, err);
			if (status) return status;
			bool made = false;
			for (int j = 0; eg_graph_input(c->g, j).id; j++)
				made = made || eg_graph_input(c->g, j).id == x.id;
			for (int j = 0; j < *n; j++) made = made || given[j].id == x.id;
			if (made) continue; /* an input, or known */
			if (*n == CUTS)
				return eg_fail(err, EG_ERR_SHAPE,
					"what writes reads more than %d results of the part that reads the text: join them with concat",
					CUTS);
			given[(*n)++] = x;
		}
	}
	given[*n] = (eg_tensor){0};
	return EG_OK;
}

/* Does an attribute of this name say yes? */
static bool is_set(const eg_node_info *node, const char *name) {
	bool any = false;
	for (int i = 0; i < node->op->nattrs && node->options; i++) {
		const eg_attr *a = &node->op->attrs[i];
		if (a->type == EG_ATTR_BOOL && !strcmp(a->name, name))
			any = *(const bool *)((const char *)node->options + a->offset);
	}
	return any;
}

static eg_tensor input_called(const eg_node_info *node, const char *name) {
	for (int i = 0; i < node->ninputs && i < node->op->max_inputs; i++)
		if (!strcmp(node->op->inputs[i], name)) return node->inputs[i];
	return (eg_tensor){0};
}

/* Is it an attention to the part that reads, the whole of which is there at each step? One that is causal sees of it
 * as many steps as have been written, which a single step does not know. */
static bool looks_at_text(const cutting *c, const eg_node_info *node) {
	const eg_tensor k = input_called(node, "k"), source = input_called(node, "source"), from = k.id ? k : source;
	return from.id && !c->behind[from.id] && !is_set(node, "causal");
}

/* Can what is behind `previous` run step by step? */
static eg_status check_steps(const cutting *c, eg_error *err) {
	static const char *const states[] = {"h0", "c0", "initial"};
	eg_node_info node;
	for (int i = 0; i < c->nodes; i++) {
		eg_graph_node(c->g, i, &node);
		if (!writes(c, &node)) continue;
		const char *op = node.op->layer ? node.op->layer : node.op->name;
		if (node.mixes_time && !looks_at_text(c, &node))
			return eg_fail(err, EG_ERR_SHAPE,
				"layer '%s' (%s) looks ahead in what is written, which is not there yet when a text is written: let it read "
				"forward only (attention: causal with a context), or look at the whole text",
				node.name, op);
		for (int k = 0; k < EG_COUNT(states); k++)
			if (input_called(&node, states[k]).id)
				return eg_fail(err, EG_ERR_SHAPE,
					"layer '%s' (%s) is given the state it begins with, and would begin so at every unit: leave "
					"the state out, and look at the text by attention",
					node.name, op);
	}
	return EG_OK;
}

eg_status eg_scribe_cut(eg_graph *g, const char *previous, eg_error *err) {
	cutting c;
	eg_tensor given[CUTS + 1];
	int n = 0;
	eg_status status = cutting_begin(&c, g, previous, err);
	if (!status) status = check_steps(&c, err);
	if (!status) status = find_given(&c, given, &n, err);
	if (!status && n == 0)
		status = eg_fail(err, EG_ERR_SHAPE,
			"nothing that is written comes from the text: let a layer of the part that writes look at it, such as multiplicative_attention");
	for (int i = 0; i < n && !status; i++)
		if (!eg_graph_find(g, cut_names[i]).id) eg_output(g, cut_names[i], given[i]);
	cutting_end(&c);
	return status ? status : eg_graph_status(g, err);
}

const char *const *eg_scribe_outputs(const eg_graph *g) {
	static const char *const first[][CUTS + 1] = {
	        {NULL},
	        {"memory.1", NULL},
	        {"memory.1", "memory.2", NULL},
	        {"memory.1", "memory.2", "memory.3", NULL},
	        {"memory.1", "memory.2", "memory.3", "memory.4", NULL},
	        {"memory.1", "memory.2", "memory.3", "memory.4", "memory.5", NULL},
	        {"memory.1", "memory.2", "memory.3", "memory.4", "memory.5", "memory.6", NULL},
	        {"memory.1", "memory.2", "memory.3", "memory.4", "memory.5", "memory.6", "memory.7", NULL},
	};
	int n = 0;
	while (n < CUTS && eg_graph_find(g, cut_names[n]).id) n++;
	return n < CUTS ? first[n] : cut_names;
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

eg_status eg_scribe_new(eg_graph *g, eg_params *p, const char *source, const char *previous, bool attends,
	eg_scribe **scribe, eg_error *err) {
	cutting c;
	*scribe = NULL;
	eg_scribe *w = eg_calloc(NULL, 1, sizeof *w);
	if (!w) return no_memory(err);
	w->graph = g, w->params = p, w->source = source, w->previous = previous, w->attends = attends;
	int n = 0;
	w->outputs[n++] = "logits";
	if (attends) w->outputs[n++] = "attention";
	if (eg_graph_find(g, stop_output).id) w->outputs[n++] = stop_output;
	eg_status status = cutting_begin(&c, g, previous, err);
	if (!status) status = find_given(&c, w->given, &w->ngiven, err);
	cutting_end(&c);
	if (status)
		eg_scribe_free(w);
	else
		*scribe = w;
	return status;
}

/* Plans that carry state have memory of their own each, with all that is read of a text: those for texts of another
 * length than the batch at hand are not kept. */
static eg_status renew_steps(eg_scribe *w, eg_error *err) {
	const eg_plan_options o = {.batch = 1, .time = 1, .carry = true, .given = w->given, .outputs = w->outputs};
	eg_plan_cache_free(w->steps);
	w->steps = eg_plan_cache_new(w->graph, w->params, &o, err);
	return w->steps ? EG_OK : EG_ERR_MEMORY;
}

static void free_best(eg_scribe *w) {
	for (int i = 0; i < w->nbest; i++) eg_hypothesis_free(&w->best[i]);
	eg_release(NULL, w->best);
	w->best = NULL;
	w->nbest = 0;
}

void eg_scribe_free(eg_scribe *w) {
	if (!w) return;
	free_best(w);
	eg_plan_cache_free(w->steps);
	eg_release(NULL, w->lengths);
	eg_release(NULL, w->of);
	eg_release(NULL, w->from);
	eg_release(NULL, w->state);
	eg_release(NULL, w);
}

int eg_scribe_stride(const eg_scribe *w) { return w->places; }
int eg_scribe_places(const eg_scribe *w, int i) { return w->places ? w->lengths[i] : 0; }

/* ---- a step ------------------------------------------------------------------------------------------------------ */

/* What stands at each sentence's place of `from`, of n sentences, goes to every row that is of it. `outer` blocks of
 * all samples, each `bytes` long. */
static void spread(const eg_scribe *w, char *to, const char *from, int rows, size_t outer, size_t bytes) {
	for (size_t o = 0; o < outer; o++)
		for (int i = 0; i < rows; i++)
			memcpy(to + (o * (size_t)rows + (size_t)i) * bytes,
				from + (o * (size_t)w->row->n + (size_t)w->of[i]) * bytes, bytes);
}

/* The same of a tensor of these dimensions in the graph, as both plans have it. */
static void spread_tensor(const eg_scribe *w, eg_tensor t, void *to, const void *from, int rows) {
	const eg_dims declared = eg_tensor_dims(w->graph, t), d = eg_plan_dims(w->plan, t);
	size_t outer = 1, bytes = eg_dtype_size(eg_tensor_dtype(w->graph, t));
	int k = 0;
	for (; k < d.rank && declared.d[k] != EG_N; k++) outer *= (size_t)d.d[k];
	for (k++; k < d.rank; k++) bytes *= (size_t)d.d[k];
	if (to && from) spread(w, to, from, rows, outer, bytes);
}

/* All that the second part reads beside what has been written: of the text. */
static void put_source(const eg_scribe *w, int rows) {
	const eg_row *r = w->row;
	const char *const *names = eg_scribe_outputs(w->graph);
	for (int i = 0; i < w->ngiven; i++)
		spread_tensor(
			w, w->given[i], eg_plan_tensor(w->plan, w->given[i]), eg_plan_output(r->plan, names[i]), rows);
	for (int i = 0; eg_graph_input(w->graph, i).id; i++) {
		const eg_tensor t = eg_graph_input(w->graph, i);
		const char *name = eg_tensor_name(w->graph, t);
		void *to = eg_plan_input(w->plan, name);
		if (!to || !strcmp(name, w->previous)) continue;
		if (!strcmp(name, "lengths"))
			for (int k = 0; k < rows; k++) ((int32_t *)to)[k] = 1;
		else if (!strncmp(name, "lengths.", 8))
			for (int k = 0; k < rows; k++) ((int32_t *)to)[k] = w->lengths[w->of[k]];
		else
			spread_tensor(w, t, to, eg_plan_input(r->plan, name), rows);
	}
}

/* Plans are made for some numbers of rows only: the most that this batch may have, two thirds of them, and so on. */
static int rows_for(int n, int most) {
	int rows = most;
	while (rows - (rows + 2) / 3 >= n) rows -= (rows + 2) / 3;
	return rows;
}

/* Rows of the plan beyond n are copies of the last; their sentences and what they go on from are known then. */
static eg_status place_rows(eg_scribe *w, int n, int rows, const int *from, eg_error *err) {
	if (rows > w->room) {
		int *of = eg_calloc(NULL, (size_t)rows, sizeof *of),
		    *back = eg_calloc(NULL, (size_t)rows, sizeof *back);
		if (of && w->room) memcpy(of, w->of, (size_t)w->room * sizeof *of);
		eg_release(NULL, w->of);
		eg_release(NULL, w->from);
		w->of = of, w->from = back, w->room = of && back ? rows : 0;
		if (!w->room) return no_memory(err);
	}
	for (int i = 0; i < rows; i++) w->from[i] = from[i < n ? i : n - 1];
	return EG_OK;
}

/* The plan for so many rows, which go on from those of the one before. */
static eg_status go_on(eg_scribe *w, int rows, eg_error *err) {
	size_t count = 0;
	eg_plan *before = w->plan;
	const real *state = before ? eg_plan_state(before, &count) : NULL;
	if (count > w->room_state) {
		eg_release(NULL, w->state);
		w->state = eg_alloc(NULL, count * sizeof *w->state);
		w->room_state = w->state ? count : 0;
		if (!w->state) return no_memory(err);
	}
	if (count) memcpy(w->state, state, count * sizeof *w->state);
	eg_plan *plan = eg_plan_cache_get(w->steps, rows, 1, w->sizes, err);
	if (!plan) return err->status;
	w->plan = plan;
	if (count && before) {
		eg_plan_state_rows(plan, before, w->state, w->from);
	} else if (!before) {
		real *own = eg_plan_state(plan, &count);
		if (count) memset(own, 0, count * sizeof *own);
	}
	return EG_OK;
}

/* The plan of a step of n rows that go on from these of the step before, ready but for `previous`. */
static eg_status prepare_step(eg_scribe *w, int n, const int *from, int *count, eg_error *err) {
	const int rows = *count = rows_for(n, w->most);
	bool same = w->plan && eg_plan_batch(w->plan) == rows;
	eg_plan *before = w->plan;
	int *old = NULL;
	eg_status status = place_rows(w, n, rows, from, err);
	if (!status && before && !(old = eg_alloc(NULL, (size_t)w->room * sizeof *old))) status = no_memory(err);
	if (!status && before) memcpy(old, w->of, (size_t)w->room * sizeof *old);
	for (int i = 0; i < rows && !status; i++) {
		const int of = before ? old[w->from[i]] : w->from[i];
		same = same && of == old[i];
		w->of[i] = of;
	}
	eg_release(NULL, old);
	if (!status) status = go_on(w, rows, err);
	if (!status && !same) put_source(w, rows);
	return status;
}

static eg_status step(void *user, int n, const int *from, const int32_t *units, const eg_real **logits,
	const eg_real **attention, eg_error *err) {
	eg_scribe *w = user;
	int rows;
	eg_status status = prepare_step(w, n, from, &rows, err);
	if (status) return status;
	int32_t *in = eg_plan_input(w->plan, w->previous);
	for (int i = 0; i < rows; i++) in[i] = units[i < n ? i : n - 1];
	eg_plan_run(w->plan, 0);
	*logits = eg_plan_output(w->plan, "logits");
	*attention = w->attends ? eg_plan_output(w->plan, "attention") : NULL;
	return EG_OK;
}

/* ---- a batch ----------------------------------------------------------------------------------------------------- */

/* The places of a picture, which are the same for all. */
static void measure_picture(eg_scribe *w, const eg_row *r) {
	const int places = w->attends ? (int)eg_tensor_dims(w->graph, eg_graph_find(w->graph, "attention")).d[2] : 0;
	w->sizes[0] = (eg_size){NULL, places};
	for (int i = 0; i < r->n; i++) w->lengths[i] = places;
}

/* The word of the source's steps (NULL: it is a picture), how long each sentence is, and what the other words are in
 * the plan of the row. */
static eg_status measure(eg_scribe *w, const eg_row *r, const char *word, eg_error *err) {
	int n = 0, which = -1;
	eg_release(NULL, w->lengths);
	w->lengths = eg_calloc(NULL, (size_t)r->n, sizeof *w->lengths);
	if (!w->lengths) return no_memory(err);
	if (!word) return measure_picture(w, r), EG_OK;
	w->sizes[n++] = (eg_size){word, eg_plan_size(r->plan, word)};
	w->sizes[n] = (eg_size){0};
	for (int i = 0; r->batch && r->batch->data->dims && r->batch->data->dims[i]; i++)
		if (!strcmp(r->batch->data->dims[i], word)) which = i;
	for (int i = 0; i < r->n; i++)
		w->lengths[i] = which >= 0 && r->batch->data->size_of
		                        ? r->batch->data->size_of(r->batch->data->user, r->batch->fill->items[i], which)
		                        : w->sizes[0].size;
	return EG_OK;
}

/* Makes room for what is written for the batch of row r, each sample in so many hypotheses. */
static eg_status begin(eg_scribe *w, const eg_row *r, int beam, eg_error *err) {
	const eg_dims source = eg_tensor_dims(w->graph, eg_graph_find(w->graph, w->source));
	free_best(w);
	w->row = r;
	w->plan = NULL;
	const int before = w->steps ? w->sizes[0].size : -1;
	eg_status status = measure(w, r, source.d[0] == EG_N ? NULL : eg_open_name(w->graph, source.d[0]), err);
	if (!status && w->sizes[0].size != before) status = renew_steps(w, err);
	w->places = w->attends ? w->sizes[0].size : 0;
	w->most = r->n * beam;
	return status;
}

eg_status eg_scribe_write(
	eg_scribe *w, const eg_row *r, eg_beam_options o, const eg_hypothesis **best, eg_error *err) {
	eg_status status = begin(w, r, o.beam, err);
	if (status) return status;
	o.places = w->places;
	w->best = eg_calloc(NULL, (size_t)r->n, sizeof *w->best);
	if (!w->best) return no_memory(err);
	w->nbest = r->n;
	const eg_beam_model m = {.user = w, .step = step, .lengths = w->lengths};
	status = eg_beam_search(&m, &o, r->n, w->best, err);
	if (!status) *best = w->best;
	return status;
}

/* ---- numbers in the place of units ------------------------------------------------------------------------------- */

eg_status eg_scribe_begin(eg_scribe *w, const eg_row *r, eg_error *err) { return begin(w, r, 1, err); }

eg_status eg_scribe_next(eg_scribe *w, const eg_real *previous, eg_scribe_told *told, eg_error *err) {
	const int n = w->row->n;
	int rows, *same = eg_alloc(NULL, (size_t)n * sizeof *same);
	if (!same) return no_memory(err);
	for (int i = 0; i < n; i++) same[i] = i;
	eg_status status = prepare_step(w, n, same, &rows, err);
	eg_release(NULL, same);
	if (status) return status;
	const eg_dims in = eg_plan_dims(w->plan, eg_graph_find(w->graph, w->previous));
	memcpy(eg_plan_input(w->plan, w->previous), previous, (size_t)n * (size_t)in.d[in.rank - 1] * sizeof *previous);
	eg_plan_run(w->plan, 0);
	*told = (eg_scribe_told){.logits = eg_plan_output(w->plan, "logits"),
	        .stop = eg_plan_output(w->plan, stop_output),
	        .attention = w->attends ? eg_plan_output(w->plan, "attention") : NULL};
	return EG_OK;
}
