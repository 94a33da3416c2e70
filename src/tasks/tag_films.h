/* tag_films.h - what the task `tag` becomes where its input is a film. */
#ifndef ENGRAM_TASKS_TAG_FILMS_H
#define ENGRAM_TASKS_TAG_FILMS_H

#include "tasks/task.h"

extern const eg_task_type eg_task_type_tag_films;

#endif
