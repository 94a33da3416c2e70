/* test_folder.c - tests of src/data/source_folder.c: pictures of one brightness each, so that a pixel tells the file,
 * in folders under a new temporary one. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct bench {
	char folder[64], top[80];
	eg_error err;
} bench;

static void run(const char *command, const char *path) {
	char line[300];
	snprintf(line, sizeof line, "%s '%s'", command, path);
	assert_int_equal(system(line), 0);
}

static int setup(void **state) {
	bench *b = calloc(1, sizeof *b);
	if (!b) return -1;
	strcpy(b->folder, "/tmp/engram-folder-XXXXXX");
	if (!mkdtemp(b->folder)) return -1;
	snprintf(b->top, sizeof b->top, "%s/set", b->folder);
	*state = b;
	return 0;
}

static int teardown(void **state) {
	bench *b = *state;
	run("rm -rf", b->folder);
	free(b);
	return 0;
}

static const char *path_of(const bench *b, char path[200], const char *name) {
	snprintf(path, 200, "%s/%s", b->top, name);
	return path;
}

static void make_folder(const bench *b, const char *name) {
	char path[200];
	assert_int_equal(eg_make_folders(path_of(b, path, name), NULL), EG_OK);
}

static void write_text(const bench *b, const char *name, const void *data, size_t size) {
	char path[200];
	FILE *f = fopen(path_of(b, path, name), "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

/* A PGM (C 1) or PPM file all of whose bytes are `value`. */
static void write_picture(const bench *b, const char *name, int C, int H, int W, int value) {
	uint8_t file[32 + 3 * 64];
	int n = snprintf((char *)file, 32, "P%d %d %d 255\n", C == 1 ? 5 : 6, W, H);
	memset(file + n, value, (size_t)(C * H * W));
	write_text(b, name, file, (size_t)(n + C * H * W));
}

/* train: Zebra (2 pictures), ant (3), bee (1); test: bee (1), ant (1). "Z" comes before "a": by bytes. */
static void write_set(const bench *b) {
	static const char *const folders[] = {
	        "train/ant", "train/bee/inner", "train/Zebra", "train/.hidden", "test/ant", "test/bee"};
	for (int i = 0; i < EG_COUNT(folders); i++) make_folder(b, folders[i]);
	write_picture(b, "train/ant/c.pgm", 1, 4, 4, 12);
	write_picture(b, "train/ant/a.PGM", 1, 4, 4, 10);
	write_picture(b, "train/ant/b.ppm", 3, 4, 4, 11);
	write_picture(b, "train/bee/x.pgm", 1, 7, 3, 20);
	write_picture(b, "train/Zebra/2.pgm", 1, 2, 2, 31);
	write_picture(b, "train/Zebra/1.pgm", 1, 8, 8, 30);
	write_picture(b, "test/ant/t.pgm", 1, 4, 4, 110);
	write_picture(b, "test/bee/t.pgm", 1, 4, 4, 120);
	write_text(b, "train/README.txt", "x", 1);
	write_text(b, "train/ant/notes.txt", "x", 1);
	write_text(b, "train/ant/.d.pgm", "x", 1);
	write_text(b, "train/bee/inner/y.pgm", "x", 1);
}

static eg_data_options sized(const bench *b) { return (eg_data_options){.folder = b->top, .C = 1, .H = 4, .W = 4}; }

static void check_set(
	const bench *b, const eg_data_options *o, const char *split, int n, const int *labels, const int *values) {
	eg_error err = {EG_OK, ""};
	eg_pictures *p;
	EG_UNUSED(b);
	if (eg_data_load("folder", split, o, &p, &err)) fail_msg("%s", err.message);
	size_t bytes = (size_t)p->C * (size_t)p->H * (size_t)p->W;
	assert_int_equal(p->count, n);
	for (int i = 0; i < n; i++) {
		assert_int_equal(p->labels[i], labels[i]);
		for (size_t k = 0; k < bytes; k++) assert_int_equal(p->pixels[(size_t)i * bytes + k], values[i]);
	}
	assert_int_equal(p->classes, 3);
	assert_string_equal(p->class_names[0], "Zebra");
	assert_string_equal(p->class_names[1], "ant");
	assert_string_equal(p->class_names[2], "bee");
	eg_pictures_free(p);
}

