/* rebuilt.c - what an auto-encoder makes of pictures of its own data: errors, codes on a plane, and some pictures to be
 * shown. Noise is that of training: a layer `dropout` that reads the input. Not here: the page (rebuilt_page.c). */
#include "report/rebuilt.h"

#include "data/principal.h"

#include <math.h>
#include <string.h>

enum { RECORDS = 2000, TOGETHER = 64 };

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory to show what is rebuilt"); }

const char *eg_rebuilt_class(const eg_rebuilt_look *l, int label) {
	const eg_field *f = eg_source_field(l->task->source, eg_rebuilt_label_field(l->task));
	return f && label >= 0 && label < f->nnames ? f->names[label] : "";
}

/* ---- the network ------------------------------------------------------------------------------------------------- */

static eg_status open_task(eg_rebuilt_look *l, eg_error *err) {
	eg_status status = eg_task_of_model(l->model, &l->task, err);
	if (status) return status;
	if (l->task->type == &eg_task_type_reconstruct && eg_rebuilds_pictures(l->task)) return EG_OK;
	return eg_fail(err, EG_ERR_ARG, "what is rebuilt is shown of models of the task 'reconstruct' that take pictures");
}

bool eg_rebuilt_page_suits(eg_model *m) {
	eg_rebuilt_look l = {.model = m};
	const bool suits = open_task(&l, NULL) == EG_OK;
	eg_rebuilt_forget(&l);
	return suits;
}

/* Does a layer `min` keep what a dropout leaves as it was, of pixels that are not below 0? */
static bool keeps_size(const eg_rebuilt_look *l, eg_tensor input, eg_tensor dropped) {
	for (int i = 0; i < eg_graph_nodes(l->g); i++) {
		eg_node_info n;
		bool of_input = false, of_dropped = false;
		eg_graph_node(l->g, i, &n);
		for (int k = 0; k < n.ninputs; k++)
			of_input = of_input || n.inputs[k].id == input.id, of_dropped = of_dropped || n.inputs[k].id == dropped.id;
		if (!strcmp(n.op->name, "min") && of_input && of_dropped) return true;
	}
	return false;
}

/* The share that a dropout of the input takes away; *larger: what it multiplies the rest with. */
static double noise_of(const eg_rebuilt_look *l, double *larger) {
	const eg_tensor input = eg_graph_find(l->g, l->task->intakes[0]->input);
	*larger = 1;
	for (int i = 0; i < eg_graph_nodes(l->g); i++) {
		eg_node_info n;
		float rate = 0;
		eg_graph_node(l->g, i, &n);
		if (strcmp(n.op->name, "dropout") != 0 || n.ninputs < 1 || n.inputs[0].id != input.id) continue;
		for (int k = 0; k < n.op->nattrs; k++)
			if (!strcmp(n.op->attrs[k].name, "rate")) memcpy(&rate, (const char *)n.options + n.op->attrs[k].offset, sizeof rate);
		if (!keeps_size(l, input, n.outputs[0])) *larger = 1 / (1 - (double)rate);
		return (double)rate;
	}
	return 0;
}

static int code_width(const eg_rebuilt_look *l) {
	const eg_dims d = eg_tensor_dims(l->g, eg_graph_find(l->g, "embedding"));
	int64_t n = d.rank > 1;
	for (int i = 1; i < d.rank; i++) n *= d.d[i] > 0 ? d.d[i] : 0;
	return n > 4096 ? 0 : (int)n;
}

