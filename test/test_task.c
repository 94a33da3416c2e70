/* test_task.c - tasks: a recipe's data section becomes samples, samples a model, a model metrics and answers to all its
 * samples.
 *
 * Not here: questions (test_answers.c), the tasks one by one (test_language.c, test_tag.c, test_segmenter.c),
 * several inputs (test_inputs.c). */
#include "halves_bed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the table and the section ----------------------------------------------------------------------------------- */

typedef struct listed {
	int n;
	bool top, sure;
} listed;

static void take_option(void *user, const eg_option *o) {
	listed *l = user;
	l->n++;
	assert_true(o->doc && *o->doc);
	if (!strcmp(o->name, "top")) l->top = !strcmp(o->value, "N");
	if (!strcmp(o->name, "sure")) l->sure = !strcmp(o->value, "NUMBER");
}

static void table_of_tasks(void **state) {
	static const struct {
		const char *name;
		unsigned abilities;
		bool top, sure;
	} want[] = {{"classify", 0, true, true}, {"segment", EG_ABLE_SEGMENT, false, false}, {"tag", 0, false, false},
	        {"language", EG_ABLE_GENERATE, true, false}, {"regress", 0, false, false}};
	bench *b = *state;
	for (int k = 0; k < EG_COUNT(want); k++) {
		int found = -1;
		listed l = {0};
		for (int i = 0; i < eg_task_count(); i++)
			if (!strcmp(eg_task_at(i)->name, want[k].name)) found = i;
		assert_true(found >= 0);
		const eg_task_info *t = eg_task_at(found);
		assert_true(*t->doc && *t->takes && *t->answer && *t->judged);
		assert_int_equal(t->abilities, want[k].abilities);
		OK(b, eg_task_options(found, take_option, &l, &b->err));
		assert_true(l.top == want[k].top && l.sure == want[k].sure);
	}
	assert_string_equal(eg_task_at(0)->name, "classify");
	assert_null(eg_task_at(-1));
	assert_null(eg_task_at(eg_task_count()));
	assert_int_equal(eg_task_options(eg_task_count(), take_option, NULL, &b->err), EG_ERR_ARG);
	eg_recipe *r = bench_recipe(
	        b, "name: a\ntask: clasify\ndata: mnist\ninput: [1, 28, 28]\nmodel: [flatten, {linear: classes}]\n");
	eg_task *t;
	assert_int_equal(eg_task_open(r, &t, &b->err), EG_ERR_FORMAT);
	assert_null(t);
	assert_string_equal(b->err.message, "r.yaml:2:7: no task 'clasify'; did you mean 'classify'?");
	eg_recipe_free(r);
}

static const char *source_of(const eg_task *t) { return eg_source_info(eg_task_source(t))->name; }

