/* op.h - what an operator is to the engine, and what the planner offers to an operator.
 *
 * One file in src/ops holds one eg_op: documentation, attributes, shape inference, forward, backward, ONNX mapping,
 * test cases. Its fwd and bwd do not compute: called once per plan, they choose kernels and emit calls to them, naming
 * the buffers; the planner then orders the calls, decides where every buffer lies, and the runner executes them. */
#ifndef ENGRAM_OP_H
#define ENGRAM_OP_H

#include "base/base.h"
#include "kern/kern.h"

/* ---- shape inference --------------------------------------------------------------------------------------------- */

/* Names in the order of eg_init_kind, for attributes: "default", "zero", ..., NULL-terminated. */
extern const char *const eg_init_names[];

typedef struct eg_param_spec {
	const char *name; /* "weight" */
	eg_dims dims;
	eg_init_kind init;
	double value; /* constant, bound of uniform, deviation of normal; a factor of the others */
	int64_t fan_in, fan_out;
	int64_t blocks;       /* the weights are so many equal parts, each initialised by itself (orthogonal, constant);
	                       * 0: 1 */
	int64_t first, count; /* constant: only these elements of each block, the others are zero; count 0: all */
	const char *given;    /* constant: element by element, `value` where a '#' stands and -value where a '.' does;
	                       * blanks and line ends are passed over. NULL: all are alike */
	bool elementwise;     /* a factor or constant for each of some numbers, no matrix whatever its rank: by default
	                       * it does not decay */
	bool state;           /* kept with the weights, but not trained: running statistics. A training plan may write
	                       * it */
} eg_param_spec;

/* A dimension that is negative is open, and either a batch (EG_N, or a product: EG_TN), whose samples do not depend on
 * each other and may be cut into blocks, or a size like any other (EG_T, "height") that is known when a plan is
 * made. */
enum { EG_NAMED = -4 }; /* the first size with a name of its own; those of a graph are EG_NAMED, EG_NAMED - 1, ... */
bool eg_dim_is_product(int64_t d);
static inline bool eg_dim_is_batch(int64_t d) { return d == EG_N || eg_dim_is_product(d); }
static inline bool eg_dim_is_open(int64_t d) { return d < 0 && !eg_dim_is_batch(d); } /* open, and no batch */
/* a times b as an open size, b being the batch or not, and what it is made of. 0: one of them is a product already, or
 * too large. */
int64_t eg_dim_product(int64_t a, int64_t b);
void eg_dim_factors(int64_t d, int64_t *a, int64_t *b);
/* May they be equal? Of sizes that are open this is told when a plan is made, where infer is called again. */
bool eg_dim_fits(int64_t a, int64_t b);
/* Of two that fit, the one that says more: a number before an open size, of these the one that is known longer, so a
 * picture's height before what a network has made of it. */
static inline int64_t eg_dim_surer(int64_t a, int64_t b) { return a > b ? a : b; }
bool eg_dims_fit(const eg_dims *a, const eg_dims *b); /* and the ranks are equal */

/* What infer reads (upper part) and sets (lower part). It is called when a node is made, and again for each plan: then
 * only batches are open, all else is concrete. Sizes that are not open are >= 1. Attributes are within their ranges and
 * have their defaults. An optional input that is absent has rank -1. eg_fail messages need no op or node name, the
 * graph puts them in front. */
typedef struct eg_infer {
	const void *options;
	int nin;
	eg_dims in[EG_MAX_INPUTS];
	eg_dims declared[EG_MAX_INPUTS]; /* in the graph: sizes that in a plan are not open any more are so here */
	eg_dtype in_type[EG_MAX_INPUTS];
	eg_error *err;
	eg_graph *graph;    /* for eg_infer_size; NULL: a plan is made */
	bool out_of_memory; /* set by it */

	int nout, nparams; /* nout is preset to 1, nparams to 0 */
	eg_dims out[EG_MAX_OUTPUTS];
	eg_dtype out_type[EG_MAX_OUTPUTS]; /* preset to EG_F32 */
	bool out_constant[EG_MAX_OUTPUTS]; /* no gradient flows into this output: it is there to be looked at */
	eg_param_spec params[EG_MAX_PARAMS];
	eg_node_info *info; /* macs, dense_macs ..., window may be set; all preset to 0 */
} eg_infer;

