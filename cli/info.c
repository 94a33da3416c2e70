/* info.c - engram info: what a network is made of and what it costs, without running it. */
#include "engram_text.h"
#include "print.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- receptive fields -------------------------------------------------------------------------------------------- */

/* How much of the input one value of a tensor can see, height and width, and how far apart neighbours' windows lie:
 *   seen_out = seen_in + (window - 1) dilation jump_in,  jump_out = stride jump_in
 * (Araujo, Norris and Sim 2019). Up-sampling divides the jump; a window that ends within a position of the input sees all
 * of that. `all`: a fully connected layer has mixed all positions. */
typedef struct field {
	int64_t seen[2];
	double jump[2];
	bool known, all;
} field;

typedef struct network {
	const char *name;
	eg_graph *graph;
	eg_params *params;
	int classes, train_batch, batch;
	int time; /* steps, for the memory; 0: no sequences */
	int n; /* nodes that belong to the answer, the loss left out */
	eg_node_info *nodes;
	field *fields; /* parallel to nodes */
	eg_recipe *recipe;
} network;

static int node_of(const network *net, eg_tensor t) {
	for (int i = 0; i < net->n; i++)
		for (int k = 0; k < net->nodes[i].noutputs; k++)
			if (net->nodes[i].outputs[k].id == t.id) return i;
	return -1;
}

static void widen(field *f, const field *other) {
	f->all = f->all || other->all;
	for (int a = 0; a < 2; a++) {
		if (other->seen[a] > f->seen[a]) f->seen[a] = other->seen[a];
		if (other->jump[a] > f->jump[a]) f->jump[a] = other->jump[a];
	}
}

