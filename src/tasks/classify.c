/* classify.c - the task `classify`: which one of several classes a picture shows. The network's output "logits" has a
 * number for each class; its softmax is their probabilities.
 *
 * Not here: reading pictures (src/data), the loss (an operator), counting (src/train/metrics.c). */
#include "tasks/task.h"

#include <math.h>
#include <string.h>

typedef struct classify {
	eg_task base;
	const eg_data_info *info;
	eg_data_options options;
	const char **class_names; /* of the recipe, or NULL */
	double validation;
	int64_t limit; /* of the training pictures; 0: all */
	double mean[3], std[3];
	int nmean, nstd;
} classify;

typedef struct pictures {
	eg_samples base;
	eg_pictures *set;
	eg_picture_scale scale;
	eg_picture_dataset *parts[EG_PARTS];
} pictures;

extern const eg_task_type eg_task_type_classify;

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory"); }

/* ---- the data section -------------------------------------------------------------------------------------------- */

/* Types and ranges; read_files and read_all know which keys belong to which source. */
static const eg_key data_keys[] = {
	{.name = "mean",
		.type = EG_KEY_NUMBERS,
		.min = -1e9,
		.max = 1e9,
		.def = NAN,
		.doc = "subtracted from the input, one a channel; left out: measured on the training samples"},
	{.name = "std",
		.type = EG_KEY_NUMBERS,
		.min = EG_ABOVE_0,
		.max = 1e9,
		.def = NAN,
		.doc = "the input is divided by it, likewise"},
	{.name = "limit",
		.type = EG_KEY_INT,
		.min = 1,
		.max = 1e9,
		.doc = "train on so many pictures only, the first (source folder: of each class in turn); left out: on "
		       "all"},
	{.name = "images", .type = EG_KEY_STRING, .doc = "source idx: the file of the training pictures"},
	{.name = "labels", .type = EG_KEY_STRING, .doc = "source idx: the file of their classes"},
	{.name = "test_images", .type = EG_KEY_STRING, .doc = "source idx: the file of the test pictures"},
	{.name = "test_labels", .type = EG_KEY_STRING, .doc = "source idx: the file of their classes"},
	{.name = "classes",
		.type = EG_KEY_INT,
		.min = 1,
		.max = 65536,
		.doc = "source idx: how many classes there are; left out: the highest label + 1"},
	{.name = "class_names", .type = EG_KEY_STRINGS, .doc = "source idx: what the classes are called, in order"},
};

static eg_status choose_source(classify *c, const char *name, eg_error *err) {
	const char *names[64];
	int n = 0;
	c->info = name ? eg_data_find(name) : NULL;
	if (c->info && c->info->kind == EG_DATA_PICTURES) {
		c->base.source = c->info->name;
		return EG_OK;
	}
	if (c->info)
		return eg_fail(err, EG_ERR_ARG,
			"the data source '%s' holds no pictures; 'engram data list' shows those there are", name);
	for (int i = 0; i < eg_data_count() && n < EG_COUNT(names); i++)
		if (eg_data_at(i)->kind == EG_DATA_PICTURES) names[n++] = eg_data_at(i)->name;
	const char *meant = name ? eg_did_you_mean(name, names, n) : NULL;
	if (meant) return eg_fail(err, EG_ERR_ARG, "no data source '%s'; did you mean '%s'?", name, meant);
	return eg_fail(err, EG_ERR_ARG, "no data source '%s'; 'engram data list' shows those there are",
		name ? name : "");
}

static eg_status find_source(eg_recipe *r, classify *c, eg_error *err) {
	const char *name;
	eg_status status = eg_recipe_string(r, "data.source", NULL, &name, err);
	if (status) return status;
	status = choose_source(c, name, err);
	if (status) eg_recipe_locate(r, "data.source", err);
	return status;
}

