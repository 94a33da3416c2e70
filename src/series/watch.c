/* watch.c - a fault warning, row by row: errors of two regressions, or of a forecaster, signs of faults made of them,
 * events. A row is judged by itself and those before it; what the rows are of, a file or a wire, makes no difference.
 *
 * Signs are simple statistics, each for one kind of fault: CUSUM's relatives with a fixed window (Page 1954), a matched
 * filter for the season. Not here: what is normal (watch_learn.c). */
#include "series/watch.h"

#include <string.h>

static const struct {
	const char *name, *doc;
} words[EG_SIGNS] = {
	[EG_SIGN_JUMP] = {"jump", "the error of the forecast one step ahead"},
	[EG_SIGN_SPIKE] = {"spike", "up and straight down again, or down and up"},
	[EG_SIGN_RANGE] = {"range", "beyond all values that were learned"},
	[EG_SIGN_STUCK] = {"stuck", "the same value again and again"},
	[EG_SIGN_LEVEL] = {"level", "too high or too low for a while, beside the season and the other columns"},
	[EG_SIGN_QUIET] = {"quiet", "errors that are too small for a while"},
	[EG_SIGN_SEASON] = {"season", "errors as a season makes them that is shifted by half a period"},
	[EG_SIGN_DIFFERENCE] = {"difference", "the difference to the value before"},
	[EG_SIGN_SMOOTHING] = {"smoothing", "the error of Holt-Winters one step ahead"},
};

const char *eg_sign_name(eg_sign sign) { return words[sign].name; }
const char *eg_sign_doc(eg_sign sign) { return words[sign].doc; }

double eg_watch_threshold(const eg_watch *w, int column, eg_sign sign) { return w->columns[column].threshold[sign]; }

/* ---- windows ----------------------------------------------------------------------------------------------------- */

static void push(eg_watch_run *r, eg_watch_window *w, double v) {
	double *ring = r->numbers + w->ring, old = ring[w->at];
	if (!isnan(old)) w->sum -= old, w->here--;
	if (!isnan(v)) w->sum += v, w->here++;
	ring[w->at] = v;
	w->at = w->at + 1 < w->width ? w->at + 1 : 0;
	/* sums do not drift: once round the ring, they are made anew */
	if (w->at != 0) return;
	w->sum = 0;
	for (int i = 0; i < w->width; i++) w->sum += isnan(ring[i]) ? 0 : ring[i];
}

/* NAN: more than half of it is missing. */
static double mean(const eg_watch_window *w) { return 2 * w->here >= w->width ? w->sum / w->here : (double)NAN; }

/* ---- a run ------------------------------------------------------------------------------------------------------- */

static eg_watch_window window(size_t *used, int width) {
	eg_watch_window w = {.ring = *used, .width = width};
	*used += (size_t)width;
	return w;
}

static size_t bytes_of(const eg_watch *w) {
	return sizeof(eg_watch_run) + (size_t)w->options.watched * sizeof(eg_watch_state);
}

/* Numbers that a forecaster is shown: before its past, its past, the row itself; and those that it says. */
static size_t history_of(const eg_watch *w) {
	const eg_watch_forecaster *f = w->options.forecaster;
	return f ? (size_t)(f->past + 2) * (size_t)w->ncolumns + (size_t)f->ncolumns + (size_t)w->options.watched : 0;
}

/* Pointers into the numbers, after these have been made or copied. */
static void bind(eg_watch_run *r) {
	const eg_watch *w = r->watch;
	r->now = r->numbers;
	r->before = r->now + w->ncolumns;
	r->x = r->before + w->ncolumns;
	r->shares = r->x + w->nstep;
	r->event.shares = r->shares;
	for (int j = 0; j < w->options.watched; j++) r->state[j].smoothing.season = r->numbers + r->state[j].season;
	r->history = r->numbers + r->count - history_of(w);
	if (!w->options.forecaster) return;
	r->answer = r->history + (ptrdiff_t)(w->options.forecaster->past + 2) * w->ncolumns;
	r->said = r->answer + w->options.forecaster->ncolumns;
}

