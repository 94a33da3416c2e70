/* tag_films.h - what the task `tag` becomes where its input is a film, and how segments of films are compared. */
#ifndef ENGRAM_TASKS_TAG_FILMS_H
#define ENGRAM_TASKS_TAG_FILMS_H

#include "tasks/task.h"

/* The task `tag`, of texts and of films. */
typedef struct eg_tagger {
	eg_task base;
	int delay; /* films: a frame's tag is told when so many more have been seen */
} eg_tagger;
enum { EG_TAGGER_KEYS = 1 };
extern const eg_key eg_tagger_keys[EG_TAGGER_KEYS];
extern const eg_task_type eg_task_type_tag_films;

/* Frames start to end - 1 with one tag. */
typedef struct eg_segment {
	int tag, start, end;
} eg_segment;
/* How many of the n that are told are right: each is compared with the one of its tag with which it shares most, and
 * is right when they share at least this part of the frames that they cover together, and no other was before it.
 * `used`: room for m. */
int64_t eg_segments_right(const eg_segment *a, int n, const eg_segment *b, int m, double least, bool *used);
/* 1 less the edits that make the order of one that of the other, by the longer of the two. row: room for m + 1. */
double eg_segments_edit(const eg_segment *a, int n, const eg_segment *b, int m, int *row);

#endif
