/* boxed.h - what sources of pictures with boxes share (boxed.c): pictures as files with their boxes in memory, what is
 * done to boxes that are none, and records of both. Field 0 is the picture, field 1 the boxes. */
#ifndef ENGRAM_DATA_BOXED_H
#define ENGRAM_DATA_BOXED_H

#include "data/data.h"

enum { EG_BOXED_PICTURE, EG_BOXED_BOXES };

/* A picture and its boxes. */
typedef struct eg_boxed {
	const char *id, *picture, *annotation; /* paths among the files, but the id */
	int H, W; /* as the annotation has them; 0: it does not say, or boxes are shares of the picture */
	bool shares;
	eg_box *boxes; /* room for as many as were put */
	int n;
} eg_boxed;

typedef struct eg_boxed_shelf {
	eg_boxed *at;
	int n;
} eg_boxed_shelf;

/* What was done to the boxes of a part, and which they were. Zero-initialise. */
typedef struct eg_boxed_tally {
	int64_t empty, cut, outside;
	char named[300];
	int64_t nnamed;
} eg_boxed_tally;

/* Puts a box of this class in; where that has no width or height, or lies outside, it is only counted. `empty`: its
 * annotation says that it has none. */
void eg_boxed_put(eg_boxed *e, eg_box box, bool empty, const char *class_name, eg_boxed_tally *t);
void eg_boxed_tell(eg_source *s, eg_part part, const eg_boxed_tally *t);

/* The picture's file: folder/NAME with one of the endings that pictures have, into e->picture, which is NULL where
 * there is none. */
eg_status eg_boxed_find(eg_source *s, const eg_files *tree, const char *folder, const char *name, eg_boxed *e, eg_error *err);
eg_status eg_boxed_load(const eg_files *tree, const eg_boxed *e, eg_picture *pic, eg_error *err);
eg_status eg_boxed_record(const eg_files *tree, const eg_boxed *e, unsigned wanted, eg_record *r, eg_error *err);

#endif
