/* engram_train.h - optimizers, learning-rate schedules, metrics and the training loop. Part of libengram.
 *
 * Every configuration struct means something sensible when zero-initialised: 0 stands for the default told beside it,
 * and EG_ZERO_F for the number 0, which momentum, betas, weight_decay, the factor and threshold of PLATEAU, and
 * whatever may be switched off can be. */
#ifndef ENGRAM_TRAIN_H
#define ENGRAM_TRAIN_H

#include "engram.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- optimizer --------------------------------------------------------------------------------------------------- */

typedef enum eg_optimizer_kind {
	EG_SGD,
	EG_ADAM,
	EG_ADAMW,
	EG_RMSPROP,
	EG_ADAGRAD,
	EG_ADADELTA,
	EG_NADAM,
	EG_MUON /* weights of two dimensions and more as matrices, the rest by AdamW */
} eg_optimizer_kind;

/* What is different for some parameters. The last group whose pattern fits a parameter's name is its own; without one
 * it is as all zeros say. */
typedef struct eg_param_group {
	const char *pattern;  /* of names ("conv1.weight"): * stands for any characters, ? for one */
	double lr;            /* the learning rate is multiplied by this; 0: 1 */
	double weight_decay;  /* the decay is multiplied by this; 0: 1, but none for parameters of at most one
	                       * dimension (biases; weights of a normalisation), unless decay_all; EG_ZERO_F or
	                       * negative: none */
	bool frozen;          /* left as it is, bit for bit; its gradient is not in the norm, and neither it nor what
	                       * only leads to it is computed. Layers all of whose weights are frozen compute as in
	                       * inference: `frozen` in eg_plan_options. (That is eg_train's; eg_optimizer_step only
	                       * leaves the parameter.) */
	bool elementwise;     /* Muon: no matrices, although they have the dimensions: embeddings, the last layer */
} eg_param_group;

/* How tables of embeddings are updated of which a batch uses few rows: those of at least 32,768 elements that nothing
 * else shares. The gradient of a row that does not occur is zero, so
 *   EXACT  a row is visited as long as what its last gradients have left in its momentum still moves it, and then
 *          rests: until it occurs again its moments fade by what they would have faded by. The same weights as DENSE
 *          but for rounding: what is left out is a millionth of the way that a row goes after a gradient. With
 *          weight_decay, which moves all rows, as DENSE.
 *   LAZY   a row is visited when it occurs, and else nothing of it changes: neither momentum nor decay move it in
 *          between (as PyTorch's SparseAdam). Faster, but another method: rare rows move less.
 *   DENSE  all rows in every update.
 * With clip_value, lookahead, Muon, several batches in an update (accumulate), and once a pointer to gradients was
 * handed out (eg_params_grad), all is DENSE. */
typedef enum eg_rows_update { EG_ROWS_EXACT, EG_ROWS_LAZY, EG_ROWS_DENSE } eg_rows_update;

typedef struct eg_optimizer_config {
	eg_optimizer_kind kind;
	double lr;            /* 0: 0.01 for SGD, RMSprop and Adagrad, 0.001 for Adam and AdamW, 0.002 for NAdam, 1 for
	                       * Adadelta, 0.02 for Muon */
	double momentum;      /* SGD, RMSprop: 0..1; Muon: 0: 0.95 */
	bool nesterov;        /* SGD, needs momentum */
	double weight_decay;  /* L2; AdamW and Muon: decoupled (0: 0.01 for AdamW; EG_ZERO_F or negative: none) */
	double beta1, beta2;  /* Adam, AdamW, NAdam: 0: 0.9, 0.999; Muon, for what is no matrix: 0: 0.9, 0.95;
	                       * EG_ZERO_F: no mean over steps */
	double alpha;         /* decay of the mean of squares: RMSprop: 0: 0.99; Adadelta (its rho): 0: 0.9 */
	bool centered;        /* RMSprop: divided by the deviation, not the root of the mean of squares */
	double momentum_decay; /* NAdam: how soon beta1 has risen from half its value; 0: 0.004 */
	double adam_lr;       /* Muon: of what is no matrix, while matrices have lr; 0: 3e-4 */
	int newton_schulz;    /* Muon: rounds; 0: 5 */
	double eps;           /* all but SGD: 0: 1e-8; Adagrad and Muon: 1e-10; Adadelta: 1e-6 */
	int lookahead;        /* > 0: after so many updates slow weights go a part of the way to these, which go on from
	                       * there (Lookahead, Zhang et al. 2019) */
	double lookahead_alpha; /* that part; 0: 0.5 */
	double clip_norm;     /* > 0: scale all gradients so that their global norm is at most this (Pascanu et al.
	                       * 2013) */
	double clip_value;    /* > 0: every gradient element into [-v, v], before the norm */
	eg_rows_update embeddings;
	bool decay_all;       /* biases and normalisations decay like other weights */
	const eg_param_group *groups; /* ngroups of them, which need not outlive eg_optimizer_new */
	int ngroups;
} eg_optimizer_config;