/* Sorted, in turn, at one size; what is hidden or no picture is passed over. */
static void reads_in_turn(void **state) {
	bench *b = *state;
	static const int labels[] = {0, 1, 2, 0, 1, 1}, values[] = {30, 10, 20, 31, 11, 12};
	write_set(b);
	eg_data_options o = sized(b);
	check_set(b, &o, "train", 6, labels, values);
	o.limit = 4;
	check_set(b, &o, "train", 4, labels, values);
	o.limit = 0, o.C = 3, o.H = 5, o.W = 2;
	check_set(b, &o, "train", 6, labels, values);
	check_set(b, &o, "test", 2, (const int[]){1, 2}, (const int[]){110, 120}); /* numbers of training */
}

/* Without train/, DIR/<class> is the training set. */
static void plain_folder(void **state) {
	bench *b = *state;
	char top[200];
	eg_pictures *p;
	write_set(b);
	path_of(b, top, "train/");
	eg_data_options o = sized(b);
	o.folder = top;
	check_set(b, &o, "train", 6, (const int[]){0, 1, 2, 0, 1, 1}, (const int[]){30, 10, 20, 31, 11, 12});
	assert_int_equal(eg_data_load("folder", "test", &o, &p, &b->err), EG_ERR_IO);
	assert_non_null(strstr(b->err.message, "there are no test pictures: "));
}

static void png_of_one_size(void **state) {
	bench *b = *state;
	char path[200];
	uint8_t pixels[3 * 5 * 7];
	eg_pictures *p;
	eg_data_options o = {.folder = b->top};
	for (int i = 0; i < 3 * 5 * 7; i++) pixels[i] = (uint8_t)(i * 2);
	make_folder(b, "only");
	eg_status status = eg_picture_save_png(path_of(b, path, "only/a.png"), 3, 5, 7, pixels, &b->err);
	if (status == EG_ERR_ARG && strstr(b->err.message, "was built without")) skip();
	assert_int_equal(status, EG_OK);
	if (eg_data_load("folder", "train", &o, &p, &b->err)) fail_msg("%s", b->err.message);
	assert_true(p->count == 1 && p->C == 3 && p->H == 5 && p->W == 7);
	assert_memory_equal(p->pixels, pixels, sizeof pixels);
	eg_pictures_free(p);
	write_picture(b, "only/b.pgm", 1, 5, 7, 0);
	assert_int_equal(eg_data_load("folder", "train", &o, &p, &b->err), EG_ERR_SHAPE);
	assert_null(p);
	assert_non_null(strstr(b->err.message, "only/b.pgm' is 1 x 5 x 7 (channels, height, width), but '"));
}

static void refuse(bench *b, const eg_data_options *o, const char *split, const char *text) {
	eg_pictures *p;
	b->err = (eg_error){EG_OK, ""};
	assert_int_not_equal(eg_data_load("folder", split, o, &p, &b->err), EG_OK);
	assert_null(p);
	if (!strstr(b->err.message, text)) fail_msg("'%s' does not say '%s'", b->err.message, text);
}

static void refuses_options(void **state) {
	bench *b = *state;
	eg_data_options o = {0};
	refuse(b, &o, "train", "path is not given");
	o = sized(b);
	refuse(b, &o, "train", "cannot list the folder of pictures '");
	refuse(b, &o, "train", "No such file or directory; the pictures of each class belong into '");
	write_set(b);
	o.C = 2;
	refuse(b, &o, "train", "cannot be brought to 2 x 4 x 4");
	o = sized(b), o.class_names = (const char *const[]){"ant"};
	refuse(b, &o, "train", "classes is 0");
	o = sized(b), o.C = 3, o.H = o.W = 46000; /* one picture of 6 GB */
	refuse(b, &o, "train", "no memory for the 6 pictures in '");
	char path[200];
	o = sized(b), o.folder = path_of(b, path, "train/README.txt");
	refuse(b, &o, "train", "is no tar, tar.gz");
}

