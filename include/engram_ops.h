/* engram_ops.h - the operators' builders, written by tools/opgen.c from the operator table: change that.
 *
 * In C, options follow the inputs by name, and those left out have their defaults:
 *
 *   eg_tensor h = eg_conv2d(g, x, .filters = 6, .kernel = {5, 5}, .padding = {2, 2});
 *   eg_tensor y = eg_relu(g, h);
 *
 * In C++, and where the options are at hand already:
 *
 *   eg_conv2d_options o = {};
 *   o.filters = 6; ...
 *   eg_tensor h = eg_conv2d_with(g, x, &o);
 *   eg_tensor y = eg_relu_with(g, h, NULL);
 *
 * Every builder returns {0} after an error, which eg_graph_status tells. A zero in the options means the default. */
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

/* ---- conv2d ----------------------------------------------------------------------------------------------------- */

/* Convolution: the same filters slide over every position of a picture.
 *
 * y[n,k,p,q] = bias[k] + sum over c,r,s of weight[k,c,r,s] x[n,c,h,w],
 * h = p*stride + r*dilation - padding, w = q*stride + s*dilation - padding, zero outside of x;
 * x (N,C,H,W), weight (filters, C/groups, kernel), y (N,filters,P,Q),
 * P = floor((H + 2 padding - dilation (kernel - 1) - 1) / stride) + 1, Q likewise
 *
 * Inputs: x. Weights: weight, bias. Output: y.
 * ONNX Conv-11; LeCun et al. 1989; Dumoulin and Visin 2016 (arithmetic of shapes)
 */
typedef struct eg_conv2d_options {
	const char *name; /* of the node and its weights; NULL: made from the operator's */
	int filters; /* output channels; needed */
	int kernel[2]; /* height and width of the filters; needed */
	int stride[2]; /* steps from one window to the next; default 1 */
	int padding[2]; /* zeros put around x, on each side */
	int dilation[2]; /* distance between neighbouring taps of a filter; default 1 */
	int groups; /* channels are cut into groups that do not see each other; one each: depthwise; default 1 */
	bool no_bias; /* true switches this off: adds a learned constant to each output channel */
	int init; /* initial weight; default: weight and bias U(+-1/sqrt(fan_in)), otherwise zero bias; EG_INIT_... */
	float init_value; /* constant, bound of uniform or deviation of normal, for `init`; 0 stands for 1 */
	bool end_; /* closes the builder's list */
} eg_conv2d_options;
static inline eg_tensor eg_conv2d_with(eg_graph *g, eg_tensor x, const eg_conv2d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "conv2d", options, inputs, 1);
}
#define eg_conv2d(...) EG_BUILD_1(conv2d, __VA_ARGS__, )

/* ---- maxpool2d -------------------------------------------------------------------------------------------------- */

/* The largest value of each window of each channel.
 *
 * y[n,c,p,q] = max over r,s of x[n,c, p*stride + r*dilation - padding, ...] inside of x;
 * P = floor or ceil((H + 2 padding - dilation (kernel - 1) - 1) / stride) + 1, Q likewise;
 * the first of equals wins, NaN before all
 *
 * Inputs: x. Output: y.
 * ONNX MaxPool-12; Ranzato et al. 2007
 */
typedef struct eg_maxpool2d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int kernel[2]; /* height and width of the windows; needed */
	int stride[2]; /* steps from one window to the next; default: as large as the kernel */
	int padding[2]; /* positions around x, on each side, that never win */
	int dilation[2]; /* distance between neighbouring positions of a window; default 1 */
	bool ceil_mode; /* a last window that reaches beyond the padded input is kept */
	bool end_; /* closes the builder's list */
} eg_maxpool2d_options;
static inline eg_tensor eg_maxpool2d_with(eg_graph *g, eg_tensor x, const eg_maxpool2d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "maxpool2d", options, inputs, 1);
}
#define eg_maxpool2d(...) EG_BUILD_1(maxpool2d, __VA_ARGS__, )

/* ---- avgpool2d -------------------------------------------------------------------------------------------------- */

