/* intake_text.h - what the intakes of texts share: intake_text.c, a text alone; intake_turns.c, a talk and the answer
 * to it, which lie in one sequence. */
#ifndef ENGRAM_TASKS_INTAKE_TEXT_H
#define ENGRAM_TASKS_INTAKE_TEXT_H

#include "data/text_form.h"
#include "tasks/intake.h"

typedef struct eg_text_intake {
	eg_intake base;
	eg_text_keys keys;
	int normalize;
	bool lower;
	eg_vocab *vocab; /* NULL: not known yet */
	int first;       /* unit that stands before the text; -1: none */
	char *seen;      /* the training texts, while they are looked at */
	size_t size, room;
	const eg_intake *answer; /* of a talk: what is answered, with its vocabulary; NULL: a text alone */
	const eg_intake *talk;   /* of an answer: what it stands behind */
	int turn;                /* of a talk: most units of one turn that are read; 0: all */
} eg_text_intake;

/* Hooks of intake_text.c that intake_turns.c has too. */
eg_status eg_text_look(eg_intake *f, const eg_datum *d, const eg_record *r, eg_error *err);
eg_status eg_text_decode(const eg_intake *f, const void *bytes, size_t size, const char *name, eg_record *r,
	eg_datum *d, int *remark, eg_error *err);
eg_status eg_text_decode_json(const eg_intake *f, const eg_value *v, const char *name, eg_record *r, eg_datum *d,
	int *remark, eg_error *err);

/* intake_turns.c */
eg_status eg_turns_encode(
	const eg_intake *f, const eg_datum *d, const eg_record *r, int32_t **ids, size_t *n, eg_error *err);
/* Fills the target of an answer: at each unit of talk and answer the next one, behind the last the end mark. */
eg_status eg_turns_fill_target(const eg_intake *f, const eg_intake_fill *a, eg_error *err);

/* How many of a record's steps are read, and nothing is to be predicted there: those of a talk that is not learnt. */
eg_status eg_turns_unlearnt(const eg_intake *answer, const eg_record *r, int *steps, eg_error *err);

#endif
