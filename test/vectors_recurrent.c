/* vectors_recurrent.c - the recurrent cases: from PyTorch's names, gate order and two biases to ours, all outputs
 * and all
 * gradients; and the run of a character network of two LSTM layers whose state is carried from step to step. */
#include "vectors.h"

#include "engram_train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OPTIONS_MOST = 512, RUN_STEPS = 40, STREAMS = 8, STREAM_BYTES = 1300, WINDOW = 32 };

/* Loss of each step of the run, relative to it. */
static const double RUN_LOSS = 1e-4;

/* ---- weights: theirs and ours ------------------------------------------------------------------------------------ */

typedef struct cell {
	const char *name;
	int gates;
	int from[4]; /* our gate k is their gate from[k] */
} cell;
static const cell cells[] = {{"rnn", 1, {0}}, {"lstm", 4, {0, 3, 1, 2}}, {"gru", 3, {1, 0, 2}}};

/* A file whose weights are called prefix + PyTorch's names, or w, r, b, ... in our order already. */
typedef struct weights {
	const vec_file *f;
	const cell *cell;
	const char *prefix;
	bool pytorch;
	int dirs;
} weights;

static const vec_tensor *named(const weights *w, bool grad, const char *name) {
	char text[128];
	snprintf(text, sizeof text, "%s%s%s", w->prefix, name, grad ? ".grad" : "");
	return vec_find(w->f, text);
}

/* Appends gates [first,last) of a tensor of `gates` blocks to `to` at *n; their order becomes ours. */
static bool append(
	const vec_tensor *t, const weights *w, int gates, int first, int last, bool add, double *to, int64_t *n) {
	if (!t) return false;
	int64_t block = t->count / gates;
	for (int k = first; k < last; k++)
		for (int64_t i = 0; i < block; i++) {
			double x = t->x[(gates > 1 && w->pytorch ? w->cell->from[k] : k) * block + i];
			to[*n] = add ? to[*n] + x : x;
			(*n)++;
		}
	return true;
}

/* The part of our weight `what` of layer l that belongs to direction d. */
static bool append_theirs(const weights *w, const char *what, int l, int d, bool grad, double *to, int64_t *n) {
	const int G = w->cell->gates;
	char name[64];
	const bool gru = !strcmp(w->cell->name, "gru");
	static const char *const simple[][4] = {{"peephole", "p"}, {"decay", "wd", "bd"},
	        {"norm_gain", "lnw_g", "lnr_g", "lnc_g"}, {"norm_bias", "lnw_b", "lnr_b", "lnc_b"}};
	if (!w->pytorch) {
		if (!strcmp(what, "weight") || !strcmp(what, "recurrent_weight") || !strcmp(what, "bias"))
			return append(named(w, grad, (char[2]){what[0], 0}), w, 1, 0, 1, false, to, n);
		for (int i = 0; i < EG_COUNT(simple); i++)
			for (int k = 1; k < 4 && simple[i][k] && !strcmp(simple[i][0], what); k++)
				if (!append(named(w, grad, simple[i][k]), w, 1, 0, 1, false, to, n)) return false;
		return true;
	}
	const char *stem = !strcmp(what, "weight")             ? "weight_ih"
	                   : !strcmp(what, "recurrent_weight") ? "weight_hh"
	                   : !strcmp(what, "projection")       ? "weight_hr"
	                   : !strcmp(what, "bias")             ? "bias_ih"
	                                                       : "bias_hh";
	snprintf(name, sizeof name, "%s_l%d%s", stem, l, d ? "_reverse" : "");
	const vec_tensor *t = named(w, grad, name);
	if (!strcmp(what, "projection")) return append(t, w, 1, 0, 1, false, to, n);
	if (!strcmp(what, "recurrent_bias")) return append(t, w, G, 2, 3, false, to, n);
	int64_t begin = *n;
	if (!append(t, w, G, 0, G, false, to, n)) return false;
	if (strcmp(what, "bias") || grad) return true;
	snprintf(name, sizeof name, "bias_hh_l%d%s", l, d ? "_reverse" : "");
	return append(named(w, false, name), w, G, 0, gru ? 2 : G, true, to, &begin); /* n of gru has it apart */
}

