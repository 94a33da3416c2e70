/* network.c - a recipe as a graph: inputs, layers, losses and the objective that is made of them, outputs.
 *
 * Words have become numbers here: sizes that the task knows, and the graph's own numbers for sizes that are left
 * open. */
#include "engram_ops.h"
#include "io/recipe.h"

#include <string.h>

enum { MAX_SIZES = 64 };

/* What the network's tensors are called while it is built. */
typedef struct network {
	const eg_recipe *recipe;
	eg_graph *graph;
	const eg_size *sizes;
	int64_t open[EG_RECIPE_WORDS]; /* the graph's numbers for the recipe's words; 0: not yet asked for */
	eg_tensor inputs[EG_RECIPE_INPUTS];
	eg_tensor lengths[EG_RECIPE_WORDS]; /* of a first size; 0: nobody wants them */
	eg_tensor *outputs;                 /* of each layer, the first one */
	const char *cell;                   /* of the body of a cell: its name */
	eg_tensor losses[EG_RECIPE_LOSSES], means[EG_RECIPE_LOSSES]; /* what is trained on, what is told */
	eg_arena *arena;
	eg_error *err;
} network;

static eg_tensor nothing(void) { return (eg_tensor){0}; }

/* ---- sizes ------------------------------------------------------------------------------------------------------- */

/* What a word stands for; 0: nothing here. */
static int size_of(const network *n, const char *word) {
	for (const eg_size *s = n->sizes; s && s->name; s++)
		if (!strcmp(s->name, word)) return s->size;
	return 0;
}

/* Are the sizes stand-ins (the size of the entry that ends the list says so), which no number need agree with? */
static bool are_guessed(const network *n) {
	const eg_size *s = n->sizes;
	while (s && s->name) s++;
	return s && s->size != 0;
}

/* "there are: classes, units", into buf; or that there is none. */
static const char *list_sizes(const network *n, char *buf, size_t size) {
	size_t used = 0;
	snprintf(buf, size, "there is none here");
	for (const eg_size *s = n->sizes; s && s->name && used < size; s++)
		used += (size_t)snprintf(buf + used, size - used, "%s%s", used ? ", " : "there are: ", s->name);
	return buf;
}

