/* webp.c - WebP through libwebp; the only file that knows it. libwebp's own memory comes from malloc. */
#include "data/data.h"

#ifdef ENGRAM_HAVE_WEBP

#include <string.h>
#include <webp/decode.h>

/* As EXIF data say, which are a piece of their own in the file: a name, a size and the bytes, padded to an even
 * number. */
static int orientation(const uint8_t *data, size_t size) {
	for (size_t at = 12; size >= 8 && at <= size - 8;) {
		const uint8_t *p = data + at;
		const size_t n = (size_t)p[4] | (size_t)p[5] << 8 | (size_t)p[6] << 16 | (size_t)p[7] << 24, left = size - at - 8;
		if (n > left) return 1;
		if (memcmp(p, "EXIF", 4) == 0) {
			const size_t head = n >= 6 && memcmp(p + 8, "Exif\0\0", 6) == 0 ? 6 : 0;
			return eg_exif_orientation(p + 8 + head, n - head);
		}
		at += 8 + n + (n & 1);
	}
	return 1;
}

static eg_status decode(
	const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic, uint8_t *rgba, eg_error *err) {
	const size_t n = (size_t)pic->H * (size_t)pic->W;
	if (!WebPDecodeRGBAInto(data, size, rgba, 4 * n, 4 * pic->W))
		return eg_fail(err, EG_ERR_FORMAT, "it is a WebP that is damaged or cut off");
	for (int c = 0; c < 3; c++)
		for (size_t i = 0; i < n; i++)
			pic->pixels[(size_t)c * n + i] = eg_picture_over(o, c, rgba[4 * i + (size_t)c], rgba[4 * i + 3]);
	return eg_picture_turn(pic, orientation(data, size), err);
}

eg_status eg_webp_decode(const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err) {
	WebPBitstreamFeatures f;
	if (WebPGetFeatures(data, size, &f) != VP8_STATUS_OK) return eg_fail(err, EG_ERR_FORMAT, "its WebP header is damaged or cut off");
	if (f.has_animation) return eg_fail(err, EG_ERR_FORMAT, "it is a WebP that moves; take one picture of it");
	eg_status status = eg_picture_alloc(pic, 3, f.height, f.width, o, err);
	if (status) return status;
	uint8_t *rgba = eg_calloc(pic->allocator, (size_t)pic->H * (size_t)pic->W, 4);
	status = rgba ? decode(data, size, o, pic, rgba, err) : eg_fail(err, EG_ERR_MEMORY, "no memory for %d x %d pixels", pic->W, pic->H);
	eg_release(pic->allocator, rgba);
	return status;
}

#else

eg_status eg_webp_decode(const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err) {
	EG_UNUSED(data), EG_UNUSED(size), EG_UNUSED(o), EG_UNUSED(pic);
	return eg_fail(err, EG_ERR_ARG, "it is a WebP, and this engram was built without libwebp");
}

#endif
