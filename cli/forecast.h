/* forecast.h - what the files of engram forecast share: the job, and how it is shown (forecast_show.c). */
#ifndef ENGRAM_CLI_FORECAST_H
#define ENGRAM_CLI_FORECAST_H

#include "engram_series.h"
#include "engram_task.h"
#include "print.h"

enum { FORECAST_MODELS = 32 };

typedef struct forecast_combination forecast_combination; /* forecast_combine.c */

/* One model: what it did on the origins, and fitted on all. */
typedef struct forecast_model {
	const char *asked; /* "arima", "ets(M,Ad,M)" */
	eg_rolling *trial;
	eg_scores scores;
	eg_forecaster *fitted;        /* NULL: it is a network: */
	eg_recipe *recipe;            /* its own; NULL: there is none, or one network is for several series */
	eg_network_forecaster *network;
	forecast_combination *combination; /* or several models together */
	eg_value *sensitivity;        /* of the network; NULL: not known */
	eg_outlook *outlook;
	double seconds;    /* to fit it on all */
} forecast_model;

typedef struct forecast_job {
	const cli_args *args;
	eg_context *ctx;           /* of the networks; NULL: there are none */
	const eg_time_table *table;
	const eg_time_column *target;
	eg_past past;
	double *known, *seen;      /* rows x nknown, steps x nseen */
	char **known_names, **seen_names; /* of each of these columns */
	eg_forecaster_options options;
	eg_rolling_options trials;
	int horizon, origins;      /* horizon: 0, the usual one, until origins are chosen */
	double strength;           /* of the season that was found; NAN: the period was given */
	int seen_for_period;       /* the values that it was found in: the first so many */
	forecast_model models[FORECAST_MODELS]; /* the best first */
	int n, given;              /* given: those that were asked for; the first are */
	int networks;              /* so many recipes */
	char tested[120];          /* the simple model that the best one was tested against; "": none */
	double p;
	int network;               /* the best of the networks; -1: there is none; and its p */
	double network_p;
	bool many;                 /* one of several series: no bar, no messages of its own */
	char *notes;               /* models that were left out, a line each; NULL: none */
	eg_error err;              /* what ended it; "": nothing did */
} forecast_job;

/* Options that say how a table's times are read: of every verb that takes one. */
#define OPTIONS_TIME \
	{"time", 0, "COLUMNS", "the column of the time, or those of year, month, day, hour, ... with commas between them (default: the " \
	                       "first of dates, or those called year, month, day, ...)", 0, 0}, \
	{"time-format", 0, "FORMAT", "how the time is written, as strptime(3) has it, several columns with a blank between them, as in " \
	                             "--time-format '%d.%m.%Y %H:%M' (default: ISO 8601)", 0, 0}, \
	{"time-zone", 0, "ZONE", "times are what clocks there showed, as in --time-zone Europe/Berlin, with the hours that are there twice " \
	                         "or never (default: as they are written)", 0, 0}, \
	{"rows", 0, NULL, "rows are steps, whatever their times; these are told where they rise", 0, 0}, \
	{"missing", 0, "TEXT", "a cell with this text says nothing, as an empty one and NA do; may be repeated", 0, 0}, \
	{"separator", 0, "comma|tab|semicolon", "what stands between cells (default: comma)", 0, 0}

#define OPTION_GRID \
	{"grid", 0, "STEP", "bring rows to steps of this length, the mean of each step's rows: 10min, 1h, 1d, 1w, 1mo, 1y (default: the " \
	                    "step that all times have in common)", 0, 0}

/* ---- forecast_table.c: the series, and what is seen or known beside it ------------------------------------------- */

/* Rows that come behind a table: the names and a row, the number of its line, and the time of the row before it, where
 * clocks of a time zone showed it (NULL: they did not). */
