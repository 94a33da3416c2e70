/* archive.c - the members of tar and zip archives through libarchive; the only file that knows it. The library is
 * loaded when it is first needed, as libcurl is (fetch.c): it brings a dozen others with it.
 *
 * What is in an archive is somebody else's word. So the whole archive is refused, by the name of the entry, when one
 * of its entries leads out of it, is a link or a device, is there twice, or when it is larger unpacked than it may
 * be.
 *
 * What is gzipped is unpacked by our own reader: the library does not look at its checksum.
 *
 * In a plain tar the contents lie as they are, and are read in place. All others are written anew as one plain tar,
 * whose members are then read in the same way: tens of thousands of small files would take longer to make than to
 * read.
 *
 * Not here: where that tar is kept, and reading from it (files.c). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"

#include <string.h>

/* 4 Mi names are some hundred MB. Data sets are packed 1 to 30 : 1, bombs 1000 : 1 and more. */
const eg_archive_limits eg_archive_usual = {
	.entries = (int64_t)1 << 22, .bytes = (int64_t)256 << 30, .ratio = 200, .free = (int64_t)64 << 20};

/* ---- order of names ---------------------------------------------------------------------------------------------- */

/* By bytes, but that '/' comes before all others: so what is in a folder follows it at once. */
int eg_member_order(const char *a, const char *b) {
	while (*a && *a == *b) a++, b++;
	const int x = *a == '/' ? 1 : *a ? 1 + (uint8_t)*a : 0, y = *b == '/' ? 1 : *b ? 1 + (uint8_t)*b : 0;
	return x - y;
}

void eg_members_free(eg_members *m) {
	eg_release(NULL, m->at);
	eg_pool_free(&m->names);
	*m = (eg_members){0};
}

#ifdef ENGRAM_HAVE_ARCHIVE

#include <archive.h>
#include <archive_entry.h>
#include <dlfcn.h>
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#ifdef __APPLE__
#include <xlocale.h>
#endif

enum { PIECE = 64 * 1024, BLOCK = 512 };

typedef struct archive *pack;
typedef struct archive_entry *entry;

/* What is used of the library: FUNCTION(name without archive_, result, arguments). */
#define FUNCTIONS(F) \
	F(read_new, pack, (void)) \
	F(read_free, int, (pack)) \
	F(read_support_filter_bzip2, int, (pack)) \
	F(read_support_filter_xz, int, (pack)) \
	F(read_support_filter_zstd, int, (pack)) \
	F(read_support_format_tar, int, (pack)) \
	F(read_support_format_zip, int, (pack)) \
	F(read_set_seek_callback, int, (pack, archive_seek_callback *)) \
	F(read_open2, int, (pack, void *, archive_open_callback *, archive_read_callback *, archive_skip_callback *, \
	                           archive_close_callback *)) \
	F(read_next_header, int, (pack, entry *)) \
	F(read_data, la_ssize_t, (pack, void *, size_t)) \
	F(filter_count, int, (pack)) \
	F(filter_bytes, la_int64_t, (pack, int)) \
	F(format, int, (pack)) \
	F(error_string, const char *, (pack)) \
	F(entry_pathname, const char *, (entry)) \
	F(entry_filetype, mode_t, (entry)) \
	F(entry_hardlink, const char *, (entry)) \
	F(entry_size, la_int64_t, (entry)) \
	F(entry_size_is_set, int, (entry)) \
	F(entry_sparse_count, int, (entry)) \
	F(entry_is_encrypted, int, (entry)) \
	F(entry_new, entry, (void)) \
	F(entry_free, void, (entry)) \
	F(entry_copy_pathname, void, (entry, const char *)) \
	F(entry_set_filetype, void, (entry, unsigned)) \
	F(entry_set_perm, void, (entry, mode_t)) \
	F(entry_set_size, void, (entry, la_int64_t)) \
	F(write_new, pack, (void)) \
	F(write_free, int, (pack)) \
	F(write_set_format_pax_restricted, int, (pack)) \
	F(write_open, int, (pack, void *, archive_open_callback *, archive_write_callback *, archive_close_callback *)) \
	F(write_header, int, (pack, entry)) \
	F(write_data, la_ssize_t, (pack, const void *, size_t)) \
	F(write_close, int, (pack))

