/* strided.c - operators that only put numbers elsewhere, by strides: transpose, slice, expand, tile. One kernel does
 * them all; where nothing repeats it is its own adjoint, and where something does, sum_to is.
 *
 * Not here: what changes dimensions but no place in memory (shape.c, reshape.c). */
#include "ops/strided.h"

static_assert(EG_WALK >= 2 * EG_MAX_DIMS, "tile cuts each dimension in two");

/* ---- what they share --------------------------------------------------------------------------------------------- */

/* How y (the result of a call) is taken from x: one entry a dimension, as in eg_strided_args. */
typedef struct walk {
	int rank;
	struct {
		int64_t size, first, step, count, stride;
	} d[EG_WALK];
	int64_t offset;
} walk;

static void push(walk *w, int64_t size, int64_t stride) {
	w->d[w->rank].size = w->d[w->rank].count = size;
	w->d[w->rank].first = 0;
	w->d[w->rank].step = 1;
	w->d[w->rank++].stride = stride;
}

static bool whole(const walk *w, int i) { return w->d[i].first == 0 && w->d[i].step == 1 && w->d[i].count == w->d[i].size; }

/* Dimensions of size 1 left out, neighbours made one where they are walked in one stride; the first `keep` stay as they
 * are. */
static walk merged(const walk *w, int keep) {
	walk m = {.offset = w->offset};
	for (int i = 0; i < w->rank; i++) {
		if (i >= keep && w->d[i].size == 1 && whole(w, i)) continue;
		const int p = m.rank - 1;
		if (p >= keep && whole(&m, p) && whole(w, i) && m.d[p].stride == w->d[i].size * w->d[i].stride) {
			m.d[p].size = m.d[p].count = m.d[p].size * w->d[i].size;
			m.d[p].stride = w->d[i].stride;
		} else {
			m.d[m.rank++] = w->d[i];
		}
	}
	if (m.rank <= keep) push(&m, 1, 0);
	return m;
}

static void strides_of(const eg_dims *d, int64_t stride[EG_MAX_DIMS]) {
	int64_t s = 1;
	for (int i = d->rank - 1; i >= 0; i--) {
		stride[i] = s;
		s *= d->d[i];
	}
}

static int64_t at_most(int64_t a, int64_t most) { return a < most ? a : most; }

/* Emits the call. block: both tensors begin with the same batch, which no dimension of the walk but the first
 * touches. */
static void call_strided(eg_emit *e, eg_buf x, eg_buf y, const walk *walked, bool block, bool acc, eg_dtype type) {
	enum { PART = 4 * EG_CHUNK }; /* elements of a unit of a global job */
	const walk w = merged(walked, block);
	eg_strided_args a = {.x = x, .y = y, .rank = w.rank, .pieces = 1, .offset = w.offset, .acc = acc, .block = block, .total = 1,
		.integers = type != EG_F32};
	for (int i = 0; i < w.rank; i++) {
		a.size[i] = (int)w.d[i].size;
		a.first[i] = (int)w.d[i].first;
		a.step[i] = (int)w.d[i].step;
		a.count[i] = (int)w.d[i].count;
		a.stride[i] = w.d[i].stride;
		if (i < w.rank - 1) a.total *= w.d[i].size;
	}
	const int64_t wide = w.d[w.rank - 1].size;
	int units = block ? eg_blocks((int)w.d[0].size) : 0;
	a.rows = block ? a.total / w.d[0].size * EG_BLOCK : at_most(wide < EG_CHUNK / EG_BLOCK ? EG_CHUNK / wide : EG_BLOCK, a.total);
	if (!block) {
		a.pieces = (int)((a.rows * wide + PART - 1) / PART);
		units = (int)((a.total + a.rows - 1) / a.rows) * a.pieces;
	}
	OP_CALL(e, strided, a, 1, 1, .block = block, .units = units, .flops = (double)(a.total * wide));
}

