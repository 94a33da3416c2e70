/* onnx_suite.c - other people's tests: onnx_suite [-v] DIR... [-k NAME...]
 *
 * Each folder below DIR that has a model.onnx is a case: the model is imported, and for each test_data_set_*,
 * input_*.pb go in and output_*.pb must come out. A line for each failure, with -v for each skip too; then the skips by
 * their reasons, and at last `N passed, M failed, K skipped`. A case is skipped where the import refuses the model with
 * a reason; wrong numbers, wrong shapes and what fails later are failures. Words behind -k are names: only cases whose
 * name has one of them are run. */
#define _XOPEN_SOURCE 700

#include "core/graph.h"
#include "engram_onnx_file.h"

#include <dirent.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST = 64 };

typedef struct suite {
	bool verbose;
	char **only; /* NULL: all */
	int nonly;
	int passed, failed, skipped;
	int loose; /* outputs within ONNX's own bound only */
	char **reasons; /* of skips, one each */
	int cap;
} suite;

typedef enum verdict { PASSED, FAILED, SKIPPED } verdict;

/* How near numbers must be: to the largest of each tensor, and of its own size; and how near ONNX's own tests want
 * them, whose functions are written with a pi of 3.1415. */
static const double near_to = 1e-5, relative = 1e-4, relative_there = 1e-3;

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static int64_t count_of(const eg_onnx_tensor *t) {
	int64_t n = 1;
	for (int i = 0; i < t->rank; i++) n *= t->dims[i];
	return n;
}

static double number(eg_dtype type, const void *v, int64_t i) {
	switch (type) {
	case EG_F32: return (double)((const float *)v)[i];
	case EG_F64: return ((const double *)v)[i];
	case EG_I32: return ((const int32_t *)v)[i];
	case EG_I64: return (double)((const int64_t *)v)[i];
	case EG_U8: case EG_BOOL: return ((const uint8_t *)v)[i];
	case EG_F16: return eg_f16_value(((const uint16_t *)v)[i]);
	case EG_BF16: return eg_bf16_value(((const uint16_t *)v)[i]);
	}
	return NAN;
}

/* The type of a tensor's elements; bfloat16 lies in files of the suite as whole numbers of 16 bits. Whole numbers of
 * types that we have not are int32 or int64 here, by eg_onnx_import's rule. */
static bool type_of(const eg_onnx_tensor *t, eg_dtype wanted, eg_dtype *type) {
	if (t->type == EG_ONNX_UINT16 && wanted == EG_BF16) return *type = EG_BF16, true;
	if (t->type == EG_ONNX_INT8 || t->type == EG_ONNX_INT16 || t->type == EG_ONNX_UINT16) return *type = EG_I32, true;
	if (t->type == EG_ONNX_UINT32 || t->type == EG_ONNX_UINT64) return *type = EG_I64, true;
	return eg_onnx_dtype(t->type, type);
}

static int64_t whole(const eg_onnx_tensor *t, int64_t i) {
	const void *v = t->data;
	switch (t->type) {
	case EG_ONNX_INT8: return ((const int8_t *)v)[i];
	case EG_ONNX_INT16: return ((const int16_t *)v)[i];
	case EG_ONNX_UINT16: return ((const uint16_t *)v)[i];
	case EG_ONNX_UINT32: return ((const uint32_t *)v)[i];
	default: return ((const int64_t *)v)[i];
	}
}

static double number_of(const eg_onnx_tensor *t, eg_dtype type, int64_t i) {
	eg_dtype own;
	return eg_onnx_dtype(t->type, &own) || type == EG_BF16 ? number(type, t->data, i) : (double)whole(t, i);
}

/* Are they equal? `why` says where not. */
static bool equal(int *loose, const char *name, eg_dtype type, eg_dims dims, const void *got, const eg_onnx_tensor *want, char *why, size_t size) {
	const int64_t n = count_of(want);
	eg_dtype expected;
	double largest = 0;
	bool beyond = false;
	bool fits = type_of(want, type, &expected) && expected == type && dims.rank == want->rank;
	for (int i = 0; i < want->rank && fits; i++) fits = dims.d[i] == want->dims[i];
	if (!fits || !got) {
		snprintf(why, size, "output '%s' is of another shape or type (%s, rank %d)", name, eg_dtype_name(type), dims.rank);
		return false;
	}
	for (int64_t i = 0; i < n; i++) {
		const double x = fabs(number_of(want, type, i));
		if (isfinite(x) && x > largest) largest = x;
	}
	const double coarse = type == EG_F16 || type == EG_BF16 ? 100 : 1; /* they have three digits */
	for (int64_t i = 0; i < n; i++) {
		const double x = number(type, got, i), y = number_of(want, type, i);
		if (x == y || (isnan(x) && isnan(y)) || fabs(x - y) <= coarse * (near_to * largest + relative * fabs(y))) continue;
		beyond = true;
		if (fabs(x - y) <= coarse * relative_there * fabs(y)) continue;
		snprintf(why, size, "output '%s' [%lld] is %.9g, it must be %.9g", name, (long long)i, x, y);
		return false;
	}
	*loose += beyond;
	return true;
}

