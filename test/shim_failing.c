/* shim_failing.c - system calls and memory that fail when told to: the N-th allocation, write, read, open, sync, rename
 * or thread. For glibc.
 *
 * Preloaded (libshim_failing.so, see cli_failures.sh) it is told by the environment:
 *   FAIL_WHAT  memory, write, read, open, sync, rename or thread; only calls of this kind are counted
 *   FAIL_AT    which one fails, from 1; 0: none
 *   FAIL_ALL   set: all later ones too
 *   FAIL_ERRNO what errno becomes (default: ENOMEM, ENOSPC or what fits)
 *   FAIL_COUNT a file into which the number of calls is written at the end
 * Linked into a test it is told by shim_fail (shim_failing.h). What libc does by itself, stdio's writes among it, does
 * not come through here; its allocations do. */
#define _GNU_SOURCE
#include "shim_failing.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const struct {
	const char *name;
	int error;
} kinds[] = {{"memory", ENOMEM}, {"write", ENOSPC}, {"read", EIO}, {"open", EMFILE}, {"sync", EIO}, {"rename", EIO},
	{"thread", EAGAIN}};

static shim_kind kind;
static long at;
static bool all, counting;
static int error;
static atomic_long calls;

/* Counts a call; true: it fails, and errno is set. */
static bool fails(shim_kind k) {
	if (!counting || k != kind) return false;
	long n = atomic_fetch_add(&calls, 1) + 1;
	if (at == 0 || (all ? n < at : n != at)) return false;
	errno = error;
	return true;
}

void shim_fail(shim_kind k, long n, bool from_there) {
	counting = false;
	kind = k;
	at = n;
	all = from_there;
	error = kinds[k].error;
	atomic_store(&calls, 0);
	counting = true;
}

long shim_stop(void) {
	counting = false;
	return atomic_load(&calls);
}

__attribute__((constructor)) static void begin(void) {
	const char *what = getenv("FAIL_WHAT"), *n = getenv("FAIL_AT"), *e = getenv("FAIL_ERRNO");
	for (int k = 0; what && k < (int)(sizeof kinds / sizeof kinds[0]); k++)
		if (!strcmp(what, kinds[k].name)) shim_fail((shim_kind)k, n ? strtol(n, NULL, 10) : 0, getenv("FAIL_ALL") != NULL);
	if (e && strtol(e, NULL, 10) > 0) error = (int)strtol(e, NULL, 10);
}

__attribute__((destructor)) static void end(void) {
	const char *path = getenv("FAIL_COUNT");
	char text[32];
	if (!path || !counting) return;
	long n = shim_stop();
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
	if (fd < 0) return;
	int size = snprintf(text, sizeof text, "%ld\n", n);
	syscall(SYS_write, fd, text, (size_t)size);
	close(fd);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *p, size_t size);
void *__libc_memalign(size_t align, size_t size);

void *malloc(size_t size) { return fails(SHIM_MEMORY) ? NULL : __libc_malloc(size); }
void *calloc(size_t count, size_t size) { return fails(SHIM_MEMORY) ? NULL : __libc_calloc(count, size); }
void *realloc(void *p, size_t size) { return fails(SHIM_MEMORY) ? NULL : __libc_realloc(p, size); }
void *aligned_alloc(size_t align, size_t size) { return fails(SHIM_MEMORY) ? NULL : __libc_memalign(align, size); }
void *memalign(size_t align, size_t size) { return fails(SHIM_MEMORY) ? NULL : __libc_memalign(align, size); }
int posix_memalign(void **p, size_t align, size_t size) {
	void *made = fails(SHIM_MEMORY) ? NULL : __libc_memalign(align, size);
	if (made) *p = made;
	return made ? 0 : ENOMEM;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

ssize_t write(int fd, const void *data, size_t size) {
	return fd > 2 && fails(SHIM_WRITE) ? -1 : (ssize_t)syscall(SYS_write, fd, data, size);
}

ssize_t read(int fd, void *data, size_t size) {
	return fails(SHIM_READ) ? -1 : (ssize_t)syscall(SYS_read, fd, data, size);
}

int open(const char *path, int flags, ...) {
	mode_t mode = 0;
	if (flags & O_CREAT) {
		va_list args;
		va_start(args, flags);
		mode = va_arg(args, mode_t); /* NOLINT(clang-analyzer-valist.Uninitialized): it is, one line above */
		va_end(args);
	}
	return fails(SHIM_OPEN) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int fsync(int fd) { return fails(SHIM_SYNC) ? -1 : (int)syscall(SYS_fsync, fd); }

int rename(const char *from, const char *to) {
	return fails(SHIM_RENAME) ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0u);
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *), void *arg) {
	static int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
	if (fails(SHIM_THREAD)) return error;
	if (!real) *(void **)(void *)&real = dlsym(RTLD_NEXT, "pthread_create");
	return real(thread, attributes, run, arg);
}
