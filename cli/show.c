/* show.c - engram data show: what is in a data set, and what some of its records look like, to people and to the
 * network. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "show.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What is shown: a source alone, or a recipe's task with its source, its samples and its network, as far as it goes. */
typedef struct showing {
	const cli_args *args;
	eg_source *own; /* of NAME */
	eg_recipe *recipe;
	eg_task *task;  /* for the facts; and again, for the samples */
	eg_task *fresh;
	eg_context *ctx;
	eg_samples *samples, *test; /* of the test part; NULL: there is none */
	eg_graph *graph;
	bool by_sample; /* records are those of the samples */
	const eg_source *source;
	eg_part part;
	int64_t count;  /* of its records, or samples */
	eg_value *facts;
	eg_value *records;
	eg_sheet *sheet;
	double told; /* clock: when the bar was shown, or is to be shown at the earliest */
} showing;

/* ---- opening ----------------------------------------------------------------------------------------------------- */

static eg_status open_name(showing *s, const char *name, eg_error *err) {
	int n;
	char *path = NULL;
	const char *folder = args_text(s->args, "folder");
	const char **set = args_all(s->args, "set", &n); /* has room for one more and the NULL at the end */
	if (folder) {
		path = cli_alloc(strlen(folder) + sizeof "path=");
		strcat(strcpy(path, "path="), folder);
		set[n] = path;
	}
	eg_status status = eg_source_open(name, set, &s->own, err);
	free(path);
	free(set);
	s->source = s->own;
	return status;
}

/* false after a message. */
static bool open_recipe(showing *s, const char *path, eg_error *err) {
	s->recipe = cli_recipe(s->args, path);
	if (!s->recipe) return false;
	eg_status status = eg_task_open(s->recipe, &s->task, err);
	if (!status) status = cli_choose_data(s->args, s->task, err);
	if (status) return fail_error("data show", err), false;
	s->source = eg_task_source(s->task);
	return true;
}

/* Samples and network; where one cannot be made, that is told, and facts are shown all the same. */
static void open_samples(showing *s) {
	eg_error err;
	s->ctx = cli_context(s->args);
	if (!s->ctx) return;
	eg_status status = eg_task_open(s->recipe, &s->fresh, &err);
	if (!status) status = cli_choose_data(s->args, s->fresh, &err);
	if (!status)
		status = eg_samples_load(s->fresh, &(eg_samples_options){.part = EG_PART_TRAIN}, &s->samples, &err);
	if (!status) status = eg_recipe_build(s->recipe, s->ctx, eg_samples_sizes(s->samples), &s->graph, &err);
	if (!status) status = eg_task_suits(s->fresh, s->graph, &err);
	if (!status && eg_samples_load(s->fresh, &(eg_samples_options){.part = EG_PART_TEST}, &s->test, NULL)) s->test = NULL;
	if (!status) return;
	fail("data show", "note: %s. What the network gets is not shown", err.message);
	eg_samples_free(s->samples);
	s->samples = NULL;
}

