/* net.h - what tests of whole networks share: an allocator that counts and fails on demand, layers whose attributes
 * are given as text, and a small network. */
#ifndef ENGRAM_TEST_NET_H
#define ENGRAM_TEST_NET_H

#include "core/op.h"
#include "engram_train.h"

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- an allocator ------------------------------------------------------------------------------------------------ */

typedef struct meter {
	long left;             /* allocations until one fails; negative: never */
	long calls, live;      /* allocations so far; not given back */
	size_t bytes, largest; /* given out now; largest piece so far */
	size_t from, to;       /* of pieces of from..to bytes, */
	size_t piece;          /* the last one; 0: none */
} meter;

enum { METER_HEAD = 16 };

static inline void *meter_alloc(void *user, size_t bytes) {
	meter *m = user;
	m->calls++;
	if (m->left == 0) return NULL;
	char *p = malloc(bytes + METER_HEAD);
	if (!p) return NULL;
	memcpy(p, &bytes, sizeof bytes);
	memset(p + METER_HEAD, 0xff, bytes < 4096 ? bytes : 4096); /* NaN, for who forgets to initialise */
	if (m->left > 0) m->left--;
	m->live++;
	m->bytes += bytes;
	if (bytes > m->largest) m->largest = bytes;
	if (bytes >= m->from && bytes <= m->to) m->piece = bytes;
	return p + METER_HEAD;
}

static inline void meter_release(void *user, void *p) {
	meter *m = user;
	size_t bytes;
	memcpy(&bytes, (char *)p - METER_HEAD, sizeof bytes);
	m->live--;
	m->bytes -= bytes;
	free((char *)p - METER_HEAD);
}

/* ---- layers ------------------------------------------------------------------------------------------------------ */

/* "0,2,1"; the graph copies a list, so the last eight are enough. */
static inline eg_ints net_list(const char *value) {
	static int lists[8][16], turn;
	int *at = lists[turn = (turn + 1) % 8], n = 0;
	for (const char *p = value; *p && n < 16; p += *p == ',') at[n++] = (int)strtol(p, (char **)&p, 10);
	return (eg_ints){at, n};
}

static inline void net_set(const eg_op_info *op, char *options, const char *key, const char *value) {
	const eg_attr *a = op->attrs;
	while (a < op->attrs + op->nattrs && strcmp(a->name, key) != 0) a++;
	if (a == op->attrs + op->nattrs) fail_msg("%s has no attribute '%s'", op->name, key);
	void *field = options + a->offset;
	switch (a->type) {
	case EG_ATTR_INT: *(int *)field = strcmp(value, "0") ? atoi(value) : EG_ZERO; return;
	case EG_ATTR_FLOAT: *(float *)field = strcmp(value, "0") ? (float)atof(value) : EG_ZERO_F; return;
	case EG_ATTR_BOOL: *(bool *)field = atoi(value) != 0; return;
	case EG_ATTR_NOT: *(bool *)field = atoi(value) == 0; return;
	case EG_ATTR_INTS:
		for (int i = 0; i < a->count; i++) { /* "2,1", or one for all */
			((int *)field)[i] = atoi(value) ? atoi(value) : EG_ZERO;
			if (strchr(value, ',')) value = strchr(value, ',') + 1;
		}
		return;
	case EG_ATTR_ENUM:
		for (int i = 0; a->names[i]; i++)
			if (!strcmp(a->names[i], value)) *(int *)field = i;
		return;
	case EG_ATTR_INT_LIST: *(eg_ints *)field = net_list(value); return;
	case EG_ATTR_STRING: *(const char **)field = value; return;
	case EG_ATTR_FLOAT_LIST: fail_msg("%s is a list of numbers with fractions", key);
	}
}

