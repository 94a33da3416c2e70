/* optest_replay.c - a backend that only records: are the tables of slots.def right?
 *
 * Every slot of the kernel table is replaced by one that notes the call before it hands it on: which slot, which
 * units, the numbers among its arguments, and what its buffers hold, before and after, where the tables say that the
 * call touches them. It knows no struct of arguments. Afterwards each call is repeated from these notes alone:
 * arguments are put together from their fields, over bytes that mean nothing; every buffer lies in fresh memory of
 * just the size that was declared, with numbers only where they are read; scratch is as large as declared. The real
 * kernel must then write the same bits, and nothing else. So a field that is missing in a table, a buffer that reaches
 * further than it says, or one that is read and not said to be, shows.
 *
 * Cases of all operators, as a whole graph forward and backward, in training and in inference, in every layout and
 * algorithm that can be forced, and the optimizer. */
#define _POSIX_C_SOURCE 200112L /* posix_memalign */
#include "optest.h"

#include "core/context.h"
#include "kern/slots.h"

#include <engram_train.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* With the address sanitizer memory is as long as declared, and whoever reaches further dies. */
#if defined(__SANITIZE_ADDRESS__)
enum { SANITIZED = 1 };
#elif defined(__has_feature)
enum { SANITIZED = __has_feature(address_sanitizer) };
#else
enum { SANITIZED = 0 };
#endif

enum { GUARD = 128, MOST_TOLD = 20 };
static const uint32_t UNWRITTEN = 0x7ff3a5c7; /* NaN as a float and as the first half of a double; no index */

/* A piece of memory with one buffer, or with several that overlap. */
typedef struct piece {
	char *at;               /* where it was */
	size_t bytes;
	char *before, *after;   /* what it held */
} piece;

/* A buffer of a call. */
typedef struct place {
	int piece;              /* -1: absent, or nothing of it is touched */
	ptrdiff_t p;            /* its eg_buf's pointer, counted from the piece */
	ptrdiff_t stride;
	size_t begin, end;      /* bytes of the piece that the call touches */
	size_t word;            /* bytes of an element, 4 at the most */
	bool reads, writes;
} place;

typedef struct note {
	eg_slot_id slot;
	int begin, end, pieces;
	eg_number numbers[EG_SLOT_VALUES];
	place places[EG_SLOT_BUFS];
	piece piece[EG_SLOT_BUFS];
	struct note *next;
} note;

/* What a test of this test does to a table: number `number` of this slot is not in it, or its buffer `buffer` is
 * declared one element shorter. */
typedef struct mistake {
	const char *slot;
	int number, buffer; /* -1: none */
	bool unread; /* the buffer has its length, but is declared as written only */
} mistake;

/* A kernel has no room for a pointer of ours. */
static struct {
	eg_kernels right;
	note *first, **last;
	mistake mistake;
	int64_t calls[EG_SLOTS];
	int wrong;
	bool quiet;
} tape;

static void *room(size_t bytes) {
	void *p;
	if (posix_memalign(&p, EG_ALIGN, bytes ? bytes : 1)) abort();
	return p;
}

static void fill_unwritten(char *to, size_t bytes) {
	for (size_t i = 0; i < bytes; i++) to[i] = ((const char *)&UNWRITTEN)[i % sizeof UNWRITTEN];
}

/* ---- recording --------------------------------------------------------------------------------------------------- */

static bool meant(const eg_slot *s) { return tape.mistake.slot && !strcmp(s->name, tape.mistake.slot); }

/* The bytes that the units of a call touch of each buffer, as addresses: of buffer i from lows[i] on. */
static void reaches_of(
	const note *n, const void *args, const eg_buf *bufs, int count, char **lows, char **highs, place *places) {
	const eg_slot *s = eg_slot_at(n->slot);
	for (int u = n->begin; u < n->end; u++) {
		eg_reach r[EG_SLOT_BUFS];
		s->reach(&tape.right, args, u, r);
		for (int i = 0; i < count; i++) {
			const ptrdiff_t size = (ptrdiff_t)eg_element_bytes(r[i].element);
			if (meant(s) && i == tape.mistake.buffer) r[i].n -= !tape.mistake.unread, r[i].reads &= !tape.mistake.unread;
			if (r[i].n < 1) continue;
			char *low = (char *)bufs[i].p + r[i].at * size, *high = low + r[i].n * size;
			if (!lows[i] || low < lows[i]) lows[i] = low;
			if (!highs[i] || high > highs[i]) highs[i] = high;
			places[i].word = r[i].element == EG_ELEMENT_U8 ? 1 : r[i].element == EG_ELEMENT_U16 ? 2 : 4;
			places[i].reads |= r[i].reads;
		}
	}
}

