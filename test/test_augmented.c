/* test_augmented.c - `augment` of recipes: what is said and refused of the list, training records as batches hold them,
 * whoever fills them, shares of classes, masks, and units of texts.
 *
 * Not here: what the kinds do to one record (test_augment.c). */
#include "support_tasks.h"

#include "data/data.h"

#include <math.h>
#include <stdlib.h>

enum { SIZE = 8, EACH = 12, COUNT = 2 * EACH };

/* Pictures of two classes, each pixel another number. */
static void write_pictures(bench *b) {
	char name[64];
	uint8_t pixels[SIZE * SIZE];
	for (int k = 0; k < COUNT; k++) {
		for (int i = 0; i < SIZE * SIZE; i++) pixels[i] = (uint8_t)(k % 2 * 100 + i + k);
		snprintf(name, sizeof name, "set/train/%s/%02d.png", k % 2 ? "odd" : "even", k / 2);
		bench_picture(b, name, 1, SIZE, SIZE, pixels);
	}
}

static eg_recipe *recipe_of(bench *b, const char *augment) {
	return bench_recipe(b,
		"name: a\ntask: classify\ndata: {source: folder, path: %s/set, validation: 0.25, mean: 0, std: 1}\n"
		"input: [1, 8, 8]\naugment: %s\nmodel: [flatten, {linear: 4}, relu, {linear: classes}]\n"
		"train: {epochs: 3, batch: 5, seed: 3}\n", b->folder, augment);
}

/* ---- the list ---------------------------------------------------------------------------------------------------- */

static void refusals(void **state) {
	bench *b = *state;
	static const struct {
		const char *augment, *words;
	} bad[] = {
		{"[flop]", "r.yaml:5:11: no augmentation 'flop'; did you mean 'flip'?"},
		{"{flip: {}}", "r.yaml:5:10: 'augment' must be a list such as [flip, crop: {pad: 4}], not a map"},
		{"[crop: {pad: 0}]", "r.yaml:5:23: 'pad' in augmentation 'crop' is 0"},
		{"[crop: {pads: 4}]", "unknown key 'pads' in augmentation 'crop'; did you mean 'pad'?"},
		{"[{rotate: {degrees: 3, probability: 2}}]", "'probability' in augmentation 'rotate' is 2"},
		{"[flip: 1]", "augmentation 'flip' has no value of its own"},
		{"[colour]", "the input 'input' is grey"},
		{"[noise]", "augmentation 'noise' is for an input of the kind series, sound, but this network's is picture"},
		{"[mixup, cutmix, mixup, cutmix, mixup]", "more than 4 entries that put records together"},
		{"[mosaic]", "augmentation 'mosaic' does not go with a field of the kind label"},
		{"[{scale: {most: 0.5}}]", "'least' (0.8 if it is left out) is more than 'most'"},
		{"[{flip: {alternating: true, probability: 0.2}}]", "'alternating' flips every record"},
	};
	write_pictures(b);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		eg_task *t;
		eg_recipe *r = recipe_of(b, bad[i].augment);
		assert_int_not_equal(eg_task_open(r, &t, &b->err), EG_OK);
		SAYS(b, bad[i].words);
		eg_recipe_free(r);
	}
	eg_task *t;
	eg_recipe *r = bench_recipe(b,
		"name: a\ntask: classify\ndata: {source: folder, path: %s/set}\ninput: [1, 8, 8]\naugment: [mixup]\n"
		"model: [flatten, {linear: classes}]\ntrain: {loss: softmax_focal}\n", b->folder);
	assert_int_equal(eg_task_open(r, &t, &b->err), EG_ERR_ARG);
	SAYS(b, "mixes classes, which the loss 'softmax_focal' cannot judge; take cross_entropy");
	eg_recipe_free(r);
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

