/* vector_slots.h - declares what the vector bodies fill of a kernel table (vector_slots.def), for the instruction set
 * that it is compiled for, with the types that the table has. test/headers.sh compiles every body with it, so that
 * none has another type. */
#ifndef ENGRAM_VECTOR_SLOTS_H
#define ENGRAM_VECTOR_SLOTS_H

#include "kern/kern.h"
#include "kern/simd.h"

#define VECTOR(member) __typeof__(*((eg_kernels *)0)->member) EG_NAME(member);
#define VECTOR_CONV(algo, name) extern const eg_conv_kernels EG_NAME(name);
#include "kern/vector_slots.def"

#endif
