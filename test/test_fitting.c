/* test_fitting.c - over- and underfitting: made histories, a verdict each, and what lies just beside each limit; which
 * networks see their training samples disturbed. Trainings with each verdict: cli_fitting.sh. */
#include "support_tasks.h"

#include <math.h>

enum { EPOCHS = 16 };

/* Losses that fall from `from` to `to`, nearly all of it in the first epochs. */
static void falls(double *x, double from, double to) {
	for (int i = 0; i < EPOCHS; i++) x[i] = to + (from - to) * exp(-1.5 * i);
}

typedef struct made {
	double loss[EPOCHS], val[EPOCHS], metric[EPOCHS];
	eg_fitting_history h;
} made;

static eg_fitting judged(made *m) {
	eg_fitting f;
	if (!m->h.epochs) m->h.epochs = EPOCHS;
	m->h.loss = m->loss, m->h.val_loss = m->val;
	eg_fitting_judge(&m->h, &f);
	return f;
}

static made begin(double train, double validation) {
	made m = {.h = {.chance = 2}};
	falls(m.loss, 2, train);
	falls(m.val, 2, validation);
	return m;
}

static void is(made m, eg_fitting_kind kind, const char *words) {
	eg_fitting f = judged(&m);
	if (f.kind != kind) fail_msg("%s instead of %s: %s", eg_fitting_name(f.kind), eg_fitting_name(kind), f.text);
	if (words && !strstr(f.text, words) && !strstr(f.advice, words))
		fail_msg("'%s' and '%s' do not say '%s'", f.text, f.advice, words);
}

static void too_little_is_known(void **state) {
	(void)state;
	made m = begin(0.3, 0.4);
	eg_fitting f;
	m.h.epochs = 2;
	is(m, EG_FITTING_UNKNOWN, NULL);
	m.h.epochs = 3;
	f = judged(&m);
	assert_int_not_equal(f.kind, EG_FITTING_UNKNOWN);
	m = begin(0.3, 0.4);
	m.val[3] = (double)NAN;
	f = judged(&m);
	assert_int_equal(f.kind, EG_FITTING_UNKNOWN);
	assert_int_equal(f.best, 0);
	assert_true(isnan(f.gap) && isnan(f.rise) && isnan(f.fall));
	m = begin(0.3, 0.4);
	m.h.epochs = EPOCHS, m.h.loss = m.loss;
	eg_fitting_judge(&m.h, &f); /* no validation */
	assert_int_equal(f.kind, EG_FITTING_UNKNOWN);
}

static void rises(void **state) {
	(void)state;
	made m = begin(0.1, 0.8);
	for (int i = 8; i < EPOCHS; i++) m.val[i] = 0.8 + 0.05 * (i - 7);
	eg_fitting f = judged(&m);
	assert_int_equal(f.kind, EG_FITTING_OVER);
	assert_int_equal(f.best, 8);
	/* The mean of the last three is 1.15; 1.9 were learnt. */
	assert_true(fabs(f.rise - 0.35 / 1.9) < 1e-4);
	is(m, EG_FITTING_OVER, "lowest after epoch 8 of 16, 0.8, and has risen to 1.15");
	/* A rise of less than a twentieth is none. */
	for (int i = 8; i < EPOCHS; i++) m.val[i] = 0.8 + 0.09 * (i > 8);
	is(m, EG_FITTING_OVER, "at the end the validation loss is");
	/* Nor is one that is within the noise from epoch to epoch. */
	m = begin(0.75, 0.8);
	m.val[EPOCHS - 1] += 0.2;
	is(m, EG_FITTING_NONE, NULL);
	m = begin(0.5, 0.8);
	for (int i = 3; i < EPOCHS; i++) m.val[i] += 0.15 * ((i * 7) % 5 - 2);
	assert_int_not_equal(judged(&m).kind, EG_FITTING_SHORT);
	assert_false(strstr(judged(&m).text, "risen"));
}

static void a_metric_that_goes_on(void **state) {
	static const eg_metric_info accuracy = {.name = "accuracy", .share = true};
	(void)state;
	made m = begin(0.1, 0.8);
	for (int i = 8; i < EPOCHS; i++) m.val[i] = 0.8 + 0.05 * (i - 7);
	for (int i = 0; i < EPOCHS; i++) m.metric[i] = 0.5 + 0.01 * i;
	m.h.metric = m.metric, m.h.metric_info = &accuracy;
	is(m, EG_FITTING_OVER, "accuracy went on from 0.57 to 0.65");
	for (int i = 0; i < EPOCHS; i++) m.metric[i] = 0.5 - 0.01 * i;
	assert_false(strstr(judged(&m).text, "accuracy"));
}

static void far_apart(void **state) {
	(void)state;
	is(begin(0.3, 0.8), EG_FITTING_OVER, "0.8, that of training 0.3");
	is(begin(0.3, 0.42), EG_FITTING_NONE, "no clear sign"); /* 0.12 of 1.7 */
	/* Little in the whole, but more than half of what is left. */
	is(begin(0.03, 0.1), EG_FITTING_OVER, NULL);
	is(begin(0.003, 0.01), EG_FITTING_NONE, NULL); /* but not less than a hundredth */
	made m = begin(0.3, 0.8);
	m.h.disturbed = true;
	is(m, EG_FITTING_OVER, "although its samples are made harder");
	/* Losses may be negative, and the loss of knowing nothing unknown. */
	m = begin(-2, -1);
	m.h.chance = (double)NAN;
	is(m, EG_FITTING_OVER, "-1, that of training -2");
}

