/* journal.c - a file that grows by whole lines and may be cut off at any byte: what follows the last line end is
 * dropped when it is opened again. A lock keeps two searches apart; it ends with its process.
 *
 * Not here: what a line says (search.c). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* flock */
#endif
#include "tune/tune.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { JOURNAL_MOST = 256 << 20 };

static eg_status fail_io(const eg_journal *j, const char *what, eg_error *err) {
	return eg_fail(err, EG_ERR_IO, "cannot %s the journal %s: %s", what, j->path, strerror(errno));
}

static eg_status lock(const eg_journal *j, int file, eg_error *err) {
	if (flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return EG_OK; /* no locks there */
	return eg_fail(err, EG_ERR_ARG,
	        "another search writes the journal %s at this time: wait for it, stop it, or give this one another journal",
	        j->path);
}

/* The file's name lasts, too. */
static void sync_folder(const char *path) {
	char folder[4096] = ".";
	const char *slash = strrchr(path, '/');
	if (slash) snprintf(folder, sizeof folder, "%.*s", (int)(slash - path + 1), path);
	int file = open(folder, O_RDONLY | O_CLOEXEC);
	if (file < 0) return;
	fsync(file);
	close(file);
}

static eg_status read_lines(eg_journal *j,
	eg_status (*line)(void *user, const char *text, size_t size, int number, eg_error *err), void *user, eg_error *err) {
	char *data = NULL;
	size_t size = 0;
	eg_status status = eg_file_read_regular(NULL, j->path, JOURNAL_MOST, &data, &size, err);
	for (int n = 0; !status && j->size < size; n++) {
		const char *begin = data + j->size, *end = memchr(begin, '\n', size - j->size);
		if (!end) break;
		status = line(user, begin, (size_t)(end - begin), n, err);
		if (!status) j->size += (size_t)(end - begin) + 1;
	}
	eg_release(NULL, data);
	if (!status && j->size < size && ftruncate(j->file - 1, (off_t)j->size) != 0) return fail_io(j, "write", err);
	return status;
}

eg_status eg_journal_open(eg_journal *j, const char *path,
	eg_status (*line)(void *user, const char *text, size_t size, int number, eg_error *err), void *user, eg_error *err) {
	struct stat st;
	*j = (eg_journal){.path = eg_alloc(NULL, strlen(path) + 1)};
	if (!j->path) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a journal");
	memcpy(j->path, path, strlen(path) + 1);
	bool there = stat(path, &st) == 0;
	int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
	if (file < 0) return fail_io(j, "open", err);
	eg_status status = EG_OK;
	if (fstat(file, &st) != 0 || !S_ISREG(st.st_mode))
		status = eg_fail(err, EG_ERR_IO, "the journal %s is no file that could be gone on with: give another name", path);
	else
		status = lock(j, file, err);
	if (status) { /* it is not this search's, to be removed because it is empty, say */
		close(file);
		return status;
	}
	j->file = file + 1;
	if (!there) sync_folder(path);
	return read_lines(j, line, user, err);
}

eg_status eg_journal_add(eg_journal *j, const char *text, size_t size, eg_error *err) {
	size_t done = 0;
	if (!j->file) return EG_OK;
	while (done < size) {
		ssize_t n = pwrite(j->file - 1, text + done, size - done, (off_t)(j->size + done));
		if (n < 0 && errno == EINTR) continue;
		if (n <= 0) break;
		done += (size_t)n;
	}
	if (done == size && fsync(j->file - 1) == 0) {
		j->size += size;
		return EG_OK;
	}
	eg_status status = fail_io(j, "write", err);
	if (ftruncate(j->file - 1, (off_t)j->size) != 0) { /* then half a line is there, which is dropped next time */
	}
	return status;
}

void eg_journal_close(eg_journal *j) {
	struct stat st;
	bool empty = j->file && fstat(j->file - 1, &st) == 0 && st.st_size == 0;
	if (empty && j->path) unlink(j->path); /* nothing was written: no file is left of it */
	if (j->file) close(j->file - 1);
	eg_release(NULL, j->path);
	*j = (eg_journal){0};
}
