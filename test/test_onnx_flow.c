/* test_onnx_flow.c - what of a model of ONNX is no operator of ours: bodies (If, Loop, Scan), whole numbers, shapes
 * that are open. Models are put together in memory; their results are counted by hand. */
#define _POSIX_C_SOURCE 200809L /* mkstemp */
#include "net.h"

#include "base/base.h"
#include "engram_onnx.h"
#include "engram_onnx_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- models ------------------------------------------------------------------------------------------------------ */

typedef struct model {
	eg_onnx_model m;
	eg_onnx_node nodes[16];
	eg_onnx_tensor tensors[8];
	eg_onnx_value inputs[4], outputs[4];
	eg_onnx_attr attrs[16];
	const char *names[16][2][8];
	char words[16][2][60];
	int64_t dims[4][4];
	int nattrs;
} model;

static model new_model(void) { return (model){.m = {.opset = 17}}; }

/* Cuts "a b c" into names. */
static int cut(char *words, const char **names) {
	int n = 0;
	for (char *w = strtok(words, " "); w; w = strtok(NULL, " ")) names[n++] = strcmp(w, "-") ? w : "";
	return n;
}

static void node(model *m, const char *type, const char *in, const char *out) {
	const int i = m->m.nnodes++;
	snprintf(m->words[i][0], sizeof m->words[i][0], "%s", in);
	snprintf(m->words[i][1], sizeof m->words[i][1], "%s", out);
	eg_onnx_node *n = &m->nodes[i];
	*n = (eg_onnx_node){.type = type, .in = m->names[i][0], .out = m->names[i][1]};
	n->nin = cut(m->words[i][0], m->names[i][0]);
	n->nout = cut(m->words[i][1], m->names[i][1]);
}

/* An attribute of the last node. */
static void attr(model *m, eg_onnx_attr a) {
	eg_onnx_node *n = &m->nodes[m->m.nnodes - 1];
	if (!n->nattrs++) n->attrs = m->attrs + m->nattrs;
	m->attrs[m->nattrs++] = a;
}
#define INT(n, v) ((eg_onnx_attr){.name = (n), .kind = EG_ONNX_AN_INT, .i = (v)})
#define GRAPH(n, g) ((eg_onnx_attr){.name = (n), .kind = EG_ONNX_A_GRAPH, .graph = (g)})

static void numbers(model *m, const char *name, eg_onnx_type type, int rank, const int64_t *dims, const void *data) {
	m->tensors[m->m.ntensors++] = (eg_onnx_tensor){name, type, rank, dims, data};
}
#define DIMS(...) (int)(sizeof((const int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), (const int64_t[]){__VA_ARGS__}

static void input(model *m, const char *name, eg_onnx_type type, int rank, const int64_t *dims, const char *const *open) {
	int64_t *own = m->dims[m->m.ninputs];
	for (int i = 0; i < rank; i++) own[i] = dims[i];
	m->inputs[m->m.ninputs++] = (eg_onnx_value){name, type, rank, own, open};
}
static void output(model *m, const char *name, eg_onnx_type type) { m->outputs[m->m.noutputs++] = (eg_onnx_value){name, type, -1, NULL, NULL}; }

static const eg_onnx_model *done(model *m) {
	m->m.nodes = m->nodes;
	m->m.tensors = m->tensors;
	m->m.inputs = m->inputs;
	m->m.outputs = m->outputs;
	return &m->m;
}

static const int64_t one_i = 1, zero_i = 0;
static const char *const time_batch[] = {"time", "batch", NULL};

/* ---- running ----------------------------------------------------------------------------------------------------- */

typedef struct running {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
	eg_plan *plan;
} running;

static running start(model *m, int batch, int steps) {
	eg_error err = {0};
	running r = {.ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err)};
	if (eg_onnx_import(r.ctx, done(m), &r.g, &r.p, &err)) fail_msg("%s", err.message);
	r.plan = eg_plan_new(r.g, r.p, &(eg_plan_options){.batch = batch, .time = steps}, &err);
	if (!r.plan) fail_msg("%s", err.message);
	return r;
}

static void stop(running *r) {
	eg_plan_free(r->plan);
	eg_params_free(r->p);
	eg_graph_free(r->g);
	eg_context_free(r->ctx);
}

static void equal_reals(const running *r, const char *name, const eg_real *want, int n) {
	const eg_real *got = eg_plan_output(r->plan, name);
	assert_non_null(got);
	for (int i = 0; i < n; i++)
		if (got[i] != want[i]) fail_msg("%s[%d] is %g, not %g", name, i, (double)got[i], (double)want[i]);
}

