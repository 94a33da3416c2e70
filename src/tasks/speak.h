/* speak.h - the task `speak` (speak.c) and how it is judged (speak_judge.c). */
#ifndef ENGRAM_TASKS_SPEAK_H
#define ENGRAM_TASKS_SPEAK_H

#include "tasks/cepstra.h"
#include "tasks/hearer.h"
#include "tasks/mouth.h"

typedef struct eg_speak {
	eg_task base;
	double longest, sure; /* keys: longest_sound, seconds; stop_at, a probability */
	eg_mouth *mouth;
	eg_lexicon words; /* that occur in what was trained on; n 0: not known, or too many */
	eg_hearer recognises, knows_voice; /* who listens when it is judged; predictor NULL: nobody */
} eg_speak;

extern const eg_task_type eg_task_type_speak;
enum { EG_SPEAK_TEXT = 0 };
int eg_speak_voice(const eg_task *t); /* which of the inputs says the voice; -1: none does */
/* What is spoken for row r; rounds 0: as many as usual. *sound is to be released. */
eg_status eg_speak_sound(
	const eg_task *t, const eg_row *r, int rounds, uint64_t seed, eg_mouth_sound *sound, eg_error *err);

/* ---- its judge --------------------------------------------------------------------------------------------------- */

enum { EG_SPEAK_RECOGNISED, EG_SPEAK_FLOOR, EG_SPEAK_SPEAKER, EG_SPEAK_MCD, EG_SPEAK_REAL, EG_SPEAK_RATIO, EG_SPEAK_STOPPED, EG_SPEAK_LOSS, EG_SPEAK_METRICS };
extern const eg_metric_info eg_speak_metrics[EG_SPEAK_METRICS];

/* A real recording. */
typedef struct eg_heard {
	char *text; /* "VOICE text" */
	eg_cepstra cepstra;
} eg_heard;

typedef struct eg_speak_judge {
	eg_task_judge base;
	eg_heard *heard;
	int n, room;
	double sum; /* of distortions */
	int64_t spoken, stopped, recognised, by_floor, voices; /* the last three: by those who listen */
} eg_speak_judge;

void eg_speak_judge_close(eg_task_judge *j);
void eg_speak_judge_reset(eg_task_judge *j);
eg_status eg_speak_judge_row(eg_task_judge *j, const eg_row *r, eg_error *err);
void eg_speak_judge_values(const eg_task_judge *j, double *v);

#endif
