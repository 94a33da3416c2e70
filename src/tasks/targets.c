/* targets.c - does each loss compare what its field holds? A loss says what it takes (eg_op_target), a field what it
 * has: a class for each sample, step or place, or numbers. Names of losses and of tasks are not known here.
 *
 * Not here: what a task asks of its network (suits, in the file of each task). */
#include "tasks/task.h"

#include <string.h>

/* What a kind of field has as a target. */
typedef struct form {
	eg_dtype type;
	int rank;          /* of the graph's input; 0: any, the samples first */
	bool steps;        /* (time, N) */
	const char *words; /* "the task 'classify' has ..." */
} form;

static form form_of(const eg_task *t, const eg_recipe_loss_info *loss) {
	for (int i = t->ninputs; i < t->nintakes; i++) {
		if (strcmp(t->intakes[i]->input, loss->input) != 0) continue;
		if (t->intakes[i]->type->row) return (form){EG_I32, 2, false, "a row of labels for each sample"};
		switch (t->intakes[i]->type->kind) {
		case EG_FIELD_NUMBERS: return (form){EG_F32, 0, false, "numbers"};
		case EG_FIELD_SERIES:
		case EG_FIELD_SOUND: return (form){EG_F32, 3, true, "numbers for each step"};
		case EG_FIELD_TEXT: return (form){EG_I32, 2, true, "a unit for each step"};
		case EG_FIELD_TAGS: return (form){EG_I32, 2, true, "a class for each step"};
		case EG_FIELD_PICTURE: return (form){EG_F32, 0, false, "a number for each pixel"};
		case EG_FIELD_FRAMES: return (form){EG_F32, 5, true, "a number for each pixel of each frame"};
		case EG_FIELD_BOXES: return (form){EG_F32, 4, false, "boxes, a number for each class or side and cell of a grid"};
		case EG_FIELD_MASK: return (form){EG_I32, 3, false, "a class for each pixel"};
		default:
			if (loss->soft) return (form){EG_F32, 2, false, "shares of classes for each sample"};
			return (form){EG_I32, 1, false, "a class for each sample"};
		}
	}
	return (form){EG_I32, 2, true, "a class for each step"}; /* of a task that makes its own */
}

static bool has_form(const form *f, const eg_dims *d, eg_dtype type) {
	/* of units there are as many as there are; of numbers the network may say how many steps it rebuilds */
	const bool sequence = d->rank >= 2 && d->d[0] != EG_N && d->d[1] == EG_N && (d->d[0] < 0 || type == EG_F32);
	if (type != f->type) return false;
	if (f->steps) return d->rank == f->rank && sequence;
	return d->rank >= 1 && d->d[0] == EG_N && (f->rank == 0 || d->rank == f->rank);
}

/* "cross_entropy, crf": the losses that would do here, into buf; empty: none. */
static const char *list_losses(const form *f, const eg_dims *x, char *buf, size_t size) {
	size_t n = 0;
	buf[0] = '\0';
	for (int i = 0; i < eg_op_count() && n + 1 < size; i++) {
		const eg_op_info *op = eg_op_at(i);
		eg_target_info target;
		if (op->min_inputs < 2 || strcmp(op->inputs[1], "target") != 0) continue;
		if (eg_op_target(op, NULL, x, &target, NULL) || !has_form(f, &target.dims, target.type)) continue;
		n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? ", " : "", op->name);
	}
	return buf;
}

static eg_status refuse(
	const eg_task *t, const eg_graph *g, const eg_recipe_loss_info *loss, const form *f, eg_error *err) {
	char list[300], shape[128];
	eg_tensor target = eg_graph_find(g, loss->input);
	eg_dims x = eg_tensor_dims(g, eg_graph_find(g, loss->of));
	list_losses(f, &x, list, sizeof list);
	eg_fail(err, EG_ERR_ARG, "the loss '%s' compares with %s %s, but %s '%s' has %s%s%s", loss->op->name,
	        eg_tensor_dtype(g, target) == EG_F32 ? "numbers" : "class numbers",
	        eg_shape_text(g, eg_tensor_dims(g, target), shape, sizeof shape),
	        loss->field ? "the field" : "the task", loss->field ? loss->field : t->type->info.name, f->words,
	        list[0] ? "; losses for that: " : ", for which what it judges has the wrong shape", list);
	eg_recipe_locate(t->recipe, "train.loss", err);
	return EG_ERR_ARG;
}

eg_status eg_task_check_targets(const eg_task *t, const eg_graph *g, bool shapes, eg_error *err) {
	for (int i = 0; i < eg_recipe_losses(t->recipe); i++) {
		const eg_recipe_loss_info *loss = eg_recipe_loss_at(t->recipe, i);
		eg_tensor target = eg_graph_find(g, loss->input);
		eg_dims d = eg_tensor_dims(g, target);
		const form f = form_of(t, loss);
		if (!target.id) continue;
		if (eg_tensor_dtype(g, target) != f.type || (shapes && !has_form(&f, &d, f.type)))
			return refuse(t, g, loss, &f, err);
	}
	return EG_OK;
}
