/* test_kern_recurrent.c - the parts of one time step: cells, layer norm, decay, products of rows. Every table that this
 * machine can run against the plain C one, on sizes at which vector kernels go wrong and with every option; that an
 * element's bits depend neither on its column nor on other rows; what NaN and huge numbers become; and the backward
 * functions against central differences of the forward ones.
 *
 * Not here: whole sequences, which the operators rnn, lstm and gru are tested on (optest, vectors). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* posix_memalign */
#endif
#include "kern_bed.h"

#include <stdio.h>

typedef char label[160];

static const int WIDTHS[] = {1, 3, 7, 8, 15, 16, 17, 33, 64, 100}, ROWS[] = {1, 2, 5, 16};

/* ---- cells ------------------------------------------------------------------------------------------------------- */

typedef enum cell {
	RNN_FWD, RNN_BWD, LSTM_FWD, LSTM_BWD, LSTM_OUT_FWD, LSTM_OUT_BWD, GRU_FWD, GRU_BWD, GRU_RESET_FWD, GRU_OUT_FWD,
	GRU_OUT_BWD, GRU_RESET_BWD, CELLS
} cell;
static const struct {
	const char *name;
	size_t slot;
	int gates; /* blocks of H columns */
	bool backward;
} cells[CELLS] = {
#define X(number, name, gates, backward) [number] = {#name, offsetof(eg_kernels, name), gates, backward}
	X(RNN_FWD, rnn_fwd, 1, false), X(RNN_BWD, rnn_bwd, 1, true), X(LSTM_FWD, lstm_fwd, 4, false),
	X(LSTM_BWD, lstm_bwd, 4, true), X(LSTM_OUT_FWD, lstm_out_fwd, 4, false), X(LSTM_OUT_BWD, lstm_out_bwd, 4, true),
	X(GRU_FWD, gru_fwd, 4, false), X(GRU_BWD, gru_bwd, 4, true), X(GRU_RESET_FWD, gru_reset_fwd, 3, false),
	X(GRU_OUT_FWD, gru_out_fwd, 3, false), X(GRU_OUT_BWD, gru_out_bwd, 3, true), X(GRU_RESET_BWD, gru_reset_bwd, 3, true),
#undef X
};

static void cell_run(const eg_kernels *k, cell which, const eg_cell_args *a) {
	eg_cell_kernel f;
	memcpy(&f, (const char *)k + cells[which].slot, sizeof f);
	f(a);
}

/* The matrices of eg_cell_args, the gates first. */
static const struct {
	size_t p, ld;
} fields[] = {
#define X(name) {offsetof(eg_cell_args, name), offsetof(eg_cell_args, ld_##name)}
	X(gates), X(h_prev), X(c_prev), X(h), X(c), X(rh), X(cn), X(dh), X(dc), X(drh), X(dh_prev), X(dc_prev), X(dcn)
#undef X
};
enum { FIELDS = (int)(sizeof fields / sizeof *fields) };

static real *field_get(const eg_cell_args *a, int f) {
	real *p;
	memcpy(&p, (const char *)a + fields[f].p, sizeof p);
	return p;
}
static void field_set(eg_cell_args *a, int f, const real *p) { memcpy((char *)a + fields[f].p, &p, sizeof p); }
static ptrdiff_t field_ld(const eg_cell_args *a, int f) {
	ptrdiff_t ld;
	memcpy(&ld, (const char *)a + fields[f].ld, sizeof ld);
	return ld;
}
static void field_set_ld(eg_cell_args *a, int f, ptrdiff_t ld) {
	memcpy((char *)a + fields[f].ld, &ld, sizeof ld);
}
static int field_width(cell which, int H, int f) { return f == 0 ? cells[which].gates * H : H; }
static size_t field_count(cell which, const eg_cell_args *a, int f) {
	return (size_t)((a->rows - 1) * field_ld(a, f)) + (size_t)field_width(which, a->H, f);
}

typedef struct options {
	eg_act act, gate_act, out_act;
	bool coupled, mirror, peephole, clip, no_h, norm;
} options;
static const options DEFAULTS = {.act = {EG_ACT_TANH, 0, 0}, .gate_act = {EG_ACT_SIGMOID, 0, 0}, .out_act = {EG_ACT_TANH, 0, 0}};

/* One that a recurrence has. */
static eg_act draw_act(bed *t) { return eg_act_of((eg_act_kind)bed_below(t, 4)); }

