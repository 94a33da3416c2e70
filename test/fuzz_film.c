/* fuzz_film.c - any bytes as a Y4M; what is none, as raw frames of a size that the first byte says. What can be read is
 * read to its end. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/film.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
	static const char *const pixels[] = {NULL, "bgr24", "rgba", "gray", "yuv420p", "yuv422p", "yuv444p", "none"};
	if (size == 0) return 0;
	FILE *stream = fmemopen((void *)(uintptr_t)data, size, "rb");
	const eg_film_options o = {.H = data[0] % 5, .W = data[0] / 5 % 5, .pixels = pixels[data[0] % 8]};
	const uint8_t *frame = NULL;
	eg_film *f;
	eg_error err;
	if (!stream) return 0;
	if (eg_film_open_stream(stream, "fuzz", &o, &f, &err) != EG_OK) {
		if (f) abort();
		return 0;
	}
	const eg_film_info *about = eg_film_about(f);
	if ((about->C != 1 && about->C != 3) || about->H < 1 || about->W < 1 || about->per < 1) abort();
	/* a frame of many pixels is not decoded again and again */
	for (int64_t n = 0; n * about->H * about->W < 1 << 20 && !eg_film_next(f, &frame, &err) && frame; n++) {
		volatile uint8_t last = frame[(size_t)about->C * (size_t)about->H * (size_t)about->W - 1];
		(void)last;
	}
	eg_film_close(f);
	return 0;
}
