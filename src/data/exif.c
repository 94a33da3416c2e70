/* exif.c - which way up a picture is to be shown: the orientation that cameras note in EXIF data (CIPA DC-008, which is
 * TIFF 6.0 with tags of its own), and turning pixels by it. Of all that EXIF can say this is the one tag that changes a
 * picture, so it is read here, in some lines, and not by a library.
 *
 * What is damaged, or says nothing that exists, is as if it were not there: every viewer shows such a picture as it is
 * stored. Not here: where in a file the data lie (jpeg.c, png.c). */
#include "data/data.h"

#include <string.h>

enum { UPRIGHT = 1, ORIENTATIONS = 8, ENTRY = 12, TAG_ORIENTATION = 0x0112, TYPE_SHORT = 3, TYPE_LONG = 4 };

/* Numbers in the order of bytes that the head names. Nothing outside of `size` is looked at. */
typedef struct tiff {
	const uint8_t *data;
	size_t size;
	bool big;
} tiff;

static bool number(const tiff *t, size_t at, int bytes, uint32_t *v) {
	if (at > t->size || t->size - at < (size_t)bytes) return false;
	*v = 0;
	for (int i = 0; i < bytes; i++) *v = *v << 8 | t->data[at + (size_t)(t->big ? i : bytes - 1 - i)];
	return true;
}

int eg_exif_orientation(const void *data, size_t size) {
	tiff t = {data, size, false};
	uint32_t magic, at, n, tag, type, count, value = 0;
	if (size < 2 || (memcmp(data, "II", 2) != 0 && memcmp(data, "MM", 2) != 0)) return UPRIGHT;
	t.big = t.data[0] == 'M';
	if (!number(&t, 2, 2, &magic) || magic != 42 || !number(&t, 4, 4, &at) || !number(&t, at, 2, &n))
		return UPRIGHT;
	for (size_t i = 0; i < n; i++) { /* the first directory; the second is of the thumbnail */
		size_t entry = (size_t)at + 2 + i * ENTRY;
		if (!number(&t, entry, 2, &tag) || !number(&t, entry + 2, 2, &type) ||
		        !number(&t, entry + 4, 4, &count))
			return UPRIGHT;
		if (tag != TAG_ORIENTATION) continue;
		bool whole = (type == TYPE_SHORT || type == TYPE_LONG) && count == 1 &&
		             number(&t, entry + 8, type == TYPE_SHORT ? 2 : 4, &value);
		return whole && value >= UPRIGHT && value <= ORIENTATIONS ? (int)value : UPRIGHT;
	}
	return UPRIGHT;
}

/* ---- turning ----------------------------------------------------------------------------------------------------- */

/* The tag says which sides of what is to be seen are row 0 and column 0 of what is stored: 1 top, left; 2 top, right; 3
 * bottom, right; 4 bottom, left; 5 left, top; 6 right, top; 7 right, bottom; 8 left, bottom. */
static bool is_across(int orientation) { return orientation >= 5; }
static bool rows_from_end(int o) { return o == 3 || o == 4 || o == 6 || o == 7; }
static bool columns_from_end(int o) { return o == 2 || o == 3 || o == 7 || o == 8; }

eg_status eg_picture_turn(eg_picture *pic, int orientation, eg_error *err) {
	if (orientation <= UPRIGHT || orientation > ORIENTATIONS) return EG_OK;
	size_t H = (size_t)pic->H, W = (size_t)pic->W, plane = H * W;
	bool across = is_across(orientation);
	uint8_t *out = eg_calloc(pic->allocator, plane, (size_t)pic->C);
	if (!out) return eg_fail(err, EG_ERR_MEMORY, "no memory to turn its %zu x %zu pixels", W, H);
	for (size_t c = 0; c < (size_t)pic->C; c++) {
		const uint8_t *in = pic->pixels + c * plane;
		uint8_t *to = out + c * plane;
		for (size_t y = 0; y < H; y++) {
			size_t row = rows_from_end(orientation) ? H - 1 - y : y;
			for (size_t x = 0; x < W; x++) {
				size_t column = columns_from_end(orientation) ? W - 1 - x : x;
				to[across ? column * H + row : row * W + column] = *in++;
			}
		}
	}
	eg_release(pic->allocator, pic->pixels);
	pic->pixels = out;
	pic->H = (int)(across ? W : H), pic->W = (int)(across ? H : W);
	return EG_OK;
}
