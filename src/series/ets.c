/* ets.c - exponential smoothing as a model with states and one source of error (Hyndman, Koehler, Ord and Snyder 2008):
 *
 *   level    l(t) = q + alpha (y/s - q)            q = l(t-1) + phi b(t-1), or l(t-1) b(t-1)^phi
 *   slope    b(t) = phi b(t-1) + beta (l(t) - l(t-1) - phi b(t-1))
 *   season   s(t) = s(t-m) + gamma (y/q - s(t-m))
 *
 * with differences in place of quotients where a part is additive. Errors are additive or in proportion to what is
 * forecast; they change the likelihood and the intervals, not the way from state to state. Smoothing and first states
 * are estimated together, by the largest likelihood.
 *
 * Variances have a formula where all is additive; else paths are drawn. */
#include "series/ets.h"

#include <stdlib.h>
#include <string.h>

/* ---- a step ------------------------------------------------------------------------------------------------------ */

static double expected_level(const eg_ets *e, const eg_ets_state *s) {
	if (e->form.trend == 'N') return s->level;
	if (e->form.trend == 'A') return s->level + e->phi * s->slope;
	return s->level * (e->phi == 1 ? s->slope : pow(s->slope, e->phi));
}

static double with_season(const eg_ets *e, const eg_ets_state *s, double level, int t) {
	if (e->form.season == 'N') return level;
	double v = s->season[t % e->form.period];
	return e->form.season == 'A' ? level + v : level * v;
}

double eg_ets_said(const eg_ets *e, const eg_ets_state *s, int t) { return with_season(e, s, expected_level(e, s), t); }

void eg_ets_update(const eg_ets *e, eg_ets_state *s, int t, double y) {
	const double q = expected_level(e, s), old = s->level;
	double *season = e->form.season == 'N' ? NULL : &s->season[t % e->form.period];
	const double seen = isnan(y) ? q : !season ? y : e->form.season == 'A' ? y - *season : y / *season;
	s->level = q + e->alpha * (seen - q);
	if (e->form.trend == 'A') {
		double kept = e->phi * s->slope;
		s->slope = kept + e->beta * (s->level - old - kept);
	} else if (e->form.trend == 'M') {
		double kept = e->phi == 1 ? s->slope : pow(s->slope, e->phi);
		s->slope = kept + e->beta * (s->level / old - kept);
	}
	if (season && !isnan(y)) *season += e->gamma * ((e->form.season == 'A' ? y - q : y / q) - *season);
}

void eg_ets_filter(const eg_ets *e, const eg_past *past, eg_ets_state *state) {
	state->level = e->first.level, state->slope = e->first.slope;
	if (e->form.season != 'N') memcpy(state->season, e->first.season, (size_t)e->form.period * sizeof *state->season);
	for (int t = 0; t < past->n; t++) eg_ets_update(e, state, t, past->values[t]);
}

/* ---- fitting ----------------------------------------------------------------------------------------------------- */

typedef struct smoothing {
	const eg_past *past;
	eg_ets *e;
	eg_ets_state begin, state; /* begin: before the search */
	double scale;
	double *ahead;   /* room for a season, where the choice is by forecasts of one; NULL: it is not */
	int free_season; /* first indices that are estimated */
	int n;
} smoothing;

static double between(double lo, double hi, double free) { return lo + (hi - lo) / (1 + exp(-free)); }