/* data.classes: how many; data.class_names: what they are called. */
static eg_status read_classes(eg_recipe *r, classify *c, eg_error *err) {
	double classes;
	char path[48];
	int n = 0;
	eg_status status = eg_recipe_number(r, "data.classes", 0, 1, 65536, &classes, err);
	if (status || !eg_recipe_has(r, "data.class_names")) {
		c->options.classes = (int)classes;
		return status;
	}
	while (snprintf(path, sizeof path, "data.class_names.%d", n), eg_recipe_has(r, path)) n++;
	c->class_names = eg_calloc(NULL, (size_t)(n + 1), sizeof *c->class_names);
	if (!c->class_names) return no_memory(err);
	for (int i = 0; i < n && !status; i++) {
		snprintf(path, sizeof path, "data.class_names.%d", i);
		status = eg_recipe_string(r, path, NULL, &c->class_names[i], err);
	}
	if (!status && (n == 0 || (classes > 0 && n != (int)classes))) {
		status = eg_fail(err, EG_ERR_ARG,
			"'class_names' must be a list of as many names as there are classes; it has %d", n);
		eg_recipe_locate(r, "data.class_names", err);
	}
	c->options.classes = n;
	c->options.class_names = c->class_names;
	return status;
}

static eg_status read_files(eg_recipe *r, classify *c, eg_error *err) {
	if (c->info->nfiles || c->info->by_folder)
		return eg_recipe_string(r, "data.path", NULL, &c->options.folder, err);
	eg_status status = eg_recipe_string(r, "data.images", NULL, &c->options.images, err);
	if (!status) status = eg_recipe_string(r, "data.labels", NULL, &c->options.labels, err);
	if (!status) status = eg_recipe_string(r, "data.test_images", NULL, &c->options.test_images, err);
	if (!status) status = eg_recipe_string(r, "data.test_labels", NULL, &c->options.test_labels, err);
	return status ? status : read_classes(r, c, err);
}

static eg_status read_section(eg_recipe *r, classify *c, eg_error *err) {
	double limit = 0;
	eg_status status = find_source(r, c, err);
	if (!status) status = read_files(r, c, err);
	if (!status) status = eg_recipe_number(r, "data.validation", 0, 0, 0.999, &c->validation, err);
	if (!status) status = eg_recipe_number(r, "data.limit", 0, 1, 1e9, &limit, err);
	if (!status) status = eg_recipe_numbers(r, "data.mean", c->mean, 3, &c->nmean, err);
	if (!status) status = eg_recipe_numbers(r, "data.std", c->std, 3, &c->nstd, err);
	if (!status) status = eg_recipe_check_known(r, "data", err);
	if (!status && (c->nmean > 0) != (c->nstd > 0)) {
		status = eg_fail(err, EG_ERR_ARG, "give both 'mean' and 'std', or none of them to have them measured");
		eg_recipe_locate(r, c->nmean ? "data.mean" : "data.std", err);
	}
	c->limit = (int64_t)limit;
	return status;
}

static void free_task(eg_task *t) {
	classify *c = (classify *)t;
	eg_release(NULL, c->class_names);
	eg_release(NULL, c);
}

static eg_status open_task(eg_recipe *r, eg_task **task, eg_error *err) {
	classify *c = eg_calloc(NULL, 1, sizeof *c);
	if (!c) return no_memory(err);
	c->base.type = &eg_task_type_classify;
	c->base.recipe = r;
	c->base.one = "picture", c->base.many = "pictures";
	c->base.eval_part = EG_PART_TEST;
	eg_status status = read_section(r, c, err);
	if (status)
		free_task(&c->base);
	else
		*task = &c->base;
	return status;
}

static eg_status set_source(eg_task *t, const char *source, const char *path, eg_error *err) {
	classify *c = (classify *)t;
	if (source && strcmp(source, c->info->name) != 0) {
		const eg_data_info *before = c->info;
		eg_status status = choose_source(c, source, err);
		if (status) {
			c->info = before;
			return status;
		}
		c->options = (eg_data_options){0};
		c->limit = 0;
	}
	if (path) c->options.folder = path;
	return EG_OK;
}

