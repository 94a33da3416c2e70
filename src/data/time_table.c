/* time_table.c - a table whose rows are steps in time, for forecasts without a recipe: which column is the time, what
 * the grid is, and the numbers of the others. What is wrong is told with line and column; nothing is guessed in
 * silence.
 *
 * Not here: what a cell says (cells.c), sources of records (source_series.c). */
#include "data/table.h"

#include <math.h>
#include <string.h>
#include <strings.h>

enum { PARTS = 6 };

typedef struct owner { /* of a table, in its own arena */
	eg_time_table base;
	eg_arena arena;
} owner;

typedef struct reading {
	owner *o;
	eg_time_table_options options;
	eg_strings missing;
	eg_head head;
	const char **cells; /* rows x head.n: what is no number; texts in the arena */
	double *numbers;    /* rows x head.n */
	int64_t *lines;
	int rows, cap_cells, cap_numbers, cap_lines;
	int time[PARTS], ntime;
	double *times;
} reading;

static eg_status no_memory(const reading *r, eg_error *err) {
	return eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", r->head.file ? r->head.file : "a table");
}

static const char gap[] = ""; /* of a cell that says nothing */

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static eg_status add_row(reading *r, const eg_row *row, eg_error *err) {
	const int n = r->head.n;
	if (row->n != n)
		return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: %d column%s, but the first line names %d; write a separator between columns",
		        r->head.file, (long long)row->line, row->n, row->n == 1 ? "" : "s", n);
	size_t cells = (size_t)n * sizeof *r->cells, numbers = (size_t)n * sizeof *r->numbers;
	if (!eg_grow(NULL, &r->cells, &r->cap_cells, r->rows, cells) || !eg_grow(NULL, &r->numbers, &r->cap_numbers, r->rows, numbers) ||
	        !eg_grow(NULL, &r->lines, &r->cap_lines, r->rows, sizeof *r->lines))
		return no_memory(r, err);
	for (int i = 0; i < n; i++) {
		const char **text = &r->cells[(ptrdiff_t)r->rows * n + i];
		double *v = &r->numbers[(ptrdiff_t)r->rows * n + i];
		*text = NULL;
		*v = NAN;
		if (eg_cell_missing(row->cells[i], r->head.names[i], &r->missing))
			*text = gap;
		else if (!eg_cell_number(row->cells[i], v)) {
			*text = eg_arena_strdup(&r->o->arena, row->cells[i]);
			if (!*text) return no_memory(r, err);
		}
	}
	r->lines[r->rows++] = row->line;
	return EG_OK;
}

static eg_status read_rows(reading *r, eg_rows *rows, eg_error *err) {
	const eg_table_form form = {.separator = r->options.separator == '\t' ? 1 : r->options.separator == ';' ? 2 : 0,
		.quoted = true, .header = true};
	eg_row first, row;
	eg_status status = eg_head_read(&r->head, rows, &form, &r->o->arena, &first, err);
	while (!status) {
		status = eg_rows_next(rows, &row, err);
		if (status || row.n == 0) break;
		status = add_row(r, &row, err);
	}
	if (!status && r->rows == 0) status = eg_fail(err, EG_ERR_FORMAT, "'%s' has names of columns, but no rows below them", r->head.file);
	return status;
}

/* ---- the time ---------------------------------------------------------------------------------------------------- */

static const char *cell(const reading *r, int row, int column) { return r->cells[(ptrdiff_t)row * r->head.n + column]; }
static double number(const reading *r, int row, int column) { return r->numbers[(ptrdiff_t)row * r->head.n + column]; }

/* Every cell is a time, and none a plain number. */
static bool is_time(const reading *r, int column) {
	double seconds;
	for (int i = 0; i < r->rows; i++) {
		const char *text = cell(r, i, column);
		if (!text || text == gap || !eg_cell_time(text, &seconds)) return false;
	}
	return true;
}

static void find_time(reading *r) {
	static const char *const parts[PARTS] = {"year", "month", "day", "hour", "minute", "second"};
	for (int i = 0; i < r->head.n; i++)
		if (is_time(r, i)) {
			r->time[0] = i, r->ntime = 1;
			return;
		}
	for (int p = 0; p < PARTS && p == r->ntime; p++)
		for (int i = 0; i < r->head.n; i++)
			if (strcasecmp(r->head.names[i], parts[p]) == 0 && r->ntime == p) r->time[r->ntime++] = i;
	if (r->ntime < 2) r->ntime = 0;
}

