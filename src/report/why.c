/* why.c - which units of a text a classifier's answer comes from (engram_report.h): integrated gradients at what the
 * embedding has looked up, of the log odds between the likeliest class and the next one; each unit covered by itself
 * as a check; and, of an ensemble, what the floor's features add, which needs no gradient. Not here: the page
 * (why_page.c), gradients (attribution.c). */
#include "engram_report.h"
#include "tasks/ensemble.h"

#include <math.h>
#include <string.h>

enum { MOST_UNITS = 4096, BATCH_UNITS = 8192 /* steps of all the texts that are run at once */ };

struct eg_why {
	eg_model *model;
	eg_task *task;
	eg_tensor found; /* by the embedding that reads the text */
};

/* One text. */
typedef struct asking {
	eg_why *w;
	const char *name;
	eg_record record;
	eg_datum text;
	int32_t *ids;
	size_t n;
	size_t *starts;
	int best, next;      /* classes */
	double *adds, *gone; /* of each unit: to the log odds; by how much they fall without it */
	double odds, empty, error;
	int steps;
	eg_arena arena;
	eg_error *err;
} asking;

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory to find what an answer comes from"); }

/* ---- life -------------------------------------------------------------------------------------------------------- */

static eg_status find_embedding(eg_why *w, eg_error *err) {
	const eg_graph *g = eg_model_graph(w->model);
	const eg_tensor text = eg_graph_find(g, w->task->intakes[0]->input);
	int found = 0;
	for (int i = 0; i < eg_graph_nodes(g); i++) {
		eg_node_info node;
		eg_graph_node(g, i, &node);
		bool reads = false;
		for (int k = 0; k < node.ninputs; k++) reads |= node.inputs[k].id == text.id;
		if (!reads) continue;
		found++;
		w->found = strcmp(node.op->name, "embedding") == 0 ? node.outputs[0] : (eg_tensor){0};
	}
	if (found == 1 && w->found.id) return EG_OK;
	return eg_fail(err, EG_ERR_ARG, "words are weighed at what an embedding has looked up; this network has not one embedding, and "
	                                "nothing else, that reads the text");
}

static eg_status open_task(eg_why *w, eg_error *err) {
	eg_status status = eg_task_of_model(w->model, &w->task, err);
	if (status) return status;
	if (strcmp(w->task->type->info.name, "classify") != 0 || w->task->ninputs != 1 ||
	        w->task->intakes[0]->type->kind != EG_FIELD_TEXT)
		return eg_fail(err, EG_ERR_ARG, "which words counted is told of models that classify texts");
	if (eg_intake_names(eg_task_target(w->task))->n < 2)
		return eg_fail(err, EG_ERR_ARG, "of one class alone there is nothing to be weighed");
	eg_task_constrain(w->task, eg_model_params(w->model));
	return find_embedding(w, err);
}

eg_status eg_why_open(eg_model *m, eg_why **why, eg_error *err) {
	*why = NULL;
	eg_why *w = eg_calloc(NULL, 1, sizeof *w);
	if (!w) return no_memory(err);
	w->model = m;
	eg_status status = open_task(w, err);
	if (status)
		eg_why_close(w);
	else
		*why = w;
	return status;
}

void eg_why_close(eg_why *w) {
	if (!w) return;
	eg_task_free(w->task);
	eg_release(NULL, w);
}

/* ---- the text, and what is said of it ---------------------------------------------------------------------------- */

static eg_status read_text(asking *a, const char *text, size_t size) {
	const eg_intake *f = a->w->task->intakes[0];
	int remark = 0;
	eg_status status = f->type->decode(f, text, size, a->name, &a->record, &a->text, &remark, a->err);
	if (!status) status = eg_intake_encode(f, &a->text, &a->record, &a->ids, &a->n, a->err);
	if (!status && a->n > MOST_UNITS)
		status = eg_fail(a->err, EG_ERR_ARG, "a text of %zu units; words are weighed of at most %d: ask about a part of it", a->n, MOST_UNITS);
	if (status) return status;
	a->starts = eg_arena_alloc(&a->arena, (a->n + 1) * sizeof *a->starts);
	a->adds = eg_arena_alloc(&a->arena, (a->n + 1) * sizeof *a->adds);
	a->gone = eg_arena_alloc(&a->arena, (a->n + 1) * sizeof *a->gone);
	if (!a->starts || !a->adds || !a->gone) return no_memory(a->err);
	eg_vocab_places(eg_intake_vocab(f), a->text.text.bytes, a->text.text.size, a->ids, a->n, a->starts);
	return EG_OK;
}

