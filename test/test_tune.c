/* Spaces, samplers and searches without training: what is refused, which points are proposed, what a journal is worth
 * after being cut off at any byte, and recipes with other values and the same comments. */
#include "base/base.h"
#include "engram_tune.h"
#include "recipe_bed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PI 3.14159265358979324

#define ADDING \
	"# a head\nname: t\ntask: regress\ndata: {source: adding, steps: 4, count: 50, validation: 0.2} # few\ninput: [time, 2]\n" \
	"model:\n  - lstm: {hidden: 4}   # remembers\n  - last\n  - linear: 1\ntrain:\n  loss: mse\n  optimizer: {adam: {lr: 0.01}}\n" \
	"  batch: 10 # samples\n"

/* ---- sections ---------------------------------------------------------------------------------------------------- */

static void refused_space(const char *tune, const char *message) {
	char text[2000];
	eg_error err = {0};
	eg_space *s = NULL;
	snprintf(text, sizeof text, ADDING "tune:\n%s", tune);
	eg_recipe *r = accepted(text, NULL);
	if (eg_space_open(r, &s, &err) == EG_OK) fail_msg("accepted: %s", tune);
	assert_null(s);
	if (!strstr(err.message, message)) fail_msg("%s", err.message);
	eg_recipe_free(r);
}

static void test_refused(void **state) {
	(void)state;
	refused_space("  train.lrr: {range: [1, 2]}\n", "r.yaml:15:14: 'tune': train.lrr=1: unknown key 'lrr'");
	refused_space("  model.0.gru.hidden: {range: [1, 2]}\n", "r.yaml:15:23: 'tune': model.0.gru.hidden=1: a layer is already");
	refused_space("  data.stepz: {range: [3, 9], integer: true}\n", "unknown key 'stepz'");
	refused_space("  train.batch: {range: [2, 1]}\n", "is empty: it begins with 2 and ends with 1");
	refused_space("  train.batch: {range: [2, 2]}\n", "is empty");
	refused_space("  train.batch: {range: [2]}\n", "must be two numbers");
	refused_space("  train.lr: {range: [0, 1], log: true}\n", "r.yaml:15:21: the range of 'train.lr' in 'tune' begins with 0, which has no logarithm");
	refused_space("  train.batch: {range: [1.5, 4], integer: true}\n", "no whole number");
	refused_space("  train.batch: {range: [1, 4]}\n", "`integer: true` tries whole numbers only");
	refused_space("  train.batch: {range: [1, 4], integer: true, step: 9}\n", "one value would be left");
	refused_space("  train.batch: {choices: [a, 2]}\n", "must be a whole number, not 'a'");
	refused_space("  train.batch: {choices: [2]}\n", "nothing to choose");
	refused_space("  train.batch: {choices: [2, 2]}\n", "is given twice");
	refused_space("  train.batch: {choices: [2, 3], log: true}\n", "leave one of them out");
	refused_space("  train.batch: {log: true}\n", "needs a 'range' or 'choices'");
	refused_space("  train.batch: {rang: [1, 2]}\n", "did you mean 'range'?");
	refused_space("  train.batch: 3\n", "not the number 3");
	refused_space("  train.seed: {range: [1, 4], integer: true}\n", "cannot be tuned");
	refused(ADDING "tune:\n  train.batch: {choices: [2, 3]}\n  train.batch: {choices: [2, 3]}\n",
		"r.yaml:16:3: the key 'train.batch' was already given in line 15");
	refused_space("  train.lr: {range: [1, 2]}\n  train.optimizer.adam.lr: {range: [1, 2]}\n", "has no effect");
	refused_space("  train.optimizer: {choices: [adam, sgd]}\n  train.optimizer.adam.lr: {range: [1, 2]}\n", "lies inside of");
}

