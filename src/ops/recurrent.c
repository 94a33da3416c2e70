/* recurrent.c - the operators rnn, lstm and gru: attributes, shapes, weights, cases for the tester.
 *
 * Sequences are (T,N,C), the time first, as in ONNX. H hidden units; state h has P numbers (H, or the size of the
 * projection). sigma is gate_activation, f is activation, * is taken element by element.
 *
 *   rnn    h = f(W x + R h' + b)                                                  ONNX RNN-14; Elman 1990
 *   lstm   gates i, o, f, c, in this order (ONNX LSTM-14; Hochreiter and Schmidhuber 1997, with the forget gate of
 *   Gers et al. 2000)
 *            i = sigma(W_i x + R_i h' + b_i + p_i * c')      o = sigma(W_o x + R_o h' + b_o + p_o * c)
 *            f = sigma(W_f x + R_f h' + b_f + p_f * c')      c = f * c' + i * f(W_c x + R_c h' + b_c)
 *            h = o * f_out(c)
 *          peephole (p; Gers et al. 2002). coupled: f = 1 - i, the rows of the forget gate are not used (Greff et
 *          al. 2017). projection: h = W_p (o * f_out(c)) (Sak et al. 2014). cell_clip: c into [-clip, clip] (Sak
 *          et al. 2014); no gradient where it acts.
 *   gru    gates z, r, n, in this order (ONNX GRU-14, where n is called h; Cho et al. 2014)
 *            z = sigma(W_z x + R_z h' + b_z)                 r = sigma(W_r x + R_r h' + b_r)
 *          reset after (as cuDNN and PyTorch; ONNX linear_before_reset = 1)   n = f(W_n x + b_n + r * (R_n h' + q))
 *          reset before (Cho et al. 2014; ONNX linear_before_reset = 0)       n = f(W_n x + b_n + R_n (r * h'))
 *          update keep (ONNX, cuDNN, PyTorch)                                 h = (1 - z) * n + z * h'
 *          update write (Chung et al. 2014)                                   h = (1 - z) * h' + z * n
 *
 * PyTorch's two biases are one here, their sum (both have its gradient), but for n of gru with reset after, where
 * b_hn is q ("recurrent_bias").
 *
 * layer_norm (Ba et al. 2016): W x and R h' are normalised, each with a gain and a shift of its own, before they
 * are added to the bias; of lstm also c on its way to h. rnn, lstm: over all gates together (eq. 20-22); gru: z
 * and r together, n apart (eq. 29-31). eps is 1e-5.
 * decay (GRU-D, Che et al. 2018, eq. 5 and 8): before each step the state, h of rnn and gru, c of lstm, is
 * multiplied by exp(-max(0, wd dt + bd)), dt (T,N) being the time since the step before.
 * dropout acts on what goes from layer to layer (Zaremba et al. 2014), recurrent_dropout on h' before it is
 * multiplied by R, with one mask for the whole sequence (Gal and Ghahramani 2016). Both in training only.
 *
 * zoneout (Krueger et al. 2017): numbers of h, and of c of lstm, stay at random as they were before the step; h is made
 * of c before. In training; else (1 - rate) of what is new and rate of what was.
 *
 * lengths (N): sample n has the steps 0 to lengths[n]-1 (limited to 0..T), for both directions: the reverse one
 * begins at lengths[n]-1. Beyond them y is 0 and the state stays. What x and dt hold there has no influence.
 *
 * Initial weights: W uniform of Glorot and Bengio for each gate, so that the gates see the same spread whatever
 * the numbers of inputs and hidden units are; R orthogonal for each gate (Saxe et al. 2014), so that the state
 * neither grows nor fades through it; biases zero, the forget gate's 1 (Jozefowicz et al. 2015); peepholes 0; wd
 * 0.1 and bd 0, where a gradient flows.
 *
 * Not here: the calls (recurrent_emit_fwd.c, recurrent_emit_bwd.c), the arithmetic (src/kern). */
#include "ops/recurrent.h"

/* ---- attributes -------------------------------------------------------------------------------------------------- */

