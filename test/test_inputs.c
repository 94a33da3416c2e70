/* test_inputs.c - networks with several inputs and targets, and records that belong together. No source that there is
 * has such records, so a small one is put here in the place of `adding`: the linker takes this file's before the
 * library's.
 *
 * A record has a picture, three numbers, a series of one to five steps, two labels and two more numbers; all are
 * functions of its number, and records of one group follow each other. */
#include "data/data.h"
#include "support_tasks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { SKETCH, FACTS, STORY, KIND, MOOD, WORTH, FIELDS, TRAIN = 20, TEST = 7, SIDE = 4, GROUPS = 6 };

static const char *const kinds[] = {"round", "square"}, *const moods[] = {"calm", "wild", "odd"};
static const eg_field fields[FIELDS] = {
	{.name = "sketch", .kind = EG_FIELD_PICTURE, .C = 1, .H = SIDE, .W = SIDE},
	{.name = "facts", .kind = EG_FIELD_NUMBERS, .columns = 3},
	{.name = "story", .kind = EG_FIELD_SERIES, .columns = 2},
	{.name = "kind", .kind = EG_FIELD_LABEL, .names = kinds, .nnames = 2},
	{.name = "mood", .kind = EG_FIELD_LABEL, .names = moods, .nnames = 3},
	{.name = "worth", .kind = EG_FIELD_NUMBERS, .columns = 2},
};

static int group_of(int64_t i) {
	static const int end[GROUPS] = {1, 3, 6, 10, 14, TRAIN};
	int g = 0;
	while (g < GROUPS - 1 && i >= end[g]) g++;
	return g;
}

typedef struct tale {
	uint8_t pixels[SIDE * SIDE];
	float facts[3], story[10], worth[2];
	int steps, kind, mood;
} tale;

static tale tale_of(int64_t i) {
	tale t = {.steps = 1 + (int)(i * 3 % 5),
	        .kind = (int)(i % 2),
	        .mood = (int)(i % 3),
	        .facts = {(float)i, (float)(i % 2), 1}};
	for (int k = 0; k < SIDE * SIDE; k++) t.pixels[k] = (uint8_t)(i % 2 ? 200 - k : 10 + 3 * k + i);
	for (int k = 0; k < 10; k++) t.story[k] = (float)(i % 3) - (float)k / 8;
	t.worth[0] = (float)i / 2, t.worth[1] = (float)-i;
	return t;
}

static eg_status prepare(eg_source *s, eg_part part, eg_error *err) {
	(void)err;
	s->count[part] = part == EG_PART_TRAIN ? TRAIN : part == EG_PART_TEST ? TEST : 0;
	return EG_OK;
}

static void put(eg_record *r, const tale *t, unsigned wanted) {
	const eg_datum all[FIELDS] = {{.there = true, .picture = {1, SIDE, SIDE, t->pixels}},
	        {.there = true, .numbers = {3, t->facts}}, {.there = true, .series = {t->steps, 2, t->story, NULL}},
	        {.there = true, .label = t->kind}, {.there = true, .label = t->mood},
	        {.there = true, .numbers = {2, t->worth}}};
	for (int k = 0; k < FIELDS; k++)
		if (wanted >> k & 1) r->fields[k] = all[k];
}

static eg_status read_record(
	const eg_source *s, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	tale *t = eg_record_room(r, sizeof *t);
	(void)s;
	if (!t) return eg_record_no_memory(err);
	*t = tale_of(part == EG_PART_TEST ? 100 + i : i);
	put(r, t, wanted);
	if (part == EG_PART_TRAIN) r->group = eg_record_printf(r, "group %d", group_of(i));
	return EG_OK;
}

extern const eg_source_type eg_source_type_adding;
const eg_source_type eg_source_type_adding = {.info = {.name = "adding",
						      .doc = "records of many fields",
						      .origin = "this test",
						      .licence = "none",
						      .fields = fields,
						      .nfields = FIELDS},
	.size = sizeof(eg_source),
	.prepare = prepare,
	.read = read_record};

