/* test_whiten.c - `train.whiten`: what the first filters make of the training pictures is not correlated and varies
 * alike, whatever the seed and the augmentation; and what is refused. */
#include "support_tasks.h"

#include <math.h>
#include <stdlib.h>

enum { SIZE = 8, EACH = 12, COUNT = 2 * EACH, KERNEL = 2, PATCH = KERNEL * KERNEL, FILTERS = 2 * PATCH };

/* Pictures of two classes whose neighbouring pixels are alike: brightness, a slope in each direction, and noise. */
static void write_pictures(bench *b, const char *folder, int bright) {
	char name[64];
	uint8_t pixels[SIZE * SIZE];
	for (int k = 0; k < COUNT; k++) {
		const eg_rng r = {5, eg_stream(EG_RNG_TEST, (uint32_t)k, 0)};
		const double base = 60 + 60 * eg_rng_uniform(r, 1000), down = 8 * eg_rng_uniform(r, 1001), across = 3 * eg_rng_uniform(r, 1002);
		for (int i = 0; i < SIZE * SIZE; i++) {
			const int y = i / SIZE, x = i % SIZE;
			pixels[i] = (uint8_t)(bright * (base + down * y + across * x + 20 * eg_rng_uniform(r, (uint64_t)i)));
		}
		snprintf(name, sizeof name, "%s/train/%s/%02d.png", folder, k % 2 ? "odd" : "even", k / 2);
		bench_picture(b, name, 1, SIZE, SIZE, pixels);
	}
}

static eg_recipe *recipe_of(bench *b, const char *folder, const char *input, const char *model, const char *layer) {
	return bench_recipe(b,
		"name: a\ntask: classify\ndata: {source: folder, path: %s/%s, validation: 0.25}\ninput: [%s]\naugment: [flip, rotate: 20]\n"
		"model: [%s, relu, global_avgpool, flatten, {linear: classes}]\ntrain: {whiten: %s}\n",
		b->folder, folder, input, model, layer);
}

/* ---- filters ----------------------------------------------------------------------------------------------------- */

static double response(const eg_real *w, const eg_real *x, int y, int at) {
	double sum = 0;
	for (int i = 0; i < PATCH; i++) sum += (double)w[i] * (double)x[(y + i / KERNEL) * SIZE + at + i % KERNEL];
	return sum;
}

/* Second moments of what the filters say of all patches of the training pictures. */
static void moments_of(bench *b, const eg_dataset *set, const eg_real *w, double moments[FILTERS][FILTERS]) {
	eg_real x[SIZE * SIZE];
	int32_t label;
	int n = 0;
	for (uint32_t item = 0; item < set->count; item++) {
		OK(b, set->fill(set->user, &(eg_fill){.items = &item, .n = 1, .epoch = -1}, (void *[]){x, &label}, &b->err));
		for (int p = 0; p < (SIZE - 1) * (SIZE - 1); p++, n++)
			for (int i = 0; i < FILTERS; i++)
				for (int j = 0; j < FILTERS; j++)
					moments[i][j] += response(w + i * PATCH, x, p / (SIZE - 1), p % (SIZE - 1)) *
						response(w + j * PATCH, x, p / (SIZE - 1), p % (SIZE - 1));
	}
	for (int i = 0; i < FILTERS; i++)
		for (int j = 0; j < FILTERS; j++) moments[i][j] /= n;
}

static void filters(void **state) {
	bench *b = *state;
	double moments[FILTERS][FILTERS] = {{0}};
	write_pictures(b, "set", 1);
	eg_recipe *r = recipe_of(b, "set", "1, 8, 8", "conv: {filters: 8, kernel: 2}", "conv1");
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	eg_graph *g;
	OK(b, eg_recipe_build(r, b->ctx, eg_samples_sizes(d.samples), &g, &b->err));
	OK(b, eg_task_suits(d.task, g, &b->err));
	eg_params *p = eg_params_new(g, 1, &b->err), *q = eg_params_new(g, 2, &b->err);
	OK(b, eg_samples_whiten(d.samples, g, p, &b->err));
	OK(b, eg_samples_whiten(d.samples, g, q, &b->err));
	const eg_real *w = eg_params_data(p, eg_params_find(p, "conv1.weight"));
	assert_memory_equal(w, eg_params_data(q, eg_params_find(q, "conv1.weight")), FILTERS * PATCH * sizeof *w);
	for (int i = 0; i < PATCH * PATCH; i++) assert_true(w[i] == -w[PATCH * PATCH + i]);
	moments_of(b, eg_samples_get(d.samples, EG_PART_TRAIN), w, moments);
	double longest = 0;
	for (int i = 0; i < PATCH; i++) {
		double length = 0;
		for (int j = 0; j < PATCH; j++) {
			length += (double)w[i * PATCH + j] * (double)w[i * PATCH + j];
			assert_near(moments[i][j], i == j, i == j ? 0.05 : 1e-4); /* 0.05: see FLOOR in whiten.c */
		}
		assert_true(length > longest); /* what varies less is made larger, and comes later */
		longest = length;
	}
	eg_params_free(p);
	eg_params_free(q);
	eg_graph_free(g);
	undraw(&d);
	eg_recipe_free(r);
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

static void refusals(void **state) {
	bench *b = *state;
	static const struct {
		const char *folder, *input, *model, *layer, *words;
	} bad[] = {
		{"set", "1, 8, 8", "conv: {filters: 8, kernel: 2}", "conv2", "r.yaml:7:17: there is no layer 'conv2'; `engram info` shows their names"},
		{"set", "1, 8, 8", "conv: {filters: 8, kernel: 2}", "relu1", "'relu1' is no layer `conv` that reads the network's pictures"},
		{"set", "1, 8, 8", "conv: {filters: 8, kernel: 2}, conv: {filters: 8, kernel: 2}", "conv2", "'conv2' is no layer `conv` that reads"},
		{"set", "1, 8, 8", "conv: {filters: 7, kernel: 2}", "conv1", "'conv1' has 7 filters; to whiten patches of 4 numbers it may have 2, 4, ... up to 8"},
		{"set", "1, 8, 8", "conv: {filters: 10, kernel: 2}", "conv1", "'conv1' has 10 filters"},
		{"set", "3, 8, 8", "conv: {filters: 6, kernel: 2, groups: 3}", "conv1", "see 1 of 3 channels"},
		{"set", "1, height, 8", "conv: {filters: 8, kernel: 2}", "conv1", "patches are taken of pictures of one size"},
		{"black", "1, 8, 8", "conv: {filters: 8, kernel: 2}", "conv1", "all patches that 'conv1' sees of the training pictures are 0"},
	};
	write_pictures(b, "set", 1);
	write_pictures(b, "black", 0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		eg_recipe *r = recipe_of(b, bad[i].folder, bad[i].input, bad[i].model, bad[i].layer);
		drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
		eg_graph *g;
		OK(b, eg_recipe_build(r, b->ctx, eg_samples_sizes(d.samples), &g, &b->err));
		OK(b, eg_task_suits(d.task, g, &b->err));
		eg_params *p = eg_params_new(g, 1, &b->err);
		assert_int_equal(eg_samples_whiten(d.samples, g, p, &b->err), EG_ERR_ARG);
		SAYS(b, bad[i].words);
		eg_params_free(p);
		eg_graph_free(g);
		undraw(&d);
		eg_recipe_free(r);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(filters, bench_setup, bench_teardown),
		cmocka_unit_test_setup_teardown(refusals, bench_setup, bench_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
