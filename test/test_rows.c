/* test_rows.c - tables of embeddings of which a batch uses few rows (eg_rows_update): the same gradients and the same
 * weights as when all rows are visited, in the same bits where rest changes nothing; what rests, what wakes, what a
 * checkpoint needs, and where tables are updated as a whole.
 *
 * Not here: the gradient of an embedding itself (the operator tester), recipes and files (cli_resume.sh). */
#include "net.h"

#include "core/params.h"
#include "engram_ops.h"

enum { ROWS = 600, WIDTH = 65, T = 4, N = 5, STEPS = 240 };

typedef struct bed {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
	eg_plan *plan;
	eg_optimizer *o;
	int time;
} bed;

static bed make(const eg_optimizer_config *c, eg_rows_update how, int threads, int time, bool tied) {
	eg_error err;
	bed b = {.ctx = eg_context_new(&(eg_context_options){.threads = threads}, NULL), .time = time};
	b.g = eg_graph_new(b.ctx, NULL);
	eg_tensor x = eg_input(b.g, "x", EG_I32, EG_DIMS(EG_T, EG_N)), t = eg_input(b.g, "t", EG_I32, EG_DIMS(EG_T, EG_N));
	x = eg_embedding(b.g, x, .size = WIDTH, .count = ROWS, .name = "words");
	x = eg_linear(b.g, x, .units = WIDTH, .name = "middle");
	x = eg_linear(b.g, eg_tanh(b.g, x), .units = tied ? ROWS : 3, .name = "scores", .weights = tied ? "words" : NULL);
	eg_output(b.g, "loss", eg_cross_entropy(b.g, x, t, .axis = -1));
	b.p = eg_params_new(b.g, 3, NULL);
	eg_optimizer_config all = *c;
	all.embeddings = how;
	b.o = eg_optimizer_new(b.p, &all, &err);
	if (!b.o) fail_msg("%s", err.message);
	b.plan = eg_plan_new(b.g, b.p, &(eg_plan_options){.batch = N, .time = time, .train = true}, &err);
	if (!b.plan) fail_msg("%s", err.message);
	return b;
}

static void drop(bed *b) {
	eg_plan_free(b->plan);
	eg_optimizer_free(b->o);
	eg_params_free(b->p);
	eg_graph_free(b->g);
	eg_context_free(b->ctx);
}

/* Some rows in every step, row 1 again and again with a long time in between, others at random; all, one after the
 * other, where there is room. -1 and ids that are no row go in as well. */
static void fill(const bed *b, int step) {
	int32_t *x = eg_plan_input(b->plan, "x"), *t = eg_plan_input(b->plan, "t");
	for (int i = 0; i < b->time * N; i++) {
		x[i] = i < 4 ? 10 + i : (int32_t)(fabs(net_random(7, (uint64_t)(step * 50 + i))) * 1e6) % ROWS;
		if (i > 8) x[i] = 20 + i;
		if (i == 4) x[i] = step % 170 == 3 ? 1 : -1;
		if (b->time * N >= ROWS) x[i] = (i * 7 + step) % ROWS;
		t[i] = (i + step) % 3;
	}
}

static void steps(const bed *b, int from, int to) {
	for (int s = from; s < to; s++) {
		fill(b, s);
		eg_plan_run(b->plan, 0);
		assert_int_equal(eg_optimizer_step(b->o, s < 100 ? 0.01 : 0.005, NULL, NULL), EG_OK);
	}
}

static double farthest(const eg_real *a, const eg_real *b, size_t n) {
	double most = 0;
	for (size_t i = 0; i < n; i++) most = fmax(most, fabs((double)(a[i] - b[i])));
	return most;
}

/* But for what lies between parameters, which is nobody's: a walk over the whole block may change the sign of its
 * zeros. */