static void refused(model *m, const char *why) {
	eg_error err = {0};
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err);
	eg_graph *g = NULL;
	eg_params *p = NULL;
	if (!eg_onnx_import(ctx, done(m), &g, &p, &err)) fail_msg("it was not refused because %s", why);
	if (!strstr(err.message, why)) fail_msg("'%s' does not say '%s'", err.message, why);
	eg_context_free(ctx);
}

/* ---- whole numbers ----------------------------------------------------------------------------------------------- */

static void bytes(void **state) {
	EG_UNUSED(state);
	static const int32_t a[] = {100, -128, 7, -7}, b[] = {100, -1, -2, 2};
	static const struct { const char *type; int32_t want[4]; } cases[] = {{"Add", {-56, 127, 5, -5}}, {"Sub", {0, -127, 9, -9}}, {"Mul", {16, -128, -14, -14}},
		{"Div", {1, -128, -3, -3}}, {"Mod", {0, 0, -1, 1}}, {"Max", {100, -1, 7, 2}}, {"Min", {100, -128, -2, -7}}};
	for (int c = 0; c < EG_COUNT(cases); c++) {
		model m = new_model();
		input(&m, "a", EG_ONNX_INT8, DIMS(4), NULL);
		input(&m, "b", EG_ONNX_INT8, DIMS(4), NULL);
		node(&m, cases[c].type, "a b", "y");
		output(&m, "y", EG_ONNX_INT8);
		running r = start(&m, 1, 1);
		memcpy(eg_plan_input(r.plan, "a"), a, sizeof a);
		memcpy(eg_plan_input(r.plan, "b"), b, sizeof b);
		eg_plan_run(r.plan, 0);
		const int32_t *y = (const int32_t *)eg_plan_output(r.plan, "y");
		for (int i = 0; i < 4; i++)
			if (y[i] != cases[c].want[i]) fail_msg("%s [%d] is %d, not %d", cases[c].type, i, y[i], cases[c].want[i]);
		stop(&r);
	}
}

/* Long whole numbers may be compared with short ones: whatever they are rounded to is on the same side. */
static void compared(void **state) {
	EG_UNUSED(state);
	static const int64_t x[] = {7, 8, 16777217, INT64_C(4294967303)}, seven = 7;
	model m = new_model();
	input(&m, "x", EG_ONNX_INT64, DIMS(4), NULL);
	numbers(&m, "seven", EG_ONNX_INT64, 0, NULL, &seven);
	node(&m, "Equal", "x seven", "e");
	node(&m, "Greater", "x seven", "g");
	output(&m, "e", EG_ONNX_BOOL);
	output(&m, "g", EG_ONNX_BOOL);
	running r = start(&m, 1, 1);
	memcpy(eg_plan_input(r.plan, "x"), x, sizeof x);
	eg_plan_run(r.plan, 0);
	assert_memory_equal(eg_plan_output(r.plan, "e"), ((const uint8_t[]){1, 0, 0, 0}), 4);
	assert_memory_equal(eg_plan_output(r.plan, "g"), ((const uint8_t[]){0, 1, 1, 1}), 4);
	stop(&r);
}

static void inexact(void **state) {
	EG_UNUSED(state);
	static const int64_t large = 1 << 20;
	model m = new_model(), n = new_model();
	input(&m, "x", EG_ONNX_INT32, DIMS(4), NULL);
	node(&m, "Mul", "x x", "y");
	output(&m, "y", EG_ONNX_INT32);
	refused(&m, "exact up to 2^24");
	input(&n, "x", EG_ONNX_UINT8, DIMS(4), NULL);
	numbers(&n, "large", EG_ONNX_INT64, 0, NULL, &large);
	node(&n, "Cast", "x", "wide");
	attr(&n, INT("to", EG_ONNX_INT64));
	node(&n, "Mul", "wide large", "y");
	output(&n, "y", EG_ONNX_INT64);
	refused(&n, "exact up to 2^24");
}

