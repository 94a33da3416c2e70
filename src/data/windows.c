/* windows.c - windows of a table over time; see windows.h. */
#include "data/windows.h"
#include "data/table.h"

#include <math.h>

static const double two_pi = 6.283185307179586476925;

/* A value as it is seen: the target's may be a logarithm. */
static double at(const eg_windows *w, const eg_panel *p, int step, int column) {
	if (step < 0 || step >= p->steps) return NAN;
	double v = (double)p->at[(ptrdiff_t)step * p->columns + column];
	if (w->log && column == w->target) return v > 0 ? log(v) : (double)NAN;
	return v;
}

/* The place of the last value at or before a step; -1: there is none. */
static int last(const eg_windows *w, const eg_panel *p, int step, int column) {
	if (step >= p->steps) step = p->steps - 1;
	while (step >= 0 && isnan(at(w, p, step, column))) step--;
	return step;
}

/* ---- scales ------------------------------------------------------------------------------------------------------ */

/* What the value at origin + ahead is compared with; NaN: nothing is there. */
static double reference(const eg_windows *w, const eg_panel *p, int origin, int ahead) {
	if (w->reference == EG_REFERENCE_NONE) return w->mean[w->target];
	if (w->reference == EG_REFERENCE_SEASON && w->period > 0) {
		int step = origin + ahead - (ahead + w->period - 1) / w->period * w->period;
		for (int i = 0; i < EG_WINDOW_SEASONS && step >= 0; i++, step -= w->period) {
			double v = at(w, p, step, w->target);
			if (!isnan(v)) return v;
		}
	}
	const int step = last(w, p, origin, w->target);
	return step >= 0 ? at(w, p, step, w->target) : (double)NAN;
}

static void fit_column(eg_windows *w, const eg_panel *p, int until, int c) {
	double sum = 0, squares = 0;
	int n = 0;
	for (int t = 0; t < until; t++) {
		double v = at(w, p, t, c);
		if (!isnan(v)) sum += v, n++;
	}
	w->mean[c] = n > 0 ? sum / n : 0;
	for (int t = 0; t < until; t++) {
		double e = at(w, p, t, c) - w->mean[c];
		if (!isnan(e)) squares += e * e;
	}
	/* logarithms of one value are alike but for their rounding */
	w->deviation[c] = squares > n * 1e-24 * w->mean[c] * w->mean[c] ? sqrt(squares / n) : 1;
}

void eg_windows_fit(eg_windows *w, const eg_panel *p, int until) {
	if (until > p->steps) until = p->steps;
	w->columns = p->columns < EG_WINDOW_COLUMNS ? p->columns : EG_WINDOW_COLUMNS;
	for (int c = 0; c < w->columns; c++) fit_column(w, p, until, c);
	w->mean_change = 0;
	for (int k = 0; k < w->nahead; k++) {
		double squares = 0;
		int n = 0;
		for (int t = 0; t + w->ahead[k] < until; t++) {
			double e = at(w, p, t + w->ahead[k], w->target) - reference(w, p, t, w->ahead[k]);
			if (!isnan(e)) squares += e * e, n++;
		}
		w->change[k] = squares > 0 ? sqrt(squares / n) : 1;
		w->mean_change += w->change[k] / w->nahead;
	}
	const int lag = w->period > 1 ? w->period : 1;
	double sum = 0;
	int n = 0;
	for (int t = lag; t < until; t++) {
		const float *v = p->at + w->target;
		double e = fabs((double)v[(ptrdiff_t)t * p->columns] - (double)v[(ptrdiff_t)(t - lag) * p->columns]);
		if (!isnan(e)) sum += e, n++;
	}
	w->naive = n > 0 && sum > 0 ? sum / n : (double)NAN;
}

/* ---- waves ------------------------------------------------------------------------------------------------------- */

static int waves_of(const eg_windows *w) {
	int n = w->nwaves;
	for (unsigned bit = EG_CALENDAR_DAY; bit <= EG_CALENDAR_YEAR; bit *= 2) n += (w->calendar & bit) != 0;
	return n;
}

static float *put_wave(float *out, double turns) {
	*out++ = (float)sin(two_pi * turns);
	*out++ = (float)cos(two_pi * turns);
	return out;
}

static float *put_waves(const eg_windows *w, const eg_panel *p, int step, float *out) {
	static const double seconds[] = {86400, 604800, 365.2425 * 86400};
	for (int i = 0; i < w->nwaves; i++) out = put_wave(out, (p->first + step) / w->waves[i]);
	for (int i = 0; i < 3; i++)
		if (w->calendar >> i & 1) out = put_wave(out, p->times ? eg_panel_time(p, step) / seconds[i] : 0);
	return out;
}

/* ---- the past ---------------------------------------------------------------------------------------------------- */

static bool sees_relative(const eg_windows *w, int column) { return column == w->target && w->view != EG_VIEW_LEVEL; }
static bool sees_level(const eg_windows *w, int column) { return column != w->target || w->view != EG_VIEW_RELATIVE; }

int eg_windows_past_width(const eg_windows *w) {
	int n = 2 * waves_of(w) + (w->mask ? w->nseen : 0);
	for (int i = 0; i < w->nseen; i++) n += sees_level(w, w->seen[i]) + sees_relative(w, w->seen[i]);
	return n;
}

int eg_windows_future_width(const eg_windows *w) { return w->nknown + 2 * waves_of(w) + 1; }

bool eg_windows_possible(const eg_windows *w, const eg_panel *p, int origin) {
	return origin >= w->past - 1 && origin < p->steps && last(w, p, origin, w->target) >= 0;
}

