/* packed.h - weights in the forms that kernels read. They belong to the parameters: every plan that reads a weight in
 * some form reads the same one, so that it is held once, and written once after the parameters have changed, by the
 * first plan that runs then.
 *
 * Plans of several threads may share them. What is in the list, and who writes a form, is decided under the set's lock;
 * a plan that finds all its forms written takes none, a form's version telling that by itself.
 *
 * Written at the optimizer's step itself they would cost more, not less: a plan for validation would have its forms
 * refreshed in every step of the training that it does not take part in. */
#ifndef ENGRAM_PACKED_H
#define ENGRAM_PACKED_H

#include "core/op.h"

#include <pthread.h>
#include <stdatomic.h>

/* How a call makes one of its results of parameters, or of other forms: where keys are equal, so are the results, in
 * every plan. Compared as bytes, so all of it must be set; it has no padding. */
typedef struct eg_packed_key {
	eg_kernel run;
	const void *read[EG_FORM_READS]; /* where a parameter's offset stands, a constant's numbers, or a form */
	int64_t begin[EG_FORM_READS];    /* the first element of it that is read */
	int64_t result;                  /* which of the buffers that the call writes */
	int form[EG_FORM_INTS];          /* as the op says; all zero: its result is for one plan alone */
} eg_packed_key;

/* One form. */
typedef struct eg_packed {
	char *data;
	size_t bytes;
	atomic_uint_least64_t version; /* of the parameters that it was written from; 0: of none */
	struct eg_packed *next;
	bool constant; /* written once: of constants alone */
	int users; /* plans */
	eg_packed_key key;
} eg_packed;

/* All forms of one eg_params. It lives as long as the parameters or a plan holds it. */
typedef struct eg_packed_set {
	const eg_allocator *allocator;
	pthread_mutex_t lock;
	int holders;
	eg_packed *first;
} eg_packed_set;

eg_packed_set *eg_packed_set_new(const eg_allocator *a); /* held once; NULL: out of memory */
void eg_packed_set_hold(eg_packed_set *s);
void eg_packed_set_release(eg_packed_set *s); /* NULL is ignored */

/* The form of this key and of `bytes` bytes, found or new; the caller is one of its users. NULL: out of memory. */
eg_packed *eg_packed_use(eg_packed_set *s, const eg_packed_key *key, size_t bytes, bool constant);
void eg_packed_leave(eg_packed_set *s, eg_packed *p); /* NULL is ignored */

/* Forms are written between these two. */
void eg_packed_lock(eg_packed_set *s);
void eg_packed_unlock(eg_packed_set *s);
/* Was it written from this version of the parameters? Then what it holds may be read. */
static inline bool eg_packed_fresh(const eg_packed *p, uint64_t version) {
	const uint64_t written = atomic_load_explicit(&p->version, memory_order_acquire);
	return written == version || (p->constant && written != 0);
}
static inline void eg_packed_written(eg_packed *p, uint64_t version) { atomic_store_explicit(&p->version, version, memory_order_release); }

#endif