typedef struct eg_optimizer eg_optimizer;
/* NULL on failure. The parameters must outlive it. */
EG_API eg_optimizer *eg_optimizer_new(eg_params *p, const eg_optimizer_config *config, eg_error *err);
EG_API void eg_optimizer_free(eg_optimizer *o);
EG_API double eg_optimizer_lr(const eg_optimizer *o); /* as configured, or the default */
EG_API double eg_optimizer_lr_of(const eg_optimizer_config *config); /* the same of one like this */
/* One update from the gradients in the parameters, with this learning rate. *norm (may be NULL) receives the global
 * norm of the gradients before clipping. When it is NaN or infinite nothing is updated and EG_ERR_NUMERIC returned. */
EG_API eg_status eg_optimizer_step(eg_optimizer *o, double lr, double *norm, eg_error *err);
/* The moments as flat arrays parallel to eg_params_flat_grad, for checkpoints: how many there are, their names ("m",
 * "v", "u", "slow"), their data; and the number of steps done. */
EG_API int eg_optimizer_moments(const eg_optimizer *o);
/* How many one like this would keep, each as large as the gradients. */
EG_API int eg_optimizer_moments_of(const eg_optimizer_config *config);
EG_API const char *eg_optimizer_moment_name(const eg_optimizer *o, int i);
EG_API eg_real *eg_optimizer_moment(eg_optimizer *o, int i, size_t *n);
EG_API uint64_t eg_optimizer_steps(const eg_optimizer *o);
EG_API void eg_optimizer_set_steps(eg_optimizer *o, uint64_t steps);
/* Where rows of tables rest (eg_rows_update): by row of all tables the step in which it occurred last, 0: never. That
 * belongs to a checkpoint too; eg_optimizer_set_steps lets no row rest, so it goes before. NULL: there are none, or
 * none rests any more, since tables are updated as a whole: so a pointer is good until the next update. */
EG_API int32_t *eg_optimizer_rows(eg_optimizer *o, size_t *n);

/* ---- schedule ---------------------------------------------------------------------------------------------------- */

typedef enum eg_schedule_kind {
	EG_SCHEDULE_CONSTANT,
	EG_SCHEDULE_STEP,
	EG_SCHEDULE_COSINE,
	EG_SCHEDULE_PLATEAU,
	EG_SCHEDULE_EXPONENTIAL,
	EG_SCHEDULE_POLYNOMIAL,
	EG_SCHEDULE_ONE_CYCLE,  /* Smith and Topin 2019: once up and far down, as PyTorch's OneCycleLR */
	EG_SCHEDULE_TRIANGULAR, /* Smith 2017: up and down again and again */
	EG_SCHEDULE_RESTARTS    /* Loshchilov and Hutter 2017: half a cosine down, again and again */
} eg_schedule_kind;

