/* test_hostile.c - files made to fill the memory: lines without an end, contents without an end, a few bytes that are
 * packed a thousand to one, XML that grows. Each is refused by its name, before it is in memory.
 *
 * Not here: archives that lie (test_archive.c), downloads that do (test_get.c), CSV (test_csv.c). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/voc.h"
#include "source_bed.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { MIB = 1 << 20, GIB = 1 << 30 };

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* The most that the process has had, in MiB. */
static long peak(void) {
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss / 1024;
}

static void no_more_than(long before, long most) {
	const long grown = peak() - before;
	if (!SANITIZED && grown > most) fail_msg("%ld MiB more memory were used, not %ld", grown, most);
}

/* ---- without an end ---------------------------------------------------------------------------------------------- */

/* A file of a GiB whose first bytes are `head`; the others are zeros, and take no room on the disk. */
static const char *stretched(sources *f, const char *name, const char *head) {
	const char *path = write_text(f, name, head);
	assert_int_equal(truncate(path, GIB), 0);
	return path;
}

/* What reads lines: each but CSV, which has a test of its own. */
static const struct {
	const char *source, *head, *settings[3];
} readers[] = {
	{"tsv", "text\tlabel\na\tb\n", {0}},
	{"jsonl", "{\"a\": \"x\", \"b\": \"y\"}\n{\"a\": \"", {"text=a", "label=b"}},
	{"conll", "a\tO\n\nb\tO\n", {"broken=skip"}},
	{"series", "time,a\n2010,1\n", {"time=[time]"}},
	{"pairs", "a\tb\n", {"broken=skip"}},
};

static void long_lines(void **state) {
	sources *f = *state;
	const long before = peak();
	char path[400];
	for (int i = 0; i < EG_COUNT(readers); i++) {
		if (!HAVE_CSV && strcmp(readers[i].source, "series") == 0) continue;
		setting(path, "path", stretched(f, readers[i].source, readers[i].head));
		refuse_source(f, readers[i].source, TRAIN, "the line is longer than 16 MiB, the most that is read as one", path,
		        readers[i].settings[0], readers[i].settings[1], NULL);
		assert_says(f->err.message, path_in(f, readers[i].source));
	}
	no_more_than(before, 100);
}

