/* loop.h - the operators that a loop is made of: those of its graph (loop.c), and those that stand for them in a
 * plan, where the body is repeated for each step (unroll.c, loop_emit.c). */
#ifndef ENGRAM_LOOP_H
#define ENGRAM_LOOP_H

#include "core/graph.h"

/* In the graph: this step of a sequence; what a state is before the step; outside, a value of all steps as a
 * sequence, and what a state is behind the last one. The last two take all that the states become as further inputs,
 * so that whoever needs one of them needs the whole loop. */
extern const eg_op eg_op_loop_input, eg_op_loop_state, eg_op_loop_output, eg_op_loop_last;
#ifndef ENGRAM_WITHOUT_LOOPS
static inline bool eg_loop_is_state(const eg_op *op) { return op == &eg_op_loop_state; }
#else
static inline bool eg_loop_is_state(const eg_op *op) { return EG_UNUSED(op), false; }
#endif
enum { EG_LOOP_OUT_VALUE, EG_LOOP_OUT_SEQUENCE, EG_LOOP_OUT_LENGTHS, EG_LOOP_OUT_NEXT };

typedef struct eg_loop_state_options {
	const char *name;
	eg_dims dims;
	bool learned; /* it begins with a weight */
} eg_loop_state_options;

/* In a plan. */
typedef struct eg_loop_step_options {
	const char *name;
	eg_dims dims; /* of the result, but for an unknown batch; of `put` and `begin` */
	int t;
	int begin; /* end: the node that has read the state */
	bool learned;
} eg_loop_step_options;
extern const eg_op eg_op_step_open, eg_op_step_get, eg_op_step_keep, eg_op_step_put, eg_op_step_close, eg_op_step_begin,
	eg_op_step_end;

#endif
