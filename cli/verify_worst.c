/* verify_worst.c - engram verify --split: all pairs of a part of the model's own data, how many of them the threshold
 * gets wrong, and the worst of them, as lines, as JSON, and as a page with their pictures. */
#include "engram_report.h"
#include "print.h"
#include "verify.h"

#include <stdlib.h>
#include <string.h>

enum { WORST_MOST = 100 };

typedef struct face {
	char *id, *who;
	int64_t index;
	float *embedding;
	int width;
} face;

typedef struct worst {
	const face *a, *b;
	eg_verdict v;
} worst;

/* Pairs of one person, or of two. */
typedef struct side {
	bool same;
	worst at[WORST_MOST];
	int n;
	int64_t pairs, wrong;
} side;

typedef struct job {
	const cli_args *args;
	const eg_verifier *by;
	eg_task *task;
	eg_samples *samples;
	eg_part part;
	face *faces;
	int n, cap, top;
	side sides[2];
} job;

static char *copy(const char *s) { return strcpy(cli_alloc(strlen(s) + 1), s); }

static bool take(void *user, const eg_answered *a) {
	job *j = user;
	const char *who = eg_value_text(eg_value_get(a->truth, "class"));
	if (!who) return true;
	if (j->n == j->cap) {
		face *more = cli_alloc((size_t)(j->cap = 2 * j->cap + 64) * sizeof *more);
		if (j->n) memcpy(more, j->faces, (size_t)j->n * sizeof *more);
		free(j->faces);
		j->faces = more;
	}
	face *f = &j->faces[j->n++];
	*f = (face){.id = copy(a->id), .who = copy(who), .index = a->index};
	f->embedding = cli_embedding(a->answer, &f->width);
	return true;
}

/* Keeps the worst: of one person those that are farthest apart, of two the nearest. */
static void note(side *s, int top, const worst *w) {
	int at = s->n < top ? s->n++ : top;
	while (at > 0 && (s->same ? w->v.distance > s->at[at - 1].v.distance : w->v.distance < s->at[at - 1].v.distance)) {
		if (at < top) s->at[at] = s->at[at - 1];
		at--;
	}
	if (at < top) s->at[at] = *w;
}

static eg_status compare_all(job *j, eg_error *err) {
	eg_status status = EG_OK;
	for (int i = 0; i < j->n && !status; i++)
		for (int k = 0; k < i && !status; k++) {
			const face *a = &j->faces[k], *b = &j->faces[i];
			worst w = {.a = a, .b = b};
			status = eg_verifier_compare(j->by, a->embedding, b->embedding, a->width, &w.v, err);
			side *s = &j->sides[strcmp(a->who, b->who) != 0];
			s->pairs++, s->wrong += w.v.same != s->same;
			note(s, j->top, &w);
		}
	return status;
}

static const char *heading(const side *s) { return s->same ? "of one person, the farthest apart" : "of two persons, the nearest"; }

static void put_json(const job *j) {
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_text(v, "split", eg_part_name(j->part));
	eg_value_put_number(v, "threshold", j->by->threshold);
	for (int k = 0; k < 2; k++) {
		const side *s = &j->sides[k];
		eg_value *of = eg_value_put_map(v, s->same ? "same" : "other"), *list;
		eg_value_put_int(of, "pairs", s->pairs);
		eg_value_put_int(of, "wrong", s->wrong);
		list = eg_value_put_list(of, "worst");
		for (int i = 0; i < s->n; i++) {
			eg_value *one = eg_value_put_map(list, NULL);
			eg_value_put_text(one, "a", s->at[i].a->id);
			eg_value_put_text(one, "b", s->at[i].b->id);
			eg_value_put_number(one, "distance", s->at[i].v.distance);
			eg_value_put_bool(one, "same", s->at[i].v.same);
			eg_value_put_number(one, "confidence", s->at[i].v.confidence);
		}
	}
	print_json(v);
	eg_value_free(v);
}

static void print_side(const side *s) {
	char n[NUMBER], wrong[NUMBER];
	table *t = table_new("rll");
	printf("%s %s, %s of them wrong; the worst:\n", number_int(n, s->pairs), s->same ? "pairs of one person" : "pairs of two persons",
		number_int(wrong, s->wrong));
	table_cell(t, "distance"), table_cell(t, "A"), table_cell(t, "B");
	table_rule(t);
	for (int i = 0; i < s->n; i++)
		table_cell(t, "%.4f", s->at[i].v.distance), table_cell(t, "%s", s->at[i].a->id), table_cell(t, "%s", s->at[i].b->id);
	table_print(t, stdout, 2);
	table_free(t);
}

static eg_status draw(const job *j, eg_sheet *page, const face *f, eg_error *err) {
	eg_record r = {0};
	eg_status status = eg_samples_show(j->samples, j->part, f->index, -1, &r, err);
	if (!status) status = eg_sheet_record(page, eg_task_source(j->task), &r, NULL, NULL, err);
	eg_record_free(&r);
	return status;
}

static eg_status write_page(const job *j, const char *path, eg_error *err) {
	eg_sheet *page = NULL;
	char title[120];
	eg_status status = eg_sheet_new(path, "The worst pairs", &page, err);
	for (int k = 0; k < 2 && !status; k++)
		for (int i = 0; i < j->sides[k].n && !status; i++) {
			const worst *w = &j->sides[k].at[i];
			snprintf(title, sizeof title, "%d: %s, %.4f%s", i + 1, heading(&j->sides[k]), w->v.distance,
				w->v.same == j->sides[k].same ? "" : " (wrong)");
			eg_sheet_heading(page, title);
			status = draw(j, page, w->a, err);
			if (!status) status = draw(j, page, w->b, err);
		}
	if (!status) return eg_sheet_save(page, err);
	eg_sheet_drop(page);
	return status;
}

static eg_status run(job *j, eg_model *m, eg_predictor *p, eg_error *err) {
	eg_samples_options o = {.model = m, .part = j->part};
	eg_status status = eg_task_open(eg_model_recipe(m), &j->task, err);
	if (!status) status = cli_choose_data(j->args, j->task, err);
	if (!status) status = cli_samples(j->args, j->task, &o, &j->samples, err);
	if (!status) status = eg_samples_answer(p, j->samples, j->part, take, j, err);
	if (!status) status = compare_all(j, err);
	if (!status && args_has(j->args, "json"))
		put_json(j);
	else if (!status)
		print_side(&j->sides[0]), putchar('\n'), print_side(&j->sides[1]);
	const char *page = args_text(j->args, "output");
	if (!status && page) status = write_page(j, page, err);
	if (!status && page && !args_has(j->args, "json")) printf("\n%s shows them\n", text_shown(page));
	eg_samples_free(j->samples);
	eg_task_free(j->task);
	return status;
}

int verify_worst(const cli_args *a, eg_model *m, eg_predictor *p, const eg_verifier *by) {
	job *j = cli_alloc(sizeof *j);
	eg_error err;
	memset(j, 0, sizeof *j);
	j->args = a, j->by = by, j->top = (int)args_number(a, "worst", 10);
	j->part = cli_split(a, EG_PART_TEST);
	j->sides[0].same = true;
	eg_status status = run(j, m, p, &err);
	if (status) fail_error("verify", &err);
	for (int i = 0; i < j->n; i++) free(j->faces[i].id), free(j->faces[i].who), free(j->faces[i].embedding);
	free(j->faces);
	free(j);
	return status ? CLI_FAILED : CLI_OK;
}
