/* ref_recurrent.c - the parts of one time step of a recurrent network in plain C: the cells, layer norm, decay, and
 * products of rows.
 *
 * Not here: in which order they come, and what happens to samples that have ended (recurrent.c). */
#include "kern/ref.h"

/* The derivative where the activation is y. */
static real act_slope(eg_act act, real y) { return act_grad(act, y, 1); }

/* ---- rnn: Elman (1990) ------------------------------------------------------------------------------------------- */

static void rnn_fwd__ref(const eg_cell_args *a) {
	assert(cell_ok(a) && a->h);
	for (int i = 0; i < a->rows; i++) {
		real *y = a->gates + i * a->ld_gates, *h = a->h + i * a->ld_h;
		for (int j = 0; j < a->H; j++) h[j] = y[j] = act_value(a->act, y[j]);
	}
}

static void rnn_bwd__ref(const eg_cell_args *a) {
	assert(cell_ok(a) && a->dh);
	for (int i = 0; i < a->rows; i++) {
		real *y = a->gates + i * a->ld_gates;
		const real *dh = a->dh + i * a->ld_dh;
		for (int j = 0; j < a->H; j++) y[j] = dh[j] * act_slope(a->act, y[j]);
	}
}

/* ---- lstm: Hochreiter and Schmidhuber (1997), Gers et al. (2000, 2002: forget gate, peepholes) ------------------- */

static real clipped(real x, real limit) {
	if (!(limit > 0)) return x;
	return x > limit ? limit : x < -limit ? -limit : x; /* NaN stays */
}

/* x plus what peephole `which` (0 input, 1 output, 2 forget gate) makes of v in column j. Without peepholes v is not
 * looked at: it may be NaN. */
static real peep(const eg_cell_args *a, int which, ptrdiff_t j, real v, real x) {
	return a->peephole ? x + a->peephole[which * a->block + j] * v : x;
}

static void lstm_fwd__ref(const eg_cell_args *a) {
	const ptrdiff_t H = a->block;
	assert(cell_ok(a) && a->c_prev && a->c);
	for (int r = 0; r < a->rows; r++) {
		real *i = a->gates + r * a->ld_gates, *o = i + H, *f = o + H, *g = f + H, *c = a->c + r * a->ld_c;
		const real *c_prev = a->c_prev + r * a->ld_c_prev;
		for (int j = 0; j < a->H; j++) {
			i[j] = act_value(a->gate_act, peep(a, 0, j, c_prev[j], i[j]));
			f[j] = a->coupled ? 1 - i[j] : act_value(a->gate_act, peep(a, 2, j, c_prev[j], f[j]));
			g[j] = act_value(a->act, g[j]);
			c[j] = clipped(f[j] * c_prev[j] + i[j] * g[j], a->clip);
			o[j] = act_value(a->gate_act, peep(a, 1, j, c[j], o[j]));
			if (a->h) a->h[r * a->ld_h + j] = o[j] * act_value(a->out_act, c[j]);
		}
	}
}

static void lstm_out_fwd__ref(const eg_cell_args *a) {
	assert(cell_ok(a) && a->cn && a->h);
	for (int r = 0; r < a->rows; r++) {
		const real *o = a->gates + r * a->ld_gates + a->block, *cn = a->cn + r * a->ld_cn;
		real *h = a->h + r * a->ld_h;
		for (int j = 0; j < a->H; j++) h[j] = o[j] * act_value(a->out_act, cn[j]);
	}
}

/* Element j of row r: i, o, f, g are its gates, H apart. */
static void lstm_bwd_one(const eg_cell_args *a, int r, int j) {
	const ptrdiff_t H = a->block;
	real *gates = a->gates + r * a->ld_gates + j;
	const real i = gates[0], o = gates[H], f = gates[2 * H], g = gates[3 * H];
	const real c_prev = a->c_prev[r * a->ld_c_prev + j], c = a->c[r * a->ld_c + j], dh = a->dh[r * a->ld_dh + j];
	const real y = act_value(a->out_act, a->cn ? a->cn[r * a->ld_cn + j] : c);
	const real da_o = dh * y * act_slope(a->gate_act, o);
	real dc = peep(a, 1, j, da_o, a->dc[r * a->ld_dc + j]);
	if (!a->cn) dc += dh * o * act_slope(a->out_act, y);
	if (a->clip > 0 && !(c < a->clip && c > -a->clip) && c == c) dc = 0;
	const real df = dc * c_prev, da_f = a->coupled ? 0 : df * act_slope(a->gate_act, f);
	const real da_i = (dc * g - (a->coupled ? df : 0)) * act_slope(a->gate_act, i);
	gates[0] = da_i;
	gates[H] = da_o;
	gates[2 * H] = da_f;
	gates[3 * H] = dc * i * act_slope(a->act, g);
	a->dc_prev[r * a->ld_dc_prev + j] = peep(a, 0, j, da_i, peep(a, 2, j, da_f, dc * f));
}

