/* engram_ops.h - the operators' builders, written by tools/opgen.c from the operator table: change that.
 *
 * In C, options follow the inputs by name, and those left out have their defaults:
 *
 *   eg_tensor h = eg_conv2d(g, x, .filters = 6, .kernel = {5, 5}, .padding = {2, 2});
 *   eg_tensor y = eg_relu(g, h);
 *
 * Lists are written .axes = EG_INTS(0, 2).
 *
 * In C++, and where the options are at hand already:
 *
 *   eg_conv2d_options o = {};
 *   o.filters = 6; ...
 *   eg_tensor h = eg_conv2d_with(g, x, &o);
 *   eg_tensor y = eg_relu_with(g, h, NULL);
 *
 * Every builder returns {0} after an error, which eg_graph_status tells. A zero in the options means the
 * default; EG_ZERO, or EG_ZERO_F for a float, means 0. */
#ifndef ENGRAM_OPS_H
#define ENGRAM_OPS_H

#include "engram.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The options end with a comma or are empty, so the member end_ makes a valid list of them. */
#define EG_BUILD_1(op, g, a, ...) eg_##op##_with(g, a, &(eg_##op##_options){__VA_ARGS__ .end_ = false})
#define EG_BUILD_2(op, g, a, b, ...) \
	eg_##op##_with(g, a, b, &(eg_##op##_options){__VA_ARGS__ .end_ = false})
#define EG_BUILD_3(op, g, a, b, c, ...) \
	eg_##op##_with(g, a, b, c, &(eg_##op##_options){__VA_ARGS__ .end_ = false})

/* ---- conv1d ----------------------------------------------------------------------------------------------------- */

/* Convolution along one axis: the same filters slide over every position of a signal (N,C,L).
 *
 * y[n,k,q] = bias[k] + sum over c,s of weight[k,c,s] x[n,c,w], w = q*stride + s*dilation - padding, zero outside of x;
 * x (N,C,L), weight (filters, C/groups, kernel), y (N,filters,Q), Q as P of `conv2d`; 0 where mask[k,c] is 0
 *
 * Inputs: x. Weights: weight, bias. Output: y.
 * ONNX Conv-11; PyTorch conv1d; Waibel et al. 1989 (time-delay networks)
 */
enum { EG_CONV1D_AUTO_PAD_NOTSET, EG_CONV1D_AUTO_PAD_SAME_UPPER, EG_CONV1D_AUTO_PAD_SAME_LOWER, EG_CONV1D_AUTO_PAD_VALID };
typedef struct eg_conv1d_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int filters; /* output channels; needed */
	int kernel; /* length of the filters; needed */
	int stride; /* steps from one window to the next; default 1 */
	int padding; /* zeros put before x, and behind it */
	int padding_end; /* the same at the end of each axis, where it is not as at the beginning; left out: it is */
	int dilation; /* distance between neighbouring taps of a filter; default 1 */
	int groups; /* channels are cut into groups that do not see each other; one each: depthwise; default 1 */
	int auto_pad; /* padding that makes as many outputs as x has strides, the odd one at the end (upper) or the beginning (lower); valid: none; EG_CONV1D_AUTO_PAD_... */
	eg_ints mask; /* for each filter and each channel of its group 1 or 0: does it see the channel? Weights of others count as 0. Left out: it sees all */
	bool no_bias; /* true switches this off: adds a learned constant to each output channel */
	int init; /* initial weight; default: weight and bias U(+-1/sqrt(fan_in)), otherwise zero bias; EG_INIT_... */
	float init_value; /* for `init`: the constant, the bound of uniform, the deviation of normal, a factor of the others; default 1 */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	bool end_; /* closes the builder's list */
} eg_conv1d_options;
static inline eg_tensor eg_conv1d_with(eg_graph *g, eg_tensor x, const eg_conv1d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "conv1d", options, inputs, 1);
}
#define eg_conv1d(...) EG_BUILD_1(conv1d, __VA_ARGS__, )

/* ---- conv2d ----------------------------------------------------------------------------------------------------- */

/* Convolution: the same filters slide over every position of a picture.
 *
 * y[n,k,p,q] = bias[k] + sum over c,r,s of weight[k,c,r,s] x[n,c,h,w],
 * h = p*stride + r*dilation - padding, w = q*stride + s*dilation - padding, zero outside of x; 0 where mask[k,c] is 0;
 * x (N,C,H,W), weight (filters, C/groups, kernel), y (N,filters,P,Q),
 * P = floor((H + padding + padding_end - dilation (kernel - 1) - 1) / stride) + 1, Q likewise; same: P = ceil(H /
 * stride), with
 * max(0, (P - 1) stride + dilation (kernel - 1) + 1 - H) zeros, half of them on each side
 *
 * Inputs: x. Weights: weight, bias. Output: y.
 * ONNX Conv-11; LeCun et al. 1989; Dumoulin and Visin 2016 (arithmetic of shapes)
 */
enum { EG_CONV2D_AUTO_PAD_NOTSET, EG_CONV2D_AUTO_PAD_SAME_UPPER, EG_CONV2D_AUTO_PAD_SAME_LOWER, EG_CONV2D_AUTO_PAD_VALID };
typedef struct eg_conv2d_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int filters; /* output channels; needed */
	int kernel[2]; /* height and width of the filters; needed */
	int stride[2]; /* steps from one window to the next; default 1 */
	int padding[2]; /* zeros put around x, on each side */
	int padding_end[2]; /* the same at the end of each axis, where it is not as at the beginning; left out: it is */
	int dilation[2]; /* distance between neighbouring taps of a filter; default 1 */
	int groups; /* channels are cut into groups that do not see each other; one each: depthwise; default 1 */
	int auto_pad; /* padding that makes as many outputs as x has strides, the odd one at the end (upper) or the beginning (lower); valid: none; EG_CONV2D_AUTO_PAD_... */
	eg_ints mask; /* for each filter and each channel of its group 1 or 0: does it see the channel? Weights of others count as 0. Left out: it sees all */
	bool no_bias; /* true switches this off: adds a learned constant to each output channel */
	int init; /* initial weight; default: weight and bias U(+-1/sqrt(fan_in)), otherwise zero bias; EG_INIT_... */
	float init_value; /* for `init`: the constant, the bound of uniform, the deviation of normal, a factor of the others; default 1 */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	bool end_; /* closes the builder's list */
} eg_conv2d_options;
static inline eg_tensor eg_conv2d_with(eg_graph *g, eg_tensor x, const eg_conv2d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "conv2d", options, inputs, 1);
}
#define eg_conv2d(...) EG_BUILD_1(conv2d, __VA_ARGS__, )

/* ---- conv3d ----------------------------------------------------------------------------------------------------- */

/* Convolution along three axes, of volumes or of pictures in the course of time.
 *
 * y[n,k,o,p,q] = bias[k] + sum over c,t,r,s of weight[k,c,t,r,s] x[n,c,d,h,w], d = o*stride + t*dilation - padding, h
 * and w likewise,
 * zero outside of x; x (N,C,D,H,W), weight (filters, C/groups, kernel), y (N,filters,O,P,Q), sizes as in `conv2d`
 *
 * Inputs: x. Weights: weight, bias. Output: y.
 * ONNX Conv-11; PyTorch conv3d; Tran et al. 2015
 */
enum { EG_CONV3D_AUTO_PAD_NOTSET, EG_CONV3D_AUTO_PAD_SAME_UPPER, EG_CONV3D_AUTO_PAD_SAME_LOWER, EG_CONV3D_AUTO_PAD_VALID };
typedef struct eg_conv3d_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int filters; /* output channels; needed */
	int kernel[3]; /* depth, height and width of the filters; needed */
	int stride[3]; /* steps from one window to the next; default 1 */
	int padding[3]; /* zeros put around x, on each side */
	int padding_end[3]; /* the same at the end of each axis, where it is not as at the beginning; left out: it is */
	int dilation[3]; /* distance between neighbouring taps of a filter; default 1 */
	int groups; /* channels are cut into groups that do not see each other; one each: depthwise; default 1 */
	int auto_pad; /* padding that makes as many outputs as x has strides, the odd one at the end (upper) or the beginning (lower); valid: none; EG_CONV3D_AUTO_PAD_... */
	bool no_bias; /* true switches this off: adds a learned constant to each output channel */
	int init; /* initial weight; default: weight and bias U(+-1/sqrt(fan_in)), otherwise zero bias; EG_INIT_... */
	float init_value; /* for `init`: the constant, the bound of uniform, the deviation of normal, a factor of the others; default 1 */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	bool end_; /* closes the builder's list */
} eg_conv3d_options;
static inline eg_tensor eg_conv3d_with(eg_graph *g, eg_tensor x, const eg_conv3d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "conv3d", options, inputs, 1);
}
#define eg_conv3d(...) EG_BUILD_1(conv3d, __VA_ARGS__, )

/* ---- causal_conv1d ---------------------------------------------------------------------------------------------- */

/* Convolution of sequences along the time that sees no later step, so it can run chunk by chunk.
 *
 * y[t,n,k] = bias[k] + sum over c,r of weight[k,c,r] x[t - (kernel - 1 - r) dilation, n, c], zero before the first
 * step, or, with carried
 * state, what came before; x (T,N,C), weight (filters, C/groups, kernel), y (T,N,filters); x and y are 0 behind lengths
 * (N)
 *
 * Inputs: x, optional: lengths. Weights: weight, bias. Output: y.
 * van den Oord et al. 2016 (WaveNet); Bai et al. 2018; ONNX Conv-11 with pads (dilation (kernel - 1), 0) over (N,C,T)
 */
typedef struct eg_causal_conv1d_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int filters; /* output channels; needed */
	int kernel; /* length of the filters, the present step included; needed */
	int dilation; /* steps between neighbouring taps of a filter; default 1 */
	int groups; /* channels are cut into groups that do not see each other; one each: depthwise; default 1 */
	bool no_bias; /* true switches this off: adds a learned constant to each output channel */
	int init; /* initial weight; default: weight and bias U(+-1/sqrt(fan_in)), otherwise zero bias; EG_INIT_... */
	float init_value; /* for `init`: the constant, the bound of uniform, the deviation of normal, a factor of the others; default 1 */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	eg_tensor lengths; /* optional input */
	bool end_; /* closes the builder's list */
} eg_causal_conv1d_options;
static inline eg_tensor eg_causal_conv1d_with(eg_graph *g, eg_tensor x, const eg_causal_conv1d_options *options) {
	eg_tensor inputs[2] = {x, {0}};
	int n = 1;
	if (options && options->lengths.id) {
		inputs[1] = options->lengths;
		n = 2;
	}
	return eg_apply(g, "causal_conv1d", options, inputs, n);
}
#define eg_causal_conv1d(...) EG_BUILD_1(causal_conv1d, __VA_ARGS__, )

/* ---- locally_connected1d ---------------------------------------------------------------------------------------- */

/* Windows over a signal as in a convolution, but at every position filters of their own: nothing is shared.
 *
 * y as in `conv1d`, with weight and bias of each position; x (N,C,L), weight (Q,filters,C/groups,kernel), bias
 * (filters,Q), y (N,filters,Q)
 *
 * Inputs: x. Weights: weight, bias. Output: y.
 * LeCun 1989; Keras LocallyConnected1D (implementation 1)
 */
enum { EG_LOCALLY_CONNECTED1D_AUTO_PAD_NOTSET, EG_LOCALLY_CONNECTED1D_AUTO_PAD_SAME_UPPER, EG_LOCALLY_CONNECTED1D_AUTO_PAD_SAME_LOWER, EG_LOCALLY_CONNECTED1D_AUTO_PAD_VALID };
typedef struct eg_locally_connected1d_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int filters; /* output channels; needed */
	int kernel; /* length of the filters; needed */
	int stride; /* steps from one window to the next; default 1 */
	int padding; /* zeros put before x, and behind it */
	int padding_end; /* the same at the end of each axis, where it is not as at the beginning; left out: it is */
	int dilation; /* distance between neighbouring taps of a filter; default 1 */
	int groups; /* channels are cut into groups that do not see each other; one each: depthwise; default 1 */
	int auto_pad; /* padding that makes as many outputs as x has strides, the odd one at the end (upper) or the beginning (lower); valid: none; EG_LOCALLY_CONNECTED1D_AUTO_PAD_... */
	bool no_bias; /* true switches this off: adds a learned constant to each output channel */
	int init; /* initial weight; default: weight and bias U(+-1/sqrt(fan_in)), otherwise zero bias; EG_INIT_... */
	float init_value; /* for `init`: the constant, the bound of uniform, the deviation of normal, a factor of the others; default 1 */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	bool end_; /* closes the builder's list */
} eg_locally_connected1d_options;
static inline eg_tensor eg_locally_connected1d_with(eg_graph *g, eg_tensor x, const eg_locally_connected1d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "locally_connected1d", options, inputs, 1);
}
#define eg_locally_connected1d(...) EG_BUILD_1(locally_connected1d, __VA_ARGS__, )

/* ---- locally_connected2d ---------------------------------------------------------------------------------------- */

/* Windows over a picture as in a convolution, but at every position filters of their own: nothing is shared.
 *
 * y as in `conv2d`, with weight and bias of each position; x (N,C,H,W), weight (P,Q,filters,C/groups,kernel), bias
 * (filters,P,Q), y (N,filters,P,Q)
 *
 * Inputs: x. Weights: weight, bias. Output: y.
 * LeCun 1989; Keras LocallyConnected2D (implementation 1)
 */
enum { EG_LOCALLY_CONNECTED2D_AUTO_PAD_NOTSET, EG_LOCALLY_CONNECTED2D_AUTO_PAD_SAME_UPPER, EG_LOCALLY_CONNECTED2D_AUTO_PAD_SAME_LOWER, EG_LOCALLY_CONNECTED2D_AUTO_PAD_VALID };
typedef struct eg_locally_connected2d_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int filters; /* output channels; needed */
	int kernel[2]; /* height and width of the filters; needed */
	int stride[2]; /* steps from one window to the next; default 1 */
	int padding[2]; /* zeros put around x, on each side */
	int padding_end[2]; /* the same at the end of each axis, where it is not as at the beginning; left out: it is */
	int dilation[2]; /* distance between neighbouring taps of a filter; default 1 */
	int groups; /* channels are cut into groups that do not see each other; one each: depthwise; default 1 */
	int auto_pad; /* padding that makes as many outputs as x has strides, the odd one at the end (upper) or the beginning (lower); valid: none; EG_LOCALLY_CONNECTED2D_AUTO_PAD_... */
	bool no_bias; /* true switches this off: adds a learned constant to each output channel */
	int init; /* initial weight; default: weight and bias U(+-1/sqrt(fan_in)), otherwise zero bias; EG_INIT_... */
	float init_value; /* for `init`: the constant, the bound of uniform, the deviation of normal, a factor of the others; default 1 */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	bool end_; /* closes the builder's list */
} eg_locally_connected2d_options;
static inline eg_tensor eg_locally_connected2d_with(eg_graph *g, eg_tensor x, const eg_locally_connected2d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "locally_connected2d", options, inputs, 1);
}
#define eg_locally_connected2d(...) EG_BUILD_1(locally_connected2d, __VA_ARGS__, )

/* ---- conv_transpose1d ------------------------------------------------------------------------------------------- */

/* Transposed convolution along one axis: every input spreads its filters over the output; stride makes that larger.
 *
 * y = the gradient of a convolution's input, given x as that of its output, + bias[k]; x (N,C,L), y (N,filters,M),
 * weight (C, filters/groups, kernel); sizes (H - 1) stride + dilation (kernel - 1) + 1 + output_padding - padding -
 * padding_end
 *
 * Inputs: x. Weights: weight, bias. Output: y.
 * ONNX ConvTranspose-11; PyTorch conv_transpose1d; Dumoulin and Visin 2016
 */
enum { EG_CONV_TRANSPOSE1D_AUTO_PAD_NOTSET, EG_CONV_TRANSPOSE1D_AUTO_PAD_SAME_UPPER, EG_CONV_TRANSPOSE1D_AUTO_PAD_SAME_LOWER, EG_CONV_TRANSPOSE1D_AUTO_PAD_VALID };
typedef struct eg_conv_transpose1d_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int filters; /* output channels; needed */
	int kernel; /* length of the filters; needed */
	int stride; /* steps from one window to the next; default 1 */
	int padding; /* cut off from y, on each side */
	int padding_end; /* the same at the end of each axis, where it is not as at the beginning; left out: it is */
	int dilation; /* distance between neighbouring taps of a filter; default 1 */
	int groups; /* channels are cut into groups that do not see each other; one each: depthwise; default 1 */
	int auto_pad; /* what is cut off so that y is stride times as large as x, the odd one at the end (upper) or the beginning (lower); valid: nothing; EG_CONV_TRANSPOSE1D_AUTO_PAD_... */
	int output_padding; /* so much more at the end of y; smaller than the stride or the dilation */
	eg_ints output_shape; /* sizes of the axes of y, from which follows what is cut off: the odd one at the beginning, with same_upper at the end */
	bool no_bias; /* true switches this off: adds a learned constant to each output channel */
	int init; /* initial weight; default: weight and bias U(+-1/sqrt(fan_in)), otherwise zero bias; EG_INIT_... */
	float init_value; /* for `init`: the constant, the bound of uniform, the deviation of normal, a factor of the others; default 1 */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	bool end_; /* closes the builder's list */
} eg_conv_transpose1d_options;
static inline eg_tensor eg_conv_transpose1d_with(eg_graph *g, eg_tensor x, const eg_conv_transpose1d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "conv_transpose1d", options, inputs, 1);
}
#define eg_conv_transpose1d(...) EG_BUILD_1(conv_transpose1d, __VA_ARGS__, )

/* ---- conv_transpose2d ------------------------------------------------------------------------------------------- */

/* Transposed convolution along two axes: every input spreads its filters over the output; stride makes that larger.
 *
 * y = the gradient of a convolution's input, given x as that of its output, + bias[k]; x (N,C,H,W), y (N,filters,P,Q),
 * weight (C, filters/groups, kernel); sizes (H - 1) stride + dilation (kernel - 1) + 1 + output_padding - padding -
 * padding_end
 *
 * Inputs: x. Weights: weight, bias. Output: y.
 * ONNX ConvTranspose-11; PyTorch conv_transpose2d; Dumoulin and Visin 2016
 */
enum { EG_CONV_TRANSPOSE2D_AUTO_PAD_NOTSET, EG_CONV_TRANSPOSE2D_AUTO_PAD_SAME_UPPER, EG_CONV_TRANSPOSE2D_AUTO_PAD_SAME_LOWER, EG_CONV_TRANSPOSE2D_AUTO_PAD_VALID };
typedef struct eg_conv_transpose2d_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int filters; /* output channels; needed */
	int kernel[2]; /* height and width of the filters; needed */
	int stride[2]; /* steps from one window to the next; default 1 */
	int padding[2]; /* cut off from y, on each side */
	int padding_end[2]; /* the same at the end of each axis, where it is not as at the beginning; left out: it is */
	int dilation[2]; /* distance between neighbouring taps of a filter; default 1 */
	int groups; /* channels are cut into groups that do not see each other; one each: depthwise; default 1 */
	int auto_pad; /* what is cut off so that y is stride times as large as x, the odd one at the end (upper) or the beginning (lower); valid: nothing; EG_CONV_TRANSPOSE2D_AUTO_PAD_... */
	int output_padding[2]; /* so much more at the end of y; smaller than the stride or the dilation */
	eg_ints output_shape; /* sizes of the axes of y, from which follows what is cut off: the odd one at the beginning, with same_upper at the end */
	bool no_bias; /* true switches this off: adds a learned constant to each output channel */
	int init; /* initial weight; default: weight and bias U(+-1/sqrt(fan_in)), otherwise zero bias; EG_INIT_... */
	float init_value; /* for `init`: the constant, the bound of uniform, the deviation of normal, a factor of the others; default 1 */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	bool end_; /* closes the builder's list */
} eg_conv_transpose2d_options;
static inline eg_tensor eg_conv_transpose2d_with(eg_graph *g, eg_tensor x, const eg_conv_transpose2d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "conv_transpose2d", options, inputs, 1);
}
#define eg_conv_transpose2d(...) EG_BUILD_1(conv_transpose2d, __VA_ARGS__, )

/* ---- conv_transpose3d ------------------------------------------------------------------------------------------- */

/* Transposed convolution along three axes: every input spreads its filters over the output; stride makes that larger.
 *
 * y = the gradient of a convolution's input, given x as that of its output, + bias[k]; x (N,C,D,H,W), y
 * (N,filters,O,P,Q),
 * weight (C, filters/groups, kernel); sizes (H - 1) stride + dilation (kernel - 1) + 1 + output_padding - padding -
 * padding_end
 *
 * Inputs: x. Weights: weight, bias. Output: y.
 * ONNX ConvTranspose-11; PyTorch conv_transpose3d; Dumoulin and Visin 2016
 */
enum { EG_CONV_TRANSPOSE3D_AUTO_PAD_NOTSET, EG_CONV_TRANSPOSE3D_AUTO_PAD_SAME_UPPER, EG_CONV_TRANSPOSE3D_AUTO_PAD_SAME_LOWER, EG_CONV_TRANSPOSE3D_AUTO_PAD_VALID };
typedef struct eg_conv_transpose3d_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int filters; /* output channels; needed */
	int kernel[3]; /* depth, height and width of the filters; needed */
	int stride[3]; /* steps from one window to the next; default 1 */
	int padding[3]; /* cut off from y, on each side */
	int padding_end[3]; /* the same at the end of each axis, where it is not as at the beginning; left out: it is */
	int dilation[3]; /* distance between neighbouring taps of a filter; default 1 */
	int groups; /* channels are cut into groups that do not see each other; one each: depthwise; default 1 */
	int auto_pad; /* what is cut off so that y is stride times as large as x, the odd one at the end (upper) or the beginning (lower); valid: nothing; EG_CONV_TRANSPOSE3D_AUTO_PAD_... */
	int output_padding[3]; /* so much more at the end of y; smaller than the stride or the dilation */
	eg_ints output_shape; /* sizes of the axes of y, from which follows what is cut off: the odd one at the beginning, with same_upper at the end */
	bool no_bias; /* true switches this off: adds a learned constant to each output channel */
	int init; /* initial weight; default: weight and bias U(+-1/sqrt(fan_in)), otherwise zero bias; EG_INIT_... */
	float init_value; /* for `init`: the constant, the bound of uniform, the deviation of normal, a factor of the others; default 1 */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	bool end_; /* closes the builder's list */
} eg_conv_transpose3d_options;
static inline eg_tensor eg_conv_transpose3d_with(eg_graph *g, eg_tensor x, const eg_conv_transpose3d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "conv_transpose3d", options, inputs, 1);
}
#define eg_conv_transpose3d(...) EG_BUILD_1(conv_transpose3d, __VA_ARGS__, )

/* ---- maxpool2d -------------------------------------------------------------------------------------------------- */

/* The largest value of each window of each channel of a picture.
 *
 * y[n,c,p..] = max over r.. of x[n,c, p*stride + r*dilation - padding, ..] inside of x; x (N,C,H,W), y (N,C,P,Q);
 * P = floor or ceil((size + both paddings - dilation (kernel - 1) - 1) / stride) + 1 along each axis;
 * the first of equals wins, NaN before all; indices (of y's shape) = where it stands in its channel, counted row by row
 *
 * Inputs: x. Outputs: y, indices.
 * ONNX MaxPool-12, whose Indices count through all channels; PyTorch MaxPool2d; Ranzato et al. 2007
 */
enum { EG_MAXPOOL2D_AUTO_PAD_NOTSET, EG_MAXPOOL2D_AUTO_PAD_SAME_UPPER, EG_MAXPOOL2D_AUTO_PAD_SAME_LOWER, EG_MAXPOOL2D_AUTO_PAD_VALID };
typedef struct eg_maxpool2d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int kernel[2]; /* size of the windows along each axis; needed */
	int stride[2]; /* steps from one window to the next; default: as large as the kernel */
	int padding[2]; /* positions around x, on each side, that never win */
	int dilation[2]; /* distance between neighbouring positions of a window; default 1 */
	bool ceil_mode; /* a last window that reaches beyond the padded input is kept */
	int padding_end[2]; /* padding at the end of each axis; default: as `padding`, which then is at both */
	int auto_pad; /* notset: padding as said; same_upper, same_lower: so much that as many windows as strides begin in x, an odd one at the end or at the beginning; valid: none; EG_MAXPOOL2D_AUTO_PAD_... */
	bool end_; /* closes the builder's list */
} eg_maxpool2d_options;
static inline eg_tensor eg_maxpool2d_with(eg_graph *g, eg_tensor x, const eg_maxpool2d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "maxpool2d", options, inputs, 1);
}
#define eg_maxpool2d(...) EG_BUILD_1(maxpool2d, __VA_ARGS__, )

/* ---- maxpool1d -------------------------------------------------------------------------------------------------- */

/* The largest value of each window of each channel of a sequence.
 *
 * y[n,c,p..] = max over r.. of x[n,c, p*stride + r*dilation - padding, ..] inside of x; x (N,C,L), y (N,C,P);
 * P = floor or ceil((size + both paddings - dilation (kernel - 1) - 1) / stride) + 1 along each axis;
 * the first of equals wins, NaN before all; indices (of y's shape) = where it stands in its channel, counted row by row
 *
 * Inputs: x. Outputs: y, indices.
 * ONNX MaxPool-12, whose Indices count through all channels; PyTorch MaxPool1d; Ranzato et al. 2007
 */
enum { EG_MAXPOOL1D_AUTO_PAD_NOTSET, EG_MAXPOOL1D_AUTO_PAD_SAME_UPPER, EG_MAXPOOL1D_AUTO_PAD_SAME_LOWER, EG_MAXPOOL1D_AUTO_PAD_VALID };
typedef struct eg_maxpool1d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int kernel; /* size of the windows along each axis; needed */
	int stride; /* steps from one window to the next; default: as large as the kernel */
	int padding; /* positions around x, on each side, that never win */
	int dilation; /* distance between neighbouring positions of a window; default 1 */
	bool ceil_mode; /* a last window that reaches beyond the padded input is kept */
	int padding_end; /* padding at the end of each axis; default: as `padding`, which then is at both */
	int auto_pad; /* notset: padding as said; same_upper, same_lower: so much that as many windows as strides begin in x, an odd one at the end or at the beginning; valid: none; EG_MAXPOOL1D_AUTO_PAD_... */
	bool end_; /* closes the builder's list */
} eg_maxpool1d_options;
static inline eg_tensor eg_maxpool1d_with(eg_graph *g, eg_tensor x, const eg_maxpool1d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "maxpool1d", options, inputs, 1);
}
#define eg_maxpool1d(...) EG_BUILD_1(maxpool1d, __VA_ARGS__, )

/* ---- maxpool3d -------------------------------------------------------------------------------------------------- */

/* The largest value of each window of each channel of a volume.
 *
 * y[n,c,p..] = max over r.. of x[n,c, p*stride + r*dilation - padding, ..] inside of x; x (N,C,D,H,W), y (N,C,O,P,Q);
 * P = floor or ceil((size + both paddings - dilation (kernel - 1) - 1) / stride) + 1 along each axis;
 * the first of equals wins, NaN before all; indices (of y's shape) = where it stands in its channel, counted row by row
 *
 * Inputs: x. Outputs: y, indices.
 * ONNX MaxPool-12, whose Indices count through all channels; PyTorch MaxPool3d; Ranzato et al. 2007
 */
enum { EG_MAXPOOL3D_AUTO_PAD_NOTSET, EG_MAXPOOL3D_AUTO_PAD_SAME_UPPER, EG_MAXPOOL3D_AUTO_PAD_SAME_LOWER, EG_MAXPOOL3D_AUTO_PAD_VALID };
typedef struct eg_maxpool3d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int kernel[3]; /* size of the windows along each axis; needed */
	int stride[3]; /* steps from one window to the next; default: as large as the kernel */
	int padding[3]; /* positions around x, on each side, that never win */
	int dilation[3]; /* distance between neighbouring positions of a window; default 1 */
	bool ceil_mode; /* a last window that reaches beyond the padded input is kept */
	int padding_end[3]; /* padding at the end of each axis; default: as `padding`, which then is at both */
	int auto_pad; /* notset: padding as said; same_upper, same_lower: so much that as many windows as strides begin in x, an odd one at the end or at the beginning; valid: none; EG_MAXPOOL3D_AUTO_PAD_... */
	bool end_; /* closes the builder's list */
} eg_maxpool3d_options;
static inline eg_tensor eg_maxpool3d_with(eg_graph *g, eg_tensor x, const eg_maxpool3d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "maxpool3d", options, inputs, 1);
}
#define eg_maxpool3d(...) EG_BUILD_1(maxpool3d, __VA_ARGS__, )

/* ---- avgpool2d -------------------------------------------------------------------------------------------------- */

/* The average of each window of each channel of a picture.
 *
 * y[n,c,p..] = mean over r.. of x[n,c, p*stride + r - padding, ..]; x (N,C,H,W), y (N,C,P,Q);
 * P = floor or ceil((size + both paddings - kernel) / stride) + 1 along each axis
 *
 * Inputs: x. Output: y.
 * ONNX AveragePool-11; PyTorch AvgPool2d; LeCun et al. 1998
 */
enum { EG_AVGPOOL2D_AUTO_PAD_NOTSET, EG_AVGPOOL2D_AUTO_PAD_SAME_UPPER, EG_AVGPOOL2D_AUTO_PAD_SAME_LOWER, EG_AVGPOOL2D_AUTO_PAD_VALID };
typedef struct eg_avgpool2d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int kernel[2]; /* size of the windows along each axis; needed */
	int stride[2]; /* steps from one window to the next; default: as large as the kernel */
	int padding[2]; /* zeros put around x, on each side */
	bool ceil_mode; /* a last window that reaches beyond the padded input is kept */
	bool no_count_include_pad; /* true switches this off: padding counts in the divisor (ONNX: not by default) */
	int padding_end[2]; /* padding at the end of each axis; default: as `padding`, which then is at both */
	int auto_pad; /* notset: padding as said; same_upper, same_lower: so much that as many windows as strides begin in x, an odd one at the end or at the beginning; valid: none; EG_AVGPOOL2D_AUTO_PAD_... */
	bool end_; /* closes the builder's list */
} eg_avgpool2d_options;
static inline eg_tensor eg_avgpool2d_with(eg_graph *g, eg_tensor x, const eg_avgpool2d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "avgpool2d", options, inputs, 1);
}
#define eg_avgpool2d(...) EG_BUILD_1(avgpool2d, __VA_ARGS__, )

/* ---- avgpool1d -------------------------------------------------------------------------------------------------- */

