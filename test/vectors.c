/* vectors.c - do we compute what other systems compute? Runs the cases of a folder that make_vectors.py and
 * make_runs.py wrote (results of PyTorch in double precision) whose operator exists here.
 *
 *     vectors DIR [-v] [NAME...]     NAME: only files whose name contains it, !NAME: none of those; -v: a line for
 *                                    every case
 *
 * Every operator case is run with each instruction set that this machine has, on one thread and on two, in each
 * physical layout, by each algorithm, with the batch left open and fixed, and with its samples repeated so that there
 * are several blocks; where that leads to the same plan again, once. The mapping from a case to an operator goes
 * through the operator table: an operator added later finds its cases by itself. The last line is `N passed, M failed,
 * K skipped`. */
#define _POSIX_C_SOURCE 200809L /* scandir */
#include "support_plans.h"
#include "vectors.h"

#include "core/op.h"
#include "engram_train.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* LeNet-5, 40 steps: each loss, relative to it, and the weights at the end, relative to the largest of their
 * tensor. Rounding may decide which of two nearly equal values wins a pooling window (PLAIN against LANES, step 16:
 * 0.195550054 and 0.195549995), and that sends one gradient elsewhere; the activations then differ by 1e-6, ReLUs near
 * zero switch, and the following steps multiply it. So a run that departs after RUN_SURE steps, and not by more than
 * RUN_NEAR, in a loss or in the weights at the end, is done again from weights moved by a unit in the last place, and
 * one of RUN_TRIES must follow to the end. Each such departure is printed. */
static const double RUN_LOSS = 1e-5, RUN_WEIGHTS = 1e-5, RUN_NEAR = 1e-2;
enum { RUN_SURE = 20, RUN_TRIES = 6 };

enum {
	OPTIONS_MOST = 512,
	REPEATED_SAMPLES = 35,
	REPEATED_ELEMENTS = 40000,
	RUN_STEPS = 40,
	RUN_BATCH = 64
};

/* ---- comparing --------------------------------------------------------------------------------------------------- */

verdict vec_say(bench *b, verdict v, const char *fmt, ...) {
	va_list args;
	va_start(args, fmt);
	vsnprintf(b->text, sizeof b->text, fmt, args);
	va_end(args);
	return v;
}

/* got[i] must be factor * want[i % n], for n * repeat elements. */
verdict vec_compare(bench *b, const char *what, const char *how, const eg_real *got, const vec_tensor *want,
	int64_t repeat, double factor, double tolerance) {
	double largest = 0;
	if (!got) return vec_say(b, FAILED, "%s: %s is not computed", how, what);
	for (int64_t i = 0; i < want->count; i++) largest = fmax(largest, fabs(want->x[i]));
	if (largest == 0) largest = 1;
	for (int64_t i = 0; i < want->count * repeat; i++) {
		double w = factor * want->x[i % want->count],
		       error = fabs((double)got[i] - w) / (largest * fabs(factor));
		if (error > b->worst) {
			b->worst = error;
			snprintf(b->where, sizeof b->where, "%s, %s", what, how);
		}
		if (!(error <= tolerance))
			return vec_say(b, FAILED,
			        "%s: %s[%lld] is %.9g, expected %.9g (off by %.1e of the largest, allowed %.0e)", how,
			        what, (long long)i, (double)got[i], w, error, tolerance);
	}
	return PASSED;
}

void vec_put(eg_real *to, const vec_tensor *t, int64_t repeat) {
	for (int64_t i = 0; i < t->count * repeat; i++) to[i] = (eg_real)t->x[i % t->count];
}

/* ---- from a case to an operator ---------------------------------------------------------------------------------- */

/* Names in the cases for inputs and weights that are called otherwise here. */
static const struct alias {
	const char *ours, *theirs;
} aliases[] = {{"weight", "w"}, {"bias", "b"}, {"logits", "x"}, {"target", "t"}, {"ids", "i"},
	{"anchor", "a"}, {"positive", "p"}, {"negative", "n"}};

/* And for operators. */
static const struct op_alias {
	const char *ours, *theirs;
} op_aliases[] = {
	{"conv_transpose1d", "convtranspose1d"}, {"conv_transpose2d", "convtranspose2d"}, {"conv_transpose3d", "convtranspose3d"}};

static const eg_op_info *find_op(const char *name) {
	const eg_op_info *op = eg_op_find(name);
	for (int i = 0; !op && i < EG_COUNT(op_aliases); i++)
		if (!strcmp(op_aliases[i].theirs, name)) op = eg_op_find(op_aliases[i].ours);
	return op;
}

static const vec_tensor *find(const vec_file *f, const char *name) {
	const vec_tensor *t = vec_find(f, name);
	for (int i = 0; !t && i < EG_COUNT(aliases); i++)
		if (!strcmp(aliases[i].ours, name)) t = vec_find(f, aliases[i].theirs);
	return t;
}

/* Attributes of cases that say what an operator here always does. */
static bool implied(const char *op, const char *attr, json_t *value) {
	const char *word = json_string_value(value);
	if (!strcmp(op, "attention") && !strcmp(attr, "scale")) return word && !strcmp(word, "1/sqrt(d)");
	return !strcmp(op, "cross_entropy") && !strcmp(attr, "axis") && json_integer_value(value) == 1;
}

