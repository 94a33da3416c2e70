/* body_binary.c - the family of functions of two numbers with broadcasting, their derivatives, and selection
 * (kern_families.h), over simd.h.
 *
 * Dimensions along which all operands go on as they do are one; along the last, each operand is a run or one number.
 * pow (but for squares), mod and fmod are C's, number by number.
 *
 * Not here: the broadcast sum with an activation, and the adjoint of broadcasting (body_map.c). */
#include "kern/body_unary.h"
#include "kern/kern_families.h"

/* ---- the walk --------------------------------------------------------------------------------------------------- */

typedef struct spread_walk {
	int rank;
	int64_t n[EG_KDIMS], s[EG_OPERANDS][EG_KDIMS], index[EG_KDIMS], at[EG_OPERANDS];
} spread_walk;

/* Unit u as few dimensions as will do, at least one. */
static void spread_begin(spread_walk *w, const eg_spread *s, int operands, int u) {
	*w = (spread_walk){0};
	for (int d = 0; d < s->rank; d++) {
		int64_t n = d ? s->dims[d] : eg_unit_size(s->rows, s->dims[0], u);
		const int p = w->rank - 1;
		bool joins = p >= 0;
		if (n == 1 && (w->rank || d < s->rank - 1)) continue;
		for (int i = 0; i < operands && joins; i++) joins = w->s[i][p] == s->s[i][d] * n;
		if (!joins) w->rank++;
		w->n[w->rank - 1] = joins ? w->n[p] * n : n;
		for (int i = 0; i < operands; i++) w->s[i][w->rank - 1] = s->s[i][d];
	}
}

EG_ALWAYS_INLINE bool spread_next(spread_walk *w, int operands) {
	for (int d = w->rank - 2; d >= 0; d--) {
		for (int i = 0; i < operands; i++) w->at[i] += w->s[i][d];
		if (++w->index[d] < w->n[d]) return true;
		for (int i = 0; i < operands; i++) w->at[i] -= w->s[i][d] * w->n[d];
		w->index[d] = 0;
	}
	return false;
}

/* A run, or one number. */
typedef struct operand {
	const float *p;
	int64_t step;
} operand;

EG_ALWAYS_INLINE vf operand_at(operand o, bool run, int64_t i, int lanes) { return run ? vload_n(o.p + i, lanes) : vset1(*o.p); }

/* ---- values ----------------------------------------------------------------------------------------------------- */

EG_ALWAYS_INLINE vf binary_is(vm m) { return vsel(m, vset1(1.0f), vzero()); }
EG_ALWAYS_INLINE vf binary_is_not(vm m) { return vsel(m, vzero(), vset1(1.0f)); }
EG_ALWAYS_INLINE vm binary_unordered(vf a, vf b) { return vor_m(vnan(a), vnan(b)); }
EG_ALWAYS_INLINE vm binary_differ(vf a, vf b) { return vor_m(binary_unordered(a, b), vor_m(vgt(a, b), vgt(b, a))); }

EG_ALWAYS_INLINE vf binary_value(eg_binary op, vf a, vf b) {
	switch (op) {
	case EG_BINARY_ADD: return vadd(a, b);
	case EG_BINARY_SUB: return vsub(a, b);
	case EG_BINARY_MUL: return vmul(a, b);
	case EG_BINARY_DIV: return vdiv(a, b);
	case EG_BINARY_MIN: return vsel(vnan(a), a, vmin(a, b));
	case EG_BINARY_MAX: return vsel(vnan(a), a, vmax(a, b));
	case EG_BINARY_PRELU: return vsel(vgt(vzero(), a), vmul(a, b), a);
	case EG_BINARY_EQUAL: return binary_is_not(binary_differ(a, b));
	case EG_BINARY_NOT_EQUAL: return binary_is(binary_differ(a, b));
	case EG_BINARY_LESS: return binary_is(vgt(b, a));
	case EG_BINARY_LESS_EQUAL: return binary_is_not(vor_m(binary_unordered(a, b), vgt(a, b)));
	case EG_BINARY_GREATER: return binary_is(vgt(a, b));
	case EG_BINARY_GREATER_EQUAL: return binary_is_not(vor_m(binary_unordered(a, b), vgt(b, a)));
	case EG_BINARY_AND: return binary_is(vand_m(unary_true(a), unary_true(b)));
	case EG_BINARY_OR: return binary_is(vor_m(unary_true(a), unary_true(b)));
	case EG_BINARY_XOR: return vsel(unary_true(a), binary_is_not(unary_true(b)), binary_is(unary_true(b)));
	default: return vzero();
	}
}

EG_ALWAYS_INLINE void binary_loop(eg_binary op, operand a, bool arun, operand b, bool brun, float *y, int64_t n) {
	int64_t i = 0;
	for (; i + 2 * V <= n; i += 2 * V) {
		vf p = binary_value(op, operand_at(a, arun, i, V), operand_at(b, brun, i, V));
		vf q = binary_value(op, operand_at(a, arun, i + V, V), operand_at(b, brun, i + V, V));
		vstore(y + i, p);
		vstore(y + i + V, q);
	}
	for (; i < n; i += V) {
		int lanes = n - i < V ? (int)(n - i) : V;
		vstore_n(y + i, lanes, binary_value(op, operand_at(a, arun, i, lanes), operand_at(b, brun, i, lanes)));
	}
}

