/* export.c - engram export: a network for other programs: as a file of ONNX, as a picture, as a text for Graphviz, its
 * weights under the names that PyTorch has for them, the recipe it was trained by. */
#include "onnx.h"

#include "engram_pytorch.h"
#include "engram_report.h"

#include <stdlib.h>
#include <string.h>

/* What is written: of a recipe or a model (n), or of a network alone (alone, where that is possible). */
typedef struct form {
	const char *name, *ending;
	int (*write)(const cli_args *a, cli_network *n, const char *path);
	int (*write_alone)(const cli_args *a, eg_network *n, const char *path); /* NULL: it has none */
} form;

/* ---- ONNX -------------------------------------------------------------------------------------------------------- */

static void tell(const char *path, const eg_onnx_told *t) {
	char size[NUMBER], nodes[NUMBER];
	printf("%s: %s, %s nodes", path, number_bytes(size, (double)t->bytes), number_int(nodes, t->nodes));
	const char *s = t->states == 1 ? "" : "s";
	if (t->states) printf(", %d state%s of recurrent layers as input%s that may be left out, and as output%s", t->states, s, s, s);
	printf("\nread again, it gives the same on random numbers in %d runs (largest difference %.1e)\n", t->runs, t->difference);
	if (t->rate > 0) printf("it takes sound, one channel of %g samples a second, between -1 and 1\n", t->rate);
	else if (t->fixed) printf("engram itself reads it with sizes that are known only: each of its steps looks at all others\n");
}

/* A recipe's network has fresh weights. */
static int write_onnx(const cli_args *a, cli_network *n, const char *path) {
	eg_error err;
	eg_onnx_told told = {0};
	const int opset = (int)args_number(a, "opset", 0);
	eg_status status = EG_OK;
	if (n->model) {
		status = eg_onnx_write_model(path, n->model, opset, args_has(a, "features"), &told, &err);
	} else {
		eg_params *p = eg_params_new(n->graph, eg_recipe_train(n->recipe)->seed, &err);
		status = p ? eg_onnx_write_recipe(path, n->recipe, n->sizes, n->graph, p, opset, &told, &err) : err.status;
		eg_params_free(p);
	}
	if (status) return fail_error("export", &err);
	tell(path, &told);
	return CLI_OK;
}

/* The names of its outputs, the caller's. */
static const char **outputs_of(const eg_network *n) {
	const eg_onnx_model *m = eg_network_model(n);
	const char **outputs = cli_alloc((size_t)(m->noutputs + 1) * sizeof *outputs);
	for (int i = 0; i < m->noutputs; i++) outputs[i] = m->outputs[i].name;
	outputs[m->noutputs] = NULL;
	return outputs;
}

/* Of a network alone what is written is what is left of the file that it came from: with sizes computed, in the opset
 * that is asked for. */
static int write_onnx_alone(const cli_args *a, eg_network *n, const char *path) {
	eg_error err;
	eg_onnx_told told = {0};
	eg_params *params;
	eg_graph *g = eg_network_graph(n, &params, &err);
	if (!g) return fail_error("export", &err);
	const char **outputs = outputs_of(n);
	const eg_onnx_parts parts = {.graph = g, .params = params, .outputs = outputs, .opset = (int)args_number(a, "opset", 0), .no_states = true};
	const eg_status status = eg_onnx_write(path, &parts, &told, &err);
	free(outputs);
	if (status) return fail_error("export", &err);
	tell(path, &told);
	return CLI_OK;
}

/* ---- pictures ---------------------------------------------------------------------------------------------------- */

static int draw(const eg_graph *g, const char *title, const char *const *outputs, const char *path, bool dot) {
	eg_error err;
	if (eg_graph_draw(path, g, title, outputs, dot, &err)) return fail_error("export", &err);
	puts(path);
	return CLI_OK;
}