static eg_status prepare(eg_rebuilt_look *l, int *records, eg_error *err) {
	eg_status status = open_task(l, err);
	if (status) return status;
	l->g = eg_model_graph(l->model);
	l->part = eg_task_eval_part(l->task);
	const eg_dims d = eg_tensor_dims(l->g, eg_graph_find(l->g, "logits"));
	for (int i = 0; i < 3; i++) l->shape[i] = d.rank == 4 ? (int)d.d[i + 1] : 0;
	if (d.rank != 4) return eg_fail(err, EG_ERR_ARG, "what is rebuilt is shown of networks that put out (N, channels, height, width)");
	status = eg_source_prepare(l->task->source, l->part, err);
	l->count = status ? 0 : eg_source_count(l->task->source, l->part);
	if (!status && l->count < 1) status = eg_fail(err, EG_ERR_ARG, "the part '%s' of the data is empty", eg_part_name(l->part));
	if (*records < 1) *records = RECORDS;
	if (*records > l->count) *records = (int)l->count;
	l->noise = noise_of(l, &l->larger);
	l->width = code_width(l);
	l->errors = eg_arena_alloc(&l->arena, (size_t)*records * sizeof *l->errors);
	l->labels = eg_arena_alloc(&l->arena, (size_t)*records * sizeof *l->labels);
	l->odd = eg_arena_alloc(&l->arena, (size_t)*records * sizeof *l->odd);
	l->codes = eg_arena_alloc(&l->arena, ((size_t)*records * (size_t)l->width + 1) * sizeof *l->codes);
	l->places = eg_arena_alloc(&l->arena, 2 * (size_t)*records * sizeof *l->places);
	if (!status && !(l->errors && l->labels && l->odd && l->codes && l->places)) status = no_memory(err);
	return status;
}

/* ---- pictures ---------------------------------------------------------------------------------------------------- */

static size_t pixels_of(const eg_rebuilt_look *l) { return (size_t)l->shape[0] * (size_t)l->shape[1] * (size_t)l->shape[2]; }

typedef struct walk {
	eg_rebuilt_look *l;
	eg_plan *plan; /* of TOGETHER pictures */
	eg_record record;
	uint8_t *wanted; /* pictures of the batch */
	eg_rebuilt_picture one; /* whose pictures are in room of its own */
} walk;

/* Bytes as the network's numbers; a share of the pixels is taken away as training does it, where noise > 0. What is
 * shown of that leaves out by how much it makes the others larger. */
static void put_numbers(const eg_rebuilt_look *l, const uint8_t *bytes, double noise, int64_t record, eg_real *to, uint8_t *shown) {
	const size_t plane = pixels_of(l) / (size_t)l->shape[0];
	const eg_rng rng = {0x6e6f697365, (uint64_t)record};
	for (size_t i = 0; i < pixels_of(l); i++) {
		double black, white;
		eg_intake_picture_scale(l->task->intakes[0], (int)(i / plane), &black, &white);
		const bool taken = noise > 0 && eg_rng_uniform(rng, i) < noise;
		const double x = taken ? 0 : black + (white - black) * bytes[i] / 255;
		to[i] = (eg_real)(noise > 0 ? x * l->larger : x);
		if (shown) shown[i] = (uint8_t)lround(255 * fmin(fmax((x - black) / (white - black), 0), 1));
	}
}

static eg_status read_picture(walk *w, int64_t record, uint8_t *to, int *label, eg_error *err) {
	const eg_rebuilt_look *l = w->l;
	const int field = l->task->intakes[0]->field, class_field = eg_rebuilt_label_field(l->task);
	const unsigned wanted = (1u << field) | (class_field >= 0 ? 1u << class_field : 0);
	const uint8_t *pixels;
	int shape[3];
	eg_status status = eg_source_read(l->task->source, l->part, record, wanted, &w->record, err);
	if (!status && !w->record.fields[field].there) status = eg_fail(err, EG_ERR_ARG, "record %lld has no picture", (long long)record);
	if (!status) status = eg_intake_picture(l->task->intakes[0], &w->record.fields[field], &w->record, &pixels, shape, err);
	if (status) return status;
	memcpy(to, pixels, pixels_of(l));
	*label = class_field >= 0 && w->record.fields[class_field].there ? w->record.fields[class_field].label : -1;
	return EG_OK;
}

