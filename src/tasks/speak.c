/* speak.c - the task `speak`: sound for a text, in the voice that is asked for. The network reads the text, and tells
 * at each step the next frames of the sound in log-mel, "logits" (T,N,frames x bands), when it is told those before:
 * its input `previous` (T,N,...); and whether that was all, "stop" (T,N,1). Phases are found by Griffin and Lim.
 *
 * Not here: judging (speak_judge.c), running the network (mouth.c), its targets (intake_spoken.c). */
#include "tasks/speak.h"

#include "tasks/alignment.h"
#include "tasks/samples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef eg_speak speak;
enum { TEXT = EG_SPEAK_TEXT, WORDS_MOST = 20000, ROUNDS = 60 };

static const eg_key data_keys[] = {
	{.name = "longest_sound",
		.type = EG_KEY_DOUBLE,
		.offset = offsetof(speak, longest),
		.min = EG_ABOVE_0,
		.max = 3600,
		.def = 20,
		.doc = "speak: seconds after which it is made to stop, where it does not stop by itself (default: 20)"},
	{.name = "stop_at",
		.type = EG_KEY_DOUBLE,
		.offset = offsetof(speak, sure),
		.min = 0.001,
		.max = 0.999,
		.def = 0.35,
		.doc = "speak: how sure it has to be that a step was the last one, to stop behind it (default: 0.35)"},
};

enum { UNKNOWN_REFUSE, UNKNOWN_SPEAK };
static const char *const unknown_names[] = {"refuse", "speak", NULL};
typedef struct options {
	eg_answer_options base;
	int rounds, unknown;
	int64_t seed;
	const char *alignment;
} options;

static const eg_key option_keys[] = {
	{.name = "rounds",
		.type = EG_KEY_INT,
		.offset = offsetof(options, rounds),
		.min = 1,
		.max = 10000,
		.doc = "times that the phases are brought nearer to what fits (default: 60)"},
	{.name = "seed",
		.type = EG_KEY_INT64,
		.offset = offsetof(options, seed),
		.min = 0,
		.max = 9e15,
		.doc = "of the phases to begin with (default: 0): the same seed gives the same sound"},
	{.name = "unknown",
		.type = EG_KEY_ENUM,
		.offset = offsetof(options, unknown),
		.names = unknown_names,
		.doc = "words that the model was never told: refuse them (the default), or speak them, letter by letter, as well as it can"},
	{.name = "alignment",
		.type = EG_KEY_STRING,
		.offset = offsetof(options, alignment),
		.doc = "folder, or file with the ending .svg, for pictures of where in the text the network is at each step"},
};

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for what is spoken"); }

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void set_defaults(eg_task *base) {
	speak *t = (speak *)base;
	t->longest = 20, t->sure = 0.35;
}

static eg_status open_task(eg_task *base, eg_error *err) {
	speak *t = (speak *)base;
	base->one = "text", base->many = "texts";
	if (!t->mouth) t->mouth = eg_calloc(NULL, 1, sizeof *t->mouth);
	return t->mouth ? EG_OK : no_memory(err);
}

static void close_task(eg_task *base) {
	speak *t = (speak *)base;
	if (t->mouth) eg_mouth_clear(t->mouth);
	eg_release(NULL, t->mouth);
	eg_hearer_close(&t->recognises);
	eg_hearer_close(&t->knows_voice);
	eg_lexicon_free(&t->words);
	t->mouth = NULL;
}

/* ---- the network ------------------------------------------------------------------------------------------------- */

static eg_status refuse(const eg_task *t, const char *path, const char *why, eg_error *err) {
	eg_fail(err, EG_ERR_SHAPE, "%s", why);
	eg_recipe_locate(t->recipe, path, err);
	return EG_ERR_SHAPE;
}

static bool is_told_each_step(const eg_dims *d) { return d->rank == 3 && d->d[0] == EG_T && d->d[1] == EG_N; }

