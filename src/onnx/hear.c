/* hear.c - sound as the input of a model (hear.h). Each node does what src/data/features.c does, for all samples of a
 * batch at once: (N,S) to frames (N,T,window), through STFT to energies in bands, and at last to (T,N,width). What is
 * behind a sample's length is taken as silence, whatever it holds; behind its steps there are zeros.
 *
 * Numbers of samples are whole ones of 64 bits; the network gets its lengths as those of 32 that it takes. */
#include "onnx/hear.h"

#include <string.h>

#define STEPS "lengths.steps"
static const char lengths[] = "lengths";
enum { REACH_MOST = 16 };

typedef struct hearing {
	eg_build *b;
	const eg_sound_front *f;
	const char *count;  /* (1): how many samples there are in a row */
	const char *T;      /* (1): steps */
	const char *steps;  /* (N,1): those of each sample; NULL: all have all */
	const char *at;     /* (T): 0, 1, 2 ... */
	const char *within; /* (N,T,1): is a step one of the sample's? NULL: all are */
} hearing;

static const char *of_two(const hearing *h, const char *type, const char *x, const char *y) { return eg_build_node(h->b, type, EG_IN(x, y), NULL); }
static const char *with(const hearing *h, const char *type, const char *x, int64_t v) { return of_two(h, type, x, EG_BUILD_INTS(h->b, v)); }
static const char *with_real(const hearing *h, const char *type, const char *x, double v) { return of_two(h, type, x, eg_build_real(h->b, v)); }
static const char *joined(const hearing *h, const char *const *in, int64_t axis) {
	const char *y = eg_build_node(h->b, "Concat", in, NULL);
	eg_build_int(h->b, "axis", axis);
	return y;
}
static const char *sliced(const hearing *h, const char *x, int64_t from, int64_t to, int64_t axis) {
	return eg_build_node(h->b, "Slice", EG_IN(x, EG_BUILD_INTS(h->b, from), EG_BUILD_INTS(h->b, to), EG_BUILD_INTS(h->b, axis)), NULL);
}
static const char *sum(const hearing *h, const char *x, int64_t axis) {
	const char *y = eg_build_node(h->b, "ReduceSum", EG_IN(x, EG_BUILD_INTS(h->b, axis)), NULL);
	eg_build_int(h->b, "keepdims", 1);
	return y;
}
/* 0, 1 ... before n, (1). */
static const char *range(const hearing *h, const char *n) {
	return eg_build_node(h->b, "Range", EG_IN(eg_build_whole(h->b, 0), eg_build_squeeze(h->b, n, 0, NULL), eg_build_whole(h->b, 1)), NULL);
}

/* eg_sound_front_steps of numbers of samples. */
static const char *steps_of(const hearing *h, const char *samples) {
	const eg_sound_front *f = h->f;
	const char *n = f->silence ? with(h, "Add", samples, f->silence) : samples;
	const char *begun = with(h, "Div", with(h, "Add", n, f->hop - 1), f->hop);
	const char *behind = with(h, "Max", with(h, "Sub", n, f->window), 0);
	const char *reach = with(h, "Add", with(h, "Div", with(h, "Add", behind, f->hop - 1), f->hop), 1);
	const char *steps = of_two(h, "Min", begun, reach);
	return f->silence ? eg_build_node(h->b, "Where", EG_IN(with(h, "Greater", samples, 0), steps, EG_BUILD_INTS(h->b, 0)), NULL) : steps;
}

/* Samples (N,S), with 0 behind their lengths, and as many zeros behind them as the last frame may need: of its begin it
 * is known that it is one of the samples. */
static const char *heard(hearing *h, bool unequal) {
	eg_build *b = h->b;
	const char *x = EG_HEAR_SOUND, *shape = eg_build_node(b, "Shape", EG_IN(x), NULL);
	h->count = sliced(h, shape, 1, 2, 0);
	h->T = steps_of(h, h->count);
	h->at = range(h, h->T);
	if (unequal) {
		const char *n = eg_build_unsqueeze(b, eg_build_cast(b, lengths, EG_ONNX_INT64), (const int64_t[]){1}, 1);
		x = eg_build_node(b, "Where", EG_IN(of_two(h, "Less", range(h, h->count), n), x, eg_build_real(b, 0)), NULL);
		h->steps = steps_of(h, n);
		h->within = eg_build_unsqueeze(b, of_two(h, "Less", h->at, h->steps), (const int64_t[]){2}, 1);
		eg_build_node(b, "Cast", EG_IN(eg_build_squeeze(b, h->steps, 1, NULL)), STEPS);
		eg_build_int(b, "to", EG_ONNX_INT32);
	}
	const int64_t frame = h->f->mel ? h->f->fft : h->f->window;
	return eg_build_node(b, "Pad", EG_IN(x, EG_BUILD_INTS(b, 0, 0, 0, h->f->silence + frame)), NULL);
}

