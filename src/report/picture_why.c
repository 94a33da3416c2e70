/* picture_why.c - what a number that a network says of a picture comes from (engram_report.h): which number is asked
 * about, the picture as the network gets it, and attributions to its pixels. Not here: layers (picture_layers.c),
 * pictures of the data (picture_like.c), the page (picture_page.c). */
#include "report/picture_why.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { RECORDS = 2000, ANSWERS = 5 };

eg_status eg_why_no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory to find what an answer comes from"); }

/* ---- life -------------------------------------------------------------------------------------------------------- */

static eg_status check_task(eg_picture_why *w, eg_error *err) {
	eg_status status = eg_task_of_model(w->model, &w->task, err);
	if (status) return status;
	if (w->task->nasked != 1 || w->task->intakes[0]->type->kind != EG_FIELD_PICTURE)
		return eg_fail(err, EG_ERR_ARG, "what an answer comes from is shown of models that take one picture");
	const eg_graph *g = eg_model_graph(w->model);
	const eg_dims d = eg_tensor_dims(g, eg_graph_find(g, "logits"));
	if (eg_task_target(w->task) && eg_task_target(w->task)->type->kind == EG_FIELD_PICTURE)
		return eg_fail(err, EG_ERR_ARG, "an auto-encoder gives no answer that comes from some of the pixels");
	if ((d.rank == 2 || d.rank == 4) && d.d[0] == EG_N) return EG_OK;
	return eg_fail(err, EG_ERR_ARG, "what an answer comes from is shown of networks that put out numbers for a picture or for each of "
	                                "its pixels; this one's output has %d dimensions", d.rank);
}

bool eg_picture_why_suits(eg_model *m) {
	eg_picture_why w = {.model = m};
	const bool suits = check_task(&w, NULL) == EG_OK;
	eg_task_free(w.task);
	return suits;
}

static eg_status keep_options(eg_picture_why *w, const eg_picture_why_options *o, eg_error *err) {
	if (!o) return EG_OK;
	w->options = *o;
	w->options.number = o->number ? eg_arena_strdup(&w->arena, o->number) : NULL;
	w->options.layer = o->layer ? eg_arena_strdup(&w->arena, o->layer) : NULL;
	w->options.beside_path = o->beside_path ? eg_arena_strdup(&w->arena, o->beside_path) : NULL;
	if ((o->number && !w->options.number) || (o->layer && !w->options.layer) || (o->beside_path && !w->options.beside_path))
		return eg_why_no_memory(err);
	if (o->beside) {
		float *own = eg_arena_alloc(&w->arena, (size_t)o->width * sizeof *own);
		if (!own) return eg_why_no_memory(err);
		w->options.beside = memcpy(own, o->beside, (size_t)o->width * sizeof *own);
	}
	if (o->pixel) memcpy(w->pixel, o->pixel, sizeof w->pixel), w->options.pixel = w->pixel;
	if (o->box) w->box = *o->box, w->options.box = &w->box;
	if (o->unit) memcpy(w->unit, o->unit, sizeof w->unit), w->options.unit = w->unit;
	return EG_OK;
}

eg_status eg_picture_why_open(eg_model *m, const eg_picture_why_options *options, eg_picture_why **why, eg_error *err) {
	eg_error own = {0};
	if (!err) err = &own;
	*why = NULL;
	eg_picture_why *w = eg_calloc(NULL, 1, sizeof *w);
	if (!w) return eg_why_no_memory(err);
	w->model = m;
	w->explained = "logits";
	eg_status status = check_task(w, err);
	if (!status) status = keep_options(w, options, err);
	if (!status) status = eg_why_layers(w, err);
	if (!status) eg_task_constrain(w->task, w->p);
	if (!status && w->options.records == 0) w->options.records = RECORDS;
	if (!status && w->options.records == EG_ZERO) w->options.records = 0;
	if (status)
		eg_picture_why_close(w);
	else
		*why = w;
	return status;
}

