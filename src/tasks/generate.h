/* generate.h - a language model that writes, as the files that it consists of see it: writing and scoring (generate.c),
 * drawing of units (draw.c), forms of verse (verse.c), gaps (fill.c). */
#ifndef ENGRAM_TASKS_GENERATE_H
#define ENGRAM_TASKS_GENERATE_H

#include "tasks/task.h"

enum { EG_GENERATE_CHUNK = 64, EG_GENERATE_RECENT = 64, EG_GENERATE_BLOCK = 64 };

typedef struct eg_weighted {
	float weight; /* not yet divided by the sum */
	int id;
} eg_weighted;

/* Where a text is in its form. */
typedef struct eg_verse_place {
	int line, column; /* lines that are whole, characters of this one */
	bool closed;      /* its punctuation is there too; a line end may follow */
} eg_verse_place;

/* One of the texts that are written side by side. */
typedef struct eg_lane {
	eg_real *next; /* logits of what comes next; valid when begun */
	bool ended;    /* the last one was the end mark */
	int before;    /* the last unit; -1: none */
	uint64_t sample, written;
	int last[EG_GENERATE_RECENT]; /* units that were written, a ring */
	eg_verse_place verse;
	char *spelled;
} eg_lane;

struct eg_generator {
	eg_model *model;
	eg_task *task; /* its own: the vocabulary is in it */
	const eg_vocab *vocab;
	eg_session *session;
	eg_generate_options options;
	int count, batch; /* units; lanes */
	eg_lane *lanes;
	eg_real *logits; /* EG_GENERATE_CHUNK steps of all lanes */
	int32_t *ids;    /* likewise */
	bool *recent;    /* by unit, in passing */
	bool begun;      /* something has been read or written */
	eg_weighted *units;
	float *weights;  /* of all units; 0 up to the next multiple of EG_GENERATE_BLOCK */
	double *sums;    /* of each block of them */
	size_t room;                     /* of spelled */
	eg_real *mark_state, *mark_next; /* where eg_generator_begin goes back to */
	bool mark_begun;
	int mark_before;
	uint8_t *kinds; /* of units, in a form; NULL: there is none */
	int *heads;     /* of an acrostic: the first unit of each line */
	int nheads;
};

/* ---- generate.c -------------------------------------------------------------------------------------------------- */

int32_t eg_generator_opening(const eg_generator *g); /* what stands before a text that begins from nothing */
eg_status eg_generator_feed(eg_generator *g, const int32_t *ids, size_t n, eg_error *err); /* to every lane */
double eg_generator_nats(const eg_generator *g, const eg_real *logits, int id);
/* Feeds n units; nats: what each took. */
eg_status eg_generator_take(eg_generator *g, const int32_t *ids, size_t n, double *nats, eg_error *err);

/* ---- draw.c ------------------------------------------------------------------------------------------------------ */

/* A unit for this lane, by the options and the form. -1: the logits are no numbers. */
int eg_generator_draw(eg_generator *g, eg_lane *l);

/* ---- verse.c ----------------------------------------------------------------------------------------------------- */

eg_status eg_verse_open(eg_generator *g, eg_error *err); /* by the options */
void eg_verse_close(eg_generator *g);
bool eg_verse_is_on(const eg_generator *g);
void eg_verse_mask(const eg_generator *g, const eg_lane *l, float *logits); /* what the form forbids: minus infinity */
bool eg_verse_ends(const eg_generator *g, const eg_lane *l); /* the form is full */
void eg_verse_step(const eg_generator *g, eg_lane *l, int id);

#endif
