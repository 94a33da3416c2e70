/* test_ctc_crf.c - CTC, its decoding, and the CRF against brute force: all paths of a small problem, one by one, in
 * double precision. And what no comparison shows: extreme numbers, long sequences, impossible targets, wrong lengths.
 *
 * Not here: threads, instruction sets, layouts, central differences (optest.c), other systems' numbers (vectors.c). */
#include "net.h"

enum { MOST = 12 }; /* steps */

static double random_in(uint32_t id, int64_t i, double scale) {
	return scale * (2 * eg_rng_uniform((eg_rng){3, eg_stream(EG_RNG_TEST, id, 0)}, (uint64_t)i) - 1);
}

static int random_below(uint32_t id, int64_t i, int n) {
	return (int)eg_rng_below((eg_rng){4, eg_stream(EG_RNG_TEST, id, 0)}, (uint64_t)i, (uint64_t)n);
}

/* ---- one operator alone in a graph ------------------------------------------------------------------------------- */

typedef struct bed {
	eg_context *ctx;
	eg_graph *graph;
	eg_params *params;
	eg_plan *plan;
	int T, N, C;
	eg_real *x, *dx;
	int32_t *target, *lengths, *target_lengths;
} bed;

/* Two outputs of op, "a" and "b". L: labels of a target, 0 for the tags of a CRF; wanted: NULL for both outputs. */
static bed bed_new(const char *op, const char *attrs, int T, int N, int C, int L, bool lengths, bool target_lengths,
	const char *wanted) {
	bed b = {.T = T, .N = N, .C = C, .ctx = eg_context_new(&(eg_context_options){.threads = 2}, NULL)};
	assert_non_null(b.ctx);
	b.graph = eg_graph_new(b.ctx, NULL);
	eg_tensor in[4] = {eg_input(b.graph, "x", EG_F32, EG_DIMS(EG_T, EG_N, C)),
	        L ? eg_input(b.graph, "target", EG_I32, EG_DIMS(EG_N, L))
	          : eg_input(b.graph, "target", EG_I32, EG_DIMS(EG_T, EG_N))};
	if (lengths) in[2] = eg_input(b.graph, "lengths", EG_I32, EG_DIMS(EG_N));
	if (target_lengths) in[3] = eg_input(b.graph, "target_lengths", EG_I32, EG_DIMS(EG_N));
	eg_tensor y = net_apply(b.graph, op, attrs, in, target_lengths ? 4 : lengths ? 3 : 2);
	eg_output(b.graph, "a", y);
	eg_output(b.graph, "b", eg_result(b.graph, y, 1));
	assert_int_equal(eg_graph_status(b.graph, NULL), EG_OK);
	b.params = eg_params_new(b.graph, 1, NULL);
	bool train = !wanted;
	const char *const outputs[] = {wanted, NULL};
	b.plan = eg_plan_new(b.graph, b.params,
	        &(eg_plan_options){.batch = N,
	                .time = T,
	                .train = train,
	                .input_grads = train,
	                .outputs = wanted ? outputs : NULL}, NULL);
	assert_non_null(b.plan);
	b.x = eg_plan_input(b.plan, "x");
	b.dx = eg_plan_grad(b.plan, "x");
	b.target = eg_plan_input(b.plan, "target");
	b.lengths = eg_plan_input(b.plan, "lengths");
	b.target_lengths = eg_plan_input(b.plan, "target_lengths");
	return b;
}

static void bed_free(bed *b) {
	eg_plan_free(b->plan);
	eg_params_free(b->params);
	eg_graph_free(b->graph);
	eg_context_free(b->ctx);
}

static void fill_x(bed *b, uint32_t id, double scale) {
	for (int64_t i = 0; i < (int64_t)b->T * b->N * b->C; i++) b->x[i] = (eg_real)random_in(id, i, scale);
}

static const eg_real *x_at(const bed *b, int t, int n) { return b->x + ((int64_t)t * b->N + n) * b->C; }
static const eg_real *dx_at(const bed *b, int t, int n) { return b->dx + ((int64_t)t * b->N + n) * b->C; }
static double out_a(const bed *b, int n) { return (double)eg_plan_output(b->plan, "a")[n]; }
static const void *out_b(const bed *b) { return eg_plan_output(b->plan, "b"); }

static void assert_near(double got, double want, double tolerance, const char *what, int a, int b) {
	if (fabs(got - want) <= tolerance || got == want) return;
	fail_msg("%s (%d, %d) is %.9g, expected %.9g", what, a, b, got, want);
}