static options options_draw(bed *t) {
	return (options){.act = draw_act(t), .gate_act = draw_act(t), .out_act = draw_act(t),
		.coupled = bed_below(t, 2), .mirror = bed_below(t, 2), .peephole = bed_below(t, 2), .clip = bed_below(t, 2),
		.no_h = bed_below(t, 3) == 0, .norm = bed_below(t, 2)};
}

/* Everything is there, `gap` numbers lie between rows, pre-activations are in [-4, 4), all else in [-1, 1). */
static eg_cell_args cell_draw(bed *t, cell which, options o, int rows, int H, int gap) {
	eg_cell_args a = {.rows = rows, .H = H, .block = H, .act = o.act, .gate_act = o.gate_act, .out_act = o.out_act,
		.coupled = o.coupled, .mirror = o.mirror, .clip = o.clip ? (real)0.5 : 0};
	bool out = which == LSTM_OUT_FWD || which == LSTM_OUT_BWD;
	for (int f = 0; f < FIELDS; f++) {
		field_set_ld(&a, f, field_width(which, H, f) + gap * (f + 1));
		field_set(&a, f, bed_reals(t, field_count(which, &a, f)));
	}
	for (size_t i = 0; i < field_count(which, &a, 0) && !cells[which].backward; i++) a.gates[i] *= 4;
	if (o.peephole) a.peephole = bed_reals(t, 3 * (size_t)H);
	if (o.no_h && which == LSTM_FWD) a.h = NULL;
	if (!o.norm && !out) a.cn = NULL;
	return a;
}

/* A copy of all that `a` points to, for another table. */
static eg_cell_args cell_clone(bed *t, cell which, const eg_cell_args *a) {
	eg_cell_args b = *a;
	for (int f = 0; f < FIELDS; f++)
		if (field_get(a, f))
			field_set(&b, f, bed_copy(t, field_get(a, f), field_count(which, a, f) * sizeof(real)));
	return b;
}

static void compare_cell(bed *t, cell which, options o, int rows, int H, int gap) {
	label what;
	eg_cell_args a = cell_draw(t, which, o, rows, H, gap), b = cell_clone(t, which, &a);
	snprintf(what, sizeof what, "%s rows %d H %d gap %d acts %d %d %d coupled %d mirror %d peephole %d clip %d h %d cn %d",
		cells[which].name, rows, H, gap, (int)o.act.kind, (int)o.gate_act.kind, (int)o.out_act.kind, o.coupled, o.mirror, o.peephole,
		o.clip, a.h != NULL, a.cn != NULL);
	cell_run(t->k, which, &a);
	cell_run(t->ref, which, &b);
	for (int f = 0; f < FIELDS; f++) /* gaps and what is only read are the same in both */
		if (field_get(&a, f))
			assert_near(what, field_get(&a, f), field_get(&b, f), field_count(which, &a, f), TOLERANCE, 1);
	bed_clear(t, what);
}

static void test_cells(void **state) {
	bed *t = *state;
	for (cell c = 0; c < CELLS; c++)
		for (int w = 0; w < EG_COUNT(WIDTHS); w++)
			for (int r = 0; r < EG_COUNT(ROWS); r++) {
				for (int i = 0; i < 6; i++)
					compare_cell(t, c, i == 0 ? DEFAULTS : options_draw(t), ROWS[r], WIDTHS[w], i % 3 * 5);
				options o = options_draw(t); /* the instance of the defaults, with its other options */
				o.act = DEFAULTS.act, o.gate_act = DEFAULTS.gate_act, o.out_act = DEFAULTS.out_act;
				o.coupled = false;
				compare_cell(t, c, o, ROWS[r], WIDTHS[w], 1);
			}
}

/* Every activation in every place. */
static void test_cell_activations(void **state) {
	bed *t = *state;
	for (cell c = 0; c < CELLS; c++)
		for (int acts = 0; acts < 64; acts++) {
			options o = {bed_act(acts % 4), bed_act(acts / 4 % 4), bed_act(acts / 16), .peephole = acts & 1};
			compare_cell(t, c, o, 2, 19, 3);
		}
}

/* Element (row, column) alone. */
static eg_cell_args cell_alone(bed *t, cell which, const eg_cell_args *a, int row, int column) {
	eg_cell_args one = *a;
	one.rows = one.H = 1;
	one.block = 1;
	for (int f = 0; f < FIELDS; f++) {
		const real *from = field_get(a, f);
		int n = field_width(which, 1, f);
		if (!from) continue;
		real *to = bed_zeros(t, (size_t)n);
		for (int i = 0; i < n; i++) to[i] = from[row * field_ld(a, f) + i * a->H + column];
		field_set(&one, f, to);
		field_set_ld(&one, f, n);
	}
	if (!a->peephole) return one;
	real *p = bed_zeros(t, 3);
	for (int i = 0; i < 3; i++) p[i] = a->peephole[i * a->H + column];
	one.peephole = p;
	return one;
}

