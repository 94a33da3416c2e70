/* ref_ctc.c - CTC in plain C: the loss, its gradient, and reading off labels (best path, and a beam of prefixes).
 *
 * Graves, Fernandez, Gomez and Schmidhuber 2006. The forward variables are kept as logarithms, so no number of steps
 * and no size of logits makes them vanish. There is no backward recursion in logarithms: with alpha known,
 *
 *     p(state s' at t-1 | state s at t, target)
 *         = alpha[t-1][s'] / (alpha[t-1][s] + alpha[t-1][s-1] + [skip] alpha[t-1][s-2])
 *
 * carries the occupancies from the last step to the first. They are probabilities that sum to 1 at every step.
 *
 * Not here: the softmax of the logits, which has a slot of its own. */
#include "kern/ref.h"

/* One sample's part of a job. */
typedef struct ctc_sample {
	const int32_t *labels;
	int len, steps; /* labels, and time steps */
	bool possible;
} ctc_sample;

/* A label at every step at most, and a blank more for each repeated label. */
static ctc_sample sample_of(
	const eg_ctc_shape *s, const int32_t *target, const int32_t *steps, const int32_t *lengths, int n) {
	ctc_sample a = {.labels = target + (ptrdiff_t)n * s->L, .steps = steps ? steps[n] : s->T, .possible = true};
	if (lengths) a.len = lengths[n];
	while (!lengths && a.len < s->L && a.labels[a.len] != -1) a.len++;
	if (a.len < 0 || a.len > s->L || a.steps < 0 || a.steps > s->T) return (ctc_sample){.labels = a.labels};
	int needed = a.len;
	for (int i = 0; i < a.len; i++) {
		if (a.labels[i] < 0 || a.labels[i] >= s->C || a.labels[i] == s->blank) a.possible = false;
		needed += i > 0 && a.labels[i] == a.labels[i - 1];
	}
	a.possible = a.possible && needed <= a.steps;
	return a;
}

/* May state s be reached from s - 2, leaving out the blank between two different labels? */
static bool may_skip(const ctc_sample *a, int s) {
	return s % 2 == 1 && s > 1 && a->labels[s / 2] != a->labels[s / 2 - 1];
}

static real largest(const real *v, int n) {
	real m = v[0];
	for (int i = 1; i < n; i++) /* a NaN stays */
		if (v[i] > m || v[i] != v[i]) m = v[i];
	return m;
}

/* log(e^a + e^b + e^c); -infinity is the logarithm of 0. */
static real log_add3(real a, real b, real c) {
	real m = a > b ? a : b;
	if (c > m) m = c;
	if (m == -(real)INFINITY) return a + b + c; /* NaN comes through */
	return m + real_log(real_exp(a - m) + real_exp(b - m) + real_exp(c - m));
}

/* What log softmax(x) is formed from: x - max, and log(sum of exp(x - max)), taken from the largest probability. */
typedef struct ctc_scale {
	real max, log_sum;
} ctc_scale;

static ctc_scale scale_of(const real *x, const real *prob, int C) {
	int k = 0;
	for (int c = 1; c < C; c++)
		if (x[c] > x[k]) k = c;
	return (ctc_scale){x[k], -real_log(prob[k])};
}

/* ---- the loss ---------------------------------------------------------------------------------------------------- */

/* Forward variables of a step from those of the step before (NULL: the first); less their largest, which is
 * returned. */
static real ctc_step(
	const ctc_sample *a, const eg_ctc_shape *s, const real *x, const real *prob, const real *prev, real *next) {
	ctc_scale scale = scale_of(x, prob, s->C);
	real blank = x[s->blank] - scale.max - scale.log_sum, none = -(real)INFINITY;
	int states = 2 * a->len + 1;
	for (int i = 0; i < states; i++) {
		real p = i % 2 ? x[a->labels[i / 2]] - scale.max - scale.log_sum : blank;
		if (prev)
			next[i] = p +
			          log_add3(prev[i], i > 0 ? prev[i - 1] : none, may_skip(a, i) ? prev[i - 2] : none);
		else
			next[i] = i < 2 ? p : none;
	}
	real m = largest(next, states);
	for (int i = 0; i < states && m != none; i++) next[i] -= m;
	return m;
}

