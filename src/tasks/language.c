/* language.c - the task `language`: which unit (character, byte, word or subword) comes next in a text. The network
 * reads unit numbers (T,N) and gives for every step a number for each unit that may follow, "logits" (T,N,units).
 *
 * Two ways to look at a text: as one stream, cut into train.batch pieces that are read side by side, `steps` units at
 * a time, with the state carried on (truncated back-propagation through time; Williams and Peng 1990); or, with
 * `samples: true`, as samples of their own, the paragraphs between blank lines, each between two end marks.
 *
 * So it makes its data sets itself, of the source's texts (language_data.c); its answers and judgements are those of
 * any task. Not here: reading text, vocabularies, the loss (an operator), counting (src/train/metrics.c), writing
 * (generate.c). */
#include "tasks/language.h"

#include <math.h>
#include <string.h>

enum { STEPS = 64 };

typedef struct answer_options {
	eg_answer_options base;
	int top;
} answer_options;

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a text"); }

/* ---- the data section -------------------------------------------------------------------------------------------- */

static const char *const from_names[] = {"random", "end", NULL}; /* as EG_LANGUAGE_FROM_... */

static const eg_key data_keys[] = {
	{.name = "steps",
		.type = EG_KEY_INT,
		.offset = offsetof(eg_language, steps),
		.min = 1,
		.max = 100000,
		.def = STEPS,
		.doc = "without samples: units between two updates, over which gradients flow back (default: 64). "
		       "train.batch pieces of the text are read side by side; the state goes on from update to update"},
	{.name = "samples",
		.type = EG_KEY_BOOL,
		.offset = offsetof(eg_language, samples),
		.def = NAN,
		.doc = "paragraphs, between blank lines, are samples of their own, and the model learns where they end "
		       "(default: false, the "
		       "text is one stream). data.validation is then a share of the samples, else the end of the text"},
	{.name = "validation_from",
		.type = EG_KEY_ENUM,
		.offset = offsetof(eg_language, from),
		.names = from_names,
		.def = EG_LANGUAGE_FROM_RANDOM,
		.doc = "with samples: which of them are kept aside for validation: random (the default), or end: the last ones "
		       "of the file, as of a text that is one stream. Where neighbours are alike, such as poems by one hand, "
		       "the random ones are easier than what comes later"},
};

static eg_status refuse(const eg_task *t, const char *key, const char *why, eg_error *err) {
	char path[80];
	snprintf(path, sizeof path, "data.%s", key);
	eg_fail(err, EG_ERR_ARG, "'%s' %s", key, why);
	eg_recipe_locate(t->recipe, path, err);
	return EG_ERR_ARG;
}

/* Keys that would do nothing are errors. */
static eg_status check_together(const eg_task *t, eg_error *err) {
	static const char *const with_samples[] = {"keep_title", "longest", "cut", "validation_from"};
	const eg_language *l = (const eg_language *)t;
	if (l->samples && eg_recipe_has(t->recipe, "data.steps"))
		return refuse(t, "steps",
		        "belongs to a text that is one stream; with 'samples: true' every sample is read as a whole",
		        err);
	for (int i = 0; i < EG_COUNT(with_samples) && !l->samples; i++) {
		char path[80];
		snprintf(path, sizeof path, "data.%s", with_samples[i]);
		if (eg_recipe_has(t->recipe, path)) return refuse(t, with_samples[i], "needs 'samples: true'", err);
	}
	return EG_OK;
}

/* Targets that are not there must be what the loss passes over. */
static eg_status check_ignore(const eg_task *t, eg_error *err) {
	const eg_recipe_loss_info *l = eg_recipe_loss_at(t->recipe, 0);
	for (int i = 0; i < l->op->nattrs; i++) {
		int given = 0;
		if (strcmp(l->op->attrs[i].name, "ignore_index") != 0) continue;
		if (l->options) memcpy(&given, (const char *)l->options + l->op->attrs[i].offset, sizeof given);
		if (given == 0 || given == EG_IGNORED) return EG_OK;
		eg_fail(err, EG_ERR_ARG,
		        "of a text, predictions that are not asked for are marked by %d; leave 'ignore_index' out",
		        EG_IGNORED);
		eg_recipe_locate(t->recipe, "train.loss.cross_entropy.ignore_index", err);
		return EG_ERR_ARG;
	}
	return EG_OK;
}

/* What a language model writes has capitals where they belong. */
static eg_status check_case(const eg_task *t, eg_error *err) {
	if (!eg_intake_lowers(t->intakes[0])) return EG_OK;
	eg_fail(err, EG_ERR_ARG, "'lower_case' is of texts that are classified, translated or answered; a language model reads them as they are");
	eg_recipe_locate(t->recipe, "data.lower_case", err);
	return EG_ERR_ARG;
}

