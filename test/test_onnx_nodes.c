/* test_onnx_nodes.c - single nodes of ONNX that the tester's round trip cannot make, because we export nothing like
 * them, or whose numbers are another system's: onnxruntime 1.32 computed them. */
#include "net.h"

#include "engram_onnx.h"

/* y = nodes(x), x (1,1,4,5) as given, other inputs as constants of the model. */
static void run_all(const eg_onnx_node *nodes, int nnodes, const eg_onnx_tensor *tensors, int ntensors, const float *x, const double *want, int high, int wide) {
	static const int64_t dims[] = {1, 1, 4, 5};
	const eg_onnx_value in = {.name = "x", .type = EG_ONNX_FLOAT, .rank = 4, .dims = dims}, out = {.name = "y", .type = EG_ONNX_FLOAT, .rank = 0};
	const eg_onnx_model m = {.opset = 18, .nnodes = nnodes, .nodes = nodes, .ntensors = ntensors, .tensors = tensors, .ninputs = 1, .inputs = &in, .noutputs = 1, .outputs = &out};
	eg_error err = {0};
	eg_context *ctx = eg_context_new(NULL, NULL);
	eg_graph *g = NULL;
	eg_params *p = NULL;
	if (eg_onnx_import(ctx, &m, &g, &p, &err)) fail_msg("%s", err.message);
	eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = 1}, &err);
	if (!plan) fail_msg("%s", err.message);
	const eg_dims d = eg_plan_dims(plan, eg_graph_find(g, "y"));
	assert_true(d.rank == 4 && d.d[2] == high && d.d[3] == wide);
	for (int i = 0; i < 20; i++) ((eg_real *)eg_plan_input(plan, "x"))[i] = (eg_real)x[i];
	eg_plan_run(plan, 0);
	const eg_real *y = eg_plan_output(plan, "y");
	for (int i = 0; i < high * wide; i++)
		if (!(fabs((double)y[i] - want[i]) < 1e-5)) fail_msg("y[%d] is %.7g, it must be %.7g", i, (double)y[i], want[i]);
	eg_plan_free(plan);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

static void run(const eg_onnx_node *node, const eg_onnx_tensor *tensors, int ntensors, const float *x, const double *want, int high, int wide) {
	run_all(node, 1, tensors, ntensors, x, want, high, wide);
}

static const char *const y[] = {"y"};

/* A slope below 0 makes another sign of y than of x. */
static void test_leaky_relu(void **state) {
	EG_UNUSED(state);
	static const char *const in[] = {"x"};
	float x[20];
	double want[20];
	const eg_onnx_attr alpha = {.name = "alpha", .kind = EG_ONNX_A_FLOAT, .f = -0.5f};
	const eg_onnx_node node = {.type = "LeakyRelu", .nin = 1, .nout = 1, .in = in, .out = y, .nattrs = 1, .attrs = &alpha};
	for (int i = 0; i < 20; i++) {
		x[i] = (float)(i - 9) / 4;
		want[i] = x[i] >= 0 ? (double)x[i] : -0.5 * (double)x[i];
	}
	run(&node, NULL, 0, x, want, 4, 5);
}

static const float picture[] = {0, 1, 2.4622888565063477f, 4.171167373657227f, 6.0628662109375f, 1.1032829284667969f, 3.2706191539764404f,
	5.549529552459717f, 0.9285278916358948f, 3.3986384868621826f, 5.95262336730957f, 1.5845005512237549f, 4.289230823516846f, 0.06249997764825821f,
	2.900566816329956f, 5.8001508712768555f, 1.7583473920822144f, 4.772564888000488f, 0.840472936630249f, 3.9599640369415283f};

/* The part from 0.2 to 0.9 of the height and -0.3 to 1.2 of the width. */
static void crop(const char *mode, bool by_sizes, int high, const double *want) {
	static const float roi[] = {0, 0, 0.2f, -0.3f, 1, 1, 0.9f, 1.2f}, scales[] = {1, 1, 1.5f, 0.8f};
	static const int64_t sizes[] = {1, 1, 3, 4}, eight[] = {8}, four[] = {4};
	static const char *const with_scales[] = {"x", "roi", "scales"}, *const with_sizes[] = {"x", "roi", "", "sizes"};
	const eg_onnx_tensor tensors[] = {{.name = "roi", .type = EG_ONNX_FLOAT, .rank = 1, .dims = eight, .data = roi},
		by_sizes ? (eg_onnx_tensor){.name = "sizes", .type = EG_ONNX_INT64, .rank = 1, .dims = four, .data = sizes}
			 : (eg_onnx_tensor){.name = "scales", .type = EG_ONNX_FLOAT, .rank = 1, .dims = four, .data = scales}};
	const eg_onnx_attr attrs[] = {{.name = "mode", .kind = EG_ONNX_A_STRING, .s = mode},
		{.name = "coordinate_transformation_mode", .kind = EG_ONNX_A_STRING, .s = "tf_crop_and_resize"},
		{.name = "extrapolation_value", .kind = EG_ONNX_A_FLOAT, .f = 10}};
	const eg_onnx_node node = {.type = "Resize", .nin = by_sizes ? 4 : 3, .nout = 1, .in = by_sizes ? with_sizes : with_scales, .out = y, .nattrs = 3, .attrs = attrs};
	run(&node, tensors, 2, picture, want, high, 4);
}

