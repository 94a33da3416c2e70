/* bmp.c - BMP files of Windows and OS/2: pixels of 1, 4, 8, 16, 24 and 32 bits, plain, by masks, or runs of 8 bits.
 * What else there is (runs of 4 bits, a JPEG or PNG inside) is refused by name.
 *
 *   bytes 0-1 "BM"   10-13 where the pixels begin   14-17 size of the header that follows, which tells its kind:
 *   12: width, height (16 bits each), planes, bits;  40 and more: width, height (32 bits each, a negative height: the
 *   top row first), planes, bits, way of packing, 12 bytes, colours of the palette, 4 bytes, then masks (52 and more)
 *
 * Then the palette, blue, green, red and (but in the small header) a byte more for each; then the rows, from the
 * bottom up, each padded to 32 bits. All numbers are little-endian.
 *
 * A palette of greys makes a grey picture. Transparency is what a mask of the header says it is; a picture all of
 * whose pixels would be transparent has none. */
#include "data/data.h"

#include <string.h>

enum { PLAIN, RUNS_8, RUNS_4, MASKS, MASKS_ALPHA = 6, FILE_HEAD = 14, COLOURS = 256 };

typedef struct bmp {
	const uint8_t *data;
	size_t size, pixels; /* where they begin */
	int64_t W, H;
	bool top_down, grey;
	int bits, packing, ncolours;
	uint8_t palette[COLOURS][3]; /* red, green, blue */
	uint32_t mask[4];            /* red, green, blue, alpha; 0: none */
} bmp;

static uint32_t get(const uint8_t *p, int bytes) {
	uint32_t v = 0;
	for (int i = 0; i < bytes; i++) v |= (uint32_t)p[i] << (8 * i);
	return v;
}

static eg_status damaged(eg_error *err, const char *what) { return eg_fail(err, EG_ERR_FORMAT, "it is a damaged BMP: %s", what); }

/* ---- header ------------------------------------------------------------------------------------------------------ */

static eg_status check_bits(const bmp *b, bool small, eg_error *err) {
	static const char *const ways[] = {"plain", "runs of 8 bits", "runs of 4 bits", "masks", "a JPEG", "a PNG", "masks"};
	const int n = b->bits;
	const bool plain = n == 1 || n == 4 || n == 8 || n == 24 || (!small && (n == 16 || n == 32));
	if ((b->packing == PLAIN && plain) || (b->packing == RUNS_8 && n == 8 && !b->top_down) ||
	        ((b->packing == MASKS || b->packing == MASKS_ALPHA) && (n == 16 || n == 32)))
		return EG_OK;
	return eg_fail(err, EG_ERR_FORMAT, "it is a BMP of %d bits a pixel, packed as %s, which is not read here; convert it to PNG", n,
	        b->packing >= 0 && b->packing < EG_COUNT(ways) ? ways[b->packing] : "nobody knows what");
}

/* Bits that follow one another, or the picture is none. */
static eg_status check_masks(const bmp *b, eg_error *err) {
	for (int c = 0; c < 4; c++) {
		uint64_t m = b->mask[c];
		if (m == 0 && c < 3) return damaged(err, "a colour without bits");
		if (m == 0) continue;
		m += m & (~m + 1); /* the lowest of its bits: what follows one another becomes one bit */
		if (m & (m - 1)) return damaged(err, "a colour's bits lie apart");
		if (b->bits == 16 && b->mask[c] > 0xFFFF) return damaged(err, "a colour's bits lie outside of the pixel");
	}
	return EG_OK;
}

/* *end: where the palette begins. */
static eg_status read_masks(bmp *b, size_t head, size_t *end, eg_error *err) {
	*end = FILE_HEAD + head;
	if (b->packing != MASKS && b->packing != MASKS_ALPHA) {
		const int low = b->bits == 16 ? 5 : 8;
		for (int c = 0; c < 3; c++) b->mask[c] = ((1u << low) - 1) << (low * (2 - c));
		return EG_OK;
	}
	const int n = head >= 56 || b->packing == MASKS_ALPHA ? 4 : 3;
	if (head == 40) *end += (size_t)n * 4;
	if (b->size < FILE_HEAD + 40 + (size_t)n * 4) return damaged(err, "it is cut off in its masks");
	for (int c = 0; c < n; c++) b->mask[c] = get(b->data + FILE_HEAD + 40 + 4 * c, 4);
	return check_masks(b, err);
}

