/* picture_like.c - pictures of the training part beside the one that is asked about: those that units answer to most
 * (Zeiler and Fergus 2014), and those that are nearest to it by the angle between their features. */
#include "report/picture_why.h"

#include <math.h>
#include <string.h>

enum { TOGETHER = 64 };

typedef struct search {
	eg_picture_why *w;
	eg_plan_cache *plans;
	eg_record records[TOGETHER];
	const eg_datum *data[TOGETHER];
	int64_t items[TOGETHER];
	eg_real *features; /* of the picture that is asked about */
	int nfeatures;
} search;

/* ---- the best so far --------------------------------------------------------------------------------------------- */

/* Into a list of at most `most` that falls. */
static void keep(eg_liked *list, int *n, int most, const eg_liked *one) {
	if (*n == most && one->value <= list[*n - 1].value) return;
	int at = *n < most ? (*n)++ : most - 1;
	for (; at > 0 && list[at - 1].value < one->value; at--) list[at] = list[at - 1];
	list[at] = *one;
}

static double weight_of(const eg_shown_layer *l, int c) {
	const ptrdiff_t places = (ptrdiff_t)l->H * l->W;
	double weight = 0;
	for (ptrdiff_t i = 0; i < places; i++) weight += (double)l->weights[c] * (double)l->values[c * places + i];
	return weight;
}

/* The channels that add most to what is explained; a chosen unit's comes first. */
static void choose_channels(eg_picture_why *w) {
	const eg_shown_layer *l = &w->layers[w->cam];
	if (w->options.unit) w->likes[w->nlikes++] = (eg_like){.channel = w->chosen[0], .weight = weight_of(l, w->chosen[0])};
	while (w->nlikes < EG_LIKES) {
		eg_like best = {.channel = -1};
		for (int c = 0; c < l->C; c++) {
			const double weight = weight_of(l, c);
			bool there = false;
			for (int k = 0; k < w->nlikes; k++) there = there || w->likes[k].channel == c;
			if (!there && weight > best.weight) best = (eg_like){.channel = c, .weight = weight};
		}
		if (best.channel < 0) return;
		w->likes[w->nlikes++] = best;
	}
}

/* ---- one picture's numbers --------------------------------------------------------------------------------------- */

/* Means over positions, of sample i of a batch; dims as the plan has them. */
static eg_real feature(const eg_real *all, eg_dims d, int i, int c) {
	const int64_t places = d.rank == 4 ? d.d[2] * d.d[3] : 1;
	const eg_real *from = all + (i * d.d[1] + c) * places;
	double sum = 0;
	for (int64_t k = 0; k < places; k++) sum += (double)from[k];
	return (eg_real)(sum / (double)places);
}

static const char *features_of(const eg_picture_why *w) { return w->features ? w->features : w->cam >= 0 ? w->layers[w->cam].output : NULL; }

