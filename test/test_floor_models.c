/* The models behind floors, each on small made data whose answer is known: by hand, by brute force, or because
 * there is but one that makes sense. */
#define _POSIX_C_SOURCE 200809L /* setenv */
#include "data/sound.h"
#include "floor_bed.h"
#include "floors/bags.h"
#include "floors/eigen.h"
#include "floors/hog.h"
#include "series/lbfgs.h"

/* The likeliest class of row i. */
static int told(const eg_said *said, int i) {
	int K = (int)said->dims.d[said->dims.rank - 1];
	return eg_argmax(said->at + (ptrdiff_t)i * K, K);
}

static int right(stand *s) {
	eg_floor_batch batch = {.part = &s->train};
	int n = 0;
	for (;;) {
		eg_said said;
		OK(s->b, eg_floor_next(&batch, EG_FLOOR_BATCH, &s->b->err));
		if (batch.n == 0) break;
		OK(s->b, s->floor->type->say(s->floor, &batch, 0, batch.time > 0 ? batch.time : 1, &said, &s->b->err));
		for (int i = 0; i < batch.n; i++) n += told(&said, i) == eg_floor_label(s->floor, &batch, i);
	}
	eg_floor_batch_free(&batch);
	return n;
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

static eg_recipe *texts(bench *b, const char *rows) {
	bench_text(b, "t.tsv", rows);
	return bench_recipe(b,
	        "name: t\ntask: classify\ndata: {source: tsv, path: %s, unit: word}\ninput: [time]\n"
	        "model: [{embedding: 2}, mean_time, {linear: classes}]\n",
	        bench_path(b, "t.tsv"));
}

/* Three texts: "good good film" and "good" are yes, "bad film" is no. Words once a text, no pairs, pseudo-count 1,
 * three words: yes has good 2, film 1 of 3 in all; no has bad 1, film 1 of 2. "good good film": yes 3/5 * (3/6) *
 * (2/6), no 2/5 * (1/5) * (2/5). */
static void naive_bayes_by_hand(void **state) {
	bench *b = *state;
	stand s = stand_up(b, texts(b, "text\tlabel\ngood good film\tyes\ngood\tyes\nbad film\tno\n"), "naive-bayes",
	        (double[]){1, 0, 0});
	eg_floor_batch batch;
	eg_said said = stand_say(&s, &batch);
	double yes = 3.0 / 5 * 3 / 6 * 2 / 6, no = 2.0 / 5 * 1 / 5 * 2 / 5, most = exp((double)said.at[told(&said, 0)]);
	assert_near(most, yes / (yes + no), 1e-6);
	assert_int_equal(told(&said, 0), eg_floor_label(s.floor, &batch, 0));
	eg_floor_batch_free(&batch);
	stand_down(&s);
}

static const char pairs_only[] = "text\tlabel\na b c\tone\nb a c\ttwo\nc a b\tone\nc b a\ttwo\na b c c\tone\nb a c c\ttwo\n";

/* The same words in another order: only pairs tell. */
static void pairs_tell_order(void **state) {
	bench *b = *state;
	static const char *const names[] = {"naive-bayes", "logistic", "nbsvm", "nbsvm-letters"};
	for (int i = 0; i < EG_COUNT(names); i++) {
		stand with = stand_up(b, texts(b, pairs_only), names[i], (double[]){10, 1, 0.5});
		assert_int_equal(right(&with), 6);
		stand_down(&with);
	}
	stand without = stand_up(b, texts(b, pairs_only), "naive-bayes", (double[]){1, 0, 0});
	assert_int_equal(right(&without), 3);
	stand_down(&without);
}

/* At the minimum the slope is none: of the constants, the probabilities of a class add up to how many texts are of
 * it. */
static void logistic_is_at_its_minimum(void **state) {
	bench *b = *state;
	stand s = stand_up(b, texts(b, "text\tlabel\na b\tx\na c\tx\na\ty\nb c\ty\nc\ty\nd a\ty\n"), "logistic", (double[]){10, 1, 0});
	eg_floor_batch batch = {.part = &s.train};
	double sum[2] = {0}, count[2] = {0};
	for (int i = 0; i < 6; i++) {
		eg_said said;
		OK(b, eg_floor_next(&batch, 1, &b->err));
		OK(b, s.floor->type->say(s.floor, &batch, 0, batch.time, &said, &b->err));
		assert_near(exp((double)said.at[0]) + exp((double)said.at[1]), 1, 1e-6);
		for (int k = 0; k < 2; k++) sum[k] += exp((double)said.at[k]);
		count[eg_floor_label(s.floor, &batch, 0)]++;
	}
	for (int k = 0; k < 2; k++) assert_near(sum[k], count[k], 0.02);
	eg_floor_batch_free(&batch);
	stand_down(&s);
}

/* With no weight of its own a feature says what naive Bayes says, times one number for all. Texts with it, and one
 * more: good 3 of 6 of yes and 1 of 5 of no, film 2 and 2, bad 1 and 2. */
static void nbsvm_is_drawn_to_naive_bayes(void **state) {
	bench *b = *state;
	stand s = stand_up(b, texts(b, "text\tlabel\ngood\tyes\nbad\tno\nfilm\tno\ngood film\tyes\n"), "nbsvm", (double[]){1, 0, 0});
	eg_floor_batch batch = {.part = &s.train};
	double odds[4];
	for (int i = 0; i < 4; i++) { /* in the order of the file */
		eg_said said;
		OK(b, eg_floor_next(&batch, 1, &b->err));
		OK(b, s.floor->type->say(s.floor, &batch, 0, batch.time, &said, &b->err));
		odds[i] = (double)said.at[1] - (double)said.at[0];
	}
	const double good = log(3.0 / 6) - log(1.0 / 5), film = log(2.0 / 6) - log(2.0 / 5), bad = log(1.0 / 6) - log(2.0 / 5);
	assert_near((odds[0] - odds[1]) / (odds[0] - odds[2]), (good - bad) / (good - film), 1e-4);
	assert_true(odds[0] > odds[3] && odds[3] > odds[2] && odds[2] > odds[1]);
	eg_floor_batch_free(&batch);
	stand_down(&s);
}

/* "ab" with its marks is 4 bytes: itself, and what is left without one of the marks. A Chinese character is a word, of
 * 3 bytes and 2 marks: 4 runs each. With 3 words and 2 pairs that is 16; the word of the second text is known. */
static void letters_are_features(void **state) {
	bench *b = *state;
	stand s = stand_up(b, texts(b, "text\tlabel\nab \u9152\u5e97\tx\nab\ty\n"), "nbsvm-letters", (double[]){0.05, 1, 0.5});
	const eg_features *x = &s.floor->type->bag_model(s.floor)->features;
	assert_int_equal(x->n, 16);
	const int32_t unseen[] = {0};
	const struct {
		const char *text;
		int runs;
	} cases[] = {{"aab", 6}, {"ab", 3}, {" ab cd", 3}, {"a", 1}, {"", 0}, {"\u9152", 4}, {"\xff", 0}};
	for (int i = 0; i < EG_COUNT(cases); i++) { /* of one unit, which is read to the next */
		eg_occurrences list = {0};
		const eg_bag_text text = {unseen, 1, 1, s.floor->task->intakes[0], cases[i].text, strlen(cases[i].text)};
		assert_true(eg_letters_list(&list, text));
		assert_int_equal(list.n, cases[i].runs);
		eg_occurrences_free(&list);
	}
	stand_down(&s);
}

static bool valley(void *user, const double *x, double *value, double *gradient) { /* of Rosenbrock */
	++*(int *)user;
	*value = (1 - x[0]) * (1 - x[0]) + 100 * (x[1] - x[0] * x[0]) * (x[1] - x[0] * x[0]);
	gradient[0] = -2 * (1 - x[0]) - 400 * x[0] * (x[1] - x[0] * x[0]);
	gradient[1] = 200 * (x[1] - x[0] * x[0]);
	return true;
}
static bool no_more(void *user, const double *x, double *value, double *gradient) {
	return valley(user, x, value, gradient) && *(int *)user < 3;
}

static void lbfgs_finds_the_minimum(void **state) {
	bench *b = *state;
	double x[2] = {-1.2, 1};
	int calls = 0;
	OK(b, eg_lbfgs(x, 2, 100, 1e-9, 0, valley, &calls, &b->err));
	assert_near(x[0], 1, 1e-5);
	assert_near(x[1], 1, 1e-5);
	assert_true(calls < 90);
	calls = 0;
	assert_int_equal(eg_lbfgs(x, 2, 100, 1e-9, 0, valley, &calls, &b->err), EG_OK); /* it is there already */
	x[0] = -1.2, calls = 0;
	assert_int_equal(eg_lbfgs(x, 2, 100, 1e-9, 0, no_more, &calls, &b->err), EG_ERR_STOPPED);
}

/* ---- tags -------------------------------------------------------------------------------------------------------- */

static eg_recipe *tags_of(bench *b, bool pairs, const char *rows) {
	bench_text(b, "t.conll", rows);
	return bench_recipe(b,
	        "name: t\ntask: tag\ndata: {source: conll, path: %s%s}\ninput: %s\nmodel: [{embedding: 2}, %s{linear: classes}]\n"
	        "train: {loss: cross_entropy}\n",
	        bench_path(b, "t.conll"), pairs ? ", pairs: true" : "", pairs ? "[time, 2]" : "[time]", pairs ? "{flatten: 2}, " : "");
}

static eg_recipe *tags(bench *b, bool pairs) {
	return tags_of(b, pairs, "a X\nb Y\n\na X\nb X\n\na Y\nc Z\n\nb Y\na X\n\nc Z\n\nc Z\n\n");
}

/* Tags that are right, of all training sentences. */
static int right_tags(stand *s) {
	eg_floor_batch batch = {.part = &s->train};
	int n = 0;
	for (;;) {
		eg_said said;
		OK(s->b, eg_floor_next(&batch, 1, &s->b->err));
		if (batch.n == 0) break;
		OK(s->b, s->floor->type->say(s->floor, &batch, 0, batch.time, &said, &s->b->err));
		const int32_t *target = eg_batch_input(&batch.run, "target");
		for (int t = 0; t < batch.time; t++) n += told(&said, t) == target[t];
	}
	eg_floor_batch_free(&batch);
	return n;
}

static void frequent_tags_by_hand(void **state) {
	bench *b = *state;
	/* By itself: a X (3 of 4), b Y (2 of 3), c Z. So 8 of 10 are right; behind what stands before: b behind a
	 * is Y and X, once each, of which one is right; c behind a is Z, and a at the beginning X in 2 of 3. */
	static const struct {
		const char *name;
		double units;
		int right;
	} cases[] = {{"frequent-tag", 1, 8}, {"frequent-tag-of-pair", 2, 8}};
	for (int i = 0; i < 2 * EG_COUNT(cases); i++) { /* also where the network gets pairs besides */
		stand s = stand_up(b, tags(b, i >= EG_COUNT(cases)), cases[i % 2].name, (double[]){cases[i % 2].units, 0, 0});
		assert_int_equal(right_tags(&s), cases[i % 2].right);
		stand_down(&s);
	}
}

/* What the first unit says is remembered from tag to tag over more units than a feature sees. */
static void fields_remember(void **state) {
	bench *b = *state;
	static const char rows[] = "p P\nm P\nm P\nm P\nm P\nm P\nm P\n\nq Q\nm Q\nm Q\nm Q\nm Q\nm Q\nm Q\n\n"
				   "p P\nm P\nm P\nm P\nm P\nm P\n\nq Q\nm Q\nm Q\nm Q\nm Q\nm Q\n\n";
	for (int pairs = 0; pairs < 2; pairs++) {
		stand s = stand_up(b, tags_of(b, pairs, rows), "crf", (double[]){0.1, 100, 0});
		assert_int_equal(right_tags(&s), 26);
		stand_down(&s);
	}
}

/* The same two units: a name in 5 of 11 sentences, one at the second unit in 3, none in 3. By themselves O is the
 * likeliest first tag (6) and I-X the likeliest second one (5); together a name is, and has 5 + 5 tags right. O with O
 * or B-X has 9, and O with I-X, which would have 11, is no answer. */
static void fields_tell_the_likeliest_sequence(void **state) {
	bench *b = *state;
	static const char name[] = "c B-X\nq I-X\n\n", second[] = "c O\nq B-X\n\n", none[] = "c O\nq O\n\n";
	char rows[400];
	snprintf(rows, sizeof rows, "%s%s%s%s%s%s%s%s%s%s%s", name, second, none, name, second, none, name, second, none,
	        name, name);
	stand s = stand_up(b, tags_of(b, false, rows), "crf", (double[]){0.1, 200, 0});
	assert_int_equal(right_tags(&s), 10);
	stand_down(&s);
}

/* Of 20 sentences in which nothing but the unit tells, it tells all, and the same for the same order: the weights are
 * those of one way through them. */
static void fields_know_units(void **state) {
	bench *b = *state;
	char rows[2000] = "";
	for (int i = 0; i < 20; i++)
		snprintf(rows + strlen(rows), sizeof rows - strlen(rows), "u%d X\nu%d Y\n\n", i % 2, 2 + i % 3);
	stand s = stand_up(b, tags_of(b, false, rows), "crf", NULL);
	assert_int_equal(right_tags(&s), 40);
	stand_down(&s);
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static void means_and_lines(void **state) {
	bench *b = *state;
	/* The sum of two marked numbers: the mean is 1; no weighted sum of values and markers does much better. */
	eg_recipe *r = bench_recipe(b, "name: a\ntask: regress\ndata: {source: adding, steps: 6, count: 400, validation: 0.25}\n"
	                               "input: [time, 2]\nmodel: [{gru: 2}, last, {linear: 1}]\ntrain: {loss: mse}\n");
	eg_floors *f;
	OK(b, eg_floors_run(r, &(eg_floors_options){.ctx = b->ctx, .split = "validation"}, &f, &b->err));
	assert_int_equal(eg_floors_count(f), 2);
	const eg_floor_result *mean = floor_called(f, "mean"), *line = floor_called(f, "linear-regression");
	assert_true(mean->values[0] > 0.12 && mean->values[0] < 0.22);
	assert_true(fabs(mean->values[3]) < 0.1); /* r2 */
	assert_true(line->values[0] < mean->values[0]);
	eg_floors_free(f);
	/* Trained on few and judged by the same: where there are as many numbers as samples, a line goes through
	 * all. */
	eg_recipe *few = bench_recipe(b, "name: a\ntask: regress\ndata: {source: adding, steps: 8, count: 14, validation: 0}\n"
	                                 "input: [time, 2]\nmodel: [{gru: 2}, last, {linear: 1}]\ntrain: {loss: mse}\n");
	stand s = stand_up(b, few, "linear-regression", NULL);
	eg_floor_batch batch = {.part = &s.train};
	for (int i = 0; i < 14; i++) {
		eg_said said;
		OK(b, eg_floor_next(&batch, 1, &b->err));
		OK(b, s.floor->type->say(s.floor, &batch, 0, 1, &said, &b->err));
		const eg_real *target = eg_batch_input(&batch.run, "target");
		assert_near((double)said.at[0], (double)target[0], 1e-2);
	}
	eg_floor_batch_free(&batch);
	stand_down(&s);
	eg_recipe_free(r);
}

/* ---- pictures ---------------------------------------------------------------------------------------------------- */

enum { SIDE = 12, PICTURES = 48 };

/* Noise with a bar: of class 0 upright, of class 1 lying, of class 2 aslant. */
static void paint(uint8_t *p, int k, uint32_t *seed) {
	int at = 3 + (int)(*seed >> 20) % 6;
	for (int y = 0; y < SIDE; y++)
		for (int x = 0; x < SIDE; x++) {
			*seed = *seed * 1664525u + 1013904223u;
			bool on = k == 0 ? x == at || x == at + 1 : k == 1 ? y == at || y == at + 1 : (x - y + SIDE) % SIDE < 2;
			p[y * SIDE + x] = (uint8_t)((on ? 190 : 0) + (*seed >> 26));
		}
}

static eg_recipe *pictures(bench *b, const char *validation) {
	static uint8_t images[16 + PICTURES * SIDE * SIDE], labels[8 + PICTURES];
	const uint8_t head[16] = {0, 0, 8, 3, 0, 0, 0, PICTURES, 0, 0, 0, SIDE, 0, 0, 0, SIDE};
	uint32_t seed = 5;
	memcpy(images, head, 16);
	memcpy(labels, head, 8);
	labels[3] = 1;
	for (int i = 0; i < PICTURES; i++) paint(images + 16 + i * SIDE * SIDE, labels[8 + i] = (uint8_t)(i % 3), &seed);
	bench_write(b, "images", images, sizeof images);
	bench_write(b, "labels", labels, sizeof labels);
	return bench_recipe(b,
	        "name: p\ntask: classify\ndata: {source: idx, images: %s/images, labels: %s/labels, validation: %s}\n"
	        "input: [1, 12, 12]\nmodel: [flatten, {linear: classes}]\n",
	        b->folder, b->folder, validation);
}

static double distance(const eg_real *a, const eg_real *b) {
	double sum = 0;
	for (int d = 0; d < SIDE * SIDE; d++) sum += ((double)a[d] - (double)b[d]) * ((double)a[d] - (double)b[d]);
	return sum;
}

/* Against all distances, one by one: what was learnt is its own nearest neighbour, and three vote. */
static void neighbours_by_brute_force(void **state) {
	bench *b = *state;
	for (int k = 1; k <= 5; k += 2) {
		stand s = stand_up(b, pictures(b, "0"), "nearest-neighbours", (double[]){k, 0, 0});
		eg_floor_batch batch;
		eg_said said = stand_say(&s, &batch);
		assert_int_equal(batch.n, PICTURES);
		assert_int_equal((int)s.floor->settings[1], PICTURES);
		if (k == 1) assert_int_equal(right(&s), PICTURES);
		for (int i = 0; i < PICTURES; i++) {
			bool taken[PICTURES] = {false};
			double votes[3] = {0};
			for (int j = 0; j < k; j++) {
				int best = -1;
				for (int n = 0; n < PICTURES; n++)
					if (!taken[n] && (best < 0 || distance(eg_floor_row(s.floor, &batch, i), eg_floor_row(s.floor, &batch, n)) <
					                                      distance(eg_floor_row(s.floor, &batch, i),
					                                              eg_floor_row(s.floor, &batch, best))))
						best = n;
				taken[best] = true;
				double *v = &votes[eg_floor_label(s.floor, &batch, best)];
				*v += *v == 0 ? 1 + 0.5 / (j + 1) : 1;
			}
			for (int c = 0; c < 3; c++) assert_near((double)said.at[i * 3 + c], votes[c], 1e-5);
		}
		eg_floor_batch_free(&batch);
		stand_down(&s);
	}
}

static void nearest_mean_by_hand(void **state) {
	bench *b = *state;
	stand s = stand_up(b, pictures(b, "0"), "nearest-mean", NULL);
	eg_floor_batch batch;
	eg_said said = stand_say(&s, &batch);
	static double mean[3][SIDE * SIDE];
	memset(mean, 0, sizeof mean);
	for (int i = 0; i < PICTURES; i++)
		for (int d = 0; d < SIDE * SIDE; d++)
			mean[i % 3][d] += (double)eg_floor_row(s.floor, &batch, i)[d] / (PICTURES / 3);
	for (int i = 0; i < PICTURES; i++)
		for (int c = 0; c < 3; c++) {
			double sum = 0;
			for (int d = 0; d < SIDE * SIDE; d++)
				sum += (2 * (double)eg_floor_row(s.floor, &batch, i)[d] - mean[c][d]) * mean[c][d];
			assert_near((double)said.at[i * 3 + c], sum, 1e-3);
		}
	eg_floor_batch_free(&batch);
	stand_down(&s);
}

static void pictures_are_told_apart(void **state) {
	bench *b = *state;
	static const char *const names[] = {"logistic-numbers", "hog-svm"};
	for (int i = 0; i < 2; i++) {
		stand s = stand_up(b, pictures(b, "0"), names[i], NULL);
		assert_int_equal(right(&s), PICTURES);
		stand_down(&s);
	}
}

/* Digit d is one of four tones, and then one of them: what is first and what is second must be told. */
static void sounds_are_told_apart(void **state) {
#if defined ENGRAM_HAVE_SNDFILE && defined ENGRAM_HAVE_KISSFFT
	bench *b = *state;
	enum { TAKES = 6, HALF = 800, RATE = 8000 };
	float x[2 * HALF + 100 * TAKES];
	for (int d = 0; d < 10; d++)
		for (int take = 0; take < TAKES; take++) {
			char name[60];
			const int n = 2 * HALF + 100 * take; /* some are longer */
			for (int i = 0; i < n; i++) {
				const int tone = i < n / 2 ? d / 4 : d % 4;
				x[i] = (float)((0.1 + 0.05 * take) * sin((400 + 500 * tone + 7 * take) * 2 * 3.14159265 * i / RATE));
			}
			snprintf(name, sizeof name, "sounds/recordings/%d_anna_%d.wav", d, take + 5);
			bench_text(b, name, "");
			OK(b, eg_sound_write(bench_path(b, name), x, n, 1, RATE, &b->err));
		}
	static const char *const kinds[][2] = {{"bands: 24", "24"}, {"features: mfcc, coefficients: 12, deltas: 1", "24"}};
	for (int k = 0; k < EG_COUNT(kinds); k++) {
		eg_recipe *r = bench_recipe(b,
			"name: f\ntask: classify\ndata: {source: fsdd, path: %s/sounds, sound: {%s}}\ninput: [time, %s]\n"
			"model: [mean_time, {linear: classes}]\ntrain: {loss: cross_entropy}\n",
			b->folder, kinds[k][0], kinds[k][1]);
		stand s = stand_up(b, r, "mfcc-svm", (double[]){0.3, 0, 0});
		assert_int_equal(right(&s), 10 * TAKES);
		stand_down(&s);
	}
	/* What an augmentation would need more room for comes as it is. */
	int times[2];
	for (int k = 0; k < 2; k++) {
		eg_recipe *r = bench_recipe(b,
			"name: f\ntask: classify\ndata: {source: fsdd, path: %s/sounds, sound: {bands: 24}}\n%sinput: [time, 24]\n"
			"model: [{mean_time: {from: {lengths: lengths}}}, {linear: classes}]\ntrain: {loss: cross_entropy}\n",
			b->folder, k ? "augment: [{speed: 0.4}]\n" : "");
		stand s = stand_up(b, r, "mfcc-svm", (double[]){0.3, 0, 0});
		eg_floor_batch batch = {.part = &s.train};
		OK(b, eg_floor_next(&batch, 1, &b->err));
		times[k] = batch.time;
		eg_floor_batch_free(&batch);
		stand_down(&s);
	}
	assert_int_equal(times[0], times[1]);
#else
	EG_UNUSED(state);
	skip();
#endif
}

/* The same pictures, to be found. */
static eg_recipe *to_find(bench *b) {
	eg_recipe_free(pictures(b, "0")); /* writes them */
	return bench_recipe(b,
	        "name: f\ntask: search\ndata: {source: idx, images: %s/images, labels: %s/labels}\n"
	        "input: [1, 12, 12]\nmodel: [flatten, {linear: 4}]\ntrain: {loss: supervised_contrastive}\n",
	        b->folder, b->folder);
}

static double apart(const eg_said *said, int i, int j) {
	const int n = (int)said->dims.d[1];
	double sum = 0;
	for (int c = 0; c < n; c++) {
		const double d = (double)said->at[i * n + c] - (double)said->at[j * n + c];
		sum += d * d;
	}
	return sum;
}

/* In all directions in which samples differ at all nothing is lost: distances are those of the pictures. In those that
 * part classes each sample is nearer to its own than to any other. */
static void directions(void **state) {
	bench *b = *state;
	if (!eg_eigen_there()) skip();
	stand s = stand_up(b, to_find(b), "eigenfaces", (double[]){0, 0, 400});
	eg_floor_batch batch;
	eg_said said = stand_say(&s, &batch);
	for (int i = 1; i < PICTURES; i++) {
		const double want = distance(eg_floor_row(s.floor, &batch, i), eg_floor_row(s.floor, &batch, i / 2));
		assert_near(apart(&said, i, i / 2), want, 1e-4 * want);
	}
	eg_floor_batch_free(&batch);
	stand_down(&s);
	s = stand_up(b, to_find(b), "fisherfaces", (double[]){0, 0, 8});
	said = stand_say(&s, &batch);
	assert_int_equal(said.dims.d[1], 3); /* classes less one, and the number that is the same for all */
	for (int i = 0; i < PICTURES; i++) {
		double own = 0, other = INFINITY;
		for (int j = 0; j < PICTURES; j++) {
			if (eg_floor_label(s.floor, &batch, i) == eg_floor_label(s.floor, &batch, j))
				own = fmax(own, apart(&said, i, j));
			else
				other = fmin(other, apart(&said, i, j));
		}
		assert_true(own < other);
	}
	eg_floor_batch_free(&batch);
	stand_down(&s);
	s = stand_up(b, to_find(b), "pixels", (double[]){1, 0, 0}); /* by angle: of length 1 */
	said = stand_say(&s, &batch);
	double length = 0;
	for (int c = 0; c < SIDE * SIDE; c++) length += (double)said.at[c] * (double)said.at[c];
	assert_near(length, 1, 1e-5);
	eg_floor_batch_free(&batch);
	stand_down(&s);
}

/* The same numbers for any number of threads, and settings are tried on what is kept aside. */
static void threads_change_nothing(void **state) {
	bench *b = *state;
	double first[EG_METRICS_MOST] = {0};
	for (int threads = 1; threads <= 3; threads++) {
		eg_context *ctx = eg_context_new(&(eg_context_options){.threads = threads}, &b->err);
		eg_recipe *r = pictures(b, "0.25");
		eg_floors *f;
		OK(b, eg_floors_run(r, &(eg_floors_options){.ctx = ctx, .use = EG_FLOORS_ANEW}, &f, &b->err));
		assert_int_equal(eg_floors_count(f), 5);
		assert_int_equal(eg_floors_part(f), EG_PART_VALIDATION);
		for (int i = 0; i < 5; i++) {
			if (threads == 1)
				first[i] = eg_floors_at(f, i)->values[0];
			else
				assert_true(first[i] == eg_floors_at(f, i)->values[0]);
		}
		assert_true(first[0] > 0.9);
		eg_floors_free(f);
		eg_recipe_free(r);
		eg_context_free(ctx);
	}
}

/* A picture that is dark on the left and bright on the right: its gradient points right, direction 0 (half a step
 * into the first direction and the last); turned round it points left, which is the same for half a turn, not for
 * a whole one. */
static void hog_of_an_edge(void **state) {
	(void)state;
	const eg_hog h = eg_hog_of(1, 16, 16);
	assert_int_equal(h.cell, 4);
	assert_int_equal(h.size, 9 * 4 * EG_HOG_UNSIGNED + (16 + 9) * EG_HOG_SIGNED + 64);
	assert_int_equal(eg_hog_of(1, 6, 6).size, 0);
	eg_real x[2][256];
	uint8_t out[2][1000];
	float *scratch = malloc((size_t)h.scratch * sizeof *scratch);
	for (int i = 0; i < 256; i++) x[0][i] = i % 16 < 8 ? 0 : 2, x[1][i] = 2 - x[0][i];
	for (int k = 0; k < 2; k++) eg_hog_describe(&h, x[k], EG_HOG_PLAIN, out[k], scratch);
	/* Block (0, 1): cells 1 and 2 of rows 0 and 1 are beside the edge. The border takes an eighth of the votes of
	 * row 0: 3.5 and 4 for each of the two directions, of a length of sqrt(113). */
	const uint8_t *block = out[0] + 4 * EG_HOG_UNSIGNED;
	for (int cell = 0; cell < 4; cell++)
		for (int d = 0; d < EG_HOG_UNSIGNED; d++) {
			uint8_t v = block[cell * EG_HOG_UNSIGNED + d];
			if (d == 0 || d == EG_HOG_UNSIGNED - 1)
				assert_int_equal(v, cell < 2 ? 84 : 96);
			else
				assert_int_equal(v, 0);
		}
	int unsigned_part = 9 * 4 * EG_HOG_UNSIGNED, cells = (16 + 9) * EG_HOG_SIGNED;
	assert_memory_equal(out[0], out[1], (size_t)unsigned_part);
	assert_memory_not_equal(out[0] + unsigned_part, out[1] + unsigned_part, (size_t)cells);
	/* The first cell beside the edge: right is directions 17 and 0, left 8 and 9. */
	const uint8_t *one = out[0] + unsigned_part + EG_HOG_SIGNED, *other = out[1] + unsigned_part + EG_HOG_SIGNED;
	assert_true(one[0] > 0 && one[17] == one[0] && one[8] == 0 && one[9] == 0);
	assert_true(other[8] > 0 && other[8] == other[9] && other[0] == 0);
	/* Brightness: 0.3 + 0.2 * 0 and 0.3 + 0.2 * 2. */
	assert_int_equal(out[0][unsigned_part + cells], 77);
	assert_int_equal(out[0][unsigned_part + cells + 7], 179);
	/* Moved to the left by a pixel, the edge is where it is in a picture that has it there. */
	for (int i = 0; i < 256; i++) x[1][i] = i % 16 < 7 ? 0 : 2;
	eg_hog_describe(&h, x[0], EG_HOG_LEFT, out[0], scratch);
	eg_hog_describe(&h, x[1], EG_HOG_PLAIN, out[1], scratch);
	assert_memory_equal(out[0], out[1], (size_t)h.size);
	free(scratch);
}

#define T(f) cmocka_unit_test_setup_teardown(f, floors_setup, bench_teardown)
int main(void) {
	const struct CMUnitTest tests[] = {T(naive_bayes_by_hand), T(pairs_tell_order), T(logistic_is_at_its_minimum),
	        T(nbsvm_is_drawn_to_naive_bayes), T(letters_are_features),
	        T(lbfgs_finds_the_minimum), T(frequent_tags_by_hand), T(fields_remember),
	        T(fields_tell_the_likeliest_sequence), T(fields_know_units), T(means_and_lines), T(neighbours_by_brute_force),
	        T(nearest_mean_by_hand), T(pictures_are_told_apart), T(sounds_are_told_apart), T(directions), T(threads_change_nothing), T(hog_of_an_edge)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
