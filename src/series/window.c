/* window.c - rows of the last values, for ridge and trees. Nothing behind the step that a row is of is in it, but for
 * columns that are said to be known. */
#include "series/window.h"

#include <string.h>

eg_status eg_window_lags(const char *name, const char *arguments, const eg_past *past, eg_window *w, eg_error *err) {
	enum { SEEN_USUAL = 3 };
	const char *at = arguments;
	w->lags = past->period > 1 ? 2 * past->period : 24;
	if (w->lags > past->n / 4) w->lags = past->n / 4;
	if (w->lags > 60) w->lags = 60;
	bool ok = !*at || (*at++ == '(' && eg_series_whole(&at, 4, &w->lags));
	w->seen_lags = w->lags < SEEN_USUAL ? w->lags : SEEN_USUAL;
	if (ok && *arguments && *at == ',') at++, ok = eg_series_whole(&at, 4, &w->seen_lags);
	if (!ok || (*arguments && strcmp(at, ")") != 0) || w->lags > EG_LAGS_MOST || w->seen_lags < 1 || w->seen_lags > EG_LAGS_MOST ||
	        (*arguments && w->lags < 1))
		return eg_fail(err, EG_ERR_ARG,
		        "'%s%.40s': write %s(LAGS) or %s(LAGS,SEEN), how many of the last values it looks at, and how many of the last of each "
		        "column beside them, from 1 to %d", name, arguments, name, name, EG_LAGS_MOST);
	if (w->lags < 1 || past->n < 3 * w->lags + 5)
		return eg_series_too_short(name, w->lags < 1 ? 8 : 3 * w->lags + 5, eg_series_counted(past->values, past->n), err);
	w->columns = w->lags + w->seen_lags * past->nseen + 2 * past->nknown;
	return EG_OK;
}

static const double *keep(const double *from, size_t n, eg_arena *arena) {
	double *copy = eg_arena_alloc(arena, (n + 1) * sizeof *copy);
	if (copy && n > 0) memcpy(copy, from, n * sizeof *copy);
	return copy;
}

eg_status eg_window_keep(eg_window *w, const eg_past *past, eg_arena *arena, eg_error *err) {
	const size_t n = (size_t)past->n;
	w->past = *past;
	w->past.rows = past->n;
	w->past.values = keep(past->values, n, arena);
	w->past.known = keep(past->known, n * (size_t)past->nknown, arena);
	w->past.seen = keep(past->seen, n * (size_t)past->nseen, arena);
	return w->past.values && w->past.known && w->past.seen ? EG_OK : eg_series_no_memory(err);
}

/* A number at step t of a column of `width`; where it is missing, that before it. */
static double at_or_before(const double *v, int width, int t, bool before) {
	while (before && t > 0 && isnan(v[(ptrdiff_t)t * width])) t--;
	return v[(ptrdiff_t)t * width];
}

bool eg_window_row(const eg_window *w, const eg_past *past, int t, int h, eg_gaps gaps, double *x) {
	int at = 0;
	const int most = past->nseen > 0 && w->seen_lags > w->lags ? w->seen_lags : w->lags;
	if (t - most + 1 < 0) return false;
	for (int l = 0; l < w->lags; l++) {
		x[at] = at_or_before(past->values, 1, t - l, gaps == EG_GAPS_FILL);
		if (isnan(x[at++]) && gaps != EG_GAPS_KEEP) return false;
	}
	for (int i = 0; i < past->nseen; i++)
		for (int l = 0; l < w->seen_lags; l++) {
			x[at] = at_or_before(past->seen + i, past->nseen, t - l, gaps != EG_GAPS_KEEP);
			if (isnan(x[at]) && gaps == EG_GAPS_NONE) return false;
			if (isnan(x[at]) && gaps == EG_GAPS_FILL) x[at] = 0; /* never seen so far */
			at++;
		}
	for (int i = 0; i < past->nknown; i++) {
		x[at++] = past->known[(ptrdiff_t)(t + h) * past->nknown + i];
		x[at++] = past->known[(ptrdiff_t)t * past->nknown + i];
	}
	return true;
}

const char *eg_window_name(const eg_window *w, int column, char buf[32]) {
	const int seen = column - w->lags, known = seen - w->seen_lags * w->past.nseen;
	if (seen < 0)
		snprintf(buf, 32, "lag%d", column + 1);
	else if (known < 0)
		snprintf(buf, 32, "s%dlag%d", seen / w->seen_lags + 1, seen % w->seen_lags + 1);
	else
		snprintf(buf, 32, "x%d", known + 1);
	return buf;
}
