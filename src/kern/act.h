/* act.h - the activation: one value that says which function is applied element by element, and with which numbers.
 *
 * Every kernel and operator that applies an activation takes an eg_act; ref_act.h computes it for the plain C
 * kernels, body_act_kinds.h for vectors. acts.def lists the kinds. */
#ifndef ENGRAM_KERN_ACT_H
#define ENGRAM_KERN_ACT_H

#include <stdbool.h>

/* What alpha and beta, a and b here, are to a kind:
 *   NONE         x
 *   RELU         max(x, 0)
 *   SIGMOID      1 / (1 + e^-x)
 *   TANH         tanh x
 *   SCALED_TANH  a tanh(b x), a > 0, b > 0
 *   LEAKY        x where x >= 0, else a x, a >= 0
 *   ELU          b x where x > 0, else a (e^x - 1), a >= 0, b > 0
 *   CELU         x where x > 0, else a (e^(x/a) - 1), a > 0
 *   CLIP         x, no less than a and no more than b, a < b
 *   HARD_SIGMOID a x + b, no less than 0 and no more than 1, a > 0
 *   SOFTPLUS     log(1 + e^(a x)) / a, a > 0
 *   SOFTSIGN     x / (1 + |x|)
 *   THRESHOLD    x where x > a, else 0, a >= 0
 *   SHRINK       x - b where x > a, x + b where x < -a, else 0, a >= b >= 0
 *   HARD_SWISH   x times (x / 6 + 1/2, no less than 0 and no more than 1)
 *   SILU         x / (1 + e^(-a x)), a > 0
 *   MISH         x tanh(log(1 + e^x))
 *   GELU         x times the normal distribution: x (1 + erf(x / sqrt 2)) / 2
 *   GELU_TANH    x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2
 * NaN stays NaN in all of them. Where a derivative jumps it is that of the flat side. */
typedef enum eg_act_kind {
#define EG_ACT(name, slope) EG_ACT_##name,
#include "kern/acts.def"
#undef EG_ACT
	EG_ACT_KINDS
} eg_act_kind;

typedef struct eg_act {
	eg_act_kind kind;
	float alpha, beta;
} eg_act;

/* Of a kind that takes no numbers. */
static inline eg_act eg_act_of(eg_act_kind kind) { return (eg_act){kind, 0, 0}; }

/* Is the derivative computed from x, because y does not suffice? Where it is not, y rises with x or stays, never
 * falls. */
static inline bool eg_act_from_x(eg_act_kind kind) {
	enum { FROM_Y, FROM_X };
	static const unsigned char from[EG_ACT_KINDS] = {
#define EG_ACT(name, slope) slope,
#include "kern/acts.def"
#undef EG_ACT
	};
	return from[kind] == FROM_X;
}

#endif
