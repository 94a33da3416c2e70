/* test_records.c - tests of sources as they yield records: the table, settings, parts, pictures in memory, texts,
 * the adding problem, many threads at once. Tables and masks have files of their own. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"
#include "source_bed.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* ---- the table and settings -------------------------------------------------------------------------------------- */

static void names_of_kinds(void **state) {
	EG_UNUSED(state);
	assert_string_equal(eg_field_kind_name(EG_FIELD_PICTURE), "picture");
	assert_string_equal(eg_field_kind_name(EG_FIELD_NUMBERS), "numbers");
	assert_null(eg_field_kind_name(EG_FIELD_KINDS));
	for (int i = 0; i < EG_FIELD_KINDS; i++) assert_non_null(eg_field_kind_name((eg_field_kind)i));
	assert_string_equal(eg_part_name(EG_PART_TRAIN), "train");
	assert_string_equal(eg_part_name(EG_PART_VALIDATION), "validation");
	assert_string_equal(eg_part_name(EG_PART_TEST), "test");
	assert_null(eg_part_name(EG_PARTS));
}

/* Every source opens with nothing but what it must have, and has the fields that the table says. */
static void boxes_are_cut(void **state) {
	EG_UNUSED(state);
	eg_box in = {.label = 2, .x0 = 1, .y0 = 2, .x1 = 3, .y1 = 4.5}, box = in;
	assert_true(eg_box_clip(&box, 5, 6));
	assert_memory_equal(&box, &in, sizeof box);
	box = (eg_box){.x0 = -1, .y0 = 2, .x1 = 9, .y1 = 8};
	assert_true(eg_box_clip(&box, 5, 6));
	assert_true(box.x0 == 0 && box.y0 == 2 && box.x1 == 6 && box.y1 == 5);
	assert_false(eg_box_clip(&(eg_box){.x0 = 6, .y0 = 2, .x1 = 9, .y1 = 3}, 5, 6));
	assert_false(eg_box_clip(&(eg_box){.x0 = 1, .y0 = 2, .x1 = 1, .y1 = 3}, 5, 6));
	assert_false(eg_box_clip(&(eg_box){.x0 = NAN, .y0 = 2, .x1 = 1, .y1 = 3}, 5, 6));
}

static void every_source_opens(void **state) {
	sources *f = *state;
	char path[400];
	for (int i = 0; i < eg_data_count(); i++) {
		const eg_data_info *info = eg_data_at(i);
		eg_source *s;
		snprintf(path, sizeof path, "path=%s", f->folder);
		const char *settings[4] = {NULL};
		int n = 0;
		/* The settings say which fields there are. */
		bool chosen = !strcmp(info->name, "csv") || !strcmp(info->name, "jsonl");
		if (info->path == EG_DATA_PATH_FILE || info->path == EG_DATA_PATH_FOLDER) settings[n++] = path;
		if (!strcmp(info->name, "masks")) settings[n++] = "class_names=[a, b]";
		if (!strcmp(info->name, "windows")) settings[n++] = "table=nowhere.csv", settings[n++] = "past=4", settings[n++] = "horizon=2";
		if (chosen) settings[n++] = "numbers=[a, b]", settings[n++] = "target=[c]";
		if (eg_source_open(info->name, settings, &s, &f->err)) fail_msg("%s", f->err.message);
		assert_ptr_equal(eg_source_info(s), info);
		assert_int_equal(eg_source_fields(s), chosen ? 2 : info->nfields);
		if (chosen) {
			assert_int_equal(eg_source_find_field(s, "numbers"), 0);
			assert_int_equal(eg_source_find_field(s, "target"), 1);
		}
		for (int k = 0; k < info->nfields && !chosen; k++) {
			const eg_field *field = eg_source_field(s, k);
			assert_string_equal(field->name, info->fields[k].name);
			assert_int_equal(field->kind, info->fields[k].kind);
			assert_int_equal(eg_source_find_field(s, field->name), k);
			int first = eg_source_find_kind(s, field->kind);
			assert_true(first >= 0 && first <= k && eg_source_field(s, first)->kind == field->kind);
		}
		assert_null(eg_source_field(s, -1));
		assert_null(eg_source_field(s, info->nfields));
		assert_int_equal(eg_source_find_field(s, "nothing"), -1);
		assert_int_equal(eg_source_find_kind(s, EG_FIELD_KINDS), -1);
		eg_source_close(s);
	}
	eg_source_close(NULL);
}