typedef struct eg_schedule_config {
	eg_schedule_kind kind;
	double warmup;   /* epochs (fractions allowed) of linear rise before any kind, to what it begins with: update k
	                  * of the n in it has that times k / n */
	double factor;   /* STEP, PLATEAU: lr is multiplied by this; 0: 0.1; EG_ZERO_F with PLATEAU: down to min_lr
	                  * at once. EXPONENTIAL: in every epoch, bit by bit; 0: 0.95. TRIANGULAR: the height of each
	                  * triangle is that of the one before, multiplied by this; 0: 1 */
	double every;    /* STEP: epochs between cuts; TRIANGULAR: of a triangle; RESTARTS: before the first; 0: 10 */
	double min_lr;   /* COSINE, POLYNOMIAL, RESTARTS: the end value; PLATEAU: never below */
	double power;    /* POLYNOMIAL: lr falls with what is left of the training to the power of this; 0: 1 */
	double rise;     /* ONE_CYCLE: share of the training before lr is reached; 0: 0.3. TRIANGULAR: of a triangle; 0:
	                  * 0.5 */
	double div;      /* ONE_CYCLE, TRIANGULAR: it begins with lr / div; 0: 25 and 10 */
	double final_div; /* ONE_CYCLE: and ends with lr / div / final_div; 0: 10000 */
	bool linear;     /* ONE_CYCLE: straight lines instead of half waves of a cosine */
	double mult;     /* RESTARTS: every time lasts as long as the one before, times this; 0: 1 */
	int patience;    /* PLATEAU: epochs without improvement before a cut; 0: 3 */
	double threshold; /* PLATEAU: relative improvement that counts; 0: 1e-4; EG_ZERO_F: any */
} eg_schedule_config;

/* State of a schedule: plain data, zero-initialise; saved with a checkpoint. */
typedef struct eg_schedule_state {
	double best, scale; /* PLATEAU: best metric so far, product of cuts (0: not begun) */
	int bad_epochs;
} eg_schedule_state;
/* Learning rate of the update that begins at `epoch` (fraction of epochs done) of `epochs` and is that `share` of one:
 * with 10 updates an epoch, 0.1. COSINE has lr in its first update and comes one update near to min_lr, as others do,
 * but for ONE_CYCLE, whose last update has the end value. */
EG_API double eg_schedule_lr(const eg_schedule_config *c, const eg_schedule_state *s, double lr, double epoch,
	double share, double epochs);
/* Tells the schedule the validation loss (smaller is better) at the end of an epoch. */
EG_API void eg_schedule_epoch(const eg_schedule_config *c, eg_schedule_state *s, double loss);

/* ---- metrics of classification ----------------------------------------------------------------------------------- */

typedef struct eg_confusion eg_confusion;
EG_API eg_confusion *eg_confusion_new(int classes); /* NULL: out of memory, or no number of classes */
/* For very many classes: no matrix, so eg_confusion_count knows only what was right; the rest is the same. */
EG_API eg_confusion *eg_confusion_new_slim(int classes);
EG_API void eg_confusion_free(eg_confusion *c);
EG_API void eg_confusion_reset(eg_confusion *c);
/* Counts n samples: logits (n, classes), the highest is the prediction (the first among equals). */
EG_API void eg_confusion_add(eg_confusion *c, const eg_real *logits, const int32_t *labels, int n);
EG_API int eg_confusion_classes(const eg_confusion *c);
EG_API int64_t eg_confusion_count(const eg_confusion *c, int truth, int predicted);
EG_API int64_t eg_confusion_total(const eg_confusion *c);
EG_API double eg_confusion_accuracy(const eg_confusion *c);
EG_API double eg_confusion_nats(const eg_confusion *c); /* mean of -ln of the probability (softmax) of the right
                                                         * class */
EG_API double eg_confusion_topk(const eg_confusion *c, int k); /* share of samples whose label is among the k
                                                                * highest; k 1..10 */
/* 0 where nothing was predicted (precision) or present (recall). */
EG_API double eg_confusion_precision(const eg_confusion *c, int k);
EG_API double eg_confusion_recall(const eg_confusion *c, int k);
EG_API double eg_confusion_f1(const eg_confusion *c, int k);
EG_API double eg_confusion_macro_f1(const eg_confusion *c); /* mean over classes that occur */

/* ---- data, as the loop sees it ----------------------------------------------------------------------------------- */

enum { EG_DATASET_DIMS = 4 }; /* open dimensions beside batch and time: at most */

/* What a data set is asked for: the samples items[0..n-1] in this order. The result must be a function of these
 * fields alone, of seed, epoch and item what is drawn at random: then the same seed gives the same bits, also when a
 * training is gone on with. */
typedef struct eg_fill {
	const uint32_t *items; /* numbers 0..count-1 of the set */
	int n;
	int time;         /* steps of this batch; 0: no sequences */
	const int *sizes; /* of the set's further open dimensions in this batch, as eg_dataset.dims lists them */
	uint64_t seed;    /* eg_train_config.seed; 0 in an evaluation */
	int epoch;        /* 0..; -1: an evaluation, nothing is to be drawn */
	int view;         /* which of eg_dataset.views it is, 0..; training, and sets without views: 0 */
	void *room;       /* this batch's, of eg_dataset.room_new; NULL: there is none */
} eg_fill;

