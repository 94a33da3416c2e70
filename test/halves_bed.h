/* halves_bed.h - what tests of tasks over pictures share: a small generated IDX set whose first class is bright
 * above and whose second is bright below, on a black ground, and recipes over it. */
#ifndef ENGRAM_TEST_HALVES_BED_H
#define ENGRAM_TEST_HALVES_BED_H

#include "support_tasks.h"

#include <math.h>
#include <stdlib.h>

enum { SIDE = 8, PIXELS = SIDE * SIDE, TRAIN = 60, TEST = 20 };

/* One picture: the upper or the lower half of its inside is bright; no two are the same. */
static inline void draw_half(uint8_t *p, int label, int i) {
	memset(p, 0, PIXELS);
	for (int y = 1; y < SIDE - 1; y++)
		for (int x = 1; x < SIDE - 1; x++)
			if ((y < SIDE / 2) == (label == 0)) p[y * SIDE + x] = (uint8_t)(150 + (i * 7 + x * 11) % 100);
}

static inline void write_set(bench *b, const char *images, const char *labels, int n) {
	uint8_t pixels[16 + TRAIN * PIXELS] = {0, 0, 8, 3, 0, 0, 0, (uint8_t)n, 0, 0, 0, SIDE, 0, 0, 0, SIDE},
	                            classes[8 + TRAIN] = {0, 0, 8, 1, 0, 0, 0, (uint8_t)n};
	for (int i = 0; i < n; i++) {
		draw_half(pixels + 16 + i * PIXELS, i % 2, i);
		classes[8 + i] = (uint8_t)(i % 2);
	}
	bench_write(b, images, pixels, 16 + (size_t)(n * PIXELS));
	bench_write(b, labels, classes, 8 + (size_t)n);
}

static inline int halves_setup(void **state) {
	if (bench_setup(state)) return -1;
	write_set(*state, "train-images", "train-labels", TRAIN);
	write_set(*state, "test-images", "test-labels", TEST);
	return 0;
}

#define LINEAR "[flatten, {linear: classes}]"
#define CONV \
	"[{conv: {filters: 6, kernel: 3, padding: 1}}, relu, {maxpool: 2}, {conv: {filters: 9, kernel: 3}}, relu, " \
	"flatten, {linear: classes}]"

/* A recipe over these files; `more` is put into its data section. */
static inline eg_recipe *halves_with(bench *b, const char *more, const char *model, const char *loss) {
	const char *at = b->folder;
	return bench_recipe(b,
	        "name: halves\ntask: classify\ndata:\n  source: idx\n  images: %s/train-images\n  labels: "
	        "%s/train-labels\n"
	        "  test_images: %s/test-images\n  test_labels: %s/test-labels\n%sinput: [1, 8, 8]\nmodel: %s\n"
	        "train: {optimizer: {adam: {lr: 0.01}}, batch: 16, epochs: 8%s}\n",
	        at, at, at, at, more, model, loss);
}
static inline eg_recipe *halves(bench *b, const char *more) { return halves_with(b, more, LINEAR, ""); }

static const char NAMED[] = "  class_names: [up, down]\n  validation: 0.2\n";

static inline const char *class_of(const eg_value *answer) { return eg_value_text(eg_value_get(answer, "class")); }
static inline double number_at(const eg_value *map, const char *key, int i) {
	return eg_value_number(eg_value_at(eg_value_get(map, key), i), (double)NAN);
}

/* Pictures that are less clear, as questions. */
enum { MANY = 37 };

typedef struct quiz {
	uint8_t pixels[MANY][PIXELS];
	eg_record records[MANY];
	eg_question questions[MANY];
} quiz;

static inline quiz *make_quiz(void) {
	quiz *z = calloc(1, sizeof *z);
	assert_non_null(z);
	for (int i = 0; i < MANY; i++) {
		draw_half(z->pixels[i], i % 2, 3 * i);
		for (int k = 0; k < PIXELS; k++)
			z->pixels[i][k] = (uint8_t)(z->pixels[i][k] / 2 + (k * 37 + i * 11) % 90);
		z->records[i].fields[0] = (eg_datum){.there = true, .picture = {1, SIDE, SIDE, z->pixels[i]}};
		z->questions[i].record = &z->records[i];
	}
	return z;
}

#endif