static void lstm_bwd__ref(const eg_cell_args *a) {
	assert(cell_ok(a) && a->c_prev && a->c && a->dh && a->dc && a->dc_prev);
	for (int r = 0; r < a->rows; r++)
		for (int j = 0; j < a->H; j++) lstm_bwd_one(a, r, j);
}

static void lstm_out_bwd__ref(const eg_cell_args *a) {
	assert(cell_ok(a) && a->cn && a->dh && a->dcn);
	for (int r = 0; r < a->rows; r++) {
		const real *o = a->gates + r * a->ld_gates + a->block, *cn = a->cn + r * a->ld_cn, *dh = a->dh + r * a->ld_dh;
		real *dcn = a->dcn + r * a->ld_dcn;
		for (int j = 0; j < a->H; j++)
			dcn[j] = dh[j] * o[j] * act_slope(a->out_act, act_value(a->out_act, cn[j]));
	}
}

/* ---- gru: Cho et al. (2014) -------------------------------------------------------------------------------------- */

static real blend(bool mirror, real z, real n, real h_prev) {
	return mirror ? (1 - z) * h_prev + z * n : (1 - z) * n + z * h_prev;
}

static void gru_fwd__ref(const eg_cell_args *a) {
	const ptrdiff_t H = a->block;
	assert(cell_ok(a) && a->h_prev && a->h);
	for (int i = 0; i < a->rows; i++) {
		real *n = a->gates + i * a->ld_gates, *z = n + H, *r = z + H, *q = r + H;
		for (int j = 0; j < a->H; j++) {
			z[j] = act_value(a->gate_act, z[j]);
			r[j] = act_value(a->gate_act, r[j]);
			n[j] = act_value(a->act, n[j] + r[j] * q[j]);
			a->h[i * a->ld_h + j] = blend(a->mirror, z[j], n[j], a->h_prev[i * a->ld_h_prev + j]);
		}
	}
}

static void gru_reset_fwd__ref(const eg_cell_args *a) {
	const ptrdiff_t H = a->block;
	assert(cell_ok(a) && a->h_prev && a->rh);
	for (int i = 0; i < a->rows; i++) {
		real *z = a->gates + i * a->ld_gates + H, *r = z + H;
		for (int j = 0; j < a->H; j++) {
			z[j] = act_value(a->gate_act, z[j]);
			r[j] = act_value(a->gate_act, r[j]);
			a->rh[i * a->ld_rh + j] = r[j] * a->h_prev[i * a->ld_h_prev + j];
		}
	}
}

static void gru_out_fwd__ref(const eg_cell_args *a) {
	const ptrdiff_t H = a->block;
	assert(cell_ok(a) && a->h_prev && a->h);
	for (int i = 0; i < a->rows; i++) {
		real *n = a->gates + i * a->ld_gates, *z = n + H;
		for (int j = 0; j < a->H; j++) {
			n[j] = act_value(a->act, n[j]);
			a->h[i * a->ld_h + j] = blend(a->mirror, z[j], n[j], a->h_prev[i * a->ld_h_prev + j]);
		}
	}
}

/* n and z become the gradients of their pre-activations; writes dh_prev. */
static void gru_unblend(const eg_cell_args *a, int i, int j) {
	real *gates = a->gates + i * a->ld_gates + j;
	const real n = gates[0], z = gates[a->block];
	const real dh = a->dh[i * a->ld_dh + j], h_prev = a->h_prev[i * a->ld_h_prev + j];
	const real dn = dh * (a->mirror ? z : 1 - z), dz = dh * (a->mirror ? n - h_prev : h_prev - n);
	a->dh_prev[i * a->ld_dh_prev + j] = dh * (a->mirror ? 1 - z : z);
	gates[0] = dn * act_slope(a->act, n);
	gates[a->block] = dz * act_slope(a->gate_act, z);
}

static void gru_bwd__ref(const eg_cell_args *a) {
	const ptrdiff_t H = a->block;
	assert(cell_ok(a) && a->dh && a->h_prev && a->dh_prev);
	for (int i = 0; i < a->rows; i++) {
		real *n = a->gates + i * a->ld_gates, *r = n + 2 * H, *q = r + H;
		for (int j = 0; j < a->H; j++) {
			gru_unblend(a, i, j);
			const real dr = n[j] * q[j], dq = n[j] * r[j];
			r[j] = dr * act_slope(a->gate_act, r[j]);
			q[j] = dq;
		}
	}
}

static void gru_out_bwd__ref(const eg_cell_args *a) {
	assert(cell_ok(a) && a->dh && a->h_prev && a->dh_prev);
	for (int i = 0; i < a->rows; i++)
		for (int j = 0; j < a->H; j++) gru_unblend(a, i, j);
}