static void test_conditions_refused(void **state) {
	(void)state;
	const char *two = "  train.batch: {choices: [2, 3]}\n";
	char text[600];
	snprintf(text, sizeof text, "%s  train.lr: {range: [1, 2], when: {train.batch: 4}}\n", two);
	refused_space(text, "never holds: 'train.batch' has no choice 4");
	snprintf(text, sizeof text, "%s  train.lr: {range: [1, 2], when: {train.epochs: 4}}\n", two);
	refused_space(text, "is not tuned itself");
	snprintf(text, sizeof text, "%s  train.lr: {range: [1, 2], when: {train.batch: []}}\n", two);
	refused_space(text, "the list is empty");
	refused_space("  train.batch: {range: [2, 3], integer: true}\n  train.lr: {range: [1, 2], when: {train.batch: 2}}\n", "needs a key with choices");
	refused_space("  train.batch: {choices: [2, 3], when: {train.epochs: 4}}\n  train.epochs: {choices: [4, 5], when: {train.batch: 2}}\n", "circle");
	snprintf(text, sizeof text,
		"%s  train.epochs: {choices: [4, 5], when: {train.batch: 2}}\n  train.lr: {range: [1, 2], when: {train.epochs: 4, train.batch: 3}}\n", two);
	refused_space(text, "never holds: no choice is left for 'train.batch'");
}

static eg_space *opened(const char *text, eg_recipe **r) {
	eg_error err = {0};
	eg_space *s = NULL;
	*r = accepted(text, NULL);
	if (eg_space_open(*r, &s, &err)) fail_msg("%s", err.message);
	return s;
}

/* A recipe without a section has a space all the same; the section is in no text that a model keeps. */
static void test_guessed(void **state) {
	(void)state;
	eg_recipe *r;
	eg_space *s = opened(ADDING, &r);
	char *text;
	assert_true(eg_space_is_guessed(s));
	assert_string_equal(eg_space_at(s, 0)->path, "train.optimizer.adam.lr");
	assert_true(eg_space_at(s, 0)->low == 0.001 && eg_space_at(s, 0)->high == 0.1 && eg_space_at(s, 0)->now == 0.01);
	assert_int_equal(eg_space_text(s, &text, NULL), EG_OK);
	assert_non_null(strstr(text, "  model.0.lstm.hidden: {range: [2, 8], log: true, integer: true}\n"));
	char whole[3000];
	snprintf(whole, sizeof whole, "%s%s", ADDING, text);
	eg_recipe *with;
	eg_space *again = opened(whole, &with);
	assert_false(eg_space_is_guessed(again));
	assert_int_equal(eg_space_count(again), eg_space_count(s));
	assert_string_equal(eg_recipe_text(with), eg_recipe_text(r));
	free(text);
	eg_space_free(again);
	eg_recipe_free(with);
	eg_space_free(s);
	eg_recipe_free(r);
}

#define BARE \
	"name: t\ntask: regress\ndata: {source: adding, steps: 4, count: 50, validation: 0.2}\ninput: [time, 2]\n" \
	"model: [{lstm: 4}, last, {linear: 1}]\ntrain: {loss: mse, optimizer: "

static const eg_tuned *found(const eg_space *s, const char *key) {
	for (int i = 0; i < eg_space_count(s); i++)
		if (!strcmp(eg_space_at(s, i)->path, key)) return eg_space_at(s, i);
	return NULL;
}

/* A key whose ends the recipe does not take is left out, and only that one. */
static void test_guess_refused(void **state) {
	(void)state;
	eg_recipe *r;
	eg_space *s = opened(BARE "{adamw: {weight_decay: 500}}}\n", &r);
	assert_null(found(s, "train.optimizer.adamw.weight_decay")); /* 5000 is beyond what there may be */
	assert_int_equal(eg_space_count(s), 4);
	eg_space_free(s);
	eg_recipe_free(r);
	s = opened(BARE "adamw}\n", &r);
	assert_int_equal(eg_space_count(s), 5);
	eg_space_free(s);
	eg_recipe_free(r);
}

