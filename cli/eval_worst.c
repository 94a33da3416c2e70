/* eval_worst.c - engram eval --worst: the pictures of a part of which a model finds boxes, or says a class for each
 * pixel, worst; as rows, and as a page on which each is shown as it is labelled and as the model sees it.
 *
 * Of boxes a picture's figure is F1 of those that are believed, where a box is right that overlaps a true one of its
 * class by half; of pixels it is the mean over the picture's classes of intersection over union. */
#include "eval_worst.h"

#include "engram_report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORST_MOST = 100, CLASSES = 256 };

typedef struct worst {
	int64_t index;
	double figure;
	eg_value *row, *answer;
} worst;

typedef struct job {
	eg_task *task;
	eg_samples *samples;
	eg_part part;
	int top, n;
	worst at[WORST_MOST + 1];
} job;

/* ---- boxes ------------------------------------------------------------------------------------------------------- */

/* A box as answers and truths have it; its class is looked up by whoever needs it. */
typedef struct shown_box {
	const char *of;
	eg_box box;
	bool taken;
} shown_box;

static shown_box box_of(const eg_value *v) {
	const eg_value *b = eg_value_get(v, "box");
	return (shown_box){.of = eg_value_text(eg_value_get(v, "class")),
		.box = {.x0 = eg_value_number(eg_value_at(b, 0), 0),
			.y0 = eg_value_number(eg_value_at(b, 1), 0),
			.x1 = eg_value_number(eg_value_at(b, 2), 0),
			.y1 = eg_value_number(eg_value_at(b, 3), 0),
			.difficult = eg_value_bool(eg_value_get(v, "difficult"), false)}};
}

/* Those with a score of `least` or more (truths have none). *n of them, to be freed. */
static shown_box *boxes_of(const eg_value *part, double least, int *n) {
	const eg_value *list = eg_value_get(part, "boxes");
	shown_box *out = cli_alloc(((size_t)eg_value_count(list) + 1) * sizeof *out);
	*n = 0;
	for (const eg_value *v = eg_value_first(list); v; v = eg_value_next(v))
		if (eg_value_number(eg_value_get(v, "score"), 1) >= least) out[(*n)++] = box_of(v);
	return out;
}

/* The true box that is free and overlaps it most, by half at least; NULL: none. Difficult ones are never used up, and
 * are taken where no other is. */
static shown_box *match(const shown_box *said, shown_box *truth, int n) {
	shown_box *best = NULL;
	double most = 0.5;
	for (int difficult = 0; difficult < 2 && !best; difficult++)
		for (int i = 0; i < n; i++) {
			shown_box *t = &truth[i];
			if (t->taken || t->box.difficult != (difficult == 1) || strcmp(t->of, said->of) != 0) continue;
			const double o = eg_box_overlap(&t->box, &said->box);
			if (o >= most) most = o, best = t;
		}
	return best;
}

static double judge_boxes(const eg_value *answer, const eg_value *truth, eg_value *row) {
	int nsaid, ntruth, right = 0, wrong = 0, there = 0;
	shown_box *said = boxes_of(answer, eg_value_number(eg_value_get(answer, "threshold"), 0.5), &nsaid), *true_ = boxes_of(truth, 0, &ntruth);
	for (int i = 0; i < ntruth; i++) there += !true_[i].box.difficult;
	for (int i = 0; i < nsaid; i++) {
		shown_box *t = match(&said[i], true_, ntruth);
		if (t && !t->box.difficult) t->taken = true, right++;
		wrong += !t;
	}
	free(said);
	free(true_);
	const double f1 = there + right + wrong ? 2.0 * right / (there + right + wrong) : 1;
	eg_value_mark(eg_value_put_number(row, "f1", f1), EG_SHOW_SHARE, NULL);
	eg_value_put_int(row, "right", right);
	eg_value_put_int(row, "wrong", wrong);
	eg_value_put_int(row, "missed", there - right);
	return f1;
}

/* ---- pixels ------------------------------------------------------------------------------------------------------ */

static const char *name_of(const eg_value *classes, int k) {
	const char *name = eg_value_text(eg_value_at(classes, k));
	return name ? name : "";
}

