/* engram_task.h - tasks: what a network is trained for. A task makes samples of the records of a recipe's data section,
 * measures how well a model does on them, and turns the network's numbers into answers, which are trees of values
 * (engram_value.h). Part of libengram_io.
 *
 * The recipe says which task it is (`task: classify`), so the functions below serve every task; a program asks a model
 * what it is able to do, never what its task is called. Ownership, threads, NULL and messages as in engram_io.h; an
 * object is used by one caller at a time. */
#ifndef ENGRAM_TASK_H
#define ENGRAM_TASK_H

#include "engram_data.h"
#include "engram_io.h"
#include "engram_series.h"
#include "engram_text.h"
#include "engram_value.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the table --------------------------------------------------------------------------------------------------- */

/* What a model of a task is able to do beside answering (eg_predictor) and being judged. */
typedef enum eg_ability {
	EG_ABLE_GENERATE = 1, /* eg_generator_new */
	EG_ABLE_EMBED = 2,    /* its answers have an `embedding` */
	EG_ABLE_TALK = 4,     /* it answers in a talk, the turns of which have an empty line between them */
	EG_ABLE_COMPARE = 8,  /* two embeddings are of one class, or not (eg_verifier) */
	EG_ABLE_SPEAK = 32,   /* its answers are sound */
	EG_ABLE_SEGMENT = 16  /* its answers have `size` and `runs`: a class for each pixel of a picture */
} eg_ability;

typedef struct eg_task_info {
	const char *name;   /* "classify" */
	const char *doc;    /* one line: "which one of several classes a picture or text belongs to" */
	const char *takes;  /* what a model reads, for help texts: "pictures (PNG, JPEG, WebP, BMP, PGM, PPM), texts" */
	const char *answer; /* and says: "the likeliest classes with their probabilities" */
	const char *judged; /* a paragraph or two: what its metrics mean */
	unsigned abilities; /* of eg_ability */
} eg_task_info;

EG_API int eg_task_count(void);
EG_API const eg_task_info *eg_task_at(int i); /* NULL: no such */

/* An option of eg_predictor_new, for command lines and help texts. */
typedef struct eg_option {
	const char *name;  /* "top" */
	const char *value; /* what its value is: "K", "auto|yes|no", "NUMBER"; NULL: it is a flag */
	const char *doc;
} eg_option;
/* Hands every option of task i to `take`; what it is handed is valid inside of the call. */
EG_API eg_status eg_task_options(int i, void (*take)(void *user, const eg_option *o), void *user, eg_error *err);

/* The path of the recipe's key called `word`, "train.epochs", into buf, for who looks for it elsewhere; `-` is as good
 * as `_`. near: or of the one that is called almost so. NULL: there is none. */
EG_API const char *eg_recipe_key_path(const char *word, bool near, char *buf, size_t size);
/* JSON Schema (2020-12) of recipes, for editors: with the keys of all tasks and sources. *text is the caller's, to be
 * released with free(). */
EG_API eg_status eg_schema_json(char **text, eg_error *err);

/* ---- a recipe's task --------------------------------------------------------------------------------------------- */

typedef struct eg_task eg_task;

/* Reads and checks the recipe's section `data`; nothing is loaded. The recipe must outlive the task. */
EG_API eg_status eg_task_open(eg_recipe *r, eg_task **task, eg_error *err);
EG_API void eg_task_free(eg_task *t);
EG_API const eg_task_info *eg_task_kind(const eg_task *t);
EG_API const eg_source *eg_task_source(const eg_task *t);
/* What its samples are counted in, for messages: "pictures", "characters"; for one of them "picture". */
EG_API const char *eg_task_unit(const eg_task *t, bool one);
/* Takes samples from elsewhere: another source; and, with `path`, from there: of a set that is known by name the folder
 * of its files. With `path` alone the user's own files are read by the reader that suits the recipe's source ("folder"
 * for sets of pictures). NULL: as it is. */
EG_API eg_status eg_task_set_source(eg_task *t, const char *source, const char *path, eg_error *err);

