/* slots.c - the tables of slots.h, made from slots.def, and the functions that its expressions use. */
#include "kern/slots.h"

#include "kern/recurrent.h"

#include <stdio.h>
#include <string.h>

/* ---- what the expressions of slots.def use ----------------------------------------------------------------------- */

/* Units of n, and how many unit u of them has. */
static int64_t parts(int64_t n, int64_t unit) { return (n + unit - 1) / unit; }
static int64_t part(int64_t unit, int64_t n, int64_t u) { return n - u * unit < unit ? n - u * unit : unit; }
/* From the first to the last element of a matrix whose rows are ld apart. */
static int64_t matrix(int64_t rows, int64_t columns, int64_t ld) {
	return rows > 0 && columns > 0 ? (rows - 1) * ld + columns : 0;
}
static int64_t product(int rank, const int64_t *dims) {
	int64_t n = 1;
	for (int i = 0; i < rank; i++) n *= dims[i];
	return n;
}
/* Samples in a block. */
static int64_t samples(bool lanes, int N, int u) { return lanes ? EG_BLOCK : eg_block_size(N, u); }

static int64_t conv_w(const eg_conv_shape *s) { return (int64_t)s->K * (s->C / s->G) * s->R * s->S; }
static int64_t conv_x(const eg_conv_shape *s, int n) { return (int64_t)n * s->C * s->H * s->W; }
static int64_t conv_y(const eg_conv_shape *s, int n) { return (int64_t)n * s->K * s->P * s->Q; }
static int64_t conv_x_any(const eg_conv_shape *s) {
	return (int64_t)s->N * (s->x_blocked ? eg_channels(s->C) : s->C) * s->H * s->W;
}
static int64_t conv_y_any(const eg_conv_shape *s) {
	return (int64_t)s->N * (s->y_blocked ? eg_channels(s->K) : s->K) * s->P * s->Q;
}
static int64_t windows(int K, int P, int Q) { return (int64_t)EG_BLOCK * K * (P / 2) * (Q / 2); }
static int64_t pool_x(const eg_pool_shape *s, int u) { return samples(s->lanes, s->N, u) * s->C * s->H * s->W; }
static int64_t pool_y(const eg_pool_shape *s, int u) { return samples(s->lanes, s->N, u) * s->C * s->P * s->Q; }

/* Channels of a block in any layout. */
static int64_t block_channels(eg_layout layout, int N, int C, int u) {
	return samples(layout == EG_LANES, N, u) * (layout == EG_BLOCKED ? eg_channels(C) : C);
}
static int64_t bn_x(const eg_bn_shape *s, int u) { return block_channels(s->layout, s->N, s->C, u) * s->inner; }
static int64_t pad_inside(const eg_pad_args *a, int u) {
	return block_channels(a->layout, a->N, a->C, u) * a->H * a->W;
}
static int64_t pad_whole(const eg_pad_args *a, int u) {
	return block_channels(a->layout, a->N, a->C + a->c0 + a->c1, u) * (a->H + a->h0 + a->h1) * (a->W + a->w0 + a->w1);
}

