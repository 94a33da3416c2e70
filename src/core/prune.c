/* prune.c - leaves out the calls whose results nobody reads, so that no operator has to know what is wanted of it: the
 * gradient of a frozen weight and all that only leads to it, a copy in another layout that was made in advance. */
#include "core/plan.h"

#include <string.h>

/* Is it for somebody outside of the run's calls? */
static bool is_result(const eg_pbuf *b) {
	switch (b->kind) {
	case BUF_IO:
	case BUF_CARRY:
	case BUF_PARAM: /* state */
	case BUF_PARAM_GRAD: return true;
	case BUF_TEMP:
	case BUF_PACKED:
	case BUF_CONSTANT:
	case BUF_STATE:
	case BUF_PART: break;
	}
	return false;
}

static bool is_needed(const eg_plan *p, const eg_call *c, const bool *used) {
	for (int i = c->reads; i < c->reads + c->writes; i++)
		if (c->buf[i] >= 0 && (used[c->buf[i]] || is_result(&p->bufs[c->buf[i]]))) return true;
	return false;
}

void eg_plan_prune(eg_plan *p) {
	bool *used = eg_arena_alloc(&p->arena, (size_t)p->nbufs + 1); /* by buffer: by a call that stays, further on */
	bool *stays = eg_arena_alloc(&p->arena, (size_t)p->ncalls + 1);
	if (!used || !stays) {
		p->out_of_memory = true;
		return;
	}
	for (int k = p->ncalls - 1; k >= 0; k--) {
		const eg_call *c = &p->calls[k];
		stays[k] = is_needed(p, c, used);
		for (int i = 0; i < c->reads + c->writes && stays[k]; i++) /* what it writes it may read too */
			if (c->buf[i] >= 0) used[c->buf[i]] = true;
	}
	int n = 0;
	for (int k = 0; k < p->ncalls; k++)
		if (stays[k]) p->calls[n++] = p->calls[k];
	p->ncalls = n;
}
