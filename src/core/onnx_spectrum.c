/* onnx_spectrum.c - ONNX's STFT: frames of a signal, times a window, as sums of cosines and sines. With a frame's
 * length known that is a convolution with weights that are these, which is what it becomes. */
#include "core/onnx_put.h"

#include <math.h>

#define TURN 6.28318530717958647692
enum { FRAME_MOST = 4096 };

/* Filters (2 bins,1,length): of each frequency the cosine and the sine of e^-i. */
static const real *waves(eg_import *m, int64_t length, const real *window) {
	const int64_t bins = length / 2 + 1;
	real *w = eg_import_room(m, 2 * bins * length);
	for (int64_t k = 0; k < bins && w; k++)
		for (int64_t t = 0; t < length; t++) {
			const double at = TURN * (double)(k * t % length) / (double)length, by = window ? (double)window[t] : 1;
			w[2 * k * length + t] = (real)(by * cos(at));
			w[(2 * k + 1) * length + t] = (real)(-by * sin(at));
		}
	return w;
}

bool eg_import_stft(eg_import *m) {
	const eg_dims x = eg_import_in_dims(m, 0);
	eg_dims w = {0};
	const double step = eg_import_number(m, 1);
	const real *window = eg_import_has_in(m, 2) ? eg_import_reals(m, 2, &w) : NULL;
	const double length = eg_import_has_in(m, 3) ? eg_import_number(m, 3) : window ? (double)w.d[0] : 0;
	if (!eg_import_int(m, "onesided", 1)) eg_import_fail(m, "all frequencies (onesided 0) are not supported, those up to the half are");
	else if (x.rank != 2 && (x.rank != 3 || x.d[2] != 1)) eg_import_fail(m, "signals of complex numbers are not supported");
	else if (!(length >= 1 && length <= FRAME_MOST) || (window && (w.rank != 1 || (double)w.d[0] != length)) || !(step >= 1 && step <= INT32_MAX))
		eg_import_fail(m, "frames are of 1 to %d samples, with a window as long, and at least one sample apart", FRAME_MOST);
	if (m->error.status) return true;
	const int n = (int)length, bins = n / 2 + 1;
	const eg_tensor signal = shaped(m, eg_import_in(m, 0), (const int[]){0, 1, -1}, 3);
	const eg_tensor y = one(m, "conv1d", signal, (setting[]){INT("filters", 2 * bins), INT("kernel", n), INT("stride", step), INT("bias", 0), {0}});
	eg_import_param(m, y, "weight", waves(m, n, window), (int64_t)2 * bins * n);
	const eg_tensor apart = shaped(m, y, (const int[]){0, bins, 2, -1}, 4);
	eg_import_out(m, 0, one(m, "transpose", apart, (setting[]){LIST("perm", ((const int[]){0, 3, 1, 2}), 4), {0}}));
	return true;
}