static const char *const merge_names[] = {"concat", "sum", NULL};
static const char *const act_names[] = {"tanh", "relu", "sigmoid", "none", NULL};
static const char *const gate_names[] = {"sigmoid", "tanh", "relu", "none", NULL};
static const char *const reset_names[] = {"after", "before", NULL};
static const char *const update_names[] = {"keep", "write", NULL};
static const eg_act_kind acts[] = {EG_ACT_TANH, EG_ACT_RELU, EG_ACT_SIGMOID, EG_ACT_NONE};
static const eg_act_kind gate_acts[] = {EG_ACT_SIGMOID, EG_ACT_TANH, EG_ACT_RELU, EG_ACT_NONE};
static_assert(EG_COUNT(acts) + 1 == EG_COUNT(act_names) && EG_COUNT(gate_acts) + 1 == EG_COUNT(gate_names), "one for each name");

/* What all three begin with. */
#define COMMON_OPTIONS \
	const char *name; \
	int hidden, layers; \
	bool bidirectional, reverse; \
	int merge; \
	float dropout, recurrent_dropout, zoneout; \
	bool no_bias, layer_norm, decay; \
	int activation

typedef struct rnn_options {
	COMMON_OPTIONS;
	const char *weights;
} rnn_options;
typedef struct lstm_options {
	COMMON_OPTIONS;
	int gate_activation, output_activation;
	bool peephole, coupled;
	int projection;
	float cell_clip, forget_bias, cell_zoneout;
	const char *weights;
} lstm_options;
typedef struct gru_options {
	COMMON_OPTIONS;
	int gate_activation, reset, update;
	const char *weights;
} gru_options;

#define COMMON_ATTRS(T) \
	OP_INT(T, hidden, NAN, 1, OP_SIZE_MAX, NULL, "hidden units"), \
	OP_INT(T, layers, 1, 1, RECURRENT_LAYERS, NULL, "layers on top of each other"), \
	OP_BOOL(T, bidirectional, NULL, "a second set of weights reads the sequence backwards"), \
	OP_BOOL(T, reverse, NULL, "reads the sequence backwards"), \
	OP_ENUM(T, merge, merge_names, NULL, "how the outputs of both directions become one") , \
	OP_FLOAT(T, dropout, 0, 0, 0.999999, NULL, "rate of dropout between the layers"), \
	OP_FLOAT(T, recurrent_dropout, 0, 0, 0.999999, NULL, "rate of dropout of the state, one mask for a whole sequence"), \
	OP_FLOAT(T, zoneout, 0, 0, 0.999999, NULL, \
		"rate at which numbers of the state stay as they were at a step, in training; else their expectation"), \
	OP_NOT(T, bias, NULL, "adds a learned constant to each gate"), \
	OP_BOOL(T, layer_norm, NULL, "normalises what comes from the input and from the state"), \
	OP_BOOL(T, decay, NULL, "the state fades with the time between the steps, input dt"), \
	OP_ENUM(T, activation, act_names, NULL, "of the new content")
#define GATE_ATTR(T) OP_ENUM(T, gate_activation, gate_names, NULL, "of the gates")

static const eg_attr rnn_attrs[] = {COMMON_ATTRS(rnn_options), OP_WEIGHTS(rnn_options)};
enum { AS_STATE = -1 }; /* as cell_zoneout: not said */
static const eg_attr lstm_attrs[] = {
	COMMON_ATTRS(lstm_options),
	GATE_ATTR(lstm_options),
	OP_ENUM(lstm_options, output_activation, act_names, NULL, "of the cell on its way out"),
	OP_BOOL(lstm_options, peephole, NULL, "the gates look at the cell"),
	OP_BOOL(lstm_options, coupled, NULL, "the forget gate is one minus the input gate"),
	OP_INT(lstm_options, projection, 0, 0, OP_SIZE_MAX, NULL,
		"numbers that the output is projected to; 0: no projection"),
	OP_FLOAT(lstm_options, cell_clip, 0, 0, 1e30, NULL, "limit of the cell's magnitude; 0: none"),
	OP_FLOAT(lstm_options, forget_bias, 1, -100, 100, NULL, "initial bias of the forget gate"),
	OP_FLOAT(lstm_options, cell_zoneout, AS_STATE, 0, 0.999999, NULL, "zoneout of the cell; left out: as of the state"),
	OP_WEIGHTS(lstm_options),
};
static const eg_attr gru_attrs[] = {
	COMMON_ATTRS(gru_options),
	GATE_ATTR(gru_options),
	OP_ENUM(gru_options, reset, reset_names, NULL,
		"the reset gate acts after or before the matrix product"),
	OP_ENUM(gru_options, update, update_names, NULL,
		"what the update gate stands for: to keep the state, or to write it"),
	OP_WEIGHTS(gru_options),
};

