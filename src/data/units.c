/* units.c - units of texts in hash tables, and how often each occurs. See units.h. Not here: what a unit is (vocab.c,
 * subword.c). */
#include "data/units.h"

#include <string.h>

/* FNV-1a, its upper bits mixed into the lower ones that are used. */
static uint32_t hash(const char *s, size_t size) {
	uint32_t h = 2166136261u;
	for (size_t i = 0; i < size; i++) h = (h ^ (unsigned char)s[i]) * 16777619u;
	return h ^ h >> 15;
}

int32_t *eg_unit_slot(int32_t *slots, uint32_t mask, const eg_unit_span *units, const char *s, size_t size) {
	uint32_t at = hash(s, size) & mask;
	for (; slots[at] >= 0; at = (at + 1) & mask) {
		const eg_unit_span *t = &units[slots[at]];
		if (t->size == size && memcmp(t->s, s, size) == 0) break;
	}
	return &slots[at];
}

int32_t *eg_unit_slots_new(int n, uint32_t *mask) {
	uint32_t size = 16;
	while (size / 2 < (uint32_t)n) size *= 2;
	int32_t *slots = eg_alloc(NULL, (size_t)size * sizeof *slots);
	for (uint32_t i = 0; slots && i < size; i++) slots[i] = -1;
	*mask = size - 1;
	return slots;
}

int32_t eg_unit_counts_find(const eg_unit_counts *c, const char *s, size_t size) {
	return c->n ? *eg_unit_slot(c->slots, c->mask, c->units, s, size) : -1;
}

int32_t eg_unit_counts_add(eg_unit_counts *c, const char *s, size_t size, int64_t times) {
	if ((uint32_t)c->n >= c->mask / 2) { /* half full: a table of twice the size */
		uint32_t mask;
		int32_t *slots = eg_unit_slots_new(c->n ? 2 * c->n + 2 : 1024, &mask);
		if (!slots) return -1;
		for (int i = 0; i < c->n; i++) *eg_unit_slot(slots, mask, c->units, c->units[i].s, c->units[i].size) = i;
		eg_release(NULL, c->slots);
		c->slots = slots, c->mask = mask;
	}
	int32_t *slot = eg_unit_slot(c->slots, c->mask, c->units, s, size);
	if (*slot < 0) {
		if (!eg_grow(NULL, &c->units, &c->cap, c->n, sizeof *c->units)) return -1;
		*slot = c->n;
		c->units[c->n++] = (eg_unit_span){.s = s, .size = (uint32_t)size};
	}
	c->units[*slot].count += times;
	return *slot;
}

void eg_unit_counts_free(eg_unit_counts *c) {
	eg_release(NULL, c->units);
	eg_release(NULL, c->slots);
	*c = (eg_unit_counts){0};
}

/* The order of the bytes is that of the code points: UTF-8 was made so. */
int eg_unit_by_bytes(const void *a, const void *b) {
	const eg_unit_span *x = a, *y = b;
	int order = memcmp(x->s, y->s, x->size < y->size ? x->size : y->size);
	return order ? order : (x->size > y->size) - (x->size < y->size);
}

int eg_unit_by_count(const void *a, const void *b) {
	const eg_unit_span *x = a, *y = b;
	if (x->count != y->count) return x->count < y->count ? 1 : -1;
	return eg_unit_by_bytes(a, b);
}
