/* random_nets.c - random networks: the plan that is chosen freely, on every kernel table of this machine, against
 * one that does everything in its place in plain C. Outputs, in use and in training; gradients of weights and
 * inputs; and weights and running statistics after three updates.
 *
 * random_nets [--count N] [--seed S]      networks S, S+1, ...: a failure names its number, which `--count 1 --seed
 * NUMBER` makes again
 *
 * Pictures, sequences with lengths, ids, frames (a picture a step); layers in any order that fits, with branches
 * that meet again. Two ways that round otherwise may fall on two sides of a kink (ReLU, the largest of a window):
 * so a difference counts when it is there with other data too.
 *
 * Not here: single operators and their shapes (optest.c), sizes that are left open (test_shapes.c). */
#include "net.h"

#include "core/plan.h"

#include <stdio.h>

enum { VALUES = 24, INPUTS = 6, ARRAYS = 80, TEXT = 6000, UPDATES = 3, DRAWS = 3 };

/* ---- making a network -------------------------------------------------------------------------------------------- */

typedef struct input {
	const char *name;
	int limit;    /* > 0: whole numbers below it; -1: lengths, 1 to as many as there are steps */
	bool ignored; /* some of them are -100 */
} input;

typedef struct maker {
	eg_graph *g;
	eg_rng rng;
	uint64_t at;
	int N, T;
	eg_tensor lengths; /* of all sequences; 0: they are whole */
	eg_tensor value[VALUES];
	int n;
	input inputs[INPUTS];
	int ninputs;
	char text[TEXT];
} maker;

static int draw(maker *m, int n) { return (int)eg_rng_below(m->rng, m->at++, (uint32_t)n); }
static int one_of(maker *m, const int *list, int n) { return list[draw(m, n)]; }
#define ONE_OF(m, ...) one_of(m, (const int[]){__VA_ARGS__}, (int)(sizeof((int[]){__VA_ARGS__}) / sizeof(int)))

static void note(maker *m, const char *format, ...) EG_PRINTF(2, 3);
static void note(maker *m, const char *format, ...) {
	size_t used = strlen(m->text);
	va_list args;
	va_start(args, format);
	vsnprintf(m->text + used, sizeof m->text - used, format, args);
	va_end(args);
}

static eg_tensor add_input(maker *m, const char *name, eg_dtype type, eg_dims dims, int limit, bool ignored) {
	char shape[128];
	m->inputs[m->ninputs++] = (input){name, limit, ignored};
	note(m, "  input %s %s\n", name, eg_shape_text(m->g, dims, shape, sizeof shape));
	return eg_input(m->g, name, type, dims);
}

/* Its output may be read by anything that comes. */
static eg_tensor put(maker *m, const char *op, const eg_tensor *in, int n, const char *format, ...) EG_PRINTF(5, 6);
static eg_tensor put(maker *m, const char *op, const eg_tensor *in, int n, const char *format, ...) {
	char attrs[200], shape[128];
	eg_error err;
	va_list args;
	va_start(args, format);
	vsnprintf(attrs, sizeof attrs, format, args);
	va_end(args);
	eg_tensor y = net_apply(m->g, op, attrs, in, n);
	note(m, "  %s %s", op, attrs);
	for (int i = 0; i < n; i++) note(m, "%s%d", i ? ", " : " of ", in[i].id);
	note(m, " -> %d %s\n", y.id, eg_shape_text(m->g, eg_tensor_dims(m->g, y), shape, sizeof shape));
	if (eg_graph_status(m->g, &err)) fail_msg("%s\n%s", err.message, m->text);
	if (m->n < VALUES) m->value[m->n++] = y;
	return y;
}
#define PUT(m, op, x, ...) put(m, op, &(x), 1, __VA_ARGS__)

static int64_t size(const maker *m, eg_tensor t, int i) { return eg_tensor_dims(m->g, t).d[i]; }

