/* picture_layers.c - the layers of a network that takes pictures: which of them are shown, their numbers for a picture,
 * how much they say for what is explained (Grad-CAM: Selvaraju et al. 2017), and what one unit sees. */
#include "report/picture_why.h"

#include "engram_ops.h"

#include <math.h>
#include <string.h>

enum { COARSEST = 4 };
#define LIKENESS "why/likeness"

/* ---- which layers are shown -------------------------------------------------------------------------------------- */

/* Of each node: does `of` depend on it? */
static void mark_ancestors(const eg_graph *g, eg_tensor of, bool *marked) {
	for (int i = eg_graph_nodes(g) - 1; i >= 0; i--) {
		eg_node_info node, before;
		eg_graph_node(g, i, &node);
		for (int k = 0; k < node.noutputs; k++) marked[i] = marked[i] || (node.outputs[k].id && node.outputs[k].id == of.id);
		for (int j = 0; j < i && marked[i]; j++) {
			eg_graph_node(g, j, &before);
			for (int a = 0; a < node.ninputs; a++)
				for (int k = 0; k < before.noutputs; k++)
					marked[j] = marked[j] || (node.inputs[a].id && node.inputs[a].id == before.outputs[k].id);
		}
	}
}

static bool same_dims(eg_dims a, eg_dims b) {
	bool same = a.rank == b.rank;
	for (int i = 0; i < a.rank && same; i++) same = a.d[i] == b.d[i];
	return same;
}

/* Does the node only change each number of x by itself, or by its channel: activation, normalisation, sum? */
static bool goes_on(const eg_graph *g, const eg_node_info *n, eg_tensor x) {
	const eg_dims d = eg_tensor_dims(g, x);
	return same_dims(d, eg_tensor_dims(g, n->outputs[0])) && n->window[0] <= 1 && n->window[1] <= 1 && n->macs <= 2 * n->params + 1 &&
	       (d.d[1] < 0 || n->params <= 4 * d.d[1]) && strcmp(n->op->name, "conv2d") != 0 && strcmp(n->op->name, "linear") != 0;
}

/* A layer with its activation is shown once, behind that. What moves numbers alone is not shown. */
static bool is_shown(const eg_graph *g, const bool *marked, int i, const eg_node_info *node, eg_tensor logits) {
	const eg_dims d = eg_tensor_dims(g, node->outputs[0]);
	const bool suits = (d.rank == 4 || d.rank == 2) && d.d[0] == EG_N && d.d[1] > 0 && eg_tensor_dtype(g, node->outputs[0]) == EG_F32;
	const bool moves = node->params == 0 && node->window[0] <= 0 && (node->ninputs == 0 || !goes_on(g, node, node->inputs[0]));
	if (!marked[i] || !suits || moves || node->outputs[0].id == logits.id || !strcmp(node->op->name, "dropout")) return false;
	int readers = 0, more = 0;
	for (int later = i + 1, n = eg_graph_nodes(g); later < n; later++) {
		eg_node_info reader;
		eg_graph_node(g, later, &reader);
		for (int a = 0; a < reader.ninputs && marked[later]; a++) {
			if (reader.inputs[a].id != node->outputs[0].id) continue;
			readers++;
			more += goes_on(g, &reader, node->outputs[0]) && strcmp(reader.op->name, "dropout") != 0;
		}
	}
	return readers != 1 || more != 1;
}

static eg_status add_layer(eg_picture_why *w, const eg_node_info *node, eg_receptive field, eg_error *err) {
	eg_shown_layer *l = &w->layers[w->nlayers++];
	*l = (eg_shown_layer){.name = node->name, .operator_ = node->op->layer ? node->op->layer : node->op->name, .tensor = node->outputs[0],
		.planes = eg_tensor_dims(w->g, node->outputs[0]).rank == 4, .field = field};
	l->output = eg_arena_printf(&w->arena, "why/%s", node->name);
	if (!l->output) return eg_why_no_memory(err);
	eg_output(w->g, l->output, node->outputs[0]);
	return EG_OK;
}

/* What the last layer with weights reads, on the way back from the answer: features of the whole picture. */
static void find_features(eg_picture_why *w, eg_tensor logits) {
	eg_tensor t = logits;
	if (eg_tensor_dims(w->g, logits).rank != 2) return;
	for (int i = eg_graph_nodes(w->g) - 1; i >= 0; i--) {
		eg_node_info node;
		eg_graph_node(w->g, i, &node);
		if (node.outputs[0].id != t.id || node.ninputs == 0) continue;
		t = node.inputs[0];
		if (node.params > 0 && node.macs > 0) break;
	}
	const eg_dims d = eg_tensor_dims(w->g, t);
	if (t.id == logits.id || (d.rank != 2 && d.rank != 4) || d.d[0] != EG_N) return;
	w->features = "why/features";
	eg_output(w->g, w->features, t);
}