static eg_bag_text text_of(const asking *a) { return eg_bag_text_with(a->ids, (int)a->n, 1, a->w->task, &a->text); }

/* The two likeliest classes. */
static eg_status choose_classes(asking *a) {
	eg_graph *g = eg_model_graph(a->w->model);
	eg_ensemble *e = eg_classify_ensemble(a->w->task);
	const int K = eg_intake_names(eg_task_target(a->w->task))->n;
	const char *const outputs[] = {"logits", NULL};
	double *sums = eg_arena_alloc(&a->arena, (size_t)K * sizeof *sums);
	if (!sums || (e && !eg_ensemble_ask(e, text_of(a)))) return no_memory(a->err);
	eg_plan *plan = eg_plan_new(g, eg_model_params(a->w->model),
	        &(eg_plan_options){.batch = 1, .time = (int)a->n, .outputs = outputs}, a->err);
	if (!plan) return a->err->status;
	int32_t *lengths = eg_plan_input(plan, "lengths");
	memcpy(eg_plan_input(plan, a->w->task->intakes[0]->input), a->ids, a->n * sizeof *a->ids);
	if (lengths) *lengths = (int32_t)a->n;
	eg_plan_run(plan, 0);
	const eg_real *logits = eg_plan_output(plan, "logits");
	for (int k = 0; k < K; k++) sums[k] = e ? eg_ensemble_sum(e, (double)logits[k], k) : (double)logits[k];
	for (int k = 1; k < K; k++)
		if (sums[k] > sums[a->best]) a->best = k;
	a->next = a->best == 0 ? K > 1 : 0;
	for (int k = 0; k < K; k++)
		if (k != a->best && sums[k] > sums[a->next]) a->next = k;
	a->odds = sums[a->best] - sums[a->next];
	eg_plan_free(plan);
	return EG_OK;
}

/* ---- what each unit adds ----------------------------------------------------------------------------------------- */

/* Of one class's logit, `sign` times, onto a->adds, or a->gone. */
static eg_status attribute(asking *a, eg_attribution_kind kind, int class_, double sign) {
	const eg_ensemble *e = eg_classify_ensemble(a->w->task);
	const char *const names[] = {a->w->task->intakes[0]->input, "lengths"};
	const int32_t length = (int32_t)a->n;
	const void *const inputs[] = {a->ids, &length};
	const double weight = sign * (e ? e->weights[0] : 1);
	eg_attribution_options o = {
	        .kind = kind, .output = "logits", .element = class_, .by = a->w->found, .time = (int)a->n, .tolerance = 0.001};
	o.batch = (int)a->n < BATCH_UNITS / 32 ? 32 : BATCH_UNITS / (int)a->n;
	eg_attribution x;
	eg_status status =
	        eg_attribute(eg_model_graph(a->w->model), eg_model_params(a->w->model), &o, names, inputs, 2, &x, a->err);
	const bool whole = kind == EG_ATTRIBUTION_INTEGRATED;
	for (size_t t = 0; t < a->n && !status; t++) (whole ? a->adds : a->gone)[t] += weight * (double)x.map[t];
	if (!status && whole) {
		a->empty += weight * x.baseline_output;
		if (x.steps > a->steps) a->steps = x.steps;
	}
	eg_attribution_free(&x);
	return status;
}

