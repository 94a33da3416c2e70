/* peak.h - what the benchmarks share: a clock. The peak that they are compared with is measured by the engine:
 * eg_measure_peak in core/machine.h, for a team, or a kernel table's fma_loop. */
#ifndef ENGRAM_BENCH_PEAK_H
#define ENGRAM_BENCH_PEAK_H

#include "core/machine.h"

#include <time.h>

static inline double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
