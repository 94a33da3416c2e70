/* transcribe.c - the task `transcribe`: what is said in a recording, or written in the picture of a line. The network
 * puts out a number for each label at every step, "logits" (steps,N,classes), of which class 0 stands for no label
 * (ctc), and never learns when which is said.
 *
 * Labels are the words of transcripts that are lists of words (digits), else the letters of texts. Not here: reading
 * labels off (ctc.c), the labels themselves (intake_spelled.c). */
#include "tasks/transcribe.h"

#include "tasks/edits.h"
#include "tasks/ngram.h"
#include "tasks/samples.h"

#include <math.h>
#include <string.h>

typedef struct transcribe {
	eg_task base;
	int beam, order; /* order 0: no prior */
	double weight;
	eg_ngram *prior; /* NULL: not learnt yet, or none */
} transcribe;

static const eg_key data_keys[] = {
	{.name = "beam",
		.type = EG_KEY_INT,
		.offset = offsetof(transcribe, beam),
		.min = 1,
		.max = 1000,
		.def = 1,
		.doc = "transcribe: beginnings that are followed from step to step (default: 1, the likeliest label of each step)"},
	{.name = "prior",
		.type = EG_KEY_INT,
		.offset = offsetof(transcribe, order),
		.min = 0,
		.max = EG_NGRAM_MOST,
		.def = 0,
		.doc = "transcribe: what a beam compares is weighed by how likely a label is behind the last ones in the training "
		       "transcripts, so many labels together (n-grams); 0, the default: it is not"},
	{.name = "prior_weight",
		.type = EG_KEY_DOUBLE,
		.offset = offsetof(transcribe, weight),
		.min = 0,
		.max = 10,
		.def = 0.5,
		.doc = "transcribe: the power of that probability (default: 0.5)"},
};

typedef struct options {
	eg_answer_options base;
	int beam;
	double prior;
} options;

static const eg_key option_keys[] = {
	{.name = "beam",
		.type = EG_KEY_INT,
		.offset = offsetof(options, beam),
		.min = 1,
		.max = 1000,
		.doc = "beginnings that are followed (default: as the recipe says; 1: the likeliest label of each step)"},
	{.name = "prior",
		.type = EG_KEY_DOUBLE,
		.offset = offsetof(options, prior),
		.min = 0,
		.max = 10,
		.zero_is_default = true,
		.doc = "the weight of n-grams of the training transcripts in a beam, where the recipe has had them counted (default: "
		       "as the recipe says; 0: none)"},
};

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a transcript"); }
static const eg_lexicon *labels_of(const eg_task *t) { return eg_intake_letters(eg_task_target(t)); }
static bool of_words(const eg_task *t) { return eg_intake_letters_are_words(eg_task_target(t)); }
bool eg_task_hears(const eg_task *t) { return t->intakes[0]->type->kind == EG_FIELD_SOUND; }

static void set_defaults(eg_task *t) {
	transcribe *x = (transcribe *)t;
	x->beam = 1, x->weight = 0.5;
}

static void close_task(eg_task *t) { eg_ngram_free(((transcribe *)t)->prior); }

static eg_status open_task(eg_task *t, eg_error *err) {
	const transcribe *x = (const transcribe *)t;
	if (x->order && x->beam < 2) {
		eg_fail(err, EG_ERR_ARG, "'prior' weighs the beginnings that a beam compares: add a beam, as in `beam: 8`");
		eg_recipe_locate(t->recipe, "data.prior", err);
		return EG_ERR_ARG;
	}
	t->one = eg_task_hears(t) ? "recording" : "picture", t->many = eg_task_hears(t) ? "recordings" : "pictures";
	return EG_OK;
}

static eg_status suits(const eg_task *t, eg_graph *g, eg_error *err) {
	const eg_dims d = eg_tensor_dims(g, eg_graph_find(g, "logits"));
	if (d.rank == 3 && d.d[1] == EG_N) return EG_OK;
	eg_fail(err, EG_ERR_SHAPE,
		"to transcribe, a network answers at every step, with a number for each label: end with `linear: classes` of a sequence, and "
		"take the loss ctc");
	eg_recipe_locate(t->recipe, "model", err);
	return EG_ERR_SHAPE;
}

/* ---- records that cannot be learnt ------------------------------------------------------------------------------- */

static bool leaves_some_out(const eg_task *t) { return eg_task_hears(t); }

/* How long it is must be known. */
static unsigned also(const eg_task *t) { return 1u << t->intakes[0]->field; }

