/* loop.c - the training loop: epochs of updates, validation, the best weights, and which weights are left when a
 * number stops being one.
 *
 * Not here: an update (trainer.c), where samples come from (eg_dataset), what is shown (callbacks), files. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "train/evaluate.h"
#include "train/trainer.h"

#include <math.h>
#include <string.h>
#include <time.h>

typedef struct loop {
	eg_trainer *trainer;
	eg_params *params;
	eg_context *ctx;
	const eg_train_config *config; /* the trainer's */
	eg_train_state *state;
	const eg_train_callbacks *callbacks;
	bool validated;
	eg_evaluator evaluator;
	const eg_judge *judge;         /* of the validation samples; NULL: none */
	const eg_metric_info *metrics; /* that are told */
	int nmetrics;
	int from[EG_METRICS_MOST]; /* which of the training judge's each is; -1: none of them */
	int told, deciding;    /* the metric that is in results; that the best epoch goes by. -1: none, the objective */
	real *best, *own_best; /* weights of the best epoch */
	bool has_best; /* they are there: not when training goes on without the caller's copy, until it gets better */
	real *good;    /* weights after the last whole epoch, or with which the training was gone on with inside of
	                * one */
	bool resumed;  /* the epoch was gone on with */
	double began, shown, seconds; /* clock; seconds of training without validation */
	double done;                  /* predictions in this call */
} loop;

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- getting ready ----------------------------------------------------------------------------------------------- */

/* Metrics are told under the names of the validation's; what the training judge has of them is found by name. */
static void match_metrics(loop *l) {
	const eg_judge *train = l->trainer->judge, *told = l->judge && l->judge->nmetrics > 0 ? l->judge : train;
	l->nmetrics = told ? told->nmetrics : 0;
	l->metrics = told ? told->metrics : NULL;
	for (int i = 0; i < l->nmetrics; i++) {
		l->from[i] = -1;
		for (int k = 0; train && k < train->nmetrics; k++)
			if (!strcmp(train->metrics[k].name, l->metrics[i].name)) l->from[i] = k;
	}
	int best = told && told == l->judge && told->nmetrics > 0 ? told->best : -1, first = l->nmetrics ? 0 : -1;
	l->told = best >= 0 ? best : first;
	l->deciding = l->config->best == EG_BEST_OBJECTIVE                    ? -1
	              : l->config->best == EG_BEST_METRIC && told == l->judge ? l->told
	                                                                      : best;
}

static eg_status setup(loop *l, const eg_dataset *validation, eg_error *err) {
	const eg_allocator *a = l->ctx->allocator;
	const eg_train_config *c = l->config;
	size_t bytes = l->params->total * sizeof(real) + 1;
	l->judge = c->judge ? c->judge : l->trainer->own_judge;
	if (!l->judge && c->train_judge) { /* the trainer did not need it */
		eg_status status = eg_judge_default(
		        l->trainer->graph, c->objective, l->trainer->data, &l->trainer->own_judge, err);
		if (status) return status;
		l->judge = l->trainer->own_judge;
	}
	eg_status status = l->validated ? eg_evaluator_make(&l->evaluator, l->trainer->graph, l->params, c->shown,
	                                          c->batch, validation, l->judge, err)
	                                : eg_judge_check(l->trainer->graph, l->judge, err);
	if (status) return status;
	match_metrics(l);
	if (l->validated && c->best == EG_BEST_METRIC && l->deciding < 0)
		return eg_fail(err, EG_ERR_ARG,
		        "the best epoch is to be that of the best metric, but nothing is measured; take the loss");
	l->good = eg_alloc(a, bytes);
	if (l->validated && !l->state->best_weights) l->own_best = eg_alloc(a, bytes);
	l->best = l->state->best_weights ? l->state->best_weights : l->own_best;
	l->has_best = l->state->best_weights && l->state->best_epoch > 0;
	if (!l->good || (l->validated && !l->best)) return eg_fail(err, EG_ERR_MEMORY, "out of memory for training");
	return EG_OK;
}

