/* window.c - padding where sizes decide about it, and words for messages. */
#include "ops/window.h"

#include <stdio.h>

const char *const window_pad_names[] = {"notset", "same_upper", "same_lower", "valid", NULL};
const char *const window_pad_onnx[] = {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID", NULL};

int window_pad_begin(window_pad p, int64_t padding) {
	if (padding < 0) padding = 0;
	return (int)(p == WINDOW_PAD_SAME_UPPER ? padding / 2 : padding - padding / 2);
}

const char *window_text(const int *v, int axes, char text[48]) {
	size_t at = 0;
	for (int i = 0; i < axes; i++) at += (size_t)snprintf(text + at, 48 - at, "%s%d", i ? "x" : "", v[i]);
	return text;
}
