/* engram_tune.h - settings of a recipe found, not guessed: the space of what may be tried, samplers that propose
 * points of it, and a search that keeps a journal and can be killed at any moment. Part of libengram_io.
 *
 * A search is asked for trials and told what they gave; who runs them, one after the other or side by side, in this
 * process or in others, is the caller's affair (eg_trial_run does it here). What is proposed depends on the seed and
 * on results of earlier trials that are fixed by their numbers, never on which trial happened to end first: the same
 * seed makes the same journal, byte for byte, also when the search was killed in between.
 *
 * Ownership, threads, NULL and messages as in engram_io.h. */
#ifndef ENGRAM_TUNE_H
#define ENGRAM_TUNE_H

#include "engram_task.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- spaces ------------------------------------------------------------------------------------------------------ */

enum { EG_SPACE_KEYS = 64, EG_SPACE_CHOICES = 64 };

typedef enum eg_tuned_kind { EG_TUNED_NUMBER, EG_TUNED_INTEGER, EG_TUNED_CHOICE } eg_tuned_kind;

/* A key is tried only where `key`, one with choices, is one of those whose bits are set. */
typedef struct eg_tuned_when {
	int key;
	uint64_t choices;
} eg_tuned_when;

/* One key. A point of a space is a number for each: its value, or the number of the choice; NAN: it is not tried
 * there. */
typedef struct eg_tuned {
	const char *path; /* as in --set: "train.optimizer.adam.lr" */
	eg_tuned_kind kind;
	double low, high, step; /* step 0: any number between */
	bool log;
	int nchoices;
	const char *const *choices; /* as YAML */
	int nwhen;
	const eg_tuned_when *when;
	double now; /* as the recipe has it; NAN: it has none of these */
} eg_tuned;

typedef struct eg_space eg_space;

/* What the recipe's section `tune` says or, without one, what is worth trying in such a recipe. Impossible spaces are
 * EG_ERR_FORMAT, with the place. Each end of each range and each choice is put into the recipe and read: what the
 * recipe does not take is known before anything runs. The recipe must outlive the space. */
EG_API eg_status eg_space_open(eg_recipe *r, eg_space **space, eg_error *err);
/* A space of no recipe, of the caller's keys, which are copied: for tables of measured points. */
EG_API eg_status eg_space_new(const eg_tuned *keys, int n, eg_space **space, eg_error *err);
EG_API void eg_space_free(eg_space *s);
EG_API int eg_space_count(const eg_space *s);
EG_API const eg_tuned *eg_space_at(const eg_space *s, int i); /* NULL: no such */
EG_API bool eg_space_is_guessed(const eg_space *s);           /* the recipe says nothing */
EG_API bool eg_recipe_tunes(const eg_recipe *r);              /* has it a section `tune`? */
/* The section as YAML, to be put into a recipe. The caller's, to be released with free(). */
EG_API eg_status eg_space_text(const eg_space *s, char **text, eg_error *err);

/* A point as a map of settings, {"train.lr": 0.003}, put into the map `to`; and back. What is not in the space is
 * EG_ERR_FORMAT. */
EG_API void eg_space_put(const eg_space *s, const double *point, eg_value *to);
EG_API eg_status eg_space_point(const eg_space *s, const eg_value *settings, double *point, eg_error *err);
/* As the values of --set, NULL-terminated: {"train.lr=0.003", NULL}. To be released with eg_space_settings_free. */
EG_API eg_status eg_space_settings(const eg_space *s, const double *point, char ***settings, eg_error *err);
EG_API void eg_space_settings_free(char **settings);
/* How far two points are from each other, every key counting from 0 to 1: the root of the sum of squares. */
EG_API double eg_space_distance(const eg_space *s, const double *a, const double *b);

/* ---- samplers ---------------------------------------------------------------------------------------------------- */

typedef enum eg_trial_state { EG_TRIAL_DONE, EG_TRIAL_STOPPED, EG_TRIAL_FAILED } eg_trial_state;

