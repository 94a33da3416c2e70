/* data.h - what the files of this folder share: the descriptor of a source, the reader, IDX, checksums, decoders.
 *
 * Each third-party library is behind one file: zlib reader.c, libspng png.c, libjpeg jpeg.c, libwebp webp.c, libarchive
 * archive.c, libcurl fetch.c. */
#ifndef ENGRAM_DATA_DATA_H
#define ENGRAM_DATA_DATA_H

#include "engram_data.h"
#include "engram_text.h"
#include "base/base.h"
#include "io/keys.h"

typedef struct eg_reader eg_reader; /* below */
typedef struct eg_files eg_files;

/* ---- source.c ---------------------------------------------------------------------------------------------------- */

/* What a source is. A file of this folder defines one as `const eg_source_type eg_source_type_NAME`, sources.def
 * lists it. */
typedef struct eg_source_type {
	eg_data_info info;
	/* Of the data section, beside source, path and validation: offsets into the source's own struct. */
	const eg_key *keys;
	int nkeys;
	size_t size; /* of that struct, whose first member is eg_source */
	/* Which fields records have, where the source's own keys say it: they have been read. Others have not; it
	 * may be called again. NULL: those of info. */
	eg_status (*choose)(eg_source *s, eg_error *err);
	eg_status (*open)(eg_source *s, eg_error *err); /* the keys have been read; NULL: nothing to check */
	/* Sets s->count[part], and what is known now of s->fields. Called once for each part, as long as it fails
	 * not. */
	eg_status (*prepare)(eg_source *s, eg_part part, eg_error *err);
	eg_status (*learn_names)(eg_source *s, eg_error *err); /* NULL: by preparing the training part */
	/* Record i, which there is; fields are all absent, id is its number, group and place are NULL. */
	eg_status (*read)(const eg_source *s, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err);
	void (*close)(eg_source *s); /* what it has beside the base; NULL: nothing */
	bool archives; /* the folder may be an archive */
	bool folders;  /* the user's file may be a folder */
	/* Sets of pictures in memory, for eg_data_load: reads one split. `folder` holds info.files; NULL when there
	 * are none. `o` is never NULL. NULL: it is no such set. */
	eg_status (*load)(const struct eg_source_type *type, const char *folder, bool test, const eg_data_options *o,
		eg_pictures **out, eg_error *err);
} eg_source_type;

struct eg_source {
	const eg_source_type *type;
	eg_arena arena;     /* of the source's life */
	const char *name;   /* key `source` */
	const char *path;   /* key `path`; NULL: not given */
	double validation;  /* key `validation`: for sources that compute records; others are cut above */
	uint64_t seed;
	const char *beside; /* the recipe's folder: relative paths are looked for there too. Set before
	                     * eg_source_opened */
	eg_field fields[EG_MAX_FIELDS];
	int nfields;
	int64_t count[EG_PARTS];
	bool prepared[EG_PARTS];
	const char *remarks[EG_PARTS];
	int skip_broken;    /* key `broken`, of sources that have it */
	struct eg_broken *broken; /* records that could not be read */
	int64_t limit;      /* key `limit`, of sources that have it: so many records of training; 0: all */
	int64_t memory;     /* key `memory`, MB, of sources that have it */
	size_t kept;        /* bytes of it in use, of sources that keep whole parts */
	int want[3]; /* C, H, W of pictures; 0: as they are */
	bool own_sizes; /* and of files each may have its own: nothing is decoded before it is asked for */
};

/* Opening in steps, for who reads the data section by several tables at once. */
const eg_source_type *eg_source_type_find(const char *name, eg_error *err); /* NULL, with a message that helps: none */
eg_status eg_source_new(const eg_source_type *type, eg_source **source, eg_error *err); /* every key has its default */
enum { EG_SOURCE_KEY_SETS = 2 };
void eg_source_key_sets(eg_source *s, eg_key_set sets[EG_SOURCE_KEY_SETS]); /* the common keys, and its own */
/* Before the keys are read by all tables at once: those of `section` that are names say which fields records have. */
eg_status eg_source_choose(eg_source *s, const eg_tree *section, eg_error *err);
eg_status eg_source_opened(eg_source *s, eg_error *err); /* the keys have been read */
/* The same tables without a source, for the schema: `out` is NULL. */
void eg_source_type_key_sets(const eg_source_type *type, eg_key_set sets[EG_SOURCE_KEY_SETS]);
const eg_source_type *eg_source_type_at(int i); /* NULL: no such */

