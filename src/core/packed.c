/* packed.c - the list of forms: finding, making, counting who uses them. */
#include "core/packed.h"

#include <string.h>

void eg_packed_lock(eg_packed_set *s) { pthread_mutex_lock(&s->lock); }
void eg_packed_unlock(eg_packed_set *s) { pthread_mutex_unlock(&s->lock); }

eg_packed_set *eg_packed_set_new(const eg_allocator *a) {
	eg_packed_set *s = eg_calloc(a, 1, sizeof *s);
	if (s && pthread_mutex_init(&s->lock, NULL)) {
		eg_release(a, s);
		return NULL;
	}
	if (!s) return NULL;
	s->allocator = a;
	s->holders = 1;
	return s;
}

void eg_packed_set_hold(eg_packed_set *s) {
	eg_packed_lock(s);
	s->holders++;
	eg_packed_unlock(s);
}

void eg_packed_set_release(eg_packed_set *s) {
	if (!s) return;
	eg_packed_lock(s);
	const bool last = --s->holders == 0;
	eg_packed_unlock(s);
	if (!last) return;
	pthread_mutex_destroy(&s->lock);
	eg_release(s->allocator, s);
}

static bool shared(const eg_packed_key *key) {
	static const int nothing[EG_FORM_INTS];
	return memcmp(key->form, nothing, sizeof nothing) != 0;
}

static eg_packed *find(const eg_packed_set *s, const eg_packed_key *key, size_t bytes) {
	if (!shared(key)) return NULL;
	for (eg_packed *p = s->first; p; p = p->next)
		if (p->bytes == bytes && !memcmp(&p->key, key, sizeof *key)) return p;
	return NULL;
}

static eg_packed *make(eg_packed_set *s, const eg_packed_key *key, size_t bytes, bool constant) {
	eg_packed *p = eg_calloc(s->allocator, 1, sizeof *p);
	char *data = p ? eg_block_new(s->allocator, bytes) : NULL;
	if (!data) {
		eg_release(s->allocator, p);
		return NULL;
	}
	p->data = data;
	p->bytes = bytes;
	p->constant = constant;
	p->next = s->first;
	atomic_init(&p->version, 0);
	memcpy(&p->key, key, sizeof *key);
	s->first = p;
	return p;
}

eg_packed *eg_packed_use(eg_packed_set *s, const eg_packed_key *key, size_t bytes, bool constant) {
	eg_packed_lock(s);
	eg_packed *p = find(s, key, bytes);
	if (!p) p = make(s, key, bytes, constant);
	if (p) p->users++;
	eg_packed_unlock(s);
	return p;
}

void eg_packed_leave(eg_packed_set *s, eg_packed *p) {
	if (!p) return;
	eg_packed_lock(s);
	const bool last = --p->users == 0;
	eg_packed **at = &s->first;
	while (last && *at != p) at = &(*at)->next;
	if (last) *at = p->next;
	eg_packed_unlock(s);
	if (!last) return;
	eg_block_free(s->allocator, p->data);
	eg_release(s->allocator, p);
}
