/* language.c - the task `language`: which unit (character, byte or word) comes next in a text. The network reads unit
 * numbers (T,N) and gives for every step a number for each unit that may follow, "logits" (T,N,units).
 *
 * Two ways to look at a text: as one stream, cut into train.batch pieces that are read side by side, `steps` units at
 * a time, with the state carried on (truncated back-propagation through time; Williams and Peng 1990); or, with
 * `samples: true`, as samples of their own, the paragraphs between blank lines, each between two end marks.
 *
 * Not here: reading text, vocabularies, batches of text (src/text), the loss (an operator), counting
 * (src/train/metrics.c), writing (generate.c). */
#include "tasks/task.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 64, BATCH = 32, IGNORE = -100, STREAM_LENGTH = 2000 };

typedef struct language {
	eg_task base;
	const eg_data_info *info;
	const char *path; /* the user's file, or a folder of the source's files; NULL: searched for */
	eg_unit unit;
	int min_count, max_size, steps, longest, batch;
	int64_t limit;
	double validation;
	bool samples, keep_title, cut;
	bool whole; /* another text than the recipe's, to be judged as a whole */
} language;

extern const eg_task_type eg_task_type_language;

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory"); }

/* ---- the data section -------------------------------------------------------------------------------------------- */

static const char *const unit_names[] = {"char", "byte", "word", NULL}; /* in the order of eg_unit */

#define WHOLE(name_, min_, max_, doc_) \
	{ .name = name_, .type = EG_KEY_INT, .min = min_, .max = max_, .def = NAN, .doc = doc_ }
#define FLAG(name_, doc_) \
	{ .name = name_, .type = EG_KEY_BOOL, .def = NAN, .doc = doc_ }

static const eg_key data_keys[] = {
	{.name = "unit",
		.type = EG_KEY_ENUM,
		.names = unit_names,
		.doc = "what is predicted one after the other (default: char). Vocabularies of characters are made of "
		       "the whole text, "
		       "of words from the part to train on; byte: all 256"},
	WHOLE("min_count", 1, 1e9, "units that occur less often become the unknown unit (default: 1)"),
	WHOLE("max_size", 2, 1e7, "at most so many units, the most frequent; the others become the unknown unit"),
	WHOLE("limit", 1, 1e12, "use only so many bytes of the text, the first"),
	WHOLE("steps", 1, 100000,
		"without samples: units between two updates, over which gradients flow back (default: 64). "
		"train.batch pieces of the text are read side by side; the state goes on from update to update"),
	FLAG("samples", "paragraphs, between blank lines, are samples of their own, and the model learns where they "
			"end (default: "
			"false, the text is one stream). data.validation is then a share of the samples, else the end "
			"of the text"),
	FLAG("keep_title", "with samples: the first line of a paragraph belongs to it (default: true)"),
	WHOLE("longest", 1, 100000, "with samples: most units of one; a longer one is an error. Left out: any length"),
	FLAG("cut", "with samples: cut those that are too long, in place of an error"),
};

static bool is_text(const eg_data_info *info) { return info->kind == EG_DATA_TEXT; }

static eg_status choose_source(language *t, const char *name, eg_error *err) {
	const char *names[64];
	int n = 0;
	const eg_data_info *info = name ? eg_data_find(name) : NULL;
	if (info && is_text(info)) {
		t->info = info;
		t->base.source = info->name;
		return EG_OK;
	}
	if (info)
		return eg_fail(err, EG_ERR_ARG,
			"the data source '%s' is no text; 'engram data list' shows those there are", name);
	for (int i = 0; i < eg_data_count() && n < EG_COUNT(names); i++)
		if (is_text(eg_data_at(i))) names[n++] = eg_data_at(i)->name;
	const char *meant = name ? eg_did_you_mean(name, names, n) : NULL;
	if (meant) return eg_fail(err, EG_ERR_ARG, "no data source '%s'; did you mean '%s'?", name, meant);
	return eg_fail(
		err, EG_ERR_ARG, "no data source '%s'; 'engram data list' shows those there are", name ? name : "");
}

