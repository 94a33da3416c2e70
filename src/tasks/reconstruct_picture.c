/* reconstruct_picture.c - the task `reconstruct` of pictures: what a network makes of a picture that goes through a
 * bottleneck. Errors are told with black as 0 and white as 1, whatever scale the network computes in.
 *
 * Classes that were left out of training (`unseen`) show what the error is worth as a sign of what is odd: how much
 * larger it is for them (auc). */
#include "tasks/reconstruct.h"
#include "tasks/unseen.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for pictures that are rebuilt"); }

bool eg_rebuilds_pictures(const eg_task *t) { return t->intakes[0]->type->kind == EG_FIELD_PICTURE; }
int eg_rebuilt_label_field(const eg_task *t) { return eg_source_find_kind(t->source, EG_FIELD_LABEL); }
static const eg_strings *unseen_of(const eg_task *t) { return &((const eg_reconstruct *)t)->unseen; }

static bool is_unseen(const eg_task *t, int32_t label) {
	const eg_field *f = eg_source_field(t->source, eg_rebuilt_label_field(t));
	return f && label >= 0 && label < f->nnames && eg_unseen_has(unseen_of(t), f->names[label]);
}

eg_status eg_rebuilt_open(const eg_task *t, eg_error *err) {
	if (unseen_of(t)->n == 0 || eg_rebuilt_label_field(t) >= 0) return EG_OK;
	eg_fail(err, EG_ERR_ARG, "'unseen' names classes, but the data '%s' has none", eg_source_info(t->source)->name);
	eg_recipe_locate(t->recipe, "data.unseen", err);
	return EG_ERR_ARG;
}

/* What the network puts out are pixels, not what some function makes into them. */
static eg_status check_loss(const eg_task *t, const eg_dims *d, eg_error *err) {
	const eg_recipe_loss_info *loss = eg_recipe_loss_at(t->recipe, 0);
	eg_target_info info = {.means = false};
	eg_status status = eg_op_target(loss->op, loss->options, d, &info, err);
	if (!status && !info.means)
		status = eg_fail(err, EG_ERR_ARG, "the loss '%s' does not compare pixels with pixels; take mse, l1, smooth_l1 or huber, behind `sigmoid` "
			"if you like", loss->op->name);
	if (status) eg_recipe_locate(t->recipe, "train.loss", err);
	return status;
}

eg_status eg_rebuilt_suits(const eg_task *t, eg_graph *g, eg_error *err) {
	const eg_dims d = eg_tensor_dims(g, eg_graph_find(g, "logits")), x = eg_tensor_dims(g, eg_graph_find(g, t->intakes[0]->input));
	bool same = d.rank == x.rank;
	char want[128], have[128];
	for (int i = 0; i < d.rank && same; i++) same = d.d[i] == x.d[i] && (i == 0 || d.d[i] > 0);
	if (same) return check_loss(t, &d, err);
	eg_fail(err, EG_ERR_SHAPE,
		"a picture is rebuilt as it goes in, %s of a fixed size, but the network puts out %s; end it with `conv_transpose2d` or `upsample` and "
		"`conv`, or with `linear` of as many numbers and `reshape: [0, C, H, W]`, and take a loss between numbers (loss: mse)",
		eg_shape_text(g, x, want, sizeof want), eg_shape_text(g, d, have, sizeof have));
	eg_recipe_locate(t->recipe, "model", err);
	return EG_ERR_SHAPE;
}

/* ---- errors ------------------------------------------------------------------------------------------------------ */

double eg_rebuilt_error(const eg_task *t, const eg_real *said, const uint8_t *wanted, const int shape[3], uint8_t *rebuilt) {
	const ptrdiff_t plane = (ptrdiff_t)shape[1] * shape[2];
	double sum = 0;
	for (int c = 0; c < shape[0]; c++) {
		double black, white;
		eg_intake_picture_scale(eg_task_target(t), c, &black, &white);
		for (ptrdiff_t i = c * plane; i < (c + 1) * plane; i++) {
			const double x = ((double)said[i] - black) / (white - black), e = x - wanted[i] / 255.0;
			sum += e * e;
			if (rebuilt) rebuilt[i] = (uint8_t)lround(255 * fmin(fmax(x, 0), 1));
		}
	}
	return sum / (double)(shape[0] * plane);
}

/* The picture that should come out, as large as the network sees it. */
static eg_status wanted_of(const eg_task *t, const eg_row *r, const uint8_t **pixels, int shape[3], eg_error *err) {
	const eg_datum *d = eg_row_datum(t, r, t->ninputs);
	if (!d) return eg_fail(err, EG_ERR_ARG, "what is rebuilt is asked for with a picture: numbers alone do not say what should come out");
	return eg_intake_picture(t->intakes[0], d, (eg_record *)r->record, pixels, shape, err);
}

