/* source_series.c - numbers over time, a step in each row of a table: the user's own, and known series (airline
 * passengers, sunspots, temperatures, dust in the air of Beijing).
 *
 *   Month,Passengers              the first line names the columns; the recipe says which are numbers, which time
 *   1949-01,112
 *
 * The training part is one record, the steps before the test part; that is one record too, the steps from there to
 * the end. Times are seconds since 1970; a cell that says nothing is a gap (NaN). The numbers stay in memory.
 *
 * Not here: what a cell says (cells.c), windows and horizons (tasks). */
#include "data/table.h"

#include <math.h>
#include <string.h>

typedef struct series_source {
	eg_source base;
	eg_table_form form;
	eg_text_rules rules;
	eg_strings columns, time, classes;
	int64_t test_last;
	const char *test_from;
	const char *file; /* NULL: not read */
	float *at;        /* steps x columns */
	double *times;    /* NULL: the steps are 0, 1, 2, ... */
	int64_t *lines;
	int steps, cut; /* cut: where the test part begins */
	int64_t latin1;
} series_source;

enum { TIME_MOST = 6 }; /* year, month, day, hour, minute, second */

/* The file while it is read. */
typedef struct reading {
	series_source *s;
	eg_head head;
	eg_frame frame;
	int time[TIME_MOST], ntime; /* places in a row */
	int cap_times, cap_lines;
} reading;

static eg_status no_memory(const reading *r, eg_error *err) { return eg_source_no_memory(&r->s->base, err); }

/* ---- which columns are what -------------------------------------------------------------------------------------- */

static bool is_time(const reading *r, int place) {
	for (int i = 0; i < r->ntime; i++)
		if (r->time[i] == place) return true;
	return false;
}