static eg_status choose_time(reading *r, eg_error *err) {
	const char *const *names = r->options.time;
	if (!names && !r->options.rows) find_time(r);
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
	if (r->ntime > 0 && !(r->o->base.time = eg_arena_strdup(&r->o->arena, list))) return no_memory(r, err);
	return EG_OK;
}

static bool time_of(const reading *r, int row, double *time) {
	double parts[PARTS];
	const char *text = cell(r, row, r->time[0]);
	char year[32];
	if (r->ntime == 1) {
		if (text) return text != gap && eg_cell_time(text, time);
		snprintf(year, sizeof year, "%.0f", number(r, row, r->time[0])); /* 2010 is a number, and a year */
		return eg_cell_time(year, time);
	}
	for (int i = 0; i < r->ntime; i++) parts[i] = number(r, row, r->time[i]);
	return eg_time_of(parts, r->ntime, time);
}

static eg_status read_times(reading *r, eg_error *err) {
	r->times = eg_alloc(NULL, (size_t)r->rows * sizeof *r->times);
	if (!r->times) return no_memory(r, err);
	for (int i = 0; i < r->rows; i++) {
		if (!time_of(r, i, &r->times[i])) {
			const char *text = cell(r, i, r->time[0]);
			return eg_fail(err, EG_ERR_FORMAT,
			        "%s:%lld: '%.40s' in the column '%s' is no time: write it as 2010-03-31, 2010-03-31 14:30 or 2010-03", r->head.file,
			        (long long)r->lines[i], text ? text : "a number", r->o->base.time);
		}
		if (i == 0 || r->times[i] > r->times[i - 1]) continue;
		return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: the time in the column '%s' is %s of line %lld; bring the lines into order, "
		                                   "one for each time", r->head.file, (long long)r->lines[i], r->o->base.time,
		        r->times[i] == r->times[i - 1] ? "the same as that" : "earlier than that", (long long)r->lines[i - 1]);
	}
	return EG_OK;
}

/* ---- the grid ---------------------------------------------------------------------------------------------------- */

/* Year, month from 1, day of 1970's calendar (Howard Hinnant, "chrono-compatible low-level date algorithms"). */
static void civil(double seconds, int64_t *year, int *month, int *day, double *rest) {
	int64_t z = (int64_t)floor(seconds / 86400);
	*rest = seconds - (double)z * 86400;
	z += 719468;
	int64_t era = (z >= 0 ? z : z - 146096) / 146097, of_era = z - era * 146097;
	int64_t of = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t day_of_year = of_era - (365 * of + of / 4 - of / 100), m = (5 * day_of_year + 2) / 153;
	*day = (int)(day_of_year - (153 * m + 2) / 5) + 1;
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = of + era * 400 + (*month <= 2);
}

/* Months since year 0, where all times are on one day of the month and at one time of it. */
static bool month_of(double seconds, double first, int64_t *months) {
	int64_t y, y0;
	int m, m0, d, d0;
	double rest, rest0;
	civil(seconds, &y, &m, &d, &rest);
	civil(first, &y0, &m0, &d0, &rest0);
	*months = y * 12 + m - 1;
	return d == d0 && rest == rest0 && d <= 28;
}

static int64_t common(int64_t a, int64_t b) {
	while (b) {
		int64_t rest = a % b;
		a = b, b = rest;
	}
	return a;
}

/* Of which months or seconds the step is. */
static void find_grid(reading *r) {
	eg_time_table *t = &r->o->base;
	int64_t months, before = 0, step = 0;
	double least = INFINITY;
	bool calendar = r->rows > 1 && r->times[1] - r->times[0] >= 28 * 86400.0;
	for (int i = 0; i < r->rows; i++) {
		calendar = calendar && month_of(r->times[i], r->times[0], &months);
		if (i > 0) least = fmin(least, r->times[i] - r->times[i - 1]);
		if (calendar && i > 0) step = common(months - before, step);
		if (calendar) before = months;
	}
	if (calendar && step > 0)
		t->months = (int)step;
	else
		t->seconds = r->rows < 2 ? 1 : least < 5e-7 ? least : fmax(1e-6, nearbyint(least * 1e6) / 1e6);
}

/* The step of row i; -1: it lies beside the grid. Seconds since 1970 are exact to some 2e-7. */
static int64_t place_of(const reading *r, int i) {
	const eg_time_table *t = &r->o->base;
	int64_t now, first;
	if (t->months > 0) {
		month_of(r->times[i], r->times[0], &now);
		month_of(r->times[0], r->times[0], &first);
		return (now - first) / t->months;
	}
	const double steps = (r->times[i] - r->times[0]) / t->seconds, beside = fmin(1e-6 + 1e-6 / t->seconds, 0.25);
	return fabs(steps - nearbyint(steps)) < beside && nearbyint(steps) >= i ? (int64_t)nearbyint(steps) : -1;
}