static bool set_ints(const eg_attr *a, char *options, json_t *value) {
	int *field = (int *)(void *)(options + a->offset), n = json_is_array(value) ? (int)json_array_size(value) : 1;
	if (n != a->count && n != 1) return false;
	for (int i = 0; i < a->count; i++) {
		json_t *v = json_is_array(value) ? json_array_get(value, (size_t)(n == 1 ? 0 : i)) : value;
		field[i] = (int)json_number_value(v);
		if (field[i] == 0) field[i] = EG_ZERO;
	}
	return true;
}

/* The graph copies the list before the next one is set. */
static bool set_list(const eg_attr *a, char *options, json_t *value) {
	static int at[2][EG_MAX_DIMS], turn;
	const int n = (int)json_array_size(value);
	if (!json_is_array(value) || n > EG_MAX_DIMS) return false;
	turn = !turn;
	for (int i = 0; i < n; i++) at[turn][i] = (int)json_integer_value(json_array_get(value, (size_t)i));
	*(eg_ints *)(void *)(options + a->offset) = (eg_ints){at[turn], n};
	return true;
}

static bool set_floats(const eg_attr *a, char *options, json_t *value) {
	static float at[EG_MAX_DIMS];
	const int n = (int)json_array_size(value);
	if (!json_is_array(value) || n > EG_MAX_DIMS) return false;
	for (int i = 0; i < n; i++) at[i] = (float)json_number_value(json_array_get(value, (size_t)i));
	*(eg_floats *)(void *)(options + a->offset) = (eg_floats){at, n};
	return true;
}

bool vec_set_attr(const eg_attr *a, char *options, json_t *value) {
	void *field = options + a->offset;
	switch (a->type) {
	case EG_ATTR_INT:
	case EG_ATTR_INTS: return set_ints(a, options, value);
	case EG_ATTR_FLOAT:
		*(float *)field = (float)json_number_value(value);
		if (*(float *)field == 0) *(float *)field = EG_ZERO_F;
		return json_is_number(value);
	case EG_ATTR_BOOL: *(bool *)field = json_is_true(value); return json_is_boolean(value);
	case EG_ATTR_NOT: *(bool *)field = !json_is_true(value); return json_is_boolean(value);
	case EG_ATTR_ENUM:
		for (int i = 0; a->names[i]; i++)
			if (json_is_string(value) && !strcmp(a->names[i], json_string_value(value))) {
				*(int *)field = i;
				return true;
			}
		return false;
	case EG_ATTR_INT_LIST: return set_list(a, options, value);
	case EG_ATTR_FLOAT_LIST: return set_floats(a, options, value);
	case EG_ATTR_STRING: return false;
	}
	return false;
}

static const eg_attr *attr_of(const eg_op_info *op, const char *name) {
	for (int i = 0; i < op->nattrs; i++)
		if (!strcmp(op->attrs[i].name, name)) return &op->attrs[i];
	return NULL;
}

/* What the weights say about a size that has to be given: filters, units. */
static int size_of(const vec_file *f, const eg_op_info *op, const char *name, const vec_tensor *w) {
	if (!strncmp(op->name, "conv_transpose", strlen("conv_transpose")))
		return (int)(w->d[1] * json_integer_value(json_object_get(f->attrs, "groups")));
	return (int)w->d[strcmp(name, "size") ? 0 : 1];
}

/* Options from the case's attributes, sizes of layers from the weights, and whether there is a bias. */
static verdict fill_options(bench *b, const vec_file *f, const eg_op_info *op, char *options) {
	const char *name;
	json_t *value;
	json_object_foreach(f->attrs, name, value) {
		const eg_attr *a = attr_of(op, name);
		if (implied(op->name, name, value)) continue;
		if (!strcmp(name, "training") && attr_of(op, "frozen")) { /* batch normalisation with running
		                                                           * statistics, in training too */
			*(bool *)(options + attr_of(op, "frozen")->offset) = !json_is_true(value);
			continue;
		}
		if (!a) return vec_say(b, SKIPPED, "%s has no attribute '%s'", op->name, name);
		if (!vec_set_attr(a, options, value))
			return vec_say(b, SKIPPED, "attribute '%s' of %s cannot take this value", name, op->name);
	}
	const vec_tensor *w = op->params ? find(f, "weight") : NULL;
	for (int i = 0; i < op->nattrs; i++) {
		const eg_attr *a = &op->attrs[i];
		if (a->type == EG_ATTR_INT && isnan(a->def) && !json_object_get(f->attrs, a->name) && w)
			*(int *)(void *)(options + a->offset) = size_of(f, op, a->name, w);
		if (a->type == EG_ATTR_NOT && !strcmp(a->name, "bias"))
			*(bool *)(options + a->offset) = !find(f, "bias");
	}
	return PASSED;
}

/* ---- one operator case, one way ---------------------------------------------------------------------------------- */

typedef struct way {
	eg_context *ctx;
	eg_layout_choice layout;
	eg_algorithm algorithm;
	bool open;      /* the batch is EG_N */
	int64_t repeat; /* the samples so many times after each other */
	char text[128];
} way;

static eg_dims dims_of(const vec_tensor *t, bool batch, const way *w) {
	eg_dims d = {.rank = t->rank};
	for (int i = 0; i < t->rank; i++) d.d[i] = t->d[i];
	if (batch) d.d[0] = w->open ? EG_N : d.d[0] * w->repeat;
	return d;
}

