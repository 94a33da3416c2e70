/* test_transcribe.c - the task `transcribe`: reading labels off against all paths of small problems, one by one; tones
 * as words, learnt and told with their places; how long recordings are that are played slower, what is hidden of them;
 * lines of any height; what cannot be learnt is left out. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/sound.h"
#include "engram_report.h"
#include "support_tasks.h"
#include "tasks/ctc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- against all paths ------------------------------------------------------------------------------------------- */

enum { T = 5, C = 3, PATHS = 243 };

static void make_lp(double *lp, uint64_t seed) {
	for (int t = 0; t < T; t++) {
		double sum = 0;
		for (int k = 0; k < C; k++) sum += lp[t * C + k] = exp(2 * eg_rng_normal((eg_rng){seed, EG_RNG_TEST}, (uint64_t)(t * C + k)));
		for (int k = 0; k < C; k++) lp[t * C + k] = log(lp[t * C + k] / sum);
	}
}

/* What path number p tells, and ln of its probability. */
static int told_by(int p, const double *lp, int32_t *labels, double *ln, int *classes) {
	int n = 0, before = 0;
	*ln = 0;
	for (int t = 0; t < T; t++, p /= C) {
		const int k = p % C;
		classes[t] = k;
		*ln += lp[t * C + k];
		if (k && k != before) labels[n++] = k;
		before = k;
	}
	return n;
}

static bool same(const int32_t *a, int n, const int32_t *b, int m) { return n == m && (n == 0 || !memcmp(a, b, (size_t)n * sizeof *a)); }

static void all_paths(void **state) {
	bench *f = *state;
	double lp[T * C], lns[PATHS];
	int32_t labels[PATHS][T], got[T + 1];
	int count[PATHS], classes[PATHS][T];
	for (uint64_t seed = 0; seed < 60; seed++) {
		make_lp(lp, seed);
		const eg_ctc c = {lp, T, C};
		int best_path = 0, best_text = 0;
		double most = 0;
		for (int p = 0; p < PATHS; p++) {
			count[p] = told_by(p, lp, labels[p], &lns[p], classes[p]);
			if (lns[p] > lns[best_path]) best_path = p;
		}
		for (int p = 0; p < PATHS; p++) {
			double sum = 0, ln, likeliest = -INFINITY;
			int first[T], end[T], at_path = -1;
			for (int q = 0; q < PATHS; q++)
				if (same(labels[p], count[p], labels[q], count[q])) {
					sum += exp(lns[q]);
					if (lns[q] > likeliest) likeliest = lns[q], at_path = q;
				}
			if (sum > most) most = sum, best_text = p;
			assert_int_equal(eg_ctc_likelihood(&c, labels[p], count[p], &ln, &f->err), EG_OK);
			assert_true(fabs(ln - log(sum)) < 1e-9);
			assert_int_equal(eg_ctc_align(&c, labels[p], count[p], first, end, &f->err), EG_OK);
			for (int i = 0, t = 0; i < count[p]; i++) { /* as on the likeliest path */
				while (classes[at_path][t] == 0 || (t > 0 && i > 0 && t < end[i - 1])) t++;
				assert_int_equal(first[i], t);
				while (t < T && classes[at_path][t] == labels[p][i]) t++;
				assert_int_equal(end[i], t);
			}
		}
		int n = eg_ctc_best(&c, got);
		assert_true(same(got, n, labels[best_path], count[best_path]));
		assert_int_equal(eg_ctc_beam(&c, 100, NULL, got, &n, &f->err), EG_OK);
		assert_true(same(got, n, labels[best_text], count[best_text]));
	}
	double ln;
	make_lp(lp, 1);
	static const int32_t three[] = {1, 1, 1}, four[] = {1, 1, 2, 2};
	int first[T], end[T];
	assert_int_equal(eg_ctc_needs(three, 3), 5);
	assert_int_equal(eg_ctc_needs(four, 4), 6);
	assert_int_equal(eg_ctc_likelihood(&(eg_ctc){lp, T, C}, four, 4, &ln, &f->err), EG_OK);
	assert_true(ln == -INFINITY);
	assert_int_equal(eg_ctc_align(&(eg_ctc){lp, T, C}, four, 4, first, end, &f->err), EG_ERR_SHAPE);
}