static void take_down(loop *l) {
	eg_evaluator_free(&l->evaluator);
	eg_release(l->ctx->allocator, l->good);
	eg_release(l->ctx->allocator, l->own_best);
	eg_trainer_free(l->trainer);
}

/* ---- weights ----------------------------------------------------------------------------------------------------- */

static void copy_weights(const loop *l, real *to, const real *from) {
	memcpy(to, from, l->params->total * sizeof(real));
}
/* Those that count: the moving average, where there is one. */
static const real *current(const loop *l) { return l->trainer->average ? l->trainer->average : l->params->data; }

static bool all_finite(const real *x, size_t n) {
	for (size_t i = 0; i < n; i++)
		if (!isfinite(x[i])) return false;
	return true;
}

/* Leaves the last good weights in the parameters, and says in `kept` which they are: the best epoch's, else the last
 * whole epoch's; in the first epoch those before the update that was not made. */
static void keep_good_weights(loop *l, int epoch, char *kept, size_t size) {
	bool inside = !l->has_best && l->state->batch > 0 && l->resumed; /* of the epoch that was gone on with */
	int last = l->has_best ? l->state->best_epoch : inside ? 0 : epoch;
	unsigned long long updates = (unsigned long long)l->state->steps;
	const real *from = l->has_best ? l->best : l->good;
	if (last == 0 && updates > 0 && all_finite(current(l), l->params->total)) {
		snprintf(kept, size, "The weights are left as they were after update %llu, the last good one", updates);
		from = current(l);
	} else if (last > 0) {
		snprintf(kept, size, "The weights are set back to those after epoch %d", last);
	} else {
		snprintf(kept, size, "The weights are set back to those that the training %s with",
		        inside ? "was gone on" : "began");
	}
	if (from != l->params->data) copy_weights(l, l->params->data, from);
	eg_params_changed(l->params);
}

/* Adds to the trainer's message which weights are left, and what to try. */
static eg_status numeric(loop *l, int epoch, eg_error *err) {
	eg_error found = *err;
	char kept[96];
	keep_good_weights(l, epoch, kept, sizeof kept);
	return eg_fail(err, EG_ERR_NUMERIC,
	        "%.700s. %s. Try a smaller learning rate (now %g), clip_norm: 1, or look for wrong values in the data",
	        found.message, kept, l->trainer->lr);
}

/* ---- an epoch ---------------------------------------------------------------------------------------------------- */

typedef struct epoch_sums {
	double loss, weight; /* the objective of all predictions, and how many they are */
	double lr, norm;
} epoch_sums;

/* The training judge's values under the names that are told. */
static void train_values(const loop *l, double *values) {
	double all[EG_METRICS_MOST];
	eg_trainer_metrics(l->trainer, NULL, all);
	for (int i = 0; i < EG_METRICS_MOST; i++)
		values[i] = i < l->nmetrics && l->from[i] >= 0 ? all[l->from[i]] : (double)NAN;
}

static bool show(loop *l, int epoch, const eg_step_report *r, const epoch_sums *s) {
	double t = now();
	if (!l->callbacks || !l->callbacks->step || (t - l->shown < 0.1 && !r->last)) return true;
	l->shown = t;
	double spent = l->seconds + t - l->began, rate = spent > 0 ? l->done / spent : 0;
	double left = fmax(0, (double)(l->config->epochs - epoch) * l->trainer->batches.weight - s->weight);
	eg_progress p = {.epoch = epoch + 1,
	        .epochs = l->config->epochs,
	        .step = r->batch,
	        .steps = r->batches,
	        .loss = s->loss / s->weight,
	        .lr = s->lr,
	        .nmetrics = l->nmetrics,
	        .metrics = l->metrics,
	        .samples_per_second = rate,
	        .seconds_left = rate > 0 ? left / rate : 0};
	train_values(l, p.train);
	return l->callbacks->step(l->callbacks->user, &p);
}

static bool wants_to_stop(const loop *l) {
	return l->callbacks && l->callbacks->interrupted && l->callbacks->interrupted(l->callbacks->user);
}

