/* floors.h - the descriptor of a floor, and what the files of this folder share.
 *
 * A new floor is one file with an eg_floor_type and one line in floors.def. It is handed samples as the network is
 * given them: the same inputs and targets, filled by the task's own data set, so units, split and scale are the
 * recipe's by construction. What it says of a batch has the form of a network's output "logits", and is judged by
 * the task's own judge. The rest (trying settings, folds, the cache, the table) is done for it. */
#ifndef ENGRAM_FLOORS_FLOORS_H
#define ENGRAM_FLOORS_FLOORS_H

#include "base/base.h"
#include "engram_floor.h"
#include "tasks/samples.h"

typedef struct eg_floor eg_floor;

/* ---- samples as floors see them (part.c) ------------------------------------------------------------------------- */

/* Some samples of a part. */
typedef struct eg_floor_part {
	const eg_samples *samples;
	const eg_dataset *data;
	const eg_graph *graph;
	uint32_t *items; /* which of its samples; NULL: all */
	int64_t count;
} eg_floor_part;

/* A batch of them: `n` in the order of the part, beginning with number `first`. */
typedef struct eg_floor_batch {
	const eg_floor_part *part;
	int64_t first;
	int n, time; /* time: steps of each, 0: no sequences */
	eg_fill fill;
	eg_batch_run run; /* for eg_batch_input and the judge; it has no plan */
	void *slots[EG_TASK_INTAKES + 4];
	size_t room[EG_TASK_INTAKES + 4];
	uint32_t *items;
	int sizes[EG_MAX_DIMS];
} eg_floor_batch;

enum { EG_FLOOR_BATCH = 1024 };
/* Fills the batch with the next samples, at most `most`; of sequences, and of what has open sizes, one at a time.
 * The first time it is zero, but for `part`. n is 0 at the end. */
eg_status eg_floor_next(eg_floor_batch *b, int most, eg_error *err);
void eg_floor_batch_free(eg_floor_batch *b);
/* Numbers of a step of input 0: two where tokens come with pairs, the first of them the token's; else one. */
int eg_floor_step(const eg_floor_batch *b);

/* Numbers of one sample of input 0: pictures, numbers, series of a fixed length; 0: it has no fixed number of
 * them, or it is ids. */
int64_t eg_floor_width(const eg_floor *f);
const eg_real *eg_floor_row(const eg_floor *f, const eg_floor_batch *b, int i); /* those of sample i */
int32_t eg_floor_label(const eg_floor *f, const eg_floor_batch *b, int i);      /* its class; -1: unknown */
/* All classes and numbers of a part at once: labels (count), rows (count x width), each may be NULL. */
eg_status eg_floor_read(const eg_floor *f, const eg_floor_part *p, int32_t *labels, eg_real *rows, eg_error *err);

/* At most `most` of the samples, an even selection; some->items is the caller's, to be released. */
eg_status eg_floor_some(const eg_floor_part *p, int64_t most, eg_floor_part *some, eg_error *err);

/* ---- the descriptor ---------------------------------------------------------------------------------------------- */

/* A number that a floor has: `tried` in turn on samples that it has not learnt from, the best kept. One alone is
 * fixed; where it follows from the samples, `train` sets it. */
typedef struct eg_floor_setting {
	const char *name;
	int n;
	double tried[8];
	double low, high; /* what `engram tune` tries; the same: those in `tried`, where they are several */
	bool log, whole;  /* evenly in its logarithm; whole numbers */
} eg_floor_setting;
enum { EG_FLOOR_SETTINGS = 3 };

typedef struct eg_floor_type {
	eg_floor_info info;
	size_t size; /* of its struct, whose first member is eg_floor; 0: that alone */
	eg_floor_setting settings[EG_FLOOR_SETTINGS];
	int64_t trial;      /* at most so many samples are learnt from where settings are tried; 0: all */
	bool probabilities; /* what it says are logarithms of probabilities, so that a loss can be told */
	int piece;          /* > 0: of sequences it is asked for so many steps at a time */
	int batch;          /* samples that it is asked about at a time; 0: 256 */
	bool (*serves)(const eg_floor *f); /* such inputs and targets? NULL: all of the task */
	eg_status (*train)(eg_floor *f, const eg_floor_part *p, eg_error *err);
	/* What it says of the batch, steps from..from+steps-1 of sequences. Memory is the floor's, valid until the
	 * next call. */
	eg_status (*say)(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err);
	/* Of a task that writes, in the place of say: a text for each sample of the batch. Memory likewise. */
	eg_status (*write)(eg_floor *f, const eg_floor_batch *b, const char **texts, eg_error *err);
	/* Of a floor that is linear in what a text holds: its weights, which a network's file may keep (companion.c).
	 * NULL: it is not. */
	struct eg_bag_model *(*bag_model)(eg_floor *f);
	void (*free)(eg_floor *f); /* its own; NULL: nothing */
} eg_floor_type;

