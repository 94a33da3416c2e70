/* time_table.c - a table whose rows are steps in time, for forecasts without a recipe: which rows are of which series,
 * and the numbers of the columns beside the time. What is wrong is told with line and column; nothing is guessed in
 * silence.
 *
 * Not here: when the rows are (time_rows.c), what a cell says (cells.c), sources of records (source_series.c). */
#include "data/time_rows.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MOST = 32 };

typedef struct eg_time_owner { /* of all tables of a file */
	eg_time_table first;
	eg_time_tables all;
	eg_arena arena;
} owner;

eg_status eg_time_no_memory(const eg_time_reading *r, eg_error *err) {
	return eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", r->head.file ? r->head.file : "a table");
}

const char eg_time_gap[] = "";

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static eg_status add_row(eg_time_reading *r, const eg_row *row, eg_error *err) {
	const int n = r->head.n;
	const int64_t line = row->line + (r->options.line > 0 ? r->options.line - 2 : 0);
	if (row->n != n)
		return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: %d column%s, but the first line names %d; write a separator between columns",
		        r->head.file, (long long)line, row->n, row->n == 1 ? "" : "s", n);
	size_t cells = (size_t)n * sizeof *r->cells, numbers = (size_t)n * sizeof *r->numbers;
	if (!eg_grow(NULL, &r->cells, &r->cap_cells, r->all, cells) || !eg_grow(NULL, &r->numbers, &r->cap_numbers, r->all, numbers) ||
	        !eg_grow(NULL, &r->lines, &r->cap_lines, r->all, sizeof *r->lines))
		return eg_time_no_memory(r, err);
	const bool texts = r->options.format || r->options.id; /* 20100331 is a number, and a time; 17 names a series */
	for (int i = 0; i < n; i++) {
		const char **text = &r->cells[(ptrdiff_t)r->all * n + i];
		double *v = &r->numbers[(ptrdiff_t)r->all * n + i];
		*text = NULL;
		*v = NAN;
		if (eg_cell_missing(row->cells[i], r->head.names[i], &r->missing))
			*text = eg_time_gap;
		else if (!eg_cell_number(row->cells[i], v) || texts) {
			*text = eg_arena_strdup(r->arena, row->cells[i]);
			if (!*text) return eg_time_no_memory(r, err);
		}
	}
	r->lines[r->all++] = line;
	return EG_OK;
}

static eg_status read_rows(eg_time_reading *r, eg_rows *rows, eg_error *err) {
	const eg_table_form form = {.separator = r->options.separator == '\t' ? 1 : r->options.separator == ';' ? 2 : 0,
		.quoted = true, .header = true};
	eg_row first, row;
	eg_status status = eg_head_read(&r->head, rows, &form, r->arena, &first, err);
	const char *other = status || r->head.n > 1 || r->options.separator ? NULL : strpbrk(r->head.names[0], ";\t");
	if (other)
		return eg_fail(err, EG_ERR_FORMAT, "%s:1: one column, '%.60s'; if %s stand between cells, say so with --separator %s (else, comma)",
		        r->head.file, r->head.names[0], *other == ';' ? "semicolons" : "tabs", *other == ';' ? "semicolon" : "tab");
	while (!status) {
		status = eg_rows_next(rows, &row, err);
		if (status || row.n == 0) break;
		status = add_row(r, &row, err);
	}
	if (!status && r->all == 0) status = eg_fail(err, EG_ERR_FORMAT, "'%s' has names of columns, but no rows below them", r->head.file);
	return status;
}

/* ---- columns ----------------------------------------------------------------------------------------------------- */

static bool of_time(const eg_time_reading *r, int column) {
	for (int i = 0; i < r->ntime; i++)
		if (r->time[i] == column) return true;
	return false;
}

/* Which of the column's words it is; -1: there are too many of them. */
static int word_of(eg_time_column *c, const char *text) {
	for (int i = 0; i < c->nwords; i++)
		if (!strcmp(c->words[i], text)) return i;
	if (c->nwords == WORDS_MOST) return -1;
	c->words[c->nwords] = text;
	return c->nwords++;
}

static bool has_number(const eg_time_reading *r, int row, int column) { return !isnan(eg_time_number(r, row, column)); }

static int64_t step_of(const eg_time_reading *r, int row) {
	const eg_time_table *t = r->t;
	return t->dated && !t->times ? eg_time_grid_place(t, r->times[row], t->averaged ? 0 : row) : row;
}

