/* agree.c - does what a task knows fit its network? Names of classes and vocabularies come out of data or out of a
 * model's file, the network's sizes out of its graph; a file may say anything. They are compared here, for every
 * task and every loss, before a number that one of them gives is used as an index into what the other has.
 *
 * Here too: is it a network that reads forward only? Not here: the shapes that a task needs (its own `suits`), means of
 * pictures (intake_picture.c). */
#include "tasks/task.h"

#include <string.h>

static bool knows(const eg_intake *f) { return f->type->count && f->type->is_known(f); }

/* ---- numbers and ids --------------------------------------------------------------------------------------------- */

/* Texts and tokens become ids, whole numbers; of the other inputs none are. */
static eg_status check_type(const eg_task *t, const eg_intake *f, eg_graph *g, eg_error *err) {
	bool ids = f->type->kind == EG_FIELD_TEXT || f->type->kind == EG_FIELD_TOKENS;
	if ((eg_tensor_dtype(g, eg_graph_find(g, f->input)) == EG_I32) == ids) return EG_OK;
	if (ids)
		eg_fail(err, EG_ERR_SHAPE,
		        "'%s' is a text, whose units are ids: no numbers to compute with; begin with `embedding: SIZE`",
		        f->input);
	else
		eg_fail(err, EG_ERR_SHAPE,
		        "'%s' is numbers (%s), but the network takes it as ids, whole numbers of a table: leave the "
		        "embedding out",
		        f->input, f->name);
	eg_recipe_locate(t->recipe, "model", err);
	return EG_ERR_SHAPE;
}

/* The number that an option is; 0: there is none of this name. */
static int option(const eg_node_info *node, const char *name) {
	int value = 0;
	for (int i = 0; i < node->op->nattrs; i++)
		if (!strcmp(node->op->attrs[i].name, name) && node->op->attrs[i].type == EG_ATTR_INT)
			memcpy(&value, (const char *)node->options + node->op->attrs[i].offset, sizeof value);
	return value;
}

/* A node that hands ids on, whatever it does with their order, marks what it gives. */
static void hand_on(const eg_graph *g, const eg_node_info *node, bool *ids) {
	bool any = false;
	for (int k = 0; k < node->ninputs; k++) any |= ids[node->inputs[k].id];
	for (int k = 0; k < node->noutputs && any; k++)
		ids[node->outputs[k].id] = eg_tensor_dtype(g, node->outputs[k]) == EG_I32;
}

/* A table needs a row for every id. More rows are allowed: a recipe may say how many. */
static eg_status check_tables(const eg_task *t, const eg_intake *f, eg_graph *g, eg_error *err) {
	eg_tensor input = eg_graph_find(g, f->input);
	eg_node_info node;
	int n = eg_graph_nodes(g), most = input.id;
	for (int i = 0; i < n; i++) {
		eg_graph_node(g, i, &node);
		for (int k = 0; k < node.ninputs; k++) most = node.inputs[k].id > most ? node.inputs[k].id : most;
		for (int k = 0; k < node.noutputs; k++) most = node.outputs[k].id > most ? node.outputs[k].id : most;
	}
	bool *ids = eg_calloc(NULL, (size_t)most + 1, sizeof *ids); /* by tensor: it holds ids of the input */
	if (!ids) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a task");
	ids[input.id] = true;
	eg_status status = EG_OK;
	for (int i = 0; i < n && !status; i++) {
		eg_graph_node(g, i, &node);
		hand_on(g, &node, ids);
		int rows = strcmp(node.op->name, "embedding") == 0 ? option(&node, "count") : 0;
		if (!rows || !ids[node.inputs[0].id] || rows >= f->type->count(f)) continue;
		status = eg_fail(err, EG_ERR_SHAPE,
		        "layer '%s' has rows for %d ids, but the vocabulary of '%s' has %d %s: leave `count` out, or "
		        "make it as large",
		        node.name, rows, f->name, f->type->count(f), f->type->word);
		eg_recipe_locate(t->recipe, "model", err);
	}
	eg_release(NULL, ids);
	return status;
}

/* ---- classes ----------------------------------------------------------------------------------------------------- */

