/* intake_names.h - what intakes of fields that say classes share (intake_names.c): their names, in the order of the
 * model's numbers, and what another source calls them. */
#ifndef ENGRAM_TASKS_INTAKE_NAMES_H
#define ENGRAM_TASKS_INTAKE_NAMES_H

#include "tasks/intake.h"

/* The first member of the struct of every such intake. */
typedef struct eg_names_intake {
	eg_intake base;
	eg_lexicon names;
	bool known, allows_unknown, allows_others;
	int32_t *map; /* the source's numbers as the model counts; NULL: they are the same */
	int nmap;
	int32_t *begins; /* tags: which one, B-X, begins what this one, I-X, goes on with; -1: none */
} eg_names_intake;

/* For their eg_intake_type. */
void eg_names_close(eg_intake *f);
bool eg_names_known(const eg_intake *f);
int eg_names_count(const eg_intake *f);
eg_status eg_names_begin(eg_intake *f, const eg_field *field, eg_error *err);
eg_status eg_names_meet(eg_intake *f, const eg_field *field, eg_error *err);
void eg_names_save(const eg_intake *f, eg_value *map);
eg_status eg_names_restore(eg_intake *f, const eg_value *map, eg_error *err);

#endif