/* What words in layers stand for (`linear: classes`), ended by a NULL name; by the recipe, the table of sources, or
 * else the training data, which is read. Belongs to the task. */
EG_API eg_status eg_task_sizes(eg_task *t, const eg_size **sizes, eg_error *err);
/* Where the data that would tell is not there: the same words, each standing for `each`, so that a network can be
 * looked at all the same. The entry that ends the list has the size 1 then (else 0), and numbers in the recipe need not
 * agree with these sizes. */
EG_API eg_status eg_task_sizes_guess(eg_task *t, int each, const eg_size **sizes, eg_error *err);
/* Are the source's records what the recipe's inputs take, as far as it is known without reading them? */
EG_API eg_status eg_task_fits(const eg_task *t, eg_error *err);
/* Can the graph that eg_recipe_build made do this task? A language model, say, may not look ahead. To be asked before
 * samples are
 * used: it is here that they learn the shapes of the network's inputs. */
EG_API eg_status eg_task_suits(eg_task *t, eg_graph *g, eg_error *err);
/* Sets those of the weights of a graph that suits (eg_task_suits) which follow from the data, such as what may never
 * follow what in tags of spans; most tasks have none. To be called before a training and before a model is used;
 * eg_predictor_new and eg_evaluation_run have done so. */
EG_API void eg_task_constrain(const eg_task *t, eg_params *p);
/* Before a training: does it make sense? Beside what eg_recipe_advise says: one class alone is EG_ERR_ARG, where the
 * sizes are known. */
EG_API eg_status eg_task_advise(const eg_task *t, eg_advise advise, void *user, eg_error *err);
/* What it measures, the most telling first; NULL: no such. */
EG_API const eg_metric_info *eg_task_metric(const eg_task *t, int i);
/* The graph's outputs that answers are made of, NULL-terminated. */
EG_API const char *const *eg_task_outputs(const eg_task *t, const eg_graph *g);
/* Of a model: what its task keeps of the training data, a line each for people: a map, {"classes": ["boot", "sandal"]}.
 * The caller's. */
EG_API eg_status eg_task_describe(eg_model *m, eg_value **facts, eg_error *err);

/* ---- samples ----------------------------------------------------------------------------------------------------- */

/* The part to judge a model by when nobody says otherwise: test where there is one, else validation, else train. A
 * text that is not the recipe's own (eg_task_set_source) is EG_PART_TEST as a whole. */
EG_API eg_part eg_task_eval_part(const eg_task *t);

typedef struct eg_samples eg_samples;

typedef struct eg_samples_options {
	eg_part part; /* training and validation come together, cut as the recipe says */
	/* NULL: to train one; what a task keeps (normalisation, vocabulary, class names) is the recipe's, or measured
	 * on the training part. Else the model's is used; the model must outlive the samples. */
	eg_model *model;
	/* folds > 0: training and validation are cut anew: part `fold` (0..folds-1) of all training records of so many
	 * equal ones validates. */
	int folds, fold;
	/* Of a model's samples: what is said of a sample is averaged over these views of it: "one", "flip" (mirrored
	 * too), "shift" (by a pixel, towards each corner), "flip_shift" (mirrored, and shifted by a pixel, both ways).
	 * NULL: as its recipe says. */
	const char *views;
	bool all; /* also the training records that the task leaves out of training (data.unseen of `search`) */
	double hidden; /* share of every picture, its lowest rows, that is covered with the mean of the others */
} eg_samples_options;
/* The task must outlive the samples. */
EG_API eg_status eg_samples_load(eg_task *t, const eg_samples_options *options, eg_samples **samples, eg_error *err);
EG_API void eg_samples_free(eg_samples *s);
EG_API const eg_dataset *eg_samples_get(const eg_samples *s, eg_part part); /* NULL: not loaded, or empty */
EG_API int64_t eg_samples_count(const eg_samples *s, eg_part part);
/* How many of what eg_task_unit says: pictures, or characters of text. */
EG_API int64_t eg_samples_units(const eg_samples *s, eg_part part);
EG_API const eg_size *eg_samples_sizes(const eg_samples *s); /* as eg_task_sizes */
/* A number that stands for the samples of a part: other contents, other labels, or another order of samples have
 * another one (up to 2^63, but for chance). 0: there are none. All of them are read. For eg_train_state. */
