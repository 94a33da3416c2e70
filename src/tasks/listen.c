/* listen.c - sound transcribed as it comes (engram_listen.h): samples become steps of features, each step goes through
 * a session of the network, and of what it says the likeliest label is taken; a label has been said when its run of
 * steps is over. */
#include "engram_listen.h"

#include "data/sound.h"
#include "tasks/task.h"

#include <math.h>
#include <string.h>

enum { WORD = 256, PIECE = 1024 }; /* bytes of a word, with its zero; samples brought to another rate at once */

struct eg_listener {
	eg_task *task;
	const eg_intake *sound;
	const eg_lexicon *labels;
	bool words; /* labels are words, else characters */
	double rate;
	int classes;
	eg_sound_stream *stream;
	eg_resampler *resampler; /* NULL: samples come as the network hears */
	eg_session *session;
	eg_arena arena;
	float *step, *piece; /* of features; of samples */
	eg_real *input, *logits;
	int64_t steps;   /* that were heard */
	int64_t silence; /* samples of it that are heard behind the end */
	bool begun;      /* has there been a sample? */
	int label;     /* whose run of steps it is; 0: of none */
	int64_t first; /* step where it began */
	/* of models that spell: the word so far */
	char word[WORD];
	size_t size;
	int64_t from, to; /* its first step, and behind its last */
};

/* ---- life -------------------------------------------------------------------------------------------------------- */

double eg_listener_rate(const eg_listener *l) { return l->rate; }

static eg_status cannot(eg_error *err) {
	eg_fail_prefix(err, "the model transcribes recordings as a whole, and not sound as it comes: ask it with a file, or train one that looks "
		"back only (recipes/speech-stream.yaml)");
	return err->status;
}

static eg_status open_session(eg_listener *l, eg_model *m, eg_context *ctx, eg_error *err) {
	static const char *const outputs[] = {"logits", NULL};
	eg_graph *g = eg_model_graph(m);
	const eg_session_options o = {.batch = 1, .chunk = 1, .outputs = outputs, .context = ctx};
	if (l->classes != (int)eg_tensor_dims(g, eg_graph_find(g, "logits")).d[2])
		return eg_fail(err, EG_ERR_FORMAT, "damaged: the network has another number of labels than the model");
	l->session = eg_session_new(g, eg_model_params(m), &o, err);
	return l->session ? EG_OK : cannot(err);
}

static eg_status open_sound(eg_listener *l, double rate, eg_error *err) {
	const eg_sound_features *f = eg_intake_sound_features(l->sound, &l->rate, &l->silence, err);
	if (!f) return cannot(err);
	l->stream = eg_sound_stream_new(f, err);
	if (l->stream && rate > 0 && rate != l->rate) l->resampler = eg_resampler_new(l->rate / rate, err);
	if (!l->stream || (rate > 0 && rate != l->rate && !l->resampler)) return err->status;
	const size_t width = (size_t)l->sound->sample.d[1];
	l->step = eg_arena_alloc(&l->arena, width * sizeof *l->step);
	l->input = eg_arena_alloc(&l->arena, width * sizeof *l->input);
	l->piece = eg_arena_alloc(&l->arena, PIECE * sizeof *l->piece);
	l->logits = eg_arena_alloc(&l->arena, (size_t)l->classes * sizeof *l->logits);
	if (l->step && l->input && l->piece && l->logits) return EG_OK;
	return eg_fail(err, EG_ERR_MEMORY, "out of memory for listening");
}

static eg_status open_listener(eg_listener *l, eg_model *m, eg_context *ctx, double rate, eg_error *err) {
	eg_status status = eg_task_of_model(m, &l->task, err);
	if (status) return status;
	const eg_intake *target = eg_task_target(l->task);
	if (l->task->nasked != 1 || l->task->intakes[0]->type->kind != EG_FIELD_SOUND || !target || target->type != &eg_intake_spelled_type)
		return eg_fail(err, EG_ERR_ARG, "the model does not write what is said: it is asked with recordings as a whole, in files");
	if (rate != 0 && !(rate >= 100 && rate <= 1e6))
		return eg_fail(err, EG_ERR_ARG, "a rate of %g samples a second: from 100 to 1,000,000 can be", rate);
	l->sound = l->task->intakes[0];
	l->labels = eg_intake_letters(target);
	l->words = eg_intake_letters_are_words(target);
	l->classes = l->labels->n + 1;
	eg_task_constrain(l->task, eg_model_params(m));
	status = open_sound(l, rate, err);
	return status ? status : open_session(l, m, ctx, err);
}

eg_status eg_listener_new(eg_model *m, eg_context *ctx, double rate, eg_listener **listener, eg_error *err) {
	eg_error local;
	if (!err) err = &local;
	*listener = NULL;
	eg_listener *l = eg_calloc(NULL, 1, sizeof *l);
	if (!l) return eg_fail(err, EG_ERR_MEMORY, "out of memory for listening");
	eg_status status = open_listener(l, m, ctx, rate, err);
	if (status)
		eg_listener_free(l);
	else
		*listener = l;
	return status;
}

void eg_listener_free(eg_listener *l) {
	if (!l) return;
	eg_session_free(l->session);
	eg_resampler_free(l->resampler);
	eg_sound_stream_free(l->stream);
	eg_task_free(l->task);
	eg_arena_free(&l->arena);
	eg_release(NULL, l);
}

/* ---- words ------------------------------------------------------------------------------------------------------- */

