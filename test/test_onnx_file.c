/* test_onnx_file.c - files of ONNX: what is written is read again, and what is no model, or means harm, is refused.
 * Messages are put together here byte by byte. */
#define _XOPEN_SOURCE 700

#include "net.h"

#include "base/base.h"
#include "engram_onnx_file.h"
#include "engram_ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct bytes {
	uint8_t *at;
	size_t n, room;
} bytes;

static void put(bytes *b, const void *p, size_t n) {
	if (b->n + n > b->room) b->at = realloc(b->at, b->room = 2 * (b->n + n) + 64);
	assert_non_null(b->at);
	if (n) memcpy(b->at + b->n, p, n);
	b->n += n;
}
static void varint(bytes *b, uint64_t v) {
	for (; v > 127; v >>= 7) put(b, &(uint8_t){(uint8_t)(v | 128)}, 1);
	put(b, &(uint8_t){(uint8_t)v}, 1);
}
static void number(bytes *b, int field, uint64_t v) {
	varint(b, (uint64_t)field << 3);
	varint(b, v);
}
static void part(bytes *b, int field, const void *p, size_t n) {
	varint(b, (uint64_t)field << 3 | 2);
	varint(b, n);
	put(b, p, n);
}
static void text(bytes *b, int field, const char *s) { part(b, field, s, strlen(s)); }
/* A message as a part of another one; it is used up. */
static void within(bytes *b, int field, bytes m) {
	part(b, field, m.at, m.n);
	free(m.at);
}

/* Fields of ONNX's messages. */
enum { OPSETS = 8, GRAPH = 7, NODE = 1, INITIALIZER = 5, ATTRIBUTE = 5, A_GRAPH = 6, DIMS = 1, DATA_TYPE = 2, FLOATS = 4, RAW = 9, TENSOR_NAME = 8, EXTERNAL = 13, LOCATION = 14 };

static bytes opset(uint64_t version) {
	bytes b = {0};
	text(&b, 1, "");
	number(&b, 2, version);
	return b;
}
static bytes model_of(bytes graph) {
	bytes b = {0};
	within(&b, OPSETS, opset(17));
	within(&b, GRAPH, graph);
	return b;
}
/* A tensor "w" of floats. */
static bytes tensor_of(uint64_t d0, uint64_t d1, size_t raw) {
	bytes b = {0};
	static const char zeros[64];
	number(&b, DIMS, d0);
	number(&b, DIMS, d1);
	number(&b, DATA_TYPE, EG_ONNX_FLOAT);
	text(&b, TENSOR_NAME, "w");
	if (raw) part(&b, RAW, zeros, raw);
	return b;
}
static bytes with_tensor(bytes tensor) {
	bytes g = {0};
	within(&g, INITIALIZER, tensor);
	return model_of(g);
}

static void refused(bytes b, const char *why) {
	eg_error err = {0};
	eg_onnx_file *f = eg_onnx_file_parse(b.at, b.n, "x.onnx", &err);
	if (f) fail_msg("it was read, and not refused because %s", why);
	if (!strstr(err.message, why)) fail_msg("'%s' does not say '%s'", err.message, why);
	free(b.at);
}

static void shapes(void **state) {
	EG_UNUSED(state);
	refused(with_tensor(tensor_of((uint64_t)1 << 40, (uint64_t)1 << 40, 4)), "a shape that no numbers can have");
	refused(with_tensor(tensor_of((uint64_t)-2, 3, 4)), "a shape that no numbers can have");
	refused(with_tensor(tensor_of(2, 2, 12)), "not as many as their shape says");
	refused(with_tensor(tensor_of(0, 2, 8)), "not as many as their shape says");
	refused(with_tensor(tensor_of(2, 2, 0)), "not as many as their shape says");
	/* 2^64 numbers, or bytes: 0 when that wraps. */
	refused(with_tensor(tensor_of((uint64_t)1 << 62, 4, 4)), "a shape that no numbers can have");
	refused(with_tensor(tensor_of((uint64_t)1 << 62, 1, 4)), "a shape that no numbers can have");
	refused(with_tensor(tensor_of(1 << 30, 2, 4)), "not as many as their shape says");
	bytes listed = tensor_of(0, 2, 0), twofold = tensor_of(1, 1, 4);
	part(&listed, FLOATS, "\0\0\0\0", 4); /* nothing by its shape, and a number in its list */
	refused(with_tensor(listed), "not as many as their shape says");
	part(&twofold, FLOATS, "\0\0\0\0", 4);
	refused(with_tensor(twofold), "are there twice");
	bytes t = tensor_of(1, 1, 4);
	number(&t, DATA_TYPE, 99);
	refused(with_tensor(t), "type 99");
	bytes ok = with_tensor(tensor_of(2, 2, 16));
	eg_error err;
	eg_onnx_file *f = eg_onnx_file_parse(ok.at, ok.n, "x.onnx", &err);
	assert_non_null(f);
	assert_int_equal(eg_onnx_file_model(f)->ntensors, 1);
	eg_onnx_file_free(f);
	free(ok.at);
}