/* log(e^a + e^b) */
static double log_add(double a, double b) {
	double m = fmax(a, b);
	return m == -INFINITY ? m : m + log(exp(a - m) + exp(b - m));
}

/* ---- CTC by brute force ------------------------------------------------------------------------------------------ */

static double log_p(const bed *b, int t, int n, int c) {
	const eg_real *x = x_at(b, t, n);
	double sum = -INFINITY;
	for (int k = 0; k < b->C; k++) sum = log_add(sum, (double)x[k]);
	return (double)x[c] - sum;
}

/* Path number `index` of `steps` classes, and what it becomes; returns the number of labels. */
static int collapse(int64_t index, int steps, int C, int blank, int *path, int *labels) {
	int count = 0;
	for (int t = 0; t < steps; t++, index /= C) {
		path[t] = (int)(index % C);
		if (path[t] != blank && (t == 0 || path[t] != path[t - 1])) labels[count++] = path[t];
	}
	return count;
}

/* -log p(target) and the probability, given the target, of every class at every step. */
static double brute_ctc(
	const bed *b, int n, int steps, const int32_t *target, int len, int blank, double posterior[MOST][MOST]) {
	double logs[MOST][MOST], total = -INFINITY, table[MOST][MOST];
	int64_t paths = 1;
	for (int t = 0; t < steps; t++) paths *= b->C;
	for (int t = 0; t < MOST; t++)
		for (int c = 0; c < MOST; c++) table[t][c] = -INFINITY;
	for (int t = 0; t < steps; t++)
		for (int c = 0; c < b->C; c++) logs[t][c] = log_p(b, t, n, c);
	for (int64_t i = 0; i < paths; i++) {
		int path[MOST], labels[MOST];
		bool same = collapse(i, steps, b->C, blank, path, labels) == len;
		for (int k = 0; k < len && same; k++) same = labels[k] == target[k];
		double p = 0;
		for (int t = 0; t < steps; t++) p += logs[t][path[t]];
		if (!same) continue;
		total = log_add(total, p);
		for (int t = 0; t < steps; t++) table[t][path[t]] = log_add(table[t][path[t]], p);
	}
	for (int t = 0; t < steps; t++)
		for (int c = 0; c < b->C; c++) posterior[t][c] = total == -INFINITY ? 0 : exp(table[t][c] - total);
	return -total;
}

/* Loss and gradient of sample n, whose dloss is `seed`. The tolerance is relative for losses, absolute for
 * gradients. */
static void check_ctc(
	const bed *b, int n, int steps, const int32_t *target, int len, int blank, double seed, double tol) {
	double posterior[MOST][MOST];
	double want = brute_ctc(b, n, steps, target, len, blank, posterior), got = out_a(b, n);
	assert_true(!isnan(got));
	assert_near(got, want, tol * fmax(1, fabs(want)), "loss", n, len);
	for (int t = 0; t < b->T; t++)
		for (int c = 0; c < b->C; c++) {
			bool counts = t < steps && want < INFINITY;
			double d = counts ? seed * (exp(log_p(b, t, n, c)) - posterior[t][c]) : 0;
			assert_near((double)dx_at(b, t, n)[c], d, counts ? tol : 0, "gradient at step, class", t, c);
		}
}

static const double sharp = sizeof(eg_real) == sizeof(float) ? 3e-6 : 1e-12;

/* Random targets of all lengths for inputs of all lengths, many of them impossible. */
static void ctc_round(uint32_t id, double scale, double tol) {
	enum { N = 9, L = 4 };
	int T = 1 + random_below(id, 0, 6), C = 2 + random_below(id, 1, 3), blank = random_below(id, 2, C);
	char attrs[64];
	snprintf(attrs, sizeof attrs, "reduction=none blank=%d", blank);
	bed b = bed_new("ctc", attrs, T, N, C, L, true, true, NULL);
	fill_x(&b, id, scale);
	for (int n = 0; n < N; n++) {
		b.lengths[n] = random_below(id, 10 + n, T + 1);
		b.target_lengths[n] = random_below(id, 30 + n, L + 1);
		for (int k = 0; k < L; k++) {
			int label = random_below(id, 50 + n * L + k, C - 1);
			b.target[n * L + k] = label + (label >= blank);
		}
		eg_plan_grad(b.plan, "a")[n] = (eg_real)(0.5 + n);
	}
	eg_plan_run(b.plan, 0);
	for (int n = 0; n < N; n++) {
		check_ctc(&b, n, b.lengths[n], b.target + n * L, b.target_lengths[n], blank, 0.5 + n, tol);
		assert_true(((const eg_real *)out_b(&b))[n] == (eg_real)out_a(&b, n));
	}
	bed_free(&b);
}

