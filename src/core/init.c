/* init.c - initial weights. Element i of parameter `number` is a function of (seed, number, i): the same on every
 * machine and for any number of threads. Sources: Glorot and Bengio 2010, He et al. 2015, LeCun et al. 1998 (efficient
 * backprop), Saxe et al. 2014; the identity: Zagoruyko and Komodakis 2017. */
#include "core/params.h"

#include <math.h>

const char *const eg_init_names[] = {"default", "zero", "constant", "uniform", "normal", "xavier_uniform", "xavier_normal", "he_uniform",
	"he_normal", "lecun_uniform", "orthogonal", "identity", NULL};
static_assert(EG_COUNT(eg_init_names) == EG_INIT_IDENTITY + 2, "a name for each kind, and the end");

static void fill_uniform(real *w, int64_t n, double bound, eg_rng r) {
	for (int64_t i = 0; i < n; i++) w[i] = (real)(bound * (2 * eg_rng_uniform(r, (uint64_t)i) - 1));
}
static void fill_normal(real *w, int64_t n, double deviation, eg_rng r) {
	for (int64_t i = 0; i < n; i++) w[i] = (real)(deviation * eg_rng_normal(r, (uint64_t)i));
}

/* Orthonormal rows (or columns, whichever are fewer) by modified Gram-Schmidt, twice, over normal numbers. */
static bool fill_orthogonal(const eg_allocator *a, real *w, int64_t rows, int64_t cols, double gain, eg_rng r) {
	int64_t m = rows < cols ? rows : cols, n = rows < cols ? cols : rows;
	double *q = eg_calloc(a, (size_t)(m * n), sizeof *q);
	if (!q) return false;
	for (int64_t i = 0; i < m * n; i++) q[i] = eg_rng_normal(r, (uint64_t)i);
	for (int64_t i = 0; i < m; i++) {
		double *v = q + i * n, norm = 0;
		for (int pass = 0; pass < 2; pass++)
			for (int64_t j = 0; j < i; j++) {
				const double *u = q + j * n;
				double dot = 0, part[8] = {0}; /* eight sums side by side: one would wait for itself */
				for (int64_t k = 0; k + 8 <= n; k += 8)
					for (int p = 0; p < 8; p++) part[p] += u[k + p] * v[k + p];
				for (int64_t k = n / 8 * 8; k < n; k++) dot += u[k] * v[k];
				for (int p = 0; p < 8; p++) dot += part[p];
				for (int64_t k = 0; k < n; k++) v[k] -= dot * u[k];
			}
		for (int64_t k = 0; k < n; k++) norm += v[k] * v[k];
		norm = norm > 0 ? 1 / sqrt(norm) : 0;
		for (int64_t k = 0; k < n; k++) v[k] *= norm;
	}
	for (int64_t i = 0; i < rows; i++)
		for (int64_t j = 0; j < cols; j++) w[i * cols + j] = (real)(gain * (rows < cols ? q[i * n + j] : q[j * n + i]));
	eg_release(a, q);
	return true;
}

/* Row k of a group, (filters, channels, taps ...), passes on channel k at its middle tap; rows that are left stay. */
static void fill_identity(const eg_param_spec *s, real *w, double value) {
	const eg_dims *d = &s->dims;
	if (d->rank < 2 || s->blocks) return;
	int64_t taps = eg_dims_count(d, 2), middle = 0, filters = s->fan_out / taps;
	for (int i = 2; i < d->rank; i++) middle = middle * d->d[i] + d->d[i] / 2;
	for (int64_t row = 0; row < d->d[0]; row++) {
		const int64_t k = filters > 0 ? row % filters : row;
		if (k >= d->d[1]) continue;
		real *at = w + row * d->d[1] * taps;
		for (int64_t i = 0; i < d->d[1] * taps; i++) at[i] = 0;
		at[k * taps + middle] = (real)value;
	}
}

static void fill_given(real *w, const char *given, double value) {
	for (; *given; given++)
		if (*given == '#' || *given == '.') *w++ = (real)(*given == '#' ? value : -value);
}

bool eg_init_fill(const eg_allocator *a, const eg_param_spec *s, real *w, uint64_t seed, int number) {
	int64_t n = eg_dims_count(&s->dims, 0), per = n / (s->blocks ? s->blocks : 1);
	double in = s->fan_in > 0 ? (double)s->fan_in : 1, out = s->fan_out > 0 ? (double)s->fan_out : 1;
	double value = s->value; /* bound, deviation, constant or gain */
	eg_rng r = {seed, eg_stream(EG_RNG_INIT, (uint32_t)number, 0)};
	switch (s->init) {
	case EG_INIT_ZERO:
		for (int64_t i = 0; i < n; i++) w[i] = 0;
		return true;
	case EG_INIT_CONSTANT:
		if (s->given) {
			fill_given(w, s->given, value);
			return true;
		}
		for (int64_t i = 0; i < n; i++)
			w[i] = (real)(!s->count || (i % per >= s->first && i % per < s->first + s->count) ? value : 0);
		return true;
	case EG_INIT_UNIFORM: fill_uniform(w, n, value, r); return true;
	case EG_INIT_NORMAL: fill_normal(w, n, value, r); return true;
	case EG_INIT_XAVIER_UNIFORM: fill_uniform(w, n, value * sqrt(6 / (in + out)), r); return true;
	case EG_INIT_XAVIER_NORMAL: fill_normal(w, n, value * sqrt(2 / (in + out)), r); return true;
	case EG_INIT_HE_UNIFORM: fill_uniform(w, n, value * sqrt(6 / in), r); return true;
	case EG_INIT_HE_NORMAL: fill_normal(w, n, value * sqrt(2 / in), r); return true;
	case EG_INIT_ORTHOGONAL: {
		int64_t last = s->dims.rank > 1 ? s->dims.d[s->dims.rank - 1] : 1;
		int64_t rows = s->blocks ? per / last : s->dims.rank ? s->dims.d[0] : 1;
		for (int64_t b = 0; b < n / per; b++) {
			if (!fill_orthogonal(a, w + b * per, rows, per / rows, value, r)) return false;
			r.stream = eg_stream(EG_RNG_INIT, (uint32_t)number, (uint64_t)b + 1);
		}
		return true;
	}
	case EG_INIT_DEFAULT:
	case EG_INIT_LECUN_UNIFORM:
	case EG_INIT_IDENTITY:
		fill_uniform(w, n, value / sqrt(in), r);
		if (s->init == EG_INIT_IDENTITY) fill_identity(s, w, value);
		return true;
	}
	return true;
}
