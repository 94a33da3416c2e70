/* get.c - `engram data get`: a complete and checked copy of a set on this machine, downloading what is missing. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct getting {
	const eg_data_info *info;
	const char *folder;
	const eg_data_callbacks *cb; /* may be NULL */
	eg_fetch *fetch;             /* NULL until something is to be downloaded */
	bool same;    /* what is in an archive, or in folders, is what figures are told of */
	char sum[65]; /* of the file that was checked last */
	eg_data_progress now;
} getting;

static void note(const getting *g, const char *fmt, ...) EG_PRINTF(2, 3);
static void note(const getting *g, const char *fmt, ...) {
	if (!g->cb || !g->cb->note) return;
	char text[1200];
	va_list args;
	va_start(args, fmt);
	vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	g->cb->note(g->cb->user, text);
}

static bool report(getting *g, int64_t done, int64_t total, bool checking) {
	g->now.done = done, g->now.total = total, g->now.checking = checking;
	return !g->cb || !g->cb->progress || g->cb->progress(g->cb->user, &g->now);
}

/* ---- checking ---------------------------------------------------------------------------------------------------- */

static bool is_archive(const getting *g, const eg_data_file *file) {
	return g->info->archive && file == &g->info->archive->file;
}

/* The most bytes that a file may have: of an archive, which may be packed anew, several times as many as it had. */
static int64_t most_bytes(const getting *g, const eg_data_file *file) {
	return is_archive(g, file) ? 4 * file->bytes : file->bytes;
}

/* Puts the sum of a file, unpacked unless the set's sums are of what is packed, into g->sum. */
static eg_status sum_file(
	getting *g, const char *path, const eg_data_file *file, bool packed, int64_t *bytes, eg_error *err) {
	eg_sha256 sum;
	size_t got;
	enum { PIECE = 256 * 1024 };
	eg_status status = EG_OK;
	eg_reader *s = packed ? eg_reader_packed(path, err) : eg_reader_open(path, err);
	uint8_t *piece = s ? eg_alloc(NULL, PIECE) : NULL;
	if (!s) return err->status;
	if (!piece) status = eg_fail(err, EG_ERR_MEMORY, "cannot check '%s': out of memory", path);
	eg_sha256_begin(&sum);
	while (status == EG_OK) {
		if (!report(g, *bytes, file->bytes, true))
			status = eg_fail(err, EG_ERR_STOPPED, "stopped while checking '%s'", path);
		if (status == EG_OK) status = eg_reader_read(s, piece, PIECE, &got, err);
		if (status != EG_OK || got == 0) break;
		*bytes += (int64_t)got;
		eg_sha256_add(&sum, piece, got);
		if (*bytes > most_bytes(g, file))
			status = eg_fail(err, EG_ERR_FORMAT,
			        "'%s' is not the file of this set: it is longer than %lld bytes%s", path,
			        (long long)most_bytes(g, file), packed ? "" : " unpacked");
	}
	eg_reader_close(s);
	eg_release(NULL, piece);
	eg_sha256_end(&sum, g->sum);
	return status;
}

/* Is the file at `path` what was published? EG_ERR_FORMAT: no. An archive may be another that has the same in it, or,
 * where its sum is not known, whatever the set can be read from. */
static eg_status check_file(getting *g, const char *path, const eg_data_file *file, eg_error *err) {
	const bool packed = g->info->packed_sums || is_archive(g, file);
	int64_t bytes = 0;
	g->same = true; /* of this file nothing else is known yet */
	eg_status status = sum_file(g, path, file, packed, &bytes, err);
	if (status != EG_OK) return status;
	if (file->sha256 && bytes == file->bytes && strcmp(g->sum, file->sha256) == 0) return EG_OK;
	if (is_archive(g, file)) {
		status = eg_data_contents_check(g->info, path, &g->same, err);
		if (status || g->same || !file->sha256) return status;
	}
	return eg_fail(err, EG_ERR_FORMAT,
	        "'%s' is not the file of this set: %lld bytes%s (not %lld), SHA-256 %.12s... (not %.12s...)",
	        path, (long long)bytes, packed ? "" : " unpacked", (long long)file->bytes, g->sum, file->sha256);
}

/* The same for a file in its place, which was perhaps downloaded before. */
static eg_status check_kept(getting *g, const char *path, const eg_data_file *file, eg_error *err) {
	char first[65];
	eg_status status = check_file(g, path, file, err);
	if (status || file->sha256 || !eg_data_sum_read(path, first) || strcmp(first, g->sum) == 0) return status;
	return eg_fail(err, EG_ERR_FORMAT, "'%s' is not what was downloaded: its SHA-256 is %.12s..., not %.12s... as in '%s.sha256'",
	        path, g->sum, first, path);
}

