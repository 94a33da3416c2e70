/* ctc.c - see ctc.h. The beam keeps beginnings as a tree: a node is a label behind its parent's. */
#include "tasks/ctc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a transcript"); }

static double at(const eg_ctc *c, int t, int k) { return c->lp[(ptrdiff_t)t * c->classes + k]; }

/* ln(exp(a) + exp(b)). */
static double plus(double a, double b) {
	const double most = a > b ? a : b, least = a > b ? b : a;
	return most == -INFINITY ? most : most + log1p(exp(least - most));
}

int eg_ctc_needs(const int32_t *labels, int n) {
	int steps = n;
	for (int i = 1; i < n; i++) steps += labels[i] == labels[i - 1];
	return steps;
}

int eg_ctc_best(const eg_ctc *c, int32_t *labels) {
	int n = 0, before = 0;
	for (int t = 0; t < c->steps; t++) {
		int best = 0;
		for (int k = 1; k < c->classes; k++)
			if (at(c, t, k) > at(c, t, best)) best = k;
		if (best != 0 && best != before) labels[n++] = best;
		before = best;
	}
	return n;
}

/* ---- all paths of given labels ----------------------------------------------------------------------------------- */

/* Place s of the labels with a blank around each: 2 n + 1 of them. */
static int class_at(const int32_t *labels, int s) { return s % 2 ? (int)labels[s / 2] : 0; }
/* May a path come from place s - 2? Only to a label that is another than the one before it. */
static bool skips(const int32_t *labels, int s) { return s % 2 && s > 1 && labels[s / 2] != labels[s / 2 - 1]; }

eg_status eg_ctc_likelihood(const eg_ctc *c, const int32_t *labels, int n, double *ln, eg_error *err) {
	const int places = 2 * n + 1;
	double *a = eg_calloc(NULL, (size_t)places, sizeof *a);
	if (!a) return no_memory(err);
	for (int s = 0; s < places; s++) a[s] = s < 2 && c->steps > 0 ? at(c, 0, class_at(labels, s)) : -INFINITY;
	for (int t = 1; t < c->steps; t++)
		for (int s = places - 1; s >= 0; s--) { /* from the end: those before are still of the last step */
			double sum = a[s];
			if (s > 0) sum = plus(sum, a[s - 1]);
			if (skips(labels, s)) sum = plus(sum, a[s - 2]);
			a[s] = sum + at(c, t, class_at(labels, s));
		}
	*ln = n > 0 ? plus(a[places - 1], a[places - 2]) : c->steps > 0 ? a[0] : 0;
	eg_release(NULL, a);
	return EG_OK;
}

eg_status eg_ctc_align(const eg_ctc *c, const int32_t *labels, int n, int *first, int *end, eg_error *err) {
	const int places = 2 * n + 1;
	double *a = eg_calloc(NULL, (size_t)places, sizeof *a);
	uint8_t *from = eg_calloc(NULL, (size_t)places * (size_t)(c->steps + 1), 1); /* how far back: 0, 1, 2 */
	eg_status status = a && from ? EG_OK : no_memory(err);
	if (!status && (c->steps < eg_ctc_needs(labels, n) || n == 0)) {
		for (int i = 0; i < n; i++) first[i] = end[i] = 0;
		if (n) status = eg_fail(err, EG_ERR_SHAPE, "%d labels do not fit into %d steps", n, c->steps);
		n = 0;
	}
	for (int s = 0; s < places && !status && n; s++) a[s] = s < 2 ? at(c, 0, class_at(labels, s)) : -INFINITY;
	for (int t = 1; t < c->steps && !status && n; t++)
		for (int s = places - 1; s >= 0; s--) {
			int back = 0;
			if (s > 0 && a[s - 1] > a[s - back]) back = 1;
			if (skips(labels, s) && a[s - 2] > a[s - back]) back = 2;
			a[s] = a[s - back] + at(c, t, class_at(labels, s));
			from[(ptrdiff_t)t * places + s] = (uint8_t)back;
		}
	for (int i = 0; i < n && !status; i++) first[i] = end[i] = -1;
	if (!status && n) {
		int s = a[places - 1] > a[places - 2] ? places - 1 : places - 2;
		for (int t = c->steps - 1; t >= 0; t--) {
			if (s % 2) {
				first[s / 2] = t;
				if (end[s / 2] < 0) end[s / 2] = t + 1;
			}
			s -= from[(ptrdiff_t)t * places + s];
		}
	}
	eg_release(NULL, a);
	eg_release(NULL, from);
	return status;
}

/* ---- prefix search ----------------------------------------------------------------------------------------------- */

typedef struct node {
	int parent, length;
	int child, sibling; /* the last child that was made, and the one made before this; 0: none */
	int step, place;    /* where it is in `next` of this step */
	int32_t label;
	double prior; /* of all labels up to here, added up */
} node;

