/* network_losses.c - the losses of a recipe in its graph: their targets, whether what they judge suits them, and the
 * objective that is made of them.
 *
 * Not here: the layers that they judge (network.c), losses as a recipe writes them (train.c). */
#include "engram_ops.h"
#include "io/network.h"

#include <string.h>

/* Is it a sequence: something for each step? */
static bool has_steps(const eg_building *n, const eg_dims *d) {
	return d->rank >= 2 && d->d[0] < 0 && d->d[0] != EG_N && eg_open_name(n->graph, d->d[0]);
}

/* "1 x 8 x 8": the sizes from `from` on. */
static void sizes_text(const eg_building *n, const eg_dims *d, int from, char *buf, size_t size) {
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
static int classes_of(const eg_building *n, const eg_loss *loss) {
	char name[EG_RECIPE_NAME + 10];
	if (!loss->info.field) return eg_building_size(n, "classes");
	snprintf(name, sizeof name, "classes.%s", loss->info.field);
	return eg_building_size(n, name);
}

static bool has_attr(const eg_op_info *op, const char *name) {
	for (int i = 0; i < op->nattrs; i++)
		if (!strcmp(op->attrs[i].name, name)) return true;
	return false;
}

/* A loss over classes needs one value for each, for each sample, step or place. `axis`: where they stand; -1: there
 * are too few dimensions to have them. */
static eg_status check_logits(const eg_building *n, const eg_loss *loss, eg_dims d, int axis) {
	const eg_recipe *r = n->recipe;
	const eg_layer *layer = &r->layers[loss->of.index];
	char shape[96], name[100], word[40] = "classes";
	int classes = classes_of(n, loss);
	if (classes == 0 && !loss->info.field)
		return eg_tree_fail(n->err, loss->layer.tree, EG_ERR_FORMAT,
			"the loss '%s' is one of classes, but there are none here", loss->layer.op->name);
	const int wanted = classes + eg_recipe_spare_class(r);
	if (classes == 0 || eg_building_guessed(n) || (axis >= 0 && d.d[axis] == wanted)) return EG_OK;
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
static eg_tensor shared_input(eg_building *n, const eg_loss *loss, const char *name, eg_dtype type, eg_dims dims) {
	eg_tensor t = (eg_tensor){0};
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
	return (eg_tensor){0};
}

/* The weights of classes, where the recipe has some or the samples have told them. */
static eg_tensor class_weights(eg_building *n, const eg_loss *loss, int64_t classes) {
	const eg_recipe_loss_info *info = &loss->info;
	if (!info->classes) return (eg_tensor){0};
	if (info->nclasses != classes) {
		eg_tree_fail(n->err, loss->layer.tree, EG_ERR_SHAPE, "the loss '%s' has class_weights for %d classes, but there are %lld",
			loss->layer.op->name, info->nclasses, (long long)classes);
		return (eg_tensor){0};
	}
	eg_real *numbers = eg_arena_alloc(n->arena, (size_t)classes * sizeof *numbers);
	if (!numbers) {
		eg_fail(n->err, EG_ERR_MEMORY, "out of memory");
		return (eg_tensor){0};
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
static eg_status add_loss_inputs(eg_building *n, const eg_loss *loss, eg_dims d, eg_tensor *from) {
	const eg_op_info *op = loss->layer.op;
	const void *options = eg_building_options(n, &loss->layer);
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
		int word = eg_building_word(n, d.d[0]);
		if (is_lengths(op->inputs[i]) && word >= 0) from[i] = eg_building_lengths(n, word);
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
static eg_tensor mean_of(eg_building *n, const eg_loss *loss, eg_tensor sum, const eg_tensor *from, int count) {
	const eg_op_info *op = loss->layer.op;
	_Alignas(max_align_t) char options[EG_LOSS_OPTIONS];
	if (op->params || !eg_loss_is_sum(op, loss->layer.options)) return sum;
	const void *own = eg_building_options(n, &loss->layer);
	if (!own) return (eg_tensor){0};
	eg_tensor t = eg_apply(n->graph, op->name, eg_loss_as_mean(op, own, options), from, count);
	if (!t.id) eg_graph_status(n->graph, n->err);
	return t;
}

eg_status eg_building_add_loss(eg_building *n, int i) {
	const eg_loss *loss = &n->recipe->losses[i];
	const eg_op_info *op = loss->layer.op;
	eg_tensor from[EG_MAX_INPUTS] = {eg_building_linked(n, &loss->of, loss->layer.tree)};
	if (!from[0].id) return n->err->status;
	if (i == 0) eg_output(n->graph, "logits", from[0]);
	if (add_loss_inputs(n, loss, eg_tensor_dims(n->graph, from[0]), from)) return n->err->status;
	int count = op->max_inputs < EG_MAX_INPUTS ? op->max_inputs : EG_MAX_INPUTS;
	while (count > op->min_inputs && !from[count - 1].id) count--;
	n->losses[i] = eg_building_apply(n, &loss->layer, from, count);
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
static eg_tensor weigh(const eg_building *n, const eg_tensor *losses) {
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
void eg_building_add_objective(eg_building *n) {
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
