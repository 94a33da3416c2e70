/* faults.c - faults put into normal values by rule, and how many of them a warning finds. */
#include "series/watch.h"

#include <stdlib.h>
#include <string.h>

enum { DRIFT = 200, STUCK = 24, VARIANCE = 200, PERIODS = 3 };

const char *eg_fault_name(eg_fault fault) {
	static const char *const names[EG_FAULTS] = {"drift", "stuck", "spike", "variance", "season"};
	return names[fault];
}

/* ---- the rule ---------------------------------------------------------------------------------------------------- */

eg_status eg_fault_rule_of(const double *y, int n, int period, eg_fault_rule *rule, eg_error *err) {
	double sum = 0, squares = 0, changes = 0;
	int there = 0, changed = 0;
	*rule = (eg_fault_rule){.period = period > 1 ? period : 1};
	for (int t = 0; t < n; t++) {
		double change = t > 0 ? y[t] - y[t - 1] : (double)NAN;
		if (!isnan(y[t])) sum += y[t], there++;
		if (!isnan(change)) changes += change * change, changed++;
	}
	for (int t = 0; t < n; t++)
		if (!isnan(y[t])) squares += (y[t] - sum / there) * (y[t] - sum / there);
	rule->deviation = there > 0 ? sqrt(squares / there) : 0, rule->difference = changed > 0 ? sqrt(changes / changed) : 0;
	rule->season = eg_calloc(NULL, (size_t)rule->period, sizeof *rule->season);
	if (!rule->season) return eg_series_no_memory(err);
	for (int wave = 1; rule->period > 1 && wave <= eg_watch_waves(rule->period); wave++) {
		const double turn = 6.283185307179586476925 * wave / period;
		double a = 0, b = 0;
		/* of whole seasons, so that waves do not disturb each other */
		int used = 0;
		for (int t = n % period; t < n; t++)
			if (!isnan(y[t])) a += (y[t] - sum / there) * cos(turn * t), b += (y[t] - sum / there) * sin(turn * t), used++;
		for (int p = 0; p < period && used > 0; p++)
			rule->season[p] += (2 * wave == period ? 1 : 2) * (a * cos(turn * p) + b * sin(turn * p)) / used;
	}
	return EG_OK;
}

void eg_fault_rule_free(eg_fault_rule *rule) {
	eg_release(NULL, rule->season);
	rule->season = NULL;
}

int eg_fault_length(const eg_fault_rule *rule, eg_fault fault) {
	switch (fault) {
	case EG_FAULT_DRIFT: return DRIFT;
	case EG_FAULT_STUCK: return STUCK;
	case EG_FAULT_SPIKE: return 1;
	case EG_FAULT_VARIANCE: return VARIANCE;
	case EG_FAULT_SEASON: return rule->period > 1 ? PERIODS * rule->period : 0;
	default: return 0;
	}
}

static double mean_of(const double *y, int n) {
	double sum = 0;
	int there = 0;
	for (int t = 0; t < n; t++)
		if (!isnan(y[t])) sum += y[t], there++;
	return there > 0 ? sum / there : 0;
}