/* A size that follows from `from`, which is open, in a way that only the operator knows: open, and unequal to all
 * others. */
int64_t eg_infer_size(eg_infer *s, int64_t from);

/* "(N,3,28,28)" into buf; returns buf. A size with a name appears as its number, "#0", for which the graph puts the
 * name into the message. */
const char *eg_dims_text(const eg_dims *d, char *buf, size_t size);
int64_t eg_dims_known(const eg_dims *d, int from); /* the same, open dimensions left out */

/* ---- test cases: read by the generic tester ---------------------------------------------------------------------- */

/* Dimensions as a case has them; every size and open dimension of a case fits. */
typedef struct eg_case_dims {
	int16_t rank, d[EG_MAX_DIMS];
} eg_case_dims;

typedef struct eg_case {
	const char *what;     /* a few words */
	const void *options;  /* the op's options struct or NULL */
	eg_case_dims in[EG_MAX_INPUTS]; /* OP_DIMS(...) */
	uint8_t type[EG_MAX_INPUTS];    /* an eg_dtype */
	int batch;            /* for EG_N */
	int time;             /* for EG_T */
	const eg_size *sizes; /* OP_SIZES(...): for EG_NAMED, EG_NAMED - 1, ... */
	int64_t limit;        /* for EG_I32 inputs: values are 0..limit-1 */
	const int32_t *const *values; /* OP_VALUES(...): for EG_I32 inputs these values instead, as many as it has;
	                               * NULL, and NULL of one: random */
	int nin;
	bool linear;          /* linear in its floating-point input 0 (bias aside): the adjoint identity is checked */
	bool ties;            /* inputs hold equal values on purpose; no central differences */
	float low, high;      /* input 0 lies between them, and stands behind no other op; both 0: between -1 and 1 */
	bool random;          /* forward depends on the seed (dropout) */
	bool lone;            /* of several outputs only output 0 is wanted */
	bool unequal;         /* an extent must be a multiple of another: they cannot all be equal */
} eg_case;

/* ---- post-operations --------------------------------------------------------------------------------------------- */

/* What an op does to its output 0 for the nodes behind it, in this order, each at most once. A descriptor lists those
 * that its fwd and bwd can do; where the graph has them, and nobody else reads what lies between, the planner (plan.c)
 * has the op do them. Those that are offered the op takes when it knows its layout, or leaves. */
typedef enum eg_post {
	EG_POST_AFFINE,   /* scale and shift by channel, in inference: the planner folds them into its weight and bias
	                   * (parameters 0 and 1, which may be absent), where the first dimension of the weight is
	                   * dimension 1, the channels, of output 0 */
	EG_POST_SUM,      /* with another value, in inference; offered, see eg_emit_y_over_addend */
	EG_POST_ACT,      /* fwd honours eg_emit_act */
	EG_POST_RELU_BWD, /* the backward of that activation where it is relu: bwd honours eg_emit_relu_bwd. Backward of
	                   * others is a call in front of it */
	EG_POST_POOL,     /* 2x2 maximum; offered, see eg_emit_pool */
	EG_POSTS
} eg_post;
#define OP_POST(kind) (1u << EG_POST_##kind)

/* ---- the descriptor ---------------------------------------------------------------------------------------------- */

/* The member `bwd`: a library may be built for inference alone (ENGRAM_TRAINING=OFF), and then has no backward
 * passes. */
#ifdef ENGRAM_INFERENCE
enum { EG_HAS_BACKWARD = 0 };
#define OP_BWD(f) NULL
#else
enum { EG_HAS_BACKWARD = 1 };
#define OP_BWD(f) f
#endif

enum { EG_MAX_NODES = 1 << 20 }; /* of a graph: streams of random numbers have room for so many */

typedef struct eg_emit eg_emit;
typedef struct eg_export eg_export;
typedef struct eg_import eg_import;

extern const char *const eg_layout_names[EG_LAYOUTS];