void strided_take(eg_emit *e, eg_buf x, eg_buf y, int rank, const int64_t *size, const int64_t *stride, int64_t offset, bool acc, eg_dtype type) {
	walk w = {.offset = offset};
	for (int i = 0; i < rank; i++) push(&w, size[i], stride[i]);
	if (rank == 0) push(&w, 1, 0);
	call_strided(e, x, y, &w, false, acc, type);
}

/* Do input and output both begin with the batch? */
static bool by_samples(const eg_emit *e) {
	return eg_emit_in_batched(e, 0) && eg_emit_out_batched(e, 0) && eg_emit_in_dims(e, 0).d[0] == eg_emit_out_dims(e, 0).d[0];
}

static void forward(eg_emit *e, const walk *w, bool block) {
	eg_buf x = eg_emit_x(e, 0, EG_PLAIN), y = eg_emit_y(e, 0, EG_PLAIN);
	call_strided(e, x, y, w, block, false, eg_emit_in_type(e, 0));
}

static void backward(eg_emit *e, const walk *w, bool block) {
	eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	bool acc;
	if (!dy.p || !eg_emit_needs_dx(e, 0)) return;
	eg_buf dx = eg_emit_dx(e, 0, EG_PLAIN, &acc);
	call_strided(e, dy, dx, w, block, acc, EG_F32);
}

/* Adjoint of a forward walk that repeats elements of x, each of x's being taken. */
static void backward_sums(eg_emit *e, const walk *w) {
	const eg_dims x = eg_emit_in_dims(e, 0);
	eg_sum_to_args a = {.x = eg_emit_dy(e, 0, EG_PLAIN), .rank = w->rank, .count = eg_dims_count(&x, 0)};
	int64_t flops = 1;
	if (!a.x.p || !eg_emit_needs_dx(e, 0)) return;
	a.y = eg_emit_dx(e, 0, EG_PLAIN, &a.acc);
	for (int i = 0; i < w->rank; i++) {
		a.dims[i] = w->d[i].size;
		a.sy[i] = w->d[i].stride;
		flops *= w->d[i].size;
	}
	OP_CALL(e, sum_to, a, 1, 1, .units = eg_blocks((int)a.count), .flops = (double)flops);
}

/* ---- transpose --------------------------------------------------------------------------------------------------- */

typedef struct transpose_options {
	const char *name;
	eg_ints perm;
} transpose_options;

static const eg_attr transpose_attrs[] = {
	OP_INT_LIST(transpose_options, perm, 0, EG_MAX_DIMS, 0, EG_MAX_DIMS - 1, "perm",
		"which dimension of x each dimension of y is; left out: all in reversed order"),
};

static int perm_at(const transpose_options *o, int rank, int i) { return o->perm.at ? o->perm.at[i] : rank - 1 - i; }

static eg_status transpose_infer(eg_infer *s) {
	const transpose_options *o = s->options;
	const eg_dims *x = &s->in[0];
	char text[128];
	unsigned seen = 0;
	bool fits = !o->perm.at || o->perm.n == x->rank;
	s->out_type[0] = s->in_type[0];
	s->out[0].rank = x->rank;
	for (int i = 0; i < x->rank && fits; i++) {
		const int from = perm_at(o, x->rank, i);
		fits = from < x->rank && !(seen >> from & 1);
		seen |= 1U << from;
		if (fits) s->out[0].d[i] = x->d[from];
	}
	if (fits) return EG_OK;
	return eg_fail(s->err, EG_ERR_SHAPE, "perm must name each of the %d dimensions of x %s once, 0 to %d", x->rank,
		eg_dims_text(x, text, sizeof text), x->rank - 1);
}

