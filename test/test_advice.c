/* test_advice.c - what is said before a training: layers that a loss contains, or that leave it too little room; one
 * class alone; targets out of reach. And what a network reaches that knows nothing of its input. */
#include "support_tasks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the recipe alone -------------------------------------------------------------------------------------------- */

typedef struct heard {
	char text[2000];
	int n;
} heard;

static void hear(void *user, const char *text) {
	heard *h = user;
	const size_t n = strlen(h->text);
	snprintf(h->text + n, sizeof h->text - n, "%s\n", text);
	h->n++;
}

enum { QUIET, NOTE, REFUSED };

static void advice_is(
	bench *b, const char *input, const char *model, const char *loss, int verdict, const char *words) {
	heard h = {0};
	eg_recipe *r = bench_recipe(b,
	        "name: a\ntask: x\ndata: {source: mnist}\ninput: %s\nmodel: [%s]\ntrain: {loss: %s}\n", input, model,
	        loss);
	eg_status status = eg_recipe_advise(r, hear, &h, &b->err);
	const char *says = status ? b->err.message : h.text;
	int got = status ? REFUSED : h.n ? NOTE : QUIET;
	if (got != verdict) fail_msg("%s, %s: %s", model, loss, got ? says : "nothing is said");
	if (words && !strstr(says, words)) fail_msg("%s, %s: '%s' instead of '%s'", model, loss, says, words);
	if (verdict && !strstr(says, "r.yaml:5:")) fail_msg("%s: '%s' does not say where", model, says);
	eg_recipe_free(r);
}

#define LINEAR "{linear: classes}"
#define SEEN "{conv: {filters: 3, kernel: 1}}"

