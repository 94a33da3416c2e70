/* layers.c - the model section of a recipe: layers with their names, options and links; and its outputs.
 *
 * Which layers there are and what they take is the operator table's business; no operator is named here. Not here:
 * the graph they make (network.c). */
#include "io/recipe.h"

#include <string.h>

enum { MAX_LAYERS = 4096, MAX_ATTRS = 64, MAX_CANDIDATES = 256, MAX_OUTPUTS = 64 };

static int find_layer(const eg_recipe *r, const char *name) {
	for (int i = 0; i < r->nlayers; i++)
		if (!strcmp(r->layers[i].name, name)) return i;
	return -1;
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

/* `classes`, `units`, `classes.FIELD`: a word for a number that the task knows. */
static bool says_word(const eg_key *key, const eg_tree *t) {
	if (key->type != EG_KEY_INT || !eg_tree_is_string(t) || t->quoted) return false;
	size_t n = strcspn(t->text, ".");
	return eg_is_word(t->text, n) && (!t->text[n] || eg_is_name(t->text + n + 1));
}

static eg_status add_word(eg_recipe *r, eg_layer *layer, int attr, const char *word, const eg_tree *t, eg_error *err) {
	if (!layer->words) layer->words = eg_arena_alloc(&r->arena, (size_t)layer->op->nattrs * sizeof *layer->words);
	if (!layer->words) return eg_fail(err, EG_ERR_MEMORY, "out of memory");
	layer->words[layer->nwords++] = (eg_layer_word){attr, word, t};
	return EG_OK;
}

static eg_status read_attr(
	eg_recipe *r, eg_layer *layer, const eg_key *keys, int i, const eg_tree *t, const char *where, eg_error *err) {
	if (says_word(&keys[i], t)) return add_word(r, layer, i, t->text, t, err);
	return eg_key_read(&r->arena, &keys[i], t, layer->options, where, err);
}

/* `maxpool: 2`: the value of the attribute that the operator names for this. */
static eg_status read_shorthand(
	eg_recipe *r, eg_layer *layer, const eg_key *keys, int n, const eg_tree *t, const char *where, eg_error *err) {
	char got[64];
	for (int i = 0; i < n; i++)
		if (layer->op->shorthand && !strcmp(layer->op->shorthand, keys[i].name))
			return read_attr(r, layer, keys, i, t, where, err);
	return eg_tree_fail(err, t, EG_ERR_FORMAT, "%s takes {key: value, ...}, not %s", where,
		eg_tree_describe(t, got, sizeof got));
}

eg_status eg_layer_options(
	eg_recipe *r, eg_layer *layer, const eg_tree *attrs, const char *other, const char *where, eg_error *err) {
	const eg_op_info *op = layer->op;
	eg_key keys[MAX_ATTRS];
	const char *names[MAX_ATTRS + 3] = {"name", "from"};
	int n = op->nattrs < MAX_ATTRS ? op->nattrs : MAX_ATTRS;
	eg_status status = EG_OK;
	for (int i = 0; i < n; i++) {
		keys[i] = eg_key_of_attr(&op->attrs[i]);
		names[i + 2] = keys[i].name;
	}
	names[n + 2] = other;
	const int known = other ? n + 3 : n + 2;
	layer->options = op->options_size ? eg_arena_alloc(&r->arena, op->options_size) : NULL;
	if (op->options_size && !layer->options) return eg_fail(err, EG_ERR_MEMORY, "out of memory");
	bool map = attrs && attrs->kind == EG_TREE_MAP;
	if (attrs && !map) status = read_shorthand(r, layer, keys, n, attrs, where, err);
	for (const eg_tree *t = map ? attrs->first : NULL; t && !status; t = t->next) {
		int i = 0;
		while (i < known && strcmp(names[i], t->key)) i++;
		if (i == known) return eg_keys_unknown(t, names, known, where, err);
		if (i >= 2 && i < n + 2) status = read_attr(r, layer, keys, i - 2, t, where, err);
	}
	for (int i = 0; i < n && !status; i++) {
		bool given = attrs &&
			     (map ? eg_tree_get(attrs, keys[i].name) != NULL : !strcmp(op->shorthand, keys[i].name));
		if (!given && op->attrs[i].size) status = add_word(r, layer, i, op->attrs[i].size, NULL, err);
		if (!given && keys[i].required)
			return eg_tree_fail(err, layer->tree, EG_ERR_FORMAT, "%s needs '%s' (%s)", where, keys[i].name,
				keys[i].doc);
	}
	return status;
}

/* ---- names and links --------------------------------------------------------------------------------------------- */

static eg_status read_name(eg_recipe *r, eg_layer *layer, const eg_tree *t, eg_error *err) {
	char got[64];
	if (!eg_tree_is_string(t))
		return eg_tree_fail(err, t, EG_ERR_FORMAT, "a layer's name must be a word, not %s",
			eg_tree_describe(t, got, sizeof got));
	if (!eg_is_name(t->text))
		return eg_tree_fail(err, t, EG_ERR_FORMAT,
			"the layer name '%.60s' must be 1 to %d letters, digits, - or _", t->text, EG_RECIPE_NAME);
	if (eg_is_reserved(t->text) || !strcmp(t->text, "input"))
		return eg_tree_fail(err, t, EG_ERR_FORMAT, "'%s' cannot be a layer's name: the graph uses it", t->text);
	if (eg_recipe_find_input(r, t->text) >= 0)
		return eg_tree_fail(
			err, t, EG_ERR_FORMAT, "'%s' cannot be a layer's name: an input is called so", t->text);
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
		bool free = name && !chosen(model, name) && find_layer(r, name) < 0 &&
			    eg_recipe_find_input(r, name) < 0;
		if (!name || free) return name;
	}
}