static void test_ctc_all_paths(void **state) {
	EG_UNUSED(state);
	for (uint32_t id = 0; id < 60; id++) ctc_round(id, 3, 10 * sharp);
}

/* Logits of +-1e4: nearly everything is decided, probabilities are 0 or 1; where two paths nearly tie, float's last
 * place of 1e4 (1e-3) shows in their shares. */
static void test_ctc_extreme(void **state) {
	EG_UNUSED(state);
	for (uint32_t id = 100; id < 140; id++) ctc_round(id, 1e4, sizeof(eg_real) == sizeof(float) ? 2e-2 : 1e-9);
}

/* C equal classes: T (T+1) / 2 of the C^T paths become one label, 1 the empty target. No number of steps makes that
 * vanish. */
static void test_ctc_long(void **state) {
	EG_UNUSED(state);
	enum { T = 3000, C = 7 };
	bed b = bed_new("ctc", "reduction=none", T, 2, C, 1, false, false, NULL);
	for (int64_t i = 0; i < (int64_t)T * 2 * C; i++) b.x[i] = 4;
	b.target[0] = 3, b.target[1] = -1;
	eg_plan_run(b.plan, 0);
	assert_near(out_a(&b, 0), T * log(C) - log(0.5 * T * (T + 1)), 1e-6 * T, "loss of one label", 0, 0);
	assert_near(out_a(&b, 1), T * log(C), 1e-6 * T, "loss of no label", 0, 0);
	eg_plan_grad(b.plan, "a")[0] = 1;
	eg_plan_run(b.plan, 0);
	for (int t = 0; t < T; t++) { /* spans of label 3 that cover step t: (t+1)(T-t) */
		double p = (t + 1.0) * (T - t) / (0.5 * T * (T + 1));
		assert_near((double)dx_at(&b, t, 0)[3], 1.0 / C - p, 1e-4, "gradient", t, 3);
	}
	bed_free(&b);
}

/* ---- what has no alignment --------------------------------------------------------------------------------------- */

/* Samples: fine; too short; a repeat without room for its blank; a label that is the blank; one beyond the classes; a
 * negative one; lengths that are none. */
enum { BAD_N = 9, BAD_T = 4, BAD_C = 5, BAD_L = 4 };
static const int32_t bad_target[BAD_N][BAD_L] = {
	{1, 2, 3}, {1, 2, 3, 4}, {2, 2, 2}, {1, 0, 2}, {1, 5, 2}, {1, -2, 2}, {1, 2, 3}, {1, 2, 3}, {3, 3, 4}};
static const int32_t bad_lengths[BAD_N] = {4, 3, 4, 4, 4, 4, 5, -1, 4};
static const int32_t bad_target_lengths[BAD_N] = {3, 4, 3, 3, 3, 3, 3, 3, 3};

static void bad_fill(bed *b) {
	fill_x(b, 7, 2);
	memcpy(b->target, bad_target, sizeof bad_target);
	memcpy(b->lengths, bad_lengths, sizeof bad_lengths);
	memcpy(b->target_lengths, bad_target_lengths, sizeof bad_target_lengths);
}

static bool bad_is_fine(int n) { return n == 0 || n == BAD_N - 1; }

static void test_ctc_impossible(void **state) {
	EG_UNUSED(state);
	eg_error err;
	bed b = bed_new("ctc", "name=speech", BAD_T, BAD_N, BAD_C, BAD_L, true, true, NULL);
	bad_fill(&b);
	eg_plan_run(b.plan, 0);
	assert_true(isinf(out_a(&b, 0)) && out_a(&b, 0) > 0);
	for (int n = 0; n < BAD_N; n++) {
		eg_real loss = ((const eg_real *)out_b(&b))[n];
		assert_true(bad_is_fine(n) ? isfinite(loss) && loss > 0 : loss == (eg_real)INFINITY);
		double size = 0;
		for (int t = 0; t < BAD_T; t++)
			for (int c = 0; c < BAD_C; c++) size += fabs((double)dx_at(&b, t, n)[c]);
		assert_true(bad_is_fine(n) ? size > 0.01 && size < 100 : size == 0);
	}
	assert_int_equal(eg_plan_diagnose(b.plan, 0, &err), EG_ERR_NUMERIC);
	assert_contains(err.message, "'speech'");
	assert_contains(err.message, "+infinity");
	bed_free(&b);
}

