/* language_data.c - the texts of a language model as data sets: read, cut into what trains and what validates, a
 * vocabulary made of them, and as numbers.
 *
 * Not here: reading files and vocabularies (src/data), batches (text_dataset.c). */
#include "tasks/language.h"
#include "data/split.h"

#include <stdlib.h>
#include <string.h>

enum { BATCH = 32, STREAM_LENGTH = 2000 };

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a text"); }

static int batch_of(const eg_task *t) {
	const eg_train_config *c = eg_recipe_train(t->recipe);
	return c->batch > 0 ? c->batch : BATCH;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

/* All texts of the source, one behind the other with a line end between them. */
typedef struct texts {
	const eg_language *task;
	char *bytes;
	size_t size, room, *at; /* of text i: bytes[at[i]] .. bytes[at[i + 1] - 2] */
	int64_t count;
	const char **groups; /* of each text the file that it is of, where no file may be cut in two; else NULL */
	const char *name;    /* for messages */
	uint32_t *items;  /* those to train on, then, from items[count] on, those to validate */
	int64_t nitems[2];
	int32_t *ids; /* of the running text, or of all texts one after the other */
	size_t n, ntrain, *starts;
	char place[300];
	eg_arena names; /* what `groups` names */
} texts;

static void free_texts(texts *x) {
	eg_release(NULL, x->bytes);
	eg_release(NULL, x->at);
	eg_release(NULL, x->items);
	eg_release(NULL, x->starts);
	eg_release(NULL, x->groups);
	eg_arena_free(&x->names);
	free(x->ids);
}

static bool append(texts *x, const char *s, size_t n) {
	if (!x->bytes || x->size + n + 1 > x->room) {
		size_t room = x->size + n + 1 + (x->size ? x->size + n : 0);
		char *more = eg_alloc(NULL, room);
		if (!more) return false;
		if (x->bytes) memcpy(more, x->bytes, x->size);
		eg_release(NULL, x->bytes);
		x->bytes = more, x->room = room;
	}
	if (n) memcpy(x->bytes + x->size, s, n);
	x->size += n;
	x->bytes[x->size++] = '\n';
	return true;
}

/* Neighbours of one group share its name. */
static bool add_group(texts *x, int64_t i, const char *group) {
	if (!group) return true;
	if (!x->groups && !(x->groups = eg_calloc(NULL, (size_t)x->count, sizeof *x->groups))) return false;
	const char *before = i > 0 ? x->groups[i - 1] : NULL;
	x->groups[i] = before && strcmp(before, group) == 0 ? before : eg_arena_strdup(&x->names, group);
	return x->groups[i] != NULL;
}

static eg_status read_texts(texts *x, const eg_task *t, eg_error *err) {
	eg_record r = {0};
	int field = t->intakes[0]->field;
	eg_status status = eg_source_prepare(t->source, EG_PART_TRAIN, err);
	if (status) return status;
	x->task = (const eg_language *)t;
	x->count = eg_source_count(t->source, EG_PART_TRAIN);
	x->name = t->source->path ? t->source->path : eg_source_info(t->source)->name;
	if (x->count < 1) return eg_fail(err, EG_ERR_ARG, "%s: there is no text in it", x->name);
	x->at = eg_calloc(NULL, (size_t)x->count + 1, sizeof *x->at);
	if (!x->at) return no_memory(err);
	for (int64_t i = 0; i < x->count && !status; i++) {
		status = eg_source_read(t->source, EG_PART_TRAIN, i, 1u << field, &r, err);
		if (!status && (!append(x, r.fields[field].text.bytes, r.fields[field].text.size) || !add_group(x, i, r.group)))
			status = no_memory(err);
		x->at[i + 1] = x->size;
		if (i == 0 && !status) snprintf(x->place, sizeof x->place, "%s", r.place ? r.place : x->name);
	}
	if (!x->task->samples && x->count == 1) x->name = x->place;
	eg_record_free(&r);
	return status;
}

static eg_status check_left(const texts *x, eg_error *err) {
	if (x->nitems[0] > 0) return EG_OK;
	return eg_fail(err, EG_ERR_ARG, "%s: of %lld samples none is left to train on; make 'validation' smaller",
	        x->name, (long long)x->count);
}

/* How many texts at the end are about this share; no group is cut in two, and some texts are left. */
static int64_t last_texts(const texts *x, double share) {
	int64_t cut = x->count - (int64_t)(share * (double)x->count + 0.5);
	const char *const *g = x->groups;
	if (!g || cut >= x->count) return x->count - cut;
	const int64_t at = cut;
	while (cut > 0 && g[cut] == g[cut - 1]) cut--;
	for (int64_t i = at; cut == 0 && i < x->count; i++)
		if (g[i] != g[0]) cut = i;
	return x->count - cut;
}

/* Which texts are trained on, and which are kept aside. */
static eg_status split_texts(texts *x, const eg_samples_options *o, eg_error *err) {
	const eg_task *t = &x->task->base;
	x->items = eg_calloc(NULL, (size_t)x->count, 2 * sizeof *x->items);
	if (!x->items) return no_memory(err);
	if (o->folds < 1 && x->task->from == EG_LANGUAGE_FROM_END) {
		int64_t all = x->count, kept = t->whole ? 0 : last_texts(x, t->source->validation);
		for (int64_t i = 0; i < all - kept; i++) x->items[x->nitems[0]++] = (uint32_t)i;
		for (int64_t i = all - kept; i < all; i++) x->items[all + x->nitems[1]++] = (uint32_t)i;
		return check_left(x, err);
	}
	const eg_split_of s = {.count = x->count, .groups = x->groups, .seed = eg_recipe_train(t->recipe)->seed};
	eg_status status = o->folds > 0 ? eg_split_fold(&s, o->fold, o->folds, x->items, &x->nitems[0],
	                                          x->items + x->count, &x->nitems[1], err)
	                                : eg_split_records(&s, t->whole ? 0 : t->source->validation, x->items,
	                                          &x->nitems[0], x->items + x->count, &x->nitems[1], err);
	return status ? status : check_left(x, err);
}

static size_t text_size(const texts *x) { return x->size - 1; } /* of the running text, without the last line end */

/* Are the units made of the part to train on alone? Characters are those of all of it, so that none is unknown. */
static bool of_part(int unit) { return unit == EG_UNIT_WORD || unit == EG_UNIT_SUBWORD; }

/* Where the part to train on ends, in bytes: of several texts behind the one that ends nearest to the share; of one,
 * whose units are words, behind a word. */
static size_t train_bytes(const texts *x) {
	const double kept = x->task->base.source->validation;
	size_t size = text_size(x), at = (size_t)((1 - kept) * (double)size);
	if (kept <= 0) return size;
	if (x->count > 1) {
		int64_t i = 1;
		while (i + 1 < x->count && x->at[i + 1] <= at) i++;
		const bool next = i + 1 < x->count && x->at[i + 1] - at < (at > x->at[i] ? at - x->at[i] : x->at[i] - at);
		return x->at[next ? i + 1 : i];
	}
	while (at < size && !strchr(" \t\r\n", x->bytes[at])) at++;
	return at;
}

/* ---- the vocabulary ---------------------------------------------------------------------------------------------- */

/* The texts that a vocabulary is made of, one after the other: those to train on. */
static eg_status join(const texts *x, char **joined, size_t *size, eg_error *err) {
	char *to = *joined = eg_alloc(NULL, x->size + 1);
	if (!to) return no_memory(err);
	for (int64_t i = 0; i < x->nitems[0]; i++) {
		size_t from = x->at[x->items[i]], n = x->at[x->items[i] + 1] - from;
		memcpy(to, x->bytes + from, n);
		to += n;
	}
	*size = (size_t)(to - *joined) - (to > *joined);
	return EG_OK;
}

static eg_status make_vocab(texts *x, eg_intake *f, eg_error *err) {
	const eg_text_keys *k = eg_intake_text_keys(f);
	eg_vocab_options o = {
	        .unit = (eg_unit)k->unit, .words = k->words, .min_count = k->min_count, .max_size = k->max_size, .end = x->task->samples};
	bool words = of_part(k->unit);
	char *joined = NULL;
	size_t size = words && !x->task->samples ? train_bytes(x) : text_size(x);
	eg_vocab *v = NULL;
	eg_status status = words && x->task->samples ? join(x, &joined, &size, err) : EG_OK;
	if (!status) status = eg_vocab_build(joined ? joined : x->bytes, size, &o, &v, err);
	eg_release(NULL, joined);
	if (!status) eg_intake_set_vocab(f, v);
	return status;
}

/* The text, and the vocabulary: the model's, or one made from it. */
static eg_status read_all(texts *x, eg_task *t, const eg_samples_options *o, eg_error *err) {
	eg_status status = read_texts(x, t, err);
	if (!status && x->task->samples) status = split_texts(x, o, err);
	return status || eg_intake_vocab(t->intakes[0]) ? status : make_vocab(x, t->intakes[0], err);
}

eg_status eg_language_measure(eg_task *t, eg_error *err) {
	texts x = {0};
	eg_status status = EG_OK;
	if (!eg_intake_vocab(t->intakes[0]) && eg_intake_text_keys(t->intakes[0])->unit == EG_UNIT_BYTE) {
		eg_vocab *v = NULL; /* known without the text */
		int end = ((eg_language *)t)->samples ? 0 : -1;
		status = eg_vocab_new(EG_UNIT_BYTE, NULL, NULL, 256 + (end >= 0), end, -1, &v, err);
		if (!status) eg_intake_set_vocab(t->intakes[0], v);
	}
	if (!status && !eg_intake_vocab(t->intakes[0])) status = read_all(&x, t, &(eg_samples_options){0}, err);
	free_texts(&x);
	return status;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static eg_status encode_stream(texts *x, eg_error *err) {
	const eg_task *t = &x->task->base;
	const eg_vocab *v = eg_intake_vocab(t->intakes[0]);
	eg_status status = eg_vocab_encode(v, x->bytes, text_size(x), x->name, &x->ids, &x->n, err);
	if (status) return status;
	x->ntrain = t->whole ? x->n : (size_t)((1 - t->source->validation) * (double)x->n);
	const bool by_bytes = of_part((int)eg_vocab_unit(v)) || x->count > 1;
	if (t->whole || !by_bytes || t->source->validation <= 0) return EG_OK;
	int32_t *ids = NULL;
	status = eg_vocab_encode(v, x->bytes, train_bytes(x), x->name, &ids, &x->ntrain, err);
	free(ids);
	if (x->ntrain > x->n) x->ntrain = x->n;
	return status;
}

/* "FILE:LINE" of text i. */
static const char *place_of(texts *x, int64_t i) {
	const eg_task *t = &x->task->base;
	eg_record r = {0};
	if (eg_source_read(t->source, EG_PART_TRAIN, i, 0, &r, NULL) == EG_OK)
		snprintf(x->place, sizeof x->place, "%s", r.place ? r.place : x->name);
	eg_record_free(&r);
	return x->place;
}

static eg_status encode_texts(texts *x, eg_error *err) {
	const eg_vocab *v = eg_intake_vocab(x->task->base.intakes[0]);
	x->ids = malloc((x->size + 1) * sizeof *x->ids); /* no unit is shorter than a byte */
	x->starts = eg_calloc(NULL, (size_t)x->count + 1, sizeof *x->starts);
	if (!x->ids || !x->starts) return no_memory(err);
	for (int64_t i = 0; i < x->count; i++) {
		int32_t *ids = NULL;
		size_t n = 0;
		eg_error why = {0};
		eg_status status = eg_vocab_encode(
		        v, x->bytes + x->at[i], x->at[i + 1] - x->at[i] - 1, "the text", &ids, &n, &why);
		if (status) return eg_fail(err, status, "%s: %s", place_of(x, i), why.message);
		if (n > x->size - x->n) n = x->size - x->n;
		memcpy(x->ids + x->n, ids, n * sizeof *ids);
		free(ids);
		x->starts[i] = x->n;
		x->n += n;
	}
	x->starts[x->count] = x->n;
	return EG_OK;
}

/* ---- data sets --------------------------------------------------------------------------------------------------- */

typedef struct sets {
	eg_text_dataset *parts[EG_PARTS];
} sets;

static eg_status add_stream(texts *x, eg_samples *s, eg_part part, const int32_t *ids, size_t n, eg_error *err) {
	const eg_task *t = &x->task->base;
	eg_text_dataset **set = &((sets *)s->own)->parts[part];
	size_t streams = (size_t)batch_of(t);
	if (part == EG_PART_TRAIN && n < 2 * streams)
		return eg_fail(err, EG_ERR_ARG,
		        "%s: %zu %s are too few to train on: train.batch is %zu, and so many pieces of at least 2 are "
		        "needed; make train.batch "
		        "smaller, or take more text",
		        x->name, n, t->many, streams);
	if (n < 2)
		return eg_fail(err, EG_ERR_ARG, "%s: %zu %s%s: at least 2 are needed; %s", x->name, n,
		        n == 1 ? t->one : t->many, part == EG_PART_VALIDATION ? " to validate with" : "",
		        part == EG_PART_VALIDATION ? "make 'validation' larger" : "take more text");
	/* Every stream begins without knowing anything: to judge, they are long, so that this hardly counts. */
	if (part != EG_PART_TRAIN && n / STREAM_LENGTH < streams)
		streams = n / STREAM_LENGTH > 0 ? n / STREAM_LENGTH : 1;
	eg_status status = eg_text_streams(ids, n, (int)streams, x->task->steps, EG_IGNORED, set, err);
	if (status) return status;
	s->data[part] = eg_text_dataset_get(*set);
	s->parts[part].units = (int64_t)n;
	return EG_OK;
}

static eg_status make_streams(texts *x, eg_samples *s, eg_error *err) {
	const eg_task *t = &x->task->base;
	eg_status status = encode_stream(x, err);
	if (status) return status;
	if (t->whole) return add_stream(x, s, EG_PART_TEST, x->ids, x->n, err);
	status = add_stream(x, s, EG_PART_TRAIN, x->ids, x->ntrain, err);
	if (status || t->source->validation <= 0) return status;
	return add_stream(x, s, EG_PART_VALIDATION, x->ids + x->ntrain, x->n - x->ntrain, err);
}

/* The longest sample, or what the recipe allows; a longer one is named. */
static eg_status find_longest(texts *x, int *longest, eg_error *err) {
	const eg_task *t = &x->task->base;
	const eg_text_keys *k = eg_intake_text_keys(t->intakes[0]);
	size_t most = 1;
	for (int64_t i = 0; i < x->count; i++) {
		size_t n = x->starts[i + 1] - x->starts[i];
		if (n > most) most = n;
		if (t->whole || k->cut || k->longest == 0 || n <= (size_t)k->longest) continue;
		return eg_fail(err, EG_ERR_ARG,
		        "%s: the sample that begins here has %zu %s, but data.longest is %d: make it at least %zu, or "
		        "cut such samples with cut: true",
		        place_of(x, i), n, t->many, k->longest, n);
	}
	*longest = k->longest > 0 && !t->whole ? k->longest : (int)(most < 1000000 ? most : 1000000);
	return EG_OK;
}

static eg_status add_samples(
	texts *x, eg_samples *s, eg_part part, const uint32_t *items, int64_t n, int longest, eg_error *err) {
	const eg_task *t = &x->task->base;
	eg_text_dataset **set = &((sets *)s->own)->parts[part];
	const eg_text_keys *k = eg_intake_text_keys(t->intakes[0]);
	if (n < 1) return EG_OK;
	eg_status status = eg_text_samples(x->ids, x->starts, items, n, eg_vocab_end(eg_intake_vocab(t->intakes[0])),
	        longest, k->cut && !t->whole, EG_IGNORED, set, err);
	if (status) return status;
	s->data[part] = eg_text_dataset_get(*set);
	for (int64_t i = 0; i < n; i++) {
		size_t size = x->starts[items[i] + 1] - x->starts[items[i]];
		s->parts[part].units += (int64_t)(size < (size_t)longest ? size : (size_t)longest);
	}
	return EG_OK;
}

static eg_status make_samples(texts *x, eg_samples *s, eg_error *err) {
	int longest = 1;
	eg_part first = x->task->base.whole ? EG_PART_TEST : EG_PART_TRAIN;
	if (eg_vocab_end(eg_intake_vocab(x->task->base.intakes[0])) < 0)
		return eg_fail(err, EG_ERR_FORMAT,
		        "the model's vocabulary has no end mark, though its recipe says 'samples: true'");
	eg_status status = encode_texts(x, err);
	if (!status) status = find_longest(x, &longest, err);
	if (!status) status = add_samples(x, s, first, x->items, x->nitems[0], longest, err);
	if (!status) status = add_samples(x, s, EG_PART_VALIDATION, x->items + x->count, x->nitems[1], longest, err);
	return status;
}

static eg_status check_part(const eg_task *t, const eg_samples_options *o, eg_error *err) {
	const eg_language *l = (const eg_language *)t;
	if (o->folds > 0 && !l->samples)
		return eg_fail(err, EG_ERR_ARG,
		        "a running text cannot be cut into folds; with 'samples: true' its paragraphs can");
	if ((o->part == EG_PART_TEST) == t->whole) return EG_OK;
	if (t->whole) return eg_fail(err, EG_ERR_ARG, "a text of your own is not cut into parts: leave the split out");
	return eg_fail(err, EG_ERR_ARG,
	        "the text '%s' has no test part: take the validation part, or another text (--path FILE)",
	        eg_source_info(t->source)->name);
}

eg_status eg_language_load(eg_task *t, eg_samples *s, eg_error *err) {
	texts x = {0};
	eg_status status = check_part(t, &s->options, err);
	if (status) return status;
	s->own = eg_calloc(NULL, 1, sizeof(sets));
	s->eval_batch = batch_of(t);
	if (!s->own) return no_memory(err);
	status = read_all(&x, t, &s->options, err);
	if (!status) status = ((eg_language *)t)->samples ? make_samples(&x, s, err) : make_streams(&x, s, err);
	free_texts(&x);
	return status;
}

void eg_language_unload(eg_samples *s) {
	sets *own = s->own;
	for (int i = 0; own && i < EG_PARTS; i++) eg_text_dataset_free(own->parts[i]);
	eg_release(NULL, own);
}

uint64_t eg_language_fingerprint(const eg_samples *s, eg_part part, uint64_t h) {
	size_t n;
	const sets *own = s->own;
	const int32_t *ids = eg_text_dataset_ids(own->parts[part], &n);
	return eg_fingerprint(h, ids, n * sizeof *ids);
}
