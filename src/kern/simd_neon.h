/* simd_neon.h - the names of simd.h for NEON (Advanced SIMD) of 64-bit ARM.
 *
 * Not here: what the names mean (simd.h). */
#ifndef ENGRAM_SIMD_NEON_H
#define ENGRAM_SIMD_NEON_H

#include <arm_neon.h>
#include <string.h>

#define EG_SUFFIX neon
#define EG_V 4
#define EG_VREGS 32
#define EG_KEEP(x) __asm__("" : "+w"(x))
typedef float32x4_t vf;
typedef uint32x4_t vm;

EG_ALWAYS_INLINE vf vzero(void) { return vdupq_n_f32(0.0f); }
EG_ALWAYS_INLINE vf vset1(float x) { return vdupq_n_f32(x); }
EG_ALWAYS_INLINE vf vload(const float *p) { return vld1q_f32(p); }
EG_ALWAYS_INLINE void vstore(float *p, vf x) { vst1q_f32(p, x); }
EG_ALWAYS_INLINE vm vrange(int a, int b) {
	static const int32_t number[4] = {0, 1, 2, 3};
	int32x4_t lane = vld1q_s32(number);
	return vandq_u32(vcgeq_s32(lane, vdupq_n_s32(a)), vcltq_s32(lane, vdupq_n_s32(b)));
}
EG_ALWAYS_INLINE vm vfirst(int n) { return vrange(0, n); }
/* There are no masked loads and stores: lane by lane, unless all lanes are wanted, as they mostly are. */
EG_ALWAYS_INLINE vf vload_m(const float *p, vm m) {
	if (vminvq_u32(m)) return vld1q_f32(p);
	vf x = vdupq_n_f32(0.0f);
	if (vgetq_lane_u32(m, 0)) x = vld1q_lane_f32(p, x, 0);
	if (vgetq_lane_u32(m, 1)) x = vld1q_lane_f32(p + 1, x, 1);
	if (vgetq_lane_u32(m, 2)) x = vld1q_lane_f32(p + 2, x, 2);
	if (vgetq_lane_u32(m, 3)) x = vld1q_lane_f32(p + 3, x, 3);
	return x;
}
EG_ALWAYS_INLINE void vstore_m(float *p, vm m, vf x) {
	if (vminvq_u32(m)) {
		vst1q_f32(p, x);
		return;
	}
	if (vgetq_lane_u32(m, 0)) vst1q_lane_f32(p, x, 0);
	if (vgetq_lane_u32(m, 1)) vst1q_lane_f32(p + 1, x, 1);
	if (vgetq_lane_u32(m, 2)) vst1q_lane_f32(p + 2, x, 2);
	if (vgetq_lane_u32(m, 3)) vst1q_lane_f32(p + 3, x, 3);
}
EG_ALWAYS_INLINE vf vadd(vf a, vf b) { return vaddq_f32(a, b); }
EG_ALWAYS_INLINE vf vsub(vf a, vf b) { return vsubq_f32(a, b); }
EG_ALWAYS_INLINE vf vmul(vf a, vf b) { return vmulq_f32(a, b); }
EG_ALWAYS_INLINE vf vdiv(vf a, vf b) { return vdivq_f32(a, b); }
EG_ALWAYS_INLINE vf vsqrt(vf a) { return vsqrtq_f32(a); }
EG_ALWAYS_INLINE vf vfma(vf a, vf b, vf c) { return vfmaq_f32(c, a, b); }
EG_ALWAYS_INLINE vf vfnma(vf a, vf b, vf c) { return vfmsq_f32(c, a, b); }
/* Not FMAX and FMIN, which give NaN where either operand is one. */
EG_ALWAYS_INLINE vf vmax(vf a, vf b) { return vbslq_f32(vcgtq_f32(a, b), a, b); }
EG_ALWAYS_INLINE vf vmin(vf a, vf b) { return vbslq_f32(vcltq_f32(a, b), a, b); }
EG_ALWAYS_INLINE vm vgt(vf a, vf b) { return vcgtq_f32(a, b); }
EG_ALWAYS_INLINE vm vnan(vf a) { return vmvnq_u32(vceqq_f32(a, a)); }
EG_ALWAYS_INLINE vm vor_m(vm a, vm b) { return vorrq_u32(a, b); }
EG_ALWAYS_INLINE vm vand_m(vm a, vm b) { return vandq_u32(a, b); }
EG_ALWAYS_INLINE vf vsel(vm m, vf yes, vf no) { return vbslq_f32(m, yes, no); }
EG_ALWAYS_INLINE vf vkeep(vm m, vf x) { return vreinterpretq_f32_u32(vandq_u32(m, vreinterpretq_u32_f32(x))); }
EG_ALWAYS_INLINE vm vwins(vf x, vf best) { /* neither x <= best nor is best NaN */
	return vbicq_u32(vceqq_f32(best, best), vcleq_f32(x, best));
}
EG_ALWAYS_INLINE vf vgather_m(const float *p, int step, vm m) {
	vf x = vdupq_n_f32(0.0f);
	if (vgetq_lane_u32(m, 0)) x = vld1q_lane_f32(p, x, 0);
	if (vgetq_lane_u32(m, 1)) x = vld1q_lane_f32(p + step, x, 1);
	if (vgetq_lane_u32(m, 2)) x = vld1q_lane_f32(p + 2 * (ptrdiff_t)step, x, 2);
	if (vgetq_lane_u32(m, 3)) x = vld1q_lane_f32(p + 3 * (ptrdiff_t)step, x, 3);
	return x;
}
EG_ALWAYS_INLINE vf vround(vf x) { return vrndnq_f32(x); }
EG_ALWAYS_INLINE vf vabs(vf x) { return vabsq_f32(x); }
/* n is brought into -252..254 and applied as two factors, so that denormal and infinite results come out right. */
EG_ALWAYS_INLINE vf vscalef(vf x, vf n) {
	n = vmax(vmin(n, vset1(254.0f)), vset1(-252.0f));
	int32x4_t i = vcvtnq_s32_f32(n), h = vshrq_n_s32(i, 1), l = vsubq_s32(i, h), bias = vdupq_n_s32(127);
	vf a = vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(h, bias), 23));
	vf b = vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(l, bias), 23));
	return vmulq_f32(vmulq_f32(x, a), b);
}
EG_ALWAYS_INLINE vf vscalef_near(vf x, vf n) { /* n of NaN becomes 0: x stays */
	int32x4_t i = vshlq_n_s32(vcvtnq_s32_f32(n), 23);
	return vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(x), i));
}
EG_ALWAYS_INLINE vf vfraction(vf x, vf *n) {
	uint32x4_t bits = vreinterpretq_u32_f32(x), e = vandq_u32(vshrq_n_u32(bits, 23), vdupq_n_u32(255));
	*n = vcvtq_f32_s32(vsubq_s32(vreinterpretq_s32_u32(e), vdupq_n_s32(126)));
	bits = vandq_u32(bits, vdupq_n_u32(0x807fffff));
	return vreinterpretq_f32_u32(vorrq_u32(bits, vdupq_n_u32(0x3f000000)));
}
EG_ALWAYS_INLINE float vsum(vf x) { return vaddvq_f32(x); }
EG_ALWAYS_INLINE float vmax_all(vf x) { return vmaxvq_f32(x); }
EG_ALWAYS_INLINE void vsum4(vf a, vf b, vf c, vf d, float *to, bool add) {
	vf v = vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d));
	vst1q_f32(to, add ? vaddq_f32(vld1q_f32(to), v) : v);
}
EG_ALWAYS_INLINE vf vjoin_low(vf a, vf b) {
	return vreinterpretq_f32_f64(vzip1q_f64(vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b)));
}
EG_ALWAYS_INLINE vf vjoin_high(vf a, vf b) {
	return vreinterpretq_f32_f64(vzip2q_f64(vreinterpretq_f64_f32(a), vreinterpretq_f64_f32(b)));
}
EG_ALWAYS_INLINE void vtranspose(vf r[4]) {
	vf a = vtrn1q_f32(r[0], r[1]), b = vtrn2q_f32(r[0], r[1]), c = vtrn1q_f32(r[2], r[3]), d = vtrn2q_f32(r[2], r[3]);
	r[0] = vjoin_low(a, c);
	r[1] = vjoin_low(b, d);
	r[2] = vjoin_high(a, c);
	r[3] = vjoin_high(b, d);
}
EG_ALWAYS_INLINE vf vload_even(const float *p) { return vuzp1q_f32(vld1q_f32(p), vld1q_f32(p + 4)); }
EG_ALWAYS_INLINE void vzip(vf a, vf b, vf *low, vf *high) {
	*low = vzip1q_f32(a, b);
	*high = vzip2q_f32(a, b);
}