/* Free numbers become smoothing and first states. */
static void put(smoothing *s, const double *x) {
	eg_ets *e = s->e;
	const eg_ets_form *f = &e->form;
	const int m = f->period;
	int at = 0;
	e->alpha = between(0, 1, x[at++]);
	e->beta = f->trend == 'N' ? 0 : between(0, 1, x[at++]);
	e->gamma = f->season == 'N' ? 0 : (1 - e->alpha) * between(0, 1, x[at++]);
	e->phi = f->damped ? between(0.8, 0.98, x[at++]) : 1;
	e->first.level = s->begin.level + s->scale * x[at++];
	if (f->trend == 'A') e->first.slope = s->begin.slope + 0.1 * s->scale * x[at++];
	if (f->trend == 'M') e->first.slope = s->begin.slope * exp(0.1 * x[at++]);
	if (f->season == 'N') return;
	double unit = f->season == 'A' ? s->scale : 0.1, sum = 0;
	for (int i = 0; i < m; i++) e->first.season[i] = s->begin.season[i] + (i < s->free_season ? unit * x[at++] : 0);
	for (int i = 0; i < m - 1; i++) sum += e->first.season[i];
	if (s->free_season > 0) e->first.season[m - 1] = (f->season == 'A' ? 0 : m) - sum;
}

static double smooth(void *user, const double *x) {
	smoothing *s = user;
	eg_ets *e = s->e;
	const double *y = s->past->values;
	double sse = 0, product = 1, logs = 0;
	put(s, x);
	s->state.level = e->first.level, s->state.slope = e->first.slope;
	if (e->form.season != 'N') memcpy(s->state.season, e->first.season, (size_t)e->form.period * sizeof(double));
	for (int t = 0; t < s->past->n; t++) {
		if (!isnan(y[t])) {
			double said = eg_ets_said(e, &s->state, t), error = y[t] - said;
			if (e->form.error == 'M') {
				if (!(said > 0)) return INFINITY;
				error /= said;
				product *= said;
				if (!(product > 1e-100 && product < 1e100)) logs += log(product), product = 1;
			}
			sse += error * error;
		}
		eg_ets_update(e, &s->state, t, y[t]);
	}
	e->sse = sse, e->logs = 2 * (logs + log(product));
	if (isnan(sse)) return INFINITY; /* divided by an index or a level of 0 */
	return 0.5 * log(fmax(sse, 1e-300) / s->n) + 0.5 * e->logs / s->n;
}

/* Where the search begins: indices by moving averages, a line through the first values without them. */
static eg_status begin(smoothing *s, eg_error *err) {
	const eg_ets_form *f = &s->e->form;
	const int m = f->period, n = s->past->n, most = 2 * m > 10 ? 2 * m : 10;
	const double *y = s->past->values;
	double sx = 0, sy = 0, sxx = 0, sxy = 0, mean = 0, squares = 0;
	int used = 0, counted = 0;
	if (f->season != 'N' && !eg_season_indices(y, n, m, f->season == 'M', s->begin.season)) return eg_series_no_memory(err);
	for (int t = 0; t < n; t++)
		if (!isnan(y[t])) mean += y[t], counted++;
	mean /= counted;
	for (int t = 0; t < n; t++)
		if (!isnan(y[t])) squares += (y[t] - mean) * (y[t] - mean);
	s->scale = sqrt(squares / counted);
	for (int t = 0; t < n && used < most; t++) {
		double v = f->season == 'A' ? y[t] - s->begin.season[t % m] : f->season == 'M' ? y[t] / s->begin.season[t % m] : y[t];
		if (!isfinite(v)) continue;
		sx += t, sy += v, sxx += (double)t * t, sxy += t * v, used++;
	}
	double down = used * sxx - sx * sx, slope = down > 0 ? (used * sxy - sx * sy) / down : 0, level = (sy - slope * sx) / used;
	s->begin.slope = f->trend == 'M' ? fmin(fmax(1 + slope / fmax(fabs(level), 1e-9), 0.5), 2) : slope;
	s->begin.level = f->trend == 'N' ? sy / used : level - slope;
	if (f->trend == 'M' && !(s->begin.level > 0)) s->begin.level = fmax(sy / used, 1e-9);
	return EG_OK;
}

/* Mean squared error of forecasts 1 .. a season ahead from the origins of the last third; `ahead` has room for a
 * season. */
