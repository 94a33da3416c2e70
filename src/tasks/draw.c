/* draw.c - which unit a language model writes next: temperature, top-k, nucleus sampling ("top-p": Holtzman, Buys, Du,
 * Forbes, Choi, "The Curious Case of Neural Text Degeneration", 2020), and a penalty for what was written just before.
 *
 * Unit number i of sample s is drawn with the random number (seed, s, i): the text does not depend on how it is asked
 * for, and of several samples that are written side by side each is what it would be alone.
 *
 * With thousands of units this takes as long as a layer, so exponentials are computed by a polynomial, several at once
 * where the compiler can, and nothing is sorted that cannot be drawn. Not here: running the network (generate.c), what
 * a form allows (verse.c). */
#include "tasks/generate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- weights ----------------------------------------------------------------------------------------------------- */

/* 2^v for v from -126 to 0, to 1e-7 of it: by halves around the nearest whole number, and a polynomial between them. */
EG_ALWAYS_INLINE float power_of_two(float v) {
	const float shift = 12582912.0F; /* 1.5 x 2^23: what is added to it is rounded, and stands in its last bits */
	const float shifted = v + shift, r = v - (shifted - shift);
	float p = 0.00961813F + r * (0.00133336F + r * 0.00015404F); /* the series of 2^r */
	p = 1 + r * (0.69314718F + r * (0.24022651F + r * (0.05550411F + r * p)));
	uint32_t bits;
	float scale;
	memcpy(&bits, &shifted, sizeof bits);
	bits = (bits - 0x4B400000U + 127U) << 23;
	memcpy(&scale, &bits, sizeof scale);
	return p * scale;
}

/* Logits become e^((x - highest) / temperature); what is below 2^-126 becomes 0. */
static void exponentials(float *restrict x, int n, float highest, double temperature) {
	const double factor = 1.4426950408889634 / temperature; /* 1 / ln 2 */
	const float scale = factor < 1e30 ? (float)factor : 1e30F;
	for (int i = 0; i < n; i++) {
		const float v = (x[i] - highest) * scale;
		x[i] = v < -126 ? 0 : power_of_two(v < -126 ? -126 : v);
	}
}

static bool all_finite(const eg_real *x, int n) {
	int wrong = 0;
	for (int i = 0; i < n; i++) wrong |= !(x[i] - x[i] == 0); /* an infinity, or no number */
	return !wrong;
}

/* The probability of units that stand among the last ones is divided by the penalty; of each once. */
static void penalize(eg_generator *g, eg_lane *l) {
	if (!(g->options.repeat_penalty > 1)) return;
	const eg_real by = (eg_real)log(g->options.repeat_penalty);
	const int n = l->written < EG_GENERATE_RECENT ? (int)l->written : EG_GENERATE_RECENT;
	for (int i = 0; i < n; i++) {
		if (!g->recent[l->last[i]]) l->next[l->last[i]] -= by;
		g->recent[l->last[i]] = true;
	}
	for (int i = 0; i < n; i++) g->recent[l->last[i]] = false;
}

/* The logits of what may be written, others minus infinity, into g->weights. The likeliest; -1: nothing may be. */
static int take_logits(eg_generator *g, const eg_lane *l) {
	const int n = g->count, unknown = eg_vocab_unknown(g->vocab);
	float *x = g->weights, highest = -INFINITY;
	for (int i = 0; i < n; i++) x[i] = (float)l->next[i];
	eg_verse_mask(g, l, x);
	if (unknown >= 0) x[unknown] = -INFINITY;
	for (int i = 0; i < n; i++) highest = x[i] > highest ? x[i] : highest;
	for (int i = 0; i < n; i++)
		if (x[i] == highest && x[i] > -INFINITY) return i;
	return -1;
}

/* ---- the likeliest of them --------------------------------------------------------------------------------------- */

static int by_weight(const void *a, const void *b) {
	const eg_weighted *x = a, *y = b;
	if (x->weight != y->weight) return x->weight > y->weight ? -1 : 1;
	return x->id - y->id;
}

/* The k likeliest of n come to the front, in any order (Hoare's selection). */
static void select_likeliest(eg_weighted *u, int n, int k) {
	int from = 0, to = n - 1;
	while (from < to) {
		const eg_weighted pivot = u[from + (to - from) / 2];
		int i = from, j = to;
		while (i <= j) {
			while (by_weight(&u[i], &pivot) < 0) i++;
			while (by_weight(&u[j], &pivot) > 0) j--;
			if (i > j) break;
			const eg_weighted t = u[i];
			u[i++] = u[j], u[j--] = t;
		}
		if (k - 1 <= j)
			to = j;
		else if (k - 1 >= i)
			from = i;
		else
			return;
	}
}