static eg_status classes(const eg_task *t, int *n, eg_error *err) {
	const classify *c = (const classify *)t;
	eg_pictures *p;
	*n = c->options.classes > 0 ? c->options.classes : c->info->classes;
	if (*n > 0) return EG_OK;
	eg_data_options o = c->options;
	o.limit = c->info->by_folder; /* all its classes are known with the first picture */
	eg_status status = eg_data_load(c->info->name, "train", &o, &p, err);
	if (status) return status;
	*n = p->classes;
	eg_pictures_free(p);
	return EG_OK;
}

static eg_status shape_of(const eg_task *t, int shape[3], eg_error *err) {
	const eg_data_info *s = ((const classify *)t)->info;
	eg_dims in = eg_recipe_input(t->recipe);
	shape[0] = 1, shape[1] = 1, shape[2] = 1;
	if (in.rank == 3 || in.rank == 2) {
		for (int i = 0; i < in.rank; i++) shape[3 - in.rank + i] = (int)in.d[i];
		return EG_OK;
	}
	if (in.rank == 1 && s->C > 0 && in.d[0] == (int64_t)s->C * s->H * s->W) {
		shape[0] = s->C, shape[1] = s->H, shape[2] = s->W;
		return EG_OK;
	}
	return eg_fail(err, EG_ERR_SHAPE,
		"the recipe's 'input' does not say how high and wide a picture is; write it as "
		"[channels, height, width]");
}

static eg_status check_size(const classify *c, int C, int H, int W, eg_error *err) {
	eg_dims in = eg_recipe_input(c->base.recipe);
	int64_t values = 1;
	bool same = in.rank != 3 || (in.d[0] == C && in.d[1] == H && in.d[2] == W);
	for (int i = 0; i < in.rank; i++) values *= in.d[i];
	if (same && values == (int64_t)C * H * W) return EG_OK;
	eg_status status = eg_fail(err, EG_ERR_SHAPE,
		"the pictures of '%s' are %d x %d x %d; write input: [%d, %d, %d]", c->info->name, C, H, W, C, H, W);
	eg_recipe_locate(c->base.recipe, "input", err);
	return status;
}

/* Pictures of a folder may have any size: the recipe's input is what they are brought to. */
static eg_status bring_to_input(const classify *c, eg_data_options *o, eg_error *err) {
	int shape[3];
	eg_status status = shape_of(&c->base, shape, err);
	if (!status && shape[0] != 1 && shape[0] != 3)
		status = eg_fail(err, EG_ERR_SHAPE,
			"'input' has %d channels; pictures have 1 (grey) or 3 (colour): write it as [channels, height, "
			"width]",
			shape[0]);
	if (status) eg_recipe_locate(c->base.recipe, "input", err);
	if (!status) o->C = shape[0], o->H = shape[1], o->W = shape[2];
	return status;
}

static eg_status fits(const eg_task *t, eg_error *err) {
	const classify *c = (const classify *)t;
	eg_data_options o;
	if (c->info->by_folder) return bring_to_input(c, &o, err);
	return c->info->C > 0 ? check_size(c, c->info->C, c->info->H, c->info->W, err) : EG_OK;
}

/* ---- samples ----------------------------------------------------------------------------------------------------- */

static double of_channel(const double *values, int n, int c) { return values[n == 1 ? 0 : c]; }

/* As the recipe says, or measured. */
static eg_status choose_scale(pictures *s, const classify *t, const uint32_t *items, int64_t n, eg_error *err) {
	int C = s->set->C;
	if (!t->nmean) {
		s->scale = eg_pictures_statistics(s->set, items, n);
		return EG_OK;
	}
	if ((t->nmean != 1 && t->nmean != C) || (t->nstd != 1 && t->nstd != C)) {
		eg_status status = eg_fail(err, EG_ERR_ARG, "%d means and %d deviations for pictures of %d channel%s",
			t->nmean, t->nstd, C, C == 1 ? "" : "s");
		eg_recipe_locate(t->base.recipe, "data.mean", err);
		return status;
	}
	for (int c = 0; c < C && c < 3; c++) {
		s->scale.mean[c] = (float)of_channel(t->mean, t->nmean, c);
		s->scale.std[c] = (float)of_channel(t->std, t->nstd, c);
	}
	return EG_OK;
}

