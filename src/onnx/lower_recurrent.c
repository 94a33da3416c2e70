/* lower_recurrent.c - recurrent layers that ONNX's RNN, LSTM and GRU have no options for (layer_norm, decay, zoneout,
 * projection, cell_clip, gates without an activation), as Scan: each layer and direction is one. What depends on the
 * input alone is computed for all steps before it. The equations are those of src/ops/recurrent.c. */
#include "onnx/lower.h"
#include "onnx/states.h"

#include <string.h>

typedef struct rec {
	const eg_lowering *l;
	eg_build *b;
	char kind; /* of rnn, lstm, gru the first letter, but n of rnn */
	int H, P, G, layers, dirs, layer, dir;
	bool norm, after, write;
	double zone_h, zone_c, clip;
	const char *lengths, *mask, *dt; /* mask (T,N,1): is the step within the sample? NULL: all are */
} rec;

static const char *two(eg_build *b, const char *type, const char *x, const char *y) { return eg_build_node(b, type, EG_IN(x, y), NULL); }
static const char *one(eg_build *b, const char *type, const char *x) { return eg_build_node(b, type, EG_IN(x), NULL); }

/* ---- weights ----------------------------------------------------------------------------------------------------- */

/* This layer's weight "weight", "norm_gain", ...; NULL: it has none. */
static const eg_onnx_tensor *tensor(const rec *r, const char *what) {
	char end[40];
	snprintf(end, sizeof end, ".l%d.%s", r->layer, what);
	for (int i = r->l->info.op->max_inputs; i < r->l->node->nin; i++) {
		const char *name = r->l->node->in[i];
		const size_t n = strlen(name), m = strlen(end);
		if (n >= m && !strcmp(name + n - m, end)) return eg_build_tensor(r->b, name);
	}
	return NULL;
}

/* Rows [first, first + n) of this direction's matrix, with rows and columns exchanged. */
static const char *matrix(const rec *r, const char *what, int64_t first, int64_t n) {
	const eg_onnx_tensor *t = tensor(r, what);
	if (!t || t->rank != 3) {
		eg_build_fail(r->b, "%s '%s': it has no weights '%s'", r->l->info.op->name, r->l->info.name, what);
		return "";
	}
	const int64_t columns = t->dims[2];
	const float *w = (const float *)t->data + (r->dir * t->dims[1] + first) * columns;
	float *v = eg_build_take(r->b, (size_t)(n * columns) * sizeof *v);
	for (int64_t i = 0; i < n && v; i++)
		for (int64_t k = 0; k < columns; k++) v[k * n + i] = w[i * columns + k];
	return v ? eg_build_reals(r->b, v, EG_DIMS(columns, n)) : "";
}

/* Numbers [first, first + n) of this direction's list; NULL: there is none. */
static const char *list(const rec *r, const char *what, int64_t first, int64_t n) {
	const eg_onnx_tensor *t = tensor(r, what);
	return t && t->rank == 2 ? eg_build_reals(r->b, (const float *)t->data + r->dir * t->dims[1] + first, EG_DIMS(n)) : NULL;
}

/* ---- pieces ------------------------------------------------------------------------------------------------------ */

/* Activation `kind` of the lists tanh, relu, sigmoid, none and sigmoid, tanh, relu, none. */
static const char *activated(const rec *r, bool gate, const char *option, const char *x) {
	static const char *const names[2][4] = {{"Tanh", "Relu", "Sigmoid", NULL}, {"Sigmoid", "Tanh", "Relu", NULL}};
	const char *type = names[gate][eg_lower_int(r->l, option)];
	return type ? one(r->b, type, x) : x;
}
static const char *gate(const rec *r, const char *x) { return activated(r, true, "gate_activation", x); }
static const char *content(const rec *r, const char *x) { return activated(r, false, "activation", x); }

/* Columns [first, first + n) of the last axis. */
static const char *part(const rec *r, const char *x, int64_t first, int64_t n) {
	eg_build *b = r->b;
	return eg_build_node(b, "Slice", EG_IN(x, EG_BUILD_INTS(b, first), EG_BUILD_INTS(b, first + n), EG_BUILD_INTS(b, -1)), NULL);
}

static const char *mean(const rec *r, const char *x, int rank) {
	return eg_build_unsqueeze(r->b, eg_build_reduce(r->b, "ReduceMean", x, rank - 1, NULL), (const int64_t[]){rank - 1}, 1);
}

