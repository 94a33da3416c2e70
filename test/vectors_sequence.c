/* vectors_sequence.c - cases whose samples do not come first: sequences, (T,N,...) here. Brings the tensors of a case
 * into that order, repeats the samples where there shall be more, and compares all outputs and gradients. */
#include "vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_SAMPLES = 35, MOST_ROLES = 4 };

/* What a tensor of a case is to an operator. */
typedef struct role {
	const char *ours, *theirs;
	int axis;  /* which dimension counts samples, after the swap */
	bool swap; /* the case has the samples first, here the time is */
} role;

typedef struct sequence_op {
	const char *op;
	role in[MOST_ROLES];
	int nin;
	role out[2]; /* the first takes a gradient */
	int nout;
} sequence_op;

/* ---- tensors in another order ------------------------------------------------------------------------------------ */

/* A copy with the first two dimensions swapped, if asked for, and dimension `axis` repeated. x is to be freed. */
static vec_tensor arranged(const vec_tensor *t, bool swap, int axis, int64_t repeat) {
	vec_tensor a = *t;
	int64_t outer = swap ? t->d[1] : t->d[0], inner = t->rank > 1 ? t->d[!swap] : 1, rest = 1;
	if (swap) a.d[0] = t->d[1], a.d[1] = t->d[0];
	for (int i = 2; i < t->rank; i++) rest *= t->d[i];
	int64_t o = axis == 0 ? outer * repeat : outer, n = axis == 1 ? inner * repeat : inner;
	a.d[axis] *= repeat;
	a.count = t->count * repeat;
	a.x = malloc((size_t)a.count * sizeof *a.x);
	for (int64_t i = 0; a.x && i < o; i++)
		for (int64_t j = 0; j < n; j++) {
			int64_t from = swap ? j % inner * outer + i % outer : i % outer * inner + j % inner;
			memcpy(a.x + (i * n + j) * rest, t->x + from * rest, (size_t)rest * sizeof *a.x);
		}
	return a;
}

/* ---- one way ----------------------------------------------------------------------------------------------------- */

typedef struct way {
	eg_context *ctx;
	eg_layout_choice layout;
	bool open;
	int64_t repeat;
	char text[128];
} way;

typedef struct job {
	const sequence_op *op;
	const vec_file *file;
	char *options;
	vec_tensor in[MOST_ROLES], grad[MOST_ROLES], out[2], seed; /* as the operator wants them */
	int time, batch;
} job;

static vec_tensor take(const job *j, const role *r, const char *suffix, int64_t repeat) {
	char name[80];
	snprintf(name, sizeof name, "%s%s", r->theirs, suffix);
	const vec_tensor *t = vec_find(j->file, name);
	return t ? arranged(t, r->swap, r->axis, repeat) : (vec_tensor){0};
}

static void arrange(job *j, int64_t repeat) {
	for (int i = 0; i < j->op->nin; i++) {
		j->in[i] = take(j, &j->op->in[i], "", repeat);
		j->grad[i] = take(j, &j->op->in[i], ".grad", repeat);
	}
	for (int i = 0; i < j->op->nout; i++) j->out[i] = take(j, &j->op->out[i], "", repeat);
	j->seed = take(j, &j->op->out[0], ".grad", repeat);
	j->time = (int)j->in[0].d[0];
	j->batch = (int)j->in[0].d[1];
}

static void release(job *j) {
	for (int i = 0; i < MOST_ROLES; i++) free(j->in[i].x), free(j->grad[i].x);
	free(j->out[0].x), free(j->out[1].x), free(j->seed.x);
}