/* What the recipe does not say has a value all the same, so that the recipe as it is can be tried. */
static void test_unsaid(void **state) {
	(void)state;
	eg_recipe *r;
	eg_space *s = opened(BARE "adamw}\n", &r);
	for (int i = 0; i < eg_space_count(s); i++) assert_true(eg_space_at(s, i)->now >= 0);
	assert_true(found(s, "train.optimizer.adamw.lr")->now == 0.001);
	assert_true(found(s, "train.optimizer.adamw.weight_decay")->now == 0.01);
	const eg_tuned *schedule = found(s, "train.schedule"), *batch = found(s, "train.batch");
	assert_string_equal(schedule->choices[(int)schedule->now], "constant");
	assert_string_equal(batch->choices[(int)batch->now], "32");
	eg_space_free(s);
	eg_recipe_free(r);
	s = opened("name: t\ntask: regress\ndata: {source: adding, steps: 4, count: 50, validation: 0.2}\ninput: [time, 2]\n"
	           "model: [{lstm: 4}, last, {linear: 1}]\ntrain: {loss: mse}\ntune:\n  train.optimizer: {choices: [adam, sgd]}\n"
	           "  train.optimizer.adam.lr: {range: [1.0e-3, 0.1], when: {train.optimizer: adam}}\n"
	           "  train.optimizer.sgd.lr: {range: [0.001, 1], when: {train.optimizer: sgd}}\n"
	           "  train.average: {choices: [0.9, 0]}\n", &r);
	assert_true(eg_space_at(s, 0)->now == 1 && isnan(eg_space_at(s, 1)->now) && eg_space_at(s, 2)->now == 0.01);
	assert_true(eg_space_at(s, 3)->now == 1); /* the default of the key */
	eg_space_free(s);
	eg_recipe_free(r);
}

/* Sixty keys of which each depends on the two before it. */
static void test_chain(void **state) {
	(void)state;
	enum { KEYS = 60 };
	static const char *const names[2] = {"a", "b"};
	char paths[KEYS][16];
	eg_tuned keys[KEYS];
	eg_tuned_when when[KEYS][2];
	for (int i = 0; i < KEYS; i++) {
		snprintf(paths[i], sizeof paths[i], "k%d", i);
		when[i][0] = (eg_tuned_when){i - 1, 1 << 1}, when[i][1] = (eg_tuned_when){i - 2, 1 << 1};
		keys[i] = (eg_tuned){.path = paths[i], .kind = EG_TUNED_CHOICE, .choices = (const char **)(uintptr_t)names, .nchoices = 2,
		        .when = when[i], .nwhen = i < 2 ? i : 2, .now = (double)NAN};
	}
	eg_space *s;
	assert_int_equal(eg_space_new(keys, KEYS, &s, NULL), EG_OK);
	eg_space_free(s);
	keys[30].when = (const eg_tuned_when[]){{29, 1 << 1}, {3, 1}}; /* 29 wants b of 3 */
	keys[30].nwhen = 2;
	eg_error err = {0};
	assert_int_equal(eg_space_new(keys, KEYS, &s, &err), EG_ERR_FORMAT);
	assert_non_null(strstr(err.message, "never holds: no choice is left for 'k3'"));
}

/* ---- points ------------------------------------------------------------------------------------------------------ */

#define SPACE \
	ADDING "tune:\n  train.optimizer: {choices: [adam, {sgd: {momentum: 0.9}}]}\n" \
	     "  train.optimizer.adam.lr: {range: [1.0e-3, 1.0e-1], log: true, when: {train.optimizer: adam}}\n" \
	     "  train.optimizer.sgd.lr: {range: [0.1, 1], when: {train.optimizer: sgd}}\n" \
	     "  train.batch: {range: [4, 16], integer: true, step: 4}\n"

/* Where a condition does not hold a key has no value; points come back from their settings; all values occur. */
static void test_points(void **state) {
	(void)state;
	eg_recipe *r;
	eg_space *s = opened(SPACE, &r);
	int adam = 0, batches = 0, n = 200;
	assert_true(eg_space_at(s, 0)->now == 0); /* {adam: {lr: 0.01}}, whose lr is tried too */
	assert_true(eg_space_at(s, 3)->now == 10);
	for (int i = 0; i < n; i++) {
		const eg_sampler sampler = {.kind = EG_SAMPLER_RANDOM, .seed = 3};
		double x[4], back[4];
		char **settings;
		assert_int_equal(eg_sampler_propose(&sampler, s, i, NULL, 0, x, NULL), EG_OK);
		adam += x[0] == 0;
		assert_int_equal(isnan(x[1]), x[0] != 0);
		assert_int_equal(isnan(x[2]), x[0] == 0);
		assert_true(x[3] == 4 || x[3] == 8 || x[3] == 12 || x[3] == 16);
		batches |= 1 << (int)x[3];
		assert_true(isnan(x[1]) || (x[1] >= 1e-3 && x[1] <= 0.1));
		eg_value *v = eg_value_new(EG_VALUE_MAP);
		eg_space_put(s, x, v);
		assert_int_equal(eg_space_point(s, v, back, NULL), EG_OK);
		for (int k = 0; k < 4; k++) assert_true(x[k] == back[k] || (isnan(x[k]) && isnan(back[k])));
		assert_true(eg_space_distance(s, x, back) == 0);
		eg_value_free(v);
		assert_int_equal(eg_space_settings(s, x, &settings, NULL), EG_OK);
		assert_string_equal(settings[0], x[0] == 0 ? "train.optimizer=adam" : "train.optimizer={sgd: {momentum: 0.9}}");
		eg_recipe *with;
		eg_error err;
		if (eg_recipe_parse(ADDING, strlen(ADDING), "r.yaml", (const char *const *)settings, &with, &err)) fail_msg("%s", err.message);
		double lr = eg_recipe_train(with)->optimizer.lr;
		assert_true(lr == (x[0] == 0 ? x[1] : x[2]));
		eg_recipe_free(with);
		eg_space_settings_free(settings);
	}
	assert_true(adam == n / 2); /* base 2: every second one */
	assert_int_equal(batches, 1 << 4 | 1 << 8 | 1 << 12 | 1 << 16);
	eg_space_free(s);
	eg_recipe_free(r);
}

