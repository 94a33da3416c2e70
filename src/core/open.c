/* open.c - open sizes: their handles and names, products of two, and shapes as text.
 *
 * A size with a name, or one that an operator makes of others, is a number in the graph's table. A product needs no
 * table: its two factors are bits of its handle, so that a plan, which may not change the graph, can make some too.
 * Not here: what the sizes are in a plan (shapes.c). */
#include "core/graph.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ---- products ---------------------------------------------------------------------------------------------------- */

/* -(MARK + factor a, FACTOR bits, and factor b); a factor that is open has its highest bit set. */
enum { FACTOR = 31 };
static const int64_t MARK = INT64_C(1) << 62, OPEN = INT64_C(1) << (FACTOR - 1);

static int64_t coded(int64_t d) { return d > 0 ? d : OPEN - d; }
static int64_t decoded(int64_t bits) { return bits & OPEN ? OPEN - bits : bits; }

bool eg_dim_is_product(int64_t d) { return d == EG_TN || d <= -MARK; }

int64_t eg_dim_product(int64_t a, int64_t b) {
	if (a == EG_T && b == EG_N) return EG_TN;
	if (a == 0 || b == 0 || a >= OPEN || b >= OPEN || a <= -OPEN || b <= -OPEN || a == EG_TN || b == EG_TN)
		return 0;
	return -(MARK + (coded(a) << FACTOR) + coded(b));
}

void eg_dim_factors(int64_t d, int64_t *a, int64_t *b) {
	const int64_t bits = -(d + MARK), mask = (INT64_C(1) << FACTOR) - 1;
	*a = d == EG_TN ? EG_T : decoded(bits >> FACTOR & mask);
	*b = d == EG_TN ? EG_N : decoded(bits & mask);
}

/* ---- equality ---------------------------------------------------------------------------------------------------- */

bool eg_dim_fits(int64_t a, int64_t b) {
	if (a == b) return true;
	if (eg_dim_is_product(a) && eg_dim_is_product(b)) {
		int64_t fa[2], fb[2];
		eg_dim_factors(a, &fa[0], &fa[1]);
		eg_dim_factors(b, &fb[0], &fb[1]);
		return eg_dim_fits(fa[0], fb[0]) && eg_dim_fits(fa[1], fb[1]);
	}
	if (eg_dim_is_batch(a) || eg_dim_is_batch(b)) return false;
	if (a == EG_T || b == EG_T)
		return a < 0 && b < 0; /* a time that some plan could make equal to a number is a mistake */
	return a < 0 || b < 0;
}

bool eg_dims_fit(const eg_dims *a, const eg_dims *b) {
	bool fit = a->rank == b->rank;
	for (int i = 0; i < a->rank && fit; i++) fit = eg_dim_fits(a->d[i], b->d[i]);
	return fit;
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static int64_t handle(int i) { return EG_NAMED - (int64_t)i; }
static bool known(const eg_graph *g, int64_t d) { return d <= EG_NAMED && d > handle(g->nopen); }

int eg_graph_open_find(const eg_graph *g, const char *name) {
	for (int i = 0; i < g->nopen; i++)
		if (!g->open[i].follows && !strcmp(g->open[i].name, name)) return i;
	return -1;
}

static bool is_word(const char *name) {
	if (!name || !isalpha((unsigned char)*name)) return false;
	while (isalnum((unsigned char)*name) || *name == '_') name++;
	return *name == '\0';
}

/* 0: out of memory. */
static int64_t add(eg_graph *g, const char *name, bool follows) {
	if (!name || !eg_grow(g->ctx->allocator, &g->open, &g->cap_open, g->nopen, sizeof *g->open)) return 0;
	g->open[g->nopen] = (eg_open){name, follows};
	return handle(g->nopen++);
}

int64_t eg_open_dim(eg_graph *g, const char *name) {
	if (g->error.status) return 0;
	if (!is_word(name)) {
		eg_fail(&g->error, EG_ERR_ARG,
		        "open size '%s': its name must be a word of letters, digits and '_' that begins with a letter",
		        name ? name : "");
		return 0;
	}
	if (!strcmp(name, "batch")) return EG_N;
	if (!strcmp(name, "time")) return EG_T;
	int i = eg_graph_open_find(g, name);
	if (i >= 0) return handle(i);
	int64_t d = add(g, eg_arena_strdup(&g->arena, name), false);
	if (!d) eg_fail(&g->error, EG_ERR_MEMORY, "out of memory for the open size '%s'", name);
	return d;
}

const char *eg_open_name(const eg_graph *g, int64_t d) {
	if (d == EG_N) return "batch";
	if (d == EG_T) return "time";
	return known(g, d) ? g->open[EG_NAMED - d].name : NULL;
}

int64_t eg_infer_size(eg_infer *s, int64_t from) {
	if (s->out_of_memory || !s->graph) return 0;
	const bool follows = known(s->graph, from) && s->graph->open[EG_NAMED - from].follows;
	const char *name = eg_open_name(s->graph, from);
	int64_t d = add(
	        s->graph, follows ? name : eg_arena_printf(&s->graph->arena, "%s'", name ? name : "size"), true);
	s->out_of_memory = d == 0;
	return d;
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

typedef struct text {
	char *s;
	size_t used, size;
} text;

static void put(text *t, const char *fmt, ...) EG_PRINTF(2, 3);
static void put(text *t, const char *fmt, ...) {
	if (t->used >= t->size) return;
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(t->s + t->used, t->size - t->used, fmt, args);
	va_end(args);
	if (n > 0) t->used += (size_t)n;
}

/* Without a graph a size that has a name is told by its number. */
static void put_dim(text *t, const eg_graph *g, int64_t d) {
	const char *name = g && known(g, d) ? g->open[EG_NAMED - d].name : NULL;
	if (d == EG_N) {
		put(t, "N");
	} else if (d == EG_T) {
		put(t, "T");
	} else if (eg_dim_is_product(d)) {
		int64_t a, b;
		eg_dim_factors(d, &a, &b);
		put_dim(t, g, a);
		put(t, "*");
		put_dim(t, g, b);
	} else if (name) {
		put(t, "%s", name);
	} else if (d <= EG_NAMED) {
		put(t, "#%lld", (long long)(EG_NAMED - d));
	} else {
		put(t, "%lld", (long long)d);
	}
}

static const char *dims_text(const eg_graph *g, const eg_dims *d, char *buf, size_t size) {
	text t = {buf, 0, size};
	put(&t, "(");
	for (int i = 0; i < d->rank && i < EG_MAX_DIMS; i++) {
		put(&t, i ? "," : "");
		put_dim(&t, g, d->d[i]);
	}
	put(&t, ")");
	return buf;
}

const char *eg_dims_text(const eg_dims *d, char *buf, size_t size) { return dims_text(NULL, d, buf, size); }
const char *eg_shape_text(const eg_graph *g, eg_dims d, char *buf, size_t size) { return dims_text(g, &d, buf, size); }

void eg_graph_name_sizes(const eg_graph *g, eg_error *err) {
	if (!err) return;
	eg_error named = {.status = err->status};
	text t = {named.message, 0, sizeof named.message};
	for (const char *at = err->message; *at;) {
		char *end;
		long i = *at == '#' && isdigit((unsigned char)at[1]) ? strtol(at + 1, &end, 10) : -1;
		if (i >= 0 && i < g->nopen) {
			put(&t, "%s", g->open[i].name);
			at = end;
		} else {
			put(&t, "%c", *at++);
		}
	}
	*err = named;
}