/* Where samples come from. `fill` puts them into the plan's input buffers: slots[i] corresponds to inputs[i]; data is
 * row-major as in eg_plan_input: (N,...), for sequences (time,N,...). Zero in what follows count and inputs: samples
 * that are no sequences, each one prediction. A graph input "lengths" (N) int32 that the set does not fill is filled
 * with the steps of each sample, and "lengths.WORD" with its sizes of WORD in dims. */
typedef struct eg_dataset {
	void *user;
	int64_t count;
	const char *const *inputs; /* names of the graph inputs it fills, NULL-terminated */
	int time;                  /* steps of every sample, or the most when time_of is given */
	int (*time_of)(void *user, uint32_t item); /* steps of this sample, 1..time. Then a batch holds samples of
	                                            * like length, and has as many steps as its longest, rounded up
	                                            * to a multiple of 2 but at most `time` */
	int streams;               /* > 0: the samples are pieces of so many streams that run side by side: sample s
	                            * * (count / streams) + k is piece k of stream s. Piece k of all streams is a
	                            * batch, the state is carried from piece to piece, nothing is shuffled */
	double (*weight)(void *user, uint32_t item); /* predictions in this sample that the objective is the mean of;
	                                              * NULL: 1 */
	eg_status (*fill)(void *user, const eg_fill *f, void *const *slots, eg_error *err);
	const char *const *dims;   /* names of further open dimensions of the graph, NULL-terminated, at most
	                            * EG_DATASET_DIMS; NULL: none */
	const int *most;           /* the largest size of each of dims */
	int (*size_of)(void *user, uint32_t item, int dim); /* size of dims[dim] in this sample, 0..most[dim]. A
	                                                     * batch holds samples of like size and has the largest
	                                                     * of them, rounded up to a multiple of 2 but at most
	                                                     * most[dim]. NULL: always most[dim] */
	/* May several threads fill batches at a time? Then some are filled ahead, by threads of their own, while others
	 * are computed with (eg_context_options.loaders). What is filled must be a function of eg_fill alone. */
	bool parallel;
	/* Memory that the set works in, or keeps what judges ask for: fill is given one that no other batch has until
	 * it has been judged. NULL: none. Called by one thread at a time, and so is room_free. */
	eg_status (*room_new)(void *user, void **room, eg_error *err);
	void (*room_free)(void *user, void *room);
	/* views > 1: in an evaluation each batch is filled and run so many times, each time as another view of the
	 * same samples (eg_fill.view). After each run add_view adds what the output `averaged`, of these dims, says to
	 * `mean`, as many numbers, which are 0 before the first view; after the last it puts the result into `out`,
	 * where the output lies, and the batch is judged by that. A loss of the network's own is the mean of the views'
	 * losses, weighted by view_weights, which sum to 1. */
	int views;
	const char *averaged;
	eg_status (*add_view)(void *user, int view, double *mean, eg_real *out, const eg_dims *dims, eg_error *err);
	const double *view_weights;
} eg_dataset;

/* ---- metrics ----------------------------------------------------------------------------------------------------- */

typedef struct eg_metric_info {
	const char *name;     /* "accuracy" */
	const char *doc;      /* a few words, or "" */
	bool share;           /* 0..1, shown in percent */
	bool lower_is_better;
} eg_metric_info;
enum { EG_METRICS_MOST = 16 };

/* A batch that has been run: what the network gave is in eg_plan_output(plan, ...), what it was compared with in
 * eg_batch_input; both as long as the call goes on that hands it out. */
typedef struct eg_batch_run {
	eg_plan *plan;
	const eg_dataset *data;
	const eg_fill *fill;
	void *const *slots; /* what was filled, as data->inputs lists it */
	double weight;      /* predictions in it */
} eg_batch_run;
/* What the graph input `name` was filled with, also where the plan does not need it; NULL: it was not. */
EG_API const void *eg_batch_input(const eg_batch_run *b, const char *name);

/* Metrics, gathered batch by batch: plain data, made by who measures. One judge may serve training and validation:
 * they take turns. */
