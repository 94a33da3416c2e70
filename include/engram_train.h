/* engram_train.h - optimizers, learning-rate schedules, metrics and the training loop, as loops over flat arrays. Part of libengram.
 *
 * Every configuration struct means something sensible when zero-initialised: 0 stands for the default told beside it, and EG_ZERO_F for the
 * number 0, which momentum, betas, weight_decay, the factor and threshold of PLATEAU, and whatever may be switched off can be. */
#ifndef ENGRAM_TRAIN_H
#define ENGRAM_TRAIN_H

#include "engram.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- optimizer ---------------------------------------------------------------------------------------------------------- */

typedef enum eg_optimizer_kind { EG_SGD, EG_ADAM, EG_ADAMW } eg_optimizer_kind;

typedef struct eg_optimizer_config {
	eg_optimizer_kind kind;
	double lr;            /* 0: 0.01 for SGD, 0.001 for Adam and AdamW */
	double momentum;      /* SGD: 0..1 */
	bool nesterov;        /* SGD, needs momentum */
	double weight_decay;  /* SGD, Adam: L2; AdamW: decoupled (0: 0.01 for AdamW; EG_ZERO_F or negative: none) */
	double beta1, beta2;  /* Adam: 0: 0.9, 0.999; EG_ZERO_F: no mean over steps */
	double eps;           /* Adam: 0: 1e-8 */
	double clip_norm;     /* > 0: scale all gradients so that their global norm is at most this (Pascanu et al. 2013) */
	double clip_value;    /* > 0: every gradient element into [-v, v], before the norm */
} eg_optimizer_config;

typedef struct eg_optimizer eg_optimizer;
/* NULL on failure. The parameters must outlive it. */
EG_API eg_optimizer *eg_optimizer_new(eg_params *p, const eg_optimizer_config *config, eg_error *err);
EG_API void eg_optimizer_free(eg_optimizer *o);
EG_API double eg_optimizer_lr(const eg_optimizer *o); /* as configured, or the default */
/* One update from the gradients in the parameters, with this learning rate. *norm (may be NULL) receives the global norm of the
 * gradients before clipping. When it is NaN or infinite nothing is updated and EG_ERR_NUMERIC returned. */
EG_API eg_status eg_optimizer_step(eg_optimizer *o, double lr, double *norm, eg_error *err);
/* The moments as flat arrays parallel to eg_params_flat_grad, for checkpoints: how many there are, their names ("m", "v"), their data; and the
 * number of steps done. */
EG_API int eg_optimizer_moments(const eg_optimizer *o);
EG_API const char *eg_optimizer_moment_name(const eg_optimizer *o, int i);
EG_API eg_real *eg_optimizer_moment(eg_optimizer *o, int i, size_t *n);
EG_API uint64_t eg_optimizer_steps(const eg_optimizer *o);
EG_API void eg_optimizer_set_steps(eg_optimizer *o, uint64_t steps);

/* ---- schedule ------------------------------------------------------------------------------------------------------------ */

typedef enum eg_schedule_kind { EG_SCHEDULE_CONSTANT, EG_SCHEDULE_STEP, EG_SCHEDULE_COSINE, EG_SCHEDULE_PLATEAU } eg_schedule_kind;

typedef struct eg_schedule_config {
	eg_schedule_kind kind;
	double warmup;   /* epochs (fractions allowed) of linear rise from 0 to lr, before any kind */
	double factor;   /* STEP, PLATEAU: lr is multiplied by this; 0: 0.1; EG_ZERO_F with PLATEAU: down to min_lr at once */
	double every;    /* STEP: epochs between cuts; 0: 10 */
	double min_lr;   /* COSINE: the end value; PLATEAU: never below */
	int patience;    /* PLATEAU: epochs without improvement before a cut; 0: 3 */
	double threshold; /* PLATEAU: relative improvement that counts; 0: 1e-4; EG_ZERO_F: any */
} eg_schedule_config;

