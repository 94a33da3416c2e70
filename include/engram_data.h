/* engram_data.h - data: sources of records that are known by name, sets of pictures in memory, single pictures, and
 * fetching. Part of libengram_io. Text is read by engram_text.h.
 *
 * A source (mnist, folder, conll, ...) gives records: each has the source's fields, such as a picture and a label.
 * What they become as numbers is the task's business. Pictures stay bytes, a quarter of what floats would take.
 * Every function may be used from any thread; an object by one caller at a time, except that reading one
 * eg_pictures, or records of one source, from many is fine. */
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

/* ---- what a record holds ----------------------------------------------------------------------------------------- */

typedef enum eg_field_kind {
	EG_FIELD_PICTURE, /* bytes, C x H x W */
	EG_FIELD_LABEL,   /* one of nnames classes */
	EG_FIELD_MASK,    /* a class for each pixel */
	EG_FIELD_BOXES,   /* places with classes */
	EG_FIELD_TEXT,    /* UTF-8 (or any bytes), a sentence or a book */
	EG_FIELD_TOKENS,  /* texts, one after the other: words, or characters */
	EG_FIELD_TAGS,    /* a class for each token, step or frame */
	EG_FIELD_SERIES,  /* columns over time, with times and gaps */
	EG_FIELD_SOUND,   /* samples */
	EG_FIELD_FRAMES,  /* pictures one after the other */
	EG_FIELD_NUMBERS, /* some numbers */
	EG_FIELD_KINDS
} eg_field_kind;
EG_API const char *eg_field_kind_name(eg_field_kind kind); /* "picture", ...; NULL: no such */

typedef struct eg_field {
	const char *name;         /* "picture", "label", "target": what recipes call it */
	eg_field_kind kind;
	int C, H, W;              /* PICTURE, MASK, FRAMES: of every one; 0: they differ, or it is not known yet */
	int columns;              /* SERIES, NUMBERS: how many numbers a step, or in all; 0 likewise */
	int steps;                /* SERIES, FRAMES, TOKENS: of every one; 0: they differ */
	double rate;              /* SOUND, FRAMES: a second; 0: told by each */
	/* LABEL, MASK, BOXES, TAGS: the classes; SERIES, NUMBERS: the columns. NULL: none, or not known yet. */
	const char *const *names;
	int nnames;
} eg_field;
enum { EG_MAX_FIELDS = 10, EG_VOID = 255 /* in a mask: no class */, EG_NO_LABEL = -1 };

/* A box has a width and a height (x0 < x1, y0 < y1) and lies in the record's picture, turned as that is to be seen. The
 * corners of Pascal VOC, which count from 1 and belong to the box, are xmin - 1, ymin - 1, xmax, ymax here. */
typedef struct eg_box {
	int label;             /* a class of the field; EG_NO_LABEL: unknown */
	double x0, y0, x1, y1; /* pixels, continuous: the left edge of the leftmost pixel is 0 */
	bool difficult;        /* does not count, found or not */
} eg_box;
/* Area of both by the area that either covers (intersection over union); 0 to 1. */
EG_API double eg_box_overlap(const eg_box *a, const eg_box *b);
/* Cuts a box to a picture of H x W pixels; false: nothing of it is left. */
EG_API bool eg_box_clip(eg_box *box, int H, int W);

/* What one field of one record holds, by kind. */
typedef struct eg_datum_picture {
	int C, H, W; /* C: 1 grey, 3 red, green, blue */
	const uint8_t *pixels;
} eg_datum_picture;
typedef struct eg_datum_mask {
	int H, W;
	const uint8_t *classes; /* EG_VOID: none */
} eg_datum_mask;
typedef struct eg_datum_boxes {
	int n;
	const eg_box *at;
} eg_datum_boxes;
typedef struct eg_datum_text {
	const char *bytes; /* need not end with a zero */
	size_t size;
} eg_datum_text;
typedef struct eg_datum_tokens {
	int n;
	const char *const *at; /* each ends with a zero */
} eg_datum_tokens;
typedef struct eg_datum_tags {
	int n;
	const int32_t *at; /* EG_NO_LABEL: unknown */
} eg_datum_tags;
typedef struct eg_datum_series {
	int steps, columns;
	const float *at;     /* (steps, columns); NaN: a gap */
	const double *times; /* seconds; NULL: 0, 1, 2, ... */
} eg_datum_series;
typedef struct eg_datum_sound {
	int64_t n; /* of each channel */
	int channels;
	double rate;
	const float *at; /* interleaved */
} eg_datum_sound;
typedef struct eg_datum_frames {
	int n, C, H, W;
	double rate;
	const uint8_t *pixels;
} eg_datum_frames;
typedef struct eg_datum_numbers {
	int n;
	const float *at;
} eg_datum_numbers;