static eg_status choose_columns(reading *r, eg_error *err) {
	const series_source *s = r->s;
	bool all = s->columns.n == 0;
	int n = 0;
	eg_status status = eg_frame_columns(&r->frame, all ? r->head.n : s->columns.n, &r->s->base.arena, err);
	for (r->ntime = 0; r->ntime < s->time.n && !status;) {
		int place;
		status = eg_head_find(&r->head, s->time.at[r->ntime], &place, err);
		if (!status) r->time[r->ntime++] = place;
	}
	for (int i = 0; i < r->frame.n && !status; i++) {
		int place = i;
		if (!all) status = eg_head_find(&r->head, s->columns.at[i], &place, err);
		if (status || (all && is_time(r, place))) continue;
		r->frame.columns[n++] = (eg_frame_column){.place = place, .found = all, .seen.name = r->head.names[place]};
	}
	r->frame.n = n;
	return status ? status : eg_frame_classes(&r->frame, &s->classes, err);
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

/* The time of a row: one cell, or year, month, day and so on, a cell each. */
static eg_status time_of(const reading *r, const eg_row *row, double *time, eg_error *err) {
	const series_source *s = r->s;
	double parts[TIME_MOST];
	bool ok = r->ntime != 1 || eg_cell_time(row->cells[r->time[0]], time);
	for (int i = 0; i < r->ntime && r->ntime > 1; i++) ok = ok && eg_cell_number(row->cells[r->time[i]], &parts[i]);
	if (ok && r->ntime > 1) ok = eg_time_of(parts, r->ntime, time);
	if (!ok)
		return eg_fail(err, EG_ERR_FORMAT,
		        "%s:%lld: '%.40s' in the column '%s'%s is no time: write it as 2010-03-31, 2010-03-31 14:30 or 2010-03",
		        r->head.file, (long long)row->line, row->cells[r->time[0]], s->time.at[0],
		        r->ntime > 1 ? " and those beside it" : "");
	if (s->steps == 0 || *time > s->times[s->steps - 1]) return EG_OK;
	return eg_fail(err, EG_ERR_FORMAT,
	        "%s:%lld: the time '%.40s' is not later than that of line %lld; bring the lines into order, one for each time",
	        r->head.file, (long long)row->line, row->cells[r->time[0]], (long long)s->lines[s->steps - 1]);
}

static eg_status add_row(reading *r, const eg_row *row, eg_error *err) {
	series_source *s = r->s;
	double time = 0;
	if (r->ntime > 0) {
		eg_error why;
		eg_status wrong = time_of(r, row, &time, &why);
		if (wrong) return eg_broken_add(&s->base, wrong, &why, err);
		if (!eg_grow(NULL, &s->times, &r->cap_times, s->steps, sizeof *s->times)) return no_memory(r, err);
		s->times[s->steps] = time;
	}
	if (!eg_grow(NULL, &s->lines, &r->cap_lines, s->steps, sizeof *s->lines)) return no_memory(r, err);
	if (!eg_frame_add(&r->frame, row, &s->form.missing, &s->base.arena)) return no_memory(r, err);
	s->lines[s->steps++] = row->line;
	return EG_OK;
}

/* Cells become numbers; rows with a cell that is none of its column's type are broken. */
static eg_status put_numbers(reading *r, eg_error *err) {
	series_source *s = r->s;
	eg_status status = eg_frame_settle(&r->frame, NULL, r->head.file, &s->base.arena, err);
	if (status) return status;
	int columns = eg_frame_width(&r->frame, 0, r->frame.n), n = 0;
	if (columns == 0) return eg_fail(err, EG_ERR_FORMAT, "'%s' has no column of numbers", r->head.file);
	s->at = eg_calloc(NULL, (size_t)s->steps * (size_t)columns, sizeof *s->at);
	if (!s->at) return no_memory(r, err);
	for (int i = 0; i < s->steps && !status; i++) {
		int bad = eg_frame_row(&r->frame, i, 0, r->frame.n, s->at + (ptrdiff_t)n * columns);
		if (bad >= 0) {
			eg_error why;
			status = eg_broken_add(
			        &s->base, eg_frame_wrong(&r->frame, i, bad, r->head.file, s->lines[i], &why), &why, err);
			continue;
		}
		s->lines[n] = s->lines[i];
		if (s->times) s->times[n] = s->times[i];
		n++;
	}
	s->steps = n;
	return status ? status : eg_frame_names(&r->frame, 0, r->frame.n, &s->base, 0, err);
}

static eg_status read_rows(reading *r, eg_rows *rows, eg_error *err) {
	series_source *s = r->s;
	eg_row first, row;
	int64_t before = eg_broken_count(&s->base);
	eg_status status = eg_head_read(&r->head, rows, &s->form, &s->base.arena, &first, err);
	if (!status) status = choose_columns(r, err);
	while (!status) {
		status = eg_head_next(&r->head, rows, &first, &s->base, &row, err);
		if (status || row.n == 0) break;
		status = add_row(r, &row, err);
	}
	if (!status && s->steps > 0) status = put_numbers(r, err);
	int64_t broken = eg_broken_count(&s->base) - before;
	if (!status) status = eg_broken_end(&s->base, EG_PART_TRAIN, before, s->steps + broken, err);
	if (!status && s->steps == 0) status = eg_fail(err, EG_ERR_FORMAT, "'%s' has no line of numbers", r->head.file);
	s->file = r->head.file;
	return status;
}

/* ---- parts ------------------------------------------------------------------------------------------------------- */

static eg_status cut(series_source *s, eg_error *err) {
	double from = 0;
	s->cut = s->steps;
	if (s->test_last > 0) s->cut = s->test_last < s->steps ? s->steps - (int)s->test_last : 0;
	if (s->test_from && !eg_cell_time(s->test_from, &from))
		return eg_fail(err, EG_ERR_ARG, "'test_from' is a time, such as 2014 or 2014-03-31, not '%.40s'", s->test_from);
	while (s->test_from && s->cut > 0 && s->times[s->cut - 1] >= from) s->cut--;
	if (s->cut > 0) return EG_OK;
	return eg_fail(err, EG_ERR_ARG, "'%s' has %d steps, all of which would be the test part: none would be left to train on",
	        s->file, s->steps);
}

static void close_source(eg_source *base) {
	series_source *s = (series_source *)base;
	eg_release(NULL, s->at);
	eg_release(NULL, s->times);
	eg_release(NULL, s->lines);
	s->at = NULL, s->times = NULL, s->lines = NULL, s->file = NULL;
	s->steps = 0;
}

eg_status eg_series_take(eg_source *base, eg_reader *reader, eg_error *err) {
	series_source *s = (series_source *)base;
	reading r = {.s = s};
	eg_rows *rows = NULL;
	close_source(base);
	eg_status status = eg_rows_new(reader, eg_separator_of(&s->form), true, &s->rules, &rows, err);
	if (status) return status;
	status = read_rows(&r, rows, err);
	s->latin1 = eg_lines_latin1(eg_rows_lines(rows));
	if (!status) status = cut(s, err);
	eg_frame_free(&r.frame);
	eg_rows_free(rows);
	if (status) {
		close_source(base);
		eg_source_forget_names(base, 0);
	}
	return status;
}

static eg_status prepare(eg_source *base, eg_part part, eg_error *err) {
	series_source *s = (series_source *)base;
	char path[EG_PATH];
	eg_reader *reader = NULL;
	if (part == EG_PART_VALIDATION) return EG_OK;
	eg_status status = s->file ? EG_OK : eg_source_file(base, path, err);
	if (!status && !s->file) {
		status = eg_reader_file(path, &reader, err);
		if (!status) status = eg_series_take(base, reader, err);
		eg_reader_close(reader);
	}
	if (status) return status;
	base->count[part] = part == EG_PART_TRAIN || s->cut < s->steps;
	if (part == EG_PART_TRAIN)
		eg_latin1_remark(base, part, s->latin1);
	else if (base->count[part] == 0)
		eg_source_remark_on(base, part,
		        "there is no test part: give 'test_last', how many steps at the end, or 'test_from', the time when it begins");
	return EG_OK;
}

static eg_status read_record(
	const eg_source *base, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	const series_source *s = (const series_source *)base;
	int from = part == EG_PART_TRAIN ? 0 : s->cut, to = part == EG_PART_TRAIN ? s->cut : s->steps;
	int columns = base->fields[0].columns;
	EG_UNUSED(i);
	if (wanted & 1u)
		r->fields[0] = (eg_datum){.there = true,
		        .series = {to - from, columns, s->at + (ptrdiff_t)from * columns, s->times ? s->times + from : NULL}};
	r->place = eg_record_printf(r, "%s:%lld", s->file, (long long)s->lines[from]);
	return r->place ? EG_OK : eg_record_no_memory(err);
}

/* ---- the sources ------------------------------------------------------------------------------------------------- */

static eg_status open_series(eg_source *base, eg_error *err) {
	series_source *s = (series_source *)base;
	if (s->test_last > 0 && s->test_from)
		return eg_fail(err, EG_ERR_ARG, "give 'test_last', how many steps, or 'test_from', a time, not both");
	if (s->test_from && s->time.n == 0)
		return eg_fail(err, EG_ERR_ARG, "'test_from' needs 'time', the column that tells the times");
	return eg_text_rules_check(&s->rules, err);
}

static eg_status open_set(eg_source *base, const char *const *time, int ntime, eg_error *err) {
	series_source *s = (series_source *)base;
	s->form.header = true;
	s->time.at = eg_arena_alloc(&base->arena, (size_t)ntime * sizeof *s->time.at);
	if (!s->time.at) return eg_source_no_memory(base, err);
	for (int i = 0; i < ntime; i++) s->time.at[i] = time[i];
	s->time.n = ntime;
	return open_series(base, err);
}

static eg_status open_airline(eg_source *base, eg_error *err) {
	series_source *s = (series_source *)base;
	if (s->test_last == 0 && !s->test_from) s->test_last = 48;
	return open_set(base, (const char *const[]){"Month"}, 1, err);
}

static eg_status open_sunspots(eg_source *base, eg_error *err) {
	series_source *s = (series_source *)base;
	if (s->test_last == 0 && !s->test_from) s->test_last = 564;
	return open_set(base, (const char *const[]){"Month"}, 1, err);
}

static eg_status open_temperatures(eg_source *base, eg_error *err) {
	series_source *s = (series_source *)base;
	if (s->test_last == 0 && !s->test_from) s->test_last = 365;
	return open_set(base, (const char *const[]){"Date"}, 1, err);
}

static eg_status open_pm25(eg_source *base, eg_error *err) {
	static const char *const columns[] = {"pm2.5", "DEWP", "TEMP", "PRES", "cbwd", "Iws", "Is", "Ir"};
	series_source *s = (series_source *)base;
	if (s->test_last == 0 && !s->test_from) s->test_from = "2014";
	if (s->columns.n == 0) {
		s->columns.at = eg_arena_alloc(&base->arena, sizeof columns);
		if (!s->columns.at) return eg_source_no_memory(base, err);
		memcpy(s->columns.at, columns, sizeof columns);
		s->columns.n = EG_COUNT(columns);
	}
	return open_set(base, (const char *const[]){"year", "month", "day", "hour"}, 4, err);
}

#define TEST_KEYS \
	{.name = "test_last", \
		.type = EG_KEY_INT64, \
		.offset = offsetof(series_source, test_last), \
		.min = 1, \
		.max = 1e9, \
		.def = NAN, \
		.doc = "the last so many steps are the test part"}, \
	{ \
		.name = "test_from", .type = EG_KEY_STRING, .offset = offsetof(series_source, test_from), .def = NAN, \
		.doc = "in place of `test_last`: the time when the test part begins, in quotation marks: \"2014-01-01\"" \
	}
#define COLUMNS_KEY \
	{ \
		.name = "columns", .type = EG_KEY_STRINGS, .offset = offsetof(series_source, columns), .def = NAN, \
		.doc = "the columns that are the numbers of a step; one of at most 64 different words becomes as many numbers, one of " \
			   "them 1. Left out: all columns of numbers (of pm25: the dust and the weather)" \
	}

static const eg_key keys[] = {
	COLUMNS_KEY,
	{.name = "classes",
		.type = EG_KEY_STRINGS,
		.offset = offsetof(series_source, classes),
		.def = NAN,
		.doc = "those of `columns` that are classes, though they may look like numbers"},
	{.name = "time",
		.type = EG_KEY_STRINGS,
		.count = TIME_MOST,
		.offset = offsetof(series_source, time),
		.def = NAN,
		.doc = "the column of the times (2010-03, 2010-03-31, 2010-03-31 14:30), or those of year, month, day, hour, minute and "
		       "second. Left out: the steps are 0, 1, 2, ..."},
	TEST_KEYS,
	EG_TABLE_FORM_KEYS(series_source, form),
	EG_BROKEN_KEY,
	EG_TEXT_RULE_KEYS(series_source, rules),
};
static const eg_key set_keys[] = {TEST_KEYS, COLUMNS_KEY};

static const eg_field fields[] = {{.name = "series", .kind = EG_FIELD_SERIES}};

#define TYPE(keys_, open_, ...) \
	{ \
		.info = {.fields = fields, .nfields = EG_COUNT(fields), __VA_ARGS__}, .keys = keys_, .nkeys = EG_COUNT(keys_), \
		.size = sizeof(series_source), .open = open_, .prepare = prepare, .read = read_record, .close = close_source \
	}

const eg_source_type eg_source_type_series = TYPE(keys, open_series, .name = "series",
	.doc = "your own series of numbers: a table, gzipped or not, with a step in each line; the recipe says which columns are "
	       "numbers and which are the time",
	.origin = "you", .licence = "yours", .path = EG_DATA_PATH_FILE);

#define SET(name_, file_, bytes_, sha_, doc_, origin_, licence_, open_) \
	static const eg_data_file name_##_files[] = { \
		{.name = file_, .bytes = bytes_, .download = bytes_, .sha256 = sha_, .published = file_}}; \
	const eg_source_type eg_source_type_##name_ = TYPE(set_keys, open_, .name = #name_, .doc = doc_, .origin = origin_, \
		.licence = licence_, .path = EG_DATA_PATH_SET, .train = 1, .test = 1, .folder = "timeseries", \
		.files = name_##_files, .nfiles = 1, .urls = urls)