static void still_falling(void **state) {
	(void)state;
	made m = begin(0.5, 0.6);
	for (int i = 0; i < EPOCHS; i++) m.val[i] = 1.9 - 0.08 * i, m.loss[i] = 1.85 - 0.08 * i;
	eg_fitting f = judged(&m);
	assert_int_equal(f.kind, EG_FITTING_SHORT);
	assert_int_equal(f.best, EPOCHS);
	assert_true(fabs(f.fall - 4 * 0.08 / (2 - m.loss[EPOCHS - 1])) < 1e-9);
	is(m, EG_FITTING_SHORT, "more epochs");
	is(m, EG_FITTING_SHORT, "by 0.32 in the last quarter of 16 epochs, to 0.7");
}

static void alike(void **state) {
	(void)state;
	is(begin(0.79, 0.8), EG_FITTING_UNDER, "training (0.79) and validation (0.8) are alike");
	is(begin(0.9, 0.8), EG_FITTING_UNDER, "a larger network");
	is(begin(0.09, 0.1), EG_FITTING_NONE, NULL); /* little is left */
	made m = begin(0.9, 0.8);
	m.h.disturbed = true;
	is(m, EG_FITTING_UNDER, "measured with dropout or augmentation");
	is(m, EG_FITTING_UNDER, "less dropout");
	m.h.annealed = true;
	is(m, EG_FITTING_UNDER, "more epochs, since the learning rate ended near 0");
}

static void nothing(void **state) {
	(void)state;
	is(begin(1.95, 1.97), EG_FITTING_NOTHING, "near the 2 of a network that knows nothing");
	is(begin(0.5, 1.97), EG_FITTING_OVER, "holds for the training samples only");
	made m = begin(1.95, 1.97); /* weights that were learnt before, say */
	m.h.chance = (double)NAN;
	is(m, EG_FITTING_NONE, NULL);
}

static void texts_are_whole(void **state) {
	static const eg_metric_info metric = {.name = "a_metric_whose_name_is_as_long_as_any_may_be_and_longer"};
	(void)state;
	made m = begin(0.1, 0.8);
	for (int i = 0; i < EPOCHS; i++) {
		m.loss[i] *= -1.23456e-200;
		m.val[i] = -1.23456e-200 * (i == 3 ? 9 : 1 + 0.001 * i), m.metric[i] = 1.23456e-200 * i;
	}
	m.h.metric = m.metric, m.h.metric_info = &metric, m.h.chance = 1e-200;
	eg_fitting f = judged(&m);
	assert_int_equal(f.kind, EG_FITTING_OVER);
	assert_true(strlen(f.text) + 1 < sizeof f.text && strlen(f.advice) + 1 < sizeof f.advice);
	assert_non_null(strstr(f.text, "surer"));
}

#define ADDING \
	"task: regress\ndata: {source: adding, steps: 4, count: 20, validation: 0.5}\ninput: [time, 2]\n" \
	"train: {loss: mse}\n"
#define INTENT \
	"task: classify\ndata: {source: intents, unit: word, limit: 50}\ninput: [time]\n" \
	"model: [{embedding: 2}, {mean_time: {from: {lengths: lengths}}}, {linear: classes}]\n"

static void what_disturbs(void **state) {
	bench *b = *state;
	static const struct {
		const char *recipe;
		bool yes;
	} cases[] = {
	        {ADDING "model: [{lstm: 2}, last, {linear: 1}]\n", false},
	        {ADDING "model: [{lstm: {hidden: 2, layers: 2, dropout: 0.5}}, last, {linear: 1}]\n", true},
	        {ADDING "model: [{lstm: 2}, last, {dropout: 0.1}, {linear: 1}]\n", true},
	        {ADDING "model: [{lstm: 2}, last, {dropout: 0}, {linear: 1}]\n", false},
	        {ADDING "model: [{cell: {state: {h: 2}, next: {h: z}, layers: [{linear: {units: 2, from: x}}, "
	                "{zoneout: {rate: 0.1, from: [linear1, h], name: z}}]}}, last, {linear: 1}]\n",
	                true},
	        {INTENT, false},
	        {INTENT "augment: [{unit_dropout: 0.1}]\n", true},
	};
	for (size_t i = 0; i < EG_COUNT(cases); i++) {
		eg_graph *g;
		eg_recipe *r = bench_recipe(b, "name: a\n%s", cases[i].recipe);
		drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
		OK(b, eg_recipe_build(r, b->ctx, eg_samples_sizes(d.samples), &g, &b->err));
		if (eg_samples_disturbed(d.samples, g) != cases[i].yes) fail_msg("%s", cases[i].recipe);
		eg_graph_free(g);
		undraw(&d);
		eg_recipe_free(r);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(too_little_is_known), cmocka_unit_test(rises), cmocka_unit_test(a_metric_that_goes_on),
	        cmocka_unit_test(far_apart),           cmocka_unit_test(still_falling), cmocka_unit_test(alike),
	        cmocka_unit_test(nothing),             cmocka_unit_test(texts_are_whole),
	        cmocka_unit_test_setup_teardown(what_disturbs, bench_setup, bench_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