static int draw_network(const cli_network *n, const char *path, bool dot) {
	const char **outputs = eg_recipe_answers(n->recipe);
	const int code = outputs ? draw(n->graph, eg_recipe_name(n->recipe), outputs, path, dot) : fail("export", "out of memory");
	free(outputs);
	return code;
}

static int draw_alone(const cli_args *a, eg_network *n, const char *path, bool dot) {
	eg_error why = {0};
	int size = 0;
	char title[300];
	const eg_graph *g = eg_network_example(n, &size, &why);
	if (!g) return fail_error("export", &why);
	const int end = snprintf(title, sizeof title, "%.250s", a->operands[0]);
	if (size) snprintf(title + end, sizeof title - (size_t)end, ", open sizes: %d", size);
	const char **outputs = outputs_of(n);
	const int code = draw(g, title, outputs, path, dot);
	free(outputs);
	return code;
}

static int write_dot(const cli_args *a, cli_network *n, const char *path) { return (void)a, draw_network(n, path, true); }
static int write_svg(const cli_args *a, cli_network *n, const char *path) { return (void)a, draw_network(n, path, false); }
static int write_dot_alone(const cli_args *a, eg_network *n, const char *path) { return draw_alone(a, n, path, true); }
static int write_svg_alone(const cli_args *a, eg_network *n, const char *path) { return draw_alone(a, n, path, false); }

/* ---- recipes ----------------------------------------------------------------------------------------------------- */

/* What a model was trained by, which its file keeps. */
static int write_recipe(const cli_args *a, cli_network *n, const char *path) {
	static const char form_of[] = "The recipe that %s was trained by, as its file keeps it: without comments.";
	eg_error err;
	if (!n->model) return fail_usage("export", "%s is a recipe already", a->operands[0]);
	const char *model = text_shown(a->operands[0]); /* recipes are UTF-8, whatever a model's file is called */
	const size_t size = strlen(model) + sizeof form_of;
	char *comment = cli_alloc(size);
	snprintf(comment, size, form_of, model);
	const eg_status status = eg_recipe_save(n->recipe, path, comment, &err);
	free(comment);
	if (status) return fail_error("export", &err);
	puts(path);
	return CLI_OK;
}

static int write_recipe_alone(const cli_args *a, eg_network *n, const char *path) {
	eg_error err;
	if (eg_network_write_recipe(path, n, a->operands[0], &err)) return fail_error("export", &err);
	puts(path);
	return CLI_OK;
}

/* ---- weights ----------------------------------------------------------------------------------------------------- */

