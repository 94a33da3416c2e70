/* trees.c - gradient boosted trees (Friedman 2001; Chen and Guestrin 2016) of the value h steps ahead, for each h their
 * own, on the rows that ridge has too; by libxgboost, which is loaded when the first are fitted. What is learnt is the
 * change from the last value: trees say nothing beyond what they have seen, and a series that rises goes there.
 *
 * How many there are is chosen, and errors are measured, on the last fifth of the past, by trees of the first four;
 * then all of it is fitted with as many. Not here: rows (window.c), intervals (spread.c). */
#include "series/window.h"

#ifdef ENGRAM_HAVE_XGBOOST

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <xgboost/c_api.h>

/* What is used of the library: FUNCTION(name without XGB or XG, result, arguments). */
#define FUNCTIONS(F) \
	F(XGBoostVersion, void, (int *, int *, int *)) \
	F(XGBGetLastError, const char *, (void)) \
	F(XGDMatrixCreateFromMat, int, (const float *, bst_ulong, bst_ulong, float, DMatrixHandle *)) \
	F(XGDMatrixSetFloatInfo, int, (DMatrixHandle, const char *, const float *, bst_ulong)) \
	F(XGDMatrixFree, int, (DMatrixHandle)) \
	F(XGBoosterCreate, int, (const DMatrixHandle *, bst_ulong, BoosterHandle *)) \
	F(XGBoosterFree, int, (BoosterHandle)) \
	F(XGBoosterSetParam, int, (BoosterHandle, const char *, const char *)) \
	F(XGBoosterUpdateOneIter, int, (BoosterHandle, int, DMatrixHandle)) \
	F(XGBoosterPredict, int, (BoosterHandle, DMatrixHandle, int, unsigned, int, bst_ulong *, const float **))

typedef struct library {
#define MEMBER(name, result, arguments) result(*name) arguments;
	FUNCTIONS(MEMBER)
#undef MEMBER
} library;

enum { ROUNDS_MOST = 600, PATIENCE = 30, FEWEST_ROWS = 20 };

/* For one h. */
typedef struct forest {
	BoosterHandle trees;
	double deviation;
	int rounds;
	eg_spread spread;
} forest;

typedef struct model {
	library l;
	eg_window w;
	eg_arena *arena;
	int steps; /* of the horizon, fitted so far */
	forest at[EG_STEPS_MOST];
} model;

/* ---- the library ------------------------------------------------------------------------------------------------- */

/* dlsym returns a pointer to data; POSIX promises that its bits are the function's address. */
static bool symbol(void *from, const char *name, void *function) {
	void *p = dlsym(from, name);
	memcpy(function, &p, sizeof p);
	return p != NULL;
}

static eg_status load(library *l, eg_error *err) {
	static const char *const names[] = {"libxgboost.so.0", "libxgboost.so", "libxgboost.dylib"};
	void *from = NULL;
	int major = 0, minor = 0;
	bool whole = true;
	for (int i = 0; !from && i < EG_COUNT(names); i++) from = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (!from)
		return eg_fail(err, EG_ERR_IO, "libxgboost.so.0 is not installed, which trees need (Debian: apt install libxgboost0)");
#define LOAD(name, result, arguments) whole = whole && symbol(from, #name, &l->name);
	FUNCTIONS(LOAD)
#undef LOAD
	if (whole) l->XGBoostVersion(&major, &minor, NULL);
	if (whole && (major > 1 || minor >= 6)) return EG_OK;
	return eg_fail(err, EG_ERR_IO, "libxgboost is version %d.%d, and trees need 1.6 or later", major, minor);
}