static void refuses_folders(void **state) {
	bench *b = *state;
	char path[200];
	eg_data_options o = sized(b);
	make_folder(b, "");
	refuse(b, &o, "train", "there are no folders in '");
	make_folder(b, "test/ant");
	refuse(b, &o, "train", "none that is called 'train'");
	write_set(b);
	make_folder(b, "train/empty");
	write_text(b, "train/empty/a.gif", "GIF89a", 6);
	refuse(b, &o, "train",
	        "train/empty' (" EG_PICTURE_FILES "); it holds 1 other file: 1 .gif file is not read: convert it to PNG");
	run("rm -r", path_of(b, path, "train/empty/a.gif"));
	write_text(b, "train/empty/a.txt", "a text", 6);
	refuse(b, &o, "train", "it holds 1 other file; 'source: texts' reads texts");
	run("rm -r", path_of(b, path, "train/empty"));
	write_text(b, "train/bee/broken.jpg", "no picture", 10);
	refuse(b, &o, "train", "train/bee/broken.jpg': it is none of PNG, JPEG, WebP, BMP, PGM and PPM");
	run("rm", path_of(b, path, "train/bee/broken.jpg"));
	make_folder(b, "test/wasp");
	refuse(b, &o, "test", "/test/wasp' is a class that is not among the 3 of training ('Zebra', ...)");
	run("rm -r", path_of(b, path, "test/wasp"));
	run("rm -r", path_of(b, path, "test/ant/t.pgm"));
	run("rm -r", path_of(b, path, "test/bee/t.pgm"));
	refuse(b, &o, "test", "there are no pictures in the folders of '");
	make_folder(b, "train/\xc3\xa4\xe2\x82\xac\xf0\x9f\x91\xa2"); /* a umlaut, euro sign, boot: read, but empty */
	refuse(b, &o, "train", "there is no picture in the class '");
	refuse(b, &o, "train", "): put some into it, or remove the folder");
	make_folder(b, "train/\xed\xa0\x80");
	refuse(b, &o, "train", "is not UTF-8");
	run("rm -r", path_of(b, path, "train/\xed\xa0\x80"));
	if (geteuid() == 0) return; /* may read everything */
	path_of(b, path, "train/ant");
	assert_int_equal(chmod(path, 0), 0);
	refuse(b, &o, "train", "train/ant': Permission denied");
	assert_int_equal(chmod(path, 0700), 0);
}

/* ---- out of memory ----------------------------------------------------------------------------------------------- */

typedef struct budget {
	int left, live;
} budget;

static void *budget_alloc(void *user, size_t bytes) {
	budget *u = user;
	if (u->left <= 0) return NULL;
	u->left--, u->live++;
	return malloc(bytes);
}

static void budget_release(void *user, void *p) {
	((budget *)user)->live--;
	free(p);
}

static void out_of_memory(void **state) {
	bench *b = *state;
	int n = 0;
	write_set(b);
	for (eg_status status = EG_ERR_MEMORY; status; n++) {
		budget u = {n, 0};
		eg_allocator a = {budget_alloc, budget_release, &u};
		eg_data_options o = sized(b);
		eg_pictures *p;
		o.allocator = &a;
		status = eg_data_load("folder", n % 2 ? "train" : "test", &o, &p, &b->err);
		if (status) assert_int_equal(status, EG_ERR_MEMORY);
		eg_pictures_free(p);
		assert_int_equal(u.live, 0);
		assert_true(n < 200);
	}
	assert_true(n > 8);
}

/* ---- as records -------------------------------------------------------------------------------------------------- */

static eg_source *open_folder(bench *b, const char *top, const char *limit) {
	char path[300];
	eg_source *s;
	snprintf(path, sizeof path, "path=%s", top);
	if (eg_source_open("folder", (const char *const[]){path, limit, NULL}, &s, &b->err))
		fail_msg("%s", b->err.message);
	return s;
}

/* Record i has this label, by name, this brightness, and this name in the set. */
static void check_record(bench *b, eg_source *s, eg_part part, int i, const char *label, int value, const char *id) {
	eg_record r = {0};
	char path[300];
	if (eg_source_read(s, part, i, 3, &r, &b->err)) fail_msg("%s", b->err.message);
	assert_true(r.fields[0].there && r.fields[1].there);
	assert_int_equal(r.fields[0].picture.pixels[0], value);
	assert_string_equal(eg_source_name(s, 1, r.fields[1].label), label);
	assert_string_equal(r.id, id);
	snprintf(path, sizeof path, "%s/%s", b->top, id);
	assert_string_equal(r.place, path);
	assert_null(r.group);
	eg_record_free(&r);
}