/* What the options say, whichever of the three they are: the first members are the same. */
static recurrent common(eg_cell cell, const void *options) {
	const rnn_options *o = options;
	return (recurrent){.cell = cell,
	        .H = o->hidden,
	        .P = o->hidden,
	        .layers = o->layers,
	        .dirs = o->bidirectional ? 2 : 1,
	        .G = 1,
	        .S = 1,
	        .reverse = o->reverse,
	        .sum = o->bidirectional && o->merge == 1,
	        .bias = !o->no_bias,
	        .norm = o->layer_norm,
	        .decay = o->decay,
	        .dropout = o->dropout,
	        .recurrent_dropout = o->recurrent_dropout,
	        .zone_h = o->zoneout,
	        .act = eg_act_of(acts[o->activation]),
	        .gate_act = eg_act_of(EG_ACT_SIGMOID),
	        .out_act = eg_act_of(EG_ACT_TANH)};
}
static recurrent lstm_of(const void *options) {
	const lstm_options *o = options;
	recurrent r = common(EG_CELL_LSTM, options);
	r.G = r.S = 4;
	r.gate_act = eg_act_of(gate_acts[o->gate_activation]);
	r.out_act = eg_act_of(acts[o->output_activation]);
	r.peephole = o->peephole;
	r.coupled = o->coupled;
	if (o->projection) r.P = o->projection;
	r.clip = (real)o->cell_clip;
	r.forget_bias = o->forget_bias;
	r.zone_c = o->cell_zoneout >= 0 ? o->cell_zoneout : o->zoneout;
	return r;
}
static recurrent gru_of(const void *options) {
	const gru_options *o = options;
	recurrent r = common(EG_CELL_GRU, options);
	r.G = 3;
	r.S = o->reset == 1 ? 3 : 4;
	r.gate_act = eg_act_of(gate_acts[o->gate_activation]);
	r.reset_before = o->reset == 1;
	r.mirror = o->update == 1;
	return r;
}

/* ---- inputs, outputs, weights ------------------------------------------------------------------------------------ */

recurrent_ports recurrent_ports_of(const recurrent *r) {
	if (r->cell == EG_CELL_LSTM)
		return (recurrent_ports){
		        .lengths = 1, .h0 = 2, .c0 = 3, .dt = 4, .hn = 1, .cn = 2, .states = 3, .cells = 4, .gates = 5};
	return (recurrent_ports){.lengths = 1,
	        .h0 = 2,
	        .c0 = -1,
	        .dt = 3,
	        .hn = 1,
	        .cn = -1,
	        .states = 2,
	        .cells = -1,
	        .gates = r->cell == EG_CELL_GRU ? 3 : -1};
}

bool recurrent_has(const recurrent *r, recurrent_weight kind) {
	switch (kind) {
	case WEIGHT:
	case RECURRENT_WEIGHT: return true;
	case BIAS: return r->bias;
	case RECURRENT_BIAS: return r->bias && r->S == 4 && r->cell == EG_CELL_GRU;
	case PEEPHOLE: return r->peephole;
	case PROJECTION: return r->cell == EG_CELL_LSTM && r->P != r->H;
	case DECAY: return r->decay;
	case NORM_GAIN:
	case NORM_BIAS: return r->norm;
	case RECURRENT_WEIGHTS: break;
	}
	return false;
}

