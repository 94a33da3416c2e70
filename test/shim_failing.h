/* shim_failing.h - to be told when the N-th call of a kind fails. See shim_failing.c. */
#ifndef ENGRAM_TEST_SHIM_FAILING_H
#define ENGRAM_TEST_SHIM_FAILING_H

#include <stdbool.h>

typedef enum shim_kind {
	SHIM_MEMORY,
	SHIM_WRITE,
	SHIM_READ,
	SHIM_OPEN,
	SHIM_SYNC,
	SHIM_RENAME,
	SHIM_THREAD
} shim_kind;

/* From now on the n-th call of the kind fails (0: none), and with from_there all that follow. */
void shim_fail(shim_kind kind, long n, bool from_there);
/* Nothing fails any more. Returns how many calls there were. */
long shim_stop(void);

#endif