static void test_ctc_zero_infinity(void **state) {
	EG_UNUSED(state);
	bed b = bed_new("ctc", "zero_infinity=1 reduction=mean", BAD_T, BAD_N, BAD_C, BAD_L, true, true, NULL);
	bad_fill(&b);
	eg_plan_run(b.plan, 0);
	double sum = 0, posterior[MOST][MOST];
	for (int n = 0; n < BAD_N; n++) {
		double want = bad_is_fine(n) ? brute_ctc(&b, n, BAD_T, bad_target[n], 3, 0, posterior) : 0;
		assert_near((double)((const eg_real *)out_b(&b))[n], want, 10 * sharp * fmax(1, want), "loss", n, 0);
		sum += want / 3 / BAD_N;
		for (int t = 0; t < BAD_T; t++)
			for (int c = 0; c < BAD_C; c++) {
				double d = bad_is_fine(n) ? exp(log_p(&b, t, n, c)) - posterior[t][c] : 0;
				assert_near((double)dx_at(&b, t, n)[c], d / 3 / BAD_N, 10 * sharp, "gradient", t, c);
				if (!bad_is_fine(n)) assert_true(dx_at(&b, t, n)[c] == 0); /* to the bit */
			}
	}
	assert_near(out_a(&b, 0), sum, 10 * sharp, "mean", 0, 0);
	assert_int_equal(eg_plan_diagnose(b.plan, 0, NULL), EG_OK);
	bed_free(&b);
}

/* Classes that are ruled out by -infinity are no NaN; a NaN is one, in its own sample. */
static void test_ctc_not_finite(void **state) {
	EG_UNUSED(state);
	enum { T = 4, N = 3, C = 4, L = 2 };
	bed b = bed_new("ctc", "reduction=none", T, N, C, L, false, false, NULL);
	fill_x(&b, 9, 1);
	const int32_t target[N * L] = {1, 2, 1, 3, 1, 2};
	memcpy(b.target, target, sizeof target);
	for (int n = 0; n < N; n++) eg_plan_grad(b.plan, "a")[n] = 1;
	for (int t = 0; t < T; t++)
		b.x[(t * N + 0) * C + 3] = -(eg_real)INFINITY, b.x[(t * N + 1) * C + 3] = -(eg_real)INFINITY;
	b.x[(2 * N + 2) * C + 1] = (eg_real)NAN;
	eg_plan_run(b.plan, 0);
	check_ctc(&b, 0, T, target, L, 0, 1, 10 * sharp);
	assert_true(out_a(&b, 1) == INFINITY);
	assert_true(isnan(out_a(&b, 2)));
	for (int t = 0; t < T; t++) {
		for (int c = 0; c < C; c++) assert_true(isfinite(dx_at(&b, t, 0)[c]) && dx_at(&b, t, 1)[c] == 0);
		assert_true(isnan(dx_at(&b, t, 2)[0])); /* of the blank, which may stand at any step */
	}
	bed_free(&b);
}

/* Sum and mean are made of the losses; no labels count as one. Per-sample losses alone can be had without the sum. */
static void test_ctc_reductions(void **state) {
	EG_UNUSED(state);
	enum { T = 5, N = 4, C = 4, L = 3 };
	const int32_t target[N * L] = {1, 2, 3, 2, 2, -1, 3, -1, -1, -1, -1, -1};
	double loss[N], sum = 0, mean = 0;
	for (int kind = 0; kind < 4; kind++) {
		static const char *const attrs[] = {
		        "reduction=none", "reduction=sum", "reduction=mean", "reduction=mean"};
		bed b = bed_new("ctc", attrs[kind], T, N, C, L, false, false, kind == 3 ? "b" : NULL);
		fill_x(&b, 11, 2);
		memcpy(b.target, target, sizeof target);
		eg_plan_run(b.plan, 0);
		for (int n = 0; n < N && kind == 0; n++) {
			loss[n] = out_a(&b, n);
			sum += loss[n];
			mean += loss[n] / (n < 3 ? 3 - n : 1) / N;
		}
		if (kind == 1) assert_near(out_a(&b, 0), sum, 10 * sharp * sum, "sum", 0, 0);
		if (kind == 2) assert_near(out_a(&b, 0), mean, 10 * sharp * mean, "mean", 0, 0);
		for (int n = 0; n < N; n++)
			assert_near(
			        (double)((const eg_real *)out_b(&b))[n], loss[n], 0, "loss of sample, kind", n, kind);
		bed_free(&b);
	}
}