static void test_cell_bits(void **state) {
	enum { H = 37, N = 3 };
	bed *t = *state;
	for (cell c = 0; c < CELLS; c++)
		for (int i = 0; i < 4; i++) {
			eg_cell_args a = cell_draw(t, c, i == 0 ? DEFAULTS : options_draw(t), N, H, 2);
			eg_cell_args before = cell_clone(t, c, &a);
			int mark = t->regions;
			cell_run(t->k, c, &a);
			for (int at = 0; at < N * H; at++) {
				eg_cell_args one = cell_alone(t, c, &before, at / H, at % H);
				eg_cell_args same = cell_alone(t, c, &a, at / H, at % H);
				cell_run(t->k, c, &one);
				for (int f = 0; f < FIELDS; f++)
					if (field_get(&a, f) && memcmp(field_get(&one, f), field_get(&same, f),
						(size_t)field_width(c, 1, f) * sizeof(real)) != 0)
						fail_msg("%s: row %d, column %d has other bits than alone", cells[c].name, at / H,
							at % H);
				while (t->regions > mark) free(t->region[--t->regions].base);
			}
			bed_clear(t, cells[c].name);
		}
}

/* Units [8,24) of 37 alone, and nothing else is touched. */
static void test_cell_parts(void **state) {
	enum { H = 37, N = 3, FROM = 8, TO = 24 };
	bed *t = *state;
	for (cell c = 0; c < CELLS; c++)
		for (int i = 0; i < 4; i++) {
			eg_cell_args all = cell_draw(t, c, i == 0 ? DEFAULTS : options_draw(t), N, H, 2), part = cell_clone(t, c, &all);
			eg_cell_args before = cell_clone(t, c, &all), these = part;
			cell_run(t->k, c, &all);
			these.H = TO - FROM;
			for (int f = 0; f < FIELDS; f++)
				if (field_get(&part, f)) field_set(&these, f, field_get(&part, f) + FROM);
			if (these.peephole) these.peephole += FROM;
			cell_run(t->k, c, &these);
			for (int f = 0; f < FIELDS; f++)
				for (int row = 0; row < N && field_get(&all, f); row++)
					for (int j = 0; j < field_width(c, H, f); j++) {
						const ptrdiff_t at = row * field_ld(&all, f) + j;
						const bool own = j % H >= FROM && j % H < TO;
						if (memcmp(field_get(&part, f) + at, field_get(own ? &all : &before, f) + at, sizeof(real)))
							fail_msg("%s: matrix %d, row %d, column %d of some units", cells[c].name, f, row, j);
					}
			bed_clear(t, cells[c].name);
		}
}

/* ---- the recurrent product --------------------------------------------------------------------------------------- */

/* Packs and multiplies; the units in two calls if there are enough. Returns c (rows, parts blocks of `units` + 3). */
static real *gates_by(bed *t, const eg_kernels *k, eg_gates_args g, const real *r, const real *c, bool trans) {
	const size_t count = (size_t)g.rows * (size_t)g.ldc;
	const int groups = (g.units + k->gates_width - 1) / k->gates_width, half = groups / 2 * k->gates_width;
	void *packed = bed_bytes(t, k->gates_pack_bytes(g.k, g.units, g.parts));
	eg_gates_pack_args p = {.src = {(void *)(uintptr_t)r, 0}, .dst = {packed, 0}, .k = g.k, .units = g.units, .parts = g.parts,
		.ld = trans ? g.k : g.parts * g.units, .trans = trans};
	k->gates_pack(&p, 0, groups / 2, EG_WORKER(k, NULL));
	k->gates_pack(&p, groups / 2, groups, EG_WORKER(k, NULL));
	g.r = packed;
	g.c = bed_copy(t, c, count * sizeof(real));
	g.end = half;
	if (half) k->gates_product(&g);
	g.begin = half;
	g.end = g.units;
	k->gates_product(&g);
	return g.c;
}

