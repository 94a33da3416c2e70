/* watch.c - engram watch: what is normal in a table is learned of its first rows, and the others are watched for
 * faults. How it is shown: watch_show.c; rows as they come: watch_live.c. */
#include "watch.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char verb[] = "watch";
enum { ROWS_LEAST = 100, COLUMNS_MOST = 64 };

/* ---- columns ----------------------------------------------------------------------------------------------------- */

/* Why nothing can be learned of it: text in `why`; false: something can. */
static bool is_useless(const watch_job *j, const eg_time_column *c, char *why, size_t size) {
	int there = 0, same = 0, pairs = 0;
	double value = NAN;
	for (int t = 0; t < j->learned; t++) {
		if (isnan(c->values[t])) continue;
		if (there > 0) pairs++, same += c->values[t] == value;
		value = c->values[t], there++;
	}
	why[0] = '\0';
	if (there < ROWS_LEAST)
		snprintf(why, size, "has %d values in the %d rows that are learned, and %d at least are needed", there, j->learned, ROWS_LEAST);
	else if (same == pairs)
		snprintf(why, size, "is always %g in the %d rows that are learned", value, j->learned);
	else if (same > 0.8 * pairs)
		snprintf(why, size, "hardly ever changes");
	return why[0] != '\0';
}

static bool is_named(const watch_job *j, const eg_time_column *c) {
	for (int i = 0; i < j->ncolumns; i++)
		if (j->columns[i] == c) return true;
	return false;
}

static bool take_targets(watch_job *j, eg_error *err) {
	int n;
	const char **names = args_all(j->args, "target", &n);
	bool ok = true;
	char why[160];
	for (int i = 0; i < n && ok; i++) {
		int place;
		ok = !eg_time_table_find(j->table, names[i], &place, err);
		if (!ok) break;
		const eg_time_column *c = &j->table->columns[place];
		/* one that hardly changes is watched, if that is asked for */
		if (is_useless(j, c, why, sizeof why) && why[0] != 'h') ok = false;
		if (ok && strncmp(why, "has", 3) == 0) ok = false;
		if (!ok)
			fail(verb, "%s: the column '%s' %s; learn more rows with --learn, or watch another", j->table->file, c->name, why), err->message[0] = '\0';
		else if (!is_named(j, c) && j->ncolumns < COLUMNS_MOST)
			j->columns[j->ncolumns++] = c;
	}
	free(names);
	j->options.watched = j->ncolumns;
	return ok;
}

/* All columns of numbers: watched, where none are named, else beside those. */
static bool take_others(watch_job *j, eg_error *err) {
	size_t size = 1;
	for (int i = 0; i < j->table->ncolumns; i++) size += strlen(j->table->columns[i].name) + 200;
	j->left_out = cli_alloc(size);
	for (int i = 0; i < j->table->ncolumns && !(args_has(j->args, "alone") && j->options.watched > 0); i++) {
		const eg_time_column *c = &j->table->columns[i];
		char why[160];
		int place;
		if (!c->numbers || c->counts || is_named(j, c) || j->ncolumns == COLUMNS_MOST) continue;
		if (c->wrong_line && eg_time_table_find(j->table, c->name, &place, err)) return false;
		if (!is_useless(j, c, why, sizeof why)) {
			j->columns[j->ncolumns++] = c;
			continue;
		}
		size_t used = strlen(j->left_out);
		snprintf(j->left_out + used, size - used, "%s%s %s", used ? "; " : "", c->name, why);
	}
	if (j->options.watched == 0) j->options.watched = j->ncolumns;
	if (j->ncolumns > 0) return true;
	fail(verb, "%s: there is no column to watch%s%s", j->table->file, j->left_out[0] ? ": " : ": none is of numbers", j->left_out);
	err->message[0] = '\0';
	return false;
}

static bool take_columns(watch_job *j, eg_error *err) {
	double share = args_has(j->args, "live") ? 1 : 0.6;
	j->columns = cli_alloc(COLUMNS_MOST * sizeof *j->columns);
	j->values = cli_alloc(COLUMNS_MOST * sizeof *j->values);
	if (!args_real(j->args, "learn", 0.05, 1, &share)) return err->message[0] = '\0', false;
	j->learned = (int)(share * j->table->steps + 0.5);
	if (j->learned < ROWS_LEAST) {
		fail(verb, "%s: %d rows, of which %d would be learned, and %d at least are needed; give more rows", j->table->file, j->table->steps,
		        j->learned, ROWS_LEAST);
		return err->message[0] = '\0', false;
	}
	if (!take_targets(j, err) || !take_others(j, err)) return false;
	for (int i = 0; i < j->ncolumns; i++) j->values[i] = j->columns[i]->values;
	return true;
}

