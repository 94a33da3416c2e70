/* layers.c - the model section of a recipe: layers with their names, options and links; and the graph they make.
 *
 * Which layers there are and what they take is the operator table's business; no operator is named here. */
#include "io/recipe.h"

#include <ctype.h>
#include <string.h>

enum { MAX_LAYERS = 4096, MAX_ATTRS = 64, MAX_CANDIDATES = 256 };

/* Names that the graph uses itself. */
static bool reserved(const char *name) {
	return !strcmp(name, "input") || !strcmp(name, "target") || !strcmp(name, "loss") || !strcmp(name, "lengths") ||
	       !strcmp(name, "target_lengths");
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
	layer->classes &= ~((uint64_t)1 << i);
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
	for (int i = 0; i < n; i++)
		if (op->attrs[i].classes && !eg_tree_get(attrs, keys[i].name)) layer->classes |= (uint64_t)1 << i;
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

static bool is_sequence(const eg_recipe *r) { return r->input.d[0] == EG_T; }

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

/* What `t` names becomes input number `to` of the layer. */
static eg_status read_from_one(eg_recipe *r, eg_layer *layer, const eg_tree *t, int to, eg_error *err) {
	const char *names[MAX_CANDIDATES] = {"input", "lengths"};
	char got[64], name[80];
	int n = is_sequence(r) ? 2 : 1;
	if (t->kind != EG_TREE_SCALAR)
		return eg_tree_fail(err, t, EG_ERR_FORMAT,
			"'from' names a layer, or is a list of names, or a map {input: name}; not %s",
			eg_tree_describe(t, got, sizeof got));
	size_t length = strcspn(t->text, ".");
	snprintf(name, sizeof name, "%.*s", (int)(length < 70 ? length : 70), t->text);
	bool input = !strcmp(t->text, "input"), lengths = !strcmp(t->text, "lengths");
	if (lengths && !is_sequence(r))
		return eg_tree_fail(err, t, EG_ERR_FORMAT,
			"only sequences have `lengths`: 'input' must begin with the word `time`, as in [time, 2]");
	int i = input ? EG_FROM_INPUT : lengths ? EG_FROM_LENGTHS : find_layer(r, name);
	if (i == -1 && !input) {
		for (int k = r->nlayers - 1; k >= 0 && n < MAX_CANDIDATES; k--) names[n++] = r->layers[k].name;
		return eg_keys_no_such(t, t->text, "earlier layer", names, n, err);
	}
	layer->from[to] = i;
	if (layer->nfrom <= to) layer->nfrom = to + 1;
	r->uses_lengths = r->uses_lengths || lengths;
	if (i < 0) return EG_OK;
	r->layers[i].used = true;
	return t->text[length] ? read_output(&r->layers[i], t, length, &layer->output[to], err) : EG_OK;
}

/* from: [a, b], in the order of the operator's inputs */
static eg_status read_from_list(eg_recipe *r, eg_layer *layer, const eg_tree *from, eg_error *err) {
	eg_status status = EG_OK;
	for (const eg_tree *t = from->first; t && !status; t = t->next) {
		if (layer->nfrom >= layer->op->max_inputs || layer->nfrom >= EG_MAX_INPUTS)
			return eg_tree_fail(err, t, EG_ERR_FORMAT, "%s takes at most %d inputs", layer->op->layer,
				layer->op->max_inputs);
		status = read_from_one(r, layer, t, layer->nfrom, err);
	}
	return status;
}

static void take_previous(eg_recipe *r, eg_layer *layer) {
	layer->from[0] = r->nlayers ? r->nlayers - 1 : EG_FROM_INPUT;
	if (layer->nfrom < 1) layer->nfrom = 1;
	if (r->nlayers) r->layers[r->nlayers - 1].used = true;
}

/* from: {lengths: lengths}, by the names of the operator's inputs; the first one left out is the layer before */
static eg_status read_from_map(
	eg_recipe *r, eg_layer *layer, const eg_tree *from, const char *where, eg_error *err) {
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
		status = read_from_one(r, layer, t, i, err);
	}
	if (!status && layer->from[0] == EG_FROM_NOTHING) take_previous(r, layer);
	return status;
}

