/* engram.h - the engine: context, graph, parameters, plan, training steps. Needs libc only.
 *
 * A program builds a graph once (shapes may leave the batch size open), makes parameters for it, and plans it for a
 * concrete batch size; running a plan allocates nothing and cannot fail. Files, recipes and data sets are in
 * engram_io.h; the training loop is in engram_train.h; the operators' builders are in engram_ops.h, which is generated
 * from the operator table.
 *
 * Ownership: every *_new has a *_free that takes NULL. Handles are integers and belong to their graph. Memory that the
 * caller passes in is only read, and not kept beyond the call unless said. The library never prints, exits or aborts.
 *
 * Threads: a context, and what was made from it, is used by one caller at a time; several contexts may live in one
 * process, each with threads of its own. One exception lets many predict with one model: while nobody changes a graph
 * or its parameters, plans that do not write to them (train, weight_grads), plan caches and sessions over them may be
 * made, run and freed by several callers at the same time, if each caller has a context of its own (option `context`).
 * Weights in the order of the kernels are held once for all; the first run that needs them writes them, and others that
 * need them then wait. Whoever changes parameters (trains, loads, writes) does so while no plan of them runs or is
 * made.
 *
 * Errors: a function that can fail takes an eg_error last and returns an eg_status, or NULL; after a failure *err holds
 * the same status and a message, after success it means nothing. err may be NULL: the message is dropped. Without an
 * eg_error are the builders of graphs, whose first error the graph keeps (eg_graph_status; making parameters or a plan
 * tells it too), and functions that fail only for want of memory, which say "NULL: out of memory". */
#ifndef ENGRAM_H
#define ENGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EG_VERSION "0.1.0"

#if defined(_WIN32) || !defined(__GNUC__)
#define EG_API
#else
#define EG_API __attribute__((visibility("default")))
#endif

/* Element type of EG_F32 tensors: float; double only in the double-precision build made for gradient checks. */
#ifdef ENGRAM_DOUBLE
typedef double eg_real;
#else
typedef float eg_real;
#endif

/* ---- status and messages ----------------------------------------------------------------------------------------- */

typedef enum eg_status {
	EG_OK = 0,
	EG_ERR_ARG,     /* an argument is wrong */
	EG_ERR_SHAPE,   /* shapes do not fit together */
	EG_ERR_MEMORY,  /* out of memory */
	EG_ERR_IO,      /* the system refused: file, network, disk full */
	EG_ERR_FORMAT,  /* what was read is damaged or not what it claims to be */
	EG_ERR_NUMERIC, /* NaN or infinity */
	EG_ERR_STOPPED  /* the caller's callback asked to stop */
} eg_status;

/* What went wrong: where, the numbers, the cure. The text is plain UTF-8 without a newline at its end. */
typedef struct eg_error {
	eg_status status;
	char message[1000];
} eg_error;

EG_API const char *eg_status_name(eg_status status);
/* The one of `names` nearest to `word` by Damerau-Levenshtein distance when it is near enough to be a typo (distance
 * <= 2 and less than half of the word's length, or one is a prefix of the other), else NULL. There are `n` names; some
 * may be NULL. */
EG_API const char *eg_did_you_mean(const char *word, const char *const *names, int n);

/* ---- zero in structs of options ---------------------------------------------------------------------------------- */

/* Structs of options mean something sensible when they are all zero: a 0 that is left in a field stands for its
 * default. Where the default is another number than 0, these say the number 0: for int fields, and for float and double
 * fields (a zero with the sign of negative numbers). Where 0 is no legal value they are refused as any other wrong
 * number. */
#define EG_ZERO INT32_MIN
#define EG_ZERO_F (-0.0f)

/* ---- lists in structs of options --------------------------------------------------------------------------------- */

/* A list of numbers whose length the caller chooses: `.axes = EG_INTS(0, 2)`. Zeros in it are zeros. Left out (at NULL)
 * it means what the operator says; a list that was given may have no element. The graph keeps a copy. */
typedef struct eg_ints {
	const int *at;
	int n;
} eg_ints;
typedef struct eg_floats {
	const float *at;
	int n;
} eg_floats;
#define EG_INTS(...) {(const int[]){__VA_ARGS__}, (int)(sizeof((const int[]){__VA_ARGS__}) / sizeof(int))}
#define EG_FLOATS(...) {(const float[]){__VA_ARGS__}, (int)(sizeof((const float[]){__VA_ARGS__}) / sizeof(float))}

/* ---- context ----------------------------------------------------------------------------------------------------- */

typedef struct eg_context eg_context;

/* Where memory comes from. Both functions must be thread-safe; alloc may return NULL. */
typedef struct eg_allocator {
	void *(*alloc)(void *user, size_t bytes);
	void (*release)(void *user, void *p);
	void *user;
} eg_allocator;

