/* test_padding.c - what lies behind lengths has no influence where operators that know of lengths stand behind others
 * that do not: data sets that leave NaN there, ids of -1, targets that are ignored. Of each operator by itself optest
 * knows. */
#include "net.h"

enum { COUNT = 6, STEPS = 5, I = 3, CLASSES = 3 };

static void check(eg_status status, const eg_error *err) {
	if (status) fail_msg("%s", err->message);
}

/* ---- a data set -------------------------------------------------------------------------------------------------- */

static const int sample_steps[COUNT] = {5, 2, 1, 4, 3, 2};

static int steps_of(void *user, uint32_t item) {
	EG_UNUSED(user);
	return sample_steps[item];
}

/* x (T,N,I), ids (T,N), t (N); `user` is the number that stands behind the ends. */
static eg_status fill(void *user, const eg_fill *f, void *const *slots, eg_error *err) {
	EG_UNUSED(err);
	const float padding = *(const float *)user;
	for (int n = 0; n < f->n; n++) {
		const int item = (int)f->items[n];
		for (int t = 0; t < f->time; t++) {
			const int at = t * f->n + n;
			const bool there = t < sample_steps[item];
			for (int i = 0; i < I; i++) ((eg_real *)slots[0])[at * I + i] = there ? (eg_real)net_random(1, (uint64_t)((item * STEPS + t) * I + i)) : (eg_real)padding;
			((int32_t *)slots[1])[at] = there ? (item + t) % 4 : isfinite(padding) ? 0 : -1;
		}
		((int32_t *)slots[2])[n] = item % CLASSES;
	}
	return EG_OK;
}

/* Linear layers before a recurrent one, over numbers and over ids; w receives all weights after two epochs. */
static int trained(float padding, const char *cell, eg_real *w, int most) {
	static const char *const inputs[] = {"x", "ids", "t", NULL};
	const eg_dataset data = {.user = &padding, .count = COUNT, .inputs = inputs, .time = STEPS, .time_of = steps_of, .fill = fill};
	eg_error err = {0};
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, NULL);
	eg_graph *g = eg_graph_new(ctx, &err);
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, I)), ids = eg_input(g, "ids", EG_I32, EG_DIMS(EG_T, EG_N));
	eg_tensor t = eg_input(g, "t", EG_I32, EG_DIMS(EG_N)), lengths = eg_input(g, "lengths", EG_I32, EG_DIMS(EG_N));
	eg_tensor of_x = net_layer(g, "linear", "units=4", x);
	eg_tensor of_ids = net_layer(g, "linear", "units=4", net_layer(g, "embedding", "size=3 count=4", ids));
	eg_tensor sum = net_apply(g, "add", "", (eg_tensor[]){of_x, of_ids}, 2);
	eg_tensor h = net_apply(g, cell, "hidden=4", (eg_tensor[]){sum, lengths}, 2);
	eg_tensor logits = net_layer(g, "linear", "units=3", net_apply(g, "mean_time", "", (eg_tensor[]){h, lengths}, 2));
	eg_output(g, "logits", logits);
	eg_output(g, "loss", net_loss(g, "", logits, t));
	eg_params *p = eg_params_new(g, 3, &err);
	if (!p) fail_msg("%s", err.message);
	check(eg_train(g, p, &(eg_train_config){.epochs = 2, .batch = 3, .seed = 5}, &data, NULL, NULL, NULL, NULL, NULL, &err), &err);
	int n = 0;
	for (int i = 0; i < eg_params_count(p); i++) {
		eg_dims d = eg_params_dims(p, i);
		for (int64_t k = 0, all = eg_dims_count(&d, 0); k < all && n < most; k++) w[n++] = eg_params_data(p, i)[k];
	}
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
	return n;
}

static void layers_before(void **state) {
	static const char *const cells[] = {"rnn", "lstm", "gru"};
	static const float odd[] = {NAN, INFINITY, -INFINITY};
	EG_UNUSED(state);
	for (int c = 0; c < EG_COUNT(cells); c++) {
		eg_real want[1000], have[1000];
		const int n = trained(0, cells[c], want, 1000);
		assert_true(n > 50 && n < 1000);
		for (int i = 0; i < EG_COUNT(odd); i++) {
			assert_int_equal(trained(odd[i], cells[c], have, 1000), n);
			for (int k = 0; k < n; k++)
				if (!(want[k] == have[k])) fail_msg("%s: weight %d is %g, not %g", cells[c], k, (double)have[k], (double)want[k]);
		}
	}
}

/* ---- targets that are ignored ------------------------------------------------------------------------------------ */

static void ignored_targets(void **state) {
	enum { N = 19 };
	const char *isas[4];
	EG_UNUSED(state);
	for (int a = 0, most = net_isas(isas); a < most; a++)
		for (int odd = 0; odd < 2; odd++) {
			static eg_real want[N * CLASSES];
			eg_error err = {0};
			eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1, .isa = isas[a]}, NULL);
			eg_graph *g = eg_graph_new(ctx, &err);
			eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, CLASSES)), t = eg_input(g, "t", EG_I32, EG_DIMS(EG_N));
			eg_output(g, "loss", net_loss(g, "label_smoothing=0.1 ignore_index=-1", x, t));
			eg_params *p = eg_params_new(g, 3, &err);
			eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = N, .train = true, .input_grads = true}, &err);
			if (!plan) fail_msg("%s", err.message);
			net_fill(plan, "x", N * CLASSES, 0, 1);
			net_fill(plan, "t", N, CLASSES, 2);
			for (int i = 0; i < N; i += 3) {
				((int32_t *)eg_plan_input(plan, "t"))[i] = -1;
				for (int c = 0; c < CLASSES && odd; c++) ((eg_real *)eg_plan_input(plan, "x"))[i * CLASSES + c] = (eg_real)(c ? NAN : INFINITY);
			}
			eg_plan_run(plan, 0);
			const eg_real *dx = eg_plan_grad(plan, "x");
			assert_true(isfinite(eg_plan_output(plan, "loss")[0]));
			for (int i = 0; i < N * CLASSES; i++) {
				assert_true(odd ? dx[i] == want[i] : isfinite(dx[i]));
				if (!odd) want[i] = dx[i];
			}
			eg_plan_free(plan);
			eg_params_free(p);
			eg_graph_free(g);
			eg_context_free(ctx);
		}
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(layers_before), cmocka_unit_test(ignored_targets)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