static double season_ahead(smoothing *s, const double *x, double *ahead) {
	const eg_past *past = s->past;
	const int m = s->e->form.period;
	double sum = 0;
	int n = 0;
	put(s, x);
	eg_past none = {.n = 0};
	eg_ets_filter(s->e, &none, &s->state);
	for (int t = 0; t + m <= past->n; t++) {
		eg_ets_state going = {s->state.level, s->state.slope, ahead};
		if (t >= past->n - past->n / 3) memcpy(ahead, s->state.season, (size_t)m * sizeof *ahead);
		for (int h = 0; h < m && t >= past->n - past->n / 3; h++) {
			double e = past->values[t + h] - eg_ets_said(s->e, &going, t + h);
			if (!isnan(e)) sum += e * e, n++;
			eg_ets_update(s->e, &going, t + h, NAN);
		}
		eg_ets_update(s->e, &s->state, t, past->values[t]);
	}
	return n > 0 ? sum / n : (double)INFINITY;
}

/* From several beginnings to the likeliest place. There may be several likely ones, with seasons that stay or that
 * move; s->ahead (NULL: the likeliest): that which has forecast a whole season best is taken then. */
static eg_status search(smoothing *s, int k, double *best, eg_error *err) {
	static const double beginnings[][4] = {{-1, -2, -2, 2}, {1, -3, -3, 2}, {-3, -1, -1, 0}, {-1.4, -4, 1, 2}};
	double x[8 + EG_ETS_SEASON], lowest = INFINITY, least = INFINITY, value;
	const int n = EG_COUNT(beginnings) - !s->ahead; /* the last one is for seasons that move */
	for (int i = 0; i < n; i++) {
		int at = 0;
		memset(x, 0, sizeof x);
		x[at++] = beginnings[i][0];
		if (s->e->form.trend != 'N') x[at++] = beginnings[i][1];
		if (s->e->form.season != 'N') x[at++] = beginnings[i][2];
		if (s->e->form.damped) x[at++] = beginnings[i][3];
		eg_status status = eg_series_minimise(x, k, 300, false, smooth, s, &value, err);
		if (status) return status;
		double ahead = s->ahead ? season_ahead(s, x, s->ahead) : value;
		if (isnan(ahead)) ahead = INFINITY;
		bool same = fabs(value - lowest) < 1e-4; /* what differs is where the search ended */
		if (i > 0 && (same ? !(value < lowest) : !(ahead < least))) continue;
		memcpy(best, x, sizeof x);
		lowest = value, least = ahead;
	}
	return EG_OK;
}

static void form_text(const eg_ets_form *f, char buf[16]) {
	snprintf(buf, 16, "(%c,%c%s,%c)", f->error, f->trend, f->damped ? "d" : "", f->season);
}

eg_status eg_ets_estimate(
	const eg_past *past, eg_ets_form form, bool by_season, eg_arena *arena, eg_ets *out, eg_error *err) {
	const int m = form.period = form.season == 'N' ? 1 : form.period;
	char text[16];
	double best[8 + EG_ETS_SEASON];
	*out = (eg_ets){.form = form};
	smoothing s = {.past = past, .e = out, .n = eg_series_counted(past->values, past->n),
		.free_season = m > 1 && m <= EG_ETS_SEASON ? m - 1 : 0};
	form_text(&form, text);
	int k = 2 + 2 * (form.trend != 'N') + (form.season != 'N') + form.damped + s.free_season;
	int needed = 2 * m > k + 3 ? 2 * m : k + 3;
	if (s.n < needed) {
		char spec[24];
		snprintf(spec, sizeof spec, "ets%s", text);
		return eg_series_too_short(spec, needed, s.n, err);
	}
	double *seasons = eg_arena_alloc(arena, 4 * (size_t)m * sizeof *seasons);
	if (!seasons) return eg_series_no_memory(err);
	out->first.season = seasons, s.begin.season = seasons + m, s.state.season = seasons + 2 * m;
	s.ahead = by_season && past->n / 3 > m ? seasons + 3 * m : NULL;
	eg_status status = begin(&s, err);
	if (!status) status = search(&s, k, best, err);
	if (status) return status;
	if (!isfinite(smooth(&s, best)))
		return eg_fail(err, EG_ERR_ARG, "ets%s does not fit this series: with what is multiplicative, values have to be above 0", text);
	out->n = s.n;
	out->parameters = k + 1; /* the variance */
	return EG_OK;
}