static void close_all(showing *s) {
	eg_sheet_drop(s->sheet);
	eg_samples_free(s->test);
	eg_samples_free(s->samples);
	eg_graph_free(s->graph);
	eg_context_free(s->ctx);
	eg_task_free(s->fresh);
	eg_task_free(s->task);
	eg_recipe_free(s->recipe);
	eg_source_close(s->own);
	eg_value_free(s->facts);
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static void put_record(
	showing *s, const eg_source *source, const eg_record *r, const char *draw, const eg_value *seen) {
	eg_value *map = eg_value_put_map(s->records, NULL);
	eg_record_describe(source, r, map);
	if (draw) eg_value_put_text(map, "draw", draw);
	if (eg_value_first(seen)) eg_value_put_copy(map, "inputs", seen);
}

/* The samples that hold the part that is shown. */
static const eg_samples *shown_samples(const showing *s) { return s->part == EG_PART_TEST ? s->test : s->samples; }

/* Sample i in this epoch of a training; -1: as it is. */
static eg_status show_sample(showing *s, int64_t i, int epoch, eg_record *r, eg_error *err) {
	char draw[32];
	eg_value *seen = eg_value_new(EG_VALUE_LIST);
	eg_status status = eg_samples_show(shown_samples(s), s->part, i, epoch, r, err);
	if (!status) status = eg_samples_seen(shown_samples(s), s->graph, s->part, i, epoch, seen, err);
	snprintf(draw, sizeof draw, "augmented, epoch %d", epoch + 1);
	const char *told = epoch < 0 ? NULL : draw;
	const eg_source *source = eg_task_source(s->fresh);
	if (!status) put_record(s, source, r, told, seen);
	if (!status && s->sheet) status = eg_sheet_record(s->sheet, source, r, told, seen, err);
	eg_value_free(seen);
	return status;
}

/* Record i of the source; a task that makes samples of its own of a text gets its sample i. *shown: it can be read; one
 * that cannot has been named. */
static eg_status show_record(showing *s, int64_t i, eg_record *r, bool *shown, eg_error *err) {
	unsigned all = (1u << eg_source_fields(s->source)) - 1;
	eg_value *seen = eg_value_new(EG_VALUE_LIST);
	eg_status status = eg_source_read(s->source, s->part, i, all, r, err);
	const bool broken = status == EG_ERR_FORMAT || status == EG_ERR_IO;
	*shown = !broken;
	if (!status && shown_samples(s) && i < eg_samples_count(shown_samples(s), s->part))
		status = eg_samples_seen(shown_samples(s), s->graph, s->part, i, -1, seen, err);
	if (!status) put_record(s, s->source, r, NULL, seen);
	if (!status && s->sheet) status = eg_sheet_record(s->sheet, s->source, r, NULL, seen, err);
	eg_value_free(seen);
	return broken ? EG_OK : status;
}

enum { DRAWS = 4, RECORDS = 4 };
/* Record k of n: one from each n-th of the part, at another place in each, by the golden ratio, since classes often
 * come in turn. */
static int64_t chosen(int64_t k, int64_t n, int64_t count) {
	if (n >= count) return k;
	const int64_t from = k * count / n, to = (k + 1) * count / n;
	return from + (int64_t)(fmod((double)k * 0.6180339887498949, 1) * (double)(to - from));
}

/* So many records, over the whole part. */
static eg_status show_records(showing *s, eg_error *err) {
	const int64_t n = (int64_t)args_number(s->args, "number", RECORDS);
	const bool augmented = args_has(s->args, "augmented");
	eg_record r = {0};
	eg_status status = EG_OK;
	s->records = eg_value_put_list(s->facts, "records");
	for (int64_t k = 0; k < n && k < s->count && !status; k++) {
		const int64_t i = chosen(k, n, s->count), next = k + 1 < n ? chosen(k + 1, n, s->count) : s->count;
		bool shown = false;
		if (s->by_sample) status = show_sample(s, i, -1, &r, err);
		for (int64_t j = i; j < next && !s->by_sample && !shown && !status; j++) status = show_record(s, j, &r, &shown, err);
		for (int e = 0; e < DRAWS && augmented && !status; e++) status = show_sample(s, i, e, &r, err);
	}
	eg_record_free(&r);
	return status;
}

/* The part whose records are shown: the one asked for, else the first that has some. A task that makes samples of its
 * own of a text shows the source's record. */
static eg_status choose_part(showing *s, eg_error *err) {
	const bool asked = args_has(s->args, "split");
	s->part = cli_split(s->args, EG_PART_TRAIN);
	eg_record r = {0};
	const eg_samples *samples = shown_samples(s);
	const bool has = samples && !eg_samples_show(samples, s->part, 0, -1, &r, NULL);
	eg_record_free(&r);
	s->count = has ? eg_samples_count(samples, s->part) : eg_source_count(s->source, s->part);
	for (int p = 0; p < EG_PARTS && s->count < 1 && !asked; p++)
		s->part = (eg_part)p, s->count = eg_source_count(s->source, s->part);
	if (!has && args_has(s->args, "augmented")) {
		err->status = EG_ERR_ARG;
		snprintf(err->message, sizeof err->message, "there are no samples of the part '%s' that could be augmented",
		        eg_part_name(s->part));
		return EG_ERR_ARG;
	}
	s->by_sample = has;
	return EG_OK;
}

/* ---- on the screen ----------------------------------------------------------------------------------------------- */

typedef struct rows {
	table *t;
	char part[32], field[128]; /* of the row before */
} rows;

static void line(void *user, const eg_survey_line *l) {
	rows *r = user;
	table *t = r->t;
	const bool same = !strcmp(r->part, l->part);
	table_cell(t, "%s", same ? "" : l->part);
	table_cell(t, "%s", same && !strcmp(r->field, l->field) ? "" : l->field);
	table_cell(t, "%s", l->what);
	table_cell(t, "%s", l->text);
	snprintf(r->part, sizeof r->part, "%s", l->part);
	snprintf(r->field, sizeof r->field, "%s", l->field);
}

static const char *text_at(const eg_value *map, const char *key) {
	const char *s = eg_value_text(eg_value_get(map, key));
	return s ? s : "";
}

/* Ids are whole, whatever their size. */
static int seen_number(char *buf, size_t size, const char *before, const char *type, double v) {
	return strcmp(type, "I32") ? snprintf(buf, size, "%s%.4g", before, v) : snprintf(buf, size, "%s%.0f", before, v);
}

static void print_inputs(table *t, const eg_value *record) {
	for (const eg_value *v = eg_value_first(eg_value_get(record, "inputs")); v; v = eg_value_next(v)) {
		char shape[128] = "", first[200] = "", least[NUMBER], most[NUMBER];
		const char *type = text_at(v, "type") + (strncmp(text_at(v, "type"), "EG_", 3) ? 0 : 3);
		size_t n = 0, m = 0;
		int64_t all = 1;
		for (const eg_value *d = eg_value_first(eg_value_get(v, "shape")); d && n < sizeof shape; d = eg_value_next(d)) {
			n += (size_t)snprintf(shape + n, sizeof shape - n, "%s%lld", n ? ", " : "", (long long)eg_value_int(d, 0));
			all *= eg_value_int(d, 1);
		}
		for (const eg_value *d = eg_value_first(eg_value_get(v, "first")); d && m < sizeof first - 16; d = eg_value_next(d))
			m += (size_t)seen_number(first + m, sizeof first - m, " ", type, eg_value_number(d, 0));
		seen_number(least, sizeof least, "", type, eg_value_number(eg_value_get(v, "min"), 0));
		seen_number(most, sizeof most, "", type, eg_value_number(eg_value_get(v, "max"), 0));
		table_cell(t, "%s", "");
		table_cell(t, "input %s", text_at(v, "input"));
		table_cell(t, "%s (%s), %s to %s:%s%s", type, shape, least, most, first,
		        all > eg_value_count(eg_value_get(v, "first")) ? " ..." : "");
	}
}

static void print_records(const eg_value *records) {
	table *t = table_new("lll");
	table_cell(t, "record");
	table_cell(t, "field");
	table_cell(t, "holds");
	table_rule(t);
	for (const eg_value *r = eg_value_first(records); r; r = eg_value_next(r)) {
		const char *draw = text_at(r, "draw");
		const eg_value *f = eg_value_first(eg_value_get(r, "fields"));
		for (bool first = true; f; f = eg_value_next(f), first = false) {
			table_cell(t, "%s%s%s", first ? text_at(r, "record") : "", first && *draw ? ", " : "", first ? draw : "");
			table_cell(t, "%s", text_at(f, "name"));
			table_cell(t, "%s", text_at(f, "holds"));
		}
		print_inputs(t, r);
	}
	table_print(t, stdout, 0);
	table_free(t);
}

static void print_facts(const showing *s) {
	table *t = table_new("llll");
	table_cell(t, "part");
	table_cell(t, "field");
	table_cell(t, "what");
	table_cell(t, "%s", "");
	table_rule(t);
	eg_survey_lines(s->facts, line, &(rows){.t = t});
	table_print(t, stdout, 0);
	table_free(t);
	if (!eg_value_first(s->records)) return;
	printf("\nsome records of the part '%s'\n", eg_part_name(s->part));
	print_records(s->records);
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

static double clock_now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* A bar, where it takes a while. */
static bool on_progress(void *user, eg_part part, int64_t done, int64_t count) {
	showing *s = user;
	char left[40], right[2 * NUMBER + 8], a[NUMBER], b[NUMBER];
	const double now = clock_now();
	if (now - s->told < 0.1) return true;
	s->told = now;
	snprintf(left, sizeof left, "reading %s", eg_part_name(part));
	snprintf(right, sizeof right, "%s of %s", number_int(a, done), number_int(b, count));
	bar_show(stderr, left, (double)done / (double)count, right);
	return true;
}

static eg_status survey(showing *s, eg_error *err) {
	const eg_survey_options o = {.all = args_has(s->args, "all"),
	        .samples = s->samples,
	        .test = s->test,
	        .graph = s->graph,
	        .user = s,
	        .progress = on_progress};
	s->told = clock_now() + 0.4;
	eg_status status = s->own ? eg_survey(s->own, &o, &s->facts, err) : eg_survey_task(s->task, &o, &s->facts, err);
	bar_clear(stderr);
	return status;
}

static eg_status gather(showing *s, const char *name, eg_error *err) {
	const char *page = args_text(s->args, "output");
	if (s->recipe) open_samples(s);
	eg_status status = survey(s, err);
	if (!status && page) status = eg_sheet_new(page, s->recipe ? eg_recipe_name(s->recipe) : name, &s->sheet, err);
	if (status) return status;
	if (s->sheet) eg_sheet_facts(s->sheet, s->facts);
	status = choose_part(s, err);
	if (!status) status = show_records(s, err);
	if (!status && s->sheet) {
		status = eg_sheet_save(s->sheet, err);
		s->sheet = NULL;
	}
	return status;
}

int data_show(const cli_args *a, const char *name) {
	showing s = {.args = a};
	eg_error err;
	const char *page = args_text(a, "output");
	eg_status status = EG_OK;
	if (data_is_table(name)) return data_show_table(a, name);
	if (eg_data_find(name))
		status = open_name(&s, name, &err);
	else if (!open_recipe(&s, name, &err))
		return close_all(&s), CLI_FAILED;
	if (s.own && args_has(a, "augmented")) {
		close_all(&s);
		return fail_usage("data", "--augmented shows what a recipe's 'augment' makes of records: name a RECIPE, "
		                          "not a data set");
	}
	if (!status) status = gather(&s, name, &err);
	if (status) {
		fail_error("data show", &err);
		for (const char *b = s.source ? eg_source_broken(s.source) : NULL; b && *b; b += strspn(b, "\n")) {
			int n = (int)strcspn(b, "\n");
			fail("data show", "%.*s", n, b);
			b += n;
		}
	} else if (args_has(a, "json")) {
		print_json(s.facts);
	} else {
		print_facts(&s);
		if (page) printf("\n%s shows them\n", page);
	}
	close_all(&s);
	return status ? CLI_FAILED : CLI_OK;
}