static void test_gates(void **state) {
	static const int ROW_COUNTS[] = {1, 2, 3, 4, 6, 7, 17}, DEPTHS[] = {1, 7, 64, 513, 1030}, UNITS[] = {1, 8, 16, 37, 100};
	bed *t = *state;
	label what;
	for (int i = 0; i < EG_COUNT(ROW_COUNTS) * EG_COUNT(DEPTHS) * EG_COUNT(UNITS) * 3; i++) {
		eg_gates_args g = {.rows = ROW_COUNTS[i % EG_COUNT(ROW_COUNTS)], .parts = i % 4 == 1 ? 3 : i % 4 + 1, .acc = i % 2,
			.k = DEPTHS[bed_below(t, EG_COUNT(DEPTHS))], .units = UNITS[bed_below(t, EG_COUNT(UNITS))]};
		const bool trans = bed_below(t, 2);
		g.lda = g.k + bed_below(t, 2) * 5;
		g.block = g.units + bed_below(t, 2) * 3;
		g.ldc = g.parts * g.block + 1;
		const size_t weights = (size_t)g.k * (size_t)g.parts * (size_t)g.units, count = (size_t)g.rows * (size_t)g.ldc;
		const real *r = bed_reals(t, weights), *c = bed_reals(t, count), *a = bed_reals(t, (size_t)g.rows * (size_t)g.lda);
		g.a = a;
		real *have = gates_by(t, t->k, g, r, c, trans), *want = gates_by(t, t->ref, g, r, c, trans);
		snprintf(what, sizeof what, "gates_product rows %d k %d units %d parts %d acc %d trans %d", g.rows, g.k, g.units,
			g.parts, g.acc, trans);
		assert_near(what, have, want, count, TOLERANCE, 1 + sqrt(g.k)); /* gaps too: they are left alone */
		eg_gates_args one = g;
		one.rows = 1;
		one.a = a + (g.rows - 1) * g.lda;
		const real *last = gates_by(t, t->k, one, r, c + (g.rows - 1) * g.ldc, trans);
		if (memcmp(last, have + (g.rows - 1) * g.ldc, (size_t)g.ldc * sizeof(real)) != 0)
			fail_msg("%s: the last row has other bits than alone", what);
		bed_clear(t, what);
	}
}

/* Columns take turns: gate `column % 5` of one element is `value`, in one column of five none is. */
static void special_once(bed *t, cell which, eg_act_kind act, real value) {
	enum { H = 45, N = 2 };
	options o = DEFAULTS;
	o.act = eg_act_of(act);
	eg_cell_args a = cell_draw(t, which, o, N, H, 1), b;
	int gates = which == GRU_OUT_FWD ? 1 : cells[which].gates, n = 0;
	for (int i = 0; i < N * H; i++)
		if (i % 5 < gates) a.gates[i / H * a.ld_gates + i % 5 * H + i % H] = value;
	b = cell_clone(t, which, &a);
	cell_run(t->k, which, &a);
	cell_run(t->ref, which, &b);
	for (int i = 0; i < N * H; i++) {
		bool bad = isnan(a.h[i / H * a.ld_h + i % H]), want = isnan(value) && i % 5 < gates;
		n += bad;
		if (bad != want)
			fail_msg("%s: h is %s where gate %d is %g", cells[which].name, bad ? "NaN" : "a number", i % 5,
				(double)value);
	}
	assert_true(isnan(value) ? n > 0 : n == 0);
	for (int f = 0; f < FIELDS; f++)
		if (field_get(&a, f))
			assert_near(cells[which].name, field_get(&a, f), field_get(&b, f), field_count(which, &a, f), TOLERANCE, 1);
	bed_clear(t, cells[which].name);
}

static void test_cell_specials(void **state) {
	static const cell forward[] = {RNN_FWD, LSTM_FWD, GRU_FWD, GRU_OUT_FWD};
	const real values[] = {(real)NAN, (real)1e30, (real)-1e30, (real)100, (real)-100, (real)0, (real)1e-30};
	for (int c = 0; c < EG_COUNT(forward); c++)
		for (int v = 0; v < EG_COUNT(values); v++) {
			special_once(*state, forward[c], EG_ACT_TANH, values[v]);
			special_once(*state, forward[c], EG_ACT_SIGMOID, values[v]);
			if (v == 0) special_once(*state, forward[c], EG_ACT_RELU, values[v]);
			if (v == 0) special_once(*state, forward[c], EG_ACT_NONE, values[v]);
		}
}

