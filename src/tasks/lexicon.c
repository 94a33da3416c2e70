/* lexicon.c - names with numbers. See lexicon.h. */
#include "tasks/lexicon.h"

#include <stdlib.h>
#include <string.h>

void eg_lexicon_free(eg_lexicon *t) {
	eg_release(NULL, t->at);
	eg_release(NULL, t->count);
	eg_release(NULL, t->slots);
	eg_arena_free(&t->arena);
	*t = (eg_lexicon){0};
}

/* FNV-1a, its upper bits mixed into the lower ones that are used. */
static uint32_t hash(const char *s) {
	uint32_t h = 2166136261u;
	for (; *s; s++) h = (h ^ (unsigned char)*s) * 16777619u;
	return h ^ h >> 15;
}

/* The slot that holds the name, or the free one where it belongs. */
static int32_t *slot_of(const eg_lexicon *t, const char *name) {
	uint32_t at = hash(name) & t->mask;
	while (t->slots[at] >= 0 && strcmp(t->at[t->slots[at]], name) != 0) at = (at + 1) & t->mask;
	return &t->slots[at];
}

/* A table that is at most half full with n names. */
static bool make_table(eg_lexicon *t, int n) {
	uint32_t size = 16;
	while (size / 2 <= (uint32_t)n) size *= 2;
	int32_t *slots = eg_alloc(NULL, size * sizeof *slots);
	if (!slots) return false;
	for (uint32_t i = 0; i < size; i++) slots[i] = -1;
	eg_release(NULL, t->slots);
	t->slots = slots;
	t->mask = size - 1;
	for (int i = 0; i < t->n; i++) *slot_of(t, t->at[i]) = i;
	return true;
}

int eg_lexicon_find(const eg_lexicon *t, const char *name) { return t->n ? *slot_of(t, name) : -1; }

int eg_lexicon_put(eg_lexicon *t, const char *name) {
	if ((!t->slots || (uint32_t)t->n >= t->mask / 2) && !make_table(t, 2 * t->n)) return -1;
	int32_t *slot = slot_of(t, name);
	if (*slot >= 0) {
		t->count[*slot]++;
		return *slot;
	}
	char *copy = eg_arena_strdup(&t->arena, name);
	if (!copy || !eg_grow(NULL, &t->at, &t->cap, t->n, sizeof *t->at) ||
	        !eg_grow(NULL, &t->count, &t->cap_count, t->n, sizeof *t->count))
		return -1;
	t->at[t->n] = copy;
	t->count[t->n] = 1;
	*slot = t->n;
	return t->n++;
}

typedef struct ranked {
	const char *name;
	int64_t count;
} ranked;

static int by_rank(const void *a, const void *b) {
	const ranked *x = a, *y = b;
	if (x->count != y->count) return x->count > y->count ? -1 : 1;
	return strcmp(x->name, y->name);
}

bool eg_lexicon_rank(eg_lexicon *t, int64_t least, int most) {
	ranked *order = eg_calloc(NULL, (size_t)t->n + 1, sizeof *order);
	if (!order) return false;
	for (int i = 0; i < t->n; i++) order[i] = (ranked){t->at[i], t->count[i]};
	qsort(order, (size_t)t->n, sizeof *order, by_rank);
	int kept = 0;
	for (; kept < t->n && order[kept].count >= least && (most == 0 || kept < most); kept++)
		t->at[kept] = order[kept].name, t->count[kept] = order[kept].count;
	t->n = kept;
	eg_release(NULL, order);
	return make_table(t, kept);
}
