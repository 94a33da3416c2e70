/* file.c - whole files into memory, and files written so that PATH is at every moment the old file or the new one.
 *
 * A writer keeps its temporary file locked (flock). A lock ends with its process, however that ends and whatever other
 * processes and containers make of its number, so a temporary file that is not locked is a leftover, and goes.
 *
 * Not here: formats. POSIX calls rather than stdio, because fsync, exclusive creation and exact error numbers are
 * wanted. strerror is used from any thread: for known error numbers all libcs of today return constant text. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "base/base.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef PATH_MAX
#define PATH_MAX 4096
#endif

#define IO_MOST ((size_t)1 << 30) /* bytes asked of one read or write; some systems refuse more than INT_MAX */

/* ---- names ------------------------------------------------------------------------------------------------------- */

const char *eg_path_home(const char *path, char *buf, size_t size) {
	const char *home = getenv("HOME");
	if (path[0] != '~' || (path[1] != '/' && path[1]) || !home || !*home || access(path, F_OK) == 0) return path;
	int n = snprintf(buf, size, "%s%s", home, path + 1);
	return n > 0 && (size_t)n < size ? buf : path;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

typedef struct bytes {
	char *data;
	size_t size, room; /* room does not count the final NUL */
} bytes;

static bool bytes_room(const eg_allocator *a, bytes *b, size_t room) {
	char *data = eg_alloc(a, room + 1);
	if (!data) return false;
	if (b->size > 0) memcpy(data, b->data, b->size);
	eg_release(a, b->data);
	b->data = data;
	b->room = room;
	return true;
}

static eg_status too_large(const char *path, size_t limit, eg_error *err) {
	return eg_fail(err, EG_ERR_FORMAT, "'%s' is larger than the %zu bytes that are read here at most", path, limit);
}

/* Reads to the end of the file: the size told by the system is only a hint, as pipes and /proc have none and files may
 * change meanwhile. */
static eg_status read_all(
	const eg_allocator *a, int fd, const char *path, size_t hint, size_t limit, bytes *b, eg_error *err) {
	/* One byte more than the hint, so that the end is seen without growing. */
	if (!bytes_room(a, b, hint + 1)) goto memory;
	for (;;) {
		if (b->size > limit) return too_large(path, limit, err);
		if (b->size == b->room) {
			size_t room = b->room < 4096 ? 4096 : 2 * b->room;
			if (!bytes_room(a, b, room <= limit ? room : limit + 1)) goto memory;
		}
		size_t want = b->room - b->size;
		ssize_t n = read(fd, b->data + b->size, want < IO_MOST ? want : IO_MOST);
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return eg_fail(err, EG_ERR_IO, "cannot read '%s': %s", path, strerror(errno));
		if (n == 0) break;
		b->size += (size_t)n;
	}
	b->data[b->size] = '\0';
	return EG_OK;
memory:
	return eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory after %zu bytes", path, b->size);
}

static eg_status read_file(const eg_allocator *a, const char *path, size_t limit, bool regular, char **data, size_t *size,
	eg_error *err) {
	if (limit == 0) limit = (size_t)1 << 31;
	if (limit > SIZE_MAX / 4) limit = SIZE_MAX / 4;
	*data = NULL;
	*size = 0;
	/* A pipe that nobody writes to would be waited for; on a regular file the flag means nothing. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | (regular ? O_NONBLOCK | O_NOCTTY : 0));
	if (fd < 0) return eg_fail(err, EG_ERR_IO, "cannot read '%s': %s", path, strerror(errno));
	struct stat st;
	bytes b = {NULL, 0, 0};
	eg_status status;
	if (fstat(fd, &st) != 0)
		status = eg_fail(err, EG_ERR_IO, "cannot read '%s': %s", path, strerror(errno));
	else if (S_ISDIR(st.st_mode))
		status = eg_fail(err, EG_ERR_IO, "cannot read '%s': it is a folder", path);
	else if (regular && !S_ISREG(st.st_mode))
		status = eg_fail(err, EG_ERR_IO, "cannot read '%s': it is a pipe or a device, no file", path);
	else if (st.st_size > 0 && (uintmax_t)st.st_size > limit)
		status = too_large(path, limit, err);
	else
		status = read_all(a, fd, path, st.st_size > 0 ? (size_t)st.st_size : 0, limit, &b, err);
	close(fd); /* opened for reading: nothing can be lost */
	if (status != EG_OK) {
		eg_release(a, b.data);
		return status;
	}
	*data = b.data;
	*size = b.size;
	return EG_OK;
}

eg_status eg_file_read(
	const eg_allocator *a, const char *path, size_t limit, char **data, size_t *size, eg_error *err) {
	return read_file(a, path, limit, false, data, size, err);
}

eg_status eg_file_read_regular(
	const eg_allocator *a, const char *path, size_t limit, char **data, size_t *size, eg_error *err) {
	return read_file(a, path, limit, true, data, size, err);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

enum { BUFFER = 64 * 1024, TRIES = 16 };

struct eg_writer {
	const eg_allocator *allocator;
	char *path;   /* as the caller named it, for messages */
	char *target; /* the same with symbolic links followed */
	char *temp;   /* target.tmp-PID */
	int fd;
	int error;    /* errno of the first failure; 0: none */
	bool existed; /* there is an old file */
	size_t filled;
	uint64_t total; /* bytes that were to be written */
	char buffer[BUFFER];
};

static void writer_free(eg_writer *w) {
	eg_release(w->allocator, w->path);
	eg_release(w->allocator, w->target);
	eg_release(w->allocator, w->temp);
	eg_release(w->allocator, w);
}

static char *copy_text(const eg_allocator *a, const char *s, size_t extra) {
	size_t n = strlen(s) + 1;
	char *copy = eg_alloc(a, n + extra);
	return copy ? memcpy(copy, s, n) : NULL;
}

/* total: bytes that it takes; 0: not known. */
static eg_status fail_write(const char *path, bool existed, int error, uint64_t total, eg_error *err) {
	const char *what = error == ENOENT ? "its folder does not exist" : strerror(error);
	const char *left = existed ? "the old file is unchanged" : "no file was made";
	char takes[48] = "";
	if (total && (error == ENOSPC || error == EDQUOT || error == EFBIG))
		snprintf(takes, sizeof takes, " (it takes %llu bytes)", (unsigned long long)total);
	return eg_fail(err, EG_ERR_IO, "cannot write '%s': %s%s; %s", path, what, takes, left);
}

/* Looks at what PATH is now. Only a regular file or nothing can be replaced by renaming: a link is followed, so that
 * the file behind it is replaced and not the link; folders, devices and pipes are refused. */
static eg_status find_target(const char *path, char target[PATH_MAX], bool *existed, mode_t *mode, eg_error *err) {
	struct stat st;
	*existed = false;
	if (!*path) return eg_fail(err, EG_ERR_ARG, "cannot write a file whose name is empty");
	if (lstat(path, &st) != 0) {
		if (errno != ENOENT) return fail_write(path, false, errno, 0, err);
		if (strlen(path) >= PATH_MAX) return fail_write(path, false, ENAMETOOLONG, 0, err);
		memcpy(target, path, strlen(path) + 1);
		return EG_OK;
	}
	bool link = S_ISLNK(st.st_mode);
	if (!realpath(path, target) || stat(target, &st) != 0)
		return eg_fail(err, EG_ERR_IO, "cannot write '%s': %s%s%s", path,
		        link ? "it is a link that leads nowhere (" : "", strerror(errno), link ? ")" : "");
	if (S_ISDIR(st.st_mode)) return eg_fail(err, EG_ERR_IO, "cannot write '%s': it is a folder", path);
	if (!S_ISREG(st.st_mode))
		return eg_fail(err, EG_ERR_IO, "cannot write '%s': it is a device or pipe, not a regular file", path);
	*existed = true;
	*mode = st.st_mode & 07777;
	if (faccessat(AT_FDCWD, target, W_OK, AT_EACCESS) != 0) return fail_write(path, true, errno, 0, err);
	return EG_OK;
}

/* Is it "BASE.tmp-NUMBER" or "BASE.tmp-NUMBER.NUMBER"? */
static bool is_temp_of(const char *name, const char *base) {
	size_t n = strlen(base);
	if (strncmp(name, base, n) != 0 || strncmp(name + n, ".tmp-", 5) != 0) return false;
	const char *s = name + n + 5;
	if (!isdigit((unsigned char)*s)) return false;
	while (isdigit((unsigned char)*s)) s++;
	if (s[0] == '.' && isdigit((unsigned char)s[1]))
		for (s++; isdigit((unsigned char)*s);) s++;
	return !*s;
}

static bool same_file(const struct stat *a, const struct stat *b) {
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Removes a temporary file of ours that nobody holds. Who removes holds the lock, and looks whether the name still
 * leads to what it has locked. */
static void remove_leftover(int folder, const char *name) {
	struct stat open_one, named;
	int fd = openat(folder, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) return;
	if (fstat(fd, &open_one) == 0 && S_ISREG(open_one.st_mode) && open_one.st_uid == geteuid() &&
	        flock(fd, LOCK_EX | LOCK_NB) == 0 && fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	        same_file(&open_one, &named))
		unlinkat(folder, name, 0);
	close(fd);
}

/* What killed processes left of this target. Nothing here is an error of the write that is to come. */
static void remove_leftovers(const char *target) {
	char folder[PATH_MAX];
	const char *slash = strrchr(target, '/'), *base = slash ? slash + 1 : target;
	size_t n = slash == target ? 1 : slash ? (size_t)(slash - target) : 0;
	if (n >= sizeof folder) return;
	memcpy(folder, target, n);
	folder[n] = '\0';
	DIR *d = opendir(n ? folder : ".");
	if (!d) return;
	for (const struct dirent *e; (e = readdir(d));)
		if (is_temp_of(e->d_name, base)) remove_leftover(dirfd(d), e->d_name);
	closedir(d);
}

/* Makes one of the names, and locks it. Where locks are not supported, we go on without, and nobody removes leftovers.
 * Between the two calls somebody may have taken our file for a leftover: then, as if it had been there before,
 * EEXIST. */
static int create_locked(eg_writer *w) {
	struct stat open_one, named;
	w->fd = open(w->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, w->existed ? 0600 : 0666);
	if (w->fd < 0) return errno;
	if (flock(w->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) {
		if (fstat(w->fd, &open_one) == 0 && lstat(w->temp, &named) == 0 && same_file(&open_one, &named))
			return 0;
	}
	close(w->fd);
	return EEXIST;
}

/* Creates the temporary file. Another process may have our PID (in containers it is often the same), so a few names are
 * tried. */
static int open_temp(eg_writer *w, mode_t old_mode) {
	size_t n = strlen(w->target);
	int error = EEXIST;
	remove_leftovers(w->target);
	for (int i = 0; i < TRIES && error == EEXIST; i++) {
		snprintf(w->temp + n, 48, i ? ".tmp-%ld.%d" : ".tmp-%ld", (long)getpid(), i);
		error = create_locked(w);
	}
	if (error || !w->existed || fchmod(w->fd, old_mode) == 0) return error;
	error = errno;
	close(w->fd);
	unlink(w->temp);
	return error;
}

eg_writer *eg_writer_new(const eg_allocator *a, const char *path, eg_error *err) {
	char target[PATH_MAX];
	bool existed;
	mode_t mode = 0;
	if (find_target(path, target, &existed, &mode, err) != EG_OK) return NULL;
	eg_writer *w = eg_calloc(a, 1, sizeof(*w));
	if (!w) goto memory;
	w->allocator = a;
	w->existed = existed;
	w->path = copy_text(a, path, 0);
	w->target = copy_text(a, target, 0);
	w->temp = copy_text(a, target, 48);
	if (!w->path || !w->target || !w->temp) goto memory;
	int error = open_temp(w, mode);
	if (error == 0) return w;
	fail_write(path, existed, error, 0, err);
	writer_free(w);
	return NULL;
memory:
	if (w) writer_free(w);
	eg_fail(err, EG_ERR_MEMORY, "cannot write '%s': out of memory", path);
	return NULL;
}

static void write_all(eg_writer *w, const char *data, size_t size) {
	while (size > 0 && !w->error) {
		ssize_t n = write(w->fd, data, size < IO_MOST ? size : IO_MOST);
		if (n > 0) {
			data += n;
			size -= (size_t)n;
		} else if (n == 0) {
			w->error = EIO; /* POSIX does not let this happen to a regular file; never loop on it */
		} else if (errno != EINTR) {
			w->error = errno;
		}
	}
}

static void flush(eg_writer *w) {
	write_all(w, w->buffer, w->filled);
	w->filled = 0;
}

void eg_writer_put(eg_writer *w, const void *data, size_t size) {
	w->total += size;
	if (w->error || size == 0) return;
	if (size > BUFFER - w->filled) flush(w);
	if (size >= BUFFER) {
		write_all(w, data, size);
		return;
	}
	memcpy(w->buffer + w->filled, data, size);
	w->filled += size;
}

bool eg_writer_failed(const eg_writer *w) { return w->error != 0; }

/* Makes the renaming last through a power cut. Systems that cannot sync folders, and folders that may not be opened,
 * are no error; returns the errno of a real failure. */
static int sync_folder(char *target) {
	char *slash = strrchr(target, '/');
	if (slash) slash[slash == target] = '\0';
	int fd = open(slash ? target : ".", O_RDONLY | O_CLOEXEC);
	if (fd < 0) return 0;
	int error = 0;
	while (fsync(fd) != 0 && (error = errno) == EINTR) error = 0;
	close(fd);
	return error == EINVAL || error == ENOTSUP || error == EROFS || error == EBADF ? 0 : error;
}

/* Some systems tell only now that there was no room. The file stays open, and locked: to others it would be a
 * leftover. */
static int close_copy(int fd) {
	int copy = dup(fd);
	if (copy < 0) return errno;
	return close(copy) == 0 || errno == EINTR ? 0 : errno;
}

eg_status eg_writer_commit(eg_writer *w, eg_error *err) {
	flush(w);
	while (!w->error && fsync(w->fd) != 0) {
		if (errno != EINTR) w->error = errno;
	}
	if (!w->error) w->error = close_copy(w->fd);
	if (!w->error && rename(w->temp, w->target) != 0) w->error = errno;
	eg_status status = EG_OK;
	if (w->error) {
		unlink(w->temp);
		status = fail_write(w->path, w->existed, w->error, w->total, err);
	} else {
		int error = sync_folder(w->target);
		if (error)
			status = eg_fail(err, EG_ERR_IO,
			        "'%s' is written, but its folder could not be synced to disk: %s", w->path,
			        strerror(error));
	}
	close(w->fd);
	writer_free(w);
	return status;
}

void eg_writer_abort(eg_writer *w) {
	if (!w) return;
	close(w->fd);
	unlink(w->temp);
	writer_free(w);
}

/* Room is taken, not counted: quotas and limits on files count too. File systems that cannot do that say nothing. */
static int take_room(int fd, size_t size) {
	int error = size > 0 ? posix_fallocate(fd, 0, (off_t)size) : 0;
	return error == ENOSPC || error == EDQUOT || error == EFBIG ? error : 0;
}

eg_status eg_writer_check(const char *path, size_t size, eg_error *err) {
	eg_error local;
	if (!err) err = &local;
	eg_writer *w = eg_writer_new(NULL, path, err);
	if (!w) return err->status;
	int error = take_room(w->fd, size);
	if (error)
		eg_fail(err, EG_ERR_IO, "cannot write '%s': there is no room for %zu bytes: %s", path, size,
		        strerror(error));
	eg_writer_abort(w);
	return error ? EG_ERR_IO : EG_OK;
}