static void task_of_a_recipe(void **state) {
	bench *b = *state;
	eg_task *t;
	const eg_size *sizes;
	eg_recipe *r = halves(b, "");
	OK(b, eg_task_open(r, &t, &b->err));
	assert_string_equal(eg_task_kind(t)->name, "classify");
	assert_string_equal(source_of(t), "idx");
	assert_string_equal(eg_task_unit(t, true), "picture");
	assert_string_equal(eg_task_unit(t, false), "pictures");
	assert_int_equal(eg_task_eval_part(t), EG_PART_TEST);
	OK(b, eg_task_sizes(t, &sizes, &b->err)); /* the labels say */
	assert_string_equal(sizes[0].name, "classes");
	assert_true(sizes[0].size == 2 && !sizes[1].name);
	OK(b, eg_task_fits(t, &b->err));
	assert_string_equal(eg_task_metric(t, 0)->name, "accuracy");
	assert_true(!eg_task_metric(t, -1) && !eg_task_metric(t, 5));
	OK(b, eg_task_sizes_guess(t, 7, &sizes, &b->err)); /* where there are no files to look at */
	assert_true(!strcmp(sizes[0].name, "classes") && sizes[0].size == 7 && !sizes[1].name && sizes[1].size == 1);
	assert_int_equal(eg_task_sizes_guess(t, 0, &sizes, &b->err), EG_ERR_ARG);

	assert_int_equal(eg_task_set_source(t, "mnits", NULL, &b->err), EG_ERR_ARG);
	assert_string_equal(b->err.message, "no data source 'mnits'; did you mean 'mnist'?");
	assert_int_equal(eg_task_set_source(t, "adding", NULL, &b->err), EG_ERR_ARG);
	SAYS(b, "the task 'classify' needs something to be told (a picture, a text, numbers) with a label; a record of "
	        "the source 'adding' has: "
	        "input (series), target (numbers)");
	assert_string_equal(source_of(t), "idx"); /* as it was */
	OK(b, eg_task_sizes(t, &sizes, &b->err));
	assert_int_equal(sizes[0].size, 2);
	OK(b, eg_task_set_source(t, NULL, NULL, &b->err));
	assert_string_equal(source_of(t), "idx");
	OK(b, eg_task_set_source(t, "mnist", NULL, &b->err));
	assert_string_equal(source_of(t), "mnist");
	OK(b, eg_task_sizes(t, &sizes, &b->err));
	assert_int_equal(sizes[0].size, 10);
	assert_int_equal(eg_task_fits(t, &b->err), EG_ERR_SHAPE);
	SAYS(b, "r.yaml:9:8: source 'mnist': its pictures are 1 x 28 x 28; write input: [1, 28, 28]");
	eg_task_free(t);
	eg_recipe_free(r);
	eg_task_free(NULL);
}

static void refuse(bench *b, const char *more, const char *message) {
	eg_task *t;
	eg_recipe *r = halves(b, more);
	assert_int_not_equal(eg_task_open(r, &t, &b->err), EG_OK);
	assert_null(t);
	SAYS(b, message);
	eg_recipe_free(r);
}

static void refuses_sections(void **state) {
	bench *b = *state;
	eg_task *t;
	refuse(b, "  lables: x\n", "r.yaml:9:3: unknown key 'lables' in 'data'; did you mean 'labels'?");
	refuse(b, "  mean: 0.5\n", "r.yaml:9:9: give both 'mean' and 'std'");
	refuse(b, "  std: 0.5\n", "r.yaml:9:8: give both 'mean' and 'std'");
	refuse(b, "  classes: 3\n  class_names: [a, b]\n", "as many names as there are classes, 3; it has 2");
	refuse(b, "  class_names: up\n", "r.yaml:9:16: 'class_names' in 'data' must be a list of texts, not 'up'");
	refuse(b, "  class_names: []\n", "'class_names'");
	refuse(b, "  min_count: 2\n", "r.yaml:9:3: unknown key 'min_count' in 'data'"); /* it is one of texts */
	static const struct {
		const char *data, *loss, *message;
	} cases[] = {
	        {"{validation: 0.1}", "", "r.yaml:3:7: 'data' needs 'source'"},
	        {"{source: minst}", "", "r.yaml:3:16: no data source 'minst'; did you mean 'mnist'?"},
	        {"{source: adding}", "", "r.yaml:3:16: the task 'classify' needs"},
	        {"mnist", ", loss: {cross_entropy: , target: lable}",
	                "a record of the source 'mnist' has no field 'lable'; it has: picture, label"},
	        {"mnist", ", loss: {cross_entropy: , target: picture}",
	                "field 'picture' of the source 'mnist' is none of them"},
	        {"mnist", ", loss: {cross_entropy: {ignore_index: 3}}", "leave 'ignore_index' out"},
	};
	for (int i = 0; i < EG_COUNT(cases); i++) {
		eg_recipe *r = bench_recipe(b,
		        "name: a\ntask: classify\ndata: %s\ninput: [1, 28, 28]\nmodel: " LINEAR
		        "\ntrain: {epochs: 1%s}\n",
		        cases[i].data, cases[i].loss);
		assert_int_not_equal(eg_task_open(r, &t, &b->err), EG_OK);
		assert_null(t);
		SAYS(b, cases[i].message);
		eg_recipe_free(r);
	}
}

/* ---- samples ----------------------------------------------------------------------------------------------------- */