typedef struct eg_context_options {
	int threads;                   /* 0: ENGRAM_THREADS, else the processors available. 1 creates no thread */
	const char *isa;               /* "ref", "avx2", "avx512", "neon"; NULL: ENGRAM_ISA, else the best the CPU
	                                * has */
	const eg_allocator *allocator; /* NULL: malloc. Copied */
	double limit_macs; /* > 0: a plan of this context that takes more multiply-adds (eg_cost) for one sample is
	                    * refused (EG_ERR_ARG); of one that carries state, and may go on for ever, for one step of
	                    * it. For networks from elsewhere. eg_plan_measure is not bound by it */
	int loaders;       /* threads that fill the batches of a data set ahead, beside those that compute
	                    * (eg_dataset.parallel); EG_ZERO: none, each is filled when it is needed. 0:
	                    * ENGRAM_LOADERS, else some where filling takes time that is worth saving. Results do not
	                    * depend on it */
} eg_context_options;

/* Never NULL unless out of memory: a failure (an ISA that this CPU has not) is told in *err, and NULL returned. Both
 * arguments may be NULL. */
EG_API eg_context *eg_context_new(const eg_context_options *options, eg_error *err);
EG_API void eg_context_free(eg_context *ctx);
EG_API int eg_context_threads(const eg_context *ctx);
EG_API int eg_context_loaders(const eg_context *ctx); /* at most so many; 0: none */
EG_API const char *eg_context_isa(const eg_context *ctx);
EG_API const char *eg_context_cpu(const eg_context *ctx); /* as the CPU names itself */
/* CPU, kernel table chosen, and why better ones were refused: a few lines of text, owned by the context. */
EG_API const char *eg_context_describe(const eg_context *ctx);
EG_API const char *eg_version(void);

/* What the speed of a network may be compared with, measured now with the context's kernels and threads; takes about 20
 * ms. */
typedef struct eg_machine {
	const char *cpu, *isa;     /* as the CPU names itself; the context's kernels. Owned by the context */
	int cores, threads;        /* processors this process may run on; threads of the context */
	double peak_one, peak_all; /* GFLOP/s of multiply-adds in registers: of one thread, of all the context's threads
	                            * together */
	double handoff_ns;         /* median time that a changed cache line takes from core to core; NAN with one
	                            * thread, or more threads than cores */
} eg_machine;
EG_API void eg_machine_measure(eg_context *ctx, eg_machine *m);

/* ---- the operator table ------------------------------------------------------------------------------------------ */
/* Read-only descriptions of what the engine can compute. The recipe parser, the generated headers and the documentation
 * all read this table. All pointers are static. A library of chosen operators (docs/small-builds.md) has those alone,
 * and no texts for people: doc, equation and source are NULL there. */

typedef enum eg_attr_type {
	EG_ATTR_INT,   /* int */
	EG_ATTR_FLOAT, /* float */
	EG_ATTR_BOOL,  /* bool, default false */
	EG_ATTR_NOT,   /* bool with default true; the C field is called no_<name> and holds the opposite */
	EG_ATTR_INTS,  /* int[count]; a recipe may give one number for all */
	EG_ATTR_ENUM,  /* int, an index into names */
	EG_ATTR_INT_LIST,   /* eg_ints of at most `count` (0: any number of) elements, each within min and max */
	EG_ATTR_FLOAT_LIST, /* eg_floats, likewise */
	EG_ATTR_STRING      /* const char *; NULL: left out */
} eg_attr_type;

/* How weights begin: the values of the attributes called `init`. */
typedef enum eg_init_kind {
	EG_INIT_DEFAULT,        /* what the operator says */
	EG_INIT_ZERO, EG_INIT_CONSTANT, EG_INIT_UNIFORM, EG_INIT_NORMAL,
	EG_INIT_XAVIER_UNIFORM, EG_INIT_XAVIER_NORMAL, /* Glorot and Bengio 2010 */
	EG_INIT_HE_UNIFORM, EG_INIT_HE_NORMAL,         /* He et al. 2015, gain for ReLU */
	EG_INIT_LECUN_UNIFORM,  /* U(+-1/sqrt(fan_in)): PyTorch's default for linear and convolution */
	EG_INIT_ORTHOGONAL,     /* Saxe et al. 2014 */
	EG_INIT_IDENTITY        /* filters pass channels on (Dirac), as far as there are channels; others as LeCun's */
} eg_init_kind;

/* One attribute of an operator. In the C options struct 0 stands for the default, EG_ZERO or EG_ZERO_F for the number
 * 0. */
typedef struct eg_attr {
	const char *name;
	eg_attr_type type;
	int count;                /* EG_ATTR_INTS: how many; of lists: at most so many, 0: any number */
	size_t offset;            /* in the operator's options struct */
	double def, min, max;     /* default and legal range, inclusive; NAN as def: required. Lists and strings have no
	                           * default but absence */
	const char *const *names; /* EG_ATTR_ENUM: NULL-terminated */
	const char *onnx;         /* the attribute's name in ONNX, or NULL; "alpha=0.2": and, where it is another number
	                           * than `def`, what it is there when it is left out */
	const char *doc;          /* one line */
	const char *size;         /* EG_ATTR_INT: the word for a number of the task ("classes") that a recipe which
	                           * leaves it out means; NULL: none */
} eg_attr;

