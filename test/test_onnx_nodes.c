/* test_onnx_nodes.c - single nodes of ONNX that the tester's round trip cannot make, because we export nothing like
 * them, or whose numbers are another system's: onnxruntime 1.32 computed them. */
#include "net.h"

#include "engram_onnx.h"

/* y = node(x), x (1,1,4,5) as given, other inputs as constants of the model. */
static void run(const eg_onnx_node *node, const eg_onnx_tensor *tensors, int ntensors, const float *x, const double *want, int high, int wide) {
	static const int64_t dims[] = {1, 1, 4, 5};
	const eg_onnx_value in = {.name = "x", .type = EG_ONNX_FLOAT, .rank = 4, .dims = dims}, out = {.name = "y", .type = EG_ONNX_FLOAT, .rank = 0};
	const eg_onnx_model m = {.opset = 18, .nnodes = 1, .nodes = node, .ntensors = ntensors, .tensors = tensors, .ninputs = 1, .inputs = &in, .noutputs = 1, .outputs = &out};
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

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_leaky_relu), cmocka_unit_test(test_crop_and_resize)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
