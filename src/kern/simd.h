/* simd.h - one vector of floats under one set of names, so that kernel bodies (body_*.c) are written once and compiled
 * for each instruction set.
 *
 * Which set is used follows from the compiler's flags of the translation unit (CMakeLists.txt compiles each body once
 * a set), or from EG_PORTABLE_LANES, which asks for vectors of that many lanes in plain C. EG_NAME(f) gives a function
 * that is seen outside of its file the suffix of the set; others need none. A body holds no intrinsics and no test of
 * the instruction set: it uses the names below, and makes its choices by
 *
 *   V      floats in a vector: 4, 8 or 16; always a divisor of EG_BLOCK
 *   VREGS  vector registers: 16 or 32           (EG_V and EG_VREGS: the same for the preprocessor)
 *
 * Types: `vf` holds V floats, `vm` is a mask of V lanes, `vidx` holds V indices of 16 bits, `vu` V/2 words of 64 bits.
 *
 *   vzero vset1 vload vstore      nothing need be aligned
 *   vfirst(n) vrange(a, b)        masks: the first n lanes, 0 <= n <= V; lanes a..b-1, 0 <= a <= b <= V
 *   vload_m vstore_m              the lanes of a mask; others become 0 and are not touched in memory
 *   vload_n vstore_n              the first n lanes, likewise; with a constant n of V these are the plain load and
 *                                 store
 *   vgather_m(p, step, m)         p[lane * step], likewise
 *   vadd vsub vmul vdiv vsqrt vabs vround (to the nearest, ties to even)
 *   vfma vfnma                    a*b + c; c - a*b. Fused, but for the portable set
 *   vmax vmin                     the second operand where either is NaN
 *   vgt vnan vor_m vand_m vsel(m, yes, no) vkeep(m, x)           vkeep: 0 in the other lanes
 *   vwins(x, best)                x is larger, or the first NaN
 *   vscalef(x, n)                 2^n * x for an integral n in vector form, saturating to 0 and infinity
 *   vscalef_near(x, n)            the same where x is about 1 and |n| <= 100
 *   vfraction(x, &n)              x = f 2^n with 1/2 <= |f| < 1, for a normal number x; f
 *   vsum vmax_all                 over all lanes, always in the same order; a NaN may or may not come through vmax_all
 *   vsum4(a, b, c, d, to, add)    to[0..4) = [to +] the four sums, each in the same order
 *   vtranspose(r)                 columns into rows of a V x V tile, in place
 *   vload_even(p)                 p[0], p[2], ... p[2V-2]; p[2V-1] is read too
 *   vzip(a, b, &low, &high)       a[0], b[0], a[1], b[1], ...
 *   vidx_set1 vidx_sel vidx_load vidx_store vidx_eq; vidx_load_bytes vidx_store_bytes: indices below 256
 *   vu_set64 vu_add64 vu_xor3     on words
 *   vu_mul vu_high vu_pair        product of the low halves; high halves in the place of the low ones (what is left in
 *                                 the high halves does not matter); low halves of a below low halves of b
 *   vu_lo64 vu_hi64 vu_blocks     two shuffles of words, and the numbers of words such that the two give them in order
 *   vu_ge32(a, b)                 mask of V lanes: words of 32 bits >= b, unsigned
 *   EG_UNROLL                     before a loop of at most 32 rounds over accumulators: unrolled early, so that they
 *                                 live in registers
 *   EG_KEEP(x)                    keeps a loaded vector in its register: gcc folds the load into every multiply-add
 *                                 that uses it, and runs out of loads
 *
 * Not here: anything that loops over a tensor. */
#ifndef ENGRAM_SIMD_H
#define ENGRAM_SIMD_H

#include "kern/kern_types.h"

#include <math.h>

#define EG_CAT2(a, b) a##__##b
#define EG_CAT(a, b) EG_CAT2(a, b)
#define EG_NAME(f) EG_CAT(f, EG_SUFFIX)

#if defined(EG_PORTABLE_LANES)
#define EG_UNROLL /* no number of registers would do */
#elif defined(__clang__)
#define EG_UNROLL _Pragma("clang loop unroll(full)")
#else
#define EG_UNROLL _Pragma("GCC unroll 32")
#endif

#if defined(EG_PORTABLE_LANES)
#include "kern/simd_portable.h"
#elif defined(__AVX512F__)
#include "kern/simd_avx512.h"
#elif defined(__AVX2__)
#include "kern/simd_avx2.h"
#elif defined(__aarch64__)
#include "kern/simd_neon.h"
#else
#error "simd.h: this translation unit needs -mavx2 or -mavx512f, or EG_PORTABLE_LANES"
#endif

