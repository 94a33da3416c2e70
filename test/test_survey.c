/* test_survey.c - tests of what is told of a data set (eg_survey): counts, lengths, missing values, broken records,
 * duplicates, what is read of large sets; and of the page that shows records of every kind. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "report/survey.h"
#include "source_bed.h"

#include <math.h>
#include <sys/stat.h>

/* ---- facts of a table -------------------------------------------------------------------------------------------- */

/* A value deep in a tree: "parts.0.fields.1.missing". */
static const eg_value *at(const eg_value *v, const char *path) {
	char copy[200];
	snprintf(copy, sizeof copy, "%s", path);
	for (char *step = strtok(copy, "."); step; step = strtok(NULL, "."))
		v = *step >= '0' && *step <= '9' ? eg_value_at(v, atoi(step)) : eg_value_get(v, step);
	return v;
}
static void is_int(const eg_value *facts, const char *path, int64_t n) {
	int64_t got = eg_value_int(at(facts, path), -1);
	if (got != n) fail_msg("%s is %lld, not %lld", path, (long long)got, (long long)n);
}
static void is_near(const eg_value *facts, const char *path, double v) {
	double got = eg_value_number(at(facts, path), (double)NAN);
	if (!(fabs(got - v) < 1e-6)) fail_msg("%s is %g, not %g", path, got, v);
}
static void is_text(const eg_value *facts, const char *path, const char *text) {
	const char *got = eg_value_text(at(facts, path));
	if (!got || strcmp(got, text)) fail_msg("%s is '%s', not '%s'", path, got ? got : "", text);
}

typedef struct told {
	char text[4000];
} told;
static void take(void *user, const eg_survey_line *l) {
	told *t = user;
	size_t n = strlen(t->text);
	snprintf(t->text + n, sizeof t->text - n, "%s|%s|%s|%s\n", l->part, l->field, l->what, l->text);
}

static void a_table(void **state) {
	sources *f = *state;
	char path[400], other[400];
	eg_value *facts;
	told t = {""};
	setting(path, "path",
	        write_text(f, "a.jsonl",
	                "{\"t\": \"abc\", \"k\": \"x\", \"n\": [1, 2]}\n{\"t\": \"abcdef\", \"k\": \"y\", \"n\": [null, 4]}\n"
	                "{\"t\": \"abc\", \"k\": \"y\", \"n\": [1, 2]}\n{\"t\": \"Zo\xc3\xab\", \"k\": \"x\", \"n\": [5, 6]}\n"
	                "{\"t\": \"no label\", \"n\": [9, 9]}\n"));
	setting(other, "test_path",
	        write_text(f, "b.jsonl",
	                "{\"t\": \"abcdef\", \"k\": \"y\", \"n\": [null, 4]}\n"
	                "{\"t\": \"new\", \"k\": \"x\", \"n\": [7, 8]}\n"));
	eg_source *s;
	const char *settings[] = {path, other, "text=t", "label=k", "numbers=[n]", NULL};
	if (eg_source_open("jsonl", settings, &s, &f->err)) fail_msg("%s", f->err.message);
	if (eg_survey(s, NULL, &facts, &f->err)) fail_msg("%s", f->err.message);
	is_text(facts, "data", "jsonl");
	assert_int_equal(eg_value_count(at(facts, "parts")), 2);
	is_int(facts, "parts.0.records", 4);
	is_int(facts, "parts.0.read", 4);
	is_int(facts, "parts.1.records", 2);
	is_text(facts, "parts.0.fields.0.kind", "text");
	is_near(facts, "parts.0.fields.0.length.min", 3);
	is_near(facts, "parts.0.fields.0.length.median", 3);
	is_near(facts, "parts.0.fields.0.length.max", 6);
	is_int(facts, "parts.0.fields.0.length.histogram.0", 3);
	is_int(facts, "parts.0.fields.0.length.histogram.9", 1);
	is_near(facts, "parts.0.fields.1.values.0.mean", 7.0 / 3);
	is_int(facts, "parts.0.fields.1.values.0.gaps", 1);
	is_near(facts, "parts.0.fields.1.values.1.max", 6);
	is_text(facts, "parts.0.fields.2.classes.of.0.class", "x");
	is_int(facts, "parts.0.fields.2.classes.of.0.count", 2);
	is_int(facts, "parts.1.fields.2.classes.of.1.count", 1);
	is_int(facts, "broken.count", 1);
	assert_non_null(strstr(eg_value_text(at(facts, "broken.named.0")), "a.jsonl:5"));
	assert_int_equal(eg_value_count(at(facts, "duplicates")), 2);
	is_text(facts, "duplicates.0.in", "train");
	is_text(facts, "duplicates.0.part", "train");
	is_int(facts, "duplicates.0.count", 1);
	is_int(facts, "duplicates.0.differ", 1);
	is_text(facts, "duplicates.0.some.0.record", "2");
	is_text(facts, "duplicates.0.some.0.same_as", "0");
	is_text(facts, "duplicates.1.part", "test");
	is_int(facts, "duplicates.1.count", 1);
	is_int(facts, "duplicates.1.differ", 0);
	eg_survey_lines(facts, take, &t);
	assert_says(t.text, "train|label|classes, in records|x: 2 · y: 2\n");
	assert_says(t.text, "train|text|length|3 to 6 characters, median 3");
	assert_says(t.text, "||broken|");
	assert_says(t.text, "train||duplicates|1 record is there before, 1 with another label: 2 as 0 (another label)\n");
	assert_says(t.text, "test||duplicates|1 record is in train too: 0 as 1\n");
	eg_value_free(facts);
	eg_source_close(s);
}

