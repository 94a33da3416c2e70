/* feed.h - a batch of a data set into a plan: inputs, lengths, the state of streams; and whether there is anything to
 * predict in it. */
#ifndef ENGRAM_TRAIN_FEED_H
#define ENGRAM_TRAIN_FEED_H

#include "core/plan.h"
#include "train/prefetch.h"

enum { EG_FEED_TARGETS = 8 };

typedef struct eg_feed {
	eg_graph *graph;
	const eg_dataset *data;
	const eg_batches *batches; /* lent */
	eg_plan_cache *plans;      /* lent */
	uint64_t seed;             /* as in eg_fill */
	int epoch;
	int views; /* each batch is put in so many times; 1 */
	/* Of the batch put in last: */
	eg_plan *plan;
	eg_filled *now;
	bool empty; /* nothing to predict: the mean over nothing is not a number */
	/* Of the objective: int32 inputs, classes, in which a negative number stands for none. */
	const char *targets[EG_FEED_TARGETS];
	int ntargets;
	const eg_real *begin; /* state that the first batch begins with, nbegin numbers; NULL: zero */
	size_t nbegin;
	eg_filled here;        /* where batches are filled in line */
	eg_prefetch *prefetch; /* NULL: they are */
	bool settled;          /* which of the two it is, is known */
	int looked;            /* batches whose filling was measured, of this epoch; when the last one ended; seconds */
	double last, filling, running;
} eg_feed;

/* An output of the graph by its name; -1: none. */
int eg_feed_output(const eg_graph *g, const char *name);
/* Zero-initialise; eg_feed_free in every case. objective NULL: none, then no batch is empty but those of weight 0. */
eg_status eg_feed_make(eg_feed *f, eg_graph *g, const eg_dataset *data, const eg_batches *batches, eg_plan_cache *plans,
	const char *objective, eg_error *err);
void eg_feed_free(eg_feed *f);
/* To be called before the order of batches changes. The state of streams begins from zero with the next batch, or,
 * with `state`, as these n numbers say, which must be as many as a plan's state and stay until then. */
void eg_feed_rewind(eg_feed *f, const eg_real *state, size_t n);
/* The streams' state as the last batch left it; NULL: there is none. */
const eg_real *eg_feed_streams(const eg_feed *f, size_t *n);
/* View k % views of batch k / views. */
eg_status eg_feed_put(eg_feed *f, int64_t k, eg_error *err);
/* As judges see it. Points into f. */
eg_batch_run eg_feed_run(const eg_feed *f);

/* Names of outputs: the objective (NULL: none), what is shown of it (NULL: itself) and what the judge reads (NULL: no
 * judge), each once, in an array of the allocator's; NULL: out of memory. */
const char **eg_feed_outputs(
	const eg_allocator *a, const char *objective, const char *shown, const eg_judge *judge);

#endif