/* For the files of sources. */

/* A path that the user gave: as it is, or, when there is nothing of that name, below HOME if it begins with ~/, or
 * beside the recipe if it is there. In the source's arena; NULL, with a message: out of memory. */
const char *eg_source_path(eg_source *s, const char *path, eg_error *err);
/* Where the files of a set lie: in s->path, or, when that is not given, where eg_data_locate finds them. All are
 * there. */
eg_status eg_source_place(eg_source *s, eg_data_place *place, eg_error *err);
/* The one file of a source that has one: the user's (s->path), or that of a set. EG_PATH bytes. */
eg_status eg_source_file(eg_source *s, char *path, eg_error *err);
/* File i of a set, also out of its archive, or (i 0) the user's. */
eg_status eg_source_reader(eg_source *s, int i, eg_reader **reader, eg_error *err);
/* The user's folder or archive, or that of a set; what belongs to it lies in `folder`, a path of the tree
 * (EG_PATH bytes). */
eg_status eg_source_tree(eg_source *s, eg_files **tree, char folder[], eg_error *err);
/* As eg_source_place, without a source: in `folder`, or, when that is NULL, where it is found. *place is left alone
 * for a source without files. */
eg_status eg_source_type_place(const eg_source_type *type, const char *folder, const char *beside, eg_data_place *place,
	eg_error *err);
eg_status eg_source_no_memory(const eg_source *s, eg_error *err);
/* Puts "; `engram data get NAME` checks the files" behind a message about damaged files of a set that can be
 * fetched. */
void eg_source_advise(const eg_data_info *info, eg_status status, eg_error *err);
/* Names of classes for field `field`: they are copied to the arena. Those that were there must be the first of them. */
eg_status eg_source_set_names(eg_source *s, int field, const char *const *names, int n, eg_error *err);
eg_status eg_class_name_check(const char *name, eg_error *err); /* is it UTF-8, without control characters? */
void eg_source_forget_names(eg_source *s, int field); /* the field is as in the table */
void eg_source_remark_on(eg_source *s, eg_part part, const char *fmt, ...) EG_PRINTF(3, 4);
/* The same behind what has been remarked already. */
void eg_source_remark_more(eg_source *s, eg_part part, const char *fmt, ...) EG_PRINTF(3, 4);

/* Key `limit`; what it says begins with "train on". */
#define EG_LIMIT_KEY(doc_) \
	{ \
		.name = "limit", .type = EG_KEY_INT64, .offset = offsetof(eg_source, limit), .min = 1, .max = 1e9, .def = NAN, \
		.doc = doc_ \
	}
#define EG_LIMIT_OF_PICTURES EG_LIMIT_KEY("train on the first so many pictures only; left out: on all")

/* ---- broken.c: records that cannot be read, all of them --------------------------------------------------------- */

/* Key `broken` of sources that look at all their records before any is asked for. */
#define EG_BROKEN_KEY \
	{ \
		.name = "broken", .type = EG_KEY_ENUM, .offset = offsetof(eg_source, skip_broken), .names = eg_broken_names, \
		.def = 0, .doc = "records that cannot be read: error (the default; all of them are named), or skip: they are " \
				 "left out, and counted" \
	}
extern const char *const eg_broken_names[];

/* Key `memory` of sources that keep what they have decoded. So much holds CIFAR-10 (154 MB and its names), and a
 * program with a small network stays below 200 MB, however large a set is. */
#define EG_MEMORY_KEY \
	{ \
		.name = "memory", .type = EG_KEY_INT64, .offset = offsetof(eg_source, memory), .min = 0, .max = 1e6, .def = 170, \
		.doc = "MB of memory for decoded pictures and the list of them (default: 170); what is beyond it is decoded " \
		       "whenever it is asked for" \
	}
