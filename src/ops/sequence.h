/* sequence.h - what operators that take lengths share: sequences without what lies behind their ends. */
#ifndef ENGRAM_OPS_SEQUENCE_H
#define ENGRAM_OPS_SEQUENCE_H

#include "ops/ops.h"

/* A copy of x (T,N,n) that is zero behind the lengths (N), for products over all steps: 0 times what a padded place may
 * hold need not be 0. Without lengths x itself. */
eg_buf sequence_masked(eg_emit *e, eg_buf x, eg_buf lengths, int T, int N, int n);
void sequence_mask_into(eg_emit *e, eg_buf x, eg_buf lengths, int T, int N, int n, eg_buf y);

#endif