int eg_windows_reach(const eg_windows *w) {
	/* gaps are counted up to the length of the window, from before it */
	const int64_t seasons = w->reference == EG_REFERENCE_SEASON ? (int64_t)EG_WINDOW_SEASONS * w->period : 0, past = 2 * (int64_t)w->past;
	return (int)(seasons > past ? seasons : past);
}

int eg_windows_known_until(const eg_windows *w, const eg_panel *p) {
	int until = p->steps;
	for (int i = 0; i < w->nknown; i++) {
		const int end = last(w, p, p->steps - 1, w->known[i]) + 1;
		if (end < until) until = end;
	}
	return until;
}

static double filled(const eg_windows *w, const eg_panel *p, int step, int column) {
	double v = at(w, p, step, column);
	if (!isnan(v)) return v;
	const int before = w->fill == EG_FILL_LAST ? last(w, p, step, column) : -1;
	return before >= 0 ? at(w, p, before, column) : w->mean[column];
}

void eg_windows_past(const eg_windows *w, const eg_panel *p, int origin, float *out) {
	const int there = last(w, p, origin, w->target);
	const double base = there >= 0 ? at(w, p, there, w->target) : w->mean[w->target];
	for (int step = origin - w->past + 1; step <= origin; step++) {
		for (int i = 0; i < w->nseen; i++) {
			const int c = w->seen[i];
			const double v = filled(w, p, step, c);
			if (sees_level(w, c)) *out++ = (float)((v - w->mean[c]) / w->deviation[c]);
			if (sees_relative(w, c)) *out++ = (float)((v - base) / w->mean_change);
		}
		out = put_waves(w, p, step, out);
		for (int i = 0; i < w->nseen && w->mask; i++) *out++ = isnan(at(w, p, step, w->seen[i])) ? 0.0f : 1.0f;
	}
}

void eg_windows_values(const eg_windows *w, const eg_panel *p, int origin, float *out) {
	for (int step = origin - w->past + 1; step <= origin; step++)
		for (int i = 0; i < w->nseen; i++) {
			const int c = w->seen[i];
			*out++ = (float)((filled(w, p, step, c) - w->mean[c]) / w->deviation[c]);
		}
}

double eg_windows_rebuilt(const eg_windows *w, int seen, double y) {
	const int c = w->seen[seen];
	const double v = w->mean[c] + w->deviation[c] * y;
	return w->log && c == w->target ? exp(v) : v;
}

void eg_windows_mask(const eg_windows *w, const eg_panel *p, int origin, float *out) {
	for (int step = origin - w->past + 1; step <= origin; step++)
		for (int i = 0; i < w->nseen; i++) *out++ = isnan(at(w, p, step, w->seen[i])) ? 0.0f : 1.0f;
}

/* The time between two steps, in steps of about the window's own. */
static double between(const eg_windows *w, const eg_panel *p, int from, int to, int origin) {
	if (!p->times) return to - from;
	const int first = origin - w->past + 1 > 0 ? origin - w->past + 1 : 0;
	const double unit = origin > first ? (p->times[origin] - p->times[first]) / (origin - first) : 1;
	return unit > 0 ? (p->times[to] - p->times[from]) / unit : to - from;
}

void eg_windows_gaps(const eg_windows *w, const eg_panel *p, int origin, float *out) {
	for (int step = origin - w->past + 1; step <= origin; step++)
		for (int i = 0; i < w->nseen; i++) {
			const int before = last(w, p, step - 1, w->seen[i]);
			const double gap = step < 1 ? 0 : before < 0 ? w->past : between(w, p, before, step, origin);
			*out++ = (float)(gap < w->past ? gap : w->past);
		}
}

void eg_windows_elapsed(const eg_windows *w, const eg_panel *p, int origin, float *out) {
	for (int step = origin - w->past + 1; step <= origin; step++)
		*out++ = step < 1 ? 0 : (float)between(w, p, step - 1, step, origin);
}

/* ---- ahead ------------------------------------------------------------------------------------------------------- */

void eg_windows_future(const eg_windows *w, const eg_panel *p, int origin, float *out) {
	for (int k = 0; k < w->nahead; k++) {
		const int step = origin + w->ahead[k];
		for (int i = 0; i < w->nknown; i++) {
			const int c = w->known[i];
			const double v = filled(w, p, step, c);
			*out++ = (float)((v - w->mean[c]) / w->deviation[c]);
		}
		out = put_waves(w, p, step, out);
		*out++ = (float)w->ahead[k] / (float)w->ahead[w->nahead - 1];
	}
}

void eg_windows_unit(const eg_windows *w, const eg_panel *p, int origin, float *unit) {
	for (int k = 0; k < w->nahead; k++) {
		unit[k] = (float)reference(w, p, origin, w->ahead[k]);
		unit[w->nahead + k] = (float)w->change[k];
	}
}

double eg_windows_value(const eg_windows *w, const float *unit, int k, double y) {
	const double v = (double)unit[k] + (double)unit[w->nahead + k] * y;
	return w->log ? exp(v) : v;
}

float eg_windows_scaled(const eg_windows *w, const float *unit, int k, double value) {
	return (float)(((w->log ? log(value) : value) - (double)unit[k]) / (double)unit[w->nahead + k]);
}

void eg_windows_truth(const eg_windows *w, const eg_panel *p, int origin, float *values) {
	for (int k = 0; k < w->nahead; k++) {
		const int step = origin + w->ahead[k];
		values[k] = step < p->steps ? p->at[(ptrdiff_t)step * p->columns + w->target] : NAN;
	}
}
