/* watch_show.c - what engram watch found: events, and how many of the faults that were put in; as text, as JSON, as a
 * picture. */
#include "engram_report.h"
#include "watch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const ways[WATCH_WAYS] = {"signs", "difference", "holt-winters", "regression"};
static const char *const way_names[WATCH_WAYS] = {"all signs", "sigmas of differences", "residuals of Holt-Winters",
	"all signs, without the network"};

const char *watch_when(const watch_job *j, int64_t step, char buf[32]) {
	eg_time_table_when(j->table, (int)step, buf);
	if (!buf[0]) snprintf(buf, 32, "%lld", (long long)step);
	return buf;
}

void watch_blame(const watch_job *j, const double *shares, char *buf, size_t size) {
	size_t used = 0;
	buf[0] = '\0';
	for (int i = 0; i < j->options.watched; i++) {
		char n[NUMBER];
		if (shares[i] < 0.005 || used + 1 >= size) continue;
		used += (size_t)snprintf(buf + used, size - used, "%s%.40s %s", used ? ", " : "", text_shown(j->columns[i]->name),
			number_percent(n, shares[i]));
	}
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void names_of(const watch_job *j, int from, int to, FILE *f) {
	for (int i = from; i < to; i++) fprintf(f, "%s%s", i > from ? ", " : "", text_shown(j->columns[i]->name));
}

/* What the network does, in place of which regressions. */
static void show_network(const watch_job *j, FILE *f) {
	const eg_fitted *network = j->network ? eg_network_watch_fitted(j->network) : NULL;
	if (!network) return;
	const eg_watch_forecaster *of = eg_network_watch_forecaster(j->network);
	fprintf(f, "\n%s of ", of->rebuilds ? "rebuilding" : "forecast");
	for (int i = 0; i < of->ncolumns; i++) fprintf(f, "%s%s", i ? ", " : "", text_shown(j->columns[of->columns[i]]->name));
	fprintf(f, ": by %s, %s", text_shown(network->spec), network->formula);
}

void watch_show_head(const watch_job *j, FILE *f) {
	char a[32], b[32], n[NUMBER], m[NUMBER];
	const bool all = j->learned == j->table->steps;
	fprintf(f, "%s: %s rows", text_shown(j->table->file), number_int(n, j->table->steps));
	if (j->table->dated) fprintf(f, ", %s to %s", watch_when(j, 0, a), watch_when(j, j->table->steps - 1, b));
	fprintf(f, "\nlearned: %s%s%s", all ? "all of them" : "the first ", all ? "" : number_int(m, j->learned), all ? "" : " rows");
	if (!all) fprintf(f, "; watched: from %s on", watch_when(j, j->learned, a));
	fprintf(f, "\nwatched: ");
	names_of(j, 0, j->options.watched, f);
	if (j->ncolumns > j->options.watched) fprintf(f, "; explained by %s", j->options.watched > 1 ? "each other and by " : ""), names_of(j, j->options.watched, j->ncolumns, f);
	if (j->left_out[0]) fprintf(f, "\nleft out: %s", text_shown(j->left_out));
	if (isnan(j->strength))
		fprintf(f, "\nperiod: %d, as given", j->options.period);
	else if (j->options.period > 1)
		fprintf(f, "\nperiod: %d, found (autocorrelation %.2f); --period says otherwise", j->options.period, j->strength);
	else
		fprintf(f, "\nperiod: no season was found; --period says otherwise");
	show_network(j, f);
	fprintf(f, "\nthresholds: false alarms in 1,000 normal rows: %g\n\n", j->options.per_1000);
}

static void show_events(const watch_job *j) {
	enum { MOST = 40 };
	static const char *const heads[] = {"begin", "peak", "end", "score", "sign", "to blame"};
	char n[NUMBER], m[NUMBER];
	table *t = table_new("lllrll");
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) table_cell(t, "%s", heads[i]);
	table_rule(t);
	for (int i = 0; i < j->nevents && i < MOST; i++) {
		const eg_watch_event *e = &j->events[i].event;
		char time[32], blame[400];
		const int64_t at[3] = {e->start, e->peak, e->end};
		for (int k = 0; k < 3; k++) table_cell(t, "%s", watch_when(j, at[k], time));
		table_cell(t, "%.2f", e->score);
		table_cell(t, "%s", eg_sign_name(e->sign));
		watch_blame(j, j->events[i].shares, blame, sizeof blame);
		table_cell(t, "%s", blame);
	}
	if (j->nevents > 0) table_print(t, stdout, 0);
	table_free(t);
	if (j->nevents > MOST) printf("and %d more; --json has them all\n", j->nevents - MOST);
	printf("%s event%s in %s rows.\n", number_int(n, j->nevents), j->nevents == 1 ? "" : "s", number_int(m, j->table->steps - j->learned));
}