/* Notes what is wrong with a record, so that the next may be looked at; what is no fault of a record (memory, sizes)
 * comes back. */
eg_status eg_broken_add(eg_source *s, eg_status status, const eg_error *why, eg_error *err);
int64_t eg_broken_count(const eg_source *s);
/* At the end of a part of `all` records, of which there were `before` broken ones in earlier parts: an error that
 * counts them, or, where they are to be skipped, a remark. */
eg_status eg_broken_end(eg_source *s, eg_part part, int64_t before, int64_t all, eg_error *err);
void eg_broken_free(eg_source *s);

/* ---- record.c ---------------------------------------------------------------------------------------------------- */

/* Room that lives until the record is read anew; several calls add up. Aligned to 16. NULL: out of memory. */
void *eg_record_room(eg_record *r, size_t bytes);
void eg_record_reset(eg_record *r); /* its room may be used again */
eg_status eg_record_number(eg_record *r, int64_t i, eg_error *err); /* id becomes the number i */
char *eg_record_printf(eg_record *r, const char *fmt, ...) EG_PRINTF(2, 3); /* in its room; NULL: out of memory */
eg_status eg_record_no_memory(eg_error *err);

/* ---- time_table.c ------------------------------------------------------------------------------------------------ */

/* The time so many steps of so many seconds later; steps of a month, a quarter or a year are those of the calendar. */
double eg_time_ahead(double time, double step, int steps);
/* A time as ISO 8601, with as much as steps of so many seconds need. Returns buf. */
const char *eg_time_text(double time, double step, char buf[32]);

/* ---- pool.c: texts, one behind the other ------------------------------------------------------------------------- */

/* Zero-initialise. */
typedef struct eg_pool {
	eg_arena arena; /* other things may be put there */
	char *next;
	size_t left;
} eg_pool;
char *eg_pool_text(eg_pool *p, const char *s, size_t size); /* a copy, a zero behind; NULL: out of memory */
void eg_pool_free(eg_pool *p);

/* ---- source_pictures.c: what sources of pictures in memory share ------------------------------------------------- */

/* Fields: picture, label. */
typedef struct eg_picture_source {
	eg_source base;
	eg_pictures *sets[EG_PARTS];
} eg_picture_source;

extern const eg_field eg_picture_fields[2]; /* picture and label, of which nothing is known */
/* Takes a set over, and what is known of the fields from it. */
eg_status eg_picture_source_put(eg_source *s, eg_part part, eg_pictures *set, eg_error *err);
eg_status eg_picture_source_prepare(eg_source *s, eg_part part, eg_error *err); /* by type->load, of a set by name */
eg_status eg_picture_source_read(
	const eg_source *s, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err);
void eg_picture_source_close(eg_source *s);

/* ---- source_text.c: the text that two sets are made of ----------------------------------------------------------- */

extern const eg_data_file eg_shakespeare_files[1];
extern const char *const eg_shakespeare_urls[2];

/* ---- for tests of sources of tables, and of source_masks.c ------------------------------------------------------- */

/* Takes the source's own file from a reader, in place of opening it. */
eg_status eg_table_take(eg_source *s, eg_reader *reader, eg_error *err); /* csv, tsv and the like */
eg_status eg_jsonl_take(eg_source *s, eg_reader *reader, eg_error *err);
eg_status eg_series_take(eg_source *s, eg_reader *reader, eg_error *err);
eg_status eg_pairs_take(eg_source *s, eg_reader *reader, eg_error *err);
eg_status eg_conll_take(eg_source *s, eg_reader *reader, eg_error *err);
eg_status eg_dialogue_take(eg_source *s, eg_reader *reader, eg_error *err);
void eg_masks_keep(eg_source *s, size_t bytes); /* no more than this is kept decoded */

/* ---- place.c ----------------------------------------------------------------------------------------------------- */

enum { EG_PATH = 1024 }; /* room for a path put together here */

