/* test_augment.c - augmentations of single records: where pixels, masks and boxes go, exactly; what is drawn, and
 * that it depends on nothing but seed, epoch, record and place. */
#include "data/augment.h"

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- a record with everything ------------------------------------------------------------------------------------ */

enum { H = 12, W = 16, FIELDS = 4 };
static const eg_field fields[FIELDS] = {{.name = "picture", .kind = EG_FIELD_PICTURE}, {.name = "mask", .kind = EG_FIELD_MASK},
	{.name = "boxes", .kind = EG_FIELD_BOXES}, {.name = "label", .kind = EG_FIELD_LABEL}};

typedef struct subject {
	uint8_t pixels[3 * H * W], classes[H * W];
	eg_box box;
	eg_record r;
} subject;

/* Black, with a filled rectangle of class 1 that the box surrounds. */
static void make(subject *s, int x0, int y0, int x1, int y1) {
	eg_record_reset(&s->r);
	memset(s->pixels, 0, sizeof s->pixels);
	memset(s->classes, 0, sizeof s->classes);
	for (int y = y0; y < y1; y++)
		for (int x = x0; x < x1; x++) {
			s->classes[y * W + x] = 1;
			for (int c = 0; c < 3; c++) s->pixels[(c * H + y) * W + x] = (uint8_t)(100 + 50 * c);
		}
	s->box = (eg_box){.label = 1, .x0 = x0, .y0 = y0, .x1 = x1, .y1 = y1};
	s->r.fields[0] = (eg_datum){.there = true, .picture = {3, H, W, s->pixels}};
	s->r.fields[1] = (eg_datum){.there = true, .mask = {H, W, s->classes}};
	s->r.fields[2] = (eg_datum){.there = true, .boxes = {1, &s->box}};
	s->r.fields[3] = (eg_datum){.there = true, .label = 2};
}

static const eg_augment_type *kind(const char *name) {
	for (int i = 0; eg_augment_at(i); i++)
		if (!strcmp(eg_augment_at(i)->name, name)) return eg_augment_at(i);
	fail_msg("there is no augmentation '%s'", name);
	return NULL;
}

typedef struct entry {
	const eg_augment_type *type;
	_Alignas(16) char options[EG_AUGMENT_MOST];
} entry;

/* With the settings "key=value", and always happening, unless they say how often. */
static entry entry_of(const char *name, const char *const *settings) {
	entry e = {.type = kind(name)};
	eg_arena arena = {0};
	eg_error err;
	assert_true(e.type->size <= sizeof e.options);
	((eg_augment_options *)(void *)e.options)->probability = 1;
	if (e.type->defaults) e.type->defaults(e.options);
	const eg_key_set sets[] = {{&eg_augment_probability, 1, e.options}, {e.type->keys.keys, e.type->keys.n, e.options}};
	if (eg_settings_read(&arena, settings, sets, 2, name, &err)) fail_msg("%s", err.message);
	eg_arena_free(&arena);
	return e;
}
#define ENTRY(name, ...) entry_of(name, (const char *const[]){__VA_ARGS__, NULL})

static void apply(const entry *e, subject *s, int epoch, int64_t item) {
	eg_error err = {0};
	eg_augment_call c = {.options = e->options, .fields = fields, .nfields = FIELDS, .record = &s->r, .inputs = 1,
		.draw = eg_draw_of(7, epoch, item, 3), .seed = 7, .epoch = epoch, .item = item, .items = 100};
	if (e->type->apply(&c, &err)) fail_msg("%s", err.message);
}

static int pixel(const subject *s, int c, int y, int x) { return s->r.fields[0].picture.pixels[(c * H + y) * W + x]; }
static int class_at(const subject *s, int y, int x) { return s->r.fields[1].mask.classes[y * W + x]; }

/* The box around what the mask says; false: nothing. */
static bool seen(const subject *s, eg_box *b) {
	*b = (eg_box){.x0 = W, .y0 = H};
	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++)
			if (class_at(s, y, x) == 1) {
				b->x0 = fmin(b->x0, x), b->x1 = fmax(b->x1, x + 1);
				b->y0 = fmin(b->y0, y), b->y1 = fmax(b->y1, y + 1);
			}
	return b->x1 > b->x0;
}

static void assert_box_near(const eg_box *a, const eg_box *b, double tolerance) {
	const double d = fmax(fmax(fabs(a->x0 - b->x0), fabs(a->x1 - b->x1)), fmax(fabs(a->y0 - b->y0), fabs(a->y1 - b->y1)));
	if (!(d <= tolerance))
		fail_msg("(%g %g %g %g) and (%g %g %g %g)", a->x0, a->y0, a->x1, a->y1, b->x0, b->y0, b->x1, b->y1);
}

