/* optest_mode.c - gradients in inference mode, and of some parameters only: the same function as a plan without
 * gradients, nothing written that is kept, nothing computed that nobody asked for. An operator that computes in
 * training as it does in inference has the gradients of training. */
#include "optest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The first difference of those results that are in both. */
static const char *common_differ(const results *want, const results *have) {
	const char *why = NULL;
	for (int i = 0; i < have->n && !why; i++)
		for (int k = 0; k < want->n && !why; k++) {
			if (strcmp(want->r[k].name, have->r[i].name) != 0) continue;
			const results a = {.n = 1, .r = {want->r[k]}}, b = {.n = 1, .r = {have->r[i]}};
			why = results_differ(&a, &b, 0);
		}
	return why;
}

/* ---- inference mode ---------------------------------------------------------------------------------------------- */

/* Outputs, bit for bit those of a plan without gradients that fuses as little. */
static void check_forward(tally *t, setup s, const results *want) {
	results have = {0};
	s.evaluation = false;
	s.inference = true;
	if (run_setup(t, &s, &have)) {
		const char *why = common_differ(want, &have);
		check(t, &s, have.n && !why, "differs from inference mode with gradients", why);
	}
	results_free(&have);
}

/* Every instruction set, planned freely. */
static void check_free(tally *t, setup s, const results *want) {
	s.layout = EG_LAYOUT_AUTO;
	s.no_fusion = s.no_defer = false;
	for (int isa = 0; isa < EG_ISA_COUNT; isa++) {
		results have = {0};
		if (!wanted(t, isa)) continue;
		s.isa = (eg_isa)isa;
		if (run_setup(t, &s, &have)) {
			const char *why = results_differ(want, &have, tolerance_of(&s));
			check(t, &s, !why, "differs from ref in inference mode", why);
		}
		results_free(&have);
	}
}

static void check_training(tally *t, setup s, const results *want) {
	results have = {0};
	s.evaluation = false;
	if (run_setup(t, &s, &have)) {
		const char *why = results_differ(want, &have, 0);
		check(t, &s, !why, "gradients in inference mode are not those of training", why);
	}
	results_free(&have);
}

/* ---- gradients by results ---------------------------------------------------------------------------------------- */

static bool alike(const rig *a, const rig *b, double tolerance, char *why, size_t size) {
	const int64_t n = rig_count(a, input_name(0));
	const real *want = eg_plan_tensor_grad(a->plan, a->inner), *have = eg_plan_tensor_grad(b->plan, b->inner);
	double largest = 0;
	if (!want || !have) return snprintf(why, size, "there is none"), false;
	for (int64_t k = 0; k < n; k++) largest = fmax(largest, fabs((double)want[k]));
	for (int64_t k = 0; k < n; k++) {
		if (fabs((double)want[k] - (double)have[k]) <= tolerance * largest) continue;
		snprintf(why, size, "[%lld] is %.9g, %.9g when it is given", (long long)k, (double)want[k], (double)have[k]);
		return false;
	}
	return true;
}

/* The gradient by what stands before the op is that of a plan which begins there, whatever else of it is overwritten on
 * the way back. */
static void check_asked(tally *t, setup s, double tolerance) {
	setup begins = s;
	rig whole, part;
	eg_error err;
	char why[160] = "";
	begins.gives = true;
	s.asks = true;
	bool ok = check(t, &s, rig_new(&whole, &s, &err), "building", err.message);
	ok &= check(t, &begins, rig_new(&part, &begins, &err), "building what is given", err.message);
	if (ok) {
		rig_fill(&whole);
		rig_run(&whole);
		rig_fill(&part);
		memcpy(eg_plan_tensor(part.plan, part.inner), eg_plan_tensor(whole.plan, whole.inner),
			(size_t)rig_count(&whole, input_name(0)) * sizeof(real));
		rig_run(&part);
		check(t, &s, alike(&whole, &part, tolerance, why, sizeof why), "the gradient by an inner value", why);
	}
	rig_free(&whole);
	rig_free(&part);
}

/* In inference mode and in training; as little fused as possible, and freely. */
static void check_inner(tally *t, setup s) {
	for (int way = 0; way < 8; way++) {
		s.before = neighbour(way % 2);
		s.evaluation = way & 2;
		s.twice = way & 4;
		s.layout = way & 4 ? EG_LAYOUT_AUTO : EG_LAYOUT_PLAIN;
		s.no_fusion = s.no_defer = !(way & 4);
		check_asked(t, s, way & 4 ? tolerance_of(&s) : 0);
	}
}