EG_ALWAYS_INLINE void binary_run(eg_binary op, operand a, operand b, float *y, int64_t n) {
	if (a.step && b.step)
		binary_loop(op, a, true, b, true, y, n);
	else if (a.step)
		binary_loop(op, a, true, b, false, y, n);
	else
		binary_loop(op, a, false, b, true, y, n);
}

static void binary_numbers(eg_binary op, operand a, operand b, float *y, int64_t n) {
	for (int64_t i = 0; i < n; i++) y[i] = eg_binary_value(op, a.p[i * a.step], b.p[i * b.step]);
}

static void binary_values(eg_binary op, operand a, operand b, float *y, int64_t n) {
#define BINARY_CASE(op) case op: binary_run(op, a, b, y, n); break
	if (a.step > 1 || b.step > 1 || (a.step | b.step) < 1) {
		binary_numbers(op, a, b, y, n);
		return;
	}
	if (op == EG_BINARY_POW && !b.step && *b.p == 2) {
		op = EG_BINARY_MUL;
		b = a;
	}
	switch (op) {
		BINARY_CASE(EG_BINARY_ADD);
		BINARY_CASE(EG_BINARY_SUB);
		BINARY_CASE(EG_BINARY_MUL);
		BINARY_CASE(EG_BINARY_DIV);
		BINARY_CASE(EG_BINARY_MIN);
		BINARY_CASE(EG_BINARY_MAX);
		BINARY_CASE(EG_BINARY_PRELU);
		BINARY_CASE(EG_BINARY_EQUAL);
		BINARY_CASE(EG_BINARY_NOT_EQUAL);
		BINARY_CASE(EG_BINARY_LESS);
		BINARY_CASE(EG_BINARY_LESS_EQUAL);
		BINARY_CASE(EG_BINARY_GREATER);
		BINARY_CASE(EG_BINARY_GREATER_EQUAL);
		BINARY_CASE(EG_BINARY_AND);
		BINARY_CASE(EG_BINARY_OR);
		BINARY_CASE(EG_BINARY_XOR);
	default: binary_numbers(op, a, b, y, n);
	}
#undef BINARY_CASE
}

void EG_NAME(binary)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_binary_args *g = args;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		const float *a = eg_at(g->a, u), *b = eg_at(g->b, u);
		float *y = eg_at(g->y, u);
		spread_walk w;
		spread_begin(&w, &g->at, 2, u);
		const int last = w.rank - 1;
		do {
			binary_values(g->op, (operand){a + w.at[0], w.s[0][last]}, (operand){b + w.at[1], w.s[1][last]}, y, w.n[last]);
			y += w.n[last];
		} while (spread_next(&w, 2));
	}
}

/* ---- derivatives ------------------------------------------------------------------------------------------------ */

/* dy times the derivative, for members that have vectors. */
EG_ALWAYS_INLINE vf binary_slope(eg_binary op, int side, vf a, vf b, vf dy) {
	vf own = side ? b : a, other = side ? a : b, half = vmul(dy, vset1(0.5f));
	switch (op) {
	case EG_BINARY_SUB: return side ? unary_neg(dy) : dy;
	case EG_BINARY_MUL: return vmul(dy, other);
	case EG_BINARY_DIV: return side ? unary_neg(vmul(dy, vdiv(a, vmul(b, b)))) : vdiv(dy, b);
	case EG_BINARY_MIN: return vsel(binary_unordered(a, b), dy, vsel(vgt(other, own), dy, vsel(vgt(own, other), vzero(), half)));
	case EG_BINARY_MAX: return vsel(binary_unordered(a, b), dy, vsel(vgt(own, other), dy, vsel(vgt(other, own), vzero(), half)));
	case EG_BINARY_PRELU: return vsel(vgt(a, vzero()), side ? vzero() : dy, vmul(dy, side ? a : b));
	default: return dy;
	}
}

typedef struct binary_grad {
	operand a, b;
	const float *dy;
	float *d;
	int64_t n;
	bool acc;
} binary_grad;

EG_ALWAYS_INLINE void binary_grad_part(eg_binary op, int side, const binary_grad *g, bool arun, bool brun, int64_t i, int lanes) {
	const bool none = op == EG_BINARY_SUB;
	vf a = none ? vzero() : operand_at(g->a, arun, i, lanes), b = none ? vzero() : operand_at(g->b, brun, i, lanes);
	vf d = binary_slope(op, side, a, b, vload_n(g->dy + i, lanes));
	vstore_n(g->d + i, lanes, g->acc ? vadd(vload_n(g->d + i, lanes), d) : d);
}