/* ---- moving ------------------------------------------------------------------------------------------------------ */

static void test_flip(void **state) {
	EG_UNUSED(state);
	subject s = {0};
	const entry across = ENTRY("flip", "axis=horizontal"), down = ENTRY("flip", "axis=vertical");
	make(&s, 2, 3, 5, 4);
	apply(&across, &s, 0, 0);
	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++) {
			const bool in = y == 3 && x >= 11 && x < 14;
			assert_int_equal(pixel(&s, 1, y, x), in ? 150 : 0);
			assert_int_equal(class_at(&s, y, x), in);
		}
	assert_box_near(&s.r.fields[2].boxes.at[0], &(eg_box){.x0 = 11, .y0 = 3, .x1 = 14, .y1 = 4}, 0);
	assert_int_equal(s.pixels[3 * W + 2], 100); /* the source's own memory is as it was */
	apply(&down, &s, 0, 0);
	assert_int_equal(pixel(&s, 2, 8, 11), 200);
	assert_int_equal(class_at(&s, 8, 13), 1);
	assert_box_near(&s.r.fields[2].boxes.at[0], &(eg_box){.x0 = 11, .y0 = 8, .x1 = 14, .y1 = 9}, 0);
	eg_record_free(&s.r);
}

/* Half of the records at first, and each in every other epoch. */
static void test_alternating(void **state) {
	EG_UNUSED(state);
	subject s = {0};
	const entry e = ENTRY("flip", "alternating=true", "probability=0.5");
	int flipped = 0;
	for (int item = 0; item < 400; item++) {
		int last = -1;
		for (int epoch = 0; epoch < 4; epoch++) {
			make(&s, 2, 3, 5, 4);
			apply(&e, &s, epoch, item);
			const int now = pixel(&s, 0, 3, 13) == 100;
			if (last >= 0) assert_int_equal(now, !last);
			if (epoch == 0) flipped += now;
			last = now;
		}
	}
	assert_in_range(flipped, 160, 240);
	assert_non_null(e.type->check(ENTRY("flip", "alternating=true", "probability=0.9").options));
	assert_null(e.type->check(e.options));
	eg_record_free(&s.r);
}

/* Every offset, as likely as any other, and the picture behind it exactly. */
static void test_crop(void **state) {
	EG_UNUSED(state);
	subject s = {0};
	int count[3][3] = {{0}};
	const entry zero = ENTRY("crop", "pad=1"), mirror = ENTRY("crop", "pad=1", "edge=reflect");
	for (int i = 0; i < 900; i++) {
		make(&s, 0, 0, 3, 3);
		s.pixels[1 * W + 1] = 7; /* what is reflected to place -1 */
		const bool reflect = i % 2;
		apply(reflect ? &mirror : &zero, &s, 0, i);
		eg_box b;
		assert_true(seen(&s, &b));
		int dx = -2, dy = -2;
		for (int y = 0; y < 3; y++) /* the marked pixel is at 1 - offset */
			for (int x = 0; x < 3; x++)
				if (pixel(&s, 0, y, x) == 7 && class_at(&s, y, x) == 1) dx = 1 - x, dy = 1 - y;
		assert_in_range(dx + 1, 0, 2);
		assert_in_range(dy + 1, 0, 2);
		count[dx + 1][dy + 1]++;
		for (int y = 0; y < H; y++)
			for (int x = 0; x < W; x++) {
				int u = x + dx, v = y + dy;
				const bool outside = u < 0 || v < 0 || u >= W || v >= H;
				assert_int_equal(class_at(&s, y, x), outside ? EG_VOID : u < 3 && v < 3);
				if (outside && reflect) u = u < 0 ? 1 : u >= W ? W - 2 : u, v = v < 0 ? 1 : v >= H ? H - 2 : v;
				assert_int_equal(pixel(&s, 0, y, x), outside && !reflect ? 0 : s.pixels[v * W + u]);
			}
		assert_box_near(&s.r.fields[2].boxes.at[0], &b, 0);
	}
	for (int i = 0; i < 9; i++) assert_in_range(count[i / 3][i % 3], 60, 140);
	eg_record_free(&s.r);
}