/* ---- a case ------------------------------------------------------------------------------------------------------ */

typedef struct data_set {
	eg_onnx_file *in[MOST], *out[MOST];
	int nin, nout;
} data_set;

static const eg_onnx_tensor *tensor_of(const eg_onnx_file *f) { return &eg_onnx_file_model(f)->tensors[0]; }

static void drop(data_set *d) {
	for (int i = 0; i < d->nin; i++) eg_onnx_file_free(d->in[i]);
	for (int i = 0; i < d->nout; i++) eg_onnx_file_free(d->out[i]);
}

static int read_all(const char *folder, const char *what, eg_onnx_file **list, eg_error *err) {
	char path[PATH_MAX];
	struct stat s;
	int n = 0;
	for (; n < MOST; n++) {
		if (snprintf(path, sizeof path, "%s/%s_%d.pb", folder, what, n) >= (int)sizeof path || stat(path, &s) || !(list[n] = eg_onnx_file_load_tensor(path, err))) break;
	}
	return n;
}

/* The inputs of the model that are no weights. */
static int true_inputs(const eg_onnx_model *m, const eg_onnx_value **in) {
	int n = 0;
	for (int i = 0; i < m->ninputs && n < MOST; i++) {
		bool weight = false;
		for (int k = 0; k < m->ntensors && !weight; k++) weight = !strcmp(m->tensors[k].name, m->inputs[i].name);
		if (!weight) in[n++] = &m->inputs[i];
	}
	return n;
}

/* What the graph's open sizes are, by the shapes of what goes in. */
static bool sizes_of(const eg_graph *g, const eg_onnx_value *const *in, const data_set *d, eg_plan_options *o, eg_size *sizes, char *why, size_t size) {
	int n = 0;
	for (int i = 0; i < d->nin; i++) {
		const eg_onnx_tensor *t = tensor_of(d->in[i]);
		const eg_dims dims = eg_tensor_dims(g, eg_graph_find(g, in[i]->name));
		bool fits = dims.rank == t->rank;
		for (int k = 0; k < dims.rank && fits; k++) {
			if (dims.d[k] == EG_N) o->batch = (int)t->dims[k];
			else if (dims.d[k] == EG_T) o->time = (int)t->dims[k];
			else if (dims.d[k] < 0 && n < MOST) sizes[n++] = (eg_size){eg_open_name(g, dims.d[k]), (int)t->dims[k]};
			else fits = dims.d[k] == t->dims[k];
		}
		if (fits) continue;
		snprintf(why, size, "input '%s' is of another shape than the model says", in[i]->name);
		return false;
	}
	sizes[n] = (eg_size){0};
	o->sizes = sizes;
	return true;
}

static bool fill(eg_graph *g, eg_plan *plan, const eg_onnx_value *const *in, const data_set *d, char *why, size_t size) {
	for (int i = 0; i < d->nin; i++) {
		const eg_onnx_tensor *t = tensor_of(d->in[i]);
		const eg_tensor to = eg_graph_find(g, in[i]->name);
		eg_dtype type;
		void *room = eg_plan_input(plan, in[i]->name);
		if (!room) continue; /* nothing depends on it */
		if (!type_of(t, eg_tensor_dtype(g, to), &type) || type != eg_tensor_dtype(g, to)) {
			snprintf(why, size, "input '%s' is of another type than the model says", in[i]->name);
			return false;
		}
		eg_dtype own;
		if (eg_onnx_dtype(t->type, &own) || type == EG_BF16) memcpy(room, t->data, (size_t)count_of(t) * eg_dtype_size(type));
		else for (int64_t k = 0; k < count_of(t); k++)
			if (type == EG_I32) ((int32_t *)room)[k] = (int32_t)whole(t, k);
			else ((int64_t *)room)[k] = whole(t, k);
	}
	return true;
}