/* Numbers: the mean of a step's rows, where a grid was asked for. */
static bool fill_numbers(const eg_time_reading *r, int from, eg_time_column *c) {
	const eg_time_table *t = r->t;
	int *rows = eg_calloc(NULL, (size_t)t->steps, sizeof *rows);
	if (!rows) return false;
	for (int i = 0; i < t->steps; i++) c->values[i] = NAN;
	for (int i = 0; i < r->rows; i++) {
		const double v = eg_time_number(r, i, from);
		const int64_t at = step_of(r, i);
		if (isnan(v)) continue;
		c->values[at] = rows[at]++ ? c->values[at] + (v - c->values[at]) / rows[at] : v;
	}
	eg_release(NULL, rows);
	return true;
}

/* Words: the last of a step's rows. */
static bool fill_words(const eg_time_reading *r, int from, eg_time_column *c) {
	const eg_time_table *t = r->t;
	c->words = eg_arena_alloc(r->arena, WORDS_MOST * sizeof *c->words);
	if (!c->words) return false;
	for (int i = 0; i < r->rows && c->nwords >= 0; i++) {
		const char *text = eg_time_cell(r, i, from);
		const int64_t at = step_of(r, i);
		const int which = !text || text == eg_time_gap ? -2 : word_of(c, text);
		if (which >= 0) c->values[at] = which;
		if (which != -1) continue;
		c->nwords = 0;
		for (int k = 0; k < t->steps; k++) c->values[k] = NAN;
		return true;
	}
	return true;
}

static bool fill_column(const eg_time_reading *r, int from, eg_time_column *c) {
	int numbers = 0, told = 0;
	*c = (eg_time_column){.name = r->head.names[from], .counts = r->rows > 2};
	c->values = eg_arena_alloc(r->arena, (size_t)r->t->steps * sizeof *c->values);
	if (!c->values) return false;
	for (int i = 0; i < r->rows; i++) {
		const char *text = eg_time_cell(r, i, from);
		const bool is = has_number(r, i, from), missing = text == eg_time_gap;
		c->missing += missing, told += !missing, numbers += is;
		if (!missing && !is && c->wrong_line == 0) c->wrong_line = eg_time_line(r, i), c->wrong = text;
		if (!is || (i > 0 && eg_time_number(r, i, from) != eg_time_number(r, i - 1, from) + 1)) c->counts = false;
	}
	c->numbers = told == 0 ? c->missing > 0 : 2 * numbers > told;
	return fill_numbers(r, from, c) && (c->numbers || numbers > 0 || fill_words(r, from, c));
}

/* The table of the rows that were chosen. */
static eg_status fill(eg_time_reading *r, int id, eg_error *err) {
	eg_time_table *t = r->t;
	t->rows = t->steps = r->rows;
	eg_status status = r->ntime > 0 && (!r->options.rows || r->options.row_times) ? eg_time_rows_take(r, err) : EG_OK;
	if (status) return status;
	t->file = r->head.file;
	t->columns = eg_arena_alloc(r->arena, (size_t)r->head.n * sizeof *t->columns);
	if (!t->columns) return eg_time_no_memory(r, err);
	for (int i = 0; i < r->head.n; i++)
		if (i != id && !of_time(r, i) && !fill_column(r, i, &t->columns[t->ncolumns++])) return eg_time_no_memory(r, err);
	return EG_OK;
}

/* ---- several series ---------------------------------------------------------------------------------------------- */

typedef struct row_of {
	const char *id;
	int first, row; /* first: where its series begins */
} row_of;

static int by_id(const void *a, const void *b) {
	const row_of *x = a, *y = b;
	int c = strcmp(x->id, y->id);
	return c ? c : (x->row > y->row) - (x->row < y->row);
}

static int by_first(const void *a, const void *b) {
	const row_of *x = a, *y = b;
	return x->first != y->first ? (x->first > y->first) - (x->first < y->first) : (x->row > y->row) - (x->row < y->row);
}