/* ---- reading labels off ------------------------------------------------------------------------------------------ */

static bed decoder(int T, int N, int C, bool lengths, const char *attrs) {
	bed b = {.T = T, .N = N, .C = C, .ctx = eg_context_new(&(eg_context_options){.threads = 2}, NULL)};
	b.graph = eg_graph_new(b.ctx, NULL);
	eg_tensor in[2] = {eg_input(b.graph, "x", EG_F32, EG_DIMS(EG_T, EG_N, C))};
	if (lengths) in[1] = eg_input(b.graph, "lengths", EG_I32, EG_DIMS(EG_N));
	eg_output(b.graph, "b", net_apply(b.graph, "ctc_decode", attrs, in, lengths ? 2 : 1));
	assert_int_equal(eg_graph_status(b.graph, NULL), EG_OK);
	b.params = eg_params_new(b.graph, 1, NULL);
	b.plan = eg_plan_new(b.graph, b.params, &(eg_plan_options){.batch = N, .time = T}, NULL);
	assert_non_null(b.plan);
	b.x = eg_plan_input(b.plan, "x");
	b.lengths = eg_plan_input(b.plan, "lengths");
	return b;
}

static void assert_ids(const bed *b, int n, const int *want, int count) {
	const int32_t *ids = out_b(b);
	for (int t = 0; t < b->T; t++)
		if (ids[t * b->N + n] != (t < count ? want[t] : -1))
			fail_msg("sample %d, label %d is %d, expected %d", n, t, ids[t * b->N + n],
			        t < count ? want[t] : -1);
}

static void test_best_path(void **state) {
	EG_UNUSED(state);
	enum { T = 7, N = 4, C = 4 };
	static const int best[N][T] = {
	        {1, 1, 0, 1, 2, 2, 3}, {0, 0, 0, 0, 0, 0, 0}, {3, 2, 3, 3, 0, 3, 1}, {2, 2, 2, 2, 2, 2, 2}};
	static const int32_t lengths[N] = {7, 7, 6, 9};
	bed b = decoder(T, N, C, true, "");
	fill_x(&b, 12, 1);
	for (int n = 0; n < N; n++)
		for (int t = 0; t < T; t++) b.x[(t * N + n) * C + best[n][t]] = 2;
	memcpy(b.lengths, lengths, sizeof lengths);
	eg_plan_run(b.plan, 0);
	assert_ids(&b, 0, (const int[]){1, 1, 2, 3}, 4);
	assert_ids(&b, 1, NULL, 0);
	assert_ids(&b, 2, (const int[]){3, 2, 3, 3}, 4);
	assert_ids(&b, 3, NULL, 0); /* a length beyond the input */
	bed_free(&b);
}

/* A beam that holds every prefix finds the labels that are the most probable of all; brute force goes through all of
 * them. */
static void beam_round(uint32_t id, double scale) {
	int T = 1 + random_below(id, 0, 5), C = 2 + random_below(id, 1, 3), blank = random_below(id, 2, C), paths = 1;
	char attrs[64];
	snprintf(attrs, sizeof attrs, "beam=1024 blank=%d", blank);
	bed b = decoder(T, 3, C, false, attrs);
	fill_x(&b, id, scale);
	eg_plan_run(b.plan, 0);
	for (int t = 0; t < T; t++) paths *= C;
	for (int n = 0; n < 3; n++) {
		double best = INFINITY, posterior[MOST][MOST];
		int labels[MOST], count = 0;
		for (int i = 0; i < paths; i++) {
			int path[MOST], some[MOST], len = collapse(i, T, C, blank, path, some);
			double loss = brute_ctc(&b, n, T, some, len, blank, posterior);
			if (loss >= best - 1e-9) continue;
			best = loss;
			count = len;
			memcpy(labels, some, sizeof labels);
		}
		assert_ids(&b, n, labels, count);
	}
	bed_free(&b);
}

static void test_beam(void **state) {
	EG_UNUSED(state);
	for (uint32_t id = 200; id < 230; id++) beam_round(id, 1.5);
	/* Graves 2012, figure 7.4: blank blank is the best path, the label the best labelling. */
	for (int beam = 1; beam <= 2; beam++) {
		bed b = decoder(2, 1, 2, false, beam == 1 ? "beam=1" : "beam=2");
		const eg_real x[4] = {(eg_real)log(0.7), (eg_real)log(0.3), (eg_real)log(0.6), (eg_real)log(0.4)};
		memcpy(b.x, x, sizeof x);
		eg_plan_run(b.plan, 0);
		assert_ids(&b, 0, (const int[]){1}, beam == 1 ? 0 : 1);
		b.x[0] = b.x[1] = (eg_real)NAN; /* no labels are made of that */
		eg_plan_run(b.plan, 0);
		assert_true(((const int32_t *)out_b(&b))[0] >= -1 && ((const int32_t *)out_b(&b))[0] < 2);
		bed_free(&b);
	}
}

