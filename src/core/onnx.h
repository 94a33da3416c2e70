/* onnx.h - what an operator's `export` and `import` may ask and do (op.h): the same as fwd and bwd have in eg_emit.
 *
 * Most operators need neither: one that is one operator of ONNX with the same inputs, whose attributes have ONNX's
 * names in its table (`onnx` of eg_attr) and whose weights stand behind the inputs in the same order, is exported and
 * imported by what its descriptor says. A hook is for the
 * rest: other forms of weights (gates in another order), attributes that are inputs there, several operators for one.
 *
 * Failure is sticky: after the first one nothing is done any more, and names and tensors that are returned may be used
 * but mean nothing. */
#ifndef ENGRAM_ONNX_CORE_H
#define ENGRAM_ONNX_CORE_H

#include "core/op.h"
#include "engram_onnx.h"

#include <string.h>

/* The attribute's name there, without the default behind it (eg_attr). */
enum { EG_ONNX_NAME = 64 };
static inline const char *eg_onnx_name(const eg_attr *a, char buf[EG_ONNX_NAME]) {
	size_t n = strcspn(a->onnx, "=");
	if (n >= EG_ONNX_NAME) n = EG_ONNX_NAME - 1;
	memcpy(buf, a->onnx, n);
	buf[n] = '\0';
	return buf;
}

/* ---- export ------------------------------------------------------------------------------------------------------ */

/* The node that is exported: options with defaults filled in, dimensions as the graph knows them (open ones
 * negative). */
const eg_op_info *eg_export_info(const eg_export *x);
const void *eg_export_options(const eg_export *x);
int eg_export_code(const eg_export *x);
int eg_export_opset(const eg_export *x);
int eg_export_nin(const eg_export *x);
eg_dims eg_export_in_dims(const eg_export *x, int i);
eg_dims eg_export_out_dims(const eg_export *x, int i);

/* Names of values: inputs ("" where an optional one is left out), outputs ("" where nobody reads it), weights ("" where
 * the node has no such); a fresh one for what stands between two nodes. */
const char *eg_export_in(eg_export *x, int i);
const char *eg_export_out(eg_export *x, int i);
const char *eg_export_param(eg_export *x, int i);
const char *eg_export_between(eg_export *x);

/* The numbers of weight i; and numbers that become part of the model, named by it: n integers in one row (INT64), one
 * integer, one real, reals of these dimensions. They are copied. */
const real *eg_export_weights(const eg_export *x, int i, eg_dims *dims);
real *eg_export_room(eg_export *x, int64_t n); /* for n numbers that are made of others; zero. NULL after failure */
const char *eg_export_ints(eg_export *x, const int64_t *v, int n);
const char *eg_export_list(eg_export *x, eg_ints list); /* "" where it was left out */
const char *eg_export_int(eg_export *x, int64_t v);
const char *eg_export_real(eg_export *x, double v);
const char *eg_export_reals(eg_export *x, const real *v, eg_dims dims);

/* Puts down a node; in and out are names, NULL-terminated. Attributes that are set then are its. */
#define EG_NAMES(...) ((const char *const[]){__VA_ARGS__, NULL})
void eg_export_node(eg_export *x, const char *type, const char *const *in, const char *const *out);
void eg_export_set_int(eg_export *x, const char *name, int64_t v);
void eg_export_set_float(eg_export *x, const char *name, double v);
void eg_export_set_string(eg_export *x, const char *name, const char *v);
void eg_export_set_ints(eg_export *x, const char *name, const int64_t *v, int n);
void eg_export_set_strings(eg_export *x, const char *name, const char *const *v, int n);
void eg_export_set_floats(eg_export *x, const char *name, const float *v, int n);

/* As the descriptor says, without a hook, but of this type: one node with all inputs, weights and attributes that have
 * ONNX's names. */
void eg_export_as(eg_export *x, const char *type);
/* The node as one of our own, for who makes several of ONNX of it (onnx/lower.h); false: nobody does, and nothing was
 * done. */
bool eg_export_own(eg_export *x);
/* Cannot be exported with these options: why. */
void eg_export_fail(eg_export *x, const char *why, ...) EG_PRINTF(2, 3);

