/* rebuilt.h - pictures and what an auto-encoder makes of them: gathered in rebuilt.c, drawn in rebuilt_page.c. */
#ifndef ENGRAM_REPORT_REBUILT_H
#define ENGRAM_REPORT_REBUILT_H

#include "engram_report.h"
#include "tasks/reconstruct.h"
#include "tasks/samples.h"

enum { EG_REBUILT_SHOWN = 12 };

/* A picture that is shown: as it is, with noise, and what is made of both; pixels of the network's picture. */
typedef struct eg_rebuilt_picture {
	int64_t record;
	int label; /* of the source; -1: none is known */
	double error;
	uint8_t *pixels, *noisy, *rebuilt, *cleaned; /* noisy, cleaned: NULL where training adds no noise */
} eg_rebuilt_picture;

typedef struct eg_rebuilt_look {
	eg_model *model;
	eg_task *task;
	eg_graph *g;
	eg_arena arena;
	eg_part part;
	int64_t count; /* records of the part */
	int shape[3];
	double noise, larger; /* share of the pixels that training takes away; what it multiplies the rest with */
	int width;    /* of the bottleneck; 0: the network names none */
	/* of all that were looked at */
	int n;
	double *errors;
	int32_t *labels;
	bool *odd; /* of a class that was left out of training */
	int nodd;
	eg_real *codes;      /* (n, width) */
	double *places;      /* (n, 2): the codes on a plane */
	double kept;         /* share of their variance that the plane has */
	double mse, auc;     /* auc NAN: nothing was left out */
	eg_rebuilt_picture shown[EG_REBUILT_SHOWN], worst[EG_REBUILT_SHOWN], *faces; /* faces: one of each class */
	int nshown, nworst, nfaces;
} eg_rebuilt_look;

const char *eg_rebuilt_class(const eg_rebuilt_look *l, int label); /* "" where none is known */
eg_status eg_rebuilt_gather(eg_rebuilt_look *l, int records, eg_error *err); /* all but model is zero before */
void eg_rebuilt_forget(eg_rebuilt_look *l);

#endif
