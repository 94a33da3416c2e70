/* test_voc.c - tests of pictures with boxes in the form of Pascal VOC: annotations, lists, classes, what is refused. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/voc.h"
#include "source_bed.h"

static void refuse_xml(sources *f, const char *text, const char *words) {
	eg_arena arena = {0};
	eg_voc voc;
	f->err = (eg_error){EG_OK, ""};
	eg_status status = eg_voc_parse(text, strlen(text), "a.xml", &arena, &voc, &f->err);
	if (status == EG_OK) fail_msg("this was taken, and not refused with '%s'", words);
	assert_int_equal(f->err.status, status);
	assert_says(f->err.message, words);
	assert_null(voc.objects);
	eg_arena_free(&arena);
}

#define BOX(a, b, c, d) "<bndbox><xmin>" a "</xmin><ymin>" b "</ymin><xmax>" c "</xmax><ymax>" d "</ymax></bndbox>"

static void annotations(void **state) {
	sources *f = *state;
	if (!HAVE_EXPAT) skip();
	static const char text[] =
	        "<?xml version=\"1.0\"?>\n<annotation><size><width> 640 </width><height>480</height></size>\n"
	        "<object><name> cat &amp; dog </name><difficult>1</difficult>" BOX("1", "2", "640", "480.5")
	        "<part><name>head</name>" BOX("5", "5", "6", "6") "</part></object>"
	        "<object>" BOX("7", "8", "7", "9") "<name>\xe7\x8c\xab</name></object></annotation>";
	eg_arena arena = {0};
	eg_voc voc;
	assert_int_equal(eg_voc_parse(text, strlen(text), "a.xml", &arena, &voc, &f->err), EG_OK);
	assert_true(voc.W == 640 && voc.H == 480 && voc.n == 2);
	const eg_voc_object *o = voc.objects;
	assert_string_equal(o[0].name, "cat & dog");
	assert_true(o[0].x0 == 0 && o[0].y0 == 1 && o[0].x1 == 640 && o[0].y1 == 480.5 && o[0].difficult && !o[0].empty);
	assert_string_equal(o[1].name, "\xe7\x8c\xab");
	assert_true(o[1].x0 == 6 && o[1].y0 == 7 && o[1].x1 == 7 && o[1].y1 == 9 && !o[1].difficult && o[1].empty);
	eg_release(NULL, voc.objects);
	eg_arena_free(&arena);
	refuse_xml(f, "", "a.xml:1: XML, column 1: no element found");
	refuse_xml(f, "<annotation><object></annotation>", "a.xml:1: XML, column 23: mismatched tag");
	refuse_xml(f, "<svg/>", "'a.xml' is no annotation: its outermost element is <svg>");
	refuse_xml(f, "<annotation>\n<object><name>a</name></object></annotation>", "a.xml:2: the object that ends here has no <ymax>");
	refuse_xml(f, "<annotation><object>" BOX("1", "2", "3", "4") "</object></annotation>", "ends here has no <name>");
	refuse_xml(f, "<annotation><object>" BOX("1", "x", "3", "4") "</object></annotation>", "'x' in <ymin> is no number");
	refuse_xml(f, "<annotation><size><width>-1</width></size></annotation>", "a picture is not -1 pixels wide or high");
	/* Entities that make ten thousand million of ten, and one that would read a file. */
	refuse_xml(f,
	        "<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">"
	        "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">]><annotation><size><width>&c;</width></size></annotation>",
	        "a.xml:2: a document type declaration (<!DOCTYPE ...>)");
	refuse_xml(f, "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><annotation/>", "a document type declaration");
	refuse_xml(f, "<annotation>&b;</annotation>", "undefined entity");
	char deep[40 * 4 + 20] = "";
	for (int i = 0; i < 40; i++) strcat(deep, "<a>");
	refuse_xml(f, deep, "more than 32 elements inside of each other");
}

/* A grey picture and an annotation, of which `objects` is the middle; size "": it says none. */
static void put(const sources *f, const char *name, int H, int W, const char *size, const char *objects) {
	char path[100], text[2000];
	uint8_t pixels[64 * 64] = {0};
	snprintf(path, sizeof path, "set/JPEGImages/%s.png", name);
	assert_int_equal(eg_picture_save_png(with_folders(f, path), 1, H, W, pixels, NULL), EG_OK);
	snprintf(path, sizeof path, "set/Annotations/%s.xml", name);
	snprintf(text, sizeof text, "<annotation>%s%s</annotation>", size, objects);
	write_text(f, path, text);
}

#define OBJECT(name, a, b, c, d) "<object><name>" name "</name>" BOX(a, b, c, d) "</object>"
#define SIZE(w, h) "<size><width>" w "</width><height>" h "</height></size>"