/* Whole numbers of inputs that something is added to are taken to be small, and looked at when the network runs. */
static void bounded(void **state) {
	EG_UNUSED(state);
	char path[] = "/tmp/engram_onnx_XXXXXX";
	const int fd = mkstemp(path);
	int64_t v[] = {5, 4194304}, w[] = {7, 1};
	eg_error err = {0};
	size_t size;
	void *bytes = NULL;
	model m = new_model();
	input(&m, "lengths", EG_ONNX_INT64, DIMS(2), NULL);
	input(&m, "ids", EG_ONNX_INT64, DIMS(2), NULL);
	numbers(&m, "one", EG_ONNX_INT64, 0, NULL, &one_i);
	node(&m, "Unsqueeze", "lengths axes", "column"); /* what only moves them changes nothing */
	numbers(&m, "axes", EG_ONNX_INT64, 1, &one_i, &one_i);
	node(&m, "Sub", "column one", "last");
	node(&m, "Identity", "ids", "same");
	output(&m, "last", EG_ONNX_INT64);
	output(&m, "same", EG_ONNX_INT64);
	if (eg_onnx_file_bytes(done(&m), NULL, &bytes, &size, &err)) skip(); /* built without */
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
	eg_release(NULL, bytes);
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err);
	eg_network *n = eg_network_load(path, ctx, &err);
	if (!n) fail_msg("%s", err.message);
	const eg_graph *g = eg_network_graph(n, NULL, NULL);
	assert_int_equal(eg_onnx_bound(g, eg_graph_find(g, "lengths")), 4194304);
	assert_int_equal(eg_onnx_bound(g, eg_graph_find(g, "ids")), 0);
	const eg_network_array in[] = {{"lengths", EG_DIMS(2), v, EG_I64}, {"ids", EG_DIMS(2), w, EG_I64}};
	eg_network_array out[2];
	w[0] = INT64_C(1) << 40; /* nothing is computed with those */
	assert_int_equal(eg_network_run(n, in, 2, out, &err), EG_OK);
	assert_int_equal(((const int64_t *)out[0].data)[1], 4194303);
	v[0] = -4194305;
	assert_int_equal(eg_network_run(n, in, 2, out, &err), EG_ERR_ARG);
	assert_non_null(strstr(err.message, "input 'lengths' has -4194305"));
	eg_network_free(n);
	eg_context_free(ctx);
	unlink(path);
}

/* ---- If and Loop ------------------------------------------------------------------------------------------------- */

/* What PyTorch writes for squeeze: a look at the size first. */
static void branches(void **state) {
	EG_UNUSED(state);
	static const float ten = 10;
	for (int size = 1; size <= 2; size++) {
		model yes = new_model(), no = new_model(), m = new_model();
		node(&yes, "Squeeze", "x one", "y");
		output(&yes, "y", EG_ONNX_FLOAT);
		numbers(&no, "ten", EG_ONNX_FLOAT, 0, NULL, &ten);
		node(&no, "Mul", "x ten", "y");
		output(&no, "y", EG_ONNX_FLOAT);
		input(&m, "x", EG_ONNX_FLOAT, DIMS(2, size), NULL);
		numbers(&m, "one", EG_ONNX_INT64, 1, &one_i, &one_i);
		node(&m, "Shape", "x", "shape");
		node(&m, "Gather", "shape one", "size");
		node(&m, "Equal", "size one", "is");
		node(&m, "If", "is", "z");
		attr(&m, GRAPH("then_branch", done(&yes)));
		attr(&m, GRAPH("else_branch", done(&no)));
		output(&m, "z", EG_ONNX_FLOAT);
		running r = start(&m, 1, 1);
		for (int i = 0; i < 2 * size; i++) ((eg_real *)eg_plan_input(r.plan, "x"))[i] = (eg_real)(i + 1);
		eg_plan_run(r.plan, 0);
		assert_int_equal(eg_plan_dims(r.plan, eg_graph_find(r.g, "z")).rank, size);
		if (size == 1) equal_reals(&r, "z", (const eg_real[]){1, 2}, 2);
		else equal_reals(&r, "z", (const eg_real[]){10, 20, 30, 40}, 4);
		stop(&r);
	}
}

/* s <- s + x, i + 1 steps; each step's s; it ends by its condition. */
static void loop_body(model *b) {
	static const int64_t two = 2;
	input(b, "i", EG_ONNX_INT64, 0, NULL, NULL);
	input(b, "on", EG_ONNX_BOOL, 0, NULL, NULL);
	input(b, "s", EG_ONNX_FLOAT, DIMS(2), NULL);
	numbers(b, "two", EG_ONNX_INT64, 0, NULL, &two);
	node(b, "Less", "i two", "go");
	node(b, "Add", "s x", "next");
	output(b, "go", EG_ONNX_BOOL);
	output(b, "next", EG_ONNX_FLOAT);
	output(b, "next", EG_ONNX_FLOAT);
}

