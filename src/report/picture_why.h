/* picture_why.h - the object behind eg_picture_why, shared by picture_why.c (the picture, the question, attributions),
 * picture_layers.c (the network's layers, Grad-CAM, units), picture_like.c (pictures of the data) and picture_page.c
 * (the page). */
#ifndef ENGRAM_REPORT_PICTURE_WHY_H
#define ENGRAM_REPORT_PICTURE_WHY_H

#include "engram_report.h"
#include "tasks/detect.h"
#include "tasks/samples.h"

enum { EG_LIKED = 8, EG_LIKES = 8, EG_NEAREST = 8, EG_WHY_FILES = 1000 };

/* A layer that is shown: its numbers for the picture, (C,H,W) or, of units without places, (C,1,1). */
typedef struct eg_shown_layer {
	const char *name, *operator_, *output; /* output: what the own graph calls it */
	eg_tensor tensor;
	bool planes;       /* it has a height and a width */
	bool weighs;       /* the number that is explained depends on it */
	eg_receptive field;
	/* of the picture */
	int C, H, W;
	eg_real *values, *weights; /* weights: of each channel the mean of df/da */
	eg_real *cam;              /* H x W: max(0, sum over channels of weights * values) */
} eg_shown_layer;

/* A picture of the training part. */
typedef struct eg_liked {
	double value; /* of the unit; or how similar */
	int64_t record;
	int row, column;     /* of the unit */
	int label;           /* -1: none is known */
	uint8_t *pixels;     /* as the network gets it */
	int shape[3];
} eg_liked;

typedef struct eg_like {
	int channel, n;
	double weight; /* what the channel adds to the number that is explained, in linear approximation */
	eg_liked best[EG_LIKED];
} eg_like;

struct eg_picture_why {
	eg_model *model;
	eg_task *task;
	eg_picture_why_options options;
	int pixel[2], unit[3], box;
	const char *explained; /* the output that a number of is: "logits", or "alike", the cosine to another picture */
	eg_arena arena;   /* of its life */
	eg_graph *g;      /* the model's network, whose layers are outputs too */
	eg_params *p;
	eg_shown_layer *layers;
	int nlayers, cam; /* cam: the layer for Grad-CAM; -1: none has places */
	const char *features; /* output: what the last layer with weights reads; NULL: the cam layer */
	const char *filters; /* name of the first convolution; NULL: there is none */

	/* of the picture at hand */
	eg_arena asked;
	eg_record record;
	eg_datum datum;
	const char *name;
	int truth; /* class; -1: not known, or a number: */
	double true_number; /* NAN: not known */
	int64_t own; /* its number, where it is a record of the training part; else -1 */
	const uint8_t *pixels;
	int shape[3], sizes[EG_MAX_DIMS + 1];
	eg_real *input;
	const char *input_names[EG_MAX_DIMS + 2];
	const void *input_data[EG_MAX_DIMS + 2];
	int32_t lengths[EG_MAX_DIMS + 1];
	int ninputs;
	eg_size *open;        /* sizes of a plan */
	eg_real *logits;
	int K, logits_H, logits_W; /* of one sample */
	int k, at[2];              /* what is explained: of class k, at this place */
	double value;
	eg_found found; /* the box that is explained; */
	bool boxed;     /* there is one */
	const char *baseline;
	eg_real *base;
	eg_attribution saliency, integrated, occlusion, unit_field;
	/* Maps of the picture's size. */
	eg_real *saliency_map, *integrated_map, *unit_map, *grad_cam;
	int chosen[3];
	double unit_value;
	eg_like likes[EG_LIKES];
	int nlikes, nnearest, looked;
	eg_liked nearest[EG_NEAREST];
	char note[300];
	eg_value *facts;
	const char *files[EG_WHY_FILES];
	int nfiles;
};

/* What class k is called, or number k of the network: "number 2". */
const char *eg_why_class(const eg_picture_why *w, int k, char buf[32]);
/* What answer k is called: likewise, or "likeness". */
const char *eg_why_answer(const eg_picture_why *w, int k, char buf[32]);
/* The baseline in words: "black", "white", "the mean colour". */
const char *eg_why_ground(const eg_picture_why *w);
eg_status eg_why_no_memory(eg_error *err);
/* The picture that this one is compared with, as the network would get it, in a record that is the caller's. */
eg_status eg_why_beside(const eg_picture_why *w, eg_record *r, const uint8_t **pixels, int shape[3], eg_error *err);
/* Values of a picture's numbers as a map over its pixels: the largest of the channels without its sign, or their sum.
 * NULL: out of memory. */
eg_real *eg_why_fold(eg_picture_why *w, const eg_attribution *a, bool largest);
/* A record's picture into a batch; *sizes of open words, as eg_task_words has them. */
eg_status eg_why_extents(const eg_picture_why *w, const eg_record *r, const eg_datum *d, int *sizes, eg_error *err);
eg_status eg_why_fill(const eg_picture_why *w, eg_record *records, const eg_datum *const *data, int n, const int *sizes,
	void *slot, eg_error *err);
/* "lengths.WORD" of a plan, all the same. */
void eg_why_fill_lengths(const eg_picture_why *w, eg_plan *plan, int n, const int *sizes);

/* picture_layers.c */
eg_status eg_why_layers(eg_picture_why *w, eg_error *err);  /* once: the graph, its layers, its weights */
eg_status eg_why_run(eg_picture_why *w, eg_error *err);     /* their numbers for the picture; Grad-CAM */
eg_status eg_why_unit(eg_picture_why *w, eg_error *err);    /* the chosen unit and what it depends on */
/* Pixels that a unit sees, cut to the picture: top, left, height, width; false: not known. */
bool eg_why_window(const eg_picture_why *w, const eg_shown_layer *l, int row, int column, const int shape[3], int window[4]);

/* picture_like.c */
eg_status eg_why_look(eg_picture_why *w, eg_error *err);

#endif
