/* windows.h - windows of a table over time: what is seen at an origin, and what is to be forecast from there, as the
 * numbers of a network. Scales, gaps, the calendar, what is known of the future.
 *
 * Nothing behind an origin is looked at, but for the columns that are said to be known; and scales are measured on the
 * steps that their caller names. Everything here is a function of its arguments: the memory is the caller's. Not here:
 * files (time_table.c, source_series.c), which windows train and which judge (source_windows.c). */
#ifndef ENGRAM_DATA_WINDOWS_H
#define ENGRAM_DATA_WINDOWS_H

#include "data/data.h"
#include "engram_value.h"

/* Numbers over time. */
typedef struct eg_panel {
	const float *at;          /* steps x columns; NaN: missing */
	const double *times;      /* seconds since 1970; NULL: steps are 0, 1, 2, ... */
	const char *const *names; /* of the columns */
	int steps, columns;
	int first;                /* step 0 is this one of a longer table; waves go by it */
} eg_panel;
/* The time of a step, also behind the last one, where the last distance goes on; and that distance, in seconds. Of
 * panels with times. */
double eg_panel_time(const eg_panel *p, int step);
double eg_panel_step(const eg_panel *p);

/* The columns of a table that are called so, in this order; one of words becomes a column "NAME=WORD" for each of its
 * words (at most 64), 1 where it stands, and a name may be such a one. In the arena. */
eg_status eg_panel_of_table(
	const eg_time_table *t, const char *const *names, int n, eg_arena *arena, eg_panel *panel, eg_error *err);

/* A panel that grows, row by row of a table whose first line names the columns. */
typedef struct eg_panel_feed eg_panel_feed;
/* `names`: n columns as eg_panel_of_table makes them. `time`: its columns; none: as a table's are found. */
eg_status eg_panel_feed_new(const char *const *names, int n, const eg_strings *time, const eg_strings *missing, char separator,
	eg_panel_feed **feed, eg_error *err);
void eg_panel_feed_free(eg_panel_feed *f);
/* From here on it holds the last `rows` rows, at least 2, and at most as many again. In the first of them the last
 * value stands for one that is missing, of those before. */
void eg_panel_feed_keep(eg_panel_feed *f, int rows);
/* Takes whole lines. What cannot be read is an error with its line, and the rows before it are there. `from`: what the
 * lines are called, of which the first has this number. */
eg_status eg_panel_feed_lines(
	eg_panel_feed *f, const void *bytes, size_t size, const char *from, int64_t line, eg_error *err);
const eg_panel *eg_panel_feed_get(const eg_panel_feed *f);

enum { EG_WINDOW_COLUMNS = 64, EG_WINDOW_AHEAD = 512, EG_WINDOW_WAVES = 8, EG_WINDOW_SEASONS = 10 };

typedef enum eg_window_fill { EG_FILL_LAST, EG_FILL_MEAN } eg_window_fill; /* what stands in a gap */
typedef enum eg_window_reference {
	EG_REFERENCE_NONE,  /* the value itself is forecast */
	EG_REFERENCE_LAST,  /* its change from the last value that is there */
	EG_REFERENCE_SEASON /* from the value one season ago, or, where that is missing, up to EG_WINDOW_SEASONS ago */
} eg_window_reference;
typedef enum eg_window_view {
	EG_VIEW_LEVEL,    /* the target's past values as they are */
	EG_VIEW_RELATIVE, /* less the last value */
	EG_VIEW_BOTH
} eg_window_view;
enum { EG_CALENDAR_DAY = 1, EG_CALENDAR_WEEK = 2, EG_CALENDAR_YEAR = 4 }; /* waves by the times of the steps */

/* Zero-initialise; the form is the caller's, the rest eg_windows_fit's. */
typedef struct eg_windows {
	/* the form */
	int past;   /* steps that are seen, the origin's among them */
	int ahead[EG_WINDOW_AHEAD], nahead; /* steps that are forecast: 1, 2, ... behind the origin, rising */
	int target; /* a column of the panel */
	int seen[EG_WINDOW_COLUMNS], nseen;   /* columns whose past is seen */
	int known[EG_WINDOW_COLUMNS], nknown; /* columns that are known of the future too */
	bool log;   /* the target's logarithm is what is seen and forecast */
	bool mask;  /* the past has a column more for each that is seen: 1 where there is a value, 0 in a gap */
	eg_window_fill fill;
	eg_window_reference reference;
	eg_window_view view;
	int period; /* steps of a season */
	double waves[EG_WINDOW_WAVES]; /* periods in steps, each a sine and a cosine */
	int nwaves;
	unsigned calendar;
	/* the scales; those of columns are of what `columns` the panel had */
	int columns;
	double mean[EG_WINDOW_COLUMNS], deviation[EG_WINDOW_COLUMNS]; /* of each column of the panel */
	double change[EG_WINDOW_AHEAD]; /* root mean square of what is forecast, of each step ahead */
	double mean_change;             /* their mean */
	double naive; /* mean absolute seasonal difference of the target, for MASE; NaN: none */
} eg_windows;