static field field_of(const network *net, const eg_node_info *node) {
	eg_dims input = eg_tensor_dims(net->graph, eg_graph_find(net->graph, "input"));
	field f = {.known = input.rank == 4};
	for (int i = 0; i < node->ninputs; i++) {
		int from = node_of(net, node->inputs[i]);
		widen(&f, from >= 0 ? &net->fields[from] : &(field){.seen = {1, 1}, .jump = {1, 1}});
		f.known = f.known && (from < 0 || net->fields[from].known);
	}
	for (int a = 0; a < 2; a++) {
		if (node->window[a] <= 0) continue;
		double taps = (double)(node->window[a] - 1) * (node->dilation[a] > 0 ? node->dilation[a] : 1);
		f.seen[a] += (int64_t)ceil(taps * f.jump[a] - 1e-9);
		f.jump[a] *= node->stride[a] > 0 ? node->stride[a] : 1;
		if (node->repeats[a] > 0) f.jump[a] /= node->repeats[a];
	}
	/* Weights without a window see everything that comes in. */
	if (node->params > 0 && node->window[0] <= 0) f.all = true;
	for (int a = 0; a < 2 && f.known; a++)
		if (f.all) f.seen[a] = input.d[2 + a];
	return f;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* The name of a size that is open; NULL: it is not, or it is a batch, which is left out where one sample is described. */
static const char *open_name(const eg_graph *g, int64_t d) { return d == EG_T ? "T" : d == EG_N ? NULL : eg_open_name(g, d); }

/* Of one sample: "6×28×28"; of a sequence "T×64". */
static const char *shape_text(const eg_graph *g, eg_dims d, char buf[64]) {
	size_t n = 0;
	buf[0] = '\0';
	for (int i = 0; i < d.rank && n < 60; i++) {
		const char *open = open_name(g, d.d[i]), *sep = n ? "×" : "";
		if (open) n += (size_t)snprintf(buf + n, 64 - n, "%s%s", sep, open);
		else if (d.d[i] > 0) n += (size_t)snprintf(buf + n, 64 - n, "%s%lld", sep, (long long)d.d[i]);
	}
	return n ? buf : strcpy(buf, "1");
}

static const char *field_text(const field *f, char buf[64]) {
	if (!f->known)
		snprintf(buf, 64, "-");
	else if (f->all)
		snprintf(buf, 64, "all");
	else
		snprintf(buf, 64, "%lld×%lld", (long long)f->seen[0], (long long)f->seen[1]);
	return buf;
}

static bool memory_of(const network *net, int batch, bool train, eg_memory *m, eg_error *err) {
	static const char *const answer[] = {"logits", NULL};
	eg_plan *plan = eg_plan_new(net->graph, net->params,
		&(eg_plan_options){.batch = batch, .time = net->time, .train = train, .outputs = train ? NULL : answer,
			.checkpoint_time = eg_recipe_train(net->recipe)->checkpoint_time}, err);
	if (!plan) return false;
	eg_plan_memory(plan, m);
	eg_plan_free(plan);
	return true;
}

typedef struct totals {
	int64_t params, state, macs, dense_params, dense_macs, unshared_params;
	bool shares;
} totals;

static totals sum(const network *net) {
	totals t = {0};
	for (int i = 0; i < net->n; i++) {
		const eg_node_info *n = &net->nodes[i];
		bool shares = n->dense_params > 0;
		t.params += n->params;
		t.state += n->state;
		t.macs += n->macs;
		t.shares = t.shares || shares;
		t.dense_params += shares ? n->dense_params : n->params;
		t.dense_macs += shares ? n->dense_macs : n->macs;
		t.unshared_params += shares ? n->unshared_params : n->params;
	}
	return t;
}

/* How many optimizer moments are kept beside weights and gradients. */
static size_t optimizer_bytes(const network *net) {
	size_t n = 0;
	eg_optimizer *o = eg_optimizer_new(net->params, &eg_recipe_train(net->recipe)->optimizer, NULL);
	if (!o) return 0;
	eg_params_flat_grad(net->params, &n);
	n *= (size_t)eg_optimizer_moments(o) * sizeof(eg_real);
	eg_optimizer_free(o);
	return n;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void print_layers(const network *net) {
	char shape[64], p[NUMBER], m[NUMBER], f[64];
	int columns = net->time ? 5 : 6; /* a receptive field is one in height and width */
	table *t = table_new(net->time ? "llrrr" : "llrrrr");
	static const char *const head[] = {"layer", "operator", "output", "parameters", "multiply-adds", "sees", NULL};
	for (int i = 0; i < columns; i++) table_cell(t, "%s", head[i]);
	table_rule(t);
	table_cell(t, "input");
	table_cell(t, "%s", "");
	table_cell(t, "%s", shape_text(net->graph, eg_tensor_dims(net->graph, eg_graph_find(net->graph, "input")), shape));
	for (int i = 3; i < columns; i++) table_cell(t, "%s", "");
	for (int i = 0; i < net->n; i++) {
		const eg_node_info *n = &net->nodes[i];
		table_cell(t, "%s", n->name);
		table_cell(t, "%s", n->op->layer ? n->op->layer : n->op->name);
		table_cell(t, "%s", shape_text(net->graph, eg_tensor_dims(net->graph, n->outputs[0]), shape));
		table_cell(t, "%s", n->params ? number_int(p, n->params) : "");
		table_cell(t, "%s", n->macs ? number_int(m, n->macs) : "");
		if (columns > 5) table_cell(t, "%s", field_text(&net->fields[i], f));
	}
	table_rule(t);
	totals s = sum(net);
	table_cell(t, "total");
	for (int i = 0; i < 2; i++) table_cell(t, "%s", "");
	table_cell(t, "%s", number_int(p, s.params));
	table_cell(t, "%s", number_int(m, s.macs));
	if (columns > 5) table_cell(t, "%s", "");
	table_print(t, stdout, 2);
	table_free(t);
	if (s.state > 0)
		printf("\nBeside the parameters %s running statistics, which are kept but not trained.\n", number_int(p, s.state));
	if (net->time)
		printf("\nFor one time step of one sequence. T is the number of steps, which may be any.\n");
	else
		printf("\nFor one picture. `sees` is the receptive field: the height and width of the input\n"
	       "that one value of the output depends on, the padding around it included.\n");
}

static void dense_row(table *t, const char *name, const totals *s) {
	char buf[NUMBER];
	const int64_t columns[] = {s->params, s->unshared_params, s->dense_params, s->macs, s->dense_macs};
	table_cell(t, "%s", name);
	for (int i = 0; i < 5; i++) table_cell(t, "%s", number_short(buf, (double)columns[i]));
}

static void print_dense(const network *net) {
	totals s = sum(net);
	if (!s.shares) return;
	table *t = table_new("lrrrrr");
	static const char *const head[] = {
		"layer", "parameters", "unshared", "fully connected", "multiply-adds", "fully connected", NULL};
	for (int i = 0; head[i]; i++) table_cell(t, "%s", head[i]);
	table_rule(t);
	for (int i = 0; i < net->n; i++) {
		const eg_node_info *n = &net->nodes[i];
		totals one = {.params = n->params,
			.macs = n->macs,
			.dense_params = n->dense_params,
			.dense_macs = n->dense_macs,
			.unshared_params = n->unshared_params};
		if (n->dense_params > 0) dense_row(t, n->name, &one);
	}
	table_rule(t);
	dense_row(t, "network", &s);
	printf("\nWhat convolutions save: parameters as they are; with weights of its own for every\n"
	       "position (unshared; as many multiply-adds); and with a fully connected layer in the\n"
	       "place of each.\n\n");
	table_print(t, stdout, 2);
	table_free(t);
}

static void memory_row(table *t, const char *name, double a, double b) {
	char buf[NUMBER];
	table_cell(t, "%s", name);
	table_cell(t, "%s", number_bytes(buf, a));
	table_cell(t, "%s", number_bytes(buf, b));
}

static bool print_memory(const network *net, eg_error *err) {
	eg_memory run, train;
	if (!memory_of(net, net->batch, false, &run, err) || !memory_of(net, net->train_batch, true, &train, err)) return false;
	size_t moments = optimizer_bytes(net);
	table *t = table_new("lrr");
	table_cell(t, "%s", "");
	char steps[NUMBER] = "";
	if (net->time) snprintf(steps, sizeof steps, ", %d steps", net->time);
	table_cell(t, "predict, batch %d%s", net->batch, steps);
	table_cell(t, "train, batch %d%s", net->train_batch, steps);
	table_rule(t);
	memory_row(t, "parameters", (double)run.parameters, (double)train.parameters);
	memory_row(t, "gradients", 0, (double)train.gradients);
	memory_row(t, "optimizer", 0, (double)moments);
	memory_row(t, "inputs, outputs", (double)run.io, (double)train.io);
	memory_row(t, "activations", (double)run.activations, (double)train.activations);
	memory_row(t, "packed weights", (double)run.packed, (double)train.packed);
	memory_row(t, "scratch", (double)run.scratch, (double)train.scratch);
	table_rule(t);
	memory_row(t, "total", (double)(run.parameters + run.total),
		(double)(train.parameters + train.gradients + moments + train.total));
	printf("\nMemory, planned exactly before anything runs.\n\n");
	table_print(t, stdout, 2);
	table_free(t);
	return true;
}

static void print_vocabulary(const eg_vocab *v) {
	printf("vocabulary: %d %ss\n\n", eg_vocab_count(v),
		eg_vocab_unit(v) == EG_UNIT_CHAR ? "character" : eg_unit_names()[eg_vocab_unit(v)]);
}

static void print_classes(const eg_model *m) {
	if (eg_model_vocab(m)) {
		print_vocabulary(eg_model_vocab(m));
		return;
	}
	if (eg_model_classes(m) == 0) {
		printf("\n");
		return;
	}
	printf("classes: ");
	for (int i = 0; i < eg_model_classes(m) && i < 20; i++) {
		char *name = cli_alloc(strlen(eg_model_class_name(m, i)) + 1);
		printf("%s%s", i ? ", " : "", text_clean(strcpy(name, eg_model_class_name(m, i))));
		free(name);
	}
	printf("%s\n\n", eg_model_classes(m) > 20 ? ", ..." : "");
}

static void print_model(const char *path, const network *net, eg_model *m) {
	const eg_train_result *r = eg_model_result(m);
	char number[NUMBER];
	printf("%s: %s written by engram %s\n", path, eg_model_is_checkpoint(m) ? "checkpoint" : "model",
		eg_model_version(m));
	if (r && r->best_epoch > 0 && !net->time && net->classes > 0)
		printf("trained %d epochs; best was %d with validation accuracy %s\n", r->epochs_done, r->best_epoch,
			number_percent(number, r->val_metric));
	else if (r && r->best_epoch > 0)
		printf("trained %d epochs; best was %d with validation loss %s\n", r->epochs_done, r->best_epoch,
			number_loss(number, r->val_loss));
	else if (r)
		printf("trained %d epochs\n", r->epochs_done);
	print_classes(m);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void memory_json(json *j, const char *key, const eg_memory *m, int batch, int time, size_t moments, bool train) {
	json_put_open(j, key, '{');
	json_put_int(j, "batch", batch);
	if (time) json_put_int(j, "time", time);
	json_put_int(j, "parameters", (int64_t)m->parameters);
	json_put_int(j, "gradients", train ? (int64_t)m->gradients : 0);
	json_put_int(j, "optimizer", (int64_t)moments);
	json_put_int(j, "io", (int64_t)m->io);
	json_put_int(j, "activations", (int64_t)m->activations);
	json_put_int(j, "packed", (int64_t)m->packed);
	json_put_int(j, "scratch", (int64_t)m->scratch);
	json_put_int(j, "total", (int64_t)(m->parameters + (train ? m->gradients : 0) + moments + m->total));
	json_put_close(j, '}');
}

static void layer_json(json *j, const network *net, int i) {
	const eg_node_info *n = &net->nodes[i];
	eg_dims d = eg_tensor_dims(net->graph, n->outputs[0]);
	json_put_open(j, NULL, '{');
	json_put_string(j, "name", n->name);
	json_put_string(j, "operator", n->op->name);
	json_put_open(j, "output", '[');
	for (int k = 0; k < d.rank; k++) {
		const char *open = open_name(net->graph, d.d[k]);
		if (open) json_put_string(j, NULL, open);
		else if (d.d[k] > 0) json_put_int(j, NULL, d.d[k]);
	}
	json_put_close(j, ']');
	json_put_int(j, "parameters", n->params);
	json_put_int(j, "multiply_adds", n->macs);
	if (net->fields[i].known) {
		json_put_open(j, "receptive_field", '[');
		for (int a = 0; a < 2; a++) json_put_int(j, NULL, net->fields[i].seen[a]);
		json_put_close(j, ']');
	}
	if (n->dense_params > 0) {
		json_put_int(j, "unshared_parameters", n->unshared_params);
		json_put_int(j, "dense_parameters", n->dense_params);
		json_put_int(j, "dense_multiply_adds", n->dense_macs);
	}
	json_put_close(j, '}');
}

static bool print_json(const network *net, eg_error *err) {
	json j = {.f = stdout};
	totals s = sum(net);
	eg_memory run, train;
	if (!memory_of(net, net->batch, false, &run, err) || !memory_of(net, net->train_batch, true, &train, err)) return false;
	json_put_open(&j, NULL, '{');
	json_put_string(&j, "name", net->name);
	json_put_int(&j, "classes", net->classes);
	json_put_open(&j, "layers", '[');
	for (int i = 0; i < net->n; i++) layer_json(&j, net, i);
	json_put_close(&j, ']');
	json_put_int(&j, "parameters", s.params);
	json_put_int(&j, "running_statistics", s.state);
	json_put_int(&j, "multiply_adds", s.macs);
	json_put_int(&j, "unshared_parameters", s.unshared_params);
	json_put_int(&j, "dense_parameters", s.dense_params);
	json_put_int(&j, "dense_multiply_adds", s.dense_macs);
	json_put_open(&j, "memory", '{');
	memory_json(&j, "predict", &run, net->batch, net->time, 0, false);
	memory_json(&j, "train", &train, net->train_batch, net->time, optimizer_bytes(net), true);
	json_put_close(&j, '}');
	json_put_close(&j, '}');
	json_put_end(&j);
	return true;
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

/* How many steps the recipe trains with at a time, as its data section says; else 64. */
static int steps_of(eg_recipe *r) {
	static const char *const paths[] = {"data.steps", "data.longest"};
	double steps;
	for (int i = 0; i < 2; i++)
		if (eg_recipe_has(r, paths[i]) && !eg_recipe_number(r, paths[i], 64, 1, 1e6, &steps, NULL)) return (int)steps;
	return 64;
}

/* The nodes that lead to the answer: those before the loss, and the loss when it has weights. */
static void survey(network *net) {
	int n = eg_graph_nodes(net->graph);
	eg_tensor loss = eg_graph_find(net->graph, "loss");
	net->nodes = cli_alloc((size_t)n * sizeof *net->nodes);
	net->fields = cli_alloc((size_t)n * sizeof *net->fields);
	for (int i = 0; i < n; i++) {
		eg_graph_node(net->graph, i, &net->nodes[net->n]);
		if (net->nodes[net->n].outputs[0].id == loss.id && net->nodes[net->n].params == 0) continue;
		net->fields[net->n] = field_of(net, &net->nodes[net->n]);
		net->n++;
	}
}

static int show(const cli_args *a, network *net, eg_model *m) {
	eg_dims in = eg_recipe_input(net->recipe);
	eg_error err;
	bool ok, as_json = args_has(a, "json");
	net->name = eg_recipe_name(net->recipe);
	net->batch = (int)args_number(a, "batch", 1);
	net->train_batch = eg_recipe_train(net->recipe)->batch ? eg_recipe_train(net->recipe)->batch : 32;
	if (args_has(a, "batch")) net->train_batch = net->batch;
	net->time = in.d[0] == EG_T ? (int)args_number(a, "time", (uint64_t)steps_of(net->recipe)) : 0;
	survey(net);
	if (as_json) {
		ok = print_json(net, &err);
	} else {
		char shape[64];
		if (m) print_model(a->operands[0], net, m);
		printf("%s: %s, input %s", net->name, eg_recipe_task(net->recipe), shape_text(net->graph, in, shape));
		if (net->classes) printf(", %d classes", net->classes);
		printf("\n\n");
		print_layers(net);
		print_dense(net);
		ok = print_memory(net, &err);
	}
	free(net->nodes);
	free(net->fields);
	return ok ? CLI_OK : fail_error("info", &err);
}

static int of_model(const cli_args *a, eg_context *ctx) {
	eg_model *m = cli_model(a, a->operands[0], ctx);
	if (!m) return CLI_FAILED;
	network net = {.graph = eg_model_graph(m),
		.params = eg_model_params(m),
		.classes = eg_model_classes(m),
		.recipe = eg_model_recipe(m)};
	int code = show(a, &net, m);
	eg_model_free(m);
	return code;
}

static int of_recipe(const cli_args *a, eg_context *ctx) {
	eg_error err;
	eg_task *t = NULL;
	network net = {0};
	eg_recipe *r = cli_recipe(a, a->operands[0]);
	if (!r) return CLI_FAILED;
	int code = CLI_OK;
	if (eg_task_open(r, &t, &err) || eg_task_classes(t, &net.classes, &err) ||
		eg_recipe_build(r, ctx, net.classes, &net.graph, &err) || eg_task_suits(t, net.graph, &err))
		code = fail_error("info", &err);
	if (code == CLI_OK && !(net.params = eg_params_new_zero(net.graph, &err))) code = fail_error("info", &err);
	net.recipe = r;
	if (code == CLI_OK) code = show(a, &net, NULL);
	eg_params_free(net.params);
	eg_graph_free(net.graph);
	eg_task_free(t);
	eg_recipe_free(r);
	return code;
}

static int run(const cli_args *a) {
	bool model = cli_is_model(a->operands[0]);
	if (model && args_has(a, "set"))
		return fail_usage("info", "--set changes a recipe; %s is a model", a->operands[0]);
	eg_context *ctx = cli_context(a);
	int code = ctx ? (model ? of_model(a, ctx) : of_recipe(a, ctx)) : CLI_FAILED;
	eg_context_free(ctx);
	return code;
}

static const cli_option options[] = {
	{"batch", 0, "N", "samples at a time, for the memory (default: 1 to predict, the recipe's to train)", 1, 65536},
	{"time", 0, "N", "steps of a sequence, for the memory (default: the recipe's)", 1, 1000000},
	OPTION_SET,
	OPTION_THREADS,
	OPTION_JSON("one JSON object"),
	{0},
};

const cli_verb verb_info = {
	.name = "info",
	.line = "show a network's layers, parameters, cost and memory",
	.operands = "RECIPE|MODEL",
	.min_operands = 1,
	.max_operands = 1,
	.about = "Shows what a recipe's or a model's network is made of, without running it: shapes,\n"
		 "parameters, multiply-adds, receptive fields; what a fully connected layer in the place\n"
		 "of each convolution would cost; and the memory, exact to the byte (with --json).",
	.options = options,
	.examples = "  engram info recipes/lenet5.yaml\n"
		    "  engram info recipes/lenet5.yaml --set model.0.conv.filters=12\n"
		    "  engram info lenet5.safetensors --batch 64 --json\n",
	.run = run,
};