/* Floor i's part: exact, since it is a sum. A unit that is covered is one that the floor does not know. */
static eg_status add_floor(asking *a, const eg_ensemble *e, int i) {
	eg_companion *c = e->companions[i];
	const int n = (int)a->n, best = a->best, next = a->next;
	const double weight = e->weights[1 + i];
	double *each = eg_arena_alloc(&a->arena, 2 * (a->n + 1) * sizeof *each), *other = each + a->n;
	if (!each || !eg_companion_why(c, text_of(a), best, each) || !eg_companion_why(c, text_of(a), next, other))
		return no_memory(a->err);
	const double *said = eg_companion_say(c, text_of(a));
	if (!said) return no_memory(a->err);
	const double all = said[best] - said[next];
	double sum = 0;
	for (int t = 0; t < n; t++) {
		a->adds[t] += weight * (each[t] - other[t]);
		sum += each[t] - other[t];
	}
	a->empty += weight * (all - sum);
	for (int t = 0; t < n; t++) {
		const int32_t id = a->ids[t];
		a->ids[t] = INT32_MIN;
		said = eg_companion_say(c, text_of(a));
		a->ids[t] = id;
		if (!said) return no_memory(a->err);
		a->gone[t] += weight * (all - (said[best] - said[next]));
	}
	return EG_OK;
}

static eg_status weigh(asking *a) {
	eg_status status = choose_classes(a);
	for (int kind = 0; kind < 2 && !status; kind++) {
		const eg_attribution_kind how = kind ? EG_ATTRIBUTION_OCCLUSION : EG_ATTRIBUTION_INTEGRATED;
		status = attribute(a, how, a->best, 1);
		if (!status) status = attribute(a, how, a->next, -1);
	}
	const eg_ensemble *e = eg_classify_ensemble(a->w->task);
	for (int i = 0; e && i < e->nfloors && !status; i++) status = add_floor(a, e, i);
	double sum = a->empty;
	for (size_t t = 0; t < a->n; t++) sum += a->adds[t];
	a->error = fabs(a->odds - sum);
	return status;
}

/* ---- as a tree --------------------------------------------------------------------------------------------------- */

/* All bytes but those that go on with a character. */
static int characters_in(const char *s, size_t size) {
	int n = 0;
	for (size_t i = 0; i < size; i++) n += ((unsigned char)s[i] & 0xC0) != 0x80;
	return n;
}

/* *start: where it begins, in characters; then, where the next one does. */
static void put_unit(const asking *a, size_t t, double all, int *start, eg_value *list) {
	const char *text = a->text.text.bytes;
	size_t at = a->starts[t], end = a->starts[t + 1];
	while (end > at + 1 && (text[end - 1] == ' ' || text[end - 1] == '\t' || text[end - 1] == '\r' || text[end - 1] == '\n')) end--;
	eg_value *v = eg_value_put_map(list, NULL);
	eg_value_put_int(v, "start", *start);
	eg_value_put_int(v, "end", *start + characters_in(text + at, end - at));
	*start += characters_in(text + at, a->starts[t + 1] - at);
	eg_value_put_bytes(v, "text", text + at, end - at);
	eg_value_put_number(v, "share", all > 0 ? a->adds[t] / all : 0);
	eg_value_put_number(v, "adds", a->adds[t]);
	eg_value_put_number(v, "occlusion", a->gone[t]);
}

static void put_all(const asking *a, eg_value *map) {
	const eg_lexicon *names = eg_intake_names(eg_task_target(a->w->task));
	double all = 0;
	for (size_t t = 0; t < a->n; t++) all += fabs(a->adds[t]);
	eg_value *list = eg_value_mark(eg_value_put_list(map, "why"), EG_SHOW_NOT, NULL);
	int start = a->n > 0 ? characters_in(a->text.text.bytes, a->starts[0]) : 0;
	for (size_t t = 0; t < a->n; t++) put_unit(a, t, all, &start, list);
	if (a->n == 0) return;
	eg_value *of = eg_value_mark(eg_value_put_map(map, "why_of"), EG_SHOW_NOT, NULL);
	eg_value_put_text(of, "class", names->at[a->best]);
	eg_value_put_text(of, "against", names->at[a->next]);
	eg_value_put_number(of, "log_odds", a->odds);
	eg_value_put_number(of, "empty", a->empty);
	eg_value_put_number(of, "error", a->error);
	eg_value_put_int(of, "steps", a->steps);
}

