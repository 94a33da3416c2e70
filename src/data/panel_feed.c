/* panel_feed.c - a panel that grows row by row: new rows of a table for a model that is trained already. */
#include "data/table.h"
#include "data/windows.h"

#include <math.h>
#include <string.h>
#include <strings.h>

enum { PARTS = 6 };

/* Where a number of the panel comes from. */
typedef struct source_of {
	int place;
	const char *word; /* NULL: the cell is the number */
} source_of;

struct eg_panel_feed {
	eg_arena arena;
	eg_strings time, missing;
	char separator;
	eg_head head;       /* names NULL: the first line has not come */
	source_of *columns; /* of each of the panel */
	int place[PARTS], nplaces; /* of the time; -1: not looked for yet */
	float *at;
	double *times;
	int cap_at, cap_times;
	int keep; /* 0: all rows */
	eg_panel panel;
};

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a series"); }

eg_status eg_panel_feed_new(const char *const *names, int n, const eg_strings *time, const eg_strings *missing, char separator,
	eg_panel_feed **feed, eg_error *err) {
	eg_panel_feed *f = *feed = eg_calloc(NULL, 1, sizeof *f);
	if (!f) return no_memory(err);
	f->time = *time, f->missing = *missing, f->separator = separator, f->nplaces = -1;
	f->panel = (eg_panel){.names = names, .columns = n};
	f->columns = eg_arena_alloc(&f->arena, ((size_t)n + 1) * sizeof *f->columns);
	return f->columns ? EG_OK : no_memory(err);
}

void eg_panel_feed_free(eg_panel_feed *f) {
	if (!f) return;
	eg_release(NULL, f->at);
	eg_release(NULL, f->times);
	eg_arena_free(&f->arena);
	eg_release(NULL, f);
}

void eg_panel_feed_keep(eg_panel_feed *f, int rows) { f->keep = rows; }

const eg_panel *eg_panel_feed_get(const eg_panel_feed *f) { return &f->panel; }

/* ---- the first line ---------------------------------------------------------------------------------------------- */

/* A column by its name; "NAME=WORD" is found by NAME where no column is called so. */
static eg_status find_column(const eg_panel_feed *f, const char *name, source_of *from, eg_error *err) {
	for (int i = 0; i < f->head.n; i++)
		if (strcmp(f->head.names[i], name) == 0) return *from = (source_of){i, NULL}, EG_OK;
	for (int i = 0; i < f->head.n; i++) {
		const size_t n = strlen(f->head.names[i]);
		if (strncmp(f->head.names[i], name, n) == 0 && name[n] == '=') return *from = (source_of){i, name + n + 1}, EG_OK;
	}
	return eg_head_find(&f->head, name, &from->place, err);
}

