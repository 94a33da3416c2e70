/* picture.c - one picture: from a file (the decoders are in files of their own), and to the size and numbers that a
 * model wants. */
#include "data/data.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { FILE_MOST = 256 << 20 }; /* bytes of a picture's file */

/* ---- reading ----------------------------------------------------------------------------------------------------- */

int64_t eg_picture_most(const eg_picture_options *o) { return o->max_pixels > 0 ? o->max_pixels : (int64_t)64 << 20; }

eg_status eg_picture_alloc(eg_picture *pic, int C, int64_t H, int64_t W, const eg_picture_options *o, eg_error *err) {
	int64_t most = eg_picture_most(o);
	if (H < 1 || W < 1)
		return eg_fail(err, EG_ERR_FORMAT, "it has no pixels (%lld x %lld)", (long long)W, (long long)H);
	if (H > INT32_MAX || W > INT32_MAX || H > most / W)
		return eg_fail(err, EG_ERR_FORMAT, "%lld x %lld pixels are more than the %lld that are read here: make it smaller (ImageMagick: "
		        "`convert FILE -resize 50%% NEW`)",
		        (long long)W, (long long)H, (long long)most);
	pic->pixels = eg_calloc(pic->allocator, (size_t)H * (size_t)W, (size_t)C);
	if (!pic->pixels)
		return eg_fail(err, EG_ERR_MEMORY, "no memory for %lld x %lld pixels", (long long)W, (long long)H);
	pic->C = C, pic->H = (int)H, pic->W = (int)W;
	return EG_OK;
}

void eg_picture_free(eg_picture *pic) {
	if (!pic) return;
	eg_release(pic->allocator, pic->pixels);
	*pic = (eg_picture){0};
}

static eg_decoder decoder_of(const uint8_t *p, size_t n) {
	if (n >= 8 && memcmp(p, "\x89PNG\r\n\x1a\n", 8) == 0) return eg_png_decode;
	if (n >= 3 && memcmp(p, "\xff\xd8\xff", 3) == 0) return eg_jpeg_decode;
	if (n >= 12 && memcmp(p, "RIFF", 4) == 0 && memcmp(p + 8, "WEBP", 4) == 0) return eg_webp_decode;
	if (n >= 2 && memcmp(p, "BM", 2) == 0) return eg_bmp_decode;
	if (n >= 3 && p[0] == 'P' && (p[1] == '2' || p[1] == '3' || p[1] == '5' || p[1] == '6')) return eg_pnm_decode;
	return NULL;
}

/* A file that is no picture of ours, by its first bytes. */
static const char *other_kind(const uint8_t *p, size_t n) {
	if (n == 0) return "it is empty";
	if (n >= 4 && memcmp(p, "GIF8", 4) == 0) return "it is a GIF; convert it to PNG";
	if (n >= 12 && memcmp(p + 4, "ftyp", 4) == 0) return "it is a HEIF, AVIF or film; convert it to PNG or JPEG";
	return "it is none of PNG, JPEG, WebP, BMP, PGM and PPM";
}

eg_status eg_picture_decode(const void *data, size_t size, const char *name, const eg_picture_options *options,
	eg_picture *pic, eg_error *err) {
	static const eg_picture_options none;
	const eg_picture_options *o = options ? options : &none;
	*pic = (eg_picture){.allocator = o->allocator};
	eg_decoder decode = decoder_of(data, size);
	eg_status status = decode ? decode(data, size, o, pic, err)
	                          : eg_fail(err, EG_ERR_FORMAT, "%s", other_kind(data, size));
	if (status == EG_OK) return EG_OK;
	if (err && status == EG_ERR_FORMAT && (strstr(err->message, "damaged") || strstr(err->message, "cut off"))) {
		const size_t n = strlen(err->message);
		snprintf(err->message + n, sizeof err->message - n, "; copy it anew from where it comes, or leave it out");
	}
	eg_fail_prefix(err, "cannot read picture '%s'", name);
	eg_picture_free(pic);
	return status;
}

