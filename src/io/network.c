/* network.c - a recipe as a graph: inputs, layers, cells, outputs. Its losses: network_losses.c.
 *
 * Words have become numbers here: sizes that the task knows, and the graph's own numbers for sizes that are left
 * open. */
#include "engram_ops.h"
#include "io/network.h"

#include <string.h>

enum { MAX_SIZES = 64 };

/* ---- sizes ------------------------------------------------------------------------------------------------------- */

int eg_building_size(const eg_building *n, const char *word) {
	for (const eg_size *s = n->sizes; s && s->name; s++)
		if (!strcmp(s->name, word)) return s->size;
	return 0;
}

bool eg_building_guessed(const eg_building *n) {
	const eg_size *s = n->sizes;
	while (s && s->name) s++;
	return s && s->size != 0;
}

/* "there are: classes, units", into buf; or that there is none. */
static const char *list_sizes(const eg_building *n, char *buf, size_t size) {
	size_t used = 0;
	snprintf(buf, size, "there is none here");
	for (const eg_size *s = n->sizes; s && s->name && used < size; s++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? ", " : "there are: ", s->name);
	return buf;
}

static eg_status no_such_size(const eg_building *n, const eg_layer *layer, const eg_layer_word *w) {
	const char *names[MAX_SIZES], *attr = layer->op->attrs[w->attr].name;
	char list[300];
	int count = 0;
	for (const eg_size *s = n->sizes; s && s->name && count < MAX_SIZES; s++) names[count++] = s->name;
	const char *guess = eg_did_you_mean(w->word, names, count), *name = layer->name ? layer->name : layer->op->name;
	if (!w->tree)
		return eg_tree_fail(n->err, layer->tree, EG_ERR_FORMAT,
			"layer '%s' leaves out '%s', which then is `%s`, but no number is called so: say how many "
			"(words for "
			"numbers: %s)",
			name, attr, w->word, list_sizes(n, list, sizeof list));
	if (guess)
		return eg_tree_fail(n->err, w->tree, EG_ERR_FORMAT,
			"'%s' in layer '%s': no number is called `%s`; did you mean `%s`?", attr, name, w->word, guess);
	return eg_tree_fail(n->err, w->tree, EG_ERR_FORMAT,
		"'%s' in layer '%s' must be a whole number, or a word for one (%s), not '%s'", attr, name,
		list_sizes(n, list, sizeof list), w->word);
}

const void *eg_building_options(const eg_building *n, const eg_layer *layer) {
	if (!layer->nwords) return layer->options;
	char *copy = eg_arena_alloc(n->arena, layer->op->options_size);
	if (!copy) {
		eg_fail(n->err, EG_ERR_MEMORY, "out of memory");
		return NULL;
	}
	memcpy(copy, layer->options, layer->op->options_size);
	for (int i = 0; i < layer->nwords; i++) {
		int size = eg_building_size(n, layer->words[i].word);
		if (size == 0) {
			no_such_size(n, layer, &layer->words[i]);
			return NULL;
		}
		memcpy(copy + layer->op->attrs[layer->words[i].attr].offset, &size, sizeof size);
	}
	return copy;
}

static eg_status resolve_words(eg_building *n) {
	const eg_recipe *r = n->recipe;
	for (int i = 0; i < r->nwords; i++) {
		int number = r->word_trees[i] ? eg_building_size(n, r->words[i]) : 0;
		if (number > 0)
			return eg_tree_fail(n->err, r->word_trees[i], EG_ERR_FORMAT,
				"`%s` is to leave a size open, but here it is the word for the number %d; take another word",
				r->words[i], number);
		n->open[i] = eg_open_dim(n->graph, r->words[i]);
	}
	return eg_graph_status(n->graph, n->err);
}

int eg_building_word(const eg_building *n, int64_t d) {
	for (int i = 0; i < n->recipe->nwords && d < 0; i++)
		if (n->open[i] == d) return i;
	return -1;
}

/* ---- layers ------------------------------------------------------------------------------------------------------ */

/* What a layer inside of a cell is called in the graph: CELL/LAYER. */
static const char *inner_name(const eg_building *n, const char *cell, const char *name) { return eg_arena_printf(n->arena, "%s/%s", cell, name); }

/* Is there a layer of that name in the body? */
static bool is_inner(const eg_building *n, const char *name) {
	for (int i = 0; i < n->recipe->nlayers && name; i++)
		if (!strcmp(n->recipe->layers[i].name, name)) return true;
	return false;
}

/* The options of a layer inside of a cell: with its name in the graph, and that of a layer in there that it shares
 * weights with. */