/* back: dx from dy. */
static walk transpose_walk(const eg_emit *e, bool back, bool *block) {
	const transpose_options *o = eg_emit_options(e);
	const eg_dims x = eg_emit_in_dims(e, 0), y = eg_emit_out_dims(e, 0);
	int64_t stride[EG_MAX_DIMS];
	int from[EG_MAX_DIMS];
	walk w = {0};
	for (int i = 0; i < x.rank; i++) from[back ? perm_at(o, x.rank, i) : i] = back ? i : perm_at(o, x.rank, i);
	strides_of(back ? &y : &x, stride);
	for (int i = 0; i < x.rank; i++) push(&w, back ? x.d[i] : y.d[i], stride[from[i]]);
	*block = x.rank > 0 && from[0] == 0 && by_samples(e);
	return w;
}

static void transpose_fwd(eg_emit *e) {
	bool block;
	const walk w = transpose_walk(e, false, &block);
	forward(e, &w, block);
}

static void transpose_bwd(eg_emit *e) {
	bool block;
	const walk w = transpose_walk(e, true, &block);
	backward(e, &w, block);
}

#define TRANSPOSE(...) &(const transpose_options){.perm = EG_INTS(__VA_ARGS__)}
static const eg_case transpose_cases[] = {
	{"channels last", TRANSPOSE(0, 2, 3, 1), .in = {OP_DIMS(EG_N, 5, 7, 4)}, .nin = 1, .batch = 18, .linear = true},
	{"reversed", NULL, .in = {OP_DIMS(19, 37, 23)}, .nin = 1, .batch = 2, .linear = true},
	{"rows and columns, several units", TRANSPOSE(1, 0), .in = {OP_DIMS(301, 67)}, .nin = 1, .batch = 2, .linear = true},
	{"batch before time", TRANSPOSE(1, 0, 2), .in = {OP_DIMS(EG_T, EG_N, 9)}, .nin = 1, .batch = 18, .time = 5, .linear = true},
	{"open height and width", TRANSPOSE(0, 1, 3, 2), .in = {OP_DIMS(EG_N, 2, EG_NAMED, EG_NAMED - 1)}, .nin = 1, .batch = 3,
		.sizes = OP_SIZES({"height", 33}, {"width", 18}), .linear = true},
	{"integers", TRANSPOSE(1, 0), .in = {OP_DIMS(EG_N, 21)}, .type = {EG_I32}, .limit = 50, .nin = 1, .batch = 18},
	{"a number", NULL, .in = {{0}}, .nin = 1, .batch = 2, .linear = true},
};

/* ---- slice ------------------------------------------------------------------------------------------------------- */

typedef struct slice_options {
	const char *name;
	eg_ints starts, ends, axes, steps;
} slice_options;

#define SLICE_LIST(f, def, low, high, doc) OP_INT_LIST(slice_options, f, def, EG_MAX_DIMS, low, high, #f, doc)
static const eg_attr slice_attrs[] = {
	SLICE_LIST(starts, NAN, -INT32_MAX, INT32_MAX, "first index in each of the axes; negative counts from the end"),
	SLICE_LIST(ends, NAN, -INT32_MAX, INT32_MAX, "first index that is left out; what is beyond the end is the end, so 2147483647 means all"),
	SLICE_LIST(axes, 0, -EG_MAX_DIMS, EG_MAX_DIMS - 1, "dimensions that are cut; left out: the first ones"),
	SLICE_LIST(steps, 0, -INT32_MAX, INT32_MAX, "every so many; negative goes from the start down. Left out: 1"),
};

/* The indices of one dimension that are taken: first, first + step, ..., n of them. */
typedef struct range {
	int64_t first, step, n;
} range;

static range range_of(const slice_options *o, int i, int64_t size) {
	range r = {o->starts.at[i], o->steps.at ? o->steps.at[i] : 1, 0};
	int64_t end = o->ends.at[i];
	const int64_t low = r.step > 0 ? 0 : -1, high = r.step > 0 ? size : size - 1;
	if (r.first < 0) r.first += size;
	if (end < 0) end += size;
	r.first = r.first < 0 ? 0 : at_most(r.first, high);
	end = end < low ? low : at_most(end, high);
	const int64_t span = r.step > 0 ? end - r.first : r.first - end, by = r.step > 0 ? r.step : -r.step;
	r.n = span > 0 ? (span + by - 1) / by : 0;
	return r;
}

