/* combine.c - several models that forecast together: the weighted mean of what they say (Bates and Granger 1969).
 *
 * Fitted on a past, the models are fitted on its first four fifths, and asked from origins in the last one: the errors
 * there say the weights, where they are not all the same, and the intervals. Then the models are fitted on all of it.
 * So nothing behind the past is looked at, if none of the models does. Not here: the models; quantiles of errors
 * (spread.c); rolling origins (rolling.c). */
#include "series/window.h"

#include <string.h>

enum { ORIGINS_MOST = 2000 /* in the last fifth */, KEPT_FOR_ERRORS = 5 /* the last of so many parts */ };

typedef struct part {
	eg_table_model listed; /* a model of the table */
	eg_rolled model;
	double *weight;   /* of each step */
} part;

struct eg_combination {
	const char *kind; /* "combine" or "weigh" */
	bool weighed;
	int n, horizon;
	part parts[EG_COMBINED_MOST];
	double *weights;    /* n x horizon */
	double *deviation;  /* of each step: of the errors that were held out; NAN: none */
	eg_outlook *one;    /* what one model says */
	eg_arena arena;     /* of the last fit: */
	eg_spread *spreads; /* of each step: errors as a multiple of the width that the models say */
	eg_fitted fit;
	char spec[EG_SPEC], formula[400];
	eg_coefficient coefficients[EG_COMBINED_MOST];
};

/* ---- life -------------------------------------------------------------------------------------------------------- */

void eg_combination_free(eg_combination *c) {
	if (!c) return;
	for (int i = 0; i < c->n; i++) eg_forecaster_free(c->parts[i].listed.f);
	eg_outlook_free(c->one);
	eg_release(NULL, c->weights);
	eg_arena_free(&c->arena);
	eg_release(NULL, c);
}

static const char *spec_of(const part *p) { return p->listed.f ? eg_forecaster_fitted(p->listed.f)->spec : p->model.spec; }

static void name(eg_combination *c) {
	c->spec[0] = '\0';
	eg_series_add(c->spec, sizeof c->spec, "%s(", c->kind);
	for (int i = 0; i < c->n; i++) eg_series_add(c->spec, sizeof c->spec, "%s%s", i ? "," : "", spec_of(&c->parts[i]));
	eg_series_add(c->spec, sizeof c->spec, ")");
}

eg_status eg_combination_new(const eg_combined_model *models, int n, bool weighed, int horizon, eg_combination **combination,
	eg_error *err) {
	*combination = NULL;
	if (n < 2 || n > EG_COMBINED_MOST)
		return eg_fail(err, EG_ERR_ARG, "%d model%s cannot be combined; give 2 to %d", n, n == 1 ? "" : "s", EG_COMBINED_MOST);
	eg_combination *c = eg_calloc(NULL, 1, sizeof *c);
	if (!c) return eg_series_no_memory(err);
	c->kind = weighed ? "weigh" : "combine", c->weighed = weighed, c->n = n, c->horizon = horizon;
	c->one = eg_outlook_new(horizon);
	c->weights = eg_alloc(NULL, (size_t)(n + 1) * (size_t)horizon * sizeof *c->weights);
	if (!c->one || !c->weights) return eg_combination_free(c), eg_series_no_memory(err);
	c->deviation = c->weights + (ptrdiff_t)n * horizon;
	for (int i = 0; i < n; i++) {
		part *p = &c->parts[i];
		p->listed = (eg_table_model){.spec = models[i].spec, .options = models[i].options};
		p->model = models[i].other ? *models[i].other : eg_table_model_rolled(&p->listed);
		p->weight = c->weights + (ptrdiff_t)i * horizon;
	}
	c->fit = (eg_fitted){.name = c->kind, .spec = c->spec, .formula = c->formula, .coefficients = c->coefficients,
		.sigma2 = NAN, .loglik = NAN, .aicc = NAN, .lambda = NAN};
	name(c);
	*combination = c;
	return EG_OK;
}

const eg_fitted *eg_combination_fitted(const eg_combination *c) { return &c->fit; }

/* ---- weights ----------------------------------------------------------------------------------------------------- */

/* The weights from 0 to 1 with the sum 1 that make the mean square of the weighted errors least; s: n x n, mean
 * products of errors. Weight is moved between two at a time, as far as it helps, until nothing helps. */