/* Of an archive without a known sum the first is kept. */
static eg_status remember(getting *g, const eg_data_file *file, eg_error *err) {
	char path[EG_PATH], first[65];
	if (file->sha256) return EG_OK;
	eg_status status = eg_join(path, g->folder, file->name, "", err);
	if (!status && eg_data_sum_read(path, first) && strcmp(first, g->sum) != 0)
		note(g, "what is published of %s has changed since it was downloaded first: SHA-256 %.12s..., not %.12s...", g->info->name,
		        g->sum, first);
	return status ? status : eg_data_sum_write(path, g->sum, err);
}

/* ---- downloading ------------------------------------------------------------------------------------------------- */

static bool on_progress(void *user, int64_t done, int64_t total) {
	getting *g = user;
	return report(g, done, total, false);
}

/* Opens FILE.part for this process alone. What lies there may be anything: a link, behind which somebody's file would
 * be overwritten, a pipe, on which one would wait. */
static int open_part(const char *path, eg_error *err) {
	struct stat ours, named;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0666);
	const char *why = NULL;
	if (fd < 0)
		why = errno == ELOOP ? "it is a link; remove it" : strerror(errno);
	else if (fstat(fd, &ours) != 0)
		why = strerror(errno);
	else if (!S_ISREG(ours.st_mode))
		why = "it is a pipe or a device; remove it";
	else if (ours.st_nlink > 1)
		why = "it has another name too; remove it";
	if (why) {
		eg_fail(err, EG_ERR_IO, "cannot write '%s': %s", path, why);
		if (fd >= 0) close(fd);
		return -1;
	}
	/* Between opening and locking another process may have finished and renamed the file. */
	if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &ours) == 0 && lstat(path, &named) == 0 &&
	        ours.st_ino == named.st_ino && ours.st_dev == named.st_dev)
		return fd;
	close(fd);
	eg_fail(err, EG_ERR_IO, "'%s' is in use: another process is downloading it", path);
	return -1;
}

/* One file from one address into `part`, checked. What came over from an earlier run may be of another file: when the
 * whole is wrong it is fetched once more from the start. */
static eg_status fetch_from(
	getting *g, const eg_data_file *file, const char *url, int fd, const char *part, eg_error *err) {
	int64_t limit = most_bytes(g, file) + file->bytes / 100 + 4096; /* no packing makes it longer than this */
	eg_fetch_job job = {url, part, fd, limit, on_progress, g};
	eg_status status;
	bool resumed = false;
	do {
		g->now.url = url;
		status = eg_fetch_run(g->fetch, &job, &resumed, err);
		if (status == EG_OK && (status = check_file(g, part, file, err)) == EG_ERR_FORMAT)
			eg_fail(err, status, "%s brings something else than the published file", url);
		if (status == EG_ERR_FORMAT && ftruncate(fd, 0) != 0)
			return eg_fail(err, EG_ERR_IO, "cannot write '%s': %s", part, strerror(errno));
		if (status == EG_ERR_FORMAT && resumed)
			note(g, "%s%s.part was of another file: from the start", file->name, eg_data_file_suffix(file));
	} while (status == EG_ERR_FORMAT && resumed);
	return status;
}

/* A publisher's address, or that of a mirror, which is laid out as we keep the files. */
static eg_status make_url(
	char url[EG_PATH], const getting *g, const char *base, bool mirror, const eg_data_file *file, eg_error *err) {
	char folder[EG_PATH];
	const char *suffix = eg_data_file_suffix(file);
	if (!mirror) return eg_join(url, base, file->published ? file->published : file->name, suffix, err);
	eg_status status = eg_join(folder, base, eg_data_folder_name(g->info), "", err);
	return status == EG_OK ? eg_join(url, folder, file->name, suffix, err) : status;
}