/* The average of each window of each channel of a sequence.
 *
 * y[n,c,p..] = mean over r.. of x[n,c, p*stride + r - padding, ..]; x (N,C,L), y (N,C,P);
 * P = floor or ceil((size + both paddings - kernel) / stride) + 1 along each axis
 *
 * Inputs: x. Output: y.
 * ONNX AveragePool-11; PyTorch AvgPool1d; LeCun et al. 1998
 */
enum { EG_AVGPOOL1D_AUTO_PAD_NOTSET, EG_AVGPOOL1D_AUTO_PAD_SAME_UPPER, EG_AVGPOOL1D_AUTO_PAD_SAME_LOWER, EG_AVGPOOL1D_AUTO_PAD_VALID };
typedef struct eg_avgpool1d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int kernel; /* size of the windows along each axis; needed */
	int stride; /* steps from one window to the next; default: as large as the kernel */
	int padding; /* zeros put around x, on each side */
	bool ceil_mode; /* a last window that reaches beyond the padded input is kept */
	bool no_count_include_pad; /* true switches this off: padding counts in the divisor (ONNX: not by default) */
	int padding_end; /* padding at the end of each axis; default: as `padding`, which then is at both */
	int auto_pad; /* notset: padding as said; same_upper, same_lower: so much that as many windows as strides begin in x, an odd one at the end or at the beginning; valid: none; EG_AVGPOOL1D_AUTO_PAD_... */
	bool end_; /* closes the builder's list */
} eg_avgpool1d_options;
static inline eg_tensor eg_avgpool1d_with(eg_graph *g, eg_tensor x, const eg_avgpool1d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "avgpool1d", options, inputs, 1);
}
#define eg_avgpool1d(...) EG_BUILD_1(avgpool1d, __VA_ARGS__, )

/* ---- avgpool3d -------------------------------------------------------------------------------------------------- */

/* The average of each window of each channel of a volume.
 *
 * y[n,c,p..] = mean over r.. of x[n,c, p*stride + r - padding, ..]; x (N,C,D,H,W), y (N,C,O,P,Q);
 * P = floor or ceil((size + both paddings - kernel) / stride) + 1 along each axis
 *
 * Inputs: x. Output: y.
 * ONNX AveragePool-11; PyTorch AvgPool3d; LeCun et al. 1998
 */
enum { EG_AVGPOOL3D_AUTO_PAD_NOTSET, EG_AVGPOOL3D_AUTO_PAD_SAME_UPPER, EG_AVGPOOL3D_AUTO_PAD_SAME_LOWER, EG_AVGPOOL3D_AUTO_PAD_VALID };
typedef struct eg_avgpool3d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int kernel[3]; /* size of the windows along each axis; needed */
	int stride[3]; /* steps from one window to the next; default: as large as the kernel */
	int padding[3]; /* zeros put around x, on each side */
	bool ceil_mode; /* a last window that reaches beyond the padded input is kept */
	bool no_count_include_pad; /* true switches this off: padding counts in the divisor (ONNX: not by default) */
	int padding_end[3]; /* padding at the end of each axis; default: as `padding`, which then is at both */
	int auto_pad; /* notset: padding as said; same_upper, same_lower: so much that as many windows as strides begin in x, an odd one at the end or at the beginning; valid: none; EG_AVGPOOL3D_AUTO_PAD_... */
	bool end_; /* closes the builder's list */
} eg_avgpool3d_options;
static inline eg_tensor eg_avgpool3d_with(eg_graph *g, eg_tensor x, const eg_avgpool3d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "avgpool3d", options, inputs, 1);
}
#define eg_avgpool3d(...) EG_BUILD_1(avgpool3d, __VA_ARGS__, )

/* ---- globalavgpool2d -------------------------------------------------------------------------------------------- */

/* The average of each channel over the whole picture.
 *
 * y[n,c,0..] = mean over all positions of x[n,c,..]; x (N,C,H,W), y (N,C,P,Q) with P = 1
 *
 * Inputs: x. Output: y.
 * ONNX GlobalAveragePool-1; Lin et al. 2014
 */
typedef struct eg_globalavgpool2d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_globalavgpool2d_options;
static inline eg_tensor eg_globalavgpool2d_with(eg_graph *g, eg_tensor x, const eg_globalavgpool2d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "globalavgpool2d", options, inputs, 1);
}
#define eg_globalavgpool2d(...) EG_BUILD_1(globalavgpool2d, __VA_ARGS__, )

/* ---- globalavgpool1d -------------------------------------------------------------------------------------------- */

/* The average of each channel over the whole sequence.
 *
 * y[n,c,0..] = mean over all positions of x[n,c,..]; x (N,C,L), y (N,C,P) with P = 1
 *
 * Inputs: x. Output: y.
 * ONNX GlobalAveragePool-1; Lin et al. 2014
 */
typedef struct eg_globalavgpool1d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_globalavgpool1d_options;
static inline eg_tensor eg_globalavgpool1d_with(eg_graph *g, eg_tensor x, const eg_globalavgpool1d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "globalavgpool1d", options, inputs, 1);
}
#define eg_globalavgpool1d(...) EG_BUILD_1(globalavgpool1d, __VA_ARGS__, )

/* ---- globalavgpool3d -------------------------------------------------------------------------------------------- */

/* The average of each channel over the whole volume.
 *
 * y[n,c,0..] = mean over all positions of x[n,c,..]; x (N,C,D,H,W), y (N,C,O,P,Q) with P = 1
 *
 * Inputs: x. Output: y.
 * ONNX GlobalAveragePool-1; Lin et al. 2014
 */
typedef struct eg_globalavgpool3d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_globalavgpool3d_options;
static inline eg_tensor eg_globalavgpool3d_with(eg_graph *g, eg_tensor x, const eg_globalavgpool3d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "globalavgpool3d", options, inputs, 1);
}
#define eg_globalavgpool3d(...) EG_BUILD_1(globalavgpool3d, __VA_ARGS__, )

/* ---- globalmaxpool1d -------------------------------------------------------------------------------------------- */

/* The largest value of each channel over the whole sequence.
 *
 * y[n,c,0..] = max over all positions of x[n,c,..]; x (N,C,L), y (N,C,P) with P = 1
 *
 * Inputs: x. Outputs: y, indices.
 * ONNX GlobalMaxPool-1; PyTorch AdaptiveMaxPool1d(1)
 */
typedef struct eg_globalmaxpool1d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_globalmaxpool1d_options;
static inline eg_tensor eg_globalmaxpool1d_with(eg_graph *g, eg_tensor x, const eg_globalmaxpool1d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "globalmaxpool1d", options, inputs, 1);
}
#define eg_globalmaxpool1d(...) EG_BUILD_1(globalmaxpool1d, __VA_ARGS__, )

/* ---- globalmaxpool2d -------------------------------------------------------------------------------------------- */

/* The largest value of each channel over the whole picture.
 *
 * y[n,c,0..] = max over all positions of x[n,c,..]; x (N,C,H,W), y (N,C,P,Q) with P = 1
 *
 * Inputs: x. Outputs: y, indices.
 * ONNX GlobalMaxPool-1; PyTorch AdaptiveMaxPool2d(1)
 */
typedef struct eg_globalmaxpool2d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_globalmaxpool2d_options;
static inline eg_tensor eg_globalmaxpool2d_with(eg_graph *g, eg_tensor x, const eg_globalmaxpool2d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "globalmaxpool2d", options, inputs, 1);
}
#define eg_globalmaxpool2d(...) EG_BUILD_1(globalmaxpool2d, __VA_ARGS__, )

/* ---- globalmaxpool3d -------------------------------------------------------------------------------------------- */

/* The largest value of each channel over the whole volume.
 *
 * y[n,c,0..] = max over all positions of x[n,c,..]; x (N,C,D,H,W), y (N,C,O,P,Q) with P = 1
 *
 * Inputs: x. Outputs: y, indices.
 * ONNX GlobalMaxPool-1; PyTorch AdaptiveMaxPool3d(1)
 */
typedef struct eg_globalmaxpool3d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_globalmaxpool3d_options;
static inline eg_tensor eg_globalmaxpool3d_with(eg_graph *g, eg_tensor x, const eg_globalmaxpool3d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "globalmaxpool3d", options, inputs, 1);
}
#define eg_globalmaxpool3d(...) EG_BUILD_1(globalmaxpool3d, __VA_ARGS__, )

/* ---- adaptiveavgpool1d ------------------------------------------------------------------------------------------ */

/* The average of each of `output` windows that cover a sequence as evenly as possible, channel by channel.
 *
 * y[n,c,p..] = mean over floor(p size / P) <= i < ceil((p+1) size / P) along each axis of x[n,c,i..]; x (N,C,L), y
 * (N,C,P)
 *
 * Inputs: x. Output: y.
 * PyTorch AdaptiveAvgPool1d
 */
typedef struct eg_adaptiveavgpool1d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int output; /* size of y along each axis, whatever x has; needed */
	bool end_; /* closes the builder's list */
} eg_adaptiveavgpool1d_options;
static inline eg_tensor eg_adaptiveavgpool1d_with(eg_graph *g, eg_tensor x, const eg_adaptiveavgpool1d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "adaptiveavgpool1d", options, inputs, 1);
}
#define eg_adaptiveavgpool1d(...) EG_BUILD_1(adaptiveavgpool1d, __VA_ARGS__, )

/* ---- adaptiveavgpool2d ------------------------------------------------------------------------------------------ */

/* The average of each of `output` windows that cover a picture as evenly as possible, channel by channel.
 *
 * y[n,c,p..] = mean over floor(p size / P) <= i < ceil((p+1) size / P) along each axis of x[n,c,i..]; x (N,C,H,W), y
 * (N,C,P,Q)
 *
 * Inputs: x. Output: y.
 * PyTorch AdaptiveAvgPool2d
 */
typedef struct eg_adaptiveavgpool2d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int output[2]; /* size of y along each axis, whatever x has; needed */
	bool end_; /* closes the builder's list */
} eg_adaptiveavgpool2d_options;
static inline eg_tensor eg_adaptiveavgpool2d_with(eg_graph *g, eg_tensor x, const eg_adaptiveavgpool2d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "adaptiveavgpool2d", options, inputs, 1);
}
#define eg_adaptiveavgpool2d(...) EG_BUILD_1(adaptiveavgpool2d, __VA_ARGS__, )

/* ---- adaptiveavgpool3d ------------------------------------------------------------------------------------------ */

/* The average of each of `output` windows that cover a volume as evenly as possible, channel by channel.
 *
 * y[n,c,p..] = mean over floor(p size / P) <= i < ceil((p+1) size / P) along each axis of x[n,c,i..]; x (N,C,D,H,W), y
 * (N,C,O,P,Q)
 *
 * Inputs: x. Output: y.
 * PyTorch AdaptiveAvgPool3d
 */
typedef struct eg_adaptiveavgpool3d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int output[3]; /* size of y along each axis, whatever x has; needed */
	bool end_; /* closes the builder's list */
} eg_adaptiveavgpool3d_options;
static inline eg_tensor eg_adaptiveavgpool3d_with(eg_graph *g, eg_tensor x, const eg_adaptiveavgpool3d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "adaptiveavgpool3d", options, inputs, 1);
}
#define eg_adaptiveavgpool3d(...) EG_BUILD_1(adaptiveavgpool3d, __VA_ARGS__, )

/* ---- adaptivemaxpool1d ------------------------------------------------------------------------------------------ */

/* The largest value of each of `output` windows that cover a sequence as evenly as possible, channel by channel.
 *
 * y[n,c,p..] = max over floor(p size / P) <= i < ceil((p+1) size / P) along each axis of x[n,c,i..]; x (N,C,L), y
 * (N,C,P)
 *
 * Inputs: x. Outputs: y, indices.
 * PyTorch AdaptiveMaxPool1d
 */
typedef struct eg_adaptivemaxpool1d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int output; /* size of y along each axis, whatever x has; needed */
	bool end_; /* closes the builder's list */
} eg_adaptivemaxpool1d_options;
static inline eg_tensor eg_adaptivemaxpool1d_with(eg_graph *g, eg_tensor x, const eg_adaptivemaxpool1d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "adaptivemaxpool1d", options, inputs, 1);
}
#define eg_adaptivemaxpool1d(...) EG_BUILD_1(adaptivemaxpool1d, __VA_ARGS__, )

/* ---- adaptivemaxpool2d ------------------------------------------------------------------------------------------ */

/* The largest value of each of `output` windows that cover a picture as evenly as possible, channel by channel.
 *
 * y[n,c,p..] = max over floor(p size / P) <= i < ceil((p+1) size / P) along each axis of x[n,c,i..]; x (N,C,H,W), y
 * (N,C,P,Q)
 *
 * Inputs: x. Outputs: y, indices.
 * PyTorch AdaptiveMaxPool2d
 */
typedef struct eg_adaptivemaxpool2d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int output[2]; /* size of y along each axis, whatever x has; needed */
	bool end_; /* closes the builder's list */
} eg_adaptivemaxpool2d_options;
static inline eg_tensor eg_adaptivemaxpool2d_with(eg_graph *g, eg_tensor x, const eg_adaptivemaxpool2d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "adaptivemaxpool2d", options, inputs, 1);
}
#define eg_adaptivemaxpool2d(...) EG_BUILD_1(adaptivemaxpool2d, __VA_ARGS__, )

/* ---- adaptivemaxpool3d ------------------------------------------------------------------------------------------ */

/* The largest value of each of `output` windows that cover a volume as evenly as possible, channel by channel.
 *
 * y[n,c,p..] = max over floor(p size / P) <= i < ceil((p+1) size / P) along each axis of x[n,c,i..]; x (N,C,D,H,W), y
 * (N,C,O,P,Q)
 *
 * Inputs: x. Outputs: y, indices.
 * PyTorch AdaptiveMaxPool3d
 */
typedef struct eg_adaptivemaxpool3d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int output[3]; /* size of y along each axis, whatever x has; needed */
	bool end_; /* closes the builder's list */
} eg_adaptivemaxpool3d_options;
static inline eg_tensor eg_adaptivemaxpool3d_with(eg_graph *g, eg_tensor x, const eg_adaptivemaxpool3d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "adaptivemaxpool3d", options, inputs, 1);
}
#define eg_adaptivemaxpool3d(...) EG_BUILD_1(adaptivemaxpool3d, __VA_ARGS__, )

/* ---- lp_pool1d -------------------------------------------------------------------------------------------------- */

/* Pooling by the p-norm of windows.
 *
 * y = (sum over the window of |x|^p)^(1/p); x (N,C,L), y (N,C,P)
 *
 * Inputs: x. Output: y.
 * ONNX LpPool-18 but for dilations and ceil_mode; Sermanet, Chintala, LeCun 2012
 */
enum { EG_LP_POOL1D_AUTO_PAD_NOTSET, EG_LP_POOL1D_AUTO_PAD_SAME_UPPER, EG_LP_POOL1D_AUTO_PAD_SAME_LOWER, EG_LP_POOL1D_AUTO_PAD_VALID };
typedef struct eg_lp_pool1d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int kernel; /* size of the windows along each axis; needed */
	int stride; /* steps from one window to the next; default: as large as the kernel */
	int padding; /* zeros put around x, on each side */
	int padding_end; /* padding at the end of each axis; default: as `padding`, which then is at both */
	int auto_pad; /* padding that makes as many outputs as x has strides, the odd one at the end (upper) or the beginning (lower); valid: none; EG_LP_POOL1D_AUTO_PAD_... */
	int p; /* which norm; default 2 */
	bool end_; /* closes the builder's list */
} eg_lp_pool1d_options;
static inline eg_tensor eg_lp_pool1d_with(eg_graph *g, eg_tensor x, const eg_lp_pool1d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "lp_pool1d", options, inputs, 1);
}
#define eg_lp_pool1d(...) EG_BUILD_1(lp_pool1d, __VA_ARGS__, )

/* ---- lp_pool2d -------------------------------------------------------------------------------------------------- */

/* Pooling by the p-norm of windows.
 *
 * y = (sum over the window of |x|^p)^(1/p); x (N,C,H,W), y (N,C,P,Q)
 *
 * Inputs: x. Output: y.
 * ONNX LpPool-18 but for dilations and ceil_mode; Sermanet, Chintala, LeCun 2012
 */
enum { EG_LP_POOL2D_AUTO_PAD_NOTSET, EG_LP_POOL2D_AUTO_PAD_SAME_UPPER, EG_LP_POOL2D_AUTO_PAD_SAME_LOWER, EG_LP_POOL2D_AUTO_PAD_VALID };
typedef struct eg_lp_pool2d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int kernel[2]; /* size of the windows along each axis; needed */
	int stride[2]; /* steps from one window to the next; default: as large as the kernel */
	int padding[2]; /* zeros put around x, on each side */
	int padding_end[2]; /* padding at the end of each axis; default: as `padding`, which then is at both */
	int auto_pad; /* padding that makes as many outputs as x has strides, the odd one at the end (upper) or the beginning (lower); valid: none; EG_LP_POOL2D_AUTO_PAD_... */
	int p; /* which norm; default 2 */
	bool end_; /* closes the builder's list */
} eg_lp_pool2d_options;
static inline eg_tensor eg_lp_pool2d_with(eg_graph *g, eg_tensor x, const eg_lp_pool2d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "lp_pool2d", options, inputs, 1);
}
#define eg_lp_pool2d(...) EG_BUILD_1(lp_pool2d, __VA_ARGS__, )

/* ---- lp_pool3d -------------------------------------------------------------------------------------------------- */

/* Pooling by the p-norm of windows.
 *
 * y = (sum over the window of |x|^p)^(1/p); x (N,C,D,H,W), y (N,C,O,P,Q)
 *
 * Inputs: x. Output: y.
 * ONNX LpPool-18 but for dilations and ceil_mode; Sermanet, Chintala, LeCun 2012
 */
enum { EG_LP_POOL3D_AUTO_PAD_NOTSET, EG_LP_POOL3D_AUTO_PAD_SAME_UPPER, EG_LP_POOL3D_AUTO_PAD_SAME_LOWER, EG_LP_POOL3D_AUTO_PAD_VALID };
typedef struct eg_lp_pool3d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int kernel[3]; /* size of the windows along each axis; needed */
	int stride[3]; /* steps from one window to the next; default: as large as the kernel */
	int padding[3]; /* zeros put around x, on each side */
	int padding_end[3]; /* padding at the end of each axis; default: as `padding`, which then is at both */
	int auto_pad; /* padding that makes as many outputs as x has strides, the odd one at the end (upper) or the beginning (lower); valid: none; EG_LP_POOL3D_AUTO_PAD_... */
	int p; /* which norm; default 2 */
	bool end_; /* closes the builder's list */
} eg_lp_pool3d_options;
static inline eg_tensor eg_lp_pool3d_with(eg_graph *g, eg_tensor x, const eg_lp_pool3d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "lp_pool3d", options, inputs, 1);
}
#define eg_lp_pool3d(...) EG_BUILD_1(lp_pool3d, __VA_ARGS__, )

/* ---- max_unpool ------------------------------------------------------------------------------------------------- */

/* Puts values back where a maximum pooling has found them; all else is 0.
 *
 * y[n,c,indices[n,c,i..]] = x[n,c,i..], 0 elsewhere, places counted row by row as maxpool's second output has them;
 * of several at one place the last stays, a place outside of y is none; dx = dy at the place;
 * y has (size - 1) stride + kernel - 2 padding positions along each axis
 *
 * Inputs: x, indices. Output: y.
 * PyTorch MaxUnpool; ONNX MaxUnpool-11, whose indices count through all channels; Zeiler and Fergus 2014
 */
typedef struct eg_max_unpool_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_ints kernel; /* of the pooling, along each axis behind the channels, or one for all; needed */
	eg_ints stride; /* of the pooling; left out: as large as the kernel */
	eg_ints padding; /* of the pooling, on each side; left out: none */
	eg_ints output; /* size of y along each axis, where it is not the smallest that the pooling can have had */
	bool end_; /* closes the builder's list */
} eg_max_unpool_options;
static inline eg_tensor eg_max_unpool_with(eg_graph *g, eg_tensor x, eg_tensor indices,
	const eg_max_unpool_options *options) {
	eg_tensor inputs[2] = {x, indices};
	return eg_apply(g, "max_unpool", options, inputs, 2);
}
#define eg_max_unpool(...) EG_BUILD_2(max_unpool, __VA_ARGS__, )

/* ---- upsample2d ------------------------------------------------------------------------------------------------- */

/* Makes pictures larger by whole factors: each value is repeated (nearest neighbour).
 *
 * y[n,c,p,q] = x[n,c, p div scale, q div scale]; x (N,C,H,W), y (N, C, H scale, W scale);
 * dx = the sum of dy over the positions that show x
 *
 * Inputs: x. Output: y.
 * ONNX Resize-11 (mode nearest, coordinate_transformation_mode asymmetric, nearest_mode floor)
 */
typedef struct eg_upsample2d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int scale[2]; /* how many times as high and as wide; needed */
	bool end_; /* closes the builder's list */
} eg_upsample2d_options;
static inline eg_tensor eg_upsample2d_with(eg_graph *g, eg_tensor x, const eg_upsample2d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "upsample2d", options, inputs, 1);
}
#define eg_upsample2d(...) EG_BUILD_1(upsample2d, __VA_ARGS__, )

/* ---- resize ----------------------------------------------------------------------------------------------------- */

/* Sequences, pictures or volumes of another size, by interpolation along each axis.
 *
 * y[n,c,p..] = sum over the neighbours i of place(p) along each axis of weight(i - place(p)) x[n,c,i..];
 * half_pixel: place(p) = (p + 1/2) / scale - 1/2; asymmetric: p / scale; align_corners: p (size - 1) / (scale size -
 * 1);
 * tf_crop_and_resize: (begin + (end - begin) p / (size of y - 1)) (size - 1), and y is `extrapolation` where that is
 * outside of x;
 * x (N,C,L), (N,C,H,W) or (N,C,D,H,W), y likewise
 *
 * Inputs: x. Output: y.
 * ONNX Resize-18; PyTorch interpolate; TensorFlow crop_and_resize; Keys 1981
 */
enum { EG_RESIZE_MODE_NEAREST, EG_RESIZE_MODE_LINEAR, EG_RESIZE_MODE_CUBIC };
enum { EG_RESIZE_COORDINATES_HALF_PIXEL, EG_RESIZE_COORDINATES_HALF_PIXEL_SYMMETRIC, EG_RESIZE_COORDINATES_PYTORCH_HALF_PIXEL, EG_RESIZE_COORDINATES_ALIGN_CORNERS, EG_RESIZE_COORDINATES_ASYMMETRIC, EG_RESIZE_COORDINATES_TF_HALF_PIXEL_FOR_NN, EG_RESIZE_COORDINATES_TF_CROP_AND_RESIZE };
enum { EG_RESIZE_ROUNDING_ROUND_PREFER_FLOOR, EG_RESIZE_ROUNDING_ROUND_PREFER_CEIL, EG_RESIZE_ROUNDING_FLOOR, EG_RESIZE_ROUNDING_CEIL };
enum { EG_RESIZE_ASPECT_STRETCH, EG_RESIZE_ASPECT_NOT_LARGER, EG_RESIZE_ASPECT_NOT_SMALLER };
typedef struct eg_resize_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_ints sizes; /* size of y along each axis behind the channels, or one for all; left out: `scales` says it */
	eg_floats scales; /* how many times as large y is along each axis, or one number for all; sizes are rounded down */
	eg_floats roi; /* tf_crop_and_resize: the part of x that y shows, where it begins along each axis and then where it ends, 0 being the first position of x and 1 the last */
	int mode; /* how a value is made of its neighbours: the nearest one, linearly (bilinear, trilinear), cubic; EG_RESIZE_MODE_... */
	int coordinates; /* where a position of y lies in x; PyTorch: half_pixel, or align_corners; for its nearest asymmetric with rounding floor; EG_RESIZE_COORDINATES_... */
	int rounding; /* mode nearest: which neighbour that is; EG_RESIZE_ROUNDING_... */
	float cubic_a; /* mode cubic: parameter of Keys' kernel (-0.5 in TensorFlow and PIL); default -0.75 */
	float extrapolation; /* tf_crop_and_resize: what y is where the part reaches beyond x */
	bool exclude_outside; /* positions outside of x have no weight; else they are as the nearest inside */
	bool antialias; /* modes linear and cubic: where y is smaller, kernels are as much wider (PyTorch: with exclude_outside, and cubic_a -0.5) */
	int aspect; /* stretch: `sizes` as they are; not_larger, not_smaller: one scale for all axes, the largest with which y is nowhere larger than `sizes`, or the smallest with which it is nowhere smaller; EG_RESIZE_ASPECT_... */
	bool end_; /* closes the builder's list */
} eg_resize_options;
static inline eg_tensor eg_resize_with(eg_graph *g, eg_tensor x, const eg_resize_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "resize", options, inputs, 1);
}
#define eg_resize(...) EG_BUILD_1(resize, __VA_ARGS__, )

/* ---- depth_to_space --------------------------------------------------------------------------------------------- */

/* Channels become squares of pixels: a larger picture with fewer channels (pixel shuffle).
 *
 * y[n,c, h b + i, w b + j] = x[n, (i b + j) C + c, h, w] (dcr), x[n, (c b + i) b + j, h, w] (crd);
 * x (N, C b b, H, W), y (N, C, H b, W b)
 *
 * Inputs: x. Output: y.
 * ONNX DepthToSpace-13; crd: PyTorch PixelShuffle, Shi et al. 2016
 */
enum { EG_DEPTH_TO_SPACE_MODE_DCR, EG_DEPTH_TO_SPACE_MODE_CRD };
typedef struct eg_depth_to_space_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int block; /* side of the squares; needed */
	int mode; /* which channel a pixel of a square is: dcr, (row of it, column of it, channel), as TensorFlow has it; crd, (channel, row, column), as PyTorch's pixel_shuffle; EG_DEPTH_TO_SPACE_MODE_... */
	bool end_; /* closes the builder's list */
} eg_depth_to_space_options;
static inline eg_tensor eg_depth_to_space_with(eg_graph *g, eg_tensor x, const eg_depth_to_space_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "depth_to_space", options, inputs, 1);
}
#define eg_depth_to_space(...) EG_BUILD_1(depth_to_space, __VA_ARGS__, )

/* ---- space_to_depth --------------------------------------------------------------------------------------------- */

/* Squares of pixels become channels: a smaller picture with more channels (pixel unshuffle).
 *
 * y[n, (i b + j) C + c, h, w] = x[n,c, h b + i, w b + j] (dcr), y[n, (c b + i) b + j, h, w] (crd);
 * x (N, C, H b, W b), y (N, C b b, H, W)
 *
 * Inputs: x. Output: y.
 * ONNX SpaceToDepth-13 (dcr); crd: PyTorch PixelUnshuffle
 */
enum { EG_SPACE_TO_DEPTH_MODE_DCR, EG_SPACE_TO_DEPTH_MODE_CRD };
typedef struct eg_space_to_depth_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int block; /* side of the squares; needed */
	int mode; /* which channel a pixel of a square is: dcr, (row of it, column of it, channel), as TensorFlow has it; crd, (channel, row, column), as PyTorch's pixel_shuffle; EG_SPACE_TO_DEPTH_MODE_... */
	bool end_; /* closes the builder's list */
} eg_space_to_depth_options;
static inline eg_tensor eg_space_to_depth_with(eg_graph *g, eg_tensor x, const eg_space_to_depth_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "space_to_depth", options, inputs, 1);
}
#define eg_space_to_depth(...) EG_BUILD_1(space_to_depth, __VA_ARGS__, )

/* ---- roi_align -------------------------------------------------------------------------------------------------- */

/* Regions of pictures brought to one size, by interpolation.
 *
 * y[r,c,p,q] = mean (or max) over the points of part (p,q) of region r of x[batch_indices[r],c] there, interpolated
 * bilinearly (max: each neighbour times its weight, the largest); x (N,C,H,W), rois (R,4), y (R,C,P,Q);
 * a picture that is not there gives 0; regions have no gradient
 *
 * Inputs: x, rois, batch_indices. Output: y.
 * ONNX RoiAlign-16; He et al. 2017, Mask R-CNN
 */
enum { EG_ROI_ALIGN_MODE_AVG, EG_ROI_ALIGN_MODE_MAX };
enum { EG_ROI_ALIGN_COORDINATES_HALF_PIXEL, EG_ROI_ALIGN_COORDINATES_OUTPUT_HALF_PIXEL };
typedef struct eg_roi_align_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int output[2]; /* height and width of y; default 1 */
	int sampling_ratio; /* points along each side of one of the parts of a region; 0: as many as it has positions */
	float spatial_scale; /* what regions are multiplied with to be in positions of x; default 1 */
	int mode; /* what is made of the points of a part; EG_ROI_ALIGN_MODE_... */
	int coordinates; /* half_pixel: regions are shifted by -1/2 (PyTorch: aligned); output_half_pixel: not, and they are at least 1 high and wide; EG_ROI_ALIGN_COORDINATES_... */
	bool end_; /* closes the builder's list */
} eg_roi_align_options;
static inline eg_tensor eg_roi_align_with(eg_graph *g, eg_tensor x, eg_tensor rois, eg_tensor batch_indices,
	const eg_roi_align_options *options) {
	eg_tensor inputs[3] = {x, rois, batch_indices};
	return eg_apply(g, "roi_align", options, inputs, 3);
}
#define eg_roi_align(...) EG_BUILD_3(roi_align, __VA_ARGS__, )

/* ---- batchnorm -------------------------------------------------------------------------------------------------- */

/* Batch normalisation: each channel is brought to mean 0 and variance 1 over the batch, then scaled and shifted.
 *
 * y = weight (x - mean) / sqrt(var + eps) + bias, all by channel, x (N,C,...);
 * training: mean and (biased) variance of the batch, and running = (1 - momentum) running + momentum batch
 * with its unbiased variance; otherwise the running ones, also where a batch has one value a channel only, which
 * then does not count in them
 *
 * Inputs: x. Weights: weight, bias, running_mean, running_var. Output: y.
 * ONNX BatchNormalization-15; Ioffe and Szegedy 2015; momentum as PyTorch counts it
 */
typedef struct eg_batchnorm_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	float momentum; /* share of the batch in the running statistics after a step (ONNX counts the rest instead: 1 - momentum); default 0.1 */
	float eps; /* added to the variance; default 1e-05 */
	bool frozen; /* in training too the running statistics are used, and left as they are (fine-tuning) */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	bool end_; /* closes the builder's list */
} eg_batchnorm_options;
static inline eg_tensor eg_batchnorm_with(eg_graph *g, eg_tensor x, const eg_batchnorm_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "batchnorm", options, inputs, 1);
}
#define eg_batchnorm(...) EG_BUILD_1(batchnorm, __VA_ARGS__, )

