/* test_bmp_webp.c - tests of src/data/bmp.c and webp.c: one picture, 5 wide and 3 high, in all their ways. A pixel is
 * red 40 x, green 80 y, blue 10 (x + y). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { W = 5, H = 3 };

/* false: this build reads no such files. */
static bool load(const char *name, const eg_picture_options *o, eg_picture *pic) {
	char path[100];
	eg_error err;
	snprintf(path, sizeof path, "test/corpus/picture/%s", name);
	if (eg_picture_load(path, o, pic, &err) == EG_OK) return true;
	if (!strstr(err.message, "was built without")) fail_msg("%s: %s", name, err.message);
	return false;
}

static int pixel(int c, int y, int x) { return c == 0 ? 40 * x : c == 1 ? 80 * y : 10 * (x + y); }

static void check(const char *name, const eg_picture *pic, int c, int y, int x, int want, int slack) {
	int have = pic->pixels[(c * pic->H + y) * pic->W + x];
	if (abs(have - want) > slack) fail_msg("%s: channel %d, row %d, column %d: %d, not %d", name, c, y, x, have, want);
}

static void same_picture(void **state) {
	static const struct {
		const char *name;
		int slack; /* what fewer bits cost */
	} cases[] = {{"rgb24.bmp", 0}, {"rgb24-top.bmp", 0}, {"rgb32.bmp", 0}, {"alpha-0.bmp", 0}, {"rgb565.bmp", 5}, {"rgb555.bmp", 5},
	        {"palette8.bmp", 0}, {"palette4.bmp", 0}, {"os2-24.bmp", 0}, {"os2-8.bmp", 0}, {"lossless.webp", 0}};
	EG_UNUSED(state);
	for (int i = 0; i < EG_COUNT(cases); i++) {
		eg_picture pic;
		if (!load(cases[i].name, NULL, &pic)) continue;
		if (pic.C != 3 || pic.H != H || pic.W != W) fail_msg("%s is %d x %d x %d", cases[i].name, pic.C, pic.H, pic.W);
		for (int c = 0; c < 3; c++)
			for (int y = 0; y < H; y++)
				for (int x = 0; x < W; x++) check(cases[i].name, &pic, c, y, x, pixel(c, y, x), cases[i].slack);
		eg_picture_free(&pic);
	}
}

/* Column 3 is half transparent, 4 wholly: over white, or what the caller puts behind. */
static void transparent(void **state) {
	static const char *const names[] = {"rgba32.bmp", "alpha.webp"};
	EG_UNUSED(state);
	for (int i = 0; i < 4; i++) {
		eg_picture pic;
		const eg_picture_options o = {.set_backdrop = i > 1, .backdrop = {7, 7, 7}};
		const int back = i > 1 ? 7 : 255;
		if (!load(names[i % 2], &o, &pic)) continue;
		assert_true(pic.C == 3 && pic.H == H && pic.W == W);
		for (int c = 0; c < 3; c++)
			for (int y = 0; y < H; y++)
				for (int x = 0; x < W; x++) {
					const int alpha = x == 4 ? 0 : x == 3 ? 128 : 255, v = pixel(c, y, x);
					check(names[i % 2], &pic, c, y, x, (v * alpha + back * (255 - alpha) + 127) / 255, 0);
				}
		eg_picture_free(&pic);
	}
}