/* ---- import ------------------------------------------------------------------------------------------------------ */

eg_graph *eg_import_graph(eg_import *m); /* that is made */
const char *eg_import_type(const eg_import *m);
int eg_import_opset(const eg_import *m);
int eg_import_nin(const eg_import *m);  /* as many as are named, left out ones before the last included */
int eg_import_nout(const eg_import *m);
bool eg_import_has_in(const eg_import *m, int i);
const char *eg_import_out_name(const eg_import *m, int i); /* "": nobody reads it */

/* Input i as a value of the graph that is made; numbers of the model become a constant. Integers become EG_I32, other
 * numbers EG_F32. */
eg_tensor eg_import_in(eg_import *m, int i);
eg_tensor eg_import_raw(eg_import *m, int i); /* the same in its own type, which may be one of edges only */
eg_dims eg_import_in_dims(eg_import *m, int i); /* rank -1: it is left out */
/* Are its numbers part of the model? eg_import_ints: the integers of one, of at most `most`: how many there are, -1
 * (and failure) where they are not known; eg_import_number: its one number. */
bool eg_import_known(const eg_import *m, int i);
int eg_import_ints(eg_import *m, int i, int64_t *v, int most);
eg_ints eg_import_list(eg_import *m, int i); /* at NULL where it is left out; what does not fit is the nearest that
                                              * does */
/* The sizes that x is to have, of which open ones may be among: those that x has at the same place (counted from the
 * last one with `right`) are 0, and one other, not with `right`, is -1. */
eg_ints eg_import_shape(eg_import *m, int i, const eg_dims *x, bool right);
bool eg_import_is_zero(eg_import *m, int i); /* is it known to be 0 throughout? */
/* Is it left out, or known to be 0: a state that a recurrent layer of so many directions, which are dimension `axis`,
 * and hidden units begins with? A message where zeros have another shape. */
bool eg_import_no_state(eg_import *m, int i, int axis, int64_t dirs, int64_t hidden);
bool eg_import_has_zero(eg_import *m, int i); /* is a 0 among numbers of the model, or sizes? */
eg_ints eg_import_axes(eg_import *m, int i); /* the attribute "axes", or the input that it has become in later opsets */
double eg_import_number(eg_import *m, int i);
/* Its numbers as real, for weights; `dims` may be NULL. They live until the import is over, and may be the model's own.
 * NULL after failure. */
const real *eg_import_reals(eg_import *m, int i, eg_dims *dims);
real *eg_import_room(eg_import *m, int64_t n); /* for n numbers that are made of others; zero */
real *eg_import_turned(eg_import *m, const real *v, int64_t rows, int64_t columns); /* a matrix, (columns, rows) then */

/* Attributes: each that the node has must have been asked for, or the import fails. */
int64_t eg_import_int(eg_import *m, const char *name, int64_t absent);
double eg_import_float(eg_import *m, const char *name, double absent);
const char *eg_import_string(eg_import *m, const char *name, const char *absent);
/* Lists: how many there are; -1: it is absent. */
int eg_import_int_list(eg_import *m, const char *name, int64_t *v, int most);
int eg_import_float_list(eg_import *m, const char *name, float *v, int most);
int eg_import_string_list(eg_import *m, const char *name, const char **v, int most);

/* Puts an operator into the graph (eg_apply) and names it as the node is named. eg_import_param: that weight of it is
 * what is in `v`, n numbers, which must live until the import is over. */
eg_tensor eg_import_apply(eg_import *m, const char *op, const void *options, const eg_tensor *in, int nin);
void eg_import_param(eg_import *m, eg_tensor of, const char *param, const real *v, int64_t n);
/* Output i of the node is t. */
/* The n numbers that the only reader of result 0 adds to it, where it does nothing else: that node is done with this
 * one, whose result is then the sum. NULL: there is none such. */
const real *eg_import_added(eg_import *m, int64_t n);
void eg_import_out(eg_import *m, int i, eg_tensor t);
/* Without a hook: as the descriptor of `op` says. */
void eg_import_as(eg_import *m, const char *op);
void eg_import_fail(eg_import *m, const char *why, ...) EG_PRINTF(2, 3);

#endif
