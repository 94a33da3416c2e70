/* ref.h - what the plain C kernels share: the functions that put them into the table, mathematics in the precision of
 * `real`, and checks of arguments.
 *
 * The ref kernels are the specification of kern.h in executable form, and they run where no better table exists. So
 * they are written for the reader first, with loops that a compiler can vectorise second. */
#ifndef ENGRAM_REF_H
#define ENGRAM_REF_H

#include "kern/kern.h"

#include <math.h>
#include <string.h>

void fill_gemm__ref(eg_kernels *k);
void fill_conv__ref(eg_kernels *k);
void fill_conv_blocked__ref(eg_kernels *k);
void fill_pool__ref(eg_kernels *k);
void fill_places__ref(eg_kernels *k);
void fill_resample__ref(eg_kernels *k);
void fill_roi_align__ref(eg_kernels *k);
void fill_map__ref(eg_kernels *k);
void fill_unary__ref(eg_kernels *k);
void fill_binary__ref(eg_kernels *k);
void fill_reduce__ref(eg_kernels *k);
void fill_strided__ref(eg_kernels *k);
void fill_cast__ref(eg_kernels *k);
void fill_index__ref(eg_kernels *k);
void fill_lines__ref(eg_kernels *k);
void fill_batchnorm__ref(eg_kernels *k);
void fill_norm__ref(eg_kernels *k);
void fill_loss__ref(eg_kernels *k);
void fill_sequence__ref(eg_kernels *k);
void fill_loop__ref(eg_kernels *k);
void fill_additive__ref(eg_kernels *k);
void fill_element_loss__ref(eg_kernels *k);
void fill_row_loss__ref(eg_kernels *k);
void fill_contrast__ref(eg_kernels *k);
void fill_overlap__ref(eg_kernels *k);
void fill_ctc__ref(eg_kernels *k);
void fill_crf__ref(eg_kernels *k);
void fill_recurrent__ref(eg_kernels *k);
void fill_optimizer__ref(eg_kernels *k);
void fill_peak__ref(eg_kernels *k);

/* REAL(sin) is C's function in the precision of `real`. */
#ifdef ENGRAM_DOUBLE
#define REAL(name) name
#else
#define REAL(name) name##f
#endif

#ifdef ENGRAM_DOUBLE
static inline real real_exp(real x) { return exp(x); }
static inline real real_log(real x) { return log(x); }
static inline real real_tanh(real x) { return tanh(x); }
static inline real real_sqrt(real x) { return sqrt(x); }
static inline real real_abs(real x) { return fabs(x); }
static inline real real_expm1(real x) { return expm1(x); }
static inline real real_log1p(real x) { return log1p(x); }
static inline real real_erf(real x) { return erf(x); }
#else
static inline real real_exp(real x) { return expf(x); }
static inline real real_log(real x) { return logf(x); }
static inline real real_tanh(real x) { return tanhf(x); }
static inline real real_sqrt(real x) { return sqrtf(x); }
static inline real real_abs(real x) { return fabsf(x); }
static inline real real_expm1(real x) { return expm1f(x); }
static inline real real_log1p(real x) { return log1pf(x); }
static inline real real_erf(real x) { return erff(x); }
#endif

/* Preconditions, for asserts at the head of kernels: [begin, end) are units of `unit` elements out of `total`. */
static inline bool units_ok(int64_t unit, int64_t total, int begin, int end) {
	return unit >= 1 && total >= 1 && 0 <= begin && begin <= end && (end == 0 || (end - 1) * unit < total);
}

static inline bool conv_shape_ok(const eg_conv_shape *s) {
	return s->N >= 1 && s->C >= 1 && s->H >= 1 && s->W >= 1 && s->K >= 1 && s->R >= 1 && s->S >= 1 && s->P >= 1 &&
	       s->Q >= 1 && s->sh >= 1 && s->sw >= 1 && s->ph >= 0 && s->pw >= 0 && s->dh >= 1 && s->dw >= 1 &&
	       s->G >= 1 && s->C % s->G == 0 && s->K % s->G == 0;
}