static const void *in_cell(const eg_building *n, const eg_layer *layer, const void *options) {
	char *copy = eg_arena_alloc(n->arena, layer->op->options_size);
	const char *name = inner_name(n, n->cell, layer->name), *lender = NULL;
	if (copy) memcpy(copy, options, layer->op->options_size);
	if (copy) memcpy(copy, &name, sizeof name);
	for (int i = 0; i < layer->op->nattrs && copy && name; i++) {
		if (strcmp(layer->op->attrs[i].name, "weights") != 0) continue;
		memcpy(&lender, copy + layer->op->attrs[i].offset, sizeof lender);
		if (!is_inner(n, lender)) continue;
		name = lender = inner_name(n, n->cell, lender);
		memcpy(copy + layer->op->attrs[i].offset, &lender, sizeof lender);
	}
	if (!copy || !name) eg_fail(n->err, EG_ERR_MEMORY, "out of memory");
	return copy && name ? copy : NULL;
}

eg_tensor eg_building_apply(eg_building *n, const eg_layer *layer, const eg_tensor *from, int count) {
	const void *options = eg_building_options(n, layer);
	if (options && n->cell) options = in_cell(n, layer, options);
	if (!options && layer->options) return (eg_tensor){0};
	eg_tensor t = eg_apply(n->graph, layer->op->name, options, from, count);
	if (eg_graph_status(n->graph, n->err)) eg_tree_prefix(n->err, layer->tree);
	return t;
}

static eg_tensor cell_state(const eg_building *n, const eg_layer *layer, int i);

eg_tensor eg_building_linked(eg_building *n, const eg_link *link, const eg_tree *tree) {
	switch (link->kind) {
	case EG_LINK_NOTHING: return (eg_tensor){0};
	case EG_LINK_INPUT: return n->inputs[link->index];
	case EG_LINK_LENGTHS: return n->lengths[link->index];
	case EG_LINK_LAYER: break;
	}
	const eg_layer *source = &n->recipe->layers[link->index];
	if (source->cell && link->output > 0) return cell_state(n, source, link->output - 1);
	eg_tensor t = eg_result(n->graph, n->outputs[link->index], link->output);
	if (!t.id)
		eg_tree_fail(n->err, tree, EG_ERR_SHAPE, "layer '%s' has no output '%s' with these options",
			source->name, source->op->outputs[link->output]);
	return t;
}

/* ---- cells ------------------------------------------------------------------------------------------------------- */

static eg_tensor add_layer(eg_building *n, const eg_layer *layer);

/* The state number i of a cell that has been built. */
static eg_tensor state_of(const eg_building *n, const eg_layer *layer, int i) {
	const char *name = inner_name(n, layer->name, layer->cell->states[i].name);
	return name ? eg_graph_find(n->graph, name) : (eg_tensor){0};
}

/* What it is behind the last step. */
static eg_tensor cell_state(const eg_building *n, const eg_layer *layer, int i) {
	eg_tensor t = eg_loop_last(n->graph, state_of(n, layer, i));
	if (!t.id) eg_graph_status(n->graph, n->err);
	return t;
}

/* The dimensions of a state: its sizes behind the batch. */
static eg_status state_dims(const eg_building *n, const eg_cell_state *s, eg_dims *dims) {
	char list[300];
	*dims = (eg_dims){s->rank + 1, {EG_N}};
	for (int i = 0; i < s->rank; i++) {
		const int size = s->size[i] ? s->size[i] : eg_building_size(n, s->word[i]->text), word = eg_recipe_word_index(n->recipe, s->word[i]->text);
		if (!size && word < 0)
			return eg_tree_fail(n->err, s->word[i], EG_ERR_FORMAT, "a size of state '%s' must be a whole number, or a word for one (%s), not '%s'", s->name,
				list_sizes(n, list, sizeof list), s->word[i]->text);
		dims->d[i + 1] = size ? size : n->open[word];
	}
	return EG_OK;
}

static eg_tensor add_state(const eg_building *n, const eg_layer *layer, const eg_cell_state *s, const eg_tensor *from) {
	eg_dims dims;
	const char *name = inner_name(n, layer->name, s->name);
	if (!name) eg_fail(n->err, EG_ERR_MEMORY, "out of memory");
	if (!name || state_dims(n, s, &dims)) return (eg_tensor){0};
	eg_tensor h = eg_loop_state(n->graph, name, dims, s->from < 0 ? (eg_tensor){0} : from[s->from], s->learned);
	if (eg_graph_status(n->graph, n->err)) eg_tree_prefix(n->err, s->tree);
	return h;
}