/* A prior that wants no label 2 wins over what the steps say. */
static double no_twos(void *user, const int32_t *before, int n, int32_t label) {
	EG_UNUSED(user), EG_UNUSED(before), EG_UNUSED(n);
	return label == 2 ? -50 : 0;
}
static double one_after_two(void *user, const int32_t *before, int n, int32_t label) {
	EG_UNUSED(user);
	return label == 2 && (n == 0 || before[n - 1] != 1) ? -50 : 0;
}

static void with_prior(void **state) {
	bench *f = *state;
	double lp[T * C];
	int32_t got[T + 1];
	int n;
	for (uint64_t seed = 0; seed < 30; seed++) {
		make_lp(lp, seed);
		assert_int_equal(eg_ctc_beam(&(eg_ctc){lp, T, C}, 20, &(eg_ctc_prior){no_twos, NULL}, got, &n, &f->err), EG_OK);
		for (int i = 0; i < n; i++) assert_int_equal(got[i], 1);
		assert_int_equal(eg_ctc_beam(&(eg_ctc){lp, T, C}, 20, &(eg_ctc_prior){one_after_two, NULL}, got, &n, &f->err), EG_OK);
		for (int i = 0; i < n; i++) assert_true(got[i] == 1 || (i > 0 && got[i - 1] == 1));
	}
}

/* ---- tones as words ---------------------------------------------------------------------------------------------- */

enum { RATE = 8000, TAKES = 8, SPOKEN = 1600 };

/* Sample i of n of a tone that comes and goes within 50 ms: one that is cut off sounds at its ends like any other. */
static float tone(double hz, int i, int n, int rate) {
	const double edge = fmin(i, n - 1 - i) / (0.05 * rate);
	return (float)(fmin(1, edge) * sin(2 * 3.14159265358979 * hz * i / rate));
}

/* Digit d is a tone of 300 + 250 d Hz for a fifth of a second; takes differ in loudness. */
static void say(bench *b, const char *who, int digit, int take) {
	float x[SPOKEN];
	char name[64];
	for (int i = 0; i < SPOKEN; i++) x[i] = (0.2F + 0.05F * (float)take) * tone(300 + 250 * digit, i, SPOKEN, RATE);
	snprintf(name, sizeof name, "speech/recordings/%d_%s_%d.wav", digit, who, take);
	bench_text(b, name, "");
	OK(b, eg_sound_write(bench_path(b, name), x, SPOKEN, 1, RATE, &b->err));
}

/* Recordings 5 and above train, those below are the test part. */
static void speak(bench *b) {
	for (int d = 0; d < 10; d++)
		for (int k = 0; k < TAKES; k++) say(b, "anna", d, k + 1);
}

/* The network hears 0.1 s at once, half a tone. */
static eg_recipe *hearing(bench *b, const char *data, const char *train) {
	return bench_recipe(b,
		"name: tones\ntask: transcribe\n"
		"data: {source: digit-strings, recordings: %s/speech, count: 320, test_count: 20, least: 1, most: 3%s,\n"
		"  sound: {bands: 24, window: 0.032, hop: 0.02}}\n"
		"input: [time, 24]\nmodel: [{causal_conv1d: {filters: 48, kernel: 5}}, relu, {linear: classes}]\n"
		"train: {loss: {ctc: {zero_infinity: true}}, optimizer: {adam: {lr: 0.01}}, schedule: cosine, batch: 8, epochs: %s, seed: 1}\n",
		b->folder, data, train);
}

