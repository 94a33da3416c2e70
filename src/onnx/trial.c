/* trial.c - a file of ONNX beside the graph that it was made of: both compute on the same random numbers, and the
 * outputs must agree to 1e-5 of the largest number, or 1e-4 of the number itself. */
#include "onnx/fixed.h"
#include "onnx/hear.h"
#include "onnx/trial.h"

#include <math.h>
#include <string.h>

enum { WORDS = 8, RUNS = 2 };

/* Batch and time, and every other open size. Small ones do not pass through all networks: layers of pooling need
 * more. */
static const struct { int batch, time, other; } sizes[] = {{5, 7, 9}, {2, 12, 6}, {1, 3, 4}, {3, 64, 64}, {2, 96, 128}};

typedef struct trial {
	const eg_onnx_parts *parts;
	const eg_onnx_model *model; /* the file's, and as a graph with its weights */
	bool fixed;                 /* with open sizes it is none: it is made for each run, with numbers */
	eg_graph *graph;
	eg_params *params;
	eg_arena arena;
	eg_plan *ours, *theirs;
	eg_rng rng;
	uint64_t used; /* random numbers */
	int ids;       /* numbers that embeddings know, at least */
	int samples; /* of sound, the longest, where the file takes sound */
	eg_onnx_told *told;
	eg_error *err;
} trial;

/* How many rows the smallest embedding has. */
static int known_ids(const eg_onnx_parts *p) {
	eg_node_info n;
	int64_t least = INT32_MAX;
	char name[128];
	for (int i = 0; i < eg_graph_nodes(p->graph); i++) {
		eg_graph_node(p->graph, i, &n);
		if (strcmp(n.op->name, "embedding") != 0) continue;
		snprintf(name, sizeof name, "%.100s.weight", n.name);
		const int at = eg_params_find(p->params, name);
		if (at >= 0 && eg_params_dims(p->params, at).d[0] < least) least = eg_params_dims(p->params, at).d[0];
	}
	return least < INT32_MAX ? (int)least : 2;
}

/* Which open size an input of lengths is about: "lengths" of the time, "lengths.source" of that; 0: it is none. */
static int length_of(const eg_plan *plan, const char *name) {
	if (strncmp(name, "lengths", 7) != 0 || (name[7] && name[7] != '.')) return 0;
	const int n = name[7] ? eg_plan_size(plan, name + 8) : eg_plan_time(plan);
	return n > 0 ? n : 1;
}

static void fill(trial *t, const char *name, eg_dtype type, int64_t n, void *to) {
	const int whole = length_of(t->ours, name);
	for (int64_t i = 0; i < n; i++) {
		const uint64_t at = t->used++;
		if (type == EG_F32) ((eg_real *)to)[i] = (eg_real)eg_rng_normal(t->rng, at);
		else if (type == EG_F64) ((double *)to)[i] = eg_rng_normal(t->rng, at);
		else if (type == EG_U8) ((uint8_t *)to)[i] = (uint8_t)eg_rng_below(t->rng, at, 256);
		else if (type == EG_BOOL) ((uint8_t *)to)[i] = (uint8_t)eg_rng_below(t->rng, at, 2);
		else if (type == EG_I32 && whole) ((int32_t *)to)[i] = i ? 1 + (int32_t)eg_rng_below(t->rng, at, (uint64_t)whole) : whole;
		else if (type == EG_I32) ((int32_t *)to)[i] = (int32_t)eg_rng_below(t->rng, at, (uint64_t)t->ids);
		else if (type == EG_I64) ((int64_t *)to)[i] = (int64_t)eg_rng_below(t->rng, at, (uint64_t)t->ids);
	}
}