#define HEAD "name: many\ntask: %s\ndata: {source: adding}\n"
#define BOTH \
	"inputs: {sketch: [1, 4, 4], facts: [3]}\nmodel:\n  - flatten: {from: sketch, name: seen}\n  - concat: " \
	"{from: [seen, facts], name: both}\n"
#define READ \
	"inputs: {story: [time, 2], facts: [3]}\nmodel:\n  - gru: {hidden: 5, from: {x: story, lengths: lengths}}\n" \
	"  - last: {from: {lengths: lengths}, name: told}\n  - concat: {from: [told, facts], name: both}\n"

/* ---- inputs ------------------------------------------------------------------------------------------------------ */

static eg_record record_of(
	const tale *t, unsigned wanted) { /* in the order of the recipe's inputs: sketch or story, facts */
	eg_record r = {0}, all = {0};
	int n = 0;
	put(&all, t, wanted);
	for (int k = 0; k < 3; k += 2)
		if (wanted >> k & 1) r.fields[n++] = all.fields[k];
	if (wanted >> FACTS & 1) r.fields[n++] = all.fields[FACTS];
	return r;
}

static void inputs_by_name(void **state) {
	bench *b = *state;
	const eg_field *f;
	char json[600];
	eg_model *m = bench_train_all(
	        b, bench_recipe(b, HEAD BOTH "  - linear: classes\ntrain: {epochs: 3, batch: 4}\n", "classify"));
	assert_value(eg_value_get(eg_model_task(m), "classes"), "[\"round\", \"square\"]");
	const eg_value *kept = eg_value_get(eg_value_get(eg_model_task(m), "inputs"), "sketch");
	double mean = eg_value_number(eg_value_at(eg_value_get(kept, "mean"), 0), NAN),
	       std = eg_value_number(eg_value_at(eg_value_get(kept, "std"), 0), NAN);
	assert_true(mean > 0 && std > 0 && !eg_value_get(eg_model_task(m), "mean"));
	eg_predictor *p = bench_predictor(b, m, "invert=no");
	assert_int_equal(eg_predictor_fields(p, &f), 2);
	assert_true(!strcmp(f[0].name, "sketch") && f[0].kind == EG_FIELD_PICTURE && !strcmp(f[1].name, "facts") &&
	            f[1].kind == EG_FIELD_NUMBERS);

	tale t = tale_of(101);
	eg_record r = record_of(&t, 1u << SKETCH | 1u << FACTS);
	bench_picture(b, "sketch.png", 1, SIDE, SIDE, t.pixels);
	snprintf(json, sizeof json, "{\"facts\": [%g, [%g], %g], \"sketch\": \"%s\", \"more\": null}",
	        (double)t.facts[0], (double)t.facts[1], (double)t.facts[2], bench_path(b, "sketch.png"));
	eg_real pixels[SIDE * SIDE], facts[3];
	for (int k = 0; k < SIDE * SIDE; k++)
		pixels[k] = (eg_real)(t.pixels[k] * (eg_real)(1 / (255 * std)) + (eg_real)(-mean / std));
	for (int k = 0; k < 3; k++) facts[k] = (eg_real)t.facts[k];
	const void *tensors[] = {pixels, facts};
	eg_value *first = eg_value_new(EG_VALUE_MAP);
	eg_value_put_copy(first, "answer", ask(b, p, (eg_question){.record = &r}));
	assert_same(ask(b, p, (eg_question){.bytes = json, .size = strlen(json), .json = true}),
	        eg_value_get(first, "answer"));
	assert_same(ask(b, p, (eg_question){.tensors = tensors}), eg_value_get(first, "answer"));
	eg_value_free(first);
	ask_in_vain(b, p, (eg_question){.path = bench_path(b, "sketch.png")},
	        "sketch.png: the network takes 2 inputs; ask with JSON that names each");
	eg_predictor_free(p);
	eg_model_free(m);
}

