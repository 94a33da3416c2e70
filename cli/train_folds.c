/* train_folds.c - engram train --folds K: K trainings, each judged by another K-th of the training samples, which it
 * has not seen; then mean and deviation of what they reached. No model comes of it.
 *
 * Samples that judge choose nothing: the last epoch's weights are judged, there is no early end, and a rate that waits
 * for the validation to get no better does not fall. */
#define _POSIX_C_SOURCE 200809L /* sigset_t */
#include "train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct folding {
	training *t;
	int folds, fold;               /* fold: 0.. */
	const eg_metric_info *metrics; /* of the judge; nmetrics of them */
	int nmetrics;
	double values[EG_METRICS_MOST], sum[EG_METRICS_MOST],
	        squares[EG_METRICS_MOST]; /* of this fold; of deviations from the first fold's, and their squares */
	double base[EG_METRICS_MOST];
	int width[EG_METRICS_MOST];
	eg_train_result result;
} folding;

/* ---- what is shown ----------------------------------------------------------------------------------------------- */

static bool on_step(void *user, const eg_progress *p) {
	const folding *f = user;
	char left[96];
	snprintf(left, sizeof left, "fold %d/%d, epoch %d/%d ", f->fold + 1, f->folds, p->epoch, p->epochs);
	train_show_bar(f->t, left, p);
	return true;
}

static void show_head(folding *f) {
	char n[NUMBER];
	const training *t = f->t;
	int64_t all = eg_samples_units(t->samples, EG_PART_TRAIN) + eg_samples_units(t->samples, EG_PART_VALIDATION);
	printf("%s: %d folds of %s %s\n", text_shown(eg_recipe_name(t->recipe)), f->folds, number_int(n, all),
	        eg_task_unit(t->task, false));
	if (t->from) fputs(t->from, stdout);
	printf("\n%9s  %6s", "fold", "epochs");
	for (int i = 0; i < f->nmetrics; i++) printf("  %*s", f->width[i], text_shown(f->metrics[i].name));
	putchar('\n');
}

static void put_metrics(const folding *f, eg_value *v, const double *values) {
	for (int i = 0; i < f->nmetrics; i++) eg_value_put_number(v, f->metrics[i].name, values[i]);
}

static void print_metrics(const folding *f, const double *values) {
	char number[NUMBER];
	for (int i = 0; i < f->nmetrics; i++)
		printf("  %*s", f->width[i], train_metric(number, &f->metrics[i], values[i]));
	putchar('\n');
}

static void show_fold(folding *f) {
	char name[NUMBER];
	const training *t = f->t;
	if (t->json) {
		eg_value *v = eg_value_new(EG_VALUE_MAP);
		eg_value_put_int(v, "fold", f->fold + 1);
		eg_value_put_int(v, "folds", f->folds);
		eg_value_put_int(v, "epochs", f->result.epochs_done);
		put_metrics(f, v, f->values);
		print_json(v);
		eg_value_free(v);
	} else if (!t->quiet) {
		if (f->fold == 0) show_head(f);
		snprintf(name, sizeof name, "%d/%d", f->fold + 1, f->folds);
		printf("%9s  %6d", name, f->result.epochs_done);
		print_metrics(f, f->values);
	}
	out_push();
}

static void show_end(const folding *f) {
	double mean[EG_METRICS_MOST], deviation[EG_METRICS_MOST];
	for (int i = 0; i < f->nmetrics; i++) {
		double n = f->folds, variance = (f->squares[i] - f->sum[i] * f->sum[i] / n) / (n - 1);
		mean[i] = f->base[i] + f->sum[i] / n;
		deviation[i] = variance > 0 ? sqrt(variance) : variance;
	}
	if (f->t->json) {
		eg_value *v = eg_value_new(EG_VALUE_MAP);
		eg_value_put_int(v, "folds", f->folds);
		put_metrics(f, eg_value_put_map(v, "mean"), mean);
		put_metrics(f, eg_value_put_map(v, "deviation"), deviation);
		print_json(v);
		eg_value_free(v);
		return;
	}
	printf("\n%17s", "mean");
	print_metrics(f, mean);
	printf("%17s", "deviation");
	print_metrics(f, deviation);
}

/* The floors' folds begin with the samples of the last one here, loaded anew. */
static void show_floors(folding *f) {
	double mean[EG_METRICS_MOST];
	for (int i = 0; i < f->nmetrics; i++) mean[i] = f->base[i] + f->sum[i] / f->folds;
	if (!train_load(f->t, f->folds, 0) || !train_network(f->t)) return;
	printf("\n");
	train_show_floors(f->t, f->folds, train_floor_value(f->t, f->metrics, f->nmetrics, mean, (double)NAN));
}

/* ---- one fold ---------------------------------------------------------------------------------------------------- */

static void add(folding *f) {
	for (int i = 0; i < f->nmetrics; i++) {
		if (f->fold == 0) f->base[i] = f->values[i];
		double d = f->values[i] - f->base[i];
		f->sum[i] += d;
		f->squares[i] += d * d;
	}
}

/* What the weights that are left reach on the samples that this fold has kept aside. */
static eg_status judge(folding *f, eg_error *err) {
	training *t = f->t;
	double loss;
	if (eg_samples_settle(t->samples, t->graph, t->params, err)) return err->status;
	eg_judge *j = eg_samples_judge(t->samples, t->graph, t->params, err);
	if (!j) return err->status;
	eg_status status = eg_evaluate(t->graph, t->params, NULL, cli_train_batch(t->recipe),
	        eg_samples_get(t->samples, EG_PART_VALIDATION), j, &loss, err);
	if (!status) j->values(j->user, f->values);
	f->metrics = j->metrics; /* the task's */
	f->nmetrics = j->nmetrics;
	for (int i = 0; i < j->nmetrics && !status; i++) {
		const char *name = j->metrics[i].name;
		if (!strcmp(name, "loss") && isnan(f->values[i]))
			f->values[i] = loss; /* the network's own, which the task does not count */
		f->width[i] = text_width(name) > 9 ? text_width(name) : 9;
	}
	eg_samples_judge_free(j);
	return status;
}

static bool run_fold(folding *f) {
	training *t = f->t;
	eg_error err;
	const eg_train_callbacks callbacks = {.user = f, .step = on_step};
	if (!train_load(t, f->folds, f->fold) || !train_network(t) || !train_judges(t)) return false;
	if (!t->has_validation) {
		fail("train", "fold %d of %d has nothing to be judged by", f->fold + 1, f->folds);
		return false;
	}
	eg_status status = eg_train(t->graph, t->params, &t->config, eg_samples_get(t->samples, EG_PART_TRAIN),
	        NULL, NULL, NULL, &callbacks, &f->result, &err);
	if (t->live) bar_clear(stdout);
	if (!status) status = judge(f, &err);
	if (status) fail("train", "fold %d of %d: %s", f->fold + 1, f->folds, err.message);
	return !status;
}

int train_folds(training *t, int folds) {
	folding f = {.t = t, .folds = folds};
	bool ok = true;
	for (f.fold = 0; f.fold < folds && ok; f.fold++) {
		ok = run_fold(&f);
		if (ok) {
			add(&f);
			show_fold(&f);
		}
		train_drop(t);
	}
	if (ok && (t->json || !t->quiet)) show_end(&f);
	if (ok && !t->json && !t->quiet) show_floors(&f);
	train_drop(t);
	return ok ? CLI_OK : CLI_FAILED;
}
