/* recurrent.h - the scheduler of a sequence, the same code for all tables (recurrent.c). */
#ifndef ENGRAM_RECURRENT_H
#define ENGRAM_RECURRENT_H

#include "kern/kern.h"

/* Fills the slots recurrent_fwd, recurrent_bwd, their joint forms and recurrent_scratch. */
void eg_kernels_recurrent(eg_kernels *k);
void eg_kernels_recurrent_bwd(eg_kernels *k); /* recurrent_bwd.c: its part of these */

/* What recurrent_fwd and recurrent_bwd keep of the norms of a row: the two (gru: four, xW and hR each in two
 * parts; and c) statistics. */
enum { EG_RECURRENT_RSTD = 5 };
static inline int eg_recurrent_xhat(const eg_recurrent_shape *s) {
	return 2 * s->G * s->H + (s->cell == EG_CELL_LSTM ? s->H : 0);
}

#endif