/* What parameter `param` of ours, "...l0.weight", or its gradient should be. x is to be freed. */
static bool theirs(const weights *w, const char *param, const eg_dims *d, bool grad, vec_tensor *out) {
	const char *what = strrchr(param, '.') + 1;
	int layer = what[-2] - '0';
	*out = (vec_tensor){.name = what, .rank = d->rank, .count = eg_dims_count(d, 0)};
	out->x = calloc((size_t)out->count, sizeof *out->x);
	int64_t n = 0;
	bool ok = out->x != NULL;
	for (int k = 0; k < w->dirs && ok; k++) ok = append_theirs(w, what, layer, k, grad, out->x, &n);
	return ok && n == out->count;
}

/* Puts a file's weights into ours. */
static bool put_weights(const weights *w, eg_params *p, const char *node) {
	bool ok = true;
	for (int i = 0; i < eg_params_count(p) && ok; i++) {
		vec_tensor t;
		eg_dims d = eg_params_dims(p, i);
		if (strncmp(eg_params_name(p, i), node, strlen(node))) continue;
		ok = theirs(w, eg_params_name(p, i), &d, false, &t);
		if (ok) vec_put(eg_params_data(p, i), &t, 1);
		free(t.x);
	}
	eg_params_changed(p);
	return ok;
}

/* ---- cases ------------------------------------------------------------------------------------------------------- */

typedef struct job {
	const vec_file *f;
	const eg_op_info *op;
	char *options;
	weights w;
	char how[96];
} job;

static verdict fill_options(bench *b, job *j) {
	const char *name;
	json_t *value;
	json_object_foreach(j->f->attrs, name, value) {
		const eg_attr *a = NULL;
		for (int i = 0; i < j->op->nattrs; i++)
			if (!strcmp(j->op->attrs[i].name, name)) a = &j->op->attrs[i];
		bool implied = !strcmp(name, "cell") || json_is_null(value) ||
		               (!strcmp(name, "eps") && json_number_value(value) == 1e-5);
		if (implied || (!a && !strcmp(name, "projection") && json_integer_value(value) == 0)) continue;
		if (!a || !vec_set_attr(a, j->options, value))
			return vec_say(b, FAILED, "%s cannot take attribute '%s'", j->op->name, name);
	}
	return PASSED;
}

/* The first dimensions of sequences are time and samples, of lengths and states the samples come before the numbers. */
static eg_dims dims_of(const vec_tensor *t, const char *name, bool open) {
	eg_dims d = {.rank = t->rank};
	bool sequence = !strcmp(name, "x") || !strcmp(name, "dt"), lengths = !strcmp(name, "lengths");
	for (int i = 0; i < t->rank; i++) d.d[i] = t->d[i];
	if (open && sequence) d.d[0] = EG_T;
	if (open) d.d[sequence ? 1 : lengths ? 0 : t->rank - 2] = EG_N;
	return d;
}

static verdict check_all(bench *b, const job *j, eg_plan *plan, eg_params *p, bool train) {
	char name[64];
	verdict v = PASSED;
	for (int i = 0; j->op->outputs[i] && v == PASSED; i++) {
		const vec_tensor *t = vec_find(j->f, j->op->outputs[i]);
		if (t) v = vec_compare(b, t->name, j->how, eg_plan_output(plan, t->name), t, 1, 1, VEC_TOLERANCE);
	}
	for (int i = 0; i < j->op->max_inputs && v == PASSED && train; i++) {
		snprintf(name, sizeof name, "%s.grad", j->op->inputs[i]);
		const vec_tensor *t = vec_find(j->f, name);
		if (t)
			v = vec_compare(
			        b, t->name, j->how, eg_plan_grad(plan, j->op->inputs[i]), t, 1, 1, VEC_TOLERANCE);
	}
	for (int i = 0; i < eg_params_count(p) && v == PASSED && train; i++) {
		vec_tensor t;
		eg_dims d = eg_params_dims(p, i);
		v = theirs(&j->w, eg_params_name(p, i), &d, true, &t)
		            ? vec_compare(b, t.name, j->how, eg_params_grad(p, i), &t, 1, 1, VEC_TOLERANCE)
		            : vec_say(b, FAILED, "the case has no gradient of %s", eg_params_name(p, i));
		free(t.x);
	}
	return v;
}