static void samples_are_cut(void **state) {
	bench *b = *state;
	eg_recipe *r = halves(b, NAMED);
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN}),
	      test = draw(b, r, (eg_samples_options){.part = EG_PART_TEST});
	const eg_value *kept = eg_samples_kept(d.samples);
	assert_int_equal(eg_samples_count(d.samples, EG_PART_TRAIN), 48);
	assert_int_equal(eg_samples_count(d.samples, EG_PART_VALIDATION), 12);
	assert_int_equal(eg_samples_count(d.samples, EG_PART_TEST), 0);
	assert_int_equal(eg_samples_units(d.samples, EG_PART_TRAIN), 48);
	assert_int_equal(eg_samples_count(test.samples, EG_PART_TEST), TEST);
	assert_null(eg_samples_get(test.samples, EG_PART_TRAIN));
	assert_int_equal(eg_samples_sizes(d.samples)[0].size, 2);
	assert_value(eg_value_get(kept, "classes"), "[\"up\", \"down\"]");
	assert_true(eg_value_count(eg_value_get(kept, "mean")) == 1 && eg_value_count(eg_value_get(kept, "std")) == 1);
	assert_true(
	        number_at(kept, "mean", 0) > 0.1 && number_at(kept, "mean", 0) < 0.5 && number_at(kept, "std", 0) > 0);
	assert_same(eg_samples_kept(test.samples), kept); /* measured on the training part */
	assert_true(eg_value_number(eg_value_get(kept, "border"), NAN) == 0);
	assert_value(eg_value_get(kept, "borders"), "[0, 0]");
	undraw(&d);
	undraw(&test);
	eg_recipe_free(r);

	r = halves(b, "  limit: 10\n  mean: 0.25\n  std: [0.5]\n");
	d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	assert_int_equal(eg_samples_count(d.samples, EG_PART_TRAIN), 10);
	assert_null(eg_samples_get(d.samples, EG_PART_VALIDATION));
	kept = eg_samples_kept(d.samples);
	assert_true(number_at(kept, "mean", 0) == 0.25 && number_at(kept, "std", 0) == 0.5);
	assert_value(eg_value_get(kept, "classes"), "[\"0\", \"1\"]");
	undraw(&d);
	eg_samples_free(NULL);
	eg_recipe_free(r);
}

/* What the pictures of a data set are as numbers, and their labels. */
static void fill_one(bench *b, const eg_dataset *d, uint32_t item, eg_real *x, int32_t *label) {
	OK(b, d->fill(d->user, &(eg_fill){.items = &item, .n = 1, .epoch = -1}, (void *[]){x, label}, &b->err));
}

static eg_graph *suited(bench *b, const drawn *d, const eg_recipe *r) {
	eg_graph *g;
	OK(b, eg_recipe_build(r, b->ctx, eg_samples_sizes(d->samples), &g, &b->err));
	OK(b, eg_task_suits(d->task, g, &b->err));
	return g;
}

/* Mean and deviation of what is trained on are 0 and 1, of the training part alone. */
static void statistics_are_those_of_training(void **state) {
	bench *b = *state;
	eg_real x[PIXELS];
	int32_t label;
	eg_recipe *r = halves(b, NAMED);
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	const eg_dataset *data = eg_samples_get(d.samples, EG_PART_TRAIN);
	eg_error err;
	uint32_t first = 0;
	assert_int_equal(
	        data->fill(data->user, &(eg_fill){.items = &first, .n = 1, .epoch = -1}, (void *[]){x, &label}, &err),
	        EG_ERR_ARG);
	assert_non_null(strstr(err.message, "call eg_task_suits before"));
	eg_graph *g = suited(b, &d, r);
	double sum = 0, squares = 0;
	int up = 0;
	for (uint32_t i = 0; i < 48; i++) {
		fill_one(b, data, i, x, &label);
		up += label == 0;
		for (int k = 0; k < PIXELS; k++) sum += (double)x[k], squares += (double)x[k] * (double)x[k];
	}
	assert_int_equal(up, 24); /* of each class as many */
	assert_near(sum / 48 / PIXELS, 0, 1e-5);
	assert_near(squares / 48 / PIXELS, 1, 1e-5);
	eg_graph_free(g);
	undraw(&d);
	eg_recipe_free(r);
}