/* Every loss that is judged by this input tells as many apart as `of` knows. */
static eg_status check_losses(const eg_task *t, const char *target, const eg_intake *of, eg_graph *g, eg_error *err) {
	eg_tensor y = eg_graph_find(g, target);
	eg_node_info node;
	eg_target_info want;
	char shape[128];
	const bool spare = eg_recipe_spare_class(t->recipe); /* the last stands for none of them */
	int n = of->type->count(of), found = 0;
	for (int i = 0; i < eg_graph_nodes(g); i++) {
		eg_graph_node(g, i, &node);
		if (node.ninputs < 2 || node.inputs[1].id != y.id) continue;
		eg_dims d = eg_tensor_dims(g, node.inputs[0]);
		if (eg_op_target(node.op, node.options, &d, &want, NULL)) continue;
		if (want.class_axis < 0) { /* of rows: those of a class belong together */
			found += (t->type->info.abilities & EG_ABLE_EMBED) != 0;
			continue;
		}
		found++;
		if (d.d[want.class_axis] == n + spare) continue;
		eg_fail(err, EG_ERR_SHAPE, "there are names for %d %s%s%s%s, but the network puts out %s, %lld of them",
		        n, of->type->word, of->target ? " of " : "", of->target ? of->name : "",
		        spare ? " and the spare class (train.spare_class)" : "",
		        eg_shape_text(g, d, shape, sizeof shape), (long long)d.d[want.class_axis]);
		eg_recipe_locate(t->recipe, "model", err);
		return EG_ERR_SHAPE;
	}
	if (found) return EG_OK;
	eg_fail(err, EG_ERR_SHAPE, "no loss tells the %s of '%s' apart: take a loss of classes (loss: cross_entropy)",
	        of->type->word, of->name);
	eg_recipe_locate(t->recipe, "train.loss", err);
	return EG_ERR_SHAPE;
}

eg_status eg_task_agrees(const eg_task *t, eg_graph *g, eg_error *err) {
	eg_status status = EG_OK;
	if (eg_recipe_spare_class(t->recipe) && !t->type->spare_class) {
		eg_fail(err, EG_ERR_ARG, "the task '%s' has no use for a spare class: leave spare_class out", t->type->info.name);
		eg_recipe_locate(t->recipe, "train.spare_class", err);
		return EG_ERR_ARG;
	}
	for (int i = 0; i < t->nintakes && !status; i++) {
		const eg_intake *f = t->intakes[i];
		if (!f->target) status = check_type(t, f, g, err);
		/* boxes are no targets of losses of classes: their task looks itself */
		if (status || !knows(f) || f->type->kind == EG_FIELD_BOXES) continue;
		status = f->target ? check_losses(t, f->input, f, g, err) : check_tables(t, f, g, err);
	}
	/* Where what comes out is what goes in. */
	if (!status && !t->type->targets && knows(t->intakes[0]))
		status = check_losses(t, eg_task_target_input(t), t->intakes[0], g, err);
	return status;
}

/* What the file says each word stands for, and what it names. */
eg_status eg_task_same_sizes(const eg_task *t, const eg_model *m, eg_error *err) {
	for (const eg_size *s = t->sizes; s->name; s++) {
		int said = eg_model_size(m, s->name);
		if (said && said != s->size)
			return eg_fail(err, EG_ERR_FORMAT, "damaged: it says that `%s` is %d, but it names %d of them",
			        s->name, said, s->size);
	}
	return EG_OK;
}

/* ---- networks that go on with what they have read ---------------------------------------------------------------- */

/* What comes next is told by a probability at every step, which a loss of whole sequences does not make. */
static eg_status check_forward_loss(const eg_task *t, const char *unit, eg_error *err) {
	const eg_op_info *op = eg_recipe_loss_at(t->recipe, 0)->op;
	for (int i = 2; i < op->max_inputs; i++) {
		if (!strstr(op->inputs[i], "lengths")) continue;
		eg_fail(err, EG_ERR_ARG,
		        "the loss '%s' judges whole sequences, but a language model tells at every step how likely each %s "
		        "is; take cross_entropy",
		        op->name, unit);
		eg_recipe_locate(t->recipe, "train.loss", err);
		return EG_ERR_ARG;
	}
	return EG_OK;
}

eg_status eg_task_reads_forward(const eg_task *t, eg_graph *g, const char *unit, eg_error *err) {
	eg_dims d = eg_tensor_dims(g, eg_graph_find(g, "logits"));
	eg_node_info node;
	eg_status status = check_forward_loss(t, unit, err);
	if (status) return status;
	for (int i = 0; i < eg_graph_nodes(g) && !status; i++) {
		eg_graph_node(g, i, &node);
		if (!node.mixes_time) continue;
		status = eg_fail(err, EG_ERR_ARG,
		        "layer '%s' (%s) looks ahead: it would see the %s that is to be predicted. A language model "
		        "reads forward only, step by step (attention does with causal and a context)",
		        node.name, node.op->layer ? node.op->layer : node.op->name, unit);
	}
	if (!status && (d.rank != 3 || d.d[0] != EG_T || d.d[1] != EG_N))
		status = eg_fail(err, EG_ERR_SHAPE,
		        "a language model answers at every step, with a number for each %s that may come next; the "
		        "last layer of this network "
		        "gives one answer for all",
		        unit);
	if (status) eg_recipe_locate(t->recipe, "model", err);
	return status;
}