/* ---- indices of 16 bits, words of 64 bits ------------------------------------------------------------------------ */

typedef uint16x4_t vidx;
EG_ALWAYS_INLINE vidx vidx_set1(int i) { return vdup_n_u16((uint16_t)i); }
EG_ALWAYS_INLINE vidx vidx_sel(vm m, vidx yes, vidx no) { return vbsl_u16(vmovn_u32(m), yes, no); }
EG_ALWAYS_INLINE vidx vidx_load(const uint16_t *p) { return vld1_u16(p); }
EG_ALWAYS_INLINE void vidx_store(uint16_t *p, vidx i) { vst1_u16(p, i); }
EG_ALWAYS_INLINE vidx vidx_load_bytes(const uint8_t *p) {
	uint32_t four;
	memcpy(&four, p, sizeof four);
	return vget_low_u16(vmovl_u8(vcreate_u8(four)));
}
EG_ALWAYS_INLINE void vidx_store_bytes(uint8_t *p, vidx i) {
	uint32_t four = vget_lane_u32(vreinterpret_u32_u8(vmovn_u16(vcombine_u16(i, i))), 0);
	memcpy(p, &four, sizeof four);
}
EG_ALWAYS_INLINE vm vidx_eq(vidx a, vidx b) {
	return vreinterpretq_u32_s32(vmovl_s16(vreinterpret_s16_u16(vceq_u16(a, b))));
}