/* tanh and sigmoid over their range, to 4e-7; tanh of small numbers to as many digits. */
static void test_cell_digits(void **state) {
	enum { H = 1000 };
	bed *t = *state;
	double most = sizeof(real) == 8 ? 1e-15 : 4e-7;
	for (int round = 0; round < 4; round++) {
		const double width = round < 2 ? 45 : 1e-3; /* of the range */
		real *x = bed_reals(t, H), *y = bed_copy(t, x, H * sizeof(real)), *h = bed_zeros(t, H);
		eg_act_kind act = round % 2 ? EG_ACT_TANH : EG_ACT_SIGMOID;
		for (int i = 0; i < H; i++) y[i] = x[i] = (real)(width * (double)x[i]);
		cell_run(t->k, RNN_FWD, &(eg_cell_args){.rows = 1, .H = H, .act = eg_act_of(act), .gates = y, .h = h});
		for (int i = 0; i < H; i++) {
			double v = (double)x[i], want = act == EG_ACT_TANH ? tanh(v) : 1 / (1 + exp(-v)), got = (double)h[i];
			double size = act == EG_ACT_TANH && width < 1 ? fabs(want) : 1;
			if (!(fabs(got - want) <= most * size) || fabs(got) > 1)
				fail_msg("%s of %.9g is %.9g, not %.9g", act == EG_ACT_TANH ? "tanh" : "sigmoid", v, got, want);
		}
		assert_memory_equal(h, y, H * sizeof(real));
		bed_clear(t, "digits");
	}
}

/* ---- layer norm -------------------------------------------------------------------------------------------------- */

/* alias 1: xhat is x; 2: y is x. */
static void compare_norm(bed *t, int rows, int n, int gap, bool acc, int alias, double offset) {
	label what;
	size_t count = (size_t)((rows - 1) * (n + gap) + n);
	real *x[2], *y[2], *xhat[2], *dx[2], *rstd[2];
	x[0] = bed_reals(t, count), y[0] = bed_reals(t, count), xhat[0] = bed_reals(t, count), dx[0] = bed_reals(t, count);
	rstd[0] = bed_zeros(t, (size_t)rows);
	for (size_t i = 0; i < count; i++) x[0][i] += (real)offset;
	if (alias == 1) xhat[0] = x[0];
	if (alias == 2) y[0] = x[0];
	eg_norm_args a = {.rows = rows, .n = n, .eps = (real)1e-3, .acc = acc, .gain = bed_reals(t, (size_t)n),
		.bias = bed_reals(t, (size_t)n), .dy = bed_reals(t, count), .ld_x = n + gap, .ld_y = n + gap, .ld_dy = n + gap,
		.ld_xhat = n + gap, .ld_dx = n + gap};
	x[1] = bed_copy(t, x[0], count * sizeof(real));
	y[1] = alias == 2 ? x[1] : bed_copy(t, y[0], count * sizeof(real));
	xhat[1] = alias == 1 ? x[1] : bed_copy(t, xhat[0], count * sizeof(real));
	dx[1] = bed_copy(t, dx[0], count * sizeof(real)), rstd[1] = bed_zeros(t, (size_t)rows);
	for (int i = 0; i < 2; i++) {
		a.x = x[i], a.y = y[i], a.xhat = xhat[i], a.dx = dx[i], a.rstd = rstd[i];
		(i ? t->ref : t->k)->norm_fwd(&a);
		(i ? t->ref : t->k)->norm_bwd(&a);
	}
	snprintf(what, sizeof what, "norm rows %d n %d gap %d acc %d alias %d offset %g", rows, n, gap, acc, alias, offset);
	const double scale = 4 * (1 + fabs(offset));
	assert_near(what, y[0], y[1], count, TOLERANCE, scale);
	assert_near(what, xhat[0], xhat[1], count, TOLERANCE, scale);
	assert_near(what, rstd[0], rstd[1], (size_t)rows, TOLERANCE, scale);
	assert_near(what, dx[0], dx[1], count, TOLERANCE, 8 * scale);
	bed_clear(t, what);
}

static void test_norm(void **state) {
	for (int w = 0; w < EG_COUNT(WIDTHS); w++)
		for (int r = 0; r < EG_COUNT(ROWS); r++)
			for (int i = 0; i < 6; i++)
				compare_norm(*state, ROWS[r], WIDTHS[w], i % 2 * 3, i / 2 % 2, i % 3, i == 5 ? 10 : 0);
	compare_norm(*state, 3, 4096, 0, false, 0, -3);
}

/* ---- decay and products ------------------------------------------------------------------------------------------ */