typedef struct job {
	const vec_file *file;
	const eg_op_info *op;
	const vec_tensor *in[EG_MAX_INPUTS];
	bool batch[EG_MAX_INPUTS]; /* the first dimension counts samples */
	int nin;
	char *options;
} job;

static void build(const job *j, const way *w, eg_graph *g) {
	eg_tensor in[EG_MAX_INPUTS] = {{0}};
	for (int i = 0; i < j->nin; i++)
		if (j->in[i])
			in[i] = eg_input(g, j->op->inputs[i], j->in[i]->integer ? EG_I32 : EG_F32,
			        dims_of(j->in[i], j->batch[i], w));
	eg_output(g, "y", eg_apply(g, j->op->name, j->op->options_size ? j->options : NULL, in, j->nin));
}

static bool put_params(const job *j, eg_params *p) {
	for (int i = 0; i < eg_params_count(p); i++) {
		const vec_tensor *t = find(j->file, strrchr(eg_params_name(p, i), '.') + 1);
		eg_dims d = eg_params_dims(p, i);
		if (!t || eg_dims_count(&d, 0) != t->count) return false;
		vec_put(eg_params_data(p, i), t, 1);
	}
	eg_params_changed(p);
	return true;
}

static void put_inputs(const job *j, const way *w, eg_plan *plan) {
	for (int i = 0; i < j->nin; i++) {
		const vec_tensor *t = j->in[i];
		void *to = t ? eg_plan_input(plan, j->op->inputs[i]) : NULL;
		int64_t repeat = t && j->batch[i] ? w->repeat : 1;
		if (!to) continue;
		if (!t->integer) vec_put(to, t, repeat);
		for (int64_t k = 0; t->integer && k < t->count * repeat; k++)
			((int32_t *)to)[k] = (int32_t)t->x[k % t->count];
	}
}

static const vec_tensor *grad_of(const vec_file *f, const char *name) {
	char grad[64];
	snprintf(grad, sizeof grad, "%s.grad", name);
	return vec_find(f, grad);
}

/* An operator that chooses is asked for each algorithm in turn; with pictures in lanes there is one alone, and the
 * reference has one kernel for most. */
static int algorithms_of(const eg_op_info *info, const eg_context *ctx, int layout) {
	for (int i = 0; i < eg_ops_count; i++)
		if (&eg_ops[i]->info == info && eg_ops[i]->cost && layout != EG_LAYOUT_LANES)
			return strcmp(eg_context_isa(ctx), "ref") ? EG_ALGORITHMS : EG_ALGORITHM_DEPTHWISE;
	return 1;
}

/* Winograd's rounding is that of its transforms. */
static double tolerance_of(const way *w) {
	return w->algorithm == EG_ALGORITHM_WINOGRAD4 ? 20 * VEC_TOLERANCE
	       : w->algorithm == EG_ALGORITHM_WINOGRAD2 ? 5 * VEC_TOLERANCE : VEC_TOLERANCE;
}

/* Repeating the samples repeats y and its gradients and adds up the gradients of weights; a mean over samples
 * (scalar y) stays, and the gradients of its samples get smaller. */
static verdict compare_all(bench *b, const job *j, const way *w, eg_plan *plan, eg_params *p, bool train) {
	const vec_tensor *y = vec_find(j->file, "y");
	int64_t n = w->repeat;
	bool scalar = y->rank == 0;
	verdict v = vec_compare(b, "y", w->text, eg_plan_output(plan, "y"), y, scalar ? 1 : n, 1, tolerance_of(w));
	for (int i = 0; train && v == PASSED && i < j->nin; i++) {
		const vec_tensor *dx = j->in[i] ? grad_of(j->file, j->in[i]->name) : NULL;
		if (dx)
			v = vec_compare(b, dx->name, w->text, eg_plan_grad(plan, j->op->inputs[i]), dx, j->batch[i] ? n : 1,
			        j->batch[i] ? (scalar ? 1 / (double)n : 1) : (scalar ? 1 : (double)n), tolerance_of(w));
	}
	for (int i = 0; train && v == PASSED && i < eg_params_count(p); i++) {
		const vec_tensor *t = find(j->file, strrchr(eg_params_name(p, i), '.') + 1),
		                 *dw = grad_of(j->file, t->name);
		if (dw)
			v = vec_compare(
			        b, dw->name, w->text, eg_params_grad(p, i), dw, 1, scalar ? 1 : (double)n, tolerance_of(w));
	}
	return v;
}

/* Running statistics NAME become NAME_out with the first run. */
static verdict compare_state(bench *b, const job *j, const way *w, eg_params *p) {
	verdict v = PASSED;
	for (int i = 0; i < eg_params_count(p) && v == PASSED; i++) {
		char name[64];
		snprintf(name, sizeof name, "%s_out", strrchr(eg_params_name(p, i), '.') + 1);
		const vec_tensor *t = vec_find(j->file, name);
		if (t && !eg_params_trained(p, i)) v = vec_compare(b, name, w->text, eg_params_data(p, i), t, 1, 1, VEC_TOLERANCE);
	}
	return v;
}