/* One data set through an imported model, whose inputs without one are part of the model. */
static verdict run(suite *s, eg_graph *g, eg_params *p, const eg_onnx_model *m, const eg_onnx_value *const *in, const data_set *d, char *why, size_t size) {
	eg_size sizes[MOST + 1];
	eg_plan_options o = {.batch = 1, .time = 1};
	eg_error err = {0};
	if (!sizes_of(g, in, d, &o, sizes, why, size)) return SKIPPED; /* the data are not of this model */
	eg_plan *plan = eg_plan_new(g, p, &o, &err);
	if (!plan) snprintf(why, size, "plan: %.900s", err.message);
	bool ok = plan && fill(g, plan, in, d, why, size);
	if (ok) eg_plan_run(plan, 0);
	for (int i = 0; i < d->nout && ok; i++) {
		const char *name = m->outputs[i].name;
		const eg_tensor t = eg_graph_find(g, name);
		ok = equal(&s->loose, name, eg_tensor_dtype(g, t), eg_plan_dims(plan, t), eg_plan_output(plan, name), tensor_of(d->out[i]), why, size);
	}
	eg_plan_free(plan);
	return ok ? PASSED : FAILED;
}

/* What of the data is made part of the model, where it is refused otherwise: weights, axes and shapes, which have to be
 * known when a plan is made, come in as inputs in tests of single operators. */
typedef enum binding { NOTHING, INTEGERS, BUT_THE_FIRST, ALL, BINDINGS } binding;

static bool is_bound(binding b, int i, const eg_onnx_tensor *t) {
	const bool integer = t->type == EG_ONNX_INT64 || t->type == EG_ONNX_INT32;
	return b == ALL || (b == BUT_THE_FIRST && i > 0) || (b == INTEGERS && integer);
}

static verdict run_bound(suite *s, eg_context *ctx, const eg_onnx_model *m, const data_set *d, binding b, char *why, size_t size) {
	const eg_onnx_value *in[MOST], *left[MOST];
	data_set rest = {.nout = d->nout};
	eg_onnx_model bound = *m;
	eg_onnx_value inputs[MOST];
	eg_onnx_tensor *tensors = calloc((size_t)(m->ntensors + d->nin + 1), sizeof *tensors);
	eg_error err = {0};
	eg_graph *g = NULL;
	eg_params *p = NULL;
	verdict v = SKIPPED;
	true_inputs(m, in);
	memcpy(rest.out, d->out, sizeof rest.out);
	memcpy(tensors, m->tensors, (size_t)m->ntensors * sizeof *tensors);
	bound.ninputs = 0;
	bound.inputs = inputs;
	bound.tensors = tensors;
	for (int i = 0; i < d->nin; i++) {
		if (is_bound(b, i, tensor_of(d->in[i]))) {
			tensors[bound.ntensors] = *tensor_of(d->in[i]);
			tensors[bound.ntensors++].name = in[i]->name;
		} else {
			left[rest.nin] = in[i];
			rest.in[rest.nin++] = d->in[i];
			inputs[bound.ninputs++] = *in[i];
		}
	}
	if (!eg_onnx_import(ctx, &bound, &g, &p, &err)) v = run(s, g, p, &bound, left, &rest, why, size);
	else snprintf(why, size, "%s", err.message);
	eg_params_free(p);
	eg_graph_free(g);
	free(tensors);
	return v;
}

/* Are there numbers that a float cannot hold? Those can only be part of the model, where they are computed with as they
 * are. */
static bool beyond_float(const data_set *d) {
	bool beyond = false;
	for (int i = 0; i < d->nin; i++) {
		const eg_onnx_tensor *t = tensor_of(d->in[i]);
		for (int64_t k = 0; k < count_of(t) && t->type == EG_ONNX_DOUBLE; k++) {
			const double x = fabs(((const double *)t->data)[k]);
			beyond |= x > (double)FLT_MAX || (x > 0 && x < (double)FLT_MIN);
		}
	}
	return beyond;
}

static verdict run_set(suite *s, eg_context *ctx, const eg_onnx_model *m, const data_set *d, char *why, size_t size) {
	const eg_onnx_value *in[MOST];
	verdict v = SKIPPED;
	if (true_inputs(m, in) < d->nin || m->noutputs < d->nout) {
		snprintf(why, size, "the data have more inputs or outputs than the model");
		return FAILED;
	}
	for (binding b = beyond_float(d) ? ALL : NOTHING; b < BINDINGS && v == SKIPPED; b++) v = run_bound(s, ctx, m, d, b, why, size);
	return v;
}

