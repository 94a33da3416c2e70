/* conv_mask.c - which filter sees which channel, as calls of conv_mask. */
#include "ops/conv_mask.h"

static int at_most(int a, int most) { return a < most ? a : most; }

void conv_mask_call(eg_emit *e, eg_ints mask, int taps, eg_buf from, eg_buf to, bool acc) {
	for (int first = 0; first < mask.n; first += EG_MASK_BITS) {
		eg_conv_mask_args a = {.x = eg_emit_part(e, from, (int64_t)first * taps),
			.y = eg_emit_part(e, to, (int64_t)first * taps),
			.blocks = at_most(mask.n - first, EG_MASK_BITS),
			.taps = taps,
			.acc = acc};
		for (int i = 0; i < a.blocks; i++)
			if (mask.at[first + i]) a.keep[i / EG_MASK_WORD] |= INT64_C(1) << i % EG_MASK_WORD;
		OP_CALL(e, conv_mask, a, 1, 1, .units = eg_blocks(a.blocks), .flops = (double)a.blocks * taps);
	}
}

eg_buf conv_masked(eg_emit *e, eg_ints mask, int taps, eg_buf w) {
	if (!mask.at) return w;
	eg_buf y = eg_emit_temp(e, EG_ELEM_REAL, (int64_t)mask.n * taps, false);
	conv_mask_call(e, mask, taps, w, y, false);
	return y;
}