/* A page about two.wav: labels where they are heard, and what they come from before that. */
static void page(bench *b, eg_model *m) {
	eg_value *facts = value_of("{}");
	assert_true(eg_transcript_page_suits(m));
	OK(b, eg_transcript_page(m, &(eg_question){.path = bench_path(b, "two.wav")}, 0, b->folder, facts, &b->err));
	assert_string_equal(eg_value_text(eg_value_get(facts, "text")), "2 0");
	const eg_value *labels = eg_value_get(facts, "labels"), *second = eg_value_at(labels, 1);
	assert_int_equal(eg_value_count(labels), 2);
	const double start = eg_value_number(eg_value_get(second, "start"), -1), end = eg_value_number(eg_value_get(second, "end"), -1);
	const double from = eg_value_number(eg_value_get(second, "from"), -1);
	assert_true(start > 0.3 && end > start && end < 0.75);
	assert_true(from > 0.25 && from < end && end - from < 0.3);
	assert_true(eg_value_number(eg_value_get(second, "probability"), 0) > 0.5);
	size_t size;
	char *text = bench_read(b, bench_path(b, "transcript.html"), &size);
	assert_non_null(strstr(text, "<b>2 0</b>"));
	free(text);
	for (int i = 0; i < 4; i++) assert_non_null(eg_value_text(eg_value_at(eg_value_get(facts, "files"), i)));
	eg_value_free(facts);
	/* A record of the data has a truth. */
	facts = value_of("{}");
	OK(b, eg_transcript_page(m, NULL, 3, b->folder, facts, &b->err));
	assert_string_equal(eg_value_text(eg_value_get(facts, "text")), eg_value_text(eg_value_get(facts, "truth")));
	assert_int_not_equal(eg_transcript_page(m, NULL, 20, b->folder, facts, &b->err), EG_OK);
	SAYS(b, "there is no record 20");
	eg_value_free(facts);
}

static void learns_tones(void **state) {
	bench *b = *state;
	if (!HEARS) skip();
	bench_one_thread(b);
	speak(b);
	eg_model *m = bench_train_all(b, hearing(b, ", beam: 2, prior: 2", "25"));
	eg_evaluation *e = bench_evaluate(b, m, EG_PART_TEST, NULL, NULL);
	assert_near(eg_evaluation_value(e, 0), 0, 0.05);
	eg_evaluation_free(e);
	/* A file: two tones with a pause between, at twice the rate and of two channels. */
	enum { LONG = 2 * (2 * SPOKEN + 2000) };
	float *x = calloc(2 * LONG, sizeof *x);
	for (int i = 0; i < 2 * SPOKEN; i++)
		for (int c = 0; c < 2; c++) {
			x[2 * i + c] = 0.4F * tone(800, i, 2 * SPOKEN, 2 * RATE);
			x[2 * (i + 2 * SPOKEN + 4000) + c] = 0.4F * tone(300, i, 2 * SPOKEN, 2 * RATE);
		}
	bench_text(b, "two.wav", "");
	OK(b, eg_sound_write(bench_path(b, "two.wav"), x, LONG, 2, 2 * RATE, &b->err));
	free(x);
	static const char *const settings[] = {NULL, "beam=8", "beam=1", "prior=1"};
	for (int i = 0; i < EG_COUNT(settings); i++) {
		eg_predictor *p = bench_predictor(b, m, settings[i]);
		const eg_value *v = ask(b, p, (eg_question){.path = bench_path(b, "two.wav")});
		assert_string_equal(eg_value_text(eg_value_get(v, "text")), "2 0");
		const eg_value *words = eg_value_get(v, "words"), *second = eg_value_at(words, 1);
		assert_int_equal(eg_value_count(words), 2);
		assert_string_equal(eg_value_text(eg_value_get(second, "text")), "0");
		const double start = eg_value_number(eg_value_get(second, "start"), -1), end = eg_value_number(eg_value_get(second, "end"), -1);
		assert_true(start > 0.3 && start < 0.65 && end > start && end < 0.75);
		assert_true(eg_value_number(eg_value_get(v, "probability"), 0) > 0.3);
		ask_in_vain(b, p, (eg_question){.bytes = "RIFF", .size = 4, .name = "cut.wav"}, "cut.wav");
		eg_predictor_free(p);
	}
	page(b, m);
	eg_model_free(m);
}

