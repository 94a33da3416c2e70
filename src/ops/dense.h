/* dense.h - rows times a weight matrix: what linear is, and what convolution is when its kernel covers the whole
 * picture. */
#ifndef ENGRAM_OPS_DENSE_H
#define ENGRAM_OPS_DENSE_H

#include "ops/ops.h"

/* y (rows, units) = x (rows, features) w^T + b, PLAIN, with w (units, features) as parameter 0 and b (units) as
 * parameter 1, which may be missing. `per` rows belong to one index of the first dimension. */
typedef struct dense {
	int rows, per, features, units;
} dense;

void dense_fwd(eg_emit *e, dense d);
void dense_bwd(eg_emit *e, dense d);

/* Appends the weights "weight" and, if wanted, "bias" to the parameters: by default both U(+-1/sqrt(fan_in)), else
 * the weight as asked for and the bias zero. */
void dense_params(eg_infer *s, eg_dims weight, int64_t fan_in, int64_t fan_out, bool bias, int init, float init_value);

#endif