static void tell(const eg_listener *l, const char *text, int64_t from, int64_t to, const eg_ear *ear) {
	const eg_heard h = {text, eg_intake_sound_time(l->sound, (double)from), eg_intake_sound_time(l->sound, (double)to)};
	if (ear && ear->heard) ear->heard(ear->user, &h);
}

static void end_word(eg_listener *l, const eg_ear *ear) {
	if (l->size) tell(l, l->word, l->from, l->to, ear);
	l->size = 0;
}

/* The label whose run is over: steps l->first to before `end`. */
static void said(eg_listener *l, int64_t end, const eg_ear *ear) {
	const char *name = l->labels->at[l->label - 1];
	const size_t n = strlen(name);
	if (l->words) {
		tell(l, name, l->first, end, ear);
		return;
	}
	if (strcmp(name, " ") == 0 || l->size + n >= WORD) end_word(l, ear);
	if (strcmp(name, " ") == 0 || n >= WORD) return;
	if (!l->size) l->from = l->first;
	memcpy(l->word + l->size, name, n + 1);
	l->size += n;
	l->to = end;
}

/* What the network says at one step more. */
static eg_status hear(eg_listener *l, const eg_ear *ear, eg_error *err) {
	const void *in = l->input;
	eg_intake_sound_scale(l->sound, l->step);
	for (int k = 0; k < (int)l->sound->sample.d[1]; k++) l->input[k] = (eg_real)l->step[k];
	eg_status status = eg_session_run(l->session, 1, &l->sound->input, &in, 1, &l->logits, err);
	if (status) return status;
	bool number = true;
	for (int k = 0; k < l->classes; k++) number = number && isfinite(l->logits[k]);
	if (!number) return eg_fail(err, EG_ERR_NUMERIC, "the network's answer is not a number; the model is damaged or its training failed");
	const int label = eg_argmax(l->logits, l->classes);
	if (label != l->label) {
		if (l->label) said(l, l->steps, ear);
		l->label = label, l->first = l->steps;
	}
	l->steps++;
	if (!l->words && l->size && !l->label && eg_intake_sound_time(l->sound, (double)(l->steps - l->to)) > 1) end_word(l, ear);
	return EG_OK;
}

/* ---- sound ------------------------------------------------------------------------------------------------------- */

bool eg_sound_begins_file(const void *head, size_t n) {
	static const char *const magics[] = {"RIFF", "RIFX", "RF64", "FORM", "fLaC", "OggS", ".snd"};
	bool is = false;
	for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) is = is || (n >= 4 && memcmp(head, magics[i], 4) == 0);
	return is;
}

/* Samples at the network's rate. */
static eg_status take(eg_listener *l, const float *x, int64_t n, const eg_ear *ear, eg_error *err) {
	for (int64_t used = 0; used < n;) {
		bool step;
		l->begun = true;
		used += eg_sound_stream_push(l->stream, x + used, n - used, l->step, &step);
		eg_status status = step ? hear(l, ear, err) : EG_OK;
		if (status) return status;
	}
	return EG_OK;
}

/* Samples at the rate that comes; `last`: there are no more. */
static eg_status take_other(eg_listener *l, const float *x, int64_t n, bool last, const eg_ear *ear, eg_error *err) {
	int used = 1, made = 1;
	while (n > 0 || (last && (used > 0 || made > 0))) {
		const int now = n < PIECE ? (int)n : PIECE;
		eg_status status = eg_resampler_push(l->resampler, x, now, last && now == n, l->piece, PIECE, &used, &made, err);
		if (!status) status = take(l, l->piece, made, ear, err);
		if (status) return status;
		x += used, n -= used;
	}
	return EG_OK;
}

eg_status eg_listener_push(eg_listener *l, const float *samples, int64_t n, const eg_ear *ear, eg_error *err) {
	eg_error local;
	if (!err) err = &local;
	for (int64_t i = 0; i < n; i++)
		if (!isfinite(samples[i])) return eg_fail(err, EG_ERR_NUMERIC, "sample %lld of these is no number", (long long)i);
	return l->resampler ? take_other(l, samples, n, false, ear, err) : take(l, samples, n, ear, err);
}

/* What `after` of data.sound puts behind a recording. */
static eg_status fall_silent(eg_listener *l, const eg_ear *ear, eg_error *err) {
	eg_status status = EG_OK;
	memset(l->piece, 0, PIECE * sizeof *l->piece);
	for (int64_t left = l->begun ? l->silence : 0; left > 0 && !status; left -= PIECE)
		status = take(l, l->piece, left < PIECE ? left : PIECE, ear, err);
	return status;
}

eg_status eg_listener_end(eg_listener *l, const eg_ear *ear, eg_error *err) {
	const float none = 0;
	eg_error local;
	if (!err) err = &local;
	eg_status status = l->resampler ? take_other(l, &none, 0, true, ear, err) : EG_OK;
	if (!status) status = fall_silent(l, ear, err);
	while (!status && eg_sound_stream_end(l->stream, l->step)) status = hear(l, ear, err);
	if (!status && l->label) said(l, l->steps, ear);
	if (!status) end_word(l, ear);
	eg_sound_stream_reset(l->stream);
	eg_session_reset(l->session);
	if (l->resampler) eg_resampler_reset(l->resampler);
	l->steps = l->first = 0;
	l->label = 0;
	l->size = 0;
	l->begun = false;
	return status;
}