static eg_status read_source(eg_recipe *r, language *t, eg_error *err) {
	const char *name;
	eg_status status = eg_recipe_string(r, "data.source", NULL, &name, err);
	if (status) return status;
	status = choose_source(t, name, err);
	if (status) eg_recipe_locate(r, "data.source", err);
	if (!status) status = eg_recipe_string(r, "data.path", NULL, &t->path, err);
	if (status || t->info->nfiles || t->path) return status;
	status = eg_fail(err, EG_ERR_ARG, "the source '%s' needs 'path', the file with the text", name);
	eg_recipe_locate(r, "data.source", err);
	return status;
}

static eg_status read_unit(eg_recipe *r, language *t, eg_error *err) {
	static const char *const one[] = {"character", "byte", "word"}, *const many[] = {
										"characters", "bytes", "words"};
	const char *name;
	int i = 0;
	eg_status status = eg_recipe_string(r, "data.unit", "char", &name, err);
	if (status) return status;
	while (unit_names[i] && strcmp(unit_names[i], name)) i++; /* the table of keys has checked it */
	t->unit = unit_names[i] ? (eg_unit)i : EG_UNIT_CHAR;
	t->base.one = one[t->unit], t->base.many = many[t->unit];
	return EG_OK;
}

static eg_status read_number(eg_recipe *r, const char *path, int def, int *value, eg_error *err) {
	double v;
	eg_status status = eg_recipe_number(r, path, def, 0, 1e9, &v, err);
	if (!status) *value = (int)v;
	return status;
}

static eg_status read_numbers(eg_recipe *r, language *t, eg_error *err) {
	double limit = 0;
	eg_status status = read_number(r, "data.min_count", 0, &t->min_count, err);
	if (!status) status = read_number(r, "data.max_size", 0, &t->max_size, err);
	if (!status) status = read_number(r, "data.steps", STEPS, &t->steps, err);
	if (!status) status = read_number(r, "data.longest", 0, &t->longest, err);
	if (!status) status = eg_recipe_number(r, "data.validation", 0, 0, 0.999, &t->validation, err);
	if (!status) status = eg_recipe_number(r, "data.limit", 0, 0, 1e12, &limit, err);
	if (!status) status = eg_recipe_bool(r, "data.samples", false, &t->samples, err);
	if (!status) status = eg_recipe_bool(r, "data.keep_title", true, &t->keep_title, err);
	if (!status) status = eg_recipe_bool(r, "data.cut", false, &t->cut, err);
	t->limit = (int64_t)limit;
	return status;
}

/* Keys that would do nothing are errors. */
static eg_status check_together(eg_recipe *r, const language *t, eg_error *err) {
	static const struct {
		const char *key, *why;
		int samples; /* 1: only with, 0: only without, -1: not with bytes */
	} rules[] = {
		{"data.steps",
			"belongs to a text that is one stream; with 'samples: true' every sample is read as a whole",
			0},
		{"data.keep_title", "needs 'samples: true'", 1},
		{"data.longest", "needs 'samples: true'", 1},
		{"data.cut", "needs 'samples: true'", 1},
		{"data.min_count", "does nothing with 'unit: byte': there are always 256 of them", -1},
		{"data.max_size", "does nothing with 'unit: byte': there are always 256 of them", -1},
	};
	for (int i = 0; i < EG_COUNT(rules); i++) {
		bool wrong = rules[i].samples < 0 ? t->unit == EG_UNIT_BYTE : rules[i].samples != t->samples;
		if (!wrong || !eg_recipe_has(r, rules[i].key)) continue;
		eg_fail(err, EG_ERR_ARG, "'%s' %s", rules[i].key + strlen("data."), rules[i].why);
		eg_recipe_locate(r, rules[i].key, err);
		return EG_ERR_ARG;
	}
	if (t->samples && t->cut && !t->longest) {
		eg_fail(err, EG_ERR_ARG, "'cut' needs 'longest', the length to cut at");
		eg_recipe_locate(r, "data.cut", err);
		return EG_ERR_ARG;
	}
	return EG_OK;
}

