/* layout.c - how every value lies in memory: the layouts that make the sum of all estimated times smallest.
 *
 * Values that must lie alike (input and output of an op that follows its input) form a group, with one layout. What an
 * op costs in each layout of the group that it reads and the one that it writes is an edge between the two; what it
 * costs to hand a value to an op that wants PLAIN, or to the user, belongs to the group alone. Groups are then
 * eliminated one by one, those with the fewest neighbours first. With at most two neighbours nothing is lost, so
 * chains, trees and residual networks are solved exactly; a group with more neighbours is fixed at what looks best from
 * where it stands.
 *
 * The estimates depend on shapes, the kernel table and cache sizes, never on the number of threads: other layouts mean
 * other bits. */
#include "core/plan.h"

#include <math.h>
#include <string.h>

/* Of a machine with two cores that share a cache. Only their ratios to the kernels' own estimates matter. */
static const double MEMORY = 14;  /* bytes that a core moves in a nanosecond when they do not stay in its second-level
                                   * cache */
static const double CACHED = 60;  /* and when they do */
static const double STEP = 700;   /* nanoseconds for a job of its own: a barrier, and waiting for the last */
enum { CORES = 2 };

typedef struct edge {
	int group[2];
	double cost[EG_LAYOUTS][EG_LAYOUTS]; /* by the layout of group[0], and of group[1] */
	int gone;                            /* group whose elimination used it up; -1: none yet */
	int next[2];                         /* the next edge of group[0], of group[1]; -1 */
} edge;

typedef struct waiting {
	int degree, group;
} waiting;

typedef struct search {
	eg_plan *p;
	int *parent;                 /* by value: union-find; a group is called by its root */
	double (*cost)[EG_LAYOUTS];  /* by group */
	edge *edges;
	int *degree, *order, *chosen; /* by group */
	int *first, *last;           /* by group: its edges, in the order in which they were made; -1 */
	bool *live, solving;
	waiting *heap;               /* groups to be eliminated, the one with the fewest neighbours first; what is said
	                              * of its degree may be out of date */
	int nedges, norder, nheap;
} search;

const char *eg_algorithm_name(eg_algorithm a) {
	static const char *const names[EG_ALGORITHMS] = {"", "implicit", "direct", "depthwise", "winograd2", "winograd4"};
	return (unsigned)a < EG_ALGORITHMS ? names[a] : "unknown";
}

/* ---- estimates --------------------------------------------------------------------------------------------------- */

static int value_of(const eg_plan *p, int value) {
	while (p->values[value].redirect >= 0) value = p->values[value].redirect;
	return value;
}

/* Forward, and backward again. */
static int passes(const eg_plan *p, int value) { return p->values[value_of(p, value)].needs_grad ? 2 : 1; }

static double parallel(double ns, int units) { return ns / (units < CORES ? units : CORES); }

static double block_job(double ns, double bytes, int samples) { return parallel(ns + bytes / CACHED, eg_shards(eg_blocks(samples))); }

double eg_cost_job(const eg_emit *e, double ns, double bytes, int units, bool block) {
	if (block) return block_job(ns, bytes, eg_emit_samples(e));
	return parallel(ns + bytes / MEMORY, units) + STEP;
}

/* LANES pays when few of the 16 lanes are empty and a block with its weights stays in a core's second-level cache. */
bool eg_emit_lanes_fit(const eg_emit *e, size_t block_bytes, size_t weight_bytes) {
	const eg_plan *p = e->plan;
	if (p->options.layout == EG_LAYOUT_LANES) return true;
	if (p->options.algorithm != EG_ALGORITHM_AUTO) return false;
	const int samples = eg_emit_samples(e);
	return samples * 4 >= eg_blocks(samples) * EG_BLOCK * 3 && block_bytes <= p->ctx->cpu.l2 && weight_bytes <= p->ctx->cpu.l2 / 4;
}

static double bytes_of(const eg_plan *p, int value, eg_layout layout) {
	int samples = eg_plan_value_batched(p, value) ? eg_plan_value_samples(p, value) : 1;
	if (layout == EG_LANES) samples = eg_blocks(samples) * EG_BLOCK;
	return (double)samples * (double)eg_plan_value_elems(p, value, layout) * sizeof(real);
}