/* ---- layernorm -------------------------------------------------------------------------------------------------- */

/* Layer normalisation: each sample, or step of it, is brought to mean 0 and variance 1, then scaled and shifted.
 *
 * y = weight (x - mean) / sqrt(var + eps) + bias, mean and (biased) variance over the dimensions from `axis` on, of
 * which weight and bias have one each;
 * with h = (x - mean) / sqrt(var + eps), g = weight dy and means over the same:
 * dx = (g - mean of g - h mean of g h) / sqrt(var + eps), dweight = sum of dy h, dbias = sum of dy
 *
 * Inputs: x. Weights: weight, bias. Output: y.
 * ONNX LayerNormalization-17; Ba, Kiros and Hinton 2016
 */
typedef struct eg_layernorm_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int axis; /* first of the dimensions that are normalised together; negative counts from the end; default -1 */
	float eps; /* added to the variance; default 1e-05 */
	bool no_scale; /* true switches this off: learned factors */
	bool no_bias; /* true switches this off: learned constants that are added */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	bool end_; /* closes the builder's list */
} eg_layernorm_options;
static inline eg_tensor eg_layernorm_with(eg_graph *g, eg_tensor x, const eg_layernorm_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "layernorm", options, inputs, 1);
}
#define eg_layernorm(...) EG_BUILD_1(layernorm, __VA_ARGS__, )

/* ---- rmsnorm ---------------------------------------------------------------------------------------------------- */

/* Root mean square normalisation: each sample, or step of it, is brought to mean square 1, then scaled.
 *
 * y = weight x / sqrt(mean of x^2 + eps), the mean over the dimensions from `axis` on, of which weight has one each;
 * with h = x / sqrt(mean of x^2 + eps), g = weight dy: dx = (g - h mean of g h) / sqrt(mean of x^2 + eps), dweight =
 * sum of dy h
 *
 * Inputs: x. Weights: weight. Output: y.
 * ONNX RMSNormalization-23; Zhang and Sennrich 2019
 */
typedef struct eg_rmsnorm_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int axis; /* first of the dimensions that are normalised together; negative counts from the end; default -1 */
	float eps; /* added to the mean square; default 1e-05 */
	bool no_scale; /* true switches this off: learned factors */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	bool end_; /* closes the builder's list */
} eg_rmsnorm_options;
static inline eg_tensor eg_rmsnorm_with(eg_graph *g, eg_tensor x, const eg_rmsnorm_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "rmsnorm", options, inputs, 1);
}
#define eg_rmsnorm(...) EG_BUILD_1(rmsnorm, __VA_ARGS__, )

/* ---- groupnorm -------------------------------------------------------------------------------------------------- */

/* Group normalisation: of each sample, groups of channels are brought to mean 0 and variance 1, then scaled and shifted.
 *
 * y = weight (x - mean) / sqrt(var + eps) + bias, x (N,C,...), mean and (biased) variance over C / groups neighbouring
 * channels and all positions of a sample,
 * weight and bias by channel; gradients as of layernorm
 *
 * Inputs: x. Weights: weight, bias. Output: y.
 * ONNX GroupNormalization-21; Wu and He 2018
 */
typedef struct eg_groupnorm_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int groups; /* so many runs of neighbouring channels are normalised each by itself; needed */
	float eps; /* added to the variance; default 1e-05 */
	bool no_scale; /* true switches this off: learned factors */
	bool no_bias; /* true switches this off: learned constants that are added */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	bool end_; /* closes the builder's list */
} eg_groupnorm_options;
static inline eg_tensor eg_groupnorm_with(eg_graph *g, eg_tensor x, const eg_groupnorm_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "groupnorm", options, inputs, 1);
}
#define eg_groupnorm(...) EG_BUILD_1(groupnorm, __VA_ARGS__, )

/* ---- instancenorm ----------------------------------------------------------------------------------------------- */

/* Instance normalisation: each channel of each sample is brought to mean 0 and variance 1, then scaled and shifted.
 *
 * y = weight (x - mean) / sqrt(var + eps) + bias, x (N,C,...), mean and (biased) variance over the positions of a
 * channel of a sample, weight and bias by channel;
 * gradients as of layernorm. No running statistics: inference is as training
 *
 * Inputs: x. Weights: weight, bias. Output: y.
 * ONNX InstanceNormalization-6; PyTorch InstanceNorm with affine; Ulyanov, Vedaldi and Lempitsky 2016
 */
typedef struct eg_instancenorm_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	float eps; /* added to the variance; default 1e-05 */
	bool no_scale; /* true switches this off: learned factors */
	bool no_bias; /* true switches this off: learned constants that are added */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	bool end_; /* closes the builder's list */
} eg_instancenorm_options;
static inline eg_tensor eg_instancenorm_with(eg_graph *g, eg_tensor x, const eg_instancenorm_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "instancenorm", options, inputs, 1);
}
#define eg_instancenorm(...) EG_BUILD_1(instancenorm, __VA_ARGS__, )

/* ---- lrn -------------------------------------------------------------------------------------------------------- */

/* Local response normalisation: each number is divided by a power of the mean square of its neighbours in other channels.
 *
 * y = x / d^beta, d = bias + alpha / size * sum of x^2 at the same position over `size` channels, from (size - 1) / 2
 * before its
 * own on (rounded down), x (N,C,...);
 * dx = dy / d^beta - 2 alpha beta / size * x * sum of dy y / d over the channels whose windows hold it
 *
 * Inputs: x. Output: y.
 * ONNX LRN-13; Krizhevsky, Sutskever and Hinton 2012. PyTorch's windows of even size begin one channel earlier
 */
typedef struct eg_lrn_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int size; /* channels in a window, those beyond the first and last counted as 0; needed */
	float alpha; /* factor of the mean square; default 0.0001 */
	float beta; /* exponent; default 0.75 */
	float bias; /* what the mean square is added to; called k too; default 1 */
	bool end_; /* closes the builder's list */
} eg_lrn_options;
static inline eg_tensor eg_lrn_with(eg_graph *g, eg_tensor x, const eg_lrn_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "lrn", options, inputs, 1);
}
#define eg_lrn(...) EG_BUILD_1(lrn, __VA_ARGS__, )

/* ---- scale_channels --------------------------------------------------------------------------------------------- */

/* A learned factor and constant for each channel.
 *
 * y = weight x + bias, all by channel, x (N,C,...); dx = weight dy, dweight = sum of dy x, dbias = sum of dy
 *
 * Inputs: x. Weights: weight, bias. Output: y.
 * LeCun et al. 1998: average pooling and this are the sub-sampling of LeNet-5
 */
typedef struct eg_scale_channels_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	bool no_scale; /* true switches this off: a learned factor for each channel */
	bool no_bias; /* true switches this off: a learned constant for each channel */
	float init_value; /* factors in the beginning; default 1 */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	bool end_; /* closes the builder's list */
} eg_scale_channels_options;
static inline eg_tensor eg_scale_channels_with(eg_graph *g, eg_tensor x, const eg_scale_channels_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "scale_channels", options, inputs, 1);
}
#define eg_scale_channels(...) EG_BUILD_1(scale_channels, __VA_ARGS__, )

/* ---- pad2d ------------------------------------------------------------------------------------------------------ */

/* Zeros around pictures, and channels of zeros.
 *
 * y (N, C + channels, H + height, W + width): x (N,C,H,W) behind the first numbers of each pair, zero elsewhere
 *
 * Inputs: x. Output: y.
 * ONNX Pad-13 with mode constant; for channels as the identity shortcuts of He et al. 2016 have them
 */
typedef struct eg_pad2d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int channels[2]; /* channels of zeros before and behind those of x */
	int height[2]; /* rows of zeros above and below */
	int width[2]; /* columns of zeros on the left and on the right */
	bool end_; /* closes the builder's list */
} eg_pad2d_options;
static inline eg_tensor eg_pad2d_with(eg_graph *g, eg_tensor x, const eg_pad2d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "pad2d", options, inputs, 1);
}
#define eg_pad2d(...) EG_BUILD_1(pad2d, __VA_ARGS__, )

/* ---- linear ----------------------------------------------------------------------------------------------------- */

/* Fully connected layer: every output is a weighted sum of all inputs.
 *
 * y (N,...,units) = x (N,...,features) weight^T + bias; weight (units,features)
 *
 * Inputs: x. Weights: weight, bias. Output: y.
 * ONNX Gemm-13 (transB=1), MatMul-13 for more than 2 dimensions
 */
typedef struct eg_linear_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int units; /* outputs; needed */
	bool no_bias; /* true switches this off: adds a learned constant to each output */
	int init; /* initial weight; default: weight and bias U(+-1/sqrt(features)), otherwise zero bias; EG_INIT_... */
	float init_value; /* for `init`: the constant, the bound of uniform, the deviation of normal, a factor of the others; default 1 */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	bool end_; /* closes the builder's list */
} eg_linear_options;
static inline eg_tensor eg_linear_with(eg_graph *g, eg_tensor x, const eg_linear_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "linear", options, inputs, 1);
}
#define eg_linear(...) EG_BUILD_1(linear, __VA_ARGS__, )

/* ---- cosine_linear ---------------------------------------------------------------------------------------------- */

/* Cosine of the angle between each row and a learned direction for every output, before the loss `arcface`.
 *
 * y (N,...,units) = scale <x,w> / (|x| |w|), x (N,...,features), w the rows of weight (units,features); lengths below
 * 1e-12 are 1e-12
 *
 * Inputs: x. Weights: weight. Output: y.
 * Wang et al. 2017 (NormFace)
 */
typedef struct eg_cosine_linear_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int units; /* outputs: classes; needed */
	float scale; /* what the cosines are multiplied with: the `scale` of arcface; default 64 */
	int init; /* initial weight; default: U(+-1/sqrt(features)); EG_INIT_... */
	float init_value; /* for `init`: the constant, the bound of uniform, the deviation of normal, a factor of the others; default 1 */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	bool end_; /* closes the builder's list */
} eg_cosine_linear_options;
static inline eg_tensor eg_cosine_linear_with(eg_graph *g, eg_tensor x, const eg_cosine_linear_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "cosine_linear", options, inputs, 1);
}
#define eg_cosine_linear(...) EG_BUILD_1(cosine_linear, __VA_ARGS__, )

/* ---- rbf -------------------------------------------------------------------------------------------------------- */

/* Squared distances from codes, which are learned, frozen, or given as a second input.
 *
 * y[k] = sum over i of (x[i] - w[k,i])^2, x (N,...,features), w (units,features);
 * dx[i] = 2 sum over k of dy[k] (x[i] - w[k,i]), dw[k,i] = 2 sum over rows of dy[k] (w[k,i] - x[i])
 *
 * Inputs: x, optional: codes. Weights: weight. Output: y.
 * LeCun et al. 1998, Gradient-based learning applied to document recognition, equation 7
 */
typedef struct eg_rbf_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int units; /* codes, of which each gives an output; 0: as many as the input `codes` has */
	int init; /* codes in the beginning; default: uniform; EG_INIT_... */
	float init_value; /* for `init`: the constant, the bound of uniform, the deviation of normal, a factor of the others; default 1 */
	const char *drawn; /* the codes in the beginning, drawn one after the other: # is init_value, . is -init_value; blanks and line ends are passed over */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	eg_tensor codes; /* optional input */
	bool end_; /* closes the builder's list */
} eg_rbf_options;
static inline eg_tensor eg_rbf_with(eg_graph *g, eg_tensor x, const eg_rbf_options *options) {
	eg_tensor inputs[2] = {x, {0}};
	int n = 1;
	if (options && options->codes.id) {
		inputs[1] = options->codes;
		n = 2;
	}
	return eg_apply(g, "rbf", options, inputs, n);
}
#define eg_rbf(...) EG_BUILD_1(rbf, __VA_ARGS__, )

/* ---- matmul ----------------------------------------------------------------------------------------------------- */

/* The product of two matrices, both computed or given, or of two stacks of them.
 *
 * y (...,M,N) = a (...,M,K) b (...,K,N) for each index of the dimensions before, of which those of size 1 and missing
 * ones are repeated; a (K) is a row, b (K) a column, which y then has not; trans_a, trans_b: a (...,K,M), b (...,N,K);
 * da = dy b^T, db = a^T dy, summed over repeats
 *
 * Inputs: a, b. Output: y.
 * ONNX MatMul-13; numpy.matmul
 */
typedef struct eg_matmul_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool trans_a; /* a's matrices are turned: the last two dimensions change places */
	bool trans_b; /* b's matrices are turned */
	bool end_; /* closes the builder's list */
} eg_matmul_options;
static inline eg_tensor eg_matmul_with(eg_graph *g, eg_tensor a, eg_tensor b,
	const eg_matmul_options *options) {
	eg_tensor inputs[2] = {a, b};
	return eg_apply(g, "matmul", options, inputs, 2);
}
#define eg_matmul(...) EG_BUILD_2(matmul, __VA_ARGS__, )

/* ---- gemm ------------------------------------------------------------------------------------------------------- */

/* The product of two matrices, both computed or given, with factors and something added.
 *
 * y (M,N) = alpha a (M,K) b (K,N) + beta c, c being repeated to (M,N); trans_a: a (K,M), trans_b: b (N,K); da = alpha
 * dy b^T, db = alpha a^T dy, dc = beta dy, summed where c was repeated
 *
 * Inputs: a, b, optional: c. Output: y.
 * ONNX Gemm-13
 */
typedef struct eg_gemm_options {
	const char *name; /* of the node; NULL: made from the operator's */
	float alpha; /* factor of the product; default 1 */
	float beta; /* factor of c; default 1 */
	bool trans_a; /* a is turned: (K,M) */
	bool trans_b; /* b is turned: (N,K) */
	eg_tensor c; /* optional input */
	bool end_; /* closes the builder's list */
} eg_gemm_options;
static inline eg_tensor eg_gemm_with(eg_graph *g, eg_tensor a, eg_tensor b,
	const eg_gemm_options *options) {
	eg_tensor inputs[3] = {a, b, {0}};
	int n = 2;
	if (options && options->c.id) {
		inputs[2] = options->c;
		n = 3;
	}
	return eg_apply(g, "gemm", options, inputs, n);
}
#define eg_gemm(...) EG_BUILD_2(gemm, __VA_ARGS__, )

/* ---- einsum ----------------------------------------------------------------------------------------------------- */

/* Sums of products as an equation says, a letter for each dimension: "bij,bjk->bik".
 *
 * y[out] = sum over all letters that out has not of x1[in1] x2[in2] ...; letters with the same name have the same
 * index; dx_i: the sum of dy and the others by x_i's letters
 *
 * Inputs: x1, optional: x2. Output: y.
 * ONNX Einsum-12; numpy.einsum
 */
typedef struct eg_einsum_options {
	const char *name; /* of the node; NULL: made from the operator's */
	const char *equation; /* letters for the dimensions of each operand, commas between them, and behind -> those of the result; ... for any others, broadcast. Without ->: those of ... and then, in alphabetical order, letters that stand only once; needed */
	eg_tensor x2; /* optional input */
	bool end_; /* closes the builder's list */
} eg_einsum_options;
static inline eg_tensor eg_einsum_with(eg_graph *g, eg_tensor x1, const eg_einsum_options *options) {
	eg_tensor inputs[2] = {x1, {0}};
	int n = 1;
	if (options && options->x2.id) {
		inputs[1] = options->x2;
		n = 2;
	}
	return eg_apply(g, "einsum", options, inputs, n);
}
#define eg_einsum(...) EG_BUILD_1(einsum, __VA_ARGS__, )
/* n of them, 1 to 64; inputs among the options do not count. */
static inline eg_tensor eg_einsum_n(eg_graph *g, const eg_tensor *inputs, int n, const eg_einsum_options *options) {
	return eg_apply(g, "einsum", options, inputs, n);
}

/* ---- embedding -------------------------------------------------------------------------------------------------- */

/* A learned row of numbers for each id: words, characters, categories.
 *
 * y (...,size) = weight[ids (...)]; weight (count,size);
 * dweight[r] = sum of dy over the places where r stands, zero for padding_idx;
 * id -1 stands for nothing, as padding: a row of zeros; any other that is not 0 to count-1 gives a row of NaN
 *
 * Inputs: ids. Weights: weight. Output: y.
 * ONNX Gather-13 (axis 0); Bengio et al. 2003; padding as in PyTorch's F.embedding
 */
typedef struct eg_embedding_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int size; /* numbers that stand for one id; needed */
	int count; /* how many ids there are: 0 to count-1; needed */
	int padding_idx; /* id whose row is never trained, for padding; negative: from the end; default: none */
	int init; /* initial weight; default: normal with deviation 1; EG_INIT_... */
	float init_value; /* for `init`: the constant, the bound of uniform, the deviation of normal, a factor of the others; default 1 */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	bool end_; /* closes the builder's list */
} eg_embedding_options;
static inline eg_tensor eg_embedding_with(eg_graph *g, eg_tensor ids, const eg_embedding_options *options) {
	eg_tensor inputs[1] = {ids};
	return eg_apply(g, "embedding", options, inputs, 1);
}
#define eg_embedding(...) EG_BUILD_1(embedding, __VA_ARGS__, )

/* ---- rnn -------------------------------------------------------------------------------------------------------- */

/* Recurrent layers without gates (Elman).
 *
 * h = f(W x + R h' + b); x (T,N,I), f is `activation`;
 * l0.weight (dirs,G H,I), l0.recurrent_weight (dirs,G H,P), l0.bias (dirs,G H), the same of l1, ...
 * y (T,N,P or 2P); hn (layers dirs,N,P): the last states;
 * states (layers dirs,T,N,P): all of them, without gradient
 *
 * Inputs: x, optional: lengths, h0, dt. Weights: l0.weight, l0.recurrent_weight, l0.bias, l0.decay, l0.norm_gain, l0.norm_bias. Outputs: y, hn, states.
 * ONNX RNN-14; Elman 1990; variants: src/ops/recurrent.c
 */
enum { EG_RNN_MERGE_CONCAT, EG_RNN_MERGE_SUM };
enum { EG_RNN_ACTIVATION_TANH, EG_RNN_ACTIVATION_RELU, EG_RNN_ACTIVATION_SIGMOID, EG_RNN_ACTIVATION_NONE };
typedef struct eg_rnn_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int hidden; /* hidden units; needed */
	int layers; /* layers on top of each other; default 1 */
	bool bidirectional; /* a second set of weights reads the sequence backwards */
	bool reverse; /* reads the sequence backwards */
	int merge; /* how the outputs of both directions become one; EG_RNN_MERGE_... */
	float dropout; /* rate of dropout between the layers */
	float recurrent_dropout; /* rate of dropout of the state, one mask for a whole sequence */
	float zoneout; /* rate at which numbers of the state stay as they were at a step, in training; else their expectation */
	bool no_bias; /* true switches this off: adds a learned constant to each gate */
	bool layer_norm; /* normalises what comes from the input and from the state */
	bool decay; /* the state fades with the time between the steps, input dt */
	int activation; /* of the new content; EG_RNN_ACTIVATION_... */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	eg_tensor lengths; /* optional input */
	eg_tensor h0; /* optional input */
	eg_tensor dt; /* optional input */
	bool end_; /* closes the builder's list */
} eg_rnn_options;
static inline eg_tensor eg_rnn_with(eg_graph *g, eg_tensor x, const eg_rnn_options *options) {
	eg_tensor inputs[4] = {x, {0}, {0}, {0}};
	int n = 1;
	if (options && options->lengths.id) {
		inputs[1] = options->lengths;
		n = 2;
	}
	if (options && options->h0.id) {
		inputs[2] = options->h0;
		n = 3;
	}
	if (options && options->dt.id) {
		inputs[3] = options->dt;
		n = 4;
	}
	return eg_apply(g, "rnn", options, inputs, n);
}
#define eg_rnn(...) EG_BUILD_1(rnn, __VA_ARGS__, )

/* ---- lstm ------------------------------------------------------------------------------------------------------- */

/* Long short-term memory layers.
 *
 * i, o, f = sigma(W x + R h' + b); c = f c' + i tanh(W_c x + R_c h' + b_c); h = o tanh(c);
 * x (T,N,I); gates in the order i, o, f, c; l0.weight (dirs,G H,I), l0.recurrent_weight (dirs,G H,P), l0.bias (dirs,G
 * H), the same of l1, ...
 * y (T,N,P or 2P); hn (layers dirs,N,P): the last states;
 * cn (layers dirs,N,H): the last cells; states (layers dirs,T,N,P), cells (layers dirs,T,N,H), gates (layers
 * dirs,T,N,4,H): all of them, without gradient
 *
 * Inputs: x, optional: lengths, h0, c0, dt. Weights: l0.weight, l0.recurrent_weight, l0.bias, l0.peephole, l0.projection, l0.decay, l0.norm_gain, l0.norm_bias. Outputs: y, hn, cn, states, cells, gates.
 * ONNX LSTM-14; Hochreiter and Schmidhuber 1997; Gers et al. 2000; variants: src/ops/recurrent.c
 */
enum { EG_LSTM_MERGE_CONCAT, EG_LSTM_MERGE_SUM };
enum { EG_LSTM_ACTIVATION_TANH, EG_LSTM_ACTIVATION_RELU, EG_LSTM_ACTIVATION_SIGMOID, EG_LSTM_ACTIVATION_NONE };
enum { EG_LSTM_GATE_ACTIVATION_SIGMOID, EG_LSTM_GATE_ACTIVATION_TANH, EG_LSTM_GATE_ACTIVATION_RELU, EG_LSTM_GATE_ACTIVATION_NONE };
enum { EG_LSTM_OUTPUT_ACTIVATION_TANH, EG_LSTM_OUTPUT_ACTIVATION_RELU, EG_LSTM_OUTPUT_ACTIVATION_SIGMOID, EG_LSTM_OUTPUT_ACTIVATION_NONE };
typedef struct eg_lstm_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int hidden; /* hidden units; needed */
	int layers; /* layers on top of each other; default 1 */
	bool bidirectional; /* a second set of weights reads the sequence backwards */
	bool reverse; /* reads the sequence backwards */
	int merge; /* how the outputs of both directions become one; EG_LSTM_MERGE_... */
	float dropout; /* rate of dropout between the layers */
	float recurrent_dropout; /* rate of dropout of the state, one mask for a whole sequence */
	float zoneout; /* rate at which numbers of the state stay as they were at a step, in training; else their expectation */
	bool no_bias; /* true switches this off: adds a learned constant to each gate */
	bool layer_norm; /* normalises what comes from the input and from the state */
	bool decay; /* the state fades with the time between the steps, input dt */
	int activation; /* of the new content; EG_LSTM_ACTIVATION_... */
	int gate_activation; /* of the gates; EG_LSTM_GATE_ACTIVATION_... */
	int output_activation; /* of the cell on its way out; EG_LSTM_OUTPUT_ACTIVATION_... */
	bool peephole; /* the gates look at the cell */
	bool coupled; /* the forget gate is one minus the input gate */
	int projection; /* numbers that the output is projected to; 0: no projection */
	float cell_clip; /* limit of the cell's magnitude; 0: none */
	float forget_bias; /* initial bias of the forget gate; default 1 */
	float cell_zoneout; /* zoneout of the cell; left out: as of the state */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	eg_tensor lengths; /* optional input */
	eg_tensor h0; /* optional input */
	eg_tensor c0; /* optional input */
	eg_tensor dt; /* optional input */
	bool end_; /* closes the builder's list */
} eg_lstm_options;
static inline eg_tensor eg_lstm_with(eg_graph *g, eg_tensor x, const eg_lstm_options *options) {
	eg_tensor inputs[5] = {x, {0}, {0}, {0}, {0}};
	int n = 1;
	if (options && options->lengths.id) {
		inputs[1] = options->lengths;
		n = 2;
	}
	if (options && options->h0.id) {
		inputs[2] = options->h0;
		n = 3;
	}
	if (options && options->c0.id) {
		inputs[3] = options->c0;
		n = 4;
	}
	if (options && options->dt.id) {
		inputs[4] = options->dt;
		n = 5;
	}
	return eg_apply(g, "lstm", options, inputs, n);
}
#define eg_lstm(...) EG_BUILD_1(lstm, __VA_ARGS__, )

/* ---- gru -------------------------------------------------------------------------------------------------------- */

/* Gated recurrent layers.
 *
 * z, r = sigma(W x + R h' + b); n = tanh(W_n x + b_n + r (R_n h' + q)); h = (1 - z) n + z h';
 * x (T,N,I); gates in the order z, r, n; q is l0.recurrent_bias (dirs,H); l0.weight (dirs,G H,I), l0.recurrent_weight
 * (dirs,G H,P), l0.bias (dirs,G H), the same of l1, ...
 * y (T,N,P or 2P); hn (layers dirs,N,P): the last states;
 * states (layers dirs,T,N,P), gates (layers dirs,T,N,3,H): all of them, without gradient
 *
 * Inputs: x, optional: lengths, h0, dt. Weights: l0.weight, l0.recurrent_weight, l0.bias, l0.recurrent_bias, l0.decay, l0.norm_gain, l0.norm_bias. Outputs: y, hn, states, gates.
 * ONNX GRU-14; Cho et al. 2014; variants: src/ops/recurrent.c
 */
enum { EG_GRU_MERGE_CONCAT, EG_GRU_MERGE_SUM };
enum { EG_GRU_ACTIVATION_TANH, EG_GRU_ACTIVATION_RELU, EG_GRU_ACTIVATION_SIGMOID, EG_GRU_ACTIVATION_NONE };
enum { EG_GRU_GATE_ACTIVATION_SIGMOID, EG_GRU_GATE_ACTIVATION_TANH, EG_GRU_GATE_ACTIVATION_RELU, EG_GRU_GATE_ACTIVATION_NONE };
enum { EG_GRU_RESET_AFTER, EG_GRU_RESET_BEFORE };
enum { EG_GRU_UPDATE_KEEP, EG_GRU_UPDATE_WRITE };
typedef struct eg_gru_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int hidden; /* hidden units; needed */
	int layers; /* layers on top of each other; default 1 */
	bool bidirectional; /* a second set of weights reads the sequence backwards */
	bool reverse; /* reads the sequence backwards */
	int merge; /* how the outputs of both directions become one; EG_GRU_MERGE_... */
	float dropout; /* rate of dropout between the layers */
	float recurrent_dropout; /* rate of dropout of the state, one mask for a whole sequence */
	float zoneout; /* rate at which numbers of the state stay as they were at a step, in training; else their expectation */
	bool no_bias; /* true switches this off: adds a learned constant to each gate */
	bool layer_norm; /* normalises what comes from the input and from the state */
	bool decay; /* the state fades with the time between the steps, input dt */
	int activation; /* of the new content; EG_GRU_ACTIVATION_... */
	int gate_activation; /* of the gates; EG_GRU_GATE_ACTIVATION_... */
	int reset; /* the reset gate acts after or before the matrix product; EG_GRU_RESET_... */
	int update; /* what the update gate stands for: to keep the state, or to write it; EG_GRU_UPDATE_... */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	eg_tensor lengths; /* optional input */
	eg_tensor h0; /* optional input */
	eg_tensor dt; /* optional input */
	bool end_; /* closes the builder's list */
} eg_gru_options;
static inline eg_tensor eg_gru_with(eg_graph *g, eg_tensor x, const eg_gru_options *options) {
	eg_tensor inputs[4] = {x, {0}, {0}, {0}};
	int n = 1;
	if (options && options->lengths.id) {
		inputs[1] = options->lengths;
		n = 2;
	}
	if (options && options->h0.id) {
		inputs[2] = options->h0;
		n = 3;
	}
	if (options && options->dt.id) {
		inputs[3] = options->dt;
		n = 4;
	}
	return eg_apply(g, "gru", options, inputs, n);
}
#define eg_gru(...) EG_BUILD_1(gru, __VA_ARGS__, )

/* ---- reverse_sequence ------------------------------------------------------------------------------------------- */

/* Turns the steps of each sequence round; what lies beyond its length stays where it is.
 *
 * x (T,N,...), lengths L (N); y[t,n] = x[L[n]-1-t,n] where t < L[n], else x[t,n]; with time_axis 1, batch_axis 0: x
 * (N,T,...) likewise
 *
 * Inputs: x, optional: lengths. Output: y.
 * ONNX ReverseSequence-10
 */
typedef struct eg_reverse_sequence_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int time_axis; /* dimension of x that is the time */
	int batch_axis; /* dimension of x that is the batch: the other one of the first two; default 1 */
	eg_tensor lengths; /* optional input */
	bool end_; /* closes the builder's list */
} eg_reverse_sequence_options;
static inline eg_tensor eg_reverse_sequence_with(eg_graph *g, eg_tensor x, const eg_reverse_sequence_options *options) {
	eg_tensor inputs[2] = {x, {0}};
	int n = 1;
	if (options && options->lengths.id) {
		inputs[1] = options->lengths;
		n = 2;
	}
	return eg_apply(g, "reverse_sequence", options, inputs, n);
}
#define eg_reverse_sequence(...) EG_BUILD_1(reverse_sequence, __VA_ARGS__, )

/* ---- shift ------------------------------------------------------------------------------------------------------ */

/* A sequence one step later, with `start` in front: what a decoder reads. In a session the last step before is in front.
 *
 * x (T,N,...), lengths L (N); y[0,n] = start, or the last step of the run before; y[t,n] = x[t-1,n] where t < L[n],
 * else 0; dx[t,n] = dy[t+1,n]
 *
 * Inputs: x, optional: lengths. Output: y.
 * Sutskever, Vinyals, Le 2014; teacher forcing, Williams and Zipser 1989
 */
typedef struct eg_shift_options {
	const char *name; /* of the node; NULL: made from the operator's */
	float start; /* what the first step holds everywhere; for integers a whole number, an id for "begin" */
	eg_tensor lengths; /* optional input */
	bool end_; /* closes the builder's list */
} eg_shift_options;
static inline eg_tensor eg_shift_with(eg_graph *g, eg_tensor x, const eg_shift_options *options) {
	eg_tensor inputs[2] = {x, {0}};
	int n = 1;
	if (options && options->lengths.id) {
		inputs[1] = options->lengths;
		n = 2;
	}
	return eg_apply(g, "shift", options, inputs, n);
}
#define eg_shift(...) EG_BUILD_1(shift, __VA_ARGS__, )

/* ---- sequence_mask ---------------------------------------------------------------------------------------------- */

/* Makes the steps beyond each sequence's length zero.
 *
 * x (T,N,...), lengths L (N); y[t,n] = x[t,n] where t < L[n], else 0; dx likewise from dy
 *
 * Inputs: x, lengths. Output: y.
 * PyTorch's pad_packed_sequence, whose padding is zero
 */