/* A beginning that is kept: ln of the probability that its paths end in no label, and in its last one. */
typedef struct beginning {
	int node;
	double blank, label, score;
} beginning;

typedef struct search {
	const eg_ctc *c;
	const eg_ctc_prior *prior;
	int width;
	node *nodes;
	int nnodes, cap;
	beginning *now, *next; /* width of them; of next any number: one a child too */
	int n, nnext, room;
	int32_t *labels;
} search;

static int by_score(const void *a, const void *b) {
	const beginning *x = a, *y = b;
	return x->score != y->score ? (x->score < y->score) - (x->score > y->score) : (x->node > y->node) - (x->node < y->node);
}

/* The labels up to a node, into s->labels; returns how many. */
static int spell(const search *s, int at_node) {
	const int n = s->nodes[at_node].length;
	for (int i = n, k = at_node; i > 0; k = s->nodes[k].parent) s->labels[--i] = s->nodes[k].label;
	return n;
}

/* The node of `label` behind `parent`, made where it is not there: among the children of beginnings that are kept. */
static int child_of(search *s, int parent, int32_t label, eg_error *err) {
	for (int i = s->nodes[parent].child; i > 0; i = s->nodes[i].sibling)
		if (s->nodes[i].label == label) return i;
	if (s->nnodes == s->cap && !eg_grow(NULL, &s->nodes, &s->cap, s->nnodes, sizeof *s->nodes)) return no_memory(err), -1;
	const double prior = s->prior ? s->prior->of(s->prior->user, s->labels, spell(s, parent), label) : 0;
	node *before = &s->nodes[parent];
	s->nodes[s->nnodes] = (node){.parent = parent,
		.length = before->length + 1,
		.sibling = before->child,
		.step = -1,
		.label = label,
		.prior = before->prior + prior};
	return before->child = s->nnodes++;
}

static beginning *entry_of(search *s, int t, int at_node, eg_error *err) {
	node *n = &s->nodes[at_node];
	if (n->step == t) return &s->next[n->place];
	if (s->nnext == s->room && !eg_grow(NULL, &s->next, &s->room, s->nnext, sizeof *s->next)) return no_memory(err), NULL;
	s->next[s->nnext] = (beginning){at_node, -INFINITY, -INFINITY, 0};
	n->step = t, n->place = s->nnext;
	return &s->next[s->nnext++];
}

static eg_status step(search *s, int t, eg_error *err) {
	const eg_ctc *c = s->c;
	s->nnext = 0;
	for (int i = 0; i < s->n; i++) {
		const beginning b = s->now[i];
		const int32_t last = s->nodes[b.node].label;
		const double both = plus(b.blank, b.label);
		beginning *same = entry_of(s, t, b.node, err);
		if (!same) return EG_ERR_MEMORY;
		same->blank = plus(same->blank, both + at(c, t, 0));
		if (b.node > 0) same->label = plus(same->label, b.label + at(c, t, last));
		for (int32_t k = 1; k < c->classes; k++) {
			const double lp = at(c, t, k), from = k == last && b.node > 0 ? b.blank : both;
			if (lp < -30 || from == -INFINITY) continue; /* it would never be among those kept */
			const int child = child_of(s, b.node, k, err);
			beginning *e = child < 0 ? NULL : entry_of(s, t, child, err);
			if (!e) return EG_ERR_MEMORY;
			e->label = plus(e->label, from + lp);
		}
	}
	for (int i = 0; i < s->nnext; i++) s->next[i].score = plus(s->next[i].blank, s->next[i].label) + s->nodes[s->next[i].node].prior;
	qsort(s->next, (size_t)s->nnext, sizeof *s->next, by_score);
	s->n = s->nnext < s->width ? s->nnext : s->width;
	memcpy(s->now, s->next, (size_t)s->n * sizeof *s->now);
	return EG_OK;
}

eg_status eg_ctc_beam(const eg_ctc *c, int width, const eg_ctc_prior *prior, int32_t *labels, int *n, eg_error *err) {
	search s = {.c = c, .prior = prior, .width = width, .labels = labels};
	eg_status status = EG_OK;
	*n = 0;
	s.now = eg_calloc(NULL, (size_t)width, sizeof *s.now);
	if (!s.now || !eg_grow(NULL, &s.nodes, &s.cap, 0, sizeof *s.nodes)) status = no_memory(err);
	if (!status) {
		s.nodes[0] = (node){.parent = -1, .step = -1};
		s.nnodes = s.n = 1;
		s.now[0] = (beginning){0, 0, -INFINITY, 0};
	}
	for (int t = 0; t < c->steps && !status; t++) status = step(&s, t, err);
	if (!status) *n = spell(&s, s.now[0].node);
	eg_release(NULL, s.now);
	eg_release(NULL, s.next);
	eg_release(NULL, s.nodes);
	return status;
}