/* Each of 16 intervals of the first key (base 2) has the same number of the first 64 points, whatever the seed. */
static void test_even(void **state) {
	(void)state;
	const eg_tuned keys[2] = {{.path = "a", .high = 1, .now = (double)NAN}, {.path = "b", .high = 1, .now = (double)NAN}};
	eg_space *s;
	double first[2] = {0};
	assert_int_equal(eg_space_new(keys, 2, &s, NULL), EG_OK);
	for (uint64_t seed = 0; seed < 3; seed++) {
		int in[16] = {0};
		const eg_sampler sampler = {.kind = EG_SAMPLER_RANDOM, .seed = seed};
		for (int i = 0; i < 64; i++) {
			double x[2];
			assert_int_equal(eg_sampler_propose(&sampler, s, i, NULL, 0, x, NULL), EG_OK);
			in[(int)(x[0] * 16 * 0.99999)]++;
			if (i == 0) assert_true(seed == 0 || x[0] != first[0]);
			if (i == 0) first[0] = x[0];
		}
		for (int k = 0; k < 16; k++) assert_in_range(in[k], 3, 5); /* four digits move some over an edge */
	}
	eg_space_free(s);
}

/* ---- searches on functions --------------------------------------------------------------------------------------- */

typedef double (*function)(const double *x);

/* Branin's, of -5..10 and 0..15: its least value is 0.397887. */
static double branin(const double *x) {
	double a = x[1] - 5.1 / (4 * PI * PI) * x[0] * x[0] + 5 / PI * x[0] - 6;
	return a * a + 10 * (1 - 1 / (8 * PI)) * cos(x[0]) + 10;
}

static int last_told; /* by the last search */

static double search(const eg_space *s, function f, eg_sampler_kind kind, uint64_t seed, int trials) {
	const eg_search_options o = {.trials = trials, .lag = 1, .sampler = {.kind = kind, .seed = seed, .lower_is_better = true}};
	eg_search *search;
	eg_search_has has;
	eg_trial t;
	double best;
	assert_int_equal(eg_search_open(s, &o, &search, NULL), EG_OK);
	for (;;) {
		assert_int_equal(eg_search_next(search, false, &has, &t, NULL), EG_OK);
		if (has != EG_SEARCH_TRIAL) break;
		const eg_outcome outcome = {.value = f(t.point), .budget = 1};
		assert_int_equal(eg_search_tell(search, t.number, &outcome, NULL), EG_OK);
	}
	assert_int_equal(has, EG_SEARCH_OVER);
	last_told = eg_search_told(search);
	eg_search_best(search, &best);
	eg_search_free(search);
	return best;
}

static int rising(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return x < y ? -1 : x > y;
}

static double median(const eg_space *s, function f, eg_sampler_kind kind, int trials) {
	double best[15];
	for (int i = 0; i < 15; i++) best[i] = search(s, f, kind, (uint64_t)i, trials);
	qsort(best, 15, sizeof *best, rising);
	return best[7];
}

