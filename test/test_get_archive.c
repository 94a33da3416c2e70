/* test_get_archive.c - tests of src/data/get_archive.c: sets that are published as one archive are downloaded,
 * compared, kept, and read out of it. Archives are made by tar, and come from file URLs. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"
#include "data_bed.h"

/* Of "one" in a/1 and "two" in b/2: sha256sum a/1 b/2 | sha256sum */
static const char CONTENTS[] = "058d8fdac56e166b6fa713dbe0fedeb2edf6f64a35dd375aa0e635be4ea56aa4";

typedef struct bed {
	const fixture *f;
	eg_data_info info;
	eg_data_archive archive;
	eg_data_file files[1];
	const char *urls[2];
	char url[100], mine[200], notes[3000];
	eg_data_got got;
	eg_error err;
} bed;

static void on_note(void *user, const char *text) {
	bed *b = user;
	strncat(b->notes, text, sizeof b->notes - strlen(b->notes) - 1);
}

static bool no_archives(void) {
#ifdef ENGRAM_HAVE_ARCHIVE
	eg_fetch *fetch = eg_fetch_new(NULL);
	eg_fetch_free(fetch);
	return !fetch;
#else
	return true;
#endif
}

static void run(const fixture *f, const char *command) {
	char line[600];
	snprintf(line, sizeof line, "cd '%s' && %s", f->folder, command);
	assert_int_equal(system(line), 0);
}

static void put(const fixture *f, const char *name, const char *text) {
	char path[200];
	write_file(path_in(f, path, name), text, strlen(text));
}

static void make(bed *b, const fixture *f) {
	static const char *const folders[] = {"a", "b", NULL};
	memset(b, 0, sizeof *b);
	b->f = f;
	snprintf(b->url, sizeof b->url, "file://%s/served/", f->folder);
	path_in(f, b->mine, "engram/boxes/boxes-1.0.tar.gz");
	b->urls[0] = b->url;
	b->archive = (eg_data_archive){
	        .file = {.name = "boxes-1.0.tar.gz", .bytes = 2000, .published = "v1.0.tar.gz"}, .inside = "all", .contents = CONTENTS};
	b->info = (eg_data_info){.name = "boxes", .path = EG_DATA_PATH_SET, .folders = folders, .archive = &b->archive, .urls = b->urls};
	put(f, "boxes-1.0/all/a/1", "one");
	put(f, "boxes-1.0/all/b/2", "two");
	put(f, "boxes-1.0/README", "not of the set");
	run(f, "mkdir served && tar -czf served/v1.0.tar.gz boxes-1.0");
}

static eg_status get(bed *b, const char *folder) {
	const eg_data_callbacks cb = {.user = b, .note = on_note};
	b->notes[0] = '\0';
	b->err = (eg_error){EG_OK, ""};
	return eg_data_get_set(&b->info, folder, &cb, &b->got, &b->err);
}

static void gets(bed *b, const char *folder, int downloaded, int checked) {
	if (get(b, folder)) fail_msg("%s", b->err.message);
	assert_int_equal(b->got.downloaded, downloaded);
	assert_int_equal(b->got.checked, checked);
}

#define assert_notes(b, words) \
	do { \
		if (!strstr((b)->notes, words)) fail_msg("\"%s\" does not say \"%s\"", (b)->notes, words); \
	} while (0)

static void a_set_of_folders(void **state) {
	bed b;
	char path[200], hex[65];
	if (no_archives()) skip();
	make(&b, *state);
	gets(&b, NULL, 1, 1);
	assert_string_equal(b.notes, "");
	assert_true(there(b.mine) && eg_data_sum_read(b.mine, hex));
	/* Nothing was unpacked under that name. */
	assert_int_equal(system("test -z \"$(find \"$HOME\" -name '*.part*')\""), 0);
	gets(&b, NULL, 0, 1);
	run(b.f, "mkdir own && cp -r boxes-1.0/all/a boxes-1.0/all/b own"); /* unpacked by hand: the same sum */
	gets(&b, path_in(b.f, path, "own"), 0, 1);
	put(b.f, "own/b/2", "2");
	gets(&b, path, 0, 0);
	assert_notes(&b, "is not quite what the figures in docs/results.md are of");

	/* A part of it goes on; one of something else does not. */
	run(b.f, "head -c 100 engram/boxes/*.gz >part; rm engram/boxes/*; mv part engram/boxes/boxes-1.0.tar.gz.part");
	gets(&b, NULL, 1, 1);
	run(b.f, "rm engram/boxes/*; yes | head -c 100 >engram/boxes/boxes-1.0.tar.gz.part");
	gets(&b, NULL, 1, 1);
	assert_notes(&b, "from the start");
	assert_false(there(path_in(b.f, path, "engram/boxes/boxes-1.0.tar.gz.part")));
	assert_int_equal(system("test -z \"$(find \"$HOME\" -name '*.part*')\""), 0);
}