static void whole_files(void **state) {
	EG_UNUSED(state);
	bytes none = {0}, twice = {0}, late = {0};
	put(&none, "engram", 6);
	refused(none, "cut off");
	refused((bytes){0}, "empty");
	within(&twice, OPSETS, opset(17));
	within(&twice, OPSETS, opset(18));
	within(&twice, GRAPH, (bytes){0});
	refused(twice, "two versions");
	within(&late, OPSETS, opset(99));
	within(&late, GRAPH, (bytes){0});
	refused(late, "opset 99");
}

/* A graph in an attribute of a node of a graph ... */
static void nested(void **state) {
	EG_UNUSED(state);
	bytes g = {0};
	for (int i = 0; i < 200; i++) {
		bytes a = {0}, n = {0}, outer = {0};
		text(&a, 1, "body");
		within(&a, A_GRAPH, g);
		within(&n, ATTRIBUTE, a);
		within(&outer, NODE, n);
		g = outer;
	}
	refused(model_of(g), "nested too deeply");
}

/* Two bytes a node, of which each takes more than a hundred. */
static void out_of_proportion(void **state) {
	EG_UNUSED(state);
	bytes g = {0};
	for (int i = 0; i < 2000000; i++) part(&g, NODE, "", 0);
	refused(model_of(g), "out of proportion");
}

/* ---- graphs ------------------------------------------------------------------------------------------------------ */

enum { INPUT = 11, OUTPUT = 12, TYPE = 2, TENSOR_TYPE = 1, SHAPE = 2 };

/* A value "x" of two numbers. */
static bytes value_of(const char *name, uint64_t size) {
	bytes dim = {0}, shape = {0}, tensor = {0}, type = {0}, v = {0};
	number(&dim, 1, size);
	within(&shape, 1, dim);
	number(&tensor, 1, EG_ONNX_FLOAT);
	within(&tensor, SHAPE, shape);
	within(&type, TENSOR_TYPE, tensor);
	text(&v, 1, name);
	within(&v, TYPE, type);
	return v;
}

/* a, b -> y, with an attribute or none. */
static bytes node_of(const char *type, const char *a, const char *b, const char *y, bytes attribute) {
	bytes n = {0};
	text(&n, 1, a);
	if (b) text(&n, 1, b);
	text(&n, 2, y);
	text(&n, 4, type);
	if (attribute.n) within(&n, ATTRIBUTE, attribute);
	return n;
}

static bytes attribute_of(const char *name, int kind) {
	bytes a = {0};
	text(&a, 1, name);
	number(&a, 20, (uint64_t)kind);
	return a;
}

/* It is read, and refused when it becomes a graph. */
static void no_graph(bytes g, const char *why) {
	eg_error err = {0};
	eg_context *ctx = eg_context_new(NULL, &err);
	eg_graph *graph = NULL;
	eg_params *p = NULL;
	bytes b = model_of(g);
	eg_onnx_file *f = eg_onnx_file_parse(b.at, b.n, "x.onnx", &err);
	if (!f) fail_msg("%s", err.message);
	if (!eg_onnx_import(ctx, eg_onnx_file_model(f), &graph, &p, &err)) fail_msg("it was not refused because %s", why);
	assert_true(!graph && !p);
	if (!strstr(err.message, why)) fail_msg("'%s' does not say '%s'", err.message, why);
	eg_onnx_file_free(f);
	eg_context_free(ctx);
	free(b.at);
}

