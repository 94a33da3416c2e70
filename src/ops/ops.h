/* ops.h - what the operator files share: shorthand for tables and calls, and the checks that many of them make. */
#ifndef ENGRAM_OPS_OPS_H
#define ENGRAM_OPS_OPS_H

#include "core/onnx.h"
#include "core/op.h"

#include <math.h>
#include <string.h>

enum { OP_SIZE_MAX = 1 << 24 }; /* largest size an attribute may ask for: guards the arithmetic, not taste */

/* The members `cases` and `ncases` of a descriptor. Only the tester is compiled with them (ENGRAM_CASES): in the
 * library, where nobody reads them, they would be 40 kB. */
#ifdef ENGRAM_CASES
enum { OP_HAS_CASES = 1 };
#else
enum { OP_HAS_CASES = 0 };
#endif
#define OP_FIRST_CASES(list, n) .cases = OP_HAS_CASES ? (list) : NULL, .ncases = OP_HAS_CASES ? (n) : 0
#define OP_CASES(list) OP_FIRST_CASES(list, EG_COUNT(list))

/* The members `export` and `import`: a library may be built without ONNX (ENGRAM_ONNX), and then has none of what these
 * refer to. */
#ifdef ENGRAM_WITHOUT_ONNX
#define OP_ONNX(hook) NULL
#else
#define OP_ONNX(hook) hook
#endif
/* What is there for people to read: doc, equation, source. Libraries of chosen operators are without. */
#ifdef ENGRAM_CHOSEN
#define OP_TEXT(text) NULL
#else
#define OP_TEXT(text) text
#endif

/* Dimensions in a table of cases. */
#define OP_DIMS(...) {(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}}
#define OP_VALUES(...) ((const int32_t *const[EG_MAX_INPUTS]){__VA_ARGS__})
#define OP_SIZES(...) ((const eg_size[]){__VA_ARGS__, {0}})

