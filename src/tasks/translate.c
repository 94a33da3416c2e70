/* translate.c - the task `translate`: a text for a text. The network reads the one, and tells at each step what the
 * next unit of the other is, when it is told those before: its input `previous` (T,N), its answer "logits" (T,N,units),
 * the end mark among them. Answers are written by beam search (beam.c, scribe.c), and compared with all translations
 * that the data has of a text, as sacreBLEU does (text_score.c).
 *
 * Not here: pictures of where the network looks (alignment.c). */
#include "tasks/alignment.h"
#include "tasks/scribe.h"
#include "tasks/written.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 400 };

/* What has been written for the batch at hand, whose rows are asked for one after the other. */
typedef struct desk {
	eg_scribe *scribe;
	const eg_graph *graph;
	const eg_params *params;
	const eg_hypothesis *best; /* NULL: nothing */
	int n;
} desk;

typedef struct translate {
	eg_task base;
	int beam, tokens;
	double length_norm, coverage;
	desk *desk;
} translate;

typedef struct options {
	eg_answer_options base;
	int beam;
	eg_numbers length_norm, coverage;
	const char *alignment;
} options;

static const eg_key keys[] = {
	{.name = "beam",
		.type = EG_KEY_INT,
		.offset = offsetof(translate, beam),
		.min = 1,
		.max = 1000,
		.def = 5,
		.doc = "hypotheses that are followed while a text is written; 1: always the likeliest unit"},
	{.name = "length_norm",
		.type = EG_KEY_DOUBLE,
		.offset = offsetof(translate, length_norm),
		.min = 0,
		.max = 10,
		.def = 0.6,
		.doc = "how much longer texts are favoured: their logarithm of probability is divided by ((5 + units) / 6) to the "
		       "power of this"},
	{.name = "coverage",
		.type = EG_KEY_DOUBLE,
		.offset = offsetof(translate, coverage),
		.min = 0,
		.max = 10,
		.def = 0,
		.doc = "penalty of texts that have not looked at all places of the source; needs an output `attention`"},
	EG_WRITTEN_BLEU_KEY(translate, tokens),
};

static const eg_key option_keys[] = {
	EG_WRITTEN_BEAM_OPTIONS(options),
	{.name = "coverage",
		.type = EG_KEY_NUMBERS,
		.count = 1,
		.offset = offsetof(options, coverage),
		.min = 0,
		.max = 10,
		.doc = "penalty of what is not looked at (default: as the recipe says)"},
	{.name = "alignment",
		.type = EG_KEY_STRING,
		.offset = offsetof(options, alignment),
		.doc = "folder, or file with the ending .svg, for pictures of where the network looks"},
};

static eg_status open_task(eg_task *base, eg_error *err) {
	translate *t = (translate *)base;
	base->one = "sentence", base->many = "sentences";
	if (!t->desk) t->desk = eg_calloc(NULL, 1, sizeof *t->desk);
	return t->desk ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for a task");
}

static void set_defaults(eg_task *base) {
	translate *t = (translate *)base;
	t->beam = 5, t->length_norm = 0.6, t->tokens = EG_TOKENS_BY_TEXT;
}

static void clear_desk(desk *d) {
	eg_scribe_free(d->scribe);
	*d = (desk){0};
}

static void close_task(eg_task *base) {
	translate *t = (translate *)base;
	if (t->desk) clear_desk(t->desk);
	eg_release(NULL, t->desk);
	t->desk = NULL;
}

/* ---- the network ------------------------------------------------------------------------------------------------- */

static const eg_intake *previous_of(const eg_task *t) { return t->ninputs > t->nasked ? t->intakes[t->nasked] : NULL; }

static eg_status refuse(const eg_task *t, const char *path, const char *why, eg_error *err) {
	eg_fail(err, EG_ERR_SHAPE, "%s", why);
	eg_recipe_locate(t->recipe, path, err);
	return EG_ERR_SHAPE;
}

/* Is one of its losses told how long each sequence is? */
static bool of_sequences(const eg_task *t) {
	bool any = false;
	for (int i = 0; i < eg_recipe_losses(t->recipe); i++) {
		const eg_op_info *op = eg_recipe_loss_at(t->recipe, i)->op;
		for (int k = 0; k < op->max_inputs; k++) any = any || strstr(op->inputs[k], "lengths");
	}
	return any;
}

static bool tells_attention(const eg_task *t) {
	bool any = false;
	for (int i = 0; i < t->recipe->noutputs; i++) any = any || !strcmp(t->recipe->outputs[i].name, "attention");
	return any;
}

static eg_status fail_untold(eg_error *err) {
	return eg_fail(err, EG_ERR_ARG,
		"`coverage` and pictures need to know where the network looks: give its recipe `outputs: {attention: "
		"LAYER.weights}`, LAYER being its attention, and train it again");
}

