/* build.h - a model of ONNX that is put together piece by piece: of another one's nodes, and of new ones between them.
 *
 * Failure is sticky: after the first one nothing is done any more, and names that are returned mean nothing. What is
 * put in is copied, but for what belongs to a model that stays until the end (eg_build_keep). */
#ifndef ENGRAM_ONNX_BUILD_H
#define ENGRAM_ONNX_BUILD_H

#include "base/base.h"
#include "engram_onnx.h"

typedef struct eg_build {
	eg_onnx_model model; /* as far as it has come */
	eg_onnx_node *nodes;
	eg_onnx_tensor *tensors;
	eg_onnx_value *inputs, *outputs;
	int cap_nodes, cap_tensors, cap_inputs, cap_outputs;
	const char *where; /* what new names begin with */
	int count;         /* of new names */
	eg_onnx_attr *attrs;
	eg_onnx_attr nowhere; /* after failure */
	int depth;            /* bodies that are being built */
	struct eg_build_steps {
		int64_t time, batch; /* as in eg_dims */
		int rank;
		const char *ones, *at;        /* NULL: there are none yet */
		const char *lengths, *within; /* which steps are before these lengths; NULL: not known yet */
	} steps; /* those of the last sequences that were asked for, which others of the same sizes share */
	eg_arena arena;
	eg_error error;
} eg_build;

/* What stands outside of a body that is being built. */
typedef struct eg_build_outer {
	eg_onnx_model model;
	eg_onnx_node *nodes;
	eg_onnx_value *inputs, *outputs;
	int cap_nodes, cap_inputs, cap_outputs;
} eg_build_outer;

void eg_build_free(eg_build *b);
void *eg_build_take(eg_build *b, size_t bytes); /* zero; NULL after failure */
const char *eg_build_text(eg_build *b, const char *s);
const char *eg_build_name(eg_build *b, const char *what); /* a new one: "WHERE.what3" */
void eg_build_fail(eg_build *b, const char *fmt, ...) EG_PRINTF(2, 3);

/* Parts of a model that outlives this one. */
void eg_build_keep_node(eg_build *b, const eg_onnx_node *n);
void eg_build_keep_tensor(eg_build *b, const eg_onnx_tensor *t);
void eg_build_keep_input(eg_build *b, const eg_onnx_value *v);
void eg_build_keep_output(eg_build *b, const eg_onnx_value *v);
const eg_onnx_tensor *eg_build_tensor(const eg_build *b, const char *name); /* NULL: there is none */

/* A node; in: names, ended by NULL. With `out` its only output is called so, else it gets a new name, which is
 * returned. Attributes that are set then are its. */
#define EG_IN(...) ((const char *const[]){__VA_ARGS__, NULL})
const char *eg_build_node(eg_build *b, const char *type, const char *const *in, const char *out);
void eg_build_int(eg_build *b, const char *name, int64_t v);
void eg_build_int_list(eg_build *b, const char *name, const int64_t *v, int n);

/* Nodes, inputs and outputs between the two are those of a body, which may read all values outside; numbers stay the
 * model's. eg_build_scan leaves it and puts down a Scan with that body: `in` are the states at first, then `inputs`
 * sequences, time first; it has `nout` results, the last states and sequences, which get new names. */
void eg_build_enter(eg_build *b, eg_build_outer *outer);
void eg_build_scan(eg_build *b, eg_build_outer *outer, const char *const *in, int inputs, bool reverse, const char **out, int nout);
const char *eg_build_in(eg_build *b, const char *what);   /* a real input of the body, under a new name */
void eg_build_out(eg_build *b, const char *value);        /* its next output, a real one */

/* Numbers of the model under a new name: integers in a row, reals of these dimensions. */
const char *eg_build_ints(eg_build *b, const int64_t *v, int n);
#define EG_BUILD_INTS(b, ...) \
	eg_build_ints((b), (const int64_t[]){__VA_ARGS__}, (int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)))
const char *eg_build_whole(eg_build *b, int64_t v); /* one alone, without dimensions */
const char *eg_build_reals(eg_build *b, const float *v, eg_dims dims);
const char *eg_build_real(eg_build *b, double v);

/* Nodes that are called often. Axes: those of the result (unsqueeze), or of x. */
const char *eg_build_unsqueeze(eg_build *b, const char *x, const int64_t *axes, int n);
const char *eg_build_squeeze(eg_build *b, const char *x, int64_t axis, const char *out);
const char *eg_build_transpose(eg_build *b, const char *x, const int64_t *perm, int n, const char *out);
const char *eg_build_reshape(eg_build *b, const char *x, const int64_t *shape, int n, const char *out);
const char *eg_build_cast(eg_build *b, const char *x, eg_onnx_type to);
/* "ReduceSum", "ReduceMean", "ReduceMax" over one axis, which does not stay. */
const char *eg_build_reduce(eg_build *b, const char *type, const char *x, int64_t axis, const char *out);

#endif
