/* table.c - cells aligned in columns. */
#include "print.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS = 64 };

typedef struct cell {
	char *text; /* NULL: this row is a rule */
	bool marked;
} cell;

struct table {
	const char *align;
	int columns, n, room;
	cell *cells;
};

table *table_new(const char *align) {
	table *t = cli_alloc(sizeof *t);
	t->align = align;
	t->columns = (int)strlen(align) < COLUMNS ? (int)strlen(align) : COLUMNS;
	return t;
}

void table_free(table *t) {
	if (!t) return;
	for (int i = 0; i < t->n; i++) free(t->cells[i].text);
	free(t->cells);
	free(t);
}

static void append(table *t, char *text) {
	if (t->n == t->room) {
		int room = t->room ? 2 * t->room : 64;
		cell *cells = cli_alloc((size_t)room * sizeof *cells);
		if (t->n) memcpy(cells, t->cells, (size_t)t->n * sizeof *cells);
		free(t->cells);
		t->cells = cells;
		t->room = room;
	}
	t->cells[t->n++] = (cell){text, false};
}

void table_cell(table *t, const char *fmt, ...) {
	va_list args, again;
	va_start(args, fmt);
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, fmt, args);
	char *text = cli_alloc((size_t)n + 1);
	vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	va_end(args);
	append(t, text_clean(text));
}

void table_mark(table *t) {
	if (t->n) t->cells[t->n - 1].marked = true;
}

void table_rule(table *t) {
	while (t->n % t->columns) table_cell(t, "%s", "");
	for (int c = 0; c < t->columns; c++) append(t, NULL);
}

static void widths(const table *t, int *width) {
	memset(width, 0, (size_t)t->columns * sizeof *width);
	for (int i = 0; i < t->n; i++) {
		int w = t->cells[i].text ? text_width(t->cells[i].text) : 0;
		if (w > width[i % t->columns]) width[i % t->columns] = w;
	}
}

static void print_rule(FILE *f, int n, bool colour) {
	if (colour) fputs("\x1b[2m", f);
	for (int i = 0; i < n; i++) fputs("─", f);
	fputs(colour ? "\x1b[0m\n" : "\n", f);
}

/* Where the last column begins, if on this terminal its texts are to be broken between words; 0: they are not. */
static int wrap_at(const table *t, FILE *f, int indent, const int *width) {
	enum { LEAST = 24 };
	const int last = t->columns - 1;
	int at = indent + 2 * last;
	for (int c = 0; c < last; c++) at += width[c];
	if (!is_terminal(f) || t->align[last] == 'r' || at + width[last] <= terminal_width(f)) return 0;
	return at + LEAST <= terminal_width(f) ? at : 0;
}

void table_print(const table *t, FILE *f, int indent) {
	int width[COLUMNS], total = 2 * (t->columns - 1);
	bool colour = has_colour(f);
	widths(t, width);
	for (int c = 0; c < t->columns; c++) total += width[c];
	const int wrap = wrap_at(t, f, indent, width);
	if (wrap) total = terminal_width(f) - indent;
	for (int row = 0; row * t->columns < t->n; row++) {
		const cell *cells = t->cells + (ptrdiff_t)row * t->columns;
		int n = t->n - row * t->columns < t->columns ? t->n - row * t->columns : t->columns, gap = indent;
		if (!cells[0].text) {
			fprintf(f, "%*s", indent, "");
			print_rule(f, total, colour);
			continue;
		}
		for (int c = 0; c < n; c++) {
			int pad = width[c] - text_width(cells[c].text);
			bool bold = colour && (row == 0 || cells[c].marked), right = t->align[c] == 'r';
			if (right) gap += pad;
			if (wrap && c == t->columns - 1 && row > 0) {
				fprintf(f, "%*s", gap, "");
				text_wrap(f, cells[c].text, wrap, wrap, terminal_width(f));
				break;
			}
			if (cells[c].text[0]) {
				fprintf(f, "%*s%s%s%s", gap, "", bold ? "\x1b[1m" : "", cells[c].text,
					bold ? "\x1b[0m" : "");
				gap = 0;
			}
			gap += right ? 2 : pad + 2;
		}
		if (!wrap || row == 0 || n < t->columns) putc('\n', f); /* text_wrap ends the line */
	}
}
