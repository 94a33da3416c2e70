/* loop.c - the training loop: epochs, batches, validation, the best weights, and what happens when a number stops being one.
 *
 * Not here: where samples come from (eg_dataset), what is shown (callbacks), files. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "core/params.h"
#include "engram_train.h"

#include <math.h>
#include <string.h>
#include <time.h>

enum { MAX_INPUTS = 8, EVAL_BATCH = 256 };

typedef struct loop {
	eg_graph *graph;
	eg_params *params;
	eg_context *ctx;
	eg_train_config config;
	const eg_dataset *data, *validation;
	const eg_train_callbacks *callbacks;
	eg_optimizer *optimizer, *own_optimizer;
	eg_train_state *state, own_state;
	eg_plan_cache *plans, *eval_plans;
	uint32_t *order;
	real *best, *own_best;    /* weights of the best epoch */
	bool has_best;            /* they are there: not when training goes on without the caller's copy, until it gets better */
	real *good;               /* weights after the last whole epoch */
	bool has_logits;
	double began, shown, seconds; /* clock; seconds of training without validation */
	int64_t done;                 /* samples in this call */
} loop;

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool has_output(const eg_graph *g, const char *name) {
	for (int i = 0; i < g->noutputs; i++)
		if (!strcmp(g->outputs[i].name, name)) return true;
	return false;
}

static int batch_of(const loop *l) { return l->config.batch > 0 ? l->config.batch : 32; }
static int epochs_of(const loop *l) { return l->config.epochs > 0 ? l->config.epochs : 10; }

/* ---- one batch --------------------------------------------------------------------------------------------------------------------------- */

static eg_status fill(eg_plan *plan, const eg_dataset *d, const uint32_t *items, int n, void **target, eg_error *err) {
	void *slots[MAX_INPUTS];
	int k = 0;
	for (; d->inputs[k]; k++) {
		if (k == MAX_INPUTS) return eg_fail(err, EG_ERR_ARG, "a data set may fill at most %d inputs", MAX_INPUTS);
		slots[k] = eg_plan_input(plan, d->inputs[k]);
		if (!slots[k]) return eg_fail(err, EG_ERR_ARG, "the data set fills '%s', but the graph has no such input, or does not use it", d->inputs[k]);
	}
	if (k == 0) return eg_fail(err, EG_ERR_ARG, "the data set fills no input");
	*target = slots[k - 1];
	return d->fill(d->user, items, n, slots, err);
}

static int count_right(const real *logits, const int32_t *labels, int n, int classes) {
	int right = 0;
	for (int i = 0; i < n; i++) {
		const real *x = logits + (ptrdiff_t)i * classes;
		int best = 0;
		for (int k = 1; k < classes; k++)
			if (x[k] > x[best]) best = k;
		right += best == labels[i];
	}
	return right;
}

static int classes_of(const eg_graph *g) {
	eg_dims d = eg_tensor_dims(g, eg_graph_find(g, "logits"));
	return d.rank == 2 ? (int)d.d[1] : 0;
}

/* ---- evaluation ---------------------------------------------------------------------------------------------------------------------------- */

static eg_status evaluate(eg_plan_cache *plans, int batch, const eg_dataset *data, int classes, double *loss, eg_confusion *confusion, int64_t *right,
	eg_error *err) {
	double sum = 0;
	uint32_t items[EVAL_BATCH];
	if (batch > EVAL_BATCH) batch = EVAL_BATCH;
	*right = 0;
	for (int64_t at = 0; at < data->count; at += batch) {
		int n = (int)(data->count - at < batch ? data->count - at : batch);
		void *target;
		eg_plan *plan = eg_plan_cache_get(plans, n);
		if (!plan) return err->status;
		for (int i = 0; i < n; i++) items[i] = (uint32_t)(at + i);
		eg_status s = fill(plan, data, items, n, &target, err);
		if (s) return s;
		eg_plan_run(plan, 0);
		sum += (double)*eg_plan_output(plan, "loss") * n;
		if (!classes) continue;
		const real *logits = eg_plan_output(plan, "logits");
		*right += count_right(logits, target, n, classes);
		if (confusion) eg_confusion_add(confusion, logits, target, n);
	}
	*loss = data->count ? sum / (double)data->count : NAN;
	return EG_OK;
}

