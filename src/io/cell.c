/* cell.c - a layer `cell` of a recipe: a body of layers that is repeated for every step of sequences, with states.
 *
 *   cell:
 *     from: {x: NAME, lengths: lengths}   what is read step by step; left out: x is the layer before
 *     whole: {memory: NAME}               what every step sees as a whole
 *     state: {h: [32]}                    sizes of a sample, or {size: [32], learned: true} or {size: [32], from: NAME}
 *     layers: [...]                       one step; `from` may name x, memory, h
 *     next: {h: NAME}                     what a state becomes
 *     output: NAME                        left out: the last layer
 *     reverse: true
 *
 * The body is read as a recipe's model is, its inputs being x, memory and h. Not here: the graph of it (network.c). */
#include "io/recipe.h"

#include <string.h>

enum { MAX_STATES = EG_MAX_OUTPUTS - 1 };

static const eg_op_info cell_info = {.name = "cell",
	.layer = "cell",
	.doc = "layers that are repeated for every step of a sequence, with states of their own",
	.min_inputs = 1,
	.max_inputs = EG_MAX_INPUTS};
static const char *const keys[] = {"name", "from", "whole", "state", "layers", "next", "output", "reverse"};

bool eg_is_cell(const char *word) { return !strcmp(word, cell_info.layer); }

/* A new input of the body, which stands for the layer's input number `from`. */
static eg_status add_name(
	eg_cell *cell, const eg_tree *t, const char *name, eg_cell_role role, int from, eg_error *err) {
	eg_recipe *body = cell->body;
	if (!eg_is_name(name) || eg_is_reserved(name))
		return eg_tree_fail_key(err, t, EG_ERR_FORMAT,
		        "'%.60s' cannot be a name in a cell: it must be 1 to %d letters, digits, - or _, and no word "
		        "of the graph",
		        name, EG_RECIPE_NAME);
	if (eg_recipe_find_input(body, name) >= 0)
		return eg_tree_fail_key(err, t, EG_ERR_FORMAT, "the name '%s' stands twice in this cell", name);
	if (body->ninputs == EG_RECIPE_INPUTS)
		return eg_tree_fail_key(
		        err, t, EG_ERR_FORMAT, "a cell with more than %d inputs and states", EG_RECIPE_INPUTS);
	body->inputs[body->ninputs] = (eg_recipe_input_info){.name = name, .field = name};
	body->input_trees[body->ninputs] = t;
	cell->role[body->ninputs] = role;
	cell->from[body->ninputs++] = from;
	return EG_OK;
}

/* ---- from, whole ------------------------------------------------------------------------------------------------- */

static eg_status read_lengths(eg_recipe *r, eg_layer *layer, const eg_tree *t, eg_error *err) {
	const int at = layer->nfrom;
	eg_status status = eg_layer_from(r, layer, t, at, err);
	if (!status && layer->from[at].kind != EG_LINK_LENGTHS)
		return eg_tree_fail(err, t, EG_ERR_FORMAT,
		        "the second input of a cell is `lengths`; name others in a map: from: {x: a, y: b}");
	layer->cell->lengths = at;
	return status;
}

static eg_status read_steps(eg_recipe *r, eg_layer *layer, const eg_tree *from, eg_error *err) {
	eg_cell *cell = layer->cell;
	eg_status status = EG_OK;
	if (!from) {
		eg_layer_previous(r, layer);
		return add_name(cell, layer->tree, "x", EG_CELL_STEP, 0, err);
	}
	if (from->kind == EG_TREE_SCALAR) {
		status = eg_layer_from(r, layer, from, 0, err);
		return status ? status : add_name(cell, from, "x", EG_CELL_STEP, 0, err);
	}
	if (from->count == 1 &&
	        eg_tree_get(from, "lengths")) { /* as of an operator: what is not named is the layer before */
		eg_layer_previous(r, layer);
		status = add_name(cell, from, "x", EG_CELL_STEP, 0, err);
	}
	for (const eg_tree *t = from->first; t && !status; t = t->next) {
		const int at = layer->nfrom;
		const char *name = from->kind == EG_TREE_LIST ? t == from->first ? "x" : "lengths" : t->key;
		if (!strcmp(name, "lengths") && cell->lengths >= 0)
			return eg_tree_fail(err, t, EG_ERR_FORMAT,
			        "a cell takes one input and its lengths; name several in a map: from: {x: a, y: b}");
		if (!strcmp(name, "lengths")) {
			status = read_lengths(r, layer, t, err);
			continue;
		}
		status = eg_layer_from(r, layer, t, at, err);
		if (!status) status = add_name(cell, t, name, EG_CELL_STEP, at, err);
	}
	if (!status && cell->body->ninputs == 0)
		return eg_tree_fail(
		        err, from, EG_ERR_FORMAT, "'from' of a cell names no sequence that it goes through");
	return status;
}