static void brief_ones(void **state) {
	(void)state;
	char buf[64];
	assert_string_equal(eg_brief(0.130660, buf), "0.1307");
	assert_string_equal(eg_brief(-12.3456, buf), "-12.35");
	assert_string_equal(eg_brief(123456.4, buf), "123,456");
	assert_string_equal(eg_brief(0, buf), "0");
	assert_string_equal(eg_brief((double)NAN, buf), "-");
	assert_string_equal(eg_cut_text("Zo\xc3\xab", 4, 3, buf), "Zo...");
	assert_string_equal(eg_cut_text("Zo\xc3\xab", 4, 4, buf), "Zo\xc3\xab");
}

/* 40 numbers a record: 32 columns are told, and that there are more. Progress is told, and may stop it. */
typedef struct seen_progress {
	int calls;
	int64_t most;
	bool stop;
} seen_progress;
static bool look(void *user, eg_part part, int64_t done, int64_t count) {
	seen_progress *p = user;
	p->calls++;
	if (done > p->most) p->most = done;
	assert_true(part == EG_PART_TRAIN && done >= 1 && done <= count && count == 300);
	return !p->stop;
}
static void a_wide_table(void **state) {
	sources *f = *state;
	enum { WIDE = 40, ROWS = 300 };
	static char text[ROWS * (4 * WIDE + 20)];
	char path[400];
	size_t n = 0;
	for (int i = 0; i < ROWS; i++) {
		n += (size_t)snprintf(text + n, sizeof text - n, "{\"n\": [%d", i);
		for (int k = 1; k < WIDE; k++) n += (size_t)snprintf(text + n, sizeof text - n, ",%d", k);
		n += (size_t)snprintf(text + n, sizeof text - n, "]}\n");
	}
	setting(path, "path", write_text(f, "wide.jsonl", text));
	eg_source *s;
	eg_value *facts;
	told t = {""};
	const char *settings[] = {path, "numbers=[n]", NULL};
	seen_progress p = {0};
	eg_survey_options o = {.user = &p, .progress = look};
	if (eg_source_open("jsonl", settings, &s, &f->err)) fail_msg("%s", f->err.message);
	if (eg_survey(s, &o, &facts, &f->err)) fail_msg("%s", f->err.message);
	assert_int_equal(eg_value_count(at(facts, "parts.0.fields.0.values")), 32);
	is_int(facts, "parts.0.fields.0.more_values", WIDE - 32);
	is_near(facts, "parts.0.fields.0.values.31.max", 31);
	eg_survey_lines(facts, take, &t);
	assert_says(t.text, "train|numbers|columns|and 8 more columns\n");
	assert_says(t.text, "||duplicates|none\n");
	assert_true(p.calls >= 99 && p.calls <= 101 && p.most == ROWS);
	eg_value_free(facts);
	p = (seen_progress){.stop = true};
	assert_int_equal(eg_survey(s, &o, &facts, &f->err), EG_ERR_STOPPED);
	assert_true(p.calls == 1 && !facts);
	eg_source_close(s);
}