typedef struct library {
#define MEMBER(name, result, arguments) result(*name) arguments;
	FUNCTIONS(MEMBER)
#undef MEMBER
} library;

/* dlsym returns a pointer to data; POSIX promises that its bits are the function's address. */
static bool symbol(void *from, const char *name, void *function) {
	void *p = dlsym(from, name);
	memcpy(function, &p, sizeof p);
	return p != NULL;
}

static eg_status load(library *l, eg_error *err) {
	static const char *const names[] = {"libarchive.so.13", "libarchive.so", "libarchive.13.dylib"};
	void *from = NULL;
	bool whole = true;
	for (int i = 0; !from && i < EG_COUNT(names); i++) from = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (!from)
		return eg_fail(err, EG_ERR_IO,
		        "libarchive.so.13 is not installed, which is needed to read archives (Debian: apt install libarchive13)");
#define LOAD(name, result, arguments) whole = whole && symbol(from, "archive_" #name, &l->name);
	FUNCTIONS(LOAD)
#undef LOAD
	return whole ? EG_OK : eg_fail(err, EG_ERR_IO, "libarchive is older than the one that engram was built with");
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

typedef struct reading {
	library l;
	const char *name; /* of the archive, for messages */
	const eg_archive_limits *limits;
	int fd, error;    /* errno of a failed read */
	int64_t size, at; /* of the file; where it is read next */
	int64_t end;      /* of the last entry, with its contents */
	eg_reader *unzip; /* NULL: it is not gzipped */
	eg_error why;     /* of that */
	pack a;
	int64_t entries, taken; /* bytes that a plain tar of what has come so far takes */
	locale_t locale, before;
	uint8_t piece[PIECE];
} reading;

static la_ssize_t on_read(struct archive *a, void *user, const void **data) {
	reading *r = user;
	ssize_t n;
	size_t got;
	EG_UNUSED(a);
	*data = r->piece;
	if (r->unzip) return eg_reader_read(r->unzip, r->piece, PIECE, &got, &r->why) == EG_OK ? (la_ssize_t)got : -1;
	do n = pread(r->fd, r->piece, PIECE, r->at);
	while (n < 0 && errno == EINTR);
	if (n < 0) r->error = errno;
	if (n > 0) r->at += n;
	return n;
}

static la_int64_t on_skip(struct archive *a, void *user, la_int64_t n) {
	reading *r = user;
	EG_UNUSED(a);
	if (r->unzip) return 0;
	if (n > r->size - r->at) n = r->size > r->at ? r->size - r->at : 0;
	r->at += n;
	return n;
}

static la_int64_t on_seek(struct archive *a, void *user, la_int64_t offset, int whence) {
	reading *r = user;
	const int64_t from = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? r->at : r->size;
	EG_UNUSED(a);
	if (offset < -from || offset > r->size - from) return ARCHIVE_FATAL;
	return r->at = from + offset;
}

static eg_status damaged(const reading *r, eg_error *err) {
	const char *why = r->l.error_string(r->a);
	if (r->why.status) return eg_fail(err, r->why.status, "%s", r->why.message);
	if (r->error) return eg_fail(err, EG_ERR_IO, "cannot read '%s': %s", r->name, strerror(r->error));
	if (why && strstr(why, "nrecognized archive format"))
		return eg_fail(err, EG_ERR_FORMAT, "'%s' is no tar, tar.gz, tar.bz2, tar.xz, tar.zst or zip archive", r->name);
	return eg_fail(err, EG_ERR_FORMAT, "the archive '%s' is damaged or cut off (%s)", r->name, why ? why : "no reason told");
}

/* Names of pax archives are brought to the character set of the locale, which without one is ASCII. This thread has one
 * of UTF-8 while it reads, where the system knows one. */
static eg_status begin(reading *r, int fd, const char *name, const eg_archive_limits *limits, eg_error *err) {
	struct stat st;
	r->name = name, r->fd = fd, r->limits = limits;
	if (fstat(fd, &st) != 0) return eg_fail(err, EG_ERR_IO, "cannot read '%s': %s", name, strerror(errno));
	r->size = st.st_size;
	if (r->size == 0) return eg_fail(err, EG_ERR_FORMAT, "the archive '%s' is empty", name);
	eg_status status = load(&r->l, err);
	if (status) return status;
	r->unzip = eg_reader_again(fd, name, err);
	if (!r->unzip) return err ? err->status : EG_ERR_IO;
	if (!eg_reader_is_packed(r->unzip)) {
		eg_reader_close(r->unzip);
		r->unzip = NULL;
	}
	r->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (r->locale) r->before = uselocale(r->locale);
	const library *l = &r->l;
	r->a = l->read_new();
	if (!r->a) return eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", name);
	l->read_support_filter_bzip2(r->a), l->read_support_filter_xz(r->a), l->read_support_filter_zstd(r->a);
	l->read_support_format_tar(r->a), l->read_support_format_zip(r->a);
	if (!r->unzip) l->read_set_seek_callback(r->a, on_seek);
	return l->read_open2(r->a, r, NULL, on_read, on_skip, NULL) == ARCHIVE_OK ? EG_OK : damaged(r, err);
}

static void end(reading *r) {
	if (r->a) r->l.read_free(r->a);
	eg_reader_close(r->unzip);
	if (r->locale) {
		uselocale(r->before);
		freelocale(r->locale);
	}
}

/* ---- what may be in it ------------------------------------------------------------------------------------------- */

static eg_status refuse(const reading *r, const char *name, const char *why, eg_error *err) {
	return eg_fail(err, EG_ERR_FORMAT, "the archive '%s' is not read: its entry '%.300s' %s", r->name, name, why);
}

/* A name without "." and double slashes, of which `hidden` says whether a part of it is passed over. */
static eg_status clean_name(const reading *r, const char *name, char clean[EG_PATH], bool *hidden, eg_error *err) {
	size_t n = 0;
	char shown[300];
	snprintf(shown, sizeof shown, "%s", name ? name : "");
	for (char *c = shown; *c; c++)
		if ((uint8_t)*c < 0x20 || *c == 0x7F) *c = '?';
	*hidden = false;
	if (!name || !*name)
		return eg_fail(err, EG_ERR_FORMAT, "the archive '%s' is not read: its entry number %lld has no name, or one that is not UTF-8",
		        r->name, (long long)r->entries);
	if (*name == '/') return refuse(r, shown, "has an absolute name", err);
	if (strlen(name) >= EG_PATH) return refuse(r, shown, "has a name of more than 1023 bytes", err);
	for (const char *c = name; *c; c++)
		if ((uint8_t)*c < 0x20 || *c == 0x7F) return refuse(r, shown, "has a control character in its name", err);
	for (const char *c = name; *c;) {
		size_t length = strcspn(c, "/");
		if (length == 2 && c[0] == '.' && c[1] == '.') return refuse(r, shown, "leads out of it ('..')", err);
		if (length > 0 && !(length == 1 && c[0] == '.')) {
			/* macOS keeps notes of its own in the second. */
			*hidden |= c[0] == '.' || (length == 8 && memcmp(c, "__MACOSX", 8) == 0);
			if (n) clean[n++] = '/';
			memcpy(clean + n, c, length);
			n += length;
		}
		c += length + (c[length] == '/');
	}
	clean[n] = '\0';
	return EG_OK;
}

static eg_status check_kind(const reading *r, entry e, const char *name, eg_error *err) {
	const mode_t kind = r->l.entry_filetype(e);
	const char *why = NULL;
	if (r->l.entry_hardlink(e) || kind == AE_IFLNK)
		why = "is a link; pack what it leads to in its place (tar --dereference --hard-dereference)";
	else if (kind != AE_IFREG && kind != AE_IFDIR)
		why = "is a pipe or a device, no file";
	else if (r->l.entry_is_encrypted(e))
		why = "is encrypted; unpack the archive by hand";
	else if (kind == AE_IFREG && (!r->l.entry_size_is_set(e) || r->l.entry_size(e) < 0))
		why = "does not say how large it is; unpack the archive by hand";
	return why ? refuse(r, name, why, err) : EG_OK;
}

static eg_status cut_off(const reading *r, const char *name, eg_error *err) {
	return eg_fail(err, EG_ERR_FORMAT, "the archive '%s' is cut off: it ends in its entry '%s'", r->name, name);
}

/* Is there room for the `more` bytes that an entry says it has? What is read in place takes none. */
static eg_status check_sizes(const reading *r, const char *name, bool in_place, int64_t more, eg_error *err) {
	const eg_archive_limits *l = r->limits;
	const int64_t most = r->size > l->bytes / l->ratio ? l->bytes : r->size * l->ratio;
	if (r->entries > l->entries)
		return eg_fail(err, EG_ERR_FORMAT, "the archive '%s' is not read: it has more than the %lld entries that it may have", r->name,
		        (long long)l->entries);
	if (in_place) return more > r->size ? cut_off(r, name, err) : EG_OK;
	int64_t taken = r->taken;
	if (r->l.filter_bytes(r->a, 0) > taken && (r->unzip || r->l.filter_count(r->a) > 1)) taken = r->l.filter_bytes(r->a, 0);
	if (more > l->bytes || taken > l->bytes - more)
		return eg_fail(err, EG_ERR_FORMAT, "the archive '%s' is not read: unpacked it has more than the %lld bytes that it may have",
		        r->name, (long long)l->bytes);
	if (taken + more > l->free && taken + more > most)
		return eg_fail(err, EG_ERR_FORMAT,
		        "the archive '%s' is not read: its %lld bytes become more than %lld times as many, as those of archives do that are made "
		        "to fill disks; if it is none, unpack it by hand",
		        r->name, (long long)r->size, (long long)l->ratio);
	return EG_OK;
}

static bool is_plain_tar(const reading *r) {
	return !r->unzip && r->l.filter_count(r->a) == 1 && (r->l.format(r->a) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR;
}

static bool is_in_place(const reading *r, entry e) { return is_plain_tar(r) && r->l.entry_sparse_count(e) == 0; }

/* Behind the end of the archive there may be zeros, and what is gzipped has its checksum there. */
static eg_status read_rest(reading *r, eg_error *err) {
	size_t got = 1;
	for (int64_t all = 0; r->unzip && got > 0; all += (int64_t)got) {
		eg_status status = eg_reader_read(r->unzip, r->piece, PIECE, &got, err);
		if (status) return status;
		if (all > r->limits->free)
			return eg_fail(err, EG_ERR_FORMAT, "the archive '%s' is damaged: more than %lld bytes follow behind its end", r->name,
			        (long long)r->limits->free);
	}
	return EG_OK;
}

/* The next entry that counts; *e NULL: there is no more. */
static eg_status next(reading *r, entry *e, char name[EG_PATH], bool *folder, eg_error *err) {
	for (bool hidden = true; hidden || !name[0];) {
		const int result = r->l.read_next_header(r->a, e);
		if (result == ARCHIVE_EOF) {
			*e = NULL;
			return read_rest(r, err);
		}
		r->entries++;
		/* A warning tells of attributes that are none of ours, or of a name that is not UTF-8. */
		if (result != ARCHIVE_OK && result != ARCHIVE_WARN) return damaged(r, err);
		eg_status status = clean_name(r, r->l.entry_pathname(*e), name, &hidden, err);
		if (!status) status = check_kind(r, *e, name, err);
		if (status) return status;
		*folder = r->l.entry_filetype(*e) == AE_IFDIR;
		const int64_t size = *folder ? 0 : r->l.entry_size(*e);
		r->taken += 2 * BLOCK;
		if (!name[0] && !*folder) status = refuse(r, ".", "is a file without a name", err);
		if (!status) status = check_sizes(r, name, is_in_place(r, *e), size, err);
		if (status) return status;
		r->end = r->l.filter_bytes(r->a, 0) + (size + BLOCK - 1) / BLOCK * BLOCK;
	}
	return EG_OK;
}

/* ---- the members of a plain tar ---------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b) {
	return eg_member_order(((const eg_member *)a)->name, ((const eg_member *)b)->name);
}

static eg_status sort(const reading *r, eg_members *m, eg_error *err) {
	int n = 0;
	if (m->n > 1) qsort(m->at, (size_t)m->n, sizeof *m->at, by_name);
	for (int i = 0; i < m->n; i++) {
		const eg_member *one = &m->at[i], *before = n ? &m->at[n - 1] : NULL;
		const size_t length = before ? strlen(before->name) : 0;
		if (before && !strcmp(before->name, one->name)) {
			if (before->size < 0 && one->size < 0) continue; /* folders are often told twice */
			return refuse(r, one->name, "is there twice", err);
		}
		if (before && before->size >= 0 && !strncmp(before->name, one->name, length) && one->name[length] == '/')
			return refuse(r, before->name, "is a file, and a folder too", err);
		m->at[n++] = *one;
	}
	m->n = n;
	return EG_OK;
}

