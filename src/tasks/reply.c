/* reply.c - the task `reply`: what is answered in a talk. The network reads the turns, and then the answer, in one
 * sequence (intake_turns.c), and tells at every unit what comes next: a language model with turns. One that reads with
 * one half and writes with another (translate.c) would learn the language twice, of the few words that talks have.
 *
 * Answers are searched for or drawn (talk.c). Beside the measures of any task that writes (written.c) there is one that
 * does not ask for the very words: among ten answers, the right one and nine others of the same part, does the right
 * one take the fewest nats a character? Or does it gain most by what was said: are its nats the most fewer than those
 * that it takes at the beginning of a talk? */
#include "tasks/samples.h"
#include "tasks/talk.h"
#include "tasks/written.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONGEST = 400, TEN = 10 };
static const uint64_t TEN_SEED = 20261130; /* of the nine others; never changed */

/* The network at hand. */
typedef struct desk {
	eg_talk *talk;
	const eg_graph *graph;
	const eg_params *params;
} desk;

typedef struct reply {
	eg_task base;
	int beam, tokens;
	double length_norm;
	desk *desk;
} reply;

typedef struct options {
	eg_answer_options base;
	int beam;
	eg_numbers length_norm;
	double temperature;
	int64_t seed;
} options;

static const eg_key keys[] = {
	{.name = "beam",
		.type = EG_KEY_INT,
		.offset = offsetof(reply, beam),
		.min = 1,
		.max = 1000,
		.def = 5,
		.doc = "hypotheses that are followed while an answer is written; 1: always the likeliest unit"},
	{.name = "length_norm",
		.type = EG_KEY_DOUBLE,
		.offset = offsetof(reply, length_norm),
		.min = 0,
		.max = 10,
		.def = 0.6,
		.doc = "how much longer answers are favoured: their logarithm of probability is divided by ((5 + units) / 6) to the "
		       "power of this"},
	EG_WRITTEN_BLEU_KEY(reply, tokens),
};

static const eg_key option_keys[] = {
	EG_WRITTEN_BEAM_OPTIONS(options),
	{.name = "temperature",
		.type = EG_KEY_DOUBLE,
		.offset = offsetof(options, temperature),
		.min = 0,
		.max = 100,
		.doc = "draw the answer in place of searching for it; 1: as likely as learnt, less: safer (default: 0, it is searched "
		       "for)"},
	{.name = "seed",
		.type = EG_KEY_INT64,
		.offset = offsetof(options, seed),
		.min = 0,
		.max = 9e15,
		.doc = "of answers that are drawn (default: 0); the same talk and seed, the same answer"},
};

static eg_status open_task(eg_task *base, eg_error *err) {
	reply *t = (reply *)base;
	base->one = "answer", base->many = "answers";
	eg_intake_join(base->intakes[0], eg_task_target(base));
	if (!t->desk) t->desk = eg_calloc(NULL, 1, sizeof *t->desk);
	if (!t->desk) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a task");
	if (base->ninputs == 1) return EG_OK;
	eg_fail(err, EG_ERR_ARG, "a network that answers in a talk reads one input, the talk: write input: [time]");
	eg_recipe_locate(base->recipe, "inputs", err);
	return EG_ERR_ARG;
}

static void set_defaults(eg_task *base) {
	reply *t = (reply *)base;
	t->beam = 5, t->length_norm = 0.6, t->tokens = EG_TOKENS_BY_TEXT;
}

static void clear_desk(desk *d) {
	eg_talk_free(d->talk);
	*d = (desk){0};
}

static void close_task(eg_task *base) {
	reply *t = (reply *)base;
	if (t->desk) clear_desk(t->desk);
	eg_release(NULL, t->desk);
	t->desk = NULL;
}

static eg_status suits(const eg_task *t, eg_graph *g, eg_error *err) { return eg_task_reads_forward(t, g, "unit", err); }

static const eg_vocab *vocab_of(const eg_task *t) { return eg_intake_vocab(eg_task_target(t)); }

/* ---- hearing and answering --------------------------------------------------------------------------------------- */

/* What a network has heard. */
typedef struct heard {
	eg_talk *talk;
	size_t units, unknown;
	bool cut; /* what the last turn begins with was too much */
	uint64_t stream; /* a number that stands for what they were */
} heard;