/* A box that surrounds a filled rectangle surrounds it afterwards, within a pixel. */
static void test_boxes_and_masks_agree(void **state) {
	EG_UNUSED(state);
	subject s = {0};
	const entry all[] = {ENTRY("rotate", "degrees=30"), ENTRY("scale", "least=0.7", "most=1.3"),
		ENTRY("shear", "by=0.4"), ENTRY("squeeze", "most=1.3"), ENTRY("shift", "x=0.2", "y=0.3"), ENTRY("flip", "axis=vertical")};
	for (size_t k = 0; k < sizeof all / sizeof *all; k++)
		for (int i = 0; i < 200; i++) {
			eg_box b;
			make(&s, 6, 4, 11, 8);
			apply(&all[k], &s, 1, i);
			assert_true(seen(&s, &b));
			assert_int_equal(s.r.fields[2].boxes.n, 1);
			assert_int_equal(s.r.fields[2].boxes.at[0].label, 1);
			assert_box_near(&s.r.fields[2].boxes.at[0], &b, 1);
			assert_int_equal(s.r.fields[3].label, 2);
		}
	eg_record_free(&s.r);
}

/* Rows keep their places, and columns move by as much a row as is drawn; an area is kept where it becomes wider. */
static void test_shear_and_squeeze(void **state) {
	EG_UNUSED(state);
	const entry shear = ENTRY("shear", "by=0.4"), squeeze = ENTRY("squeeze", "most=1.3");
	const eg_box from = {.x0 = 6, .y0 = 4, .x1 = 11, .y1 = 8};
	double most = 0, widest = 0, narrowest = 9;
	subject s = {0};
	for (int i = 0; i < 200; i++) {
		const eg_box *b;
		make(&s, 6, 4, 11, 8);
		apply(&shear, &s, 1, i);
		b = &s.r.fields[2].boxes.at[0];
		const double by = (b->x1 - b->x0 - (from.x1 - from.x0)) / (from.y1 - from.y0);
		assert_true(fabs(b->y0 - from.y0) < 1e-9 && fabs(b->y1 - from.y1) < 1e-9);
		assert_true(by >= -1e-9 && by <= 0.4 + 1e-9);
		most = fmax(most, by);
		make(&s, 6, 4, 11, 8);
		apply(&squeeze, &s, 1, i);
		b = &s.r.fields[2].boxes.at[0];
		const double wider = (b->x1 - b->x0) / (from.x1 - from.x0), higher = (b->y1 - b->y0) / (from.y1 - from.y0);
		assert_true(fabs(wider * higher - 1) < 1e-6);
		widest = fmax(widest, wider), narrowest = fmin(narrowest, wider);
	}
	assert_true(most > 0.35);
	assert_true(widest > 1.25 && widest < 1.3 + 1e-6);
	assert_true(narrowest < 1 / 1.25 && narrowest > 1 / 1.3 - 1e-6);
	eg_record_free(&s.r);
}

/* Turned alone, it is `rotate` to the byte; with nothing to do, nothing. */
static void test_distort_as_others(void **state) {
	EG_UNUSED(state);
	const entry none = ENTRY("distort", "degrees=0", "scale=1", "shear=0", "shift=0", "bend=0"), rotate = ENTRY("rotate", "degrees=30"),
		turned = ENTRY("distort", "degrees=30", "scale=1", "shear=0", "shift=0", "bend=0");
	subject a = {0}, b = {0};
	for (int i = 0; i < 50; i++) {
		make(&a, 6, 4, 11, 8);
		apply(&none, &a, 1, i);
		assert_memory_equal(a.r.fields[0].picture.pixels, a.pixels, sizeof a.pixels);
		assert_memory_equal(a.r.fields[1].mask.classes, a.classes, sizeof a.classes);
		make(&a, 6, 4, 11, 8), make(&b, 6, 4, 11, 8);
		apply(&turned, &a, 1, i), apply(&rotate, &b, 1, i);
		assert_memory_equal(a.r.fields[0].picture.pixels, b.r.fields[0].picture.pixels, sizeof a.pixels);
		assert_memory_equal(a.r.fields[1].mask.classes, b.r.fields[1].mask.classes, sizeof a.classes);
	}
	eg_record_free(&a.r), eg_record_free(&b.r);
}

/* A slope says how far each pixel has gone: with the deviation that was asked for, its neighbour nearly as far, and one
 * four points away independently. */
