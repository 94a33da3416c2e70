/* test_task.c - tasks: a recipe's data section becomes samples, samples a model, a model metrics and answers; all on a
 * small generated IDX set whose first class is bright above and whose second is bright below, on a black ground. */
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#include "engram_task.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { SIDE = 8, TRAIN = 60, TEST = 20 };

typedef struct bench {
	char folder[64], path[100];
	eg_context *ctx;
	eg_error err;
} bench;

#define OK(b, call) \
	do { \
		if (call) fail_msg("%s", (b)->err.message); \
	} while (0)

static const char *path_of(bench *b, const char *name) {
	snprintf(b->path, sizeof b->path, "%s/%s", b->folder, name);
	return b->path;
}

static void write_file(bench *b, const char *name, const void *data, size_t size) {
	FILE *f = fopen(path_of(b, name), "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

/* One picture: the upper or the lower half of its inside is bright; no two are the same. */
static void draw(uint8_t *p, int label, int i) {
	memset(p, 0, (size_t)SIDE * SIDE);
	for (int y = 1; y < SIDE - 1; y++)
		for (int x = 1; x < SIDE - 1; x++)
			if ((y < SIDE / 2) == (label == 0)) p[y * SIDE + x] = (uint8_t)(150 + (i * 7 + x * 11) % 100);
}

static void write_set(bench *b, const char *images, const char *labels, int n) {
	uint8_t pixels[16 + TRAIN * SIDE * SIDE] = {
			0, 0, 8, 3, 0, 0, 0, (uint8_t)n, 0, 0, 0, SIDE, 0, 0, 0, SIDE},
		classes[8 + TRAIN] = {0, 0, 8, 1, 0, 0, 0, (uint8_t)n};
	for (int i = 0; i < n; i++) {
		draw(pixels + 16 + i * SIDE * SIDE, i % 2, i);
		classes[8 + i] = (uint8_t)(i % 2);
	}
	write_file(b, images, pixels, 16 + (size_t)(n * SIDE * SIDE));
	write_file(b, labels, classes, 8 + (size_t)n);
}

static const char *const FILES[] = {
	"train-images", "train-labels", "test-images", "test-labels", "up.pgm", "m.safetensors"};

static int setup(void **state) {
	bench *b = calloc(1, sizeof *b);
	if (!b) return -1;
	strcpy(b->folder, "/tmp/engram-test-task-XXXXXX");
	if (!mkdtemp(b->folder)) return -1;
	write_set(b, FILES[0], FILES[1], TRAIN);
	write_set(b, FILES[2], FILES[3], TEST);
	b->ctx = eg_context_new(&(eg_context_options){.threads = 1}, NULL);
	*state = b;
	return b->ctx ? 0 : -1;
}

static int teardown(void **state) {
	bench *b = *state;
	for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) unlink(path_of(b, FILES[i]));
	rmdir(b->folder);
	eg_context_free(b->ctx);
	free(b);
	return 0;
}

/* A recipe over these files; `more` is put into its data section. */
static eg_recipe *recipe_with(bench *b, const char *more) {
	char text[1500];
	eg_recipe *r = NULL;
	int n = snprintf(text, sizeof text,
		"name: halves\ntask: classify\ndata:\n  source: idx\n  images: %s/train-images\n"
		"  labels: %s/train-labels\n"
		"  test_images: %s/test-images\n  test_labels: %s/test-labels\n%sinput: [1, 8, 8]\n"
		"model: [flatten, {linear: classes}]\ntrain: {optimizer: {adam: {lr: 0.05}}, batch: 16, epochs: 8}\n",
		b->folder, b->folder, b->folder, b->folder, more);
	OK(b, eg_recipe_parse(text, (size_t)n, "r.yaml", NULL, &r, &b->err));
	return r;
}

static const char NAMED[] = "  class_names: [up, down]\n  validation: 0.2\n";

static void table_and_section(void **state) {
	bench *b = *state;
	eg_task *t;
	int shape[3], classes;
	assert_true(eg_task_count() >= 1);
	assert_string_equal(eg_task_at(0)->name, "classify");
	assert_null(eg_task_at(-1));
	assert_null(eg_task_at(eg_task_count()));
	eg_recipe *r = recipe_with(b, "");
	OK(b, eg_task_open(r, &t, &b->err));
	assert_string_equal(eg_task_kind(t)->name, "classify");
	assert_string_equal(eg_task_source(t), "idx");
	OK(b, eg_task_classes(t, &classes, &b->err)); /* the labels say */
	assert_int_equal(classes, 2);
	OK(b, eg_task_shape(t, shape, &b->err));
	assert_true(shape[0] == 1 && shape[1] == SIDE && shape[2] == SIDE);
	OK(b, eg_task_fits(t, &b->err));

	assert_int_equal(eg_task_set_source(t, "mnits", NULL, &b->err), EG_ERR_ARG);
	assert_string_equal(b->err.message, "no data source 'mnits'; did you mean 'mnist'?");
	assert_string_equal(eg_task_source(t), "idx"); /* as it was */
	OK(b, eg_task_set_source(t, "mnist", NULL, &b->err));
	assert_string_equal(eg_task_source(t), "mnist");
	OK(b, eg_task_classes(t, &classes, &b->err));
	assert_int_equal(classes, 10);
	assert_int_equal(eg_task_fits(t, &b->err), EG_ERR_SHAPE);
	assert_non_null(strstr(b->err.message, "the pictures of 'mnist' are 1 x 28 x 28; write input: [1, 28, 28]"));
	eg_task_free(t);
	eg_recipe_free(r);
	eg_task_free(NULL);
}

static void refuse(bench *b, const char *more, const char *message) {
	eg_task *t;
	eg_recipe *r = recipe_with(b, more);
	assert_int_not_equal(eg_task_open(r, &t, &b->err), EG_OK);
	assert_null(t);
	if (!strstr(b->err.message, message)) fail_msg("'%s' instead of '%s'", b->err.message, message);
	eg_recipe_free(r);
}

static void refuses_sections(void **state) {
	bench *b = *state;
	refuse(b, "  lables: x\n", "r.yaml:9:3: unknown key 'lables' in 'data'; did you mean 'labels'?");
	refuse(b, "  mean: 0.5\n", "r.yaml:9:9: give both 'mean' and 'std'");
	refuse(b, "  classes: 3\n  class_names: [a, b]\n", "as many names as there are classes; it has 2");
	refuse(b, "  class_names: up\n", "as many names as there are classes; it has 0");
}

static void samples_are_cut(void **state) {
	bench *b = *state;
	eg_task *t;
	eg_samples *s, *test, *other;
	eg_model_parts parts = {0}, same = {0};
	eg_recipe *r = recipe_with(b, NAMED);
	OK(b, eg_task_open(r, &t, &b->err));
	OK(b, eg_samples_load(t, EG_PART_TRAIN, NULL, &s, &b->err));
	OK(b, eg_samples_load(t, EG_PART_TEST, NULL, &test, &b->err));
	eg_task_free(t);
	assert_int_equal(eg_samples_count(s, EG_PART_TRAIN), 48);
	assert_int_equal(eg_samples_count(s, EG_PART_VALIDATION), 12);
	assert_int_equal(eg_samples_count(s, EG_PART_TEST), 0);
	assert_int_equal(eg_samples_count(test, EG_PART_TEST), TEST);
	assert_null(eg_samples_get(test, EG_PART_TRAIN));
	assert_int_equal(eg_samples_classes(s), 2);
	eg_samples_describe(s, &parts);
	eg_samples_describe(test, &same);
	assert_int_equal(parts.nclasses, 2);
	assert_string_equal(parts.classes[1], "down");
	assert_true(parts.nmean == 1 && parts.mean[0] > 0.1 && parts.mean[0] < 0.5 && parts.std[0] > 0);
	assert_true(same.mean[0] == parts.mean[0] && same.std[0] == parts.std[0]); /* measured on the training part */
	assert_true(*parts.border == 0);
	eg_samples_free(test);
	eg_samples_free(s);
	eg_recipe_free(r);

	r = recipe_with(b, "  limit: 10\n  mean: 0.25\n  std: [0.5]\n");
	OK(b, eg_task_open(r, &t, &b->err));
	OK(b, eg_samples_load(t, EG_PART_TRAIN, NULL, &other, &b->err));
	assert_int_equal(eg_samples_count(other, EG_PART_TRAIN), 10);
	assert_null(eg_samples_get(other, EG_PART_VALIDATION));
	eg_samples_describe(other, &parts);
	assert_true(parts.mean[0] == 0.25 && parts.std[0] == 0.5);
	eg_samples_free(other);
	eg_samples_free(NULL);
	eg_task_free(t);
	eg_recipe_free(r);
}

/* Trains on the set and gives the model as it comes back from its file. `border` false: as files of before. */
static eg_model *trained(bench *b, eg_recipe *r, eg_samples **samples, bool border) {
	eg_task *t;
	eg_graph *g = NULL;
	eg_model *m = NULL;
	eg_model_parts parts = {.recipe = r};
	OK(b, eg_task_open(r, &t, &b->err));
	OK(b, eg_samples_load(t, EG_PART_TRAIN, NULL, samples, &b->err));
	eg_task_free(t);
	OK(b, eg_recipe_build(r, b->ctx, eg_samples_classes(*samples), &g, &b->err));
	eg_params *p = eg_params_new(g, 1, &b->err);
	assert_non_null(p);
	if (eg_train(g, p, eg_recipe_train(r), eg_samples_get(*samples, EG_PART_TRAIN),
		    eg_samples_get(*samples, EG_PART_VALIDATION), NULL, NULL, NULL, NULL, &b->err))
		fail_msg("%s", b->err.message);
	parts.params = p;
	eg_samples_describe(*samples, &parts);
	if (!border) parts.border = NULL;
	OK(b, eg_model_save(path_of(b, "m.safetensors"), &parts, &b->err));
	eg_params_free(p);
	eg_graph_free(g);
	OK(b, eg_model_load(path_of(b, "m.safetensors"), b->ctx, &m, &b->err));
	return m;
}

static void evaluates(void **state) {
	bench *b = *state;
	static const char *const names[] = {"loss", "accuracy", "top3", "top5", "macro_f1"};
	eg_task *t;
	eg_samples *s, *test;
	eg_evaluation *e;
	eg_recipe *r = recipe_with(b, NAMED);
	eg_model *m = trained(b, r, &s, true);
	OK(b, eg_task_open(eg_model_recipe(m), &t, &b->err));
	OK(b, eg_samples_load(t, EG_PART_TEST, m, &test, &b->err));
	eg_task_free(t);
	OK(b, eg_evaluation_run(m, test, EG_PART_TEST, 16, &e, &b->err));
	assert_int_equal(eg_evaluation_count(e), 5);
	for (int i = 0; i < 5; i++) {
		assert_string_equal(eg_evaluation_name(e, i), names[i]);
		assert_true(eg_evaluation_value(e, i) == eg_evaluation_find(e, names[i]));
	}
	assert_null(eg_evaluation_name(e, 5));
	assert_true(isnan(eg_evaluation_value(e, -1)) && isnan(eg_evaluation_find(e, "wer")));
	assert_true(eg_evaluation_find(e, "accuracy") == 1 && eg_evaluation_find(e, "loss") < 0.5);
	assert_int_equal(eg_confusion_count(eg_evaluation_confusion(e), 1, 1), TEST / 2);
	eg_evaluation_free(e);
	OK(b, eg_evaluation_run(m, s, EG_PART_VALIDATION, 5, &e, &b->err));
	assert_int_equal(eg_confusion_total(eg_evaluation_confusion(e)), 12);
	eg_evaluation_free(e);
	assert_int_equal(eg_evaluation_run(m, test, EG_PART_VALIDATION, 5, &e, &b->err), EG_ERR_ARG);
	assert_null(e);
	assert_non_null(strstr(b->err.message, "there are no validation pictures"));
	eg_samples_free(test);
	eg_samples_free(s);
	eg_model_free(m);
	eg_recipe_free(r);
}

/* A picture of class 0 as a PGM file; `paper`: black on white. */
static void write_picture(bench *b, bool paper) {
	char file[100] = "P5 8 8 255\n";
	size_t head = strlen(file);
	uint8_t pixels[SIDE * SIDE];
	draw(pixels, 0, 5);
	for (int i = 0; i < SIDE * SIDE; i++) file[head + (size_t)i] = (char)(paper ? 255 - pixels[i] : pixels[i]);
	write_file(b, "up.pgm", file, head + sizeof pixels);
}

static void predicts(void **state) {
	bench *b = *state;
	eg_samples *s;
	eg_predictor *p;
	eg_prediction x;
	eg_recipe *r = recipe_with(b, NAMED);
	eg_model *m = trained(b, r, &s, true);
	eg_samples_free(s); /* nothing of them is needed */
	OK(b, eg_predictor_new(m, &(eg_predict_options){.invert = EG_INVERT_AUTO}, &p, &b->err));
	for (int paper = 0; paper < 2; paper++) {
		write_picture(b, paper);
		OK(b, eg_predictor_file(p, path_of(b, "up.pgm"), &x, &b->err));
		assert_int_equal(x.n, 2);
		assert_string_equal(x.answers[0].name, "up");
		assert_int_equal(x.answers[0].index, 0);
		assert_true(x.answers[0].probability > 0.6);
		assert_true(fabs(x.answers[0].probability + x.answers[1].probability - 1) < 1e-12);
		assert_true(x.inverted == paper);
	}
	assert_int_not_equal(eg_predictor_file(p, "/nowhere/x.png", &x, &b->err), EG_OK);
	assert_true(x.n == 0 && x.answers == NULL);
	eg_predictor_free(p);
	OK(b, eg_predictor_new(m, &(eg_predict_options){.invert = EG_INVERT_NO, .top = 1}, &p, &b->err));
	OK(b, eg_predictor_file(p, path_of(b, "up.pgm"), &x, &b->err));
	assert_true(x.n == 1 && !x.inverted);
	eg_predictor_free(p);
	eg_model_free(m);
	eg_recipe_free(r);
}

/* The border decides, also where the pictures' mean says nothing; without it the mean is gone by. */
static void inverts_by_the_border(void **state) {
	bench *b = *state;
	eg_samples *s;
	eg_predictor *p;
	eg_prediction x;
	write_picture(b, true);
	for (int known = 0; known < 2; known++) {
		eg_recipe *r = recipe_with(b, "  mean: 0.5\n  std: 0.5\n");
		eg_model *m = trained(b, r, &s, known);
		assert_true(known ? eg_model_border(m) == 0 : isnan(eg_model_border(m)));
		OK(b, eg_predictor_new(m, &(eg_predict_options){.invert = EG_INVERT_AUTO}, &p, &b->err));
		OK(b, eg_predictor_file(p, path_of(b, "up.pgm"), &x, &b->err));
		assert_true(x.inverted == known);
		eg_predictor_free(p);
		eg_samples_free(s);
		eg_model_free(m);
		eg_recipe_free(r);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_and_section),
		cmocka_unit_test(refuses_sections),
		cmocka_unit_test(samples_are_cut),
		cmocka_unit_test(evaluates),
		cmocka_unit_test(predicts),
		cmocka_unit_test(inverts_by_the_border),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