/* alpha: (T,2L+1) of this sample, or NULL, when two rows of scratch do. */
static real ctc_loss(const eg_ctc_fwd_args *g, const ctc_sample *a, int n, real *alpha, real *rows) {
	const eg_ctc_shape *s = &g->s;
	ptrdiff_t width = 2 * (ptrdiff_t)s->L + 1;
	const real *prev = NULL;
	double sum = 0;
	if (!a->possible) return (real)INFINITY;
	for (int t = 0; t < a->steps; t++) {
		ptrdiff_t at = ((ptrdiff_t)t * s->N + n) * s->C;
		real *next = alpha ? alpha + t * width : rows + t % 2 * width;
		real m = ctc_step(a, s, (const real *)g->x.p + at, (const real *)g->prob.p + at, prev, next);
		if (m == -(real)INFINITY) return (real)INFINITY;
		sum += (double)m;
		prev = next;
	}
	if (!prev) return 0; /* no step */
	int last = 2 * a->len;
	real none = -(real)INFINITY;
	return (real) - (sum + (double)log_add3(prev[last], last ? prev[last - 1] : none, none));
}

static void ctc_fwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_ctc_fwd_args *g = args;
	const eg_ctc_shape *s = &g->s;
	assert(ctc_ok(s, begin, end) && g->x.p && g->prob.p && g->target.p && g->losses.p && g->factor.p);
	for (int n = begin; n < end; n++) {
		ctc_sample a = sample_of(s, g->target.p, g->input_lengths.p, g->target_lengths.p, n);
		real *alpha = g->alpha.p ? (real *)g->alpha.p + (ptrdiff_t)n * s->T * (2 * s->L + 1) : NULL;
		real loss = ctc_loss(g, &a, n, alpha, worker->scratch);
		bool impossible = loss == (real)INFINITY;
		((real *)g->losses.p)[n] = impossible && s->zero_infinity ? 0 : loss;
		((real *)g->factor.p)[n] = impossible ? 0 : s->by_length && a.len > 1 ? 1 / (real)a.len : 1;
	}
}

static void loss_sum__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_loss_sum_args *a = args;
	const real *losses = a->losses.p, *factor = a->factor.p;
	EG_UNUSED(worker);
	assert(a->n >= 1 && losses && a->loss.p && 0 <= begin && begin <= end && end <= 1);
	if (begin == end) return;
	double sum = 0;
	for (int n = 0; n < a->n; n++)
		sum += losses[n] == (real)INFINITY || !factor ? (double)losses[n] : (double)(factor[n] * losses[n]);
	*(real *)a->loss.p = (real)(sum * a->scale);
}

/* ---- its gradient ------------------------------------------------------------------------------------------------ */

/* Occupancies of step t-1 from those of t, given alpha of t-1. */
static void ctc_back(const ctc_sample *a, const real *alpha, const real *from, real *to) {
	int states = 2 * a->len + 1;
	memset(to, 0, (size_t)states * sizeof *to);
	for (int i = 0; i < states; i++) {
		if (from[i] == 0) continue;
		int ways = i == 0 ? 1 : may_skip(a, i) ? 3 : 2;
		real w[3], sum = 0, m = alpha[i];
		for (int k = 1; k < ways; k++)
			if (alpha[i - k] > m) m = alpha[i - k];
		for (int k = 0; k < ways; k++) sum += w[k] = real_exp(alpha[i - k] - m);
		for (int k = 0; k < ways; k++) to[i - k] += from[i] * (w[k] / sum);
	}
}

/* Occupancies of the last step: the target is complete in its last label or in the blank behind it. */
static void ctc_last(const ctc_sample *a, const real *alpha, real *to) {
	int last = 2 * a->len;
	memset(to, 0, ((size_t)last + 1) * sizeof *to);
	if (last == 0) {
		to[0] = 1 + 0 * alpha[0]; /* NaN comes through */
		return;
	}
	real m = alpha[last] > alpha[last - 1] ? alpha[last] : alpha[last - 1];
	real e = real_exp(alpha[last] - m), d = real_exp(alpha[last - 1] - m);
	to[last] = e / (e + d);
	to[last - 1] = d / (e + d);
}

/* One step's dx = [dx +] w (prob - occupancy of the classes). */
static void ctc_dx(const eg_ctc_bwd_args *g, const ctc_sample *a, real w, const real *prob, const real *state, real *dx,
	real *classes) {
	int C = g->s.C;
	memset(classes, 0, (size_t)C * sizeof *classes);
	for (int i = 0; i <= 2 * a->len; i++) classes[i % 2 ? a->labels[i / 2] : g->s.blank] += state[i];
	if (g->acc)
		for (int c = 0; c < C; c++) dx[c] += w * (prob[c] - classes[c]);
	else
		for (int c = 0; c < C; c++) dx[c] = w * (prob[c] - classes[c]);
}

