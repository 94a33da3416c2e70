/* detect.h - what the files of the task `detect` share: boxes out of what a network says (detect_find.c), how precise
 * they are (detect_precision.c), how many there are (detect_count.c), pictures with boxes in them (detect_draw.c).
 * detect.c is the task. */
#ifndef ENGRAM_TASKS_DETECT_H
#define ENGRAM_TASKS_DETECT_H

#include "tasks/task.h"

/* A box that was found; its label is the model's. */
typedef struct eg_found {
	eg_box box;
	double score;
	int row, column; /* of the grid's cell that tells of it */
} eg_found;

enum { EG_FOUND_MOST = 100 /* in a picture */ };
#define EG_FOUND_LEAST 0.01 /* what has a smaller score is not told */

/* detect.c: what a model of this task finds in the picture of a row, the surest first. */
bool eg_task_detects(const eg_task *t);
eg_status eg_task_find(const eg_task *t, const eg_row *r, eg_found out[EG_FOUND_MOST], int *n, eg_error *err);

/* ---- detect_find.c ----------------------------------------------------------------------------------------------- */

/* What a network says of one picture. */
typedef struct eg_grid {
	const eg_real *logits; /* (K,h,w): of each class, in a cell or not */
	const eg_real *sides;  /* (4,h,w): left, up, right, down from the middle of a cell, in cells */
	int K, h, w;
	int H, W;            /* of the picture that boxes are wanted in, pixels */
	const double *limit; /* K scores, at which an object is believed: they are told as 0.5. NULL: it is */
	double overlap;      /* of two boxes of a class that overlap more the surer is kept */
} eg_grid;

/* Finds boxes, the surest first; returns how many, -1: out of memory. */
int eg_grid_find(const eg_grid *g, eg_found out[EG_FOUND_MOST]);

/* ---- detect_precision.c ------------------------------------------------------------------------------------------ */

/* Average precision as COCO's evaluation has it: of each class the mean over 101 recalls, at overlaps of 0.5 to 0.95.
 * Boxes that are `difficult` count neither as found nor as missed. */
typedef struct eg_precision eg_precision;
eg_precision *eg_precision_new(int classes); /* NULL: out of memory */
void eg_precision_free(eg_precision *p);
void eg_precision_reset(eg_precision *p);
/* A picture: its true boxes, labels as the model counts (-1: passed over), and what was found, the surest first. */
eg_status eg_precision_add(
	eg_precision *p, const eg_box *truth, int ntruth, const eg_found *found, int nfound, eg_error *err);
int64_t eg_precision_count(const eg_precision *p, int label); /* true boxes that count */
/* At an overlap of 0.5, and the mean over 0.5, 0.55, ..., 0.95; NAN where there are no true boxes. Sorts. */
typedef struct eg_class_precision {
	double ap50, ap50_95;
} eg_class_precision;
eg_class_precision eg_precision_of(eg_precision *p, int label);

/* ---- detect_count.c ---------------------------------------------------------------------------------------------- */

/* How many objects of a class there are, as slope times what eg_found_sum says, and offset; not `used`: as many as
 * boxes are believed. */
typedef struct eg_count_line {
	bool used;
	double slope, offset;
} eg_count_line;
double eg_found_sum(const eg_found *found, int n, int label); /* squares of the scores of a class, summed */
int64_t eg_count_by(const eg_count_line *line, double sum);

/* What was found in validation pictures, and what is there: filled by whoever looks at them. */
typedef struct eg_sightings {
	const eg_task *task;
	int K;                     /* classes */
	struct eg_sighting *at;    /* boxes with the network's own scores */
	int n, cap, pictures, again; /* again: pictures looked at once more */
	int64_t *truth, *said;     /* [picture][class]: objects, boxes that are believed */
	double *sum;               /* likewise, eg_found_sum of moved scores */
} eg_sightings;
eg_status eg_sightings_begin(eg_sightings *s, int64_t pictures, eg_error *err);
eg_status eg_sightings_add(eg_sightings *s, const eg_found *found, int n, eg_error *err); /* ends a picture */
void eg_sightings_free(eg_sightings *s);
/* For each class the score at which boxes are to be believed: K of them, to be released. */
eg_status eg_sightings_limits(eg_sightings *s, double **limits, eg_error *err);
/* And the line to count by; used where it is nearer to the truth, in pictures that it was not drawn by, than boxes. */
eg_status eg_sightings_lines(const eg_sightings *s, eg_count_line **lines, eg_error *err);

/* ---- detect_draw.c ----------------------------------------------------------------------------------------------- */

/* Writes the picture with a frame and a name around each box. */
eg_status eg_found_draw(const char *path, const eg_datum_picture *picture, const eg_found *found, int n,
	const eg_lexicon *names, eg_error *err);

#endif
