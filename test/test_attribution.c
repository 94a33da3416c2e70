/* test_attribution.c - attributions whose answer is known: of linear networks, squares and cubes in closed form, of a
 * detector of one pixel; completeness of integrated gradients on networks with every kind of layer; tokens. */
#include "engram_report.h"
#include "net.h"

typedef struct net {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
} net;

static void begin(net *n) {
	*n = (net){.ctx = net_context(2, NULL)};
	n->g = eg_graph_new(n->ctx, NULL);
}

static void finish(net *n, const char *output, eg_tensor y) {
	eg_error err;
	eg_output(n->g, output, y);
	if (eg_graph_status(n->g, &err)) fail_msg("%s", err.message);
	n->p = eg_params_new(n->g, 3, NULL);
}

static void end(net *n) {
	eg_params_free(n->p);
	eg_graph_free(n->g);
	eg_context_free(n->ctx);
}

static eg_attribution attribute(net *n, eg_attribution_options o, const char *name, const void *data) {
	eg_attribution a;
	eg_error err;
	if (eg_attribute(n->g, n->p, &o, &name, &data, 1, &a, &err)) fail_msg("%s", err.message);
	return a;
}

static eg_real *random_numbers(int64_t n, uint64_t seed) {
	eg_real *v = malloc((size_t)n * sizeof *v);
	for (int64_t i = 0; i < n; i++) v[i] = (eg_real)net_random(seed, (uint64_t)i);
	return v;
}

static void test_linear(void **state) {
	EG_UNUSED(state);
	enum { F = 7, K = 3, CLASS = 2 };
	net n;
	begin(&n);
	eg_tensor x = eg_input(n.g, "x", EG_F32, EG_DIMS(EG_N, F));
	finish(&n, "logits", net_layer(n.g, "linear", "units=3 name=l", x));
	const eg_real *w = eg_params_data(n.p, eg_params_find(n.p, "l.weight")) + CLASS * F;
	eg_real *v = random_numbers(F, 1), *base = random_numbers(F, 2);
	for (int kind = EG_ATTRIBUTION_GRADIENT; kind <= EG_ATTRIBUTION_OCCLUSION; kind++) {
		eg_attribution a = attribute(&n, (eg_attribution_options){.kind = (eg_attribution_kind)kind, .element = CLASS, .by = x,
			.baseline = base}, "x", v);
		double sum = 0;
		assert_int_equal(a.dims.rank, 1);
		assert_int_equal(a.map_dims.d[0], F);
		for (int i = 0; i < F; i++) {
			const double by = kind == EG_ATTRIBUTION_GRADIENT ? 1 : kind == EG_ATTRIBUTION_GRADIENT_INPUT ? (double)v[i] : (double)(v[i] - base[i]);
			const double want = (double)w[i] * by;
			net_near(a.map[i], kind == EG_ATTRIBUTION_GRADIENT ? fabs(want) : want, 1e-5);
			if (a.values) net_near(a.values[i], want, 1e-5);
			sum += want;
		}
		net_near(a.sum, sum, 1e-5);
		assert_true(!a.values == (kind == EG_ATTRIBUTION_OCCLUSION));
		if (kind == EG_ATTRIBUTION_INTEGRATED) {
			net_near(a.error, 0, 1e-5);
			net_near(a.output - a.baseline_output, sum, 1e-5);
			assert_int_equal(a.steps, 16);
		} else {
			assert_true(isnan(a.error));
		}
		eg_attribution_free(&a);
	}
	free(v);
	free(base);
	end(&n);
}

