/* simd.h - one vector of floats under one set of names, so that kernel bodies (body_*.h) are written once and compiled for
 * each instruction set.
 *
 * `vf` holds V floats, `vm` is a mask of V lanes. Which set is used follows from the compiler's flags of the translation
 * unit (isa_avx2.c, isa_avx512.c); EG_NAME(f) gives a function the suffix of the set.
 *
 * Not here: anything that loops over a tensor. */
#ifndef ENGRAM_SIMD_H
#define ENGRAM_SIMD_H

#include "kern/kern.h"

#include <immintrin.h>

#define EG_CAT2(a, b) a##__##b
#define EG_CAT(a, b) EG_CAT2(a, b)
#define EG_NAME(f) EG_CAT(f, EG_SUFFIX)

#if defined(__AVX512F__)

#define EG_SUFFIX avx512
enum { V = 16, VREGS = 32 };
typedef __m512 vf;
typedef __mmask16 vm;

EG_ALWAYS_INLINE vf vzero(void) { return _mm512_setzero_ps(); }
EG_ALWAYS_INLINE vf vset1(float x) { return _mm512_set1_ps(x); }
EG_ALWAYS_INLINE vf vload(const float *p) { return _mm512_loadu_ps(p); }
EG_ALWAYS_INLINE void vstore(float *p, vf x) { _mm512_storeu_ps(p, x); }
EG_ALWAYS_INLINE vm vfirst(int n) { return (vm)((1u << n) - 1u); } /* the first n lanes, 0 <= n <= V */
EG_ALWAYS_INLINE vf vload_m(const float *p, vm m) { return _mm512_maskz_loadu_ps(m, p); } /* others are 0, not touched */
EG_ALWAYS_INLINE void vstore_m(float *p, vm m, vf x) { _mm512_mask_storeu_ps(p, m, x); }
EG_ALWAYS_INLINE vf vadd(vf a, vf b) { return _mm512_add_ps(a, b); }
EG_ALWAYS_INLINE vf vsub(vf a, vf b) { return _mm512_sub_ps(a, b); }
EG_ALWAYS_INLINE vf vmul(vf a, vf b) { return _mm512_mul_ps(a, b); }
EG_ALWAYS_INLINE vf vdiv(vf a, vf b) { return _mm512_div_ps(a, b); }
EG_ALWAYS_INLINE vf vsqrt(vf a) { return _mm512_sqrt_ps(a); }
EG_ALWAYS_INLINE vf vfma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }   /* a*b + c */
EG_ALWAYS_INLINE vf vfnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); } /* c - a*b */
/* The second operand when either is NaN, as the instruction does. */
EG_ALWAYS_INLINE vf vmax(vf a, vf b) { return _mm512_max_ps(a, b); }
EG_ALWAYS_INLINE vf vmin(vf a, vf b) { return _mm512_min_ps(a, b); }
EG_ALWAYS_INLINE vm vgt(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
EG_ALWAYS_INLINE vm vnan(vf a) { return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q); }
EG_ALWAYS_INLINE vm vor_m(vm a, vm b) { return (vm)(a | b); }
EG_ALWAYS_INLINE vf vsel(vm m, vf yes, vf no) { return _mm512_mask_blend_ps(m, no, yes); }
/* 2^n * x for an integral n in vector form, saturating to 0 and infinity. */
EG_ALWAYS_INLINE vf vscalef(vf x, vf n) { return _mm512_scalef_ps(x, n); }
/* The same where x is about 1 and |n| <= 100. */
EG_ALWAYS_INLINE vf vscalef_near(vf x, vf n) { return _mm512_scalef_ps(x, n); }
EG_ALWAYS_INLINE vf vround(vf x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
EG_ALWAYS_INLINE vf vabs(vf x) { return _mm512_abs_ps(x); }
/* The sum of all lanes, always in the same order. */
EG_ALWAYS_INLINE float vsum(vf x) {
	__m256 a = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
	__m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
	b = _mm_add_ps(b, _mm_movehl_ps(b, b));
	return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}
/* The largest of all lanes; a NaN may or may not come through. */
EG_ALWAYS_INLINE float vmax_all(vf x) {
	__m256 a = _mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
	__m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
	b = _mm_max_ps(b, _mm_movehl_ps(b, b));
	return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}
/* The four sums, a in lane 0. */
EG_ALWAYS_INLINE __m128 vsum4(vf a, vf b, vf c, vf d) {
	vf ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
	vf cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
	vf s = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
	__m256 t = _mm256_add_ps(_mm512_castps512_ps256(s), _mm512_extractf32x8_ps(s, 1));
	return _mm_add_ps(_mm256_castps256_ps128(t), _mm256_extractf128_ps(t, 1));
}
/* Columns into rows of a V x V tile, in place. */
EG_ALWAYS_INLINE void vtranspose(vf r[16]) {
	vf t[16];
	for (int i = 0; i < 16; i += 2) {
		t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
		t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
	}
	for (int i = 0; i < 16; i += 4) {
		r[i] = _mm512_shuffle_ps(t[i], t[i + 2], 0x44);
		r[i + 1] = _mm512_shuffle_ps(t[i], t[i + 2], 0xee);
		r[i + 2] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0x44);
		r[i + 3] = _mm512_shuffle_ps(t[i + 1], t[i + 3], 0xee);
	}
	for (int i = 0; i < 4; i++) {
		t[i] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88);
		t[i + 4] = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
		t[i + 8] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
		t[i + 12] = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
	}
	for (int i = 0; i < 4; i++) {
		r[i] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0x88);
		r[i + 8] = _mm512_shuffle_f32x4(t[i], t[i + 8], 0xdd);
		r[i + 4] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0x88);
		r[i + 12] = _mm512_shuffle_f32x4(t[i + 4], t[i + 12], 0xdd);
	}
}

