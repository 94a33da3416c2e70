/* fuzz_onnx.c - a model of ONNX from any bytes: read, imported as a graph, planned where that is cheap, run, and
 * exported again.
 *
 * Kept inputs are small models of ONNX's own test suite, and what was found to break something. */
#include "fuzz.h"

#include "engram_onnx_file.h"

static eg_context *context(void) {
	static eg_context *ctx;
	eg_error err;
	if (!ctx) ctx = eg_context_new(&(eg_context_options){.threads = 1, .limit_macs = 1e6}, &err);
	return ctx;
}

/* Sizes of what the model leaves open are small; a plan that would be large all the same is not made. */
static void run(eg_graph *g, eg_params *p) {
	eg_error err;
	eg_cost cost;
	const eg_plan_options o = {.batch = 2, .time = 3};
	if (eg_plan_measure(g, &o, &cost, &err) || cost.macs > 1e6 || cost.memory.total + cost.memory.parameters > (size_t)64 << 20) return;
	eg_plan *plan = eg_plan_new(g, p, &o, &err);
	if (plan) eg_plan_run(plan, 0);
	eg_plan_free(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	eg_error err = {0};
	eg_graph *g = NULL;
	eg_params *p = NULL;
	eg_onnx_file *f = context() ? eg_onnx_file_parse(data, size, "fuzz", &err) : NULL;
	if (!f && !err.message[0]) abort(); /* whatever is refused is refused with a message */
	if (f && eg_onnx_import(context(), eg_onnx_file_model(f), &g, &p, &err) && !err.message[0]) abort();
	if (g) {
		run(g, p);
		eg_onnx_free(eg_onnx_export(g, p, NULL, 0, &err));
	}
	eg_params_free(p);
	eg_graph_free(g);
	eg_onnx_file_free(f);
	return 0;
}