/* Recordings that are played slower have more steps, and the network is told how many: nothing of them is cut off. */
static void slower(void **state) {
	bench *b = *state;
	if (!HEARS) skip();
	speak(b);
	eg_recipe *r = bench_recipe(b,
		"name: tones\ntask: transcribe\n"
		"data: {source: digit-strings, recordings: %s/speech, count: 12, test_count: 4, sound: {bands: 16}}\n"
		"augment: [speed: 0.3]\n"
		"input: [time, 16]\nmodel: [{lstm: {hidden: 2, from: {lengths: lengths}}}, {linear: classes}]\ntrain: {loss: ctc, seed: 1}\n",
		b->folder);
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	eg_graph *g;
	OK(b, eg_recipe_build(r, b->ctx, eg_samples_sizes(d.samples), &g, &b->err));
	OK(b, eg_task_suits(d.task, g, &b->err));
	const eg_dataset *set = eg_samples_get(d.samples, EG_PART_TRAIN);
	assert_string_equal(set->inputs[3], "lengths");
	eg_real *x = calloc((size_t)set->time * 16, sizeof *x);
	int32_t labels[8], count, length;
	int plain[12], slow = 0, fast = 0;
	assert_non_null(x);
	for (int epoch = -1; epoch < 3; epoch++)
		for (uint32_t i = 0; i < 12; i++) {
			const int most = set->time_of(set->user, i), sizes[] = {8};
			OK(b, set->fill(set->user, &(eg_fill){.items = &i, .n = 1, .time = most, .sizes = sizes, .seed = 1, .epoch = epoch},
				     (void *[]){x, labels, &count, &length}, &b->err));
			if (epoch < 0) plain[i] = length;
			assert_true(length >= 1 && length <= most);
			slow += length > plain[i], fast += length < plain[i];
			double last = 0; /* the last step that is told is sound, and what is behind it is padding */
			for (int k = 0; k < 16; k++) last += fabs((double)x[(length - 1) * 16 + k]);
			assert_true(last > 0);
			for (int k = length * 16; k < most * 16; k++) assert_true(x[k] == 0);
		}
	assert_true(slow > 5 && fast > 5);
	free(x);
	eg_graph_free(g);
	undraw(&d);
	eg_recipe_free(r);
}

/* ---- features as the network is given them ----------------------------------------------------------------------- */

enum { BANDS = 16, STEPS_MOST = 400 };

/* Those of training record 0 with these keys of `sound`, and augmentations, into x; returns how many steps there are.
 * */
static int heard(bench *b, const char *sound, const char *augment, eg_real *x) {
	eg_recipe *r = bench_recipe(b,
		"name: tones\ntask: transcribe\n"
		"data: {source: digit-strings, recordings: %s/speech, count: 6, test_count: 2, sound: {bands: 16%s}}\naugment: %s\n"
		"input: [time, 16]\nmodel: [{lstm: {hidden: 2, from: {lengths: lengths}}}, {linear: classes}]\ntrain: {loss: ctc, seed: 1}\n",
		b->folder, sound, augment);
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	eg_graph *g;
	OK(b, eg_recipe_build(r, b->ctx, eg_samples_sizes(d.samples), &g, &b->err));
	OK(b, eg_task_suits(d.task, g, &b->err));
	const eg_dataset *set = eg_samples_get(d.samples, EG_PART_TRAIN);
	const uint32_t first = 0;
	const int steps = set->time_of(set->user, 0), sizes[] = {8};
	int32_t labels[8], count;
	assert_true(steps <= STEPS_MOST);
	OK(b, set->fill(set->user, &(eg_fill){.items = &first, .n = 1, .time = steps, .sizes = sizes, .seed = 1},
		     (void *[]){x, labels, &count}, &b->err));
	eg_graph_free(g);
	undraw(&d);
	eg_recipe_free(r);
	return steps;
}

