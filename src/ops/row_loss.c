/* row_loss.c - shapes and calls of losses of rows: see row_loss.h. */
#include "ops/row_loss.h"

const char *const op_reductions[] = {"mean", "sum", "none", NULL};

/* ---- shapes ------------------------------------------------------------------------------------------------------ */

int op_row_axis(int axis, const eg_dims *declared) {
	int at = axis < 0 ? axis + declared->rank : axis;
	if (axis == 1 && op_time_first(declared)) at = declared->rank - 1;
	return at < 1 || at >= declared->rank || eg_dim_is_batch(declared->d[at]) ? -1 : at;
}

eg_dims op_without_axis(const eg_dims *x, int axis) {
	eg_dims d = {.rank = x->rank - 1};
	for (int i = 0; i < d.rank; i++) d.d[i] = x->d[i < axis ? i : i + 1];
	return d;
}

eg_status op_classes_target(int axis, const eg_dims *declared, const eg_dims *x, eg_target_info *target, eg_error *err) {
	char tx[128];
	const int at = op_row_axis(axis, declared);
	eg_dims_text(x, tx, sizeof tx);
	if (x->rank < 2) return eg_fail(err, EG_ERR_SHAPE, "logits %s need at least 2 dimensions, (N,classes,...)", tx);
	if (axis == 0)
		return eg_fail(err, EG_ERR_ARG,
			"axis 0 of logits %s are the samples; the classes are dimension 1, or another, or the last (-1)", tx);
	if (at < 0)
		return eg_fail(err, EG_ERR_ARG, "logits %s have no dimension for classes at axis %d: 1 to %d, or from the end -1 to %d",
			tx, axis, x->rank - 1, 1 - x->rank);
	if (x->d[at] < 0)
		return eg_fail(err, EG_ERR_SHAPE, "dimension %d of logits %s must be the classes", at, tx);
	*target = (eg_target_info){.dims = op_without_axis(x, at), .type = EG_I32, .class_axis = at};
	return EG_OK;
}

static void set_output(eg_infer *s, const eg_dims *rows, int reduction) {
	s->out[0] = reduction == OP_NONE ? *rows : (eg_dims){.rank = 0};
}

enum { X, TARGET, WEIGHT };

eg_status op_classes_check_weight(eg_infer *s, int axis) {
	const eg_dims *x = &s->in[X], *w = &s->in[WEIGHT];
	char tx[128], tt[128];
	if (s->nin <= WEIGHT || w->rank < 0) return EG_OK;
	if (op_check_real(s, WEIGHT, "weight")) return s->err->status;
	if (w->rank == 1 && w->d[0] == x->d[axis]) return EG_OK;
	return eg_fail(s->err, EG_ERR_SHAPE, "weight is %s, the %lld classes of logits %s need (%lld)", eg_dims_text(w, tt, sizeof tt),
		(long long)x->d[axis], eg_dims_text(x, tx, sizeof tx), (long long)x->d[axis]);
}

eg_status op_classes_infer(eg_infer *s, int axis, int reduction) {
	const eg_dims *x = &s->in[X], *t = &s->in[TARGET];
	char tx[128], tt[128], te[128];
	eg_target_info want;
	eg_dims_text(x, tx, sizeof tx);
	if (op_check_real(s, X, "logits") || op_classes_target(axis, &s->declared[X], x, &want, s->err))
		return s->err->status;
	if (s->in_type[TARGET] != EG_I32)
		return eg_fail(s->err, EG_ERR_ARG,
			"target holds floating-point numbers (EG_F32), class numbers (EG_I32) are needed");
	if (!eg_dims_fit(t, &want.dims))
		return eg_fail(s->err, EG_ERR_SHAPE, "target is %s, logits %s need one class number for each row: %s",
			eg_dims_text(t, tt, sizeof tt), tx, eg_dims_text(&want.dims, te, sizeof te));
	if (op_classes_check_weight(s, want.class_axis)) return s->err->status;
	set_output(s, &want.dims, reduction);
	return EG_OK;
}