typedef struct forecast_rows {
	const char *text;
	int64_t line;
	const double *before;
} forecast_rows;
/* A file, or with `rows` those, which are called so. NULL after a message, and *code is what the program exits with. */
eg_time_tables *forecast_read(const cli_args *a, const char *path, const forecast_rows *rows, int *code);
/* The target of a table, and its columns; false: j->err says why. */
bool forecast_take(forecast_job *j);
void forecast_leave(forecast_job *j); /* what forecast_take took */

/* ---- forecast.c -------------------------------------------------------------------------------------------------- */

/* Everything of one series but its models, then these, where they have not been run yet; false: j->err says why. */
bool forecast_prepare(forecast_job *j);
bool forecast_run(forecast_job *j);
eg_status forecast_load_recipe(const cli_args *a, const char *path, eg_recipe **r, eg_error *err); /* with --set */
double forecast_now(void); /* seconds */
void forecast_free(forecast_job *j);
/* What ends a job. false. */
bool forecast_refuse(forecast_job *j, const char *fmt, ...) CLI_PRINTF(2, 3);
const eg_fitted *forecast_fitted(const forecast_model *m);
bool forecast_is_simple(const char *name);       /* naive ones, drift, mean: they see no logarithms */

bool forecast_is_recipe(const char *model);      /* FILE.yaml */

/* ---- forecast_combine.c: several models together ----------------------------------------------------------------- */

bool forecast_is_combination(const char *asked); /* "combine(...)" or "weigh(...)" */
/* Its models' names, and the recipes among them; *combination is to be freed in any case. */
eg_status forecast_combination_read(const cli_args *a, const char *asked, forecast_combination **combination, eg_error *err);
void forecast_combination_free(forecast_combination *c); /* NULL is allowed */
/* The trial and the outlook of a model that is one. */
eg_status forecast_combination_run(forecast_job *j, forecast_model *m, const eg_rolling_options *trials, eg_error *err);
const eg_fitted *forecast_combination_fitted(const forecast_combination *c);

/* ---- forecast_many.c: several series of one file ----------------------------------------------------------------- */

/* Forecasts them, side by side, and shows them; returns the exit code. */
int forecast_many(const forecast_job *like, const eg_time_tables *tables);

/* ---- forecast_show.c --------------------------------------------------------------------------------------------- */

void forecast_show(const forecast_job *j);      /* as text */
enum { FORECAST_COLUMNS = 11, FORECAST_CELL = 168 };
extern const char *const forecast_heads[FORECAST_COLUMNS];
/* A model's row of the table. */
void forecast_cells(const forecast_job *j, const forecast_model *m, char cells[FORECAST_COLUMNS][FORECAST_CELL]);
const char *forecast_spec(const forecast_job *j, const forecast_model *m, char buf[160]); /* with its transformation */
const char *forecast_when(const forecast_job *j, int step, char buf[32]);
/* Warning number *i, or the next one, into text; its code. NULL: there are no more. */
const char *forecast_warning(const forecast_job *j, int *i, char *text, size_t size);
const char *forecast_number(char buf[NUMBER], double v); /* four digits */
/* One series into a map. */
void forecast_put(const forecast_job *j, eg_value *map);
void forecast_put_scores(eg_value *v, const eg_scores *s);

/* ---- forecast_draw.c --------------------------------------------------------------------------------------------- */

/* The axis of a picture: years, of less than a year days from its begin, or numbers of steps. */
typedef struct forecast_axis {
	const eg_time_table *table;
	int from; /* the step that days are counted from; -1: years */
	char title[60];
} forecast_axis;
forecast_axis forecast_axis_of(const eg_time_table *t, int from, int to); /* of these steps */
double forecast_place(const forecast_axis *a, int step);
bool forecast_draw(const forecast_job *j, const char *path); /* false after a message */

/* ---- forecast_follow.c ------------------------------------------------------------------------------------------- */

/* A model that forecasts, fed with rows of standard input; returns the exit code. */
int forecast_follow(const cli_args *a);

#endif