/* A label that is of several classes, since records were mixed: how much each counts; they sum to 1. */
typedef struct eg_shares {
	int n;
	const int32_t *label; /* a class may be there twice */
	const float *share;
} eg_shares;

/* Units of a text that are to be unknown, each with this probability, by random numbers of its place. */
typedef struct eg_dropped {
	double rate;
	uint64_t seed, stream;
} eg_dropped;

/* Parts of a sound's features that are to be hidden, as shares of its steps and of its bands. */
enum { EG_HIDDEN_MOST = 8 };
typedef struct eg_sound_span {
	double from, to;
} eg_sound_span;
typedef struct eg_sound_hidden {
	int nsteps, nbands;
	eg_sound_span steps[EG_HIDDEN_MOST], bands[EG_HIDDEN_MOST];
} eg_sound_hidden;

/* Pointers: valid until the record is read anew or freed, or the source closed. */
typedef struct eg_datum {
	bool there; /* false: this record lacks it, or it was not wanted */
	union {
		eg_datum_picture picture;
		int32_t label; /* EG_NO_LABEL: unknown */
		eg_datum_mask mask;
		eg_datum_boxes boxes;
		eg_datum_text text;
		eg_datum_tokens tokens;
		eg_datum_tags tags;
		eg_datum_series series;
		eg_datum_sound sound;
		eg_datum_frames frames;
		eg_datum_numbers numbers;
	};
	const eg_shares *shares;   /* LABEL of a record that was mixed; NULL: `label` it is */
	const eg_dropped *dropped; /* TEXT, TOKENS; NULL: none */
	const eg_sound_hidden *hidden; /* SOUND; NULL: nothing is */
	const float *heard;            /* SOUND: features that whoever uses the record has computed; NULL: none yet */
} eg_datum;

typedef struct eg_record {
	const char *id;    /* the source's own name of it: its path in the set, else its number in its part, from 0 */
	const char *group; /* sentence, speaker, person: a split never cuts one; NULL: none */
	const char *place; /* for messages: "FILE:LINE", or the file's name; NULL: the source's name and id say it */
	eg_datum fields[EG_MAX_FIELDS]; /* in the order of the source's fields */
	struct eg_record_memory *memory; /* of sources that make or decode what they give */
} eg_record;
/* What it holds. Zero-initialise a record before it is read into for the first time. */
EG_API void eg_record_free(eg_record *r);

typedef enum eg_part { EG_PART_TRAIN, EG_PART_VALIDATION, EG_PART_TEST, EG_PARTS } eg_part;
EG_API const char *eg_part_name(eg_part p); /* "train", "validation", "test"; NULL: no such */

/* ---- the table of sources ---------------------------------------------------------------------------------------- */
/* Read-only descriptions of the sources that are known by name. All pointers are static. */

typedef struct eg_data_file {
	const char *name;      /* "train-images-idx3-ubyte": lies on disk plain, or gzipped as name.gz */
	int64_t bytes;         /* unpacked */
	int64_t download;      /* as published, for progress; mirrors may have packed it differently */
	const char *sha256;    /* of the unpacked contents, 64 hexadecimal digits */
	const char *published; /* NULL: as name.gz; else it is published plain, under this name, and kept as `name` */
} eg_data_file;

/* One tar or zip archive that a set is published as: read as it is, where the set's own files or folders are not there.
 * In it the files are called as they are published. */
typedef struct eg_data_archive {
	eg_data_file file;    /* bytes and sha256 are of the archive. sha256 NULL: it is packed anew now and then, so
	                       * bytes is about what it has, and what is in it is compared */
	const char *inside;   /* the folder in it that holds the set's files or folders; NULL: its top */
	const char *contents; /* of folders, as figures are told of them: the SHA-256 of what sha256sum writes of all
	                       * their files, in the order of the names' bytes; NULL: files have sums of their own */
} eg_data_archive;

/* What the setting `path` of a source is, and so where its records come from. */
typedef enum eg_data_path {
	EG_DATA_PATH_COMPUTED, /* it takes none: its records are computed */
	EG_DATA_PATH_SETTINGS, /* it takes none: other settings name the user's files */
	EG_DATA_PATH_SET,      /* the folder that holds its own files; left out, they are looked for */
	EG_DATA_PATH_FILE,     /* the user's file; needed */
	EG_DATA_PATH_FOLDER    /* the user's folder; needed */
} eg_data_path;

