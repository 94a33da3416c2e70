/* test_listen.c - sound transcribed as it comes: what is told of pieces of any length is what the whole is told to be,
 * with the same places, at the network's rate and at others; nothing is allocated for it; what cannot be heard so is
 * refused, with a cure. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "engram_listen.h"

#include "data/sound.h"
#include "support_tasks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef ENGRAM_TEST_SHIM
#include "shim_failing.h"
#endif

enum { RATE = 8000, SAMPLES = 20000, MOST = 400, WIDTH = 26 };

#define ONE_WAY "[{causal_conv1d: {filters: 12, kernel: 3, from: {lengths: lengths}}}, relu, {gru: {hidden: 9, from: {lengths: lengths}}}, {linear: classes}]"
#define BOTH_WAYS "[{lstm: {hidden: 5, bidirectional: true, from: {lengths: lengths}}}, {linear: classes}]"
#define WORDS "[\"one\", \"two\", \"three\"], \"words\": true"
#define LETTERS "[\"a\", \" \", \"\\u00e9\", \"b\"], \"words\": false"

/* Weights so large that what is said changes all the time. */
static void loud(eg_params *p, const void *user) {
	size_t n;
	eg_real *w = eg_params_flat(p, &n);
	for (size_t i = 0; i < n; i++) w[i] = (eg_real)(0.9 * eg_rng_normal((eg_rng){*(const uint64_t *)user, EG_RNG_TEST}, i));
}

/* WIDTH numbers a step, as `sound` says. */
static eg_model *listening(bench *b, const char *sound, const char *model, const char *labels, int classes) {
	char kept[2000];
	const uint64_t seed = strstr(sound, "deltas") ? 4 : 3;
	const int base = strstr(sound, "deltas") ? WIDTH / 2 : WIDTH;
	int n = snprintf(kept, sizeof kept, "{\"rate\": %d", RATE);
	for (int k = 0; k < 2; k++) {
		n += snprintf(kept + n, sizeof kept - (size_t)n, ", \"%s\": [", k ? "std" : "mean");
		for (int i = 0; i < WIDTH; i++)
			n += snprintf(kept + n, sizeof kept - (size_t)n, "%s%g", i ? ", " : "", k ? (i < base ? 1.5 : 0.2) : i < base ? -6 - i % 3 : 0.0);
		n += snprintf(kept + n, sizeof kept - (size_t)n, "]");
	}
	snprintf(kept + n, sizeof kept - (size_t)n, ", \"labels\": %s}", labels);
	eg_recipe *r = bench_recipe(b,
		"name: ear\ntask: transcribe\ndata: {source: digit-strings, sound: {window: 0.03, hop: 0.015, %s}}\n"
		"input: [time, %d]\nmodel: %s\ntrain: {loss: ctc, seed: 1}\n",
		sound, WIDTH, model);
	eg_value *v = value_of(kept);
	eg_model *m = bench_model(b, r, (const eg_size[]){{"classes", classes}, {NULL, 0}}, v, loud, &seed);
	eg_value_free(v);
	eg_recipe_free(r);
	return m;
}

/* A voice that changes all the time. */
static void make_sound(float *x, int n, double rate) {
	for (int i = 0; i < n; i++) {
		const double t = i / rate;
		x[i] = (float)(0.3 * sin(2500 * t + 300 * sin(9 * t)) * (1 + sin(31 * t)) + 0.1 * sin(900 * t));
		x[i] = rintf(x[i] * 16384) / 32768;
	}
}

/* ---- what was heard ---------------------------------------------------------------------------------------------- */

typedef struct told {
	int n;
	char text[MOST][16];
	double start[MOST], end[MOST];
} told;

static void heard(void *user, const eg_heard *h) {
	told *t = user;
	assert_true(t->n < MOST && strlen(h->text) < sizeof t->text[0]);
	memcpy(t->text[t->n], h->text, strlen(h->text) + 1);
	t->start[t->n] = h->start, t->end[t->n++] = h->end;
}