static eg_status failed(const model *m, eg_error *err) {
	return eg_fail(err, EG_ERR_ARG, "libxgboost cannot fit trees: %.300s", m->l.XGBGetLastError());
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

/* Rows as the library has them. */
typedef struct rows {
	float *x, *y;
	double *last; /* what the changes begin from */
	int n;
	DMatrixHandle matrix;
} rows;

static void free_rows(const model *m, rows *r) {
	if (r->matrix) m->l.XGDMatrixFree(r->matrix);
	eg_release(NULL, r->x);
	eg_release(NULL, r->y);
	eg_release(NULL, r->last);
	*r = (rows){0};
}

static double last_of(const eg_past *past, int t) {
	while (t > 0 && isnan(past->values[t])) t--;
	return past->values[t];
}

/* Rows from..to-1 whose value h steps later is there. */
static eg_status gather(const model *m, int h, int from, int to, double *x, rows *r, eg_error *err) {
	const int k = m->w.columns;
	const eg_past *past = &m->w.past;
	const size_t most = to > from ? (size_t)(to - from) : 0;
	*r = (rows){.x = eg_alloc(NULL, (most + 1) * (size_t)k * sizeof *r->x), .y = eg_alloc(NULL, (most + 1) * sizeof *r->y),
		.last = eg_alloc(NULL, (most + 1) * sizeof *r->last)};
	if (!r->x || !r->y || !r->last) return eg_series_no_memory(err);
	for (int t = from; t < to; t++) {
		const double y = past->values[t + h], last = last_of(past, t);
		if (isnan(y) || isnan(last) || !eg_window_row(&m->w, past, t, h, EG_GAPS_KEEP, x)) continue;
		for (int i = 0; i < k; i++) r->x[(ptrdiff_t)r->n * k + i] = (float)x[i];
		r->last[r->n] = last;
		r->y[r->n++] = (float)(y - last);
	}
	if (r->n == 0) return EG_OK;
	if (m->l.XGDMatrixCreateFromMat(r->x, (bst_ulong)r->n, (bst_ulong)k, NAN, &r->matrix) ||
	        m->l.XGDMatrixSetFloatInfo(r->matrix, "label", r->y, (bst_ulong)r->n))
		return failed(m, err);
	return EG_OK;
}

/* ---- trees ------------------------------------------------------------------------------------------------------- */

static eg_status begin(const model *m, const rows *r, BoosterHandle *trees, eg_error *err) {
	char fewest[16];
	snprintf(fewest, sizeof fewest, "%d", r->n >= 400 ? 20 : r->n / 20 + 1);
	const char *const settings[][2] = {{"verbosity", "0"}, {"nthread", "1"}, {"tree_method", "hist"}, {"grow_policy", "lossguide"},
		{"max_depth", "0"}, {"max_leaves", "31"}, {"eta", "0.05"}, {"min_child_weight", fewest}, {"lambda", "1"}, {"base_score", "0"},
		{"objective", "reg:squarederror"}};
	bool ok = m->l.XGBoosterCreate(&r->matrix, 1, trees) == 0;
	for (int i = 0; i < EG_COUNT(settings) && ok; i++) ok = m->l.XGBoosterSetParam(*trees, settings[i][0], settings[i][1]) == 0;
	return ok ? EG_OK : failed(m, err);
}

/* The mean squared error of what was kept aside; its pairs where they are wanted. */
static eg_status judge(const model *m, BoosterHandle trees, unsigned rounds, const rows *r, double *error, eg_error_pair *pairs,
	eg_error *err) {
	bst_ulong n;
	const float *said;
	if (m->l.XGBoosterPredict(trees, r->matrix, 0, rounds, 0, &n, &said)) return failed(m, err);
	*error = 0;
	for (int i = 0; i < r->n; i++) {
		const double e = (double)r->y[i] - (double)said[i];
		*error += e * e / r->n;
		if (pairs) pairs[i] = (eg_error_pair){r->last[i] + (double)said[i], e};
	}
	return EG_OK;
}

/* How many trees say best what was kept aside. */
static eg_status choose_rounds(const model *m, forest *f, const rows *first, const rows *aside, eg_error *err) {
	BoosterHandle trees = NULL;
	double lowest = INFINITY, error = 0;
	eg_error_pair *pairs = eg_alloc(NULL, ((size_t)aside->n + 1) * sizeof *pairs);
	eg_status status = pairs ? begin(m, first, &trees, err) : eg_series_no_memory(err);
	for (int i = 1; i <= ROUNDS_MOST && !status && i <= f->rounds + PATIENCE; i++) {
		if (m->l.XGBoosterUpdateOneIter(trees, i - 1, first->matrix)) status = failed(m, err);
		if (!status && i % 5 == 0) status = judge(m, trees, 0, aside, &error, NULL, err);
		if (!status && i % 5 == 0 && error < lowest) lowest = error, f->rounds = i;
	}
	if (!status) status = judge(m, trees, (unsigned)f->rounds, aside, &error, pairs, err);
	f->deviation = sqrt(error);
	if (!status && !eg_spread_new(&f->spread, pairs, aside->n, m->arena)) status = eg_series_no_memory(err);
	if (trees) m->l.XGBoosterFree(trees);
	eg_release(NULL, pairs);
	return status;
}

static eg_status fit_all(const model *m, forest *f, const rows *all, eg_error *err) {
	eg_status status = begin(m, all, &f->trees, err);
	for (int i = 0; i < f->rounds && !status; i++)
		if (m->l.XGBoosterUpdateOneIter(f->trees, i, all->matrix)) status = failed(m, err);
	return status;
}

static eg_status fit_step(model *m, int h, eg_error *err) {
	const int end = m->w.past.n - h, cut = end - end / 5;
	rows first = {0}, aside = {0}, all = {0};
	forest *f = &m->at[h - 1];
	double *x = eg_alloc(NULL, (size_t)m->w.columns * sizeof *x);
	eg_status status = x ? EG_OK : eg_series_no_memory(err);
	/* a row of the first part has its value before those that judge */
	if (!status) status = gather(m, h, 0, cut - h, x, &first, err);
	if (!status) status = gather(m, h, cut, end, x, &aside, err);
	if (!status && (first.n < FEWEST_ROWS || aside.n < FEWEST_ROWS / 5))
		status = eg_fail(err, EG_ERR_ARG, "trees have %d rows to learn from and %d to judge by, of %d values and the one %d steps later; they need "
		                                  "%d and %d; take a shorter horizon, or fewer lags", first.n, aside.n, m->w.lags, h, FEWEST_ROWS, FEWEST_ROWS / 5);
	if (!status) status = choose_rounds(m, f, &first, &aside, err);
	if (!status) status = gather(m, h, 0, end, x, &all, err);
	if (!status) status = fit_all(m, f, &all, err);
	free_rows(m, &first);
	free_rows(m, &aside);
	free_rows(m, &all);
	eg_release(NULL, x);
	return status;
}

/* ---- the kind ---------------------------------------------------------------------------------------------------- */

static void drop(eg_forecaster *f) {
	model *m = f->own;
	for (int i = 0; m && i < EG_STEPS_MOST; i++)
		if (m->at[i].trees) m->l.XGBoosterFree(m->at[i].trees);
}

static eg_status fit(eg_forecaster *f, const char *arguments, const eg_past *past, eg_error *err) {
	model *m = f->own = eg_arena_alloc(&f->arena, sizeof *m);
	if (!m) return eg_series_no_memory(err);
	*m = (model){.arena = &f->arena};
	eg_status status = load(&m->l, err);
	if (!status) status = eg_window_lags("trees", arguments, past, &m->w, err);
	if (!status) status = eg_window_keep(&m->w, past, &f->arena, err);
	if (!status) status = fit_step(m, 1, err);
	if (status) return status;
	m->steps = 1;
	f->fit.sigma2 = m->at[0].deviation * m->at[0].deviation;
	f->fit.n = eg_series_counted(past->values, past->n);
	f->fit.parameters = 31 * m->at[0].rounds; /* leaves, at most */
	eg_forecaster_spec(f, past->nseen > 0 ? "trees(%d,%d)" : "trees(%d)", m->w.lags, m->w.seen_lags);
	eg_forecaster_formula(f, "y(t+1) = y(t) + the sum of %d trees of the last %d values%s", m->at[0].rounds, m->w.lags,
	        past->nseen > 0 ? " and those of other columns" : "");
	return EG_OK;
}

static eg_status say_step(const model *m, const forest *f, const float *x, double last, double *mean, double quantiles[EG_LEVELS],
	eg_error *err) {
	DMatrixHandle one = NULL;
	bst_ulong n;
	const float *said;
	const bool ok = !m->l.XGDMatrixCreateFromMat(x, 1, (bst_ulong)m->w.columns, NAN, &one) &&
	                !m->l.XGBoosterPredict(f->trees, one, 0, 0, 0, &n, &said);
	if (ok) *mean = last + (double)said[0];
	if (one) m->l.XGDMatrixFree(one);
	if (ok) eg_spread_say(&f->spread, *mean, quantiles);
	return ok ? EG_OK : failed(m, err);
}

static eg_status say(const eg_forecaster *f, const eg_past *past, eg_outlook *out, eg_error *err) {
	model *m = f->own;
	const int k = m->w.columns;
	if (out->horizon > EG_STEPS_MOST)
		return eg_fail(err, EG_ERR_ARG, "trees are fitted for each step, of %d at most, not %d; take a shorter horizon", EG_STEPS_MOST,
		        out->horizon);
	for (; m->steps < out->horizon; m->steps++) {
		eg_status status = fit_step(m, m->steps + 1, err);
		if (status) return status;
	}
	double *x = eg_alloc(NULL, (size_t)k * sizeof *x);
	float *row = eg_alloc(NULL, (size_t)k * sizeof *row);
	eg_status status = x && row ? EG_OK : eg_series_no_memory(err);
	for (int h = 0; h < out->horizon && !status; h++) {
		double quantiles[EG_LEVELS];
		if (!eg_window_row(&m->w, past, past->n - 1, h + 1, EG_GAPS_KEEP, x))
			status = eg_series_too_short(f->spec, m->w.lags, eg_series_counted(past->values, past->n), err);
		for (int i = 0; i < k && !status; i++) row[i] = (float)x[i];
		if (!status) status = say_step(m, &m->at[h], row, last_of(past, past->n - 1), &out->mean[h], quantiles, err);
		out->deviation[h] = m->at[h].deviation;
		for (int q = 0; q < EG_LEVELS && !status; q++) out->quantiles[q][h] = quantiles[q];
	}
	eg_release(NULL, x);
	eg_release(NULL, row);
	return status;
}

const eg_forecaster_kind eg_forecaster_trees = {
	.info = {.name = "trees",
		.doc = "boosted trees (libxgboost) of each step ahead on the last values, those of other columns, and known columns",
		.equation = "y(t+h) = y(t) + sum of trees(y(t), ..., y(t-k+1), z(t), ..., x(t+h))",
		.source = "Friedman 2001, Chen and Guestrin 2016"},
	.fit = fit,
	.say = say,
	.drop = drop,
};

#endif
