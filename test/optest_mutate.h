/* optest_mutate.h - what optest_mutate.c (kernels that the plan calls) and optest_cells.c (parts of a recurrent step,
 * which the recurrence calls) share. */
#ifndef ENGRAM_OPTEST_MUTATE_H
#define ENGRAM_OPTEST_MUTATE_H

#include "optest.h"

typedef enum fault { SIGN, REVERSE, ONE_OFF, SKIP_LAST, FAULTS } fault;

/* Spoils n numbers; SKIP_LAST leaves them alone. */
void spoil(real *v, int64_t n, fault f);

/* optest_cells.c: slot i of the recurrence's is broken in k. *applied becomes true once a wrong number has been
 * written. */
enum { CELL_OUTPUTS = 3 };
int cells_count(void);
const char *cells_name(int i);
void cells_break(eg_kernels *k, int i, fault f, int output, bool *applied);

/* optest_recurrent.c: mistakes in the arguments of the recurrence; adds up those that a case notices and those that
 * none does. */
void recurrent_mistakes(double tolerance, int *killed, int *alive);
/* optest_descriptor.c: wrong descriptors. */
void descriptor_mistakes(double tolerance, int *killed, int *alive);

#endif
