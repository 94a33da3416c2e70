/* film_form.c - how a frame's bytes become red, green and blue, and back. Brightness and colour as in ITU-R BT.601:
 * Y = 0.299 R + 0.587 G + 0.114 B, Cb = (B - Y) / 1.772, Cr = (R - Y) / 1.402, of studio range 219/255 and 224/255 of
 * that, from 16 on. */
#include "data/film.h"

#include <math.h>
#include <string.h>

static const eg_film_form forms[] = {
	{.name = "rgb24", .each = 3, .red = 0, .green = 1, .blue = 2},
	{.name = "bgr24", .each = 3, .red = 2, .green = 1, .blue = 0},
	{.name = "rgba", .each = 4, .red = 0, .green = 1, .blue = 2},
	{.name = "bgra", .each = 4, .red = 2, .green = 1, .blue = 0},
	{.name = "gray", .each = 1},
	{.name = "yuv420p", .sx = 2, .sy = 2},
	{.name = "yuv422p", .sx = 2, .sy = 1},
	{.name = "yuv444p", .sx = 1, .sy = 1},
};

const eg_film_form *eg_film_form_of(const char *name) {
	for (int i = 0; i < EG_COUNT(forms); i++)
		if (!strcmp(forms[i].name, name)) return &forms[i];
	return NULL;
}

bool eg_film_form_grey(const eg_film_form *f) { return f->each == 1 || (f->each == 0 && f->sx == 0); }

/* Samples along one side of a plane of colour. */
static int part(int side, int step) { return (side + step - 1) / step; }

static size_t chroma(const eg_film_form *f, int H, int W) {
	return f->sx ? (size_t)part(H, f->sy) * (size_t)part(W, f->sx) : 0;
}

size_t eg_film_form_bytes(const eg_film_form *f, int H, int W) {
	const size_t n = (size_t)H * (size_t)W;
	return f->each ? n * (size_t)f->each : n + 2 * chroma(f, H, W);
}

static uint8_t byte_of(double v) { return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v + 0.5); }

static void decode_packed(const eg_film_form *f, size_t n, const uint8_t *bytes, uint8_t *pixels) {
	const size_t each = (size_t)f->each;
	for (size_t i = 0; i < n; i++) {
		pixels[i] = bytes[i * each + (size_t)f->red];
		if (f->each == 1) continue;
		pixels[n + i] = bytes[i * each + (size_t)f->green];
		pixels[2 * n + i] = bytes[i * each + (size_t)f->blue];
	}
}

void eg_film_decode(const eg_film_form *f, int H, int W, const uint8_t *bytes, uint8_t *pixels) {
	const size_t n = (size_t)H * (size_t)W;
	if (f->each) {
		decode_packed(f, n, bytes, pixels);
		return;
	}
	const double of_y = f->full ? 1 : 255.0 / 219, of_c = f->full ? 1 : 255.0 / 224, least = f->full ? 0 : 16;
	const int w = f->sx ? part(W, f->sx) : 0;
	const uint8_t *cb = bytes + n, *cr = cb + chroma(f, H, W);
	for (int y = 0; y < H; y++)
		for (int x = 0; x < W; x++) {
			const size_t i = (size_t)y * (size_t)W + (size_t)x;
			const double Y = (bytes[i] - least) * of_y;
			if (!f->sx) {
				pixels[i] = byte_of(Y);
				continue;
			}
			const size_t k = (size_t)(y / f->sy) * (size_t)w + (size_t)(x / f->sx);
			const double B = (cb[k] - 128) * of_c, R = (cr[k] - 128) * of_c;
			pixels[i] = byte_of(Y + 1.402 * R);
			pixels[n + i] = byte_of(Y - (0.114 * 1.772 * B + 0.299 * 1.402 * R) / 0.587);
			pixels[2 * n + i] = byte_of(Y + 1.772 * B);
		}
}

static double brightness(int C, size_t n, const uint8_t *pixels, size_t i) {
	return C == 1 ? pixels[i] : 0.299 * pixels[i] + 0.587 * pixels[n + i] + 0.114 * pixels[2 * n + i];
}

/* Means over the pixels that share a sample of colour. */
static void encode_colour(const eg_film_form *f, int H, int W, int C, const uint8_t *pixels, uint8_t *cb, uint8_t *cr) {
	const size_t n = (size_t)H * (size_t)W;
	const double of_c = f->full ? 1 : 224.0 / 255;
	for (int y = 0; y < H; y += f->sy)
		for (int x = 0; x < W; x += f->sx) {
			double B = 0, R = 0;
			int count = 0;
			for (int v = y; v < y + f->sy && v < H; v++)
				for (int u = x; u < x + f->sx && u < W; u++, count++) {
					const size_t i = (size_t)v * (size_t)W + (size_t)u;
					const double Y = brightness(C, n, pixels, i);
					B += (C == 1 ? 0 : pixels[2 * n + i] - Y) / 1.772;
					R += (C == 1 ? 0 : pixels[i] - Y) / 1.402;
				}
			*cb++ = byte_of(128 + of_c * B / count);
			*cr++ = byte_of(128 + of_c * R / count);
		}
}

void eg_film_encode(const eg_film_form *f, int H, int W, int C, const uint8_t *pixels, uint8_t *bytes) {
	const size_t n = (size_t)H * (size_t)W;
	for (size_t i = 0; i < n; i++) {
		const double Y = brightness(C, n, pixels, i);
		bytes[i] = byte_of(f->full ? Y : 16 + Y * 219 / 255);
	}
	if (f->sx) encode_colour(f, H, W, C, pixels, bytes + n, bytes + n + chroma(f, H, W));
}