/* From the first to the last element of an operand; no strides: it is contiguous. */
static int64_t spread(int rank, int rows, const int64_t *dims, const int64_t *strides, int u) {
	int64_t last = 0, n = 1;
	for (int i = 0; i < rank; i++) {
		const int64_t d = i ? dims[i] : part(rows, dims[0], u);
		last += strides ? (d - 1) * strides[i] : 0;
		n *= d;
	}
	return strides ? last + 1 : n;
}
static int64_t operand(const eg_spread *s, int which, int u) {
	return spread(s->rank, s->rows, s->dims, which < 0 ? NULL : s->s[which], u);
}
static int64_t strided_rows(const eg_strided_args *a, int u) {
	return a->block ? part(a->rows, a->total, u) : a->total;
}
static int64_t strided_y(const eg_strided_args *a, int u) { return strided_rows(a, u) * a->size[a->rank - 1]; }
/* Of the first dimension there may be less than its size says: the last block's samples. */
static int64_t strided_x(const eg_strided_args *a, int u) {
	int64_t last = a->offset, rows = 1;
	for (int i = 1; i < a->rank - 1; i++) rows *= a->size[i];
	const int64_t there = a->rank > 1 ? parts(strided_rows(a, u), rows) : a->size[0];
	for (int i = 0; i < a->rank; i++) {
		int64_t count = a->count[i];
		if (i == 0 && there <= a->first[0]) return 0;
		const int64_t most = (there - 1 - a->first[0]) / a->step[0] + 1;
		if (i == 0 && most < count) count = most;
		if (count < 1) return 0;
		last += a->stride[i] > 0 ? a->stride[i] * (count - 1) : 0;
	}
	return last + 1;
}
static int64_t join_part(const eg_join_shape *s, int i, int u) {
	return i < s->n ? part(s->rows, s->total, u / s->pieces) * s->width[i] : 0;
}
static int64_t join_rows(const eg_join_shape *s, int u) {
	int64_t width = 0;
	for (int i = 0; i < s->n; i++) width += s->width[i];
	return matrix(part(s->rows, s->total, u / s->pieces), s->at + width, s->wide ? s->wide : width);
}
/* The tensor that rows are put into or taken from by index, and the index. */
static int64_t indexed(const eg_index_shape *s) {
	int64_t last = s->width - 1;
	for (int i = 0; i < s->rank; i++) last += (s->dims[i] - 1) * s->sx[i];
	for (int i = 0; i < s->n; i++) last += (s->size[i] - 1) * s->stride[i];
	return last + 1;
}
static int64_t indices(const eg_index_shape *s) {
	int64_t last = s->n - 1;
	for (int i = 0; i < s->rank; i++) last += (s->dims[i] - 1) * s->si[i];
	return last + 1;
}
static int64_t extended(const eg_extend_args *a) {
	int64_t n = 1;
	for (int i = 0; i < a->rank; i++) n *= a->size[i] + a->before[i] + a->after[i];
	return n;
}
/* From the first to the last element of all operands of a stack of products. */
static int64_t stack_of(const eg_gemm_batch_args *a, const int64_t *strides, int64_t one) {
	for (int i = 0; i < a->rank; i++) one += (a->dims[i] - 1) * strides[i];
	return one;
}
static int64_t batch_a(const eg_gemm_batch_args *a) {
	return stack_of(a, a->sa, a->ta ? matrix(a->k, a->m, a->lda) : matrix(a->m, a->k, a->lda));
}
static int64_t batch_b(const eg_gemm_batch_args *a) {
	return stack_of(a, a->sb, a->tb ? matrix(a->n, a->k, a->ldb) : matrix(a->k, a->n, a->ldb));
}
static int64_t batch_c(const eg_gemm_batch_args *a) { return stack_of(a, a->sc, matrix(a->m, a->n, a->ldc)); }
static size_t batch_scratch(const eg_kernels *k, const eg_gemm_batch_args *a) {
	const eg_gemm_args one = eg_gemm_of_batch(a);
	return k->gemm_scratch(&one);
}
static int64_t reduce_y(const eg_reduce_shape *s, int u) { return s->block ? part(s->unit, s->count, u) : s->count; }
/* The first dimension is kept where it is a block. */
static int64_t reduce_x(const eg_reduce_shape *s, int u) {
	const int64_t all = product(s->rank, s->dims);
	return s->block ? reduce_y(s, u) * (all / s->count) : all;
}

static bool spreads(const eg_steps_args *a) {
	return a->kind == EG_STEPS_SPREAD_LAST || a->kind == EG_STEPS_SPREAD_MEAN;
}

/* Steps of a call from time t on; those that are kept, and the states before and behind them. */
static int64_t steps_to(const eg_recurrent_shape *s, int t) {
	return (s->reverse ? s->T - s->first : s->first + s->count) - t;
}
static int64_t steps_kept(const eg_recurrent_shape *s) { return s->keep ? steps_to(s, s->k0) : 1; }
static int64_t states_kept(const eg_recurrent_shape *s) { return s->keep ? steps_to(s, s->k0) + 1 : 2; }
static int64_t normed(const eg_recurrent_shape *s) { return eg_recurrent_xhat(s); }

/* Of a step's rows; of a sequence as far as that step. */
static int64_t step_rows(const eg_loop_rows_args *a, bool steps, bool one, int u) {
	return (steps ? (int64_t)(a->t + 1) * a->N : one ? 1 : eg_block_size(a->N, u)) * a->n;
}

