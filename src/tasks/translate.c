/* translate.c - the task `translate`: a text for a text. The network reads the one, and tells at each step what the
 * next unit of the other is, when it is told those before: its input `previous` (T,N), its answer "logits" (T,N,units),
 * the end mark among them. Answers are written by beam search (beam.c, scribe.c), and compared with all translations
 * that the data has of a text, as sacreBLEU does (text_score.c).
 *
 * Not here: pictures of where the network looks (alignment.c). */
#include "tasks/alignment.h"
#include "tasks/desk.h"
#include "tasks/samples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct translate {
	eg_task base;
	eg_desk_keys keys;
	int tokens;
	eg_desk *desk;
} translate;
typedef eg_desk_options options;

static const eg_key keys[] = {
	EG_DESK_KEYS(translate, keys),
	EG_WRITTEN_BLEU_KEY(translate, tokens),
};

static eg_status open_task(eg_task *base, eg_error *err) {
	translate *t = (translate *)base;
	base->one = "sentence", base->many = "sentences";
	return eg_desk_open(&t->desk, err);
}

static void set_defaults(eg_task *base) {
	translate *t = (translate *)base;
	t->keys = eg_desk_usual, t->tokens = EG_TOKENS_BY_TEXT;
}

static void close_task(eg_task *base) { eg_desk_close(&((translate *)base)->desk); }

/* ---- the network ------------------------------------------------------------------------------------------------- */

static eg_status suits(const eg_task *t, eg_graph *g, eg_error *err) {
	return eg_desk_suits(t, g, &((const translate *)t)->keys, "text", err);
}