static void layers_before_losses(void **state) {
	static const struct {
		const char *model, *loss;
		int verdict;
		const char *words;
	} cases[] = {
	        {LINEAR, "cross_entropy", QUIET, NULL},
	        {LINEAR ", softmax", "cross_entropy", REFUSED,
	                "layer 'softmax1' stands before the loss 'cross_entropy', which contains softmax itself"},
	        {LINEAR ", sigmoid", "cross_entropy", REFUSED, "numbers from 0 to 1 only"},
	        {LINEAR ", tanh", "cross_entropy", NOTE, "numbers from -1 to 1 only"},
	        {LINEAR ", relu", "cross_entropy", NOTE, "nothing below 0"},
	        /* what leaves numbers as they are hides nothing */
	        {LINEAR ", {softmax: {name: p}}, dropout, {dropout: 0.1}", "cross_entropy", REFUSED, "layer 'p'"},
	        {LINEAR ", softmax, detach", "cross_entropy", REFUSED, "softmax1"},
	        {SEEN ", {softmax: 1}, flatten", "cross_entropy", REFUSED, "softmax1"},
	        {SEEN ", {softmax: 1}, global_avgpool", "cross_entropy", REFUSED, "softmax1"},
	        {SEEN ", sigmoid, {maxpool: 2}, {upsample: 2}", "cross_entropy", REFUSED, "sigmoid1"},
	        /* and what makes new ones does */
	        {LINEAR ", softmax, " LINEAR, "cross_entropy", QUIET, NULL},
	        {LINEAR ", tanh, " LINEAR, "cross_entropy", QUIET, NULL},
	        {"{linear: {units: classes, name: l}}, {tanh: {name: t}}, {add: {from: [l, t]}}", "cross_entropy",
	                QUIET, NULL},
	        {SEEN ", relu, flatten, " LINEAR, "cross_entropy", QUIET, NULL},
	        /* losses of numbers contain nothing */
	        {LINEAR ", softmax", "mse", QUIET, NULL},
	        {LINEAR ", sigmoid", "l1", QUIET, NULL},
	        {LINEAR ", tanh", "huber", QUIET, NULL},
	        {LINEAR ", relu", "smooth_l1", QUIET, NULL},
	        /* any of several, wherever it judges */
	        {"{linear: {units: classes, name: l}}, {softmax: {name: p}}",
	                "[{cross_entropy: , of: l}, {cross_entropy: , of: p}]", REFUSED, "layer 'p'"},
	        {"{linear: {units: classes, name: l}}, {softmax: {name: p}}",
	                "[{cross_entropy: , of: l}, {mse: , of: p, target: f}]", QUIET, NULL},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		advice_is(*state, "[1, 4, 4]", cases[i].model, cases[i].loss, cases[i].verdict, cases[i].words);
}

static void layers_of_sequences(void **state) {
	static const struct {
		const char *model, *loss;
		int verdict;
	} cases[] = {
	        {"{lstm: 5}, " LINEAR, "cross_entropy", QUIET},
	        {"{lstm: 5}", "cross_entropy", NOTE},
	        {"{gru: 5}", "cross_entropy", NOTE},
	        {"{rnn: 5}, last", "cross_entropy", NOTE},
	        {"{rnn: {hidden: 5, activation: sigmoid}}", "cross_entropy", QUIET}, /* not known to be limited */
	        {"{rnn: {hidden: 5, activation: none}}", "cross_entropy", QUIET},
	        {"{lstm: {hidden: 9, projection: 5}}", "cross_entropy", QUIET},
	        {"{gru: {hidden: 5, bidirectional: true, merge: sum}}", "cross_entropy", QUIET},
	        {LINEAR ", softmax", "ctc", REFUSED},
	        {LINEAR ", softmax", "crf", REFUSED},
	        {LINEAR ", softmax, reverse", "crf", REFUSED},
	        {LINEAR ", softmax, mean_time", "cross_entropy", REFUSED},
	        {LINEAR ", softmax, fold_time, unfold_time", "cross_entropy", REFUSED},
	        {LINEAR, "crf", QUIET},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		advice_is(*state, "[time, 2]", cases[i].model, cases[i].loss, cases[i].verdict, NULL);
	eg_recipe *r = bench_recipe(*state, "name: a\ntask: x\ndata: {source: mnist}\ninput: [time, 2]\nmodel: [" LINEAR
	                                    "]\ntrain: {loss: {crf: {reduction: sum}}}\n");
	bench *b = *state;
	assert_int_equal(eg_recipe_advise(r, hear, &(heard){0}, &b->err), EG_ERR_ARG);
	SAYS(b, "r.yaml:6:");
	eg_recipe_free(r);
}

/* Every operator that says where its output lies lies there: of random numbers, and of large ones. */
static void ranges_hold(void **state) {
	static const struct {
		const char *op;
		const void *options;
	} ops[] = {{"relu", NULL}, {"sigmoid", NULL}, {"tanh", NULL}, {"softmax", NULL}};
	bench *b = *state;
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
		eg_graph *g = eg_graph_new(b->ctx, &b->err);
		eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 9));
		eg_output(g, "y", eg_apply(g, ops[i].op, ops[i].options, &x, 1));
		eg_params *p = eg_params_new(g, 1, &b->err);
		eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = 4}, &b->err);
		if (!plan) fail_msg("%s", b->err.message);
		eg_real *in = eg_plan_input(plan, "x");
		for (int k = 0; k < 36; k++) in[k] = (eg_real)((k % 7 - 3) * pow(10, k % 5 - 2));
		eg_plan_run(plan, 0);
		const eg_range r = eg_op_range(eg_op_find(ops[i].op), ops[i].options);
		assert_int_equal(r.kind, EG_RANGE_LIMITED);
		for (int k = 0; k < 36; k++) {
			double y = (double)eg_plan_output(plan, "y")[k];
			assert_true(y >= r.low && y <= r.high);
		}
		eg_plan_free(plan);
		eg_params_free(p);
		eg_graph_free(g);
	}
	assert_int_equal(eg_op_range(eg_op_find("linear"), NULL).kind, EG_RANGE_ANY);
	assert_int_equal(eg_op_range(eg_op_find("flatten"), NULL).kind, EG_RANGE_OF_INPUT);
}

/* ---- what the data says ------------------------------------------------------------------------------------------ */

static void one_class_alone(void **state) {
	static const struct {
		const char *task, *data, *model, *words;
	} cases[] = {
	        {"classify", "{source: tsv, path: %s/one.tsv}", "{embedding: 3}, last, " LINEAR,
	                "only one class, 'spam'"},
	        {"tag", "{source: conll, path: %s/one.conll}", "{embedding: 3}, " LINEAR, "only one tag, 'O'"},
	        {"language", "{source: text, path: %s/one.txt}", "{embedding: 3}, " LINEAR, "only one character, 'a'"},
	        {"classify", "{source: tsv, path: %s/two.tsv}", "{embedding: 3}, last, " LINEAR, NULL},
	};
	bench *b = *state;
	bench_text(b, "one.tsv", "text\tlabel\nbuy\tspam\nwin\tspam\n");
	bench_text(b, "two.tsv", "text\tlabel\nbuy\tspam\nhi\tham\n");
	bench_text(b, "one.conll", "he\tO\nran\tO\n\n");
	bench_text(b, "one.txt", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char data[300];
		eg_task *t;
		const eg_size *sizes;
		heard h = {0};
		snprintf(data, sizeof data, cases[i].data, b->folder);
		eg_recipe *r = bench_recipe(b, "name: o\ntask: %s\ndata: %s\ninput: [time]\nmodel: [%s]\n",
		        cases[i].task, data, cases[i].model);
		OK(b, eg_task_open(r, &t, &b->err));
		OK(b, eg_task_sizes(t, &sizes, &b->err));
		assert_int_equal(eg_task_advise(t, hear, &h, &b->err), cases[i].words ? EG_ERR_ARG : EG_OK);
		if (cases[i].words) SAYS(b, cases[i].words);
		assert_int_equal(h.n, 0);
		eg_task_free(t);
		eg_recipe_free(r);
	}
}