static void has_box(const eg_datum_boxes *b, int i, int label, double x0, double y0, double x1, double y1) {
	const eg_box *x = &b->at[i];
	assert_true(i < b->n);
	assert_int_equal(x->label, label);
	if (!(x->x0 == x0 && x->y0 == y0 && x->x1 == x1 && x->y1 == y1))
		fail_msg("box %d is %g %g %g %g", i, x->x0, x->y0, x->x1, x->y1);
}

static void a_set(void **state) {
	sources *f = *state;
	if (!HAVE_EXPAT) skip();
	char path[400];
	eg_record r = {0};
	put(f, "a", 20, 30, SIZE("30", "20"),
	        OBJECT("dog", "1", "1", "30", "20") OBJECT("cat", "5", "6", "5", "9") OBJECT("cat", "21", "11", "40", "15"));
	put(f, "b", 10, 10, "", OBJECT("dog", "3", "4", "99", "6") OBJECT("dog", "50", "1", "60", "9"));
	put(f, "c", 10, 10, SIZE("10", "10"), OBJECT("cat", "2", "2", "3", "3"));
	put(f, "d", 10, 10, SIZE("10", "10"), "");
	write_text(f, "set/ImageSets/Main/train.txt", "b\r\na\r\n");
	write_text(f, "set/ImageSets/Main/val.txt", "c  1\n\n");
	write_text(f, "set/ImageSets/Main/test.txt", "d");
	write_text(f, "set/ImageSets/Main/trainval.txt", "a\nb\nc\n");
	snprintf(path, sizeof path, "path=%s", path_in(f, "set"));
	eg_source *s = open_source(f, "voc", TEST, path, NULL);
	assert_string_equal(eg_source_name(s, 1, 0), "cat");
	assert_string_equal(eg_source_name(s, 1, 1), "dog");
	assert_int_equal(eg_source_prepare(s, EG_PART_TRAIN, &f->err), EG_OK);
	assert_int_equal(eg_source_prepare(s, EG_PART_VALIDATION, &f->err), EG_OK);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 2);
	assert_int_equal(eg_source_count(s, EG_PART_VALIDATION), 1);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 1);
	assert_says(eg_source_remark(s, EG_PART_TRAIN), "1 box has no width or no height and is left out");
	assert_says(eg_source_remark(s, EG_PART_TRAIN), "left out: cat in a.xml; draw them anew in the labelling tool, or remove");
	assert_says(eg_source_remark(s, EG_PART_TRAIN), "1 box reaches out of the picture and is cut to it");
	read_record(f, s, EG_PART_TRAIN, 1, &r);
	assert_string_equal(r.id, "JPEGImages/a.png");
	assert_true(r.fields[0].picture.H == 20 && r.fields[0].picture.W == 30);
	assert_int_equal(r.fields[1].boxes.n, 2);
	has_box(&r.fields[1].boxes, 0, 1, 0, 0, 30, 20);
	has_box(&r.fields[1].boxes, 1, 0, 20, 10, 30, 15);
	read_record(f, s, EG_PART_TRAIN, 0, &r); /* its size is known when it is read */
	assert_int_equal(r.fields[1].boxes.n, 1);
	has_box(&r.fields[1].boxes, 0, 1, 2, 3, 10, 6);
	read_record(f, s, EG_PART_TEST, 0, &r);
	assert_true(r.fields[1].there && r.fields[1].boxes.n == 0);
	assert_int_equal(eg_source_read(s, EG_PART_TRAIN, 1, 2, &r, &f->err), EG_OK);
	assert_true(!r.fields[0].there && r.fields[1].there);
	eg_source_close(s);
	s = open_source(f, "voc", ALL, path, "train_list=trainval", "limit=2", "class_names=[dog, cat]", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 2);
	assert_int_equal(eg_source_count(s, EG_PART_VALIDATION), 0);
	read_record(f, s, EG_PART_TRAIN, 0, &r);
	has_box(&r.fields[1].boxes, 0, 0, 0, 0, 30, 20);
	eg_source_close(s);
	eg_record_free(&r);
}