/* Joins what overlaps, as buffers of a kernel that works in place. */
static void make_pieces(note *n, int count, char *const *lows, char *const *highs) {
	int of[EG_SLOT_BUFS];
	for (int i = 0; i < count; i++) {
		of[i] = -1;
		if (!lows[i]) continue;
		char *low = lows[i], *high = highs[i];
		for (int k = 0; k < i; k++) { /* those before it that it touches become one with it */
			if (of[k] < 0) continue;
			const piece *p = &n->piece[of[k]];
			if (p->at + p->bytes <= low || high <= p->at) continue;
			if (p->at < low) low = p->at;
			if (p->at + p->bytes > high) high = p->at + p->bytes;
		}
		const int mine = n->pieces++;
		n->piece[mine] = (piece){.at = low, .bytes = (size_t)(high - low)};
		of[i] = mine;
		for (int k = 0; k < i; k++)
			if (of[k] >= 0 && lows[k] < high && low < highs[k]) of[k] = mine;
	}
	for (int i = 0; i < count; i++) n->places[i].piece = of[i];
}

static note *note_call(eg_slot_id slot, const void *args, int begin, int end) {
	const eg_slot *s = eg_slot_at(slot);
	eg_buf bufs[EG_SLOT_BUFS];
	char *lows[EG_SLOT_BUFS] = {0}, *highs[EG_SLOT_BUFS] = {0};
	const int count = eg_slot_buffers(s);
	note *n = calloc(1, sizeof *n);
	if (!n) abort();
	n->slot = slot, n->begin = begin, n->end = end;
	eg_slot_take(s, args, n->numbers, bufs);
	reaches_of(n, args, bufs, count, lows, highs, n->places);
	make_pieces(n, count, lows, highs);
	for (int i = 0, b = 0; i < s->count; i++)
		for (int k = 0; k < s->buffers[i].count; k++, b++) n->places[b].writes = s->buffers[i].direction != EG_READ;
	for (int i = 0; i < count; i++) {
		place *p = &n->places[i];
		p->stride = bufs[i].stride;
		if (p->piece < 0) {
			p->p = bufs[i].p != NULL; /* absent, or there with nothing of it touched */
			continue;
		}
		const char *base = n->piece[p->piece].at;
		p->p = (char *)bufs[i].p - base;
		p->begin = (size_t)(lows[i] - base);
		p->end = (size_t)(highs[i] - base);
	}
	return n;
}

static void keep(const note *n, bool after) {
	for (int i = 0; i < n->pieces; i++) {
		piece *p = (piece *)&n->piece[i];
		char *copy = room(p->bytes);
		memcpy(copy, p->at, p->bytes);
		if (after)
			p->after = copy;
		else
			p->before = copy;
	}
}

static void record(eg_slot_id slot, const void *args, int begin, int end, const eg_worker *worker) {
	note *n = note_call(slot, args, begin, end);
	tape.calls[slot]++;
	keep(n, false);
	eg_slot_kernel(eg_slot_at(slot), &tape.right)(args, begin, end, worker);
	keep(n, true);
	*tape.last = n;
	tape.last = &n->next;
}

#define SLOT(name, ...)                                                                                                \
	static void record_##name(const void *args, int begin, int end, const eg_worker *worker) {                         \
		record(EG_SLOT_##name, args, begin, end, worker);                                                              \
	}
#define MEMBER_SLOT(name, ...) SLOT(name, __VA_ARGS__)
#include "kern/slots.def"

static void tamper(eg_kernels *k) {
	static const eg_kernel recorders[] = {
#define SLOT(name, ...) record_##name,
#define MEMBER_SLOT(name, ...) record_##name,
#include "kern/slots.def"
	};
	tape.right = *k;
	for (int i = 0; i < EG_SLOTS; i++) eg_slot_put(eg_slot_at((eg_slot_id)i), k, recorders[i]);
}

/* ---- repeating --------------------------------------------------------------------------------------------------- */

/* Fresh memory for a piece, on the same place of a cache line, between guards; what no buffer of it reads is
 * unwritten. */
static char *lay_out(const note *n, int which, char **base) {
	const piece *p = &n->piece[which];
	const size_t off = (size_t)((uintptr_t)p->at % EG_ALIGN);
	const size_t all = GUARD + off + p->bytes + (SANITIZED ? 0 : GUARD);
	*base = room(all);
	memset(*base, 0x5a, all);
	char *at = *base + GUARD + off;
	fill_unwritten(at, p->bytes);
	for (int i = 0; i < EG_SLOT_BUFS; i++) {
		const place *b = &n->places[i];
		if (b->piece == which && b->reads) memcpy(at + b->begin, p->before + b->begin, b->end - b->begin);
	}
	return at;
}

