/* speak_judge.c - how good what is spoken is: how far it is from a real recording of the same words by the same voice
 * (cepstra.h), beside how far two such recordings are from each other; and whether those who listen (hearer.h)
 * understand it, and know the voice. */
#include "tasks/speak.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef eg_speak_judge judge;
typedef eg_heard heard;

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for what is spoken"); }

const eg_metric_info eg_speak_metrics[EG_SPEAK_METRICS] = {
	{.name = "recognised", .doc = "what is spoken that a model of --hearer recognises; without one it is not known", .share = true},
	{.name = "recognised_floor", .doc = "and that the simplest model of its recipe does (mfcc-svm)", .share = true},
	{.name = "speaker", .doc = "voices that a model of --hearer names right", .share = true},
	{.name = "mcd", .doc = "dB between what is spoken and a real recording of it (mel-cepstral distortion)", .lower_is_better = true},
	{.name = "mcd_real", .doc = "dB between two real recordings of the same words and voice", .lower_is_better = true},
	{.name = "mcd_ratio", .doc = "the first divided by the second", .lower_is_better = true},
	{.name = "stopped", .doc = "texts that it stopped speaking by itself", .share = true},
	{.name = "loss", .doc = "of frames and stops", .lower_is_better = true},
};

static void forget_heard(judge *own) {
	for (int i = 0; i < own->n; i++) {
		eg_release(NULL, own->heard[i].text);
		eg_cepstra_free(&own->heard[i].cepstra);
	}
	eg_release(NULL, own->heard);
	own->heard = NULL;
	own->n = own->room = 0;
}

void eg_speak_judge_close(eg_task_judge *j) {
	forget_heard((judge *)j);
	eg_mouth_clear(((const eg_speak *)j->task)->mouth); /* the network may end before the task does */
}

void eg_speak_judge_reset(eg_task_judge *j) {
	judge *own = (judge *)j;
	forget_heard(own);
	own->sum = 0;
	own->spoken = own->stopped = own->recognised = own->by_floor = own->voices = 0;
}

static eg_status keep(judge *own, const char *text, const eg_cepstra *c, eg_error *err) {
	if (!eg_grow(NULL, &own->heard, &own->room, own->n, sizeof *own->heard)) return no_memory(err);
	char *copy = eg_alloc(NULL, strlen(text) + 1);
	if (!copy) return no_memory(err);
	own->heard[own->n++] = (heard){strcpy(copy, text), *c};
	return EG_OK;
}

/* Channels are mixed, as they are where a network hears. */
static eg_status cepstra_of_real(const eg_datum_sound *s, eg_cepstra *c, eg_error *err) {
	if (s->channels == 1) return eg_cepstra_of(s->at, s->n, s->rate, c, err);
	float *one = eg_alloc(NULL, (size_t)s->n * sizeof *one + 1);
	if (!one) return no_memory(err);
	eg_sound_mix(s->at, s->n, s->channels, one);
	eg_status status = eg_cepstra_of(one, s->n, s->rate, c, err);
	eg_release(NULL, one);
	return status;
}

/* What is judged is what a file would hold: 16 bits. */
static void as_written(eg_mouth_sound *s) {
	for (int64_t i = 0; i < s->n; i++) s->at[i] = rintf(fminf(fmaxf(s->at[i], -1), 1) * 32767) / 32768;
}

static eg_status listen(judge *own, const eg_row *r, const eg_mouth_sound *s, eg_error *err) {
	eg_speak *t = (eg_speak *)(uintptr_t)own->base.task; /* its hearers have their room in it */
	const eg_datum_sound spoken = {.n = s->n, .channels = 1, .rate = s->rate, .at = s->at};
	bool network = false, floor = false, voice = false;
	eg_status status = EG_OK;
	if (t->recognises.predictor) status = eg_hearer_hear(&t->recognises, t->base.source, &spoken, r->record, &network, &floor, err);
	if (!status && t->knows_voice.predictor)
		status = eg_hearer_hear(&t->knows_voice, t->base.source, &spoken, r->record, &voice, NULL, err);
	own->recognised += network, own->by_floor += floor, own->voices += voice;
	return status;
}

eg_status eg_speak_judge_row(eg_task_judge *j, const eg_row *r, eg_error *err) {
	judge *own = (judge *)j;
	const eg_task *t = j->task;
	const eg_speak *task = (const eg_speak *)t;
	const eg_datum *text = eg_row_datum(t, r, EG_SPEAK_TEXT), *recording = eg_row_datum(t, r, t->ninputs);
	const int voice = eg_speak_voice(t);
	const eg_datum *who = voice >= 0 ? eg_row_datum(t, r, voice) : NULL;
	eg_mouth_sound sound = {0};
	eg_cepstra is = {0}, was = {0};
	double db = 0;
	char name[400];
	if (!text || !recording) return EG_OK;
	eg_status status = eg_speak_sound(t, r, 0, 0, &sound, err);
	if (!status) as_written(&sound);
	if (!status) status = listen(own, r, &sound, err);
	if (!status) status = eg_cepstra_of(sound.at, sound.n, sound.rate, &is, err);
	if (!status) status = cepstra_of_real(&recording->sound, &was, err);
	if (!status) status = eg_cepstra_distortion(&is, &was, &db, err);
	if (!status) {
		snprintf(name, sizeof name, "%d %.*s", who ? (int)who->label : 0, (int)text->text.size, text->text.bytes);
		status = keep(own, name, &was, err);
	}
	if (!status) {
		own->sum += db;
		own->spoken++, own->stopped += task->mouth->stopped[r->i];
		j->total++;
		was = (eg_cepstra){0};
	}
	eg_cepstra_free(&is);
	eg_cepstra_free(&was);
	eg_release(NULL, sound.at);
	return status;
}

static int by_text(const void *a, const void *b) { return strcmp(((const heard *)a)->text, ((const heard *)b)->text); }

/* Mean over all pairs of recordings of the same words and voice; NAN: there are none. */
static double between_real(const judge *own) {
	double sum = 0;
	int64_t n = 0;
	if (own->n) qsort(own->heard, (size_t)own->n, sizeof *own->heard, by_text);
	for (int i = 0; i < own->n; i++)
		for (int k = i + 1; k < own->n && strcmp(own->heard[i].text, own->heard[k].text) == 0; k++) {
			double db;
			if (eg_cepstra_distortion(&own->heard[i].cepstra, &own->heard[k].cepstra, &db, NULL)) continue;
			sum += db, n++;
		}
	return n ? sum / (double)n : (double)NAN;
}

static double ratio(double a, int64_t b) { return b ? a / (double)b : (double)NAN; }

void eg_speak_judge_values(const eg_task_judge *j, double *v) {
	const judge *own = (const judge *)j;
	const eg_speak *t = (const eg_speak *)j->task;
	v[EG_SPEAK_RECOGNISED] = ratio((double)own->recognised, t->recognises.predictor ? own->spoken : 0);
	v[EG_SPEAK_FLOOR] = ratio((double)own->by_floor, t->recognises.floor ? own->spoken : 0);
	v[EG_SPEAK_SPEAKER] = ratio((double)own->voices, t->knows_voice.predictor ? own->spoken : 0);
	v[EG_SPEAK_MCD] = ratio(own->sum, own->spoken);
	v[EG_SPEAK_REAL] = between_real(own);
	v[EG_SPEAK_RATIO] = v[EG_SPEAK_MCD] / v[EG_SPEAK_REAL];
	v[EG_SPEAK_STOPPED] = ratio((double)own->stopped, own->spoken);
	v[EG_SPEAK_LOSS] = (double)NAN; /* the network's own */
}
