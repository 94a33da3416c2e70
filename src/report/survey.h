/* survey.h - what the files of this folder that show data share: survey.c (facts), inputs.c (what a network gets),
 * survey_series.c (columns of series), survey_tables.c (tables of several series), survey_lines.c (facts as lines, a
 * record in words), sheet.c, sheet_facts.c and sheet_plots.c (a page). */
#ifndef ENGRAM_REPORT_SURVEY_H
#define ENGRAM_REPORT_SURVEY_H

#include "data/data.h"
#include "engram_report.h"
#include "report/plot.h"
#include "tasks/samples.h"

/* ---- a column of a series (survey_series.c) ---------------------------------------------------------------------- */

typedef struct eg_series_look {
	int longest_gap;      /* steps */
	bool constant;        /* all its values are the same; nothing else is told of it */
	int spikes, spike_at; /* values far from both neighbours, and the farthest one's step */
	int period;           /* 1: no season stands out */
	double lag1;          /* autocorrelation of neighbours; NAN: too few values */
	double trend, season; /* 0..1, how much of the column they are */
} eg_series_look;
/* n values, `stride` apart. tried: the periods that its calendar suggests, 0 behind them; none, or NULL: any is looked
 * for. */
eg_status eg_look_at_series(const float *at, int stride, int n, const int *tried, eg_series_look *look, eg_error *err);
void eg_put_look(eg_value *map, const eg_series_look *look); /* survey.c: as facts */

/* ---- words (survey_lines.c) -------------------------------------------------------------------------------------- */

/* With at most four digits that tell something: 0.1307, 5,923. */
const char *eg_brief(double v, char buf[32]);
/* The name of class `label` of field k, or its number; "-": none. */
const char *eg_class_name(const eg_source *s, int k, int label, char buf[24]);
/* At most `most` bytes of a text that need not end with a zero, cut between characters, with "..." where it was. */
char *eg_cut_text(const char *bytes, size_t size, size_t most, char *buf);
int64_t eg_characters(const char *bytes, size_t size);

/* A line that grows; what does not fit is cut, with "..." at its end. */
enum { EG_LINE = 2000 };
typedef struct eg_words {
	size_t n;
	char text[EG_LINE];
} eg_words;
void eg_say(eg_words *w, const char *fmt, ...) EG_PRINTF(2, 3);
void eg_say_count(eg_words *w, int64_t n); /* 60,000 */

/* Facts, as lines and pages have them: how many records a part has; lengths or sizes; numbers of a column; an input of
 * the network; units of its texts; records that are there twice. */
void eg_say_records(eg_words *w, const eg_value *part);
void eg_say_lengths(eg_words *w, const eg_value *lengths);
void eg_say_values(eg_words *w, const eg_value *values);
void eg_say_column(eg_words *w, const eg_value *values); /* the same of a column of a series, and what it looks like */
void eg_say_input(eg_words *w, const eg_value *input);
void eg_say_units(eg_words *w, const eg_value *units);
void eg_say_duplicates(eg_words *w, const eg_value *duplicates);
/* Of all parts: that there are none, or that not all records were looked at; empty: there is nothing to say. */
void eg_say_looked(eg_words *w, const eg_value *facts);

const char *eg_type_word(const eg_value *input); /* its type, as people are told it: F32 */
double eg_number_of(const eg_value *map, const char *key);   /* NAN: there is none */
int64_t eg_int_of(const eg_value *map, const char *key);     /* 0: there is none */
const char *eg_text_of(const eg_value *map, const char *key); /* "": there is none */

#endif
