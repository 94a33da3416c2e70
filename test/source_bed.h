/* source_bed.h - what tests of data sources share: a new folder for each test, files in it, and opening a source. */
#ifndef ENGRAM_TEST_SOURCE_BED_H
#define ENGRAM_TEST_SOURCE_BED_H

#include "data/data.h"
#include "sanitized.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

enum { TRAIN = 1, VALIDATION = 2, TEST = 4, ALL = 7 }; /* parts, one bit each */

/* Tests of what this build may be without are skipped. */
#ifdef ENGRAM_HAVE_CSV
enum { HAVE_CSV = 1 };
#else
enum { HAVE_CSV = 0 };
#endif
#ifdef ENGRAM_HAVE_SNDFILE
enum { HAVE_SNDFILE = 1 };
#else
enum { HAVE_SNDFILE = 0 };
#endif
#ifdef ENGRAM_HAVE_EXPAT
enum { HAVE_EXPAT = 1 };
#else
enum { HAVE_EXPAT = 0 };
#endif

typedef struct sources {
	char folder[64]; /* HOME and the cache are inside */
	eg_error err;
} sources;

#define assert_says(text, words) \
	do { \
		if (!strstr(text, words)) fail_msg("\"%s\" does not say \"%s\"", text, words); \
	} while (0)

static inline int sources_setup(void **state) {
	sources *f = calloc(1, sizeof *f);
	if (!f) return -1;
	strcpy(f->folder, "/tmp/engram-sources-XXXXXX");
	if (!mkdtemp(f->folder)) return -1;
	setenv("XDG_CACHE_HOME", f->folder, 1);
	setenv("HOME", f->folder, 1);
	unsetenv("ENGRAM_MIRROR");
	unsetenv("ENGRAM_DATA");
	*state = f;
	return 0;
}

static inline int sources_teardown(void **state) {
	sources *f = *state;
	char command[100];
	snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
	int r = system(command);
	free(f);
	return r;
}

/* FOLDER/NAME; in one of four buffers that are used in turn. */
static inline const char *path_in(const sources *f, const char *name) {
	static char paths[4][300];
	static int next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof paths[0], "%s/%s", f->folder, name);
	return path;
}

static inline const char *with_folders(const sources *f, const char *name) {
	char folder[300];
	const char *path = path_in(f, name);
	snprintf(folder, sizeof folder, "%s", path);
	*strrchr(folder, '/') = '\0';
	assert_int_equal(eg_make_folders(folder, NULL), EG_OK);
	return path;
}

/* Writes FOLDER/NAME, with the folders above it. */
static inline const char *write_file(const sources *f, const char *name, const void *data, size_t size) {
	const char *path = with_folders(f, name);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	return path;
}

static inline const char *write_text(const sources *f, const char *name, const char *text) {
	return write_file(f, name, text, strlen(text));
}

static inline const char *write_gzip(const sources *f, const char *name, const char *text) {
	const char *path = with_folders(f, name);
	gzFile z = gzopen(path, "wb");
	assert_int_equal(gzwrite(z, text, (unsigned)strlen(text)), strlen(text));
	gzclose(z);
	return path;
}

/* "KEY=VALUE", in buf. */
static inline char *setting(char buf[400], const char *key, const char *value) {
	snprintf(buf, 400, "%s=%s", key, value);
	return buf;
}

static inline eg_status try_source(sources *f, const char *name, unsigned parts, va_list args, eg_source **s) {
	const char *settings[16] = {NULL};
	for (int i = 0; i < 15 && (settings[i] = va_arg(args, const char *)) != NULL; i++) {}
	f->err = (eg_error){EG_OK, ""};
	eg_status status = eg_source_open(name, settings, s, &f->err);
	for (int p = 0; p < EG_PARTS && !status; p++)
		if (parts & 1u << p) status = eg_source_prepare(*s, (eg_part)p, &f->err);
	return status;
}

/* A source with settings (a NULL ends them), and the parts of it that are wanted prepared. A failure is the test's. */
static inline eg_source *open_source(sources *f, const char *name, unsigned parts, ...) {
	eg_source *s;
	va_list args;
	va_start(args, parts);
	if (try_source(f, name, parts, args, &s)) fail_msg("%s", f->err.message);
	va_end(args);
	return s;
}

/* The same must not work: opening, or preparing, says all of `words`, parted by '|'. */
static inline void refuse_source(sources *f, const char *name, unsigned parts, const char *words, ...) {
	eg_source *s;
	va_list args;
	char copy[1000];
	va_start(args, words);
	eg_status status = try_source(f, name, parts, args, &s);
	va_end(args);
	if (status == EG_OK) fail_msg("this was taken, and not refused with '%s'", words);
	assert_int_equal(f->err.status, status);
	snprintf(copy, sizeof copy, "%s", words);
	for (char *word = strtok(copy, "|"); word; word = strtok(NULL, "|")) assert_says(f->err.message, word);
	eg_source_close(s);
}

/* The real sets, where this machine has them: keep_real_data at the start of main, with_real_data in a test. */
static inline char *real_data(void) {
	static char folders[1000];
	return folders;
}
static inline void keep_real_data(void) {
	const char *data = getenv("ENGRAM_DATA");
	if (data) snprintf(real_data(), 1000, "%s", data);
}
static inline bool with_real_data(const char *name) {
	if (*real_data()) setenv("ENGRAM_DATA", real_data(), 1);
	return eg_data_locate(name, &(eg_data_place){0}, NULL) == EG_OK;
}

static inline void read_record(sources *f, const eg_source *s, eg_part part, int64_t i, eg_record *r) {
	if (eg_source_read(s, part, i, ~0u, r, &f->err)) fail_msg("%s", f->err.message);
}

#endif
