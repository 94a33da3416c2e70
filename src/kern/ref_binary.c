/* ref_binary.c - the family of functions of two numbers with broadcasting, their derivatives, and selection. */
#include "kern/ref.h"

static real smaller(real a, real b) { return isnan(a) || a < b ? a : b; }
static real larger(real a, real b) { return isnan(a) || a > b ? a : b; }

/* The remainder with the sign of b. */
static real floor_mod(real a, real b) {
	real r = REAL(fmod)(a, b);
	if (r == 0) return REAL(copysign)(0, b);
	return (r < 0) != (b < 0) ? r + b : r;
}

real eg_binary_value(eg_binary op, real a, real b) {
	switch (op) {
	case EG_BINARY_ADD: return a + b;
	case EG_BINARY_SUB: return a - b;
	case EG_BINARY_MUL: return a * b;
	case EG_BINARY_DIV: return a / b;
	case EG_BINARY_POW: return REAL(pow)(a, b);
	case EG_BINARY_MIN: return smaller(a, b);
	case EG_BINARY_MAX: return larger(a, b);
	case EG_BINARY_MOD: return floor_mod(a, b);
	case EG_BINARY_FMOD: return REAL(fmod)(a, b);
	case EG_BINARY_PRELU: return a < 0 ? a * b : a;
	case EG_BINARY_EQUAL: return a == b;
	case EG_BINARY_NOT_EQUAL: return a != b;
	case EG_BINARY_LESS: return a < b;
	case EG_BINARY_LESS_EQUAL: return a <= b;
	case EG_BINARY_GREATER: return a > b;
	case EG_BINARY_GREATER_EQUAL: return a >= b;
	case EG_BINARY_AND: return a != 0 && b != 0;
	case EG_BINARY_OR: return a != 0 || b != 0;
	case EG_BINARY_XOR: return (a != 0) != (b != 0);
	case EG_BINARIES: break;
	}
	return 0;
}

/* Of the one that wins, as the share that is a's. */
static real share(bool wins, bool loses) { return wins ? 1 : loses ? 0 : (real)0.5; }

static real pow_slope(int side, real a, real b) {
	if (side == 0) return b == 0 ? 0 : b * REAL(pow)(a, b - 1);
	return a == 0 && b >= 0 ? 0 : REAL(pow)(a, b) * REAL(log)(a);
}

real eg_binary_slope(eg_binary op, int side, real a, real b) {
	const real own = side ? b : a, other = side ? a : b;
	switch (op) {
	case EG_BINARY_ADD: return 1;
	case EG_BINARY_SUB: return side ? -1 : 1;
	case EG_BINARY_MUL: return other;
	case EG_BINARY_DIV: return side ? -a / (b * b) : 1 / b;
	case EG_BINARY_POW: return pow_slope(side, a, b);
	case EG_BINARY_MIN: return isnan(a) || isnan(b) ? 1 : share(own < other, own > other);
	case EG_BINARY_MAX: return isnan(a) || isnan(b) ? 1 : share(own > other, own < other);
	case EG_BINARY_MOD: return side ? -REAL(floor)(a / b) : 1;
	case EG_BINARY_FMOD: return side ? -REAL(trunc)(a / b) : 1;
	case EG_BINARY_PRELU: return side ? (a > 0 ? 0 : a) : (a > 0 ? 1 : b);
	case EG_BINARY_EQUAL:
	case EG_BINARY_NOT_EQUAL:
	case EG_BINARY_LESS:
	case EG_BINARY_LESS_EQUAL:
	case EG_BINARY_GREATER:
	case EG_BINARY_GREATER_EQUAL:
	case EG_BINARY_AND:
	case EG_BINARY_OR:
	case EG_BINARY_XOR:
	case EG_BINARIES: break;
	}
	return 0;
}

/* ---- the walk --------------------------------------------------------------------------------------------------- */

/* Where unit u is: its dimensions, and the place of each operand's element. */
typedef struct walk {
	const eg_spread *s;
	int64_t dims[EG_KDIMS], at[EG_KDIMS], count;
} walk;

static walk walk_of(const eg_spread *s, int u) {
	walk w = {.s = s, .count = 1};
	int64_t left = s->dims[0] - (int64_t)u * s->rows;
	assert(1 <= s->rank && s->rank <= EG_KDIMS && units_ok(s->rows, s->dims[0], u, u + 1));
	memcpy(w.dims, s->dims, sizeof w.dims);
	w.dims[0] = left < s->rows ? left : s->rows;
	for (int d = 0; d < s->rank; d++) w.count *= w.dims[d];
	return w;
}

static void step(walk *w) {
	for (int d = w->s->rank - 1; d >= 0; d--) {
		if (++w->at[d] < w->dims[d]) return;
		w->at[d] = 0;
	}
}

static int64_t place(const walk *w, int operand) {
	int64_t at = 0;
	for (int d = 0; d < w->s->rank; d++) at += w->at[d] * w->s->s[operand][d];
	return at;
}

static void binary__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_binary_args *g = args;
	EG_UNUSED(worker);
	assert(g->a.p && g->b.p && g->y.p && g->op < EG_BINARIES);
	for (int u = begin; u < end; u++) {
		walk w = walk_of(&g->at, u);
		const real *a = eg_at(g->a, u), *b = eg_at(g->b, u);
		real *y = eg_at(g->y, u);
		for (int64_t i = 0; i < w.count; i++, step(&w)) y[i] = eg_binary_value(g->op, a[place(&w, 0)], b[place(&w, 1)]);
	}
}

static void binary_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_binary_bwd_args *g = args;
	EG_UNUSED(worker);
	assert(g->dy.p && g->d.p && g->op < EG_BINARIES && (g->side == 0 || g->side == 1));
	assert((g->a.p && g->b.p) || g->op == EG_BINARY_SUB || g->op == EG_BINARY_ADD);
	for (int u = begin; u < end; u++) {
		walk w = walk_of(&g->at, u);
		const real *a = g->a.p ? eg_at(g->a, u) : NULL, *b = g->b.p ? eg_at(g->b, u) : NULL, *dy = eg_at(g->dy, u);
		real *d = eg_at(g->d, u);
		for (int64_t i = 0; i < w.count; i++, step(&w)) {
			real v = dy[i] * eg_binary_slope(g->op, g->side, a ? a[place(&w, 0)] : 0, b ? b[place(&w, 1)] : 0);
			d[i] = g->acc ? d[i] + v : v;
		}
	}
}

static void select__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_select_args *g = args;
	EG_UNUSED(worker);
	assert(g->c.p && g->y.p);
	for (int u = begin; u < end; u++) {
		walk w = walk_of(&g->at, u);
		const real *c = eg_at(g->c, u), *a = g->a.p ? eg_at(g->a, u) : NULL, *b = g->b.p ? eg_at(g->b, u) : NULL;
		real *y = eg_at(g->y, u);
		for (int64_t i = 0; i < w.count; i++, step(&w)) {
			real v = c[place(&w, 0)] != 0 ? (a ? a[place(&w, 1)] : 0) : (b ? b[place(&w, 2)] : 0);
			y[i] = g->acc ? y[i] + v : v;
		}
	}
}

void fill_binary__ref(eg_kernels *k) {
	EG_FILL(k, binary, binary__ref);
	EG_FILL(k, binary_bwd, binary_bwd__ref);
	EG_FILL(k, select, select__ref);
}
