/* test_masks.c - tests of the source masks, of CamVid, and of PNG files that are read as numbers. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"
#include "source_bed.h"

/* ---- PNG files, written by hand ---------------------------------------------------------------------------------- */

static void put32(uint8_t *p, uint32_t v) {
	for (int i = 0; i < 4; i++) p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static size_t put_chunk(uint8_t *out, const char *type, const uint8_t *data, size_t size) {
	put32(out, (uint32_t)size);
	memcpy(out + 4, type, 4);
	if (size > 0) memcpy(out + 8, data, size);
	put32(out + 8 + size, (uint32_t)crc32(0, out + 4, (uInt)size + 4));
	return size + 12;
}

enum { GREY = 0, RGB = 2, PALETTE = 3, GREY_ALPHA = 4 };

typedef struct png {
	int W, H, bits, colour;
	bool interlaced;
} png;

/* Appends the rows of every step-th pixel, packed. */
static size_t put_rows(const png *g, const uint8_t *values, int x0, int y0, int dx, int dy, uint8_t *out) {
	size_t n = 0;
	if (x0 >= g->W) return 0;
	for (int y = y0; y < g->H; y += dy) {
		int bit = 0;
		out[n++] = 0; /* no filter */
		for (int x = x0; x < g->W; x += dx, bit += g->bits) {
			if (bit % 8 == 0) out[n++] = 0;
			out[n - 1] = (uint8_t)(out[n - 1] | values[y * g->W + x] << (8 - g->bits - bit % 8));
		}
	}
	return n;
}

/* One number a pixel; as Adam7, when it is interlaced. */
static size_t make_png(const png *g, const uint8_t *values, uint8_t *out) {
	static const int passes[7][4] = {
	        {0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}};
	uint8_t raw[4000], packed[5000], palette[768], head[13] = {0};
	size_t n = 0, size = 8;
	uLongf length = sizeof packed;
	put32(head, (uint32_t)g->W), put32(head + 4, (uint32_t)g->H);
	head[8] = (uint8_t)g->bits, head[9] = (uint8_t)g->colour, head[12] = g->interlaced;
	if (!g->interlaced) n = put_rows(g, values, 0, 0, 1, 1, raw);
	for (int i = 0; i < 7 && g->interlaced; i++)
		n += put_rows(g, values, passes[i][0], passes[i][1], passes[i][2], passes[i][3], raw + n);
	assert_int_equal(compress(packed, &length, raw, n), Z_OK);
	memcpy(out, "\x89PNG\r\n\x1a\n", 8);
	size += put_chunk(out + size, "IHDR", head, 13);
	for (int i = 0; i < 768; i++) palette[i] = (uint8_t)(255 - i); /* colours have nothing to do with classes */
	if (g->colour == PALETTE) size += put_chunk(out + size, "PLTE", palette, 3u << g->bits);
	size += put_chunk(out + size, "IDAT", packed, length);
	return size + put_chunk(out + size, "IEND", NULL, 0);
}

static const char *write_png(const sources *f, const char *name, png g, const uint8_t *values) {
	uint8_t file[8000];
	return write_file(f, name, file, make_png(&g, values, file));
}

static bool no_png(void) {
	uint8_t file[8000], value = 0;
	eg_error err = {EG_OK, ""};
	eg_picture pic = {0};
	eg_status status = eg_png_decode(
	        file, make_png(&(png){1, 1, 8, GREY, false}, &value, file), &(eg_picture_options){0}, &pic, &err);
	eg_picture_free(&pic);
	return status && strstr(err.message, "without libspng");
}

static void numbers_of_png(void **state) {
	sources *f = *state;
	static const png kinds[] = {{11, 9, 8, GREY, false}, {11, 9, 8, PALETTE, false}, {11, 9, 4, PALETTE, false},
	        {11, 9, 2, PALETTE, false}, {11, 9, 1, PALETTE, false}, {11, 9, 4, GREY, false},
	        {11, 9, 1, GREY, false}, {16, 3, 1, PALETTE, false}, {11, 9, 8, PALETTE, true},
	        {11, 9, 4, PALETTE, true}, {11, 9, 1, GREY, true}, {1, 1, 8, GREY, false}};
	if (no_png()) skip();
	for (int k = 0; k < EG_COUNT(kinds); k++) {
		uint8_t values[200];
		eg_picture pic;
		for (int i = 0; i < 200; i++) values[i] = (uint8_t)(i * 37 % (1 << kinds[k].bits));
		const char *path = write_png(f, "m.png", kinds[k], values);
		if (eg_mask_load(NULL, path, &pic, &f->err)) fail_msg("%s", f->err.message);
		assert_true(pic.C == 1 && pic.W == kinds[k].W && pic.H == kinds[k].H);
		assert_memory_equal(pic.pixels, values, (size_t)(pic.W * pic.H));
		eg_picture_free(&pic);
	}
}

static void refuse_mask(sources *f, const char *path, const char *words) {
	eg_picture pic;
	assert_int_not_equal(eg_mask_load(NULL, path, &pic, &f->err), EG_OK);
	assert_says(f->err.message, words);
	assert_says(f->err.message, path);
	assert_null(pic.pixels);
}

static void no_numbers(void **state) {
	sources *f = *state;
	uint8_t file[8000], values[99] = {0};
	if (no_png()) skip();
	size_t size = make_png(&(png){11, 9, 8, GREY, false}, values, file);
	refuse_mask(f, write_file(f, "cut.png", file, size - 20), "it is damaged or cut off");
	refuse_mask(f, write_file(f, "head.png", file, 20), "its PNG header is damaged");
	file[size - 30] ^= 0x40;
	refuse_mask(f, write_file(f, "damaged.png", file, size), "it is damaged");
	refuse_mask(f, write_text(f, "none.png", "P5 1 1 255\n0"), "it is no PNG");
	refuse_mask(f, write_text(f, "empty.png", ""), "it is empty");
	refuse_mask(f, path_in(f, "nothing.png"), "No such file");
	refuse_mask(f, "test/corpus/picture/rgb.png",
	        "it is a PNG of colours or transparency; a mask has one number a pixel");
	refuse_mask(f, "test/corpus/picture/grey-alpha.png", "colours or transparency");
	refuse_mask(f, "test/corpus/picture/grey16.png", "it is a PNG of 16 bits");
	refuse_mask(f, "test/corpus/picture/huge.png", "pixels");
}

static void remove_in(const sources *f, const char *name) {
	char command[400];
	snprintf(command, sizeof command, "rm -r '%s'", path_in(f, name));
	assert_int_equal(system(command), 0);
}

/* ---- the source -------------------------------------------------------------------------------------------------- */

enum { W = 5, H = 4 };

static void write_pair(const sources *f, const char *part, const char *name, int number) {
	uint8_t mask[H * W], picture[100];
	char path[100];
	for (int i = 0; i < H * W; i++) mask[i] = (uint8_t)((number + i) % 3 == 2 ? 9 : (number + i) % 3);
	snprintf(path, sizeof path, "m/%sannot/%s.png", part, name);
	write_png(f, path, (png){W, H, 8, number % 2 ? GREY : PALETTE, false}, mask);
	int n = snprintf((char *)picture, sizeof picture, "P6 %d %d 255\n", W, H);
	for (int i = 0; i < 3 * H * W; i++) picture[n + i] = (uint8_t)(number + i);
	snprintf(path, sizeof path, "m/%s/%s.ppm", part, name);
	write_file(f, path, picture, (size_t)(n + 3 * H * W));
}

static void write_set(const sources *f) {
	write_pair(f, "train", "a-b", 1);
	write_pair(f, "train", "a", 0); /* by whole names a-b.png comes before a.png */
	write_pair(f, "train", "b.c", 2);
	write_pair(f, "val", "a", 3);
	write_pair(f, "test", "x", 4);
	write_text(f, "m/train/notes.txt", "no picture");
}

#define NAMES "class_names=[wall, door]", "void=9"

static void check_pair(sources *f, const eg_source *s, eg_part part, int i, int number, const char *id) {
	eg_record r = {0};
	read_record(f, s, part, i, &r);
	assert_string_equal(r.id, id);
	assert_true(r.fields[0].there && r.fields[1].there);
	assert_true(r.fields[0].picture.C == 3 && r.fields[0].picture.H == H && r.fields[0].picture.W == W);
	for (int c = 0; c < 3; c++)
		for (int k = 0; k < H * W; k++)
			assert_int_equal(r.fields[0].picture.pixels[c * H * W + k], (uint8_t)(number + 3 * k + c));
	assert_true(r.fields[1].mask.H == H && r.fields[1].mask.W == W);
	for (int k = 0; k < H * W; k++)
		assert_int_equal(r.fields[1].mask.classes[k], (number + k) % 3 == 2 ? EG_VOID : (number + k) % 3);
	eg_record_free(&r);
}

static void check_all(sources *f, const eg_source *s) {
	check_pair(f, s, EG_PART_TRAIN, 0, 0, "train/a.ppm");
	check_pair(f, s, EG_PART_TRAIN, 1, 1, "train/a-b.ppm");
	check_pair(f, s, EG_PART_TRAIN, 2, 2, "train/b.c.ppm");
	check_pair(f, s, EG_PART_VALIDATION, 0, 3, "val/a.ppm");
	check_pair(f, s, EG_PART_TEST, 0, 4, "test/x.ppm");
}

static void pictures_with_masks(void **state) {
	sources *f = *state;
	char path[400];
	eg_record r = {0};
	if (no_png()) skip();
	write_set(f);
	snprintf(path, sizeof path, "path=%s/m/", f->folder);
	eg_source *s = open_source(f, "masks", 0, path, NAMES, NULL);
	assert_int_equal(eg_source_learn_names(s, NULL), EG_OK);
	assert_string_equal(eg_source_name(s, 1, 1), "door");
	for (int p = 0; p < EG_PARTS; p++) assert_int_equal(eg_source_prepare(s, (eg_part)p, &f->err), EG_OK);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 3);
	assert_int_equal(eg_source_count(s, EG_PART_VALIDATION), 1);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 1);
	for (int turn = 0; turn < 2; turn++) check_all(f, s); /* decoded, and kept */
	assert_int_equal(eg_source_read(s, EG_PART_TEST, 0, 2, &r, &f->err), EG_OK);
	assert_true(!r.fields[0].there && r.fields[1].there);
	assert_string_equal(r.place, path_in(f, "m/test/x.ppm"));
	unlink(path_in(f, "m/test/x.ppm")); /* it is kept in memory */
	check_pair(f, s, EG_PART_TEST, 0, 4, "test/x.ppm");
	eg_record_free(&r);
	eg_source_close(s);
	/* Room for one: the others are decoded each time. */
	s = open_source(f, "masks", 0, path, NAMES, NULL);
	eg_masks_keep(s, 150);
	assert_int_equal(eg_source_prepare(s, EG_PART_TRAIN, &f->err), EG_OK);
	for (int turn = 0; turn < 3; turn++)
		for (int i = 0; i < 3; i++) {
			static const char *const ids[] = {"train/a.ppm", "train/a-b.ppm", "train/b.c.ppm"};
			check_pair(f, s, EG_PART_TRAIN, i, i, ids[i]);
		}
	remove_in(f, "m/train");
	check_pair(f, s, EG_PART_TRAIN, 0, 0, "train/a.ppm");
	assert_int_equal(eg_source_read(s, EG_PART_TRAIN, 1, 3, &r, &f->err), EG_ERR_IO);
	eg_record_free(&r);
	eg_source_close(s);
	write_set(f);
	s = open_source(f, "masks", TRAIN, path, NAMES, "limit=1", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 1);
	eg_source_close(s);
}

