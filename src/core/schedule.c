/* schedule.c - from calls in the order in which the ops emitted them to steps in the order in which they run.
 *
 * Block calls that follow each other become one step, which every thread goes through block by block without barriers,
 * its data staying in the cache; all have the same number of blocks. Global calls that work on chunks of as many
 * elements, each on its own, are such runs too. Other global calls (weight gradients, means) would cut such a run in
 * two, so they wait at its end for as long as nobody needs their result. Calls that depend on parameters or inputs
 * alone (packing weights, counting targets) go to the front.
 *
 * The order never depends on the number of threads. */
#include "core/plan.h"

#include <string.h>

typedef struct schedule {
	eg_plan *p;
	bool *done;     /* by call */
	char *early;    /* by buffer: written by calls that went to the front: 'p' from parameters alone, 'i' from
	                 * inputs too */
	int *writers;   /* by buffer: how many calls write it */
	int *waiting;   /* calls put off */
	int nwaiting;
	int open;       /* first entry in order of the run being collected; -1: none */
} schedule;

static void push_step(eg_plan *p, eg_step s) {
	if (!eg_grow(p->ctx->allocator, &p->steps, &p->cap_steps, p->nsteps, sizeof *p->steps)) {
		p->out_of_memory = true;
		return;
	}
	p->steps[p->nsteps++] = s;
}

/* Goes this call on where the last step ends, chunk by chunk? */
static eg_step *chunks_before(eg_plan *p, const eg_call *c) {
	eg_step *s = p->nsteps ? &p->steps[p->nsteps - 1] : NULL;
	if (!s || s->pack || p->options.no_defer || !c->chunks || s->first + s->count != p->norder) return NULL;
	const eg_call *first = &p->calls[p->order[s->first]];
	return first->chunks && first->units == c->units ? s : NULL;
}

static void push_global(eg_plan *p, int call, bool pack) {
	const eg_call *c = &p->calls[call];
	eg_step *s = pack ? NULL : chunks_before(p, c);
	if (s) {
		s->count++;
		s->block = true;
		s->blocks = c->units;
		s->units = eg_shards(s->blocks);
		s->flops += c->flops;
		p->order[p->norder++] = call;
		return;
	}
	push_step(p, (eg_step){.first = p->norder, .count = 1, .block = false, .pack = pack, .units = c->units, .flops = c->flops});
	p->order[p->norder++] = call;
}

static void close_run(schedule *s) {
	eg_plan *p = s->p;
	if (s->open < 0) return;
	eg_step step = {.first = s->open, .count = p->norder - s->open, .block = true};
	step.blocks = p->calls[p->order[s->open]].units;
	step.units = eg_shards(step.blocks);
	for (int i = step.first; i < p->norder; i++) step.flops += p->calls[p->order[i]].flops;
	push_step(p, step);
	s->open = -1;
}

static void flush(schedule *s) {
	close_run(s);
	for (int i = 0; i < s->nwaiting; i++) push_global(s->p, s->waiting[i], false);
	s->nwaiting = 0;
}

static bool touches(const eg_call *c, int buf, int from, int to) {
	for (int i = from; i < to; i++)
		if (c->buf[i] == buf) return true;
	return false;
}

/* Must c stay behind w? When it reads or writes what w writes, or writes what w reads. */
static bool conflicts(const eg_call *c, const eg_call *w) {
	for (int i = 0; i < c->reads + c->writes; i++) {
		if (c->buf[i] < 0) continue;
		bool writes = i >= c->reads;
		if (touches(w, c->buf[i], w->reads, w->reads + w->writes)) return true;
		if (writes && touches(w, c->buf[i], 0, w->reads)) return true;
	}
	return false;
}

/* 'p': depends on parameters and constants alone; 'i': on inputs too; 0: on something computed. */
static char origin(const schedule *s, const eg_call *c) {
	char result = 'p';
	if (c->block) return 0;
	for (int i = 0; i < c->reads; i++) {
		if (c->buf[i] < 0) continue;
		const eg_pbuf *b = &s->p->bufs[c->buf[i]];
		if (b->kind == BUF_PARAM || b->kind == BUF_CONSTANT || s->early[c->buf[i]] == 'p') continue;
		if (s->early[c->buf[i]] != 'i' && !(b->kind == BUF_IO && !s->early[c->buf[i]])) return 0;
		result = 'i';
	}
	for (int i = c->reads; i < c->reads + c->writes; i++)
		if (c->buf[i] >= 0 && (s->p->bufs[c->buf[i]].kind != BUF_TEMP || s->writers[c->buf[i]] > 1)) return 0;
	return result;
}

