/* random.c - points that fill a space evenly: Halton's sequence with random permutations of its digits (Owen 2017, "A
 * randomized Halton algorithm in R"), one base for each key.
 *
 * Why this one: it may have any number of keys and of points. Sobol's needs a table of direction numbers and is even
 * at powers of two only; sequences of multiples of one irrational number a key cannot be drawn anew with another seed
 * other than by a shift. A purely random draw leaves gaps and clusters that some dozen trials cannot afford. */
#include "tune/tune.h"

#include <assert.h>
#include <math.h>

static bool is_prime(int n) {
	for (int d = 2; d * d <= n; d++)
		if (n % d == 0) return false;
	return n > 1;
}

static int prime(int i) {
	int p = 2;
	while (i > 0) i -= is_prime(++p);
	return p;
}

enum { LARGEST_BASE = 320 }; /* the 64th prime is 311 */

/* Number `index` of the sequence in this dimension; all digits count, those that are 0 too. */
static double radical_inverse(uint64_t seed, int dimension, uint64_t index) {
	uint32_t digits[LARGEST_BASE];
	const uint32_t base = (uint32_t)prime(dimension);
	double x = 0, scale = 1;
	assert(base > 1 && base < LARGEST_BASE);
	for (int place = 0; scale > 0x1p-40; place++, index /= base) {
		const eg_rng r = {seed, eg_stream(EG_RNG_TUNE, (uint32_t)dimension, (uint64_t)place)};
		for (uint32_t d = 0; d < base; d++) digits[d] = d;
		eg_rng_shuffle(r, digits, base);
		scale /= base;
		x += scale * digits[index % base];
	}
	return x < 1 ? x : 1 - 0x1p-53;
}

void eg_sample_halton(const eg_space *s, uint64_t seed, int trial, double *point) {
	for (int o = 0; o < s->n; o++) {
		int i = s->order[o];
		const eg_tuned *k = &s->keys[i].tuned;
		double u = radical_inverse(seed, i, (uint64_t)trial);
		point[i] = !eg_space_tries(s, i, point)  ? (double)NAN
		           : k->kind == EG_TUNED_CHOICE ? floor(u * k->nchoices)
		                                        : eg_space_from_unit(k, u);
	}
}

eg_status eg_sampler_propose(const eg_sampler *s, const eg_space *space, int trial, const eg_observed *seen, int n,
	double *point, eg_error *err) {
	int startup = s->startup > 0 ? s->startup : 10;
	if (s->kind == EG_SAMPLER_TPE && trial >= startup && n > 0 && 2 * n >= startup)
		return eg_sample_tpe(s, space, trial, seen, n, point, err);
	eg_sample_halton(space, s->seed, trial, point);
	return EG_OK;
}
