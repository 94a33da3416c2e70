/* tune.h - the rooms of engram tune: tune.c (the verb), tune_jobs.c (trials as processes), tune_show.c (what is
 * shown), tune_lr.c (the learning-rate finder). */
#ifndef ENGRAM_CLI_TUNE_H
#define ENGRAM_CLI_TUNE_H

#include "engram_tune.h"
#include "print.h"

enum { TUNE_JOBS = 64 };

/* A trial that runs, in a process of its own. */
typedef struct tune_job {
	long process; /* 0: the place is free */
	int pipe;
	eg_trial trial;
	double *values; /* of its epochs so far */
	int nvalues, room;
	double begun, seconds;
	bool slow; /* it was told that it takes long */
} tune_job;

typedef struct tuning {
	const cli_args *args;
	const char *recipe_path, *floor; /* floor NULL: the network */
	char *journal, *output;
	eg_recipe *recipe;
	eg_space *space;
	eg_trials *trials;
	eg_search *search;
	const eg_trials_info *about;
	int njobs, threads; /* threads: of each */
	tune_job jobs[TUNE_JOBS];
	size_t limit_memory;
	double timeout, budget; /* seconds; 0: none */
	double begun, longest;  /* longest: seconds of a trial that has ended */
	int shown;              /* trials that were told */
	bool json, quiet, live;
	int live_lines;
	int code; /* exit code, where it has been told why */
} tuning;

/* ---- tune_jobs.c ------------------------------------------------------------------------------------------------- */

double tune_clock(void);
/* Runs the search to its end; the exit code. */
int tune_run(tuning *t);

/* ---- tune_show.c ------------------------------------------------------------------------------------------------- */

const char *tune_value(const tuning *t, double value, char buf[NUMBER]);
/* "train.lr=0.003 train.batch=64"; brief: paths without what no other key needs to be told from it. To be freed. */
char *tune_settings(const tuning *t, const double *point, bool brief);
void tune_show_head(const tuning *t);
void tune_show_told(tuning *t); /* trials that have become known */
void tune_show_live(tuning *t); /* those that run, on a terminal */
void tune_clear_live(tuning *t);
void tune_show_end(const tuning *t, bool stopped);

/* ---- tune_lr.c --------------------------------------------------------------------------------------------------- */

/* The learning-rate finder: --lr, with --steps, --from, --to, --output and --json. Returns the exit code. */
int tune_lr(const cli_args *a);

#endif