/* IO buffers that calls write (outputs) are not inputs. */
static void mark_computed(schedule *s) {
	for (int k = 0; k < s->p->ncalls; k++) {
		const eg_call *c = &s->p->calls[k];
		for (int i = c->reads; i < c->reads + c->writes; i++)
			if (c->buf[i] >= 0) {
				s->early[c->buf[i]] = 'c';
				s->writers[c->buf[i]]++;
			}
	}
}

static void to_front(schedule *s) {
	eg_plan *p = s->p;
	mark_computed(s);
	for (int k = 0; k < p->ncalls; k++) {
		const eg_call *c = &p->calls[k];
		char o = origin(s, c);
		if (!o || (o == 'i' && p->options.no_defer)) continue;
		for (int i = c->reads; i < c->reads + c->writes; i++) {
			if (c->buf[i] < 0) continue;
			s->early[c->buf[i]] = o;
			if (o == 'p') p->bufs[c->buf[i]].kind = BUF_PACKED;
		}
		s->done[k] = true;
		push_global(p, k, o == 'p');
	}
}

/* Below this a plan runs on one thread whatever its steps are: some 10 us in all, less than it takes to wake
 * another. */
static const double LEAST_FLOPS = 1e6;

/* How many threads a step is worth: below some microseconds of work, sharing costs more than it gains. */
static int threads_worth(const eg_plan *p, const eg_step *s) {
	int most = s->units < p->workers ? s->units : p->workers;
	double per_thread = 2e5;
	int worth = s->flops / per_thread < most ? (int)(s->flops / per_thread) : most;
	return worth < 2 ? 1 : worth;
}

/* A job that can be done jointly is where its units are too few: a thread that has only some rows of a sequence reads
 * all weights for them in every step. A meeting costs less than a microsecond when both threads have a processor, so a
 * share of some is worth it. */
static void choose_joint(const eg_plan *p, eg_step *s) {
	const eg_call *c = &p->calls[p->order[s->first]];
	if (s->block || !c->joint.run || s->units >= c->joint.below * p->workers) return;
	int most = c->joint.shares < p->workers ? c->joint.shares : p->workers;
	double per_thread = 1e5, worth = s->flops / c->joint.meetings / per_thread;
	int threads = worth < most ? (int)worth : most;
	if (threads < 2 || threads < s->threads) return;
	s->joint = true;
	s->threads = threads;
}

void eg_plan_schedule(eg_plan *p) {
	schedule s = {.p = p, .open = -1};
	size_t calls = (size_t)p->ncalls + 1;
	p->order = eg_arena_alloc(&p->arena, calls * sizeof *p->order);
	s.waiting = eg_arena_alloc(&p->arena, calls * sizeof *s.waiting);
	s.done = eg_arena_alloc(&p->arena, calls * sizeof *s.done);
	s.early = eg_arena_alloc(&p->arena, (size_t)p->nbufs + 1);
	s.writers = eg_arena_alloc(&p->arena, ((size_t)p->nbufs + 1) * sizeof *s.writers);
	if (!p->order || !s.waiting || !s.done || !s.early || !s.writers) {
		p->out_of_memory = true;
		return;
	}
	to_front(&s);
	for (int k = 0; k < p->ncalls; k++) {
		const eg_call *c = &p->calls[k];
		if (s.done[k]) continue;
		for (int i = 0; i < s.nwaiting; i++)
			if (conflicts(c, &p->calls[s.waiting[i]])) {
				flush(&s);
				break;
			}
		if (c->block) {
			if (s.open >= 0 && p->calls[p->order[s.open]].units != c->units) close_run(&s);
			if (s.open < 0) s.open = p->norder;
			p->order[p->norder++] = k;
			if (p->options.no_defer) close_run(&s);
		} else if (s.open >= 0 && !p->options.no_defer) {
			s.waiting[s.nwaiting++] = k;
		} else {
			push_global(p, k, false);
		}
	}
	flush(&s);
	double all = 0;
	for (int i = 0; i < p->nsteps; i++) all += p->steps[i].pack ? 0 : p->steps[i].flops;
	for (int i = 0; i < p->nsteps; i++) {
		p->steps[i].threads = all < LEAST_FLOPS ? 1 : threads_worth(p, &p->steps[i]);
		choose_joint(p, &p->steps[i]);
	}
}
