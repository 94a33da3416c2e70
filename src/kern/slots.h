/* slots.h - the kernel slots as data, from slots.def: for those who handle calls without knowing any of their structs.
 * What records calls, prints them as C or sends them to another device finds here which numbers and buffers a call's
 * arguments consist of, what of the buffers it touches, and how much scratch it wants; and takes arguments apart and
 * puts them together again.
 *
 * Not here: what the kernels compute (kern.h). */
#ifndef ENGRAM_KERN_SLOTS_H
#define ENGRAM_KERN_SLOTS_H

#include "kern/kern.h"

/* Of fields that are no buffers. */
typedef enum eg_field_kind {
	EG_FIELD_BOOL,
	EG_FIELD_I32,
	EG_FIELD_U32,
	EG_FIELD_I64,
	EG_FIELD_F32,
	EG_FIELD_F64,
	EG_FIELD_ENUM,  /* `type` says which */
	EG_FIELD_STRUCT /* `of` has its fields; an activation is the struct eg_act */
} eg_field_kind;

typedef struct eg_record eg_record;
typedef struct eg_field {
	const char *name, *type; /* type: NULL of plain numbers */
	eg_field_kind kind;
	size_t offset, bytes; /* an array where bytes is more than one has */
	const eg_record *(*of)(void);
} eg_field;
struct eg_record {
	const char *type;
	size_t bytes;
	const eg_field *fields;
	int count;
};

typedef enum eg_direction { EG_READ, EG_WRITTEN, EG_MODIFIED, EG_ADDED } eg_direction; /* IN, OUT, MOD, ADD */
typedef enum eg_element {
	EG_ELEMENT_REAL,
	EG_ELEMENT_I32,
	EG_ELEMENT_I64,
	EG_ELEMENT_U16,
	EG_ELEMENT_U8,
	EG_ELEMENT_F64,
	EG_ELEMENT_STATE,
	EG_ELEMENT_BYTES
} eg_element;
size_t eg_element_bytes(eg_element e);
size_t eg_field_bytes(eg_field_kind kind); /* of one number; 0 of a struct */

typedef struct eg_slot_buffer {
	const char *name;
	eg_direction direction;
	size_t offset; /* of the first eg_buf in the args */
	int count;     /* eg_bufs */
} eg_slot_buffer;

/* What one unit touches of a buffer, at the most: n elements from the element `at` on. */
typedef struct eg_reach {
	ptrdiff_t at;
	int64_t n; /* 0 of an absent one */
	eg_element element;
	bool reads; /* its content comes into the result */
} eg_reach;

typedef struct eg_slot {
	const char *name;
	size_t place; /* of the kernel in eg_kernels */
	const eg_record *(*args)(void);
	const eg_slot_buffer *buffers;
	int count;
	/* Of unit u of a call on table k: fills one eg_reach for every eg_buf, in their order in the args. */
	void (*reach)(const eg_kernels *k, const void *args, int u, eg_reach *out);
	size_t (*scratch)(const eg_kernels *k, const void *args);
} eg_slot;

/* The order of slots.def. */
typedef enum eg_slot_id {
#define SLOT(name, ...) EG_SLOT_##name,
#define MEMBER_SLOT(name, ...) EG_SLOT_##name,
#include "kern/slots.def"
	EG_SLOTS
} eg_slot_id;
const eg_slot *eg_slot_at(eg_slot_id id);

/* The most that a slot has of eg_bufs, and of numbers when structs and arrays are flat. */
enum { EG_SLOT_BUFS = 36, EG_SLOT_VALUES = 96 };

const eg_slot *eg_slot_find(const char *name); /* NULL: there is none */
eg_kernel eg_slot_kernel(const eg_slot *s, const eg_kernels *k);
void eg_slot_put(const eg_slot *s, eg_kernels *k, eg_kernel kernel);

/* Arguments as what they consist of: numbers in the order of the fields, structs and arrays flat, and buffers.
 * Integers and enumerations are in i, floating-point numbers in f. */
typedef union eg_number {
	int64_t i;
	double f;
} eg_number;
int eg_slot_buffers(const eg_slot *s); /* how many eg_bufs */
int eg_slot_take(const eg_slot *s, const void *args, eg_number *numbers, eg_buf *buffers); /* returns how many */
/* Into args of s->args()->bytes bytes, of which nothing else is touched. */
void eg_slot_make(const eg_slot *s, const eg_number *numbers, const eg_buf *buffers, void *args);
/* For each number of eg_slot_take: its name as C writes it ("s.act.alpha", "dims[1]") and its field. False: there is
 * no number i. */
bool eg_slot_number(const eg_slot *s, int i, char *name, size_t size, const eg_field **field);

#endif