typedef struct eg_op {
	eg_op_info info;
	eg_status (*infer)(eg_infer *s);
	/* Of a layer that is made of others when it is put into a graph, and no node itself; infer, fwd and bwd are
	 * NULL then. One of its nodes must be called as it is (the options begin with the name), the others
	 * NAME/part. */
	eg_tensor (*compose)(eg_graph *g, const void *options, const eg_tensor *inputs, int nin, eg_error *err);
	/* Of a loss: what it takes as its input 1, "target", for an input 0 of dimensions x; options have their
	 * defaults. NULL: it is no loss. */
	eg_status (*target)(const void *options, const eg_dims *x, eg_target_info *target, eg_error *err);
	/* Where output 0 lies; `options` as the user gave them, or NULL: zeros are defaults. NULL: anywhere. */
	eg_range (*range)(const void *options);
	/* Of an op that takes lengths (N): a letter an input: the number of the input that holds how long its sequences
	 * (S,N,...) or (N,S,...) are, or -. a, b, c instead of 0, 1, 2: only where the input behind it is left out.
	 * What lies behind a length has no influence on anything, whatever it is, NaN included: its gradient is 0, and
	 * nothing is multiplied with it. NULL: none. */
	const char *lengths;
	int code;                      /* of a member of a family, whose functions are shared: which one it is
	                                * (eg_emit_code) */
	void (*fwd)(eg_emit *e);
	void (*bwd)(eg_emit *e);       /* NULL only with no_gradient */
	const char *no_gradient;       /* why there is no backward; NULL when there is one */
	bool bwd_reads_x, bwd_reads_y; /* values that must survive until backward: bwd asks for eg_emit_x, eg_emit_y */
	bool by_rows;                  /* its weights have gradients in the rows alone that input 0 names: bwd asks
	                                * for eg_emit_rows */
	uint8_t steps;                 /* of its first inputs, so many: where they are (T,N,...), what is at time t of a
	                                * sample goes into that sample's output 0 (T,N,...) at t, and later ones unless
	                                * the node mixes times; so its gradient is 0 where the output's is from t on. An
	                                * op with `act` is so anyway */
	unsigned posts;                /* OP_POST(ACT) | ...: what it can do for those behind it */
	eg_buf (*affine)(eg_emit *e);  /* in inference it is y = scale x + shift by channel, and so may be folded into
	                                * its producer: emits what computes the two and returns them as the kernels'
	                                * coef (batchnorm); NULL: it is not */
	/* Layouts, read before fwd is called. follows: fwd and bwd work in the layout in which input 0 lies, and output
	 * 0 lies in the same; NULL: never. cost: of an op that can work in several layouts, estimated nanoseconds of
	 * all its calls with input 0 and output 0 in these (INFINITY: it cannot), reorders of the two that it needs
	 * included; it then declares output 0 to lie in eg_emit_layout, and wants other inputs to lie so too. Else an
	 * op works in PLAIN. */
	bool (*follows)(const eg_emit *e);
	double (*cost)(const eg_emit *e, eg_layout x, eg_layout y);
	bool sums;                     /* this op is the sum of its two inputs; where they have the same shape, what
	                                * computes one may add the other */
	bool (*pools)(const void *options); /* this op is a maximum over whole 2x2 windows side by side; NULL: it is
	                                     * not */
	eg_act (*act)(const void *options); /* this op is that activation of its input, and may be applied by what
	                                     * computes it; NULL: it is none */
	/* What it is in ONNX (onnx.h). export NULL: the operator `onnx`, if there is one, with the same inputs, weights
	 * and attributes. import
	 * NULL: the same way back; else it is asked for nodes of type `onnx` and of those listed in onnx_also, and says
	 * false where this one is not its. no_onnx: why it has no equal there; NULL: there is none, or it is a loss. */
	const char *onnx;              /* ONNX operator, or NULL */
	int onnx_since;                /* first opset with this meaning */
	const char *onnx_also, *no_onnx;
	void (*export)(eg_export *x);
	bool (*import)(eg_import *m);
	const eg_case *cases; /* OP_CASES(...): NULL but in the tester */
	int ncases;
} eg_op;

