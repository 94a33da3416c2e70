/* memory.c - where every buffer lies, to the byte.
 *
 * One block of memory holds: io buffers, carried state, temporaries (sharing space when their lives do not overlap,
 * counted in steps), and then for every worker an arena for the buffers that live inside of one run of block calls (one
 * block each, sharing space by calls) and the kernels' scratch. A temporary that is written and read within one run
 * costs one block per worker, whatever the batch size. Packed weights lie with the parameters. */
#include "core/plan.h"

#include <stdlib.h>
#include <string.h>

static size_t align_up(size_t n) { return (n + EG_ALIGN - 1) & ~(size_t)(EG_ALIGN - 1); }

size_t eg_pbuf_bytes(const eg_pbuf *b) {
	int64_t n = b->count;
	if (b->block && !b->transient) n = b->samples_elems ? b->samples_elems * b->samples : b->count * eg_blocks(b->samples);
	return (size_t)n * b->elem;
}

/* ---- lifetimes --------------------------------------------------------------------------------------------------- */

static void use(eg_pbuf *b, int step, int call) {
	if (b->first < 0) {
		b->first = step;
		b->first_call = call;
	}
	b->last = step;
	b->last_call = call;
}

static void find_lifetimes(eg_plan *p) {
	for (int i = 0; i < p->nbufs; i++) p->bufs[i].first = p->bufs[i].last = -1;
	for (int s = 0; s < p->nsteps; s++) {
		const eg_step *step = &p->steps[s];
		for (int k = 0; k < step->count; k++) {
			const eg_call *c = &p->calls[p->order[step->first + k]];
			for (int i = 0; i < c->reads + c->writes; i++)
				if (c->buf[i] >= 0) use(&p->bufs[c->buf[i]], s, k);
		}
	}
	for (int i = 0; i < p->nbufs; i++) {
		eg_pbuf *b = &p->bufs[i];
		b->transient = b->kind == BUF_TEMP && b->block && b->first >= 0 && b->first == b->last && p->steps[b->first].block;
	}
}

/* ---- packing intervals: largest first, each at the lowest offset where nothing alive at the same time lies ------- */

typedef struct interval {
	eg_pbuf *buf;
	int first, last;
	size_t size, offset;
} interval;

static int larger_first(const void *pa, const void *pb) {
	const interval *a = pa, *b = pb;
	if (a->size != b->size) return a->size < b->size ? 1 : -1;
	return a->buf < b->buf ? -1 : a->buf > b->buf;
}
/* Puts an item behind those of the n that lie lower. */
static void insert(interval **placed, int n, interval *item) {
	int low = 0, high = n;
	while (low < high) {
		const int middle = (low + high) / 2;
		if (placed[middle]->offset <= item->offset) low = middle + 1;
		else high = middle;
	}
	memmove(placed + low + 1, placed + low, (size_t)(n - low) * sizeof *placed);
	placed[low] = item;
}

/* Sets the offsets; returns the size of the region. `placed` has room for n pointers: those that have theirs, the
 * lowest first. */
static size_t pack(interval *items, int n, interval **placed) {
	size_t peak = 0;
	qsort(items, (size_t)n, sizeof *items, larger_first);
	for (int i = 0; i < n; i++) {
		size_t at = 0;
		for (int j = 0; j < i; j++) {
			const interval *p = placed[j];
			if (p->first > items[i].last || items[i].first > p->last) continue;
			if (at + items[i].size <= p->offset) break;
			if (p->offset + p->size > at) at = p->offset + p->size;
		}
		items[i].offset = at;
		insert(placed, i, &items[i]);
		if (at + items[i].size > peak) peak = at + items[i].size;
		items[i].buf->offset = at;
	}
	return peak;
}

static size_t place_temporaries(eg_plan *p, interval *items, interval **placed) {
	int n = 0;
	for (int i = 0; i < p->nbufs; i++) {
		eg_pbuf *b = &p->bufs[i];
		if (b->kind == BUF_TEMP && !b->transient && b->first >= 0)
			items[n++] = (interval){b, b->first, b->last, align_up(eg_pbuf_bytes(b)), 0};
	}
	return pack(items, n, placed);
}

static int by_step(const void *pa, const void *pb) {
	const interval *a = pa, *b = pb;
	return a->buf->first < b->buf->first ? -1 : a->buf->first > b->buf->first;
}

static size_t place_transients(eg_plan *p, interval *items, interval **placed) {
	size_t most = 0;
	int all = 0;
	for (int i = 0; i < p->nbufs; i++) {
		eg_pbuf *b = &p->bufs[i];
		if (b->transient) items[all++] = (interval){b, b->first_call, b->last_call, align_up(eg_pbuf_bytes(b)), 0};
	}
	qsort(items, (size_t)all, sizeof *items, by_step);
	for (int i = 0, n; i < all; i += n) {
		for (n = 1; i + n < all && items[i + n].buf->first == items[i].buf->first;) n++;
		size_t size = pack(items + i, n, placed);
		if (size > most) most = size;
	}
	return most;
}

