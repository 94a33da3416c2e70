/* lower_attention.c - attention as products, a softmax and products. ONNX has an operator for it from opset 23 on.
 *
 * What a row does not see has a score of -1e30, which is a weight of exactly 0 beside any other; a row that sees
 * nothing gets zeros. */
#include "onnx/lower.h"

#include <math.h>

static const char *two(eg_build *b, const char *type, const char *x, const char *y) { return eg_build_node(b, type, EG_IN(x, y), NULL); }

/* Both conditions; NULL: there is none. */
static const char *both(eg_build *b, const char *x, const char *y) { return !x ? y : !y ? x : two(b, "And", x, y); }

/* Weights of scores (..,rows,keys), of which those count that are `seen`; NULL: all. */
static const char *weights(eg_build *b, const char *scores, const char *seen, const char *out) {
	if (seen) scores = eg_build_node(b, "Where", EG_IN(seen, scores, eg_build_real(b, -1e30)), NULL);
	const char *p = eg_build_node(b, "Softmax", EG_IN(scores), seen ? NULL : out);
	eg_build_int(b, "axis", -1);
	return seen ? eg_build_node(b, "Where", EG_IN(seen, p, eg_build_real(b, 0)), out) : p;
}

/* Rows are at `at`, keys at `key`, which meet as (..,rows,1) and (..,1,keys): what a causal layer sees, as far back as
 * its context goes. */
static const char *causal(const eg_lowering *l, const char *at, const char *key) {
	eg_build *b = l->b;
	const int context = eg_lower_int(l, "context");
	const char *seen = two(b, "LessOrEqual", key, at);
	return context ? two(b, "And", seen, two(b, "GreaterOrEqual", key, two(b, "Sub", at, eg_build_real(b, context)))) : seen;
}

/* Input `mask` hides where it is not 0, `bias` is added, and hides where it is -inf; both meet scores of this rank. */
static const char *aligned(const eg_lowering *l, int input, int rank) {
	const char *x = eg_lower_in(l, input);
	/* (N,rows,keys) is without heads */
	return rank == 4 && eg_lower_dims(l, input).rank == 3 ? eg_build_unsqueeze(l->b, x, (const int64_t[]){1}, 1) : x;
}

static const char *with_masks(const eg_lowering *l, int mask, int rank, const char *seen, const char **scores) {
	eg_build *b = l->b;
	if (*eg_lower_in(l, mask)) seen = both(b, seen, eg_build_node(b, "Not", EG_IN(eg_build_cast(b, aligned(l, mask, rank), EG_ONNX_BOOL)), NULL));
	if (*eg_lower_in(l, mask + 1)) {
		const char *bias = aligned(l, mask + 1, rank);
		*scores = two(b, "Add", *scores, bias);
		seen = both(b, seen, two(b, "Greater", bias, eg_build_real(b, -1e30)));
	}
	return seen;
}

/* ---- attention --------------------------------------------------------------------------------------------------- */

/* The last two dimensions exchanged. */
static const char *exchanged(eg_build *b, const char *x, int rank) {
	static const int64_t perm[2][4] = {{0, 2, 1}, {0, 1, 3, 2}};
	return eg_build_transpose(b, x, perm[rank == 4], rank, NULL);
}

void eg_lower_attention(const eg_lowering *l) {
	enum { Q, K, VALUE, MASK };
	eg_build *b = l->b;
	const eg_dims q = eg_lower_dims(l, Q);
	const double said = eg_lower_real(l, "scale"), scale = said < 0 ? 1 / sqrt((double)q.d[q.rank - 1]) : said;
	const char *keys = exchanged(b, eg_lower_in(l, K), q.rank), *seen = NULL;
	const char *scores = two(b, "MatMul", two(b, "Mul", eg_lower_in(l, Q), eg_build_real(b, scale)), keys);
	if (eg_lower_int(l, "causal")) {
		const char *at = eg_lower_positions(l, eg_lower_in(l, Q), q.rank, q.rank - 1, q.rank - 2);
		seen = causal(l, at, exchanged(b, eg_lower_positions(l, eg_lower_in(l, K), q.rank, q.rank - 1, q.rank - 2), q.rank));
	}
	seen = with_masks(l, MASK, q.rank, seen, &scores);
	eg_build_node(b, "MatMul", EG_IN(weights(b, scores, seen, NULL), eg_lower_in(l, VALUE)), eg_lower_out(l, 0));
}

/* ---- multi_head_attention ---------------------------------------------------------------------------------------- */