/* Output positions [*first, *end) for which the input position o*stride + offset lies in 0..in-1. */
static inline void clip_range(int offset, int stride, int in, int out, int *first, int *end) {
	*first = offset >= 0 ? 0 : (-offset + stride - 1) / stride;
	*end = offset >= in ? 0 : (in - 1 - offset) / stride + 1;
	if (*end > out) *end = out;
	if (*first > *end) *first = *end;
}

static inline bool pool_shape_ok(const eg_pool_shape *s) {
	return s->N >= 1 && s->C >= 1 && s->H >= 1 && s->W >= 1 && s->R >= 1 && s->S >= 1 && s->P >= 1 && s->Q >= 1 &&
	       s->sh >= 1 && s->sw >= 1 && s->ph >= 0 && s->pw >= 0 && s->dh >= 1 && s->dw >= 1;
}

static inline bool upsample_ok(const eg_upsample_args *a, int begin, int end) {
	return a->from.p && a->to.p && a->from.p != a->to.p && a->N >= 1 && a->C >= 1 && a->H >= 1 && a->W >= 1 &&
	       a->sh >= 1 && a->sw >= 1 && 0 <= begin && begin <= end && end <= eg_blocks(a->N);
}

static inline bool resample_ok(const eg_resample_args *a, int begin, int end) {
	return a->from.p && a->to.p && a->from.p != a->to.p && a->N >= 1 && a->rows >= 1 && a->inner >= 1 && a->axis.in >= 1 && a->axis.out >= 1 &&
	       a->axis.scale > 0 && 0 <= begin && begin <= end && end <= eg_blocks(a->N);
}

static inline bool places_ok(const eg_places_args *a, int begin, int end) {
	return a->x.p && a->at.p && a->y.p && a->N >= 1 && a->C >= 1 && a->nx >= 1 && a->ny >= 1 && 0 <= begin && begin <= end &&
	       end <= eg_blocks(a->N);
}

static inline bool roi_ok(const eg_roi_shape *s, int units, int begin, int end) {
	return s->N >= 1 && s->C >= 1 && s->H >= 1 && s->W >= 1 && s->R >= 1 && s->P >= 1 && s->Q >= 1 && s->sampling >= 0 && 0 <= begin &&
	       begin <= end && end <= units;
}

static inline bool bn_ok(const eg_bn_shape *s, int begin, int end) {
	return s->N >= 1 && s->C >= 1 && s->inner >= 1 && 0 <= begin && begin <= end && end <= eg_blocks(s->N);
}

static inline bool pad_ok(const eg_pad_args *a, int begin, int end) {
	return a->from.p && a->to.p && a->from.p != a->to.p && a->N >= 1 && a->C >= 1 && a->H >= 1 && a->W >= 1 && a->c0 >= 0 &&
	       a->c1 >= 0 && a->h0 >= 0 && a->h1 >= 0 && a->w0 >= 0 && a->w1 >= 0 && 0 <= begin && begin <= end &&
	       end <= eg_blocks(a->N);
}

static inline bool cell_ok(const eg_cell_args *a) { return a->rows >= 1 && a->H >= 1 && a->gates; }

static inline bool ce_ok(const eg_ce_shape *s, int begin, int end) {
	return units_ok(s->rows, s->outer, begin, end) && s->n >= 1 && s->inner >= 1 && 0 <= s->smoothing &&
	       s->smoothing <= 1;
}

static inline bool attention_ok(const eg_attention_shape *s, int begin, int end) {
	return units_ok(1, s->units, begin, end) && s->heads >= 1 && s->units % s->heads == 0 && s->Lq >= 1 &&
	       s->Lk >= 1 && s->d >= 0 && s->dv >= 1;
}

static inline bool ctc_ok(const eg_ctc_shape *s, int begin, int end) {
	return s->T >= 1 && s->N >= 1 && s->C >= 1 && s->L >= 1 && 0 <= s->blank && s->blank < s->C && 0 <= begin &&
	       begin <= end && end <= s->N;
}

static inline bool crf_ok(const eg_crf_shape *s, int rows, int begin, int end) {
	return s->T >= 1 && s->N >= 1 && s->K >= 1 && rows >= 1 && units_ok(rows, s->N, begin, end);
}

#include "kern/ref_act.h"

#endif
