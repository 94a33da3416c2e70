/* caption_film.c - the task `caption` of films: a sentence about what happens, "a seven moves up, then a two turns",
 * and when each of its clauses begins and ends. The network reads a picture a step, and writes as those of caption.c
 * do.
 *
 * Nobody tells it when a clause is true: that follows from where it looks. How much the units of a clause look at each
 * frame (its output `attention`) is added up; between two clauses the film is cut where the least of both lies on the
 * wrong side. The key frame of a clause is the one in it that it looks at most. Without that output there are no
 * segments.
 *
 * Where the source has a tag for each frame, and as many runs of tags as its caption has clauses, these are the
 * segments that would be right. */
#include "tasks/caption.h"
#include "tasks/tag_films.h"

#include <math.h>
#include <string.h>

static eg_status open_task(eg_task *t, eg_error *err) {
	t->one = "film", t->many = "films";
	return eg_desk_open(&((eg_caption *)t)->desk, err);
}

static eg_status suits(const eg_task *t, eg_graph *g, eg_error *err) {
	return eg_desk_suits(t, g, &((const eg_caption *)t)->keys, "film", err);
}

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for segments"); }

/* ---- clauses ----------------------------------------------------------------------------------------------------- */

typedef struct clause {
	size_t at, size; /* in the text */
	int start, end, key; /* frames; key -1: not known */
} clause;

/* The clauses of a text, in room; NULL: out of memory. An empty text has none. */
static clause *clauses_of(const char *text, size_t size, eg_arena *room, int *n) {
	const size_t gap = strlen(EG_CLAUSE);
	size_t most = 1;
	for (size_t i = 0; i + gap <= size; i++) most += memcmp(text + i, EG_CLAUSE, gap) == 0;
	clause *c = eg_arena_alloc(room, most * sizeof *c);
	*n = 0;
	if (!c || size == 0) return c;
	c[0] = (clause){.at = 0, .size = size, .key = -1};
	for (size_t i = 0; i + gap <= size; i++) {
		if (memcmp(text + i, EG_CLAUSE, gap) != 0) continue;
		c[*n].size = i - c[*n].at;
		c[++*n] = (clause){.at = i + gap, .size = size - i - gap, .key = -1};
	}
	++*n;
	return c;
}

/* What lies on the wrong side if a clause that looks so ends before frame b, and the next begins there. */
static double misplaced(const double *one, const double *next, int frames, int b) {
	double sum = 0;
	for (int t = 0; t < frames; t++) sum += t >= b ? one[t] : next[t];
	return sum;
}

void eg_clauses_cut(const double *weights, int n, int frames, int *ends) {
	static const double alike = 0.02; /* of what a clause has in all */
	for (int k = 0; k + 1 < n; k++) {
		const double *one = weights + (ptrdiff_t)k * frames, *next = one + frames;
		const int before = k ? ends[k - 1] : 0, last = frames - (n - 1 - k) > before ? frames - (n - 1 - k) : before;
		int low = before < last ? before + 1 : last, high = low;
		double least = INFINITY, both = 0;
		for (int t = 0; t < frames; t++) both += one[t] + next[t];
		for (int b = low; b <= last; b++) least = fmin(least, misplaced(one, next, frames, b));
		while (low < last && misplaced(one, next, frames, low) > least + alike * both / 2) low++;
		for (int b = low; b <= last; b++)
			if (misplaced(one, next, frames, b) <= least + alike * both / 2) high = b;
		ends[k] = (low + high) / 2;
	}
	if (n > 0) ends[n - 1] = frames;
}

/* How much each clause of what was written looks at each frame: (n, frames), in room; NULL: out of memory. */
static double *looks_of(const eg_task *t, const eg_hypothesis *h, int stride, int frames, const clause *c, int n, eg_arena *room) {
	const eg_vocab *v = eg_caption_vocab(t);
	double *w = eg_arena_alloc(room, ((size_t)n * (size_t)frames + 1) * sizeof *w);
	char one[EG_UNIT_MOST + 3];
	size_t at = 0;
	int k = 0;
	for (int i = 0; i < h->n && w; i++) {
		const size_t size = eg_vocab_spell(v, i ? h->units[i - 1] : -1, h->units[i], one, sizeof one);
		const size_t begin = at + (one[0] == ' ');
		while (k + 1 < n && begin >= c[k + 1].at) k++;
		for (int f = 0; f < frames && begin < c[k].at + c[k].size; f++)
			w[(ptrdiff_t)k * frames + f] += (double)h->attention[(ptrdiff_t)i * stride + f];
		at += size;
	}
	return w;
}

