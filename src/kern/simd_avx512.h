/* simd_avx512.h - the names of simd.h for AVX-512: F, DQ, BW and VL.
 *
 * Not here: what the names mean (simd.h). */
#ifndef ENGRAM_SIMD_AVX512_H
#define ENGRAM_SIMD_AVX512_H

#include <immintrin.h>

#define EG_SUFFIX avx512
#define EG_V 16
#define EG_VREGS 32
#define EG_KEEP(x) __asm__("" : "+v"(x))
typedef __m512 vf;
typedef __mmask16 vm;

EG_ALWAYS_INLINE vf vzero(void) { return _mm512_setzero_ps(); }
EG_ALWAYS_INLINE vf vset1(float x) { return _mm512_set1_ps(x); }
EG_ALWAYS_INLINE vf vload(const float *p) { return _mm512_loadu_ps(p); }
EG_ALWAYS_INLINE void vstore(float *p, vf x) { _mm512_storeu_ps(p, x); }
EG_ALWAYS_INLINE vm vfirst(int n) { return (vm)((1u << n) - 1u); }
EG_ALWAYS_INLINE vf vload_m(const float *p, vm m) { return _mm512_maskz_loadu_ps(m, p); }
EG_ALWAYS_INLINE void vstore_m(float *p, vm m, vf x) { _mm512_mask_storeu_ps(p, m, x); }
EG_ALWAYS_INLINE vf vadd(vf a, vf b) { return _mm512_add_ps(a, b); }
EG_ALWAYS_INLINE vf vsub(vf a, vf b) { return _mm512_sub_ps(a, b); }
EG_ALWAYS_INLINE vf vmul(vf a, vf b) { return _mm512_mul_ps(a, b); }
EG_ALWAYS_INLINE vf vdiv(vf a, vf b) { return _mm512_div_ps(a, b); }
EG_ALWAYS_INLINE vf vsqrt(vf a) { return _mm512_sqrt_ps(a); }
EG_ALWAYS_INLINE vf vfma(vf a, vf b, vf c) { return _mm512_fmadd_ps(a, b, c); }
EG_ALWAYS_INLINE vf vfnma(vf a, vf b, vf c) { return _mm512_fnmadd_ps(a, b, c); }
EG_ALWAYS_INLINE vf vmax(vf a, vf b) { return _mm512_max_ps(a, b); }
EG_ALWAYS_INLINE vf vmin(vf a, vf b) { return _mm512_min_ps(a, b); }
EG_ALWAYS_INLINE vm vgt(vf a, vf b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
EG_ALWAYS_INLINE vm vnan(vf a) { return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q); }
EG_ALWAYS_INLINE vm vrange(int a, int b) { return (vm)((1u << b) - (1u << a)); }
EG_ALWAYS_INLINE vm vor_m(vm a, vm b) { return (vm)(a | b); }
EG_ALWAYS_INLINE vm vand_m(vm a, vm b) { return (vm)(a & b); }
EG_ALWAYS_INLINE vf vkeep(vm m, vf x) { return _mm512_maskz_mov_ps(m, x); }
EG_ALWAYS_INLINE vm vwins(vf x, vf best) {
	return _mm512_mask_cmp_ps_mask(_mm512_cmp_ps_mask(x, best, _CMP_NLE_UQ), best, best, _CMP_ORD_Q);
}
EG_ALWAYS_INLINE vf vgather_m(const float *p, int step, vm m) {
	__m512i at = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
	return _mm512_mask_i32gather_ps(vzero(), m, _mm512_mullo_epi32(at, _mm512_set1_epi32(step)), p, 4);
}
EG_ALWAYS_INLINE vf vload_even(const float *p) {
	const __m512i even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
	return _mm512_permutex2var_ps(_mm512_loadu_ps(p), even, _mm512_loadu_ps(p + 16));
}
EG_ALWAYS_INLINE void vzip(vf a, vf b, vf *low, vf *high) {
	const __m512i lo = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
	const __m512i hi = _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
	*low = _mm512_permutex2var_ps(a, lo, b);
	*high = _mm512_permutex2var_ps(a, hi, b);
}
EG_ALWAYS_INLINE vf vsel(vm m, vf yes, vf no) { return _mm512_mask_blend_ps(m, no, yes); }
EG_ALWAYS_INLINE vf vscalef(vf x, vf n) { return _mm512_scalef_ps(x, n); }
EG_ALWAYS_INLINE vf vscalef_near(vf x, vf n) { return _mm512_scalef_ps(x, n); }
EG_ALWAYS_INLINE vf vround(vf x) { return _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC); }
EG_ALWAYS_INLINE vf vabs(vf x) { return _mm512_abs_ps(x); }
EG_ALWAYS_INLINE vf vfraction(vf x, vf *n) {
	*n = _mm512_add_ps(_mm512_getexp_ps(x), _mm512_set1_ps(1.0f));
	return _mm512_getmant_ps(x, _MM_MANT_NORM_p5_1, _MM_MANT_SIGN_src);
}
EG_ALWAYS_INLINE float vsum(vf x) {
	__m256 a = _mm256_add_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
	__m128 b = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
	b = _mm_add_ps(b, _mm_movehl_ps(b, b));
	return _mm_cvtss_f32(_mm_add_ss(b, _mm_movehdup_ps(b)));
}
EG_ALWAYS_INLINE float vmax_all(vf x) {
	__m256 a = _mm256_max_ps(_mm512_castps512_ps256(x), _mm512_extractf32x8_ps(x, 1));
	__m128 b = _mm_max_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
	b = _mm_max_ps(b, _mm_movehl_ps(b, b));
	return _mm_cvtss_f32(_mm_max_ss(b, _mm_movehdup_ps(b)));
}
EG_ALWAYS_INLINE void vsum4(vf a, vf b, vf c, vf d, float *to, bool add) {
	vf ab = _mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
	vf cd = _mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d));
	vf s = _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x44), _mm512_shuffle_ps(ab, cd, 0xee));
	__m256 t = _mm256_add_ps(_mm512_castps512_ps256(s), _mm512_extractf32x8_ps(s, 1));
	__m128 v = _mm_add_ps(_mm256_castps256_ps128(t), _mm256_extractf128_ps(t, 1));
	_mm_storeu_ps(to, add ? _mm_add_ps(_mm_loadu_ps(to), v) : v);
}
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