/* Each of the training records validates in exactly one fold, and trains in the others; classes are cut alike. */
static void folds_cover_everything(void **state) {
	enum { FOLDS = 4 };
	bench *b = *state;
	int seen[TRAIN] = {0};
	uint8_t pixels[PIXELS];
	eg_real x[PIXELS];
	int32_t label;
	eg_recipe *r = halves(b, "  validation: 0.5\n  mean: 0\n  std: 1\n");
	for (int fold = 0; fold < FOLDS; fold++) {
		drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN, .folds = FOLDS, .fold = fold});
		eg_graph *g = suited(b, &d, r);
		int up = 0, found = 0;
		assert_int_equal(eg_samples_count(d.samples, EG_PART_TRAIN), TRAIN - TRAIN / FOLDS);
		assert_int_equal(eg_samples_count(d.samples, EG_PART_VALIDATION), TRAIN / FOLDS);
		for (uint32_t i = 0; i < TRAIN / FOLDS; i++) {
			fill_one(b, eg_samples_get(d.samples, EG_PART_VALIDATION), i, x, &label);
			up += label == 0;
			for (int k = 0; k < TRAIN;
			        k++) { /* pictures i and i + 100 are the same, but there are only 60 */
				draw_half(pixels, k % 2, k);
				bool same = label == k % 2;
				for (int j = 0; j < PIXELS && same; j++) same = lround((double)x[j] * 255) == pixels[j];
				seen[k] += same;
				found += same;
			}
		}
		assert_int_equal(found, TRAIN / FOLDS);
		assert_true(up == 7 || up == 8);
		eg_graph_free(g);
		undraw(&d);
	}
	for (int k = 0; k < TRAIN; k++) assert_int_equal(seen[k], 1);
	eg_task *t;
	eg_samples *s;
	OK(b, eg_task_open(r, &t, &b->err));
	assert_int_equal(eg_samples_load(t, &(eg_samples_options){.folds = 61}, &s, &b->err), EG_ERR_ARG);
	assert_null(s);
	SAYS(b, "60 samples cannot make 61 folds");
	assert_int_equal(eg_samples_load(t, &(eg_samples_options){.folds = 4, .fold = 4}, &s, &b->err), EG_ERR_ARG);
	eg_task_free(t);
	eg_recipe_free(r);
}

/* ---- evaluation -------------------------------------------------------------------------------------------------- */

static void evaluates(void **state) {
	static const char *const names[] = {"accuracy", "top3", "top5", "macro_f1", "loss"};
	bench *b = *state;
	eg_evaluation *e;
	eg_recipe *r = halves(b, NAMED);
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	eg_model *m = bench_train(b, r, &d);
	drawn test = draw_for(b, m, EG_PART_TEST, NULL, NULL);
	assert_string_equal(eg_task_outputs(test.task, eg_model_graph(m))[0], "logits");
	OK(b, eg_evaluation_run(m, test.samples, EG_PART_TEST, 16, &e, &b->err));
	assert_int_equal(eg_evaluation_count(e), 5);
	for (int i = 0; i < 5; i++) {
		assert_string_equal(eg_evaluation_metric(e, i)->name, names[i]);
		assert_true(eg_evaluation_value(e, i) == eg_evaluation_find(e, names[i]));
		assert_true(eg_value_number(eg_value_get(eg_evaluation_result(e), names[i]), NAN) ==
		            eg_evaluation_value(e, i));
	}
	assert_true(eg_evaluation_metric(e, 0)->share && eg_evaluation_metric(e, 4)->lower_is_better);
	assert_null(eg_evaluation_metric(e, 5));
	assert_true(isnan(eg_evaluation_value(e, -1)) && isnan(eg_evaluation_find(e, "wer")));
	assert_true(eg_evaluation_find(e, "accuracy") == 1 && eg_evaluation_find(e, "loss") < 0.5);
	assert_value(eg_value_get(eg_evaluation_result(e), "confusion"), "[[10, 0], [0, 10]]");
	assert_value(eg_value_get(eg_evaluation_result(e), "per_class"),
	        "[{\"class\": \"up\", \"n\": 10, \"precision\": 1, \"recall\": 1, \"f1\": 1}, "
	        "{\"class\": \"down\", \"n\": 10, \"precision\": 1, \"recall\": 1, \"f1\": 1}]");
	assert_int_equal(eg_evaluation_total(e), TEST);
	eg_evaluation_free(e);
	OK(b, eg_evaluation_run(m, d.samples, EG_PART_VALIDATION, 5, &e, &b->err));
	assert_int_equal(eg_evaluation_total(e), 12);
	eg_evaluation_free(e);
	eg_evaluation_free(NULL);
	assert_int_equal(eg_evaluation_run(m, test.samples, EG_PART_VALIDATION, 5, &e, &b->err), EG_ERR_ARG);
	assert_null(e);
	SAYS(b, "there are no validation pictures");
	assert_int_equal(eg_evaluation_run(m, d.samples, EG_PART_TEST, 5, &e, &b->err), EG_ERR_ARG);
	SAYS(b, "have not been loaded");
	undraw(&test);
	undraw(&d);
	eg_model_free(m);
	eg_recipe_free(r);
}

