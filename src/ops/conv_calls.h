/* conv_calls.h - one convolution of pictures on buffers that the caller has: what it costs, which algorithm, and the
 * calls. All operators of the family are made of it (conv.c, conv_frames.c, conv_transpose.c, causal_conv.c). The
 * buffers of x and y lie as a conv_way says. */
#ifndef ENGRAM_OPS_CONV_CALLS_H
#define ENGRAM_OPS_CONV_CALLS_H

#include "ops/ops.h"

/* One way to compute one direction: with the x and the y side lying so. LANES is decided for a layer as a whole. */
typedef struct conv_way {
	int algorithm; /* eg_conv_algo, or EG_CONV_ALGOS: the implicit product, in PLAIN, which is in no list */
	eg_layout x, y;
	double cost;
} conv_way;

/* Where gradients of weights go; bias may be absent. */
typedef struct conv_grads {
	eg_buf weight, bias;
	bool acc_weight, acc_bias;
} conv_grads;

int64_t conv_weights(const eg_conv_shape *s);
double conv_flops(const eg_conv_shape *s);

/* The cheapest way when input 0 and output 0 of the node lie as they do, or the algorithm that is asked for, where it
 * can do this. What the calls cannot read or write is reordered, which counts. */
conv_way conv_choose(const eg_emit *e, const eg_conv_shape *s, eg_conv_dir dir, eg_layout x, eg_layout y);
/* Between buffers that are PLAIN. */
static inline conv_way conv_choose_plain(const eg_emit *e, const eg_conv_shape *s, eg_conv_dir dir) {
	return conv_choose(e, s, dir, EG_PLAIN, EG_PLAIN);
}
/* All directions that this plan needs, with x in layout x and y in LANES. Libraries of chosen operators may be without
 * the way in LANES (ENGRAM_ALGORITHMS): it costs infinitely much there. */
#ifdef ENGRAM_WITHOUT_LANES
enum { CONV_HAS_LANES = 0 };
#else
enum { CONV_HAS_LANES = 1 };
#endif
double conv_lanes_cost(const eg_emit *e, const eg_conv_shape *s, eg_layout x);
bool conv_wants(const eg_emit *e, eg_conv_dir dir);

/* y = act([y +] conv(x, w) + b), adding only to a BLOCKED y; data: dx = [dx +] the gradient, without b. a.w is
 * (K,C/G,R,S) as it is; a.s is set here. */
void conv_call(eg_emit *e, const eg_conv_shape *s, conv_way way, eg_conv_run_args a);
void conv_call_data(eg_emit *e, const eg_conv_shape *s, conv_way way, eg_conv_run_args a);
void conv_call_weights(eg_emit *e, const eg_conv_shape *s, conv_way way, eg_buf x, eg_buf dy, conv_grads g);

/* The same block by block, all in LANES. */
void conv_call_lanes(eg_emit *e, const eg_conv_shape *s, eg_buf x, eg_buf w, eg_buf b, eg_buf y);
void conv_call_lanes_data(eg_emit *e, const eg_conv_shape *s, eg_buf dy, eg_buf w, eg_buf dx, bool acc);
void conv_call_lanes_weights(eg_emit *e, const eg_conv_shape *s, eg_buf x, eg_buf dy, conv_grads g);

/* And together with the 2x2 maximum behind it, where conv_pool_can. code (which position of each window won) may be
 * absent at inference. In backward dz is the gradient of what the maximum left; returns that of the convolution where
 * there must be one: for the data, or since the weights are not computed from dz. */
void conv_call_pool(eg_emit *e, const eg_conv_shape *s, eg_buf x, eg_buf w, eg_buf b, eg_buf y, eg_buf code);
eg_buf conv_call_unpool(eg_emit *e, const eg_conv_shape *s, eg_buf dz, eg_buf code);
void conv_call_pool_weights(eg_emit *e, const eg_conv_shape *s, eg_buf x, eg_buf dz, eg_buf code, conv_grads g);

#endif