void eg_fault_put(const eg_fault_rule *rule, eg_fault fault, double *y, int at, bool up) {
	const int n = eg_fault_length(rule, fault), period = rule->period;
	const double mean = mean_of(y + at, n), sign = up ? 1 : -1;
	int before = at;
	while (before > 0 && isnan(y[--before])) {}
	const double last = y[before];
	for (int t = at; t < at + n; t++) {
		if (isnan(y[t])) continue;
		switch (fault) {
		case EG_FAULT_DRIFT: y[t] += sign * 3 * rule->deviation * (t - at + 1) / n; break;
		case EG_FAULT_STUCK: y[t] = isnan(last) ? y[t] : last; break;
		case EG_FAULT_SPIKE: y[t] += sign * 6 * rule->difference; break;
		case EG_FAULT_VARIANCE: y[t] = mean + (y[t] - mean) / 2; break;
		case EG_FAULT_SEASON: y[t] += rule->season[(t + period / 2) % period] - rule->season[t % period]; break;
		default: break;
		}
	}
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

typedef struct put {
	eg_fault fault;
	int at;
	bool up;
} put;

typedef struct judging {
	const eg_watch *w;
	const double *const *columns;
	int n, column, nput;
	eg_fault_rule rule;
	put *puts;
	bool *alarms;  /* of the rows as they are */
	double *y, *row, *delays;
	eg_watch_verdict *verdict;
} judging;

static int by_place(const void *a, const void *b) { return ((const put *)a)->at - ((const put *)b)->at; }

static int by_size(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static const double *row_of(judging *g, int t, bool faulty) {
	for (int i = 0; i < g->w->ncolumns; i++) g->row[i] = g->columns[i][t];
	if (faulty) g->row[g->column] = g->y[t];
	return g->row;
}

/* Places by the seed, a stream for each kind; a spike is put where there is a value. */
static eg_status place(judging *g, unsigned kinds, int count, uint64_t seed, eg_error *err) {
	const int from = g->w->rows;
	for (int kind = 0; kind < EG_FAULTS; kind++) {
		const int length = eg_fault_length(&g->rule, (eg_fault)kind), room = g->n - from - length - 1;
		if (!(kinds >> kind & 1)) continue;
		if (length == 0 || room < 1)
			return eg_fail(err, EG_ERR_ARG, "a fault of the kind '%s' has %d rows, and %d are watched%s; learn fewer, or leave the kind out",
			        eg_fault_name((eg_fault)kind), length, g->n - from, length == 0 ? "; no season was found: say its period" : "");
		const eg_rng rng = {.seed = seed, .stream = eg_stream(EG_RNG_DATA, (uint32_t)kind, 0)};
		uint64_t drawn = 0;
		for (int i = 0; i < count; i++) {
			put *p = &g->puts[g->nput++];
			for (int tries = 0; tries < 1000; tries++, drawn++) {
				*p = (put){(eg_fault)kind, from + (int)eg_rng_below(rng, 2 * drawn, (uint64_t)room), eg_rng_below(rng, 2 * drawn + 1, 2) == 1};
				if (kind != EG_FAULT_SPIKE || !isnan(g->columns[g->column][p->at])) break;
			}
			drawn++;
		}
	}
	qsort(g->puts, (size_t)g->nput, sizeof *g->puts, by_place);
	return EG_OK;
}

/* From here on with the fault; the run is a copy, so that nothing has to be warmed up. */
static eg_status try_one(judging *g, const eg_watch_run *here, const put *p, eg_error *err) {
	eg_watch_run *r = eg_watch_run_copy(here);
	if (!r) return eg_series_no_memory(err);
	const int length = eg_fault_length(&g->rule, p->fault);
	eg_fault_score *s = &g->verdict->faults[p->fault];
	memcpy(g->y, g->columns[g->column], (size_t)g->n * sizeof *g->y);
	eg_fault_put(&g->rule, p->fault, g->y, p->at, p->up);
	s->put++;
	/* what is no longer than a row is seen in the next one, by what is left of it */
	for (int t = p->at; t < p->at + (length > 1 ? length : 2); t++) {
		eg_watch_now now;
		eg_watch_step(r, row_of(g, t, true), &now);
		if (now.score < 1 || g->alarms[t]) continue;
		/* delays of a kind stand together, as many as there are places for it */
		g->delays[(ptrdiff_t)p->fault * g->nput + s->found++] = t - p->at;
		s->blamed += now.column == g->column;
		s->by[now.sign]++;
		break;
	}
	eg_watch_end(r);
	return EG_OK;
}

/* Twice through the rows: which alarms they raise by themselves, and then the faults. */
static eg_status go(judging *g, bool faults, eg_error *err) {
	eg_watch_run *r = eg_watch_begin(g->w);
	eg_status status = r ? EG_OK : eg_series_no_memory(err);
	for (int t = g->w->rows, next = 0; t < g->n && !status; t++) {
		eg_watch_now now;
		for (; faults && next < g->nput && g->puts[next].at == t && !status; next++) status = try_one(g, r, &g->puts[next], err);
		if (status) break;
		eg_watch_step(r, row_of(g, t, false), &now);
		g->alarms[t] = now.score >= 1;
		if (!faults) g->verdict->alarms += now.begins;
	}
	eg_watch_end(r);
	return status;
}

static void sum_up(judging *g) {
	eg_watch_verdict *v = g->verdict;
	double sum = 0;
	int found = 0, all = 0;
	for (int kind = 0; kind < EG_FAULTS; kind++) {
		eg_fault_score *s = &v->faults[kind];
		double *d = g->delays + (ptrdiff_t)kind * g->nput, own = 0;
		for (int i = 0; i < s->found; i++) own += d[i];
		qsort(d, (size_t)s->found, sizeof *d, by_size);
		s->delay = s->found > 0 ? own / s->found : (double)NAN;
		s->delay_median = s->found > 0 ? (d[(s->found - 1) / 2] + d[s->found / 2]) / 2 : (double)NAN;
		sum += own, found += s->found, all += s->put;
	}
	v->rows = g->n - g->w->rows;
	v->event_recall = all > 0 ? (double)found / all : (double)NAN;
	v->false_alarms_per_1000 = v->rows > 0 ? 1000.0 * v->alarms / v->rows : (double)NAN;
	v->delay = found > 0 ? sum / found : (double)NAN;
}

eg_status eg_watch_judge(const eg_watch *w, const double *const *columns, int n, int column, unsigned kinds, int count,
	uint64_t seed, eg_watch_verdict *verdict, eg_error *err) {
	judging g = {.w = w, .columns = columns, .n = n, .column = column, .verdict = verdict};
	const size_t most = (size_t)EG_FAULTS * (size_t)(count > 0 ? count : 0) + 1;
	*verdict = (eg_watch_verdict){0};
	if (column < 0 || column >= w->options.watched || n <= w->rows)
		return eg_fail(err, EG_ERR_ARG, "faults into column %d of %d that are watched, %d rows of which %d are learned: a watched column and "
		                                "rows behind those that are learned are needed", column + 1, w->options.watched, n, w->rows);
	g.puts = eg_calloc(NULL, most, sizeof *g.puts);
	g.alarms = eg_calloc(NULL, (size_t)n, sizeof *g.alarms);
	g.y = eg_calloc(NULL, (size_t)n, sizeof *g.y);
	g.row = eg_calloc(NULL, (size_t)w->ncolumns, sizeof *g.row);
	g.delays = eg_calloc(NULL, most * EG_FAULTS, sizeof *g.delays);
	eg_status status = g.puts && g.alarms && g.y && g.row && g.delays ? EG_OK : eg_series_no_memory(err);
	if (!status) status = eg_fault_rule_of(columns[column], w->rows, w->options.period, &g.rule, err);
	if (!status) status = place(&g, kinds, count, seed, err);
	if (!status) status = go(&g, false, err);
	if (!status) status = go(&g, true, err);
	if (!status) sum_up(&g);
	eg_fault_rule_free(&g.rule);
	eg_release(NULL, g.puts);
	eg_release(NULL, g.alarms);
	eg_release(NULL, g.y);
	eg_release(NULL, g.row);
	eg_release(NULL, g.delays);
	return status;
}
