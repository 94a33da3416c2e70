/* test_rate.c - the learning-rate finder: on a quadratic bowl, where the largest stable rate is known; what is left
 * behind; the same bits again; rates that bring NaN; curves that say nothing; all optimizers; groups; its plot. */
#include "engram_ops.h"
#include "engram_report.h"
#include "engram_train.h"
#include "support_tasks.h"

#include <math.h>
#include <stdlib.h>

/* ---- a bowl ------------------------------------------------------------------------------------------------------ */

enum { SAMPLES = 64 };

/* y = w x and a little noise, without which descent would come to rest: the loss is (w - w*)^2 times the mean of x^2,
 * here 1, and that of the noise; its gradient is 2 (w - w*). Plain descent converges below the rate 1 and diverges
 * above. */
static eg_status fill(void *user, const eg_fill *f, void *const *slots, eg_error *err) {
	const eg_real *w = user;
	(void)err;
	for (int i = 0; i < f->n; i++) {
		eg_real x = f->items[i] % 2 ? 1 : -1;
		((eg_real *)slots[0])[i] = x;
		((eg_real *)slots[1])[i] = *w * x + *w * (eg_real)((int)(f->items[i] * 7 % 11) - 5) / 150;
	}
	return EG_OK;
}

typedef struct bowl {
	eg_real target;
	eg_graph *g;
	eg_params *p;
	eg_dataset data;
	eg_train_config config;
} bowl;

static bowl *begin(bench *b, eg_real target) {
	static const char *const inputs[] = {"x", "y", NULL};
	bowl *w = calloc(1, sizeof *w);
	assert_non_null(w);
	w->target = target;
	w->g = eg_graph_new(b->ctx, &b->err);
	eg_tensor x = eg_input(w->g, "x", EG_F32, EG_DIMS(EG_N, 1)), y = eg_input(w->g, "y", EG_F32, EG_DIMS(EG_N, 1));
	eg_tensor said = eg_linear(w->g, x, .units = 1, .no_bias = true);
	eg_output(w->g, "loss", eg_mse(w->g, said, y));
	w->p = eg_params_new(w->g, 1, &b->err);
	if (!w->p) fail_msg("%s", b->err.message);
	w->data = (eg_dataset){.user = &w->target, .count = SAMPLES, .inputs = inputs, .fill = fill};
	w->config = (eg_train_config){.batch = 16, .seed = 1, .optimizer = {.kind = EG_SGD}};
	return w;
}

static void end(bowl *w) {
	eg_params_free(w->p);
	eg_graph_free(w->g);
	free(w);
}

static eg_rate_curve found(bench *b, bowl *w, eg_rate_options o) {
	eg_rate_curve c;
	OK(b, eg_rate_find(w->g, w->p, &w->config, &w->data, &o, &c, &b->err));
	return c;
}

static void the_limit_of_a_bowl(void **state) {
	bench *b = *state;
	bowl *w = begin(b, 3);
	eg_real before = *eg_params_data(w->p, 0);
	eg_rate_curve c = found(b, w, (eg_rate_options){.from = 1e-3, .to = 100, .steps = 400});
	assert_int_equal(c.end, EG_RATE_DIVERGED);
	assert_true(c.n < c.steps);
	/* Rates rise by one factor, and losses are those of this descent. */
	double v = (double)before, at = 3;
	for (int i = 0; i < c.n; i++) {
		assert_true(fabs(c.rate[i] / (1e-3 * pow(1e5, i / 399.0)) - 1) < 1e-9);
		if (fabs(v - at) > 1) assert_true(fabs(c.loss[i] / ((v - at) * (v - at)) - 1) < 0.1);
		v -= c.rate[i] * 2 * (v - at);
	}
	/* It stops soon behind the limit, which the loss rises from. */
	assert_true(c.rate[c.n - 1] > 1 && c.rate[c.n - 1] < 10);
	assert_true(c.lowest > 0 && c.rate[c.lowest] < 2);
	assert_true(c.steepest > 0 && c.steepest < c.lowest);
	assert_true(c.suggested > 0.005 && c.suggested < 0.2);
	assert_true(c.now == 0.01); /* SGD's default */
	assert_true(*eg_params_data(w->p, 0) == before);
	eg_rate_curve_free(&c);
	end(w);
}