static bool guards_whole(const piece *p, const char *at, const char *base) {
	for (const char *c = base; c < at; c++)
		if (*c != 0x5a) return false;
	for (size_t i = 0; i < GUARD && !SANITIZED; i++)
		if (at[p->bytes + i] != 0x5a) return false;
	return true;
}

/* What the call does with each byte of a piece: READ and WRITTEN, and, of bytes that are written, by how many at
 * once. */
enum { READ = 1, WRITTEN = 2, WORDS = 2 /* bits further up */ };
static unsigned char *uses_of(const note *n, int which) {
	unsigned char *use = calloc(n->piece[which].bytes, 1);
	if (!use) abort();
	for (int k = 0; k < EG_SLOT_BUFS; k++) {
		const place *b = &n->places[k];
		const int bits = (b->reads ? READ : 0) | (b->writes ? WRITTEN | (int)b->word << WORDS : 0);
		for (size_t i = b->begin; b->piece == which && i < b->end; i++) use[i] = (unsigned char)(use[i] | bits);
	}
	return use;
}

/* In words what of a piece is not as it was; NULL: all is. What was only written and is not written now must not have
 * been written then. */
static const char *piece_differs(const note *n, int which, const char *now) {
	const piece *p = &n->piece[which];
	unsigned char *use = uses_of(n, which);
	const char *what = NULL;
	for (size_t i = 0, word; i < p->bytes && !what; i += word) {
		word = use[i] >> WORDS;
		if (word < 1 || word > p->bytes - i) word = 1;
		const bool written = use[i] & WRITTEN;
		bool untouched = written && !(use[i] & READ);
		for (size_t k = i; k < i + word; k++) untouched &= now[k] == ((const char *)&UNWRITTEN)[k % sizeof UNWRITTEN];
		untouched &= memcmp(now + i, p->after + i, word) != 0; /* a byte may just look so */
		const char *want = written && !untouched ? p->after : p->before;
		if (untouched) {
			if (memcmp(p->after + i, p->before + i, word) != 0) what = "is not written, where the call wrote it";
		} else if (use[i] && memcmp(now + i, want + i, word) != 0) {
			what = written ? "differs" : "is written, which is only read";
		}
	}
	free(use);
	return what;
}

static void tell(const note *n, int which, const char *what) {
	const eg_slot *s = eg_slot_at(n->slot);
	tape.wrong++;
	if (tape.quiet || tape.wrong > MOST_TOLD) return;
	printf("FAILED %s, units %d..%d:", s->name, n->begin, n->end);
	for (int i = 0, b = 0; i < s->count; i++)
		for (int k = 0; k < s->buffers[i].count; k++, b++)
			if (n->places[b].piece == which) printf(" %s", s->buffers[i].name);
	printf(" %s\n", what);
}

/* As if the field of this number were not in the table: something else stands there. */
static void forget_number(const eg_slot *s, const note *n, const eg_buf *bufs, char *args) {
	eg_number other[EG_SLOT_VALUES];
	memcpy(other, n->numbers, sizeof other);
	other[tape.mistake.number].i ^= 1;
	eg_slot_make(s, other, bufs, args);
}

static void repeat(const note *n) {
	const eg_slot *s = eg_slot_at(n->slot);
	char *base[EG_SLOT_BUFS], *at[EG_SLOT_BUFS];
	eg_buf bufs[EG_SLOT_BUFS];
	const size_t bytes = s->args()->bytes;
	char *args = room(bytes);
	for (int i = 0; i < n->pieces; i++) at[i] = lay_out(n, i, &base[i]);
	for (int i = 0; i < eg_slot_buffers(s); i++) {
		const place *p = &n->places[i];
		bufs[i] = (eg_buf){p->piece >= 0 ? at[p->piece] + p->p : p->p ? args : NULL, p->stride};
	}
	memset(args, 0xa5, bytes);
	eg_slot_make(s, n->numbers, bufs, args);
	if (meant(s) && tape.mistake.number >= 0) forget_number(s, n, bufs, args);
	const size_t need = s->scratch(&tape.right, args);
	char *scratch = room(need);
	fill_unwritten(scratch, need);
	eg_slot_kernel(s, &tape.right)(args, n->begin, n->end, EG_WORKER(&tape.right, scratch));
	for (int i = 0; i < n->pieces; i++) {
		const char *what = piece_differs(n, i, at[i]);
		if (!what && !guards_whole(&n->piece[i], at[i], base[i])) what = "is written beyond what is declared";
		if (what) tell(n, i, what);
		free(base[i]);
	}
	free(scratch);
	free(args);
}

