/* time_rows.h - a table of steps in time while it is read: what time_table.c and time_rows.c share. */
#ifndef ENGRAM_DATA_TIME_ROWS_H
#define ENGRAM_DATA_TIME_ROWS_H

#include "data/time_table.h"

enum { EG_TIME_PARTS = 6 };

typedef struct eg_time_reading {
	struct eg_time_owner *o; /* of what is made */
	eg_arena *arena;
	eg_time_table_options options;
	eg_strings missing;
	eg_head head;
	const char **cells; /* all x head.n: texts in the arena, or eg_time_gap; NULL: a number alone */
	double *numbers;    /* all x head.n; NAN: it is none */
	int64_t *lines;
	int all, cap_cells, cap_numbers, cap_lines;
	int time[EG_TIME_PARTS], ntime;
	/* The table that is made: `rows` of all, from `from` in the order. */
	eg_time_table *t;
	int *order;         /* rows of a series follow each other; NULL: as they came */
	int from, rows;
	double *times;      /* of these rows, rising */
} eg_time_reading;

extern const char eg_time_gap[]; /* this very text: of a cell that says nothing */
eg_status eg_time_no_memory(const eg_time_reading *r, eg_error *err);

/* Row `row` of the table that is made: its place among all, a cell and the number in it, its line. */
static inline ptrdiff_t eg_time_at(const eg_time_reading *r, int row) {
	return r->order ? r->order[r->from + row] : r->from + row;
}
static inline const char *eg_time_cell(const eg_time_reading *r, int row, int column) {
	return r->cells[eg_time_at(r, row) * r->head.n + column];
}
static inline double eg_time_number(const eg_time_reading *r, int row, int column) {
	return r->numbers[eg_time_at(r, row) * r->head.n + column];
}
static inline long long eg_time_line(const eg_time_reading *r, int row) { return r->lines[eg_time_at(r, row)]; }

/* ---- time_rows.c ------------------------------------------------------------------------------------------------- */

/* Which columns say the time of all rows; none, where it need not be known. */
eg_status eg_time_rows_choose(eg_time_reading *r, eg_error *err);
/* The time of each step of r->t, or why there is none: an error, or where rows may be steps a remark. */
eg_status eg_time_rows_take(eg_time_reading *r, eg_error *err);

#endif