static int slice_axis(const slice_options *o, int i) { return o->axes.at ? o->axes.at[i] : i; }

/* Everything, in whatever order, of a size that need not be known. */
static bool takes_all(const slice_options *o, int i) {
	const int step = o->steps.at ? o->steps.at[i] : 1;
	if (step == 1) return o->starts.at[i] == 0 && o->ends.at[i] == INT32_MAX;
	return step == -1 && o->starts.at[i] == -1 && o->ends.at[i] == -INT32_MAX;
}

/* The first or the last alone. */
static bool takes_one(const slice_options *o, int i) {
	const int start = o->starts.at[i], end = o->ends.at[i];
	return (!o->steps.at || o->steps.at[i] > 0) && ((start == 0 && end == 1) || (start == -1 && end == INT32_MAX));
}

/* How long dimension `axis` becomes; 0: it is an error, which is told. */
static int64_t slice_size(eg_infer *s, int i, int axis) {
	const slice_options *o = s->options;
	const int64_t d = s->in[0].d[axis];
	char text[128];
	eg_dims_text(&s->in[0], text, sizeof text);
	if (o->steps.at && o->steps.at[i] == 0) return eg_fail(s->err, EG_ERR_ARG, "number %d of steps is 0", i + 1), 0;
	if (d < 0 && o->starts.at[i] == 0 && takes_all(o, i)) return d;
	if (eg_dim_is_batch(d))
		return eg_fail(s->err, EG_ERR_SHAPE, "dimension %d of x %s is the batch, which cannot be cut", axis, text), 0;
	if (d < 0) return takes_all(o, i) ? d : takes_one(o, i) ? 1 : eg_infer_size(s, d);
	const range r = range_of(o, i, d);
	if (r.n == 0)
		eg_fail(s->err, EG_ERR_SHAPE, "nothing of dimension %d of x %s would be left, from %d to %d", axis, text, o->starts.at[i],
			o->ends.at[i]);
	return r.n;
}

static eg_status slice_infer(eg_infer *s) {
	const slice_options *o = s->options;
	const eg_dims *x = &s->in[0];
	char text[128];
	unsigned seen = 0;
	const int n = o->starts.n;
	s->out[0] = *x;
	s->out_type[0] = s->in_type[0];
	if (o->ends.n != n || (o->axes.at && o->axes.n != n) || (o->steps.at && o->steps.n != n))
		return eg_fail(s->err, EG_ERR_ARG, "starts has %d numbers, ends %d, axes %d, steps %d; all must be as many (axes and steps may be left out)",
			n, o->ends.n, o->axes.n, o->steps.n);
	for (int i = 0; i < n; i++) {
		int axis;
		if (!op_axis(slice_axis(o, i), x->rank, &axis) || (seen >> axis & 1))
			return eg_fail(s->err, EG_ERR_SHAPE, "x %s has no dimension %d, or it is named twice", eg_dims_text(x, text, sizeof text),
				slice_axis(o, i));
		seen |= 1U << axis;
		s->out[0].d[axis] = slice_size(s, i, axis);
		if (s->out_of_memory || s->out[0].d[axis] == 0) return s->err->status ? s->err->status : EG_ERR_MEMORY;
	}
	return EG_OK;
}

/* Per dimension of x what is taken. */
static void slice_ranges(const eg_emit *e, const eg_dims *x, range r[EG_MAX_DIMS]) {
	const slice_options *o = eg_emit_options(e);
	for (int i = 0; i < x->rank; i++) r[i] = (range){0, 1, x->d[i]};
	for (int i = 0; i < o->starts.n; i++) {
		int axis;
		if (op_axis(slice_axis(o, i), x->rank, &axis)) r[axis] = range_of(o, i, x->d[axis]);
	}
}