static verdict run_all(suite *s, eg_context *ctx, const char *folder, const eg_onnx_model *m, char *why, size_t size) {
	char path[PATH_MAX];
	struct stat there;
	verdict v = PASSED;
	int sets = 0;
	for (; v == PASSED; sets++) {
		data_set d = {0};
		eg_error err = {0};
		if (snprintf(path, sizeof path, "%s/test_data_set_%d", folder, sets) >= (int)sizeof path || stat(path, &there)) break;
		d.nin = read_all(path, "input", d.in, &err);
		d.nout = err.status ? 0 : read_all(path, "output", d.out, &err);
		if (err.status) snprintf(why, size, "%s", err.message);
		v = err.status ? SKIPPED : run_set(s, ctx, m, &d, why, size);
		drop(&d);
	}
	if (!sets) snprintf(why, size, "there is no test_data_set_0");
	return sets ? v : FAILED;
}

static verdict test(suite *s, const char *folder, const char *path, char *why, size_t size) {
	eg_error err = {0};
	verdict v = SKIPPED;
	eg_context *ctx = eg_context_new(NULL, &err);
	eg_onnx_file *f = ctx ? eg_onnx_file_load(path, &err) : NULL;
	if (f) v = run_all(s, ctx, folder, eg_onnx_file_model(f), why, size);
	else snprintf(why, size, "%s", err.message);
	eg_onnx_file_free(f);
	eg_context_free(ctx);
	return v;
}

/* ---- all cases --------------------------------------------------------------------------------------------------- */

static bool wanted(const suite *s, const char *name) {
	bool any = !s->nonly;
	for (int i = 0; i < s->nonly; i++) any |= strstr(name, s->only[i]) != NULL;
	return any;
}

static void count(suite *s, const char *folder, const char *path) {
	char why[1000] = "";
	const char *slash = strrchr(folder, '/'), *name = slash ? slash + 1 : folder;
	if (!wanted(s, name)) return;
	const verdict v = test(s, folder, path, why, sizeof why);
	s->passed += v == PASSED;
	s->failed += v == FAILED;
	if (v == FAILED) printf("FAILED %s: %s\n", name, why);
	if (v != SKIPPED) return;
	if (s->verbose) printf("skipped %s: %s\n", name, why);
	if (eg_grow(NULL, &s->reasons, &s->cap, s->skipped, sizeof *s->reasons)) s->reasons[s->skipped++] = strdup(why);
}

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void walk(suite *s, const char *folder, int depth) {
	char path[PATH_MAX];
	struct stat st;
	struct dirent **list;
	if (snprintf(path, sizeof path, "%s/model.onnx", folder) < (int)sizeof path && !stat(path, &st)) {
		count(s, folder, path);
		return;
	}
	const int n = depth < 4 ? scandir(folder, &list, NULL, alphasort) : 0;
	for (int i = 0; i < n; i++) {
		if (list[i]->d_name[0] != '.' && snprintf(path, sizeof path, "%s/%s", folder, list[i]->d_name) < (int)sizeof path && !stat(path, &st) &&
			S_ISDIR(st.st_mode))
			walk(s, path, depth + 1);
		free(list[i]);
	}
	if (n > 0) free(list);
}

static void tell(suite *s) {
	if (s->skipped) qsort(s->reasons, (size_t)s->skipped, sizeof *s->reasons, by_text);
	for (int i = 0, n = 1; i < s->skipped; i += n, n = 1) {
		while (i + n < s->skipped && !strcmp(s->reasons[i], s->reasons[i + n])) n++;
		printf("%4d skipped: %s\n", n, s->reasons[i]);
	}
	if (s->loose) printf("%4d outputs differ by more than %g of a number, but by less than the %g that ONNX's own tests allow\n", s->loose, relative, relative_there);
	printf("%d passed, %d failed, %d skipped\n", s->passed, s->failed, s->skipped);
	for (int i = 0; i < s->skipped; i++) free(s->reasons[i]);
	free(s->reasons);
}

int main(int argc, char **argv) {
	suite s = {0};
	int first = 1, n = argc;
	if (first < argc && !strcmp(argv[first], "-v")) s.verbose = true, first++;
	for (int i = first; i < argc; i++)
		if (!strcmp(argv[i], "-k")) s.only = argv + i + 1, s.nonly = argc - i - 1, n = i, i = argc;
	if (first >= n) {
		fprintf(stderr, "usage: onnx_suite [-v] DIR... [-k NAME...]\n");
		return 2;
	}
	eg_error err = {0};
	eg_onnx_file_free(eg_onnx_file_parse("", 0, "nothing", &err));
	if (strstr(err.message, "built without")) return 77;
	for (int i = first; i < n; i++) walk(&s, argv[i], 0);
	tell(&s);
	return s.failed || !s.passed;
}
