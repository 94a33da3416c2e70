/* time_table.c - a table whose rows are steps in time, for forecasts without a recipe: which column is the time,
 * which rows are of which series, and the numbers of the other columns. What is wrong is told with line and
 * column; nothing is guessed in silence.
 *
 * Not here: what a cell says (cells.c), the grid (time_grid.c), formats and time zones (time_zone.c), sources of
 * records (source_series.c). */
#include "data/time_table.h"

#include <math.h>
#include <string.h>
#include <stdlib.h>
#include <strings.h>

enum { PARTS = 6, WORDS_MOST = 32 };

typedef struct owner { /* of all tables of a file */
	eg_time_table first;
	eg_time_tables all;
	eg_arena arena;
} owner;

typedef struct reading {
	owner *o;
	eg_time_table_options options;
	eg_strings missing;
	eg_head head;
	const char **cells; /* all x head.n: texts in the arena; gap: nothing */
	double *numbers;    /* all x head.n; NAN: it is none */
	int64_t *lines;
	int all, cap_cells, cap_numbers, cap_lines;
	int time[PARTS], ntime;
	/* The table that is made: `rows` of all, from `from` in the order. */
	eg_time_table *t;
	int *order;         /* rows of a series follow each other; NULL: as they came */
	int from, rows;
	double *times;      /* of these rows, rising */
} reading;

static eg_status no_memory(const reading *r, eg_error *err) {
	return eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", r->head.file ? r->head.file : "a table");
}

static const char gap[] = ""; /* of a cell that says nothing */

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static eg_status add_row(reading *r, const eg_row *row, eg_error *err) {
	const int n = r->head.n;
	const int64_t line = row->line + (r->options.line > 0 ? r->options.line - 2 : 0);
	if (row->n != n)
		return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: %d column%s, but the first line names %d; write a separator between columns",
		        r->head.file, (long long)line, row->n, row->n == 1 ? "" : "s", n);
	size_t cells = (size_t)n * sizeof *r->cells, numbers = (size_t)n * sizeof *r->numbers;
	if (!eg_grow(NULL, &r->cells, &r->cap_cells, r->all, cells) || !eg_grow(NULL, &r->numbers, &r->cap_numbers, r->all, numbers) ||
	        !eg_grow(NULL, &r->lines, &r->cap_lines, r->all, sizeof *r->lines))
		return no_memory(r, err);
	const bool texts = r->options.format || r->options.id; /* 20100331 is a number, and a time; 17 names a series */
	for (int i = 0; i < n; i++) {
		const char **text = &r->cells[(ptrdiff_t)r->all * n + i];
		double *v = &r->numbers[(ptrdiff_t)r->all * n + i];
		*text = NULL;
		*v = NAN;
		if (eg_cell_missing(row->cells[i], r->head.names[i], &r->missing))
			*text = gap;
		else if (!eg_cell_number(row->cells[i], v) || texts) {
			*text = eg_arena_strdup(&r->o->arena, row->cells[i]);
			if (!*text) return no_memory(r, err);
		}
	}
	r->lines[r->all++] = line;
	return EG_OK;
}

