/* optest_descriptor.c - would the tester notice a descriptor that says something else than its operator does? One
 * member at a time is left out or changed, of every operator that has it. And `lengths`: padding that is multiplied by
 * 0 where it must be left out.
 *
 * Where bwd_reads_y is left out the plan itself tells (undeclared). Numbers must tell too, since an op may keep its
 * output in a way that the plan does not
 * see: that is a mistake of its own here, looked for without asking the plan. */
#include "optest_mutate.h"

#include <string.h>

typedef enum member { READS_X, READS_Y, OVERWRITTEN, FOLLOWS, COST, PARAMS, MEMBERS } member;
static const char *const names[MEMBERS] = {"bwd_reads_x left out", "bwd_reads_y left out", "output overwritten", "follows left out", "cost left out",
	"another name in params"};

/* False: the operator has no such member. */
static bool change(eg_op *op, member what) {
	static const char *const other[] = {"other", NULL};
	const eg_op right = *op;
	switch (what) {
	case READS_X: op->bwd_reads_x = false; return right.bwd_reads_x;
	case READS_Y:
	case OVERWRITTEN: op->bwd_reads_y = false; return right.bwd_reads_y;
	case FOLLOWS: op->follows = NULL; return right.follows;
	case COST: op->cost = NULL; return right.cost;
	case PARAMS: op->info.params = other; return right.info.params;
	case MEMBERS: break;
	}
	return false;
}

static bool result_of(const setup *s, results *out, const char **why) {
	rig r;
	eg_error err;
	bool ok = rig_new(&r, s, &err);
	if (ok) {
		*why = undeclared(&r);
		rig_fill(&r);
		rig_run(&r);
		results_take(out, &r);
	}
	rig_free(&r);
	return ok;
}

/* Does this case notice that the operator is described by `wrong`? */
static bool notices(const eg_op *wrong, setup s, member what, double tolerance) {
	results want = {0}, have = {0};
	const char *why = NULL, *none = NULL;
	bool differs = false;
	if (what == OVERWRITTEN && !follow_in_place(&s)) return false;
	s.keep = what == OVERWRITTEN;
	bool ok = what != OVERWRITTEN || result_of(&s, &want, &none);
	s.keep = false;
	s.instead = wrong;
	if (ok && result_of(&s, &have, &why)) differs = what == OVERWRITTEN ? results_differ(&want, &have, tolerance) != NULL : why != NULL;
	results_free(&want);
	results_free(&have);
	return differs;
}

static void tell(const eg_op *op, const char *mistake, const eg_case *found, int *killed, int *alive) {
	*(found ? killed : alive) += 1;
	printf("%-24s %-24s %s%s%s\n", op->info.name, mistake, found ? "'" : "NOT NOTICED", found ? found->what : "", found ? "'" : "");
}

static void try_out(const eg_op *op, member what, double tolerance, int *killed, int *alive) {
	eg_op wrong = *op;
	const eg_case *found = NULL;
	if (!change(&wrong, what)) return;
	for (int i = 0; i < op->ncases && !found; i++) {
		setup s = {.op = op, .c = &op->cases[i], .isa = EG_ISA_REF};
		do
			if (notices(&wrong, s, what, tolerance)) found = s.c;
		while (!found && next_way(&s));
	}
	tell(op, names[what], found, killed, alive);
}

/* ---- padding ----------------------------------------------------------------------------------------------------- */

static struct {
	eg_kernel right;
	bool applied;
} steps;

static void multiplied(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_steps_args *a = args;
	steps.right(args, begin, end, worker);
	for (int t = begin; t < end && a->kind == EG_STEPS_MASK && a->lengths.p; t++)
		for (int k = 0; k < a->N; k++)
			for (int j = 0; j < a->n && t >= ((const int32_t *)a->lengths.p)[k]; j++) {
				const ptrdiff_t at = ((ptrdiff_t)t * a->N + k) * a->n + j;
				((real *)a->y.p)[at] += 0 * ((const real *)a->x.p)[at];
				steps.applied = true;
			}
}

static void tamper(eg_kernels *k) {
	steps.right = k->steps;
	k->steps = multiplied;
}

static void multiply_padding(const eg_op *op, int *killed, int *alive) {
	const eg_case *found = NULL;
	steps.applied = false;
	for (int i = 0; i < op->ncases * EG_ISA_COUNT && !found; i++) {
		setup s = {.op = op, .c = &op->cases[i / EG_ISA_COUNT], .isa = (eg_isa)(i % EG_ISA_COUNT), .tamper = tamper};
		results want = {0}, have = {0};
		if (!isa_usable(s.isa)) continue;
		const char *why;
		bool ok = result_of(&s, &want, &why);
		s.padding = PADDED_BY_NAN;
		if (ok && result_of(&s, &have, &why) && results_differ(&want, &have, 0)) found = s.c;
		results_free(&want);
		results_free(&have);
	}
	if (steps.applied) tell(op, "padding multiplied", found, killed, alive);
}

void descriptor_mistakes(double tolerance, int *killed, int *alive) {
	for (int i = 0; i < eg_ops_count; i++)
		for (int m = 0; m < MEMBERS; m++) try_out(eg_ops[i], (member)m, tolerance, killed, alive);
	for (int i = 0; i < eg_ops_count; i++)
		if (eg_ops[i]->lengths) multiply_padding(eg_ops[i], killed, alive);
}
