/* made.h - what sources share whose records are made by a rule from real pictures and recordings of another source:
 * their keys, the random numbers of a record, the real records by class, and pasting of pictures.
 *
 * Record i of a part is a function of (key `seed`, part, i): the recipe's own seed does not change the data. The test
 * part is made of the real set's test part alone.
 *
 * Not here: the rules (source_digit_strings.c, source_digit_lines.c, source_turned_digits.c, source_moving_digits.c,
 * source_moving_mnist.c, source_scenes.c). */
#ifndef ENGRAM_DATA_MADE_H
#define ENGRAM_DATA_MADE_H

#include "data/augment.h"

#include <math.h>

/* ---- the source -------------------------------------------------------------------------------------------------- */

typedef struct eg_made_source {
	eg_source base;
	int64_t train, test, seed;
} eg_made_source;

#define EG_MADE_KEYS(owner, many_, train_, test_) \
	{.name = "count", \
		.type = EG_KEY_INT64, \
		.offset = offsetof(owner, made.train), \
		.min = 1, \
		.max = 1e9, \
		.def = train_, \
		.doc = "how many " many_ " to train on; the share `validation` of so many more are made to judge each epoch, of real " \
		       "records that serve nothing else"}, \
	{.name = "test_count", \
		.type = EG_KEY_INT64, \
		.offset = offsetof(owner, made.test), \
		.min = 1, \
		.max = 1e9, \
		.def = test_, \
		.doc = "how many others make the test part"}, \
	{ \
		.name = "seed", .type = EG_KEY_INT64, .offset = offsetof(owner, made.seed), .min = 0, .max = 9e15, .def = 0, \
		.doc = "what is drawn depends on this number, and not on the seed of training (default: 0)" \
	}
#define EG_MADE_FOLDER_KEY(owner, name_, of_) \
	{ \
		.name = #name_, .type = EG_KEY_STRING, .offset = offsetof(owner, name_), .def = NAN, \
		.doc = "folder that holds the files of " of_ "; left out: found as `engram data list` shows" \
	}
/* How many records a part has, by the keys. */
int64_t eg_made_count(const eg_made_source *s, eg_part part);
void eg_made_only(eg_record *r, unsigned wanted); /* forgets the other fields */
eg_draw eg_made_draw(const eg_made_source *s, eg_part part, int64_t i); /* the random numbers of a record */

/* ---- the real records, by kind ----------------------------------------------------------------------------------- */

/* A kind is a class of one group (a speaker) of the real source; a set without groups counts as one. */
typedef struct eg_stock {
	eg_source *source; /* its second field is the label */
	const eg_source *owner; /* what is made of it: its key `validation` */
	int classes, ngroups;
	const char **groups; /* sorted; those of all parts */
	uint32_t *items[EG_PARTS]; /* of the real part that serves a part, ordered by kind */
	uint32_t *from[EG_PARTS];  /* of kind k those at from[k] to from[k + 1] - 1 */
} eg_stock;
enum { EG_STOCK_LABEL = 1 };
/* Opens the real source, and puts its records in order for a part; what has been done is left alone. Training takes
 * the real training part; with the key `validation`, the last tenth of each kind serves the validation part alone. */
eg_status eg_stock_prepare(
	eg_stock *k, eg_source *of, const char *name, const char *folder, eg_part part, eg_error *err);
void eg_stock_close(eg_stock *k);
/* A real record of this kind, drawn. Its picture lies in the real source, what was decoded in the record. */
eg_status eg_stock_draw(
	const eg_stock *k, eg_part part, int kind, eg_draw *d, unsigned wanted, eg_record *r, eg_error *err);
/* The same for a picture of the one group. */
eg_status eg_stock_picture(
	const eg_stock *k, eg_part part, int label, eg_draw *d, eg_datum_picture *p, eg_error *err);

/* ---- made of the digits of mnist --------------------------------------------------------------------------------- */

/* What the struct of such a source begins with. */
typedef struct eg_made_digits {
	eg_made_source made;
	const char *pictures;
	eg_stock stock;
} eg_made_digits;

#define EG_MADE_DIGITS_KEYS(many_, train_, test_) \
	EG_MADE_KEYS(eg_made_digits, many_, train_, test_), EG_MADE_FOLDER_KEY(eg_made_digits, pictures, "mnist")
eg_status eg_made_digits_prepare(eg_source *base, eg_part part, eg_error *err);
void eg_made_digits_close(eg_source *base);

/* ---- pictures ---------------------------------------------------------------------------------------------------- */

/* In the room of r: the grey picture p in the middle of a black square, then moved. */
eg_status eg_sprite(const eg_datum_picture *p, int side, const eg_move *m, eg_record *r, eg_datum_picture *out,
	eg_error *err);
/* Turned to the right by so many radians and larger by a factor, about its middle. */
eg_move eg_sprite_move(int side, double scale, double angle);
/* The smallest box around what is not nearly black; the whole picture where all is. */
typedef struct eg_ink {
	int x0, y0, x1, y1;
} eg_ink;
eg_ink eg_ink_of(const eg_datum_picture *p);
/* Adds a grey picture's pixels, times strength / 255, to an area of H x W, its upper left corner at (x, y); sums above
 * 255 are 255, what lies outside is lost. */
void eg_paste(uint8_t *area, int H, int W, const eg_datum_picture *p, int x, int y, int strength);
/* Where something is that moves between walls at 0 and `way`, and would be at `x` without them. */
double eg_thrown_back(double x, double way);
uint8_t *eg_black(eg_record *r, size_t bytes); /* zeros in its room; NULL: out of memory */

#define EG_DIGIT_WORDS "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"
extern const char *const eg_digit_names[10], *const eg_digit_words[10]; /* "0", and how it is spoken */

#endif