EG_API eg_status eg_samples_fingerprint(const eg_samples *s, eg_part part, uint64_t *fingerprint, eg_error *err);
/* Record i of a part as it is in epoch `epoch` (0..) of a training, before it becomes numbers: training records as
 * the recipe's `augment` makes them, from their size in the network on; others, and epoch -1, as they are. r:
 * zero-initialised once; eg_record_free. */
EG_API eg_status eg_samples_show(
	const eg_samples *s, eg_part part, int64_t i, int epoch, eg_record *r, eg_error *err);
/* What its first text, or its first tokens, are cut into, as the network counts; units that it does not know are number
 * eg_samples_unit_unknown (-1: there is none). 0: it reads neither. */
EG_API int eg_samples_unit_count(const eg_samples *s);
EG_API int eg_samples_unit_unknown(const eg_samples *s);
EG_API const char *eg_samples_unit(const eg_samples *s, int i, size_t *size); /* 0 <= i < count; zero-terminated too */
EG_API const eg_vocab *eg_samples_vocab(const eg_samples *s);                 /* of a text; NULL: of tokens, or none */
/* How often each occurs in a part that is loaded. counts: eg_samples_unit_count of them. */
EG_API eg_status eg_samples_count_units(const eg_samples *s, eg_part part, int64_t *counts, eg_error *err);
/* What a model file keeps of them (eg_model_parts.task). Belongs to the samples. */
EG_API const eg_value *eg_samples_kept(const eg_samples *s);

/* Before a training: the filters of the layer that the recipe's `train.whiten` names become what makes patches of the
 * training pictures white; nothing, where it names none. `p` are the weights of `g`, which eg_task_suits has seen. */
EG_API eg_status eg_samples_whiten(const eg_samples *s, const eg_graph *g, eg_params *p, eg_error *err);

/* After a training, once, before its model is saved: the task learns what it keeps of the trained network, such as the
 * limit of what is unknown, by the validation samples. */
EG_API eg_status eg_samples_settle(eg_samples *s, eg_graph *g, eg_params *p, eg_error *err);

/* Before a training, told as advice: a layer's limits leave out targets of the samples; all of them are of one
 * class. */
EG_API eg_status eg_samples_advise(const eg_samples *s, eg_advise advise, void *user, eg_error *err);
/* The objective that a network reaches which knows nothing of its inputs: all classes as likely, or the targets' means
 * (of some thousand training samples). A larger one is worse than guessing. NAN: it is not known. */
EG_API eg_status eg_samples_chance(const eg_samples *s, eg_graph *g, double *chance, eg_error *err);

/* Judges a network on samples of this kind: all the task's metrics; for eg_evaluate. p: its weights, with which a task
 * that writes runs it; NULL: of a model that is no network. NULL on failure. */
EG_API eg_judge *eg_samples_judge(const eg_samples *s, eg_graph *g, eg_params *p, eg_error *err);
/* For eg_train_config: of the validation samples after each epoch, and of the training samples as they are seen (NULL
 * where that would cost more than next to nothing). */
EG_API eg_status eg_samples_train_judges(
	const eg_samples *s, eg_graph *g, eg_judge **validation, eg_judge **train, eg_error *err);
EG_API void eg_samples_judge_free(eg_judge *j); /* of all kinds; NULL is allowed */
/* The metric that a network is told by: that which makes an epoch the best, else the first; -1: there is none (j may be
 * NULL). */
EG_API int eg_judge_told(const eg_judge *j);

/* ---- over- and underfitting -------------------------------------------------------------------------------------- */