static void same_bits(const bed *a, const bed *b) {
	for (int k = 0; k < a->p->count; k++) {
		const size_t at = a->p->offset[k], size = (size_t)eg_dims_count(&a->g->params[k].spec.dims, 0) * sizeof(eg_real);
		assert_memory_equal(a->p->data + at, b->p->data + at, size);
		for (int i = 0; i < eg_optimizer_moments(a->o); i++)
			assert_memory_equal(eg_optimizer_moment(a->o, i, NULL) + at, eg_optimizer_moment(b->o, i, NULL) + at, size);
	}
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */

static eg_plan *small_plan(const bed *b) {
	eg_error err;
	eg_plan *p = eg_plan_new(b->g, b->p, &(eg_plan_options){.batch = N, .time = 1, .train = true}, &err);
	if (!p) fail_msg("%s", err.message);
	return p;
}

/* What a run has left is gone when the next one has other rows, be it of this plan or of another one; the gradient is
 * that of a network whose gradients anybody may write. */
static void test_gradients(void **state) {
	EG_UNUSED(state);
	for (int threads = 1; threads <= 3; threads += 2) {
		bed a = make(&(eg_optimizer_config){0}, EG_ROWS_EXACT, threads, T, false), b = make(&(eg_optimizer_config){0}, EG_ROWS_EXACT, 1, T, false);
		assert_int_equal(a.p->ntables, 1);
		eg_real *flat = eg_params_flat_grad(b.p, NULL);
		for (size_t i = 0; i < b.p->trained; i++) flat[i] = 5;
		bed small[] = {a, b};
		for (int k = 0; k < 2; k++) small[k].time = 1, small[k].plan = small_plan(&small[k]);
		for (int s = 0; s < 8; s++) {
			const bed *x = s % 3 == 2 ? &small[0] : &a, *y = s % 3 == 2 ? &small[1] : &b;
			int other = 0;
			fill(x, s), fill(y, s);
			eg_plan_run(x->plan, 0), eg_plan_run(y->plan, 0);
			assert_memory_equal(a.p->grad, b.p->grad, (size_t)ROWS * WIDTH * sizeof(eg_real));
			for (int i = 0; i < ROWS; i++) other += a.p->grad[i * WIDTH] != 0;
			assert_true(other >= 4 && other <= x->time * N && other == a.p->tables[0].nlist);
		}
		for (int k = 0; k < 2; k++) eg_plan_free(small[k].plan);
		drop(&a), drop(&b);
	}
}

/* ---- updates ----------------------------------------------------------------------------------------------------- */

static const eg_param_group slower = {.pattern = "words*", .lr = 0.5}, kept = {.pattern = "words*", .weight_decay = -1};

/* Methods for which rest is nothing but leaving out additions of zero, and others. eps is large enough that no
 * gradient of 1e-8, which is rounding, becomes a step as long as any other. */
static const struct method {
	eg_optimizer_config c;
	double most; /* 0: not a bit */
	int rest;
} methods[] = {
	{{.kind = EG_SGD}, 0, 0},
	{{.kind = EG_ADAGRAD}, 0, 0},
	{{.kind = EG_SGD, .clip_norm = 0.05}, 1e-6, 0},
	{{.kind = EG_SGD, .momentum = 0.9, .nesterov = true}, 1e-6, 132},
	{{.kind = EG_SGD, .momentum = 0.5}, 1e-6, 20},
	{{.kind = EG_ADAM, .clip_norm = 0.05, .eps = 1e-4}, 1e-5, 132},
	{{.kind = EG_ADAM, .beta1 = 0.3, .beta2 = 0.95, .eps = 1e-4}, 1e-5, 12},
	{{.kind = EG_ADAM, .beta1 = 0.6, .beta2 = 0.6, .eps = 1e-6}, 1e-5, 55},
	{{.kind = EG_ADAM, .beta1 = EG_ZERO_F, .eps = 1e-4}, 1e-5, 0},
	{{.kind = EG_ADAMW, .weight_decay = 0.1, .groups = &kept, .ngroups = 1, .eps = 1e-4}, 1e-5, 132},
	{{.kind = EG_SGD, .momentum = 0.5, .groups = &slower, .ngroups = 1}, 1e-6, 20},
	{{.kind = EG_NADAM, .beta1 = 0.5, .eps = 1e-4}, 1e-5, 20},
	{{.kind = EG_RMSPROP, .eps = 1e-4}, 1e-5, 0},
	{{.kind = EG_RMSPROP, .momentum = 0.5, .centered = true, .eps = 1e-4}, 1e-5, 20},
	{{.kind = EG_ADADELTA}, 1e-5, 0},
};

static int resting(const bed *b, int rest) {
	size_t n;
	const int32_t *last = eg_optimizer_rows(b->o, &n);
	int count = 0;
	assert_int_equal(n, ROWS);
	for (int i = 0; i < ROWS; i++) count += last[i] > 0 && (int)eg_optimizer_steps(b->o) - last[i] > rest;
	return count;
}

static void test_as_dense(void **state) {
	EG_UNUSED(state);
	for (int i = 0; i < EG_COUNT(methods); i++) {
		const struct method *m = &methods[i];
		bed a = make(&m->c, EG_ROWS_EXACT, 1, T, false), b = make(&m->c, EG_ROWS_DENSE, 1, T, false);
		assert_null(eg_optimizer_rows(b.o, NULL));
		steps(&a, 0, STEPS), steps(&b, 0, STEPS);
		assert_true(resting(&a, m->rest) > 20);
		const double apart = farthest(a.p->data, b.p->data, a.p->total);
		if (apart > m->most) fail_msg("method %d: weights are %g apart", i, apart);
		if (m->most == 0) same_bits(&a, &b);
		eg_params_grad(a.p, 0); /* from here on all moments are those of now */
		steps(&a, STEPS, STEPS + 1), steps(&b, STEPS, STEPS + 1);
		assert_null(eg_optimizer_rows(a.o, NULL));
		for (int k = 0; k < eg_optimizer_moments(a.o); k++) {
			const eg_real *x = eg_optimizer_moment(a.o, k, NULL), *y = eg_optimizer_moment(b.o, k, NULL);
			double largest = 0;
			for (size_t j = 0; j < a.p->trained; j++) largest = fmax(largest, fabs((double)y[j]));
			assert_true(farthest(x, y, a.p->trained) <= m->most * 10 * largest);
		}
		drop(&a), drop(&b);
	}
}

/* Where every row occurs in every step there is nothing to leave out. */
static void test_all_occur(void **state) {
	EG_UNUSED(state);
	for (int how = EG_ROWS_EXACT; how <= EG_ROWS_LAZY; how++) {
		const eg_optimizer_config c = {.kind = how == EG_ROWS_LAZY ? EG_ADAMW : EG_ADAM};
		bed a = make(&c, (eg_rows_update)how, 2, ROWS / N, false), b = make(&c, EG_ROWS_DENSE, 1, ROWS / N, false);
		steps(&a, 0, 3), steps(&b, 0, 3);
		assert_non_null(eg_optimizer_rows(a.o, NULL));
		same_bits(&a, &b);
		drop(&a), drop(&b);
	}
}

/* Lazy: what does not occur keeps its bits, decay or not; what does is updated by AdamW's equation with the moments
 * that it had. */
static void test_lazy(void **state) {
	EG_UNUSED(state);
	const eg_optimizer_config c = {.kind = EG_ADAMW, .weight_decay = 0.1};
	bed a = make(&c, EG_ROWS_LAZY, 1, T, false);
	eg_real *w = a.p->data, *m = eg_optimizer_moment(a.o, 0, NULL), *v = eg_optimizer_moment(a.o, 1, NULL);
	for (int s = 0; s < 20; s++) {
		double before[3] = {(double)w[12 * WIDTH], (double)m[12 * WIDTH], (double)v[12 * WIDTH]};
		eg_real others[3] = {w[WIDTH], m[WIDTH], v[WIDTH]};
		steps(&a, s, s + 1);
		double g = (double)a.p->grad[12 * WIDTH];
		before[0] -= 0.01 * 0.1 * before[0];
		before[1] = 0.9 * before[1] + 0.1 * g;
		before[2] = 0.999 * before[2] + 0.001 * g * g;
		before[0] -= 0.01 * before[1] / (1 - pow(0.9, s + 1)) / (sqrt(before[2] / (1 - pow(0.999, s + 1))) + 1e-8);
		assert_true(fabs((double)w[12 * WIDTH] - before[0]) < 1e-6);
		if (s != 3) assert_true(w[WIDTH] == others[0] && m[WIDTH] == others[1] && v[WIDTH] == others[2]);
		else assert_true(w[WIDTH] != others[0] && m[WIDTH] != 0);
	}
	drop(&a);
}

/* ---- threads, going on, and where there is no rest --------------------------------------------------------------- */

static void test_threads(void **state) {
	EG_UNUSED(state);
	const eg_optimizer_config c = {.kind = EG_ADAM, .clip_norm = 0.1, .beta1 = 0.5};
	bed a = make(&c, EG_ROWS_EXACT, 1, T, false), b = make(&c, EG_ROWS_EXACT, 3, T, false);
	steps(&a, 0, 60), steps(&b, 0, 60);
	same_bits(&a, &b);
	drop(&a), drop(&b);
}

/* Weights, moments, the number of steps and of each row its last one: the training goes on in the same bits. Without
 * the last it goes on too, and no row rests. */
static void test_resume(void **state) {
	EG_UNUSED(state);
	const eg_optimizer_config c = {.kind = EG_ADAM, .beta1 = 0.3, .clip_norm = 0.1};
	bed a = make(&c, EG_ROWS_EXACT, 1, T, false), b = make(&c, EG_ROWS_EXACT, 1, T, false), d = make(&c, EG_ROWS_EXACT, 1, T, false);
	steps(&a, 0, 100);
	bed *others[] = {&b, &d};
	for (int i = 0; i < 2; i++) {
		size_t n;
		memcpy(others[i]->p->data, a.p->data, a.p->total * sizeof(eg_real));
		eg_params_changed(others[i]->p);
		for (int k = 0; k < 2; k++)
			memcpy(eg_optimizer_moment(others[i]->o, k, NULL), eg_optimizer_moment(a.o, k, NULL), a.p->trained * sizeof(eg_real));
		eg_optimizer_set_steps(others[i]->o, 100);
		assert_int_equal(resting(others[i], 0), 0);
		if (i == 0) memcpy(eg_optimizer_rows(b.o, &n), eg_optimizer_rows(a.o, NULL), ROWS * sizeof(int32_t));
	}
	assert_true(resting(&b, 12) > 20);
	steps(&a, 100, 200), steps(&b, 100, 200), steps(&d, 100, 200);
	same_bits(&a, &b);
	assert_true(isfinite(farthest(a.p->data, d.p->data, a.p->total)) && resting(&d, 12) > 20);
	drop(&a), drop(&b), drop(&d);
}

static void test_dense(void **state) {
	EG_UNUSED(state);
	static const eg_param_group frozen = {.pattern = "words*", .frozen = true};
	static const eg_optimizer_config whole[] = {{.kind = EG_ADAMW}, {.weight_decay = 0.1}, {.clip_value = 1}, {.kind = EG_MUON},
		{.kind = EG_ADAM, .lookahead = 5}, {.groups = &frozen, .ngroups = 1}};
	for (int i = 0; i < EG_COUNT(whole); i++) {
		bed a = make(&whole[i], EG_ROWS_EXACT, 1, T, false);
		assert_null(eg_optimizer_rows(a.o, NULL));
		steps(&a, 0, 2);
		drop(&a);
	}
	/* the last layer takes the table too: its gradient has all rows */
	bed a = make(&(eg_optimizer_config){.kind = EG_ADAM}, EG_ROWS_EXACT, 1, T, true);
	assert_int_equal(a.p->ntables, 0);
	steps(&a, 0, 1);
	int moved = 0;
	for (int i = 0; i < ROWS; i++) moved += eg_optimizer_moment(a.o, 0, NULL)[i * WIDTH] != 0;
	assert_int_equal(moved, ROWS);
	drop(&a);
	/* and so where that layer comes when the gradients are there already */
	bed b = make(&(eg_optimizer_config){0}, EG_ROWS_EXACT, 1, T, false);
	eg_tensor late = eg_linear(b.g, eg_graph_find(b.g, "middle"), .units = ROWS, .name = "late", .weights = "words");
	eg_output(b.g, "late", eg_cross_entropy(b.g, late, eg_graph_find(b.g, "t"), .axis = -1));
	assert_false(b.p->whole);
	eg_error err;
	eg_plan *more = eg_plan_new(b.g, b.p, &(eg_plan_options){.batch = N, .time = T, .train = true, .objective = "late"}, &err);
	if (!more) fail_msg("%s", err.message);
	assert_true(b.p->whole);
	eg_plan_free(more);
	assert_null(eg_optimizer_new(b.p, &(eg_optimizer_config){.embeddings = (eg_rows_update)3}, &err));
	assert_non_null(strstr(err.message, "embeddings"));
	drop(&b);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_gradients), cmocka_unit_test(test_as_dense), cmocka_unit_test(test_all_occur),
		cmocka_unit_test(test_lazy), cmocka_unit_test(test_threads), cmocka_unit_test(test_resume), cmocka_unit_test(test_dense)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
