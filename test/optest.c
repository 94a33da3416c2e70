/* optest.c - the generic op tester: what must hold for every operator, checked on the cases in its descriptor.
 * Nothing here knows an operator.
 *
 *   optest [--share K/N] [-v] [OP...]
 *                         all checks, for these operators or for all; in double precision central differences too;
 *                         --share: of every N-th operator from number K on, so that processors can share the work
 *   optest --isa NAME [--brief [--threads]] [--share K/N] [-v] [OP...]
 *                         of these checks only those that depend on the kernels, and of one table only; --brief: with
 *                         the layouts and algorithms that the planner chooses, none forced (for emulators;
 *                         test_kern_isa goes through the kernels); --threads: of these only what several threads
 *                         do (for the thread sanitizer)
 *   optest --onnx [OP...] of these checks only the way to ONNX and back
 *   optest --mutate       breaks one kernel at a time; some case must notice it
 *   optest --replay [OP...]
 *                         records all kernel calls and repeats them from the tables of their fields
 *
 * Reference for everything else is the ref table, PLAIN layout, one thread, nothing fused or put off. */
#include "support_plans.h"
#include "optest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Relative to the largest value of a tensor. In float, sums of some hundred terms in another order; in double, the
 * same with more digits. */
static const double tolerance = sizeof(real) == sizeof(float) ? 2e-5 : 1e-12;

bool wanted(const tally *t, int isa) {
	return (t->only == EG_ISA_COUNT ? isa != EG_ISA_WIDE16 : isa == (int)t->only) && isa_usable((eg_isa)isa);
}

bool check(tally *t, const setup *s, bool ok, const char *what, const char *why) {
	static const char *const layouts[EG_LAYOUT_CHOICES] = {"auto", "plain", "lanes", "blocked"};
	static const char *const algorithms[EG_ALGORITHMS] = {
		"", ", implicit", ", direct", ", depthwise", ", winograd2", ", winograd4"};
	if (ok) {
		t->passed++;
		return true;
	}
	t->failed++;
	printf("FAILED %s, case '%s': %s: %s\n  (%s, layout %s%s, %d thread%s%s%s%s%s%s%s%s%s)\n", s->op->info.name,
		s->c->what, what, why ? why : "", eg_isa_name(s->isa), layouts[s->layout], algorithms[s->algorithm],
		s->threads ? s->threads : 1,
		s->threads > 1 ? "s" : "", s->no_fusion ? ", no fusion" : "", s->no_defer ? ", no defer" : "",
		s->inference ? ", inference" : s->evaluation ? ", inference mode" : s->frozen ? ", frozen" : "", s->shared ? ", applied twice with shared weights" : s->twice ? ", applied twice" : "", s->before ? ", behind " : "",
		s->before ? s->before->info.name : "", s->after ? ", followed by " : "",
		s->after ? s->after->info.name : "");
	return false;
}

/* ---- one run ----------------------------------------------------------------------------------------------------- */

/* Lets every step use all threads, however small it is; jointly where it can, if so asked. */
static void share_all(eg_plan *p, bool joint) {
	for (int i = 0; i < p->nsteps; i++) {
		eg_step *s = &p->steps[i];
		const eg_call *c = &p->calls[p->order[s->first]];
		s->joint = joint && !s->block && c->joint.run;
		if (s->joint) {
			s->threads = p->workers; /* more than there are shares: some have nothing to do but wait */
			continue;
		}
		s->threads = s->units < p->workers ? s->units : p->workers;
	}
}

/* False if that failed, or if the plan is among those that are done. done: may be NULL. */
static bool run_once(tally *t, const setup *s, plans *done, results *out) {
	rig r;
	eg_error err;
	bool ok = check(t, s, rig_new(&r, s, &err), "building", err.message);
	if (ok) {
		const char *why = undeclared(&r);
		check(t, s, !why, "does otherwise than its descriptor says", why);
		note_used(t, &r);
	}
	ok = ok && (!done || plans_add(done, eg_isa_name(s->isa), r.plan));
	if (ok) {
		if (s->threads > 1) share_all(r.plan, s->joint);
		rig_fill(&r);
		rig_run(&r);
		results_take(out, &r);
	}
	rig_free(&r);
	return ok;
}

bool run_setup(tally *t, const setup *s, results *out) { return run_once(t, s, NULL, out); }

