/* train_floors.c - how a network that has been trained stands beside the simplest models, where these are known: engram
 * floor keeps its results, and nothing is computed here. */
#define _POSIX_C_SOURCE 200809L /* sigset_t */
#include "engram_floor.h"
#include "train.h"

#include <math.h>
#include <string.h>

double train_floor_value(
	const training *t, const eg_metric_info *metrics, int n, const double *values, double loss) {
	const eg_metric_info *ranks = eg_task_metric(t->task, 0);
	for (int i = 0; i < n; i++)
		if (!strcmp(metrics[i].name, ranks->name)) return values[i];
	return !strcmp(ranks->name, "loss") ? loss : (double)NAN;
}

/* Does the task have floors at all? */
static bool has_floors(const training *t) {
	const eg_floor_info *f;
	for (int i = 0; (f = eg_floor_at(i)); i++)
		if (!strcmp(f->task, eg_recipe_task(t->recipe))) return true;
	return false;
}

static const char *shown(char buf[NUMBER], const eg_metric_info *m, double v) {
	return m->share ? number_percent(buf, v) : number_loss(buf, v);
}

static void tell(const eg_floors *f, double value) {
	char reached[NUMBER], own[NUMBER];
	const eg_floor_result *best = eg_floors_at(f, 0);
	const eg_metric_info *m = eg_floors_metric(f, 0);
	printf("Floor: %s, %s %s; this network %s: %s.\n", best->info->name, text_shown(m->name),
	        shown(reached, m, best->values[0]), shown(own, m, value),
	        eg_floors_beaten(f, value) ? "better" : "NOT better than that simple model");
}

/* Floors that were judged by the test part are not asked for here: a training does not look at it. */
static void hint(const training *t, int folds) {
	printf("Floor: not known; ");
	if (folds > 1)
		printf("engram floor %s --folds %d", text_shown(t->recipe_path), folds);
	else
		printf("engram floor %s%s", text_shown(t->recipe_path),
		        eg_task_eval_part(t->task) == EG_PART_TEST ? " --split validation" : "");
	printf(" tells what the simplest models reach\n");
}

void train_show_floors(const training *t, int folds, double value) {
	const eg_floors_options o = {.ctx = t->ctx,
	        .use = EG_FLOORS_KEPT,
	        .split = folds > 1 ? NULL : "validation",
	        .folds = folds,
	        .samples = t->samples,
	        .graph = t->graph};
	eg_floors *f = NULL;
	if (!t->has_validation || isnan(value) || !has_floors(t)) return;
	if (eg_floors_run(t->recipe, &o, &f, NULL)) return;
	if (eg_floors_count(f) > 0)
		tell(f, value);
	else
		hint(t, folds);
	eg_floors_free(f);
}
