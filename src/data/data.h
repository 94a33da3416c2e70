/* data.h - what the files of this folder share: the descriptor of a source, the reader, IDX, checksums, decoders.
 *
 * Each third-party library is behind one file: zlib reader.c, libspng png.c, libjpeg jpeg.c, libcurl fetch.c. */
#ifndef ENGRAM_DATA_DATA_H
#define ENGRAM_DATA_DATA_H

#include "engram_data.h"
#include "engram_text.h"
#include "base/base.h"

/* ---- sources ----------------------------------------------------------------------------------------------------- */

typedef struct eg_source eg_source;
struct eg_source {
	eg_data_info info;
	/* Pictures: reads one split. `folder` holds info.files; NULL when there are none. `o` is never NULL. */
	eg_status (*load)(const eg_source *s, const char *folder, bool test, const eg_data_options *o,
		eg_pictures **out, eg_error *err);
};

const eg_source *eg_source_find(const char *name, eg_error *err); /* NULL, with a message that helps: no such source */
/* The same for one of this kind. */
const eg_source *eg_source_find_kind(const char *name, eg_data_kind kind, eg_error *err);
/* Where the files of the set lie: in `folder`, or, when that is NULL, where eg_data_locate finds them. All are there.
 * *place is left alone for a source without files of its own. */
eg_status eg_source_files(const eg_source *s, const char *folder, eg_data_place *place, eg_error *err);

/* ---- place.c ----------------------------------------------------------------------------------------------------- */

enum { EG_PATH = 1024 }; /* room for a path put together here */

/* Puts the path of `name` or `name`.gz in `folder` into path; false: neither is there. */
bool eg_data_file_find(const char *folder, const char *name, char path[EG_PATH]);
/* What is there of a set's files in `folder`: how many; *lacking is the first that is not. */
int eg_data_files_count(const eg_data_info *info, const char *folder, const eg_data_file **lacking);
const char *eg_data_folder_name(const eg_data_info *info);    /* of the set, in ENGRAM_DATA and so on */
const char *eg_data_file_suffix(const eg_data_file *file);    /* behind the name of a downloaded file: ".gz" or "" */
eg_status eg_data_cache_folder(const char *name, char folder[EG_PATH], eg_error *err);
eg_status eg_data_locate_set(const eg_data_info *info, eg_data_place *place, eg_error *err); /* eg_data_locate */
eg_status eg_make_folders(const char *folder, eg_error *err); /* with those above it */
/* "A/B" into path; fails when it is too long. */
eg_status eg_join(char path[EG_PATH], const char *a, const char *b, const char *suffix, eg_error *err);

/* ---- pictures.c -------------------------------------------------------------------------------------------------- */

/* names NULL: "0", "1", ... NULL: out of memory. Takes pixels (from eg_block_new) and labels over, also on failure. */
eg_pictures *eg_pictures_new(const eg_allocator *a, const eg_pictures *shape, const char *const *names);

/* ---- reader.c: bytes of a file or of memory, unpacked when they are gzipped -------------------------------------- */

typedef struct eg_reader eg_reader;
/* NULL on failure. `data` is borrowed; `name` is what messages call it. */
eg_reader *eg_reader_open(const char *path, eg_error *err);
eg_reader *eg_reader_memory(const void *data, size_t size, const char *name, eg_error *err);
void eg_reader_close(eg_reader *s);
const char *eg_reader_name(const eg_reader *s);
/* Up to `size` bytes; fewer at the end only. A damaged or cut gzip file is EG_ERR_FORMAT. */
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

/* ---- get.c ------------------------------------------------------------------------------------------------------- */

eg_status eg_data_get_set(const eg_data_info *info, const char *folder, const eg_data_callbacks *cb, eg_data_got *got,
	eg_error *err); /* eg_data_get */

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

/* ---- picture decoders -------------------------------------------------------------------------------------------- */

/* Each reads one format into `pic` (allocator set by the caller). Messages do not name the file. */
typedef eg_status (*eg_decoder)(const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic,
	eg_error *err);
eg_status eg_png_decode(const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err);
eg_status eg_jpeg_decode(const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err);
eg_status eg_pnm_decode(const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err);
/* Checks the size against o->max_pixels and allocates. */
eg_status eg_picture_alloc(eg_picture *pic, int C, int64_t H, int64_t W, const eg_picture_options *o, eg_error *err);

#endif