/* ---- CRF by brute force ------------------------------------------------------------------------------------------ */

typedef struct crf_truth {
	double loss, at[MOST][MOST], pair[MOST][MOST], best;
	int path[MOST];
} crf_truth;

static eg_real *weight(const bed *b, const char *name) {
	return eg_params_data(b->params, eg_params_find(b->params, name));
}
static double weight_grad(const bed *b, const char *name, int i) {
	return (double)eg_params_grad(b->params, eg_params_find(b->params, name))[i];
}

static double crf_score(const bed *b, int n, int steps, const int *tags) {
	double s = (double)weight(b, "crf1.start")[tags[0]] + (double)weight(b, "crf1.end")[tags[steps - 1]];
	for (int t = 0; t < steps; t++) {
		s += (double)x_at(b, t, n)[tags[t]];
		if (t > 0) s += (double)weight(b, "crf1.transitions")[tags[t - 1] * b->C + tags[t]];
	}
	return s;
}

/* The loss, its derivatives by emissions and transitions, and the best path, of one sample. */
static crf_truth brute_crf(const bed *b, int n, int steps) {
	crf_truth r = {.best = -INFINITY};
	int64_t paths = 1;
	int tags[MOST];
	double total = -INFINITY;
	for (int t = 0; t < steps; t++) paths *= b->C;
	if (steps == 0) return r;
	for (int pass = 0; pass < 2; pass++)
		for (int64_t i = 0; i < paths; i++) {
			int64_t rest = i;
			for (int t = steps - 1; t >= 0; t--, rest /= b->C) tags[t] = (int)(rest % b->C);
			double s = crf_score(b, n, steps, tags);
			if (pass == 0) total = log_add(total, s);
			if (pass == 0 && s > r.best) r.best = s, memcpy(r.path, tags, sizeof tags);
			for (int t = 0; t < steps && pass; t++) {
				r.at[t][tags[t]] += exp(s - total);
				if (t) r.pair[tags[t - 1]][tags[t]] += exp(s - total);
			}
		}
	for (int t = 0; t < steps; t++) {
		tags[t] = b->target[t * b->N + n];
		r.at[t][tags[t]] -= 1;
		if (t) r.pair[tags[t - 1]][tags[t]] -= 1;
	}
	r.loss = total - crf_score(b, n, steps, tags);
	return r;
}

static void crf_weights(bed *b, uint32_t id, double scale) {
	static const char *const names[] = {"crf1.transitions", "crf1.start", "crf1.end"};
	for (uint32_t p = 0; p < 3; p++)
		for (int i = 0; i < (p ? b->C : b->C * b->C); i++)
			weight(b, names[p])[i] = (eg_real)random_in(1000 * (p + 1) + id, i, scale);
	eg_params_changed(b->params);
}

static void crf_round(uint32_t id, double scale, double tol, double slack) {
	enum { N = 19 }; /* two samples a unit */
	int T = 1 + random_below(id, 0, 5), K = 2 + random_below(id, 1, 3);
	bed b = bed_new("crf", "reduction=none", T, N, K, 0, true, false, NULL);
	double pair[MOST][MOST] = {{0}}, first[MOST] = {0}, last[MOST] = {0};
	fill_x(&b, id, scale);
	crf_weights(&b, id, scale);
	for (int i = 0; i < T * N; i++) b.target[i] = random_below(id, 100 + i, K);
	for (int n = 0; n < N; n++) b.lengths[n] = random_below(id, 10 + n, T + 1);
	for (int n = 0; n < N; n++) eg_plan_grad(b.plan, "a")[n] = (eg_real)(0.1 * (n + 1));
	eg_plan_run(b.plan, 0);
	for (int n = 0; n < N; n++) {
		int steps = b.lengths[n];
		double w = 0.1 * (n + 1);
		crf_truth r = brute_crf(&b, n, steps);
		assert_near(out_a(&b, n), r.loss, tol * fmax(scale, r.loss), "loss", n, steps);
		for (int t = 0; t < T; t++)
			for (int k = 0; k < K; k++)
				assert_near((double)dx_at(&b, t, n)[k], w * r.at[t][k], slack, "gradient at", t, k);
		int path[MOST];
		for (int t = 0; t < T; t++) {
			path[t] = ((const int32_t *)out_b(&b))[t * N + n];
			assert_true(t < steps ? path[t] >= 0 && path[t] < K : path[t] == -1);
		}
		if (steps)
			assert_near(crf_score(&b, n, steps, path), r.best, tol * scale, "score of the path", n, steps);
		if (steps && scale < 10) assert_memory_equal(path, r.path, (size_t)steps * sizeof *path);
		for (int i = 0; i < K; i++) {
			for (int k = 0; k < K; k++) pair[i][k] += w * r.pair[i][k];
			first[i] += steps ? w * r.at[0][i] : 0;
			last[i] += steps ? w * r.at[steps - 1][i] : 0;
		}
	}
	for (int i = 0; i < K; i++) {
		for (int k = 0; k < K; k++)
			assert_near(weight_grad(&b, "crf1.transitions", i * K + k), pair[i][k], N * slack, "transition",
			        i, k);
		assert_near(weight_grad(&b, "crf1.start", i), first[i], N * slack, "start", i, 0);
		assert_near(weight_grad(&b, "crf1.end", i), last[i], N * slack, "end", i, 0);
	}
	bed_free(&b);
}