static void gru_reset_bwd__ref(const eg_cell_args *a) {
	assert(cell_ok(a) && a->drh && a->h_prev && a->dh_prev);
	for (int i = 0; i < a->rows; i++) {
		real *r = a->gates + i * a->ld_gates + 2 * a->block;
		const real *drh = a->drh + i * a->ld_drh, *h_prev = a->h_prev + i * a->ld_h_prev;
		for (int j = 0; j < a->H; j++) {
			a->dh_prev[i * a->ld_dh_prev + j] += drh[j] * r[j];
			r[j] = drh[j] * h_prev[j] * act_slope(a->gate_act, r[j]);
		}
	}
}

/* ---- layer norm -------------------------------------------------------------------------------------------------- */

/* Sums are in double: n may be thousands, and the mean may be far from zero. */
static void norm_fwd__ref(const eg_norm_args *a) {
	assert(a->rows >= 1 && a->n >= 1 && a->x && a->gain && a->bias && a->y && a->xhat && a->rstd);
	for (int i = 0; i < a->rows; i++) {
		const real *x = a->x + i * a->ld_x;
		real *y = a->y + i * a->ld_y, *xhat = a->xhat + i * a->ld_xhat;
		double sum = 0, squares = 0;
		for (int j = 0; j < a->n; j++) sum += (double)x[j];
		const double mean = sum / a->n;
		for (int j = 0; j < a->n; j++) squares += ((double)x[j] - mean) * ((double)x[j] - mean);
		const real rstd = (real)(1 / sqrt(squares / a->n + (double)a->eps));
		a->rstd[i] = rstd;
		for (int j = 0; j < a->n; j++) {
			const real v = (real)((double)x[j] - mean) * rstd, scaled = a->gain[j] * v + a->bias[j];
			xhat[j] = v;
			y[j] = a->acc ? y[j] + scaled : scaled;
		}
	}
}

static void norm_bwd__ref(const eg_norm_args *a) {
	assert(a->rows >= 1 && a->n >= 1 && a->dy && a->gain && a->xhat && a->rstd && a->dx);
	for (int i = 0; i < a->rows; i++) {
		const real *dy = a->dy + i * a->ld_dy, *xhat = a->xhat + i * a->ld_xhat;
		real *dx = a->dx + i * a->ld_dx;
		double sum = 0, dot = 0;
		for (int j = 0; j < a->n; j++) {
			const double d = (double)(dy[j] * a->gain[j]);
			sum += d;
			dot += d * (double)xhat[j];
		}
		const real mean = (real)(sum / a->n), along = (real)(dot / a->n);
		for (int j = 0; j < a->n; j++) {
			const real v = a->rstd[i] * (dy[j] * a->gain[j] - mean - xhat[j] * along);
			dx[j] = a->acc ? dx[j] + v : v;
		}
	}
}

/* ---- decay ------------------------------------------------------------------------------------------------------- */

static real decay_factor(real u) { return u <= 0 ? 1 : real_exp(-u); }

static void decay_fwd__ref(const eg_decay_args *a) {
	assert(a->rows >= 1 && a->n >= 1 && a->x && a->dt && a->wd && a->bd && a->y);
	for (int i = 0; i < a->rows; i++)
		for (int j = 0; j < a->n; j++)
			a->y[i * a->ld_y + j] = a->x[i * a->ld_x + j] * decay_factor(a->wd[j] * a->dt[i] + a->bd[j]);
}

static void decay_bwd__ref(const eg_decay_args *a) {
	assert(a->rows >= 1 && a->n >= 1 && a->x && a->dt && a->wd && a->bd && a->dy && a->dx && a->du);
	for (int i = 0; i < a->rows; i++)
		for (int j = 0; j < a->n; j++) {
			const real u = a->wd[j] * a->dt[i] + a->bd[j], dx = a->dy[i * a->ld_dy + j] * decay_factor(u);
			a->du[i * a->ld_du + j] = u <= 0 ? 0 : -dx * a->x[i * a->ld_x + j];
			a->dx[i * a->ld_dx + j] = dx;
		}
}

/* ---- products of rows -------------------------------------------------------------------------------------------- */

static void mul_rows__ref(const eg_mul_args *a) {
	assert(a->rows >= 1 && a->n >= 1 && a->a && a->b && a->y);
	for (int i = 0; i < a->rows; i++) {
		const real *x = a->a + i * a->ld_a, *z = a->b + i * a->ld_b;
		real *y = a->y + i * a->ld_y;
		for (int j = 0; j < a->n; j++) y[j] = a->acc ? y[j] + x[j] * z[j] : x[j] * z[j];
	}
}

