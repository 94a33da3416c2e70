/* frame.c - the columns of a table that become numbers: what each is of is found when all rows have been seen; a
 * column of classes becomes as many numbers as it has values, one of which is 1.
 *
 * Not here: what a single cell says (cells.c), reading rows (rows.c). */
#include "data/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

eg_status eg_frame_columns(eg_frame *f, int n, eg_arena *arena, eg_error *err) {
	f->n = n;
	f->columns = eg_arena_alloc(arena, (size_t)n * sizeof *f->columns);
	return f->columns || n == 0 ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for a table");
}

eg_status eg_frame_classes(eg_frame *f, const eg_strings *names, eg_error *err) {
	for (int i = 0; i < names->n; i++) {
		bool there = false;
		for (int k = 0; k < f->n; k++)
			if (strcmp(f->columns[k].seen.name, names->at[i]) == 0) f->columns[k].is_class = there = true;
		if (!there)
			return eg_fail(err, EG_ERR_ARG, "'classes' names '%s', which is not among the columns that are read", names->at[i]);
	}
	return EG_OK;
}

bool eg_frame_add(eg_frame *f, const eg_row *row, const eg_strings *missing, eg_arena *arena) {
	if (f->n == 0) return true;
	if (!eg_grow(NULL, &f->cells, &f->cap, f->rows, (size_t)f->n * sizeof *f->cells)) return false;
	eg_table_cell *out = f->cells + (ptrdiff_t)f->rows++ * f->n;
	for (int k = 0; k < f->n; k++)
		if (!eg_column_look(&f->columns[k].seen, row->cells[f->columns[k].place], missing, arena, &out[k])) return false;
	return true;
}

void eg_frame_free(eg_frame *f) {
	eg_release(NULL, f->cells);
	f->cells = NULL;
	f->rows = f->cap = 0;
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

static bool sort_values(eg_frame_column *c, eg_arena *arena) {
	c->nvalues = c->seen.nvalues;
	c->values = eg_arena_alloc(arena, (size_t)c->nvalues * sizeof *c->values);
	if (!c->values) return false;
	memcpy(c->values, c->seen.values, (size_t)c->nvalues * sizeof *c->values);
	qsort(c->values, (size_t)c->nvalues, sizeof *c->values, by_bytes);
	return true;
}

static void rank_values(eg_frame_column *c) {
	for (int i = 0; i < c->seen.nvalues; i++) {
		const char *const *at = bsearch(&c->seen.values[i], c->values, (size_t)c->nvalues, sizeof *c->values, by_bytes);
		c->rank[i] = at ? (int)(at - (const char *const *)c->values) : -1;
	}
}

eg_status eg_frame_settle(eg_frame *f, const eg_frame *known, const char *file, eg_arena *arena, eg_error *err) {
	for (int k = 0; k < f->n; k++) {
		eg_frame_column *c = &f->columns[k];
		if (known) {
			c->type = known->columns[k].type, c->width = known->columns[k].width;
			c->values = known->columns[k].values, c->nvalues = known->columns[k].nvalues;
		} else {
			c->type = !c->is_class           ? eg_column_found(&c->seen)
			          : c->seen.nvalues > 0 ? EG_COLUMN_CLASS
			                                : EG_COLUMN_TEXT;
			c->width = c->type == EG_COLUMN_CLASS ? c->seen.nvalues : 1;
			bool numbers = c->type == EG_COLUMN_INTEGER || c->type == EG_COLUMN_NUMBER;
			if (c->found && !numbers) c->width = 0;
			if (!c->found && c->type == EG_COLUMN_TEXT)
				return eg_fail(err, EG_ERR_FORMAT,
				        "'%s': the column '%s' is of texts, not of numbers or of few values (%lld cells, %lld of them "
				        "numbers); name another, or use it as 'text'",
				        file, c->seen.name, (long long)c->seen.cells, (long long)c->seen.numbers);
			if (c->width > 1 && !sort_values(c, arena)) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a table");
		}
		if (c->values) rank_values(c);
	}
	return EG_OK;
}

int eg_frame_width(const eg_frame *f, int from, int to) {
	int n = 0;
	for (int k = from; k < to; k++) n += f->columns[k].width;
	return n;
}

/* One cell, into c->width numbers; false: it is none of the column's type. */
static bool put_cell(const eg_frame_column *c, const eg_table_cell *cell, float *out) {
	bool missing = cell->kind == EG_CELL_MISSING;
	for (int i = 0; i < c->width; i++) out[i] = missing ? NAN : 0;
	if (missing || c->width == 0) return true;
	if (c->values) {
		int rank = cell->value >= 0 ? c->rank[cell->value] : -1;
		if (rank >= 0) out[rank] = 1;
		return rank >= 0;
	}
	*out = (float)cell->v;
	if (c->type == EG_COLUMN_TIME) *out = (float)(cell->v / 86400); /* days: a float holds no seconds since 1970 */
	if (c->type == EG_COLUMN_CLASS) *out = 1; /* of one value */
	return c->type == EG_COLUMN_CLASS || cell->kind == (c->type == EG_COLUMN_TIME ? EG_CELL_TIME : EG_CELL_NUMBER);
}

int eg_frame_row(const eg_frame *f, int row, int from, int to, float *out) {
	const eg_table_cell *cells = f->cells + (ptrdiff_t)row * f->n;
	for (int k = from; k < to; k++) {
		if (!put_cell(&f->columns[k], &cells[k], out)) return k;
		out += f->columns[k].width;
	}
	return -1;
}

eg_status eg_frame_wrong(const eg_frame *f, int row, int column, const char *file, int64_t line, eg_error *err) {
	const eg_frame_column *c = &f->columns[column];
	int value = f->cells[(ptrdiff_t)row * f->n + column].value;
	return eg_fail(err, EG_ERR_FORMAT, "%s:%lld: %s%.60s%s in the column '%s' is %s; correct it, or name it in 'missing'",
	        file, (long long)line, value >= 0 && c->seen.nvalues >= 0 ? "'" : "what stands",
	        value >= 0 && c->seen.nvalues >= 0 ? c->seen.values[value] : "", value >= 0 && c->seen.nvalues >= 0 ? "'" : "",
	        c->seen.name,
	        c->values                      ? "not among the values to train on"
	        : c->type == EG_COLUMN_TIME    ? "no time, as most of the others are"
	        : c->type == EG_COLUMN_INTEGER ? "no number, as most of the others are"
	                                       : "no number");
}

eg_status eg_frame_names(const eg_frame *f, int from, int to, eg_source *s, int field, eg_error *err) {
	int n = eg_frame_width(f, from, to), at = 0;
	const char **names = eg_arena_alloc(&s->arena, ((size_t)n + 1) * sizeof *names);
	if (!names) return eg_source_no_memory(s, err);
	for (int k = from; k < to; k++)
		for (int i = 0; i < f->columns[k].width; i++) {
			const eg_frame_column *c = &f->columns[k];
			names[at] = c->values ? eg_arena_printf(&s->arena, "%s=%s", c->seen.name, c->values[i]) : c->seen.name;
			if (!names[at++]) return eg_source_no_memory(s, err);
		}
	s->fields[field].columns = n;
	return eg_source_set_names(s, field, names, n, err);
}