/* Two classes, but the part to train on has one of them only. */
static void samples_of_one_class(void **state) {
	bench *b = *state;
	heard h = {0};
	bench_text(b, "both.tsv", "text\tlabel\nbuy\tspam\nwin\tspam\nhi\tham\n");
	for (int both = 0; both < 2; both++) {
		eg_recipe *r = bench_recipe(b,
		        "name: o\ntask: classify\ndata: {source: tsv, path: %s/both.tsv%s}\ninput: [time]\n"
		        "model: [{embedding: 3}, last, " LINEAR "]\n",
		        b->folder, both ? "" : ", limit: 1");
		drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
		h.n = 0;
		OK(b, eg_samples_advise(d.samples, hear, &h, &b->err));
		assert_int_equal(h.n, !both);
		if (!both && !strstr(h.text, "are of the class 'ham'")) fail_msg("%s", h.text);
		undraw(&d);
		eg_recipe_free(r);
	}
}

/* One text that is many times as long as the others, and a class that has but one: both are told, with the place. */
static void texts_that_stand_out(void **state) {
	bench *b = *state;
	enum { LONG = 3001 };
	static const struct {
		const char *head, *rows[2], *step, *end, *recipe, *told[2];
	} cases[] = {{"text\tlabel\n", {"a b\tx\n", "c d\ty\n"}, "a ", "\tz\n", "task: classify\ndata: {source: tsv, unit: word, ",
	                     {"rows:22 has 3001 steps, the median 2: the batch", "of 1 of the 3 classes there is at most one text to train on (of 'z' one)"}},
	        {"", {"a\tX\nb\tY\n\n", "a\tX\nb\tX\n\n"}, "a\tX\n", "\n", "task: tag\ndata: {source: conll, ",
	                {"rows:61 has 3001 steps, the median 2: the batch", NULL}}};
	for (int i = 0; i < EG_COUNT(cases); i++) {
		heard h = {0};
		char *rows = calloc(1, 20 * LONG);
		strcat(rows, cases[i].head);
		for (int k = 0; k < 20; k++) strcat(rows, cases[i].rows[k % 2]);
		for (int k = 0; k < LONG; k++) strcat(rows, cases[i].step);
		bench_text(b, "rows", strcat(rows, cases[i].end));
		free(rows);
		eg_recipe *r = bench_recipe(b, "name: o\n%spath: %s/rows}\ninput: [time]\nmodel: [{embedding: 3}, %s" LINEAR "]\n",
		        cases[i].recipe, b->folder, i ? "" : "last, ");
		drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
		OK(b, eg_samples_advise(d.samples, hear, &h, &b->err));
		assert_int_equal(h.n, i ? 1 : 2);
		for (int k = 0; k < h.n; k++)
			if (!strstr(h.text, cases[i].told[k])) fail_msg("%s", h.text);
		undraw(&d);
		eg_recipe_free(r);
	}
}

/* ---- chance ------------------------------------------------------------------------------------------------------ */

static double chance_of(bench *b, const char *head, const char *loss, heard *h) {
	double chance;
	eg_graph *g;
	eg_recipe *r = bench_recipe(b, "name: c\n%s\ntrain: {loss: %s}\n", head, loss);
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	OK(b, eg_recipe_build(r, b->ctx, eg_samples_sizes(d.samples), &g, &b->err));
	OK(b, eg_task_suits(d.task, g, &b->err));
	OK(b, eg_samples_chance(d.samples, g, &chance, &b->err));
	if (h) OK(b, eg_samples_advise(d.samples, hear, h, &b->err));
	eg_graph_free(g);
	undraw(&d);
	eg_recipe_free(r);
	return chance;
}