static const char *const with_logits[] = {"loss", "logits", NULL}, *const loss_only[] = {"loss", NULL};

eg_status eg_evaluate(eg_graph *g, eg_params *p, int batch, const eg_dataset *data, double *loss, eg_confusion *confusion) {
	eg_error *err = &g->ctx->error;
	int classes = has_output(g, "logits") ? classes_of(g) : 0;
	int64_t right;
	if (confusion && eg_confusion_classes(confusion) != classes)
		return eg_fail(err, EG_ERR_SHAPE, "a confusion matrix of %d classes for a network with %d", eg_confusion_classes(confusion), classes);
	eg_plan_cache *plans = eg_plan_cache_new(g, p, &(eg_plan_options){.batch = 1, .outputs = classes ? with_logits : loss_only});
	if (!plans) return err->status;
	eg_status s = evaluate(plans, batch > 0 ? batch : EVAL_BATCH, data, classes, loss, confusion, &right, err);
	eg_plan_cache_free(plans);
	return s;
}

/* ---- the loop -------------------------------------------------------------------------------------------------------------------------------- */

static eg_status setup(loop *l) {
	eg_error *err = &l->ctx->error;
	const eg_allocator *a = l->ctx->allocator;
	size_t bytes = l->params->total * sizeof(real) + 1;
	if (!has_output(l->graph, "loss")) return eg_fail(err, EG_ERR_ARG, "the graph has no output 'loss'; declare it with eg_output");
	if (l->data->count < 1) return eg_fail(err, EG_ERR_ARG, "the training set is empty");
	if (l->data->count > UINT32_MAX) return eg_fail(err, EG_ERR_ARG, "more than 2^32 training samples");
	l->has_logits = has_output(l->graph, "logits") && classes_of(l->graph) > 0;
	eg_plan_options o = {.batch = 1, .train = true, .outputs = l->has_logits ? with_logits : loss_only, .seed = l->config.seed};
	l->plans = eg_plan_cache_new(l->graph, l->params, &o);
	o.train = false;
	l->eval_plans = eg_plan_cache_new(l->graph, l->params, &o);
	l->order = eg_calloc(a, (size_t)l->data->count, sizeof *l->order);
	l->good = eg_alloc(a, bytes);
	if (l->validation && !l->state->best_weights) l->own_best = eg_alloc(a, bytes);
	l->best = l->state->best_weights ? l->state->best_weights : l->own_best;
	l->has_best = l->state->best_weights && l->state->best_epoch > 0;
	if (!l->plans || !l->eval_plans || !l->order || !l->good || (l->validation && !l->best))
		return eg_fail(err, EG_ERR_MEMORY, "out of memory for training");
	if (!l->optimizer) l->optimizer = l->own_optimizer = eg_optimizer_new(l->params, &l->config.optimizer);
	return l->optimizer ? EG_OK : err->status;
}

static void take_down(loop *l) {
	const eg_allocator *a = l->ctx->allocator;
	eg_optimizer_free(l->own_optimizer);
	eg_plan_cache_free(l->plans);
	eg_plan_cache_free(l->eval_plans);
	eg_release(a, l->order);
	eg_release(a, l->good);
	eg_release(a, l->own_best);
}

static void copy_weights(const loop *l, real *to, const real *from) { memcpy(to, from, l->params->total * sizeof(real)); }

/* "a batch of 64 samples: 48181, 3, 901, ...", into buf. */
static const char *name_samples(char *buf, size_t size, const uint32_t *items, int n) {
	int used = snprintf(buf, size, "a batch of %d sample%s:", n, n == 1 ? "" : "s");
	for (int i = 0; i < n && i < 3; i++) used += snprintf(buf + used, size - (size_t)used, "%s %u", i ? "," : "", items[i]);
	if (n > 3) snprintf(buf + used, size - (size_t)used, ", ...");
	return buf;
}

static bool all_finite(const real *x, size_t n) {
	for (size_t i = 0; i < n; i++)
		if (!isfinite(x[i])) return false;
	return true;
}

/* Leaves the last good weights in the parameters, and says in `kept` which they are: the best epoch's, else the last whole epoch's; in
 * the first epoch those before the update that was not made. */