/* The names that the body knows. */
static eg_status add_inner_inputs(const eg_building *n, eg_building *inner, const eg_layer *layer, const eg_tensor *from) {
	const eg_cell *cell = layer->cell;
	int states = 0;
	for (int i = 0; i < cell->body->ninputs; i++) {
		switch (cell->role[i]) {
		case EG_CELL_STEP:
			inner->inputs[i] = eg_loop_input(n->graph, from[cell->from[i]]);
			if (eg_graph_status(n->graph, n->err)) eg_tree_prefix(n->err, cell->body->input_trees[i]);
			break;
		case EG_CELL_WHOLE: inner->inputs[i] = from[cell->from[i]]; break;
		case EG_CELL_STATE: inner->inputs[i] = add_state(n, layer, &cell->states[states++], from); break;
		}
		if (!inner->inputs[i].id) return n->err->status;
	}
	return EG_OK;
}

static eg_status add_inner_layers(eg_building *inner) {
	const eg_recipe *body = inner->recipe;
	inner->outputs = eg_arena_alloc(inner->arena, (size_t)body->nlayers * sizeof *inner->outputs);
	if (!inner->outputs) return eg_fail(inner->err, EG_ERR_MEMORY, "out of memory");
	for (int i = 0; i < body->nlayers; i++) {
		inner->outputs[i] = add_layer(inner, &body->layers[i]);
		if (!inner->outputs[i].id) return inner->err->status;
	}
	return EG_OK;
}

static eg_status add_nexts(eg_building *inner, const eg_layer *layer) {
	for (int i = 0; i < layer->cell->nstates; i++) {
		const eg_cell_state *s = &layer->cell->states[i];
		eg_tensor next = eg_building_linked(inner, &s->next, s->tree);
		if (!next.id) return inner->err->status;
		eg_loop_next(inner->graph, inner->inputs[s->input], next);
		if (!eg_graph_status(inner->graph, inner->err)) continue;
		eg_tree_prefix(inner->err, s->tree);
		return inner->err->status;
	}
	return EG_OK;
}

static eg_tensor add_cell(eg_building *n, const eg_layer *layer, const eg_tensor *from) {
	const eg_cell *cell = layer->cell;
	eg_building inner = {.recipe = cell->body, .graph = n->graph, .sizes = n->sizes, .cell = layer->name, .arena = n->arena, .err = n->err};
	eg_loop_begin(n->graph, layer->name, cell->reverse, cell->lengths < 0 ? (eg_tensor){0} : from[cell->lengths]);
	eg_status status = add_inner_inputs(n, &inner, layer, from);
	if (!status) status = add_inner_layers(&inner);
	if (!status) status = add_nexts(&inner, layer);
	eg_tensor y = status ? (eg_tensor){0} : eg_building_linked(&inner, &cell->output, layer->tree);
	if (!y.id) return y;
	eg_loop_end(n->graph);
	y = eg_loop_output(n->graph, y);
	if (eg_graph_status(n->graph, n->err)) eg_tree_prefix(n->err, layer->tree);
	return y;
}

static eg_tensor add_layer(eg_building *n, const eg_layer *layer) {
	eg_tensor from[EG_MAX_INPUTS] = {{0}};
	for (int i = 0; i < layer->nfrom; i++) {
		from[i] = eg_building_linked(n, &layer->from[i], layer->tree);
		if (!from[i].id && layer->from[i].kind == EG_LINK_LAYER) return (eg_tensor){0};
	}
	if (layer->cell) return add_cell(n, layer, from);
	return eg_building_apply(n, layer, from, layer->nfrom);
}

/* ---- inputs ------------------------------------------------------------------------------------------------------ */

static bool takes_ids(const eg_op_info *op, int i) { return op->types && i < op->max_inputs && op->types[i] == 'i'; }

static eg_status asked_type(const eg_building *n, eg_link_kind kind, int index, eg_dtype *type, const eg_layer **first);

/* What the body of a cell asks of its layer's input i. */
static eg_status asked_inside(const eg_building *n, const eg_layer *layer, int i, eg_dtype *type, const eg_layer **first) {
	const eg_building inner = {.recipe = layer->cell->body, .err = n->err};
	eg_status status = EG_OK;
	for (int k = 0; k < inner.recipe->ninputs && !status; k++)
		if (layer->cell->from[k] == i) status = asked_type(&inner, EG_LINK_INPUT, k, type, first);
	return status;
}

/* The type that the layers ask of what a link names, also through those that take either; all have to agree. *first:
 * the layer that asked; NULL: none. */
