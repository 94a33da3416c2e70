/* files.c - a tree of named files: a folder, or an archive in its place. Who reads files by their names need not know
 * which of them it is.
 *
 * An archive whose contents do not lie in it as they are (tar.gz, zip, ...) is unpacked once, into one plain tar in
 * the user's cache. That is named by the archive's path and by its size and time, so an archive that has changed is
 * unpacked anew, and what was made of the one before goes. It is written under another name and renamed: a process
 * that is killed leaves nothing that is believed, and of two at a time each renames a whole one.
 *
 * Not here: what is in an archive (archive.c), which of the files are wanted (listing.c). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct eg_files {
	char top[EG_PATH]; /* as it was given, without slashes at its end */
	int fd;            /* of the plain tar; -1: a folder */
	eg_members members;
	char inside[EG_PATH]; /* of an archive: the folder that holds all, with a slash behind it; or empty */
	char unpacked[EG_PATH];
};

/* ---- the copy in the cache --------------------------------------------------------------------------------------- */

static bool put_piece(void *user, const void *data, size_t size) {
	eg_writer_put(user, data, size);
	return !eg_writer_failed(user);
}

/* CACHE/archives/NAME-PATH-VERSION.tar; *stem: the bytes before VERSION. */
static eg_status copy_path(const char *path, const struct stat *st, char copy[EG_PATH], size_t *stem, eg_error *err) {
	char folder[EG_PATH], name[200], hex[2][65], version[100], *whole = realpath(path, NULL);
	const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path;
	eg_sha256 sum;
	if (!whole) return eg_fail(err, EG_ERR_IO, "cannot read '%s': %s", path, strerror(errno));
	const int length = snprintf(version, sizeof version, "%lld %lld.%09ld", (long long)st->st_size, (long long)st->st_mtim.tv_sec,
	        st->st_mtim.tv_nsec);
	for (int i = 0; i < 2; i++) {
		eg_sha256_begin(&sum);
		eg_sha256_add(&sum, i ? version : whole, i ? (size_t)length : strlen(whole));
		eg_sha256_end(&sum, hex[i]);
	}
	free(whole);
	*stem = (size_t)snprintf(name, sizeof name, "%.100s-%.12s-", base, hex[0]);
	snprintf(name + *stem, sizeof name - *stem, "%.12s.tar", hex[1]);
	eg_status status = eg_data_cache_folder("archives", folder, err);
	if (!status) status = eg_make_folders(folder, err);
	if (!status) status = eg_join(copy, folder, name, "", err);
	*stem += strlen(folder) + 1;
	return status;
}

/* Copies of what the archive was before. A process that reads one keeps it open. */
static void remove_older(const char *copy, size_t stem) {
	char folder[EG_PATH], other[EG_PATH];
	snprintf(folder, sizeof folder, "%s", copy);
	char *slash = strrchr(folder, '/');
	*slash = '\0';
	const size_t name = (size_t)(slash - folder) + 1;
	DIR *dir = opendir(folder);
	for (const struct dirent *e; dir && (e = readdir(dir));) {
		const size_t n = strlen(e->d_name);
		if (n < 4 || strcmp(e->d_name + n - 4, ".tar") != 0 || strncmp(e->d_name, copy + name, stem - name) != 0 ||
		        strcmp(e->d_name, copy + name) == 0)
			continue;
		if (eg_join(other, folder, e->d_name, "", NULL) == EG_OK) unlink(other);
	}
	if (dir) closedir(dir);
}

static eg_status unpack(int fd, const char *name, const char *copy, size_t stem, eg_error *err) {
	eg_writer *w = eg_writer_new(NULL, copy, err);
	if (!w) return err ? err->status : EG_ERR_IO;
	const eg_archive_sink to = {w, put_piece};
	eg_status status = eg_archive_unpack(fd, name, &eg_archive_usual, &to, err);
	if (status && !eg_writer_failed(w)) {
		eg_writer_abort(w);
		return status;
	}
	status = eg_writer_commit(w, err); /* says what it failed of */
	if (status)
		eg_fail_prefix(err, "cannot unpack '%s' into the cache", name);
	else
		remove_older(copy, stem);
	return status;
}

static eg_status list_copy(eg_files *f, int fd, eg_error *err) {
	bool packed = false;
	eg_status status = eg_archive_list(fd, f->top, &eg_archive_usual, &f->members, &packed, err);
	if (!status && packed) status = eg_fail(err, EG_ERR_FORMAT, "'%s' is no plain tar", f->top);
	if (status) return status;
	f->fd = fd;
	return EG_OK;
}