/* An earlier value that agrees in all sizes but that of `but`; -1: in all. 0: there is none. */
static eg_tensor partner(maker *m, eg_tensor x, int but) {
	eg_dims d = eg_tensor_dims(m->g, x);
	for (int tries = 0; tries < 12 && m->n > 0; tries++) {
		eg_tensor y = m->value[draw(m, m->n)];
		eg_dims e = eg_tensor_dims(m->g, y);
		bool fits = d.rank == e.rank && y.id != x.id && eg_tensor_dtype(m->g, y) == EG_F32;
		for (int i = 0; i < d.rank && fits; i++) fits = i == but || d.d[i] == e.d[i];
		if (fits) return y;
	}
	return (eg_tensor){0};
}

static eg_tensor meet(maker *m, eg_tensor x, int axis) {
	bool sum = draw(m, 2);
	eg_tensor y = partner(m, x, sum ? -1 : axis);
	if (!y.id || (!sum && size(m, x, axis) + size(m, y, axis) > 40)) return x;
	if (sum) return put(m, "add", (eg_tensor[]){x, y}, 2, "%s", "");
	return put(m, "concat", (eg_tensor[]){x, y}, 2, "axis=%d", axis);
}

static eg_tensor activation(maker *m, eg_tensor x) {
	static const char *const names[] = {"relu", "relu", "tanh", "tanh", "sigmoid"};
	if (draw(m, 10) == 0) return PUT(m, "prelu", x, "axis=-1 shared=%d", draw(m, 2));
	return PUT(m, names[draw(m, 5)], x, "%s", "");
}

static eg_tensor convolution(maker *m, eg_tensor x) {
	int C = (int)size(m, x, 1), H = (int)size(m, x, 2), W = (int)size(m, x, 3), most = H < W ? H : W;
	int kernel = ONE_OF(m, 1, 3, 3, 3, 5), stride = ONE_OF(m, 1, 1, 1, 2), padding = draw(m, 2) ? kernel / 2 : 0,
	    dilation = ONE_OF(m, 1, 1, 1, 2);
	int filters = ONE_OF(m, 1, 3, 5, 8, 16, 17, 24), groups = 1;
	if (draw(m, 4) == 0)
		groups = C, filters = C * ONE_OF(m, 1, 1, 2); /* channel by channel */
	else if (draw(m, 4) == 0 && C % 2 == 0)
		groups = 2, filters += filters % 2;
	if ((kernel - 1) * dilation + 1 > most + 2 * padding) kernel = dilation = 1, padding = 0;
	return PUT(m, "conv2d", x, "filters=%d kernel=%d stride=%d padding=%d dilation=%d groups=%d bias=%d", filters,
	        kernel, stride, padding, dilation, groups, draw(m, 3) > 0);
}

static eg_tensor pooling(maker *m, eg_tensor x) {
	int H = (int)size(m, x, 2), W = (int)size(m, x, 3), kernel = ONE_OF(m, 2, 2, 3), stride = ONE_OF(m, 1, 2, 2);
	if (H < kernel || W < kernel) return x;
	return PUT(m, draw(m, 2) ? "maxpool2d" : "avgpool2d", x, "kernel=%d stride=%d padding=%d", kernel, stride,
	        draw(m, 3) == 0);
}

/* Of each sample, or none. */
static eg_tensor normalisation_of_samples(maker *m, eg_tensor x) {
	eg_dims d = eg_tensor_dims(m->g, x);
	const int groups = d.d[1] % 2 ? 1 : 2;
	int64_t each = 1;
	for (int i = 1; i < d.rank; i++) each *= d.d[i];
	switch (draw(m, 4)) {
	case 0: return each < 6 ? x : PUT(m, "layernorm", x, "axis=1 eps=0.1 bias=%d", draw(m, 2));
	case 1: return each < 12 ? x : PUT(m, "groupnorm", x, "groups=%d eps=0.1 scale=%d", groups, draw(m, 2));
	case 2: return PUT(m, "lrn", x, "size=3 alpha=%s", draw(m, 2) ? "0.5" : "2");
	default: return PUT(m, "scale_channels", x, "bias=%d init_value=0.7", draw(m, 2));
	}
}

