/* tag_films.c - the task `tag` of films: what happens in each frame, and so when which action begins and ends. The
 * network puts out a number for each tag at every frame, "logits" (T,N,tags).
 *
 * One that goes in one direction cannot know what begins in a frame before it has seen more: with the key `delay` it
 * tells of each frame when it has seen so many more. It is then shown the last frame so often once more.
 *
 * Runs of frames with one tag are segments, and are judged as such (Lea et al. 2017): a segment that is told is right
 * at k % when it shares at least k % of the frames that it and a segment of that tag cover together, each of which
 * counts once (f1_10, f1_25, f1_50); and the order of segments alone (edit): 1 less the edits that make one of the
 * other, by the longer of the two. */
#include "tasks/tag_films.h"
#include "tasks/edits.h"

#include <string.h>

static const eg_lexicon *tags_of(const eg_task *t) { return eg_intake_names(eg_task_target(t)); }

static int delay_of(const eg_task *t) { return ((const eg_tagger *)t)->delay; }

static eg_status open_task(eg_task *t, eg_error *err) {
	EG_UNUSED(err);
	t->one = "film", t->many = "films";
	t->intakes[0]->delay = eg_task_target(t)->delay = delay_of(t);
	return EG_OK;
}

static eg_status suits(const eg_task *t, eg_graph *g, eg_error *err) {
	eg_dims d = eg_tensor_dims(g, eg_graph_find(g, "logits"));
	if (d.rank == 3 && d.d[0] == EG_T && d.d[1] == EG_N) return EG_OK;
	eg_fail(err, EG_ERR_SHAPE,
		"to tag a film, a network answers at every frame, with a number for each tag: end with `linear: classes` of a sequence, "
		"without `last` or `mean_time` before it");
	eg_recipe_locate(t->recipe, "model", err);
	return EG_ERR_SHAPE;
}

/* ---- segments ---------------------------------------------------------------------------------------------------- */

/* A row, whose steps tell of the frames `delay` before them. */
typedef struct told {
	const eg_row *row;
	int delay, frames;
} told;
static told told_of(const eg_task *t, const eg_row *r) {
	const int steps = r->length < r->time ? r->length : r->time, delay = delay_of(t);
	return (told){r, delay, steps > delay ? steps - delay : 0};
}

static int said(const told *x, int t) {
	int width;
	const eg_real *logits = eg_row_output(x->row, "logits", t + x->delay, &width);
	return eg_argmax(logits, width);
}
static int meant(const told *x, int t) { return *eg_row_ids(x->row, x->row->target, t + x->delay); }

/* Has the data a tag that the model knows for frame t? */
static bool is_judged(const told *x, int t) { return meant(x, t) >= 0; }

/* Into out, which has room for all frames. When they are `judged`, frames without a right answer are passed over. */
static int segments_of(const told *x, int (*tag)(const told *, int), bool judged, eg_segment *out) {
	int n = 0;
	for (int t = 0; t < x->frames; t++) {
		if (judged && !is_judged(x, t)) continue;
		const int k = tag(x, t);
		if (n == 0 || out[n - 1].tag != k || out[n - 1].end != t) out[n++] = (eg_segment){k, t, t};
		out[n - 1].end = t + 1;
	}
	return n;
}