enum { X, SOURCE, LENGTHS, MASK };

/* x (T,N,C) times rows [first, first + n) of the input weights, plus their constants. */
static const char *projected(const eg_lowering *l, const char *x, int64_t first, int64_t n) {
	const char *y = two(l->b, "MatMul", x, eg_lower_turned(l, 0, first, n));
	return eg_lower_int(l, "bias") ? two(l->b, "Add", y, eg_lower_part(l, 1, first, n)) : y;
}

/* The heads of (T,N,n) as (N,heads,T,d) or, `turned`, (N,heads,d,T); with groups of heads that share keys
 * (N,kv,group,T,d), and keys of them (N,kv,1,..). */
static const char *heads(eg_build *b, const char *x, int64_t kv, int64_t group, bool shared, int64_t d, bool turned) {
	static const int64_t perm[2][2][5] = {{{1, 2, 0, 3}, {1, 2, 3, 0}}, {{1, 2, 3, 0, 4}, {1, 2, 3, 4, 0}}};
	const int64_t four[] = {0, 0, kv * group, d}, five[] = {0, 0, kv, group, d};
	const int rank = shared ? 5 : 4;
	return eg_build_transpose(b, eg_build_reshape(b, x, shared ? five : four, rank, NULL), perm[shared][turned], rank, NULL);
}

/* What each row sees, (N or 1, 1, T or 1, S): by order, and by lengths. */
static const char *seen_by_steps(const eg_lowering *l, const char *source) {
	eg_build *b = l->b;
	const char *seen = NULL, *key = NULL;
	const bool ordered = eg_lower_int(l, "causal"), ends = *eg_lower_in(l, LENGTHS);
	static const int64_t heads_first[] = {1};
	if (!ordered && !ends) return NULL;
	key = eg_lower_positions(l, source, 3, 2, 0); /* (S,N,1) */
	key = eg_build_transpose(b, key, (const int64_t[]){1, 2, 0}, 3, NULL);
	key = eg_build_unsqueeze(b, key, heads_first, 1);
	if (ordered) {
		const char *at = eg_lower_positions(l, eg_lower_in(l, X), 3, 2, 0);
		at = eg_build_unsqueeze(b, eg_build_transpose(b, at, (const int64_t[]){1, 0, 2}, 3, NULL), heads_first, 1);
		seen = causal(l, at, key);
	}
	if (!ends) return seen;
	const char *length = eg_build_unsqueeze(b, eg_build_cast(b, eg_lower_in(l, LENGTHS), EG_ONNX_FLOAT), (const int64_t[]){1, 2, 3}, 3);
	return both(b, seen, two(b, "Less", key, length));
}

void eg_lower_multi_head_attention(const eg_lowering *l) {
	eg_build *b = l->b;
	const int64_t C = eg_lower_dims(l, X).d[2], H = eg_lower_int(l, "heads"), said = eg_lower_int(l, "kv_heads"), kv = said ? said : H, group = H / kv, d = C / H;
	const bool own = !*eg_lower_in(l, SOURCE), shared = group > 1, bias = eg_lower_int(l, "bias");
	const char *x = eg_lower_in(l, X), *source = own ? x : eg_lower_in(l, SOURCE);
	const char *q = heads(b, two(b, "Mul", projected(l, x, 0, C), eg_build_real(b, 1 / sqrt((double)d))), kv, group, shared, d, false);
	const char *k = heads(b, projected(l, source, C, kv * d), kv, 1, shared, d, true);
	const char *v = heads(b, projected(l, source, C + kv * d, kv * d), kv, 1, shared, d, false);
	const char *scores = two(b, "MatMul", q, k), *seen = seen_by_steps(l, source);
	if (shared) { /* as (N,heads,T,S) while weights are made, so that masks meet them */
		if (*eg_lower_in(l, MASK) || *eg_lower_in(l, MASK + 1)) {
			eg_build_fail(b, "multi_head_attention '%s': a mask or bias with heads that share keys is not written", l->info.name);
			return;
		}
		if (seen) seen = eg_build_unsqueeze(b, seen, (const int64_t[]){1}, 1);
	}
	seen = with_masks(l, MASK, 4, seen, &scores);
	const char *mixed = two(b, "MatMul", weights(b, scores, seen, NULL), v);
	mixed = shared ? eg_build_transpose(b, mixed, (const int64_t[]){3, 0, 1, 2, 4}, 5, NULL) : eg_build_transpose(b, mixed, (const int64_t[]){2, 0, 1, 3}, 4, NULL);
	mixed = eg_build_reshape(b, mixed, (const int64_t[]){0, 0, C}, 3, NULL);
	const bool masked = own && *eg_lower_in(l, LENGTHS);
	const char *out = eg_lower_out(l, 0), *to = masked ? NULL : out;
	const char *y = eg_build_node(b, "MatMul", EG_IN(mixed, eg_lower_turned(l, bias ? 2 : 1, 0, C)), bias ? NULL : to);
	if (bias) y = eg_build_node(b, "Add", EG_IN(y, eg_lower_param(l, 3)), to);
	if (masked) eg_lower_masked(l, y, 3, LENGTHS, out);
}

