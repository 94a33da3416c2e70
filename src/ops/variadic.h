/* variadic.h - functions of any number of tensors that are made of functions of two (variadic.c). */
#ifndef ENGRAM_OPS_VARIADIC_H
#define ENGRAM_OPS_VARIADIC_H

#include "ops/ops.h"

/* Output 0 is what all inputs become together by broadcasting. */
eg_status variadic_infer(eg_infer *s);
/* y = op(op(x1, x2), ...), in PLAIN. */
void variadic_fwd(eg_emit *e, eg_binary op);
/* Of a maximum or minimum: shared by those that are y. */
void variadic_choice_bwd(eg_emit *e, eg_binary op);

#endif