static void slice_fwd(eg_emit *e) {
	const eg_dims x = eg_emit_in_dims(e, 0);
	int64_t stride[EG_MAX_DIMS];
	range r[EG_MAX_DIMS];
	walk w = {0};
	slice_ranges(e, &x, r);
	strides_of(&x, stride);
	for (int i = 0; i < x.rank; i++) {
		push(&w, r[i].n, r[i].step * stride[i]);
		w.offset += r[i].first * stride[i];
	}
	forward(e, &w, by_samples(e));
}

static void slice_bwd(eg_emit *e) {
	const eg_dims x = eg_emit_in_dims(e, 0), y = eg_emit_out_dims(e, 0);
	int64_t stride[EG_MAX_DIMS];
	range r[EG_MAX_DIMS];
	walk w = {0};
	slice_ranges(e, &x, r);
	strides_of(&y, stride);
	for (int i = 0; i < x.rank; i++) {
		push(&w, x.d[i], stride[i]);
		const bool down = r[i].step < 0;
		w.d[i].first = down ? r[i].first + r[i].step * (r[i].n - 1) : r[i].first;
		w.d[i].step = down ? -r[i].step : r[i].step;
		w.d[i].count = r[i].n;
		if (down) {
			w.d[i].stride = -stride[i];
			w.offset += stride[i] * (r[i].n - 1);
		}
	}
	backward(e, &w, by_samples(e));
}

enum { ALL = INT32_MAX };
#define SLICE(...) &(const slice_options){__VA_ARGS__}
static const eg_case slice_cases[] = {
	{"rows and columns", SLICE(.starts = EG_INTS(1, 2), .ends = EG_INTS(4, -1), .axes = EG_INTS(2, 3)), .in = {OP_DIMS(EG_N, 3, 5, 7)},
		.nin = 1, .batch = 18, .linear = true},
	{"with steps", SLICE(.starts = EG_INTS(0, 1), .ends = EG_INTS(ALL, ALL), .axes = EG_INTS(-2, -1), .steps = EG_INTS(2, 3)),
		.in = {OP_DIMS(EG_N, 2, 5, 11)}, .nin = 1, .batch = 18, .linear = true},
	{"negative steps", SLICE(.starts = EG_INTS(-1, 8), .ends = EG_INTS(-ALL, 1), .axes = EG_INTS(1, 2), .steps = EG_INTS(-1, -3)),
		.in = {OP_DIMS(EG_N, 4, 9)}, .nin = 1, .batch = 18, .linear = true},
	{"first axes, several units", SLICE(.starts = EG_INTS(2, 3), .ends = EG_INTS(23, 90)), .in = {OP_DIMS(25, 90, 17)}, .nin = 1, .batch = 2,
		.linear = true},
	{"last step of sequences", SLICE(.starts = EG_INTS(-1), .ends = EG_INTS(ALL)), .in = {OP_DIMS(EG_T, EG_N, 3)}, .nin = 1, .batch = 6,
		.time = 5, .linear = true},
	{"sequences from the second step on", SLICE(.starts = EG_INTS(1), .ends = EG_INTS(ALL)), .in = {OP_DIMS(EG_NAMED, EG_N, 3)}, .nin = 1,
		.batch = 6, .sizes = OP_SIZES({"length", 5}), .linear = true},
	{"integers, reversed", SLICE(.starts = EG_INTS(-1), .ends = EG_INTS(-ALL), .axes = EG_INTS(1), .steps = EG_INTS(-1)),
		.in = {OP_DIMS(EG_N, 7)}, .type = {EG_I32}, .limit = 50, .nin = 1, .batch = 18},
};

/* ---- expand ------------------------------------------------------------------------------------------------------ */

typedef struct expand_options {
	const char *name;
	eg_ints shape;
} expand_options;

static const eg_attr expand_attrs[] = {
	OP_INT_LIST(expand_options, shape, 0, EG_MAX_DIMS, -1, OP_SIZE_MAX, "shape",
		"sizes of y, the last ones of both belonging together; -1, 0 and 1 leave what x has. Left out: those of the input `like`"),
};