/* `encoder.hn`: an output by its name, n letters of t->text being the layer's. */
static eg_status read_output(const eg_layer *from, const eg_tree *t, size_t n, int *output, eg_error *err) {
	const char *names[EG_MAX_OUTPUTS + 1], *word = t->text + n + 1;
	char what[100];
	int count = 0;
	for (; from->op->outputs[count] && count < EG_MAX_OUTPUTS; count++) {
		names[count] = from->op->outputs[count];
		if (strcmp(names[count], word)) continue;
		*output = count;
		return EG_OK;
	}
	snprintf(what, sizeof what, "output of layer '%s'", from->name);
	return eg_keys_no_such(t, word, what, names, count, err);
}

/* `LAYER` or `LAYER.OUTPUT`; false: there is no such layer. */
static bool find_link(eg_recipe *r, const eg_tree *t, eg_link *link, eg_status *status, eg_error *err) {
	char name[EG_RECIPE_NAME + 1];
	size_t length = strcspn(t->text, ".");
	if (length >= sizeof name) return false;
	snprintf(name, sizeof name, "%.*s", (int)length, t->text);
	int i = find_layer(r, name);
	if (i < 0) return false;
	*link = (eg_link){EG_LINK_LAYER, i, 0};
	*status = t->text[length] ? read_output(&r->layers[i], t, length, &link->output, err) : EG_OK;
	return true;
}

/* What is there so far goes into `names`, the newest first. */
static eg_status no_such_layer_named(
	const eg_recipe *r, const eg_tree *t, const char *what, const char **names, int n, eg_error *err) {
	for (int k = r->nlayers - 1; k >= 0 && n < MAX_CANDIDATES; k--) names[n++] = r->layers[k].name;
	return eg_keys_no_such(t, t->text, what, names, n, err);
}

eg_status eg_link_read(eg_recipe *r, const eg_tree *t, eg_link *link, eg_error *err) {
	const char *names[MAX_CANDIDATES];
	char got[64];
	eg_status status = EG_OK;
	if (t->kind != EG_TREE_SCALAR)
		return eg_tree_fail(err, t, EG_ERR_FORMAT, "a layer is named by one word, not %s",
			eg_tree_describe(t, got, sizeof got));
	if (!find_link(r, t, link, &status, err)) return no_such_layer_named(r, t, "layer", names, 0, err);
	r->layers[link->index].used = true;
	return status;
}