/* How a model's file says that bytes become numbers. */
static eg_picture_scale scale_of(const eg_model *m) {
	eg_picture_scale scale = {0};
	const double *mean, *std;
	int n;
	eg_model_normalisation(m, &mean, &std, &n);
	for (int c = 0; c < 3 && n > 0; c++) {
		scale.mean[c] = (float)mean[c < n ? c : n - 1];
		scale.std[c] = (float)std[c < n ? c : n - 1];
	}
	return scale;
}

static eg_status add_part(pictures *s, eg_part part, const uint32_t *items, int64_t n, eg_error *err) {
	eg_error why = {0};
	s->parts[part] = eg_picture_dataset_new(s->set, items, n, &s->scale, "input", "target", &why);
	if (s->parts[part]) s->base.parts[part] = eg_picture_dataset_get(s->parts[part]);
	if (!s->parts[part] && err) *err = why;
	return s->parts[part] ? EG_OK : why.status;
}

static eg_status cut_into(pictures *s, const classify *t, const eg_model *model, uint32_t *train, uint32_t *validation,
	eg_error *err) {
	const eg_pictures *p = s->set;
	int64_t ntrain, nvalidation;
	eg_status status = eg_split_stratified(p->labels, p->count, t->validation,
		eg_recipe_train(t->base.recipe)->seed, train, &ntrain, validation, &nvalidation, err);
	if (!status && ntrain == 0)
		status = eg_fail(err, EG_ERR_ARG,
			"of %lld pictures none is left to train on; make 'validation' smaller", (long long)p->count);
	if (!status && model)
		s->scale = scale_of(model);
	else if (!status)
		status = choose_scale(s, t, train, ntrain, err);
	if (!status) status = add_part(s, EG_PART_TRAIN, train, ntrain, err);
	if (!status && nvalidation > 0) status = add_part(s, EG_PART_VALIDATION, validation, nvalidation, err);
	return status;
}

static eg_status cut(pictures *s, const classify *t, const eg_model *model, eg_error *err) {
	uint32_t *items = eg_calloc(NULL, (size_t)s->set->count, 2 * sizeof *items);
	if (!items) return no_memory(err);
	eg_status status = cut_into(s, t, model, items, items + s->set->count, err);
	eg_release(NULL, items);
	return status;
}

static eg_status load(const eg_task *t, eg_part part, const eg_model *model, eg_samples **samples, eg_error *err);

/* Test pictures are never measured themselves. */
static eg_status test_scale(pictures *s, const classify *t, const eg_model *model, eg_error *err) {
	eg_samples *train;
	if (model) s->scale = scale_of(model);
	if (model) return EG_OK;
	if (t->nmean) return choose_scale(s, t, NULL, 0, err);
	eg_status status = load(&t->base, EG_PART_TRAIN, NULL, &train, err);
	if (status) return status;
	s->scale = ((const pictures *)train)->scale;
	eg_samples_free(train);
	return EG_OK;
}

/* Classes of a folder have the numbers that the model knows them by, whichever of them are there. */
static eg_status read_folder(
	pictures *s, const classify *t, const char *split, eg_data_options *o, const eg_model *model, eg_error *err) {
	int n = model ? eg_model_classes(model) : 0;
	const char **names = n > 0 ? eg_calloc(NULL, (size_t)n, sizeof *names) : NULL;
	if (n > 0 && !names) return no_memory(err);
	for (int i = 0; i < n; i++) names[i] = eg_model_class_name(model, i);
	o->class_names = names, o->classes = n;
	eg_status status = bring_to_input(t, o, err);
	if (!status) status = eg_data_load(t->info->name, split, o, &s->set, err);
	eg_release(NULL, names);
	return status;
}

static eg_status load_into(pictures *s, const classify *t, bool test, const eg_model *model, eg_error *err) {
	const char *split = test ? "test" : "train";
	eg_data_options o = t->options;
	o.limit = test ? 0 : t->limit;
	eg_status status = t->info->by_folder ? read_folder(s, t, split, &o, model, err)
					      : eg_data_load(t->info->name, split, &o, &s->set, err);
	if (!status) status = check_size(t, s->set->C, s->set->H, s->set->W, err);
	if (!status && s->set->count < 1)
		status = eg_fail(err, EG_ERR_ARG, "the data set '%s' is empty", t->info->name);
	if (status || !test) return status ? status : cut(s, t, model, err);
	status = test_scale(s, t, model, err);
	return status ? status : add_part(s, EG_PART_TEST, NULL, 0, err);
}

