/* reader.c - the bytes of a file, or of memory, unpacked when they are gzipped (told by the first two bytes). The only
 * file that knows zlib.
 *
 * Stricter than gzread: a gzip file that ends early, has a wrong checksum or is followed by something else is an error.
 * zlib's own 40 KB come from malloc. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#define ZLIB_CONST
#include <zlib.h>

enum { INPUT = 64 * 1024, DEFLATE_MOST = 1032 }; /* deflate packs 1032 : 1 at best: 258 bytes in 2 bits */
/* Files made to fill the memory are packed so; data above the first so many bytes never are. As for archives. */
enum { RATIO_MOST = 200, FREE_ROOM = 64 << 20 };

struct eg_reader {
	const char *name;    /* points behind the struct */
	int fd;              /* -1: memory */
	void *owned;         /* that memory; NULL: it is the caller's */
	int64_t size;        /* of the packed bytes; -1: unknown */
	bool packed, done;   /* done: the last gzip member has ended */
	bool as_it_is, any_ratio;
	int64_t in, out;     /* bytes unpacked, and what they have become */
	const uint8_t *next; /* input not used yet */
	size_t left;
	z_stream z;
	uint8_t buffer[INPUT];
};

/* Gets more input when there is none; left stays 0 at the end of the file. */
static eg_status refill(eg_reader *s, eg_error *err) {
	if (s->left > 0 || s->fd < 0) return EG_OK;
	ssize_t n;
	do n = read(s->fd, s->buffer, INPUT);
	while (n < 0 && errno == EINTR);
	if (n < 0) return eg_fail(err, EG_ERR_IO, "cannot read '%s': %s", s->name, strerror(errno));
	s->next = s->buffer;
	s->left = (size_t)n;
	return EG_OK;
}

static eg_reader *stream_new(const char *name) {
	size_t n = strlen(name) + 1;
	eg_reader *s = eg_alloc(NULL, sizeof *s + n);
	if (!s) return NULL;
	memset(s, 0, offsetof(eg_reader, buffer));
	s->name = memcpy(s + 1, name, n);
	s->fd = -1;
	s->size = -1;
	return s;
}

static eg_status begin(eg_reader *s, eg_error *err) {
	eg_status status = refill(s, err);
	if (status != EG_OK || s->as_it_is) return status;
	if (s->left < 2 || s->next[0] != 0x1f || s->next[1] != 0x8b) return EG_OK;
	if (inflateInit2(&s->z, 15 + 16) != Z_OK) /* 16: gzip, not zlib, around it */
		return eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", s->name);
	s->packed = true;
	return EG_OK;
}

static eg_reader *begin_or_close(eg_reader *s, eg_error *err) {
	if (begin(s, err) == EG_OK) return s;
	eg_reader_close(s);
	return NULL;
}

/* Takes `fd` over; what opening it failed of is in errno when it is none. */
static eg_reader *reader_of(int fd, const char *path, bool as_it_is, eg_error *err) {
	struct stat st;
	eg_reader *s = stream_new(path);
	if (!s) {
		eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", path);
		if (fd >= 0) close(fd);
		return NULL;
	}
	s->fd = fd;
	s->as_it_is = as_it_is;
	if (s->fd < 0 || fstat(s->fd, &st) != 0)
		eg_fail(err, EG_ERR_IO, "cannot read '%s': %s", path, strerror(errno));
	else if (S_ISDIR(st.st_mode))
		eg_fail(err, EG_ERR_IO, "cannot read '%s': it is a folder", path);
	else {
		if (S_ISREG(st.st_mode)) s->size = st.st_size;
		return begin_or_close(s, err);
	}
	eg_reader_close(s);
	return NULL;
}

eg_reader *eg_reader_open(const char *path, eg_error *err) {
	return reader_of(open(path, O_RDONLY | O_CLOEXEC), path, false, err);
}

eg_reader *eg_reader_packed(const char *path, eg_error *err) {
	return reader_of(open(path, O_RDONLY | O_CLOEXEC), path, true, err);
}

eg_reader *eg_reader_again(int fd, const char *name, eg_error *err) {
	const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy >= 0) lseek(copy, 0, SEEK_SET);
	eg_reader *s = reader_of(copy, name, false, err);
	if (s) s->any_ratio = true;
	return s;
}

bool eg_reader_is_packed(const eg_reader *s) { return s->packed; }

eg_status eg_reader_file(const char *path, eg_reader **reader, eg_error *err) {
	eg_error local = {EG_OK, ""};
	*reader = eg_reader_open(path, &local);
	return *reader ? EG_OK : eg_fail(err, local.status, "%s", local.message);
}