static void test_tpe(void **state) {
	(void)state;
	const eg_tuned keys[2] = {{.path = "a", .low = -5, .high = 10, .now = (double)NAN},
	        {.path = "b", .low = 0, .high = 15, .now = (double)NAN}};
	eg_space *s;
	assert_int_equal(eg_space_new(keys, 2, &s, NULL), EG_OK);
	double random = median(s, branin, EG_SAMPLER_RANDOM, 50), tpe = median(s, branin, EG_SAMPLER_TPE, 50);
	print_message("branin after 50: random %.3f, tpe %.3f\n", random, tpe);
	assert_true(tpe < 0.8 * random && tpe < 1);
	assert_true(search(s, branin, EG_SAMPLER_TPE, 4, 30) == search(s, branin, EG_SAMPLER_TPE, 4, 30));
	eg_space_free(s);
}

/* The best choice has a key of its own, which others do not have: only its trials say where that should be. */
static double conditional(const double *x) { return x[0] == 1 ? fabs(log10(x[1]) + 2) : 1 + x[0]; }

static void test_tpe_conditions(void **state) {
	(void)state;
	const char *names[3] = {"a", "b", "c"};
	const eg_tuned_when when = {0, 1 << 1};
	const eg_tuned keys[2] = {{.path = "kind", .kind = EG_TUNED_CHOICE, .choices = names, .nchoices = 3, .now = (double)NAN},
	        {.path = "x", .low = 1e-6, .high = 1, .log = true, .when = &when, .nwhen = 1, .now = (double)NAN}};
	eg_space *s;
	assert_int_equal(eg_space_new(keys, 2, &s, NULL), EG_OK);
	double random = median(s, conditional, EG_SAMPLER_RANDOM, 40), tpe = median(s, conditional, EG_SAMPLER_TPE, 40);
	print_message("conditional after 40: random %.4f, tpe %.4f\n", random, tpe);
	assert_true(tpe < 0.5 * random);
	eg_space_free(s);
}

/* A space of six points is over after six trials, each of them another. */
static double sum(const double *x) { return x[0] + x[1]; }

static void test_all_points(void **state) {
	(void)state;
	const char *names[2] = {"a", "b"};
	const eg_tuned keys[2] = {{.path = "k", .kind = EG_TUNED_CHOICE, .choices = names, .nchoices = 2, .now = (double)NAN},
	        {.path = "n", .kind = EG_TUNED_INTEGER, .low = 1, .high = 5, .step = 2, .now = (double)NAN}};
	eg_space *s;
	assert_int_equal(eg_space_new(keys, 2, &s, NULL), EG_OK);
	for (uint64_t seed = 0; seed < 4; seed++) {
		assert_true(search(s, sum, EG_SAMPLER_TPE, seed, 40) == 1);
		assert_int_equal(last_told, 6);
	}
	eg_space_free(s);
	/* 0.1 + 2 * 0.1 is 0.3, which is tried once. */
	const eg_tuned tenths[2] = {{.path = "a", .low = 0.1, .high = 1, .step = 0.1, .now = (double)NAN},
	        {.path = "b", .low = 0.3, .high = 0.9, .step = 0.3, .log = true, .now = (double)NAN}};
	assert_int_equal(eg_space_new(tenths, 2, &s, NULL), EG_OK);
	for (uint64_t seed = 0; seed < 4; seed++) {
		search(s, sum, EG_SAMPLER_TPE, seed, 80);
		assert_int_equal(last_told, 30);
	}
	eg_space_free(s);
}

/* ---- halving and finalists --------------------------------------------------------------------------------------- */

static eg_space *line(void) {
	const eg_tuned key = {.path = "a", .high = 1, .now = (double)NAN};
	eg_space *s;
	assert_int_equal(eg_space_new(&key, 1, &s, NULL), EG_OK);
	return s;
}

/* Trial k's value at epoch e is its quality; nine epochs. */
static void run_halving(eg_search *search, const double *quality, int n, int *epochs) {
	eg_search_has has;
	eg_trial t;
	for (int i = 0; i < n; i++) {
		double values[9];
		assert_int_equal(eg_search_next(search, false, &has, &t, NULL), EG_OK);
		assert_int_equal(has, EG_SEARCH_TRIAL);
		eg_outcome o = {.value = quality[i], .values = values};
		for (int e = 1; e <= 9; e++) {
			values[e - 1] = quality[i];
			o.budget = e;
			for (int k = 0; k < t.nrungs && e < 9; k++)
				if (t.at[k] == e && quality[i] < t.cut[k]) o.state = EG_TRIAL_STOPPED;
			if (o.state == EG_TRIAL_STOPPED) break;
		}
		epochs[i] = o.budget;
		assert_int_equal(eg_search_tell(search, t.number, &o, NULL), EG_OK);
	}
}

