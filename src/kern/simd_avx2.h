/* simd_avx2.h - the names of simd.h for AVX2 and FMA.
 *
 * Not here: what the names mean (simd.h). */
#ifndef ENGRAM_SIMD_AVX2_H
#define ENGRAM_SIMD_AVX2_H

#include <immintrin.h>

#define EG_SUFFIX avx2
#define EG_V 8
#define EG_VREGS 16
#define EG_KEEP(x) __asm__("" : "+x"(x))
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
EG_ALWAYS_INLINE vm vrange(int a, int b) { return _mm256_andnot_ps(vfirst(a), vfirst(b)); }
EG_ALWAYS_INLINE vm vor_m(vm a, vm b) { return _mm256_or_ps(a, b); }
EG_ALWAYS_INLINE vm vand_m(vm a, vm b) { return _mm256_and_ps(a, b); }
EG_ALWAYS_INLINE vf vkeep(vm m, vf x) { return _mm256_and_ps(m, x); }
EG_ALWAYS_INLINE vm vwins(vf x, vf best) {
	return _mm256_and_ps(_mm256_cmp_ps(x, best, _CMP_NLE_UQ), _mm256_cmp_ps(best, best, _CMP_ORD_Q));
}
EG_ALWAYS_INLINE vf vgather_m(const float *p, int step, vm m) {
	__m256i at = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
	return _mm256_mask_i32gather_ps(vzero(), p, _mm256_mullo_epi32(at, _mm256_set1_epi32(step)), m, 4);
}
EG_ALWAYS_INLINE vf vload_even(const float *p) {
	__m256 s = _mm256_shuffle_ps(_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8), 0x88);
	return _mm256_castpd_ps(_mm256_permute4x64_pd(_mm256_castps_pd(s), 0xd8));
}
EG_ALWAYS_INLINE void vzip(vf a, vf b, vf *low, vf *high) {
	vf x = _mm256_unpacklo_ps(a, b), y = _mm256_unpackhi_ps(a, b);
	*low = _mm256_permute2f128_ps(x, y, 0x20);
	*high = _mm256_permute2f128_ps(x, y, 0x31);
}
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
EG_ALWAYS_INLINE vf vfraction(vf x, vf *n) {
	__m256i bits = _mm256_castps_si256(x), e = _mm256_and_si256(_mm256_srli_epi32(bits, 23), _mm256_set1_epi32(255));
	*n = _mm256_cvtepi32_ps(_mm256_sub_epi32(e, _mm256_set1_epi32(126)));
	bits = _mm256_and_si256(bits, _mm256_set1_epi32((int)0x807fffff));
	return _mm256_castsi256_ps(_mm256_or_si256(bits, _mm256_set1_epi32(0x3f000000)));
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
EG_ALWAYS_INLINE void vsum4(vf a, vf b, vf c, vf d, float *to, bool add) {
	vf ab = _mm256_add_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b));
	vf cd = _mm256_add_ps(_mm256_unpacklo_ps(c, d), _mm256_unpackhi_ps(c, d));
	vf s = _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x44), _mm256_shuffle_ps(ab, cd, 0xee));
	__m128 v = _mm_add_ps(_mm256_castps256_ps128(s), _mm256_extractf128_ps(s, 1));
	_mm_storeu_ps(to, add ? _mm_add_ps(_mm_loadu_ps(to), v) : v);
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

/* ---- indices of 16 bits, words of 64 bits ------------------------------------------------------------------------ */

typedef __m128i vidx;
EG_ALWAYS_INLINE vidx vidx_set1(int i) { return _mm_set1_epi16((short)i); }
EG_ALWAYS_INLINE vidx vidx_sel(vm m, vidx yes, vidx no) {
	__m256i w = _mm256_castps_si256(m);
	return _mm_blendv_epi8(no, yes, _mm_packs_epi32(_mm256_castsi256_si128(w), _mm256_extracti128_si256(w, 1)));
}
EG_ALWAYS_INLINE vidx vidx_load(const uint16_t *p) { return _mm_loadu_si128((const void *)p); }
EG_ALWAYS_INLINE void vidx_store(uint16_t *p, vidx i) { _mm_storeu_si128((void *)p, i); }
EG_ALWAYS_INLINE vidx vidx_load_bytes(const uint8_t *p) { return _mm_cvtepu8_epi16(_mm_loadl_epi64((const void *)p)); }
EG_ALWAYS_INLINE void vidx_store_bytes(uint8_t *p, vidx i) { _mm_storel_epi64((void *)p, _mm_packus_epi16(i, i)); }
EG_ALWAYS_INLINE vm vidx_eq(vidx a, vidx b) {
	return _mm256_castsi256_ps(_mm256_cvtepi16_epi32(_mm_cmpeq_epi16(a, b)));
}

typedef __m256i vu;
EG_ALWAYS_INLINE vu vu_set64(uint64_t x) { return _mm256_set1_epi64x((long long)x); }
EG_ALWAYS_INLINE vu vu_add64(vu a, vu b) { return _mm256_add_epi64(a, b); }
EG_ALWAYS_INLINE vu vu_mul(vu a, vu b) { return _mm256_mul_epu32(a, b); }
EG_ALWAYS_INLINE vu vu_high(vu a) { return _mm256_shuffle_epi32(a, 0xf5); }
EG_ALWAYS_INLINE vu vu_xor3(vu a, vu b, vu c) { return _mm256_xor_si256(_mm256_xor_si256(a, b), c); }
EG_ALWAYS_INLINE vu vu_pair(vu a, vu b) { return _mm256_blend_epi32(a, _mm256_slli_epi64(b, 32), 0xaa); }
EG_ALWAYS_INLINE vu vu_lo64(vu a, vu b) { return _mm256_unpacklo_epi64(a, b); }
EG_ALWAYS_INLINE vu vu_hi64(vu a, vu b) { return _mm256_unpackhi_epi64(a, b); }
EG_ALWAYS_INLINE vu vu_blocks(void) { return _mm256_setr_epi64x(0, 2, 1, 3); }
EG_ALWAYS_INLINE vm vu_ge32(vu a, uint32_t b) {
	return _mm256_castsi256_ps(_mm256_cmpeq_epi32(_mm256_max_epu32(a, _mm256_set1_epi32((int)b)), a));
}

#endif
