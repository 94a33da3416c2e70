/* body_recurrent.c - the parts of one time step of a recurrent network over simd.h: the cells, layer norm, decay, and
 * products of rows.
 *
 * A cell is one function of V columns of one row. It has two instances: one for sigmoid gates and tanh (`plain`), where
 * the activations are in line, and one that calls them, for everything else and for the columns beyond the last whole
 * vector. Every product that is added is written as vfma, so that the compiler has nothing left to contract, here so
 * and there otherwise: an element's bits depend neither on its column nor on the number of rows.
 *
 * Not here: the order of things (recurrent.c). */
#include "kern/body_act.h"
#include "kern/kern_recurrent.h"

#include <math.h>

#if defined(__GNUC__)
#define CELL_APART __attribute__((noinline))
#else
#define CELL_APART
#endif

/* ---- activations ------------------------------------------------------------------------------------------------- */

/* 1 / (1 + e^-x), x brought into -40..40 (NaN stays NaN), where one step reduces the range. e^y, |y| <= ln2/2, is a
 * minimax polynomial (relative error 8e-8). vsigmoid goes further down and costs more. */
EG_ALWAYS_INLINE vf cell_sigmoid(vf x) {
	vf one = vset1(1.0f);
	x = vmax(vset1(-40.0f), vmin(vset1(40.0f), x));
	vf n = vround(vmul(x, vset1(-1.44269504088896341f)));
	vf y = vfma(n, vset1(0.693147180559945309f), x); /* e^-x = 2^n e^-y */
	vf p = vset1(-8.29758413888e-3f);
	p = vfma(p, y, vset1(4.19158766811e-2f));
	p = vfma(p, y, vset1(-1.66675783544e-1f));
	p = vfma(p, y, vset1(4.99988904675e-1f));
	p = vfma(p, y, vset1(-9.99999690146e-1f));
	p = vfma(p, y, one);
	return vdiv(one, vadd(one, vscalef_near(p, n)));
}

/* A rational function of degree 13/6 (that of Eigen; relative error 2.9e-7), x brought to where it is 1; below it is
 * never more. Small values keep all digits. */
EG_ALWAYS_INLINE vf cell_tanh(vf x) {
	x = vmax(vset1(-8.12742043f), vmin(vset1(8.12742043f), x));
	vf s = vmul(x, x), p = vset1(-2.76076847742355e-16f), q = vset1(1.19825839466702e-06f);
	p = vfma(p, s, vset1(2.00018790482477e-13f));
	p = vfma(p, s, vset1(-8.60467152213735e-11f));
	p = vfma(p, s, vset1(5.12229709037114e-08f));
	p = vfma(p, s, vset1(1.48572235717979e-05f));
	p = vfma(p, s, vset1(6.37261928875436e-04f));
	p = vfma(p, s, vset1(4.89352455891786e-03f));
	q = vfma(q, s, vset1(1.18534705686654e-04f));
	q = vfma(q, s, vset1(2.26843463243900e-03f));
	q = vfma(q, s, vset1(4.89352518554385e-03f));
	return vdiv(vmul(p, x), q);
}

/* Any activation: the two from above, and what body_act.h has. Not in line: these instances are for completeness, and
 * small. */
static CELL_APART vf cell_any_act(eg_act act, vf x) {
	if (act.kind == EG_ACT_SIGMOID) return cell_sigmoid(x);
	return act.kind == EG_ACT_TANH ? cell_tanh(x) : act_after(x, act);
}
static CELL_APART vf cell_any_slope(eg_act act, vf y) {
	if (act.kind == EG_ACT_SIGMOID) return vfnma(y, y, y);
	return EG_NAME(act_any_grad)(y, vset1(1.0f), act);
}
/* What `plain` says of the activation: sigmoid for gates, else tanh. */
EG_ALWAYS_INLINE vf cell_gate(bool plain, eg_act act, vf x) {
	return plain ? cell_sigmoid(x) : cell_any_act(act, x);
}
EG_ALWAYS_INLINE vf cell_act(bool plain, eg_act act, vf x) {
	return plain ? cell_tanh(x) : cell_any_act(act, x);
}
/* The derivative where the activation is y. */
EG_ALWAYS_INLINE vf cell_gate_slope(bool plain, eg_act act, vf y) {
	return plain ? vfnma(y, y, y) : cell_any_slope(act, y);
}
EG_ALWAYS_INLINE vf cell_act_slope(bool plain, eg_act act, vf y) {
	return plain ? vfnma(y, y, vset1(1.0f)) : cell_any_slope(act, y);
}