static void keep_good_weights(loop *l, int epoch, char *kept, size_t size) {
	int last = l->has_best ? l->state->best_epoch : epoch;
	unsigned long long updates = (unsigned long long)l->state->steps;
	if (last == 0 && updates > 0 && all_finite(l->params->data, l->params->total)) {
		snprintf(kept, size, "The weights are left as they were after update %llu, the last good one", updates);
		return;
	}
	if (last > 0) snprintf(kept, size, "The weights are set back to those after epoch %d", last);
	else snprintf(kept, size, "The weights are set back to those that the training began with");
	copy_weights(l, l->params->data, l->has_best ? l->best : l->good);
	eg_params_changed(l->params);
}

/* Says which layer, step and samples, and what to try. */
static eg_status numeric(loop *l, eg_plan *plan, int epoch, int64_t step, const uint32_t *items, int n, double lr) {
	eg_error *err = &l->ctx->error;
	eg_error found;
	char samples[96], kept[96];
	if (eg_plan_diagnose(plan, l->state->steps, &found) == EG_OK) snprintf(found.message, sizeof found.message, "the loss or the gradient is not finite");
	keep_good_weights(l, epoch, kept, sizeof kept);
	return eg_fail(err, EG_ERR_NUMERIC,
		"epoch %d, step %lld (update %llu, %s): %s. %s. Try a smaller learning rate (now %g), clip_norm: 1, or look for wrong values in the data",
		epoch + 1, (long long)step + 1, (unsigned long long)l->state->steps + 1, name_samples(samples, sizeof samples, items, n), found.message,
		kept, lr);
}

typedef struct epoch_sums {
	double loss;
	int64_t right, samples;
	double lr, norm;
} epoch_sums;

static bool show(loop *l, int epoch, int64_t step, int64_t steps, const epoch_sums *s) {
	double t = now();
	if (!l->callbacks || !l->callbacks->step || (t - l->shown < 0.1 && step < steps)) return true;
	l->shown = t;
	double spent = l->seconds + t - l->began, rate = spent > 0 ? (double)l->done / spent : 0;
	double left = (double)(epochs_of(l) - epoch) * (double)l->data->count - (double)s->samples;
	eg_progress p = {.epoch = epoch + 1, .epochs = epochs_of(l), .step = step, .steps = steps, .loss = s->loss / (double)s->samples,
		.accuracy = l->has_logits ? (double)s->right / (double)s->samples : NAN, .lr = s->lr, .samples_per_second = rate,
		.seconds_left = rate > 0 ? left / rate : 0};
	return l->callbacks->step(l->callbacks->user, &p);
}

static eg_status train_epoch(loop *l, int epoch, epoch_sums *s) {
	const eg_dataset *d = l->data;
	eg_error *err = &l->ctx->error;
	int batch = batch_of(l), classes = l->has_logits ? classes_of(l->graph) : 0;
	int64_t steps = (d->count + batch - 1) / batch;
	*s = (epoch_sums){0};
	for (int64_t i = 0; i < d->count; i++) l->order[i] = (uint32_t)i;
	eg_rng_shuffle((eg_rng){l->config.seed, eg_stream(EG_RNG_SHUFFLE, 0, (uint64_t)epoch)}, l->order, (size_t)d->count);
	for (int64_t k = 0; k < steps; k++) {
		const uint32_t *items = l->order + k * batch;
		int n = (int)(d->count - k * batch < batch ? d->count - k * batch : batch);
		void *target;
		eg_plan *plan = eg_plan_cache_get(l->plans, n);
		if (!plan) return err->status;
		eg_status status = fill(plan, d, items, n, &target, err);
		if (status) return status;
		s->lr = eg_schedule_lr(&l->config.schedule, &l->state->schedule, eg_optimizer_lr(l->optimizer), epoch + (double)k / (double)steps, epochs_of(l));
		eg_plan_run(plan, l->state->steps);
		double loss = (double)*eg_plan_output(plan, "loss");
		if (!isfinite(loss) || eg_optimizer_step(l->optimizer, s->lr, &s->norm)) return numeric(l, plan, epoch, k, items, n, s->lr);
		l->state->steps++;
		s->loss += loss * n;
		s->samples += n;
		l->done += n;
		if (classes) s->right += count_right(eg_plan_output(plan, "logits"), target, n, classes);
		bool go_on = show(l, epoch, k + 1, steps, s);
		if (!go_on || (l->callbacks && l->callbacks->interrupted && l->callbacks->interrupted(l->callbacks->user)))
			return eg_fail(err, EG_ERR_STOPPED, "training was stopped in epoch %d after step %lld of %lld", epoch + 1, (long long)k + 1, (long long)steps);
	}
	return EG_OK;
}