/* A set whose pictures have one size that is known before: those of the files are told all the same. */
static void pictures_of_a_known_size(void **state) {
	sources *f = *state;
	static const char pgm[] = "P5\n2 3\n255\n\x10\x20\x30\x40\x50\x60";
	char path[300], setting_text[400];
	snprintf(path, sizeof path, "%s", path_in(f, "set"));
	if (mkdir(path, 0700) || mkdir(path_in(f, "set/train"), 0700)) fail_msg("%s", path);
	for (int k = 0; k < 2; k++) {
		assert_int_equal(mkdir(path_in(f, k ? "set/train/b" : "set/train/a"), 0700), 0);
		FILE *out = fopen(path_in(f, k ? "set/train/b/1.pgm" : "set/train/a/1.pgm"), "wb");
		assert_non_null(out);
		assert_int_equal(fwrite(pgm, 1, sizeof pgm - 1, out), sizeof pgm - 1);
		fclose(out);
	}
	setting(setting_text, "path", path);
	const char *settings[] = {setting_text, NULL};
	eg_source *s;
	eg_value *facts;
	if (eg_source_open("folder", settings, &s, &f->err)) fail_msg("%s", f->err.message);
	eg_source_want_picture(s, 1, 4, 4);
	if (eg_survey(s, NULL, &facts, &f->err)) fail_msg("%s", f->err.message);
	is_int(facts, "parts.0.records", 2);
	is_near(facts, "parts.0.fields.0.height.max", 3);
	is_near(facts, "parts.0.fields.0.width.max", 2);
	is_near(facts, "parts.0.fields.0.values.0.min", 16);
	is_near(facts, "parts.0.fields.0.values.0.mean", 56);
	is_int(facts, "duplicates.0.count", 1);
	eg_value_free(facts);
	eg_source_close(s);
}

/* A line, a season of 6, three gaps in a row and one value far away, by hand; a column that never changes. */
static void look_of_a_series(void **state) {
	(void)state;
	enum { N = 120 };
	static float at[2 * N];
	static const float season[6] = {0, 2, 4, 3, -3, -6};
	eg_series_look look;
	for (int t = 0; t < N; t++) at[2 * t] = 0.5f * (float)t + 3 * season[t % 6] + (float)(t * 7919 % 13) / 13, at[2 * t + 1] = 7;
	for (int t = 50; t < 53; t++) at[2 * t] = NAN;
	at[2 * 80] += 500;
	assert_int_equal(eg_look_at_series(at, 2, N, NULL, &look, NULL), EG_OK);
	assert_int_equal(look.longest_gap, 3);
	assert_int_equal(look.spikes, 1);
	assert_int_equal(look.spike_at, 80);
	at[2 * 80] -= 500;
	assert_int_equal(eg_look_at_series(at, 2, N, NULL, &look, NULL), EG_OK);
	assert_int_equal(look.spikes, 0);
	assert_int_equal(look.period, 6);
	assert_true(look.trend > 0.95 && look.season > 0.95 && look.lag1 > 0.5 && !look.constant);
	/* of a calendar that knows other periods none of them is it */
	assert_int_equal(eg_look_at_series(at, 2, N, (const int[]){5, 7, 0}, &look, NULL), EG_OK);
	assert_true(look.period == 1 && isnan(look.season));
	assert_int_equal(eg_look_at_series(at + 1, 2, N, NULL, &look, NULL), EG_OK);
	assert_true(look.constant && isnan(look.lag1));
}

/* What does not fit into a line is cut, and that is seen. */
static void long_lines(void **state) {
	(void)state;
	eg_words w = {0};
	for (int i = 0; i < EG_LINE; i++) eg_say(&w, "\xc3\xab");
	assert_true(w.n < EG_LINE && strlen(w.text) < EG_LINE);
	assert_string_equal(w.text + strlen(w.text) - 5, "\xc3\xab...");
	eg_words c = {0};
	eg_say_count(&c, -1234567);
	assert_string_equal(c.text, "-1,234,567");
}

/* ---- large sets, by a source made here --------------------------------------------------------------------------- */

enum { LARGE = 1200, LARGE_RECORDS = 150, KINDS = 8 };
static uint8_t large_pixels[3 * LARGE * LARGE]; /* 4 MB: 62 of them would be read, so 100 are */