/* Over few values nearly nothing is left of them, and rounding is what is compared; so it is where a channel of
 * zeros is blown up by 1 / sqrt(eps), layer after layer. */
static eg_tensor normalisation(maker *m, eg_tensor x) {
	eg_dims d = eg_tensor_dims(m->g, x);
	int64_t each = m->N;
	for (int i = 2; i < d.rank; i++) each *= d.d[i];
	if (draw(m, 3) == 0) return normalisation_of_samples(m, x);
	return each < 6 ? x : PUT(m, "batchnorm", x, "eps=0.1 momentum=%s", draw(m, 2) ? "0.1" : "0.5");
}

static eg_tensor dropout(maker *m, eg_tensor x) { return PUT(m, "dropout", x, "rate=%s", draw(m, 2) ? "0.25" : "0.5"); }

static eg_tensor on_pictures(maker *m, eg_tensor x, int layers) {
	for (int i = 0; i < layers; i++) {
		int64_t area = size(m, x, 2) * size(m, x, 3);
		switch (draw(m, 12)) {
		case 0: x = pooling(m, x); break;
		case 1: x = normalisation(m, x); break;
		case 2: x = area <= 40 ? PUT(m, "upsample2d", x, "scale=2") : x; break;
		case 3:
			x = area <= 90 ? PUT(m, "pad2d", x, "height=%d width=%d channels=%d", draw(m, 2),
			                         1 + draw(m, 2), draw(m, 2))
			               : x;
			break;
		case 4: x = dropout(m, x); break;
		case 5:
		case 6: x = meet(m, x, 1); break;
		case 7: x = activation(m, x); break;
		case 8: x = activation(m, normalisation(m, convolution(m, x))); break;
		case 9:
			x = pooling(m, activation(m, convolution(m, x)));
			if (draw(m, 2)) x = draw(m, 2) ? activation(m, x) : dropout(m, x); /* over what was pooled */
			break;
		default: x = convolution(m, x);
		}
	}
	return x;
}

static eg_tensor on_rows(maker *m, eg_tensor x, int layers) {
	for (int i = 0; i < layers; i++) switch (draw(m, 6)) {
		case 0: x = normalisation(m, x); break;
		case 1: x = dropout(m, x); break;
		case 2: x = meet(m, x, 1); break;
		case 3: x = draw(m, 2) ? activation(m, x) : PUT(m, "softmax", x, "%s", ""); break;
		default:
			x = activation(m,
			        PUT(m, "linear", x, "units=%d bias=%d", ONE_OF(m, 1, 5, 16, 19, 33), draw(m, 3) > 0));
		}
	return x;
}

/* With the lengths, where there are any. */
static eg_tensor with_lengths(maker *m, const char *op, eg_tensor x, const char *attrs) {
	return put(m, op, (eg_tensor[]){x, m->lengths}, m->lengths.id ? 2 : 1, "%s", attrs);
}

static eg_tensor recurrence(maker *m, eg_tensor x) {
	char attrs[200];
	int kind = draw(m, 3);
	bool both = draw(m, 3) == 0, norm = draw(m, 4) == 0;
	snprintf(attrs, sizeof attrs, "hidden=%d layers=%d bidirectional=%d reverse=%d layer_norm=%d dropout=%s",
	        ONE_OF(m, 3, 8, 16, 17), ONE_OF(m, 1, 1, 2), both, !both && draw(m, 4) == 0, norm,
	        draw(m, 3) ? "0" : "0.3");
	if (kind == 0 && draw(m, 3) == 0) strcat(attrs, " peephole=1");
	if (kind == 0 && draw(m, 4) == 0) strcat(attrs, " projection=5");
	if (kind == 1 && draw(m, 2)) strcat(attrs, " reset=before");
	return with_lengths(m, (const char *[]){"lstm", "gru", "rnn"}[kind], x, attrs);
}

