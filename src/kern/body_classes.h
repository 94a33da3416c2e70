/* body_classes.h - class numbers beside vectors of floats: V neighbouring places lie in the lanes. */
#ifndef ENGRAM_BODY_CLASSES_H
#define ENGRAM_BODY_CLASSES_H

#include "kern/simd.h"

/* Class numbers as floats: NaN outside of 0..n-1, -1 for those that do not count. The last vector is filled up so. */
static inline void classes_read(const int32_t *label, int count, int n, int32_t ignore, float *to) {
	for (int i = 0; i < count; i++) {
		const int32_t t = label[i];
		to[i] = t == ignore ? -1.0f : t < 0 || t >= n ? NAN : (float)t;
	}
	for (int i = count; i % V; i++) to[i] = -1.0f;
}

/* 1 in the lanes of class c, 0 in others, NaN where the number is. */
EG_ALWAYS_INLINE vf classes_hit(vf t, int c) {
	const vf far = vabs(vsub(t, vset1((float)c)));
	return vsel(vnan(t), t, vsel(vgt(vset1(0.5f), far), vset1(1.0f), vzero()));
}
/* x, but 0 in lanes that do not count. */
EG_ALWAYS_INLINE vf classes_count(vf t, vf x) { return vsel(vgt(vset1(-0.5f), t), vzero(), x); }

#endif