static void find_filters(eg_picture_why *w, const bool *marked) {
	for (int i = eg_graph_nodes(w->g) - 1; i >= 0; i--) {
		eg_node_info node;
		eg_graph_node(w->g, i, &node);
		if (marked[i] && !strcmp(node.op->name, "conv2d")) w->filters = node.name;
	}
}

/* One more output: the cosine of the angle to another picture's embedding, which is the direction of a layer. */
static eg_status add_likeness(eg_picture_why *w, eg_error *err) {
	const bool named = eg_graph_find(w->g, "embedding").id != 0;
	const eg_tensor e = eg_graph_find(w->g, named ? "embedding" : "logits");
	const eg_dims d = eg_tensor_dims(w->g, e);
	if (d.rank != 2 || d.d[1] != w->options.width)
		return eg_fail(err, EG_ERR_ARG, "the other picture's embedding has %d numbers, and not as many as this model's", w->options.width);
	w->explained = "alike";
	eg_output(w->g, w->explained, eg_cosine_linear(w->g, e, .name = LIKENESS, .units = 1, .scale = 1));
	return eg_graph_status(w->g, err);
}

static void set_likeness(eg_picture_why *w) {
	eg_real *to = eg_params_data(w->p, eg_params_find(w->p, LIKENESS ".weight"));
	for (int i = 0; i < w->options.width; i++) to[i] = (eg_real)w->options.beside[i];
}

static eg_status copy_weights(eg_picture_why *w, eg_error *err) {
	eg_params *from = eg_model_params(w->model);
	for (int i = 0, n = eg_params_count(from); i < n; i++) {
		const int to = eg_params_find(w->p, eg_params_name(from, i));
		const eg_dims d = eg_params_dims(from, i), own = to < 0 ? (eg_dims){0} : eg_params_dims(w->p, to);
		if (to < 0 || !same_dims(d, own)) return eg_fail(err, EG_ERR_FORMAT, "the model's weights are not those of its recipe");
		memcpy(eg_params_data(w->p, to), eg_params_data(from, i), (size_t)eg_dims_count(&d, 0) * sizeof(eg_real));
	}
	return EG_OK;
}

/* The model's network once more, since its outputs are its own; with the same weights. */
static eg_status build(eg_picture_why *w, eg_error *err) {
	eg_graph *g = eg_model_graph(w->model);
	eg_status status = eg_recipe_build(eg_model_recipe(w->model), eg_graph_context(g), eg_model_sizes(w->model), &w->g, err);
	if (!status) status = eg_graph_status(w->g, err);
	if (!status && w->options.beside) status = add_likeness(w, err);
	if (status) return status;
	w->p = eg_params_new_zero(w->g, err);
	if (!w->p) return err->status;
	status = copy_weights(w, err);
	if (status) return status;
	if (w->options.beside) set_likeness(w);
	eg_params_changed(w->p);
	return EG_OK;
}

static eg_status choose_cam(eg_picture_why *w, eg_error *err) {
	int64_t least = 0;
	w->cam = -1;
	for (int i = 0; i < w->nlayers; i++) {
		const eg_dims d = eg_tensor_dims(w->g, w->layers[i].tensor);
		const bool asked = w->options.layer && !strcmp(w->options.layer, w->layers[i].name);
		if (asked && !w->layers[i].planes)
			return eg_fail(err, EG_ERR_ARG, "layer '%s' has no rows and columns, so it has no receptive fields to be shown", w->options.layer);
		if (asked) w->cam = i;
		if (w->options.layer || !w->layers[i].planes) continue;
		/* Sizes that are open are compared by how far apart their fields lie. */
		const bool open = d.d[2] < 0 || d.d[3] < 0;
		const int64_t places = open ? 1000000 - (int64_t)(w->layers[i].field.jump[0] * 1000) : d.d[2] * d.d[3];
		if (places < (open ? 1 : COARSEST * COARSEST) || (w->cam >= 0 && places > least)) continue;
		w->cam = i, least = places;
	}
	for (int i = 0; i < w->nlayers && w->cam < 0 && !w->options.layer; i++) /* all are coarser */
		if (w->layers[i].planes && (eg_tensor_dims(w->g, w->layers[i].tensor).d[2] > 1 || eg_tensor_dims(w->g, w->layers[i].tensor).d[3] > 1)) w->cam = i;
	if (w->cam >= 0 || !w->options.layer) return EG_OK;
	const char *names[256];
	int n = 0;
	for (int i = 0; i < w->nlayers && n < EG_COUNT(names); i++) names[n++] = w->layers[i].name;
	const char *near = eg_did_you_mean(w->options.layer, names, n);
	return eg_fail(err, EG_ERR_ARG, "no layer '%s' is shown%s%s%s Layers with their activation are shown by its name, such as '%s'",
		w->options.layer, near ? "; did you mean '" : ".", near ? near : "", near ? "'?" : "", n ? names[0] : "relu1");
}

