/* ref_cast.c - cast: numbers of all types, in two steps through 64 bits: whole numbers as int64_t, real ones as double,
 * which hold all that the others can. */
#include "kern/ref.h"

enum { PIECE = 64 }; /* elements at a time */

typedef union wide {
	int64_t whole[PIECE];
	double real[PIECE];
} wide;

static bool is_real(eg_dtype t) {
	switch (t) {
	case EG_F32:
	case EG_F64:
	case EG_F16:
	case EG_BF16: return true;
	case EG_I32:
	case EG_I64:
	case EG_U8:
	case EG_BOOL: break;
	}
	return false;
}

/* ---- 16 bits ----------------------------------------------------------------------------------------------------- */

/* A sign, `exponent` bits, `mantissa` bits. */
typedef struct half {
	int exponent, mantissa;
} half;
static const half F16 = {5, 10}, BF16 = {8, 7};

static double widened(uint16_t bits, half h) {
	const int most = (1 << h.exponent) - 1, bias = most / 2, e = bits >> h.mantissa & most;
	const int m = bits & ((1 << h.mantissa) - 1);
	double v = e == most ? (m ? (double)NAN : (double)INFINITY)
		 : e         ? ldexp(m + (1 << h.mantissa), e - bias - h.mantissa)
			     : ldexp(m, 1 - bias - h.mantissa);
	return bits >> 15 ? -v : v;
}

double eg_f16_value(uint16_t bits) { return widened(bits, F16); }
double eg_bf16_value(uint16_t bits) { return widened(bits, BF16); }

/* To the nearest, of two the one with an even last bit; below the normal numbers with fewer digits. */
static uint16_t narrowed(double v, half h) {
	uint64_t bits;
	memcpy(&bits, &v, sizeof bits);
	const uint64_t most = (UINT64_C(1) << h.exponent) - 1, infinite = most << h.mantissa, sign = bits >> 63 << 15;
	if (isnan(v)) return (uint16_t)(sign | infinite | UINT64_C(1) << (h.mantissa - 1));
	if (isinf(v)) return (uint16_t)(sign | infinite);
	const int stored = (int)(bits >> 52 & 0x7ff), e = stored - 1023 + (int)most / 2;
	const int shift = 52 - h.mantissa + (e <= 0 ? 1 - e : 0);
	if (stored == 0 || shift > 53) return (uint16_t)sign;
	const uint64_t m = (bits & ((UINT64_C(1) << 52) - 1)) | UINT64_C(1) << 52, rest = m & ((UINT64_C(1) << shift) - 1);
	const uint64_t middle = UINT64_C(1) << (shift - 1);
	uint64_t q = m >> shift;
	q += rest > middle || (rest == middle && (q & 1));
	if (e > 0) q += (uint64_t)(e - 1) << h.mantissa; /* its highest bit is one more; a carry goes into the
	                                                  * exponent */
	return (uint16_t)(sign | (q < infinite ? q : infinite));
}

/* ---- in and out -------------------------------------------------------------------------------------------------- */

#define LOAD(T, member)                                                                                                \
	for (int i = 0; i < n; i++) w->member[i] = ((const T *)x)[i];                                                  \
	return

static void load(const void *x, eg_dtype type, int n, wide *w) {
	switch (type) {
	case EG_F32: LOAD(real, real);
	case EG_F64: LOAD(double, real);
	case EG_I32: LOAD(int32_t, whole);
	case EG_I64: LOAD(int64_t, whole);
	case EG_U8: LOAD(uint8_t, whole);
	case EG_BOOL:
		for (int i = 0; i < n; i++) w->whole[i] = ((const uint8_t *)x)[i] != 0;
		return;
	case EG_F16:
	case EG_BF16:
		for (int i = 0; i < n; i++) w->real[i] = widened(((const uint16_t *)x)[i], type == EG_F16 ? F16 : BF16);
		return;
	}
}

static int64_t limited(double v, double low, double high) {
	if (isnan(v)) return 0;
	if (v >= 0x1p63) return high < 0x1p63 ? (int64_t)high : INT64_MAX;
	return (int64_t)(v < low ? low : v > high ? high : v);
}

/* From real numbers to the type. */
static void store_real(const wide *w, eg_dtype type, int n, void *y) {
	for (int i = 0; i < n; i++) {
		const double v = w->real[i];
		switch (type) {
		case EG_F32: ((real *)y)[i] = (real)v; break;
		case EG_F64: ((double *)y)[i] = v; break;
		case EG_F16: ((uint16_t *)y)[i] = narrowed(v, F16); break;
		case EG_BF16: ((uint16_t *)y)[i] = narrowed(v, BF16); break;
		case EG_I32: ((int32_t *)y)[i] = (int32_t)limited(v, INT32_MIN, INT32_MAX); break;
		case EG_I64: ((int64_t *)y)[i] = limited(v, -0x1p63, 0x1p63); break;
		case EG_U8: ((uint8_t *)y)[i] = (uint8_t)limited(v, 0, UINT8_MAX); break;
		case EG_BOOL: ((uint8_t *)y)[i] = !(v == 0); break;
		}
	}
}

static void store_whole(const wide *w, eg_dtype type, int n, void *y) {
	for (int i = 0; i < n; i++) {
		const int64_t v = w->whole[i];
		switch (type) {
		case EG_F32: ((real *)y)[i] = (real)v; break;
		case EG_F64: ((double *)y)[i] = (double)v; break;
		case EG_F16: ((uint16_t *)y)[i] = narrowed((double)v, F16); break;
		case EG_BF16: ((uint16_t *)y)[i] = narrowed((double)v, BF16); break;
		case EG_I32: ((int32_t *)y)[i] = (int32_t)(uint32_t)(uint64_t)v; break;
		case EG_I64: ((int64_t *)y)[i] = v; break;
		case EG_U8: ((uint8_t *)y)[i] = (uint8_t)v; break;
		case EG_BOOL: ((uint8_t *)y)[i] = v != 0; break;
		}
	}
}

static void cast__ref(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_cast_args *a = args;
	const size_t from = eg_dtype_size(a->from), to = eg_dtype_size(a->to);
	EG_UNUSED(worker);
	assert(a->unit > 0 && a->x.p && a->y.p && a->x.p != a->y.p);
	for (int u = begin; u < end; u++) {
		const char *x = (const char *)a->x.p + (ptrdiff_t)from * u * a->x.stride;
		char *y = (char *)a->y.p + (ptrdiff_t)to * u * a->y.stride;
		const int64_t left = a->total - u * a->unit, all = left < a->unit ? left : a->unit;
		for (int64_t i = 0; i < all; i += PIECE) {
			const int n = all - i < PIECE ? (int)(all - i) : PIECE;
			wide w;
			load(x + (size_t)i * from, a->from, n, &w);
			(is_real(a->from) ? store_real : store_whole)(&w, a->to, n, y + (size_t)i * to);
		}
	}
}

void fill_cast__ref(eg_kernels *k) { EG_FILL(k, cast, cast__ref); }
