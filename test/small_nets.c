/* small_nets.c - for small.sh: predicts with a network whose weights are made by a rule, against an installed library.
 *
 *   small_nets lenet BATCH ISA   the probabilities of BATCH pictures
 *   small_nets lstm BATCH ISA    those of the steps of BATCH sequences, at once; chunk by chunk they must be the same
 *   small_nets missing 1 ref     what is said of a plan and of an operator that a library for LeNet-5 has not */
#include <engram.h>
#include <engram_ops.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLASSES = 10, IDS = 20, STEPS = 12 };

static int fail(const char *message) {
	fprintf(stderr, "%s\n", message);
	return 1;
}

static void show(const float *y, int n) {
	for (int i = 0; i < n; i++) printf("%.9g\n", (double)y[i]);
}

/* Between -1 and 1. */
static float next(unsigned *state) {
	*state = *state * 1664525u + 1013904223u;
	return (float)(*state >> 8) / 8388608.0f - 1;
}

static void lenet5(eg_graph *g) {
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 1, 28, 28));
	eg_tensor h = eg_maxpool2d(g, eg_relu(g, eg_conv2d(g, x, .filters = 6, .kernel = {5, 5}, .padding = {2, 2})), .kernel = {2, 2});
	h = eg_maxpool2d(g, eg_relu(g, eg_conv2d(g, h, .filters = 16, .kernel = {5, 5})), .kernel = {2, 2});
	h = eg_flatten(g, eg_relu(g, eg_conv2d(g, h, .filters = 120, .kernel = {5, 5})));
	h = eg_linear(g, eg_relu(g, eg_linear(g, h, .units = 84)), .units = CLASSES);
	eg_output(g, "p", eg_softmax(g, h));
}

static void lstm(eg_graph *g) {
	eg_tensor h = eg_embedding(g, eg_input(g, "x", EG_I32, EG_DIMS(EG_T, EG_N)), .count = IDS, .size = 8);
	h = eg_linear(g, eg_lstm(g, h, .hidden = 16), .units = CLASSES);
	eg_output(g, "p", eg_softmax(g, h));
}

static void fill(eg_params *p, unsigned *state) {
	for (int i = 0; i < eg_params_count(p); i++) {
		const eg_dims d = eg_params_dims(p, i);
		int64_t n = 1;
		for (int k = 0; k < d.rank; k++) n *= d.d[k];
		const float scale = d.rank == 1 ? 0.1f : d.rank == 4 && d.d[1] > 1 ? 0.12f : 0.4f;
		for (int64_t k = 0; k < n; k++) eg_params_data(p, i)[k] = scale * next(state);
	}
	eg_params_changed(p);
}

static int pictures(eg_graph *g, eg_params *p, int batch) {
	eg_error err;
	unsigned state = 1;
	fill(p, &state);
	eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = batch}, &err);
	if (!plan) return fail(err.message);
	float *x = eg_plan_input(plan, "x");
	for (int i = 0; i < batch * 28 * 28; i++) x[i] = next(&state);
	eg_plan_run(plan, 0);
	show(eg_plan_output(plan, "p"), batch * CLASSES);
	eg_plan_free(plan);
	return 0;
}

#ifdef SESSIONS /* a library without them has none to link */
static int sequences(eg_graph *g, eg_params *p, int batch) {
	static const char *const inputs[] = {"x"};
	enum { CHUNK = 5 };
	eg_error err;
	unsigned state = 1;
	fill(p, &state);
	eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = batch, .time = STEPS}, &err);
	if (!plan) return fail(err.message);
	int32_t *x = eg_plan_input(plan, "x");
	for (int i = 0; i < STEPS * batch; i++) x[i] = (int32_t)((next(&state) + 1) * IDS / 2);
	eg_plan_run(plan, 0);
	show(eg_plan_output(plan, "p"), STEPS * batch * CLASSES);

	float *y = malloc(sizeof *y * (size_t)(STEPS * batch * CLASSES));
	eg_session *s = eg_session_new(g, p, &(eg_session_options){.batch = batch}, &err);
	int status = s && y ? 0 : fail("no session");
	for (int t = 0; t < STEPS && !status; t += CHUNK) {
		const int n = STEPS - t < CHUNK ? STEPS - t : CHUNK;
		float *const to[] = {y + t * batch * CLASSES};
		if (eg_session_run(s, n, inputs, (const void *const[]){x + t * batch}, 1, to, &err)) status = fail(err.message);
	}
	if (!status && memcmp(y, eg_plan_output(plan, "p"), sizeof *y * (size_t)(STEPS * batch * CLASSES)))
		status = fail("chunk by chunk it is not what it is at once");
	eg_session_free(s);
	eg_plan_free(plan);
	free(y);
	return status;
}
#else
static int sequences(eg_graph *g, eg_params *p, int batch) {
	(void)g, (void)p, (void)batch;
	return fail("built without sessions");
}
#endif

static int missing(eg_graph *g, eg_params *p) {
	eg_error err;
	if (eg_plan_new(g, p, &(eg_plan_options){.batch = 4, .train = true}, &err)) return fail("a plan that trains was made");
	printf("%s\n", err.message);
	eg_lstm(g, eg_input(g, "sequence", EG_F32, EG_DIMS(EG_T, EG_N, 8)), .hidden = 4);
	if (!eg_graph_status(g, &err)) return fail("an operator that is not there was taken");
	printf("%s\n", err.message);
	return 0;
}

int main(int argc, char **argv) {
	if (argc != 4) return fail("usage: small_nets lenet|lstm|missing BATCH ISA");
	const bool recurrent = !strcmp(argv[1], "lstm");
	eg_error err;
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 2, .isa = argv[3]}, &err);
	if (!ctx) return fail(err.message);
	eg_graph *g = eg_graph_new(ctx, &err);
	if (g) (recurrent ? lstm : lenet5)(g);
	eg_params *p = g ? eg_params_new_zero(g, &err) : NULL;
	int status = 1;
	if (!p) fail(err.message);
	else if (!strcmp(argv[1], "missing")) status = missing(g, p);
	else status = (recurrent ? sequences : pictures)(g, p, atoi(argv[2]));
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
	return status;
}