static void ask_json(bench *b, eg_predictor *p, const char *json, const char *words) {
	ask_in_vain(b, p, (eg_question){.bytes = json, .size = strlen(json), .json = true, .name = "line 7"}, words);
}

static void questions_lack_something(void **state) {
	bench *b = *state;
	char json[500];
	eg_model *m = bench_train_all(
	        b, bench_recipe(b, HEAD BOTH "  - linear: classes\ntrain: {epochs: 1}\n", "classify"));
	eg_predictor *p = bench_predictor(b, m, NULL);
	tale t = tale_of(3);
	snprintf(json, sizeof json, "{\"sketch\": \"%s\"}", bench_picture(b, "sketch.png", 1, SIDE, SIDE, t.pixels));
	ask_json(b, p, json, "line 7: it has no 'facts'");
	snprintf(json, sizeof json, "{\"sketch\": \"%s\", \"facts\": [1, 2]}", bench_path(b, "sketch.png"));
	ask_json(b, p, json, "line 7: 2 numbers, but the network takes 3");
	snprintf(json, sizeof json, "{\"sketch\": \"%s\", \"facts\": \"many\"}", bench_path(b, "sketch.png"));
	ask_json(b, p, json, "line 7: 'facts' must be a list of numbers");
	ask_json(b, p, "{\"sketch\": 1, \"facts\": [1, 2, 3]}", "line 7: 'sketch' must be the path of a picture");
	ask_json(b, p, "[1, 2]", "line 7");
	ask_json(b, p, "{", "line 7");
	eg_record lacking = record_of(&t, 1u << SKETCH);
	ask_in_vain(b, p, (eg_question){.record = &lacking, .name = "nr. 4"}, "nr. 4: the field 'facts' is missing");

	/* One that only the batch finds out about does not take the others with it. */
	const eg_value *answers[3];
	eg_error errors[3];
	eg_record good = record_of(&t, 1u << SKETCH | 1u << FACTS), bad = good;
	bad.fields[1].numbers.n = 2;
	const eg_question questions[] = {{.record = &good}, {.record = &bad, .name = "the second"}, {.record = &good}};
	OK(b, eg_predictor_run(p, questions, 3, answers, errors, &b->err));
	assert_true(answers[0] && !answers[1] && answers[2]);
	assert_same(answers[0], answers[2]);
	assert_string_equal(errors[1].message, "the second has 2 numbers, but the network takes 3");
	eg_predictor_free(p);
	eg_model_free(m);
}

static void refuse(bench *b, const char *task, const char *rest, const char *words) {
	eg_task *t = NULL;
	eg_recipe *r = NULL;
	eg_status status = bench_parse(b, &r, HEAD "%s", task, rest);
	if (!status) status = eg_task_open(r, &t, &b->err);
	if (!status) status = eg_task_fits(t, &b->err);
	assert_int_not_equal(status, EG_OK);
	SAYS(b, words);
	eg_task_free(t);
	eg_recipe_free(r);
}

static void inputs_that_are_none(void **state) {
	bench *b = *state;
#define MODEL "model: [{linear: classes}]\n"
	refuse(b, "classify", "inputs: {fact: [3]}\n" MODEL,
	        "r.yaml:4:9: a record of the source 'adding' has no field 'fact'; it has: sketch (picture), facts "
	        "(numbers), story (series), kind "
	        "(label), mood (label), worth (numbers)");
	refuse(b, "classify", "inputs: {kind: [3]}\n" MODEL, "field 'kind' of the source 'adding' is none of them");
	refuse(b, "classify", "inputs: {facts: [4]}\n" MODEL,
	        "r.yaml:4:9: source 'adding': its records have 3 numbers; write input: [3]");
	refuse(b, "classify", "inputs: {story: [time, 3]}\n" MODEL,
	        "a step of it has 2 numbers; write input: [time, 2]");
	refuse(b, "tag", "inputs: {facts: [3]}\n" MODEL,
	        "the task 'tag' needs tokens, or a film, with tags; field 'facts' of the source 'adding' is none of them");
	refuse(b, "segment", "input: [1, 4, 4]\n" MODEL,
	        "the task 'segment' needs a picture with a mask of classes; a record of the source 'adding' has: "
	        "sketch");
}