/* Twice, so that a second run finds everything as it must be. Not at all, if another way has led to the same plan. */
static verdict run_plan(bench *b, const job *j, const way *w, plans *done, eg_graph *g, eg_params *p, bool train) {
	eg_error err = {0};
	const vec_tensor *dy = vec_find(j->file, "y.grad"), *y = vec_find(j->file, "y");
	int batch = j->in[0]->rank ? (int)(j->in[0]->d[0] * w->repeat) : 1;
	eg_plan *plan = eg_plan_new(g, p,
	        &(eg_plan_options){
	                .batch = w->open ? batch : 1, .train = train, .input_grads = train, .layout = w->layout,
	                .algorithm = w->algorithm, .exact = w->algorithm < EG_ALGORITHM_WINOGRAD2}, &err);
	if (!plan) return vec_say(b, FAILED, "%s: %s", w->text, err.message);
	char kind[80];
	snprintf(kind, sizeof kind, "%s, %d threads, %d, %lld, %d", eg_context_isa(w->ctx), eg_context_threads(w->ctx), w->open, (long long)w->repeat, train);
	if (!plans_add(done, kind, plan)) {
		eg_plan_free(plan);
		return PASSED;
	}
	put_inputs(j, w, plan);
	eg_real *seed = train ? eg_plan_grad(plan, "y") : NULL;
	verdict v = PASSED;
	if (train && !seed) v = vec_say(b, FAILED, "%s: y takes no gradient", w->text);
	if (seed && dy) vec_put(seed, dy, y->rank ? w->repeat : 1);
	for (int i = 0; i < 2 && v == PASSED; i++) {
		eg_plan_run(plan, 0);
		v = compare_all(b, j, w, plan, p, train);
		if (v == PASSED && train && i == 0 && w->repeat == 1) v = compare_state(b, j, w, p);
	}
	eg_plan_free(plan);
	return v;
}

static verdict run_way(bench *b, const job *j, const way *w, plans *done) {
	eg_error err = {0};
	verdict v = PASSED;
	eg_graph *g = eg_graph_new(w->ctx, &err);
	eg_params *p = NULL;
	if (g) {
		build(j, w, g);
		p = eg_params_new(g, 1, &err); /* which tells what is wrong with the graph */
	}
	if (!p)
		v = vec_say(b, FAILED, "%s: %s", w->text, err.message);
	else if (!put_params(j, p))
		v = vec_say(b, FAILED, "%s: the weights have another shape here", w->text);
	bool training = json_is_true(json_object_get(j->file->attrs, "training")); /* means nothing in inference */
	for (int train = training; train < 2 && v == PASSED; train++) v = run_plan(b, j, w, done, g, p, train != 0);
	eg_params_free(p);
	eg_graph_free(g);
	return v;
}

const char *const vec_layouts[EG_LAYOUT_CHOICES] = {"", ", plain", ", lanes", ", blocked"};

static verdict run_ways(bench *b, const job *j) {
	static const char *const algorithms[EG_ALGORITHMS] = {
	        "", ", implicit", ", direct", ", depthwise", ", winograd2", ", winograd4"};
	int64_t n = j->in[0]->rank ? j->in[0]->d[0] : 1, most = j->batch[0] ? (REPEATED_SAMPLES + n - 1) / n : 1;
	verdict v = PASSED;
	plans done = {0};
	for (int c = 0; c < b->contexts; c++)
		for (int layout = EG_LAYOUT_AUTO; layout < EG_LAYOUT_CHOICES; layout++)
			for (int a = 0; a < algorithms_of(j->op, b->ctx[c], layout); a++)
				for (int open = 0; open <= (j->batch[0] ? 1 : 0); open++)
					for (int64_t repeat = 1; repeat <= most && v == PASSED;
					        repeat += most > 1 ? most - 1 : 1) {
						way w = {b->ctx[c], (eg_layout_choice)layout, (eg_algorithm)a, open != 0,
						        repeat, ""};
						snprintf(w.text, sizeof w.text, "%s, %d threads%s%s%s, batch %lld",
						        eg_context_isa(w.ctx), eg_context_threads(w.ctx),
						        vec_layouts[layout], algorithms[a], open ? ", open batch" : "",
						        (long long)(n * repeat));
						v = run_way(b, j, &w, &done);
					}
	plans_forget(&done);
	return v;
}

/* PyTorch's interpolation is upsample2d here where it repeats values, else resize: its name, and its attributes changed
 * to ours. */
static const char *operator_of(const vec_file *f) {
	json_t *scale = json_object_get(f->attrs, "scale");
	const char *mode = json_string_value(json_object_get(f->attrs, "mode"));
	if (strcmp(f->op, "upsample2d") || !mode || !scale) return f->op;
	if (!strcmp(mode, "nearest")) return json_object_del(f->attrs, "mode"), f->op;
	const bool corners = json_is_true(json_object_get(f->attrs, "align_corners"));
	json_object_set(f->attrs, "scales", scale);
	json_object_set_new(f->attrs, "mode", json_string(!strcmp(mode, "bicubic") ? "cubic" : !strcmp(mode, "bilinear") ? "linear" : mode));
	json_object_set_new(f->attrs, "coordinates", json_string(corners ? "align_corners" : "half_pixel"));
	json_object_del(f->attrs, "scale");
	json_object_del(f->attrs, "align_corners");
	return "resize";
}

