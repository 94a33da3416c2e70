/* conv_frames.h - convolutions with any number of axes between PLAIN buffers. Depth becomes batch: the taps of a
 * filter along the depth become channels (gathered), each position along it a picture of its own, and what is left
 * are pictures (conv_calls.h). Without a third axis nothing is moved. */
#ifndef ENGRAM_OPS_CONV_FRAMES_H
#define ENGRAM_OPS_CONV_FRAMES_H

#include "ops/conv_calls.h"
#include "ops/conv_options.h"

/* y as its `size` by strides from x, as in eg_strided_args; the rest of that is filled in. */
void conv_strided(eg_emit *e, eg_buf x, eg_buf y, eg_strided_args a);
/* One dimension more. */
static inline void conv_walk(eg_strided_args *a, int64_t size, int64_t stride) {
	a->size[a->rank] = a->count[a->rank] = (int)size;
	a->step[a->rank] = 1;
	a->stride[a->rank++] = stride;
}

/* A window axis seen by one tap: outputs [first, end), of which `first` sees input `at`. */
typedef struct conv_tap {
	int first, end, at;
} conv_tap;
conv_tap conv_tap_of(const conv_axis *a, int tap);

/* The pictures that a convolution of volumes is made of, and its x and its y in their form: buffers of their own, or
 * x and y themselves. */
eg_conv_shape conv_frame_shape(const conv_volume *v);
eg_buf conv_gather(eg_emit *e, const conv_volume *v, eg_buf x);
eg_buf conv_frames(eg_emit *e, const conv_volume *v, eg_buf y);

/* On these: y = act(conv(x, w) + b), x gathered; dx = [dx +] its adjoint, dy frames; gradients of weights. */
void conv_frames_fwd(eg_emit *e, const conv_volume *v, eg_buf gathered, eg_buf w, eg_buf b, eg_buf y, eg_act act, bool acc);
void conv_frames_data(eg_emit *e, const conv_volume *v, eg_buf frames, eg_buf w, eg_buf dx, bool acc);
void conv_frames_weights(eg_emit *e, const conv_volume *v, eg_buf gathered, eg_buf frames, conv_grads g);

/* For operators whose products leave it out: y (N,K,plane) = act(y + bias), in place, with parameter 1 (K), if there
 * is one; and its gradient. */
void conv_finish(eg_emit *e, eg_buf y, int64_t N, int64_t K, int64_t plane, eg_act act);
void conv_bias_grad(eg_emit *e, eg_buf dy, int64_t N, int64_t K, int64_t plane);

#endif