/* Of x^2 the midpoint rule is exact; of x^3 it is short by 1 / (4 steps^2). */
static void test_powers(void **state) {
	EG_UNUSED(state);
	const eg_real v[] = {1, 2, (eg_real)-0.5};
	net n;
	begin(&n);
	eg_tensor x = eg_input(n.g, "x", EG_F32, EG_DIMS(EG_N, 3));
	eg_tensor square = net_layer(n.g, "square", "", x);
	eg_output(n.g, "square", square);
	finish(&n, "cube", net_apply(n.g, "mul", "", (eg_tensor[]){square, x}, 2));
	for (int k = 0; k < 3; k++) {
		eg_attribution_options o = {.kind = EG_ATTRIBUTION_INTEGRATED, .output = "square", .element = k, .by = x, .steps = 1};
		eg_attribution a = attribute(&n, o, "x", v);
		for (int i = 0; i < 3; i++) net_near(a.values[i], i == k ? (double)(v[i] * v[i]) : 0, 1e-6);
		assert_int_equal(a.steps, 1);
		eg_attribution_free(&a);
		o.output = "cube";
		a = attribute(&n, (o.tolerance = 0.001, o), "x", v);
		const double cube = pow((double)v[k], 3);
		assert_int_equal(a.steps, 27);
		net_near(a.output, cube, 1e-6);
		net_near(a.sum, cube * (1 - 1 / (4.0 * 27 * 27)), 1e-5);
		net_near(a.error, fabs(cube) / (4.0 * 27 * 27), 1e-5);
		eg_attribution_free(&a);
		a = attribute(&n, (o.most_steps = 8, o), "x", v);
		assert_int_equal(a.steps, 3);
		net_near(a.error, fabs(cube) / 36, 1e-5);
		eg_attribution_free(&a);
	}
	end(&n);
}

/* What is added up is what f differs, and more steps make it more so. By the input and by what the first layer makes of
 * it. */
static void test_completeness(void **state) {
	EG_UNUSED(state);
	net n;
	begin(&n);
	eg_tensor h = eg_input(n.g, "x", EG_F32, EG_DIMS(EG_N, 2, 9, 10)), x = h;
	h = net_layer(n.g, "conv2d", "filters=6 kernel=3 name=first", h);
	h = net_layer(n.g, "batchnorm", "", h);
	h = net_layer(n.g, "relu", "", h);
	h = net_layer(n.g, "maxpool2d", "kernel=2", h);
	h = net_layer(n.g, "dropout", "", h);
	finish(&n, "logits", net_layer(n.g, "linear", "units=4", net_layer(n.g, "flatten", "", h)));
	eg_real *v = random_numbers(2 * 9 * 10, 4);
	const eg_tensor by[] = {x, eg_graph_find(n.g, "first")};
	for (int k = 0; k < 2; k++) {
		eg_attribution_options o = {.kind = EG_ATTRIBUTION_INTEGRATED, .element = 1, .by = by[k], .tolerance = 1e-3, .batch = 7};
		eg_attribution a = attribute(&n, o, "x", v), few, other;
		assert_true(a.error <= 1e-3 * fabs(a.output - a.baseline_output) || a.steps > 500 / 3);
		assert_true(a.error <= 0.05 * fabs(a.output - a.baseline_output));
		assert_int_equal(a.dims.rank, 3);
		assert_int_equal(a.map_dims.rank, 2);
		assert_true(a.map_dims.d[0] == a.dims.d[1] && a.map_dims.d[1] == a.dims.d[2]);
		const int64_t plane = a.map_dims.d[0] * a.map_dims.d[1];
		for (int64_t i = 0; i < plane; i++) {
			double sum = 0;
			for (int64_t c = 0; c < a.dims.d[0]; c++) sum += (double)a.values[c * plane + i];
			net_near(a.map[i], sum, 1e-5);
		}
		few = attribute(&n, (o.steps = o.most_steps = 1, o), "x", v);
		/* what is behind `first` scales with it, relu and pooling included: there one step is exact */
		assert_true(few.steps == 1 && (k ? few.error < 1e-5 : few.error > a.error && few.error > 1e-3));
		o.steps = o.most_steps = a.steps, o.batch = 1; /* the batch changes nothing but the speed */
		other = attribute(&n, o, "x", v);
		for (int64_t i = 0; i < a.dims.d[0] * plane; i++) net_near(other.values[i], a.values[i], 1e-4);
		eg_attribution_free(&a);
		eg_attribution_free(&few);
		eg_attribution_free(&other);
	}
	free(v);
	end(&n);
}

