/* test_resnet.c - the residual network of He et al. 2016 (CVPR, section 4.2), built through the public interface:
 * gradients of a small one against central differences (double precision only: make check-double), the same results in
 * every layout, fused or not, and for 1, 2, 3 threads, and what ResNet-20 needs of memory. */
#include "net.h"

#include "engram_ops.h"

/* 3x3 convolution without bias and batch normalisation. */
static eg_tensor conv_norm(eg_graph *g, eg_tensor x, int filters, int stride) {
	x = eg_conv2d(g, x, .filters = filters, .kernel = {3, 3}, .stride = {stride, stride}, .padding = {1, 1}, .no_bias = true,
		.init = EG_INIT_HE_NORMAL);
	return eg_batchnorm(g, x);
}

/* x + f(x); where the picture is halved, the shortcut takes every second pixel and adds channels of zeros. */
static eg_tensor block(eg_graph *g, eg_tensor x, int filters, int stride) {
	int channels = (int)eg_tensor_dims(g, x).d[1];
	eg_tensor y = eg_relu(g, conv_norm(g, x, filters, stride)), shortcut = x;
	y = conv_norm(g, y, filters, 1);
	if (stride > 1) shortcut = eg_avgpool2d(g, shortcut, .kernel = {1, 1}, .stride = {stride, stride});
	if (filters > channels) shortcut = eg_pad2d(g, shortcut, .channels = {0, filters - channels});
	return eg_relu(g, eg_add(g, y, shortcut));
}

/* Three stages of `blocks` blocks; blocks 3, width 16, size 32 and 10 classes are ResNet-20. */
static eg_graph *resnet(eg_context *ctx, int blocks, int width, int size, int classes) {
	eg_graph *g = eg_graph_new(ctx, NULL);
	assert_non_null(g);
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 3, size, size)), t = eg_input(g, "t", EG_I32, EG_DIMS(EG_N));
	x = eg_relu(g, conv_norm(g, x, width, 1));
	for (int stage = 0; stage < 3; stage++)
		for (int b = 0; b < blocks; b++) x = block(g, x, width << stage, stage > 0 && b == 0 ? 2 : 1);
	x = eg_linear(g, eg_flatten(g, eg_globalavgpool2d(g, x)), .units = classes);
	eg_output(g, "logits", x);
	eg_output(g, "loss", eg_cross_entropy(g, x, t));
	eg_error err;
	if (eg_graph_status(g, &err)) fail_msg("%s", err.message);
	return g;
}

typedef struct run {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
	eg_plan *plan;
} run;

enum { N = 18, BLOCKS = 1, WIDTH = 3, SIZE = 9, CLASSES = 4 };

static run made(const char *isa, int threads, eg_plan_options o) {
	run r = {.ctx = net_context(threads, isa)};
	r.g = resnet(r.ctx, BLOCKS, WIDTH, SIZE, CLASSES);
	r.p = eg_params_new(r.g, 3, NULL);
	o.batch = N;
	r.plan = eg_plan_new(r.g, r.p, &o, NULL);
	assert_non_null(r.plan);
	net_fill(r.plan, "x", N * 3 * SIZE * SIZE, 0, 1);
	net_fill(r.plan, "t", N, CLASSES, 2);
	return r;
}
static void unmade(run *r) {
	eg_plan_free(r->plan);
	eg_params_free(r->p);
	eg_graph_free(r->g);
	eg_context_free(r->ctx);
}
static double loss_of(run *r) {
	eg_params_changed(r->p);
	eg_plan_run(r->plan, 0);
	return (double)*eg_plan_output(r->plan, "loss");
}

/* Some elements of every weight moved up and down. */
static void test_gradients(void **state) {
	EG_UNUSED(state);
	if (sizeof(eg_real) == sizeof(float)) skip();
	for (int plain = 0; plain < 2; plain++) {
		run r = made("ref", 1, (eg_plan_options){.train = true, .no_fusion = plain, .no_defer = plain});
		loss_of(&r);
		size_t n;
		eg_real *grad = eg_params_flat_grad(r.p, &n), *kept = malloc(n * sizeof *kept);
		assert_non_null(kept);
		memcpy(kept, grad, n * sizeof *kept);
		double largest = 0;
		for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs((double)kept[i]));
		for (int i = 0; i < eg_params_count(r.p); i++) {
			if (!eg_params_trained(r.p, i)) continue;
			eg_dims d = eg_params_dims(r.p, i);
			int64_t count = eg_dims_count(&d, 0);
			eg_real *w = eg_params_data(r.p, i);
			for (int k = 0; k < 5; k++) {
				const double h = 1e-6;
				int64_t e = k * (count - 1) / 4;
				eg_real before = w[e];
				w[e] = (eg_real)((double)before + h);
				double up = loss_of(&r);
				w[e] = (eg_real)((double)before - h);
				double down = loss_of(&r);
				w[e] = before;
				double numeric = (up - down) / (2 * h), got = (double)kept[eg_params_grad(r.p, i) - grad + e];
				if (!(fabs(numeric - got) <= 1e-7 * largest))
					fail_msg("gradient of %s[%d] is %.9g, differences give %.9g", eg_params_name(r.p, i), (int)e, got, numeric);
			}
		}
		free(kept);
		unmade(&r);
	}
}

