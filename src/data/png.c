/* png.c - PNG in and out through libspng; the only file that knows it. libspng's own memory comes from malloc. */
#include "data/data.h"

#include <stdlib.h>

#ifdef ENGRAM_HAVE_SPNG

#include <spng.h>

/* RGBA to planes; transparent pixels let the backdrop through. */
static void to_planes(const uint8_t *rgba, const eg_picture_options *o, eg_picture *pic) {
	size_t n = (size_t)pic->H * (size_t)pic->W;
	for (int c = 0; c < pic->C; c++) {
		uint8_t *out = pic->pixels + (size_t)c * n;
		for (size_t i = 0; i < n; i++) out[i] = eg_picture_over(o, c, rgba[4 * i + (size_t)c], rgba[4 * i + 3]);
	}
}

static eg_status read_head(spng_ctx *ctx, size_t size, struct spng_ihdr *head, eg_error *err) {
	int r = spng_get_ihdr(ctx, head);
	if (r) return eg_fail(err, EG_ERR_FORMAT, "its PNG header is damaged (%s)", spng_strerror(r));
	/* deflate packs 1032 : 1 at best, and a pixel is one bit at least. */
	if ((uint64_t)head->width * head->height / 8 / 1032 > size)
		return eg_fail(err, EG_ERR_FORMAT, "it is cut off: %lu x %lu pixels cannot be in %zu bytes",
		        (unsigned long)head->width, (unsigned long)head->height, size);
	return EG_OK;
}

/* All pixels in a format, to be released by eg_release. */
static eg_status read_pixels(spng_ctx *ctx, int format, int flags, eg_picture *pic, uint8_t **out, eg_error *err) {
	size_t bytes;
	*out = NULL;
	int r = spng_decoded_image_size(ctx, format, &bytes);
	if (r) return eg_fail(err, EG_ERR_FORMAT, "it is damaged (%s)", spng_strerror(r));
	uint8_t *data = eg_calloc(pic->allocator, bytes, 1); /* zeros: pixels of less than a byte are put in by OR */
	if (!data) return eg_fail(err, EG_ERR_MEMORY, "no memory for its %zu bytes", bytes);
	r = spng_decode_image(ctx, data, bytes, format, flags);
	if (r == 0) {
		*out = data;
		return EG_OK;
	}
	eg_release(pic->allocator, data);
	return eg_fail(
	        err, r == SPNG_EMEM ? EG_ERR_MEMORY : EG_ERR_FORMAT, "it is damaged or cut off (%s)", spng_strerror(r));
}

/* As EXIF data say, which may stand before the pixels or behind them. A chunk that is damaged there does not spoil the
 * picture. */
static eg_status turn(spng_ctx *ctx, eg_picture *pic, eg_error *err) {
	struct spng_exif exif;
	if (spng_decode_chunks(ctx) != 0 || spng_get_exif(ctx, &exif) != 0) return EG_OK;
	return eg_picture_turn(pic, eg_exif_orientation(exif.data, exif.length), err);
}

typedef eg_status (*way)(spng_ctx *ctx, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err);

static eg_status decode_colours(
	spng_ctx *ctx, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err) {
	struct spng_ihdr head;
	uint8_t *rgba = NULL;
	eg_status status = read_head(ctx, size, &head, err);
	if (status) return status;
	bool grey = head.color_type == SPNG_COLOR_TYPE_GRAYSCALE || head.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA;
	status = eg_picture_alloc(pic, grey ? 1 : 3, head.height, head.width, o, err);
	if (!status) status = read_pixels(ctx, SPNG_FMT_RGBA8, SPNG_DECODE_TRNS, pic, &rgba, err);
	if (!status) to_planes(rgba, o, pic);
	if (!status) status = turn(ctx, pic, err);
	eg_release(pic->allocator, rgba);
	return status;
}

/* Rows of 1, 2, 4 or 8 bits a pixel begin at a byte, the leftmost pixel in the highest bits. */
static void unpack(const uint8_t *packed, int bits, eg_picture *pic) {
	size_t row = ((size_t)pic->W * (size_t)bits + 7) / 8, at = 0;
	for (int y = 0; y < pic->H; y++, packed += row)
		for (size_t x = 0; x < (size_t)pic->W; x++) {
			size_t bit = x * (size_t)bits;
			pic->pixels[at++] = (uint8_t)(packed[bit / 8] >> (8 - (size_t)bits - bit % 8) &
			                              ((1 << bits) - 1));
		}
}