/* A loss compares what its field holds, the second of a list too. */
static void losses_of_another_kind(void **state) {
	static const struct {
		const char *task, *loss, *words;
	} cases[] = {
	        {"classify", "[{cross_entropy: , target: kind, of: two}, {mse: , target: mood, of: three}]",
	                "the loss 'mse' compares with numbers (N,3), but the field 'mood' has a class for each "
	                "sample; losses for that: cross_entropy"},
	        {"regress", "[{mse: , of: two, target: worth}, {cross_entropy: , of: three, target: worth}]",
	                "another 'target.worth' than a loss before it"},
	        {"regress", "{cross_entropy: , of: two, target: worth}",
	                "the loss 'cross_entropy' compares with class numbers (N), but the field 'worth' has numbers; losses "
	                "for that: mse, l1, smooth_l1, huber, bce_with_logits, bce, focal, hinge, quantile, poisson_nll, "
			"kl_divergence, gaussian_nll, student_t_nll"},
	};
	bench *b = *state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		eg_task *t;
		eg_graph *g = NULL;
		eg_recipe *r = bench_recipe(b,
		        HEAD BOTH "  - linear: {units: 2, name: two}\n  - linear: {units: 3, from: both, name: three}\n"
		                  "outputs: {x1: three, x2: two}\ntrain: \n  loss: %s\n",
		        cases[i].task, cases[i].loss);
		OK(b, eg_task_open(r, &t, &b->err));
		eg_status status = eg_recipe_build(r, b->ctx, NULL, &g, &b->err);
		if (!status) status = eg_task_suits(t, g, &b->err);
		assert_int_not_equal(status, EG_OK);
		SAYS(b, cases[i].words);
		eg_graph_free(g);
		eg_task_free(t);
		eg_recipe_free(r);
	}
}

/* ---- sequences with a plain input beside them -------------------------------------------------------------------- */

typedef struct compared {
	bench *b;
	eg_predictor *p;
	int n;
} compared;

static bool as_records(void *user, const eg_answered *a) {
	compared *c = user;
	tale t = tale_of(100 + a->index);
	eg_record r = record_of(&t, 1u << STORY | 1u << FACTS);
	const eg_value *v = eg_value_get(ask(c->b, c->p, (eg_question){.record = &r}), "values"),
	               *w = eg_value_get(a->answer, "values");
	for (int k = 0; k < 2; k++) {
		assert_near(eg_value_number(eg_value_at(v, k), NAN), eg_value_number(eg_value_at(w, k), NAN), 1e-5);
		assert_near(
		        eg_value_number(eg_value_at(eg_value_get(a->truth, "values"), k), NAN), (double)t.worth[k], 0);
	}
	c->n++;
	return true;
}

/* Questions of different lengths in any company: every bit is the same. In the batches of an evaluation they are
 * padded. */