enum { EG_MAX_DIMS = 8, EG_MAX_INPUTS = 64, EG_MAX_OUTPUTS = 16, EG_MAX_PARAMS = 72 };

/* Where the numbers of an operator's output 0 lie, whatever its weights are. */
typedef enum eg_range_kind {
	EG_RANGE_ANY,
	EG_RANGE_LIMITED, /* low..high, one of which may be infinite */
	EG_RANGE_OF_INPUT /* where those of input 0 lie: they are moved, chosen or averaged */
} eg_range_kind;
typedef struct eg_range {
	eg_range_kind kind;
	double low, high;
} eg_range;

typedef struct eg_op_info {
	const char *name;     /* "conv2d": the builder is eg_conv2d */
	const char *layer;    /* its name in recipes: "conv"; NULL: not a layer */
	const char *doc;      /* one line */
	const char *equation; /* what it computes, with shapes */
	const char *source;   /* paper, ONNX operator and opset */
	const eg_attr *attrs;
	int nattrs;
	size_t options_size;   /* of the options struct, whose first member is `const char *name`; 0: takes no
	                        * options */
	const char *shorthand; /* the attribute meant by `maxpool: 2` in a recipe, or NULL */
	int min_inputs, max_inputs;
	bool variadic;              /* it takes more than max_inputs too, up to EG_MAX_INPUTS, which have no names:
	                             * builder eg_OP_n */
	const char *const *inputs;  /* names, max_inputs of them */
	const char *types;          /* one letter an input: f real numbers, i int32, a either, e of any type (eg_dtype);
	                             * NULL: all f */
	const char *const *params;  /* names of the weights it may have, NULL-terminated, or NULL */
	const char *const *outputs; /* names, NULL-terminated */
	const char *contains;       /* of a loss: the operator that it applies itself to what it judges, so that none
	                             * belongs before it: "softmax"; NULL: none */
	eg_range judges;            /* of a loss: where what it judges has to lie, for it means nothing elsewhere
	                             * (limited), and */
	const char *judges_by;      /* the operator that brings numbers there: "sigmoid" */
} eg_op_info;

EG_API int eg_op_count(void);
EG_API const eg_op_info *eg_op_at(int i);
EG_API const eg_op_info *eg_op_find(const char *name); /* by name or layer name; NULL when there is none */

/* Of output 0, with these options; NULL: the defaults. */
EG_API eg_range eg_op_range(const eg_op_info *op, const void *options);

/* ---- graph ------------------------------------------------------------------------------------------------------- */

typedef struct eg_graph eg_graph;
/* A value in a graph: an integer handle. id 0 is no tensor (what a builder returns after an error). */
typedef struct eg_tensor {
	int id;
} eg_tensor;

/* Types of numbers. Operators compute with the first two: truth, which ONNX calls bool, is 1 or 0 in the type that the
 * operator says. The others are for what comes into a graph and goes out of it, at its edges; the operator `cast` alone
 * reads them. */
typedef enum eg_dtype {
	EG_F32,  /* eg_real */
	EG_I32,  /* int32_t */
	EG_I64,  /* int64_t */
	EG_U8,   /* uint8_t */
	EG_BOOL, /* uint8_t, 0 or 1 */
	EG_F64,  /* double */
	EG_F16,  /* uint16_t: IEEE 754 binary16 */
	EG_BF16  /* uint16_t: the upper half of a float */
} eg_dtype;
enum { EG_DTYPES = EG_BF16 + 1 };

/* As a dimension: left open until a plan is made. EG_N is the batch size, EG_T the number of time steps, EG_TN their
 * product: every step of every sample is a sample of its own (fold_time). Others have names: eg_open_dim. Sequences are
 * (T,N,...), as in ONNX; everything else has the batch first. A first dimension that is open and no batch makes a
 * sequence, whatever its name. */
enum { EG_N = -1, EG_T = -2, EG_TN = -3 };

typedef struct eg_dims {
	int rank;
	int64_t d[EG_MAX_DIMS];
} eg_dims;
#define EG_DIMS(...)                                                                                                           \
	((eg_dims){(int)(sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t)), {__VA_ARGS__}})

/* A number with a name: what an open size is in a plan, or a word in a recipe. Lists of them end with a NULL name. */
typedef struct eg_size {
	const char *name;
	int size; /* >= 1 */
} eg_size;

/* What a loss takes as its second input, "target". */
typedef struct eg_target_info {
	eg_dims dims;     /* a size 0: one of its own that is left open, called `open` */
	const char *open; /* "labels"; NULL: there is no such size */
	eg_dtype type;
	int class_axis;   /* the dimension of the loss's first input that holds the classes; -1: it tells none apart */
	bool own_scale;   /* of classes: a loss for which log(classes) is not what is reached by who knows nothing */
	bool means;       /* the mean of targets is a fair first input for who knows nothing: both are of one kind */
	/* Of a loss that takes several numbers for each target: so many times as many channels (dimension 1, of
	 * sequences the last), all first ones, all second ones ...; 0: it takes one. `point`: which of them is the
	 * prediction. */
	int parts, point;
	double spread;       /* e^(spread * the second one) is how far a target may well be from that; 0: it is not
	                      * told */
	const float *levels; /* each is a quantile, levels[i] of all targets below it; as long as the options; NULL:
	                      * they are not */
} eg_target_info;
/* For a loss whose first input is x. Fails for an operator that is no loss, and where x does not suit it. */
EG_API eg_status eg_op_target(
	const eg_op_info *op, const void *options, const eg_dims *x, eg_target_info *target, eg_error *err);