/* Whatever is asked for in whatever order, and in whichever batch, a record of an epoch is the same. */
static void records_of_an_epoch(void **state) {
	bench *b = *state;
	write_pictures(b);
	eg_recipe *r = recipe_of(b, "[flip, crop: 2, rotate: 20, brightness, cutout: 3]");
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	eg_graph *g;
	OK(b, eg_recipe_build(r, b->ctx, eg_samples_sizes(d.samples), &g, &b->err));
	OK(b, eg_task_suits(d.task, g, &b->err));
	const eg_dataset *set = eg_samples_get(d.samples, EG_PART_TRAIN), *val = eg_samples_get(d.samples, EG_PART_VALIDATION);
	uint32_t items[COUNT];
	eg_real x[COUNT][SIZE * SIZE], again[SIZE * SIZE];
	int32_t y[COUNT];
	int differ = 0;
	const int n = (int)set->count;
	for (int i = 0; i < n; i++) items[i] = (uint32_t)(n - 1 - i);
	OK(b, set->fill(set->user, &(eg_fill){.items = items, .n = n, .seed = 3, .epoch = 2}, (void *[]){x, y}, &b->err));
	eg_record shown = {0};
	for (int i = 0; i < n; i++) {
		const uint32_t item = items[i];
		OK(b, set->fill(set->user, &(eg_fill){.items = &item, .n = 1, .seed = 3, .epoch = 2}, (void *[]){again, y}, &b->err));
		assert_memory_equal(x[i], again, sizeof again);
		OK(b, eg_samples_show(d.samples, EG_PART_TRAIN, item, 2, &shown, &b->err));
		const eg_datum_picture *p = &shown.fields[0].picture;
		for (int k = 0; k < SIZE * SIZE; k++) assert_true(fabs((double)x[i][k] * 255 - p->pixels[k]) < 1e-3);
		OK(b, set->fill(set->user, &(eg_fill){.items = &item, .n = 1, .seed = 3, .epoch = 1}, (void *[]){again, y}, &b->err));
		differ += memcmp(x[i], again, sizeof again) != 0;
		OK(b, set->fill(set->user, &(eg_fill){.items = &item, .n = 1, .seed = 4, .epoch = 2}, (void *[]){again, y}, &b->err));
		differ += memcmp(x[i], again, sizeof again) != 0;
		/* evaluated, it is as it is in its file: every pixel one more than that before it */
		OK(b, set->fill(set->user, &(eg_fill){.items = &item, .n = 1, .epoch = -1}, (void *[]){again, y}, &b->err));
		for (int k = 1; k < SIZE * SIZE; k++) assert_true(fabs((double)(again[k] - again[k - 1]) * 255 - 1) < 1e-3);
	}
	assert_true(differ > 2 * n - 4);
	for (uint32_t i = 0; i < (uint32_t)val->count; i++) { /* validation samples never change */
		OK(b, val->fill(val->user, &(eg_fill){.items = &i, .n = 1, .seed = 3, .epoch = 2}, (void *[]){again, y}, &b->err));
		for (int k = 1; k < SIZE * SIZE; k++) assert_true(fabs((double)(again[k] - again[k - 1]) * 255 - 1) < 1e-3);
	}
	assert_int_equal(eg_samples_show(d.samples, EG_PART_TRAIN, n, 0, &shown, &b->err), EG_ERR_ARG);
	eg_record_free(&shown);
	eg_graph_free(g);
	undraw(&d);
	eg_recipe_free(r);
}

/* ---- shares of classes ------------------------------------------------------------------------------------------- */

static void shares_of_classes(void **state) {
	bench *b = *state;
	write_pictures(b);
	eg_recipe *r = recipe_of(b, "[mixup: 1, cutmix: {probability: 0.5}]");
	assert_true(eg_recipe_loss_at(r, 0)->soft);
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	eg_graph *g;
	OK(b, eg_recipe_build(r, b->ctx, eg_samples_sizes(d.samples), &g, &b->err));
	OK(b, eg_task_suits(d.task, g, &b->err));
	const eg_dataset *set = eg_samples_get(d.samples, EG_PART_TRAIN);
	const int n = (int)set->count;
	uint32_t items[COUNT];
	eg_real x[COUNT][SIZE * SIZE], y[COUNT][2];
	int mixed = 0;
	for (int i = 0; i < n; i++) items[i] = (uint32_t)i;
	for (int epoch = -1; epoch < 5; epoch++) {
		OK(b, set->fill(set->user, &(eg_fill){.items = items, .n = n, .seed = 3, .epoch = epoch}, (void *[]){x, y}, &b->err));
		for (int i = 0; i < n; i++) {
			const double a = (double)y[i][0], c = (double)y[i][1];
			assert_true(a >= 0 && c >= 0 && fabs(a + c - 1) < 1e-6);
			if (epoch < 0) assert_true(a == 1 || c == 1);
			mixed += a > 0.01 && c > 0.01;
		}
	}
	assert_true(mixed > n);
	eg_graph_free(g);
	undraw(&d);
	eg_recipe_free(r);
	/* and it learns by them, is judged by labels, and tells them */
	r = bench_recipe(b,
		"name: a\ntask: classify\ndata: {source: folder, path: %s/set}\ninput: [1, 8, 8]\naugment: [mixup]\n"
		"model: [flatten, {linear: classes}]\ntrain: {optimizer: {adam: {lr: 0.02}}, epochs: 40, batch: 6}\n", b->folder);
	eg_model *m = bench_train_all(b, r);
	eg_evaluation *e = bench_evaluate(b, m, EG_PART_TRAIN, NULL, NULL);
	assert_true(eg_evaluation_find(e, "accuracy") > 0.9 && eg_evaluation_find(e, "loss") > 0);
	eg_evaluation_free(e);
	eg_model_free(m);
}