eg_watch_run *eg_watch_run_new(const eg_watch *w, const eg_watch_column *columns) {
	const int watched = w->options.watched;
	eg_watch_run *r = eg_calloc(NULL, 1, bytes_of(w));
	if (!r) return NULL;
	size_t used = 2 * (size_t)w->ncolumns + (size_t)w->nstep + (size_t)watched;
	const size_t head = used;
	for (int j = 0; j < watched; j++) {
		eg_watch_state *s = &r->state[j];
		s->lags = used, used += EG_WATCH_LAGS;
		s->season = used, used += (size_t)(w->options.period > 1 ? w->options.period : 1);
		s->level = window(&used, w->level), s->quiet = window(&used, w->quiet);
		s->match = window(&used, w->season), s->weight = window(&used, w->season);
	}
	used += history_of(w);
	r->watch = w, r->columns = columns, r->count = used;
	r->numbers = eg_alloc(NULL, used * sizeof *r->numbers);
	if (!r->numbers) return eg_release(NULL, r), NULL;
	for (size_t i = 0; i < used; i++) r->numbers[i] = i < head ? 0 : (double)NAN;
	bind(r);
	memcpy(r->now, w->mean, (size_t)w->ncolumns * sizeof *r->now);
	for (int j = 0; j < watched; j++) {
		eg_watch_state *s = &r->state[j];
		const eg_watch_column *c = &columns[j];
		double z = eg_watch_z(c, w->mean[j]);
		for (int l = 0; l < EG_WATCH_LAGS; l++) r->numbers[s->lags + (size_t)l] = z;
		s->smoothing.level = w->mean[j];
		for (int i = 0; c->smoothing && i < w->options.period; i++) s->smoothing.season[i] = c->season[i];
	}
	return r;
}

eg_watch_run *eg_watch_run_copy(const eg_watch_run *r) {
	eg_watch_run *to = eg_alloc(NULL, bytes_of(r->watch));
	double *numbers = eg_alloc(NULL, r->count * sizeof *numbers);
	if (!to || !numbers) return eg_release(NULL, to), eg_release(NULL, numbers), NULL;
	memcpy(to, r, bytes_of(r->watch));
	memcpy(numbers, r->numbers, r->count * sizeof *numbers);
	to->numbers = numbers;
	bind(to);
	return to;
}

eg_watch_run *eg_watch_begin(const eg_watch *w) { return eg_watch_run_copy(w->begin); }

void eg_watch_end(eg_watch_run *r) {
	if (!r) return;
	eg_release(NULL, r->numbers);
	eg_release(NULL, r);
}

/* ---- a row ------------------------------------------------------------------------------------------------------- */

/* The rows that the forecaster sees move on by this one; what it says of it. */
static void forecast(eg_watch_run *r, const double *row) {
	const eg_watch_forecaster *f = r->watch->options.forecaster;
	const ptrdiff_t n = r->watch->ncolumns;
	double *h = r->history, *last = h + (f->past + 1) * n;
	for (ptrdiff_t i = 0; i < n; i++)
		if (!isnan(h[n + i])) h[i] = h[n + i];
	memmove(h + n, h + 2 * n, (size_t)(f->past * n) * sizeof *h);
	memcpy(last, row, (size_t)n * sizeof *h);
	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < f->ncolumns; i++) {
			const int j = f->columns[i];
			const bool seen = pass == 1 || f->rebuilds;
			last[j] = seen && !isnan(row[j]) ? eg_watch_z(&r->columns[j], row[j]) : (double)NAN;
		}
		if (pass == 0 && !r->said_before) f->say(f->user, h, r->row, r->answer);
	}
	for (int i = 0; i < f->ncolumns; i++)
		r->said[f->columns[i]] = r->said_before ? r->said_before[r->row * f->ncolumns + i] : r->answer[i];
}

