/* augment.h - augmentations: what is changed in a training record before it becomes numbers. A kind is a row of a
 * table: its keys in a recipe, the fields that it works on, and a function that changes one record.
 * What is random is drawn from (seed, epoch, record, place in the list) and from nothing else: so a record looks the
 * same whoever reads it, when, and after whichever others.
 * augments.def is the list, augment_move.c and augment_distort.c have what moves pixels, augment_colour.c what changes
 * their values, augment_hide.c what covers a side, augment_mix.c what makes one record of several, augment_series.c
 * series, augment_sound.c sound. Not here: recipes and samples (tasks/augment.c). */
#ifndef ENGRAM_DATA_AUGMENT_H
#define ENGRAM_DATA_AUGMENT_H

#include "data/data.h"

/* ---- random numbers ---------------------------------------------------------------------------------------------- */

typedef struct eg_draw {
	eg_rng rng;
	uint64_t next; /* counts the numbers that were taken */
} eg_draw;

/* Those of entry `place` of a list, for record `item` in this epoch. */
eg_draw eg_draw_of(uint64_t seed, int epoch, int64_t item, int place);
double eg_draw_uniform(eg_draw *d, double least, double most); /* [least, most) */
int64_t eg_draw_whole(eg_draw *d, int64_t least, int64_t most); /* both inclusive */
double eg_draw_beta(eg_draw *d, double alpha); /* of the symmetric beta distribution, in [0, 1] */

/* ---- kinds ------------------------------------------------------------------------------------------------------- */

/* What all options begin with. */
typedef struct eg_augment_options {
	double probability;
} eg_augment_options;

typedef struct eg_augment_call {
	const void *options;
	const eg_field *fields; /* of the record, nfields */
	int nfields;
	eg_record *record;      /* to be changed: what it points to belongs to others, new contents lie in its room */
	unsigned inputs;        /* bit k: field k is an input of the network */
	eg_draw draw;
	uint64_t seed;
	int epoch;
	int64_t item;           /* its number in the source */
	int64_t at, items;      /* its place in the part, of so many */
	/* Of kinds that mix: the record at that place of the same part, as the entries before this one leave it; *r is
	 * good until the call returns. */
	eg_status (*other)(void *user, int64_t at, const eg_record **r, eg_error *err);
	void *user;
} eg_augment_call;

#define EG_KINDS_OF(k) (1u << EG_FIELD_##k)

typedef struct eg_augment_type {
	const char *name, *doc;
	unsigned works_on;     /* kinds of fields, one of which has to be among the inputs */
	unsigned refuses;      /* kinds of fields, none of which may be used, since: */
	const char *why;
	bool colour;           /* pictures have three channels */
	bool one_size;         /* pictures have one size: that of the network's input */
	bool talks;            /* records are talks with their answers: the task `reply` */
	bool mixes_classes;    /* a label becomes shares of classes (eg_shares); io/train.c knows their names */
	double usual;          /* probability, when it is not said */
	const char *shorthand; /* the key that a plain number is for: `rotate: 15`; NULL: none */
	eg_key_table keys;     /* beside `probability` */
	size_t size;           /* of the options, whose first member is eg_augment_options */
	void (*defaults)(void *options);
	double (*longest)(const void *options); /* so many times as many steps a record has at most; NULL: as many */
	const char *(*check)(const void *options); /* what is wrong with them together; NULL: nothing. NULL: never */
	eg_status (*apply)(eg_augment_call *c, eg_error *err);
} eg_augment_type;

enum { EG_AUGMENT_MOST = 128 }; /* bytes of options */
#define EG_AUGMENT_KEYS(k) .keys = {k, EG_COUNT(k)}
static inline eg_status eg_augment_no_memory(eg_error *err) {
	return eg_fail(err, EG_ERR_MEMORY, "out of memory for an augmented record");
}
extern const eg_key eg_augment_probability; /* the key that all have */
int eg_augment_count(void);
const eg_augment_type *eg_augment_at(int i); /* NULL: no such */

/* Does the entry happen this time? Takes the first number of the draw. */
bool eg_augment_happens(eg_augment_call *c);

/* Is this unit of a text or of tokens to be unknown? */
bool eg_unit_dropped(const eg_datum *d, int64_t unit);

/* ---- moving: move.c, for augment_move.c, augment_distort.c, augment_mix.c and views ------------------------------ */

typedef enum eg_edge { EG_EDGE_ZERO, EG_EDGE_REFLECT } eg_edge;
extern const char *const eg_edge_names[];

/* Where a place of the new picture comes from in the old one: x' = xx x + xy y + x0, y' = yx x + yy y + y0, continuous
 * pixels. */
typedef struct eg_move {
	double xx, xy, x0, yx, yy, y0;
} eg_move;
/* With these four numbers, the middle staying where it is. */
eg_move eg_move_about_middle(double xx, double xy, double yx, double yy, int H, int W);
/* The same of a picture of H x W pixels: pixels between others are interpolated linearly; whole pixels are copied. */
eg_status eg_move_picture(const eg_move *m, eg_edge edge, eg_record *r, eg_datum_picture *p, eg_error *err);
/* The nearest pixel's class; EG_VOID outside, whatever a picture shows there. */
eg_status eg_move_mask(const eg_move *m, eg_record *r, eg_datum_mask *d, eg_error *err);
/* How far the pixels of the new picture, H x W of them, are bent to the right and down before that: pixel (x, y) comes
 * from where its middle plus (dx, dy) does. */
typedef struct eg_bend {
	const float *dx, *dy;
} eg_bend;
/* As eg_move_picture and eg_move_mask. bend may be NULL. */
eg_status eg_bend_picture(const eg_move *m, const eg_bend *bend, eg_edge edge, eg_record *r, eg_datum_picture *p, eg_error *err);
eg_status eg_bend_mask(const eg_move *m, const eg_bend *bend, eg_record *r, eg_datum_mask *d, eg_error *err);
/* The smallest upright box around what a box becomes, cut to the picture. Dropped are those of which less than a third
 * of the area is left, or less than a pixel in width or height. */
eg_status eg_move_boxes(const eg_move *m, int H, int W, eg_record *r, eg_datum_boxes *b, eg_error *err);
/* The smallest upright box around what a box becomes. */
eg_box eg_box_moved(const eg_move *m, const eg_box *b);
/* Cuts a box to [x0, x1) x [y0, y1); false: it is dropped by that rule. */
bool eg_box_left(eg_box *b, double x0, double y0, double x1, double y1);

/* ---- hiding ------------------------------------------------------------------------------------------------------ */

/* The lowest share of a picture's rows, covered with the mean colour of the others. */
eg_status eg_hide_lowest(double share, eg_record *r, eg_datum_picture *p, eg_error *err);

#endif
