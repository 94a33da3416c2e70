/* kern_softmax.h - softmax and cross-entropy (kern.h). Other losses: kern_losses.h, kern_element_loss.h. */
#ifndef ENGRAM_KERN_SOFTMAX_H
#define ENGRAM_KERN_SOFTMAX_H

#include "kern/kern_types.h"

/* softmax over the middle of (outer, n, inner): y = exp(x - max) / sum. Unit u does outer indices [u*rows,
 * min((u+1)*rows, outer)), at eg_at(.., u). */
typedef struct eg_softmax_args {
	eg_buf x, y;
	int64_t outer, rows;
	int n, inner;
} eg_softmax_args;
/* softmax_bwd: dx = [dx +] y * (dy - sum(dy * y)). */
typedef struct eg_softmax_bwd_args {
	eg_buf y, dy, dx;
	int64_t outer, rows;
	int n, inner;
	bool acc;
} eg_softmax_bwd_args;

/* Cross-entropy of logits x (outer, n, inner) with targets t (outer, inner), int32_t class numbers; `weight` (n) per
 * class or absent. Rows whose target is `ignore` count for nothing. With smoothing e, as PyTorch: a row's loss is
 *   (1-e) * w[t] * -logp[t] + e/n * sum_c w[c] * -logp[c].
 * A target outside 0..n-1 that is not `ignore` makes the row's loss and gradient NaN (running cannot fail).
 * ce_denom: denom[0] = mean ? sum of w[t] over the rows that count : 1. Global, one unit.
 * ce_fwd: prob (outer,n,inner) = softmax(x), rowloss (outer, inner) = losses as above, undivided. Unit as in softmax.
 * ce_mean: loss[0] = sum(rowloss) / denom[0], in fixed order (double accumulation). Global, one unit. All rows ignored:
 * 0/0 = NaN, as PyTorch.
 * ce_bwd: dx = [dx +] dloss[0] / denom[0] * ((1-e) w[t] (p - onehot(t)) + e/n * (p * sum(w) - w)). */
typedef struct eg_ce_shape {
	int64_t outer, rows;
	int n, inner;
	int32_t ignore;
	bool mean;
	real smoothing;
} eg_ce_shape;
typedef struct eg_ce_denom_args {
	eg_buf target, weight, denom;
	eg_ce_shape s;
} eg_ce_denom_args;
typedef struct eg_ce_fwd_args {
	eg_buf x, target, weight, prob, rowloss;
	eg_ce_shape s;
} eg_ce_fwd_args;
typedef struct eg_ce_mean_args {
	eg_buf rowloss, denom, loss;
	int64_t count;
} eg_ce_mean_args;
typedef struct eg_ce_bwd_args {
	eg_buf prob, target, weight, denom, dloss, dx;
	eg_ce_shape s;
	bool acc;
} eg_ce_bwd_args;

#endif