/* x normalised along its last axis, with the gains and shifts from `first` on, n of them. */
static const char *normalised(const rec *r, const char *x, int rank, int64_t first, int64_t n) {
	eg_build *b = r->b;
	if (!r->norm) return x;
	const char *off = two(b, "Sub", x, mean(r, x, rank)), *variance = mean(r, two(b, "Mul", off, off), rank);
	const char *y = two(b, "Div", off, one(b, "Sqrt", two(b, "Add", variance, eg_build_real(b, 1e-5))));
	return two(b, "Add", two(b, "Mul", y, list(r, "norm_gain", first, n)), list(r, "norm_bias", first, n));
}

/* Products for all gates, normalised; of a gru z and r together and n apart. */
static const char *norm_gates(const rec *r, const char *x, int rank, int64_t first) {
	const int64_t H = r->H;
	if (!r->norm || r->kind != 'g') return normalised(r, x, rank, first, r->G * H);
	const char *zr = normalised(r, part(r, x, 0, 2 * H), rank, first, 2 * H), *n = normalised(r, part(r, x, 2 * H, H), rank, first + 2 * H, H);
	const char *y = two(r->b, "Concat", zr, n);
	eg_build_int(r->b, "axis", rank - 1);
	return y;
}

static const char *plus(const rec *r, const char *x, const char *numbers) { return numbers ? two(r->b, "Add", x, numbers) : x; }

/* rate of what was, the rest of what is new. */
static const char *zoned(const rec *r, double rate, const char *now, const char *before) {
	eg_build *b = r->b;
	if (!(rate > 0)) return now;
	return two(b, "Add", two(b, "Mul", now, eg_build_real(b, 1 - rate)), two(b, "Mul", before, eg_build_real(b, rate)));
}

/* ---- a step ------------------------------------------------------------------------------------------------------ */

/* The gates' part of the state. */
static const char *recurrent(const rec *r, const char *h) {
	return norm_gates(r, two(r->b, "MatMul", h, matrix(r, "recurrent_weight", 0, (int64_t)r->G * r->H)), 2, (int64_t)r->G * r->H);
}

static const char *peeped(const rec *r, const char *x, const char *c, int which) {
	const char *p = list(r, "peephole", (int64_t)which * r->H, r->H);
	return p ? two(r->b, "Add", x, two(r->b, "Mul", p, c)) : x;
}

/* *c becomes the cell behind the step. */
static const char *lstm_step(const rec *r, const char *gx, const char *h, const char **c) {
	eg_build *b = r->b;
	const int64_t H = r->H;
	const char *s = two(b, "Add", gx, recurrent(r, h)), *before = *c, *limit[2];
	const char *i = gate(r, peeped(r, part(r, s, 0, H), before, 0));
	const char *f = eg_lower_int(r->l, "coupled") ? two(b, "Sub", eg_build_real(b, 1), i) : gate(r, peeped(r, part(r, s, 2 * H, H), before, 2));
	const char *now = two(b, "Add", two(b, "Mul", f, before), two(b, "Mul", i, content(r, part(r, s, 3 * H, H))));
	for (int k = 0; k < 2; k++) limit[k] = r->clip > 0 ? eg_build_real(b, k ? r->clip : -r->clip) : NULL;
	if (r->clip > 0) now = eg_build_node(b, "Clip", EG_IN(now, limit[0], limit[1]), NULL);
	const char *o = gate(r, peeped(r, part(r, s, H, H), now, 1));
	const char *y = two(b, "Mul", o, activated(r, false, "output_activation", normalised(r, now, 2, 2 * 4 * H, H)));
	*c = zoned(r, r->zone_c, now, before);
	return tensor(r, "projection") ? two(b, "MatMul", y, matrix(r, "projection", 0, r->P)) : y;
}

static const char *gru_step(const rec *r, const char *gx, const char *h) {
	eg_build *b = r->b;
	const int64_t H = r->H;
	const char *s, *n;
	if (r->after) {
		s = recurrent(r, h);
	} else { /* n's part comes once r is known */
		s = normalised(r, two(b, "MatMul", h, matrix(r, "recurrent_weight", 0, 2 * H)), 2, 3 * H, 2 * H);
	}
	const char *zr = gate(r, two(b, "Add", part(r, gx, 0, 2 * H), part(r, s, 0, 2 * H)));
	const char *z = part(r, zr, 0, H), *reset = part(r, zr, H, H);
	if (r->after) n = two(b, "Mul", reset, plus(r, part(r, s, 2 * H, H), list(r, "recurrent_bias", 0, H)));
	else n = normalised(r, two(b, "MatMul", two(b, "Mul", reset, h), matrix(r, "recurrent_weight", 2 * H, H)), 2, 5 * H, H);
	n = content(r, two(b, "Add", part(r, gx, 2 * H, H), n));
	const char *rest = two(b, "Sub", eg_build_real(b, 1), z);
	return two(b, "Add", two(b, "Mul", r->write ? z : rest, n), two(b, "Mul", r->write ? rest : z, h));
}