EG_ALWAYS_INLINE void binary_grad_loop(eg_binary op, int side, const binary_grad *g, bool arun, bool brun) {
	int64_t i = 0;
	for (; i + V <= g->n; i += V) binary_grad_part(op, side, g, arun, brun, i, V);
	if (i < g->n) binary_grad_part(op, side, g, arun, brun, i, (int)(g->n - i));
}

EG_ALWAYS_INLINE void binary_grad_run(eg_binary op, int side, const binary_grad *g) {
	if (g->a.step && g->b.step)
		binary_grad_loop(op, side, g, true, true);
	else if (g->a.step)
		binary_grad_loop(op, side, g, true, false);
	else
		binary_grad_loop(op, side, g, false, true);
}

static void binary_grad_numbers(eg_binary op, int side, const binary_grad *g) {
	for (int64_t i = 0; i < g->n; i++) {
		float a = g->a.p ? g->a.p[i * g->a.step] : 0, b = g->b.p ? g->b.p[i * g->b.step] : 0;
		float d = g->dy[i] * eg_binary_slope(op, side, a, b);
		g->d[i] = g->acc ? g->d[i] + d : d;
	}
}

static void binary_grads(eg_binary op, int side, const binary_grad *g) {
#define BINARY_CASE(op)                                                                                                \
	case op:                                                                                                       \
		if (side)                                                                                              \
			binary_grad_run(op, 1, g);                                                                     \
		else                                                                                                   \
			binary_grad_run(op, 0, g);                                                                     \
		break
	if (g->a.step > 1 || g->b.step > 1 || (g->a.step | g->b.step) < 1) {
		binary_grad_numbers(op, side, g);
		return;
	}
	switch (op) {
		BINARY_CASE(EG_BINARY_SUB);
		BINARY_CASE(EG_BINARY_MUL);
		BINARY_CASE(EG_BINARY_DIV);
		BINARY_CASE(EG_BINARY_MIN);
		BINARY_CASE(EG_BINARY_MAX);
		BINARY_CASE(EG_BINARY_PRELU);
	default: binary_grad_numbers(op, side, g);
	}
#undef BINARY_CASE
}

void EG_NAME(binary_bwd)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_binary_bwd_args *g = args;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		const float *a = g->a.p ? eg_at(g->a, u) : NULL, *b = g->b.p ? eg_at(g->b, u) : NULL, *dy = eg_at(g->dy, u);
		float *d = eg_at(g->d, u);
		spread_walk w;
		spread_begin(&w, &g->at, 2, u);
		const int last = w.rank - 1;
		do {
			binary_grads(g->op, g->side, &(binary_grad){{a ? a + w.at[0] : NULL, w.s[0][last]}, {b ? b + w.at[1] : NULL, w.s[1][last]},
				dy, d, w.n[last], g->acc});
			dy += w.n[last];
			d += w.n[last];
		} while (spread_next(&w, 2));
	}
}

/* ---- selection -------------------------------------------------------------------------------------------------- */

/* A number that is absent is zero; whether a run or one number is asked for each vector, which costs little beside
 * the memory. */
EG_ALWAYS_INLINE vf select_at(operand o, int64_t i, int lanes) { return !o.p ? vzero() : operand_at(o, o.step != 0, i, lanes); }

EG_ALWAYS_INLINE void select_part(operand c, operand a, operand b, float *y, int64_t i, int lanes, bool acc) {
	vf v = vsel(unary_true(select_at(c, i, lanes)), select_at(a, i, lanes), select_at(b, i, lanes));
	vstore_n(y + i, lanes, acc ? vadd(vload_n(y + i, lanes), v) : v);
}

static void select_run(operand c, operand a, operand b, float *y, int64_t n, bool acc) {
	int64_t i = 0;
	if (c.step > 1 || a.step > 1 || b.step > 1) {
		for (; i < n; i++) {
			float v = c.p[i * c.step] != 0 ? (a.p ? a.p[i * a.step] : 0) : (b.p ? b.p[i * b.step] : 0);
			y[i] = acc ? y[i] + v : v;
		}
		return;
	}
	for (; i + V <= n; i += V) select_part(c, a, b, y, i, V, acc);
	if (i < n) select_part(c, a, b, y, i, (int)(n - i), acc);
}

void EG_NAME(select)(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_select_args *g = args;
	EG_UNUSED(worker);
	for (int u = begin; u < end; u++) {
		const float *c = eg_at(g->c, u), *a = g->a.p ? eg_at(g->a, u) : NULL, *b = g->b.p ? eg_at(g->b, u) : NULL;
		float *y = eg_at(g->y, u);
		spread_walk w;
		spread_begin(&w, &g->at, 3, u);
		const int last = w.rank - 1;
		do {
			select_run((operand){c + w.at[0], w.s[0][last]}, (operand){a ? a + w.at[1] : NULL, w.s[1][last]},
				(operand){b ? b + w.at[2] : NULL, w.s[2][last]}, y, w.n[last], g->acc);
			y += w.n[last];
		} while (spread_next(&w, 3));
	}
}
