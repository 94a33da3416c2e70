/* info.c - engram info: what a network is made of and what it costs, without running it. */
#include "engram_report.h"
#include "info_sharing.h"
#include "onnx.h"
#include "print.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct network {
	const cli_network *of;
	eg_graph *graph;
	int train_batch, batch, time; /* time: steps, for the memory; 0: no sequences */
	int n; /* nodes that lead to answers; what only compares them with a target is left out */
	eg_node_info *nodes;
	eg_receptive *fields; /* parallel to nodes */
	bool plane; /* there is an input with a height and a width */
} network;

static int node_of(const network *net, eg_tensor t) {
	for (int i = 0; i < net->n; i++)
		for (int k = 0; k < net->nodes[i].noutputs; k++)
			if (net->nodes[i].outputs[k].id == t.id) return i;
	return -1;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* What stands for an open size; NULL: it is the batch, which is not told. */
static const char *open_text(const eg_graph *g, int64_t d) {
	if (d == EG_N) return NULL;
	const char *name = d == EG_T || d == EG_TN ? "time" : eg_open_name(g, d);
	return name ? name : "?";
}

/* Of one sample: "6×28×28"; of a sequence "time×64". */
static const char *shape_text(const eg_graph *g, eg_dims d, char buf[160]) {
	size_t n = 0;
	buf[0] = '\0';
	for (int i = 0; i < d.rank && n < 120; i++) {
		const char *open = d.d[i] < 0 ? open_text(g, d.d[i]) : NULL;
		if (open)
			n += (size_t)snprintf(buf + n, 160 - n, "%s%.30s", n ? "×" : "", open);
		else if (d.d[i] >= 0)
			n += (size_t)snprintf(buf + n, 160 - n, "%s%lld", n ? "×" : "", (long long)d.d[i]);
	}
	return n ? buf : strcpy(buf, "1");
}

static const char *field_text(const eg_receptive *f, char buf[64]) {
	if (!f->known)
		snprintf(buf, 64, "-");
	else if (f->all)
		snprintf(buf, 64, "all");
	else
		snprintf(buf, 64, "%lld×%lld", (long long)f->size[0], (long long)f->size[1]);
	return buf;
}

/* How far neighbours' fields lie apart: the strides so far, multiplied. */
static const char *apart_text(const eg_receptive *f, char buf[64]) {
	if (!f->known || f->all)
		snprintf(buf, 64, "-");
	else if (f->jump[0] == f->jump[1])
		snprintf(buf, 64, "%.4g", f->jump[0]);
	else
		snprintf(buf, 64, "%.4g×%.4g", f->jump[0], f->jump[1]);
	return buf;
}

/* Nothing of it is asked for. */
static bool cost_of(const network *net, int batch, bool train, eg_cost *cost, eg_error *err) {
	const cli_network *of = net->of;
	eg_plan_options o = {.batch = batch,
	        .time = net->time,
	        .sizes = of->open,
	        .train = train,
	        .outputs = train ? NULL : eg_task_outputs(of->task, net->graph),
	        .checkpoint_time = eg_recipe_train(of->recipe)->checkpoint_time};
	return eg_plan_measure(net->graph, &o, cost, err) == EG_OK;
}

typedef struct totals {
	int64_t params, state, macs, dense_params, dense_macs, unshared_params;
	bool shares;
} totals;

/* The largest number where the sum is larger: a network of a few lines can have so many multiply-adds. */
static void add(int64_t *sum, int64_t more) { *sum = *sum > INT64_MAX - more ? INT64_MAX : *sum + more; }

static totals sum(const network *net) {
	totals t = {0};
	for (int i = 0; i < net->n; i++) {
		const eg_node_info *n = &net->nodes[i];
		bool shares = n->dense_params > 0;
		add(&t.params, n->params);
		add(&t.state, n->state);
		add(&t.macs, n->macs);
		t.shares = t.shares || shares;
		add(&t.dense_params, shares ? n->dense_params : n->params);
		add(&t.dense_macs, shares ? n->dense_macs : n->macs);
		add(&t.unshared_params, shares ? n->unshared_params : n->params);
	}
	return t;
}

/* What the optimizer keeps beside weights and gradients. */
static size_t optimizer_bytes(const network *net, const eg_memory *train) {
	return (size_t)eg_optimizer_moments_of(&eg_recipe_train(net->of->recipe)->optimizer) * train->gradients;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void layer_row(table *t, const network *net, int i, int columns) {
	char shape[160], p[NUMBER], m[NUMBER], f[64];
	const eg_node_info *n = &net->nodes[i];
	table_cell(t, "%s", n->name);
	table_cell(t, "%s", n->op->layer ? n->op->layer : n->op->name);
	table_cell(t, "%s", shape_text(net->graph, eg_tensor_dims(net->graph, n->outputs[0]), shape));
	table_cell(t, "%s", n->params ? number_int(p, n->params) : "");
	table_cell(t, "%s", n->macs ? number_int(m, n->macs) : "");
	if (columns > 5) table_cell(t, "%s", field_text(&net->fields[i], f));
	if (columns > 5) table_cell(t, "%s", apart_text(&net->fields[i], f));
}

static void input_rows(table *t, const network *net, int columns) {
	char shape[160];
	for (int i = 0; i < eg_recipe_inputs(net->of->recipe); i++) {
		const char *name = eg_recipe_input_at(net->of->recipe, i)->name;
		table_cell(t, "%s", name);
		table_cell(t, "%s", "");
		table_cell(t, "%s",
		        shape_text(net->graph, eg_tensor_dims(net->graph, eg_graph_find(net->graph, name)), shape));
		for (int k = 3; k < columns; k++) table_cell(t, "%s", "");
	}
}

static void print_layers(const network *net) {
	char p[NUMBER], m[NUMBER];
	int columns = net->plane ? 7 : 5; /* a receptive field is one in height and width */
	table *t = table_new(columns == 5 ? "llrrr" : "llrrrrr");
	static const char *const head[] = {"layer", "operator", "output", "parameters", "multiply-adds", "sees", "apart", NULL};
	for (int i = 0; i < columns; i++) table_cell(t, "%s", head[i]);
	table_rule(t);
	input_rows(t, net, columns);
	for (int i = 0; i < net->n; i++) layer_row(t, net, i, columns);
	table_rule(t);
	totals s = sum(net);
	table_cell(t, "total");
	for (int i = 0; i < 2; i++) table_cell(t, "%s", "");
	table_cell(t, "%s", number_int(p, s.params));
	table_cell(t, "%s", number_int(m, s.macs));
	for (int i = 5; i < columns; i++) table_cell(t, "%s", "");
	table_print(t, stdout, 2);
	table_free(t);
	if (s.state > 0)
		printf("\nBeside the parameters %s running statistics, which are kept but not trained.\n",
		        number_int(p, s.state));
	if (net->time)
		printf("\nFor one time step of one sequence. A sequence may have any number of steps (time).\n");
	else
		printf("\nFor one sample.%s\n",
		        net->of->open[0].name ? " Sizes that have a name are open; it is for one of each." : "");
	if (columns > 5)
		printf("`sees` is the receptive field: the height and width of the input that one value of the\n"
		       "output depends on, the padding around it included. `apart` is its stride: how many\n"
		       "pixels further the next value looks.\n");
}

/* ---- fully connected layers as convolutions ---------------------------------------------------------------------- */

/* The (C,H,W) that a fully connected layer reads as one row of numbers; rank 0: it does not, or sizes are open. */
static eg_dims read_as_planes(const network *net, const eg_node_info *n) {
	const eg_dims none = {0};
	if (strcmp(n->op->name, "linear") != 0 || n->ninputs < 1) return none;
	eg_tensor t = n->inputs[0];
	for (int from; (from = node_of(net, t)) >= 0;) {
		const eg_node_info *before = &net->nodes[from];
		const eg_dims d = eg_tensor_dims(net->graph, t);
		if (d.rank == 4) break;
		/* What changes each number by itself, or moves none, keeps their order. */
		const bool keeps = before->params == 0 && before->ninputs == 1 && before->macs == 0;
		const eg_dims x = keeps ? eg_tensor_dims(net->graph, before->inputs[0]) : none;
		int64_t numbers[2] = {1, 1};
		for (int i = 1; i < x.rank; i++) numbers[0] *= x.d[i];
		for (int i = 1; i < d.rank; i++) numbers[1] *= d.d[i];
		if (!keeps || numbers[0] != numbers[1] || numbers[0] <= 0) return none;
		t = before->inputs[0];
	}
	const eg_dims d = eg_tensor_dims(net->graph, t);
	return d.rank == 4 && d.d[0] == EG_N && d.d[1] > 0 && d.d[2] > 0 && d.d[3] > 0 ? d : none;
}

/* Fully connected layers behind the first one, which read numbers without places: 1 x 1. */
static bool reads_units(const network *net, int i) {
	int from = i;
	if (strcmp(net->nodes[i].op->name, "linear") != 0) return false;
	while (from >= 0 && net->nodes[from].ninputs > 0) {
		from = node_of(net, net->nodes[from].inputs[0]);
		if (from >= 0 && read_as_planes(net, &net->nodes[from]).rank == 4) return true;
	}
	return false;
}

/* "16×5×5" read by `units` filters; false: it is no such layer. */
static bool as_convolution(const network *net, int i, int64_t *filters, int64_t kernel[3]) {
	const eg_dims d = read_as_planes(net, &net->nodes[i]), x = eg_tensor_dims(net->graph, net->nodes[i].inputs[0]),
	              y = eg_tensor_dims(net->graph, net->nodes[i].outputs[0]);
	if (!net->plane || y.rank != 2 || (d.rank != 4 && !reads_units(net, i))) return false;
	*filters = y.d[1];
	kernel[0] = d.rank == 4 ? d.d[1] : x.d[1], kernel[1] = d.rank == 4 ? d.d[2] : 1, kernel[2] = d.rank == 4 ? d.d[3] : 1;
	return kernel[0] > 0;
}

static void print_convolutions(const network *net) {
	int64_t filters, kernel[3];
	double apart[2] = {1, 1};
	bool any = false;
	for (int i = 0; i < net->n; i++) {
		if (net->fields[i].known && !net->fields[i].all) apart[0] = net->fields[i].jump[0], apart[1] = net->fields[i].jump[1];
		if (!as_convolution(net, i, &filters, kernel)) continue;
		if (!any) printf("\nFully connected layers read as convolutions, with the same weights:\n\n");
		any = true;
		printf("  %s: %lld filters of %lld×%lld over %lld channel%s\n", text_shown(net->nodes[i].name), (long long)filters,
		       (long long)kernel[1], (long long)kernel[2], (long long)kernel[0], kernel[0] == 1 ? "" : "s");
	}
	if (any)
		printf("\nSo the network may slide over a larger picture and answers once every %.4g×%.4g pixels,\nwhich costs less than to "
		       "cut that up: neighbours share what lies before.\n", apart[0], apart[1]);
}

/* ---- more tables ------------------------------------------------------------------------------------------------- */

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
	eg_cost run_cost, train_cost;
	char number[NUMBER];
	if (!cost_of(net, net->batch, false, &run_cost, err) ||
	        !cost_of(net, net->train_batch, true, &train_cost, err))
		return false;
	const eg_memory run = run_cost.memory, train = train_cost.memory;
	size_t moments = optimizer_bytes(net, &train), n = 0;
	table *t = table_new("lrr");
	table_cell(t, "%s", "");
	char with[200] = "";
	if (net->time) n = (size_t)snprintf(with, sizeof with, ", %d steps", net->time);
	for (const eg_size *o = net->of->open; o->name && n < 160; o++)
		n += (size_t)snprintf(with + n, sizeof with - n, ", %.30s %d", o->name, o->size);
	table_cell(t, "predict, batch %d%s", net->batch, with);
	table_cell(t, "train, batch %d%s", net->train_batch, with);
	table_rule(t);
	table_cell(t, "multiply-adds");
	table_cell(t, "%s", number_short(number, run_cost.macs));
	table_cell(t, "%s", number_short(number, train_cost.macs));
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
	printf("\nWhat a run takes: its multiply-adds, those that layers without weights are worth among\n"
	       "them; and its memory, planned exactly before anything runs.\n\n");
	table_print(t, stdout, 2);
	table_free(t);
	return true;
}

enum { FACTS_SHOWN = 20 };

/* "names: boot, sandal, ...": what the task keeps, a line each. */
static bool print_facts(eg_model *m, eg_error *err) {
	eg_value *facts;
	if (eg_task_describe(m, &facts, err)) return false;
	for (const eg_value *f = eg_value_first(facts); f; f = eg_value_next(f)) {
		int n = 0;
		printf("%s:", text_shown(eg_value_key(f)));
		if (eg_value_kind_of(f) == EG_VALUE_INT) printf(" %lld", (long long)eg_value_int(f, 0));
		if (eg_value_text(f)) printf(" %s", text_shown(eg_value_text(f)));
		for (const eg_value *one = eg_value_first(f); one && n < FACTS_SHOWN; one = eg_value_next(one)) {
			char *text = NULL;
			if (eg_value_print(one, NULL, NULL, &text, err)) return eg_value_free(facts), false;
			printf("%s %s", n++ ? "," : "", text);
			free(text);
		}
		if (eg_value_count(f) > FACTS_SHOWN) printf(", ... (%d in all; --json lists them)", (int)eg_value_count(f));
		putchar('\n');
	}
	putchar('\n');
	eg_value_free(facts);
	return true;
}

/* The value of a metric that is known by its name. */
static const char *metric_text(char buf[NUMBER], const eg_task *t, const char *name, double value) {
	const eg_metric_info *m;
	for (int i = 0; (m = eg_task_metric(t, i)); i++)
		if (!strcmp(m->name, name) && m->share) return number_percent(buf, value);
	return number_loss(buf, value);
}

/* Of one simple model, or of all of a list. */
static int64_t features_of(const eg_value *ensemble) {
	const eg_value *model = eg_value_get(ensemble, "model");
	int64_t n = eg_value_int(eg_value_get(model, "n"), 0);
	for (const eg_value *one = eg_value_kind_of(model) == EG_VALUE_LIST ? eg_value_first(model) : NULL; one; one = eg_value_next(one))
		n += eg_value_int(eg_value_get(one, "n"), 0);
	return n;
}

/* Simple models that answer with the network, without what they have learnt. */
static void put_ensemble(eg_value *v, const eg_model *m) {
	static const char *const keys[] = {"floor", "weights", "validation_accuracy"};
	const eg_value *from = m ? eg_value_get(eg_model_task(m), "ensemble") : NULL;
	eg_value *to = from ? eg_value_put_map(v, "ensemble") : NULL;
	for (int i = 0; i < (int)(sizeof keys / sizeof *keys) && to; i++)
		if (eg_value_get(from, keys[i])) eg_value_put_copy(to, keys[i], eg_value_get(from, keys[i]));
	if (to) eg_value_put_int(to, "features", features_of(from));
}

static void print_ensemble(const eg_model *m) {
	char n[NUMBER];
	const eg_value *e = eg_value_get(eg_model_task(m), "ensemble");
	if (!e) return;
	const eg_value *floor = eg_value_get(e, "floor"), *first = eg_value_kind_of(floor) == EG_VALUE_LIST ? eg_value_first(floor) : floor;
	printf("answers together with");
	for (const eg_value *one = first; one; one = first == floor ? NULL : eg_value_next(one))
		printf("%s %s", one == first ? "" : ",", text_shown(eg_value_text(one)));
	printf(" of %s features; weights", number_int(n, features_of(e)));
	for (const eg_value *w = eg_value_first(eg_value_get(e, "weights")); w; w = eg_value_next(w))
		printf(" %.3f", eg_value_number(w, (double)NAN));
	printf("\n");
}

static bool print_model(const char *path, const cli_network *net, eg_error *err) {
	eg_model *m = net->model;
	const eg_train_result *r = eg_model_result(m);
	char number[NUMBER], loss[NUMBER], more[80] = "";
	const eg_train_state *p = eg_model_progress(m);
	if (p && p->batch > 0)
		snprintf(more, sizeof more, " and %lld of %lld batches of the next", (long long)p->batch,
		        (long long)p->batches);
	printf("%s: %s written by engram %s\n", path, eg_model_is_checkpoint(m) ? "checkpoint" : "model",
	        text_shown(eg_model_version(m)));
	if (r && r->best_epoch > 0 && r->metric)
		printf("trained %d epochs%s; best was %d with validation %s %s, loss %s\n", r->epochs_done, more, r->best_epoch,
		        text_shown(r->metric), metric_text(number, net->task, r->metric, r->val_metric),
		        number_loss(loss, r->val_loss));
	else if (r && r->best_epoch > 0)
		printf("trained %d epochs%s; best was %d with validation loss %s\n", r->epochs_done, more, r->best_epoch,
		        number_loss(number, r->val_loss));
	else if (r)
		printf("trained %d epochs%s\n", r->epochs_done, more);
	print_ensemble(m);
	return print_facts(m, err);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void put_cost(eg_value *v, const eg_cost *cost, int batch, int time, size_t moments, bool train) {
	const eg_memory *m = &cost->memory;
	eg_value_put_int(v, "batch", batch);
	if (time) eg_value_put_int(v, "time", time);
	eg_value_put_int(v, "multiply_adds", (int64_t)cost->macs);
	eg_value_put_int(v, "parameters", (int64_t)m->parameters);
	eg_value_put_int(v, "gradients", train ? (int64_t)m->gradients : 0);
	eg_value_put_int(v, "optimizer", (int64_t)moments);
	eg_value_put_int(v, "io", (int64_t)m->io);
	eg_value_put_int(v, "activations", (int64_t)m->activations);
	eg_value_put_int(v, "packed", (int64_t)m->packed);
	eg_value_put_int(v, "scratch", (int64_t)m->scratch);
	eg_value_put_int(v, "total", (int64_t)(m->parameters + (train ? m->gradients : 0) + moments + m->total));
}

static void put_layer(eg_value *v, const network *net, int i) {
	const eg_node_info *n = &net->nodes[i];
	eg_dims d = eg_tensor_dims(net->graph, n->outputs[0]);
	eg_value_put_text(v, "name", n->name);
	eg_value_put_text(v, "operator", n->op->name);
	eg_value *output = eg_value_put_list(v, "output");
	for (int k = 0; k < d.rank; k++)
		if (d.d[k] >= 0)
			eg_value_put_int(output, NULL, d.d[k]);
		else if (d.d[k] != EG_N)
			eg_value_put_text(output, NULL, open_text(net->graph, d.d[k]));
	eg_value_put_int(v, "parameters", n->params);
	eg_value_put_int(v, "multiply_adds", n->macs);
	if (net->fields[i].known) {
		eg_value *seen = eg_value_put_list(v, "receptive_field");
		for (int a = 0; a < 2; a++) eg_value_put_int(seen, NULL, net->fields[i].size[a]);
	}
	if (net->fields[i].known && !net->fields[i].all) {
		eg_value *apart = eg_value_put_list(v, "stride");
		for (int a = 0; a < 2; a++) eg_value_put_number(apart, NULL, net->fields[i].jump[a]);
	}
	int64_t filters, kernel[3];
	if (as_convolution(net, i, &filters, kernel)) {
		eg_value *as = eg_value_put_map(v, "as_convolution");
		eg_value_put_int(as, "filters", filters);
		eg_value_put_int(as, "channels", kernel[0]);
		eg_value *size = eg_value_put_list(as, "kernel");
		for (int a = 1; a < 3; a++) eg_value_put_int(size, NULL, kernel[a]);
	}
	if (n->dense_params > 0) {
		eg_value_put_int(v, "unshared_parameters", n->unshared_params);
		eg_value_put_int(v, "dense_parameters", n->dense_params);
		eg_value_put_int(v, "dense_multiply_adds", n->dense_macs);
	}
}

static bool show_json(const network *net, eg_error *err) {
	totals s = sum(net);
	eg_cost run, train;
	if (!cost_of(net, net->batch, false, &run, err) || !cost_of(net, net->train_batch, true, &train, err))
		return false;
	eg_value *kept = NULL, *v;
	if (net->of->model && eg_task_describe(net->of->model, &kept, err)) return false;
	v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_text(v, "name", eg_recipe_name(net->of->recipe));
	eg_value_put_text(v, "task", eg_recipe_task(net->of->recipe));
	for (const eg_size *o = net->of->sizes; o && o->name; o++) eg_value_put_int(v, o->name, o->size);
	put_ensemble(v, net->of->model);
	if (kept) eg_value_put_copy(v, "kept", kept);
	eg_value_free(kept);
	eg_value *layers = eg_value_put_list(v, "layers");
	for (int i = 0; i < net->n; i++) put_layer(eg_value_put_map(layers, NULL), net, i);
	eg_value_put_int(v, "parameters", s.params);
	eg_value_put_int(v, "running_statistics", s.state);
	eg_value_put_int(v, "multiply_adds", s.macs);
	eg_value_put_int(v, "unshared_parameters", s.unshared_params);
	eg_value_put_int(v, "dense_parameters", s.dense_params);
	eg_value_put_int(v, "dense_multiply_adds", s.dense_macs);
	eg_value *memory = eg_value_put_map(v, "memory");
	put_cost(eg_value_put_map(memory, "predict"), &run, net->batch, net->time, 0, false);
	put_cost(eg_value_put_map(memory, "train"), &train, net->train_batch, net->time,
	        optimizer_bytes(net, &train.memory), true);
	print_json(v);
	eg_value_free(v);
	return true;
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

static bool is_target(const eg_recipe *r, const eg_graph *g, eg_tensor t) {
	for (int i = 0; i < eg_recipe_losses(r); i++)
		if (eg_graph_find(g, eg_recipe_loss_at(r, i)->input).id == t.id) return true;
	return false;
}

/* The nodes that lead to answers: those that no target leads to, and losses that have weights. */
static void survey(network *net) {
	int n = eg_graph_nodes(net->graph), nlate = 0;
	int *late = cli_alloc((size_t)n * EG_MAX_OUTPUTS * sizeof *late); /* tensors that depend on a target */
	eg_node_info one;
	net->nodes = cli_alloc((size_t)n * sizeof *net->nodes);
	net->fields = cli_alloc((size_t)n * sizeof *net->fields);
	eg_receptive *fields = cli_alloc((size_t)n * sizeof *fields);
	net->plane = eg_receptive_fields(net->graph, fields).id != 0;
	for (int i = 0; i < n; i++) {
		bool is_late = false;
		eg_graph_node(net->graph, i, &one);
		for (int k = 0; k < one.ninputs; k++) {
			is_late = is_late ||
			          (one.inputs[k].id && is_target(net->of->recipe, net->graph, one.inputs[k]));
			for (int m = 0; m < nlate; m++) is_late = is_late || late[m] == one.inputs[k].id;
		}
		for (int k = 0; k < one.noutputs && is_late; k++)
			if (one.outputs[k].id) late[nlate++] = one.outputs[k].id;
		if (is_late && one.params == 0) continue;
		net->nodes[net->n] = one;
		net->fields[net->n] = fields[i];
		net->n++;
	}
	free(late);
	free(fields);
}

static bool print_text(const cli_args *a, const network *net, eg_error *err) {
	char shape[160];
	const eg_recipe *r = net->of->recipe;
	if (net->of->model && !print_model(a->operands[0], net->of, err)) return false;
	printf("%s: %s, input", text_shown(eg_recipe_name(r)), text_shown(eg_recipe_task(r)));
	for (int i = 0; i < eg_recipe_inputs(r); i++) {
		const char *name = eg_recipe_input_at(r, i)->name;
		eg_dims d = eg_tensor_dims(net->graph, eg_graph_find(net->graph, name));
		if (eg_recipe_inputs(r) > 1) printf("%s %s", i ? "," : "", text_shown(name));
		printf(" %s", shape_text(net->graph, d, shape));
	}
	for (const eg_size *o = net->of->sizes; o && o->name; o++) printf(", %d %s", o->size, text_shown(o->name));
	printf("\n\n");
	print_layers(net);
	print_convolutions(net);
	print_dense(net);
	return print_memory(net, err);
}

static int show(const cli_args *a, const cli_network *of) {
	eg_error err;
	network net = {.of = of, .graph = of->graph, .time = of->time, .batch = (int)args_number(a, "batch", 1)};
	net.train_batch = args_has(a, "batch") ? net.batch : cli_train_batch(of->recipe);
	survey(&net);
	bool ok = args_has(a, "json") ? show_json(&net, &err) : print_text(a, &net, &err);
	free(net.nodes);
	free(net.fields);
	return ok ? CLI_OK : fail_error("info", &err);
}

static int run(const cli_args *a) {
	cli_network n = {0};
	if (args_has(a, "explain-sharing")) return info_sharing(a);
	if (a->noperands < 1) return fail_usage("info", "of which recipe or model?");
	if (eg_network_is(a->operands[0])) return onnx_info(a);
	if (cli_is_model(a->operands[0]) && args_has(a, "set"))
		return fail_usage("info", "--set changes a recipe; %s is a model", a->operands[0]);
	eg_context *ctx = cli_context(a);
	bool ok = ctx && cli_network_open(a, a->operands[0], ctx, (int)args_number(a, "time", 0), &n);
	int code = ok ? show(a, &n) : CLI_FAILED;
	cli_network_free(&n);
	eg_context_free(ctx);
	return code;
}

static const cli_option options[] = {
	{"batch", 0, "N", "samples at a time, for the memory (default: 1 to predict, the recipe's to train)", 1, 65536},
	{"time", 0, "N",
		"steps of a sequence, for the memory (default: as many as the data has, where that is known, else 64)",
		1, 1000000},
	{"explain-sharing", 0, "HxW,hxw",
		"without a network: what weights cost that connect each pixel of a picture of HxW with each unit of a map of that size; "
		"that connect it with hxw pixels; and that are shared by all of them",
		0, 0},
	OPTION_SET,
	OPTION_THREADS,
	OPTION_JSON("one JSON object; `kept`: what a model keeps of its data, such as all classes"),
	{0},
};

const cli_verb verb_info = {
	.name = "info",
	.line = "show a network's layers, parameters, cost and memory",
	.operands = "[RECIPE|MODEL]",
	.min_operands = 0,
	.max_operands = 1,
	.about = "Shows what a recipe's or a model's network is made of, without running it: shapes,\n"
		 "parameters, multiply-adds, receptive fields and strides; how fully connected layers read as\n"
		 "convolutions, and what a fully connected layer in the place\n"
		 "of each convolution would cost; and the memory, exact to the byte (with --json). None of\n"
		 "it is asked for, so that it can be told of networks that are too large for this machine.\n\n"
		 "Of a file of ONNX: inputs, outputs, and the operators that are left when all sizes that\n"
		 "the file computes are known.",
	.options = options,
	.examples = "  engram info recipes/lenet5.yaml\n"
		    "  engram info recipes/lenet5.yaml --set model.0.conv.filters=12\n"
		    "  engram info lenet5.safetensors --batch 64 --json\n"
		    "  engram info net.onnx\n"
		    "  engram info --explain-sharing 1000x1000,10x10\n",
	.run = run,
};