static eg_status check_outputs(const eg_task *t, const eg_graph *g, eg_error *err) {
	const eg_dims logits = eg_tensor_dims(g, eg_graph_find(g, "logits")), stop = eg_tensor_dims(g, eg_graph_find(g, "stop")),
		      attention = eg_tensor_dims(g, eg_graph_find(g, "attention")), read = eg_tensor_dims(g, eg_graph_find(g, t->intakes[TEXT]->input));
	bool told = false, attends = false;
	for (int i = 0; i < t->recipe->noutputs; i++) {
		told = told || !strcmp(t->recipe->outputs[i].name, "stop");
		attends = attends || !strcmp(t->recipe->outputs[i].name, "attention");
	}
	if (!is_told_each_step(&logits))
		return refuse(t, "model", "to speak, a network tells frames of sound at every step of `previous`: end with `linear: N`, N being "
			"data.frames times the bands", err);
	if (!told || !is_told_each_step(&stop) || stop.d[2] != 1)
		return refuse(t, told ? "outputs" : "model", "to speak, a network tells at every step whether that was all: add a layer `linear: {units: 1, name: stop}`, "
			"`outputs: {stop: stop}`, and the loss `{bce_with_logits: , of: stop, target: sound}`", err);
	if (attends && (attention.rank != 3 || attention.d[0] != EG_N || attention.d[1] != EG_T || attention.d[2] != read.d[0]))
		return refuse(t, "outputs", "the output `attention` tells for each step how much of it goes to each unit of the text: its shape is (N,T,units)", err);
	return EG_OK;
}

int eg_speak_voice(const eg_task *t) {
	for (int i = 0; i < t->nasked; i++)
		if (t->intakes[i]->type->kind == EG_FIELD_LABEL) return i;
	return -1;
}

/* A voice goes in as one number for each of them. */
static eg_status check_voices(const eg_task *t, eg_error *err) {
	const int k = eg_speak_voice(t);
	if (k < 0) return EG_OK;
	const eg_dims *d = &t->intakes[k]->sample;
	const int voices = t->intakes[k]->type->count(t->intakes[k]);
	if (d->rank == 1 && (voices == 0 || d->d[0] == voices)) return EG_OK;
	eg_fail(err, EG_ERR_SHAPE, "there are %d voices, each a number that is 1 or 0: write %s: [%d], and begin with `linear: {bias: false, from: %s}`",
		voices, t->intakes[k]->input, voices, t->intakes[k]->input);
	eg_recipe_locate(t->recipe, "inputs", err);
	return EG_ERR_SHAPE;
}

static eg_status suits(const eg_task *t, eg_graph *g, eg_error *err) {
	if (t->ninputs == t->nasked)
		return refuse(t, "inputs", "to speak, a network has to be told what it has said before: add the input `previous: [time, BANDS]`", err);
	if (t->intakes[TEXT]->type->kind != EG_FIELD_TEXT)
		return refuse(t, "inputs", "what is spoken is read first: let the first of the inputs be the text, `text: [letters]`", err);
	if (t->intakes[TEXT]->sample.d[0] == EG_T)
		return refuse(t, "inputs", "`time` is for what is spoken: let the text have another word, such as `text: [letters]`", err);
	eg_status status = check_outputs(t, g, err);
	if (!status) status = check_voices(t, err);
	if (!status && eg_sound_known(eg_task_target(t))) status = eg_intake_said_width(t->intakes[t->nasked], err);
	if (status) return status;
	status = eg_scribe_cut(g, t->intakes[t->nasked]->input, err);
	if (status) eg_recipe_locate(t->recipe, "model", err);
	return status;
}

static const char *const *outputs(const eg_task *t, const eg_graph *g) {
	EG_UNUSED(t);
	return eg_scribe_outputs(g);
}

/* What those who listen are asked about. */
static unsigned also(const eg_task *base) {
	const speak *t = (const speak *)base;
	return (t->recognises.predictor ? 1u << t->recognises.field : 0) | (t->knows_voice.predictor ? 1u << t->knows_voice.field : 0);
}

/* ---- words that it knows ----------------------------------------------------------------------------------------- */