static int64_t heads(const eg_attention_shape *s, const eg_heads *h, int rows, int columns) {
	return h->at + (s->units / s->heads - 1) * h->sample + (s->heads - 1) * h->head + matrix(rows, columns, h->row);
}
static int64_t kept_rows(const eg_keep_rows_args *a, const eg_heads *h, int rows) {
	return (a->units / a->heads - 1) * h->sample + (a->heads - 1) * h->head + matrix(rows, a->n, h->row);
}
static int64_t hidden(const eg_attention_shape *s, const ptrdiff_t *m) {
	return (s->units / s->heads - 1) * m[0] + (s->heads - 1) * m[1] + (s->Lq - 1) * m[2] + (s->Lk - 1) * m[3] + 1;
}

/* ---- fields ------------------------------------------------------------------------------------------------------ */

#define INTEGER(type) (sizeof(type) == 8 ? EG_FIELD_I64 : EG_FIELD_I32)
/* What is neither a number nor an array of numbers, as a pointer, has no kind and does not compile. */
#define KIND(x)                                                                                                        \
	_Generic((x), bool: EG_FIELD_BOOL, int: EG_FIELD_I32, unsigned: EG_FIELD_U32, long: INTEGER(long),                 \
		long long: EG_FIELD_I64, float: EG_FIELD_F32, double: EG_FIELD_F64, bool *: EG_FIELD_BOOL, int *: EG_FIELD_I32, \
		long *: INTEGER(long), long long *: EG_FIELD_I64, float *: EG_FIELD_F32, double *: EG_FIELD_F64,                \
		int64_t (*)[EG_KDIMS]: EG_FIELD_I64)
#define PLACE(f) offsetof(self, f), sizeof(((self *)0)->f)
#define V(f) {#f, NULL, KIND(((self *)0)->f), PLACE(f), NULL},
#define E(f, t) {#f, #t, EG_FIELD_ENUM, PLACE(f), NULL},
#define S(f, t) {#f, #t, EG_FIELD_STRUCT, PLACE(f), record_##t},
/* Inside of a function, because there every struct may be called `self`. */
#define ARGS(t, ...)                                                                                                   \
	static const eg_record *record_##t(void) {                                                                         \
		typedef t self;                                                                                                \
		static const eg_field fields[] = {__VA_ARGS__};                                                                \
		static const eg_record record = {#t, sizeof(self), fields, EG_COUNT(fields)};                                  \
		return &record;                                                                                                \
	}
#include "kern/slots.def"
#undef V
#undef E
#undef S

/* ---- what of its buffers a call touches, and its scratch --------------------------------------------------------- */

enum {
	REAL = EG_ELEMENT_REAL,
	I32 = EG_ELEMENT_I32,
	I64 = EG_ELEMENT_I64,
	U16 = EG_ELEMENT_U16,
	U8 = EG_ELEMENT_U8,
	F64 = EG_ELEMENT_F64,
	STATE = EG_ELEMENT_STATE,
	BYTES = EG_ELEMENT_BYTES
};

static int element_of(eg_dtype type) {
	switch (type) {
	case EG_F32: return REAL;
	case EG_I32: return I32;
	case EG_I64: return I64;
	case EG_F64: return F64;
	case EG_F16:
	case EG_BF16: return U16;
	case EG_U8:
	case EG_BOOL: break;
	}
	return U8;
}

typedef struct span {
	int64_t block, n;
} span;
static eg_reach touch(const eg_buf *b, int element, bool reads, span s) {
	return (eg_reach){(ptrdiff_t)s.block * b->stride, b->p ? s.n : 0, (eg_element)element, reads};
}
#define AT(b, n) ((span){b, (int64_t)(n)})
#define WHOLE(n) AT(0, n)
#define UNIT(n) AT(u, n)
#define ONE(f, element, reads, where) *out++ = touch(&a->f, element, reads, where);
#define ALL(f, element, reads, where)                                                                                  \
	for (int i = 0; i < EG_COUNT(a->f); i++) *out++ = touch(&a->f[i], element, reads, where);
#define IN(f, element, where) ONE(f, element, true, where)
#define OUT(f, element, where) ONE(f, element, false, where)
#define MOD(f, element, where) ONE(f, element, true, where)
#define ADD(f, added, element, where) ONE(f, element, added, where)
#define INS(f, element, where) ALL(f, element, true, where)
#define ADDS(f, added, element, where) ALL(f, element, added, where)
#define SLOT(name, t, bytes, ...)                                                                                      \
	static void reach_##name(const eg_kernels *k, const void *args, int u, eg_reach *out) {                            \
		const t *a = args;                                                                                             \
		EG_UNUSED(k), EG_UNUSED(u);                                                                                    \
		__VA_ARGS__                                                                                                    \
	}                                                                                                                  \
	static size_t scratch_##name(const eg_kernels *k, const void *args) {                                              \
		const t *a = args;                                                                                             \
		EG_UNUSED(k), EG_UNUSED(a);                                                                                    \
		return bytes;                                                                                                  \
	}