static void yields_records(void **state) {
	bench *b = *state;
	char top[100];
	write_set(b);
	snprintf(top, sizeof top, "%s//", b->top);
	eg_source *s = open_folder(b, top, "limit=5");
	eg_source_want_picture(s, 3, 6, 5);
	assert_int_equal(eg_source_learn_names(s, &b->err), EG_OK);
	assert_int_equal(eg_source_field(s, 1)->nnames, 3);
	if (eg_source_prepare(s, EG_PART_TRAIN, &b->err)) fail_msg("%s", b->err.message);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 5);
	const eg_field *f = eg_source_field(s, 0);
	assert_true(f->C == 3 && f->H == 6 && f->W == 5);
	check_record(b, s, EG_PART_TRAIN, 0, "Zebra", 30, "train/Zebra/1.pgm");
	check_record(b, s, EG_PART_TRAIN, 1, "ant", 10, "train/ant/a.PGM");
	check_record(b, s, EG_PART_TRAIN, 4, "ant", 11, "train/ant/b.ppm");
	assert_int_equal(eg_source_prepare(s, EG_PART_VALIDATION, &b->err), EG_OK);
	assert_int_equal(eg_source_count(s, EG_PART_VALIDATION), 0);
	if (eg_source_prepare(s, EG_PART_TEST, &b->err)) fail_msg("%s", b->err.message);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 2);
	check_record(b, s, EG_PART_TEST, 1, "bee", 120, "test/bee/t.pgm");
	assert_int_equal(eg_source_field(s, 1)->nnames, 3);
	eg_source_close(s);
}

/* The classes are those of the part's own folders; a class keeps its number. */
static void classes_of_parts(void **state) {
	bench *b = *state;
	char path[200];
	write_set(b);
	eg_source *s = open_folder(b, b->top, NULL);
	eg_source_want_picture(s, 1, 4, 4);
	if (eg_source_prepare(s, EG_PART_TEST, &b->err)) fail_msg("%s", b->err.message);
	assert_int_equal(eg_source_field(s, 1)->nnames, 2);
	assert_string_equal(eg_source_name(s, 1, 0), "ant");
	if (eg_source_prepare(s, EG_PART_TRAIN, &b->err)) fail_msg("%s", b->err.message);
	assert_int_equal(eg_source_field(s, 1)->nnames, 3);
	assert_string_equal(eg_source_name(s, 1, 2), "Zebra");
	assert_null(eg_source_name(s, 1, 3));
	check_record(b, s, EG_PART_TEST, 0, "ant", 110, "test/ant/t.pgm");
	check_record(b, s, EG_PART_TRAIN, 0, "Zebra", 30, "train/Zebra/1.pgm");
	eg_source_close(s);
	make_folder(b, "test/wasp"); /* behind training it must be one of its classes */
	s = open_folder(b, b->top, NULL);
	eg_source_want_picture(s, 1, 4, 4);
	assert_int_equal(eg_source_prepare(s, EG_PART_TRAIN, &b->err), EG_OK);
	assert_int_equal(eg_source_prepare(s, EG_PART_TEST, &b->err), EG_ERR_FORMAT);
	assert_non_null(
	        strstr(b->err.message, "/test/wasp' is a class that is not among the 3 of training ('Zebra', ...)"));
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 0);
	eg_source_close(s);
	run("rm -r", path_of(b, path, "test"));
	s = open_folder(b, b->top, NULL);
	assert_int_equal(eg_source_prepare(s, EG_PART_TEST, &b->err), EG_OK);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 0);
	assert_non_null(strstr(
	        eg_source_remark(s, EG_PART_TEST), "/set' has no folder 'test' (the pictures of each class lie"));
	eg_source_close(s);
}

/* A model numbers the classes: its test pictures need no train/, and those of another set are refused. */
static void classes_of_a_model(void **state) {
	bench *b = *state;
	char path[200];
	eg_pictures *p;
	eg_data_options o = sized(b);
	write_set(b);
	run("rm -r", path_of(b, path, "train"));
	o.class_names = (const char *const[]){"bee", "ant", "moth"}, o.classes = 3;
	if (eg_data_load("folder", "test", &o, &p, &b->err)) fail_msg("%s", b->err.message);
	assert_true(p->count == 2 && p->labels[0] == 1 && p->labels[1] == 0 && p->classes == 3);
	assert_int_equal(p->pixels[0], 110);
	eg_pictures_free(p);
	o.class_names = (const char *const[]){"ant", "moth"}, o.classes = 2;
	refuse(b, &o, "test", "/test/bee' is a class that is not among the 2");
}