static void compare_decay(bed *t, int rows, int n, int gap, real special) {
	label what;
	size_t count = (size_t)((rows - 1) * (n + gap) + n);
	real *dt = bed_reals(t, (size_t)rows), *y[2], *dx[2], *du[2];
	for (int i = 0; i < rows; i++) dt[i] = 3 * (real)fabs((double)dt[i]);
	dt[0] = special;
	eg_decay_args a = {.rows = rows, .n = n, .x = bed_reals(t, count), .dy = bed_reals(t, count), .dt = dt,
		.wd = bed_reals(t, (size_t)n), .bd = bed_reals(t, (size_t)n), .ld_x = n + gap, .ld_dy = n + gap, .ld_y = n + gap,
		.ld_dx = n + gap, .ld_du = n + gap};
	for (int i = 0; i < 2; i++) {
		const eg_kernels *k = i ? t->ref : t->k;
		a.y = y[i] = bed_zeros(t, count), a.dx = dx[i] = bed_zeros(t, count), a.du = du[i] = bed_zeros(t, count);
		k->decay_fwd(&a);
		k->decay_bwd(&a);
	}
	snprintf(what, sizeof what, "decay rows %d n %d gap %d first dt %g", rows, n, gap, (double)special);
	assert_near(what, y[0], y[1], count, TOLERANCE, 1);
	assert_near(what, dx[0], dx[1], count, TOLERANCE, 1);
	assert_near(what, du[0], du[1], count, TOLERANCE, 1);
	for (int j = 0; j < n && isnan(special); j++) assert_true(isnan(y[0][j]) && isnan(dx[0][j]) && isnan(du[0][j]));
	bed_clear(t, what);
}

static void compare_mul(bed *t, int rows, int n, int gap, bool acc, bool alias) {
	label what;
	size_t count = (size_t)((rows - 1) * (n + gap) + n);
	real *p = bed_reals(t, count), *q = bed_reals(t, count), *y = alias ? p : bed_reals(t, count), *want;
	want = bed_copy(t, y, count * sizeof(real));
	for (int i = 0; i < rows; i++)
		for (int j = i * (n + gap); j < i * (n + gap) + n; j++) want[j] = (acc ? want[j] : 0) + p[j] * q[j];
	t->k->mul_rows(&(eg_mul_args){rows, n, acc, p, q, y, n + gap, n + gap, n + gap});
	snprintf(what, sizeof what, "mul_rows rows %d n %d gap %d acc %d y is a %d", rows, n, gap, acc, alias);
	assert_near(what, y, want, count, TOLERANCE, 1);
	bed_clear(t, what);
}

static void compare_dot(bed *t, int m, int n, int gap, bool per_row, bool acc) {
	label what;
	size_t count = (size_t)((m - 1) * (n + gap) + n), zs = (size_t)((m - 1) * (n + gap) + (per_row ? 1 : n));
	real *x = bed_reals(t, count), *z = bed_reals(t, zs), *y = bed_reals(t, (size_t)n);
	real *want = bed_copy(t, y, (size_t)n * sizeof(real)), *got = bed_copy(t, y, (size_t)n * sizeof(real));
	eg_dot_rows_args a = {{x, 0}, {z, 0}, {y, 0}, m, n, n + gap, n + gap, per_row, acc}, b = a;
	for (int j = 0; j < n; j++) {
		double sum = acc ? (double)want[j] : 0;
		for (int i = 0; i < m; i++)
			sum += (double)x[i * (n + gap) + j] * (double)z[i * (n + gap) + (per_row ? 0 : j)];
		want[j] = (real)sum;
	}
	snprintf(what, sizeof what, "dot_rows m %d n %d gap %d per row %d acc %d", m, n, gap, per_row, acc);
	b.y.p = got;
	output out = output_reals(a.y, b.y, (size_t)n, 1);
	assert_same_job(t, what, (job){t->k->dot_rows, &a, (n + 63) / 64, 0}, (job){t->ref->dot_rows, &b, (n + 63) / 64, 0},
		&out, 1);
	assert_near(what, y, want, (size_t)n, TOLERANCE, 1);
	bed_clear(t, what);
}

static void test_decay_and_products(void **state) {
	for (int w = 0; w < EG_COUNT(WIDTHS); w++)
		for (int r = 0; r < EG_COUNT(ROWS); r++) {
			int rows = ROWS[r], n = WIDTHS[w];
			compare_decay(*state, rows, n, 0, (real)1.5);
			compare_decay(*state, rows, n, 2, (real)NAN);
			compare_decay(*state, rows, n, 1, (real)1e30);
			for (int i = 0; i < 4; i++) {
				compare_mul(*state, rows, n, i, i & 1, i & 2);
				compare_dot(*state, rows, n, i, i & 1, i & 2);
			}
		}
	compare_dot(*state, 50, 200, 3, false, true);
	compare_dot(*state, 50, 200, 0, true, false);
}