/* Measures the scales on steps 0..until-1. A column that never changes has deviation 1. */
void eg_windows_fit(eg_windows *w, const eg_panel *p, int until);

/* How many numbers a step has in the past, and ahead. */
int eg_windows_past_width(const eg_windows *w);
int eg_windows_future_width(const eg_windows *w);

/* Is there a value at or before the origin, and is the past long enough? */
bool eg_windows_possible(const eg_windows *w, const eg_panel *p, int origin);
/* How many steps before and at an origin its window is made of; what lies before them counts by the last value of each
 * column alone. */
int eg_windows_reach(const eg_windows *w);
/* How many steps have all that is said to be known: up to the last value of the column that ends first. */
int eg_windows_known_until(const eg_windows *w, const eg_panel *p);
/* The past of an origin (past x past_width): the columns, what is relative, waves, masks. */
void eg_windows_past(const eg_windows *w, const eg_panel *p, int origin, float *out);
/* What is known of the steps that are forecast (nahead x future_width): the columns, waves, how far ahead it is. */
void eg_windows_future(const eg_windows *w, const eg_panel *p, int origin, float *out);
/* Where the past has values (past x nseen): 1, in gaps 0; and the time since the value before, in steps, as Che and
 * others 2018 count it, at most `past`. */
void eg_windows_mask(const eg_windows *w, const eg_panel *p, int origin, float *out);
void eg_windows_gaps(const eg_windows *w, const eg_panel *p, int origin, float *out);
/* The columns alone that the past has (past x nseen), mean 0 and deviation 1: what a network that rebuilds the past is
 * compared with. Also from such a number back to the value. */
void eg_windows_values(const eg_windows *w, const eg_panel *p, int origin, float *out);
double eg_windows_rebuilt(const eg_windows *w, int seen, double y);
/* The time since the step before, in steps (past numbers): 1, where times are regular. */
void eg_windows_elapsed(const eg_windows *w, const eg_panel *p, int origin, float *out);

/* What is forecast, as the network has it: y = (value - reference) / scale; reference and scale of each step ahead into
 * `unit` (2 nahead), and back. */
void eg_windows_unit(const eg_windows *w, const eg_panel *p, int origin, float *unit);
double eg_windows_value(const eg_windows *w, const float *unit, int k, double y);
/* Of all steps ahead, NaN where the panel has no value there. */
void eg_windows_truth(const eg_windows *w, const eg_panel *p, int origin, float *values);
float eg_windows_scaled(const eg_windows *w, const float *unit, int k, double value);

/* ---- source_windows.c: the source `windows` ---------------------------------------------------------------------- */

/* Fields of its records. All but the past, masks, gaps, elapsed times and values are there whatever is wanted. */
enum { EG_WINDOW_PAST, EG_WINDOW_FUTURE, EG_WINDOW_MASK, EG_WINDOW_GAPS, EG_WINDOW_ELAPSED, EG_WINDOW_VALUES, EG_WINDOW_TARGET,
	EG_WINDOW_UNIT, EG_WINDOW_TRUTH, EG_WINDOW_FIELDS };
eg_windows *eg_windows_of(eg_source *s); /* NULL: it is another source */
const eg_panel *eg_windows_panel(const eg_source *s); /* empty before it is prepared */
const char *eg_windows_series(const eg_source *s);    /* what the series is called: the set, or the file */
/* The scales are as they are, those of columns with these names, a list: nothing is measured. */
eg_status eg_windows_keep(eg_source *s, const eg_value *names, eg_error *err);
/* In place of the set or file: n panels of the same columns, series that have nothing to do with each other, whose test
 * parts begin at steps `cuts`; they must outlive the source's use. Records are windows of all of them, each scaled by
 * the past of its own. Everything is as before the first prepare. Columns are found by their names. */
eg_status eg_windows_give(eg_source *s, const eg_panel *p, const int *cuts, int n, eg_error *err);
/* What its keys name: the columns that are seen (none: all), those that are known of the future, and the target (NULL:
 * the first). */
typedef struct eg_windows_names {
	eg_strings columns, known, time, missing;
	const char *target;
	char separator;
	const char *const *kept; /* with eg_windows_keep: nkept of them */
	int nkept;
} eg_windows_names;
eg_windows_names eg_windows_named(const eg_source *s);
void eg_windows_aim(eg_source *s, const char *target); /* another target; the text must outlive the source */
/* Of record i: where its window ends, and of which of the panels that were given it is. */
int eg_windows_origin(const eg_source *s, eg_part part, int64_t i);
int eg_windows_which(const eg_source *s, eg_part part, int64_t i);
/* The form with the scales of a panel that was given. */
const eg_windows *eg_windows_scales(const eg_source *s, int which);
/* The record of any origin of a panel, where a window is possible, in the scales of panel `which` of those given. */
eg_status eg_windows_record(const eg_source *s, int which, const eg_panel *p, int origin, unsigned wanted, eg_record *r, eg_error *err);

#endif
