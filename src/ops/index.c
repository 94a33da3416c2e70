/* index.c - whole numbers as places in a tensor (index.h). */
#include "ops/index.h"

#include "ops/flat.h"

/* ---- checks ------------------------------------------------------------------------------------------------------ */

eg_status index_check(const eg_infer *s, int i, const char *name) {
	if (s->in_type[i] == EG_I32) return EG_OK;
	return eg_fail(
		s->err, EG_ERR_ARG, "%s holds floating-point numbers (EG_F32), integers (EG_I32) are needed", name);
}

int index_batch(const eg_dims *d) {
	for (int i = 0; i < d->rank; i++)
		if (eg_dim_is_batch(d->d[i])) return i;
	return -1;
}

eg_status index_axis(eg_infer *s, int given, int *axis) {
	const eg_dims *x = &s->in[0];
	char text[128];
	eg_dims_text(x, text, sizeof text);
	if (!op_axis(given, x->rank, axis))
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s has no dimension %d; axis may be %d to %d", text, given,
			-x->rank, x->rank - 1);
	if (eg_dim_is_batch(x->d[*axis]))
		return eg_fail(s->err, EG_ERR_SHAPE,
			"dimension %d of x %s is the batch, whose samples must not be mixed; take another axis", *axis,
			text);
	return EG_OK;
}

eg_status index_check_tuples(eg_infer *s, int i, int batch, int *n) {
	const eg_dims *x = &s->in[0], *index = &s->in[i];
	char tx[128], ti[128];
	eg_dims_text(x, tx, sizeof tx);
	eg_dims_text(index, ti, sizeof ti);
	bool fits = index->rank > batch && x->rank > batch && index->d[index->rank - 1] > 0;
	for (int k = 0; k < batch && fits; k++) fits = eg_dim_fits(x->d[k], index->d[k]);
	if (!fits)
		return eg_fail(s->err, EG_ERR_SHAPE,
			"indices %s do not fit x %s: they need its first %d dimensions (batch_dims), any others, and a "
			"last one of "
			"known size, one number for each dimension that they choose in",
			ti, tx, batch);
	*n = (int)(index->d[index->rank - 1] < EG_MAX_DIMS + 1 ? index->d[index->rank - 1] : EG_MAX_DIMS + 1);
	if (batch + *n > x->rank)
		return eg_fail(s->err, EG_ERR_SHAPE,
			"the last dimension of indices %s names more than the dimensions %d to %d of x %s", ti, batch,
			x->rank - 1, tx);
	for (int k = batch; k < batch + *n; k++)
		if (eg_dim_is_batch(x->d[k]))
			return eg_fail(s->err, EG_ERR_SHAPE,
				"dimension %d of x %s is the batch, whose samples must not be mixed; batch_dims of %d "
				"leave it alone",
				k, tx, k + 1);
	return EG_OK;
}

eg_status index_check_elements(eg_infer *s, int i, int axis) {
	const eg_dims *x = &s->in[0], *index = &s->in[i];
	char tx[128], ti[128];
	bool fits = x->rank == index->rank && !eg_dim_is_batch(index->d[axis]);
	for (int k = 0; k < x->rank && fits; k++) {
		if (k == axis) continue;
		fits = eg_dim_is_batch(x->d[k]) == eg_dim_is_batch(index->d[k]);
		fits = fits &&
		       (x->d[k] > 0 && index->d[k] > 0 ? index->d[k] <= x->d[k] : eg_dim_fits(x->d[k], index->d[k]));
	}
	if (fits) return EG_OK;
	return eg_fail(s->err, EG_ERR_SHAPE,
		"indices %s do not fit x %s: as many dimensions are needed, none larger but dimension %d, the axis, "
		"and the batch the same",
		eg_dims_text(index, ti, sizeof ti), eg_dims_text(x, tx, sizeof tx), axis);
}

/* ---- how rows lie ------------------------------------------------------------------------------------------------ */

static void strides_of(const eg_dims *d, int64_t stride[EG_KDIMS]) {
	int64_t s = 1;
	for (int i = d->rank - 1; i >= 0; i--) {
		stride[i] = s;
		s *= d->d[i];
	}
}

