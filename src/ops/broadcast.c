/* broadcast.c - inputs brought to one shape (broadcast.h). */
#include "ops/broadcast.h"

static_assert((int)EG_KDIMS >= (int)EG_MAX_DIMS, "the kernels know as many dimensions as a tensor may have");

bool broadcast_same(const eg_dims *a, const eg_dims *b) {
	return a->rank == b->rank && !memcmp(a->d, b->d, (size_t)a->rank * sizeof a->d[0]);
}

/* Size of dimension i of `rank`, when the dimensions of t are aligned to the right; 1 where t has none. */
static int64_t aligned(const eg_dims *t, int i, int rank) {
	int j = i - (rank - t->rank);
	return j < 0 ? 1 : t->d[j];
}

/* *y becomes what y and b make together. */
static eg_status join(eg_infer *s, eg_dims *y, const char *ya, const eg_dims *b, const char *yb, bool sequence) {
	const eg_dims a = *y;
	char ta[128], tb[128];
	y->rank = a.rank > b->rank ? a.rank : b->rank;
	for (int i = 0; i < y->rank; i++) {
		int64_t da = aligned(&a, i, y->rank), db = aligned(b, i, y->rank);
		if (!eg_dim_fits(da, db) && da != 1 && db != 1)
			return eg_fail(s->err, EG_ERR_SHAPE,
				"%s %s and %s %s do not fit: dimension %d, aligned to the right, must be equal, or 1 in one of them", ya,
				eg_dims_text(&a, ta, sizeof ta), yb, eg_dims_text(b, tb, sizeof tb), i);
		y->d[i] = da == 1 ? db : db == 1 ? da : eg_dim_surer(da, db);
		/* to behind dimensions that it has not */
		const bool moved = (eg_dim_is_batch(da) ? a.rank : b->rank) < y->rank;
		if (eg_dim_is_batch(y->d[i]) && da != db && i > 0 && !sequence && moved)
			return eg_fail(s->err, EG_ERR_SHAPE,
				"%s %s and %s %s: the batch of one would meet dimension %d of the other; give both as many dimensions", ya,
				eg_dims_text(&a, ta, sizeof ta), yb, eg_dims_text(b, tb, sizeof tb), i);
	}
	return EG_OK;
}

eg_status broadcast_infer(eg_infer *s, const char *const *names, int first, int n) {
	int rank = 0;
	bool sequence = false;
	for (int i = first; i < first + n; i++) {
		if (op_check_real(s, i, names[i])) return s->err->status;
		if (s->in[i].rank > rank) rank = s->in[i].rank;
	}
	for (int i = first; i < first + n; i++) sequence |= s->in[i].rank == rank && op_time_first(&s->declared[i]);
	s->out[0] = s->in[first];
	for (int i = first + 1; i < first + n; i++)
		if (join(s, &s->out[0], i == first + 1 ? names[first] : "what the inputs before it make", &s->in[i], names[i], sequence))
			return s->err->status;
	return EG_OK;
}

void broadcast_strides(const eg_dims *t, const eg_dims *y, int64_t *out) {
	int64_t step = 1;
	for (int i = y->rank - 1; i >= 0; i--) {
		int64_t d = aligned(t, i, y->rank);
		out[i] = d == 1 ? 0 : step;
		step *= d;
	}
}

bool broadcast_alike(const eg_emit *e, int n) {
	const eg_dims y = eg_emit_out_dims(e, 0);
	for (int i = 0; i < n; i++) {
		eg_dims x = eg_emit_in_dims(e, i);
		if (!broadcast_same(&x, &y) || eg_emit_in_batched(e, i) != eg_emit_out_batched(e, 0)) return false;
	}
	return true;
}

broadcast_job broadcast_job_of(const eg_emit *e, int n, bool flat, eg_layout layout) {
	const eg_dims y = eg_emit_out_dims(e, 0);
	broadcast_job j = {.flat = flat, .layout = flat ? layout : EG_PLAIN, .total = eg_dims_count(&y, 0)};
	if (flat) {
		eg_walk w = eg_emit_walk_out(e, 0, layout);
		j.at = (eg_spread){.rank = 1, .rows = (int)w.unit, .dims = {w.total}};
		for (int i = 0; i < n; i++) j.at.s[i][0] = 1;
		j.job = (op_blocks){w.block, w.units};
		j.ystride = w.unit;
		return j;
	}
	j.at = (eg_spread){.rank = y.rank ? y.rank : 1, .rows = EG_BLOCK, .dims = {1}};
	memcpy(j.at.dims, y.d, (size_t)y.rank * sizeof y.d[0]);
	for (int i = 0; i < n; i++) {
		const eg_dims x = eg_emit_in_dims(e, i);
		broadcast_strides(&x, &y, j.at.s[i]);
	}
	j.job = op_blocks_of(eg_emit_out_batched(e, 0), j.at.dims[0]);
	j.ystride = eg_dims_count(&y, y.rank ? 1 : 0) * EG_BLOCK;
	return j;
}

eg_buf broadcast_in(const broadcast_job *j, eg_buf b, int i) { return op_stride(j->job.block, b, j->at.s[i][0] * j->at.rows); }

static bool is_whole(const eg_emit *e, int i) {
	const eg_dims x = eg_emit_in_dims(e, i), y = eg_emit_out_dims(e, 0);
	return broadcast_same(&x, &y) && eg_emit_in_batched(e, i) == eg_emit_out_batched(e, 0);
}

eg_buf broadcast_grad(eg_emit *e, const broadcast_job *j, int i, bool *acc) {
	*acc = false;
	if (is_whole(e, i)) return broadcast_out(j, eg_emit_dx(e, i, j->layout, acc));
	return broadcast_out(j, eg_emit_temp(e, EG_ELEM_REAL, j->job.block ? j->ystride : j->total, j->job.block));
}

void broadcast_sum(eg_emit *e, int i, eg_buf d) {
	const eg_dims x = eg_emit_in_dims(e, i), y = eg_emit_out_dims(e, 0);
	if (is_whole(e, i)) return;
	eg_sum_to_args t = {.x = {d.p, 0}, .rank = y.rank, .count = eg_dims_count(&x, 0)};
	memcpy(t.dims, y.d, (size_t)y.rank * sizeof y.d[0]);
	broadcast_strides(&x, &y, t.sy);
	t.y = eg_emit_dx(e, i, EG_PLAIN, &t.acc);
	OP_CALL(e, sum_to, t, 1, 1, .units = (int)((t.count + EG_BLOCK - 1) / EG_BLOCK), .flops = (double)eg_dims_count(&y, 0));
}