static verdict run_operator(bench *b, const vec_file *f) {
	const eg_op_info *op = find_op(operator_of(f));
	_Alignas(16) char options[OPTIONS_MOST] = {0};
	job j = {.file = f, .op = op, .options = options};
	if (!op) return vec_say(b, SKIPPED, "there is no operator '%s'", f->op);
	if (op->options_size > sizeof options)
		return vec_say(b, FAILED, "the options of %s are larger than this program expects", op->name);
	verdict v = fill_options(b, f, op, options);
	if (v != PASSED) return v;
	const vec_tensor *y = vec_find(f, "y");
	for (int i = 0; i < op->max_inputs; i++) {
		j.in[i] = find(f, op->inputs[i]);
		if (j.in[i]) j.nin = i + 1;
		if (!j.in[i] && i < op->min_inputs) return vec_say(b, SKIPPED, "the case has no input '%s'", op->inputs[i]);
		/* samples: as many as the first input has; a list beyond the second input is one of class weights */
		bool list = i >= 2 && j.in[i] && j.in[i]->rank == 1;
		j.batch[i] = j.in[i] && j.in[i]->rank > 0 && !list && j.in[i]->d[0] == j.in[0]->d[0];
	}
	if (!y) return vec_say(b, SKIPPED, "the case has no output 'y'");
	return run_ways(b, &j);
}

/* ---- graphs by hand ---------------------------------------------------------------------------------------------- */

/* An operator with attributes given as text, {"filters": 6, "kernel": 5}. */
static eg_tensor layer(eg_graph *g, const char *name, const char *attrs, const eg_tensor *in, int n) {
	_Alignas(16) char options[OPTIONS_MOST] = {0};
	const eg_op_info *op = eg_op_find(name);
	json_t *json = json_loads(attrs, 0, NULL), *value;
	const char *key;
	json_object_foreach(json, key, value) vec_set_attr(attr_of(op, key), options, value);
	eg_tensor t = eg_apply(g, name, op->options_size ? options : NULL, in, n);
	json_decref(json);
	return t;
}

/* ---- optimizers -------------------------------------------------------------------------------------------------- */

static verdict optimizer_config(bench *b, const vec_file *f, eg_optimizer_config *c) {
	static const char *const kinds[] = {"sgd", "adam", "adamw", "rmsprop", "adagrad", "adadelta", "nadam", "muon"};
	const char *name, *kind = json_string_value(json_object_get(f->attrs, "name"));
	json_t *value;
	int known = -1;
	for (int i = 0; i < EG_COUNT(kinds); i++)
		if (kind && !strcmp(kind, kinds[i])) known = i;
	if (known < 0) return vec_say(b, SKIPPED, "there is no optimizer '%s'", kind ? kind : "");
	*c = (eg_optimizer_config){.kind = (eg_optimizer_kind)known};
	json_object_foreach(f->attrs, name, value) {
		if (!strcmp(name, "lr"))
			c->lr = json_number_value(value);
		else if (!strcmp(name, "momentum"))
			c->momentum = json_number_value(value);
		else if (!strcmp(name, "weight_decay"))
			c->weight_decay = json_number_value(value);
		else if (!strcmp(name, "eps"))
			c->eps = json_number_value(value);
		else if (!strcmp(name, "alpha") || !strcmp(name, "rho"))
			c->alpha = json_number_value(value);
		else if (!strcmp(name, "momentum_decay"))
			c->momentum_decay = json_number_value(value);
		else if (!strcmp(name, "nesterov"))
			c->nesterov = json_is_true(value);
		else if (!strcmp(name, "centered"))
			c->centered = json_is_true(value);
		else if (!strcmp(name, "betas")) {
			c->beta1 = json_number_value(json_array_get(value, 0));
			c->beta2 = json_number_value(json_array_get(value, 1));
		} else if (strcmp(name, "name"))
			return vec_say(b, SKIPPED, "the optimizer has no attribute '%s'", name);
	}
	return PASSED;
}

/* A graph with weights of these sizes: linear layers with one input and so many outputs. */
static eg_params *weights(eg_graph *g, const int64_t *sizes, int n, eg_error *err) {
	char attrs[64];
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 1));
	for (int i = 0; i < n; i++) {
		snprintf(attrs, sizeof attrs, "{\"units\": %lld, \"bias\": false}", (long long)sizes[i]);
		layer(g, "linear", attrs, &x, 1);
	}
	return eg_params_new(g, 1, err);
}

static verdict trajectory(bench *b, const vec_file *f, const eg_optimizer_config *c, eg_context *ctx, int64_t repeat) {
	eg_error err = {0};
	const vec_tensor *w0 = vec_find(f, "w0"), *g = vec_find(f, "g"), *w = vec_find(f, "w");
	char how[64];
	int64_t size = w0->count * repeat;
	eg_graph *graph = eg_graph_new(ctx, &err);
	eg_params *p = graph ? weights(graph, &size, 1, &err) : NULL;
	eg_optimizer *o = p ? eg_optimizer_new(p, c, &err) : NULL;
	verdict v = o ? PASSED : vec_say(b, FAILED, "%s", err.message);
	if (o) vec_put(eg_params_data(p, 0), w0, repeat);
	for (int64_t i = 0; v == PASSED && i < g->d[0]; i++) {
		vec_tensor gi = {.count = w0->count, .x = g->x + i * w0->count},
		           wi = {.count = w0->count, .x = w->x + i * w0->count};
		vec_put(eg_params_grad(p, 0), &gi, repeat);
		snprintf(how, sizeof how, "%s, %d threads, step %lld", eg_context_isa(ctx), eg_context_threads(ctx),
		        (long long)i + 1);
		if (eg_optimizer_step(o, c->lr, NULL, &err))
			v = vec_say(b, FAILED, "%s: %s", how, err.message);
		else
			v = vec_compare(b, "w", how, eg_params_data(p, 0), &wi, repeat, 1, VEC_TOLERANCE);
	}
	eg_optimizer_free(o);
	eg_params_free(p);
	eg_graph_free(graph);
	return v;
}

