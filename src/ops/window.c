/* window.c - output sizes of sliding windows, and what can be wrong with them. */
#include "ops/window.h"

/* How many windows there are along axis i; `extent` is what one covers. */
static int64_t outputs(eg_infer *s, const window *w, int i, int64_t extent) {
	const int64_t in = s->in[0].d[2 + i], stride = w->stride[i], range = in + 2 * (int64_t)w->padding[i] - extent;
	if (in < 0) return stride == 1 && 2 * (int64_t)w->padding[i] == extent - 1 ? in : eg_infer_size(s, in);
	int64_t out = (range + (w->ceil_mode ? stride - 1 : 0)) / stride + 1;
	return w->ceil_mode && (out - 1) * stride >= in + w->padding[i] ? out - 1 : out;
}

eg_status window_infer(eg_infer *s, const window *w) {
	char text[128];
	const eg_dims *x = &s->in[0];
	if (op_check_picture(s)) return s->err->status;
	s->out[0].rank = 4;
	int64_t padded[2], extent[2];
	for (int i = 0; i < 2; i++) {
		padded[i] = x->d[2 + i] + 2 * (int64_t)w->padding[i];
		extent[i] = (int64_t)w->dilation[i] * (w->kernel[i] - 1) + 1;
	}
	if ((x->d[2] > 0 && extent[0] > padded[0]) || (x->d[3] > 0 && extent[1] > padded[1]))
		return eg_fail(s->err, EG_ERR_SHAPE,
			"kernel %dx%d with dilation %dx%d covers %lldx%lld, more than the %lldx%lld of x %s with "
			"padding %dx%d; use a "
			"smaller kernel or more padding",
			w->kernel[0], w->kernel[1], w->dilation[0], w->dilation[1], (long long)extent[0],
			(long long)extent[1], (long long)padded[0], (long long)padded[1],
			eg_dims_text(x, text, sizeof text), w->padding[0], w->padding[1]);
	for (int i = 0; i < 2; i++) {
		s->out[0].d[2 + i] = outputs(s, w, i, extent[i]);
		s->info->window[i] = w->kernel[i];
		s->info->stride[i] = w->stride[i];
		s->info->dilation[i] = w->dilation[i];
	}
	return EG_OK;
}

/* Does a window that begins at `start` touch 0..in-1? */
static bool touches(int64_t start, int kernel, int dilation, int64_t in) {
	int64_t first = start >= 0 ? 0 : (-start + dilation - 1) / dilation;
	return first < kernel && start + first * dilation < in;
}

eg_status window_check_taps(const eg_infer *s, const window *w) {
	static const char *const side[] = {"row", "column"};
	char text[128];
	for (int i = 0; i < 2; i++) {
		for (int64_t p = 0; p < s->out[0].d[2 + i]; p++) { /* none of an open size */
			if (touches(p * w->stride[i] - w->padding[i], w->kernel[i], w->dilation[i], s->in[0].d[2 + i]))
				continue;
			return eg_fail(s->err, EG_ERR_SHAPE,
				"%s %lld of the output would see nothing but padding: kernel %dx%d, stride %dx%d, "
				"padding %dx%d, dilation "
				"%dx%d over x %s; keep the padding at half of the kernel at most",
				side[i], (long long)p, w->kernel[0], w->kernel[1], w->stride[0], w->stride[1],
				w->padding[0], w->padding[1], w->dilation[0], w->dilation[1],
				eg_dims_text(&s->in[0], text, sizeof text));
		}
	}
	return EG_OK;
}