static void weigh(const double *s, int n, double *w) {
	enum { SWEEPS = 500 };
	for (int i = 0; i < n; i++) w[i] = 1.0 / n;
	for (int sweep = 0; sweep < SWEEPS; sweep++) {
		double moved = 0;
		for (int i = 0; i < n; i++)
			for (int k = 0; k < i; k++) {
				double slope = 0;
				const double curve = s[i * n + i] + s[k * n + k] - 2 * s[i * n + k];
				for (int l = 0; l < n; l++) slope += (s[i * n + l] - s[k * n + l]) * w[l];
				if (!(curve > 0)) continue;
				const double step = fmin(fmax(-slope / curve, -w[i]), w[k]);
				w[i] += step, w[k] -= step;
				moved = fmax(moved, fabs(step));
			}
		if (moved < 1e-9) break;
	}
}

/* ---- errors held out --------------------------------------------------------------------------------------------- */

/* What was said and came at the origins of the last fifth; NAN: nothing. */
typedef struct held {
	int origins, horizon, n;
	double *mean, *width; /* n x horizon x origins: of each model */
	double *truth;        /* horizon x origins */
} held;

static double width_of(const eg_outlook *o, int h) { return o->quantiles[3][h] - o->quantiles[1][h]; }

static eg_status fit_parts(eg_combination *c, const eg_past *past, eg_error *err) {
	eg_status status = EG_OK;
	for (int i = 0; i < c->n && !status; i++) status = c->parts[i].model.fit(c->parts[i].model.user, past, err);
	return status;
}

static eg_status ask(eg_combination *c, int i, const eg_past *past, eg_outlook *out, eg_error *err) {
	return c->parts[i].model.say(c->parts[i].model.user, past, out, err);
}

static eg_status hold_out(eg_combination *c, const eg_past *past, int cut, held *l, eg_error *err) {
	const int H = c->horizon, rest = past->n - cut; /* 0: fewer than five values, and nothing is held out */
	const int stride = rest > 0 ? (rest + ORIGINS_MOST - 1) / ORIGINS_MOST : 1;
	l->horizon = H, l->n = c->n, l->origins = 0;
	const ptrdiff_t room = (rest + stride - 1) / stride, all = room * H;
	l->mean = eg_alloc(NULL, (size_t)((2 * c->n + 1) * all + 1) * sizeof *l->mean);
	if (!l->mean) return eg_series_no_memory(err);
	l->width = l->mean + c->n * all, l->truth = l->width + c->n * all;
	eg_past before = *past;
	before.n = cut;
	eg_status status = fit_parts(c, &before, err);
	if (status) eg_fail_prefix(err, "%s fits its models on %d of %d values, to see their errors on the others", c->spec, cut, past->n);
	for (int at = 0; at < room && !status; at++) {
		before.n = cut + at * stride;
		for (int i = 0; i < c->n && !status; i++) {
			status = ask(c, i, &before, c->one, err);
			for (int h = 0; h < H && !status; h++) {
				const ptrdiff_t place = ((ptrdiff_t)i * H + h) * room + at;
				l->mean[place] = c->one->mean[h], l->width[place] = width_of(c->one, h);
			}
		}
		for (int h = 0; h < H; h++) l->truth[h * room + at] = before.n + h < past->n ? past->values[before.n + h] : (double)NAN;
		l->origins++;
	}
	return status;
}

/* Errors of all models at step h and an origin; false: one of them, or the value, is missing. */
static bool errors_of(const held *l, int h, int at, double *e) {
	for (int i = 0; i < l->n; i++) {
		e[i] = l->truth[(ptrdiff_t)h * l->origins + at] - l->mean[((ptrdiff_t)i * l->horizon + h) * l->origins + at];
		if (!isfinite(e[i])) return false;
	}
	return true;
}

static void weigh_step(eg_combination *c, const held *l, int h) {
	const int n = c->n;
	double s[EG_COMBINED_MOST * EG_COMBINED_MOST] = {0}, e[EG_COMBINED_MOST] = {0}, w[EG_COMBINED_MOST];
	int counted = 0;
	for (int at = 0; at < l->origins; at++) {
		if (!errors_of(l, h, at, e)) continue;
		counted++;
		for (int i = 0; i < n * n; i++) s[i] += e[i / n] * e[i % n];
	}
	for (int i = 0; i < n * n && counted > 0; i++) s[i] /= counted;
	weigh(s, n, w);
	for (int i = 0; i < n; i++) c->parts[i].weight[h] = w[i];
}

/* The errors of the mean as a multiple of the mean width, by the size of the forecast. */
static bool spread_step(eg_combination *c, const held *l, int h, eg_error_pair *pairs) {
	double e[EG_COMBINED_MOST] = {0}, sum = 0;
	int n = 0, counted = 0;
	for (int at = 0; at < l->origins; at++) {
		double width = 0, error = 0, mean = 0;
		if (!errors_of(l, h, at, e)) continue;
		for (int i = 0; i < c->n; i++) {
			const ptrdiff_t place = ((ptrdiff_t)i * l->horizon + h) * l->origins + at;
			const double w = c->parts[i].weight[h];
			mean += w * l->mean[place], width += w * l->width[place], error += w * e[i];
		}
		sum += error * error, counted++;
		if (width > 0 && isfinite(width)) pairs[n++] = (eg_error_pair){mean, error / width};
	}
	c->deviation[h] = counted > 0 ? sqrt(sum / counted) : (double)NAN;
	return eg_spread_new(&c->spreads[h], pairs, n, &c->arena);
}