#define MEMBER_SLOT(name, member, t, bytes, ...) SLOT(name, t, bytes, __VA_ARGS__)
#include "kern/slots.def"
#undef IN
#undef OUT
#undef MOD
#undef ADD
#undef INS
#undef ADDS

/* ---- the slots --------------------------------------------------------------------------------------------------- */

#define BUFFERS(f, direction, n) {#f, direction, offsetof(self, f), (int)(n)},
#define IN(f, element, where) BUFFERS(f, EG_READ, 1)
#define OUT(f, element, where) BUFFERS(f, EG_WRITTEN, 1)
#define MOD(f, element, where) BUFFERS(f, EG_MODIFIED, 1)
#define ADD(f, added, element, where) BUFFERS(f, EG_ADDED, 1)
#define INS(f, element, where) BUFFERS(f, EG_READ, EG_COUNT(((self *)0)->f))
#define ADDS(f, added, element, where) BUFFERS(f, EG_ADDED, EG_COUNT(((self *)0)->f))
#define MEMBER_SLOT(name, member, t, bytes, ...)                                                                       \
	static const eg_slot *slot_##name(void) {                                                                          \
		typedef t self;                                                                                                \
		static const eg_slot_buffer buffers[] = {__VA_ARGS__};                                                         \
		static const eg_slot slot = {                                                                                  \
			#name, offsetof(eg_kernels, member), record_##t, buffers, EG_COUNT(buffers), reach_##name, scratch_##name}; \
		return &slot;                                                                                                  \
	}
#define SLOT(name, t, bytes, ...) MEMBER_SLOT(name, name, t, bytes, __VA_ARGS__)
#include "kern/slots.def"

static const eg_slot *(*const slots[])(void) = {
#define SLOT(name, ...) slot_##name,
#define MEMBER_SLOT(name, ...) slot_##name,
#include "kern/slots.def"
};

const eg_slot *eg_slot_at(eg_slot_id id) { return slots[id](); }

const eg_slot *eg_slot_find(const char *name) {
	for (int i = 0; i < EG_SLOTS; i++)
		if (!strcmp(slots[i]()->name, name)) return slots[i]();
	return NULL;
}

eg_kernel eg_slot_kernel(const eg_slot *s, const eg_kernels *k) {
	eg_kernel kernel;
	memcpy(&kernel, (const char *)k + s->place, sizeof kernel);
	return kernel;
}
void eg_slot_put(const eg_slot *s, eg_kernels *k, eg_kernel kernel) {
	memcpy((char *)k + s->place, &kernel, sizeof kernel);
}

size_t eg_element_bytes(eg_element e) {
	switch (e) {
	case EG_ELEMENT_REAL: return sizeof(real);
	case EG_ELEMENT_I32: return sizeof(int32_t);
	case EG_ELEMENT_I64: return sizeof(int64_t);
	case EG_ELEMENT_U16: return sizeof(uint16_t);
	case EG_ELEMENT_F64: return sizeof(double);
	case EG_ELEMENT_STATE: return sizeof(eg_dropout_state);
	case EG_ELEMENT_U8:
	case EG_ELEMENT_BYTES: return 1;
	}
	return 0;
}

/* ---- taking arguments apart -------------------------------------------------------------------------------------- */

size_t eg_field_bytes(eg_field_kind kind) {
	switch (kind) {
	case EG_FIELD_BOOL: return sizeof(bool);
	case EG_FIELD_I32:
	case EG_FIELD_U32:
	case EG_FIELD_ENUM: return sizeof(int32_t);
	case EG_FIELD_F32: return sizeof(float);
	case EG_FIELD_I64: return sizeof(int64_t);
	case EG_FIELD_F64: return sizeof(double);
	case EG_FIELD_STRUCT: break;
	}
	return 0;
}