eg_status eg_why_text(eg_why *w, const char *text, size_t size, const char *name, eg_value *map, eg_error *err) {
	eg_error own = {0};
	asking a = {.w = w, .name = name, .err = err ? err : &own};
	eg_status status = read_text(&a, text, size);
	if (!status && a.n > 0) status = weigh(&a);
	if (!status) put_all(&a, map);
	if (!status && !eg_value_whole(map)) status = no_memory(err);
	if (status) eg_fail_prefix(a.err, "%s", name);
	eg_release(NULL, a.ids);
	eg_record_free(&a.record);
	eg_arena_free(&a.arena);
	return status;
}

/* ---- questions --------------------------------------------------------------------------------------------------- */

/* The text of a JSON map, which stays its owner. */
static eg_status text_of_map(const eg_why *w, const char *name, const eg_value *map, const char **text, size_t *size, eg_error *err) {
	const char *field = w->task->intakes[0]->name;
	const eg_value *v = eg_value_get(map, field);
	*text = eg_value_text(v), *size = eg_value_text_size(v);
	return *text ? EG_OK : eg_fail(err, EG_ERR_FORMAT, "%s: it has no text '%s'", name, field);
}

eg_status eg_why_question(eg_why *w, const eg_question *q, eg_value *map, eg_error *err) {
	const char *name = q->path ? q->path : q->name ? q->name : "the input", *text = q->bytes;
	size_t size = q->size;
	char *own = NULL;
	eg_value *json = NULL;
	eg_status status = q->path ? eg_file_read(NULL, q->path, 0, &own, &size, err) : EG_OK;
	if (own) text = own;
	if (!status && q->json) {
		status = eg_value_parse(text, size, name, &json, err);
		if (!status) status = text_of_map(w, name, json, &text, &size, err);
	}
	if (!status) status = eg_why_text(w, text, size, name, map, err);
	eg_value_free(json);
	eg_release(NULL, own);
	return status;
}

/* ---- the data's own texts ---------------------------------------------------------------------------------------- */

/* Has the text as few units as are weighed? */
static eg_status is_short(const eg_why *w, const eg_datum *text, const eg_record *r, bool *yes, eg_error *err) {
	int32_t *ids = NULL;
	size_t n = 0;
	eg_status status = eg_intake_encode(w->task->intakes[0], text, r, &ids, &n, err);
	if (!status) *yes = n <= MOST_UNITS;
	eg_release(NULL, ids);
	return status;
}

static eg_status weigh_record(eg_why *w, eg_part part, int64_t item, eg_record *r, eg_value *list, eg_error *err) {
	const eg_task *t = w->task;
	eg_status status = eg_source_read(t->source, part, item, (1u << t->intakes[0]->field) | (1u << eg_task_target(t)->field), r, err);
	if (status) return status;
	const eg_datum *text = &r->fields[t->intakes[0]->field], *label = &r->fields[eg_task_target(t)->field];
	char name[32];
	bool one = text->there;
	if (one) status = is_short(w, text, r, &one, err);
	if (status || !one) return status;
	snprintf(name, sizeof name, "record %lld", (long long)item);
	eg_value *map = eg_value_put_map(list, NULL);
	const int32_t class = label->there ? eg_intake_label(eg_task_target(t), label->label) : -1;
	if (class >= 0) eg_value_put_text(map, "truth", eg_intake_names(eg_task_target(t))->at[class]);
	return eg_why_text(w, text->text.bytes, text->text.size, name, map, err);
}

eg_status eg_why_data(eg_why *w, int n, eg_value *list, eg_error *err) {
	eg_part part = eg_task_eval_part(w->task);
	eg_record r = {0};
	eg_status status = eg_source_prepare(w->task->source, part, err);
	int64_t count = status ? 0 : eg_source_count(w->task->source, part);
	if (!status && count < 1) {
		part = EG_PART_TRAIN;
		status = eg_source_prepare(w->task->source, part, err);
		count = status ? 0 : eg_source_count(w->task->source, part);
	}
	for (int64_t i = 0; i < n && i < count && !status; i++)
		status = weigh_record(w, part, count <= n ? i : i * count / n, &r, list, err);
	eg_record_free(&r);
	return status;
}