/* Puts the path of `name` or `name`.gz in `folder` into path; false: neither is there. */
bool eg_data_file_find(const char *folder, const char *name, char path[EG_PATH]);
/* How many of a set's files and folders are in `folder`; `lacking` is the first that is not, empty when all are. */
enum { EG_LACKING = 200 };
int eg_data_pieces(const eg_data_info *info, const char *folder, char lacking[EG_LACKING]);
/* The set's archive, where some of its files or folders are not there. */
bool eg_data_archive_find(const eg_data_info *info, const char *folder, char path[EG_PATH]);
const char *eg_data_folder_name(const eg_data_info *info);    /* of the set, in ENGRAM_DATA and so on */
const char *eg_data_file_suffix(const eg_data_file *file);    /* behind the name of a downloaded file: ".gz" or "" */
eg_status eg_data_cache_folder(const char *name, char folder[EG_PATH], eg_error *err);
/* eg_data_locate; `beside` (may be NULL): a folder whose data/ is looked at for what comes with recipes. */
eg_status eg_data_locate_set(const eg_data_info *info, const char *beside, eg_data_place *place, eg_error *err);
/* A set whose files are known: it can be located and checked. Others are the user's own files, or computed. */
bool eg_data_is_set(const eg_data_info *info);
eg_status eg_make_folders(const char *folder, eg_error *err); /* with those above it */
/* "A/B" into path; fails when it is too long. */
eg_status eg_join(char path[EG_PATH], const char *a, const char *b, const char *suffix, eg_error *err);

/* ---- archive.c: tar and zip -------------------------------------------------------------------------------------- */

typedef struct eg_archive_limits {
	int64_t entries;
	int64_t bytes;       /* of all unpacked */
	int64_t ratio, free; /* above `free` bytes, how many times as large as the archive that may be */
} eg_archive_limits;
extern const eg_archive_limits eg_archive_usual;

typedef struct eg_member {
	const char *name;
	int64_t at, size; /* of its contents, in the archive; size -1: it is a folder */
} eg_member;
typedef struct eg_members {
	eg_member *at; /* sorted by eg_member_order, each name once */
	int n, cap;
	eg_pool names;
} eg_members;
int eg_member_order(const char *a, const char *b);
void eg_members_free(eg_members *m);

/* The members of an archive: tar, also packed (gz, bz2, xz, zst), or zip. `name` is what messages call it. Where
 * contents do not lie in the file as they are, *packed, and there are no members: it is to be unpacked. Names are
 * without "." and double slashes; hidden ones (and __MACOSX) are left out. An entry that leads out of the archive, a
 * link, a device, a name that is there twice: the whole archive is EG_ERR_FORMAT. */
eg_status eg_archive_list(
	int fd, const char *name, const eg_archive_limits *limits, eg_members *m, bool *packed, eg_error *err);
typedef struct eg_archive_sink {
	void *user;
	bool (*put)(void *user, const void *data, size_t size); /* false: it takes no more; EG_ERR_STOPPED comes back */
} eg_archive_sink;
/* Writes all that an archive holds anew, as one plain tar. */
eg_status eg_archive_unpack(
	int fd, const char *name, const eg_archive_limits *limits, const eg_archive_sink *to, eg_error *err);

/* ---- files.c: a folder, or an archive in its place --------------------------------------------------------------- */

/* Paths begin with the tree's top, as messages show them: "shoes.tar/train/boot/1.jpg". Reading changes nothing:
 * several threads may do so. */