static eg_status put_member(const reading *r, eg_members *m, const char *name, int64_t at, int64_t size, eg_error *err) {
	char *copy = eg_pool_text(&m->names, name, strlen(name));
	if (!copy || !eg_grow(NULL, &m->at, &m->cap, m->n, sizeof *m->at))
		return eg_fail(err, EG_ERR_MEMORY, "cannot list the archive '%s': out of memory", r->name);
	m->at[m->n++] = (eg_member){copy, at, size};
	return EG_OK;
}

static eg_status list(reading *r, eg_members *m, bool *packed, eg_error *err) {
	char name[EG_PATH];
	entry e;
	bool folder = false;
	for (;;) {
		eg_status status = next(r, &e, name, &folder, err);
		if (status) return status;
		if (!e) break;
		*packed = !is_in_place(r, e);
		if (*packed) return EG_OK;
		/* All that stands before the contents has been taken in. */
		const int64_t at = r->l.filter_bytes(r->a, 0), size = folder ? -1 : r->l.entry_size(e);
		if (size > r->size - at) return cut_off(r, name, err);
		status = put_member(r, m, name, at, size, err);
		if (status) return status;
	}
	/* Behind the last there is a block of zeros, two to be exact. */
	if (r->entries > 0 && is_plain_tar(r) && r->end + BLOCK > r->size)
		return eg_fail(err, EG_ERR_FORMAT, "the archive '%s' is cut off: no end follows behind its last entry", r->name);
	return sort(r, m, err);
}