int recurrent_param(const recurrent *r, int layer, recurrent_weight kind) {
	int each = 0, before = 0;
	for (int i = 0; i < RECURRENT_WEIGHTS; i++) {
		each += recurrent_has(r, (recurrent_weight)i);
		before += i < (int)kind && recurrent_has(r, (recurrent_weight)i);
	}
	return layer * each + before;
}

void recurrent_size(const recurrent *r, int layer, int64_t I, recurrent_weight kind, int64_t *rows, int64_t *columns) {
	const int64_t H = r->H, all = r->G * H;
	*columns = 1;
	*rows = all;
	switch (kind) {
	case WEIGHT: *columns = recurrent_inputs(r, layer, I); break;
	case RECURRENT_WEIGHT: *columns = r->P; break;
	case BIAS: break;
	case RECURRENT_BIAS: *rows = H; break;
	case PEEPHOLE: *rows = 3 * H; break;
	case PROJECTION:
		*rows = r->P;
		*columns = H;
		break;
	case DECAY: *rows = 2 * H; break;
	case NORM_GAIN:
	case NORM_BIAS: *rows = 2 * all + (r->cell == EG_CELL_LSTM ? H : 0); break;
	case RECURRENT_WEIGHTS: break;
	}
}

#define LAYER_NAMES(l) \
	{ \
		"l" #l ".weight", "l" #l ".recurrent_weight", "l" #l ".bias", "l" #l ".recurrent_bias", \
		        "l" #l ".peephole", "l" #l ".projection", "l" #l ".decay", "l" #l ".norm_gain", \
		        "l" #l ".norm_bias" \
	}
static const char *const weight_names[RECURRENT_LAYERS][RECURRENT_WEIGHTS] = {LAYER_NAMES(0), LAYER_NAMES(1),
	LAYER_NAMES(2), LAYER_NAMES(3), LAYER_NAMES(4), LAYER_NAMES(5), LAYER_NAMES(6), LAYER_NAMES(7)};

static eg_param_spec weight_spec(const recurrent *r, int l, int64_t I, recurrent_weight kind) {
	int64_t rows, columns, D = r->dirs, H = r->H;
	recurrent_size(r, l, I, kind, &rows, &columns);
	bool matrix = kind == WEIGHT || kind == RECURRENT_WEIGHT || kind == PROJECTION;
	eg_param_spec p = {.name = weight_names[l][kind],
	        .dims = {matrix ? 3 : 2, {D, rows, columns}},
	        .init = EG_INIT_ZERO,
	        .value = 1,
	        .fan_in = columns,
	        .fan_out = kind == PROJECTION ? r->P : H,
	        .blocks = D};
	if (!matrix) p.dims.d[2] = 0;
	if (kind == WEIGHT || kind == PROJECTION) p.init = EG_INIT_XAVIER_UNIFORM;
	if (kind == RECURRENT_WEIGHT) {
		p.init = EG_INIT_ORTHOGONAL;
		p.blocks = D * r->G;
	}
	if (kind == NORM_GAIN) p.init = EG_INIT_CONSTANT;
	if (kind == BIAS && r->cell == EG_CELL_LSTM && !r->coupled) {
		p.init = EG_INIT_CONSTANT;
		p.value = (double)r->forget_bias;
		p.first = 2 * H;
		p.count = H;
	}
	if (kind == DECAY) {
		p.init = EG_INIT_CONSTANT;
		p.value = 0.1;
		p.count = H;
	}
	return p;
}

/* ---- shapes ------------------------------------------------------------------------------------------------------ */

static bool is(const eg_dims *d, int rank, int64_t a, int64_t b, int64_t c) {
	const eg_dims want = {rank, {a, b, c}};
	return eg_dims_fit(d, &want);
}
static bool has_input(const eg_infer *s, int i) { return i >= 0 && i < s->nin && s->in[i].rank >= 0; }

static eg_status check_input(const eg_infer *s, int i, const char *name, eg_dims want) {
	char have_text[128], want_text[128];
	const eg_dims *d = &s->in[i];
	if (!has_input(s, i)) return EG_OK;
	if (op_check_real(s, i, name)) return s->err->status;
	bool one = want.rank == 3 && want.d[0] == 1 && is(d, 2, want.d[1], want.d[2], 0);
	if (one || is(d, want.rank, want.d[0], want.d[1], want.d[2])) return EG_OK;
	return eg_fail(s->err, EG_ERR_SHAPE, "%s is %s, with this x and these options it must be %s", name,
	        eg_dims_text(d, have_text, sizeof have_text), eg_dims_text(&want, want_text, sizeof want_text));
}