static void test_bend(void **state) {
	EG_UNUSED(state);
	enum { N = 4000, STEP = 10, GRID = 3 };
	const entry bend = ENTRY("distort", "degrees=0", "scale=1", "shear=0", "shift=0", "bend=0.5", "grid=3");
	double square = 0, beside = 0, apart = 0;
	subject s = {0};
	for (int i = 0; i < N; i++) {
		make(&s, 0, 0, 0, 0);
		for (int k = 0; k < 3 * H * W; k++) s.pixels[k] = (uint8_t)(40 + STEP * (k % W));
		apply(&bend, &s, 1, i);
		const double a = (pixel(&s, 1, 6, 2) - 60) / (double)STEP, b = (pixel(&s, 1, 6, 3) - 70) / (double)STEP,
			     c = (pixel(&s, 1, 6, 14) - 180) / (double)STEP;
		square += a * a, beside += (a - b) * (a - b), apart += a * c;
	}
	assert_true(fabs(sqrt(square / N) - 0.5) < 0.03);
	assert_true(sqrt(beside / N) < 0.3);
	assert_true(fabs(apart / N) < 0.015);
	eg_record_free(&s.r);
}

/* Pixels and their classes go the same way: of four pixels that are mixed the nearest counts at least a quarter. */
static void test_distorted_masks(void **state) {
	EG_UNUSED(state);
	const entry all = ENTRY("distort", "degrees=20", "shear=0.3", "shift=0.1", "bend=1.5", "grid=4");
	int moved = 0;
	subject s = {0};
	for (int i = 0; i < 200; i++) {
		make(&s, 4, 3, 12, 9);
		apply(&all, &s, 2, i);
		for (int y = 0; y < H; y++)
			for (int x = 0; x < W; x++) {
				moved += class_at(&s, y, x) != s.classes[y * W + x];
				if (class_at(&s, y, x) == 1)
					assert_true(pixel(&s, 0, y, x) >= 25);
				else
					assert_true(pixel(&s, 0, y, x) <= 75);
			}
	}
	assert_true(moved > 1000);
	eg_record_free(&s.r);
}

/* A quarter turn about the middle of a square: every pixel goes where it should, and none is blurred. */
static void test_quarter_turn(void **state) {
	EG_UNUSED(state);
	enum { N = 5 };
	uint8_t in[N * N];
	eg_record r = {0};
	eg_error err;
	for (int i = 0; i < N * N; i++) in[i] = (uint8_t)(10 * i);
	eg_datum_picture p = {1, N, N, in};
	eg_datum_mask m = {N, N, in};
	eg_box box = {.x0 = 0, .y0 = 0, .x1 = 2, .y1 = 1};
	eg_datum_boxes b = {1, &box};
	const eg_move turn = {0, -1, N, 1, 0, 0}; /* the new (x, y) comes from (N - y, x) */
	assert_int_equal(eg_move_picture(&turn, EG_EDGE_ZERO, &r, &p, &err), EG_OK);
	assert_int_equal(eg_move_mask(&turn, &r, &m, &err), EG_OK);
	assert_int_equal(eg_move_boxes(&turn, N, N, &r, &b, &err), EG_OK);
	for (int y = 0; y < N; y++)
		for (int x = 0; x < N; x++) {
			assert_int_equal(p.pixels[y * N + x], in[x * N + N - 1 - y]);
			assert_int_equal(m.classes[y * N + x], in[x * N + N - 1 - y]);
		}
	assert_box_near(&b.at[0], &(eg_box){.x0 = 0, .y0 = 3, .x1 = 1, .y1 = 5}, 1e-12);
	eg_record_free(&r);
}

/* Half a pixel to the left: the mean of neighbours, and of the edge and nothing. */
static void test_interpolation(void **state) {
	EG_UNUSED(state);
	uint8_t in[4] = {10, 20, 40, 80};
	eg_record r = {0};
	eg_error err;
	eg_datum_picture p = {1, 1, 4, in};
	assert_int_equal(eg_move_picture(&(eg_move){1, 0, 0.5, 0, 1, 0}, EG_EDGE_ZERO, &r, &p, &err), EG_OK);
	assert_memory_equal(p.pixels, ((uint8_t[]){15, 30, 60, 40}), 4);
	p.pixels = in;
	assert_int_equal(eg_move_picture(&(eg_move){1, 0, 0.5, 0, 1, 0}, EG_EDGE_REFLECT, &r, &p, &err), EG_OK);
	assert_memory_equal(p.pixels, ((uint8_t[]){15, 30, 60, 60}), 4);
	eg_record_free(&r);
}