static eg_status no_memory(const char *name, eg_error *err) {
	return eg_fail(err, EG_ERR_MEMORY, "cannot read the archive '%s': out of memory", name);
}

eg_status eg_archive_list(
	int fd, const char *name, const eg_archive_limits *limits, eg_members *m, bool *packed, eg_error *err) {
	*m = (eg_members){0};
	*packed = false;
	reading *r = eg_calloc(NULL, 1, sizeof *r);
	if (!r) return no_memory(name, err);
	eg_status status = begin(r, fd, name, limits, err);
	if (!status) status = list(r, m, packed, err);
	end(r);
	eg_release(NULL, r);
	if (status || *packed) eg_members_free(m);
	return status;
}

/* ---- unpacking --------------------------------------------------------------------------------------------------- */

typedef struct writing {
	const eg_archive_sink *to;
	bool stopped;
	pack a;
} writing;

static la_ssize_t on_write(struct archive *a, void *user, const void *data, size_t size) {
	writing *w = user;
	EG_UNUSED(a);
	if (!w->stopped) w->stopped = !w->to->put(w->to->user, data, size);
	return w->stopped ? -1 : (la_ssize_t)size;
}

/* The sink knows why it takes no more. */
static eg_status cannot_write(const reading *r, const writing *w, eg_error *err) {
	const char *why = r->l.error_string(w->a);
	return eg_fail(err, w->stopped ? EG_ERR_STOPPED : EG_ERR_IO, "unpacking '%s': %s", r->name, why ? why : "cannot write");
}