/* Loss, logits and all gradients of two runs. */
static void compare(run *a, run *b, double tolerance, const char *what) {
	double la = loss_of(a), lb = loss_of(b);
	if (!(fabs(la - lb) <= tolerance * fabs(la))) fail_msg("%s: loss %.9g for %.9g", what, lb, la);
	size_t n;
	const eg_real *x = eg_params_flat_grad(a->p, &n), *y = eg_params_flat_grad(b->p, &n);
	double largest = 0;
	for (size_t i = 0; i < n; i++) largest = fmax(largest, fabs((double)x[i]));
	for (size_t i = 0; i < n; i++)
		if (!(fabs((double)(x[i] - y[i])) <= tolerance * largest)) fail_msg("%s: gradient %zu is %.9g, expected %.9g", what, i, (double)y[i], (double)x[i]);
}

static void test_all_ways_agree(void **state) {
	EG_UNUSED(state);
	const char *isas[4];
	int n = net_isas(isas);
	for (int i = 0; i < n; i++)
		for (int layout = EG_LAYOUT_AUTO; layout <= EG_LAYOUT_BLOCKED; layout++)
			for (int bits = 0; bits < 4; bits++) {
				char what[100];
				snprintf(what, sizeof what, "%s, layout %d, bits %d", isas[i], layout, bits);
				run want = made("ref", 1, (eg_plan_options){.train = true, .layout = EG_LAYOUT_PLAIN, .no_fusion = true, .no_defer = true}),
				    have = made(isas[i], 1, (eg_plan_options){.train = true, .layout = (eg_layout_choice)layout, .no_fusion = bits & 1, .no_defer = bits & 2});
				compare(&want, &have, 1e-4, what);
				unmade(&want);
				unmade(&have);
			}
}

static void test_threads(void **state) {
	EG_UNUSED(state);
	for (int layout = EG_LAYOUT_AUTO; layout <= EG_LAYOUT_BLOCKED; layout++)
		for (int threads = 2; threads <= 3; threads++) {
			const eg_plan_options o = {.train = true, .layout = (eg_layout_choice)layout};
			run one = made(NULL, 1, o), more = made(NULL, threads, o);
			compare(&one, &more, 0, "threads");
			unmade(&one);
			unmade(&more);
		}
}

/* In inference normalisation is folded into the convolution before it, and follows the weights and the running
 * statistics. */
static void test_inference(void **state) {
	EG_UNUSED(state);
	const char *isas[4];
	for (int i = net_isas(isas) - 1; i >= 0; i--)
		for (int layout = EG_LAYOUT_AUTO; layout <= EG_LAYOUT_BLOCKED; layout++) {
			run r = made(isas[i], 1, (eg_plan_options){.train = true, .layout = (eg_layout_choice)layout});
			eg_optimizer *o = eg_optimizer_new(r.p, &(eg_optimizer_config){.lr = 0.1}, NULL);
			eg_plan *folded = eg_plan_new(r.g, r.p, &(eg_plan_options){.batch = N, .layout = (eg_layout_choice)layout}, NULL),
				*bare = eg_plan_new(r.g, r.p, &(eg_plan_options){.batch = N, .no_fusion = true, .layout = EG_LAYOUT_PLAIN}, NULL);
			assert_non_null(folded);
			assert_non_null(bare);
			assert_null(strstr(eg_plan_describe(folded), "batchnorm_fwd"));
			assert_non_null(strstr(eg_plan_describe(bare), "batchnorm_fwd"));
			eg_plan *const plans[] = {folded, bare};
			for (int k = 0; k < 2; k++) {
				net_fill(plans[k], "x", N * 3 * SIZE * SIZE, 0, 7);
				net_fill(plans[k], "t", N, CLASSES, 2);
			}
			for (int step = 0; step < 3; step++) {
				eg_plan_run(r.plan, 0);
				assert_int_equal(eg_optimizer_step(o, 0.1, NULL, NULL), EG_OK);
				for (int k = 0; k < 2; k++) eg_plan_run(plans[k], 0);
				for (int k = 0; k < N * CLASSES; k++) net_near(eg_plan_output(folded, "logits")[k], eg_plan_output(bare, "logits")[k], 2e-5);
			}
			eg_optimizer_free(o);
			eg_plan_free(folded);
			eg_plan_free(bare);
			unmade(&r);
		}
}