static eg_status no_such_size(const network *n, const eg_layer *layer, const eg_layer_word *w) {
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

/* The options with numbers in the place of words; NULL with a message: a word stands for nothing. */
static const void *with_sizes(const network *n, const eg_layer *layer) {
	if (!layer->nwords) return layer->options;
	char *copy = eg_arena_alloc(n->arena, layer->op->options_size);
	if (!copy) {
		eg_fail(n->err, EG_ERR_MEMORY, "out of memory");
		return NULL;
	}
	memcpy(copy, layer->options, layer->op->options_size);
	for (int i = 0; i < layer->nwords; i++) {
		int size = size_of(n, layer->words[i].word);
		if (size == 0) {
			no_such_size(n, layer, &layer->words[i]);
			return NULL;
		}
		memcpy(copy + layer->op->attrs[layer->words[i].attr].offset, &size, sizeof size);
	}
	return copy;
}

static eg_status resolve_words(network *n) {
	const eg_recipe *r = n->recipe;
	for (int i = 0; i < r->nwords; i++) {
		int number = r->word_trees[i] ? size_of(n, r->words[i]) : 0;
		if (number > 0)
			return eg_tree_fail(n->err, r->word_trees[i], EG_ERR_FORMAT,
				"`%s` is to leave a size open, but here it is the word for the number %d; take another word",
				r->words[i], number);
		n->open[i] = eg_open_dim(n->graph, r->words[i]);
	}
	return eg_graph_status(n->graph, n->err);
}

/* The recipe's word that this size of the graph is; -1: none. */
static int word_of(const network *n, int64_t d) {
	for (int i = 0; i < n->recipe->nwords && d < 0; i++)
		if (n->open[i] == d) return i;
	return -1;
}

/* ---- layers ------------------------------------------------------------------------------------------------------ */

/* What a layer inside of a cell is called in the graph: CELL/LAYER. */
static const char *inner_name(const network *n, const char *cell, const char *name) { return eg_arena_printf(n->arena, "%s/%s", cell, name); }

/* Is there a layer of that name in the body? */
static bool is_inner(const network *n, const char *name) {
	for (int i = 0; i < n->recipe->nlayers && name; i++)
		if (!strcmp(n->recipe->layers[i].name, name)) return true;
	return false;
}

/* The options of a layer inside of a cell: with its name in the graph, and that of a layer in there that it shares
 * weights with. */
static const void *in_cell(const network *n, const eg_layer *layer, const void *options) {
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

static eg_tensor apply(network *n, const eg_layer *layer, const eg_tensor *from, int count) {
	const void *options = with_sizes(n, layer);
	if (options && n->cell) options = in_cell(n, layer, options);
	if (!options && layer->options) return nothing();
	eg_tensor t = eg_apply(n->graph, layer->op->name, options, from, count);
	if (eg_graph_status(n->graph, n->err)) eg_tree_prefix(n->err, layer->tree);
	return t;
}

static eg_tensor cell_state(const network *n, const eg_layer *layer, int i);

/* What a link names; `tree` is where it stands. */
static eg_tensor linked(network *n, const eg_link *link, const eg_tree *tree) {
	switch (link->kind) {
	case EG_LINK_NOTHING: return nothing();
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

static eg_tensor add_layer(network *n, const eg_layer *layer);

/* The state number i of a cell that has been built. */
static eg_tensor state_of(const network *n, const eg_layer *layer, int i) {
	const char *name = inner_name(n, layer->name, layer->cell->states[i].name);
	return name ? eg_graph_find(n->graph, name) : nothing();
}

/* What it is behind the last step. */
static eg_tensor cell_state(const network *n, const eg_layer *layer, int i) {
	eg_tensor t = eg_loop_last(n->graph, state_of(n, layer, i));
	if (!t.id) eg_graph_status(n->graph, n->err);
	return t;
}

/* The dimensions of a state: its sizes behind the batch. */
static eg_status state_dims(const network *n, const eg_cell_state *s, eg_dims *dims) {
	char list[300];
	*dims = (eg_dims){s->rank + 1, {EG_N}};
	for (int i = 0; i < s->rank; i++) {
		const int size = s->size[i] ? s->size[i] : size_of(n, s->word[i]->text), word = eg_recipe_word_index(n->recipe, s->word[i]->text);
		if (!size && word < 0)
			return eg_tree_fail(n->err, s->word[i], EG_ERR_FORMAT, "a size of state '%s' must be a whole number, or a word for one (%s), not '%s'", s->name,
				list_sizes(n, list, sizeof list), s->word[i]->text);
		dims->d[i + 1] = size ? size : n->open[word];
	}
	return EG_OK;
}

static eg_tensor add_state(const network *n, const eg_layer *layer, const eg_cell_state *s, const eg_tensor *from) {
	eg_dims dims;
	const char *name = inner_name(n, layer->name, s->name);
	if (!name) eg_fail(n->err, EG_ERR_MEMORY, "out of memory");
	if (!name || state_dims(n, s, &dims)) return nothing();
	eg_tensor h = eg_loop_state(n->graph, name, dims, s->from < 0 ? nothing() : from[s->from], s->learned);
	if (eg_graph_status(n->graph, n->err)) eg_tree_prefix(n->err, s->tree);
	return h;
}

/* The names that the body knows. */
static eg_status add_inner_inputs(const network *n, network *inner, const eg_layer *layer, const eg_tensor *from) {
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

static eg_status add_inner_layers(network *inner) {
	const eg_recipe *body = inner->recipe;
	inner->outputs = eg_arena_alloc(inner->arena, (size_t)body->nlayers * sizeof *inner->outputs);
	if (!inner->outputs) return eg_fail(inner->err, EG_ERR_MEMORY, "out of memory");
	for (int i = 0; i < body->nlayers; i++) {
		inner->outputs[i] = add_layer(inner, &body->layers[i]);
		if (!inner->outputs[i].id) return inner->err->status;
	}
	return EG_OK;
}

static eg_status add_nexts(network *inner, const eg_layer *layer) {
	for (int i = 0; i < layer->cell->nstates; i++) {
		const eg_cell_state *s = &layer->cell->states[i];
		eg_tensor next = linked(inner, &s->next, s->tree);
		if (!next.id) return inner->err->status;
		eg_loop_next(inner->graph, inner->inputs[s->input], next);
		if (!eg_graph_status(inner->graph, inner->err)) continue;
		eg_tree_prefix(inner->err, s->tree);
		return inner->err->status;
	}
	return EG_OK;
}

static eg_tensor add_cell(network *n, const eg_layer *layer, const eg_tensor *from) {
	const eg_cell *cell = layer->cell;
	network inner = {.recipe = cell->body, .graph = n->graph, .sizes = n->sizes, .cell = layer->name, .arena = n->arena, .err = n->err};
	eg_loop_begin(n->graph, layer->name, cell->reverse, cell->lengths < 0 ? nothing() : from[cell->lengths]);
	eg_status status = add_inner_inputs(n, &inner, layer, from);
	if (!status) status = add_inner_layers(&inner);
	if (!status) status = add_nexts(&inner, layer);
	eg_tensor y = status ? nothing() : linked(&inner, &cell->output, layer->tree);
	if (!y.id) return y;
	eg_loop_end(n->graph);
	y = eg_loop_output(n->graph, y);
	if (eg_graph_status(n->graph, n->err)) eg_tree_prefix(n->err, layer->tree);
	return y;
}

static eg_tensor add_layer(network *n, const eg_layer *layer) {
	eg_tensor from[EG_MAX_INPUTS] = {{0}};
	for (int i = 0; i < layer->nfrom; i++) {
		from[i] = linked(n, &layer->from[i], layer->tree);
		if (!from[i].id && layer->from[i].kind == EG_LINK_LAYER) return nothing();
	}
	if (layer->cell) return add_cell(n, layer, from);
	return apply(n, layer, from, layer->nfrom);
}

/* ---- inputs ------------------------------------------------------------------------------------------------------ */

static bool takes_ids(const eg_op_info *op, int i) { return op->types && i < op->max_inputs && op->types[i] == 'i'; }

static eg_status asked_type(const network *n, eg_link_kind kind, int index, eg_dtype *type, const eg_layer **first);

/* What the body of a cell asks of its layer's input i. */
static eg_status asked_inside(const network *n, const eg_layer *layer, int i, eg_dtype *type, const eg_layer **first) {
	const network inner = {.recipe = layer->cell->body, .err = n->err};
	eg_status status = EG_OK;
	for (int k = 0; k < inner.recipe->ninputs && !status; k++)
		if (layer->cell->from[k] == i) status = asked_type(&inner, EG_LINK_INPUT, k, type, first);
	return status;
}

/* The type that the layers ask of what a link names, also through those that take either; all have to agree. *first:
 * the layer that asked; NULL: none. */
static eg_status asked_type(const network *n, eg_link_kind kind, int index, eg_dtype *type, const eg_layer **first) {
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

static eg_status add_input(network *n, int i) {
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

/* How long each sample is along a first size. */
static eg_tensor lengths_of(network *n, int word) {
	char name[160];
	if (n->lengths[word].id) return n->lengths[word];
	snprintf(name, sizeof name, word ? "lengths.%.140s" : "lengths", n->recipe->words[word]);
	n->lengths[word] = eg_input(n->graph, name, EG_I32, EG_DIMS(EG_N));
	return n->lengths[word];
}

/* ---- losses ------------------------------------------------------------------------------------------------------ */

/* Is it a sequence: something for each step? */
static bool has_steps(const network *n, const eg_dims *d) {
	return d->rank >= 2 && d->d[0] < 0 && d->d[0] != EG_N && eg_open_name(n->graph, d->d[0]);
}

/* "1 x 8 x 8": the sizes from `from` on. */
static void sizes_text(const network *n, const eg_dims *d, int from, char *buf, size_t size) {
	buf[0] = 0;
	for (int i = from; i < d->rank; i++) {
		size_t used = strlen(buf);
		const char *open = d->d[i] < 0 ? eg_open_name(n->graph, d->d[i]) : NULL;
		if (d->d[i] < 0)
			snprintf(buf + used, size - used, "%s%s", i > from ? " x " : "", open ? open : "?");
		else
			snprintf(buf + used, size - used, "%s%lld", i > from ? " x " : "", (long long)d->d[i]);
	}
}

/* The number of classes that a loss is to tell apart; 0: nobody says. */
static int classes_of(const network *n, const eg_loss *loss) {
	char name[EG_RECIPE_NAME + 10];
	if (!loss->info.field) return size_of(n, "classes");
	snprintf(name, sizeof name, "classes.%s", loss->info.field);
	return size_of(n, name);
}

static bool has_attr(const eg_op_info *op, const char *name) {
	for (int i = 0; i < op->nattrs; i++)
		if (!strcmp(op->attrs[i].name, name)) return true;
	return false;
}

/* A loss over classes needs one value for each, for each sample, step or place. `axis`: where they stand; -1: there
 * are too few dimensions to have them. */
static eg_status check_logits(const network *n, const eg_loss *loss, eg_dims d, int axis) {
	const eg_recipe *r = n->recipe;
	const eg_layer *layer = &r->layers[loss->of.index];
	char shape[96], name[100], word[40] = "classes";
	int classes = classes_of(n, loss);
	if (classes == 0 && !loss->info.field)
		return eg_tree_fail(n->err, loss->layer.tree, EG_ERR_FORMAT,
			"the loss '%s' is one of classes, but there are none here", loss->layer.op->name);
	const int wanted = classes + eg_recipe_spare_class(r);
	if (classes == 0 || are_guessed(n) || (axis >= 0 && d.d[axis] == wanted)) return EG_OK;
	bool steps = has_steps(n, &d), last = d.rank > 2 && d.d[d.rank - 1] == classes;
	sizes_text(n, &d, steps ? 2 : 1, shape, sizeof shape);
	if (wanted > classes) snprintf(word, sizeof word, "%d", wanted);
	if (loss->of.index == r->nlayers - 1)
		snprintf(name, sizeof name, "the last layer");
	else
		snprintf(name, sizeof name, "layer '%s'", layer->name);
	return eg_tree_fail(n->err, layer->tree, EG_ERR_SHAPE,
		"%s gives %s %s for %s, but there are %d classes%s; end with `linear: %s%s%s`%s%s", name,
		shape[0] ? shape : "no", strcmp(shape, "1") ? "values" : "value", steps ? "each step" : "a sample",
		classes, wanted > classes ? " and the spare one (train.spare_class)" : "", word,
		wanted == classes && loss->info.field ? "." : "", wanted == classes && loss->info.field ? loss->info.field : "",
		d.rank > 2 && !steps ? " after `flatten`" : "",
		last && has_attr(loss->layer.op, "axis") ? ", or tell the loss that the classes come last: `axis: -1`"
							 : "");
}

/* A graph input that several losses may share. */
static eg_tensor shared_input(network *n, const eg_loss *loss, const char *name, eg_dtype type, eg_dims dims) {
	eg_tensor t = nothing();
	for (int i = 0; i < n->recipe->nlosses && !t.id; i++) {
		const eg_recipe_loss_info *other = &n->recipe->losses[i].info;
		if (&n->recipe->losses[i] == loss) break;
		if (!strcmp(other->input, name) || (other->lengths && !strcmp(other->lengths, name)))
			t = eg_graph_find(n->graph, name);
	}
	if (!t.id) return eg_input(n->graph, name, type, dims);
	eg_dims have = eg_tensor_dims(n->graph, t);
	bool same = have.rank == dims.rank && eg_tensor_dtype(n->graph, t) == type;
	for (int i = 0; i < dims.rank && same; i++) same = have.d[i] == dims.d[i];
	if (same) return t;
	eg_tree_fail(n->err, loss->layer.tree, EG_ERR_SHAPE,
		"the loss '%s' needs another '%s' than a loss before it: give each its own field with `target: FIELD`",
		loss->layer.op->name, name);
	return nothing();
}

/* The weights of classes, where the recipe has some or the samples have told them. */
static eg_tensor class_weights(network *n, const eg_loss *loss, int64_t classes) {
	const eg_recipe_loss_info *info = &loss->info;
	if (!info->classes) return nothing();
	if (info->nclasses != classes) {
		eg_tree_fail(n->err, loss->layer.tree, EG_ERR_SHAPE, "the loss '%s' has class_weights for %d classes, but there are %lld",
			loss->layer.op->name, info->nclasses, (long long)classes);
		return nothing();
	}
	eg_real *numbers = eg_arena_alloc(n->arena, (size_t)classes * sizeof *numbers);
	if (!numbers) {
		eg_fail(n->err, EG_ERR_MEMORY, "out of memory");
		return nothing();
	}
	for (int i = 0; i < info->nclasses; i++) numbers[i] = (eg_real)info->classes[i];
	return eg_constant(n->graph, numbers, EG_F32, EG_DIMS(classes));
}

static bool is_lengths(const char *name) { return !strcmp(name, "lengths") || !strcmp(name, "input_lengths"); }

static bool is_of_sequences(const eg_op_info *op) {
	for (int i = 2; i < op->max_inputs; i++)
		if (is_lengths(op->inputs[i])) return true;
	return false;
}

/* The loss's inputs behind what it judges. */
static eg_status add_loss_inputs(network *n, const eg_loss *loss, eg_dims d, eg_tensor *from) {
	const eg_op_info *op = loss->layer.op;
	const void *options = with_sizes(n, &loss->layer);
	eg_target_info want;
	if (!options && loss->layer.options) return n->err->status;
	if (is_of_sequences(op) && !has_steps(n, &d))
		return eg_tree_fail(n->err, loss->layer.tree, EG_ERR_SHAPE,
			"the loss '%s' is one of sequences: the input that it comes from must begin with the word "
			"`time`, as in [time, 2]",
			op->name);
	/* A network whose samples have no size for classes is told so in plainer words. */
	if (op->types && op->types[1] != 'f' && d.rank < 2 && check_logits(n, loss, d, -1)) return n->err->status;
	if (eg_op_target(op, options, &d, &want, n->err)) {
		eg_tree_prefix(n->err, loss->layer.tree);
		return n->err->status;
	}
	if (want.class_axis >= 0 && check_logits(n, loss, d, want.class_axis)) return n->err->status;
	for (int i = 0; i < want.dims.rank; i++)
		if (want.dims.d[i] == 0) want.dims.d[i] = eg_open_dim(n->graph, want.open);
	if (loss->info.soft && want.dims.rank == 1 && want.dims.d[0] == EG_N)
		from[1] = shared_input(n, loss, loss->info.input, EG_F32, d);
	else
		from[1] = shared_input(n, loss, loss->info.input, want.type, want.dims);
	for (int i = 2; i < op->max_inputs && i < EG_MAX_INPUTS; i++) {
		int word = word_of(n, d.d[0]);
		if (is_lengths(op->inputs[i]) && word >= 0) from[i] = lengths_of(n, word);
		if (is_lengths(op->inputs[i]) && word < 0 && i < op->min_inputs)
			return eg_tree_fail(n->err, loss->layer.tree, EG_ERR_SHAPE,
				"the loss '%s' has to know how long each sample is, which only the first size of an "
				"input says: what it "
				"judges must have that size, such as `time`, itself",
				op->name);
		if (want.class_axis >= 0 && !strcmp(op->inputs[i], "weight"))
			from[i] = class_weights(n, loss, d.d[want.class_axis]);
		if (loss->info.lengths && !strcmp(op->inputs[i], "target_lengths"))
			from[i] = shared_input(n, loss, loss->info.lengths, EG_I32, EG_DIMS(EG_N));
	}
	return n->err->status;
}

/* The mean of a loss that is a sum. */
static eg_tensor mean_of(network *n, const eg_loss *loss, eg_tensor sum, const eg_tensor *from, int count) {
	const eg_op_info *op = loss->layer.op;
	_Alignas(max_align_t) char options[EG_LOSS_OPTIONS];
	if (op->params || !eg_loss_is_sum(op, loss->layer.options)) return sum;
	const void *own = with_sizes(n, &loss->layer);
	if (!own) return nothing();
	eg_tensor t = eg_apply(n->graph, op->name, eg_loss_as_mean(op, own, options), from, count);
	if (!t.id) eg_graph_status(n->graph, n->err);
	return t;
}

static eg_status add_loss(network *n, int i) {
	const eg_loss *loss = &n->recipe->losses[i];
	const eg_op_info *op = loss->layer.op;
	eg_tensor from[EG_MAX_INPUTS] = {linked(n, &loss->of, loss->layer.tree)};
	if (!from[0].id) return n->err->status;
	if (i == 0) eg_output(n->graph, "logits", from[0]);
	if (add_loss_inputs(n, loss, eg_tensor_dims(n->graph, from[0]), from)) return n->err->status;
	int count = op->max_inputs < EG_MAX_INPUTS ? op->max_inputs : EG_MAX_INPUTS;
	while (count > op->min_inputs && !from[count - 1].id) count--;
	n->losses[i] = apply(n, &loss->layer, from, count);
	if (!n->losses[i].id) return n->err->status;
	if (eg_tensor_dims(n->graph, n->losses[i]).rank > 0)
		return eg_tree_fail(n->err, loss->layer.tree, EG_ERR_SHAPE,
			"the loss '%s' gives a number for each sample; to train on it, one number for all is needed: "
			"reduction: mean",
			op->name);
	n->means[i] = mean_of(n, loss, n->losses[i], from, count);
	return n->means[i].id ? EG_OK : n->err->status;
}

/* The sum of the losses, each times its weight. */
static eg_tensor weigh(const network *n, const eg_tensor *losses) {
	const eg_recipe *r = n->recipe;
	eg_tensor sum = losses[0];
	float first = (float)r->losses[0].info.weight;
	if (r->nlosses == 1 && first != 1) sum = eg_weighted_sum(n->graph, sum, .weight_a = first);
	for (int i = 1; i < r->nlosses; i++) {
		sum = eg_weighted_sum(n->graph, sum, .weight_a = i == 1 ? first : 1, .b = losses[i],
			.weight_b = (float)r->losses[i].info.weight);
	}
	return sum;
}

/* Each loss alone is there to be looked at: its gradient is that of the objective. "loss" is a mean in any case; a
 * sum is an output of its own, so that numbers of batches of any size can be compared. */
static void add_objective(network *n) {
	const eg_recipe *r = n->recipe;
	eg_graph *g = n->graph;
	for (int i = 0; i < r->nlosses && r->loss_list; i++)
		eg_output(g, r->losses[i].info.output, eg_detach(g, n->means[i]));
	if (r->sums) eg_output(g, "loss.sum", weigh(n, n->losses));
	eg_output(g, "loss", weigh(n, n->means));
	const eg_op_info *op = r->losses[0].layer.op;
	for (int i = 1; r->nlosses == 1 && op->outputs[i]; i++)
		if (eg_result(g, n->losses[0], i).id) eg_output(g, op->outputs[i], eg_result(g, n->losses[0], i));
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static eg_status add_outputs(network *n) {
	for (int i = 0; i < n->recipe->noutputs; i++) {
		const eg_recipe_output *o = &n->recipe->outputs[i];
		eg_tensor t = linked(n, &o->of, o->tree);
		if (!t.id) return n->err->status;
		eg_output(n->graph, o->name, t);
	}
	return eg_graph_status(n->graph, n->err);
}

static eg_status build(network *n) {
	const eg_recipe *r = n->recipe;
	eg_status status = resolve_words(n);
	for (int i = 0; i < r->ninputs && !status; i++) status = add_input(n, i);
	for (int i = 0; i < r->nwords && !status; i++)
		if (r->wants_lengths[i]) lengths_of(n, i);
	n->outputs = eg_arena_alloc(n->arena, (size_t)r->nlayers * sizeof *n->outputs);
	if (!status && !n->outputs) status = eg_fail(n->err, EG_ERR_MEMORY, "out of memory");
	for (int i = 0; i < r->nlayers && !status; i++) {
		n->outputs[i] = add_layer(n, &r->layers[i]);
		if (!n->outputs[i].id) status = n->err->status;
	}
	for (int i = 0; i < r->nlosses && !status; i++) status = add_loss(n, i);
	if (status) return status;
	add_objective(n);
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
	network n = {.recipe = r, .sizes = sizes, .arena = &arena, .err = &own};
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