EG_API eg_graph *eg_graph_new(eg_context *ctx, eg_error *err); /* NULL on failure */
EG_API void eg_graph_free(eg_graph *g);
EG_API eg_context *eg_graph_context(const eg_graph *g);
/* All plans of this graph are made with the option `exact`. */
EG_API void eg_graph_exact(eg_graph *g, bool exact);
/* Builders are sticky: after the first error every builder does nothing and returns {0}; the message is kept. */
EG_API eg_status eg_graph_status(const eg_graph *g, eg_error *err);
/* An open size: a negative number that stands for it in EG_DIMS, in this graph. The same name is the same size; "batch"
 * is EG_N and "time" EG_T. Sizes that follow from open ones (what a convolution leaves of "height") are open too. Two
 * that are not known to be equal may meet; a plan that makes them unequal is refused. Weights may not depend on any. 0
 * after an error. */
EG_API int64_t eg_open_dim(eg_graph *g, const char *name);
/* "batch", "time", "height"; "height'" for what follows from it. NULL: no open size of this graph, or a product. */
EG_API const char *eg_open_name(const eg_graph *g, int64_t d);
/* "(N,3,height,width)" into buf, of `size` bytes; returns buf. */
EG_API const char *eg_shape_text(const eg_graph *g, eg_dims dims, char *buf, size_t size);
EG_API eg_tensor eg_input(eg_graph *g, const char *name, eg_dtype type, eg_dims dims);
/* Numbers that are part of the graph, which copies them: row-major, all sizes known. It may stand wherever an input
 * may, takes no gradient, and what is computed of constants and weights alone is computed once, not in every run. Sizes
 * may not be open. */
EG_API eg_tensor eg_constant(eg_graph *g, const void *data, eg_dtype type, eg_dims dims);
EG_API const void *eg_constant_data(const eg_graph *g, eg_tensor t); /* its numbers; NULL: it is no constant */
EG_API void eg_output(eg_graph *g, const char *name, eg_tensor t);
/* The builder behind all builders: `options` is the operator's options struct (its zeros mean defaults, EG_ZERO means
 * 0), or NULL. The first output is returned; eg_result gives the others. */
EG_API eg_tensor eg_apply(eg_graph *g, const char *op, const void *options, const eg_tensor *inputs, int n);
EG_API eg_tensor eg_result(const eg_graph *g, eg_tensor first, int i);
EG_API eg_dims eg_tensor_dims(const eg_graph *g, eg_tensor t);
EG_API eg_dtype eg_tensor_dtype(const eg_graph *g, eg_tensor t);
EG_API eg_tensor eg_graph_input(const eg_graph *g, int i); /* in the order in which they were declared; {0}: there are
                                                            * fewer */
EG_API const char *eg_tensor_name(const eg_graph *g, eg_tensor t); /* of an input, or of the node that computes it;
                                                                    * NULL: a constant */
EG_API size_t eg_dtype_size(eg_dtype type); /* bytes of a number; 0: there is no such type */
EG_API const char *eg_dtype_name(eg_dtype type); /* "EG_F32" */
EG_API eg_tensor eg_graph_find(const eg_graph *g, const char *name); /* an input, output or node by name; {0}: none */

/* ---- loops: any cell over time
 * ------------------------------------------------------------------------------------------
 *
 * What is built between eg_loop_begin and eg_loop_end is the body of a loop: one step, written with any builders, its
 * weights the same for all steps. It reads a step (N,...) of each sequence (T,N,...) by eg_loop_input, and what is
 * outside by itself, the same at all steps. A state is what the step before has made of it. Behind the end,
 * eg_loop_output gives what the body computes as a sequence, and eg_loop_last what a state is in the end; other values
 * of the body cannot be read from outside.
 *
 *   eg_loop_begin(g, "cell", false, (eg_tensor){0});
 *   eg_tensor x = eg_loop_input(g, sequence), h = eg_loop_state(g, "h", EG_DIMS(EG_N, 32), (eg_tensor){0}, false);
 *   eg_tensor next = eg_tanh(g, eg_add(g, eg_linear(g, x, .units = 32), eg_linear(g, h, .units = 32, .no_bias =
 *   true))); eg_loop_next(g, h, next);
 *   eg_loop_end(g);
 *   eg_tensor y = eg_loop_output(g, next);
 *
 * Gradients flow back through all steps. lengths (N), int32, or {0}: behind a sample's length its inputs and outputs
 * are 0 and its states stay, whatever the sequences hold there. reverse: from the last step to the first; each sample
 * begins at its last one. A state begins with `initial` (N,...), or, learned, with a weight (...) of all samples, else
 * with zeros; in a plan with `carry`, and in sessions, those without `initial` go on where the last run has ended. A
 * plan repeats the body for every step, so its making takes time in proportion to them. Loops do not contain loops, nor
 * layers that keep running statistics. */