/* Does a file begin like an archive? Cheap, and may be wrong: that it is one is known when it has been opened. */
bool eg_files_like_archive(const char *path);
/* What is nowhere is opened too, and missed when it is listed. May unpack an archive into the user's cache. */
eg_status eg_files_open(const char *path, eg_files **files, eg_error *err);
void eg_files_close(eg_files *f); /* NULL is allowed */
const char *eg_files_top(const eg_files *f); /* without slashes at its end */
size_t eg_files_memory(const eg_files *f); /* bytes that the list of an archive's members takes */
/* What the archive has been unpacked into, when that was done now; else NULL. */
const char *eg_files_unpacked(const eg_files *f);
void eg_files_remark(const eg_files *f, eg_source *s, eg_part part); /* says so, with the training part */
/* In these three `f` may be NULL: any path of the system. */
bool eg_files_is_folder(const eg_files *f, const char *path);
bool eg_files_is_file(const eg_files *f, const char *path); /* a regular one */
/* A regular file as a whole: as eg_file_read_regular. */
eg_status eg_files_read(const eg_files *f, const eg_allocator *a, const char *path, size_t limit, char **data, size_t *size,
	eg_error *err);

/* A file of a tree as it comes; out of an archive it may have `limit` bytes. */
eg_status eg_files_reader(const eg_files *f, const char *path, size_t limit, eg_reader **reader, eg_error *err);
bool eg_files_is_archive(const eg_files *f);
/* Where the set's files or folders are in a tree: the path of a folder of it. To be asked before it is read. */
eg_status eg_files_inside(eg_files *f, const eg_data_info *info, char folder[EG_PATH], eg_error *err);

typedef enum eg_file_kind { EG_FILE_OTHER, EG_FILE_REGULAR, EG_FILE_FOLDER } eg_file_kind; /* other: also a lost link */
/* A folder that is being listed. */
typedef struct eg_folder {
	const eg_files *files;
	const char *path;
	void *dir; /* a DIR; NULL: in an archive */
	int at;
	size_t length;
	char name[EG_PATH], child[EG_PATH];
} eg_folder;
eg_status eg_folder_open(eg_folder *d, const eg_files *f, const char *path, eg_error *err);
/* The next name that is not hidden, and what it is, links followed. *name NULL: there is no more. It is valid until
 * the next call. */
eg_status eg_folder_next(eg_folder *d, const char **name, eg_file_kind *kind, eg_error *err);
void eg_folder_close(eg_folder *d);

/* ---- listing.c --------------------------------------------------------------------------------------------------- */

/* What is told of that which was passed over. */
enum { EG_UNREAD_KINDS = 24 };
typedef struct eg_passed {
	int64_t unread[EG_UNREAD_KINDS]; /* files of pictures of kinds that are not read, by kind */
	int64_t odd;   /* called like pictures, but no files: folders, pipes, links that lead nowhere */
	int64_t inner; /* other folders in a folder of pictures */
	int64_t loose; /* pictures in a folder of folders */
} eg_passed;
typedef struct eg_names {
	char **at; /* sorted by bytes; from the arena's allocator, to be released by eg_release */
	int n, cap;
	int others; /* what was passed over */
	eg_passed passed;
} eg_names;
typedef enum eg_listed { EG_LIST_FOLDERS, EG_LIST_PICTURES, EG_LIST_SOUNDS, EG_LIST_FILES } eg_listed;
#define EG_PICTURE_FILES "PNG, JPEG, WebP, BMP, PGM or PPM: .png .jpg .jpeg .jpe .jfif .webp .bmp .pgm .ppm .pnm"
/* Folders, or regular files whose names end like pictures' or sounds', in `folder` of a tree, or (NULL) any; links are
 * followed. Hidden ones are passed over, and not counted. The texts lie in the arena. */
eg_status eg_list(
	eg_arena *arena, const eg_files *files, const char *folder, eg_listed what, eg_names *out, eg_error *err);
bool eg_is_folder(const char *path);
void eg_passed_add(eg_passed *to, const eg_passed *more);
/* As a sentence without an end; empty: nothing. */
const char *eg_passed_text(const eg_passed *p, char *text, size_t size);
/* The folder of a part at the top of a tree: "train", "val" (valid, validation) or "test", in capitals or not, with
 * `suffix` behind it. Empty: there is none. Two of them are an error. */
eg_status eg_part_folder(const eg_files *files, eg_part part, const char *suffix, char folder[EG_PATH], eg_error *err);
bool eg_is_part_folder(const char *name); /* is it called as one of these, without a suffix? */
/* "'extra' and 3 more": the folders there that are none of a part, with or without the suffix; *n counts them. */
eg_status eg_other_folders(
	eg_arena *arena, const eg_files *files, const char *suffix, char *text, size_t size, int *n, eg_error *err);