static double sum_of(const eg_weighted *u, int n) {
	double sum = 0;
	for (int i = 0; i < n; i++) sum += (double)u[i].weight;
	return sum;
}

/* What is so unlikely that all such units together are behind the nucleus is left out. */
static int leave_out_unlikely(eg_weighted *u, int n, double sum, double p) {
	const double least = (1 - p) * sum / n;
	int kept = 0;
	for (int i = 0; i < n; i++)
		if ((double)u[i].weight >= least) u[kept++] = u[i];
	return kept > 0 ? kept : n;
}

/* Puts those that may be drawn, the likeliest first, into g->units, and tells how many they are. */
static int keep_likely(eg_generator *g) {
	const eg_generate_options *o = &g->options;
	eg_weighted *u = g->units;
	int n = 0, kept = 0;
	for (int i = 0; i < g->count; i++)
		if (g->weights[i] > 0) u[n++] = (eg_weighted){g->weights[i], i};
	if (o->top_k > 0 && o->top_k < n) {
		select_likeliest(u, n, o->top_k);
		n = o->top_k;
	}
	const bool nucleus = o->top_p > 0 && o->top_p < 1;
	const double sum = nucleus ? sum_of(u, n) : 0;
	if (nucleus) n = leave_out_unlikely(u, n, sum, o->top_p);
	qsort(u, (size_t)n, sizeof *u, by_weight);
	if (!nucleus) return n;
	for (double reached = 0; kept < n && reached < o->top_p * sum;) reached += (double)u[kept++].weight;
	return kept > 0 ? kept : 1;
}

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

/* 0 that is left in the options is no limit; one that is said is a limit that only the likeliest keeps. */
static bool only_likeliest(const eg_generate_options *o) {
	return o->temperature <= 0 || o->top_k == 1 || (o->top_p == 0 && signbit(o->top_p));
}

static double sum_blocks(eg_generator *g, int blocks) {
	double sum = 0;
	for (int b = 0; b < blocks; b++) {
		const float *w = g->weights + (ptrdiff_t)b * EG_GENERATE_BLOCK;
		float part[8] = {0}; /* sums that do not wait for each other */
		for (int i = 0; i < EG_GENERATE_BLOCK; i += 8)
			for (int k = 0; k < 8; k++) part[k] += w[i + k];
		const float left = (part[0] + part[1]) + (part[2] + part[3]), right = (part[4] + part[5]) + (part[6] + part[7]);
		g->sums[b] = (double)(left + right);
		sum += g->sums[b];
	}
	return sum;
}

/* One of all; `best` where rounding leads behind the last. */
static int draw_of_all(eg_generator *g, double share, int best) {
	const int blocks = (g->count + EG_GENERATE_BLOCK - 1) / EG_GENERATE_BLOCK;
	memset(g->weights + g->count, 0, ((size_t)blocks * EG_GENERATE_BLOCK - (size_t)g->count) * sizeof *g->weights);
	double left = share * sum_blocks(g, blocks);
	int b = 0;
	while (b < blocks - 1 && left >= g->sums[b]) left -= g->sums[b++];
	for (int i = b * EG_GENERATE_BLOCK; i < g->count; i++) {
		left -= (double)g->weights[i];
		if (left < 0) return i;
	}
	return best;
}

static int draw_of_likely(eg_generator *g, double share, int best) {
	const int n = keep_likely(g);
	double left = share * sum_of(g->units, n);
	for (int i = 0; i < n; i++) {
		left -= (double)g->units[i].weight;
		if (left < 0) return g->units[i].id;
	}
	return best;
}

int eg_generator_draw(eg_generator *g, eg_lane *l) {
	const eg_generate_options *o = &g->options;
	if (!all_finite(l->next, g->count)) return -1;
	penalize(g, l);
	const int best = take_logits(g, l);
	if (best < 0 || only_likeliest(o)) return best;
	exponentials(g->weights, g->count, g->weights[best], o->temperature);
	const eg_rng r = {o->seed, eg_stream(EG_RNG_GENERATE, 0, l->sample)};
	const double share = eg_rng_uniform(r, l->written);
	const bool some = o->top_k > 0 || (o->top_p > 0 && o->top_p < 1);
	return some ? draw_of_likely(g, share, best) : draw_of_all(g, share, best);
}