/* Broadcasts dimension d of x, or 1, against `to`; false: they do not fit. */
static bool expand_dim(int64_t *d, int64_t to) {
	if (to == 1) return true;
	if (*d != 1 && !eg_dim_fits(*d, to)) return false;
	*d = *d == 1 ? to : eg_dim_surer(*d, to);
	return true;
}

static eg_status expand_infer(eg_infer *s) {
	const expand_options *o = s->options;
	const eg_dims *x = &s->in[0], *like = s->nin > 1 && s->in[1].rank >= 0 ? &s->in[1] : NULL;
	eg_dims *y = &s->out[0];
	const int n = o->shape.at ? o->shape.n : 0;
	char tx[128], ty[128];
	bool fits = true;
	if (!o->shape.at && !like) return eg_fail(s->err, EG_ERR_ARG, "it needs the attribute 'shape' or the input 'like'");
	y->rank = x->rank;
	if (like && like->rank > y->rank) y->rank = like->rank;
	if (n > y->rank) y->rank = n;
	for (int k = 1; k <= y->rank; k++) { /* from the last one on */
		int64_t *d = &y->d[y->rank - k];
		*d = k <= x->rank ? x->d[x->rank - k] : 1;
		if (k <= n && o->shape.at[n - k] > 1) fits &= expand_dim(d, o->shape.at[n - k]);
		if (like && k <= like->rank) fits &= expand_dim(d, like->d[like->rank - k]);
	}
	s->out_type[0] = s->in_type[0];
	if (fits) return EG_OK;
	if (like)
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s cannot be repeated to the shape of like %s: sizes must be equal, or 1 in x",
			eg_dims_text(x, tx, sizeof tx), eg_dims_text(like, ty, sizeof ty));
	return eg_fail(s->err, EG_ERR_SHAPE, "x %s cannot be repeated to the shape %s: sizes must be equal, or 1 in x",
		eg_dims_text(x, tx, sizeof tx), eg_dims_text(y, ty, sizeof ty));
}

static walk expand_walk(const eg_emit *e) {
	const eg_dims x = eg_emit_in_dims(e, 0), y = eg_emit_out_dims(e, 0);
	int64_t stride[EG_MAX_DIMS];
	walk w = {0};
	strides_of(&x, stride);
	for (int i = 0; i < y.rank; i++) {
		const int k = i - (y.rank - x.rank);
		push(&w, y.d[i], k >= 0 && x.d[k] == y.d[i] ? stride[k] : 0);
	}
	if (w.rank == 0) push(&w, 1, 0);
	return w;
}

static void expand_fwd(eg_emit *e) {
	const walk w = expand_walk(e);
	forward(e, &w, eg_emit_in_dims(e, 0).rank == w.rank && by_samples(e));
}

static void expand_bwd(eg_emit *e) {
	const walk w = expand_walk(e);
	backward_sums(e, &w);
}

#define EXPAND(...) &(const expand_options){.shape = EG_INTS(__VA_ARGS__)}
static const eg_case expand_cases[] = {
	{"channels to pictures", EXPAND(-1, 3, 5, 4), .in = {OP_DIMS(EG_N, 3, 1, 1)}, .nin = 1, .batch = 18, .linear = true},
	{"columns", EXPAND(7), .in = {OP_DIMS(EG_N, 5, 1)}, .nin = 1, .batch = 18, .linear = true},
	{"new dimensions", EXPAND(6, 2, 1), .in = {OP_DIMS(5)}, .nin = 1, .batch = 2, .linear = true},
	{"a number, several units", EXPAND(50, 700), .in = {{0}}, .nin = 1, .batch = 2, .linear = true},
	{"as another input is, batch and time", NULL, .in = {OP_DIMS(3), OP_DIMS(EG_T, EG_N, 1)}, .nin = 2, .batch = 6, .time = 5, .linear = true},
	{"both, integers", EXPAND(2, 1, 1), .in = {OP_DIMS(1, 4), OP_DIMS(EG_N, 1)}, .type = {EG_I32}, .limit = 9, .nin = 2, .batch = 5},
};