/* The same from a program that never stops writing. */
static void endless_pipe(void **state) {
	sources *f = *state;
	const long before = peak();
	char path[400];
	for (int i = 0; i < EG_COUNT(readers); i++) {
		if (!HAVE_CSV && strcmp(readers[i].source, "series") == 0) continue;
		const char *pipe = path_in(f, readers[i].source);
		assert_int_equal(mkfifo(pipe, 0600), 0);
		const pid_t child = fork();
		if (child == 0) {
			static char letters[MIB / 16];
			signal(SIGPIPE, SIG_IGN);
			alarm(60); /* should the test die */
			memset(letters, 'a', sizeof letters);
			const int fd = open(pipe, O_WRONLY);
			bool ok = write(fd, readers[i].head, strlen(readers[i].head)) > 0;
			for (int k = 0; ok && k < 16 * 1024; k++) ok = write(fd, letters, sizeof letters) > 0;
			_exit(ok || errno != EPIPE); /* 0: nobody reads on */
		}
		assert_true(child > 0);
		int status;
		setting(path, "path", pipe);
		refuse_source(f, readers[i].source, TRAIN, "the line is longer than 16 MiB", path, readers[i].settings[0],
		        readers[i].settings[1], NULL);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
	no_more_than(before, 100);
}

/* Other contents of a GiB. */
static void large_files(void **state) {
	sources *f = *state;
	const long before = peak();
	char path[400], labels[400];
	setting(path, "path", stretched(f, "text.txt", "once upon a time\n"));
	refuse_source(f, "text", TRAIN, "text.txt', line 2, column 1: a zero byte", path, NULL);
	stretched(f, "list/train.txt", "a.pgm\ta\n");
	setting(path, "path", path_in(f, "list"));
	refuse_source(f, "list", TRAIN, "list/train.txt:2: the line is longer than 16 MiB", path, NULL);
	stretched(f, "reviews/rt-polarity.neg", "bad\n");
	write_text(f, "reviews/rt-polarity.pos", "good\n");
	setting(path, "path", path_in(f, "reviews"));
	refuse_source(f, "rt-polarity", TRAIN, "rt-polarity.neg:2: the line is longer than 16 MiB", path, NULL);
	stretched(f, "folder/train/a/1.pgm", "P5 2 2 255\n");
	setting(path, "path", path_in(f, "folder"));
	refuse_source(f, "folder", TRAIN, "folder/train/a/1.pgm' is larger than", path, NULL);
	stretched(f, "sound/recordings/1_anna_7.wav", "RIFF");
	setting(path, "path", path_in(f, "sound"));
	eg_source *s = open_source(f, "fsdd", TRAIN, path, NULL);
	eg_record r = {0};
	assert_int_equal(eg_source_read(s, EG_PART_TRAIN, 0, ~0u, &r, &f->err), EG_ERR_FORMAT);
	assert_says(f->err.message, "1_anna_7.wav' is larger than 256 MiB");
	eg_record_free(&r);
	eg_source_close(s);
	setting(path, "images", stretched(f, "images", ""));
	setting(labels, "labels", path_in(f, "images"));
	refuse_source(f, "idx", TRAIN, "images' is an IDX file whose elements are of no known type", path, labels, NULL);
	no_more_than(before, 100);
}

/* ---- packed ------------------------------------------------------------------------------------------------------ */

static size_t pack(const void *data, size_t size, uint8_t *out, size_t room) {
	z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)data, .avail_in = (uInt)size, .next_out = out, .avail_out = (uInt)room};
	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return z.total_out;
}

/* `head`, and then `unit` for a hundred MiB, as a gzip file: a MiB of it, packed, stands there a hundred times. */
static const char *packed(sources *f, const char *name, const void *head, size_t n, const char *unit, size_t length) {
	static char data[MIB];
	static uint8_t out[MIB];
	const char *path = with_folders(f, name);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	size_t made = pack(head, n, out, sizeof out), whole = MIB / length * length;
	fwrite(out, 1, made, file);
	for (size_t i = 0; i < whole; i++) data[i] = unit[i % length];
	made = pack(data, whole, out, sizeof out);
	for (int i = 0; i < 100; i++) fwrite(out, 1, made, file);
	assert_int_equal(fclose(file), 0);
	return path;
}

static void packed_files(void **state) {
	static const char words[] = "become|more than 200 times as many, as those of files do that are made to fill memories";
	sources *f = *state;
	const long before = peak();
	enum { ROW = 2000 };
	static char row[ROW + 1];
	char path[400], labels[400];
	memset(row, 'a', ROW);
	strcpy(row + ROW - 4, "\tb\r\n");
	setting(path, "path", packed(f, "rows.gz", "text\tlabel\na\tb\n", 15, row, ROW));
	refuse_source(f, "tsv", TRAIN, words, path, NULL);
	assert_says(f->err.message, "rows.gz': its first ");
	refuse_source(f, "pairs", TRAIN, words, path, NULL);
	refuse_source(f, "text", TRAIN, words, path, NULL);
	static const uint8_t idx[] = {0, 0, 8, 1, 6, 0x40, 0, 0}; /* 100 MiB of labels */
	setting(path, "images", packed(f, "idx.gz", idx, sizeof idx, "\0", 1));
	setting(labels, "labels", path_in(f, "idx.gz"));
	refuse_source(f, "idx", TRAIN, words, path, labels, NULL);
	setting(path, "path", path_in(f, "."));
	packed(f, "recordings/1_anna_7.wav", "RIFF", 4, "\0", 1);
	eg_source *s = open_source(f, "fsdd", TRAIN, path, NULL);
	eg_record r = {0};
	assert_int_equal(eg_source_read(s, EG_PART_TRAIN, 0, ~0u, &r, &f->err), EG_ERR_FORMAT);
	assert_says(f->err.message, "1_anna_7.wav': its first ");
	eg_record_free(&r);
	eg_source_close(s);
	no_more_than(before, 350);
	/* What is small may be packed as well as it likes. */
	eg_text *text;
	memset(row, 'a', ROW);
	write_gzip(f, "small.gz", row);
	assert_int_equal(eg_text_load("text", &(eg_text_options){.path = path_in(f, "small.gz")}, &text, &f->err), EG_OK);
	eg_text_free(text);
}