static eg_status check_inputs(const eg_infer *s, const recurrent *r) {
	const recurrent_ports port = recurrent_ports_of(r);
	const eg_dims *x = &s->in[0];
	const int64_t N = x->rank == 3 ? x->d[1] : 0, each = (int64_t)r->layers * r->dirs;
	char text[128], want[128];
	if (op_check_real(s, 0, "x")) return s->err->status;
	if (x->rank != 3)
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s has %d dimensions, sequences have 3: (T,N,features)",
		        eg_dims_text(x, text, sizeof text), x->rank);
	if (eg_dim_is_batch(x->d[0]) || eg_dim_is_open(N))
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s does not have the time first: sequences are (T,N,features)",
		        eg_dims_text(x, text, sizeof text));
	if (op_check_known(s, 0, 2, 3, "x")) return s->err->status;
	if (has_input(s, port.lengths)) {
		const eg_dims *d = &s->in[port.lengths];
		if (s->in_type[port.lengths] != EG_I32)
			return eg_fail(s->err, EG_ERR_ARG,
			        "lengths holds floating-point numbers (EG_F32), integers (EG_I32) are needed");
		if (!is(d, 1, N, 0, 0))
			return eg_fail(s->err, EG_ERR_SHAPE, "lengths is %s, with x %s it must be %s",
			        eg_dims_text(d, text, sizeof text), eg_dims_text(x, want, sizeof want),
			        N == EG_N ? "(N)" : "one number a sample");
	}
	if (check_input(s, port.h0, "h0", (eg_dims){3, {each, N, r->P}})) return s->err->status;
	if (port.c0 >= 0 && check_input(s, port.c0, "c0", (eg_dims){3, {each, N, r->H}})) return s->err->status;
	if (r->decay && !has_input(s, port.dt))
		return eg_fail(s->err, EG_ERR_ARG, "decay needs the input dt (T,N), the time since the step before");
	if (!r->decay && has_input(s, port.dt))
		return eg_fail(s->err, EG_ERR_ARG, "the input dt is of no use without the attribute decay");
	return check_input(s, port.dt, "dt", (eg_dims){2, {x->d[0], N}});
}

static eg_status recurrent_infer(eg_infer *s, const recurrent *r) {
	const recurrent_ports port = recurrent_ports_of(r);
	if (check_inputs(s, r)) return s->err->status;
	if (r->reverse && r->dirs == 2)
		return eg_fail(s->err, EG_ERR_ARG, "bidirectional reads both ways already; take `reverse` out");
	if ((double)r->G * r->H > 0x1p30 || (double)r->P * r->dirs > 0x1p30)
		return eg_fail(s->err, EG_ERR_SHAPE, "%d hidden units are more than this operator can count", r->H);
	const int64_t T = s->in[0].d[0], N = s->in[0].d[1], I = s->in[0].d[2], each = (int64_t)r->layers * r->dirs;
	s->out[0] = (eg_dims){3, {T, N, recurrent_inputs(r, 1, I)}};
	s->out[port.hn] = (eg_dims){3, {each, N, r->P}};
	s->out[port.states] = (eg_dims){4, {each, T, N, r->P}};
	s->nout = port.states + 1;
	if (port.cn >= 0) {
		s->out[port.cn] = (eg_dims){3, {each, N, r->H}};
		s->out[port.cells] = (eg_dims){4, {each, T, N, r->H}};
	}
	if (port.gates >= 0) {
		s->out[port.gates] = (eg_dims){5, {each, T, N, r->G, r->H}};
		s->nout = port.gates + 1;
	}
	for (int i = port.states; i < s->nout; i++) s->out_constant[i] = true;
	for (int l = 0; l < r->layers; l++)
		for (int i = 0; i < RECURRENT_WEIGHTS; i++)
			if (recurrent_has(r, (recurrent_weight)i)) {
				eg_param_spec p = weight_spec(r, l, I, (recurrent_weight)i);
				if (p.dims.rank == 3) s->info->macs += p.dims.d[0] * p.dims.d[1] * p.dims.d[2];
				s->params[s->nparams++] = p;
			}
	s->info->mixes_time = r->reverse || r->dirs == 2;
	s->info->keeps_state = !s->info->mixes_time && !has_input(s, port.h0) && !has_input(s, port.c0);
	return EG_OK;
}

