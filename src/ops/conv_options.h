/* conv_options.h - what the convolutions with windows share: their options by number of axes, and what these mean for
 * given sizes. */
#ifndef ENGRAM_OPS_CONV_OPTIONS_H
#define ENGRAM_OPS_CONV_OPTIONS_H

#include "ops/window.h"

/* Members of an options struct: A is [2], [3] or nothing for one axis. */
#define CONV_WINDOW(A) \
	const char *name; \
	int filters, kernel A, stride A, padding A, padding_end A, dilation A, groups, auto_pad;
#define CONV_REST \
	bool no_bias; \
	int init; \
	float init_value; \
	const char *weights;

/* Rows of the attribute table: n numbers, of T's field f. */
#define CONV_INTS(T, f, n, def, min, onnx, doc) \
	{#f, (n) == 1 ? EG_ATTR_INT : EG_ATTR_INTS, n, offsetof(T, f), def, min, OP_SIZE_MAX, NULL, onnx, doc, NULL}
#define CONV_WINDOW_ATTRS(T, n, of_filters, of_padding) \
	OP_INT(T, filters, NAN, 1, OP_SIZE_MAX, NULL, "output channels"), \
	CONV_INTS(T, kernel, n, NAN, 1, "kernel_shape", of_filters), \
	CONV_INTS(T, stride, n, 1, 1, "strides", "steps from one window to the next"), \
	CONV_INTS(T, padding, n, 0, 0, "pads", of_padding), \
	CONV_INTS(T, padding_end, n, -1, 0, "pads", "the same at the end of each axis, where it is not as at the beginning; left out: it is"), \
	CONV_INTS(T, dilation, n, 1, 1, "dilations", "distance between neighbouring taps of a filter"), \
	OP_INT(T, groups, 1, 1, OP_SIZE_MAX, "group", \
		"channels are cut into groups that do not see each other; one each: depthwise")
#define CONV_AUTO_PAD(T, doc) OP_ENUM(T, auto_pad, window_pad_names, "auto_pad", doc)
#define CONV_REST_ATTRS(T) \
	OP_NOT(T, bias, NULL, "adds a learned constant to each output channel"), \
	OP_ENUM(T, init, eg_init_names, NULL, \
		"initial weight; default: weight and bias U(+-1/sqrt(fan_in)), otherwise zero bias"), \
	OP_FLOAT(T, init_value, 1, -1e6, 1e6, NULL, \
		"for `init`: the constant, the bound of uniform, the deviation of normal, a factor of the others"), \
	OP_WEIGHTS(T)

/* The options of any of them; slowest axis first. */
typedef struct conv_spec {
	int axes, filters, groups;
	int kernel[WINDOW_AXES], stride[WINDOW_AXES], begin[WINDOW_AXES], end[WINDOW_AXES], dilation[WINDOW_AXES];
	int more[WINDOW_AXES]; /* transposed: output padding */
	window_pad auto_pad;
	eg_ints shape, mask; /* transposed: the sizes asked for; else connections */
	bool transposed, bias;
	int init;
	float init_value;
} conv_spec;

/* From an options struct with CONV_WINDOW and CONV_REST. */
#define CONV_SPEC(o, n) \
	conv_spec_of((conv_spec){.axes = (n), .filters = (o)->filters, .groups = (o)->groups, .auto_pad = (window_pad)(o)->auto_pad, \
			     .bias = !(o)->no_bias, .init = (o)->init, .init_value = (o)->init_value}, \
		(const void *const[]){&(o)->kernel, &(o)->stride, &(o)->padding, &(o)->padding_end, &(o)->dilation})
conv_spec conv_spec_of(conv_spec s, const void *const fields[5]);

/* The functions of operator `op`, whose options become a conv_spec by op_spec, from those that take one. */
#define CONV_FUNCTIONS(op, infer_by, fwd_by, bwd_by) \
	static eg_status op##_infer(eg_infer *s) { \
		const conv_spec c = op##_spec(s->options); \
		return infer_by(s, &c); \
	} \
	static void op##_fwd(eg_emit *e) { \
		const conv_spec c = op##_spec(eg_emit_options(e)); \
		fwd_by(e, &c); \
	} \
	static void op##_bwd(eg_emit *e) { \
		const conv_spec c = op##_spec(eg_emit_options(e)); \
		bwd_by(e, &c); \
	}

/* One axis: `in` and `out` are sizes of the input and the output of the operator. */
typedef struct conv_axis {
	int64_t in, out;
	int kernel, stride, begin, dilation;
} conv_axis;
/* Axis i for an input size that is known. */
conv_axis conv_axis_of(const conv_spec *s, int i, int64_t in);

/* Checks x (N,C, as many sizes as there are axes) and everything else, and sets output 0 and what is told about
 * windows. */
eg_status conv_infer_sizes(eg_infer *s, const conv_spec *c);
/* The same, and the weights and numbers of multiply-adds. */
eg_status conv_infer(eg_infer *s, const conv_spec *c);

/* A convolution of this spec for the sizes of a plan. The last two axes are a picture's (with one axis it has one
 * row), whatever stands before them is depth; x is what the filters slide over, so of a transposed convolution the
 * output. */
typedef struct conv_volume {
	eg_conv_shape s; /* of N samples of depth 1 */
	conv_axis depth; /* in: of x, out: of y */
} conv_volume;
conv_volume conv_volume_of(const eg_emit *e, const conv_spec *c);

#endif