/* ---- trainings --------------------------------------------------------------------------------------------------- */

/* The weights after three epochs; to be freed. */
static eg_real *trained(bench *b, int loaders, size_t *n) {
	eg_recipe *r = recipe_of(b, "[flip: {alternating: true}, crop: 1, mixup, cutout: 2]");
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 2, .loaders = loaders ? loaders : EG_ZERO}, &b->err);
	eg_graph *g;
	eg_judge *judges[2];
	assert_non_null(ctx);
	OK(b, eg_recipe_build(r, ctx, eg_samples_sizes(d.samples), &g, &b->err));
	OK(b, eg_task_suits(d.task, g, &b->err));
	eg_params *p = eg_params_new(g, 3, &b->err);
	OK(b, eg_samples_train_judges(d.samples, g, &judges[0], &judges[1], &b->err));
	eg_train_config c = *eg_recipe_train(r);
	c.judge = judges[0], c.train_judge = judges[1];
	OK(b, eg_train(g, p, &c, eg_samples_get(d.samples, EG_PART_TRAIN), eg_samples_get(d.samples, EG_PART_VALIDATION), NULL, NULL,
		NULL, NULL, &b->err));
	const eg_real *w = eg_params_flat(p, n);
	eg_real *copy = malloc(*n * sizeof *copy);
	memcpy(copy, w, *n * sizeof *copy);
	for (int i = 0; i < 2; i++) eg_samples_judge_free(judges[i]);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
	undraw(&d);
	eg_recipe_free(r);
	return copy;
}

static void any_number_of_threads(void **state) {
	bench *b = *state;
	static const int loaders[] = {0, 1, 3};
	eg_real *w[3];
	size_t n[3];
	write_pictures(b);
	for (int i = 0; i < 3; i++) {
		w[i] = trained(b, loaders[i], &n[i]);
		assert_int_equal(n[i], n[0]);
		assert_memory_equal(w[i], w[0], n[0] * sizeof *w[0]);
	}
	for (int i = 0; i < 3; i++) free(w[i]);
}

/* ---- views ------------------------------------------------------------------------------------------------------- */

static double said[COUNT];
static bool take(void *user, const eg_answered *a) {
	EG_UNUSED(user);
	const eg_value *classes = eg_value_get(a->answer, "classes");
	for (const eg_value *v = eg_value_first(classes); v; v = eg_value_next(v))
		if (!strcmp(eg_value_text(eg_value_get(v, "class")), "odd")) said[a->index] = eg_value_number(eg_value_get(v, "probability"), -1);
	return true;
}

/* What the model says of a picture alone: the probability of "odd". */
static double alone(bench *b, eg_predictor *p, const uint8_t *pixels) {
	eg_record r = {0};
	r.fields[0] = (eg_datum){.there = true, .picture = {1, SIZE, SIZE, pixels}};
	const eg_value *classes = eg_value_get(ask(b, p, (eg_question){.record = &r}), "classes");
	for (const eg_value *v = eg_value_first(classes); v; v = eg_value_next(v))
		if (!strcmp(eg_value_text(eg_value_get(v, "class")), "odd")) return eg_value_number(eg_value_get(v, "probability"), -1);
	return -1;
}