static void show_kinds(const watch_job *j) {
	static const char *const heads[] = {"fault", "put in", "found", "recall", "delay", "median", "right column", "first seen by"};
	table *t = table_new("lrrrrrrl");
	for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) table_cell(t, "%s", heads[i]);
	table_rule(t);
	for (int i = 0; i < EG_FAULTS; i++) {
		const eg_fault_score *s = &j->verdict[0].faults[i];
		char n[NUMBER], signs[160] = "";
		if (s->put == 0) continue;
		table_cell(t, "%s", eg_fault_name((eg_fault)i));
		table_cell(t, "%d", s->put);
		table_cell(t, "%d", s->found);
		table_cell(t, "%s", number_percent(n, (double)s->found / s->put));
		table_cell(t, "%s", forecast_number(n, s->delay));
		table_cell(t, "%s", forecast_number(n, s->delay_median));
		table_cell(t, "%d", s->blamed);
		for (int k = 0; k < EG_SIGNS; k++) {
			size_t used = strlen(signs);
			if (s->by[k] > 0) snprintf(signs + used, sizeof signs - used, "%s%s %d", used ? ", " : "", eg_sign_name((eg_sign)k), s->by[k]);
		}
		table_cell(t, "%s", signs);
	}
	table_print(t, stdout, 0);
	table_free(t);
}

static void show_judged(const watch_job *j) {
	char n[NUMBER];
	printf("\nFaults put into %s, each alone, by the rule of docs/watch.md, seed %llu; delays in rows:\n\n", text_shown(j->columns[j->into]->name),
	        (unsigned long long)args_number(j->args, "seed", 1));
	show_kinds(j);
	printf("\n");
	table *t = table_new("lrrrr");
	table_cell(t, "by"), table_cell(t, "recall"), table_cell(t, "false alarms"), table_cell(t, "in 1,000"), table_cell(t, "delay");
	table_rule(t);
	for (int i = 0; i < WATCH_WAYS; i++) {
		const eg_watch_verdict *v = &j->verdict[i];
		if (!j->judged[i]) continue;
		table_cell(t, "%s", way_names[i]);
		table_cell(t, "%s", number_percent(n, v->event_recall));
		table_cell(t, "%d", v->alarms);
		table_cell(t, "%.2f", v->false_alarms_per_1000);
		table_cell(t, "%s", forecast_number(n, v->delay));
	}
	table_print(t, stdout, 0);
	table_free(t);
}

