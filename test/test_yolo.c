/* test_yolo.c - tests of pictures with boxes in the form of YOLO: folders, names of classes, lines, what is refused. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "source_bed.h"

#include <math.h>

/* A grey picture at PICTURE and, where there is one, its labels at LABELS. */
static void put(const sources *f, const char *picture, int H, int W, const char *labels, const char *text) {
	uint8_t pixels[64 * 64] = {0};
	assert_int_equal(eg_picture_save_png(with_folders(f, picture), 1, H, W, pixels, NULL), EG_OK);
	if (labels) write_text(f, labels, text);
}

static void has_box(const eg_datum_boxes *b, int i, int label, double x0, double y0, double x1, double y1) {
	const eg_box *x = &b->at[i];
	assert_true(i < b->n);
	assert_int_equal(x->label, label);
	const double most = fabs(x->x0 - x0) + fabs(x->y0 - y0) + fabs(x->x1 - x1) + fabs(x->y1 - y1);
	if (!(most < 1e-9)) fail_msg("box %d is %g %g %g %g", i, x->x0, x->y0, x->x1, x->y1);
}

static const char *set(const sources *f, char path[400]) {
	snprintf(path, 400, "path=%s", path_in(f, "set"));
	return path;
}

/* images/PART, labels/PART, and data.yaml. */
static void a_set(void **state) {
	sources *f = *state;
	char path[400];
	eg_record r = {0};
	put(f, "set/images/train/a.png", 20, 40, "set/labels/train/a.txt",
	        "1 0.5 0.5 0.25 0.5\r\n\n0 0.0 0.5 0.2 1\n 1\t0.9 0.9 0.1 0\n0 -0.5 0.5 0.2 0.2\n");
	put(f, "set/images/train/b.png", 10, 10, NULL, NULL);
	put(f, "set/images/val/c.png", 10, 10, "set/labels/val/c.txt", "");
	write_text(f, "set/data.yaml", "train: images/train\nnc: 2\nnames: {0: cat, 1: dog}\n");
	eg_source *s = open_source(f, "yolo", ALL, set(f, path), NULL);
	assert_string_equal(eg_source_name(s, 1, 1), "dog");
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 2);
	assert_int_equal(eg_source_count(s, EG_PART_VALIDATION), 1);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 0);
	const char *remark = eg_source_remark(s, EG_PART_TRAIN);
	assert_says(remark, "1 box has no width or no height and is left out; 1 box lies outside of the picture and is left out");
	assert_says(remark, "left out: dog in a.txt, cat in a.txt; draw them anew");
	assert_says(remark, "1 box reaches out of the picture and is cut to it");
	assert_says(remark, "1 picture has no file of labels: nothing is taken to be there");
	assert_says(eg_source_remark(s, EG_PART_TEST), "there are no test pictures");
	read_record(f, s, EG_PART_TRAIN, 0, &r);
	assert_string_equal(r.id, "images/train/a.png");
	assert_int_equal(r.fields[1].boxes.n, 2);
	has_box(&r.fields[1].boxes, 0, 1, 15, 5, 25, 15);
	has_box(&r.fields[1].boxes, 1, 0, 0, 0, 4, 20);
	assert_int_equal(eg_source_read(s, EG_PART_TRAIN, 0, 2, &r, &f->err), EG_OK);
	assert_true(!r.fields[0].there && r.fields[1].boxes.n == 2);
	read_record(f, s, EG_PART_TRAIN, 1, &r);
	assert_true(r.fields[1].there && r.fields[1].boxes.n == 0);
	eg_source_close(s);
	eg_record_free(&r);
}

/* What CVAT, labelImg and Roboflow write. */
static void other_folders(void **state) {
	sources *f = *state;
	char path[400];
	put(f, "set/obj_train_data/a.png", 10, 10, "set/obj_train_data/a.txt", "0 0.5 0.5 0.2 0.2");
	write_text(f, "set/obj.names", "cat\n\ndog \n");
	eg_source *s = open_source(f, "yolo", TRAIN, set(f, path), NULL);
	assert_int_equal(eg_source_field(s, 1)->nnames, 2);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 1);
	eg_source_close(s);
	snprintf(path, sizeof path, "path=%s", path_in(f, "flat"));
	put(f, "flat/a.png", 10, 10, "flat/a.txt", "1 0.5 0.5 0.2 0.2");
	write_text(f, "flat/classes.txt", "cat\ndog");
	s = open_source(f, "yolo", TRAIN, path, NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 1);
	eg_source_close(s);
	snprintf(path, sizeof path, "path=%s", path_in(f, "robo"));
	put(f, "robo/train/images/a.png", 10, 10, "robo/train/labels/a.txt", "1 0.5 0.5 0.2 0.2");
	put(f, "robo/valid/images/b.png", 10, 10, "robo/valid/labels/b.txt", "0 0.5 0.5 0.2 0.2");
	write_text(f, "robo/data.yaml", "names: ['cat', 'dog']\n");
	s = open_source(f, "yolo", ALL, path, NULL);
	assert_int_equal(eg_source_count(s, EG_PART_VALIDATION), 1);
	eg_source_close(s);
}

static void refuse_line(sources *f, const char *line, const char *words) {
	char path[400];
	write_text(f, "set/labels/a.txt", line);
	refuse_source(f, "yolo", TRAIN, words, set(f, path), "class_names=[cat, dog]", NULL);
}

static void broken_ones(void **state) {
	sources *f = *state;
	char path[400];
	put(f, "set/images/a.png", 10, 10, NULL, NULL);
	refuse_source(f, "yolo", TRAIN, "the classes' names are not known|class_names: [NAME, NAME]", set(f, path), NULL);
	refuse_line(f, "0 0.5 0.5 0.1 0.1\n2 0.5 0.5 0.1 0.1", "labels/a.txt:2: class 2, but there are names for 2|add it to the file of names");
	refuse_line(f, "0.5 0.5 0.5 0.1 0.1", "labels/a.txt:1: a class is a whole number");
	refuse_line(f, "0 0.5 0.5 0.1", "an object is 5 numbers");
	refuse_line(f, "0 0.1 0.1 0.2 0.1 0.2 0.2", "export boxes, not outlines");
	refuse_line(f, "0 0.5 x 0.1 0.1", "'x' is no number");
	refuse_line(f, "0 120 80 33 20", "120 is no share of the picture, 0 to 1");
	write_text(f, "set/labels/a.txt", "");
	write_text(f, "set/labels/lone.txt", "");
	refuse_source(f, "yolo", TRAIN, "labels/lone.txt' has no picture '|put it there, or remove the labels", set(f, path),
	        "class_names=[cat]", NULL);
	write_text(f, "set/data.yaml", "names: [cat, [dog]]\n");
	refuse_source(f, "yolo", TRAIN, "data.yaml:1:|'names' is a list of the classes' names", set(f, path), NULL);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, sources_setup, sources_teardown)
	const struct CMUnitTest tests[] = {CASE(a_set), CASE(other_folders), CASE(broken_ones)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