static void chance_of_classes(void **state) {
	bench *b = *state;
	char head[400];
	bench_text(b, "three.tsv", "text\tlabel\na\tx\nb\ty\nc\tz\n");
	snprintf(head, sizeof head,
	        "task: classify\ndata: {source: tsv, path: %s/three.tsv}\ninput: [time]\nmodel: [{embedding: 3}, "
	        "last, " LINEAR "]",
	        b->folder);
	assert_near(chance_of(b, head, "cross_entropy", NULL), log(3), 1e-12);
	assert_near(chance_of(b, head, "{cross_entropy: {reduction: sum, label_smoothing: 0.3}}", NULL), log(3), 1e-12);
	assert_near(chance_of(b, head, "[{cross_entropy: , weight: 0.5}, {cross_entropy: , weight: 2}]", NULL),
	        2.5 * log(3), 1e-12);
	bench_text(b, "t.conll", "a\tA\nb\tB\n\na\tA\nb\tB\na\tC\nb\tD\n\n");
	snprintf(head, sizeof head,
	        "task: tag\ndata: {source: conll, path: %s/t.conll}\ninput: [time]\nmodel: [{embedding: 3}, " LINEAR
	        "]",
	        b->folder);
	assert_near(chance_of(b, head, "cross_entropy", NULL), log(4), 1e-12);
	assert_near(chance_of(b, head, "crf", NULL), 3 * log(4), 1e-12); /* of 2 and 4 tokens */
}

/* By hand, from the targets themselves. */
static void chance_of_numbers(void **state) {
	enum { N = 50 };
	static const char head[] = "task: regress\ndata: {source: adding, steps: 3, count: 50}\n"
	                           "input: [time, 2]\nmodel: [{rnn: {hidden: 3}}, last, {linear: 1}%s]";
	bench *b = *state;
	char text[300];
	double y[N], mean = 0, square = 0, absolute = 0, huber = 0, low = INFINITY, high = -INFINITY;
	snprintf(text, sizeof text, head, "");
	eg_recipe *r = bench_recipe(b, "name: c\n%s\ntrain: {loss: mse}\n", text);
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	const eg_dataset *data = eg_samples_get(d.samples, EG_PART_TRAIN);
	eg_graph *g;
	OK(b, eg_recipe_build(r, b->ctx, eg_samples_sizes(d.samples), &g, &b->err));
	OK(b, eg_task_suits(d.task, g, &b->err));
	for (uint32_t i = 0; i < N; i++) {
		eg_real x[6], target;
		void *slots[] = {x, &target};
		const eg_fill f = {.items = &i, .n = 1, .time = 3};
		OK(b, data->fill(data->user, &f, slots, &b->err));
		y[i] = (double)target, mean += y[i] / N;
		low = fmin(low, y[i]), high = fmax(high, y[i]);
	}
	eg_graph_free(g);
	undraw(&d);
	eg_recipe_free(r);
	for (int i = 0; i < N; i++) {
		double e = fabs(y[i] - mean), half = 0.25;
		square += e * e / N, absolute += e / N;
		huber += (e < half ? e * e / 2 : half * (e - half / 2)) / N;
	}
	heard h = {0};
	assert_near(chance_of(b, text, "mse", &h), square, 1e-5);
	assert_int_equal(h.n, 0);
	assert_near(chance_of(b, text, "{mse: {reduction: sum}}", NULL), square, 1e-5);
	assert_near(chance_of(b, text, "l1", NULL), absolute, 1e-5);
	assert_near(chance_of(b, text, "{huber: 0.25}", NULL), huber, 1e-5);

	/* Out of reach: sums of two numbers go beyond 1. */
	assert_true(low > 0 && high > 1);
	snprintf(text, sizeof text, head, ", {sigmoid: {name: squeeze}}");
	chance_of(b, text, "mse", &h);
	assert_int_equal(h.n, 1);
	if (!strstr(h.text, "but layer 'squeeze' gives 0 to 1 only")) fail_msg("%s", h.text);
	snprintf(text, sizeof text, head, ", relu");
	chance_of(b, text, "mse", &h);
	assert_int_equal(h.n, 1);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(layers_before_losses),
	        cmocka_unit_test(layers_of_sequences),
	        cmocka_unit_test(ranges_hold),
	        cmocka_unit_test(one_class_alone),
	        cmocka_unit_test(samples_of_one_class),
	        cmocka_unit_test(texts_that_stand_out),
	        cmocka_unit_test(chance_of_classes),
	        cmocka_unit_test(chance_of_numbers),
	};
	return cmocka_run_group_tests(tests, bench_setup, bench_teardown);
}