/* ---- of a decoder to an encoder ---------------------------------------------------------------------------------- */

enum { QUERY, ENCODED, ENCODED_LENGTHS };

/* Queries as (T,N,C), of one step alone as T = 1. */
static const char *queries(const eg_lowering *l) {
	const char *q = eg_lower_in(l, QUERY);
	return eg_lower_dims(l, QUERY).rank == 2 ? eg_build_unsqueeze(l->b, q, (const int64_t[]){0}, 1) : q;
}

/* What comes of scores (N,T,S). */
static void attend(const eg_lowering *l, const char *scores) {
	eg_build *b = l->b;
	const bool one = eg_lower_dims(l, QUERY).rank == 2;
	const char *source = eg_lower_in(l, ENCODED), *seen = NULL, *out = eg_lower_out(l, 0), *told = eg_lower_out(l, 1);
	if (*eg_lower_in(l, ENCODED_LENGTHS)) {
		/* (N,1,S) */
		const char *at = eg_build_transpose(b, eg_lower_positions(l, source, 3, 2, 0), (const int64_t[]){1, 2, 0}, 3, NULL);
		seen = two(b, "Less", at, eg_build_unsqueeze(b, eg_build_cast(b, eg_lower_in(l, ENCODED_LENGTHS), EG_ONNX_FLOAT), (const int64_t[]){1, 2}, 2));
	}
	const char *p = weights(b, scores, seen, one ? NULL : told);
	/* (N,T,D) */
	const char *y = two(b, "MatMul", p, eg_build_transpose(b, source, (const int64_t[]){1, 0, 2}, 3, NULL));
	if (one && told) eg_build_squeeze(b, p, 1, told);
	if (one && out) eg_build_squeeze(b, y, 1, out);
	if (!one && out) eg_build_transpose(b, y, (const int64_t[]){1, 0, 2}, 3, out);
}

void eg_lower_additive_attention(const eg_lowering *l) {
	eg_build *b = l->b;
	const int64_t units = eg_lower_int(l, "units");
	const char *q = two(b, "MatMul", queries(l), eg_lower_turned(l, 0, 0, units));
	const char *s = two(b, "MatMul", eg_lower_in(l, ENCODED), eg_lower_turned(l, 1, 0, units));
	if (eg_lower_int(l, "bias")) s = two(b, "Add", s, eg_lower_param(l, 3));
	q = eg_build_unsqueeze(b, q, (const int64_t[]){1}, 1);
	s = eg_build_unsqueeze(b, s, (const int64_t[]){0}, 1);
	const char *sum = eg_build_node(b, "Tanh", EG_IN(two(b, "Add", q, s)), NULL); /* (T,S,N,units) */
	const char *column = eg_build_unsqueeze(b, eg_lower_param(l, 2), (const int64_t[]){1}, 1);
	const char *scores = eg_build_squeeze(b, two(b, "MatMul", sum, column), 3, NULL);
	attend(l, eg_build_transpose(b, scores, (const int64_t[]){2, 0, 1}, 3, NULL));
}

void eg_lower_multiplicative_attention(const eg_lowering *l) {
	eg_build *b = l->b;
	const char *q = queries(l), *source = eg_lower_in(l, ENCODED);
	const double D = (double)eg_lower_dims(l, ENCODED).d[2];
	if (!eg_lower_int(l, "score")) q = two(b, "MatMul", q, eg_lower_param(l, 0));
	if (eg_lower_int(l, "scaled")) q = two(b, "Mul", q, eg_build_real(b, 1 / sqrt(D)));
	q = eg_build_transpose(b, q, (const int64_t[]){1, 0, 2}, 3, NULL);
	attend(l, two(b, "MatMul", q, eg_build_transpose(b, source, (const int64_t[]){1, 2, 0}, 3, NULL)));
}