static eg_tensor on_sequences(maker *m, eg_tensor x, int layers) {
	for (int i = 0; i < layers; i++) switch (draw(m, 9)) {
		case 0:
			x = PUT(m, "unfold_time", *(eg_tensor[]){on_rows(m, PUT(m, "fold_time", x, "%s", ""), 2)}, "%s",
			        "");
			break;
		case 1: x = dropout(m, x); break;
		case 2: x = meet(m, x, 2); break;
		case 3:
			x = with_lengths(m, m->lengths.id && draw(m, 2) ? "sequence_mask" : "reverse_sequence", x, "");
			break;
		case 4: {
			const int C = (int)size(m, x, 2), heads = C % 2 ? 1 : 2, causal = draw(m, 2);
			const int context = causal ? draw(m, 4) : 0, shared = draw(m, 2);
			if (C > 24) break;
			x = put(m, "multi_head_attention", (eg_tensor[]){x, {0}, m->lengths}, m->lengths.id ? 3 : 1,
			        "heads=%d causal=%d context=%d kv_heads=%d", heads, causal, context, shared);
			break;
		}
		case 5: x = activation(m, PUT(m, "linear", x, "units=%d", ONE_OF(m, 4, 16, 21))); break;
		default: x = recurrence(m, x);
		}
	return x;
}

/* ---- what it is trained on --------------------------------------------------------------------------------------- */

static eg_dims without(eg_dims d, int axis) {
	eg_dims e = {.rank = d.rank - 1};
	for (int i = 0, k = 0; i < d.rank; i++)
		if (i != axis) e.d[k++] = d.d[i];
	return e;
}

static void finish(maker *m, eg_tensor x, int axis) {
	static const char *const losses[] = {"mse", "l1", "smooth_l1", "huber"};
	eg_dims d = eg_tensor_dims(m->g, x);
	bool steps = d.rank == 3;
	eg_tensor loss;
	if (steps && d.d[2] >= 2 && draw(m, 3) == 0) {
		eg_tensor t = add_input(m, "target", EG_I32, without(d, 2), (int)d.d[2], false);
		loss = put(m, "crf", (eg_tensor[]){x, t, m->lengths}, m->lengths.id ? 3 : 2, "%s", "");
	} else if (d.d[axis] >= 2 && draw(m, 3)) {
		eg_tensor t = add_input(m, "target", EG_I32, without(d, axis), (int)d.d[axis], draw(m, 2));
		loss = put(m, "cross_entropy", (eg_tensor[]){x, t}, 2, "axis=%d label_smoothing=%s", steps ? -1 : axis,
		        draw(m, 2) ? "0" : "0.1");
	} else {
		eg_tensor t = add_input(m, "target", EG_F32, d, 0, false);
		loss = put(m, losses[draw(m, 4)], (eg_tensor[]){x, t}, 2, "%s", "");
	}
	eg_output(m->g, "y", x);
	eg_output(m->g, "loss", loss);
}

static void end_of_pictures(maker *m, eg_tensor x) {
	if (draw(m, 4) == 0) { /* something for every position */
		finish(m, PUT(m, "conv2d", x, "filters=%d kernel=1", ONE_OF(m, 1, 2, 5, 17)), 1);
		return;
	}
	if (draw(m, 2)) x = PUT(m, "globalavgpool2d", x, "%s", "");
	x = on_rows(m, PUT(m, "flatten", x, "%s", ""), draw(m, 3));
	finish(m, PUT(m, "linear", x, "units=%d", ONE_OF(m, 1, 2, 5, 17)), 1);
}

