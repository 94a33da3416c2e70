/* recurrent_onnx.c - rnn, lstm and gru as nodes of ONNX and back.
 *
 * There a layer is a node. Its Y is (T,dirs,N,H), its weights are (dirs,G H,I) with the gates in our order; each gate
 * has two biases, which are added but for n of a gru that resets after the product: ours are one, and q. What the
 * reverse direction does with lengths is the same. */
#include "ops/recurrent.h"

static const char *type_of(eg_cell cell) { return cell == EG_CELL_LSTM ? "LSTM" : cell == EG_CELL_GRU ? "GRU" : "RNN"; }

/* ---- out --------------------------------------------------------------------------------------------------------- */

static const char *act_name(eg_act act) {
	if (act.kind == EG_ACT_SIGMOID) return "Sigmoid";
	if (act.kind == EG_ACT_TANH) return "Tanh";
	return "Relu";
}

/* Why ONNX has no such layer; NULL: it has. */
static const char *beyond(eg_export *x, const recurrent *r) {
	const recurrent_ports port = recurrent_ports_of(r);
	if (r->norm) return "layer_norm";
	if (r->decay) return "decay";
	if (r->zone_h > 0 || r->zone_c > 0) return "zoneout, whose expectation is computed";
	if (r->P != r->H) return "a projection";
	if (r->clip != 0) return "cell_clip: it clips what goes into activations";
	if (r->mirror && r->gate_act.kind != EG_ACT_SIGMOID) return "update: write, unless its gates are sigmoids";
	if (r->act.kind == EG_ACT_NONE || r->gate_act.kind == EG_ACT_NONE || r->out_act.kind == EG_ACT_NONE) return "a gate or content without an activation";
	if (*eg_export_out(x, port.states) || (port.cells >= 0 && *eg_export_out(x, port.cells)) || (port.gates >= 0 && *eg_export_out(x, port.gates)))
		return "states, cells or gates of all steps as outputs";
	return NULL;
}

/* Weight `kind` of a layer; of a gru whose update gate writes that gate's rows with the other sign, because 1 -
 * sigma(a) = sigma(-a). */
static const char *weight(eg_export *x, const recurrent *r, int layer, recurrent_weight kind) {
	const int at = recurrent_param(r, layer, kind);
	eg_dims d;
	const real *v = eg_export_weights(x, at, &d);
	if (!r->mirror || !v) return eg_export_param(x, at);
	const int64_t n = eg_dims_count(&d, 0), each = n / d.d[0], gate = (int64_t)r->H * (d.rank == 3 ? d.d[2] : 1);
	real *w = eg_export_room(x, n);
	for (int64_t i = 0; i < n && w; i++) w[i] = i % each < gate ? -v[i] : v[i];
	return w ? eg_export_reals(x, w, d) : "";
}

/* (dirs, 2 G H): the input's biases, then the state's. */
static const char *biases(eg_export *x, const recurrent *r, int layer) {
	if (!r->bias) return "";
	const int64_t all = (int64_t)r->G * r->H, H = r->H;
	const real *b = eg_export_weights(x, recurrent_param(r, layer, BIAS), NULL);
	const real *q = recurrent_has(r, RECURRENT_BIAS) ? eg_export_weights(x, recurrent_param(r, layer, RECURRENT_BIAS), NULL) : NULL;
	real *w = eg_export_room(x, r->dirs * 2 * all);
	for (int dir = 0; dir < r->dirs && w && b; dir++) {
		for (int64_t i = 0; i < all; i++) w[dir * 2 * all + i] = r->mirror && i < H ? -b[dir * all + i] : b[dir * all + i];
		for (int64_t i = 0; i < H && q; i++) w[dir * 2 * all + 2 * all - H + i] = q[dir * H + i];
	}
	return w ? eg_export_reals(x, w, EG_DIMS(r->dirs, 2 * all)) : "";
}

/* The states of one layer of all that are given. */
static const char *initial(eg_export *x, const recurrent *r, int port, int layer) {
	const char *all = port >= 0 ? eg_export_in(x, port) : "";
	if (!*all) return all;
	if (eg_export_in_dims(x, port).rank == 2) { /* (N,H) of the only layer and direction */
		const char *three = eg_export_between(x);
		eg_export_node(x, "Unsqueeze", EG_NAMES(all, eg_export_ints(x, (const int64_t[]){0}, 1)), EG_NAMES(three));
		return three;
	}
	if (r->layers == 1) return all;
	const int64_t first = (int64_t)layer * r->dirs, end = first + r->dirs, axis = 0;
	const char *part = eg_export_between(x);
	eg_export_node(x, "Slice", EG_NAMES(all, eg_export_ints(x, &first, 1), eg_export_ints(x, &end, 1), eg_export_ints(x, &axis, 1)), EG_NAMES(part));
	return part;
}