/* ---- the models -------------------------------------------------------------------------------------------------- */

static void tell(eg_forecaster *f, const eg_ets *e, const char *spec) {
	char text[300] = "y(t) = ";
	const eg_ets_form *o = &e->form;
	eg_series_likelihood(&f->fit, e->n, e->sse, e->logs, e->parameters);
	eg_forecaster_spec(f, "%s", spec);
	eg_forecaster_coefficient(f, "alpha", e->alpha);
	if (o->trend != 'N') eg_forecaster_coefficient(f, "beta", e->beta);
	if (o->season != 'N') eg_forecaster_coefficient(f, "gamma", e->gamma);
	if (o->damped) eg_forecaster_coefficient(f, "phi", e->phi);
	eg_forecaster_coefficient(f, "level", e->first.level);
	if (o->trend != 'N') eg_forecaster_coefficient(f, "slope", e->first.slope);
	bool group = o->trend == 'A' && (o->season == 'M' || o->error == 'M');
	eg_series_add(text, sizeof text, "%sl(t-1)", group ? "(" : "");
	if (o->trend != 'N') eg_series_add(text, sizeof text, o->trend == 'A' ? " + b(t-1)" : " b(t-1)");
	if (o->season == 'A') eg_series_add(text, sizeof text, " + s(t-%d)", o->period);
	if (group) eg_series_add(text, sizeof text, ")");
	if (o->season == 'M') eg_series_add(text, sizeof text, " s(t-%d)", o->period);
	eg_series_add(text, sizeof text, o->error == 'A' ? " + e(t), alpha %.4f" : " (1 + e(t)), alpha %.4f", e->alpha);
	if (o->trend != 'N') eg_series_add(text, sizeof text, ", beta %.4f", e->beta);
	if (o->season != 'N') eg_series_add(text, sizeof text, ", gamma %.4f", e->gamma);
	if (o->damped) eg_series_add(text, sizeof text, ", phi %.4f", e->phi);
	eg_forecaster_formula(f, "%s, variance %.4g", text, f->fit.sigma2);
}

/* The series is above 0, so that it may be multiplied. */
static bool is_positive(const eg_past *past) {
	for (int t = 0; t < past->n; t++)
		if (past->values[t] <= 0) return false;
	return true;
}

/* All forms with an additive or no trend, as they are usually tried; multiplicative seasons with multiplicative errors
 * only, since their variances are not finite otherwise. Of long series the end chooses the form. */
enum { LONG = 1500 };

static eg_status choose(eg_forecaster *f, const eg_past *all, eg_ets *best, eg_error *err) {
	const int from = all->n > LONG ? all->n - LONG : 0;
	eg_past end = *all;
	const eg_past *past = &end;
	end.values += from, end.n -= from;
	bool positive = is_positive(all), found = false;
	double lowest = INFINITY;
	for (int i = 0; i < 18; i++) {
		eg_ets e;
		eg_error why;
		eg_ets_form form = {.error = "AM"[i % 2], .trend = "NAA"[i / 2 % 3], .damped = i / 2 % 3 == 2, .season = "NAM"[i / 6],
			.period = past->period};
		if (form.season != 'N' && past->period < 2) continue;
		if (!positive && (form.error == 'M' || form.season == 'M')) continue;
		if (form.error == 'A' && form.season == 'M') continue;
		eg_status status = eg_ets_estimate(past, form, false, &f->arena, &e, &why);
		if (status == EG_ERR_MEMORY) return eg_series_no_memory(err);
		if (status) continue;
		eg_fitted fit;
		eg_series_likelihood(&fit, e.n, e.sse, e.logs, e.parameters);
		double value = e.sse > 0 ? fit.aicc : -INFINITY;
		if (isnan(value) || (found && !(value < lowest))) continue;
		*best = e, lowest = value, found = true;
	}
	if (!found) return eg_series_too_short("ets", 7, eg_series_counted(past->values, past->n), err);
	return from > 0 ? eg_ets_estimate(all, best->form, false, &f->arena, best, err) : EG_OK;
}