static void scales(void **state) {
	bench *b = *state;
	static eg_real x[STEPS_MOST * BANDS], plain[STEPS_MOST * BANDS], hidden[STEPS_MOST * BANDS];
	if (!HEARS) skip();
	speak(b);
	const int steps = heard(b, ", scale: no", "[]", plain);
	assert_int_equal(heard(b, ", scale: record", "[]", x), steps);
	for (int k = 0; k < BANDS; k++) {
		double mean = 0, squares = 0, of_plain = 0;
		for (int t = 0; t < steps; t++) mean += (double)x[t * BANDS + k] / steps, of_plain += (double)plain[t * BANDS + k] / steps;
		for (int t = 0; t < steps; t++) squares += (double)x[t * BANDS + k] * (double)x[t * BANDS + k] / steps;
		assert_near(mean, 0, 1e-4), assert_near(squares, 1, 1e-3);
		assert_true(of_plain < -3); /* logarithms of little energy, and of none in the pauses */
	}
	/* A third of the steps, and of the bands, in one piece each: they become the mean, all others stay. */
	static const char *const kinds[] = {", scale: no", ", scale: set"};
	for (int kind = 0; kind < 2; kind++) {
		int changed = 0, rows = 0, columns = 0;
		assert_int_equal(heard(b, kinds[kind], "[]", x), steps);
		assert_int_equal(heard(b, kinds[kind], "[spec_augment: {time: 0.6, bands: 0.6, times: 1}]", hidden), steps);
		double mean[BANDS] = {0};
		for (int i = 0; i < steps * BANDS && kind == 0; i++) mean[i % BANDS] += (double)x[i] / steps;
		for (int i = 0; i < steps * BANDS; i++) {
			if (hidden[i] == x[i]) continue;
			assert_near((double)hidden[i], mean[i % BANDS], 1e-4);
			changed++;
		}
		for (int t = 0; t < steps; t++) {
			int n = 0;
			for (int k = 0; k < BANDS; k++) n += hidden[t * BANDS + k] != x[t * BANDS + k];
			rows += n == BANDS;
		}
		for (int k = 0; k < BANDS; k++) {
			int n = 0;
			for (int t = 0; t < steps; t++) n += hidden[t * BANDS + k] != x[t * BANDS + k];
			columns += n == steps;
		}
		assert_true(rows < steps && columns < BANDS && rows + columns > 0);
		assert_int_equal(changed, rows * BANDS + columns * steps - rows * columns);
	}
}

/* A step of a second has no room for what is said in it: all is left out, which is told. */
static void no_room(void **state) {
	bench *b = *state;
	if (!HEARS) skip();
	speak(b);
	eg_recipe *r = bench_recipe(b,
		"name: tones\ntask: transcribe\n"
		"data: {source: digit-strings, recordings: %s/speech, count: 20, test_count: 4, least: 3, most: 3,\n"
		"  sound: {bands: 16, window: 1, hop: 1}}\n"
		"input: [time, 16]\nmodel: [{linear: classes}]\ntrain: {loss: ctc, epochs: 1, seed: 1}\n",
		b->folder);
	eg_task *t;
	eg_samples *s;
	OK(b, eg_task_open(r, &t, &b->err));
	assert_int_not_equal(eg_samples_load(t, &(eg_samples_options){.part = EG_PART_TRAIN}, &s, &b->err), EG_OK);
	SAYS(b, "of 20 recordings none has as many steps as its transcript needs: make data.sound.hop smaller");
	eg_task_free(t);
	eg_recipe_free(r);
}

static void keep_advice(void *user, const char *text) { snprintf(user, 400, "%s", text); }

/* Of three recordings one is said to have more letters than it has steps, and one just as many as it needs: `aa` needs
 * a step between its letters. The first is left out, and named. */
static void too_long(void **state) {
	bench *b = *state;
	static const char *const texts[] = {"ab", "abababababa", "aababababa"}; /* 2, 11 and 11 steps, of 10 and 11 */
	static const int samples[] = {1600, 1600, 1760};
	float x[1760];
	char name[40], told[400] = "";
	if (!HEARS) skip();
	for (int i = 0; i < 1760; i++) x[i] = 0.3F * tone(500, i, 1760, RATE);
	for (int k = 0; k < 3; k++) {
		snprintf(name, sizeof name, "said/%d.txt", k);
		bench_text(b, name, texts[k]);
		snprintf(name, sizeof name, "said/%d.wav", k);
		OK(b, eg_sound_write(bench_path(b, name), x, samples[k], 1, RATE, &b->err));
	}
	eg_recipe *r = bench_recipe(b,
		"name: said\ntask: transcribe\ndata: {source: transcripts, path: %s/said, sound: {rate: 8000, bands: 8, window: 0.02, hop: 0.02}}\n"
		"input: [time, 8]\nmodel: [{linear: classes}]\ntrain: {loss: ctc, epochs: 1, seed: 1}\n", b->folder);
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	assert_int_equal(eg_samples_count(d.samples, EG_PART_TRAIN), 2);
	OK(b, eg_samples_advise(d.samples, keep_advice, told, &b->err));
	if (!strstr(told, "1 recording is not trained on, of which the first is '") || !strstr(told, "1.wav")) fail_msg("'%s'", told);
	undraw(&d);
	/* Without `zero_infinity`, a training of the others has a loss that is a number. */
	eg_model *m = bench_train_all(b, r);
	eg_model_free(m);
}

