/* kern_map.h - element by element, changes of layout, and plain sums (kern.h).
 *
 * Not here: the families of arithmetic with an op code (kern_families.h). */
#ifndef ENGRAM_KERN_MAP_H
#define ENGRAM_KERN_MAP_H

#include "kern/kern_types.h"

/* ---- element-wise: unit u does elements [u*unit, min((u+1)*unit, total)) ----------------------------------------- */
/* As a block job, element u*unit of a buffer lies at eg_at(buffer, u). As a global job the plan sets stride = unit, so
 * that the same address rule holds. In the LANES layout unit = 16*F and total counts all 16 lanes of every block. */

/* act_fwd: y = act(x), in place allowed. copy: y = [y +] x (act unused). */
typedef struct eg_map_args {
	eg_buf x, y;
	int64_t unit, total;
	eg_act act;
	bool acc;
} eg_map_args;
/* act_bwd: dx = [dx +] dy * act'(x), from y = act(x), or from x where eg_act_from_x says so. dx may be dy. */
typedef struct eg_act_bwd_args {
	eg_buf from, dy, dx;
	int64_t unit, total;
	eg_act act;
	bool acc;
} eg_act_bwd_args;
/* fill: y = value. */
typedef struct eg_fill_args {
	eg_buf y;
	int64_t unit, total;
	real value;
} eg_fill_args;

/* dropout: y = [y +] x * m / (1 - rate), m = 0 with probability rate, else 1 (inverted dropout). Both directions; in
 * place allowed. `state` is an eg_dropout_state that the runner updates between steps. Element e of the job is dropped
 * when word e % 4 of Philox block e / 4 of stream (seed, eg_stream(EG_RNG_DROPOUT, node, step)) is below rate * 2^32.
 * unit is a multiple of 4. */
typedef struct eg_dropout_state { uint64_t seed, step; } eg_dropout_state;
typedef struct eg_dropout_args {
	eg_buf x, state, y;
	int64_t unit, total;
	uint32_t node;
	real rate;
	bool acc;
} eg_dropout_args;

/* add: y = act(a + b) with broadcasting. y is contiguous with `dims` (rank of them, slowest first); sa, sb are element
 * strides, 0 where a or b is broadcast. Unit u does indices [u*rows, min((u+1)*rows, dims[0])) of the first dimension;
 * a, b, y of the unit lie at eg_at(.., u) (a buffer without the first dimension has stride 0). y may be a or b where
 * shapes agree. */
typedef struct eg_add_args {
	eg_buf a, b, y;
	eg_act act;
	int rank, rows;
	int64_t dims[EG_KDIMS], sa[EG_KDIMS], sb[EG_KDIMS];
} eg_add_args;
/* sum_to: the adjoint of broadcasting. x is contiguous with `dims`; y has element strides sy, 0 for the dimensions that
 * are summed over; y = [y +] the sums, in an order that depends on dims only. Global; units = ceil(count / EG_BLOCK)
 * where count is the number of elements of y, a unit is EG_BLOCK consecutive elements of y (y is contiguous in the
 * order of its kept dimensions). */
typedef struct eg_sum_to_args {
	eg_buf x, y;
	int rank;
	int64_t dims[EG_WALK], sy[EG_WALK], count;
	bool acc;
} eg_sum_to_args;

/* ---- layout and reductions --------------------------------------------------------------------------------------- */

/* reorder: y in the other layout = [y +] x; F elements a sample. to_lanes: x PLAIN, y LANES (lanes beyond the last
 * sample get 0), else the reverse. Block job. */
typedef struct eg_reorder_args {
	eg_buf x, y;
	int N, F;
	bool to_lanes, acc;
} eg_reorder_args;

/* reorder_blocked: y = [y +] x for pictures (N,C) of `plane` positions, one of the two PLAIN and the other BLOCKED
 * (to_blocked: y; its lanes beyond the last channel become 0). Global; unit u is the 16 channels u % ceil(C/16) of
 * sample u / ceil(C/16). */
typedef struct eg_reorder_blocked_args {
	eg_buf x, y;
	int N, C, plane;
	bool to_blocked, acc;
} eg_reorder_blocked_args;

/* shard_sum: y[i] = [y[i] +] sum over j < shards of parts[j*count + i], j rising. Global, unit EG_CHUNK elements. */
typedef struct eg_shard_sum_args {
	eg_buf parts, y;
	int64_t count;
	int shards;
	bool acc;
} eg_shard_sum_args;

/* sum_rows: y[j] = [y[j] +] sum over i < m of x[i*ld + j], i rising. Global, a unit is 64 columns. */
typedef struct eg_sum_rows_args {
	eg_buf x, y;
	int m, n, ld;
	bool acc;
} eg_sum_rows_args;

#endif