typedef struct eg_observed {
	const double *point;
	double value; /* NAN: none */
	double budget;
	eg_trial_state state;
} eg_observed;

typedef enum eg_sampler_kind {
	EG_SAMPLER_TPE,   /* Bergstra et al. 2011, keys together: after some random trials where good ones lie close */
	EG_SAMPLER_RANDOM /* a scrambled Halton sequence */
} eg_sampler_kind;

typedef struct eg_sampler {
	eg_sampler_kind kind;
	uint64_t seed;
	bool lower_is_better;
	int startup;    /* TPE: random trials at the beginning; 0: 10 */
	int candidates; /* TPE: of which the most promising is taken; 0: 24 */
} eg_sampler;

/* Trial number `trial` (0..) when `n` others are known: a function of what it is given, nothing is kept. */
EG_API eg_status eg_sampler_propose(const eg_sampler *s, const eg_space *space, int trial, const eg_observed *seen,
	int n, double *point, eg_error *err);

/* ---- a search ---------------------------------------------------------------------------------------------------- */

typedef struct eg_search_options {
	const char *journal; /* path; NULL: none is kept */
	const char *metric;  /* what value means, for who reads the journal; NULL: "loss" */
	eg_sampler sampler;  /* lower_is_better says what is better */
	int trials;          /* as many as there may be; 0: 40 */
	int lag;             /* what is proposed for trial k is known when trial k - lag is: so many trials run side by
	                      * side; 0: 4 */
	int eta;             /* > 1: of those that come to a rung one in so many goes on (successive halving); 0:
	                      * all are trained to the end */
	int first_rung;      /* after so many epochs, and eta times as many, ...; 0: 1 */
	int seeds;           /* > 1: the finalists are trained with so many seeds, and their mean decides */
	int finalists;       /* 0: 3 */
	bool as_it_is;       /* trial 0 is the recipe as it is, where that is a point of the space */
	/* Beside space, sampler and the numbers above, what must be the same for a journal to be gone on with: a map.
	 * May be NULL. */
	const eg_value *same;
} eg_search_options;

enum { EG_SEARCH_RUNGS = 24 };

/* A trial that is to be run. */
typedef struct eg_trial {
	int number;
	const double *point; /* the search's, as long as it is open */
	int of;              /* of a finalist: the trial that it repeats; else -1 */
	uint64_t seed;       /* of a finalist: to be added to the recipe's; else 0 */
	/* Where it has come to the end of epoch at[i] and its best value so far is not better than cut[i], it stops. */
	int nrungs, at[EG_SEARCH_RUNGS];
	double cut[EG_SEARCH_RUNGS];
} eg_trial;

/* What it gave. */
typedef struct eg_outcome {
	eg_trial_state state;
	double value;         /* the best so far; NAN: failed */
	int budget;           /* epochs */
	const double *values; /* of each epoch, `budget` of them; NULL: not known */
	const char *error;    /* why it failed; NULL: it did not */
	const double *point;  /* NULL: as was proposed; else this was tried in its place, as of a table the nearest */
} eg_outcome;

typedef struct eg_search eg_search;

/* With a journal that is there, goes on with it: a line that was cut off is dropped; one of another search is refused,
 * and what differs is named. No two searches have one journal at a time. The space must outlive the search. */
EG_API eg_status eg_search_open(const eg_space *space, const eg_search_options *options, eg_search **search, eg_error *err);
EG_API void eg_search_free(eg_search *s);
/* Closes the journal without a word, in a copy of the process (fork) that only runs a trial. */
EG_API void eg_search_leave(eg_search *s);

typedef enum eg_search_has { EG_SEARCH_TRIAL, EG_SEARCH_WAITS, EG_SEARCH_OVER } eg_search_has;
/* The next trial that can begin. WAITS: not before others are told; OVER: all have been handed out, and told.
 * `last`: no more of the search itself, only finalists (the time is up). */