static verdict run_optimizer(bench *b, const vec_file *f) {
	eg_optimizer_config c;
	verdict v = optimizer_config(b, f, &c);
	const vec_tensor *w0 = vec_find(f, "w0");
	if (v == PASSED && (!w0 || !vec_find(f, "g") || !vec_find(f, "w")))
		v = vec_say(b, FAILED, "tensor w0, g or w is missing");
	for (int i = 0; i < b->contexts && v == PASSED; i++) {
		v = trajectory(b, f, &c, b->ctx[i], 1);
		if (v == PASSED) v = trajectory(b, f, &c, b->ctx[i], REPEATED_ELEMENTS / w0->count + 1);
	}
	return v;
}

/* From weights of zero, one SGD step with rate 1 leaves the clipped gradient, negative. */
static verdict clip(bench *b, const vec_file *f, eg_context *ctx) {
	eg_error err = {0};
	const vec_tensor *g0 = vec_find(f, "g0"), *g1 = vec_find(f, "g1"), *c0 = vec_find(f, "c0"),
	                 *c1 = vec_find(f, "c1"), *n = vec_find(f, "norm");
	double norm = 0, most = json_number_value(json_object_get(f->attrs, "max_norm"));
	if (!g0 || !g1 || !c0 || !c1 || !n) return vec_say(b, FAILED, "a tensor is missing");
	eg_graph *graph = eg_graph_new(ctx, &err);
	eg_params *p = graph ? weights(graph, (int64_t[]){g0->count, g1->count}, 2, &err) : NULL;
	eg_optimizer *o = p ? eg_optimizer_new(p, &(eg_optimizer_config){.lr = 1, .clip_norm = most}, &err) : NULL;
	verdict v = FAILED;
	size_t total;
	if (o) {
		eg_real *flat = eg_params_flat(p, &total);
		memset(flat, 0, total * sizeof *flat);
		vec_put(eg_params_grad(p, 0), g0, 1);
		vec_put(eg_params_grad(p, 1), g1, 1);
	}
	if (!o || eg_optimizer_step(o, 1, &norm, &err)) {
		vec_say(b, FAILED, "%s", err.message);
	} else {
		eg_real got = (eg_real)norm;
		v = vec_compare(b, "norm", eg_context_isa(ctx), &got, n, 1, 1, VEC_TOLERANCE);
		if (v == PASSED) v = vec_compare(b, "c0", eg_context_isa(ctx), eg_params_data(p, 0), c0, 1, -1, VEC_TOLERANCE);
		if (v == PASSED) v = vec_compare(b, "c1", eg_context_isa(ctx), eg_params_data(p, 1), c1, 1, -1, VEC_TOLERANCE);
	}
	eg_optimizer_free(o);
	eg_params_free(p);
	eg_graph_free(graph);
	return v;
}

static verdict run_clip(bench *b, const vec_file *f) {
	verdict v = PASSED;
	for (int i = 0; i < b->contexts && v == PASSED; i++) v = clip(b, f, b->ctx[i]);
	return v;
}

/* ---- LeNet-5, 40 steps ------------------------------------------------------------------------------------------- */

static void lenet(eg_graph *g) {
	static const char *const layers[][2] = {{"conv2d", "{\"filters\": 6, \"kernel\": 5, \"padding\": 2}"},
	        {"relu", "{}"}, {"maxpool2d", "{\"kernel\": 2}"}, {"conv2d", "{\"filters\": 16, \"kernel\": 5}"},
	        {"relu", "{}"}, {"maxpool2d", "{\"kernel\": 2}"}, {"conv2d", "{\"filters\": 120, \"kernel\": 5}"},
	        {"relu", "{}"}, {"flatten", "{}"}, {"linear", "{\"units\": 84}"}, {"relu", "{}"},
	        {"linear", "{\"units\": 10}"}};
	eg_tensor t[2] = {eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 1, 28, 28))};
	for (int i = 0; i < EG_COUNT(layers); i++) t[0] = layer(g, layers[i][0], layers[i][1], t, 1);
	t[1] = eg_input(g, "t", EG_I32, EG_DIMS(EG_N));
	eg_output(g, "loss", layer(g, "cross_entropy", "{}", t, 2));
}

/* The weights of PyTorch's layers 0, 3, 6, 9 and 11, weight and bias in turn. */
static const vec_tensor *run_tensor(const vec_file *f, const char *when, int param) {
	static const char *const names[] = {"0.weight", "0.bias", "3.weight", "3.bias", "6.weight", "6.bias",
	        "9.weight", "9.bias", "11.weight", "11.bias"};
	char name[64];
	snprintf(name, sizeof name, "%s.%s", when, param < EG_COUNT(names) ? names[param] : "");
	return vec_find(f, name);
}

