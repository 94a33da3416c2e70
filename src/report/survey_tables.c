/* survey_tables.c - what is in a table of one series or of several: the steps of each, what its columns look like, and
 * what is odd about them, by series. Facts have the form of survey.c's; a page has plots of the same series. How a
 * table is read: data/time_table.c; what a column looks like: survey_series.c. */
#include "report/sheet.h"

#include <math.h>
#include <string.h>

enum { ODD_TOLD = 40, WORDS_TOLD = 6, PLOTTED = 12 };

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for what is in a table"); }

static bool is_shown(const eg_time_column *c) { return c->numbers && !c->counts; }

/* ---- what is odd ------------------------------------------------------------------------------------------------- */

/* Of all series, those too that have no facts of their own; of very many the first, and how many more there are. */
typedef struct oddities {
	eg_value *list, *facts;
	const char *series;
	bool shown; /* among those with facts */
	int64_t n;
} oddities;

static void note(oddities *o, const char *column, const char *what) {
	if (++o->n > ODD_TOLD) return;
	eg_value *one = eg_value_put_map(o->list, NULL);
	eg_value_put_text(one, "series", o->series);
	if (column) eg_value_put_text(one, "column", column);
	eg_value_put_text(one, "what", what);
	if (o->shown) eg_value_put_bool(one, "shown", true);
}

static void note_column(oddities *o, const eg_time_column *c, const eg_time_table *t, const eg_series_look *look, int there) {
	char text[160], when[32];
	if (c->wrong_line) {
		snprintf(text, sizeof text, "line %lld: '%.40s' is no number", (long long)c->wrong_line, c->wrong);
		note(o, c->name, text);
	}
	if (there == 0 && !c->wrong_line) note(o, c->name, "it has no values");
	if (look->constant) note(o, c->name, "it never changes");
	if (there > 0 && 10 * (int64_t)look->longest_gap > t->steps && look->longest_gap > 1) {
		snprintf(text, sizeof text, "a gap of %d of its %d steps", look->longest_gap, t->steps);
		note(o, c->name, text);
	}
	if (look->spikes == 0) return;
	eg_time_table_when(t, look->spike_at, when);
	snprintf(text, sizeof text, "%d spike%s, the largest at step %d%s%s", look->spikes, look->spikes == 1 ? "" : "s", look->spike_at + 1,
	        when[0] ? ", " : "", when);
	note(o, c->name, text);
}

/* ---- facts ------------------------------------------------------------------------------------------------------- */

static void put_words(eg_value *list, const eg_time_table *t, const eg_time_column *c, oddities *odd) {
	eg_words w = {0};
	const bool empty = c->missing >= t->rows;
	if (empty) note(odd, c->name, "it has no values");
	if (!list) return;
	eg_say(&w, "%d word%s: ", c->nwords, c->nwords == 1 ? "" : "s");
	for (int i = 0; i < c->nwords && i < WORDS_TOLD; i++) eg_say(&w, "%s%.40s", i ? ", " : "", c->words[i]);
	if (c->nwords > WORDS_TOLD) eg_say(&w, ", ...");
	eg_value *one = eg_value_put_map(list, NULL);
	eg_value_put_text(one, "column", c->name);
	eg_value_put_text(one, "words", empty ? "nothing" : c->nwords > 0 ? w.text : "texts");
}

/* A column of numbers, whose values are copied to `x`; list: NULL, what is odd alone is told. */
static eg_status put_column(eg_value *list, const eg_time_table *t, const eg_time_column *c, float *x, oddities *odd, eg_error *err) {
	double min = INFINITY, max = -INFINITY, sum = 0;
	int there = 0;
	eg_series_look look;
	for (int i = 0; i < t->steps; i++) {
		x[i] = (float)c->values[i];
		if (isnan(c->values[i])) continue;
		min = fmin(min, c->values[i]), max = fmax(max, c->values[i]), sum += c->values[i], there++;
	}
	eg_status status = eg_look_at_series(x, 1, t->steps, eg_time_table_periods(t), &look, err);
	if (status) return status;
	note_column(odd, c, t, &look, there);
	if (!list) return EG_OK;
	eg_value *one = eg_value_put_map(list, NULL);
	eg_value_put_text(one, "column", c->name);
	if (there == 0) return eg_value_put_text(one, "words", "nothing"), EG_OK;
	eg_value_put_number(one, "min", min);
	eg_value_put_number(one, "mean", sum / there);
	eg_value_put_number(one, "max", max);
	if (there < t->steps) eg_value_put_int(one, "gaps", t->steps - there);
	eg_put_look(one, &look);
	return EG_OK;
}