static void sets_are_refused(void **state) {
	sources *f = *state;
	char path[400];
	if (no_png()) skip();
	write_set(f);
	snprintf(path, sizeof path, "path=%s/m", f->folder);
	refuse_source(f, "masks", 0, "needs 'class_names'", path, NULL);
	refuse_source(f, "masks", 0, "'void'|is 256", path, "class_names=[a]", "void=256", NULL);
	refuse_source(f, "masks", 0, "needs 'path', the folder", NAMES, NULL);
	refuse_source(f, "masks", TRAIN, "there is no folder '|/nowhere/train': pictures lie in", "path=/nowhere",
	        NAMES, NULL);
	unlink(path_in(f, "m/trainannot/b.c.png"));
	refuse_source(f, "masks", TRAIN,
	        "the picture '|/m/train/b.c.ppm' has no mask: there is no '|/m/trainannot/b.c.png'", path, NAMES, NULL);
	unlink(path_in(f, "m/train/b.c.ppm"));
	write_pair(f, "train", "c", 1);
	unlink(path_in(f, "m/train/c.ppm"));
	eg_source *s = open_source(f, "masks", TRAIN, path, NAMES, NULL);
	assert_says(eg_source_remark(s, EG_PART_TRAIN), "1 of the masks in '");
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 2);
	eg_source_close(s);
	write_text(f, "m/train/a.png", "");
	refuse_source(f, "masks", TRAIN, "a.png' and 'a.ppm' have one name but for the ending", path, NAMES, NULL);
	unlink(path_in(f, "m/train/a.png"));
	remove_in(f, "m/valannot");
	refuse_source(f, "masks", VALIDATION, "there is no folder '|/m/valannot'", path, NAMES, NULL);
	remove_in(f, "m/val");
	s = open_source(f, "masks", VALIDATION, path, NAMES, NULL);
	assert_int_equal(eg_source_count(s, EG_PART_VALIDATION), 0);
	assert_says(eg_source_remark(s, EG_PART_VALIDATION), "there is no folder '");
	eg_source_close(s);
	remove_in(f, "m/train");
	write_text(f, "m/train/notes.txt", "no picture");
	refuse_source(f, "masks", TRAIN, "there is no picture in '|/m/train'", path, NAMES, NULL);
}

