/* network.c - a network alone: of a file of ONNX, or of a model file made of one.
 *
 * Such a model file (safetensors) has the weights as tensors under their names, and as tensor "onnx" the bytes of a
 * file of ONNX without them. Not here: what recipes describe (io/model.c). */
#define _POSIX_C_SOURCE 200809L /* S_ISREG */
#include "base/base.h"
#include "engram_onnx_file.h"
#include "io/safetensors.h"
#include "onnx/fixed.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { WORDS = 16, HEAD = 512 };
static const char rest_name[] = "onnx", key[] = "network";

struct eg_network {
	eg_context *ctx;
	eg_onnx_file *file;
	eg_st_file st; /* of a model file: the weights' bytes */
	eg_onnx_model model;
	eg_arena arena;
	eg_graph *graph; /* with open sizes; NULL: `why` */
	eg_params *params;
	eg_error why;
	eg_graph *fixed; /* with the sizes of the last run */
	eg_params *fixed_params;
	eg_plan *plan;
	int batch, time;
	eg_size sizes[WORDS + 1];
	eg_arena names; /* of sizes, of the last run */
};

bool eg_network_is(const char *path) {
	unsigned char head[HEAD + 1] = {0};
	struct stat st;
	/* a pipe gives its bytes to the first who looks */
	FILE *f = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "rb") : NULL;
	const size_t n = f ? fread(head, 1, HEAD, f) : 0, m = strlen(path);
	if (f) fclose(f);
	if (n < 10) return false;
	if (head[8] == '{' && !memcmp(head + 4, "\0\0\0", 4)) { /* safetensors */
		const char *meta = strstr((const char *)head + 8, "\"__metadata__\""), *end = meta ? strchr(meta, '}') : NULL;
		const char *is = meta ? strstr(meta, "\"network\"") : NULL;
		return is && (!end || is < end);
	}
	return (m > 5 && !strcmp(path + m - 5, ".onnx")) || (head[0] == 8 && head[1] < 32); /* the format's version */
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a network"); }

/* The rest of the file, and the weights beside it. */
static eg_status load_model(eg_network *n, const char *path, eg_error *err) {
	eg_status status = eg_st_load(path, &n->st, err);
	const eg_st_tensor *rest = status ? NULL : eg_st_find(&n->st, rest_name);
	if (!status && (!rest || rest->dtype != EG_ST_U8)) status = eg_fail(err, EG_ERR_FORMAT, "'%.300s' is damaged: the network is missing", path);
	if (status) return status;
	n->file = eg_onnx_file_parse(rest->data, rest->bytes, path, err);
	if (!n->file) return err->status;
	n->model = *eg_onnx_file_model(n->file);
	eg_onnx_tensor *all = eg_arena_alloc(&n->arena, (size_t)(n->model.ntensors + n->st.n) * sizeof *all);
	if (!all) return no_memory(err);
	if (n->model.ntensors) memcpy(all, n->model.tensors, (size_t)n->model.ntensors * sizeof *all);
	n->model.tensors = all;
	for (int i = 0; i < n->st.n; i++) {
		const eg_st_tensor *t = &n->st.tensors[i];
		if (t == rest) continue;
		if (t->dtype != EG_ST_F32) return eg_fail(err, EG_ERR_FORMAT, "'%.300s' is damaged: '%.100s' is not of type F32", path, t->name);
		all[n->model.ntensors++] = (eg_onnx_tensor){t->name, EG_ONNX_FLOAT, t->dims.rank, t->dims.d, t->data};
	}
	return EG_OK;
}

static eg_status load(eg_network *n, const char *path, eg_error *err) {
	char head[9] = {0};
	FILE *f = fopen(path, "rb");
	const size_t read = f ? fread(head, 1, sizeof head, f) : 0;
	if (f) fclose(f);
	if (read == sizeof head && head[8] == '{' && !memcmp(head + 4, "\0\0\0", 4)) return load_model(n, path, err);
	n->file = eg_onnx_file_load(path, err);
	if (n->file) n->model = *eg_onnx_file_model(n->file);
	return n->file ? EG_OK : err->status;
}

static bool is_number(const eg_network *n, const char *name) {
	for (int i = 0; i < n->model.ntensors; i++)
		if (!strcmp(n->model.tensors[i].name, name)) return true;
	return false;
}

