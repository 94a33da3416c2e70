/* machine.h - the speed of this machine, as the benchmarks measure it beside what they are about. */
#ifndef ENGRAM_MACHINE_H
#define ENGRAM_MACHINE_H

#include "kern/kern.h"

/* GFLOP/s of `threads` ranks of the team together in multiply-adds of this table: the best of some rounds of about a
 * millisecond. */
double eg_measure_peak(eg_team *team, const eg_kernels *k, int threads);
/* Median nanoseconds that a changed cache line takes from one of two ranks to the other; NAN when the team has one
 * thread only, or more threads than `cores`. */
double eg_measure_handoff(eg_team *team, int cores);

#endif