static void forget(eg_picture_why *w) {
	eg_attribution_free(&w->saliency);
	eg_attribution_free(&w->integrated);
	eg_attribution_free(&w->occlusion);
	eg_attribution_free(&w->unit_field);
	eg_value_free(w->facts);
	eg_record_free(&w->record);
	eg_arena_free(&w->asked);
	w->facts = NULL;
	w->record = (eg_record){0};
	w->ninputs = w->nlikes = w->nnearest = w->looked = w->nfiles = 0;
	w->note[0] = '\0';
	w->true_number = (double)NAN;
}

void eg_picture_why_close(eg_picture_why *w) {
	if (!w) return;
	forget(w);
	eg_params_free(w->p);
	eg_graph_free(w->g);
	eg_task_free(w->task);
	eg_arena_free(&w->arena);
	eg_release(NULL, w);
}

/* ---- what the network gets --------------------------------------------------------------------------------------- */

eg_status eg_why_extents(const eg_picture_why *w, const eg_record *r, const eg_datum *d, int *sizes, eg_error *err) {
	int time = 0;
	return eg_task_extents(w->task, 1, r, d, &time, sizes, err);
}

eg_status eg_why_fill(const eg_picture_why *w, eg_record *records, const eg_datum *const *data, int n, const int *sizes,
	void *slot, eg_error *err) {
	const eg_dims dims = eg_intake_dims(w->task->intakes[0], n, 0, sizes);
	return eg_intakes_fill(w->task, 1, records, NULL, data, n, 0, &dims, &slot, err);
}

void eg_why_fill_lengths(const eg_picture_why *w, eg_plan *plan, int n, const int *sizes) {
	const char *words[EG_MAX_DIMS + 1];
	for (int j = 0, nwords = eg_task_words(w->task, words); j < nwords; j++) {
		char name[80];
		snprintf(name, sizeof name, "lengths.%.60s", words[j]);
		int32_t *lengths = eg_plan_input(plan, name);
		for (int i = 0; lengths && i < n; i++) lengths[i] = sizes[j];
	}
}

static eg_status put_input(eg_picture_why *w, const char *name, const void *data, eg_error *err) {
	w->input_names[w->ninputs] = eg_arena_strdup(&w->asked, name);
	w->input_data[w->ninputs] = data;
	return w->input_names[w->ninputs++] ? EG_OK : eg_why_no_memory(err);
}

/* The picture as numbers, and what a plan needs beside it. */
static eg_status make_inputs(eg_picture_why *w, eg_error *err) {
	const eg_intake *f = w->task->intakes[0];
	const char *words[EG_MAX_DIMS + 1];
	const int nwords = eg_task_words(w->task, words);
	const eg_datum *data = &w->datum;
	eg_status status = eg_why_extents(w, &w->record, &w->datum, w->sizes, err);
	if (!status) status = eg_intake_picture(f, &w->datum, &w->record, &w->pixels, w->shape, err);
	if (status) return status;
	const size_t n = (size_t)w->shape[0] * (size_t)w->shape[1] * (size_t)w->shape[2];
	w->input = eg_arena_alloc(&w->asked, n * sizeof *w->input);
	w->base = eg_arena_alloc(&w->asked, n * sizeof *w->base);
	w->open = eg_arena_alloc(&w->asked, (EG_MAX_DIMS + 1) * sizeof *w->open);
	if (!w->input || !w->base || !w->open) return eg_why_no_memory(err);
	status = eg_why_fill(w, &w->record, &data, 1, w->sizes, w->input, err);
	if (!status) status = put_input(w, f->input, w->input, err);
	for (int j = 0; j < nwords && !status; j++) {
		char name[80];
		w->open[j] = (eg_size){words[j], w->sizes[j]};
		w->lengths[j] = w->sizes[j];
		snprintf(name, sizeof name, "lengths.%.60s", words[j]);
		if (eg_graph_find(w->g, name).id) status = put_input(w, name, &w->lengths[j], err);
	}
	return status;
}

/* Where nothing is seen: black where the picture's border is black, white where it is white, else the mean of what was
 * learnt from, which is 0. */