static void rewind_tape(void) {
	for (note *n = tape.first, *next; n; n = next) {
		next = n->next;
		repeat(n);
		for (int i = 0; i < n->pieces; i++) free(n->piece[i].before), free(n->piece[i].after);
		free(n);
	}
	tape.first = NULL;
	tape.last = &tape.first;
}

/* ---- what is recorded -------------------------------------------------------------------------------------------- */

/* False: no plan can be made of it. */
static bool run(setup s) {
	rig r;
	eg_error err;
	s.tamper = tamper;
	const bool ok = rig_new(&r, &s, &err);
	if (ok) {
		rig_fill(&r);
		rig_run(&r);
	}
	rig_free(&r);
	rewind_tape();
	return ok;
}

static eg_isa best_isa(void) {
	eg_isa best = EG_ISA_REF;
	for (int isa = 0; isa < EG_ISA_COUNT; isa++)
		if (isa_usable((eg_isa)isa)) best = (eg_isa)isa;
	return best;
}

static void run_ways(setup s) {
	s.layout = EG_LAYOUT_PLAIN; /* what the planner chooses itself is among what follows */
	do {
		run(s);
	} while (next_way(&s));
}

static void run_case(const eg_op *op, const eg_case *c) {
	const setup s = {.op = op, .c = c, .isa = best_isa()};
	run((setup){.op = op, .c = c});
	run((setup){.op = op, .c = c, .isa = s.isa, .inference = true});
	if (c->time > 2) run((setup){.op = op, .c = c, .isa = s.isa, .checkpoint = 2});
	if (c->time > 2 && !op->compose) run((setup){.op = op, .c = c, .isa = s.isa, .carry = true});
	setup pool = s, norm = s;
	norm.inference = true;
	follow_with_pool(&pool);
	follow_with_norm(&norm);
	run(norm);
	run_ways(s);
	run_ways(pool);
}

/* One step of every optimizer. */
static void run_optimizers(const setup *s) {
	for (int kind = EG_SGD; kind <= EG_MUON; kind++) {
		rig r;
		eg_error err;
		setup recorded = *s;
		recorded.tamper = tamper;
		eg_optimizer *o = NULL;
		if (rig_new(&r, &recorded, &err) && eg_params_count(r.params)) {
			const eg_optimizer_config config = {
				.kind = (eg_optimizer_kind)kind,
				.momentum = kind == EG_SGD ? 0.9 : 0,
				.clip_value = 0.1,
				.weight_decay = 0.01,
				.lookahead = 1};
			rig_fill(&r);
			rig_run(&r);
			o = eg_optimizer_new(r.params, &config, &err);
		}
		if (o) eg_optimizer_step(o, 0.1, NULL, &err);
		eg_optimizer_free(o);
		rig_free(&r);
		rewind_tape();
	}
}

/* ---- the tables themselves --------------------------------------------------------------------------------------- */

/* A stretch of a struct that its table knows. */
typedef struct known {
	size_t begin, end, align;
} known;

static int by_place(const void *a, const void *b) {
	const known *x = a, *y = b;
	return (x->begin > y->begin) - (x->begin < y->begin);
}

static size_t align_of(const eg_record *r) {
	size_t most = 1;
	for (int i = 0; i < r->count; i++) {
		const eg_field *f = &r->fields[i];
		const size_t own = f->of ? align_of(f->of()) : eg_field_bytes(f->kind);
		if (own > most) most = own;
	}
	return most;
}

/* Between the stretches nothing may lie but padding. */
static bool covered(const eg_record *r, const eg_slot *s) {
	known k[EG_SLOT_VALUES];
	int n = 0;
	for (int i = 0; i < r->count; i++) {
		const eg_field *f = &r->fields[i];
		if (f->of && !covered(f->of(), NULL)) return false;
		k[n++] = (known){f->offset, f->offset + f->bytes, f->of ? align_of(f->of()) : eg_field_bytes(f->kind)};
	}
	for (int i = 0; s && i < s->count; i++) {
		const eg_slot_buffer *b = &s->buffers[i];
		k[n++] = (known){b->offset, b->offset + (size_t)b->count * sizeof(eg_buf), _Alignof(eg_buf)};
	}
	size_t end = 0, most = 1;
	qsort(k, (size_t)n, sizeof *k, by_place);
	for (int i = 0; i < n; end = k[i++].end) {
		if (k[i].begin < end || k[i].begin - end >= k[i].align) return false;
		if (k[i].align > most) most = k[i].align;
	}
	return r->bytes - end < most;
}

