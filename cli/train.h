/* train.h - a training, as the files of engram train share it: train.c (getting ready, the end), train_files.c (what is
 * written), train_from.c (weights of other models), train_resume.c (going on), train_show.c (what is shown),
 * train_notes.c (what is said on the side), train_fitting.c (over- and underfitting) and train_folds.c (several
 * trainings, to see how much the result depends on the data). */
#ifndef ENGRAM_CLI_TRAIN_H
#define ENGRAM_CLI_TRAIN_H

#include "print.h"

#include <signal.h>

typedef struct training {
	const cli_args *args;
	const char *recipe_path;
	char *model_path, *checkpoint_path, *lock_path;
	int lock; /* the file's descriptor + 1; 0: it is not held */
	bool json, quiet, live; /* live: stdout is a terminal */
	eg_recipe *recipe;
	eg_task *task;
	eg_samples *samples;
	eg_context *ctx;
	eg_model *resumed; /* the checkpoint, which then owns graph and parameters */
	eg_graph *graph, *own_graph;
	eg_params *params, *own_params;
	eg_judge *judge, *train_judge; /* NULL: nothing is measured */
	eg_optimizer *optimizer;
	eg_train_state state;
	eg_train_config config;
	char *from;      /* what was taken from another model, for people; NULL: nothing was to be */
	int told, shown; /* of the judge's metrics: what decides or is the first; the one that has columns; -1: none */
	bool has_validation, head_shown;
	bool advised, warned, chance_known; /* said once */
	double reached; /* train_floor_value of the epoch that is kept */
	double chance; /* loss of a network that knows nothing; NAN: not known */
	char rate[48]; /* "pictures/s" */
	double units;  /* so many of them are a prediction */
	/* What over- and underfitting are told by: of each epoch of this call, `seen` of them. */
	double *losses, *val_losses, *metrics;
	double highest_lr, last_lr;
	int seen;
	int first;     /* epochs done before */
	/* The checkpoint, where there is one of this training: epochs in it, and batches of the next one. */
	bool has_kept;
	int kept;
	int64_t kept_batch, kept_batches;
	double every;          /* seconds between two inside of an epoch */
	double begun, kept_at; /* clock */
	double looked, told_at; /* when one was tried last; when it was told last that it could not be written */
	int code;               /* the exit code that writing leads to; 0: all is well */
	sigset_t stop;          /* signals that ask to stop */
} training;

/* ---- train.c ----------------------------------------------------------------------------------------------------- */

/* The samples, all of them or one of several folds; and a new network. false after a message. */
bool train_load(training *t, int folds, int fold);
bool train_network(training *t);
bool train_judges(training *t);
/* Gives back what the two above made, for another fold. */
void train_drop(training *t);
/* Has a signal asked to stop? */
bool train_stop_wanted(const training *t);
/* This training's command, with `more` behind it. */
void train_print_command(const training *t, FILE *f, const char *more);

/* ---- train_from.c ------------------------------------------------------------------------------------------------ */

/* Begins with the weights that the recipe's train.from names; t->from becomes what is told of that. false after a
 * message. */
bool train_take_weights(training *t);

/* ---- train_files.c ----------------------------------------------------------------------------------------------- */

char *train_joined(const char *a, const char *b, const char *c); /* to be freed */
double train_clock(void);                                        /* seconds, from some time on */
/* Names, looks whether the files could be written, and keeps others from writing them; false after a message. */
bool train_files_open(training *t);
void train_files_close(training *t);
/* Is there room for a checkpoint of this network? false after a message. */
bool train_room(training *t);
/* The model, or a file with the state of training: there, or where there is room, or when there is; t->code says that
 * it is not where it should be. false after a message: nowhere. */
bool train_write(training *t, const char *path, bool checkpoint);
/* The checkpoint as of now: always; at an epoch's end; inside of one, when it is time. false: there is none, and the
 * training is to end. */
bool train_keep(training *t);
bool train_keep_epoch(training *t);
bool train_keep_step(training *t);
/* For who stops it: of this very step, with all that is tried for a model. */
void train_write_checkpoint(training *t);
/* "epoch 3, step 120 of 938", into buf; NULL: nothing is kept. */
const char *train_kept_text(const training *t, char buf[120]);

/* ---- train_resume.c ---------------------------------------------------------------------------------------------- */

/* The network of the checkpoint, if recipe and names are those of then; then, with an optimizer, its state, if the
 * samples are. false after a message. */
bool train_old_network(training *t);
bool train_old_state(training *t);
/* Fingerprints of the samples, into the state. */
bool train_know_data(training *t);
/* A finished model stands where the checkpoint is missing: true after a message. */
bool train_refuse_finished(const training *t);

/* ---- train_show.c ------------------------------------------------------------------------------------------------ */

void train_introduce(const training *t);
void train_show_epoch(training *t, const eg_epoch_report *r);
/* The bar: "LEFT ━━━━──── loss ..." */
void train_show_bar(const training *t, const char *left, const eg_progress *p);
/* A metric in the form that people read. */
const char *train_metric(char buf[NUMBER], const eg_metric_info *m, double value);
/* The verbs that are worth calling next, as they say themselves. */
void train_show_next(const training *t);

/* ---- train_notes.c ----------------------------------------------------------------------------------------------- */

/* Does what is to be trained make sense? false after a message. */
bool train_advise(training *t);
/* What the loss holds that its name does not say. */
void train_show_losses(const training *t);
/* Say so when the network does no better than guessing: far worse, after an epoch; at the end (true: it was said). */
void train_note_epoch(training *t, const eg_epoch_report *r);
bool train_note_end(training *t, const eg_train_result *result);

/* The loss of a network that knows nothing, found out when it is first needed; NAN: not known. */
double train_chance(training *t);

/* ---- train_fitting.c --------------------------------------------------------------------------------------------- */

/* Notes an epoch; what the epochs so far tell; and in words, when the training is over. */
void train_remember(training *t, const eg_epoch_report *r);
void train_fitting(training *t, eg_fitting *f);
void train_show_fitting(training *t);
void train_forget(training *t);

/* ---- train_floors.c ---------------------------------------------------------------------------------------------- */

/* The value that floors are compared by: the first of the task's metrics, or the loss, where that is it. NAN: not
 * known. */
double train_floor_value(
	const training *t, const eg_metric_info *metrics, int n, const double *values, double loss);
/* A line about the best floor that is known of the same validation samples or, folds > 1, folds, whose first one's
 * samples are at hand; else how to get to know it. */
void train_show_floors(const training *t, int folds, double value);

/* ---- train_folds.c ----------------------------------------------------------------------------------------------- */

/* Trains `folds` times, each time judged by another part of the training samples; returns the exit code. */
int train_folds(training *t, int folds);

#endif
