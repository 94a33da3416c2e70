/* recurrent_share.h - what one rank does of a sequence: some rows (samples) through all hidden units, or, in a joint
 * job, all rows through some units. The way through a step is the same for both: everything that goes element by
 * element is done for the rank's own units, what goes over a whole row for its own rows, and share_wait stands wherever
 * one of them reads what another rank may have written.
 *
 * Included by recurrent.c (forward) and recurrent_bwd.c alone. */
#ifndef ENGRAM_KERN_RECURRENT_SHARE_H
#define ENGRAM_KERN_RECURRENT_SHARE_H

#include "kern/recurrent.h"

#include <string.h>

enum {
	ROUND_GATES = 16 << 10,  /* bytes of gates between a product and its cells: half of L1 */
	ROUND_WEIGHTS = 512 << 10 /* of weights: what lies before them may be walked in either direction */
};

/* Of hidden units, of numbers of the state, of rows. */
typedef struct span {
	int begin, end;
} span;

typedef struct rows {
	const eg_recurrent_shape *s;
	int begin, n;
	const int32_t *lengths; /* of these rows, or NULL */
	int longest;
} rows;

typedef struct share {
	rows r;           /* that this rank sees */
	span units, outs; /* of H, of P: its own */
	span own;         /* rows, counted from r.begin */
	int round;        /* units between a product and the cells behind it */
	const eg_ranks *ranks; /* NULL: alone */
	const eg_kernels *kern; /* whose cells and products these are */
} share;

/* Columns of this rank, in whole groups. */
static inline span share_columns(int width, int n, const eg_ranks *ranks) {
	if (!ranks || ranks->size == 1) return (span){0, n};
	const int groups = (n + width - 1) / width;
	span c;
	eg_split(groups, ranks->rank, ranks->size, &c.begin, &c.end);
	c.begin *= width;
	c.end = c.end * width < n ? c.end * width : n;
	if (c.begin > c.end) c.begin = c.end;
	return c;
}

static inline int share_round(const eg_recurrent_shape *s, int width, int n) {
	ptrdiff_t most = ROUND_GATES / ((ptrdiff_t)n * s->S * (ptrdiff_t)sizeof(real));
	ptrdiff_t weights = ROUND_WEIGHTS / ((ptrdiff_t)s->P * s->G * (ptrdiff_t)sizeof(real));
	if (weights < most) most = weights;
	if (most > s->H + width) most = s->H + width;
	return most < width ? width : (int)most / width * width;
}

/* Rows [begin,end) alone, or, with ranks, a part of all. */
static inline share share_of(const eg_kernels *kern, const eg_recurrent_shape *s, const eg_buf *lengths, int begin, int end,
	const eg_ranks *ranks) {
	share a = {.r = {.s = s, .begin = begin, .n = end - begin, .longest = s->T},
	        .units = share_columns(kern->gates_width, s->H, ranks),
	        .outs = share_columns(kern->gates_width, s->P, ranks),
	        .own = {0, end - begin},
	        .round = share_round(s, kern->gates_width, end - begin),
	        .ranks = ranks && ranks->size > 1 ? ranks : NULL,
	        .kern = kern};
	if (a.ranks) eg_split(a.r.n, ranks->rank, ranks->size, &a.own.begin, &a.own.end);
	if (!lengths->p) return a;
	a.r.lengths = (const int32_t *)lengths->p + begin;
	a.r.longest = 0;
	for (int i = 0; i < a.r.n; i++)
		if (a.r.lengths[i] > a.r.longest) a.r.longest = a.r.lengths[i];
	return a;
}

static inline void share_wait(const share *a) {
	if (a->ranks) a->ranks->wait(a->ranks->team);
}

static inline bool row_active(const rows *r, int i, int t) { return !r->lengths || t < r->lengths[i]; }
static inline bool rows_end_early(const rows *r, int t) {
	for (int i = 0; i < r->n && r->lengths; i++)
		if (t >= r->lengths[i]) return true;
	return false;
}

/* Of these rows, those from the first to the last that are active at time t, which is before the longest ends; how many
 * lie before them. */
static inline int share_narrow(share *a, int t) {
	rows *r = &a->r;
	int first = 0, n = r->n;
	if (!r->lengths) return 0;
	while (!row_active(r, n - 1, t)) n--;
	while (!row_active(r, first, t)) first++;
	r->begin += first;
	r->lengths += first;
	r->n = n - first;
	a->own = (span){0, r->n};
	if (a->ranks) eg_split(r->n, a->ranks->rank, a->ranks->size, &a->own.begin, &a->own.end);
	return first;
}

