/* test_kern_sequence.c - kernels for sequences: embedding, steps, attention, losses of differences. Every table that
 * this machine can run, on small jobs whose results are worked out here from the definitions in double precision, and
 * against the plain C one on sizes at which vector kernels go wrong.
 *
 * Random inputs lie in [-1, 1). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* posix_memalign */
#endif
#include "kern_bed.h"

#include <stdio.h>

static int32_t *ids_below(bed *t, size_t n, int low, int high) {
	int32_t *ids = bed_bytes(t, n * sizeof *ids);
	for (size_t i = 0; i < n; i++) ids[i] = low + bed_below(t, high - low);
	return ids;
}

static void expect(const char *what, const real *got, const double *want, size_t n) {
	for (size_t i = 0; i < n; i++)
		if (isnan(want[i]) ? !isnan(got[i])
		                   : !(fabs((double)got[i] - want[i]) <= TOLERANCE * fmax(1, fabs(want[i]))))
			fail_msg("%s: element %zu of %zu is %.9g, not %.9g", what, i, n, (double)got[i], want[i]);
}

/* ---- embedding --------------------------------------------------------------------------------------------------- */

/* Ids -2 .. rows+1, so that some are outside. */
static void embed_once(bed *t, int rows, int n, int total, int unit, int padding, bool acc) {
	int32_t *ids = ids_below(t, (size_t)total, -2, rows + 2);
	size_t count = (size_t)rows * (size_t)n, size = (size_t)total * (size_t)n;
	real *w = bed_reals(t, count), *y = bed_reals(t, size), *dy = bed_reals(t, size), *dw = bed_reals(t, count);
	double *want = calloc(size + count, sizeof *want), *dwant = want + size;
	for (size_t i = 0; i < count && acc; i++) dwant[i] = (double)dw[i];
	for (int i = 0; i < total; i++)
		for (int j = 0; j < n; j++) {
			bool inside = ids[i] >= 0 && ids[i] < rows;
			want[i * n + j] = inside ? (double)w[ids[i] * n + j] : ids[i] == -1 ? 0 : NAN;
			if (inside && ids[i] != padding) dwant[ids[i] * n + j] += (double)dy[i * n + j];
		}
	eg_embed_fwd_args f = {{w, 0}, {ids, unit}, {y, (ptrdiff_t)unit * n}, unit, total, rows, n};
	eg_embed_bwd_args b = {{dy, 0}, {ids, 0}, {dw, 0}, total, rows, n, padding, acc};
	int units = (total + unit - 1) / unit;
	output out = {y, y, size, sizeof(real), true, 1}, dout = {dw, dw, count, sizeof(real), true, 1};
	assert_same_job(
	        t, "embed_fwd", (job){t->k->embed_fwd, &f, units, 0}, (job){t->k->embed_fwd, &f, 0, 0}, &out, 1);
	assert_same_job(t, "embed_bwd", (job){t->k->embed_bwd, &b, (n + 15) / 16, 0}, (job){t->k->embed_bwd, &b, 0, 0},
	        &dout, 1);
	expect("embed_fwd", y, want, size);
	expect("embed_bwd", dw, dwant, count);
	free(want);
	bed_clear(t, "embedding");
}