enum { V = EG_V, VREGS = EG_VREGS };

/* A loop and its tail can share one body: `for (; i + V <= n; i += V) body(i, V); if (i < n) body(i, (int)(n -
 * i));`. */
EG_ALWAYS_INLINE vf vload_n(const float *p, int n) { return n == V ? vload(p) : vload_m(p, vfirst(n)); }
EG_ALWAYS_INLINE void vstore_n(float *p, int n, vf x) {
	if (n == V)
		vstore(p, x);
	else
		vstore_m(p, vfirst(n), x);
}

/* e^x by range reduction to |r| <= ln2/2 and a polynomial of degree 6 (relative error 1.2e-7); 0 below -104, infinity
 * above 88.8, NaN stays NaN. */
EG_ALWAYS_INLINE vf vexp(vf x) {
	vf lo = vset1(-104.0f), hi = vset1(89.0f), in = x;
	x = vmax(lo, vmin(hi, x)); /* NaN comes through: it is the second operand */
	vf n = vround(vmul(x, vset1(1.44269504088896341f)));
	vf r = vfnma(n, vset1(0.693145751953125f), x);
	r = vfnma(n, vset1(1.42860682030941723e-6f), r);
	vf p = vset1(1.0f / 720);
	p = vfma(p, r, vset1(1.0f / 120));
	p = vfma(p, r, vset1(1.0f / 24));
	p = vfma(p, r, vset1(1.0f / 6));
	p = vfma(p, r, vset1(0.5f));
	p = vfma(p, r, vset1(1.0f));
	p = vfma(p, r, vset1(1.0f));
	return vsel(vnan(in), in, vscalef(p, n));
}
/* log x = n log 2 + log f by Cephes' polynomial on f - 1 (relative error 1.2e-7), sqrt(1/2) <= f < sqrt 2; -infinity at
 * 0, NaN below. */
EG_ALWAYS_INLINE vf vlog(vf x) {
	const vf one = vset1(1.0f);
	vm tiny = vgt(vset1(1.17549435e-38f), x); /* no normal number: brought up, or not in the domain */
	vf n, f = vfraction(vsel(tiny, vmul(x, vset1(33554432.0f)), x), &n);
	n = vsub(n, vsel(tiny, vset1(25.0f), vzero()));
	vm low = vgt(vset1(0.707106781186547524f), f);
	n = vsub(n, vsel(low, one, vzero()));
	f = vsub(vsel(low, vadd(f, f), f), one);
	vf z = vmul(f, f), p = vset1(7.0376836292e-2f);
	p = vfma(p, f, vset1(-1.1514610310e-1f));
	p = vfma(p, f, vset1(1.1676998740e-1f));
	p = vfma(p, f, vset1(-1.2420140846e-1f));
	p = vfma(p, f, vset1(1.4249322787e-1f));
	p = vfma(p, f, vset1(-1.6668057665e-1f));
	p = vfma(p, f, vset1(2.0000714765e-1f));
	p = vfma(p, f, vset1(-2.4999993993e-1f));
	p = vfma(p, f, vset1(3.3333331174e-1f));
	vf y = vmul(vmul(p, f), z);
	y = vfma(n, vset1(-2.12194440e-4f), y);
	y = vfnma(vset1(0.5f), z, y);
	y = vfma(n, vset1(0.693359375f), vadd(f, y));
	y = vsel(vgt(x, vset1(3.40282347e38f)), x, y);
	y = vsel(vgt(x, vzero()), y, vsel(vgt(vzero(), x), vset1(NAN), vset1(-INFINITY)));
	return vsel(vnan(x), x, y);
}
EG_ALWAYS_INLINE vf vsigmoid(vf x) { return vdiv(vset1(1.0f), vadd(vset1(1.0f), vexp(vsub(vzero(), x)))); }
/* tanh x = 1 - 2 / (e^2x + 1) for |x| >= 0.625, below an odd polynomial (Cephes), so that small values keep all
 * digits. */
EG_ALWAYS_INLINE vf vtanh(vf x) {
	vf big = vsub(vset1(1.0f), vdiv(vset1(2.0f), vadd(vexp(vadd(x, x)), vset1(1.0f))));
	vf s = vmul(x, x), p = vset1(-5.70498872745e-3f);
	p = vfma(p, s, vset1(2.06390887954e-2f));
	p = vfma(p, s, vset1(-5.37397155531e-2f));
	p = vfma(p, s, vset1(1.33314422036e-1f));
	p = vfma(p, s, vset1(-3.33332819422e-1f));
	vf small = vfma(vmul(p, s), x, x);
	return vsel(vgt(vabs(x), vset1(0.625f)), big, small);
}

#endif