eg_status eg_picture_read(
	const eg_files *files, const char *path, const eg_picture_options *options, eg_picture *pic, eg_error *err) {
	char *data;
	size_t size;
	*pic = (eg_picture){0};
	const eg_allocator *a = options ? options->allocator : NULL;
	eg_status status = eg_files_read(files, a, path, FILE_MOST, &data, &size, err);
	if (status != EG_OK) return status;
	status = eg_picture_decode(data, size, path, options, pic, err);
	eg_release(a, data);
	return status;
}

eg_status eg_picture_load(const char *path, const eg_picture_options *options, eg_picture *pic, eg_error *err) {
	return eg_picture_read(NULL, path, options, pic, err);
}

static eg_status load_mask(const eg_files *files, const char *path, eg_decoder decode, eg_picture *pic, eg_error *err) {
	static const eg_picture_options none;
	char *data;
	size_t size;
	*pic = (eg_picture){0};
	eg_status status = eg_files_read(files, NULL, path, FILE_MOST, &data, &size, err);
	if (status != EG_OK) return status;
	if (decoder_of((const uint8_t *)data, size) == eg_png_decode)
		status = decode((const uint8_t *)data, size, &none, pic, err);
	else
		status = eg_fail(err, EG_ERR_FORMAT, "%s", size ? "it is no PNG" : "it is empty");
	eg_release(NULL, data);
	if (status == EG_OK) return EG_OK;
	eg_fail_prefix(err, "cannot read mask '%s'", path);
	eg_picture_free(pic);
	return status;
}

eg_status eg_mask_load(const eg_files *files, const char *path, eg_picture *pic, eg_error *err) {
	return load_mask(files, path, eg_png_decode_indices, pic, err);
}

eg_status eg_colour_mask_load(const eg_files *files, const char *path, eg_picture *pic, eg_error *err) {
	return load_mask(files, path, eg_png_decode, pic, err);
}

/* ---- to the model's size ----------------------------------------------------------------------------------------- */

/* Source pixels first..last that make up one target pixel along one axis; those between the ends weigh `inner` each. */
typedef struct taps {
	int first, last;
	float w_first, w_last, inner;
} taps;

/* Target pixel i of m out of n source pixels. Shrinking: the area it covers. Growing: linear between the two nearest
 * centres. */
static taps taps_of(int i, int n, int m) {
	double scale = (double)n / m;
	taps t = {0};
	if (n > m) {
		double from = i * scale, to = (i + 1) * scale;
		t.first = (int)from;
		t.last = (int)ceil(to) - 1;
		if (t.last > n - 1) t.last = n - 1;
		t.w_first = (float)((t.first + 1 - from) / scale);
		t.w_last = (float)((to - t.last) / scale);
		t.inner = (float)(1 / scale);
	} else {
		double at = (i + 0.5) * scale - 0.5;
		if (at < 0) at = 0;
		t.first = (int)at;
		t.last = t.first + 1 < n ? t.first + 1 : n - 1;
		t.w_last = (float)(at - t.first);
		t.w_first = 1 - t.w_last;
	}
	if (t.first == t.last) t.w_first = 1, t.w_last = 0;
	return t;
}

static float tap_weight(const taps *t, int j) {
	return j == t->first ? t->w_first : j == t->last ? t->w_last : t->inner;
}

/* One plane, h x w bytes, to H x W numbers whose rows are `stride` apart. `row` holds w numbers. */
static void resize(const uint8_t *in, int h, int w, eg_real *out, int H, int W, int stride, float *row) {
	for (int y = 0; y < H; y++, out += stride) {
		taps v = taps_of(y, h, H);
		memset(row, 0, (size_t)w * sizeof *row);
		for (int j = v.first; j <= v.last; j++) {
			const uint8_t *src = in + (size_t)j * (size_t)w;
			float weight = tap_weight(&v, j);
			for (int x = 0; x < w; x++) row[x] += weight * (float)src[x];
		}
		for (int x = 0; x < W; x++) {
			taps u = taps_of(x, w, W);
			float sum = 0;
			for (int j = u.first; j <= u.last; j++) sum += tap_weight(&u, j) * row[j];
			out[x] = (eg_real)sum;
		}
	}
}

static int at_least_1(double v) { return v < 1 ? 1 : (int)(v + 0.5); }

