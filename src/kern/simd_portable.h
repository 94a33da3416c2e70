/* simd_portable.h - the names of simd.h for vectors of EG_PORTABLE_LANES floats (4, 8 or 16) over the vector extensions
 * of gcc and clang, whatever the machine has. Compilers make the best of it, but it is there for tests: with 16 lanes
 * the bodies take the shapes that they have for AVX-512, tiles, packing, edges and masks, on machines without it.
 * EG_SUFFIX must be defined too.
 *
 * Products that are added are not fused: there are machines without. Lanes are walked by loops; the functions say what
 * the names mean in the plainest way.
 *
 * Not here: what the names mean in words (simd.h). */
#ifndef ENGRAM_SIMD_PORTABLE_H
#define ENGRAM_SIMD_PORTABLE_H

#include <math.h>
#include <string.h>

#define EG_V EG_PORTABLE_LANES
#define EG_VREGS 32
#define EG_KEEP(x) ((void)(x))
typedef float vf __attribute__((vector_size(4 * EG_V)));
typedef int32_t vm __attribute__((vector_size(4 * EG_V))); /* 0 or -1 */

/* What walks the lanes is not put in line: there would be no end of code. */
#define EG_APART static __attribute__((noinline, unused))
#define EG_LANES(i) (int i = 0; i < EG_V; i++)

EG_ALWAYS_INLINE vf vzero(void) { return (vf){0}; }
EG_ALWAYS_INLINE vf vset1(float x) { return x - (vf){0}; }
EG_ALWAYS_INLINE vf vload(const float *p) {
	vf x;
	memcpy(&x, p, sizeof x);
	return x;
}
EG_ALWAYS_INLINE void vstore(float *p, vf x) { memcpy(p, &x, sizeof x); }
EG_APART vm vrange(int a, int b) {
	vm m;
	for EG_LANES (i) m[i] = -(i >= a && i < b);
	return m;
}
EG_ALWAYS_INLINE vm vfirst(int n) { return vrange(0, n); }
EG_APART vf vload_m(const float *p, vm m) {
	vf x = {0};
	for EG_LANES (i)
		if (m[i]) x[i] = p[i];
	return x;
}
EG_APART void vstore_m(float *p, vm m, vf x) {
	for EG_LANES (i)
		if (m[i]) p[i] = x[i];
}
EG_APART vf vgather_m(const float *p, int step, vm m) {
	vf x = {0};
	for EG_LANES (i)
		if (m[i]) x[i] = p[i * (ptrdiff_t)step];
	return x;
}
EG_ALWAYS_INLINE vf vadd(vf a, vf b) { return a + b; }
EG_ALWAYS_INLINE vf vsub(vf a, vf b) { return a - b; }
EG_ALWAYS_INLINE vf vmul(vf a, vf b) { return a * b; }
EG_ALWAYS_INLINE vf vdiv(vf a, vf b) { return a / b; }
EG_ALWAYS_INLINE vf vfma(vf a, vf b, vf c) { return a * b + c; }
EG_ALWAYS_INLINE vf vfnma(vf a, vf b, vf c) { return c - a * b; }
EG_APART vf vsqrt(vf a) {
	for EG_LANES (i) a[i] = sqrtf(a[i]);
	return a;
}
EG_ALWAYS_INLINE vm vgt(vf a, vf b) { return (vm)(a > b); }
EG_ALWAYS_INLINE vm vnan(vf a) { return (vm)(((vm)a & INT32_MAX) > 0x7f800000); }
EG_ALWAYS_INLINE vm vor_m(vm a, vm b) { return a | b; }
EG_ALWAYS_INLINE vm vand_m(vm a, vm b) { return a & b; }
EG_ALWAYS_INLINE vf vkeep(vm m, vf x) { return (vf)(m & (vm)x); }
EG_ALWAYS_INLINE vf vsel(vm m, vf yes, vf no) { return (vf)((m & (vm)yes) | (~m & (vm)no)); }
EG_ALWAYS_INLINE vf vmax(vf a, vf b) { return vsel((vm)(a > b), a, b); }
EG_ALWAYS_INLINE vf vmin(vf a, vf b) { return vsel((vm)(a < b), a, b); }
EG_ALWAYS_INLINE vm vwins(vf x, vf best) { return ~(vm)(x <= best) & ~vnan(best); }
EG_ALWAYS_INLINE vf vabs(vf x) { return (vf)((vm)x & INT32_MAX); }
/* Adding 1.5 * 2^23 leaves no room for a fraction. Where |x| is too large for this it has none; NaN stays too, and the
 * sign of what becomes 0. */