/* `lengths`, those of `time`, or `lengths.WORD`: the number of the word, -1: it is something else. */
static int lengths_word(const eg_recipe *r, const char *text) {
	size_t n = strlen("lengths");
	if (!strcmp(text, "lengths")) return 0;
	return strncmp(text, "lengths.", n + 1) ? -1 : eg_recipe_word_index(r, text + n + 1);
}

/* The first sizes of sequences have lengths. */
static eg_status read_lengths(eg_recipe *r, const eg_tree *t, eg_link *link, eg_error *err) {
	int word = lengths_word(r, t->text);
	if (word == 0 && !eg_recipe_leads(r, 0))
		return eg_tree_fail(err, t, EG_ERR_FORMAT,
			"only sequences have `lengths`: 'input' must begin with the word `time`, as in [time, 2]");
	if (!eg_recipe_leads(r, word))
		return eg_tree_fail(err, t, EG_ERR_FORMAT,
			"there is no '%.60s': '%s' is not the first size of an input", t->text, r->words[word]);
	r->wants_lengths[word] = true;
	*link = (eg_link){EG_LINK_LENGTHS, word, 0};
	return EG_OK;
}

eg_status eg_layer_from(eg_recipe *r, eg_layer *layer, const eg_tree *t, int to, eg_error *err) {
	const char *names[MAX_CANDIDATES];
	char got[64];
	eg_status status = EG_OK;
	int n = 0;
	eg_link *link = &layer->from[to];
	if (t->kind != EG_TREE_SCALAR)
		return eg_tree_fail(err, t, EG_ERR_FORMAT,
			"'from' names a layer, or is a list of names, or a map {input: name}; not %s",
			eg_tree_describe(t, got, sizeof got));
	if (layer->nfrom <= to) layer->nfrom = to + 1;
	int i = eg_recipe_find_input(r, t->text);
	if (i >= 0) {
		*link = (eg_link){EG_LINK_INPUT, i, 0};
		r->input_used[i] = true;
		return EG_OK;
	}
	if (lengths_word(r, t->text) >= 0) return read_lengths(r, t, link, err);
	if (find_link(r, t, link, &status, err)) {
		r->layers[link->index].used = true;
		return status;
	}
	for (; n < r->ninputs; n++) names[n] = r->inputs[n].name;
	if (eg_recipe_leads(r, 0)) names[n++] = "lengths";
	return no_such_layer_named(r, t, "earlier layer", names, n, err);
}

/* from: [a, b], in the order of the operator's inputs */
static eg_status read_from_list(eg_recipe *r, eg_layer *layer, const eg_tree *from, eg_error *err) {
	eg_status status = EG_OK;
	for (const eg_tree *t = from->first; t && !status; t = t->next) {
		const int most = layer->op->variadic ? EG_MAX_INPUTS : layer->op->max_inputs;
		if (layer->nfrom >= most)
			return eg_tree_fail(err, t, EG_ERR_FORMAT, "%s takes at most %d inputs", layer->op->layer, most);
		status = eg_layer_from(r, layer, t, layer->nfrom, err);
	}
	return status;
}

void eg_layer_previous(eg_recipe *r, eg_layer *layer) {
	layer->from[0] = r->nlayers ? (eg_link){EG_LINK_LAYER, r->nlayers - 1, 0} : (eg_link){EG_LINK_INPUT, 0, 0};
	if (layer->nfrom < 1) layer->nfrom = 1;
	*(r->nlayers ? &r->layers[r->nlayers - 1].used : &r->input_used[0]) = true;
}