static void build(const job *j, const way *w, eg_graph *g) {
	eg_tensor in[MOST_ROLES] = {{0}};
	for (int i = 0; i < j->op->nin; i++) {
		const vec_tensor *t = &j->in[i];
		eg_dims d = {.rank = t->rank};
		if (!t->x) continue;
		for (int k = 0; k < t->rank; k++) d.d[k] = t->d[k];
		if (w->open) d.d[j->op->in[i].axis] = EG_N;
		if (w->open && j->op->in[i].axis == 1) d.d[0] = EG_T;
		in[i] = eg_input(g, j->op->in[i].ours, t->integer ? EG_I32 : EG_F32, d);
	}
	eg_tensor y = eg_apply(g, j->op->op, j->options, in, j->op->nin);
	for (int i = 0; i < j->op->nout; i++) eg_output(g, j->op->out[i].ours, eg_result(g, y, i));
}

static void put_any(void *to, const vec_tensor *t) {
	if (!t->integer) vec_put(to, t, 1);
	for (int64_t k = 0; t->integer && k < t->count; k++) ((int32_t *)to)[k] = (int32_t)t->x[k];
}

static verdict put_all(bench *b, const job *j, const way *w, eg_plan *plan, eg_params *p, bool train) {
	for (int i = 0; i < j->op->nin; i++)
		if (j->in[i].x) put_any(eg_plan_input(plan, j->op->in[i].ours), &j->in[i]);
	for (int i = 0; i < eg_params_count(p); i++) {
		const char *name = strrchr(eg_params_name(p, i), '.') + 1;
		const vec_tensor *t = vec_find(j->file, name);
		eg_dims d = eg_params_dims(p, i);
		if (!t || eg_dims_count(&d, 0) != t->count)
			return vec_say(b, FAILED, "%s: the case has no '%s' of this shape", w->text, name);
		vec_put(eg_params_data(p, i), t, 1);
	}
	eg_params_changed(p);
	eg_real *seed = train ? eg_plan_grad(plan, j->op->out[0].ours) : NULL;
	if (train && (!seed || !j->seed.x)) return vec_say(b, FAILED, "%s: the output takes no gradient", w->text);
	if (seed) vec_put(seed, &j->seed, 1);
	return PASSED;
}

static verdict compare_out(bench *b, const job *j, const way *w, const eg_plan *plan, int i) {
	const void *got = eg_plan_output(plan, j->op->out[i].ours);
	const vec_tensor *want = &j->out[i];
	if (!want->x || !want->integer)
		return vec_compare(b, j->op->out[i].ours, w->text, got, want, 1, 1, VEC_TOLERANCE);
	for (int64_t k = 0; k < want->count; k++)
		if (((const int32_t *)got)[k] != (int32_t)want->x[k])
			return vec_say(b, FAILED, "%s: %s[%lld] is %d, expected %d", w->text, j->op->out[i].ours,
			        (long long)k, ((const int32_t *)got)[k], (int)want->x[k]);
	return PASSED;
}

static verdict compare_all(bench *b, const job *j, const way *w, eg_plan *plan, eg_params *p, bool train) {
	verdict v = PASSED;
	for (int i = 0; i < j->op->nout && v == PASSED; i++)
		if (j->out[i].x) v = compare_out(b, j, w, plan, i);
	for (int i = 0; i < j->op->nin && v == PASSED && train; i++)
		if (j->grad[i].x)
			v = vec_compare(b, j->grad[i].name, w->text, eg_plan_grad(plan, j->op->in[i].ours), &j->grad[i],
			        1, 1, VEC_TOLERANCE);
	for (int i = 0; i < eg_params_count(p) && v == PASSED && train; i++) {
		char name[80];
		snprintf(name, sizeof name, "%s.grad", strrchr(eg_params_name(p, i), '.') + 1);
		const vec_tensor *dw = vec_find(j->file, name);
		if (!dw) return vec_say(b, FAILED, "%s: the case has no %s", w->text, name);
		v = vec_compare(b, name, w->text, eg_params_grad(p, i), dw, 1, (double)w->repeat, VEC_TOLERANCE);
	}
	return v;
}