eg_status op_pairs_infer(eg_infer *s, int axis, int rows, bool label, int reduction) {
	const eg_dims *x = &s->in[0];
	static const char *const names[] = {"the first", "the second", "the third"};
	char tx[128], tt[128], te[128];
	const int at = op_row_axis(axis, &s->declared[0]);
	eg_dims_text(x, tx, sizeof tx);
	if (x->rank < 2 || at < 0)
		return eg_fail(s->err, EG_ERR_SHAPE,
			"%s is no tensor with rows along axis %d: it needs samples and, in a dimension of their own, their numbers", tx, axis);
	for (int i = 0; i < rows; i++) {
		if (op_check_real(s, i, names[i < EG_COUNT(names) ? i : EG_COUNT(names) - 1])) return s->err->status;
		if (!eg_dims_fit(x, &s->in[i]))
			return eg_fail(s->err, EG_ERR_SHAPE, "rows %s and %s are compared; they must have the same shape", tx,
				eg_dims_text(&s->in[i], tt, sizeof tt));
	}
	const eg_dims each = op_without_axis(x, at);
	if (label && s->in_type[rows] != EG_I32)
		return eg_fail(s->err, EG_ERR_ARG, "label holds floating-point numbers (EG_F32), whole ones (EG_I32) are needed");
	if (label && !eg_dims_fit(&each, &s->in[rows]))
		return eg_fail(s->err, EG_ERR_SHAPE, "label is %s, rows of %s need one number each: %s",
			eg_dims_text(&s->in[rows], tt, sizeof tt), tx, eg_dims_text(&each, te, sizeof te));
	set_output(s, &each, reduction);
	return EG_OK;
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

/* 16 samples a unit of a batch, else 16 rows. A few large ones are a unit each, so that they share out among
 * threads. */
static eg_row_shape row_shape(const eg_emit *e, const op_row_loss *l, op_blocks *job) {
	const eg_dims x = eg_emit_in_dims(e, X), declared = eg_emit_in_declared(e, X);
	const int axis = op_row_axis(l->axis, &declared);
	int64_t outer = 1;
	for (int i = 0; i < axis; i++) outer *= x.d[i];
	bool batched = !l->label || eg_emit_in_batched(e, l->label);
	for (int i = 0; i < l->rows; i++) batched &= eg_emit_in_batched(e, i);
	const int64_t per = batched ? outer / x.d[0] : 1;
	const bool few = outer / per <= 2 * EG_BLOCK && per * eg_dims_count(&x, axis) >= 8 * EG_CHUNK;
	*job = few ? (op_blocks){false, (int)(outer / per)} : op_blocks_of(batched, outer / per);
	return (eg_row_shape){.outer = outer,
		.rows = few ? per : EG_BLOCK * per,
		.n = (int)x.d[axis],
		.inner = (int)eg_dims_count(&x, axis + 1),
		.op = l->op,
		.kind = l->kind,
		.ignore = l->ignore,
		.a = (real)l->a,
		.b = (real)l->b,
		.c = (real)l->c};
}

static eg_buf row_input(eg_emit *e, const eg_row_shape *s, op_blocks job, int i) {
	return op_stride(job.block, eg_emit_x(e, i, EG_PLAIN), s->rows * s->n * s->inner);
}

static eg_buf row_label(eg_emit *e, const op_row_loss *l, const eg_row_shape *s, op_blocks job) {
	if (!l->label) return (eg_buf){0};
	return op_stride(job.block, eg_emit_x(e, l->label, EG_PLAIN), s->rows * s->inner);
}

static eg_buf row_weight(eg_emit *e, const op_row_loss *l) {
	return l->weight && eg_emit_nin(e) > l->weight ? eg_emit_x(e, l->weight, EG_PLAIN) : (eg_buf){0};
}

static eg_buf row_denom(eg_emit *e) { return eg_emit_saved(e, 0, EG_ELEM_REAL, 1, false); }

/* What the sum of all rows is divided by. */
static void emit_denom(eg_emit *e, const op_row_loss *l, const eg_row_shape *s) {
	const int64_t count = s->outer * s->inner;
	if (l->counted) {
		eg_ce_denom_args d = {.target = eg_emit_x(e, l->label, EG_PLAIN), .denom = row_denom(e)};
		d.s = (eg_ce_shape){.outer = s->outer,
			.rows = s->rows,
			.n = s->n,
			.inner = s->inner,
			.ignore = s->ignore,
			.mean = l->reduction == OP_MEAN};
		if (l->op != EG_ROW_MARGIN) d.weight = row_weight(e, l);
		OP_CALL(e, ce_denom, d, 2, 1, .units = 1, .flops = (double)count);
		return;
	}
	eg_fill_args f = {.y = row_denom(e), .unit = 1, .total = 1, .value = l->reduction == OP_MEAN ? (real)count : 1};
	OP_CALL(e, fill, f, 0, 1, .units = 1, .flops = 1);
}

void op_row_loss_fwd(eg_emit *e, const op_row_loss *l) {
	op_blocks job;
	eg_row_loss_fwd_args a = {.s = row_shape(e, l, &job)};
	const eg_row_shape *s = &a.s;
	const int64_t each = s->rows * s->inner;
	a.x = row_input(e, s, job, 0);
	if (l->rows > 1) a.y = row_input(e, s, job, 1);
	if (l->rows > 2) a.z = row_input(e, s, job, 2);
	a.label = row_label(e, l, s, job);
	a.weight = row_weight(e, l);
	if (l->reduction == OP_NONE)
		a.value = eg_emit_y(e, 0, EG_PLAIN);
	else
		a.value = eg_emit_temp(e, EG_ELEM_REAL, job.block ? each : each * job.units, job.block);
	a.value = op_stride(job.block, a.value, each);
	OP_CALL(e, row_loss_fwd, a, 5, 1, .block = job.block, .units = job.units,
		.flops = 20.0 * (double)s->outer * s->n * s->inner);
	if (l->reduction == OP_NONE) return;
	emit_denom(e, l, s);
	eg_ce_mean_args m = {.rowloss = a.value, .denom = row_denom(e), .loss = eg_emit_y(e, 0, EG_PLAIN),
		.count = s->outer * s->inner};
	OP_CALL(e, ce_mean, m, 2, 1, .units = 1, .flops = (double)m.count);
}

void op_row_loss_bwd(eg_emit *e, const op_row_loss *l) {
	op_blocks job;
	eg_row_loss_bwd_args a = {.s = row_shape(e, l, &job)};
	const eg_row_shape *s = &a.s;
	a.dvalue = eg_emit_dy(e, 0, EG_PLAIN);
	if (!a.dvalue.p) return;
	if (l->reduction == OP_NONE)
		a.dvalue = op_stride(job.block, a.dvalue, s->rows * s->inner);
	else
		a.denom = row_denom(e);
	for (int i = 0; i < (l->all ? l->rows : 1); i++) {
		if (!eg_emit_needs_dx(e, i)) continue;
		a.x = row_input(e, s, job, 0);
		if (l->rows > 1) a.y = row_input(e, s, job, 1);
		if (l->rows > 2) a.z = row_input(e, s, job, 2);
		a.label = row_label(e, l, s, job);
		a.weight = row_weight(e, l);
		a.side = i;
		a.d = op_stride(job.block, eg_emit_dx(e, i, EG_PLAIN, &a.acc), s->rows * s->n * s->inner);
		OP_CALL(e, row_loss_bwd, a, 7, 1, .block = job.block, .units = job.units,
			.scratch = (size_t)s->n * sizeof(real), .flops = 20.0 * (double)s->outer * s->n * s->inner);
	}
}