typedef enum eg_fitting_kind {
	EG_FITTING_UNKNOWN, /* too little is known: fewer than three epochs, no validation, a loss that is no number */
	EG_FITTING_NONE,    /* no clear sign */
	EG_FITTING_NOTHING, /* nothing was learnt: both losses are near that of a network that knows nothing */
	EG_FITTING_SHORT,   /* the validation loss was still falling at the end */
	EG_FITTING_UNDER,   /* training and validation loss are alike, and neither falls any more */
	EG_FITTING_OVER     /* the validation loss rose again, or is far above that of training */
} eg_fitting_kind;

/* What a training has been so far. */
typedef struct eg_fitting_history {
	int epochs;
	const double *loss, *val_loss; /* of each epoch, as eg_epoch_report has them */
	const double *metric;  /* of validation, that made an epoch the best; NULL: the loss did */
	const eg_metric_info *metric_info; /* of it */
	double chance;         /* eg_samples_chance; NAN: not known */
	bool annealed;         /* the learning rate ended below a tenth of its highest, so that losses would end flat
	                        * in any case */
	bool disturbed;        /* training samples are made harder (eg_samples_disturbed) */
} eg_fitting_history;

/* Shares are of what was learnt: from the loss of a network that knows nothing (or, where that is not known, the first
 * epoch's) down to the lowest loss. NAN: not known. */
typedef struct eg_fitting {
	eg_fitting_kind kind;
	int best;    /* epoch of the lowest validation loss, 1..; 0: unknown */
	double gap;  /* validation loss less training loss at the end */
	double rise; /* validation loss at the end less the lowest */
	double fall; /* how much lower the lowest became in the last quarter of the epochs */
	char text[400];   /* what was seen, with numbers; no full stop */
	char advice[240]; /* what to try; may be empty */
} eg_fitting;
/* "over", as in the last lines of `engram train --json`. */
EG_API const char *eg_fitting_name(eg_fitting_kind kind);
EG_API void eg_fitting_judge(const eg_fitting_history *h, eg_fitting *f);
/* Are training samples harder than those of validation: by dropout, zoneout, or the recipe's `augment`? Then the
 * training loss is higher than the network's on the same samples as they are. */
EG_API bool eg_samples_disturbed(const eg_samples *s, const eg_graph *g);

/* ---- how well a model does --------------------------------------------------------------------------------------- */

typedef struct eg_evaluation eg_evaluation;

/* Runs the model over a part, `batch` samples at a time; 0: as many as suit. */
EG_API eg_status eg_evaluation_run(
	eg_model *m, const eg_samples *s, eg_part part, int batch, eg_evaluation **evaluation, eg_error *err);
/* Of the task `speak`: `m`, a model of the task `classify` that takes sound, is asked what is spoken when samples of
 * `t` are judged. Its answers are the metric `speaker`, where it tells what chooses the voice, else `recognised`; and
 * `recognised_floor` those of the floor mfcc-svm of its recipe, which is trained here, on the recipe's data. Before
 * eg_samples_load and behind eg_task_set_source; m must outlive t. */
EG_API eg_status eg_task_hear(eg_task *t, eg_model *m, eg_error *err);
EG_API void eg_evaluation_free(eg_evaluation *e);
/* The task's metrics, the most telling first. */
EG_API int eg_evaluation_count(const eg_evaluation *e);
EG_API const eg_metric_info *eg_evaluation_metric(const eg_evaluation *e, int i); /* NULL: no such */
EG_API double eg_evaluation_value(const eg_evaluation *e, int i);                 /* NAN: no such */
EG_API double eg_evaluation_find(const eg_evaluation *e, const char *name);       /* NAN: no such */
EG_API int64_t eg_evaluation_total(const eg_evaluation *e);                       /* predictions that were judged */
/* The metrics by name, then `per_class`, `confusion` and what else the task has to say. */
EG_API const eg_value *eg_evaluation_result(const eg_evaluation *e);

/* ---- answers ----------------------------------------------------------------------------------------------------- */

typedef struct eg_predictor eg_predictor;