static eg_status read_rows(reading *r, eg_rows *rows, eg_error *err) {
	const eg_table_form form = {.separator = r->options.separator == '\t' ? 1 : r->options.separator == ';' ? 2 : 0,
		.quoted = true, .header = true};
	eg_row first, row;
	eg_status status = eg_head_read(&r->head, rows, &form, &r->o->arena, &first, err);
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

/* ---- the time ---------------------------------------------------------------------------------------------------- */

/* Row `row` of the table that is made. */
static ptrdiff_t place(const reading *r, int row) { return r->order ? r->order[r->from + row] : r->from + row; }
static const char *cell(const reading *r, int row, int column) { return r->cells[place(r, row) * r->head.n + column]; }
static double number(const reading *r, int row, int column) { return r->numbers[place(r, row) * r->head.n + column]; }
static long long line(const reading *r, int row) { return r->lines[place(r, row)]; }

/* Every cell is a time, and none a plain number, unless a format was given. */
static bool is_time(const reading *r, int column) {
	double seconds;
	bool zoned;
	for (int i = 0; i < r->rows; i++) {
		const char *text = cell(r, i, column), *format = r->options.format;
		if (!text || text == gap || (!format && !isnan(number(r, i, column)))) return false;
		if (format ? !eg_time_formatted(text, format, &seconds, &zoned) : !eg_cell_time(text, &seconds)) return false;
	}
	return true;
}

static bool grid_given(const reading *r) { return r->options.grid_months > 0 || r->options.grid_seconds > 0; }

static void find_time(reading *r) {
	static const char *const parts[PARTS] = {"year", "month", "day", "hour", "minute", "second"};
	for (int i = 0; i < r->head.n; i++)
		if (is_time(r, i)) {
			r->time[0] = i, r->ntime = 1;
			return;
		}
	for (int p = 0; p < PARTS && p == r->ntime && !r->options.format; p++)
		for (int i = 0; i < r->head.n; i++)
			if (strcasecmp(r->head.names[i], parts[p]) == 0 && r->ntime == p) r->time[r->ntime++] = i;
	if (r->ntime < 2) r->ntime = 0;
}

static eg_status choose_time(reading *r, eg_error *err) {
	const char *const *names = r->options.time;
	if (!names && (!r->options.rows || r->options.row_times)) find_time(r);
	for (int i = 0; names && names[i]; i++) {
		if (i == PARTS) return eg_fail(err, EG_ERR_ARG, "the time has at most %d columns: year, month, day, hour, minute, second", PARTS);
		eg_status status = eg_head_find(&r->head, names[i], &r->time[r->ntime++], err);
		if (status) return status;
	}
	char list[200] = "";
	for (int i = 0; i < r->ntime; i++) {
		size_t used = strlen(list);
		snprintf(list + used, sizeof list - used, "%s%.40s", i ? ", " : "", r->head.names[r->time[i]]);
	}
	if (r->ntime > 0 && !(r->t->time = eg_arena_strdup(&r->o->arena, list))) return no_memory(r, err);
	const char *needs = r->options.format ? "a format of the time" : r->options.zone ? "a time zone" : grid_given(r) ? "a grid" : NULL;
	if (r->options.rows && needs && (grid_given(r) || !r->options.row_times))
		return eg_fail(err, EG_ERR_ARG, "%s was given, and rows are to be steps; give one of the two", needs);
	if (r->ntime > 0 || !needs) return EG_OK;
	if (!r->options.format)
		return eg_fail(err, EG_ERR_ARG, "%s was given, but no column of '%s' holds times only; name it with --time, or give its format "
		                                "with --time-format", needs, r->head.file);
	return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: no column holds times as '%s' alone, as '%.40s' in the column '%s'; name the column with "
	                                   "--time, or correct the format", r->head.file, line(r, 0), r->options.format,
	        cell(r, 0, 0), r->head.names[0]);
}

/* By a format: the cells with blanks between them. */
static bool formatted(const reading *r, int row, double *time, bool *zoned) {
	char text[200] = "";
	for (int i = 0; i < r->ntime; i++) {
		const char *part = cell(r, row, r->time[i]);
		size_t used = strlen(text);
		snprintf(text + used, sizeof text - used, "%s%s", i ? " " : "", part);
	}
	return eg_time_formatted(text, r->options.format, time, zoned);
}