/* What stands before the answer of this row. */
static eg_status hear(const eg_task *base, const eg_row *r, heard *h, eg_error *err) {
	const eg_datum *d = eg_row_datum(base, r, 0);
	desk *own = ((const reply *)base)->desk;
	int32_t *ids = NULL;
	size_t n = 0;
	eg_status status = EG_OK;
	if (own->graph != r->graph || own->params != r->params) clear_desk(own);
	if (!own->talk)
		status = eg_talk_new((eg_graph *)r->graph, r->params, base->intakes[0]->input,
			eg_vocab_count(vocab_of(base)), &own->talk, err);
	own->graph = r->graph, own->params = r->params;
	if (!status && !d) status = eg_fail(err, EG_ERR_ARG, "asked with numbers, a talk has no answer; ask with its text");
	if (!status) status = eg_intake_encode(base->intakes[0], d, r->record, &ids, &n, err);
	if (!status) status = eg_talk_hear(own->talk, ids, n, err);
	*h = (heard){.talk = own->talk, .units = n};
	size_t ends = 0; /* there is one on each side of a turn */
	for (size_t i = 0; i < n && !status; i++) {
		h->unknown += ids[i] == eg_vocab_unknown(vocab_of(base));
		ends += ids[i] == eg_vocab_end(vocab_of(base));
	}
	h->cut = !status && ends < 2 && n == (size_t)eg_intake_text_keys(base->intakes[0])->longest;
	if (!status) h->stream = eg_stream(EG_RNG_GENERATE, 0, eg_fingerprint(0, ids, n * sizeof *ids));
	free(ids);
	return status;
}

static eg_beam_options beam_of(const reply *t, const options *o) {
	const eg_vocab *v = vocab_of(&t->base);
	const int longest = eg_intake_text_keys(eg_task_target(&t->base))->longest;
	eg_beam_options b = {.beam = t->beam,
		.longest = longest > 0 ? longest : LONGEST,
		.alpha = t->length_norm,
		.end = eg_vocab_end(v),
		.never = eg_vocab_unknown(v)};
	if (o && o->beam) b.beam = o->beam;
	if (o && o->length_norm.n) b.alpha = o->length_norm.at[0];
	return b;
}

/* What is said to a talk, in `room`. */
static eg_status say(const eg_task *base, const options *o, const heard *x, eg_arena *room, const char **text,
	double *logprob, eg_error *err) {
	const eg_beam_options b = beam_of((const reply *)base, o);
	eg_hypothesis h = {0};
	eg_status status;
	if (o && o->temperature > 0) {
		const eg_talk_draw d = {o->temperature, {(uint64_t)o->seed, x->stream}};
		status = eg_talk_write(x->talk, &b, &d, &h, err);
	} else {
		status = eg_talk_search(x->talk, b, &h, err);
	}
	if (!status) status = eg_written_spell(vocab_of(base), &h, room, text, err);
	*logprob = h.logprob;
	eg_hypothesis_free(&h);
	return status;
}

static eg_status answer(
	const eg_task *t, const eg_answer_options *base, const eg_row *r, eg_value *out, eg_error *err) {
	const options *o = (const options *)base;
	const char *text = NULL;
	double logprob = 0;
	heard x = {0};
	eg_arena room = {0};
	eg_status status = EG_OK;
	if (o->beam && o->temperature > 0)
		status = eg_fail(err, EG_ERR_ARG, "an answer is searched for with 'beam', or drawn with 'temperature': give one of them");
	if (!status) status = hear(t, r, &x, err);
	if (!status) status = say(t, o, &x, &room, &text, &logprob, err);
	if (!status) {
		eg_value_mark(eg_value_put_text(out, "text", text), EG_SHOW_STRONG, NULL);
		eg_value_put_number(out, "logprob", logprob);
		eg_value_mark(eg_value_put_int(out, "read", (int64_t)x.units), EG_SHOW_NOT, NULL);
		eg_value_mark(eg_value_put_int(out, "unknown", (int64_t)x.unknown), EG_SHOW_NOT, NULL);
		if (x.cut) eg_value_mark(eg_value_put_bool(out, "cut", true), EG_SHOW_NOT, NULL);
	}
	eg_arena_free(&room);
	return status;
}

/* ---- ten answers ------------------------------------------------------------------------------------------------- */

/* The right answer and the others, that of place 0 being the right one. */
typedef struct ten {
	char *texts[TEN];
	size_t sizes[TEN];
	int n;
	eg_arena arena;
} ten;

static eg_status add_text(ten *x, const eg_datum *d, eg_error *err) {
	char *own = eg_arena_alloc(&x->arena, d->text.size + 1);
	if (!own) return eg_fail(err, EG_ERR_MEMORY, "out of memory for answers to compare");
	memcpy(own, d->text.bytes, d->text.size);
	own[d->text.size] = '\0';
	x->texts[x->n] = own, x->sizes[x->n++] = d->text.size;
	return EG_OK;
}