/* Weights of a network [flatten, {linear: classes}] that always says the class in *user. */
static void always(eg_params *p, const void *user) { eg_params_data(p, 1)[*(const int *)user] = 3; }

/* Metrics by hand: who always says "down" is right in half of all cases. */
static void counts_what_is_wrong(void **state) {
	bench *b = *state;
	eg_model *m = bench_weigh_all(b, halves(b, NAMED), always, &(int){1});
	eg_evaluation *e = bench_evaluate(b, m, EG_PART_TEST, NULL, NULL);
	assert_true(eg_evaluation_find(e, "accuracy") == 0.5 && eg_evaluation_find(e, "top3") == 1);
	assert_near(eg_evaluation_find(e, "macro_f1"), (0 + 2.0 / 3) / 2, 1e-12);
	assert_near(eg_evaluation_find(e, "loss"), log(1 + exp(3)) - 1.5, 1e-5);
	assert_value(eg_value_get(eg_evaluation_result(e), "confusion"), "[[0, 10], [0, 10]]");
	eg_evaluation_free(e);
	eg_model_free(m);
}

/* Pictures in FOLDER/NAME/test/CLASS and train/CLASS, `n` of each. */
static void write_classes(bench *b, const char *folder, const char *up, const char *down, int n) {
	uint8_t pixels[PIXELS];
	char name[100];
	for (int i = 0; i < 2 * n; i++)
		for (int test = 0; test < 2; test++) {
			draw_half(pixels, i % 2, i);
			snprintf(name, sizeof name, "%s/%s/%s/%d.png", folder, test ? "test" : "train",
			        i % 2 ? down : up, i);
			bench_picture(b, name, 1, SIDE, SIDE, pixels);
		}
}

/* Another source calls the same classes by the same names, whatever their numbers: here they are sorted. */
static void classes_meet_by_name(void **state) {
	bench *b = *state;
	eg_model *m = bench_train_all(b, halves(b, NAMED));
	write_classes(b, "set", "up", "down", 3);
	write_classes(b, "odd", "up", "dwon", 3);
	write_classes(b, "strange", "up", "left", 3);
	for (int named = 0; named < 2; named++) {
		eg_evaluation *e = bench_evaluate(b, m, EG_PART_TEST, named ? "folder" : NULL, bench_path(b, "set"));
		assert_true(eg_evaluation_find(e, "accuracy") == 1);
		assert_value(eg_value_get(eg_evaluation_result(e), "confusion"), "[[3, 0], [0, 3]]");
		eg_evaluation_free(e);
	}
	refuse_samples(b, m, EG_PART_TEST, "folder", bench_path(b, "odd"),
	        "the data has a class 'dwon', which is not among the 2 that the model knows (is it 'down'?)");
	refuse_samples(b, m, EG_PART_TEST, "folder", bench_path(b, "strange"),
	        "the data has a class 'left', which is not among the 2 that the model knows (up, ...)");
	eg_model_free(m);
}

