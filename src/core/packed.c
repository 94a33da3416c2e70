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

static bool shared(const eg_packed_key *key) {
	static const int nothing[EG_FORM_INTS];
	return memcmp(key->form, nothing, sizeof nothing) != 0;
}

eg_packed *eg_packed_use(eg_packed_set *s, const eg_packed_key *key, size_t bytes) {
	for (eg_packed *p = s->first; p && shared(key); p = p->next)
		if (p->bytes == bytes && !memcmp(&p->key, key, sizeof *key)) {
			p->users++;
			return p;
		}
	eg_packed *p = eg_calloc(s->allocator, 1, sizeof *p);
	char *data = p ? eg_block_new(s->allocator, bytes) : NULL;
	if (!data) {
		eg_release(s->allocator, p);
		return NULL;
	}
	*p = (eg_packed){.data = data, .bytes = bytes, .users = 1, .next = s->first};
	memcpy(&p->key, key, sizeof *key);
	s->first = p;
	return p;
}

void eg_packed_leave(eg_packed_set *s, eg_packed *p) {
	if (!p || --p->users > 0) return;
	eg_packed **at = &s->first;
	while (*at != p) at = &(*at)->next;
	*at = p->next;
	eg_block_free(s->allocator, p->data);
	eg_release(s->allocator, p);
}
