/* test_exif.c - tests of src/data/exif.c and of pictures that carry EXIF data, or want some other care: which way up,
 * CMYK, too large. The files are in test/corpus/picture; those called exif-* are others of that folder with EXIF data
 * put in. */
#include "data/data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PICTURES "test/corpus/picture/"

/* Two rows, three columns; what they look like is what viewers show: CIPA DC-008, 4.6.5.1.6. */
static void turns(void **state) {
	static const char *const seen[] = {
	        "012345", "012345", "210543", "543210", "345012", "031425", "304152", "524130", "251403"};
	EG_UNUSED(state);
	for (int way = -1; way <= 9; way++) {
		bool known = way >= 1 && way <= 8;
		eg_picture pic = {.C = 2, .H = 2, .W = 3, .pixels = eg_calloc(NULL, 12, 1)};
		assert_non_null(pic.pixels);
		memcpy(pic.pixels, "012345012345", 12);
		for (int i = 6; i < 12; i++) pic.pixels[i] = (uint8_t)(pic.pixels[i] + 20);
		assert_int_equal(eg_picture_turn(&pic, way, NULL), EG_OK);
		assert_int_equal(pic.H, way >= 5 && known ? 3 : 2);
		assert_int_equal(pic.W, way >= 5 && known ? 2 : 3);
		for (int i = 0; i < 12; i++)
			assert_int_equal(pic.pixels[i], seen[known ? way : 0][i % 6] + (i < 6 ? 0 : 20));
		eg_picture_free(&pic);
	}
}

static void *nothing(void *user, size_t bytes) { return EG_UNUSED(user), EG_UNUSED(bytes), NULL; }
static void release(void *user, void *p) { EG_UNUSED(user), free(p); }

static void turning_without_memory(void **state) {
	const eg_allocator none = {nothing, release, NULL};
	uint8_t pixels[6] = {0};
	eg_picture pic = {.C = 1, .H = 2, .W = 3, .pixels = pixels, .allocator = &none};
	eg_error err = {EG_OK, ""};
	EG_UNUSED(state);
	assert_int_equal(eg_picture_turn(&pic, 6, &err), EG_ERR_MEMORY);
	assert_true(pic.pixels == pixels && pic.H == 2 && pic.W == 3);
	assert_int_equal(eg_picture_turn(&pic, 1, &err), EG_OK); /* takes none */
}

#define BIG_HEAD "MM\0*\0\0\0\x08"
#define LITTLE_HEAD "II*\0\x08\0\0\0"

static void reads_the_tag(void **state) {
	static const struct {
		const char *bytes;
		size_t size;
		int way;
	} cases[] = {
#define DATA(text) text, sizeof text - 1
	        {DATA(BIG_HEAD "\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"), 6},
	        {DATA(LITTLE_HEAD "\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"), 6},
	        {DATA(BIG_HEAD "\0\x01\x01\x12\0\x04\0\0\0\x01\0\0\0\x08"), 8},   /* a long */
	        {DATA(BIG_HEAD "\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06"), 6},       /* cut behind the value */
	        {DATA(BIG_HEAD "\0\x01\x01\x12\0\x03\0\0\0\x01\0"), 1},           /* and within */
	        {DATA(BIG_HEAD "\0\x01\x01\x12\0\x03\0\0\0\x01\0\x09\0\0"), 1},   /* no such way */
	        {DATA(BIG_HEAD "\0\x01\x01\x12\0\x03\0\0\0\x01\0\0\0\0"), 1},     /* nor this */
	        {DATA(BIG_HEAD "\0\x01\x01\x12\0\x03\0\0\0\x02\0\x06\0\x06"), 1}, /* two of them */
	        {DATA(BIG_HEAD "\0\x01\x01\x12\0\x02\0\0\0\x01\0\x06\0\0"), 1},   /* a text */
	        {DATA(BIG_HEAD "\xff\xff\x01\x0f\0\x03\0\0\0\x01\0\x06\0\0"), 1}, /* more entries than bytes */
	        {DATA(BIG_HEAD "\0\0\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"), 1},     /* none */
	        {DATA("MM\0*\xff\xff\xff\xff\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"), 1}, /* far away */
	        {DATA("MM\0+\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0"), 1},
	        {DATA("IM*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"), 1},
	        {DATA("MM"), 1},
	        {DATA(""), 1},
#undef DATA
	};
	EG_UNUSED(state);
	for (int i = 0; i < EG_COUNT(cases); i++) {
		char *copy = malloc(cases[i].size + 1); /* of its own, for the sanitizer */
		assert_non_null(copy);
		char *at = copy + 1;
		memcpy(at, cases[i].bytes, cases[i].size);
		int way = eg_exif_orientation(at, cases[i].size);
		if (way != cases[i].way) fail_msg("case %d: %d instead of %d", i, way, cases[i].way);
		free(copy);
	}
}

