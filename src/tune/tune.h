/* tune.h - the inside of spaces, shared by section.c (the recipe's section `tune`), guess.c (what is worth trying
 * where it says nothing), space.c (points), random.c and tpe.c (samplers), search.c, journal.c and trial.c. */
#ifndef ENGRAM_TUNE_TUNE_H
#define ENGRAM_TUNE_TUNE_H

#include "base/base.h"
#include "engram_tune.h"
#include "floors/floors.h"
#include "io/recipe.h"
#include "io/tree.h"

typedef struct eg_space_key {
	eg_tuned tuned;
	eg_value *values;         /* of choices: a list */
	const eg_tree *tree;      /* in the section; NULL: guessed, or a program's */
	const eg_tree *condition; /* its `when` */
	int group;                /* keys with the same conditions have one: they are tried together */
} eg_space_key;

struct eg_space {
	eg_arena arena;
	eg_recipe *recipe; /* NULL: of none */
	bool guessed;
	int n, ngroups;
	eg_space_key keys[EG_SPACE_KEYS];
	int order[EG_SPACE_KEYS]; /* who has a condition comes behind the key that it is about */
};

/* ---- space.c ----------------------------------------------------------------------------------------------------- */

/* What the choices of a key are as values. */
eg_status eg_space_values(eg_space *s, eg_space_key *k, eg_error *err);
eg_space *eg_space_empty(eg_recipe *r, eg_error *err); /* NULL: out of memory */
/* When all keys are there: circles and conditions that never hold, the order, groups, what the recipe has now. */
eg_status eg_space_close(eg_space *s, eg_error *err);
/* A point at which key i is tried: ancestors have the first value that lets it, all else is NAN. */
void eg_space_reach(const eg_space *s, int i, double *point);
bool eg_space_tries(const eg_space *s, int i, const double *point); /* do its conditions hold? */
/* Between 0 and 1, equal steps being as likely; and back, with four digits, in the grid. NAN stays. */
double eg_space_to_unit(const eg_tuned *k, double value);
double eg_space_from_unit(const eg_tuned *k, double unit);
const char *eg_space_value_text(const eg_tuned *k, double value, char buf[EG_TREE_NUMBER]);

/* ---- section.c --------------------------------------------------------------------------------------------------- */

eg_status eg_space_read(eg_space *s, const eg_tree *section, eg_error *err);
/* Does the recipe take the values of key i? */
eg_status eg_space_try(const eg_space *s, int i, eg_error *err);
/* The recipe with more settings. */
eg_status eg_space_recipe(const eg_space *s, const double *point, eg_recipe **recipe, eg_error *err);

/* ---- guess.c ----------------------------------------------------------------------------------------------------- */

eg_status eg_space_guess(eg_space *s, eg_error *err);

/* ---- text.c ------------------------------------------------------------------------------------------------------ */

/* In one line, as YAML: `{adam: {lr: 0.001}}`. In the arena; NULL: out of memory. */
const char *eg_tree_flow(eg_arena *arena, const eg_tree *t);
/* The same as a value, put into `parent`. */
void eg_tree_to_value(const eg_tree *t, eg_value *parent, const char *key);
/* The first place where two values differ, as "space.train.lr", in `place`, and both there; false: nowhere. */
bool eg_value_difference(const eg_value *a, const eg_value *b, char *place, size_t size, const eg_value **x,
	const eg_value **y);

/* ---- random.c, tpe.c --------------------------------------------------------------------------------------------- */

void eg_sample_halton(const eg_space *s, uint64_t seed, int trial, double *point);
eg_status eg_sample_tpe(const eg_sampler *sampler, const eg_space *space, int trial, const eg_observed *seen, int n,
	double *point, eg_error *err);

/* ---- trial.c, floor.c -------------------------------------------------------------------------------------------- */

struct eg_trials {
	eg_recipe *recipe;
	const eg_space *space;
	eg_trials_info info;
	eg_task *task; /* NULL: each trial has its own, and its own samples */
	eg_samples *samples;
	int deciding;           /* of the judge's metrics; -1: the objective */
	eg_floor_trials *floor; /* NULL: networks are tried */
};

void eg_trial_fail(eg_outcome *o, eg_trial_room *room, const char *why);
eg_status eg_trial_run_floor(
	eg_trials *t, const eg_trial *trial, eg_trial_room *room, eg_outcome *outcome, eg_error *err);

/* ---- journal.c --------------------------------------------------------------------------------------------------- */

typedef struct eg_journal {
	char *path;
	int file;    /* 0: none; else one more than its number */
	size_t size; /* bytes of whole lines */
} eg_journal;

/* Opens and locks it, and hands over each whole line; what follows the last one is cut off. */
eg_status eg_journal_open(eg_journal *j, const char *path,
	eg_status (*line)(void *user, const char *text, size_t size, int number, eg_error *err), void *user, eg_error *err);
/* A line, with its end: on the disk when this returns EG_OK, and no part of it in the file otherwise. */
eg_status eg_journal_add(eg_journal *j, const char *text, size_t size, eg_error *err);
void eg_journal_close(eg_journal *j);

#endif