/* A copy that cannot be read is damaged when it is an old one; a new one tells what is wrong with the archive. */
static eg_status open_copy(eg_files *f, int archive, const struct stat *st, eg_error *err) {
	char copy[EG_PATH];
	size_t stem = 0;
	eg_status status = copy_path(f->top, st, copy, &stem, err);
	for (int made = 0; !status; made++) {
		const int fd = open(copy, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
		if (fd >= 0) {
			status = list_copy(f, fd, err);
			if (!status) break;
			close(fd);
			if (status == EG_ERR_FORMAT) unlink(copy);
			if (status != EG_ERR_FORMAT || made) break;
		} else if (made || errno != ENOENT) {
			return eg_fail(err, EG_ERR_IO, "cannot read '%s', what '%s' was unpacked into: %s", copy, f->top, strerror(errno));
		}
		status = unpack(archive, f->top, copy, stem, err);
		if (!status) memcpy(f->unpacked, copy, sizeof copy);
	}
	return status;
}

/* ---- opening ----------------------------------------------------------------------------------------------------- */

/* Bytes of the one name below the first `from` of each member's that all of them have; 0: they have several. */
static size_t only_name(const eg_members *m, size_t from) {
	int i = 0;
	while (i < m->n && strlen(m->at[i].name) < from) i++; /* the folders above */
	if (i == m->n) return 0;
	const char *name = m->at[i].name + from, *last = m->at[m->n - 1].name + from; /* sorted: all are between them */
	const size_t n = strcspn(name, "/");
	return (name[n] || m->at[i].size < 0) && strncmp(last, name, n) == 0 && last[n] == '/' ? n : 0;
}

/* Archives are often made of one folder: what is in it counts, unless it is the part of a set. */
static void enter_only(eg_files *f) {
	for (size_t from = 0, n; (n = only_name(&f->members, from)) > 0; from += n + 1) {
		char name[EG_PATH];
		snprintf(name, sizeof name, "%.*s", (int)n, f->members.at[f->members.n - 1].name + from);
		if (eg_is_part_folder(name)) return;
		snprintf(f->inside + from, sizeof f->inside - from, "%s/", name);
	}
}

static eg_status open_archive(eg_files *f, int fd, const struct stat *st, eg_error *err) {
	bool packed;
	eg_status status = eg_archive_list(fd, f->top, &eg_archive_usual, &f->members, &packed, err);
	if (!status && packed) status = open_copy(f, fd, st, err);
	if (!status && !packed) f->fd = fd;
	if (status || packed) close(fd);
	if (!status) enter_only(f);
	return status;
}

static eg_status open_tree(eg_files *f, eg_error *err) {
	struct stat st;
	if (stat(f->top, &st) != 0 || S_ISDIR(st.st_mode)) return EG_OK; /* what is nowhere is missed later */
	if (!S_ISREG(st.st_mode)) return eg_fail(err, EG_ERR_IO, "'%s' is a pipe or a device, no folder and no archive", f->top);
	const int fd = open(f->top, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) return eg_fail(err, EG_ERR_IO, "cannot read '%s': %s", f->top, strerror(errno));
	return open_archive(f, fd, &st, err);
}

bool eg_files_like_archive(const char *path) {
	static const struct {
		size_t at;
		const char *text;
	} begins[] = {{0, "PK"}, {0, "\x1f\x8b"}, {0, "BZh"}, {0, "\xfd" "7zXZ"}, {0, "\x28\xb5\x2f\xfd"}, {257, "ustar"}};
	char head[262] = {0};
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) return false;
	const ssize_t n = read(fd, head, sizeof head);
	close(fd);
	bool like = n > 0 && strstr(path, ".tar"); /* the oldest kind of tar says nothing of itself */
	for (int i = 0; i < EG_COUNT(begins); i++)
		like |= memcmp(head + begins[i].at, begins[i].text, strlen(begins[i].text)) == 0;
	return like;
}

eg_status eg_files_open(const char *path, eg_files **files, eg_error *err) {
	*files = NULL;
	size_t n = strlen(path);
	while (n > 1 && path[n - 1] == '/') n--;
	if (n >= EG_PATH - 8) return eg_fail(err, EG_ERR_ARG, "the folder's name is longer than %d bytes: '%s'", EG_PATH - 8, path);
	eg_files *f = eg_calloc(NULL, 1, sizeof *f);
	if (!f) return eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", path);
	memcpy(f->top, path, n);
	f->fd = -1;
	eg_status status = open_tree(f, err);
	if (status)
		eg_files_close(f);
	else
		*files = f;
	return status;
}

