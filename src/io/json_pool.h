/* json_pool.h - the memory that a JSON library takes while it reads one text: known before it begins, asked for once.
 *
 * Not here: the library (json.c). */
#ifndef ENGRAM_IO_JSON_POOL_H
#define ENGRAM_IO_JSON_POOL_H

#include "base/base.h"

#include <setjmp.h>

typedef struct eg_json_limits {
	int depth; /* lists and maps in each other */
	int nodes; /* lists, maps and scalars */
} eg_json_limits;

/* Is the text within the limits? *room becomes what jansson takes for it at most. Whether it is JSON is not looked at;
 * the room does up to its first fault. */
eg_status eg_json_survey(
	const char *text, size_t size, const char *source, const eg_json_limits *limits, size_t *room, eg_error *err);

/* One block, given out piece by piece. Zero-initialise. */
typedef struct eg_json_pool {
	char *block;
	size_t room, used;
	jmp_buf full;
} eg_json_pool;

/* Runs step(user), during which eg_json_pool_here is `p`. If the room does not suffice, step is left by a jump and
 * begins anew with twice as much: it must hold nothing but pieces. They stay until eg_json_pool_free. false: out of
 * memory. */
bool eg_json_pool_run(eg_json_pool *p, size_t room, void (*step)(void *user), void *user);
void eg_json_pool_free(eg_json_pool *p);
eg_json_pool *eg_json_pool_here(void);                  /* that of the calling thread; NULL: it runs no step */
void *eg_json_pool_take(eg_json_pool *p, size_t bytes); /* never NULL; in a step of `p` only */

#endif