/* from: {lengths: lengths}, by the names of the operator's inputs; the first one left out is the layer before */
static eg_status read_from_map(eg_recipe *r, eg_layer *layer, const eg_tree *from, const char *where, eg_error *err) {
	int max = layer->op->max_inputs < EG_MAX_INPUTS ? layer->op->max_inputs : EG_MAX_INPUTS;
	eg_status status = EG_OK;
	for (const eg_tree *t = from->first; t && !status; t = t->next) {
		int i = 0;
		while (i < max && strcmp(layer->op->inputs[i], t->key)) i++;
		if (i == max) {
			char what[120];
			snprintf(what, sizeof what, "'from' of %s", where);
			return eg_keys_unknown(t, layer->op->inputs, max, what, err);
		}
		status = eg_layer_from(r, layer, t, i, err);
	}
	if (!status && layer->from[0].kind == EG_LINK_NOTHING) eg_layer_previous(r, layer);
	return status;
}

static eg_status read_from(eg_recipe *r, eg_layer *layer, const eg_tree *from, const char *where, eg_error *err) {
	eg_status status = EG_OK;
	if (!from)
		eg_layer_previous(r, layer);
	else if (from->kind == EG_TREE_LIST)
		status = read_from_list(r, layer, from, err);
	else if (from->kind == EG_TREE_MAP)
		status = read_from_map(r, layer, from, where, err);
	else
		status = eg_layer_from(r, layer, from, 0, err);
	if (status) return status;
	if (layer->nfrom < layer->op->min_inputs)
		return eg_tree_fail(err, from ? from : layer->tree, EG_ERR_FORMAT,
			"%s takes %s%d inputs, not %d: name them with from: [a, b]", where,
			layer->op->max_inputs > layer->op->min_inputs ? "at least " : "", layer->op->min_inputs,
			layer->nfrom);
	for (int i = 0; i < layer->op->min_inputs; i++)
		if (layer->from[i].kind == EG_LINK_NOTHING)
			return eg_tree_fail(err, from, EG_ERR_FORMAT, "%s needs its input '%s': name it in 'from' too",
				where, layer->op->inputs[i]);
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
	for (const eg_op_info *op; n < MAX_CANDIDATES - 1 && (op = eg_layer_op(n)); n++) names[n] = op->layer;
	names[n++] = eg_cell_info()->layer;
	return eg_keys_no_such(t, word, "layer", names, n, err);
}

static eg_status read_layer(eg_recipe *r, const eg_tree *model, const eg_tree *t, eg_layer *layer, eg_error *err) {
	const char *word;
	const eg_tree *attrs;
	char where[100];
	eg_status status = eg_choice_read(t, "a layer", &word, &attrs, err);
	if (status) return status;
	*layer = (eg_layer){.tree = t, .op = eg_is_cell(word) ? eg_cell_info() : find_op(word)};
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
	if (eg_is_cell(word)) return eg_cell_read(r, layer, attrs, where, err);
	status = eg_layer_options(r, layer, attrs, NULL, where, err);
	if (status) return status;
	if (layer->options) memcpy(layer->options, &layer->name, sizeof layer->name);
	return read_from(r, layer, eg_tree_get(attrs, "from"), where, err);
}

