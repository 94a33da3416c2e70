/* import.c - engram import: a network or weights from elsewhere as a model file. */
#include "onnx.h"

#include "engram_pytorch.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_TOLD = 20 };

/* ---- a network --------------------------------------------------------------------------------------------------- */

static void tell_network(const char *to, const eg_network *n) {
	char p[NUMBER];
	eg_params *params;
	int64_t count = 0;
	eg_graph *g = eg_network_graph(n, &params, NULL);
	for (int i = 0; g && i < eg_params_count(params); i++) {
		const eg_dims d = eg_params_dims(params, i);
		int64_t each = 1;
		for (int k = 0; k < d.rank; k++) each *= d.d[k];
		count += each;
	}
	printf("%s: a network of %d nodes", to, eg_network_model(n)->nnodes);
	if (g) printf(", here %d operators with %s weights\n", eg_graph_nodes(g), number_int(p, count));
	else puts(", which is planned for each size that it is run with");
}

static int import_network(const cli_args *a, const char *from, const char *to) {
	eg_error err;
	eg_context *ctx = cli_context(a);
	eg_network *n = ctx ? onnx_open(a, from, ctx) : NULL;
	int code = n ? CLI_OK : CLI_FAILED;
	if (n && eg_network_save(to, n, &err)) code = fail_error("import", &err);
	if (!code) tell_network(to, n);
	eg_network_free(n);
	eg_context_free(ctx);
	return code;
}

/* ---- weights ----------------------------------------------------------------------------------------------------- */

static void on_module(void *user, const char *layer, const char *module) {
	(void)user;
	printf("  %s: %s\n", text_shown(layer), text_shown(module));
}

/* user: how many are not there (int) */
static void on_weight(void *user, const char *name, const char *why) {
	if (why && ++*(int *)user <= MOST_TOLD) fprintf(stderr, "  not %s: %s\n", text_shown(name), text_shown(why));
}

/* Of PyTorch by names and shapes, of a network by the order of its layers. Here there are no others to begin with, so
 * all must be there. */
static eg_status read_weights(const cli_args *a, const char *from, eg_graph *g, eg_params *p, eg_context *ctx, eg_error *err) {
	int n, missing = 0;
	const char **map = args_all(a, "map", &n);
	eg_network *network = NULL;
	eg_status status;
	if (!eg_network_is(from)) status = eg_pytorch_read(from, g, p, map, on_module, NULL, err);
	else if ((network = eg_network_load(from, ctx, err))) status = eg_network_take(g, p, network, NULL, on_weight, &missing, err);
	else status = err->status;
	eg_network_free(network);
	free(map);
	if (status || !missing) return status;
	snprintf(err->message, sizeof err->message, "%d weights of the recipe have none in '%.300s'; train.from takes what there is", missing, from);
	return err->status = EG_ERR_SHAPE;
}

/* What the task keeps beside the weights (names, vocabulary, scaling) is that of the recipe's data. */
static eg_status import_weights(const cli_args *a, eg_recipe *r, eg_context *ctx, const char *to, eg_error *err) {
	eg_task *t = NULL;
	eg_samples *s = NULL;
	eg_graph *g = NULL;
	eg_params *p = NULL;
	const eg_samples_options o = {.part = EG_PART_TRAIN};
	eg_status status = eg_task_open(r, &t, err);
	if (!status) status = cli_samples(a, t, &o, &s, err);
	if (!status) status = eg_recipe_build(r, ctx, eg_samples_sizes(s), &g, err);
	if (!status) status = eg_task_suits(t, g, err);
	if (!status && !(p = eg_params_new_zero(g, err))) status = err->status;
	if (!status) status = read_weights(a, a->operands[0], g, p, ctx, err);
	if (!status) {
		eg_task_constrain(t, p);
		status = eg_model_save(to, &(eg_model_parts){.recipe = r, .params = p, .sizes = eg_samples_sizes(s), .task = eg_samples_kept(s)}, err);
	}
	eg_params_free(p);
	eg_graph_free(g);
	eg_samples_free(s);
	eg_task_free(t);
	return status;
}

static int import_into(const cli_args *a, const char *recipe, const char *to) {
	eg_error err;
	eg_context *ctx = cli_context(a);
	eg_recipe *r = ctx ? cli_recipe(a, recipe) : NULL;
	int code = r ? CLI_OK : CLI_FAILED;
	if (r && import_weights(a, r, ctx, to, &err)) code = fail_error("import", &err);
	if (!code) puts(to);
	eg_recipe_free(r);
	eg_context_free(ctx);
	return code;
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

static int run(const cli_args *a) {
	const char *from = a->operands[0], *to = args_text(a, "output"), *recipe = args_text(a, "recipe");
	if (!to) return fail_usage("import", "-o is missing: where is the model to be written?");
	if (!recipe && (args_has(a, "map") || args_has(a, "set"))) return fail_usage("import", "--map and --set are about a recipe, which --recipe names");
	if (!cli_can_write(a, to)) return CLI_FAILED;
	if (recipe) return import_into(a, recipe, to);
	if (!eg_network_is(from)) return fail("import", "%s is no file of ONNX; for weights of PyTorch name the network with --recipe", from);
	return import_network(a, from, to);
}

static const cli_option options[] = {
	{"output", 'o', "MODEL", "the model file that is written", 0, 0},
	{"recipe", 0, "RECIPE", "the network and task that weights are for", 0, 0},
	{"map", 0, "LAYER=MODULE", "where the weights of a layer are, when shapes leave it open; may be repeated", 0, 0},
	OPTION_SET,
	OPTION_THREADS,
	{0},
};

const cli_verb verb_import = {
	.name = "import",
	.line = "make a model of a network or of weights from elsewhere",
	.operands = "FILE.onnx|WEIGHTS.safetensors",
	.min_operands = 1,
	.max_operands = 1,
	.about = "Reads a network of ONNX (opsets up to 22) and writes it as a model file that needs nothing\n"
		 "else: predict, info, bench and export take it, as they take the file itself. What is not\n"
		 "understood is refused with node, operator and reason; nothing is passed over.\n\n"
		 "With --recipe only the weights are taken, into the network of the recipe, whose data gives\n"
		 "names, vocabulary and scaling: of a state dict of PyTorch saved as safetensors, or of a file\n"
		 "of ONNX. Modules of PyTorch go to the layers that they are named as, else to layers of the\n"
		 "same kind and shapes, in the order of their names; what fits nothing is named with its\n"
		 "shapes. Layers of ONNX go by their order.",
	.options = options,
	.examples = "  engram import net.onnx -o net.safetensors\n"
		    "  engram import lenet.safetensors --recipe recipes/lenet5.yaml -o lenet5.safetensors\n"
		    "  engram import tagger.safetensors --recipe recipes/ner-small.yaml --map lstm1=encoder.rnn -o ner.safetensors\n",
	.run = run,
};