/* (N,T,window): the samples themselves. */
static const char *raw(const hearing *h, const char *x) {
	const char *from = eg_build_unsqueeze(h->b, with(h, "Mul", h->at, h->f->hop), (const int64_t[]){1}, 1);
	const char *y = eg_build_node(h->b, "Gather", EG_IN(x, of_two(h, "Add", from, range(h, EG_BUILD_INTS(h->b, h->f->window)))), NULL);
	eg_build_int(h->b, "axis", 1);
	return y;
}

/* (N,T,bands), or (N,T,coefficients). Frames are as long as the transform, the window has zeros at its end. */
static const char *spectra(const hearing *h, const char *x) {
	eg_build *b = h->b;
	const eg_sound_front *f = h->f;
	float *window = eg_build_take(b, (size_t)f->fft * sizeof *window);
	if (!window) return "";
	memcpy(window, f->hann, (size_t)f->window * sizeof *window);
	const char *signal = eg_build_unsqueeze(b, x, (const int64_t[]){2}, 1);
	const char *s = eg_build_node(b, "STFT", EG_IN(signal, eg_build_whole(b, f->hop), eg_build_reals(b, window, EG_DIMS(f->fft)), eg_build_whole(b, f->fft)), NULL);
	eg_build_int(b, "onesided", 1);
	s = eg_build_node(b, "Slice", EG_IN(s, EG_BUILD_INTS(b, 0), h->T, EG_BUILD_INTS(b, 1)), NULL);
	const char *power = eg_build_reduce(b, "ReduceSum", of_two(h, "Mul", s, s), 3, NULL);
	const char *bands = of_two(h, "MatMul", power, eg_build_reals(b, f->mel, EG_DIMS(f->fft / 2 + 1, f->bands)));
	const char *y = eg_build_node(b, "Log", EG_IN(with_real(h, "Max", bands, f->quietest)), NULL);
	return f->cosines ? of_two(h, "MatMul", y, eg_build_reals(b, f->cosines, EG_DIMS(f->bands, f->coefficients))) : y;
}

/* The slopes of straight lines through 2 reach + 1 steps; each sample's first and last step go on. */
static const char *slopes(const hearing *h, const char *x) {
	eg_build *b = h->b;
	const int reach = h->f->reach;
	double all = 0;
	const char *in[2 * REACH_MOST + 2] = {0}, *slope = NULL;
	if (reach > REACH_MOST) return eg_build_fail(b, "slopes over more than %d steps on each side are not written", REACH_MOST), "";
	if (h->steps) {
		const char *ends = of_two(h, "Equal", h->at, with(h, "Sub", h->steps, 1));
		const char *end = sum(h, eg_build_node(b, "Where", EG_IN(eg_build_unsqueeze(b, ends, (const int64_t[]){2}, 1), x, eg_build_real(b, 0)), NULL), 1);
		x = eg_build_node(b, "Where", EG_IN(h->within, x, end), NULL);
	}
	const char *first = sliced(h, x, 0, 1, 1), *last = sliced(h, x, -1, INT64_MAX, 1);
	for (int i = 0; i < reach; i++) in[i] = first, in[reach + 1 + i] = last;
	in[reach] = x;
	const char *y = joined(h, in, 1);
	for (int k = 1; k <= reach; k++) all += 2.0 * k * k;
	for (int k = 1; k <= reach; k++) {
		const char *later = sliced(h, y, reach + k, k < reach ? k - reach : INT64_MAX, 1), *before = sliced(h, y, reach - k, -reach - k, 1);
		const char *part = with_real(h, "Mul", of_two(h, "Sub", later, before), k / all);
		slope = slope ? of_two(h, "Add", slope, part) : part;
	}
	return slope;
}

/* Mean 0 and deviation 1 of each sample by itself. */
static const char *scaled_alone(const hearing *h, const char *x) {
	eg_build *b = h->b;
	const char *zero = eg_build_real(b, 0), *n = h->steps ? h->steps : h->T;
	n = with_real(h, "Max", eg_build_cast(b, n, EG_ONNX_FLOAT), 1);
	if (h->steps) n = eg_build_unsqueeze(b, n, (const int64_t[]){2}, 1);
	const char *own = h->within ? eg_build_node(b, "Where", EG_IN(h->within, x, zero), NULL) : x;
	const char *off = of_two(h, "Sub", x, of_two(h, "Div", sum(h, own, 1), n));
	own = h->within ? eg_build_node(b, "Where", EG_IN(h->within, off, zero), NULL) : off;
	const char *std = eg_build_node(b, "Sqrt", EG_IN(of_two(h, "Div", sum(h, of_two(h, "Mul", own, own), 1), n)), NULL);
	std = eg_build_node(b, "Where", EG_IN(with_real(h, "Greater", std, 1e-5), std, eg_build_real(b, 1)), NULL);
	return of_two(h, "Div", off, std);
}