static void test_halving(void **state) {
	(void)state;
	const double quality[8] = {0.5, 0.4, 0.6, 0.55, 0.7, 0.65, 0.1, 0.7};
	/* Higher is better. Trial 0 has nobody to be compared with; up to five at a rung the best goes on, of six two
	 * do. */
	const int wanted[8] = {9, 1, 9, 1, 9, 3, 1, 9};
	int epochs[8];
	eg_space *s = line();
	const eg_search_options o = {.trials = 8, .lag = 1, .eta = 3, .sampler = {.kind = EG_SAMPLER_RANDOM}};
	eg_search *search;
	assert_int_equal(eg_search_open(s, &o, &search, NULL), EG_OK);
	run_halving(search, quality, 8, epochs);
	for (int i = 0; i < 8; i++)
		if (epochs[i] != wanted[i]) fail_msg("trial %d: %d epochs, not %d", i, epochs[i], wanted[i]);
	eg_search_free(search);
	eg_space_free(s);
}

/* The best two, with three seeds; the mean decides. */
static void test_finalists(void **state) {
	(void)state;
	const double first[4] = {0.1, 0.9, 0.8, 0.2}, again[4] = {0.3, 0.8, 0.3, 0.8}; /* of 1, 2, 1, 2 */
	eg_space *s = line();
	const eg_search_options o = {.trials = 4, .seeds = 3, .finalists = 2};
	eg_search *search;
	eg_search_has has;
	eg_trial t;
	double best;
	assert_int_equal(eg_search_open(s, &o, &search, NULL), EG_OK);
	for (int i = 0; i < 8; i++) {
		assert_int_equal(eg_search_next(search, false, &has, &t, NULL), EG_OK);
		assert_int_equal(has, EG_SEARCH_TRIAL);
		assert_int_equal(t.of, i < 4 ? -1 : i % 2 ? 2 : 1);
		assert_int_equal(t.seed, i < 4 ? 0 : i < 6 ? 1 : 2);
		const eg_outcome outcome = {.value = i < 4 ? first[i] : again[i - 4], .budget = 1};
		assert_int_equal(eg_search_tell(search, t.number, &outcome, NULL), EG_OK);
	}
	assert_int_equal(eg_search_next(search, false, &has, &t, NULL), EG_OK);
	assert_int_equal(has, EG_SEARCH_OVER);
	assert_int_equal(eg_search_best(search, &best), 2);
	assert_true(fabs(best - 0.8) < 1e-12);
	eg_search_free(search);
	eg_space_free(s);
}

/* ---- the journal ------------------------------------------------------------------------------------------------- */

static char path[64];

/* Runs a search on the journal, as many trials at a time as there may be, told in the order `turn` says; stops when
 * `most` have been told. */
static void run_journal(const eg_space *s, const eg_search_options *o, bool backwards, int most) {
	eg_search *search;
	eg_search_has has = EG_SEARCH_TRIAL;
	eg_trial t[8];
	int n = 0, told = 0;
	eg_error err;
	if (eg_search_open(s, o, &search, &err)) fail_msg("%s", err.message);
	while (told < most) {
		while (n < 4) {
			assert_int_equal(eg_search_next(search, false, &has, &t[n], NULL), EG_OK);
			if (has != EG_SEARCH_TRIAL) break;
			n++;
		}
		if (n == 0) break;
		int k = backwards ? n - 1 : 0;
		double x = t[k].point[0], values[2] = {x * x, fabs(x - 0.3)};
		const eg_outcome outcome = {.state = x > 0.9 ? EG_TRIAL_FAILED : EG_TRIAL_DONE, .error = "it is \"large\"\n",
		        .value = fabs(x - 0.3), .budget = 2, .values = values};
		assert_int_equal(eg_search_tell(search, t[k].number, &outcome, NULL), EG_OK);
		t[k] = t[--n];
		for (int i = k; i + 1 < n; i++) /* the first again */
			if (t[i].number > t[i + 1].number) {
				eg_trial swap = t[i];
				t[i] = t[i + 1], t[i + 1] = swap;
			}
		told++;
	}
	eg_search_free(search);
}