static size_t place_kind(eg_plan *p, eg_buf_kind kind, size_t at) {
	for (int i = 0; i < p->nbufs; i++) {
		eg_pbuf *b = &p->bufs[i];
		if (b->kind != kind) continue;
		b->offset = at;
		at += align_up(eg_pbuf_bytes(b));
	}
	return at;
}

static eg_packed_key key_of(const eg_plan *p, const eg_call *c, int result) {
	eg_packed_key key;
	memset(&key, 0, sizeof key);
	key.run = c->run;
	key.result = result;
	if (c->reads > EG_FORM_READS) return key;
	memcpy(key.form, c->form, sizeof key.form);
	for (int i = 0; i < c->reads; i++) {
		if (c->buf[i] < 0) continue;
		const eg_pbuf *b = &p->bufs[c->buf[i]];
		key.read[i] = b->kind == BUF_PARAM      ? (const void *)&p->params->offset[b->param]
			      : b->kind == BUF_CONSTANT ? p->graph->values[b->param].data
							: (const void *)b->packed;
		key.begin[i] = c->begin[i];
	}
	return key;
}

/* Does a call read constants alone, and what was made of them? Then its result is never out of date. */
static bool reads_constants(const eg_plan *p, const eg_call *c) {
	for (int i = 0; i < c->reads; i++) {
		const eg_pbuf *b = c->buf[i] < 0 ? NULL : &p->bufs[c->buf[i]];
		if (b && b->kind != BUF_CONSTANT && !(b->packed && b->packed->constant)) return false;
	}
	return true;
}

/* Do two calls make the same form of the same weights? */
static bool same_form(const eg_plan *p, const eg_call *a, const eg_call *b) {
	static const int none[EG_FORM_INTS];
	bool same = a->run == b->run && a->reads == b->reads && !memcmp(a->form, b->form, sizeof a->form) && memcmp(a->form, none, sizeof none) != 0;
	for (int i = 0; i < a->reads && same; i++) {
		const eg_pbuf *x = a->buf[i] < 0 ? NULL : &p->bufs[a->buf[i]];
		same = a->buf[i] == b->buf[i] && a->begin[i] == b->begin[i] && (!x || x->kind == BUF_PARAM || x->kind == BUF_CONSTANT);
	}
	return same;
}

/* Is the form that this step makes one of the n that are made before? The steps of a loop, and nodes that share
 * weights, all ask for theirs. */
static bool made_before(const eg_plan *p, const eg_call *c, const eg_call *const *made, int n) {
	for (int i = 0; i < n; i++)
		if (same_form(p, c, made[i])) return true;
	return false;
}

/* The forms of weights, in the order in which one may be made of another; of a plan that is only measured they are
 * counted. Returns their bytes, or
 * SIZE_MAX: out of memory. */
static size_t use_packed(eg_plan *p) {
	const eg_call **made = eg_arena_alloc(&p->arena, ((size_t)p->nsteps + 1) * sizeof *made);
	size_t bytes = 0;
	int n = 0;
	if (!made) return SIZE_MAX;
	for (int s = 0; s < p->nsteps; s++) {
		const eg_call *c = &p->calls[p->order[p->steps[s].first]];
		if (!p->steps[s].pack) continue;
		p->steps[s].again = made_before(p, c, made, n);
		if (!p->steps[s].again) made[n++] = c;
		const bool constant = reads_constants(p, c);
		for (int i = c->reads; i < c->reads + c->writes; i++) {
			if (c->buf[i] < 0) continue;
			eg_pbuf *b = &p->bufs[c->buf[i]];
			if (!p->steps[s].again) bytes += align_up(eg_pbuf_bytes(b));
			if (p->measured) continue;
			const eg_packed_key key = key_of(p, c, i);
			b->packed = eg_packed_use(p->packed, &key, eg_pbuf_bytes(b), constant);
			if (!b->packed) return SIZE_MAX;
		}
	}
	return bytes;
}

/* ---- addresses --------------------------------------------------------------------------------------------------- */

static void *address(eg_plan *p, const eg_pbuf *b, int worker) {
	switch (b->kind) {
	case BUF_PARAM: return p->params->data + p->params->offset[b->param];
	case BUF_PARAM_GRAD: return p->params->grad + p->params->offset[b->param];
	case BUF_CONSTANT: return (void *)(uintptr_t)p->graph->values[b->param].data; /* which nobody writes */
	case BUF_STATE: return &p->dropout;
	case BUF_TEMP:
	case BUF_IO:
	case BUF_CARRY: break;
	case BUF_PACKED: return b->packed->data;
	case BUF_PART: assert(false && "calls name whole buffers"); break;
	}
	return p->memory + (b->transient ? p->worker_offset + (size_t)worker * p->worker_bytes : 0) + b->offset;
}