/* ---- picture_files.c: labelled pictures in files ----------------------------------------------------------------- */

typedef struct eg_picture_file {
	const char *path; /* below the tree's top */
	const char *group; /* NULL: none */
	int32_t label;
} eg_picture_file;
typedef struct eg_picture_files {
	const eg_files *tree;
	eg_picture_file *at; /* those that can be read end up in front */
	int64_t n, most; /* so many of them, the first that can be read; 0: all */
	const char *const *classes;
	int nclasses;
} eg_picture_files;
/* Of o the size and the allocator. */
eg_status eg_picture_files_load(
	const eg_picture_files *list, const eg_data_options *o, eg_pictures **out, eg_error *err);

/* Of a set's pictures that are not kept there are no pixels. */
typedef struct eg_file_source {
	eg_picture_source pictures;
	eg_files *tree; /* NULL: not opened yet */
	eg_pool texts;  /* for paths and the like */
	const eg_picture_file *good[EG_PARTS];
} eg_file_source;
eg_status eg_file_source_open(eg_file_source *s, const char *path, eg_error *err);
/* Takes the files of a part; the list and its texts must live as long as the source. */
eg_status eg_file_source_put(eg_file_source *s, eg_part part, const eg_picture_files *list, eg_error *err);
eg_status eg_file_source_read(
	const eg_source *base, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err);
void eg_file_source_close(eg_source *base);
/* source_folder.c: a part that there is, of a tree with a folder for each class. */
eg_status eg_folder_prepare(eg_file_source *s, eg_part part, eg_error *err);

/* ---- pictures.c -------------------------------------------------------------------------------------------------- */

/* names NULL: "0", "1", ... NULL: out of memory. Takes pixels (from eg_block_new) and labels over, also on failure. */
eg_pictures *eg_pictures_new(const eg_allocator *a, const eg_pictures *shape, const char *const *names);

/* byte * mul + add, each rounded: the same bits on every machine of a kind. */
void eg_bytes_to_real(eg_real *restrict out, const uint8_t *restrict in, size_t n, eg_real mul, eg_real add);

/* ---- reader.c: bytes of a file or of memory, unpacked when they are gzipped -------------------------------------- */

/* NULL on failure. `data` is borrowed; `name` is what messages call it. */
eg_reader *eg_reader_open(const char *path, eg_error *err);
eg_reader *eg_reader_packed(const char *path, eg_error *err); /* as it lies there, even if it is gzipped */
/* From the start of a file that is open, packed as well as it likes: who calls this looks himself. */
eg_reader *eg_reader_again(int fd, const char *name, eg_error *err);
bool eg_reader_is_packed(const eg_reader *s);
/* The same for who hands on a status; err may be NULL. */
eg_status eg_reader_file(const char *path, eg_reader **reader, eg_error *err);
eg_reader *eg_reader_memory(const void *data, size_t size, const char *name, eg_error *err);
/* The same, but `data` is taken over (eg_release), also on failure. */
eg_status eg_reader_taking(void *data, size_t size, const char *name, eg_reader **reader, eg_error *err);
void eg_reader_close(eg_reader *s);
const char *eg_reader_name(const eg_reader *s);
/* Up to `size` bytes; fewer at the end only. A damaged or cut gzip file is EG_ERR_FORMAT, and so is one that becomes
 * more than 200 times as large, above 64 MiB. */
eg_status eg_reader_read(eg_reader *s, void *data, size_t size, size_t *got, eg_error *err);
/* The most bytes that can come, told from the file's size (exact for a plain file, at most 1032 times as many for a
 * gzipped one); INT64_MAX for what has no size (a pipe). Makes it safe to believe a header's numbers before memory is
 * asked for. */
int64_t eg_reader_most(const eg_reader *s);

/* ---- idx.c ------------------------------------------------------------------------------------------------------- */

