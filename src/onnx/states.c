/* states.c - the states that recurrent layers begin and end with, as inputs and outputs of a model. A layer that is
 * given its states by the network keeps those.
 *
 * An input that may be left out has numbers of the model as its default, and these cannot have an open size: they are
 * zeros of one sample, which Expand repeats for all. States that are given have all samples already. */
#include "onnx/states.h"

#include <string.h>

static bool is_recurrent(const eg_onnx_node *n) { return !strcmp(n->type, "LSTM") || !strcmp(n->type, "GRU") || !strcmp(n->type, "RNN"); }

/* "lstm1" of a node "lstm1.node4": which layer of the graph it belongs to. */
static size_t layer_of(const eg_onnx_node *n) {
	const char *end = strrchr(n->name ? n->name : "", '.');
	return end ? (size_t)(end - n->name) : 0;
}

/* Layers of a stack are nodes one after the other. */
static int number_of(const eg_build *b, const eg_onnx_node *n) {
	int before = 0;
	for (int i = 0; i < b->model.nnodes; i++) {
		const eg_onnx_node *other = &b->nodes[i];
		before += is_recurrent(other) && layer_of(other) == layer_of(n) && !strncmp(other->name, n->name, layer_of(n));
	}
	return before;
}

static const char *called(eg_build *b, const eg_onnx_node *n, const char *what) {
	const char *name = b->error.status ? NULL : eg_arena_printf(&b->arena, "%.*s.l%d.%s", (int)layer_of(n), n->name, number_of(b, n), what);
	if (!name && !b->error.status) eg_fail(&b->error, EG_ERR_MEMORY, "out of memory for a model");
	return name ? name : "";
}

static eg_onnx_value described(eg_build *b, const char *name, int64_t dirs, const char *batch, int64_t H) {
	int64_t *d = eg_build_take(b, 3 * sizeof *d);
	const char **open = eg_build_take(b, 3 * sizeof *open);
	if (d && open) d[0] = dirs, d[1] = -1, d[2] = H, open[1] = batch;
	return (eg_onnx_value){name, EG_ONNX_FLOAT, 3, d, open};
}

const char *eg_build_initial(eg_build *b, const char *name, const char *x, int64_t dirs, int64_t H, bool optional) {
	int64_t *d = eg_build_take(b, 3 * sizeof *d);
	float *zeros = eg_build_take(b, (size_t)(dirs * H) * sizeof *zeros);
	if (!d || !zeros) return "";
	d[0] = dirs, d[1] = 1, d[2] = H;
	eg_build_keep_tensor(b, &(eg_onnx_tensor){name, EG_ONNX_FLOAT, 3, d, zeros});
	const eg_onnx_value v = described(b, name, dirs, NULL, H);
	if (optional) eg_build_keep_input(b, &v);
	const char *shape = eg_build_node(b, "Shape", EG_IN(x), NULL);
	const char *samples = eg_build_node(b, "Gather", EG_IN(shape, EG_BUILD_INTS(b, 1)), NULL);
	const char *all = eg_build_node(b, "Concat", EG_IN(EG_BUILD_INTS(b, dirs), samples, EG_BUILD_INTS(b, H)), NULL);
	eg_build_int(b, "axis", 0);
	return eg_build_node(b, "Expand", EG_IN(name, all), NULL);
}

void eg_build_final(eg_build *b, const char *name, int64_t dirs, int64_t H) {
	const eg_onnx_value v = described(b, name, dirs, "batch", H);
	eg_build_keep_output(b, &v);
}

/* What output k, which may be read already, is called as one of the model. */
static const char *final(eg_build *b, const eg_onnx_node *n, int k, const char *name, int64_t dirs, int64_t H) {
	const bool read = k < n->nout && *n->out[k];
	eg_build_final(b, name, dirs, H);
	return read ? n->out[k] : name;
}

bool eg_build_keep_recurrent(eg_build *b, const eg_onnx_node *n) {
	enum { R = 2, H0 = 5, C0 = 6, PEEPHOLE = 7, INPUTS = 8, HN = 1, CN = 2 };
	const eg_onnx_tensor *r = is_recurrent(n) && n->nin > R ? eg_build_tensor(b, n->in[R]) : NULL;
	const bool lstm = !strcmp(n->type, "LSTM");
	if (!r || r->rank != 3) return false;
	for (int i = H0; i <= C0 && i < n->nin; i++)
		if (*n->in[i]) return false;
	const int64_t dirs = r->dims[0], H = r->dims[2];
	const char **in = eg_build_take(b, INPUTS * sizeof *in), **out = eg_build_take(b, 3 * sizeof *out);
	const char *hn = called(b, n, "hn"), *cn = lstm ? called(b, n, "cn") : NULL;
	eg_onnx_node copy = *n;
	if (!in || !out) return true;
	for (int i = 0; i < INPUTS; i++) in[i] = i < n->nin ? n->in[i] : "";
	b->where = called(b, n, "state");
	in[H0] = eg_build_initial(b, called(b, n, "h0"), n->in[0], dirs, H, true);
	if (lstm) in[C0] = eg_build_initial(b, called(b, n, "c0"), n->in[0], dirs, H, true);
	out[0] = n->nout && *n->out[0] ? n->out[0] : "";
	out[HN] = final(b, n, HN, hn, dirs, H);
	if (lstm) out[CN] = final(b, n, CN, cn, dirs, H);
	copy.in = in;
	copy.out = out;
	copy.nin = n->nin > PEEPHOLE ? INPUTS : lstm ? C0 + 1 : H0 + 1;
	copy.nout = lstm ? 3 : 2;
	eg_build_keep_node(b, &copy);
	if (strcmp(out[HN], hn) != 0) eg_build_node(b, "Identity", EG_IN(out[HN]), hn);
	if (lstm && strcmp(out[CN], cn) != 0) eg_build_node(b, "Identity", EG_IN(out[CN]), cn);
	return true;
}
