/* engram_task.h - tasks: what a network is trained for. A task makes samples of a recipe's data section, measures how
 * well a model does on them, and turns the network's numbers into answers. Part of libengram_io.
 *
 * The recipe says which task it is (`task: classify`), so the functions below serve every task. Ownership, threads,
 * NULL and messages as in engram_io.h; an object is used by one caller at a time. */
#ifndef ENGRAM_TASK_H
#define ENGRAM_TASK_H

#include "engram_data.h"
#include "engram_io.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the table --------------------------------------------------------------------------------------------------- */

typedef struct eg_task_info {
	const char *name; /* "classify" */
	const char *doc;  /* one line */
} eg_task_info;

EG_API int eg_task_count(void);
EG_API const eg_task_info *eg_task_at(int i); /* NULL: no such */

/* ---- a recipe's task --------------------------------------------------------------------------------------------- */

typedef struct eg_task eg_task;

/* Reads and checks the recipe's section `data`; nothing is loaded. The recipe must outlive the task. */
EG_API eg_status eg_task_open(eg_recipe *r, eg_task **task, eg_error *err);
EG_API void eg_task_free(eg_task *t);
EG_API const eg_task_info *eg_task_kind(const eg_task *t);
EG_API const char *eg_task_source(const eg_task *t); /* name of the data source */
/* Takes samples from elsewhere: another source, another folder of the source's files. NULL: as it is. */
EG_API eg_status eg_task_set_source(eg_task *t, const char *source, const char *folder, eg_error *err);

/* How many classes there are: by the recipe, the table of sources, or else the training labels, which are read. */
EG_API eg_status eg_task_classes(const eg_task *t, int *classes, eg_error *err);
/* Channels, height and width of what the network takes. */
EG_API eg_status eg_task_shape(const eg_task *t, int shape[3], eg_error *err);
/* Are the source's samples what the network takes, as far as it is known without reading them? */
EG_API eg_status eg_task_fits(const eg_task *t, eg_error *err);

/* ---- samples ----------------------------------------------------------------------------------------------------- */

typedef enum eg_part { EG_PART_TRAIN, EG_PART_VALIDATION, EG_PART_TEST } eg_part;

typedef struct eg_samples eg_samples;

/* Loads a part. Training and validation come together, cut as the recipe says. `model` NULL: to train one; the
 * normalisation is the recipe's, or measured on the training part (which is loaded for it). Else the model's is used,
 * and its classes must be enough. The task may be freed before the samples. */
EG_API eg_status eg_samples_load(
	const eg_task *t, eg_part part, const eg_model *model, eg_samples **samples, eg_error *err);
EG_API void eg_samples_free(eg_samples *s);
EG_API const eg_dataset *eg_samples_get(const eg_samples *s, eg_part part); /* NULL: not loaded, or empty */
EG_API int64_t eg_samples_count(const eg_samples *s, eg_part part);
EG_API int eg_samples_classes(const eg_samples *s);
/* Fills in what a model file keeps of its training samples: class names, normalisation, border. Pointers into `s`. */
EG_API void eg_samples_describe(const eg_samples *s, eg_model_parts *parts);

/* ---- how well a model does --------------------------------------------------------------------------------------- */

typedef struct eg_evaluation eg_evaluation;

/* Runs the model over a part, `batch` samples at a time. */
EG_API eg_status eg_evaluation_run(
	eg_model *m, const eg_samples *s, eg_part part, int batch, eg_evaluation **evaluation, eg_error *err);
EG_API void eg_evaluation_free(eg_evaluation *e);
/* The task's metrics, in the order in which they are shown. classify: loss, accuracy, top3, top5, macro_f1. */
EG_API int eg_evaluation_count(const eg_evaluation *e);
EG_API const char *eg_evaluation_name(const eg_evaluation *e, int i); /* NULL: no such */
EG_API double eg_evaluation_value(const eg_evaluation *e, int i);     /* NAN: no such */
EG_API double eg_evaluation_find(const eg_evaluation *e, const char *name); /* NAN: no such */
/* What was taken for what, and from it the metrics of each class; NULL: not a task with classes. */
EG_API const eg_confusion *eg_evaluation_confusion(const eg_evaluation *e);

/* ---- answers ----------------------------------------------------------------------------------------------------- */

typedef struct eg_predict_options {
	eg_invert invert; /* pictures; EG_INVERT_AUTO goes by the border of the training pictures */
	int top;          /* how many answers; 0: all */
} eg_predict_options;

typedef struct eg_answer {
	const char *name; /* belongs to the model */
	int index;        /* of the class */
	double probability;
} eg_answer;

typedef struct eg_prediction {
	const eg_answer *answers; /* n of them, the likeliest first; valid until the next prediction */
	int n;
	bool inverted; /* the picture was */
} eg_prediction;

typedef struct eg_predictor eg_predictor;

/* Nothing of the training data is read. options may be NULL. The model must outlive the predictor. */
EG_API eg_status eg_predictor_new(
	eg_model *m, const eg_predict_options *options, eg_predictor **predictor, eg_error *err);
EG_API void eg_predictor_free(eg_predictor *p);
/* What is in this file: for classify a picture (PNG, JPEG, PGM, PPM). After a failure the next file may be tried. */
EG_API eg_status eg_predictor_file(eg_predictor *p, const char *path, eg_prediction *out, eg_error *err);

#ifdef __cplusplus
}
#endif

#endif
