/* kern_update.h - training (kern.h): flat arrays; global, unit EG_CHUNK elements. */
#ifndef ENGRAM_KERN_UPDATE_H
#define ENGRAM_KERN_UPDATE_H

#include "kern/kern_types.h"

/* update: the weights w after the gradients g, by the method `op`. g' = scale * g is used throughout (gradient clipping
 * without a pass of its own); where nothing else is said g' += weight_decay * w comes first. What a method does not
 * name is absent.
 * SGD:      m = momentum * m + g' (first: m = g');  w -= lr * (nesterov ? g' + momentum * m : m).
 *           momentum == 0: m is absent, w -= lr * g'. (Sutskever et al. 2013 as PyTorch writes it)
 * ADAM:     m = b1 m + (1-b1) g';  v = b2 v + (1-b2) g'^2;  w -= lr / c1 * m / (sqrt(v / c2) + eps), c1 = 1 - b1^t, c2
 *           = 1 - b2^t. decoupled (AdamW, Loshchilov and Hutter 2019): w -= lr * weight_decay * w first, and no decay
 *           in g'.
 * NADAM:    as ADAM, but w -= lr * (cm m + cg g') / (sqrt(v / c2) + eps). (Dozat 2016; cm and cg as PyTorch has them)
 * RMSPROP:  v = b2 v + (1-b2) g'^2;  centered: u = b2 u + (1-b2) g', else u is absent;  s = g' / (sqrt(v - u^2) + eps),
 *           the
 *           difference not below 0;  momentum != 0: m = momentum * m + s, w -= lr * m;  else m is absent, w -= lr * s.
 *           (Tieleman and Hinton 2012; centered: Graves 2013; as PyTorch writes it)
 * ADAGRAD:  v += g'^2;  w -= lr * g' / (sqrt(v) + eps). (Duchi et al. 2011)
 * ADADELTA: v = b2 v + (1-b2) g'^2;  s = sqrt(u + eps) / sqrt(v + eps) * g';  u = b2 u + (1-b2) s^2;  w -= lr * s.
 *                                    (Zeiler 2012)
 * MUON:     the first half of it: m += (1-momentum) (g' - m);  u = g' + momentum (m - g'). No decay; w is absent.
 *           (Jordan 2024) */
typedef enum eg_update {
	EG_UPDATE_SGD,
	EG_UPDATE_ADAM,
	EG_UPDATE_NADAM,
	EG_UPDATE_RMSPROP,
	EG_UPDATE_ADAGRAD,
	EG_UPDATE_ADADELTA,
	EG_UPDATE_MUON
} eg_update;
typedef struct eg_update_args {
	eg_buf g, w, m, v, u;
	int64_t n;
	eg_update op;
	real lr, scale, momentum, weight_decay, b1, b2, eps, c1, c2, cm, cg;
	bool nesterov, decoupled, centered, first;
} eg_update_args;

/* sumsq: out[u] (double) = sum of x[i]^2 over unit u, accumulated in double or in fixed lanes. NaN and infinity come
 * through. */
typedef struct eg_sumsq_args {
	eg_buf x, out;
	int64_t n;
} eg_sumsq_args;
/* clip_value: x = min(max(x, -limit), limit); NaN stays. */
typedef struct eg_clip_value_args {
	eg_buf x;
	int64_t n;
	real limit;
} eg_clip_value_args;
/* blend: y += a (x - y), the step of a running mean. */
typedef struct eg_blend_args {
	eg_buf x, y;
	int64_t n;
	real a;
} eg_blend_args;

#endif