static eg_status prepare_large(eg_source *s, eg_part part, eg_error *err) {
	(void)err;
	s->count[part] = part == EG_PART_TRAIN ? LARGE_RECORDS : 0;
	return EG_OK;
}
static eg_status read_large(const eg_source *s, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	(void)s, (void)part;
	if (i == 3 && wanted & 1) return eg_fail(err, EG_ERR_FORMAT, "number 3 is damaged");
	if (i == 3) return EG_OK;
	large_pixels[0] = (uint8_t)i;
	if (wanted & 1) r->fields[0] = (eg_datum){.there = true, .picture = {3, LARGE, LARGE, large_pixels}};
	if (wanted & 2) r->fields[1] = (eg_datum){.there = true, .label = (int32_t)(i % 2)};
	return EG_OK;
}

static void large_sets(void **state) {
	sources *f = *state;
	static const eg_source_type type = {.info = {.name = "large"}, .prepare = prepare_large, .read = read_large};
	static const char *const names[] = {"even", "odd"};
	eg_source s = {.type = &type, .nfields = 2,
	        .fields = {{.name = "picture", .kind = EG_FIELD_PICTURE},
	                {.name = "label", .kind = EG_FIELD_LABEL, .names = names, .nnames = 2}}};
	eg_value *facts;
	if (SANITIZED) skip();
	if (eg_survey(&s, NULL, &facts, &f->err)) fail_msg("%s", f->err.message);
	is_int(facts, "parts.0.records", LARGE_RECORDS);
	is_int(facts, "parts.0.read", 100);
	assert_true(eg_value_int(at(facts, "parts.0.fields.0.read"), 0) >= 99);
	assert_true(eg_value_int(at(facts, "parts.0.fields.1.read"), 0) >= LARGE_RECORDS - 1);
	is_int(facts, "parts.0.fields.1.classes.of.0.count", LARGE_RECORDS / 2);
	assert_int_equal(eg_value_count(at(facts, "duplicates")), 0);
	eg_value_free(facts);
	if (eg_survey(&s, &(eg_survey_options){.all = true}, &facts, &f->err)) fail_msg("%s", f->err.message);
	is_int(facts, "parts.0.fields.0.read", LARGE_RECORDS - 1);
	is_int(facts, "broken.count", 1);
	is_text(facts, "broken.named.0", "number 3 is damaged");
	eg_value_free(facts);
}

/* ---- the page ---------------------------------------------------------------------------------------------------- */

static char *whole_file(const char *path) {
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	char *text = calloc(1, 200000);
	assert_true(fread(text, 1, 199999, file) > 0);
	fclose(file);
	return text;
}

/* The PNG of the page's image number k. */
static void decode_image(const char *page, int k, eg_picture *pic) {
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *data = page;
	uint8_t bytes[20000];
	size_t n = 0;
	unsigned v = 0;
	for (int i = 0; i <= k; i++) {
		data = strstr(data, "base64,");
		assert_non_null(data);
		data += 7;
	}
	for (int i = 0; data[i] != '"' && data[i] != '='; i++) {
		v = v << 6 | (unsigned)(strchr(digits, data[i]) - digits);
		if (i % 4) bytes[n++] = (uint8_t)(v >> (6 - 2 * (i % 4)));
	}
	eg_error err;
	if (eg_picture_decode(bytes, n, "image", NULL, pic, &err)) fail_msg("%s", err.message);
}

