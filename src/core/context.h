/* context.h - the inside of eg_context: allocator, kernel table, team, measured times. */
#ifndef ENGRAM_CONTEXT_H
#define ENGRAM_CONTEXT_H

#include "base/base.h"
#include "kern/kern.h"

typedef struct eg_tuning eg_tuning; /* tune.c */

struct eg_context {
	eg_allocator allocator_copy;
	const eg_allocator *allocator; /* NULL: malloc */
	eg_cpu cpu;
	eg_kernels kern; /* the chosen table */
	eg_team *team;
	eg_tuning *tuning; /* NULL: nothing was measured */
	int loaders, loaders_asked;    /* how many may fill batches; asked for: -1: nobody said */
	double limit_macs; /* of a plan, for one sample; 0: none */
	char log[2048]; /* why this kernel table: text for ENGRAM_VERBOSE=1 and eg_context_describe */
};

int eg_context_loaders_asked(const eg_context *ctx);

#endif
