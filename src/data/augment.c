/* augment.c - the table of augmentations, and the random numbers that they draw. See augment.h. */
#include "data/augment.h"

#include <math.h>

#define EG_AUGMENT(name) extern const eg_augment_type eg_augment_##name;
#include "data/augments.def"
#undef EG_AUGMENT

static const eg_augment_type *const types[] = {
#define EG_AUGMENT(name) &eg_augment_##name,
#include "data/augments.def"
#undef EG_AUGMENT
};

const eg_key eg_augment_probability = {.name = "probability",
	.type = EG_KEY_DOUBLE,
	.offset = offsetof(eg_augment_options, probability),
	.min = EG_ABOVE_0,
	.max = 1,
	.def = NAN,
	.doc = "share of the records that it happens to, anew in every epoch"};

int eg_augment_count(void) { return EG_COUNT(types); }
const eg_augment_type *eg_augment_at(int i) { return i >= 0 && i < EG_COUNT(types) ? types[i] : NULL; }

/* ---- random numbers ---------------------------------------------------------------------------------------------- */

eg_draw eg_draw_of(uint64_t seed, int epoch, int64_t item, int place) {
	const uint64_t step = (uint64_t)item | (uint64_t)(int64_t)epoch << 40; /* fewer than 2^40 records */
	return (eg_draw){{seed, eg_stream(EG_RNG_AUGMENT, (uint32_t)place, step)}, 0};
}

double eg_draw_uniform(eg_draw *d, double least, double most) {
	return least + (most - least) * eg_rng_uniform(d->rng, d->next++);
}

int64_t eg_draw_whole(eg_draw *d, int64_t least, int64_t most) {
	return least + (int64_t)eg_rng_below(d->rng, d->next++, (uint64_t)(most - least) + 1);
}

/* Gamma by Marsaglia and Tsang (2000); below 1 by their remark: gamma(a) = gamma(a + 1) u^(1/a), as a logarithm, since
 * small shapes give numbers that are smaller than a double can be. */
static double log_gamma_draw(eg_draw *d, double shape) {
	const double a = shape < 1 ? shape + 1 : shape, k = a - 1.0 / 3, c = 1 / sqrt(9 * k);
	double v;
	for (;;) {
		const double x = eg_rng_normal(d->rng, d->next++), u = eg_rng_uniform(d->rng, d->next++);
		v = 1 + c * x;
		if (v <= 0) continue;
		v = v * v * v;
		if (log(u + DBL_MIN) < 0.5 * x * x + k - k * v + k * log(v)) break;
	}
	const double boost = shape < 1 ? log(eg_rng_uniform(d->rng, d->next++) + DBL_MIN) / shape : 0;
	return log(k * v) + boost;
}

double eg_draw_beta(eg_draw *d, double alpha) {
	const double a = log_gamma_draw(d, alpha), b = log_gamma_draw(d, alpha);
	return 1 / (1 + exp(b - a));
}

bool eg_augment_happens(eg_augment_call *c) {
	return eg_draw_uniform(&c->draw, 0, 1) < ((const eg_augment_options *)c->options)->probability;
}
