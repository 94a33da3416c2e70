/* forecast.h - what the files of engram forecast share: the job, and how it is shown (forecast_show.c). */
#ifndef ENGRAM_CLI_FORECAST_H
#define ENGRAM_CLI_FORECAST_H

#include "engram_series.h"
#include "print.h"

enum { FORECAST_MODELS = 32 };

/* One model: what it did on the origins, and fitted on all. */
typedef struct forecast_model {
	const char *asked; /* "arima", "ets(M,Ad,M)" */
	eg_rolling *trial;
	eg_scores scores;
	eg_forecaster *fitted;
	eg_outlook *outlook;
	double seconds;    /* to fit it on all */
} forecast_model;

typedef struct forecast_job {
	const cli_args *args;
	eg_time_table *table;
	const eg_time_column *target;
	eg_past past;
	double *known; /* rows x nknown */
	const char **known_names;
	eg_forecaster_options options;
	eg_rolling_options trials;
	int horizon, origins;
	double strength;   /* of the season that was found; NAN: the period was given */
	forecast_model models[FORECAST_MODELS]; /* the best first */
	int n;
	char tested[120];  /* the simple model that the best one was tested against; "": none */
	double p;
} forecast_job;

bool forecast_is_simple(const char *name);       /* naive ones, drift, mean: they see no logarithms */
void forecast_show(const forecast_job *j);      /* as text */
void forecast_show_json(const forecast_job *j);
bool forecast_draw(const forecast_job *j, const char *path); /* false after a message */

#endif