typedef struct eg_sequence_mask_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_sequence_mask_options;
static inline eg_tensor eg_sequence_mask_with(eg_graph *g, eg_tensor x, eg_tensor lengths,
	const eg_sequence_mask_options *options) {
	eg_tensor inputs[2] = {x, lengths};
	return eg_apply(g, "sequence_mask", options, inputs, 2);
}
#define eg_sequence_mask(...) EG_BUILD_2(sequence_mask, __VA_ARGS__, )

/* ---- last ------------------------------------------------------------------------------------------------------- */

/* The last step of each sequence: what a network that reads a sequence and answers once goes by.
 *
 * x (T,N,...), lengths L (N); y (N,...) = x[L[n]-1,n], zero where L[n] is 0
 *
 * Inputs: x, optional: lengths. Output: y.
 * ONNX GatherND-13; Y_h of ONNX's recurrent operators
 */
typedef struct eg_last_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_tensor lengths; /* optional input */
	bool end_; /* closes the builder's list */
} eg_last_options;
static inline eg_tensor eg_last_with(eg_graph *g, eg_tensor x, const eg_last_options *options) {
	eg_tensor inputs[2] = {x, {0}};
	int n = 1;
	if (options && options->lengths.id) {
		inputs[1] = options->lengths;
		n = 2;
	}
	return eg_apply(g, "last", options, inputs, n);
}
#define eg_last(...) EG_BUILD_1(last, __VA_ARGS__, )

/* ---- mean_time -------------------------------------------------------------------------------------------------- */

/* The mean over the steps of each sequence.
 *
 * x (T,N,...), lengths L (N); y (N,...) = 1/L[n] sum of x[t,n] over t < L[n]; L[n] 0: zero
 *
 * Inputs: x, optional: lengths. Output: y.
 * ONNX ReduceMean-18 (axis 0)
 */
typedef struct eg_mean_time_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_tensor lengths; /* optional input */
	bool end_; /* closes the builder's list */
} eg_mean_time_options;
static inline eg_tensor eg_mean_time_with(eg_graph *g, eg_tensor x, const eg_mean_time_options *options) {
	eg_tensor inputs[2] = {x, {0}};
	int n = 1;
	if (options && options->lengths.id) {
		inputs[1] = options->lengths;
		n = 2;
	}
	return eg_apply(g, "mean_time", options, inputs, n);
}
#define eg_mean_time(...) EG_BUILD_1(mean_time, __VA_ARGS__, )

/* ---- attention -------------------------------------------------------------------------------------------------- */

/* Scaled dot-product attention: a mean of the values, weighed by how well keys fit a query.
 *
 * P = softmax(scale q k^T + bias) over the keys that are seen; y = P v; 0 if none is seen;
 * q (N,heads,Lq,d), k (N,heads,Lk,d), v (N,heads,Lk,dv), y (N,heads,Lq,dv), or without heads;
 * mask (int32): 1 hides; of the shape of the scores (N,heads,Lq,Lk), or 1 in some places; bias likewise, -inf hides;
 * causal: row i sees keys 0 to i, with a context those of i - context to i only, of earlier runs too in a session;
 * a key or value that a row does not see has no influence on it, whatever it is, NaN included; dropout acts on P
 * dv = P^T dy; dS = P (dy v^T - sum of P dy v^T); dq = scale dS k; dk = scale dS^T q; dbias = dS
 *
 * Inputs: q, k, v, optional: mask, bias. Output: y.
 * Vaswani et al. 2017; ONNX Attention-23
 */
typedef struct eg_attention_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool causal; /* row i sees keys 0 to i only */
	int context; /* with causal: so many earlier steps a step sees, older ones it has forgotten. They are kept from run to run in a session, which needs such a number; left out or 0: all of this run */
	float scale; /* factor of the scores; default: 1/sqrt(d) */
	float dropout; /* rate of dropout of the weights */
	eg_tensor mask; /* optional input */
	eg_tensor bias; /* optional input */
	bool end_; /* closes the builder's list */
} eg_attention_options;
static inline eg_tensor eg_attention_with(eg_graph *g, eg_tensor q, eg_tensor k, eg_tensor v,
	const eg_attention_options *options) {
	eg_tensor inputs[5] = {q, k, v, {0}, {0}};
	int n = 3;
	if (options && options->mask.id) {
		inputs[3] = options->mask;
		n = 4;
	}
	if (options && options->bias.id) {
		inputs[4] = options->bias;
		n = 5;
	}
	return eg_apply(g, "attention", options, inputs, n);
}
#define eg_attention(...) EG_BUILD_3(attention, __VA_ARGS__, )

/* ---- multi_head_attention --------------------------------------------------------------------------------------- */

/* Attention between steps of sequences: queries from x, keys and values from source (default: x).
 *
 * q, k, v = the thirds of in_proj_weight (3C,C) times x, source, source plus in_proj_bias;
 * in each head of d = C/heads features P = softmax(q k^T / sqrt(d) + bias) over keys within lengths that no mask hides;
 * y = out_proj.weight (C,C) times the heads' P v side by side, plus out_proj.bias;
 * kv_heads: k and v have kv_heads d features, in_proj_weight C + 2 kv_heads d rows; head h has those of h kv_heads /
 * heads, rounded down;
 * mask (int32): 1 hides; (N,heads,T,S), (N,T,S) or (T,S), or 1 in some places; bias likewise, -inf hides;
 * context: step t sees t - context to t, of earlier runs too in a session;
 * x (T,N,C), source (S,N,C), y (T,N,C), lengths (N) of source; of x where that is the source: y is 0 behind them
 *
 * Inputs: x, optional: source, lengths, mask, bias. Weights: in_proj_weight, in_proj_bias, out_proj.weight, out_proj.bias. Output: y.
 * Vaswani et al. 2017; weights as in PyTorch's MultiheadAttention; kv_heads: Shazeer 2019, Ainslie et al. 2023
 */
typedef struct eg_multi_head_attention_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int heads; /* into so many parts the features are cut; each attends on its own; needed */
	int kv_heads; /* so many heads of keys and values, each for heads/kv_heads of queries; left out or 0: as many as heads, 1: multi-query attention */
	bool causal; /* step t sees steps 0 to t only */
	int context; /* with causal: so many earlier steps a step sees, older ones it has forgotten. They are kept from run to run in a session, which needs such a number; left out or 0: all of this run */
	bool no_bias; /* true switches this off: adds learned constants in both projections */
	float dropout; /* rate of dropout of the weights */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	eg_tensor source; /* optional input */
	eg_tensor lengths; /* optional input */
	eg_tensor mask; /* optional input */
	eg_tensor bias; /* optional input */
	bool end_; /* closes the builder's list */
} eg_multi_head_attention_options;
static inline eg_tensor eg_multi_head_attention_with(eg_graph *g, eg_tensor x, const eg_multi_head_attention_options *options) {
	eg_tensor inputs[5] = {x, {0}, {0}, {0}, {0}};
	int n = 1;
	if (options && options->source.id) {
		inputs[1] = options->source;
		n = 2;
	}
	if (options && options->lengths.id) {
		inputs[2] = options->lengths;
		n = 3;
	}
	if (options && options->mask.id) {
		inputs[3] = options->mask;
		n = 4;
	}
	if (options && options->bias.id) {
		inputs[4] = options->bias;
		n = 5;
	}
	return eg_apply(g, "multi_head_attention", options, inputs, n);
}
#define eg_multi_head_attention(...) EG_BUILD_1(multi_head_attention, __VA_ARGS__, )

/* ---- additive_attention ----------------------------------------------------------------------------------------- */

/* Attention of a decoder's states to an encoder's outputs, by a small network.
 *
 * P = softmax of score_weight^T tanh(query_weight query + source_weight source + bias);
 * y = P source over the S places of each sample within its length; y is 0 if there is none; query (T,N,C) or one step
 * (N,C),
 * source (S,N,D), lengths (N) of source, y (T,N,D) or (N,D); weights (N,T,S) or (N,S): P, without gradient
 *
 * Inputs: query, source, optional: lengths. Weights: query_weight, source_weight, score_weight, bias. Outputs: y, weights.
 * Bahdanau et al. 2015; Luong et al. 2015, score concat
 */
typedef struct eg_additive_attention_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int units; /* numbers that query and source are brought to; needed */
	bool no_bias; /* true switches this off: adds a learned constant inside of tanh */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	eg_tensor lengths; /* optional input */
	bool end_; /* closes the builder's list */
} eg_additive_attention_options;
static inline eg_tensor eg_additive_attention_with(eg_graph *g, eg_tensor query, eg_tensor source,
	const eg_additive_attention_options *options) {
	eg_tensor inputs[3] = {query, source, {0}};
	int n = 2;
	if (options && options->lengths.id) {
		inputs[2] = options->lengths;
		n = 3;
	}
	return eg_apply(g, "additive_attention", options, inputs, n);
}
#define eg_additive_attention(...) EG_BUILD_2(additive_attention, __VA_ARGS__, )

/* ---- multiplicative_attention ----------------------------------------------------------------------------------- */

/* Attention of a decoder's states to an encoder's outputs, by products.
 *
 * P = softmax of query^T weight source (general), or query^T source (dot);
 * y = P source over the S places of each sample within its length; y is 0 if there is none; query (T,N,C) or one step
 * (N,C),
 * source (S,N,D), lengths (N) of source, y (T,N,D) or (N,D); weights (N,T,S) or (N,S): P, without gradient
 *
 * Inputs: query, source, optional: lengths. Weights: weight. Outputs: y, weights.
 * Luong et al. 2015
 */
enum { EG_MULTIPLICATIVE_ATTENTION_SCORE_GENERAL, EG_MULTIPLICATIVE_ATTENTION_SCORE_DOT };
typedef struct eg_multiplicative_attention_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int score; /* q^T W k with a learned W, or q^T k; EG_MULTIPLICATIVE_ATTENTION_SCORE_... */
	bool scaled; /* scores are divided by the root of their number of terms */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	eg_tensor lengths; /* optional input */
	bool end_; /* closes the builder's list */
} eg_multiplicative_attention_options;
static inline eg_tensor eg_multiplicative_attention_with(eg_graph *g, eg_tensor query, eg_tensor source,
	const eg_multiplicative_attention_options *options) {
	eg_tensor inputs[3] = {query, source, {0}};
	int n = 2;
	if (options && options->lengths.id) {
		inputs[2] = options->lengths;
		n = 3;
	}
	return eg_apply(g, "multiplicative_attention", options, inputs, n);
}
#define eg_multiplicative_attention(...) EG_BUILD_2(multiplicative_attention, __VA_ARGS__, )

/* ---- flatten ---------------------------------------------------------------------------------------------------- */

/* Makes one dimension of all dimensions from `axis` on.
 *
 * y (N, C*H*W) = x (N,C,H,W), the same numbers in the same order
 *
 * Inputs: x. Output: y.
 * ONNX Flatten-13 where axis is 1, else Reshape-13
 */
typedef struct eg_flatten_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int axis; /* first of the dimensions that become one; negative counts from the end; default 1 */
	bool end_; /* closes the builder's list */
} eg_flatten_options;
static inline eg_tensor eg_flatten_with(eg_graph *g, eg_tensor x, const eg_flatten_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "flatten", options, inputs, 1);
}
#define eg_flatten(...) EG_BUILD_1(flatten, __VA_ARGS__, )

/* ---- detach ----------------------------------------------------------------------------------------------------- */

/* Its input, back through which no gradient flows.
 *
 * y = x; dx = 0
 *
 * Inputs: x. Output: y.
 * PyTorch's detach
 */
typedef struct eg_detach_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_detach_options;
static inline eg_tensor eg_detach_with(eg_graph *g, eg_tensor x, const eg_detach_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "detach", options, inputs, 1);
}
#define eg_detach(...) EG_BUILD_1(detach, __VA_ARGS__, )

/* ---- fold_time -------------------------------------------------------------------------------------------------- */

/* Makes a sample of every step of every sequence, so that layers for pictures and rows work on each.
 *
 * y (T*N,...) = x (T,N,...), the same numbers in the same order
 *
 * Inputs: x. Output: y.
 * ONNX Reshape-13; PyTorch's Tensor.flatten and unflatten
 */
typedef struct eg_fold_time_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_fold_time_options;
static inline eg_tensor eg_fold_time_with(eg_graph *g, eg_tensor x, const eg_fold_time_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "fold_time", options, inputs, 1);
}
#define eg_fold_time(...) EG_BUILD_1(fold_time, __VA_ARGS__, )

/* ---- unfold_time ------------------------------------------------------------------------------------------------ */

/* Takes steps that fold_time has made samples of together to sequences again.
 *
 * y (T,N,...) = x (T*N,...), the same numbers in the same order
 *
 * Inputs: x. Output: y.
 * ONNX Reshape-13; PyTorch's Tensor.flatten and unflatten
 */
typedef struct eg_unfold_time_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_unfold_time_options;
static inline eg_tensor eg_unfold_time_with(eg_graph *g, eg_tensor x, const eg_unfold_time_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "unfold_time", options, inputs, 1);
}
#define eg_unfold_time(...) EG_BUILD_1(unfold_time, __VA_ARGS__, )

/* ---- reshape ---------------------------------------------------------------------------------------------------- */

/* The same numbers under other dimensions.
 *
 * y (shape) = x, the same numbers in the same order
 *
 * Inputs: x. Output: y.
 * ONNX Reshape-13
 */
typedef struct eg_reshape_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_ints shape; /* sizes of y; 0: the one that x has at this place; -1, once: what is left; needed */
	bool end_; /* closes the builder's list */
} eg_reshape_options;
static inline eg_tensor eg_reshape_with(eg_graph *g, eg_tensor x, const eg_reshape_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "reshape", options, inputs, 1);
}
#define eg_reshape(...) EG_BUILD_1(reshape, __VA_ARGS__, )

/* ---- squeeze ---------------------------------------------------------------------------------------------------- */

/* Leaves out dimensions of size 1.
 *
 * y = x without the dimensions `axes`
 *
 * Inputs: x. Output: y.
 * ONNX Squeeze-13
 */
typedef struct eg_squeeze_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_ints axes; /* dimensions of size 1 to leave out; negative counts from the end. Left out: all that are known to be 1 */
	bool end_; /* closes the builder's list */
} eg_squeeze_options;
static inline eg_tensor eg_squeeze_with(eg_graph *g, eg_tensor x, const eg_squeeze_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "squeeze", options, inputs, 1);
}
#define eg_squeeze(...) EG_BUILD_1(squeeze, __VA_ARGS__, )

/* ---- unsqueeze -------------------------------------------------------------------------------------------------- */

/* Puts in dimensions of size 1.
 *
 * y = x with dimensions of size 1 at `axes`
 *
 * Inputs: x. Output: y.
 * ONNX Unsqueeze-13
 */
typedef struct eg_unsqueeze_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_ints axes; /* where y has a dimension of size 1 that x has not; negative counts from the end of y; needed */
	bool end_; /* closes the builder's list */
} eg_unsqueeze_options;
static inline eg_tensor eg_unsqueeze_with(eg_graph *g, eg_tensor x, const eg_unsqueeze_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "unsqueeze", options, inputs, 1);
}
#define eg_unsqueeze(...) EG_BUILD_1(unsqueeze, __VA_ARGS__, )

/* ---- transpose -------------------------------------------------------------------------------------------------- */

/* Dimensions in another order.
 *
 * y[i0,i1,...] = x[...], index i_k of y being index perm[k] of x; dx = dy with the dimensions back in their order
 *
 * Inputs: x. Output: y.
 * ONNX Transpose-13
 */
typedef struct eg_transpose_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_ints perm; /* which dimension of x each dimension of y is; left out: all in reversed order */
	bool end_; /* closes the builder's list */
} eg_transpose_options;
static inline eg_tensor eg_transpose_with(eg_graph *g, eg_tensor x, const eg_transpose_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "transpose", options, inputs, 1);
}
#define eg_transpose(...) EG_BUILD_1(transpose, __VA_ARGS__, )

/* ---- slice ------------------------------------------------------------------------------------------------------ */

/* A part of a tensor: from `starts` to before `ends` along `axes`, every `steps`-th.
 *
 * y[..,i,..] = x[..,start + step i,..] along each axis; dx is dy there, 0 elsewhere
 *
 * Inputs: x. Output: y.
 * ONNX Slice-13
 */
typedef struct eg_slice_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_ints starts; /* first index in each of the axes; negative counts from the end; needed */
	eg_ints ends; /* first index that is left out; what is beyond the end is the end, so 2147483647 means all; needed */
	eg_ints axes; /* dimensions that are cut; left out: the first ones */
	eg_ints steps; /* every so many; negative goes from the start down. Left out: 1 */
	bool end_; /* closes the builder's list */
} eg_slice_options;
static inline eg_tensor eg_slice_with(eg_graph *g, eg_tensor x, const eg_slice_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "slice", options, inputs, 1);
}
#define eg_slice(...) EG_BUILD_1(slice, __VA_ARGS__, )

/* ---- split_parts ------------------------------------------------------------------------------------------------ */

/* A tensor cut along `axis` into equal parts, or into parts of the given sizes.
 *
 * y1, y2, ... = x from 0, S1, S1+S2, ... on along axis, S1, S2, ... long; dx = dy1, dy2, ... side by side
 *
 * Inputs: x. Outputs: y1, y2, y3, y4, y5, y6, y7, y8, y9, y10, y11, y12, y13, y14, y15, y16.
 * ONNX Split-18, the sizes as an attribute
 */
typedef struct eg_split_parts_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int axis; /* dimension that is cut; negative counts from the end */
	int num; /* into so many equal parts, of which the last may be smaller; 0: as `sizes` says */
	eg_ints sizes; /* how long each part is; left out: as `num` says */
	bool end_; /* closes the builder's list */
} eg_split_parts_options;
static inline eg_tensor eg_split_parts_with(eg_graph *g, eg_tensor x, const eg_split_parts_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "split_parts", options, inputs, 1);
}
#define eg_split_parts(...) EG_BUILD_1(split_parts, __VA_ARGS__, )

/* ---- pad_nd ----------------------------------------------------------------------------------------------------- */

/* More around a tensor of any rank: a number, or what lies inside; or less, where it is negative.
 *
 * y[..,i,..] = x[..,r(i - before),..], D elements being left of x where something is cut off; r(j) = j inside, and
 * outside: constant, `value` instead; reflect, the distance of j from the nearest multiple of 2(D-1); edge, 0 or D-1;
 * wrap, j mod D. dx = sums of dy over the copies
 *
 * Inputs: x. Output: y.
 * ONNX Pad-18 and wrap of Pad-19, pads and value as attributes; numpy.pad
 */
enum { EG_PAD_ND_MODE_CONSTANT, EG_PAD_ND_MODE_REFLECT, EG_PAD_ND_MODE_EDGE, EG_PAD_ND_MODE_WRAP };
typedef struct eg_pad_nd_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_ints pads; /* elements in front of x in each of the axes, then behind it in each; negative ones are cut off; needed */
	eg_ints axes; /* dimensions that are padded; negative counts from the end. Left out: as many as pads has numbers for, the last ones */
	int mode; /* a number; x reflected, its border counted once; its border; x from the other side; EG_PAD_ND_MODE_... */
	float value; /* the number, with mode constant */
	bool end_; /* closes the builder's list */
} eg_pad_nd_options;
static inline eg_tensor eg_pad_nd_with(eg_graph *g, eg_tensor x, const eg_pad_nd_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "pad_nd", options, inputs, 1);
}
#define eg_pad_nd(...) EG_BUILD_1(pad_nd, __VA_ARGS__, )

/* ---- gather ----------------------------------------------------------------------------------------------------- */

/* Slices of a tensor along `axis`, as the indices say.
 *
 * y (A...,I...,B...)[a,i,b] = x (A...,D,B...)[a,indices[i],b], indices (I...), D being dimension `axis`; dx[a,j,b] =
 * sum of dy where index j stands; an index is -size to size-1, negative ones from the end; any other gives NaN
 * (integers: -1), and no gradient
 *
 * Inputs: x, indices. Output: y.
 * ONNX Gather-13
 */
typedef struct eg_gather_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int axis; /* dimension of x in which the indices choose; negative counts from the end */
	bool end_; /* closes the builder's list */
} eg_gather_options;
static inline eg_tensor eg_gather_with(eg_graph *g, eg_tensor x, eg_tensor indices,
	const eg_gather_options *options) {
	eg_tensor inputs[2] = {x, indices};
	return eg_apply(g, "gather", options, inputs, 2);
}
#define eg_gather(...) EG_BUILD_2(gather, __VA_ARGS__, )

/* ---- gather_elements -------------------------------------------------------------------------------------------- */

/* Elements of a tensor along `axis`, one for each index.
 *
 * y[i0,..,i,..] = x[i0,..,indices[i0,..,i,..],..], the index being that of dimension `axis`; y is as large as indices;
 * dx = sums of dy where it came from; an index is -size to size-1, negative ones from the end; any other gives NaN
 * (integers: -1), and no gradient
 *
 * Inputs: x, indices. Output: y.
 * ONNX GatherElements-13
 */
typedef struct eg_gather_elements_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int axis; /* dimension of x in which the indices choose; negative counts from the end */
	bool end_; /* closes the builder's list */
} eg_gather_elements_options;
static inline eg_tensor eg_gather_elements_with(eg_graph *g, eg_tensor x, eg_tensor indices,
	const eg_gather_elements_options *options) {
	eg_tensor inputs[2] = {x, indices};
	return eg_apply(g, "gather_elements", options, inputs, 2);
}
#define eg_gather_elements(...) EG_BUILD_2(gather_elements, __VA_ARGS__, )

/* ---- gather_nd -------------------------------------------------------------------------------------------------- */

/* Elements or slices of a tensor, by tuples of indices.
 *
 * y (A...,I...,B...)[a,i] = x (A...,D1,..,Dn,B...)[a,indices[a,i,0],..,indices[a,i,n-1]], indices (A...,I...,n),
 * batch_dims dimensions A; dx = sums of dy where it came from; an index is -size to size-1, negative ones from the end;
 * any other gives NaN (integers: -1), and no gradient
 *
 * Inputs: x, indices. Output: y.
 * ONNX GatherND-13
 */
typedef struct eg_gather_nd_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int batch_dims; /* first dimensions that x and indices share: each chooses from its own part */
	bool end_; /* closes the builder's list */
} eg_gather_nd_options;
static inline eg_tensor eg_gather_nd_with(eg_graph *g, eg_tensor x, eg_tensor indices,
	const eg_gather_nd_options *options) {
	eg_tensor inputs[2] = {x, indices};
	return eg_apply(g, "gather_nd", options, inputs, 2);
}
#define eg_gather_nd(...) EG_BUILD_2(gather_nd, __VA_ARGS__, )

/* ---- scatter_elements ------------------------------------------------------------------------------------------- */

/* A tensor with elements put in along `axis`, as the indices say.
 *
 * y = x but y[..,indices[..,i,..],..] = f(.., updates[..,i,..]) along `axis`, updates being as large as indices; where
 * f is: none, the last update, else the sum, product, maximum or minimum with what is there. An index is -size to
 * size-1, negative ones from the end; any other changes nothing. Gradients: none, dy to the last that was written; add,
 * dy to all; mul, dy times all others; max, min, dy shared by those that are y
 *
 * Inputs: x, indices, updates. Output: y.
 * ONNX ScatterElements-18
 */
enum { EG_SCATTER_ELEMENTS_REDUCTION_NONE, EG_SCATTER_ELEMENTS_REDUCTION_ADD, EG_SCATTER_ELEMENTS_REDUCTION_MUL, EG_SCATTER_ELEMENTS_REDUCTION_MAX, EG_SCATTER_ELEMENTS_REDUCTION_MIN };
typedef struct eg_scatter_elements_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int axis; /* dimension of x in which the indices choose; negative counts from the end */
	int reduction; /* what becomes of the element of x and of several updates for one; EG_SCATTER_ELEMENTS_REDUCTION_... */
	bool end_; /* closes the builder's list */
} eg_scatter_elements_options;
static inline eg_tensor eg_scatter_elements_with(eg_graph *g, eg_tensor x, eg_tensor indices, eg_tensor updates,
	const eg_scatter_elements_options *options) {
	eg_tensor inputs[3] = {x, indices, updates};
	return eg_apply(g, "scatter_elements", options, inputs, 3);
}
#define eg_scatter_elements(...) EG_BUILD_3(scatter_elements, __VA_ARGS__, )

/* ---- scatter_nd ------------------------------------------------------------------------------------------------- */

/* A tensor with elements or slices put in, as tuples of indices say.
 *
 * y = x (A...,D1,..,Dn,B...) but y[a,indices[a,i,0],..,indices[a,i,n-1]] = f(.., updates (A...,I...,B...)[a,i]),
 * indices (A...,I...,n); where f is: none, the last update, else the sum, product, maximum or minimum with what is
 * there. An index is -size to size-1, negative ones from the end; any other changes nothing. Gradients: none, dy to the
 * last that was written; add, dy to all; mul, dy times all others; max, min, dy shared by those that are y
 *
 * Inputs: x, indices, updates. Output: y.
 * ONNX ScatterND-18
 */
enum { EG_SCATTER_ND_REDUCTION_NONE, EG_SCATTER_ND_REDUCTION_ADD, EG_SCATTER_ND_REDUCTION_MUL, EG_SCATTER_ND_REDUCTION_MAX, EG_SCATTER_ND_REDUCTION_MIN };
typedef struct eg_scatter_nd_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int reduction; /* what becomes of the element of x and of several updates for one; EG_SCATTER_ND_REDUCTION_... */
	int batch_dims; /* first dimensions that all inputs share: each chooses in its own part */
	bool end_; /* closes the builder's list */
} eg_scatter_nd_options;
static inline eg_tensor eg_scatter_nd_with(eg_graph *g, eg_tensor x, eg_tensor indices, eg_tensor updates,
	const eg_scatter_nd_options *options) {
	eg_tensor inputs[3] = {x, indices, updates};
	return eg_apply(g, "scatter_nd", options, inputs, 3);
}
#define eg_scatter_nd(...) EG_BUILD_3(scatter_nd, __VA_ARGS__, )

/* ---- one_hot ---------------------------------------------------------------------------------------------------- */

/* Whole numbers as rows that are `on` at their place and `off` elsewhere.
 *
 * y (A...,depth,B...)[a,k,b] = on where indices (A...,B...)[a,b] is k or k - depth, else off; an index that is neither
 * is off everywhere
 *
 * Inputs: indices. Output: y.
 * ONNX OneHot-11, depth and values as attributes
 */
typedef struct eg_one_hot_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int depth; /* how many numbers there are: 0 to depth-1; needed */
	int axis; /* which dimension of y they are; negative counts from the end; default -1 */
	float on; /* at the place of the index; default 1 */
	float off; /* everywhere else */
	bool end_; /* closes the builder's list */
} eg_one_hot_options;
static inline eg_tensor eg_one_hot_with(eg_graph *g, eg_tensor indices, const eg_one_hot_options *options) {
	eg_tensor inputs[1] = {indices};
	return eg_apply(g, "one_hot", options, inputs, 1);
}
#define eg_one_hot(...) EG_BUILD_1(one_hot, __VA_ARGS__, )

/* ---- expand ----------------------------------------------------------------------------------------------------- */

/* Repeats along dimensions of size 1 and new ones, as broadcasting does.
 *
 * y[i0,i1,...] = x[...] with index 0 where x has size 1; dx = sums of dy over what was repeated
 *
 * Inputs: x, optional: like. Output: y.
 * ONNX Expand-13
 */
typedef struct eg_expand_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_ints shape; /* sizes of y, the last ones of both belonging together; -1, 0 and 1 leave what x has. Left out: those of the input `like` */
	eg_tensor like; /* optional input */
	bool end_; /* closes the builder's list */
} eg_expand_options;
static inline eg_tensor eg_expand_with(eg_graph *g, eg_tensor x, const eg_expand_options *options) {
	eg_tensor inputs[2] = {x, {0}};
	int n = 1;
	if (options && options->like.id) {
		inputs[1] = options->like;
		n = 2;
	}
	return eg_apply(g, "expand", options, inputs, n);
}
#define eg_expand(...) EG_BUILD_1(expand, __VA_ARGS__, )

/* ---- cast ------------------------------------------------------------------------------------------------------- */

/* The same numbers in another type.
 *
 * y = x in the type `to`: real to whole numbers cuts fractions off (NaN is 0, what is too
 * large the largest there is), whole to shorter whole numbers keeps the low bits, to bool all but 0
 * is 1, real numbers are rounded to the nearest, of two the even one
 *
 * Inputs: x. Output: y.
 * ONNX Cast-13, which leaves open what becomes of real numbers out of an integer's range
 */
enum { EG_CAST_TO_F32, EG_CAST_TO_I32, EG_CAST_TO_I64, EG_CAST_TO_U8, EG_CAST_TO_BOOL, EG_CAST_TO_F64, EG_CAST_TO_F16, EG_CAST_TO_BF16 };
typedef struct eg_cast_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int to; /* the type of the result; EG_CAST_TO_... */
	bool end_; /* closes the builder's list */
} eg_cast_options;
static inline eg_tensor eg_cast_with(eg_graph *g, eg_tensor x, const eg_cast_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "cast", options, inputs, 1);
}
#define eg_cast(...) EG_BUILD_1(cast, __VA_ARGS__, )

/* ---- tile ------------------------------------------------------------------------------------------------------- */

/* A tensor several times side by side.
 *
 * y[i0,i1,...] = x[i0 mod D0, i1 mod D1, ...] for x (D0,D1,...); dx = sums of dy over the repeats
 *
 * Inputs: x. Output: y.
 * ONNX Tile-13
 */
typedef struct eg_tile_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_ints repeats; /* how often x stands side by side along each dimension; needed */
	bool end_; /* closes the builder's list */
} eg_tile_options;
static inline eg_tensor eg_tile_with(eg_graph *g, eg_tensor x, const eg_tile_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "tile", options, inputs, 1);
}
#define eg_tile(...) EG_BUILD_1(tile, __VA_ARGS__, )

/* ---- add -------------------------------------------------------------------------------------------------------- */

/* The sum of two tensors; dimensions of size 1, and missing ones in front, are repeated.
 *
 * y = a + b, shapes aligned to the right, at most 8 dimensions; the batch stays the first
 *
 * Inputs: a, b. Output: y.
 * ONNX Add-14 with its multidirectional (numpy) broadcasting
 */
typedef struct eg_add_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_add_options;
static inline eg_tensor eg_add_with(eg_graph *g, eg_tensor a, eg_tensor b,
	const eg_add_options *options) {
	eg_tensor inputs[2] = {a, b};
	return eg_apply(g, "add", options, inputs, 2);
}
#define eg_add(...) EG_BUILD_2(add, __VA_ARGS__, )

/* ---- concat ----------------------------------------------------------------------------------------------------- */