static void test_embedding(void **state) {
	bed *t = *state;
	for (int i = 0; i < 60; i++) {
		int total = bed_size(t), rows = bed_size(t);
		embed_once(t, rows, bed_size(t), total, 1 + bed_below(t, total), bed_below(t, rows + 1) - 1, i & 1);
	}
	embed_once(t, 5, 3, 3000, 700, -1, false); /* many additions to one row */
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static void steps_once(bed *t, int T, int N, int n, eg_steps_kind kind, bool lengths, bool acc) {
	bool spread = kind == EG_STEPS_SPREAD_LAST || kind == EG_STEPS_SPREAD_MEAN;
	size_t row = (size_t)N * (size_t)n, size = (size_t)T * row;
	int32_t *L = lengths ? ids_below(t, (size_t)N, -1, T + 2) : NULL;
	real *x = bed_reals(t, spread ? row : size), *y = bed_reals(t, size);
	double *want = calloc(size, sizeof *want);
	for (int s = 0; s < T; s++)
		for (int k = 0; k < N; k++)
			for (int j = 0; j < n; j++) {
				int length = !L ? T : L[k] < 0 ? 0 : L[k] > T ? T : L[k];
				size_t at = (size_t)s * row + (size_t)(k * n + j), in = (size_t)(k * n + j);
				double v = 0;
				switch (kind) {
				case EG_STEPS_REVERSE:
					v = (double)(s < length ? x[(size_t)(length - 1 - s) * row + in] : x[at]);
					break;
				case EG_STEPS_MASK: v = s < length ? (double)x[at] : 0; break;
				case EG_STEPS_SPREAD_LAST: v = s == length - 1 ? (double)x[in] : 0; break;
				case EG_STEPS_SPREAD_MEAN: v = s < length ? (double)x[in] / length : 0; break;
				}
				want[at] = v + (acc ? (double)y[at] : 0);
			}
	eg_steps_args a = {{x, 0}, {L, 0}, {y, 0}, T, N, n, kind, acc};
	output out = {y, y, size, sizeof(real), true, 1};
	assert_same_job(t, "steps", (job){t->k->steps, &a, T, 0}, (job){t->k->steps, &a, 0, 0}, &out, 1);
	expect("steps", y, want, size);
	free(want);
	bed_clear(t, "steps");
}

static void pool_once(bed *t, int T, int N, int n, bool mean, bool lengths) {
	size_t row = (size_t)N * (size_t)n;
	int32_t *L = lengths ? ids_below(t, (size_t)N, -1, T + 2) : NULL;
	real *x = bed_reals(t, (size_t)T * row), *y = bed_reals(t, row);
	double *want = calloc(row, sizeof *want);
	for (int k = 0; k < N; k++) {
		int length = !L ? T : L[k] < 0 ? 0 : L[k] > T ? T : L[k];
		for (int j = 0; j < n; j++)
			for (int s = mean ? 0 : length - 1; s < length && s >= 0; s++)
				want[k * n + j] += (double)x[(size_t)s * row + (size_t)(k * n + j)] /
				                   (mean ? length : 1);
	}
	eg_pool_steps_args a = {{x, 0}, {L, 0}, {y, 0}, T, N, n, mean};
	output out = {y, y, row, sizeof(real), true, 1};
	assert_same_job(t, "pool_steps", (job){t->k->pool_steps, &a, eg_blocks(N), 0},
	        (job){t->k->pool_steps, &a, 0, 0}, &out, 1);
	expect("pool_steps", y, want, row);
	free(want);
	bed_clear(t, "pool_steps");
}

static void test_steps(void **state) {
	bed *t = *state;
	for (int i = 0; i < 80; i++) {
		int T = 1 + bed_below(t, 9), N = bed_size(t), n = 1 + bed_below(t, 20);
		steps_once(t, T, N, n, (eg_steps_kind)(i % 4), i & 4, i & 8);
		pool_once(t, T, N, n, i & 1, i & 2);
	}
}

/* What lies beyond a length is not read, even when it is NaN. */
static void test_steps_beyond(void **state) {
	bed *t = *state;
	real x[6] = {1, 2, 3, (real)NAN, (real)NAN, (real)NAN}, y[6], p[1];
	int32_t L[1] = {3};
	double masked[6] = {1, 2, 3, 0, 0, 0}, mean[1] = {2}, last[1] = {3};
	eg_steps_args a = {{x, 0}, {L, 0}, {y, 0}, 6, 1, 1, EG_STEPS_MASK, false};
	eg_pool_steps_args b = {{x, 0}, {L, 0}, {p, 0}, 6, 1, 1, true};
	t->k->steps(&a, 0, 6, EG_WORKER(t->k, NULL));
	expect("mask", y, masked, 6);
	t->k->pool_steps(&b, 0, 1, EG_WORKER(t->k, NULL));
	expect("mean", p, mean, 1);
	b.mean = false;
	t->k->pool_steps(&b, 0, 1, EG_WORKER(t->k, NULL));
	expect("last", p, last, 1);
}

/* ---- attention --------------------------------------------------------------------------------------------------- */

enum { MASK_NONE, MASK_KEYS, MASK_ALL, MASKS };

typedef struct attention_bed {
	eg_attention_args f;
	eg_attention_bwd_args b;
	int samples;
	size_t q, k, v, y, prob; /* elements of the buffers */
} attention_bed;

/* Rows of samples side by side, as in sequences (L,N,features), with a gap at each end of the features. */
static eg_heads sequence_heads(int samples, int heads, int d, int gap, int L, size_t *size) {
	ptrdiff_t features = (ptrdiff_t)heads * d + 2 * gap;
	*size = (size_t)(L * samples) * (size_t)features;
	return (eg_heads){gap, features, d, samples * features};
}

static attention_bed attention_new(bed *t, int samples, int heads, int Lq, int Lk, int d, int dv, int mask, int bits) {
	attention_bed a = {.samples = samples};
	int gap = bits & 8 ? 3 : 0;
	eg_attention_shape s = {.units = samples * heads, .heads = heads, .Lq = Lq, .Lk = Lk, .d = d, .dv = dv};
	s.scale = (real)0.8, s.causal = bits & 1;
	s.q = sequence_heads(samples, heads, d, gap, Lq, &a.q);
	s.k = sequence_heads(samples, heads, d, gap, Lk, &a.k);
	s.v = sequence_heads(samples, heads, dv, gap, Lk, &a.v);
	s.y = sequence_heads(samples, heads, dv, gap, Lq, &a.y);
	a.prob = (size_t)s.units * (size_t)Lq * (size_t)Lk;
	a.f = (eg_attention_args){.q = {bed_reals(t, a.q), 0},
	        .k = {bed_reals(t, a.k), 0},
	        .v = {bed_reals(t, a.v), 0},
	        .prob = {bed_zeros(t, a.prob), 0},
	        .y = {bed_zeros(t, a.y), 0}};
	if (bits & 2) a.f.lengths.p = ids_below(t, (size_t)samples, -1, Lk + 2);
	if (mask == MASK_NONE && s.causal) {
		s.past = bed_below(t, Lk), s.window = bed_below(t, Lk + 1);
		real *kept = bed_zeros(t, (size_t)samples);
		for (int i = 0; i < samples; i++) kept[i] = (real)bed_below(t, s.past + 1);
		if (!(bits & 2)) a.f.kept.p = kept;
	}
	if (mask == MASK_KEYS) a.f.mask.p = ids_below(t, (size_t)(samples * Lk), 0, 2);
	if (mask == MASK_KEYS) s.mask_strides[0] = Lk, s.mask_strides[3] = 1;
	if (mask == MASK_ALL) a.f.mask.p = ids_below(t, a.prob, 0, 2);
	if (mask == MASK_ALL)
		s.mask_strides[0] = (ptrdiff_t)heads * Lq * Lk, s.mask_strides[1] = (ptrdiff_t)Lq * Lk,
		s.mask_strides[2] = Lk, s.mask_strides[3] = 1;
	a.f.s = s;
	a.b = (eg_attention_bwd_args){.q = a.f.q,
	        .k = a.f.k,
	        .v = a.f.v,
	        .prob = a.f.prob,
	        .dy = {bed_reals(t, a.y), 0},
	        .dq = {bed_reals(t, a.q), 0},
	        .dk = {bed_reals(t, a.k), 0},
	        .dv = {bed_reals(t, a.v), 0},
	        .s = s};
	a.b.acc_q = bits & 4, a.b.acc_k = bits & 16, a.b.acc_v = bits & 32;
	return a;
}

/* The same with the results elsewhere. */
static attention_bed attention_clone(bed *t, const attention_bed *a) {
	attention_bed c = *a;
	c.f.prob = bed_clone(t, a->f.prob, a->prob), c.f.y = bed_clone(t, a->f.y, a->y);
	c.b.prob = c.f.prob;
	c.b.dq = bed_clone(t, a->b.dq, a->q), c.b.dk = bed_clone(t, a->b.dk, a->k),
	c.b.dv = bed_clone(t, a->b.dv, a->v);
	return c;
}

static void attention_against_ref(bed *t, attention_bed a, const char *what) {
	attention_bed c = attention_clone(t, &a);
	const eg_attention_shape *s = &a.f.s;
	output f[] = {output_reals(a.f.prob, c.f.prob, a.prob, 1), output_reals(a.f.y, c.f.y, a.y, 1)};
	assert_same_job(t, what, (job){t->k->attention_fwd, &a.f, s->units, t->k->attention_scratch(s, false)},
	        (job){t->ref->attention_fwd, &c.f, s->units, t->ref->attention_scratch(s, false)}, f, 2);
	output b[] = {output_reals(a.b.dq, c.b.dq, a.q, 1), output_reals(a.b.dk, c.b.dk, a.k, 1),
	        output_reals(a.b.dv, c.b.dv, a.v, 1)};
	assert_same_job(t, what, (job){t->k->attention_bwd, &a.b, s->units, t->k->attention_scratch(s, true)},
	        (job){t->ref->attention_bwd, &c.b, s->units, t->ref->attention_scratch(s, true)}, b, 3);
}

static void test_attention(void **state) {
	bed *t = *state;
	char what[160];
	for (int i = 0; i < 120; i++) {
		int samples = 1 + bed_below(t, 4), heads = 1 + bed_below(t, 3), Lq = bed_size(t), Lk = bed_size(t);
		int d = bed_size(t), dv = bed_size(t), mask = i % MASKS;
		snprintf(what, sizeof what, "attention samples %d heads %d Lq %d Lk %d d %d dv %d mask %d bits %d",
		        samples, heads, Lq, Lk, d, dv, mask, i);
		attention_against_ref(t, attention_new(t, samples, heads, Lq, Lk, d, dv, mask, i), what);
		bed_clear(t, what);
	}
}

/* Against the definition: which keys are seen, and the mean of the values weighed by the softmax of the scores. */
static void test_attention_definition(void **state) {
	bed *t = *state;
	for (int i = 0; i < 48; i++) {
		attention_bed a = attention_new(t, 2, 3, 5, 7, 4, 6, i % MASKS, i);
		const eg_attention_shape *s = &a.f.s;
		job_run(t, (job){t->k->attention_fwd, &a.f, s->units, t->k->attention_scratch(s, false)}, 0, s->units);
		for (int u = 0; u < s->units; u++)
			for (int r = 0; r < s->Lq; r++) {
				int b = u / s->heads, h = u % s->heads;
				double want[6] = {0}, sum = 0;
				const real *q = (real *)a.f.q.p + s->q.at + b * s->q.sample + h * s->q.head +
				                r * s->q.row;
				const real *y = (real *)a.f.y.p + s->y.at + b * s->y.sample + h * s->y.head +
				                r * s->y.row;
				for (int j = 0; j < s->Lk; j++) {
					const ptrdiff_t *m = s->mask_strides;
					const int32_t *L = a.f.lengths.p, *mask = a.f.mask.p;
					if ((L && j >= L[b]) || (s->causal && j > r + s->past)) continue;
					if (s->window && j + s->window <= r + s->past) continue;
					if (a.f.kept.p && j < s->past - (int)((const real *)a.f.kept.p)[b]) continue;
					if (mask && mask[b * m[0] + h * m[1] + r * m[2] + j * m[3]]) continue;
					const real *k = (real *)a.f.k.p + s->k.at + b * s->k.sample + h * s->k.head +
					                j * s->k.row;
					const real *v = (real *)a.f.v.p + s->v.at + b * s->v.sample + h * s->v.head +
					                j * s->v.row;
					double score = 0;
					for (int c = 0; c < 4; c++) score += (double)q[c] * (double)k[c];
					double weight = exp((double)s->scale * score);
					sum += weight;
					for (int c = 0; c < 6; c++) want[c] += weight * (double)v[c];
				}
				for (int c = 0; c < 6; c++) want[c] /= sum > 0 ? sum : 1;
				expect("attention_fwd", y, want, 6);
			}
		bed_clear(t, "attention");
	}
}

/* Scores that would overflow an exponential, and a sample without keys next to one with. */
static void test_attention_extremes(void **state) {
	bed *t = *state;
	attention_bed a = attention_new(t, 2, 1, 2, 3, 1, 1, MASK_NONE, 0);
	int32_t *lengths = bed_bytes(t, 2 * sizeof *lengths);
	real *q = a.f.q.p, *k = a.f.k.p, *v = a.f.v.p;
	for (int i = 0; i < 4; i++) q[i] = 1000;
	for (int i = 0; i < 6; i++) k[i] = (real)(i / 2 == 1 ? 100 : -100), v[i] = (real)(i / 2 + 1);
	lengths[0] = 3, lengths[1] = 0;
	a.f.lengths.p = lengths;
	const eg_attention_shape *s = &a.f.s;
	job_run(t, (job){t->k->attention_fwd, &a.f, 2, t->k->attention_scratch(s, false)}, 0, 2);
	expect("attention_fwd", a.f.y.p, (double[]){2, 0, 2, 0}, 4);
	job_run(t, (job){t->k->attention_bwd, &a.b, 2, t->k->attention_scratch(s, true)}, 0, 2);
	const real *dv = a.b.dv.p, *dy = a.b.dy.p;
	expect("attention_bwd", dv, (double[]){0, 0, (double)dy[0] + (double)dy[2], 0, 0, 0}, 6);
	expect("attention_bwd", a.b.dq.p, (double[]){0, 0, 0, 0}, 4);
	bed_clear(t, "attention");
}

/* Two heads of two samples: three rows are kept; the first sample brings two, the second five, and later nothing. */
static void test_keep_rows(void **state) {
	enum { SAMPLES = 2, HEADS = 2, T = 5, W = 3, n = 4, UNIT = W * n };
	bed *t = *state;
	real *x = bed_reals(t, SAMPLES * HEADS * T * n), *kept = bed_reals(t, SAMPLES * HEADS * UNIT), *count = bed_zeros(t, SAMPLES);
	int32_t *lengths = bed_bytes(t, SAMPLES * sizeof *lengths);
	eg_keep_rows_args a = {.x = {x, 0}, .lengths = {lengths, 0}, .state = {kept, 0}, .count = {count, 0}, .units = SAMPLES * HEADS, .heads = HEADS, .T = T, .W = W, .n = n};
	real was[SAMPLES * HEADS * UNIT];
	a.from = (eg_heads){.sample = HEADS * n, .head = n, .row = SAMPLES * HEADS * n}; /* (T,N,heads,n) */
	a.to = (eg_heads){.sample = HEADS * UNIT, .head = UNIT, .row = n};
	memcpy(was, kept, sizeof was);
	lengths[0] = 2, lengths[1] = 7;
	job_run(t, (job){t->k->keep_rows, &a, a.units, 0}, 0, a.units);
	expect("count", count, (double[]){2, 3}, 2);
	for (int u = 0; u < a.units; u++)
		for (int i = 0; i < W; i++) {
			const int at = i + (u < HEADS ? 2 : 5); /* in what was kept, followed by x */
			const real *want = at < W ? was + u * UNIT + at * n : x + ((at - W) * SAMPLES * HEADS + u) * n;
			for (int c = 0; c < n; c++) assert_true(kept[u * UNIT + i * n + c] == want[c]);
		}
	memcpy(was, kept, sizeof was);
	lengths[0] = 0, lengths[1] = -1;
	job_run(t, (job){t->k->keep_rows, &a, a.units, 0}, 0, a.units);
	assert_memory_equal(kept, was, sizeof was);
	expect("count", count, (double[]){2, 3}, 2);
	bed_clear(t, "keep_rows");
}

/* ---- losses of differences --------------------------------------------------------------------------------------- */

static double loss_of(const eg_regress_shape *s, double e, double *slope) {
	double width = (double)s->width, k = (double)s->slope, size = fabs(e);
	*slope = s->square ? 2 * e : size < width ? k * e / width : e > 0 ? k : e < 0 ? -k : e;
	return s->square ? e * e : size < width ? k * e * e / (2 * width) : k * (size - width / 2);
}

static void regress_once(bed *t, int total, int unit, eg_regress_shape s, bool acc, real special) {
	s.unit = unit, s.total = total;
	int units = (total + unit - 1) / unit;
	size_t n = (size_t)total;
	real *x = bed_reals(t, n), *target = bed_reals(t, n), *partial = bed_zeros(t, (size_t)units),
	     *dx = bed_reals(t, n);
	real denom[1] = {4}, dloss[1] = {(real)0.5};
	for (size_t i = 0; i < n; i += 3) target[i] = x[i]; /* no difference */
	x[n / 2] = special;
	double *want = calloc((size_t)units + n, sizeof *want), *dwant = want + units;
	for (int i = 0; i < total; i++) {
		double slope, loss = loss_of(&s, (double)(x[i] - target[i]), &slope);
		want[i / unit] += loss;
		dwant[i] = slope * 0.5 / 4 + (acc ? (double)dx[i] : 0);
	}
	eg_regress_fwd_args f = {.x = {x, unit}, .target = {target, unit}, .partial = {partial, 1}, .s = s};
	eg_regress_bwd_args b = {.x = {x, unit}, .target = {target, unit}, .denom = {denom, 0}, .dloss = {dloss, 0}, .dx = {dx, unit}, .s = s, .acc = acc};
	output out = {partial, partial, (size_t)units, sizeof(real), true, 1},
	       dout = {dx, dx, n, sizeof(real), true, 1};
	assert_same_job(
	        t, "regress_fwd", (job){t->k->regress_fwd, &f, units, 0}, (job){t->k->regress_fwd, &f, 0, 0}, &out, 1);
	assert_same_job(
	        t, "regress_bwd", (job){t->k->regress_bwd, &b, units, 0}, (job){t->k->regress_bwd, &b, 0, 0}, &dout, 1);
	expect("regress_fwd", partial, want, (size_t)units);
	expect("regress_bwd", dx, dwant, n);
	free(want);
	bed_clear(t, "losses of differences");
}

static void test_regression(void **state) {
	bed *t = *state;
	static const eg_regress_shape losses[] = {{.square = true}, {.slope = 1}, {.width = (real)0.7, .slope = 1},
	        {.width = (real)0.3, .slope = (real)0.3}};
	for (int i = 0; i < 64; i++) {
		int total = bed_size(t);
		regress_once(t, total, 1 + bed_below(t, total), losses[i % 4], i & 4, i % 16 == 15 ? (real)NAN : 30);
	}
}

/* ---- losses of numbers ------------------------------------------------------------------------------------------- */

static double soft(double x) { return log1p(exp(-fabs(x))) + fmax(x, 0); }
static double up(double x) { return 1 / (1 + exp(-x)); }

/* Loss and derivatives, by x and by a scale y, as kern_element_loss.h has them; *by_y only where there is one. */
static double element_loss(const eg_element_loss *s, double x, double y, double t, double *by_x, double *by_y) {
	const double a = (double)s->a, b = (double)s->b, e = t - x, z = e * exp(-y);
	double p = up(x), q = p * (1 - t) + up(-x) * t, weight = b < 0 ? 1 : b * t + (1 - b) * (1 - t);
	double ce = (1 - t) * x + soft(-x), margin = a - t * x;
	switch (s->op) {
	case EG_LOSS_BCE: *by_x = 1 - t - (1 + (a - 1) * t) * up(-x); return (1 - t) * x + (1 + (a - 1) * t) * soft(-x);
	case EG_LOSS_BCE_P:
		*by_x = ((1 - t) * x - a * t * (1 - x)) / fmax(x * (1 - x), 1e-12);
		return -a * t * fmax(log(x), -100) - (1 - t) * fmax(log(1 - x), -100);
	case EG_LOSS_FOCAL:
		*by_x = weight * (pow(q, a) * (p - t) + ce * a * pow(q, a - 1) * (1 - 2 * t) * p * up(-x));
		return weight * pow(q, a) * ce;
	case EG_LOSS_HINGE:
		*by_x = margin > 0 ? -t * (b > 0 ? 2 * margin : 1) : 0;
		return margin > 0 ? b > 0 ? margin * margin : margin : 0;
	case EG_LOSS_QUANTILE: *by_x = e > 0 ? -a : e < 0 ? 1 - a : 0; return fmax(a * e, (a - 1) * e);
	case EG_LOSS_QUANTILES: break;
	case EG_LOSS_POISSON: *by_x = exp(x) - t; return exp(x) - t * x;
	case EG_LOSS_KL: *by_x = t > 0 ? -t : 0; return t > 0 ? t * (log(t) - x) : 0;
	case EG_LOSS_GAUSSIAN: *by_x = -e * exp(-y), *by_y = (1 - z * e) / 2; return (y + z * e) / 2 + b;
	case EG_LOSS_STUDENT:
		*by_x = -(a + 1) * z / (a + z * z) * exp(-y), *by_y = 1 - (a + 1) * z * z / (a + z * z);
		return y + (a + 1) / 2 * log1p(z * z / a) + b;
	}
	return NAN;
}

/* `rows` units of `unit` targets, the last one shorter by whole rows of s.row; probabilities as targets, some of them 0
 * or 1. */
static void element_once(bed *t, eg_element_loss s, int unit, int units, int less, bool acc) {
	const int total = unit * units - less, pair = s.row ? s.parts : 1;
	s.unit = unit, s.total = total;
	real *x = bed_reals(t, (size_t)(total * pair)), *target = bed_reals(t, (size_t)total);
	real *partial = bed_zeros(t, (size_t)units), *dx = bed_reals(t, (size_t)(total * pair));
	real denom[1] = {4}, dloss[1] = {(real)0.5};
	double *want = calloc((size_t)(units + total * pair), sizeof *want), *dwant = want + units;
	for (int i = 0; i < total; i++) target[i] = (real)(i % 3 ? i % 3 - 1 : fmin(fabs((double)target[i]), 1));
	x[0] = 60, x[total / 2] = -60; /* nothing overflows or loses its digits */
	for (int i = 0; i < total * pair; i++) dwant[i] = acc ? (double)dx[i] : 0;
	for (int i = 0; i < total; i++) {
		int at = s.row ? (int)(i / s.row * pair * s.row + i % s.row) : i, scale = at + (int)s.row;
		double by_x = 0, by_y = 0;
		if (s.op == EG_LOSS_BCE_P) x[at] = (real)(0.01 + 0.98 * up((double)x[at]));
		if (s.op == EG_LOSS_QUANTILES) {
			for (int k = 0; k < pair; k++) {
				const eg_element_loss one = {.op = EG_LOSS_QUANTILE, .a = s.level[k]};
				want[i / unit] += element_loss(&one, (double)x[at + k * s.row], 0, (double)target[i], &by_x, &by_y);
				dwant[at + k * s.row] += by_x * 0.5 / 4;
			}
			continue;
		}
		if (s.op == EG_LOSS_POISSON && x[at] > 5) x[at] = 5;
		if (s.row) x[scale] = (real)fmax((double)x[scale], -1);
		want[i / unit] += element_loss(&s, (double)x[at], (double)x[scale], (double)target[i], &by_x, &by_y);
		dwant[at] += by_x * 0.5 / 4;
		if (s.row) dwant[scale] += by_y * 0.5 / 4;
	}
	eg_element_loss_fwd_args f = {.x = {x, unit * pair}, .target = {target, unit}, .partial = {partial, 1}, .s = s};
	eg_element_loss_bwd_args b = {
		.x = {x, unit * pair}, .target = {target, unit}, .denom = {denom, 0}, .dloss = {dloss, 0}, .dx = {dx, unit * pair}, .s = s, .acc = acc};
	output out = {partial, partial, (size_t)units, sizeof(real), true, 1},
	       dout = {dx, dx, (size_t)(total * pair), sizeof(real), true, 1};
	assert_same_job(t, "element_loss_fwd", (job){t->k->element_loss_fwd, &f, units, 0},
		(job){t->k->element_loss_fwd, &f, 0, 0}, &out, 1);
	assert_same_job(t, "element_loss_bwd", (job){t->k->element_loss_bwd, &b, units, 0},
		(job){t->k->element_loss_bwd, &b, 0, 0}, &dout, 1);
	expect("element_loss_fwd", partial, want, (size_t)units);
	expect("element_loss_bwd", dx, dwant, (size_t)(total * pair));
	free(want);
	bed_clear(t, "losses of numbers");
}

static void test_element_losses(void **state) {
	bed *t = *state;
	static const eg_element_loss losses[] = {{.op = EG_LOSS_BCE, .a = 1}, {.op = EG_LOSS_BCE, .a = 3},
		{.op = EG_LOSS_FOCAL, .a = 2, .b = (real)0.25}, {.op = EG_LOSS_FOCAL, .a = 1, .b = -1},
		{.op = EG_LOSS_HINGE, .a = 1}, {.op = EG_LOSS_HINGE, .a = (real)0.5, .b = 1},
		{.op = EG_LOSS_QUANTILE, .a = (real)0.9}, {.op = EG_LOSS_POISSON}, {.op = EG_LOSS_KL},
		{.op = EG_LOSS_GAUSSIAN, .b = (real)0.5, .row = 1, .parts = 2},
		{.op = EG_LOSS_STUDENT, .a = 4, .b = (real)0.5, .row = 1, .parts = 2}, {.op = EG_LOSS_BCE_P, .a = 2},
		{.op = EG_LOSS_QUANTILES, .row = 1, .parts = 3, .level = {(real)0.1, (real)0.5, (real)0.8}}};
	for (int i = 0; i < EG_COUNT(losses); i++)
		for (int k = 0; k < 8; k++) {
			eg_element_loss s = losses[i];
			if (s.row) s.row = 1 + bed_below(t, 40);
			int rows = 1 + bed_below(t, 5), unit = s.row ? (int)s.row * rows : bed_size(t), units = 1 + bed_below(t, 4);
			int less = s.row ? (int)s.row * bed_below(t, rows) : bed_below(t, unit);
			element_once(t, s, unit, units, less, k & 1);
		}
}

/* ---- boxes ------------------------------------------------------------------------------------------------------- */

/* The complete IoU loss of two boxes given by their corners; *alpha is taken as it is, or, below 0, made. */
static double ciou(const double *x, const double *t, double *alpha) {
	double w = x[2] - x[0], h = x[3] - x[1], tw = t[2] - t[0], th = t[3] - t[1];
	double iw = fmax(0, fmin(x[2], t[2]) - fmax(x[0], t[0])), ih = fmax(0, fmin(x[3], t[3]) - fmax(x[1], t[1]));
	double cw = fmax(x[2], t[2]) - fmin(x[0], t[0]), ch = fmax(x[3], t[3]) - fmin(x[1], t[1]);
	double dx = (x[0] + x[2] - t[0] - t[2]) / 2, dy = (x[1] + x[3] - t[1] - t[3]) / 2;
	double iou = iw * ih / (w * h + tw * th - iw * ih), turn = atan(tw / th) - atan(w / h);
	double v = 4 / (acos(-1) * acos(-1)) * turn * turn;
	if (*alpha < 0) *alpha = v / (1 - iou + v);
	return 1 - iou + (dx * dx + dy * dy) / (cw * cw + ch * ch) + *alpha * v;
}

/* alpha counts as a constant: no central difference of the loss alone can check it (optest), one with alpha held
 * can. */
static void test_boxes(void **state) {
	bed *t = *state;
	enum { BOXES = 6 };
	static const double boxes[BOXES][4] = {{0, 0, 2, 1}, {0.5, -1, 3, 2}, {-1, 0.2, 0.7, 0.8}, {5, 5, 6, 8}, {0, 0, 1, 1.1}, {-2, -3, 4, 3}};
	real *x = bed_reals(t, BOXES * 4), *target = bed_reals(t, BOXES * 4), *value = bed_zeros(t, BOXES), *d = bed_zeros(t, BOXES * 4);
	real dvalue[BOXES];
	double want[BOXES], slope[BOXES * 4];
	for (int i = 0; i < BOXES; i++) {
		const double *other = boxes[(i + 1) % BOXES];
		double alpha = -1, box[4];
		for (int k = 0; k < 4; k++) x[4 * i + k] = (real)boxes[i][k], target[4 * i + k] = (real)other[k];
		want[i] = ciou(boxes[i], other, &alpha);
		dvalue[i] = 1;
		for (int k = 0; k < 4; k++) {
			const double step = 1e-6;
			memcpy(box, boxes[i], sizeof box);
			box[k] += step;
			slope[4 * i + k] = ciou(box, other, &alpha);
			box[k] -= 2 * step;
			slope[4 * i + k] = (slope[4 * i + k] - ciou(box, other, &alpha)) / (2 * step);
		}
	}
	const eg_row_shape s = {.outer = BOXES, .rows = BOXES, .n = 4, .inner = 1, .op = EG_ROW_IOU, .kind = 3};
	eg_row_loss_fwd_args f = {.x = {x, 0}, .y = {target, 0}, .value = {value, 0}, .s = s};
	eg_row_loss_bwd_args b = {.x = {x, 0}, .y = {target, 0}, .dvalue = {dvalue, 0}, .d = {d, 0}, .s = s};
	real memory[4];
	t->k->row_loss_fwd(&f, 0, 1, EG_WORKER(t->k, NULL));
	t->k->row_loss_bwd(&b, 0, 1, EG_WORKER(t->k, memory));
	expect("row_loss_fwd", value, want, BOXES);
	expect("row_loss_bwd", d, slope, BOXES * 4);
	bed_clear(t, "boxes");
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_embedding),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_steps_beyond),
		cmocka_unit_test(test_attention),
		cmocka_unit_test(test_attention_definition),
		cmocka_unit_test(test_attention_extremes),
		cmocka_unit_test(test_keep_rows),
		cmocka_unit_test(test_regression),
		cmocka_unit_test(test_element_losses),
		cmocka_unit_test(test_boxes),
	};
	return bed_main(tests, EG_COUNT(tests));
}