/* A value, or its gradient, is brought from one layout into another. */
static double reorder(const eg_emit *e, int value, eg_layout from, eg_layout to) {
	const eg_plan *p = e->plan;
	if (from == to) return 0;
	if (!eg_plan_value_may(p, value, from) || !eg_plan_value_may(p, value, to)) return INFINITY;
	double bytes = bytes_of(p, value, from) + bytes_of(p, value, to);
	if (from != EG_PLAIN && to != EG_PLAIN) bytes += 2 * bytes_of(p, value, EG_PLAIN);
	if (from == EG_LANES || to == EG_LANES) return block_job(bytes / MEMORY, 0, eg_plan_value_samples(p, value));
	return eg_cost_job(e, bytes / MEMORY, 0, EG_BLOCK, false);
}
double eg_cost_reorder_in(const eg_emit *e, int i, eg_layout from, eg_layout to) {
	return reorder(e, e->plan->graph->nodes[e->node].in[i], from, to);
}
double eg_cost_reorder_out(const eg_emit *e, eg_layout from, eg_layout to) {
	return reorder(e, e->plan->graph->nodes[e->node].out[0], from, to);
}

/* ---- the problem ------------------------------------------------------------------------------------------------- */

static int group_of(const search *s, int value) {
	value = value_of(s->p, value);
	while (s->parent[value] != value) value = s->parent[value];
	return value;
}

static bool sooner(waiting a, waiting b) { return a.degree != b.degree ? a.degree < b.degree : a.group < b.group; }

static void wait_in(search *s, int group) {
	const waiting w = {s->degree[group], group};
	int i = s->nheap++;
	for (; i > 0 && sooner(w, s->heap[(i - 1) / 2]); i = (i - 1) / 2) s->heap[i] = s->heap[(i - 1) / 2];
	s->heap[i] = w;
}

static int next_of(const search *s, int i, int group) { return s->edges[i].next[s->edges[i].group[1] == group]; }

static void append(search *s, int group, int i) {
	const int last = s->last[group];
	if (last < 0) s->first[group] = i;
	else s->edges[last].next[s->edges[last].group[1] == group] = i;
	s->last[group] = i;
	s->degree[group]++;
	if (s->solving) wait_in(s, group);
}

/* The edge between two groups, made when there is none. */
static edge *edge_between(search *s, int a, int b) {
	for (int i = s->first[a]; i >= 0; i = next_of(s, i, a)) {
		edge *e = &s->edges[i];
		if (e->gone < 0 && (e->group[0] == b || e->group[1] == b)) return e;
	}
	s->edges[s->nedges] = (edge){.group = {a, b}, .gone = -1, .next = {-1, -1}};
	append(s, a, s->nedges);
	append(s, b, s->nedges);
	return &s->edges[s->nedges++];
}

/* cost[x][y] of having group a in layout x and group b in layout y. */
static void add_cost(search *s, int a, int b, double (*cost)[EG_LAYOUTS]) {
	edge *e = a == b ? NULL : edge_between(s, a, b);
	for (int x = 0; x < EG_LAYOUTS; x++)
		for (int y = 0; y < EG_LAYOUTS; y++) {
			if (e) *(e->group[0] == a ? &e->cost[x][y] : &e->cost[y][x]) += cost[x][y];
			else if (x == y) s->cost[a][x] += cost[x][y];
		}
}

static void forbid(search *s, int value, eg_layout layout) { s->cost[group_of(s, value)][layout] = INFINITY; }
static void plain_only(search *s, int value) {
	forbid(s, value, EG_LANES);
	forbid(s, value, EG_BLOCKED);
}

/* Whoever reads input i wants it in PLAIN. */
static void wants_plain(search *s, const eg_emit *e, int i) {
	int value = s->p->graph->nodes[e->node].in[i];
	for (int x = 0; x < EG_LAYOUTS && value >= 0; x++)
		if (eg_plan_value_may(s->p, value, (eg_layout)x)) s->cost[group_of(s, value)][x] += passes(s->p, value) * reorder(e, value, (eg_layout)x, EG_PLAIN);
}