static eg_status make_baseline(eg_picture_why *w, eg_error *err) {
	const size_t n = (size_t)w->shape[0] * (size_t)w->shape[1] * (size_t)w->shape[2];
	const double border = eg_picture_border(
	        &(eg_picture){.C = w->shape[0], .H = w->shape[1], .W = w->shape[2], .pixels = (uint8_t *)w->pixels});
	w->baseline = border > 0.9 ? "white" : "black";
	uint8_t *even = eg_arena_alloc(&w->asked, n);
	if (!even) return eg_why_no_memory(err);
	memset(even, border > 0.9 ? 255 : 0, n);
	const eg_datum d = {.there = true, .picture = {w->shape[0], w->shape[1], w->shape[2], even}}, *data = &d;
	eg_status status = eg_why_fill(w, &w->record, &data, 1, w->sizes, w->base, err);
	if (status || border < 0.1 || border > 0.9) return status;
	/* The mean; where the recipe says that it is 0, black. */
	for (size_t i = 0; i < n; i++)
		if (w->base[i] != 0) w->baseline = "mean", w->base[i] = 0;
	return EG_OK;
}

const char *eg_why_ground(const eg_picture_why *w) { return strcmp(w->baseline, "mean") != 0 ? w->baseline : "the mean colour"; }

/* ---- what is asked ----------------------------------------------------------------------------------------------- */

static const eg_lexicon *names_of(const eg_picture_why *w) {
	const eg_intake *f = eg_task_target(w->task);
	const bool names = f && (f->type->kind == EG_FIELD_LABEL || f->type->kind == EG_FIELD_MASK || f->type->kind == EG_FIELD_BOXES);
	return names ? eg_intake_names(f) : NULL;
}

/* The field with the numbers that are learnt, one for each that the network puts out; NULL: there is none. */
static const eg_field *numbers_of(const eg_picture_why *w) {
	const eg_intake *f = eg_task_target(w->task);
	const eg_field *field = f && f->type->kind == EG_FIELD_NUMBERS && f->field >= 0 ? eg_source_field(w->task->source, f->field) : NULL;
	return field && field->columns == w->K && w->logits_H * w->logits_W == 1 ? field : NULL;
}

const char *eg_why_class(const eg_picture_why *w, int k, char buf[32]) {
	const eg_lexicon *names = names_of(w);
	const eg_field *numbers = numbers_of(w);
	if (names && k >= 0 && k < names->n) return names->at[k];
	if (numbers && k >= 0 && k < numbers->nnames) return numbers->names[k];
	snprintf(buf, 32, "number %d", k);
	return buf;
}

/* Are the numbers those of classes? Not where they are an embedding, or say how like another picture this one is. */
static bool tells_classes(const eg_picture_why *w) {
	return !w->options.beside && names_of(w) && (w->K == names_of(w)->n || w->K == names_of(w)->n + 1);
}

/* How many of the numbers are answers: all but a spare class's, which is the last. */
static int answers_of(const eg_picture_why *w) { return tells_classes(w) ? names_of(w)->n : w->K; }

const char *eg_why_answer(const eg_picture_why *w, int k, char buf[32]) {
	if (w->options.beside) return "likeness";
	if (tells_classes(w) || !names_of(w)) return eg_why_class(w, k, buf);
	snprintf(buf, 32, "number %d", k);
	return buf;
}

static eg_status find_number(eg_picture_why *w, eg_error *err) {
	const eg_lexicon *names = names_of(w);
	const char *wanted = w->options.number;
	const bool classes = tells_classes(w);
	char *end = NULL, buf[32];
	for (int k = 0; k < answers_of(w); k++)
		if (!strcmp(eg_why_answer(w, k, buf), wanted)) return w->k = k, EG_OK;
	const long k = classes ? -1 : strtol(wanted, &end, 10);
	if (!classes && end && !*end && end > wanted && k >= 0 && k < w->K) return w->k = (int)k, EG_OK;
	if (!classes) return eg_fail(err, EG_ERR_ARG, "'%s' is none of the %d numbers that the network puts out: say 0 to %d", wanted, w->K, w->K - 1);
	const char *near = eg_did_you_mean(wanted, (const char *const *)names->at, names->n);
	return eg_fail(err, EG_ERR_ARG, "'%s' is no class of this model%s%s%s", wanted, near ? "; did you mean '" : "", near ? near : "",
		near ? "'?" : "; 'engram info' lists them");
}