static eg_number take_one(eg_field_kind kind, const char *from) {
	eg_number n = {0};
	int32_t i;
	float f;
	switch (kind) {
	case EG_FIELD_BOOL: n.i = *from != 0; break;
	case EG_FIELD_I32:
	case EG_FIELD_U32:
	case EG_FIELD_ENUM:
		memcpy(&i, from, sizeof i);
		n.i = kind == EG_FIELD_U32 ? (int64_t)(uint32_t)i : i;
		break;
	case EG_FIELD_F32:
		memcpy(&f, from, sizeof f);
		n.f = (double)f;
		break;
	case EG_FIELD_I64: memcpy(&n.i, from, sizeof n.i); break;
	case EG_FIELD_F64: memcpy(&n.f, from, sizeof n.f); break;
	case EG_FIELD_STRUCT: break;
	}
	return n;
}

static void make_one(eg_field_kind kind, eg_number n, char *to) {
	const bool b = n.i != 0;
	const int32_t i = (int32_t)n.i;
	const float f = kind == EG_FIELD_F32 ? (float)n.f : 0;
	switch (kind) {
	case EG_FIELD_BOOL: memcpy(to, &b, sizeof b); break;
	case EG_FIELD_I32:
	case EG_FIELD_U32:
	case EG_FIELD_ENUM: memcpy(to, &i, sizeof i); break;
	case EG_FIELD_F32: memcpy(to, &f, sizeof f); break;
	case EG_FIELD_I64: memcpy(to, &n.i, sizeof n.i); break;
	case EG_FIELD_F64: memcpy(to, &n.f, sizeof n.f); break;
	case EG_FIELD_STRUCT: break;
	}
}

/* Walks through the numbers of a struct: takes them from `from` where that is given, else puts them to `to`. */
static int walk(const eg_record *r, const char *from, char *to, eg_number *numbers) {
	int n = 0;
	for (int i = 0; i < r->count; i++) {
		const eg_field *f = &r->fields[i];
		if (f->of) {
			n += walk(f->of(), from ? from + f->offset : NULL, to ? to + f->offset : NULL, numbers + n);
			continue;
		}
		const size_t each = eg_field_bytes(f->kind);
		for (size_t at = f->offset; at < f->offset + f->bytes; at += each, n++) {
			if (from)
				numbers[n] = take_one(f->kind, from + at);
			else if (to)
				make_one(f->kind, numbers[n], to + at);
		}
	}
	return n;
}

int eg_slot_buffers(const eg_slot *s) {
	int n = 0;
	for (int i = 0; i < s->count; i++) n += s->buffers[i].count;
	return n;
}

int eg_slot_take(const eg_slot *s, const void *args, eg_number *numbers, eg_buf *buffers) {
	for (int i = 0; i < s->count; buffers += s->buffers[i++].count)
		memcpy(buffers, (const char *)args + s->buffers[i].offset, (size_t)s->buffers[i].count * sizeof *buffers);
	return walk(s->args(), args, NULL, numbers);
}

void eg_slot_make(const eg_slot *s, const eg_number *numbers, const eg_buf *buffers, void *args) {
	for (int i = 0; i < s->count; buffers += s->buffers[i++].count)
		memcpy((char *)args + s->buffers[i].offset, buffers, (size_t)s->buffers[i].count * sizeof *buffers);
	walk(s->args(), NULL, args, (eg_number *)(uintptr_t)numbers);
}

/* The field of number *i of this struct, whose name begins with what name holds; NULL, *i being less by its numbers,
 * where it has none of that place. */
static const eg_field *number_of(const eg_record *r, int *i, char *name, size_t size) {
	const size_t used = strlen(name);
	for (int k = 0; k < r->count; k++) {
		const eg_field *f = &r->fields[k];
		const size_t each = eg_field_bytes(f->kind);
		const int n = f->of || !each ? 0 : (int)(f->bytes / each);
		snprintf(name + used, size - used, "%s%s", f->name, f->of ? "." : "");
		const eg_field *inner = f->of ? number_of(f->of(), i, name, size) : NULL;
		if (inner) return inner;
		if (!f->of && *i < n) {
			const size_t now = strlen(name);
			if (n > 1) snprintf(name + now, size - now, "[%d]", *i);
			return f;
		}
		*i -= n;
		name[used] = '\0';
	}
	return NULL;
}

bool eg_slot_number(const eg_slot *s, int i, char *name, size_t size, const eg_field **field) {
	name[0] = '\0';
	*field = number_of(s->args(), &i, name, size);
	return *field;
}