/* ---- parts, what is passed over, what is broken ------------------------------------------------------------------ */

static void in_top(const bench *b, const char *command) {
	char line[900];
	snprintf(line, sizeof line, "cd '%s' && %s", b->top, command);
	assert_int_equal(system(line), 0);
}

static void validation_part(void **state) {
	static const char *const names[] = {"val", "Valid", "validation"};
	bench *b = *state;
	write_set(b);
	in_top(b, "mkdir -p x/bee && cp train/bee/x.pgm x/bee && mv train Train && mv test TEST");
	for (int i = 0; i < EG_COUNT(names); i++) {
		char move[100], id[100];
		snprintf(move, sizeof move, "mv %s %s", i ? names[i - 1] : "x", names[i]);
		in_top(b, move);
		eg_source *s = open_folder(b, b->top, "validation=0.25");
		eg_source_want_picture(s, 1, 4, 4);
		for (int p = 0; p < EG_PARTS; p++)
			if (eg_source_prepare(s, (eg_part)p, &b->err)) fail_msg("%s", b->err.message);
		assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 6);
		assert_int_equal(eg_source_count(s, EG_PART_VALIDATION), 1);
		assert_int_equal(eg_source_count(s, EG_PART_TEST), 2);
		snprintf(id, sizeof id, "%s/bee/x.pgm", names[i]);
		check_record(b, s, EG_PART_VALIDATION, 0, "bee", 20, id);
		assert_non_null(strstr(eg_source_remark(s, EG_PART_VALIDATION), "so 'validation: 0.25' is not used"));
		eg_source_close(s);
	}
	in_top(b, "mkdir -p val validation/wasp && cp Train/bee/x.pgm validation/wasp");
	eg_source *s = open_folder(b, b->top, NULL);
	assert_int_equal(eg_source_prepare(s, EG_PART_VALIDATION, &b->err), EG_ERR_FORMAT);
	assert_non_null(strstr(b->err.message, "two folders for the part 'validation', 'val' and 'validation': rename one"));
	in_top(b, "rmdir val");
	eg_source_want_picture(s, 1, 4, 4);
	assert_int_equal(eg_source_prepare(s, EG_PART_TRAIN, &b->err), EG_OK);
	assert_int_equal(eg_source_prepare(s, EG_PART_VALIDATION, &b->err), EG_ERR_FORMAT);
	assert_non_null(strstr(b->err.message, "/wasp' is a class that is not among the 3 of training"));
	eg_source_close(s);
	in_top(b, "rm -r TEST && mv Train/* . && rm -r Train"); /* without train/, a folder may be a class of that
	                                                         * name */
	s = open_folder(b, b->top, NULL);
	eg_source_want_picture(s, 1, 4, 4);
	in_top(b, "cp bee/x.pgm validation && rm -r validation/wasp");
	for (int p = 0; p < 2; p++)
		if (eg_source_prepare(s, (eg_part)p, &b->err)) fail_msg("%s", b->err.message);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 7);
	assert_int_equal(eg_source_count(s, EG_PART_VALIDATION), 0);
	eg_source_close(s);
}

