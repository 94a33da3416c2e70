/* table.h - readers of lines: the rules that hold for every text, lines one after the other, rows of tables, what a
 * cell says, and the records that are made of rows.
 *
 * libcsv is behind csv.c. A file is read as a stream: what
 * stays in memory is what the records hold. */
#ifndef ENGRAM_DATA_TABLE_H
#define ENGRAM_DATA_TABLE_H

#include "data/data.h"
#include "data/text_form.h"

/* ---- text.c ------------------------------------------------------------------------------------------------------ */

/* What is said of the byte at `at` of the file, which is not UTF-8 or a zero; the cure `bytes` (may be empty) stands
 * behind both sentences. */
eg_status eg_text_wrong_byte(
	const char *name, eg_text_place place, unsigned char byte, int64_t at, const char *bytes, eg_error *err);
bool eg_text_is_utf16(const char *s, size_t size); /* by its mark */
eg_status eg_text_utf16(const char *name, eg_error *err);

/* ---- text_files.c ------------------------------------------------------------------------------------------------ */

/* Which names of files are meant: patterns with blanks between them ("*.c part?.txt"), of which ".c" is short for
 * "*.c". Each has a zero behind it here, and an empty one stands at the end. */
typedef struct eg_patterns {
	char at[EG_PATH];
} eg_patterns;
eg_status eg_patterns_cut(eg_patterns *p, const char *patterns, eg_error *err);
bool eg_patterns_fit(const eg_patterns *p, const char *name);

/* Zero-initialise. */
typedef struct eg_text_files {
	eg_text **at;
	int n, cap;
	int64_t size, latin1; /* of all: bytes, and lines that were found to be so */
} eg_text_files;
/* All files below a folder (or archive) whose names fit one of the patterns ("*.c *.h"), behind those that there
 * are. */
eg_status eg_text_files_load(
	eg_text_files *f, const char *path, const char *patterns, const eg_text_options *o, eg_error *err);
void eg_text_files_free(eg_text_files *f);

/* ---- lines.c ----------------------------------------------------------------------------------------------------- */

enum { EG_LINE_MOST = 16 << 20 }; /* bytes of a line, or of a row: what is longer is refused before it is read */

typedef struct eg_lines eg_lines;
/* The reader stays the caller's. */
eg_status eg_lines_new(eg_reader *reader, const eg_text_rules *rules, eg_lines **lines, eg_error *err);
void eg_lines_free(eg_lines *l); /* NULL is allowed */
/* The next line, without its end; a zero stands there, and none inside. It may be written to, and lives until the next
 * call. *line NULL: there is no more. */
eg_status eg_lines_next(eg_lines *l, char **line, size_t *size, eg_error *err);
/* After a failure: was it of that line alone, so that the next may be asked for? */
bool eg_lines_go_on(const eg_lines *l);
int64_t eg_lines_number(const eg_lines *l); /* of the last line, from 1 */
const char *eg_lines_name(const eg_lines *l);
int64_t eg_lines_latin1(const eg_lines *l); /* how many lines were found to be Latin-1 */

/* ---- csv.c ------------------------------------------------------------------------------------------------------- */

typedef struct eg_csv eg_csv;
eg_status eg_csv_new(char separator, eg_csv **csv, eg_error *err);
void eg_csv_free(eg_csv *c); /* NULL is allowed */
/* Takes a line, its LF behind it. *ended: a row ends with it. EG_ERR_FORMAT, without a place: a quotation mark where
 * none may be; the row is forgotten. */
eg_status eg_csv_line(eg_csv *c, const char *line, size_t size, bool *ended, eg_error *err);
/* The cells of the row that has ended; they live until the next line. NULL: out of memory. */
char **eg_csv_cells(eg_csv *c, int *n);
void eg_csv_forget(eg_csv *c); /* the row that has begun */

/* ---- rows.c ------------------------------------------------------------------------------------------------------ */