static eg_status learn(eg_combination *c, const held *l, eg_error *err) {
	eg_error_pair *pairs = eg_alloc(NULL, ((size_t)l->origins + 1) * sizeof *pairs);
	c->spreads = eg_arena_alloc(&c->arena, (size_t)c->horizon * sizeof *c->spreads);
	bool ok = pairs && c->spreads;
	for (int h = 0; h < c->horizon && ok; h++) {
		for (int i = 0; i < c->n; i++) c->parts[i].weight[h] = 1.0 / c->n;
		if (c->weighed) weigh_step(c, l, h);
		ok = spread_step(c, l, h, pairs);
	}
	eg_release(NULL, pairs);
	return ok ? EG_OK : eg_series_no_memory(err);
}

/* ---- fitting and asking ------------------------------------------------------------------------------------------ */

static void describe(eg_combination *c, const eg_past *past) {
	c->formula[0] = '\0';
	c->fit.parameters = c->weighed ? c->n - 1 : 0;
	c->fit.ncoefficients = c->n;
	c->fit.n = eg_series_counted(past->values, past->n);
	c->fit.sigma2 = c->deviation[0] * c->deviation[0];
	c->fit.lambda = NAN;
	for (int i = 0; i < c->n; i++) {
		part *p = &c->parts[i];
		const double lambda = p->listed.f ? eg_forecaster_fitted(p->listed.f)->lambda : (double)NAN;
		c->fit.parameters += p->model.parameters(p->model.user);
		if (isnan(c->fit.lambda)) c->fit.lambda = lambda;
		snprintf(c->coefficients[i].name, sizeof c->coefficients[i].name, "w%d", i + 1);
		c->coefficients[i].value = p->weight[0];
		eg_series_add(c->formula, sizeof c->formula, "%s%.3f %s", i ? " + " : "y(t+1) = ", p->weight[0], spec_of(p));
	}
	name(c);
}

static eg_status fit(void *user, const eg_past *past, eg_error *err) {
	eg_combination *c = user;
	const int cut = past->n - past->n / KEPT_FOR_ERRORS;
	held l = {0};
	eg_arena_free(&c->arena);
	c->arena = (eg_arena){0}, c->spreads = NULL;
	eg_status status = hold_out(c, past, cut, &l, err);
	if (!status) status = learn(c, &l, err);
	eg_release(NULL, l.mean);
	if (!status) status = fit_parts(c, past, err);
	if (!status) describe(c, past);
	return status;
}

/* Quantiles by the errors that were held out; with too few of them the means of what the models say. */
static void put_quantiles(const eg_combination *c, eg_outlook *out, int h) {
	double multiple[EG_LEVELS];
	const double width = width_of(out, h);
	eg_spread_say(&c->spreads[h], out->mean[h], multiple);
	for (int q = 0; q < EG_LEVELS && c->spreads[h].bins > 0 && isfinite(width); q++)
		out->quantiles[q][h] = out->mean[h] + width * (multiple[q] - out->mean[h]);
	out->deviation[h] = width_of(out, h) / (2 * eg_series_quantile(0.9));
}

static eg_status say(void *user, const eg_past *past, eg_outlook *out, eg_error *err) {
	eg_combination *c = user;
	const int H = out->horizon;
	eg_status status = EG_OK;
	if (H != c->horizon) return eg_fail(err, EG_ERR_ARG, "%s was made for a horizon of %d, not %d", c->spec, c->horizon, H);
	/* quantiles too: they lie behind it */
	memset(out->mean, 0, (2 + EG_LEVELS) * (size_t)H * sizeof *out->mean);
	for (int i = 0; i < c->n && !status; i++) {
		const double *w = c->parts[i].weight;
		status = ask(c, i, past, c->one, err);
		for (int h = 0; h < H && !status; h++) {
			out->mean[h] += w[h] * c->one->mean[h];
			for (int q = 0; q < EG_LEVELS; q++) out->quantiles[q][h] += w[h] * c->one->quantiles[q][h];
		}
	}
	for (int h = 0; h < H && !status; h++) put_quantiles(c, out, h);
	return status;
}

static int parameters(void *user) { return ((const eg_combination *)user)->fit.parameters; }

eg_rolled eg_combination_rolled(eg_combination *c) { return (eg_rolled){c, c->spec, fit, say, parameters}; }