/* ---- gradients that nobody asked for ----------------------------------------------------------------------------- */

/* Is there a call that writes the gradient of this parameter? */
static bool writes_grad(const rig *r, int param) {
	for (int k = 0; k < r->plan->ncalls; k++) {
		const eg_call *c = &r->plan->calls[k];
		for (int i = c->reads; i < c->reads + c->writes; i++) {
			const eg_pbuf *b = c->buf[i] < 0 ? NULL : &r->plan->bufs[c->buf[i]];
			if (b && b->kind == BUF_PARAM_GRAD && b->param == param) return true;
		}
	}
	return false;
}

/* Of inputs only: the same gradients, no memory for those of weights, and weights as they were. */
static void check_inputs_only(tally *t, setup s, const results *want) {
	rig r;
	eg_error err;
	results have = {0};
	s.no_weights = true;
	if (check(t, &s, rig_new(&r, &s, &err), "building", err.message)) {
		rig_fill(&r);
		eg_real *w = eg_params_flat(r.params, NULL), *before = malloc((r.params->total + 1) * sizeof *w);
		rig_run(&r);
		if (before) memcpy(before, w, r.params->total * sizeof *w);
		eg_plan_run(r.plan, 3);
		check(t, &s, before && !memcmp(before, w, r.params->total * sizeof *w), "a run in inference mode", "writes weights or state");
		check(t, &s, !r.params->grad, "gradients of weights", "have memory though nobody asked for them");
		results_take(&have, &r);
		const char *why = common_differ(want, &have);
		check(t, &s, !why, "other bits without gradients of weights", why);
		free(before);
	}
	results_free(&have);
	rig_free(&r);
}

/* All frozen in training is inference mode; one frozen leaves the others' gradients alone, and its own uncomputed. */
static void check_frozen(tally *t, setup s, const results *evaluated) {
	enum { PARAMS = 12 };
	bool frozen[PARAMS] = {0};
	rig r;
	eg_error err;
	s.evaluation = false;
	const int n = check(t, &s, rig_new(&r, &s, &err), "building", err.message) ? eg_params_count(r.params) : 0;
	rig_free(&r);
	if (n == 0 || n > PARAMS) return;
	s.frozen = frozen;
	for (int one = -1; one < n; one++) {
		for (int i = 0; i < n; i++) frozen[i] = one < 0 || i == one;
		results have = {0};
		if (check(t, &s, rig_new(&r, &s, &err), "building", err.message)) {
			for (int i = 0; i < n; i++)
				check(t, &s, !frozen[i] || !writes_grad(&r, i), "the gradient of a frozen parameter is computed",
					eg_params_name(r.params, i));
			rig_fill(&r);
			rig_run(&r);
			results_take(&have, &r);
		}
		if (one < 0 && have.n) {
			const char *why = common_differ(evaluated, &have);
			check(t, &s, !why, "frozen is not as in inference", why);
		}
		rig_free(&r);
		results_free(&have);
	}
}

void check_mode(tally *t, setup s) {
	results want = {0};
	bool has_mode = false;
	rig r;
	eg_error err;
	if (!eg_op_has_gradient(s.op)) return;
	s.layout = EG_LAYOUT_PLAIN;
	s.evaluation = s.no_fusion = s.no_defer = true;
	if (check(t, &s, rig_new(&r, &s, &err), "building", err.message)) has_mode = r.plan->asks_mode;
	rig_free(&r);
	if (run_setup(t, &s, &want)) {
		check_forward(t, s, &want);
		if (t->only == EG_ISA_COUNT) check_inputs_only(t, s, &want);
		if (t->only == EG_ISA_COUNT && !has_mode) check_training(t, s, &want);
		if (has_mode || !t->brief) check_free(t, s, &want);
		if (t->only == EG_ISA_COUNT && s.op->info.params) check_frozen(t, s, &want);
		if (t->only == EG_ISA_COUNT && s.c->type[0] == EG_F32 && !(s.c->low < s.c->high) && !s.c->random) check_inner(t, s);
	}
	results_free(&want);
	if (sizeof(real) > sizeof(float) && has_mode && !s.c->ties) check_gradients(t, s);
}