/* Input i is wanted as the values of group g lie. */
static void wants_alike(search *s, const eg_emit *e, int i, int g) {
	int value = s->p->graph->nodes[e->node].in[i];
	double cost[EG_LAYOUTS][EG_LAYOUTS] = {{0}};
	if (value < 0) return;
	for (int x = 0; x < EG_LAYOUTS; x++)
		for (int y = 0; y < EG_LAYOUTS; y++)
			cost[x][y] = passes(s->p, value) * reorder(e, value, (eg_layout)x, (eg_layout)y);
	add_cost(s, group_of(s, value), g, cost);
}

static void follower(search *s, const eg_emit *e) {
	const eg_plan *p = s->p;
	const eg_node *n = &p->graph->nodes[e->node];
	int in = n->in[0], out = n->out[0], g = group_of(s, in);
	for (int x = 0; x < EG_LAYOUTS; x++) {
		if (!eg_plan_value_may(p, in, (eg_layout)x)) continue;
		double bytes = (bytes_of(p, in, (eg_layout)x) + bytes_of(p, out, (eg_layout)x)) * (passes(p, in) > 1 ? 2.5 : 1);
		s->cost[g][x] += eg_cost_job(e, 0, bytes, EG_BLOCK, x == EG_LANES);
	}
	for (int i = 1; i < n->nin; i++) {
		if (n->in[i] < 0) continue;
		const eg_dims *a = &p->values[n->in[i]].dims, *b = &p->values[in].dims;
		if (a->rank != b->rank || memcmp(a->d, b->d, (size_t)a->rank * sizeof a->d[0])) {
			wants_plain(s, e, i);
			continue;
		}
		wants_alike(s, e, i, g);
	}
}

static void chooser(search *s, const eg_emit *e) {
	const eg_node *n = &s->p->graph->nodes[e->node];
	double cost[EG_LAYOUTS][EG_LAYOUTS];
	for (int y = 0; y < EG_LAYOUTS; y++) {
		bool possible = false;
		for (int x = 0; x < EG_LAYOUTS; x++) {
			bool may = eg_plan_value_may(s->p, n->in[0], (eg_layout)x) && eg_plan_value_may(s->p, n->out[0], (eg_layout)y);
			cost[x][y] = may ? n->op->cost(e, (eg_layout)x, (eg_layout)y) : INFINITY;
			possible |= cost[x][y] < INFINITY;
		}
		if (!possible) forbid(s, n->out[0], (eg_layout)y);
	}
	add_cost(s, group_of(s, n->in[0]), group_of(s, n->out[0]), cost);
	for (int i = 1; i < n->nin; i++) wants_alike(s, e, i, group_of(s, n->out[0]));
}

static bool works(const eg_plan *p, int node) { return p->nodes[node].needed && !p->nodes[node].fused_into_producer; }
static bool follows(const eg_plan *p, int node) {
	eg_emit e = {.plan = (eg_plan *)p, .node = node};
	const eg_op *op = p->graph->nodes[node].op;
	return op->follows && op->follows(&e);
}

static void make_groups(search *s) {
	const eg_plan *p = s->p;
	const eg_graph *g = p->graph;
	for (int i = 0; i < g->nvalues; i++) s->parent[i] = i;
	for (int n = 0; n < g->nnodes; n++)
		if (works(p, n) && follows(p, n)) {
			int in = group_of(s, g->nodes[n].in[0]), out = group_of(s, g->nodes[n].out[0]);
			s->parent[out > in ? out : in] = out > in ? in : out;
		}
	for (int i = 0; i < g->nvalues; i++)
		for (int l = 0; l < EG_LAYOUTS; l++)
			if (p->values[i].needed && !eg_plan_value_may(p, i, (eg_layout)l)) forbid(s, i, (eg_layout)l);
}