/* Nine other answers of the part, by seed and the number of the record; of fewer than ten there are fewer. */
static eg_status draw_others(const eg_task *t, const eg_row *r, ten *x, eg_error *err) {
	const eg_sample_part *p = r->batch->data->user;
	const int64_t all = p->dataset.count, own = r->batch->fill->items[r->i];
	const int field = eg_task_target(t)->field;
	const eg_rng rng = {TEN_SEED, eg_stream(EG_RNG_SPLIT, 0, (uint64_t)own)};
	eg_record record = {0};
	int64_t taken[TEN] = {own};
	eg_status status = EG_OK;
	for (uint64_t k = 0; k < 100 * TEN && x->n < TEN && all > 1 && !status; k++) {
		const int64_t i = (int64_t)eg_rng_below(rng, k, (uint64_t)all);
		bool there = false;
		for (int j = 0; j < x->n; j++) there = there || taken[j] == i;
		if (there) continue;
		status = eg_source_read(t->source, p->from, p->items ? p->items[i] : i, 1u << field, &record, err);
		const eg_datum *d = &record.fields[field];
		/* The same words are as right as the right ones. */
		if (status || !d->there || (d->text.size == x->sizes[0] && !memcmp(d->text.bytes, x->texts[0], d->text.size)))
			continue;
		taken[x->n] = i;
		status = add_text(x, d, err);
	}
	eg_record_free(&record);
	return status;
}

/* How many characters these units are: of a text that is cut, those that are left. */
static eg_status count_characters(const eg_vocab *v, int32_t *ids, size_t n, int *count, eg_error *err) {
	const eg_hypothesis h = {.units = ids, .n = (int)n};
	const char *text = "";
	eg_arena room = {0};
	eg_status status = eg_written_spell(v, &h, &room, &text, err);
	*count = 0;
	for (const char *s = text; *s; s++) *count += ((unsigned char)*s & 0xc0) != 0x80;
	eg_arena_free(&room);
	return status;
}

/* What ten answers take. */
typedef struct costs {
	double nats[TEN], alone[TEN]; /* behind the talk; where a talk begins */
	int characters[TEN];          /* the end mark among them */
	size_t units;                 /* of the right one, with its end mark */
} costs;

static eg_status score(const eg_task *t, eg_talk *talk, ten *x, costs *c, eg_error *err) {
	const int32_t end = eg_vocab_end(vocab_of(t));
	int32_t *ids[TEN] = {NULL};
	const int32_t *texts[TEN];
	size_t sizes[TEN] = {0};
	eg_status status = EG_OK;
	for (int i = 0; i < x->n && !status; i++) {
		const eg_datum d = {.there = true, .text = {x->texts[i], x->sizes[i]}};
		status = eg_intake_encode(eg_task_target(t), &d, NULL, &ids[i], &sizes[i], err);
		if (!status) status = count_characters(vocab_of(t), ids[i], sizes[i], &c->characters[i], err);
		texts[i] = ids[i], c->characters[i]++;
	}
	if (!status) status = eg_talk_score(talk, texts, sizes, x->n, end, c->nats, err);
	if (!status) status = eg_talk_hear(talk, &end, 1, err);
	if (!status) status = eg_talk_score(talk, texts, sizes, x->n, end, c->alone, err);
	c->units = sizes[0] + 1;
	for (int i = 0; i < TEN; i++) free(ids[i]);
	return status;
}