static void the_same_bits_again(void **state) {
	bench *b = *state;
	bowl *w = begin(b, 3);
	w->config.optimizer.kind = EG_ADAM;
	eg_rate_curve a = found(b, w, (eg_rate_options){0}), c = found(b, w, (eg_rate_options){0});
	assert_int_equal(a.steps, 200);
	assert_true(fabs(a.rate[0] / 1e-7 - 1) < 1e-9 && fabs(a.rate[199] / 10 - 1) < 1e-9);
	assert_int_equal(a.n, c.n);
	assert_memory_equal(a.loss, c.loss, (size_t)a.n * sizeof *a.loss);
	assert_true(a.suggested == c.suggested);
	eg_rate_curve_free(&a);
	eg_rate_curve_free(&c);
	end(w);
}

static void numbers_that_are_none(void **state) {
	bench *b = *state;
	bowl *w = begin(b, 3e18f); /* its square is about the largest float: one step too far is infinite */
	eg_rate_curve c = found(b, w, (eg_rate_options){.from = 1e-3, .to = 1000, .steps = 20});
	assert_int_equal(c.end, EG_RATE_NOT_FINITE);
	for (int i = 0; i < c.n; i++) assert_true(isfinite(c.smooth[i]));
	assert_true(isfinite((double)*eg_params_data(w->p, 0)));
	eg_rate_curve_free(&c);
	end(w);
}

static void nothing_to_be_learnt(void **state) {
	bench *b = *state;
	bowl *w = begin(b, 3);
	*eg_params_data(w->p, 0) = 3;
	eg_params_changed(w->p);
	eg_rate_curve c = found(b, w, (eg_rate_options){.from = 1e-4, .to = 1e-2});
	assert_int_equal(c.end, EG_RATE_WHOLE);
	assert_int_equal(c.lowest, -1);
	assert_true(isnan(c.suggested));
	eg_rate_curve_free(&c);
	end(w);
}

static void every_optimizer(void **state) {
	bench *b = *state;
	for (int kind = EG_SGD; kind <= EG_MUON; kind++) {
		bowl *w = begin(b, 3);
		w->config.optimizer = (eg_optimizer_config){.kind = (eg_optimizer_kind)kind, .lookahead = kind == EG_ADAM ? 5 : 0};
		eg_rate_curve c = found(b, w, (eg_rate_options){0});
		const double usual = eg_optimizer_lr_of(&w->config.optimizer);
		assert_true(fabs(c.rate[0] / (usual / 1e4) - 1) < 1e-9);
		assert_true(c.rate[c.steps - 1] <= 1000.0001);
		if (!(c.suggested > 0)) fail_msg("optimizer %d: no rate", kind);
		eg_rate_curve_free(&c);
		end(w);
	}
}

/* A group's factor stays: with a tenth of the rate, ten times the rate is suggested. */
static void groups(void **state) {
	bench *b = *state;
	bowl *w = begin(b, 3);
	const eg_rate_options o = {.from = 1e-3, .to = 100, .steps = 400};
	eg_rate_curve c = found(b, w, o);
	eg_param_group slow = {.pattern = "*", .lr = 0.1}, frozen = {.pattern = "*", .frozen = true};
	w->config.optimizer.groups = &slow, w->config.optimizer.ngroups = 1;
	eg_rate_curve d = found(b, w, o);
	assert_true(fabs(log(d.suggested / c.suggested / 10)) < 0.3);
	eg_rate_curve_free(&c);
	eg_rate_curve_free(&d);
	w->config.optimizer.groups = &frozen;
	assert_int_equal(eg_rate_find(w->g, w->p, &w->config, &w->data, &o, &c, &b->err), EG_ERR_ARG);
	SAYS(b, "frozen");
	eg_rate_curve_free(&c);
	end(w);
}

static bool stop_at_seven(void *user, int step) {
	*(int *)user = step;
	return step == 7;
}