/* Pixels by what they are (row) and are said to be. */
static double judge_counts(const eg_value *classes, const int64_t *count, int n, eg_value *row) {
	int64_t all = 0, right = 0, most = 0;
	double sum = 0;
	int known = 0, from = 0, to = 0;
	char mistaken[200] = "";
	for (int k = 0; k < n; k++) {
		int64_t there = 0, said = 0, both = count[(ptrdiff_t)k * n + k];
		for (int i = 0; i < n; i++) {
			there += count[(ptrdiff_t)k * n + i], said += count[(ptrdiff_t)i * n + k];
			if (i != k && count[(ptrdiff_t)k * n + i] > most) most = count[(ptrdiff_t)k * n + i], from = k, to = i;
		}
		all += there, right += both;
		if (there + said > 0) sum += (double)both / (double)(there + said - both), known++;
	}
	const double miou = known ? sum / known : 1;
	if (most > 0)
		snprintf(mistaken, sizeof mistaken, "%.80s for %.80s: %.1f %%", name_of(classes, from), name_of(classes, to), 100 * (double)most / (double)all);
	eg_value_mark(eg_value_put_number(row, "miou", miou), EG_SHOW_SHARE, NULL);
	eg_value_mark(eg_value_put_number(row, "pixel_accuracy", all ? (double)right / (double)all : 1), EG_SHOW_SHARE, NULL);
	eg_value_put_text(row, "mistaken", mistaken);
	return miou;
}

static double judge_pixels(const eg_value *answer, const eg_value *truth, eg_value *row) {
	const eg_value *classes = eg_value_get(answer, "classes");
	const int n = (int)eg_value_count(classes);
	int H, W, h, w;
	int16_t *said = eg_segment_classes(answer, &H, &W), *true_ = eg_segment_classes(truth, &h, &w);
	int64_t *count = cli_alloc((size_t)n * (size_t)n * sizeof *count);
	memset(count, 0, (size_t)n * (size_t)n * sizeof *count);
	for (int64_t i = 0; said && true_ && H == h && W == w && i < (int64_t)h * w; i++)
		if (true_[i] >= 0 && true_[i] < n && said[i] >= 0 && said[i] < n) count[(ptrdiff_t)true_[i] * n + said[i]]++;
	const double miou = judge_counts(classes, count, n, row);
	free(count);
	free(said);
	free(true_);
	return miou;
}

/* ---- the worst --------------------------------------------------------------------------------------------------- */

static void forget(worst *w) {
	eg_value_free(w->row);
	eg_value_free(w->answer);
}

static eg_value *copy_of(const eg_value *v) {
	eg_value *out = eg_value_new(EG_VALUE_MAP);
	for (const eg_value *c = eg_value_first(v); c; c = eg_value_next(c)) eg_value_put_copy(out, eg_value_key(c), c);
	return out;
}

/* Before those that are better, and of equals behind those that came before in the part. */
static bool comes_before(const worst *a, const worst *b) { return a->figure != b->figure ? a->figure < b->figure : a->index < b->index; }

static bool take(void *user, const eg_answered *a) {
	job *j = user;
	const bool boxes = eg_value_get(a->answer, "boxes") != NULL;
	if (!eg_value_get(a->truth, boxes ? "boxes" : "runs")) return true;
	worst w = {.index = a->index, .row = eg_value_new(EG_VALUE_MAP)};
	eg_value_put_text(w.row, "id", a->id);
	w.figure = (boxes ? judge_boxes : judge_pixels)(a->answer, a->truth, w.row);
	int at = j->n;
	while (at > 0 && comes_before(&w, &j->at[at - 1])) j->at[at] = j->at[at - 1], at--;
	if (at == j->top) return forget(&w), true;
	w.answer = copy_of(a->answer);
	j->at[at] = w;
	if (++j->n > j->top) forget(&j->at[--j->n]);
	return true;
}

/* ---- the page ---------------------------------------------------------------------------------------------------- */

static int label_of(const eg_field *f, const char *name) {
	for (int i = 0; i < f->nnames; i++)
		if (name && strcmp(f->names[i], name) == 0) return i;
	return EG_NO_LABEL;
}