static void test_crf_all_paths(void **state) {
	EG_UNUSED(state);
	for (uint32_t id = 300; id < 360; id++) crf_round(id, 2, 10 * sharp, 10 * sharp);
}

static void test_crf_extreme(void **state) {
	EG_UNUSED(state);
	for (uint32_t id = 400; id < 440; id++)
		crf_round(id, 1e4, 10 * sharp, sizeof(eg_real) == sizeof(float) ? 5e-2 : 1e-8);
}

/* Transitions that are ruled out by -infinity, even all that lead to a tag: no NaN, probabilities 0, and no path takes
 * them. */
static void test_crf_forbidden(void **state) {
	EG_UNUSED(state);
	enum { T = 4, K = 4 };
	static const int tags[T] = {2, 1, 1, 2};
	bed b = bed_new("crf", "", T, 1, K, 0, false, false, NULL);
	fill_x(&b, 16, 2);
	crf_weights(&b, 16, 1);
	eg_real *w = weight(&b, "crf1.transitions");
	for (int i = 0; i < K; i++) w[i * K + 3] = -(eg_real)INFINITY;
	w[2 * K + 2] = w[0 * K + 1] = -(eg_real)INFINITY;
	eg_params_changed(b.params);
	for (int t = 0; t < T; t++) b.target[t] = tags[t];
	eg_plan_run(b.plan, 0);
	crf_truth r = brute_crf(&b, 0, T);
	assert_near(out_a(&b, 0), r.loss, 10 * sharp, "loss", 0, 0);
	for (int t = 0; t < T; t++) {
		assert_int_equal(((const int32_t *)out_b(&b))[t], r.path[t]);
		for (int k = 0; k < K; k++)
			assert_near((double)dx_at(&b, t, 0)[k], r.at[t][k], 10 * sharp, "gradient", t, k);
	}
	for (int i = 0; i < K * K; i++)
		assert_near(
		        weight_grad(&b, "crf1.transitions", i), r.pair[i / K][i % K], 10 * sharp, "pair", i / K, i % K);
	bed_free(&b);
}

/* Equal scores everywhere: T log K, whatever T; and all marginals are 1 / K. */
static void test_crf_long(void **state) {
	EG_UNUSED(state);
	enum { T = 3000, K = 6 };
	bed b = bed_new("crf", "", T, 1, K, 0, false, false, NULL);
	fill_x(&b, 13, 0);
	crf_weights(&b, 1, 0);
	memset(b.target, 0, T * sizeof *b.target);
	eg_plan_run(b.plan, 0);
	assert_near(out_a(&b, 0), T * log(K), 1e-6 * T * log(K), "loss", 0, 0);
	for (int t = 0; t < T; t++)
		for (int k = 0; k < K; k++)
			assert_near((double)dx_at(&b, t, 0)[k], 1.0 / K - (k == 0), 1e-4, "gradient", t, k);
	bed_free(&b);
}