/* Twice, so that a second run finds everything as it must be. */
static verdict run_plan(bench *b, const job *j, const way *w, eg_graph *g, eg_params *p, bool train) {
	eg_error err = {0};
	eg_plan *plan = eg_plan_new(g, p,
	        &(eg_plan_options){.batch = w->open ? j->batch : 1,
	                .time = w->open ? j->time : 0,
	                .train = train,
	                .input_grads = train,
	                .layout = w->layout}, &err);
	if (!plan) return vec_say(b, FAILED, "%s: %s", w->text, err.message);
	verdict v = put_all(b, j, w, plan, p, train);
	for (int i = 0; i < 2 && v == PASSED; i++) {
		eg_plan_run(plan, 0);
		v = compare_all(b, j, w, plan, p, train);
	}
	eg_plan_free(plan);
	return v;
}

static verdict run_way(bench *b, job *j, const way *w) {
	eg_error err = {0};
	verdict v = PASSED;
	eg_graph *g = eg_graph_new(w->ctx, &err);
	eg_params *p = NULL;
	arrange(j, w->repeat);
	if (g) {
		build(j, w, g);
		p = eg_params_new(g, 1, &err); /* which tells what is wrong with the graph */
	}
	if (!p)
		v = vec_say(b, FAILED, "%s: %s", w->text, err.message);
	for (int train = 0; train < 2 && v == PASSED; train++) v = run_plan(b, j, w, g, p, train != 0);
	release(j);
	eg_params_free(p);
	eg_graph_free(g);
	return v;
}

/* ---- all ways ---------------------------------------------------------------------------------------------------- */

static verdict run_sequences(bench *b, const vec_file *f, const sequence_op *op) {
	_Alignas(16) char options[512] = {0};
	const eg_op_info *info = eg_op_find(op->op);
	const vec_tensor *x = vec_find(f, op->in[0].theirs);
	const char *name;
	json_t *value;
	verdict v = PASSED;
	if (!info || info->options_size > sizeof options || !x) return vec_say(b, FAILED, "no operator or no input");
	json_object_foreach(f->attrs, name, value) {
		bool known = false;
		for (int i = 0; i < info->nattrs; i++)
			if (!strcmp(info->attrs[i].name, name)) known = vec_set_attr(&info->attrs[i], options, value);
		if (!known) return vec_say(b, SKIPPED, "%s has no attribute '%s' of this value", op->op, name);
	}
	int64_t n = x->d[!op->in[0].swap], most = (MOST_SAMPLES + n - 1) / n;
	for (int c = 0; c < b->contexts; c++)
		for (int layout = EG_LAYOUT_AUTO; layout < EG_LAYOUT_CHOICES; layout++)
			for (int kind = 0; kind < 4 && v == PASSED; kind++) {
				job j = {.op = op, .file = f, .options = options};
				way w = {b->ctx[c], (eg_layout_choice)layout, kind & 1, kind & 2 ? most : 1, ""};
				snprintf(w.text, sizeof w.text, "%s, %d threads%s%s, batch %lld", eg_context_isa(w.ctx),
				        eg_context_threads(w.ctx), vec_layouts[layout],
				        w.open ? ", open batch and time" : "", (long long)(n * w.repeat));
				v = run_way(b, &j, &w);
			}
	return v;
}

verdict vec_run_ctc(bench *b, const vec_file *f) {
	static const sequence_op ctc = {.op = "ctc",
	        .in = {{"logits", "logits", 1, false}, {"target", "targets", 0, false},
	                {"input_lengths", "input_lengths", 0, false}, {"target_lengths", "target_lengths", 0, false}},
	        .nin = 4,
	        .out = {{"loss", "y", 0, false}},
	        .nout = 1};
	return run_sequences(b, f, &ctc);
}

verdict vec_run_crf(bench *b, const vec_file *f) {
	static const sequence_op crf = {.op = "crf",
	        .in = {{"emissions", "emissions", 1, true}, {"target", "tags", 1, true},
	                {"lengths", "lengths", 0, false}},
	        .nin = 3,
	        .out = {{"loss", "y", 0, false}, {"path", "viterbi", 1, true}},
	        .nout = 2};
	return run_sequences(b, f, &crf);
}
