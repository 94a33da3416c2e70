/* test_ngram.c - n-grams of transcripts: probabilities by the formula and in sum, in a model's file, and what a beam
 * makes of them. */
#include "support_tasks.h"
#include "tasks/ngram.h"

#include <math.h>

static const int32_t texts[][5] = {{1, 2, 1, 2, 3}, {1, 2, 2}, {3, 1, 2, 1}};
static const int sizes[] = {5, 3, 4};

static eg_ngram *learn(int order) {
	eg_ngram *m = eg_ngram_new(order, 3);
	assert_non_null(m);
	for (int i = 0; i < EG_COUNT(texts); i++) assert_true(eg_ngram_add(m, texts[i], sizes[i]));
	assert_true(eg_ngram_done(m));
	return m;
}

static void by_hand(void **state) {
	EG_UNUSED(state);
	/* One label: counts 5, 5, 2 of 12 are those of the longest n-grams here. */
	eg_ngram *m = learn(1);
	const double one = 4.25 / 12 + 0.75 * 3 / 12 / 3, three = 1.25 / 12 + 0.75 * 3 / 12 / 3;
	assert_near(eg_ngram_ln(m, NULL, 0, 1), log(one), 1e-12);
	assert_near(eg_ngram_ln(m, texts[0], 5, 3), log(three), 1e-12);
	eg_ngram_free(m);
	/* Two: 1 is followed by 2 four times, which is all; single ones count what stands before them: 1 behind the
	 * beginning, 2 and 3; 2 behind 1 and 2; 3 behind the beginning and 2. */
	m = learn(2);
	const double p1 = 2.25 / 7 + 0.75 * 3 / 7 / 3, p2 = 1.25 / 7 + 0.75 * 3 / 7 / 3;
	const int32_t before[] = {3, 1};
	assert_near(eg_ngram_ln(m, before, 2, 2), log(3.25 / 4 + 0.75 / 4 * p2), 1e-12);
	assert_near(eg_ngram_ln(m, before, 2, 1), log(0.75 / 4 * p1), 1e-12);
	assert_near(eg_ngram_ln(m, before, 0, 1), log(1.25 / 3 + 0.75 * 2 / 3 * p1), 1e-12); /* begins 2 of 3 */
	eg_ngram_free(m);
}

static void sums_to_one(void **state) {
	EG_UNUSED(state);
	for (int order = 1; order <= EG_NGRAM_MOST; order++) {
		eg_ngram *m = learn(order);
		static const int32_t before[] = {2, 1, 2, 2, 3, 3, 3, 1};
		for (int n = 0; n <= EG_COUNT(before); n++) {
			double sum = 0;
			for (int32_t k = 1; k <= 3; k++) sum += exp(eg_ngram_ln(m, before, n, k));
			assert_near(sum, 1, 1e-12);
		}
		eg_value *kept = value_of("{}");
		eg_ngram *same;
		eg_error err;
		eg_ngram_save(m, kept);
		assert_int_equal(eg_ngram_restore(kept, 3, &same, &err), EG_OK);
		for (int n = 0; n <= EG_COUNT(before); n++)
			for (int32_t k = 1; k <= 3; k++) assert_true(eg_ngram_ln(m, before, n, k) == eg_ngram_ln(same, before, n, k));
		eg_ngram_free(same);
		assert_int_equal(eg_ngram_restore(kept, 2, &same, &err), EG_ERR_FORMAT); /* a label that is none */
		assert_null(same);
		eg_value_free(kept);
		eg_ngram_free(m);
	}
}

static void leave_zero(eg_params *p, const void *user) { EG_UNUSED(p), EG_UNUSED(user); }

/* A network that knows nothing: what is written is what the transcripts were. */
static eg_model *knows_nothing(bench *b, const char *prior) {
	char kept[300];
	eg_recipe *r = bench_recipe(b, "name: line\ntask: transcribe\ndata: {source: digit-lines, beam: 6, %s}\ninput: [1, 32, width]\n"
				       "model: [{transpose: {perm: [3, 0, 1, 2]}}, {flatten: 2}, {linear: classes}]\ntrain: {loss: ctc, seed: 1}\n",
		*prior ? "prior: 2, prior_weight: 3" : "prior: 0");
	snprintf(kept, sizeof kept, "{\"mean\": [0.5], \"std\": [0.5], \"labels\": [\"a\", \"b\"], \"words\": false%s}", prior);
	eg_value *v = value_of(kept);
	eg_model *m = bench_model(b, r, (const eg_size[]){{"classes", 3}, {NULL, 0}}, v, leave_zero, NULL);
	eg_value_free(v);
	eg_recipe_free(r);
	return m;
}

static void in_a_beam(void **state) {
	bench *b = *state;
	static const uint8_t line[32 * 9];
	bench_picture(b, "line.png", 1, 32, 9, line);
	eg_model *m = knows_nothing(b, ", \"prior\": {\"order\": 2, \"grams\": [0, 2, 50, 2, 1, 50, 1, 2, 50]}");
	static const char *const settings[] = {NULL, "prior=0"};
	for (int i = 0; i < EG_COUNT(settings); i++) {
		eg_predictor *p = bench_predictor(b, m, settings[i]);
		const char *text = eg_value_text(eg_value_get(ask(b, p, (eg_question){.path = bench_path(b, "line.png")}), "text"));
		assert_true(strlen(text) > 1);
		assert_true((text[0] == 'b' && !strstr(text, "bb") && !strstr(text, "aa")) == (i == 0));
		eg_predictor_free(p);
	}
	eg_model_free(m);
	m = knows_nothing(b, "");
	eg_predictor *p = bench_predictor(b, m, "prior=1");
	ask_in_vain(b, p, (eg_question){.path = bench_path(b, "line.png")}, "train it with data.prior");
	eg_predictor_free(p);
	eg_model_free(m);
	/* Without a beam there is nothing to be weighed. */
	eg_task *t;
	eg_recipe *r = bench_recipe(b, "name: line\ntask: transcribe\ndata: {source: digit-lines, prior: 2}\ninput: [1, 32, width]\n"
				       "model: [{transpose: {perm: [3, 0, 1, 2]}}, {flatten: 2}, {linear: classes}]\ntrain: {loss: ctc, seed: 1}\n");
	assert_int_not_equal(eg_task_open(r, &t, &b->err), EG_OK);
	SAYS(b, "add a beam, as in `beam: 8`");
	eg_recipe_free(r);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, bench_setup, bench_teardown)
	const struct CMUnitTest tests[] = {CASE(by_hand), CASE(sums_to_one), CASE(in_a_beam)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