typedef struct eg_row {
	int64_t line; /* where it begins */
	int n;        /* cells; 0: there is no more */
	char **cells; /* each ends with a zero; they live until the next row */
} eg_row;
typedef struct eg_rows eg_rows;
/* `quoted`: cells may stand in quotation marks, as in CSV (RFC 4180); else every separator and line end counts. */
eg_status eg_rows_new(eg_reader *reader, char separator, bool quoted, const eg_text_rules *rules, eg_rows **rows,
	eg_error *err);
void eg_rows_free(eg_rows *r); /* NULL is allowed */
/* Empty lines are passed over. */
eg_status eg_rows_next(eg_rows *r, eg_row *row, eg_error *err);
const eg_lines *eg_rows_lines(const eg_rows *r); /* eg_lines_go_on and so on */

/* ---- cells.c: what a cell says ----------------------------------------------------------------------------------- */

/* One of the texts that are said to be missing: "-" in every column, "age=-1" in the column of that name. */
bool eg_cell_said_missing(const char *cell, const char *column, const eg_strings *words);
/* Nothing, NA, NaN or null (capitals or not), or said to be; blanks around it do not count. */
bool eg_cell_missing(const char *cell, const char *column, const eg_strings *words);
bool eg_cell_number(const char *cell, double *v); /* finite, with a decimal point, blanks around it allowed */
/* ISO 8601: 2010, 2010-03, 2010-03-31, with T or a blank 14, 14:30, 14:30:59.5 and Z or +08:00 behind that; seconds
 * since 1970. */
bool eg_cell_time(const char *cell, double *seconds);
/* Seconds since 1970 of year, month, day, hour, minute, second, of which the first n are given; false: no such. */
bool eg_time_of(const double *parts, int n, double *seconds);

typedef enum eg_column_type {
	EG_COLUMN_EMPTY, /* every cell is missing */
	EG_COLUMN_INTEGER,
	EG_COLUMN_NUMBER,
	EG_COLUMN_TIME,
	EG_COLUMN_CLASS, /* few different values */
	EG_COLUMN_TEXT
} eg_column_type;
const char *eg_column_type_name(eg_column_type type);
enum { EG_COLUMN_VALUES = 64 /* a column with more different values is no class */ };
typedef enum eg_cell_kind { EG_CELL_MISSING, EG_CELL_NUMBER, EG_CELL_TIME, EG_CELL_OTHER } eg_cell_kind;
typedef struct eg_table_cell {
	double v;      /* NUMBER; TIME: seconds since 1970 */
	int16_t value; /* which of the column's values it is; -1: they are not told apart */
	uint8_t kind;
} eg_table_cell;
typedef struct eg_column {
	const char *name;
	int64_t cells, missing, integers, numbers, times;
	const char *values[EG_COLUMN_VALUES]; /* different ones, as they came */
	int nvalues;                          /* -1: too many */
} eg_column;
/* Counts what a cell says. false: out of memory. */
bool eg_column_look(eg_column *c, const char *cell, const eg_strings *missing, eg_arena *arena, eg_table_cell *out);
/* What most of its cells are: numbers or times, where more than half of those that are not missing are; else classes,
 * where there are few different values and each comes twice on average; else texts. */
eg_column_type eg_column_found(const eg_column *c);

/* ---- frame.c: the columns of a table that become numbers --------------------------------------------------------- */

typedef struct eg_frame_column {
	eg_column seen;
	int place;           /* in a row */
	bool found;          /* nobody named it: taken if it is of numbers, else passed over */
	bool is_class;       /* somebody says so, whatever it looks like */
	eg_column_type type;
	int width;           /* numbers that it becomes: of a class as many as there are values, one of them 1 */
	const char **values; /* of a class, sorted */
	int nvalues;
	int rank[EG_COLUMN_VALUES]; /* of each of seen.values among them; -1: it is none */
} eg_frame_column;
/* Zero-initialise. What it knows of columns lies in the arena, the cells do not. */
typedef struct eg_frame {
	eg_frame_column *columns;
	int n;
	eg_table_cell *cells; /* rows x n */
	int rows, cap;
} eg_frame;
eg_status eg_frame_columns(eg_frame *f, int n, eg_arena *arena, eg_error *err);
/* Those of these names are classes; one that is not among the columns is an error. */
eg_status eg_frame_classes(eg_frame *f, const eg_strings *names, eg_error *err);
/* false: out of memory */
bool eg_frame_add(eg_frame *f, const eg_row *row, const eg_strings *missing, eg_arena *arena);
/* All rows are there: what are the columns of? As in `known`, that of the training file, or, with NULL, as they look. A
 * column of texts that was asked for is an error; `file` is for the message. */
