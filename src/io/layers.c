/* layers.c - the model section of a recipe: layers with their names, options and links; and the graph they make.
 *
 * Which layers there are and what they take is the operator table's business; no operator is named here. */
#include "io/recipe.h"

#include <ctype.h>
#include <string.h>

enum { MAX_LAYERS = 4096, MAX_ATTRS = 64, MAX_CANDIDATES = 256 };

/* Names that the graph uses itself. */
static bool reserved(const char *name) {
	return !strcmp(name, "input") || !strcmp(name, "target") || !strcmp(name, "loss");
}

static int find_layer(const eg_recipe *r, const char *name) {
	for (int i = 0; i < r->nlayers; i++)
		if (!strcmp(r->layers[i].name, name)) return i;
	return -1;
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

static bool says_classes(const eg_key *key, const eg_tree *t) {
	return key->type == EG_KEY_INT && t->kind == EG_TREE_SCALAR && !strcmp(t->text, "classes");
}

static eg_status read_attr(
	eg_layer *layer, const eg_key *keys, int i, const eg_tree *t, const char *where, eg_error *err) {
	if (says_classes(&keys[i], t)) {
		layer->classes |= (uint64_t)1 << i;
		return EG_OK;
	}
	return eg_key_read(&keys[i], t, layer->options, where, err);
}

/* `maxpool: 2`: the value of the attribute that the operator names for this. */
static eg_status read_shorthand(
	eg_layer *layer, const eg_key *keys, int n, const eg_tree *t, const char *where, eg_error *err) {
	char got[64];
	for (int i = 0; i < n; i++)
		if (layer->op->shorthand && !strcmp(layer->op->shorthand, keys[i].name))
			return read_attr(layer, keys, i, t, where, err);
	return eg_tree_fail(err, t, EG_ERR_FORMAT, "%s takes {key: value, ...}, not %s", where,
		eg_tree_describe(t, got, sizeof got));
}

eg_status eg_layer_options(eg_recipe *r, eg_layer *layer, const eg_tree *attrs, const char *where, eg_error *err) {
	const eg_op_info *op = layer->op;
	eg_key keys[MAX_ATTRS];
	const char *names[MAX_ATTRS + 2] = {"name", "from"};
	int n = op->nattrs < MAX_ATTRS ? op->nattrs : MAX_ATTRS;
	eg_status status = EG_OK;
	for (int i = 0; i < n; i++) {
		keys[i] = eg_key_of_attr(&op->attrs[i]);
		names[i + 2] = keys[i].name;
	}
	layer->options = op->options_size ? eg_arena_alloc(&r->arena, op->options_size) : NULL;
	if (op->options_size && !layer->options) return eg_fail(err, EG_ERR_MEMORY, "out of memory");
	if (attrs && attrs->kind != EG_TREE_MAP) return read_shorthand(layer, keys, n, attrs, where, err);
	for (const eg_tree *t = attrs ? attrs->first : NULL; t && !status; t = t->next) {
		int i = 0;
		while (i < n + 2 && strcmp(names[i], t->key)) i++;
		if (i == n + 2) return eg_keys_unknown(t, names, n + 2, where, err);
		if (i >= 2) status = read_attr(layer, keys, i - 2, t, where, err);
	}
	for (int i = 0; i < n && !status; i++)
		if (keys[i].required && !eg_tree_get(attrs, keys[i].name))
			return eg_tree_fail(err, layer->tree, EG_ERR_FORMAT, "%s needs '%s' (%s)", where, keys[i].name,
				keys[i].doc);
	return status;
}

/* ---- names and links --------------------------------------------------------------------------------------------- */

static eg_status read_name(eg_recipe *r, eg_layer *layer, const eg_tree *t, eg_error *err) {
	char got[64];
	if (!eg_tree_is_string(t))
		return eg_tree_fail(err, t, EG_ERR_FORMAT, "a layer's name must be a word, not %s",
			eg_tree_describe(t, got, sizeof got));
	size_t n = strlen(t->text);
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)t->text[i]) && t->text[i] != '_' && t->text[i] != '-') n = 0;
	if (n < 1 || n > 60)
		return eg_tree_fail(err, t, EG_ERR_FORMAT,
			"the layer name '%.60s' must be 1 to 60 letters, digits, - or _", t->text);
	if (reserved(t->text))
		return eg_tree_fail(err, t, EG_ERR_FORMAT, "'%s' cannot be a layer's name: the graph uses it", t->text);
	int twin = find_layer(r, t->text);
	if (twin >= 0 && r->layers[twin].tree->line > 0)
		return eg_tree_fail(err, t, EG_ERR_FORMAT, "the name '%s' belongs to the layer in line %d already",
			t->text, r->layers[twin].tree->line);
	if (twin >= 0)
		return eg_tree_fail(err, t, EG_ERR_FORMAT, "the name '%s' belongs to another layer already", t->text);
	layer->name = t->text;
	return EG_OK;
}