static int write_pytorch(const cli_args *a, cli_network *n, const char *path) {
	eg_error err;
	if (!n->model) return fail_usage("export", "%s is a recipe, which has no weights yet", a->operands[0]);
	if (eg_pytorch_write(path, n->graph, eg_model_params(n->model), &err)) return fail_error("export", &err);
	puts(path);
	return CLI_OK;
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

static const form forms[] = {
	{"onnx", ".onnx", write_onnx, write_onnx_alone}, {"dot", ".dot", write_dot, write_dot_alone}, {"svg", ".svg", write_svg, write_svg_alone},
	{"recipe", ".yaml", write_recipe, write_recipe_alone}, {"pytorch", ".pytorch.safetensors", write_pytorch, NULL}};

/* The model's own name with another ending. */
static char *name_of(const char *model, const char *ending) {
	const char *slash = strrchr(model, '/'), *dot = strrchr(slash ? slash : model, '.');
	const size_t n = dot && dot != model && dot[-1] != '/' ? (size_t)(dot - model) : strlen(model);
	const size_t room = n + strlen(ending) + 1;
	char *name = cli_alloc(room);
	snprintf(name, room, "%.*s%s", (int)n, model, ending);
	return name;
}

static int export_to(const cli_args *a, const form *f) {
	cli_network n = {0};
	char *name = args_has(a, "output") ? NULL : name_of(a->operands[0], f->ending);
	const char *path = name ? name : args_text(a, "output");
	const bool itself = !strcmp(path, a->operands[0]);
	eg_context *ctx = !itself && cli_can_write(a, path) ? cli_context(a) : NULL;
	int code = CLI_FAILED;
	if (itself) fail("export", "%s would be written over; name another file with -o", path);
	if (ctx && eg_network_is(a->operands[0])) {
		eg_network *alone = f->write_alone ? onnx_open(a, a->operands[0], ctx) : NULL;
		if (!f->write_alone) fail("export", "%s is a network alone, which is not written as %s", a->operands[0], f->name);
		if (alone) code = f->write_alone(a, alone, path);
		eg_network_free(alone);
	} else if (ctx && cli_network_open(a, a->operands[0], ctx, 0, &n)) {
		code = f->write(a, &n, path);
	}
	cli_network_free(&n);
	eg_context_free(ctx);
	free(name);
	return code;
}

static int run(const cli_args *a) {
	const char *to = args_text(a, "to");
	if (!to) return fail_usage("export", "--to is missing: what is to be written?");
	if (cli_is_model(a->operands[0]) && args_has(a, "set")) return fail_usage("export", "--set changes a recipe; %s is a model", a->operands[0]);
	for (int i = 0; i < (int)(sizeof forms / sizeof *forms); i++)
		if (!strcmp(forms[i].name, to)) return export_to(a, &forms[i]);
	return CLI_USAGE;
}

static const cli_option options[] = {
	{"to", 0, "onnx|pytorch|recipe|dot|svg", "what is written", 0, 0},
	{"output", 'o', "FILE", "where to (default: the model's name with another ending)", 0, 0},
	{"opset", 0, "N", "of ONNX: which version of its operators (default: 18)", EG_ONNX_OPSET_LEAST, EG_ONNX_OPSET_MOST},
	{"features", 0, NULL, "onnx, of models of sound: take features made elsewhere in the place of sound", 0, 0},
	OPTION_SET,
	OPTION_THREADS,
	{0},
};

const cli_verb verb_export = {
	.name = "export",
	.line = "write a model for other programs (ONNX), or draw its network",
	.operands = "MODEL|RECIPE",
	.min_operands = 1,
	.max_operands = 1,
	.about = "--to onnx writes standard operators only, of the opset asked for, with open batch and time.\n"
		 "Outputs are the network's answers before the task makes words of them (logits) and those\n"
		 "that the recipe names; of a crf also its weights. Recurrent layers have their states as\n"
		 "inputs that may be left out (LAYER.l0.h0) and as outputs (LAYER.l0.hn). What the task keeps\n"
		 "(classes, vocabulary, scaling) and the recipe are in the file's metadata.\n\n"
		 "A model that is asked about sound takes sound (N,S), of which the first `lengths` samples count,\n"
		 "at the rate in the metadata (sound_rate); its features are made by ONNX's STFT, so the opset is\n"
		 "17 at least. With --features the file takes features, as the network does.\n\n"
		 "The file is read again before it is written and compared on random numbers with unequal\n"
		 "lengths; where an output differs, or a layer has no equal in ONNX, nothing is written and\n"
		 "the reason is told. Of a recipe the network is written with fresh weights.\n\n"
		 "--to pytorch writes the weights alone, as safetensors with the names and the order of gates\n"
		 "of a state dict of PyTorch, whose modules are called as the layers are.\n\n"
		 "--to recipe writes the recipe that a model was trained by. Of a file of ONNX it writes the network,\n"
		 "layer by layer: say there what it is for and where its data are, then import takes its weights\n"
		 "over and train learns on.\n\n"
		 "--to dot and --to svg draw the network, the first for Graphviz.",
	.options = options,
	.examples = "  engram export lenet5.safetensors --to onnx\n"
		    "  engram export recipes/char-lstm.yaml --to svg -o network.svg\n"
		    "  engram export net.onnx --to dot\n"
		    "  engram export mnist-best.safetensors --to recipe -o again.yaml\n",
	.run = run,
};