static void ctc_bwd__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_ctc_bwd_args *g = args;
	const eg_ctc_shape *s = &g->s;
	ptrdiff_t width = 2 * (ptrdiff_t)s->L + 1;
	assert(ctc_ok(s, begin, end) && g->prob.p && g->target.p && g->factor.p && g->alpha.p && g->dloss.p && g->dx.p);
	for (int n = begin; n < end; n++) {
		ctc_sample a = sample_of(s, g->target.p, g->input_lengths.p, g->target_lengths.p, n);
		real factor = ((const real *)g->factor.p)[n], *state = worker->scratch, *before = state + width;
		real w = ((const real *)g->dloss.p)[g->each ? n : 0] * factor * g->scale;
		const real *alpha = (const real *)g->alpha.p + n * s->T * width;
		int steps = factor == 0 ? 0 : a.steps;
		for (int t = s->T - 1; t >= 0; t--) {
			ptrdiff_t at = ((ptrdiff_t)t * s->N + n) * s->C;
			real *dx = (real *)g->dx.p + at;
			if (t >= steps) {
				if (!g->acc) memset(dx, 0, (size_t)s->C * sizeof *dx);
				continue;
			}
			if (t == steps - 1) {
				ctc_last(&a, alpha + t * width, state);
			} else {
				ctc_back(&a, alpha + t * width, state, before);
				real *swap = state;
				state = before;
				before = swap;
			}
			ctc_dx(g, &a, w, (const real *)g->prob.p + at, state, dx, (real *)worker->scratch + 4 * width);
		}
	}
}

/* ---- decoding: the best path ------------------------------------------------------------------------------------- */

static int best_path(const eg_ctc_decode_args *g, int n, int steps, int32_t *ids) {
	int count = 0, previous = g->blank;
	for (int t = 0; t < steps; t++) {
		const real *x = (const real *)g->x.p + ((ptrdiff_t)t * g->N + n) * g->C;
		int k = 0;
		for (int c = 1; c < g->C; c++)
			if (x[c] > x[k]) k = c;
		if (k != previous && k != g->blank) ids[(ptrdiff_t)count++ * g->N + n] = k;
		previous = k;
	}
	return count;
}

/* ---- decoding: a beam of prefixes -------------------------------------------------------------------------------- */

/* The best of `most` prefixes so far, best first; equal ones in the order in which they came. */
typedef struct ctc_beam {
	eg_ctc_prefix *p;
	int n, most;
} ctc_beam;

static void offer(ctc_beam *b, eg_ctc_prefix p) {
	int i = b->n;
	p.all = log_add3(p.blank, p.label, -(real)INFINITY);
	if (!(p.all > -(real)INFINITY) || (i == b->most && !(p.all > b->p[i - 1].all))) return;
	if (i == b->most) i--;
	for (; i > 0 && p.all > b->p[i - 1].all; i--) b->p[i] = b->p[i - 1];
	b->p[i] = p;
	if (b->n < b->most) b->n++;
}

/* The node of a prefix made longer by a label: the one that is there, or node number *count. */
static int32_t node_of(eg_ctc_node *nodes, int *count, int32_t parent, int32_t label) {
	for (int32_t i = nodes[parent].child; i >= 0; i = nodes[i].sibling)
		if (nodes[i].label == label) return i;
	nodes[*count] = (eg_ctc_node){parent, label, -1, nodes[parent].child};
	return nodes[parent].child = (*count)++;
}

/* The log probability that prefix p goes on with a label: after the same label only from behind a blank. */
static real extended(const eg_ctc_prefix *p, const eg_ctc_node *nodes, int32_t label, real log_p) {
	return log_p + (nodes[p->node].label == label ? p->blank : p->all);
}

/* One step: every prefix stays as it is (a blank, its last label once more, or its parent's extension to it) or gets
 * a label more. */