/* f is one pixel: only windows that cover it matter, and each by all of it. */
static void test_one_pixel(void **state) {
	EG_UNUSED(state);
	enum { H = 6, W = 8, ROW = 2, COLUMN = 5 };
	net n;
	begin(&n);
	eg_tensor x = eg_input(n.g, "x", EG_F32, EG_DIMS(EG_N, 2, H, W));
	finish(&n, "logits", net_layer(n.g, "linear", "units=2 bias=0 name=l", net_layer(n.g, "flatten", "", x)));
	eg_real *w = eg_params_data(n.p, eg_params_find(n.p, "l.weight")), *v = random_numbers(2 * H * W, 5);
	memset(w, 0, 2 * 2 * H * W * sizeof *w);
	w[H * W + ROW * W + COLUMN] = 2;
	eg_params_changed(n.p);
	v[H * W + ROW * W + COLUMN] = (eg_real)0.75;
	static const int windows[][4] = {{1, 1, 1, 1}, {3, 3, 1, 1}, {2, 3, 2, 3}, {4, 3, 3, 2}};
	for (int k = 0; k < EG_COUNT(windows); k++) {
		const int *s = windows[k];
		eg_attribution a = attribute(&n, (eg_attribution_options){.kind = EG_ATTRIBUTION_OCCLUSION, .by = x, .window = {s[0], s[1]},
			.stride = {s[2], s[3]}, .batch = 5}, "x", v);
		net_near(a.output, 1.5, 1e-6);
		assert_true(a.map_dims.rank == 2 && a.map_dims.d[0] == H && a.map_dims.d[1] == W);
		for (int i = 0; i < H * W; i++) {
			int covering = 0, both = 0;
			for (int r = 0;; r += s[2]) { /* the last row and column of windows end where the picture
			                               * does */
				const int r0 = r + s[0] > H ? H - s[0] : r;
				for (int c = 0;; c += s[3]) {
					const int c0 = c + s[1] > W ? W - s[1] : c;
					const bool here = i / W >= r0 && i / W < r0 + s[0] && i % W >= c0 && i % W < c0 + s[1];
					covering += here;
					both += here && ROW >= r0 && ROW < r0 + s[0] && COLUMN >= c0 && COLUMN < c0 + s[1];
					if (c + s[1] >= W) break;
				}
				if (r + s[0] >= H) break;
			}
			assert_true(covering > 0);
			net_near(a.map[i], 1.5 * both / covering, 1e-5);
		}
		eg_attribution_free(&a);
	}
	free(v);
	end(&n);
}

/* Tokens: by what was looked up, summed over the width; and ids that are covered by another one. */
static void test_tokens(void **state) {
	EG_UNUSED(state);
	enum { T = 5, OTHER = 9 };
	static const int32_t ids[T] = {3, 1, 7, 7, 2}, others[T] = {OTHER, OTHER, OTHER, OTHER, OTHER};
	net n;
	begin(&n);
	eg_tensor x = eg_input(n.g, "ids", EG_I32, EG_DIMS(EG_T, EG_N));
	eg_tensor h = net_layer(n.g, "embedding", "count=11 size=6 name=words", x), words = h;
	h = net_layer(n.g, "last", "", net_layer(n.g, "lstm", "hidden=8 dropout=0.3 recurrent_dropout=0.3", h));
	finish(&n, "logits", net_layer(n.g, "linear", "units=3", h));
	eg_attribution_options o = {.kind = EG_ATTRIBUTION_INTEGRATED, .element = 2, .by = words, .time = T};
	eg_attribution a = attribute(&n, o, "ids", ids);
	assert_true(a.dims.rank == 2 && a.dims.d[0] == T && a.dims.d[1] == 6);
	assert_true(a.map_dims.rank == 1 && a.map_dims.d[0] == T);
	assert_true(a.error <= 0.01 * fabs(a.output - a.baseline_output));
	for (int t = 0; t < T; t++) {
		double sum = 0;
		for (int k = 0; k < 6; k++) sum += (double)a.values[t * 6 + k];
		net_near(a.map[t], sum, 1e-5);
	}
	eg_attribution_free(&a);
	o.kind = EG_ATTRIBUTION_OCCLUSION, o.by = x, o.baseline = others, o.batch = 3;
	a = attribute(&n, o, "ids", ids);
	eg_plan *plan = eg_plan_new(n.g, n.p, &(eg_plan_options){.batch = 1, .time = T}, NULL);
	for (int t = -1; t < T; t++) {
		memcpy(eg_plan_input(plan, "ids"), ids, sizeof ids);
		if (t >= 0) ((int32_t *)eg_plan_input(plan, "ids"))[t] = OTHER;
		eg_plan_run(plan, 0);
		const double f = (double)eg_plan_output(plan, "logits")[2];
		net_near(t < 0 ? a.output : (double)a.map[t], t < 0 ? f : a.output - f, 1e-5);
	}
	eg_plan_free(plan);
	eg_attribution_free(&a);
	end(&n);
}