/* The output `attention` is what beam search and pictures take it for; `coverage` has one. */
static eg_status check_attention(const eg_task *t, const eg_graph *g, eg_error *err) {
	const eg_dims d = eg_tensor_dims(g, eg_graph_find(g, "attention")),
		      read = eg_tensor_dims(g, eg_graph_find(g, t->intakes[0]->input));
	char has[128], needs[128];
	if (!tells_attention(t)) {
		if (((const translate *)t)->coverage <= 0) return EG_OK;
		fail_untold(err);
		eg_recipe_locate(t->recipe, "data.coverage", err);
		return EG_ERR_ARG;
	}
	const eg_dims right = {3, {EG_N, EG_T, read.d[0]}};
	if (d.rank == 3 && d.d[0] == EG_N && d.d[1] == EG_T && d.d[2] == read.d[0]) return EG_OK;
	eg_fail(err, EG_ERR_SHAPE,
		"the output `attention` is %s, and must be %s: let it be the weights of an attention to the steps of the text, "
		"LAYER.weights, or leave it out of `outputs`",
		eg_shape_text(g, d, has, sizeof has), eg_shape_text(g, right, needs, sizeof needs));
	eg_recipe_locate(t->recipe, "outputs", err);
	return EG_ERR_SHAPE;
}

static eg_status suits(const eg_task *t, eg_graph *g, eg_error *err) {
	const eg_dims d = eg_tensor_dims(g, eg_graph_find(g, "logits"));
	if (!previous_of(t))
		return refuse(t, "model",
			"to write, a network has to be told what it has written before: add the input `previous: [time]`, "
			"and let the decoder begin with `embedding: {count: classes, from: previous}`",
			err);
	if (t->intakes[0]->sample.d[0] == EG_T)
		return refuse(t, "inputs",
			"`time` is for what is written: let the text that is read have another word, such as "
			"`text: [source]`",
			err);
	if (d.rank != 3 || d.d[0] != EG_T || d.d[1] != EG_N)
		return refuse(t, "model",
			"to write, a network tells at every step of `previous` a number for each unit: end with "
			"`linear: classes`",
			err);
	if (of_sequences(t))
		return refuse(t, "train.loss",
			"this loss judges whole sequences, but a text is written unit by unit: take one of classes "
			"(loss: cross_entropy)",
			err);
	const eg_status status = eg_scribe_cut(g, previous_of(t)->input, err);
	if (status) eg_recipe_locate(t->recipe, "model", err);
	return status ? status : check_attention(t, g, err);
}

static const char *const *outputs(const eg_task *t, const eg_graph *g) {
	EG_UNUSED(t);
	return eg_scribe_outputs(g);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static const eg_vocab *vocab_of(const eg_task *t) { return eg_intake_vocab(eg_task_target(t)); }

static eg_beam_options beam_of(const translate *t, const options *o) {
	const eg_vocab *v = vocab_of(&t->base);
	const int longest = eg_intake_text_keys(eg_task_target(&t->base))->longest;
	eg_beam_options b = {.beam = t->beam,
	        .longest = longest > 0 ? longest : LONGEST,
	        .alpha = t->length_norm,
	        .coverage = t->coverage,
	        .units = eg_vocab_count(v),
	        .begin = eg_vocab_end(v),
	        .end = eg_vocab_end(v),
	        .never = eg_vocab_unknown(v)};
	if (o && o->beam) b.beam = o->beam;
	if (o && o->length_norm.n) b.alpha = o->length_norm.at[0];
	if (o && o->coverage.n) b.coverage = o->coverage.at[0];
	return b;
}

/* What is written for row r; all rows of its batch are, when the first is asked for. */
static eg_status hypothesis_of(
	const eg_task *base, const options *o, const eg_row *r, const eg_hypothesis **h, eg_error *err) {
	const translate *t = (const translate *)base;
	desk *d = t->desk;
	eg_status status = EG_OK;
	const eg_beam_options beam = beam_of(t, o);
	if (beam.coverage > 0 && !tells_attention(base)) return fail_untold(err);
	if (d->graph != r->graph || d->params != r->params) clear_desk(d);
	if (!d->scribe)
		status = eg_scribe_new((eg_graph *)r->graph, r->params, base->intakes[0]->input,
			previous_of(base)->input, tells_attention(base), &d->scribe, err);
	if (status) return status;
	d->graph = r->graph, d->params = r->params;
	if (r->i == 0 || !d->best || d->n != r->n) {
		d->best = NULL;
		status = eg_scribe_write(d->scribe, r, beam, &d->best, err);
		d->n = r->n;
	}
	if (!status) *h = &d->best[r->i];
	return status;
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

typedef struct judge {
	eg_task_judge base;
	eg_written_score score;
} judge;

static const eg_metric_info metrics[] = {EG_WRITTEN_METRICS("translation")};

/* The network may end before the task does. */
static void judge_close(eg_task_judge *j) { clear_desk(((const translate *)j->task)->desk); }

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

/* In the folder, called as the record or file is; a text that has no name is its own. */
static eg_status picture_path(
	const options *o, const eg_row *r, const eg_datum *read, char *path, size_t size, eg_error *err) {
	const eg_answer_options folder = {.output = o->alignment};
	char name[64];
	eg_row named = *r;
	if (!r->batch && read && r->name && r->name[0] == '-') {
		int n = read->text.size < 60 ? (int)read->text.size : 60;
		while (n > 0 && n < (int)read->text.size && ((unsigned char)read->text.bytes[n] & 0xc0) == 0x80) n--;
		snprintf(name, sizeof name, "%.*s", n, read->text.bytes);
		for (char *c = name; *c; c++)
			if (*c == '/' || *c == '.' || (unsigned char)*c < ' ') *c = '_';
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
	if (!h->attention) return fail_untold(err);
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
	.options = {option_keys, EG_COUNT(option_keys)},
	.options_size = sizeof(options),
	.answer = answer,
	.truth = eg_written_truth,
};