/* ---- answers to all samples -------------------------------------------------------------------------------------- */

typedef struct counted {
	int64_t n, stop;
	bool seen[TRAIN];
	int right;
} counted;

static bool count_one(void *user, const eg_answered *a) {
	counted *c = user;
	const char *truth = class_of(a->truth);
	char number[20];
	assert_true(a->index >= 0 && a->index < TRAIN && !c->seen[a->index]);
	c->seen[a->index] = true;
	snprintf(number, sizeof number, "%d", (int)a->index);
	assert_string_equal(a->id, number); /* idx: its number in its part */
	assert_null(a->group);
	assert_string_equal(truth, a->index % 2 ? "down" : "up");
	assert_int_equal(eg_value_count(eg_value_get(a->answer, "classes")), 2);
	c->right += !strcmp(class_of(a->answer), truth);
	return ++c->n != c->stop;
}

static void answers_each_sample_once(void **state) {
	bench *b = *state;
	eg_model *m = bench_weigh_all(b, halves(b, "  class_names: [up, down]\n"), always, &(int){0});
	eg_predictor *p = bench_predictor(b, m, NULL);
	for (int part = EG_PART_TRAIN; part <= EG_PART_TEST; part += 2) {
		counted c = {0};
		drawn d = draw_for(b, m, (eg_part)part, NULL, NULL);
		int64_t n = part == EG_PART_TRAIN ? TRAIN : TEST;
		OK(b, eg_samples_answer(p, d.samples, (eg_part)part, count_one, &c, &b->err));
		assert_int_equal(c.n, n);
		assert_int_equal(c.right, n / 2);
		c = (counted){.stop = 5};
		assert_int_equal(
		        eg_samples_answer(p, d.samples, (eg_part)part, count_one, &c, &b->err), EG_ERR_STOPPED);
		assert_int_equal(c.n, 5);
		assert_int_equal(
		        eg_samples_answer(p, d.samples, EG_PART_VALIDATION, count_one, &c, &b->err), EG_ERR_ARG);
		SAYS(b, "no validation pictures");
		undraw(&d);
	}
	eg_predictor_free(p);
	eg_model_free(m);
}

/* ---- losses and sizes -------------------------------------------------------------------------------------------- */

#define HEADS \
	"[flatten, {linear: {units: 5, name: body}}, {linear: {units: classes, name: main}}, {linear: {units: " \
	"classes, name: side, from: body}}]"

/* Two losses of one target: the objective is their sum, and the first one's layer answers. */
static void two_losses_of_one_target(void **state) {
	bench *b = *state;
	static const char *const outputs[] = {"loss", "loss.1", "loss.2", NULL};
	eg_recipe *r = halves_with(
	        b, NAMED, HEADS, ", loss: [{cross_entropy: , of: main}, {cross_entropy: , of: side, weight: 0.5}]");
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	eg_model *m = bench_train(b, r, &d);
	eg_evaluation *e = bench_evaluate(b, m, EG_PART_TEST, NULL, NULL);
	assert_true(eg_evaluation_find(e, "accuracy") == 1);
	eg_plan *plan = eg_plan_new(
	        eg_model_graph(m), eg_model_params(m), &(eg_plan_options){.batch = 1, .outputs = outputs}, &b->err);
	assert_non_null(plan);
	drawn test = draw_for(b, m, EG_PART_TEST, NULL, NULL);
	OK(b, eg_task_suits(test.task, eg_model_graph(m), &b->err));
	double sum = 0;
	for (uint32_t i = 0; i < TEST; i++) {
		fill_one(b, eg_samples_get(test.samples, EG_PART_TEST), i, eg_plan_input(plan, "input"),
		        eg_plan_input(plan, "target"));
		eg_plan_run(plan, 0);
		double all = (double)*eg_plan_output(plan, "loss"), one = (double)*eg_plan_output(plan, "loss.1"),
		       two = (double)*eg_plan_output(plan, "loss.2");
		assert_true(one > 0 && two > 0);
		assert_near(all, one + two / 2, 1e-6);
		sum += all;
	}
	assert_near(eg_evaluation_find(e, "loss"), sum / TEST, 1e-5);
	eg_plan_free(plan);
	eg_evaluation_free(e);
	undraw(&test);
	undraw(&d);
	eg_model_free(m);
	eg_recipe_free(r);
}