/* Nothing of the training data is read. settings: the task's options (eg_task_options) as "name=value",
 * NULL-terminated; NULL: none. ctx: a context of its own for this predictor, so that many may work at a time on one
 * model, each with its thread; NULL: the model's. The model must outlive it. Predictors of one model are made by one
 * thread at a time. */
EG_API eg_status eg_predictor_new(
	eg_model *m, eg_context *ctx, const char *const *settings, eg_predictor **predictor, eg_error *err);
EG_API void eg_predictor_free(eg_predictor *p);

/* How a network's input is made of sound, for who computes it elsewhere: one channel at `rate`, -1..1, `silence` zeros
 * behind it. Frames of `window` samples begin every `hop`, the last one is the first that reaches the end, filled up
 * with zeros. A step is that frame (mel NULL), or ln(max(quietest, |FFT(hann frame)|^2 mel)) of a transform of `fft`
 * samples, or that times `cosines`; behind it `deltas` times the slopes, over `reach` steps on each side, of what
 * stands before them; at both ends the outermost step goes on. Then it is brought to scale: less `mean`, through `std`
 * (NULL: not), or to mean 0 and deviation 1 over each recording by itself (`alone`). */
typedef struct eg_sound_front {
	const char *input; /* of the network: (steps, batch, width) */
	double rate;
	int64_t silence;
	int window, hop, fft, bands, coefficients, deltas, reach;
	int width;            /* numbers of a step, slopes among them */
	double quietest;
	const float *hann;    /* (window) */
	const float *mel;     /* (fft / 2 + 1, bands) */
	const float *cosines; /* (bands, coefficients); NULL: without */
	const float *mean, *std; /* (width) */
	bool alone;
} eg_sound_front;
/* What the model's network is asked about is sound: how that is made. NULL: it is none, `why` is left alone; or there
 * was no memory. It is the predictor's, and lives as long. */
EG_API const eg_sound_front *eg_predictor_sound(const eg_predictor *p, eg_error *why);
EG_API int64_t eg_sound_front_steps(const eg_sound_front *f, int64_t n); /* of n samples */
/* These, scaled, as the model itself computes them: x has n samples, out is (steps, width). */
EG_API eg_status eg_sound_front_of(const eg_sound_front *f, const float *x, int64_t n, float *out, eg_error *err);

/* What is to be answered: one of these. */
typedef struct eg_question {
	const char *path;  /* a file: a picture, a text */
	const void *bytes; /* or its contents, `size` bytes: what the file would hold */
	size_t size;
	bool json;               /* bytes are a JSON map: the fields by their names */
	const char *name;        /* of bytes, for messages; NULL: "the input" */
	const eg_record *record; /* or a record with the fields of eg_predictor_fields */
	const void *const *
	        tensors; /* or what each input of the network takes, in the order of the recipe, for this one: (sizes),
	                  * ids int32_t */
	int time; /* of tensors: steps; 0: no sequence */
} eg_question;

/* Answers n questions at once: answers[i] is a map that the predictor owns, valid until the next call, or NULL, and
 * errors[i] (caller's, n of them) then says why. EG_OK also where some failed; what is returned otherwise concerns
 * all. */
EG_API eg_status eg_predictor_run(eg_predictor *p, const eg_question *questions, int n, const eg_value **answers,
	eg_error *errors, eg_error *err);
/* The fields that its records and JSON maps have. */
EG_API int eg_predictor_fields(const eg_predictor *p, const eg_field **fields);

/* A colour of its own for each class, for pictures: hues a golden angle apart, so that neighbours in number are far
 * apart. */
EG_API void eg_class_colour(int k, uint8_t rgb[3]);
/* Of an answer with `size` and `runs`: the class of each pixel, -1: none; to be released with free(). NULL: it has
 * none, or there is no memory. */
EG_API int16_t *eg_segment_classes(const eg_value *answer, int *H, int *W);
/* Colours of classes over a picture's pixels (C,H,W), C 1 or 3, into out (3,H,W): each is the picture's times
 * 1 - opacity and the class's times opacity; of no class, the picture's. */