static eg_status stopped(int epoch, const eg_step_report *r, eg_error *err) {
	return eg_fail(err, EG_ERR_STOPPED, "training was stopped in epoch %d after step %lld of %lld", epoch + 1,
	        (long long)r->batch, (long long)r->batches);
}

/* What was done of the epoch, so that it can be gone on with from here. */
static void note(const loop *l, const eg_step_report *r, const epoch_sums *s) {
	eg_train_state *st = l->state;
	st->batch = r->batch, st->batches = r->batches;
	st->loss_sum = s->loss, st->loss_weight = s->weight;
	st->lr = s->lr, st->grad_norm = s->norm;
	st->streams = eg_feed_streams(&l->trainer->feed, &st->nstreams);
}

static void note_end(eg_train_state *st) {
	st->batch = st->batches = 0;
	st->loss_sum = st->loss_weight = st->lr = st->grad_norm = 0;
	st->streams = NULL, st->nstreams = 0;
}

/* One update, with what the caller has to say about its gradients. */
static eg_status update(loop *l, int epoch, eg_step_report *r, epoch_sums *s, eg_error *err) {
	const eg_train_callbacks *c = l->callbacks;
	eg_status status = eg_trainer_gradients(l->trainer, r, err);
	if (!status && c && c->gradient && r->weight > 0 && !c->gradient(c->user, l->params, l->state->steps))
		return stopped(epoch, r, err);
	if (!status) status = eg_trainer_update(l->trainer, r, err);
	if (status == EG_ERR_NUMERIC) return numeric(l, epoch, err);
	if (status || !r->updated) return status;
	s->lr = r->lr;
	s->norm = r->grad_norm;
	s->loss += r->loss * r->weight;
	s->weight += r->weight;
	l->done += r->weight;
	return EG_OK;
}

static eg_status train_epoch(loop *l, int epoch, epoch_sums *s, eg_error *err) {
	const eg_train_state *st = l->state;
	eg_step_report r = {.last = st->batch > 0 && st->batch == st->batches};
	*s = (epoch_sums){st->loss_sum, st->loss_weight, st->lr, st->grad_norm};
	eg_status status = eg_trainer_resume_epoch(l->trainer, epoch, err);
	while (!status && !r.last) {
		status = update(l, epoch, &r, s, err);
		if (status) return status;
		note(l, &r, s);
		bool go_on = !(s->weight > 0) || show(l, epoch, &r, s);
		if (!go_on || wants_to_stop(l)) return stopped(epoch, &r, err);
	}
	if (status || s->weight > 0) return status;
	return eg_fail(err, EG_ERR_ARG, "the training samples hold nothing to predict: every target is negative");
}

/* ---- validation -------------------------------------------------------------------------------------------------- */

/* Is this epoch better than the best one so far? */
static bool is_better(const loop *l, const eg_epoch_report *r) {
	const eg_train_state *st = l->state;
	if (st->best_epoch == 0) return true;
	if (l->deciding >= 0) {
		double new = r->val[l->deciding], old = st->best_metric;
		if (isnan(new) != isnan(old)) return isnan(old);
		if (!isnan(new) && new != old) return l->metrics[l->deciding].lower_is_better ? new < old : new > old;
	}
	return r->val_loss < st->best_loss || (isnan(st->best_loss) && !isnan(r->val_loss));
}

/* Validation, of the average where there is one, and the bookkeeping of the best epoch. */
static eg_status validate(loop *l, int epoch, eg_epoch_report *r, eg_error *err) {
	eg_train_state *st = l->state;
	r->val_loss = NAN;
	for (int i = 0; i < EG_METRICS_MOST; i++) r->val[i] = NAN;
	if (!l->validated || !l->best) return EG_OK;
	eg_trainer_swap_average(l->trainer);
	eg_status status = eg_evaluator_run(&l->evaluator, &r->val_loss, err);
	eg_trainer_swap_average(l->trainer);
	if (status) return status;
	if (l->judge && l->judge->nmetrics > 0) eg_judge_values(l->judge, r->val);
	r->best = is_better(l, r);
	if (!r->best) {
		st->bad_epochs++;
		return EG_OK;
	}
	st->best_epoch = epoch + 1;
	st->best_metric = l->told >= 0 ? r->val[l->told] : (double)NAN;
	st->best_loss = r->val_loss;
	st->bad_epochs = 0;
	l->has_best = true;
	copy_weights(l, l->best, current(l));
	return EG_OK;
}

