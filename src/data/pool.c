/* pool.c - copies of texts, one behind the other: millions of short ones take little more than their bytes. */
#include "data/data.h"

#include <string.h>

enum { PIECE = 64 * 1024 };

char *eg_pool_text(eg_pool *p, const char *s, size_t size) {
	if (size + 1 > p->left) {
		size_t take = size + 1 > PIECE / 4 ? size + 1 : PIECE; /* a long one has a piece of its own */
		char *piece = eg_arena_alloc(&p->arena, take);
		if (!piece) return NULL;
		if (take != PIECE) return size ? memcpy(piece, s, size) : piece; /* it was zeroed */
		p->next = piece, p->left = PIECE;
	}
	char *copy = p->next;
	if (size) memcpy(copy, s, size);
	copy[size] = '\0';
	p->next += size + 1, p->left -= size + 1;
	return copy;
}

void eg_pool_free(eg_pool *p) {
	eg_arena_free(&p->arena);
	*p = (eg_pool){0};
}
