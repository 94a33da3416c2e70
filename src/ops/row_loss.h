/* row_loss.h - what losses of rows share (kern_losses.h): of classes (loss.c, class_loss.c), of rows that are compared
 * (pair_loss.c), of boxes (box_loss.c). */
#ifndef ENGRAM_OPS_ROW_LOSS_H
#define ENGRAM_OPS_ROW_LOSS_H

#include "ops/ops.h"

enum { OP_MEAN, OP_SUM, OP_NONE }; /* the values of `reduction` */
extern const char *const op_reductions[];
#define OP_REDUCTION(T, doc) OP_ENUM(T, reduction, op_reductions, "reduction", doc)
#define OP_ROW_AXIS(T, def)                                                                                            \
	OP_INT(T, axis, def, -EG_MAX_DIMS, EG_MAX_DIMS, NULL,                                                          \
		"which dimension a row lies along, negative: from the end; of sequences (T,N,...) 1 means the last")

/* The dimension that `axis` means of a tensor declared so: of sequences 1 is the last; -1: there is no such, or it is
 * the batch. */
int op_row_axis(int axis, const eg_dims *declared);
/* x without it. */
eg_dims op_without_axis(const eg_dims *x, int axis);

typedef struct op_row_loss {
	eg_row_op op;
	int kind;
	double a, b, c;
	int axis, ignore, reduction;
	int rows;          /* inputs 0.. that are rows */
	int label, weight; /* inputs; 0: there is none */
	bool counted;      /* the mean is divided by the weights of the rows that count, else by the number of rows */
	bool all;          /* every row gets a gradient, else input 0 alone */
} op_row_loss;
void op_row_loss_fwd(eg_emit *e, const op_row_loss *l);
void op_row_loss_bwd(eg_emit *e, const op_row_loss *l);

/* Checks of losses of classes; sets the output. Input 1 are class numbers, input 2, if there, weights of classes. */
eg_status op_classes_target(int axis, const eg_dims *declared, const eg_dims *x, eg_target_info *target, eg_error *err);
eg_status op_classes_infer(eg_infer *s, int axis, int reduction);
eg_status op_classes_check_weight(eg_infer *s, int axis);
/* Of rows that are compared: `rows` inputs of one shape and, behind them, with `label` a number for each. */
eg_status op_pairs_infer(eg_infer *s, int axis, int rows, bool label, int reduction);

/* Two functions of an operator from NAME_loss(e), its op_row_loss. */
#define OP_ROW_CALLS(name)                                                                                             \
	static void name##_fwd(eg_emit *e) {                                                                           \
		const op_row_loss l = name##_loss(e);                                                                  \
		op_row_loss_fwd(e, &l);                                                                                \
	}                                                                                                              \
	static void name##_bwd(eg_emit *e) {                                                                           \
		const op_row_loss l = name##_loss(e);                                                                  \
		op_row_loss_bwd(e, &l);                                                                                \
	}

#endif