static void settings_are_checked(void **state) {
	sources *f = *state;
	refuse_source(f, "addding", 0, "no data source 'addding'; did you mean 'adding'?", NULL);
	refuse_source(
	        f, "adding", 0, "unknown key 'stepps'|data source 'adding'|did you mean 'steps'?", "stepps=4", NULL);
	refuse_source(f, "adding", 0, "'steps'|is 1; it must be at least 2", "steps=1", NULL);
	refuse_source(f, "adding", 0, "'validation'|is 1.5", "validation=1.5", NULL);
	refuse_source(f, "adding", 0, "data source 'adding' takes no 'path'", "path=/tmp", NULL);
	refuse_source(f, "idx", 0, "data source 'idx' takes no 'path'", "path=/tmp", NULL);
	refuse_source(f, "text", 0, "data source 'text' needs 'path', the file", NULL);
	refuse_source(f, "folder", 0, "data source 'folder' needs 'path', the folder", NULL);
	refuse_source(f, "mnist", 0, "unknown key 'images'", "images=x", NULL);
	eg_source *s = open_source(f, "adding", 0, "source=mnist", "count=3", "count=5", NULL);
	assert_string_equal(eg_source_info(s)->name, "adding");
	assert_int_equal(eg_source_prepare(s, EG_PART_TRAIN, NULL), EG_OK);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 5);
	eg_source_close(s);
}

static void refuse_read(sources *f, const eg_source *s, eg_part part, int64_t i, const char *words) {
	eg_record r = {0};
	f->err = (eg_error){EG_OK, ""};
	assert_int_equal(eg_source_read(s, part, i, ~0u, &r, &f->err), EG_ERR_ARG);
	assert_says(f->err.message, words);
	for (int k = 0; k < EG_MAX_FIELDS; k++) assert_false(r.fields[k].there);
	eg_record_free(&r);
}

static void parts_and_numbers(void **state) {
	sources *f = *state;
	eg_source *s = open_source(f, "adding", TRAIN, "count=10", "test_count=4", "validation=0.25", "steps=6", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 10);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 0);
	assert_int_equal(eg_source_count(s, (eg_part)7), 0);
	assert_null(eg_source_remark(s, EG_PART_TRAIN));
	assert_null(eg_source_remark(s, (eg_part)7));
	refuse_read(
	        f, s, EG_PART_TEST, 0, "record 0 was asked for, but its part 'test' has 0: it has not been prepared");
	refuse_read(
	        f, s, EG_PART_TRAIN, 10, "data source 'adding': record 10 was asked for, but its part 'train' has 10");
	refuse_read(f, s, EG_PART_TRAIN, -1, "record -1");
	refuse_read(f, s, (eg_part)7, 0, "record 0");
	assert_int_equal(eg_source_prepare(s, (eg_part)-1, &f->err), EG_ERR_ARG);
	assert_int_equal(eg_source_prepare(s, EG_PART_TEST, &f->err), EG_OK);
	assert_int_equal(eg_source_prepare(s, EG_PART_TEST, &f->err), EG_OK); /* again: nothing happens */
	assert_int_equal(eg_source_prepare(s, EG_PART_VALIDATION, &f->err), EG_OK);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 4);
	assert_int_equal(eg_source_count(s, EG_PART_VALIDATION), 3); /* 2.5, rounded away from 0 */
	eg_source_close(s);
}

/* ---- memory of records ------------------------------------------------------------------------------------------- */

static void room_of_records(void **state) {
	EG_UNUSED(state);
	eg_record r = {0};
	eg_record_free(&r);
	eg_record_free(NULL);
	for (int turn = 0; turn < 3; turn++) {
		char *rooms[40];
		eg_record_reset(&r);
		for (int i = 0; i < 40; i++) {
			size_t size = (size_t)(i * i + 1);
			rooms[i] = eg_record_room(&r, size);
			assert_non_null(rooms[i]);
			assert_int_equal((uintptr_t)rooms[i] % 16, 0);
			memset(rooms[i], i, size);
		}
		for (int i = 0; i < 40; i++)
			for (int k = 0; k <= i * i; k++) assert_int_equal(rooms[i][k], i);
	}
	assert_null(eg_record_room(&r, SIZE_MAX / 2));
	void *large = eg_record_room(&r, 1 << 20);
	eg_record_reset(&r);
	assert_ptr_equal(eg_record_room(&r, 1 << 20), large); /* the same piece again */
	static const int64_t numbers[] = {0, 7, 10, 123456789012345678};
	for (int i = 0; i < EG_COUNT(numbers); i++) {
		char text[30];
		assert_int_equal(eg_record_number(&r, numbers[i], NULL), EG_OK);
		snprintf(text, sizeof text, "%lld", (long long)numbers[i]);
		assert_string_equal(r.id, text);
	}
	eg_record_free(&r);
	assert_null(r.memory);
}