static void test_crop_and_resize(void **state) {
	EG_UNUSED(state);
	crop("linear", true, 3, (double[]){10, 2.022291, 2.643394, 10, 10, 2.590785, 1.238555, 10, 10, 2.534133, 1.411178, 10});
	crop("linear", false, 6, (double[]){10, 2.022291, 2.643394, 10, 10, 2.829571, 1.833831, 10, 10, 2.67038, 1.43698, 10, 10, 2.511189, 1.04013, 10, 10, 2.488529,
		1.109179, 10, 10, 2.534133, 1.411178, 10});
	crop("nearest", true, 3, (double[]){10, 3.270619, 0.928528, 10, 10, 1.584501, 0.0625, 10, 10, 1.758347, 0.840473, 10});
	crop("nearest", false, 6, (double[]){10, 3.270619, 0.928528, 10, 10, 3.270619, 0.928528, 10, 10, 3.270619, 0.928528, 10, 10, 1.584501, 0.0625, 10, 10, 1.584501,
		0.0625, 10, 10, 1.758347, 0.840473, 10});
	crop("cubic", true, 3, (double[]){10, 1.961815, 2.502954, 10, 10, 2.394694, 0.71104, 10, 10, 2.128901, 1.062887, 10});
}

/* Windows smaller than their steps need no padding, and none is negative (ONNX: "pad the input"; its inference of
 * shapes has 0 in the place of what is below): the first window begins with the first number. So ONNX's reference and
 * onnxruntime have it for Conv; MaxPool of the reference cuts x off, that of onnxruntime refuses. */
static void test_same_padding_of_small_windows(void **state) {
	EG_UNUSED(state);
	static const char *const types[] = {"MaxPool", "AveragePool", "Conv"}, *const sides[] = {"SAME_UPPER", "SAME_LOWER"}, *const in[] = {"x", "w"};
	static const int64_t kernel[] = {1, 2}, strides[] = {2, 4}, dims[] = {1, 1, 1, 2};
	static const float weights[] = {1, -1};
	const eg_onnx_tensor w = {.name = "w", .type = EG_ONNX_FLOAT, .rank = 4, .dims = dims, .data = weights};
	for (int i = 0; i < 6; i++) {
		const int type = i / 2;
		const eg_onnx_attr attrs[] = {{.name = "auto_pad", .kind = EG_ONNX_A_STRING, .s = sides[i % 2]}, {.name = "kernel_shape", .kind = EG_ONNX_INTS, .ints = kernel, .n = 2},
			{.name = "strides", .kind = EG_ONNX_INTS, .ints = strides, .n = 2}};
		const eg_onnx_node node = {.type = types[type], .nin = type == 2 ? 2 : 1, .nout = 1, .in = in, .out = y, .nattrs = 3, .attrs = attrs};
		/* Rows 0 and 2: 2 + 1 - 4 = -1 would be added. Columns: 4 + 2 - 5 = 1 is, behind or in front. */
		double want[4];
		for (int k = 0; k < 4; k++) {
			const float *row = picture + k / 2 * 10;
			const int first = k % 2 * 4 - (i % 2); /* SAME_LOWER: the added one stands before x */
			const double a = first < 0 ? NAN : (double)row[first], b = first > 3 ? NAN : (double)row[first + 1];
			want[k] = type == 0 ? fmax(a, b) : type == 1 ? (isnan(a) ? b : isnan(b) ? a : (a + b) / 2) : (isnan(a) ? 0 : a) - (isnan(b) ? 0 : b);
		}
		run(&node, &w, 1, picture, want, 2, 2);
	}
}