/* Sets when the clauses of what was written are true. *told: the network says where it looks. */
static eg_status time_clauses(const eg_task *t, const eg_row *r, const eg_hypothesis *h, clause *c, int n, bool *told, eg_arena *room,
	eg_error *err) {
	const eg_scribe *scribe = ((const eg_caption *)t)->desk->scribe;
	const int frames = eg_scribe_places(scribe, r->i);
	*told = h->attention && frames > 0;
	if (!*told || n == 0) return EG_OK;
	const double *w = looks_of(t, h, eg_scribe_stride(scribe), frames, c, n, room);
	int *ends = eg_arena_alloc(room, (size_t)n * sizeof *ends);
	if (!w || !ends) return no_memory(err);
	eg_clauses_cut(w, n, frames, ends);
	for (int k = 0; k < n; k++) {
		c[k].start = k ? ends[k - 1] : 0, c[k].end = ends[k];
		if (c[k].end > c[k].start) c[k].key = c[k].start;
		for (int f = c[k].start; f < c[k].end; f++)
			if (w[(ptrdiff_t)k * frames + f] > w[(ptrdiff_t)k * frames + c[k].key]) c[k].key = f;
	}
	return EG_OK;
}

/* ---- what would be right ----------------------------------------------------------------------------------------- */

/* The field of the source with a tag for each frame; -1: it has none. */
static int tags_field(const eg_task *t) { return eg_source_find_kind(t->source, EG_FIELD_TAGS); }

static unsigned also(const eg_task *t) { return tags_field(t) >= 0 ? 1u << tags_field(t) : 0; }