/* ---- pictures in memory ------------------------------------------------------------------------------------------ */

/* A little MNIST: three pictures for training, two for testing; plain files. */
static void write_mnist(const sources *f, const char *folder) {
	for (int test = 0; test < 2; test++) {
		uint8_t n = test ? 2 : 3, images[16 + 3 * 784] = {0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 28, 0, 0, 0, 28};
		uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, n, 5, 0, 4};
		char name[100];
		for (int i = 0; i < n * 784; i++) images[16 + i] = (uint8_t)(i + test);
		snprintf(name, sizeof name, "%s/%s-images-idx3-ubyte", folder, test ? "t10k" : "train");
		write_file(f, name, images, 16 + (size_t)n * 784);
		snprintf(name, sizeof name, "%s/%s-labels-idx1-ubyte", folder, test ? "t10k" : "train");
		write_file(f, name, labels, 8 + (size_t)n);
	}
}

static void pictures_of_a_set(void **state) {
	sources *f = *state;
	eg_record r = {0};
	char path[400];
	write_mnist(f, "digits");
	snprintf(path, sizeof path, "path=%s/digits", f->folder);
	eg_source *s = open_source(f, "mnist", ALL, path, "limit=2", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 2);
	assert_int_equal(eg_source_count(s, EG_PART_VALIDATION), 0);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 2); /* no limit there */
	const eg_field *label = eg_source_field(s, 1);
	assert_int_equal(label->nnames, 10);
	assert_string_equal(label->names[5], "5");
	read_record(f, s, EG_PART_TRAIN, 1, &r);
	assert_true(r.fields[0].there && r.fields[1].there && !r.fields[2].there);
	const eg_datum_picture *p = &r.fields[0].picture;
	assert_true(p->C == 1 && p->H == 28 && p->W == 28);
	for (int i = 0; i < 784; i++) assert_int_equal(p->pixels[i], (784 + i) % 256);
	assert_int_equal(r.fields[1].label, 0);
	assert_string_equal(r.id, "1");
	assert_null(r.place);
	const uint8_t *before = p->pixels;
	if (eg_source_read(s, EG_PART_TEST, 0, 2, &r, &f->err)) fail_msg("%s", f->err.message);
	assert_true(!r.fields[0].there && r.fields[1].there && r.fields[1].label == 5);
	read_record(f, s, EG_PART_TRAIN, 1, &r);
	assert_ptr_equal(r.fields[0].picture.pixels, before);
	eg_record_free(&r);
	eg_source_close(s);
	snprintf(path, sizeof path, "path=%s/nowhere", f->folder);
	refuse_source(f, "mnist", TRAIN, "mnist: there is no train-images-idx3-ubyte.gz in folder '", path, NULL);
	refuse_source(f, "mnist", TRAIN, "type `engram data get mnist`", NULL);
	assert_int_equal(truncate(path_in(f, "digits/train-images-idx3-ubyte"), 1000), 0);
	snprintf(path, sizeof path, "path=%s/digits", f->folder);
	refuse_source(f, "mnist", TRAIN, "is cut off|`engram data get mnist` checks the files", path, NULL);
}