/* Brings the rows of each series together; *n: how many there are. */
static eg_status sort_series(eg_time_reading *r, row_of *rows, int id, int *n, eg_error *err) {
	for (int i = 0; i < r->all; i++) {
		rows[i] = (row_of){.id = r->cells[(ptrdiff_t)i * r->head.n + id], .row = i};
		if (rows[i].id == eg_time_gap)
			return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: the column '%s' is empty, so that it is not said which series the row is of; fill it in",
			        r->head.file, (long long)r->lines[i], r->head.names[id]);
	}
	qsort(rows, (size_t)r->all, sizeof *rows, by_id);
	*n = 0;
	for (int i = 0; i < r->all; i++) {
		const bool same = i > 0 && !strcmp(rows[i].id, rows[i - 1].id);
		rows[i].first = same ? rows[i - 1].first : rows[i].row;
		*n += !same;
	}
	qsort(rows, (size_t)r->all, sizeof *rows, by_first);
	return EG_OK;
}

static eg_status fill_series(eg_time_reading *r, row_of *rows, int id, eg_error *err) {
	const char *time = r->t->time;
	int n = 0;
	eg_status status = sort_series(r, rows, id, &n, err);
	if (status) return status;
	r->order = eg_alloc(NULL, (size_t)r->all * sizeof *r->order);
	r->o->all.at = eg_arena_alloc(r->arena, (size_t)n * sizeof *r->o->all.at);
	if (!r->order || !r->o->all.at) return eg_time_no_memory(r, err);
	for (int i = 0; i < r->all; i++) r->order[i] = rows[i].row;
	for (r->from = 0; r->from < r->all && !status; r->from += r->rows) {
		for (r->rows = 1; r->from + r->rows < r->all && rows[r->from + r->rows].first == rows[r->from].first;) r->rows++;
		r->t = r->from == 0 ? &r->o->first : eg_arena_alloc(r->arena, sizeof *r->t);
		if (!r->t) return eg_time_no_memory(r, err);
		*r->t = (eg_time_table){.id = rows[r->from].id, .time = time};
		r->o->all.at[r->o->all.n++] = r->t;
		status = fill(r, id, err);
	}
	return status;
}

static eg_status fill_all(eg_time_reading *r, eg_error *err) {
	int id = -1;
	r->times = eg_alloc(NULL, (size_t)r->all * sizeof *r->times);
	if (!r->times) return eg_time_no_memory(r, err);
	if (r->options.id) {
		eg_status status = eg_head_find(&r->head, r->options.id, &id, err);
		row_of *rows = status ? NULL : eg_alloc(NULL, (size_t)r->all * sizeof *rows);
		if (!status && !rows) status = eg_time_no_memory(r, err);
		if (!status) status = fill_series(r, rows, id, err);
		eg_release(NULL, rows);
		return status;
	}
	r->o->all.at = eg_arena_alloc(r->arena, sizeof *r->o->all.at);
	if (!r->o->all.at) return eg_time_no_memory(r, err);
	r->o->all.at[0] = r->t;
	r->o->all.n = 1;
	return fill(r, id, err);
}

/* ---- the interface ----------------------------------------------------------------------------------------------- */

static eg_status take(eg_reader *reader, const eg_time_table_options *options, owner **o, eg_error *err) {
	const eg_text_rules rules = {0};
	eg_time_reading r = {.o = eg_calloc(NULL, 1, sizeof *r.o)};
	eg_rows *rows = NULL;
	*o = NULL;
	if (!r.o) return eg_time_no_memory(&r, err);
	if (options) r.options = *options;
	for (; r.options.missing && r.options.missing[r.missing.n]; r.missing.n++) {}
	r.missing.at = (const char **)r.options.missing;
	r.arena = &r.o->arena;
	r.t = &r.o->first;
	eg_status status = eg_rows_new(reader, r.options.separator ? r.options.separator : ',', true, &rules, &rows, err);
	if (!status) status = read_rows(&r, rows, err);
	r.rows = r.all;
	if (!status) status = eg_time_rows_choose(&r, err);
	if (!status) status = fill_all(&r, err);
	eg_rows_free(rows);
	eg_release(NULL, r.cells);
	eg_release(NULL, r.numbers);
	eg_release(NULL, r.lines);
	eg_release(NULL, r.order);
	eg_release(NULL, r.times);
	if (status)
		eg_time_table_free(&r.o->first);
	else
		*o = r.o;
	return status;
}

eg_status eg_time_table_take(
	eg_reader *reader, const eg_time_table_options *options, eg_time_table **table, eg_error *err) {
	eg_time_table_options one = options ? *options : (eg_time_table_options){0};
	owner *o;
	one.id = NULL;
	eg_status status = take(reader, &one, &o, err);
	*table = status ? NULL : &o->first;
	return status;
}