static void make_costs(search *s) {
	const eg_plan *p = s->p;
	const eg_graph *g = p->graph;
	for (int i = 0; i < g->nvalues; i++) {
		eg_emit e = {.plan = s->p};
		if (!p->values[i].needed) continue;
		if (eg_plan_source(p, i) < 0 && p->options.layout == EG_LAYOUT_AUTO) plain_only(s, i);
		for (int l = 0; l < EG_LAYOUTS && p->values[i].output; l++)
			if (eg_plan_value_may(p, i, (eg_layout)l)) s->cost[group_of(s, i)][l] += reorder(&e, i, (eg_layout)l, EG_PLAIN);
	}
	for (int n = 0; n < g->nnodes; n++) {
		eg_emit e = {.plan = s->p, .node = n};
		const eg_node *node = &g->nodes[n];
		if (!works(p, n)) continue;
		bool follow = follows(p, n), choose = !follow && node->op->cost;
		if (follow) follower(s, &e);
		if (choose) chooser(s, &e);
		for (int i = follow || choose ? node->nin : 0; i < node->nin; i++) wants_plain(s, &e, i);
		for (int i = follow || choose ? 1 : 0; i < node->nout; i++) plain_only(s, node->out[i]);
	}
}

/* ---- its solution ------------------------------------------------------------------------------------------------ */

/* A layout is preferred to an earlier one only when it is better by more than rounding. */
static bool better(double a, double b) { return a < b * (1 - 1e-9); }

static int best_of(const double *cost) {
	int best = EG_PLAIN;
	for (int l = 1; l < EG_LAYOUTS; l++)
		if (better(cost[l], cost[best])) best = l;
	return best;
}

/* Cost of edge e with group g in layout l and the other group in layout o. */
static double along(const edge *e, int g, int l, int o) { return e->group[0] == g ? e->cost[l][o] : e->cost[o][l]; }
static int other(const edge *e, int g) { return e->group[e->group[0] == g ? 1 : 0]; }

/* The least of group g alone, with an edge towards layout o of its neighbour, and perhaps a second one. */
static double least(const search *s, int g, const edge *a, int la, const edge *b, int lb) {
	double min = INFINITY;
	for (int l = 0; l < EG_LAYOUTS; l++) {
		double c = s->cost[g][l] + along(a, g, l, la) + (b ? along(b, g, l, lb) : 0);
		if (c < min) min = c;
	}
	return min;
}

/* Fixes a group with many neighbours where each of them, asked alone, costs least. */
static void fix(search *s, int g) {
	double sum[EG_LAYOUTS];
	for (int l = 0; l < EG_LAYOUTS; l++) {
		sum[l] = s->cost[g][l];
		for (int i = s->first[g]; i >= 0; i = next_of(s, i, g)) {
			const edge *e = &s->edges[i];
			if (e->gone != g) continue;
			double min = INFINITY;
			for (int o = 0; o < EG_LAYOUTS; o++) min = fmin(min, s->cost[other(e, g)][o] + along(e, g, l, o));
			sum[l] += min;
		}
	}
	int l = best_of(sum);
	for (int k = 0; k < EG_LAYOUTS; k++)
		if (k != l) s->cost[g][k] = INFINITY;
	for (int i = s->first[g]; i >= 0; i = next_of(s, i, g))
		for (int o = 0; o < EG_LAYOUTS && s->edges[i].gone == g; o++) s->cost[other(&s->edges[i], g)][o] += along(&s->edges[i], g, l, o);
}

static waiting take_first(search *s) {
	const waiting first = s->heap[0], w = s->heap[--s->nheap];
	int i = 0;
	for (int k; (k = 2 * i + 1) < s->nheap; i = k) {
		if (k + 1 < s->nheap && sooner(s->heap[k + 1], s->heap[k])) k++;
		if (!sooner(s->heap[k], w)) break;
		s->heap[i] = s->heap[k];
	}
	s->heap[i] = w;
	return first;
}