static bytes graph_of(bytes first, bytes second) {
	bytes g = {0};
	within(&g, INPUT, value_of("x", 2));
	within(&g, NODE, first);
	if (second.n) within(&g, NODE, second);
	within(&g, OUTPUT, value_of("y", 2));
	return g;
}

static void graphs(void **state) {
	EG_UNUSED(state);
	const bytes none = {0};
	/* A cycle. */
	no_graph(graph_of(node_of("Add", "x", "y", "z", none), node_of("Relu", "z", NULL, "y", none)), "nothing that is computed before it");
	no_graph(graph_of(node_of("Add", "x", "y", "y", none), none), "nothing that is computed before it");
	no_graph(graph_of(node_of("Relu", "there", NULL, "y", none), none), "nothing that is computed before it");
	no_graph(graph_of(node_of("Relu", "x", NULL, "z", none), none), "output 'y' of the model is not computed");
	no_graph(graph_of(node_of("Relu", "x", NULL, "x", none), none), "the name of another value");
	no_graph(graph_of(node_of("Relu", "x", NULL, "y", none), node_of("Tanh", "x", NULL, "y", none)), "the name of another value");
	no_graph(graph_of(node_of("Softmax", "x", NULL, "y", attribute_of("axis", EG_ONNX_A_STRING)), none), "wrong type");
	no_graph(graph_of(node_of("LeakyRelu", "x", NULL, "y", attribute_of("alpha", EG_ONNX_INTS)), none), "wrong type");
	no_graph(graph_of(node_of("Relu", "x", NULL, "y", attribute_of("unheard", EG_ONNX_AN_INT)), none), "'unheard' is not supported");
	no_graph(graph_of(node_of("Add", "x", NULL, "y", none), none), "Add");
	no_graph(graph_of(node_of("Concat", "", NULL, "y", none), none), "Concat");
	no_graph(graph_of(node_of("If", "x", NULL, "y", none), none), "'else_branch' is missing");
	no_graph(graph_of(node_of("Unheard", "x", NULL, "y", none), none), "no such operator");
	/* Attributes that are there twice, or of a kind without what belongs to it. */
	bytes once = node_of("Softmax", "x", NULL, "y", attribute_of("axis", EG_ONNX_AN_INT));
	within(&once, ATTRIBUTE, attribute_of("axis", EG_ONNX_AN_INT));
	refused(model_of(graph_of(once, none)), "the attribute 'axis' twice");
	refused(model_of(graph_of(node_of("ConstantOfShape", "x", NULL, "y", attribute_of("value", EG_ONNX_A_TENSOR)), none)), "'value' has no numbers");
	refused(model_of(graph_of(node_of("If", "x", NULL, "y", attribute_of("then_branch", EG_ONNX_A_GRAPH)), none)), "'then_branch' has no graph");
	no_graph(graph_of(node_of("If", "x", NULL, "y", attribute_of("else_branch", EG_ONNX_AN_INT)), none), "wrong type");
	/* Numbers and outputs of one name, numbers without one. */
	bytes same = graph_of(node_of("Relu", "x", NULL, "y", none), none), nameless = graph_of(node_of("Relu", "x", NULL, "y", none), none), unnamed = {0};
	within(&same, INITIALIZER, tensor_of(1, 1, 4));
	within(&same, INITIALIZER, tensor_of(1, 1, 4));
	no_graph(same, "'w' are there twice");
	number(&unnamed, DATA_TYPE, EG_ONNX_FLOAT);
	part(&unnamed, RAW, "\0\0\0\0", 4);
	within(&nameless, INITIALIZER, unnamed);
	no_graph(nameless, "without a name");
	bytes split = node_of("Split", "x", NULL, "y", none);
	text(&split, 2, "y");
	no_graph(graph_of(split, none), "the name of another value");
	bytes outputs = graph_of(node_of("Relu", "x", NULL, "y", none), none);
	within(&outputs, OUTPUT, value_of("y", 2));
	no_graph(outputs, "y");
	bytes negative = {0};
	within(&negative, INPUT, value_of("x", (uint64_t)-3));
	refused(model_of(negative), "has the size -3");
	bytes twice = graph_of(node_of("Relu", "x", NULL, "y", none), none), sizes = {0};
	within(&twice, INPUT, value_of("x", 2));
	no_graph(twice, "is there twice");
	within(&sizes, INPUT, value_of("x", (uint64_t)1 << 40));
	refused(model_of(sizes), "has the size");
	bytes endless = {0}, longer = {0};
	number(&endless, OPSETS, 0);
	for (int i = 0; i < 12; i++) put(&endless, &(uint8_t){0xff}, 1); /* a number without an end */
	refused(endless, "damaged");
	varint(&longer, (uint64_t)2 << 3 | 2);
	varint(&longer, UINT64_MAX); /* a text without an end */
	refused(longer, "damaged");
}