/* Y (T,dirs,N,H) as y (T,N,H or 2H). */
static void merged(eg_export *x, const recurrent *r, const char *Y, const char *y) {
	if (r->sum) {
		eg_export_node(x, "ReduceSum", EG_NAMES(Y, eg_export_ints(x, (const int64_t[]){1}, 1)), EG_NAMES(y));
		eg_export_set_int(x, "keepdims", 0);
	} else if (r->dirs == 1) {
		eg_export_node(x, "Squeeze", EG_NAMES(Y, eg_export_ints(x, (const int64_t[]){1}, 1)), EG_NAMES(y));
	} else {
		const char *turned = eg_export_between(x);
		eg_export_node(x, "Transpose", EG_NAMES(Y), EG_NAMES(turned));
		eg_export_set_ints(x, "perm", (const int64_t[]){0, 2, 1, 3}, 4);
		eg_export_node(x, "Reshape", EG_NAMES(turned, eg_export_ints(x, (const int64_t[]){0, 0, 2 * (int64_t)r->P}, 3)), EG_NAMES(y));
	}
}

static void set_attributes(eg_export *x, const recurrent *r) {
	const char *acts[6];
	const int each = r->cell == EG_CELL_LSTM ? 3 : r->cell == EG_CELL_GRU ? 2 : 1;
	for (int dir = 0; dir < r->dirs; dir++) {
		const char **a = acts + dir * each;
		a[each == 1 ? 0 : 1] = act_name(r->act);
		if (each > 1) a[0] = act_name(r->gate_act);
		if (each > 2) a[2] = act_name(r->out_act);
	}
	eg_export_set_int(x, "hidden_size", r->H);
	eg_export_set_string(x, "direction", r->dirs == 2 ? "bidirectional" : r->reverse ? "reverse" : "forward");
	eg_export_set_strings(x, "activations", acts, each * r->dirs);
	if (r->cell == EG_CELL_GRU) eg_export_set_int(x, "linear_before_reset", !r->reset_before);
	if (r->cell == EG_CELL_LSTM && r->coupled) eg_export_set_int(x, "input_forget", 1);
}

void recurrent_export(eg_export *x, const recurrent *r) {
	const recurrent_ports port = recurrent_ports_of(r);
	const char *in = eg_export_in(x, 0), *last[2][RECURRENT_LAYERS + 1] = {{0}}, *why = beyond(x, r);
	if (why && eg_export_own(x)) return;
	if (why) eg_export_fail(x, "ONNX's %s has no %s", type_of(r->cell), why);
	for (int l = 0; l < r->layers; l++) {
		const bool top = l == r->layers - 1;
		const char *y = top ? eg_export_out(x, 0) : eg_export_between(x), *Y = *y ? eg_export_between(x) : "";
		for (int k = 0; k < 2; k++) {
			const int out = k ? port.cn : port.hn;
			const bool wanted = out >= 0 && *eg_export_out(x, out);
			last[k][l] = !wanted ? "" : r->layers == 1 ? eg_export_out(x, out) : eg_export_between(x);
		}
		const char *names[] = {in, weight(x, r, l, WEIGHT), weight(x, r, l, RECURRENT_WEIGHT), biases(x, r, l), eg_export_in(x, port.lengths),
			initial(x, r, port.h0, l), initial(x, r, port.c0, l), r->peephole ? eg_export_param(x, recurrent_param(r, l, PEEPHOLE)) : "", NULL};
		eg_export_node(x, type_of(r->cell), names, EG_NAMES(Y, last[0][l], last[1][l]));
		set_attributes(x, r);
		if (*y) merged(x, r, Y, y);
		in = y;
	}
	for (int k = 0; k < 2 && r->layers > 1; k++) {
		const int out = k ? port.cn : port.hn;
		if (out < 0 || !*eg_export_out(x, out)) continue;
		eg_export_node(x, "Concat", last[k], EG_NAMES(eg_export_out(x, out)));
		eg_export_set_int(x, "axis", 0);
	}
}

/* ---- back -------------------------------------------------------------------------------------------------------- */