/* ---- indices of 16 bits, words of 64 bits ------------------------------------------------------------------------ */

typedef __m256i vidx;
EG_ALWAYS_INLINE vidx vidx_set1(int i) { return _mm256_set1_epi16((short)i); }
EG_ALWAYS_INLINE vidx vidx_sel(vm m, vidx yes, vidx no) { return _mm256_mask_blend_epi16(m, no, yes); }
EG_ALWAYS_INLINE vidx vidx_load(const uint16_t *p) { return _mm256_loadu_si256((const void *)p); }
EG_ALWAYS_INLINE void vidx_store(uint16_t *p, vidx i) { _mm256_storeu_si256((void *)p, i); }
EG_ALWAYS_INLINE vidx vidx_load_bytes(const uint8_t *p) { return _mm256_cvtepu8_epi16(_mm_loadu_si128((const void *)p)); }
EG_ALWAYS_INLINE void vidx_store_bytes(uint8_t *p, vidx i) { _mm_storeu_si128((void *)p, _mm256_cvtepi16_epi8(i)); }
EG_ALWAYS_INLINE vm vidx_eq(vidx a, vidx b) { return _mm256_cmpeq_epi16_mask(a, b); }

typedef __m512i vu;
EG_ALWAYS_INLINE vu vu_set64(uint64_t x) { return _mm512_set1_epi64((long long)x); }
EG_ALWAYS_INLINE vu vu_add64(vu a, vu b) { return _mm512_add_epi64(a, b); }
EG_ALWAYS_INLINE vu vu_mul(vu a, vu b) { return _mm512_mul_epu32(a, b); }
EG_ALWAYS_INLINE vu vu_high(vu a) { return _mm512_shuffle_epi32(a, 0xf5); }
EG_ALWAYS_INLINE vu vu_xor3(vu a, vu b, vu c) { return _mm512_ternarylogic_epi64(a, b, c, 0x96); }
EG_ALWAYS_INLINE vu vu_pair(vu a, vu b) { return _mm512_mask_blend_epi32(0xaaaa, a, _mm512_slli_epi64(b, 32)); }
EG_ALWAYS_INLINE vu vu_lo64(vu a, vu b) { return _mm512_unpacklo_epi64(a, b); }
EG_ALWAYS_INLINE vu vu_hi64(vu a, vu b) { return _mm512_unpackhi_epi64(a, b); }
EG_ALWAYS_INLINE vu vu_blocks(void) { return _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7); }
EG_ALWAYS_INLINE vm vu_ge32(vu a, uint32_t b) { return _mm512_cmpge_epu32_mask(a, _mm512_set1_epi32((int)b)); }

#endif