typedef struct eg_idx {
	int rank;
	int64_t d[4];
	int64_t bytes; /* product of d */
	uint8_t *data; /* from eg_block_new */
} eg_idx;

/* Reads an IDX file of unsigned bytes whose rank is min_rank..max_rank, checking that it ends where it should. */
eg_status eg_idx_read(eg_reader *s, const eg_allocator *a, int min_rank, int max_rank, eg_idx *idx, eg_error *err);
/* A set of two IDX files. classes 0: the highest label + 1. Both streams stay the caller's. */
eg_status eg_idx_pictures(eg_reader *images, eg_reader *labels, int classes, const char *const *names, int64_t limit,
	const eg_allocator *a, eg_pictures **out, eg_error *err);
eg_status eg_idx_load(const char *images, const char *labels, int classes, const char *const *names, int64_t limit,
	const eg_allocator *a, eg_pictures **out, eg_error *err);

/* ---- sha256.c ---------------------------------------------------------------------------------------------------- */

typedef struct eg_sha256 {
	uint32_t h[8];
	uint64_t bytes;
	uint8_t block[64];
} eg_sha256;
void eg_sha256_begin(eg_sha256 *s);
void eg_sha256_add(eg_sha256 *s, const void *data, size_t size);
void eg_sha256_end(eg_sha256 *s, char hex[65]); /* lower case */

/* ---- text.c, text_letters.c -------------------------------------------------------------------------------------- */

/* Reads all of `s`, which stays the caller's. o->folder and o->path are not looked at. */
eg_status eg_text_read(eg_reader *s, const eg_text_options *o, eg_text **text, eg_error *err);
/* The first place that is not UTF-8, or is a zero byte; `size` when there is none. */
size_t eg_utf8_check(const char *s, size_t size);
/* The code point of the character at s, which is one; *length (may be NULL) its bytes. */
uint32_t eg_utf8_decode(const char *s, int *length);
/* Line and column, from 1, of byte `at`; columns count characters, as far as they are some. */
typedef struct eg_text_place {
	size_t line, column;
} eg_text_place;
eg_text_place eg_text_place_of(const char *s, size_t at);

bool eg_is_letter(uint32_t c);    /* makes words: letters, digits and marks of any script; not the apostrophe */
bool eg_is_space(uint32_t c);     /* a newline too */
bool eg_is_ideograph(uint32_t c); /* of the scripts that are written without spaces: Chinese characters, kana */

/* ---- vocab.c ----------------------------------------------------------------------------------------------------- */

/* Where each of the n units begins in the text that was encoded to them; starts[n] is its size. */
void eg_vocab_places(const eg_vocab *v, const char *text, size_t size, const int32_t *ids, size_t n, size_t *starts);

/* ---- text_words.c ------------------------------------------------------------------------------------------------ */

/* Bytes of the word, or the other character, that begins at s, which is no space (UAX #29); at most EG_UNIT_MOST of
 * them. 0: not UTF-8, or a zero byte. */
size_t eg_word_size(const char *s, size_t size);
/* Bytes of the Chinese characters that begin at s, at most `most`, none with marks of its own; eg_word_size makes each
 * a word. */
size_t eg_chinese_size(const char *s, size_t size, size_t most);
bool eg_is_core(uint32_t c);    /* of a word, whatever stands beside it */
bool eg_is_between(uint32_t c); /* of a word, between two letters or digits: the apostrophe, the point */

/* ---- get.c ------------------------------------------------------------------------------------------------------- */

eg_status eg_data_get_set(const eg_data_info *info, const char *folder, const eg_data_callbacks *cb, eg_data_got *got,
	eg_error *err); /* eg_data_get */

/* ---- get_archive.c ----------------------------------------------------------------------------------------------- */

/* Looks at all that is in the archive at `path`, or in a folder. EG_ERR_FORMAT: it is damaged, or not whole. *same: it
 * is what figures are told of. */
