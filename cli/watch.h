/* watch.h - what the files of engram watch share: the job, and how it is shown (watch_show.c). */
#ifndef ENGRAM_CLI_WATCH_H
#define ENGRAM_CLI_WATCH_H

#include "forecast.h"

/* How faults are looked for: the signs, with a network if there is one; and beside it, the two simple ways, and with a
 * network the signs without it. */
enum { WATCH_OWN, WATCH_DIFFERENCES, WATCH_SMOOTHING, WATCH_REGRESSION, WATCH_WAYS };

typedef struct watch_event {
	eg_watch_event event;
	double *shares; /* of each watched column */
} watch_event;

typedef struct watch_job {
	const cli_args *args;
	eg_time_tables *tables;
	const eg_time_table *table;
	const eg_time_column **columns; /* the watched ones first */
	const double **values;          /* of each */
	int ncolumns, learned;
	char *left_out;                 /* names of columns that are of no use; "": none */
	double strength;                /* of the season that was found; NAN: the period was given */
	eg_watch_options options;
	/* --model */
	eg_context *ctx;
	eg_recipe *recipe;              /* NULL: regressions alone */
	eg_network_watch *network;
	eg_watch *watch;
	watch_event *events;
	int nevents;
	double *scores;                 /* of each row of the table; NAN: it was learned */
	/* --inject */
	unsigned kinds;
	int into;
	eg_watch_verdict verdict[WATCH_WAYS];
	bool judged[WATCH_WAYS];
} watch_job;

/* ---- watch.c ----------------------------------------------------------------------------------------------------- */

void watch_row(const watch_job *j, int step, double *row);

/* ---- watch_live.c ------------------------------------------------------------------------------------------------ */

/* Rows of standard input, events as they happen; returns the exit code. */
int watch_live(const watch_job *j);

/* ---- watch_show.c ------------------------------------------------------------------------------------------------ */

void watch_show_head(const watch_job *j, FILE *f);
void watch_show(const watch_job *j);
void watch_show_json(const watch_job *j);
const char *watch_when(const watch_job *j, int64_t step, char buf[32]);
/* "pm2.5 80 %, TEMP 20 %". */
void watch_blame(const watch_job *j, const double *shares, char *buf, size_t size);
void watch_put_event(const watch_job *j, eg_value *map, const eg_watch_event *e, const double *shares);
bool watch_draw(const watch_job *j, const char *path); /* false after a message */

#endif