static eg_status measure(const eg_task *t, const eg_row *r, int shape[3], uint8_t *rebuilt, double *error, eg_error *err) {
	const uint8_t *wanted;
	eg_status status = wanted_of(t, r, &wanted, shape, err);
	if (!status) *error = eg_rebuilt_error(t, eg_row_output(r, "logits", 0, NULL), wanted, shape, rebuilt);
	return status;
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

eg_status eg_rebuilt_judge(eg_rebuilt *all, const eg_task *t, const eg_row *r, eg_error *err) {
	const int field = eg_rebuilt_label_field(t);
	const eg_datum *label = field >= 0 && r->record ? &r->record->fields[field] : NULL;
	int shape[3];
	if (!eg_grow(NULL, &all->errors, &all->cap_errors, all->n, sizeof *all->errors) ||
		!eg_grow(NULL, &all->labels, &all->cap_labels, all->n, sizeof *all->labels))
		return no_memory(err);
	eg_status status = measure(t, r, shape, NULL, &all->errors[all->n], err);
	if (status) return status;
	all->labels[all->n] = label && label->there ? label->label : -1;
	all->sum += all->errors[all->n++];
	return EG_OK;
}

typedef struct ranked {
	double error;
	bool odd;
} ranked;

static int by_error(const void *a, const void *b) {
	const double x = ((const ranked *)a)->error, y = ((const ranked *)b)->error;
	return (x > y) - (x < y);
}

eg_status eg_rebuilt_auc(const double *errors, const bool *odd, int n, double *auc, eg_error *err) {
	ranked *all = eg_alloc(NULL, ((size_t)n + 1) * sizeof *all);
	double wins = 0, usual = 0, unusual = 0;
	*auc = (double)NAN;
	if (!all) return no_memory(err);
	for (int i = 0; i < n; i++) all[i] = (ranked){errors[i], odd[i]};
	qsort(all, (size_t)n, sizeof *all, by_error);
	for (int i = 0, k = 0; i < n; i = k) {
		double here[2] = {0, 0};
		while (k < n && all[k].error <= all[i].error) here[all[k++].odd]++;
		if (k == i) break; /* no number */
		wins += here[1] * (usual + here[0] / 2);
		usual += here[0], unusual += here[1];
	}
	eg_release(NULL, all);
	if (usual > 0 && unusual > 0) *auc = wins / (usual * unusual);
	return EG_OK;
}

void eg_rebuilt_values(const eg_rebuilt *all, const eg_task *t, double *v) {
	bool *odd = eg_calloc(NULL, (size_t)all->n + 1, sizeof *odd);
	v[0] = all->sum / all->n;
	v[1] = v[0] > 0 ? -10 * log10(v[0]) : (double)NAN;
	v[2] = (double)NAN;
	for (int i = 0; i < all->n && odd; i++) odd[i] = is_unseen(t, all->labels[i]);
	if (odd && unseen_of(t)->n > 0 && eg_rebuilt_auc(all->errors, odd, all->n, &v[2], NULL)) v[2] = (double)NAN;
	eg_release(NULL, odd);
}

void eg_rebuilt_details(const eg_rebuilt *all, const eg_task *t, eg_value *map) {
	const eg_field *f = eg_source_field(t->source, eg_rebuilt_label_field(t));
	eg_value *list = f && f->nnames > 0 ? eg_value_put_list(map, "per_class") : NULL;
	for (int k = 0; list && k < f->nnames; k++) {
		double sum = 0;
		int n = 0;
		for (int i = 0; i < all->n; i++)
			if (all->labels[i] == k) sum += all->errors[i], n++;
		if (n == 0) continue;
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_text(one, "class", f->names[k]);
		eg_value_put_int(one, "n", n);
		eg_value_put_number(one, "mse", sum / n);
		if (unseen_of(t)->n > 0) eg_value_put_bool(one, "unseen", is_unseen(t, k));
	}
}

void eg_rebuilt_free(eg_rebuilt *all) {
	eg_release(NULL, all->errors);
	eg_release(NULL, all->labels);
	*all = (eg_rebuilt){0};
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

eg_status eg_rebuilt_answer(const eg_task *t, const eg_answer_options *o, const eg_row *r, eg_value *out, eg_error *err) {
	int shape[3], width;
	double error = 0;
	char path[1024];
	eg_row_output(r, "logits", 0, &width);
	uint8_t *rebuilt = eg_alloc(NULL, (size_t)width);
	eg_status status = rebuilt ? measure(t, r, shape, rebuilt, &error, err) : no_memory(err);
	if (!status && !isfinite(error)) status = eg_fail(err, EG_ERR_NUMERIC, "the network's answer is not a number");
	if (!status) eg_value_put_number(out, "error", error);
	if (!status && o->output) {
		status = eg_row_path(o, r, "png", path, sizeof path, err);
		if (!status) status = eg_picture_save_png(path, shape[0], shape[1], shape[2], rebuilt, err);
		if (!status) eg_value_put_text(out, "file", path);
	}
	eg_release(NULL, rebuilt);
	return status;
}
