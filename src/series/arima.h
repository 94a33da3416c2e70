/* arima.h - regression with seasonal ARIMA errors: one order fitted (arima.c), the best one looked for
 * (arima_search.c). */
#ifndef ENGRAM_SERIES_ARIMA_H
#define ENGRAM_SERIES_ARIMA_H

#include "series/arma.h"
#include "series/series.h"

enum { EG_FREE_MOST = 64, EG_SEARCH_MOST = 1500 };

typedef struct eg_arima_fit {
	eg_arima_order order;
	double coefficients[EG_FREE_MOST]; /* ar, ma, sar, sma */
	double beta[EG_COLUMNS_MOST];      /* the constant, if there is one, and the known columns */
	int nbeta, n;                      /* n: values that the likelihood is of */
	double sigma2, loglik, aicc;
} eg_arima_fit;

/* What the past needs to have for the order; EG_ERR_ARG with the cure. */
eg_status eg_arima_check(const eg_past *past, const eg_arima_order *o, eg_error *err);
/* Exact maximum likelihood. `near` (NULL: none): a fit whose coefficients may be a place to begin. `roughly`: enough to
 * see whether an order is worth more. */
eg_status eg_arima_estimate(const eg_past *past, eg_arima_order order, const eg_arima_fit *near, bool roughly,
	eg_arima_fit *out, eg_error *err);
/* The order of the smallest AICc, d and D given. */
eg_status eg_arima_search(const eg_past *past, int d, int D, bool stepwise, eg_arima_fit *out, eg_error *err);
int eg_arima_count(const eg_arima_fit *f); /* all parameters, the variance too */
/* "(0,1,1)(0,1,1)12", a c behind where there is a constant. */
void eg_arima_order_text(const eg_arima_order *o, char *buf, size_t size);

#endif
