/* views.c - `views`: at test a network is shown each picture in several ways, mirrored and shifted, and what it says of
 * them is averaged: probabilities of classes, of a sample or of each pixel, which is turned back before; and
 * embeddings. Which ways there are, how much each counts, how a record becomes one of them, and the mean.
 *
 * Not here: the runs (train/evaluate.c; of questions predictor.c). */
#include "tasks/samples.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { VIEWS_MOST = 6 };

typedef struct view {
	bool mirrored;
	int right, down; /* pixels */
} view;

static const struct kind {
	int n;
	view views[VIEWS_MOST]; /* the last one as it is, so that who judges then finds the record and its targets so */
	double weights[VIEWS_MOST];
} kinds[] = { /* in the order of eg_view_names */
	{1, {{false, 0, 0}}, {1}},
	{2, {{true, 0, 0}, {false, 0, 0}}, {0.5, 0.5}},
	{5, {{false, 1, 1}, {false, -1, -1}, {false, 1, -1}, {false, -1, 1}, {false, 0, 0}}, {0.125, 0.125, 0.125, 0.125, 0.5}},
	/* as in airbench (Jordan 2024): the middle counts as much as both shifts */
	{6, {{true, 0, 0}, {false, 1, 1}, {true, 1, 1}, {false, -1, -1}, {true, -1, -1}, {false, 0, 0}},
		{0.25, 0.125, 0.125, 0.125, 0.125, 0.25}},
};

/* ---- which ------------------------------------------------------------------------------------------------------- */

static bool takes_pictures(const eg_task *t) {
	bool any = false;
	for (int i = 0; i < t->ninputs; i++) any |= t->intakes[i]->type->kind == EG_FIELD_PICTURE;
	return any;
}

static bool of_pixels(const eg_task *t) { return (t->type->targets & EG_KIND(MASK)) != 0; }

static bool has_shifts(int kind) {
	bool any = false;
	for (int i = 0; i < kinds[kind].n; i++) any = any || kinds[kind].views[i].right || kinds[kind].views[i].down;
	return any;
}

static eg_status check(const eg_task *t, int kind, eg_error *err) {
	if (kind == 0) return EG_OK;
	if (!t->type->averaged && !t->type->embeds)
		return eg_fail(err, EG_ERR_ARG, "views are averaged by the tasks 'classify', 'segment', 'search' and 'verify', not by '%s'", t->type->info.name);
	if (of_pixels(t) && has_shifts(kind))
		return eg_fail(err, EG_ERR_ARG, "of a class for each pixel, only mirrored views are averaged: flip");
	if (!takes_pictures(t)) return eg_fail(err, EG_ERR_ARG, "views are of pictures, and this network takes none");
	return EG_OK;
}

eg_status eg_views_read(eg_task *t, eg_error *err) {
	const eg_tree *at = eg_tree_get(t->recipe->root, "views");
	const eg_key key = {.name = "views", .type = EG_KEY_ENUM, .offset = offsetof(eg_task, views), .names = eg_view_names};
	t->views = 0;
	if (eg_tree_is_nothing(at)) return EG_OK;
	eg_status status = eg_key_read(&t->arena, &key, at, t, "the recipe", err);
	if (status) return status;
	status = check(t, t->views, err);
	if (status) eg_tree_prefix(err, at);
	return status;
}

eg_status eg_views_choose(eg_task *t, const char *word, eg_error *err) {
	const int n = EG_COUNT(kinds);
	int k = 0;
	while (k < n && strcmp(eg_view_names[k], word) != 0) k++;
	if (k == n) {
		const char *meant = eg_did_you_mean(word, eg_view_names, n);
		return eg_fail(err, EG_ERR_ARG, "there are no views '%s'; %s%s%s", word, meant ? "did you mean '" : "there are: one, flip, shift, flip_shift",
			meant ? meant : "", meant ? "'?" : "");
	}
	eg_status status = check(t, k, err);
	if (!status) t->views = k;
	return status;
}

/* ---- samples ----------------------------------------------------------------------------------------------------- */

bool eg_views_always(const eg_task *t) { return t->views > 0 && t->type->embeds; }

