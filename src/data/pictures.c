/* pictures.c - a set of labelled pictures in memory, what can be said of it, and its way into the training loop. */
#include "data/data.h"

#include <math.h>
#include <string.h>

/* ---- the set ----------------------------------------------------------------------------------------------------- */

/* Names and their table are one piece: the pointers, then the text. */
static const char **copy_names(const eg_allocator *a, int n, const char *const *names) {
	size_t bytes = (size_t)n * sizeof(char *);
	for (int i = 0; i < n; i++) bytes += names ? strlen(names[i]) + 1 : 12;
	const char **table = eg_alloc(a, bytes);
	if (!table) return NULL;
	char *text = (char *)(table + n), *end = (char *)table + bytes;
	for (int i = 0; i < n; i++) {
		table[i] = text;
		int length = names ? snprintf(text, (size_t)(end - text), "%s", names[i]) : snprintf(text, 12, "%d", i);
		text += length + 1;
	}
	return table;
}

eg_pictures *eg_pictures_new(const eg_allocator *a, const eg_pictures *shape, const char *const *names) {
	eg_pictures *p = eg_alloc(a, sizeof *p);
	const char **table = p ? copy_names(a, shape->classes, names) : NULL;
	if (!table) {
		eg_release(a, p);
		eg_block_free(a, shape->pixels);
		eg_release(a, shape->labels);
		return NULL;
	}
	*p = *shape;
	p->class_names = table;
	p->allocator = a;
	return p;
}

void eg_pictures_free(eg_pictures *p) {
	if (!p) return;
	const eg_allocator *a = p->allocator;
	eg_block_free(a, p->pixels);
	eg_release(a, p->labels);
	eg_release(a, p->class_names);
	eg_release(a, p);
}

/* ---- statistics -------------------------------------------------------------------------------------------------- */

static double plane_border(const uint8_t *plane, int H, int W) {
	uint64_t sum = 0;
	int64_t n = 0;
	for (int y = 0; y < H; y++) {
		bool edge = y == 0 || y == H - 1;
		int step = edge || W == 1 ? 1 : W - 1;
		for (int x = 0; x < W; x += step) sum += plane[(size_t)y * (size_t)W + (size_t)x], n++;
	}
	return (double)sum / (255.0 * (double)n);
}

static double border(const uint8_t *pixels, int C, int H, int W) {
	size_t plane = (size_t)H * (size_t)W;
	if (C == 1) return plane_border(pixels, H, W);
	return 0.299 * plane_border(pixels, H, W) + 0.587 * plane_border(pixels + plane, H, W) +
	       0.114 * plane_border(pixels + 2 * plane, H, W);
}

double eg_picture_border(const eg_picture *pic) { return border(pic->pixels, pic->C, pic->H, pic->W); }

double eg_pictures_border(const eg_pictures *p) {
	double sum = 0;
	size_t size = (size_t)p->C * (size_t)p->H * (size_t)p->W;
	for (int64_t i = 0; i < p->count; i++) sum += border(p->pixels + (size_t)i * size, p->C, p->H, p->W);
	return p->count > 0 ? sum / (double)p->count : 0;
}

eg_picture_scale eg_pictures_statistics(const eg_pictures *p, const uint32_t *items, int64_t n) {
	eg_picture_scale scale = {0};
	size_t plane = (size_t)p->H * (size_t)p->W;
	if (!items) n = p->count;
	for (int c = 0; c < p->C && c < 3 && n > 0; c++) {
		uint64_t sum = 0, squares = 0;
		for (int64_t i = 0; i < n; i++) {
			size_t item = items ? items[i] : (size_t)i;
			const uint8_t *x = p->pixels + (item * (size_t)p->C + (size_t)c) * plane;
			for (size_t from = 0; from < plane;
			        from += 4096) { /* 32 bits hold 4096 squares: narrow sums vectorise */
				size_t to = from + 4096 < plane ? from + 4096 : plane;
				uint32_t s = 0, q = 0;
				for (size_t j = from; j < to; j++) s += x[j], q += (uint32_t)x[j] * x[j];
				sum += s, squares += q;
			}
		}
		double count = (double)n * (double)plane, mean = (double)sum / count;
		double variance = (double)squares / count - mean * mean;
		scale.mean[c] = (float)(mean / 255);
		scale.std[c] = variance > 0 ? (float)(sqrt(variance) / 255) : 1;
	}
	return scale;
}

/* ---- from bytes to numbers --------------------------------------------------------------------------------------- */

EG_ALWAYS_INLINE void convert(eg_real *restrict out, const uint8_t *restrict in, size_t n, eg_real mul, eg_real add) {
	for (size_t i = 0; i < n; i++) out[i] = (eg_real)in[i] * mul + add;
}

#if defined(__x86_64__) && defined(__GNUC__)
/* The same loop, twice as fast. Without FMA on purpose: the bits stay those of every other x86-64. */
__attribute__((target("avx2"))) static void convert_avx2(
	eg_real *restrict out, const uint8_t *restrict in, size_t n, eg_real mul, eg_real add) {
	convert(out, in, n, mul, add);
}
#endif