/* ---- learning ---------------------------------------------------------------------------------------------------- */

/* The period as of engram forecast, of the learned rows; and a year, where there are one and a half of them. */
static bool choose_periods(watch_job *j, eg_error *err) {
	const int *tried = eg_time_table_periods(j->table);
	int n = 0;
	while (tried[n]) n++;
	j->options.period = (int)args_number(j->args, "period", 0);
	j->strength = NAN;
	if (!j->options.period && eg_find_period(j->values[0], j->learned, n ? tried : NULL, n, &j->options.period, &j->strength, err))
		return false;
	if (!j->table->dated || j->table->months) return true;
	double year = 365.2425 * 86400 / j->table->seconds;
	if (year >= 50 && j->learned >= 1.5 * year && j->options.period < 0.9 * year) j->options.year = year;
	return true;
}

/* The network of --model, which is trained when the watch learns. */
static bool take_network(watch_job *j, eg_error *err) {
	const char *path = args_text(j->args, "model"), *names[COLUMNS_MOST];
	const eg_context_options o = {.threads = (int)args_number(j->args, "threads", 0)};
	int n;
	if (!path) return true;
	if (strlen(path) > 12 && !strcmp(path + strlen(path) - 12, ".safetensors")) {
		fail(verb, "%s: a model does not tell which rows it has learned, and thresholds have to be of others; give the recipe that it was "
		           "trained from: its network is trained on the first of the learned rows", path);
		return err->message[0] = '\0', false;
	}
	const char **set = args_all(j->args, "set", &n);
	eg_status status = eg_recipe_load(path, set, &j->recipe, err);
	free(set);
	if (!status && !(j->ctx = eg_context_new(&o, err))) return false;
	for (int i = 0; i < j->ncolumns; i++) names[i] = j->columns[i]->name;
	if (!status) status = eg_network_watch_new(j->recipe, j->ctx, j->table, names, j->ncolumns, j->options.watched, &j->network, err);
	return status == EG_OK;
}

static bool learn(watch_job *j, int by, eg_watch **w, eg_error *err) {
	eg_watch_options o = j->options;
	o.way = by == WATCH_DIFFERENCES ? EG_WATCH_DIFFERENCES : by == WATCH_SMOOTHING ? EG_WATCH_HOLT_WINTERS : EG_WATCH_SIGNS;
	if (by == WATCH_OWN && j->network) o.forecaster = eg_network_watch_forecaster(j->network);
	return !eg_watch_learn(j->values, j->ncolumns, j->learned, &o, w, err);
}

void watch_row(const watch_job *j, int step, double *row) {
	for (int i = 0; i < j->ncolumns; i++) row[i] = j->values[i][step];
}

/* ---- watching ---------------------------------------------------------------------------------------------------- */

static void keep_event(watch_job *j, const eg_watch_event *e) {
	watch_event *all = realloc(j->events, (size_t)(j->nevents + 1) * sizeof *all);
	if (!all) {
		fail(verb, "out of memory");
		exit(CLI_FAILED);
	}
	j->events = all;
	watch_event *to = &all[j->nevents++];
	*to = (watch_event){*e, cli_alloc((size_t)j->options.watched * sizeof(double))};
	memcpy(to->shares, e->shares, (size_t)j->options.watched * sizeof(double));
}