/* A transcript that needs more steps than its recording has fits no path: all that can be learnt from it is wrong. */
static eg_status leaves_out(const eg_task *t, const eg_record *r, bool *out, eg_error *err) {
	const eg_intake *target = eg_task_target(t);
	*out = false;
	if (!r) return EG_OK;
	eg_datum data[EG_TASK_INTAKES];
	int time, sizes[EG_MAX_DIMS + 1];
	for (int k = 0; k < t->nintakes; k++) data[k] = r->fields[t->intakes[k]->field];
	eg_status status = eg_task_extents(t, t->nintakes, r, data, &time, sizes, err);
	*out = !status && eg_intake_spell_steps(target, &r->fields[target->field]) > time;
	return status;
}

/* ---- how likely labels are behind others ------------------------------------------------------------------------- */

static bool settles(const eg_task *t) { return ((const transcribe *)t)->order > 0; }

/* Counts the labels of the records that were trained on. */
static eg_status settle(eg_task *t, const eg_samples *s, eg_graph *g, eg_params *p, eg_error *err) {
	transcribe *x = (transcribe *)t;
	const eg_sample_part *part = &s->parts[EG_PART_TRAIN];
	const eg_intake *target = eg_task_target(t);
	const int64_t count = eg_samples_count(s, EG_PART_TRAIN);
	eg_record r = {0};
	eg_arena room = {0};
	eg_status status = EG_OK;
	EG_UNUSED(g), EG_UNUSED(p);
	eg_ngram_free(x->prior);
	bool memory = (x->prior = eg_ngram_new(x->order, labels_of(t)->n)) != NULL;
	for (int64_t i = 0; i < count && memory && !status; i++) {
		status = eg_source_read(t->source, part->from, part->items ? part->items[i] : i, 1u << target->field, &r, err);
		const eg_datum *d = &r.fields[target->field];
		const int n = status ? 0 : eg_intake_spell(target, d, NULL, 0);
		int32_t *labels = eg_arena_alloc(&room, ((size_t)n + 1) * sizeof *labels);
		memory = labels && eg_intake_spell(target, d, labels, n) >= 0 && eg_ngram_add(x->prior, labels, n);
		eg_arena_free(&room);
	}
	eg_record_free(&r);
	memory = memory && eg_ngram_done(x->prior);
	return status || memory ? status : no_memory(err);
}

static void save(const eg_task *t, eg_value *map) {
	const transcribe *x = (const transcribe *)t;
	if (x->prior) eg_ngram_save(x->prior, eg_value_put_map(map, "prior"));
}

static eg_status restore(eg_task *t, const eg_value *map, eg_error *err) {
	transcribe *x = (transcribe *)t;
	const eg_value *kept = eg_value_get(map, "prior");
	eg_ngram_free(x->prior);
	x->prior = NULL;
	return kept ? eg_ngram_restore(kept, labels_of(t)->n, &x->prior, err) : EG_OK;
}

/* As a prior of the beam: how much likelier than if all labels were as likely. So where nothing is known of a label
 * behind others, it changes nothing, and no text is preferred because it is short. */
typedef struct weighed {
	const eg_ngram *prior;
	double weight, all;
} weighed;
static double weigh(void *user, const int32_t *before, int n, int32_t label) {
	const weighed *w = user;
	return w->weight * (eg_ngram_ln(w->prior, before, n, label) + w->all);
}

/* ---- what the network says of a row ------------------------------------------------------------------------------ */

/* How long the batch's input is: recordings have steps, lines their width. */
static int64_t input_length(const eg_task *t, const eg_row *r) {
	if (eg_task_hears(t) || r->said) return r->time;
	const eg_dims d = eg_plan_dims(r->plan, eg_graph_find(r->graph, t->intakes[0]->input));
	return d.d[d.rank - 1];
}