static double logit(const eg_picture_why *w, int k) {
	return (double)w->logits[((ptrdiff_t)k * w->logits_H + w->at[0]) * w->logits_W + w->at[1]];
}

static eg_status choose_pixel(eg_picture_why *w, eg_error *err) {
	const int *size = &w->shape[1], grid[2] = {w->logits_H, w->logits_W};
	if (!w->options.pixel) w->pixel[0] = size[0] / 2, w->pixel[1] = size[1] / 2;
	if (w->pixel[0] < 0 || w->pixel[0] >= size[0] || w->pixel[1] < 0 || w->pixel[1] >= size[1])
		return eg_fail(err, EG_ERR_ARG, "pixel %d,%d is not in the picture, which has %d rows and %d columns for the network",
			w->pixel[0], w->pixel[1], size[0], size[1]);
	for (int a = 0; a < 2; a++) w->at[a] = (int)((2 * (int64_t)w->pixel[a] + 1) * grid[a] / (2 * (int64_t)size[a]));
	return EG_OK;
}

/* Of a detector: the box of that number, or the surest, or the surest of a class; none where none is found. */
static eg_status choose_box(eg_picture_why *w, eg_plan *plan, eg_error *err) {
	eg_found found[EG_FOUND_MOST];
	int n = 0, i = w->options.box ? w->box : 0;
	char buf[32];
	w->boxed = false;
	if (!eg_task_detects(w->task)) return w->options.box ? eg_fail(err, EG_ERR_ARG, "--box is for models that find boxes") : EG_OK;
	if (w->options.pixel) return w->options.box ? eg_fail(err, EG_ERR_ARG, "a box or a pixel is explained, not both") : EG_OK;
	const eg_row r = {.graph = w->g, .plan = plan, .n = 1}; /* no record: pixels are those that the network sees */
	eg_status status = eg_task_find(w->task, &r, found, &n, err);
	if (status) return status;
	if (w->options.box && i >= n) return eg_fail(err, EG_ERR_ARG, "there is no box %d: %d are found in this picture, counted from 0", i, n);
	for (int k = 0; k < answers_of(w) && w->options.number && !w->options.box; k++)
		if (!strcmp(eg_why_class(w, k, buf), w->options.number))
			while (i < n && found[i].box.label != k) i++;
	if (i >= n) return EG_OK;
	w->found = found[i], w->boxed = true;
	w->at[0] = found[i].row, w->at[1] = found[i].column, w->k = found[i].box.label;
	w->pixel[0] = (int)((found[i].row + 0.5) * w->shape[1] / w->logits_H);
	w->pixel[1] = (int)((found[i].column + 0.5) * w->shape[2] / w->logits_W);
	return EG_OK;
}

