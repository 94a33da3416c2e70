/* plan.h - the inside of a plan: logical buffers, calls, steps.
 *
 * Making a plan goes through eleven files: want.c marks what is wanted, ends.c what of it nobody reads; shapes.c finds
 * the size of everything; unroll.c repeats the bodies of loops; layout.c decides how values lie; emit.c lets every op
 * put down its calls, naming logical buffers; prune.c drops those that nobody needs; schedule.c orders the calls into
 * steps; cost.c counts what they compute; memory.c gives every buffer a place and writes the addresses into the calls'
 * arguments; run.c executes the steps. */
#ifndef ENGRAM_PLAN_H
#define ENGRAM_PLAN_H

#include "core/params.h"

typedef enum eg_buf_kind {
	BUF_TEMP,   /* activation, gradient, anything that a call writes before another reads it */
	BUF_IO,     /* seen by the user: inputs, outputs, their gradients. Lives as long as the plan */
	BUF_CARRY,  /* recurrent state: lives from run to run */
	BUF_PACKED, /* written from parameters alone: it is kept with them (packed.h) while they do not change */
	BUF_PARAM,
	BUF_PARAM_GRAD,
	BUF_CONSTANT, /* the graph's (eg_constant) */
	BUF_STATE, /* the eg_dropout_state */
	BUF_PART   /* a part of another buffer (eg_emit_part); calls name that one */
} eg_buf_kind;

/* A logical buffer. */
typedef struct eg_pbuf {
	eg_buf_kind kind;
	bool block;    /* cut by blocks of samples: `count` elements each; else `count` elements in all */
	int samples;   /* block: so many */
	bool shared;   /* stands for two values (eg_emit_same): must not be overwritten in place */
	bool lent;     /* stands for more than one gradient (eg_emit_dx_same), or is the user's */
	eg_layout layout; /* for descriptions */
	bool real;     /* holds floating-point numbers */
	size_t elem;   /* bytes of an element */
	int64_t count;
	int64_t samples_elems; /* PLAIN block buffers: elements of one sample, so that a full one ends with the last
	                        * sample; else 0 */
	int param;     /* BUF_PARAM, BUF_PARAM_GRAD: which; BUF_CONSTANT: which value; BUF_CARRY: of which node, and */
	int slot;      /* of its states */
	int64_t rows, width; /* BUF_CARRY: it is (layers, rows, width) */
	int whole;     /* BUF_PART: of which buffer, and */
	int64_t begin; /* from which of its elements on */
	int first, last;             /* steps of first and last use */
	int first_call, last_call;   /* within the step, when there is only one */
	bool transient;              /* one copy per worker, used inside of one step */
	size_t offset;               /* in its region */
	eg_packed *packed;           /* BUF_PACKED: what holds it */
} eg_pbuf;

typedef struct eg_call {
	int node;
	bool bwd;
	const char *kernel, *algorithm, *pass, *problem;
	bool aside;
	eg_kernel run;
	char *args;    /* as emitted: buffers are handles */
	size_t size, scratch;
	int form[EG_FORM_INTS];
	int reads, writes, units; /* block: as many units as blocks */
	bool block, chunks;
	double flops;
	eg_joint_spec joint;
	int buf[EG_CALL_BUFS];       /* reads, then writes; -1: absent */
	int64_t begin[EG_CALL_BUFS]; /* first element used, where only a part is */
	char **resolved;       /* args with addresses, one copy for each worker that needs its own */
} eg_call;

/* One thing that the team does together: either a single global call, its units cut over the threads, or a run of block
 * calls, all with the same number of blocks, each thread taking whole shards of blocks and doing all calls on one block
 * before the next; or a run of calls on `chunks`, whose units stand for blocks. */
typedef struct eg_step {
	int first, count; /* in plan->order */
	bool block, pack; /* pack: only when the parameters have changed */
	bool again;       /* of pack: an earlier step makes the same */
	bool joint;       /* all threads do every unit together */
	int units;        /* of a run: shards */
	int blocks;       /* of a run */
	int threads; /* that are worth it */
	double flops;
} eg_step;

/* What the plan knows of a graph value. */
typedef struct eg_pvalue {
	eg_dims dims; /* in this plan: batches are open, and of a value that is not needed perhaps more */
	bool needed, output, needs_grad, written; /* output: the user reads it; written: its gradient has a first
	                                           * contribution */
	bool given;  /* by the user, in place of the node that computes it */
	bool asked;  /* for its gradient: option `grads` */
	bool shaped; /* its dimensions are looked at: it is needed, or would be if nothing were given */
	bool leads;  /* to a gradient that the user gives */
	bool fixed; /* made of constants alone */
	int consumers;
	int redirect; /* fused away: stands for that value; -1 */
	eg_layout wanted;    /* what layout.c decided */
	eg_layout layout;    /* as declared */
	int buf[EG_LAYOUTS], grad[EG_LAYOUTS]; /* -1 */
	int seed;            /* gradient given by the user, PLAIN; -1 */
	int kept;            /* its gradient for the user, where that is no other buffer's; -1 */
	int read;            /* how much of it is read: see ends.c */
} eg_pvalue;

