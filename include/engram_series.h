/* engram_series.h - forecasts of series by the classical models: naive ones, exponential smoothing, Theta, ARIMA, ridge
 * regression; their scores on rolling origins. Part of libengram_io; libc and libm only, in double precision.
 *
 * A model is named by a text: "naive", "ets", "ets(M,Ad,M)", "arima", "arima(0,1,1)(0,1,1)12". It is fitted on a past,
 * and forecasts from the end of any past: the one that it was fitted on, or one that has gone on since, with the same
 * coefficients. What lies behind the end of a past is never looked at, but for the columns that are said to be known.
 * Ownership, threads, NULL and messages as in engram_io.h. */
#ifndef ENGRAM_SERIES_H
#define ENGRAM_SERIES_H

#include "engram.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a past ------------------------------------------------------------------------------------------------------ */

typedef struct eg_past {
	const double *values; /* at equal distances, the oldest first; NAN: missing */
	int n;
	int period;           /* steps of a season; 0 or 1: there is none */
	const double *known;  /* rows x nknown: columns that are known of the future too (regressors); NULL: none */
	int nknown, rows;     /* rows: at least n, and the horizon more for a forecast */
	/* n x nseen: columns that are seen with the values, and not before (NAN: missing); NULL: none */
	const double *seen;
	int nseen;
} eg_past;

/* ---- models ------------------------------------------------------------------------------------------------------ */

typedef struct eg_forecaster_info {
	const char *name;     /* "holt-winters" */
	const char *doc;      /* one line */
	const char *equation; /* in plain characters */
	const char *source;   /* "Winters 1960" */
	bool seasonal;        /* says something only where there is a season */
} eg_forecaster_info;
EG_API const eg_forecaster_info *eg_forecaster_at(int i); /* NULL: no such */

typedef enum eg_power { EG_POWER_NONE, EG_POWER_LOG, EG_POWER_BOX_COX } eg_power;

typedef struct eg_forecaster_options {
	/* The series is transformed first, forecasts are transformed back: their "mean" is then the median. */
	eg_power power;
	double lambda;   /* of Box and Cox; NAN: the likeliest one */
	int d, D;        /* differences of arima where it searches; -1: by tests */
	bool stepwise;   /* arima searches step by step up to p = q = 5 and P = Q = 2, not all orders up to 2 and 1 */
	int paths;       /* of a simulation, where intervals have no formula; 0: 2000 */
	uint64_t seed;   /* of that */
} eg_forecaster_options;
#define EG_FORECASTER_OPTIONS {EG_POWER_NONE, NAN, -1, -1, false, 0, 0}

typedef struct eg_coefficient {
	char name[24]; /* "ma1", "sma1", "alpha", "drift" */
	double value;
} eg_coefficient;

typedef struct eg_fitted {
	const char *name;    /* of the model's kind */
	const char *spec;    /* what was fitted, so that it fits the same again: "arima(2,1,1)(0,1,1)12" */
	const char *formula; /* with its numbers */
	const eg_coefficient *coefficients;
	int ncoefficients;
	int parameters;      /* all that were estimated */
	int n;               /* values that the likelihood is of */
	double sigma2, loglik, aicc; /* NAN: the model has none. A series that is fitted exactly: 0, NAN, NAN */
	double lambda;       /* of a transformation; NAN: none */
} eg_fitted;

typedef struct eg_forecaster eg_forecaster;
/* options may be NULL. EG_ERR_ARG: a text that names no model, or a past that is too short for it. */
EG_API eg_status eg_forecaster_fit(const char *spec, const eg_past *past, const eg_forecaster_options *options,
	eg_forecaster **forecaster, eg_error *err);
EG_API void eg_forecaster_free(eg_forecaster *f); /* NULL is allowed */
EG_API const eg_fitted *eg_forecaster_fitted(const eg_forecaster *f);

enum { EG_LEVELS = 5 };
EG_API extern const double eg_levels[EG_LEVELS]; /* 0.025, 0.1, 0.5, 0.9, 0.975 */

/* What is said of the steps behind a past. */
typedef struct eg_outlook {
	int horizon;
	double *mean, *deviation;     /* of each step; deviation: on the scale that the model was fitted on */
	double *quantiles[EG_LEVELS]; /* of each step */
} eg_outlook;
EG_API eg_outlook *eg_outlook_new(int horizon); /* NULL: out of memory */
EG_API void eg_outlook_free(eg_outlook *o);     /* NULL is allowed */
EG_API eg_status eg_forecast(const eg_forecaster *f, const eg_past *past, eg_outlook *out, eg_error *err);

/* ---- what a series looks like ------------------------------------------------------------------------------------ */

