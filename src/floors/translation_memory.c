/* translation_memory.c - the floor `translation-memory`: what is written for a text is the target of the training text
 * that is most like it. Alike are texts that share runs of n characters (their beginning and end are characters too),
 * rare runs counting more: twice the weight of those in both, by the weight of those of each (Dice), a run that is in k
 * of N texts weighing ln(N / k). Of equals the first. Such memories are as old as computers' aid to translators
 * (Arthern 1979); that they beat a network tells that the network has learnt little.
 *
 * Of a talk, the same (`reply-memory`): what was answered to the training turn that is most like the last one. */
#include "floors/bags.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct memory {
	eg_floor base;
	eg_features runs;
	eg_bags bags;        /* runs of the texts */
	char **targets;
	int ntargets, cap_targets;
	int32_t *holders;    /* texts that hold a run, those of run k from first[k] on */
	size_t *first;
	double *weight, *size; /* of runs; of all runs of a text */
	double *shared;        /* with the text at hand, of each text; zero between two */
} memory;

static int by_value(const void *a, const void *b) {
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* The runs of a text, each once, as keys; sorted. *keys is released by the caller; -1: out of memory. */
static int runs_of(const char *s, size_t size, int length, uint64_t **keys) {
	int n = 0, all = 0, same = 0;
	uint32_t *c = eg_alloc(NULL, (size + 2) * sizeof *c);
	*keys = eg_alloc(NULL, (size + 2) * sizeof **keys);
	if (!c || !*keys) {
		eg_release(NULL, c);
		return -1;
	}
	c[n++] = 1;
	for (size_t i = 0; i < size;) {
		int bytes = eg_utf8_length(s + i, size - i);
		uint32_t code = 0;
		for (int k = 0; k < (bytes ? bytes : 1); k++) code = code << 8 | (unsigned char)s[i++];
		c[n++] = code;
	}
	c[n++] = 2;
	for (int i = 0; i + length <= n; i++) {
		uint64_t h = (uint64_t)length;
		for (int k = 0; k < length; k++) h = (h ^ c[i + k]) * UINT64_C(0x100000001b3) + (h >> 31);
		(*keys)[all++] = h;
	}
	if (all > 1) qsort(*keys, (size_t)all, sizeof **keys, by_value);
	for (int i = 0; i < all; i++)
		if (same == 0 || (*keys)[same - 1] != (*keys)[i]) (*keys)[same++] = (*keys)[i];
	eg_release(NULL, c);
	return same;
}

static const eg_datum *field_of(const eg_floor *f, const eg_floor_batch *b, int intake) {
	const eg_record *r = eg_samples_record(b->part->samples, &b->fill, 0);
	return &r->fields[f->task->intakes[intake]->field];
}

/* Where the last turn of a talk begins, before `end`. */
static size_t last_turn(const char *s, size_t end) {
	size_t at = end;
	while (at > 0 && !(at > 1 && s[at - 1] == '\n' && s[at - 2] == '\n')) at--;
	return at;
}

/* The text that is looked up; of a talk its last turn, without the line of who is to answer. */
static const char *text_of(const eg_floor *f, const eg_floor_batch *b, size_t *size) {
	const eg_datum *d = field_of(f, b, 0);
	const char *s = d->text.bytes;
	size_t end = *size = d->text.size;
	if (f->task->type->reads != &eg_intake_turns_type) return s;
	size_t from = last_turn(s, end);
	if (from > 1 && end - from > 1 && s[end - 1] == '\n' && s[end - 2] == ':') end = from - 2, from = last_turn(s, end);
	*size = end - from;
	return s + from;
}

static bool add(memory *m, const eg_floor_batch *b) {
	const eg_datum *target = field_of(&m->base, b, m->base.task->ninputs);
	uint64_t *keys;
	size_t size;
	const char *text = text_of(&m->base, b, &size);
	const int n = runs_of(text, size, (int)m->base.settings[0], &keys);
	bool ok = n >= 0 && eg_grow(NULL, &m->targets, &m->cap_targets, m->ntargets, sizeof *m->targets);
	while (ok && m->bags.size + (size_t)n > m->bags.room) {
		const size_t room = 2 * (m->bags.size + (size_t)n) + 4096;
		int32_t *more = eg_alloc(NULL, room * sizeof *more);
		ok = more != NULL;
		if (ok && m->bags.size) memcpy(more, m->bags.feature, m->bags.size * sizeof *more);
		if (ok) eg_release(NULL, m->bags.feature);
		if (ok) m->bags.feature = more, m->bags.room = room;
	}
	for (int i = 0; i < n && ok; i++) {
		const int k = eg_features_put(&m->runs, keys[i]);
		ok = k >= 0;
		if (ok) m->bags.feature[m->bags.size++] = k;
	}
	eg_release(NULL, keys);
	char *own = ok ? eg_alloc(NULL, target->text.size + 1) : NULL;
	if (!own) return false;
	memcpy(own, target->text.bytes, target->text.size);
	own[target->text.size] = '\0';
	m->targets[m->ntargets++] = own;
	m->bags.start[m->ntargets] = m->bags.size;
	return true;
}

/* Which texts hold each run, how much it weighs, and how much each text does. */
static bool weigh(memory *m) {
	const size_t runs = (size_t)m->runs.n, texts = (size_t)m->ntargets;
	m->holders = eg_calloc(NULL, m->bags.size + 1, sizeof *m->holders);
	m->first = eg_calloc(NULL, runs + 2, sizeof *m->first);
	m->weight = eg_calloc(NULL, runs + 1, sizeof *m->weight);
	m->size = eg_calloc(NULL, texts + 1, sizeof *m->size);
	m->shared = eg_calloc(NULL, texts + 1, sizeof *m->shared);
	if (!m->holders || !m->first || !m->weight || !m->size || !m->shared) return false;
	for (size_t i = 0; i < m->bags.size; i++) m->first[m->bags.feature[i] + 2]++;
	for (size_t k = 0; k < runs; k++) {
		m->weight[k] = log((double)texts / (double)m->first[k + 2]) + 1e-3;
		m->first[k + 2] += m->first[k + 1];
	}
	for (size_t t = 0; t < texts; t++)
		for (size_t i = m->bags.start[t]; i < m->bags.start[t + 1]; i++) {
			const int32_t k = m->bags.feature[i];
			m->holders[m->first[k + 1]++] = (int32_t)t;
			m->size[t] += m->weight[k];
		}
	return true;
}

static eg_status train(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	memory *m = (memory *)f;
	eg_floor_batch b = {.part = p};
	m->bags.start = eg_calloc(NULL, (size_t)p->count + 2, sizeof *m->bags.start);
	eg_status status = m->bags.start ? eg_floor_next(&b, 1, err) : eg_floor_no_memory(f, err);
	while (!status && b.n > 0) {
		if (!add(m, &b)) status = eg_floor_no_memory(f, err);
		if (!status) status = eg_floor_next(&b, 1, err);
	}
	eg_floor_batch_free(&b);
	if (!status && !weigh(m)) status = eg_floor_no_memory(f, err);
	return status ? status : eg_floor_tell(f, 1, err);
}

/* The text most like the one whose n runs these are; runs that no text has weigh as one that is in one text. */
static int nearest(memory *m, const uint64_t *keys, int n) {
	double size = 0, best = -1;
	int which = 0;
	for (int i = 0; i < n; i++) {
		const int k = eg_features_find(&m->runs, keys[i]);
		size += k >= 0 ? m->weight[k] : log((double)m->ntargets);
		for (size_t at = k >= 0 ? m->first[k] : 0; k >= 0 && at < m->first[k + 1]; at++)
			m->shared[m->holders[at]] += m->weight[k];
	}
	for (int t = 0; t < m->ntargets; t++) {
		const double alike = m->shared[t] > 0 ? 2 * m->shared[t] / (size + m->size[t]) : 0;
		if (alike > best) best = alike, which = t;
		m->shared[t] = 0;
	}
	return which;
}

static eg_status write(eg_floor *f, const eg_floor_batch *b, const char **texts, eg_error *err) {
	memory *m = (memory *)f;
	uint64_t *keys;
	size_t size;
	const char *text = text_of(f, b, &size);
	const int n = runs_of(text, size, (int)f->settings[0], &keys);
	if (n >= 0) texts[0] = m->targets[nearest(m, keys, n)];
	eg_release(NULL, keys);
	return n >= 0 ? EG_OK : eg_floor_no_memory(f, err);
}

static void free_floor(eg_floor *f) {
	memory *m = (memory *)f;
	for (int i = 0; i < m->ntargets; i++) eg_release(NULL, m->targets[i]);
	eg_release(NULL, m->targets);
	eg_features_free(&m->runs);
	eg_bags_free(&m->bags);
	eg_release(NULL, m->holders);
	eg_release(NULL, m->first);
	eg_release(NULL, m->weight);
	eg_release(NULL, m->size);
	eg_release(NULL, m->shared);
}

static bool serves(const eg_floor *f) {
	return f->task->nasked == 1 && f->task->intakes[0]->type->kind == EG_FIELD_TEXT;
}

#define TYPE(name_, task_, doc_) \
	{ \
		.info = {.name = name_, \
			.task = task_, \
			.doc = doc_ ": shared runs of n characters", \
			.source = "Arthern 1979; Dice 1945", \
			.version = 1}, \
		.size = sizeof(memory), \
		.settings = {{.name = "n", .n = 4, .tried = {2, 3, 4, 5}, .low = 1, .high = 8, .whole = true}}, .batch = 1, \
		.serves = serves, .train = train, .write = write, .free = free_floor \
	}

const eg_floor_type eg_floor_type_translation_memory =
	TYPE("translation-memory", "translate", "the translation of the training sentence that is most alike");
const eg_floor_type eg_floor_type_reply_memory =
	TYPE("reply-memory", "reply", "what was answered to the training turn that is most like the last one");