EG_API eg_status eg_search_next(eg_search *s, bool last, eg_search_has *has, eg_trial *trial, eg_error *err);
/* Lines of the journal are written in the order of the trials' numbers. EG_ERR_IO: it cannot be written; what is in it
 * is whole. Where the trial cannot be written before earlier ones are known, it is kept. */
EG_API eg_status eg_search_tell(eg_search *s, int number, const eg_outcome *outcome, eg_error *err);

EG_API int eg_search_told(const eg_search *s);     /* trials that are known, from 0 on without a gap */
EG_API int eg_search_resumed(const eg_search *s);  /* that were in the journal */
/* One of those; NULL: not known. *of as in eg_trial; both may be NULL. */
EG_API const eg_observed *eg_search_at(const eg_search *s, int number, int *of, const char **error);
/* The best trial, by the mean over its seeds where there were finalists; -1: none. *value: that mean. */
EG_API int eg_search_best(const eg_search *s, double *value);
EG_API const eg_space *eg_search_space(const eg_search *s);

/* ---- trials ------------------------------------------------------------------------------------------------------ */

/* What the trials of a recipe share: its task, and its samples where no key changes them. */
typedef struct eg_trials eg_trials;

typedef struct eg_trials_info {
	const char *metric; /* on the validation samples */
	bool share;         /* 0..1, shown in percent */
	bool lower_is_better;
	int epochs;         /* that the recipe trains */
	bool shared;        /* the samples are loaded once */
	int64_t train, validation; /* how many there are of the recipe's own; 0: not known (floors) */
} eg_trials_info;

/* Reads the samples. A recipe without validation samples is EG_ERR_ARG. Recipe and space must outlive it. */
EG_API eg_status eg_trials_open(eg_recipe *r, const eg_space *space, eg_trials **trials, eg_error *err);
/* Trials of a floor (engram_floor.h) in place of the network: n of an n-gram, k of neighbours. *space is that of its
 * settings, and the caller's. */
EG_API eg_status eg_trials_open_floor(
	eg_recipe *r, const char *floor, eg_space **space, eg_trials **trials, eg_error *err);
EG_API void eg_trials_free(eg_trials *t);
EG_API const eg_trials_info *eg_trials_about(const eg_trials *t);

typedef struct eg_trial_options {
	size_t limit_memory; /* > 0: a network that takes more while it is trained is not tried */
	void *user;
	/* After each epoch (1..), with its value; false: stop, as failed with EG_ERR_STOPPED. May be NULL. */
	bool (*epoch)(void *user, int epoch, double value);
	bool (*interrupted)(void *user); /* asked after each update; true: likewise. May be NULL */
} eg_trial_options;

/* Trains it with the context's threads. What a trial can fail by (a network that does not fit together, NaN, memory)
 * is an outcome, and EG_OK. The outcome's texts and values lie in `room`, the caller's, until its next use; zeros at
 * first, eg_trial_room_free at the end. */
typedef struct eg_trial_room {
	double *values;
	int cap;
	char error[1000];
} eg_trial_room;
EG_API eg_status eg_trial_run(eg_trials *t, eg_context *ctx, const eg_trial *trial, const eg_trial_options *options,
	eg_trial_room *room, eg_outcome *outcome, eg_error *err);
EG_API void eg_trial_room_free(eg_trial_room *room);

/* ---- what comes of it -------------------------------------------------------------------------------------------- */

/* `text`, a recipe as somebody wrote it, with these settings (as --set takes them, NULL-terminated) put in, and all
 * else, comments and blanks, as it was. *commented false: that could not be done, and it is written anew, without
 * comments. *edited is the caller's, to be released with free(). */
EG_API eg_status eg_recipe_edit(const char *text, size_t size, const char *name, const char *const *settings, char **edited,
	bool *commented, eg_error *err);
/* The same of the text that the recipe was read from, into a file, atomically. Its own overrides are not among the
 * settings unless they are said again. */
EG_API eg_status eg_recipe_write(
	const eg_recipe *r, const char *const *settings, const char *path, bool *commented, eg_error *err);

#ifdef __cplusplus
}
#endif

#endif