static void what_cannot_be(void **state) {
	bench *b = *state;
	bowl *w = begin(b, 3);
	int steps = 0;
	const struct {
		eg_rate_options o;
		eg_status status;
		const char *words;
	} cases[] = {
	        {{.from = 1, .to = 0.1}, EG_ERR_ARG, "rates from 1 to 0.1"},
	        {{.from = -1, .to = 0.1}, EG_ERR_ARG, "begin above 0"},
	        {{.to = 2000}, EG_ERR_ARG, "to 1000 at most"},
	        {{.steps = 5}, EG_ERR_ARG, "5 steps; it takes 20 to"},
	        {{.from = (double)NAN}, EG_ERR_ARG, "begin above 0"},
	        {{.interrupted = stop_at_seven, .user = &steps}, EG_ERR_STOPPED, "after step 7 of 200"},
	};
	const eg_real before = *eg_params_data(w->p, 0);
	for (size_t i = 0; i < EG_COUNT(cases); i++) {
		eg_rate_curve c;
		assert_int_equal(eg_rate_find(w->g, w->p, &w->config, &w->data, &cases[i].o, &c, &b->err), cases[i].status);
		SAYS(b, cases[i].words);
		assert_true(*eg_params_data(w->p, 0) == before);
		eg_rate_curve_free(&c);
	}
	assert_int_equal(steps, 7);
	end(w);
}

static void its_plot(void **state) {
	bench *b = *state;
	bowl *w = begin(b, 3);
	eg_rate_curve c = found(b, w, (eg_rate_options){.from = 1e-3, .to = 100});
	OK(b, eg_rate_plot(bench_path(b, "c.svg"), "a <bowl>", &c, &b->err));
	char *text = bench_read(b, bench_path(b, "c.svg"), NULL);
	assert_non_null(strstr(text, "a &lt;bowl&gt;"));
	assert_non_null(strstr(text, ">now 0.01<"));
	assert_non_null(strstr(text, ">suggested 0.0"));
	assert_non_null(strstr(text, "<tspan"));
	assert_null(strstr(text, "nan"));
	free(text);
	eg_rate_curve_free(&c);
	assert_int_equal(eg_rate_plot(bench_path(b, "d.svg"), "none", &c, &b->err), EG_ERR_ARG);
	end(w);
}

/* Of a recipe, with samples that have steps: the weights are the same to the bit afterwards. */
static void of_a_recipe(void **state) {
	bench *b = *state;
	eg_graph *g;
	eg_rate_curve c;
	eg_recipe *r = bench_recipe(b,
	        "name: a\ntask: regress\ndata: {source: adding, steps: 8, count: 200}\ninput: [time, 2]\n"
	        "model: [{gru: 8}, {dropout: 0.1}, last, {linear: 1}]\n"
	        "train: {loss: mse, optimizer: adam, batch: 16, clip_norm: 1, accumulate: 2, average: 0.99, schedule: cosine}\n");
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	OK(b, eg_recipe_build(r, b->ctx, eg_samples_sizes(d.samples), &g, &b->err));
	OK(b, eg_task_suits(d.task, g, &b->err));
	eg_params *p = eg_params_new(g, 1, &b->err);
	size_t n;
	const eg_real *weights = eg_params_flat(p, &n);
	eg_real *before = malloc(n * sizeof *before);
	memcpy(before, weights, n * sizeof *before);
	OK(b, eg_rate_find(g, p, eg_recipe_train(r), eg_samples_get(d.samples, EG_PART_TRAIN), NULL, &c, &b->err));
	assert_memory_equal(before, weights, n * sizeof *before);
	assert_true(c.suggested > 1e-4 && c.suggested < 0.1);
	free(before);
	eg_rate_curve_free(&c);
	eg_params_free(p);
	eg_graph_free(g);
	undraw(&d);
	eg_recipe_free(r);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(the_limit_of_a_bowl), cmocka_unit_test(the_same_bits_again),
	        cmocka_unit_test(numbers_that_are_none), cmocka_unit_test(nothing_to_be_learnt),
	        cmocka_unit_test(every_optimizer), cmocka_unit_test(groups), cmocka_unit_test(what_cannot_be),
	        cmocka_unit_test(its_plot), cmocka_unit_test(of_a_recipe),
	};
	return cmocka_run_group_tests(tests, bench_setup, bench_teardown);
}
