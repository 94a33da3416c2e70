/* packed.h - weights in the forms that kernels read. They belong to the parameters: every plan that reads a weight in some form
 * reads the same one, so that it is held once, and written once after the parameters have changed, by the first plan that runs then.
 *
 * Written at the optimizer's step itself they would cost more, not less: a plan for validation would have its forms refreshed in every
 * step of the training that it does not take part in. */
#ifndef ENGRAM_PACKED_H
#define ENGRAM_PACKED_H

#include "base/base.h"
#include "kern/kern.h"

/* One form: what a call makes of parameters, or of other forms. */
typedef struct eg_packed {
	char *data;
	size_t bytes;
	uint64_t version; /* of the parameters that it was written from; 0: of none */
	struct eg_packed *next;
	int users; /* plans */
	eg_kernel run;
	size_t size; /* of key */
	char *key;   /* how and of what run makes it */
} eg_packed;

/* All forms of one eg_params. It lives as long as the parameters or a plan holds it. */
typedef struct eg_packed_set {
	const eg_allocator *allocator;
	int holders;
	eg_packed *first;
} eg_packed_set;

eg_packed_set *eg_packed_set_new(const eg_allocator *a); /* held once; NULL: out of memory */
void eg_packed_set_hold(eg_packed_set *s);
void eg_packed_set_release(eg_packed_set *s); /* NULL is ignored */

/* The form of `bytes` bytes that `run` makes as the key says, found or new; the caller is one of its users. The key is copied; bytes that are equal
 * must mean the same in every plan. Without one (size 0) the form is the caller's alone. NULL: out of memory. */
eg_packed *eg_packed_use(eg_packed_set *s, eg_kernel run, const void *key, size_t size, size_t bytes);
void eg_packed_leave(eg_packed_set *s, eg_packed *p); /* NULL is ignored */

#endif
