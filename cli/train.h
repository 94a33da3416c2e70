/* train.h - a training, as the files of engram train share it: train.c (getting ready, files, the end), train_show.c
 * (what is shown of it) and train_folds.c (several trainings, to see how much the result depends on the data). */
#ifndef ENGRAM_CLI_TRAIN_H
#define ENGRAM_CLI_TRAIN_H

#include "print.h"

#include <signal.h>

typedef struct training {
	const cli_args *args;
	const char *recipe_path;
	char *model_path, *checkpoint_path;
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
	bool has_validation, head_shown, checkpoint_failed;
	char rate[48];   /* "pictures/s" */
	int first, kept; /* epochs done before; epochs in the checkpoint, 0: there is none */
	double unkept;   /* seconds of training since the checkpoint */
	sigset_t stop;   /* signals that ask to stop */
} training;

/* ---- train.c ----------------------------------------------------------------------------------------------------- */

/* The samples, all of them or one of several folds; and a new network. false after a message. */
bool train_load(training *t, int folds, int fold);
bool train_network(training *t);
bool train_judges(training *t);
/* Gives back what the two above made, for another fold. */
void train_drop(training *t);

/* ---- train_show.c ------------------------------------------------------------------------------------------------ */

void train_introduce(const training *t);
void train_show_epoch(training *t, const eg_epoch_report *r);
/* The bar: "LEFT ━━━━──── loss ..." */
void train_show_bar(const training *t, const char *left, const eg_progress *p);
/* A metric in the form that people read. */
const char *train_metric(char buf[NUMBER], const eg_metric_info *m, double value);
/* The verbs that are worth calling next, as they say themselves. */
void train_show_next(const training *t);
/* Says so when the network does no better than guessing. */
void train_warn_of_guessing(const training *t, const eg_train_result *result);

/* ---- train_folds.c ----------------------------------------------------------------------------------------------- */

/* Trains `folds` times, each time judged by another part of the training samples; returns the exit code. */
int train_folds(training *t, int folds);

#endif