static eg_status asked_type(const eg_building *n, eg_link_kind kind, int index, eg_dtype *type, const eg_layer **first) {
	const eg_recipe *r = n->recipe;
	for (int l = 0; l < r->nlayers; l++)
		for (int i = 0; i < r->layers[l].nfrom; i++) {
			const eg_layer *layer = &r->layers[l];
			eg_status status = EG_OK;
			if (layer->from[i].kind != kind || layer->from[i].index != index) continue;
			if (layer->cell) {
				status = asked_inside(n, layer, i, type, first);
				if (status) return status;
				continue;
			}
			if (layer->op->types && i < layer->op->max_inputs && layer->op->types[i] == 'a') {
				status = asked_type(n, EG_LINK_LAYER, l, type, first);
				if (status) return status;
				continue;
			}
			eg_dtype asked = takes_ids(layer->op, i) ? EG_I32 : EG_F32;
			if (*first && asked != *type)
				return eg_tree_fail(n->err, layer->tree, EG_ERR_SHAPE,
					"layer '%s' takes %s, but layer '%s' takes the same input as %s", layer->name,
					asked == EG_I32 ? "ids" : "numbers", (*first)->name,
					asked == EG_I32 ? "numbers" : "ids");
			*type = asked;
			*first = layer;
		}
	return EG_OK;
}

static eg_status add_input(eg_building *n, int i) {
	const eg_recipe_input_info *input = &n->recipe->inputs[i];
	eg_dims dims = {.rank = input->dims.rank + 1};
	const eg_layer *first = NULL;
	eg_dtype type = EG_F32;
	if (asked_type(n, EG_LINK_INPUT, i, &type, &first)) return n->err->status;
	int at = input->sequence ? 1 : 0; /* where the batch stands */
	for (int k = 0; k < input->dims.rank; k++) {
		int64_t d = input->dims.d[k];
		dims.d[k < at ? k : k + 1] = d < 0 ? n->open[EG_T - d] : d;
	}
	dims.d[at] = EG_N;
	n->inputs[i] = eg_input(n->graph, input->name, type, dims);
	if (eg_graph_status(n->graph, n->err)) eg_tree_prefix(n->err, n->recipe->input_trees[i]);
	return n->err->status;
}

eg_tensor eg_building_lengths(eg_building *n, int word) {
	char name[160];
	if (n->lengths[word].id) return n->lengths[word];
	snprintf(name, sizeof name, word ? "lengths.%.140s" : "lengths", n->recipe->words[word]);
	n->lengths[word] = eg_input(n->graph, name, EG_I32, EG_DIMS(EG_N));
	return n->lengths[word];
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static eg_status add_outputs(eg_building *n) {
	for (int i = 0; i < n->recipe->noutputs; i++) {
		const eg_recipe_output *o = &n->recipe->outputs[i];
		eg_tensor t = eg_building_linked(n, &o->of, o->tree);
		if (!t.id) return n->err->status;
		eg_output(n->graph, o->name, t);
	}
	return eg_graph_status(n->graph, n->err);
}

static eg_status build(eg_building *n) {
	const eg_recipe *r = n->recipe;
	eg_status status = resolve_words(n);
	for (int i = 0; i < r->ninputs && !status; i++) status = add_input(n, i);
	for (int i = 0; i < r->nwords && !status; i++)
		if (r->wants_lengths[i]) eg_building_lengths(n, i);
	n->outputs = eg_arena_alloc(n->arena, (size_t)r->nlayers * sizeof *n->outputs);
	if (!status && !n->outputs) status = eg_fail(n->err, EG_ERR_MEMORY, "out of memory");
	for (int i = 0; i < r->nlayers && !status; i++) {
		n->outputs[i] = add_layer(n, &r->layers[i]);
		if (!n->outputs[i].id) status = n->err->status;
	}
	for (int i = 0; i < r->nlosses && !status; i++) status = eg_building_add_loss(n, i);
	if (status) return status;
	eg_building_add_objective(n);
	return add_outputs(n);
}

static eg_status check_sizes(const eg_size *sizes, eg_error *err) {
	for (const eg_size *s = sizes; s && s->name; s++)
		if (s->size < 1)
			return eg_fail(
				err, EG_ERR_ARG, "a network in which `%s` is %d cannot be built", s->name, s->size);
	return EG_OK;
}

eg_status eg_recipe_build(const eg_recipe *r, eg_context *ctx, const eg_size *sizes, eg_graph **graph, eg_error *err) {
	eg_error own = {0};
	eg_arena arena = {0};
	*graph = NULL;
	if (check_sizes(sizes, &own)) {
		if (err) *err = own;
		return own.status;
	}
	eg_building n = {.recipe = r, .sizes = sizes, .arena = &arena, .err = &own};
	n.graph = eg_graph_new(ctx, &own);
	if (n.graph) eg_graph_exact(n.graph, r->exact);
	eg_status status = n.graph ? build(&n) : own.status;
	eg_arena_free(&arena);
	if (status) {
		eg_graph_free(n.graph);
		if (err) *err = own;
		return status;
	}
	*graph = n.graph;
	return EG_OK;
}