static char *slurp(size_t *size) {
	char *data;
	assert_int_equal(eg_file_read(NULL, path, 0, &data, size, NULL), EG_OK);
	return data;
}

static void spill(const char *data, size_t size) {
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	fclose(f);
}

/* Trials that end in another order, and a journal that was cut off at any byte, give the same bytes in the end. */
static void test_journal(void **state) {
	(void)state;
	eg_space *s = line();
	size_t size, again;
	const eg_search_options o = {.journal = path, .trials = 16, .eta = 3, .seeds = 2, .finalists = 2,
	        .sampler = {.lower_is_better = true, .startup = 6}};
	unlink(path);
	run_journal(s, &o, false, 100);
	char *whole = slurp(&size);
	unlink(path);
	run_journal(s, &o, true, 100);
	char *other = slurp(&again);
	assert_int_equal(size, again);
	assert_memory_equal(whole, other, size);
	eg_release(NULL, other);
	for (size_t cut = 0; cut < size; cut += cut % 100 == 99 ? 1 : 7) {
		spill(whole, cut);
		run_journal(s, &o, cut % 2, cut % 3 ? 3 : 100);
		run_journal(s, &o, false, 100);
		other = slurp(&again);
		assert_int_equal(size, again);
		assert_memory_equal(whole, other, size);
		eg_release(NULL, other);
	}
	eg_release(NULL, whole);
	eg_space_free(s);
	unlink(path);
}

static void differs(const eg_space *s, const eg_search_options *o, const char *message) {
	eg_search *search = NULL;
	eg_error err = {0};
	if (eg_search_open(s, o, &search, &err) != EG_ERR_ARG) fail_msg("not refused: %s, %s", message, err.message);
	assert_null(search);
	if (!strstr(err.message, message)) fail_msg("%s", err.message);
}

static void test_other_search(void **state) {
	(void)state;
	eg_space *s = line();
	const eg_search_options o = {.journal = path, .trials = 3};
	eg_search_options other = o;
	unlink(path);
	run_journal(s, &o, false, 100);
	other.sampler.seed = 7;
	differs(s, &other, "seed was 0 then and is 7 now");
	other = o, other.metric = "accuracy";
	differs(s, &other, "metric was \"loss\" then and is \"accuracy\" now");
	const eg_tuned key = {.path = "a", .high = 2, .now = (double)NAN};
	eg_space *wider;
	assert_int_equal(eg_space_new(&key, 1, &wider, NULL), EG_OK);
	differs(wider, &o, "space.a.range.1 was 1 then and is 2 now");
	other = o, other.trials = 5; /* more of the same */
	run_journal(s, &other, false, 100);
	eg_search *first, *second = NULL;
	eg_error err = {0};
	assert_int_equal(eg_search_open(s, &other, &first, NULL), EG_OK);
	assert_int_equal(eg_search_told(first), 5);
	assert_int_equal(eg_search_open(s, &other, &second, &err), EG_ERR_ARG);
	assert_non_null(strstr(err.message, "another search writes the journal"));
	eg_search_free(first);
	/* Not even one in which nothing is written yet is removed by a search that is refused, nor what is no file. */
	unlink(path);
	assert_int_equal(eg_search_open(s, &o, &first, NULL), EG_OK);
	assert_int_equal(eg_search_open(s, &o, &second, &err), EG_ERR_ARG);
	assert_int_equal(access(path, F_OK), 0);
	eg_search_free(first);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(eg_search_open(s, &o, &second, &err), EG_ERR_IO);
	assert_non_null(strstr(err.message, "give another name"));
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
	spill("{\"trial\": 0}\n", 13);
	assert_int_equal(eg_search_open(s, &o, &second, &err), EG_ERR_ARG);
	spill("no journal\n", 11);
	assert_int_equal(eg_search_open(s, &o, &second, &err), EG_ERR_FORMAT);
	eg_space_free(wider);
	eg_space_free(s);
	unlink(path);
}

/* ---- recipes with other values ----------------------------------------------------------------------------------- */

static void edits(const char *text, const char *const *settings, const char *wanted) {
	char *edited;
	bool commented;
	eg_error err;
	if (eg_recipe_edit(text, strlen(text), "r.yaml", settings, &edited, &commented, &err)) fail_msg("%s", err.message);
	assert_true(commented);
	assert_string_equal(edited, wanted);
	free(edited);
}