eg_status eg_why_layers(eg_picture_why *w, eg_error *err) {
	eg_status status = build(w, err);
	if (status) return status;
	const int n = eg_graph_nodes(w->g);
	const eg_tensor logits = eg_graph_find(w->g, w->explained);
	bool *marked = eg_arena_alloc(&w->arena, (size_t)n * sizeof *marked);
	eg_receptive *fields = eg_arena_alloc(&w->arena, (size_t)n * sizeof *fields);
	w->layers = eg_arena_alloc(&w->arena, (size_t)n * sizeof *w->layers);
	if (!marked || !fields || !w->layers) return eg_why_no_memory(err);
	mark_ancestors(w->g, logits, marked);
	eg_receptive_fields(w->g, fields);
	for (int i = 0; i < n && !status; i++) {
		eg_node_info node;
		eg_graph_node(w->g, i, &node);
		if (is_shown(w->g, marked, i, &node, logits)) status = add_layer(w, &node, fields[i], err);
	}
	if (status) return status;
	find_filters(w, marked);
	find_features(w, logits);
	status = choose_cam(w, err);
	return status ? status : eg_graph_status(w->g, err);
}

/* ---- their numbers ----------------------------------------------------------------------------------------------- */

static eg_status take_layer(eg_picture_why *w, eg_plan *plan, eg_shown_layer *l, eg_error *err) {
	const eg_dims d = eg_plan_dims(plan, l->tensor);
	l->C = (int)d.d[1], l->H = l->planes ? (int)d.d[2] : 1, l->W = l->planes ? (int)d.d[3] : 1;
	const size_t places = (size_t)l->H * (size_t)l->W, n = (size_t)l->C * places;
	const eg_real *values = eg_plan_tensor(plan, l->tensor), *gradient = eg_plan_tensor_grad(plan, l->tensor);
	l->values = eg_arena_alloc(&w->asked, n * sizeof *l->values);
	l->weights = eg_arena_alloc(&w->asked, (size_t)l->C * sizeof *l->weights);
	l->cam = eg_arena_alloc(&w->asked, places * sizeof *l->cam);
	if (!l->values || !l->weights || !l->cam) return eg_why_no_memory(err);
	memcpy(l->values, values, n * sizeof *values);
	l->weighs = gradient != NULL;
	for (size_t c = 0; c < (size_t)l->C && gradient; c++) {
		double sum = 0;
		for (size_t i = 0; i < places; i++) sum += (double)gradient[c * places + i];
		l->weights[c] = (eg_real)(sum / (double)places);
		for (size_t i = 0; i < places; i++) l->cam[i] += l->weights[c] * values[c * places + i];
	}
	for (size_t i = 0; i < places; i++)
		if (l->cam[i] < 0) l->cam[i] = 0;
	return EG_OK;
}

/* Where position `at` of axis a lies between the rows or columns of a layer: each is at the centre of what it sees
 * where that is known, else the layer lies over the whole picture. */
static double between(const eg_shown_layer *l, int a, int at, int size) {
	const int n = a ? l->W : l->H;
	const bool placed = l->field.known && l->field.placed && !l->field.all;
	const double step = placed ? l->field.jump[a] : (double)size / n;
	const double first = placed ? l->field.begin[a] + (double)l->field.size[a] / 2 : step / 2;
	return fmin(fmax((at + 0.5 - first) / step, 0), n - 1);
}

/* To the picture's size, linearly between positions; beyond the outermost as there. */
static void enlarge(const eg_shown_layer *l, eg_real *to, int H, int W) {
	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++) {
			const double v = between(l, 0, y, H), u = between(l, 1, x, W);
			const int r = (int)v, c = (int)u, below = r + 1 < l->H ? r + 1 : r, right = c + 1 < l->W ? c + 1 : c;
			const double dy = v - r, dx = u - c;
			const double upper = (1 - dx) * (double)l->cam[r * l->W + c] + dx * (double)l->cam[r * l->W + right];
			const double lower = (1 - dx) * (double)l->cam[below * l->W + c] + dx * (double)l->cam[below * l->W + right];
			to[(ptrdiff_t)y * W + x] = (eg_real)((1 - dy) * upper + dy * lower);
		}
}

