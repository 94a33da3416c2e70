/* reconstruct.h - what reconstruct.c (the task, and its series), reconstruct_picture.c and reconstruct_film.c share. */
#ifndef ENGRAM_TASKS_RECONSTRUCT_H
#define ENGRAM_TASKS_RECONSTRUCT_H

#include "tasks/task.h"

typedef struct eg_reconstruct {
	eg_task base;
	eg_strings unseen; /* classes that are left out of training */
} eg_reconstruct;

extern const eg_task_type eg_task_type_reconstruct;
bool eg_rebuilds_pictures(const eg_task *t);

/* ---- of pictures (reconstruct_picture.c) ------------------------------------------------------------------------- */

/* Pictures that have been judged: how far each is from what was made of it. */
typedef struct eg_rebuilt {
	double sum; /* of their errors */
	int n, cap_errors, cap_labels;
	double *errors;  /* mean squared error of each, black 0, white 1 */
	int32_t *labels; /* its class as the source counts; -1: none is known */
} eg_rebuilt;

eg_status eg_rebuilt_open(const eg_task *t, eg_error *err);
int eg_rebuilt_label_field(const eg_task *t); /* of the source; -1: it has none */
eg_status eg_rebuilt_suits(const eg_task *t, eg_graph *g, eg_error *err);
eg_status eg_rebuilt_judge(eg_rebuilt *all, const eg_task *t, const eg_row *r, eg_error *err);
void eg_rebuilt_values(const eg_rebuilt *all, const eg_task *t, double *v); /* mse, psnr, auc */
void eg_rebuilt_details(const eg_rebuilt *all, const eg_task *t, eg_value *map);
void eg_rebuilt_free(eg_rebuilt *all);
eg_status eg_rebuilt_answer(const eg_task *t, const eg_answer_options *o, const eg_row *r, eg_value *out, eg_error *err);
/* Of what the network put out for a picture, `said`, and the picture's bytes (shape C x H x W): the error, and, where
 * `rebuilt` is not NULL, bytes. */
double eg_rebuilt_error(const eg_task *t, const eg_real *said, const uint8_t *wanted, const int shape[3], uint8_t *rebuilt);
/* How well a number tells what is odd from what is not: of a pair of both, how often the odd one has the larger number
 * (ties count half), which is the area under the ROC curve. NAN: there is no such pair. `errors` and `odd` are of n;
 * EG_ERR_MEMORY. */
eg_status eg_rebuilt_auc(const double *errors, const bool *odd, int n, double *auc, eg_error *err);

/* ---- of films (reconstruct_film.c) ------------------------------------------------------------------------------- */

bool eg_rebuilds_films(const eg_task *t);
extern const eg_task_type eg_task_type_reconstruct_films;
/* What should come out: the source's other film, which goes on where the first ends; else the film itself. */
int eg_rebuilt_films_field(const eg_task *t);

#endif