static bool watch_rest(watch_job *j, eg_error *err) {
	eg_watch_run *r = eg_watch_begin(j->watch);
	double row[COLUMNS_MOST];
	eg_watch_now now;
	eg_watch_event last;
	if (!r) return snprintf(err->message, sizeof err->message, "out of memory"), false;
	j->scores = cli_alloc((size_t)j->table->steps * sizeof *j->scores);
	for (int t = 0; t < j->table->steps; t++) {
		j->scores[t] = NAN;
		if (t < j->learned) continue;
		watch_row(j, t, row);
		eg_watch_step(r, row, &now);
		j->scores[t] = now.score;
		if (now.ends) keep_event(j, &now.event);
	}
	if (eg_watch_finish(r, &last)) keep_event(j, &last);
	eg_watch_end(r);
	return true;
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

/* "drift,spike" or "all". */
static bool read_kinds(watch_job *j) {
	const char *text = args_text(j->args, "inject");
	for (const char *at = text; at && *at;) {
		size_t n = strcspn(at, ",");
		int kind = 0;
		while (kind < EG_FAULTS && (strlen(eg_fault_name((eg_fault)kind)) != n || strncmp(at, eg_fault_name((eg_fault)kind), n) != 0)) kind++;
		if (n == 3 && !strncmp(at, "all", 3))
			j->kinds = (1u << EG_FAULTS) - 1;
		else if (kind < EG_FAULTS)
			j->kinds |= 1u << kind;
		else
			return fail_usage(verb, "--inject takes all, or some of drift, stuck, spike, variance, season with commas between them; not '%.40s'",
			        text), false;
		at += n + (at[n] == ',');
	}
	return true;
}

static bool judge(watch_job *j, eg_error *err) {
	const char *name = args_text(j->args, "into");
	while (name && j->into < j->options.watched && strcmp(j->columns[j->into]->name, name) != 0) j->into++;
	if (j->into == j->options.watched) {
		fail(verb, "%s: --into %s: no such column is watched", j->table->file, name);
		return err->message[0] = '\0', false;
	}
	for (int way = 0; way < WATCH_WAYS; way++) {
		eg_watch *w = NULL;
		eg_error why;
		if (way == WATCH_REGRESSION && !j->network) continue;
		bool ok = (way == WATCH_OWN || learn(j, way, &w, &why)) &&
			!eg_watch_judge(way == WATCH_OWN ? j->watch : w, j->values, j->table->steps, j->into, j->kinds, (int)args_number(j->args, "count", 50),
				args_number(j->args, "seed", 1), &j->verdict[way], &why);
		eg_watch_free(w);
		j->judged[way] = ok;
		if (ok) continue;
		if (way == WATCH_OWN) return *err = why, false;
		fail(verb, "note: one of the simple ways is left out: %s", why.message);
	}
	return true;
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

static bool read_options(watch_job *j) {
	const eg_watch_options defaults = EG_WATCH_OPTIONS;
	const cli_args *a = j->args;
	j->options = defaults;
	j->options.watched = 0;
	j->options.persist = (int)args_number(a, "persist", (uint64_t)defaults.persist);
	j->options.gap = (int)args_number(a, "gap", (uint64_t)defaults.gap);
	if (args_has(a, "inject") && args_has(a, "live")) return fail_usage(verb, "--inject and --live exclude each other"), false;
	if (args_has(a, "set") && !args_has(a, "model")) return fail_usage(verb, "--set is about the recipe of --model"), false;
	if (args_has(a, "live") && args_has(a, "out")) return fail_usage(verb, "--live and -o exclude each other"), false;
	return args_real(a, "false-alarms", 1e-3, 100, &j->options.per_1000) && read_kinds(j);
}

static bool prepare(watch_job *j, eg_error *err) {
	if (!take_columns(j, err) || !choose_periods(j, err) || !take_network(j, err)) return false;
	if (j->learned == j->table->steps && !args_has(j->args, "live")) {
		fail(verb, "%s: all %d rows are learned, and none is left to watch; take a smaller --learn, or --live", j->table->file, j->learned);
		return err->message[0] = '\0', false;
	}
	return learn(j, WATCH_OWN, &j->watch, err);
}

static void free_job(watch_job *j) {
	for (int i = 0; i < j->nevents; i++) free(j->events[i].shares);
	eg_watch_free(j->watch);
	eg_network_watch_free(j->network);
	eg_recipe_free(j->recipe);
	eg_context_free(j->ctx);
	eg_time_tables_free(j->tables);
	free(j->events);
	free(j->scores);
	free(j->columns);
	free(j->values);
	free(j->left_out);
	free(j);
}

static int watch(watch_job *j) {
	const cli_args *a = j->args;
	eg_error err = {0};
	const char *picture = args_text(a, "out");
	int code = CLI_FAILED;
	j->tables = picture && !cli_can_write(a, picture) ? NULL : forecast_read(a, a->operands[0], NULL, &code);
	if (!j->tables) return code;
	j->table = j->tables->at[0];
	bool ok = prepare(j, &err) && (args_has(a, "live") || watch_rest(j, &err)) && (!j->kinds || judge(j, &err));
	if (!ok) return err.message[0] ? fail_error(verb, &err) : CLI_FAILED;
	if (args_has(a, "live")) return watch_live(j);
	if (args_has(a, "json"))
		watch_show_json(j);
	else
		watch_show(j);
	return !picture || watch_draw(j, picture) ? CLI_OK : CLI_UNWRITTEN;
}

static int run(const cli_args *a) {
	watch_job *j = cli_alloc(sizeof *j);
	j->args = a;
	int code = read_options(j) ? watch(j) : CLI_USAGE;
	free_job(j);
	return code;
}

static const cli_option options[] = {
	{"target", 0, "COLUMN", "a column to watch; may be repeated (default: all of numbers)", 0, 0},
	{"model", 0, "FILE", "a recipe of the task forecast, as recipes/faults.yaml: its network forecasts one of the columns that are "
	                     "watched in place of the regression; or of reconstruct, as recipes/faults-autoencoder.yaml: an auto-encoder "
	                     "rebuilds columns. It is trained on the first two fifths of the rows that are learned", 0, 0},
	OPTION_SET,
	{"threads", 0, "N", "so many threads for the network (default: all processors). Results do not depend on it", 1, 1024},
	{"alone", 0, NULL, "the columns that are watched are explained by each other only, not by the rest of the table", 0, 0},
	{"learn", 0, "SHARE", "how much of the table is taken for normal and learned, from its begin (default: 0.6; with --live: 1)", 0, 0},
	{"false-alarms", 0, "RATE", "how many false alarms in 1,000 rows are accepted (default: 1)", 0, 0},
	{"period", 0, "N", "rows of a season; 1: there is none (default: found by the calendar and the autocorrelation)", 1, 10000},
	{"persist", 0, "N", "rows that a level, a silence or a season has to be wrong for before it is told (default: 3)", 1, 16},
	{"gap", 0, "N", "rows without an alarm that end an event (default: 24)", 1, 100000},
	{"live", 0, NULL, "the whole table is learned; then rows with the same columns, their names in the first line, are read from "
	                  "standard input, and events told as they happen", 0, 0},
	{"inject", 0, "KINDS", "put faults into the rows that are watched, and tell how many are found, beside two simple ways: all, or "
	                       "drift,stuck,spike,variance,season", 0, 0},
	{"into", 0, "COLUMN", "the column that faults are put into (default: the first that is watched)", 0, 0},
	{"count", 0, "N", "how many faults of each kind (default: 50)", 1, 10000},
	{"seed", 0, CLI_COUNT, "of the places of faults (default: 1)", 0, 0},
	OPTIONS_TIME,
	{"out", 'o', "FILE", "a picture of the first watched column, the score and the events (SVG)", 0, 0},
	OPTION_JSON("one JSON object; with --live: one a line, where an event begins and where it ends"),
	{0},
};

const cli_verb verb_watch = {
	.name = "watch",
	.line = "warn of faults in a table of measurements",
	.operands = "DATA.csv",
	.min_operands = 1,
	.max_operands = 1,
	.about = "Reads a table with a row for each step in time, learns of its first rows what is normal (how\n"
		 "columns go with the hour, the year, the last values and each other) and tells in which of the\n"
		 "others something is not: when it begins, when it is at its worst, which column is to blame,\n"
		 "and by which sign it was seen. Thresholds are such that normal rows raise a stated number of\n"
		 "false alarms. With --model a network forecasts or rebuilds rows. docs/watch.md says how.\n",
	.options = options,
	.examples = "  engram watch daily-min-temperatures.csv -o faults.svg\n"
		    "  engram watch pollution.csv --target pm2.5 --learn 0.8 --inject all --seed 1\n"
		    "  engram watch daily-min-temperatures.csv --model recipes/faults.yaml --period 365 --inject all\n"
		    "  tail -n +1 -f sensors.csv | engram watch last-year.csv --live\n",
	.run = run,
};
