/* subword.c - subwords learnt from a text: byte pair encoding (Gage, "A New Algorithm for Data Compression", 1994;
 * Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words with Subword Units", 2016).
 *
 * A text is cut into pieces, about words, and each piece into characters; then the commonest pair of neighbours becomes
 * a unit, again and again. A character that is too rare to be a unit is written as its bytes, which are all units: so
 * nothing is lost and nothing is unknown. Bytes from 0x80 on are never part of another unit, so every other unit is
 * whole characters.
 *
 * Learning keeps, for every pair, how often it occurs and a list of the places where; a merge changes only the places
 * around it. The commonest pair is on top of a heap, whose entries may be out of date and are then put back. Of equally
 * frequent pairs the one whose units are older goes first: the same text gives the same units everywhere.
 *
 * Not here: numbering them with the marks, and what a model file keeps (vocab.c, vocab_value.c). */
#include "data/units.h"

#include "data/data.h"

#include <stdlib.h>
#include <string.h>

/* ---- pieces ------------------------------------------------------------------------------------------------------ */

typedef enum kind { KIND_LETTER, KIND_DIGIT, KIND_WIDE, KIND_SPACE, KIND_LINE, KIND_OTHER, KIND_NONE } kind;

/* What stands at s, and its bytes: what is no UTF-8 is by itself. */
static kind kind_at(const char *s, size_t size, size_t *n) {
	*n = s[0] ? (size_t)eg_utf8_length(s, size) : 0;
	if (*n == 0) {
		*n = 1;
		return KIND_NONE;
	}
	uint32_t c = eg_utf8_decode(s, NULL);
	if (c == '\n') return KIND_LINE;
	if (eg_is_space(c)) return KIND_SPACE;
	if (c >= '0' && c <= '9') return KIND_DIGIT;
	if (eg_is_ideograph(c)) return KIND_WIDE;
	return eg_is_letter(c) ? KIND_LETTER : KIND_OTHER;
}

static bool takes_space(kind k) { return k != KIND_SPACE && k != KIND_LINE && k != KIND_NONE; }