/* Inputs that may be left out are not among those that are told. */
static eg_status own_inputs(eg_network *n, eg_error *err) {
	eg_onnx_value *in = eg_arena_alloc(&n->arena, (size_t)(n->model.ninputs + 1) * sizeof *in);
	int k = 0;
	if (!in) return no_memory(err);
	for (int i = 0; i < n->model.ninputs; i++)
		if (!is_number(n, n->model.inputs[i].name)) in[k++] = n->model.inputs[i];
	n->model.inputs = in;
	n->model.ninputs = k;
	return EG_OK;
}

/* Does it depend on an open size twice, in a way that only numbers can tell? */
static bool has_open(const eg_onnx_model *m) {
	for (int i = 0; i < m->ninputs; i++)
		for (int k = 0; k < m->inputs[i].rank; k++)
			if (m->inputs[i].dims[k] < 0 && m->inputs[i].open && m->inputs[i].open[k] && strcmp(m->inputs[i].open[k], "batch") != 0) return true;
	return false;
}

eg_network *eg_network_load(const char *path, eg_context *ctx, eg_error *err) {
	eg_error why = {0};
	eg_network *n = eg_calloc(NULL, 1, sizeof *n);
	eg_status status = n ? load(n, path, &why) : no_memory(&why);
	if (!status) status = own_inputs(n, &why);
	if (!status) {
		n->ctx = ctx;
		status = eg_onnx_import(ctx, &n->model, &n->graph, &n->params, &why);
		n->why = why;
		if (status && status != EG_ERR_MEMORY && has_open(&n->model)) status = EG_OK;
		if (status) eg_fail_prefix(&why, "'%.300s'", path);
	}
	if (!status) return n;
	eg_network_free(n);
	if (err) *err = why;
	return NULL;
}

static void forget(eg_network *n) {
	eg_plan_free(n->plan);
	eg_params_free(n->fixed_params);
	eg_graph_free(n->fixed);
	n->plan = NULL;
	n->fixed_params = NULL;
	n->fixed = NULL;
}

void eg_network_free(eg_network *n) {
	if (!n) return;
	forget(n);
	eg_params_free(n->params);
	eg_graph_free(n->graph);
	eg_onnx_file_free(n->file);
	eg_st_free(&n->st);
	eg_arena_free(&n->arena);
	eg_arena_free(&n->names);
	eg_release(NULL, n);
}