EG_API void eg_segment_paint(
	int C, int H, int W, const uint8_t *pixels, const int16_t *classes, double opacity, uint8_t *out);

/* One record of the data and what the model says of it; pointers are valid inside of the call. */
typedef struct eg_answered {
	int64_t index;          /* of the sample, in its part */
	const char *id, *group; /* group NULL: none */
	const eg_value *answer, *truth;
} eg_answered;
/* Answers every sample of a part, each once, in batches as eg_evaluation_run makes them (so of like length, not in
 * order). false from `take`: EG_ERR_STOPPED. */
EG_API eg_status eg_samples_answer(eg_predictor *p, const eg_samples *s, eg_part part,
	bool (*take)(void *user, const eg_answered *a), void *user, eg_error *err);

/* ---- films as they come ------------------------------------------------------------------------------------------ */

/* A model that tags films and goes in one direction, fed frame by frame; it keeps its state, and no frames. A network
 * that looks ahead (bidirectional, conv3d over several frames) is refused, and the layer is named. The model must
 * outlive it. */
typedef struct eg_frame_tagger eg_frame_tagger;
EG_API eg_status eg_frame_tagger_new(eg_model *m, eg_frame_tagger **tagger, eg_error *err);
EG_API void eg_frame_tagger_free(eg_frame_tagger *t); /* NULL is allowed */
/* The next frame, (C,H,W), brought to the network's size; NULL: the film has ended. The answer, {"tag", "probability",
 * "begins" (another than before)}, is of the frames in their order, and valid until the next call; NULL: none yet (of a
 * recipe with `delay`, the first so many times), or, at the end, none any more. */
EG_API eg_status eg_frame_tagger_next(
	eg_frame_tagger *t, int C, int H, int W, const uint8_t *pixels, const eg_value **answer, eg_error *err);

/* ---- forecasts by networks --------------------------------------------------------------------------------------- */

/* A recipe of the task `forecast` on a table, as a model beside the classical ones of engram_series.h: trained on a
 * past, and asked from the end of any. What it sees are the columns that the recipe names, or the target alone; scales
 * and intervals come from the past that it is trained on, and every training begins with the weights of the seed. */
typedef struct eg_network_forecaster eg_network_forecaster;
typedef struct eg_network_forecaster_options {
	const char *target; /* a column of the table; NULL: the recipe's, or the only one of numbers */
	int members;        /* networks of so many seeds, the recipe's and those behind it, whose mean is said; 0: 1 */
	int horizon;        /* the longest that is asked for; beyond the recipe's own the forecasts are read as if they
	                     * had come */
} eg_network_forecaster_options;
/* The recipe, the context and the table must outlive it. */
EG_API eg_status eg_network_forecaster_new(eg_recipe *r, eg_context *ctx, const eg_time_table *table,
	const eg_network_forecaster_options *options, eg_network_forecaster **forecaster, eg_error *err);
EG_API void eg_network_forecaster_free(eg_network_forecaster *f); /* NULL is allowed */
EG_API const char *eg_network_forecaster_target(const eg_network_forecaster *f);
/* Trains on the first n steps of the table. */
EG_API eg_status eg_network_forecaster_fit(eg_network_forecaster *f, int n, eg_error *err);
/* From the end of its first n steps. Steps that the recipe does not forecast are NAN. */
EG_API eg_status eg_network_forecaster_say(eg_network_forecaster *f, int n, eg_outlook *out, eg_error *err);
/* One network for n series, each a table: trained on windows of all, each scaled by its own past. Words of a column are
 * those of all series. The tables must outlive it, the array need not. */
EG_API eg_status eg_network_forecaster_new_many(eg_recipe *r, eg_context *ctx, const eg_time_table *const *tables, int n,
	const eg_network_forecaster_options *options, eg_network_forecaster **forecaster, eg_error *err);
