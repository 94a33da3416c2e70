/* export.c - a network as a file of ONNX that other programs run: standard operators, states, what its task knows. It
 * is read again before it is written (trial.c). */
#include "onnx/hear.h"
#include "onnx/lower.h"
#include "onnx/trial.h"

#include "engram_task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- a network --------------------------------------------------------------------------------------------------- */

/* The weights of a crf, which finds the best path through what the network puts out: outputs of their own. */
static void add_crf(eg_build *b, const eg_onnx_parts *p, const eg_node_info *n) {
	for (int i = 0; i < eg_params_count(p->params); i++) {
		const char *name = eg_params_name(p->params, i);
		const size_t own = strlen(n->name);
		if (strncmp(name, n->name, own) != 0 || name[own] != '.') continue;
		const eg_dims d = eg_params_dims(p->params, i);
		int64_t *dims = eg_build_take(b, sizeof d.d);
		if (!dims) return;
		memcpy(dims, d.d, sizeof d.d);
		const char *of = eg_arena_printf(&b->arena, "%s.weights", name);
		if (!of) {
			eg_fail(&b->error, EG_ERR_MEMORY, "out of memory for a model");
			return;
		}
		eg_build_keep_tensor(b, &(eg_onnx_tensor){of, EG_ONNX_FLOAT, d.rank, dims, eg_params_data(p->params, i)});
		eg_build_node(b, "Identity", EG_IN(of), name);
		eg_build_keep_output(b, &(eg_onnx_value){.name = name, .type = EG_ONNX_FLOAT, .rank = d.rank, .dims = dims});
	}
}

/* Writes it to memory and tries it. */
static eg_status finish(const char *path, const eg_build *b, const eg_onnx_parts *p, eg_onnx_told *told, eg_error *err) {
	void *bytes;
	eg_status status = eg_onnx_file_bytes(&b->model, p->notes, &bytes, &told->bytes, err);
	if (!status) status = eg_onnx_try(bytes, told->bytes, p, told, err);
	eg_writer *w = status ? NULL : eg_writer_new(NULL, path, err);
	if (w) {
		eg_writer_put(w, bytes, told->bytes);
		status = eg_writer_commit(w, err);
	} else if (!status) {
		status = EG_ERR_IO;
	}
	eg_release(NULL, bytes);
	return status;
}

eg_status eg_onnx_write(const char *path, const eg_onnx_parts *p, eg_onnx_told *told, eg_error *err) {
	eg_onnx_told own;
	eg_error why = {0};
	eg_node_info n;
	told = told ? told : &own;
	*told = (eg_onnx_told){.rate = p->sound ? p->sound->rate : 0};
	eg_onnx_model *raw = eg_onnx_export_own(p->graph, p->params, p->outputs, p->opset, &why);
	eg_build b = {0};
	eg_status status = raw ? EG_OK : why.status;
	if (raw) {
		const int outputs = raw->noutputs;
		eg_onnx_model behind = *raw;
		if (p->sound) eg_hear(&b, p->sound, raw, &behind);
		eg_onnx_lower(&b, p->graph, &behind, !p->no_states);
		told->states = b.model.noutputs - outputs;
		for (int i = 0; i < eg_graph_nodes(p->graph); i++) {
			eg_graph_node(p->graph, i, &n);
			if (!strcmp(n.op->name, "crf")) add_crf(&b, p, &n);
		}
		told->nodes = b.model.nnodes;
		status = b.error.status;
		why = b.error;
	}
	if (!status) status = finish(path, &b, p, told, &why);
	eg_build_free(&b);
	eg_onnx_free(raw);
	if (status && err) *err = why;
	return status;
}

/* ---- a recipe's network ------------------------------------------------------------------------------------------ */

/* Outputs of layers need no target, which losses alone read. */
const char **eg_recipe_answers(const eg_recipe *r) {
	int n = 0, at = 0;
	while (eg_recipe_output_name(r, n)) n++;
	const char **list = calloc((size_t)n + 2, sizeof *list);
	if (!list) return NULL;
	list[at++] = "logits";
	for (int i = 0; i < n; i++) list[at++] = eg_recipe_output_name(r, i);
	return list;
}

static eg_status sizes_text(const eg_size *sizes, char **text, eg_error *err) {
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	for (; sizes && sizes->name && v; sizes++) eg_value_put_int(v, sizes->name, sizes->size);
	*text = NULL;
	eg_status status = !v || !eg_value_whole(v) ? eg_fail(err, EG_ERR_MEMORY, "out of memory for a model") : eg_value_json(v, text, NULL, err);
	eg_value_free(v);
	return status;
}

/* task NULL: nothing is kept. */
static eg_status write_network(const char *path, const eg_recipe *r, const eg_size *sizes, const char *task, const eg_onnx_parts *parts, eg_onnx_told *told,
	eg_error *err) {
	char *text;
	eg_status status = sizes_text(sizes, &text, err);
	const char **outputs = eg_recipe_answers(r);
	if (!status && !outputs) status = eg_fail(err, EG_ERR_MEMORY, "out of memory for a model");
	char rate[32] = "";
	if (parts->sound) snprintf(rate, sizeof rate, "%.15g", parts->sound->rate);
	const eg_onnx_note notes[] = {{"engram_version", eg_version()}, {"recipe", eg_recipe_text(r)}, {"sizes", text}, {task ? "task" : NULL, task},
		{task && *rate ? "sound_rate" : NULL, rate}, {NULL, NULL}};
	eg_onnx_parts all = *parts;
	all.outputs = outputs;
	all.notes = notes;
	if (!status) status = eg_onnx_write(path, &all, told, err);
	free(outputs);
	free(text);
	return status;
}

eg_status eg_onnx_write_recipe(const char *path, const eg_recipe *r, const eg_size *sizes, eg_graph *g, eg_params *p, int opset, eg_onnx_told *told,
	eg_error *err) {
	return write_network(path, r, sizes, NULL, &(eg_onnx_parts){.graph = g, .params = p, .opset = opset}, told, err);
}

eg_status eg_onnx_write_model(const char *path, eg_model *m, int opset, bool features, eg_onnx_told *told, eg_error *err) {
	char *task = NULL;
	eg_predictor *use; /* sets weights that follow from the data, as before any use of a model */
	eg_error why = {0};
	eg_status status = eg_predictor_new(m, NULL, NULL, &use, &why);
	eg_onnx_parts parts = {.graph = eg_model_graph(m), .params = eg_model_params(m), .opset = opset};
	if (!status && !features) parts.sound = eg_predictor_sound(use, &why);
	if (!status) status = why.status;
	if (!status) status = eg_value_json(eg_model_task(m), &task, NULL, &why);
	if (!status) status = write_network(path, eg_model_recipe(m), eg_model_sizes(m), task, &parts, told, &why);
	eg_predictor_free(use);
	free(task);
	if (status && err) *err = why;
	return status;
}