EG_API void eg_loop_begin(eg_graph *g, const char *name, bool reverse, eg_tensor lengths);
EG_API eg_tensor eg_loop_input(eg_graph *g, eg_tensor sequence);
EG_API eg_tensor eg_loop_state(eg_graph *g, const char *name, eg_dims dims, eg_tensor initial, bool learned);
EG_API void eg_loop_next(eg_graph *g, eg_tensor state, eg_tensor next);
EG_API void eg_loop_end(eg_graph *g);
EG_API eg_tensor eg_loop_output(eg_graph *g, eg_tensor value);
EG_API eg_tensor eg_loop_last(eg_graph *g, eg_tensor state);

/* One node as `engram info` shows it. Strings belong to the graph. */
typedef struct eg_node_info {
	const char *name;
	const eg_op_info *op;
	const void *options; /* with defaults filled in, EG_ZERO and EG_ZERO_F replaced by 0 */
	int ninputs, noutputs;
	eg_tensor inputs[EG_MAX_INPUTS], outputs[EG_MAX_OUTPUTS];
	int64_t params;        /* elements of all its weights, but for those that an earlier node has too (option
	                        * `weights`) */
	int64_t state;         /* and of what is kept with them but not trained */
	int64_t macs;          /* multiply-adds for one sample (of a sequence: one time step; where sizes of its output
	                        * are open: for one of each), forward; 0 where the field does not count them */
	int64_t dense_macs;    /* the same, and */
	int64_t dense_params;  /* weights, of a fully connected layer in its place; 0 when it is none that shares
	                        * weights, or sizes are open */
	int64_t unshared_params; /* weights if positions did not share them (locally connected); 0 when sizes are
	                          * open */
	int window[2], stride[2], dilation[2]; /* spatial extent seen, for receptive fields; 0 when it is not spatial */
	int repeats[2];        /* so many neighbouring outputs, down and across, see the same (up-sampling); 0: none
	                        * do */
	bool mixes_time;       /* a step of its output depends on later steps of its input, so it cannot run chunk by
	                        * chunk */
	bool keeps_state;      /* it begins where a carried plan left it */
} eg_node_info;
EG_API int eg_graph_nodes(const eg_graph *g);
EG_API void eg_graph_node(const eg_graph *g, int i, eg_node_info *info);

/* ---- parameters -------------------------------------------------------------------------------------------------- */

/* The weights of a graph and their gradients: two flat blocks that plans share. The graph must outlive them. Among the
 * weights may be state that is not trained (running statistics of batch normalisation): runs of training plans update
 * it, it has no gradient, optimizers pass it over, and it is saved and copied with the rest.
 *
 * Gradients get their memory when they are first needed: by a plan that trains or has weight_grads, an optimizer,
 * eg_params_grad or eg_params_flat_grad, and keep it from then on. So a model that is only used takes half of it. To
 * ask for them counts as changing the parameters, for threads. */
typedef struct eg_params eg_params;

/* Initialised from `seed` as the operators say. NULL on failure: the graph is wrong, or there is not enough memory. */
EG_API eg_params *eg_params_new(eg_graph *g, uint64_t seed, eg_error *err);
EG_API eg_params *eg_params_new_zero(eg_graph *g, eg_error *err); /* all zero, for who fills them */
/* Names and shapes alone, so that they can be compared with a file, say, before memory is asked for: eg_params_data and
 * eg_params_flat give NULL, and no plan can be made, until eg_params_allocate has given them memory, all zero. That
 * does nothing where they have it; after a failure they are bare still. */
EG_API eg_params *eg_params_new_bare(eg_graph *g, eg_error *err);
EG_API eg_status eg_params_allocate(eg_params *p, eg_error *err);
EG_API void eg_params_free(eg_params *p);
EG_API int eg_params_count(const eg_params *p);
EG_API const char *eg_params_name(const eg_params *p, int i); /* "conv1.weight" */
EG_API eg_dims eg_params_dims(const eg_params *p, int i);
EG_API int eg_params_find(const eg_params *p, const char *name); /* -1: none */
EG_API eg_real *eg_params_data(eg_params *p, int i); /* call eg_params_changed after writing */
EG_API eg_real *eg_params_grad(eg_params *p, int i); /* NULL: it is state; or out of memory, where nobody has asked for
                                                      * gradients before */
EG_API bool eg_params_trained(const eg_params *p, int i); /* false: it is state */
/* The flat blocks: *n elements (gaps between parameters are zero); a gradient block is NULL only when out of memory.
 * The weights come first, at the same places as their gradients; behind them, in the first block only, lies the
 * state. */