static void put_steps(eg_value *part, const eg_time_table *t) {
	eg_words w = {0};
	char from[32], to[32];
	eg_say_count(&w, t->steps);
	eg_say(&w, t->steps == 1 ? " step" : " steps");
	if (t->dated) eg_say(&w, ", %s to %s", eg_time_table_when(t, 0, from), eg_time_table_when(t, t->steps - 1, to));
	if (t->steps > t->rows && !t->averaged) {
		eg_say(&w, "; ");
		eg_say_count(&w, t->steps - t->rows);
		eg_say(&w, " of them without a row");
	}
	eg_value_put_text(part, "steps", w.text);
}

static eg_status put_series(eg_value *parts, const eg_time_table *t, float *x, oddities *odd, eg_error *err) {
	eg_value *list = NULL;
	eg_status status = EG_OK;
	odd->series = t->id ? t->id : "", odd->shown = parts != NULL;
	if (parts) {
		eg_value *part = eg_value_put_map(parts, NULL);
		eg_value_put_text(part, "part", odd->series);
		put_steps(part, t);
		list = eg_value_put_list(part, "values");
	}
	if (t->remark) note(odd, NULL, t->remark);
	for (int c = 0; c < t->ncolumns && !status; c++) {
		const eg_time_column *column = &t->columns[c];
		if (is_shown(column))
			status = put_column(list, t, column, x, odd, err);
		else if (!column->counts)
			put_words(list, t, column, odd);
	}
	return status;
}

eg_status eg_survey_tables(const eg_time_tables *tables, int most, eg_value **facts, eg_error *err) {
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	*facts = NULL;
	int steps = 0;
	for (int i = 0; i < tables->n; i++) steps = tables->at[i]->steps > steps ? tables->at[i]->steps : steps;
	float *x = eg_alloc(NULL, (size_t)steps * sizeof *x + 1);
	eg_status status = v && x ? EG_OK : no_memory(err);
	if (!status) {
		eg_value_put_text(v, "data", tables->at[0]->file);
		eg_value_put_int(v, "series", tables->n);
		if (tables->n > most) eg_value_put_int(v, "more_series", tables->n - most);
		eg_value *parts = eg_value_put_list(v, "parts");
		oddities odd = {.list = eg_value_put_list(v, "odd")};
		for (int i = 0; i < tables->n && !status; i++) status = put_series(i < most ? parts : NULL, tables->at[i], x, &odd, err);
		if (odd.n > ODD_TOLD) eg_value_put_int(v, "more_odd", odd.n - ODD_TOLD);
	}
	if (!status && !eg_value_whole(v)) status = no_memory(err);
	eg_release(NULL, x);
	if (status)
		eg_value_free(v);
	else
		*facts = v;
	return status;
}

/* ---- a page ------------------------------------------------------------------------------------------------------ */

static void put_lines(eg_sheet *s, const eg_value *part) {
	eg_put(s->w, "<span class=\"n\">steps</span><div>");
	eg_put_escaped(s->w, eg_text_of(part, "steps"));
	eg_put(s->w, "</div>\n");
	for (const eg_value *x = eg_value_first(eg_value_get(part, "values")); x; x = eg_value_next(x)) {
		eg_words w = {0};
		eg_say_column(&w, x);
		eg_put(s->w, "<span class=\"n\">");
		eg_put_escaped(s->w, eg_text_of(x, "column"));
		eg_put(s->w, "</span><div>");
		eg_put_escaped(s->w, w.text);
		eg_put(s->w, "</div>\n");
	}
}

/* The season that the facts tell of a column; 1: none. */
static int period_of(const eg_value *part, const char *column) {
	for (const eg_value *x = eg_value_first(eg_value_get(part, "values")); x; x = eg_value_next(x))
		if (!strcmp(eg_text_of(x, "column"), column)) return (int)eg_value_int(eg_value_get(x, "period"), 1);
	return 1;
}

eg_status eg_sheet_table(eg_sheet *s, const eg_time_table *t, const eg_value *part, eg_error *err) {
	eg_status status = EG_OK;
	int n = 0;
	eg_put(s->w, "%s<section>\n<h2>", s->records ? "" : "<main>\n");
	s->records = true;
	eg_put_escaped(s->w, t->id ? t->id : t->file);
	eg_put(s->w, "</h2>\n<span class=\"n\">series</span><div class=\"plots\">");
	for (int c = 0; c < t->ncolumns && !status; c++)
		if (is_shown(&t->columns[c]) && n++ < PLOTTED)
			status = eg_sheet_column(s, t, &t->columns[c], period_of(part, t->columns[c].name), err);
	if (n > PLOTTED) eg_put(s->w, "<p>And %d more columns.</p>\n", n - PLOTTED);
	eg_put(s->w, "</div>\n");
	put_lines(s, part);
	eg_put(s->w, "</section>\n");
	return status;
}