typedef struct eg_judge {
	void *user;
	const char *const *outputs;    /* of the graph, that it reads, NULL-terminated; NULL: none */
	const eg_metric_info *metrics; /* nmetrics of them, at most EG_METRICS_MOST; 0: nothing is measured */
	int nmetrics;
	int best;                      /* which of them makes an epoch the best one; -1: the objective, lower is
	                                * better */
	void (*reset)(void *user);
	eg_status (*add)(void *user, const eg_batch_run *b, eg_error *err);
	void (*values)(void *user, double *values); /* nmetrics of them, of all batches since reset; NAN: there was
	                                             * nothing to measure */
} eg_judge;

/* The judge of classes: `logits` (N, classes) or, of sequences, (T, N, classes) against an int32 input (N) or (T,
 * N); a negative target is none. Of a float input (N, classes), shares of classes, the largest is the right one. One
 * metric, "accuracy", which decides about the best epoch where a sample has one class; of sequences the objective
 * does. NULL with EG_ERR_ARG: the graph has no such pair. The graph must outlive it. */
EG_API eg_judge *eg_judge_classes_new(eg_graph *g, const char *logits, const char *target, eg_error *err);
/* The same, which counts everything into `counts` besides: the caller's, with as many classes. */
EG_API eg_judge *eg_judge_confusion_new(eg_graph *g, const char *logits, const char *target, eg_confusion *counts,
	eg_error *err);
EG_API void eg_judge_classes_free(eg_judge *j); /* of both */

/* Indices 0..count-1 cut in two by class: `fraction` of each class (rounded) goes to the second part. Deterministic
 * in seed; both parts keep rising order. labels NULL: no classes, plain random split. first and second are caller's
 * arrays of `count` entries. */
EG_API eg_status eg_split_stratified(const int32_t *labels, int64_t count, double fraction, uint64_t seed,
	uint32_t *first, int64_t *nfirst, uint32_t *second, int64_t *nsecond, eg_error *err);

/* ---- training ---------------------------------------------------------------------------------------------------- */

/* Which epoch is the best one. Default: as the judge says (eg_judge.best). */
typedef enum eg_best_kind {
	EG_BEST_DEFAULT,
	EG_BEST_METRIC,   /* the judge's deciding metric, or its first one; of equals the lower objective */
	EG_BEST_OBJECTIVE /* the lowest objective */
} eg_best_kind;

typedef struct eg_train_config {
	int epochs;           /* 0: 10 */
	int batch;            /* 0: 32. A data set of streams has as many samples in a batch as it has streams */
	uint64_t seed;        /* order of samples, dropout, what data sets draw; parameters have been initialised by
	                       * the caller */
	eg_optimizer_config optimizer; /* and which parameters are treated differently (groups) */
	eg_schedule_config schedule;
	int early_stopping;   /* epochs without a better validation result before stopping; 0: never */
	bool keep_last;       /* leave the weights of the last epoch, not of the best one */
	double forget;        /* streams: share of the pieces at which a stream's state is set to zero, at random, so
	                       * that the network learns to begin from nothing; 0: only at the beginning of an epoch */
	int checkpoint_time;  /* as in eg_plan_options */
	eg_best_kind best;    /* what makes an epoch the best */
	const char *objective;       /* the graph's output that is made small: a scalar. NULL: "loss" */
	const char *shown;           /* the output that is told of it, a scalar: the mean over a batch's predictions.
	                              * NULL: the objective, which then is that mean. Else the objective is a sum over
	                              * them: `accumulate` adds gradients up */
	const eg_judge *judge;       /* of the validation samples. NULL: that of classes, where the objective
	                              * compares an output "logits" with an int32 input; else none */
	const eg_judge *train_judge; /* of the training samples as seen; NULL: likewise. Its metrics are told under
	                              * the names that `judge` has too. A judge of no metrics costs nothing */
	int accumulate;       /* batches to an update: it is made from the mean of their gradients, each as much as it
	                       * has predictions, so that k batches of n samples are one of k n. 0: 1 */
	double average;       /* > 0: a moving average of the weights with this decay (0.999) is validated and kept
	                       * in place of the weights: average = d average + (1 - d) weights after update t = 1,
	                       * 2, ..., with d = min(this, t / (t + 9)), so that the first updates are soon
	                       * forgotten. Running statistics are averaged likewise */
} eg_train_config;