static const char *const *outputs(const eg_task *t, const eg_graph *g) {
	EG_UNUSED(t);
	return eg_scribe_outputs(g);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static const eg_vocab *vocab_of(const eg_task *t) { return eg_intake_vocab(eg_task_target(t)); }

static eg_status hypothesis_of(const eg_task *t, const options *o, const eg_row *r, const eg_hypothesis **h, eg_error *err) {
	return eg_desk_write(((const translate *)t)->desk, t, &((const translate *)t)->keys, o, r, h, err);
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

typedef struct judge {
	eg_task_judge base;
	eg_written_score score;
} judge;

static const eg_metric_info metrics[] = {EG_WRITTEN_METRICS("translation")};

/* The network may end before the task does. */
static void judge_close(eg_task_judge *j) { eg_desk_clear(((const translate *)j->task)->desk); }

static void judge_reset(eg_task_judge *j) { ((judge *)j)->score = (eg_written_score){0}; }

static int tokens_of(const eg_task *t) { return eg_written_tokens(vocab_of(t), ((const translate *)t)->tokens); }

static eg_status judge_row(eg_task_judge *j, const eg_row *r, eg_error *err) {
	judge *own = (judge *)j;
	const eg_hypothesis *h;
	const char *text = r->text;
	bool judged = false;
	eg_arena room = {0};
	eg_status status = text ? EG_OK : hypothesis_of(j->task, NULL, r, &h, err);
	if (!status && !text) status = eg_written_spell(vocab_of(j->task), h, &room, &text, err);
	if (!status) status = eg_written_add(&own->score, j->task, r, tokens_of(j->task), text, &judged, err);
	j->total += judged;
	eg_arena_free(&room);
	return status;
}

static void judge_values(const eg_task_judge *j, double *v) {
	eg_written_values(&((const judge *)j)->score, v);
	v[EG_WRITTEN_LOSS] = (double)NAN; /* the network's own */
}

static void judge_details(const eg_task_judge *j, eg_value *map) {
	eg_value_put_text(map, "bleu_tokens", eg_tokens_names[tokens_of(j->task)]);
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

static bool is_file(const char *path) {
	const size_t n = strlen(path);
	return n > 4 && strcmp(path + n - 4, ".svg") == 0;
}

/* Units of the text that was read, and of the one that was written, as they are called in a picture. */
static const char **names_of(const eg_vocab *v, const int32_t *ids, int n, const char *last, eg_arena *room) {
	const char **list = eg_arena_alloc(room, ((size_t)n + 1) * sizeof *list);
	for (int i = 0; i < n && list; i++)
		list[i] = ids[i] == eg_vocab_unknown(v) ? "?" : eg_vocab_token(v, ids[i], NULL);
	if (list) list[n] = last;
	return list;
}

/* In the folder, called as the record or file is; a text that has no name is its own, where it is short: longer ones
 * that begin alike have different pictures. */
static eg_status picture_path(
	const options *o, const eg_row *r, const eg_datum *read, char *path, size_t size, eg_error *err) {
	const eg_answer_options folder = {.output = o->alignment};
	char name[80];
	eg_row named = *r;
	if (!r->batch && read && r->name && r->name[0] == '-') {
		int n = read->text.size < 60 ? (int)read->text.size : 60;
		while (n > 0 && n < (int)read->text.size && ((unsigned char)read->text.bytes[n] & 0xc0) == 0x80) n--;
		const int put = snprintf(name, sizeof name, "%.*s", n, n ? read->text.bytes : "");
		for (char *c = name; *c; c++)
			if (*c == '/' || *c == '.' || (unsigned char)*c < ' ') *c = '_';
		if (put < 1)
			snprintf(name, sizeof name, "empty");
		else if ((size_t)n < read->text.size)
			snprintf(name + put, sizeof name - (size_t)put, "-%08x", (unsigned)eg_fingerprint(0, read->text.bytes, read->text.size));
		named.name = name;
	}
	return eg_row_path(&folder, &named, "svg", path, size, err);
}

static eg_status draw(
	const eg_task *t, const options *o, const eg_row *r, const eg_hypothesis *h, eg_value *out, eg_error *err) {
	const eg_datum *read = eg_row_datum(t, r, 0);
	const int places = eg_scribe_places(((const translate *)t)->desk->scribe, r->i);
	char path[1024];
	int32_t *ids = NULL;
	size_t n = 0;
	if (!h->attention) return eg_desk_untold(err);
	eg_status status = EG_OK;
	if (is_file(o->alignment))
		snprintf(path, sizeof path, "%s", o->alignment);
	else
		status = picture_path(o, r, read, path, sizeof path, err);
	if (!status && read) status = eg_intake_encode(t->intakes[0], read, r->record, &ids, &n, err);
	if (status || !read) return status;
	eg_arena room = {0};
	if ((int)n > places) n = (size_t)places;
	eg_alignment a = {.read = names_of(eg_intake_vocab(t->intakes[0]), ids, (int)n, "", &room),
	        .written = names_of(vocab_of(t), h->units, h->n, "\u23ce", &room),
	        .nread = (int)n,
	        .nwritten = h->n + 1,
	        .weights = h->attention,
	        .stride = eg_scribe_stride(((const translate *)t)->desk->scribe)};
	status = a.read && a.written ? eg_alignment_save(path, &a, err)
	                             : eg_fail(err, EG_ERR_MEMORY, "out of memory for a picture");
	if (!status) eg_value_put_text(out, "file", path);
	eg_arena_free(&room);
	free(ids);
	return status;
}

static eg_status answer(
	const eg_task *t, const eg_answer_options *base, const eg_row *r, eg_value *out, eg_error *err) {
	const options *o = (const options *)base;
	const eg_hypothesis *h = NULL;
	const char *text = NULL;
	eg_arena room = {0};
	eg_status status = hypothesis_of(t, o, r, &h, err);
	if (!status) status = eg_written_spell(vocab_of(t), h, &room, &text, err);
	if (!status) {
		eg_value_mark(eg_value_put_text(out, "text", text), EG_SHOW_STRONG, NULL);
		eg_value_put_number(out, "logprob", h->logprob);
		if (o->alignment) status = draw(t, o, r, h, out, err);
	}
	eg_arena_free(&room);
	return status;
}

const eg_task_type eg_task_type_translate = {
	.info = {.name = "translate",
		.doc = "a text for a text: its translation",
		.takes = "texts",
		.answer = "the translation, and the logarithm of its probability",
		.judged =
			"Of a translator: BLEU (n-grams of what it writes that are in a translation) and chrF (the same of\n"
			"characters), as sacreBLEU counts them, against all translations that the data has of a sentence;\n"
			"how many are one of these; and the loss, nats a unit."},
	.size = sizeof(translate),
	.keys = {keys, EG_COUNT(keys)},
	.inputs = EG_KIND(TEXT),
	.targets = EG_KIND(TEXT),
	.needs = "a text with its translation",
	.defaults = set_defaults,
	.open = open_task,
	.close = close_task,
	.suits = suits,
	.metrics = metrics,
	.nmetrics = EG_COUNT(metrics),
	.best = -1,
	.quick = true,
	.writes = true,
	.outputs = outputs,
	.judge_size = sizeof(judge),
	.judge_close = judge_close,
	.judge_reset = judge_reset,
	.judge_row = judge_row,
	.judge_values = judge_values,
	.judge_details = judge_details,
	.options = {eg_desk_option_keys, EG_DESK_OPTIONS},
	.options_size = sizeof(options),
	.answer = answer,
	.truth = eg_written_truth,
};