eg_reader *eg_reader_memory(const void *data, size_t size, const char *name, eg_error *err) {
	eg_reader *s = stream_new(name);
	if (!s) {
		eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", name);
		return NULL;
	}
	s->next = data;
	s->left = size;
	s->size = (int64_t)size;
	return begin_or_close(s, err);
}

eg_status eg_reader_taking(void *data, size_t size, const char *name, eg_reader **reader, eg_error *err) {
	eg_error local = {EG_OK, ""};
	*reader = eg_reader_memory(data, size, name, &local);
	if (*reader) {
		(*reader)->owned = data;
		return EG_OK;
	}
	eg_release(NULL, data);
	return eg_fail(err, local.status, "%s", local.message);
}

void eg_reader_close(eg_reader *s) {
	if (!s) return;
	eg_release(NULL, s->owned);
	if (s->packed) inflateEnd(&s->z);
	if (s->fd >= 0) close(s->fd); /* opened for reading: nothing can be lost */
	eg_release(NULL, s);
}

const char *eg_reader_name(const eg_reader *s) { return s->name; }

int64_t eg_reader_most(const eg_reader *s) {
	if (s->size < 0 || s->size > INT64_MAX / DEFLATE_MOST) return INT64_MAX;
	return s->packed ? s->size * DEFLATE_MOST : s->size;
}

static eg_status read_plain(eg_reader *s, uint8_t *data, size_t size, size_t *got, eg_error *err) {
	while (*got < size) {
		eg_status status = refill(s, err);
		if (status != EG_OK) return status;
		if (s->left == 0) break;
		size_t n = size - *got < s->left ? size - *got : s->left;
		memcpy(data + *got, s->next, n);
		s->next += n, s->left -= n, *got += n;
	}
	return EG_OK;
}

/* After the end of a gzip member: nothing, or another member (RFC 1952, section 2.2). */
static eg_status next_member(eg_reader *s, eg_error *err) {
	eg_status status = refill(s, err);
	if (status != EG_OK) return status;
	if (s->left == 0)
		s->done = true;
	else if (s->next[0] != 0x1f)
		return eg_fail(err, EG_ERR_FORMAT, "'%s' is damaged: something follows after the end of its gzip data",
		        s->name);
	else
		inflateReset(&s->z);
	return EG_OK;
}

static eg_status too_much(const eg_reader *s, eg_error *err) {
	return eg_fail(err, EG_ERR_FORMAT,
	        "'%s': its first %lld bytes become %lld, more than %d times as many, as those of files do that are made to fill "
	        "memories; if it is right, unpack it by hand (gunzip)",
	        s->name, (long long)s->in, (long long)s->out, RATIO_MOST);
}

static eg_status read_packed(eg_reader *s, uint8_t *data, size_t size, size_t *got, eg_error *err) {
	while (*got < size && !s->done) {
		eg_status status = refill(s, err);
		if (status != EG_OK) return status;
		size_t room = size - *got < 1u << 30 ? size - *got : 1u << 30,
		       in = s->left < 1u << 30 ? s->left : 1u << 30;
		s->z.next_in = s->next;
		s->z.avail_in = (uInt)in;
		s->z.next_out = data + *got;
		s->z.avail_out = (uInt)room;
		int r = inflate(&s->z, Z_NO_FLUSH);
		size_t used = in - s->z.avail_in, made = room - s->z.avail_out;
		s->next += used, s->left -= used, *got += made;
		s->in += (int64_t)used, s->out += (int64_t)made;
		if (s->out > FREE_ROOM && s->out / RATIO_MOST > s->in && !s->any_ratio)
			status = too_much(s, err);
		else if (r == Z_STREAM_END)
			status = next_member(s, err);
		else if (r == Z_MEM_ERROR)
			status = eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", s->name);
		else if (r != Z_OK && r != Z_BUF_ERROR)
			status = eg_fail(err, EG_ERR_FORMAT, "'%s' is damaged: its gzip data are wrong (%s)", s->name,
			        s->z.msg ? s->z.msg : "no reason told");
		else if (made == 0 && used == 0 && in == 0)
			status = eg_fail(err, EG_ERR_FORMAT, "'%s' is cut off: its gzip data end early", s->name);
		if (status != EG_OK) return status;
	}
	return EG_OK;
}

eg_status eg_reader_read(eg_reader *s, void *data, size_t size, size_t *got, eg_error *err) {
	*got = 0;
	return s->packed ? read_packed(s, data, size, got, err) : read_plain(s, data, size, got, err);
}