/* Autocorrelation at lags 0..lags into r; missing values are left out. */
EG_API void eg_autocorrelation(const double *y, int n, int lags, double *r);
/* The period of a season that the autocorrelation shows: among `tried` (NULL: 2 .. n/3); 1: none. *strength: the
 * autocorrelation there, of the series without its trend. EG_ERR_MEMORY only. */
EG_API eg_status eg_find_period(
	const double *y, int n, const int *tried, int ntried, int *period, double *strength, eg_error *err);
/* A series as trend + season + rest, by moving averages over the period (without one, over a tenth of the series);
 * NAN near the ends and beside gaps. trend and season have n values; either may be NULL. *trend_strength and
 * *season_strength: 0..1, how much of what is not the other they explain (Wang, Smith and Hyndman 2006); NAN: too
 * few values. */
EG_API eg_status eg_decompose(const double *y, int n, int period, double *trend, double *season, double *trend_strength,
	double *season_strength, eg_error *err);
/* The differences that make it stationary: D by the strength of the season (Wang, Smith and Hyndman 2006), d by
 * repeated tests (Kwiatkowski and others 1992, at 5 %). */
EG_API eg_status eg_find_differences(const eg_past *past, int *d, int *D, eg_error *err);

/* ---- scores ------------------------------------------------------------------------------------------------------ */

typedef struct eg_scores {
	int n; /* pairs of a forecast and a value */
	double mae, rmse, smape /* 0..200 in percent */, mase, pinball, coverage80, coverage95; /* NAN: none */
} eg_scores;

/* The same, gathered one by one: zero-initialise. `scale` is MASE's, of the past; NAN: none. A value or forecast that
 * is NAN is passed over. */
typedef struct eg_scoring {
	eg_scores sums;
	int scaled;
} eg_scoring;
EG_API void eg_scoring_add(eg_scoring *c, double y, double mean, const double quantiles[EG_LEVELS], double scale);
EG_API eg_scores eg_scoring_end(const eg_scoring *c);
/* A quantile of Student's distribution; degrees 0: of the normal one. */
EG_API double eg_student_quantile(double p, double degrees);

/* Forecasts from several origins: `origins` rows of `horizon` steps. */
typedef struct eg_rolling {
	int origins, horizon;
	int *origin;                   /* how many values each had before it */
	double *mean, *truth;          /* truth: NAN where missing */
	double *quantiles[EG_LEVELS];
	double *scale;                 /* of each origin: mean absolute seasonal difference of its past, for MASE */
	double *last;                  /* the last value of the past that was there */
	double seconds_fit, seconds_forecast; /* of one fit, of one forecast: means */
	int fits;
	int parameters;                /* of the last fit */
	char spec[120];                /* of the last fit */
} eg_rolling;

typedef struct eg_rolling_options {
	int horizon;
	int first; /* the first origin: so many values are its past */
	int every; /* steps between origins; 0: 1 */
	int last;  /* no origin behind this; 0: as far as there is one value left */
	int refit; /* fitted anew at each so many origins; 0: each */
	const eg_forecaster_options *model; /* NULL: the defaults */
	bool (*progress)(void *user, double share); /* NULL: none; false: stop */
	void *user;
} eg_rolling_options;
/* Everything about an origin is fitted on its past alone. */
EG_API eg_status eg_rolling_run(
	const char *spec, const eg_past *whole, const eg_rolling_options *o, eg_rolling **trial, eg_error *err);
/* The same of a model that is none of these: what it does at an origin is told by functions, which look at nothing
 * behind the end of the past that they are given. */
typedef struct eg_rolled {
	void *user;
	const char *spec; /* what it is called */
	eg_status (*fit)(void *user, const eg_past *past, eg_error *err);
	eg_status (*say)(void *user, const eg_past *past, eg_outlook *out, eg_error *err);
	int (*parameters)(void *user);
} eg_rolled;
EG_API eg_status eg_rolling_run_with(
	const eg_rolled *m, const eg_past *whole, const eg_rolling_options *o, eg_rolling **trial, eg_error *err);
EG_API void eg_rolling_free(eg_rolling *t);                                /* NULL is allowed */
EG_API void eg_rolling_scores(const eg_rolling *t, int step, eg_scores *s); /* step -1: of all */
/* Correlation of the errors one step ahead with the changes that were to be forecast: 1 says that the last value is
 * echoed. NAN: fewer than 3. */
EG_API double eg_rolling_echo(const eg_rolling *t);
/* Are a and b equally good? p of the test of Diebold and Mariano (1995) for equal squared errors at step `step` (from
 * 0) of origins that follow each other, small samples as by Harvey, Leybourne and Newbold (1997), two-sided;
 * *statistic is below 0 where a is better. NAN: fewer than 8 common errors, or they are the same. */
