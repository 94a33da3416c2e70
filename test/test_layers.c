/* test_layers.c - rnn, lstm and gru with as many layers as they may have, in every combination of what takes buffers of
 * its own: the gradient must be that of the loss.
 *
 * Along the gradient g the loss rises by |g| a step; single precision shows that to some parts in a hundred, and a
 * buffer that two layers share, or none has, to none. Each attribute by itself is compared in optest. */
#include "net.h"

enum { T = 4, N = 3, I = 3, OPTIONS = 5 };
#define STEP 3e-5 /* so small, because eight normalised layers are far from linear */

typedef struct rig {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
	eg_plan *plan;
} rig;

static void check(eg_status status, const eg_error *err) {
	if (status) fail_msg("%s", err->message);
}

static rig rig_of(const char *cell, const char *attrs, int checkpoint) {
	eg_error err = {0};
	rig r = {.ctx = eg_context_new(&(eg_context_options){.threads = 1}, NULL)};
	assert_non_null(r.ctx);
	r.g = eg_graph_new(r.ctx, &err);
	eg_tensor in[2] = {eg_input(r.g, "x", EG_F32, EG_DIMS(EG_T, EG_N, I)), eg_input(r.g, "lengths", EG_I32, EG_DIMS(EG_N))};
	eg_output(r.g, "y", net_apply(r.g, cell, attrs, in, 2));
	check(eg_graph_status(r.g, &err), &err);
	r.p = eg_params_new(r.g, 3, &err);
	if (r.p)
		r.plan = eg_plan_new(r.g, r.p,
		        &(eg_plan_options){.batch = N, .time = T, .train = true, .seed = 7, .checkpoint_time = checkpoint}, &err);
	if (!r.plan) fail_msg("%s with %s: %s", cell, attrs, err.message);
	eg_real *x = eg_plan_input(r.plan, "x"), *dy = eg_plan_grad(r.plan, "y");
	eg_dims d = eg_plan_dims(r.plan, eg_graph_find(r.g, "y"));
	for (int i = 0; i < T * N * I; i++) x[i] = (eg_real)net_random(1, (uint64_t)i);
	for (int i = 0; i < (int)eg_dims_count(&d, 0); i++) dy[i] = (eg_real)net_random(2, (uint64_t)i);
	memcpy(eg_plan_input(r.plan, "lengths"), (const int32_t[N]){4, 2, 3}, N * sizeof(int32_t));
	return r;
}

static void rig_free(rig *r) {
	eg_plan_free(r->plan);
	eg_params_free(r->p);
	eg_graph_free(r->g);
	eg_context_free(r->ctx);
}

static double loss(const rig *r) {
	const eg_real *y = eg_plan_output(r->plan, "y"), *dy = eg_plan_grad(r->plan, "y");
	eg_dims d = eg_plan_dims(r->plan, eg_graph_find(r->g, "y"));
	double sum = 0;
	eg_params_changed(r->p);
	eg_plan_run(r->plan, 0);
	for (int64_t i = 0, n = eg_dims_count(&d, 0); i < n; i++) sum += (double)y[i] * (double)dy[i];
	return sum;
}

/* All weights moved by `step` times the direction. */
static void move(rig *r, eg_real *const *direction, double step) {
	for (int i = 0; i < eg_params_count(r->p); i++) {
		eg_dims d = eg_params_dims(r->p, i);
		eg_real *w = eg_params_data(r->p, i);
		for (int64_t k = 0, n = eg_dims_count(&d, 0); k < n; k++) w[k] += (eg_real)(step * (double)direction[i][k]);
	}
}

static void check_combination(const char *cell, const char *attrs, int checkpoint) {
	rig r = rig_of(cell, attrs, checkpoint);
	eg_real *g[EG_MAX_PARAMS] = {0};
	double square = 0;
	loss(&r);
	for (int i = 0; i < eg_params_count(r.p); i++) {
		eg_dims d = eg_params_dims(r.p, i);
		const size_t n = (size_t)eg_dims_count(&d, 0);
		g[i] = malloc(n * sizeof *g[i]);
		assert_non_null(g[i]);
		memcpy(g[i], eg_params_grad(r.p, i), n * sizeof *g[i]);
		for (size_t k = 0; k < n; k++) square += (double)g[i][k] * (double)g[i][k];
	}
	const double length = sqrt(square), h = STEP / length;
	assert_true(length > 0.01);
	move(&r, g, h);
	const double up = loss(&r);
	move(&r, g, -2 * h);
	const double slope = (up - loss(&r)) / (2 * STEP);
	if (!(fabs(slope - length) <= 0.05 * length))
		fail_msg("%s with %s, checkpoints %d: slope %g, gradient %g", cell, attrs, checkpoint, slope, length);
	for (int i = 0; i < eg_params_count(r.p); i++) free(g[i]);
	rig_free(&r);
}

static void most_layers(void **state) {
	static const char *const cells[] = {"rnn", "lstm", "gru"};
	static const char *const options[OPTIONS] = {
	        " bidirectional=1", " dropout=0.3", " recurrent_dropout=0.3", " layer_norm=1", " merge=sum"};
	EG_UNUSED(state);
	for (int c = 0; c < EG_COUNT(cells); c++)
		for (int bits = 0; bits < 1 << OPTIONS; bits++) {
			char attrs[200] = "hidden=16 layers=8";
			for (int k = 0; k < OPTIONS; k++)
				if (bits >> k & 1) strcat(attrs, options[k]);
			check_combination(cells[c], attrs, 0);
			check_combination(cells[c], attrs, 2);
		}
}

static void one_layer_more(void **state) {
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_error err = {0};
	EG_UNUSED(state);
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, I));
	net_apply(g, "lstm", "hidden=3 layers=9", &x, 1);
	assert_int_equal(eg_graph_status(g, &err), EG_ERR_ARG);
	eg_graph_free(g);
	eg_context_free(ctx);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(most_layers), cmocka_unit_test(one_layer_more)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