/* "(M,Ad,M)" */
static bool read_form(const char *text, eg_ets_form *form) {
	char error, trend[3] = "", season;
	int used = 0;
	if (sscanf(text, "(%c,%2[NAMd],%c)%n", &error, trend, &season, &used) != 3 || !used || text[used]) return false;
	*form = (eg_ets_form){.error = error, .trend = trend[0], .season = season, .damped = trend[1] == 'd'};
	return strchr("AM", error) && strchr("NAM", trend[0]) && strchr("NAM", season) && (!trend[1] || trend[1] == 'd') &&
	       !(trend[0] == 'N' && trend[1]);
}

static eg_status fit(eg_forecaster *f, const char *arguments, const eg_past *past, eg_error *err) {
	eg_ets *e = f->own = eg_arena_alloc(&f->arena, sizeof *e);
	eg_ets_form form;
	eg_status status;
	char text[16], spec[24];
	if (!e) return eg_series_no_memory(err);
	if (arguments[0]) {
		if (!read_form(arguments, &form))
			return eg_fail(err, EG_ERR_ARG,
			        "'ets%.40s' is no form; write ets(error,trend,season), the error A or M, the trend N, A, M, Ad or Md, the season N, "
			        "A or M, as in ets(M,Ad,M)", arguments);
		form.period = past->period;
		if (form.season != 'N' && past->period < 2)
			return eg_fail(err, EG_ERR_ARG, "ets%s has a season, and its period is not known; say it, or put N for the season", arguments);
		status = eg_ets_estimate(past, form, false, &f->arena, e, err);
	} else
		status = choose(f, past, e, err);
	if (status) return status;
	form_text(&e->form, text);
	snprintf(spec, sizeof spec, "ets%s", text);
	tell(f, e, spec);
	return EG_OK;
}

static eg_status fit_holt_winters(eg_forecaster *f, const char *arguments, const eg_past *past, eg_error *err) {
	eg_ets *e = f->own = eg_arena_alloc(&f->arena, sizeof *e);
	bool additive = strcmp(arguments, "(additive)") == 0;
	if (!e) return eg_series_no_memory(err);
	if (!additive && arguments[0] && strcmp(arguments, "(multiplicative)") != 0)
		return eg_fail(err, EG_ERR_ARG,
		        "'holt-winters%.40s': write holt-winters(additive) or holt-winters(multiplicative); without a word it is the latter, where "
		        "all values are above 0", arguments);
	if (!arguments[0]) additive = !is_positive(past);
	eg_ets_form form = {.error = 'A', .trend = 'A', .season = additive ? 'A' : 'M', .period = past->period};
	eg_status status = eg_ets_estimate(past, form, true, &f->arena, e, err);
	if (!status) tell(f, e, additive ? "holt-winters(additive)" : "holt-winters(multiplicative)");
	return status;
}

/* ---- forecasts --------------------------------------------------------------------------------------------------- */

/* An error of 1 now, how much of it is there h steps later: variances of what is additive. */
static void exact_deviations(const eg_ets *e, double sigma2, int from, eg_ets_state *s, eg_outlook *out) {
	double sum = 1;
	s->level = s->slope = 0;
	for (int i = 0; i < e->form.period && e->form.season != 'N'; i++) s->season[i] = 0;
	for (int h = 0; h < out->horizon; h++) {
		out->deviation[h] = sqrt(sigma2 * sum);
		eg_ets_update(e, s, from + h, h == 0 ? 1 : (double)NAN);
		double now = eg_ets_said(e, s, from + h + 1);
		sum += now * now;
	}
}