static void idx_files(void **state) {
	sources *f = *state;
	eg_record r = {0};
	const char *images = "images=test/corpus/idx/images.gz", *labels = "labels=test/corpus/idx/labels";
	eg_source *s = open_source(f, "idx", TRAIN | TEST, images, labels, NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 3);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 0);
	assert_says(eg_source_remark(s, EG_PART_TEST), "'test_images' and 'test_labels' are not given");
	const eg_field *p = eg_source_field(s, 0);
	assert_true(p->C == 1 && p->H == 4 && p->W == 5);
	assert_string_equal(eg_source_name(s, 1, 2), "2");
	read_record(f, s, EG_PART_TRAIN, 0, &r);
	assert_int_equal(r.fields[1].label, 2);
	eg_record_free(&r);
	eg_source_close(s);
	s = open_source(f, "idx", 0, images, labels, "class_names=[ant, bee, cat]", NULL);
	assert_int_equal(eg_source_learn_names(s, NULL), EG_OK); /* without reading */
	assert_string_equal(eg_source_name(s, 1, 1), "bee");
	assert_int_equal(eg_source_prepare(s, EG_PART_TRAIN, NULL), EG_OK);
	assert_int_equal(eg_source_field(s, 1)->nnames, 3);
	eg_source_close(s);
	s = open_source(f, "idx", 0, "classes=12", NULL);
	assert_string_equal(eg_source_name(s, 1, 11), "11");
	eg_source_close(s);
	refuse_source(f, "idx", TRAIN, "as many names as there are classes, 2; it has 3", "classes=2",
	        "class_names=[a, b, c]", NULL);
	refuse_source(f, "idx", TRAIN, "needs the files images and labels; labels is not given", images, NULL);
	refuse_source(f, "idx", TEST, "test_labels is not given", images, labels, "test_images=x", NULL);
	refuse_source(f, "idx", TRAIN, "label 0 (counted from 0) is 2, but there are only 2 classes", images, labels,
	        "classes=2", NULL);
}

/* A relative path that is not in the working folder is looked for beside the recipe. */
static void beside_the_recipe(void **state) {
	sources *f = *state;
	eg_source *s;
	write_text(f, "here/poem.txt", "beside");
	assert_int_equal(eg_source_new(eg_source_type_find("text", NULL), &s, NULL), EG_OK);
	s->path = "poem.txt";
	s->beside = path_in(f, "here");
	assert_int_equal(eg_source_opened(s, NULL), EG_OK);
	assert_string_equal(s->path, path_in(f, "here/poem.txt"));
	eg_source_close(s);
	assert_int_equal(eg_source_new(eg_source_type_find("text", NULL), &s, NULL), EG_OK);
	s->path = "README.md"; /* of the working folder: first */
	s->beside = path_in(f, "here");
	write_text(f, "here/README.md", "x");
	assert_int_equal(eg_source_opened(s, NULL), EG_OK);
	assert_string_equal(s->path, "README.md");
	eg_source_close(s);
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

static void has_text(sources *f, const eg_source *s, int64_t i, const char *text, const char *place) {
	eg_record r = {0};
	read_record(f, s, EG_PART_TRAIN, i, &r);
	assert_int_equal(r.fields[0].text.size, strlen(text));
	assert_memory_equal(r.fields[0].text.bytes, text, strlen(text));
	assert_int_equal(strncmp(r.place, f->folder, strlen(f->folder)), 0);
	assert_string_equal(strrchr(r.place, '/') + 1, place);
	eg_record_free(&r);
}

static const char poems[] = "\n  \nOne\nfirst line\nsecond line\n\t \n\nTwo\r\nits line\r\n\r\n\nThree\n\n\nFour\nlast";

static void texts(void **state) {
	sources *f = *state;
	char path[400];
	snprintf(path, sizeof path, "path=%s", write_text(f, "poems.txt", poems));
	eg_source *s = open_source(f, "text", ALL, path, NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 1);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 0);
	assert_says(eg_source_remark(s, EG_PART_TEST), "the text 'text' has no test part");
	has_text(f, s, 0, "\n  \nOne\nfirst line\nsecond line\n\t \n\nTwo\nits line\n\n\nThree\n\n\nFour\nlast",
	        "poems.txt");
	eg_source_close(s);
	s = open_source(f, "text", TRAIN, path, "samples=true", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 4);
	has_text(f, s, 0, "One\nfirst line\nsecond line", "poems.txt:3");
	has_text(f, s, 1, "Two\nits line", "poems.txt:8");
	has_text(f, s, 2, "Three", "poems.txt:12");
	has_text(f, s, 3, "Four\nlast", "poems.txt:15");
	eg_source_close(s);
	s = open_source(f, "text", TRAIN, path, "samples=true", "keep_title=false", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 3);
	has_text(f, s, 0, "first line\nsecond line", "poems.txt:4");
	has_text(f, s, 1, "its line", "poems.txt:9");
	has_text(f, s, 2, "last", "poems.txt:16");
	eg_source_close(s);
	s = open_source(
	        f, "text", TRAIN, path, "samples=true", "limit=50", NULL); /* the last is cut through: left out */
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 1);
	eg_source_close(s);
	s = open_source(f, "text", TRAIN, path, "limit=10", NULL);
	has_text(f, s, 0, "\n  \nOne\nfi", "poems.txt");
	eg_source_close(s);
}