EG_ALWAYS_INLINE vf vround(vf x) {
	vf magic = vset1(12582912.0f), r = (x + magic) - magic;
	return vsel((vm)(vabs(x) < vset1(4194304.0f)), (vf)((vm)r | ((vm)x & INT32_MIN)), x);
}
EG_APART vf vscalef(vf x, vf n) {
	n = vmax(vmin(n, vset1(254.0f)), vset1(-252.0f)); /* NaN becomes 254 */
	vm h, l;
	for EG_LANES (i) {
		int whole = (int)n[i];
		h[i] = whole >> 1;
		l[i] = whole - h[i];
	}
	return x * (vf)((h + 127) << 23) * (vf)((l + 127) << 23);
}
EG_APART vf vscalef_near(vf x, vf n) { /* n of NaN becomes 0: x stays */
	vm whole;
	for EG_LANES (i) whole[i] = n[i] == n[i] ? (int)n[i] : 0;
	return (vf)((vm)x + (whole << 23));
}
EG_APART vf vfraction(vf x, vf *n) {
	vm bits = (vm)x;
	for EG_LANES (i) (*n)[i] = (float)((bits[i] >> 23 & 255) - 126);
	return (vf)((bits & (INT32_MIN | 0x7fffff)) | 0x3f000000);
}
EG_APART float vsum(vf x) {
	for (int half = EG_V / 2; half > 0; half /= 2)
		for (int i = 0; i < half; i++) x[i] += x[i + half];
	return x[0];
}
EG_APART float vmax_all(vf x) {
	float most = x[0];
	for EG_LANES (i) most = most > x[i] ? most : x[i];
	return most;
}
EG_APART void vsum4(vf a, vf b, vf c, vf d, float *to, bool add) {
	const float v[4] = {vsum(a), vsum(b), vsum(c), vsum(d)};
	for (int i = 0; i < 4; i++) to[i] = add ? to[i] + v[i] : v[i];
}
EG_APART void vtranspose(vf r[EG_V]) {
	float t[EG_V][EG_V];
	for EG_LANES (i) vstore(t[i], r[i]);
	for EG_LANES (i)
		for EG_LANES (j) r[i][j] = t[j][i];
}
EG_APART vf vload_even(const float *p) {
	vf x;
	for EG_LANES (i) x[i] = p[2 * i];
	return x;
}
EG_APART void vzip(vf a, vf b, vf *low, vf *high) {
	for EG_LANES (i) {
		(*low)[i] = i % 2 ? b[i / 2] : a[i / 2];
		(*high)[i] = i % 2 ? b[EG_V / 2 + i / 2] : a[EG_V / 2 + i / 2];
	}
}

/* ---- indices of 16 bits, words of 64 bits ------------------------------------------------------------------------ */

typedef uint16_t vidx __attribute__((vector_size(2 * EG_V)));
EG_APART vidx vidx_set1(int n) {
	vidx r;
	for EG_LANES (i) r[i] = (uint16_t)n;
	return r;
}
EG_APART vidx vidx_sel(vm m, vidx yes, vidx no) {
	for EG_LANES (i) no[i] = m[i] ? yes[i] : no[i];
	return no;
}
EG_ALWAYS_INLINE vidx vidx_load(const uint16_t *p) {
	vidx x;
	memcpy(&x, p, sizeof x);
	return x;
}
EG_ALWAYS_INLINE void vidx_store(uint16_t *p, vidx x) { memcpy(p, &x, sizeof x); }
EG_APART vidx vidx_load_bytes(const uint8_t *p) {
	vidx r;
	for (int i = 0; i < EG_V; i++) r[i] = p[i];
	return r;
}
EG_APART void vidx_store_bytes(uint8_t *p, vidx x) {
	for (int i = 0; i < EG_V; i++) p[i] = (uint8_t)x[i];
}
EG_APART vm vidx_eq(vidx a, vidx b) {
	vm m;
	for EG_LANES (i) m[i] = -(a[i] == b[i]);
	return m;
}

typedef uint64_t vu __attribute__((vector_size(4 * EG_V)));
EG_ALWAYS_INLINE vu vu_set64(uint64_t x) { return x + (vu){0}; }
EG_ALWAYS_INLINE vu vu_add64(vu a, vu b) { return a + b; }
EG_ALWAYS_INLINE vu vu_mul(vu a, vu b) { return (a & 0xffffffffu) * (b & 0xffffffffu); }
EG_ALWAYS_INLINE vu vu_high(vu a) { return a >> 32; }
EG_ALWAYS_INLINE vu vu_xor3(vu a, vu b, vu c) { return a ^ b ^ c; }
EG_ALWAYS_INLINE vu vu_pair(vu a, vu b) { return (a & 0xffffffffu) | b << 32; }
EG_APART vu vu_lo64(vu a, vu b) {
	for (int i = 1; i < EG_V / 2; i += 2) a[i] = b[i - 1];
	return a;
}
EG_APART vu vu_hi64(vu a, vu b) {
	for (int i = 0; i < EG_V / 2; i += 2) b[i] = a[i + 1];
	return b;
}
EG_APART vu vu_blocks(void) {
	vu r;
	for (int i = 0; i < EG_V / 2; i++) r[i] = (uint64_t)(i % 2 * (EG_V / 4) + i / 2);
	return r;
}
EG_APART vm vu_ge32(vu a, uint32_t b) {
	vm m;
	for EG_LANES (i) m[i] = -((uint32_t)(a[i / 2] >> (i % 2 * 32)) >= b);
	return m;
}

#undef EG_LANES
#undef EG_APART

#endif
