/* along.h - what operators share that work along one dimension: softmax and its kin, normalisation. */
#ifndef ENGRAM_OPS_ALONG_H
#define ENGRAM_OPS_ALONG_H

#include "ops/ops.h"

/* x as (outer, n, inner), and the job: 16 samples a unit, or about EG_CHUNK elements when there is no batch. */
typedef struct along_job {
	int64_t outer, rows, unit;
	int n, inner, units;
	bool block;
} along_job;

/* flat: the dimensions from `axis` on are one. */
along_job along_job_of(const eg_emit *e, int axis, bool flat);
/* y is as x; each sample, and each step of a sequence, by itself. */
eg_status along_infer(eg_infer *s, int axis, bool flat);

/* Calls of the family eg_along, whose settings are in `shape`. reads_x: the gradient is told from x, else from y. */
void along_fwd(eg_emit *e, const along_job *j, eg_along op, eg_along_shape shape);
void along_bwd(eg_emit *e, const along_job *j, eg_along op, eg_along_shape shape, bool reads_x);

#endif