/* Of a model that is no network: how like each is to what it writes. */
static eg_status compare(const ten *x, const char *written, double *unlike, eg_error *err) {
	eg_status status = EG_OK;
	for (int i = 0; i < x->n && !status; i++) {
		eg_text_score s = {0};
		const char *one = x->texts[i];
		status = eg_text_score_add(&s, EG_TOKENS_13A, written, &one, 1, err);
		unlike[i] = -eg_text_chrf(&s);
	}
	return status;
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

typedef struct judge {
	eg_task_judge base;
	eg_written_score score;
	double nats, right, gains; /* right, by gain: a share where several are equally good */
	int64_t units, tens;
} judge;

enum { RIGHT_OF_TEN = EG_WRITTEN_COUNT, RIGHT_BY_GAIN };
static const eg_metric_info metrics[] = {EG_WRITTEN_METRICS("right answer"),
	{.name = "right_of_ten",
		.doc = "of ten answers, the right one and nine others, the right one takes the fewest nats a character (chance: 0.1)",
		.share = true},
	{.name = "right_of_ten_by_gain",
		.doc = "of the same ten, the right one is made likelier a character than the others by what was said before (chance: 0.1)",
		.share = true}};

/* The network may end before the task does. */
static void judge_close(eg_task_judge *j) { clear_desk(((const reply *)j->task)->desk); }

static void judge_reset(eg_task_judge *base) {
	judge *j = (judge *)base;
	j->score = (eg_written_score){0};
	j->nats = j->right = j->gains = 0;
	j->units = j->tens = 0;
}

/* 1 where the first costs least, a share where others cost as little; 0 where it is not known what one costs. */
static double first_of(const double *cost, int n) {
	int as_good = 0;
	for (int i = 0; i < n; i++) {
		if (!(cost[0] <= cost[i])) return 0;
		as_good += cost[0] >= cost[i];
	}
	return 1.0 / as_good;
}

static eg_status judge_ten(judge *j, const eg_row *r, eg_talk *talk, const char *written, eg_error *err) {
	const eg_task *t = j->base.task;
	double cost[TEN] = {0}, gain[TEN] = {0};
	costs c = {0};
	ten x = {0};
	eg_status status = add_text(&x, eg_row_datum(t, r, t->ninputs), err);
	if (!status) status = draw_others(t, r, &x, err);
	if (!status) status = talk ? score(t, talk, &x, &c, err) : compare(&x, written, cost, err);
	if (!status && talk) {
		j->nats += c.nats[0], j->units += (int64_t)c.units;
		for (int i = 0; i < x.n; i++)
			cost[i] = c.nats[i] / c.characters[i], gain[i] = (c.nats[i] - c.alone[i]) / c.characters[i];
	}
	if (!status && x.n == TEN) j->tens++, j->right += first_of(cost, TEN), j->gains += first_of(gain, TEN);
	eg_arena_free(&x.arena);
	return status;
}

static int tokens_of(const eg_task *t) { return eg_written_tokens(vocab_of(t), ((const reply *)t)->tokens); }

static eg_status judge_row(eg_task_judge *base, const eg_row *r, eg_error *err) {
	judge *j = (judge *)base;
	const eg_task *t = base->task;
	const char *text = r->text;
	double logprob;
	heard x = {0};
	bool judged = false;
	eg_arena room = {0};
	if (!eg_row_datum(t, r, t->ninputs)) return EG_OK;
	eg_status status = text ? EG_OK : hear(t, r, &x, err);
	if (!status && !text) status = say(t, NULL, &x, &room, &text, &logprob, err);
	if (!status) status = eg_written_add(&j->score, t, r, tokens_of(t), text, &judged, err);
	if (!status) status = judge_ten(j, r, x.talk, text, err);
	base->total += judged;
	eg_arena_free(&room);
	return status;
}

static void judge_values(const eg_task_judge *base, double *v) {
	const judge *j = (const judge *)base;
	eg_written_values(&j->score, v);
	v[EG_WRITTEN_LOSS] = j->units ? j->nats / (double)j->units : (double)NAN;
	v[RIGHT_OF_TEN] = j->tens ? j->right / (double)j->tens : (double)NAN;
	v[RIGHT_BY_GAIN] = j->tens && j->units ? j->gains / (double)j->tens : (double)NAN;
}

static void judge_details(const eg_task_judge *j, eg_value *map) {
	eg_value_put_text(map, "bleu_tokens", eg_tokens_names[tokens_of(j->task)]);
}

const eg_task_type eg_task_type_reply = {
	.info = {.name = "reply",
		.doc = "what is answered in a talk",
		.takes = "texts, an empty line between turns",
		.answer = "the answer, and the logarithm of its probability",
		.judged =
			"Of who answers: BLEU (n-grams of what it writes that are in the right answer), chrF (the same of\n"
			"characters) and how many are the same; the loss, nats a unit of the right answers; and, of ten\n"
			"answers, the right one and nine others of the same part, how often the right one takes the fewest\n"
			"nats a character, and how often it gains most by what was said. There are many right answers to\n"
			"most things, so the first three are low.",
		.abilities = EG_ABLE_GENERATE | EG_ABLE_TALK},
	.size = sizeof(reply),
	.keys = {keys, EG_COUNT(keys)},
	.inputs = EG_KIND(TEXT),
	.targets = EG_KIND(TEXT),
	.needs = "a text with its answer",
	.reads = &eg_intake_turns_type,
	.defaults = set_defaults,
	.open = open_task,
	.close = close_task,
	.suits = suits,
	.metrics = metrics,
	.nmetrics = EG_COUNT(metrics),
	.best = -1,
	.quick = true,
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
	.new_generator = eg_generator_from_vocab,
};