/* One channel of the source, 0..255, into H x W, with proportions kept or not. */
static void place_channel(const eg_picture *pic, int c, eg_fit fit, int H, int W, eg_real *out, float *row) {
	const uint8_t *in = pic->pixels + (size_t)c * (size_t)pic->H * (size_t)pic->W;
	int h = H, w = W;
	if (fit == EG_FIT_PAD) {
		double scale = fmin((double)H / pic->H, (double)W / pic->W);
		h = at_least_1(pic->H * scale), w = at_least_1(pic->W * scale);
		if (h > H) h = H;
		if (w > W) w = W;
		eg_picture plane = {1, pic->H, pic->W, (uint8_t *)(uintptr_t)in, NULL}; /* only read */
		eg_real fill = (eg_real)(255 * eg_picture_border(&plane));
		for (int i = 0; i < H * W; i++) out[i] = fill;
	}
	int top = (H - h) / 2, left = (W - w) / 2;
	resize(in, pic->H, pic->W, out + top * W + left, h, w, W, row);
}

static bool wants_inverting(const eg_picture *pic, const eg_fit_options *o) {
	if (o->invert != EG_INVERT_AUTO) return o->invert == EG_INVERT_YES;
	double here = eg_picture_border(pic);
	return (o->border < 0.25 && here > 0.5) || (o->border > 0.75 && here < 0.5);
}

eg_status eg_picture_fit(const eg_picture *pic, const eg_fit_options *options, int C, int H, int W, eg_real *out,
	bool *inverted, eg_error *err) {
	static const eg_fit_options none;
	const eg_fit_options *o = options ? options : &none;
	if ((C != 1 && C != 3) || H < 1 || W < 1 || H > INT32_MAX / W)
		return eg_fail(err, EG_ERR_SHAPE,
		        "a picture cannot become %d channels of %d x %d: 1 (grey) or 3 (colour) are possible", C, H, W);
	size_t plane = (size_t)H * (size_t)W;
	float *row = eg_calloc(pic->allocator, (size_t)pic->W, sizeof *row);
	eg_real *work = eg_calloc(pic->allocator, plane, (size_t)pic->C * sizeof *work);
	if (row && work) {
		bool invert = wants_inverting(pic, o);
		for (int c = 0; c < pic->C; c++) place_channel(pic, c, o->fit, H, W, work + (size_t)c * plane, row);
		for (int c = 0; c < C; c++) {
			eg_real mean = (eg_real)o->scale.mean[c],
			        std = o->scale.std[c] > 0 ? (eg_real)o->scale.std[c] : 1;
			const eg_real *one = work + (pic->C == 3 && C == 3 ? (size_t)c * plane : 0);
			for (size_t i = 0; i < plane; i++) {
				eg_real v = one[i];
				if (pic->C == 3 && C == 1)
					v = (eg_real)0.299 * v + (eg_real)0.587 * one[i + plane] +
					    (eg_real)0.114 * one[i + 2 * plane];
				if (invert) v = 255 - v;
				out[(size_t)c * plane + i] = (v / 255 - mean) / std;
			}
		}
		if (inverted) *inverted = invert;
	}
	bool done = row && work;
	eg_release(pic->allocator, row);
	eg_release(pic->allocator, work);
	return done ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "resizing a picture: out of memory");
}

eg_status eg_picture_bytes(const eg_picture *pic, int C, int H, int W, uint8_t *out, eg_error *err) {
	const size_t n = (size_t)C * (size_t)H * (size_t)W;
	if (pic->C == C && pic->H == H && pic->W == W) {
		memcpy(out, pic->pixels, n); /* the same bytes as by resizing */
		return EG_OK;
	}
	eg_real *fitted = eg_calloc(pic->allocator, n, sizeof *fitted);
	eg_status status = fitted ? eg_picture_fit(pic, NULL, C, H, W, fitted, NULL, err)
	                          : eg_fail(err, EG_ERR_MEMORY, "resizing a picture: out of memory");
	for (size_t i = 0; i < n && !status; i++) {
		eg_real v = fitted[i] * 255 + (eg_real)0.5;
		out[i] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
	}
	eg_release(pic->allocator, fitted);
	return status;
}