static void broken_ones(void **state) {
	sources *f = *state;
	if (!HAVE_EXPAT) skip();
	char path[400];
	put(f, "a", 10, 10, SIZE("10", "10"), OBJECT("cat", "2", "2", "3", "3"));
	put(f, "b", 10, 10, SIZE("10", "11"), OBJECT("dog", "2", "2", "3", "3"));
	put(f, "c", 10, 10, SIZE("10", "10"), "<object>");
	snprintf(path, sizeof path, "path=%s", path_in(f, "set"));
	refuse_source(f, "voc", TRAIN, "c.xml:1: XML, column|1 of 3 records of the part 'train' cannot be read", path, NULL);
	eg_source *s = open_source(f, "voc", ALL, path, "broken=skip", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 1);
	assert_int_equal(eg_source_field(s, 1)->nnames, 1);
	assert_says(eg_source_broken(s), "b.png' is 10 x 10 (height, width) as it is to be seen, but '");
	assert_says(eg_source_broken(s), "says 11 x 10: its boxes belong to another picture");
	assert_says(eg_source_remark(s, EG_PART_TEST), "there is no list of test pictures");
	eg_source_close(s);
	write_text(f, "set/ImageSets/Main/test.txt", "a\nnone\n");
	refuse_source(f, "voc", TRAIN, "there is no list of the pictures to train on|ImageSets/Main/train.txt'", path, NULL);
	refuse_source(f, "voc", TEST, "there is no picture '|JPEGImages/none.jpg' (or .jpeg, .png, .webp, .bmp): put it there", path, "class_names=[cat]", NULL);
	write_text(f, "set/ImageSets/Main/test.txt", "b\n");
	refuse_source(f, "voc", TEST, "b.xml: the class 'dog' is not among 'class_names' of the recipe", path,
	        "class_names=[cat]", NULL);
	write_text(f, "set/ImageSets/Main/test.txt", "../a\n");
	refuse_source(f, "voc", TEST, "test.txt:1: '../a' is no name of a picture", path, "class_names=[cat]", NULL);
	refuse_source(f, "voc", 0, "'train_list' is the name of a list", path, "train_list=../x", NULL);
}

/* Without lists: a picture without an annotation, and the other way round. */
static void halves(void **state) {
	sources *f = *state;
	if (!HAVE_EXPAT) skip();
	char path[400];
	put(f, "a", 10, 10, SIZE("10", "10"), OBJECT("cat", "2", "2", "3", "3"));
	snprintf(path, sizeof path, "path=%s", path_in(f, "set"));
	write_text(f, "set/Annotations/lone.xml", "<annotation/>");
	refuse_source(f, "voc", TRAIN, "there is no picture '|JPEGImages/lone.jpg'|take its name off the list and its annotation away", path, NULL);
	assert_int_equal(remove(path_in(f, "set/Annotations/lone.xml")), 0);
	put(f, "b", 10, 10, "", "");
	assert_int_equal(remove(path_in(f, "set/Annotations/b.xml")), 0);
	refuse_source(f, "voc", TRAIN, "there is no annotation '|Annotations/b.xml' of the picture '|label it", path, NULL);
	eg_source *s = open_source(f, "voc", TRAIN, path, "broken=skip", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 1);
	eg_source_close(s);
	write_text(f, "set/JPEGImages/a.bmp", "another");
	refuse_source(f, "voc", TRAIN, "JPEGImages' has two pictures 'a' that differ in their endings only|remove or rename one", path, NULL);
	assert_int_equal(remove(path_in(f, "set/JPEGImages/a.bmp")), 0);
}

static void real_bccd(void **state) {
	sources *f = *state;
	if (!HAVE_EXPAT) skip();
	eg_record r = {0};
	int seen[3] = {0};
	if (!with_real_data("bccd")) skip();
	eg_source *s = open_source(f, "bccd", ALL, NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 292);
	assert_int_equal(eg_source_count(s, EG_PART_VALIDATION), 0);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 72);
	for (int p = 0; p < EG_PARTS; p++)
		for (int64_t i = 0; i < eg_source_count(s, (eg_part)p); i++) {
			assert_int_equal(eg_source_read(s, (eg_part)p, i, 2, &r, &f->err), EG_OK);
			for (int k = 0; k < r.fields[1].boxes.n; k++) {
				eg_box b = r.fields[1].boxes.at[k];
				assert_true(b.x0 >= 0 && b.y0 >= 0 && b.x1 <= 640 && b.y1 <= 480 && b.x0 < b.x1 && b.y0 < b.y1);
				seen[b.label]++;
			}
		}
	assert_says(eg_source_remark(s, EG_PART_TRAIN),
	        "2 boxes have no width or no height and are left out; left out: RBC in BloodImage_00338.xml, RBC in BloodImage_00343.xml");
	/* Platelets, RBC without the two of no width, WBC */
	assert_true(seen[0] == 361 && seen[1] == 4153 && seen[2] == 372);
	read_record(f, s, EG_PART_TRAIN, 0, &r);
	assert_string_equal(r.id, "JPEGImages/BloodImage_00000.jpg");
	assert_true(r.fields[0].picture.C == 3 && r.fields[0].picture.H == 480 && r.fields[0].picture.W == 640);
	has_box(&r.fields[1].boxes, 0, 2, 259, 176, 491, 376);
	eg_source_close(s);
	s = open_source(f, "bccd", ALL, "train_list=train", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 205);
	assert_int_equal(eg_source_count(s, EG_PART_VALIDATION), 87);
	eg_source_close(s);
	eg_record_free(&r);
}

int main(void) {
	keep_real_data();
#define CASE(name) cmocka_unit_test_setup_teardown(name, sources_setup, sources_teardown)
	const struct CMUnitTest tests[] = {
	        CASE(annotations), CASE(a_set), CASE(broken_ones), CASE(halves),
	        CASE(real_bccd)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