typedef struct eg_epoch_report {
	int epoch, epochs;                  /* 1.. */
	double loss, val_loss;              /* the objective (`shown`): on the training samples as seen, mean over the
	                                     * epoch's predictions; on the validation samples, NAN without any */
	int nmetrics;
	const eg_metric_info *metrics;      /* of `judge`, or, where it has none, of `train_judge` */
	double train[EG_METRICS_MOST], val[EG_METRICS_MOST]; /* their values; NAN: not known */
	double lr, grad_norm;               /* of the last update */
	double seconds, samples_per_second; /* of training, without validation; of sequences, predictions count as
	                                     * samples */
	bool best;                          /* the best epoch so far */
} eg_epoch_report;

typedef struct eg_progress {
	int epoch, epochs;
	int64_t step, steps; /* batches: inside of this epoch */
	double loss, lr;     /* running average over the epoch; of the last update */
	int nmetrics;
	const eg_metric_info *metrics;
	double train[EG_METRICS_MOST];           /* running over the epoch */
	double samples_per_second, seconds_left; /* of the whole training; of sequences, predictions count as samples */
} eg_progress;

/* All may be NULL. Returning false ends the training after that point with EG_ERR_STOPPED (not a failure: the weights
 * are whole; the caller saves them). */
typedef struct eg_train_callbacks {
	void *user;
	bool (*step)(void *user, const eg_progress *p);    /* at most ten times a second */
	bool (*epoch)(void *user, const eg_epoch_report *r);
	/* asked after every update; cheap. eg_train_state is whole here too (`batch` of the next epoch are done), and
	 * may be saved */
	bool (*interrupted)(void *user);
	/* between the gradients of an update and the update, before clipping; `step` updates have been done. May
	 * change the gradients. false: this update is not made */
	bool (*gradient)(void *user, eg_params *p, uint64_t step);
} eg_train_callbacks;

typedef struct eg_train_result {
	int epochs_done, best_epoch;
	double loss, val_loss;           /* the objective, of the weights that are left in the parameters (val of the
	                                  * best epoch) */
	const char *metric;              /* name of the metric that decided, or the first one; NULL: nothing was
	                                  * measured. The judge's string */
	double train_metric, val_metric; /* likewise; NAN: not known */
	double seconds;
} eg_train_result;

/* Everything a stopped training needs to go on, beside weights and moments: plain data for a checkpoint. */
typedef struct eg_train_state {
	int epoch;      /* epochs finished */
	uint64_t steps; /* updates done */
	eg_schedule_state schedule;
	int best_epoch, bad_epochs;
	double best_loss, best_metric; /* of the best epoch; best_metric is the deciding metric's, or the first
	                                * one's, NAN without */
	eg_real *best_weights; /* the caller's array as long as eg_params_flat, kept up to date with the best epoch's
	                        * weights; or NULL */
	eg_real *average;      /* the caller's array, as long, for the moving average of the weights; or NULL. Needed
	                        * to go on with the same bits where there is one; with steps == 0 it is set, else it
	                        * is gone on with */
	/* Inside of an epoch; all 0 between two. Of an epoch that is gone on with, the metrics on training samples are
	 * those of the samples that were left; all else has the same bits. */
	int64_t batch, batches;       /* batches of the next epoch that are done, of so many */
	double loss_sum, loss_weight; /* the objective of their predictions, summed, and how many these are */
	double lr, grad_norm;         /* of the last update */
	const eg_real *streams;       /* of a data set of streams: their recurrent states, nstreams numbers. Set by
	                               * eg_train, valid until the callback returns; to go on: the caller's */
	size_t nstreams;
	/* Told by the caller, who compares them before going on; carried along only: which samples these are, as
	 * numbers that others than the same give; 0: not known. */
	uint64_t train_data, validation_data;
	int64_t train_count, validation_count;
} eg_train_state;

/* Trains: the graph has inputs as `train->inputs` names them, and the objective as an output. A batch without any
 * prediction (weight 0, or all int32 targets of the objective negative) is passed over. validation may be NULL. state
 * may be NULL (from the beginning) or hold what an earlier call left; it is brought up to date after every update.
 * Inside of an epoch it can only be gone on with in batches of the same number (EG_ERR_ARG). optimizer may be NULL: one
 * is made from the config; else the config's is not looked at.
 *
 * EG_ERR_NUMERIC: a NaN or infinity turned up; the message names layer, step and batch and says what to try; the
 * parameters are then the best epoch's, or else those of the last whole epoch, or, in the first epoch, those before the
 * step. Same seed, same bits, for any number of threads. */