static void end_of_sequences(maker *m, eg_tensor x) {
	if (draw(m, 2)) {
		finish(m, PUT(m, "linear", x, "units=%d", ONE_OF(m, 1, 2, 5, 17)), 2);
		return;
	}
	x = on_rows(m, with_lengths(m, draw(m, 2) ? "last" : "mean_time", x, ""), draw(m, 3));
	finish(m, PUT(m, "linear", x, "units=%d", ONE_OF(m, 1, 2, 5, 17)), 1);
}

/* Network number `seed`, the same in every context. */
static void make(maker *m, eg_graph *g, uint64_t seed) {
	int kind;
	*m = (maker){.g = g, .rng = {seed, eg_stream(EG_RNG_TEST, 11, 0)}};
	kind = draw(m, 5);
	m->N = ONE_OF(m, 1, 2, 3, 5, 8, 15, 16, 16, 18, 30, 33);
	m->T = kind < 2 ? 0 : ONE_OF(m, 1, 2, 3, 5, 7);
	if (m->T && draw(m, 2)) m->lengths = add_input(m, "lengths", EG_I32, EG_DIMS(EG_N), -1, false);
	if (kind < 2) {
		eg_tensor x = add_input(m, "x", EG_F32,
		        EG_DIMS(EG_N, ONE_OF(m, 1, 2, 3, 8, 16, 17), ONE_OF(m, 4, 5, 7, 8, 12), ONE_OF(m, 4, 6, 8, 9)),
		        0, false);
		end_of_pictures(m, on_pictures(m, x, 3 + draw(m, 6)));
	} else if (kind < 4) {
		eg_tensor x;
		if (draw(m, 3))
			x = add_input(m, "x", EG_F32, EG_DIMS(EG_T, EG_N, ONE_OF(m, 1, 3, 8, 16, 17)), 0, false);
		else
			x = PUT(m, "embedding",
			        *(eg_tensor[]){add_input(m, "x", EG_I32, EG_DIMS(EG_T, EG_N), 9, false)},
			        "size=%d count=9", ONE_OF(m, 3, 8, 17));
		end_of_sequences(m, on_sequences(m, x, 1 + draw(m, 4)));
	} else {
		eg_tensor x = add_input(
		        m, "x", EG_F32, EG_DIMS(EG_T, EG_N, ONE_OF(m, 1, 3), 6, ONE_OF(m, 6, 7)), 0, false);
		x = on_pictures(m, PUT(m, "fold_time", x, "%s", ""), 1 + draw(m, 3));
		x = PUT(m, "linear", *(eg_tensor[]){PUT(m, "flatten", x, "%s", "")}, "units=%d", ONE_OF(m, 4, 17));
		end_of_sequences(m, on_sequences(m, PUT(m, "unfold_time", x, "%s", ""), draw(m, 3)));
	}
}

/* ---- what it computes -------------------------------------------------------------------------------------------- */

typedef struct array {
	char name[80];
	eg_real *x;
	size_t n;
	bool gradient;
} array;

typedef struct result {
	array a[ARRAYS];
	int n;
} result;

static void keep(result *r, const char *what, const char *name, const eg_real *x, size_t n, bool gradient) {
	assert_true(r->n < ARRAYS && x != NULL);
	array *a = &r->a[r->n++];
	snprintf(a->name, sizeof a->name, "%s%s", what, name);
	a->x = malloc((n + 1) * sizeof *x);
	assert_non_null(a->x);
	memcpy(a->x, x, n * sizeof *x);
	a->n = n;
	a->gradient = gradient;
}

static void forget(result *r) {
	for (int i = 0; i < r->n; i++) free(r->a[i].x);
	r->n = 0;
}

static int64_t count(const maker *m, const eg_plan *p, const char *name) {
	eg_dims d = eg_plan_dims(p, eg_graph_find(m->g, name));
	return eg_dims_count(&d, 0);
}