/* false: this build cannot read the format. */
static bool load(const char *name, eg_picture *pic) {
	char path[100];
	eg_error err = {EG_OK, ""};
	snprintf(path, sizeof path, PICTURES "%s", name);
	if (eg_picture_load(path, NULL, pic, &err) == EG_OK) return true;
	if (!strstr(err.message, "was built without")) fail_msg("%s", err.message);
	return false;
}

static void files_are_turned(void **state) {
	static const struct {
		const char *name, *upright;
		int way;
	} cases[] = {{"exif-6.jpg", "rgb.jpg", 6}, {"exif-4-little.jpg", "rgb.jpg", 4},
	        {"exif-behind-xmp.jpg", "rgb.jpg", 8}, {"exif-cut.jpg", "rgb.jpg", 1}, {"exif-far.jpg", "rgb.jpg", 1},
	        {"exif-9.jpg", "rgb.jpg", 1}, {"exif-6.png", "rgb.png", 6}, {"exif-3-behind.png", "grey.png", 3},
	        {"exif-5-palette.png", "palette.png", 5}, {"exif-damaged.png", "rgb.png", 1},
	        {"exif-no-tiff.png", "rgb.png", 1}, {"exif-crc.png", "rgb.png", 1},
	        {"cmyk-unmarked.jpg", "cmyk.jpg", 1}};
	EG_UNUSED(state);
	for (int i = 0; i < EG_COUNT(cases); i++) {
		eg_picture pic, upright;
		if (!load(cases[i].name, &pic)) continue;
		assert_true(load(cases[i].upright, &upright));
		assert_int_equal(eg_picture_turn(&upright, cases[i].way, NULL), EG_OK);
		if (pic.C != upright.C || pic.H != upright.H || pic.W != upright.W)
			fail_msg("%s: %d x %d", cases[i].name, pic.H, pic.W);
		assert_memory_equal(pic.pixels, upright.pixels, (size_t)pic.C * (size_t)pic.H * (size_t)pic.W);
		eg_picture_free(&pic);
		eg_picture_free(&upright);
	}
}

/* A mask is turned as its picture is. */
static void masks_are_turned(void **state) {
	eg_picture mask, upright;
	eg_error err = {EG_OK, ""};
	EG_UNUSED(state);
	eg_status status = eg_mask_load(NULL, PICTURES "exif-5-palette.png", &mask, &err);
	if (status && strstr(err.message, "was built without")) skip();
	if (status) fail_msg("%s", err.message);
	assert_int_equal(eg_mask_load(NULL, PICTURES "palette.png", &upright, &err), EG_OK);
	assert_int_equal(eg_picture_turn(&upright, 5, &err), EG_OK);
	assert_true(mask.H == 4 && mask.W == 3);
	assert_memory_equal(mask.pixels, upright.pixels, 12);
	eg_picture_free(&mask);
	eg_picture_free(&upright);
}

/* rgb.jpg is 10 x 24: too large for the limit it is refused with the cure, or read at a part of its size. */
static void large_pictures(void **state) {
	static const int limits[] = {240, 239, 60, 59, 18, 17, 6, 5}, heights[] = {10, 5, 5, 3, 3, 2, 2, 0},
	                 widths[] = {24, 12, 12, 6, 6, 3, 3, 0};
	eg_picture whole, pic;
	eg_error err = {EG_OK, ""};
	EG_UNUSED(state);
	if (!load("rgb.jpg", &whole)) skip();
	for (int i = 0; i < EG_COUNT(limits); i++) {
		eg_picture_options o = {.max_pixels = limits[i], .shrink = true};
		eg_status status = eg_picture_load(PICTURES "rgb.jpg", &o, &pic, &err);
		assert_int_equal(status, heights[i] ? EG_OK : EG_ERR_FORMAT);
		if (status) break;
		assert_int_equal(pic.H, heights[i]);
		assert_int_equal(pic.W, widths[i]);
		assert_true(abs(pic.pixels[0] - whole.pixels[0]) < 40);
		eg_picture_free(&pic);
		o.shrink = false;
		status = eg_picture_load(PICTURES "rgb.jpg", &o, &pic, &err);
		assert_int_equal(status, limits[i] < 240 ? EG_ERR_FORMAT : EG_OK);
		eg_picture_free(&pic);
	}
	assert_non_null(strstr(err.message, "24 x 10 pixels are more than the 5 that are read here: make it smaller"));
	eg_picture_free(&whole);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(turns),
	        cmocka_unit_test(turning_without_memory),
	        cmocka_unit_test(reads_the_tag),
	        cmocka_unit_test(files_are_turned),
	        cmocka_unit_test(masks_are_turned),
	        cmocka_unit_test(large_pictures),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