typedef struct eg_data_info {
	const char *name;       /* "fashion-mnist" */
	const char *doc;        /* one line */
	const char *origin;     /* who made it */
	const char *licence;
	const eg_field *fields; /* nfields; what is known without the files (how many classes, perhaps not their
	                         * names) */
	int nfields;
	int64_t train, test;    /* records; 0: told by the files */
	eg_data_path path;
	const eg_data_file *files;     /* nfiles */
	int nfiles;
	const eg_data_archive *archive; /* what is downloaded, and may lie there in place of the others; or NULL */
	bool packed_sums;              /* bytes and sha256 of its files are of the packed contents, as published */
	const char *instead;           /* a file that may be there in place of them: it has no checksum; or NULL */
	const char *const *folders;    /* a set of folders, not files: these must be there; NULL-terminated, or NULL */
	const char *folder;            /* its folder's name in ENGRAM_DATA, the cache and mirrors; NULL: the set's */
	bool shipped;                  /* comes with the program's recipes, in recipes/data */
	const char *const *urls;       /* folders in the net with the files, NULL-terminated, tried in turn; or NULL */
	const char *by_hand;           /* without urls: how to come by the files, a sentence or two; or NULL */
	const char *package;           /* Debian package, or NULL */
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
	EG_DATA_SHIPPED,   /* with the program's recipes */
	EG_DATA_CACHE      /* $XDG_CACHE_HOME/engram, else ~/.cache/engram */
} eg_data_origin;

typedef struct eg_data_place {
	eg_data_origin origin;
	char folder[1024];
} eg_data_place;

/* Looks for all files of a set: in FOLDER/NAME for each FOLDER of ENGRAM_DATA (separated by ':'), then, where the
 * set comes with the program, in recipes/data of the working folder and of the program's own folders, then in the
 * Debian package's folder, then in the cache. NAME is eg_data_info.folder, or the name of the set. EG_ERR_IO when it
 * is nowhere: the message says what to type. */
EG_API eg_status eg_data_locate(const char *name, eg_data_place *place, eg_error *err);

/* ---- records ----------------------------------------------------------------------------------------------------- */

typedef struct eg_source eg_source;

/* Opens a source by its name, with settings "key=value" as a recipe's data section has them ("path=...", "limit=100"),
 * NULL-terminated, or NULL. Nothing is read yet. *source is NULL on failure. */
EG_API eg_status eg_source_open(const char *name, const char *const *settings, eg_source **source, eg_error *err);
EG_API void eg_source_close(eg_source *s); /* NULL is allowed */
EG_API const eg_data_info *eg_source_info(const eg_source *s);
/* Of what is computed or drawn at random. 0 where it is never set; before prepare. */
EG_API void eg_source_seed(eg_source *s, uint64_t seed);
/* Pictures are wanted in this size: a source that keeps decoded files in memory may bring them to it, once. Before
 * prepare. */
EG_API void eg_source_want_picture(eg_source *s, int C, int H, int W);

/* Is there what the setting `path` names, where it is a file or folder of the user's? Nothing is read. */
EG_API eg_status eg_source_there(const eg_source *s, eg_error *err);

/* Its fields, in order. Sizes and names that only the files tell are known when a part has been prepared. A class
 * keeps its number when another part is prepared; that may only add names behind those there are. */
EG_API int eg_source_fields(const eg_source *s);
EG_API const eg_field *eg_source_field(const eg_source *s, int i);         /* NULL: no such */
EG_API int eg_source_find_field(const eg_source *s, const char *name);     /* -1: none */
EG_API int eg_source_find_kind(const eg_source *s, eg_field_kind kind);    /* the first of this kind; -1: none */
/* Makes the names of all classes known, reading no more than that takes: where they are known already, nothing. */
EG_API eg_status eg_source_learn_names(eg_source *s, eg_error *err);

/* Finds, opens, indexes (or, where the set is small, reads) what is needed for a part. A part that the source does
 * not have: EG_OK and a count of 0. A part that has been prepared is left alone. */
EG_API eg_status eg_source_prepare(eg_source *s, eg_part part, eg_error *err);
EG_API int64_t eg_source_count(const eg_source *s, eg_part part); /* of a prepared part; else 0 */
/* Why a prepared part has no records, or what is odd about those it has, as a sentence without an end; NULL: nothing
 * to say. */