static eg_status check_grid(reading *r, eg_error *err) {
	eg_time_table *t = &r->o->base;
	for (int i = 0; i < r->rows && r->ntime > 0 && !r->options.rows; i++) {
		int64_t at = place_of(r, i);
		if (at < 0)
			return eg_fail(err, EG_ERR_FORMAT,
			        "%s:%lld: this time is not a whole number of steps of %g s behind the first one, so the times are irregular; say "
			        "--rows to count rows instead, or bring them to a grid", r->head.file, (long long)r->lines[i], t->seconds);
		if (at > 8 * (int64_t)r->rows + 1000)
			return eg_fail(err, EG_ERR_FORMAT,
			        "%s:%lld: with steps of %g %s there would be %lld of them up to here, for %d rows; say --rows to count rows instead",
			        r->head.file, (long long)r->lines[i], t->months ? t->months : t->seconds, t->months ? "months" : "s", (long long)at,
			        i + 1);
		t->steps = (int)at + 1;
	}
	if (r->ntime == 0 || r->options.rows) t->steps = r->rows;
	return EG_OK;
}

/* ---- columns ----------------------------------------------------------------------------------------------------- */

static bool of_time(const reading *r, int column) {
	for (int i = 0; i < r->ntime; i++)
		if (r->time[i] == column) return true;
	return false;
}

static bool fill_column(const reading *r, int from, eg_time_column *c) {
	const eg_time_table *t = &r->o->base;
	int numbers = 0, told = 0;
	*c = (eg_time_column){.name = r->head.names[from], .counts = r->rows > 2};
	c->values = eg_arena_alloc(&r->o->arena, (size_t)t->steps * sizeof *c->values);
	if (!c->values) return false;
	for (int i = 0; i < t->steps; i++) c->values[i] = NAN;
	for (int i = 0; i < r->rows; i++) {
		const char *text = cell(r, i, from);
		double v = number(r, i, from);
		c->missing += text == gap, told += text != gap, numbers += !text;
		if (text && text != gap && c->wrong_line == 0) c->wrong_line = r->lines[i], c->wrong = text;
		if (isnan(v) || (i > 0 && v != number(r, i - 1, from) + 1)) c->counts = false;
		c->values[r->ntime > 0 && !r->options.rows ? place_of(r, i) : i] = v;
	}
	c->numbers = told == 0 ? c->missing > 0 : 2 * numbers > told;
	return true;
}

static eg_status fill(reading *r, eg_error *err) {
	eg_time_table *t = &r->o->base;
	eg_status status = check_grid(r, err);
	if (status) return status;
	t->rows = r->rows;
	t->columns = eg_arena_alloc(&r->o->arena, (size_t)r->head.n * sizeof *t->columns);
	if (!t->columns) return no_memory(r, err);
	for (int i = 0; i < r->head.n; i++)
		if (!of_time(r, i) && !fill_column(r, i, &t->columns[t->ncolumns++])) return no_memory(r, err);
	if (r->ntime == 0 || r->options.rows) return EG_OK;
	t->dated = true, t->begin = r->times[0];
	return EG_OK;
}

/* ---- the interface ----------------------------------------------------------------------------------------------- */