static void texts_are_refused(void **state) {
	sources *f = *state;
	char path[400];
	snprintf(path, sizeof path, "path=%s", write_text(f, "a.txt", "one\ntw\xe9"));
	refuse_source(f, "text", TRAIN, "line 2, column 3: byte 0xE9|(unit: byte)", path, NULL);
	eg_source *s = open_source(f, "text", TRAIN, path, "unit=byte", NULL);
	has_text(f, s, 0, "one\ntw\xe9", "a.txt");
	eg_source_close(s);
	refuse_source(f, "text", 0, "'keep_title' needs 'samples: true'", path, "keep_title=false", NULL);
	write_text(f, "a.txt", "title\n\nother title\n");
	refuse_source(f, "text", TRAIN, "there is no paragraph in it that has more than its title", path,
	        "samples=true", "keep_title=false", NULL);
	write_text(f, "a.txt", " \n\t\n");
	refuse_source(f, "text", TRAIN, "there is no paragraph in it", path, "samples=true", NULL);
	/* After a failure the file may be put right, and prepared again. */
	s = open_source(f, "text", 0, path, "samples=true", NULL);
	assert_int_equal(eg_source_prepare(s, EG_PART_TRAIN, &f->err), EG_ERR_ARG);
	write_text(f, "a.txt", "now");
	assert_int_equal(eg_source_prepare(s, EG_PART_TRAIN, &f->err), EG_OK);
	has_text(f, s, 0, "now", "a.txt:1");
	eg_source_close(s);
}

/* ---- the adding problem ------------------------------------------------------------------------------------------ */

static uint64_t hash_of(uint64_t h, const void *data, size_t size) {
	const uint8_t *p = data;
	for (size_t i = 0; i < size; i++) h = (h ^ p[i]) * 1099511628211u;
	return h;
}

/* The samples that models have been trained on since the source is there: FNV-1a over 50 of them. */
static void adding_is_as_ever(void **state) {
	sources *f = *state;
	static const struct {
		int steps;
		uint64_t seed, hash[EG_PARTS];
	} cases[] = {
	        {2, 12345678901, {0x8896f5e0be25f7d0, 0xc73d1261ddc2213c, 0x7cc0a00505b00cf9}},
	        {3, 12345678901, {0xea0c833ac4d73809, 0x5f7ca84d416ea7e8, 0xd5fd6de20ccbc59d}},
	        {7, 12345678901, {0xf71f9b6212900587, 0xd0d239eaa1d48778, 0xde4bb42271654205}},
	        {100, 0, {0x48610be1bc07b126, 0x939cfd7c1e938448, 0xfb09ab37f35d4117}},
	        {1001, 12345678901, {0x4a073b73539c1612, 0xf4b5ddb92152421d, 0x0a2beb41d8ca4503}},
	};
	eg_record r = {0};
	for (int k = 0; k < EG_COUNT(cases); k++) {
		char steps[40];
		snprintf(steps, sizeof steps, "steps=%d", cases[k].steps);
		eg_source *s = open_source(f, "adding", 0, steps, "count=100", "test_count=50", "validation=0.5", NULL);
		eg_source_seed(s, cases[k].seed);
		for (int p = 0; p < EG_PARTS; p++) {
			uint64_t h = 1469598103934665603u;
			assert_int_equal(eg_source_prepare(s, (eg_part)p, &f->err), EG_OK);
			for (int i = 0; i < 50; i++) {
				read_record(f, s, (eg_part)p, i, &r);
				assert_int_equal(r.fields[0].series.steps, cases[k].steps);
				assert_int_equal(r.fields[0].series.columns, 2);
				assert_null(r.fields[0].series.times);
				assert_int_equal(r.fields[1].numbers.n, 1);
				h = hash_of(h, r.fields[0].series.at, (size_t)cases[k].steps * 2 * sizeof(float));
				h = hash_of(h, r.fields[1].numbers.at, sizeof(float));
			}
			assert_true(h == cases[k].hash[p]);
		}
		eg_source_close(s);
	}
	eg_record_free(&r);
}