static void free_samples(eg_samples *samples) {
	pictures *s = (pictures *)samples;
	for (int i = 0; i < EG_PARTS; i++) eg_picture_dataset_free(s->parts[i]);
	eg_pictures_free(s->set);
	eg_release(NULL, s);
}

static void describe(pictures *s) {
	s->base.classes = s->set->classes;
	s->base.class_names = s->set->class_names;
	s->base.one = "picture", s->base.many = "pictures";
	s->base.eval_batch = 256;
	for (int i = 0; i < EG_PARTS; i++) s->base.units[i] = s->base.parts[i] ? s->base.parts[i]->count : 0;
	s->base.nmean = s->set->C;
	s->base.border = eg_pictures_border(s->set);
	for (int c = 0; c < s->set->C && c < 3; c++) {
		s->base.mean[c] = (double)s->scale.mean[c];
		s->base.std[c] = s->scale.std[c] > 0 ? (double)s->scale.std[c] : 1;
	}
}

static eg_status load(const eg_task *t, eg_part part, const eg_model *model, eg_samples **samples, eg_error *err) {
	pictures *s = eg_calloc(NULL, 1, sizeof *s);
	if (!s) return no_memory(err);
	s->base.type = &eg_task_type_classify;
	eg_status status = load_into(s, (const classify *)t, part == EG_PART_TEST, model, err);
	if (!status) describe(s);
	if (!status && model && s->set->classes > eg_model_classes(model))
		status = eg_fail(err, EG_ERR_SHAPE, "the data has %d classes, the model knows %d", s->set->classes,
			eg_model_classes(model));
	if (status)
		free_samples(&s->base);
	else
		*samples = &s->base;
	return status;
}

/* ---- metrics ----------------------------------------------------------------------------------------------------- */