/* One picture and what is made of it, with and without noise. */
static eg_status keep(walk *w, int64_t record, eg_rebuilt_picture *to, eg_error *err) {
	eg_rebuilt_look *l = w->l;
	const size_t n = pixels_of(l);
	uint8_t *room = eg_arena_alloc(&l->arena, 4 * n);
	if (!room) return no_memory(err);
	*to = (eg_rebuilt_picture){.record = record, .pixels = room, .rebuilt = room + n, .noisy = room + 2 * n, .cleaned = room + 3 * n};
	eg_status status = read_picture(w, record, to->pixels, &to->label, err);
	if (status) return status;
	eg_real *in = eg_plan_input(w->plan, l->task->intakes[0]->input);
	put_numbers(l, to->pixels, 0, record, in, NULL);
	put_numbers(l, to->pixels, l->noise, record, in + n, to->noisy);
	eg_plan_run(w->plan, 0);
	const eg_real *said = eg_plan_output(w->plan, "logits");
	to->error = eg_rebuilt_error(l->task, said, to->pixels, l->shape, to->rebuilt);
	eg_rebuilt_error(l->task, said + n, to->pixels, l->shape, to->cleaned);
	if (l->noise <= 0) to->noisy = to->cleaned = NULL;
	return EG_OK;
}

static eg_status look_at_all(walk *w, int records, eg_error *err) {
	eg_rebuilt_look *l = w->l;
	const size_t n = pixels_of(l);
	eg_status status = EG_OK;
	while (l->n < records && !status) {
		const int first = l->n;
		eg_real *in = eg_plan_input(w->plan, l->task->intakes[0]->input);
		for (int i = 0; i < TOGETHER && l->n < records && !status; i++, l->n++) {
			const int64_t record = (int64_t)l->n * l->count / records;
			int label = -1;
			bool odd = false;
			status = read_picture(w, record, w->wanted + (size_t)i * n, &label, err);
			if (!status && l->task->type->leaves_some_out(l->task)) status = l->task->type->leaves_out(l->task, &w->record, &odd, err);
			if (!status) put_numbers(l, w->wanted + (size_t)i * n, 0, record, in + (size_t)i * n, NULL);
			l->labels[l->n] = label, l->odd[l->n] = odd, l->nodd += odd;
		}
		if (status) return status;
		eg_plan_run(w->plan, 0);
		const eg_real *said = eg_plan_output(w->plan, "logits"), *codes = l->width ? eg_plan_output(w->plan, "embedding") : NULL;
		for (int i = 0; first + i < l->n; i++)
			l->errors[first + i] = eg_rebuilt_error(l->task, said + (size_t)i * n, w->wanted + (size_t)i * n, l->shape, NULL);
		if (codes) memcpy(l->codes + (ptrdiff_t)first * l->width, codes, (size_t)(l->n - first) * (size_t)l->width * sizeof *codes);
	}
	return status;
}

/* ---- which are shown --------------------------------------------------------------------------------------------- */

static int64_t record_of(const eg_rebuilt_look *l, int i) { return (int64_t)i * l->count / l->n; }

/* One of each class in turn; without classes the first ones. */
static eg_status choose_shown(walk *w, eg_error *err) {
	eg_rebuilt_look *l = w->l;
	const eg_field *f = eg_source_field(l->task->source, eg_rebuilt_label_field(l->task));
	const int classes = f && f->nnames > 0 ? f->nnames : 0;
	bool *taken = eg_arena_alloc(&l->arena, (size_t)l->n * sizeof *taken);
	eg_status status = taken ? EG_OK : no_memory(err);
	for (int k = 0, missed = 0; l->nshown < EG_REBUILT_SHOWN && l->nshown < l->n && missed <= classes && !status; k++) {
		int i = 0;
		while (i < l->n && (taken[i] || (classes && l->labels[i] != k % classes))) i++;
		missed = i < l->n ? 0 : missed + 1;
		if (i == l->n) continue;
		taken[i] = true;
		status = keep(w, record_of(l, i), &l->shown[l->nshown++], err);
	}
	l->faces = eg_arena_alloc(&l->arena, ((size_t)classes + 1) * sizeof *l->faces);
	if (!l->faces) status = no_memory(err);
	for (int k = 0; k < classes && !status; k++) {
		int i = 0;
		while (i < l->n && l->labels[i] != k) i++;
		if (i < l->n) status = keep(w, record_of(l, i), &l->faces[l->nfaces++], err);
	}
	return status;
}