static eg_status open_task(eg_task *t, eg_error *err) {
	static const char *const one[] = {"character", "byte", "word", "subword"},
				 *const many[] = {"characters", "bytes", "words", "subwords"};
	eg_language *l = (eg_language *)t;
	int unit = eg_intake_text_keys(t->intakes[0])->unit;
	t->one = one[unit], t->many = many[unit];
	if (l->steps == 0) l->steps = STEPS;
	t->whole = t->other; /* another text is judged as a whole */
	eg_status status = check_case(t, err);
	if (!status) status = check_together(t, err);
	return status ? status : check_ignore(t, err);
}

static eg_part eval_part(const eg_task *t) {
	return t->whole ? EG_PART_TEST : t->source->validation > 0 ? EG_PART_VALIDATION : EG_PART_TRAIN;
}

/* ---- the network ------------------------------------------------------------------------------------------------- */

/* Texts that are asked about begin where samples do. */
static eg_status restore(eg_task *t, const eg_value *map, eg_error *err) {
	EG_UNUSED(map), EG_UNUSED(err);
	if (((eg_language *)t)->samples) eg_intake_begin_with(t->intakes[0], eg_vocab_end(eg_intake_vocab(t->intakes[0])));
	return EG_OK;
}

static eg_status suits(const eg_task *t, eg_graph *g, eg_error *err) { return eg_task_reads_forward(t, g, t->one, err); }

/* ---- judging ----------------------------------------------------------------------------------------------------- */

typedef struct judge {
	eg_task_judge base;
	eg_confusion *counts;
	char *spelled;      /* a unit */
	size_t room;
	int64_t characters; /* of what was predicted; an end mark has none */
	bool unknown;       /* some of it is not known: its spelling was not predicted */
} judge;

static const eg_metric_info metrics[] = {
	{.name = "loss", .doc = "nats a unit", .lower_is_better = true},
	{.name = "bits", .doc = "a unit", .lower_is_better = true},
	{.name = "perplexity", .doc = "as unsure as between so many equally likely units", .lower_is_better = true},
	{.name = "accuracy", .doc = "the likeliest unit was the right one", .share = true},
	{.name = "nats_per_character", .doc = "of all units together; - where some are unknown", .lower_is_better = true},
};

static eg_status judge_open(eg_task_judge *j, eg_error *err) {
	judge *own = (judge *)j;
	const eg_vocab *v = eg_intake_vocab(j->task->intakes[0]);
	const int n = eg_vocab_count(v);
	own->counts = eg_confusion_new_slim(n);
	for (int i = 0; i < n; i++) {
		size_t size;
		eg_vocab_token(v, i, &size);
		if (size + 8 > own->room) own->room = size + 8;
	}
	own->spelled = eg_calloc(NULL, own->room + 1, 1);
	return own->counts && own->spelled ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for the metrics");
}

static void judge_close(eg_task_judge *j) {
	judge *own = (judge *)j;
	eg_confusion_free(own->counts);
	eg_release(NULL, own->spelled);
}

static void judge_reset(eg_task_judge *j) {
	judge *own = (judge *)j;
	eg_confusion_reset(own->counts);
	own->characters = 0, own->unknown = false;
}

/* As the unit would be written: words may have a space before them. */
static void count_characters(judge *j, const eg_vocab *v, int before, int id) {
	const size_t n = eg_vocab_spell(v, before, id, j->spelled, j->room);
	for (size_t i = 0; i < n; i++) j->characters += ((unsigned char)j->spelled[i] & 0xC0) != 0x80;
	j->unknown = j->unknown || id == eg_vocab_unknown(v);
}

static eg_status judge_row(eg_task_judge *j, const eg_row *r, eg_error *err) {
	const eg_vocab *v = eg_intake_vocab(j->task->intakes[0]);
	EG_UNUSED(err);
	for (int t = 0; t < r->time; t++) {
		const int32_t *target = eg_row_ids(r, "target", t);
		if (*target < 0) continue;
		eg_confusion_add(((judge *)j)->counts, eg_row_output(r, "logits", t, NULL), target, 1);
		count_characters((judge *)j, v, *eg_row_ids(r, j->task->intakes[0]->input, t), *target);
		j->total++;
	}
	return EG_OK;
}