/* A place beyond the picture shows its mirror image. */
static int mirrored_at(int i) { return i < 0 ? -i : i >= SIZE ? 2 * (SIZE - 1) - i : i; }

static void views(void **state) {
	bench *b = *state;
	write_pictures(b);
	eg_model *m = bench_train_all(b, recipe_of(b, "[crop: 1]"));
	eg_predictor *p = bench_predictor(b, m, NULL);
	drawn d = draw(b, eg_model_recipe(m), (eg_samples_options){.part = EG_PART_TRAIN, .model = m, .views = "flip"});
	OK(b, eg_samples_answer(p, d.samples, EG_PART_TRAIN, take, NULL, &b->err));
	eg_record r = {0};
	double loss = 0;
	const int64_t n = eg_samples_count(d.samples, EG_PART_TRAIN);
	for (int64_t i = 0; i < n; i++) {
		uint8_t mirrored[SIZE * SIZE];
		OK(b, eg_samples_show(d.samples, EG_PART_TRAIN, i, -1, &r, &b->err));
		const uint8_t *own = r.fields[0].picture.pixels;
		for (int k = 0; k < SIZE * SIZE; k++) mirrored[k] = own[k / SIZE * SIZE + SIZE - 1 - k % SIZE];
		const double mean = (alone(b, p, own) + alone(b, p, mirrored)) / 2;
		assert_near(said[i], mean, 1e-6);
		loss -= log(r.fields[1].label == 1 ? mean : 1 - mean);
	}
	eg_evaluation *e;
	OK(b, eg_evaluation_run(m, d.samples, EG_PART_TRAIN, 0, &e, &b->err));
	assert_near(eg_evaluation_find(e, "loss"), loss / (double)n, 1e-5);
	assert_near(eg_value_number(eg_value_get(eg_evaluation_result(e), "views"), 0), 2, 0);
	eg_evaluation_free(e);
	undraw(&d);
	d = draw(b, eg_model_recipe(m), (eg_samples_options){.part = EG_PART_TRAIN, .model = m, .views = "flip_shift"});
	OK(b, eg_evaluation_run(m, d.samples, EG_PART_TRAIN, 0, &e, &b->err));
	assert_near(eg_value_number(eg_value_get(eg_evaluation_result(e), "views"), 0), 6, 0);
	eg_evaluation_free(e);
	undraw(&d);
	d = draw(b, eg_model_recipe(m), (eg_samples_options){.part = EG_PART_TRAIN, .model = m, .views = "shift"});
	OK(b, eg_samples_answer(p, d.samples, EG_PART_TRAIN, take, NULL, &b->err));
	for (int64_t i = 0; i < n; i++) {
		OK(b, eg_samples_show(d.samples, EG_PART_TRAIN, i, -1, &r, &b->err));
		const uint8_t *own = r.fields[0].picture.pixels;
		double mean = alone(b, p, own) / 2;
		for (int k = 0; k < 4; k++) {
			uint8_t moved[SIZE * SIZE];
			for (int y = 0; y < SIZE; y++)
				for (int x = 0; x < SIZE; x++)
					moved[y * SIZE + x] = own[mirrored_at(y + (k & 2) - 1) * SIZE + mirrored_at(x + 2 * (k & 1) - 1)];
			mean += alone(b, p, moved) / 8;
		}
		assert_near(said[i], mean, 1e-6);
	}
	eg_record_free(&r);
	undraw(&d);
	eg_task *t;
	eg_samples *s;
	OK(b, eg_task_open(eg_model_recipe(m), &t, &b->err));
	assert_int_equal(eg_samples_load(t, &(eg_samples_options){.model = m, .views = "flop"}, &s, &b->err), EG_ERR_ARG);
	SAYS(b, "there are no views 'flop'; did you mean 'flip'?");
	eg_task_free(t);
	eg_predictor_free(p);
	eg_model_free(m);
}

/* ---- masks and texts --------------------------------------------------------------------------------------------- */

