/* optest_equal.c - the cases of an operator once more with all extents equal: who guesses from sizes which dimension is
 * which guesses right as long as they differ.
 *
 * The tables and layouts are compared as in other cases. That they are not all wrong in the same way is seen from
 * gradients (double precision) and from a batch with a sample more: the others must come out as before. */
#include "optest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OPTIONS_MOST = 512, SIZES_MOST = 4, LARGE = 1 << 13, LARGEST = 1 << 17 };

typedef struct equal {
	eg_case c;
	eg_size sizes[SIZES_MOST + 1];
	_Alignas(16) char options[OPTIONS_MOST];
} equal;

/* Values that are no lengths were chosen for the extents of their case. */
static bool has_values(const eg_op *op, const eg_case *c) {
	bool lengths[EG_MAX_INPUTS] = {false};
	for (int i = 0; i < c->nin && op->lengths; i++) {
		const char k = op->lengths[i];
		if (k != '-') lengths[k >= 'a' ? k - 'a' : k - '0'] = true;
	}
	for (int i = 0; i < c->nin; i++)
		if (c->values && c->values[i] && !lengths[i]) return true;
	return false;
}

/* Numbers of the first options that have no default (filters, hidden, heads) are extents too. */
static void equal_options(equal *e, const eg_op *op, const eg_case *c, int n) {
	if (!c->options) return;
	memcpy(e->options, c->options, op->info.options_size);
	for (int i = 0; i < op->info.nattrs; i++) {
		const eg_attr *a = &op->info.attrs[i];
		if (a->type == EG_ATTR_INT && isnan(a->def)) memcpy(e->options + a->offset, &n, sizeof n);
	}
	e->c.options = e->options;
}

static bool equal_of(equal *e, const eg_op *op, const eg_case *c, int n) {
	int sizes = 0;
	if (op->info.options_size > sizeof e->options || has_values(op, c) || c->unequal) return false;
	*e = (equal){.c = *c};
	e->c.batch = e->c.time = n;
	e->c.values = NULL;
	e->c.limit = c->limit > 0 && c->limit < n ? c->limit : n;
	for (int i = 0; i < c->nin; i++)
		for (int k = 0; k < c->in[i].rank; k++)
			if (c->in[i].d[k] > 1) e->c.in[i].d[k] = (int16_t)n;
	for (const eg_size *z = c->sizes; z && z->name && sizes < SIZES_MOST; z++) e->sizes[sizes++] = (eg_size){z->name, n};
	e->c.sizes = e->sizes;
	equal_options(e, op, c, n);
	return true;
}

/* ---- a sample more ----------------------------------------------------------------------------------------------- */

/* Which dimension is the batch; -1: none. */
static int batch_of(const eg_dims *d) {
	for (int i = 0; i < d->rank; i++)
		if (d->d[i] == EG_N) return i;
	return -1;
}

/* Between v of `all` samples and a copy of fewer: reads (to NULL) or compares. Elements are real or int32_t. */
static void copy_samples(void *to, const void *from, size_t elem, const eg_dims *d, int axis, int to_n, int from_n) {
	int64_t outer = 1, inner = 1;
	for (int i = 0; i < axis; i++) outer *= d->d[i];
	for (int i = axis + 1; i < d->rank; i++) inner *= d->d[i];
	const size_t piece = (size_t)inner * (size_t)(to_n < from_n ? to_n : from_n) * elem;
	for (int64_t o = 0; o < outer; o++)
		memcpy((char *)to + (size_t)(o * to_n * inner) * elem, (const char *)from + (size_t)(o * from_n * inner) * elem, piece);
}

static bool copy_inputs(const rig *few, rig *more) {
	bool any = false;
	for (int i = 0; i < few->s->c->nin; i++) {
		const eg_tensor t = eg_graph_find(few->graph, input_name(i));
		void *from = eg_plan_input(few->plan, input_name(i)), *to = eg_plan_input(more->plan, input_name(i));
		if (!t.id || !from || !to) continue;
		const eg_dims declared = eg_tensor_dims(few->graph, t), d = eg_plan_dims(few->plan, t);
		const int axis = batch_of(&declared);
		const size_t elem = eg_dtype_size((eg_dtype)few->s->c->type[i]);
		if (axis < 0)
			memcpy(to, from, (size_t)eg_dims_count(&d, 0) * elem);
		else
			copy_samples(to, from, elem, &d, axis, more->s->c->batch, few->s->c->batch);
		any |= axis >= 0;
	}
	return any;
}

/* Outputs of the first samples; those of `more` are cut. */
static void first_samples(results *out, const rig *r, int samples) {
	out->n = 0;
	for (int i = 0; i < r->noutputs; i++) {
		const eg_tensor t = eg_graph_find(r->graph, output_name(i));
		const eg_dims declared = eg_tensor_dims(r->graph, t);
		eg_dims d = eg_plan_dims(r->plan, t);
		const int axis = batch_of(&declared);
		const real *y = eg_plan_output(r->plan, output_name(i));
		if (axis < 0 || !y || eg_tensor_dtype(r->graph, t) != EG_F32) continue;
		result *o = &out->r[out->n];
		const int all = (int)d.d[axis];
		d.d[axis] = samples;
		*o = (result){.n = eg_dims_count(&d, 0)};
		snprintf(o->name, sizeof o->name, "%s", output_name(i));
		o->v = calloc((size_t)o->n, sizeof *o->v);
		if (!o->v) continue;
		copy_samples(o->v, y, sizeof(real), &d, axis, samples, all);
		out->n++;
	}
}

static void check_sample_more(tally *t, setup s, const eg_case *c) {
	eg_case larger = *c;
	setup other = s;
	rig few, more = {0};
	eg_error err;
	results want = {0}, have = {0};
	for (int i = 0; i < c->nin; i++)
		for (int k = 0; k < c->in[i].rank; k++)
			if (eg_dim_is_product(c->in[i].d[k])) return;
	larger.batch++;
	s.inference = other.inference = true;
	other.c = &larger;
	if (rig_new(&few, &s, &err) && rig_new(&more, &other, &err)) {
		rig_fill(&few);
		rig_fill(&more);
		if (copy_inputs(&few, &more)) {
			rig_run(&few);
			rig_run(&more);
			first_samples(&want, &few, c->batch);
			first_samples(&have, &more, c->batch);
			const char *why = want.n ? results_differ(&want, &have, tolerance_of(&s)) : NULL;
			check(t, &s, !why, "a sample more changes the others", why);
		}
	}
	rig_free(&few);
	rig_free(&more);
	results_free(&want);
	results_free(&have);
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

void check_equal(tally *t, const eg_op *op) {
	static const eg_case all = {.what = "all extents equal"};
	const setup none = {.op = op, .c = &all};
	bool possible = false, any = false;
	for (int i = 0; i < op->ncases; i++)
		for (int n = 8; n <= (op->cases[i].time ? 8 : EG_BLOCK); n += 8) { /* a recurrence of more steps may
		                                                                    * grow beyond all bounds */
			equal e;
			if (!equal_of(&e, op, &op->cases[i], n)) continue;
			const double elements = pow(n, e.c.in[0].rank);
			setup s = {.op = op, .c = &e.c, .large = elements > LARGE};
			possible = true;
			if (elements > LARGEST) continue;
			if (!setup_fits(&s)) continue;
			any = true;
			check_form(t, s);
			do check_sample_more(t, s, &e.c);
			while (next_way(&s));
		}
	check(t, &none, any || !possible, "no case", "has a shape with all extents equal");
}
