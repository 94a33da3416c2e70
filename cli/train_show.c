/* train_show.c - what engram train shows: a line an epoch, for people or as JSON, and the bar; what it begins and
 * ends with. */
#define _POSIX_C_SOURCE 200809L /* sigset_t */
#include "train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

const char *train_metric(char buf[NUMBER], const eg_metric_info *m, double value) {
	if (m->share) return number_percent(buf, value);
	return isnan(value) ? strcpy(buf, "-") : number_loss(buf, value);
}

/* The metric that has columns; NULL: none. */
static const eg_metric_info *shown(const training *t) { return t->shown >= 0 ? &t->judge->metrics[t->shown] : NULL; }

static bool is_of(const eg_judge *j, const char *name) {
	for (int i = 0; j && i < j->nmetrics; i++)
		if (!strcmp(j->metrics[i].name, name)) return true;
	return false;
}

static bool shown_in_training(const training *t) { return shown(t) && is_of(t->train_judge, shown(t)->name); }

static int wide(int least, const char *text) { return text_width(text) > least ? text_width(text) : least; }

/* ---- a line an epoch --------------------------------------------------------------------------------------------- */

static void show_head(training *t) {
	const eg_metric_info *m = shown(t);
	printf("\n%7s  %8s", "epoch", "loss");
	if (shown_in_training(t)) printf("  %*s", wide(8, m->name), text_shown(m->name));
	if (t->has_validation) printf("  %8s", "val loss");
	if (t->has_validation && m) printf("  %*sval %s", wide(5, m->name) - text_width(m->name), "", text_shown(m->name));
	printf("  %10s  %7s\n", t->rate, "time");
	t->head_shown = true;
}

static void show_text(training *t, const eg_epoch_report *r) {
	char epoch[NUMBER], number[NUMBER], time[NUMBER];
	const eg_metric_info *m = shown(t);
	if (!t->head_shown) show_head(t);
	snprintf(epoch, sizeof epoch, "%d/%d", r->epoch, r->epochs);
	printf("%7s  %8s", epoch, number_loss(number, r->loss));
	if (shown_in_training(t)) printf("  %*s", wide(8, m->name), train_metric(number, m, r->train[t->shown]));
	if (t->has_validation) printf("  %8s", number_loss(number, r->val_loss));
	if (t->has_validation && m) printf("  %*s", 4 + wide(5, m->name), train_metric(number, m, r->val[t->shown]));
	printf("  %*s  %7s%s\n", wide(10, t->rate), number_int(number, (int64_t)(r->samples_per_second * t->units + 0.5)),
	        number_time(time, r->seconds), r->best ? "  best" : "");
}

/* Every metric by its name, with `before` in front; the objective is there as "loss" already. */
static void put_metrics(eg_value *v, const eg_epoch_report *r, const char *before, const double *values) {
	char key[96];
	for (int i = 0; i < r->nmetrics; i++) {
		if (!strcmp(r->metrics[i].name, "loss")) continue;
		snprintf(key, sizeof key, "%s%s", before, r->metrics[i].name);
		eg_value_put_number(v, key, values[i]);
	}
}

static void show_json(training *t, const eg_epoch_report *r) {
	eg_fitting f;
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_int(v, "epoch", r->epoch);
	eg_value_put_int(v, "epochs", r->epochs);
	eg_value_put_number(v, "loss", r->loss);
	put_metrics(v, r, "", r->train);
	eg_value_put_number(v, "val_loss", r->val_loss);
	put_metrics(v, r, "val_", r->val);
	eg_value_put_number(v, "lr", r->lr);
	eg_value_put_number(v, "grad_norm", r->grad_norm);
	eg_value_put_number(v, "seconds", r->seconds);
	eg_value_put_number(v, "samples_per_second", r->samples_per_second * t->units);
	eg_value_put_bool(v, "best", r->best);
	train_fitting(t, &f);
	eg_value_put_text(v, "fit", eg_fitting_name(f.kind));
	eg_value_put_number(v, "fit_gap", f.gap);
	eg_value_put_number(v, "fit_rise", f.rise);
	eg_value_put_number(v, "fit_fall", f.fall);
	print_json(v);
	eg_value_free(v);
}

