/* arima_search.c - the order of an ARIMA model by the smallest AICc: all orders up to p, q = 2 and P, Q = 1, or step by
 * step beyond these (Hyndman and Khandakar 2008). Differences are given: likelihoods of different ones cannot be
 * compared. Of long series the last EG_SEARCH_MOST values choose the order, step by step, and all of them fit it. */
#include "series/arima.h"

#include <string.h>

typedef struct search {
	const eg_past *past;
	eg_arima_fit *best;         /* roughly */
	eg_arima_fit tried[400];    /* n 0: it could not be fitted */
	int ntried;
} search;

static bool same(const eg_arima_order *a, const eg_arima_order *b) {
	return a->p == b->p && a->q == b->q && a->P == b->P && a->Q == b->Q && a->constant == b->constant;
}

/* An exact fit has no likelihood, and nothing is better. */
static double worth(const eg_arima_fit *f) { return f->sigma2 > 0 ? f->aicc : -INFINITY; }

/* A fit of the order, kept if it is better. One that cannot be fitted is passed over; only memory ends the search. */
static eg_status try_order(search *s, eg_arima_order o, bool *better, eg_error *err) {
	eg_arima_fit fit;
	eg_error why;
	*better = false;
	for (int i = 0; i < s->ntried; i++)
		if (same(&s->tried[i].order, &o)) return EG_OK;
	if (s->ntried == EG_COUNT(s->tried)) return EG_OK;
	eg_arima_fit *kept = &s->tried[s->ntried++];
	*kept = (eg_arima_fit){.order = o};
	if (o.P + o.D + o.Q == 0) o.s = 1;
	eg_status status = eg_arima_estimate(s->past, o, NULL, true, &fit, &why);
	if (status == EG_ERR_ARG) return EG_OK;
	if (status) return eg_fail(err, status, "%s", why.message);
	if (isnan(worth(&fit))) return EG_OK; /* more parameters than values */
	*kept = fit;
	if (s->best->n > 0 && !(worth(&fit) < worth(s->best))) return EG_OK;
	*s->best = fit;
	*better = true;
	return EG_OK;
}

/* Those that are nearly the best are fitted to the end: one of them is. */
static eg_status finish(search *s, eg_error *err) {
	const double near = 2, rough = worth(s->best);
	for (int i = 0; i < s->ntried; i++) {
		eg_arima_fit fit;
		if (s->tried[i].n == 0 || !(worth(&s->tried[i]) <= rough + near)) continue;
		eg_status status = eg_arima_estimate(s->past, s->tried[i].order, &s->tried[i], false, &fit, err);
		if (status) return status;
		if (worth(&fit) < worth(s->best) || same(&fit.order, &s->best->order)) *s->best = fit;
	}
	return EG_OK;
}

static eg_status all_orders(search *s, eg_arima_order o, bool season, bool constant, eg_error *err) {
	eg_status status = EG_OK;
	bool better;
	for (int i = 0; i < 9 * (season ? 4 : 1) * (constant ? 2 : 1) && !status; i++) {
		int rest = i / 9;
		o.p = i % 3, o.q = i / 3 % 3;
		if (season) o.P = rest % 2, o.Q = rest / 2 % 2, rest /= 4;
		o.constant = rest > 0;
		status = try_order(s, o, &better, err);
	}
	return status;
}

/* From the best of four beginnings to whatever neighbour is better, until none is. */
static eg_status step_by_step(search *s, eg_arima_order o, bool season, bool constant, eg_error *err) {
	static const int begin[4][4] = {{2, 2, 1, 1}, {0, 0, 0, 0}, {1, 0, 1, 0}, {0, 1, 0, 1}};
	static const int moves[][5] = {{1, 0}, {-1, 0}, {0, 1}, {0, -1}, {1, 1}, {-1, -1}, {0, 0, 1}, {0, 0, -1}, {0, 0, 0, 1},
		{0, 0, 0, -1}, {0, 0, 1, 1}, {0, 0, -1, -1}, {1, -1}, {-1, 1}, {0, 0, 0, 0, 1}};
	enum { MOST = 5, SEASONS = 2 };
	eg_status status = EG_OK;
	bool better = false;
	for (int i = 0; i < 4 && !status; i++) {
		o.p = begin[i][0], o.q = begin[i][1], o.P = season ? begin[i][2] : 0, o.Q = season ? begin[i][3] : 0;
		o.constant = constant;
		status = try_order(s, o, &better, err);
	}
	for (bool on = true; on && !status;) {
		on = false;
		const eg_arima_order from = s->best->order;
		for (int i = 0; i < EG_COUNT(moves) && !status; i++) {
			o.p = from.p + moves[i][0], o.q = from.q + moves[i][1];
			o.P = from.P + moves[i][2], o.Q = from.Q + moves[i][3], o.constant = from.constant != (moves[i][4] && constant);
			if (o.p < 0 || o.q < 0 || o.P < 0 || o.Q < 0 || o.p > MOST || o.q > MOST || o.P > SEASONS || o.Q > SEASONS) continue;
			if (!season && o.P + o.Q > 0) continue;
			status = try_order(s, o, &better, err);
			on |= better;
		}
	}
	return status;
}

eg_status eg_arima_search(const eg_past *past, int d, int D, bool stepwise, eg_arima_fit *out, eg_error *err) {
	const int from = past->n > EG_SEARCH_MOST ? past->n - EG_SEARCH_MOST : 0;
	eg_past end = *past;
	end.values += from, end.n -= from, end.rows -= from;
	if (past->nknown > 0) end.known += (ptrdiff_t)from * past->nknown;
	search *s = eg_calloc(NULL, 1, sizeof *s);
	if (!s) return eg_series_no_memory(err);
	s->past = &end, s->best = out;
	bool season = past->period > 1 && 2 * past->period + d + D * past->period <= EG_STATE_MOST;
	eg_arima_order o = {.d = d, .D = season ? D : 0, .s = season ? past->period : 1};
	bool constant = d + o.D < 2;
	*out = (eg_arima_fit){0};
	stepwise |= from > 0;
	eg_status status = stepwise ? step_by_step(s, o, season, constant, err) : all_orders(s, o, season, constant, err);
	bool found = out->n > 0;
	if (!status && found) status = finish(s, err);
	eg_release(NULL, s);
	if (!status && !found)
		return eg_fail(err, EG_ERR_ARG,
		        "no order of arima with %d and %d differences can be fitted to %d values; take more of them, or the model naive", d,
		        o.D, eg_series_counted(past->values, past->n));
	if (!status && from > 0) {
		const eg_arima_fit near = *out;
		status = eg_arima_estimate(past, near.order, &near, false, out, err);
	}
	return status;
}