static void fill(const maker *m, eg_plan *p, uint64_t data) {
	for (int i = 0; i < m->ninputs; i++) {
		const input *in = &m->inputs[i];
		int64_t n = count(m, p, in->name);
		if (!eg_plan_input(p, in->name)) continue;
		net_fill(p, in->name, n, in->limit < 0 ? m->T : in->limit, data + 100 * (uint64_t)i);
		int32_t *ids = eg_plan_input(p, in->name);
		for (int64_t k = 0; k < n && in->limit < 0; k++) ids[k]++;
		for (int64_t k = 1; k < n && in->ignored; k += 3) ids[k] = -100;
	}
}

static eg_plan *plan_of(const maker *m, eg_params *p, const eg_plan_options *how, bool train) {
	eg_error err = {0};
	eg_plan_options o = *how;
	o.batch = m->N, o.time = m->T, o.train = o.input_grads = train, o.seed = 5;
	eg_plan *plan = eg_plan_new(m->g, p, &o, &err);
	if (!plan) fail_msg("%s\n%s", err.message, m->text);
	return plan;
}

static void keep_outputs(result *r, const maker *m, const eg_plan *p, const char *when) {
	keep(r, when, "y", eg_plan_output(p, "y"), (size_t)count(m, p, "y"), false);
	keep(r, when, "loss", eg_plan_output(p, "loss"), 1, false);
}

static void train(result *r, const maker *m, eg_params *p, eg_plan *plan) {
	eg_error err;
	eg_optimizer *o = eg_optimizer_new(
	        p, &(eg_optimizer_config){.lr = 0.02, .momentum = 0.9, .clip_norm = 1}, &err);
	assert_non_null(o);
	for (uint64_t step = 0; step < UPDATES; step++) {
		eg_plan_run(plan, step);
		if (step == 0) keep_outputs(r, m, plan, "training: ");
		for (int i = 0; i < eg_params_count(p) && step == 0; i++) {
			eg_dims d = eg_params_dims(p, i);
			if (eg_params_trained(p, i))
				keep(r, "gradient of ", eg_params_name(p, i), eg_params_grad(p, i),
				        (size_t)eg_dims_count(&d, 0), true);
		}
		for (int i = 0; i < m->ninputs && step == 0; i++)
			if (eg_plan_grad(plan, m->inputs[i].name))
				keep(r, "gradient of ", m->inputs[i].name, eg_plan_grad(plan, m->inputs[i].name),
				        (size_t)count(m, plan, m->inputs[i].name), true);
		if (eg_optimizer_step(o, 0.02, NULL, &err)) fail_msg("%s\n%s", err.message, m->text);
	}
	for (int i = 0; i < eg_params_count(p); i++) {
		eg_dims d = eg_params_dims(p, i);
		keep(r, "after three updates: ", eg_params_name(p, i), eg_params_data(p, i),
		        (size_t)eg_dims_count(&d, 0), false);
	}
	eg_optimizer_free(o);
}

/* No weight, bias or scale is 0 or 1, as they begin: what is passed over shows, and no channel that is constant
 * lies on ReLU's kink. */
static void shake(eg_params *p) {
	for (int i = 0; i < eg_params_count(p); i++) {
		eg_dims d = eg_params_dims(p, i);
		for (int64_t k = 0, n = eg_params_trained(p, i) ? eg_dims_count(&d, 0) : 0; k < n; k++)
			eg_params_data(p, i)[k] += (eg_real)(0.1 * net_random(77 + (uint64_t)i, (uint64_t)k));
	}
	eg_params_changed(p);
}

static void compute(result *r, char text[TEXT], uint64_t seed, uint64_t data, const char *isa, int threads,
	const eg_plan_options *how) {
	maker *m = malloc(sizeof *m);
	eg_context *ctx = net_context(threads, isa);
	eg_graph *g = eg_graph_new(ctx, NULL);
	assert_true(m && g);
	make(m, g, seed);
	memcpy(text, m->text, TEXT);
	eg_params *p = eg_params_new(g, 1, NULL);
	assert_non_null(p);
	shake(p);
	r->n = 0;
	for (int learn = 0; learn < 2; learn++) {
		eg_plan *plan = plan_of(m, p, how, learn);
		fill(m, plan, data);
		if (learn) {
			train(r, m, p, plan);
		} else {
			eg_plan_run(plan, 0);
			keep_outputs(r, m, plan, "in use: ");
		}
		eg_plan_free(plan);
	}
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
	free(m);
}