static void series_in_company(void **state) {
	enum { N = 15 };
	bench *b = *state;
	tale tales[N];
	eg_record records[N];
	eg_question questions[N];
	const eg_value *answers[N];
	eg_error errors[N];
	eg_model *m = bench_train_all(
	        b, bench_recipe(b, HEAD READ "  - linear: 2\ntrain: {loss: mse, epochs: 2, batch: 4}\n", "regress"));
	eg_predictor *all = bench_predictor(b, m, NULL), *one = bench_predictor(b, m, NULL);
	for (int i = 0; i < N; i++) {
		tales[i] = tale_of(i);
		records[i] = record_of(&tales[i], 1u << STORY | 1u << FACTS);
		questions[i] = (eg_question){.record = &records[i]};
	}
	OK(b, eg_predictor_run(all, questions, N, answers, errors, &b->err));
	for (int i = 0; i < N; i++) {
		char json[400];
		int n = snprintf(json, sizeof json, "{\"facts\": [%d, %d, 1], \"story\": [", i, i % 2);
		for (int k = 0; k < 2 * tales[i].steps; k++)
			n += snprintf(
			        json + n, sizeof json - (size_t)n, "%s%.9g", k ? ", " : "", (double)tales[i].story[k]);
		n += snprintf(json + n, sizeof json - (size_t)n, "]}");
		eg_real story[10], facts[3];
		for (int k = 0; k < 10; k++) story[k] = (eg_real)tales[i].story[k];
		for (int k = 0; k < 3; k++) facts[k] = (eg_real)tales[i].facts[k];
		const void *tensors[] = {story, facts};
		assert_int_equal(eg_value_count(eg_value_get(answers[i], "values")), 2);
		assert_same(ask(b, one, questions[i]), answers[i]);
		assert_same(ask(b, one, (eg_question){.bytes = json, .size = (size_t)n, .json = true}), answers[i]);
		assert_same(ask(b, one, (eg_question){.tensors = tensors, .time = tales[i].steps}), answers[i]);
	}
	drawn d = draw_for(b, m, EG_PART_TEST, NULL, NULL);
	compared c = {.b = b, .p = one};
	OK(b, eg_samples_answer(all, d.samples, EG_PART_TEST, as_records, &c, &b->err));
	assert_int_equal(c.n, TEST);
	undraw(&d);
	eg_predictor_free(all);
	eg_predictor_free(one);
	eg_model_free(m);
}

/* ---- targets ----------------------------------------------------------------------------------------------------- */