/* Attributes of the options, which the three have in places of their own; by name. */
static void set(const eg_op_info *op, char *options, const char *name, int value) {
	for (int i = 0; i < op->nattrs; i++) {
		const eg_attr *a = &op->attrs[i];
		if (strcmp(a->name, name) != 0) continue;
		if (a->type == EG_ATTR_BOOL || a->type == EG_ATTR_NOT) *(bool *)(options + a->offset) = value;
		else *(int *)(options + a->offset) = value;
	}
}

/* The activation of that name among those that the attribute knows; f and g of both directions must be the same. */
static void set_act(eg_import *m, const eg_op_info *op, char *options, const char *name, const char *value) {
	for (int i = 0; i < op->nattrs; i++) {
		const eg_attr *a = &op->attrs[i];
		if (strcmp(a->name, name) != 0) continue;
		for (int k = 0; a->names[k]; k++)
			if ((a->names[k][0] | 32) == (value[0] | 32) && !strcmp(a->names[k] + 1, value + (*value ? 1 : 0))) {
				*(int *)(options + a->offset) = k;
				return;
			}
	}
	eg_import_fail(m, "activation '%.40s' is not supported for %s", value, name);
}

static void set_acts(eg_import *m, eg_cell cell, const eg_op_info *op, char *options, int dirs) {
	static const char *const words[3][3] = {[EG_CELL_RNN] = {"activation"}, [EG_CELL_LSTM] = {"gate_activation", "activation", "output_activation"},
		[EG_CELL_GRU] = {"gate_activation", "activation"}};
	const int each = cell == EG_CELL_LSTM ? 3 : cell == EG_CELL_GRU ? 2 : 1;
	const char *v[6];
	float numbers[6];
	int n = eg_import_string_list(m, "activations", v, 6);
	if (eg_import_float_list(m, "activation_alpha", numbers, 6) > 0 || eg_import_float_list(m, "activation_beta", numbers, 6) > 0)
		eg_import_fail(m, "activations with alpha and beta are not supported");
	if (n < 0) return;
	if (n != each * dirs) {
		eg_import_fail(m, "it has %d activations, %d are needed", n, each * dirs);
		return;
	}
	for (int i = 0; i < n; i++) {
		if (i >= each && strcmp(v[i], v[i - each]) != 0) eg_import_fail(m, "activations that differ between the directions are not supported");
		set_act(m, op, options, words[cell][i % each], v[i]);
	}
}

/* Bias (dirs, 2 G H) as ours: sums; of a gru that resets after the product n's second one apart. */
static void import_biases(eg_import *m, eg_tensor y, int dirs, int64_t G, int64_t H, bool apart) {
	eg_dims d;
	const real *b = eg_import_reals(m, 3, &d);
	const int64_t all = G * H;
	if (b && (d.rank != 2 || d.d[0] != dirs || d.d[1] != 2 * all)) {
		eg_import_fail(m, "B must be (%d,%lld)", dirs, (long long)(2 * all));
		return;
	}
	real *sum = eg_import_room(m, dirs * all), *q = eg_import_room(m, dirs * H);
	for (int dir = 0; dir < dirs && b && sum && q; dir++)
		for (int64_t i = 0; i < all; i++) {
			const real first = b[dir * 2 * all + i], second = b[dir * 2 * all + all + i];
			const bool own = apart && i >= all - H;
			sum[dir * all + i] = own ? first : first + second;
			if (own) q[dir * H + i - (all - H)] = second;
		}
	eg_import_param(m, y, "l0.bias", sum, dirs * all);
	if (apart) eg_import_param(m, y, "l0.recurrent_bias", q, dirs * H);
}

static eg_tensor turned(eg_import *m, eg_tensor t, int a, int b, int c, int d) {
	const int perm[] = {a, b, c, d};
	struct { const char *name; eg_ints perm; } o = {.perm = {perm, d < 0 ? 3 : 4}};
	return t.id ? eg_import_apply(m, "transpose", &o, &t, 1) : t;
}

/* y (T,N,dirs H) as Y (T,dirs,N,H), or, batch first, (N,T,dirs,H). */
static void import_y(eg_import *m, eg_tensor y, int dirs, int64_t H, bool batch_first) {
	if (!*eg_import_out_name(m, 0)) return;
	const int four[] = {0, 0, dirs, (int)H}, one = 1;
	struct { const char *name; eg_ints axes; } between = {.axes = {&one, 1}};
	if (dirs == 1 && !batch_first) {
		eg_import_out(m, 0, eg_import_apply(m, "unsqueeze", &between, &y, 1));
		return;
	}
	struct { const char *name; eg_ints shape; } o = {.shape = {four, 4}};
	y = eg_import_apply(m, "reshape", &o, &y, 1);
	eg_import_out(m, 0, batch_first ? turned(m, y, 1, 0, 2, 3) : turned(m, y, 0, 2, 1, 3));
}

