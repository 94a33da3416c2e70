/* test_optimizer.c - optimizers against their equations, written down here once more in double: several steps, with all
 * of their settings, on every kernel table. Muon against singular values that are known, and against its own
 * polynomial.
 *
 * Not here: SGD, Adam and AdamW, the norm and clipping, and the bits of threads (test_train.c); PyTorch (vectors.c). */
#include "net.h"

#include "core/params.h"

enum { STEPS = 7, WEIGHTS = 37 };

/* ---- element by element ------------------------------------------------------------------------------------------ */

typedef struct element {
	double w, m, v, u, slow;
} element;

typedef void (*equation)(const eg_optimizer_config *c, element *e, double g, int t);

static void rmsprop(const eg_optimizer_config *c, element *e, double g, int t) {
	EG_UNUSED(t);
	g += c->weight_decay * e->w;
	e->v = c->alpha * e->v + (1 - c->alpha) * g * g;
	e->u = c->alpha * e->u + (1 - c->alpha) * g;
	double step = g / (sqrt(c->centered ? e->v - e->u * e->u : e->v) + c->eps);
	e->m = c->momentum * e->m + step;
	e->w -= c->lr * (c->momentum > 0 ? e->m : step);
}

static void adagrad(const eg_optimizer_config *c, element *e, double g, int t) {
	EG_UNUSED(t);
	g += c->weight_decay * e->w;
	e->v += g * g;
	e->w -= c->lr * g / (sqrt(e->v) + c->eps);
}

static void adadelta(const eg_optimizer_config *c, element *e, double g, int t) {
	EG_UNUSED(t);
	g += c->weight_decay * e->w;
	e->v = c->alpha * e->v + (1 - c->alpha) * g * g;
	double step = sqrt(e->u + c->eps) / sqrt(e->v + c->eps) * g;
	e->u = c->alpha * e->u + (1 - c->alpha) * step * step;
	e->w -= c->lr * step;
}

static double nadam_beta(const eg_optimizer_config *c, int t) {
	return c->beta1 * (1 - 0.5 * pow(0.96, t * c->momentum_decay));
}

static void nadam(const eg_optimizer_config *c, element *e, double g, int t) {
	double product = 1, now = nadam_beta(c, t), next = nadam_beta(c, t + 1);
	for (int i = 1; i <= t; i++) product *= nadam_beta(c, i);
	g += c->weight_decay * e->w;
	e->m = c->beta1 * e->m + (1 - c->beta1) * g;
	e->v = c->beta2 * e->v + (1 - c->beta2) * g * g;
	double root = sqrt(e->v / (1 - pow(c->beta2, t))) + c->eps;
	e->w -= c->lr * ((1 - now) / (1 - product) * g + next / (1 - product * next) * e->m) / root;
}

static void adamw(const eg_optimizer_config *c, element *e, double g, int t) {
	e->w *= 1 - c->lr * c->weight_decay;
	e->m = c->beta1 * e->m + (1 - c->beta1) * g;
	e->v = c->beta2 * e->v + (1 - c->beta2) * g * g;
	e->w -= c->lr * (e->m / (1 - pow(c->beta1, t))) / (sqrt(e->v / (1 - pow(c->beta2, t))) + c->eps);
}

static eg_params *weights(eg_graph *g, int rows, int cols) {
	char attrs[64];
	snprintf(attrs, sizeof attrs, "units=%d bias=0", rows);
	net_layer(g, "linear", attrs, eg_input(g, "x", EG_F32, EG_DIMS(EG_N, cols)));
	eg_params *p = eg_params_new(g, 1, NULL);
	assert_non_null(p);
	return p;
}

/* `c` says every number that the equation reads; `given` is what the optimizer is told. */
static void follow(eg_context *ctx, const eg_optimizer_config *c, const eg_optimizer_config *given, equation follows) {
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_params *p = weights(g, WEIGHTS, 1);
	eg_error err = {0};
	eg_optimizer *o = eg_optimizer_new(p, given, &err);
	element e[WEIGHTS] = {{0}};
	if (!o) fail_msg("%s", err.message);
	for (int i = 0; i < WEIGHTS; i++) e[i].w = e[i].slow = (double)eg_params_data(p, 0)[i];
	for (int t = 1; t <= STEPS; t++) {
		for (int i = 0; i < WEIGHTS; i++) {
			double dw = net_random((uint64_t)t, (uint64_t)i);
			eg_params_grad(p, 0)[i] = (eg_real)dw;
			follows(c, &e[i], dw, t);
			if (c->lookahead && t % c->lookahead == 0) e[i].w = e[i].slow += c->lookahead_alpha * (e[i].w - e[i].slow);
		}
		assert_int_equal(eg_optimizer_step(o, c->lr, NULL, NULL), EG_OK);
		for (int i = 0; i < WEIGHTS; i++) net_near((double)eg_params_data(p, 0)[i], e[i].w, 2e-5 * (1 + fabs(e[i].w)));
	}
	eg_optimizer_free(o);
	eg_params_free(p);
	eg_graph_free(g);
}

