/* packed.c - the list of forms: finding, making, counting who uses them. */
#include "core/packed.h"

#include <string.h>

eg_packed_set *eg_packed_set_new(const eg_allocator *a) {
	eg_packed_set *s = eg_calloc(a, 1, sizeof *s);
	if (s) *s = (eg_packed_set){.allocator = a, .holders = 1};
	return s;
}

void eg_packed_set_hold(eg_packed_set *s) { s->holders++; }

void eg_packed_set_release(eg_packed_set *s) {
	if (s && --s->holders == 0) eg_release(s->allocator, s);
}

static void destroy(const eg_allocator *a, eg_packed *p) {
	eg_block_free(a, p->data);
	eg_release(a, p->key);
	eg_release(a, p);
}

eg_packed *eg_packed_use(eg_packed_set *s, eg_kernel run, const void *key, size_t size, size_t bytes) {
	for (eg_packed *p = s->first; p && size; p = p->next)
		if (p->run == run && p->bytes == bytes && p->size == size && !memcmp(p->key, key, size)) {
			p->users++;
			return p;
		}
	eg_packed *p = eg_calloc(s->allocator, 1, sizeof *p);
	if (!p) return NULL;
	*p = (eg_packed){.bytes = bytes, .users = 1, .run = run, .size = size, .next = s->first};
	p->data = eg_block_new(s->allocator, bytes);
	p->key = eg_alloc(s->allocator, size + 1);
	if (!p->data || !p->key) {
		destroy(s->allocator, p);
		return NULL;
	}
	if (size) memcpy(p->key, key, size);
	s->first = p;
	return p;
}

void eg_packed_leave(eg_packed_set *s, eg_packed *p) {
	if (!p || --p->users > 0) return;
	eg_packed **at = &s->first;
	while (*at != p) at = &(*at)->next;
	*at = p->next;
	destroy(s->allocator, p);
}