/* Runs the network, and chooses which of its numbers is explained. */
static eg_status choose_number(eg_picture_why *w, eg_error *err) {
	const char *const one[] = {w->explained, NULL}, *const *outputs = eg_task_detects(w->task) ? eg_task_outputs(w->task, w->g) : one;
	eg_status status = EG_OK;
	eg_plan *plan = eg_plan_new(w->g, w->p, &(eg_plan_options){.batch = 1, .sizes = w->open, .outputs = outputs}, err);
	if (!plan) return err->status;
	const eg_dims d = eg_plan_dims(plan, eg_graph_find(w->g, w->explained));
	w->K = (int)d.d[1], w->logits_H = d.rank == 4 ? (int)d.d[2] : 1, w->logits_W = d.rank == 4 ? (int)d.d[3] : 1;
	const size_t n = (size_t)w->K * (size_t)w->logits_H * (size_t)w->logits_W;
	w->logits = eg_arena_alloc(&w->asked, n * sizeof *w->logits);
	void *slot = eg_plan_input(plan, w->input_names[0]);
	if (w->logits && slot) {
		memcpy(slot, w->input, (size_t)w->shape[0] * (size_t)w->shape[1] * (size_t)w->shape[2] * sizeof *w->input);
		eg_why_fill_lengths(w, plan, 1, w->sizes);
		eg_plan_run(plan, 0);
		memcpy(w->logits, eg_plan_output(plan, w->explained), n * sizeof *w->logits);
		w->at[0] = w->at[1] = w->k = 0;
		status = choose_box(w, plan, err);
	}
	eg_plan_free(plan);
	if (!w->logits) return eg_why_no_memory(err);
	if (!slot) return eg_fail(err, EG_ERR_ARG, "the network does not use its input '%s'", w->input_names[0]);
	if (!status && d.rank == 4 && !w->boxed) status = choose_pixel(w, err);
	for (int k = 1; k < answers_of(w) && tells_classes(w) && !w->boxed && !status; k++)
		if (logit(w, k) > logit(w, w->k)) w->k = k;
	if (!status && w->options.number && !w->options.box) status = find_number(w, err);
	if (!status) w->value = logit(w, w->k);
	if (!status && !isfinite(w->value)) status = eg_fail(err, EG_ERR_NUMERIC, "the network puts out %g for this picture", w->value);
	return status;
}

/* ---- attributions to pixels -------------------------------------------------------------------------------------- */

static int occlusion_window(const eg_picture_why *w) {
	const int side = w->shape[1] > w->shape[2] ? w->shape[1] : w->shape[2], seventh = (side + 6) / 7;
	return w->options.window > 0 ? w->options.window : seventh > 2 ? seventh : 2;
}

static eg_status attribute(eg_picture_why *w, eg_attribution_kind kind, eg_attribution *a, eg_error *err) {
	const int window = occlusion_window(w);
	eg_attribution_options o = {.kind = kind, .output = w->explained, .by = eg_graph_find(w->g, w->input_names[0]), .baseline = w->base,
		.tolerance = 0.001, .sizes = w->open};
	o.element = ((int64_t)w->k * w->logits_H + w->at[0]) * w->logits_W + w->at[1];
	o.window[0] = o.window[1] = window;
	o.stride[0] = o.stride[1] = (window + 1) / 2;
	return eg_attribute(w->g, w->p, &o, w->input_names, w->input_data, w->ninputs, a, err);
}

eg_real *eg_why_fold(eg_picture_why *w, const eg_attribution *a, bool largest) {
	const size_t n = (size_t)w->shape[1] * (size_t)w->shape[2];
	eg_real *map = eg_arena_alloc(&w->asked, n * sizeof *map);
	for (size_t c = 0; c < (size_t)w->shape[0] && map; c++)
		for (size_t i = 0; i < n; i++) {
			const eg_real v = a->values[c * n + i], size = v < 0 ? -v : v;
			if (!largest) map[i] += v;
			else if (size > map[i]) map[i] = size;
		}
	return map;
}

static eg_status attribute_all(eg_picture_why *w, eg_error *err) {
	eg_status status = attribute(w, EG_ATTRIBUTION_GRADIENT, &w->saliency, err);
	if (!status) status = attribute(w, EG_ATTRIBUTION_INTEGRATED, &w->integrated, err);
	if (status) return status;
	w->saliency_map = eg_why_fold(w, &w->saliency, true);
	w->integrated_map = eg_why_fold(w, &w->integrated, false);
	if (!w->saliency_map || !w->integrated_map) return eg_why_no_memory(err);
	/* Windows have two sides: of pictures that are one row of numbers there are none. */
	if (!status && w->task->intakes[0]->sample.rank == 3) status = attribute(w, EG_ATTRIBUTION_OCCLUSION, &w->occlusion, err);
	return status;
}

/* ---- as a tree --------------------------------------------------------------------------------------------------- */