static void compare(tally *t, const setup *s, plans *done, const results *want, double tol, const char *what) {
	results have = {0};
	if (run_once(t, s, done, &have)) {
		const char *why = results_differ(want, &have, tol);
		check(t, s, !why, what, why);
	}
	results_free(&have);
}

/* ---- agreement --------------------------------------------------------------------------------------------------- */

/* Winograd's rounding is that of its transforms. */
double tolerance_of(const setup *s) {
	return s->algorithm == EG_ALGORITHM_WINOGRAD4 ? 20 * tolerance : s->algorithm == EG_ALGORITHM_WINOGRAD2 ? 5 * tolerance : tolerance;
}

bool next_way(setup *s) {
	int algorithms = !s->op->cost || s->layout == EG_LAYOUT_LANES || s->before || (s->after && strcmp(s->after->info.name, "relu")) ? 1
		: s->isa == EG_ISA_REF ? EG_ALGORITHM_DEPTHWISE : EG_ALGORITHMS;
	if ((int)s->algorithm + 1 < algorithms) {
		s->algorithm++;
		return true;
	}
	s->algorithm = EG_ALGORITHM_AUTO;
	return ++s->layout < EG_LAYOUT_CHOICES;
}

static bool is_sequence(const setup *s) { return !s->inference && s->c->nin && s->c->in[0].rank == 3; }

/* All tables, layouts and algorithms, fused or not, against the reference. */
static void check_tables(tally *t, setup s, const results *want) {
	for (int isa = 0; isa < EG_ISA_COUNT; isa++) {
		if (!wanted(t, isa)) continue;
		s.isa = (eg_isa)isa;
		s.layout = EG_LAYOUT_AUTO;
		s.algorithm = EG_ALGORITHM_AUTO;
		for (int c = s.c->batch > 100 ? -1 : 3; c >= -1 && is_sequence(&s); c--) {
			s.checkpoint = c;
			if (c) compare(t, &s, NULL, want, tolerance, "differs from ref with checkpoints");
		}
		s.checkpoint = 0;
		plans done = {0};
		do {
			s.no_fusion = s.no_defer = false;
			compare(t, &s, &done, want, tolerance_of(&s), "differs from ref");
			if (!s.after) continue;
			s.no_fusion = s.no_defer = true;
			compare(t, &s, &done, want, tolerance_of(&s), "differs from ref");
		} while (!t->brief && next_way(&s));
		plans_forget(&done);
	}
}

static void check_inference(tally *t, setup s) {
	results want = {0};
	s.inference = s.no_fusion = s.no_defer = true;
	s.layout = EG_LAYOUT_PLAIN;
	if (run_setup(t, &s, &want)) check_tables(t, s, &want);
	results_free(&want);
}

/* One, two and three threads, and one thread once more: the same bits. Briefly: two jointly, and three. */
static void check_threads(tally *t, setup s) {
	const bool few = t->brief && !t->threads;
	if (is_sequence(&s) && !s.checkpoint) { /* inference keeps less, and writes over it; checkpoints keep it for a
	                                         * while */
		setup other = s;
		other.inference = true;
		check_threads(t, other);
		other.inference = false;
		other.checkpoint = 2;
		if (s.c->batch <= 100) check_threads(t, other);
	}
	for (int isa = 0; isa < EG_ISA_COUNT; isa++) {
		if (!wanted(t, isa)) continue;
		s.isa = (eg_isa)isa;
		s.layout = EG_LAYOUT_AUTO;
		s.algorithm = EG_ALGORITHM_AUTO;
		plans done = {0};
		do {
			results want = {0};
			s.threads = 1;
			if (run_once(t, &s, &done, &want))
				for (int i = few ? 5 : 2; i <= (few ? 6 : 7); i++) {
					s.threads = i / 2;
					s.joint = i % 2;
					compare(t, &s, NULL, &want, 0, "other bits with other threads");
				}
			results_free(&want);
		} while (!t->brief && next_way(&s));
		plans_forget(&done);
	}
}

/* ---- one plan looked at closely ---------------------------------------------------------------------------------- */

typedef struct counting {
	long calls, live, fail_at; /* fail_at < 0: never */
} counting;