/* ---- backward against central differences ------------------------------------------------------------------------ */

/* A loss: the sum of the results of the forward functions of one kind of cell times fixed numbers. */
enum { DN = 2, DH = 5 };
typedef enum kind { DIFF_RNN, DIFF_LSTM, DIFF_LSTM_NORM, DIFF_GRU, DIFF_GRU_BEFORE, DIFFS } kind;
static const cell diff_cell[DIFFS] = {RNN_FWD, LSTM_FWD, LSTM_FWD, GRU_FWD, GRU_RESET_FWD};

static double weighted(const real *y, ptrdiff_t ld_y, const real *w, ptrdiff_t ld_w) {
	double sum = 0;
	for (int i = 0; i < DN * DH; i++)
		sum += (double)y[i / DH * ld_y + i % DH] * (double)w[i / DH * ld_w + i % DH];
	return sum;
}

/* Runs the forward functions on a copy of the gates, left in a->gates by the caller's choice of `keep`. */
static double diff_loss(bed *t, kind k, eg_cell_args a, bool keep) {
	int mark = t->regions;
	real *gates = a.gates;
	if (!keep) a.gates = bed_copy(t, gates, field_count(diff_cell[k], &a, 0) * sizeof(real));
	double loss = 0;
	if (k == DIFF_LSTM_NORM) {
		real *h = a.h;
		a.h = NULL;
		t->k->lstm_fwd(&a);
		a.h = h;
		t->k->lstm_out_fwd(&a);
	} else
		cell_run(t->k, diff_cell[k], &a);
	if (k == DIFF_GRU_BEFORE) {
		loss += weighted(a.rh, a.ld_rh, a.drh, a.ld_drh);
		t->k->gru_out_fwd(&a);
	}
	if (k == DIFF_LSTM || k == DIFF_LSTM_NORM) loss += weighted(a.c, a.ld_c, a.dc, a.ld_dc);
	loss += weighted(a.h, a.ld_h, a.dh, a.ld_dh);
	while (t->regions > mark) free(t->region[--t->regions].base);
	return loss;
}

static void diff_backward(bed *t, kind k, const eg_cell_args *a) {
	static const cell backward[DIFFS] = {RNN_BWD, LSTM_BWD, LSTM_BWD, GRU_BWD, GRU_OUT_BWD};
	if (k == DIFF_LSTM_NORM) t->k->lstm_out_bwd(a);
	cell_run(t->k, backward[k], a);
	if (k == DIFF_GRU_BEFORE) t->k->gru_reset_bwd(a);
}

/* Each element of (DN, n) numbers at x: is `d` the derivative? */
static void diff_check(bed *t, const char *what, kind k, const eg_cell_args *a, real *x, ptrdiff_t ld, const real *d,
	ptrdiff_t ld_d, int n) {
	const double step = sizeof(real) == 8 ? 1e-5 : 1e-2, tolerance = sizeof(real) == 8 ? 1e-8 : 2e-3;
	for (int i = 0; i < DN * n; i++) {
		real *v = &x[i / n * ld + i % n], kept = *v;
		*v = kept + (real)step;
		double up = diff_loss(t, k, *a, false);
		*v = kept - (real)step;
		double down = diff_loss(t, k, *a, false), got = (double)d[i / n * ld_d + i % n];
		*v = kept;
		if (!(fabs((up - down) / (2 * step) - got) <= tolerance * fmax(1, fabs(got))))
			fail_msg("%s: derivative by number %d is %.9g, by differences %.9g", what, i, got, (up - down) / (2 * step));
	}
}