/* Shapes that nodes make of numbers of the model. */
static void made_shapes(void **state) {
	EG_UNUSED(state);
	static const int64_t lists[][3] = {{INT64_C(1) << 31, INT64_C(1) << 31, 4}, {INT64_C(1) << 62, 4, 1}, {-2, 3, 3}, {INT64_MIN, -1, INT64_MIN}, {65536, 65536, 65536}};
	static const char *const types[] = {"ConstantOfShape", "Expand", "Reshape", "Tile"};
	for (int i = 0; i < EG_COUNT(lists) * EG_COUNT(types); i++) {
		const char *type = types[i % EG_COUNT(types)];
		const bool alone = i % EG_COUNT(types) == 0;
		bytes list = {0}, g = graph_of(node_of(type, alone ? "s" : "x", alone ? NULL : "s", "y", (bytes){0}), (bytes){0});
		number(&list, DIMS, 3);
		number(&list, DATA_TYPE, EG_ONNX_INT64);
		text(&list, TENSOR_NAME, "s");
		part(&list, RAW, lists[i / EG_COUNT(types)], sizeof lists[0]);
		within(&g, INITIALIZER, list);
		no_graph(g, type);
	}
}

/* ---- numbers in other files -------------------------------------------------------------------------------------- */

static bytes external(const char *location, const char *offset) {
	bytes t = tensor_of(2, 2, 0), where = {0}, at = {0};
	text(&where, 1, "location");
	text(&where, 2, location);
	within(&t, EXTERNAL, where);
	text(&at, 1, "offset");
	text(&at, 2, offset);
	within(&t, EXTERNAL, at);
	number(&t, LOCATION, 1);
	return with_tensor(t);
}

static void save(const char *path, const void *p, size_t n) {
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
}

static void other_files(void **state) {
	EG_UNUSED(state);
	static const struct { const char *location, *offset, *why; } cases[] = {{"../w.bin", "0", "plain name"}, {"/etc/passwd", "0", "plain name"}, {"w.bin", "20", "behind the end"},
		{"link", "0", "a link"}, {"folder", "0", "no plain file"}, {"none", "0", "No such file"}, {"w.bin", "-1", "no number"}, {"w.bin", "18446744073709551615", "behind the end"}, {"w.bin", "18446744073709551616", "no number"},
		{"w.bin", "0x4", "no number"}, {"w.bin", "", "no number"}, {"./w.bin", "0", "plain name"}, {"folder/../w.bin", "0", "plain name"}, {"..\\w.bin", "0", "plain name"},
		{"..", "0", "plain name"}, {"", "0", "plain name"}, {"w.bin", "4", NULL}};
	char folder[] = "/tmp/engram-onnx-XXXXXX", path[200], name[200];
	const float numbers[] = {0, 1, 2, 3, 4};
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof path, "%s/w.bin", folder);
	save(path, numbers, sizeof numbers);
	snprintf(name, sizeof name, "%s/link", folder);
	assert_int_equal(symlink(path, name), 0);
	snprintf(name, sizeof name, "%s/folder", folder);
	assert_int_equal(mkdir(name, 0700), 0);
	snprintf(path, sizeof path, "%s/m.onnx", folder);
	for (int i = 0; i < EG_COUNT(cases); i++) {
		bytes b = external(cases[i].location, cases[i].offset);
		eg_error err = {0};
		save(path, b.at, b.n);
		free(b.at);
		eg_onnx_file *f = eg_onnx_file_load(path, &err);
		if (cases[i].why && (f || !strstr(err.message, cases[i].why))) fail_msg("%s, %s: '%s'", cases[i].location, cases[i].why, err.message);
		if (!cases[i].why) {
			if (!f) fail_msg("%s", err.message);
			assert_memory_equal(eg_onnx_file_model(f)->tensors[0].data, numbers + 1, 16);
		}
		eg_onnx_file_free(f);
	}
	refused(external("w.bin", "0"), "may not have"); /* bytes have no folder */
	bytes huge = tensor_of((uint64_t)1 << 40, 1 << 15, 0), where = {0}; /* 2^57 bytes of a file that has 20 */
	text(&where, 1, "location");
	text(&where, 2, "w.bin");
	within(&huge, EXTERNAL, where);
	number(&huge, LOCATION, 1);
	huge = with_tensor(huge);
	save(path, huge.at, huge.n);
	free(huge.at);
	eg_error err = {0};
	eg_onnx_file *f = eg_onnx_file_load(path, &err);
	if (f || !strstr(err.message, "behind the end")) fail_msg("2^57 bytes: '%s'", err.message);
	snprintf(name, sizeof name, "rm -rf %s", folder);
	assert_int_equal(system(name), 0);
}