bool recurrent_import(eg_import *m, const char *name) {
	_Alignas(max_align_t) char options[256] = {0};
	const eg_op_info *op = eg_op_find(name);
	const eg_cell cell = !strcmp(name, "lstm") ? EG_CELL_LSTM : !strcmp(name, "gru") ? EG_CELL_GRU : EG_CELL_RNN;
	const recurrent_ports port = recurrent_ports_of(&(recurrent){.cell = cell});
	const eg_dims R = eg_import_in_dims(m, 2);
	const char *direction = eg_import_string(m, "direction", "forward");
	const int dirs = !strcmp(direction, "bidirectional") ? 2 : 1, G = cell == EG_CELL_LSTM ? 4 : cell == EG_CELL_GRU ? 3 : 1;
	const bool batch_first = eg_import_int(m, "layout", 0), apart = cell == EG_CELL_GRU && eg_import_int(m, "linear_before_reset", 0);
	if (R.rank != 3 || R.d[0] != dirs || R.d[1] != G * R.d[2]) {
		eg_import_fail(m, "R must be (%d,%d hidden,hidden)", dirs, G);
		return true;
	}
	const int64_t H = R.d[2];
	if (eg_import_int(m, "hidden_size", H) != H) eg_import_fail(m, "hidden_size is not that of R, %lld", (long long)H);
	if (dirs == 1 && strcmp(direction, "forward") != 0 && strcmp(direction, "reverse") != 0) eg_import_fail(m, "there is no direction '%.40s'", direction);
	if (eg_import_float(m, "clip", 0) != 0) eg_import_fail(m, "clip is not supported");
	eg_import_int(m, "output_sequence", 0);
	set(op, options, "hidden", (int)H);
	set(op, options, "bidirectional", dirs == 2);
	set(op, options, "reverse", !strcmp(direction, "reverse"));
	set(op, options, "bias", !eg_import_has_in(m, 3)); /* stored the other way round */
	set(op, options, "peephole", eg_import_has_in(m, 7));
	if (cell == EG_CELL_LSTM) set(op, options, "coupled", (int)eg_import_int(m, "input_forget", 0));
	if (cell == EG_CELL_GRU) set(op, options, "reset", !apart);
	set_acts(m, cell, op, options, dirs);
	/* A state of zeros is the one that a layer without a state begins with. */
	eg_tensor in[EG_MAX_INPUTS] = {eg_import_in(m, 0)}, h0 = {0}, c0 = {0};
	if (!eg_import_no_state(m, 5, batch_first, dirs, H)) h0 = eg_import_in(m, 5);
	if (!eg_import_no_state(m, 6, batch_first, dirs, H)) c0 = eg_import_in(m, 6);
	if (batch_first) {
		in[0] = turned(m, in[0], 1, 0, 2, -1);
		h0 = turned(m, h0, 1, 0, 2, -1);
		c0 = turned(m, c0, 1, 0, 2, -1);
	}
	in[port.lengths] = eg_import_in(m, 4);
	in[port.h0] = h0;
	if (port.c0 >= 0) in[port.c0] = c0;
	eg_tensor y = eg_import_apply(m, name, options, in, port.c0 >= 0 ? port.c0 + 1 : port.h0 + 1);
	eg_dims W = {0}, P = {0};
	const real *w = eg_import_reals(m, 1, &W), *p = eg_import_has_in(m, 7) ? eg_import_reals(m, 7, &P) : NULL;
	if (w && (W.rank != 3 || W.d[0] != dirs || W.d[1] != R.d[1])) eg_import_fail(m, "W must be (%d,%lld,inputs)", dirs, (long long)R.d[1]);
	if (w) eg_import_param(m, y, "l0.weight", w, eg_dims_count(&W, 0));
	eg_import_param(m, y, "l0.recurrent_weight", eg_import_reals(m, 2, NULL), eg_dims_count(&R, 0));
	if (eg_import_has_in(m, 3)) import_biases(m, y, dirs, G, H, apart);
	if (p) eg_import_param(m, y, "l0.peephole", p, eg_dims_count(&P, 0));
	import_y(m, y, dirs, H, batch_first);
	for (int k = 1; k < eg_import_nout(m); k++) {
		eg_tensor t = eg_result(eg_import_graph(m), y, k == 1 ? port.hn : port.cn);
		if (*eg_import_out_name(m, k)) eg_import_out(m, k, batch_first ? turned(m, t, 1, 0, 2, -1) : t);
	}
	return true;
}