static bool out_of_patience(const loop *l) {
	return l->config->early_stopping > 0 && l->validated && l->state->bad_epochs >= l->config->early_stopping;
}

/* ---- the loop ---------------------------------------------------------------------------------------------------- */

static eg_status run_epochs(loop *l, eg_train_result *result, eg_error *err) {
	eg_train_state *st = l->state;
	for (int epoch = st->epoch; epoch < l->config->epochs && !out_of_patience(l); epoch++) {
		epoch_sums s;
		double before = st->loss_weight;
		copy_weights(l, l->good, current(l));
		l->resumed = st->batch > 0;
		l->began = now();
		eg_status status = train_epoch(l, epoch, &s, err);
		double seconds = now() - l->began, done = s.weight - before;
		l->seconds += seconds;
		l->began = now();
		if (status) return status;
		eg_epoch_report r = {.epoch = epoch + 1,
		        .epochs = l->config->epochs,
		        .loss = s.loss / s.weight,
		        .nmetrics = l->nmetrics,
		        .metrics = l->metrics,
		        .lr = s.lr,
		        .grad_norm = s.norm,
		        .seconds = seconds,
		        .samples_per_second = seconds > 0 ? done / seconds : 0};
		train_values(l, r.train);
		status = validate(l, epoch, &r, err);
		if (status) return status;
		eg_schedule_epoch(&l->config->schedule, &st->schedule, isnan(r.val_loss) ? r.loss : r.val_loss);
		st->epoch = epoch + 1;
		note_end(st);
		result->epochs_done = epoch + 1;
		result->loss = r.loss, result->val_loss = r.val_loss;
		if (l->told >= 0) result->train_metric = r.train[l->told], result->val_metric = r.val[l->told];
		if (l->callbacks && l->callbacks->epoch && !l->callbacks->epoch(l->callbacks->user, &r))
			return eg_fail(err, EG_ERR_STOPPED, "training was stopped after epoch %d", epoch + 1);
	}
	return EG_OK;
}

/* What is kept at the end: the best epoch's weights, or the last ones, and of these the average. */
static void choose_weights(loop *l, eg_train_result *result) {
	bool best = !l->config->keep_last && l->has_best;
	if (!best && !l->trainer->average) return;
	copy_weights(l, l->params->data, best ? l->best : l->trainer->average);
	eg_params_changed(l->params);
	if (!best) return;
	result->val_loss = l->state->best_loss;
	if (l->told >= 0) result->val_metric = l->state->best_metric;
}

eg_status eg_train(eg_graph *g, eg_params *p, const eg_train_config *config, const eg_dataset *train,
	const eg_dataset *validation, eg_optimizer *optimizer, eg_train_state *state,
	const eg_train_callbacks *callbacks, eg_train_result *result, eg_error *err) {
	eg_train_result unused;
	eg_error own;
	if (!err) err = &own;
	if (!result) result = &unused;
	*result = (eg_train_result){.loss = NAN, .val_loss = NAN, .train_metric = NAN, .val_metric = NAN};
	loop l = {.params = p, .ctx = g->ctx, .callbacks = callbacks, .validated = validation && validation->count > 0};
	l.trainer = eg_trainer_new(g, p, config, train, optimizer, state, err);
	if (!l.trainer) return err->status;
	l.config = &l.trainer->config;
	l.state = l.trainer->state;
	eg_status status = setup(&l, validation, err);
	if (!status) result->metric = l.told >= 0 ? l.metrics[l.told].name : NULL;
	if (!status) status = run_epochs(&l, result, err);
	if (!status) choose_weights(&l, result);
	result->best_epoch = l.state->best_epoch;
	result->seconds = l.seconds;
	l.state->streams = NULL, l.state->nstreams = 0; /* they are the plans' */
	take_down(&l);
	return status;
}