/* The first of these rows in step `at` of a buffer (steps, N, width); NULL of an absent one. */
EG_ALWAYS_INLINE real *rows_part(const rows *r, const eg_buf *b, ptrdiff_t at, ptrdiff_t width) {
	return b->p ? (real *)b->p + (at * r->s->N + r->begin) * width : NULL;
}
/* Where time t of what is kept for every step lies, or of what has one step only. */
static inline ptrdiff_t step_kept(const eg_recurrent_shape *s, int t) { return s->keep ? t - s->k0 : 0; }

/* The state before step s and after it, in hs and cs. */
static inline int row_before(const eg_recurrent_shape *s, int step, int t) {
	return s->keep ? t - s->k0 + s->reverse : step & 1;
}
static inline int row_after(const eg_recurrent_shape *s, int step, int t) {
	return s->keep ? t - s->k0 + !s->reverse : (step + 1) & 1;
}

/* Columns c of m rows. */
static inline void copy_columns(real *to, ptrdiff_t ld_to, const real *from, ptrdiff_t ld_from, int m, span c) {
	if (c.begin == 0 && c.end == ld_to && ld_to == ld_from) {
		memcpy(to, from, (size_t)(m * ld_to) * sizeof(real));
		return;
	}
	for (int i = 0; i < m; i++)
		memcpy(to + i * ld_to + c.begin, from + i * ld_from + c.begin, (size_t)(c.end - c.begin) * sizeof(real));
}
static inline void zero_columns(real *to, ptrdiff_t ld, int m, span c) {
	for (int i = 0; i < m; i++) memset(to + i * ld + c.begin, 0, (size_t)(c.end - c.begin) * sizeof(real));
}
static inline void add_columns(real *restrict to, const real *restrict x, span c) {
	for (int i = c.begin; i < c.end; i++) to[i] += x[i];
}

/* ---- what is normalised together --------------------------------------------------------------------------------- */

/* n columns that begin at `at` in a row of gates and at `weight` in the order of the weights: `parts` gates. rnn, lstm:
 * all of them; gru:
 * update and reset gate together, the candidate apart (Ba et al. 2016, eq. 29-31). */
typedef struct group {
	int at, n, weight, parts;
} group;
static inline int groups_of(const eg_recurrent_shape *s, bool input, group out[2]) {
	const int H = s->H;
	if (s->cell != EG_CELL_GRU) {
		out[0] = (group){0, s->G * H, 0, s->G};
		out[1] = (group){0};
		return 1;
	}
	out[0] = (group){H, 2 * H, 0, 2};
	out[1] = (group){input || s->reset_before ? 0 : 3 * H, H, 2 * H, 1};
	return 2;
}

/* Statistics: 0 and 1 of the input's groups, 2 and 3 of the state's, 4 of c. */
static inline real *rstd_at(const rows *r, const eg_buf *b, int t, int which) {
	return (real *)b->p + (step_kept(r->s, t) * EG_RECURRENT_RSTD + which) * r->s->N + r->begin;
}

/* ---- arguments of cells ------------------------------------------------------------------------------------------ */

static inline eg_cell_args cell_of(const eg_recurrent_shape *s, int n) {
	return (eg_cell_args){.rows = n,
	        .H = s->H,
	        .block = s->H,
	        .act = s->act,
	        .gate_act = s->gate_act,
	        .out_act = s->out_act,
	        .coupled = s->coupled,
	        .mirror = s->mirror,
	        .clip = s->clip,
	        .ld_gates = s->S * s->H,
	        .ld_h_prev = s->H,
	        .ld_c_prev = s->H,
	        .ld_h = s->H,
	        .ld_c = s->H,
	        .ld_rh = s->H,
	        .ld_cn = s->H,
	        .ld_dh = s->H,
	        .ld_dc = s->H,
	        .ld_drh = s->H,
	        .ld_dh_prev = s->H,
	        .ld_dc_prev = s->H,
	        .ld_dcn = s->H};
}

/* The cell of some units only. */
static inline void cell_run(eg_cell_kernel f, const eg_cell_args *all, span units) {
	if (units.begin == 0 && units.end == all->H) {
		f(all);
		return;
	}
	if (units.begin >= units.end) return;
	eg_cell_args a = *all;
	const ptrdiff_t j = units.begin;
#define ON(p) a.p = a.p ? a.p + j : NULL
	a.H = units.end - units.begin;
	a.gates += j;
	ON(h_prev), ON(c_prev), ON(peephole), ON(h), ON(c), ON(rh), ON(cn);
	ON(dh), ON(dc), ON(drh), ON(dh_prev), ON(dc_prev), ON(dcn);
#undef ON
	f(&a);
}

#endif