static int sums_of(const eg_plan *p) {
	int n = 0;
	for (int i = 0; i < eg_plan_calls(p); i++) {
		eg_call_info c;
		eg_plan_call(p, i, &c);
		n += !strcmp(c.kernel, "add");
	}
	return n;
}

/* mish(conv(conv(a)) + a) in inference: the second convolution adds to a in its place, but not where a is read
 * later, or wanted. */
static void check_sum(const char *isa, bool later, bool wanted, int sums) {
	eg_context *ctx = net_context(2, isa);
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 3, SIZE, SIZE)), a = eg_silu(g, conv_norm(g, x, 5, 1));
	eg_tensor y = eg_mish(g, eg_add(g, a, conv_norm(g, eg_relu(g, conv_norm(g, a, 5, 1)), 5, 1)));
	if (later) y = eg_add(g, y, a);
	if (wanted) eg_output(g, "a", a);
	eg_output(g, "y", eg_globalavgpool2d(g, y));
	eg_params *p = eg_params_new(g, 3, NULL);
	eg_plan *fused = eg_plan_new(g, p, &(eg_plan_options){.batch = N, .layout = EG_LAYOUT_BLOCKED}, NULL),
		*bare = eg_plan_new(g, p, &(eg_plan_options){.batch = N, .no_fusion = true, .layout = EG_LAYOUT_PLAIN}, NULL);
	assert_non_null(fused);
	assert_non_null(bare);
	assert_int_equal(sums_of(fused), sums);
	eg_plan *const plans[] = {fused, bare};
	for (int k = 0; k < 2; k++) {
		net_fill(plans[k], "x", N * 3 * SIZE * SIZE, 0, 7);
		for (int i = 0; i < 2; i++) eg_plan_run(plans[k], 0);
	}
	for (int k = 0; k < N * 5; k++) net_near(eg_plan_output(fused, "y")[k], eg_plan_output(bare, "y")[k], 2e-5);
	for (int k = 0; wanted && k < N * 5 * SIZE * SIZE; k++)
		net_near(eg_plan_output(fused, "a")[k], eg_plan_output(bare, "a")[k], 2e-5);
	eg_plan_free(fused);
	eg_plan_free(bare);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

static void test_sums(void **state) {
	EG_UNUSED(state);
	const char *isas[4];
	for (int i = net_isas(isas) - 1; i >= 0; i--) {
		check_sum(isas[i], false, false, 0);
		check_sum(isas[i], true, false, 2);
		check_sum(isas[i], false, true, 1);
	}
}

static void test_learns(void **state) {
	EG_UNUSED(state);
	run r = made(NULL, 2, (eg_plan_options){.train = true});
	eg_optimizer *o = eg_optimizer_new(r.p, &(eg_optimizer_config){.lr = 0.05, .momentum = 0.9, .weight_decay = 1e-4}, NULL);
	double first = loss_of(&r);
	for (int i = 0; i < 60; i++) {
		assert_int_equal(eg_optimizer_step(o, 0.05, NULL, NULL), EG_OK);
		loss_of(&r);
	}
	assert_true(loss_of(&r) < first / 4);
	eg_optimizer_free(o);
	unmade(&r);
}

static void test_resnet20(void **state) {
	EG_UNUSED(state);
	eg_context *ctx = net_context(2, NULL);
	eg_graph *g = resnet(ctx, 3, 16, 32, 10);
	eg_params *p = eg_params_new(g, 1, NULL);
	int64_t params = 0, statistics = 0, macs = 0;
	for (int i = 0; i < eg_graph_nodes(g); i++) {
		eg_node_info info;
		eg_graph_node(g, i, &info);
		params += info.params, statistics += info.state, macs += info.macs;
	}
	assert_int_equal(params, 269722);
	assert_int_equal(statistics, 1376);
	assert_int_equal(macs, 40551040);
	eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = 64, .train = true}, NULL);
	assert_non_null(plan);
	eg_memory m;
	eg_plan_memory(plan, &m);
	print_message("ResNet-20, batch 64: activations of a training step %.1f MB, scratch %.1f MB\n", (double)m.activations / 1e6, (double)m.scratch / 1e6);
	if (sizeof(eg_real) == sizeof(float)) assert_true(m.activations <= 110000000);
	eg_plan_free(plan);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gradients),
		cmocka_unit_test(test_all_ways_agree),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_inference),
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_learns),
		cmocka_unit_test(test_resnet20),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