static void diff_once(bed *t, kind k, options o) {
	label what;
	cell c = diff_cell[k];
	o.norm = k == DIFF_LSTM_NORM;
	o.no_h = false;
	eg_cell_args a = cell_draw(t, c, o, DN, DH, 1), b = cell_clone(t, c, &a);
	snprintf(what, sizeof what, "%s%s acts %d %d %d coupled %d mirror %d peephole %d clip %d", cells[c].name,
		o.norm ? " with norm" : "", (int)o.act.kind, (int)o.gate_act.kind, (int)o.out_act.kind, o.coupled, o.mirror, o.peephole, o.clip);
	diff_loss(t, k, b, true);
	diff_backward(t, k, &b);
	diff_check(t, what, k, &a, a.gates, a.ld_gates, b.gates, b.ld_gates, cells[c].gates * DH);
	if (k == DIFF_LSTM || o.norm)
		diff_check(t, what, k, &a, (real *)(uintptr_t)a.c_prev, a.ld_c_prev, b.dc_prev, b.ld_dc_prev, DH);
	if (o.norm) diff_check(t, what, k, &a, (real *)(uintptr_t)a.cn, a.ld_cn, b.dcn, b.ld_dcn, DH);
	if (k == DIFF_GRU || k == DIFF_GRU_BEFORE)
		diff_check(t, what, k, &a, (real *)(uintptr_t)a.h_prev, a.ld_h_prev, b.dh_prev, b.ld_dh_prev, DH);
	bed_clear(t, what);
}

/* In float only what has no kinks: a step there is wide. */
static void test_cell_differences(void **state) {
	bed *t = *state;
	static const eg_act_kind smooth[] = {EG_ACT_NONE, EG_ACT_SIGMOID, EG_ACT_TANH};
	for (kind k = 0; k < DIFFS; k++)
		for (int i = 0; i < 40; i++) {
			options o = i == 0 ? DEFAULTS : options_draw(t);
			if (sizeof(real) == 4) {
				o.clip = false;
				o.act = eg_act_of(smooth[bed_below(t, 3)]), o.out_act = eg_act_of(smooth[bed_below(t, 3)]);
				o.gate_act = eg_act_of(smooth[1 + bed_below(t, 2)]);
			}
			diff_once(t, k, o);
		}
}

/* Layer norm and decay of one row, so that shift and bd are the numbers u; w are the weights of the loss. */
static void test_row_differences(void **state) {
	enum { W = 7 };
	bed *t = *state;
	const double step = sizeof(real) == 8 ? 1e-5 : 1e-2, tolerance = sizeof(real) == 8 ? 1e-8 : 2e-3;
	for (int round = 0; round < 20; round++) {
		real *x = bed_reals(t, W), *w = bed_reals(t, W), *gain = bed_reals(t, W), *bias = bed_reals(t, W), dt = (real)0.7;
		real *y = bed_zeros(t, W), *xhat = bed_zeros(t, W), *dx = bed_zeros(t, W), *du = bed_zeros(t, W), rstd;
		eg_norm_args n = {.rows = 1, .n = W, .eps = (real)0.1, .x = x, .gain = gain, .bias = bias, .dy = w, .y = y,
			.xhat = xhat, .rstd = &rstd, .dx = dx};
		eg_decay_args d = {.rows = 1, .n = W, .x = x, .dt = &dt, .wd = gain, .bd = bias, .dy = w, .y = y, .dx = dx, .du = du};
		for (int what = 0; what < 3; what++) { /* norm by x, decay by x, decay by u */
			if (what == 0) t->k->norm_fwd(&n), t->k->norm_bwd(&n);
			else t->k->decay_bwd(&d);
			for (int i = 0; i < W; i++) {
				real *v = what == 2 ? &bias[i] : &x[i], kept = *v;
				double loss[2] = {0, 0}, got = (double)(what == 2 ? du : dx)[i];
				if (what && fabs((double)(gain[i] * dt + bias[i])) < 2 * step) continue; /* a kink */
				for (int s = 0; s < 2; s++) {
					*v = kept + (real)(s ? step : -step);
					if (what == 0) t->k->norm_fwd(&n);
					else t->k->decay_fwd(&d);
					for (int j = 0; j < W; j++) loss[s] += (double)y[j] * (double)w[j];
				}
				*v = kept;
				double want = (loss[1] - loss[0]) / (2 * step);
				if (!(fabs(want - got) <= tolerance))
					fail_msg("%s: derivative by number %d is %.9g, by differences %.9g", what ? "decay" : "norm", i, got,
						want);
			}
		}
		bed_clear(t, "differences of rows");
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cells),
		cmocka_unit_test(test_cell_activations),
		cmocka_unit_test(test_cell_bits),
		cmocka_unit_test(test_cell_parts),
		cmocka_unit_test(test_gates),
		cmocka_unit_test(test_cell_specials),
		cmocka_unit_test(test_cell_digits),
		cmocka_unit_test(test_norm),
		cmocka_unit_test(test_decay_and_products),
		cmocka_unit_test(test_cell_differences),
		cmocka_unit_test(test_row_differences),
	};
	return bed_main(tests, EG_COUNT(tests));
}