/* Which columns are there: all V of `whole`, else those of the mask. */
typedef struct cell_lanes {
	vm m;
	bool whole;
} cell_lanes;
#define lanes cell_lanes

EG_ALWAYS_INLINE vf cell_load(const float *p, lanes n) { return n.whole ? vload(p) : vload_m(p, n.m); }
EG_ALWAYS_INLINE void cell_store(float *p, lanes n, vf x) {
	if (n.whole)
		vstore(p, x);
	else
		vstore_m(p, n.m, x);
}

/* Runs a cell over the columns from `first` on of all rows. `whole` columns come V at a time, the others masked. Of a
 * copy of the
 * arguments: stores cannot change it. */
#define CELL_LOOP(body, first, whole, plain)                                                                           \
	do {                                                                                                           \
		const eg_cell_args k = *a;                                                                             \
		for (int row = 0; row < k.rows; row++) {                                                               \
			ptrdiff_t j = first;                                                                           \
			if (whole)                                                                                     \
				for (; j + V <= k.H; j += V) body(&k, row, j, (lanes){vfirst(V), true}, plain);        \
			for (; !plain && j < k.H; j += V)                                                              \
				body(&k, row, j, (lanes){vfirst(k.H - j < V ? (int)(k.H - j) : V), false}, plain);     \
		}                                                                                                      \
	} while (0)

/* The two instances of a cell: name_f32 chooses. The plain one does whole vectors, the other one the rest too; where
 * masks cost nothing it has no loop for whole ones. */