static void adding_adds(void **state) {
	sources *f = *state;
	eg_source *s = open_source(f, "adding", TRAIN, "steps=9", "count=200", NULL);
	eg_record r = {0}, alone = {0};
	assert_int_equal(eg_source_field(s, 0)->steps, 9);
	assert_string_equal(eg_source_field(s, 0)->names[1], "marker");
	for (int i = 0; i < 200; i++) {
		float sum = 0;
		int marks[2] = {0};
		read_record(f, s, EG_PART_TRAIN, i, &r);
		for (int t = 0; t < 9; t++) {
			const float *x = r.fields[0].series.at + 2 * t;
			assert_true(x[0] >= 0 && x[0] < 1 && (x[1] == 0 || x[1] == 1));
			if (x[1] == 1) sum += x[0], marks[t >= 4]++;
		}
		assert_true(marks[0] == 1 && marks[1] == 1);
		assert_true(*r.fields[1].numbers.at == sum);
		assert_int_equal(eg_source_read(s, EG_PART_TRAIN, i, 2, &alone, &f->err), EG_OK);
		assert_true(!alone.fields[0].there && *alone.fields[1].numbers.at == sum);
	}
	eg_record_free(&r);
	eg_record_free(&alone);
	eg_source_close(s);
}

/* ---- many threads ------------------------------------------------------------------------------------------------ */

typedef struct reader {
	const eg_source *s;
	int64_t from;
	uint64_t hash;
	bool failed;
} reader;

/* All records, each thread beginning elsewhere; the hash does not depend on the order. */
static void *read_all(void *arg) {
	reader *d = arg;
	eg_record r = {0};
	int64_t n = eg_source_count(d->s, EG_PART_TRAIN);
	for (int64_t i = 0; i < n; i++) {
		if (eg_source_read(d->s, EG_PART_TRAIN, (d->from + i) % n, ~0u, &r, NULL)) d->failed = true;
		uint64_t h = hash_of(1, r.id, strlen(r.id));
		for (int k = 0; k < eg_source_fields(d->s); k++) {
			const eg_datum *x = &r.fields[k];
			switch (eg_source_field(d->s, k)->kind) {
			case EG_FIELD_TEXT: h = hash_of(h, x->text.bytes, x->text.size); break;
			case EG_FIELD_LABEL: h = hash_of(h, &x->label, sizeof x->label); break;
			case EG_FIELD_TAGS: h = hash_of(h, x->tags.at, (size_t)x->tags.n * sizeof *x->tags.at); break;
			case EG_FIELD_SERIES: h = hash_of(h, x->series.at, (size_t)x->series.steps * 8); break;
			case EG_FIELD_PICTURE:
				h = hash_of(h, x->picture.pixels,
				        (size_t)x->picture.C * (size_t)x->picture.H * (size_t)x->picture.W);
				break;
			case EG_FIELD_MASK:
				h = hash_of(h, x->mask.classes, (size_t)x->mask.H * (size_t)x->mask.W);
				break;
			default: break;
			}
		}
		d->hash += h;
	}
	eg_record_free(&r);
	return NULL;
}