eg_status eg_layers_read(eg_recipe *r, const eg_tree *model, eg_error *err) {
	char got[64];
	if (model->kind != EG_TREE_LIST || model->count == 0)
		return eg_tree_fail(err, model, EG_ERR_FORMAT, "'%s' must be a list of layers, not %s", r->body ? "layers" : "model",
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
	return EG_OK;
}

/* ---- outputs ----------------------------------------------------------------------------------------------------- */

/* Not a name that the graph uses, or that somebody else has. */
static eg_status check_output_name(const eg_recipe *r, const eg_recipe_output *o, const eg_tree *t, eg_error *err) {
	const eg_op_info *loss = r->losses[0].layer.op;
	bool taken = eg_is_reserved(o->name) || !strcmp(o->name, "logits") || !strncmp(o->name, "loss.", 5) ||
		     eg_recipe_find_input(r, o->name) >= 0;
	for (int i = 1; loss->outputs[i] && r->nlosses == 1; i++) taken = taken || !strcmp(loss->outputs[i], o->name);
	if (taken)
		return eg_tree_fail_key(
			err, t, EG_ERR_FORMAT, "'%.60s' cannot be an output's name: the graph uses it", o->name);
	int layer = find_layer(r, o->name);
	if (layer >= 0 && (layer != o->of.index || o->of.output > 0))
		return eg_tree_fail_key(err, t, EG_ERR_FORMAT,
			"'%.60s' cannot be the name of this output: another layer is called so", o->name);
	for (int i = 0; i < r->noutputs; i++)
		if (!strcmp(r->outputs[i].name, o->name))
			return eg_tree_fail_key(err, t, EG_ERR_FORMAT, "there is an output '%.60s' already", o->name);
	return EG_OK;
}

/* What a single loss tells besides becomes an output under its own name, which nobody else may have. */
static eg_status check_loss_outputs(const eg_recipe *r, eg_error *err) {
	const eg_op_info *op = r->losses[0].layer.op;
	for (int i = 1; r->nlosses == 1 && op->outputs[i]; i++) {
		int layer = find_layer(r, op->outputs[i]), input = eg_recipe_find_input(r, op->outputs[i]);
		if (layer < 0 && input < 0) continue;
		return eg_tree_fail(err, layer < 0 ? r->input_trees[input] : r->layers[layer].tree, EG_ERR_FORMAT,
			"'%s' cannot be the name of %s: the loss '%s' has an output of this name", op->outputs[i],
			layer < 0 ? "an input" : "a layer", op->name);
	}
	return EG_OK;
}

static eg_status read_graph_output(eg_recipe *r, const eg_tree *t, eg_error *err) {
	eg_recipe_output *o = &r->outputs[r->noutputs];
	*o = (eg_recipe_output){.name = t->key ? t->key : t->text, .tree = t};
	if (t->key && !eg_is_name(t->key))
		return eg_tree_fail_key(err, t, EG_ERR_FORMAT,
			"the name '%.60s' of an output must be 1 to %d letters, digits, - or _", t->key,
			EG_RECIPE_NAME);
	eg_status status = eg_link_read(r, t, &o->of, err);
	if (!status) status = check_output_name(r, o, t, err);
	if (!status) r->noutputs++;
	return status;
}

/* Whatever is computed is for something. */
eg_status eg_layers_used(const eg_recipe *r, eg_error *err) {
	for (int i = 0; i < r->nlayers; i++)
		if (!r->layers[i].used)
			return eg_tree_fail(err, r->layers[i].tree, EG_ERR_FORMAT,
				"layer '%s' leads nowhere: no later layer takes its output; name it in a 'from'%s, or "
				"take it out",
				r->layers[i].name, r->outputs || r->nlosses > 1 ? ", 'of' or 'outputs'" : "");
	for (int i = 0; i < r->ninputs; i++)
		if (!r->input_used[i] && r->inputs[i].field)
			return eg_tree_fail_key(err, r->input_trees[i], EG_ERR_FORMAT,
				"input '%s' leads nowhere: no layer takes it; name it in a 'from', or take it out",
				r->inputs[i].name);
	return EG_OK;
}

eg_status eg_outputs_read(eg_recipe *r, eg_error *err) {
	const eg_tree *t = eg_tree_get(r->root, "outputs");
	char got[64];
	eg_status status = check_loss_outputs(r, err);
	if (status) return status;
	if (t && (t->kind == EG_TREE_SCALAR || t->count < 1 || t->count > MAX_OUTPUTS))
		return eg_tree_fail(err, t, EG_ERR_FORMAT,
			"'outputs' must be a list of 1 to %d layers, or a map {name: layer}, not %s", MAX_OUTPUTS,
			eg_tree_describe(t, got, sizeof got));
	if (t) r->outputs = eg_arena_alloc(&r->arena, (size_t)t->count * sizeof *r->outputs);
	if (t && !r->outputs) return eg_fail(err, EG_ERR_MEMORY, "out of memory");
	for (const eg_tree *c = t ? t->first : NULL; c && !status; c = c->next) status = read_graph_output(r, c, err);
	return status ? status : eg_layers_used(r, err);
}
