/* tag.c - the task `tag`: a tag for each token of a text, such as the names of persons and places in it. The network
 * puts out a number for each tag at every step, "logits" (T,N,tags); behind a crf the best sequence of tags is its
 * output "path".
 *
 * Tags B-X and I-X make spans: a B-X, or an I-X that does not follow an X, begins one of type X, and every I-X behind
 * it goes on with it (as conlleval counts, Tjong Kim Sang and Buchholz 2000). Of tags without such a beginning every
 * run of one tag other than O is a span.
 *
 * Where every I-X has its B-X, a crf is held to that: to go on with what has not begun weighs so little that neither
 * its sums nor its best path know of it. */
#include "tasks/tag_films.h"

#include <math.h>
#include <string.h>

const eg_key eg_tagger_keys[EG_TAGGER_KEYS] = {{.name = "delay",
	.type = EG_KEY_INT,
	.offset = offsetof(eg_tagger, delay),
	.min = 0,
	.max = 10000,
	.doc = "of films: a frame's tag is told when so many more frames have been seen (default: 0)"}};

static eg_status open_task(eg_task *t, eg_error *err) {
	t->one = "sentence", t->many = "sentences";
	if (t->intakes[0]->type->kind == EG_FIELD_FRAMES) {
		t->type = &eg_task_type_tag_films;
		return t->type->open(t, err);
	}
	if (((const eg_tagger *)t)->delay == 0) return EG_OK;
	eg_fail(err, EG_ERR_ARG, "`delay` is for films, whose frames come one after the other; a text is there as a whole: leave it out");
	eg_recipe_locate(t->recipe, "data.delay", err);
	return EG_ERR_ARG;
}

static const eg_lexicon *tags_of(const eg_task *t) { return eg_intake_names(eg_task_target(t)); }

static const char *const path_only[] = {"path", NULL}, *const logits_only[] = {"logits", NULL};

static const char *const *outputs(const eg_task *t, const eg_graph *g) {
	EG_UNUSED(t);
	return eg_graph_find(g, "path").id ? path_only : logits_only;
}

static eg_status suits(const eg_task *t, eg_graph *g, eg_error *err) {
	eg_dims d = eg_tensor_dims(g, eg_graph_find(g, "logits"));
	if (d.rank == 3 && d.d[0] == EG_T && d.d[1] == EG_N) return EG_OK;
	eg_fail(err, EG_ERR_SHAPE,
	        "to tag, a network answers at every step, with a number for each tag: end with `linear: classes`, "
	        "without `last` "
	        "or `mean_time` before it");
	eg_recipe_locate(t->recipe, "model", err);
	return EG_ERR_SHAPE;
}

/* ---- what may follow what ---------------------------------------------------------------------------------------- */

/* Far below all that is learnt, and far from infinity, with which optimizers could not reckon. */
static const eg_real never = (eg_real)-1e4;

/* transitions[i][j] is the weight of tag j behind tag i, start[j] that of tag j at the beginning. */
static void constrain_crf(const eg_lexicon *tags, eg_real *transitions, eg_real *start) {
	for (int j = 0; j < tags->n; j++) {
		for (int i = 0; i < tags->n; i++)
			if (!eg_tag_may_follow(tags->at[j], tags->at[i])) transitions[i * tags->n + j] = never;
		if (start && !eg_tag_may_follow(tags->at[j], NULL)) start[j] = never;
	}
}

static void constrain(const eg_task *t, eg_params *p) {
	static const char end[] = ".transitions";
	const eg_lexicon *tags = tags_of(t);
	char name[256];
	if (!eg_intake_spans(eg_task_target(t))) return;
	for (int i = 0; i < eg_params_count(p); i++) {
		const char *transitions = eg_params_name(p, i);
		const size_t n = strlen(transitions);
		const eg_dims d = eg_params_dims(p, i);
		if (n < sizeof end || strcmp(transitions + n - (sizeof end - 1), end) != 0) continue;
		if (d.rank != 2 || d.d[0] != tags->n || d.d[1] != tags->n) continue;
		snprintf(name, sizeof name, "%.*s.start", (int)(n - (sizeof end - 1)), transitions);
		const int start = eg_params_find(p, name);
		constrain_crf(tags, eg_params_data(p, i), start >= 0 ? eg_params_data(p, start) : NULL);
	}
	eg_params_changed(p);
}

/* ---- tags and spans ---------------------------------------------------------------------------------------------- */

/* What the network says of step s. */
static int said(const eg_row *r, int s) {
	int width;
	if (!r->said && eg_graph_find(r->graph, "path").id)
		return ((const int32_t *)(const void *)eg_plan_output(r->plan, "path"))[(ptrdiff_t)s * r->n + r->i];
	const eg_real *x = eg_row_output(r, "logits", s, &width);
	return eg_argmax(x, width);
}

