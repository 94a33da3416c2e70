/* optest_onnx.c - the round trip: a case becomes a model of ONNX, that becomes a graph, and both compute the same.
 * Nothing here knows an operator; whether the model says what ONNX means by it is for tests with other systems'
 * models. */
#include "optest.h"

#include "engram_onnx.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Are the outputs of two plans of the same names equal, but for rounding? */
static const char *differ(const rig *a, const eg_graph *g, eg_plan *b, double tolerance) {
	static char text[200];
	for (int i = 0; i < a->noutputs; i++) {
		const char *name = output_name(i);
		eg_tensor t = eg_graph_find(g, name), u = eg_graph_find(a->graph, name);
		const int64_t n = rig_count(a, name);
		if (!t.id) continue; /* not asked for */
		const void *x = eg_plan_output(a->plan, name), *y = eg_plan_output(b, name);
		const eg_dims d = eg_plan_dims(b, t), e = eg_plan_dims(a->plan, u);
		double largest = 0;
		snprintf(text, sizeof text, "%s: another shape or type, or it is missing", name);
		if (!y || d.rank != e.rank || memcmp(d.d, e.d, sizeof *d.d * (size_t)d.rank) || eg_tensor_dtype(g, t) != eg_tensor_dtype(a->graph, u))
			return text;
		if (eg_tensor_dtype(g, t) != EG_F32) {
			if (!memcmp(x, y, (size_t)n * eg_dtype_size(eg_tensor_dtype(g, t)))) continue;
			return text;
		}
		const real *v = x, *w = y;
		for (int64_t k = 0; k < n; k++)
			if (isfinite(v[k])) largest = fmax(largest, fabs((double)v[k]));
		for (int64_t k = 0; k < n; k++) {
			if (v[k] == w[k] || (isnan(v[k]) && isnan(w[k])) || fabs((double)v[k] - (double)w[k]) <= tolerance * largest) continue;
			snprintf(text, sizeof text, "%s[%lld] is %.9g, was %.9g", name, (long long)k, (double)w[k], (double)v[k]);
			return text;
		}
	}
	return NULL;
}

static bool copy_inputs(const rig *from, const eg_graph *g, eg_plan *to) {
	for (int i = 0; i < from->s->c->nin; i++) {
		const void *x = eg_plan_input(from->plan, input_name(i));
		void *y = eg_plan_input(to, input_name(i));
		if (!x || !y) continue; /* left out, or it has no influence */
		const eg_dims d = eg_plan_dims(to, eg_graph_find(g, input_name(i)));
		if (eg_dims_count(&d, 0) != rig_count(from, input_name(i))) return false;
		memcpy(y, x, (size_t)rig_count(from, input_name(i)) * eg_dtype_size((eg_dtype)from->s->c->type[i]));
	}
	return true;
}

/* Steps that are samples have no name there: what comes back has a batch of as many. */
static int batch_of(const eg_case *c) {
	bool product = false;
	for (int i = 0; i < c->nin; i++)
		for (int k = 0; k < c->in[i].rank; k++) product |= eg_dim_is_product(c->in[i].d[k]);
	return product ? c->batch * c->time : c->batch;
}

/* Runs what came back and compares. */
static void go_on(tally *t, const setup *s, const rig *r, const eg_onnx_model *m, double tolerance) {
	eg_error err = {0};
	eg_graph *g;
	eg_params *p;
	if (!check(t, s, !eg_onnx_import(r->ctx, m, &g, &p, &err), "import of what was exported", err.message)) return;
	eg_plan *plan = eg_plan_new(g, p,
		&(eg_plan_options){.batch = batch_of(s->c), .time = s->c->time, .sizes = s->c->sizes, .layout = EG_LAYOUT_PLAIN, .exact = true}, &err);
	if (check(t, s, plan, "a plan of what was exported and imported", err.message)) {
		const char *why = "its inputs are of another size";
		if (copy_inputs(r, g, plan)) {
			eg_plan_run(plan, 3);
			why = differ(r, g, plan, tolerance);
		}
		check(t, s, !why, "exported and imported it computes something else", why);
	}
	eg_plan_free(plan);
	eg_params_free(p);
	eg_graph_free(g);
}

/* All outputs but those that are there to be looked at. */
static void outputs_of(const rig *r, const char **names) {
	int n = 0;
	for (int i = 0; i < r->noutputs; i++) {
		const eg_graph_value *v = &r->graph->values[eg_graph_find(r->graph, output_name(i)).id - 1];
		if (i == 0 || !v->constant) names[n++] = output_name(i);
	}
}

/* True where the case could be exported. A case may be refused, with a reason; not all of an operator's. */
static bool round_trip(tally *t, setup s, double tolerance, char *why, size_t size) {
	rig r;
	eg_error err = {0};
	eg_onnx_model *m = NULL;
	s.inference = true;
	if (check(t, &s, rig_new(&r, &s, &err), "building", err.message)) {
		rig_fill(&r);
		rig_run(&r);
		const char *names[EG_MAX_OUTPUTS + 1] = {0};
		outputs_of(&r, names);
		m = eg_onnx_export(r.graph, r.params, names, 0, &err);
		if (m) go_on(t, &s, &r, m, tolerance);
		else check(t, &s, err.status == EG_ERR_ARG && err.message[0], "refused for export", err.message);
		snprintf(why, size, "%s", m ? "" : err.message);
	}
	eg_onnx_free(m);
	rig_free(&r);
	return m;
}

void check_onnx(tally *t, const eg_op *op, double tolerance) {
	static const eg_case none = {.what = "ONNX"};
	const setup about = {.op = op, .c = &none};
	char why[1000] = "";
	bool any = false;
	const bool speaks = op->onnx || op->export;
	if (sizeof(real) != sizeof(float)) return; /* there real numbers are of another type than what is called so at
	                                            * edges */
	check(t, &about, !speaks || !op->no_onnx, "ONNX", "has an equal there, and a reason why not");
	for (int i = 0; i < op->ncases && speaks; i++) {
		setup s = {.op = op, .c = &op->cases[i], .layout = EG_LAYOUT_PLAIN};
		any |= round_trip(t, s, tolerance, why, sizeof why);
	}
	check(t, &about, any || !speaks, "no case can be exported", why);
}