#define CELL(name, condition)                                                                                          \
	static CELL_APART void name##_any_f32(const eg_cell_args *a, ptrdiff_t first) {                       \
		CELL_LOOP(name##_cell, first, V < 16, false);                                                          \
	}                                                                                                              \
	void EG_NAME(name)(const eg_cell_args *a) {                                                        \
		const ptrdiff_t rest = (condition) ? a->H % V : a->H;                                                  \
		if (rest < a->H) CELL_LOOP(name##_cell, 0, true, true);                                                \
		if (rest) name##_any_f32(a, a->H - rest);                                                     \
	}

/* ---- rnn --------------------------------------------------------------------------------------------------------- */

EG_ALWAYS_INLINE void rnn_fwd_cell(const eg_cell_args *a, int row, ptrdiff_t j, lanes n, bool plain) {
	float *x = a->gates + row * a->ld_gates + j;
	vf y = cell_act(plain, a->act, cell_load(x, n));
	cell_store(x, n, y);
	cell_store(a->h + row * a->ld_h + j, n, y);
}
EG_ALWAYS_INLINE void rnn_bwd_cell(const eg_cell_args *a, int row, ptrdiff_t j, lanes n, bool plain) {
	float *x = a->gates + row * a->ld_gates + j;
	vf slope = cell_act_slope(plain, a->act, cell_load(x, n));
	cell_store(x, n, vmul(cell_load(a->dh + row * a->ld_dh + j, n), slope));
}
CELL(rnn_fwd, a->act.kind == EG_ACT_TANH)
CELL(rnn_bwd, a->act.kind == EG_ACT_TANH)

/* ---- lstm -------------------------------------------------------------------------------------------------------- */

EG_ALWAYS_INLINE bool lstm_is_plain(const eg_cell_args *a) {
	return a->gate_act.kind == EG_ACT_SIGMOID && a->act.kind == EG_ACT_TANH && a->out_act.kind == EG_ACT_TANH && !a->coupled;
}

EG_ALWAYS_INLINE void lstm_fwd_cell(const eg_cell_args *a, int row, ptrdiff_t j, lanes n, bool plain) {
	const ptrdiff_t H = a->block;
	float *x = a->gates + row * a->ld_gates + j;
	const float *peep = a->peephole ? a->peephole + j : NULL;
	vf i = cell_load(x, n), o = cell_load(x + H, n), f = cell_load(x + 2 * H, n), g = cell_load(x + 3 * H, n);
	vf c_prev = cell_load(a->c_prev + row * a->ld_c_prev + j, n);
	if (peep) {
		i = vfma(cell_load(peep, n), c_prev, i);
		f = vfma(cell_load(peep + 2 * H, n), c_prev, f);
	}
	i = cell_gate(plain, a->gate_act, i);
	f = a->coupled ? vsub(vset1(1.0f), i) : cell_gate(plain, a->gate_act, f);
	g = cell_act(plain, a->act, g);
	vf c = vfma(f, c_prev, vmul(i, g));
	if (a->clip > 0) c = vmax(vset1(-a->clip), vmin(vset1(a->clip), c)); /* NaN stays: the second operand */
	if (peep) o = vfma(cell_load(peep + H, n), c, o);
	o = cell_gate(plain, a->gate_act, o);
	cell_store(x, n, i);
	cell_store(x + H, n, o);
	cell_store(x + 2 * H, n, f);
	cell_store(x + 3 * H, n, g);
	cell_store(a->c + row * a->ld_c + j, n, c);
	if (a->h) cell_store(a->h + row * a->ld_h + j, n, vmul(o, cell_act(plain, a->out_act, c)));
}

EG_ALWAYS_INLINE void lstm_bwd_cell(const eg_cell_args *a, int row, ptrdiff_t j, lanes n, bool plain) {
	const ptrdiff_t H = a->block;
	float *x = a->gates + row * a->ld_gates + j;
	const float *peep = a->peephole ? a->peephole + j : NULL;
	vf i = cell_load(x, n), o = cell_load(x + H, n), f = cell_load(x + 2 * H, n), g = cell_load(x + 3 * H, n);
	vf c_prev = cell_load(a->c_prev + row * a->ld_c_prev + j, n), c = cell_load(a->c + row * a->ld_c + j, n);
	vf dh = cell_load(a->dh + row * a->ld_dh + j, n), dc = cell_load(a->dc + row * a->ld_dc + j, n);
	vf y = cell_act(plain, a->out_act, a->cn ? cell_load(a->cn + row * a->ld_cn + j, n) : c);
	vf da_o = vmul(vmul(dh, y), cell_gate_slope(plain, a->gate_act, o));
	if (!a->cn) dc = vfma(vmul(dh, o), cell_act_slope(plain, a->out_act, y), dc);
	if (peep) dc = vfma(da_o, cell_load(peep + H, n), dc);
	if (a->clip > 0) dc = vsel(vor_m(vgt(vset1(a->clip), vabs(c)), vnan(c)), dc, vzero());
	vf da_g = vmul(vmul(dc, i), cell_act_slope(plain, a->act, g));
	vf si = cell_gate_slope(plain, a->gate_act, i), da_i, da_f = vzero();
	if (a->coupled)
		da_i = vmul(vmul(dc, vsub(g, c_prev)), si);
	else {
		da_i = vmul(vmul(dc, g), si);
		da_f = vmul(vmul(dc, c_prev), cell_gate_slope(plain, a->gate_act, f));
	}
	vf dc_prev;
	if (peep)
		dc_prev = vfma(dc, f, vfma(da_i, cell_load(peep, n), vmul(da_f, cell_load(peep + 2 * H, n))));
	else
		dc_prev = vmul(dc, f);
	cell_store(x, n, da_i);
	cell_store(x + H, n, da_o);
	cell_store(x + 2 * H, n, da_f);
	cell_store(x + 3 * H, n, da_g);
	cell_store(a->dc_prev + row * a->ld_dc_prev + j, n, dc_prev);
}

EG_ALWAYS_INLINE void lstm_out_fwd_cell(const eg_cell_args *a, int row, ptrdiff_t j, lanes n, bool plain) {
	vf o = cell_load(a->gates + row * a->ld_gates + a->block + j, n);
	vf y = cell_act(plain, a->out_act, cell_load(a->cn + row * a->ld_cn + j, n));
	cell_store(a->h + row * a->ld_h + j, n, vmul(o, y));
}
EG_ALWAYS_INLINE void lstm_out_bwd_cell(const eg_cell_args *a, int row, ptrdiff_t j, lanes n, bool plain) {
	vf o = cell_load(a->gates + row * a->ld_gates + a->block + j, n), dh = cell_load(a->dh + row * a->ld_dh + j, n);
	vf y = cell_act(plain, a->out_act, cell_load(a->cn + row * a->ld_cn + j, n));
	cell_store(a->dcn + row * a->ld_dcn + j, n, vmul(vmul(dh, o), cell_act_slope(plain, a->out_act, y)));
}
CELL(lstm_fwd, lstm_is_plain(a))
CELL(lstm_bwd, lstm_is_plain(a))
CELL(lstm_out_fwd, a->out_act.kind == EG_ACT_TANH)
CELL(lstm_out_bwd, a->out_act.kind == EG_ACT_TANH)

/* ---- gru --------------------------------------------------------------------------------------------------------- */

EG_ALWAYS_INLINE bool gru_is_plain(const eg_cell_args *a) {
	return a->gate_act.kind == EG_ACT_SIGMOID && a->act.kind == EG_ACT_TANH;
}

EG_ALWAYS_INLINE vf gru_blend(bool mirror, vf z, vf n, vf h_prev) {
	vf rest = vsub(vset1(1.0f), z);
	return mirror ? vfma(z, n, vmul(rest, h_prev)) : vfma(z, h_prev, vmul(rest, n));
}

EG_ALWAYS_INLINE void gru_fwd_cell(const eg_cell_args *a, int row, ptrdiff_t j, lanes n, bool plain) {
	const ptrdiff_t H = a->block;
	float *x = a->gates + row * a->ld_gates + j;
	vf z = cell_load(x + H, n), r = cell_load(x + 2 * H, n), h_prev = cell_load(a->h_prev + row * a->ld_h_prev + j, n);
	z = cell_gate(plain, a->gate_act, z);
	r = cell_gate(plain, a->gate_act, r);
	vf y = cell_act(plain, a->act, vfma(r, cell_load(x + 3 * H, n), cell_load(x, n)));
	cell_store(x, n, y);
	cell_store(x + H, n, z);
	cell_store(x + 2 * H, n, r);
	cell_store(a->h + row * a->ld_h + j, n, gru_blend(a->mirror, z, y, h_prev));
}
EG_ALWAYS_INLINE void gru_reset_fwd_cell(const eg_cell_args *a, int row, ptrdiff_t j, lanes n, bool plain) {
	const ptrdiff_t H = a->block;
	float *x = a->gates + row * a->ld_gates + j;
	vf z = cell_load(x + H, n), r = cell_load(x + 2 * H, n);
	z = cell_gate(plain, a->gate_act, z);
	r = cell_gate(plain, a->gate_act, r);
	cell_store(x + H, n, z);
	cell_store(x + 2 * H, n, r);
	cell_store(a->rh + row * a->ld_rh + j, n, vmul(r, cell_load(a->h_prev + row * a->ld_h_prev + j, n)));
}
EG_ALWAYS_INLINE void gru_out_fwd_cell(const eg_cell_args *a, int row, ptrdiff_t j, lanes n, bool plain) {
	float *x = a->gates + row * a->ld_gates + j;
	vf y = cell_act(plain, a->act, cell_load(x, n)), h_prev = cell_load(a->h_prev + row * a->ld_h_prev + j, n);
	vf z = cell_load(x + a->block, n);
	cell_store(x, n, y);
	cell_store(a->h + row * a->ld_h + j, n, gru_blend(a->mirror, z, y, h_prev));
}

/* Gradients of the pre-activations of n (returned too) and z, and dh_prev. */
EG_ALWAYS_INLINE vf gru_unblend(const eg_cell_args *a, int row, ptrdiff_t j, lanes n, bool plain) {
	float *x = a->gates + row * a->ld_gates + j;
	vf y = cell_load(x, n), z = cell_load(x + a->block, n), dh = cell_load(a->dh + row * a->ld_dh + j, n);
	vf h_prev = cell_load(a->h_prev + row * a->ld_h_prev + j, n), rest = vsub(vset1(1.0f), z);
	vf dn = vmul(dh, a->mirror ? z : rest), dz = vmul(dh, a->mirror ? vsub(y, h_prev) : vsub(h_prev, y));
	vf da_n = vmul(dn, cell_act_slope(plain, a->act, y));
	cell_store(a->dh_prev + row * a->ld_dh_prev + j, n, vmul(dh, a->mirror ? rest : z));
	cell_store(x, n, da_n);
	cell_store(x + a->block, n, vmul(dz, cell_gate_slope(plain, a->gate_act, z)));
	return da_n;
}
EG_ALWAYS_INLINE void gru_bwd_cell(const eg_cell_args *a, int row, ptrdiff_t j, lanes n, bool plain) {
	float *x = a->gates + row * a->ld_gates + 2 * a->block + j, *to = x + a->block;
	vf r = cell_load(x, n), q = cell_load(to, n), da_n = gru_unblend(a, row, j, n, plain);
	cell_store(x, n, vmul(vmul(da_n, q), cell_gate_slope(plain, a->gate_act, r)));
	cell_store(to, n, vmul(da_n, r));
}
EG_ALWAYS_INLINE void gru_out_bwd_cell(const eg_cell_args *a, int row, ptrdiff_t j, lanes n, bool plain) {
	gru_unblend(a, row, j, n, plain);
}
EG_ALWAYS_INLINE void gru_reset_bwd_cell(const eg_cell_args *a, int row, ptrdiff_t j, lanes n, bool plain) {
	float *x = a->gates + row * a->ld_gates + 2 * a->block + j, *to = a->dh_prev + row * a->ld_dh_prev + j;
	vf r = cell_load(x, n), drh = cell_load(a->drh + row * a->ld_drh + j, n);
	vf da_r = vmul(vmul(drh, cell_load(a->h_prev + row * a->ld_h_prev + j, n)), cell_gate_slope(plain, a->gate_act, r));
	cell_store(to, n, vfma(drh, r, cell_load(to, n)));
	cell_store(x, n, da_r);
}
CELL(gru_fwd, gru_is_plain(a))
CELL(gru_bwd, gru_is_plain(a))
CELL(gru_reset_fwd, a->gate_act.kind == EG_ACT_SIGMOID)
CELL(gru_out_fwd, a->act.kind == EG_ACT_TANH)
CELL(gru_out_bwd, gru_is_plain(a))
CELL(gru_reset_bwd, a->gate_act.kind == EG_ACT_SIGMOID)
#undef CELL
#undef CELL_LOOP
#undef lanes

/* ---- layer norm -------------------------------------------------------------------------------------------------- */

/* Calls body(j, lanes) for n columns, V at a time. */
#define ROW_LOOP(n, body)                                                                                              \
	do {                                                                                                           \
		ptrdiff_t j = 0;                                                                                       \
		for (; j + V <= (n); j += V) body(j, V);                                                               \
		if (j < (n)) body(j, (int)((n) - j));                                                                  \
	} while (0)

/* x - mean, zero in lanes beyond n. */
EG_ALWAYS_INLINE vf norm_centred(const float *x, int n, vf mean) {
	vf d = vsub(vload_n(x, n), mean);
	return n == V ? d : vsel(vfirst(n), d, vzero());
}

static float norm_mean(const float *x, int n) {
	vf s = vzero(), t = vzero();
	ptrdiff_t j = 0;
	for (; j + 2 * V <= n; j += 2 * V) s = vadd(s, vload(x + j)), t = vadd(t, vload(x + j + V));
	for (; j < n; j += V) s = vadd(s, vload_n(x + j, n - j < V ? (int)(n - j) : V));
	return vsum(vadd(s, t)) / (float)n;
}

static float norm_variance(const float *x, int n, float mean) {
	vf s = vzero(), t = vzero(), m = vset1(mean);
	ptrdiff_t j = 0;
	for (; j + 2 * V <= n; j += 2 * V) {
		vf d = norm_centred(x + j, V, m), e = norm_centred(x + j + V, V, m);
		s = vfma(d, d, s), t = vfma(e, e, t);
	}
	for (; j < n; j += V) {
		vf d = norm_centred(x + j, n - j < V ? (int)(n - j) : V, m);
		s = vfma(d, d, s);
	}
	return vsum(vadd(s, t)) / (float)n;
}

void EG_NAME(norm_fwd)(const eg_norm_args *a) {
	const eg_norm_args k = *a;
	for (int i = 0; i < k.rows; i++) {
		const float *x = k.x + i * k.ld_x;
		float *y = k.y + i * k.ld_y, *xhat = k.xhat + i * k.ld_xhat;
		float mean = norm_mean(x, k.n), rstd = 1.0f / sqrtf(norm_variance(x, k.n, mean) + k.eps);
		vf m = vset1(mean), r = vset1(rstd);
		k.rstd[i] = rstd;
#define NORM_FWD(j, lanes)                                                                                             \
	do {                                                                                                           \
		vf v = vmul(vsub(vload_n(x + (j), lanes), m), r);                                                      \
		vf shift = vload_n(k.bias + (j), lanes);                                                               \
		if (k.acc) shift = vadd(shift, vload_n(y + (j), lanes));                                               \
		vstore_n(xhat + (j), lanes, v);                                                                        \
		vstore_n(y + (j), lanes, vfma(vload_n(k.gain + (j), lanes), v, shift));                                \
	} while (0)
		ROW_LOOP(k.n, NORM_FWD);
	}
}

void EG_NAME(norm_bwd)(const eg_norm_args *a) {
	const eg_norm_args k = *a;
	for (int i = 0; i < k.rows; i++) {
		const float *dy = k.dy + i * k.ld_dy, *xhat = k.xhat + i * k.ld_xhat;
		float *dx = k.dx + i * k.ld_dx;
		vf sum = vzero(), dot = vzero();
#define NORM_SUMS(j, lanes)                                                                                            \
	do {                                                                                                           \
		vf d = vmul(vload_n(dy + (j), lanes), vload_n(k.gain + (j), lanes));                                   \
		dot = vfma(d, vload_n(xhat + (j), lanes), dot);                                                        \
		sum = vadd(sum, d);                                                                                    \
	} while (0)
		ROW_LOOP(k.n, NORM_SUMS);
		vf mean = vset1(vsum(sum) / (float)k.n), along = vset1(vsum(dot) / (float)k.n), r = vset1(k.rstd[i]);
#define NORM_BWD(j, lanes)                                                                                             \
	do {                                                                                                           \
		vf v = vfnma(vload_n(xhat + (j), lanes), along, vsub(vzero(), mean));                                  \
		v = vfma(vload_n(dy + (j), lanes), vload_n(k.gain + (j), lanes), v);                                   \
		vstore_n(dx + (j), lanes, k.acc ? vfma(r, v, vload_n(dx + (j), lanes)) : vmul(r, v));                  \
	} while (0)
		ROW_LOOP(k.n, NORM_BWD);
	}
}

/* ---- decay ------------------------------------------------------------------------------------------------------- */

void EG_NAME(decay_fwd)(const eg_decay_args *a) {
	const eg_decay_args k = *a;
	for (int i = 0; i < k.rows; i++) {
		const float *x = k.x + i * k.ld_x;
		float *y = k.y + i * k.ld_y;
		vf dt = vset1(k.dt[i]);
#define DECAY_FWD(j, lanes)                                                                                            \
	do {                                                                                                           \
		vf u = vfma(vload_n(k.wd + (j), lanes), dt, vload_n(k.bd + (j), lanes));                               \
		vf e = vexp(vsub(vzero(), vmax(vzero(), u)));                                                          \
		vstore_n(y + (j), lanes, vmul(vload_n(x + (j), lanes), e));                                            \
	} while (0)
		ROW_LOOP(k.n, DECAY_FWD);
	}
}

void EG_NAME(decay_bwd)(const eg_decay_args *a) {
	const eg_decay_args k = *a;
	for (int i = 0; i < k.rows; i++) {
		const float *x = k.x + i * k.ld_x, *dy = k.dy + i * k.ld_dy;
		float *dx = k.dx + i * k.ld_dx, *du = k.du + i * k.ld_du;
		vf dt = vset1(k.dt[i]);
#define DECAY_BWD(j, lanes)                                                                                            \
	do {                                                                                                           \
		vf u = vfma(vload_n(k.wd + (j), lanes), dt, vload_n(k.bd + (j), lanes));                               \
		vf d = vmul(vload_n(dy + (j), lanes), vexp(vsub(vzero(), vmax(vzero(), u))));                          \
		vf slope = vsub(vzero(), vmul(d, vload_n(x + (j), lanes)));                                            \
		vstore_n(du + (j), lanes, vsel(vor_m(vgt(u, vzero()), vnan(u)), slope, vzero()));                      \
		vstore_n(dx + (j), lanes, d);                                                                          \
	} while (0)
		ROW_LOOP(k.n, DECAY_BWD);
	}
}

/* ---- products of rows -------------------------------------------------------------------------------------------- */

void EG_NAME(mul_rows)(const eg_mul_args *a) {
	const eg_mul_args k = *a;
	for (int i = 0; i < k.rows; i++) {
		const float *p = k.a + i * k.ld_a, *q = k.b + i * k.ld_b;
		float *y = k.y + i * k.ld_y;
#define MUL_ROW(j, lanes)                                                                                              \
	do {                                                                                                           \
		vf u = vload_n(p + (j), lanes), v = vload_n(q + (j), lanes);                                           \
		vstore_n(y + (j), lanes, k.acc ? vfma(u, v, vload_n(y + (j), lanes)) : vmul(u, v));                    \
	} while (0)
		ROW_LOOP(k.n, MUL_ROW);
	}
}
#undef ROW_LOOP
#undef NORM_FWD
#undef NORM_SUMS
#undef NORM_BWD
#undef DECAY_FWD
#undef DECAY_BWD
#undef MUL_ROW

/* `quads` vectors of columns (1 or 4), so that four sums are under way at a time; n lanes where there is one. */
EG_ALWAYS_INLINE void dot_columns(const eg_dot_rows_args *a, ptrdiff_t j, int vectors, int n) {
	const float *x = (const float *)a->x.p + j, *z = (const float *)a->z.p + (a->per_row ? 0 : j);
	float *y = (float *)a->y.p + j;
	vf s[4];
	for (int v = 0; v < vectors; v++) s[v] = vzero();
	for (int i = 0; i < a->m; i++, x += a->ldx, z += a->ldz) {
		vf one = vset1(*z);
		for (int v = 0; v < vectors; v++)
			s[v] = vfma(vload_n(x + v * V, n), a->per_row ? one : vload_n(z + v * V, n), s[v]);
	}
	for (int v = 0; v < vectors; v++) vstore_n(y + v * V, n, a->acc ? vadd(vload_n(y + v * V, n), s[v]) : s[v]);
}

void EG_NAME(dot_rows)(const void *args, int begin, int end, const eg_worker *worker) {
	enum { COLUMNS = 64 };
	const eg_dot_rows_args k = *(const eg_dot_rows_args *)args;
	const ptrdiff_t last = (ptrdiff_t)end * COLUMNS < k.n ? (ptrdiff_t)end * COLUMNS : k.n;
	ptrdiff_t j = (ptrdiff_t)begin * COLUMNS;
	EG_UNUSED(worker);
	for (; j + 4 * V <= last; j += 4 * V) dot_columns(&k, j, 4, V);
	for (; j < last; j += V) dot_columns(&k, j, 1, last - j < V ? (int)(last - j) : V);
}
