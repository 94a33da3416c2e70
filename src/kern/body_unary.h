/* body_unary.h - a few functions of one number that the families of arithmetic share (body_unary.c, body_binary.c,
 * body_reduce.c). */
#ifndef ENGRAM_BODY_UNARY_H
#define ENGRAM_BODY_UNARY_H

#include "kern/simd.h"

EG_ALWAYS_INLINE vf unary_neg(vf x) { return vsub(vset1(-0.0f), x); }
EG_ALWAYS_INLINE vf unary_sign(vf x) { return vsel(vgt(x, vzero()), vset1(1.0f), vsel(vgt(vzero(), x), vset1(-1.0f), x)); }

/* Is it not 0? NaN is not. */
EG_ALWAYS_INLINE vm unary_true(vf x) { return vor_m(vgt(vabs(x), vzero()), vnan(x)); }

#endif