void eg_files_close(eg_files *f) {
	if (!f) return;
	if (f->fd >= 0) close(f->fd); /* opened for reading: nothing can be lost */
	eg_members_free(&f->members);
	eg_release(NULL, f);
}

const char *eg_files_top(const eg_files *f) { return f->top; }
bool eg_files_is_archive(const eg_files *f) { return f->fd >= 0; }
size_t eg_files_memory(const eg_files *f) { return (size_t)f->members.cap * sizeof(eg_member) + f->members.names.arena.used; }
const char *eg_files_unpacked(const eg_files *f) { return f->unpacked[0] ? f->unpacked : NULL; }

void eg_files_remark(const eg_files *f, eg_source *s, eg_part part) {
	if (f->unpacked[0] && part == EG_PART_TRAIN)
		eg_source_remark_more(s, part, "'%s' has been unpacked into '%s', once", f->top, f->unpacked);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* What a path below the top is called in the archive; false: it is not below it, or too long. */
static bool inner_name(const eg_files *f, const char *path, char name[EG_PATH]) {
	const size_t n = strlen(f->top);
	if (strncmp(path, f->top, n) != 0) return false;
	path += n;
	if (*path && *path != '/' && f->top[n - 1] != '/') return false;
	while (*path == '/') path++;
	const int length = snprintf(name, EG_PATH, "%s%s", f->inside, path);
	if (length < 0 || length >= EG_PATH) return false;
	for (size_t k = (size_t)length; k > 0 && name[k - 1] == '/'; k--) name[k - 1] = '\0';
	return true;
}

/* The first member that does not come before `name`. */
static int find_from(const eg_members *m, const char *name) {
	int low = 0, high = m->n;
	while (low < high) {
		const int at = low + (high - low) / 2;
		if (eg_member_order(m->at[at].name, name) < 0)
			low = at + 1;
		else
			high = at;
	}
	return low;
}

/* Is it a folder's name, or in that folder? */
static bool is_below(const char *name, const char *folder, size_t length) {
	return length == 0 || (strncmp(name, folder, length) == 0 && (name[length] == '/' || name[length] == '\0'));
}

bool eg_files_is_folder(const eg_files *f, const char *path) {
	char name[EG_PATH];
	if (!f || f->fd < 0) return eg_is_folder(path);
	if (!inner_name(f, path, name)) return false;
	if (!name[0]) return true;
	const int i = find_from(&f->members, name);
	return i < f->members.n && is_below(f->members.at[i].name, name, strlen(name)) &&
	       (f->members.at[i].size < 0 || f->members.at[i].name[strlen(name)] == '/');
}

bool eg_files_is_file(const eg_files *f, const char *path) {
	char name[EG_PATH];
	struct stat st;
	if (!f || f->fd < 0) return stat(path, &st) == 0 && S_ISREG(st.st_mode);
	const int i = inner_name(f, path, name) ? find_from(&f->members, name) : f->members.n;
	return i < f->members.n && f->members.at[i].size >= 0 && !strcmp(f->members.at[i].name, name);
}

/* Steps out of a folder of the set that is all there is in the archive. */
static void leave(eg_files *f, const char *folder) {
	const size_t n = strlen(f->inside), m = strlen(folder);
	if (n <= m || strncmp(f->inside + n - 1 - m, folder, m) != 0) return;
	if (n - 1 == m || f->inside[n - m - 2] == '/') f->inside[n - 1 - m] = '\0';
}

eg_status eg_files_inside(eg_files *f, const eg_data_info *info, char folder[EG_PATH], eg_error *err) {
	for (int i = 0; info->folders && info->folders[i]; i++) leave(f, info->folders[i]);
	memcpy(folder, f->top, strlen(f->top) + 1);
	if (f->fd < 0 || !info->archive || !info->archive->inside) return EG_OK;
	eg_status status = eg_join(folder, f->top, info->archive->inside, "", err);
	if (!status && !eg_files_is_folder(f, folder)) memcpy(folder, f->top, strlen(f->top) + 1);
	return status;
}

/* ---- listing ----------------------------------------------------------------------------------------------------- */

eg_status eg_folder_open(eg_folder *d, const eg_files *f, const char *path, eg_error *err) {
	*d = (eg_folder){.files = f, .path = path};
	if (!f || f->fd < 0) {
		d->dir = opendir(path);
		return d->dir ? EG_OK : eg_fail(err, EG_ERR_IO, "cannot list '%s': %s", path, strerror(errno));
	}
	if (!eg_files_is_folder(f, path) || !inner_name(f, path, d->name))
		return eg_fail(err, EG_ERR_IO, "cannot list '%s': the archive has no such folder", path);
	d->length = strlen(d->name);
	d->at = find_from(&f->members, d->name);
	return EG_OK;
}

/* The next name in an archive's folder. All that is below it comes one after the other, and is passed over. */
static void next_member(eg_folder *d, const char **name, eg_file_kind *kind) {
	const eg_members *m = &d->files->members;
	const size_t from = d->length + (d->length > 0);
	while (d->at < m->n && is_below(m->at[d->at].name, d->name, d->length)) {
		const eg_member *one = &m->at[d->at++];
		if (strlen(one->name) <= from) continue; /* the folder itself */
		const size_t n = strcspn(one->name + from, "/");
		*kind = one->name[from + n] || one->size < 0 ? EG_FILE_FOLDER : EG_FILE_REGULAR;
		snprintf(d->child, sizeof d->child, "%.*s", (int)n, one->name + from);
		while (*kind == EG_FILE_FOLDER && d->at < m->n && is_below(m->at[d->at].name, one->name, from + n)) d->at++;
		*name = d->child;
		return;
	}
}

eg_status eg_folder_next(eg_folder *d, const char **name, eg_file_kind *kind, eg_error *err) {
	const struct dirent *e;
	struct stat st;
	*name = NULL;
	*kind = EG_FILE_OTHER;
	if (!d->dir) {
		next_member(d, name, kind);
		return EG_OK;
	}
	do {
		errno = 0;
		e = readdir(d->dir);
		if (!e && errno) return eg_fail(err, EG_ERR_IO, "cannot list '%s': %s", d->path, strerror(errno));
	} while (e && e->d_name[0] == '.');
	*name = e ? e->d_name : NULL;
	if (e && fstatat(dirfd(d->dir), e->d_name, &st, 0) == 0)
		*kind = S_ISDIR(st.st_mode) ? EG_FILE_FOLDER : S_ISREG(st.st_mode) ? EG_FILE_REGULAR : EG_FILE_OTHER;
	return EG_OK;
}

void eg_folder_close(eg_folder *d) {
	if (d->dir) closedir(d->dir);
	d->dir = NULL;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static eg_status read_at(int fd, const char *path, int64_t at, uint8_t *data, size_t size, eg_error *err) {
	for (size_t done = 0; done < size;) {
		const ssize_t n = pread(fd, data + done, size - done, (off_t)(at + (int64_t)done));
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return eg_fail(err, EG_ERR_IO, "cannot read '%s': %s", path, strerror(errno));
		if (n == 0) return eg_fail(err, EG_ERR_FORMAT, "cannot read '%s': the archive has become shorter", path);
		done += (size_t)n;
	}
	return EG_OK;
}

eg_status eg_files_reader(const eg_files *f, const char *path, size_t limit, eg_reader **reader, eg_error *err) {
	char *data;
	size_t size;
	*reader = NULL;
	if (!f || f->fd < 0) return eg_reader_file(path, reader, err);
	eg_status status = eg_files_read(f, NULL, path, limit, &data, &size, err);
	return status ? status : eg_reader_taking(data, size, path, reader, err);
}

eg_status eg_files_read(const eg_files *f, const eg_allocator *a, const char *path, size_t limit, char **data, size_t *size,
	eg_error *err) {
	char name[EG_PATH];
	if (!f || f->fd < 0) return eg_file_read_regular(a, path, limit, data, size, err);
	*data = NULL;
	*size = 0;
	const int i = inner_name(f, path, name) ? find_from(&f->members, name) : f->members.n;
	const eg_member *one = i < f->members.n && !strcmp(f->members.at[i].name, name) ? &f->members.at[i] : NULL;
	if (!one || one->size < 0)
		return eg_fail(err, EG_ERR_IO, "cannot read '%s': %s", path,
		        eg_files_is_folder(f, path) ? "it is a folder" : "the archive has no such file");
	if ((uint64_t)one->size > limit)
		return eg_fail(err, EG_ERR_FORMAT, "'%s' is larger than the %zu bytes that are read here at most", path, limit);
	char *bytes = eg_alloc(a, (size_t)one->size + 1);
	if (!bytes) return eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", path);
	eg_status status = read_at(f->fd, path, one->at, (uint8_t *)bytes, (size_t)one->size, err);
	if (status) {
		eg_release(a, bytes);
		return status;
	}
	bytes[one->size] = '\0';
	*data = bytes;
	*size = (size_t)one->size;
	return EG_OK;
}
