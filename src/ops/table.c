/* table.c - the operator table, made from ops.def, or, in a library of chosen operators, from those lines of it that
 * CMake has left; and the public functions that look things up in it. */
#include "core/op.h"

#include <string.h>

#ifdef ENGRAM_CHOSEN
#define LIST "chosen_ops.def"
#else
#define LIST "ops/ops.def"
#endif

#define EG_OP(name) extern const eg_op eg_op_##name;
#include LIST
#undef EG_OP

#define EG_OP(name) &eg_op_##name,
const eg_op *const eg_ops[] = {
#include LIST
};
#undef EG_OP

const int eg_ops_count = EG_COUNT(eg_ops);

int eg_op_count(void) { return eg_ops_count; }

const eg_op_info *eg_op_at(int i) { return i >= 0 && i < eg_ops_count ? &eg_ops[i]->info : NULL; }

const eg_op_info *eg_op_find(const char *name) {
	if (!name) return NULL;
	for (int i = 0; i < eg_ops_count; i++) {
		const eg_op_info *op = &eg_ops[i]->info;
		if (!strcmp(op->name, name) || (op->layer && !strcmp(op->layer, name))) return op;
	}
	return NULL;
}
