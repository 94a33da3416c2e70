/* intake_spoken.h - what a network that speaks is to say, and has said (intake_spoken.c): the targets and the input
 * `previous` of the task `speak`. */
#ifndef ENGRAM_TASKS_INTAKE_SPOKEN_H
#define ENGRAM_TASKS_INTAKE_SPOKEN_H

#include "tasks/intake_sound.h"

/* Its targets (eg_task_type.tells), and `previous` (eg_task_type.said), which follows one. */
extern const eg_intake_type eg_intake_spoken_type, eg_intake_said_type;
int eg_intake_spoken_frames(const eg_intake *target); /* at a step */
const eg_sound_intake *eg_intake_spoken_sound(const eg_intake *target);
/* One frame, as the network tells it, in log-mel. */
void eg_intake_spoken_plain(const eg_intake *target, const eg_real *scaled, float *frame);
/* Is the input `previous` as wide as what is said? Asked when the sound's bands are known. */
eg_status eg_intake_said_width(const eg_intake *previous, eg_error *err);

#endif