static void other_contents(void **state) {
	eg_picture pic;
	EG_UNUSED(state);
	assert_true(load("grey8.bmp", NULL, &pic)); /* a palette of greys: one channel */
	assert_true(pic.C == 1 && pic.H == H && pic.W == W);
	for (int i = 0; i < W * H; i++) check("grey8.bmp", &pic, 0, i / W, i % W, 40 * (i % W) + i / W, 0);
	eg_picture_free(&pic);
	assert_true(load("palette1.bmp", NULL, &pic)); /* colours 0 and 2 of the others' palette */
	for (int i = 0; i < W * H; i++) check("palette1.bmp", &pic, 0, i / W, i % W, (i % W + i / W) & 1 ? 80 : 0, 0);
	eg_picture_free(&pic);
	/* Rows from the bottom: as they stand; some runs; two passed over, then three of colour 2. */
	static const int colours[H][W] = {{0, 0, 2, 2, 2}, {5, 6, 7, 8, 9}, {10, 11, 12, 13, 14}};
	assert_true(load("runs8.bmp", NULL, &pic));
	for (int c = 0; c < 3; c++)
		for (int i = 0; i < W * H; i++) {
			const int k = colours[i / W][i % W];
			check("runs8.bmp", &pic, c, i / W, i % W, pixel(c, k / W, k % W), 0);
		}
	eg_picture_free(&pic);
	if (!load("lossy.webp", NULL, &pic)) return;
	assert_true(pic.C == 3 && pic.H == 16 && pic.W == 24);
	for (int c = 0; c < 3; c++) check("lossy.webp", &pic, c, 8, 12, c == 0 ? 220 : c == 1 ? 60 : 96, 6);
	eg_picture_free(&pic);
	for (int i = 0; i < 2; i++) { /* turned to the right */
		const char *name = i ? "exif-head.webp" : "exif-6.webp";
		assert_true(load(name, NULL, &pic));
		assert_true(pic.H == W && pic.W == H);
		for (int k = 0; k < W * H; k++) check(name, &pic, 0, k / H, k % H, pixel(0, H - 1 - k % H, k / H), 0);
		eg_picture_free(&pic);
	}
}

static void damaged(void **state) {
	static const char *const cases[][2] = {{"cut.bmp", "cut off: 5 x 3 pixels are promised, 47 bytes are there"},
	        {"huge.bmp", "cut off: 60000 x 60000 pixels are promised"}, {"huge-runs.bmp", "60000 x 60000 pixels are more than"},
	        {"runs-over.bmp", "a run of pixels leaves its row"}, {"runs-above.bmp", "a run of pixels leaves its row"},
	        {"runs-cut.bmp", "cut off in its pixels"}, {"runs4.bmp", "4 bits a pixel, packed as runs of 4 bits, which is not read here"},
	        {"jpeg.bmp", "packed as a JPEG"}, {"apart.bmp", "a colour's bits lie apart"}, {"no-bits.bmp", "a colour without bits"},
	        {"index.bmp", "of a colour that the palette has not"}, {"offset.bmp", "its pixels do not lie in the file"},
	        {"head.bmp", "cut off in its header"}, {"kind.bmp", "its header is of no known size"}, {"zero.bmp", "it has no pixels"},
	        {"negative.bmp", "it has no pixels"}, {"least.bmp", "cut off"}, {"cut.webp", "damaged or cut off"},
	        {"head.webp", "its WebP header is damaged"}, {"animated.webp", "it is a WebP that moves"}};
	EG_UNUSED(state);
	for (int i = 0; i < EG_COUNT(cases); i++) {
		char path[100];
		eg_picture pic;
		eg_error err = {EG_OK, ""};
		snprintf(path, sizeof path, "test/corpus/picture/%s", cases[i][0]);
		eg_status status = eg_picture_load(path, NULL, &pic, &err);
		assert_null(pic.pixels);
		if (strstr(err.message, "was built without")) continue;
		if (status != EG_ERR_FORMAT || !strstr(err.message, cases[i][1]))
			fail_msg("%s: status %d, '%s' does not say '%s'", path, status, err.message, cases[i][1]);
	}
	const eg_picture_options o = {.max_pixels = 14};
	eg_picture pic;
	eg_error err;
	assert_int_equal(eg_picture_load("test/corpus/picture/rgb24.bmp", &o, &pic, &err), EG_ERR_FORMAT);
	assert_non_null(strstr(err.message, "5 x 3 pixels are more than the 14"));
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(same_picture), cmocka_unit_test(transparent),
	        cmocka_unit_test(other_contents), cmocka_unit_test(damaged)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