EG_API eg_real *eg_params_flat(eg_params *p, size_t *n);
EG_API eg_real *eg_params_flat_grad(eg_params *p, size_t *n);
EG_API void eg_params_changed(eg_params *p); /* plans repack weights before their next run */

/* ---- plan -------------------------------------------------------------------------------------------------------- */

/* A graph made concrete: shapes, layouts, fusion, order of work and every byte of memory are fixed. */
typedef struct eg_plan eg_plan;

typedef enum eg_layout_choice { EG_LAYOUT_AUTO, EG_LAYOUT_PLAIN, EG_LAYOUT_LANES, EG_LAYOUT_BLOCKED, EG_LAYOUT_CHOICES } eg_layout_choice;

/* Ways to compute a convolution: as an implicit matrix product, directly with channels in the lanes of vectors, channel
 * by channel, by Winograd's transforms with tiles of 2x2 and 4x4. With pictures in the lanes (EG_LAYOUT_LANES) there is
 * one way only. */
typedef enum eg_algorithm {
	EG_ALGORITHM_AUTO, EG_ALGORITHM_IMPLICIT, EG_ALGORITHM_DIRECT, EG_ALGORITHM_DEPTHWISE, EG_ALGORITHM_WINOGRAD2, EG_ALGORITHM_WINOGRAD4,
	EG_ALGORITHMS
} eg_algorithm;

typedef struct eg_plan_options {
	int batch;                  /* what EG_N stands for; >= 1 */
	int time;                   /* what EG_T stands for; >= 1 where the wanted outputs need it */
	const eg_size *sizes;       /* what the other open sizes stand for, those that the wanted outputs need; NULL:
	                             * none. Copied */
	eg_context *context;        /* whose threads, kernels and memory the plan uses; it must outlive the plan. NULL:
	                             * the graph's */
	bool carry;                 /* recurrent layers that have no initial state of their own begin where the last run
	                             * of this plan ended, and attention with a context goes on seeing its keys; no
	                             * gradient flows into that state (truncated back-propagation through time) */
	bool train;                 /* dropout acts, batch normalisation uses the batch, gradients of all parameters are
	                             * computed */
	bool input_grads;           /* gradients of all floating-point inputs are computed */
	const eg_tensor *grads;     /* inputs and results of nodes whose gradients are wanted, ended by {0}; NULL: none.
	                             * eg_plan_tensor_grad has them, and eg_plan_tensor the values. What flows from the
	                             * objective to none of them is 0. Of an integer input there is none: ask for what
	                             * an embedding has looked up. Copied */
	bool weight_grads;          /* gradients of all parameters are computed; implied by train */
	                            /* Without train these three are gradients in inference mode: nothing is dropped,
	                             * batch normalisation goes by its running statistics, and a run writes nothing that
	                             * is kept with the parameters but, with weight_grads, their gradients. The function
	                             * is that of a plan without gradients, rounded differently at most: nothing is
	                             * folded or added up across layers */
	const eg_tensor *given;     /* results of nodes that the caller writes before a run (eg_plan_tensor) in place of
	                             * what computes them, which is then left out, ended by {0}; NULL: none. They have
	                             * gradients as inputs have. Copied */
	const char *const *outputs; /* names of the outputs wanted, NULL-terminated; NULL: all */
	const char *objective;      /* with gradients: the only output that they come from; NULL: all that no other is
	                             * computed from. Steps at ends that it passes over may be 0 in outputs before it */
	const bool *frozen;         /* with gradients of parameters: one for each parameter, true: it does not change,
	                             * and its gradient is not computed, nor anything that only leads to it; what lies
	                             * there is left as it is. In training a layer all of whose weights are frozen
	                             * computes as in inference: batch normalisation by its running statistics, which
	                             * stay, recurrent layers without dropout. Batch normalisation does so too when its
	                             * running statistics are frozen. A layer without weights is never
	                             * frozen: `dropout` acts in training wherever it stands. NULL: all change.
	                             * Copied */
	uint64_t seed;              /* of dropout */
	int checkpoint_time;        /* with gradients, > 0: recurrent layers keep their state every so many steps only,
	                             * and compute the steps between again when gradients come back; -1: about the
	                             * square root of the number of steps. Less memory, a third more work; 0: off */
	bool exact;                 /* no algorithm that rounds otherwise than a sum of products does (Winograd) */
	eg_layout_choice layout;    /* AUTO; the others force a physical layout wherever it is possible, for tests */
	eg_algorithm algorithm;     /* AUTO; the others force an algorithm of convolution wherever it is possible, for
	                             * tests */
	bool no_fusion, no_defer;   /* for tests: every node on its own, every call in its place */
} eg_plan_options;

/* NULL on failure */
EG_API eg_plan *eg_plan_new(eg_graph *g, eg_params *p, const eg_plan_options *options, eg_error *err);
EG_API void eg_plan_free(eg_plan *plan);
/* Where to put an input's data before a run (row-major, in the input's type). NULL: no such input in this plan. */
EG_API void *eg_plan_input(eg_plan *plan, const char *name);
/* An output's data after a run, row-major. NULL: no such output in this plan. Of other types than EG_F32 it points to
 * these: convert the pointer, or ask eg_plan_tensor. */