static void test_dropped_boxes(void **state) {
	EG_UNUSED(state);
	eg_box b = {.x0 = -4, .y0 = 0, .x1 = 2, .y1 = 6}; /* a third is left */
	assert_true(eg_box_left(&b, 0, 0, 10, 10));
	assert_box_near(&b, &(eg_box){.x0 = 0, .y0 = 0, .x1 = 2, .y1 = 6}, 0);
	assert_false(eg_box_left(&(eg_box){.x0 = -4.1, .y0 = 0, .x1 = 2, .y1 = 6}, 0, 0, 10, 10));
	assert_false(eg_box_left(&(eg_box){.x0 = -0.5, .y0 = 0, .x1 = 0.9, .y1 = 6}, 0, 0, 10, 10)); /* less than a
	                                                                                              * pixel */
	assert_false(eg_box_left(&(eg_box){.x0 = 12, .y0 = 0, .x1 = 14, .y1 = 6}, 0, 0, 10, 10));
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static void test_brightness_and_contrast(void **state) {
	EG_UNUSED(state);
	subject s = {0};
	const entry bright = ENTRY("brightness", "by=0.5"), contrast = ENTRY("contrast", "by=0.5");
	double least = 9, most = 0;
	for (int i = 0; i < 300; i++) {
		make(&s, 0, 0, W, H);
		apply(&bright, &s, 0, i);
		const double factor = pixel(&s, 0, 0, 0) / 100.0;
		least = fmin(least, factor), most = fmax(most, factor);
		assert_int_equal(pixel(&s, 1, 5, 5), (int)fmin(255, floor(150 * factor + 0.5)) < 255 ? pixel(&s, 1, 5, 5) : 255);
		assert_true(fabs(pixel(&s, 1, 5, 5) - 150 * factor) <= 1.3 || pixel(&s, 1, 5, 5) == 255);
		make(&s, 0, 0, W, H);
		apply(&contrast, &s, 0, i); /* the mean of 100, 150, 200 stays */
		assert_int_equal(pixel(&s, 1, 2, 2), 150);
		assert_int_equal(pixel(&s, 0, 2, 2) + pixel(&s, 2, 2, 2), 300);
		assert_in_range(pixel(&s, 0, 2, 2), 75, 125);
	}
	assert_true(least >= 0.5 && least < 0.55 && most <= 1.5 && most > 1.45);
	eg_record_free(&s.r);
}

/* Grey stays grey, brightness stays, and nothing else happens without a share. */
static void test_colour(void **state) {
	EG_UNUSED(state);
	subject s = {0};
	const entry none = ENTRY("colour", "saturation=0", "hue=0"), some = ENTRY("colour", "saturation=0.5", "hue=0.2");
	bool changed = false;
	for (int i = 0; i < 100; i++) {
		make(&s, 0, 0, 4, 4);
		apply(&none, &s, 0, i);
		for (int c = 0; c < 3; c++) assert_true(abs(pixel(&s, c, 1, 1) - (100 + 50 * c)) <= 1);
		make(&s, 0, 0, 4, 4);
		apply(&some, &s, 0, i);
		const double y = 0.299 * pixel(&s, 0, 1, 1) + 0.587 * pixel(&s, 1, 1, 1) + 0.114 * pixel(&s, 2, 1, 1);
		changed |= abs(pixel(&s, 0, 1, 1) - 100) > 10;
		bool cut = false; /* a byte ends at 255 */
		for (int c = 0; c < 3; c++) cut |= pixel(&s, c, 1, 1) == 255;
		assert_true(cut || fabs(y - (0.299 * 100 + 0.587 * 150 + 0.114 * 200)) < 2);
		assert_int_equal(pixel(&s, 0, 9, 9), 0); /* black */
	}
	assert_true(changed && some.type->colour);
	eg_record_free(&s.r);
}

static void test_cutout(void **state) {
	EG_UNUSED(state);
	subject s = {0};
	const entry e = ENTRY("cutout", "size=4", "fill=zero");
	int dropped = 0;
	for (int i = 0; i < 200; i++) {
		int covered = 0, hidden = 0;
		make(&s, 0, 0, W, H);
		s.box = (eg_box){.x0 = 6, .y0 = 5, .x1 = 9, .y1 = 7};
		apply(&e, &s, 0, i);
		for (int y = 0; y < H; y++)
			for (int x = 0; x < W; x++) {
				assert_int_equal(pixel(&s, 0, y, x) == 0, class_at(&s, y, x) == EG_VOID);
				covered += pixel(&s, 0, y, x) == 0;
				hidden += pixel(&s, 0, y, x) == 0 && x >= 6 && x < 9 && y >= 5 && y < 7;
			}
		assert_in_range(covered, 4, 16);
		assert_int_equal(s.r.fields[2].boxes.n, 3 * (6 - hidden) >= 6);
		dropped += s.r.fields[2].boxes.n == 0;
	}
	assert_in_range(dropped, 1, 60);
	make(&s, 0, 0, W, H);
	apply(&(const entry){.type = e.type, .options = {0}}, &s, 0, 0); /* probability 0: never */
	assert_ptr_equal(s.r.fields[0].picture.pixels, s.pixels);
	eg_record_free(&s.r);
}

/* One side, of a share within the limits; the colour is that of what is seen, and says nothing of what is not. */
static void test_hide(void **state) {
	EG_UNUSED(state);
	subject s = {0};
	const entry bottom = ENTRY("hide", "least=0.25", "most=0.5"), any = ENTRY("hide", "least=0.5", "most=0.5", "side=any", "fill=zero");
	int sides = 0;
	for (int i = 0; i < 60; i++) {
		make(&s, 0, 0, W, H / 2); /* bright above, black below */
		apply(&bottom, &s, 0, i);
		int seen = 0;
		while (seen < H && (seen < H / 2 || pixel(&s, 0, seen, 0) == 0)) seen++;
		assert_in_range(H - seen, H / 4, H / 2);
		const int mean = (100 * (H / 2) + seen / 2) / seen;
		for (int x = 0; x < W; x++)
			for (int y = seen; y < H; y++) assert_int_equal(pixel(&s, 0, y, x), mean);
		make(&s, 0, 0, W, H);
		apply(&any, &s, 0, i);
		const bool top = pixel(&s, 0, 0, W / 2) == 0, low = pixel(&s, 0, H - 1, W / 2) == 0, left = pixel(&s, 0, H / 2, 0) == 0,
		           right = pixel(&s, 0, H / 2, W - 1) == 0;
		sides |= 1 << (top && !low ? 0 : low && !top ? 1 : left ? 2 : 3);
		assert_true(pixel(&s, 0, 0, 0) == 0 || pixel(&s, 0, H - 1, W - 1) == 0);
		assert_true((top ^ low) || (left ^ right));
	}
	assert_int_equal(sides, 15);
	make(&s, 0, 0, W, H);
	assert_int_equal(eg_hide_lowest(0.25, &s.r, &s.r.fields[0].picture, NULL), EG_OK);
	assert_int_equal(pixel(&s, 2, H - 1, 0), 200); /* the mean of one colour */
	eg_record_free(&s.r);
}

/* ---- random numbers ---------------------------------------------------------------------------------------------- */

static void test_draws(void **state) {
	EG_UNUSED(state);
	eg_draw a = eg_draw_of(1, 2, 3, 4), b = eg_draw_of(1, 2, 3, 4);
	for (int i = 0; i < 10; i++) assert_true(eg_draw_uniform(&a, 0, 1) == eg_draw_uniform(&b, 0, 1));
	const eg_draw others[] = {eg_draw_of(2, 2, 3, 4), eg_draw_of(1, 1, 3, 4), eg_draw_of(1, 2, 4, 4), eg_draw_of(1, 2, 3, 5)};
	for (int i = 0; i < 4; i++) {
		eg_draw c = others[i], d = eg_draw_of(1, 2, 3, 4);
		assert_true(eg_draw_uniform(&c, 0, 1) != eg_draw_uniform(&d, 0, 1));
	}
	double sum = 0, squares = 0; /* beta(a, a): mean 1/2, variance 1 / (4 (2 a + 1)) */
	enum { N = 20000 };
	const double alphas[] = {0.2, 1, 3};
	for (int k = 0; k < 3; k++) {
		sum = squares = 0;
		for (int i = 0; i < N; i++) {
			eg_draw d = eg_draw_of(5, k, i, 0);
			const double x = eg_draw_beta(&d, alphas[k]);
			assert_true(x >= 0 && x <= 1);
			sum += x, squares += (x - 0.5) * (x - 0.5);
		}
		assert_true(fabs(sum / N - 0.5) < 0.012);
		assert_true(fabs(squares / N * 4 * (2 * alphas[k] + 1) - 1) < 0.05);
	}
}

/* ---- several records --------------------------------------------------------------------------------------------- */

/* The other record: all of it class 3 and 200 in every channel, with a box that fills it. */
static subject another;
static int64_t asked;
static eg_status other(void *user, int64_t item, const eg_record **r, eg_error *err) {
	EG_UNUSED(user), EG_UNUSED(err);
	asked = item;
	*r = &another.r;
	return EG_OK;
}

static void mix(const entry *e, subject *s, int64_t item) {
	eg_error err = {0};
	make(&another, 0, 0, W, H);
	memset(another.pixels, 200, sizeof another.pixels);
	memset(another.classes, 3, sizeof another.classes);
	another.box.label = 3;
	another.r.fields[3].label = 4;
	eg_augment_call c = {.options = e->options, .fields = fields, .nfields = FIELDS, .record = &s->r, .inputs = 1,
		.draw = eg_draw_of(7, 0, item, 0), .seed = 7, .item = item, .items = 100, .other = other};
	if (e->type->apply(&c, &err)) fail_msg("%s", err.message);
	assert_in_range(asked, 0, 99);
}

/* The share of class 2, when 2 and 4 are all there is and sum to 1. */
static double share_of_two(const subject *s) {
	const eg_shares *x = s->r.fields[3].shares;
	assert_non_null(x);
	assert_int_equal(x->n, 2);
	assert_true(x->label[0] == 2 && x->label[1] == 4);
	assert_true(fabs((double)x->share[0] + (double)x->share[1] - 1) < 1e-6);
	return (double)x->share[0];
}

static void test_mixup(void **state) {
	EG_UNUSED(state);
	subject s = {0};
	const entry e = ENTRY("mixup", "alpha=1");
	double sum = 0;
	for (int i = 0; i < 500; i++) {
		make(&s, 0, 0, W, H);
		mix(&e, &s, i);
		const double share = share_of_two(&s);
		sum += share;
		for (int c = 0; c < 3; c++) assert_true(fabs(pixel(&s, c, 4, 5) - (share * (100 + 50 * c) + (1 - share) * 200)) <= 0.51);
		assert_int_equal(s.r.fields[2].boxes.n, 2);
		assert_int_equal(s.r.fields[2].boxes.at[1].label, 3);
	}
	assert_true(fabs(sum / 500 - 0.5) < 0.06);
	/* once more: of three records, whose shares sum to 1 */
	mix(&e, &s, 999);
	const eg_shares *x = s.r.fields[3].shares;
	assert_int_equal(x->n, 3);
	assert_true(fabs((double)x->share[0] + (double)x->share[1] + (double)x->share[2] - 1) < 1e-6);
	assert_true(e.type->refuses & EG_KINDS_OF(MASK));
	eg_record_free(&s.r);
}

/* Pixels, classes of pixels, and the share of the label agree. */
static void test_cutmix(void **state) {
	EG_UNUSED(state);
	subject s = {0};
	const entry e = ENTRY("cutmix", "alpha=1");
	int whole = 0, boxes = 0;
	for (int i = 0; i < 300; i++) {
		int theirs = 0;
		make(&s, 0, 0, W, H);
		mix(&e, &s, i);
		for (int y = 0; y < H; y++)
			for (int x = 0; x < W; x++) {
				const bool pasted = class_at(&s, y, x) == 3;
				theirs += pasted;
				assert_int_equal(pixel(&s, 0, y, x), pasted ? 200 : 100);
				assert_int_equal(pixel(&s, 1, y, x), pasted ? 200 : 150);
			}
		assert_true(fabs(share_of_two(&s) - (1 - (double)theirs / (H * W))) < 1e-6);
		/* its own box stays while a third of it is seen; the other's is a third of what it was, or more */
		const bool own = 3 * (H * W - theirs) >= H * W, new = 3 * theirs >= H * W;
		assert_int_equal(s.r.fields[2].boxes.n, own + new);
		whole += !own, boxes += new;
	}
	assert_true(whole > 10 && boxes > 30);
	eg_record_free(&s.r);
}

/* All four are the other but one: every pixel is one of theirs, or nothing and without a class. */
static void test_mosaic(void **state) {
	EG_UNUSED(state);
	subject s = {0};
	const entry e = ENTRY("mosaic", "least=0.5"), full = ENTRY("mosaic", "least=1");
	int boxes = 0;
	for (int i = 0; i < 200; i++) {
		int own = 0;
		const bool all = i % 2;
		make(&s, 0, 0, W, H);
		mix(all ? &full : &e, &s, i);
		for (int y = 0; y < H; y++)
			for (int x = 0; x < W; x++) {
				const int k = class_at(&s, y, x), v = pixel(&s, 0, y, x);
				assert_true(k == EG_VOID || k == 3 || k == 1);
				if (all) assert_int_equal(v, k == 1 ? 100 : 200); /* nothing is shrunk: no edge, and
				                                                   * none is blurred */
				if (k == 1) assert_true(y < 3 * H / 4 + 1 && x < 3 * W / 4 + 1); /* it is the one
				                                                                  * above on the left */
				own += k == 1;
			}
		assert_true(own > 0);
		for (int b = 0; b < s.r.fields[2].boxes.n; b++) {
			const eg_box *at = &s.r.fields[2].boxes.at[b];
			assert_true(at->x0 >= 0 && at->x1 <= W && at->y0 >= 0 && at->y1 <= H && (at->label == 3 || at->label == 1));
			const int x = (int)((at->x0 + at->x1) / 2), y = (int)((at->y0 + at->y1) / 2);
			assert_int_equal(class_at(&s, y, x), at->label); /* a box surrounds what it says */
		}
		boxes += s.r.fields[2].boxes.n;
	}
	assert_true(boxes > 200);
	eg_record_free(&s.r);
	eg_record_free(&another.r);
}

/* ---- series and texts -------------------------------------------------------------------------------------------- */

enum { STEPS = 50 };
static const eg_field series_fields[1] = {{.name = "series", .kind = EG_FIELD_SERIES}};
static const eg_augment_type *series_kind(const char *name) {
	for (int i = 0; eg_augment_at(i); i++)
		if (!strcmp(eg_augment_at(i)->name, name) && eg_augment_at(i)->works_on & EG_KINDS_OF(SERIES)) return eg_augment_at(i);
	return NULL;
}

/* With its defaults. */
static const float *series_after(const char *name, eg_record *r, const float *at, int64_t item) {
	_Alignas(16) char options[EG_AUGMENT_MOST] = {0};
	eg_error err = {0};
	const eg_augment_type *type = series_kind(name);
	assert_non_null(type);
	((eg_augment_options *)(void *)options)->probability = 1;
	type->defaults(options);
	eg_record_reset(r);
	r->fields[0] = (eg_datum){.there = true, .series = {STEPS, 2, at, NULL}};
	eg_augment_call c = {.options = options, .fields = series_fields, .nfields = 1, .record = r, .inputs = 1,
		.draw = eg_draw_of(7, 0, item, 0), .item = item, .items = 1};
	if (type->apply(&c, &err)) fail_msg("%s", err.message);
	return r->fields[0].series.at;
}

static void test_series(void **state) {
	EG_UNUSED(state);
	float at[2 * STEPS];
	eg_record r = {0};
	int earlier = 0, later = 0;
	double squares = 0;
	for (int i = 0; i < 2 * STEPS; i++) at[i] = (float)(i % 2 ? 3 : i);
	at[20] = NAN;
	for (int item = 0; item < 100; item++) {
		const float *x = series_after("shift", &r, at, item);
		const int by = x[2] == at[4] ? 1 : x[2] == at[0] ? -1 : 0;
		earlier += by > 0, later += by < 0;
		for (int t = 0; t < STEPS; t++) {
			const int from = t + by < 0 ? 0 : t + by >= STEPS ? STEPS - 1 : t + by;
			assert_true(x[2 * t] == at[2 * from] || (isnan(x[2 * t]) && isnan(at[2 * from])));
			assert_true(x[2 * t + 1] == 3);
		}
		x = series_after("scale", &r, at, item);
		const double factor = (double)x[2] / 2;
		assert_true(factor >= 0.9 && factor <= 1.1 && fabs((double)x[98] - 98 * factor) < 1e-4 && isnan(x[20]));
		x = series_after("noise", &r, at, item);
		assert_true(x[1] == 3); /* a column that never changes has no noise either */
		squares += pow((double)x[40] - 40, 2);
	}
	assert_true(earlier > 15 && later > 15);
	const double expected = 0.05 * 28.9; /* of 0, 2, ..., 98 */
	assert_true(fabs(sqrt(squares / 100) / expected - 1) < 0.3);
	eg_record_free(&r);
}

static void test_units(void **state) {
	EG_UNUSED(state);
	int count = 0;
	eg_dropped d = {0.25, 3, 4};
	const eg_datum all = {.there = true}, some = {.there = true, .dropped = &d};
	for (int i = 0; i < 2000; i++) {
		assert_false(eg_unit_dropped(&all, i));
		count += eg_unit_dropped(&some, i);
	}
	assert_in_range(count, 430, 570);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flip),
		cmocka_unit_test(test_alternating),
		cmocka_unit_test(test_crop),
		cmocka_unit_test(test_boxes_and_masks_agree),
		cmocka_unit_test(test_shear_and_squeeze),
		cmocka_unit_test(test_distort_as_others),
		cmocka_unit_test(test_bend),
		cmocka_unit_test(test_distorted_masks),
		cmocka_unit_test(test_quarter_turn),
		cmocka_unit_test(test_interpolation),
		cmocka_unit_test(test_dropped_boxes),
		cmocka_unit_test(test_brightness_and_contrast),
		cmocka_unit_test(test_colour),
		cmocka_unit_test(test_cutout),
		cmocka_unit_test(test_hide),
		cmocka_unit_test(test_draws),
		cmocka_unit_test(test_mixup),
		cmocka_unit_test(test_cutmix),
		cmocka_unit_test(test_mosaic),
		cmocka_unit_test(test_series),
		cmocka_unit_test(test_units),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