static size_t word_at(const char *text, size_t size, size_t *from) {
	while (*from < size && (unsigned char)text[*from] <= ' ') ++*from;
	size_t end = *from;
	while (end < size && (unsigned char)text[end] > ' ') end++;
	return end - *from;
}

static eg_status each_word(const eg_datum_text *d, eg_status (*take)(void *user, const char *word, eg_error *err), void *user, eg_error *err) {
	char word[256];
	eg_status status = EG_OK;
	for (size_t from = 0, n; (n = word_at(d->bytes, d->size, &from)) > 0 && !status; from += n) {
		snprintf(word, sizeof word, "%.*s", (int)n, d->bytes + from);
		status = take(user, word, err);
	}
	return status;
}

static eg_status learn_word(void *user, const char *word, eg_error *err) {
	eg_lexicon *words = user;
	return eg_lexicon_put(words, word) >= 0 ? EG_OK : no_memory(err);
}

static eg_status settle(eg_task *base, const eg_samples *s, eg_graph *g, eg_params *p, eg_error *err) {
	speak *t = (speak *)base;
	const int field = base->intakes[TEXT]->field;
	eg_record r = {0};
	eg_status status = EG_OK;
	EG_UNUSED(g), EG_UNUSED(p);
	eg_lexicon_free(&t->words);
	for (int64_t i = 0; i < eg_samples_count(s, EG_PART_TRAIN) && !status && t->words.n <= WORDS_MOST; i++) {
		const eg_sample_part *part = &s->parts[EG_PART_TRAIN];
		status = eg_source_read(base->source, part->from, part->items ? part->items[i] : i, 1u << field, &r, err);
		if (!status && r.fields[field].there) status = each_word(&r.fields[field].text, learn_word, &t->words, err);
	}
	eg_record_free(&r);
	if (status || t->words.n > WORDS_MOST) eg_lexicon_free(&t->words);
	return status;
}

static void save(const eg_task *base, eg_value *map) {
	const speak *t = (const speak *)base;
	if (!t->words.n || eg_value_get(map, "words")) return;
	eg_value *list = eg_value_put_list(map, "words");
	for (int i = 0; i < t->words.n; i++) eg_value_put_text(list, NULL, t->words.at[i]);
}

static eg_status restore(eg_task *base, const eg_value *map, eg_error *err) {
	speak *t = (speak *)base;
	eg_lexicon_free(&t->words);
	for (const eg_value *v = eg_value_first(eg_value_get(map, "words")); v; v = eg_value_next(v)) {
		if (!eg_value_text(v)) return eg_fail(err, EG_ERR_FORMAT, "damaged: a word that it knows is no text");
		if (eg_lexicon_put(&t->words, eg_value_text(v)) < 0) return no_memory(err);
	}
	return EG_OK;
}