#elif defined(__AVX2__)

#define EG_SUFFIX avx2
enum { V = 8, VREGS = 16 };
typedef __m256 vf;
typedef __m256 vm;

EG_ALWAYS_INLINE vf vzero(void) { return _mm256_setzero_ps(); }
EG_ALWAYS_INLINE vf vset1(float x) { return _mm256_set1_ps(x); }
EG_ALWAYS_INLINE vf vload(const float *p) { return _mm256_loadu_ps(p); }
EG_ALWAYS_INLINE void vstore(float *p, vf x) { _mm256_storeu_ps(p, x); }
EG_ALWAYS_INLINE vm vfirst(int n) {
	__m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
	return _mm256_castsi256_ps(_mm256_cmpgt_epi32(_mm256_set1_epi32(n), lane));
}
EG_ALWAYS_INLINE vf vload_m(const float *p, vm m) { return _mm256_maskload_ps(p, _mm256_castps_si256(m)); }
EG_ALWAYS_INLINE void vstore_m(float *p, vm m, vf x) { _mm256_maskstore_ps(p, _mm256_castps_si256(m), x); }
EG_ALWAYS_INLINE vf vadd(vf a, vf b) { return _mm256_add_ps(a, b); }
EG_ALWAYS_INLINE vf vsub(vf a, vf b) { return _mm256_sub_ps(a, b); }
EG_ALWAYS_INLINE vf vmul(vf a, vf b) { return _mm256_mul_ps(a, b); }
EG_ALWAYS_INLINE vf vdiv(vf a, vf b) { return _mm256_div_ps(a, b); }
EG_ALWAYS_INLINE vf vsqrt(vf a) { return _mm256_sqrt_ps(a); }
EG_ALWAYS_INLINE vf vfma(vf a, vf b, vf c) { return _mm256_fmadd_ps(a, b, c); }
EG_ALWAYS_INLINE vf vfnma(vf a, vf b, vf c) { return _mm256_fnmadd_ps(a, b, c); }
EG_ALWAYS_INLINE vf vmax(vf a, vf b) { return _mm256_max_ps(a, b); }
EG_ALWAYS_INLINE vf vmin(vf a, vf b) { return _mm256_min_ps(a, b); }
EG_ALWAYS_INLINE vm vgt(vf a, vf b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
EG_ALWAYS_INLINE vm vnan(vf a) { return _mm256_cmp_ps(a, a, _CMP_UNORD_Q); }
EG_ALWAYS_INLINE vm vor_m(vm a, vm b) { return _mm256_or_ps(a, b); }
EG_ALWAYS_INLINE vf vsel(vm m, vf yes, vf no) { return _mm256_blendv_ps(no, yes, m); }
EG_ALWAYS_INLINE vf vround(vf x) { return _mm256_round_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
EG_ALWAYS_INLINE vf vabs(vf x) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), x); }
/* n is brought into -252..254 and applied as two factors, so that denormal and infinite results come out right. */
EG_ALWAYS_INLINE vf vscalef(vf x, vf n) {
	n = vmax(vmin(n, vset1(254.0f)), vset1(-252.0f));
	__m256i i = _mm256_cvtps_epi32(n), h = _mm256_srai_epi32(i, 1), l = _mm256_sub_epi32(i, h), bias = _mm256_set1_epi32(127);
	vf a = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(h, bias), 23));
	vf b = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(l, bias), 23));
	return vmul(vmul(x, a), b);
}
EG_ALWAYS_INLINE vf vscalef_near(vf x, vf n) { /* n of NaN becomes 2^31, shifted 0: x stays */
	__m256i i = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
	return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(x), i));
}
EG_ALWAYS_INLINE float vsum(vf x) {
	__m128 b = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
	b = _mm_add_ps(b, _mm_movehl_ps(b, b));
	return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}