/* Tensors side by side along `axis`, by default the channels, as in skip connections; 2 or more of them.
 *
 * y = x1, x2, ... one after the other along axis; all other dimensions are equal
 *
 * Inputs: x1, x2, optional: x3, x4, x5, x6, x7, x8. Output: y.
 * ONNX Concat-13; the skip connections of U-Net, Ronneberger et al. 2015
 */
typedef struct eg_concat_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int axis; /* dimension along which they lie side by side; negative counts from the end, so the first of n is -n; default 1 */
	eg_tensor x3; /* optional input */
	eg_tensor x4; /* optional input */
	eg_tensor x5; /* optional input */
	eg_tensor x6; /* optional input */
	eg_tensor x7; /* optional input */
	eg_tensor x8; /* optional input */
	bool end_; /* closes the builder's list */
} eg_concat_options;
static inline eg_tensor eg_concat_with(eg_graph *g, eg_tensor x1, eg_tensor x2,
	const eg_concat_options *options) {
	eg_tensor inputs[8] = {x1, x2, {0}, {0}, {0}, {0}, {0}, {0}};
	int n = 2;
	if (options && options->x3.id) {
		inputs[2] = options->x3;
		n = 3;
	}
	if (options && options->x4.id) {
		inputs[3] = options->x4;
		n = 4;
	}
	if (options && options->x5.id) {
		inputs[4] = options->x5;
		n = 5;
	}
	if (options && options->x6.id) {
		inputs[5] = options->x6;
		n = 6;
	}
	if (options && options->x7.id) {
		inputs[6] = options->x7;
		n = 7;
	}
	if (options && options->x8.id) {
		inputs[7] = options->x8;
		n = 8;
	}
	return eg_apply(g, "concat", options, inputs, n);
}
#define eg_concat(...) EG_BUILD_2(concat, __VA_ARGS__, )
/* n of them, 2 to 64; inputs among the options do not count. */
static inline eg_tensor eg_concat_n(eg_graph *g, const eg_tensor *inputs, int n, const eg_concat_options *options) {
	return eg_apply(g, "concat", options, inputs, n);
}

/* ---- relu ------------------------------------------------------------------------------------------------------- */

/* Rectifier: negative values become zero.
 *
 * y = max(x, 0); dx = dy where y > 0, else 0; NaN stays NaN
 *
 * Inputs: x. Output: y.
 * ONNX Relu-13; Nair and Hinton 2010
 */
typedef struct eg_relu_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_relu_options;
static inline eg_tensor eg_relu_with(eg_graph *g, eg_tensor x, const eg_relu_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "relu", options, inputs, 1);
}
#define eg_relu(...) EG_BUILD_1(relu, __VA_ARGS__, )

/* ---- sigmoid ---------------------------------------------------------------------------------------------------- */

/* Logistic function: squeezes into 0..1.
 *
 * y = 1 / (1 + exp(-x)); dx = dy y (1 - y)
 *
 * Inputs: x. Output: y.
 * ONNX Sigmoid-13
 */
typedef struct eg_sigmoid_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_sigmoid_options;
static inline eg_tensor eg_sigmoid_with(eg_graph *g, eg_tensor x, const eg_sigmoid_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "sigmoid", options, inputs, 1);
}
#define eg_sigmoid(...) EG_BUILD_1(sigmoid, __VA_ARGS__, )

/* ---- tanh ------------------------------------------------------------------------------------------------------- */

/* Hyperbolic tangent: squeezes into -1..1.
 *
 * y = tanh(x); dx = dy (1 - y^2)
 *
 * Inputs: x. Output: y.
 * ONNX Tanh-13
 */
typedef struct eg_tanh_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_tanh_options;
static inline eg_tensor eg_tanh_with(eg_graph *g, eg_tensor x, const eg_tanh_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "tanh", options, inputs, 1);
}
#define eg_tanh(...) EG_BUILD_1(tanh, __VA_ARGS__, )

/* ---- scaled_tanh ------------------------------------------------------------------------------------------------ */

/* Hyperbolic tangent that is about 1 at 1 and -1 at -1.
 *
 * y = alpha tanh(beta x); dx = dy beta (alpha - y^2 / alpha)
 *
 * Inputs: x. Output: y.
 * LeCun et al. 1998, Gradient-based learning applied to document recognition, appendix A: 1.7159 tanh(2 x / 3)
 */
typedef struct eg_scaled_tanh_options {
	const char *name; /* of the node; NULL: made from the operator's */
	float alpha; /* height; default 1.7159 */
	float beta; /* factor of x; default 0.666667 */
	bool end_; /* closes the builder's list */
} eg_scaled_tanh_options;
static inline eg_tensor eg_scaled_tanh_with(eg_graph *g, eg_tensor x, const eg_scaled_tanh_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "scaled_tanh", options, inputs, 1);
}
#define eg_scaled_tanh(...) EG_BUILD_1(scaled_tanh, __VA_ARGS__, )

/* ---- leaky_relu ------------------------------------------------------------------------------------------------- */

/* Leaky rectifier: negative values are made small instead of zero.
 *
 * y = x where x >= 0, else alpha x; dx = dy where y > 0, else alpha dy
 *
 * Inputs: x. Output: y.
 * ONNX LeakyRelu-16; Maas, Hannun and Ng 2013
 */
typedef struct eg_leaky_relu_options {
	const char *name; /* of the node; NULL: made from the operator's */
	float alpha; /* slope for negative x; default 0.01 */
	bool end_; /* closes the builder's list */
} eg_leaky_relu_options;
static inline eg_tensor eg_leaky_relu_with(eg_graph *g, eg_tensor x, const eg_leaky_relu_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "leaky_relu", options, inputs, 1);
}
#define eg_leaky_relu(...) EG_BUILD_1(leaky_relu, __VA_ARGS__, )

/* ---- relu6 ------------------------------------------------------------------------------------------------------ */

/* Rectifier that ends at 6.
 *
 * y = min(max(x, 0), 6); dx = dy where 0 < y < 6, else 0
 *
 * Inputs: x. Output: y.
 * Krizhevsky 2010; PyTorch ReLU6
 */
typedef struct eg_relu6_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_relu6_options;
static inline eg_tensor eg_relu6_with(eg_graph *g, eg_tensor x, const eg_relu6_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "relu6", options, inputs, 1);
}
#define eg_relu6(...) EG_BUILD_1(relu6, __VA_ARGS__, )

/* ---- hardtanh --------------------------------------------------------------------------------------------------- */

/* No smaller and no larger than two numbers.
 *
 * y = min(max(x, min), max); dx = dy where min < y < max, else 0
 *
 * Inputs: x. Output: y.
 * PyTorch Hardtanh; ONNX Clip-13
 */
typedef struct eg_hardtanh_options {
	const char *name; /* of the node; NULL: made from the operator's */
	float min; /* smallest y; default -1 */
	float max; /* largest y, above min; default 1 */
	bool end_; /* closes the builder's list */
} eg_hardtanh_options;
static inline eg_tensor eg_hardtanh_with(eg_graph *g, eg_tensor x, const eg_hardtanh_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "hardtanh", options, inputs, 1);
}
#define eg_hardtanh(...) EG_BUILD_1(hardtanh, __VA_ARGS__, )

/* ---- thresholded_relu ------------------------------------------------------------------------------------------- */

/* Rectifier with a threshold: what does not exceed it becomes zero.
 *
 * y = x where x > alpha, else 0; dx = dy where y is not 0, else 0
 *
 * Inputs: x. Output: y.
 * ONNX ThresholdedRelu-10; Konda, Memisevic and Krueger 2015
 */
typedef struct eg_thresholded_relu_options {
	const char *name; /* of the node; NULL: made from the operator's */
	float alpha; /* x below and up to this become zero; default 1 */
	bool end_; /* closes the builder's list */
} eg_thresholded_relu_options;
static inline eg_tensor eg_thresholded_relu_with(eg_graph *g, eg_tensor x, const eg_thresholded_relu_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "thresholded_relu", options, inputs, 1);
}
#define eg_thresholded_relu(...) EG_BUILD_1(thresholded_relu, __VA_ARGS__, )

/* ---- hardshrink ------------------------------------------------------------------------------------------------- */

/* Small values become zero.
 *
 * y = x where |x| > lambda, else 0; dx = dy where y is not 0, else 0
 *
 * Inputs: x. Output: y.
 * ONNX Shrink-9 with bias 0; PyTorch Hardshrink
 */
typedef struct eg_hardshrink_options {
	const char *name; /* of the node; NULL: made from the operator's */
	float lambda; /* x up to this size become zero; default 0.5 */
	bool end_; /* closes the builder's list */
} eg_hardshrink_options;
static inline eg_tensor eg_hardshrink_with(eg_graph *g, eg_tensor x, const eg_hardshrink_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "hardshrink", options, inputs, 1);
}
#define eg_hardshrink(...) EG_BUILD_1(hardshrink, __VA_ARGS__, )

/* ---- softshrink ------------------------------------------------------------------------------------------------- */

/* All values come closer to zero, small ones become it.
 *
 * y = x - lambda where x > lambda, x + lambda where x < -lambda, else 0; dx = dy where y is not 0, else 0
 *
 * Inputs: x. Output: y.
 * ONNX Shrink-9 with bias lambda; PyTorch Softshrink
 */
typedef struct eg_softshrink_options {
	const char *name; /* of the node; NULL: made from the operator's */
	float lambda; /* by how much x comes closer to zero; default 0.5 */
	bool end_; /* closes the builder's list */
} eg_softshrink_options;
static inline eg_tensor eg_softshrink_with(eg_graph *g, eg_tensor x, const eg_softshrink_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "softshrink", options, inputs, 1);
}
#define eg_softshrink(...) EG_BUILD_1(softshrink, __VA_ARGS__, )

/* ---- shrink ----------------------------------------------------------------------------------------------------- */

/* Small values become zero, the others come closer to it.
 *
 * y = x - bias where x > lambda, x + bias where x < -lambda, else 0; dx = dy where y is not 0, else 0
 *
 * Inputs: x. Output: y.
 * ONNX Shrink-9
 */
typedef struct eg_shrink_options {
	const char *name; /* of the node; NULL: made from the operator's */
	float lambda; /* x up to this size become zero; default 0.5 */
	float bias; /* by how much the others come closer to zero, at most lambda */
	bool end_; /* closes the builder's list */
} eg_shrink_options;
static inline eg_tensor eg_shrink_with(eg_graph *g, eg_tensor x, const eg_shrink_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "shrink", options, inputs, 1);
}
#define eg_shrink(...) EG_BUILD_1(shrink, __VA_ARGS__, )

/* ---- elu -------------------------------------------------------------------------------------------------------- */

/* Exponential linear unit.
 *
 * y = x where x > 0, else alpha (exp(x) - 1); dx = dy where y > 0, else dy (y + alpha)
 *
 * Inputs: x. Output: y.
 * ONNX Elu-6; Clevert, Unterthiner and Hochreiter 2016
 */
typedef struct eg_elu_options {
	const char *name; /* of the node; NULL: made from the operator's */
	float alpha; /* -y at the far left; default 1 */
	bool end_; /* closes the builder's list */
} eg_elu_options;
static inline eg_tensor eg_elu_with(eg_graph *g, eg_tensor x, const eg_elu_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "elu", options, inputs, 1);
}
#define eg_elu(...) EG_BUILD_1(elu, __VA_ARGS__, )

/* ---- selu ------------------------------------------------------------------------------------------------------- */

/* Exponential linear unit that keeps mean 0 and variance 1 from layer to layer.
 *
 * y = gamma x where x > 0, else gamma alpha (exp(x) - 1), gamma = 1.05070099, alpha = 1.67326324; dx = dy gamma where y
 * > 0, else dy (y + gamma alpha)
 *
 * Inputs: x. Output: y.
 * ONNX Selu-6; Klambauer et al. 2017
 */
typedef struct eg_selu_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_selu_options;
static inline eg_tensor eg_selu_with(eg_graph *g, eg_tensor x, const eg_selu_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "selu", options, inputs, 1);
}
#define eg_selu(...) EG_BUILD_1(selu, __VA_ARGS__, )

/* ---- celu ------------------------------------------------------------------------------------------------------- */

/* Exponential linear unit without a kink.
 *
 * y = x where x > 0, else alpha (exp(x / alpha) - 1); dx = dy where y > 0, else dy (y / alpha + 1)
 *
 * Inputs: x. Output: y.
 * ONNX Celu-12; Barron 2017
 */
typedef struct eg_celu_options {
	const char *name; /* of the node; NULL: made from the operator's */
	float alpha; /* -y at the far left; default 1 */
	bool end_; /* closes the builder's list */
} eg_celu_options;
static inline eg_tensor eg_celu_with(eg_graph *g, eg_tensor x, const eg_celu_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "celu", options, inputs, 1);
}
#define eg_celu(...) EG_BUILD_1(celu, __VA_ARGS__, )

/* ---- hardsigmoid ------------------------------------------------------------------------------------------------ */

/* Three straight lines in place of a sigmoid; the slope is PyTorch's, ONNX has 0.2 when it says nothing.
 *
 * y = min(max(alpha x + beta, 0), 1); dx = alpha dy where 0 < y < 1, else 0
 *
 * Inputs: x. Output: y.
 * ONNX HardSigmoid-6; PyTorch Hardsigmoid
 */
typedef struct eg_hardsigmoid_options {
	const char *name; /* of the node; NULL: made from the operator's */
	float alpha; /* slope; default 0.166667 */
	float beta; /* y at x = 0; default 0.5 */
	bool end_; /* closes the builder's list */
} eg_hardsigmoid_options;
static inline eg_tensor eg_hardsigmoid_with(eg_graph *g, eg_tensor x, const eg_hardsigmoid_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "hardsigmoid", options, inputs, 1);
}
#define eg_hardsigmoid(...) EG_BUILD_1(hardsigmoid, __VA_ARGS__, )

/* ---- softplus --------------------------------------------------------------------------------------------------- */

/* A smooth rectifier.
 *
 * y = log(1 + exp(alpha x)) / alpha; dx = dy (1 - exp(-alpha y))
 *
 * Inputs: x. Output: y.
 * ONNX Softplus-1 with alpha 1; Dugas et al. 2001
 */
typedef struct eg_softplus_options {
	const char *name; /* of the node; NULL: made from the operator's */
	float alpha; /* how sharp the bend is; default 1 */
	bool end_; /* closes the builder's list */
} eg_softplus_options;
static inline eg_tensor eg_softplus_with(eg_graph *g, eg_tensor x, const eg_softplus_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "softplus", options, inputs, 1);
}
#define eg_softplus(...) EG_BUILD_1(softplus, __VA_ARGS__, )

/* ---- softsign --------------------------------------------------------------------------------------------------- */

/* Squeezes into -1..1, more slowly than tanh.
 *
 * y = x / (1 + |x|); dx = dy (1 - |y|)^2
 *
 * Inputs: x. Output: y.
 * ONNX Softsign-1; Bergstra et al. 2009
 */
typedef struct eg_softsign_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_softsign_options;
static inline eg_tensor eg_softsign_with(eg_graph *g, eg_tensor x, const eg_softsign_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "softsign", options, inputs, 1);
}
#define eg_softsign(...) EG_BUILD_1(softsign, __VA_ARGS__, )

/* ---- hardswish -------------------------------------------------------------------------------------------------- */

/* SiLU of straight lines and a parabola.
 *
 * y = x min(max(x / 6 + 1 / 2, 0), 1); dx = 0 where x <= -3, dy where x >= 3, else dy (x / 3 + 1 / 2)
 *
 * Inputs: x. Output: y.
 * ONNX HardSwish-14; Howard et al. 2019
 */
typedef struct eg_hardswish_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_hardswish_options;
static inline eg_tensor eg_hardswish_with(eg_graph *g, eg_tensor x, const eg_hardswish_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "hardswish", options, inputs, 1);
}
#define eg_hardswish(...) EG_BUILD_1(hardswish, __VA_ARGS__, )

/* ---- silu ------------------------------------------------------------------------------------------------------- */

/* x times its sigmoid; with another alpha known as swish.
 *
 * y = x s, s = 1 / (1 + exp(-alpha x)); dx = dy (s + alpha x s (1 - s))
 *
 * Inputs: x. Output: y.
 * Hendrycks and Gimpel 2016; Elfwing, Uchibe and Doya 2018; Ramachandran, Zoph and Le 2017
 */
typedef struct eg_silu_options {
	const char *name; /* of the node; NULL: made from the operator's */
	float alpha; /* factor of x in the sigmoid; default 1 */
	bool end_; /* closes the builder's list */
} eg_silu_options;
static inline eg_tensor eg_silu_with(eg_graph *g, eg_tensor x, const eg_silu_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "silu", options, inputs, 1);
}
#define eg_silu(...) EG_BUILD_1(silu, __VA_ARGS__, )

/* ---- mish ------------------------------------------------------------------------------------------------------- */

/* x times the hyperbolic tangent of its softplus.
 *
 * y = x t, t = tanh(log(1 + exp(x))); dx = dy (t + x (1 - t^2) / (1 + exp(-x)))
 *
 * Inputs: x. Output: y.
 * ONNX Mish-18; Misra 2019
 */
typedef struct eg_mish_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_mish_options;
static inline eg_tensor eg_mish_with(eg_graph *g, eg_tensor x, const eg_mish_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "mish", options, inputs, 1);
}
#define eg_mish(...) EG_BUILD_1(mish, __VA_ARGS__, )

/* ---- gelu ------------------------------------------------------------------------------------------------------- */

/* x times the probability that a normal variable is smaller.
 *
 * y = x P(x), P(x) = (1 + erf(x / sqrt(2))) / 2; dx = dy (P(x) + x exp(-x^2 / 2) / sqrt(2 pi)); approximate: tanh has
 * P(x) = (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
 *
 * Inputs: x. Output: y.
 * ONNX Gelu-20; Hendrycks and Gimpel 2016
 */
enum { EG_GELU_APPROXIMATE_NONE, EG_GELU_APPROXIMATE_TANH };
typedef struct eg_gelu_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int approximate; /* with tanh in place of erf; EG_GELU_APPROXIMATE_... */
	bool end_; /* closes the builder's list */
} eg_gelu_options;
static inline eg_tensor eg_gelu_with(eg_graph *g, eg_tensor x, const eg_gelu_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "gelu", options, inputs, 1);
}
#define eg_gelu(...) EG_BUILD_1(gelu, __VA_ARGS__, )

/* ---- prelu ------------------------------------------------------------------------------------------------------ */

/* Rectifier with a slope for negative numbers that is learned by channel, or given as a second input.
 *
 * y = x where x >= 0, else slope x; dx = dy where x > 0, else slope dy; dslope = sum of dy x where x <= 0
 *
 * Inputs: x, optional: slope. Weights: weight. Output: y.
 * ONNX PRelu-16; PyTorch PReLU; He et al. 2015
 */
typedef struct eg_prelu_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	bool shared; /* one slope for all; else one for each channel */
	int axis; /* the dimension of the channels; negative counts from the end; default 1 */
	float init_value; /* slopes in the beginning; default 0.25 */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	eg_tensor slope; /* optional input */
	bool end_; /* closes the builder's list */
} eg_prelu_options;
static inline eg_tensor eg_prelu_with(eg_graph *g, eg_tensor x, const eg_prelu_options *options) {
	eg_tensor inputs[2] = {x, {0}};
	int n = 1;
	if (options && options->slope.id) {
		inputs[1] = options->slope;
		n = 2;
	}
	return eg_apply(g, "prelu", options, inputs, n);
}
#define eg_prelu(...) EG_BUILD_1(prelu, __VA_ARGS__, )

/* ---- maxout ----------------------------------------------------------------------------------------------------- */

/* The largest of each group of neighbouring channels.
 *
 * y[.., c, ..] = max of x[.., c pieces + i, ..] over i < pieces; NaN where there is one; dx = dy / k for the k elements
 * that are y, else 0
 *
 * Inputs: x. Output: y.
 * Goodfellow et al. 2013
 */
typedef struct eg_maxout_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int pieces; /* of so many neighbours the largest is taken; needed */
	int axis; /* along this dimension; negative counts from the end; default 1 */
	bool end_; /* closes the builder's list */
} eg_maxout_options;
static inline eg_tensor eg_maxout_with(eg_graph *g, eg_tensor x, const eg_maxout_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "maxout", options, inputs, 1);
}
#define eg_maxout(...) EG_BUILD_1(maxout, __VA_ARGS__, )

/* ---- glu -------------------------------------------------------------------------------------------------------- */

/* Gated linear unit: one half of the numbers is multiplied by what an activation makes of the other.
 *
 * y = a act(b), where a and b are the first and the second half of x along axis; da = dy act(b), db = dy a act'(b)
 *
 * Inputs: x. Output: y.
 * PyTorch GLU; Dauphin et al. 2017; ReGLU, GEGLU, SwiGLU: Shazeer 2020, whose gate is the second half here
 */
enum { EG_GLU_ACT_SIGMOID, EG_GLU_ACT_RELU, EG_GLU_ACT_GELU, EG_GLU_ACT_GELU_TANH, EG_GLU_ACT_SILU, EG_GLU_ACT_TANH, EG_GLU_ACT_NONE };
typedef struct eg_glu_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int axis; /* the dimension that is halved; negative counts from the end; default -1 */
	int act; /* of the second half: with relu ReGLU, with gelu GEGLU, with silu SwiGLU; EG_GLU_ACT_... */
	bool end_; /* closes the builder's list */
} eg_glu_options;
static inline eg_tensor eg_glu_with(eg_graph *g, eg_tensor x, const eg_glu_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "glu", options, inputs, 1);
}
#define eg_glu(...) EG_BUILD_1(glu, __VA_ARGS__, )

/* ---- softmax ---------------------------------------------------------------------------------------------------- */

/* Makes probabilities of numbers: positive, and 1 in sum along `axis`.
 *
 * y = exp(x - max x) / sum of exp(x - max x) along axis; dx = y (dy - sum of dy y)
 *
 * Inputs: x. Output: y.
 * ONNX Softmax-13; Bridle 1990
 */
typedef struct eg_softmax_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int axis; /* dimension along which the outputs are made; negative counts from the end; default -1 */
	bool flat; /* the dimensions from `axis` on are taken as one, as ONNX did before opset 13 (with axis 1 where nothing was said) */
	bool end_; /* closes the builder's list */
} eg_softmax_options;
static inline eg_tensor eg_softmax_with(eg_graph *g, eg_tensor x, const eg_softmax_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "softmax", options, inputs, 1);
}
#define eg_softmax(...) EG_BUILD_1(softmax, __VA_ARGS__, )

/* ---- log_softmax ------------------------------------------------------------------------------------------------ */

/* Logarithms of the probabilities that softmax makes.
 *
 * y = x - max x - log of the sum of exp(x - max x) along axis; dx = dy - exp(y) sum of dy
 *
 * Inputs: x. Output: y.
 * ONNX LogSoftmax-13
 */
typedef struct eg_log_softmax_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int axis; /* dimension along which the outputs are made; negative counts from the end; default -1 */
	bool flat; /* the dimensions from `axis` on are taken as one, as ONNX did before opset 13 (with axis 1 where nothing was said) */
	bool end_; /* closes the builder's list */
} eg_log_softmax_options;
static inline eg_tensor eg_log_softmax_with(eg_graph *g, eg_tensor x, const eg_log_softmax_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "log_softmax", options, inputs, 1);
}
#define eg_log_softmax(...) EG_BUILD_1(log_softmax, __VA_ARGS__, )

/* ---- hard_max --------------------------------------------------------------------------------------------------- */

/* 1 at the largest number along `axis`, 0 elsewhere.
 *
 * y = 1 at the first maximum along axis (the first NaN where there is one), else 0
 *
 * Inputs: x. Output: y.
 * ONNX Hardmax-13
 */
typedef struct eg_hard_max_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int axis; /* dimension along which the outputs are made; negative counts from the end; default -1 */
	bool flat; /* the dimensions from `axis` on are taken as one, as ONNX did before opset 13 (with axis 1 where nothing was said) */
	bool end_; /* closes the builder's list */
} eg_hard_max_options;
static inline eg_tensor eg_hard_max_with(eg_graph *g, eg_tensor x, const eg_hard_max_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "hard_max", options, inputs, 1);
}
#define eg_hard_max(...) EG_BUILD_1(hard_max, __VA_ARGS__, )

/* ---- normalize -------------------------------------------------------------------------------------------------- */

/* Divides by the norm along a dimension, so that it becomes 1.
 *
 * y = x / n, n = max(|x|, eps), |x| = (sum of x^2 along axis)^(1/2), or the sum of |x| where p = 1;
 * dx = (dy - s sum of dy y) / n, s = y where p = 2, the sign of x where p = 1; dx = dy / n where |x| < eps
 *
 * Inputs: x. Output: y.
 * ONNX LpNormalization-1; PyTorch normalize
 */
typedef struct eg_normalize_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int axis; /* dimension along which the norm is 1; negative counts from the end; default -1 */
	int p; /* 1: sum of absolute values; 2: Euclidean norm; default 2 */
	float eps; /* a norm below this counts as this; default 1e-12 */
	bool end_; /* closes the builder's list */
} eg_normalize_options;
static inline eg_tensor eg_normalize_with(eg_graph *g, eg_tensor x, const eg_normalize_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "normalize", options, inputs, 1);
}
#define eg_normalize(...) EG_BUILD_1(normalize, __VA_ARGS__, )

/* ---- mean_variance_norm ----------------------------------------------------------------------------------------- */

/* Brings numbers to mean 0 and variance 1 over any dimensions, without weights and running statistics.
 *
 * y = (x - mean) / sqrt(var), mean and (biased) variance over `axes`, 1e-18 added to the variance so that equal numbers
 * become 0;
 * dx = (dy - mean of dy - y mean of dy y) / sqrt(var)
 *
 * Inputs: x. Output: y.
 * ONNX MeanVarianceNormalization-13
 */
typedef struct eg_mean_variance_norm_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_ints axes; /* dimensions that are normalised together, in any order; negative counts from the end. ONNX means [0, 2, 3] when it says nothing; needed */
	bool end_; /* closes the builder's list */
} eg_mean_variance_norm_options;
static inline eg_tensor eg_mean_variance_norm_with(eg_graph *g, eg_tensor x, const eg_mean_variance_norm_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "mean_variance_norm", options, inputs, 1);
}
#define eg_mean_variance_norm(...) EG_BUILD_1(mean_variance_norm, __VA_ARGS__, )

/* ---- dropout ---------------------------------------------------------------------------------------------------- */

/* In training, sets elements to zero at random and enlarges the others; else does nothing.
 *
 * y = x m / (1 - rate), m = 0 with probability rate, else 1
 *
 * Inputs: x. Output: y.
 * ONNX Dropout-13; Srivastava et al. 2014 (inverted form)
 */
typedef struct eg_dropout_options {
	const char *name; /* of the node; NULL: made from the operator's */
	float rate; /* probability that an element is dropped; 0: none is; default 0.5 */
	bool end_; /* closes the builder's list */
} eg_dropout_options;
static inline eg_tensor eg_dropout_with(eg_graph *g, eg_tensor x, const eg_dropout_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "dropout", options, inputs, 1);
}
#define eg_dropout(...) EG_BUILD_1(dropout, __VA_ARGS__, )

/* ---- zoneout ---------------------------------------------------------------------------------------------------- */

/* In training, numbers of a state stay at random as they were before the step; else their expectation.
 *
 * training: y = old with probability rate, else x; otherwise y = (1 - rate) x + rate old
 *
 * Inputs: x, old. Output: y.
 * Krueger et al. 2017
 */
typedef struct eg_zoneout_options {
	const char *name; /* of the node; NULL: made from the operator's */
	float rate; /* probability that a number stays as it was; default 0.1 */
	bool end_; /* closes the builder's list */
} eg_zoneout_options;
static inline eg_tensor eg_zoneout_with(eg_graph *g, eg_tensor x, eg_tensor old,
	const eg_zoneout_options *options) {
	eg_tensor inputs[2] = {x, old};
	return eg_apply(g, "zoneout", options, inputs, 2);
}
#define eg_zoneout(...) EG_BUILD_2(zoneout, __VA_ARGS__, )

/* ---- convlstm --------------------------------------------------------------------------------------------------- */

/* Convolutional LSTM over sequences of pictures; a loop of other operators.
 *
 * i, f, g, o = the quarters of weight * x[t] + bias + state.weight * h, * being a convolution that keeps height and
 * width;
 * i = sigmoid(i + pi c), f = sigmoid(f + pf c), c = f c + i tanh(g), o = sigmoid(o + po c), h = o tanh(c), p absent
 * without peepholes;
 * x (T,N,C,H,W), y (T,N,filters,H,W): h of each step; zero and kept behind lengths (N), as in a cell
 *
 * Inputs: x, optional: lengths. Output: y.
 * Shi et al. 2015
 */
enum { EG_CONVLSTM_PEEPHOLE_NONE, EG_CONVLSTM_PEEPHOLE_CHANNEL, EG_CONVLSTM_PEEPHOLE_POSITION };
typedef struct eg_convlstm_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int filters; /* channels of the state and of the output; needed */
	int kernel[2]; /* height and width of the filters, over x and over the state; default 3 */
	int peephole; /* do the gates see the cell, by a learned factor for each channel, or for each number of it, as in the paper; the latter needs a known height and width; EG_CONVLSTM_PEEPHOLE_... */
	bool no_bias; /* true switches this off: adds a learned constant to each channel of gates and content */
	bool last; /* gives the state behind the last step only, (N,filters,H,W) */
	bool reverse; /* goes from the last step to the first */
	float zoneout; /* rate at which numbers of both states stay as they were in training; see `zoneout` */
	eg_tensor lengths; /* optional input */
	bool end_; /* closes the builder's list */
} eg_convlstm_options;
static inline eg_tensor eg_convlstm_with(eg_graph *g, eg_tensor x, const eg_convlstm_options *options) {
	eg_tensor inputs[2] = {x, {0}};
	int n = 1;
	if (options && options->lengths.id) {
		inputs[1] = options->lengths;
		n = 2;
	}
	return eg_apply(g, "convlstm", options, inputs, n);
}
#define eg_convlstm(...) EG_BUILD_1(convlstm, __VA_ARGS__, )

/* ---- sub -------------------------------------------------------------------------------------------------------- */

/* The difference of two tensors; dimensions of size 1, and missing ones in front, are repeated.
 *
 * y = a - b; shapes aligned to the right, dimensions of size 1 and missing ones in front repeated, the batch first
 * da = dy, db = -dy, summed where one was repeated
 *
 * Inputs: a, b. Output: y.
 * ONNX Sub-14
 */