/* Tries the addresses in turn. */
static eg_status fetch_any(getting *g, const eg_data_file *file, int fd, const char *part, eg_error *err) {
	const char *mirror = getenv("ENGRAM_MIRROR");
	bool mirrored = mirror && *mirror;
	char tried[800] = "", url[EG_PATH];
	eg_error why = {EG_ERR_IO, "no address is known"};
	for (int i = 0; mirrored ? i == 0 : g->info->urls && g->info->urls[i]; i++) {
		eg_status status = make_url(url, g, mirrored ? mirror : g->info->urls[i], mirrored, file, &why);
		if (status == EG_OK) status = fetch_from(g, file, url, fd, part, &why);
		if (status == EG_OK) return EG_OK;
		if (status == EG_ERR_STOPPED || status == EG_ERR_MEMORY) return eg_fail(err, status, "%s", why.message);
		size_t n = strlen(tried);
		snprintf(tried + n, sizeof tried - n, "%s%.390s", n ? "; " : "", why.message);
		if (!mirrored && g->info->urls[i + 1]) note(g, "%s; trying the next address", why.message);
	}
	eg_fail(err, why.status, "cannot get %s%s of %s: %s", file->name, eg_data_file_suffix(file), g->info->name,
	        tried[0] ? tried : why.message);
	/* Some publishers let only browsers in. */
	if (is_archive(g, file) && g->info->urls && why.status == EG_ERR_IO)
		eg_fail(err, why.status, "%s; or take %s%s by a browser, and put it there as '%s/%s'", err->message, g->info->urls[0],
		        file->published, g->folder, file->name);
	return why.status;
}

/* What an earlier run has left may be the whole: it was killed before it could rename it. */
static eg_status is_whole(getting *g, const eg_data_file *file, int fd, const char *part, bool *whole, eg_error *err) {
	struct stat st;
	eg_error why = {EG_OK, ""};
	*whole = false;
	if (fstat(fd, &st) != 0 || st.st_size == 0) return EG_OK;
	eg_status status = check_file(g, part, file, &why);
	*whole = status == EG_OK;
	if (status == EG_OK || status == EG_ERR_FORMAT) return EG_OK;
	return eg_fail(err, status, "%s", why.message);
}

static bool has_address(const eg_data_info *info) {
	const char *mirror = getenv("ENGRAM_MIRROR");
	return info->urls || (mirror && *mirror);
}

static eg_status download(getting *g, const eg_data_file *file, eg_error *err) {
	char path[EG_PATH], part[EG_PATH];
	struct stat st;
	if (!has_address(g->info))
		return eg_fail(err, EG_ERR_IO, "%s cannot be downloaded: %s. '%s' is looked for in '%s'", g->info->name,
		        g->info->by_hand ? g->info->by_hand : "no address is known", file->name, g->folder);
	bool plain = file->published != NULL;
	eg_status status = eg_join(path, g->folder, file->name, plain ? "" : ".gz", err);
	if (status == EG_OK) status = eg_join(part, g->folder, file->name, plain ? ".part" : ".gz.part", err);
	if (status == EG_OK) status = eg_make_folders(g->folder, err);
	if (status != EG_OK) return status;
	bool whole = false;
	int fd = open_part(part, err);
	if (fd < 0) return EG_ERR_IO;
	status = is_whole(g, file, fd, part, &whole, err);
	if (status == EG_OK && !whole && !g->fetch && !(g->fetch = eg_fetch_new(err))) status = err->status;
	if (status == EG_OK && !whole) status = fetch_any(g, file, fd, part, err);
	if (status == EG_OK && (fsync(fd) != 0 || rename(part, path) != 0))
		status = eg_fail(err, EG_ERR_IO, "cannot write '%s': %s", path, strerror(errno));
	if (status != EG_OK && fstat(fd, &st) == 0 && st.st_size == 0) unlink(part); /* nothing there to go on from */
	close(fd);
	return status;
}

/* ---- a set ------------------------------------------------------------------------------------------------------- */

/* *downloaded is raised when the file had to come over the net. */
static eg_status get_file(getting *g, eg_data_origin origin, const eg_data_file *file, int *downloaded, eg_error *err) {
	char path[EG_PATH];
	bool damaged = false;
	g->now.file = file->name;
	g->now.url = NULL;
	if (eg_data_file_find(g->folder, file->name, path)) {
		eg_error why = {EG_OK, ""};
		eg_status status = check_kept(g, path, file, &why);
		if (status == EG_OK) return EG_OK;
		if (status != EG_ERR_FORMAT) return eg_fail(err, status, "%s", why.message);
		if (origin == EG_DATA_PACKAGE)
			return eg_fail(
			        err, status, "%s: type `apt install --reinstall %s`", why.message, g->info->package);
		if (origin == EG_DATA_VARIABLE)
			return eg_fail(err, status,
			        "%s: it stands in a folder of ENGRAM_DATA, which is never changed; remove or replace "
			        "it",
			        why.message);
		if (!has_address(g->info) || origin == EG_DATA_SHIPPED)
			return eg_fail(err, status, "%s; it can be read all the same", why.message);
		note(g, "%s; it is downloaded anew", why.message);
		damaged = true;
	}
	eg_status status = download(g, file, err);
	if (status == EG_OK) status = remember(g, file, err);
	if (status == EG_OK) ++*downloaded;
	/* A gzipped one would be found before the plain one that has come. */
	char plain[EG_PATH];
	if (status == EG_OK && damaged && file->published && eg_join(plain, g->folder, file->name, "", NULL) == EG_OK && strcmp(path, plain) != 0)
		unlink(path);
	return status;
}