static eg_status choose_worst(walk *w, eg_error *err) {
	eg_rebuilt_look *l = w->l;
	bool *taken = eg_arena_alloc(&l->arena, (size_t)l->n * sizeof *taken);
	eg_status status = taken ? EG_OK : no_memory(err);
	while (l->nworst < EG_REBUILT_SHOWN && l->nworst < l->n && !status) {
		int most = -1;
		for (int i = 0; i < l->n; i++)
			if (!taken[i] && (most < 0 || l->errors[i] > l->errors[most])) most = i;
		taken[most] = true;
		status = keep(w, record_of(l, most), &l->worst[l->nworst++], err);
	}
	return status;
}

/* ---- the plane --------------------------------------------------------------------------------------------------- */

/* Codes of two numbers as they are, others by their first two principal components. */
static eg_status lay_out(eg_rebuilt_look *l, eg_error *err) {
	eg_principal p = {0};
	if (l->width < 2) return EG_OK;
	eg_status status = eg_principal_begin(&p, l->width, err);
	for (int i = 0; i < l->n && !status; i++) eg_principal_add(&p, l->codes + (ptrdiff_t)i * l->width);
	if (!status) status = eg_principal_solve(&p, 2, err);
	for (int i = 0; i < l->n && !status; i++) {
		const eg_real *code = l->codes + (ptrdiff_t)i * l->width;
		if (l->width == 2)
			l->places[2 * i] = (double)code[0], l->places[2 * i + 1] = (double)code[1];
		else
			eg_principal_project(&p, code, l->places + 2 * (ptrdiff_t)i);
	}
	if (!status) l->kept = l->width == 2 ? 1 : p.total > 0 ? (p.variances[0] + p.variances[1]) / p.total : 0;
	eg_principal_free(&p);
	return status;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static eg_status look(walk *w, int records, eg_error *err) {
	eg_rebuilt_look *l = w->l;
	const char *outputs[] = {"logits", l->width ? "embedding" : NULL, NULL};
	w->wanted = eg_arena_alloc(&l->arena, TOGETHER * pixels_of(l));
	if (!w->wanted) return no_memory(err);
	w->plan = eg_plan_new(l->g, eg_model_params(l->model), &(eg_plan_options){.batch = TOGETHER, .outputs = outputs}, err);
	if (!w->plan) return err->status;
	eg_status status = look_at_all(w, records, err);
	if (!status) status = choose_shown(w, err);
	if (!status) status = choose_worst(w, err);
	if (!status) status = lay_out(l, err);
	if (!status) status = eg_rebuilt_auc(l->errors, l->odd, l->n, &l->auc, err);
	for (int i = 0; i < l->n && !status; i++) l->mse += l->errors[i] / l->n;
	if (!status && !isfinite(l->mse)) status = eg_fail(err, EG_ERR_NUMERIC, "what the network puts out is not a number: its training failed");
	return status;
}

eg_status eg_rebuilt_gather(eg_rebuilt_look *l, int records, eg_error *err) {
	walk w = {.l = l};
	eg_status status = prepare(l, &records, err);
	if (!status) status = look(&w, records, err);
	eg_plan_free(w.plan);
	eg_record_free(&w.record);
	return status;
}

void eg_rebuilt_forget(eg_rebuilt_look *l) {
	eg_task_free(l->task);
	eg_arena_free(&l->arena);
	l->task = NULL;
}
