/* forecast.h - what the task `forecast` says of a window, for who asks without a record: forecast_network.c. */
#ifndef ENGRAM_TASKS_FORECAST_H
#define ENGRAM_TASKS_FORECAST_H

#include "data/windows.h"
#include "engram_series.h"
#include "engram_task.h"
#include "tasks/samples.h"

/* What a network's numbers stand for. */
typedef struct eg_said_parts {
	eg_target_info info;
	double degrees; /* of Student's distribution; 0: the normal one */
} eg_said_parts;
eg_said_parts eg_forecast_parts(const eg_task *t, const eg_graph *g);

/* The forecast of step k (0..nahead-1) of a window: in the unit of the data. `said`: the network's row; `unit` as
 * eg_windows_unit makes it. */
void eg_forecast_step(const eg_task *t, const eg_said_parts *parts, const eg_real *said, const float *unit, int k, double *mean,
	double quantiles[EG_LEVELS]);
const eg_windows *eg_forecast_windows(const eg_task *t);
/* forecast_stream.c: rows of a table for a model; and the record of the last row. */
eg_status eg_forecast_feed(const eg_task *t, eg_panel_feed **feed, eg_error *err);
eg_status eg_forecast_record(const eg_task *t, const eg_panel *p, const char *name, eg_record *r, eg_error *err);
eg_status eg_forecast_read_file(const eg_task *t, const void *bytes, size_t size, const char *name, eg_record *r, eg_error *err);
bool eg_forecast_conformal(const eg_task *t); /* the key */
/* Scales of windows, in what a model file keeps. */
void eg_forecast_save_scales(const eg_task *t, eg_value *map);
eg_status eg_forecast_restore_scales(eg_task *t, const eg_value *map, eg_error *err);
/* forecast_network.c: the table as the network sees it; and, of a network that is trained, what it
 * says of the step behind `origin` of a panel with these columns. */
const eg_panel *eg_network_forecaster_panel(const eg_network_forecaster *f);
const eg_windows *eg_network_forecaster_windows(const eg_network_forecaster *f);
eg_status eg_network_forecaster_ask(eg_network_forecaster *f, const eg_panel *p, int origin, double *said, eg_error *err);
extern const eg_task_type eg_task_type_forecast, eg_task_type_reconstruct;
/* The same of a recipe of the task `reconstruct`, which has no target: it sees the columns that the recipe names, or
 * all of the table, and is trained by eg_network_forecaster_fit. What it makes of the last row of the window that ends
 * at `origin`: `said`, of each column that is seen (eg_windows.seen), a value in the unit of the data. */
eg_status eg_network_rebuilder_new(eg_recipe *r, eg_context *ctx, const eg_time_table *table, eg_network_forecaster **forecaster,
	eg_error *err);
eg_status eg_network_rebuilder_ask(eg_network_forecaster *f, const eg_panel *p, int origin, double *said, eg_error *err);
/* What the network alone says of a quantile of step k of n, in its own unit. */
double eg_forecast_said(const eg_said_parts *p, const eg_real *said, int n, int k, double level);
/* The value of n residuals that stands for a quantile of one more; they are sorted. */
double eg_forecast_order(double *at, int64_t n, double level);

#endif
