/* language.h - the task `language` (language.c) and its data sets (language_data.c). */
#ifndef ENGRAM_TASKS_LANGUAGE_H
#define ENGRAM_TASKS_LANGUAGE_H

#include "tasks/samples.h"

/* Which samples validate. */
enum { EG_LANGUAGE_FROM_RANDOM, EG_LANGUAGE_FROM_END };

typedef struct eg_language {
	eg_task base;
	int steps;
	bool samples;
	int from; /* validation_from */
} eg_language;

/* As in eg_task_type. */
eg_status eg_language_measure(eg_task *t, eg_error *err);
eg_status eg_language_load(eg_task *t, eg_samples *s, eg_error *err);
void eg_language_unload(eg_samples *s);
uint64_t eg_language_fingerprint(const eg_samples *s, eg_part part, uint64_t h);

#endif
