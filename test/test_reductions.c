/* test_reductions.c - a loss with `reduction: sum` trains on the sum, and is told as the mean over predictions: in
 * training, in validation, in an evaluation, whatever the batches are. */
#include "support_tasks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { TRAINED = 12, HELD = 4 };

typedef struct seen {
	double loss[8], val_loss[8], evaluated;
	eg_real *weights;
	size_t n;
} seen;

static bool note(void *user, const eg_epoch_report *r) {
	seen *s = user;
	s->loss[r->epoch - 1] = r->loss;
	s->val_loss[r->epoch - 1] = r->val_loss;
	return true;
}

/* Two epochs of plain gradient descent. */
static seen run(bench *b, const char *head, const char *loss, double lr, int batch, int accumulate) {
	seen s = {.evaluated = NAN};
	const eg_train_callbacks callbacks = {.user = &s, .epoch = note};
	eg_graph *g;
	eg_recipe *r = bench_recipe(b,
	        "name: r\n%s\ntrain: {loss: %s, lr: %.9g, batch: %d, accumulate: %d, epochs: 2, seed: 3, keep_last: "
	        "true}\n",
	        head, loss, lr, batch, accumulate);
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	eg_train_config c = *eg_recipe_train(r);
	OK(b, eg_recipe_build(r, b->ctx, eg_samples_sizes(d.samples), &g, &b->err));
	OK(b, eg_task_suits(d.task, g, &b->err));
	eg_params *p = eg_params_new(g, 1, &b->err);
	OK(b, eg_train(g, p, &c, eg_samples_get(d.samples, EG_PART_TRAIN),
	              eg_samples_get(d.samples, EG_PART_VALIDATION), NULL, NULL, &callbacks, NULL, &b->err));
	OK(b, eg_evaluate(g, p, NULL, 3, eg_samples_get(d.samples, EG_PART_VALIDATION), NULL, &s.evaluated, &b->err));
	const eg_real *w = eg_params_flat(p, &s.n);
	s.weights = malloc(s.n * sizeof *w);
	memcpy(s.weights, w, s.n * sizeof *w);
	eg_params_free(p);
	eg_graph_free(g);
	undraw(&d);
	eg_recipe_free(r);
	return s;
}

static void same_run(const seen *a, const seen *b) {
	for (int i = 0; i < 2; i++) {
		assert_near(a->loss[i], b->loss[i], 2e-5);
		assert_near(a->val_loss[i], b->val_loss[i], 2e-5);
	}
	assert_near(a->evaluated, b->evaluated, 2e-5);
	for (size_t i = 0; i < a->n; i++) assert_near((double)a->weights[i], (double)b->weights[i], 2e-5);
}

/* With a sum the rate is the smaller by as many predictions (and numbers of each) as a batch has; then all is as with a
 * mean. Four batches to an update are one of four times the size. */
static void sums_are_told_as_means(bench *b, const char *head, const char *sum, const char *mean, double each) {
	const double lr = 0.02;
	seen s = run(b, head, sum, lr / (TRAINED * each), TRAINED, 1);
	seen four = run(b, head, sum, lr / (TRAINED * each), TRAINED / 4, 4);
	seen m = run(b, head, mean, lr, TRAINED, 1);
	same_run(&s, &m);
	same_run(&four, &m);
	assert_true(m.loss[1] < m.loss[0] && m.loss[1] > 0.01);
	free(s.weights), free(four.weights), free(m.weights);
}

static void classes(void **state) {
	char text[600] = "text\tlabel\n";
	for (int i = 0; i < TRAINED + HELD; i++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "w%d\t%s\n", i % 8, i % 2 ? "odd" : "even");
	bench_text(*state, "t.tsv", text);
	char head[400];
	snprintf(head, sizeof head,
	        "task: classify\ndata: {source: tsv, path: %s/t.tsv, validation: 0.25}\ninput: [time]\n"
	        "model: [{embedding: {count: 20, size: 4, name: e}}, last, {linear: {units: classes, name: l}}]",
	        ((bench *)*state)->folder);
	sums_are_told_as_means(*state, head, "{cross_entropy: {reduction: sum}}", "cross_entropy", 1);
	sums_are_told_as_means(*state, head,
	        "[{cross_entropy: {reduction: sum}, weight: 0.5}, {cross_entropy: {reduction: sum, label_smoothing: "
	        "0.2}}]",
	        "[{cross_entropy: , weight: 0.5}, {cross_entropy: {label_smoothing: 0.2}}]", 1);
}

static void numbers(void **state) {
	static const char head[] = "task: regress\ndata: {source: adding, steps: 3, count: 12, validation: 0.34}\n"
	                           "input: [time, 2]\nmodel: [{rnn: {hidden: 3}}, last, {linear: 1}]";
	static const char *const losses[] = {"mse", "l1", "smooth_l1", "huber", "bce_with_logits", "focal", "hinge",
		"quantile", "poisson_nll", "kl_divergence"};
	for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
		char sum[64];
		snprintf(sum, sizeof sum, "{%s: {reduction: sum}}", losses[i]);
		sums_are_told_as_means(*state, head, sum, losses[i], 1);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(classes), cmocka_unit_test(numbers)};
	return cmocka_run_group_tests(tests, bench_setup, bench_teardown);
}
