/* csv.c - cells of comma-separated values as RFC 4180 has them, taken line by line, with libcsv. The only file that
 * knows it.
 *
 * Strict: a quotation mark inside of a cell without marks, or something behind a closing one, is an error; lenient
 * readers swallow the lines that follow. Blanks belong to their cell. */
#include "data/table.h"

#ifdef ENGRAM_HAVE_CSV
#include <csv.h>
#include <string.h>

enum { GROWS = 64 * 1024 };

struct eg_csv {
	struct csv_parser parser;
	char separator;
	char *text; /* the cells, a zero behind each */
	size_t size, room;
	size_t *starts;
	int n, cap;
	char **cells;
	int cells_cap;
	bool ended, failed; /* failed: out of memory */
};

static int is_blank(unsigned char c) {
	EG_UNUSED(c);
	return 0;
}

static int is_end(unsigned char c) { return c == '\n'; }

static void on_cell(void *text, size_t size, void *data) {
	eg_csv *c = data;
	if (c->failed) return;
	if (c->size + size + 1 > c->room) {
		size_t room = 2 * (c->size + size + 1);
		char *more = eg_alloc(NULL, room);
		if (more && c->size) memcpy(more, c->text, c->size);
		if (more) eg_release(NULL, c->text);
		if (more) c->text = more, c->room = room;
		if (!more) c->failed = true;
	}
	if (c->failed || !eg_grow(NULL, &c->starts, &c->cap, c->n, sizeof *c->starts)) {
		c->failed = true;
		return;
	}
	c->starts[c->n++] = c->size;
	if (size) memcpy(c->text + c->size, text, size);
	c->text[c->size + size] = '\0';
	c->size += size + 1;
}

static void on_row(int end, void *data) {
	EG_UNUSED(end);
	((eg_csv *)data)->ended = true;
}

static bool start(eg_csv *c) {
	if (csv_init(&c->parser, CSV_STRICT | CSV_STRICT_FINI) != 0) return false;
	csv_set_delim(&c->parser, (unsigned char)c->separator);
	csv_set_space_func(&c->parser, is_blank);
	csv_set_term_func(&c->parser, is_end);
	csv_set_blk_size(&c->parser, GROWS);
	return true;
}

eg_status eg_csv_new(char separator, eg_csv **csv, eg_error *err) {
	eg_csv *c = *csv = eg_calloc(NULL, 1, sizeof *c);
	if (c) c->separator = separator;
	if (c && start(c)) return EG_OK;
	eg_release(NULL, c);
	*csv = NULL;
	return eg_fail(err, EG_ERR_MEMORY, "out of memory for a table");
}

void eg_csv_free(eg_csv *c) {
	if (!c) return;
	csv_free(&c->parser);
	eg_release(NULL, c->text);
	eg_release(NULL, c->starts);
	eg_release(NULL, c->cells);
	eg_release(NULL, c);
}

void eg_csv_forget(eg_csv *c) {
	csv_free(&c->parser);
	start(c);
	c->n = 0, c->size = 0, c->ended = false;
}

eg_status eg_csv_line(eg_csv *c, const char *line, size_t size, bool *ended, eg_error *err) {
	if (c->ended) c->n = 0, c->size = 0, c->ended = false;
	size_t used = csv_parse(&c->parser, line, size, on_cell, on_row, c);
	*ended = c->ended;
	bool memory = c->failed || (used < size && csv_error(&c->parser) == CSV_ENOMEM);
	if (memory) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a table");
	if (used == size) return EG_OK;
	eg_csv_forget(c);
	return eg_fail(err, EG_ERR_FORMAT,
	        "a quotation mark inside of a cell: put the whole cell into quotation marks, and write those inside of it twice");
}

char **eg_csv_cells(eg_csv *c, int *n) {
	for (int i = 0; i < c->n; i++) {
		if (!eg_grow(NULL, &c->cells, &c->cells_cap, i, sizeof *c->cells)) return NULL;
		c->cells[i] = c->text + c->starts[i];
	}
	*n = c->n;
	return c->cells;
}

#else

struct eg_csv {
	char none;
};

eg_status eg_csv_new(char separator, eg_csv **csv, eg_error *err) {
	EG_UNUSED(separator);
	*csv = NULL;
	return eg_fail(err, EG_ERR_ARG, "tables with quotation marks cannot be read: engram was built without libcsv");
}

void eg_csv_free(eg_csv *c) { EG_UNUSED(c); }
void eg_csv_forget(eg_csv *c) { EG_UNUSED(c); }

eg_status eg_csv_line(eg_csv *c, const char *line, size_t size, bool *ended, eg_error *err) {
	EG_UNUSED(line), EG_UNUSED(size);
	*ended = false;
	return eg_csv_new(0, &c, err);
}

char **eg_csv_cells(eg_csv *c, int *n) {
	EG_UNUSED(c);
	*n = 0;
	return NULL;
}

#endif