static void threads_read_the_same(eg_source *s) {
	enum { THREADS = 4 };
	pthread_t threads[THREADS];
	reader readers[THREADS] = {{0}};
	for (int i = 0; i < THREADS; i++) {
		readers[i].s = s;
		readers[i].from = i * eg_source_count(s, EG_PART_TRAIN) / THREADS;
		assert_int_equal(pthread_create(&threads[i], NULL, read_all, &readers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++) {
		assert_false(readers[i].failed);
		assert_true(readers[i].hash == readers[0].hash && readers[i].hash != 0);
	}
	eg_source_close(s);
}

static void write_masks(const sources *f) {
	for (int i = 0; i < 12; i++) {
		uint8_t pixels[3 * 20], mask[20];
		char name[40];
		for (int k = 0; k < 60; k++) pixels[k] = (uint8_t)(i * 60 + k);
		for (int k = 0; k < 20; k++) mask[k] = (uint8_t)((i + k) % 3);
		snprintf(name, sizeof name, "m/train/%02d.png", i);
		write_text(f, name, "");
		assert_int_equal(eg_picture_save_png(path_in(f, name), 3, 4, 5, pixels, NULL), EG_OK);
		snprintf(name, sizeof name, "m/trainannot/%02d.png", i);
		write_text(f, name, "");
		assert_int_equal(eg_picture_save_png(path_in(f, name), 1, 4, 5, mask, NULL), EG_OK);
	}
}

static void threads_at_once(void **state) {
	sources *f = *state;
	char path[400], text[4000] = "text\tlabel\n";
	threads_read_the_same(open_source(f, "adding", TRAIN, "steps=30", "count=300", NULL));
	write_mnist(f, "digits");
	snprintf(path, sizeof path, "path=%s/digits", f->folder);
	threads_read_the_same(open_source(f, "mnist", TRAIN, path, NULL));
	for (int i = 0; i < 100; i++) snprintf(text + strlen(text), 40, "sentence %d\tclass %d\n", i, i % 7);
	snprintf(path, sizeof path, "path=%s", write_text(f, "t.tsv", text));
	threads_read_the_same(open_source(f, "tsv", TRAIN, path, NULL));
	snprintf(path, sizeof path, "path=%s", write_text(f, "t.conll", "a\tO\nb\tB-X\n\nc\tI-X\n\nd\tO\n"));
	threads_read_the_same(open_source(f, "conll", TRAIN, path, NULL));
	if (eg_picture_save_png(path_in(f, "x.png"), 1, 1, 1, (const uint8_t[]){0}, NULL)) return; /* without libspng */
	write_masks(f);
	snprintf(path, sizeof path, "path=%s/m", f->folder);
	threads_read_the_same(open_source(f, "masks", TRAIN, path, "class_names=[a, b, c]", NULL));
}

/* ---- the real sets, where this machine has them ------------------------------------------------------------------ */

static double seconds(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void real_pictures(void **state) {
	sources *f = *state;
	eg_record records[64] = {{0}};
	if (!with_real_data("mnist")) skip();
	eg_source *s = open_source(f, "mnist", TRAIN | TEST, NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 60000);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 10000);
	double best = 1;
	for (int turn = 0; turn < 20; turn++) {
		double before = seconds();
		for (int i = 0; i < 64; i++)
			if (eg_source_read(s, EG_PART_TRAIN, i, 3, &records[i], NULL)) fail();
		double now = seconds() - before;
		if (now < best) best = now;
	}
	print_message("64 records of mnist: %.1f us\n", best * 1e6);
	assert_true(best < 1e-3); /* some microseconds; a sanitizer takes its share */
	static const int first[] = {5, 0, 4, 1, 9};
	for (int i = 0; i < 5; i++) assert_int_equal(records[i].fields[1].label, first[i]);
	for (int i = 0; i < 64; i++) eg_record_free(&records[i]);
	eg_source_close(s);
}

static void real_texts(void **state) {
	sources *f = *state;
	eg_record r = {0};
	if (!with_real_data("tang-poems") || !with_real_data("tinyshakespeare")) skip();
	eg_source *s = open_source(f, "tang-poems", TRAIN, "samples=true", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 21084);
	eg_source_close(s);
	s = open_source(f, "tinyshakespeare", TRAIN, NULL);
	read_record(f, s, EG_PART_TRAIN, 0, &r);
	assert_int_equal(r.fields[0].text.size, 1115394);
	assert_int_equal(strncmp(r.fields[0].text.bytes, "First Citizen:\n", 15), 0);
	eg_record_free(&r);
	eg_source_close(s);
}

int main(void) {
	keep_real_data();
#define CASE(name) cmocka_unit_test_setup_teardown(name, sources_setup, sources_teardown)
	const struct CMUnitTest tests[] = {
	        CASE(names_of_kinds),
	        CASE(boxes_are_cut),
	        CASE(every_source_opens),
	        CASE(settings_are_checked),
	        CASE(parts_and_numbers),
	        CASE(room_of_records),
	        CASE(pictures_of_a_set),
	        CASE(idx_files),
	        CASE(beside_the_recipe),
	        CASE(texts),
	        CASE(texts_are_refused),
	        CASE(adding_is_as_ever),
	        CASE(adding_adds),
	        CASE(threads_at_once),
	        CASE(real_pictures),
	        CASE(real_texts),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
