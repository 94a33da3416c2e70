/* watch.h - what the files of the fault warning share: what is learned of a column (watch_learn.c), and what goes from
 * row to row (watch.c). */
#ifndef ENGRAM_SERIES_WATCH_H
#define ENGRAM_SERIES_WATCH_H

#include "series/ets.h"

enum { EG_WATCH_LAGS = 24, EG_WATCH_WAVES = 3, EG_WATCH_PERSIST = 16 };

/* What is known of a column: how it is transformed, what it depends on, what is normal. */
typedef struct eg_watch_column {
	bool logs;          /* z = log(max(y, 0) + floor), else z = y */
	double floor;
	double low, high, change; /* of the values, and the deviation of their differences */
	double *level, level_0, level_scale; /* z on waves and the other columns, and the deviation of what is left */
	double *step, step_0, step_scale;    /* on the last values of all columns too */
	double *spread, spread_0;            /* how large the absolute error is there, as a multiple of step_scale */
	double *season;     /* `period` of them: the waves of the season, in units of y */
	double *turned;     /* what half a period's shift of it does to the errors one step ahead */
	double threshold[EG_SIGNS];
	const eg_ets *smoothing;
} eg_watch_column;

/* The sum of the last `width` numbers, of which `here` were there. */
typedef struct eg_watch_window {
	size_t ring; /* in the numbers of the run */
	int width, at, here;
	double sum;
} eg_watch_window;

typedef struct eg_watch_state { /* of a column */
	size_t lags; /* of z, the last one first */
	double value, change; /* the last that were there */
	bool there, changed;
	int same;    /* how many values before the last one were the same */
	eg_watch_window level, quiet, match, weight;
	double held[EG_SIGNS][EG_WATCH_PERSIST];
	eg_ets_state smoothing; /* its season: in the numbers, too */
	size_t season;
	double score; /* of this row, of all signs the highest; and of which */
	eg_sign sign;
	double beyond; /* of the open event: the sum of what was above the threshold */
} eg_watch_state;

struct eg_watch {
	eg_arena arena;
	eg_watch_options options;
	int ncolumns, rows;
	int nlevel, nstep;  /* what the two regressions are on; the first is a part of the second */
	int level, quiet, season; /* widths of windows */
	double *mean;       /* of each column, before its first value */
	eg_watch_column *columns;
	bool *told; /* by the forecaster, of each watched column; NULL: there is none */
	eg_watch_run *begin; /* after the rows that were learned */
};

struct eg_watch_run {
	const eg_watch *watch;
	const eg_watch_column *columns;
	int64_t row;
	double *numbers, *now, *before, *x, *shares; /* one block: values, gaps filled with the last */
	double *history; /* what the forecaster is shown, if there is one */
	double *said, *answer; /* by it of this row: of each watched column; of those that it tells, as it told them */
	const double *said_before; /* its answers of each row that is learned; NULL: it is asked */
	size_t count;
	bool open;
	int64_t alarm; /* the last row that had one */
	eg_watch_event event;
	eg_watch_state state[];
};

/* z of a value. */
static inline double eg_watch_z(const eg_watch_column *c, double y) { return c->logs ? log(fmax(y, 0) + c->floor) : y; }

eg_watch_run *eg_watch_run_new(const eg_watch *w, const eg_watch_column *columns); /* NULL: out of memory */
eg_watch_run *eg_watch_run_copy(const eg_watch_run *r);
/* A row's parts: the values of all columns taken; what column j's regressions are on, into r->x; and signs from its
 * value (0: none), as far as they persist. Then eg_watch_keep. */
void eg_watch_take(eg_watch_run *r, const double *row);
double eg_watch_features(eg_watch_run *r, int j); /* returns z */
void eg_watch_signs(eg_watch_run *r, int j, double y, double z, double signs[EG_SIGNS]);
void eg_watch_keep(eg_watch_run *r, int j, double z);

/* How many waves a season of this period has. */
static inline int eg_watch_waves(int period) {
	int most = period <= 60 ? EG_WATCH_WAVES : 2;
	return period / 2 < most ? period / 2 : most;
}

/* What is said by a line of the regressions. */
static inline double eg_watch_line(const double *weight, double level, const double *x, int n) {
	for (int i = 0; i < n; i++) level += weight[i] * x[i];
	return level;
}

/* What was expected of column j (its z): the forecaster's, or that of the columns' line on r->x. NAN: nothing. */
static inline double eg_watch_expected(const eg_watch_run *r, const eg_watch_column *c, int j) {
	const eg_watch *w = r->watch;
	return w->told && w->told[j] ? r->said[j] : eg_watch_line(c->step, c->step_0, r->x, w->nstep);
}

/* The absolute error that is usual for r->x. */
static inline double eg_watch_usual(const eg_watch_column *c, const double *x, int n) {
	return fmax(0.35, eg_watch_line(c->spread, c->spread_0, x, n));
}

#endif