eg_status eg_frame_settle(eg_frame *f, const eg_frame *known, const char *file, eg_arena *arena, eg_error *err);
int eg_frame_width(const eg_frame *f, int from, int to); /* of columns from..to-1 */
/* Those of a row; missing ones are NaN. Returns the column whose cell is none of its type; -1: all are. */
int eg_frame_row(const eg_frame *f, int row, int from, int to, float *out);
eg_status eg_frame_wrong(const eg_frame *f, int row, int column, const char *file, int64_t line, eg_error *err);
/* The names of the numbers become those of a field of the source, which gets its `columns`. */
eg_status eg_frame_names(const eg_frame *f, int from, int to, eg_source *s, int field, eg_error *err);
void eg_frame_free(eg_frame *f); /* the cells */

/* ---- head.c: the first line of a table --------------------------------------------------------------------------- */

typedef struct eg_table_form {
	int separator; /* an index into eg_separator_names */
	bool quoted, header;
	eg_strings missing;
} eg_table_form;
extern const char *const eg_separator_names[]; /* "comma", "tab", "semicolon" */
char eg_separator_of(const eg_table_form *form);
#define EG_TABLE_FORM_KEYS(owner, member) \
	{.name = "separator", \
		.type = EG_KEY_ENUM, \
		.offset = offsetof(owner, member) + offsetof(eg_table_form, separator), \
		.names = eg_separator_names, \
		.def = 0, \
		.doc = "what stands between cells: comma (the default), tab or semicolon"}, \
	{.name = "header", \
		.type = EG_KEY_BOOL, \
		.offset = offsetof(owner, member) + offsetof(eg_table_form, header), \
		.def = 1, \
		.doc = "the first line names the columns (the default); false: they are called 1, 2, 3, ..."}, \
	{ \
		.name = "missing", .type = EG_KEY_STRINGS, .count = 100, \
		.offset = offsetof(owner, member) + offsetof(eg_table_form, missing), .def = NAN, \
		.doc = "cells that say that there is nothing, beside empty ones and, where numbers are wanted, NA, NaN and null; " \
		       "\"age=-1\": in that column alone" \
	}
/* The columns of a table, in the arena. */
typedef struct eg_head {
	const char *file;
	int64_t line;
	char separator;
	bool quoted;
	const char **names;
	int n;
} eg_head;
/* Reads the names; where there are none the row that came is the first of the records, else *first is empty. */
eg_status eg_head_read(
	eg_head *h, eg_rows *rows, const eg_table_form *form, eg_arena *arena, eg_row *first, eg_error *err);
eg_status eg_head_find(const eg_head *h, const char *name, int *place, eg_error *err); /* name NULL: *place is -1 */
/* The next row that has as many cells as the head has names (`first`, if it is not empty). Others are broken records of
 * the source. row->n 0: there is no more. */
eg_status eg_head_next(
	const eg_head *h, eg_rows *rows, eg_row *first, eg_source *s, eg_row *row, eg_error *err);

/* ---- time_table.c ------------------------------------------------------------------------------------------------ */

/* eg_time_table_read of what a reader gives, which stays the caller's. */
eg_status eg_time_table_take(
	eg_reader *reader, const eg_time_table_options *options, eg_time_table **table, eg_error *err);

/* ---- shelf.c: records of rows ------------------------------------------------------------------------------------ */

/* What a record holds. Texts end with a zero. Unused: zero. */
typedef struct eg_item {
	const char *text, *answer, *class_name, *group, *id;
	const char *file; /* NULL: the shelf's */
	const char *sound; /* path of a sound file, read when a record is wanted */
	const float *numbers, *target, *series;
	const double *times;
	const char **tokens;
	const char **tag_names; /* until they are numbered */
	int32_t *tags;
	uint32_t text_size, answer_size;
	int nnumbers, ntarget, ntokens, steps;
	int32_t label;
	int64_t line;
} eg_item;