struct eg_floor {
	const eg_floor_type *type;
	eg_task *task;
	eg_graph *graph;
	eg_context *ctx;
	double settings[EG_FLOOR_SETTINGS];
	eg_real *out; /* room for what it says (eg_floor_room) */
	size_t out_room;
	double done, weight; /* progress: share done before this training, and how much this one counts */
	void *user;
	bool (*progress)(void *user, double share);
};

/* Room for n numbers, kept from call to call; NULL: out of memory. */
eg_real *eg_floor_room(eg_floor *f, size_t n);
int eg_floor_classes(const eg_floor *f); /* of the target, or units of a text */
bool eg_floor_takes(const eg_floor *f, eg_field_kind input); /* input 0 is of this kind */
/* Tells how much of the training is done; EG_ERR_STOPPED: it is to end. */
eg_status eg_floor_tell(eg_floor *f, double share, eg_error *err);
eg_status eg_floor_no_memory(const eg_floor *f, eg_error *err);
#ifdef __clang_analyzer__ /* as for eg_fail */
#define eg_floor_no_memory(f, err) (eg_floor_no_memory(f, err), EG_ERR_MEMORY)
#endif
const eg_floor_type *eg_floor_type_at(int i); /* NULL: no such */

/* ---- named.c: settings from elsewhere (src/tune) ----------------------------------------------------------------- */

/* One floor with samples that are loaded once: those to train on, and those that validate. */
typedef struct eg_floor_trials eg_floor_trials;
/* A floor that does not serve the recipe, or has nothing to be set, is EG_ERR_ARG. */
eg_status eg_floor_trials_open(eg_recipe *r, const char *name, eg_floor_trials **trials, eg_error *err);
void eg_floor_trials_free(eg_floor_trials *t);
const eg_floor_type *eg_floor_trials_type(const eg_floor_trials *t);
const eg_metric_info *eg_floor_trials_metric(const eg_floor_trials *t);
/* Trained with these EG_FLOOR_SETTINGS settings, and judged by that metric. */
eg_status eg_floor_trials_run(eg_floor_trials *t, const double *settings, double *value, eg_error *err);

/* named.c: a floor trained as `engram floor` does it, its settings tried on some of the training samples; validation
 * samples are not looked at. To be freed by eg_floor_close. */
eg_status eg_floor_fit(const char *name, const eg_samples *s, eg_graph *g, eg_floor **floor, eg_error *err);
void eg_floor_close(eg_floor *f);

/* ---- cache.c: results that are kept ------------------------------------------------------------------------------ */

/* What results depend on, beside the floor itself. */
typedef struct eg_floor_key {
	/* Of task, section `data`, inputs, seed, folds, what the intakes know, and the judged samples. */
	uint64_t hash;
	uint64_t train; /* fingerprint of the training samples; 0: not known, any will do */
} eg_floor_key;
typedef struct eg_floor_cache {
	eg_floor_key key;
	char path[1024]; /* empty: there is no place for it */
	eg_value *root;  /* {"train": ..., "floors": [...]}; never NULL */
	char remark[300];
} eg_floor_cache;
eg_status eg_floor_cache_open(eg_floor_cache *c, eg_floor_key key, eg_error *err);
/* What is kept of a floor: a map with settings, seconds, metrics; NULL: nothing. */
const eg_value *eg_floor_cache_find(const eg_floor_cache *c, const eg_floor_info *info);
/* Puts a result in and writes the file; that it cannot be written is a remark. */
eg_status eg_floor_cache_put(eg_floor_cache *c, const eg_floor_info *info, const eg_value *result, eg_error *err);
void eg_floor_cache_close(eg_floor_cache *c);

#endif