static void pairs_are_refused(void **state) {
	sources *f = *state;
	char path[400];
	uint8_t mask[H * W] = {0};
	if (no_png()) skip();
	write_set(f);
	snprintf(path, sizeof path, "path=%s/m", f->folder);
	mask[W + 3] = 2;
	write_png(f, "m/trainannot/a.png", (png){W, H, 8, PALETTE, false}, mask);
	refuse_source(f, "masks", TRAIN,
	        "m/trainannot/a.png': the pixel in row 1, column 3 (from 0) is 2, but there are 2 classes, 0 to 1, and "
	        "9 for none|1 of 3 records of the part 'train' cannot be read",
	        path, NAMES, NULL);
	write_png(f, "m/trainannot/a.png", (png){H, W, 8, PALETTE, false}, mask);
	refuse_source(f, "masks", TRAIN, "m/train/a.ppm' is 4 x 5 (height, width), but its mask '", path, NAMES, NULL);
	write_text(f, "m/trainannot/a.png", "text");
	refuse_source(f, "masks", TRAIN, "m/trainannot/a.png': it is no PNG", path, NAMES, NULL);
	write_text(f, "m/train/a-b.ppm", "P6 5 4 255\nshort");
	refuse_source(f, "masks", TRAIN, "a.png': it is no PNG. 2 of 3 records|leave them out with 'broken: skip'", path, NAMES, NULL);
}