/* Is the word somebody's chosen name? Then it is not given to a nameless layer. */
static bool chosen(const eg_tree *model, const char *name) {
	for (const eg_tree *t = model->first; t; t = t->next) {
		const eg_tree *given = t->kind == EG_TREE_MAP && t->first ? eg_tree_get(t->first, "name") : NULL;
		if (given && given->kind == EG_TREE_SCALAR && !strcmp(given->text, name)) return true;
	}
	return false;
}

/* conv1, conv2, ...: as the graph names its nodes. */
static const char *make_name(eg_recipe *r, const eg_tree *model, const eg_op_info *op) {
	int number = 1;
	for (int i = 0; i < r->nlayers; i++) number += r->layers[i].op == op;
	for (;; number++) {
		const char *name = eg_arena_printf(&r->arena, "%s%d", op->layer, number);
		if (!name || (!chosen(model, name) && find_layer(r, name) < 0)) return name;
	}
}

static eg_status read_from_one(eg_recipe *r, eg_layer *layer, const eg_tree *t, eg_error *err) {
	const char *names[MAX_CANDIDATES] = {"input"};
	char got[64];
	int n = 1;
	if (t->kind != EG_TREE_SCALAR)
		return eg_tree_fail(err, t, EG_ERR_FORMAT, "'from' names a layer, or is a list of names; not %s",
			eg_tree_describe(t, got, sizeof got));
	int i = strcmp(t->text, "input") ? find_layer(r, t->text) : EG_FROM_INPUT;
	if (i < 0 && strcmp(t->text, "input")) {
		for (int k = r->nlayers - 1; k >= 0 && n < MAX_CANDIDATES; k--) names[n++] = r->layers[k].name;
		return eg_keys_no_such(t, t->text, "earlier layer", names, n, err);
	}
	if (layer->nfrom >= layer->op->max_inputs || layer->nfrom >= EG_MAX_INPUTS)
		return eg_tree_fail(
			err, t, EG_ERR_FORMAT, "%s takes at most %d inputs", layer->op->layer, layer->op->max_inputs);
	layer->from[layer->nfrom++] = i;
	return EG_OK;
}

static eg_status read_from(eg_recipe *r, eg_layer *layer, const eg_tree *from, const char *where, eg_error *err) {
	eg_status status = EG_OK;
	if (from && from->kind == EG_TREE_LIST)
		for (const eg_tree *t = from->first; t && !status; t = t->next)
			status = read_from_one(r, layer, t, err);
	else if (from)
		status = read_from_one(r, layer, from, err);
	else
		layer->from[layer->nfrom++] = r->nlayers ? r->nlayers - 1 : EG_FROM_INPUT;
	if (status) return status;
	if (layer->nfrom < layer->op->min_inputs)
		return eg_tree_fail(err, from ? from : layer->tree, EG_ERR_FORMAT,
			"%s takes %s%d inputs, not %d: name them with from: [a, b]", where,
			layer->op->max_inputs > layer->op->min_inputs ? "at least " : "", layer->op->min_inputs,
			layer->nfrom);
	for (int i = 0; i < layer->nfrom; i++)
		if (layer->from[i] >= 0) r->layers[layer->from[i]].used = true;
	return EG_OK;
}