static void judge_values(const eg_task_judge *j, double *v) {
	const eg_confusion *c = ((const judge *)j)->counts;
	double nats = eg_confusion_nats(c);
	v[0] = nats;
	v[1] = nats / log(2);
	v[2] = exp(nats);
	v[3] = eg_confusion_accuracy(c);
	const judge *own = (const judge *)j;
	const bool told = own->characters > 0 && !own->unknown;
	v[4] = told ? nats * (double)j->total / (double)own->characters : (double)NAN;
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

static const eg_key option_keys[] = {
	{.name = "top",
		.type = EG_KEY_INT,
		.offset = offsetof(answer_options, top),
		.min = 1,
		.max = 65536,
		.def = 3,
		.doc = "how many of the units that may come next to tell, the likeliest first (default: 3)"},
};

/* A byte (of subwords: one that is no character) as its number, other units as their text. */
static eg_value *put_unit(eg_value *parent, const char *key, const eg_vocab *v, int id) {
	size_t size;
	const char *s = eg_vocab_token(v, id, &size);
	bool byte = eg_vocab_unit(v) == EG_UNIT_BYTE || (eg_vocab_unit(v) == EG_UNIT_SUBWORD && size == 1 && s[0] & 0x80);
	if (byte && id != eg_vocab_end(v))
		return eg_value_put_int(parent, key, size ? (unsigned char)s[0] : 0);
	return eg_value_put_bytes(parent, key, s, size);
}

/* What may come behind a text: the likeliest, with their probabilities. */
static eg_status tell_next(const eg_vocab *v, const eg_real *logits, int top, eg_value *out, eg_error *err) {
	int n = eg_vocab_count(v);
	double *p = eg_calloc(NULL, (size_t)n, sizeof *p);
	if (!p) return no_memory(err);
	eg_status status = eg_softmax(logits, n, p)
	                           ? EG_OK
	                           : eg_fail(err, EG_ERR_NUMERIC, "the network's answer is not a number");
	eg_value *list = eg_value_put_list(out, "next");
	for (int i = 0; i < top && i < n && !status; i++) {
		int best = 0;
		for (int k = 1; k < n; k++)
			if (p[k] > p[best]) best = k;
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_mark(put_unit(one, "text", v, best), i == 0 ? EG_SHOW_STRONG : 0, NULL);
		eg_value_mark(eg_value_put_number(one, "probability", p[best]), EG_SHOW_PROBABILITY, NULL);
		p[best] = -1;
	}
	eg_release(NULL, p);
	return status;
}

/* -ln softmax(x)[t] */
static double nats_of(const eg_real *x, int n, int t) {
	double sum = 0, highest = (double)x[eg_argmax(x, n)];
	for (int k = 0; k < n; k++) sum += (double)expf((float)((double)x[k] - highest));
	return log(sum) + highest - (double)x[t];
}

static eg_status answer(
	const eg_task *t, const eg_answer_options *options, const eg_row *r, eg_value *out, eg_error *err) {
	const eg_vocab *v = eg_intake_vocab(t->intakes[0]);
	const answer_options *o = (const answer_options *)options;
	int n = eg_vocab_count(v);
	if (!r->batch)
		return tell_next(v, eg_row_output(r, "logits", (r->length > 0 ? r->length : 1) - 1, NULL),
		        o->top > 0 ? o->top : 3, out, err);
	eg_value *units = eg_value_put_list(out, "units"), *nats = eg_value_put_list(out, "nats");
	for (int s = 0; s < r->time; s++) {
		int32_t target = *eg_row_ids(r, "target", s);
		const eg_real *x = eg_row_output(r, "logits", s, NULL);
		if (target < 0) continue;
		put_unit(units, NULL, v, eg_argmax(x, n));
		eg_value_put_number(nats, NULL, nats_of(x, n, target));
	}
	return EG_OK;
}

static eg_status truth(const eg_task *t, const eg_row *r, eg_value *out, eg_error *err) {
	const eg_vocab *v = eg_intake_vocab(t->intakes[0]);
	eg_value *units = eg_value_put_list(out, "units");
	EG_UNUSED(err);
	for (int s = 0; s < r->time; s++) {
		int32_t target = *eg_row_ids(r, "target", s);
		if (target >= 0) put_unit(units, NULL, v, target);
	}
	return EG_OK;
}

const eg_task_type eg_task_type_language = {
	.info = {.name = "language",
		.doc = "which character, byte, word or subword comes next in a text",
		.takes = "texts",
		.answer = "what comes next",
		.judged = "Of a language model: how well it knows what comes next in a text it has not seen. The\n"
			  "loss is the mean of -ln of the probability that it gave to what came, in nats; the\n"
			  "same in bits; perplexity is e to the loss.",
		.abilities = EG_ABLE_GENERATE},
	.size = sizeof(eg_language),
	.keys = {data_keys, EG_COUNT(data_keys)},
	.inputs = EG_KIND(TEXT),
	.needs = "a text",
	.open = open_task,
	.eval_part = eval_part,
	.suits = suits,
	.load = eg_language_load,
	.unload = eg_language_unload,
	.fingerprint = eg_language_fingerprint,
	.measure = eg_language_measure,
	.metrics = metrics,
	.nmetrics = EG_COUNT(metrics),
	.best = -1,
	.quick = true,
	.judge_size = sizeof(judge),
	.judge_open = judge_open,
	.judge_close = judge_close,
	.judge_reset = judge_reset,
	.judge_row = judge_row,
	.judge_values = judge_values,
	.options = {option_keys, EG_COUNT(option_keys)},
	.options_size = sizeof(answer_options),
	.answer = answer,
	.truth = truth,
	.restore = restore,
	.new_generator = eg_generator_from_vocab,
};