/* The sum of the first download tells what has been damaged, and what is published anew. */
static void the_first_download(void **state) {
	bed b;
	char first[65], later[65];
	if (no_archives()) skip();
	make(&b, *state);
	gets(&b, NULL, 1, 1);
	assert_true(eg_data_sum_read(b.mine, first));
	run(b.f, "head -c 150 served/v1.0.tar.gz >engram/boxes/boxes-1.0.tar.gz");
	gets(&b, NULL, 1, 1);
	assert_notes(&b, "it is downloaded anew");
	put(b.f, "boxes-1.0/all/b/3", "three"); /* whole, but another */
	run(b.f, "tar -czf engram/boxes/boxes-1.0.tar.gz boxes-1.0");
	gets(&b, NULL, 1, 1);
	assert_notes(&b, "is not what was downloaded: its SHA-256 is ");

	run(b.f, "tar -czf served/v1.0.tar.gz boxes-1.0 && rm engram/boxes/*.gz");
	gets(&b, NULL, 1, 0);
	assert_notes(&b, "what is published of boxes has changed since it was downloaded first");
	assert_notes(&b, "is not quite what the figures");
	assert_true(eg_data_sum_read(b.mine, later) && strcmp(first, later) != 0);
	gets(&b, NULL, 0, 0);
	assert_null(strstr(b.notes, "changed since"));
}

static void refused_archives(void **state) {
	bed b;
	if (no_archives()) skip();
	make(&b, *state);
	static const struct {
		const char *command, *why;
	} cases[] = {
	        {"tar -czf served/v1.0.tar.gz boxes-1.0/all/a boxes-1.0/README", "brings something else than the published file"},
	        {"head -c 200 /dev/zero >served/v1.0.tar.gz", "brings something else"},
	        {"tar -czf w boxes-1.0 && head -c 200 w >served/v1.0.tar.gz", "brings something else"},
	        {"head -c 20000 /dev/urandom >served/v1.0.tar.gz", "is larger than the"},
	        {"rm served/v1.0.tar.gz", "/served/v1.0.tar.gz by a browser, and put it there as '"},
	};
	for (int i = 0; i < EG_COUNT(cases); i++) {
		run(b.f, cases[i].command);
		assert_true(get(&b, NULL) != EG_OK);
		if (!strstr(b.err.message, cases[i].why)) fail_msg("\"%s\" does not say \"%s\"", b.err.message, cases[i].why);
		assert_false(there(b.mine));
	}
	/* In a folder that is not ours nothing is changed. */
	put(b.f, "data/boxes/boxes-1.0.tar.gz", "damaged");
	char path[200];
	setenv("ENGRAM_DATA", path_in(b.f, path, "data"), 1);
	assert_int_equal(get(&b, NULL), EG_ERR_FORMAT);
	unsetenv("ENGRAM_DATA");
	if (!strstr(b.err.message, "ENGRAM_DATA, which is never changed")) fail_msg("%s", b.err.message);
	assert_false(there(path_in(b.f, path, "data/boxes/boxes-1.0.tar.gz.sha256")));
}

