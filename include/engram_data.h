/* engram_data.h - data sets that are known by name, and pictures: reading sets and single files, and handing them to the
 * training loop. Part of libengram_io. Text is read by engram_text.h.
 *
 * A set lies in memory as bytes, a quarter of what floats would take, and becomes numbers when a batch is filled. Every
 * function may be used from any thread; an object by one caller at a time, except that reading one eg_pictures from many
 * is fine. */
#ifndef ENGRAM_DATA_H
#define ENGRAM_DATA_H

#include "engram.h"
#include "engram_train.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- a set of labelled pictures ---------------------------------------------------------------------------------- */

typedef struct eg_pictures {
	int64_t count;
	int C, H, W;              /* of every picture; C: 1 grey, 3 red, green, blue */
	uint8_t *pixels;          /* count x C x H x W */
	int32_t *labels;          /* count, each 0..classes-1 */
	int classes;
	const char **class_names; /* classes of them */
	const eg_allocator *allocator; /* what it was made with; NULL: malloc */
} eg_pictures;

EG_API void eg_pictures_free(eg_pictures *p);

/* ---- sources ----------------------------------------------------------------------------------------------------- */
/* Read-only descriptions of the data sets that are known by name. All pointers are static. */

typedef enum eg_data_kind {
	EG_DATA_PICTURES, /* read by eg_data_load */
	EG_DATA_TEXT      /* read by eg_text_load (engram_text.h) */
} eg_data_kind;

typedef struct eg_data_file {
	const char *name;      /* "train-images-idx3-ubyte": lies on disk plain, or gzipped as name.gz */
	int64_t bytes;         /* unpacked */
	int64_t download;      /* as published, for progress; mirrors may have packed it differently */
	const char *sha256;    /* of the unpacked contents, 64 hexadecimal digits */
	const char *published; /* NULL: as name.gz; else it is published plain, under this name, and kept as `name` */
} eg_data_file;

typedef struct eg_data_info {
	const char *name;      /* "fashion-mnist" */
	const char *doc;       /* one line */
	const char *origin;    /* who made it */
	const char *licence;
	eg_data_kind kind;
	int C, H, W;           /* of a picture; 0: told by the files */
	int64_t train, test;   /* samples; 0: told by the files */
	int classes;           /* 0: told by the options or files */
	const char *const *class_names;
	const eg_data_file *files; /* nfiles; none: the caller names the files */
	int nfiles;
	bool by_folder;            /* no files of its own: what eg_data_options.folder holds is taken */
	const char *folder;        /* its folder's name in ENGRAM_DATA, the cache and mirrors; NULL: the set's */
	const char *const *urls;   /* folders in the net that hold the files, NULL-terminated, tried in turn; or NULL */
	const char *by_hand;       /* without urls: how to come by the files, a sentence or two; or NULL */
	const char *package;       /* Debian package, or NULL */
	const char *package_folder;
} eg_data_info;

EG_API int eg_data_count(void);
EG_API const eg_data_info *eg_data_at(int i);
EG_API const eg_data_info *eg_data_find(const char *name); /* NULL: none of that name */

/* Where a set was found, or put. */
typedef enum eg_data_origin {
	EG_DATA_GIVEN,     /* in the folder that the caller named */
	EG_DATA_VARIABLE,  /* in a folder that ENGRAM_DATA names */
	EG_DATA_PACKAGE,   /* installed by a Debian package */
	EG_DATA_CACHE      /* $XDG_CACHE_HOME/engram, else ~/.cache/engram */
} eg_data_origin;

typedef struct eg_data_place {
	eg_data_origin origin;
	char folder[1024];
} eg_data_place;

/* Looks for all files of a set: in FOLDER/NAME for each FOLDER of ENGRAM_DATA (separated by ':'), then in the Debian
 * package's folder, then in the cache. NAME is eg_data_info.folder, or the name of the set. EG_ERR_IO when it is nowhere:
 * the message says what to type. */
EG_API eg_status eg_data_locate(const char *name, eg_data_place *place, eg_error *err);

typedef struct eg_data_options {
	const char *folder;    /* holds the files themselves; NULL: searched as eg_data_locate does. Source folder: holds
	                          train/CLASS/ and test/CLASS/, or CLASS/ for training only */
	int C, H, W;           /* source folder: size that pictures are brought to; 0: that of the first, which all must
	                          have */
	const char *images, *labels;           /* source idx: IDX files, gzipped or not */
	const char *test_images, *test_labels; /* source idx: of the split "test" */
	int classes;                           /* source idx: 0: the highest label + 1 */
	const char *const *class_names;        /* `classes` names, copied. Source idx: NULL: "0", "1", ... Source
	                                          folder: NULL: those of the training set's folders, sorted */
	int64_t limit;                         /* > 0: only so many pictures, the first. Source folder: they come in
	                                          turn, one of each class, then the next of each */
	const eg_allocator *allocator;         /* NULL: malloc. Must outlive the pictures */
} eg_data_options;

/* Reads a set of pictures. source: a name of the table above, or "folder" or "idx" for the user's own files; split: "train"
 * or "test". options may be NULL. *out is NULL on failure. A source of another kind is an error. */
EG_API eg_status eg_data_load(const char *source, const char *split, const eg_data_options *options, eg_pictures **out,
	eg_error *err);

/* ---- fetching ---------------------------------------------------------------------------------------------------- */

typedef struct eg_data_progress {
	const char *file, *url;
	int index, files;    /* file number index (from 0) of files */
	int64_t done, total; /* bytes of this file, what was there before included; total 0: unknown */
	bool checking;       /* what is there is being checked; done and total are unpacked bytes */
} eg_data_progress;