static const char *scaled(const hearing *h, const char *x) {
	const eg_sound_front *f = h->f;
	if (f->alone) return scaled_alone(h, x);
	if (!f->mean) return x;
	const char *off = of_two(h, "Sub", x, eg_build_reals(h->b, f->mean, EG_DIMS(f->width)));
	return of_two(h, "Div", off, eg_build_reals(h->b, f->std, EG_DIMS(f->width)));
}

static void put_down(eg_build *b, const eg_sound_front *f, bool unequal, const char *out) {
	hearing h = {.b = b, .f = f};
	b->where = EG_HEAR_SOUND;
	const char *x = heard(&h, unequal), *parts[4] = {0};
	parts[0] = f->mel ? spectra(&h, x) : raw(&h, x);
	for (int i = 1; i <= f->deltas && i < 3; i++) parts[i] = slopes(&h, parts[i - 1]);
	x = scaled(&h, f->deltas ? joined(&h, parts, 2) : parts[0]);
	if (unequal) x = eg_build_node(b, "Where", EG_IN(h.within, x, eg_build_real(b, 0)), NULL);
	eg_build_transpose(b, x, (const int64_t[]){1, 0, 2}, 3, out);
}

/* ---- the network behind them ------------------------------------------------------------------------------------- */

static const eg_onnx_value *input_of(const eg_onnx_model *m, const char *name) {
	for (int i = 0; i < m->ninputs; i++)
		if (!strcmp(m->inputs[i].name, name)) return &m->inputs[i];
	return NULL;
}

static bool has_time(const eg_onnx_value *v) {
	bool any = false;
	for (int i = 0; i < v->rank && v->open; i++) any |= v->open[i] && !strcmp(v->open[i], "time");
	return any;
}

/* Nodes that read input `from` read `to`. */
static void rename_input(eg_build *b, eg_onnx_model *m, const char *from, const char *to) {
	eg_onnx_node *nodes = eg_build_take(b, (size_t)m->nnodes * sizeof *nodes);
	for (int i = 0; i < m->nnodes && nodes; i++) {
		nodes[i] = m->nodes[i];
		const char **in = eg_build_take(b, (size_t)nodes[i].nin * sizeof *in);
		for (int k = 0; k < nodes[i].nin && in; k++) in[k] = strcmp(nodes[i].in[k], from) ? nodes[i].in[k] : to;
		if (in) nodes[i].in = in;
	}
	if (nodes) m->nodes = nodes;
}

/* The model's inputs: sound, its lengths, and what else the network takes. */
static void make_inputs(eg_build *b, const char *features, eg_onnx_model *m) {
	eg_onnx_value *list = eg_build_take(b, ((size_t)m->ninputs + 1) * sizeof *list);
	int64_t *d = eg_build_take(b, 2 * sizeof *d);
	const char **open = eg_build_take(b, 2 * sizeof *open);
	int n = 0;
	if (!list || !d || !open) return;
	d[0] = d[1] = -1;
	open[0] = "batch", open[1] = "samples";
	list[n++] = (eg_onnx_value){EG_HEAR_SOUND, EG_ONNX_FLOAT, 2, d, open};
	for (int i = 0; i < m->ninputs; i++) {
		const eg_onnx_value *v = &m->inputs[i];
		if (!strcmp(v->name, features)) continue;
		list[n++] = *v;
		if (has_time(v)) eg_build_fail(b, "'%.100s' is an input with the steps of the sound's features: only a model that takes features itself can have it (--features)", v->name);
	}
	m->inputs = list;
	m->ninputs = n;
}

void eg_hear(eg_build *b, const eg_sound_front *f, const eg_onnx_model *from, eg_onnx_model *rest) {
	const char *features = f->input;
	*rest = *from;
	b->model.opset = from->opset;
	if (f->mel && from->opset < EG_HEAR_OPSET)
		eg_build_fail(b, "input '%.100s', features of sound: they are made by ONNX's STFT, which came with opset %d; wanted is %d. "
			"--features writes a model that takes features made elsewhere", features, EG_HEAR_OPSET, from->opset);
	else if (!input_of(from, features)) eg_build_fail(b, "the network's answers do not need its input '%.100s', which is sound", features);
	const bool unequal = input_of(from, lengths);
	if (unequal) rename_input(b, rest, lengths, STEPS);
	if (!strcmp(features, EG_HEAR_SOUND)) rename_input(b, rest, features, EG_HEAR_SOUND ".features"), features = EG_HEAR_SOUND ".features";
	make_inputs(b, f->input, rest);
	put_down(b, f, unequal, features);
}