/* Noise as sound, and what the model makes of it for the graph; what is behind a sample's length must not be heard. */
static eg_status fill_sound(trial *t) {
	const eg_sound_front *f = t->parts->sound;
	const int batch = eg_plan_batch(t->ours), time = eg_plan_time(t->ours);
	int32_t *lengths = eg_plan_input(t->theirs, "lengths"), *steps = eg_plan_input(t->ours, "lengths");
	eg_real *sound = eg_plan_input(t->theirs, EG_HEAR_SOUND), *x = eg_plan_input(t->ours, f->input);
	float *own = eg_arena_alloc(&t->arena, ((size_t)t->samples + (size_t)time * (size_t)f->width) * sizeof *own);
	if (!own) return eg_fail(t->err, EG_ERR_MEMORY, "out of memory for sound");
	if (!sound || !x || !lengths != !steps)
		return eg_fail(t->err, EG_ERR_NUMERIC, "the network that was written, read again, does not take sound and its lengths");
	for (int i = 0; i < batch; i++) {
		const int n = i && lengths ? 1 + (int)eg_rng_below(t->rng, t->used++, (uint64_t)t->samples) : t->samples;
		for (int k = 0; k < t->samples; k++) own[k] = 0.2F * (float)eg_rng_normal(t->rng, t->used++), sound[(ptrdiff_t)i * t->samples + k] = (eg_real)own[k];
		const int64_t count = eg_sound_front_steps(f, n);
		float *made = own + t->samples;
		eg_status status = eg_sound_front_of(f, own, n, made, t->err);
		if (status) return status;
		for (int s = 0; s < time; s++)
			for (int k = 0; k < f->width; k++) x[((ptrdiff_t)s * batch + i) * f->width + k] = s < count ? (eg_real)made[(ptrdiff_t)s * f->width + k] : 0;
		if (lengths) lengths[i] = n, steps[i] = (int32_t)count;
	}
	return EG_OK;
}

/* Is it one that fill_sound fills? */
static bool is_heard(const trial *t, const char *name) {
	return t->parts->sound && (!strcmp(name, t->parts->sound->input) || !strcmp(name, EG_HEAR_SOUND) || !strcmp(name, "lengths"));
}

/* What both need is the same. */
static eg_status fill_inputs(trial *t) {
	const eg_graph *g = t->parts->graph;
	eg_tensor x;
	for (int i = 0; (x = eg_graph_input(g, i)).id; i++) {
		const char *name = eg_tensor_name(g, x);
		void *a = eg_plan_input(t->ours, name), *b = eg_plan_input(t->theirs, name);
		if ((!a && !b) || is_heard(t, name)) continue;
		if (!a || !b || eg_tensor_dtype(t->graph, eg_graph_find(t->graph, name)) != eg_tensor_dtype(g, x))
			return eg_fail(t->err, EG_ERR_NUMERIC, "the network written and the one read again do not both take the input '%.100s'", name);
		const eg_dims d = eg_plan_dims(t->ours, x);
		fill(t, name, eg_tensor_dtype(g, x), eg_dims_count(&d, 0), a);
		memcpy(b, a, (size_t)eg_dims_count(&d, 0) * eg_dtype_size(eg_tensor_dtype(g, x)));
	}
	return t->parts->sound ? fill_sound(t) : EG_OK;
}

static eg_status compare(trial *t, const char *name) {
	const eg_tensor a = eg_graph_find(t->parts->graph, name), b = eg_graph_find(t->graph, name);
	const eg_dims d = eg_plan_dims(t->ours, a), e = eg_plan_dims(t->theirs, b);
	const int64_t n = eg_dims_count(&d, 0);
	if (d.rank != e.rank || memcmp(d.d, e.d, (size_t)d.rank * sizeof *d.d) != 0 || eg_tensor_dtype(t->graph, b) != eg_tensor_dtype(t->parts->graph, a))
		return eg_fail(t->err, EG_ERR_NUMERIC, "the network that was written gives '%.100s' in another shape or type, read again", name);
	if (eg_tensor_dtype(t->graph, b) != EG_F32) {
		if (!memcmp(eg_plan_output(t->ours, name), eg_plan_output(t->theirs, name), (size_t)n * eg_dtype_size(eg_tensor_dtype(t->graph, b)))) return EG_OK;
		return eg_fail(t->err, EG_ERR_NUMERIC, "the network that was written, read again, gives another '%.100s' on random numbers", name);
	}
	const eg_real *x = eg_plan_output(t->ours, name), *y = eg_plan_output(t->theirs, name);
	double most = 0;
	for (int64_t i = 0; i < n; i++)
		if (fabs((double)x[i]) > most) most = fabs((double)x[i]);
	for (int64_t i = 0; i < n; i++) {
		const double off = x[i] == y[i] || (isnan(x[i]) && isnan(y[i])) ? 0 : fabs((double)x[i] - (double)y[i]);
		if (most > 0 && off / most > t->told->difference) t->told->difference = off / most;
		if (!(off <= 1e-5 * most || off <= 1e-4 * fabs((double)x[i])))
			return eg_fail(t->err, EG_ERR_NUMERIC,
				"the network that was written, read again, differs on random numbers: '%.100s' has %g in the place of %g (batch %d, time %d); this is an error of "
				"engram's",
				name, (double)y[i], (double)x[i], eg_plan_batch(t->ours), eg_plan_time(t->ours));
	}
	return EG_OK;
}