/* ---- tile -------------------------------------------------------------------------------------------------------- */

typedef struct tile_options {
	const char *name;
	eg_ints repeats;
} tile_options;

static const eg_attr tile_attrs[] = {
	OP_INT_LIST(tile_options, repeats, NAN, EG_MAX_DIMS, 1, OP_SIZE_MAX, "repeats", "how often x stands side by side along each dimension"),
};

static eg_status tile_infer(eg_infer *s) {
	const tile_options *o = s->options;
	const eg_dims *x = &s->in[0];
	char text[128];
	eg_dims_text(x, text, sizeof text);
	if (o->repeats.n != x->rank)
		return eg_fail(s->err, EG_ERR_SHAPE, "repeats has %d numbers, x %s has %d dimensions", o->repeats.n, text, x->rank);
	s->out_type[0] = s->in_type[0];
	s->out[0] = *x;
	for (int i = 0; i < x->rank; i++) {
		if (o->repeats.at[i] == 1) continue;
		if (eg_dim_is_batch(x->d[i]))
			return eg_fail(s->err, EG_ERR_SHAPE, "dimension %d of x %s is the batch, which cannot be repeated", i, text);
		s->out[0].d[i] = x->d[i] > 0 ? x->d[i] * o->repeats.at[i] : eg_infer_size(s, x->d[i]);
	}
	return EG_OK;
}

static walk tile_walk(const eg_emit *e) {
	const tile_options *o = eg_emit_options(e);
	const eg_dims x = eg_emit_in_dims(e, 0);
	int64_t stride[EG_MAX_DIMS];
	walk w = {0};
	strides_of(&x, stride);
	for (int i = 0; i < x.rank; i++) {
		if (o->repeats.at[i] > 1) push(&w, o->repeats.at[i], 0);
		push(&w, x.d[i], stride[i]);
	}
	return w;
}

static void tile_fwd(eg_emit *e) {
	const walk w = tile_walk(e);
	forward(e, &w, by_samples(e));
}

static void tile_bwd(eg_emit *e) {
	const walk w = tile_walk(e);
	backward_sums(e, &w);
}

#define TILE(...) &(const tile_options){.repeats = EG_INTS(__VA_ARGS__)}
static const eg_case tile_cases[] = {
	{"rows and columns", TILE(1, 1, 2, 3), .in = {OP_DIMS(EG_N, 3, 5, 4)}, .nin = 1, .batch = 18, .linear = true},
	{"all dimensions, several units", TILE(3, 2, 4), .in = {OP_DIMS(13, 37, 5)}, .nin = 1, .batch = 2, .linear = true},
	{"time", TILE(2, 1, 1), .in = {OP_DIMS(EG_T, EG_N, 3)}, .nin = 1, .batch = 6, .time = 5, .linear = true},
	{"integers", TILE(1, 4), .in = {OP_DIMS(EG_N, 7)}, .type = {EG_I32}, .limit = 50, .nin = 1, .batch = 18},
};

/* ---- ONNX: lists are inputs there -------------------------------------------------------------------------------- */

#define transpose_export NULL
#define transpose_import NULL

static void slice_export(eg_export *x) {
	const slice_options *o = eg_export_options(x);
	const char *starts = eg_export_list(x, o->starts), *ends = eg_export_list(x, o->ends);
	eg_export_node(x, "Slice", EG_NAMES(eg_export_in(x, 0), starts, ends, eg_export_list(x, o->axes), eg_export_list(x, o->steps)),
		EG_NAMES(eg_export_out(x, 0)));
}

static bool slice_import(eg_import *m) {
	if (eg_import_opset(m) < 10) return false;
	slice_options o = {.starts = eg_import_list(m, 1), .ends = eg_import_list(m, 2), .axes = eg_import_list(m, 3), .steps = eg_import_list(m, 4)};
	eg_tensor in = eg_import_in(m, 0);
	eg_import_out(m, 0, eg_import_apply(m, "slice", &o, &in, 1));
	return true;
}