static void put_answers(const eg_picture_why *w, eg_value *map) {
	char buf[32];
	const int n = answers_of(w);
	double sum = 0, most = -INFINITY;
	bool *told = eg_calloc(NULL, (size_t)n, sizeof *told);
	eg_value *list = eg_value_put_list(map, "answers");
	for (int k = 0; k < n; k++) most = fmax(most, logit(w, k));
	for (int k = 0; k < n && tells_classes(w); k++) sum += exp(logit(w, k) - most);
	for (int i = 0; i < n && i < ANSWERS && told; i++) {
		int best = -1;
		for (int k = 0; k < n; k++)
			if (!told[k] && (best < 0 || (tells_classes(w) && logit(w, k) > logit(w, best)))) best = k;
		told[best] = true;
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_text(one, tells_classes(w) ? "class" : "number", eg_why_answer(w, best, buf));
		/* of a detector each class by itself */
		const double alone = 1 / (1 + exp(-logit(w, best)));
		if (tells_classes(w))
			eg_value_put_number(one, "probability", eg_task_detects(w->task) ? alone : exp(logit(w, best) - most) / sum);
		eg_value_put_number(one, "value", logit(w, best));
	}
	eg_release(NULL, told);
}

static void put_pair(eg_value *map, const char *key, const int *at, int n) {
	eg_value *list = eg_value_put_list(map, key);
	for (int i = 0; i < n; i++) eg_value_put_int(list, NULL, at[i]);
}

static void put_attributions(const eg_picture_why *w, eg_value *map) {
	eg_value *base = eg_value_put_map(map, "baseline");
	eg_value_put_text(base, "what", w->baseline);
	eg_value_put_number(base, "value", w->integrated.baseline_output);
	eg_value *sum = eg_value_put_map(map, "integrated_gradients");
	eg_value_put_number(sum, "sum", w->integrated.sum);
	eg_value_put_number(sum, "error", w->integrated.error);
	eg_value_put_int(sum, "steps", w->integrated.steps);
	eg_value *hidden = w->occlusion.map ? eg_value_put_map(map, "occlusion") : NULL;
	if (hidden) eg_value_put_int(hidden, "window", occlusion_window(w));
	if (hidden) eg_value_put_int(hidden, "stride", (occlusion_window(w) + 1) / 2);
	if (w->cam < 0) return;
	const eg_shown_layer *l = &w->layers[w->cam];
	int window[4];
	eg_value *cam = eg_value_put_map(map, "grad_cam");
	eg_value_put_text(cam, "layer", l->name);
	eg_value_put_int(cam, "rows", l->H);
	eg_value_put_int(cam, "columns", l->W);
	eg_value *unit = eg_value_put_map(map, "unit");
	eg_value_put_text(unit, "layer", l->name);
	eg_value_put_int(unit, "channel", w->chosen[0]);
	eg_value_put_int(unit, "row", w->chosen[1]);
	eg_value_put_int(unit, "column", w->chosen[2]);
	eg_value_put_number(unit, "value", w->unit_value);
	if (eg_why_window(w, l, w->chosen[1], w->chosen[2], w->shape, window)) put_pair(unit, "sees", window, 4);
}

static void put_liked(const eg_picture_why *w, const eg_liked *l, const char *what, eg_value *list) {
	char buf[32];
	eg_value *one = eg_value_put_map(list, NULL);
	eg_value_put_int(one, "record", l->record);
	eg_value_put_number(one, what, l->value);
	if (l->label >= 0) eg_value_put_text(one, "class", eg_why_class(w, l->label, buf));
}

static void put_likes(const eg_picture_why *w, eg_value *map) {
	eg_value *likes = w->nlikes ? eg_value_put_list(map, "likes") : NULL;
	for (int i = 0; i < w->nlikes; i++) {
		eg_value *one = eg_value_put_map(likes, NULL);
		eg_value_put_int(one, "channel", w->likes[i].channel);
		eg_value_put_number(one, "weight", w->likes[i].weight);
		eg_value *records = eg_value_put_list(one, "records");
		for (int k = 0; k < w->likes[i].n; k++) put_liked(w, &w->likes[i].best[k], "value", records);
	}
	eg_value *nearest = w->nnearest ? eg_value_put_list(map, "nearest") : NULL;
	for (int i = 0; i < w->nnearest; i++) put_liked(w, &w->nearest[i], "similarity", nearest);
	if (w->looked) eg_value_put_int(map, "records", w->looked);
	if (w->note[0]) eg_value_put_text(map, "note", w->note);
}

