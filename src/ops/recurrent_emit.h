/* recurrent_emit.h - what the calls of recurrent layers share, forward (recurrent_emit_fwd.c) and backward
 * (recurrent_emit_bwd.c): what is known of the sequence, what a layer keeps of it, and its weights.
 *
 * With checkpoints (Chen et al. 2016, Training deep nets with sublinear memory cost) time is cut into segments. Forward
 * keeps nothing but the state before each; backward takes the segments from the last to the first, goes through each
 * once more to have its gates, and then back. */
#ifndef ENGRAM_OPS_RECURRENT_EMIT_H
#define ENGRAM_OPS_RECURRENT_EMIT_H

#include "kern/recurrent.h"
#include "ops/recurrent.h"

typedef struct recurrent_seq {
	eg_emit *e;
	const recurrent *r;
	recurrent_ports port;
	int T, N, D, I;
	bool has_bwd, carries, carried; /* carried: the plan does keep a state */
	bool chunked; /* all layers go through a chunk of time before the next */
	int chunk;    /* steps */
	int segment;  /* steps between checkpoints; 0: none, everything is kept */
	bool keep;    /* what is emitted now keeps what backward reads: */
	int first, count, k0; /* of these steps, in the order of processing, the earliest at time k0 */
	eg_buf given, lengths, dt; /* given: the input `lengths`; lengths: it, or ends that the planner knows */
	eg_buf out[EG_MAX_OUTPUTS]; /* forward: those that somebody reads */
} recurrent_seq;

/* What the recurrence keeps. */
typedef struct recurrent_memory {
	eg_buf gates, hs, cs, op, hd, m, xhat, rstd, cn, raw, mask, stays_h, stays_c;
} recurrent_memory;

/* A layer in one direction on its way through the chunks. */
typedef struct recurrent_lane {
	recurrent_memory mem;
	eg_buf w[2], r[2], projection; /* packed */
	eg_buf x;                      /* (steps, N, inputs) */
	int x0;                        /* time of its first row */
	eg_buf y;                      /* absent: nobody reads it */
	int y0;
	int ld_y;
	bool add;
	bool again; /* only to keep what backward reads: the outputs are there already */
} recurrent_lane;

/* The options as the plan takes them: nothing is dropped but in training. */
recurrent recurrent_in_mode(const eg_emit *e, const recurrent *r);
recurrent_seq recurrent_seq_of(eg_emit *e, const recurrent *r);
eg_recurrent_shape recurrent_shape_of(const recurrent_seq *s, int d);
int recurrent_segments(const recurrent_seq *s); /* 1 without checkpoints */

/* ---- what is kept of layer l in direction d ---------------------------------------------------------------------- */

/* gates: where they are if they are not kept. */
recurrent_memory recurrent_memory_of(const recurrent_seq *s, int l, int d, eg_buf gates);
/* The state before segment i: h, or of lstm the cell. */
eg_buf recurrent_checkpoint(const recurrent_seq *s, int l, int d, bool cell, int i);
/* What layer l > 0 has read, in all steps. */
eg_buf recurrent_kept_input(const recurrent_seq *s, int l);
/* hs of a layer, from the state after time 0 on (or, reverse, of the last): its outputs but for rows that have
 * ended. */
eg_buf recurrent_states_after(const recurrent_seq *s, eg_buf hs);

/* ---- weights ----------------------------------------------------------------------------------------------------- */

/* The part of a weight, or of its gradient, that belongs to direction d, from element `first` on. */
eg_buf recurrent_part(const recurrent_seq *s, eg_buf b, int l, recurrent_weight kind, int d, int64_t first);
eg_buf recurrent_weight_of(const recurrent_seq *s, int l, recurrent_weight kind, int d, int64_t first);

/* n columns from `at` on in a row of gates are n rows of the weights from `row` on. */
typedef struct recurrent_span {
	int at, n, row;
} recurrent_span;
/* Of the input's part; of the recurrent part: how many. Each span of the latter is a product of its own. */
int recurrent_input_spans(const recurrent *r, recurrent_span out[2]);
int recurrent_state_spans(const recurrent *r, recurrent_span out[2]);

/* R (k, parts*units), or, trans, its transposed, packed for the recurrence. */
eg_buf recurrent_packed(
	const recurrent_seq *s, eg_buf r, int64_t k, int64_t units, int64_t parts, int64_t ld, bool trans);
/* How a recurrence of some steps is done jointly: with one meeting a step, or two or three. */
eg_joint_spec recurrent_joint_of(const recurrent_seq *s, eg_joint run, int steps);

/* ---- random numbers ---------------------------------------------------------------------------------------------- */

/* Dropout of what layer l > 0 reads, or of its gradient. */
void recurrent_drop_inputs(const recurrent_seq *s, eg_buf x, int l);
/* Of a state: the same at all times (Gal and Ghahramani 2016); which numbers of it stay, at each time (Krueger et al.
 * 2017). */
void recurrent_make_masks(const recurrent_seq *s, int l, int d, const recurrent_memory *m);

/* ---- the way forward, which backward goes once more (recurrent_emit_fwd.c) --------------------------------------- */

/* What forward multiplies with, packed, into *p. */
void recurrent_pack_weights(const recurrent_seq *s, int l, int d, recurrent_lane *p);
/* Steps [first, first+count) of one layer in one direction. */
void recurrent_emit_steps(const recurrent_seq *s, int l, int d, const recurrent_lane *p, int first, int count);

#endif