size_t eg_subword_piece(const char *s, size_t size) {
	size_t n, at, more;
	kind first = kind_at(s, size, &at);
	if (first == KIND_NONE) return at;
	if (first == KIND_SPACE && s[0] == ' ' && at < size) { /* one space belongs to what follows */
		kind behind = kind_at(s + at, size - at, &n);
		if (takes_space(behind)) first = behind, at += n;
	}
	while (at < size) {
		kind k = kind_at(s + at, size - at, &n);
		if (k != first || at + n > EG_UNIT_MOST) break;
		/* The last of several spaces belongs to what follows. */
		if (k == KIND_SPACE && s[at] == ' ' && at + n < size && takes_space(kind_at(s + at + n, size - at - n, &more)))
			break;
		at += n;
	}
	return at;
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

/* Two units that stand side by side somewhere. */
typedef struct pair {
	int32_t a, b;
	int32_t first; /* a place where a stands before b; -1: none */
	int32_t touched; /* by this merge */
	int64_t count;
} pair;

typedef struct entry { /* of the heap */
	int64_t count;
	int32_t pair;
} entry;

/* Every place holds one unit, or nothing any more; `at`, `before` and `behind` tell of the same piece. */
typedef struct learner {
	eg_subwords *w;
	eg_unit_counts pieces, units; /* units: the bytes, then what is learnt */
	int32_t n;                    /* places */
	int32_t *unit, *before, *behind, *list_before, *list_behind, *piece;
	int32_t *of; /* the pair that begins here; -1 */
	pair *pairs;
	int npairs, cap_pairs;
	int32_t *slots; /* of a hash table of the pairs */
	uint32_t mask;
	entry *heap;
	int nheap, cap_heap;
	int32_t *places; /* of one pair */
	int32_t *touched;
	int ntouched, cap_touched;
	char bytes[256];
} learner;

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for learning subwords"); }

static uint32_t hash_pair(int32_t a, int32_t b) {
	uint64_t h = ((uint64_t)(uint32_t)a << 32 | (uint32_t)b) * 0x9E3779B97F4A7C15u;
	return (uint32_t)(h >> 32);
}

static int32_t *pair_slot(const learner *l, int32_t *slots, uint32_t mask, int32_t a, int32_t b) {
	uint32_t at = hash_pair(a, b) & mask;
	while (slots[at] >= 0 && (l->pairs[slots[at]].a != a || l->pairs[slots[at]].b != b)) at = (at + 1) & mask;
	return &slots[at];
}

/* The number of the pair; -1: out of memory. */
static int32_t pair_of(learner *l, int32_t a, int32_t b) {
	if ((uint32_t)l->npairs >= l->mask / 2) {
		uint32_t mask;
		int32_t *slots = eg_unit_slots_new(l->npairs ? 2 * l->npairs + 2 : 1024, &mask);
		if (!slots) return -1;
		for (int i = 0; i < l->npairs; i++) *pair_slot(l, slots, mask, l->pairs[i].a, l->pairs[i].b) = i;
		eg_release(NULL, l->slots);
		l->slots = slots, l->mask = mask;
	}
	int32_t *slot = pair_slot(l, l->slots, l->mask, a, b);
	if (*slot >= 0) return *slot;
	if (!eg_grow(NULL, &l->pairs, &l->cap_pairs, l->npairs, sizeof *l->pairs)) return -1;
	l->pairs[l->npairs] = (pair){.a = a, .b = b, .first = -1};
	return *slot = l->npairs++;
}

/* Bytes of characters that are no units are left alone. */
static bool may_merge(int32_t unit) { return unit < 0x80 || unit >= 256; }

/* The pair that begins at place i is there; it is put on the heap when the merge is done. */
static bool pair_begins(learner *l, int32_t i) {
	int32_t j = l->behind[i];
	if (!may_merge(l->unit[i]) || !may_merge(l->unit[j])) return true;
	int32_t k = pair_of(l, l->unit[i], l->unit[j]);
	if (k < 0) return false;
	pair *p = &l->pairs[k];
	p->count += l->pieces.units[l->piece[i]].count;
	l->of[i] = k;
	l->list_before[i] = -1, l->list_behind[i] = p->first;
	if (p->first >= 0) l->list_before[p->first] = i;
	p->first = i;
	if (p->touched) return true;
	if (!eg_grow(NULL, &l->touched, &l->cap_touched, l->ntouched, sizeof *l->touched)) return false;
	p->touched = 1;
	l->touched[l->ntouched++] = k;
	return true;
}

static void pair_ends(learner *l, int32_t i) {
	if (l->of[i] < 0) return;
	pair *p = &l->pairs[l->of[i]];
	p->count -= l->pieces.units[l->piece[i]].count;
	if (l->list_before[i] >= 0)
		l->list_behind[l->list_before[i]] = l->list_behind[i];
	else
		p->first = l->list_behind[i];
	if (l->list_behind[i] >= 0) l->list_before[l->list_behind[i]] = l->list_before[i];
	l->of[i] = -1;
}

/* ---- the heap ---------------------------------------------------------------------------------------------------- */

static bool goes_first(const learner *l, entry x, entry y) {
	if (x.count != y.count) return x.count > y.count;
	const pair *p = &l->pairs[x.pair], *q = &l->pairs[y.pair];
	return p->a != q->a ? p->a < q->a : p->b < q->b;
}

static bool heap_put(learner *l, entry e) {
	if (!eg_grow(NULL, &l->heap, &l->cap_heap, l->nheap, sizeof *l->heap)) return false;
	int at = l->nheap++;
	for (; at > 0 && goes_first(l, e, l->heap[(at - 1) / 2]); at = (at - 1) / 2) l->heap[at] = l->heap[(at - 1) / 2];
	l->heap[at] = e;
	return true;
}

static entry heap_take(learner *l) {
	entry top = l->heap[0], e = l->heap[--l->nheap];
	int at = 0;
	for (int child; (child = 2 * at + 1) < l->nheap; at = child) {
		if (child + 1 < l->nheap && goes_first(l, l->heap[child + 1], l->heap[child])) child++;
		if (!goes_first(l, l->heap[child], e)) break;
		l->heap[at] = l->heap[child];
	}
	l->heap[at] = e;
	return top;
}

/* Pairs that became more frequent. */
static bool put_touched(learner *l) {
	for (int i = 0; i < l->ntouched; i++) {
		pair *p = &l->pairs[l->touched[i]];
		p->touched = 0;
		if (p->count > 1 && !heap_put(l, (entry){p->count, l->touched[i]})) return false;
	}
	l->ntouched = 0;
	return true;
}

/* The commonest pair; -1: none occurs twice. */
static int32_t commonest(learner *l) {
	while (l->nheap > 0) {
		entry e = heap_take(l);
		int64_t now = l->pairs[e.pair].count;
		if (now == e.count) return e.pair;
		if (now > 1 && now < e.count && !heap_put(l, (entry){now, e.pair})) return -1;
	}
	return -1;
}

/* ---- merging ----------------------------------------------------------------------------------------------------- */

static int rising(const void *a, const void *b) {
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
	return (x > y) - (x < y);
}

/* The unit that a pair becomes; -1: out of memory. */
static int32_t unit_of_pair(learner *l, const pair *p) {
	eg_unit_span a = l->units.units[p->a], b = l->units.units[p->b];
	char *s = eg_arena_alloc(&l->w->arena, (size_t)a.size + b.size + 1);
	if (!s) return -1;
	memcpy(s, a.s, a.size);
	memcpy(s + a.size, b.s, b.size);
	return eg_unit_counts_add(&l->units, s, (size_t)a.size + b.size, 0);
}

/* Everywhere, from the front: of "aaa" the first two. */
static bool merge(learner *l, int32_t k) {
	int32_t unit = unit_of_pair(l, &l->pairs[k]), n = 0;
	if (unit < 0) return false;
	for (int32_t i = l->pairs[k].first; i >= 0; i = l->list_behind[i]) l->places[n++] = i;
	qsort(l->places, (size_t)n, sizeof *l->places, rising);
	for (int32_t m = 0; m < n; m++) {
		int32_t i = l->places[m], j = l->behind[i];
		if (l->of[i] != k) continue; /* its unit has gone into the merge before */
		int32_t left = l->before[i], right = l->behind[j];
		pair_ends(l, i);
		pair_ends(l, j);
		if (left >= 0) pair_ends(l, left);
		l->unit[i] = unit;
		l->behind[i] = right;
		if (right >= 0) l->before[right] = i;
		if (left >= 0 && !pair_begins(l, left)) return false;
		if (right >= 0 && !pair_begins(l, i)) return false;
	}
	return put_touched(l);
}

/* ---- beginning --------------------------------------------------------------------------------------------------- */

static bool count_pieces(learner *l, const char *text, size_t size) {
	for (size_t at = 0, n; at < size; at += n) {
		n = eg_subword_piece(text + at, size - at);
		if (eg_unit_counts_add(&l->pieces, text + at, n, 1) < 0) return false;
	}
	return true;
}

/* The 256 bytes, and the commonest of the characters of several bytes: those that occur twice, in at most half of the
 * room. */
static bool choose_characters(learner *l, int most) {
	eg_unit_counts all = {0};
	bool ok = true;
	for (int i = 0; i < 256 && ok; i++) {
		l->bytes[i] = (char)(unsigned char)i;
		ok = eg_unit_counts_add(&l->units, &l->bytes[i], 1, 0) == i;
	}
	for (int i = 0; i < l->pieces.n && ok; i++) {
		const eg_unit_span *p = &l->pieces.units[i];
		for (size_t at = 0, n; at < p->size && ok; at += n) {
			kind_at(p->s + at, p->size - at, &n);
			if (n > 1) ok = eg_unit_counts_add(&all, p->s + at, n, p->count) >= 0;
		}
	}
	if (ok && all.n) qsort(all.units, (size_t)all.n, sizeof *all.units, eg_unit_by_count);
	for (int i = 0; i < all.n && i < most / 2 && all.units[i].count > 1 && ok; i++)
		ok = eg_unit_counts_add(&l->units, all.units[i].s, all.units[i].size, 0) >= 0;
	eg_unit_counts_free(&all);
	return ok;
}

static bool make_places(learner *l) {
	size_t n = 1;
	for (int i = 0; i < l->pieces.n; i++) n += l->pieces.units[i].size;
	if (n > INT32_MAX) return false;
	int32_t **const arrays[] = {&l->unit, &l->before, &l->behind, &l->of, &l->list_before, &l->list_behind, &l->piece,
		&l->places};
	for (int i = 0; i < EG_COUNT(arrays); i++)
		if (!(*arrays[i] = eg_calloc(NULL, n, sizeof **arrays[i]))) return false;
	return true;
}

static void put_place(learner *l, int piece, bool first, int32_t unit) {
	int32_t i = l->n++;
	l->unit[i] = unit, l->piece[i] = piece, l->of[i] = l->behind[i] = -1;
	l->before[i] = first ? -1 : i - 1;
	if (!first) l->behind[i - 1] = i;
}

static bool begin(learner *l) {
	for (int k = 0; k < l->pieces.n; k++) {
		const eg_unit_span *p = &l->pieces.units[k];
		for (size_t at = 0, n; at < p->size; at += n) {
			kind_at(p->s + at, p->size - at, &n);
			int32_t unit = eg_unit_counts_find(&l->units, p->s + at, n);
			if (unit >= 0) put_place(l, k, at == 0, unit);
			for (size_t b = 0; b < n && unit < 0; b++)
				put_place(l, k, at + b == 0, (unsigned char)p->s[at + b]);
		}
	}
	for (int32_t i = 0; i < l->n; i++)
		if (l->behind[i] >= 0 && !pair_begins(l, i)) return false;
	return put_touched(l);
}

static void free_learner(learner *l) {
	void *const all[] = {l->unit, l->before, l->behind, l->of, l->list_before, l->list_behind, l->piece, l->places,
		l->pairs, l->slots, l->heap, l->touched};
	for (int i = 0; i < EG_COUNT(all); i++) eg_release(NULL, all[i]);
	eg_unit_counts_free(&l->pieces);
	eg_unit_counts_free(&l->units);
}

/* What was learnt, with texts of its own. */
static bool hand_over(learner *l) {
	for (int i = 256; i < l->units.n; i++) {
		const eg_unit_span *u = &l->units.units[i];
		char *s = eg_arena_alloc(&l->w->arena, (size_t)u->size + 1);
		if (!s) return false;
		memcpy(s, u->s, u->size);
		if (eg_unit_counts_add(&l->w->learnt, s, u->size, 0) < 0) return false;
	}
	return true;
}

eg_status eg_subwords_learn(eg_subwords *w, const char *text, size_t size, int most, eg_error *err) {
	learner l = {.w = w};
	bool ok = count_pieces(&l, text, size) && choose_characters(&l, most) && make_places(&l) && begin(&l);
	while (ok && l.units.n < 256 + most) {
		int32_t k = commonest(&l);
		if (k < 0) break;
		ok = merge(&l, k);
	}
	ok = ok && hand_over(&l);
	free_learner(&l);
	return ok ? EG_OK : no_memory(err);
}

void eg_subwords_free(eg_subwords *w) {
	eg_unit_counts_free(&w->learnt);
	eg_arena_free(&w->arena);
}

/* ---- cutting ----------------------------------------------------------------------------------------------------- */

/* Units of the piece: unit i begins at byte at[i]; rank[i] is the number of the unit that i and i + 1 make, or -1. The
 * lowest number was learnt first and is merged first. */
typedef struct cut {
	uint16_t at[EG_UNIT_MOST + 2];
	int32_t rank[EG_UNIT_MOST + 1];
	int n;
} cut;

size_t eg_subword_cut(int32_t *slots, uint32_t mask, const eg_unit_span *units, int bytes, const char *s, size_t n,
	int32_t *ids) {
	cut c = {.n = 0};
	for (size_t at = 0, k; at < n; at += k) {
		kind_at(s + at, n - at, &k);
		bool whole = k == 1 || *eg_unit_slot(slots, mask, units, s + at, k) >= 0;
		for (size_t b = 0; b < (whole ? 1 : k); b++) c.at[c.n++] = (uint16_t)(at + b);
	}
	c.at[c.n] = (uint16_t)n;
	for (int i = 0; i + 1 < c.n; i++)
		c.rank[i] = *eg_unit_slot(slots, mask, units, s + c.at[i], (size_t)(c.at[i + 2] - c.at[i]));
	for (;;) {
		int best = -1;
		for (int i = 0; i + 1 < c.n; i++)
			if (c.rank[i] >= 0 && (best < 0 || c.rank[i] < c.rank[best])) best = i;
		if (best < 0) break;
		memmove(&c.at[best + 1], &c.at[best + 2], (size_t)(c.n - best - 1) * sizeof c.at[0]);
		if (c.n - best > 2) memmove(&c.rank[best], &c.rank[best + 1], (size_t)(c.n - best - 2) * sizeof c.rank[0]);
		c.n--;
		for (int i = best > 0 ? best - 1 : 0; i <= best && i + 1 < c.n; i++)
			c.rank[i] = *eg_unit_slot(slots, mask, units, s + c.at[i], (size_t)(c.at[i + 2] - c.at[i]));
	}
	for (int i = 0; i < c.n; i++) {
		size_t k = (size_t)(c.at[i + 1] - c.at[i]);
		ids[i] = k == 1 ? bytes + (unsigned char)s[c.at[i]] : *eg_unit_slot(slots, mask, units, s + c.at[i], k);
	}
	return (size_t)c.n;
}