typedef struct eg_data_callbacks {
	void *user;
	bool (*progress)(void *user, const eg_data_progress *p); /* false: stop, EG_ERR_STOPPED; the part is kept */
	void (*note)(void *user, const char *text); /* what went on: a damaged file replaced, the next mirror tried */
} eg_data_callbacks;

typedef struct eg_data_got {
	eg_data_place place;
	int downloaded;  /* files; 0: everything was there */
} eg_data_got;

/* Sees to it that a set is complete and whole (checksums). Without `folder`: when the set is found as by
 * eg_data_locate it is checked, and only missing or damaged files in the cache are downloaded. With `folder`: the
 * same for that folder (made when missing). A download goes to FILE.part, goes on where an earlier one was broken
 * off, is checked and renamed; the publisher's addresses are tried in turn, or, when ENGRAM_MIRROR is set, only
 * $ENGRAM_MIRROR/NAME/FILE (http, https or file URL; FILE as it is kept, so with .gz unless published plain). cb and got
 * may be NULL. Needs libcurl, which is loaded only
 * when something is to be downloaded. */
EG_API eg_status eg_data_get(const char *name, const char *folder, const eg_data_callbacks *cb, eg_data_got *got,
	eg_error *err);

/* ---- one picture ------------------------------------------------------------------------------------------------- */

typedef struct eg_picture {
	int C, H, W;     /* C: 1 grey, 3 red, green, blue */
	uint8_t *pixels; /* C x H x W */
	const eg_allocator *allocator;
} eg_picture;

typedef struct eg_picture_options {
	uint8_t backdrop[3];   /* what shows through transparent pixels of a PNG, with set_backdrop; else white */
	bool set_backdrop;
	int64_t max_pixels;    /* height x width refused above; 0: 64 Mi */
	const eg_allocator *allocator; /* NULL: malloc. Must outlive the picture */
} eg_picture_options;

/* Reads PNG, JPEG, PGM or PPM, told by its first bytes. 16 bits are cut to 8; colour profiles, gamma and the EXIF
 * orientation are not applied. Damaged files are refused, not shown in part. options may be NULL. */
EG_API eg_status eg_picture_load(const char *path, const eg_picture_options *options, eg_picture *pic, eg_error *err);
/* The same from memory; `name` is what messages call it. */
EG_API eg_status eg_picture_decode(const void *data, size_t size, const char *name, const eg_picture_options *options,
	eg_picture *pic, eg_error *err);
EG_API void eg_picture_free(eg_picture *pic); /* and zeroes it; NULL and an empty one are allowed */

/* Writes pixels (C x H x W, C 1 or 3) as 8-bit PNG, atomically. */
EG_API eg_status eg_picture_save_png(const char *path, int C, int H, int W, const uint8_t *pixels, eg_error *err);

/* How bytes become numbers: (byte / 255 - mean[c]) / std[c]. A std of 0 means 1, so all zero means byte / 255. */
typedef struct eg_picture_scale {
	float mean[3], std[3];
} eg_picture_scale;

typedef enum eg_invert {
	EG_INVERT_NO,
	EG_INVERT_YES,  /* v becomes 255 - v */
	EG_INVERT_AUTO  /* when the training pictures' border is nearly black (below 1/4) and this one's is brighter
	                   than 1/2, or nearly white (above 3/4) and this one's is darker: ink on paper for a model that
	                   learnt from chalk */
} eg_invert;

typedef enum eg_fit {
	EG_FIT_STRETCH, /* height and width each to the model's */
	EG_FIT_PAD      /* keep the proportions; what is left over gets the border's mean colour */
} eg_fit;

typedef struct eg_fit_options {
	eg_fit fit;
	eg_invert invert;
	double border;          /* EG_INVERT_AUTO: what eg_pictures_border says of the training pictures */
	eg_picture_scale scale;
} eg_fit_options;

/* Makes a model's input of a picture: C x H x W numbers in `out`. Colour to grey as 0.299 R + 0.587 G + 0.114 B
 * (ITU-R BT.601); grey to colour by copying. A side that shrinks is averaged over areas, one that grows is
 * interpolated linearly. options may be NULL. *inverted (may be NULL) tells whether the picture was inverted. */
EG_API eg_status eg_picture_fit(const eg_picture *pic, const eg_fit_options *options, int C, int H, int W, eg_real *out,
	bool *inverted, eg_error *err);

/* Mean brightness, 0 black to 1 white, of the outermost pixels: of one picture, and of a whole set. */
EG_API double eg_picture_border(const eg_picture *pic);
EG_API double eg_pictures_border(const eg_pictures *p);

/* ---- for the training loop --------------------------------------------------------------------------------------- */

/* Mean and deviation of each channel over pictures items[0..n-1] (NULL: all), as a scale that makes them 0 and 1. Exact
 * sums of integers: the same bits everywhere. */
EG_API eg_picture_scale eg_pictures_statistics(const eg_pictures *p, const uint32_t *items, int64_t n);

/* A part of a set as eg_dataset: sample i is picture items[i] (items NULL: all of them, n is ignored). `input` and
 * `target` are the graph's inputs; items, scale and names are copied, the pictures must outlive it. Filling never
 * fails and allocates nothing; several threads may fill from one at a time. NULL on failure. */
typedef struct eg_picture_dataset eg_picture_dataset;
EG_API eg_picture_dataset *eg_picture_dataset_new(const eg_pictures *p, const uint32_t *items, int64_t n,
	const eg_picture_scale *scale, const char *input, const char *target, eg_error *err);
EG_API const eg_dataset *eg_picture_dataset_get(const eg_picture_dataset *d);
EG_API void eg_picture_dataset_free(eg_picture_dataset *d);

#ifdef __cplusplus
}
#endif

#endif