/* Each loss has its own target, words and names; metrics and answers are of the first. */
static void two_targets(void **state) {
	bench *b = *state;
	static const char rest[] = BOTH
	        "  - linear: {units: %s, name: a, from: both}\n  - linear: {units: %s, name: b, from: both}\n"
	        "train: {epochs: 3, loss: [{cross_entropy: , of: %c%s}, {cross_entropy: , of: %c, target: %s}]}\n";
	for (int turned = 0; turned < 2; turned++) {
		char text[1000];
		const eg_size *sizes;
		if (turned)
			snprintf(text, sizeof text, rest, "2", "3", 'b', ", target: mood", 'a', "kind");
		else
			snprintf(text, sizeof text, rest, "classes", "3", 'a', "", 'b', "mood");
		eg_recipe *r = bench_recipe(b, HEAD "%s", "classify", text);
		drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
		OK(b, eg_task_sizes(d.task, &sizes, &b->err));
		assert_true(!strcmp(sizes[0].name, "classes") && sizes[0].size == 2 + turned);
		assert_true(!strcmp(sizes[1].name, turned ? "classes.kind" : "classes.mood") &&
		            sizes[1].size == 3 - turned);
		eg_model *m = bench_train(b, r, &d);
		drawn test = draw_for(b, m, EG_PART_TEST, NULL, NULL);
		eg_evaluation *e;
		OK(b, eg_evaluation_run(m, test.samples, EG_PART_TEST, 0, &e, &b->err));
		assert_int_equal(eg_value_count(eg_value_get(eg_evaluation_result(e), "confusion")), 2 + turned);
		assert_int_equal(eg_evaluation_total(e), TEST);
		const eg_value *kept = eg_samples_kept(d.samples), *inputs = eg_value_get(kept, "inputs");
		const eg_value *mood = eg_value_get(eg_value_get(inputs, "target.mood"), "classes");
		assert_value(mood, "[\"calm\", \"wild\", \"odd\"]");
		assert_value(turned ? eg_value_get(eg_value_get(inputs, "target.kind"), "classes")
		                    : eg_value_get(kept, "classes"),
		        "[\"round\", \"square\"]");
		eg_value *facts;
		OK(b, eg_task_describe(m, &facts, &b->err));
		assert_same(eg_value_get(facts, turned ? "classes" : "classes of mood"), mood);
		eg_value_free(facts);
		eg_evaluation_free(e);
		undraw(&test);
		undraw(&d);
		eg_model_free(m);
		eg_recipe_free(r);
	}
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

typedef struct folds {
	int fold, of_record[TRAIN], of_group[GROUPS];
} folds;

static bool note_fold(void *user, const eg_answered *a) {
	folds *f = user;
	int i = atoi(a->id);
	char group[20];
	snprintf(group, sizeof group, "group %d", group_of(i));
	assert_string_equal(a->group, group);
	assert_int_equal(f->of_record[i], -1);
	f->of_record[i] = f->fold;
	int *g = &f->of_group[group_of(i)];
	assert_true(*g < 0 || *g == f->fold);
	*g = f->fold;
	return true;
}

static void groups_are_not_cut(void **state) {
	enum { FOLDS = 3 };
	bench *b = *state;
	folds f;
	int sizes[FOLDS] = {0};
	memset(&f, -1, sizeof f);
	eg_model *m = bench_train_all(
	        b, bench_recipe(b, HEAD BOTH "  - linear: classes\ntrain: {epochs: 1}\n", "classify"));
	eg_predictor *p = bench_predictor(b, m, NULL);
	for (f.fold = 0; f.fold < FOLDS; f.fold++) {
		drawn d = {NULL, NULL};
		OK(b, eg_task_open(eg_model_recipe(m), &d.task, &b->err));
		OK(b, eg_samples_load(d.task, &(eg_samples_options){.model = m, .folds = FOLDS, .fold = f.fold},
		              &d.samples, &b->err));
		sizes[f.fold] = (int)eg_samples_count(d.samples, EG_PART_VALIDATION);
		assert_int_equal(sizes[f.fold] + eg_samples_count(d.samples, EG_PART_TRAIN), TRAIN);
		OK(b, eg_samples_answer(p, d.samples, EG_PART_VALIDATION, note_fold, &f, &b->err));
		undraw(&d);
	}
	for (int i = 0; i < TRAIN; i++) assert_true(f.of_record[i] >= 0);
	for (int i = 0; i < FOLDS; i++)
		assert_true(sizes[i] >= 4 && sizes[i] <= 10); /* of groups of 1, 2, 3, 4, 4 and 6 */
	eg_predictor_free(p);
	eg_model_free(m);

	folds share;
	memset(&share, -1, sizeof share);
	m = bench_train_all(b, bench_recipe(b, "name: a\ntask: classify\ndata: {source: adding, validation: 0.3}\n" BOTH
	                                       "  - linear: classes\n"));
	p = bench_predictor(b, m, NULL);
	drawn d = draw_for(b, m, EG_PART_TRAIN, NULL, NULL);
	share.fold = 0;
	OK(b, eg_samples_answer(p, d.samples, EG_PART_TRAIN, note_fold, &share, &b->err));
	share.fold = 1;
	OK(b, eg_samples_answer(p, d.samples, EG_PART_VALIDATION, note_fold, &share, &b->err));
	assert_true(eg_samples_count(d.samples, EG_PART_VALIDATION) >= 3 &&
	            eg_samples_count(d.samples, EG_PART_VALIDATION) <= 9);
	undraw(&d);
	eg_predictor_free(p);
	eg_model_free(m);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(inputs_by_name),
	        cmocka_unit_test(questions_lack_something),
	        cmocka_unit_test(inputs_that_are_none),
	        cmocka_unit_test(losses_of_another_kind),
	        cmocka_unit_test(series_in_company),
	        cmocka_unit_test(two_targets),
	        cmocka_unit_test(groups_are_not_cut),
	};
	return cmocka_run_group_tests(tests, bench_setup, bench_teardown);
}
