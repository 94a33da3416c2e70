/* data_bed.h - what tests of data files share: a new folder for each test, files in it, gzip and checksums of bytes. */
#ifndef ENGRAM_TEST_DATA_BED_H
#define ENGRAM_TEST_DATA_BED_H

#include "data/data.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

typedef struct fixture {
	char folder[64]; /* a new empty one for each test; HOME and the cache are inside */
} fixture;

static inline int remove_tree(const char *folder) {
	char command[300];
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

static inline int setup(void **state) {
	fixture *f = calloc(1, sizeof *f);
	strcpy(f->folder, "/tmp/engram-data-XXXXXX");
	if (!mkdtemp(f->folder)) return -1;
	setenv("XDG_CACHE_HOME", f->folder, 1);
	setenv("HOME", f->folder, 1);
	setenv("no_proxy", "127.0.0.1", 1);
	unsetenv("ENGRAM_MIRROR");
	unsetenv("ENGRAM_DATA");
	*state = f;
	return 0;
}

static inline int teardown(void **state) {
	fixture *f = *state;
	int r = remove_tree(f->folder);
	free(f);
	return r;
}

static inline const char *path_in(const fixture *f, char path[200], const char *name) {
	snprintf(path, 200, "%s/%s", f->folder, name);
	return path;
}

static inline void write_file(const char *path, const void *data, size_t size) {
	char folder[300];
	snprintf(folder, sizeof folder, "%s", path);
	*strrchr(folder, '/') = '\0';
	assert_int_equal(eg_make_folders(folder, NULL), EG_OK);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static inline bool there(const char *path) { return access(path, F_OK) == 0; }

static inline long size_of(const char *path) {
	struct stat st;
	return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

static inline size_t gzip(const void *data, size_t size, uint8_t *out, size_t room) {
	z_stream z = {0};
	deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
	z.next_in = (Bytef *)(uintptr_t)data;
	z.avail_in = (uInt)size;
	z.next_out = out;
	z.avail_out = (uInt)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

#define assert_says(err, text) \
	do { \
		if (!strstr((err).message, text)) fail_msg("\"%s\" does not say \"%s\"", (err).message, text); \
	} while (0)

static inline void digest(const void *data, size_t size, size_t piece, char hex[65]) {
	eg_sha256 s;
	eg_sha256_begin(&s);
	for (size_t i = 0; i < size; i += piece)
		eg_sha256_add(&s, (const char *)data + i, size - i < piece ? size - i : piece);
	eg_sha256_end(&s, hex);
}

/* The examples that NIST publishes with FIPS 180-4. */

#endif