static eg_status read_from(eg_recipe *r, eg_layer *layer, const eg_tree *from, const char *where, eg_error *err) {
	eg_status status = EG_OK;
	for (int i = 0; i < EG_MAX_INPUTS; i++) layer->from[i] = EG_FROM_NOTHING;
	if (!from)
		take_previous(r, layer);
	else if (from->kind == EG_TREE_LIST)
		status = read_from_list(r, layer, from, err);
	else if (from->kind == EG_TREE_MAP)
		status = read_from_map(r, layer, from, where, err);
	else
		status = read_from_one(r, layer, from, 0, err);
	if (status) return status;
	if (layer->nfrom < layer->op->min_inputs)
		return eg_tree_fail(err, from ? from : layer->tree, EG_ERR_FORMAT,
			"%s takes %s%d inputs, not %d: name them with from: [a, b]", where,
			layer->op->max_inputs > layer->op->min_inputs ? "at least " : "", layer->op->min_inputs,
			layer->nfrom);
	for (int i = 0; i < layer->op->min_inputs; i++)
		if (layer->from[i] == EG_FROM_NOTHING)
			return eg_tree_fail(err, from, EG_ERR_FORMAT, "%s needs its input '%s': name it in 'from' too", where,
				layer->op->inputs[i]);
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

/* What the network's tensors are called while it is built. */
typedef struct network {
	const eg_recipe *recipe;
	eg_graph *graph;
	int classes;
	eg_tensor input, lengths;
	eg_tensor *outputs; /* of each layer, the first one */
	eg_arena *arena;
	eg_error *err;
} network;

static eg_tensor apply(network *n, const eg_layer *layer, const eg_tensor *from, int count) {
	void *copy = eg_arena_alloc(n->arena, layer->op->options_size + 1);
	if (!copy) {
		eg_fail(n->err, EG_ERR_MEMORY, "out of memory");
		return (eg_tensor){0};
	}
	if (n->classes == 0 && layer->classes) {
		eg_tree_fail(n->err, layer->tree, EG_ERR_FORMAT, "%s depends on the number of classes, but there are none here",
			layer->op->name);
		return (eg_tensor){0};
	}
	eg_tensor t = eg_apply(n->graph, layer->op->name, with_classes(layer, n->classes, copy), from, count);
	if (eg_graph_status(n->graph, n->err)) eg_tree_prefix(n->err, layer->tree);
	return t;
}

static eg_tensor add_layer(network *n, const eg_layer *layer) {
	eg_tensor from[EG_MAX_INPUTS] = {{0}};
	for (int i = 0; i < layer->nfrom; i++) {
		int k = layer->from[i];
		from[i] = k == EG_FROM_INPUT     ? n->input
			  : k == EG_FROM_LENGTHS ? n->lengths
			  : k == EG_FROM_NOTHING ? (eg_tensor){0}
						 : eg_result(n->graph, n->outputs[k], layer->output[i]);
		if (from[i].id || k < 0) continue;
		const eg_layer *source = &n->recipe->layers[k];
		eg_tree_fail(n->err, layer->tree, EG_ERR_SHAPE, "layer '%s' has no output '%s' with these options",
			source->name, source->op->outputs[layer->output[i]]);
		return (eg_tensor){0};
	}
	return apply(n, layer, from, layer->nfrom);
}

static bool takes_ids(const eg_op_info *op, int i) { return op->types && op->types[i] == 'i'; }

/* The type that the layers ask of the sample: all of them have to agree. */
static eg_status input_type(const eg_recipe *r, eg_dtype *type, eg_error *err) {
	const eg_layer *first = NULL;
	*type = EG_F32;
	for (int l = 0; l < r->nlayers; l++)
		for (int i = 0; i < r->layers[l].nfrom; i++) {
			const eg_layer *layer = &r->layers[l];
			if (layer->from[i] != EG_FROM_INPUT) continue;
			eg_dtype asked = takes_ids(layer->op, i) ? EG_I32 : EG_F32;
			if (first && asked != *type)
				return eg_tree_fail(err, layer->tree, EG_ERR_SHAPE,
					"layer '%s' takes %s, but layer '%s' takes the same input as %s", layer->name,
					asked == EG_I32 ? "ids" : "numbers", first->name,
					asked == EG_I32 ? "numbers" : "ids");
			*type = asked;
			first = layer;
		}
	return EG_OK;
}

/* "1 x 8 x 8": the sizes from `from` on. */
static void sizes_text(const eg_dims *d, int from, char *buf, size_t size) {
	buf[0] = 0;
	for (int i = from; i < d->rank; i++) {
		size_t n = strlen(buf);
		const char *open = d->d[i] == EG_T ? "time" : d->d[i] == EG_N ? "batch" : NULL;
		if (open)
			snprintf(buf + n, size - n, "%s%s", i > from ? " x " : "", open);
		else
			snprintf(buf + n, size - n, "%s%lld", i > from ? " x " : "", (long long)d->d[i]);
	}
}

/* A loss over classes needs one value for each, for each sample, or, of sequences, for each sample or step. */
static eg_status check_logits(const network *n, eg_dims d) {
	const eg_recipe *r = n->recipe;
	const eg_layer *last = &r->layers[r->nlayers - 1];
	bool steps = d.rank >= 2 && d.d[0] == EG_T && d.d[1] == EG_N;
	int rank = steps ? 3 : 2;
	char shape[96];
	if (n->classes == 0)
		return eg_tree_fail(n->err, r->loss.tree, EG_ERR_FORMAT,
			"the loss '%s' is one of classes, but there are none here", r->loss.op->name);
	if (d.rank == rank && d.d[rank - 1] == n->classes) return EG_OK;
	sizes_text(&d, rank - 1, shape, sizeof shape);
	return eg_tree_fail(n->err, last->tree, EG_ERR_SHAPE,
		"the last layer gives %s %s for %s, but there are %d classes; end with `linear: classes`%s",
		shape[0] ? shape : "no", strcmp(shape, "1") ? "values" : "value", steps ? "each step" : "a sample",
		n->classes, d.rank > rank && !steps ? " after `flatten`" : "");
}

static bool is_lengths(const char *name) { return !strcmp(name, "lengths") || !strcmp(name, "input_lengths"); }

static int input_called(const eg_op_info *op, const char *name) {
	for (int i = 0; i < op->max_inputs; i++)
		if (!strcmp(op->inputs[i], name)) return i;
	return -1;
}

/* What the loss compares with: class numbers, one for each row of the logits; or, where it says how long targets are, a
 * row of their own for each sample, at most as long as the input; or numbers like those it is given. */
static eg_tensor add_target(network *n, eg_dims logits) {
	const eg_op_info *op = n->recipe->loss.op;
	if (!takes_ids(op, 1)) return eg_input(n->graph, "target", EG_F32, logits);
	if (input_called(op, "target_lengths") >= 0) return eg_input(n->graph, "target", EG_I32, EG_DIMS(EG_N, EG_T));
	logits.rank--;
	return eg_input(n->graph, "target", EG_I32, logits);
}

/* Is the number of steps of each sample wanted? By a layer, or by the loss. */
static bool wants_lengths(const eg_recipe *r) {
	const eg_op_info *op = r->loss.op;
	for (int i = 2; i < op->min_inputs; i++)
		if (is_lengths(op->inputs[i])) return true;
	return r->uses_lengths;
}

static eg_status add_loss(network *n, eg_tensor logits) {
	const eg_layer *loss = &n->recipe->loss;
	const eg_op_info *op = loss->op;
	eg_dims d = eg_tensor_dims(n->graph, logits);
	if (takes_ids(op, 1) && check_logits(n, d)) return n->err->status;
	if (wants_lengths(n->recipe) && !n->lengths.id)
		return eg_tree_fail(n->err, loss->tree, EG_ERR_SHAPE,
			"the loss '%s' is one of sequences: 'input' must begin with the word `time`, as in [time, 2]", op->name);
	eg_tensor from[EG_MAX_INPUTS] = {logits, add_target(n, d)};
	int count = op->max_inputs < EG_MAX_INPUTS ? op->max_inputs : EG_MAX_INPUTS;
	for (int i = 2; i < count; i++) {
		if (is_lengths(op->inputs[i])) from[i] = n->lengths;
		if (!strcmp(op->inputs[i], "target_lengths"))
			from[i] = eg_input(n->graph, "target_lengths", EG_I32, EG_DIMS(EG_N));
	}
	while (count > op->min_inputs && !from[count - 1].id) count--;
	eg_tensor t = apply(n, loss, from, count);
	if (!t.id) return n->err->status;
	if (eg_tensor_dims(n->graph, t).rank > 0)
		return eg_tree_fail(n->err, loss->tree, EG_ERR_SHAPE,
			"the loss '%s' gives a number for each sample; to train on it, one number for all is needed: "
			"reduction: mean", op->name);
	eg_output(n->graph, "loss", t);
	return eg_graph_status(n->graph, n->err);
}

static eg_status build(network *n) {
	const eg_recipe *r = n->recipe;
	int k = is_sequence(r); /* (T,N,...) or (N,...) */
	eg_dims dims = {.rank = r->input.rank + 1, .d = {EG_T}};
	eg_dtype type;
	if (input_type(r, &type, n->err)) return n->err->status;
	dims.d[k] = EG_N;
	memcpy(dims.d + k + 1, r->input.d + k, (size_t)(r->input.rank - k) * sizeof *dims.d);
	n->input = eg_input(n->graph, "input", type, dims);
	if (k && wants_lengths(r)) n->lengths = eg_input(n->graph, "lengths", EG_I32, EG_DIMS(EG_N));
	n->outputs = eg_arena_alloc(n->arena, (size_t)r->nlayers * sizeof *n->outputs);
	if (!n->outputs) return eg_fail(n->err, EG_ERR_MEMORY, "out of memory");
	for (int i = 0; i < r->nlayers; i++) {
		n->outputs[i] = add_layer(n, &r->layers[i]);
		if (!n->outputs[i].id) return n->err->status;
	}
	eg_tensor logits = n->outputs[r->nlayers - 1];
	eg_output(n->graph, "logits", logits);
	return add_loss(n, logits);
}

eg_status eg_recipe_build(const eg_recipe *r, eg_context *ctx, int classes, eg_graph **graph, eg_error *err) {
	eg_error own = {0};
	eg_arena arena = {0};
	*graph = NULL;
	if (classes < 0) return eg_fail(err, EG_ERR_ARG, "a network for %d classes cannot be built", classes);
	network n = {.recipe = r, .graph = eg_graph_new(ctx, &own), .classes = classes, .arena = &arena, .err = &own};
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