static eg_status read_whole(eg_recipe *r, eg_layer *layer, const eg_tree *whole, eg_error *err) {
	char got[64];
	eg_status status = EG_OK;
	if (whole && whole->kind != EG_TREE_MAP)
		return eg_tree_fail(err, whole, EG_ERR_FORMAT,
		        "'whole' of a cell must be a map of names and layers, such as {memory: encoder}, not %s",
		        eg_tree_describe(whole, got, sizeof got));
	for (const eg_tree *t = whole ? whole->first : NULL; t && !status; t = t->next) {
		const int at = layer->nfrom;
		status = eg_layer_from(r, layer, t, at, err);
		if (!status) status = add_name(layer->cell, t, t->key, EG_CELL_WHOLE, at, err);
	}
	return status;
}

/* ---- states ------------------------------------------------------------------------------------------------------ */

static eg_status read_sizes(const eg_tree *t, eg_cell_state *s, eg_error *err) {
	char got[64];
	const int n = t->kind == EG_TREE_SCALAR ? 1 : t->count;
	if (t->kind == EG_TREE_MAP || n < 1 || n >= EG_MAX_DIMS)
		return eg_tree_fail(err, t, EG_ERR_FORMAT,
		        "a state has the sizes of one sample, such as [32], 1 to %d of them, not %s", EG_MAX_DIMS - 1,
		        eg_tree_describe(t, got, sizeof got));
	for (int i = 0; i < n; i++) {
		const eg_tree *c = t->kind == EG_TREE_SCALAR ? t : eg_tree_at(t, i);
		int64_t size = 0;
		const bool word = eg_tree_is_string(c) && !c->quoted && eg_is_word(c->text, strcspn(c->text, "."));
		if (!word && (!eg_tree_integer(c, &size) || size < 1 || size > 1000000))
			return eg_tree_fail(err, c, EG_ERR_FORMAT,
			        "a size of a state must be a whole number from 1 to 1000000, or a word for one, not %s",
			        eg_tree_describe(c, got, sizeof got));
		s->size[i] = (int)size;
		s->word[i] = c;
	}
	s->rank = n;
	return EG_OK;
}

static eg_status read_state(eg_recipe *r, eg_layer *layer, const eg_tree *t, eg_error *err) {
	static const char *const names[] = {"size", "learned", "from"};
	eg_cell *cell = layer->cell;
	char where[100], got[64];
	eg_status status = EG_OK;
	if (cell->nstates == MAX_STATES)
		return eg_tree_fail_key(err, t, EG_ERR_FORMAT, "a cell has at most %d states", MAX_STATES);
	eg_cell_state *s = &cell->states[cell->nstates++];
	*s = (eg_cell_state){.name = t->key, .tree = t, .from = -1, .input = cell->body->ninputs};
	snprintf(where, sizeof where, "state '%.60s'", t->key);
	for (const eg_tree *c = t->kind == EG_TREE_MAP ? t->first : NULL; c; c = c->next)
		if (strcmp(c->key, names[0]) && strcmp(c->key, names[1]) && strcmp(c->key, names[2]))
			return eg_keys_unknown(c, names, EG_COUNT(names), where, err);
	const eg_tree *size = t->kind == EG_TREE_MAP ? eg_tree_get(t, "size") : t, *learned = eg_tree_get(t, "learned"),
	              *from = eg_tree_get(t, "from");
	if (!size) return eg_tree_fail(err, t, EG_ERR_FORMAT, "%s needs 'size', such as [32]", where);
	if (learned && !eg_tree_bool(learned, &s->learned))
		return eg_tree_fail(err, learned, EG_ERR_FORMAT, "'learned' of %s must be true or false, not %s", where,
		        eg_tree_describe(learned, got, sizeof got));
	if (from && s->learned)
		return eg_tree_fail(err, from, EG_ERR_FORMAT,
		        "%s is learned, so it begins with no layer: take 'from' or 'learned' out", where);
	if (from) {
		s->from = layer->nfrom;
		status = eg_layer_from(r, layer, from, s->from, err);
	}
	if (!status) status = read_sizes(size, s, err);
	return status ? status : add_name(cell, t, t->key, EG_CELL_STATE, s->from, err);
}

static eg_status read_states(eg_recipe *r, eg_layer *layer, const eg_tree *states, eg_error *err) {
	char got[64];
	eg_status status = EG_OK;
	if (states && states->kind != EG_TREE_MAP)
		return eg_tree_fail(err, states, EG_ERR_FORMAT,
		        "'state' of a cell must be a map of names and sizes, such as {h: [32]}, not %s",
		        eg_tree_describe(states, got, sizeof got));
	for (const eg_tree *t = states ? states->first : NULL; t && !status; t = t->next)
		status = read_state(r, layer, t, err);
	return status;
}

/* ---- next, output ------------------------------------------------------------------------------------------------ */

/* A layer or an input of the body. */
static eg_status read_inner(eg_cell *cell, const eg_tree *t, eg_link *link, eg_error *err) {
	eg_layer reader = {.nfrom = 0};
	eg_status status = eg_layer_from(cell->body, &reader, t, 0, err);
	*link = reader.from[0];
	return status;
}

