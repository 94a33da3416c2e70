/* fuzz_archive.c - any bytes as an archive: what it lists lies inside of it, sorted, without a name that leads out;
 * what it is unpacked into is a plain tar of the same kind, no larger than it may be.
 * Readers: zip, packed (gzip, bzip2, xz, zstd) and tar, by how it begins. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

static const eg_archive_limits limits = {.entries = 2000, .bytes = 1 << 20, .ratio = 100, .free = 1 << 16};

static void check(const eg_members *m, int64_t size) {
	for (int i = 0; i < m->n; i++) {
		const eg_member *one = &m->at[i];
		if (i && eg_member_order(m->at[i - 1].name, one->name) >= 0) abort();
		if (one->size >= 0 && (one->at < 0 || one->at > size || one->size > size - one->at)) abort();
		if (!one->name[0] || one->name[0] == '/' || one->name[0] == '.' || strstr(one->name, "/.") || strstr(one->name, "//")) abort();
	}
}

/* All that is in a folder of it, by name: what is listed is there, and of the kind that is told. */
static void walk(const eg_files *files, const char *folder, int depth) {
	eg_folder dir;
	const char *name;
	eg_file_kind kind;
	if (eg_folder_open(&dir, files, folder, NULL) != EG_OK) abort();
	while (eg_folder_next(&dir, &name, &kind, NULL) == EG_OK && name) {
		char path[EG_PATH], *data;
		size_t size;
		if (eg_join(path, folder, name, "", NULL) != EG_OK) continue;
		if (eg_files_is_folder(files, path) != (kind == EG_FILE_FOLDER)) abort();
		if (eg_files_is_file(files, path) != (kind == EG_FILE_REGULAR)) abort();
		if (kind == EG_FILE_FOLDER && depth < 20) walk(files, path, depth + 1);
		if (kind != EG_FILE_REGULAR) continue;
		if (eg_files_read(files, NULL, path, 1 << 20, &data, &size, NULL) != EG_OK) abort();
		eg_release(NULL, data);
	}
	eg_folder_close(&dir);
}

/* The tar as a folder. */
static void open_tree(int fd) {
	char path[40];
	eg_files *files;
	eg_error err;
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	if (eg_files_open(path, &files, &err) != EG_OK) return;
	walk(files, eg_files_top(files), 0);
	eg_files_close(files);
}

static bool put(void *user, const void *data, size_t size) {
	const int fd = *(const int *)user;
	return write(fd, data, size) == (ssize_t)size;
}

static bool is_meant(const uint8_t *data, size_t size) {
	static const char *const packed[] = {"\x1f\x8b", "BZh", "\xfd\x37zXZ", "\x28\xb5\x2f\xfd"};
	for (int i = 0; i < EG_COUNT(packed); i++)
		if (size >= strlen(packed[i]) && memcmp(data, packed[i], strlen(packed[i])) == 0) return fuzz_wants("packed");
	return fuzz_wants(size > 1 && memcmp(data, "PK", 2) == 0 ? "zip" : "tar");
}

/* The checksum of each header of a tar: where the word ustar stands. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
	enum { BLOCK = 512, SUM = 148, SUM_SIZE = 8, MAGIC = 257 };
	size = LLVMFuzzerMutate(data, size, most);
	if (seed % 8 == 0) return size;
	for (size_t at = 0; at + BLOCK <= size; at += BLOCK) {
		unsigned sum = ' ' * SUM_SIZE;
		if (memcmp(data + at + MAGIC, "ustar", 5) != 0) continue;
		for (size_t i = 0; i < BLOCK; i++) sum += i < SUM || i >= SUM + SUM_SIZE ? data[at + i] : 0;
		snprintf((char *)data + at + SUM, SUM_SIZE, "%06o", sum);
	}
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	eg_members m;
	eg_error err;
	bool packed;
	if (!is_meant(data, size)) return 0;
	int fd = memfd_create("in", MFD_CLOEXEC), out = memfd_create("out", MFD_CLOEXEC);
	const eg_archive_sink to = {&out, put};
	if (fd < 0 || out < 0 || write(fd, data, size) != (ssize_t)size) abort();
	if (eg_archive_list(fd, "fuzz", &limits, &m, &packed, &err) == EG_OK && !packed) {
		check(&m, (int64_t)size);
		open_tree(fd);
	}
	eg_members_free(&m);
	eg_status status = eg_archive_unpack(fd, "fuzz", &limits, &to, &err);
	const int64_t written = lseek(out, 0, SEEK_CUR);
	if (written > 2 * limits.bytes) abort();
	if (status == EG_OK) {
		status = eg_archive_list(out, "unpacked", &limits, &m, &packed, &err);
		if (status == EG_OK && packed) abort();
		if (status && !strstr(err.message, "twice") && !strstr(err.message, "a folder too")) abort();
		check(&m, written);
		eg_members_free(&m);
	}
	close(fd);
	close(out);
	return 0;
}
