/* pnm.c - PGM and PPM, plain (P2, P3) and raw (P5, P6), as in netpbm's pgm(5) and ppm(5). One picture a file. */
#include "data/data.h"

typedef struct scanner {
	const uint8_t *p, *end;
} scanner;

static bool is_space(int c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* The next number, after white space and comments (# to the end of the line). false: there is none, or it is above
 * `most`. */
static bool number(scanner *s, int64_t most, int64_t *v) {
	while (s->p < s->end && (is_space(*s->p) || *s->p == '#')) {
		if (*s->p++ != '#') continue;
		while (s->p < s->end && *s->p != '\n' && *s->p != '\r') s->p++;
	}
	const uint8_t *first = s->p;
	for (*v = 0; s->p < s->end && *s->p >= '0' && *s->p <= '9'; s->p++) {
		*v = *v * 10 + (*s->p - '0');
		if (*v > most) return false;
	}
	return s->p > first;
}

static eg_status plain(scanner *s, eg_picture *pic, int64_t top, eg_error *err) {
	int64_t n = (int64_t)pic->H * pic->W, v;
	for (int64_t i = 0; i < n; i++)
		for (int c = 0; c < pic->C; c++) {
			if (!number(s, top, &v))
				return eg_fail(err, EG_ERR_FORMAT,
				        "value %lld of its %lld is missing or above the %lld that it promises",
				        (long long)i * pic->C + c + 1, (long long)n * pic->C, (long long)top);
			pic->pixels[c * n + i] = (uint8_t)((v * 255 + top / 2) / top);
		}
	return EG_OK;
}

static eg_status raw(const scanner *s, eg_picture *pic, int64_t top, eg_error *err) {
	int64_t n = (int64_t)pic->H * pic->W;
	int wide = top > 255;
	const uint8_t *p = s->p;
	for (int64_t i = 0; i < n; i++)
		for (int c = 0; c < pic->C; c++) {
			int64_t v = *p++;
			if (wide) v = v << 8 | *p++;
			if (v > top)
				return eg_fail(err, EG_ERR_FORMAT, "value %lld is above the %lld that it promises",
				        (long long)v, (long long)top);
			pic->pixels[c * n + i] = (uint8_t)((v * 255 + top / 2) / top);
		}
	return EG_OK;
}

eg_status eg_pnm_decode(const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err) {
	scanner s = {data + 2, data + size};
	int64_t W, H, top;
	int kind = data[1] - '0', C = kind == 3 || kind == 6 ? 3 : 1;
	if (!number(&s, INT32_MAX, &W) || !number(&s, INT32_MAX, &H) || !number(&s, 65535, &top) || top < 1)
		return eg_fail(err, EG_ERR_FORMAT,
		        "P%d is not followed by width, height and a highest value of 1 to 65535", kind);
	if (s.p < s.end && !is_space(*s.p))
		return eg_fail(err, EG_ERR_FORMAT, "no white space after the highest value");
	if (s.p < s.end) s.p++;
	/* Before memory is asked for: are so many values in the file? A plain value takes two bytes, but the last. */
	int64_t left = s.end - s.p, each = kind <= 3 ? 2 : top > 255 ? 2 : 1, have = (left + (kind <= 3)) / each;
	if (W > 0 && H > 0 && (W > have / H || W * H > have / C))
		return eg_fail(err, EG_ERR_FORMAT,
		        "it is cut off: %lld x %lld pixels are promised, %lld bytes are there", (long long)W,
		        (long long)H, (long long)left);
	eg_status status = eg_picture_alloc(pic, C, H, W, o, err);
	if (status != EG_OK) return status;
	return kind <= 3 ? plain(&s, pic, top, err) : raw(&s, pic, top, err);
}