static bool time_of(const reading *r, int row, double *time, bool *zoned) {
	double parts[PARTS];
	const char *text = cell(r, row, r->time[0]);
	char year[32];
	*zoned = false;
	if (r->options.format) return formatted(r, row, time, zoned);
	if (r->ntime == 1 && (!text || !isnan(number(r, row, r->time[0])))) {
		snprintf(year, sizeof year, "%.0f", number(r, row, r->time[0])); /* 2010 is a number, and a year */
		return eg_cell_time(year, time);
	}
	if (r->ntime == 1) {
		*zoned = text != gap && eg_time_has_offset(text);
		return text != gap && eg_cell_time(text, time);
	}
	for (int i = 0; i < r->ntime; i++) parts[i] = number(r, row, r->time[i]);
	return eg_time_of(parts, r->ntime, time);
}

static eg_status no_time(const reading *r, int row, eg_error *err) {
	const char *text = cell(r, row, r->time[0]);
	if (r->options.format)
		return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: '%.40s' in the column '%s' is no time as '%s'; correct it, or the format", r->head.file,
		        line(r, row), text, r->t->time, r->options.format);
	return eg_fail(err, EG_ERR_FORMAT,
	        "%s:%lld: '%.40s' in the column '%s' is no time: write it as 2010-03-31, 2010-03-31 14:30 or 2010-03, or give its format, as "
	        "in --time-format '%%d.%%m.%%Y %%H:%%M'", r->head.file, line(r, row), text ? text : "a number", r->t->time);
}

/* The times as they are written; with an offset all of them, or none. */
static eg_status read_times(reading *r, eg_error *err) {
	bool zoned = false, first = false;
	for (int i = 0; i < r->rows; i++) {
		if (!time_of(r, i, &r->times[i], &zoned)) return no_time(r, i, err);
		if (i == 0) first = zoned;
		if (zoned == first) continue;
		return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: the time in the column '%s' has %s offset from UTC, and that of line %lld has %s; write "
		                                   "all of them with one, or none", r->head.file, line(r, i), r->t->time, zoned ? "an" : "no",
		        line(r, 0), zoned ? "none" : "one");
	}
	r->t->told = !first ? EG_TIME_AS_WRITTEN : r->options.zone ? EG_TIME_LOCAL : EG_TIME_UTC;
	return EG_OK;
}

/* What clocks of the time zone showed becomes the time that it was. Days stay days. */
static eg_status leave_zone(reading *r, eg_error *err) {
	bool days = !r->options.before;
	const double before = r->options.before ? *r->options.before : -INFINITY;
	for (int i = 0; i < r->rows; i++) days = days && fmod(r->times[i] - r->times[0], 86400) == 0;
	if (r->t->told != EG_TIME_AS_WRITTEN || !r->options.zone || days) return EG_OK;
	for (int i = 0; i < r->rows; i++)
		if (!eg_time_from_local(r->times[i], i ? r->times[i - 1] : before, &r->times[i]))
			return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: clocks in %s never showed the time in the column '%s', as they were put forward then; "
			                                   "correct it, or the time zone", r->head.file, line(r, i), r->options.zone, r->t->time);
	r->t->told = EG_TIME_LOCAL;
	return EG_OK;
}

static eg_status check_order(const reading *r, eg_error *err) {
	for (int i = 1; i < r->rows; i++) {
		const double step = r->times[i] - r->times[i - 1];
		if (step > 0 || (step == 0 && grid_given(r))) continue;
		const bool clocks = r->t->told == EG_TIME_AS_WRITTEN && step > -3600 && eg_time_maybe_changed(r->times[i]);
		return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: the time in the column '%s' is %s of line %lld%s; %s, one for each time", r->head.file,
		        line(r, i), r->t->time, step == 0 ? "the same as that" : "earlier than that", line(r, i - 1),
		        r->t->id ? ", of the same series" : "",
		        clocks ? "if clocks were put back then, say where, as in --time-zone Europe/Berlin; else bring the lines into order"
		        : !r->options.id ? "if the rows are of several series, name the column that says which with --id; else bring the lines into order"
		                                      : "bring the lines into order");
	}
	return EG_OK;
}

/* ---- the grid ---------------------------------------------------------------------------------------------------- */

