/* engram_floor.h - floors: the simplest honest models for a recipe's task, trained and judged on the same samples,
 * in the same units and by the same metrics as its network, in seconds. A network that does not beat them has
 * learnt nothing that would need one. Part of libengram_io.
 *
 * Results are kept in the user's cache (`floors` beside the data sets that were fetched), so that they can be
 * shown beside a network without being computed again. Ownership, threads, NULL and messages as in engram_io.h. */
#ifndef ENGRAM_FLOOR_H
#define ENGRAM_FLOOR_H

#include "engram_task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the table --------------------------------------------------------------------------------------------------- */

typedef struct eg_floor_info {
	const char *name;   /* "kneser-ney" */
	const char *task;   /* "language" */
	const char *doc;    /* one line: what it does */
	const char *source; /* where it is from: "Kneser and Ney 1995" */
	int version;        /* what was computed by another one is computed anew */
} eg_floor_info;

EG_API int eg_floor_count(void);
EG_API const eg_floor_info *eg_floor_at(int i); /* NULL: no such */

/* ---- what they reach --------------------------------------------------------------------------------------------- */

typedef struct eg_floor_progress {
	const char *floor; /* its name */
	int index, floors; /* floor number index (from 0) of so many that serve the recipe */
	int fold, folds;   /* folds 0: none */
	double share;      /* of this floor, 0..1; NAN: not known */
} eg_floor_progress;

typedef enum eg_floor_use {
	EG_FLOORS_MISSING, /* those that are not in the cache are computed */
	EG_FLOORS_KEPT,    /* what is in the cache, and nothing else; the training samples are not even read */
	EG_FLOORS_ANEW     /* all are computed, whatever is in the cache */
} eg_floor_use;

typedef struct eg_floors_options {
	eg_context *ctx; /* that computes; NULL: one is made */
	eg_floor_use use;
	const char *split; /* "train", "validation", "test": the part that they are judged by; NULL: the task's
	                    * (eg_task_eval_part), or validation where there is no test part */
	int folds;         /* > 1: as in eg_samples_options; results are means over the folds */
	eg_model *model;   /* whose vocabulary, scale and names of classes are used; NULL: the recipe's, or measured */
	const char *folder; /* of the recipe's data set, where it is not looked for; NULL: it is */
	/* Training and validation samples of this recipe, cut in the same folds, that are there already, and a graph
	 * that they suit: the floors are judged by them, and `model` and `folder` do not count. NULL: they are loaded.
	 * Not for the test part. */
	const eg_samples *samples;
	eg_graph *graph;
	void *user;
	/* false: stop, EG_ERR_STOPPED. NULL: nothing is told. */
	bool (*progress)(void *user, const eg_floor_progress *p);
} eg_floors_options;

typedef struct eg_floor_result {
	const eg_floor_info *info;
	const eg_value *settings; /* a map: {"n": 6} */
	/* Of the metrics (eg_task_metric); over folds: means, and deviations, else NAN. */
	double values[EG_METRICS_MOST], deviation[EG_METRICS_MOST];
	double seconds; /* that it took, when it was computed */
	bool kept;      /* it was in the cache */
} eg_floor_result;

typedef struct eg_floors eg_floors;

/* The floors of the recipe's task and fields, the best first. EG_FLOORS_KEPT: there may be none. */
EG_API eg_status eg_floors_run(eg_recipe *r, const eg_floors_options *options, eg_floors **floors, eg_error *err);
EG_API void eg_floors_free(eg_floors *f);
EG_API int eg_floors_count(const eg_floors *f);
EG_API const eg_floor_result *eg_floors_at(const eg_floors *f, int i); /* NULL: no such */
/* As eg_task_metric; floors are ranked by number 0. */
EG_API const eg_metric_info *eg_floors_metric(const eg_floors *f, int i);
EG_API eg_part eg_floors_part(const eg_floors *f);                        /* that they were judged by */
/* How many they have learnt from, or were judged by; -1: not known (EG_FLOORS_KEPT). */
EG_API int64_t eg_floors_units(const eg_floors *f, bool judged);
/* What went wrong with the cache, which does no harm: a sentence without an end; NULL: nothing. */
EG_API const char *eg_floors_remark(const eg_floors *f);
/* Is `value`, of a network, better than the best floor, by metric 0? With no floors: yes. A NAN is not. */
EG_API bool eg_floors_beaten(const eg_floors *f, double value);

#ifdef __cplusplus
}
#endif

#endif