/* ---- a layer and direction --------------------------------------------------------------------------------------- */

/* exp(-max(0, wd dt + bd)) for each step, (T,N,H). */
static const char *fading(const rec *r) {
	eg_build *b = r->b;
	const char *dt = eg_build_unsqueeze(b, r->dt, (const int64_t[]){2}, 1);
	const char *x = two(b, "Add", two(b, "Mul", dt, list(r, "decay", 0, r->H)), list(r, "decay", r->H, r->H));
	return one(b, "Exp", one(b, "Neg", one(b, "Relu", x)));
}

/* Its states begin with h and c (N,..); then they are the last ones. Returns all h, (T,N,P). */
static const char *run(const rec *r, const char *x, const char **h, const char **c) {
	eg_build *b = r->b;
	const bool lstm = r->kind == 'l', backwards = r->dir == 1 || eg_lower_int(r->l, "reverse");
	const char *gx = norm_gates(r, two(b, "MatMul", x, matrix(r, "weight", 0, (int64_t)r->G * r->H)), 3, 0), *in[7] = {*h}, *out[3] = {0};
	int n = 1, sequences = 1;
	gx = plus(r, gx, list(r, "bias", 0, (int64_t)r->G * r->H));
	const char *fade = r->dt ? fading(r) : NULL;
	if (lstm) in[n++] = *c;
	in[n++] = gx;
	if (fade) in[n++] = fade, sequences++;
	if (r->mask) in[n++] = r->mask, sequences++;
	eg_build_outer outer;
	eg_build_enter(b, &outer);
	const char *ph = eg_build_in(b, "h"), *pc = lstm ? eg_build_in(b, "c") : NULL, *step = eg_build_in(b, "x");
	const char *fh = ph, *fc = pc;
	if (fade) *(lstm ? &fc : &fh) = two(b, "Mul", lstm ? pc : ph, eg_build_in(b, "fade"));
	const char *inside = r->mask ? two(b, "Greater", eg_build_in(b, "inside"), eg_build_real(b, 0.5)) : NULL;
	const char *next_c = fc, *next = lstm ? lstm_step(r, step, fh, &next_c) : r->kind == 'g' ? gru_step(r, step, fh) : content(r, two(b, "Add", step, recurrent(r, fh)));
	next = zoned(r, r->zone_h, next, fh);
	eg_build_out(b, inside ? eg_build_node(b, "Where", EG_IN(inside, next, ph), NULL) : next);
	if (lstm) eg_build_out(b, inside ? eg_build_node(b, "Where", EG_IN(inside, next_c, pc), NULL) : next_c);
	eg_build_out(b, inside ? eg_build_node(b, "Where", EG_IN(inside, next, eg_build_real(b, 0)), NULL) : next);
	eg_build_scan(b, &outer, in, sequences, backwards, out, lstm ? 3 : 2);
	*h = out[0];
	if (lstm) *c = out[1];
	return out[lstm ? 2 : 1];
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

/* The states (dirs,N,width) that a layer begins with: those that the network gives, or an input, or zeros. */
static const char *initial(const rec *r, const char *x, int input, const char *what, int width) {
	eg_build *b = r->b;
	const char *given = input >= 0 ? eg_lower_in(r->l, input) : "";
	char name[200];
	snprintf(name, sizeof name, "%.150s.l%d.%s", r->l->info.name, r->layer, what);
	if (!*given) return eg_build_initial(b, eg_build_text(b, name), x, r->dirs, width, r->l->states);
	if (eg_lower_dims(r->l, input).rank == 2) return eg_build_unsqueeze(b, given, (const int64_t[]){0}, 1);
	const int64_t first = (int64_t)r->layer * r->dirs;
	return eg_build_node(b, "Slice", EG_IN(given, EG_BUILD_INTS(b, first), EG_BUILD_INTS(b, first + r->dirs), EG_BUILD_INTS(b, 0)), NULL);
}

static const char *of_direction(const rec *r, const char *states) {
	eg_build *b = r->b;
	return eg_build_squeeze(b, eg_build_node(b, "Slice", EG_IN(states, EG_BUILD_INTS(b, r->dir), EG_BUILD_INTS(b, r->dir + 1), EG_BUILD_INTS(b, 0)), NULL), 0, NULL);
}

static const char *joined(const rec *r, const char *const *parts, int n, int64_t axis, const char *out) {
	const char *in[17] = {0};
	for (int i = 0; i < n; i++) in[i] = parts[i];
	const char *y = eg_build_node(r->b, n > 1 ? "Concat" : "Identity", in, out);
	if (n > 1) eg_build_int(r->b, "axis", axis);
	return y;
}

/* What a layer's directions end with, as an output of the model where there are such. */
static const char *ended(const rec *r, const char *const last[2], const char *what, int width) {
	eg_build *b = r->b;
	const char *rows[2];
	char name[200];
	snprintf(name, sizeof name, "%.150s.l%d.%s", r->l->info.name, r->layer, what);
	for (int d = 0; d < r->dirs; d++) rows[d] = eg_build_unsqueeze(b, last[d], (const int64_t[]){0}, 1);
	const char *y = joined(r, rows, r->dirs, 0, r->l->states ? eg_build_text(b, name) : NULL);
	if (r->l->states) eg_build_final(b, y, r->dirs, width);
	return y;
}

/* Is sample n at step t? (T,N,1), 1 or 0. */
static const char *inside(const rec *r, const char *x) {
	eg_build *b = r->b;
	const char *at = eg_lower_positions(r->l, x, 3, 2, 0);
	const char *lengths = eg_build_unsqueeze(b, eg_build_cast(b, r->lengths, EG_ONNX_FLOAT), (const int64_t[]){1}, 1);
	return eg_build_cast(b, two(b, "Less", at, lengths), EG_ONNX_FLOAT);
}

static rec read(const eg_lowering *l) {
	const char *op = l->info.op->name;
	rec r = {.l = l, .b = l->b, .kind = op[0], .H = eg_lower_int(l, "hidden"), .layers = eg_lower_int(l, "layers"), .dirs = eg_lower_int(l, "bidirectional") ? 2 : 1};
	if (!r.layers) r.layers = 1;
	r.G = r.kind == 'l' ? 4 : r.kind == 'g' ? 3 : 1;
	r.P = r.kind == 'l' && eg_lower_int(l, "projection") ? eg_lower_int(l, "projection") : r.H;
	r.norm = eg_lower_int(l, "layer_norm");
	r.after = r.kind == 'g' && !eg_lower_int(l, "reset");
	r.write = r.kind == 'g' && eg_lower_int(l, "update");
	r.zone_h = eg_lower_real(l, "zoneout");
	if (r.kind == 'l') r.zone_c = eg_lower_real(l, "cell_zoneout") >= 0 ? eg_lower_real(l, "cell_zoneout") : r.zone_h;
	r.clip = r.kind == 'l' ? eg_lower_real(l, "cell_clip") : 0;
	r.lengths = *eg_lower_in(l, 1) ? eg_lower_in(l, 1) : NULL;
	const int dt = r.kind == 'l' ? 4 : 3;
	if (eg_lower_int(l, "decay")) r.dt = eg_lower_in(l, dt);
	return r;
}

void eg_lower_recurrent(const eg_lowering *l) {
	enum { MOST = 8, HN = 1 };
	eg_build *b = l->b;
	rec r = read(l);
	const bool lstm = r.kind == 'l';
	const char *x = eg_lower_in(l, 0), *last[2][MOST];
	for (int i = lstm ? 3 : 2; i < l->node->nout; i++)
		if (eg_lower_out(l, i)) eg_build_fail(b, "%s '%s': states, cells and gates of all steps are not written", l->info.op->name, l->info.name);
	if (r.lengths) r.mask = inside(&r, x);
	for (r.layer = 0; r.layer < r.layers && r.layer < MOST && !b->error.status; r.layer++) {
		const bool top = r.layer == r.layers - 1;
		const char *h0 = initial(&r, x, 2, "h0", r.P), *c0 = lstm ? initial(&r, x, 3, "c0", r.H) : NULL, *y[2], *ends[2][2] = {{0}};
		for (r.dir = 0; r.dir < r.dirs; r.dir++) {
			ends[0][r.dir] = of_direction(&r, h0);
			if (lstm) ends[1][r.dir] = of_direction(&r, c0);
			y[r.dir] = run(&r, x, &ends[0][r.dir], &ends[1][r.dir]);
		}
		const char *out = top ? eg_lower_out(l, 0) : NULL;
		if (r.dirs == 2 && eg_lower_int(l, "merge")) x = eg_build_node(b, "Add", EG_IN(y[0], y[1]), out);
		else x = joined(&r, y, r.dirs, 2, out);
		last[0][r.layer] = ended(&r, ends[0], "hn", r.P);
		if (lstm) last[1][r.layer] = ended(&r, ends[1], "cn", r.H);
	}
	for (int k = 0; k < (lstm ? 2 : 1) && !b->error.status; k++)
		if (eg_lower_out(l, HN + k)) joined(&r, last[k], r.layers, 0, eg_lower_out(l, HN + k));
}