/* The weights before training, those of later tries moved by a unit in the last place up, down or not at all. */
static bool put_weights(const vec_file *f, eg_params *p, int try) {
	for (int i = 0; i < eg_params_count(p); i++) {
		const vec_tensor *t = run_tensor(f, "before", i);
		eg_real *w = eg_params_data(p, i);
		if (!t) return false;
		vec_put(w, t, 1);
		for (int64_t k = 0; try && k < t->count; k++)
			w[k] *= (eg_real)(1 + 0x1p-23 * (1 - (double)eg_rng_below((eg_rng){(uint64_t)try, (uint64_t)i},
			                                             (uint64_t)k, 3)));
	}
	eg_params_changed(p);
	return true;
}

typedef struct course {
	eg_plan *plan;
	eg_params *params;
	eg_optimizer *optimizer;
	const unsigned char *data; /* pictures, then labels */
	char how[80];
	int departed;       /* step, from 1, of the last try's departure */
	double loss, wanted; /* there */
} course;

/* SKIPPED: departed late and little. */
static verdict run_steps(bench *b, const vec_file *f, course *c, int try) {
	const vec_tensor *losses = vec_find(f, "loss");
	const unsigned char *labels = c->data + RUN_STEPS * RUN_BATCH * 784;
	eg_real *x = eg_plan_input(c->plan, "x");
	int32_t *t = eg_plan_input(c->plan, "t");
	char what[64];
	if (!put_weights(f, c->params, try)) return vec_say(b, FAILED, "the weights before training are missing");
	for (int s = 0; s < RUN_STEPS; s++) {
		for (int i = 0; i < RUN_BATCH * 784; i++) x[i] = (eg_real)c->data[s * RUN_BATCH * 784 + i] / 255;
		for (int i = 0; i < RUN_BATCH; i++) t[i] = labels[s * RUN_BATCH + i];
		eg_plan_run(c->plan, (uint64_t)s);
		const eg_real *loss = eg_plan_output(c->plan, "loss");
		vec_tensor want = {.count = 1, .x = losses->x + s};
		snprintf(what, sizeof what, "loss of step %d", s + 1);
		if (vec_compare(b, what, c->how, loss, &want, 1, 1, RUN_LOSS)) {
			c->departed = s + 1;
			c->loss = (double)*loss;
			c->wanted = (double)want.x[0];
			return s >= RUN_SURE && fabs(c->loss - c->wanted) < RUN_NEAR ? SKIPPED : FAILED;
		}
		if (eg_optimizer_step(c->optimizer, 0.05, NULL, NULL))
			return vec_say(b, FAILED, "%s: the gradient is not finite in step %d", c->how, s + 1);
	}
	for (int i = 0; i < eg_params_count(c->params); i++) {
		const vec_tensor *w = run_tensor(f, "after", i);
		if (!w) return FAILED;
		if (!vec_compare(b, w->name, c->how, eg_params_data(c->params, i), w, 1, 1, RUN_WEIGHTS)) continue;
		c->departed = RUN_STEPS + 1; /* too late for a loss to show it */
		return vec_compare(b, w->name, c->how, eg_params_data(c->params, i), w, 1, 1, RUN_NEAR) ? FAILED : SKIPPED;
	}
	return PASSED;
}

static verdict run_lenet(
	bench *b, const vec_file *f, eg_context *ctx, eg_layout_choice layout, bool bare, const unsigned char *data) {
	eg_error err = {0};
	course c = {.data = data};
	verdict v = SKIPPED;
	snprintf(c.how, sizeof c.how, "%s, %d threads, layout %d%s", eg_context_isa(ctx), eg_context_threads(ctx),
	        (int)layout, bare ? ", nothing fused or deferred" : "");
	eg_graph *g = eg_graph_new(ctx, &err);
	if (g) lenet(g);
	c.params = g ? eg_params_new(g, 1, &err) : NULL;
	eg_plan_options o = {.batch = RUN_BATCH, .train = true, .layout = layout, .no_fusion = bare, .no_defer = bare};
	c.plan = c.params ? eg_plan_new(g, c.params, &o, &err) : NULL;
	for (int try = 0; try < RUN_TRIES && v == SKIPPED; try++) {
		double worst = b->worst;
		c.optimizer = c.plan ? eg_optimizer_new(c.params, &(eg_optimizer_config){.lr = 0.05, .momentum = 0.9}, &err)
		                     : NULL;
		v = c.optimizer ? run_steps(b, f, &c, try)
		                : vec_say(b, FAILED, "%s: %s", c.how, err.message);
		if (v == SKIPPED) {
			b->worst = worst;
			if (c.departed > RUN_STEPS)
				printf("note run-lenet5, %s: try %d departs in its last weights: %s\n", c.how, try + 1, b->text);
			else
				printf("note run-lenet5, %s: try %d departs at step %d, loss %.8f for %.8f\n", c.how, try + 1,
				        c.departed, c.loss, c.wanted);
		}
		eg_optimizer_free(c.optimizer);
	}
	eg_plan_free(c.plan);
	eg_params_free(c.params);
	eg_graph_free(g);
	return v == SKIPPED ? FAILED : v;
}