typedef struct eg_pnode {
	bool needed, shaped;      /* as of a value */
	bool has_bwd;             /* its backward pass has something to compute: it leads to a gradient given, and one
	                           * is wanted behind it */
	bool fused_into_producer; /* its forward is done by the op before it, */
	int through;              /* which computes this input */
	int post[EG_POSTS];       /* the nodes that it does too, or is offered to do, by eg_post; -1 */
	int folded[2];            /* the weight and bias that EG_POST_AFFINE results in; -1 */
	bool read_x, read_y;      /* its bwd has asked for them; for tests */
	int ends;                 /* of a loss that knows where sequences end: the buffer that says it; -1 */
	int *saved, nsaved;       /* by slot, as many as have been asked for; -1: nothing is saved there */
} eg_pnode;

/* A gradient that an op writes in another layout than the canonical one, to be moved there when it is done. */
typedef struct eg_pending {
	bool there;
	int buf;
	eg_layout layout;
} eg_pending;

/* What an op's functions see of the plan. */
struct eg_emit {
	eg_plan *plan;
	int node;
	bool bwd;
	eg_pending pending[EG_MAX_INPUTS]; /* by input */
};

/* Memory that several plans use in turn. */
typedef struct eg_plan_block {
	char *memory;
	size_t size;
} eg_plan_block;

/* Rows of a table that a run uses: the ids are n of this buffer. */
typedef struct eg_rows_use {
	int table, buf;
	int64_t n;
	const int32_t *ids; /* resolved */
} eg_rows_use;

struct eg_plan {
	eg_graph *graph;
	eg_params *params;
	eg_context *ctx;
	eg_plan_options options;
	int N, T, workers;
	int nvalues;        /* of the graph when the plan was made; it may have more by now */
	int *size, nsizes;  /* by open size of the graph: what it is here; 0: it was not given, or it follows from
	                     * others */
	bool backward;      /* there is a backward pass: of training, or in inference mode */
	bool weight_grads;  /* in which gradients of weights are wanted */
	bool asks_mode;     /* an op has asked whether it trains; for tests */
	bool measured;      /* only what it would take is wanted: it gets no memory and cannot run */
	bool out_of_memory; /* sticky while the plan is made */
	bool updates_state; /* a run writes state that is kept with the parameters */
	const char *undeclared; /* the member of a descriptor that is not what the op does, for tests; NULL: there is
	                         * none */

	eg_arena arena;
	eg_pvalue *values;
	eg_pnode *nodes;
	int *param_buf, *grad_buf; /* by parameter, -1 */
	bool *grad_written;
	eg_rows_use *uses; /* of tables, by all that give them a gradient */
	int nuses, cap_uses;
	eg_pbuf *bufs;
	eg_call *calls;
	eg_step *steps;
	int *order;
	int nbufs, cap_bufs, ncalls, cap_calls, nsteps, cap_steps, norder;
	int state_buf;

	eg_plan_block *shared; /* whose block `memory` is; NULL: it is the plan's own */
	eg_packed_set *packed; /* of the parameters; held */
	char *memory; /* one block: io, temporaries, then per worker: transient arena, scratch */
	size_t carry_offset, carry_bytes; /* the state, and behind it a copy of what it was before the last run of a
	                                   * training plan */
	size_t worker_offset, arena_bytes, scratch_bytes, worker_bytes;
	eg_cost cost;
	eg_dropout_state dropout;
	char *text;              /* eg_plan_describe */
};

/* The handle that stands in eg_buf.p until memory.c replaces it. */
static inline void *eg_handle(int id) { return (void *)(uintptr_t)(id + 1); }
static inline int eg_handle_id(const void *p) { return (int)(uintptr_t)p - 1; }
static inline eg_pvalue *eg_pvalue_of(eg_plan *p, int value) {
	while (p->values[value].redirect >= 0) value = p->values[value].redirect;
	return &p->values[value];
}

static inline bool eg_plan_frozen(const eg_plan *p, int param) { return p->options.frozen && p->options.frozen[param]; }
/* Is the gradient of this parameter wanted? */
static inline bool eg_plan_wants(const eg_plan *p, int param) {
	return p->weight_grads && !p->graph->params[param].spec.state && !eg_plan_frozen(p, param);
}
/* Is there a backward pass? In a library for inference alone the compiler knows. */
static inline bool eg_plan_backward(const eg_plan *p) { return EG_HAS_BACKWARD && p->backward; }
/* What computes a value of the graph; -1: it is an input, or given. */
static inline int eg_plan_source(const eg_plan *p, int value) { return p->values[value].given ? -1 : p->graph->values[value].node; }

