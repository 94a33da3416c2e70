/* attention.h - what attentions share: the calls of the kernels, masks and biases of scores, dropout of weights, and
 * the context that causal attention sees, which a plan that carries its state keeps. */
#ifndef ENGRAM_OPS_ATTENTION_H
#define ENGRAM_OPS_ATTENTION_H

#include "ops/ops.h"

/* The attribute `context`: so many steps before its own a step sees at most: the state of a plan with carry. */
#define ATTENTION_CONTEXT(type) \
	OP_INT(type, context, 0, 0, 1 << 20, NULL, \
		"with causal: so many earlier steps a step sees, older ones it has forgotten. They are kept from run to run in a session, which " \
		"needs such a number; left out or 0: all of this run")

/* Saved slots that attention_prob and attention_drop take; an operator's own begin behind them. */
enum { ATTENTION_PROB, ATTENTION_DROP, ATTENTION_SAVED };

/* Inputs `mask` (integers) and `bias` of s against scores ([samples, heads,] rows, keys): the same dimensions, or 1; of
 * rank `least` at least. Without heads, or without samples, they are the same for all. */
eg_status attention_check_masks(const eg_infer *s, int mask, int bias, const eg_dims *scores, int least);
/* Does a context fit the rest? */
eg_status attention_check_context(const eg_infer *s, int context, bool causal, int mask, int bias);
/* Of input i by sample, head, row and key; 0 where it has 1 or has no such dimension. */
void attention_strides(const eg_emit *e, int i, ptrdiff_t strides[4]);

eg_buf attention_prob(eg_emit *e, const eg_attention_shape *s);
/* 0 or 1/(1 - rate) for each weight, the same forward and backward; absent where nothing is dropped. */
eg_buf attention_drop(eg_emit *e, const eg_attention_shape *s, float rate, bool make);
void attention_call(eg_emit *e, eg_attention_args a);
void attention_call_bwd(eg_emit *e, eg_attention_bwd_args a);
void attention_keep(eg_emit *e, eg_keep_rows_args a);
/* The gradient of the bias, which is input number `input`, from that of the scores. */
void attention_bias_bwd(eg_emit *e, const eg_attention_shape *s, int input, eg_buf dscore);

#endif