static eg_status copy_contents(reading *r, writing *w, const char *name, int64_t size, uint8_t *piece, eg_error *err) {
	int64_t done = 0;
	for (;;) {
		const la_ssize_t n = r->l.read_data(r->a, piece, PIECE);
		if (n < 0) {
			eg_status status = damaged(r, err);
			eg_fail_prefix(err, "entry '%s'", name);
			return status;
		}
		if (n == 0) break;
		done += n;
		if (done > size) break;
		if (r->l.write_data(w->a, piece, (size_t)n) != n) return cannot_write(r, w, err);
	}
	if (done == size) return EG_OK;
	return eg_fail(err, EG_ERR_FORMAT, "the archive '%s' is damaged: its entry '%s' has %s than the %lld bytes that it is said to have",
	        r->name, name, done > size ? "more" : "less", (long long)size);
}

static eg_status copy_entry(reading *r, writing *w, const char *name, bool folder, int64_t size, uint8_t *piece, eg_error *err) {
	const library *l = &r->l;
	entry e = l->entry_new();
	if (!e) return no_memory(r->name, err);
	l->entry_copy_pathname(e, name);
	l->entry_set_filetype(e, folder ? AE_IFDIR : AE_IFREG);
	l->entry_set_perm(e, folder ? 0755 : 0644);
	l->entry_set_size(e, folder ? 0 : size);
	const int result = l->write_header(w->a, e);
	l->entry_free(e);
	if (result != ARCHIVE_OK && result != ARCHIVE_WARN) return cannot_write(r, w, err);
	if (folder) return EG_OK;
	r->taken += (size + BLOCK - 1) / BLOCK * BLOCK;
	return copy_contents(r, w, name, size, piece, err);
}