static eg_status put_facts(eg_picture_why *w, eg_error *err) {
	char buf[32];
	eg_value *map = w->facts = eg_value_new(EG_VALUE_MAP);
	if (!map) return eg_why_no_memory(err);
	eg_value_put_text(map, "picture", w->name);
	put_pair(map, "size", w->shape, 3);
	if (w->truth >= 0) eg_value_put_text(map, "truth", eg_why_class(w, w->truth, buf));
	if (!isnan(w->true_number)) eg_value_put_number(map, "truth", w->true_number);
	eg_value *of = eg_value_put_map(map, "of");
	if (tells_classes(w))
		eg_value_put_text(of, "class", eg_why_answer(w, w->k, buf));
	else
		eg_value_put_int(of, "number", w->k), eg_value_put_text(of, "name", eg_why_answer(w, w->k, buf));
	if (w->options.beside_path) eg_value_put_text(of, "beside", w->options.beside_path);
	if (w->logits_H * w->logits_W > 1) put_pair(of, "pixel", w->pixel, 2);
	if (w->boxed) {
		const eg_box *b = &w->found.box;
		const double corners[] = {b->x0, b->y0, b->x1, b->y1};
		eg_value *box = eg_value_mark(eg_value_put_list(of, "box"), EG_SHOW_BOX, NULL);
		for (int i = 0; i < EG_COUNT(corners); i++) eg_value_put_number(box, NULL, corners[i]);
		eg_value_put_number(of, "score", w->found.score);
	}
	eg_value_put_number(map, "value", w->value);
	put_answers(w, map);
	put_attributions(w, map);
	put_likes(w, map);
	return eg_value_whole(map) ? EG_OK : eg_why_no_memory(err);
}

/* ---- a picture --------------------------------------------------------------------------------------------------- */

/* The datum is there. */
static eg_status explain(eg_picture_why *w, eg_error *err) {
	eg_status status = make_inputs(w, err);
	if (!status) status = make_baseline(w, err);
	if (!status) status = choose_number(w, err);
	if (!status) status = attribute_all(w, err);
	if (!status) status = eg_why_run(w, err);
	if (!status && w->cam >= 0) status = eg_why_unit(w, err);
	if (!status && w->options.records > 0) status = eg_why_look(w, err);
	return status;
}

eg_status eg_why_beside(const eg_picture_why *w, eg_record *r, const uint8_t **pixels, int shape[3], eg_error *err) {
	const eg_intake *f = w->task->intakes[0];
	const char *path = w->options.beside_path;
	char *bytes = NULL;
	size_t size = 0;
	int remark = EG_INVERT_AUTO;
	eg_datum d = {0};
	r->place = r->id = path;
	eg_status status = eg_file_read_regular(NULL, path, 0, &bytes, &size, err);
	if (!status) status = f->type->decode(f, bytes, size, path, r, &d, &remark, err);
	eg_release(NULL, bytes);
	return status ? status : eg_intake_picture(f, &d, r, pixels, shape, err);
}

eg_status eg_picture_why_question(eg_picture_why *w, const eg_question *q, eg_error *err) {
	eg_error own = {0};
	if (!err) err = &own;
	const eg_intake *f = w->task->intakes[0];
	char *bytes = NULL;
	size_t size = q->size;
	int remark = EG_INVERT_AUTO;
	forget(w);
	w->truth = -1, w->own = -1;
	w->name = eg_arena_strdup(&w->asked, q->path ? q->path : q->name ? q->name : "the input");
	if (!w->name) return eg_why_no_memory(err);
	w->record.place = w->record.id = w->name;
	eg_status status = q->path ? eg_file_read_regular(NULL, q->path, 0, &bytes, &size, err) : EG_OK;
	if (!status) status = f->type->decode(f, q->path ? bytes : q->bytes, size, w->name, &w->record, &w->datum, &remark, err);
	eg_release(NULL, bytes);
	if (!status) status = explain(w, err);
	return status ? status : put_facts(w, err);
}