static int64_t product(const eg_dims *d, int from, int to) {
	int64_t n = 1;
	for (int i = from; i < to; i++) n *= d->d[i];
	return n;
}

eg_index_shape index_slices(const eg_dims *x, int axis, int64_t count) {
	const int64_t outer = product(x, 0, axis), inner = product(x, axis + 1, x->rank), n = x->d[axis];
	return (eg_index_shape){.rank = 2,
		.n = 1,
		.dims = {outer, count},
		.sx = {n * inner, 0},
		.si = {0, 1},
		.size = {n},
		.stride = {inner},
		.width = inner,
		.total = outer * count};
}

eg_index_shape index_elements(const eg_dims *x, const eg_dims *index, int axis) {
	eg_index_shape s = {
		.rank = x->rank, .n = 1, .size = {x->d[axis]}, .width = 1, .total = eg_dims_count(index, 0)};
	memcpy(s.dims, index->d, (size_t)x->rank * sizeof *s.dims);
	strides_of(x, s.sx);
	strides_of(index, s.si);
	s.stride[0] = s.sx[axis];
	s.sx[axis] = 0;
	return s;
}

eg_index_shape index_tuples(const eg_dims *x, const eg_dims *index, int batch) {
	const int n = (int)index->d[index->rank - 1];
	const int64_t rows = product(index, batch, index->rank - 1);
	eg_index_shape s = {.rank = 2,
		.n = n,
		.dims = {product(x, 0, batch), rows},
		.sx = {product(x, batch, x->rank), 0},
		.si = {rows * n, n},
		.width = product(x, batch + n, x->rank)};
	int64_t stride[EG_KDIMS] = {0};
	strides_of(x, stride);
	for (int c = 0; c < n; c++) {
		s.size[c] = x->d[batch + c];
		s.stride[c] = stride[batch + c];
	}
	s.total = s.dims[0] * s.dims[1];
	return s;
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

void index_gather(eg_emit *e, index_buffers b, const eg_index_shape *s, bool gradient, bool acc, eg_dtype type) {
	eg_gather_args a = {.x = b.x,
		.index = b.index,
		.owner = b.owner,
		.y = b.y,
		.s = *s,
		.rows = s->width < EG_CHUNK ? EG_CHUNK / s->width : 1,
		.outside = gradient ? 0 : (real)NAN,
		.acc = acc,
		.integers = type != EG_F32};
	OP_CALL(e, gather, a, 3, 1, .units = (int)((s->total + a.rows - 1) / a.rows),
		.flops = (double)(s->total * (s->width + s->n)));
}

/* Shares of the work in which no two rows meet: of the longest dimension that tells them apart, or of the columns.
 * They depend on the shape alone. */
static void cut_up(eg_scatter_args *a) {
	enum { MOST = 16, COLUMNS = 16 };
	const eg_index_shape *s = &a->s;
	int64_t longest = 1;
	a->cut = -1;
	for (int d = 0; d < s->rank; d++)
		if (s->sx[d] && s->dims[d] > longest) longest = s->dims[a->cut = d];
	const int64_t columns = s->width / COLUMNS;
	if (columns > longest) a->cut = -1;
	if (columns > longest) longest = columns;
	a->parts = longest < MOST ? (int)longest : MOST;
}

void index_scatter(
	eg_emit *e, eg_buf x, eg_buf index, eg_buf y, const eg_index_shape *s, eg_scatter_op op, eg_dtype type) {
	eg_scatter_args a = {.x = x, .index = index, .y = y, .s = *s, .op = op, .integers = type != EG_F32};
	cut_up(&a);
	OP_CALL(e, scatter, a, 2, 1, .units = a.parts, .flops = (double)(s->total * (s->width + s->n)));
}

void index_gather_bwd(eg_emit *e, eg_buf index, const eg_index_shape *s) {
	const eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	const eg_dims x = eg_emit_in_dims(e, 0);
	bool acc;
	if (!dy.p || !eg_emit_needs_dx(e, 0)) return;
	const eg_buf dx = eg_emit_dx(e, 0, EG_PLAIN, &acc);
	if (!acc) flat_fill(e, dx, eg_dims_count(&x, 0), 0);
	index_scatter(e, dy, index, dx, s, EG_SCATTER_ADD, EG_F32);
}