static void put_all(const job *j, eg_plan *plan) {
	char name[64];
	for (int i = 0; i < j->op->max_inputs; i++) {
		const vec_tensor *t = vec_find(j->f, j->op->inputs[i]);
		void *to = t ? eg_plan_input(plan, t->name) : NULL;
		if (to && !t->integer) vec_put(to, t, 1);
		for (int64_t k = 0; to && t->integer && k < t->count; k++) ((int32_t *)to)[k] = (int32_t)t->x[k];
	}
	for (int i = 0; j->op->outputs[i]; i++) {
		snprintf(name, sizeof name, "%s.grad", j->op->outputs[i]);
		const vec_tensor *t = vec_find(j->f, name);
		eg_real *to = t ? eg_plan_grad(plan, j->op->outputs[i]) : NULL;
		if (to) vec_put(to, t, 1);
	}
}

static verdict run_way(bench *b, job *j, eg_context *ctx, bool open) {
	eg_error err = {0};
	const vec_tensor *x = vec_find(j->f, "x");
	eg_tensor in[EG_MAX_INPUTS] = {{0}}, first;
	eg_graph *g = eg_graph_new(ctx, &err);
	eg_params *p = NULL;
	verdict v = PASSED;
	for (int i = 0; i < j->op->max_inputs && g; i++) {
		const vec_tensor *t = vec_find(j->f, j->op->inputs[i]);
		if (t) in[i] = eg_input(g, t->name, t->integer ? EG_I32 : EG_F32, dims_of(t, t->name, open));
	}
	first = g ? eg_apply(g, j->op->name, j->options, in, j->op->max_inputs) : (eg_tensor){0};
	for (int i = 0; g && j->op->outputs[i]; i++)
		if (vec_find(j->f, j->op->outputs[i])) eg_output(g, j->op->outputs[i], eg_result(g, first, i));
	if (g) p = eg_params_new(g, 1, &err);
	if (!p)
		v = vec_say(b, FAILED, "%s: %s", j->how, err.message);
	else if (!put_weights(&j->w, p, ""))
		v = vec_say(b, FAILED, "%s: the weights have another shape here", j->how);
	for (int train = 0; train < 2 && v == PASSED; train++) {
		eg_plan *plan = eg_plan_new(g, p,
		        &(eg_plan_options){.batch = (int)x->d[1],
		                .time = (int)x->d[0],
		                .train = train != 0,
		                .input_grads = train != 0}, &err);
		if (!plan)
			v = vec_say(b, FAILED, "%s: %s", j->how, err.message);
		else
			put_all(j, plan);
		for (int i = 0; i < 2 && v == PASSED; i++) { /* a second run finds everything as it must be */
			eg_plan_run(plan, 0);
			v = check_all(b, j, plan, p, train != 0);
		}
		eg_plan_free(plan);
	}
	eg_params_free(p);
	eg_graph_free(g);
	return v;
}

verdict vec_run_recurrent(bench *b, const vec_file *f) {
	_Alignas(16) char options[OPTIONS_MOST] = {0};
	const char *name = json_string_value(json_object_get(f->attrs, "cell"));
	job j = {.f = f, .op = eg_op_find(name ? name : ""), .options = options};
	j.w = (weights){.f = f,
	        .prefix = "",
	        .pytorch = vec_find(f, "weight_ih_l0") != NULL,
	        .dirs = json_is_true(json_object_get(f->attrs, "bidirectional")) ? 2 : 1};
	for (int i = 0; i < EG_COUNT(cells); i++)
		if (name && !strcmp(cells[i].name, name)) j.w.cell = &cells[i];
	if (!j.op || !j.w.cell || !vec_find(f, "x") || j.op->options_size > sizeof options)
		return vec_say(b, FAILED, "there is no cell '%s', or the case has no x", name ? name : "");
	verdict v = fill_options(b, &j);
	for (int c = 0; c < b->contexts; c++)
		for (int open = 0; open < 2 && v == PASSED; open++) {
			snprintf(j.how, sizeof j.how, "%s, %d threads%s", eg_context_isa(b->ctx[c]),
			        eg_context_threads(b->ctx[c]), open ? ", open" : "");
			v = run_way(b, &j, b->ctx[c], open != 0);
		}
	return v;
}