/* Rows of an attribute table; T is the options struct. */
#define OP_INT(T, f, def, min, max, onnx, doc) \
	{#f, EG_ATTR_INT, 1, offsetof(T, f), def, min, max, NULL, onnx, OP_TEXT(doc), NULL}
/* Needed in C; left out of a recipe it is the number that the task has under this name. */
#define OP_SIZE(T, f, word, onnx, doc) \
	{#f, EG_ATTR_INT, 1, offsetof(T, f), NAN, 1, OP_SIZE_MAX, NULL, onnx, OP_TEXT(doc), word}
#define OP_PAIR(T, f, def, min, max, onnx, doc) \
	{#f, EG_ATTR_INTS, 2, offsetof(T, f), def, min, max, NULL, onnx, OP_TEXT(doc), NULL}
#define OP_FLOAT(T, f, def, min, max, onnx, doc) \
	{#f, EG_ATTR_FLOAT, 1, offsetof(T, f), def, min, max, NULL, onnx, OP_TEXT(doc), NULL}
/* Lists of at most `most` elements (0: any number), and a text; `def` is NAN where it is needed, else 0. */
#define OP_INT_LIST(T, f, def, most, min, max, onnx, doc) \
	{#f, EG_ATTR_INT_LIST, most, offsetof(T, f), def, min, max, NULL, onnx, OP_TEXT(doc), NULL}
#define OP_FLOAT_LIST(T, f, def, most, min, max, onnx, doc) \
	{#f, EG_ATTR_FLOAT_LIST, most, offsetof(T, f), def, min, max, NULL, onnx, OP_TEXT(doc), NULL}
#define OP_STRING(T, f, def, onnx, doc) {#f, EG_ATTR_STRING, 1, offsetof(T, f), def, 0, 0, NULL, onnx, OP_TEXT(doc), NULL}
/* Of an operator with weights, the last row, for the last member `const char *weights`: the graph looks for it
 * (core/graph.c). */
#define OP_WEIGHTS(T)                                                                                                  \
	OP_STRING(T, weights, 0, NULL,                                                                                 \
		"name of an earlier layer whose weights of the same names this one uses too: they are learned together. "  \
		"Left out: its own")
#define OP_BOOL(T, f, onnx, doc) {#f, EG_ATTR_BOOL, 1, offsetof(T, f), 0, 0, 1, NULL, onnx, OP_TEXT(doc), NULL}
#define OP_NOT(T, f, onnx, doc) {#f, EG_ATTR_NOT, 1, offsetof(T, no_##f), 1, 0, 1, NULL, onnx, OP_TEXT(doc), NULL}
#define OP_ENUM(T, f, values, onnx, doc) {#f, EG_ATTR_ENUM, 1, offsetof(T, f), 0, 0, 0, values, onnx, OP_TEXT(doc), NULL}

/* The options of an operator that has no attributes: every node may be named. */
typedef struct op_name_only {
	const char *name;
} op_name_only;

/* Emits a call of kernel `slot` with `args`, whose first nr buffers are read and the next nw written; the rest is
 * eg_call_spec's .block, .units, .scratch and .flops. */
#define OP_CALL(e, slot, args_, nr, nw, ...)                                                                           \
	eg_emit_call(e, &(eg_call_spec){EG_SLOT(e, slot), .args = &(args_),                                            \
		.size = sizeof(args_), .reads = (nr) + OP_BUFS_FIT(args_, nr, nw), .writes = nw, __VA_ARGS__})
/* 0, or no program: that many buffers are what a call can name, and no more than its arguments have room for. */
#define OP_BUFS_FIT(args_, nr, nw)                                                                                     \
	(0 * (int)sizeof(char[(nr) + (nw) <= EG_CALL_BUFS && ((nr) + (nw)) * sizeof(eg_buf) <= sizeof(args_) ? 1 : -1]))

/* How a job that works on blocks of EG_BLOCK rows of the first dimension is cut: as a block job when that is the
 * batch, else as a global job over the same blocks. */
typedef struct op_blocks {
	bool block;
	int units;
} op_blocks;

static inline op_blocks op_blocks_of(bool batched, int64_t n) { return (op_blocks){batched, eg_blocks((int)n)}; }

/* In a global job the stride is the operator's: `unit` elements from one unit to the next. */
static inline eg_buf op_stride(bool block, eg_buf b, int64_t unit) {
	if (!block) b.stride = (ptrdiff_t)unit;
	return b;
}

static inline eg_status op_check_real(const eg_infer *s, int i, const char *name) {
	if (s->in_type[i] == EG_F32) return EG_OK;
	return eg_fail(
		s->err, EG_ERR_ARG, "%s holds integers (EG_I32), floating-point numbers (EG_F32) are needed", name);
}

/* Dimensions from..to-1 must be known, because the sizes of weights depend on them: features, channels. */
static inline eg_status op_check_known(const eg_infer *s, int i, int from, int to, const char *name) {
	char text[128];
	for (int k = from; k < to && k < s->in[i].rank; k++)
		if (s->in[i].d[k] < 0)
			return eg_fail(s->err, EG_ERR_SHAPE, "dimension %d of %s %s may not be left open here: weights depend on it", k, name,
				eg_dims_text(&s->in[i], text, sizeof text));
	return EG_OK;
}

/* Dimensions from `from` on may be open, but be no batch: whose samples must not be mixed. */
static inline eg_status op_check_no_batch(const eg_infer *s, int i, int from, const char *name) {
	char text[128];
	for (int k = from; k < s->in[i].rank; k++)
		if (eg_dim_is_batch(s->in[i].d[k]))
			return eg_fail(s->err, EG_ERR_SHAPE, "dimension %d of %s %s is the batch, which must be the first here", k, name,
				eg_dims_text(&s->in[i], text, sizeof text));
	return EG_OK;
}

/* Does it begin with an open size that is no batch: is it a sequence (T,N,...)? In a plan too, where that size is
 * known. */
static inline bool op_time_first(const eg_dims *declared) { return declared->rank > 0 && eg_dim_is_open(declared->d[0]); }

/* "x (N,C,H,W)": channels, which are known, and so many axes behind them, 1 to 3. */
static inline eg_status op_check_axes(const eg_infer *s, int axes) {
	static const char *const what[] = {"sequences (N,C,L) have 3", "pictures (N,C,H,W) have 4", "volumes (N,C,D,H,W) have 5"};
	const eg_dims *x = &s->in[0];
	char text[128];
	if (op_check_real(s, 0, "x")) return s->err->status;
	if (x->rank != axes + 2)
		return eg_fail(s->err, EG_ERR_SHAPE, "x %s has %d dimensions, %s%s", eg_dims_text(x, text, sizeof text), x->rank,
			what[axes - 1], x->rank < axes + 2 ? "; is it put behind a flatten?" : "");
	return op_check_known(s, 0, 1, 2, "x") ? s->err->status : op_check_no_batch(s, 0, 2, "x");
}
static inline eg_status op_check_picture(const eg_infer *s) { return op_check_axes(s, 2); }

/* Of a picture each position is computed by itself, so one sees no more behind it. */
static inline void op_by_position(eg_infer *s) {
	for (int i = 0; i < 2 && s->in[0].rank == 4; i++) s->info->window[i] = 1;
}

/* For operators whose output has the shape of their input. */
static inline eg_status op_infer_same(eg_infer *s) {
	if (op_check_real(s, 0, "x")) return s->err->status;
	s->out[0] = s->in[0];
	return EG_OK;
}

/* The same where no gradient flows back from it. */
static inline eg_status op_infer_same_constant(eg_infer *s) {
	s->out_constant[0] = true;
	return op_infer_same(s);
}

/* Ranges that several operators have. */
static inline eg_range op_range_of_input(const void *options) {
	EG_UNUSED(options);
	return (eg_range){.kind = EG_RANGE_OF_INPUT};
}
static inline eg_range op_range_unit(const void *options) {
	EG_UNUSED(options);
	return (eg_range){EG_RANGE_LIMITED, 0, 1};
}

static inline bool op_follows(const eg_emit *e) { return EG_UNUSED(e), true; }

/* Of operators whose output is their input's data. */
static inline void op_same_fwd(eg_emit *e) { eg_emit_same(e, 0, EG_PLAIN); }
static inline void op_same_bwd(eg_emit *e) {
	if (eg_emit_needs_dx(e, 0)) eg_emit_dx_same(e, 0, EG_PLAIN);
}

/* An axis counted from the end when negative; false when there is no such dimension. */
static inline bool op_axis(int axis, int rank, int *out) {
	*out = axis < 0 ? axis + rank : axis;
	return *out >= 0 && *out < rank;
}

#endif