eg_status eg_plan_shapes(eg_plan *p, const eg_size *sizes, eg_error *err); /* shapes.c: fills size and values[].dims */
bool eg_plan_has_sizes(const eg_plan *p, const eg_size *sizes);            /* shapes.c: was it made with these? */
#ifndef ENGRAM_WITHOUT_LOOPS
bool eg_plan_has_loops(const eg_plan *p);                    /* unroll.c: that are needed */
eg_status eg_plan_unroll(eg_plan *p, const eg_plan_options *o, eg_error *err);    /* unroll.c: puts a graph of the
                                                                                   * plan's own, without loops, in the
                                                                                   * place of p->graph */
#else
static inline bool eg_plan_has_loops(const eg_plan *p) { return EG_UNUSED(p), false; }
static inline eg_status eg_plan_unroll(eg_plan *p, const eg_plan_options *o, eg_error *err) { return EG_UNUSED(p), EG_UNUSED(o), EG_UNUSED(err), EG_OK; }
#endif
int64_t eg_plan_number(const eg_plan *p, int64_t d);    /* shapes.c: what a dimension is here; negative: it is not
                                                         * known */
void eg_plan_layouts(eg_plan *p);                       /* layout.c: fills values[].wanted */
bool eg_plan_value_batched(const eg_plan *p, int value);                     /* emit.c: its first dimension is a
                                                                              * batch, */
int eg_plan_value_samples(const eg_plan *p, int value);                      /* emit.c: of so many samples */
int eg_emit_samples(const eg_emit *e);                                       /* emit.c: by which the node's block jobs
                                                                              * are cut */
bool eg_plan_value_may(const eg_plan *p, int value, eg_layout layout);       /* emit.c: can it lie so? */
int64_t eg_plan_value_elems(const eg_plan *p, int value, eg_layout layout);  /* emit.c: of one sample, or, not batched,
                                                                              * of all of it */
eg_act eg_plan_act(const eg_plan *p, int node);        /* plan.c: the activation that this op applies to its result */
bool eg_plan_does(const eg_plan *p, int node, eg_post post); /* plan.c: has it taken over what it was offered? */
int eg_plan_computes(const eg_plan *p, int value);      /* plan.c: the node that computes it, with what is fused into
                                                         * that; -1: an input */
eg_status eg_plan_want(eg_plan *p, const eg_plan_options *options, eg_error *err); /* want.c: what is needed, given, and
                                                                                    * asked for */
void eg_plan_want_gradients(eg_plan *p);                /* want.c: which values and nodes have a gradient */
void eg_plan_ends(eg_plan *p);                          /* ends.c: fills values[].read */
eg_buf eg_emit_value(eg_emit *e, int value);            /* emit.c: any value's PLAIN buffer */
bool eg_plan_seeds(const eg_plan *p, int value);        /* want.c: does the user give its gradient? */
int eg_plan_find_output(const eg_plan *p, const char *name); /* want.c: the value that is that output; -1: none that it
                                                              * has */
void eg_plan_prune(eg_plan *p);                         /* prune.c: leaves out calls whose results nobody reads */
/* plan.c: a plan whose memory is that block (NULL: of its own), made larger where need be. */
eg_plan *eg_plan_in(eg_plan_block *shared, eg_graph *g, eg_params *params, const eg_plan_options *options, eg_error *err);
void eg_plan_preset_seeds(eg_plan *p);                  /* plan.c: gradients that the caller has not set */
eg_worker eg_plan_worker(const eg_plan *p, int rank);    /* run.c: what kernels of this rank run with */
void eg_plan_emit(eg_plan *p);                          /* emit.c: fills bufs and calls */
void eg_plan_schedule(eg_plan *p);                      /* schedule.c: fills order and steps */
void eg_plan_count(eg_plan *p);                         /* cost.c: multiply-adds of a run */
eg_status eg_plan_limit(const eg_plan *p, eg_error *err); /* cost.c: are these as few as the context allows? */
bool eg_plan_place(eg_plan *p);                         /* memory.c: places buffers, resolves args; false: out of
                                                         * memory */
void eg_plan_resolve(eg_plan *p);                       /* memory.c: writes addresses within p->memory into all
                                                         * arguments */
size_t eg_pbuf_bytes(const eg_pbuf *b); /* memory.c: of the whole buffer */
void eg_plan_forget(eg_plan *p, int sample);              /* plan.c: zeroes the carried state of one sample */

#endif