EG_API const char *eg_source_remark(const eg_source *s, eg_part part);
/* The records that could not be read when parts were prepared, a line each ("FILE: why"), up to some tens, and how many
 * more there are;
 * NULL: none. Also after a failure. */
EG_API const char *eg_source_broken(const eg_source *s);
/* Record i of a prepared part, its fields `wanted` (bit k: field k). May be called from several threads at a time,
 * each with a record of its own. Damaged contents: EG_ERR_FORMAT with file and line, and what may be done. */
EG_API eg_status eg_source_read(
	const eg_source *s, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err);
/* Label `label` of field `field` by its name; NULL: no such. */
EG_API const char *eg_source_name(const eg_source *s, int field, int label);

/* ---- pictures in memory, without a source ------------------------------------------------------------------------ */

typedef struct eg_data_options {
	const char *folder;    /* holds the files themselves; NULL: searched as eg_data_locate does. Source folder: with
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

/* Reads a set of pictures. source: a name of the table above, or "folder" or "idx" for the user's own files; split:
 * "train" or "test". options may be NULL. *out is NULL on failure. A source that is no set of pictures in memory is
 * an error. */
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
	int checked;     /* files whose checksums are right, downloaded ones included */
} eg_data_got;

/* Sees to it that a set is complete and whole (checksums). Without `folder`: when the set is found as by
 * eg_data_locate it is checked, and only missing or damaged files in the cache are downloaded. With `folder`: the
 * same for that folder (made when missing). A download goes to FILE.part (a regular file of one name, else it is an
 * error), goes on where an earlier one was broken off, or begins anew where that was of something else, is checked and
 * renamed; the publisher's addresses are tried in turn, or, when ENGRAM_MIRROR is set, only $ENGRAM_MIRROR/NAME/FILE
 * (http, https or file URL; FILE as it is kept, so with .gz unless published plain). cb and got may be NULL. Needs
 * libcurl, which is loaded only when something is to be downloaded. */
EG_API eg_status eg_data_get(const char *name, const char *folder, const eg_data_callbacks *cb, eg_data_got *got,
	eg_error *err);

/* ---- one picture ------------------------------------------------------------------------------------------------- */

typedef struct eg_picture {
	int C, H, W;     /* C: 1 grey, 3 red, green, blue */
	uint8_t *pixels; /* C x H x W */
	const eg_allocator *allocator;
} eg_picture;

typedef struct eg_picture_options {
	uint8_t backdrop[3];   /* what shows through transparent pixels, with set_backdrop; else white */
	bool set_backdrop;
	int64_t max_pixels;    /* height x width refused above; 0: 64 Mi */
	bool shrink;           /* but a JPEG that is larger is read at a half, a quarter or an eighth of its height and
	                        * width */
	const eg_allocator *allocator; /* NULL: malloc. Must outlive the picture */
} eg_picture_options;

/* Reads PNG, JPEG, WebP, BMP, PGM or PPM, told by its first bytes. 16 bits are cut to 8; it is turned as its EXIF
 * orientation says, and sizes are those after turning; colour profiles and gamma are not applied. Damaged files are
 * refused, not shown in part. options may be NULL. */
EG_API eg_status eg_picture_load(const char *path, const eg_picture_options *options, eg_picture *pic, eg_error *err);
/* The same from memory; `name` is what messages call it. */
EG_API eg_status eg_picture_decode(const void *data, size_t size, const char *name, const eg_picture_options *options,
	eg_picture *pic, eg_error *err);
EG_API void eg_picture_free(eg_picture *pic); /* and zeroes it; NULL and an empty one are allowed */

/* Writes pixels (C x H x W, C 1 or 3; 4: the last is how opaque they are, 255 wholly) as 8-bit PNG, atomically. */
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

/* ---- tables over time -------------------------------------------------------------------------------------------- */

/* A table whose rows are steps in time, read without a recipe: columns of numbers in double precision, on a regular
 * grid. */
typedef struct eg_time_column {
	const char *name;
	bool numbers;          /* most of its cells are numbers */
	bool counts;           /* 1, 2, 3, ...: it numbers the rows */
	double *values;        /* a step each; NAN: missing. Of a column of words: which of them */
	const char **words;    /* of a column that is of few different words: they, as they came */
	int nwords;            /* 0: it is of numbers, or of too many words */
	int missing;           /* cells that say nothing; steps of the grid without a row are not among them */
	int64_t wrong_line;    /* the first cell that is neither a number nor missing; 0: there is none */
	const char *wrong;     /* what stands there */
} eg_time_column;

