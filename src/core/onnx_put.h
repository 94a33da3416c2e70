/* onnx_put.h - operators of ours put down by their names, in few words: for who makes several of one of ONNX. Names are
 * short, since expressions are long. */
#ifndef ENGRAM_ONNX_PUT_H
#define ENGRAM_ONNX_PUT_H

#include "core/onnx_import.h"

typedef eg_import_setting setting;
#define INT(name, v) {(name), (const int[]){(int)(v)}, 1, 0, NULL}
#define LIST(name, v, n) {(name), (v), (n), 0, NULL}
#define REAL(name, v) {(name), NULL, 0, (v), NULL}
#define REALS(name, v, n) {(name), NULL, (n), 0, (v)}

static inline eg_tensor one(eg_import *m, const char *op, eg_tensor x, const setting *set) { return eg_import_put(m, op, &x, 1, set); }
static inline eg_tensor two(eg_import *m, const char *op, eg_tensor a, eg_tensor b) { return eg_import_put(m, op, (eg_tensor[]){a, b}, 2, NULL); }
static inline eg_tensor number(eg_import *m, double v) {
	const eg_real r = (eg_real)v;
	return eg_constant(eg_import_graph(m), &r, EG_F32, EG_DIMS(1));
}
static inline eg_tensor shaped(eg_import *m, eg_tensor x, const int *shape, int n) { return one(m, "reshape", x, (setting[]){LIST("shape", shape, n), {0}}); }

#endif