/* ---- layers ------------------------------------------------------------------------------------------------------ */

static const eg_op_info *find_op(const char *word) {
	const eg_op_info *op;
	for (int i = 0; (op = eg_layer_op(i)); i++)
		if (!strcmp(op->layer, word)) return op;
	return NULL;
}

static eg_status no_such_layer(const eg_tree *t, const char *word, eg_error *err) {
	const char *names[MAX_CANDIDATES];
	int n = 0;
	for (const eg_op_info *op; n < MAX_CANDIDATES && (op = eg_layer_op(n)); n++) names[n] = op->layer;
	return eg_keys_no_such(t, word, "layer", names, n, err);
}

static eg_status read_layer(eg_recipe *r, const eg_tree *model, const eg_tree *t, eg_layer *layer, eg_error *err) {
	const char *word;
	const eg_tree *attrs;
	char where[100];
	eg_status status = eg_choice_read(t, "a layer", &word, &attrs, err);
	if (status) return status;
	*layer = (eg_layer){.tree = t, .op = find_op(word)};
	if (!layer->op) return no_such_layer(t, word, err);
	const eg_tree *name = eg_tree_get(attrs, "name");
	if (name) {
		status = read_name(r, layer, name, err);
		if (status) return status;
	}
	if (!name && !(layer->name = make_name(r, model, layer->op)))
		return eg_fail(err, EG_ERR_MEMORY, "out of memory");
	if (name)
		snprintf(where, sizeof where, "layer '%s' (%s)", layer->name, word);
	else
		snprintf(where, sizeof where, "layer '%s'", word);
	status = eg_layer_options(r, layer, attrs, where, err);
	if (status) return status;
	if (layer->options) memcpy(layer->options, &layer->name, sizeof layer->name);
	return read_from(r, layer, eg_tree_get(attrs, "from"), where, err);
}

eg_status eg_layers_read(eg_recipe *r, const eg_tree *model, eg_error *err) {
	char got[64];
	if (model->kind != EG_TREE_LIST || model->count == 0)
		return eg_tree_fail(err, model, EG_ERR_FORMAT, "'model' must be a list of layers, not %s",
			model->kind == EG_TREE_LIST ? "an empty one" : eg_tree_describe(model, got, sizeof got));
	if (model->count > MAX_LAYERS)
		return eg_tree_fail(
			err, model, EG_ERR_FORMAT, "%d layers; at most %d are allowed", model->count, MAX_LAYERS);
	r->layers = eg_arena_alloc(&r->arena, (size_t)model->count * sizeof *r->layers);
	if (!r->layers) return eg_fail(err, EG_ERR_MEMORY, "out of memory");
	for (const eg_tree *t = model->first; t; t = t->next) {
		eg_status status = read_layer(r, model, t, &r->layers[r->nlayers], err);
		if (status) return status;
		r->nlayers++;
	}
	for (int i = 0; i < r->nlayers - 1; i++)
		if (!r->layers[i].used)
			return eg_tree_fail(err, r->layers[i].tree, EG_ERR_FORMAT,
				"layer '%s' leads nowhere: no later layer takes its output; name it in a 'from', or "
				"take it out",
				r->layers[i].name);
	return EG_OK;
}

/* ---- the graph --------------------------------------------------------------------------------------------------- */

/* The options with `classes` replaced, in `copy` (options_size bytes). */
static const void *with_classes(const eg_layer *layer, int classes, void *copy) {
	if (!layer->options || !layer->classes) return layer->options;
	memcpy(copy, layer->options, layer->op->options_size);
	for (int i = 0; i < layer->op->nattrs && i < MAX_ATTRS; i++)
		if (layer->classes >> i & 1)
			memcpy((char *)copy + layer->op->attrs[i].offset, &classes, sizeof classes);
	return copy;
}

