/* task.h - the descriptor of a task, and the objects as task.c and the tasks see them.
 *
 * A task puts what it needs of its own behind each object: struct {eg_task base; ...}. */
#ifndef ENGRAM_TASKS_TASK_H
#define ENGRAM_TASKS_TASK_H

#include "engram_task.h"
#include "io/recipe.h"

enum { EG_PARTS = 3, EG_MAX_METRICS = 16 };

/* `free` releases the whole object and takes it half-built. */
typedef struct eg_task_type {
	eg_task_info info;
	eg_key_table data; /* keys of the section `data` beside those of every task (schema.c); none is required */

	eg_status (*open)(eg_recipe *r, eg_task **task, eg_error *err);
	void (*free)(eg_task *t);
	eg_status (*set_source)(eg_task *t, const char *source, const char *folder, eg_error *err);
	eg_status (*classes)(const eg_task *t, int *classes, eg_error *err);
	eg_status (*shape)(const eg_task *t, int shape[3], eg_error *err);
	eg_status (*fits)(const eg_task *t, eg_error *err);

	eg_status (*load)(const eg_task *t, eg_part part, const eg_model *model, eg_samples **samples, eg_error *err);
	void (*free_samples)(eg_samples *s);

	void (*measure)(eg_evaluation *e); /* metrics of loss and confusion */

	eg_status (*new_predictor)(
		eg_model *m, const eg_predict_options *o, eg_predictor **predictor, eg_error *err);
	void (*free_predictor)(eg_predictor *p);
	eg_status (*predict)(eg_predictor *p, const char *path, eg_prediction *out, eg_error *err);
} eg_task_type;

struct eg_task {
	const eg_task_type *type;
	eg_recipe *recipe;
	const char *source;
};

struct eg_samples {
	const eg_task_type *type;
	const eg_dataset *parts[EG_PARTS]; /* NULL: not loaded, or empty */
	int classes;
	const char *const *class_names;
	double mean[3], std[3], border;
	int nmean;
};

struct eg_evaluation {
	const char *names[EG_MAX_METRICS];
	double values[EG_MAX_METRICS], loss;
	int n;
	eg_confusion *confusion;
};
void eg_evaluation_put(eg_evaluation *e, const char *name, double value);

struct eg_predictor {
	const eg_task_type *type;
};

#endif