EG_API const eg_real *eg_plan_output(const eg_plan *plan, const char *name);
/* Gradient buffers of a plan with gradients: of an output that they come from, to be set by the caller (a scalar output
 * starts as 1, others as 0), or of an input, when it was asked for. NULL: none. */
EG_API eg_real *eg_plan_grad(eg_plan *plan, const char *name);
/* The data of a tensor, row-major, in its own type: of an input or a given one, to be written before a run; of an
 * output or one of `grads`, to be read after it. NULL: it is none of these in this plan. */
EG_API void *eg_plan_tensor(eg_plan *plan, eg_tensor t);
/* The gradient of the objective by a tensor of `grads`, or by an input; of an output that gradients come from and that
 * was not asked for, the caller's. NULL: none. */
EG_API eg_real *eg_plan_tensor_grad(eg_plan *plan, eg_tensor t);
EG_API eg_dims eg_plan_dims(const eg_plan *plan, eg_tensor t); /* no size is open, of a tensor that this plan
                                                                * computes */
EG_API int eg_plan_batch(const eg_plan *plan);
EG_API int eg_plan_time(const eg_plan *plan); /* 0: the graph has no sequences */
EG_API int eg_plan_size(const eg_plan *plan, const char *name); /* of any open size, "batch" and "time" too; 0: it was
                                                                 * given none of that name */
/* The state that a plan with `carry` keeps, of all recurrent layers, as one flat array of *n numbers: zero at first; to
 * be read, written, or zeroed between runs. It has the same form in all plans of one graph and batch size. NULL: it
 * keeps none. */
EG_API eg_real *eg_plan_state(eg_plan *plan, size_t *n);
/* Sample i of plan `to` goes on from sample rows[i] of `from`, another plan of the graph with the same outputs, of any
 * batch size; or the same plan. `state`: what eg_plan_state(from) held. */
EG_API void eg_plan_state_rows(eg_plan *to, eg_plan *from, const eg_real *state, const int *rows);
/* Forward and, in a plan with gradients, backward. Never fails, never allocates. `step` numbers the dropout masks. */
EG_API void eg_plan_run(eg_plan *plan, uint64_t step);
/* Runs once more, from the state that the last run began with, on one thread and looks at the result of every call:
 * EG_ERR_NUMERIC with a message that names the first layer whose activation or gradient is NaN or infinite, or
 * EG_OK. */
EG_API eg_status eg_plan_diagnose(eg_plan *plan, uint64_t step, eg_error *err);

/* Bytes, exact, known before anything runs. */
typedef struct eg_memory {
	size_t parameters, gradients; /* of the eg_params; gradients: 0 of a plan without gradients of weights */
	size_t io;                    /* inputs, outputs, their gradients, carried state */
	size_t activations;           /* everything between, forward and backward */
	size_t packed;                /* weights in kernel order; held once for all plans of the eg_params that read
	                               * them so */
	size_t scratch;               /* kernels' own, all threads */
	size_t total;                 /* io + activations + packed + scratch; all but `packed` is the plan's one
	                               * block */
} eg_memory;
EG_API void eg_plan_memory(const eg_plan *plan, eg_memory *m);
/* What a run takes, and what it does not do. */
typedef struct eg_cost {
	eg_memory memory;
	double macs; /* multiply-adds of one run, of all samples and steps; forward, and in a training plan backward
	              * too. Of an operator as eg_node_info counts them, or as the planner reckons its kernels where
	              * that is more: with attention over a whole sequence, windows of pooling, elements of the rest */
	const char *lone; /* the first batch normalisation to which a batch of this size brings one value a channel, so
	                   * that a training run leaves its running statistics alone and goes by them; NULL: none. The
	                   * graph's */
} eg_cost;
EG_API void eg_plan_cost(const eg_plan *plan, eg_cost *cost);
/* The cost of the plan that these options would make, without making it: neither its memory nor that of parameters is
 * asked for. */
EG_API eg_status eg_plan_measure(eg_graph *g, const eg_plan_options *options, eg_cost *cost, eg_error *err);
/* The list of calls as text, one a line: step, kernel, node, layout, units, bytes. Owned by the plan. NULL: out of
 * memory. */
EG_API const char *eg_plan_describe(eg_plan *plan);
/* The same for programs: call i of eg_plan_calls, in the order they are done. Strings are static or belong to the
 * graph. */
typedef struct eg_call_info {
	const char *kernel, *node;
	const char *algorithm; /* of a kernel that computes in one of several ways, as in eg_choice; NULL: there is one
	                        * way */
	const char *layout; /* in which the kernel's result lies: "plain", "lanes", ...; "packed" for weights, "" when
	                     * it is no activation */
	bool backward, pack; /* pack: only when the parameters have changed */
	int units, threads;  /* into how many parts it is cut; how many threads are worth it */
	double flops;        /* operations as the planner counts them (bytes, where that is more); of all units */
} eg_call_info;
EG_API int eg_plan_calls(const eg_plan *plan);
EG_API void eg_plan_call(const eg_plan *plan, int i, eg_call_info *info);