#define EDITED(data, hidden, optimizer, batch, more) \
	"# a head\nname: t\ntask: regress\ndata: " data " # few\ninput: [time, 2]\nmodel:\n  - lstm: {hidden: " hidden \
	"}   # remembers\n  - last\n  - linear: 1\ntrain:\n  loss: mse\n  optimizer: " optimizer "\n  batch: " batch " # samples\n" more

#define DATA "{source: adding, steps: 4, count: 50, validation: 0.2}"

static void test_edit(void **state) {
	(void)state;
	edits(ADDING, (const char *const[]){"train.batch=12", "model.0.lstm.hidden=7", NULL},
		EDITED(DATA, "7", "{adam: {lr: 0.01}}", "12", ""));
	edits(ADDING, (const char *const[]){"train.optimizer={sgd: {momentum: 0.9}}", "train.optimizer.sgd.lr=0.5", NULL},
		EDITED(DATA, "4", "{sgd: {momentum: 0.9, lr: 0.5}}", "10", ""));
	edits(ADDING, (const char *const[]){"train.optimizer.adam.beta1=0.8", "model.0.lstm.forget_bias=1", NULL},
		EDITED(DATA, "4, forget_bias: 1", "{adam: {lr: 0.01, beta1: 0.8}}", "10", ""));
	edits(ADDING, (const char *const[]){"train.optimizer=adam", "train.optimizer.adam.lr=0.3", "train.clip_norm=1", NULL},
		EDITED(DATA, "4", "{adam: {lr: 0.3}}", "10", "  clip_norm: 1\n"));
	edits(ADDING, (const char *const[]){"train.schedule.cosine.warmup=1", "data.steps=6", NULL},
		EDITED("{source: adding, steps: 6, count: 50, validation: 0.2}", "4", "{adam: {lr: 0.01}}", "10",
			"  schedule: {cosine: {warmup: 1}}\n"));
	/* Letters of several bytes before it, and a list in lines. */
	edits("name: t # größer\ntask: classify\ndata: mnist # ½\ninput: [1, 28, 28]\nmodel:\n  - flatten\n  - linear:\n      units: 10 # ü\n",
		(const char *const[]){"model.1.linear.units=11", "data.limit=5", NULL},
		"name: t # größer\ntask: classify\ndata: {source: mnist, limit: 5} # ½\ninput: [1, 28, 28]\nmodel:\n  - flatten\n  - "
		"linear:\n      units: 11 # ü\n");
}

/* An alias is another's text: it is written out, without comments, rather than both changed. */
static void test_edit_alias(void **state) {
	(void)state;
	const char *text = "name: t # comment\ntask: regress\ndata: {source: adding, steps: 4, count: 50}\ninput: [time, 2]\n"
	                   "model:\n  - lstm: &a {hidden: 4}\n  - lstm: *a\n  - last\n  - linear: 1\ntrain: {loss: mse}\n";
	char *edited;
	bool commented;
	assert_int_equal(eg_recipe_edit(text, strlen(text), "r.yaml", (const char *const[]){"model.1.lstm.hidden=7", NULL}, &edited,
				 &commented, NULL), EG_OK);
	assert_false(commented);
	eg_recipe *r = accepted(edited, NULL);
	assert_non_null(strstr(edited, "hidden: 4"));
	assert_non_null(strstr(edited, "hidden: 7"));
	eg_recipe_free(r);
	free(edited);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_refused), cmocka_unit_test(test_conditions_refused),
	        cmocka_unit_test(test_guessed), cmocka_unit_test(test_guess_refused), cmocka_unit_test(test_unsaid),
	        cmocka_unit_test(test_chain), cmocka_unit_test(test_points), cmocka_unit_test(test_even), cmocka_unit_test(test_tpe),
	        cmocka_unit_test(test_tpe_conditions), cmocka_unit_test(test_all_points), cmocka_unit_test(test_halving),
	        cmocka_unit_test(test_finalists), cmocka_unit_test(test_journal), cmocka_unit_test(test_other_search),
	        cmocka_unit_test(test_edit), cmocka_unit_test(test_edit_alias)};
	/* Where a thousand lines are soon on the disk. */
	snprintf(path, sizeof path, "%s/engram-tune-%ld.jsonl", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm", (long)getpid());
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
