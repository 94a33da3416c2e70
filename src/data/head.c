/* head.c - the first line of a table: the names of its columns; and rows that must have as many cells.
 *
 * Not here: cutting lines into cells (rows.c). */
#include "data/table.h"

#include <string.h>

enum { COLUMNS_MOST = 100000 };

const char *const eg_separator_names[] = {"comma", "tab", "semicolon", NULL};

char eg_separator_of(const eg_table_form *form) { return ",\t;"[form->separator]; }

static const char *word_of(const eg_head *h) {
	return h->separator == '\t' ? "a tab" : h->separator == ',' ? "a comma" : "a semicolon";
}

static eg_status no_memory(const eg_lines *lines, eg_error *err) {
	return eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", eg_lines_name(lines));
}

eg_status eg_head_read(
	eg_head *h, eg_rows *rows, const eg_table_form *form, eg_arena *arena, eg_row *first, eg_error *err) {
	const eg_lines *lines = eg_rows_lines(rows);
	eg_row row;
	eg_status status = eg_rows_next(rows, &row, err);
	*h = (eg_head){.separator = eg_separator_of(form), .quoted = form->quoted, .line = row.line, .n = row.n};
	*first = (eg_row){0};
	h->file = eg_arena_strdup(arena, eg_lines_name(lines));
	if (status) return status;
	if (!h->file) return no_memory(lines, err);
	if (row.n == 0 && eg_lines_number(lines) == 0)
		return eg_fail(err, EG_ERR_FORMAT, "'%s' is empty: there is no table in it", h->file);
	if (row.n == 0) return eg_fail(err, EG_ERR_FORMAT, "'%s' has only empty lines", h->file);
	if (row.n > COLUMNS_MOST)
		return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: %d columns; at most %d are possible", h->file, (long long)row.line, row.n,
		        COLUMNS_MOST);
	h->names = eg_arena_alloc(arena, (size_t)row.n * sizeof *h->names);
	if (!h->names) return no_memory(lines, err);
	for (int i = 0; i < row.n; i++) {
		h->names[i] = form->header ? eg_arena_strdup(arena, row.cells[i]) : eg_arena_printf(arena, "%d", i + 1);
		if (!h->names[i]) return no_memory(lines, err);
	}
	if (!form->header) *first = row;
	return EG_OK;
}

static eg_status no_column(const eg_head *h, const char *wanted, eg_error *err) {
	char list[300] = "";
	for (int i = 0; i < h->n && strlen(list) + 1 < sizeof list; i++) {
		size_t used = strlen(list);
		snprintf(list + used, sizeof list - used, "%s%.60s", i ? ", " : "", h->names[i]);
	}
	const char *near = eg_did_you_mean(wanted, h->names, h->n);
	return eg_fail(err, EG_ERR_FORMAT,
	        "%s:%lld: there is no column '%s'; the first line names the columns, with %s between them, and here they are: "
	        "%s%s%s%s",
	        h->file, (long long)h->line, wanted, word_of(h), list, near ? ". Is it '" : "", near ? near : "",
	        near ? "'?" : "");
}

eg_status eg_head_find(const eg_head *h, const char *name, int *place, eg_error *err) {
	*place = -1;
	for (int i = 0; name && i < h->n; i++) {
		if (strcmp(h->names[i], name) != 0) continue;
		if (*place >= 0)
			return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: two columns are called '%s'; rename one", h->file,
			        (long long)h->line, name);
		*place = i;
	}
	return *place >= 0 || !name ? EG_OK : no_column(h, name, err);
}

static eg_status check(const eg_head *h, const eg_row *row, eg_error *err) {
	if (row->n == h->n) return EG_OK;
	return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: %d column%s, but the first line names %d; write %s between columns, and %s",
	        h->file, (long long)row->line, row->n, row->n == 1 ? "" : "s", h->n, word_of(h),
	        h->quoted ? "a cell that holds one, or a line end, in quotation marks" : "none inside of a text");
}

eg_status eg_head_next(
	const eg_head *h, eg_rows *rows, eg_row *first, eg_source *s, eg_row *row, eg_error *err) {
	for (;;) {
		eg_error why;
		eg_status status = EG_OK;
		bool lost = false;
		if (first->n > 0) {
			*row = *first;
			*first = (eg_row){0};
		} else {
			status = eg_rows_next(rows, row, &why);
			lost = status && !eg_lines_go_on(eg_rows_lines(rows));
		}
		if (!status && row->n == 0) return EG_OK;
		if (!status) status = check(h, row, &why);
		if (!status) return EG_OK;
		status = lost ? eg_fail(err, status, "%s", why.message) : eg_broken_add(s, status, &why, err);
		if (status) return status;
	}
}