/* Rows are steps; why is a remark. */
static eg_status count_rows(reading *r, const char *more, const eg_error *why, eg_error *err) {
	r->t->remark = eg_arena_printf(&r->o->arena, "%s%s; rows are counted here", why->message, more);
	return r->t->remark ? EG_OK : no_memory(r, err);
}

/* All times that do not rise, of which `why` names the first. */
static eg_status count_disorder(reading *r, const eg_error *why, eg_error *err) {
	int same = 0, back = 0;
	char more[120];
	for (int i = 1; i < r->rows; i++) same += r->times[i] == r->times[i - 1], back += r->times[i] < r->times[i - 1];
	snprintf(more, sizeof more, " (in all %d time%s as that before, and %d earlier)", same, same == 1 ? " is the same" : "s are the same", back);
	return count_rows(r, more, why, err);
}

/* Rows are steps, and each has its time: how far one is from the next is as it is. */
static eg_status keep_times(reading *r, eg_error *err) {
	eg_time_table *t = r->t;
	double *times = eg_arena_alloc(&r->o->arena, ((size_t)r->rows + 1) * sizeof *times);
	if (!times) return no_memory(r, err);
	memcpy(times, r->times, (size_t)r->rows * sizeof *times);
	eg_time_grid_none(t, times, r->rows);
	return EG_OK;
}

/* An hour that is not there, where clocks may have been put forward. */
static eg_status look_for_clocks(const reading *r, eg_error *err) {
	eg_time_table *t = r->t;
	if (t->told != EG_TIME_AS_WRITTEN || t->months || !(t->seconds <= 3600)) return EG_OK;
	for (int i = 1; i < r->rows && !t->remark; i++) {
		if (r->times[i] - r->times[i - 1] != 3600 + t->seconds || !eg_time_maybe_changed(r->times[i])) continue;
		char text[300];
		snprintf(text, sizeof text, "%.80s:%lld: the hour before is not there, on a Sunday: if clocks were put forward then, say where, as in "
		                            "--time-zone Europe/Berlin; so it counts as missing", r->head.file, line(r, i));
		t->remark = eg_arena_strdup(&r->o->arena, text);
		if (!t->remark) return no_memory(r, err);
	}
	return EG_OK;
}

static eg_status make_grid(reading *r, eg_error *err) {
	eg_time_table *t = r->t;
	const bool days = r->options.grid_months > 0 || r->options.grid_seconds >= 86400;
	if (!grid_given(r)) {
		eg_time_grid_find(t, r->times, r->rows);
		return look_for_clocks(r, err);
	}
	for (int i = 0; i < r->rows && days && t->told == EG_TIME_LOCAL; i++) r->times[i] += eg_time_local_offset(r->times[i]);
	eg_time_grid_set(t, r->options.grid_months, r->options.grid_seconds, r->times[0]);
	return EG_OK;
}

static eg_status check_grid(reading *r, eg_error *err) {
	eg_time_table *t = r->t;
	for (int i = 0; i < r->rows; i++) {
		int64_t at = eg_time_grid_place(t, r->times[i], t->averaged ? 0 : i);
		if (at < 0)
			return eg_fail(err, EG_ERR_FORMAT,
			        "%s:%lld: this time is not a whole number of steps of %g s behind the first one, so the times are irregular; say "
			        "--grid 1h (or another step) for means over such steps, or --rows to count rows instead", r->head.file, line(r, i),
			        t->seconds);
		if (at > 8 * (int64_t)r->rows + 1000)
			return eg_fail(err, EG_ERR_FORMAT,
			        "%s:%lld: with steps of %g %s there would be %lld of them up to here, for %d rows; say --grid 1h (or another step) for "
			        "means over longer steps, or --rows to count rows instead", r->head.file, line(r, i),
			        t->months ? t->months : t->seconds, t->months ? "months" : "s", (long long)at, i + 1);
		t->steps = (int)at + 1;
	}
	t->dated = true;
	return EG_OK;
}