/* Of copies of the files that are published there. */
static const char *const urls[] = {"https://raw.githubusercontent.com/jbrownlee/Datasets/master/", NULL};

SET(airline, "airline-passengers.csv", 2180, "8cb51be753a718d9be5d76d7e238cc224792754676adc21faa59e954b0201621",
	"144 months of passengers of airlines, in thousands, 1949 to 1960; the last 48 are the test part", "Box, Jenkins, 1970",
	"facts, free", open_airline);
SET(sunspots, "monthly-sunspots.csv", 45039, "c4ec8cc57d9f6fb6ecdb3e1f37f25b6f4badd5124c55931052b0cd2fc3bc71f3",
	"2,820 months of sunspots, 1749 to 1983; the last 564 are the test part", "Andrews, Herzberg, 1985", "facts, free",
	open_sunspots);
SET(temperatures, "daily-min-temperatures.csv", 67921, "8b9de63ed6789492bf497625e7f9beb96a63d367b4b0a21754006f749fa5e5da",
	"3,650 days' lowest temperatures in Melbourne, 1981 to 1990; the last 365 are the test part",
	"Australian Bureau of Meteorology", "facts, free", open_temperatures);
SET(pm25, "pollution.csv", 2010492, "892e9559205d16d32623135c127a3951c12e46ea1e0b3093e107ce89a9fd60e2",
	"43,824 hours of dust and weather in Beijing, 2010 to 2014, with gaps; 2014 is the test part",
	"Liang and others, 2015; UCI Machine Learning Repository", "CC BY 4.0", open_pm25);
