/* forecast.c - the picture of a forecast: the past, what is expected, and how sure that is. */
#include "engram_report.h"
#include "engram_series.h"
#include "report/plot.h"

eg_status eg_plot_forecast(const char *path, const eg_forecast_plot *p, eg_error *err) {
	const eg_outlook *o = p->outlook;
	const double *ahead = p->x + p->past;
	const eg_series lines[2] = {
		{.name = "measured", .x = p->x, .y = p->values, .n = p->past}, {.name = "forecast", .x = ahead, .y = o->mean, .n = o->horizon}};
	const eg_band bands[2] = {{ahead, o->quantiles[0], o->quantiles[EG_LEVELS - 1], o->horizon, 1},
		{ahead, o->quantiles[1], o->quantiles[EG_LEVELS - 2], o->horizon, 1}};
	const eg_line_plot plot = {.title = p->title, .x_title = p->x_title, .y_title = p->y_title, .series = lines, .nseries = 2,
		.bands = bands, .nbands = 2};
	return eg_plot_lines(path, &plot, err);
}