static void all_equations(eg_context *ctx) {
	/* as PyTorch's defaults are, which nothing is said for */
	eg_optimizer_config c = {.kind = EG_RMSPROP, .lr = 0.01, .alpha = 0.99, .eps = 1e-8};
	follow(ctx, &c, &(eg_optimizer_config){.kind = EG_RMSPROP}, rmsprop);
	c = (eg_optimizer_config){.kind = EG_ADAGRAD, .lr = 0.01, .eps = 1e-10};
	follow(ctx, &c, &(eg_optimizer_config){.kind = EG_ADAGRAD}, adagrad);
	c = (eg_optimizer_config){.kind = EG_ADADELTA, .lr = 1, .alpha = 0.9, .eps = 1e-6};
	follow(ctx, &c, &(eg_optimizer_config){.kind = EG_ADADELTA}, adadelta);
	c = (eg_optimizer_config){.kind = EG_NADAM, .lr = 0.002, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .momentum_decay = 0.004};
	follow(ctx, &c, &(eg_optimizer_config){.kind = EG_NADAM}, nadam);
	/* and with everything set */
	for (int bits = 0; bits < 8; bits++) {
		c = (eg_optimizer_config){.kind = EG_RMSPROP, .lr = 0.05, .alpha = 0.8, .eps = 0.01, .lookahead_alpha = 0.5};
		c.weight_decay = bits & 1 ? 0.2 : 0;
		c.centered = bits & 2;
		c.momentum = bits & 4 ? 0.7 : 0;
		follow(ctx, &c, &c, rmsprop);
		c.kind = EG_ADADELTA, c.centered = false, c.momentum = 0, c.lookahead = bits;
		follow(ctx, &c, &c, adadelta);
		c.kind = EG_ADAGRAD, c.lookahead_alpha = 0.3;
		follow(ctx, &c, &c, adagrad);
		c.kind = EG_NADAM, c.beta1 = 0.8, c.beta2 = 0.9, c.momentum_decay = 0.5;
		follow(ctx, &c, &c, nadam);
		/* what is no matrix follows AdamW, at a learning rate that is to adam_lr as the matrices' is to lr */
		c.kind = EG_MUON, c.lr = 0.02;
		eg_optimizer_config muon = c;
		muon.groups = &(eg_param_group){.pattern = "*", .elementwise = true, .lr = 0.4}, muon.ngroups = 1;
		muon.lr = 0.02, muon.adam_lr = 0.05;
		follow(ctx, &c, &muon, adamw);
	}
}

static void on_tables(void (*test)(eg_context *ctx)) {
	const char *isas[4];
	int n = net_isas(isas);
	for (int i = 0; i < n; i++) {
		eg_context *ctx = net_context(1, isas[i]);
		test(ctx);
		eg_context_free(ctx);
	}
}

static void test_equations(void **state) {
	EG_UNUSED(state);
	on_tables(all_equations);
}

/* ---- matrices ---------------------------------------------------------------------------------------------------- */

enum { MOST = 48 };

/* Newton and Schulz, in double: x (rows x cols) becomes a X + b (X X^T) X + c (X X^T)^2 X, `rounds` times. */
static void orthogonalise(double *x, int rows, int cols, int rounds) {
	double a[MOST][MOST], next[MOST * MOST], norm = 0;
	for (int i = 0; i < rows * cols; i++) norm += x[i] * x[i];
	for (int i = 0; i < rows * cols; i++) x[i] /= sqrt(norm) + 1e-7;
	for (int round = 0; round < rounds; round++) {
		for (int i = 0; i < rows; i++)
			for (int j = 0; j < rows; j++) {
				a[i][j] = 0;
				for (int k = 0; k < cols; k++) a[i][j] += x[i * cols + k] * x[j * cols + k];
			}
		for (int i = 0; i < rows; i++)
			for (int k = 0; k < cols; k++) {
				next[i * cols + k] = 3.4445 * x[i * cols + k];
				for (int j = 0; j < rows; j++) {
					double square = 0;
					for (int l = 0; l < rows; l++) square += a[i][l] * a[l][j];
					next[i * cols + k] += (-4.7750 * a[i][j] + 2.0315 * square) * x[j * cols + k];
				}
			}
		memcpy(x, next, (size_t)(rows * cols) * sizeof *x);
	}
}