/* The colours of make_png's palette as classes, in the forms of labelling tools; one of them stands for none. */
static void colours(void **state) {
	static const struct {
		const char *settings[3], *list;
	} ways[] = {
		{{"class_names=[road, car, void]", "colours=['fffefd', 'FCFBFA', 'e4e3e2']"}, NULL},
		{{"class_list=LIST"}, "# of CVAT, as CamVid\n255 254 253 road\n252 251 250 car\n\n228 227 226 Void\n"},
		{{"class_list=LIST", "void_name=background"}, "background:228,227,226::\nroad:255,254,253::\r\ncar:252,251,250::\n"},
	};
	sources *f = *state;
	char path[400], list[400];
	if (no_png()) skip();
	write_set(f);
	write_pair(f, "train", "a-b", 4); /* with a palette, as the others */
	snprintf(path, sizeof path, "path=%s/m", f->folder);
	snprintf(list, sizeof list, "class_list=%s", path_in(f, "classes.txt"));
	for (int i = 0; i < EG_COUNT(ways); i++) {
		const char *const *w = ways[i].settings;
		if (ways[i].list) write_text(f, "classes.txt", ways[i].list);
		const char *first = ways[i].list ? list : w[0];
		eg_record a = {0}, b = {0};
		eg_source *s = open_source(f, "masks", TRAIN, path, first, w[1], NULL), *numbers = open_source(f, "masks", TRAIN, path, NAMES, NULL);
		const eg_field *mask = eg_source_field(s, 1);
		assert_true(mask->nnames == 2 && !strcmp(mask->names[0], "road") && !strcmp(mask->names[1], "car"));
		for (int64_t k = 0; k < eg_source_count(s, EG_PART_TRAIN); k++) {
			assert_int_equal(eg_source_read(s, EG_PART_TRAIN, k, 2, &a, &f->err), EG_OK);
			assert_int_equal(eg_source_read(numbers, EG_PART_TRAIN, k, 2, &b, &f->err), EG_OK);
			assert_memory_equal(a.fields[1].mask.classes, b.fields[1].mask.classes, H * W);
		}
		eg_record_free(&a);
		eg_record_free(&b);
		eg_source_close(s);
		eg_source_close(numbers);
	}
	/* Numbers, as labelme2voc lists them: 255 is __ignore__; what is void takes its number all the same. */
	write_text(f, "classes.txt", "__ignore__\nvoid\nroad\n");
	uint8_t mask[H * W] = {0};
	for (int i = 0; i < H * W; i++) mask[i] = i % 3 == 2 ? 255 : (uint8_t)(i % 3);
	remove_in(f, "m/train"), remove_in(f, "m/trainannot");
	write_pair(f, "train", "a", 0);
	write_png(f, "m/trainannot/a.png", (png){W, H, 8, PALETTE, false}, mask);
	eg_record r = {0};
	eg_source *s = open_source(f, "masks", TRAIN, path, list, NULL);
	assert_int_equal(eg_source_read(s, EG_PART_TRAIN, 0, 2, &r, &f->err), EG_OK);
	for (int i = 0; i < H * W; i++) assert_int_equal(r.fields[1].mask.classes[i], i % 3 == 1 ? 0 : EG_VOID);
	eg_record_free(&r);
	eg_source_close(s);
	/* What no class has is named with what comes nearest. */
	refuse_source(f, "masks", TRAIN,
	        "m/trainannot/a.png': the pixel in row 0, column 2 (from 0) has the colour 020100, which no class has; the nearest "
	        "is fcfbfa, 'car'. Add it to the classes",
	        path, "class_names=[road, car]", "colours=['fffefd', 'fcfbfa']", NULL);
	refuse_source(f, "masks", TRAIN,
	        "the pixel in row 0, column 0 (from 0) has the colour fffefd, which no class has; the nearest is fffefc, 'road'. "
	        "Colours between others come from scaling or JPEG",
	        path, "class_names=[road, car]", "colours=['fffefc', 'fcfbfa']", NULL);
	refuse_source(f, "masks", 0, "there are 1 colours for 2 classes", path, "class_names=[road, car]", "colours=['fffefd']", NULL);
	refuse_source(f, "masks", 0, "the colour 'red' of the class 'road' is not RRGGBB", path, "class_names=[road]", "colours=[red]", NULL);
	refuse_source(f, "masks", 0, "needs 'class_names'", path, "class_names=[road]", list, NULL);
	refuse_source(f, "masks", 0, "there is no class beside void", path, "class_names=[VOID]", NULL);
	static const struct {
		const char *list, *words;
	} wrong[] = {{"", "classes.txt' names no class: a line for each"},
		{"1 2 3 road\n1 2 3 car\n", "classes.txt', line 2: 'car' has the colour 010203, which 'road' has already"},
		{"1 2 3 road\ncar\n", "classes.txt', line 2: 'car' has no colour, where those before it have one"},
		{"road\n\nroad\n", "classes.txt', line 3: the class 'road' is there twice"}, {"ro\x01""ad\n", "classes.txt', line 1"}};
	for (int i = 0; i < EG_COUNT(wrong); i++) {
		write_text(f, "classes.txt", wrong[i].list);
		refuse_source(f, "masks", 0, wrong[i].words, path, list, NULL);
	}
}