/* A target may be called by its name, which is then in the names of inputs and sizes. */
static void a_target_by_its_name(void **state) {
	bench *b = *state;
	eg_model *plain = bench_train_all(b, halves(b, NAMED));
	eg_model *named = bench_train_all(b, halves_with(b, NAMED, LINEAR, ", loss: {cross_entropy: , target: label}"));
	eg_predictor *p = bench_predictor(b, plain, NULL), *q = bench_predictor(b, named, NULL);
	quiz *z = make_quiz();
	for (int i = 0; i < 5; i++) assert_same(ask(b, p, z->questions[i]), ask(b, q, z->questions[i]));
	eg_evaluation *e = bench_evaluate(b, named, EG_PART_TEST, NULL, NULL);
	assert_true(eg_evaluation_find(e, "accuracy") == 1);
	eg_evaluation_free(e);
	free(z);
	eg_predictor_free(p);
	eg_predictor_free(q);
	eg_model_free(plain);
	eg_model_free(named);
}

static void sizes_are(bench *b, const char *task, const char *data, const char *want) {
	eg_task *t;
	const eg_size *sizes;
	char text[200] = "";
	eg_recipe *r = bench_recipe(b,
	        "name: a\ntask: %s\ndata: {%s}\ninput: [time]\nmodel: [{linear: classes}]\ntrain: {loss: %s}\n", task,
	        data, !strcmp(task, "tag") ? "crf" : "cross_entropy");
	OK(b, eg_task_open(r, &t, &b->err));
	OK(b, eg_task_sizes(t, &sizes, &b->err));
	for (; sizes->name; sizes++)
		snprintf(text + strlen(text), sizeof text - strlen(text), "%s %d;", sizes->name, sizes->size);
	assert_string_equal(text, want);
	eg_task_free(t);
	eg_recipe_free(r);
}

/* What words in layers stand for, by the data that is trained on. */
static void sizes_have_words(void **state) {
	bench *b = *state;
	char data[300];
	bench_text(b, "t.tsv", "text\tlabel\nabba b\tx\nabc d\ty\nb ab\tz\n");
	bench_text(b, "t.conll", "a\tO\nb\tB-X\nc\tO\n\na\tI-X\n");
	snprintf(data, sizeof data, "source: tsv, path: %s", bench_path(b, "t.tsv"));
	sizes_are(b, "classify", data, "units 6;classes 3;"); /* five characters, and the unknown one */
	snprintf(data, sizeof data, "source: tsv, path: %s, unit: word, min_count: 2", bench_path(b, "t.tsv"));
	sizes_are(b, "classify", data, "units 2;classes 3;"); /* b, and the unknown word */
	snprintf(data, sizeof data, "source: conll, path: %s", bench_path(b, "t.conll"));
	sizes_are(b, "tag", data, "units 4;classes 3;");
	snprintf(data, sizeof data, "source: conll, path: %s, min_count: 2", bench_path(b, "t.conll"));
	sizes_are(b, "tag", data, "units 2;classes 3;");
	snprintf(data, sizeof data, "source: text, path: %s", bench_path(b, "t.conll"));
	sizes_are(b, "language", data, "units 10;classes 10;");
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(table_of_tasks),
	        cmocka_unit_test(task_of_a_recipe),
	        cmocka_unit_test(refuses_sections),
	        cmocka_unit_test(samples_are_cut),
	        cmocka_unit_test(statistics_are_those_of_training),
	        cmocka_unit_test(folds_cover_everything),
	        cmocka_unit_test(evaluates),
	        cmocka_unit_test(counts_what_is_wrong),
	        cmocka_unit_test(classes_meet_by_name),
	        cmocka_unit_test(answers_each_sample_once),
	        cmocka_unit_test(two_losses_of_one_target),
	        cmocka_unit_test(a_target_by_its_name),
	        cmocka_unit_test(sizes_have_words),
	};
	return cmocka_run_group_tests(tests, halves_setup, bench_teardown);
}