static eg_status read_palette(bmp *b, size_t at, uint32_t used, bool small, eg_error *err) {
	const size_t each = small ? 3 : 4;
	b->grey = b->bits <= 8;
	if (b->bits > 8) return EG_OK;
	b->ncolours = used > 0 && used < 1u << b->bits ? (int)used : 1 << b->bits;
	if (at > b->pixels) return damaged(err, "its pixels begin in its header");
	/* Small headers do not tell how many there are: as many as there is room for. */
	if (small && (b->pixels - at) / each < (size_t)b->ncolours) b->ncolours = (int)((b->pixels - at) / each);
	if (b->ncolours == 0 || (size_t)b->ncolours * each > b->size - at) return damaged(err, "it is cut off in its palette");
	for (int i = 0; i < b->ncolours; i++) {
		const uint8_t *p = b->data + at + (size_t)i * each;
		for (int c = 0; c < 3; c++) b->palette[i][c] = p[2 - c];
		b->grey = b->grey && p[0] == p[1] && p[1] == p[2];
	}
	return EG_OK;
}

static eg_status read_head(bmp *b, eg_error *err) {
	const uint8_t *p = b->data;
	if (b->size < FILE_HEAD + 12) return damaged(err, "it is cut off in its header");
	const size_t head = get(p + 14, 4);
	const bool small = head == 12;
	size_t end;
	b->pixels = get(p + 10, 4);
	if (!small && head != 40 && head != 52 && head != 56 && head != 64 && head != 108 && head != 124)
		return damaged(err, "its header is of no known size");
	if (b->size < FILE_HEAD + head) return damaged(err, "it is cut off in its header");
	if (b->pixels < FILE_HEAD + head || b->pixels > b->size) return damaged(err, "its pixels do not lie in the file");
	if (small) {
		b->W = get(p + 18, 2), b->H = get(p + 20, 2), b->bits = (int)get(p + 24, 2);
	} else {
		b->W = (int32_t)get(p + 18, 4), b->H = (int32_t)get(p + 22, 4), b->bits = (int)get(p + 28, 2);
		b->packing = get(p + 30, 4) <= MASKS_ALPHA ? (int)get(p + 30, 4) : -1;
		if (head == 64 && b->packing > RUNS_4) b->packing = -1; /* of OS/2: other ways */
	}
	b->top_down = b->H < 0;
	if (b->top_down) b->H = -b->H;
	eg_status status = check_bits(b, small, err);
	if (!status) status = read_masks(b, head, &end, err);
	return status ? status : read_palette(b, end, small ? 0 : get(p + 46, 4), small, err);
}

/* ---- pixels ------------------------------------------------------------------------------------------------------ */

static void put(const bmp *b, eg_picture *pic, int64_t x, int64_t row, const uint8_t colour[3]) {
	const size_t plane = (size_t)pic->H * (size_t)pic->W;
	uint8_t *out = pic->pixels + (size_t)(b->top_down ? row : pic->H - 1 - row) * (size_t)pic->W + (size_t)x;
	for (int c = 0; c < pic->C; c++) out[(size_t)c * plane] = colour[c];
}

static eg_status put_index(const bmp *b, eg_picture *pic, int64_t x, int64_t row, int index, eg_error *err) {
	if (index >= b->ncolours) return damaged(err, "a pixel is of a colour that the palette has not");
	put(b, pic, x, row, b->palette[index]);
	return EG_OK;
}

/* The value of a mask's bits, brought to 0..255. */
static int channel(uint32_t v, uint32_t mask) {
	if (mask == 0) return 255;
	const uint32_t low = mask & (~mask + 1), most = mask / low;
	return (int)(((uint64_t)((v & mask) / low) * 255 + most / 2) / most);
}