/* The mask of a record is brought to the network's size with its picture, and moves with it. */
static void masks(void **state) {
	bench *b = *state;
	char name[64];
	for (int k = 0; k < 4; k++) {
		uint8_t pixels[SIZE * SIZE], classes[SIZE * SIZE];
		for (int i = 0; i < SIZE * SIZE; i++) classes[i] = i % SIZE < 4, pixels[i] = (uint8_t)(classes[i] * 200);
		snprintf(name, sizeof name, "masks/train/%d.png", k);
		bench_picture(b, name, 1, SIZE, SIZE, pixels);
		snprintf(name, sizeof name, "masks/trainannot/%d.png", k);
		bench_picture(b, name, 1, SIZE, SIZE, classes);
	}
	eg_recipe *r = bench_recipe(b,
		"name: a\ntask: segment\ndata: {source: masks, path: %s/masks, class_names: [left, right], mean: 0, std: 1}\n"
		"input: [1, 4, 4]\naugment: [flip: {probability: 1}, crop: {pad: 1, edge: reflect}]\n"
		"model: [conv: {filters: classes, kernel: 1}]\n", b->folder);
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	eg_record shown = {0};
	int voids = 0;
	for (int epoch = 0; epoch < 20; epoch++) {
		OK(b, eg_samples_show(d.samples, EG_PART_TRAIN, epoch % 4, epoch, &shown, &b->err));
		const eg_datum_picture *p = &shown.fields[0].picture;
		const eg_datum_mask *m = &shown.fields[1].mask;
		assert_true(p->H == 4 && p->W == 4 && m->H == 4 && m->W == 4);
		for (int i = 0; i < 16; i++) {
			voids += m->classes[i] == EG_VOID;
			if (m->classes[i] != EG_VOID) assert_int_equal(p->pixels[i], m->classes[i] ? 200 : 0);
			if (m->classes[i] != EG_VOID && i % 4 == 3) assert_int_equal(m->classes[i], 1); /* it is
			                                                                                 * mirrored */
		}
	}
	assert_in_range(voids, 20, 150);
	eg_record_free(&shown);
	undraw(&d);
	eg_recipe_free(r);
}

static void units(void **state) {
	bench *b = *state;
	char text[4000] = "text\tlabel\n";
	for (int i = 0; i < 40; i++) strcat(text, i % 2 ? "one three five seven\todd\n" : "two four six eight\teven\n");
	bench_text(b, "t.tsv", text);
	static const char form[] = "name: a\ntask: classify\ndata: {source: tsv, path: %s/t.tsv, unit: %s}\n"
				   "input: [time]\naugment: [unit_dropout: 0.5]\n"
				   "model: [{embedding: 4}, mean_time, {linear: classes}]\ntrain: {seed: 3}\n";
	eg_task *t;
	eg_recipe *r = bench_recipe(b, form, b->folder, "byte");
	assert_int_not_equal(eg_task_open(r, &t, &b->err), EG_OK);
	SAYS(b, "makes units unknown, but no byte is");
	eg_recipe_free(r);
	r = bench_recipe(b, form, b->folder, "word");
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	eg_graph *g;
	OK(b, eg_recipe_build(r, b->ctx, eg_samples_sizes(d.samples), &g, &b->err));
	OK(b, eg_task_suits(d.task, g, &b->err));
	const eg_dataset *set = eg_samples_get(d.samples, EG_PART_TRAIN);
	int dropped = 0;
	for (uint32_t i = 0; i < 40; i++) {
		int32_t x[2][16], y[2];
		const int time = set->time_of ? set->time_of(set->user, i) : set->time;
		for (int k = 0; k < 2; k++)
			OK(b, set->fill(set->user, &(eg_fill){.items = &i, .n = 1, .time = time, .seed = 3, .epoch = k - 1},
				(void *[]){x[k], &y[k]}, &b->err));
		for (int s = 0; s < time; s++) dropped += x[0][s] != x[1][s];
	}
	assert_in_range(dropped, 40, 220);
	eg_graph_free(g);
	undraw(&d);
	eg_recipe_free(r);
}

static void schema(void **state) {
	char *text;
	bench *b = *state;
	OK(b, eg_schema_json(&text, &b->err));
	assert_non_null(strstr(text, "\"cutmix\""));
	assert_non_null(strstr(text, "\"alternating\""));
	free(text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, bench_setup, bench_teardown)
int main(void) {
	const struct CMUnitTest tests[] = {TEST(refusals), TEST(records_of_an_epoch), TEST(shares_of_classes),
		TEST(any_number_of_threads), TEST(views), TEST(masks), TEST(units), TEST(schema)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