static int meant(const eg_row *r, int s) { return *eg_row_ids(r, r->target, s); }

/* Tokens of this row. */
static int count_tokens(const eg_row *r) { return r->length < r->time ? r->length : r->time; }

typedef struct span {
	const char *type; /* points into a tag's name */
	int start, end;
} span;

static bool is_inside(const char *tag) { return tag[0] == 'I' && tag[1] == '-'; }
static bool is_bio(const char *tag) { return (tag[0] == 'B' || tag[0] == 'I') && tag[1] == '-'; }
static const char *type_of(const char *tag) { return is_bio(tag) ? tag + 2 : tag; }

/* The next span at or behind step `from`, of tags tag(r, s); false: there is none. */
static bool next_span(
	const eg_lexicon *tags, const eg_row *r, int (*tag)(const eg_row *, int), int from, int n, span *out) {
	int s = from;
	while (s < n && (tag(r, s) < 0 || strcmp(tags->at[tag(r, s)], "O") == 0)) s++;
	if (s >= n) return false;
	const char *first = tags->at[tag(r, s)];
	*out = (span){type_of(first), s, s + 1};
	for (; out->end < n; out->end++) {
		int k = tag(r, out->end);
		if (k < 0) break;
		const char *name = tags->at[k];
		bool goes_on = is_bio(first) ? is_inside(name) && strcmp(type_of(name), out->type) == 0
		                             : strcmp(name, first) == 0;
		if (!goes_on) break;
	}
	return true;
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

enum { TYPES = 256 };

typedef struct judge {
	eg_task_judge base;
	eg_lexicon types;
	int64_t there[TYPES], found[TYPES], right[TYPES], tokens, tokens_right;
} judge;

static const eg_metric_info metrics[] = {
	{.name = "f1", .doc = "of whole spans, of their place and type", .share = true},
	{.name = "precision", .doc = "of the spans that are told, how many are right", .share = true},
	{.name = "recall", .doc = "of the spans that are there, how many are found", .share = true},
	{.name = "accuracy", .doc = "of the tags", .share = true},
};

static void judge_close(eg_task_judge *j) { eg_lexicon_free(&((judge *)j)->types); }

static void judge_reset(eg_task_judge *j) {
	judge *own = (judge *)j;
	for (int i = 0; i < TYPES; i++) own->there[i] = own->found[i] = own->right[i] = 0;
	own->tokens = own->tokens_right = 0;
}

static int64_t *count_of(judge *j, int64_t *counts, const char *type, eg_error *err) {
	int k = eg_lexicon_put(&j->types, type);
	if (k < 0) eg_fail(err, EG_ERR_MEMORY, "out of memory for the types of spans");
	if (k >= TYPES) eg_fail(err, EG_ERR_ARG, "there are more than %d types of spans", TYPES);
	return k < 0 || k >= TYPES ? NULL : &counts[k];
}

static bool same(const span *a, const span *b) {
	return a->start == b->start && a->end == b->end && strcmp(a->type, b->type) == 0;
}

static eg_status judge_row(eg_task_judge *j, const eg_row *r, eg_error *err) {
	judge *own = (judge *)j;
	const eg_lexicon *tags = tags_of(j->task);
	int n = count_tokens(r);
	span a, b;
	while (n > 0 && meant(r, n - 1) < 0) n--; /* padding of a sentence without tokens */
	for (int s = 0; s < n; s++) {
		own->tokens++;
		own->tokens_right += said(r, s) == meant(r, s);
	}
	for (int from = 0; next_span(tags, r, meant, from, n, &a); from = a.end) {
		int64_t *there = count_of(own, own->there, a.type, err),
		        *right = count_of(own, own->right, a.type, err);
		if (!there || !right) return EG_ERR_MEMORY;
		++*there;
		for (int at = 0; next_span(tags, r, said, at, n, &b) && b.start <= a.start; at = b.end)
			*right += same(&a, &b);
	}
	for (int from = 0; next_span(tags, r, said, from, n, &b); from = b.end) {
		int64_t *found = count_of(own, own->found, b.type, err);
		if (!found) return EG_ERR_MEMORY;
		++*found;
	}
	j->total++;
	return EG_OK;
}

static double ratio(int64_t a, int64_t b) { return b ? (double)a / (double)b : 0; }

static void judge_values(const eg_task_judge *j, double *v) {
	const judge *own = (const judge *)j;
	int64_t there = 0, found = 0, right = 0;
	for (int i = 0; i < TYPES; i++) there += own->there[i], found += own->found[i], right += own->right[i];
	v[0] = ratio(2 * right, there + found);
	v[1] = ratio(right, found);
	v[2] = ratio(right, there);
	v[3] = ratio(own->tokens_right, own->tokens);
}

static void judge_details(const eg_task_judge *j, eg_value *map) {
	const judge *own = (const judge *)j;
	eg_value *list = eg_value_put_list(map, "per_class");
	for (int i = 0; i < own->types.n && i < TYPES; i++) {
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_text(one, "class", own->types.at[i]);
		eg_value_put_int(one, "n", own->there[i]);
		eg_value_mark(eg_value_put_number(one, "precision", ratio(own->right[i], own->found[i])), EG_SHOW_SHARE,
		        NULL);
		eg_value_mark(
		        eg_value_put_number(one, "recall", ratio(own->right[i], own->there[i])), EG_SHOW_SHARE, NULL);
		eg_value_mark(eg_value_put_number(one, "f1", ratio(2 * own->right[i], own->there[i] + own->found[i])),
		        EG_SHOW_SHARE, NULL);
	}
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

/* The tokens of a span as a text, with spaces between words; NULL: out of memory. */
static char *text_of(const eg_task *t, const eg_datum *d, const span *s, eg_arena *a) {
	bool spaced = eg_intake_spaced(t->intakes[0]);
	size_t n = 1;
	for (int i = s->start; i < s->end && i < d->tokens.n; i++) n += strlen(d->tokens.at[i]) + spaced;
	char *text = eg_arena_alloc(a, n), *to = text;
	for (int i = s->start; i < s->end && i < d->tokens.n && text; i++) {
		size_t k = strlen(d->tokens.at[i]);
		if (spaced && i > s->start) *to++ = ' ';
		memcpy(to, d->tokens.at[i], k);
		to += k;
	}
	return text;
}

static eg_status put(const eg_task *t, const eg_row *r, int (*tag)(const eg_row *, int), eg_value *out, eg_error *err) {
	const eg_lexicon *tags = tags_of(t);
	const eg_datum *d = eg_row_datum(t, r, 0);
	int n = count_tokens(r);
	span s;
	eg_arena arena = {0};
	eg_status status = EG_OK;
	if (d && d->tokens.n < n) n = d->tokens.n;
	eg_value *list = eg_value_mark(eg_value_put_list(out, "tags"), EG_SHOW_NOT, NULL);
	for (int i = 0; i < n; i++) {
		int k = tag(r, i);
		eg_value_put_text(list, NULL, k >= 0 ? tags->at[k] : NULL);
	}
	list = eg_value_put_list(out, "spans");
	for (int from = 0; next_span(tags, r, tag, from, n, &s) && !status; from = s.end) {
		char *text = d ? text_of(t, d, &s, &arena) : NULL;
		if (d && !text) status = eg_fail(err, EG_ERR_MEMORY, "out of memory for an answer");
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_text(one, "type", s.type);
		eg_value_mark(eg_value_put_int(one, "start", s.start), EG_SHOW_NOT, NULL);
		eg_value_mark(eg_value_put_int(one, "end", s.end), EG_SHOW_NOT, NULL);
		eg_value_mark(eg_value_put_text(one, "text", text), EG_SHOW_STRONG, NULL);
	}
	eg_arena_free(&arena);
	return status;
}

static eg_status answer(const eg_task *t, const eg_answer_options *o, const eg_row *r, eg_value *out, eg_error *err) {
	EG_UNUSED(o);
	return put(t, r, said, out, err);
}

static eg_status truth(const eg_task *t, const eg_row *r, eg_value *out, eg_error *err) {
	return put(t, r, meant, out, err);
}

const eg_task_type eg_task_type_tag = {
	.info = {.name = "tag",
		.doc = "a tag for each word or character of a text: names of persons, places, ...",
		.takes = "texts, films (Y4M, folders of frames)",
		.answer = "a tag for each token or frame, and the spans that they make",
		.judged = "Of a tagger: whole spans count, right in place and type: precision (of those it tells, how\n"
			  "many are right), recall (of those that are there, how many it finds) and F1, the harmonic\n"
			  "mean of both, for each type and over all; and how many single tags are right."},
	.inputs = EG_KIND(TOKENS) | EG_KIND(FRAMES),
	.targets = EG_KIND(TAGS),
	.needs = "tokens, or a film, with tags",
	.size = sizeof(eg_tagger),
	.keys = {eg_tagger_keys, EG_TAGGER_KEYS},
	.open = open_task,
	.suits = suits,
	.constrain = constrain,
	.metrics = metrics,
	.nmetrics = EG_COUNT(metrics),
	.best = 0,
	.outputs = outputs,
	.judge_size = sizeof(judge),
	.judge_close = judge_close,
	.judge_reset = judge_reset,
	.judge_row = judge_row,
	.judge_values = judge_values,
	.judge_details = judge_details,
	.answer = answer,
	.truth = truth,
};