/* Validation and the bookkeeping of the best epoch. */
static eg_status judge(loop *l, int epoch, eg_epoch_report *r) {
	eg_train_state *st = l->state;
	int64_t right = 0;
	int classes = l->has_logits ? classes_of(l->graph) : 0;
	r->val_loss = r->val_accuracy = NAN;
	if (!l->validation || !l->best) return EG_OK;
	eg_status status = evaluate(l->eval_plans, batch_of(l), l->validation, classes, &r->val_loss, NULL, &right, &l->ctx->error);
	if (status) return status;
	if (classes) r->val_accuracy = (double)right / (double)l->validation->count;
	double score = classes ? r->val_accuracy : 0;
	r->best = st->best_epoch == 0 || score > st->best_accuracy || (score == st->best_accuracy && r->val_loss < st->best_loss);
	if (r->best) {
		st->best_epoch = epoch + 1;
		st->best_accuracy = score;
		st->best_loss = r->val_loss;
		st->bad_epochs = 0;
		l->has_best = true;
		copy_weights(l, l->best, l->params->data);
	} else {
		st->bad_epochs++;
	}
	return EG_OK;
}

static bool out_of_patience(const loop *l) {
	return l->config.early_stopping > 0 && l->validation && l->state->bad_epochs >= l->config.early_stopping;
}

static eg_status run_epochs(loop *l, eg_train_result *result) {
	eg_train_state *st = l->state;
	for (int epoch = st->epoch; epoch < epochs_of(l) && !out_of_patience(l); epoch++) {
		epoch_sums s;
		copy_weights(l, l->good, l->params->data);
		l->began = now();
		eg_status status = train_epoch(l, epoch, &s);
		double seconds = now() - l->began;
		l->seconds += seconds;
		l->began = now();
		if (status) return status;
		double n = (double)s.samples;
		eg_epoch_report r = {.epoch = epoch + 1, .epochs = epochs_of(l), .loss = s.loss / n, .accuracy = l->has_logits ? (double)s.right / n : NAN,
			.lr = s.lr, .grad_norm = s.norm, .seconds = seconds, .samples_per_second = seconds > 0 ? n / seconds : 0};
		status = judge(l, epoch, &r);
		if (status) return status;
		eg_schedule_epoch(&l->config.schedule, &st->schedule, isnan(r.val_loss) ? r.loss : r.val_loss);
		st->epoch = epoch + 1;
		*result = (eg_train_result){.epochs_done = epoch + 1, .best_epoch = st->best_epoch, .loss = r.loss, .accuracy = r.accuracy,
			.val_loss = r.val_loss, .val_accuracy = r.val_accuracy};
		if (l->callbacks && l->callbacks->epoch && !l->callbacks->epoch(l->callbacks->user, &r))
			return eg_fail(&l->ctx->error, EG_ERR_STOPPED, "training was stopped after epoch %d", epoch + 1);
	}
	return EG_OK;
}

eg_status eg_train(eg_graph *g, eg_params *p, const eg_train_config *config, const eg_dataset *train, const eg_dataset *validation,
	eg_optimizer *optimizer, eg_train_state *state, const eg_train_callbacks *callbacks, eg_train_result *result) {
	eg_train_result unused;
	loop l = {.graph = g, .params = p, .ctx = g->ctx, .config = config ? *config : (eg_train_config){0}, .data = train,
		.validation = validation && validation->count > 0 ? validation : NULL, .callbacks = callbacks, .optimizer = optimizer};
	l.state = state ? state : &l.own_state;
	if (!result) result = &unused;
	*result = (eg_train_result){.loss = NAN, .accuracy = NAN, .val_loss = NAN, .val_accuracy = NAN};
	eg_status status = setup(&l);
	if (!status) status = run_epochs(&l, result);
	if (!status && !l.config.keep_last && l.has_best) {
		copy_weights(&l, p->data, l.best);
		eg_params_changed(p);
		result->val_loss = l.state->best_loss;
		if (l.has_logits) result->val_accuracy = l.state->best_accuracy;
	}
	result->best_epoch = l.state->best_epoch;
	result->seconds = l.seconds;
	take_down(&l);
	return status;
}