eg_status eg_time_table_read(
	const char *path, const eg_time_table_options *options, eg_time_table **table, eg_error *err) {
	eg_reader *reader = NULL;
	*table = NULL;
	eg_status status = eg_reader_file(path, &reader, err);
	if (!status) status = eg_time_table_take(reader, options, table, err);
	eg_reader_close(reader);
	return status;
}

eg_status eg_time_tables_read(
	const char *path, const eg_time_table_options *options, eg_time_tables **tables, eg_error *err) {
	eg_reader *reader = NULL;
	owner *o = NULL;
	eg_status status = eg_reader_file(path, &reader, err);
	if (!status) status = take(reader, options, &o, err);
	eg_reader_close(reader);
	*tables = status ? NULL : &o->all;
	return status;
}

eg_status eg_time_tables_parse(const char *text, size_t size, const char *name, const eg_time_table_options *options,
	eg_time_tables **tables, eg_error *err) {
	owner *o = NULL;
	*tables = NULL;
	eg_reader *reader = eg_reader_memory(text, size, name, err);
	if (!reader) return err->status;
	eg_status status = take(reader, options, &o, err);
	eg_reader_close(reader);
	if (!status) *tables = &o->all;
	return status;
}

void eg_time_table_free(eg_time_table *t) {
	owner *o = (owner *)t;
	if (!o) return;
	eg_arena_free(&o->arena);
	eg_release(NULL, o);
}

void eg_time_tables_free(eg_time_tables *t) {
	if (t) eg_time_table_free(t->at[0]); /* the owner's first */
}

static eg_status no_numbers(const eg_time_table *t, const eg_time_column *c, eg_error *err) {
	return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: '%.40s' in the column '%s' is no number; correct it, or say --missing %.40s", t->file,
	        (long long)c->wrong_line, c->wrong, c->name, c->wrong);
}

static eg_status several(const eg_time_table *t, int n, eg_error *err) {
	char list[300] = "";
	for (int i = 0; i < t->ncolumns && n > 0; i++) {
		size_t used = strlen(list);
		if (t->columns[i].numbers && !t->columns[i].counts && used + 1 < sizeof list)
			snprintf(list + used, sizeof list - used, "%s%.40s", used ? ", " : "", t->columns[i].name);
	}
	if (n == 0) return eg_fail(err, EG_ERR_FORMAT, "'%s' has no column of numbers to forecast", t->file);
	return eg_fail(err, EG_ERR_ARG, "'%s' has %d columns of numbers: %s; name the one to forecast with --target", t->file, n, list);
}

eg_status eg_time_table_column(const eg_time_table *t, const char *name, int *place, eg_error *err) {
	int n = 0;
	*place = -1;
	for (int i = 0; i < t->ncolumns; i++)
		if (!strcmp(t->columns[i].name, name)) *place = i, n++;
	if (n == 1) return EG_OK;
	if (n > 1) return eg_fail(err, EG_ERR_FORMAT, "'%s' has two columns called '%s'; rename one", t->file, name);
	const char *names[64], *near;
	char list[300] = "";
	for (int i = 0; i < t->ncolumns && i < EG_COUNT(names); i++) {
		size_t used = strlen(list);
		names[n++] = t->columns[i].name;
		if (used + 1 < sizeof list) snprintf(list + used, sizeof list - used, "%s%.40s", i ? ", " : "", t->columns[i].name);
	}
	near = eg_did_you_mean(name, names, n);
	return eg_fail(err, EG_ERR_ARG, "'%s' has no column '%s'; it has %s%s%s%s", t->file, name, list, near ? ". Is it '" : "",
	        near ? near : "", near ? "'?" : "");
}

eg_status eg_time_table_find(const eg_time_table *t, const char *name, int *place, eg_error *err) {
	int n = 0;
	if (name) {
		eg_status status = eg_time_table_column(t, name, place, err);
		if (status) return status;
	}
	for (int i = 0; i < t->ncolumns && !name; i++)
		if (t->columns[i].numbers && !t->columns[i].counts) *place = i, n++;
	if (!name && n != 1) return *place = -1, several(t, n, err);
	return t->columns[*place].wrong_line ? no_numbers(t, &t->columns[*place], err) : EG_OK;
}