static void a_page(void **state) {
	sources *f = *state;
	static const eg_source_type type = {.info = {.name = "made"}};
	static const char *const names[] = {"O", "a<b", "c&d"}, *const tokens[] = {"one", "<two>"};
	static const eg_field fields[KINDS] = {{.name = "picture", .kind = EG_FIELD_PICTURE},
	        {.name = "mask", .kind = EG_FIELD_MASK, .names = names, .nnames = 3},
	        {.name = "boxes", .kind = EG_FIELD_BOXES, .names = names, .nnames = 3},
	        {.name = "text", .kind = EG_FIELD_TEXT}, {.name = "tokens", .kind = EG_FIELD_TOKENS},
	        {.name = "tags", .kind = EG_FIELD_TAGS, .names = names, .nnames = 3},
	        {.name = "series", .kind = EG_FIELD_SERIES}, {.name = "sound", .kind = EG_FIELD_SOUND}};
	const uint8_t pixels[] = {0, 50, 100, 150, 200, 250}, mask[] = {1, 1, 2, 2, 0, EG_VOID};
	const eg_box box = {.label = 2, .x0 = 1, .y0 = 0, .x1 = 3, .y1 = 1.5};
	const float numbers[] = {1, NAN, 3, 4};
	float tone[2000];
	for (int i = 0; i < EG_COUNT(tone); i++) tone[i] = sinf(2 * 3.14159265F * 1000 * (float)i / 8000);
	const int32_t tags[] = {0, 1};
	eg_source s = {.type = &type, .nfields = KINDS};
	memcpy(s.fields, fields, sizeof fields);
	eg_record r = {.id = "a<1>", .fields = {{.there = true, .picture = {1, 2, 3, pixels}},
	        {.there = true, .mask = {2, 3, mask}}, {.there = true, .boxes = {1, &box}},
	        {.there = true, .text = {"1 < 2\nnext", 10}}, {.there = true, .tokens = {2, tokens}},
	        {.there = true, .tags = {2, tags}}, {.there = true, .series = {4, 1, numbers, NULL}},
	        {.there = true, .sound = {EG_COUNT(tone), 1, 8000, tone}}}};
	char path[400];
	snprintf(path, sizeof path, "%s", path_in(f, "page.html"));
	eg_sheet *sheet;
	eg_picture pic = {0};
	void *png;
	size_t size;
	if (eg_png_encode(1, 2, 3, pixels, &png, &size, NULL)) skip(); /* built without libspng */
	free(png);
	if (eg_sheet_new(path, "A & B", &sheet, &f->err)) fail_msg("%s", f->err.message);
	if (eg_sheet_record(sheet, &s, &r, "draw 1", NULL, &f->err)) fail_msg("%s", f->err.message);
	assert_int_not_equal(access(path, F_OK), 0);
	if (eg_sheet_save(sheet, &f->err)) fail_msg("%s", f->err.message);
	char *page = whole_file(path);
	assert_says(page, "<title>A &amp; B</title>");
	assert_says(page, "<h2>a&lt;1&gt;<small>, draw 1</small></h2>");
	decode_image(page, 0, &pic);
	assert_true(pic.C == 1 && pic.H == 2 && pic.W == 3 && !memcmp(pic.pixels, pixels, sizeof pixels));
	eg_picture_free(&pic);
	decode_image(page, 1, &pic); /* the mask: classes in colours of their own, void in grey */
	assert_true(pic.C == 3 && pic.H == 2 && pic.W == 3);
	assert_true(pic.pixels[5] == pic.pixels[11] && pic.pixels[11] == pic.pixels[17]);
	assert_false(pic.pixels[0] == pic.pixels[6] && pic.pixels[6] == pic.pixels[12]);
	eg_picture_free(&pic);
#ifdef ENGRAM_HAVE_KISSFFT
	/* A tone of 1000 Hz of 4000: number 32 of 128 from below is the brightest. */
	decode_image(page, 2, &pic);
	const int plane = pic.H * pic.W, middle = pic.W / 2;
	assert_true(pic.C == 3 && pic.H == 128 && pic.W == 32);
	for (int y = 0; y < pic.H; y++) assert_true((pic.pixels[y * pic.W + middle] == 253) == (y == 127 - 32));
	assert_true(pic.pixels[middle] == 68 && pic.pixels[plane + middle] == 1);
	eg_picture_free(&pic);
	assert_says(page, "kHz</text>");
#endif
	/* Three pixels in 150: each 50 wide. */
	assert_says(page, "<rect x=\"50\" y=\"0\" width=\"100\" height=\"75\"");
	assert_says(page, ">c&amp;d</text>");
	assert_says(page, "a&lt;b 33.3 %");
	assert_says(page, "<pre>1 &lt; 2\nnext</pre>");
	assert_says(page, "&lt;two&gt;</span><small>a&lt;b</small></span>");
	assert_says(page, "url(#frame2)"); /* two plots */
	assert_null(strstr(page, "url(#frame3)"));
	assert_null(strstr(page, ">tags</span>")); /* they stand below the tokens */
	free(page);
	if (eg_sheet_new(path, "dropped", &sheet, &f->err)) fail_msg("%s", f->err.message);
	eg_sheet_drop(sheet);
	page = whole_file(path);
	assert_says(page, "A &amp; B");
	free(page);
	assert_int_not_equal(eg_sheet_new(path_in(f, "none/page.html"), "", &sheet, &f->err), EG_OK);
	assert_says(f->err.message, "none/page.html");
	assert_null(sheet);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, sources_setup, sources_teardown)
	const struct CMUnitTest tests[] = {CASE(a_table), CASE(a_wide_table), CASE(long_lines), CASE(look_of_a_series), CASE(pictures_of_a_known_size), CASE(brief_ones), CASE(large_sets), CASE(a_page)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