static eg_status read_next(eg_layer *layer, const eg_tree *next, const char *where, eg_error *err) {
	eg_cell *cell = layer->cell;
	const char *names[MAX_STATES];
	char what[120];
	for (int i = 0; i < cell->nstates; i++) names[i] = cell->states[i].name;
	snprintf(what, sizeof what, "'next' of %s", where);
	for (const eg_tree *t = next && next->kind == EG_TREE_MAP ? next->first : NULL; t; t = t->next) {
		int i = 0;
		while (i < cell->nstates && strcmp(names[i], t->key)) i++;
		if (i == cell->nstates) return eg_keys_unknown(t, names, cell->nstates, what, err);
		eg_status status = read_inner(cell, t, &cell->states[i].next, err);
		if (status) return status;
	}
	for (int i = 0; i < cell->nstates; i++)
		if (cell->states[i].next.kind == EG_LINK_NOTHING)
			return eg_tree_fail(err, next ? next : layer->tree, EG_ERR_FORMAT,
			        "%s does not say what its state '%s' becomes: next: {%s: NAME}", where, names[i],
			        names[i]);
	return EG_OK;
}

static eg_status read_output(eg_layer *layer, const eg_tree *output, eg_error *err) {
	eg_cell *cell = layer->cell;
	if (output) return read_inner(cell, output, &cell->output, err);
	cell->output = (eg_link){EG_LINK_LAYER, cell->body->nlayers - 1, 0};
	cell->body->layers[cell->body->nlayers - 1].used = true;
	return EG_OK;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

/* Its outputs are y and, under their names, the states behind the last step. */
static bool make_info(eg_recipe *r, eg_layer *layer) {
	eg_op_info *info = eg_arena_alloc(&r->arena, sizeof *info);
	const char **outputs = eg_arena_alloc(&r->arena, (EG_MAX_OUTPUTS + 1) * sizeof *outputs);
	if (!info || !outputs) return false;
	outputs[0] = "y";
	for (int i = 0; i < layer->cell->nstates; i++) outputs[i + 1] = layer->cell->states[i].name;
	*info = cell_info;
	info->outputs = outputs;
	layer->op = info;
	return true;
}

static eg_recipe *new_body(eg_recipe *r) {
	eg_recipe *body = eg_calloc(NULL, 1, sizeof *body);
	if (!body) return NULL;
	body->source = r->source;
	body->body = true;
	body->words[body->nwords++] = "time";
	body->next_body = r->next_body;
	return r->next_body = body;
}

static eg_status read_body(eg_recipe *r, eg_layer *layer, const eg_tree *attrs, const char *where, eg_error *err) {
	const eg_tree *layers = eg_tree_get(attrs, "layers"), *reverse = eg_tree_get(attrs, "reverse");
	char got[64];
	eg_status status = read_steps(r, layer, eg_tree_get(attrs, "from"), err);
	if (!status) status = read_whole(r, layer, eg_tree_get(attrs, "whole"), err);
	if (!status) status = read_states(r, layer, eg_tree_get(attrs, "state"), err);
	if (status) return status;
	if (!layers)
		return eg_tree_fail(
		        err, layer->tree, EG_ERR_FORMAT, "%s needs 'layers', which are one step of it", where);
	if (reverse && !eg_tree_bool(reverse, &layer->cell->reverse))
		return eg_tree_fail(err, reverse, EG_ERR_FORMAT, "'reverse' of %s must be true or false, not %s", where,
		        eg_tree_describe(reverse, got, sizeof got));
	status = eg_layers_read(layer->cell->body, layers, err);
	if (!status) status = read_next(layer, eg_tree_get(attrs, "next"), where, err);
	if (!status) status = read_output(layer, eg_tree_get(attrs, "output"), err);
	return status ? status : eg_layers_used(layer->cell->body, err);
}

eg_status eg_cell_read(eg_recipe *r, eg_layer *layer, const eg_tree *attrs, const char *where, eg_error *err) {
	char got[64];
	if (r->body) return eg_tree_fail(err, layer->tree, EG_ERR_FORMAT, "a cell inside of a cell is not possible");
	if (!attrs || attrs->kind != EG_TREE_MAP)
		return eg_tree_fail(err, layer->tree, EG_ERR_FORMAT,
		        "%s takes {state: ..., layers: [...], next: ...}, not %s", where,
		        attrs ? eg_tree_describe(attrs, got, sizeof got) : "nothing");
	for (const eg_tree *t = attrs->first; t; t = t->next) {
		int i = 0;
		while (i < EG_COUNT(keys) && strcmp(keys[i], t->key)) i++;
		if (i == EG_COUNT(keys)) return eg_keys_unknown(t, keys, EG_COUNT(keys), where, err);
	}
	layer->cell = eg_arena_alloc(&r->arena, sizeof *layer->cell);
	if (!layer->cell || !(layer->cell->body = new_body(r))) return eg_fail(err, EG_ERR_MEMORY, "out of memory");
	layer->cell->lengths = -1;
	eg_status status = read_body(r, layer, attrs, where, err);
	if (!status && !make_info(r, layer)) return eg_fail(err, EG_ERR_MEMORY, "out of memory");
	return status;
}

const eg_op_info *eg_cell_info(void) { return &cell_info; }