typedef struct eg_sub_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_sub_options;
static inline eg_tensor eg_sub_with(eg_graph *g, eg_tensor a, eg_tensor b,
	const eg_sub_options *options) {
	eg_tensor inputs[2] = {a, b};
	return eg_apply(g, "sub", options, inputs, 2);
}
#define eg_sub(...) EG_BUILD_2(sub, __VA_ARGS__, )

/* ---- mul -------------------------------------------------------------------------------------------------------- */

/* The product of two tensors, element by element; dimensions of size 1, and missing ones in front, are repeated.
 *
 * y = a b; shapes aligned to the right, dimensions of size 1 and missing ones in front repeated, the batch first
 * da = dy b, db = dy a, summed where one was repeated
 *
 * Inputs: a, b. Output: y.
 * ONNX Mul-14
 */
typedef struct eg_mul_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_mul_options;
static inline eg_tensor eg_mul_with(eg_graph *g, eg_tensor a, eg_tensor b,
	const eg_mul_options *options) {
	eg_tensor inputs[2] = {a, b};
	return eg_apply(g, "mul", options, inputs, 2);
}
#define eg_mul(...) EG_BUILD_2(mul, __VA_ARGS__, )

/* ---- div -------------------------------------------------------------------------------------------------------- */

/* The quotient of two tensors, element by element; dimensions of size 1, and missing ones in front, are repeated.
 *
 * y = a / b; shapes aligned to the right, dimensions of size 1 and missing ones in front repeated, the batch first;
 * division by 0 gives an infinity, 0 / 0 NaN
 * da = dy / b, db = -dy a / b^2, summed where one was repeated
 *
 * Inputs: a, b. Output: y.
 * ONNX Div-14
 */
typedef struct eg_div_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_div_options;
static inline eg_tensor eg_div_with(eg_graph *g, eg_tensor a, eg_tensor b,
	const eg_div_options *options) {
	eg_tensor inputs[2] = {a, b};
	return eg_apply(g, "div", options, inputs, 2);
}
#define eg_div(...) EG_BUILD_2(div, __VA_ARGS__, )

/* ---- pow -------------------------------------------------------------------------------------------------------- */

/* Powers, element by element; dimensions of size 1, and missing ones in front, are repeated.
 *
 * y = a^b; shapes aligned to the right, dimensions of size 1 and missing ones in front repeated, the batch first; NaN
 * where a < 0 and b is no whole number; a^0 = 1^b = 1 whatever the other is
 * da = dy b a^(b-1), 0 where b = 0; db = dy a^b log a, 0 where a = 0 and b >= 0; summed where one was repeated
 *
 * Inputs: a, b. Output: y.
 * ONNX Pow-15
 */
typedef struct eg_pow_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_pow_options;
static inline eg_tensor eg_pow_with(eg_graph *g, eg_tensor a, eg_tensor b,
	const eg_pow_options *options) {
	eg_tensor inputs[2] = {a, b};
	return eg_apply(g, "pow", options, inputs, 2);
}
#define eg_pow(...) EG_BUILD_2(pow, __VA_ARGS__, )

/* ---- min -------------------------------------------------------------------------------------------------------- */

/* The smallest of two or more tensors, element by element; dimensions of size 1, and missing ones in front, are repeated.
 *
 * y = min(a, b, ...), NaN where either is; shapes aligned to the right, dimensions of size 1 and missing ones in front
 * repeated, the batch first
 * the smaller one gets dy, equal ones equal parts of it; of two that make NaN both get all of it, of more NaN
 *
 * Inputs: a, b. Output: y.
 * ONNX Min-13; numpy.minimum
 */
typedef struct eg_min_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_min_options;
static inline eg_tensor eg_min_with(eg_graph *g, eg_tensor a, eg_tensor b,
	const eg_min_options *options) {
	eg_tensor inputs[2] = {a, b};
	return eg_apply(g, "min", options, inputs, 2);
}
#define eg_min(...) EG_BUILD_2(min, __VA_ARGS__, )
/* n of them, 2 to 64; inputs among the options do not count. */
static inline eg_tensor eg_min_n(eg_graph *g, const eg_tensor *inputs, int n, const eg_min_options *options) {
	return eg_apply(g, "min", options, inputs, n);
}

/* ---- max -------------------------------------------------------------------------------------------------------- */

/* The largest of two or more tensors, element by element; dimensions of size 1, and missing ones in front, are repeated.
 *
 * y = max(a, b, ...), NaN where either is; shapes aligned to the right, dimensions of size 1 and missing ones in front
 * repeated, the batch first
 * the larger one gets dy, equal ones equal parts of it; of two that make NaN both get all of it, of more NaN
 *
 * Inputs: a, b. Output: y.
 * ONNX Max-13; numpy.maximum
 */
typedef struct eg_max_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_max_options;
static inline eg_tensor eg_max_with(eg_graph *g, eg_tensor a, eg_tensor b,
	const eg_max_options *options) {
	eg_tensor inputs[2] = {a, b};
	return eg_apply(g, "max", options, inputs, 2);
}
#define eg_max(...) EG_BUILD_2(max, __VA_ARGS__, )
/* n of them, 2 to 64; inputs among the options do not count. */
static inline eg_tensor eg_max_n(eg_graph *g, const eg_tensor *inputs, int n, const eg_max_options *options) {
	return eg_apply(g, "max", options, inputs, n);
}

/* ---- mod -------------------------------------------------------------------------------------------------------- */

/* The remainder of a division, element by element; dimensions of size 1, and missing ones in front, are repeated.
 *
 * y = a - b floor(a / b), with the sign of b; fmod: y = a - b trunc(a / b), with the sign of a; NaN where b = 0; shapes
 * aligned to the right, dimensions of size 1 and missing ones in front repeated, the batch first
 * da = dy, db = -dy floor(a / b), fmod: -dy trunc(a / b); summed where one was repeated
 *
 * Inputs: a, b. Output: y.
 * ONNX Mod-13; numpy.mod and numpy.fmod
 */
typedef struct eg_mod_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool fmod; /* the remainder has the sign of a, as in C; else that of b, as in Python */
	bool end_; /* closes the builder's list */
} eg_mod_options;
static inline eg_tensor eg_mod_with(eg_graph *g, eg_tensor a, eg_tensor b,
	const eg_mod_options *options) {
	eg_tensor inputs[2] = {a, b};
	return eg_apply(g, "mod", options, inputs, 2);
}
#define eg_mod(...) EG_BUILD_2(mod, __VA_ARGS__, )

/* ---- equal ------------------------------------------------------------------------------------------------------ */

/* 1 where two tensors are equal, else 0.
 *
 * y = a == b; NaN equals nothing; shapes aligned to the right, dimensions of size 1 and missing ones in front repeated,
 * the batch first
 *
 * Inputs: a, b. Output: y.
 * ONNX Equal-13 (its result is bool)
 */
typedef struct eg_equal_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_equal_options;
static inline eg_tensor eg_equal_with(eg_graph *g, eg_tensor a, eg_tensor b,
	const eg_equal_options *options) {
	eg_tensor inputs[2] = {a, b};
	return eg_apply(g, "equal", options, inputs, 2);
}
#define eg_equal(...) EG_BUILD_2(equal, __VA_ARGS__, )

/* ---- not_equal -------------------------------------------------------------------------------------------------- */

/* 1 where two tensors differ, else 0.
 *
 * y = a != b; NaN differs from everything; shapes aligned to the right, dimensions of size 1 and missing ones in front
 * repeated, the batch first
 *
 * Inputs: a, b. Output: y.
 * numpy.not_equal
 */
typedef struct eg_not_equal_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_not_equal_options;
static inline eg_tensor eg_not_equal_with(eg_graph *g, eg_tensor a, eg_tensor b,
	const eg_not_equal_options *options) {
	eg_tensor inputs[2] = {a, b};
	return eg_apply(g, "not_equal", options, inputs, 2);
}
#define eg_not_equal(...) EG_BUILD_2(not_equal, __VA_ARGS__, )

/* ---- less ------------------------------------------------------------------------------------------------------- */

/* 1 where a is less than b, else 0.
 *
 * y = a < b; 0 with NaN; shapes aligned to the right, dimensions of size 1 and missing ones in front repeated, the
 * batch first
 *
 * Inputs: a, b. Output: y.
 * ONNX Less-13 (its result is bool)
 */
typedef struct eg_less_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_less_options;
static inline eg_tensor eg_less_with(eg_graph *g, eg_tensor a, eg_tensor b,
	const eg_less_options *options) {
	eg_tensor inputs[2] = {a, b};
	return eg_apply(g, "less", options, inputs, 2);
}
#define eg_less(...) EG_BUILD_2(less, __VA_ARGS__, )

/* ---- less_equal ------------------------------------------------------------------------------------------------- */

/* 1 where a is not more than b, else 0.
 *
 * y = a <= b; 0 with NaN; shapes aligned to the right, dimensions of size 1 and missing ones in front repeated, the
 * batch first
 *
 * Inputs: a, b. Output: y.
 * ONNX LessOrEqual-16 (its result is bool)
 */
typedef struct eg_less_equal_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_less_equal_options;
static inline eg_tensor eg_less_equal_with(eg_graph *g, eg_tensor a, eg_tensor b,
	const eg_less_equal_options *options) {
	eg_tensor inputs[2] = {a, b};
	return eg_apply(g, "less_equal", options, inputs, 2);
}
#define eg_less_equal(...) EG_BUILD_2(less_equal, __VA_ARGS__, )

/* ---- greater ---------------------------------------------------------------------------------------------------- */

/* 1 where a is more than b, else 0.
 *
 * y = a > b; 0 with NaN; shapes aligned to the right, dimensions of size 1 and missing ones in front repeated, the
 * batch first
 *
 * Inputs: a, b. Output: y.
 * ONNX Greater-13 (its result is bool)
 */
typedef struct eg_greater_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_greater_options;
static inline eg_tensor eg_greater_with(eg_graph *g, eg_tensor a, eg_tensor b,
	const eg_greater_options *options) {
	eg_tensor inputs[2] = {a, b};
	return eg_apply(g, "greater", options, inputs, 2);
}
#define eg_greater(...) EG_BUILD_2(greater, __VA_ARGS__, )

/* ---- greater_equal ---------------------------------------------------------------------------------------------- */

/* 1 where a is not less than b, else 0.
 *
 * y = a >= b; 0 with NaN; shapes aligned to the right, dimensions of size 1 and missing ones in front repeated, the
 * batch first
 *
 * Inputs: a, b. Output: y.
 * ONNX GreaterOrEqual-16 (its result is bool)
 */
typedef struct eg_greater_equal_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_greater_equal_options;
static inline eg_tensor eg_greater_equal_with(eg_graph *g, eg_tensor a, eg_tensor b,
	const eg_greater_equal_options *options) {
	eg_tensor inputs[2] = {a, b};
	return eg_apply(g, "greater_equal", options, inputs, 2);
}
#define eg_greater_equal(...) EG_BUILD_2(greater_equal, __VA_ARGS__, )

/* ---- and -------------------------------------------------------------------------------------------------------- */

/* 1 where both tensors are not 0, else 0.
 *
 * y = (a != 0) and (b != 0); shapes aligned to the right, dimensions of size 1 and missing ones in front repeated, the
 * batch first
 *
 * Inputs: a, b. Output: y.
 * ONNX And-7, of numbers
 */
typedef struct eg_and_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_and_options;
static inline eg_tensor eg_and_with(eg_graph *g, eg_tensor a, eg_tensor b,
	const eg_and_options *options) {
	eg_tensor inputs[2] = {a, b};
	return eg_apply(g, "and", options, inputs, 2);
}
#define eg_and(...) EG_BUILD_2(and, __VA_ARGS__, )

/* ---- or --------------------------------------------------------------------------------------------------------- */

/* 1 where at least one of two tensors is not 0, else 0.
 *
 * y = (a != 0) or (b != 0); shapes aligned to the right, dimensions of size 1 and missing ones in front repeated, the
 * batch first
 *
 * Inputs: a, b. Output: y.
 * ONNX Or-7, of numbers
 */
typedef struct eg_or_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_or_options;
static inline eg_tensor eg_or_with(eg_graph *g, eg_tensor a, eg_tensor b,
	const eg_or_options *options) {
	eg_tensor inputs[2] = {a, b};
	return eg_apply(g, "or", options, inputs, 2);
}
#define eg_or(...) EG_BUILD_2(or, __VA_ARGS__, )

/* ---- xor -------------------------------------------------------------------------------------------------------- */

/* 1 where exactly one of two tensors is not 0, else 0.
 *
 * y = (a != 0) != (b != 0); shapes aligned to the right, dimensions of size 1 and missing ones in front repeated, the
 * batch first
 *
 * Inputs: a, b. Output: y.
 * ONNX Xor-7, of numbers
 */
typedef struct eg_xor_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_xor_options;
static inline eg_tensor eg_xor_with(eg_graph *g, eg_tensor a, eg_tensor b,
	const eg_xor_options *options) {
	eg_tensor inputs[2] = {a, b};
	return eg_apply(g, "xor", options, inputs, 2);
}
#define eg_xor(...) EG_BUILD_2(xor, __VA_ARGS__, )

/* ---- where ------------------------------------------------------------------------------------------------------ */

/* Elements of a where the condition is not 0, else of b; dimensions of size 1, and missing ones in front, are repeated.
 *
 * y = a where condition != 0 (NaN too), else b; shapes aligned to the right, the batch first
 * da = dy where condition != 0, else 0; db the other way round; summed where one was repeated; the condition has none
 *
 * Inputs: condition, a, b. Output: y.
 * ONNX Where-9, the condition as numbers; numpy.where
 */
typedef struct eg_where_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_where_options;
static inline eg_tensor eg_where_with(eg_graph *g, eg_tensor condition, eg_tensor a, eg_tensor b,
	const eg_where_options *options) {
	eg_tensor inputs[3] = {condition, a, b};
	return eg_apply(g, "where", options, inputs, 3);
}
#define eg_where(...) EG_BUILD_3(where, __VA_ARGS__, )

/* ---- exp -------------------------------------------------------------------------------------------------------- */

/* The exponential function, element by element.
 *
 * y = e^x; dx = dy y
 *
 * Inputs: x. Output: y.
 * ONNX Exp-13
 */
typedef struct eg_exp_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_exp_options;
static inline eg_tensor eg_exp_with(eg_graph *g, eg_tensor x, const eg_exp_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "exp", options, inputs, 1);
}
#define eg_exp(...) EG_BUILD_1(exp, __VA_ARGS__, )

/* ---- log -------------------------------------------------------------------------------------------------------- */

/* The natural logarithm, element by element.
 *
 * y = log x; -infinity at 0, NaN below; dx = dy / x
 *
 * Inputs: x. Output: y.
 * ONNX Log-13
 */
typedef struct eg_log_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_log_options;
static inline eg_tensor eg_log_with(eg_graph *g, eg_tensor x, const eg_log_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "log", options, inputs, 1);
}
#define eg_log(...) EG_BUILD_1(log, __VA_ARGS__, )

/* ---- sqrt ------------------------------------------------------------------------------------------------------- */

/* The square root, element by element.
 *
 * y = x^(1/2); NaN below 0; dx = dy / (2 y), infinite at 0
 *
 * Inputs: x. Output: y.
 * ONNX Sqrt-13
 */
typedef struct eg_sqrt_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_sqrt_options;
static inline eg_tensor eg_sqrt_with(eg_graph *g, eg_tensor x, const eg_sqrt_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "sqrt", options, inputs, 1);
}
#define eg_sqrt(...) EG_BUILD_1(sqrt, __VA_ARGS__, )

/* ---- reciprocal ------------------------------------------------------------------------------------------------- */

/* One divided by each element.
 *
 * y = 1 / x, an infinity at 0; dx = -dy y^2
 *
 * Inputs: x. Output: y.
 * ONNX Reciprocal-13
 */
typedef struct eg_reciprocal_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_reciprocal_options;
static inline eg_tensor eg_reciprocal_with(eg_graph *g, eg_tensor x, const eg_reciprocal_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "reciprocal", options, inputs, 1);
}
#define eg_reciprocal(...) EG_BUILD_1(reciprocal, __VA_ARGS__, )

/* ---- square ----------------------------------------------------------------------------------------------------- */

/* The square of each element.
 *
 * y = x^2; dx = 2 dy x
 *
 * Inputs: x. Output: y.
 * numpy.square; ONNX Mul-14 of x and x
 */
typedef struct eg_square_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_square_options;
static inline eg_tensor eg_square_with(eg_graph *g, eg_tensor x, const eg_square_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "square", options, inputs, 1);
}
#define eg_square(...) EG_BUILD_1(square, __VA_ARGS__, )

/* ---- abs -------------------------------------------------------------------------------------------------------- */

/* The absolute value of each element.
 *
 * y = |x|; dx = dy sign x
 *
 * Inputs: x. Output: y.
 * ONNX Abs-13
 */
typedef struct eg_abs_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_abs_options;
static inline eg_tensor eg_abs_with(eg_graph *g, eg_tensor x, const eg_abs_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "abs", options, inputs, 1);
}
#define eg_abs(...) EG_BUILD_1(abs, __VA_ARGS__, )

/* ---- neg -------------------------------------------------------------------------------------------------------- */

/* Each element with the other sign.
 *
 * y = -x; dx = -dy
 *
 * Inputs: x. Output: y.
 * ONNX Neg-13
 */
typedef struct eg_neg_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_neg_options;
static inline eg_tensor eg_neg_with(eg_graph *g, eg_tensor x, const eg_neg_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "neg", options, inputs, 1);
}
#define eg_neg(...) EG_BUILD_1(neg, __VA_ARGS__, )

/* ---- sign ------------------------------------------------------------------------------------------------------- */

/* The sign of each element: -1, 0 or 1.
 *
 * y = 1 where x > 0, -1 where x < 0, else x: 0 with its sign, NaN
 *
 * Inputs: x. Output: y.
 * ONNX Sign-13
 */
typedef struct eg_sign_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_sign_options;
static inline eg_tensor eg_sign_with(eg_graph *g, eg_tensor x, const eg_sign_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "sign", options, inputs, 1);
}
#define eg_sign(...) EG_BUILD_1(sign, __VA_ARGS__, )

/* ---- floor ------------------------------------------------------------------------------------------------------ */

/* The next whole number below each element.
 *
 * y = the largest whole number <= x
 *
 * Inputs: x. Output: y.
 * ONNX Floor-13
 */
typedef struct eg_floor_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_floor_options;
static inline eg_tensor eg_floor_with(eg_graph *g, eg_tensor x, const eg_floor_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "floor", options, inputs, 1);
}
#define eg_floor(...) EG_BUILD_1(floor, __VA_ARGS__, )

/* ---- ceil ------------------------------------------------------------------------------------------------------- */

/* The next whole number above each element.
 *
 * y = the smallest whole number >= x; -0 for -1 < x < 0
 *
 * Inputs: x. Output: y.
 * ONNX Ceil-13
 */
typedef struct eg_ceil_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_ceil_options;
static inline eg_tensor eg_ceil_with(eg_graph *g, eg_tensor x, const eg_ceil_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "ceil", options, inputs, 1);
}
#define eg_ceil(...) EG_BUILD_1(ceil, __VA_ARGS__, )

/* ---- round ------------------------------------------------------------------------------------------------------ */

/* The nearest whole number of each element.
 *
 * y = the nearest whole number, of two equally near ones the even one
 *
 * Inputs: x. Output: y.
 * ONNX Round-11; numpy.rint
 */
typedef struct eg_round_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_round_options;
static inline eg_tensor eg_round_with(eg_graph *g, eg_tensor x, const eg_round_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "round", options, inputs, 1);
}
#define eg_round(...) EG_BUILD_1(round, __VA_ARGS__, )

/* ---- sin -------------------------------------------------------------------------------------------------------- */

/* The sine of each element, in radians.
 *
 * y = sin x; dx = dy cos x; NaN at infinities
 *
 * Inputs: x. Output: y.
 * ONNX Sin-7
 */
typedef struct eg_sin_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_sin_options;
static inline eg_tensor eg_sin_with(eg_graph *g, eg_tensor x, const eg_sin_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "sin", options, inputs, 1);
}
#define eg_sin(...) EG_BUILD_1(sin, __VA_ARGS__, )

/* ---- cos -------------------------------------------------------------------------------------------------------- */

/* The cosine of each element, in radians.
 *
 * y = cos x; dx = -dy sin x; NaN at infinities
 *
 * Inputs: x. Output: y.
 * ONNX Cos-7
 */
typedef struct eg_cos_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_cos_options;
static inline eg_tensor eg_cos_with(eg_graph *g, eg_tensor x, const eg_cos_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "cos", options, inputs, 1);
}
#define eg_cos(...) EG_BUILD_1(cos, __VA_ARGS__, )

/* ---- tan -------------------------------------------------------------------------------------------------------- */

/* The tangent of each element, in radians.
 *
 * y = tan x; dx = dy (1 + y^2); NaN at infinities
 *
 * Inputs: x. Output: y.
 * ONNX Tan-7
 */
typedef struct eg_tan_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_tan_options;
static inline eg_tensor eg_tan_with(eg_graph *g, eg_tensor x, const eg_tan_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "tan", options, inputs, 1);
}
#define eg_tan(...) EG_BUILD_1(tan, __VA_ARGS__, )

/* ---- asin ------------------------------------------------------------------------------------------------------- */

/* The arc sine of each element.
 *
 * y = arcsin x, -pi/2 to pi/2; NaN outside of -1..1; dx = dy / (1 - x^2)^(1/2)
 *
 * Inputs: x. Output: y.
 * ONNX Asin-7
 */
typedef struct eg_asin_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_asin_options;
static inline eg_tensor eg_asin_with(eg_graph *g, eg_tensor x, const eg_asin_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "asin", options, inputs, 1);
}
#define eg_asin(...) EG_BUILD_1(asin, __VA_ARGS__, )

/* ---- acos ------------------------------------------------------------------------------------------------------- */

/* The arc cosine of each element.
 *
 * y = arccos x, 0 to pi; NaN outside of -1..1; dx = -dy / (1 - x^2)^(1/2)
 *
 * Inputs: x. Output: y.
 * ONNX Acos-7
 */
typedef struct eg_acos_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_acos_options;
static inline eg_tensor eg_acos_with(eg_graph *g, eg_tensor x, const eg_acos_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "acos", options, inputs, 1);
}
#define eg_acos(...) EG_BUILD_1(acos, __VA_ARGS__, )

/* ---- atan ------------------------------------------------------------------------------------------------------- */

/* The arc tangent of each element.
 *
 * y = arctan x, -pi/2 to pi/2; dx = dy / (1 + x^2)
 *
 * Inputs: x. Output: y.
 * ONNX Atan-7
 */
typedef struct eg_atan_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_atan_options;
static inline eg_tensor eg_atan_with(eg_graph *g, eg_tensor x, const eg_atan_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "atan", options, inputs, 1);
}
#define eg_atan(...) EG_BUILD_1(atan, __VA_ARGS__, )

/* ---- sinh ------------------------------------------------------------------------------------------------------- */

/* The hyperbolic sine of each element.
 *
 * y = (e^x - e^-x) / 2; dx = dy cosh x
 *
 * Inputs: x. Output: y.
 * ONNX Sinh-9
 */
typedef struct eg_sinh_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_sinh_options;
static inline eg_tensor eg_sinh_with(eg_graph *g, eg_tensor x, const eg_sinh_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "sinh", options, inputs, 1);
}
#define eg_sinh(...) EG_BUILD_1(sinh, __VA_ARGS__, )

/* ---- cosh ------------------------------------------------------------------------------------------------------- */

/* The hyperbolic cosine of each element.
 *
 * y = (e^x + e^-x) / 2; dx = dy sinh x
 *
 * Inputs: x. Output: y.
 * ONNX Cosh-9
 */
typedef struct eg_cosh_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_cosh_options;
static inline eg_tensor eg_cosh_with(eg_graph *g, eg_tensor x, const eg_cosh_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "cosh", options, inputs, 1);
}
#define eg_cosh(...) EG_BUILD_1(cosh, __VA_ARGS__, )

/* ---- asinh ------------------------------------------------------------------------------------------------------ */

/* The inverse of the hyperbolic sine of each element.
 *
 * y = log(x + (x^2 + 1)^(1/2)); dx = dy / (x^2 + 1)^(1/2)
 *
 * Inputs: x. Output: y.
 * ONNX Asinh-9
 */
typedef struct eg_asinh_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_asinh_options;
static inline eg_tensor eg_asinh_with(eg_graph *g, eg_tensor x, const eg_asinh_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "asinh", options, inputs, 1);
}
#define eg_asinh(...) EG_BUILD_1(asinh, __VA_ARGS__, )

/* ---- acosh ------------------------------------------------------------------------------------------------------ */

/* The inverse of the hyperbolic cosine of each element.
 *
 * y = log(x + (x^2 - 1)^(1/2)); NaN below 1; dx = dy / (x^2 - 1)^(1/2)
 *
 * Inputs: x. Output: y.
 * ONNX Acosh-9
 */
typedef struct eg_acosh_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_acosh_options;
static inline eg_tensor eg_acosh_with(eg_graph *g, eg_tensor x, const eg_acosh_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "acosh", options, inputs, 1);
}
#define eg_acosh(...) EG_BUILD_1(acosh, __VA_ARGS__, )

/* ---- atanh ------------------------------------------------------------------------------------------------------ */

/* The inverse of the hyperbolic tangent of each element.
 *
 * y = log((1 + x) / (1 - x)) / 2; infinities at -1 and 1, NaN outside; dx = dy / (1 - x^2)
 *
 * Inputs: x. Output: y.
 * ONNX Atanh-9
 */
typedef struct eg_atanh_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_atanh_options;
static inline eg_tensor eg_atanh_with(eg_graph *g, eg_tensor x, const eg_atanh_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "atanh", options, inputs, 1);
}
#define eg_atanh(...) EG_BUILD_1(atanh, __VA_ARGS__, )

/* ---- erf -------------------------------------------------------------------------------------------------------- */

/* The error function of each element.
 *
 * y = 2 / pi^(1/2) times the integral of e^(-t^2) from 0 to x; dx = dy 2 / pi^(1/2) e^(-x^2)
 *
 * Inputs: x. Output: y.
 * ONNX Erf-13
 */
typedef struct eg_erf_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_erf_options;
static inline eg_tensor eg_erf_with(eg_graph *g, eg_tensor x, const eg_erf_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "erf", options, inputs, 1);
}
#define eg_erf(...) EG_BUILD_1(erf, __VA_ARGS__, )

/* ---- clip ------------------------------------------------------------------------------------------------------- */

/* Each element brought between two limits.
 *
 * y = min(max(x, min), max), so max where min > max; NaN stays; dx = dy where min <= x <= max, else 0
 *
 * Inputs: x. Output: y.
 * ONNX Clip-6 (later ones take the limits as inputs); numpy.clip
 */
typedef struct eg_clip_options {
	const char *name; /* of the node; NULL: made from the operator's */
	float min; /* least value; without it there is none */
	float max; /* largest value; without it there is none */
	bool end_; /* closes the builder's list */
} eg_clip_options;
static inline eg_tensor eg_clip_with(eg_graph *g, eg_tensor x, const eg_clip_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "clip", options, inputs, 1);
}
#define eg_clip(...) EG_BUILD_1(clip, __VA_ARGS__, )

/* ---- is_nan ----------------------------------------------------------------------------------------------------- */

/* 1 where an element is not a number, else 0.
 *
 * y = 1 where x is NaN, else 0
 *
 * Inputs: x. Output: y.
 * ONNX IsNaN-13 (its result is bool)
 */
typedef struct eg_is_nan_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_is_nan_options;
static inline eg_tensor eg_is_nan_with(eg_graph *g, eg_tensor x, const eg_is_nan_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "is_nan", options, inputs, 1);
}
#define eg_is_nan(...) EG_BUILD_1(is_nan, __VA_ARGS__, )

/* ---- is_inf ----------------------------------------------------------------------------------------------------- */

/* 1 where an element is infinite, else 0.
 *
 * y = 1 where x is +infinity (if positive) or -infinity (if negative), else 0
 *
 * Inputs: x. Output: y.
 * ONNX IsInf-10 (its result is bool)
 */
typedef struct eg_is_inf_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool no_positive; /* true switches this off: positive infinity counts */
	bool no_negative; /* true switches this off: negative infinity counts */
	bool end_; /* closes the builder's list */
} eg_is_inf_options;
static inline eg_tensor eg_is_inf_with(eg_graph *g, eg_tensor x, const eg_is_inf_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "is_inf", options, inputs, 1);
}
#define eg_is_inf(...) EG_BUILD_1(is_inf, __VA_ARGS__, )

/* ---- not -------------------------------------------------------------------------------------------------------- */

/* 1 where an element is 0, else 0.
 *
 * y = 1 where x = 0, else 0; NaN is not 0
 *
 * Inputs: x. Output: y.
 * ONNX Not-1, of numbers
 */
typedef struct eg_not_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_not_options;
static inline eg_tensor eg_not_with(eg_graph *g, eg_tensor x, const eg_not_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "not", options, inputs, 1);
}
#define eg_not(...) EG_BUILD_1(not, __VA_ARGS__, )

/* ---- cumsum ----------------------------------------------------------------------------------------------------- */

/* Running sums along a dimension.
 *
 * y[..,i,..] = sum of x[..,j,..] over j <= i; exclusive: j < i; reverse: j >= i or j > i; dx = the same of dy from the
 * other end
 *
 * Inputs: x. Output: y.
 * ONNX CumSum-14, axis as an attribute
 */
typedef struct eg_cumsum_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int axis; /* dimension along which is summed; negative counts from the end; default -1 */
	bool exclusive; /* without the element itself */
	bool reverse; /* from the end on */
	bool end_; /* closes the builder's list */
} eg_cumsum_options;
static inline eg_tensor eg_cumsum_with(eg_graph *g, eg_tensor x, const eg_cumsum_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "cumsum", options, inputs, 1);
}
#define eg_cumsum(...) EG_BUILD_1(cumsum, __VA_ARGS__, )

/* ---- trilu ------------------------------------------------------------------------------------------------------ */

/* The upper or lower triangle of matrices; the rest is zero.
 *
 * x (...,R,C); y[..,i,j] = x[..,i,j] where j - i >= k (not upper: j - i <= k), else 0; dx likewise from dy
 *
 * Inputs: x. Output: y.
 * ONNX Trilu-14; numpy.triu and numpy.tril
 */
typedef struct eg_trilu_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int k; /* diagonal at which the triangle begins or ends: 0 the main one, positive above it */
	bool no_upper; /* true switches this off: what is on and above the diagonal stays; false: what is on and below */
	bool end_; /* closes the builder's list */
} eg_trilu_options;
static inline eg_tensor eg_trilu_with(eg_graph *g, eg_tensor x, const eg_trilu_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "trilu", options, inputs, 1);
}
#define eg_trilu(...) EG_BUILD_1(trilu, __VA_ARGS__, )

