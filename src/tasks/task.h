/* task.h - the descriptor of a task, and the objects as task.c and the tasks see them.
 *
 * A task puts what it needs of its own behind each object: struct {eg_task base; ...}. */
#ifndef ENGRAM_TASKS_TASK_H
#define ENGRAM_TASKS_TASK_H

#include "base/base.h"
#include "engram_task.h"
#include "engram_text.h"
#include "io/recipe.h"

enum { EG_PARTS = 3, EG_MAX_METRICS = 16 };

/* `free` releases the whole object and takes it half-built. */
typedef struct eg_task_type {
	eg_task_info info;
	eg_key_table data; /* keys of the section `data` beside those of every task (schema.c); none is required */

	eg_status (*open)(eg_recipe *r, eg_task **task, eg_error *err);
	void (*free)(eg_task *t);
	eg_status (*set_source)(eg_task *t, const char *source, const char *path, eg_error *err);
	eg_status (*classes)(const eg_task *t, int *classes, eg_error *err);
	eg_status (*shape)(const eg_task *t, int shape[3], eg_error *err); /* NULL: takes no pictures */
	eg_status (*fits)(const eg_task *t, eg_error *err);
	eg_status (*suits)(const eg_task *t, eg_graph *g, eg_error *err); /* NULL: any graph that could be built */

	eg_status (*load)(const eg_task *t, eg_part part, const eg_model *model, eg_samples **samples, eg_error *err);
	void (*free_samples)(eg_samples *s);

	bool no_matrix;                    /* its classes are too many for what was taken for what */
	void (*measure)(eg_evaluation *e); /* metrics of loss and confusion */
	/* In its place, for metrics that take another look: puts them, and sets e->total. NULL: eg_evaluate, then
	 * measure. */
	eg_status (*evaluate)(eg_evaluation *e, eg_model *m, const eg_dataset *data, int batch, eg_error *err);

	/* NULL: gives no answers */
	eg_status (*new_predictor)(
		eg_model *m, const eg_predict_options *o, eg_predictor **predictor, eg_error *err);
	void (*free_predictor)(eg_predictor *p);
	eg_status (*predict)(eg_predictor *p, const char *path, eg_prediction *out, eg_error *err);

	/* NULL: does not write */
	eg_status (*new_generator)(
		eg_model *m, const eg_generate_options *o, eg_generator **generator, eg_error *err);
} eg_task_type;

struct eg_task {
	const eg_task_type *type;
	eg_recipe *recipe;
	const char *source;
	const char *one, *many; /* its unit */
	eg_part eval_part;
};

struct eg_samples {
	const eg_task_type *type;
	const eg_dataset *parts[EG_PARTS]; /* NULL: not loaded, or empty */
	int64_t units[EG_PARTS];
	const char *one, *many;            /* the task's unit */
	int classes, eval_batch;
	const eg_vocab *vocab;
	const char *const *class_names;
	double mean[3], std[3], border;
	int nmean;
};

typedef struct eg_metric {
	const char *name;
	double value;
	bool share;
	char about[80];
} eg_metric;

struct eg_evaluation {
	const eg_task_type *type;
	eg_metric metrics[EG_MAX_METRICS];
	double loss; /* of the network */
	int n;
	int64_t total;   /* predictions, where there is no confusion */
	const char *one; /* the task's unit */
	eg_confusion *confusion;
};
void eg_evaluation_put(eg_evaluation *e, const char *name, double value, bool share, const char *about);

struct eg_predictor {
	const eg_task_type *type;
};

/* generate.c: what the tasks whose networks go on with a text have as their new_generator. */
eg_status eg_generator_from_vocab(eg_model *m, const eg_generate_options *o, eg_generator **generator, eg_error *err);

#endif