/* ---- XML --------------------------------------------------------------------------------------------------------- */

static void refuse_xml(sources *f, const char *text, size_t size, const char *words) {
	eg_arena arena = {0};
	eg_voc voc;
	f->err = (eg_error){EG_OK, ""};
	assert_int_equal(eg_voc_parse(text, size, "a.xml", &arena, &voc, &f->err), EG_ERR_FORMAT);
	assert_says(f->err.message, words);
	assert_null(voc.objects);
	eg_arena_free(&arena);
}

/* Beside those of test_voc.c: what grows with the square, what stands in attributes, what would be fetched. */
static void growing_xml(void **state) {
	static const char doctype[] = "a.xml:1: a document type declaration (<!DOCTYPE ...>)";
	sources *f = *state;
	if (!HAVE_EXPAT) skip();
	const long before = peak();
	enum { ENTITY = MIB, USES = 100000 };
	char *text = malloc(ENTITY + 3 * USES + 200), *at = text;
	assert_non_null(text);
	at = stpcpy(at, "<!DOCTYPE a [<!ENTITY b \"");
	memset(at, 'b', ENTITY);
	at = stpcpy(at + ENTITY, "\">]><annotation><object><name>");
	for (int i = 0; i < USES; i++) at = stpcpy(at, "&b;"); /* 100 GB */
	at = stpcpy(at, "</name></object></annotation>");
	refuse_xml(f, text, (size_t)(at - text), doctype);
	static const char *const others[] = {
	        "<!DOCTYPE a [<!ENTITY % b SYSTEM \"http://127.0.0.1:9/x\">%b;]><annotation/>",
	        "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///dev/zero\">]><annotation>&b;</annotation>",
	        "<!DOCTYPE a PUBLIC \"x\" \"http://127.0.0.1:9/x.dtd\"><annotation/>",
	        "<!DOCTYPE a [<!ENTITY b \"&b;\"><!ATTLIST annotation c CDATA \"&b;\">]><annotation/>",
	};
	for (int i = 0; i < EG_COUNT(others); i++) refuse_xml(f, others[i], strlen(others[i]), doctype);
	/* In UTF-16 it is the same. */
	char wide[200] = "\xFF\xFE";
	size_t n = 2;
	for (const char *c = others[1]; *c; c++) wide[n++] = *c, wide[n++] = '\0';
	refuse_xml(f, wide, n, doctype);
	/* Without a declaration, and large all the same. */
	memset(text, 'a', ENTITY);
	*stpcpy(text, "<annotation c='") = 'a';
	refuse_xml(f, text, ENTITY, "XML, column");
	free(text);
	char path[400];
	stretched(f, "set/Annotations/1.xml", "<annotation>");
	write_text(f, "set/JPEGImages/1.png", "");
	setting(path, "path", path_in(f, "set"));
	refuse_source(f, "voc", TRAIN, "Annotations/1.xml' is larger than", path, NULL);
	no_more_than(before, 60);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, sources_setup, sources_teardown)

int main(void) {
	const struct CMUnitTest tests[] = {CASE(long_lines), CASE(endless_pipe), CASE(large_files), CASE(packed_files), CASE(growing_xml)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