static inline bool eg_op_has_gradient(const eg_op *op) { return op->bwd || op->compose; }

/* The table from ops.def. */
extern const eg_op *const eg_ops[];
extern const int eg_ops_count;
const eg_op *eg_op_named(const char *name); /* its name, not that of its layer; NULL: there is none */

/* ---- what fwd and bwd may ask and do ----------------------------------------------------------------------------- */

const void *eg_emit_options(const eg_emit *e);
int eg_emit_code(const eg_emit *e);
const eg_kernels *eg_emit_kernels(const eg_emit *e);
bool eg_emit_training(const eg_emit *e);       /* the node computes as in training: drops at random, normalises by the
                                                * batch, updates its state.
                                               * Not in inference, nor where all of its weights are frozen; a backward
                                               * pass may follow all the same: */
bool eg_emit_has_bwd(const eg_emit *e);        /* bwd will be called: fwd keeps what that needs */
bool eg_emit_needs_dw(const eg_emit *e, int i); /* the gradient of parameter i is wanted. bwd may compute it where it is
                                                 * not: such calls are left out */
bool eg_emit_frozen(const eg_emit *e, int i);  /* parameter i is not to change */
void eg_emit_lone(eg_emit *e);                 /* statistics over this batch would be of one value each, and are not
                                                * made (eg_cost.lone) */
int eg_emit_checkpoint(const eg_emit *e, int steps); /* between two checkpoints of a recurrence of so many steps; 0:
                                                      * none */
int eg_emit_node(const eg_emit *e);            /* number of the node, for random streams */
int eg_emit_nin(const eg_emit *e);
bool eg_emit_has_param(const eg_emit *e, int i);
eg_act eg_emit_act(const eg_emit *e);          /* activation to apply to output 0, */
bool eg_emit_relu_bwd(const eg_emit *e);       /* which is relu, and its backward to be done: with EG_POST_RELU_BWD */
eg_act eg_emit_own_act(const eg_emit *e);      /* the one that the op itself is */

/* A maximum over 2x2 windows reads the result of this op (and of its activation) and nobody else does. eg_emit_pool:
 * forward, before output 0 is
 * declared: does the op take it over? Then output 0 is the result of the pooling, eg_emit_out_dims stay those of the op
 * alone.
 * eg_emit_pooled: has it? */
bool eg_emit_pool(eg_emit *e);
bool eg_emit_pooled(const eg_emit *e);

/* Inference: the result of this op is only added to another value, and nobody needs that any more.
 * eg_emit_y_over_addend: the buffer of the sum, where that value lies already in this layout, to be added to;
 * eg_emit_act is then the activation behind the sum. Absent: the op writes its own output. */
eg_buf eg_emit_y_over_addend(eg_emit *e, eg_layout layout);

/* Concrete shapes. batched: the first dimension of that tensor is a batch (EG_N, EG_TN), so it is cut into blocks of
 * EG_BLOCK samples and may be in LANES layout. */
eg_dims eg_emit_in_dims(const eg_emit *e, int i);
eg_dtype eg_emit_in_type(const eg_emit *e, int i);
eg_dims eg_emit_in_declared(const eg_emit *e, int i); /* as infer saw it: open dimensions are negative */
eg_dims eg_emit_out_dims(const eg_emit *e, int i);
bool eg_emit_in_constant(const eg_emit *e, int i); /* its numbers never change: what is made of it, packed say, is made
                                                    * once */
bool eg_emit_in_batched(const eg_emit *e, int i);
bool eg_emit_out_batched(const eg_emit *e, int i);
/* Is the optional input i there? Does anybody want output i (output 0 of an op with one output always is)? Does a
 * gradient flow back into output i? */
bool eg_emit_has_in(const eg_emit *e, int i);
bool eg_emit_out_needed(const eg_emit *e, int i);
bool eg_emit_has_dy(const eg_emit *e, int i);

/* Layouts. eg_emit_in_layout: how input i lies, so that an op that does not care stays with it; out_layout: how output
 * 0 was declared, for bwd; eg_emit_layout: how the planner wants output 0 to lie, for fwd of an op with a `cost`. */