static void listen(bench *b, eg_listener *l, const float *x, int n, int piece, told *t) {
	const eg_ear ear = {heard, t};
	t->n = 0;
	for (int at = 0; at < n; at += piece) OK(b, eg_listener_push(l, x + at, n - at < piece ? n - at : piece, &ear, &b->err));
	OK(b, eg_listener_end(l, &ear, &b->err));
}

/* The words of the whole, as a file. */
static const eg_value *words_of(bench *b, eg_predictor *p, const float *x, int n, double rate) {
	bench_text(b, "x.wav", "");
	OK(b, eg_sound_write(bench_path(b, "x.wav"), x, n, 1, rate, &b->err));
	return eg_value_get(ask(b, p, (eg_question){.path = bench_path(b, "x.wav")}), "words");
}

static void same_words(const told *t, const eg_value *whole) {
	assert_int_equal(t->n, eg_value_count(whole));
	for (int i = 0; i < t->n; i++) {
		const eg_value *w = eg_value_at(whole, i);
		assert_string_equal(t->text[i], eg_value_text(eg_value_get(w, "text")));
		assert_near(t->start[i], eg_value_number(eg_value_get(w, "start"), -1), 1e-9);
		assert_near(t->end[i], eg_value_number(eg_value_get(w, "end"), -1), 1e-9);
	}
}

static const char *const sounds[] = {"bands: 26", "bands: 13, deltas: 1", "bands: 26, after: 0.2"};

static void pieces_are_the_whole(void **state) {
	bench *b = *state;
	static float x[SAMPLES];
	static told t;
	static const int pieces[] = {SAMPLES, 1, 119, 240, 1000}, lengths[] = {SAMPLES, 239, 240, 1};
	if (!HEARS) skip();
	make_sound(x, SAMPLES, RATE);
	for (int k = 0; k < EG_COUNT(sounds); k++) {
		eg_model *m = listening(b, sounds[k], ONE_WAY, WORDS, 4);
		eg_predictor *p = bench_predictor(b, m, NULL);
		eg_listener *l; /* one for all: it begins anew each time */
		OK(b, eg_listener_new(m, NULL, 0, &l, &b->err));
		assert_true(eg_listener_rate(l) == RATE);
		for (int i = 0; i < EG_COUNT(lengths); i++) {
			const eg_value *whole = words_of(b, p, x, lengths[i], RATE);
			assert_true(i > 0 || eg_value_count(whole) > 8);
			/* what is told of the silence that is put behind */
			const double end = eg_value_number(eg_value_get(eg_value_at(whole, (int)eg_value_count(whole) - 1), "end"), 0);
			assert_true(i > 0 || (end > (double)SAMPLES / RATE + 0.05) == (k == 2));
			for (int j = 0; j < EG_COUNT(pieces); j++) {
				listen(b, l, x, lengths[i], pieces[j], &t);
				same_words(&t, whole);
			}
		}
		eg_listener_free(l);
		eg_predictor_free(p);
		eg_model_free(m);
	}
}

/* Letters become words as they do in the whole. */
static void letters(void **state) {
	bench *b = *state;
	static float x[SAMPLES];
	static told t;
	if (!HEARS) skip();
	make_sound(x, SAMPLES, RATE);
	eg_model *m = listening(b, sounds[0], ONE_WAY, LETTERS, 5);
	eg_predictor *p = bench_predictor(b, m, NULL);
	eg_listener *l;
	OK(b, eg_listener_new(m, NULL, 0, &l, &b->err));
	const eg_value *whole = words_of(b, p, x, SAMPLES, RATE);
	assert_true(eg_value_count(whole) > 3);
	listen(b, l, x, SAMPLES, 400, &t);
	same_words(&t, whole);
	eg_listener_free(l);
	eg_predictor_free(p);
	eg_model_free(m);
}

