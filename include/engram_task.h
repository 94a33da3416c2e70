/* engram_task.h - tasks: what a network is trained for. A task makes samples of a recipe's data section, measures how
 * well a model does on them, and turns the network's numbers into answers or writes with them. Part of libengram_io.
 *
 * The recipe says which task it is (`task: classify`), so the functions below serve every task. Ownership, threads,
 * NULL and messages as in engram_io.h; an object is used by one caller at a time. */
#ifndef ENGRAM_TASK_H
#define ENGRAM_TASK_H

#include "engram_data.h"
#include "engram_io.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the table --------------------------------------------------------------------------------------------------- */

typedef struct eg_task_info {
	const char *name;   /* "classify" */
	const char *doc;    /* one line */
	const char *verb;   /* of the program, what a model is good for: "predict", "generate" */
	const char *reader; /* the data source for the user's own files: "folder", "text" */
} eg_task_info;

EG_API int eg_task_count(void);
EG_API const eg_task_info *eg_task_at(int i); /* NULL: no such */

/* ---- a recipe's task --------------------------------------------------------------------------------------------- */

typedef struct eg_task eg_task;

/* Reads and checks the recipe's section `data`; nothing is loaded. The recipe must outlive the task. */
EG_API eg_status eg_task_open(eg_recipe *r, eg_task **task, eg_error *err);
EG_API void eg_task_free(eg_task *t);
EG_API const eg_task_info *eg_task_kind(const eg_task *t);
EG_API const char *eg_task_source(const eg_task *t); /* name of the data source */
/* What its samples are counted in, for messages: "pictures", "characters"; for one of them "picture". */
EG_API const char *eg_task_unit(const eg_task *t, bool one);
/* Takes samples from elsewhere: another source; another folder of the source's files, or, of a reader of the user's
 * own files, what it reads. NULL: as it is. */
EG_API eg_status eg_task_set_source(eg_task *t, const char *source, const char *path, eg_error *err);

/* How many classes there are (a language model's: units of the vocabulary): by the recipe, the table of sources, or
 * else the training data, which is read. */
EG_API eg_status eg_task_classes(const eg_task *t, int *classes, eg_error *err);
/* Channels, height and width of what the network takes; an error where it takes no pictures. */
EG_API eg_status eg_task_shape(const eg_task *t, int shape[3], eg_error *err);
/* Are the source's samples what the network takes, as far as it is known without reading them? */
EG_API eg_status eg_task_fits(const eg_task *t, eg_error *err);
/* Can the graph that eg_recipe_build made do this task? A language model, say, may not look ahead. */
EG_API eg_status eg_task_suits(const eg_task *t, eg_graph *g, eg_error *err);

/* ---- samples ----------------------------------------------------------------------------------------------------- */

typedef enum eg_part { EG_PART_TRAIN, EG_PART_VALIDATION, EG_PART_TEST } eg_part;

/* The part to judge a model by when nobody says otherwise: EG_PART_TEST where there is one, else EG_PART_VALIDATION.
 * A text that is not the recipe's own (eg_task_set_source) is EG_PART_TEST as a whole. */
EG_API eg_part eg_task_eval_part(const eg_task *t);

typedef struct eg_samples eg_samples;

/* Loads a part. Training and validation come together, cut as the recipe says. `model` NULL: to train one;
 * normalisation or vocabulary are the recipe's, or measured on the training part (which is loaded for it). Else the
 * model's are used, and its classes must be enough; the model must outlive the samples. The task may be freed before
 * them. */
EG_API eg_status eg_samples_load(
	const eg_task *t, eg_part part, const eg_model *model, eg_samples **samples, eg_error *err);
EG_API void eg_samples_free(eg_samples *s);
EG_API const eg_dataset *eg_samples_get(const eg_samples *s, eg_part part); /* NULL: not loaded, or empty */
EG_API int64_t eg_samples_count(const eg_samples *s, eg_part part);
/* How many of what eg_task_unit says: pictures, or characters of text. */
EG_API int64_t eg_samples_units(const eg_samples *s, eg_part part);
EG_API int eg_samples_classes(const eg_samples *s);
/* Fills in what a model file keeps of its training samples: class names, normalisation, border, vocabulary. Pointers
 * into `s`. */
EG_API void eg_samples_describe(const eg_samples *s, eg_model_parts *parts);

/* ---- how well a model does --------------------------------------------------------------------------------------- */