static void resolve_one(eg_plan *p, const eg_call *c, char *args, int worker) {
	for (int i = 0; i < c->reads + c->writes; i++) {
		eg_buf b;
		memcpy(&b, args + (size_t)i * sizeof b, sizeof b);
		if (c->buf[i] < 0) continue;
		const eg_pbuf *pb = &p->bufs[c->buf[i]];
		b.p = (char *)address(p, pb, worker) + (size_t)c->begin[i] * pb->elem;
		if (c->block) b.stride = pb->block && !pb->transient ? (ptrdiff_t)pb->count : 0;
		memcpy(args + (size_t)i * sizeof b, &b, sizeof b);
	}
}

/* Room for the arguments with addresses: one copy for all workers, or one each. */
static bool alloc_resolved(eg_plan *p) {
	for (int k = 0; k < p->ncalls; k++) {
		eg_call *c = &p->calls[k];
		int copies = 1;
		for (int i = 0; i < c->reads + c->writes; i++)
			if (c->buf[i] >= 0 && p->bufs[c->buf[i]].transient) copies = p->workers;
		c->resolved = eg_arena_alloc(&p->arena, (size_t)p->workers * sizeof *c->resolved);
		if (!c->resolved) return false;
		for (int w = 0; w < p->workers; w++) {
			c->resolved[w] = w < copies ? eg_arena_alloc(&p->arena, c->size) : c->resolved[0];
			if (!c->resolved[w]) return false;
		}
	}
	return true;
}

void eg_plan_resolve(eg_plan *p) {
	for (int k = 0; k < p->ncalls; k++) {
		eg_call *c = &p->calls[k];
		for (int w = 0; w < p->workers; w++) {
			if (w > 0 && c->resolved[w] == c->resolved[0]) continue;
			memcpy(c->resolved[w], c->args, c->size);
			resolve_one(p, c, c->resolved[w], w);
		}
	}
	for (int i = 0; i < p->nuses; i++) p->uses[i].ids = address(p, &p->bufs[p->uses[i].buf], 0);
}

/* A block of the plan's own, or one that the plans of a cache use in turn. */
static bool get_memory(eg_plan *p, size_t total) {
	const eg_allocator *a = p->ctx->allocator;
	eg_plan_block *shared = p->shared;
	if (!shared) {
		p->memory = eg_block_new(a, total);
	} else if (shared->size < total) {
		char *larger = eg_block_new(a, total);
		if (!larger) return false;
		eg_block_free(a, shared->memory);
		*shared = (eg_plan_block){larger, total};
	}
	if (shared) p->memory = shared->memory;
	return p->memory != NULL;
}

/* Could sizes be added up? A value has fewer than 2^31 elements, but what an op keeps beside them (all pairs of steps)
 * is not bound to that. */
static bool countable(const eg_plan *p) {
	double bytes = 0;
	for (int i = 0; i < p->nbufs; i++) {
		const eg_pbuf *b = &p->bufs[i];
		if (b->count < 0) return false;
		bytes += (double)b->count * (double)b->elem * (b->block ? eg_blocks(b->samples) : 1) + EG_ALIGN;
	}
	return bytes < 0x1p60;
}

bool eg_plan_place(eg_plan *p) {
	const eg_allocator *a = p->ctx->allocator;
	interval *items = eg_calloc(a, (size_t)p->nbufs + 1, sizeof *items);
	interval **placed = eg_calloc(a, (size_t)p->nbufs + 1, sizeof *placed);
	bool ok = false;
	if (!items || !placed || !countable(p)) goto done;
	find_lifetimes(p);
	const size_t packed = use_packed(p);
	if (packed == SIZE_MAX) goto done;
	p->carry_offset = place_kind(p, BUF_IO, 0);
	p->carry_bytes = place_kind(p, BUF_CARRY, p->carry_offset) - p->carry_offset;
	size_t io = p->carry_offset + p->carry_bytes * (eg_plan_backward(p) ? 2 : 1);
	size_t temps = place_temporaries(p, items, placed);
	for (int i = 0; i < p->nbufs; i++)
		if (p->bufs[i].kind == BUF_TEMP && !p->bufs[i].transient) p->bufs[i].offset += io;
	p->arena_bytes = place_transients(p, items, placed);
	for (int k = 0; k < p->ncalls; k++)
		if (align_up(p->calls[k].scratch) > p->scratch_bytes) p->scratch_bytes = align_up(p->calls[k].scratch);
	p->worker_offset = io + temps;
	p->worker_bytes = p->arena_bytes + p->scratch_bytes;
	size_t total = p->worker_offset + (size_t)p->workers * p->worker_bytes;
	p->cost.memory = (eg_memory){.parameters = p->params->total * sizeof(real), .gradients = p->weight_grads ? p->params->trained * sizeof(real) : 0, .io = io,
		.packed = packed, .activations = temps + (size_t)p->workers * p->arena_bytes, .scratch = (size_t)p->workers * p->scratch_bytes,
		.total = total + packed};
	ok = p->measured || (alloc_resolved(p) && get_memory(p, total));
	if (ok && !p->measured) eg_plan_resolve(p);
done:
	eg_release(a, items);
	eg_release(a, placed);
	return ok;
}
