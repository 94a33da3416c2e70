/* rng.c - counter-based random numbers: Philox4x32-10 of J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random
 * numbers: as easy as 1, 2, 3", SC 2011. The key is the seed, the counter is (index, stream).
 *
 * Not here: what the numbers are for (initialisers, dropout, shuffling of data sets). */
#include "base/base.h"

#include <math.h>

void eg_rng_u32x4(eg_rng r, uint64_t index, uint32_t out[4]) {
	uint32_t k0 = (uint32_t)r.seed, k1 = (uint32_t)(r.seed >> 32);
	uint32_t c0 = (uint32_t)index, c1 = (uint32_t)(index >> 32);
	uint32_t c2 = (uint32_t)r.stream, c3 = (uint32_t)(r.stream >> 32);
	for (int round = 0; round < 10; round++) {
		uint64_t a = (uint64_t)c0 * 0xD2511F53u, b = (uint64_t)c2 * 0xCD9E8D57u;
		c0 = (uint32_t)(b >> 32) ^ c1 ^ k0;
		c1 = (uint32_t)b;
		c2 = (uint32_t)(a >> 32) ^ c3 ^ k1;
		c3 = (uint32_t)a;
		k0 += 0x9E3779B9u; /* the golden ratio */
		k1 += 0xBB67AE85u; /* sqrt(3) - 1 */
	}
	out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

/* Finaliser of SplitMix64 (Steele, Lea, Flood 2014): a bijection in which every input bit reaches every output bit. */
static uint64_t mix(uint64_t x) {
	x += 0x9E3779B97F4A7C15u;
	x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
	x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
	return x ^ (x >> 31);
}

/* A bijection of (purpose, id) for every step, and of the step for every (purpose, id). */
uint64_t eg_stream(uint32_t purpose, uint32_t id, uint64_t step) {
	return mix(mix((uint64_t)purpose << 32 | id) ^ step);
}

static uint64_t join(uint32_t high, uint32_t low) { return (uint64_t)high << 32 | low; }

double eg_rng_uniform(eg_rng r, uint64_t index) {
	uint32_t x[4];
	eg_rng_u32x4(r, index, x);
	return (double)(join(x[0], x[1]) >> 11) * 0x1p-53;
}

/* Box and Muller 1958: sqrt(-2 ln u) cos(2 pi v), with u in (0,1] and v in [0,1). */
double eg_rng_normal(eg_rng r, uint64_t index) {
	uint32_t x[4];
	eg_rng_u32x4(r, index, x);
	double u = (double)((join(x[0], x[1]) >> 11) + 1) * 0x1p-53;
	double v = (double)(join(x[2], x[3]) >> 11) * 0x1p-53;
	return sqrt(-2.0 * log(u)) * cos(6.283185307179586477 * v);
}

/* floor(x n / 2^64) for a 64-bit x: the high word of the product, from 32-bit halves. The bias is below n / 2^64. */
uint64_t eg_rng_below(eg_rng r, uint64_t index, uint64_t n) {
	uint32_t x[4];
	eg_rng_u32x4(r, index, x);
	uint64_t n0 = (uint32_t)n, n1 = n >> 32;
	uint64_t low = x[1] * n0;
	uint64_t mid = x[0] * n0 + (low >> 32);
	uint64_t cross = x[1] * n1 + (uint32_t)mid;
	return x[0] * n1 + (mid >> 32) + (cross >> 32);
}

void eg_rng_shuffle(eg_rng r, uint32_t *items, size_t n) {
	for (size_t i = n; i > 1; i--) {
		size_t j = (size_t)eg_rng_below(r, i, i);
		uint32_t t = items[i - 1];
		items[i - 1] = items[j];
		items[j] = t;
	}
}
