/* sequence_loss.h - what the losses over whole sequences (ctc.c, crf.c) share: checks of shapes, and the way from the
 * losses of samples to one number. */
#ifndef ENGRAM_OPS_SEQUENCE_LOSS_H
#define ENGRAM_OPS_SEQUENCE_LOSS_H

#include "ops/ops.h"

enum { REDUCE_MEAN, REDUCE_SUM, REDUCE_NONE };
static const char *const reductions[] = {"mean", "sum", "none", NULL};

/* x (T,N,n) with n known and the time first. */
static inline eg_status op_check_steps(const eg_dims *x, const char *name, const char *last, eg_error *err) {
	char text[128];
	eg_dims_text(x, text, sizeof text);
	if (x->rank != 3 || x->d[2] < 0) return eg_fail(err, EG_ERR_SHAPE, "%s %s must be (T,N,%s)", name, text, last);
	if (eg_dim_is_batch(x->d[0]) || eg_dim_is_open(x->d[1]))
		return eg_fail(err, EG_ERR_SHAPE, "%s %s has the batch first; sequences are (T,N,%s), the time first",
		        name, text, last);
	return EG_OK;
}

static inline eg_status op_check_sequence(const eg_infer *s, int i, const char *name, const char *last) {
	return op_check_real(s, i, name) ? s->err->status : op_check_steps(&s->in[i], name, last, s->err);
}

/* Integers of these dimensions; an absent optional input is in order. */
static inline eg_status op_check_integers(const eg_infer *s, int i, const char *name, eg_dims want, const char *what) {
	char text[128], tw[128];
	if (i >= s->nin || s->in[i].rank < 0) return EG_OK;
	if (s->in_type[i] != EG_I32)
		return eg_fail(s->err, EG_ERR_ARG,
		        "%s holds floating-point numbers (EG_F32), integers (EG_I32) are needed", name);
	if (eg_dims_fit(&s->in[i], &want)) return EG_OK;
	return eg_fail(s->err, EG_ERR_SHAPE, "%s is %s, %s: %s", name, eg_dims_text(&s->in[i], text, sizeof text), what,
	        eg_dims_text(&want, tw, sizeof tw));
}

/* Output 0 from the losses of n samples; `factor` may be absent. */
static inline void op_reduce_losses(eg_emit *e, int reduction, eg_buf losses, eg_buf factor, int n) {
	eg_loss_sum_args a = {
	        .losses = losses, .factor = factor, .n = n, .scale = reduction == REDUCE_MEAN ? 1.0 / n : 1.0};
	a.loss = eg_emit_y(e, 0, EG_PLAIN);
	OP_CALL(e, loss_sum, a, 2, 1, .units = 1, .flops = n);
}

#endif
