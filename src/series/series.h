/* series.h - what the models of series share: the table of kinds, their memory, small mathematics.
 *
 * A kind gets a past that is transformed and checked, and says means and variances; intervals, transformation back and
 * series that are constant are model.c's. Includes base only; neither prints nor knows files. */
#ifndef ENGRAM_SERIES_SERIES_H
#define ENGRAM_SERIES_SERIES_H

#include "base/base.h"
#include "engram_series.h"

#include <math.h>

enum { EG_SPEC = 120, EG_COEFFICIENTS_MOST = 64 };

typedef struct eg_forecaster_kind {
	eg_forecaster_info info;
	/* `arguments`: what stands behind the name, "(0,1,1)(0,1,1)12" or "". */
	eg_status (*fit)(eg_forecaster *f, const char *arguments, const eg_past *past, eg_error *err);
	/* mean and variance of each step, the quantiles too where it does not leave them NAN. */
	eg_status (*say)(const eg_forecaster *f, const eg_past *past, eg_outlook *out, eg_error *err);
	void (*drop)(eg_forecaster *f); /* what it has outside the arena; NULL: nothing */
} eg_forecaster_kind;
#define EG_FORECASTER(name) extern const eg_forecaster_kind eg_forecaster_##name;
#include "series/forecasters.def"
#undef EG_FORECASTER

struct eg_forecaster {
	const eg_forecaster_kind *kind;
	eg_forecaster_options options;
	eg_arena arena; /* all that it keeps */
	eg_fitted fit;
	char spec[EG_SPEC];
	eg_coefficient coefficients[EG_COEFFICIENTS_MOST];
	int period, nknown, nseen; /* of the past that it was fitted on */
	bool constant; /* all values that it was fitted on are `value` */
	double value;
	void *own; /* the kind's, in the arena */
};

/* ---- model.c ----------------------------------------------------------------------------------------------------- */

void eg_forecaster_coefficient(eg_forecaster *f, const char *name, double value); /* beyond the room: left out */
void eg_forecaster_spec(eg_forecaster *f, const char *fmt, ...) EG_PRINTF(2, 3);
void eg_forecaster_formula(eg_forecaster *f, const char *fmt, ...) EG_PRINTF(2, 3);
/* Adds to a text in a buffer; what does not fit is cut. */
void eg_series_add(char *buf, size_t size, const char *fmt, ...) EG_PRINTF(3, 4);
/* The log-likelihood of n normal values whose mean is known, at its best variance, and its AICc with k parameters. */
void eg_series_likelihood(eg_fitted *fit, int n, double sse, double log_determinant, int k);
double eg_series_aicc(double loglik, int n, int k);
static inline eg_status eg_series_no_memory(eg_error *err) {
	return eg_fail(err, EG_ERR_MEMORY, "out of memory for a forecast");
}
/* The whole number of at most `digits` digits that stands at *at, which goes behind it; false: there is none. */
bool eg_series_whole(const char **at, int digits, int *value);
eg_status eg_series_too_short(const char *spec, int needed, int n, eg_error *err);
bool eg_series_no_arguments(const char *name, const char *arguments, eg_error *err);
double eg_series_quantile(double p); /* of the normal distribution */

/* ---- rolling.c --------------------------------------------------------------------------------------------------- */

/* A model of the table, as origins go; f is to be freed. */
typedef struct eg_table_model {
	const char *spec;
	const eg_forecaster_options *options; /* NULL: the defaults */
	eg_forecaster *f;                     /* of the last fit; NULL: there was none */
} eg_table_model;
eg_rolled eg_table_model_rolled(eg_table_model *l);

/* ---- season.c ---------------------------------------------------------------------------------------------------- */

/* Indices of a season by moving averages: `index` of 0..period-1, beginning with the first value; `multiplicative`:
 * their mean is 1, else 0. false: out of memory. */
bool eg_season_indices(const double *y, int n, int period, bool multiplicative, double *index);
int eg_series_counted(const double *y, int n); /* values that are not missing */
int eg_series_last(const double *y, int n);    /* the place of the last of them; -1: none */

/* ---- sums.c ------------------------------------------------------------------------------------------------------ */

/* Sums over rows of k numbers x and one y: of products (upper half), of x, of x y. */
typedef struct eg_sums {
	double *xx, *x, *xy, y, yy;
	int n;
} eg_sums;
void eg_sums_add(eg_sums *s, const double *x, int k, double y);
/* (X'X + penalty n I) w = X'y with standardised columns, by Cholesky; w in the units of x, and *level beside it. a:
 * room for k x k, scale: for k. false: no such coefficients. */
bool eg_sums_solve(const eg_sums *s, int k, double penalty, double *a, double *scale, double *weight, double *level);

/* ---- minimum.c --------------------------------------------------------------------------------------------------- */

/* A value to be made small; not finite: no such place. */
typedef double (*eg_valued)(void *user, const double *x);
/* Goes from x downhill, the slope by differences, in at most `steps` steps; x is where it ends. `roughly`: to some
 * 1e-6, once. */
eg_status eg_series_minimise(
	double *x, int n, int steps, bool roughly, eg_valued f, void *user, double *value, eg_error *err);

#endif