EG_API eg_status eg_train(eg_graph *g, eg_params *p, const eg_train_config *config, const eg_dataset *train,
	const eg_dataset *validation, eg_optimizer *optimizer, eg_train_state *state,
	const eg_train_callbacks *callbacks, eg_train_result *result, eg_error *err);

/* ---- one update at a time ---------------------------------------------------------------------------------------- */

/* What eg_train is made of, for programs with a loop of their own:
 *
 *   for (int epoch = state.epoch; epoch < config.epochs; epoch++) {
 *           eg_step_report r = {0};
 *           if (eg_trainer_begin_epoch(t, epoch, &err)) ...
 *           while (!r.last)
 *                   if (eg_trainer_step(t, &r, &err)) ...
 *           state.epoch++; eg_schedule_epoch(&config.schedule, &state.schedule, loss); ...validation, files...
 *   }
 *
 * Of the config, early_stopping, keep_last, best and judge are not looked at. */
typedef struct eg_trainer eg_trainer;

typedef struct eg_step_report {
	int64_t batch, batches; /* batches done in this epoch, of so many */
	bool last;              /* they are all done: begin another epoch */
	bool updated;           /* false: there was nothing to predict, or eg_trainer_update has not been called yet */
	double weight;          /* predictions in the batches of this update */
	double loss;            /* the objective (`shown`), mean over them; NAN without any */
	double lr, grad_norm;
} eg_step_report;

/* NULL on failure. All that is handed over must outlive it; optimizer and state may be NULL (its own). config NULL:
 * all zeros. */
EG_API eg_trainer *eg_trainer_new(eg_graph *g, eg_params *p, const eg_train_config *config, const eg_dataset *data,
	eg_optimizer *optimizer, eg_train_state *state, eg_error *err);
EG_API void eg_trainer_free(eg_trainer *t);
/* 0..; shuffles, and the train judge begins anew */
EG_API eg_status eg_trainer_begin_epoch(eg_trainer *t, int epoch, eg_error *err);
/* One update, from `accumulate` batches or what is left of the epoch; counts up state->steps. EG_ERR_NUMERIC: not
 * made, and the weights are as they were before; the message names the layer. */
EG_API eg_status eg_trainer_step(eg_trainer *t, eg_step_report *r, eg_error *err);
/* The two halves of it. In between the gradients are in the parameters, and may be looked at and changed; without the
 * second no update is made. */
EG_API eg_status eg_trainer_gradients(eg_trainer *t, eg_step_report *r, eg_error *err);
EG_API eg_status eg_trainer_update(eg_trainer *t, eg_step_report *r, eg_error *err);
/* The train judge's values of the epoch so far, into `values` (EG_METRICS_MOST; may be NULL); returns how many.
 * *metrics may be NULL. */
EG_API int eg_trainer_metrics(const eg_trainer *t, const eg_metric_info **metrics, double *values);
/* Exchanges the weights with their moving average, for a validation of the average; called again, back. Does nothing
 * without `average`. */
EG_API void eg_trainer_swap_average(eg_trainer *t);

/* ---- running a data set ------------------------------------------------------------------------------------------ */

/* Runs every batch of the set, in its order (samples of like length or size meet: fill->items says which), and shows
 * each to `done`; false ends with EG_ERR_STOPPED. outputs: names, NULL-terminated; NULL: all. batch 0: 256, which is
 * also the most. Inputs that these outputs do not need are filled and thrown away. */
EG_API eg_status eg_each_batch(eg_graph *g, eg_params *p, const char *const *outputs, int batch, const eg_dataset *data,
	bool (*done)(void *user, const eg_batch_run *b), void *user, eg_error *err);

/* Mean of the objective (NULL: "loss") over all predictions of the set into *loss (NULL: it is not wanted, and the
 * graph need not have it), and every batch to the judge (may be NULL), which is reset before. */
EG_API eg_status eg_evaluate(eg_graph *g, eg_params *p, const char *objective, int batch, const eg_dataset *data,
	const eg_judge *judge, double *loss, eg_error *err);

#ifdef __cplusplus
}
#endif

#endif
