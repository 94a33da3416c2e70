/* hearer.h - others who listen to what a model of the task `speak` says when it is judged: networks that tell classes
 * of sounds, and beside one that tells what is said the simplest model of its recipe. */
#ifndef ENGRAM_TASKS_HEARER_H
#define ENGRAM_TASKS_HEARER_H

#include "tasks/task.h"

/* The floor `mfcc-svm` of a classifier's recipe, trained on the recipe's own samples. Tasks know no floor; what stands
 * here is made by src/floors/hearing.c. */
typedef struct eg_hearing eg_hearing;
eg_status eg_hearing_new(eg_model *m, eg_hearing **hearing, eg_error *err);
void eg_hearing_free(eg_hearing *h);
/* The name of the class that it hears; it belongs to h. */
eg_status eg_hearing_hear(eg_hearing *h, const eg_datum_sound *s, const char **class, eg_error *err);

typedef struct eg_hearer {
	eg_predictor *predictor;
	eg_hearing *floor; /* NULL: who tells voices has none */
	int field;         /* of the source whose records are judged: what is right */
} eg_hearer;
void eg_hearer_close(eg_hearer *h);
/* What is spoken, and the record that it is spoken for: who is right? *floor is left alone without one. */
eg_status eg_hearer_hear(eg_hearer *h, const eg_source *s, const eg_datum_sound *spoken, const eg_record *r, bool *network,
	bool *floor, eg_error *err);

#endif
