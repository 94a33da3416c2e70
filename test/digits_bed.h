/* digits_bed.h - a small set of the test's own under the sources that are made by a rule of handwritten digits: a
 * bright block for each class, wider for later ones, as IDX files in the folder `digits`. */
#ifndef ENGRAM_TEST_DIGITS_BED_H
#define ENGRAM_TEST_DIGITS_BED_H

#include "support_tasks.h"

#include <stdio.h>

static inline void write_digits(bench *b, const char *part) {
	enum { EACH = 10, N = 10 * EACH, SIDE = 28 };
	static uint8_t images[16 + N * SIDE * SIDE] = {0, 0, 8, 3, 0, 0, 0, N, 0, 0, 0, SIDE, 0, 0, 0, SIDE};
	uint8_t labels[8 + N] = {0, 0, 8, 1, 0, 0, 0, N};
	char path[80];
	for (int i = 0; i < N; i++) {
		labels[8 + i] = (uint8_t)(i % 10);
		for (int y = 6; y < 22; y++)
			for (int x = 8; x < 12 + i % 10; x++) images[16 + (i * SIDE + y) * SIDE + x] = 200;
	}
	snprintf(path, sizeof path, "digits/%s-images-idx3-ubyte", part);
	bench_write(b, path, images, sizeof images);
	snprintf(path, sizeof path, "digits/%s-labels-idx1-ubyte", part);
	bench_write(b, path, labels, sizeof labels);
}

static inline int digits_setup(void **state) {
	const int status = bench_setup(state);
	if (!status) write_digits(*state, "train"), write_digits(*state, "t10k");
	return status;
}

#endif