static eg_status unpack(reading *r, writing *w, eg_error *err) {
	char name[EG_PATH];
	entry e;
	bool folder = false;
	uint8_t *piece = eg_alloc(NULL, PIECE);
	w->a = r->l.write_new();
	eg_status status = piece && w->a ? EG_OK : no_memory(r->name, err);
	if (!status && (r->l.write_set_format_pax_restricted(w->a) != ARCHIVE_OK ||
	                       r->l.write_open(w->a, w, NULL, on_write, NULL) != ARCHIVE_OK))
		status = cannot_write(r, w, err);
	while (!status) {
		status = next(r, &e, name, &folder, err);
		if (status || !e) break;
		status = copy_entry(r, w, name, folder, folder ? 0 : r->l.entry_size(e), piece, err);
	}
	if (!status && r->l.write_close(w->a) != ARCHIVE_OK) status = cannot_write(r, w, err);
	w->stopped = true; /* what freeing would still write is nobody's */
	if (w->a) r->l.write_free(w->a);
	eg_release(NULL, piece);
	return status;
}

eg_status eg_archive_unpack(
	int fd, const char *name, const eg_archive_limits *limits, const eg_archive_sink *to, eg_error *err) {
	writing w = {.to = to};
	reading *r = eg_calloc(NULL, 1, sizeof *r);
	if (!r) return no_memory(name, err);
	eg_status status = begin(r, fd, name, limits, err);
	if (!status) status = unpack(r, &w, err);
	end(r);
	eg_release(NULL, r);
	return status;
}

#else

eg_status eg_archive_list(
	int fd, const char *name, const eg_archive_limits *limits, eg_members *m, bool *packed, eg_error *err) {
	EG_UNUSED(fd), EG_UNUSED(limits);
	*m = (eg_members){0};
	*packed = false;
	return eg_fail(err, EG_ERR_ARG, "'%s' may be an archive, and this engram was built without libarchive: unpack it by hand", name);
}

eg_status eg_archive_unpack(
	int fd, const char *name, const eg_archive_limits *limits, const eg_archive_sink *to, eg_error *err) {
	eg_members m;
	bool packed;
	EG_UNUSED(to);
	return eg_archive_list(fd, name, limits, &m, &packed, err);
}

#endif