eg_status eg_time_table_take(
	eg_reader *reader, const eg_time_table_options *options, eg_time_table **table, eg_error *err) {
	const eg_text_rules rules = {0};
	reading r = {.o = eg_calloc(NULL, 1, sizeof *r.o)};
	eg_rows *rows = NULL;
	*table = NULL;
	if (!r.o) return no_memory(&r, err);
	if (options) r.options = *options;
	for (; r.options.missing && r.options.missing[r.missing.n]; r.missing.n++) {}
	r.missing.at = (const char **)r.options.missing;
	eg_status status = eg_rows_new(reader, r.options.separator ? r.options.separator : ',', true, &rules, &rows, err);
	if (!status) status = read_rows(&r, rows, err);
	if (!status) status = choose_time(&r, err);
	if (!status && r.ntime > 0) status = read_times(&r, err);
	if (!status && r.ntime > 0 && !r.options.rows) find_grid(&r);
	if (!status) status = fill(&r, err);
	r.o->base.file = r.head.file;
	eg_rows_free(rows);
	eg_release(NULL, r.cells);
	eg_release(NULL, r.numbers);
	eg_release(NULL, r.lines);
	eg_release(NULL, r.times);
	if (status)
		eg_time_table_free(&r.o->base);
	else
		*table = &r.o->base;
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

void eg_time_table_free(eg_time_table *t) {
	owner *o = (owner *)t;
	if (!o) return;
	eg_arena_free(&o->arena);
	eg_release(NULL, o);
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

eg_status eg_time_table_find(const eg_time_table *t, const char *name, int *place, eg_error *err) {
	int n = 0;
	*place = -1;
	for (int i = 0; i < t->ncolumns; i++) {
		const eg_time_column *c = &t->columns[i];
		if (name ? strcmp(c->name, name) != 0 : !c->numbers || c->counts) continue;
		*place = i, n++;
	}
	if (!name && n != 1) return several(t, n, err);
	if (n > 1) return eg_fail(err, EG_ERR_FORMAT, "'%s' has two columns called '%s'; rename one", t->file, name);
	if (n == 0) {
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
	return t->columns[*place].wrong_line ? no_numbers(t, &t->columns[*place], err) : EG_OK;
}

/* A time of a grid of so many seconds, with as much as that needs. */
static const char *write_time(char buf[32], long long y, int month, int day, double rest, double step) {
	int seconds = (int)floor(rest);
	if (fmod(step, 86400) == 0)
		snprintf(buf, 32, "%04lld-%02d-%02d", y, month, day);
	else if (fmod(step, 60) == 0)
		snprintf(buf, 32, "%04lld-%02d-%02dT%02d:%02d", y, month, day, seconds / 3600, seconds / 60 % 60);
	else
		snprintf(buf, 32, "%04lld-%02d-%02dT%02d:%02d:%02d", y, month, day, seconds / 3600, seconds / 60 % 60, seconds % 60);
	return buf;
}

/* How many whole months such a step is; 0: it is no such. */
static int months_of(double step) {
	const double days = step / 86400;
	if (days < 28 || days > 366 || days != floor(days)) return 0;
	for (int months = 1; months <= 12; months++)
		if (days >= 30.4 * months - 3 && days <= 30.5 * months + 1.5 && (months == 1 || months % 3 == 0)) return months;
	return 0;
}

double eg_time_ahead(double time, double step, int steps) {
	int64_t year;
	int month, day;
	double rest, then;
	civil(time, &year, &month, &day, &rest);
	const int64_t months = year * 12 + month - 1 + (int64_t)months_of(step) * steps;
	const double parts[3] = {(double)(months / 12), (double)(months % 12 + 1), day};
	return months_of(step) > 0 && day <= 28 && eg_time_of(parts, 3, &then) ? then + rest : time + step * steps;
}

const char *eg_time_text(double time, double step, char buf[32]) {
	int64_t year;
	int month, day;
	double rest;
	civil(time, &year, &month, &day, &rest);
	if (months_of(step) > 0 && day == 1 && rest == 0)
		return snprintf(buf, 32, "%04lld-%02d", (long long)year, month), buf;
	return write_time(buf, (long long)year, month, day, rest, step);
}

const char *eg_time_table_when(const eg_time_table *t, int step, char buf[32]) {
	int64_t year, months;
	int month, day;
	double rest;
	buf[0] = '\0';
	if (!t->dated) return buf;
	civil(t->begin + (t->months ? 0 : t->seconds * step), &year, &month, &day, &rest);
	months = year * 12 + month - 1 + (int64_t)t->months * step;
	if (t->months) year = months / 12, month = (int)(months % 12) + 1;
	if (!t->months || day != 1 || rest != 0) return write_time(buf, (long long)year, month, day, rest, t->months ? 86400 : t->seconds);
	snprintf(buf, 32, t->months % 12 == 0 && month == 1 ? "%04lld" : "%04lld-%02d", (long long)year, month);
	return buf;
}

const int *eg_time_table_periods(const eg_time_table *t) {
	static const int months[] = {12, 0}, quarters[] = {4, 0}, days[] = {7, 365, 0}, weeks[] = {52, 0}, hours[] = {24, 168, 0},
	                 halves[] = {48, 336, 0}, tens[] = {144, 0}, minutes[] = {60, 1440, 0}, none[] = {0};
	if (t->months) return t->months == 1 ? months : t->months == 3 ? quarters : none;
	return t->seconds == 86400     ? days
	       : t->seconds == 604800 ? weeks
	       : t->seconds == 3600   ? hours
	       : t->seconds == 1800   ? halves
	       : t->seconds == 600    ? tens
	       : t->seconds == 60     ? minutes
	                              : none;
}