void train_show_epoch(training *t, const eg_epoch_report *r) {
	if (t->live) bar_clear(stdout);
	train_remember(t, r);
	if (t->json)
		show_json(t, r);
	else if (!t->quiet)
		show_text(t, r);
	out_push();
}

void train_show_bar(const training *t, const char *left, const eg_progress *p) {
	char loss[NUMBER], right[256], metric[96] = "", value[NUMBER], rate[NUMBER], time[NUMBER];
	if (!t->live) return;
	if (shown_in_training(t))
		snprintf(metric, sizeof metric, "%.40s %s  ", text_shown(shown(t)->name),
		        train_metric(value, shown(t), p->train[t->shown]));
	snprintf(right, sizeof right, "loss %s  %s%s %s  %s left", number_loss(loss, p->loss), metric,
	        number_int(rate, (int64_t)(p->samples_per_second * t->units)), t->rate, number_time(time, p->seconds_left));
	bar_show(stdout, left, p->steps > 0 ? (double)p->step / (double)p->steps : 0, right);
}

/* ---- beginning and end ------------------------------------------------------------------------------------------- */

void train_introduce(const training *t) {
	char n[NUMBER], v[NUMBER], p[NUMBER];
	int64_t count = 0, units = eg_samples_units(t->samples, EG_PART_TRAIN);
	for (int i = 0; i < eg_params_count(t->params); i++) {
		eg_dims d = eg_params_dims(t->params, i);
		int64_t one = eg_params_trained(t->params, i);
		for (int k = 0; k < d.rank; k++) one *= d.d[k];
		count += one;
	}
	printf("%s: %s parameters\n", text_shown(eg_recipe_name(t->recipe)), number_int(p, count));
	if (t->from) fputs(t->from, stdout);
	printf("%s: %s %s to train on", text_shown(cli_data_name(t->args, t->task)), number_int(n, units),
	        eg_task_unit(t->task, units == 1));
	if (t->has_validation)
		printf(", %s to validate", number_int(v, eg_samples_units(t->samples, EG_PART_VALIDATION)));
	printf("\n");
	train_show_losses(t);
	printf("%d thread%s, %s%s", eg_context_threads(t->ctx), eg_context_threads(t->ctx) == 1 ? "" : "s",
	        eg_context_isa(t->ctx), t->state.epoch > 0 ? "" : "\n");
	if (t->state.epoch > 0) printf("; going on after epoch %d\n", t->state.epoch);
	out_push();
}

/* "engram predict MODEL INPUT..." */
static int command(char *buf, size_t size, const cli_verb *v, const char *model) {
	const char *more = v->next_operands;
	return snprintf(buf, size, "engram %s %s%s%s", v->name, model, more ? " " : "", more ? more : "");
}

void train_show_next(const training *t) {
	const eg_task_info *task = eg_task_kind(t->task);
	const cli_verb *v;
	size_t room = strlen(t->model_path) + 64;
	char *line = cli_alloc(room);
	int width = 0;
	for (int i = 0; (v = cli_verb_at(i)); i++)
		if (v->next && (task->abilities & v->ability) == v->ability &&
		        command(line, room, v, t->model_path) > width)
			width = text_width(line);
	printf("Next:\n");
	for (int i = 0; (v = cli_verb_at(i)); i++) {
		if (!v->next || (task->abilities & v->ability) != v->ability) continue;
		command(line, room, v, t->model_path);
		printf("  %s%*s  %s\n", text_shown(line), width - text_width(line), "", *v->next ? v->next : task->answer);
	}
	free(line);
}