static int check_tables(void) {
	int wrong = 0;
	for (int i = 0; i < EG_SLOTS; i++) {
		const eg_slot *s = eg_slot_at((eg_slot_id)i);
		char name[64];
		const eg_field *f;
		int numbers = 0;
		while (eg_slot_number(s, numbers, name, sizeof name, &f)) numbers++;
		const bool ok = covered(s->args(), s) && eg_slot_find(s->name) == s && numbers <= EG_SLOT_VALUES &&
		                eg_slot_buffers(s) <= EG_SLOT_BUFS;
		if (ok) continue;
		printf("FAILED %s: its table does not cover %s (%zu bytes)\n", s->name, s->args()->type, s->args()->bytes);
		wrong++;
	}
	return wrong;
}

/* ---- does this test notice? -------------------------------------------------------------------------------------- */

/* Number `number` by name, or buffer `buffer`, of a slot that a case of `op` calls. */
static int unnoticed(const char *op_name, const char *slot, const char *number, int buffer, bool unread) {
	char name[64];
	const eg_field *f;
	const int wrong = tape.wrong;
	const eg_op *op = NULL;
	for (int i = 0; i < eg_ops_count; i++)
		if (!strcmp(eg_ops[i]->info.name, op_name)) op = eg_ops[i];
	if (SANITIZED && buffer >= 0 && !unread) return 0; /* as it does by the sanitizer */
	tape.mistake = (mistake){slot, -1, buffer, unread};
	for (int i = 0; number && eg_slot_number(eg_slot_find(slot), i, name, sizeof name, &f); i++)
		if (!strcmp(name, number)) tape.mistake.number = i;
	tape.quiet = true;
	for (int i = 0; i < op->ncases; i++) run((setup){.op = op, .c = &op->cases[i]});
	const bool noticed = tape.wrong > wrong;
	tape.wrong = wrong;
	tape.quiet = false;
	tape.mistake = (mistake){0};
	if (!noticed)
		printf("FAILED %s: nobody notices that its table is without %s\n", slot,
		        number   ? number
		        : unread ? "its reading of a buffer"
		                 : "a buffer's last element");
	return !noticed;
}

static int check_itself(void) {
	return unnoticed("relu", "act_fwd", "act.kind", -1, false) + unnoticed("relu", "act_bwd", "acc", -1, false) +
	       unnoticed("relu", "act_fwd", NULL, 0, false) + unnoticed("relu", "act_fwd", NULL, 1, false) +
	       unnoticed("linear", "gemm_packed", NULL, 0, false) + unnoticed("linear", "gemm_packed", "act.kind", -1, false) +
	       unnoticed("batchnorm", "batchnorm_stats", NULL, 4, true);
}

int replay(int n, char *const *names) {
	int unused = 0;
	int64_t calls = 0;
	tape.last = &tape.first;
	const int wrong_tables = check_tables();
	setup trained = {0};
	for (int i = 0; i < eg_ops_count; i++) {
		bool chosen = n == 0;
		for (int k = 0; k < n; k++) chosen |= !strcmp(names[k], eg_ops[i]->info.name);
		for (int k = 0; k < eg_ops[i]->ncases && chosen; k++) run_case(eg_ops[i], &eg_ops[i]->cases[k]);
		if (chosen && !strcmp(eg_ops[i]->info.name, "linear")) trained = (setup){.op = eg_ops[i], .c = &eg_ops[i]->cases[0]};
	}
	if (trained.op) run_optimizers(&trained);
	for (int i = 0; i < EG_SLOTS; i++) {
		calls += tape.calls[i];
		/* Loops call the one (test_loop.c), training plans that know ends by their loss the other
		 * (test_packing.c). */
		if (tape.calls[i] || n || i == EG_SLOT_loop_rows || i == EG_SLOT_ends) continue;
		if (best_isa() == EG_ISA_REF) continue; /* which has not every algorithm: builds in double precision */
		unused++;
		printf("FAILED %s: called by no operator's case\n", eg_slot_at((eg_slot_id)i)->name);
	}
	const int blind = n ? 0 : check_itself();
	printf("%lld calls repeated, %d differently; %d tables with holes; %d slots not called; %d mistakes not noticed\n",
	        (long long)calls, tape.wrong, wrong_tables, unused, blind);
	return tape.wrong + wrong_tables + unused + blind;
}