/* "zero one two three ..." */
static const char *some_words(const speak *t, char *buf, size_t size) {
	size_t n = 0;
	for (int i = 0; i < t->words.n && i < 12 && n + 1 < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%s", i ? ", " : "", t->words.at[i]);
	if (t->words.n > 12 && n + 1 < size) snprintf(buf + n, size - n, ", and %d more", t->words.n - 12);
	return buf;
}

static eg_status check_word(void *user, const char *word, eg_error *err) {
	const speak *t = user;
	char list[400];
	if (eg_lexicon_find(&t->words, word) >= 0) return EG_OK;
	const char *meant = eg_did_you_mean(word, t->words.at, t->words.n);
	return eg_fail(err, EG_ERR_ARG, "it was never told how '%s' sounds%s%s%s; it knows %s. 'unknown: speak' speaks it all the same", word,
		meant ? " (did you mean '" : "", meant ? meant : "", meant ? "'?)" : "", some_words(t, list, sizeof list));
}

/* Can this be spoken? */
static eg_status check_text(const speak *t, const options *o, const eg_datum_text *d, eg_error *err) {
	size_t from = 0;
	if (word_at(d->bytes, d->size, &from) == 0) return eg_fail(err, EG_ERR_ARG, "there is no word in the text: nothing to be spoken");
	if (!t->words.n || o->unknown == UNKNOWN_SPEAK) return EG_OK;
	return each_word(d, check_word, (void *)t, err);
}

/* ---- speaking ---------------------------------------------------------------------------------------------------- */

static int most_steps(const speak *t) {
	const eg_intake *target = eg_task_target(&t->base);
	const eg_sound_options *o = &eg_intake_spoken_sound(target)->o;
	return 1 + (int)(t->longest * o->rate / o->hop / eg_intake_spoken_frames(target));
}

eg_status eg_speak_sound(const eg_task *t, const eg_row *r, int rounds, uint64_t seed, eg_mouth_sound *sound, eg_error *err) {
	const speak *own = (const speak *)t;
	eg_status status = eg_mouth_speak(own->mouth, t, r, most_steps(own), own->sure, err);
	return status ? status : eg_mouth_sound_of(own->mouth, t, r->i, rounds ? rounds : ROUNDS, seed, sound, err);
}

/* ---- answering --------------------------------------------------------------------------------------------------- */

static bool ends_with(const char *path, const char *end) {
	const size_t n = strlen(path), k = strlen(end);
	return n > k && strcmp(path + n - k, end) == 0;
}

/* A file of that name, or one in the folder of that name, called as the record is. */
static eg_status path_in(const char *to, const eg_row *r, const char *suffix, char *path, size_t size, eg_error *err) {
	const eg_answer_options folder = {.output = to};
	char end[16];
	snprintf(end, sizeof end, ".%s", suffix);
	if (!ends_with(to, end)) return eg_row_path(&folder, r, suffix, path, size, err);
	return snprintf(path, size, "%s", to) < (int)size ? EG_OK : eg_fail(err, EG_ERR_ARG, "the name of a file is too long: '%s'", to);
}

static eg_status draw(const eg_task *t, const options *o, const eg_row *r, eg_value *out, eg_error *err) {
	const eg_mouth *m = ((const speak *)t)->mouth;
	const eg_datum *text = eg_row_datum(t, r, TEXT);
	const int stride = eg_scribe_stride(m->scribe), places = eg_scribe_places(m->scribe, r->i), steps = m->ends[r->i];
	const double each = (double)eg_intake_spoken_frames(eg_task_target(t)) * eg_intake_spoken_sound(eg_task_target(t))->o.hop /
		eg_intake_spoken_sound(eg_task_target(t))->o.rate;
	eg_arena room = {0};
	char path[1024];
	int32_t *ids = NULL;
	size_t n = 0;
	if (!m->attention)
		return eg_fail(err, EG_ERR_ARG, "the network does not tell where it is in the text: give its recipe an output `attention` (N,T,units) and train it again");
	eg_status status = path_in(o->alignment, r, "svg", path, sizeof path, err);
	if (!status && text) status = eg_intake_encode(t->intakes[TEXT], text, r->record, &ids, &n, err);
	if (status || !text) return status;
	if ((int)n > places) n = (size_t)places;
	const eg_vocab *v = eg_intake_vocab(t->intakes[TEXT]);
	const char **read = eg_arena_alloc(&room, (n + 1) * sizeof *read), **when = eg_arena_alloc(&room, ((size_t)steps + 1) * sizeof *when);
	eg_real *weights = eg_arena_alloc(&room, ((size_t)steps * (size_t)stride + 1) * sizeof *weights);
	if (!read || !when || !weights) status = no_memory(err);
	for (size_t i = 0; i < n && !status; i++) {
		const char *unit = ids[i] == eg_vocab_unknown(v) ? "?" : eg_vocab_token(v, ids[i], NULL);
		read[i] = strcmp(unit, " ") == 0 ? "\u2423" : unit;
	}
	for (int s = 0; s < steps && !status; s++) {
		when[s] = eg_arena_printf(&room, "%.2f s", s * each);
		memcpy(weights + (ptrdiff_t)s * stride, m->attention + ((ptrdiff_t)s * m->n + r->i) * stride, (size_t)stride * sizeof *weights);
		if (!when[s]) status = no_memory(err);
	}
	const eg_alignment a = {.read = read, .written = when, .nread = (int)n, .nwritten = steps, .weights = weights, .stride = stride};
	if (!status) status = eg_alignment_save(path, &a, err);
	if (!status) eg_value_put_text(out, "alignment", path);
	eg_arena_free(&room);
	free(ids);
	return status;
}

static eg_status answer(const eg_task *t, const eg_answer_options *base, const eg_row *r, eg_value *out, eg_error *err) {
	const options *o = (const options *)base;
	const speak *own = (const speak *)t;
	const eg_datum *text = eg_row_datum(t, r, TEXT);
	eg_mouth_sound sound = {0};
	char path[1024] = "";
	eg_status status = text ? check_text(own, o, &text->text, err) : EG_OK;
	if (!status) status = eg_speak_sound(t, r, o->rounds, (uint64_t)o->seed, &sound, err);
	if (!status && base->output) status = path_in(base->output, r, "wav", path, sizeof path, err);
	if (!status && base->output) status = eg_sound_write(path, sound.at, sound.n, 1, sound.rate, err);
	if (!status) {
		if (base->output) eg_value_put_text(out, "file", path);
		eg_value_put_number(out, "rate", sound.rate);
		eg_value_put_int(out, "samples", sound.n);
		eg_value_put_number(out, "seconds", (double)sound.n / sound.rate);
		if (!own->mouth->stopped[r->i]) eg_value_put_bool(out, "stopped", false);
		if (o->alignment) status = draw(t, o, r, out, err);
	}
	eg_release(NULL, sound.at);
	return status;
}

static eg_status truth(const eg_task *t, const eg_row *r, eg_value *out, eg_error *err) {
	const eg_datum *text = eg_row_datum(t, r, TEXT);
	const int k = eg_speak_voice(t);
	const eg_datum *voice = k >= 0 ? eg_row_datum(t, r, k) : NULL;
	const int32_t label = voice ? eg_intake_label(t->intakes[k], voice->label) : -1;
	EG_UNUSED(err);
	if (text) eg_value_put_bytes(out, "text", text->text.bytes, text->text.size);
	if (label >= 0) eg_value_put_text(out, "voice", eg_intake_names(t->intakes[k])->at[label]);
	return EG_OK;
}

static const char *const settled[] = {"words", NULL};

const eg_task_type eg_task_type_speak = {
	.info = {.name = "speak",
		.doc = "sound for a text, in one of the voices that were learnt",
		.takes = "texts, each with a voice",
		.answer = "a sound file (with -o), its rate, and how long it is",
		.judged = "Of a speaker: how far what it speaks is from a real recording of the same words by the same voice, in dB\n"
			  "(mel-cepstral distortion, the steps of both brought together by time warping), beside how far two such\n"
			  "recordings are from each other, where the data has two of them; and how often it stops by itself. With\n"
			  "--hearer MODEL, which tells classes of sounds: how much of it that model recognises, and the simplest\n"
			  "model of its recipe, trained anew; or, of one that tells voices, how many voices it names right.",
		.abilities = EG_ABLE_SPEAK},
	.size = sizeof(speak),
	.keys = {data_keys, EG_COUNT(data_keys)},
	.inputs = EG_KIND(TEXT) | EG_KIND(LABEL),
	.targets = EG_KIND(SOUND),
	.tells = &eg_intake_spoken_type,
	.said = &eg_intake_said_type,
	.needs = "a text with its sound",
	.defaults = set_defaults,
	.open = open_task,
	.close = close_task,
	.suits = suits,
	.also = also,
	.metrics = eg_speak_metrics,
	.nmetrics = EG_SPEAK_METRICS,
	.best = -1,
	.quick = true,
	.writes = true,
	.outputs = outputs,
	.judge_size = sizeof(eg_speak_judge),
	.judge_close = eg_speak_judge_close,
	.judge_reset = eg_speak_judge_reset,
	.judge_row = eg_speak_judge_row,
	.judge_values = eg_speak_judge_values,
	.options = {option_keys, EG_COUNT(option_keys)},
	.options_size = sizeof(options),
	.answer = answer,
	.truth = truth,
	.save = save,
	.restore = restore,
	.settle = settle,
	.settled = settled,
};
