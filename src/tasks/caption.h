/* caption.h - captions that say which coloured things lie where: "a COLOUR THING RELATION a COLOUR THING and RELATION a
 * COLOUR THING", RELATION being above, below, left of or right of the first. */
#ifndef ENGRAM_TASKS_CAPTION_H
#define ENGRAM_TASKS_CAPTION_H

#include <stdbool.h>

/* How many things the right one has, and how many of these, of their colours and of their relations (one less) the
 * other has in the same order. */
typedef struct eg_caption_marks {
	int all, things, colours, places;
} eg_caption_marks;
/* A caption beside the right one; of what is no such sentence as far as it goes. false: `right` is none itself. */
bool eg_caption_compare(const char *text, const char *right, eg_caption_marks *marks);

#endif