/* ---- a character network, 40 steps ------------------------------------------------------------------------------- */

static bool read_text(unsigned char *text, size_t n) {
	char path[1024];
	const char *env = getenv("ENGRAM_DATA");
	snprintf(path, sizeof path, "%s/text/tinyshakespeare.txt", env ? env : ".");
	FILE *file = fopen(path, "rb");
	bool ok = file && fread(text, 1, n, file) == n;
	if (file) fclose(file);
	return ok;
}

static void build(eg_graph *g, int ids, int size, int hidden, int layers) {
	char attrs[4][96];
	static const char *const ops[] = {"embedding", "lstm", "linear", "cross_entropy"};
	eg_tensor t[2] = {eg_input(g, "ids", EG_I32, EG_DIMS(EG_T, EG_N))};
	t[1] = eg_input(g, "target", EG_I32, EG_DIMS(EG_T, EG_N));
	snprintf(attrs[0], sizeof attrs[0], "{\"size\": %d, \"count\": %d}", size, ids);
	snprintf(attrs[1], sizeof attrs[1], "{\"hidden\": %d, \"layers\": %d}", hidden, layers);
	snprintf(attrs[2], sizeof attrs[2], "{\"units\": %d}", ids);
	snprintf(attrs[3], sizeof attrs[3], "{}");
	for (int i = 0; i < EG_COUNT(ops); i++) {
		_Alignas(16) char options[OPTIONS_MOST] = {0};
		const eg_op_info *op = eg_op_find(ops[i]);
		json_t *json = json_loads(attrs[i], 0, NULL), *value;
		const char *key;
		json_object_foreach(json, key, value) for (int k = 0; op && k < op->nattrs;
		                                           k++) if (!strcmp(op->attrs[k].name, key))
		        vec_set_attr(&op->attrs[k], options, value);
		t[0] = eg_apply(g, ops[i], options, t, i == 3 ? 2 : 1);
		json_decref(json);
	}
	eg_output(g, "loss", t[0]);
}

static bool put_before(const vec_file *f, eg_params *p) {
	const weights w = {.f = f, .cell = &cells[1], .prefix = "before.lstm.", .pytorch = true, .dirs = 1};
	static const char *const others[] = {"embedding.weight", "linear.weight", "linear.bias"};
	for (int i = 0; i < EG_COUNT(others); i++) {
		char ours[64], name[64];
		const char *dot = strchr(others[i], '.');
		snprintf(ours, sizeof ours, "%.*s1%s", (int)(dot - others[i]), others[i], dot);
		snprintf(name, sizeof name, "before.%s", others[i]);
		const vec_tensor *t = vec_find(f, name);
		int k = eg_params_find(p, ours);
		if (!t || k < 0) return false;
		vec_put(eg_params_data(p, k), t, 1);
	}
	return put_weights(&w, p, "lstm1.");
}

/* PyTorch has the sum of two biases where we have one, and both have its gradient: they count twice in the norm
 * and move
 * twice. */
static bool is_double(const eg_params *p, int i) {
	const char *name = eg_params_name(p, i);
	return !strncmp(name, "lstm1.", 6) && strstr(name, ".bias");
}

/* The global norm is at most 1, as PyTorch's clip_grad_norm_. */
static void clip(eg_params *p) {
	double sum = 0;
	size_t n;
	for (int i = 0; i < eg_params_count(p); i++) {
		eg_dims d = eg_params_dims(p, i);
		const eg_real *g = eg_params_grad(p, i);
		for (int64_t k = 0; k < eg_dims_count(&d, 0); k++)
			sum += (is_double(p, i) ? 2 : 1) * (double)g[k] * (double)g[k];
	}
	eg_real *all = eg_params_flat_grad(p, &n), factor = (eg_real)fmin(1, 1 / (sqrt(sum) + 1e-6));
	for (size_t i = 0; i < n; i++) all[i] *= factor;
}