/* Where maxima stand, through all channels: row by row, and the first axis the fastest. */
static void test_places_of_maxima(void **state) {
	EG_UNUSED(state);
	static const char *const in[] = {"x"}, *const both[] = {"m", "at"}, *const real_at[] = {"at"};
	static const int64_t kernel[] = {2, 2}, strides[] = {2, 2};
	const double rows[] = {6, 7, 10, 17}, columns[] = {5, 9, 2, 11};
	for (int order = 0; order < 2; order++) {
		const eg_onnx_attr attrs[] = {{.name = "kernel_shape", .kind = EG_ONNX_INTS, .ints = kernel, .n = 2}, {.name = "strides", .kind = EG_ONNX_INTS, .ints = strides, .n = 2},
			{.name = "storage_order", .kind = EG_ONNX_AN_INT, .i = order}}, to = {.name = "to", .kind = EG_ONNX_AN_INT, .i = EG_ONNX_FLOAT};
		const eg_onnx_node nodes[] = {{.type = "MaxPool", .nin = 1, .nout = 2, .in = in, .out = both, .nattrs = 3, .attrs = attrs},
			{.type = "Cast", .nin = 1, .nout = 1, .in = real_at, .out = y, .nattrs = 1, .attrs = &to}};
		run_all(nodes, 2, NULL, 0, picture, order ? columns : rows, 2, 2);
	}
}

/* Weights and states of a recurrent layer in shapes that are not its own: fewer numbers than are read, gates where
 * inputs belong, and zeros of another size, which PyTorch 2.15 writes of a layer with a projection. */
static void test_recurrent_shapes(void **state) {
	EG_UNUSED(state);
	enum { H = 2, I = 3 };
	static const float zeros[64];
	static const char *const in[] = {"x", "w", "r", "", "", "h", "c", "p"}, *const xyz[] = {"y"};
	static const int64_t w[] = {1, 4 * H, I}, turned[] = {1, I, 4 * H}, r[] = {1, 4 * H, H}, own[] = {1, 1, H}, other[] = {1, 1, H + 1}, two[] = {2, 1, H}, p[] = {1, 3 * H}, few[] = {1, 3};
	static const int64_t dims[] = {5, 1, I};
	static const struct { const int64_t *w, *h, *c, *p; const char *why; } cases[] = {{w, own, own, p, NULL}, {w, own, own, few, "peephole"}, {turned, own, own, p, "W must be"},
		{w, other, own, p, "input 5, a state"}, {w, own, other, p, "input 6, a state"}, {w, two, own, p, "input 5, a state"}};
	for (int i = 0; i < 2 * EG_COUNT(cases); i++) {
		/* With a clip the layer becomes a loop. */
		const eg_onnx_attr clip = {.name = "clip", .kind = EG_ONNX_A_FLOAT, .f = 3};
		const eg_onnx_node node = {.type = "LSTM", .nin = 8, .nout = 1, .in = in, .out = xyz, .nattrs = i % 2, .attrs = &clip};
		const eg_onnx_tensor tensors[] = {{.name = "w", .rank = 3, .dims = cases[i / 2].w}, {.name = "r", .rank = 3, .dims = r}, {.name = "h", .rank = 3, .dims = cases[i / 2].h},
			{.name = "c", .rank = 3, .dims = cases[i / 2].c}, {.name = "p", .rank = 2, .dims = cases[i / 2].p}};
		eg_onnx_tensor all[5];
		for (int k = 0; k < 5; k++) all[k] = tensors[k], all[k].type = EG_ONNX_FLOAT, all[k].data = zeros;
		const eg_onnx_value x = {.name = "x", .type = EG_ONNX_FLOAT, .rank = 3, .dims = dims}, out = {.name = "y", .type = EG_ONNX_FLOAT};
		const eg_onnx_model m = {.opset = 14, .nnodes = 1, .nodes = &node, .ntensors = 5, .tensors = all, .ninputs = 1, .inputs = &x, .noutputs = 1, .outputs = &out};
		const char *why = i % 2 && cases[i / 2].why && strncmp(cases[i / 2].why, "input", 5) ? "do not fit together" : cases[i / 2].why;
		eg_error err = {0};
		eg_context *ctx = eg_context_new(NULL, NULL);
		eg_graph *g = NULL;
		eg_params *params = NULL;
		const eg_status status = eg_onnx_import(ctx, &m, &g, &params, &err);
		if (why ? !status || !strstr(err.message, why) : status) fail_msg("case %d: '%s', it must be '%s'", i, err.message, why ? why : "");
		eg_params_free(params);
		eg_graph_free(g);
		eg_context_free(ctx);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_recurrent_shapes), cmocka_unit_test(test_leaky_relu), cmocka_unit_test(test_crop_and_resize), cmocka_unit_test(test_same_padding_of_small_windows),
		cmocka_unit_test(test_places_of_maxima)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