/* Targets that are not there must be what the loss passes over. */
static eg_status check_ignore(eg_recipe *r, eg_error *err) {
	static const char path[] = "train.loss.cross_entropy.ignore_index";
	double ignore;
	eg_status status = eg_recipe_number(r, path, IGNORE, INT32_MIN, INT32_MAX, &ignore, err);
	if (status || (int)ignore == IGNORE) return status;
	status = eg_fail(err, EG_ERR_ARG,
		"of a text, predictions that are not asked for are marked by %d; leave 'ignore_index' out", IGNORE);
	eg_recipe_locate(r, path, err);
	return status;
}

static eg_status read_section(eg_recipe *r, language *t, eg_error *err) {
	const eg_train_config *c = eg_recipe_train(r);
	eg_status status = read_source(r, t, err);
	if (!status) status = read_unit(r, t, err);
	if (!status) status = read_numbers(r, t, err);
	if (!status) status = eg_recipe_check_known(r, "data", err);
	if (!status) status = check_together(r, t, err);
	if (!status) status = check_ignore(r, err);
	t->batch = c->batch > 0 ? c->batch : BATCH;
	t->base.eval_part = t->validation > 0 ? EG_PART_VALIDATION : EG_PART_TRAIN;
	return status;
}

static void free_task(eg_task *t) { eg_release(NULL, t); }

static eg_status open_task(eg_recipe *r, eg_task **task, eg_error *err) {
	language *t = eg_calloc(NULL, 1, sizeof *t);
	if (!t) return no_memory(err);
	t->base.type = &eg_task_type_language;
	t->base.recipe = r;
	eg_status status = read_section(r, t, err);
	if (status)
		free_task(&t->base);
	else
		*task = &t->base;
	return status;
}