eg_layout eg_emit_in_layout(const eg_emit *e, int i);
eg_layout eg_emit_out_layout(const eg_emit *e);
eg_layout eg_emit_layout(const eg_emit *e);

/* For `cost`. eg_emit_lanes_fit: do LANES pay for an op that touches so many bytes of activations in a block, and so
 * many of weights? Times of
 * jobs: eg_cost_job of `ns` nanoseconds of arithmetic on one core in so many units, moving so many bytes;
 * eg_cost_reorder of bringing input 0 or output 0 from one layout into another. */
bool eg_emit_lanes_fit(const eg_emit *e, size_t block_bytes, size_t weight_bytes);
double eg_cost_job(const eg_emit *e, double ns, double bytes, int units, bool block);
double eg_cost_reorder_in(const eg_emit *e, int i, eg_layout from, eg_layout to);
double eg_cost_reorder_out(const eg_emit *e, eg_layout from, eg_layout to);
/* Which convolution algorithm is asked for, and may it round otherwise than a sum of products? */
eg_algorithm eg_emit_algorithm(const eg_emit *e);
/* Nanoseconds that were measured for this choice (eg_measurement), for the whole job on all threads; negative: they
 * were not. eg_emit_tuned: is there anything measured at all? */
bool eg_emit_tuned(const eg_emit *e);
double eg_emit_measured(const eg_emit *e, const char *problem, const char *pass, const char *algorithm);
bool eg_emit_exact(const eg_emit *e);

/* Buffers, to be stored into kernel args (the pointers are handles until the plan is complete).
 *   x   input i in the layout asked for (a reorder is put in when it lies otherwise)
 *   y   output i, declared to lie in that layout. From bwd: the same buffer again, in the same layout
 *   y_over_x  output 0 in the place of input i when nobody needs input i any more, else a buffer of its own; same
 *             layout as input i
 *   same  declares output 0 to be the very data of buffer `x` obtained by eg_emit_x(e, i, layout): no call is needed
 *         (flatten, dropout at inference)
 *   w, dw parameter i and its gradient (*acc tells whether to add). A parameter that is state has no gradient; a
 *   training plan may write it,
 *         once a run, by naming w among a call's writes
 *   dy  gradient of output i in that layout. Absent (p NULL) when nothing flows back
 *   dx  where to write the gradient of input i, in the layout asked for; *acc tells whether to add. Ask only when
 *       eg_emit_needs_dx
 *   dx_same  the gradient of input i is the data of dy's buffer in that layout (backward of `same`, of a sum); emits
 *            what is needed: nothing
 *         where the two can share the buffer until one of them is added to
 *   saved  a buffer that lives from fwd to bwd, identified by `slot` 0, 1, ...: the first call creates it, bwd gets the
 *          same
 *   temp   a buffer that lives between calls of this fwd or bwd
 * saved and temp: with block true, `count` elements per block (for block jobs), else `count` elements in all.
 * Block jobs and block buffers of a node are cut by the samples of its output 0 where that is batched, else of its
 * first input that is. */
eg_buf eg_emit_x(eg_emit *e, int i, eg_layout layout);
eg_buf eg_emit_y(eg_emit *e, int i, eg_layout layout);
eg_buf eg_emit_y_over_x(eg_emit *e, int i);
void eg_emit_same(eg_emit *e, int i, eg_layout layout);
eg_buf eg_emit_w(eg_emit *e, int i);
eg_buf eg_emit_dw(eg_emit *e, int i, bool *acc);
/* Of an op by_rows, in bwd: parameter 0 gets a gradient in those rows alone that the n numbers of input 0 name.
 * true: it is zero before the run, so bwd only adds. */
bool eg_emit_rows(eg_emit *e, int64_t n);
eg_buf eg_emit_dy(eg_emit *e, int i, eg_layout layout);
bool eg_emit_needs_dx(const eg_emit *e, int i);
eg_buf eg_emit_dx(eg_emit *e, int i, eg_layout layout, bool *acc);
void eg_emit_dx_same(eg_emit *e, int i, eg_layout layout);