/* Pipes are not waited for; what is not read is counted, and said once. */
static void tells_what_is_passed_over(void **state) {
	bench *b = *state;
	write_set(b);
	in_top(b,
	        "cd train && mkdir ant/sub.png && mkfifo ant/pipe.pgm bee/other.jpg && ln -s nowhere bee/link.png && touch bee/a.gif bee/b.GIF "
	        "ant/c.tif loose.png ant/.hidden.gif bee/readme.md && ln -s ../ant/a.PGM bee/good.pgm && mkdir ../extra ../more ../.git");
	eg_source *s = open_folder(b, b->top, NULL);
	eg_source_want_picture(s, 1, 4, 4);
	if (eg_source_prepare(s, EG_PART_TRAIN, &b->err)) fail_msg("%s", b->err.message);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 7);
	char want[400];
	snprintf(want, sizeof want,
	        "2 .gif, 1 .tif files are not read: convert them to PNG or JPEG (ImageMagick: `mogrify -format png FILE`); 4 names like "
	        "pictures' are not read, being folders, pipes or devices; 1 folder inside of the folders of pictures is not entered; 1 picture in no class's folder is not "
	        "read; in '");
	assert_ptr_equal(strstr(eg_source_remark(s, EG_PART_TRAIN), want), eg_source_remark(s, EG_PART_TRAIN));
	assert_non_null(strstr(eg_source_remark(s, EG_PART_TRAIN), "/set' the folders 'extra' and 1 more are not read"));
	if (eg_source_prepare(s, EG_PART_TEST, &b->err)) fail_msg("%s", b->err.message);
	assert_null(eg_source_remark(s, EG_PART_TEST));
	eg_source_close(s);
	char path[200];
	eg_picture pic;
	assert_int_equal(eg_picture_load(path_of(b, path, "train/ant/pipe.pgm"), NULL, &pic, &b->err), EG_ERR_IO);
	assert_non_null(strstr(b->err.message, "it is a pipe or a device, no file"));
	assert_int_equal(eg_picture_load("/dev/zero", NULL, &pic, &b->err), EG_ERR_IO);
}

/* One class, perhaps, that was written in two ways: told, and both are read. */
static void classes_of_other_case(void **state) {
	bench *b = *state;
	write_set(b);
	make_folder(b, "train/Bee");
	write_picture(b, "train/Bee/a.pgm", 1, 4, 4, 21);
	eg_source *s = open_folder(b, b->top, NULL);
	eg_source_want_picture(s, 1, 4, 4);
	if (eg_source_prepare(s, EG_PART_TRAIN, &b->err)) fail_msg("%s", b->err.message);
	assert_non_null(strstr(eg_source_remark(s, EG_PART_TRAIN), "/set' the classes 'Bee' and 'bee' differ in case only; if they are one, put them into "
	                                                           "one folder"));
	assert_int_equal(eg_source_field(s, 1)->nnames, 4);
	eg_source_close(s);
}

static void broken_pictures(void **state) {
	bench *b = *state;
	write_set(b);
	write_text(b, "train/ant/a.PGM", "P5 9 9 255\nno", 13);
	write_text(b, "train/bee/y.png", "", 0);
	write_text(b, "test/ant/u.jpg", "GIF89a", 6);
	eg_source *s = open_folder(b, b->top, NULL);
	eg_source_want_picture(s, 1, 4, 4);
	assert_int_equal(eg_source_prepare(s, EG_PART_TRAIN, &b->err), EG_ERR_FORMAT);
	assert_non_null(strstr(b->err.message, "train/ant/a.PGM': it is cut off"));
	assert_non_null(strstr(b->err.message, ". 2 of 7 records of the part 'train' cannot be read; mend or remove them, or leave "
	                                       "them out with 'broken: skip' in 'data'"));
	assert_non_null(strstr(eg_source_broken(s), "train/ant/a.PGM': it is cut off"));
	assert_non_null(strstr(eg_source_broken(s), "train/bee/y.png': it is empty"));
	eg_source_close(s);
	s = open_folder(b, b->top, "broken=skip");
	eg_source_want_picture(s, 1, 4, 4);
	for (int p = 0; p < EG_PARTS; p++)
		if (eg_source_prepare(s, (eg_part)p, &b->err)) fail_msg("%s", b->err.message);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 5);
	assert_non_null(strstr(eg_source_remark(s, EG_PART_TRAIN), "2 of 7 records that cannot be read are left out; 1 folder"));
	assert_string_equal(eg_source_remark(s, EG_PART_TEST), "1 of 3 records that cannot be read is left out");
	check_record(b, s, EG_PART_TRAIN, 0, "Zebra", 30, "train/Zebra/1.pgm");
	check_record(b, s, EG_PART_TRAIN, 1, "bee", 20, "train/bee/x.pgm");
	check_record(b, s, EG_PART_TRAIN, 2, "Zebra", 31, "train/Zebra/2.pgm");
	check_record(b, s, EG_PART_TRAIN, 4, "ant", 12, "train/ant/c.pgm");
	check_record(b, s, EG_PART_TEST, 1, "bee", 120, "test/bee/t.pgm");
	eg_source_close(s);
	for (int i = 0; i < 60; i++) {
		char name[40];
		snprintf(name, sizeof name, "train/bee/z%02d.png", i);
		write_text(b, name, "", 0);
	}
	s = open_folder(b, b->top, NULL);
	eg_source_want_picture(s, 1, 4, 4);
	assert_int_equal(eg_source_prepare(s, EG_PART_TRAIN, &b->err), EG_ERR_FORMAT);
	assert_non_null(strstr(b->err.message, ". 62 of 67 records"));
	const char *all = eg_source_broken(s);
	assert_non_null(strstr(all, "z37.png"));
	assert_null(strstr(all, "z38.png"));
	assert_string_equal(all + strlen(all) - 12, "\nand 22 more");
	assert_ptr_equal(eg_source_broken(s), all); /* said once */
	assert_string_equal(all + strlen(all) - 12, "\nand 22 more");
	eg_source_close(s);
	in_top(b, "rm train/*/[a-zA-Z1-2]*.p* train/*/*.PGM; for c in Zebra ant bee; do : >train/$c/e.png; done");
	s = open_folder(b, b->top, "broken=skip");
	assert_int_equal(eg_source_prepare(s, EG_PART_TRAIN, &b->err), EG_ERR_FORMAT);
	assert_non_null(strstr(b->err.message, "none of the 3 records of the part 'train' can be read, the first: "));
	eg_source_close(s);
}