/* -1 behind the tags says how many there are, where no lengths are given; mean and sum are made of the losses. */
static void test_crf_padding(void **state) {
	EG_UNUSED(state);
	enum { T = 4, N = 3, K = 3 };
	static const int32_t lengths[N] = {4, 0, 2};
	static const char *const attrs[] = {"reduction=none", "reduction=none", "reduction=sum", "reduction=mean"};
	double loss[N] = {0};
	eg_real dx[2][T * N * K];
	for (int kind = 0; kind < 4; kind++) {
		bed b = bed_new("crf", attrs[kind], T, N, K, 0, kind != 1, false, NULL);
		fill_x(&b, 14, 2);
		crf_weights(&b, 14, 1);
		for (int i = 0; i < T * N; i++) b.target[i] = i / N < lengths[i % N] ? i % K : kind == 1 ? -1 : 99;
		if (b.lengths) memcpy(b.lengths, lengths, sizeof lengths);
		for (int n = 0; n < N && kind < 2; n++) eg_plan_grad(b.plan, "a")[n] = 1;
		eg_plan_run(b.plan, 0);
		if (kind < 2) memcpy(dx[kind], b.dx, sizeof dx[0]);
		for (int n = 0; n < N && kind < 2; n++) {
			if (kind == 0) loss[n] = out_a(&b, n);
			assert_true(out_a(&b, n) == loss[n]);
		}
		if (kind >= 2)
			assert_near(out_a(&b, 0), (loss[0] + loss[1] + loss[2]) / (kind == 3 ? N : 1), 10 * sharp,
			        "reduced", 0, 0);
		bed_free(&b);
	}
	assert_true(loss[0] > 0 && loss[1] == 0 && loss[2] > 0);
	assert_memory_equal(dx[0], dx[1], sizeof dx[0]);
}

/* The path alone needs no target. A tag that is none makes its sample's loss NaN, and a wrong length has no path. */
static void test_crf_wrong(void **state) {
	EG_UNUSED(state);
	enum { T = 3, N = 4, K = 4 };
	int32_t paths[2][T * N];
	for (int alone = 0; alone < 2; alone++) {
		bed b = bed_new("crf", "reduction=none name=crf1", T, N, K, 0, true, false, alone ? "b" : NULL);
		fill_x(&b, 15, 2);
		crf_weights(&b, 15, 2);
		for (int i = 0; i < T * N; i++) b.target[i] = alone ? -77 : i % K;
		const int32_t lengths[N] = {3, 2, 4, -1};
		memcpy(b.lengths, lengths, sizeof lengths);
		if (!alone) b.target[1 * N + 1] = K;
		eg_plan_run(b.plan, 0);
		memcpy(paths[alone], out_b(&b), sizeof paths[0]);
		if (!alone) {
			assert_true(isfinite(out_a(&b, 0)));
			for (int n = 1; n < N; n++) assert_true(isnan(out_a(&b, n)));
			assert_int_equal(eg_plan_diagnose(b.plan, 0, NULL), EG_ERR_NUMERIC);
		} else {
			assert_null(eg_plan_output(b.plan, "a"));
			assert_null(strstr(eg_plan_describe(b.plan), "crf_fwd"));
		}
		bed_free(&b);
	}
	assert_memory_equal(paths[0], paths[1], sizeof paths[0]);
	for (int t = 0; t < T; t++) {
		assert_true(paths[0][t * N] >= 0 && (t < 2) == (paths[0][t * N + 1] >= 0));
		assert_true(paths[0][t * N + 2] == -1 && paths[0][t * N + 3] == -1);
	}
}

/* A loss alone does not search for a path. */
static void test_crf_no_search(void **state) {
	EG_UNUSED(state);
	bed b = bed_new("crf", "", 3, 2, 4, 0, false, false, "a");
	assert_contains(eg_plan_describe(b.plan), "crf_fwd");
	assert_null(strstr(eg_plan_describe(b.plan), "crf_path"));
	bed_free(&b);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_ctc_all_paths),
	        cmocka_unit_test(test_ctc_extreme),
	        cmocka_unit_test(test_ctc_long),
	        cmocka_unit_test(test_ctc_impossible),
	        cmocka_unit_test(test_ctc_zero_infinity),
	        cmocka_unit_test(test_ctc_not_finite),
	        cmocka_unit_test(test_ctc_reductions),
	        cmocka_unit_test(test_best_path),
	        cmocka_unit_test(test_beam),
	        cmocka_unit_test(test_crf_all_paths),
	        cmocka_unit_test(test_crf_extreme),
	        cmocka_unit_test(test_crf_forbidden),
	        cmocka_unit_test(test_crf_long),
	        cmocka_unit_test(test_crf_padding),
	        cmocka_unit_test(test_crf_wrong),
	        cmocka_unit_test(test_crf_no_search),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