static void eliminate(search *s, int g) {
	edge *mine[2] = {NULL, NULL};
	int n = s->degree[g];
	s->live[g] = false;
	s->order[s->norder++] = g;
	for (int i = s->first[g], k = 0; i >= 0; i = next_of(s, i, g)) {
		edge *e = &s->edges[i];
		if (e->gone >= 0) continue;
		if (k < 2) mine[k++] = e;
		e->gone = g;
		s->degree[other(e, g)]--;
		wait_in(s, other(e, g));
	}
	if (n > 2) {
		fix(s, g);
	} else if (n == 1 && mine[0]) {
		int a = other(mine[0], g);
		for (int l = 0; l < EG_LAYOUTS; l++) s->cost[a][l] += least(s, g, mine[0], l, NULL, 0);
	} else if (n == 2 && mine[0] && mine[1]) {
		double cost[EG_LAYOUTS][EG_LAYOUTS];
		for (int x = 0; x < EG_LAYOUTS; x++)
			for (int y = 0; y < EG_LAYOUTS; y++) cost[x][y] = least(s, g, mine[0], x, mine[1], y);
		add_cost(s, other(mine[0], g), other(mine[1], g), cost);
	}
}

static void solve(search *s) {
	for (int i = 0; i < s->p->graph->nvalues; i++)
		if (s->live[i]) wait_in(s, i);
	s->solving = true;
	while (s->nheap > 0) {
		const waiting w = take_first(s);
		if (s->live[w.group] && w.degree == s->degree[w.group]) eliminate(s, w.group);
	}
	while (s->norder > 0) {
		int g = s->order[--s->norder];
		double sum[EG_LAYOUTS];
		for (int l = 0; l < EG_LAYOUTS; l++) {
			sum[l] = s->cost[g][l];
			for (int i = s->first[g]; i >= 0; i = next_of(s, i, g))
				if (s->edges[i].gone == g) sum[l] += along(&s->edges[i], g, l, s->chosen[other(&s->edges[i], g)]);
		}
		s->chosen[g] = best_of(sum);
	}
}

/* A layout asked for is taken wherever it is possible. */
static void force(search *s, eg_layout layout) {
	for (int g = 0; g < s->p->graph->nvalues; g++) s->chosen[g] = s->cost[g][layout] < INFINITY ? (int)layout : EG_PLAIN;
}

static bool allocate(search *s) {
	const eg_graph *g = s->p->graph;
	eg_arena *a = &s->p->arena;
	size_t values = (size_t)g->nvalues + 1, edges = values;
	for (int n = 0; n < g->nnodes; n++) edges += (size_t)g->nodes[n].nin;
	s->parent = eg_arena_alloc(a, values * sizeof *s->parent);
	s->cost = eg_arena_alloc(a, values * sizeof *s->cost);
	s->edges = eg_arena_alloc(a, edges * sizeof *s->edges);
	s->degree = eg_arena_alloc(a, values * sizeof *s->degree);
	s->order = eg_arena_alloc(a, values * sizeof *s->order);
	s->chosen = eg_arena_alloc(a, values * sizeof *s->chosen);
	s->live = eg_arena_alloc(a, values * sizeof *s->live);
	s->first = eg_arena_alloc(a, values * sizeof *s->first);
	s->last = eg_arena_alloc(a, values * sizeof *s->last);
	s->heap = eg_arena_alloc(a, (values + 3 * edges) * sizeof *s->heap);
	for (size_t i = 0; s->first && s->last && i < values; i++) s->first[i] = s->last[i] = -1;
	return s->first && s->last && s->heap && s->parent && s->cost && s->edges && s->degree && s->order && s->chosen && s->live;
}

void eg_plan_layouts(eg_plan *p) {
	search s = {.p = p};
	if (!allocate(&s)) {
		p->out_of_memory = true;
		return;
	}
	make_groups(&s);
	make_costs(&s);
	for (int i = 0; i < p->graph->nvalues; i++) s.live[i] = p->values[i].needed && group_of(&s, i) == i;
	switch (p->options.layout) {
	case EG_LAYOUT_PLAIN: force(&s, EG_PLAIN); break;
	case EG_LAYOUT_LANES: force(&s, EG_LANES); break;
	case EG_LAYOUT_BLOCKED: force(&s, EG_BLOCKED); break;
	default: solve(&s);
	}
	for (int i = 0; i < p->graph->nvalues; i++)
		if (p->values[i].needed) p->values[i].wanted = (eg_layout)s.chosen[group_of(&s, i)];
}
