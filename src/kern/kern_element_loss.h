/* kern_element_loss.h - losses of single numbers, or of a location and a scale, against targets (kern.h). */
#ifndef ENGRAM_KERN_ELEMENT_LOSS_H
#define ENGRAM_KERN_ELEMENT_LOSS_H

#include "kern/kern_types.h"

/* Losses of a difference e = x - target: e^2 (square), or, with |e| below width, slope e^2 / (2 width), else slope (|e|
 * - width/2): width 0 and slope 1 is |e|, slope 1 is smooth L1, slope == width is Huber's. Units and addresses as for
 * element-wise kernels.
 * regress_fwd: partial[u] = sum over unit u; partial of unit u lies at eg_at(partial, u). With `each`, which is
 * addressed as x, the loss of each number instead.
 * regress_bwd: dx = [dx +] dloss[0] / denom[0] * derivative by x; with deach the gradient of each loss instead of that
 * quotient. */
typedef struct eg_regress_shape {
	int64_t unit, total;
	real width, slope;
	bool square;
} eg_regress_shape;
typedef struct eg_regress_fwd_args {
	eg_buf x, target, partial, each;
	eg_regress_shape s;
} eg_regress_fwd_args;
typedef struct eg_regress_bwd_args {
	eg_buf x, target, denom, dloss, deach, dx;
	eg_regress_shape s;
	bool acc;
} eg_regress_bwd_args;

/* Losses of a number x, or of a location x and a scale y, against a target t; row > 0: x holds, in turn, `row`
 * locations and as many scales, or `parts` times `row` numbers, of which the target has one from each, and units are
 * whole rows; row 0: it has one in all. Units and addresses as for element-wise kernels, of targets.
 * BCE:      (1-t) x + (1 + (a-1) t) log(1 + e^-x): cross-entropy of sigmoid(x), the side of t weighed by a.
 * BCE_P:    -a t log x - (1-t) log(1-x), logarithms at least -100; derivative (x-t) / max(x (1-x), 1e-12) for a = 1,
 *           likewise weighed.
 * FOCAL:    BCE with a of 1, times q^a (b t + (1-b)(1-t)), q = sigmoid(x) (1-t) + sigmoid(-x) t; b < 0: without the
 *           last factor.
 * HINGE:    max(0, a - t x), squared where b > 0.
 * QUANTILE: e = t - x: a e above 0, (a-1) e below, whose slope at 0 is taken as 0.
 * QUANTILES: the sum of QUANTILE over the parts, level[i] as part i's a.
 * POISSON:  e^x - t x.
 * KL:       t (log t - x), 0 where t is not above 0.
 * GAUSSIAN: (y + (t-x)^2 e^-y) / 2 + b: y is the logarithm of the variance.
 * STUDENT:  y + (a+1)/2 log(1 + z^2/a) + b, z = (t-x) e^-y: y is the logarithm of the scale, a the degrees of freedom.
 * element_loss_fwd: partial[u] = sum over unit u, at eg_at(partial, u). element_loss_bwd: dx = [dx +] dloss[0] /
 * denom[0] * derivative by x, and by y beside it. each, deach: as above, addressed as targets. */
typedef enum eg_loss_op {
	EG_LOSS_BCE,
	EG_LOSS_BCE_P,
	EG_LOSS_FOCAL,
	EG_LOSS_HINGE,
	EG_LOSS_QUANTILE,
	EG_LOSS_QUANTILES,
	EG_LOSS_POISSON,
	EG_LOSS_KL,
	EG_LOSS_GAUSSIAN,
	EG_LOSS_STUDENT
} eg_loss_op;
enum { EG_LOSS_LEVELS = 16 };
typedef struct eg_element_loss {
	int64_t unit, total, row;
	eg_loss_op op;
	real a, b;
	int parts; /* with row > 0: 2 where there are scales */
	real level[EG_LOSS_LEVELS];
} eg_element_loss;
typedef struct eg_element_loss_fwd_args {
	eg_buf x, target, partial, each;
	eg_element_loss s;
} eg_element_loss_fwd_args;
typedef struct eg_element_loss_bwd_args {
	eg_buf x, target, denom, dloss, deach, dx;
	eg_element_loss s;
	bool acc;
} eg_element_loss_bwd_args;

#endif