/* Numbers for open sizes beside batch and time. */
static void open_sizes(const eg_graph *g, int each, eg_size open[WORDS + 1]) {
	eg_tensor x;
	for (int i = 0; (x = eg_graph_input(g, i)).id; i++) {
		const eg_dims d = eg_tensor_dims(g, x);
		for (int k = 0; k < d.rank; k++) {
			const char *name = d.d[k] < 0 ? eg_open_name(g, d.d[k]) : NULL;
			int at = 0;
			if (!name || d.d[k] == EG_N || d.d[k] == EG_T) continue;
			while (at < WORDS && open[at].name && strcmp(open[at].name, name)) at++;
			if (at < WORDS) open[at] = (eg_size){name, each};
		}
	}
}

static void forget(trial *t) {
	eg_params_free(t->params);
	eg_graph_free(t->graph);
	t->params = NULL;
	t->graph = NULL;
}

/* The file's network with numbers for its samples, steps and words. */
static eg_status import_fixed(trial *t, int batch, int time, const eg_size *open) {
	eg_size all[WORDS + 3] = {{"batch", batch}, {t->parts->sound ? "samples" : "time", t->parts->sound ? t->samples : time}};
	eg_onnx_model fixed;
	for (int i = 0; open[i].name; i++) all[i + 2] = open[i];
	forget(t);
	eg_status status = eg_onnx_fixed(&t->arena, t->model, all, &fixed, t->err);
	if (!status) status = eg_onnx_import(eg_graph_context(t->parts->graph), &fixed, &t->graph, &t->params, t->err);
	if (status) eg_fail_prefix(t->err, "the network that was written cannot be read again");
	return status;
}

/* One run with sizes i; *possible false: the network is not made for them. */
static eg_status run(trial *t, int i, bool *possible) {
	eg_size open[WORDS + 1] = {{0}};
	open_sizes(t->parts->graph, sizes[i].other, open);
	const eg_sound_front *f = t->parts->sound;
	if (f) t->samples = f->window + sizes[i].time * f->hop - f->hop / 3;
	const int time = f ? (int)eg_sound_front_steps(f, t->samples) : sizes[i].time;
	eg_plan_options o = {.batch = sizes[i].batch, .time = time, .sizes = open, .outputs = t->parts->outputs};
	t->ours = eg_plan_new(t->parts->graph, t->parts->params, &o, t->err);
	*possible = t->ours;
	if (!t->ours) return EG_OK;
	eg_status status = t->fixed ? import_fixed(t, sizes[i].batch, time, open) : EG_OK;
	eg_size kept[WORDS + 1] = {{0}}; /* without those that targets alone have */
	if (!t->fixed) open_sizes(t->graph, sizes[i].other, kept);
	o.sizes = t->fixed ? NULL : kept; /* they are numbers there */
	if (!status) t->theirs = eg_plan_new(t->graph, t->params, &o, t->err);
	if (!status && !t->theirs) {
		eg_fail_prefix(t->err, "the network that was written, read again, cannot be planned");
		status = t->err->status;
	}
	if (!status) status = fill_inputs(t);
	if (!status) {
		eg_plan_run(t->ours, 0);
		eg_plan_run(t->theirs, 0);
	}
	for (int k = 0; t->parts->outputs[k] && !status; k++) status = compare(t, t->parts->outputs[k]);
	eg_plan_free(t->ours);
	eg_plan_free(t->theirs);
	t->ours = t->theirs = NULL;
	return status;
}

eg_status eg_onnx_try(const void *bytes, size_t size, const eg_onnx_parts *parts, eg_onnx_told *told, eg_error *err) {
	eg_error why = {0};
	trial t = {.parts = parts, .rng = {0, eg_stream(EG_RNG_TEST, 0, 0)}, .ids = known_ids(parts), .told = told, .err = &why};
	eg_onnx_file *f = eg_onnx_file_parse(bytes, size, "what was written", &why);
	eg_status status = f ? EG_OK : why.status;
	if (f) t.model = eg_onnx_file_model(f);
	if (f) t.fixed = parts->sound || eg_onnx_import(eg_graph_context(parts->graph), t.model, &t.graph, &t.params, &why) != EG_OK;
	told->runs = 0;
	told->difference = 0;
	told->fixed = t.fixed;
	for (int i = 0; i < EG_COUNT(sizes) && told->runs < RUNS && !status; i++) {
		bool possible;
		status = run(&t, i, &possible);
		told->runs += possible;
	}
	if (!status && !told->runs) status = why.status; /* of the last sizes */
	forget(&t);
	eg_arena_free(&t.arena);
	eg_onnx_file_free(f);
	if (status && err) *err = why;
	return status;
}