/* All that are broken are named, and left out where that is wished. */
static void broken_pairs(void **state) {
	sources *f = *state;
	char path[400];
	eg_source *s;
	if (no_png()) skip();
	write_set(f);
	snprintf(path, sizeof path, "path=%s/m", f->folder);
	write_text(f, "m/trainannot/a.png", "text");
	write_text(f, "m/train/a-b.ppm", "P6 5 4 255\nshort");
	write_pair(f, "train", "d", 1);
	unlink(path_in(f, "m/trainannot/d.png"));
	assert_int_equal(eg_source_open("masks", (const char *const[]){path, NAMES, NULL}, &s, &f->err), EG_OK);
	assert_null(eg_source_broken(s));
	assert_int_equal(eg_source_prepare(s, EG_PART_TRAIN, &f->err), EG_ERR_FORMAT);
	assert_says(f->err.message, "3 of 4 records of the part 'train' cannot be read");
	assert_says(eg_source_broken(s), "m/train/d.ppm' has no mask");
	assert_says(eg_source_broken(s), "m/trainannot/a.png': it is no PNG");
	assert_says(eg_source_broken(s), "m/train/a-b.ppm'");
	eg_source_close(s);
	s = open_source(f, "masks", TRAIN, path, NAMES, "broken=skip", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 1);
	assert_says(eg_source_remark(s, EG_PART_TRAIN), "3 of 4 records that cannot be read are left out");
	check_pair(f, s, EG_PART_TRAIN, 0, 2, "train/b.c.ppm");
	eg_source_close(s);
	write_text(f, "m/train/b.c.ppm", "");
	refuse_source(f, "masks", TRAIN, "none of the 4 records of the part 'train' can be read", path, NAMES, "broken=skip", NULL);
}