/* A line of three times the height is read as the line is, and its words are at three times its places. */
static void line_of_any_height(void **state) {
	bench *b = *state;
	enum { H = 32, W = 60, TIMES = 3 };
	static uint8_t line[H * W], large[H * W * TIMES * TIMES];
	for (int y = 0; y < H * TIMES; y++)
		for (int x = 0; x < W * TIMES; x++) {
			const int at = y / TIMES * W + x / TIMES;
			line[at] = large[y * W * TIMES + x] = (uint8_t)(at * 37 % 251);
		}
	bench_picture(b, "line.png", 1, H, W, line);
	bench_picture(b, "large.png", 1, H * TIMES, W * TIMES, large);
	eg_recipe *r = bench_recipe(b, "name: line\ntask: transcribe\ndata: {source: digit-lines}\ninput: [1, 32, width]\n"
				       "model: [{transpose: {perm: [3, 0, 1, 2]}}, {flatten: 2}, {linear: classes}]\ntrain: {loss: ctc, seed: 1}\n");
	eg_value *kept = value_of("{\"mean\": [0.5], \"std\": [0.5], \"labels\": [\"1\", \"2\"], \"words\": true}");
	const eg_size sizes[] = {{"classes", 3}, {NULL, 0}};
	eg_model *m = bench_model(b, r, sizes, kept, NULL, NULL);
	eg_predictor *p = bench_predictor(b, m, NULL);
	char text[200];
	int starts[W], n = 0;
	const eg_value *v = ask(b, p, (eg_question){.path = bench_path(b, "line.png")});
	snprintf(text, sizeof text, "%s", eg_value_text(eg_value_get(v, "text")));
	for (const eg_value *w = eg_value_first(eg_value_get(v, "words")); w; w = eg_value_next(w))
		starts[n++] = (int)eg_value_int(eg_value_get(w, "start"), -1);
	assert_true(n > 3 && starts[n - 1] > W / 2);
	v = ask(b, p, (eg_question){.path = bench_path(b, "large.png")});
	assert_string_equal(eg_value_text(eg_value_get(v, "text")), text);
	assert_int_equal(eg_value_count(eg_value_get(v, "words")), n);
	for (int i = 0; i < n; i++)
		assert_int_equal(eg_value_int(eg_value_get(eg_value_at(eg_value_get(v, "words"), i), "start"), -1), TIMES * starts[i]);
	eg_predictor_free(p);
	/* The page has its labels in the network's pixels. */
	eg_value *facts = value_of("{}");
	OK(b, eg_transcript_page(m, &(eg_question){.path = bench_path(b, "large.png")}, 0, b->folder, facts, &b->err));
	assert_string_equal(eg_value_text(eg_value_get(facts, "text")), text);
	for (int i = 0; i < n; i++)
		assert_int_equal(eg_value_int(eg_value_get(eg_value_at(eg_value_get(facts, "labels"), i), "start"), -1), starts[i]);
	eg_value_free(facts);
	eg_model_free(m);
	eg_value_free(kept);
	eg_recipe_free(r);
}

