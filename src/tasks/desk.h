/* desk.h - what tasks share whose network reads something whole, a text or a picture, and writes a text about it: what
 * their networks must be, the settings of the search, and what is written for the rows of a batch (scribe.c,
 * beam.c). */
#ifndef ENGRAM_TASKS_DESK_H
#define ENGRAM_TASKS_DESK_H

#include "tasks/scribe.h"
#include "tasks/written.h"

/* What has been written for the batch at hand, whose rows are asked for one after the other. Zero-initialise. */
typedef struct eg_desk {
	eg_scribe *scribe;
	const eg_graph *graph;
	const eg_params *params;
	const eg_hypothesis *best; /* NULL: nothing */
	int n;
} eg_desk;
void eg_desk_clear(eg_desk *d);
/* A task's own: made when it is opened, where it is not there yet; and given back. */
eg_status eg_desk_open(eg_desk **d, eg_error *err);
void eg_desk_close(eg_desk **d);

/* Keys of the section data. */
typedef struct eg_desk_keys {
	int beam;
	double length_norm, coverage;
} eg_desk_keys;
extern const eg_desk_keys eg_desk_usual;
#define EG_DESK_KEYS(owner, member) \
	{.name = "beam", \
		.type = EG_KEY_INT, \
		.offset = offsetof(owner, member.beam), \
		.min = 1, \
		.max = 1000, \
		.def = 5, \
		.doc = "hypotheses that are followed while a text is written; 1: always the likeliest unit"}, \
	{.name = "length_norm", \
		.type = EG_KEY_DOUBLE, \
		.offset = offsetof(owner, member.length_norm), \
		.min = 0, \
		.max = 10, \
		.def = 0.6, \
		.doc = "how much longer texts are favoured: their logarithm of probability is divided by ((5 + units) / 6) to the power of " \
		       "this"}, \
	{ \
		.name = "coverage", .type = EG_KEY_DOUBLE, .offset = offsetof(owner, member.coverage), .min = 0, .max = 10, .def = 0, \
		.doc = "penalty of texts that have not looked at all places of what is read; needs an output `attention`" \
	}

/* Of a question: what was said in place of the keys. */
typedef struct eg_desk_options {
	eg_answer_options base;
	int beam;
	eg_numbers length_norm, coverage;
	const char *alignment;
	bool attention;
} eg_desk_options;
/* All but the last are of who reads texts, all but the first of who looks at something. */
enum { EG_DESK_OPTIONS = 4 };
extern const eg_key eg_desk_option_keys[EG_DESK_OPTIONS + 1];

/* Does the recipe name the output `attention`? */
bool eg_desk_attends(const eg_task *t);
eg_status eg_desk_untold(eg_error *err); /* the error of who needs it, and has it not */
/* Can such a network be trained and asked? `one` is what is read: "text", "picture". */
eg_status eg_desk_suits(const eg_task *t, eg_graph *g, const eg_desk_keys *k, const char *one, eg_error *err);
/* What is written for row r; all rows of its batch are, when the first is asked for. o NULL: as the keys say. */
eg_status eg_desk_write(eg_desk *d, const eg_task *t, const eg_desk_keys *k, const eg_desk_options *o, const eg_row *r,
	const eg_hypothesis **h, eg_error *err);

#endif
