/* onnx_show.c - engram info of a network without a recipe: what comes in and goes out, its operators, their weights. */
#include "onnx.h"

#include <stdlib.h>
#include <string.h>

static const char *type_name(eg_onnx_type t) {
	static const char *const names[] = {[EG_ONNX_FLOAT] = "float", [EG_ONNX_UINT8] = "uint8", [EG_ONNX_INT8] = "int8", [EG_ONNX_UINT16] = "uint16",
		[EG_ONNX_INT16] = "int16", [EG_ONNX_INT32] = "int32", [EG_ONNX_INT64] = "int64", [EG_ONNX_STRING] = "string", [EG_ONNX_BOOL] = "bool",
		[EG_ONNX_FLOAT16] = "float16", [EG_ONNX_DOUBLE] = "double", [EG_ONNX_UINT32] = "uint32", [EG_ONNX_UINT64] = "uint64", [EG_ONNX_BFLOAT16] = "bfloat16"};
	return t > 0 && (size_t)t < sizeof names / sizeof *names && names[t] ? names[t] : "?";
}

static const char *dim_text(const eg_onnx_value *v, int i, char buf[NUMBER]) {
	const char *open = v->open ? v->open[i] : NULL;
	if (v->dims[i] < 0) return open && *open ? text_shown(open) : "?";
	snprintf(buf, NUMBER, "%lld", (long long)v->dims[i]);
	return buf;
}

static void print_values(const char *what, const eg_onnx_value *v, int n) {
	char buf[NUMBER];
	for (int i = 0; i < n; i++) {
		printf("%s %s: %s (", what, text_shown(v[i].name), type_name(v[i].type));
		for (int k = 0; k < v[i].rank; k++) printf("%s%s", k ? "," : "", dim_text(&v[i], k, buf));
		puts(")");
	}
}

static void put_values(eg_value *map, const char *key, const eg_onnx_value *v, int n) {
	eg_value *list = eg_value_put_list(map, key);
	char buf[NUMBER];
	for (int i = 0; i < n; i++) {
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_text(one, "name", v[i].name);
		eg_value_put_text(one, "type", type_name(v[i].type));
		eg_value *shape = eg_value_put_list(one, "shape");
		for (int k = 0; k < v[i].rank; k++)
			if (v[i].dims[k] >= 0) eg_value_put_int(shape, NULL, v[i].dims[k]);
			else eg_value_put_text(shape, NULL, dim_text(&v[i], k, buf));
	}
}

typedef struct sums {
	int64_t params, macs;
} sums;

/* Nodes of the graph: what is left of the file's when sizes have been computed. */
static sums list_nodes(eg_graph *g, table *t, eg_value *list) {
	sums s = {0};
	char shape[256], p[NUMBER], m[NUMBER];
	for (int i = 0; i < eg_graph_nodes(g); i++) {
		eg_node_info n;
		eg_graph_node(g, i, &n);
		eg_shape_text(g, eg_tensor_dims(g, n.outputs[0]), shape, sizeof shape);
		s.params += n.params;
		s.macs += n.macs;
		if (t) {
			table_cell(t, "%s", text_shown(n.name));
			table_cell(t, "%s", n.op->name);
			table_cell(t, "%s", shape);
			table_cell(t, "%s", n.params ? number_int(p, n.params) : "");
			table_cell(t, "%s", n.macs ? number_int(m, n.macs) : "");
		} else {
			eg_value *one = eg_value_put_map(list, NULL);
			eg_value_put_text(one, "name", n.name);
			eg_value_put_text(one, "operator", n.op->name);
			eg_value_put_text(one, "output", shape);
			eg_value_put_int(one, "parameters", n.params);
			eg_value_put_int(one, "multiply_adds", n.macs);
		}
	}
	return s;
}

static void print_nodes(eg_graph *g) {
	static const char *const head[] = {"node", "operator", "output", "parameters", "multiply-adds"};
	char p[NUMBER], m[NUMBER];
	table *t = table_new("lllrr");
	for (int i = 0; i < 5; i++) table_cell(t, "%s", head[i]);
	table_rule(t);
	const sums s = list_nodes(g, t, NULL);
	table_rule(t);
	table_cell(t, "total");
	for (int i = 0; i < 2; i++) table_cell(t, "%s", "");
	table_cell(t, "%s", number_int(p, s.params));
	table_cell(t, "%s", number_int(m, s.macs));
	putchar('\n');
	table_print(t, stdout, 2);
	table_free(t);
	puts("\nMultiply-adds are those of one sample, of a sequence of one step.");
}

static void print_text(const char *path, eg_network *n) {
	const eg_onnx_model *m = eg_network_model(n);
	eg_error why = {0}, never;
	int size = 0;
	eg_graph *g = eg_network_graph(n, NULL, &why);
	const char *producer = eg_network_producer(n);
	printf("%s: network of ONNX, opset %d%s%s, %d nodes\n", path, m->opset, *producer ? ", written by " : "", text_shown(producer), m->nnodes);
	print_values("input", m->inputs, m->ninputs);
	print_values("output", m->outputs, m->noutputs);
	if (!g) printf("\nWith open sizes it cannot be planned (%s); it is for each size that it is run with.\n", why.message);
	if (!g && (g = eg_network_example(n, &size, &never))) printf("Here each of them is %d:\n", size);
	if (g) print_nodes(g);
}

static void print_as_json(const eg_network *n) {
	const eg_onnx_model *m = eg_network_model(n);
	eg_graph *g = eg_network_graph(n, NULL, NULL);
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_int(v, "opset", m->opset);
	eg_value_put_text(v, "producer", eg_network_producer(n));
	put_values(v, "inputs", m->inputs, m->ninputs);
	put_values(v, "outputs", m->outputs, m->noutputs);
	if (g) {
		const sums s = list_nodes(g, NULL, eg_value_put_list(v, "layers"));
		eg_value_put_int(v, "parameters", s.params);
		eg_value_put_int(v, "multiply_adds", s.macs);
	}
	print_json(v);
	eg_value_free(v);
}

int onnx_info(const cli_args *a) {
	if (args_has(a, "set")) return fail_usage("info", "--set changes a recipe; %s is a network", a->operands[0]);
	eg_context *ctx = cli_context(a);
	eg_network *n = ctx ? onnx_open(a, a->operands[0], ctx) : NULL;
	const int code = n ? CLI_OK : CLI_FAILED;
	if (n && args_has(a, "json")) print_as_json(n);
	else if (n) print_text(a->operands[0], n);
	eg_network_free(n);
	eg_context_free(ctx);
	return code;
}
