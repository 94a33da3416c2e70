/* transcript.h - what a network writes of a recording or a line, or which class it gives a recording, and what that
 * comes from: gathered by transcript.c, drawn by transcript_page.c. */
#ifndef ENGRAM_REPORT_TRANSCRIPT_H
#define ENGRAM_REPORT_TRANSCRIPT_H

#include "engram_report.h"
#include "tasks/samples.h"
#include "tasks/transcribe.h"

enum { EG_EXPLAINED = 24 }; /* labels of which it is shown what they come from, the first ones */

/* A label of the transcript: steps of the output from `first` to before `end`; `peak` is where it is surest. Or one of
 * the likeliest classes, of the whole recording: 0 steps. */
typedef struct eg_told_label {
	const char *name;
	int first, end, peak;
	double probability; /* at the peak */
	eg_real *map;       /* what each number of the input adds to the label's at its peak, by gradient times input: a
	                     * number a step of sound (sizes, in sum), or the pixels H x W; NULL: not explained */
} eg_told_label;

typedef struct eg_transcript_look {
	eg_model *model;
	eg_task *task;
	eg_arena arena;
	eg_record record;
	eg_datum datum;
	const char *name;
	char *truth;    /* NULL: not known */
	int time, sizes[EG_MAX_DIMS + 1];
	bool classifies; /* labels are classes: `read` has their numbers in `labels` and nothing else */
	int length;     /* of the input: steps, or columns */
	int H;          /* rows of the input, where it is a picture */
	eg_real *input;
	eg_transcript read;
	eg_told_label *labels;
	eg_value *answer; /* as `predict` has it */
} eg_transcript_look;

/* q NULL: record number `record` of the part that the model is judged by. In every case to be forgotten. */
eg_status eg_transcript_gather(eg_transcript_look *l, const eg_question *q, int64_t record, eg_error *err);
void eg_transcript_forget(eg_transcript_look *l);

#endif