const eg_onnx_model *eg_network_model(const eg_network *n) { return &n->model; }
const char *eg_network_producer(const eg_network *n) { return eg_onnx_file_producer(n->file); }
eg_graph *eg_network_graph(const eg_network *n, eg_params **params, eg_error *why) {
	if (params) *params = n->params;
	if (!n->graph && why) *why = n->why;
	return n->graph;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static bool is_weight(const eg_onnx_tensor *t) {
	return t->type == EG_ONNX_FLOAT && t->rank > 0 && t->rank <= EG_MAX_DIMS && strcmp(t->name, rest_name) != 0;
}

eg_status eg_network_save(const char *path, const eg_network *n, eg_error *err) {
	const eg_onnx_model *m = &n->model;
	const eg_st_text texts[] = {{"engram_format", "2"}, {"engram_version", eg_version()}, {key, rest_name}};
	eg_arena a = {0};
	eg_onnx_model rest = *m;
	eg_onnx_tensor *kept = eg_arena_alloc(&a, (size_t)(m->ntensors + 1) * sizeof *kept);
	eg_st_tensor *st = eg_arena_alloc(&a, (size_t)(m->ntensors + 1) * sizeof *st);
	int weights = 0;
	void *bytes = NULL;
	size_t size = 0;
	rest.ntensors = 0;
	rest.tensors = kept;
	for (int i = 0; i < m->ntensors && kept && st; i++) {
		const eg_onnx_tensor *t = &m->tensors[i];
		if (!is_weight(t)) {
			kept[rest.ntensors++] = *t;
			continue;
		}
		st[weights] = (eg_st_tensor){.name = t->name, .dtype = EG_ST_F32, .dims = {.rank = t->rank}, .data = t->data};
		memcpy(st[weights++].dims.d, t->dims, (size_t)t->rank * sizeof *t->dims);
	}
	eg_status status = kept && st ? eg_onnx_file_bytes(&rest, NULL, &bytes, &size, err) : no_memory(err);
	if (!status) {
		st[weights] = (eg_st_tensor){.name = rest_name, .dtype = EG_ST_U8, .dims = EG_DIMS((int64_t)size), .data = bytes};
		status = eg_st_write(path, texts, EG_COUNT(texts), st, weights + 1, err);
	}
	eg_release(NULL, bytes);
	eg_arena_free(&a);
	return status;
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

static const eg_onnx_value *value_of(const eg_network *n, const char *name) {
	for (int i = 0; i < n->model.ninputs; i++)
		if (!strcmp(n->model.inputs[i].name, name)) return &n->model.inputs[i];
	for (int i = 0; i < n->model.noutputs; i++)
		if (!strcmp(n->model.outputs[i].name, name)) return &n->model.outputs[i];
	return NULL;
}

/* As eg_onnx_import has them: whole numbers that no type of ours is made for are in a longer one. */
bool eg_network_type(const eg_network *n, const char *name, eg_dtype *type) {
	const eg_onnx_value *v = value_of(n, name);
	if (!v || eg_onnx_dtype(v->type, type)) return v;
	*type = v->type == EG_ONNX_UINT32 || v->type == EG_ONNX_UINT64 ? EG_I64 : EG_I32;
	return *type == EG_I64 || v->type == EG_ONNX_INT8 || v->type == EG_ONNX_INT16 || v->type == EG_ONNX_UINT16;
}

static const eg_network_array *given(const eg_network_array *in, int nin, const char *name) {
	for (int i = 0; i < nin; i++)
		if (!strcmp(in[i].name, name)) return &in[i];
	return NULL;
}

/* "(batch,1,28,28)" */
static const char *shape_text(const eg_onnx_value *v, char buf[200]) {
	size_t n = 0;
	buf[n++] = '(';
	for (int i = 0; i < v->rank && n < 150; i++) {
		const char *open = v->dims[i] < 0 && v->open ? v->open[i] : NULL;
		if (v->dims[i] >= 0) n += (size_t)snprintf(buf + n, 200 - n, "%s%lld", i ? "," : "", (long long)v->dims[i]);
		else n += (size_t)snprintf(buf + n, 200 - n, "%s%.30s", i ? "," : "", open ? open : "?");
	}
	snprintf(buf + n, 200 - n, ")");
	return buf;
}

/* Notes what an open size is; the same everywhere. The names are those of the graph (eg_onnx_import). */
static eg_status note(eg_network *n, const eg_onnx_value *v, int i, int64_t size, eg_error *err) {
	const char *name = v->open ? v->open[i] : NULL;
	if (!name || !*name) name = i ? eg_arena_printf(&n->names, "size_%.40s_%d", v->name, i) : "batch";
	if (!name) return no_memory(err);
	int *to = !strcmp(name, "batch") ? &n->batch : !strcmp(name, "time") ? &n->time : NULL;
	for (int k = 0; k < WORDS && !to; k++) {
		if (!n->sizes[k].name) n->sizes[k].name = name;
		if (!strcmp(n->sizes[k].name, name)) to = &n->sizes[k].size;
	}
	if (!to) return eg_fail(err, EG_ERR_ARG, "more than %d open sizes", WORDS);
	if (*to && *to != size) return eg_fail(err, EG_ERR_SHAPE, "input '%.100s': its '%.60s' is %lld, and %d elsewhere", v->name, name, (long long)size, *to);
	*to = (int)size;
	return EG_OK;
}

static void forget_sizes(eg_network *n) {
	n->batch = n->time = 0;
	memset(n->sizes, 0, sizeof n->sizes);
	eg_arena_free(&n->names);
}

static eg_status learn_sizes(eg_network *n, const eg_network_array *in, int nin, eg_error *err) {
	char theirs[200], ours[160];
	eg_status status = EG_OK;
	forget_sizes(n);
	for (int i = 0; i < n->model.ninputs && !status; i++) {
		const eg_onnx_value *v = &n->model.inputs[i];
		const eg_network_array *a = given(in, nin, v->name);
		if (!a) return eg_fail(err, EG_ERR_ARG, "input '%.100s' %s is missing", v->name, shape_text(v, theirs));
		eg_dtype type;
		if (!eg_network_type(n, v->name, &type) || type != a->type) return eg_fail(err, EG_ERR_ARG, "input '%.100s' is given in another type than its own", v->name);
		bool fits = a->dims.rank == v->rank;
		for (int k = 0; k < v->rank && fits; k++) fits = a->dims.d[k] > 0 && a->dims.d[k] <= INT32_MAX && (v->dims[k] < 0 || v->dims[k] == a->dims.d[k]);
		if (!fits)
			return eg_fail(err, EG_ERR_SHAPE, "input '%.100s' is %s, the network takes %s", v->name, eg_st_dims_text(&a->dims, ours, sizeof ours), shape_text(v, theirs));
		for (int k = 0; k < v->rank && !status; k++)
			if (v->dims[k] < 0) status = note(n, v, k, a->dims.d[k], err);
	}
	return status;
}

/* Are whole numbers as small as arithmetic on them needs? */
static eg_status check_wholes(const eg_graph *g, const char *name, const eg_network_array *a, eg_error *err) {
	const int64_t most = eg_onnx_bound(g, eg_graph_find(g, name)), n = most ? eg_dims_count(&a->dims, 0) : 0;
	for (int64_t i = 0; i < n; i++) {
		const int64_t v = a->type == EG_I64 ? ((const int64_t *)a->data)[i] : ((const int32_t *)a->data)[i];
		if (v < -most || v > most)
			return eg_fail(err, EG_ERR_ARG, "input '%.100s' has %lld: the network computes with these whole numbers in single precision, which is exact up to %lld here",
				name, (long long)v, (long long)most);
	}
	return EG_OK;
}

/* The graph with numbers in the place of its open sizes, which are noted. */
static eg_status fix(eg_network *n, eg_error *err) {
	eg_size all[WORDS + 3] = {{"batch", n->batch}, {"time", n->time}};
	eg_onnx_model with;
	memcpy(all + 2, n->sizes, sizeof n->sizes);
	eg_status status = eg_onnx_fixed(&n->names, &n->model, all, &with, err);
	return status ? status : eg_onnx_import(n->ctx, &with, &n->fixed, &n->fixed_params, err);
}

/* The plan for these sizes, on the graph with open ones or on one that is made for them. */
static eg_status plan(eg_network *n, eg_error *err) {
	eg_plan_options o = {.batch = n->batch ? n->batch : 1, .time = n->time ? n->time : 1, .sizes = n->graph ? n->sizes : NULL};
	eg_error why = {0};
	forget(n);
	const eg_status status = n->graph ? EG_OK : fix(n, &why);
	if (!status) n->plan = eg_plan_new(n->graph ? n->graph : n->fixed, n->graph ? n->params : n->fixed_params, &o, &why);
	if (!n->plan && err) *err = why;
	return n->plan ? EG_OK : why.status;
}

eg_graph *eg_network_example(eg_network *n, int *size, eg_error *why) {
	static const int tried[] = {32, 64, 16, 128, 8};
	if (n->graph) return *size = 0, n->graph;
	forget(n);
	for (int k = 0; k < EG_COUNT(tried) && !n->fixed; k++) {
		eg_status status = EG_OK;
		forget_sizes(n);
		for (int i = 0; i < n->model.ninputs && !status; i++) {
			const eg_onnx_value *v = &n->model.inputs[i];
			for (int d = 0; d < v->rank && !status; d++)
				if (v->dims[d] < 0) status = note(n, v, d, *size = tried[k], why);
		}
		if (status || fix(n, why) == EG_ERR_MEMORY) break;
	}
	return n->fixed;
}

/* Is the last plan for these sizes? */
static bool same_sizes(const eg_network *n, int batch, int time, const eg_size *sizes) {
	if (!n->plan || n->batch != batch || n->time != time) return false;
	for (int i = 0; i < WORDS; i++)
		if (n->sizes[i].size != sizes[i].size) return false;
	return true;
}

eg_status eg_network_run(eg_network *n, const eg_network_array *in, int nin, eg_network_array *out, eg_error *err) {
	eg_size before[WORDS + 1];
	const int batch = n->batch, time = n->time;
	memcpy(before, n->sizes, sizeof before);
	eg_status status = learn_sizes(n, in, nin, err);
	if (!status && !same_sizes(n, batch, time, before)) status = plan(n, err);
	if (status) {
		forget(n);
		return status;
	}
	const eg_graph *g = n->graph ? n->graph : n->fixed;
	for (int i = 0; i < n->model.ninputs; i++) {
		const eg_network_array *a = given(in, nin, n->model.inputs[i].name);
		void *to = eg_plan_input(n->plan, a->name); /* NULL: nothing is computed of it */
		if (to) status = check_wholes(g, a->name, a, err);
		if (status) return status;
		if (to) memcpy(to, a->data, (size_t)eg_dims_count(&a->dims, 0) * eg_dtype_size(a->type));
	}
	eg_plan_run(n->plan, 0);
	for (int i = 0; i < n->model.noutputs; i++) {
		const char *name = n->model.outputs[i].name;
		const eg_tensor t = eg_graph_find(g, name);
		out[i] = (eg_network_array){name, eg_plan_dims(n->plan, t), eg_plan_output(n->plan, name), eg_tensor_dtype(g, t)};
	}
	return EG_OK;
}

bool eg_network_cost(const eg_network *n, eg_cost *cost) {
	if (n->plan) eg_plan_cost(n->plan, cost);
	return n->plan;
}