/* The average of each window of each channel.
 *
 * y[n,c,p,q] = mean over r,s of x[n,c, p*stride + r - padding, ...]; x (N,C,H,W),
 * P = floor or ceil((H + 2 padding - kernel) / stride) + 1, Q likewise
 *
 * Inputs: x. Output: y.
 * ONNX AveragePool-11; LeCun et al. 1998
 */
typedef struct eg_avgpool2d_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int kernel[2]; /* height and width of the windows; needed */
	int stride[2]; /* steps from one window to the next; default: as large as the kernel */
	int padding[2]; /* zeros put around x, on each side */
	bool ceil_mode; /* a last window that reaches beyond the padded input is kept */
	bool no_count_include_pad; /* true switches this off: padding counts in the divisor (ONNX: not by default) */
	bool end_; /* closes the builder's list */
} eg_avgpool2d_options;
static inline eg_tensor eg_avgpool2d_with(eg_graph *g, eg_tensor x, const eg_avgpool2d_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "avgpool2d", options, inputs, 1);
}
#define eg_avgpool2d(...) EG_BUILD_1(avgpool2d, __VA_ARGS__, )

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
	float init_value; /* constant, bound of uniform or deviation of normal, for `init`; 0 stands for 1 */
	bool end_; /* closes the builder's list */
} eg_linear_options;
static inline eg_tensor eg_linear_with(eg_graph *g, eg_tensor x, const eg_linear_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "linear", options, inputs, 1);
}
#define eg_linear(...) EG_BUILD_1(linear, __VA_ARGS__, )

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

/* ---- add -------------------------------------------------------------------------------------------------------- */

/* The sum of two tensors; dimensions of size 1, and missing ones in front, are repeated.
 *
 * y = a + b, shapes aligned to the right, at most 6 dimensions; the batch stays the first
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
	int axis; /* dimension along which the outputs sum to 1; negative counts from the end; default -1 */
	bool end_; /* closes the builder's list */
} eg_softmax_options;
static inline eg_tensor eg_softmax_with(eg_graph *g, eg_tensor x, const eg_softmax_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "softmax", options, inputs, 1);
}
#define eg_softmax(...) EG_BUILD_1(softmax, __VA_ARGS__, )

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
	float rate; /* probability that an element is dropped; to drop nothing, leave the layer out; default 0.5 */
	bool end_; /* closes the builder's list */
} eg_dropout_options;
static inline eg_tensor eg_dropout_with(eg_graph *g, eg_tensor x, const eg_dropout_options *options) {
	eg_tensor inputs[1] = {x};
	return eg_apply(g, "dropout", options, inputs, 1);
}
#define eg_dropout(...) EG_BUILD_1(dropout, __VA_ARGS__, )

/* ---- cross_entropy ---------------------------------------------------------------------------------------------- */

/* Classification loss: softmax and negative log-likelihood of the right class in one.
 *
 * logp = log softmax(logits) over the classes, e = label_smoothing;
 * row = (1-e) weight[t] (-logp[t]) + e/classes sum over c of weight[c] (-logp[c]);
 * loss () = sum of rows; for mean divided by the sum of weight[t], NaN when all are ignored;
 * logits (N,classes,d1,...), target (N,d1,...), weight (classes), which gets no gradient;
 * a target beyond the classes makes the loss NaN
 *
 * Inputs: logits, target, optional: weight. Output: loss.
 * ONNX SoftmaxCrossEntropyLoss-13; label smoothing: Szegedy et al. 2016, as PyTorch weighs it
 */
enum { EG_CROSS_ENTROPY_REDUCTION_MEAN, EG_CROSS_ENTROPY_REDUCTION_SUM };
typedef struct eg_cross_entropy_options {
	const char *name; /* of the node; NULL: made from the operator's */
	int ignore_index; /* rows with this target count for nothing (0 stands for the default); default -100 */
	float label_smoothing; /* share of the target that is spread evenly over all classes */
	int reduction; /* mean: divided by the weights of the rows that count; EG_CROSS_ENTROPY_REDUCTION_... */
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

#ifdef __cplusplus
}
#endif

#endif