#define RECURRENT_OP(cell, config) \
	static eg_status cell##_infer(eg_infer *s) { \
		recurrent r = config(s->options); \
		return recurrent_infer(s, &r); \
	} \
	static void cell##_fwd(eg_emit *e) { \
		recurrent r = config(eg_emit_options(e)); \
		recurrent_emit_fwd(e, &r); \
	} \
	static void cell##_export(eg_export *x) { \
		recurrent r = config(eg_export_options(x)); \
		recurrent_export(x, &r); \
	} \
	static bool cell##_import(eg_import *m) { return recurrent_import(m, #cell); } \
	static void cell##_bwd(eg_emit *e) { \
		recurrent r = config(eg_emit_options(e)); \
		recurrent_emit_bwd(e, &r); \
	}
static recurrent rnn_of(const void *options) { return common(EG_CELL_RNN, options); }
RECURRENT_OP(rnn, rnn_of)
RECURRENT_OP(lstm, lstm_of)
RECURRENT_OP(gru, gru_of)

#include "ops/recurrent_cases.h"

/* ---- ranges ------------------------------------------------------------------------------------------------------ */

/* acts and gates by their first names, which a zero stands for, stay between -1 and 1; sums of both directions do
 * not. */
static eg_range squeezed(bool so) { return so ? (eg_range){EG_RANGE_LIMITED, -1, 1} : (eg_range){0}; }

static eg_range rnn_range(const void *options) {
	const rnn_options *o = options;
	return squeezed(!o || (!o->activation && !o->merge));
}
static eg_range lstm_range(const void *options) {
	const lstm_options *o = options;
	return squeezed(!o || (!o->gate_activation && !o->output_activation && !o->merge && o->projection <= 0));
}
static eg_range gru_range(const void *options) {
	const gru_options *o = options;
	return squeezed(!o || (!o->gate_activation && !o->activation && !o->merge));
}

/* ---- the operators ----------------------------------------------------------------------------------------------- */

#define WEIGHTS "l0.weight (dirs,G H,I), l0.recurrent_weight (dirs,G H,P), l0.bias (dirs,G H), the same of l1, ...\n"
#define OUTPUTS "y (T,N,P or 2P); hn (layers dirs,N,P): the last states"

const eg_op eg_op_rnn = {
	.info =
		{
			.name = "rnn",
			.layer = "rnn",
			.doc = OP_TEXT("Recurrent layers without gates (Elman)"),
			.equation = OP_TEXT("h = f(W x + R h' + b); x (T,N,I), f is `activation`;\n" WEIGHTS OUTPUTS
				    ";\nstates (layers dirs,T,N,P): all "
				    "of them, without gradient"),
			.source = OP_TEXT("ONNX RNN-14; Elman 1990; variants: src/ops/recurrent.c"),
			.attrs = rnn_attrs,
			.nattrs = EG_COUNT(rnn_attrs),
			.options_size = sizeof(rnn_options),
			.shorthand = "hidden",
			.min_inputs = 1,
			.max_inputs = 4,
			.inputs = (const char *const[]){"x", "lengths", "h0", "dt"},
			.types = "fiff",
			.params = (const char *const[]){"l0.weight", "l0.recurrent_weight", "l0.bias", "l0.decay",
				"l0.norm_gain", "l0.norm_bias", NULL},
			.outputs = (const char *const[]){"y", "hn", "states", NULL},
		},
	.infer = rnn_infer,
	.steps = 1,
	.range = rnn_range,
	.lengths = "1--1",
	.fwd = rnn_fwd,
	.bwd = OP_BWD(rnn_bwd),
	.bwd_reads_x = true,
	.onnx = "RNN",
	.onnx_since = 14,
	.export = OP_ONNX(rnn_export),
	.import = OP_ONNX(rnn_import),
	OP_CASES(rnn_cases),
};