/* ---- top_k ------------------------------------------------------------------------------------------------------ */

/* The k largest or smallest elements along a dimension, in their order, and where they stand.
 *
 * values[..,j,..] = the j-th largest of x[..,:,..], indices (EG_I32) its place; of equal ones the first comes first,
 * NaN is larger than all; dx = dvalues at the places, else 0
 *
 * Inputs: x. Outputs: values, indices.
 * ONNX TopK-11, k as an attribute, sorted; indices int32 in place of int64
 */
typedef struct eg_top_k_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int k; /* how many; needed */
	int axis; /* dimension in which is looked; negative counts from the end; default -1 */
	bool no_largest; /* true switches this off: the largest, else the smallest */
	bool end_; /* closes the builder's list */
} eg_top_k_options;
static inline eg_tensor eg_top_k_with(eg_graph *g, eg_tensor x, const eg_top_k_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "top_k", options, inputs, 1);
}
#define eg_top_k(...) EG_BUILD_1(top_k, __VA_ARGS__, )

/* ---- arange ----------------------------------------------------------------------------------------------------- */

/* Numbers in equal steps, as many as a dimension of another tensor is long: positions in a sequence.
 *
 * y (D) = start, start + step, ..., D being dimension `axis` of like, whose numbers do not matter
 *
 * Inputs: like. Output: y.
 * ONNX Range-11, of which start and delta are attributes and the limit follows from `like`
 */
typedef struct eg_arange_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int axis; /* dimension of `like` that says how many; negative counts from the end; default -1 */
	float start; /* the first number */
	float step; /* from one to the next; default 1 */
	bool integers; /* whole numbers (EG_I32), such as indices are */
	bool end_; /* closes the builder's list */
} eg_arange_options;
static inline eg_tensor eg_arange_with(eg_graph *g, eg_tensor like, const eg_arange_options *options) {
	eg_tensor inputs[1] = {like};
	return eg_apply(g, "arange", options, inputs, 1);
}
#define eg_arange(...) EG_BUILD_1(arange, __VA_ARGS__, )

/* ---- reduce_sum ------------------------------------------------------------------------------------------------- */

/* The sum over some dimensions.
 *
 * y = sum of x, over the dimensions `axes` of x, or all; dx = dy
 *
 * Inputs: x. Output: y.
 * ONNX ReduceSum-13 (axes as an attribute)
 */
typedef struct eg_reduce_sum_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_ints axes; /* dimensions that are reduced, in any order; negative counts from the end; without it all */
	bool keepdims; /* they stay, with size 1 */
	bool end_; /* closes the builder's list */
} eg_reduce_sum_options;
static inline eg_tensor eg_reduce_sum_with(eg_graph *g, eg_tensor x, const eg_reduce_sum_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "reduce_sum", options, inputs, 1);
}
#define eg_reduce_sum(...) EG_BUILD_1(reduce_sum, __VA_ARGS__, )

/* ---- reduce_mean ------------------------------------------------------------------------------------------------ */

/* The mean over some dimensions.
 *
 * y = sum of x / n, over the dimensions `axes` of x, or all, n of them; dx = dy / n
 *
 * Inputs: x. Output: y.
 * ONNX ReduceMean-13
 */
typedef struct eg_reduce_mean_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_ints axes; /* dimensions that are reduced, in any order; negative counts from the end; without it all */
	bool keepdims; /* they stay, with size 1 */
	bool end_; /* closes the builder's list */
} eg_reduce_mean_options;
static inline eg_tensor eg_reduce_mean_with(eg_graph *g, eg_tensor x, const eg_reduce_mean_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "reduce_mean", options, inputs, 1);
}
#define eg_reduce_mean(...) EG_BUILD_1(reduce_mean, __VA_ARGS__, )

/* ---- reduce_max ------------------------------------------------------------------------------------------------- */

/* The maximum over some dimensions.
 *
 * y = max of x, over the dimensions `axes` of x, or all; NaN where there is one; dx = dy / k for the k elements that
 * are y, else 0
 *
 * Inputs: x. Output: y.
 * ONNX ReduceMax-13; numpy.amax
 */
typedef struct eg_reduce_max_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_ints axes; /* dimensions that are reduced, in any order; negative counts from the end; without it all */
	bool keepdims; /* they stay, with size 1 */
	bool end_; /* closes the builder's list */
} eg_reduce_max_options;
static inline eg_tensor eg_reduce_max_with(eg_graph *g, eg_tensor x, const eg_reduce_max_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "reduce_max", options, inputs, 1);
}
#define eg_reduce_max(...) EG_BUILD_1(reduce_max, __VA_ARGS__, )

/* ---- reduce_min ------------------------------------------------------------------------------------------------- */

/* The minimum over some dimensions.
 *
 * y = min of x, over the dimensions `axes` of x, or all; NaN where there is one; dx = dy / k for the k elements that
 * are y, else 0
 *
 * Inputs: x. Output: y.
 * ONNX ReduceMin-13; numpy.amin
 */
typedef struct eg_reduce_min_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_ints axes; /* dimensions that are reduced, in any order; negative counts from the end; without it all */
	bool keepdims; /* they stay, with size 1 */
	bool end_; /* closes the builder's list */
} eg_reduce_min_options;
static inline eg_tensor eg_reduce_min_with(eg_graph *g, eg_tensor x, const eg_reduce_min_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "reduce_min", options, inputs, 1);
}
#define eg_reduce_min(...) EG_BUILD_1(reduce_min, __VA_ARGS__, )

/* ---- reduce_prod ------------------------------------------------------------------------------------------------ */

/* The product over some dimensions.
 *
 * y = product of x, over the dimensions `axes` of x, or all; dx = dy times the product of the others
 *
 * Inputs: x. Output: y.
 * ONNX ReduceProd-13
 */
typedef struct eg_reduce_prod_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_ints axes; /* dimensions that are reduced, in any order; negative counts from the end; without it all */
	bool keepdims; /* they stay, with size 1 */
	bool end_; /* closes the builder's list */
} eg_reduce_prod_options;
static inline eg_tensor eg_reduce_prod_with(eg_graph *g, eg_tensor x, const eg_reduce_prod_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "reduce_prod", options, inputs, 1);
}
#define eg_reduce_prod(...) EG_BUILD_1(reduce_prod, __VA_ARGS__, )

/* ---- reduce_l1 -------------------------------------------------------------------------------------------------- */

/* The sum of absolute values over some dimensions.
 *
 * y = sum of |x|, over the dimensions `axes` of x, or all; dx = dy sign x
 *
 * Inputs: x. Output: y.
 * ONNX ReduceL1-13
 */
typedef struct eg_reduce_l1_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_ints axes; /* dimensions that are reduced, in any order; negative counts from the end; without it all */
	bool keepdims; /* they stay, with size 1 */
	bool end_; /* closes the builder's list */
} eg_reduce_l1_options;
static inline eg_tensor eg_reduce_l1_with(eg_graph *g, eg_tensor x, const eg_reduce_l1_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "reduce_l1", options, inputs, 1);
}
#define eg_reduce_l1(...) EG_BUILD_1(reduce_l1, __VA_ARGS__, )

/* ---- reduce_l2 -------------------------------------------------------------------------------------------------- */

/* The Euclidean norm over some dimensions.
 *
 * y = (sum of x^2)^(1/2), over the dimensions `axes` of x, or all; dx = dy x / y, 0 where y = 0
 *
 * Inputs: x. Output: y.
 * ONNX ReduceL2-13
 */
typedef struct eg_reduce_l2_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_ints axes; /* dimensions that are reduced, in any order; negative counts from the end; without it all */
	bool keepdims; /* they stay, with size 1 */
	bool end_; /* closes the builder's list */
} eg_reduce_l2_options;
static inline eg_tensor eg_reduce_l2_with(eg_graph *g, eg_tensor x, const eg_reduce_l2_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "reduce_l2", options, inputs, 1);
}
#define eg_reduce_l2(...) EG_BUILD_1(reduce_l2, __VA_ARGS__, )

/* ---- reduce_sum_square ------------------------------------------------------------------------------------------ */

/* The sum of squares over some dimensions.
 *
 * y = sum of x^2, over the dimensions `axes` of x, or all; dx = 2 dy x
 *
 * Inputs: x. Output: y.
 * ONNX ReduceSumSquare-13
 */
typedef struct eg_reduce_sum_square_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_ints axes; /* dimensions that are reduced, in any order; negative counts from the end; without it all */
	bool keepdims; /* they stay, with size 1 */
	bool end_; /* closes the builder's list */
} eg_reduce_sum_square_options;
static inline eg_tensor eg_reduce_sum_square_with(eg_graph *g, eg_tensor x, const eg_reduce_sum_square_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "reduce_sum_square", options, inputs, 1);
}
#define eg_reduce_sum_square(...) EG_BUILD_1(reduce_sum_square, __VA_ARGS__, )

/* ---- reduce_log_sum --------------------------------------------------------------------------------------------- */

/* The logarithm of the sum over some dimensions.
 *
 * y = log of the sum of x, over the dimensions `axes` of x, or all; dx = dy e^-y
 *
 * Inputs: x. Output: y.
 * ONNX ReduceLogSum-13
 */
typedef struct eg_reduce_log_sum_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_ints axes; /* dimensions that are reduced, in any order; negative counts from the end; without it all */
	bool keepdims; /* they stay, with size 1 */
	bool end_; /* closes the builder's list */
} eg_reduce_log_sum_options;
static inline eg_tensor eg_reduce_log_sum_with(eg_graph *g, eg_tensor x, const eg_reduce_log_sum_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "reduce_log_sum", options, inputs, 1);
}
#define eg_reduce_log_sum(...) EG_BUILD_1(reduce_log_sum, __VA_ARGS__, )

/* ---- reduce_log_sum_exp ----------------------------------------------------------------------------------------- */

/* The logarithm of the sum of exponentials over some dimensions.
 *
 * y = log of the sum of e^x, over the dimensions `axes` of x, or all, by way of the maximum, so that nothing overflows;
 * dx = dy e^(x - y)
 *
 * Inputs: x. Output: y.
 * ONNX ReduceLogSumExp-13
 */
typedef struct eg_reduce_log_sum_exp_options {
	const char *name; /* of the node; NULL: made from the operator's */
	eg_ints axes; /* dimensions that are reduced, in any order; negative counts from the end; without it all */
	bool keepdims; /* they stay, with size 1 */
	bool end_; /* closes the builder's list */
} eg_reduce_log_sum_exp_options;
static inline eg_tensor eg_reduce_log_sum_exp_with(eg_graph *g, eg_tensor x, const eg_reduce_log_sum_exp_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "reduce_log_sum_exp", options, inputs, 1);
}
#define eg_reduce_log_sum_exp(...) EG_BUILD_1(reduce_log_sum_exp, __VA_ARGS__, )

/* ---- arg_max ---------------------------------------------------------------------------------------------------- */

/* The place of the largest element along a dimension, from 0 on, as EG_I32.
 *
 * y = the first index along `axis` of the maximum (last: of equal ones the last); of the first NaN where there is one
 *
 * Inputs: x. Output: y.
 * ONNX ArgMax-13 (int32 in place of int64); numpy.argmax
 */
typedef struct eg_arg_max_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int axis; /* dimension that is reduced; negative counts from the end; default -1 */
	bool last; /* of equal ones the last, not the first */
	bool keepdims; /* it stays, with size 1 */
	bool end_; /* closes the builder's list */
} eg_arg_max_options;
static inline eg_tensor eg_arg_max_with(eg_graph *g, eg_tensor x, const eg_arg_max_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "arg_max", options, inputs, 1);
}
#define eg_arg_max(...) EG_BUILD_1(arg_max, __VA_ARGS__, )

/* ---- arg_min ---------------------------------------------------------------------------------------------------- */

/* The place of the smallest element along a dimension, from 0 on, as EG_I32.
 *
 * y = the first index along `axis` of the minimum (last: of equal ones the last); of the first NaN where there is one
 *
 * Inputs: x. Output: y.
 * ONNX ArgMin-13 (int32 in place of int64); numpy.argmin
 */
typedef struct eg_arg_min_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int axis; /* dimension that is reduced; negative counts from the end; default -1 */
	bool last; /* of equal ones the last, not the first */
	bool keepdims; /* it stays, with size 1 */
	bool end_; /* closes the builder's list */
} eg_arg_min_options;
static inline eg_tensor eg_arg_min_with(eg_graph *g, eg_tensor x, const eg_arg_min_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "arg_min", options, inputs, 1);
}
#define eg_arg_min(...) EG_BUILD_1(arg_min, __VA_ARGS__, )

/* ---- sum -------------------------------------------------------------------------------------------------------- */

/* The sum of two or more tensors, with broadcasting.
 *
 * y = x1 + x2 + ...; dx_i = dy; shapes aligned to the right, dimensions of size 1 and missing ones in front repeated,
 * the batch first; summed where one was repeated
 *
 * Inputs: x1, x2. Output: y.
 * ONNX Sum-13
 */
typedef struct eg_sum_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_sum_options;
static inline eg_tensor eg_sum_with(eg_graph *g, eg_tensor x1, eg_tensor x2,
	const eg_sum_options *options) {
	eg_tensor inputs[2] = {x1, x2};
	return eg_apply(g, "sum", options, inputs, 2);
}
#define eg_sum(...) EG_BUILD_2(sum, __VA_ARGS__, )
/* n of them, 2 to 64; inputs among the options do not count. */
static inline eg_tensor eg_sum_n(eg_graph *g, const eg_tensor *inputs, int n, const eg_sum_options *options) {
	return eg_apply(g, "sum", options, inputs, n);
}

/* ---- mean ------------------------------------------------------------------------------------------------------- */

/* The mean of two or more tensors, element by element, with broadcasting.
 *
 * y = (x1 + ... + xn) / n; dx_i = dy / n; shapes aligned to the right, dimensions of size 1 and missing ones in front
 * repeated, the batch first; summed where one was repeated
 *
 * Inputs: x1, x2. Output: y.
 * ONNX Mean-13
 */
typedef struct eg_mean_options {
	const char *name; /* of the node; NULL: made from the operator's */
	bool end_; /* closes the builder's list */
} eg_mean_options;
static inline eg_tensor eg_mean_with(eg_graph *g, eg_tensor x1, eg_tensor x2,
	const eg_mean_options *options) {
	eg_tensor inputs[2] = {x1, x2};
	return eg_apply(g, "mean", options, inputs, 2);
}
#define eg_mean(...) EG_BUILD_2(mean, __VA_ARGS__, )
/* n of them, 2 to 64; inputs among the options do not count. */
static inline eg_tensor eg_mean_n(eg_graph *g, const eg_tensor *inputs, int n, const eg_mean_options *options) {
	return eg_apply(g, "mean", options, inputs, n);
}

/* ---- weighted_sum ----------------------------------------------------------------------------------------------- */

/* The sum of two numbers, each times a weight: an objective of several losses.
 *
 * y () = weight_a a + weight_b b, without b: y () = weight_a a
 *
 * Inputs: a, optional: b. Output: y.
 * a sum
 */
typedef struct eg_weighted_sum_options {
	const char *name; /* of the node; NULL: made from the operator's */
	float weight_a; /* factor of a; default 1 */
	float weight_b; /* factor of b; default 1 */
	eg_tensor b; /* optional input */
	bool end_; /* closes the builder's list */
} eg_weighted_sum_options;
static inline eg_tensor eg_weighted_sum_with(eg_graph *g, eg_tensor a, const eg_weighted_sum_options *options) {
	eg_tensor inputs[2] = {a, {0}};
	int n = 1;
	if (options && options->b.id) {
		inputs[1] = options->b;
		n = 2;
	}
	return eg_apply(g, "weighted_sum", options, inputs, n);
}
#define eg_weighted_sum(...) EG_BUILD_1(weighted_sum, __VA_ARGS__, )

/* ---- cross_entropy ---------------------------------------------------------------------------------------------- */

/* Classification loss: softmax and negative log-likelihood of the right class in one.
 *
 * logp = log softmax(logits) over the classes, e = label_smoothing;
 * row = (1-e) weight[t] (-logp[t]) + e/classes sum over c of weight[c] (-logp[c]);
 * loss () = sum of rows; for mean divided by the sum of weight[t], NaN when all are ignored;
 * logits (N,classes,d1,...), target (N,d1,...), or, of sequences, (T,N,classes) and (T,N);
 * weight (classes), which gets no gradient; reduction none: (N,d1,...), the rows;
 * a target beyond the classes makes the loss NaN. A target of the shape of logits, real numbers q(c) in place
 * of a class: row = sum of weight[c] ((1-e) q[c] + e/classes) (-logp[c]), for mean divided by the number of rows;
 * it gets no gradient
 *
 * Inputs: logits, target, optional: weight. Output: loss.
 * ONNX SoftmaxCrossEntropyLoss-13; label smoothing (Szegedy et al. 2016) and probabilities as PyTorch weighs them
 */
enum { EG_CROSS_ENTROPY_REDUCTION_MEAN, EG_CROSS_ENTROPY_REDUCTION_SUM, EG_CROSS_ENTROPY_REDUCTION_NONE };
typedef struct eg_cross_entropy_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int ignore_index; /* rows with this target count for nothing; default -100 */
	float label_smoothing; /* share of the target that is spread evenly over all classes */
	int reduction; /* mean: divided by the weights of the rows that count; none: a number for each row; EG_CROSS_ENTROPY_REDUCTION_... */
	int axis; /* which dimension a row lies along, negative: from the end; of sequences (T,N,...) 1 means the last; default 1 */
	eg_tensor weight; /* optional input */
	bool end_; /* closes the builder's list */
} eg_cross_entropy_options;
static inline eg_tensor eg_cross_entropy_with(eg_graph *g, eg_tensor logits, eg_tensor target,
	const eg_cross_entropy_options *options) {
	eg_tensor inputs[3] = {logits, target, {0}};
	int n = 2;
	if (options && options->weight.id) {
		inputs[2] = options->weight;
		n = 3;
	}
	return eg_apply(g, "cross_entropy", options, inputs, n);
}
#define eg_cross_entropy(...) EG_BUILD_2(cross_entropy, __VA_ARGS__, )

/* ---- nll -------------------------------------------------------------------------------------------------------- */

/* Classification loss of logarithms of probabilities, such as log_softmax gives.
 *
 * logits (N,classes,d1,...) are log p, target (N,d1,...) class numbers t, weight (classes);
 * row = -weight[t] log p[t]; loss () = sum of rows, for mean divided by the sum of weight[t]; none: (N,d1,...)
 *
 * Inputs: logits, target, optional: weight. Output: loss.
 * ONNX NegativeLogLikelihoodLoss-13; PyTorch's NLLLoss
 */
enum { EG_NLL_REDUCTION_MEAN, EG_NLL_REDUCTION_SUM, EG_NLL_REDUCTION_NONE };
typedef struct eg_nll_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int reduction; /* mean: divided by the weights of the rows that count; none: a number for each row; EG_NLL_REDUCTION_... */
	int axis; /* which dimension a row lies along, negative: from the end; of sequences (T,N,...) 1 means the last; default 1 */
	int ignore_index; /* rows with this target count for nothing; default -100 */
	eg_tensor weight; /* optional input */
	bool end_; /* closes the builder's list */
} eg_nll_options;
static inline eg_tensor eg_nll_with(eg_graph *g, eg_tensor logits, eg_tensor target,
	const eg_nll_options *options) {
	eg_tensor inputs[3] = {logits, target, {0}};
	int n = 2;
	if (options && options->weight.id) {
		inputs[2] = options->weight;
		n = 3;
	}
	return eg_apply(g, "nll", options, inputs, n);
}
#define eg_nll(...) EG_BUILD_2(nll, __VA_ARGS__, )

/* ---- dice ------------------------------------------------------------------------------------------------------- */

/* Segmentation loss of whole regions: how little they overlap, whatever their size.
 *
 * p = softmax(logits) over the classes, y = 1 where target is the class, else 0; of each sample and class
 * d = 1 - (2 sum of p y + smooth) / (sum of p + sum of y + smooth), sums over the places, below of squares with
 * `squared`;
 * loss () = mean of d; logits (N,classes,d1,...), target (N,d1,...) int32; or target like logits, real numbers y,
 * a region for each class that knows nothing of the others: p = sigmoid(logits)
 *
 * Inputs: logits, target. Output: loss.
 * Milletari et al. 2016 (V-Net, squared); Sudre et al. 2017
 */
typedef struct eg_dice_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int axis; /* which dimension a row lies along, negative: from the end; of sequences (T,N,...) 1 means the last; default 1 */
	int ignore_index; /* places with this class count for nothing; default -100 */
	float smooth; /* is added above and below, so that a class that is nowhere, and not said, is right; default 1 */
	bool squared; /* the sums below are of squares */
	bool batch; /* the regions of a batch are one; else each sample's loss is told by itself, and their mean */
	bool no_background; /* true switches this off: class 0 counts too */
	bool end_; /* closes the builder's list */
} eg_dice_options;
static inline eg_tensor eg_dice_with(eg_graph *g, eg_tensor logits, eg_tensor target,
	const eg_dice_options *options) {
	eg_tensor inputs[2] = {logits, target};
	return eg_apply(g, "dice", options, inputs, 2);
}
#define eg_dice(...) EG_BUILD_2(dice, __VA_ARGS__, )

/* ---- jaccard ---------------------------------------------------------------------------------------------------- */

/* Segmentation loss of whole regions: 1 less their intersection over union.
 *
 * as dice, with d = 1 - (sum of p y + smooth) / (sum of p + sum of y - sum of p y + smooth)
 *
 * Inputs: logits, target. Output: loss.
 * Rahman and Wang 2016
 */
typedef struct eg_jaccard_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int axis; /* which dimension a row lies along, negative: from the end; of sequences (T,N,...) 1 means the last; default 1 */
	int ignore_index; /* places with this class count for nothing; default -100 */
	float smooth; /* is added above and below, so that a class that is nowhere, and not said, is right; default 1 */
	bool squared; /* the sums below are of squares */
	bool batch; /* the regions of a batch are one; else each sample's loss is told by itself, and their mean */
	bool no_background; /* true switches this off: class 0 counts too */
	bool end_; /* closes the builder's list */
} eg_jaccard_options;
static inline eg_tensor eg_jaccard_with(eg_graph *g, eg_tensor logits, eg_tensor target,
	const eg_jaccard_options *options) {
	eg_tensor inputs[2] = {logits, target};
	return eg_apply(g, "jaccard", options, inputs, 2);
}
#define eg_jaccard(...) EG_BUILD_2(jaccard, __VA_ARGS__, )

/* ---- softmax_focal ---------------------------------------------------------------------------------------------- */

/* Classification loss that looks at what is still wrong, for classes that are rare: softmax inside.
 *
 * p = softmax(logits) over the classes; row = weight[t] (1 - p[t])^gamma (-log p[t]); loss () = sum of rows,
 * for mean divided by the sum of weight[t]; none: (N,d1,...); weight (classes) is the paper's alpha;
 * logits (N,classes,d1,...), target (N,d1,...)
 *
 * Inputs: logits, target, optional: weight. Output: loss.
 * Lin et al. 2017, over several classes; `focal` has independent ones
 */
enum { EG_SOFTMAX_FOCAL_REDUCTION_MEAN, EG_SOFTMAX_FOCAL_REDUCTION_SUM, EG_SOFTMAX_FOCAL_REDUCTION_NONE };
typedef struct eg_softmax_focal_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int reduction; /* mean: divided by the weights of the rows that count; none: a number for each row; EG_SOFTMAX_FOCAL_REDUCTION_... */
	int axis; /* which dimension a row lies along, negative: from the end; of sequences (T,N,...) 1 means the last; default 1 */
	int ignore_index; /* rows with this target count for nothing; default -100 */
	float gamma; /* how much less counts what is right already; 0: cross-entropy; default 2 */
	eg_tensor weight; /* optional input */
	bool end_; /* closes the builder's list */
} eg_softmax_focal_options;
static inline eg_tensor eg_softmax_focal_with(eg_graph *g, eg_tensor logits, eg_tensor target,
	const eg_softmax_focal_options *options) {
	eg_tensor inputs[3] = {logits, target, {0}};
	int n = 2;
	if (options && options->weight.id) {
		inputs[2] = options->weight;
		n = 3;
	}
	return eg_apply(g, "softmax_focal", options, inputs, n);
}
#define eg_softmax_focal(...) EG_BUILD_2(softmax_focal, __VA_ARGS__, )

/* ---- multi_margin ----------------------------------------------------------------------------------------------- */

/* Classification loss with a margin: a support vector machine of several classes.
 *
 * row = weight[t]/classes sum over c other than t of max(0, margin - logits[t] + logits[c]), or their squares;
 * loss () = sum of rows, for mean divided by the number of rows that count; none: (N,d1,...);
 * logits (N,classes,d1,...), target (N,d1,...), weight (classes)
 *
 * Inputs: logits, target, optional: weight. Output: loss.
 * Crammer and Singer 2001; PyTorch's MultiMarginLoss
 */
enum { EG_MULTI_MARGIN_REDUCTION_MEAN, EG_MULTI_MARGIN_REDUCTION_SUM, EG_MULTI_MARGIN_REDUCTION_NONE };
typedef struct eg_multi_margin_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int reduction; /* mean: divided by the weights of the rows that count; none: a number for each row; EG_MULTI_MARGIN_REDUCTION_... */
	int axis; /* which dimension a row lies along, negative: from the end; of sequences (T,N,...) 1 means the last; default 1 */
	int ignore_index; /* rows with this target count for nothing; default -100 */
	float margin; /* how far before all others the right class has to be; default 1 */
	bool squared; /* the square of what is missing (PyTorch's p: 2) */
	eg_tensor weight; /* optional input */
	bool end_; /* closes the builder's list */
} eg_multi_margin_options;
static inline eg_tensor eg_multi_margin_with(eg_graph *g, eg_tensor logits, eg_tensor target,
	const eg_multi_margin_options *options) {
	eg_tensor inputs[3] = {logits, target, {0}};
	int n = 2;
	if (options && options->weight.id) {
		inputs[2] = options->weight;
		n = 3;
	}
	return eg_apply(g, "multi_margin", options, inputs, n);
}
#define eg_multi_margin(...) EG_BUILD_2(multi_margin, __VA_ARGS__, )

/* ---- arcface ---------------------------------------------------------------------------------------------------- */

/* Loss of embeddings by class: cross-entropy of angles, the right one made harder by a margin.
 *
 * logits are s cos(v), as `cosine_linear` gives them, s = scale, v the angle to each class; in place of s cos(v[t])
 * stands s cos(v[t] + margin), or where v[t] + margin > pi, s (cos(v[t]) - margin sin(margin)); with kind cosine
 * s (cos(v[t]) - margin); row = weight[t] times the cross-entropy of these;
 * loss () = sum of rows, for mean divided by the sum of weight[t]; none: (N,d1,...)
 *
 * Inputs: logits, target, optional: weight. Output: loss.
 * Deng et al. 2019 (ArcFace); Wang et al. 2018 (CosFace)
 */
enum { EG_ARCFACE_REDUCTION_MEAN, EG_ARCFACE_REDUCTION_SUM, EG_ARCFACE_REDUCTION_NONE };
enum { EG_ARCFACE_KIND_ANGLE, EG_ARCFACE_KIND_COSINE };
typedef struct eg_arcface_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int reduction; /* mean: divided by the weights of the rows that count; none: a number for each row; EG_ARCFACE_REDUCTION_... */
	int axis; /* which dimension a row lies along, negative: from the end; of sequences (T,N,...) 1 means the last; default 1 */
	int ignore_index; /* rows with this target count for nothing; default -100 */
	float margin; /* what is added to the right class's angle, or taken from its cosine; default 0.5 */
	float scale; /* what the cosines were multiplied with before they came: the scale of `cosine_linear`; default 64 */
	int kind; /* angle: ArcFace; cosine: CosFace; EG_ARCFACE_KIND_... */
	eg_tensor weight; /* optional input */
	bool end_; /* closes the builder's list */
} eg_arcface_options;
static inline eg_tensor eg_arcface_with(eg_graph *g, eg_tensor logits, eg_tensor target,
	const eg_arcface_options *options) {
	eg_tensor inputs[3] = {logits, target, {0}};
	int n = 2;
	if (options && options->weight.id) {
		inputs[2] = options->weight;
		n = 3;
	}
	return eg_apply(g, "arcface", options, inputs, n);
}
#define eg_arcface(...) EG_BUILD_2(arcface, __VA_ARGS__, )

/* ---- supervised_contrastive ------------------------------------------------------------------------------------- */

/* Loss of embeddings: each row shall be nearer to those of its class than to all others of the batch.
 *
 * z = x / |x| of each row, s_ij = <z_i,z_j> / temperature; row i = mean over all other j with target[j] = target[i] of
 * log(sum over k other than i of e^s_ik) - s_ij; loss () = mean over the rows that are not alone with their class, 0 if
 * all are;
 * x (N,features), target (N) int32; with two views of each sample, of the same number, it is NT-Xent.
 * It mixes samples: a batch that is run in parts (`accumulate`) compares less
 *
 * Inputs: x, target. Output: loss.
 * Khosla et al. 2020 (L_out); NT-Xent: Chen et al. 2020 (SimCLR)
 */
typedef struct eg_supervised_contrastive_options {
	const char *name; /* of the node; NULL: made from the operator's */
	float temperature; /* the smaller, the more the nearest count; default 0.1 */
	int ignore_index; /* rows with this target are not there; default -100 */
	bool end_; /* closes the builder's list */
} eg_supervised_contrastive_options;
static inline eg_tensor eg_supervised_contrastive_with(eg_graph *g, eg_tensor x, eg_tensor target,
	const eg_supervised_contrastive_options *options) {
	eg_tensor inputs[2] = {x, target};
	return eg_apply(g, "supervised_contrastive", options, inputs, 2);
}
#define eg_supervised_contrastive(...) EG_BUILD_2(supervised_contrastive, __VA_ARGS__, )

/* ---- mse -------------------------------------------------------------------------------------------------------- */

/* Regression loss: mean squared error.
 *
 * loss () = mean (or sum, or each) of (x - target)^2; x and target have the same shape
 *
 * Inputs: x, target. Output: loss.
 * Gauss 1809; PyTorch's mse_loss
 */
enum { EG_MSE_REDUCTION_MEAN, EG_MSE_REDUCTION_SUM, EG_MSE_REDUCTION_NONE };
typedef struct eg_mse_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int reduction; /* mean: divided by the number of elements; none: the loss of each; EG_MSE_REDUCTION_... */
	bool end_; /* closes the builder's list */
} eg_mse_options;
static inline eg_tensor eg_mse_with(eg_graph *g, eg_tensor x, eg_tensor target,
	const eg_mse_options *options) {
	eg_tensor inputs[2] = {x, target};
	return eg_apply(g, "mse", options, inputs, 2);
}
#define eg_mse(...) EG_BUILD_2(mse, __VA_ARGS__, )

