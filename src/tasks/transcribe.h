/* transcribe.h - what is read off the network's output for a recording or a line, as others than the task see it. */
#ifndef ENGRAM_TASKS_TRANSCRIBE_H
#define ENGRAM_TASKS_TRANSCRIBE_H

#include "tasks/ctc.h"
#include "tasks/task.h"

typedef struct eg_transcript {
	eg_arena room; /* of what follows; the caller's to free */
	eg_ctc c;
	double each; /* steps of the input, or pixels of its width, for a step of the output */
	int32_t *labels;
	int n;
} eg_transcript;

bool eg_task_transcribes(const eg_task *t);
bool eg_task_hears(const eg_task *t); /* sound, else it reads lines */
/* Of a row that has been run, by the recipe's beam and prior. x: zeros. */
eg_status eg_transcript_read(const eg_task *t, const eg_row *r, eg_transcript *x, eg_error *err);
const char *eg_transcript_label(const eg_task *t, int32_t label);
/* The transcript that the data has, in the room; NULL with EG_OK: it has none. */
eg_status eg_transcript_meant(const eg_task *t, const eg_row *r, eg_arena *room, char **text, eg_error *err);

#endif
