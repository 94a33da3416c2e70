/* adding.c - the adding problem: Hochreiter and Schmidhuber 1997 ("Long short-term memory", experiment 4), in the
 * form of Le, Jaitly and Hinton 2015 ("A simple way to initialize recurrent networks of rectified linear units").
 *
 * A sample has T steps of two numbers: a value, uniform in [0,1), and a marker. Two markers are 1, one in the first
 * half of the steps and one in the second; all others are 0. Wanted is the sum of the two marked values, told after
 * the last step. Who always answers 1 has a mean squared error of 1/6, the variance of the sum; to do better, a
 * network has to carry a number over half the sequence on average.
 *
 * Nothing is stored: a sample is computed from its number when a batch is filled. */
#include "data/adding.h"

struct eg_adding {
	eg_dataset dataset;
	uint64_t seed;
	uint32_t part;
};

static void put_sample(const eg_adding *d, uint32_t item, int i, int n, int T, eg_real *x, eg_real *y) {
	eg_rng rng = {d->seed, eg_stream(EG_RNG_DATA, d->part, item)};
	uint64_t blocks = ((uint64_t)T + 3) / 4;
	int first = (int)eg_rng_below(rng, blocks, (uint64_t)T / 2);
	int second = T / 2 + (int)eg_rng_below(rng, blocks + 1, (uint64_t)(T - T / 2));
	uint32_t bits[4];
	eg_real sum = 0;
	for (int t = 0; t < T; t++) {
		eg_real *at = x + ((ptrdiff_t)t * n + i) * 2;
		if (t % 4 == 0) eg_rng_u32x4(rng, (uint64_t)t / 4, bits);
		at[0] = (eg_real)(bits[t % 4] >> 8) * (eg_real)0x1p-24;
		at[1] = t == first || t == second;
		if (t == first || t == second) sum += at[0];
	}
	y[i] = sum;
}

static eg_status fill(void *user, const eg_fill *f, void *const *slots, eg_error *err) {
	const uint32_t *items = f->items;
	const int n = f->n, time = f->time;
	const eg_adding *d = user;
	if (time != d->dataset.time)
		return eg_fail(
		        err, EG_ERR_ARG, "samples of %d steps were asked for in batches of %d", d->dataset.time, time);
	for (int i = 0; i < n; i++) put_sample(d, items[i], i, n, time, slots[0], slots[1]);
	return EG_OK;
}

eg_adding *eg_adding_new(int steps, int64_t count, uint64_t seed, uint32_t part, eg_error *err) {
	static const char *const inputs[] = {"input", "target", NULL};
	if (steps < 2 || count < 1 || count > UINT32_MAX) {
		eg_fail(err, EG_ERR_ARG,
		        "the adding problem needs at least 2 steps and 1 to 2^32 samples, not %d and %lld", steps,
		        (long long)count);
		return NULL;
	}
	eg_adding *d = eg_calloc(NULL, 1, sizeof *d);
	if (!d) {
		eg_fail(err, EG_ERR_MEMORY, "out of memory");
		return NULL;
	}
	d->dataset = (eg_dataset){.user = d, .count = count, .inputs = inputs, .time = steps, .fill = fill};
	d->seed = seed;
	d->part = part;
	return d;
}

const eg_dataset *eg_adding_get(const eg_adding *d) { return &d->dataset; }
void eg_adding_free(eg_adding *d) { eg_release(NULL, d); }
