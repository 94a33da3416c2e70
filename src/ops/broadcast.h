/* broadcast.h - what operators share whose inputs are brought to one shape: dimensions are aligned to the right, and
 * one of size 1, or that is missing in front, is repeated. */
#ifndef ENGRAM_OPS_BROADCAST_H
#define ENGRAM_OPS_BROADCAST_H

#include "ops/ops.h"

bool broadcast_same(const eg_dims *a, const eg_dims *b);

/* Output 0 is what inputs first..first+n-1 become together. `names`: of all inputs. */
eg_status broadcast_infer(eg_infer *s, const char *const *names, int first, int n);

/* Element strides of t when it is read in the shape y; 0 where it is repeated. */
void broadcast_strides(const eg_dims *t, const eg_dims *y, int64_t *out);

/* Do all n inputs look like output 0, so that they may lie in any layout, alike? */
bool broadcast_alike(const eg_emit *e, int n);

/* How the n inputs of this node are walked, and in what jobs. With `flat` as equal runs in that layout. */
typedef struct broadcast_job {
	eg_spread at;
	eg_layout layout;
	op_blocks job;
	bool flat;
	int64_t total, ystride; /* elements of output 0; of a unit of it */
} broadcast_job;
broadcast_job broadcast_job_of(const eg_emit *e, int n, bool flat, eg_layout layout);

/* Buffer `b` of input i as the job's units find it. */
eg_buf broadcast_in(const broadcast_job *j, eg_buf b, int i);
static inline eg_buf broadcast_out(const broadcast_job *j, eg_buf b) { return op_stride(j->job.block, b, j->ystride); }

/* Backward: the gradient of input i in the shape of output 0, into *d, which is the gradient itself where the shapes
 * agree (acc: it is added to), else a buffer that broadcast_sum then sums up. */
eg_buf broadcast_grad(eg_emit *e, const broadcast_job *j, int i, bool *acc);
void broadcast_sum(eg_emit *e, int i, eg_buf d);

#endif