static void loops(void **state) {
	EG_UNUSED(state);
	static const int64_t count = 100;
	model b = new_model(), m = new_model();
	loop_body(&b);
	input(&m, "x", EG_ONNX_FLOAT, DIMS(2), NULL);
	numbers(&m, "count", EG_ONNX_INT64, 0, NULL, &count);
	node(&m, "Loop", "count - x", "last all");
	attr(&m, GRAPH("body", done(&b)));
	output(&m, "last", EG_ONNX_FLOAT);
	output(&m, "all", EG_ONNX_FLOAT);
	running r = start(&m, 1, 1);
	memcpy(eg_plan_input(r.plan, "x"), ((const eg_real[]){1, 10}), 2 * sizeof(eg_real));
	eg_plan_run(r.plan, 0);
	equal_reals(&r, "last", (const eg_real[]){4, 40}, 2);
	equal_reals(&r, "all", (const eg_real[]){2, 20, 3, 30, 4, 40}, 6);
	stop(&r);
}

static void endless(void **state) {
	EG_UNUSED(state);
	model b = new_model(), m = new_model(), n = new_model();
	input(&b, "i", EG_ONNX_INT64, 0, NULL, NULL);
	input(&b, "on", EG_ONNX_BOOL, 0, NULL, NULL);
	node(&b, "Identity", "on", "go");
	output(&b, "go", EG_ONNX_BOOL);
	input(&m, "x", EG_ONNX_FLOAT, DIMS(2), NULL);
	node(&m, "Loop", "", "");
	attr(&m, GRAPH("body", done(&b)));
	refused(&m, "more than 20000 nodes");
	input(&n, "x", EG_ONNX_BOOL, 0, NULL, NULL);
	node(&n, "If", "x", "");
	attr(&n, GRAPH("then_branch", done(&b)));
	attr(&n, GRAPH("else_branch", done(&b)));
	refused(&n, "must be known");
}

/* ---- Scan -------------------------------------------------------------------------------------------------------- */

/* h <- h + x + bias; each step's h. Open: a loop of ours, from a state of zeros in the shape of x; else unrolled. */
static void scanned(bool open, bool reverse) {
	static const int64_t bias_dims[] = {2};
	static const float bias[] = {0.5f, 0};
	model b = new_model(), m = new_model();
	input(&b, "h", EG_ONNX_FLOAT, DIMS(3, 2), NULL);
	input(&b, "step", EG_ONNX_FLOAT, DIMS(3, 2), NULL);
	node(&b, "Add", "h step", "sum");
	node(&b, "Add", "sum bias", "next");
	output(&b, "next", EG_ONNX_FLOAT);
	output(&b, "next", EG_ONNX_FLOAT);
	if (open) input(&m, "x", EG_ONNX_FLOAT, DIMS(-1, -1, 2), time_batch);
	else input(&m, "x", EG_ONNX_FLOAT, DIMS(4, 3, 2), NULL);
	numbers(&m, "bias", EG_ONNX_FLOAT, 1, bias_dims, bias);
	node(&m, "Shape", "x", "shape");
	attr(&m, INT("start", 1));
	node(&m, "ConstantOfShape", "shape", "zeros");
	node(&m, "Scan", "zeros x", "last all");
	attr(&m, GRAPH("body", done(&b)));
	attr(&m, INT("num_scan_inputs", 1));
	if (reverse) {
		attr(&m, (eg_onnx_attr){.name = "scan_input_directions", .kind = EG_ONNX_INTS, .n = 1, .ints = &one_i});
		attr(&m, (eg_onnx_attr){.name = "scan_output_directions", .kind = EG_ONNX_INTS, .n = 1, .ints = &one_i});
	}
	node(&m, "Add", "last bias", "more"); /* the same numbers outside of the loop */
	output(&m, "more", EG_ONNX_FLOAT);
	output(&m, "all", EG_ONNX_FLOAT);
	running r = start(&m, 3, 4);
	eg_real *x = (eg_real *)eg_plan_input(r.plan, "x"), want[24], h[6] = {0};
	for (int i = 0; i < 24; i++) x[i] = (eg_real)((i * 5) % 7);
	for (int t = 0; t < 4; t++)
		for (int i = 0, at = reverse ? 3 - t : t; i < 6; i++) want[at * 6 + i] = h[i] += x[at * 6 + i] + (eg_real)bias[i % 2];
	for (int i = 0; i < 6; i++) h[i] += (eg_real)bias[i % 2];
	eg_plan_run(r.plan, 0);
	equal_reals(&r, "all", want, 24);
	equal_reals(&r, "more", h, 6);
	stop(&r);
}