const eg_op eg_op_lstm = {
	.info =
		{
			.name = "lstm",
			.layer = "lstm",
			.doc = OP_TEXT("Long short-term memory layers"),
			.equation = OP_TEXT("i, o, f = sigma(W x + R h' + b); c = f c' + i tanh(W_c x + R_c h' + b_c); h = o "
				    "tanh(c);\n"
				    "x (T,N,I); gates in the order i, o, f, c; " WEIGHTS OUTPUTS
				    ";\ncn (layers dirs,N,H): the last cells; states "
				    "(layers dirs,T,N,P), cells (layers dirs,T,N,H), gates (layers dirs,T,N,4,H): all "
				    "of them, without gradient"),
			.source = OP_TEXT("ONNX LSTM-14; Hochreiter and Schmidhuber 1997; Gers et al. 2000; variants: "
				  "src/ops/recurrent.c"),
			.attrs = lstm_attrs,
			.nattrs = EG_COUNT(lstm_attrs),
			.options_size = sizeof(lstm_options),
			.shorthand = "hidden",
			.min_inputs = 1,
			.max_inputs = 5,
			.inputs = (const char *const[]){"x", "lengths", "h0", "c0", "dt"},
			.types = "fifff",
			.params = (const char *const[]){"l0.weight", "l0.recurrent_weight", "l0.bias", "l0.peephole",
				"l0.projection", "l0.decay", "l0.norm_gain", "l0.norm_bias", NULL},
			.outputs = (const char *const[]){"y", "hn", "cn", "states", "cells", "gates", NULL},
		},
	.infer = lstm_infer,
	.steps = 1,
	.range = lstm_range,
	.lengths = "1---1",
	.fwd = lstm_fwd,
	.bwd = OP_BWD(lstm_bwd),
	.bwd_reads_x = true,
	.onnx = "LSTM",
	.onnx_since = 14,
	.export = OP_ONNX(lstm_export),
	.import = OP_ONNX(lstm_import),
	OP_CASES(lstm_cases),
};

const eg_op eg_op_gru = {
	.info =
		{
			.name = "gru",
			.layer = "gru",
			.doc = OP_TEXT("Gated recurrent layers"),
			.equation = OP_TEXT("z, r = sigma(W x + R h' + b); n = tanh(W_n x + b_n + r (R_n h' + q)); h = (1 - z) "
				    "n + z h';\n"
				    "x (T,N,I); gates in the order z, r, n; q is l0.recurrent_bias (dirs,H); " WEIGHTS
					    OUTPUTS ";\nstates (layers dirs,T,N,P), gates (layers dirs,T,N,3,H): all "
						    "of them, without gradient"),
			.source = OP_TEXT("ONNX GRU-14; Cho et al. 2014; variants: src/ops/recurrent.c"),
			.attrs = gru_attrs,
			.nattrs = EG_COUNT(gru_attrs),
			.options_size = sizeof(gru_options),
			.shorthand = "hidden",
			.min_inputs = 1,
			.max_inputs = 4,
			.inputs = (const char *const[]){"x", "lengths", "h0", "dt"},
			.types = "fiff",
			.params = (const char *const[]){"l0.weight", "l0.recurrent_weight", "l0.bias",
				"l0.recurrent_bias", "l0.decay", "l0.norm_gain", "l0.norm_bias", NULL},
			.outputs = (const char *const[]){"y", "hn", "states", "gates", NULL},
		},
	.infer = gru_infer,
	.steps = 1,
	.range = gru_range,
	.lengths = "1--1",
	.fwd = gru_fwd,
	.bwd = OP_BWD(gru_bwd),
	.bwd_reads_x = true,
	.onnx = "GRU",
	.onnx_since = 14,
	.export = OP_ONNX(gru_export),
	.import = OP_ONNX(gru_import),
	OP_CASES(gru_cases),
};
