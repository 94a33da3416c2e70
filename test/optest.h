/* optest.h - the generic op tester's bench: one operator's case built into a graph, planned, filled with numbers,
 * run. */
#ifndef ENGRAM_OPTEST_H
#define ENGRAM_OPTEST_H

#include "core/plan.h"

#include <stdint.h>

/* What lies behind the lengths of sequences: numbers like the others, or NaN and infinities, and -1 where whole numbers
 * stand. */
typedef enum padding { PADDED_BY_NUMBERS, PADDED_BY_NAN, PADDED_BY_INFINITY, PADDINGS } padding;

/* How a case is set up. Zero: alone, on one thread of the ref table, planned for training, layout and fusion as the
 * planner likes. */
typedef struct setup {
	const eg_op *op;
	const eg_case *c;
	const eg_op *before; /* put between the first input and the op, so that its input is computed */
	const eg_op *after;  /* put behind the first output: what may be fused */
	const void *after_options;
	bool twice;          /* the op is applied twice to the same inputs, so that gradients add up */
	bool shared;         /* and the second time with the weights of the first */
	eg_isa isa;
	int threads;
	eg_layout_choice layout;
	eg_algorithm algorithm;
	bool no_fusion, no_defer, inference;
	bool evaluation; /* gradients in inference mode, */
	bool no_weights; /* of inputs only */
	bool asks;       /* with `before`: the gradient by its result is wanted too */
	bool gives;      /* and that is given, in place of what computes it */
	const bool *frozen; /* by parameter; NULL: none */
	int checkpoint; /* steps between checkpoints */
	bool carry;     /* a plan that begins where its last run has ended */
	bool joint; /* with threads: jobs that can be done jointly are */
	const eg_allocator *allocator;
	void (*tamper)(eg_kernels *k); /* changes the kernel table before the plan is made */
	const eg_op *instead;          /* a descriptor in place of op's own, for the plan */
	padding padding;
	bool large; /* too large for central differences: rounding of the objective is all that they show */
	bool keep; /* what `after` reads is wanted as an output too, so that nobody writes over it */
} setup;

typedef struct rig {
	eg_context *ctx;
	eg_graph *graph;
	eg_params *params;
	eg_plan *plan;
	const setup *s;
	eg_tensor inner; /* the result of `before` */
	int noutputs;
} rig;

/* False on failure, with *err filled; to be freed in either case. */
bool rig_new(rig *r, const setup *s, eg_error *err);
void rig_free(rig *r);
/* Inputs, weights and the gradients of the outputs, the same numbers for every setup of a case. */
void rig_fill(rig *r);
void rig_run(rig *r);
const char *input_name(int i);
const char *output_name(int i);
bool has_lengths(const setup *s); /* of the sequences of any input */
/* Elements of an input or output of that name in this plan. */
int64_t rig_count(const rig *r, const char *name);

/* Everything a run has computed: outputs, gradients of inputs and of weights. */
enum { MAX_RESULTS = 128 };
typedef struct result {
	char name[64];
	bool gradient;
	real *v;
	int64_t n;
} result;
typedef struct results {
	int n;
	bool full; /* there were more */
	result r[MAX_RESULTS];
} results;
void results_take(results *out, const rig *r);
void results_free(results *r);
/* The first difference in words, or NULL. tolerance is relative to the largest value of each result; 0 asks
 * for the same bits. `have` may come from inference, without gradients. */
const char *results_differ(const results *want, const results *have, double tolerance);

/* What is counted of an operator's checks, and what of its descriptor has been seen in use. */
typedef struct tally {
	int passed, failed;
	bool verbose, brief;
	bool threads; /* only what several threads do: for the thread sanitizer, to which all else is a waste */
	eg_isa only; /* the one table to be checked, or EG_ISA_COUNT: all but WIDE16, which has a run of its own */
	bool read_x, read_y;
	uint64_t params; /* by place in the list */
} tally;
bool wanted(const tally *t, int isa);
/* One check of one setup: counts it, and tells a failure with all that is needed to repeat it. */
bool check(tally *t, const setup *s, bool ok, const char *what, const char *why);
/* Runs a setup; false if that failed. */
bool run_setup(tally *t, const setup *s, results *out);
double tolerance_of(const setup *s);

/* optest_onnx.c: the way of all cases to ONNX and back. */
void check_onnx(tally *t, const eg_op *op, double tolerance);

/* Can a plan be made of it? */
bool setup_fits(const setup *s);
/* One way to embed the op in a graph: against ref, threads, gradients. */
void check_form(tally *t, setup s);
/* Central differences. */
void check_gradients(tally *t, setup s);

/* optest_contract.c: is an op what its descriptor says? In words what it is not, in this plan; NULL: it is. */
const char *undeclared(const rig *r);
/* What the plan shows of the descriptor's members that may be said for nothing; and at the end: which were? */
void note_used(tally *t, const rig *r);
void check_used(tally *t, const eg_op *op);
void check_padding(tally *t, setup s);
/* Followed by an operator that writes over what it reads. */
void check_overwritten(tally *t, setup s);
/* optest_mode.c: gradients in inference mode, and frozen parameters. */
void check_mode(tally *t, setup s);
/* optest_shared.c: two nodes with one set of weights. */
void check_shared(tally *t, setup s);
/* optest_equal.c: the op's cases again with all extents equal. */
void check_equal(tally *t, const eg_op *op);

/* Is there a table for this ISA, and can this machine run it? */
bool isa_usable(eg_isa isa);
/* An operator that can stand before any other: one input, the same shape, no weights; whose backward reads y, or
 * not. */
const eg_op *neighbour(bool reads_y);
/* What else the planner may do together with an op: pooling of 2x2 windows, and in inference a batch normalisation. Put
 * behind it. */
void follow_with_pool(setup *s);
void follow_with_norm(setup *s);
/* An activation that writes over what it reads, and that no op's output is unchanged by. False: it cannot follow
 * here. */
bool follow_in_place(setup *s);
double now(void);

/* Goes on to the next layout or algorithm that may be forced; false: there is none. Only an op that chooses has
 * algorithms, and, with pictures in lanes, one alone; the reference has one kernel for most. They are gone through
 * alone, applied twice, and before a relu. */
bool next_way(setup *s);
/* optest_mutate.c: breaks one kernel slot at a time and demands that a case notices. Returns the number of slots
 * that none noticed. */
int mutate(double tolerance);
/* optest_replay.c: records the kernel calls of these operators' cases, or of all, and repeats them from their field
 * tables. Returns the number of calls that came out differently, and of slots that none made. */
int replay(int n, char *const *names);

#endif