static bool learn(eg_params *p, eg_optimizer *o) {
	enum { MOST = 1024 };
	eg_real before[MOST];
	int n = 0;
	clip(p);
	for (int i = 0; i < eg_params_count(p); i++) {
		eg_dims d = eg_params_dims(p, i);
		for (int64_t k = 0; is_double(p, i) && k < eg_dims_count(&d, 0) && n < MOST; k++)
			before[n++] = eg_params_data(p, i)[k];
	}
	if (eg_optimizer_step(o, 0.01, NULL, NULL)) return false;
	n = 0;
	for (int i = 0; i < eg_params_count(p); i++) {
		eg_dims d = eg_params_dims(p, i);
		eg_real *w = eg_params_data(p, i);
		for (int64_t k = 0; is_double(p, i) && k < eg_dims_count(&d, 0) && n < MOST; k++, n++)
			w[k] += w[k] - before[n];
	}
	eg_params_changed(p);
	return true;
}

static verdict run_steps(bench *b, const vec_file *f, eg_context *ctx, eg_plan *plan, eg_params *p, eg_optimizer *o,
	const int32_t *stream) {
	const vec_tensor *losses = vec_find(f, "loss");
	int32_t *ids = eg_plan_input(plan, "ids"), *target = eg_plan_input(plan, "target");
	char what[64], how[64];
	verdict v = PASSED;
	snprintf(how, sizeof how, "%s, %d threads", eg_context_isa(ctx), eg_context_threads(ctx));
	for (int step = 0; step < RUN_STEPS && v == PASSED; step++) {
		for (int t = 0; t < WINDOW; t++)
			for (int s = 0; s < STREAMS; s++) {
				ids[t * STREAMS + s] = stream[s * STREAM_BYTES + step * WINDOW + t];
				target[t * STREAMS + s] = stream[s * STREAM_BYTES + step * WINDOW + t + 1];
			}
		eg_plan_run(plan, (uint64_t)step);
		snprintf(what, sizeof what, "loss of step %d", step + 1);
		v = vec_compare(b, what, how, eg_plan_output(plan, "loss"),
		        &(vec_tensor){.count = 1, .x = losses->x + step}, 1, 1, RUN_LOSS);
		if (v == PASSED && !learn(p, o))
			v = vec_say(b, FAILED, "%s: the gradient is not finite in step %d", how, step + 1);
	}
	return v;
}

verdict vec_run_charlstm(bench *b, const vec_file *f) {
	eg_error err = {0};
	static unsigned char text[STREAMS * STREAM_BYTES];
	static int32_t ids[STREAMS * STREAM_BYTES];
	const vec_tensor *vocab = vec_find(f, "vocab"), *losses = vec_find(f, "loss");
	if (!vocab || !losses || losses->count != RUN_STEPS)
		return vec_say(b, FAILED, "the run has no vocabulary or no losses");
	if (!read_text(text, sizeof text))
		return vec_say(b, SKIPPED, "text/tinyshakespeare.txt is not in the folder that ENGRAM_DATA names");
	for (int i = 0; i < EG_COUNT(ids); i++)
		for (int k = 0; k < (int)vocab->count; k++)
			if (text[i] == (int)vocab->x[k]) ids[i] = k;
	verdict v = PASSED;
	for (int c = 0; c < b->contexts && v == PASSED; c++) {
		eg_graph *g = eg_graph_new(b->ctx[c], &err);
		if (g) build(g, (int)vocab->count, 24, 48, 2);
		eg_params *p = g ? eg_params_new(g, 1, &err) : NULL;
		eg_plan *plan = p ? eg_plan_new(g, p,
		                            &(eg_plan_options){
		                                    .batch = STREAMS, .time = WINDOW, .train = true, .carry = true}, &err)
		                  : NULL;
		eg_optimizer *o = plan ? eg_optimizer_new(p, &(eg_optimizer_config){.kind = EG_ADAM, .lr = 0.01}, &err)
		                       : NULL;
		if (!o)
			v = vec_say(b, FAILED, "%s", err.message);
		else if (!put_before(f, p))
			v = vec_say(b, FAILED, "the weights before training have another shape here");
		else
			v = run_steps(b, f, b->ctx[c], plan, p, o, ids);
		eg_optimizer_free(o);
		eg_plan_free(plan);
		eg_params_free(p);
		eg_graph_free(g);
	}
	return v;
}
