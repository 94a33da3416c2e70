/* dense.h - rows times a weight matrix: the calls that linear, attention and recurrence are made of, and the dense
 * layer, which is also what convolution is when its kernel covers the whole picture. */
#ifndef ENGRAM_OPS_DENSE_H
#define ENGRAM_OPS_DENSE_H

#include "ops/ops.h"

/* The (k,n) matrix packed for dense_product: w is (k,n) row-major with ld, or, with trans, (n,k). Packed anew only when
 * the weights change. */
eg_buf dense_packed(eg_emit *e, eg_buf w, int64_t k, int64_t n, int64_t ld, bool trans);
/* g.c (m,n) = act([g.c +] g.a (m,k) B + bias) with packed B, as a global job: rows and nsplit are chosen here. */
void dense_product(eg_emit *e, eg_gemm_packed_args g);
void dense_gemm(eg_emit *e, eg_gemm_args g);
void dense_gemm_batch(eg_emit *e, eg_gemm_batch_args g);
void dense_sum_rows(eg_emit *e, eg_sum_rows_args a);

/* y (rows, units) = x (rows, features) w^T + b, PLAIN, with w (units, features) as parameter 0 and b (units) as
 * parameter 1, which may be missing. `per` rows belong to one index of the first dimension. ends: of eg_emit_ends. */
typedef struct dense {
	int rows, per, features, units;
	eg_buf ends;
} dense;

void dense_fwd(eg_emit *e, dense d);
void dense_bwd(eg_emit *e, dense d);

/* Appends the weights "weight" and, if wanted, "bias" to the parameters: by default both U(+-1/sqrt(fan_in)), else
 * the weight as asked for and the bias zero. */
void dense_params(eg_infer *s, eg_dims weight, int64_t fan_in, int64_t fan_out, bool bias, int init, float init_value);

#endif