typedef struct eg_evaluation eg_evaluation;

/* Runs the model over a part, `batch` samples at a time; 0: as many as suit the task. */
EG_API eg_status eg_evaluation_run(
	eg_model *m, const eg_samples *s, eg_part part, int batch, eg_evaluation **evaluation, eg_error *err);
EG_API void eg_evaluation_free(eg_evaluation *e);
/* The task's metrics, in the order in which they are shown. classify: loss, accuracy, top3, top5, macro_f1. language:
 * loss (nats a unit: the mean of -ln of what it gave to the unit that came), bits (loss / ln 2), perplexity (e to the
 * loss), accuracy. */
EG_API int eg_evaluation_count(const eg_evaluation *e);
EG_API const char *eg_evaluation_name(const eg_evaluation *e, int i); /* NULL: no such */
EG_API double eg_evaluation_value(const eg_evaluation *e, int i);     /* NAN: no such */
EG_API double eg_evaluation_find(const eg_evaluation *e, const char *name); /* NAN: no such */
EG_API bool eg_evaluation_is_share(const eg_evaluation *e, int i);          /* 0..1, shown in percent */
EG_API const char *eg_evaluation_about(const eg_evaluation *e, int i); /* a few words, or ""; NULL: no such */
EG_API int64_t eg_evaluation_total(const eg_evaluation *e);                 /* predictions that were judged */
/* What was taken for what, and from it the metrics of each class; NULL: not a task with classes. */
EG_API const eg_confusion *eg_evaluation_confusion(const eg_evaluation *e);

/* ---- answers ----------------------------------------------------------------------------------------------------- */

typedef struct eg_predict_options {
	eg_invert invert; /* pictures; EG_INVERT_AUTO goes by the border of the training pictures */
	int top;          /* how many answers; 0: all */
} eg_predict_options;

typedef struct eg_answer {
	const char *name; /* belongs to the model */
	int index;        /* of the class */
	double probability;
} eg_answer;

typedef struct eg_prediction {
	const eg_answer *answers; /* n of them, the likeliest first; valid until the next prediction */
	int n;
	bool inverted; /* the picture was */
} eg_prediction;

typedef struct eg_predictor eg_predictor;

/* Nothing of the training data is read. options may be NULL. The model must outlive the predictor. A model of a task
 * that gives no answers is EG_ERR_ARG, and the message says what it is good for. */
EG_API eg_status eg_predictor_new(
	eg_model *m, const eg_predict_options *options, eg_predictor **predictor, eg_error *err);
EG_API void eg_predictor_free(eg_predictor *p);
/* What is in this file: for classify a picture (PNG, JPEG, PGM, PPM). After a failure the next file may be tried. */
EG_API eg_status eg_predictor_file(eg_predictor *p, const char *path, eg_prediction *out, eg_error *err);

/* ---- writing ----------------------------------------------------------------------------------------------------- */

typedef struct eg_generate_options {
	double temperature; /* 1: as likely as learnt; smaller: safer; 0: always the likeliest unit */
	int top_k;          /* > 0: only among the k likeliest units */
	double top_p;       /* in (0,1): only among the fewest units that together are at least this likely */
	uint64_t seed;      /* same seed, same text */
	bool skip_unknown;  /* characters of a prompt that the model does not know are left out; else an error */
} eg_generate_options;

typedef struct eg_generator eg_generator;

/* One unit that was written. Pointers are valid until the next call. */
typedef struct eg_written {
	const char *text; /* its bytes, and a zero behind; none at the end */
	size_t size;
	int id;           /* in the model's vocabulary */
	bool end;         /* the end mark: the sample is complete, eg_generator_begin begins the next */
} eg_written;

/* A language model that writes, remembering what has been read and written. The model must outlive it; several may
 * use one model. options NULL: temperature 1. A model of another task is EG_ERR_ARG. */
EG_API eg_status eg_generator_new(
	eg_model *m, const eg_generate_options *options, eg_generator **generator, eg_error *err);
EG_API void eg_generator_free(eg_generator *g);
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
/* Everything that it remembers, as a file: a generator of the same model goes on exactly where this one was. */
EG_API eg_status eg_generator_save(const eg_generator *g, const char *path, eg_error *err);
EG_API eg_status eg_generator_restore(eg_generator *g, const char *path, eg_error *err);

#ifdef __cplusplus
}
#endif

#endif