static eg_status decode_indices(
	spng_ctx *ctx, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err) {
	struct spng_ihdr head;
	uint8_t *packed = NULL;
	eg_status status = read_head(ctx, size, &head, err);
	if (status) return status;
	if ((head.color_type != SPNG_COLOR_TYPE_GRAYSCALE && head.color_type != SPNG_COLOR_TYPE_INDEXED) ||
	        head.bit_depth > 8)
		return eg_fail(err, EG_ERR_FORMAT,
		        "it is a PNG of %s; a mask has one number a pixel, the class: save it with a palette, or as "
		        "grey of 8 bits",
		        head.bit_depth > 8 ? "16 bits" : "colours or transparency");
	status = eg_picture_alloc(pic, 1, head.height, head.width, o, err);
	if (!status) status = read_pixels(ctx, SPNG_FMT_RAW, 0, pic, &packed, err);
	if (!status) unpack(packed, head.bit_depth, pic);
	if (!status) status = turn(ctx, pic, err);
	eg_release(pic->allocator, packed);
	return status;
}

static eg_status with_context(
	way decode, const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err) {
	spng_ctx *ctx = spng_ctx_new(0);
	if (!ctx) return eg_fail(err, EG_ERR_MEMORY, "out of memory");
	spng_set_chunk_limits(ctx, (size_t)16 << 20, (size_t)32 << 20); /* texts and profiles */
	int r = spng_set_png_buffer(ctx, data, size);
	eg_status status = r ? eg_fail(err, EG_ERR_FORMAT, "it is damaged (%s)", spng_strerror(r))
	                     : decode(ctx, size, o, pic, err);
	spng_ctx_free(ctx);
	return status;
}

eg_status eg_png_decode(const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err) {
	return with_context(decode_colours, data, size, o, pic, err);
}

eg_status eg_png_decode_indices(
	const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err) {
	return with_context(decode_indices, data, size, o, pic, err);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static eg_status encode(
	spng_ctx *ctx, const uint8_t *packed, int C, int H, int W, void **png, size_t *size, eg_error *err) {
	struct spng_ihdr head = {.width = (uint32_t)W,
	        .height = (uint32_t)H,
	        .bit_depth = 8,
	        .color_type = C == 1   ? SPNG_COLOR_TYPE_GRAYSCALE
	                      : C == 3 ? SPNG_COLOR_TYPE_TRUECOLOR
	                               : SPNG_COLOR_TYPE_TRUECOLOR_ALPHA};
	spng_set_option(ctx, SPNG_ENCODE_TO_BUFFER, 1);
	int r = spng_set_ihdr(ctx, &head);
	if (!r)
		r = spng_encode_image(
		        ctx, packed, (size_t)C * (size_t)H * (size_t)W, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
	*png = r ? NULL : spng_get_png_buffer(ctx, size, &r);
	return *png ? EG_OK : eg_fail(err, r == SPNG_EMEM ? EG_ERR_MEMORY : EG_ERR_ARG, "%s", spng_strerror(r));
}

eg_status eg_png_encode(int C, int H, int W, const uint8_t *pixels, void **png, size_t *size, eg_error *err) {
	*png = NULL;
	if ((C != 1 && C != 3 && C != 4) || H < 1 || W < 1)
		return eg_fail(err, EG_ERR_ARG, "%d channels of %d x %d do not make a picture", C, H, W);
	size_t n = (size_t)H * (size_t)W;
	spng_ctx *ctx = spng_ctx_new(SPNG_CTX_ENCODER);
	uint8_t *packed = eg_calloc(NULL, n, (size_t)C);
	eg_status status = ctx && packed ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory");
	if (!status) {
		for (size_t i = 0; i < n; i++)
			for (size_t c = 0; c < (size_t)C; c++) packed[i * (size_t)C + c] = pixels[c * n + i];
		status = encode(ctx, packed, C, H, W, png, size, err);
	}
	eg_release(NULL, packed);
	spng_ctx_free(ctx);
	return status;
}

#else

eg_status eg_png_decode(const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err) {
	EG_UNUSED(data), EG_UNUSED(size), EG_UNUSED(o), EG_UNUSED(pic);
	return eg_fail(err, EG_ERR_ARG, "it is a PNG, and this engram was built without libspng");
}

eg_status eg_png_decode_indices(
	const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err) {
	return eg_png_decode(data, size, o, pic, err);
}

eg_status eg_png_encode(int C, int H, int W, const uint8_t *pixels, void **png, size_t *size, eg_error *err) {
	EG_UNUSED(C), EG_UNUSED(H), EG_UNUSED(W), EG_UNUSED(pixels), EG_UNUSED(size);
	*png = NULL;
	return eg_fail(err, EG_ERR_ARG, "this engram was built without libspng");
}

#endif

eg_status eg_picture_save_png(const char *path, int C, int H, int W, const uint8_t *pixels, eg_error *err) {
	eg_error why = {EG_ERR_IO, ""};
	size_t size = 0;
	void *png;
	eg_status status = eg_png_encode(C, H, W, pixels, &png, &size, &why);
	if (status) return eg_fail(err, status, "cannot write '%s': %s", path, why.message);
	eg_writer *w = eg_writer_new(NULL, path, err ? err : &why);
	if (w) eg_writer_put(w, png, size);
	status = w ? eg_writer_commit(w, err) : err ? err->status : why.status;
	free(png); /* handed over by the encoder, from malloc */
	return status;
}