/* ---- there and back ---------------------------------------------------------------------------------------------- */

static void there_and_back(void **state) {
	EG_UNUSED(state);
	const char *path = "/tmp/engram-onnx-there.onnx";
	eg_error err = {0};
	eg_context *ctx = eg_context_new(NULL, &err);
	eg_graph *g = eg_graph_new(ctx, &err), *again = NULL;
	const eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, 3));
	const eg_tensor h = eg_lstm(g, x, .hidden = 5, .bidirectional = true);
	eg_output(g, "y", eg_linear(g, h, .units = 2));
	eg_params *p = eg_params_new(g, 7, &err), *q = NULL;
	assert_non_null(p);
	eg_onnx_model *m = eg_onnx_export(g, p, NULL, 0, &err);
	if (!m) fail_msg("%s", err.message);
	if (eg_onnx_file_save(path, m, &err)) fail_msg("%s", err.message);
	eg_onnx_file *f = eg_onnx_file_load(path, &err);
	if (!f) fail_msg("%s", err.message);
	const eg_onnx_model *r = eg_onnx_file_model(f);
	assert_int_equal(r->opset, m->opset);
	assert_int_equal(r->nnodes, m->nnodes);
	assert_int_equal(r->inputs[0].dims[0], -1);
	assert_string_equal(r->inputs[0].open[1], "batch");
	if (eg_onnx_import(ctx, r, &again, &q, &err)) fail_msg("%s", err.message);
	const eg_plan_options o = {.batch = 2, .time = 4};
	eg_plan *a = eg_plan_new(g, p, &o, &err), *b = eg_plan_new(again, q, &o, &err);
	assert_true(a && b);
	for (int i = 0; i < 24; i++) ((eg_real *)eg_plan_input(a, "x"))[i] = ((eg_real *)eg_plan_input(b, "x"))[i] = (eg_real)((i * 7) % 5 - 2);
	eg_plan_run(a, 0);
	eg_plan_run(b, 0);
	for (int i = 0; i < 16; i++) assert_true(fabs((double)eg_plan_output(a, "y")[i] - (double)eg_plan_output(b, "y")[i]) < 1e-5);
	eg_plan_free(a);
	eg_plan_free(b);
	eg_onnx_file_free(f);
	eg_onnx_free(m);
	eg_params_free(p);
	eg_params_free(q);
	eg_graph_free(g);
	eg_graph_free(again);
	eg_context_free(ctx);
	unlink(path);
}

int main(void) {
	eg_error err;
	eg_onnx_file *f = eg_onnx_file_parse("", 0, "x", &err);
	eg_onnx_file_free(f);
	if (strstr(err.message, "built without")) return 77;
	const struct CMUnitTest tests[] = {cmocka_unit_test(shapes), cmocka_unit_test(whole_files), cmocka_unit_test(nested), cmocka_unit_test(out_of_proportion), cmocka_unit_test(graphs), cmocka_unit_test(made_shapes),
		cmocka_unit_test(other_files), cmocka_unit_test(there_and_back)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
