/* views.c - `views`: at test a network is shown each picture in several ways, mirrored and shifted, and what it says of
 * them is averaged. Which ways there are, how much each counts, and how a record becomes one of them.
 *
 * Not here: the averaging itself (train/evaluate.c; of questions predictor.c). */
#include "tasks/samples.h"

#include <string.h>

enum { VIEWS_MOST = 6 };

typedef struct view {
	bool mirrored;
	int right, down; /* pixels */
} view;

static const struct kind {
	int n;
	view views[VIEWS_MOST];
	double weights[VIEWS_MOST];
} kinds[] = { /* in the order of eg_view_names */
	{1, {{false, 0, 0}}, {1}},
	{2, {{false, 0, 0}, {true, 0, 0}}, {0.5, 0.5}},
	{5, {{false, 0, 0}, {false, 1, 1}, {false, -1, -1}, {false, 1, -1}, {false, -1, 1}}, {0.5, 0.125, 0.125, 0.125, 0.125}},
	/* as in airbench (Jordan 2024): the middle counts as much as both shifts */
	{6, {{false, 0, 0}, {true, 0, 0}, {false, 1, 1}, {true, 1, 1}, {false, -1, -1}, {true, -1, -1}},
		{0.25, 0.25, 0.125, 0.125, 0.125, 0.125}},
};

/* ---- which ------------------------------------------------------------------------------------------------------- */

static bool takes_pictures(const eg_task *t) {
	bool any = false;
	for (int i = 0; i < t->ninputs; i++) any |= t->intakes[i]->type->kind == EG_FIELD_PICTURE;
	return any;
}

static eg_status check(const eg_task *t, int kind, eg_error *err) {
	if (kind == 0) return EG_OK;
	if (!t->type->averaged && !t->type->embeds)
		return eg_fail(err, EG_ERR_ARG, "views are averaged by the tasks 'classify', 'search' and 'verify', not by '%s'", t->type->info.name);
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

int eg_views_weights(const eg_task *t, const double **weights) {
	*weights = kinds[t->views].weights;
	return kinds[t->views].n;
}

void eg_views_set(const eg_task *t, eg_dataset *d) {
	if (t->views == 0) return;
	d->views = eg_views_weights(t, &d->view_weights);
	d->averaged = eg_views_output(t);
	d->averaged_numbers = t->type->embeds;
}

/* What a shift brings in is the picture's mirror image. */
eg_status eg_views_apply(const eg_task *t, int number, eg_record *r, eg_error *err) {
	const view *v = &kinds[t->views].views[number];
	if (!v->mirrored && v->right == 0 && v->down == 0) return EG_OK;
	eg_status status = eg_samples_fit(t, r, err);
	for (int i = 0; i < t->ninputs && !status; i++) {
		eg_datum *d = &r->fields[t->intakes[i]->field];
		if (t->intakes[i]->type->kind != EG_FIELD_PICTURE || !d->there) continue;
		const double s = v->mirrored ? -1 : 1;
		const eg_move m = {s, 0, (v->mirrored ? d->picture.W : 0) - s * v->right, 0, 1, -v->down};
		status = eg_move_picture(&m, EG_EDGE_REFLECT, r, &d->picture, err);
	}
	return status;
}