static int by_size(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* paths x horizon numbers; the mean stays that without errors, as is usual */
static void draw(const eg_forecaster *f, const eg_ets_state *begin, eg_ets_state *s, int from, int paths, double *y, eg_outlook *out) {
	const eg_ets *e = f->own;
	const eg_rng rng = {.seed = f->options.seed, .stream = eg_stream(EG_RNG_GENERATE, 0, (uint64_t)from)};
	const double deviation = sqrt(f->fit.sigma2);
	for (int p = 0; p < paths; p++) {
		s->level = begin->level, s->slope = begin->slope;
		if (e->form.season != 'N') memcpy(s->season, begin->season, (size_t)e->form.period * sizeof *s->season);
		for (int h = 0; h < out->horizon; h++) {
			double said = eg_ets_said(e, s, from + h);
			double error = deviation * eg_rng_normal(rng, (uint64_t)p * (uint64_t)out->horizon + (uint64_t)h);
			double v = e->form.error == 'A' ? said + error : said * (1 + error);
			y[(ptrdiff_t)h * paths + p] = v;
			eg_ets_update(e, s, from + h, v);
		}
	}
	for (int h = 0; h < out->horizon; h++) {
		double *row = y + (ptrdiff_t)h * paths, mean = 0, squares = 0;
		for (int p = 0; p < paths; p++) mean += row[p] / paths;
		for (int p = 0; p < paths; p++) squares += (row[p] - mean) * (row[p] - mean);
		out->deviation[h] = sqrt(squares / paths);
		qsort(row, (size_t)paths, sizeof *row, by_size);
		for (int q = 0; q < EG_LEVELS; q++) {
			double at = eg_levels[q] * (paths - 1);
			int below = (int)at;
			out->quantiles[q][h] = row[below] + (at - below) * (row[below + (below + 1 < paths)] - row[below]);
		}
	}
}

static eg_status say(const eg_forecaster *f, const eg_past *past, eg_outlook *out, eg_error *err) {
	const eg_ets *e = f->own;
	const size_t m = (size_t)e->form.period;
	const int paths = f->options.paths > 0 ? f->options.paths : 2000;
	bool linear = e->form.error == 'A' && e->form.trend != 'M' && e->form.season != 'M';
	double *memory = eg_alloc(NULL, (3 * m + (linear ? 0 : (size_t)paths * (size_t)out->horizon)) * sizeof *memory);
	if (!memory) return eg_series_no_memory(err);
	eg_ets_state end = {.season = memory}, s = {.season = memory + m};
	eg_ets_filter(e, past, &end);
	s.level = end.level, s.slope = end.slope;
	memcpy(s.season, end.season, (e->form.season == 'N' ? 0 : m) * sizeof *s.season);
	for (int h = 0; h < out->horizon; h++) {
		out->mean[h] = eg_ets_said(e, &s, past->n + h);
		eg_ets_update(e, &s, past->n + h, NAN);
	}
	if (linear)
		exact_deviations(e, f->fit.sigma2, past->n, &s, out);
	else
		draw(f, &end, &s, past->n, paths, memory + 3 * m, out);
	eg_release(NULL, memory);
	return EG_OK;
}

const eg_forecaster_kind eg_forecaster_ets = {
	.info = {.name = "ets",
		.doc = "exponential smoothing: error, trend and season additive or multiplicative; without a form: that of the smallest AICc",
		.equation = "l(t) = q + alpha (y/s - q), b(t) = phi b(t-1) + beta (l(t) - l(t-1) - phi b(t-1)), s(t) = s(t-m) + gamma (y/q - s(t-m))",
		.source = "Hyndman, Koehler, Ord and Snyder 2008"},
	.fit = fit,
	.say = say,
};

const eg_forecaster_kind eg_forecaster_holt_winters = {
	.info = {.name = "holt-winters",
		.doc = "a level, a line and a season, each smoothed; least squares one step ahead, of several least ones the best a season ahead",
		.equation = "y(t) = (l(t-1) + b(t-1)) s(t-m) + e(t)",
		.source = "Holt 1957; Winters 1960",
		.seasonal = true},
	.fit = fit_holt_winters,
	.say = say,
};