/* A name that would break, or fake, what is shown. */
static void names_of_classes(void **state) {
	static const char *const names[] = {"a\nb", "a\tb", "a\033[31mb", "a\x7f", "a\xc2\x9b", "a\r"};
	bench *b = *state;
	write_set(b);
	for (int i = 0; i < EG_COUNT(names); i++) {
		char folder[100], file[120];
		snprintf(folder, sizeof folder, "train/%s", names[i]);
		snprintf(file, sizeof file, "%s/1.pgm", folder);
		make_folder(b, folder);
		write_picture(b, file, 1, 4, 4, 1);
		eg_source *s = open_folder(b, b->top, NULL);
		eg_source_want_picture(s, 1, 4, 4);
		for (int prepared = 0; prepared < 2; prepared++) {
			eg_status status = prepared ? eg_source_prepare(s, EG_PART_TRAIN, &b->err) : eg_source_learn_names(s, &b->err);
			assert_int_equal(status, EG_ERR_FORMAT);
			assert_non_null(strstr(b->err.message, "the name of a class, 'a...', has the control character U+00"));
		}
		eg_source_close(s);
		char path[200];
		run("rm -r", path_of(b, path, folder));
	}
	make_folder(b, "train/a\nb");
	eg_data_options o = sized(b);
	refuse(b, &o, "train", "/train': the name of a class, 'a...', has the control character U+000A");
	eg_source *s;
	assert_int_equal(eg_source_open("idx", (const char *const[]){"images=i", "labels=l", "class_names=[\"a\\nb\", c]", NULL}, &s, &b->err),
	        EG_ERR_FORMAT);
	assert_non_null(strstr(b->err.message, "has the control character U+000A"));
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(reads_in_turn, setup, teardown),
	        cmocka_unit_test_setup_teardown(plain_folder, setup, teardown),
	        cmocka_unit_test_setup_teardown(png_of_one_size, setup, teardown),
	        cmocka_unit_test_setup_teardown(refuses_options, setup, teardown),
	        cmocka_unit_test_setup_teardown(refuses_folders, setup, teardown),
	        cmocka_unit_test_setup_teardown(out_of_memory, setup, teardown),
	        cmocka_unit_test_setup_teardown(yields_records, setup, teardown),
	        cmocka_unit_test_setup_teardown(classes_of_parts, setup, teardown),
	        cmocka_unit_test_setup_teardown(classes_of_a_model, setup, teardown),
	        cmocka_unit_test_setup_teardown(validation_part, setup, teardown),
	        cmocka_unit_test_setup_teardown(tells_what_is_passed_over, setup, teardown),
	        cmocka_unit_test_setup_teardown(classes_of_other_case, setup, teardown),
	        cmocka_unit_test_setup_teardown(broken_pictures, setup, teardown),
	        cmocka_unit_test_setup_teardown(names_of_classes, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