void eg_bytes_to_real(eg_real *restrict out, const uint8_t *restrict in, size_t n, eg_real mul, eg_real add) {
#if defined(__x86_64__) && defined(__GNUC__)
	if (__builtin_cpu_supports("avx2")) {
		convert_avx2(out, in, n, mul, add);
		return;
	}
#endif
	convert(out, in, n, mul, add);
}

/* ---- for the training loop --------------------------------------------------------------------------------------- */

struct eg_picture_dataset {
	eg_dataset base;
	const char *inputs[3];
	const eg_pictures *pictures;
	uint32_t *items; /* NULL: all */
	size_t plane;
	int C;
	eg_real mul[3], add[3]; /* byte * mul + add */
};

enum { AHEAD = 3 };

/* Pictures come in random order from memory that no cache holds: they are asked for while others are converted. */
static void ask_for(const eg_picture_dataset *d, uint32_t item, size_t size) {
#if defined(__GNUC__)
	const uint8_t *p = d->pictures->pixels + (d->items ? d->items[item] : item) * size;
	for (size_t i = 0; i < size && i < 4096; i += 64) __builtin_prefetch(p + i);
#else
	EG_UNUSED(d), EG_UNUSED(item), EG_UNUSED(size);
#endif
}

static eg_status fill(void *user, const eg_fill *f, void *const *slots, eg_error *err) {
	const uint32_t *items = f->items;
	const int n = f->n;
	EG_UNUSED(err);
	const eg_picture_dataset *d = user;
	const eg_pictures *p = d->pictures;
	const size_t size = d->plane * (size_t)d->C;
	eg_real *out = slots[0];
	int32_t *labels = slots[1];
	for (int i = 0; i < AHEAD && i < n; i++) ask_for(d, items[i], size);
	for (int i = 0; i < n; i++) {
		size_t item = d->items ? d->items[items[i]] : items[i];
		if (i + AHEAD < n) ask_for(d, items[i + AHEAD], size);
		const uint8_t *in = p->pixels + item * size;
		for (int c = 0; c < d->C; c++, in += d->plane, out += d->plane)
			eg_bytes_to_real(out, in, d->plane, d->mul[c], d->add[c]);
		labels[i] = p->labels[item];
	}
	return EG_OK;
}

static eg_picture_dataset *dataset_fail(eg_picture_dataset *d, eg_error *err) {
	eg_picture_dataset_free(d);
	eg_fail(err, EG_ERR_MEMORY, "data set: out of memory");
	return NULL;
}

eg_picture_dataset *eg_picture_dataset_new(const eg_pictures *p, const uint32_t *items, int64_t n,
	const eg_picture_scale *scale, const char *input, const char *target, eg_error *err) {
	if (!items) n = p->count;
	if (n < 0 || n > UINT32_MAX) {
		eg_fail(err, EG_ERR_ARG, "data set: %lld pictures; 0 to %lu are possible", (long long)n,
		        (unsigned long)UINT32_MAX);
		return NULL;
	}
	for (int64_t i = 0; items && i < n; i++)
		if (items[i] >= p->count) {
			eg_fail(err, EG_ERR_ARG, "data set: entry %lld is picture %lu, but there are only %lld",
			        (long long)i, (unsigned long)items[i], (long long)p->count);
			return NULL;
		}
	const eg_allocator *a = p->allocator;
	size_t input_size = strlen(input) + 1, target_size = strlen(target) + 1;
	eg_picture_dataset *d = eg_alloc(a, sizeof *d + input_size + target_size);
	if (!d) return dataset_fail(d, err);
	memset(d, 0, sizeof *d);
	char *text = (char *)(d + 1);
	d->inputs[0] = memcpy(text, input, input_size);
	d->inputs[1] = memcpy(text + input_size, target, target_size);
	d->base = (eg_dataset){.user = d, .count = n, .inputs = d->inputs, .fill = fill, .parallel = true};
	d->pictures = p;
	d->C = p->C;
	d->plane = (size_t)p->H * (size_t)p->W;
	for (int c = 0; c < 3; c++) {
		double mean = scale ? (double)scale->mean[c] : 0,
		       std = scale && scale->std[c] > 0 ? (double)scale->std[c] : 1;
		d->mul[c] = (eg_real)(1 / (255 * std));
		d->add[c] = (eg_real)(-mean / std);
	}
	if (items) {
		d->items = eg_calloc(a, (size_t)n, sizeof *items);
		if (!d->items) return dataset_fail(d, err);
		if (n > 0) memcpy(d->items, items, (size_t)n * sizeof *items);
	}
	return d;
}

const eg_dataset *eg_picture_dataset_get(const eg_picture_dataset *d) { return &d->base; }

void eg_picture_dataset_free(eg_picture_dataset *d) {
	if (!d) return;
	const eg_allocator *a = d->pictures ? d->pictures->allocator : NULL;
	eg_release(a, d->items);
	eg_release(a, d);
}