/* ---- comparing --------------------------------------------------------------------------------------------------- */

static double largest(const array *a) {
	double most = 0;
	for (size_t i = 0; i < a->n; i++) most = fmax(most, fabs((double)a->x[i]));
	return most;
}

/* The first array that differs by more than rounding; NULL: none. A gradient may be small by itself: what rounds,
 * rounds in proportion to the largest. */
static const array *differs(const result *have, const result *want, double values[2]) {
	double most = 0;
	assert_int_equal(have->n, want->n);
	for (int i = 0; i < want->n; i++)
		if (want->a[i].gradient) most = fmax(most, largest(&want->a[i]));
	for (int i = 0; i < want->n; i++) {
		const array *a = &have->a[i], *b = &want->a[i];
		double allowed = 1e-3 * largest(b) + (b->gradient ? 1e-4 * most : 1e-6);
		assert_true(a->n == b->n && !strcmp(a->name, b->name));
		for (size_t k = 0; k < a->n; k++) {
			values[0] = (double)a->x[k], values[1] = (double)b->x[k];
			if (!(fabs(values[0] - values[1]) <= allowed)) return a;
		}
	}
	return NULL;
}

/* With any data? */
static bool agrees(uint64_t seed, const char *isa, int threads) {
	static char text[TEXT];
	static result have, want;
	double values[2];
	char what[300] = "";
	for (uint64_t data = 1; data <= DRAWS; data++) {
		compute(&want, text, seed, data, "ref", 1,
		        &(eg_plan_options){
		                .layout = EG_LAYOUT_PLAIN, .no_fusion = true, .no_defer = true, .exact = true});
		compute(&have, text, seed, data, isa, threads, &(eg_plan_options){0});
		const array *a = differs(&have, &want, values);
		if (a) snprintf(what, sizeof what, "%s is %.9g, not %.9g", a->name, values[0], values[1]);
		forget(&have);
		forget(&want);
		if (!a) return true;
	}
	printf("FAILED network %llu on %s with %d thread%s: %s (random_nets --count 1 --seed %llu)\n%s",
	        (unsigned long long)seed, isa, threads, threads == 1 ? "" : "s", what, (unsigned long long)seed, text);
	return false;
}

/* ---- the program ------------------------------------------------------------------------------------------------- */

static long number(int argc, char **argv, const char *name, long otherwise) {
	for (int i = 1; i + 1 < argc; i++)
		if (!strcmp(argv[i], name)) return strtol(argv[i + 1], NULL, 10);
	return otherwise;
}

static long the_count, the_seed;

static void random_networks(void **state) {
	const char *isas[5];
	int n = net_isas(isas), failed = 0;
	eg_context *wide = eg_context_new(&(eg_context_options){.threads = 1, .isa = "wide16"}, NULL);
	EG_UNUSED(state);
	if (wide && !getenv("ENGRAM_ISA")) isas[n++] = "wide16";
	eg_context_free(wide);
	for (long i = 0; i < the_count; i++)
		for (int k = 0; k < n; k++) failed += !agrees((uint64_t)(the_seed + i), isas[k], 1 + (int)(i + k) % 3);
	printf("%ld networks from number %ld on, on %d tables: %d failed\n", the_count, the_seed, n, failed);
	assert_int_equal(failed, 0);
}

int main(int argc, char **argv) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(random_networks)};
	if (argc % 2 == 0) return fprintf(stderr, "usage: random_nets [--count N] [--seed S]\n"), 2;
	the_count = number(argc, argv, "--count", 300);
	the_seed = number(argc, argv, "--seed", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