static void beam_step(const eg_ctc_decode_args *g, const real *log_p, const ctc_beam *now, ctc_beam *next,
	const eg_ctc_node *nodes, char *taken) {
	real none = -(real)INFINITY;
	next->n = 0;
	for (int i = 0; i < now->n; i++) {
		const eg_ctc_prefix *p = &now->p[i];
		const eg_ctc_node *node = &nodes[p->node];
		eg_ctc_prefix stays = {.blank = p->all + log_p[g->blank], .label = none, .node = p->node, .add = -1};
		if (node->parent >= 0) stays.label = p->label + log_p[node->label];
		for (int k = 0; k < now->n; k++)
			if (now->p[k].node == node->parent)
				stays.label = log_add3(stays.label,
				        extended(&now->p[k], nodes, node->label, log_p[node->label]), none);
		offer(next, stays);
	}
	for (int i = 0; i < now->n; i++) {
		const eg_ctc_prefix *p = &now->p[i];
		memset(taken, 0, (size_t)g->C);
		taken[g->blank] = 1;
		for (int k = 0; k < now->n; k++) /* extensions that are in the beam themselves: dealt with above */
			if (nodes[now->p[k].node].parent == p->node) taken[nodes[now->p[k].node].label] = 1;
		for (int c = 0; c < g->C; c++)
			if (!taken[c])
				offer(next, (eg_ctc_prefix){.blank = none,
				                    .label = extended(p, nodes, c, log_p[c]),
				                    .node = p->node,
				                    .add = c});
	}
}

static int best_prefix(const eg_ctc_decode_args *g, int n, int steps, int32_t *ids, void *scratch) {
	eg_ctc_prefix *prefixes = scratch;
	ctc_beam now = {prefixes, 1, g->beam}, next = {prefixes + g->beam, 0, g->beam};
	real *log_p = (real *)(prefixes + 2 * g->beam);
	eg_ctc_node *nodes = (eg_ctc_node *)(log_p + g->C);
	char *taken = (char *)(nodes + 1 + (ptrdiff_t)g->T * g->beam);
	int made = 1, count = 0;
	nodes[0] = (eg_ctc_node){-1, -1, -1, -1};
	now.p[0] = (eg_ctc_prefix){.label = -(real)INFINITY, .add = -1};
	for (int t = 0; t < steps; t++) {
		ptrdiff_t at = ((ptrdiff_t)t * g->N + n) * g->C;
		const real *x = (const real *)g->x.p + at;
		ctc_scale scale = scale_of(x, (const real *)g->prob.p + at, g->C);
		for (int c = 0; c < g->C; c++) log_p[c] = x[c] - scale.max - scale.log_sum;
		beam_step(g, log_p, &now, &next, nodes, taken);
		if (next.n == 0) return 0; /* NaN */
		real top = next.p[0].all;
		for (int i = 0; i < next.n; i++) {
			eg_ctc_prefix *p = &next.p[i];
			if (p->add >= 0) p->node = node_of(nodes, &made, p->node, p->add);
			p->blank -= top, p->label -= top, p->all -= top;
		}
		ctc_beam swap = now;
		now = next;
		next = swap;
	}
	for (int32_t i = now.p[0].node; nodes[i].parent >= 0; i = nodes[i].parent) count++;
	int at = count;
	for (int32_t i = now.p[0].node; nodes[i].parent >= 0; i = nodes[i].parent)
		ids[(ptrdiff_t)--at * g->N + n] = nodes[i].label;
	return count;
}

static void ctc_decode__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_ctc_decode_args *g = args;
	const int32_t *lengths = g->input_lengths.p;
	int32_t *ids = g->ids.p;
	assert(g->T >= 1 && g->N >= 1 && g->C >= 1 && g->beam >= 1 && 0 <= begin && begin <= end && end <= g->N);
	assert(g->x.p && ids && (g->beam == 1 || g->prob.p));
	for (int n = begin; n < end; n++) {
		int steps = lengths ? lengths[n] : g->T, count = 0;
		if (steps >= 0 && steps <= g->T)
			count = g->beam == 1 ? best_path(g, n, steps, ids) : best_prefix(g, n, steps, ids, worker->scratch);
		for (int t = count; t < g->T; t++) ids[(ptrdiff_t)t * g->N + n] = -1;
	}
}

void fill_ctc__ref(eg_kernels *k) {
	EG_FILL(k, ctc_fwd, ctc_fwd__ref);
	EG_FILL(k, ctc_bwd, ctc_bwd__ref);
	EG_FILL(k, ctc_decode, ctc_decode__ref);
	EG_FILL(k, loss_sum, loss_sum__ref);
}