static void dot_rows__ref(const void *args, int begin, int end, const eg_worker *worker) {
	enum { COLUMNS = 64 };
	const eg_dot_rows_args *a = args;
	const real *x = a->x.p, *z = a->z.p;
	real *y = a->y.p;
	EG_UNUSED(worker);
	assert(units_ok(COLUMNS, a->n, begin, end) && a->m >= 1 && x && z && y);
	const ptrdiff_t last = (ptrdiff_t)end * COLUMNS < a->n ? (ptrdiff_t)end * COLUMNS : a->n;
	for (ptrdiff_t j = (ptrdiff_t)begin * COLUMNS; j < last; j++) {
		real sum = 0;
		for (int i = 0; i < a->m; i++) sum += x[i * a->ldx + j] * z[i * a->ldz + (a->per_row ? 0 : j)];
		y[j] = a->acc ? y[j] + sum : sum;
	}
}

/* ---- the recurrent product --------------------------------------------------------------------------------------- */

/* Packed is as it is said: (k, parts*units), but in groups of units so that a unit of the job has a place of its
 * own. */
enum { GROUP = 16 };

static size_t gates_pack_bytes__ref(int k, int units, int parts) {
	return (size_t)((units + GROUP - 1) / GROUP * GROUP) * (size_t)k * (size_t)parts * sizeof(real);
}

/* R[0][p*units + j]; the next x is GROUP further on. */
static ptrdiff_t gates_at(int k, int parts, int p, int j) {
	return ((ptrdiff_t)(j / GROUP * parts + p) * k) * GROUP + j % GROUP;
}

static void gates_pack__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_gates_pack_args *a = args;
	const real *src = a->src.p;
	EG_UNUSED(worker);
	assert(units_ok(GROUP, a->units, begin, end) && a->k >= 1 && a->parts >= 1 && a->src.p && a->dst.p);
	assert(a->ld >= (a->trans ? a->k : a->parts * a->units));
	for (int j = begin * GROUP; j < end * GROUP; j++)
		for (int p = 0; p < a->parts; p++) {
			real *to = (real *)a->dst.p + gates_at(a->k, a->parts, p, j);
			const ptrdiff_t column = (ptrdiff_t)p * a->units + j;
			for (ptrdiff_t x = 0; x < a->k; x++)
				to[x * GROUP] = j >= a->units ? 0 : a->trans ? src[column * a->ld + x] : src[x * a->ld + column];
		}
}

static void gates_product__ref(const eg_gates_args *g) {
	assert(g->rows >= 1 && g->k >= 1 && g->parts >= 1 && g->a && g->r && g->c && g->lda >= g->k);
	assert(0 <= g->begin && g->begin % GROUP == 0 && g->end <= g->units && (g->end % GROUP == 0 || g->end == g->units));
	for (int i = 0; i < g->rows; i++)
		for (int p = 0; p < g->parts; p++)
			for (int j = g->begin; j < g->end; j++) {
				const real *a = g->a + i * g->lda, *r = g->r + gates_at(g->k, g->parts, p, j);
				real *c = g->c + i * g->ldc + p * g->block + j, sum = 0;
				for (ptrdiff_t x = 0; x < g->k; x++) sum += a[x] * r[x * GROUP];
				*c = g->acc ? *c + sum : sum;
			}
}

void fill_recurrent__ref(eg_kernels *k) {
	EG_FILL(k, rnn_fwd, rnn_fwd__ref);
	EG_FILL(k, rnn_bwd, rnn_bwd__ref);
	EG_FILL(k, lstm_fwd, lstm_fwd__ref);
	EG_FILL(k, lstm_bwd, lstm_bwd__ref);
	EG_FILL(k, lstm_out_fwd, lstm_out_fwd__ref);
	EG_FILL(k, lstm_out_bwd, lstm_out_bwd__ref);
	EG_FILL(k, gru_fwd, gru_fwd__ref);
	EG_FILL(k, gru_bwd, gru_bwd__ref);
	EG_FILL(k, gru_reset_fwd, gru_reset_fwd__ref);
	EG_FILL(k, gru_out_fwd, gru_out_fwd__ref);
	EG_FILL(k, gru_out_bwd, gru_out_bwd__ref);
	EG_FILL(k, gru_reset_bwd, gru_reset_bwd__ref);
	EG_FILL(k, norm_fwd, norm_fwd__ref);
	EG_FILL(k, norm_bwd, norm_bwd__ref);
	EG_FILL(k, decay_fwd, decay_fwd__ref);
	EG_FILL(k, decay_bwd, decay_bwd__ref);
	EG_FILL(k, mul_rows, mul_rows__ref);
	EG_FILL(k, dot_rows, dot_rows__ref);
	EG_FILL(k, gates_pack, gates_pack__ref);
	EG_FILL(k, gates_pack_bytes, gates_pack_bytes__ref);
	EG_FILL(k, gates_width, GROUP);
	EG_FILL(k, gates_product, gates_product__ref);
}
