/* search.h - a search for settings as its page shows it: what its journal says, which keys matter (search_facts.c), and
 * how that is drawn (search_page.c). */
#ifndef ENGRAM_REPORT_SEARCH_H
#define ENGRAM_REPORT_SEARCH_H

#include "base/base.h"
#include "engram_report.h"

enum { EG_SHOWN_KEYS = 64, EG_SHOWN_CHOICES = 64 };

typedef enum eg_shown_state { EG_SHOWN_DONE, EG_SHOWN_STOPPED, EG_SHOWN_FAILED } eg_shown_state;

typedef struct eg_shown_key {
	const char *path;  /* the journal's */
	const char *label; /* the end of it, as much as tells it from the others */
	bool choice, log;
	double low, high;  /* of numbers */
	int nchoices;
	const char *choices[EG_SHOWN_CHOICES];
	double worth; /* share of the ranks' variance that it explains alone; NAN: too few trials */
} eg_shown_key;

typedef struct eg_shown_trial {
	int number, of; /* of: the trial that it repeats with another seed; -1: none */
	eg_shown_state state;
	double value, budget;
	double merit;      /* 1: the best, 0: the worst, by rank */
	const double *at;  /* of each key its value, or the number of the choice; NAN: it has none */
	const eg_value *settings;
} eg_shown_trial;

typedef struct eg_shown_search {
	eg_arena arena;
	const char *metric; /* "value" where the journal does not say */
	bool lower;         /* is better */
	int nkeys, ntrials;
	eg_shown_key keys[EG_SHOWN_KEYS];
	eg_shown_trial *trials;
	int best;        /* of trials; -1: none was done */
	double best_value; /* of its seeds the mean */
	int order[EG_SHOWN_KEYS]; /* keys, the one that matters most first */
} eg_shown_search;

/* The list must outlive it. EG_ERR_FORMAT: no journal of a search. */
eg_status eg_shown_read(eg_shown_search *s, const eg_value *journal, eg_error *err);
void eg_shown_free(eg_shown_search *s);
/* "train.lr 0.003" without the path: of a number four digits, of a choice its text. */
const char *eg_shown_text(const eg_shown_key *k, double at, char buf[64]);

#endif