EG_API double eg_diebold_mariano(const eg_rolling *a, const eg_rolling *b, int step, double *statistic);

/* ---- several models together ------------------------------------------------------------------------------------- */

/* A weighted mean of what several models say is said (Bates and Granger 1969). Each fit is two of each model: on
 * the first four fifths of the past, where errors in the last fifth say the intervals (split conformal: as multiples of
 * the models' mean width, by the size of the forecast; fewer than 40: the means of their quantiles), and on all. */
enum { EG_COMBINED_MOST = 12 };
typedef struct eg_combined_model {
	const char *spec; /* of the table, as for eg_forecaster_fit */
	const eg_forecaster_options *options; /* NULL: the defaults */
	const eg_rolled *other; /* in its place one that is none of the table; NULL: none */
} eg_combined_model;
typedef struct eg_combination eg_combination;
/* weighed: with weights, 0 to 1, of the least squared error in the last fifth, for each step ahead; else all the same.
 * Texts, options and users of the models must outlive it. A step of which one of them says nothing (NAN) is NAN. */
EG_API eg_status eg_combination_new(const eg_combined_model *models, int n, bool weighed, int horizon,
	eg_combination **combination, eg_error *err);
EG_API void eg_combination_free(eg_combination *c); /* NULL is allowed */
/* For eg_rolling_run_with, always with its horizon; valid as long as the combination. */
EG_API eg_rolled eg_combination_rolled(eg_combination *c);
/* Of the last fit; coefficients: the weights one step ahead, w1, w2, ... */
EG_API const eg_fitted *eg_combination_fitted(const eg_combination *c);

/* ---- fault warning ----------------------------------------------------------------------------------------------- */

/* Normal rows of a table are learned; then rows are looked at one after the other, none of them knowing a later one.
 * Each of several signs has a threshold of its own, such that all of them together raise so many false alarms in 1,000
 * normal rows: chosen on parts of the learned rows, each with what was learned of the others. docs/watch.md */
typedef enum eg_sign {
	EG_SIGN_JUMP,       /* the error of the forecast one step ahead */
	EG_SIGN_SPIKE,      /* up and straight down again, or the other way round */
	EG_SIGN_RANGE,      /* beyond all that was learned */
	EG_SIGN_STUCK,      /* the same value again and again */
	EG_SIGN_LEVEL,      /* the mean of a window, beside what season and other columns say */
	EG_SIGN_QUIET,      /* too small errors in a window */
	EG_SIGN_SEASON,     /* errors as half a period's shift of the season makes them */
	EG_SIGN_DIFFERENCE, /* for comparison: the difference to the value before */
	EG_SIGN_SMOOTHING,  /* for comparison: the error of Holt-Winters */
	EG_SIGNS
} eg_sign;
EG_API const char *eg_sign_name(eg_sign sign); /* "jump" */
EG_API const char *eg_sign_doc(eg_sign sign);  /* "the error of the forecast one step ahead" */

typedef enum eg_watch_way { EG_WATCH_SIGNS, EG_WATCH_DIFFERENCES, EG_WATCH_HOLT_WINTERS } eg_watch_way;

/* What says in place of the regression what values some of the watched columns should have: a network that forecasts
 * the next row, or an auto-encoder, which rebuilds a row that it sees (engram_task.h has both). It learns the first two
 * fifths of the learned rows; how large its errors are, and where thresholds are, is of the others alone. It is never
 * asked twice at a time, and knows what it is shown, nothing of what it was asked before. */
typedef struct eg_watch_forecaster {
	void *user;
	const int *columns; /* that it tells, each once and watched: ncolumns of them */
	int ncolumns;
	int past;      /* rows that it looks back */
	bool rebuilds; /* it is shown the row itself, too */
	/* The first n rows of all columns. What it tells is as the signs see it: the logarithm, if it is skewed. */
	eg_status (*fit)(void *user, const double *const *columns, int n, eg_error *err);
	/* Of row number `row`: past + 2 rows, one behind the other. The last is that row, in which what is forecast is
	 * missing; in the first, each value is the last one that there was before the others. said: ncolumns numbers;
	 * NAN: it says nothing of that column. */
	void (*say)(void *user, const double *rows, int64_t row, double *said);
} eg_watch_forecaster;

typedef struct eg_watch_options {
	int watched;     /* the first so many columns; the others only explain them */
	int period;      /* of a season, in rows; 0 or 1: none */
	double year;     /* of a second, longer one, which may be no whole number; 0: none */
	double per_1000; /* false alarms in 1,000 rows */
	int persist;     /* rows that the signs of windows have to last, 1 to 16 */
	int gap;         /* rows without an alarm that end an event */
	eg_watch_way way;
	const eg_watch_forecaster *forecaster; /* must outlive the watch; NULL: regressions alone */
} eg_watch_options;
#define EG_WATCH_OPTIONS {1, 0, 0, 1, 3, 24, EG_WATCH_SIGNS, NULL}