typedef enum eg_elem { EG_ELEM_REAL, EG_ELEM_U16, EG_ELEM_I32, EG_ELEM_BYTE } eg_elem;
eg_buf eg_emit_saved(eg_emit *e, int slot, eg_elem type, int64_t count, bool block);
eg_buf eg_emit_temp(eg_emit *e, eg_elem type, int64_t count, bool block);
/* The part of a buffer that begins at its element `first`, as a buffer for global calls; an absent one stays absent. */
eg_buf eg_emit_part(eg_emit *e, eg_buf b, int64_t first);
/* Part `slot` (0, 1, ...) of the state that a plan with `carry` keeps from run to run, (layers, rows, width), a row for
 * each sample: to be read before the call that overwrites it. Absent (p NULL) when the plan carries none. Forward
 * only. */
eg_buf eg_emit_state(eg_emit *e, int slot, int64_t layers, int64_t rows, int64_t width);
/* In training: from where on (int32, one number a sample, 0..T) what the node has in output 0 (T,N,...) is of no use:
 * nobody reads it, it need only be numbers, and its gradient is 0. Absent: all of it is used, or it is not known. */
eg_buf eg_emit_ends(eg_emit *e);
/* The eg_dropout_state that the runner keeps. */
eg_buf eg_emit_dropout_state(eg_emit *e);

/* How a tensor of these dimensions is walked by element-wise jobs: for a batched one block by block, else in chunks;
 * sets unit, total, units, block and the stride for global jobs. */
typedef struct eg_walk {
	int64_t unit, total;
	int units;
	bool block;
} eg_walk;
eg_walk eg_emit_walk_in(const eg_emit *e, int i, eg_layout layout);
eg_walk eg_emit_walk_out(const eg_emit *e, int i, eg_layout layout);
/* Number of blocks of this node's block jobs, and into how many shards their weight gradients are cut. */
int eg_emit_blocks(const eg_emit *e);
int eg_emit_shards(const eg_emit *e);

/* One call of a kernel. args begins with `reads` eg_bufs and then `writes` eg_bufs (those with acc, or written in
 * place, count as writes; the planner knows that they are read too). In block jobs strides are set by the planner; in
 * global jobs the op's own stride is kept. flops (or bytes, whichever is larger) of the whole job decide how many
 * threads are worth it. */
/* A job that can also be done jointly (kern.h) says how: into at most `shares` parts, meeting `meetings` times. The
 * runner does so where a thread would have fewer than `below` units. */
typedef struct eg_joint_spec {
	eg_joint run; /* NULL: it cannot */
	int shares, meetings, below;
} eg_joint_spec;
enum {
	EG_CALL_BUFS = 36, /* most buffers of a call */
	EG_FORM_INTS = 20, /* see `form` */
	EG_FORM_READS = 4
};
typedef struct eg_call_spec {
	const char *kernel;    /* its slot's name, for descriptions */
	/* Of a call that was chosen among several ways to compute the same: what it is (eg_choice, eg_measurement);
	 * else NULL. aside: it only prepares for the call that does the work, or finishes it. */
	const char *algorithm, *pass, *problem;
	bool aside;
	/* Of a call that packs weights (core/packed.h): all that its result depends on besides `run` and the at most
	 * EG_FORM_READS buffers that it reads, as numbers, not all zero; plans with equal ones share the result. Zero:
	 * it is not shared. */
	int form[EG_FORM_INTS];
	eg_kernel run;
	const void *args;
	size_t size;
	int reads, writes;
	bool block;
	bool chunks; /* a global job: unit u touches of each buffer only its own part, which begins at eg_at(.., u).
	              * Calls of as many units that follow each other are then done chunk by chunk, which stays in the
	              * cache */
	int units;
	size_t scratch;
	double flops;
	eg_joint_spec joint;
} eg_call_spec;
/* The members `kernel` and `run` of a slot. */
#define EG_SLOT(e, slot) .kernel = EG_SLOT_NAME(slot), .run = eg_emit_kernels(e)->slot
void eg_emit_call(eg_emit *e, const eg_call_spec *spec);

#endif