static eg_status read_off(const eg_task *t, const eg_row *r, int beam, double weight, eg_transcript *x, eg_error *err) {
	const eg_dims d = eg_row_dims(r, "logits");
	int steps = (int)d.d[0], width = labels_of(t)->n + 1;
	x->each = steps > 0 ? (double)input_length(t, r) / steps : 1;
	const double own = x->each > 0 ? ceil(r->length / x->each) : steps; /* behind them is padding */
	if (eg_task_hears(t) && own < steps) steps = (int)own;
	double *lp = eg_arena_alloc(&x->room, (size_t)steps * (size_t)width * sizeof *lp + 1);
	x->labels = eg_arena_alloc(&x->room, ((size_t)steps + 1) * sizeof *x->labels);
	if (!lp || !x->labels) return no_memory(err);
	for (int s = 0; s < steps; s++) {
		const eg_real *logits = eg_row_output(r, "logits", s, &width);
		if (!eg_softmax(logits, width, lp + (ptrdiff_t)s * width))
			return eg_fail(err, EG_ERR_NUMERIC, "the network's answer is not a number; the model is damaged or its training failed");
	}
	for (ptrdiff_t i = 0; i < (ptrdiff_t)steps * width; i++) lp[i] = log(lp[i]);
	x->c = (eg_ctc){lp, steps, width};
	weighed w = {((const transcribe *)t)->prior, weight, log(labels_of(t)->n)};
	const eg_ctc_prior prior = {weigh, &w};
	if (beam > 1) return eg_ctc_beam(&x->c, beam, w.prior && weight > 0 ? &prior : NULL, x->labels, &x->n, err);
	x->n = eg_ctc_best(&x->c, x->labels);
	return EG_OK;
}

eg_status eg_transcript_read(const eg_task *t, const eg_row *r, eg_transcript *x, eg_error *err) {
	const transcribe *by = (const transcribe *)t;
	return read_off(t, r, by->beam, by->weight, x, err);
}

const char *eg_transcript_label(const eg_task *t, int32_t label) { return labels_of(t)->at[label - 1]; }

/* Labels as a text: words with a blank between them, letters without. NULL: out of memory. */
static char *spelled(const eg_task *t, const int32_t *labels, int n, eg_arena *room) {
	const bool words = of_words(t);
	size_t size = 1;
	for (int i = 0; i < n; i++) size += strlen(eg_transcript_label(t, labels[i])) + words;
	char *text = eg_arena_alloc(room, size), *to = text;
	for (int i = 0; i < n && text; i++) {
		const size_t k = strlen(eg_transcript_label(t, labels[i]));
		if (words && i > 0) *to++ = ' ';
		memcpy(to, eg_transcript_label(t, labels[i]), k);
		to += k;
	}
	return text;
}

