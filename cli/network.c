/* network.c - the network of a recipe or a model, as it is looked at without being trained: what words in layers
 * stand for is asked of the task, and sizes that are left open get a number, so that something can be planned. */
#include "print.h"

#include <string.h>

enum { BATCH = 32 };

int cli_train_batch(const eg_recipe *r) { return eg_recipe_train(r)->batch > 0 ? eg_recipe_train(r)->batch : BATCH; }

/* Steps of a record, where the source knows them without its files. */
static int steps_of(const eg_task *t) {
	int most = 0;
	const eg_source *s = eg_task_source(t);
	for (int i = 0; i < eg_source_fields(s); i++)
		if (eg_source_field(s, i)->steps > most) most = eg_source_field(s, i)->steps;
	return most > 0 ? most : CLI_OPEN_SIZE;
}

/* Sizes that follow from open ones have a ' behind their names. true: there are steps. */
static bool note_open(const eg_graph *g, eg_tensor t, eg_size *open) {
	eg_dims d = eg_tensor_dims(g, t);
	bool steps = false;
	for (int i = 0; i < d.rank; i++) {
		const char *name = d.d[i] < 0 ? eg_open_name(g, d.d[i]) : NULL;
		int k = 0;
		steps = steps || d.d[i] == EG_T || d.d[i] == EG_TN;
		if (!name || d.d[i] == EG_N || d.d[i] == EG_T || strchr(name, '\'')) continue;
		while (k < CLI_OPEN_MOST - 1 && open[k].name && strcmp(open[k].name, name) != 0) k++;
		if (k < CLI_OPEN_MOST - 1) open[k] = (eg_size){name, CLI_OPEN_SIZE};
	}
	return steps;
}

int cli_open_sizes(const eg_task *t, const eg_graph *g, int time, eg_size *open) {
	eg_node_info node;
	bool steps = false;
	for (int i = 0; i < eg_graph_nodes(g); i++) {
		eg_graph_node(g, i, &node);
		for (int k = 0; k < node.ninputs; k++) steps = note_open(g, node.inputs[k], open) || steps;
		for (int k = 0; k < node.noutputs; k++) steps = note_open(g, node.outputs[k], open) || steps;
	}
	return !steps ? 0 : time > 0 ? time : steps_of(t);
}

static bool of_model(const cli_args *a, const char *path, eg_context *ctx, cli_network *n) {
	eg_error err;
	n->model = cli_model_to_look(a, path, ctx);
	if (!n->model) return false;
	if (eg_model_warning(n->model)) fail(a->verb->name, "warning: %s: %s", path, eg_model_warning(n->model));
	n->recipe = eg_model_recipe(n->model);
	n->graph = eg_model_graph(n->model);
	n->sizes = eg_model_sizes(n->model);
	return !eg_task_open(n->recipe, &n->task, &err) || (fail_error(a->verb->name, &err), false);
}

static bool of_recipe(const cli_args *a, const char *path, eg_context *ctx, cli_network *n) {
	eg_error err;
	n->recipe = cli_recipe(a, path);
	if (!n->recipe) return false;
	eg_status status = eg_task_open(n->recipe, &n->task, &err);
	if (!status) status = eg_task_sizes(n->task, &n->sizes, &err);
	if (!status) status = eg_task_fits(n->task, &err);
	if (!status) status = eg_recipe_build(n->recipe, ctx, n->sizes, &n->graph, &err);
	if (!status) status = eg_task_suits(n->task, n->graph, &err);
	return !status || (fail_error(a->verb->name, &err), false);
}

bool cli_network_open(const cli_args *a, const char *path, eg_context *ctx, int time, cli_network *n) {
	*n = (cli_network){0};
	bool ok = cli_is_model(path) ? of_model(a, path, ctx, n) : of_recipe(a, path, ctx, n);
	if (ok) n->time = cli_open_sizes(n->task, n->graph, time, n->open);
	return ok;
}

void cli_network_free(cli_network *n) {
	eg_task_free(n->task);
	if (n->model) {
		eg_model_free(n->model);
	} else {
		eg_graph_free(n->graph);
		eg_recipe_free(n->recipe);
	}
	*n = (cli_network){0};
}
