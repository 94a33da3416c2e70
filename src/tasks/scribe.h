/* scribe.h - a network that writes: the part of it that reads (the encoder) is run by whoever has a batch, in the plan
 * of the row; the part behind its input `previous` is run here, a unit at a time, its states kept for each hypothesis.
 *
 * Where the network is cut is found in its graph: what does not come from `previous`, and is read by what does. */
#ifndef ENGRAM_TASKS_SCRIBE_H
#define ENGRAM_TASKS_SCRIBE_H

#include "tasks/beam.h"
#include "tasks/task.h"

typedef struct eg_scribe eg_scribe;

/* Makes outputs of the graph of what the second part reads, once, and names them, NULL-terminated; valid as long as the
 * graph. Refused: a second part that cannot run step by step, or reads nothing of the first. */
eg_status eg_scribe_cut(eg_graph *g, const char *previous, eg_error *err);
const char *const *eg_scribe_outputs(const eg_graph *g);

/* `source`: the graph's input that is read, whose first size is its steps, or that is a picture (N,...). `attends`: the
 * graph has an output "attention" (N,T,steps of the source, or places), which tells where each step looks. */
eg_status eg_scribe_new(eg_graph *g, eg_params *p, const char *source, const char *previous, bool attends,
	eg_scribe **scribe, eg_error *err);
void eg_scribe_free(eg_scribe *w);
/* Of all rows of the batch that row r is one of: the best hypotheses, r->n of them, its own until the next call. Of the
 * options, `places` is set here. */
eg_status eg_scribe_write(
	eg_scribe *w, const eg_row *r, eg_beam_options o, const eg_hypothesis **best, eg_error *err);
/* For networks that tell numbers, not units, and when they stop (an output "stop"): all rows of the batch that row r is
 * one of, which must stay there, go on from step to step, from what was told before: (rows, width of `previous`). */
typedef struct eg_scribe_told {
	const eg_real *logits, *stop, *attention; /* by row, until the next step; NULL: the network does not tell it */
} eg_scribe_told;
eg_status eg_scribe_begin(eg_scribe *w, const eg_row *r, eg_error *err);
eg_status eg_scribe_next(eg_scribe *w, const eg_real *previous, eg_scribe_told *told, eg_error *err);
int eg_scribe_stride(const eg_scribe *w); /* places in the rows of a hypothesis' attention */
int eg_scribe_places(const eg_scribe *w, int i); /* of the source of row i; 0: no attention is told */

#endif
