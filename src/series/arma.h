/* arma.h - ARMA processes: their polynomials, covariances and exact likelihood (arma.c), and the Kalman filter that
 * also knows differences and gaps (kalman.c).
 *
 *   y(t) = phi1 y(t-1) + ... + e(t) + theta1 e(t-1) + ...   , e of variance 1
 *
 * In Harvey's form (1989) the state has r = max(p, q + 1) numbers, of which the first is y(t). */
#ifndef ENGRAM_SERIES_ARMA_H
#define ENGRAM_SERIES_ARMA_H

#include "base/base.h"

enum { EG_ORDER_MOST = 24, EG_STATE_MOST = 400, EG_COLUMNS_MOST = 24 };

typedef struct eg_arima_order {
	int p, d, q, P, D, Q, s; /* s: period, 1: no season */
	bool constant; /* a mean, or with a difference a drift */
} eg_arima_order;

/* Memory for one order; phi and theta are those of the products of both polynomials, r numbers each (theta[0] is that
 * of e(t-1)). */
typedef struct eg_arma {
	eg_arima_order order;
	int r;
	double *phi, *theta;
	double *psi;               /* of e(t-k) in y(t), k < r */
	double *gamma, *first;     /* covariances of y at lags 0..r; the first column of the state's covariance */
	double *memory, *scratch;
} eg_arma;

bool eg_arma_open(eg_arma *a, eg_arima_order order); /* false: out of memory */
void eg_arma_close(eg_arma *a);
int eg_arma_parameters(const eg_arima_order *o); /* p + q + P + Q */
/* Any numbers as coefficients, ar, ma, sar, sma one behind the other, of a process that is stationary and
 * invertible: partial autocorrelations tanh(free) (Monahan 1984). */
void eg_arma_bound(const eg_arima_order *o, const double *free, double *coefficients);
void eg_arma_freed(const eg_arima_order *o, const double *coefficients, double *free); /* the way back */
/* Sets polynomials and covariances; false: not stationary. */
bool eg_arma_set(eg_arma *a, const double *coefficients);

/* Sums of the one-step errors of `columns` series, standardised: products[i * columns + j], their n, and the sum of
 * the logarithms of their variances. */
typedef struct eg_innovations {
	int n;
	double log_variances;
	double products[EG_COLUMNS_MOST * EG_COLUMNS_MOST];
} eg_innovations;
/* Of series without gaps, w[c * n + t], by the recursions of Morf, Sidhu and Kailath (1974): r operations a value.
 * scratch: (columns + 2) * (r + 1) numbers. */
bool eg_arma_innovations(const eg_arma *a, const double *w, int n, int columns, double *scratch, eg_innovations *out);

/* ---- kalman.c ---------------------------------------------------------------------------------------------------- */

/* The same process integrated: the state has m = d + D s levels beside, y(t-1), y(t-2) ... Gaps are passed over. It
 * begins behind the first m values in a row that are all there. */
typedef struct eg_kalman {
	const eg_arma *a;
	int r, m, size, columns; /* size = r + m */
	double *delta;           /* m: y(t) = w(t) + sum of delta[k] y(t-1-k) */
	double *state;           /* columns x size, of the next step */
	double *variance;        /* size x size */
	double *gain, *next, *work, *memory;
	double f;                /* variance of the next value */
	bool steady;             /* the variances no longer change, */
	int same;                /* which they have not for so many steps */
	int begun;               /* the first step that it knows */
} eg_kalman;
bool eg_kalman_open(eg_kalman *k, const eg_arma *a, int columns); /* false: out of memory */
void eg_kalman_close(eg_kalman *k);
/* Filters y[c * n + t]; a gap is where the first column is NAN. false: there are no m values in a row. */
bool eg_kalman_run(eg_kalman *k, const double *y, int n, eg_innovations *out);
/* Of the next step: the variance and, of each column, the mean; then it goes on without a value. */
void eg_kalman_ahead(eg_kalman *k, double *mean, double *variance);

#endif