static void measure(eg_evaluation *e) {
	const eg_confusion *c = e->confusion;
	eg_evaluation_put(e, "loss", e->loss, false, NULL);
	eg_evaluation_put(e, "accuracy", eg_confusion_accuracy(c), true, NULL);
	eg_evaluation_put(e, "top3", eg_confusion_topk(c, 3), true, "the right class is among the three likeliest");
	eg_evaluation_put(e, "top5", eg_confusion_topk(c, 5), true, NULL);
	eg_evaluation_put(e, "macro_f1", eg_confusion_macro_f1(c), true, "mean over the classes");
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

typedef struct predictor {
	eg_predictor base;
	eg_model *model;
	eg_plan *plan;
	eg_fit_options fit;
	int shape[3], classes, top;
	eg_answer *answers; /* of every class; the first `top` are in order */
} predictor;

/* Models of before the border was stored: only the training pictures' mean is known. Dark ones are taken to have a
 * black border, bright ones a white one. */
static double guess_border(const eg_picture_scale *s, int channels) {
	double mean = 0;
	for (int c = 0; c < channels && c < 3; c++) mean += (double)s->mean[c] / channels;
	return mean <= 0 ? 0.5 : mean < 0.4 ? 0 : mean > 0.6 ? 1 : 0.5;
}

static void free_predictor(eg_predictor *base) {
	predictor *p = (predictor *)base;
	eg_plan_free(p->plan);
	eg_release(NULL, p->answers);
	eg_release(NULL, p);
}

static eg_status read_shape(predictor *p, eg_error *err) {
	eg_task *t;
	eg_status status = open_task(eg_model_recipe(p->model), &t, err);
	if (status) return status;
	status = shape_of(t, p->shape, err);
	free_task(t);
	if (!status && p->shape[0] != 1 && p->shape[0] != 3)
		status = eg_fail(
			err, EG_ERR_SHAPE, "the model takes %d channels; pictures have 1 or 3", p->shape[0]);
	return status;
}

static eg_status prepare(predictor *p, const eg_predict_options *o, eg_error *err) {
	static const char *const outputs[] = {"logits", NULL};
	eg_graph *g = eg_model_graph(p->model);
	eg_error why;
	eg_status status = read_shape(p, err);
	if (status) return status;
	p->fit.scale = scale_of(p->model);
	p->fit.border = eg_model_border(p->model);
	if (isnan(p->fit.border)) p->fit.border = guess_border(&p->fit.scale, p->shape[0]);
	p->fit.invert = o->invert;
	p->classes = eg_model_classes(p->model);
	p->top = o->top > 0 && o->top < p->classes ? o->top : p->classes;
	p->answers = eg_calloc(NULL, (size_t)p->classes, sizeof *p->answers);
	if (!p->answers) return no_memory(err);
	p->plan = eg_plan_new(g, eg_model_params(p->model), &(eg_plan_options){.batch = 1, .outputs = outputs}, &why);
	if (!p->plan && err) *err = why;
	return p->plan ? EG_OK : why.status;
}

static eg_status new_predictor(eg_model *m, const eg_predict_options *o, eg_predictor **out, eg_error *err) {
	predictor *p = eg_calloc(NULL, 1, sizeof *p);
	if (!p) return no_memory(err);
	p->base.type = &eg_task_type_classify;
	p->model = m;
	eg_status status = prepare(p, o, err);
	if (status)
		free_predictor(&p->base);
	else
		*out = &p->base;
	return status;
}

static void softmax(predictor *p, const eg_real *logits) {
	double sum = 0, most = (double)logits[0];
	for (int k = 1; k < p->classes; k++)
		if ((double)logits[k] > most) most = (double)logits[k];
	for (int k = 0; k < p->classes; k++) {
		double e = exp((double)logits[k] - most);
		p->answers[k] = (eg_answer){eg_model_class_name(p->model, k), k, e};
		sum += e;
	}
	for (int k = 0; k < p->classes; k++) p->answers[k].probability /= sum;
}

static bool likelier(const eg_answer *a, const eg_answer *b) {
	return a->probability > b->probability || (a->probability == b->probability && a->index < b->index);
}

/* The `top` likeliest to the front, in order; the first among equals. */
static void rank(predictor *p) {
	for (int i = 0; i < p->top; i++) {
		int best = i;
		for (int k = i + 1; k < p->classes; k++)
			if (likelier(&p->answers[k], &p->answers[best])) best = k;
		eg_answer first = p->answers[best];
		p->answers[best] = p->answers[i];
		p->answers[i] = first;
	}
}

static eg_status predict(eg_predictor *base, const char *path, eg_prediction *out, eg_error *err) {
	predictor *p = (predictor *)base;
	eg_picture pic = {0};
	eg_status status = eg_picture_load(path, NULL, &pic, err);
	if (!status)
		status = eg_picture_fit(&pic, &p->fit, p->shape[0], p->shape[1], p->shape[2],
			eg_plan_input(p->plan, "input"), &out->inverted, err);
	eg_picture_free(&pic);
	if (status) return status;
	eg_plan_run(p->plan, 0);
	softmax(p, eg_plan_output(p->plan, "logits"));
	if (isnan(p->answers[0].probability))
		return eg_fail(err, EG_ERR_NUMERIC,
			"%s: the network's answer is not a number; the model is damaged or its training failed", path);
	rank(p);
	out->answers = p->answers;
	out->n = p->top;
	return EG_OK;
}

/* ---- the descriptor ---------------------------------------------------------------------------------------------- */

const eg_task_type eg_task_type_classify = {
	.info = {.name = "classify",
		.doc = "which one of several classes a picture shows",
		.verb = "predict",
		.reader = "folder"},
	.data = {data_keys, EG_COUNT(data_keys)},
	.open = open_task,
	.free = free_task,
	.set_source = set_source,
	.classes = classes,
	.shape = shape_of,
	.fits = fits,
	.load = load,
	.free_samples = free_samples,
	.measure = measure,
	.new_predictor = new_predictor,
	.free_predictor = free_predictor,
	.predict = predict,
};