typedef struct eg_shelf {
	const char *file; /* its name, for messages and places */
	eg_item *at;
	int n, cap;
	eg_pool pool;   /* what the items hold */
	int64_t latin1; /* lines that were found to be so */
	eg_strings tags; /* all the tags there are, in any order, where the reader knows; else none */
	bool token_lines; /* each token has a line of its own; else a record has one */
	int64_t strays, stray_line; /* tags I-X that follow no tag of X, and where the first is */
} eg_shelf;
void eg_shelf_free(eg_shelf *f);

/* The fields of a record, by their places among the source's; -1: it has none. */
typedef struct eg_shelf_fields {
	int text, answer, label, numbers, target, series, tokens, tags, sound;
} eg_shelf_fields;
#define EG_NO_FIELDS {-1, -1, -1, -1, -1, -1, -1, -1, -1}

/* Common to sources of rows: the keys of parts, and what they make of a file. */
typedef struct eg_shelf_source {
	eg_source base;
	const char *test_path;
	double test;
	int64_t test_last;
	eg_text_rules rules;
	eg_shelf_fields fields;
	const eg_files *tree;      /* where sounds lie; NULL: anywhere */
	eg_shelf own, other;       /* of path, of test_path */
	uint32_t *items[EG_PARTS]; /* of `own`, of each part */
	eg_part (*part_of)(const eg_source *s, const eg_item *x); /* NULL: the keys say it */
	bool ready;                /* `own` is read, named and cut */
	const char *one, *many;    /* "line", "lines": what a record is called */
} eg_shelf_source;
#define EG_SHELF_TEST_KEY(owner, many_) \
	{.name = "test", \
		.type = EG_KEY_DOUBLE, \
		.offset = offsetof(owner, shelf.test), \
		.min = 0, \
		.max = 0.999, \
		.def = 0, \
		.doc = "share of the " many_ " that is the test part: of every class, chosen by a fixed rule"}
#define EG_SHELF_KEYS(owner, many_) \
	EG_SHELF_TEST_KEY(owner, many_), \
	{.name = "test_last", \
		.type = EG_KEY_INT64, \
		.offset = offsetof(owner, shelf.test_last), \
		.min = 1, \
		.max = 1e9, \
		.def = NAN, \
		.doc = "in place of `test`: the last so many " many_ " are the test part"}, \
	{.name = "test_path", \
		.type = EG_KEY_STRING, \
		.offset = offsetof(owner, shelf.test_path), \
		.def = NAN, \
		.doc = "in place of `test`: another file, of the same form, that is the test part"}, \
	EG_SHELF_LIMIT_KEY, EG_BROKEN_KEY, EG_TEXT_RULE_KEYS(owner, shelf.rules)
#define EG_SHELF_LIMIT_KEY EG_LIMIT_KEY("train on so many samples only, the first of each class in turn; left out: on all")

/* Reads a file into a shelf. What is wrong with a row goes to eg_broken_add. */
typedef eg_status (*eg_shelf_fill)(eg_source *s, eg_shelf *f, eg_reader *reader, eg_error *err);
eg_status eg_shelf_open(eg_source *s, eg_error *err); /* checks the common keys */
/* The path of a sound that a file names: from that file's folder. NULL: out of memory. */
const char *eg_shelf_sound(eg_shelf *f, const char *name);
/* A field that a recipe asks for, by its name in the table, behind those that there are. */
void eg_shelf_field(eg_source *s, const char *name, int *field);
/* The source's own file from a reader: filled, its classes named, cut into parts. */
eg_status eg_shelf_take(eg_source *s, eg_shelf_fill fill, eg_reader *reader, eg_error *err);
eg_status eg_shelf_prepare(eg_source *s, eg_part part, eg_shelf_fill fill, eg_error *err);
eg_status eg_shelf_read(const eg_source *s, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err);
void eg_shelf_close(eg_source *s);

#endif