static eg_status set_source(eg_task *base, const char *source, const char *path, eg_error *err) {
	language *t = (language *)base;
	bool other = source && strcmp(source, t->info->name) != 0;
	if (other) {
		eg_status status = choose_source(t, source, err);
		if (status) return status;
		t->path = NULL;
	}
	if (path) t->path = path;
	if (!t->info->nfiles && !t->path)
		return eg_fail(err, EG_ERR_ARG, "the source '%s' needs a path, the file with the text", t->info->name);
	if (!other && !(path && !t->info->nfiles)) return EG_OK; /* the same text, from another folder perhaps */
	t->whole = true;
	t->limit = 0;
	t->base.eval_part = EG_PART_TEST;
	return EG_OK;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

typedef struct paragraph {
	const char *at;
	size_t size;
	int64_t line; /* of the file, where it begins */
} paragraph;

typedef struct texts {
	eg_samples base;
	const language *task; /* while loading */
	eg_text *text;
	eg_vocab *own_vocab;
	paragraph *paragraphs;
	int64_t count;    /* of them */
	int32_t *ids;     /* of the whole text, or of all paragraphs one after the other */
	size_t n, ntrain; /* how many; of them to train on, when it is a stream */
	size_t *starts;   /* count + 1: where paragraphs begin in ids */
	uint32_t *items;  /* paragraphs to train on, then those to validate */
	int64_t nitems[2];
	eg_text_dataset *parts[EG_PARTS];
} texts;

static bool is_blank(const char *s, size_t n) {
	while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t' || s[n - 1] == '\r')) n--;
	return n == 0;
}

/* Puts what lies between two blank lines on the list, if there is something left of it without its title. */
static bool add_paragraph(texts *s, paragraph p, int *cap) {
	if (!s->task->keep_title) {
		const char *end = memchr(p.at, '\n', p.size);
		if (!end) return true;
		p.size -= (size_t)(end + 1 - p.at);
		p.at = end + 1;
		p.line++;
	}
	while (p.size > 0 && (p.at[p.size - 1] == '\n' || p.at[p.size - 1] == '\r')) p.size--;
	if (p.size == 0) return true;
	if (!eg_grow(NULL, &s->paragraphs, cap, (int)s->count, sizeof p)) return false;
	s->paragraphs[s->count++] = p;
	return true;
}

static eg_status find_paragraphs(texts *s, eg_error *err) {
	const char *at = s->text->bytes, *end = at + s->text->size;
	paragraph p = {0};
	int cap = 0;
	for (int64_t line = 1; at < end; line++) {
		const char *next = memchr(at, '\n', (size_t)(end - at));
		size_t n = next ? (size_t)(next - at) : (size_t)(end - at);
		bool blank = is_blank(at, n);
		if (!blank && !p.at) p = (paragraph){.at = at, .line = line};
		if (!blank) p.size = (size_t)(at + n - p.at);
		if (blank && p.at) {
			if (!add_paragraph(s, p, &cap)) return no_memory(err);
			p.at = NULL;
		}
		at += n + 1;
	}
	/* The last one may have been cut through by `limit`. */
	bool whole = s->task->limit == 0 || (int64_t)s->text->size + 4 < s->task->limit || s->count == 0;
	if (p.at && whole && !add_paragraph(s, p, &cap)) return no_memory(err);
	if (s->count > 0) return EG_OK;
	return eg_fail(err, EG_ERR_ARG, "%s: there is no paragraph in it%s", s->text->name,
		s->task->keep_title ? "" : " that has more than its title");
}

/* Which paragraphs are trained on, and which are kept aside. */
static eg_status split_paragraphs(texts *s, eg_error *err) {
	const language *t = s->task;
	s->items = eg_calloc(NULL, (size_t)s->count, 2 * sizeof *s->items);
	if (!s->items) return no_memory(err);
	if (t->whole) { /* all of them are judged */
		for (int64_t i = 0; i < s->count; i++) s->items[i] = (uint32_t)i;
		s->nitems[0] = s->count;
		return EG_OK;
	}
	eg_status status = eg_split_stratified(NULL, s->count, t->validation, eg_recipe_train(t->base.recipe)->seed,
		s->items, &s->nitems[0], s->items + s->count, &s->nitems[1], err);
	if (status || s->nitems[0] > 0) return status;
	return eg_fail(err, EG_ERR_ARG, "%s: of %lld samples none is left to train on; make 'validation' smaller",
		s->text->name, (long long)s->count);
}

/* Where the part to train on ends, in bytes, for a stream of words: behind a word. */
static size_t train_bytes(const texts *s) {
	size_t size = s->text->size, at = (size_t)((1 - s->task->validation) * (double)size);
	while (at < size && !strchr(" \t\r\n", s->text->bytes[at])) at++;
	return at;
}

/* ---- the vocabulary ---------------------------------------------------------------------------------------------- */

/* The paragraphs that a vocabulary is made of, one after the other; words: those to train on. */
static eg_status join(const texts *s, char **joined, size_t *size, eg_error *err) {
	bool all = s->task->unit != EG_UNIT_WORD;
	int64_t n = all ? s->count : s->nitems[0];
	char *to = *joined = eg_alloc(NULL, s->text->size + (size_t)n + 1);
	if (!to) return no_memory(err);
	for (int64_t i = 0; i < n; i++) {
		const paragraph *p = &s->paragraphs[all ? i : (int64_t)s->items[i]];
		if (i > 0) *to++ = '\n';
		memcpy(to, p->at, p->size);
		to += p->size;
	}
	*size = (size_t)(to - *joined);
	return EG_OK;
}

static eg_status make_vocab(texts *s, eg_error *err) {
	const language *t = s->task;
	eg_vocab_options o = {.unit = t->unit, .min_count = t->min_count, .max_size = t->max_size, .end = t->samples};
	char *joined = NULL;
	size_t size = t->unit == EG_UNIT_WORD && !t->samples ? train_bytes(s) : s->text->size;
	eg_status status = t->samples ? join(s, &joined, &size, err) : EG_OK;
	if (!status) status = eg_vocab_build(joined ? joined : s->text->bytes, size, &o, &s->own_vocab, err);
	eg_release(NULL, joined);
	s->base.vocab = s->own_vocab;
	return status;
}

/* The text, its paragraphs, and the vocabulary: the model's, or one made from it. */
static eg_status read_text(texts *s, const eg_model *model, eg_error *err) {
	const language *t = s->task;
	bool named = t->info->nfiles > 0;
	eg_text_options o = {.folder = named ? t->path : NULL,
		.path = named ? NULL : t->path,
		.limit = t->limit,
		.any_bytes = t->unit == EG_UNIT_BYTE};
	eg_status status = eg_text_load(t->info->name, &o, &s->text, err);
	if (!status && t->samples) status = find_paragraphs(s, err);
	if (!status && t->samples) status = split_paragraphs(s, err);
	if (status) return status;
	s->base.vocab = model ? eg_model_vocab(model) : NULL;
	if (model && !s->base.vocab)
		return eg_fail(
			err, EG_ERR_FORMAT, "the model has no vocabulary; it is damaged, or was not trained on text");
	return model ? EG_OK : make_vocab(s, err);
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static eg_status encode_stream(texts *s, eg_error *err) {
	const language *t = s->task;
	const eg_text *text = s->text;
	eg_status status = eg_vocab_encode(s->base.vocab, text->bytes, text->size, text->name, &s->ids, &s->n, err);
	if (status) return status;
	s->ntrain = (size_t)((1 - t->validation) * (double)s->n);
	if (t->whole) s->ntrain = s->n;
	if (t->whole || t->unit != EG_UNIT_WORD || t->validation <= 0) return EG_OK;
	int32_t *ids = NULL;
	status = eg_vocab_encode(s->base.vocab, text->bytes, train_bytes(s), text->name, &ids, &s->ntrain, err);
	free(ids);
	if (s->ntrain > s->n) s->ntrain = s->n;
	return status;
}

static eg_status encode_paragraphs(texts *s, eg_error *err) {
	char name[600];
	s->ids = malloc((s->text->size + 1) * sizeof *s->ids); /* no unit is shorter than a byte */
	s->starts = eg_calloc(NULL, (size_t)s->count + 1, sizeof *s->starts);
	if (!s->ids || !s->starts) return no_memory(err);
	for (int64_t i = 0; i < s->count; i++) {
		const paragraph *p = &s->paragraphs[i];
		int32_t *ids = NULL;
		size_t n = 0;
		snprintf(name, sizeof name, "%.500s, sample from line %lld", s->text->name,
			(long long)p->line);
		eg_status status = eg_vocab_encode(s->base.vocab, p->at, p->size, name, &ids, &n, err);
		if (status) return status;
		if (n > s->text->size - s->n) n = s->text->size - s->n;
		memcpy(s->ids + s->n, ids, n * sizeof *ids);
		free(ids);
		s->starts[i] = s->n;
		s->n += n;
	}
	s->starts[s->count] = s->n;
	return EG_OK;
}

/* ---- data sets --------------------------------------------------------------------------------------------------- */

static eg_status add_stream(texts *s, eg_part part, const int32_t *ids, size_t n, eg_error *err) {
	const language *t = s->task;
	size_t streams = (size_t)t->batch;
	if (part == EG_PART_TRAIN && n < 2 * streams)
		return eg_fail(err, EG_ERR_ARG,
			"%s: %zu %s are too few to train on: train.batch is %d, and so many pieces of at least 2 are "
			"needed; make "
			"train.batch smaller, or take more text",
			s->text->name, n, t->base.many, t->batch);
	if (n < 2)
		return eg_fail(err, EG_ERR_ARG, "%s: %zu %s%s: at least 2 are needed; %s", s->text->name, n,
			n == 1 ? t->base.one : t->base.many, part == EG_PART_VALIDATION ? " to validate with" : "",
			part == EG_PART_VALIDATION ? "make 'validation' larger" : "take more text");
	/* Every stream begins without knowing anything: to judge, they are long, so that this hardly counts. */
	if (part != EG_PART_TRAIN && n / STREAM_LENGTH < streams)
		streams = n / STREAM_LENGTH > 0 ? n / STREAM_LENGTH : 1;
	eg_status status = eg_text_streams(ids, n, (int)streams, t->steps, IGNORE, &s->parts[part], err);
	if (status) return status;
	s->base.parts[part] = eg_text_dataset_get(s->parts[part]);
	s->base.units[part] = (int64_t)n;
	return EG_OK;
}

/* The longest sample, or what the recipe allows; a longer one is named. */
static eg_status find_longest(const texts *s, int *longest, eg_error *err) {
	const language *t = s->task;
	size_t most = 1;
	for (int64_t i = 0; i < s->count; i++) {
		size_t n = s->starts[i + 1] - s->starts[i];
		if (n > most) most = n;
		if (t->whole || t->cut || t->longest == 0 || n <= (size_t)t->longest) continue;
		return eg_fail(err, EG_ERR_ARG,
			"%s:%lld: the sample that begins here has %zu %s, but data.longest is %d: make it at least "
			"%zu, or cut such samples "
			"with cut: true",
			s->text->name, (long long)s->paragraphs[i].line, n, t->base.many, t->longest, n);
	}
	*longest = t->longest > 0 && !t->whole ? t->longest : (int)(most < 1000000 ? most : 1000000);
	return EG_OK;
}

static eg_status add_samples(texts *s, eg_part part, const uint32_t *items, int64_t n, int longest, eg_error *err) {
	const language *t = s->task;
	if (n < 1) return EG_OK;
	eg_status status = eg_text_samples(s->ids, s->starts, items, n, eg_vocab_end(s->base.vocab), longest,
		t->cut && !t->whole, IGNORE, &s->parts[part], err);
	if (status) return status;
	s->base.parts[part] = eg_text_dataset_get(s->parts[part]);
	for (int64_t i = 0; i < n; i++) {
		size_t size = s->starts[items[i] + 1] - s->starts[items[i]];
		s->base.units[part] += (int64_t)(size < (size_t)longest ? size : (size_t)longest);
	}
	return EG_OK;
}

static eg_status make_samples(texts *s, eg_error *err) {
	int longest = 1;
	eg_part first = s->task->whole ? EG_PART_TEST : EG_PART_TRAIN;
	if (eg_vocab_end(s->base.vocab) < 0)
		return eg_fail(err, EG_ERR_FORMAT,
			"the model's vocabulary has no end mark, though its recipe says 'samples: true'");
	eg_status status = encode_paragraphs(s, err);
	if (!status) status = find_longest(s, &longest, err);
	if (!status) status = add_samples(s, first, s->items, s->nitems[0], longest, err);
	if (!status) status = add_samples(s, EG_PART_VALIDATION, s->items + s->count, s->nitems[1], longest, err);
	return status;
}

static eg_status make_streams(texts *s, eg_error *err) {
	const language *t = s->task;
	eg_status status = encode_stream(s, err);
	if (status) return status;
	if (t->whole) return add_stream(s, EG_PART_TEST, s->ids, s->n, err);
	status = add_stream(s, EG_PART_TRAIN, s->ids, s->ntrain, err);
	if (status || t->validation <= 0) return status;
	return add_stream(s, EG_PART_VALIDATION, s->ids + s->ntrain, s->n - s->ntrain, err);
}

/* What was only needed to make the data sets. */
static void drop_text(texts *s) {
	eg_text_free(s->text);
	eg_release(NULL, s->paragraphs);
	eg_release(NULL, s->starts);
	eg_release(NULL, s->items);
	free(s->ids);
	s->text = NULL, s->paragraphs = NULL, s->starts = NULL, s->items = NULL, s->ids = NULL;
}

static void free_samples(eg_samples *base) {
	texts *s = (texts *)base;
	drop_text(s);
	for (int i = 0; i < EG_PARTS; i++) eg_text_dataset_free(s->parts[i]);
	eg_vocab_free(s->own_vocab);
	eg_release(NULL, s);
}

static texts *new_texts(const language *t) {
	texts *s = eg_calloc(NULL, 1, sizeof *s);
	if (!s) return NULL;
	s->task = t;
	s->base.type = &eg_task_type_language;
	s->base.one = t->base.one, s->base.many = t->base.many;
	s->base.eval_batch = t->batch;
	return s;
}

static eg_status check_part(const language *t, eg_part part, eg_error *err) {
	if ((part == EG_PART_TEST) == t->whole) return EG_OK;
	if (t->whole) return eg_fail(err, EG_ERR_ARG, "a text of your own is not cut into parts: leave the split out");
	return eg_fail(err, EG_ERR_ARG,
		"the text '%s' has no test part: take the validation part, or another text (--path FILE)",
		t->info->name);
}

static eg_status load(const eg_task *base, eg_part part, const eg_model *model, eg_samples **samples, eg_error *err) {
	const language *t = (const language *)base;
	eg_status status = check_part(t, part, err);
	if (status) return status;
	texts *s = new_texts(t);
	if (!s) return no_memory(err);
	status = read_text(s, model, err);
	if (!status) s->base.classes = eg_vocab_count(s->base.vocab);
	if (!status) status = t->samples ? make_samples(s, err) : make_streams(s, err);
	drop_text(s);
	s->task = NULL;
	if (status)
		free_samples(&s->base);
	else
		*samples = &s->base;
	return status;
}

static eg_status classes(const eg_task *base, int *n, eg_error *err) {
	const language *t = (const language *)base;
	*n = 256 + t->samples;
	if (t->unit == EG_UNIT_BYTE) return EG_OK;
	texts *s = new_texts(t);
	if (!s) return no_memory(err);
	eg_status status = read_text(s, NULL, err);
	if (!status) *n = eg_vocab_count(s->base.vocab);
	free_samples(&s->base);
	return status;
}

/* ---- the network ------------------------------------------------------------------------------------------------- */

static eg_status fits(const eg_task *base, eg_error *err) {
	eg_dims in = eg_recipe_input(base->recipe);
	if (in.rank == 1 && in.d[0] == EG_T) return EG_OK;
	eg_fail(err, EG_ERR_SHAPE, "a language model reads a text unit by unit: write input: [time]");
	eg_recipe_locate(base->recipe, "input", err);
	return EG_ERR_SHAPE;
}

static eg_status suits(const eg_task *base, eg_graph *g, eg_error *err) {
	eg_dims d = eg_tensor_dims(g, eg_graph_find(g, "logits"));
	eg_node_info node;
	eg_status status = fits(base, err);
	for (int i = 0; i < eg_graph_nodes(g) && !status; i++) {
		eg_graph_node(g, i, &node);
		if (!node.mixes_time) continue;
		status = eg_fail(err, EG_ERR_ARG,
			"layer '%s' (%s) looks ahead: it would see the %s that is to be predicted. A language model "
			"reads forward only",
			node.name, node.op->layer ? node.op->layer : node.op->name, base->one);
	}
	if (!status && (d.rank != 3 || d.d[0] != EG_T || d.d[1] != EG_N))
		status = eg_fail(err, EG_ERR_SHAPE,
			"a language model answers at every step, with a number for each %s that may come next; the "
			"last layer of this "
			"network gives one answer for all",
			base->one);
	if (status) eg_recipe_locate(base->recipe, "model", err);
	return status;
}

/* ---- metrics ----------------------------------------------------------------------------------------------------- */

static void measure(eg_evaluation *e) {
	char about[80];
	double nats = eg_confusion_nats(e->confusion);
	snprintf(about, sizeof about, "nats a %s", e->one);
	eg_evaluation_put(e, "loss", nats, false, about);
	snprintf(about, sizeof about, "a %s", e->one);
	eg_evaluation_put(e, "bits", nats / log(2), false, about);
	snprintf(about, sizeof about, "as unsure as between so many equally likely %ss", e->one);
	eg_evaluation_put(e, "perplexity", exp(nats), false, about);
	snprintf(about, sizeof about, "the likeliest %s was the right one", e->one);
	eg_evaluation_put(e, "accuracy", eg_confusion_accuracy(e->confusion), true, about);
}

/* ---- the descriptor ---------------------------------------------------------------------------------------------- */

const eg_task_type eg_task_type_language = {
	.info = {.name = "language",
		.doc = "which character, byte or word comes next in a text",
		.verb = "generate",
		.reader = "text"},
	.data = {data_keys, EG_COUNT(data_keys)},
	.open = open_task,
	.free = free_task,
	.set_source = set_source,
	.classes = classes,
	.fits = fits,
	.suits = suits,
	.load = load,
	.free_samples = free_samples,
	.no_matrix = true,
	.measure = measure,
	.new_generator = eg_generator_from_vocab,
};