eg_status eg_data_contents_check(const eg_data_info *info, const char *path, bool *same, eg_error *err);
/* NAME.sha256 beside an archive without a known sum: that of the first download. */
bool eg_data_sum_read(const char *path, char hex[65]); /* false: there is none */
eg_status eg_data_sum_write(const char *path, const char *hex, eg_error *err);

/* ---- fetch.c ----------------------------------------------------------------------------------------------------- */

typedef struct eg_fetch eg_fetch; /* libcurl, loaded, with one connection kept */
typedef struct eg_fetch_job {
	const char *url, *path; /* path: of fd, for messages */
	int fd;                 /* what it holds is taken as the beginning and kept when the server can go on there */
	int64_t limit;          /* refuse what is larger */
	bool (*progress)(void *user, int64_t done, int64_t total); /* false: stop. total 0: unknown */
	void *user;
} eg_fetch_job;
eg_fetch *eg_fetch_new(eg_error *err);
/* *resumed tells whether an earlier part was kept. After a failure fd holds what has come. */
eg_status eg_fetch_run(eg_fetch *f, const eg_fetch_job *job, bool *resumed, eg_error *err);
void eg_fetch_free(eg_fetch *f);

/* ---- exif.c ------------------------------------------------------------------------------------------------------ */

/* The orientation that EXIF data (from their "II" or "MM" on) tell, 1..8; 1, as it is stored: they tell none, or are
 * damaged. */
int eg_exif_orientation(const void *data, size_t size);
/* Turns and mirrors the pixels as this orientation wants it; height and width change places with 5 and above. */
eg_status eg_picture_turn(eg_picture *pic, int orientation, eg_error *err);

/* ---- picture decoders -------------------------------------------------------------------------------------------- */

/* Each reads one format into `pic` (allocator set by the caller), turned the way up that it is to be seen. Messages do
 * not name the file. */
typedef eg_status (*eg_decoder)(const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic,
	eg_error *err);
eg_status eg_png_decode(const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err);
/* Pixels as they are stored, C 1: indices into the palette, or grey as it is, of up to 8 bits. Another kind of PNG
 * is an error. */
eg_status eg_png_decode_indices(
	const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err);
/* The other way, as eg_picture_save_png does it: *png is the caller's, to be released with free(). */
eg_status eg_png_encode(int C, int H, int W, const uint8_t *pixels, void **png, size_t *size, eg_error *err);
eg_status eg_jpeg_decode(const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err);
eg_status eg_pnm_decode(const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err);
eg_status eg_webp_decode(const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err);
eg_status eg_bmp_decode(const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err);
/* A pixel of this value and alpha over the backdrop of channel c, on the coded values, as browsers do. */
EG_ALWAYS_INLINE uint8_t eg_picture_over(const eg_picture_options *o, int c, int v, int alpha) {
	return (uint8_t)((v * alpha + (o->set_backdrop ? o->backdrop[c] : 255) * (255 - alpha) + 127) / 255);
}
/* A picture, and a mask (a PNG by eg_png_decode_indices), of a tree of files, or (NULL) any; messages name the file. */
eg_status eg_picture_read(
	const eg_files *files, const char *path, const eg_picture_options *o, eg_picture *pic, eg_error *err);
eg_status eg_mask_load(const eg_files *files, const char *path, eg_picture *pic, eg_error *err);
/* A mask whose colours stand for something: the PNG as it looks, its palette applied. */
eg_status eg_colour_mask_load(const eg_files *files, const char *path, eg_picture *pic, eg_error *err);
/* Brought to a size as eg_picture_fit does it, as bytes. */
eg_status eg_picture_bytes(const eg_picture *pic, int C, int H, int W, uint8_t *out, eg_error *err);
/* The most pixels that are read. */
int64_t eg_picture_most(const eg_picture_options *o);
/* Checks the size against that and allocates. */
eg_status eg_picture_alloc(eg_picture *pic, int C, int64_t H, int64_t W, const eg_picture_options *o, eg_error *err);

/* Of tags B-X and I-X of spans: an I-X goes on with an X. before: NULL at the beginning. */
bool eg_tag_may_follow(const char *tag, const char *before);

#endif
