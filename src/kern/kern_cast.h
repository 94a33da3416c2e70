/* kern_cast.h - kernels that read or write numbers of other types than `real` and int32_t. */
#ifndef ENGRAM_KERN_CAST_H
#define ENGRAM_KERN_CAST_H

#include "kern/kern_types.h"

/* cast: y = x in another type. Strides count elements of the type that the buffer holds. Between whole numbers the
 * low bits are kept; from real to whole numbers fractions are cut off, NaN is 0, and what is too large is the largest
 * number there is; to bool all but 0 is 1; to shorter real numbers to the nearest, of two the even one. */
typedef struct eg_cast_args {
	eg_buf x, y;
	int64_t unit, total;
	eg_dtype from, to;
} eg_cast_args;

/* What 16 bits say as a number of half precision (IEEE 754 binary16), or as a brain float. */
double eg_f16_value(uint16_t bits);
double eg_bf16_value(uint16_t bits);

#endif