void eg_watch_take(eg_watch_run *r, const double *row) {
	const int n = r->watch->ncolumns;
	if (r->watch->options.forecaster) forecast(r, row);
	memcpy(r->before, r->now, (size_t)n * sizeof *r->now);
	for (int i = 0; i < n; i++)
		if (!isnan(row[i])) r->now[i] = row[i];
}

static int waves(double *x, double t, double period, int count) {
	for (int i = 1; i <= count; i++) {
		double angle = 6.283185307179586476925 * i * t / period;
		*x++ = sin(angle), *x++ = cos(angle);
	}
	return 2 * count;
}

/* Waves, the other columns now | the other columns before, the last values of this one. */
double eg_watch_features(eg_watch_run *r, int j) {
	const eg_watch *w = r->watch;
	const eg_watch_column *c = &r->columns[j];
	double *x = r->x;
	if (w->options.period > 1) x += waves(x, (double)r->row, w->options.period, eg_watch_waves(w->options.period));
	if (w->options.year > 0) x += waves(x, (double)r->row, w->options.year, 2);
	for (int past = 0; past < 2; past++)
		for (int i = 0; i < w->ncolumns; i++)
			if (i != j) *x++ = past ? r->before[i] : r->now[i];
	memcpy(x, r->numbers + r->state[j].lags, EG_WATCH_LAGS * sizeof *x);
	return eg_watch_z(c, r->now[j]);
}

/* The least of the last rows, so that what counts has lasted. */
static double lasting(double held[EG_WATCH_PERSIST], int persist, double v) {
	memmove(held + 1, held, (EG_WATCH_PERSIST - 1) * sizeof *held);
	held[0] = isnan(v) ? 0 : v;
	double least = held[0];
	for (int i = 1; i < persist; i++) least = fmin(least, held[i]);
	return least;
}

/* What a value says by itself and with the ones just before. */
static void near_signs(const eg_watch_column *c, eg_watch_state *s, double y, double e, double signs[EG_SIGNS]) {
	double change = s->there ? (y - s->value) / c->change : (double)NAN;
	if (isnan(y)) {
		s->there = s->changed = false;
		return;
	}
	signs[EG_SIGN_RANGE] = fmax(0, fmax(c->low - y, y - c->high)) / c->change;
	s->same = y == s->value ? s->same + 1 : 0; /* over gaps too */
	signs[EG_SIGN_STUCK] = s->same;
	if (!isnan(change)) {
		signs[EG_SIGN_JUMP] = fabs(e);
		signs[EG_SIGN_DIFFERENCE] = fabs(change);
		if (s->changed && change * s->change < 0) signs[EG_SIGN_SPIKE] = fmin(fabs(change), fabs(s->change));
	}
	s->changed = s->there, s->change = change;
	s->there = true, s->value = y;
}

/* The errors that a shifted season makes, as they would be at this row, against those that are. */
static double season_sign(eg_watch_run *r, int j, double said, double e) {
	const eg_watch_column *c = &r->columns[j];
	eg_watch_state *s = &r->state[j];
	const int period = r->watch->options.period;
	if (period < 2) return 0;
	double slope = c->logs ? 1 / fmax(exp(fmin(said, 700)), c->floor) : 1; /* of z, by y */
	double expected = c->turned[r->row % period] * slope / c->step_scale;
	push(r, &s->match, expected * e); /* NAN where e is */
	push(r, &s->weight, isnan(e) ? e : expected * expected);
	double weight = mean(&s->weight);
	return weight > 0 ? mean(&s->match) * s->match.here / sqrt(weight * s->weight.here) : 0;
}