/* Capitals, other names of the validation part, and what else there is. */
static void names_of_parts(void **state) {
	sources *f = *state;
	char path[400], line[900];
	if (no_png()) skip();
	write_set(f);
	snprintf(path, sizeof path, "path=%s/m", f->folder);
	snprintf(line, sizeof line,
	        "cd %s/m && mv train Train && mv trainannot TrainAnnot && mv val valid && mv valannot validationannot && mkdir more "
	        "Train/x.png && touch Train/b.gif Train/c.TIF Train/e.gif && mkfifo Train/pipe.jpg",
	        f->folder);
	assert_int_equal(system(line), 0);
	eg_source *s = open_source(f, "masks", ALL, path, NAMES, NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 3);
	assert_int_equal(eg_source_count(s, EG_PART_VALIDATION), 1);
	check_pair(f, s, EG_PART_VALIDATION, 0, 3, "valid/a.ppm");
	assert_says(eg_source_remark(s, EG_PART_TRAIN), "2 .gif, 1 .tif files are not read: convert them to PNG or JPEG");
	assert_says(eg_source_remark(s, EG_PART_TRAIN), "2 names like pictures' are not read, being folders, pipes or devices");
	assert_says(eg_source_remark(s, EG_PART_TRAIN), "/m' the folder 'more' is not read");
	eg_source_close(s);
	snprintf(line, sizeof line, "mkdir %s/m/val", f->folder);
	assert_int_equal(system(line), 0);
	refuse_source(f, "masks", VALIDATION, "two folders for the part 'validation', 'val' and 'valid': rename one", path, NAMES, NULL);
}