/* Of sound at twice the rate pieces are the whole too, and nearly what the sound at the network's rate is. */
static void other_rates(void **state) {
	bench *b = *state;
	static float x[2 * SAMPLES];
	static told all, t;
	if (!HEARS) skip();
	make_sound(x, 2 * SAMPLES, 2 * RATE);
	eg_model *m = listening(b, sounds[0], ONE_WAY, WORDS, 4);
	eg_listener *l;
	OK(b, eg_listener_new(m, NULL, 2 * RATE, &l, &b->err));
	listen(b, l, x, 2 * SAMPLES, 2 * SAMPLES, &all);
	assert_true(all.n > 8 && all.end[all.n - 1] <= (double)SAMPLES / RATE + 0.03);
	for (int k = 0; k < 2; k++) {
		listen(b, l, x, 2 * SAMPLES, k ? 1 : 777, &t);
		assert_int_equal(t.n, all.n);
		for (int i = 0; i < t.n; i++) assert_true(strcmp(t.text[i], all.text[i]) == 0 && t.start[i] == all.start[i] && t.end[i] == all.end[i]);
	}
	eg_listener_free(l);
	eg_model_free(m);
}

static void count_only(void *user, const eg_heard *h) {
	*(int *)user += h->end > h->start;
}

/* Once it has been made, a listener asks for no memory, whatever comes. */
static void without_memory(void **state) {
	bench *b = *state;
#ifdef ENGRAM_TEST_SHIM
	static float x[SAMPLES];
	static const double rates[] = {RATE, 11025};
	if (!HEARS) skip();
	make_sound(x, SAMPLES, RATE);
	eg_model *m = listening(b, sounds[1], ONE_WAY, WORDS, 4);
	for (int k = 0; k < EG_COUNT(rates); k++) {
		eg_listener *l;
		int words = 0;
		const eg_ear ear = {count_only, &words};
		OK(b, eg_listener_new(m, NULL, rates[k], &l, &b->err));
		shim_fail(SHIM_MEMORY, 0, false);
		eg_status status = EG_OK;
		for (int at = 0; at < SAMPLES && !status; at += 80) status = eg_listener_push(l, x + at, 80, &ear, &b->err);
		if (!status) status = eg_listener_end(l, &ear, &b->err);
		const long calls = shim_stop();
		OK(b, status);
		assert_true(words > 8);
		assert_int_equal(calls, 0);
		eg_listener_free(l);
	}
	eg_model_free(m);
#else
	EG_UNUSED(b), EG_UNUSED(count_only);
	skip();
#endif
}

static void refuse(bench *b, eg_model *m, double rate, const char *words) {
	eg_listener *l;
	assert_int_not_equal(eg_listener_new(m, NULL, rate, &l, &b->err), EG_OK);
	assert_null(l);
	SAYS(b, words);
	eg_model_free(m);
}

static void refused(void **state) {
	bench *b = *state;
	if (!HEARS) skip();
	refuse(b, listening(b, sounds[0], BOTH_WAYS, WORDS, 4), 0, "train one that looks back only (recipes/speech-stream.yaml)");
	SAYS(b, "needs the whole sequence at once");
	refuse(b, listening(b, "bands: 26, scale: record", ONE_WAY, WORDS, 4), 0, "train with `scale: set`");
	refuse(b, listening(b, sounds[0], ONE_WAY, WORDS, 4), 5, "from 100 to 1,000,000");
	eg_model *m = listening(b, sounds[0], ONE_WAY, WORDS, 4);
	eg_listener *l;
	OK(b, eg_listener_new(m, NULL, 0, &l, &b->err));
	const float x[3] = {0, 1, (float)NAN};
	assert_int_equal(eg_listener_push(l, x, 3, NULL, &b->err), EG_ERR_NUMERIC);
	SAYS(b, "sample 2");
	OK(b, eg_listener_push(l, x, 2, NULL, &b->err)); /* nobody listens, and nothing is wrong with that */
	OK(b, eg_listener_end(l, NULL, &b->err));
	OK(b, eg_listener_end(l, NULL, &b->err));
	eg_listener_free(l);
	eg_listener_free(NULL);
	eg_model_free(m);
	assert_true(eg_sound_begins_file("RIFF....WAVE", 12) && eg_sound_begins_file("fLaC", 4));
	assert_false(eg_sound_begins_file("RIF", 3) || eg_sound_begins_file("\0\1\0\2", 4));
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {
		CASE(pieces_are_the_whole), CASE(letters), CASE(other_rates), CASE(without_memory), CASE(refused)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