typedef uint64x2_t vu;
EG_ALWAYS_INLINE vu vu_set64(uint64_t x) { return vdupq_n_u64(x); }
EG_ALWAYS_INLINE vu vu_add64(vu a, vu b) { return vaddq_u64(a, b); }
EG_ALWAYS_INLINE vu vu_mul(vu a, vu b) { return vmull_u32(vmovn_u64(a), vmovn_u64(b)); }
EG_ALWAYS_INLINE vu vu_high(vu a) { return vshrq_n_u64(a, 32); }
EG_ALWAYS_INLINE vu vu_xor3(vu a, vu b, vu c) { return veorq_u64(veorq_u64(a, b), c); }
EG_ALWAYS_INLINE vu vu_pair(vu a, vu b) { return vsliq_n_u64(a, b, 32); }
EG_ALWAYS_INLINE vu vu_lo64(vu a, vu b) { return vzip1q_u64(a, b); }
EG_ALWAYS_INLINE vu vu_hi64(vu a, vu b) { return vzip2q_u64(a, b); }
EG_ALWAYS_INLINE vu vu_blocks(void) {
	static const uint64_t number[2] = {0, 1};
	return vld1q_u64(number);
}
EG_ALWAYS_INLINE vm vu_ge32(vu a, uint32_t b) { return vcgeq_u32(vreinterpretq_u32_u64(a), vdupq_n_u32(b)); }

#endif