/* The same in an archive, which is unpacked once, or read in place; kept, and not. */
static void in_an_archive(void **state) {
	sources *f = *state;
	char line[400], path[100];
#ifndef ENGRAM_HAVE_ARCHIVE
	skip();
#endif
	if (no_png()) skip();
	write_set(f);
	snprintf(line, sizeof line, "cd %s && tar cf m.tar m && gzip -c m.tar >m.tgz", f->folder);
	assert_int_equal(system(line), 0);
	for (int i = 0; i < 4; i++) {
		snprintf(path, sizeof path, "path=%s/m.%s", f->folder, i % 2 ? "tar" : "tgz");
		eg_source *s = open_source(f, "masks", ALL, path, NAMES, i < 2 ? "memory=0" : NULL, NULL);
		assert_int_equal(eg_source_there(s, &f->err), EG_OK);
		for (int turn = 0; turn < 2; turn++) check_all(f, s);
		if (i == 0) assert_says(eg_source_remark(s, EG_PART_TRAIN), "m.tgz' has been unpacked into '");
		eg_source_close(s);
	}
}

/* ---- CamVid, where this machine has it --------------------------------------------------------------------------- */

static void camvid(void **state) {
	sources *f = *state;
	eg_record r = {0};
	double pixels[12] = {0}, all = 0;
	refuse_source(f, "camvid", TRAIN,
	        "camvid is not on this machine and cannot be downloaded: take the folder CamVid", NULL);
	assert_int_equal(eg_data_get("camvid", NULL, NULL, NULL, &f->err), EG_ERR_IO);
	if (!with_real_data("camvid") || no_png()) skip();
	if (eg_data_get("camvid", NULL, NULL, NULL, &f->err)) fail_msg("%s", f->err.message);
	eg_source *s = open_source(f, "camvid", ALL, NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 367);
	assert_int_equal(eg_source_count(s, EG_PART_VALIDATION), 101);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 233);
	assert_int_equal(eg_source_field(s, 1)->nnames, 11);
	for (int i = 0; i < 367; i += 12) {
		read_record(f, s, EG_PART_TRAIN, i, &r);
		assert_true(r.fields[0].picture.H == 180 && r.fields[0].picture.W == 240 && r.fields[0].picture.C == 3);
		for (int k = 0; k < 180 * 240; k++) {
			int v = r.fields[1].mask.classes[k];
			assert_true(v < 11 || v == EG_VOID);
			pixels[v == EG_VOID ? 11 : v]++, all++;
		}
	}
	/* Road and building are most of such a picture, poles and cyclists little. */
	assert_true(
	        pixels[3] / all > 0.2 && pixels[1] / all > 0.15 && pixels[2] / all < 0.05 && pixels[11] / all < 0.1);
	read_record(f, s, EG_PART_TRAIN, 0, &r);
	assert_string_equal(r.id, "train/0001TP_006690.jpg");
	eg_record_free(&r);
	eg_source_close(s);
}

int main(void) {
	keep_real_data();
#define CASE(name) cmocka_unit_test_setup_teardown(name, sources_setup, sources_teardown)
	const struct CMUnitTest tests[] = {
	        CASE(numbers_of_png),
	        CASE(no_numbers),
	        CASE(pictures_with_masks),
	        CASE(sets_are_refused),
	        CASE(pairs_are_refused),
	        CASE(colours), CASE(broken_pairs),
	        CASE(in_an_archive),
	        CASE(names_of_parts),
	        CASE(camvid),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