static eg_status take_head(eg_panel_feed *f, eg_rows *rows, eg_error *err) {
	const eg_table_form form = {.separator = f->separator == '\t' ? 1 : f->separator == ';' ? 2 : 0, .quoted = true, .header = true};
	eg_row first;
	eg_status status = eg_head_read(&f->head, rows, &form, &f->arena, &first, err);
	for (int c = 0; c < f->panel.columns && !status; c++) status = find_column(f, f->panel.names[c], &f->columns[c], err);
	if (status) f->head.names = NULL;
	return status;
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

/* As tables without a recipe have it: the first cell that is a time and no number, or columns called year, month. */
static eg_status find_time(eg_panel_feed *f, const eg_row *row, eg_error *err) {
	static const char *const parts[PARTS] = {"year", "month", "day", "hour", "minute", "second"};
	double v;
	f->nplaces = 0;
	for (int i = 0; i < f->time.n && i < PARTS; i++) {
		eg_status status = eg_head_find(&f->head, f->time.at[i], &f->place[f->nplaces++], err);
		if (status) return f->nplaces = -1, status;
	}
	if (f->nplaces > 0) return EG_OK;
	for (int i = 0; i < row->n; i++)
		if (!eg_cell_number(row->cells[i], &v) && eg_cell_time(row->cells[i], &v)) return f->place[0] = i, f->nplaces = 1, EG_OK;
	for (int p = 0; p < PARTS && p == f->nplaces; p++)
		for (int i = 0; i < f->head.n; i++)
			if (strcasecmp(f->head.names[i], parts[p]) == 0 && f->nplaces == p) f->place[f->nplaces++] = i;
	if (f->nplaces < 2) f->nplaces = 0;
	return EG_OK;
}

static eg_status read_time(const eg_panel_feed *f, const eg_row *row, const char *where, double *time, eg_error *err) {
	double parts[PARTS];
	bool ok = f->nplaces != 1 || eg_cell_time(row->cells[f->place[0]], time);
	for (int i = 0; i < f->nplaces && f->nplaces > 1; i++) ok = ok && eg_cell_number(row->cells[f->place[i]], &parts[i]);
	if (ok && f->nplaces > 1) ok = eg_time_of(parts, f->nplaces, time);
	if (!ok)
		return eg_fail(err, EG_ERR_FORMAT, "%s: '%.40s' in the column '%s' is no time: write it as 2010-03-31 or 2010-03-31 14:30", where,
		        row->cells[f->place[0]], f->head.names[f->place[0]]);
	if (f->panel.steps > 0 && *time <= f->times[f->panel.steps - 1])
		return eg_fail(err, EG_ERR_FORMAT, "%s: the time '%.40s' is not later than that of the row before; rows come in their order", where,
		        row->cells[f->place[0]]);
	return EG_OK;
}

static eg_status read_cell(const eg_panel_feed *f, const eg_row *row, int c, const char *where, float *out, eg_error *err) {
	const source_of *from = &f->columns[c];
	const char *cell = row->cells[from->place], *name = f->head.names[from->place];
	double v = NAN;
	if (!eg_cell_missing(cell, name, &f->missing)) {
		if (from->word)
			v = strcmp(cell, from->word) == 0;
		else if (!eg_cell_number(cell, &v))
			return eg_fail(err, EG_ERR_FORMAT, "%s: '%.40s' in the column '%s' is no number", where, cell, name);
	}
	*out = (float)v;
	return EG_OK;
}

/* When there are twice as many rows as are kept, the older ones go. */
static void drop_rows(eg_panel_feed *f) {
	const ptrdiff_t width = f->panel.columns, dropped = f->panel.steps - f->keep;
	if (f->keep < 1 || dropped < f->keep) return;
	float *first = f->at + dropped * width;
	for (ptrdiff_t c = 0; c < width; c++)
		for (ptrdiff_t t = dropped - 1; t >= 0 && isnan(first[c]); t--) first[c] = f->at[t * width + c];
	memmove(f->at, first, (size_t)f->keep * (size_t)width * sizeof *f->at);
	memmove(f->times, f->times + dropped, (size_t)f->keep * sizeof *f->times);
	f->panel.steps = f->keep, f->panel.first += (int)dropped;
}

static eg_status take_row(eg_panel_feed *f, const eg_row *row, const char *where, eg_error *err) {
	double time = 0;
	const int n = f->panel.steps;
	if (row->n != f->head.n)
		return eg_fail(err, EG_ERR_FORMAT, "%s: %d column%s, but the first line names %d", where, row->n, row->n == 1 ? "" : "s", f->head.n);
	eg_status status = f->nplaces < 0 ? find_time(f, row, err) : EG_OK;
	if (!status && f->nplaces > 0) status = read_time(f, row, where, &time, err);
	if (status) return status;
	if (!eg_grow(NULL, &f->at, &f->cap_at, n, (size_t)f->panel.columns * sizeof *f->at) ||
	        !eg_grow(NULL, &f->times, &f->cap_times, n, sizeof *f->times))
		return no_memory(err);
	for (int c = 0; c < f->panel.columns && !status; c++)
		status = read_cell(f, row, c, where, &f->at[(ptrdiff_t)n * f->panel.columns + c], err);
	if (status) return status;
	f->times[n] = time;
	f->panel.at = f->at, f->panel.times = f->nplaces > 0 ? f->times : NULL;
	f->panel.steps++;
	drop_rows(f);
	return EG_OK;
}

eg_status eg_panel_feed_lines(
	eg_panel_feed *f, const void *bytes, size_t size, const char *from, int64_t line, eg_error *err) {
	const eg_text_rules rules = {0};
	eg_rows *rows = NULL;
	eg_row row;
	char where[300];
	eg_reader *reader = eg_reader_memory(bytes, size, from, err);
	if (!reader) return err ? err->status : EG_ERR_MEMORY;
	eg_status status = eg_rows_new(reader, f->separator, true, &rules, &rows, err);
	if (!status && !f->head.names) status = take_head(f, rows, err);
	while (!status) {
		status = eg_rows_next(rows, &row, err);
		if (status || row.n == 0) break;
		snprintf(where, sizeof where, "%.200s:%lld", from, (long long)(line + row.line - 1));
		status = take_row(f, &row, where, err);
	}
	eg_rows_free(rows);
	eg_reader_close(reader);
	return status;
}