static eg_plan *plan_of_layers(eg_picture_why *w, eg_error *err) {
	const char *const outputs[] = {w->explained, NULL};
	eg_tensor *grads = eg_arena_alloc(&w->asked, ((size_t)w->nlayers + 1) * sizeof *grads);
	if (!grads) return eg_why_no_memory(err), NULL;
	for (int i = 0; i < w->nlayers; i++) grads[i] = w->layers[i].tensor;
	return eg_plan_new(w->g, w->p, &(eg_plan_options){.batch = 1, .sizes = w->open, .outputs = outputs, .objective = w->explained, .grads = grads}, err);
}

eg_status eg_why_run(eg_picture_why *w, eg_error *err) {
	const size_t n = (size_t)w->shape[0] * (size_t)w->shape[1] * (size_t)w->shape[2];
	if (w->nlayers == 0) return EG_OK;
	eg_plan *plan = plan_of_layers(w, err);
	if (!plan) return err->status;
	eg_real *seed = eg_plan_grad(plan, w->explained);
	eg_status status = seed ? EG_OK : eg_fail(err, EG_ERR_ARG, "what computes the answer cannot be differentiated");
	if (seed) seed[((ptrdiff_t)w->k * w->logits_H + w->at[0]) * w->logits_W + w->at[1]] = 1;
	memcpy(eg_plan_input(plan, w->input_names[0]), w->input, n * sizeof *w->input);
	eg_why_fill_lengths(w, plan, 1, w->sizes);
	if (!status) eg_plan_run(plan, 0);
	for (int i = 0; i < w->nlayers && !status; i++) status = take_layer(w, plan, &w->layers[i], err);
	eg_plan_free(plan);
	if (status || w->cam < 0) return status;
	const eg_shown_layer *l = &w->layers[w->cam];
	w->grad_cam = eg_arena_alloc(&w->asked, n / (size_t)w->shape[0] * sizeof *w->grad_cam);
	if (!w->grad_cam) return eg_why_no_memory(err);
	enlarge(l, w->grad_cam, w->shape[1], w->shape[2]);
	return EG_OK;
}

/* ---- one unit ---------------------------------------------------------------------------------------------------- */

bool eg_why_window(const eg_picture_why *w, const eg_shown_layer *l, int row, int column, const int shape[3], int window[4]) {
	const int at[2] = {row, column};
	EG_UNUSED(w);
	if (!l->field.known || !(l->field.placed || l->field.all)) return false;
	for (int a = 0; a < 2; a++) {
		const double from = l->field.all ? 0 : l->field.begin[a] + at[a] * l->field.jump[a];
		const double to = l->field.all ? shape[1 + a] : from + (double)l->field.size[a];
		const int first = (int)fmax(floor(from + 1e-6), 0), end = (int)fmin(ceil(to - 1e-6), shape[1 + a]);
		window[a] = first, window[2 + a] = end - first;
	}
	return window[2] > 0 && window[3] > 0;
}

/* Where Grad-CAM is highest, the channel that adds most there. */
static void choose_unit(eg_picture_why *w, const eg_shown_layer *l) {
	const ptrdiff_t places = (ptrdiff_t)l->H * l->W;
	ptrdiff_t best = 0;
	int channel = 0;
	for (ptrdiff_t i = 1; i < places; i++)
		if (l->cam[i] > l->cam[best]) best = i;
	for (int c = 1; c < l->C; c++)
		if (l->weights[c] * l->values[c * places + best] > l->weights[channel] * l->values[channel * places + best]) channel = c;
	w->chosen[0] = channel, w->chosen[1] = (int)(best / l->W), w->chosen[2] = (int)(best % l->W);
}

eg_status eg_why_unit(eg_picture_why *w, eg_error *err) {
	const eg_shown_layer *l = &w->layers[w->cam];
	const int sizes[3] = {l->C, l->H, l->W};
	choose_unit(w, l);
	if (w->options.unit) memcpy(w->chosen, w->options.unit, sizeof w->chosen);
	for (int a = 0; a < 3; a++)
		if (w->chosen[a] < 0 || w->chosen[a] >= sizes[a])
			return eg_fail(err, EG_ERR_ARG, "layer '%s' has no unit %d,%d,%d: it has %d channels of %d x %d", l->name, w->chosen[0],
				w->chosen[1], w->chosen[2], l->C, l->H, l->W);
	eg_attribution_options o = {.kind = EG_ATTRIBUTION_GRADIENT, .output = l->output, .by = eg_graph_find(w->g, w->input_names[0]), .sizes = w->open};
	o.element = ((int64_t)w->chosen[0] * l->H + w->chosen[1]) * l->W + w->chosen[2];
	eg_status status = eg_attribute(w->g, w->p, &o, w->input_names, w->input_data, w->ninputs, &w->unit_field, err);
	if (status) return status;
	w->unit_value = w->unit_field.output;
	w->unit_map = eg_why_fold(w, &w->unit_field, true);
	return w->unit_map ? EG_OK : eg_why_no_memory(err);
}