/* State of a schedule: plain data, zero-initialise; saved with a checkpoint. */
typedef struct eg_schedule_state {
	double best, scale; /* PLATEAU: best metric so far, product of cuts (0: not begun) */
	int bad_epochs;
} eg_schedule_state;
/* Learning rate at `epoch` (fraction of epochs done) of `epochs`. */
EG_API double eg_schedule_lr(const eg_schedule_config *c, const eg_schedule_state *s, double lr, double epoch, double epochs);
/* Tells the schedule the validation loss (smaller is better) at the end of an epoch. */
EG_API void eg_schedule_epoch(const eg_schedule_config *c, eg_schedule_state *s, double loss);

/* ---- metrics of classification --------------------------------------------------------------------------------------------- */

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
EG_API double eg_confusion_nats(const eg_confusion *c); /* mean of -ln of the probability (softmax) of the right class */
EG_API double eg_confusion_topk(const eg_confusion *c, int k); /* share of samples whose label is among the k highest; k 1..10 */
/* 0 where nothing was predicted (precision) or present (recall). */
EG_API double eg_confusion_precision(const eg_confusion *c, int k);
EG_API double eg_confusion_recall(const eg_confusion *c, int k);
EG_API double eg_confusion_f1(const eg_confusion *c, int k);
EG_API double eg_confusion_macro_f1(const eg_confusion *c); /* mean over classes that occur */

/* ---- data, as the loop sees it ------------------------------------------------------------------------------------------------ */

/* Where samples come from. `fill` puts samples items[0..n-1] (numbers 0..count-1 of this set) into the plan's input buffers, in this order.
 * slots[i] corresponds to inputs[i]; data is row-major as in eg_plan_input: (N,...), for sequences (time,N,...).
 * Zero in what follows count and inputs: samples that are no sequences, each one prediction. A graph input "lengths" (N) int32 that the set does
 * not fill is filled with the steps of each sample. */
typedef struct eg_dataset {
	void *user;
	int64_t count;
	const char *const *inputs; /* names of the graph inputs it fills, NULL-terminated; the last is the target */
	int time;                  /* steps of every sample, or the most when time_of is given */
	int (*time_of)(void *user, uint32_t item); /* steps of this sample, 1..time. Then a batch holds samples of like length, and has as many steps as
	                                            * its longest, rounded up to a multiple of 8 but at most `time` */
	int streams;               /* > 0: the samples are pieces of so many streams that run side by side: sample s * (count / streams) + k is piece k of
	                            * stream s. Piece k of all streams is a batch, the state is carried from piece to piece, nothing is shuffled */
	double (*weight)(void *user, uint32_t item); /* predictions in this sample that the loss is the mean of; NULL: 1 */
	eg_status (*fill)(void *user, const uint32_t *items, int n, int time, void *const *slots, eg_error *err);
} eg_dataset;

/* Indices 0..count-1 cut in two by class: `fraction` of each class (rounded) goes to the second part. Deterministic in seed; both
 * parts keep rising order. labels NULL: no classes, plain random split. first and second are caller's arrays of `count` entries. */
EG_API eg_status eg_split_stratified(const int32_t *labels, int64_t count, double fraction, uint64_t seed, uint32_t *first,
	int64_t *nfirst, uint32_t *second, int64_t *nsecond, eg_error *err);

/* ---- the loop -------------------------------------------------------------------------------------------------------------------- */

/* Which epoch is the best one. Default: by accuracy where "logits" are (N, classes), by loss for sequences and where no classes are told apart. */
typedef enum eg_best_kind { EG_BEST_DEFAULT, EG_BEST_ACCURACY, EG_BEST_LOSS } eg_best_kind;