/* The class of the smallest true box around the pixel that is asked about; -1: there is none. */
static int true_box(const eg_picture_why *w, const eg_datum_boxes *boxes) {
	const double x = (w->pixel[1] + 0.5) * w->datum.picture.W / w->shape[2], y = (w->pixel[0] + 0.5) * w->datum.picture.H / w->shape[1];
	double least = INFINITY;
	int label = -1;
	for (int i = 0; i < boxes->n; i++) {
		const eg_box *b = &boxes->at[i];
		const double area = (b->x1 - b->x0) * (b->y1 - b->y0);
		if (x < b->x0 || x >= b->x1 || y < b->y0 || y >= b->y1 || area >= least) continue;
		least = area, label = eg_intake_label(eg_task_target(w->task), b->label);
	}
	return label;
}

/* The class or number of a record, or the class of the pixel that is asked about. */
static void find_truth(eg_picture_why *w) {
	const eg_intake *f = eg_task_target(w->task);
	const eg_datum *d = f && f->field >= 0 ? &w->record.fields[f->field] : NULL;
	if (d && d->there && numbers_of(w) && d->numbers.n > w->k) w->true_number = (double)d->numbers.at[w->k];
	if (!d || !d->there || !names_of(w)) return;
	if (f->type->kind == EG_FIELD_LABEL) {
		w->truth = eg_intake_label(f, d->label);
		return;
	}
	if (f->type->kind == EG_FIELD_BOXES) {
		w->truth = true_box(w, &d->boxes);
		return;
	}
	const int64_t y = (int64_t)w->pixel[0] * d->mask.H / w->shape[1], x = (int64_t)w->pixel[1] * d->mask.W / w->shape[2];
	const uint8_t c = d->mask.classes[y * d->mask.W + x];
	if (c != EG_VOID) w->truth = eg_intake_label(f, c);
}

eg_status eg_picture_why_record(eg_picture_why *w, eg_part part, int64_t record, eg_error *err) {
	eg_error own = {0};
	if (!err) err = &own;
	const eg_intake *f = w->task->intakes[0], *target = eg_task_target(w->task);
	forget(w);
	if (part == EG_PARTS) part = eg_task_eval_part(w->task);
	w->truth = -1, w->own = part == EG_PART_TRAIN ? record : -1;
	unsigned wanted = 1u << f->field;
	if (target && target->field >= 0) wanted |= 1u << target->field;
	eg_status status = eg_task_read_record(w->task, part, record, wanted, &w->record, err);
	if (status) return status;
	w->datum = w->record.fields[f->field];
	w->name = eg_arena_printf(&w->asked, "record %lld of the part %s", (long long)record, eg_part_name(part));
	if (!w->name) return eg_why_no_memory(err);
	if (!w->datum.there) return eg_fail(err, EG_ERR_ARG, "%s has no picture", w->name);
	status = explain(w, err);
	if (!status) find_truth(w);
	return status ? status : put_facts(w, err);
}

const eg_value *eg_picture_why_facts(const eg_picture_why *w) { return w->facts; }

const eg_real *eg_picture_why_map(const eg_picture_why *w, const char *name, int *H, int *W) {
	const struct { const char *name; const eg_real *at; } maps[] = {
		{"saliency", w->saliency_map},
		{"integrated-gradients", w->integrated_map},
		{"occlusion", w->occlusion.map},
		{"grad-cam", w->cam >= 0 ? w->grad_cam : NULL},
		{"unit", w->cam >= 0 ? w->unit_map : NULL},
	};
	*H = w->shape[1], *W = w->shape[2];
	for (int i = 0; i < EG_COUNT(maps); i++)
		if (!strcmp(maps[i].name, name)) return w->facts ? maps[i].at : NULL;
	return NULL;
}
