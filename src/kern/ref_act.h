/* ref_act.h - activations (act.h) in plain C: the specification. */
#ifndef ENGRAM_REF_ACT_H
#define ENGRAM_REF_ACT_H

/* relu keeps NaN: a network that has gone wrong must not look healthy. */
static inline real act_value(eg_act act, real x) {
	switch (act.kind) {
	case EG_ACT_RELU: return x < 0 ? 0 : x;
	case EG_ACT_SIGMOID: return 1 / (1 + real_exp(-x));
	case EG_ACT_TANH: return real_tanh(x);
	case EG_ACT_NONE:
	case EG_ACT_KINDS: break;
	}
	return x;
}

/* d act'(x), where v is y = act(x), or x for the kinds of eg_act_from_x. */
static inline real act_grad(eg_act act, real v, real d) {
	switch (act.kind) {
	case EG_ACT_RELU: return v > 0 ? d : 0;
	case EG_ACT_SIGMOID: return d * (v * (1 - v));
	case EG_ACT_TANH: return d * (1 - v * v);
	case EG_ACT_NONE:
	case EG_ACT_KINDS: break;
	}
	return d;
}

/* Applies the activation to n values in place; the tests for the two cheap ones stay outside of the loop. */
static inline void act_apply(eg_act act, real *y, ptrdiff_t n) {
	if (act.kind == EG_ACT_NONE) return;
	if (act.kind == EG_ACT_RELU)
		for (ptrdiff_t i = 0; i < n; i++) y[i] = y[i] < 0 ? 0 : y[i];
	else
		for (ptrdiff_t i = 0; i < n; i++) y[i] = act_value(act, y[i]);
}

#endif