static void *count_alloc(void *user, size_t bytes) {
	counting *c = user;
	if (c->calls++ == c->fail_at) return NULL;
	void *p = malloc(bytes ? bytes : 1);
	c->live += p != NULL;
	return p;
}

static void count_release(void *user, void *p) {
	((counting *)user)->live -= p != NULL;
	free(p);
}

/* What a dimension is in a plan of this case; -1: only the operator knows, it follows from others. */
static int64_t size_of(const eg_case *c, int64_t d) {
	int64_t a, b;
	if (d > 0) return d;
	if (d == EG_N) return c->batch;
	if (d == EG_T) return c->time;
	if (!eg_dim_is_product(d)) {
		const eg_size *s = c->sizes;
		for (int64_t i = EG_NAMED; s && s->name && i > d; i--) s++;
		return s && s->name ? s->size : -1;
	}
	eg_dim_factors(d, &a, &b);
	return size_of(c, a) * size_of(c, b);
}

static void check_shapes(tally *t, const setup *s, const rig *r) {
	bool flows = s->op->info.params != NULL; /* is there anything that has a gradient? */
	for (int i = 0; i < s->c->nin; i++) flows |= s->c->in[i].rank >= 0 && s->c->type[i] == EG_F32;
	for (int i = 0; i < r->noutputs; i++) {
		eg_tensor y = eg_graph_find(r->graph, output_name(i));
		eg_dims inferred = eg_tensor_dims(r->graph, y), real_dims = eg_plan_dims(r->plan, y);
		bool same = inferred.rank == real_dims.rank && eg_plan_output(r->plan, output_name(i));
		for (int k = 0; k < inferred.rank && same; k++) {
			int64_t size = size_of(s->c, inferred.d[k]);
			same = size < 0 ? real_dims.d[k] >= 1 : real_dims.d[k] == size;
		}
		check(t, s, same, "shape of an output", output_name(i));
		const eg_graph_value *v = &r->graph->values[y.id - 1];
		if (!v->constant && v->type == EG_F32 && flows)
			check(t, s, eg_plan_grad(r->plan, output_name(i)), "gradient of an output has no place",
				output_name(i));
	}
	bool none = s->c->type[0] != EG_F32 || !eg_op_has_gradient(s->op) || eg_tensor_dtype(r->graph, eg_graph_find(r->graph, output_name(0))) != EG_F32;
	check(t, s, !eg_plan_grad(r->plan, input_name(0)) == none, "gradient of the first input",
		"is there for integers or without a backward, or missing for numbers");
}

/* Shapes, no allocation while running, the same bits when run again, diagnosis of good data and of NaN. */
static void check_plan(tally *t, setup s) {
	counting c = {.fail_at = -1};
	eg_allocator a = {count_alloc, count_release, &c};
	rig r;
	eg_error err;
	results first = {0}, second = {0};
	s.allocator = &a;
	if (check(t, &s, rig_new(&r, &s, &err), "building", err.message)) {
		check_shapes(t, &s, &r);
		rig_fill(&r);
		long before = c.calls;
		rig_run(&r);
		check(t, &s, c.calls == before, "allocates while it runs", NULL);
		results_take(&first, &r);
		rig_run(&r);
		results_take(&second, &r);
		const char *why = results_differ(&first, &second, 0);
		check(t, &s, !why, "other bits when it runs again", why);
		eg_status status = eg_plan_diagnose(r.plan, 3, &err);
		check(t, &s, status == EG_OK, "diagnosis of finite data", status ? err.message : NULL);
		check(t, &s, eg_plan_describe(r.plan) != NULL, "description", NULL);
		*(real *)eg_plan_input(r.plan, input_name(0)) = (real)NAN; /* as an integer: far outside of any range */
		status = eg_plan_diagnose(r.plan, 3, &err);
		const eg_graph_value *y = &r.graph->values[eg_graph_find(r.graph, output_name(0)).id - 1];
		/* numbers of other types that nothing is computed of, that only choose, or that become what they say,
		 * whatever that is */
		const bool cast = s.op->info.types && *s.op->info.types == 'e';
		const bool moved = s.c->type[0] != EG_F32 && (y->type == EG_I32 || !eg_op_has_gradient(s.op) || cast);
		check(t, &s, moved || (status == EG_ERR_NUMERIC && (s.c->type[0] == EG_I32 || strstr(err.message, input_name(0)))),
			"diagnosis of NaN in the input", err.message);
	}
	rig_free(&r);
	results_free(&first);
	results_free(&second);
	check(t, &s, c.live == 0, "leaks memory", NULL);
}