/* ---- l1 --------------------------------------------------------------------------------------------------------- */

/* Regression loss: mean absolute error.
 *
 * loss () = mean (or sum, or each) of |x - target|, whose derivative at 0 is taken as 0
 *
 * Inputs: x, target. Output: loss.
 * Laplace 1793; PyTorch's l1_loss
 */
enum { EG_L1_REDUCTION_MEAN, EG_L1_REDUCTION_SUM, EG_L1_REDUCTION_NONE };
typedef struct eg_l1_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int reduction; /* mean: divided by the number of elements; none: the loss of each; EG_L1_REDUCTION_... */
	bool end_; /* closes the builder's list */
} eg_l1_options;
static inline eg_tensor eg_l1_with(eg_graph *g, eg_tensor x, eg_tensor target,
	const eg_l1_options *options) {
	eg_tensor inputs[2] = {x, target};
	return eg_apply(g, "l1", options, inputs, 2);
}
#define eg_l1(...) EG_BUILD_2(l1, __VA_ARGS__, )

/* ---- smooth_l1 -------------------------------------------------------------------------------------------------- */

/* Regression loss: squared for small differences, absolute for large ones, with slope 1.
 *
 * e = x - target; loss () = mean (or sum, or each) of |e| < beta ? e^2 / (2 beta) : |e| - beta/2
 *
 * Inputs: x, target. Output: loss.
 * Girshick 2015 (Fast R-CNN); PyTorch's smooth_l1_loss
 */
enum { EG_SMOOTH_L1_REDUCTION_MEAN, EG_SMOOTH_L1_REDUCTION_SUM, EG_SMOOTH_L1_REDUCTION_NONE };
typedef struct eg_smooth_l1_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int reduction; /* mean: divided by the number of elements; none: the loss of each; EG_SMOOTH_L1_REDUCTION_... */
	float beta; /* differences below it are squared; 0: none, as l1; default 1 */
	bool end_; /* closes the builder's list */
} eg_smooth_l1_options;
static inline eg_tensor eg_smooth_l1_with(eg_graph *g, eg_tensor x, eg_tensor target,
	const eg_smooth_l1_options *options) {
	eg_tensor inputs[2] = {x, target};
	return eg_apply(g, "smooth_l1", options, inputs, 2);
}
#define eg_smooth_l1(...) EG_BUILD_2(smooth_l1, __VA_ARGS__, )

/* ---- huber ------------------------------------------------------------------------------------------------------ */

/* Regression loss: squared for small differences, absolute for large ones, with slope delta.
 *
 * e = x - target; loss () = mean (or sum, or each) of |e| < delta ? e^2 / 2 : delta (|e| - delta/2)
 *
 * Inputs: x, target. Output: loss.
 * Huber 1964; PyTorch's huber_loss
 */
enum { EG_HUBER_REDUCTION_MEAN, EG_HUBER_REDUCTION_SUM, EG_HUBER_REDUCTION_NONE };
typedef struct eg_huber_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int reduction; /* mean: divided by the number of elements; none: the loss of each; EG_HUBER_REDUCTION_... */
	float delta; /* differences below it are squared; default 1 */
	bool end_; /* closes the builder's list */
} eg_huber_options;
static inline eg_tensor eg_huber_with(eg_graph *g, eg_tensor x, eg_tensor target,
	const eg_huber_options *options) {
	eg_tensor inputs[2] = {x, target};
	return eg_apply(g, "huber", options, inputs, 2);
}
#define eg_huber(...) EG_BUILD_2(huber, __VA_ARGS__, )

/* ---- bce_with_logits -------------------------------------------------------------------------------------------- */

/* Loss of yes or no, several independent ones to a sample: sigmoid and cross-entropy in one.
 *
 * p = sigmoid(x); loss () = mean (or sum, or each) of -pos_weight target log p - (1 - target) log (1 - p);
 * target, of the shape of x, is 1 or 0 or a probability between
 *
 * Inputs: x, target. Output: loss.
 * PyTorch's BCEWithLogitsLoss
 */
enum { EG_BCE_WITH_LOGITS_REDUCTION_MEAN, EG_BCE_WITH_LOGITS_REDUCTION_SUM, EG_BCE_WITH_LOGITS_REDUCTION_NONE };
typedef struct eg_bce_with_logits_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int reduction; /* mean: divided by the number of targets; none: the loss of each target; EG_BCE_WITH_LOGITS_REDUCTION_... */
	float pos_weight; /* weight of the targets that are 1, for rare ones; default 1 */
	bool end_; /* closes the builder's list */
} eg_bce_with_logits_options;
static inline eg_tensor eg_bce_with_logits_with(eg_graph *g, eg_tensor x, eg_tensor target,
	const eg_bce_with_logits_options *options) {
	eg_tensor inputs[2] = {x, target};
	return eg_apply(g, "bce_with_logits", options, inputs, 2);
}
#define eg_bce_with_logits(...) EG_BUILD_2(bce_with_logits, __VA_ARGS__, )

/* ---- bce -------------------------------------------------------------------------------------------------------- */

/* Loss of yes or no where x is the probability itself; bce_with_logits is more exact and needs no sigmoid.
 *
 * loss () = mean (or sum, or each) of -pos_weight target log x - (1 - target) log (1 - x), logarithms at least -100;
 * x between 0 and 1, target, of the shape of x, likewise
 *
 * Inputs: x, target. Output: loss.
 * PyTorch's BCELoss
 */
enum { EG_BCE_REDUCTION_MEAN, EG_BCE_REDUCTION_SUM, EG_BCE_REDUCTION_NONE };
typedef struct eg_bce_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int reduction; /* mean: divided by the number of targets; none: the loss of each target; EG_BCE_REDUCTION_... */
	float pos_weight; /* weight of the targets that are 1, for rare ones; default 1 */
	bool end_; /* closes the builder's list */
} eg_bce_options;
static inline eg_tensor eg_bce_with(eg_graph *g, eg_tensor x, eg_tensor target,
	const eg_bce_options *options) {
	eg_tensor inputs[2] = {x, target};
	return eg_apply(g, "bce", options, inputs, 2);
}
#define eg_bce(...) EG_BUILD_2(bce, __VA_ARGS__, )

/* ---- focal ------------------------------------------------------------------------------------------------------ */

/* Loss of yes or no that looks at what is still wrong, where one answer is rare: sigmoid inside.
 *
 * p = sigmoid(x), q = p (1 - target) + (1 - p) target: how wrong it is;
 * loss () = mean (or sum, or each) of (alpha target + (1 - alpha) (1 - target)) q^gamma bce_with_logits(x, target)
 *
 * Inputs: x, target. Output: loss.
 * Lin et al. 2017; as torchvision's sigmoid_focal_loss
 */
enum { EG_FOCAL_REDUCTION_MEAN, EG_FOCAL_REDUCTION_SUM, EG_FOCAL_REDUCTION_NONE };
typedef struct eg_focal_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int reduction; /* mean: divided by the number of targets; none: the loss of each target; EG_FOCAL_REDUCTION_... */
	float gamma; /* how much less counts what is right already; 0: all alike; default 2 */
	float alpha; /* weight of targets that are 1, while others have 1 - alpha; negative: none; default 0.25 */
	bool end_; /* closes the builder's list */
} eg_focal_options;
static inline eg_tensor eg_focal_with(eg_graph *g, eg_tensor x, eg_tensor target,
	const eg_focal_options *options) {
	eg_tensor inputs[2] = {x, target};
	return eg_apply(g, "focal", options, inputs, 2);
}
#define eg_focal(...) EG_BUILD_2(focal, __VA_ARGS__, )

/* ---- hinge ------------------------------------------------------------------------------------------------------ */

/* Loss of two sides with a margin, as support vector machines have it.
 *
 * loss () = mean (or sum, or each) of max(0, margin - target x), or its square; target is 1 or -1, of the shape of x
 *
 * Inputs: x, target. Output: loss.
 * Cortes and Vapnik 1995; squared: Tang 2013
 */
enum { EG_HINGE_REDUCTION_MEAN, EG_HINGE_REDUCTION_SUM, EG_HINGE_REDUCTION_NONE };
typedef struct eg_hinge_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int reduction; /* mean: divided by the number of targets; none: the loss of each target; EG_HINGE_REDUCTION_... */
	float margin; /* how far on its side a number has to be; default 1 */
	bool squared; /* the square of it */
	bool end_; /* closes the builder's list */
} eg_hinge_options;
static inline eg_tensor eg_hinge_with(eg_graph *g, eg_tensor x, eg_tensor target,
	const eg_hinge_options *options) {
	eg_tensor inputs[2] = {x, target};
	return eg_apply(g, "hinge", options, inputs, 2);
}
#define eg_hinge(...) EG_BUILD_2(hinge, __VA_ARGS__, )

/* ---- quantile --------------------------------------------------------------------------------------------------- */

/* Regression loss (pinball) whose best answer is a quantile of the targets: 0.9 for a bound that 9 of 10 keep.
 *
 * e = target - x; loss () = mean (or sum, or each) of max(quantile e, (quantile - 1) e), whose derivative at 0 is taken
 * as 0;
 * quantiles q1...qQ: x (N,QK,...) has, behind each other, all first numbers, all second ones ... of target (N,K,...),
 * of sequences (T,N,QK) and (T,N,K); the mean is also one over the quantiles, each is the sum of them
 *
 * Inputs: x, target. Output: loss.
 * Koenker and Bassett 1978
 */
enum { EG_QUANTILE_REDUCTION_MEAN, EG_QUANTILE_REDUCTION_SUM, EG_QUANTILE_REDUCTION_NONE };
typedef struct eg_quantile_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int reduction; /* mean: divided by the number of targets; none: the loss of each target; EG_QUANTILE_REDUCTION_... */
	float quantile; /* share of the targets that shall lie below x; default 0.5 */
	eg_floats quantiles; /* several shares: x has a number for each of them to a target */
	bool end_; /* closes the builder's list */
} eg_quantile_options;
static inline eg_tensor eg_quantile_with(eg_graph *g, eg_tensor x, eg_tensor target,
	const eg_quantile_options *options) {
	eg_tensor inputs[2] = {x, target};
	return eg_apply(g, "quantile", options, inputs, 2);
}
#define eg_quantile(...) EG_BUILD_2(quantile, __VA_ARGS__, )

/* ---- poisson_nll ------------------------------------------------------------------------------------------------ */

/* Regression loss of counts: how unlikely they are where e^x are expected.
 *
 * loss () = mean (or sum, or each) of e^x - target x; the logarithm of the target's factorial is left out
 *
 * Inputs: x, target. Output: loss.
 * PyTorch's PoissonNLLLoss with log_input
 */
enum { EG_POISSON_NLL_REDUCTION_MEAN, EG_POISSON_NLL_REDUCTION_SUM, EG_POISSON_NLL_REDUCTION_NONE };
typedef struct eg_poisson_nll_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int reduction; /* mean: divided by the number of targets; none: the loss of each target; EG_POISSON_NLL_REDUCTION_... */
	bool end_; /* closes the builder's list */
} eg_poisson_nll_options;
static inline eg_tensor eg_poisson_nll_with(eg_graph *g, eg_tensor x, eg_tensor target,
	const eg_poisson_nll_options *options) {
	eg_tensor inputs[2] = {x, target};
	return eg_apply(g, "poisson_nll", options, inputs, 2);
}
#define eg_poisson_nll(...) EG_BUILD_2(poisson_nll, __VA_ARGS__, )

/* ---- kl_divergence ---------------------------------------------------------------------------------------------- */

/* Loss of probabilities against wanted ones: how much longer a code for these is, in nats.
 *
 * loss () = sum of target (log target - x), 0 where target is 0; x are logarithms of probabilities;
 * mean: divided by the number of distributions, which dimension 1 holds, of sequences (T,N,classes) the last
 *
 * Inputs: x, target. Output: loss.
 * Kullback and Leibler 1951; PyTorch's KLDivLoss with batchmean
 */
enum { EG_KL_DIVERGENCE_REDUCTION_MEAN, EG_KL_DIVERGENCE_REDUCTION_SUM, EG_KL_DIVERGENCE_REDUCTION_NONE };
typedef struct eg_kl_divergence_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int reduction; /* mean: divided by the number of distributions; EG_KL_DIVERGENCE_REDUCTION_... */
	bool end_; /* closes the builder's list */
} eg_kl_divergence_options;
static inline eg_tensor eg_kl_divergence_with(eg_graph *g, eg_tensor x, eg_tensor target,
	const eg_kl_divergence_options *options) {
	eg_tensor inputs[2] = {x, target};
	return eg_apply(g, "kl_divergence", options, inputs, 2);
}
#define eg_kl_divergence(...) EG_BUILD_2(kl_divergence, __VA_ARGS__, )

/* ---- gaussian_nll ----------------------------------------------------------------------------------------------- */

/* Regression loss of a mean and how sure it is: negative log-likelihood of a normal distribution.
 *
 * x has a mean m and behind all means the logarithm s of a variance for every target: (N,2K,...) for (N,K,...),
 * of sequences (T,N,2K) for (T,N,K); loss () = mean (or sum, or each) of (s + (target - m)^2 e^-s) / 2 [+ log(2 pi) /
 * 2]
 *
 * Inputs: x, target. Output: loss.
 * Nix and Weigend 1994; PyTorch's GaussianNLLLoss, whose variance is e^s
 */
enum { EG_GAUSSIAN_NLL_REDUCTION_MEAN, EG_GAUSSIAN_NLL_REDUCTION_SUM, EG_GAUSSIAN_NLL_REDUCTION_NONE };
typedef struct eg_gaussian_nll_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int reduction; /* mean: divided by the number of targets; none: the loss of each target; EG_GAUSSIAN_NLL_REDUCTION_... */
	bool full; /* with the constant log(2 pi) / 2, so that it is a likelihood */
	bool end_; /* closes the builder's list */
} eg_gaussian_nll_options;
static inline eg_tensor eg_gaussian_nll_with(eg_graph *g, eg_tensor x, eg_tensor target,
	const eg_gaussian_nll_options *options) {
	eg_tensor inputs[2] = {x, target};
	return eg_apply(g, "gaussian_nll", options, inputs, 2);
}
#define eg_gaussian_nll(...) EG_BUILD_2(gaussian_nll, __VA_ARGS__, )

/* ---- student_t_nll ---------------------------------------------------------------------------------------------- */

/* Regression loss of a location and a scale that bears outliers: negative log-likelihood of Student's t.
 *
 * x as for gaussian_nll: a location m, and behind all of them the logarithm s of a scale, for every target;
 * z = (target - m) e^-s, v = degrees; loss () = mean (or sum, or each) of s + (v+1)/2 log(1 + z^2/v) + c,
 * c = log Gamma(v/2) - log Gamma((v+1)/2) + log(v pi) / 2
 *
 * Inputs: x, target. Output: loss.
 * Lange, Little and Taylor 1989
 */
enum { EG_STUDENT_T_NLL_REDUCTION_MEAN, EG_STUDENT_T_NLL_REDUCTION_SUM, EG_STUDENT_T_NLL_REDUCTION_NONE };
typedef struct eg_student_t_nll_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int reduction; /* mean: divided by the number of targets; none: the loss of each target; EG_STUDENT_T_NLL_REDUCTION_... */
	float degrees; /* degrees of freedom: the fewer, the less far-off targets count; default 5 */
	bool end_; /* closes the builder's list */
} eg_student_t_nll_options;
static inline eg_tensor eg_student_t_nll_with(eg_graph *g, eg_tensor x, eg_tensor target,
	const eg_student_t_nll_options *options) {
	eg_tensor inputs[2] = {x, target};
	return eg_apply(g, "student_t_nll", options, inputs, 2);
}
#define eg_student_t_nll(...) EG_BUILD_2(student_t_nll, __VA_ARGS__, )

/* ---- iou -------------------------------------------------------------------------------------------------------- */

/* Loss of boxes: 1 less the share of both that they have in common.
 *
 * row = 1 - I/U, I and U intersection and union of the boxes x and target; with C the smallest box around both:
 * giou + (C-U)/C; diou + (distance of the centres)^2 / (diagonal of C)^2; ciou: diou + alpha v,
 * v = 4/pi^2 (atan(w_target/h_target) - atan(w/h))^2, alpha = v/(1 - I/U + v), which counts as a constant;
 * loss () = mean (or sum) of rows; none: (N,...); x, target (N,...,4); widths and heights below 0 count as 0;
 * where the target has none there is no box, and the row is 0
 *
 * Inputs: x, target. Output: loss.
 * Yu et al. 2016; Rezatofighi et al. 2019 (GIoU); Zheng et al. 2020 (DIoU, CIoU); as torchvision's losses
 */
enum { EG_IOU_REDUCTION_MEAN, EG_IOU_REDUCTION_SUM, EG_IOU_REDUCTION_NONE };
enum { EG_IOU_KIND_IOU, EG_IOU_KIND_GIOU, EG_IOU_KIND_DIOU, EG_IOU_KIND_CIOU };
enum { EG_IOU_BOXES_CORNERS, EG_IOU_BOXES_CENTRE, EG_IOU_BOXES_SIDES };
typedef struct eg_iou_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int reduction; /* mean: divided by the number of boxes; none: a number for each box; EG_IOU_REDUCTION_... */
	int axis; /* which dimension a row lies along, negative: from the end; of sequences (T,N,...) 1 means the last; default -1 */
	int kind; /* giou: also what of the box around both is empty; diou: how far the centres are apart; ciou: and the form; EG_IOU_KIND_... */
	int boxes; /* corners: x0, y0, x1, y1; centre: x, y, width, height; sides: how far left, top, right and bottom are from a place in it; EG_IOU_BOXES_... */
	bool end_; /* closes the builder's list */
} eg_iou_options;
static inline eg_tensor eg_iou_with(eg_graph *g, eg_tensor x, eg_tensor target,
	const eg_iou_options *options) {
	eg_tensor inputs[2] = {x, target};
	return eg_apply(g, "iou", options, inputs, 2);
}
#define eg_iou(...) EG_BUILD_2(iou, __VA_ARGS__, )

/* ---- cosine_similarity ------------------------------------------------------------------------------------------ */

/* Cosine of the angle between rows of two tensors.
 *
 * y = <a,b> / (max(|a|,eps) max(|b|,eps)) of rows along an axis; a, b (N,d1,...) -> y (N,...) without that axis
 *
 * Inputs: a, b. Output: y.
 * PyTorch's cosine_similarity
 */
typedef struct eg_cosine_similarity_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int axis; /* which dimension a row lies along, negative: from the end; of sequences (T,N,...) 1 means the last; default 1 */
	float eps; /* least length that a row is taken to have; default 1e-08 */
	bool end_; /* closes the builder's list */
} eg_cosine_similarity_options;
static inline eg_tensor eg_cosine_similarity_with(eg_graph *g, eg_tensor a, eg_tensor b,
	const eg_cosine_similarity_options *options) {
	eg_tensor inputs[2] = {a, b};
	return eg_apply(g, "cosine_similarity", options, inputs, 2);
}
#define eg_cosine_similarity(...) EG_BUILD_2(cosine_similarity, __VA_ARGS__, )

/* ---- pairwise_distance ------------------------------------------------------------------------------------------ */

/* Distance between rows of two tensors.
 *
 * y = (sum of |a - b + eps|^p)^(1/p) of rows along an axis; a, b (N,d1,...) -> y (N,...) without that axis
 *
 * Inputs: a, b. Output: y.
 * PyTorch's pairwise_distance
 */
typedef struct eg_pairwise_distance_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int axis; /* which dimension a row lies along, negative: from the end; of sequences (T,N,...) 1 means the last; default -1 */
	float p; /* the power: 1 adds up absolute differences, 2 is Euclid's; default 2 */
	float eps; /* is added to each difference, so that equal rows have a gradient; default 1e-06 */
	bool end_; /* closes the builder's list */
} eg_pairwise_distance_options;
static inline eg_tensor eg_pairwise_distance_with(eg_graph *g, eg_tensor a, eg_tensor b,
	const eg_pairwise_distance_options *options) {
	eg_tensor inputs[2] = {a, b};
	return eg_apply(g, "pairwise_distance", options, inputs, 2);
}
#define eg_pairwise_distance(...) EG_BUILD_2(pairwise_distance, __VA_ARGS__, )

/* ---- cosine_embedding ------------------------------------------------------------------------------------------- */

/* Loss of pairs that belong together or do not, by their angle.
 *
 * c = cosine_similarity(a, b) of rows along an axis; row = label > 0 ? 1 - c : max(0, c - margin);
 * loss () = mean (or sum) of rows; none: (N,...); a, b (N,d1,...), label (N,...) int32: 1, or -1 or 0
 *
 * Inputs: a, b, label. Output: loss.
 * PyTorch's CosineEmbeddingLoss
 */
enum { EG_COSINE_EMBEDDING_REDUCTION_MEAN, EG_COSINE_EMBEDDING_REDUCTION_SUM, EG_COSINE_EMBEDDING_REDUCTION_NONE };
typedef struct eg_cosine_embedding_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int axis; /* which dimension a row lies along, negative: from the end; of sequences (T,N,...) 1 means the last; default -1 */
	int reduction; /* mean: divided by the number of rows; none: a number for each row; EG_COSINE_EMBEDDING_REDUCTION_... */
	float margin; /* cosine that rows that do not belong together may have */
	bool end_; /* closes the builder's list */
} eg_cosine_embedding_options;
static inline eg_tensor eg_cosine_embedding_with(eg_graph *g, eg_tensor a, eg_tensor b, eg_tensor label,
	const eg_cosine_embedding_options *options) {
	eg_tensor inputs[3] = {a, b, label};
	return eg_apply(g, "cosine_embedding", options, inputs, 3);
}
#define eg_cosine_embedding(...) EG_BUILD_3(cosine_embedding, __VA_ARGS__, )

/* ---- contrastive ------------------------------------------------------------------------------------------------ */

/* Loss of pairs that belong together or do not, by their distance.
 *
 * d = |a - b| of rows along an axis; row = label > 0 ? d^2/2 : max(0, margin - d)^2/2, whose derivative at d = 0 is
 * taken as 0; loss () = mean (or sum) of rows; none: (N,...); a, b (N,d1,...), label (N,...) int32: 1, or 0 or -1
 *
 * Inputs: a, b, label. Output: loss.
 * Hadsell, Chopra and LeCun 2006 (whose Y is 1 - label)
 */
enum { EG_CONTRASTIVE_REDUCTION_MEAN, EG_CONTRASTIVE_REDUCTION_SUM, EG_CONTRASTIVE_REDUCTION_NONE };
typedef struct eg_contrastive_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int axis; /* which dimension a row lies along, negative: from the end; of sequences (T,N,...) 1 means the last; default -1 */
	int reduction; /* mean: divided by the number of rows; none: a number for each row; EG_CONTRASTIVE_REDUCTION_... */
	float margin; /* distance at which rows that do not belong together are far enough; default 1 */
	bool end_; /* closes the builder's list */
} eg_contrastive_options;
static inline eg_tensor eg_contrastive_with(eg_graph *g, eg_tensor a, eg_tensor b, eg_tensor label,
	const eg_contrastive_options *options) {
	eg_tensor inputs[3] = {a, b, label};
	return eg_apply(g, "contrastive", options, inputs, 3);
}
#define eg_contrastive(...) EG_BUILD_3(contrastive, __VA_ARGS__, )

/* ---- triplet ---------------------------------------------------------------------------------------------------- */

/* Loss of embeddings: an anchor shall be closer to what is of its kind than to what is not.
 *
 * d = pairwise_distance(.., p, eps) of rows along an axis; row = max(0, d(anchor, positive) - d(anchor, negative) +
 * margin);
 * loss () = mean (or sum) of rows; none: (N,...); all three (N,d1,...)
 *
 * Inputs: anchor, positive, negative. Output: loss.
 * Schroff et al. 2015; swap: Balntas et al. 2016; PyTorch's TripletMarginLoss
 */
enum { EG_TRIPLET_REDUCTION_MEAN, EG_TRIPLET_REDUCTION_SUM, EG_TRIPLET_REDUCTION_NONE };
typedef struct eg_triplet_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int axis; /* which dimension a row lies along, negative: from the end; of sequences (T,N,...) 1 means the last; default -1 */
	int reduction; /* mean: divided by the number of rows; none: a number for each row; EG_TRIPLET_REDUCTION_... */
	float margin; /* by how much closer the positive has to be than the negative; default 1 */
	float p; /* the power of the distance, as in pairwise_distance; default 2 */
	float eps; /* is added to each difference; default 1e-06 */
	bool swap; /* the negative's distance is that to the anchor or to the positive, the smaller one */
	bool end_; /* closes the builder's list */
} eg_triplet_options;
static inline eg_tensor eg_triplet_with(eg_graph *g, eg_tensor anchor, eg_tensor positive, eg_tensor negative,
	const eg_triplet_options *options) {
	eg_tensor inputs[3] = {anchor, positive, negative};
	return eg_apply(g, "triplet", options, inputs, 3);
}
#define eg_triplet(...) EG_BUILD_3(triplet, __VA_ARGS__, )

/* ---- ctc -------------------------------------------------------------------------------------------------------- */

/* Loss of a network that tells a sequence of labels without being told when (CTC).
 *
 * losses = -log of the sum, over all paths of T classes that become the target when
 * repeats are merged and blanks left out, of the product of softmax(logits) along the path;
 * mean: loss = average of losses / max(1, labels); sum; none: loss = losses;
 * dlogits = softmax(logits) - occupancies of the classes;
 * logits (T,N,C), target (N,L) int32, input_lengths (N) int32, without them all T steps,
 * target_lengths (N) int32, without them the labels before the first -1;
 * an impossible target (too short an input, a label beyond the classes or equal to blank, a
 * length out of range) has the loss +infinity, or, zero_infinity, 0, and the gradient 0;
 * losses (N), to be looked at, tells which sample it is
 *
 * Inputs: logits, target, optional: input_lengths, target_lengths. Outputs: loss, losses.
 * Graves, Fernandez, Gomez and Schmidhuber 2006; reductions as PyTorch
 */
enum { EG_CTC_REDUCTION_MEAN, EG_CTC_REDUCTION_SUM, EG_CTC_REDUCTION_NONE };
typedef struct eg_ctc_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int blank; /* the class that stands for no label */
	int reduction; /* mean: every loss divided by its number of labels, then averaged; none: a loss for each sample; EG_CTC_REDUCTION_... */
	bool zero_infinity; /* samples whose target is impossible have the loss 0 instead of infinity */
	eg_tensor input_lengths; /* optional input */
	eg_tensor target_lengths; /* optional input */
	bool end_; /* closes the builder's list */
} eg_ctc_options;
static inline eg_tensor eg_ctc_with(eg_graph *g, eg_tensor logits, eg_tensor target,
	const eg_ctc_options *options) {
	eg_tensor inputs[4] = {logits, target, {0}, {0}};
	int n = 2;
	if (options && options->input_lengths.id) {
		inputs[2] = options->input_lengths;
		n = 3;
	}
	if (options && options->target_lengths.id) {
		inputs[3] = options->target_lengths;
		n = 4;
	}
	return eg_apply(g, "ctc", options, inputs, n);
}
#define eg_ctc(...) EG_BUILD_2(ctc, __VA_ARGS__, )

/* ---- ctc_decode ------------------------------------------------------------------------------------------------- */

/* Reads the labels off the outputs of a network trained with ctc.
 *
 * beam 1: the largest class of each step, repeats merged, then blanks left out;
 * beam > 1: the labels whose alignments have the largest probability together, found by
 * keeping that many prefixes;
 * logits (T,N,C), input_lengths (N) int32 -> ids (T,N) int32, -1 behind the labels
 *
 * Inputs: logits, optional: input_lengths. Output: ids.
 * Graves et al. 2006 (best path); Graves 2012, section 7.5.3 (prefix search, with a beam)
 */
typedef struct eg_ctc_decode_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int blank; /* the class that stands for no label */
	int beam; /* label sequences kept from step to step; 1: the best path, no search; default 1 */
	eg_tensor input_lengths; /* optional input */
	bool end_; /* closes the builder's list */
} eg_ctc_decode_options;
static inline eg_tensor eg_ctc_decode_with(eg_graph *g, eg_tensor logits, const eg_ctc_decode_options *options) {
	eg_tensor inputs[2] = {logits, {0}};
	int n = 1;
	if (options && options->input_lengths.id) {
		inputs[1] = options->input_lengths;
		n = 2;
	}
	return eg_apply(g, "ctc_decode", options, inputs, n);
}
#define eg_ctc_decode(...) EG_BUILD_1(ctc_decode, __VA_ARGS__, )

/* ---- crf -------------------------------------------------------------------------------------------------------- */

/* Loss of a tagging network whose tags depend on each other, and the best tags (linear chain).
 *
 * score(tags) = start[tag 0] + sum of emissions[t][tag t] + sum of transitions[tag t-1]
 * [tag t] + end[last tag]; a sequence's loss = log of the sum over all tag sequences of exp(score)
 * - score(target); mean over the sequences, sum, none; path = the tags with the largest score;
 * emissions (T,N,K), target (T,N) int32, lengths (N) int32, without them a target ends before
 * its first -1 and a path at T; transitions (K,K) [from,to], start (K), end (K);
 * path (T,N) int32, -1 beyond the length; length 0: loss 0; a tag beyond the K or a length out
 * of range makes the loss NaN
 *
 * Inputs: emissions, target, optional: lengths. Weights: transitions, start, end. Outputs: loss, path.
 * Lafferty, McCallum and Pereira 2001; Viterbi 1967
 */
enum { EG_CRF_REDUCTION_MEAN, EG_CRF_REDUCTION_SUM, EG_CRF_REDUCTION_NONE };
typedef struct eg_crf_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int reduction; /* mean: over the sequences; none: a loss for each; EG_CRF_REDUCTION_... */
	const char *weights; /* name of an earlier layer whose weights of the same names this one uses too: they are learned together. Left out: its own */
	eg_tensor lengths; /* optional input */
	bool end_; /* closes the builder's list */
} eg_crf_options;
static inline eg_tensor eg_crf_with(eg_graph *g, eg_tensor emissions, eg_tensor target,
	const eg_crf_options *options) {
	eg_tensor inputs[3] = {emissions, target, {0}};
	int n = 2;
	if (options && options->lengths.id) {
		inputs[2] = options->lengths;
		n = 3;
	}
	return eg_apply(g, "crf", options, inputs, n);
}
#define eg_crf(...) EG_BUILD_2(crf, __VA_ARGS__, )

#ifdef __cplusplus
}
#endif

#endif