static double shared(const eg_segment *a, const eg_segment *b) {
	const int both = (a->end < b->end ? a->end : b->end) - (a->start > b->start ? a->start : b->start);
	const int any = (a->end > b->end ? a->end : b->end) - (a->start < b->start ? a->start : b->start);
	return both > 0 ? (double)both / any : 0;
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

enum { LEVELS = 3 };
static const double levels[LEVELS] = {0.5, 0.25, 0.1};

typedef struct judge {
	eg_task_judge base;
	int64_t right[LEVELS], told, there, frames, frames_right;
	double edit;
} judge;

static const eg_metric_info metrics[] = {
	{.name = "f1_50", .doc = "of segments that share at least half of their frames", .share = true},
	{.name = "f1_25", .doc = "a quarter", .share = true},
	{.name = "f1_10", .doc = "a tenth", .share = true},
	{.name = "edit", .doc = "of the order of segments: 1 less their edit distance", .share = true},
	{.name = "accuracy", .doc = "of the frames", .share = true},
};

static void judge_reset(eg_task_judge *j) {
	judge *own = (judge *)j;
	memset(own->right, 0, sizeof own->right);
	own->told = own->there = own->frames = own->frames_right = 0;
	own->edit = 0;
}

int64_t eg_segments_right(const eg_segment *a, int n, const eg_segment *b, int m, double least, bool *used) {
	int64_t right = 0;
	for (int k = 0; k < m; k++) used[k] = false;
	for (int i = 0; i < n; i++) {
		int best = -1;
		for (int k = 0; k < m; k++)
			if (a[i].tag == b[k].tag && (best < 0 || shared(&a[i], &b[k]) > shared(&a[i], &b[best]))) best = k;
		if (best < 0 || used[best] || shared(&a[i], &b[best]) < least) continue;
		used[best] = true;
		right++;
	}
	return right;
}

typedef struct both {
	const eg_segment *a, *b;
} both;
static bool of_one_tag(const void *user, int i, int k) {
	const both *x = user;
	return x->a[i].tag == x->b[k].tag;
}

double eg_segments_edit(const eg_segment *a, int n, const eg_segment *b, int m, int *row) {
	const int longer = n > m ? n : m, edits = eg_edits(n, m, of_one_tag, &(both){a, b}, row);
	return longer ? 1 - (double)edits / longer : 1;
}

static eg_status judge_row(eg_task_judge *j, const eg_row *r, eg_error *err) {
	judge *own = (judge *)j;
	eg_arena room = {0};
	const told x = told_of(j->task, r);
	const size_t frames = (size_t)x.frames + 1;
	eg_segment *a = eg_arena_alloc(&room, frames * sizeof *a), *b = eg_arena_alloc(&room, frames * sizeof *b);
	bool *used = eg_arena_alloc(&room, frames * sizeof *used);
	int *row = eg_arena_alloc(&room, (frames + 1) * sizeof *row);
	if (!a || !b || !used || !row) return eg_arena_free(&room), eg_fail(err, EG_ERR_MEMORY, "out of memory for segments");
	const int n = segments_of(&x, said, true, a), m = segments_of(&x, meant, true, b);
	for (int t = 0; t < x.frames; t++)
		if (is_judged(&x, t)) own->frames++, own->frames_right += said(&x, t) == meant(&x, t);
	own->told += n, own->there += m;
	for (int k = 0; k < LEVELS; k++) own->right[k] += eg_segments_right(a, n, b, m, levels[k], used);
	if (m > 0) own->edit += eg_segments_edit(a, n, b, m, row), j->total++;
	eg_arena_free(&room);
	return EG_OK;
}

static void judge_values(const eg_task_judge *j, double *v) {
	const judge *own = (const judge *)j;
	const int64_t segments = own->told + own->there;
	for (int k = 0; k < LEVELS; k++) v[k] = segments ? 2.0 * (double)own->right[k] / (double)segments : 0;
	v[3] = j->total ? own->edit / (double)j->total : 0;
	v[4] = own->frames ? (double)own->frames_right / (double)own->frames : 0;
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

static eg_status put(const eg_task *t, const eg_row *r, int (*tag)(const told *, int), eg_value *out, eg_error *err) {
	const eg_lexicon *tags = tags_of(t);
	const told x = told_of(t, r);
	eg_segment *s = eg_calloc(NULL, (size_t)x.frames + 1, sizeof *s);
	if (!s) return eg_fail(err, EG_ERR_MEMORY, "out of memory for segments");
	eg_value *list = eg_value_mark(eg_value_put_list(out, "tags"), EG_SHOW_NOT, NULL);
	for (int i = 0; i < x.frames; i++) {
		const int k = tag(&x, i);
		eg_value_put_text(list, NULL, k >= 0 && k < tags->n ? tags->at[k] : NULL);
	}
	list = eg_value_put_list(out, "spans");
	const int n = segments_of(&x, tag, false, s);
	for (int i = 0; i < n; i++) {
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_mark(eg_value_put_text(one, "type", s[i].tag >= 0 && s[i].tag < tags->n ? tags->at[s[i].tag] : NULL), EG_SHOW_STRONG, NULL);
		eg_value_put_int(one, "start", s[i].start);
		eg_value_put_int(one, "end", s[i].end);
	}
	eg_release(NULL, s);
	return EG_OK;
}

static eg_status answer(const eg_task *t, const eg_answer_options *o, const eg_row *r, eg_value *out, eg_error *err) {
	EG_UNUSED(o);
	return put(t, r, said, out, err);
}

static eg_status truth(const eg_task *t, const eg_row *r, eg_value *out, eg_error *err) { return put(t, r, meant, out, err); }

const eg_task_type eg_task_type_tag_films = {
	.info = {.name = "tag",
		.doc = "a tag for each frame of a film: what happens when",
		.takes = "films",
		.answer = "a tag for each frame, and the segments that they make",
		.judged = "Of a tagger of films: segments count, runs of frames with one tag, right when they share at least\n"
			  "half (a quarter, a tenth) of their frames with one of that tag: the harmonic mean of precision and\n"
			  "recall; the order of segments; and how many single frames are right."},
	.inputs = EG_KIND(FRAMES),
	.targets = EG_KIND(TAGS),
	.needs = "a film with a tag for each frame",
	.size = sizeof(eg_tagger),
	.keys = {eg_tagger_keys, EG_TAGGER_KEYS},
	.open = open_task,
	.suits = suits,
	.metrics = metrics,
	.nmetrics = EG_COUNT(metrics),
	.best = 0,
	.judge_size = sizeof(judge),
	.judge_reset = judge_reset,
	.judge_row = judge_row,
	.judge_values = judge_values,
	.answer = answer,
	.truth = truth,
};
