/* ref_act.h - activations (act.h) in plain C: the specification. */
#ifndef ENGRAM_REF_ACT_H
#define ENGRAM_REF_ACT_H

static inline real act_sigmoid(real x) { return 1 / (1 + real_exp(-x)); }
/* log(1 + e^x) without overflow. */
static inline real act_softplus(real x) { return (x > 0 ? x : 0) + real_log1p(real_exp(-real_abs(x))); }
/* x, no less than low and no more than high; NaN stays NaN. */
static inline real act_clip(real x, real low, real high) { return x < low ? low : x > high ? high : x; }
/* The argument of the hyperbolic tangent in GELU_TANH; its slope. */
static const real ACT_GELU_SCALE = (real)0.79788456080286535588, ACT_GELU_CUBE = (real)0.044715; /* sqrt(2 / pi) */
static inline real act_gelu_in(real x) { return ACT_GELU_SCALE * (x + ACT_GELU_CUBE * x * x * x); }
static inline real act_gelu_slope(real x) { return ACT_GELU_SCALE * (1 + 3 * ACT_GELU_CUBE * x * x); }
/* The normal distribution and its density. */
static inline real act_normal(real x) { return (1 + real_erf(x * (real)0.70710678118654752440)) / 2; }
static inline real act_density(real x) { return (real)0.39894228040143267794 * real_exp(-x * x / 2); }

/* relu keeps NaN: a network that has gone wrong must not look healthy. */
static inline real act_value(eg_act act, real x) {
	const real a = act.alpha, b = act.beta;
	switch (act.kind) {
	case EG_ACT_RELU: return x < 0 ? 0 : x;
	case EG_ACT_SIGMOID: return act_sigmoid(x);
	case EG_ACT_TANH: return real_tanh(x);
	case EG_ACT_SCALED_TANH: return a * real_tanh(b * x);
	case EG_ACT_LEAKY: return x < 0 ? a * x : x;
	case EG_ACT_ELU: return x > 0 ? b * x : a * real_expm1(x);
	case EG_ACT_CELU: return x > 0 ? x : a * real_expm1(x / a);
	case EG_ACT_CLIP: return act_clip(x, a, b);
	case EG_ACT_HARD_SIGMOID: return act_clip(a * x + b, 0, 1);
	case EG_ACT_SOFTPLUS: return act_softplus(a * x) / a;
	case EG_ACT_SOFTSIGN: return x / (1 + real_abs(x));
	case EG_ACT_THRESHOLD: return x <= a ? 0 : x;
	case EG_ACT_SHRINK: return real_abs(x) <= a ? 0 : x < 0 ? x + b : x - b;
	case EG_ACT_HARD_SWISH: return x * act_clip(x / 6 + (real)0.5, 0, 1);
	case EG_ACT_SILU: return x * act_sigmoid(a * x);
	case EG_ACT_MISH: return x * real_tanh(act_softplus(x));
	case EG_ACT_GELU: return x * act_normal(x);
	case EG_ACT_GELU_TANH: return x * (1 + real_tanh(act_gelu_in(x))) / 2;
	case EG_ACT_NONE:
	case EG_ACT_KINDS: break;
	}
	return x;
}

/* act'(x) of the kinds of which x is asked for. */
static inline real act_slope_from_x(eg_act act, real x) {
	if (act.kind == EG_ACT_HARD_SWISH) return x <= -3 ? 0 : x >= 3 ? 1 : x / 3 + (real)0.5;
	if (act.kind == EG_ACT_GELU) return act_normal(x) + x * act_density(x);
	if (act.kind == EG_ACT_GELU_TANH) {
		const real t = real_tanh(act_gelu_in(x));
		return (1 + t) / 2 + x * (1 - t * t) / 2 * act_gelu_slope(x);
	}
	if (act.kind == EG_ACT_MISH) {
		const real t = real_tanh(act_softplus(x));
		return t + x * act_sigmoid(x) * (1 - t * t);
	}
	const real s = act_sigmoid(act.alpha * x); /* EG_ACT_SILU */
	return s + act.alpha * x * s * (1 - s);
}

/* d act'(x), where v is y = act(x), or x for the kinds of eg_act_from_x. */
static inline real act_grad(eg_act act, real v, real d) {
	const real a = act.alpha, b = act.beta;
	switch (act.kind) {
	case EG_ACT_RELU: return v > 0 ? d : 0;
	case EG_ACT_SIGMOID: return d * (v * (1 - v));
	case EG_ACT_TANH: return d * (1 - v * v);
	case EG_ACT_SCALED_TANH: return d * b * (a - v * v / a);
	case EG_ACT_LEAKY: return v > 0 ? d : a * d;
	case EG_ACT_ELU: return d * (v > 0 ? b : v + a);
	case EG_ACT_CELU: return v > 0 ? d : d * (v / a + 1);
	case EG_ACT_CLIP: return v > a && v < b ? d : 0;
	case EG_ACT_HARD_SIGMOID: return v > 0 && v < 1 ? a * d : 0;
	case EG_ACT_SOFTPLUS: return d * -real_expm1(-a * v);
	case EG_ACT_SOFTSIGN: return d * (1 - real_abs(v)) * (1 - real_abs(v));
	case EG_ACT_THRESHOLD:
	case EG_ACT_SHRINK: return real_abs(v) > 0 ? d : 0;
	case EG_ACT_HARD_SWISH:
	case EG_ACT_SILU:
	case EG_ACT_MISH:
	case EG_ACT_GELU:
	case EG_ACT_GELU_TANH: return d * act_slope_from_x(act, v);
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