static eg_tensor add_layer(eg_graph *g, const eg_layer *layer, int classes, const eg_tensor *outputs, eg_tensor input,
	eg_arena *a, eg_error *err) {
	eg_tensor from[EG_MAX_INPUTS];
	void *copy = eg_arena_alloc(a, layer->op->options_size + 1);
	if (!copy) {
		eg_fail(err, EG_ERR_MEMORY, "out of memory");
		return (eg_tensor){0};
	}
	for (int i = 0; i < layer->nfrom; i++) from[i] = layer->from[i] < 0 ? input : outputs[layer->from[i]];
	eg_tensor t = eg_apply(g, layer->op->name, with_classes(layer, classes, copy), from, layer->nfrom);
	if (eg_graph_status(g, err)) eg_tree_prefix(err, layer->tree);
	return t;
}

static eg_status check_logits(const eg_recipe *r, eg_dims d, int classes, eg_error *err) {
	const eg_layer *last = &r->layers[r->nlayers - 1];
	if (d.rank == 2 && d.d[1] == classes) return EG_OK;
	char shape[96] = "";
	for (int i = 1; i < d.rank; i++) {
		size_t n = strlen(shape);
		snprintf(shape + n, sizeof shape - n, "%s%lld", i > 1 ? " x " : "", (long long)d.d[i]);
	}
	return eg_tree_fail(err, last->tree, EG_ERR_SHAPE,
		"the last layer gives %s values for a sample, but there are %d classes; end with `linear: classes`%s",
		d.rank < 2 ? "no" : shape, classes, d.rank > 2 ? " after `flatten`" : "");
}

static eg_status build(const eg_recipe *r, eg_graph *g, int classes, eg_arena *a, eg_error *err) {
	eg_dims dims = {.rank = r->input.rank + 1, .d = {EG_N}};
	memcpy(dims.d + 1, r->input.d, (size_t)r->input.rank * sizeof *dims.d);
	eg_tensor input = eg_input(g, "input", EG_F32, dims);
	eg_tensor *outputs = eg_arena_alloc(a, (size_t)r->nlayers * sizeof *outputs);
	if (!outputs) return eg_fail(err, EG_ERR_MEMORY, "out of memory");
	for (int i = 0; i < r->nlayers; i++) {
		outputs[i] = add_layer(g, &r->layers[i], classes, outputs, input, a, err);
		if (!outputs[i].id) return err->status;
	}
	eg_tensor logits = outputs[r->nlayers - 1];
	if (check_logits(r, eg_tensor_dims(g, logits), classes, err)) return err->status;
	eg_output(g, "logits", logits);
	eg_tensor target = eg_input(g, "target", EG_I32, (eg_dims){.rank = 1, .d = {EG_N}});
	eg_layer loss = r->loss; /* a node after all layers, fed with the last one's output */
	eg_tensor both[2] = {logits, target};
	loss.nfrom = 2, loss.from[0] = 0, loss.from[1] = 1;
	eg_tensor t = add_layer(g, &loss, classes, both, input, a, err);
	if (!t.id) return err->status;
	eg_output(g, "loss", t);
	return eg_graph_status(g, err);
}

eg_status eg_recipe_build(const eg_recipe *r, eg_context *ctx, int classes, eg_graph **graph, eg_error *err) {
	eg_error own = {0};
	eg_arena arena = {0};
	*graph = NULL;
	if (classes < 1) return eg_fail(err, EG_ERR_ARG, "a network for %d classes cannot be built", classes);
	eg_graph *g = eg_graph_new(ctx);
	eg_status status = g ? build(r, g, classes, &arena, &own)
			     : eg_fail(&own, EG_ERR_MEMORY, "out of memory for a graph");
	eg_arena_free(&arena);
	if (status) {
		eg_graph_free(g);
		if (err) *err = own;
		return status;
	}
	*graph = g;
	return EG_OK;
}
