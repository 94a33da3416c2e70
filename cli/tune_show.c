/* tune_show.c - what engram tune shows: a line a trial, those that run below (on a terminal), and what was found. */
#include "tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *tune_value(const tuning *t, double value, char buf[NUMBER]) {
	if (isnan(value)) return strcpy(buf, "-");
	if (t->about->share) return number_percent(buf, value);
	if (fabs(value) >= 0.1) return number_loss(buf, value);
	snprintf(buf, NUMBER, "%.4g", value); /* small ones are compared, too */
	return buf;
}

/* Does another key end like this one's path from here on? */
static bool is_shared(const tuning *t, const char *path, const char *end) {
	size_t n = strcspn(end, "=");
	for (int i = 0; i < eg_space_count(t->space); i++) {
		const char *other = eg_space_at(t->space, i)->path;
		size_t k = strlen(other), whole = strcspn(path, "=");
		if (k == whole && !strncmp(other, path, k)) continue;
		if (k >= n && !strncmp(other + k - n, end, n)) return true;
	}
	return false;
}

/* "lr=0.003" of "train.optimizer.adam.lr=0.003", if there is one lr alone. */
static const char *short_form(const tuning *t, const char *setting) {
	const char *end = setting + strcspn(setting, "=");
	for (const char *s = end; s > setting; s--)
		if (s[-1] == '.' && !is_shared(t, setting, s)) return s;
	return setting;
}

char *tune_settings(const tuning *t, const double *point, bool brief) {
	char **list;
	eg_error err;
	size_t n = 1;
	if (eg_space_settings(t->space, point, &list, &err)) exit(fail_error("tune", &err));
	for (int i = 0; list[i]; i++) n += strlen(list[i]) + 1;
	char *text = cli_alloc(n);
	for (int i = 0; list[i]; i++) {
		if (i) strcat(text, " ");
		strcat(text, brief ? short_form(t, list[i]) : list[i]);
	}
	eg_space_settings_free(list);
	return text;
}

void tune_show_head(const tuning *t) {
	char n[NUMBER];
	if (t->json || t->quiet) return;
	printf("%s%s%s: %d setting%s%s, judged by %s on the validation samples; %d at a time, %d thread%s each\n",
	        text_shown(eg_recipe_name(t->recipe)), t->floor ? ", floor " : "", t->floor ? t->floor : "",
	        eg_space_count(t->space), eg_space_count(t->space) == 1 ? "" : "s",
	        eg_space_is_guessed(t->space) ? " (the recipe has no section tune: --show-space shows them)" : "",
	        text_shown(t->about->metric), t->njobs, t->threads, t->threads == 1 ? "" : "s");
	if (eg_search_resumed(t->search) > 0)
		printf("%s: goes on behind the %s trials that are in it\n", text_shown(t->journal),
		        number_int(n, eg_search_resumed(t->search)));
	printf("\n%5s  %-7s  %6s  %*s  settings\n", "trial", "state", "epochs", 9, text_shown(t->about->metric));
	out_push();
}

static const char *const states[] = {"done", "stopped", "failed"};

/* ---- trials that are known --------------------------------------------------------------------------------------- */

static void show_json(const tuning *t, int i, const eg_observed *o, int of, const char *error) {
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_int(v, "trial", i);
	eg_space_put(t->space, o->point, eg_value_put_map(v, "settings"));
	eg_value_put_int(v, "budget", (int64_t)o->budget);
	eg_value_put_number(v, "value", o->value);
	eg_value_put_text(v, "state", states[o->state]);
	if (error) eg_value_put_text(v, "error", error);
	if (of >= 0) eg_value_put_int(v, "of", of);
	print_json(v);
	eg_value_free(v);
}

static void show_line(const tuning *t, int i, const eg_observed *o, int of, const char *error) {
	char value[NUMBER], number[NUMBER];
	char *settings = tune_settings(t, o->point, true);
	bool best = eg_search_best(t->search, NULL) == i;
	printf("%5d  %-7s  %6d  %*s%s ", i, states[o->state], (int)o->budget, 9, tune_value(t, o->value, value),
	        best ? "*" : " ");
	if (of >= 0)
		printf("trial %s with another seed\n", number_int(number, of));
	else
		puts(text_shown(settings));
	if (error) printf("%35s%s\n", "", text_shown(error));
	free(settings);
}

void tune_show_told(tuning *t) {
	int of;
	const char *error;
	if (t->shown == eg_search_told(t->search)) return;
	tune_clear_live(t);
	for (; t->shown < eg_search_told(t->search); t->shown++) {
		const eg_observed *o = eg_search_at(t->search, t->shown, &of, &error);
		if (t->json)
			show_json(t, t->shown, o, of, error);
		else if (!t->quiet)
			show_line(t, t->shown, o, of, error);
	}
	out_push();
}

/* ---- those that run ---------------------------------------------------------------------------------------------- */

void tune_clear_live(tuning *t) {
	if (t->live_lines == 0) return;
	for (int i = 0; i < t->live_lines; i++) fputs("\033[A\033[2K", stdout);
	t->live_lines = 0;
	out_push();
}

void tune_show_live(tuning *t) {
	char value[NUMBER], time[NUMBER];
	static double last;
	if (!t->live || tune_clock() - last < 0.2) return;
	last = tune_clock();
	tune_clear_live(t);
	for (int i = 0; i < t->njobs; i++) {
		const tune_job *j = &t->jobs[i];
		if (!j->process) continue;
		printf("%5d  runs     %3d/%-3d %*s  %s\n", j->trial.number, j->nvalues, t->about->epochs, 9,
		        tune_value(t, j->nvalues ? j->values[j->nvalues - 1] : (double)NAN, value),
		        number_time(time, tune_clock() - j->begun));
		t->live_lines++;
	}
	out_push();
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void end_json(const tuning *t, int best, double value) {
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_text(v, "metric", t->about->metric);
	eg_value_put_int(v, "trials", eg_search_told(t->search));
	if (best >= 0) {
		eg_value_put_int(v, "best", best);
		eg_value_put_number(v, "value", value);
		eg_space_put(t->space, eg_search_at(t->search, best, NULL, NULL)->point, eg_value_put_map(v, "settings"));
		eg_value_put_text(v, "recipe", t->floor ? NULL : t->output);
	} else {
		eg_value_put_null(v, "best");
	}
	eg_value_put_text(v, "journal", t->journal);
	print_json(v);
	eg_value_free(v);
}

void tune_show_end(const tuning *t, bool stopped) {
	char number[NUMBER], time[NUMBER];
	double value;
	int best = eg_search_best(t->search, &value);
	if (t->json) {
		end_json(t, best, value);
		return;
	}
	if (t->quiet) return;
	printf("\n%d trials in %s. ", eg_search_told(t->search), number_time(time, tune_clock() - t->begun));
	if (best >= 0) {
		char *settings = tune_settings(t, eg_search_at(t->search, best, NULL, NULL)->point, false);
		printf("Best is trial %d, validation %s %s:\n  %s\n", best, text_shown(t->about->metric),
		        tune_value(t, value, number), text_shown(settings));
		free(settings);
		if (!t->floor) printf("The recipe with these settings: %s\n", text_shown(t->output));
	} else {
		printf("None of them has given a value.\n");
	}
	printf("Journal: %s%s\n", text_shown(t->journal), stopped ? "; the same command goes on from there" : "");
}