/* The shape of another input would have to be computed there. */
static void expand_export(eg_export *x) {
	const expand_options *o = eg_export_options(x);
	int shape[EG_MAX_DIMS];
	if (eg_export_nin(x) > 1) {
		eg_export_fail(x, "the shape of `like` would have to be computed there");
		return;
	}
	/* 1 leaves what x has */
	for (int i = 0; i < o->shape.n; i++) shape[i] = o->shape.at[i] <= 0 ? 1 : o->shape.at[i];
	const char *list = eg_export_list(x, (eg_ints){shape, o->shape.n});
	eg_export_node(x, "Expand", EG_NAMES(eg_export_in(x, 0), list), EG_NAMES(eg_export_out(x, 0)));
}

static bool expand_import(eg_import *m) {
	const eg_dims x = eg_import_in_dims(m, 0);
	expand_options o = {.shape = eg_import_shape(m, 1, &x, true)};
	eg_tensor in = eg_import_in(m, 0);
	eg_import_out(m, 0, eg_import_apply(m, "expand", &o, &in, 1));
	return true;
}

static void tile_export(eg_export *x) {
	const tile_options *o = eg_export_options(x);
	eg_export_node(x, "Tile", EG_NAMES(eg_export_in(x, 0), eg_export_list(x, o->repeats)), EG_NAMES(eg_export_out(x, 0)));
}

static bool tile_import(eg_import *m) {
	tile_options o = {.repeats = eg_import_list(m, 1)};
	eg_tensor in = eg_import_in(m, 0);
	eg_import_out(m, 0, eg_import_apply(m, "tile", &o, &in, 1));
	return true;
}

/* ---- descriptors ------------------------------------------------------------------------------------------------- */

#define STRIDED_OP(op, since, op_onnx, short_form, text, formula, ...)                                                 \
	const eg_op eg_op_##op = {.info = {.name = #op, .layer = #op, .doc = OP_TEXT(text), .equation = OP_TEXT(formula),                \
		.source = OP_TEXT("ONNX " op_onnx "-" #since), .attrs = op##_attrs, .nattrs = EG_COUNT(op##_attrs),             \
		.options_size = sizeof(op##_options), .shorthand = short_form, .min_inputs = 1, __VA_ARGS__,           \
		.outputs = (const char *const[]){"y", NULL}},                                                          \
		.infer = op##_infer, .range = op_range_of_input, .fwd = op##_fwd, .bwd = OP_BWD(op##_bwd), .onnx = op_onnx,    \
		.onnx_since = since, .export = OP_ONNX(op##_export), .import = OP_ONNX(op##_import), OP_CASES(op##_cases)}
#define ONE_INPUT .max_inputs = 1, .inputs = (const char *const[]){"x"}, .types = "a"

STRIDED_OP(transpose, 13, "Transpose", "perm", "Dimensions in another order",
	"y[i0,i1,...] = x[...], index i_k of y being index perm[k] of x; dx = dy with the dimensions back in their order", ONE_INPUT);
STRIDED_OP(slice, 13, "Slice", NULL, "A part of a tensor: from `starts` to before `ends` along `axes`, every `steps`-th",
	"y[..,i,..] = x[..,start + step i,..] along each axis; dx is dy there, 0 elsewhere", ONE_INPUT);
STRIDED_OP(expand, 13, "Expand", "shape", "Repeats along dimensions of size 1 and new ones, as broadcasting does",
	"y[i0,i1,...] = x[...] with index 0 where x has size 1; dx = sums of dy over what was repeated", .max_inputs = 2,
	.inputs = (const char *const[]){"x", "like"}, .types = "aa");
STRIDED_OP(tile, 13, "Tile", "repeats", "A tensor several times side by side",
	"y[i0,i1,...] = x[i0 mod D0, i1 mod D1, ...] for x (D0,D1,...); dx = sums of dy over the repeats", ONE_INPUT);