/* An operator with attributes as text, "filters=6 kernel=5 name=conv1". */
static inline eg_tensor net_apply(eg_graph *g, const char *name, const char *attrs, const eg_tensor *in, int n) {
	_Alignas(16) char options[512] = {0}, words[256];
	const eg_op_info *op = eg_op_find(name);
	assert_non_null(op);
	assert_true(op->options_size <= sizeof options && strlen(attrs) < sizeof words);
	strcpy(words, attrs);
	for (char *word = words; *word;) {
		size_t n_word = strcspn(word, " ");
		char *next = word + n_word + (word[n_word] != '\0'), *value = strchr(word, '=');
		word[n_word] = '\0';
		assert_non_null(value);
		*value++ = '\0';
		if (!strcmp(word, "name"))
			memcpy(options, &value, sizeof value);
		else
			net_set(op, options, word, value);
		word = next;
	}
	return eg_apply(g, op->name, op->options_size ? options : NULL, in, n);
}
static inline eg_tensor net_layer(eg_graph *g, const char *name, const char *attrs, eg_tensor x) {
	return net_apply(g, name, attrs, &x, 1);
}
static inline eg_tensor net_loss(eg_graph *g, const char *attrs, eg_tensor logits, eg_tensor target) {
	return net_apply(g, "cross_entropy", attrs, (eg_tensor[]){logits, target}, 2);
}

/* A network of every kind of layer: x (N,2,8,8), t (N), logits (N,3), loss. */
static inline void net_small(eg_graph *g, bool dropout) {
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 2, 8, 8));
	eg_tensor t = eg_input(g, "t", EG_I32, EG_DIMS(EG_N));
	x = net_layer(g, "conv2d", "filters=4 kernel=3 padding=1", x);
	x = net_layer(g, "relu", "", x);
	x = net_layer(g, "maxpool2d", "kernel=2", x);
	x = net_layer(g, "conv2d", "filters=5 kernel=3", x);
	x = net_layer(g, "tanh", "", x);
	x = net_layer(g, "flatten", "", x);
	if (dropout) x = net_layer(g, "dropout", "rate=0.25", x);
	x = net_layer(g, "linear", "units=9", x);
	x = net_layer(g, "sigmoid", "", x);
	x = net_layer(g, "linear", "units=3", x);
	eg_output(g, "logits", x);
	eg_output(g, "loss", net_loss(g, "", x, t));
}

static inline double net_random(uint64_t seed, uint64_t i) {
	return 2 * eg_rng_uniform((eg_rng){seed, eg_stream(EG_RNG_TEST, 7, 0)}, i) - 1;
}

/* Random numbers into an input of a plan; classes 0..limit-1 when limit > 0. */
static inline void net_fill(eg_plan *plan, const char *name, int64_t n, int limit, uint64_t seed) {
	void *to = eg_plan_input(plan, name);
	assert_non_null(to);
	for (int64_t i = 0; i < n; i++) {
		double r = net_random(seed, (uint64_t)i);
		if (limit)
			((int32_t *)to)[i] = (int32_t)((r + 1) / 2 * limit);
		else
			((eg_real *)to)[i] = (eg_real)r;
	}
}

/* The instruction sets that can be used here, in *list; of those that of ENGRAM_ISA where it is set. Returns how
 * many. */
static inline int net_isas(const char *list[4]) {
	static const char *const all[] = {"ref", "neon", "avx2", "avx512"};
	const char *only = getenv("ENGRAM_ISA");
	int n = 0;
	for (int i = 0; i < EG_COUNT(all); i++) {
		if (only && *only && strcmp(only, all[i]) != 0) continue;
		eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1, .isa = all[i]}, NULL);
		if (ctx) list[n++] = all[i];
		eg_context_free(ctx);
	}
	return n;
}

static inline eg_context *net_context(int threads, const char *isa) {
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = threads, .isa = isa}, NULL);
	assert_non_null(ctx);
	return ctx;
}

#define net_near(a, b, tolerance) \
	do { \
		double a_ = (double)(a), b_ = (double)(b); \
		if (!(fabs(a_ - b_) <= (tolerance))) fail_msg("%s is %.9g, not %.9g", #a, a_, b_); \
	} while (0)

#define assert_contains(text, part) \
	do { \
		if (!strstr(text, part)) fail_msg("'%s' is not in: %s", part, text); \
	} while (0)

#endif