static void scans(void **state) {
	EG_UNUSED(state);
	for (int way = 0; way < 4; way++) scanned(way & 1, way & 2);
}

/* ---- open shapes ------------------------------------------------------------------------------------------------- */

static void open_shapes(void **state) {
	EG_UNUSED(state);
	static const int64_t one = 1, one_dims[] = {1}, first_dims[] = {1, 1, 2};
	static const float two = 2, first[] = {3, 4};
	model m = new_model();
	input(&m, "x", EG_ONNX_FLOAT, DIMS(-1, -1, 2), time_batch);
	const eg_onnx_tensor value = {"", EG_ONNX_FLOAT, 1, one_dims, &two};
	numbers(&m, "first", EG_ONNX_FLOAT, 3, first_dims, first);
	numbers(&m, "zero", EG_ONNX_INT64, 0, NULL, &zero_i);
	numbers(&m, "one", EG_ONNX_INT64, 0, NULL, &one);
	node(&m, "Shape", "x", "shape");
	node(&m, "Expand", "first shape", "wide");
	node(&m, "ConstantOfShape", "shape", "twos");
	attr(&m, (eg_onnx_attr){.name = "value", .kind = EG_ONNX_A_TENSOR, .tensor = &value});
	node(&m, "Mul", "x twos", "double");
	node(&m, "Gather", "shape zero", "T");
	node(&m, "Range", "zero T one", "at");
	output(&m, "wide", EG_ONNX_FLOAT);
	output(&m, "double", EG_ONNX_FLOAT);
	output(&m, "at", EG_ONNX_INT64);
	running r = start(&m, 2, 3);
	for (int i = 0; i < 12; i++) ((eg_real *)eg_plan_input(r.plan, "x"))[i] = (eg_real)i;
	eg_plan_run(r.plan, 0);
	eg_real want[2][12];
	for (int i = 0; i < 12; i++) want[0][i] = (eg_real)first[i % 2], want[1][i] = (eg_real)(2 * i);
	const eg_dims wide = eg_plan_dims(r.plan, eg_graph_find(r.g, "wide"));
	assert_true(wide.rank == 3 && wide.d[0] == 3 && wide.d[1] == 2 && wide.d[2] == 2);
	equal_reals(&r, "wide", want[0], 12);
	equal_reals(&r, "double", want[1], 12);
	assert_memory_equal(eg_plan_output(r.plan, "at"), ((const int64_t[]){0, 1, 2}), 24);
	stop(&r);
}

static int count_of(const eg_graph *g, const char *op) {
	eg_node_info info;
	int n = 0;
	for (int i = 0; i < eg_graph_nodes(g); i++) {
		eg_graph_node(g, i, &info);
		n += !strcmp(info.op->name, op);
	}
	return n;
}

/* What PyTorch writes around a stack that reads numbers of words: a part of numbers in a shape with an open batch,
 * which only an input of whole numbers has; as the state of a layer it is gone. */
static void beside_ids(void **state) {
	EG_UNUSED(state);
	static const int64_t one = 1, two = 2, one_dims[] = {1}, layers[] = {3};
	static const float value_of[] = {0, 2}, weight = 0.5f;
	for (int with = 0; with < 2; with++) { /* zeros, and twos */
		model m = new_model();
		input(&m, "ids", EG_ONNX_INT64, DIMS(-1, -1), time_batch);
		const eg_onnx_tensor value = {"", EG_ONNX_FLOAT, 1, one_dims, &value_of[with]};
		numbers(&m, "one", EG_ONNX_INT64, 1, one_dims, &one);
		numbers(&m, "two", EG_ONNX_INT64, 1, one_dims, &two);
		numbers(&m, "zero", EG_ONNX_INT64, 1, one_dims, &zero_i);
		numbers(&m, "layers", EG_ONNX_INT64, 1, one_dims, layers);
		numbers(&m, "w", EG_ONNX_FLOAT, DIMS(1, 1, 1), &weight);
		node(&m, "Shape", "ids", "shape");
		node(&m, "Gather", "shape one", "N");
		node(&m, "Concat", "layers N one", "sizes");
		attr(&m, INT("axis", 0));
		node(&m, "ConstantOfShape", "sizes", "states");
		attr(&m, (eg_onnx_attr){.name = "value", .kind = EG_ONNX_A_TENSOR, .tensor = &value});
		node(&m, "Slice", "states one two zero", "h0");
		node(&m, "Cast", "ids", "x");
		attr(&m, INT("to", EG_ONNX_FLOAT));
		node(&m, "Unsqueeze", "x two", "steps");
		node(&m, "RNN", "steps w w - - h0", "y");
		output(&m, "y", EG_ONNX_FLOAT);
		if (with) output(&m, "h0", EG_ONNX_FLOAT);
		running r = start(&m, 2, 1);
		assert_int_equal(count_of(r.g, "expand") > 0, with);
		memcpy(eg_plan_input(r.plan, "ids"), ((const int64_t[]){1, 3}), 16);
		eg_plan_run(r.plan, 0);
		const eg_real *y = eg_plan_output(r.plan, "y");
		for (int i = 0; i < 2; i++) assert_float_equal(y[i], tanh(0.5 * (1 + 2 * i) + 0.5 * value_of[with]), 1e-6);
		if (with) equal_reals(&r, "h0", (const eg_real[]){2, 2}, 2);
		stop(&r);
	}
}

