/* caption.h - what caption.c (the task, and captions of pictures) and caption_film.c share; and captions that say
 * which coloured things lie where: "a COLOUR THING RELATION a COLOUR THING and RELATION a COLOUR THING", RELATION
 * being above, below, left of or right of the first. */
#ifndef ENGRAM_TASKS_CAPTION_H
#define ENGRAM_TASKS_CAPTION_H

#include "tasks/desk.h"

/* How many things the right one has, and how many of these, of their colours and of their relations (one less) the
 * other has in the same order. */
typedef struct eg_caption_marks {
	int all, things, colours, places;
} eg_caption_marks;
/* A caption beside the right one; of what is no such sentence as far as it goes. false: `right` is none itself. */
bool eg_caption_compare(const char *text, const char *right, eg_caption_marks *marks);

typedef struct eg_caption {
	eg_task base;
	eg_desk_keys keys;
	eg_desk *desk;
} eg_caption;
enum { EG_CAPTION_KEYS = 3 };
extern const eg_key eg_caption_keys[EG_CAPTION_KEYS];
void eg_caption_defaults(eg_task *base);
void eg_caption_close(eg_task *base);
/* What both kinds of the task have alike, of an eg_task_type. */
#define EG_CAPTION_TYPE                                                                                                \
	.size = sizeof(eg_caption), .keys = {eg_caption_keys, EG_CAPTION_KEYS}, .defaults = eg_caption_defaults,       \
	.close = eg_caption_close, .best = -1, .quick = true, .writes = true, .outputs = eg_caption_outputs,           \
	.judge_close = eg_caption_judge_close, .options = {eg_desk_option_keys + 1, EG_DESK_OPTIONS},                  \
	.options_size = sizeof(eg_desk_options)
const char *const *eg_caption_outputs(const eg_task *t, const eg_graph *g);
void eg_caption_judge_close(eg_task_judge *j);
/* What is written for row r. */
eg_status eg_caption_write(
	const eg_task *t, const eg_desk_options *o, const eg_row *r, const eg_hypothesis **h, eg_error *err);
const eg_vocab *eg_caption_vocab(const eg_task *t);
/* The answer's `text` and `words`. o NULL: without attention. */
eg_status eg_caption_answer(const eg_task *t, const eg_desk_options *o, const eg_row *r, const eg_hypothesis *h, eg_value *out,
	eg_error *err);

/* ---- of films (caption_film.c) ----------------------------------------------------------------------------------- */

extern const eg_task_type eg_task_type_caption_films;

/* A caption of a film is several clauses, with this between them, each of what happens for a while. */
#define EG_CLAUSE ", then "
/* Where n clauses end, but the last, by how much each of them looks at each frame, weights (n, frames): behind the end
 * of the one before, where the least of what both look at is on the wrong side; in the middle where there are several
 * such places. Every clause has a frame where there are as many. ends: n, the last of which is `frames`. */
void eg_clauses_cut(const double *weights, int n, int frames, int *ends);

#endif