/* What a plan has chosen for one pass of a layer that can be computed in several ways. Strings are static, or belong to
 * the graph or the plan. */
typedef struct eg_choice {
	const char *node;
	const char *problem;   /* what was to be computed: "conv2d:n32c64h56w56k64r3s3p1q1u1v1", as for `engram
	                        * bench` */
	const char *pass;      /* "forward", "data" (gradient of the input), "weights" (gradient of the weights) */
	const char *algorithm; /* "lanes", "implicit", "direct", ... */
	const char *x, *y;     /* layouts of the layer's input and output, or of their gradients: "plain", "lanes",
	                        * "blocked" */
} eg_choice;
EG_API int eg_plan_choices(const eg_plan *plan);
EG_API void eg_plan_choice(const eg_plan *plan, int i, eg_choice *c);

/* The name of an algorithm, as in eg_choice; "" for AUTO. */
EG_API const char *eg_algorithm_name(eg_algorithm a);

/* ---- measured choices -------------------------------------------------------------------------------------------- */
/* A plan chooses layouts and algorithms by estimates. Times that were measured on this machine may stand in their
 * place: with the same measurements later plans choose the same. */

typedef struct eg_measurement {
	const char *problem, *pass, *algorithm; /* as in eg_choice */
	double ns;                              /* of one run, on all threads */
} eg_measurement;

/* Plans of this context that are made from now on go by these n measurements, which are copied; 0: by estimates
 * again. */
EG_API eg_status eg_context_tuning(eg_context *ctx, const eg_measurement *m, int n, eg_error *err);
/* Measures every layout and algorithm for what this graph can compute in several ways, planned with these options,
 * about `seconds` (0: 0.05) each, and tells `found` each result. Inputs are random, the gradients of the parameters are
 * overwritten. */
EG_API eg_status eg_tune(eg_graph *g, eg_params *p, const eg_plan_options *options, double seconds,
	void (*found)(void *user, const eg_measurement *m), void *user, eg_error *err);

/* Plans of one graph for several batch sizes and lengths, made when first asked for (the last short batch of an
 * epoch). */
typedef struct eg_plan_cache eg_plan_cache;
EG_API eg_plan_cache *eg_plan_cache_new(eg_graph *g, eg_params *p, const eg_plan_options *options, eg_error *err);
EG_API void eg_plan_cache_free(eg_plan_cache *c);
/* time 0: no sequences; sizes NULL: those of the cache's options. NULL on failure. The plans use one block of memory in
 * turn (unless they carry state), so getting another one ends the life of the numbers in the one before; which plans
 * are kept is the cache's business. */
EG_API eg_plan *eg_plan_cache_get(eg_plan_cache *c, int batch, int time, const eg_size *sizes, eg_error *err);

/* ---- session ----------------------------------------------------------------------------------------------------- */

/* A network with a memory: sequences come in chunks of any length, and the recurrent state is kept from one to the
 * next. The outputs of the chunks are, bit for bit, those of the whole; to rounding where attention has a `context`.
 * Several sessions may use one set of weights, from several threads if each has a context of its own. */
typedef struct eg_session eg_session;

typedef struct eg_session_options {
	int batch;                  /* sequences side by side; 0: 1 */
	int chunk;                  /* most steps run at once; longer input is cut. 0: 64 */
	const char *const *outputs; /* names of the sequences wanted, NULL-terminated; NULL: all that are sequences */
	const eg_size *sizes;       /* as in eg_plan_options, and so is */
	eg_context *context;
} eg_session_options;

/* NULL on failure: a layer that looks ahead (bidirectional, attention over time but with a context) is named. The graph
 * and the parameters must outlive it. */
EG_API eg_session *eg_session_new(eg_graph *g, eg_params *p, const eg_session_options *options, eg_error *err);
EG_API void eg_session_free(eg_session *s);
/* Runs `steps` >= 1 steps. inputs: the data (steps, batch, ...) of every graph input that the outputs need but
 * `lengths` (N) of layers, which the session fills in (nothing is padded), as names and pointers side by side;
 * outputs: where to put (steps, batch, ...) of each output, in the order of the options, or NULL for one that is not
 * wanted. */
EG_API eg_status eg_session_run(eg_session *s, int steps, const char *const *names, const void *const *inputs, int ninputs,
	eg_real *const *outputs, eg_error *err);
EG_API void eg_session_reset(eg_session *s);                  /* all sequences begin anew */
EG_API void eg_session_reset_one(eg_session *s, int sequence); /* only this one does */
EG_API int eg_session_batch(const eg_session *s);
/* Saves and restores the state: eg_session_state_count numbers. */
EG_API size_t eg_session_state_count(const eg_session *s);
EG_API void eg_session_save(const eg_session *s, eg_real *state);
EG_API void eg_session_restore(eg_session *s, const eg_real *state);

#ifdef __cplusplus
}
#endif

#endif