/* What the model says in place of what is labelled, in memory of its own, *room. */
static void put_said(const eg_field *f, const eg_value *answer, eg_datum *d, void **room) {
	if (f->kind == EG_FIELD_BOXES) {
		int n;
		shown_box *said = boxes_of(answer, eg_value_number(eg_value_get(answer, "threshold"), 0.5), &n);
		eg_box *boxes = cli_alloc(((size_t)n + 1) * sizeof *boxes);
		for (int i = 0; i < n; i++) boxes[i] = said[i].box, boxes[i].label = label_of(f, said[i].of);
		free(said);
		*room = boxes;
		d->boxes.n = n, d->boxes.at = boxes;
		return;
	}
	int H, W;
	int16_t *said = eg_segment_classes(answer, &H, &W);
	if (!said || H != d->mask.H || W != d->mask.W) {
		free(said);
		return;
	}
	const eg_value *classes = eg_value_get(answer, "classes");
	int labels[CLASSES];
	for (int k = 0; k < CLASSES; k++) labels[k] = label_of(f, eg_value_text(eg_value_at(classes, k)));
	uint8_t *mask = cli_alloc((size_t)H * (size_t)W);
	for (int64_t i = 0; i < (int64_t)H * W; i++) {
		const int label = said[i] >= 0 && said[i] < CLASSES ? labels[said[i]] : EG_NO_LABEL;
		mask[i] = (uint8_t)(label == EG_NO_LABEL ? EG_VOID : label);
	}
	free(said);
	*room = mask;
	d->mask.classes = mask;
}

static eg_status show(const job *j, eg_sheet *page, const worst *w, int number, eg_error *err) {
	const eg_source *source = eg_task_source(j->task);
	eg_record r = {0};
	char title[400];
	void *room = NULL;
	const eg_field *f;
	const eg_value *name = eg_value_first(w->row), *figure = eg_value_next(name);
	snprintf(title, sizeof title, "%d: %.200s, %s %.1f %%", number, eg_value_text(name), eg_value_key(figure), 100 * w->figure);
	eg_sheet_heading(page, title);
	eg_status status = eg_samples_show(j->samples, j->part, w->index, -1, &r, err);
	if (!status) status = eg_sheet_record(page, source, &r, "labelled", NULL, err);
	for (int k = 0; !status && !room && (f = eg_source_field(source, k)); k++)
		if (r.fields[k].there && (f->kind == EG_FIELD_BOXES || f->kind == EG_FIELD_MASK)) put_said(f, w->answer, &r.fields[k], &room);
	if (!status) status = eg_sheet_record(page, source, &r, "as the model sees it", NULL, err);
	free(room);
	eg_record_free(&r);
	return status;
}

static eg_status write_page(const job *j, const char *path, eg_error *err) {
	eg_sheet *page = NULL;
	eg_status status = eg_sheet_new(path, "The worst pictures", &page, err);
	for (int i = 0; i < j->n && !status; i++) status = show(j, page, &j->at[i], i + 1, err);
	if (!status) return eg_sheet_save(page, err);
	eg_sheet_drop(page);
	return status;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

bool eval_worst_suits(const eg_task *t) {
	const char *name = eg_task_kind(t)->name;
	return !strcmp(name, "detect") || !strcmp(name, "segment");
}

eg_status eval_worst(eg_model *m, eg_task *t, eg_samples *s, eg_part part, int top, const char *page, eg_value *list, eg_error *err) {
	job *j = cli_alloc(sizeof *j);
	eg_predictor *p = NULL;
	memset(j, 0, sizeof *j);
	j->task = t, j->samples = s, j->part = part, j->top = top < WORST_MOST ? top : WORST_MOST;
	eg_status status = eg_predictor_new(m, NULL, NULL, &p, err);
	if (!status) status = eg_samples_answer(p, s, part, take, j, err);
	for (int i = 0; i < j->n && !status; i++) eg_value_put_copy(list, NULL, j->at[i].row);
	if (!status && page) status = write_page(j, page, err);
	for (int i = 0; i < j->n; i++) forget(&j->at[i]);
	eg_predictor_free(p);
	free(j);
	return status;
}