eg_status eg_transcript_meant(const eg_task *t, const eg_row *r, eg_arena *room, char **text, eg_error *err) {
	const eg_datum *d = eg_row_datum(t, r, t->ninputs);
	*text = NULL;
	if (!d) return EG_OK;
	if (!of_words(t)) {
		*text = eg_arena_printf(room, "%.*s", (int)d->text.size, d->text.bytes);
		return *text ? EG_OK : no_memory(err);
	}
	size_t size = 1;
	for (int i = 0; i < d->tokens.n; i++) size += strlen(d->tokens.at[i]) + 1;
	char *to = *text = eg_arena_alloc(room, size);
	if (!to) return no_memory(err);
	for (int i = 0; i < d->tokens.n; i++) to += sprintf(to, "%s%s", i ? " " : "", d->tokens.at[i]);
	return EG_OK;
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

enum { UNKNOWN_MOST = 20 };
typedef struct judge {
	eg_task_judge base;
	int64_t words, word_errors, letters, letter_errors, exact;
	int nunknown;
	char unknown[UNKNOWN_MOST][EG_UNKNOWN_LABEL]; /* labels that training has not seen */
} judge;

static const eg_metric_info metrics[] = {
	{.name = "wer", .doc = "word errors: put in, left out or another, as a share of the words", .share = true, .lower_is_better = true},
	{.name = "cer", .doc = "the same of characters", .share = true, .lower_is_better = true},
	{.name = "exact", .doc = "transcripts without an error", .share = true},
	{.name = "loss", .doc = "nats a label", .lower_is_better = true},
};

static void judge_reset(eg_task_judge *j) {
	judge *own = (judge *)j;
	own->words = own->word_errors = own->letters = own->letter_errors = own->exact = 0;
	own->nunknown = 0;
}

/* Pieces of a text: words between blanks, or characters; their places into at, where that is not NULL. */
static int cut(const char *text, bool words, const char **at, size_t *size) {
	int n = 0;
	for (const char *s = text; *s;) {
		size_t k = words ? strcspn(s, " ") : (size_t)eg_utf8_length(s, strlen(s));
		if ((int)k < 1 && !words) k = 1;
		if (k > 0) {
			if (at) at[n] = s, size[n] = k;
			n++;
		}
		s += k;
		if (words && *s) s++;
	}
	return n;
}

typedef struct pieces {
	const char **at[2];
	size_t *size[2];
} pieces;
static bool alike(const void *user, int i, int k) {
	const pieces *p = user;
	return p->size[0][i] == p->size[1][k] && memcmp(p->at[0][i], p->at[1][k], p->size[0][i]) == 0;
}

/* Edits between the pieces of two texts; -1: out of memory. */
static int64_t distance(const char *a, const char *b, bool words, int64_t *count) {
	const char *const texts[2] = {a, b};
	const int n[2] = {cut(a, words, NULL, NULL), cut(b, words, NULL, NULL)};
	eg_arena room = {0};
	pieces p;
	int *row = eg_arena_alloc(&room, ((size_t)n[1] + 1) * sizeof *row);
	bool there = row != NULL;
	for (int i = 0; i < 2; i++) {
		p.at[i] = eg_arena_alloc(&room, ((size_t)n[i] + 1) * sizeof *p.at[i]);
		p.size[i] = eg_arena_alloc(&room, ((size_t)n[i] + 1) * sizeof *p.size[i]);
		there = there && p.at[i] && p.size[i];
		if (there) cut(texts[i], words, p.at[i], p.size[i]);
	}
	const int64_t result = there ? eg_edits(n[0], n[1], alike, &p, row) : -1;
	*count += n[1];
	eg_arena_free(&room);
	return result;
}

static void note_unknown(judge *own, const eg_task *t, const eg_datum *d) {
	char name[EG_UNKNOWN_LABEL];
	for (int i = 0; d && own->nunknown < UNKNOWN_MOST && eg_intake_spell_unknown(eg_task_target(t), d, i, name); i++) {
		int k = 0;
		while (k < own->nunknown && strcmp(own->unknown[k], name) != 0) k++;
		if (k == own->nunknown) memcpy(own->unknown[own->nunknown++], name, sizeof name);
	}
}

static eg_status judge_row(eg_task_judge *j, const eg_row *r, eg_error *err) {
	const eg_task *t = j->task;
	judge *own = (judge *)j;
	eg_transcript x = {.n = 0};
	char *right = NULL, *said = NULL;
	eg_status status = eg_transcript_meant(t, r, &x.room, &right, err);
	if (!status && right) status = eg_transcript_read(t, r, &x, err);
	if (!status && right && !(said = spelled(t, x.labels, x.n, &x.room))) status = no_memory(err);
	if (!status && right) {
		const int64_t words = distance(said, right, true, &own->words), letters = distance(said, right, false, &own->letters);
		if (words < 0 || letters < 0) status = no_memory(err);
		own->word_errors += words, own->letter_errors += letters;
		own->exact += letters == 0;
		note_unknown(own, t, eg_row_datum(t, r, t->ninputs));
		j->total++;
	}
	eg_arena_free(&x.room);
	return status;
}

static double ratio(int64_t a, int64_t b) { return b ? (double)a / (double)b : (double)NAN; }

static void judge_values(const eg_task_judge *j, double *v) {
	const judge *own = (const judge *)j;
	v[0] = ratio(own->word_errors, own->words);
	v[1] = ratio(own->letter_errors, own->letters);
	v[2] = ratio(own->exact, j->total);
	v[3] = (double)NAN; /* the network's own */
}

/* What can be told by nobody, and is judged as wrong. */
static void judge_details(const eg_task_judge *j, eg_value *map) {
	const judge *own = (const judge *)j;
	if (own->nunknown == 0) return;
	eg_value *list = eg_value_put_list(map, "unknown");
	for (int i = 0; i < own->nunknown; i++) eg_value_put_text(list, NULL, own->unknown[i]);
	eg_value_put_text(map, "note", "training has not seen these labels, so each of them is an error: give transcripts with them to train on");
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

/* Where steps of the network's output lie: seconds of a recording, pixels of a picture. */
static double place_of(const eg_task *t, const eg_row *r, const eg_transcript *x, int step) {
	const eg_datum *d = eg_row_datum(t, r, 0);
	if (eg_task_hears(t)) return eg_intake_sound_time(t->intakes[0], step * x->each);
	const eg_dims *in = &t->intakes[0]->sample;
	const int64_t high = in->rank > 1 ? in->d[in->rank - 2] : 0;
	if (!d) return floor(step * x->each);
	/* to a width of the network's it was stretched; to an open one it was brought as its height was, and
	 * filled up */
	if (in->d[in->rank - 1] > 0) return floor(step * x->each * d->picture.W / (double)input_length(t, r));
	return fmin(floor(step * x->each * (high > 0 ? (double)d->picture.H / (double)high : 1)), d->picture.W);
}

/* The words: labels, or what stands between blanks. */
static eg_status put_words(const eg_task *t, const eg_row *r, eg_transcript *x, eg_value *out, eg_error *err) {
	int *first = eg_arena_alloc(&x->room, ((size_t)x->n + 1) * sizeof *first), *end = eg_arena_alloc(&x->room, ((size_t)x->n + 1) * sizeof *end);
	if (!first || !end) return no_memory(err);
	eg_status status = eg_ctc_align(&x->c, x->labels, x->n, first, end, err);
	if (status) return status;
	eg_value *list = eg_value_mark(eg_value_put_list(out, "words"), EG_SHOW_NOT, NULL);
	for (int i = 0; i < x->n;) {
		int k = i + 1;
		while (!of_words(t) && k < x->n && strcmp(eg_transcript_label(t, x->labels[k]), " ") != 0) k++;
		if (!of_words(t) && strcmp(eg_transcript_label(t, x->labels[i]), " ") == 0) {
			i++;
			continue;
		}
		const char *text = spelled(t, x->labels + i, k - i, &x->room);
		if (!text) return no_memory(err);
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_text(one, "text", text);
		eg_value_put_number(one, "start", place_of(t, r, x, first[i]));
		eg_value_put_number(one, "end", place_of(t, r, x, end[k - 1]));
		i = k;
	}
	return EG_OK;
}

static eg_status answer(const eg_task *t, const eg_answer_options *o, const eg_row *r, eg_value *out, eg_error *err) {
	const transcribe *by = (const transcribe *)t;
	const options *own = (const options *)o;
	eg_transcript x = {.n = 0};
	double ln = 0;
	if (own->prior > 0 && !by->prior)
		return eg_fail(err, EG_ERR_ARG, "the option 'prior': the model keeps no n-grams of its transcripts; train it with data.prior");
	const double weight = own->prior > 0 || signbit(own->prior) ? own->prior : by->weight; /* EG_ZERO_F: none */
	eg_status status = read_off(t, r, own->beam ? own->beam : by->beam, weight, &x, err);
	char *text = status ? NULL : spelled(t, x.labels, x.n, &x.room);
	if (!status && !text) status = no_memory(err);
	if (!status) status = eg_ctc_likelihood(&x.c, x.labels, x.n, &ln, err);
	if (!status) {
		eg_value_mark(eg_value_put_text(out, "text", text), EG_SHOW_STRONG, NULL);
		eg_value_mark(eg_value_put_number(out, "probability", exp(ln)), EG_SHOW_SHARE, NULL);
		status = put_words(t, r, &x, out, err);
	}
	eg_arena_free(&x.room);
	return status;
}

static eg_status truth(const eg_task *t, const eg_row *r, eg_value *out, eg_error *err) {
	eg_arena room = {0};
	char *text;
	eg_status status = eg_transcript_meant(t, r, &room, &text, err);
	if (!status) eg_value_put_text(out, "text", text);
	eg_arena_free(&room);
	return status;
}

static const char *const settled[] = {"prior", NULL};

const eg_task_type eg_task_type_transcribe = {
	.info = {.name = "transcribe",
		.doc = "what is said in a recording, or written in the picture of a line",
		.takes = "recordings or pictures",
		.answer = "a text, how likely it is, and where its words are",
		.judged = "Of a transcriber: the fewest words to put in, to leave out and to exchange that make its text the\n"
			  "right one, as a share of the right one's words (word error rate); the same of characters; and how\n"
			  "many texts are right as a whole."},
	.size = sizeof(transcribe),
	.keys = {data_keys, EG_COUNT(data_keys)},
	.inputs = EG_KIND(SOUND) | EG_KIND(PICTURE),
	.targets = EG_KIND(TOKENS) | EG_KIND(TEXT),
	.tells = &eg_intake_spelled_type,
	.needs = "a recording or a picture with a transcript",
	.defaults = set_defaults,
	.open = open_task,
	.close = close_task,
	.settles = settles,
	.settle = settle,
	.settled = settled,
	.save = save,
	.restore = restore,
	.suits = suits,
	.leaves_some_out = leaves_some_out,
	.leaves_out = leaves_out,
	.also = also,
	.metrics = metrics,
	.nmetrics = EG_COUNT(metrics),
	.best = 0,
	.judge_size = sizeof(judge),
	.judge_reset = judge_reset,
	.judge_row = judge_row,
	.judge_values = judge_values,
	.judge_details = judge_details,
	.options = {option_keys, EG_COUNT(option_keys)},
	.options_size = sizeof(options),
	.answer = answer,
	.truth = truth,
};

bool eg_task_transcribes(const eg_task *t) { return t->type == &eg_task_type_transcribe; }