/* ref is slow: it runs in one way only. */
static verdict run_run(bench *b, const vec_file *f) {
	const vec_tensor *losses = vec_find(f, "loss");
	if (vec_find(f, "before.lstm.weight_ih_l0")) return vec_run_charlstm(b, f);
	if (!vec_find(f, "before.11.weight") || !losses || losses->count != RUN_STEPS)
		return vec_say(b, SKIPPED, "a run of another network");
	unsigned char *data = malloc(RUN_STEPS * RUN_BATCH * 785);
	verdict v = PASSED;
	if (!data || !vec_pictures(data, data + RUN_STEPS * RUN_BATCH * 784, RUN_STEPS * RUN_BATCH))
		v = vec_say(b, SKIPPED, "Fashion-MNIST is not here; install dataset-fashion-mnist or set ENGRAM_DATA");
	for (int i = 0; i < b->contexts && v == PASSED; i++) {
		bool slow = !strcmp(eg_context_isa(b->ctx[i]), "ref"), two = eg_context_threads(b->ctx[i]) > 1;
		if (slow && !two) continue;
		for (int layout = EG_LAYOUT_AUTO; layout <= (slow ? EG_LAYOUT_AUTO : EG_LAYOUT_BLOCKED) && v == PASSED;
		        layout++)
			v = run_lenet(b, f, b->ctx[i], (eg_layout_choice)layout, false, data);
		if (v == PASSED && !slow) v = run_lenet(b, f, b->ctx[i], EG_LAYOUT_AUTO, true, data);
	}
	free(data);
	return v;
}

/* ---- the program ------------------------------------------------------------------------------------------------- */

static verdict run_case(bench *b, const char *folder, const char *name) {
	static const char *const words[] = {"ok", "FAIL", "skip"};
	char path[1200], why[200];
	vec_file f;
	verdict v;
	b->worst = 0;
	b->where[0] = b->text[0] = '\0';
	snprintf(path, sizeof path, "%s/%s", folder, name);
	if (!vec_read(&f, path, why, sizeof why)) {
		v = vec_say(b, FAILED, "%s", why);
	} else {
		v = !strcmp(f.op, "optimizer")        ? run_optimizer(b, &f)
		    : !strcmp(f.op, "clip_grad_norm") ? run_clip(b, &f)
		    : !strcmp(f.op, "run")            ? run_run(b, &f)
		    : !strcmp(f.op, "recurrent")      ? vec_run_recurrent(b, &f)
		    : !strcmp(f.op, "ctc")            ? vec_run_ctc(b, &f)
		    : !strcmp(f.op, "crf")            ? vec_run_crf(b, &f)
		                                      : run_operator(b, &f);
		vec_free(&f);
	}
	if (v == PASSED && b->verbose)
		printf("%-4s %s: off by %.1e at most (%s)\n", words[v], name, b->worst, b->where);
	else if (v == FAILED || b->verbose)
		printf("%-4s %s: %s\n", words[v], name, b->text);
	fflush(stdout);
	return v;
}

static void make_contexts(bench *b) {
	static const char *const isas[] = {"ref", "neon", "avx2", "avx512"};
	for (int i = 0; i < EG_COUNT(isas); i++)
		for (int threads = 1; threads <= 2; threads++) {
			eg_context *ctx = eg_context_new(
			        &(eg_context_options){.threads = threads, .isa = isas[i]}, NULL);
			if (ctx) b->ctx[b->contexts++] = ctx;
		}
}

static int is_case(const struct dirent *e) {
	size_t n = strlen(e->d_name), end = strlen(".safetensors");
	return n > end && !strcmp(e->d_name + n - end, ".safetensors");
}

static bool asked_for(const char *file, char **names, int n) {
	bool any = false, found = false;
	for (int i = 0; i < n; i++) {
		const bool out = names[i][0] == '!';
		if (out && strstr(file, names[i] + 1)) return false;
		any |= !out;
		found |= !out && strstr(file, names[i]);
	}
	return found || !any;
}

int main(int argc, char **argv) {
	bench b = {0};
	char *names[64];
	const char *folder = NULL;
	int n = 0, count[3] = {0};
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "-v"))
			b.verbose = true;
		else if (argv[i][0] == '-' || n == EG_COUNT(names))
			return fprintf(stderr, "usage: vectors DIR [-v] [NAME...]\n"), 2;
		else if (!folder)
			folder = argv[i];
		else
			names[n++] = argv[i];
	}
	struct dirent **entries = NULL;
	int found = folder ? scandir(folder, &entries, is_case, alphasort) : -1;
	if (found < 0)
		return fprintf(stderr, folder ? "vectors: no folder %s\n" : "usage: vectors DIR [-v] [NAME...]\n",
		               folder),
		       2;
	make_contexts(&b);
	for (int i = 0; i < found; i++) {
		if (asked_for(entries[i]->d_name, names, n)) count[run_case(&b, folder, entries[i]->d_name)]++;
		free(entries[i]);
	}
	free(entries);
	for (int i = 0; i < b.contexts; i++) eg_context_free(b.ctx[i]);
	printf("%d passed, %d failed, %d skipped\n", count[PASSED], count[FAILED], count[SKIPPED]);
	return count[FAILED] || !count[PASSED];
}