/* The folder given, that where the set is, or that where it is to be put. */
static eg_status choose_place(const eg_data_info *info, const char *folder, eg_data_place *place, eg_error *err) {
	if (folder) {
		place->origin = EG_DATA_GIVEN;
		size_t n = strlen(folder) + 1;
		if (n > sizeof place->folder)
			return eg_fail(err, EG_ERR_ARG, "the folder's name is too long: '%s'", folder);
		memcpy(place->folder, folder, n);
		return EG_OK;
	}
	if (info->nfiles == 0 && !info->archive) return eg_data_locate_set(info, NULL, place, err);
	if (eg_data_locate_set(info, NULL, place, NULL) == EG_OK) return EG_OK;
	place->origin = EG_DATA_CACHE;
	return eg_data_cache_folder(eg_data_folder_name(info), place->folder, err);
}

/* A set of folders that was not packed for us has no checksums: what is there is taken as it is. */
static eg_status check_folders(getting *g, eg_error *err) {
	const eg_data_info *info = g->info;
	char lacking[EG_LACKING];
	if (info->archive) return eg_data_contents_check(info, g->folder, &g->same, err);
	eg_data_pieces(info, g->folder, lacking);
	if (!lacking[0]) return EG_OK;
	return eg_fail(
	        err, EG_ERR_IO, "%s: there is no %s in folder '%s'; %s", info->name, lacking, g->folder, info->by_hand);
}

/* Is there another file in place of the set's, and none of those? */
static bool stands_in(const eg_data_info *info, const char *folder) {
	char path[EG_PATH];
	for (int i = 0; i < info->nfiles; i++)
		if (eg_data_file_find(folder, info->files[i].name, path)) return false;
	return info->instead && eg_data_file_find(folder, info->instead, path);
}

/* Files, or folders, or the archive in their place. */
static eg_status get_all(getting *g, eg_data_got *got, eg_error *err) {
	const eg_data_info *info = g->info;
	const eg_data_archive *archive = info->archive;
	char path[EG_PATH], lacking[EG_LACKING];
	eg_status status = EG_OK;
	eg_data_pieces(info, g->folder, lacking);
	if (archive && (lacking[0] || eg_data_archive_find(info, g->folder, path))) {
		g->now.files = 1;
		status = get_file(g, got->place.origin, &archive->file, &got->downloaded, err);
		got->checked = status == EG_OK && g->same;
	} else if (info->folders) {
		status = check_folders(g, err);
		got->checked = status == EG_OK && archive && g->same;
	} else {
		for (int i = 0; i < info->nfiles && status == EG_OK && !stands_in(info, g->folder); i++) {
			g->now.index = i;
			status = get_file(g, got->place.origin, &info->files[i], &got->downloaded, err);
			got->checked += status == EG_OK;
		}
	}
	if (status == EG_OK && !g->same)
		note(g, "%s in '%s' is not quite what the figures in docs/results.md are of: publishers change it with time", info->name,
		        g->folder);
	return status;
}

eg_status eg_data_get_set(
	const eg_data_info *info, const char *folder, const eg_data_callbacks *cb, eg_data_got *got, eg_error *err) {
	eg_data_got result = {0};
	eg_error local = {EG_OK, ""};
	if (!err) err = &local;
	if (!eg_data_is_set(info))
		return eg_fail(err, EG_ERR_ARG, "there is nothing to get for data source '%s': %s", info->name,
		        info->path == EG_DATA_PATH_COMPUTED ? "its records are computed"
		                                            : "it reads files that you name");
	eg_status status = choose_place(info, folder, &result.place, err);
	getting g = {.info = info, .folder = result.place.folder, .cb = cb, .now = {.files = info->nfiles}, .same = true};
	if (!status) status = get_all(&g, &result, err);
	eg_fetch_free(g.fetch);
	if (got) *got = result;
	return status;
}

eg_status eg_data_get(
	const char *name, const char *folder, const eg_data_callbacks *cb, eg_data_got *got, eg_error *err) {
	const eg_source_type *type = eg_source_type_find(name, err);
	return type ? eg_data_get_set(&type->info, folder, cb, got, err) : EG_ERR_ARG;
}