/* Trains on the first n[i] steps of series i: none, where that is 0. */
EG_API eg_status eg_network_forecaster_fit_many(eg_network_forecaster *f, const int *n, eg_error *err);
EG_API eg_status eg_network_forecaster_say_of(eg_network_forecaster *f, int series, int n, eg_outlook *out, eg_error *err);
/* For eg_rolling_run_with, of one series; valid as long as the forecaster. */
EG_API eg_rolled eg_network_forecaster_rolled(eg_network_forecaster *f);
/* Of the last training: how many parameters, windows, epochs; in words. */
EG_API const eg_fitted *eg_network_forecaster_fitted(const eg_network_forecaster *f);
/* What its first step ahead comes from, at origins at the end of what it was trained on: into a map, `variables`, a map
 * each with `name`, `share` (of the sum of all absolute integrated gradients) and `permuted` (how many times as large
 * the mean absolute error becomes where the variable's past is another origin's), and `lags`: `lag` and `share`. */
EG_API eg_status eg_network_forecaster_sensitivity(eg_network_forecaster *f, eg_value *map, eg_error *err);

/* The same as the forecaster of a fault warning (eg_watch_forecaster, engram_series.h), one row ahead. names: the n
 * columns of the table that are looked at, those that are watched first. What it forecasts is the recipe's target, else
 * the first of its columns, else the first of these; it trains anew whenever it is fitted, its scales too. Columns that
 * the recipe names as known are seen in the row that is forecast. A recipe of the task `reconstruct` is an
 * auto-encoder, which rebuilds its columns (without them: all), and tells those that are watched. EG_ERR_ARG: a target
 * that is not watched, columns that are not looked at, a recipe that does neither. The recipe, the context, the table
 * and the names must outlive it. */
typedef struct eg_network_watch eg_network_watch;
EG_API eg_status eg_network_watch_new(eg_recipe *r, eg_context *ctx, const eg_time_table *table, const char *const *names, int n,
	int watched, eg_network_watch **watch, eg_error *err);
EG_API void eg_network_watch_free(eg_network_watch *w); /* NULL is allowed */
EG_API const eg_watch_forecaster *eg_network_watch_forecaster(const eg_network_watch *w);
/* Of the last training; NULL: there was none. */
EG_API const eg_fitted *eg_network_watch_fitted(const eg_network_watch *w);

/* A model that forecasts, fed row by row: the first line names the columns. It keeps as many rows as the model's
 * windows reach back, and as many again. The model must outlive it. */
typedef struct eg_forecast_stream eg_forecast_stream;
EG_API eg_status eg_forecast_stream_new(eg_model *m, const char *header, eg_forecast_stream **stream, eg_error *err);
EG_API void eg_forecast_stream_free(eg_forecast_stream *s); /* NULL is allowed */
/* Takes a row, and says what comes behind it: a map of the keys of the task's answers, valid until the next call; NULL
 * as long as there are fewer rows than the network sees. A row that cannot be read is an error and changes nothing. */
EG_API eg_status eg_forecast_stream_row(eg_forecast_stream *s, const char *line, const eg_value **answer, eg_error *err);

/* ---- writing ----------------------------------------------------------------------------------------------------- */

typedef struct eg_generate_options {
	double temperature; /* 1: as likely as learnt; smaller: safer; 0: always the likeliest unit */
	int top_k;          /* > 0: only among the k likeliest units; 0: among all */
	double top_p;       /* only among the fewest units that together are at least this likely, to 1; 0: among all;
	                     * EG_ZERO_F: always the likeliest */
	uint64_t seed;      /* same seed, same text */
	bool skip_unknown;  /* characters of a prompt that the model does not know are left out; else an error */
	int batch;          /* texts written side by side (eg_generator_write_all); 0: 1 */
	double repeat_penalty; /* > 1: the probability of units among the last 64 written is divided by this */
	/* Chinese verse: so many lines of so many characters, a comma behind the odd ones and a full stop (or ! or ?)
	 * behind the even ones; 0: no form. Then the text ends. */
	int form_columns, form_lines;
	const char *acrostic; /* the first character of each line; without a form there are as many lines. NULL: none */
} eg_generate_options;