void eg_watch_signs(eg_watch_run *r, int j, double y, double z, double signs[EG_SIGNS]) {
	const eg_watch *w = r->watch;
	const eg_watch_column *c = &r->columns[j];
	eg_watch_state *s = &r->state[j];
	double far = (z - eg_watch_line(c->level, c->level_0, r->x, w->nlevel)) / c->level_scale;
	double said = eg_watch_expected(r, c, j), e = (z - said) / c->step_scale;
	if (isnan(y)) far = e = NAN;
	for (int i = 0; i < EG_SIGNS; i++) signs[i] = 0;
	/* a few large errors do not hide the many */
	double cut = fmax(-1.5, fmin(1.5, e)), size = fmin(4, fabs(e) / eg_watch_usual(c, r->x, w->nstep));
	if (isnan(e)) cut = size = NAN; /* fmin passes over it */
	push(r, &s->level, far);
	push(r, &s->quiet, size);
	double small = mean(&s->quiet), level = fabs(mean(&s->level));
	near_signs(c, s, y, e, signs);
	const int persist = w->options.persist;
	signs[EG_SIGN_LEVEL] = lasting(s->held[EG_SIGN_LEVEL], persist, level);
	signs[EG_SIGN_QUIET] = lasting(s->held[EG_SIGN_QUIET], persist, 1 / fmax(small, 1e-3));
	if (isnan(small)) signs[EG_SIGN_QUIET] = 0;
	signs[EG_SIGN_SEASON] = fmax(0, lasting(s->held[EG_SIGN_SEASON], persist, season_sign(r, j, said, cut)));
	if (!c->smoothing) return;
	if (!isnan(y)) signs[EG_SIGN_SMOOTHING] = fabs(y - eg_ets_said(c->smoothing, &s->smoothing, (int)r->row)) / c->change;
	eg_ets_update(c->smoothing, &s->smoothing, (int)r->row, y);
}

void eg_watch_keep(eg_watch_run *r, int j, double z) {
	double *lags = r->numbers + r->state[j].lags;
	memmove(lags + 1, lags, (EG_WATCH_LAGS - 1) * sizeof *lags);
	lags[0] = z;
}

/* ---- events ------------------------------------------------------------------------------------------------------ */

static void close_event(eg_watch_run *r, eg_watch_event *event) {
	double sum = 0;
	for (int j = 0; j < r->watch->options.watched; j++) sum += r->state[j].beyond;
	for (int j = 0; j < r->watch->options.watched; j++)
		r->shares[j] = sum > 0 ? r->state[j].beyond / sum : j == r->event.column;
	r->open = false;
	*event = r->event;
}

static void note(eg_watch_run *r, eg_watch_now *now) {
	if (now->score >= 1) {
		now->begins = !r->open;
		if (now->begins) {
			for (int j = 0; j < r->watch->options.watched; j++) r->state[j].beyond = 0;
			r->event = (eg_watch_event){.start = r->row, .shares = r->shares};
		}
		for (int j = 0; j < r->watch->options.watched; j++) r->state[j].beyond += fmax(0, r->state[j].score - 1);
		r->open = true, r->alarm = r->row;
		r->event.end = r->row + 1;
		if (now->score > r->event.score)
			r->event.score = now->score, r->event.peak = r->row, r->event.column = now->column, r->event.sign = now->sign;
		now->event = r->event;
	} else if (r->open && r->row - r->alarm >= r->watch->options.gap) {
		now->ends = true;
		close_event(r, &now->event);
	}
}

void eg_watch_step(eg_watch_run *r, const double *row, eg_watch_now *now) {
	*now = (eg_watch_now){0};
	eg_watch_take(r, row);
	for (int j = 0; j < r->watch->options.watched; j++) {
		double signs[EG_SIGNS], z = eg_watch_features(r, j);
		eg_watch_state *s = &r->state[j];
		eg_watch_signs(r, j, row[j], z, signs);
		eg_watch_keep(r, j, z);
		s->score = 0;
		for (int i = 0; i < EG_SIGNS; i++) {
			double score = signs[i] / r->columns[j].threshold[i]; /* NAN: no sign of this way */
			if (score > s->score) s->score = score, s->sign = (eg_sign)i;
		}
		if (s->score > now->score) now->score = s->score, now->column = j, now->sign = s->sign;
	}
	note(r, now);
	r->row++;
}

bool eg_watch_finish(eg_watch_run *r, eg_watch_event *event) {
	if (!r->open) return false;
	close_event(r, event);
	return true;
}