EG_ALWAYS_INLINE float vmax_all(vf x) {
	__m128 b = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
	b = _mm_max_ps(b, _mm_movehl_ps(b, b));
	return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}
EG_ALWAYS_INLINE __m128 vsum4(vf a, vf b, vf c, vf d) {
	vf ab = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
	vf cd = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
	vf s = _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xee));
	return _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
}
EG_ALWAYS_INLINE void vtranspose(vf r[8]) {
	vf t[8];
	for (int i = 0; i < 8; i += 2) {
		t[i] = _mm256_unpacklo_ps(r[i], r[i + 1]);
		t[i + 1] = _mm256_unpackhi_ps(r[i], r[i + 1]);
	}
	for (int i = 0; i < 8; i += 4) {
		r[i] = _mm256_shuffle_ps(t[i], t[i + 2], 0x44);
		r[i + 1] = _mm256_shuffle_ps(t[i], t[i + 2], 0xee);
		r[i + 2] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0x44);
		r[i + 3] = _mm256_shuffle_ps(t[i + 1], t[i + 3], 0xee);
	}
	for (int i = 0; i < 4; i++) {
		t[i] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x20);
		t[i + 4] = _mm256_permute2f128_ps(r[i], r[i + 4], 0x31);
	}
	for (int i = 0; i < 8; i++) r[i] = t[i];
}

#else
#error "simd.h: this translation unit needs -mavx2 or -mavx512f"
#endif

/* The first n lanes, 0 <= n <= V, the others 0 and not touched. With a constant n of V these are the plain load and store, so
 * that a loop and its tail can share one body: `for (; i + V <= n; i += V) body(i, V); if (i < n) body(i, (int)(n - i));`. */
EG_ALWAYS_INLINE vf vload_n(const float *p, int n) { return n == V ? vload(p) : vload_m(p, vfirst(n)); }
EG_ALWAYS_INLINE void vstore_n(float *p, int n, vf x) {
	if (n == V)
		vstore(p, x);
	else
		vstore_m(p, vfirst(n), x);
}

/* e^x by range reduction to |r| <= ln2/2 and a polynomial of degree 6 (relative error 1.2e-7); 0 below -104, infinity above
 * 88.8, NaN stays NaN. */
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
EG_ALWAYS_INLINE vf vsigmoid(vf x) { return vdiv(vset1(1.0f), vadd(vset1(1.0f), vexp(vsub(vzero(), x)))); }
/* tanh x = 1 - 2 / (e^2x + 1) for |x| >= 0.625, below an odd polynomial (Cephes), so that small values keep all digits. */
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