static double similarity(const search *s, const eg_real *all, eg_dims d, int i) {
	double ab = 0, aa = 0, bb = 0;
	for (int c = 0; c < s->nfeatures; c++) {
		const double a = (double)s->features[c], b = (double)feature(all, d, i, c);
		ab += a * b, aa += a * a, bb += b * b;
	}
	return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

static void weigh_sample(search *s, eg_plan *plan, int i) {
	eg_picture_why *w = s->w;
	eg_liked one = {.record = s->items[i], .label = -1};
	if (w->cam >= 0) {
		const eg_shown_layer *l = &w->layers[w->cam];
		const eg_dims d = eg_plan_dims(plan, l->tensor);
		const int64_t places = d.d[2] * d.d[3];
		const eg_real *at = eg_plan_output(plan, l->output) + i * d.d[1] * places;
		for (int k = 0; k < w->nlikes; k++) {
			const eg_real *map = at + w->likes[k].channel * places;
			int64_t best = 0;
			for (int64_t p = 1; p < places; p++)
				if (map[p] > map[best]) best = p;
			one.value = (double)map[best], one.row = (int)(best / d.d[3]), one.column = (int)(best % d.d[3]);
			keep(w->likes[k].best, &w->likes[k].n, EG_LIKED, &one);
		}
	}
	const char *features = features_of(w);
	if (!features || s->items[i] == w->own) return;
	one.row = one.column = 0;
	one.value = similarity(s, eg_plan_output(plan, features), eg_plan_dims(plan, eg_graph_find(w->g, features)), i);
	keep(w->nearest, &w->nnearest, EG_NEAREST, &one);
}

/* The records of a batch, which have one size. */
static eg_plan *run(search *s, int n, eg_error *err) {
	eg_picture_why *w = s->w;
	const char *words[EG_MAX_DIMS + 1];
	eg_size named[EG_MAX_DIMS + 1] = {{0}};
	int sizes[EG_MAX_DIMS + 1] = {0};
	const int nwords = eg_task_words(w->task, words);
	if (nwords && eg_why_extents(w, &s->records[0], s->data[0], sizes, err)) return NULL;
	for (int j = 0; j < nwords; j++) named[j] = (eg_size){words[j], sizes[j]};
	eg_plan *plan = eg_plan_cache_get(s->plans, n, 0, named, err);
	if (!plan || eg_why_fill(w, s->records, s->data, n, sizes, eg_plan_input(plan, w->input_names[0]), err)) return NULL;
	eg_why_fill_lengths(w, plan, n, sizes);
	eg_plan_run(plan, 0);
	return plan;
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static eg_status own_features(search *s, eg_error *err) {
	eg_picture_why *w = s->w;
	const char *name = features_of(w);
	if (!name) return EG_OK;
	s->data[0] = &w->datum;
	s->records[0] = w->record;
	eg_plan *plan = run(s, 1, err);
	w->record = s->records[0]; /* room may have been added */
	s->records[0] = (eg_record){0};
	if (!plan) return err->status;
	const eg_dims d = eg_plan_dims(plan, eg_graph_find(w->g, name));
	s->nfeatures = (int)d.d[1];
	s->features = eg_arena_alloc(&w->asked, (size_t)s->nfeatures * sizeof *s->features);
	for (int c = 0; c < s->nfeatures && s->features; c++) s->features[c] = feature(eg_plan_output(plan, name), d, 0, c);
	return s->features ? EG_OK : eg_why_no_memory(err);
}

static eg_status read_record(search *s, int k, int64_t item, unsigned more, eg_error *err) {
	const eg_picture_why *w = s->w;
	const int field = w->task->intakes[0]->field;
	eg_status status = eg_source_read(w->task->source, EG_PART_TRAIN, item, (1u << field) | more, &s->records[k], err);
	s->data[k] = &s->records[k].fields[field];
	s->items[k] = item;
	return status;
}

static eg_status look_at_all(search *s, int64_t count, eg_error *err) {
	eg_picture_why *w = s->w;
	const char *words[EG_MAX_DIMS + 1];
	const int together = eg_task_words(w->task, words) ? 1 : TOGETHER;
	const int64_t n = count < w->options.records ? count : w->options.records;
	eg_status status = EG_OK;
	for (int64_t i = 0; i < n && !status;) {
		int used = 0;
		for (; used < together && i < n && !status; i++) {
			status = read_record(s, used, i * count / n, 0, err);
			if (!status && s->data[used]->there) used++;
		}
		eg_plan *plan = !status && used > 0 ? run(s, used, err) : NULL;
		if (!status && used > 0 && !plan) status = err->status;
		for (int k = 0; k < used && plan; k++) weigh_sample(s, plan, k);
		if (plan) w->looked += used;
	}
	return status;
}

/* The picture of a record that was kept. */
static eg_status fetch(search *s, eg_liked *l, eg_error *err) {
	eg_picture_why *w = s->w;
	const eg_intake *target = eg_task_target(w->task);
	const bool labelled = target && target->field >= 0 && target->type->kind == EG_FIELD_LABEL;
	const uint8_t *pixels;
	eg_status status = read_record(s, 0, l->record, labelled ? 1u << target->field : 0, err);
	if (!status) status = eg_intake_picture(w->task->intakes[0], s->data[0], &s->records[0], &pixels, l->shape, err);
	if (status) return status;
	const size_t n = (size_t)l->shape[0] * (size_t)l->shape[1] * (size_t)l->shape[2];
	l->pixels = eg_arena_alloc(&w->asked, n);
	if (!l->pixels) return eg_why_no_memory(err);
	memcpy(l->pixels, pixels, n);
	if (labelled && s->records[0].fields[target->field].there)
		l->label = eg_intake_label(target, s->records[0].fields[target->field].label);
	return EG_OK;
}

static eg_status fetch_all(search *s, eg_error *err) {
	eg_picture_why *w = s->w;
	eg_status status = EG_OK;
	for (int i = 0; i < w->nlikes; i++)
		for (int k = 0; k < w->likes[i].n && !status; k++) status = fetch(s, &w->likes[i].best[k], err);
	for (int k = 0; k < w->nnearest && !status; k++) status = fetch(s, &w->nearest[k], err);
	return status;
}

static eg_status look(search *s, int64_t count, eg_error *err) {
	eg_picture_why *w = s->w;
	const char *outputs[3] = {0};
	int n = 0;
	if (w->cam >= 0) outputs[n++] = w->layers[w->cam].output;
	if (w->features) outputs[n++] = w->features;
	if (n == 0) return EG_OK;
	s->plans = eg_plan_cache_new(w->g, w->p, &(eg_plan_options){.batch = 1, .sizes = w->open, .outputs = outputs}, err);
	if (!s->plans) return err->status;
	if (w->cam >= 0) choose_channels(w);
	eg_status status = own_features(s, err);
	if (!status) status = look_at_all(s, count, err);
	return status ? status : fetch_all(s, err);
}

eg_status eg_why_look(eg_picture_why *w, eg_error *err) {
	eg_error why = {0};
	memset(w->likes, 0, sizeof w->likes);
	eg_status status = eg_source_prepare(w->task->source, EG_PART_TRAIN, &why);
	const int64_t count = status ? 0 : eg_source_count(w->task->source, EG_PART_TRAIN);
	if (status == EG_ERR_MEMORY) return eg_fail(err, status, "%s", why.message);
	if (status) snprintf(w->note, sizeof w->note, "no pictures of the training data: %.250s", why.message);
	if (count < 1) return EG_OK;
	search *s = eg_calloc(NULL, 1, sizeof *s);
	if (!s) return eg_why_no_memory(err);
	s->w = w;
	status = look(s, count, err);
	for (int i = 0; i < TOGETHER; i++) eg_record_free(&s->records[i]);
	eg_plan_cache_free(s->plans);
	eg_release(NULL, s);
	return status;
}
