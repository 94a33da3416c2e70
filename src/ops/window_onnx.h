/* window_onnx.h - export and import of what slides over axes (window_onnx.c). */
#ifndef ENGRAM_OPS_WINDOW_ONNX_H
#define ENGRAM_OPS_WINDOW_ONNX_H

#include "ops/window.h"

void window_export(eg_export *x, const char *type);
/* False where x has another number of axes than `op`. */
bool window_import(eg_import *m, const char *op);

/* The two hooks of an operator. */
#define WINDOW_ONNX(op, type) \
	static void op##_export(eg_export *x) { window_export(x, type); } \
	static bool op##_import(eg_import *m) { return window_import(m, #op); }

#endif
