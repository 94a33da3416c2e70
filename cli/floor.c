/* floor.c - engram floor: what the simplest honest models make of a recipe's data; and their table, which engram
 * eval shows beside a network. */
#include "floors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- progress ---------------------------------------------------------------------------------------------------- */

static bool on_progress(void *user, const eg_floor_progress *p) {
	char left[120], right[NUMBER] = "";
	(void)user;
	int n = snprintf(left, sizeof left, "floor %d/%d %.40s", p->index + 1, p->floors, p->floor);
	if (p->folds > 1) snprintf(left + n, sizeof left - (size_t)n, ", fold %d/%d", p->fold + 1, p->folds);
	double share = p->share >= 0 ? p->share : 0;
	bar_show(stderr, left, share, number_percent(right, share));
	return true;
}

eg_status cli_floors(eg_recipe *r, const eg_floors_options *o, eg_floors **floors, eg_error *err) {
	eg_floors_options own = *o;
	own.progress = on_progress;
	eg_status status = eg_floors_run(r, &own, floors, err);
	bar_clear(stderr);
	return status;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

enum { COLUMNS = EG_METRICS_MOST + 3 };

static const char *metric_text(char buf[2 * NUMBER], const eg_metric_info *m, double v, double deviation) {
	char one[NUMBER], two[NUMBER];
	const char *text = isnan(v) ? "-" : m->share ? number_percent(one, v) : number_loss(one, v);
	if (isnan(deviation) || isnan(v))
		snprintf(buf, 2 * NUMBER, "%s", text);
	else
		snprintf(buf, 2 * NUMBER, "%s ± %s", text, m->share ? number_percent(two, deviation) : number_loss(two, deviation));
	return buf;
}

static void floor_row(table *t, const eg_floors *f, const eg_floor_result *r, bool seconds) {
	const eg_metric_info *m;
	char buf[2 * NUMBER], *settings = NULL;
	table_cell(t, "%s", r->info->name);
	eg_value *around = eg_value_new(EG_VALUE_MAP); /* inside of a map, a map tells its keys */
	eg_value_put_copy(around, "settings", r->settings);
	if (!eg_value_whole(around) || eg_value_print(around, NULL, NULL, &settings, NULL)) settings = NULL;
	table_cell(t, "%s", settings ? settings : "");
	free(settings);
	eg_value_free(around);
	for (int i = 0; (m = eg_floors_metric(f, i)); i++) table_cell(t, "%s", metric_text(buf, m, r->values[i], r->deviation[i]));
	if (seconds) table_cell(t, "%.1f", r->seconds);
}

static void network_row(table *t, const eg_evaluation *e) {
	const eg_metric_info *m;
	char buf[2 * NUMBER];
	table_cell(t, "the network");
	table_mark(t);
	table_cell(t, "%s", "");
	for (int i = 0; (m = eg_evaluation_metric(e, i)); i++) {
		table_cell(t, "%s", metric_text(buf, m, eg_evaluation_value(e, i), (double)NAN));
		table_mark(t);
	}
}

/* Is the network better than floor number i? */
static bool is_above(const eg_floors *f, const eg_evaluation *e, int i) {
	double v = eg_evaluation_value(e, 0), other = eg_floors_at(f, i)->values[0];
	if (isnan(v) || isnan(other)) return !isnan(v);
	return eg_floors_metric(f, 0)->lower_is_better ? v < other : v > other;
}

void floors_print(const eg_floors *f, const eg_evaluation *e) {
	char align[COLUMNS + 1] = "ll";
	const eg_metric_info *m;
	int n = 2;
	bool told = !e;
	for (int i = 0; eg_floors_metric(f, i) && n < COLUMNS - 1; i++) align[n++] = 'r';
	if (!e) align[n++] = 'r';
	table *t = table_new(align);
	table_cell(t, e ? "model" : "floor");
	table_cell(t, "settings");
	for (int i = 0; (m = eg_floors_metric(f, i)); i++) table_cell(t, "%s", m->name);
	if (!e) table_cell(t, "seconds");
	table_rule(t);
	for (int i = 0; i < eg_floors_count(f); i++) {
		if (!told && is_above(f, e, i)) network_row(t, e), told = true;
		floor_row(t, f, eg_floors_at(f, i), !e);
	}
	if (!told) network_row(t, e);
	table_print(t, stdout, 2);
	table_free(t);
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

void floors_put(eg_value *parent, const eg_floors *f, bool details) {
	eg_value *list = eg_value_put_list(parent, "floors");
	const eg_metric_info *m;
	for (int i = 0; i < eg_floors_count(f); i++) {
		const eg_floor_result *r = eg_floors_at(f, i);
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_text(one, "name", r->info->name);
		eg_value_put_copy(one, "settings", r->settings);
		for (int k = 0; (m = eg_floors_metric(f, k)); k++) eg_value_put_number(one, m->name, r->values[k]);
		if (!details) continue;
		bool folds = !isnan(r->deviation[0]);
		eg_value *d = folds ? eg_value_put_map(one, "deviation") : NULL;
		for (int k = 0; (m = eg_floors_metric(f, k)) && folds; k++) eg_value_put_number(d, m->name, r->deviation[k]);
		eg_value_put_number(one, "seconds", r->seconds);
	}
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

static int list_floors(const cli_args *a) {
	const eg_floor_info *info;
	bool json = args_has(a, "json");
	table *t = table_new("llll");
	table_cell(t, "floor");
	table_cell(t, "task");
	table_cell(t, "what it does");
	table_cell(t, "source");
	table_rule(t);
	for (int i = 0; (info = eg_floor_at(i)); i++) {
		table_cell(t, "%s", info->name);
		table_cell(t, "%s", info->task);
		table_cell(t, "%s", info->doc);
		table_cell(t, "%s", info->source);
		if (!json) continue;
		eg_value *v = eg_value_new(EG_VALUE_MAP);
		eg_value_put_text(v, "name", info->name);
		eg_value_put_text(v, "task", info->task);
		eg_value_put_text(v, "about", info->doc);
		eg_value_put_text(v, "source", info->source);
		print_json(v);
		eg_value_free(v);
	}
	if (!json) table_print(t, stdout, 0);
	table_free(t);
	return CLI_OK;
}

static const char *data_name(const eg_recipe *recipe, char *buf, size_t size) {
	eg_task *t;
	buf[0] = '\0';
	if (eg_task_open((eg_recipe *)recipe, &t, NULL)) return buf;
	snprintf(buf, size, "%s", eg_source_info(eg_task_source(t))->name);
	eg_task_free(t);
	return buf;
}

static void show_json(const eg_recipe *r, const eg_floors *f, const char *data, int folds) {
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_text(v, "data", data);
	eg_value_put_text(v, "split", folds > 1 ? "folds" : eg_part_name(eg_floors_part(f)));
	eg_value_put_text(v, "task", eg_recipe_task(r));
	if (folds > 1) eg_value_put_int(v, "folds", folds);
	floors_put(v, f, true);
	print_json(v);
	eg_value_free(v);
}

static void show_text(const eg_recipe *r, const eg_floors *f, const char *data, int folds) {
	char n[NUMBER], parts[60];
	if (folds > 1)
		snprintf(parts, sizeof parts, "%d folds of the training samples", folds);
	else
		snprintf(parts, sizeof parts, "%s", eg_part_name(eg_floors_part(f)));
	printf("%s on %s, %s", text_shown(eg_recipe_name(r)), text_shown(data), parts);
	if (folds < 2) printf(": %s", number_int(n, eg_floors_units(f, true)));
	printf("\n\n");
	floors_print(f, NULL);
}

static int run(const cli_args *a) {
	eg_error err;
	char data[120];
	eg_floors *f = NULL;
	if (args_has(a, "list")) return list_floors(a);
	if (a->noperands != 1) return fail_usage("floor", "a RECIPE is needed, or --list");
	if (args_has(a, "folds") && args_has(a, "split")) return fail_usage("floor", "--folds and --split exclude each other");
	eg_recipe *r = cli_recipe(a, a->operands[0]);
	eg_context *ctx = r ? cli_context(a) : NULL;
	if (!ctx) return eg_recipe_free(r), CLI_FAILED;
	const eg_floors_options o = {.ctx = ctx,
	        .use = args_has(a, "anew") ? EG_FLOORS_ANEW : EG_FLOORS_MISSING,
	        .split = args_text(a, "split"),
	        .folds = (int)args_number(a, "folds", 0),
	        .folder = args_text(a, "folder")};
	eg_status status = cli_floors(r, &o, &f, &err);
	if (!status && eg_floors_remark(f)) fail("floor", "note: %s", eg_floors_remark(f));
	data_name(r, data, sizeof data);
	if (status)
		fail_error("floor", &err);
	else if (eg_floors_count(f) == 0)
		fail("floor", "no floor serves the task '%s' with this data; engram floor --list names them all", eg_recipe_task(r));
	else if (args_has(a, "json"))
		show_json(r, f, data, o.folds);
	else
		show_text(r, f, data, o.folds);
	int code = !status && eg_floors_count(f) > 0 ? CLI_OK : CLI_FAILED;
	eg_floors_free(f);
	eg_context_free(ctx);
	eg_recipe_free(r);
	return code;
}

static const cli_option options[] = {
	{"list", 0, NULL, "name all floors, with the task of each and where it is from", 0, 0},
	OPTION_SET,
	{"folds", 0, "N", "judge them in so many folds of the training samples, as engram train --folds does", 2, 1000},
	{"split", 0, "train|validation|test",
		"which samples judge (default: test; validation where there is no test part, and of a text)", 0, 0},
	{"folder", 0, "DIR", "where the files of the data set lie", 0, 0},
	{"anew", 0, NULL, "compute all of them, also those whose results are kept", 0, 0},
	OPTION_THREADS,
	OPTION_JSON("one JSON object: data, split, task, floors, the best first"),
	{0},
};

const cli_verb verb_floor = {
	.name = "floor",
	.line = "say what the simplest honest models make of a recipe's data",
	.operands = "RECIPE",
	.min_operands = 0,
	.max_operands = 1,
	.about = "Trains the simplest models of the recipe's task (most frequent class, nearest neighbours,\n"
		 "naive Bayes, n-grams, ...) on the recipe's training samples, and judges them by the samples\n"
		 "and metrics that its network is judged by, in seconds. A network that does not beat them is\n"
		 "not worth its time, and engram eval says so. Results are kept in the cache (floors in\n"
		 "$XDG_CACHE_HOME/engram or ~/.cache/engram) for the same data, split and units.\n",
	.options = options,
	.examples = "  engram floor recipes/char-lstm.yaml\n"
		    "  engram floor recipes/lenet5.yaml --json\n"
		    "  engram floor recipes/intent.yaml --folds 10\n",
	.run = run,
};