/* Has any pixel some of the colour that the alpha mask speaks of? */
static bool has_alpha(const bmp *b, size_t stride) {
	for (int64_t y = 0; y < b->H && b->mask[3]; y++)
		for (int64_t x = 0; x < b->W; x++)
			if (get(b->data + b->pixels + (size_t)y * stride + (size_t)(x * b->bits / 8), b->bits / 8) & b->mask[3]) return true;
	return false;
}

static eg_status read_rows(const bmp *b, size_t stride, const eg_picture_options *o, eg_picture *pic, eg_error *err) {
	const bool alpha = has_alpha(b, stride);
	for (int64_t y = 0; y < b->H; y++) {
		const uint8_t *row = b->data + b->pixels + (size_t)y * stride;
		for (int64_t x = 0; x < b->W; x++) {
			const int64_t bit = x * b->bits;
			uint8_t colour[3];
			if (b->bits <= 8) {
				const int index = row[bit / 8] >> (8 - b->bits - (int)(bit % 8)) & ((1 << b->bits) - 1);
				eg_status status = put_index(b, pic, x, y, index, err);
				if (status) return status;
				continue;
			}
			const uint32_t v = get(row + bit / 8, b->bits / 8);
			for (int c = 0; c < 3; c++)
				colour[c] = eg_picture_over(o, c, channel(v, b->mask[c]), alpha ? channel(v, b->mask[3]) : 255);
			put(b, pic, x, y, colour);
		}
	}
	return EG_OK;
}

/* Pairs of a count and a colour. A count of 0: 0 ends the row, 1 the picture, 2 moves on by two numbers, more are so
 * many colours as they stand, padded to 16 bits. What is passed over has the first colour of the palette. */
static eg_status read_runs(const bmp *b, eg_picture *pic, eg_error *err) {
	const uint8_t *p = b->data + b->pixels, *end = b->data + b->size;
	int64_t x = 0, y = 0;
	for (int64_t i = 0; i < b->H * b->W; i++) put(b, pic, i % b->W, i / b->W, b->palette[0]);
	while (end - p >= 2) {
		int count = p[0], value = p[1];
		const bool as_is = count == 0 && value > 2;
		p += 2;
		if (count == 0 && value == 1) return EG_OK;
		if (count == 0 && value == 0) {
			x = 0, y++;
			continue;
		}
		if (count == 0 && value == 2) {
			if (end - p < 2) break;
			x += p[0], y += p[1], p += 2;
			continue;
		}
		if (as_is) count = value;
		if (as_is && end - p < count + (count & 1)) break;
		if (y >= b->H || x > b->W - count) return damaged(err, "a run of pixels leaves its row");
		for (int i = 0; i < count; i++) {
			eg_status status = put_index(b, pic, x++, y, as_is ? p[i] : value, err);
			if (status) return status;
		}
		if (as_is) p += count + (count & 1);
	}
	return damaged(err, "it is cut off in its pixels");
}

eg_status eg_bmp_decode(const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err) {
	bmp b = {.data = data, .size = size};
	eg_status status = read_head(&b, err);
	if (status) return status;
	const int64_t stride = (b.W * b.bits + 31) / 32 * 4;
	/* Before memory is asked for: are they all in the file? */
	if (b.packing != RUNS_8 && b.W > 0 && b.H > 0 && b.H > (int64_t)(size - b.pixels) / stride)
		return eg_fail(err, EG_ERR_FORMAT, "it is a BMP that is cut off: %lld x %lld pixels are promised, %zu bytes are there",
		        (long long)b.W, (long long)b.H, size - b.pixels);
	status = eg_picture_alloc(pic, b.grey ? 1 : 3, b.H, b.W, o, err);
	if (status) return status;
	return b.packing == RUNS_8 ? read_runs(&b, pic, err) : read_rows(&b, (size_t)stride, o, pic, err);
}