/* Dimensions that come back are not moved at all, others are. */
static void moved_back(void **state) {
	EG_UNUSED(state);
	static const int64_t there[] = {1, 2, 0}, back[] = {2, 0, 1};
	for (int other = 0; other < 2; other++) {
		model m = new_model();
		input(&m, "x", EG_ONNX_FLOAT, DIMS(2, 1, 3), NULL);
		node(&m, "Transpose", "x", "there");
		attr(&m, (eg_onnx_attr){.name = "perm", .kind = EG_ONNX_INTS, .ints = there, .n = 3});
		node(&m, "Transpose", "there", "y");
		attr(&m, (eg_onnx_attr){.name = "perm", .kind = EG_ONNX_INTS, .ints = other ? there : back, .n = 3});
		node(&m, "Neg", "y", "z");
		output(&m, "z", EG_ONNX_FLOAT);
		running r = start(&m, 1, 1);
		for (int i = 0; i < 6; i++) ((eg_real *)eg_plan_input(r.plan, "x"))[i] = (eg_real)i;
		eg_plan_run(r.plan, 0);
		assert_int_equal(count_of(r.g, "transpose"), 1 + other);
		equal_reals(&r, "z", other ? (const eg_real[]){0, -3, -1, -4, -2, -5} : (const eg_real[]){0, -1, -2, -3, -4, -5}, 6);
		stop(&r);
	}
}

/* Nodes of known numbers that lack an input, and a direction that there is not. */
static void left_out(void **state) {
	EG_UNUSED(state);
	static const uint8_t bytes_of[2] = {1, 2};
	static const struct { const char *type, *in, *why; } rows[] = {{"EyeLike", "-", "it needs 1 input"}, {"NonZero", "-", "it needs 1 input"},
		{"BitShift", "x", "it needs 2 inputs"}, {"BitShift", "- x", "it needs 2 inputs"}};
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		model m = new_model();
		numbers(&m, "x", EG_ONNX_UINT8, DIMS(2), bytes_of);
		node(&m, rows[i].type, rows[i].in, "y");
		output(&m, "y", EG_ONNX_UINT8);
		refused(&m, rows[i].why);
	}
	static const float weights[2] = {1, 1};
	for (int clip = 0; clip < 2; clip++) { /* with it the layer is a loop */
		model m = new_model();
		input(&m, "x", EG_ONNX_FLOAT, DIMS(-1, -1, 1), time_batch);
		numbers(&m, "w", EG_ONNX_FLOAT, DIMS(1, 1, 1), weights);
		node(&m, "RNN", "x w w", "y");
		attr(&m, (eg_onnx_attr){.name = "direction", .kind = EG_ONNX_A_STRING, .s = "sideways"});
		if (clip) attr(&m, (eg_onnx_attr){.name = "clip", .kind = EG_ONNX_A_FLOAT, .f = 1});
		output(&m, "y", EG_ONNX_FLOAT);
		refused(&m, "there is no direction 'sideways'");
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(bytes), cmocka_unit_test(compared), cmocka_unit_test(inexact), cmocka_unit_test(bounded), cmocka_unit_test(branches), cmocka_unit_test(loops),
		cmocka_unit_test(endless), cmocka_unit_test(scans), cmocka_unit_test(open_shapes), cmocka_unit_test(beside_ids), cmocka_unit_test(moved_back), cmocka_unit_test(left_out)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
