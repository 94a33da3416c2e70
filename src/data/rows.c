/* rows.c - the rows of a table, cut into cells: with quotation marks by csv.c, without them at every separator.
 *
 * Not here: lines (lines.c), what cells say (cells.c). */
#include "data/table.h"

#include <string.h>

struct eg_rows {
	eg_lines *lines;
	eg_csv *csv; /* NULL: no quotation marks */
	char separator;
	char **cells;
	int cap;
	char *line; /* with its LF, for csv.c */
	size_t room;
};

eg_status eg_rows_new(
	eg_reader *reader, char separator, bool quoted, const eg_text_rules *rules, eg_rows **rows, eg_error *err) {
	eg_rows *r = *rows = eg_calloc(NULL, 1, sizeof *r);
	if (!r) return eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", eg_reader_name(reader));
	r->separator = separator;
	eg_status status = eg_lines_new(reader, rules, &r->lines, err);
	if (!status && quoted) status = eg_csv_new(separator, &r->csv, err);
	if (status) {
		eg_rows_free(r);
		*rows = NULL;
	}
	return status;
}

void eg_rows_free(eg_rows *r) {
	if (!r) return;
	eg_lines_free(r->lines);
	eg_csv_free(r->csv);
	eg_release(NULL, r->cells);
	eg_release(NULL, r->line);
	eg_release(NULL, r);
}

const eg_lines *eg_rows_lines(const eg_rows *r) { return r->lines; }

static eg_status no_memory(const eg_rows *r, eg_error *err) {
	return eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", eg_lines_name(r->lines));
}

/* ---- without quotation marks ------------------------------------------------------------------------------------- */

static eg_status cut(eg_rows *r, char *line, eg_row *row, eg_error *err) {
	for (char *cell = line; cell;) {
		char *end = strchr(cell, r->separator);
		if (end) *end = '\0';
		if (!eg_grow(NULL, &r->cells, &r->cap, row->n, sizeof *r->cells)) return no_memory(r, err);
		r->cells[row->n++] = cell;
		cell = end ? end + 1 : NULL;
	}
	row->cells = r->cells;
	return EG_OK;
}

/* ---- with them --------------------------------------------------------------------------------------------------- */

static eg_status with_feed(eg_rows *r, const char *line, size_t size, eg_error *err) {
	if (size + 1 > r->room) {
		char *more = eg_alloc(NULL, 2 * (size + 1));
		if (!more) return no_memory(r, err);
		eg_release(NULL, r->line);
		r->line = more, r->room = 2 * (size + 1);
	}
	memcpy(r->line, line, size);
	r->line[size] = '\n';
	return EG_OK;
}

/* A row of several lines: the LF between them is a cell's. */
static eg_status gather(eg_rows *r, char *line, size_t size, eg_row *row, eg_error *err) {
	const char *name = eg_lines_name(r->lines);
	size_t all = 0;
	bool ended = false;
	eg_status status;
	for (;;) {
		status = with_feed(r, line, size, err);
		if (!status) status = eg_csv_line(r->csv, r->line, size + 1, &ended, err);
		if (status == EG_ERR_FORMAT) eg_fail_prefix(err, "%s:%lld", name, (long long)eg_lines_number(r->lines));
		if (status || ended) break;
		all += size + 1;
		status = eg_lines_next(r->lines, &line, &size, err);
		if (!status && line && all <= EG_LINE_MOST) continue;
		eg_csv_forget(r->csv);
		if (status) return status;
		return eg_fail(err, EG_ERR_FORMAT,
		        "%s:%lld: a quotation mark that is opened in this row is not closed %s", name, (long long)row->line,
		        line ? "within 16 MiB" : "before the end of the file");
	}
	if (!status) row->cells = eg_csv_cells(r->csv, &row->n);
	return status || row->cells ? status : no_memory(r, err);
}

eg_status eg_rows_next(eg_rows *r, eg_row *row, eg_error *err) {
	char *line;
	size_t size;
	eg_status status;
	*row = (eg_row){0};
	do {
		status = eg_lines_next(r->lines, &line, &size, err);
		if (status || !line) return status;
	} while (size == 0);
	row->line = eg_lines_number(r->lines);
	return r->csv ? gather(r, line, size, row, err) : cut(r, line, row, err);
}