typedef struct eg_train_config {
	int epochs;           /* 0: 10 */
	int batch;            /* 0: 32. A data set of streams has as many samples in a batch as it has streams */
	uint64_t seed;        /* order of samples, dropout; parameters have been initialised by the caller */
	eg_optimizer_config optimizer;
	eg_schedule_config schedule;
	int early_stopping;   /* epochs without a better validation result before stopping; 0: never */
	bool keep_last;       /* leave the weights of the last epoch, not of the best one */
	double forget;        /* streams: share of the pieces at which a stream's state is set to zero, at random, so that the network learns to
	                       * begin from nothing; 0: only at the beginning of an epoch */
	int checkpoint_time;  /* as in eg_plan_options */
	eg_best_kind best;    /* what makes an epoch the best: highest validation accuracy, then lowest loss; or lowest loss */
} eg_train_config;

typedef struct eg_epoch_report {
	int epoch, epochs;           /* 1.. */
	double loss, accuracy;       /* on the training samples as seen, mean over the epoch's predictions; accuracy NAN without classes */
	double val_loss, val_accuracy; /* NAN without validation data */
	double lr, grad_norm;        /* of the last step */
	double seconds, samples_per_second; /* of training, without validation; of sequences, predictions count as samples */
	bool best;                   /* the best epoch so far */
} eg_epoch_report;

typedef struct eg_progress {
	int epoch, epochs;
	int64_t step, steps; /* inside of this epoch */
	double loss, accuracy, lr; /* running averages over the epoch */
	double samples_per_second, seconds_left; /* of the whole training; of sequences, predictions count as samples */
} eg_progress;

/* All may be NULL. Returning false from step or epoch ends the training after that point with EG_ERR_STOPPED (not a failure: the
 * weights are whole; the caller saves them). */
typedef struct eg_train_callbacks {
	void *user;
	bool (*step)(void *user, const eg_progress *p);    /* at most ten times a second */
	bool (*epoch)(void *user, const eg_epoch_report *r);
	bool (*interrupted)(void *user);                    /* asked after every step; cheap */
} eg_train_callbacks;

typedef struct eg_train_result {
	int epochs_done, best_epoch;
	double loss, accuracy, val_loss, val_accuracy; /* of the weights that are left in the parameters (val of the best epoch) */
	double seconds;
} eg_train_result;

/* Everything a stopped training needs to go on, beside weights and moments: plain data for a checkpoint. */
typedef struct eg_train_state {
	int epoch;      /* epochs finished */
	uint64_t steps; /* updates done */
	eg_schedule_state schedule;
	int best_epoch, bad_epochs;
	double best_loss, best_accuracy;
	eg_real *best_weights; /* the caller's array as long as eg_params_flat, kept up to date with the best epoch's weights; or NULL */
} eg_train_state;

/* Trains: the graph has inputs as `train->inputs` names them, and outputs "loss" (scalar, a mean over predictions) and, when classes matter,
 * "logits": (N, classes) with a target (N), or (T, N, classes) with a target (T, N), int32; a negative target is none. A batch without any
 * prediction is passed over. validation may be NULL. state may be NULL (from the beginning) or hold what an earlier call left; it is brought up to date after
 * every epoch. optimizer may be NULL (one is made from the config).
 * EG_ERR_NUMERIC: a NaN or infinity turned up; the message names layer, step and batch and says what to try; the parameters are then the
 * best epoch's, or else those of the last whole epoch, or, in the first epoch, those before the step. Same seed, same bits, for any number
 * of threads. */
EG_API eg_status eg_train(eg_graph *g, eg_params *p, const eg_train_config *config, const eg_dataset *train, const eg_dataset *validation,
	eg_optimizer *optimizer, eg_train_state *state, const eg_train_callbacks *callbacks, eg_train_result *result, eg_error *err);

/* Mean loss over all predictions of the set, and counts into *confusion (may be NULL), in batches of `batch`. */
EG_API eg_status eg_evaluate(eg_graph *g, eg_params *p, int batch, const eg_dataset *data, double *loss, eg_confusion *confusion,
	eg_error *err);

#ifdef __cplusplus
}
#endif

#endif
