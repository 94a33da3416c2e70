/* fuzz_picture.c - any bytes as a picture, and what could be read as a model's input. Readers: png, jpeg, webp,
 * bmp, pnm (what begins otherwise is passed over then), and mask (a PNG's indices). */
#include "data/data.h"
#include "fuzz.h"

#include <math.h>
#include <zlib.h>

static bool begins(const uint8_t *data, size_t size, const char *text) {
	return size >= strlen(text) && memcmp(data, text, strlen(text)) == 0;
}

/* Is it of the reader that is meant? */
static bool is_meant(const uint8_t *data, size_t size) {
	static const struct {
		const char *reader, *begins;
	} kinds[] = {{"png", "\x89PNG"}, {"jpeg", "\xff\xd8\xff"}, {"webp", "RIFF"}, {"bmp", "BM"}, {"pnm", "P"}};
	for (int i = 0; i < EG_COUNT(kinds); i++)
		if (begins(data, size, kinds[i].begins)) return fuzz_wants(kinds[i].reader);
	return fuzz_wants("");
}

static void as_mask(const uint8_t *data, size_t size, const eg_picture_options *o) {
	eg_picture mask = {0};
	eg_error err;
	if (eg_png_decode_indices(data, size, o, &mask, &err) == EG_OK && mask.C != 1) abort();
	eg_picture_free(&mask);
}

/* The checksum of each chunk of a PNG. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed) {
	size = LLVMFuzzerMutate(data, size, most);
	if (!begins(data, size, "\x89PNG") || seed % 8 == 0) return size;
	for (size_t at = 8; size >= 12 && at <= size - 12;) {
		const size_t n = (size_t)data[at] << 24 | (size_t)data[at + 1] << 16 | (size_t)data[at + 2] << 8 | data[at + 3];
		if (n > size - 12 - at) break;
		const uint32_t sum = (uint32_t)crc32(0, data + at + 4, (uInt)n + 4);
		for (int i = 0; i < 4; i++) data[at + 8 + n + (size_t)i] = (uint8_t)(sum >> (24 - 8 * i));
		at += 12 + n;
	}
	return size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	eg_error err;
	eg_picture pic;
	eg_picture_options o = {.max_pixels = 1 << 18, .shrink = size % 3 == 0};
	int way = eg_exif_orientation(data, size);
	if (way < 1 || way > 8) abort();
	if (fuzz_wants("mask")) as_mask(data, size, &o);
	if (!is_meant(data, size)) return 0;
	if (eg_picture_decode(data, size, "fuzz", &o, &pic, &err) != EG_OK) {
		if (pic.pixels) abort();
		return 0;
	}
	eg_real out[3 * 9 * 11];
	eg_fit_options f = {.fit = size % 2 ? EG_FIT_PAD : EG_FIT_STRETCH, .invert = EG_INVERT_AUTO};
	for (int C = 1; C <= 3; C += 2) {
		if (eg_picture_fit(&pic, &f, C, 9, 11, out, NULL, &err) != EG_OK) abort();
		for (int i = 0; i < C * 99; i++)
			if (!(out[i] > (eg_real)-0.01 && out[i] < (eg_real)1.01)) abort();
	}
	eg_picture_free(&pic);
	return 0;
}