static void follow_matrix(eg_context *ctx, int rows, int cols, const eg_optimizer_config *c) {
	static double w[MOST * MOST], m[MOST * MOST], x[MOST * MOST];
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_params *p = weights(g, rows, cols);
	eg_optimizer *o = eg_optimizer_new(p, c, NULL);
	double longer = rows > cols ? sqrt((double)rows / cols) : 1;
	assert_non_null(o);
	for (int i = 0; i < rows * cols; i++) w[i] = (double)eg_params_data(p, 0)[i], m[i] = 0;
	for (int t = 1; t <= 3; t++) {
		for (int i = 0; i < rows * cols; i++) {
			double dw = net_random((uint64_t)t, (uint64_t)i);
			eg_params_grad(p, 0)[i] = (eg_real)dw;
			m[i] += 0.05 * (dw - m[i]);
			x[i] = dw + 0.95 * (m[i] - dw);
		}
		orthogonalise(x, rows, cols, 5);
		assert_int_equal(eg_optimizer_step(o, 0.1, NULL, NULL), EG_OK);
		for (int i = 0; i < rows * cols; i++) {
			w[i] = w[i] * (1 - 0.1 * c->weight_decay) - 0.1 * longer * x[i];
			net_near((double)eg_params_data(p, 0)[i], w[i], 1e-4);
		}
	}
	eg_optimizer_free(o);
	eg_params_free(p);
	eg_graph_free(g);
}

/* A gradient with the singular values 1 and 1/8 becomes one with both near 1, as the polynomial of numbers says. */
static void known_values(eg_context *ctx) {
	static const double turn = 0.6;
	const double u[2][2] = {{cos(turn), -sin(turn)}, {sin(turn), cos(turn)}};
	double s[2] = {1, 0.125}, norm = sqrt(1 + 0.125 * 0.125);
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_params *p = weights(g, 2, 2);
	eg_optimizer *o = eg_optimizer_new(p, &(eg_optimizer_config){.kind = EG_MUON, .momentum = EG_ZERO_F}, NULL);
	double before[4];
	for (int i = 0; i < 4; i++) before[i] = (double)eg_params_data(p, 0)[i];
	for (int i = 0; i < 4; i++) /* U S, so V is the identity */
		eg_params_grad(p, 0)[i] = (eg_real)(u[i / 2][i % 2] * s[i % 2]);
	assert_int_equal(eg_optimizer_step(o, 0.5, NULL, NULL), EG_OK);
	for (int k = 0; k < 2; k++) {
		s[k] /= norm + 1e-7;
		for (int i = 0; i < 5; i++) s[k] = 3.4445 * s[k] - 4.7750 * pow(s[k], 3) + 2.0315 * pow(s[k], 5);
		assert_true(s[k] > 0.68 && s[k] < 1.2);
	}
	for (int i = 0; i < 4; i++)
		net_near((double)eg_params_data(p, 0)[i], before[i] - 0.5 * u[i / 2][i % 2] * s[i % 2], 1e-5);
	eg_optimizer_free(o);
	eg_params_free(p);
	eg_graph_free(g);
}

static void matrices(eg_context *ctx) {
	static const int sizes[][2] = {{1, 5}, {5, 1}, {3, 3}, {20, 37}, {37, 20}, {48, 48}};
	for (int i = 0; i < EG_COUNT(sizes); i++) {
		follow_matrix(ctx, sizes[i][0], sizes[i][1], &(eg_optimizer_config){.kind = EG_MUON});
		follow_matrix(ctx, sizes[i][0], sizes[i][1], &(eg_optimizer_config){.kind = EG_MUON, .weight_decay = 0.3});
	}
	known_values(ctx);
}

static void test_matrices(void **state) {
	EG_UNUSED(state);
	on_tables(matrices);
}

