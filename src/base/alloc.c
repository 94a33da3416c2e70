/* alloc.c - memory through the context's allocator: plain, in large aligned blocks, in arenas, in growing arrays.
 *
 * Every byte comes from eg_alloc and goes back by eg_release, so a test's failing allocator sees all of it. Not here:
 * the placing of tensors within a plan's block (core). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* madvise */
#endif
#include "base/base.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#if defined(__linux__)
#include <sys/mman.h>
#endif

void *eg_alloc(const eg_allocator *a, size_t bytes) {
	if (bytes == 0) bytes = 1;
	return a ? a->alloc(a->user, bytes) : malloc(bytes);
}

void *eg_calloc(const eg_allocator *a, size_t count, size_t size) {
	if (size != 0 && count > SIZE_MAX / size) return NULL;
	if (!a) return calloc(count ? count : 1, size ? size : 1);
	void *p = eg_alloc(a, count * size);
	if (p) memset(p, 0, count * size);
	return p;
}

void eg_release(const eg_allocator *a, void *p) {
	if (!p) return;
	if (a)
		a->release(a->user, p);
	else
		free(p);
}

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

#define HUGE_PAGE ((size_t)2 << 20)
#define HUGE_FROM ((size_t)1 << 20)
#define CACHE_LINE ((size_t)64)

static char *align_up(char *p, size_t align) { return p + (align - ((uintptr_t)p & (align - 1))) % align; }

/* The block is cut out of a larger piece, whose start is kept in the pointer just before the block. What is never
 * touched of that piece stays virtual. A huge block's size is rounded up to whole huge pages, as a page that only
 * partly belongs to the mapping cannot be huge. */
void *eg_block_new(const eg_allocator *a, size_t bytes) {
	bool huge = bytes >= HUGE_FROM;
	size_t align = huge ? HUGE_PAGE : CACHE_LINE;
	if (bytes > SIZE_MAX / 2) return NULL;
	size_t room = huge ? (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE : bytes;
	char *piece = eg_alloc(a, room + align + sizeof(char *));
	if (!piece) return NULL;
	char *block = align_up(piece + sizeof(char *), align);
	memcpy(block - sizeof(char *), &piece, sizeof(char *));
#if defined(__linux__) && defined(MADV_HUGEPAGE)
	if (huge && !a) (void)madvise(block, room, MADV_HUGEPAGE); /* advice only: refused is as good as taken */
#endif
	memset(block, 0, bytes);
	return block;
}

void eg_block_free(const eg_allocator *a, void *p) {
	if (!p) return;
	char *piece;
	memcpy(&piece, (char *)p - sizeof(char *), sizeof(char *));
	eg_release(a, piece);
}

/* ---- arena ------------------------------------------------------------------------------------------------------- */

enum { ARENA_ALIGN = 16, ARENA_FIRST = 4096, ARENA_MOST = 256 * 1024 };

struct eg_arena_chunk {
	eg_arena_chunk *next; /* older */
	char *free;           /* aligned to ARENA_ALIGN */
	size_t left;          /* bytes from `free` on */
	size_t room;          /* what `left` was at first */
};

static char *arena_begin(eg_arena_chunk *chunk) { return align_up((char *)(chunk + 1), ARENA_ALIGN); }

/* The first spare chunk that has room for `bytes` becomes the head. */
static bool arena_reuse(eg_arena *a, size_t bytes) {
	for (eg_arena_chunk **at = &a->spare; *at; at = &(*at)->next) {
		eg_arena_chunk *chunk = *at;
		if (chunk->room < bytes) continue;
		*at = chunk->next;
		chunk->next = a->head;
		a->head = chunk;
		return true;
	}
	return false;
}

/* A new head with room for `bytes` at least; chunks double so their number grows with the logarithm of the size. */
static bool arena_add(eg_arena *a, size_t bytes) {
	if (arena_reuse(a, bytes)) return true;
	size_t room = a->head ? a->head->room * 2 : ARENA_FIRST;
	if (room > ARENA_MOST) room = ARENA_MOST;
	if (room < bytes) room = bytes;
	eg_arena_chunk *chunk = eg_alloc(a->allocator, sizeof(*chunk) + ARENA_ALIGN + room);
	if (!chunk) return false;
	*chunk = (eg_arena_chunk){a->head, arena_begin(chunk), room, room};
	a->head = chunk;
	return true;
}

void *eg_arena_alloc(eg_arena *a, size_t bytes) {
	if (bytes > SIZE_MAX / 2) return NULL;
	size_t take = (bytes + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN;
	if (take == 0) take = ARENA_ALIGN;
	if ((!a->head || a->head->left < take) && !arena_add(a, take)) return NULL;
	char *p = a->head->free;
	a->head->free += take;
	a->head->left -= take;
	a->used += bytes;
	return memset(p, 0, take);
}

char *eg_arena_strdup(eg_arena *a, const char *s) {
	size_t n = strlen(s) + 1;
	char *copy = eg_arena_alloc(a, n);
	return copy ? memcpy(copy, s, n) : NULL;
}

char *eg_arena_printf(eg_arena *a, const char *fmt, ...) {
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	char *text = n >= 0 ? eg_arena_alloc(a, (size_t)n + 1) : NULL;
	if (!text) return NULL;
	va_start(args, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, args);
	va_end(args);
	return text;
}

void eg_arena_reset(eg_arena *a) {
	while (a->head) { /* the oldest ends up first, so that the same requests find the same chunks */
		eg_arena_chunk *chunk = a->head;
		a->head = chunk->next;
		chunk->free = arena_begin(chunk);
		chunk->left = chunk->room;
		chunk->next = a->spare;
		a->spare = chunk;
	}
	a->used = 0;
}

void eg_arena_free(eg_arena *a) {
	eg_arena_reset(a);
	while (a->spare) {
		eg_arena_chunk *chunk = a->spare;
		a->spare = chunk->next;
		eg_release(a->allocator, chunk);
	}
}

/* ---- growing array ----------------------------------------------------------------------------------------------- */

bool eg_grow(const eg_allocator *a, void *items, int *cap, int n, size_t size) {
	if (n < *cap) return true;
	if (n > INT_MAX / 2) return false;
	int more = n < 4 ? 8 : 2 * n;
	if (size != 0 && (size_t)more > SIZE_MAX / size) return false;
	void *old, *grown = eg_alloc(a, (size_t)more * size);
	if (!grown) return false;
	memcpy(&old, items, sizeof(old)); /* `items` points to a pointer of any type */
	if (n > 0) memcpy(grown, old, (size_t)n * size);
	eg_release(a, old);
	memcpy(items, &grown, sizeof(grown));
	*cap = more;
	return true;
}
