/* talk.h - a network that goes on with what it has read, unit by unit, its states kept (as sessions keep them): what it
 * has heard is read once, and then answers to it are searched for, drawn, or compared. */
#ifndef ENGRAM_TASKS_TALK_H
#define ENGRAM_TASKS_TALK_H

#include "tasks/beam.h"
#include "tasks/task.h"

typedef struct eg_talk eg_talk;

/* `input`: the graph's input of units (T,N); `units`: how many there are, in its output "logits" (T,N,units). */
eg_status eg_talk_new(eg_graph *g, eg_params *p, const char *input, int units, eg_talk **talk, eg_error *err);
void eg_talk_free(eg_talk *t); /* NULL is allowed */
/* Reads n units from the beginning, at least one; what was heard before is forgotten. */
eg_status eg_talk_hear(eg_talk *t, const int32_t *ids, size_t n, eg_error *err);

/* What comes behind that, as often as one likes: the likeliest, by beam search (o->begin and o->units are set here); */
eg_status eg_talk_search(eg_talk *t, eg_beam_options o, eg_hypothesis *best, eg_error *err);
/* or drawn from its probabilities to the power of 1 / temperature (above 0), at most o->longest units; */
typedef struct eg_talk_draw {
	double temperature;
	eg_rng rng; /* number i draws unit i */
} eg_talk_draw;
eg_status eg_talk_write(
	eg_talk *t, const eg_beam_options *o, const eg_talk_draw *d, eg_hypothesis *drawn, eg_error *err);
/* or what it takes to say this: nats[i] of texts[i], sizes[i] units, and its end mark. */
eg_status eg_talk_score(eg_talk *t, const int32_t *const *texts, const size_t *sizes, int n, int32_t end, double *nats,
	eg_error *err);

#endif
