/* window.h - what all operators share that slide over axes, whatever they do there: how much padding there is where the
 * sizes decide about it, and words for messages. */
#ifndef ENGRAM_OPS_WINDOW_H
#define ENGRAM_OPS_WINDOW_H

#include "ops/ops.h"

enum { WINDOW_AXES = 3 };

/* ONNX's auto_pad: as the options say; as many outputs as x has strides, the odd zero at the end (upper) or at the
 * beginning (lower); none. The names are in the same order, those in ONNX too. */
typedef enum window_pad { WINDOW_PAD_GIVEN, WINDOW_PAD_SAME_UPPER, WINDOW_PAD_SAME_LOWER, WINDOW_PAD_VALID } window_pad;
extern const char *const window_pad_names[], *const window_pad_onnx[];

static inline bool window_pad_is_same(window_pad p) { return p == WINDOW_PAD_SAME_UPPER || p == WINDOW_PAD_SAME_LOWER; }
/* How much of `padding` lies at the beginning; none where it would be negative. */
int window_pad_begin(window_pad p, int64_t padding);

/* "3x2": a number for each axis, into text, which is returned. */
const char *window_text(const int *v, int axes, char text[48]);

#endif
