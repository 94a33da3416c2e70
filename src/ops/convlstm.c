/* convlstm.c - a convolutional LSTM over sequences of pictures (Shi et al. 2015), made of other operators in a loop.
 *
 * What depends on x alone, its convolution, is computed of all steps at once in front of the loop; in the loop are the
 * convolution of the state, gates and content. Nothing here computes: the operators do, and the loop repeats them. */
#include "ops/ops.h"

#include "engram_ops.h" /* behind the kernels' contract, one of whose functions is called as a builder is */

static const char *const peephole_names[] = {"none", "channel", "position", NULL};
typedef enum peephole { NONE, CHANNEL, POSITION } peephole;

typedef struct convlstm_options {
	const char *name;
	int filters, kernel[2], peephole;
	bool no_bias, last, reverse;
	float zoneout;
} convlstm_options;

static const eg_attr convlstm_attrs[] = {
	OP_INT(convlstm_options, filters, NAN, 1, (int)(OP_SIZE_MAX / 4), NULL, "channels of the state and of the output"),
	OP_PAIR(convlstm_options, kernel, 3, 1, OP_SIZE_MAX, NULL, "height and width of the filters, over x and over the state"),
	OP_ENUM(convlstm_options, peephole, peephole_names, NULL,
		"do the gates see the cell, by a learned factor for each channel, or for each number of it, as in the paper; the latter needs a known height and width"),
	OP_NOT(convlstm_options, bias, NULL, "adds a learned constant to each channel of gates and content"),
	OP_BOOL(convlstm_options, last, NULL, "gives the state behind the last step only, (N,filters,H,W)"),
	OP_BOOL(convlstm_options, reverse, NULL, "goes from the last step to the first"),
	OP_FLOAT(convlstm_options, zoneout, 0, 0, 0.999999, NULL, "rate at which numbers of both states stay as they were in training; see `zoneout`"),
};

enum { X, LENGTHS };

/* What the nodes inside are called: NAME/PART, in one buffer, so no builder is called inside of another's call. */
typedef struct builder {
	eg_graph *g;
	const convlstm_options *o;
	char text[256];
} builder;

static const char *inner(builder *b, const char *part) {
	snprintf(b->text, sizeof b->text, "%.200s/%s", b->o->name, part);
	return b->text;
}

static eg_tensor times(builder *b, eg_tensor p, eg_tensor q, const char *part) { return eg_mul(b->g, p, q, .name = inner(b, part)); }

/* sigmoid(sum + factor * cell), the factors being the weights peephole_GATE. */
static eg_tensor gate(builder *b, eg_tensor sum, eg_tensor cell, const char *name) {
	const eg_dims d = eg_tensor_dims(b->g, cell);
	char weights[32], part[64];
	snprintf(weights, sizeof weights, "peephole_%s", name);
	if (b->o->peephole != NONE) {
		eg_tensor seen = cell;
		snprintf(part, sizeof part, "%s_numbers", weights);
		if (b->o->peephole == POSITION) seen = eg_flatten(b->g, seen, .name = inner(b, part));
		seen = eg_scale_channels(b->g, seen, .no_bias = true, .name = inner(b, weights));
		snprintf(part, sizeof part, "%s_picture", weights);
		if (b->o->peephole == POSITION)
			seen = eg_reshape(b->g, seen, .shape = EG_INTS(0, (int)d.d[1], (int)d.d[2], (int)d.d[3]), .name = inner(b, part));
		snprintf(part, sizeof part, "%s_seen", weights);
		sum = eg_add(b->g, sum, seen, .name = inner(b, part));
	}
	return eg_sigmoid(b->g, sum, .name = inner(b, name));
}

static eg_tensor stay(builder *b, eg_tensor new, eg_tensor old, const char *part) {
	return b->o->zoneout > 0 ? eg_zoneout(b->g, new, old, .rate = b->o->zoneout, .name = inner(b, part)) : new;
}

/* One step: the states h and c, and what they become, of what x brings to the gates. */
static void step(builder *b, eg_tensor brought, const eg_tensor old[2], eg_tensor new[2]) {
	eg_graph *g = b->g;
	const convlstm_options *o = b->o;
	eg_tensor all = eg_conv2d(g, old[0], .filters = 4 * o->filters, .kernel = {o->kernel[0], o->kernel[1]}, .auto_pad = EG_CONV2D_AUTO_PAD_SAME_UPPER,
		.no_bias = true, .name = inner(b, "state"));
	all = eg_add(g, all, brought, .name = inner(b, "gates"));
	all = eg_split_parts(g, all, .axis = 1, .num = 4, .name = inner(b, "parts"));
	const eg_tensor i = gate(b, eg_result(g, all, 0), old[1], "i"), f = gate(b, eg_result(g, all, 1), old[1], "f");
	const eg_tensor content = eg_tanh(g, eg_result(g, all, 2), .name = inner(b, "content"));
	const eg_tensor kept = times(b, f, old[1], "kept"), written = times(b, i, content, "written");
	const eg_tensor c = eg_add(g, kept, written, .name = inner(b, "cell"));
	const eg_tensor shown = gate(b, eg_result(g, all, 3), c, "o"), squashed = eg_tanh(g, c, .name = inner(b, "squashed"));
	const eg_tensor out = times(b, shown, squashed, "out");
	new[0] = stay(b, out, old[0], "h_stays");
	new[1] = stay(b, c, old[1], "c_stays");
}