/* The clauses of the record's own caption; *timed: it is known when. NULL: it has none, or out of memory. */
static clause *right_clauses(const eg_task *t, const eg_row *r, eg_arena *room, const char **text, int *n, bool *timed) {
	const eg_datum *own = eg_row_datum(t, r, t->ninputs), *tags = r->record && tags_field(t) >= 0 ? &r->record->fields[tags_field(t)] : NULL;
	*timed = false, *n = 0;
	if (!own) return NULL;
	*text = own->text.bytes;
	clause *c = clauses_of(own->text.bytes, own->text.size, room, n);
	if (!c || !tags || !tags->there) return c;
	int runs = 0;
	for (int f = 0; f < tags->tags.n; f++) {
		if (f == 0 || tags->tags.at[f] != tags->tags.at[f - 1]) {
			if (runs < *n) c[runs].start = f;
			runs++;
		}
		if (runs <= *n) c[runs - 1].end = f + 1;
	}
	*timed = runs == *n;
	return c;
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

enum { EXACT, CLAUSE, F1_50, LOSS, METRICS };
static const eg_metric_info metrics[METRICS] = {
	{.name = "exact", .doc = "sentences that are right as a whole", .share = true},
	{.name = "clause", .doc = "of the clauses that are right, how many are told, in their order", .share = true},
	{.name = "f1_50", .doc = "of clauses with their times, which share at least half of their frames", .share = true},
	{.name = "loss", .doc = "nats a unit", .lower_is_better = true},
};

typedef struct judge {
	eg_task_judge base;
	int64_t exact, clauses, clauses_right, told, there, right;
} judge;

static void judge_reset(eg_task_judge *j) {
	const eg_task_judge base = *j;
	memset(j, 0, sizeof(judge));
	*j = base;
}

static bool same(const char *a, const clause *x, const char *b, const clause *y) {
	return x->size == y->size && memcmp(a + x->at, b + y->at, x->size) == 0;
}

/* As segments whose tag is the first clause of `words` that says the same; others have tags of their own. */
static eg_segment *segments_of(const char *text, const clause *c, int n, const char *words, const clause *of, int m, eg_arena *room) {
	eg_segment *s = eg_arena_alloc(room, ((size_t)n + 1) * sizeof *s);
	for (int k = 0; k < n && s; k++) {
		int tag = 0;
		while (tag < m && !same(text, &c[k], words, &of[tag])) tag++;
		s[k] = (eg_segment){tag < m ? tag : m + k, c[k].start, c[k].end};
	}
	return s;
}

static eg_status judge_clauses(judge *own, const eg_row *r, const char *text, const eg_hypothesis *h, eg_arena *room, eg_error *err) {
	const eg_task *t = own->base.task;
	const char *right = NULL;
	int n, m;
	bool timed, told = false;
	const clause *b = right_clauses(t, r, room, &right, &m, &timed);
	clause *a = clauses_of(text, strlen(text), room, &n);
	if (!a) return no_memory(err);
	if (!b) return EG_OK;
	own->clauses += m;
	for (int k = 0; k < n && k < m; k++) own->clauses_right += same(text, &a[k], right, &b[k]);
	eg_status status = h && timed ? time_clauses(t, r, h, a, n, &told, room, err) : EG_OK;
	if (status || !told) return status;
	bool *used = eg_arena_alloc(room, ((size_t)m + 1) * sizeof *used);
	const eg_segment *said = segments_of(text, a, n, right, b, m, room), *meant = segments_of(right, b, m, right, b, m, room);
	if (!used || !said || !meant) return no_memory(err);
	own->told += n, own->there += m;
	own->right += eg_segments_right(said, n, meant, m, 0.5, used);
	return EG_OK;
}

static eg_status judge_row(eg_task_judge *j, const eg_row *r, eg_error *err) {
	judge *own = (judge *)j;
	const eg_hypothesis *h = NULL;
	const char *text = r->text, *const *right = NULL;
	int n = 0;
	eg_arena room = {0};
	eg_status status = text ? EG_OK : eg_caption_write(j->task, NULL, r, &h, err);
	if (!status && !text) status = eg_written_spell(eg_caption_vocab(j->task), h, &room, &text, err);
	if (!status) status = eg_written_references(j->task, r, &room, &right, &n, err);
	if (!status && n > 0) {
		bool exact = false;
		for (int i = 0; i < n; i++) exact = exact || strcmp(text, right[i]) == 0;
		own->exact += exact;
		j->total++;
		status = judge_clauses(own, r, text, h, &room, err);
	}
	eg_arena_free(&room);
	return status;
}

static double ratio(double a, double b) { return b > 0 ? a / b : (double)NAN; }

static void judge_values(const eg_task_judge *j, double *v) {
	const judge *own = (const judge *)j;
	v[EXACT] = ratio((double)own->exact, (double)j->total);
	v[CLAUSE] = ratio((double)own->clauses_right, (double)own->clauses);
	v[F1_50] = ratio(2 * (double)own->right, (double)(own->told + own->there));
	v[LOSS] = (double)NAN; /* the network's own */
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

static void put_clauses(const char *text, const clause *c, int n, eg_value *out) {
	eg_value *list = eg_value_mark(eg_value_put_list(out, "segments"), EG_SHOW_NOT, NULL);
	for (int k = 0; k < n; k++) {
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_int(one, "start", c[k].start);
		eg_value_put_int(one, "end", c[k].end);
		if (c[k].key >= 0)
			eg_value_put_int(one, "keyframe", c[k].key);
		else
			eg_value_put_null(one, "keyframe");
		eg_value_put_bytes(one, "text", text + c[k].at, c[k].size);
	}
}

static eg_status answer(const eg_task *t, const eg_answer_options *base, const eg_row *r, eg_value *out, eg_error *err) {
	const eg_desk_options *o = (const eg_desk_options *)base;
	const eg_hypothesis *h = NULL;
	const char *text = NULL;
	eg_arena room = {0};
	bool told = false;
	int n = 0;
	eg_status status = eg_caption_write(t, o, r, &h, err);
	if (!status) status = eg_caption_answer(t, o, r, h, out, err);
	if (!status) status = eg_written_spell(eg_caption_vocab(t), h, &room, &text, err);
	clause *c = status ? NULL : clauses_of(text, strlen(text), &room, &n);
	if (!status && !c) status = no_memory(err);
	if (!status) status = time_clauses(t, r, h, c, n, &told, &room, err);
	if (!status) put_clauses(text, c, told ? n : 0, out);
	eg_arena_free(&room);
	return status;
}

static eg_status truth(const eg_task *t, const eg_row *r, eg_value *out, eg_error *err) {
	eg_arena room = {0};
	const char *text = NULL;
	bool timed;
	int n;
	eg_status status = eg_written_truth(t, r, out, err);
	const clause *c = status ? NULL : right_clauses(t, r, &room, &text, &n, &timed);
	if (c && timed) put_clauses(text, c, n, out);
	eg_arena_free(&room);
	return status;
}

const eg_task_type eg_task_type_caption_films = {
	.info = {.name = "caption",
		.doc = "a sentence about a film, and when each part of it is true",
		.takes = "films (Y4M, folders of frames)",
		.answer = "a sentence, how likely each of its words is, and for each clause its frames",
		.judged = "Of a writer about films: how many sentences are right as a whole; how many of their clauses; and how many\n"
			  "clauses are right in what they say and share at least half of their frames with the right one (F1)."},
	.inputs = EG_KIND(FRAMES),
	.targets = EG_KIND(TEXT),
	EG_CAPTION_TYPE,
	.needs = "a film with a caption",
	.open = open_task,
	.suits = suits,
	.also = also,
	.metrics = metrics,
	.nmetrics = METRICS,
	.judge_size = sizeof(judge),
	.judge_reset = judge_reset,
	.judge_row = judge_row,
	.judge_values = judge_values,
	.answer = answer,
	.truth = truth,
};
