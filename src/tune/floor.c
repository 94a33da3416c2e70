/* floor.c - trials of a floor's settings in place of a network's: what may be set stands in its descriptor. */
#include "tune/tune.h"

#include <math.h>
#include <string.h>

/* What a setting may be; false: it is fixed. */
static bool describe(const eg_floor_setting *s, eg_tuned *k, const char **texts, char (*numbers)[EG_TREE_NUMBER]) {
	*k = (eg_tuned){.path = s->name, .now = (double)NAN};
	if (s->low < s->high) {
		k->kind = s->whole ? EG_TUNED_INTEGER : EG_TUNED_NUMBER;
		k->low = s->low, k->high = s->high, k->log = s->log;
		return true;
	}
	for (int i = 0; i < s->n; i++) texts[i] = eg_tree_shortest(numbers[i], s->tried[i]);
	k->kind = EG_TUNED_CHOICE;
	k->choices = texts, k->nchoices = s->n;
	return s->n > 1;
}

static eg_status make_space(eg_recipe *r, const eg_floor_type *type, eg_space **space, eg_error *err) {
	eg_tuned keys[EG_FLOOR_SETTINGS];
	const char *texts[EG_FLOOR_SETTINGS][8];
	char numbers[EG_FLOOR_SETTINGS][8][EG_TREE_NUMBER];
	int n = 0;
	for (int k = 0; k < EG_FLOOR_SETTINGS && type->settings[k].name; k++)
		n += describe(&type->settings[k], &keys[n], texts[k], numbers[k]);
	eg_status status = eg_space_new(keys, n, space, err);
	if (!status) (*space)->recipe = r; /* a search of another recipe is another one */
	return status;
}

eg_status eg_trials_open_floor(eg_recipe *r, const char *floor, eg_space **space, eg_trials **trials, eg_error *err) {
	eg_trials *t = eg_calloc(NULL, 1, sizeof *t);
	*trials = NULL, *space = NULL;
	if (!t) return eg_fail(err, EG_ERR_MEMORY, "out of memory for trials");
	t->recipe = r;
	eg_status status = eg_floor_trials_open(r, floor, &t->floor, err);
	if (!status) status = make_space(r, eg_floor_trials_type(t->floor), space, err);
	if (status) return eg_trials_free(t), status;
	const eg_metric_info *m = eg_floor_trials_metric(t->floor);
	t->space = *space;
	t->info = (eg_trials_info){
	        .metric = m->name, .share = m->share, .lower_is_better = m->lower_is_better, .epochs = 1, .shared = true};
	*trials = t;
	return EG_OK;
}

eg_status eg_trial_run_floor(
	eg_trials *t, const eg_trial *trial, eg_trial_room *room, eg_outcome *outcome, eg_error *err) {
	const eg_floor_type *type = eg_floor_trials_type(t->floor);
	double settings[EG_FLOOR_SETTINGS] = {0}, value = NAN;
	for (int k = 0; k < EG_FLOOR_SETTINGS && type->settings[k].name; k++) {
		settings[k] = type->settings[k].tried[0];
		for (int i = 0; i < t->space->n; i++) {
			const eg_space_key *key = &t->space->keys[i];
			double v = trial->point[i];
			if (strcmp(key->tuned.path, type->settings[k].name) != 0) continue;
			settings[k] = key->tuned.kind == EG_TUNED_CHOICE ? type->settings[k].tried[(int)v] : v;
		}
	}
	eg_status status = eg_floor_trials_run(t->floor, settings, &value, err);
	*outcome = (eg_outcome){.value = value, .budget = 1, .values = room->values};
	if (status == EG_ERR_IO) return status;
	if (!eg_grow(NULL, &room->values, &room->cap, 0, sizeof value))
		return eg_fail(err, EG_ERR_MEMORY, "out of memory for a trial");
	room->values[0] = value;
	outcome->values = room->values;
	if (status || isnan(value)) eg_trial_fail(outcome, room, status ? err->message : "there is no value, or none that is a number");
	return EG_OK;
}