/* A gradient of zero leaves a matrix as it is; a network with a convolution, a bias and a frozen layer. */
static void test_mixed(void **state) {
	EG_UNUSED(state);
	eg_context *ctx = net_context(1, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_tensor x = net_layer(g, "conv", "filters=4 kernel=3 name=c", eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 2, 6, 6)));
	x = net_layer(g, "flatten", "", x);
	net_layer(g, "linear", "units=3 name=l", x);
	eg_params *p = eg_params_new(g, 1, NULL);
	const eg_param_group frozen = {.pattern = "l.weight", .frozen = true};
	eg_optimizer_config c = {.kind = EG_MUON, .groups = &frozen, .ngroups = 1};
	eg_optimizer *o = eg_optimizer_new(p, &c, NULL);
	size_t n;
	eg_real *w = eg_params_flat(p, &n), *before = malloc(n * sizeof *w);
	memcpy(before, w, n * sizeof *w);
	assert_int_equal(eg_optimizer_step(o, 0.1, NULL, NULL), EG_OK);
	assert_memory_equal(w, before, n * sizeof *w);
	for (int i = 0; i < eg_params_count(p); i++)
		for (int64_t k = 0; k < eg_dims_count(&p->graph->params[i].spec.dims, 0); k++) eg_params_grad(p, i)[k] = (eg_real)net_random(3, (uint64_t)k);
	assert_int_equal(eg_optimizer_step(o, 0.1, NULL, NULL), EG_OK);
	/* 4 filters of 18 numbers: the step's squares sum to about the rank, 4 */
	double squares = 0;
	const eg_real *filters = eg_params_data(p, 0);
	for (int i = 0; i < 72; i++) {
		double step = (double)(filters[i] - before[filters - w + i]) / 0.1;
		squares += step * step;
	}
	assert_true(squares > 4 * 0.68 * 0.68 && squares < 4 * 1.2 * 1.2);
	assert_memory_equal(eg_params_data(p, 2), before + (eg_params_data(p, 2) - w), 3 * 64 * sizeof *w);
	assert_true(eg_params_data(p, 1)[0] != before[eg_params_data(p, 1) - w]);
	free(before);
	eg_optimizer_free(o);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

/* ---- moments ----------------------------------------------------------------------------------------------------- */

static void names(const eg_optimizer_config *c, const char *expected) {
	char got[64] = "";
	eg_context *ctx = net_context(1, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_params *p = weights(g, 3, 3);
	eg_optimizer *o = eg_optimizer_new(p, c, NULL);
	for (int i = 0; i < eg_optimizer_moments(o); i++) {
		strcat(strcat(got, i ? " " : ""), eg_optimizer_moment_name(o, i));
		size_t n;
		assert_true(eg_optimizer_moment(o, i, &n) != NULL && n == p->trained);
	}
	assert_string_equal(got, expected);
	assert_int_equal(eg_optimizer_moments_of(c), eg_optimizer_moments(o));
	assert_null(eg_optimizer_moment_name(o, eg_optimizer_moments(o)));
	eg_optimizer_free(o);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

static void test_moments(void **state) {
	EG_UNUSED(state);
	names(&(eg_optimizer_config){0}, "");
	names(&(eg_optimizer_config){.lookahead = 1}, "slow");
	names(&(eg_optimizer_config){.momentum = 0.9, .lookahead = 1}, "m slow");
	names(&(eg_optimizer_config){.kind = EG_RMSPROP}, "v");
	names(&(eg_optimizer_config){.kind = EG_RMSPROP, .centered = true, .momentum = 0.1, .lookahead = 2}, "m v u slow");
	names(&(eg_optimizer_config){.kind = EG_ADAGRAD}, "v");
	names(&(eg_optimizer_config){.kind = EG_ADADELTA}, "v u");
	names(&(eg_optimizer_config){.kind = EG_NADAM}, "m v");
	names(&(eg_optimizer_config){.kind = EG_MUON, .momentum = EG_ZERO_F}, "m v");
	/* any number of steps, as a damaged file may have it, is taken at once */
	eg_context *ctx = net_context(1, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_params *p = weights(g, 3, 3);
	static const double decays[] = {EG_ZERO_F, 1e-9, 0.004, 1000};
	for (int i = 0; i < EG_COUNT(decays); i++) {
		eg_optimizer *o = eg_optimizer_new(
			p, &(eg_optimizer_config){.kind = EG_NADAM, .beta1 = 1 - 1e-9, .momentum_decay = decays[i]}, NULL);
		eg_optimizer_set_steps(o, UINT64_MAX - 1);
		assert_int_equal(eg_optimizer_step(o, 0.1, NULL, NULL), EG_OK);
		assert_true(isfinite((double)eg_params_data(p, 0)[0]));
		eg_optimizer_free(o);
	}
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_equations), cmocka_unit_test(test_matrices),
		cmocka_unit_test(test_mixed), cmocka_unit_test(test_moments)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