/* The N-th allocation fails, for every N: a status and a message, nothing lost. */
static void check_memory(tally *t, setup s) {
	enum { LIMIT = 5000 };
	counting c = {0};
	eg_allocator a = {count_alloc, count_release, &c};
	s.allocator = &a;
	bool done = false;
	for (long n = 0; n < LIMIT && !done; n++) {
		rig r;
		eg_error err;
		c = (counting){.fail_at = n};
		done = rig_new(&r, &s, &err);
		char where[64];
		snprintf(where, sizeof where, "allocation %ld fails", n);
		if (!done) check(t, &s, err.status == EG_ERR_MEMORY && err.message[0], where, err.message);
		rig_free(&r);
		check(t, &s, c.live == 0, where, "leaks memory");
	}
	check(t, &s, done, "allocations", "more than expected");
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */

/* <gradient given, outputs>, the scalar whose gradients a run computes. */
static double objective(const rig *r) {
	double sum = 0;
	for (int i = 0; i < r->noutputs; i++) {
		const real *y = eg_plan_output(r->plan, output_name(i)), *dy = eg_plan_grad(r->plan, output_name(i));
		for (int64_t k = 0, n = rig_count(r, output_name(i)); k < n && dy; k++)
			sum += (double)y[k] * (double)dy[k];
	}
	return sum;
}

/* Some elements of v, first and last among them, moved by +-h. dv is a copy of the gradient that the run computed. */
static void differences(tally *t, const setup *s, rig *r, const char *name, real *v, const result *dv) {
	enum { SAMPLES = 13 };
	const double h = 1e-5;
	double largest = 1e-3;
	for (int64_t k = 0; k < dv->n; k++) largest = fmax(largest, fabs((double)dv->v[k]));
	int64_t samples = dv->n < SAMPLES ? dv->n : SAMPLES;
	for (int64_t i = 0; i < samples; i++) {
		int64_t k = samples > 1 ? i * (dv->n - 1) / (samples - 1) : 0;
		real kept = v[k];
		double value[2];
		for (int side = 0; side < 2; side++) {
			v[k] = (real)((double)kept + (side ? h : -h));
			eg_params_changed(r->params);
			rig_run(r);
			value[side] = objective(r);
		}
		v[k] = kept;
		double numeric = (value[1] - value[0]) / (2 * h), got = (double)dv->v[k];
		char text[160];
		snprintf(
			text, sizeof text, "%s[%lld] is %.9g, differences give %.9g", name, (long long)k, got, numeric);
		if (!check(t, s, fabs(numeric - got) <= 1e-6 * largest, "gradient", text)) return;
	}
}

void check_gradients(tally *t, setup s) {
	rig r;
	eg_error err;
	results all = {0};
	if (check(t, &s, rig_new(&r, &s, &err), "building", err.message)) {
		rig_fill(&r);
		rig_run(&r);
		results_take(&all, &r);
		for (int i = 0; i < all.n; i++) {
			const char *name = all.r[i].name;
			if (!all.r[i].gradient) continue;
			int param = eg_params_find(r.params, name + 12);
			real *v = param < 0 ? eg_plan_input(r.plan, name + 12) : eg_params_data(r.params, param);
			differences(t, &s, &r, name, v, &all.r[i]);
		}
	}
	results_free(&all);
	rig_free(&r);
}

/* <f(x) - f(0), dy> = <x, f'(dy)> for an f that is linear in its first input. */
static void check_adjoint(tally *t, setup s) {
	rig r;
	eg_error err;
	if (check(t, &s, rig_new(&r, &s, &err), "building", err.message)) {
		rig_fill(&r);
		rig_run(&r);
		double left = objective(&r), right = 0, size = 0;
		int64_t n = rig_count(&r, input_name(0));
		real *x = eg_plan_input(r.plan, input_name(0));
		const real *dx = eg_plan_grad(r.plan, input_name(0));
		for (int64_t k = 0; k < n; k++) {
			double product = (double)x[k] * (double)dx[k];
			right += product;
			size += fabs(product);
			x[k] = 0;
		}
		rig_run(&r);
		left -= objective(&r);
		char text[100];
		snprintf(text, sizeof text, "<f(x),dy> is %.12g, <x,f'(dy)> is %.12g", left, right);
		check(t, &s, fabs(left - right) <= tolerance_of(&s) * size, "adjoint identity", text);
	}
	rig_free(&r);
}

/* ---- descriptors and hostile shapes ------------------------------------------------------------------------------ */

static void check_descriptor(tally *t, const eg_op *op) {
	static const eg_case none = {.what = "descriptor"};
	const setup s = {.op = op, .c = &none};
	const eg_op_info *info = &op->info;
	check(t, &s, info->doc && info->equation && info->source && info->outputs && info->outputs[0], "documentation",
		"is incomplete");
	check(t, &s, eg_op_has_gradient(op) || op->no_gradient, "gradient", "neither a backward nor a reason why there is none");
	check(t, &s, op->ncases > 0, "cases", "there are none");
	check(t, &s, eg_op_find(info->name) == info && (!info->layer || eg_op_find(info->layer) == info), "name",
		"is not unique");
	for (int i = 0; i < info->max_inputs; i++) check(t, &s, info->inputs[i], "inputs", "one has no name");
	bool found = !info->shorthand;
	for (int i = 0; i < info->nattrs; i++) {
		const eg_attr *a = &info->attrs[i];
		check(t, &s,
			a->name && a->doc && a->offset < info->options_size && (a->type != EG_ATTR_ENUM || a->names),
			"attribute", a->name);
		found |= info->shorthand && a->name && !strcmp(a->name, info->shorthand);
	}
	check(t, &s, found, "shorthand", "is no attribute");
	int outputs = 0;
	while (info->outputs && info->outputs[outputs]) outputs++;
	check(t, &s, info->max_inputs <= EG_MAX_INPUTS && outputs <= EG_MAX_OUTPUTS, "inputs or outputs", "are more than there is room for");
	check(t, &s, !op->lengths || (int)strlen(op->lengths) == info->max_inputs, "lengths", "has not a letter an input");
}

/* Extents that are equal, or 1, hide mistakes; a one-off 1 is what broadcasting is about. */
static void check_case(tally *t, const setup *s) {
	const eg_case_dims *d = &s->c->in[0];
	bool ok = s->c->batch > 1 || d->d[0] != EG_N;
	for (int i = 0; i < d->rank; i++)
		for (int k = 0; k < i; k++) ok &= d->d[i] != d->d[k] || d->d[i] == 1;
	check(t, s, ok, "extents", "two of the first input are equal");
}

/* Any shapes and types at all: a message, or a plan that runs. */
static void check_hostile(tally *t, const eg_op *op, const eg_case *c, uint32_t seed) {
	eg_rng rng = {23, eg_stream(EG_RNG_TEST, seed, 0)};
	eg_case wild = *c;
	wild.what = "random shapes";
	wild.batch = 1 + (int)eg_rng_below(rng, 1, 20);
	wild.time = 1 + (int)eg_rng_below(rng, 2, 7);
	wild.limit = 3;
	wild.values = NULL;
	const eg_size sizes[] = {{"length", 1 + (int)eg_rng_below(rng, 3, 7)}, {"height", 1 + (int)eg_rng_below(rng, 4, 9)}, {"width", 3}, {0}};
	wild.sizes = sizes;
	for (int i = 0; i < wild.nin; i++) {
		uint64_t at = 100 * (uint64_t)(i + 1);
		if (eg_rng_below(rng, at, 8) == 0) wild.type[i] = wild.type[i] == EG_F32 ? EG_I32 : EG_F32;
		if (eg_rng_below(rng, at + 1, 2) == 0)
			wild.in[i].rank = (int16_t)eg_rng_below(rng, at + 2, EG_MAX_DIMS + 1);
		for (int k = 0; k < EG_MAX_DIMS; k++)
			if (k >= c->in[i].rank || eg_rng_below(rng, at + 3 + (uint64_t)k, 3) == 0)
				wild.in[i].d[k] = (int16_t)(1 + eg_rng_below(rng, at + 20 + (uint64_t)k, 5));
		static const int16_t first[] = {EG_N, EG_N, EG_N, EG_T, EG_NAMED, EG_TN};
		if (eg_rng_below(rng, at + 50, 2) == 0) wild.in[i].d[0] = first[eg_rng_below(rng, at + 51, EG_COUNT(first))];
		if (eg_rng_below(rng, at + 52, 4) == 0) wild.in[i].d[1] = wild.in[i].d[0] == EG_N ? EG_T : EG_N;
		for (int k = 1; k < EG_MAX_DIMS; k++)
			if (eg_rng_below(rng, at + 60 + (uint64_t)k, 6) == 0) wild.in[i].d[k] = (int16_t)(EG_NAMED - (int)eg_rng_below(rng, at + 70 + (uint64_t)k, 3));
		for (int k = 1; k < EG_MAX_DIMS; k++) /* a batch, and the time, may be there once */
			for (int j = 0; j < k; j++)
				if ((eg_dim_is_batch(wild.in[i].d[k]) && eg_dim_is_batch(wild.in[i].d[j])) || (wild.in[i].d[k] == EG_T && wild.in[i].d[j] == EG_T))
					wild.in[i].d[k] = 2;
	}
	setup s = {.op = op, .c = &wild, .layout = (eg_layout_choice)(seed % EG_LAYOUT_CHOICES),
		.algorithm = (eg_algorithm)(seed / EG_LAYOUT_CHOICES % EG_ALGORITHMS)};
	rig r;
	eg_error err;
	if (rig_new(&r, &s, &err)) {
		rig_fill(&r);
		rig_run(&r);
		check(t, &s, true, "", NULL);
	} else {
		check(t, &s, strstr(err.message, op->info.name) && err.status != EG_ERR_MEMORY, "message", err.message);
		if (t->verbose) printf("    %s\n", err.message);
	}
	rig_free(&r);
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

void check_form(tally *t, setup s) {
	setup reference = s;
	results want = {0};
	reference.layout = EG_LAYOUT_PLAIN;
	reference.no_fusion = reference.no_defer = true;
	if (run_setup(t, &reference, &want)) check_tables(t, s, &want);
	results_free(&want);
	check_inference(t, s);
	/* All others agree with the reference, so its gradients are all gradients. */
	if (sizeof(real) > sizeof(float) && !s.c->ties && !s.large && eg_op_has_gradient(s.op)) check_gradients(t, reference);
}

static bool fits(const setup *s) {
	rig r;
	eg_error err;
	bool ok = rig_new(&r, s, &err) || err.status != EG_ERR_SHAPE;
	rig_free(&r);
	return ok;
}

/* With what else may be done together with the op, where the shapes allow it. A batch normalisation only in inference:
 * in training it takes the gradient of a constant in front of it away, and rounding is left. */
static void check_followed(tally *t, setup s) {
	setup pooled = s, normed = s;
	follow_with_pool(&pooled);
	follow_with_norm(&normed);
	if ((s.op->posts & OP_POST(POOL)) && fits(&pooled)) {
		check_form(t, pooled);
		if (!t->brief) check_threads(t, pooled);
	}
	if ((s.op->posts & OP_POST(AFFINE)) && fits(&normed)) check_inference(t, normed);
}

/* Number i of the activations that are put behind a case: relu, and others that take turns from case to case. */
static const eg_op *activation_of(const eg_op *op, const eg_case *c, int i) {
	int n = 0, which = 0;
	for (int k = 0; k < eg_ops_count; k++) n += eg_ops[k]->act != NULL;
	if (i > 0) which = 1 + (int)((c - op->cases) * 2 + i - 1) % (n - 1);
	for (int k = 0; k < eg_ops_count; k++)
		if (eg_ops[k]->act && which-- == 0) return eg_ops[k];
	return NULL;
}

static void test_case(tally *t, const eg_op *op, const eg_case *c) {
	setup s = {.op = op, .c = c};
	check_case(t, &s);
	if (!t->threads) check_form(t, s);
	check_threads(t, s);
	if (t->threads) return;
	if (t->only == EG_ISA_COUNT) do {
		check_plan(t, s);
		if (s.algorithm == EG_ALGORITHM_AUTO) check_memory(t, s);
		if (c->linear) check_adjoint(t, s);
	} while (next_way(&s));
	s.layout = EG_LAYOUT_AUTO;
	check_mode(t, s);
	s.twice = true;
	check_form(t, s);
	s.twice = false;
	check_shared(t, s);
	for (int reads_y = 0; reads_y < 2 && t->only == EG_ISA_COUNT; reads_y++) {
		s.before = c->type[0] == EG_F32 && !(c->low < c->high) ? neighbour(reads_y) : NULL;
		if (s.before) check_form(t, s);
	}
	s.before = NULL;
	for (int i = 0; i < 3 && (op->posts & OP_POST(ACT)); i++) {
		s.after = activation_of(op, c, i);
		check_form(t, s);
		if (!t->brief) check_threads(t, s);
	}
	s.after = NULL;
	check_followed(t, s);
	check_padding(t, s);
	check_overwritten(t, s);
}

static void test_onnx(tally *t, const eg_op *op) {
	const int before = t->failed;
	check_onnx(t, op, tolerance);
	if (t->failed > before) printf("%s: FAILED\n", op->info.name);
}

static void test_op(tally *t, const eg_op *op) {
	double start = now();
	tally own = {.verbose = t->verbose, .brief = t->brief, .threads = t->threads, .only = t->only};
	check_descriptor(&own, op);
	for (int i = 0; i < op->ncases; i++) {
		double begin = now();
		test_case(&own, op, &op->cases[i]);
		if (t->verbose) printf("  %-40s %6.2f s\n", op->cases[i].what, now() - begin);
	}
	for (uint32_t seed = 0; seed < 300 && op->ncases && t->only == EG_ISA_COUNT; seed++)
		check_hostile(&own, op, &op->cases[seed % (uint32_t)op->ncases], seed);
	if (!own.threads) {
		check_equal(&own, op);
		check_used(&own, op);
	}
	if (t->only == EG_ISA_COUNT) check_onnx(&own, op, tolerance);
	printf("%-16s %2d cases, %6d checks%s, %.1f s\n", op->info.name, op->ncases, own.passed + own.failed,
		own.failed ? ", FAILED" : "", now() - start);
	t->passed += own.passed;
	t->failed += own.failed;
}

int main(int argc, char **argv) {
	tally t = {.only = EG_ISA_COUNT};
	int first = 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 2 && !strcmp(argv[1], "--mutate")) return mutate(tolerance) ? 1 : 0;
	if (argc >= 2 && !strcmp(argv[1], "--replay")) return replay(argc - 2, argv + 2) ? 1 : 0;
	if (argc > 2 && !strcmp(argv[1], "--isa")) {
		if (!eg_isa_parse(argv[2], &t.only)) return fprintf(stderr, "optest: '%s' is no instruction set\n", argv[2]), 2;
		if (!isa_usable(t.only)) return fprintf(stderr, "optest: no kernels for '%s' here\n", argv[2]), 77;
		first += 2;
		t.brief = argc > first && !strcmp(argv[first], "--brief");
		first += t.brief;
		t.threads = t.brief && argc > first && !strcmp(argv[first], "--threads");
		first += t.threads;
	}
	int share = 0, shares = 1;
	if (argc > first + 1 && !strcmp(argv[first], "--share")) {
		if (sscanf(argv[first + 1], "%d/%d", &share, &shares) != 2 || share < 0 || share >= shares)
			return fprintf(stderr, "optest: --share K/N, K from 0 to N - 1, not '%s'\n", argv[first + 1]), 2;
		first += 2;
	}
	void (*test)(tally *t, const eg_op *op) = test_op;
	if (argc > 1 && !strcmp(argv[1], "--onnx")) {
		test = test_onnx;
		first++;
	}
	if (argc > first && !strcmp(argv[first], "-v")) {
		t.verbose = true;
		first++;
	}
	for (int i = first; i < argc; i++) {
		const eg_op *op = NULL;
		for (int k = 0; k < eg_ops_count; k++)
			if (!strcmp(eg_ops[k]->info.name, argv[i])) op = eg_ops[k];
		if (!op) {
			fprintf(stderr, "optest: no operator '%s'\nusage: optest [--isa NAME [--brief [--threads]]] [--share K/N] [-v] [OP...] | --onnx [OP...] | --mutate | --replay [OP...]\n", argv[i]);
			return 2;
		}
		test(&t, op);
	}
	for (int i = share; i < eg_ops_count && first == argc; i += shares) test(&t, eg_ops[i]);
	printf("%d passed, %d failed\n", t.passed, t.failed);
	return t.failed ? 1 : 0;
}