/* By speakers nobody validates who was trained on; by takes everyone does. */
static void who_validates(void **state) {
	bench *b = *state;
	static const char *const splits[] = {"speakers", "takes"}, *const people[] = {"anna", "bert", "cleo"};
	if (!HEARS) skip();
	for (int d = 0; d < 10; d++)
		for (int k = 0; k < 3 * 3; k++) say(b, people[k % 3], d, 5 + k / 3);
	for (int split = 0; split < 2; split++) {
		eg_recipe *r = bench_recipe(b,
			"name: digits\ntask: classify\ndata: {source: fsdd, path: %s/speech, split: %s, validation: 0.3, sound: {bands: 8}}\n"
			"input: [time, 8]\nmodel: [mean_time, {linear: classes}]\ntrain: {loss: cross_entropy, seed: 1}\n",
			b->folder, splits[split]);
		drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
		int heard[3][2] = {{0}}, both = 0;
		for (int part = 0; part < 2; part++) {
			const eg_part p = part ? EG_PART_VALIDATION : EG_PART_TRAIN;
			for (int64_t i = 0; i < eg_samples_count(d.samples, p); i++) {
				eg_record record = {0};
				OK(b, eg_samples_show(d.samples, p, i, -1, &record, &b->err));
				for (int k = 0; k < 3; k++) heard[k][part] += strstr(record.id, people[k]) != NULL;
				eg_record_free(&record);
			}
		}
		for (int k = 0; k < 3; k++) both += heard[k][0] > 0 && heard[k][1] > 0;
		assert_int_equal(both, split ? 3 : 0);
		assert_int_equal(heard[0][0] + heard[0][1] + heard[1][0] + heard[1][1] + heard[2][0] + heard[2][1], 90);
		undraw(&d);
		eg_recipe_free(r);
	}
}

/* In a batch a short line goes on as black as it is. */
static void goes_on_black(void **state) {
	bench *b = *state;
	enum { N = 20, SIDE = 28, H = 32, LINES = 8 };
	static uint8_t images[16 + N * SIDE * SIDE] = {0, 0, 8, 3, 0, 0, 0, N, 0, 0, 0, SIDE, 0, 0, 0, SIDE}, labels[8 + N] = {0, 0, 8, 1, 0, 0, 0, N};
	for (int i = 0; i < N; i++) {
		labels[8 + i] = (uint8_t)(i % 10);
		for (int y = 6; y < 22; y++) memset(images + 16 + (i * SIDE + y) * SIDE + 8, 200, (size_t)(4 + i % 10));
	}
	static const char *const parts[] = {"train", "t10k"};
	for (int k = 0; k < 2; k++) {
		char name[60];
		snprintf(name, sizeof name, "mnist/%s-images-idx3-ubyte", parts[k]);
		bench_write(b, name, images, sizeof images);
		snprintf(name, sizeof name, "mnist/%s-labels-idx1-ubyte", parts[k]);
		bench_write(b, name, labels, sizeof labels);
	}
	eg_recipe *r = bench_recipe(b,
		"name: lines\ntask: transcribe\ndata: {source: digit-lines, pictures: %s/mnist, count: %d, most: 4}\ninput: [1, 32, width]\n"
		"model: [{transpose: {perm: [3, 0, 1, 2]}}, {flatten: 2}, {linear: classes}]\ntrain: {loss: ctc, seed: 1}\n",
		b->folder, LINES);
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	eg_graph *g;
	OK(b, eg_recipe_build(r, b->ctx, eg_samples_sizes(d.samples), &g, &b->err));
	OK(b, eg_task_suits(d.task, g, &b->err));
	const eg_dataset *set = eg_samples_get(d.samples, EG_PART_TRAIN);
	int width = 0, axis = strcmp(set->dims[0], "width") ? 1 : 0, shorter = 0;
	for (uint32_t i = 0; i < LINES; i++) width = set->size_of(set->user, i, axis) > width ? set->size_of(set->user, i, axis) : width;
	eg_real *x = calloc((size_t)(H * width), sizeof *x);
	assert_non_null(x);
	for (uint32_t i = 0; i < LINES; i++) {
		const int sizes[] = {axis ? 8 : width, axis ? width : 8}, own = set->size_of(set->user, i, axis);
		int32_t told[8], count;
		OK(b, set->fill(set->user, &(eg_fill){.items = &i, .n = 1, .sizes = sizes}, (void *[]){x, told, &count}, &b->err));
		for (int y = 0; y < H; y++)
			for (int c = own; c < width; c++) assert_true(x[y * width + c] == x[0]); /* its border */
		assert_true(x[0] < 0);
		shorter += own < width;
	}
	assert_true(shorter > 3);
	free(x);
	eg_graph_free(g);
	undraw(&d);
	eg_recipe_free(r);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {CASE(all_paths), CASE(with_prior), CASE(learns_tones), CASE(slower), CASE(scales), CASE(line_of_any_height), CASE(goes_on_black), CASE(who_validates), CASE(no_room), CASE(too_long)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
