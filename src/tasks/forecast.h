/* forecast.h - what the task `forecast` says of a window, for who asks without a record: forecast_network.c. */
#ifndef ENGRAM_TASKS_FORECAST_H
#define ENGRAM_TASKS_FORECAST_H

#include "data/windows.h"
#include "engram_series.h"
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

#endif
