/* recipe_bed.h - what tests of recipes share: recipes as texts, accepted or refused with exactly these words, and
 * graphs made of them. */
#ifndef ENGRAM_TEST_RECIPE_BED_H
#define ENGRAM_TEST_RECIPE_BED_H

#include "engram_io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static inline eg_status parse_set(const char *text, const char *const *set, eg_recipe **r, eg_error *err) {
	*err = (eg_error){0};
	return eg_recipe_parse(text, strlen(text), "r.yaml", set, r, err);
}

/* `text` is refused with exactly this message. */
static inline void refused_set(const char *text, const char *const *set, const char *message) {
	eg_recipe *r = NULL;
	eg_error err;
	eg_status status = parse_set(text, set, &r, &err);
	if (status == EG_OK) print_error("accepted: %s\n", text);
	assert_int_not_equal(status, EG_OK);
	assert_null(r);
	assert_string_equal(err.message, message);
}
static inline void refused(const char *text, const char *message) { refused_set(text, NULL, message); }

static inline eg_recipe *accepted(const char *text, const char *const *set) {
	eg_recipe *r = NULL;
	eg_error err;
	if (parse_set(text, set, &r, &err)) fail_msg("%s", err.message);
	return r;
}

#define SIZES(...) ((const eg_size[]){__VA_ARGS__, {NULL, 0}})

/* Building it fails with a message that begins with this one. */
static inline void build_fails_with(const char *text, const eg_size *sizes, const char *message) {
	eg_error err = {0};
	eg_recipe *r = accepted(text, NULL);
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err);
	eg_graph *g = NULL;
	assert_int_not_equal(eg_recipe_build(r, ctx, sizes, &g, &err), EG_OK);
	assert_null(g);
	if (strstr(err.message, message) != err.message) fail_msg("%s", err.message);
	eg_context_free(ctx);
	eg_recipe_free(r);
}
static inline void build_fails(const char *text, const char *message) {
	build_fails_with(text, SIZES({"classes", 10}, {"units", 10}), message);
}

/* A recipe and its graph. */
typedef struct built {
	eg_recipe *r;
	eg_context *ctx;
	eg_graph *g;
} built;

static inline built build_with(const char *text, const eg_size *sizes) {
	eg_error err = {0};
	built b = {.r = accepted(text, NULL), .ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err)};
	if (eg_recipe_build(b.r, b.ctx, sizes, &b.g, &err)) fail_msg("%s", err.message);
	return b;
}
/* As tasks build: so many classes, of texts units as well; 0: none are told apart. */
static inline built build(const char *text, int classes) {
	return build_with(text, classes ? SIZES({"classes", classes}, {"units", classes}) : NULL);
}

static inline void drop(built *b) {
	eg_graph_free(b->g);
	eg_context_free(b->ctx);
	eg_recipe_free(b->r);
}

static inline void assert_dims(eg_dims d, eg_dims want) {
	assert_int_equal(d.rank, want.rank);
	for (int i = 0; i < d.rank; i++) assert_int_equal(d.d[i], want.d[i]);
}

static inline void assert_tensor(const eg_graph *g, const char *name, eg_dtype type, eg_dims want) {
	eg_tensor t = eg_graph_find(g, name);
	if (!t.id) fail_msg("there is no '%s'", name);
	assert_int_equal(eg_tensor_dtype(g, t), type);
	assert_dims(eg_tensor_dims(g, t), want);
}

/* The node of this name. */
static inline eg_node_info node_of(const eg_graph *g, const char *name) {
	eg_node_info n = {0};
	for (int i = 0; i < eg_graph_nodes(g); i++) {
		eg_graph_node(g, i, &n);
		if (!strcmp(n.name, name)) return n;
	}
	fail_msg("there is no node '%s'", name);
	return n;
}

#define HEAD "name: t\ntask: classify\ndata: {source: mnist}\ninput: [1, 8, 8]\n"
#define MODEL "model:\n  - conv: {filters: 2, kernel: 3}\n  - flatten\n  - linear: classes\n"
#define SMALL HEAD MODEL
#define LETTERS "name: t\ntask: classify\ndata: {source: mnist}\ninput: [time]\n"
#define SERIES "name: t\ntask: classify\ndata: {source: mnist}\ninput: [time, 2]\n"
#define SEVERAL "name: t\ntask: x\ndata: {source: mnist}\n"

#endif