/* Where the sum of the archive is known, it or what is in it has to be right. */
static void a_set_of_files(void **state) {
	bed b;
	char text[65], packed[65], path[200];
	uint8_t bytes[4000];
	if (no_archives()) skip();
	make(&b, *state);
	digest("one", 3, 3, text);
	FILE *file = fopen(path_in(b.f, path, "served/v1.0.tar.gz"), "rb");
	assert_non_null(file);
	const size_t n = fread(bytes, 1, sizeof bytes, file);
	fclose(file);
	digest(bytes, n, n, packed);
	b.files[0] = (eg_data_file){.name = "first.txt", .bytes = 3, .sha256 = text, .published = "a/1"};
	b.archive.file.bytes = (int64_t)n, b.archive.file.sha256 = packed, b.archive.contents = NULL;
	b.info.folders = NULL, b.info.files = b.files, b.info.nfiles = 1;
	gets(&b, NULL, 1, 1);
	assert_false(there(path_in(b.f, path, "engram/boxes/boxes-1.0.tar.gz.sha256")));
	run(b.f, "tar -czf served/v1.0.tar.gz boxes-1.0/all && rm engram/boxes/*"); /* packed anew */
	gets(&b, NULL, 1, 1);
	put(b.f, "boxes-1.0/all/a/1", "another");
	run(b.f, "tar -czf served/v1.0.tar.gz boxes-1.0 && rm engram/boxes/*");
	assert_int_equal(get(&b, NULL), EG_ERR_FORMAT);
	assert_false(there(b.mine));
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* What a field holds, as text. */
static void tell(const eg_field *f, const eg_datum *d, char *out, size_t size) {
	switch (f->kind) {
	case EG_FIELD_TEXT: snprintf(out, size, " %.*s", (int)d->text.size, d->text.bytes); break;
	case EG_FIELD_LABEL: snprintf(out, size, " %d", d->label); break;
	case EG_FIELD_SOUND: snprintf(out, size, " %lld %g", (long long)d->sound.n, (double)d->sound.at[1]); break;
	case EG_FIELD_PICTURE: snprintf(out, size, " %dx%d %d", d->picture.H, d->picture.W, d->picture.pixels[5]); break;
	case EG_FIELD_BOXES: snprintf(out, size, " %d %g", d->boxes.n, d->boxes.at[0].x1); break;
	case EG_FIELD_TOKENS: snprintf(out, size, " %d", d->tokens.n); break;
	default: fail_msg("field %s", f->name);
	}
}

/* All records of a set, a line each. */
static void read_all(const char *name, const char *setting, char *out, size_t size) {
	const char *const settings[] = {setting, NULL};
	eg_source *s;
	eg_error err = {EG_OK, ""};
	eg_record r = {0};
	out[0] = '\0';
	if (eg_source_open(name, setting ? settings : NULL, &s, &err)) fail_msg("%s", err.message);
	for (int p = 0; p < EG_PARTS; p++) {
		if (eg_source_prepare(s, (eg_part)p, &err)) fail_msg("%s", err.message);
		for (int64_t i = 0; i < eg_source_count(s, (eg_part)p); i++) {
			if (eg_source_read(s, (eg_part)p, i, ~0u, &r, &err)) fail_msg("%s", err.message);
			snprintf(out + strlen(out), size - strlen(out), "\n%d %s", p, r.id);
			for (int k = 0; k < eg_source_fields(s); k++)
				tell(eg_source_field(s, k), &r.fields[k], out + strlen(out), size - strlen(out));
		}
	}
	eg_record_free(&r);
	eg_source_close(s);
}

/* From the folder that ENGRAM_DATA names, and from an archive of it in the cache. */
static void same_from_archive(const fixture *f, const char *name, const char *setting, const char *pack, const char *expected) {
	char path[200], plain[4000], packed[4000];
	setenv("ENGRAM_DATA", path_in(f, path, "data"), 1);
	read_all(name, setting, plain, sizeof plain);
	unsetenv("ENGRAM_DATA");
	if (!strstr(plain, expected)) fail_msg("\"%s\" does not hold \"%s\"", plain, expected);
	run(f, pack);
	read_all(name, setting, packed, sizeof packed);
	assert_string_equal(plain, packed);
}

static void texts_of_archives(void **state) {
	const fixture *f = *state;
	if (no_archives()) skip();
	put(f, "data/sentiment/rt-polarity.pos", "good\nfine\n");
	put(f, "data/sentiment/rt-polarity.neg", "bad\npoor\nweak\n");
	same_from_archive(f, "rt-polarity", NULL,
	        "mkdir -p engram/sentiment rt-polaritydata && cp data/sentiment/* rt-polaritydata && echo x >README &&"
	        "tar -czf engram/sentiment/rt-polaritydata.tar.gz README rt-polaritydata",
	        "\n0 2 bad 0");
	put(f, "data/translation/eng-cmn.txt", "Hi.\t嗨。\tCC\nGo!\t去！\tCC\nWait.\t等等。\tCC\n");
	same_from_archive(f, "tatoeba-eng-cmn", NULL,
	        "mkdir -p engram/translation && cp data/translation/eng-cmn.txt cmn.txt && echo x >_about.txt &&"
	        "tar -czf engram/translation/cmn-eng.zip _about.txt cmn.txt",
	        " Wait. 等等。");
}

static void sounds_of_an_archive(void **state) {
	const fixture *f = *state;
	uint8_t wav[52] = "RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\x08\0\0\0\0\0\0\x40\0\0\0";
	char path[200];
	if (no_archives()) skip();
	write_file(path_in(f, path, "data/speech/recordings/7_anna_12.wav"), wav, sizeof wav);
	wav[47] = 0x20;
	write_file(path_in(f, path, "data/speech/recordings/3_ben_2.wav"), wav, sizeof wav);
	same_from_archive(f, "fsdd", NULL,
	        "mkdir -p engram/speech fsdd-1.0.10 && cp -r data/speech/recordings fsdd-1.0.10 &&"
	        "tar -czf engram/speech/free-spoken-digit-dataset-1.0.10.tar.gz fsdd-1.0.10",
	        "\n0 recordings/7_anna_12.wav 4 0.5 7 seven 0\n2 recordings/3_ben_2.wav 4 0.25 3 three 1");
}

static void boxes_of_an_archive(void **state) {
	const fixture *f = *state;
	const uint8_t pixels[12] = {9, 8, 7, 6, 5, 4, 3, 2, 1};
	char path[200], setting[300];
	if (no_archives()) skip();
#ifndef ENGRAM_HAVE_EXPAT
	skip();
#endif
	put(f, "data/detection/BCCD/ImageSets/Main/trainval.txt", "x\n");
	put(f, "data/detection/BCCD/ImageSets/Main/train.txt", "x\n");
	put(f, "data/detection/BCCD/ImageSets/Main/test.txt", "x\n");
	put(f, "data/detection/BCCD/JPEGImages/none", "");
	put(f, "data/detection/BCCD/Annotations/x.xml",
	        "<annotation><object><name>RBC</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object>"
	        "</annotation>");
	assert_int_equal(eg_picture_save_png(path_in(f, path, "data/detection/BCCD/JPEGImages/x.png"), 3, 2, 2, pixels, NULL), EG_OK);
	same_from_archive(f, "bccd", NULL,
	        "mkdir -p engram/detection/BCCD BCCD_Dataset-1.0 && cp -r data/detection/BCCD BCCD_Dataset-1.0 && echo x >BCCD_Dataset-1.0/README &&"
	        "tar -czf engram/detection/BCCD/BCCD_Dataset-1.0.tar.gz BCCD_Dataset-1.0",
	        "\n0 JPEGImages/x.png 2x2 4 1 2");
	/* The user's own, in an archive of one folder. */
	char folder[4000], archive[4000];
	snprintf(setting, sizeof setting, "path=%s/data/detection/BCCD", f->folder);
	read_all("voc", setting, folder, sizeof folder);
	run(f, "tar -cf own.tar -C data/detection BCCD");
	snprintf(setting, sizeof setting, "path=%s/own.tar", f->folder);
	read_all("voc", setting, archive, sizeof archive);
	assert_string_equal(folder, archive);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {CASE(a_set_of_folders), CASE(the_first_download), CASE(refused_archives), CASE(a_set_of_files),
	        CASE(texts_of_archives), CASE(sounds_of_an_archive), CASE(boxes_of_an_archive)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