void watch_show(const watch_job *j) {
	watch_show_head(j, stdout);
	show_events(j);
	if (j->kinds) show_judged(j);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void put_when(const watch_job *j, eg_value *map, const char *key, int64_t step) {
	char time[32];
	if (j->table->dated)
		eg_value_put_text(map, key, watch_when(j, step, time));
	else
		eg_value_put_int(map, key, step);
}

void watch_put_event(const watch_job *j, eg_value *map, const eg_watch_event *e, const double *shares) {
	put_when(j, map, "start", e->start);
	put_when(j, map, "peak", e->peak);
	put_when(j, map, "end", e->end);
	eg_value_put_number(map, "score", e->score);
	eg_value_put_text(map, "sign", eg_sign_name(e->sign));
	eg_value *blame = eg_value_put_list(map, "blame");
	for (int i = 0; i < j->options.watched; i++) {
		if (!(shares[i] > 0)) continue;
		eg_value *one = eg_value_put_map(blame, NULL);
		eg_value_put_text(one, "variable", j->columns[i]->name);
		eg_value_put_number(one, "share", shares[i]);
	}
}

static void put_metrics(eg_value *v, const eg_watch_verdict *w) {
	eg_value_put_number(v, "event_recall", w->event_recall);
	eg_value_put_number(v, "false_alarms_per_1000", w->false_alarms_per_1000);
	eg_value_put_number(v, "delay", w->delay);
}

static void put_judged(const watch_job *j, eg_value *v) {
	const eg_watch_verdict *best = &j->verdict[WATCH_OWN];
	bool beats = true;
	eg_value *kinds = eg_value_put_list(v, "per_class");
	for (int i = 0; i < EG_FAULTS; i++) {
		const eg_fault_score *s = &best->faults[i];
		if (s->put == 0) continue;
		eg_value *one = eg_value_put_map(kinds, NULL);
		eg_value_put_text(one, "class", eg_fault_name((eg_fault)i));
		eg_value_put_int(one, "n", s->put);
		eg_value_put_number(one, "recall", (double)s->found / s->put);
		eg_value_put_number(one, "delay", s->delay);
		eg_value_put_number(one, "delay_median", s->delay_median);
		eg_value_put_int(one, "blamed", s->blamed);
		eg_value *by = eg_value_put_map(one, "signs");
		for (int k = 0; k < EG_SIGNS; k++)
			if (s->by[k] > 0) eg_value_put_int(by, eg_sign_name((eg_sign)k), s->by[k]);
	}
	eg_value *floors = eg_value_put_list(v, "floors");
	for (int i = WATCH_OWN + 1; i < WATCH_WAYS; i++) {
		if (!j->judged[i]) continue;
		eg_value *one = eg_value_put_map(floors, NULL);
		eg_value_put_text(one, "name", ways[i]);
		eg_value_put_map(one, "settings");
		put_metrics(one, &j->verdict[i]);
		/* more faults, and not by crying wolf more often than was stated */
		const bool calm = best->alarms <= fmax(ceil(j->options.per_1000 * best->rows / 1000), j->verdict[i].alarms);
		beats = beats && calm && best->event_recall > j->verdict[i].event_recall;
	}
	eg_value_put_bool(v, "beats_floor", beats);
}

void watch_show_json(const watch_job *j) {
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	if (j->network)
		eg_value_put_text(v, "model", eg_recipe_source(j->recipe));
	else
		eg_value_put_null(v, "model");
	eg_value_put_text(v, "data", j->table->file);
	eg_value_put_text(v, "split", "test");
	eg_value_put_text(v, "unit", "row");
	eg_value_put_int(v, "n", j->table->steps - j->learned);
	if (j->kinds) put_metrics(v, &j->verdict[0]);
	eg_value_put_int(v, "learned", j->learned);
	eg_value_put_int(v, "period", j->options.period);
	eg_value_put_number(v, "false_alarms_stated", j->options.per_1000);
	eg_value *columns = eg_value_put_list(v, "watched");
	for (int i = 0; i < j->options.watched; i++) {
		eg_value *one = eg_value_put_map(columns, NULL), *thresholds;
		eg_value_put_text(one, "variable", j->columns[i]->name);
		thresholds = eg_value_put_map(one, "thresholds");
		for (int k = 0; k < EG_SIGNS; k++) {
			double threshold = eg_watch_threshold(j->watch, i, (eg_sign)k);
			if (!isnan(threshold)) eg_value_put_number(thresholds, eg_sign_name((eg_sign)k), threshold);
		}
	}
	eg_value *events = eg_value_put_list(v, "events");
	for (int i = 0; i < j->nevents; i++)
		watch_put_event(j, eg_value_put_map(events, NULL), &j->events[i].event, j->events[i].shares);
	if (j->kinds) put_judged(j, v);
	print_json(v);
	eg_value_free(v);
}

/* ---- the picture ------------------------------------------------------------------------------------------------- */

/* Of so many rows that a picture cannot show each, the lowest and the highest of some that follow each other. */
static int thin(const watch_job *j, const forecast_axis *axis, double *x, double *y, double *scores) {
	enum { MOST = 4000 };
	const int rows = j->table->steps - j->learned, each = 2 * (rows / MOST) > 1 ? 2 * (rows / MOST) : 1;
	int n = 0;
	for (int t = j->learned; t < j->table->steps; t += each) {
		double low = NAN, high = NAN, score = 0;
		for (int i = t; i < t + each && i < j->table->steps; i++) {
			low = fmin(low, j->values[0][i]), high = fmax(high, j->values[0][i]); /* which pass over NAN */
			score = fmax(score, j->scores[i]);
		}
		for (int i = 0; i < (each > 1 ? 2 : 1); i++)
			x[n] = forecast_place(axis, t), y[n] = i ? high : low, scores[n++] = score;
	}
	return n;
}

bool watch_draw(const watch_job *j, const char *path) {
	eg_error err;
	char title[200];
	const size_t rows = (size_t)(j->table->steps - j->learned) + 2;
	double *x = cli_alloc(3 * rows * sizeof *x), *y = x + rows, *scores = y + rows;
	double *begin = cli_alloc(2 * ((size_t)j->nevents + 1) * sizeof *begin), *end = begin + j->nevents;
	const forecast_axis axis = forecast_axis_of(j->table, j->learned, j->table->steps);
	for (int i = 0; i < j->nevents; i++) {
		begin[i] = forecast_place(&axis, (int)j->events[i].event.start);
		end[i] = forecast_place(&axis, (int)j->events[i].event.end);
	}
	snprintf(title, sizeof title, "%.80s: %d event%s", j->columns[0]->name, j->nevents, j->nevents == 1 ? "" : "s");
	const eg_watch_plot p = {.title = title, .x_title = axis.title, .y_title = j->columns[0]->name, .x = x, .values = y,
		.scores = scores, .n = thin(j, &axis, x, y, scores), .begin = begin, .end = end, .nevents = j->nevents};
	eg_status status = eg_plot_watch(path, &p, &err);
	free(x);
	free(begin);
	if (status) fail_error("watch", &err);
	return status == EG_OK;
}