const char *eg_views_output(const eg_task *t) {
	if (!t->type->embeds) return t->type->averaged;
	for (int i = 0; i < t->recipe->noutputs; i++)
		if (strcmp(t->recipe->outputs[i].name, "embedding") == 0) return "embedding";
	return "logits";
}

int eg_views_number(const eg_task *t) { return kinds[t->views].n; }

static eg_status add_view(void *user, int number, double *mean, eg_real *out, const eg_dims *dims, eg_error *err) {
	return eg_views_add(((const eg_sample_part *)user)->samples->task, number, mean, out, dims, err);
}

void eg_views_set(const eg_task *t, eg_dataset *d) {
	if (t->views == 0) return;
	d->views = eg_views_number(t);
	d->view_weights = kinds[t->views].weights;
	d->averaged = eg_views_output(t);
	d->add_view = add_view;
}

/* What a shift brings in is the picture's mirror image. */
eg_status eg_views_apply(const eg_task *t, int number, eg_record *r, eg_error *err) {
	const view *v = &kinds[t->views].views[number];
	if (!v->mirrored && v->right == 0 && v->down == 0) return EG_OK;
	eg_status status = eg_samples_fit(t, r, err);
	for (int i = 0; i < t->nintakes && !status; i++) {
		eg_datum *d = &r->fields[t->intakes[i]->field];
		const eg_field_kind kind = t->intakes[i]->type->kind;
		if ((kind != EG_FIELD_PICTURE && kind != EG_FIELD_MASK) || !d->there) continue;
		const double s = v->mirrored ? -1 : 1;
		const int width = kind == EG_FIELD_MASK ? d->mask.W : d->picture.W;
		const eg_move m = {s, 0, (v->mirrored ? width : 0) - s * v->right, 0, 1, -v->down};
		if (kind == EG_FIELD_MASK)
			status = eg_move_mask(&m, r, &d->mask, err);
		else if (i < t->ninputs)
			status = eg_move_picture(&m, EG_EDGE_REFLECT, r, &d->picture, err);
	}
	return status;
}

/* ---- what is said of them ---------------------------------------------------------------------------------------- */

/* Probabilities of one place, whose numbers lie `apart`. */
static void add_place(double *mean, const eg_real *logits, int64_t classes, int64_t apart, double weight) {
	double most = -INFINITY, sum = 0;
	for (int64_t k = 0; k < classes; k++) most = fmax(most, (double)logits[k * apart]);
	for (int64_t k = 0; k < classes; k++) sum += exp((double)logits[k * apart] - most);
	for (int64_t k = 0; k < classes; k++) mean[k * apart] += weight * exp((double)logits[k * apart] - most) / sum;
}

/* Logits (N,classes), or (N,classes,H,W), of which a mirrored picture's are turned back. */
static void add_logits(double *mean, const eg_real *logits, const eg_dims *d, bool mirrored, double weight) {
	const int64_t classes = d->d[1], rows = d->rank == 4 ? d->d[2] : 1, columns = d->rank == 4 ? d->d[3] : 1, apart = rows * columns;
	for (int64_t i = 0; i < d->d[0]; i++, mean += classes * apart, logits += classes * apart)
		for (int64_t y = 0; y < rows; y++)
			for (int64_t x = 0; x < columns; x++)
				add_place(mean + y * columns + (mirrored ? columns - 1 - x : x), logits + y * columns + x, classes, apart, weight);
}

eg_status eg_views_add(const eg_task *t, int number, double *mean, eg_real *out, const eg_dims *d, eg_error *err) {
	const struct kind *kind = &kinds[t->views];
	const int64_t count = eg_dims_count(d, 0);
	const double weight = kind->weights[number];
	if (t->type->embeds)
		for (int64_t i = 0; i < count; i++) mean[i] += weight * (double)out[i];
	else if (d->rank == 2 || d->rank == 4)
		add_logits(mean, out, d, kind->views[number].mirrored, weight);
	else
		return eg_fail(err, EG_ERR_ARG, "views are averaged of classes (N,classes) or (N,classes,H,W), and '%s' has %d sizes", eg_views_output(t), d->rank);
	if (number < kind->n - 1) return EG_OK;
	for (int64_t i = 0; i < count; i++) out[i] = (eg_real)(t->type->embeds ? mean[i] : log(fmax(mean[i], DBL_MIN)));
	return EG_OK;
}
