/* optest_shared.c - two nodes with one set of weights against two with a set each, of the same numbers: the same
 * outputs, and the gradient of the one set is the sum of those of the two. The same bits with any
 * number of threads; and central differences. */
#include "optest.h"

#include <math.h>
#include <string.h>

static bool shares(const eg_op *op) {
	const eg_op_info *info = &op->info;
	return info->params && info->nattrs && !strcmp(info->attrs[info->nattrs - 1].name, "weights");
}

static int64_t elements(const rig *r, int i) {
	eg_dims d = eg_params_dims(r->params, i);
	return eg_dims_count(&d, 0);
}

static bool close_to(const real *a, const real *b, const real *more, int64_t n, double tolerance) {
	double most = 0, off = 0;
	for (int64_t i = 0; i < n; i++) {
		const double want = (double)b[i] + (more ? (double)more[i] : 0);
		most = fmax(most, fabs(want));
		off = fmax(off, fabs((double)a[i] - want));
	}
	return off <= tolerance * fmax(most, 1);
}

/* The second half of the parameters of `two` are the copies of the first. */
static void compare(tally *t, const setup *s, rig *one, rig *two) {
	const int n = eg_params_count(one->params);
	const double tolerance = tolerance_of(s);
	for (int i = 0; i < n; i++)
		memcpy(eg_params_data(two->params, n + i), eg_params_data(two->params, i), (size_t)elements(one, i) * sizeof(real));
	eg_params_changed(two->params);
	eg_plan_run(one->plan, 3);
	eg_plan_run(two->plan, 3);
	for (int i = 0; i < one->noutputs; i++) {
		const eg_tensor y = eg_graph_find(one->graph, output_name(i));
		const eg_dims d = eg_plan_dims(one->plan, y);
		if (eg_tensor_dtype(one->graph, y) != EG_F32) continue;
		check(t, s, close_to(eg_plan_output(one->plan, output_name(i)), eg_plan_output(two->plan, output_name(i)), NULL,
			eg_dims_count(&d, 0), tolerance), "shared weights: output", output_name(i));
	}
	for (int i = 0; i < n; i++) {
		if (!eg_params_trained(one->params, i)) continue;
		check(t, s, close_to(eg_params_grad(one->params, i), eg_params_grad(two->params, i), eg_params_grad(two->params, n + i),
			elements(one, i), tolerance), "shared weights: gradient is not the sum of both", eg_params_name(one->params, i));
	}
}

static void check_table(tally *t, setup s) {
	eg_error err;
	rig one, two;
	setup apart = s;
	apart.shared = false;
	apart.twice = true;
	const bool made = rig_new(&one, &s, &err), both = made && rig_new(&two, &apart, &err);
	if (check(t, &s, both, "building", err.message)) {
		const int n = eg_params_count(one.params);
		check(t, &s, 2 * n == eg_params_count(two.params), "shared weights", "are not held once");
		rig_fill(&one);
		rig_fill(&two);
		compare(t, &s, &one, &two);
	}
	if (made) rig_free(&two);
	rig_free(&one);
}

/* The sum of both gradients is made in an order that no thread changes. */
static void check_bits(tally *t, setup s) {
	results want = {0}, have = {0};
	bool ok = run_setup(t, &s, &want);
	s.threads = 3;
	if (ok && run_setup(t, &s, &have)) {
		const char *why = results_differ(&want, &have, 0);
		check(t, &s, !why, "other bits with 3 threads", why);
	}
	results_free(&want);
	results_free(&have);
}

/* Attributes may leave all of them out. */
static bool has_weights(const setup *s) {
	eg_error err;
	rig r;
	const bool any = rig_new(&r, s, &err) && eg_params_count(r.params) > 0;
	rig_free(&r);
	return any;
}

/* Central differences are for double precision; against ref each set alone has been compared. */
void check_shared(tally *t, setup s) {
	if (!shares(s.op) || !has_weights(&s)) return;
	s.shared = true;
	if (sizeof(real) == sizeof(double)) check_form(t, s);
	for (int isa = 0; isa < EG_ISA_COUNT; isa++) {
		if (!wanted(t, isa) || !isa_usable((eg_isa)isa)) continue;
		s.isa = (eg_isa)isa;
		setup way = s;
		do check_table(t, way);
		while (!t->brief && next_way(&way));
		check_bits(t, s);
	}
}