static eg_status check_pictures(const eg_graph *g, const convlstm_options *o, eg_tensor x, eg_error *err) {
	const eg_dims d = eg_tensor_dims(g, x);
	char text[128];
	eg_dims_text(&d, text, sizeof text);
	if (eg_tensor_dtype(g, x) != EG_F32) return eg_fail(err, EG_ERR_ARG, "x holds integers, floating-point numbers are needed");
	if (d.rank != 5 || eg_dim_is_batch(d.d[0]) || d.d[1] != EG_N)
		return eg_fail(err, EG_ERR_SHAPE, "x %s is no sequence of pictures (T,N,C,H,W)", text);
	if (o->peephole == POSITION && (d.d[3] < 0 || d.d[4] < 0))
		return eg_fail(err, EG_ERR_SHAPE, "the height or width of x %s is open, but a peephole at each position is a weight for each; take peephole: channel", text);
	return EG_OK;
}

static eg_tensor convlstm_compose(eg_graph *g, const void *options, const eg_tensor *in, int nin, eg_error *err) {
	builder b = {.g = g, .o = options};
	const convlstm_options *o = options;
	if (check_pictures(g, o, in[X], err)) return (eg_tensor){0};
	eg_tensor x = in[X], new[2], lengths = nin > LENGTHS ? in[LENGTHS] : (eg_tensor){0};
	/* the convolution in front sees all frames, whatever lies behind the lengths */
	if (lengths.id) x = eg_sequence_mask(g, x, lengths, .name = inner(&b, "known"));
	x = eg_fold_time(g, x, .name = inner(&b, "frames"));
	x = eg_conv2d(g, x, .filters = 4 * o->filters, .kernel = {o->kernel[0], o->kernel[1]}, .auto_pad = EG_CONV2D_AUTO_PAD_SAME_UPPER,
		.no_bias = o->no_bias, .name = o->name);
	x = eg_unfold_time(g, x, .name = inner(&b, "steps"));
	const eg_dims d = eg_tensor_dims(g, x), size = EG_DIMS(EG_N, o->filters, d.d[3], d.d[4]);
	eg_loop_begin(g, inner(&b, "loop"), o->reverse, lengths);
	eg_tensor brought = eg_loop_input(g, x), old[2];
	old[0] = eg_loop_state(g, inner(&b, "h"), size, (eg_tensor){0}, false);
	old[1] = eg_loop_state(g, inner(&b, "c"), size, (eg_tensor){0}, false);
	step(&b, brought, old, new);
	for (int i = 0; i < 2; i++) eg_loop_next(g, old[i], new[i]);
	eg_loop_end(g);
	return o->last ? eg_loop_last(g, old[0]) : eg_loop_output(g, new[0]);
}

#define CONVLSTM(...) &(const convlstm_options){__VA_ARGS__}
static const int32_t three[] = {3, 0, 4};
static const eg_case convlstm_cases[] = {
	{"steps", CONVLSTM(.filters = 3), .in = {OP_DIMS(EG_T, EG_N, 2, 4, 3)}, .nin = 1, .batch = 3, .time = 3},
	{"peepholes by channel, lengths, the last state, backwards", CONVLSTM(.filters = 2, .kernel = {1, 3}, .peephole = CHANNEL, .last = true, .reverse = true, .no_bias = true),
		.in = {OP_DIMS(EG_T, EG_N, 1, 3, 4), OP_DIMS(EG_N)}, .type = {EG_F32, EG_I32}, .nin = 2, .batch = 3, .time = 4, .values = OP_VALUES(NULL, three)},
	{"peepholes by position, zoneout", CONVLSTM(.filters = 2, .peephole = POSITION, .zoneout = 0.3f), .in = {OP_DIMS(EG_T, EG_N, 1, 3, 4)}, .nin = 1, .batch = 3, .time = 3,
		.random = true},
};

const eg_op eg_op_convlstm = {
	.info = {
		.name = "convlstm",
		.layer = "convlstm",
		.doc = OP_TEXT("Convolutional LSTM over sequences of pictures; a loop of other operators"),
		.equation = OP_TEXT("i, f, g, o = the quarters of weight * x[t] + bias + state.weight * h, * being a convolution that keeps height and width;\n"
			"i = sigmoid(i + pi c), f = sigmoid(f + pf c), c = f c + i tanh(g), o = sigmoid(o + po c), h = o tanh(c), p absent without peepholes;\n"
			"x (T,N,C,H,W), y (T,N,filters,H,W): h of each step; zero and kept behind lengths (N), as in a cell"),
		.source = OP_TEXT("Shi et al. 2015"),
		.attrs = convlstm_attrs,
		.nattrs = EG_COUNT(convlstm_attrs),
		.options_size = sizeof(convlstm_options),
		.shorthand = "filters",
		.min_inputs = 1,
		.max_inputs = 2,
		.inputs = (const char *const[]){"x", "lengths"},
		.types = "fi",
		.outputs = (const char *const[]){"y", NULL},
	},
	.compose = convlstm_compose,
	.lengths = "1-",
	.no_onnx = "it is exported as what it is made of",
	OP_CASES(convlstm_cases),
};
