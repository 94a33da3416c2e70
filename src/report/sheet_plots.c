/* sheet_plots.c - series and sound as plots of a page. Long ones are drawn by the least and the largest value of short
 * stretches, one after the other, so that nothing that stands out is lost. */
#include "report/sheet.h"

#include "data/sound.h"
#include "report/spectrogram.h"

#include <math.h>
#include <stdlib.h>

enum { PLOTS = 12, STRETCHES = 480 };

static void plot(
	eg_sheet *s, const char *title, const char *x_title, double width, const double *x, const double *y, int n) {
	const eg_series line = {"", x, y, n};
	const eg_line_plot p = {.title = title,
	        .x_title = x_title,
	        .y_title = "",
	        .series = &line,
	        .nseries = 1,
	        .number = ++s->plots,
	        .width = width,
	        .height = 150};
	eg_put(s->w, "<div class=\"plot\">");
	eg_plot_lines_into(s->w, &p);
	eg_put(s->w, "</div>\n");
}

/* Values that lie `stride` apart, at the places of `times`, or 0, 1, 2 ... (NULL), in units of `unit`. */
typedef struct values {
	const float *at;
	int64_t n, stride;
	const double *times;
	double unit;
} values;

static double place(const values *v, int64_t i) { return (v->times ? v->times[i] - v->times[0] : (double)i) / v->unit; }

/* Draws them into x and y, which have room for 2 * STRETCHES; returns how many points that are. A stretch of gaps is
 * one. */
static int draw(const values *v, double *x, double *y) {
	int n = 0;
	if (v->n <= 2 * STRETCHES) {
		for (; n < v->n; n++) x[n] = place(v, n), y[n] = v->at[n * v->stride];
		return n;
	}
	for (int64_t s = 0; s < STRETCHES; s++) {
		const int64_t from = s * v->n / STRETCHES, to = (s + 1) * v->n / STRETCHES;
		int64_t least = -1, most = -1;
		for (int64_t i = from; i < to; i++) {
			const float value = v->at[i * v->stride];
			if (isnan(value)) continue;
			if (least < 0 || value < v->at[least * v->stride]) least = i;
			if (most < 0 || value > v->at[most * v->stride]) most = i;
		}
		if (least < 0) {
			x[n] = place(v, from), y[n++] = (double)NAN;
			continue;
		}
		const int64_t first = least < most ? least : most, second = least < most ? most : least;
		x[n] = place(v, first), y[n++] = v->at[first * v->stride];
		if (second > first) x[n] = place(v, second), y[n++] = v->at[second * v->stride];
	}
	return n;
}

/* The unit of which a series lasts three or more. */
static const char *time_unit(const eg_datum_series *d, double *unit) {
	static const struct {
		const char *name;
		double seconds;
	} units[] = {{"years", 365.25 * 86400}, {"days", 86400}, {"hours", 3600}, {"minutes", 60}};
	*unit = 1;
	if (!d->times || d->steps < 1) return "step";
	const double span = d->times[d->steps - 1] - d->times[0];
	for (int i = 0; i < EG_COUNT(units); i++)
		if (span >= 3 * units[i].seconds) return *unit = units[i].seconds, units[i].name;
	return "seconds";
}

eg_status eg_sheet_series(eg_sheet *s, const eg_field *field, const eg_datum_series *d, eg_error *err) {
	double *x = eg_calloc(NULL, (size_t)2 * STRETCHES, 2 * sizeof *x), *y = x + (ptrdiff_t)2 * STRETCHES;
	values v = {.n = d->steps, .stride = d->columns, .times = d->times};
	if (!x) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a plot");
	const char *unit = time_unit(d, &v.unit);
	for (int c = 0; c < d->columns && c < PLOTS; c++) {
		char title[80];
		v.at = d->at + c;
		snprintf(title, sizeof title, "column %d", c);
		plot(s, field->names && c < field->nnames ? field->names[c] : title, unit, 380, x, y, draw(&v, x, y));
	}
	if (d->columns > PLOTS) eg_put(s->w, "<p>And %d more columns.</p>\n", d->columns - PLOTS);
	eg_release(NULL, x);
	return EG_OK;
}

/* How strong each frequency is, below the amplitude and as wide; nothing, where this build knows no spectra. */
static eg_status put_spectrogram(eg_sheet *s, const eg_datum_sound *d, eg_error *err) {
	eg_arena room = {0};
	eg_pane p = {0};
	void *png = NULL;
	size_t size = 0;
	if (eg_fourier_check(NULL)) return EG_OK;
	const double rate = d->rate > 0 ? d->rate : 1;
	eg_status status = eg_spectrogram(&room, d, STRETCHES, &p, err);
	if (!status) status = eg_png_encode(3, p.H, p.W, p.rgb, &png, &size, err);
	if (!status) {
		const eg_plot_picture picture = {.png = png, .size = size, .x1 = (double)d->n / rate, .y1 = d->rate > 0 ? rate / 2000 : 0.5};
		const eg_line_plot plot = {.title = d->channels > 1 ? "spectrogram of the first channel" : "spectrogram",
			.x_title = d->rate > 0 ? "seconds" : "sample",
			.y_title = d->rate > 0 ? "kHz" : "of the rate",
			.picture = &picture,
			.number = ++s->plots,
			.width = 320,
			.height = 150};
		eg_put(s->w, "<div class=\"plot\">");
		eg_plot_lines_into(s->w, &plot);
		eg_put(s->w, "</div>\n");
		free(png);
	}
	eg_arena_free(&room);
	return status;
}

/* The first channel. */
eg_status eg_sheet_sound(eg_sheet *s, const eg_datum_sound *d, eg_error *err) {
	double *x = eg_calloc(NULL, (size_t)2 * STRETCHES, 2 * sizeof *x), *y = x + (ptrdiff_t)2 * STRETCHES;
	if (!x) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a plot");
	const values v = {.at = d->at, .n = d->n, .stride = d->channels, .unit = d->rate > 0 ? d->rate : 1};
	plot(s, d->channels > 1 ? "first channel" : "amplitude", d->rate > 0 ? "seconds" : "sample", 320, x, y, draw(&v, x, y));
	eg_release(NULL, x);
	return put_spectrogram(s, d, err);
}