typedef enum eg_time_told {
	EG_TIME_AS_WRITTEN,
	EG_TIME_UTC,   /* cells had offsets such as +02:00: times are UTC, and shown with a Z */
	EG_TIME_LOCAL  /* of a time zone: shown with its offset */
} eg_time_told;

typedef struct eg_time_table {
	const char *file;
	const char *id;          /* of the series, where a table has several; NULL: it has one */
	eg_time_column *columns; /* without those of the time, and that of the id */
	int ncolumns, steps, rows; /* steps - rows: how many the grid has beside the rows */
	const char *time;        /* the columns of the time: "Month", "year, month, day"; NULL: rows are numbered */
	bool dated;              /* steps have a time, the first one */
	double begin;            /* seconds since 1970 */
	int months;              /* of a step, where it is of the calendar; else */
	bool month_ends;         /* such steps are the last days of their months */
	double seconds;          /* it is so many seconds; with `times`, what these are whole multiples of */
	const double *times;     /* of each step, where rows are steps and their times rise; NULL: a grid, or none */
	bool averaged;           /* a grid was asked for: a step is the mean of its rows */
	eg_time_told told;
	const char *remark;      /* what is odd about its times; NULL: nothing */
} eg_time_table;

typedef struct eg_time_table_options {
	/* The columns of the time: one of ISO 8601, or year, month, day, hour, ..., a NULL behind them. NULL: the first
	 * that holds times only, or those called year, month, day, ... */
	const char *const *time;
	/* of the time, as strptime(3) has it, several columns with a blank between; NULL: ISO 8601 */
	const char *format;
	/* The name of the time zone that times without an offset are of, for messages; which it is, the variable TZ of
	 * the process says. NULL: they are taken as they are written. */
	const char *zone;
	/* Rows are brought to steps of so many months, or seconds, each the mean of its rows. Both 0: the grid is
	 * found. */
	int grid_months;
	double grid_seconds;
	const char *id;          /* the column that says which series a row is of; NULL: there is one */
	const char *const *missing; /* what else says that there is nothing, a NULL behind */
	bool rows;               /* rows are steps, whatever their times */
	bool row_times;          /* with `rows`: times that rise are kept all the same */
	bool lenient;            /* times that do not rise, or lie on no grid, are a remark, and rows are steps then */
	char separator;          /* 0: a comma */
	int64_t line;            /* the number of the first line below the names, for messages; 0: 2 */
	/* Of rows that follow others whose times clocks of the zone showed: the last of those times. NULL: there are
	 * none. */
	const double *before;
} eg_time_table_options;

/* options may be NULL; its id is. EG_ERR_FORMAT with line and column: a cell that is no time, a time not later
 * than that before, one beside the grid, a broken quotation mark, a row that is too short. */
EG_API eg_status eg_time_table_read(
	const char *path, const eg_time_table_options *options, eg_time_table **table, eg_error *err);
EG_API void eg_time_table_free(eg_time_table *t); /* NULL is allowed */

/* A table for each series of a file, in the order in which they begin; they are freed together. */
typedef struct eg_time_tables {
	eg_time_table **at;
	int n;
} eg_time_tables;
EG_API eg_status eg_time_tables_read(
	const char *path, const eg_time_table_options *options, eg_time_tables **tables, eg_error *err);
/* The same of a text that is in memory, for messages called `name`. */
EG_API eg_status eg_time_tables_parse(const char *text, size_t size, const char *name, const eg_time_table_options *options,
	eg_time_tables **tables, eg_error *err);
EG_API void eg_time_tables_free(eg_time_tables *t); /* NULL is allowed */

/* The column called `name`, whatever it holds. */
EG_API eg_status eg_time_table_column(const eg_time_table *t, const char *name, int *place, eg_error *err);
/* The column called `name`, of numbers only; NULL: the only one of numbers that does not count rows. *place is its
 * number. */
EG_API eg_status eg_time_table_find(const eg_time_table *t, const char *name, int *place, eg_error *err);
/* The time of a step, also behind the last one, as ISO 8601 with as much as the grid needs; "" where rows are
 * numbered. */
EG_API const char *eg_time_table_when(const eg_time_table *t, int step, char buf[32]);
/* The same in seconds since 1970, of a table that is dated; NAN: beyond the calendar. */
EG_API double eg_time_table_time(const eg_time_table *t, int step);
/* The periods that the calendar suggests for the grid, the most likely first, 0 behind them. */
EG_API const int *eg_time_table_periods(const eg_time_table *t);

#ifdef __cplusplus
}
#endif

#endif
