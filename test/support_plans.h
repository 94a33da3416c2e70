/* support_plans.h - which plans have been run already: of layouts and algorithms that are forced in turn, many cannot
 * do a shape, and leave the plan as it was. */
#ifndef ENGRAM_TEST_SUPPORT_PLANS_H
#define ENGRAM_TEST_SUPPORT_PLANS_H

#include "engram.h"

/* Zero: none. */
typedef struct plans {
	char **text;
	int n;
} plans;

/* Is this the first plan that does these calls, in this order, on tensors that lie so, in so much memory
 * (eg_plan_describe, eg_plan_memory)? `kind` tells apart what the plan does not
 * show: its inputs, the context. */
bool plans_add(plans *p, const char *kind, eg_plan *plan);
void plans_forget(plans *p);

#endif