typedef struct eg_generator eg_generator;

/* One unit that was written. Pointers are valid until the next call. */
typedef struct eg_written {
	const char *text; /* its bytes, and a zero behind; none at the end */
	size_t size;
	int id;   /* in the model's vocabulary */
	bool end; /* the end mark: the sample is complete, eg_generator_begin begins the next */
} eg_written;

/* One unit of a text that is scored: size bytes from byte `at` on, with the spaces behind it. */
typedef struct eg_scored {
	size_t at, size;
	int id;
	double nats; /* -ln of the probability that the model gave it */
	bool end;    /* it is the end mark, behind the text */
} eg_scored;

/* A language model that writes, remembering what has been read and written. The model must outlive it; several may
 * use one model. options NULL: temperature 1. A model of another task is EG_ERR_ARG. */
EG_API eg_status eg_generator_new(
	eg_model *m, const eg_generate_options *options, eg_generator **generator, eg_error *err);
EG_API void eg_generator_free(eg_generator *g);
EG_API const eg_vocab *eg_generator_vocab(const eg_generator *g); /* of the units that it writes; belongs to it */
/* Begins sample number `sample`, each with random numbers of its own: everything after the mark is forgotten. A new
 * generator has begun sample 0, and its mark is the very beginning. */
EG_API void eg_generator_begin(eg_generator *g, uint64_t sample);
EG_API void eg_generator_mark(eg_generator *g); /* sets the mark here: a prompt is read once for many samples */
/* Reads a text of any length, to go on from; may be called again, also after writing. `name` is what messages call
 * it. Text that is not UTF-8, or holds a unit that the vocabulary has not, is an error with its line and column, and
 * nothing of it is read; *skipped (may be NULL) says how many characters were left out. */
EG_API eg_status eg_generator_read(
	eg_generator *g, const char *text, size_t size, const char *name, int64_t *skipped, eg_error *err);
/* Writes one unit. Never the unknown mark. A unit may be part of a character only where units are bytes. With nothing
 * read before, text begins as after a line end, or, where samples were learnt from, at the beginning of one. */
EG_API eg_status eg_generator_write(eg_generator *g, eg_written *out, eg_error *err);
/* Writes one unit of each of the `batch` texts, out[i] of text i: sample number s + i, where eg_generator_begin said s.
 * Each is what it would be alone, to the rounding of the network. What has ended stays so. */
EG_API eg_status eg_generator_write_all(eg_generator *g, eg_written *out, eg_error *err);
/* Reads a text of any length and tells each of its units, from the first, with what it took; where samples were learnt
 * from, the end mark at the end. false from `take`: EG_ERR_STOPPED. */
EG_API eg_status eg_generator_score(eg_generator *g, const char *text, size_t size, const char *name,
	bool (*take)(void *user, const eg_scored *u), void *user, eg_error *err);
/* A gap in a text, and what could stand in it. */
typedef struct eg_gap {
	const char *left, *right; /* the text on both sides */
	size_t nleft, nright;
	int longest, beam, results; /* most units of it (0: 20), beginnings that are kept (0: 16), results (0: 1) */
} eg_gap;
typedef struct eg_filled {
	const char *text; /* of the gap; valid inside of the call */
	size_t size;
	double nats, nats_right; /* -ln of its probability behind the left side, and of the right side's behind both */
} eg_filled;
/* Finds what makes the whole text the likeliest, by beam search; told the best first. No line end stands in a gap. */
EG_API eg_status eg_generator_fill(eg_generator *g, const eg_gap *gap, bool (*take)(void *user, const eg_filled *f),
	void *user, eg_error *err);
/* Everything that it remembers, as a file: a generator of the same model goes on exactly where this one was. */
EG_API eg_status eg_generator_save(const eg_generator *g, const char *path, eg_error *err);
EG_API eg_status eg_generator_restore(eg_generator *g, const char *path, eg_error *err);

#ifdef __cplusplus
}
#endif

#endif