static void test_refused(void **state) {
	EG_UNUSED(state);
	net n;
	begin(&n);
	net_small(n.g, true);
	eg_tensor x = eg_graph_find(n.g, "x"), t = eg_graph_find(n.g, "t");
	n.p = eg_params_new(n.g, 1, NULL);
	const struct {
		eg_attribution_options o;
		const char *part;
	} cases[] = {
	        {{.output = "loss", .by = x}, "one for the whole batch"},
	        {{.output = "nothing", .by = x}, "no output 'nothing'"},
	        {{.by = x, .element = 3}, "element 3 of output 'logits' is asked for, but a sample has 3"},
	        {{.by = {0}}, "no tensor of this graph"},
	        {{.by = t}, "'t' holds no real numbers"},
	        {{.by = t, .kind = EG_ATTRIBUTION_OCCLUSION}, "needs the input 'x', which was not given"},
	        {{.by = x, .kind = EG_ATTRIBUTION_OCCLUSION, .window = {2, 2}, .stride = {3, 1}}, "a stride of 3 leaves out positions"},
	        {{.by = x}, "needs the input 'x', which was not given"},
	};
	for (int i = 0; i < EG_COUNT(cases); i++) {
		eg_attribution a;
		eg_error err;
		assert_int_equal(eg_attribute(n.g, n.p, &cases[i].o, NULL, NULL, 0, &a, &err), EG_ERR_ARG);
		assert_contains(err.message, cases[i].part);
		eg_attribution_free(&a);
	}
	end(&n);
}

/* Whichever allocation of the plans fails: told, and nothing lost. */
static void test_out_of_memory(void **state) {
	EG_UNUSED(state);
	meter m = {.left = -1};
	const eg_allocator allocator = {meter_alloc, meter_release, &m};
	const eg_real v[] = {1, 2, 3};
	net n = {.ctx = eg_context_new(&(eg_context_options){.threads = 1, .allocator = &allocator}, NULL)};
	n.g = eg_graph_new(n.ctx, NULL);
	eg_tensor x = eg_input(n.g, "x", EG_F32, EG_DIMS(EG_N, 3));
	eg_tensor h = net_layer(n.g, "tanh", "", net_layer(n.g, "linear", "units=4 name=inner", x));
	finish(&n, "logits", net_layer(n.g, "linear", "units=2", h));
	const char *const names[] = {"x"};
	const void *const inputs[] = {v};
	const eg_attribution_options o = {.kind = EG_ATTRIBUTION_INTEGRATED, .by = eg_graph_find(n.g, "inner")};
	const long live = m.live;
	int failed = 0;
	for (eg_status status = EG_ERR_MEMORY; status; failed++) {
		eg_attribution a;
		eg_error err;
		m.left = failed;
		status = eg_attribute(n.g, n.p, &o, names, inputs, 1, &a, &err);
		if (status) assert_int_equal(status, EG_ERR_MEMORY);
		eg_attribution_free(&a);
		m.left = -1;
		if (status) assert_true(m.live <= live + 2); /* forms of weights may stay with the parameters */
	}
	assert_true(failed > 20);
	end(&n);
	assert_int_equal(m.live, 0);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_linear),
	        cmocka_unit_test(test_powers),
	        cmocka_unit_test(test_completeness),
	        cmocka_unit_test(test_one_pixel),
	        cmocka_unit_test(test_tokens),
	        cmocka_unit_test(test_refused),
	        cmocka_unit_test(test_out_of_memory),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