/* ---- columns ----------------------------------------------------------------------------------------------------- */

static bool of_time(const reading *r, int column) {
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

static bool has_number(const reading *r, int row, int column) { return !isnan(number(r, row, column)); }

static int64_t step_of(const reading *r, int row) {
	const eg_time_table *t = r->t;
	return t->dated && !t->times ? eg_time_grid_place(t, r->times[row], t->averaged ? 0 : row) : row;
}

/* Numbers: the mean of a step's rows, where a grid was asked for. */
static bool fill_numbers(const reading *r, int from, eg_time_column *c) {
	const eg_time_table *t = r->t;
	int *rows = eg_calloc(NULL, (size_t)t->steps, sizeof *rows);
	if (!rows) return false;
	for (int i = 0; i < t->steps; i++) c->values[i] = NAN;
	for (int i = 0; i < r->rows; i++) {
		const double v = number(r, i, from);
		const int64_t at = step_of(r, i);
		if (isnan(v)) continue;
		c->values[at] = rows[at]++ ? c->values[at] + (v - c->values[at]) / rows[at] : v;
	}
	eg_release(NULL, rows);
	return true;
}

/* Words: the last of a step's rows. */
static bool fill_words(const reading *r, int from, eg_time_column *c) {
	const eg_time_table *t = r->t;
	c->words = eg_arena_alloc(&r->o->arena, WORDS_MOST * sizeof *c->words);
	if (!c->words) return false;
	for (int i = 0; i < r->rows && c->nwords >= 0; i++) {
		const char *text = cell(r, i, from);
		const int64_t at = step_of(r, i);
		const int which = !text || text == gap ? -2 : word_of(c, text);
		if (which >= 0) c->values[at] = which;
		if (which != -1) continue;
		c->nwords = 0;
		for (int k = 0; k < t->steps; k++) c->values[k] = NAN;
		return true;
	}
	return true;
}

static bool fill_column(const reading *r, int from, eg_time_column *c) {
	int numbers = 0, told = 0;
	*c = (eg_time_column){.name = r->head.names[from], .counts = r->rows > 2};
	c->values = eg_arena_alloc(&r->o->arena, (size_t)r->t->steps * sizeof *c->values);
	if (!c->values) return false;
	for (int i = 0; i < r->rows; i++) {
		const char *text = cell(r, i, from);
		const bool is = has_number(r, i, from), missing = text == gap;
		c->missing += missing, told += !missing, numbers += is;
		if (!missing && !is && c->wrong_line == 0) c->wrong_line = line(r, i), c->wrong = text;
		if (!is || (i > 0 && number(r, i, from) != number(r, i - 1, from) + 1)) c->counts = false;
	}
	c->numbers = told == 0 ? c->missing > 0 : 2 * numbers > told;
	return fill_numbers(r, from, c) && (c->numbers || numbers > 0 || fill_words(r, from, c));
}

/* The time of each step, or why there is none: an error, or where rows may be steps a remark. */
static eg_status take_times(reading *r, eg_error *err) {
	const bool rows = r->options.rows, may = rows || r->options.lenient;
	eg_error why = {0};
	eg_status status = read_times(r, &why);
	if (!status) status = leave_zone(r, &why);
	if (status && rows && !r->options.time) return count_rows(r, "", &why, err);
	if (!status) {
		status = check_order(r, &why);
		if (status && may) return count_disorder(r, &why, err);
	}
	if (!status && rows) return keep_times(r, err);
	if (!status) status = make_grid(r, &why);
	if (!status) {
		status = check_grid(r, &why);
		if (status && may) {
			status = count_rows(r, "", &why, err);
			return status ? status : keep_times(r, err);
		}
	}
	if (status && err) *err = why;
	return status;
}

/* The table of the rows that were chosen. */
static eg_status fill(reading *r, int id, eg_error *err) {
	eg_time_table *t = r->t;
	t->rows = t->steps = r->rows;
	eg_status status = r->ntime > 0 && (!r->options.rows || r->options.row_times) ? take_times(r, err) : EG_OK;
	if (status) return status;
	t->file = r->head.file;
	t->columns = eg_arena_alloc(&r->o->arena, (size_t)r->head.n * sizeof *t->columns);
	if (!t->columns) return no_memory(r, err);
	for (int i = 0; i < r->head.n; i++)
		if (i != id && !of_time(r, i) && !fill_column(r, i, &t->columns[t->ncolumns++])) return no_memory(r, err);
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
static eg_status sort_series(reading *r, row_of *rows, int id, int *n, eg_error *err) {
	for (int i = 0; i < r->all; i++) {
		rows[i] = (row_of){.id = r->cells[(ptrdiff_t)i * r->head.n + id], .row = i};
		if (rows[i].id == gap)
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

static eg_status fill_series(reading *r, row_of *rows, int id, eg_error *err) {
	const char *time = r->t->time;
	int n = 0;
	eg_status status = sort_series(r, rows, id, &n, err);
	if (status) return status;
	r->order = eg_alloc(NULL, (size_t)r->all * sizeof *r->order);
	r->o->all.at = eg_arena_alloc(&r->o->arena, (size_t)n * sizeof *r->o->all.at);
	if (!r->order || !r->o->all.at) return no_memory(r, err);
	for (int i = 0; i < r->all; i++) r->order[i] = rows[i].row;
	for (r->from = 0; r->from < r->all && !status; r->from += r->rows) {
		for (r->rows = 1; r->from + r->rows < r->all && rows[r->from + r->rows].first == rows[r->from].first;) r->rows++;
		r->t = r->from == 0 ? &r->o->first : eg_arena_alloc(&r->o->arena, sizeof *r->t);
		if (!r->t) return no_memory(r, err);
		*r->t = (eg_time_table){.id = rows[r->from].id, .time = time};
		r->o->all.at[r->o->all.n++] = r->t;
		status = fill(r, id, err);
	}
	return status;
}

static eg_status fill_all(reading *r, eg_error *err) {
	int id = -1;
	r->times = eg_alloc(NULL, (size_t)r->all * sizeof *r->times);
	if (!r->times) return no_memory(r, err);
	if (r->options.id) {
		eg_status status = eg_head_find(&r->head, r->options.id, &id, err);
		row_of *rows = status ? NULL : eg_alloc(NULL, (size_t)r->all * sizeof *rows);
		if (!status && !rows) status = no_memory(r, err);
		if (!status) status = fill_series(r, rows, id, err);
		eg_release(NULL, rows);
		return status;
	}
	r->o->all.at = eg_arena_alloc(&r->o->arena, sizeof *r->o->all.at);
	if (!r->o->all.at) return no_memory(r, err);
	r->o->all.at[0] = r->t;
	r->o->all.n = 1;
	return fill(r, id, err);
}

/* ---- the interface ----------------------------------------------------------------------------------------------- */

static eg_status take(eg_reader *reader, const eg_time_table_options *options, owner **o, eg_error *err) {
	const eg_text_rules rules = {0};
	reading r = {.o = eg_calloc(NULL, 1, sizeof *r.o)};
	eg_rows *rows = NULL;
	*o = NULL;
	if (!r.o) return no_memory(&r, err);
	if (options) r.options = *options;
	for (; r.options.missing && r.options.missing[r.missing.n]; r.missing.n++) {}
	r.missing.at = (const char **)r.options.missing;
	r.t = &r.o->first;
	eg_status status = eg_rows_new(reader, r.options.separator ? r.options.separator : ',', true, &rules, &rows, err);
	if (!status) status = read_rows(&r, rows, err);
	r.rows = r.all;
	if (!status) status = choose_time(&r, err);
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