typedef struct eg_watch eg_watch;
/* n rows of ncolumns columns; NAN: missing. EG_ERR_ARG: too few rows, a column without values or without changes. */
EG_API eg_status eg_watch_learn(const double *const *columns, int ncolumns, int n, const eg_watch_options *options,
	eg_watch **watch, eg_error *err);
EG_API void eg_watch_free(eg_watch *w); /* NULL is allowed */
/* NAN: not a sign of this way. In units of the sign. */
EG_API double eg_watch_threshold(const eg_watch *w, int column, eg_sign sign);

typedef struct eg_watch_event {
	int64_t start, peak, end; /* rows from the first that was learned; end: behind the last alarm */
	double score;             /* at the peak, as a multiple of the threshold */
	int column;               /* that the peak is of */
	eg_sign sign;
	const double *shares;     /* of each watched column, of what is above the thresholds; of the run */
} eg_watch_event;

typedef struct eg_watch_now {
	double score;       /* 1 and more: an alarm */
	int column;         /* of that score */
	eg_sign sign;
	bool begins, ends;  /* an event: this one has just begun, or the last one has ended `gap` rows ago */
	eg_watch_event event;
} eg_watch_now;

typedef struct eg_watch_run eg_watch_run; /* borrows the watch */
EG_API eg_watch_run *eg_watch_begin(const eg_watch *w); /* behind the learned rows. NULL: out of memory */
EG_API void eg_watch_end(eg_watch_run *r);              /* NULL is allowed */
EG_API void eg_watch_step(eg_watch_run *r, const double *row, eg_watch_now *now);
/* There will be no more rows; true: an event was open. */
EG_API bool eg_watch_finish(eg_watch_run *r, eg_watch_event *event);

/* ---- faults put in ----------------------------------------------------------------------------------------------- */

/* By rule, so that a warning can be judged: a drift of 3 deviations over 200 values; the value before repeated 24
 * times; a spike of 6 deviations of the differences; values of 200 drawn half-way to their mean, a quarter of the
 * variance; the season (three waves of the learned rows) shifted by half a period for 3 periods. */
typedef enum eg_fault { EG_FAULT_DRIFT, EG_FAULT_STUCK, EG_FAULT_SPIKE, EG_FAULT_VARIANCE, EG_FAULT_SEASON, EG_FAULTS } eg_fault;
EG_API const char *eg_fault_name(eg_fault fault); /* "drift" */

typedef struct eg_fault_rule {
	double deviation, difference; /* deviations of values and of differences */
	int period;                   /* below 2: no season is shifted */
	double *season;               /* `period` of them */
} eg_fault_rule;
/* From n normal values; to be freed with eg_fault_rule_free, also after a failure. */
EG_API eg_status eg_fault_rule_of(const double *y, int n, int period, eg_fault_rule *rule, eg_error *err);
EG_API void eg_fault_rule_free(eg_fault_rule *rule);
EG_API int eg_fault_length(const eg_fault_rule *rule, eg_fault fault); /* 0: cannot be put in */
/* Into y, at..at + length; missing values stay so. up: of drifts and spikes. */
EG_API void eg_fault_put(const eg_fault_rule *rule, eg_fault fault, double *y, int at, bool up);

typedef struct eg_fault_score {
	int put, found, blamed;         /* blamed: of those found, in how many the right column had the highest score */
	double delay, delay_median;     /* rows from the begin to the first alarm, of those found; NAN: none */
	int by[EG_SIGNS];               /* which sign was the first */
} eg_fault_score;

typedef struct eg_watch_verdict {
	eg_fault_score faults[EG_FAULTS];
	int rows, alarms;               /* normal rows behind those that were learned, and events raised in them */
	double event_recall, false_alarms_per_1000, delay; /* of all faults together */
} eg_watch_verdict;

/* `count` faults of each kind of `kinds` (bits 1 << kind), each alone in a copy of the rows behind those learned,
 * at places by the seed. One is found where an alarm is raised in one of its rows (of a spike: or in the row
 * behind it), and the rows without the fault have none there. EG_ERR_ARG: a fault that is longer than there are
 * rows. */
EG_API eg_status eg_watch_judge(const eg_watch *w, const double *const *columns, int n, int column, unsigned kinds, int count,
	uint64_t seed, eg_watch_verdict *verdict, eg_error *err);

#ifdef __cplusplus
}
#endif

#endif
