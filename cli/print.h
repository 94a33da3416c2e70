/* print.h - text on the screen: numbers people can read, tables, the progress bar, JSON. */
#ifndef ENGRAM_PRINT_H
#define ENGRAM_PRINT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "cli.h"
#include "engram_value.h"

/* ---- the terminal (print.c) -------------------------------------------------------------------------------------- */

bool is_terminal(FILE *f);     /* one that understands control sequences */
bool has_colour(FILE *f);      /* and NO_COLOR is not set */
int terminal_width(FILE *f);   /* 80 where unknown */
int text_width(const char *s); /* columns of UTF-8 text */
/* All text that comes out of files goes through one of these before it goes to a terminal: what is not to be shown
 * (eg_utf8_shown) becomes '?', a line end or tab a space. text_clean changes s, which may become shorter; text_shown
 * returns s, or what it keeps of it till the end of the program. Table cells and messages are cleaned already. */
char *text_clean(char *s);
const char *text_shown(const char *s);
void text_wrap(
	FILE *f, const char *text, int column, int indent, int width); /* `column`: where the first line begins */
void out_push(void);  /* what has been written goes out now; a failure is told by out_flush */
bool out_flush(void); /* false after a message: stdout could not be written (disk full) */

/* ---- numbers (print.c) ------------------------------------------------------------------------------------------- */
/* Each writes into buf and returns it. */

enum { NUMBER = 32 };
const char *number_int(char buf[NUMBER], int64_t v);        /* 61,706 */
const char *number_short(char buf[NUMBER], double v);       /* 61.7 k */
const char *number_bytes(char buf[NUMBER], double bytes);   /* 241 KiB */
const char *number_loss(char buf[NUMBER], double loss);     /* 0.2761, or 3.53e+20 */
const char *number_percent(char buf[NUMBER], double share); /* 90.6 %; "-" for NAN */
const char *number_probability(char buf[NUMBER], double p); /* likewise; "> 99.99 %", "< 0.01 %" at the ends */
const char *number_time(char buf[NUMBER], double seconds);  /* 8 s, 2:05, 1:02:03 */

/* ---- tables (table.c) -------------------------------------------------------------------------------------------- */

typedef struct table table;
/* One letter a column: l left, r right. Columns are two spaces apart. */
table *table_new(const char *align);
void table_free(table *t);
void table_cell(table *t, const char *fmt, ...) CLI_PRINTF(2, 3); /* cells fill rows from left to right */
void table_mark(table *t);                                        /* the last cell is shown in bold on a terminal */
void table_rule(table *t);                             /* a line below the last row; ends a row that is not full */
void table_print(const table *t, FILE *f, int indent); /* the first row is the head: bold on a terminal */

/* ---- progress (progress.c) --------------------------------------------------------------------------------------- */

/* A line that is written over again and again: "LEFT ━━━━━━──── RIGHT".
 * Nothing where `f` is no terminal. */
void bar_show(FILE *f, const char *left, double share, const char *right);
void bar_clear(FILE *f);

/* ---- JSON (print.c) ---------------------------------------------------------------------------------------------- */

/* v and a line end on stdout. Ends the program when there was no memory for all of it. */
void print_json(const eg_value *v);

#endif
