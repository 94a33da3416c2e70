/* loop.c - the training loop: epochs, updates, validation, the best weights, and what happens when a number stops being one.
 *
 * Not here: where samples come from (eg_dataset), which of them make a batch (batches.c), what is shown (callbacks), files. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "core/plan.h"
#include "engram_train.h"
#include "train/batches.h"

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
	eg_batches batches, eval_batches;
	real *best, *own_best;    /* weights of the best epoch */
	bool has_best;            /* they are there: not when training goes on without the caller's copy, until it gets better */
	real *good;               /* weights after the last whole epoch */
	int classes;              /* that "logits" and the target tell apart; 0: no accuracy */
	bool by_accuracy;         /* the best epoch is the one of the highest accuracy, else of the lowest loss */
	double began, shown, seconds; /* clock; seconds of training without validation */
	double done;                  /* predictions in this call */
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

static const char *const with_logits[] = {"loss", "logits", NULL}, *const loss_only[] = {"loss", NULL};

static eg_tensor target_of(const eg_graph *g, const eg_dataset *d) {
	int k = 0;
	while (d->inputs[k]) k++;
	return k ? eg_graph_find(g, d->inputs[k - 1]) : (eg_tensor){0};
}

/* How many classes "logits" tells apart: (N, classes) or (T, N, classes), with a target that holds a class number for each row. 0: none. */
static int classes_of(const eg_graph *g, const eg_dataset *d) {
	eg_tensor target = target_of(g, d);
	if (!has_output(g, "logits") || !target.id || eg_tensor_dtype(g, target) != EG_I32) return 0;
	eg_dims x = eg_tensor_dims(g, eg_graph_find(g, "logits")), t = eg_tensor_dims(g, target);
	if (t.rank != x.rank - 1 || !(x.rank == 2 || (x.rank == 3 && x.d[0] == EG_T)) || x.d[x.rank - 1] < 1) return 0;
	for (int i = 0; i < t.rank; i++)
		if (t.d[i] != x.d[i]) return 0;
	return (int)x.d[x.rank - 1];
}

/* The steps of each sample, for a network that asks for them. */
static void fill_lengths(int32_t *lengths, const eg_dataset *d, const eg_batch *b) {
	for (int i = 0; i < b->n; i++) lengths[i] = d->time_of ? d->time_of(d->user, b->items[i]) : d->time;
}

/* Nothing that the network takes may be left as it was: what the data set does not fill are lengths, or an error. */
static eg_status fill_others(const eg_graph *g, eg_plan *plan, const eg_dataset *d, const eg_batch *b, eg_error *err) {
	for (int i = 0; i < g->nvalues; i++) {
		const char *name = g->values[i].name;
		int k = 0;
		if (!name || !eg_plan_input(plan, name)) continue;
		while (d->inputs[k] && strcmp(d->inputs[k], name) != 0) k++;
		if (d->inputs[k]) continue;
		if (d->time < 1 || strcmp(name, "lengths") != 0 || g->values[i].type != EG_I32 || g->values[i].dims.rank != 1)
			return eg_fail(err, EG_ERR_ARG, "the network takes an input '%s', which the data set does not fill", name);
		fill_lengths(eg_plan_input(plan, name), d, b);
	}
	return EG_OK;
}

static eg_status fill(const eg_graph *g, eg_plan *plan, const eg_dataset *d, const eg_batch *b, void **target, eg_error *err) {
	void *slots[MAX_INPUTS];
	int k = 0;
	for (; d->inputs[k]; k++) {
		if (k == MAX_INPUTS) return eg_fail(err, EG_ERR_ARG, "a data set may fill at most %d inputs", MAX_INPUTS);
		slots[k] = eg_plan_input(plan, d->inputs[k]);
		if (!slots[k]) return eg_fail(err, EG_ERR_ARG, "the data set fills '%s', but the graph has no such input, or does not use it", d->inputs[k]);
	}
	if (k == 0) return eg_fail(err, EG_ERR_ARG, "the data set fills no input");
	*target = slots[k - 1];
	if (fill_others(g, plan, d, b, err)) return err->status;
	eg_status status = d->fill(d->user, b->items, b->n, b->time, slots, err);
	return status && !err->status ? eg_fail(err, status, "the data set could not fill a batch, and does not say why") : status;
}

/* The state of the streams goes on from the plan of the batch before, or, at the beginning (NULL), is zero. */
static void carry_state(eg_plan *plan, eg_plan *before) {
	size_t n = 0;
	real *state = eg_plan_state(plan, &n);
	if (!state || plan == before) return;
	if (before) memcpy(state, eg_plan_state(before, &n), n * sizeof *state);
	else memset(state, 0, n * sizeof *state);
}

/* A batch in its plan, ready to run. */
typedef struct ready {
	eg_plan *plan;
	void *target;
	int64_t rows, asked; /* class numbers in the target, and those of them that are there; 0 without classes */
} ready;

static eg_status make_ready(ready *r, eg_plan_cache *plans, const eg_graph *g, const eg_dataset *d, const eg_batch *b, int classes, eg_error *err) {
	eg_plan *before = r->plan;
	*r = (ready){.plan = eg_plan_cache_get(plans, b->n, b->time, NULL, err)};
	if (!r->plan) return err->status;
	if (d->streams) carry_state(r->plan, before);
	eg_status status = fill(g, r->plan, d, b, &r->target, err);
	if (status || !classes) return status;
	eg_dims t = eg_plan_dims(r->plan, target_of(g, d));
	r->rows = 1;
	for (int i = 0; i < t.rank; i++) r->rows *= t.d[i];
	for (int64_t i = 0; i < r->rows; i++) r->asked += ((const int32_t *)r->target)[i] >= 0;
	return EG_OK;
}

/* Is there anything to predict? The mean over nothing is not a number. */
static bool is_empty(const ready *r, const eg_batch *b) { return !(b->weight > 0) || (r->rows > 0 && r->asked == 0); }

static int64_t count_right(const ready *r, int classes) {
	const real *logits = eg_plan_output(r->plan, "logits");
	const int32_t *labels = r->target;
	int64_t right = 0;
	for (int64_t i = 0; i < r->rows; i++) {
		const real *x = logits + i * classes;
		int best = 0;
		if (labels[i] < 0) continue;
		for (int k = 1; k < classes; k++)
			if (x[k] > x[best]) best = k;
		right += best == labels[i];
	}
	return right;
}

/* ---- evaluation ---------------------------------------------------------------------------------------------------------------------------- */

typedef struct score {
	double loss, accuracy; /* NAN: no predictions, no classes */
} score;

static eg_status evaluate(eg_plan_cache *plans, const eg_graph *g, const eg_batches *batches, int classes, eg_confusion *confusion, score *out,
	eg_error *err) {
	double sum = 0, weight = 0;
	int64_t right = 0, asked = 0;
	ready r = {0};
	for (int64_t k = 0; k < batches->count; k++) {
		eg_batch b = eg_batches_get(batches, k);
		eg_status s = make_ready(&r, plans, g, batches->data, &b, classes, err);
		if (s) return s;
		bool empty = is_empty(&r, &b);
		if (!empty || batches->data->streams) eg_plan_run(r.plan, 0); /* a stream's state goes on all the same */
		if (empty) continue;
		sum += (double)*eg_plan_output(r.plan, "loss") * b.weight;
		weight += b.weight;
		if (!classes) continue;
		right += count_right(&r, classes);
		asked += r.asked;
		if (confusion) eg_confusion_add(confusion, eg_plan_output(r.plan, "logits"), r.target, (int)r.rows);
	}
	out->loss = weight > 0 ? sum / weight : (double)NAN;
	out->accuracy = asked ? (double)right / (double)asked : (double)NAN;
	return EG_OK;
}

static int eval_batch(int batch) { return batch > 0 && batch < EVAL_BATCH ? batch : EVAL_BATCH; }

eg_status eg_evaluate(eg_graph *g, eg_params *p, int batch, const eg_dataset *data, double *loss, eg_confusion *confusion,
	eg_error *err) {
	eg_error own;
	if (!err) err = &own;
	*err = (eg_error){0};
	int classes = classes_of(g, data);
	score result = {0};
	eg_batches batches = {0};
	if (confusion && eg_confusion_classes(confusion) != classes)
		return eg_fail(err, EG_ERR_SHAPE, "a confusion matrix of %d classes for a network with %d", eg_confusion_classes(confusion), classes);
	eg_status s = eg_batches_make(&batches, g->ctx->allocator, data, eval_batch(batch), err);
	eg_plan_options o = {.batch = 1, .time = data->time, .carry = data->streams > 0, .outputs = classes ? with_logits : loss_only};
	eg_plan_cache *plans = s ? NULL : eg_plan_cache_new(g, p, &o, err);
	if (!s && !plans) s = err->status;
	if (!s) s = evaluate(plans, g, &batches, classes, confusion, &result, err);
	if (!s) *loss = result.loss;
	eg_plan_cache_free(plans);
	eg_batches_free(&batches);
	return s;
}

/* ---- the loop -------------------------------------------------------------------------------------------------------------------------------- */

static eg_status make_batches(loop *l, eg_error *err) {
	const eg_allocator *a = l->ctx->allocator;
	eg_status status = eg_batches_make(&l->batches, a, l->data, batch_of(l), err);
	if (!status && l->validation) status = eg_batches_make(&l->eval_batches, a, l->validation, eval_batch(batch_of(l)), err);
	if (!status && !(l->batches.weight > 0)) return eg_fail(err, EG_ERR_ARG, "the training samples hold nothing to predict");
	return status;
}

static eg_status setup(loop *l, eg_error *err) {
	const eg_allocator *a = l->ctx->allocator;
	size_t bytes = l->params->total * sizeof(real) + 1;
	if (!has_output(l->graph, "loss")) return eg_fail(err, EG_ERR_ARG, "the graph has no output 'loss'; declare it with eg_output");
	if (l->data->count < 1) return eg_fail(err, EG_ERR_ARG, "the training set is empty");
	eg_status status = make_batches(l, err);
	if (status) return status;
	l->classes = classes_of(l->graph, l->data);
	bool samples = l->classes && eg_tensor_dims(l->graph, eg_graph_find(l->graph, "logits")).rank == 2;
	l->by_accuracy = l->classes && (l->config.best == EG_BEST_ACCURACY || (l->config.best == EG_BEST_DEFAULT && samples));
	eg_plan_options o = {.batch = 1, .time = l->data->time, .carry = l->data->streams > 0, .train = true,
		.outputs = l->classes ? with_logits : loss_only, .seed = l->config.seed, .checkpoint_time = l->config.checkpoint_time};
	l->plans = eg_plan_cache_new(l->graph, l->params, &o, err);
	o.train = false;
	o.carry = l->validation && l->validation->streams > 0;
	l->eval_plans = eg_plan_cache_new(l->graph, l->params, &o, err);
	l->good = eg_alloc(a, bytes);
	if (l->validation && !l->state->best_weights) l->own_best = eg_alloc(a, bytes);
	l->best = l->state->best_weights ? l->state->best_weights : l->own_best;
	l->has_best = l->state->best_weights && l->state->best_epoch > 0;
	if (!l->plans || !l->eval_plans || !l->good || (l->validation && !l->best))
		return eg_fail(err, EG_ERR_MEMORY, "out of memory for training");
	if (!l->optimizer) l->optimizer = l->own_optimizer = eg_optimizer_new(l->params, &l->config.optimizer, err);
	return l->optimizer ? EG_OK : err->status;
}

static void take_down(loop *l) {
	const eg_allocator *a = l->ctx->allocator;
	eg_optimizer_free(l->own_optimizer);
	eg_plan_cache_free(l->plans);
	eg_plan_cache_free(l->eval_plans);
	eg_batches_free(&l->batches);
	eg_batches_free(&l->eval_batches);
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
static eg_status numeric(loop *l, eg_plan *plan, int epoch, int64_t step, const uint32_t *items, int n, double lr,
	eg_error *err) {
	eg_error found;
	char samples[96], kept[96];
	if (eg_plan_diagnose(plan, l->state->steps, &found) == EG_OK) snprintf(found.message, sizeof found.message, "the loss or the gradient is not finite");
	if (plan->updates_state) eg_params_restore_state(l->params); /* the update was not made: its batch shall not count either */
	keep_good_weights(l, epoch, kept, sizeof kept);
	return eg_fail(err, EG_ERR_NUMERIC,
		"epoch %d, step %lld (update %llu, %s): %s. %s. Try a smaller learning rate (now %g), clip_norm: 1, or look for wrong values in the data",
		epoch + 1, (long long)step + 1, (unsigned long long)l->state->steps + 1, name_samples(samples, sizeof samples, items, n), found.message,
		kept, lr);
}

typedef struct epoch_sums {
	double loss, weight; /* the loss of all predictions, and how many they are */
	int64_t right, asked;
	double lr, norm;
} epoch_sums;

static double share(int64_t a, int64_t b) { return b ? (double)a / (double)b : (double)NAN; }

static bool show(loop *l, int epoch, int64_t step, int64_t steps, const epoch_sums *s) {
	double t = now();
	if (!l->callbacks || !l->callbacks->step || (t - l->shown < 0.1 && step < steps)) return true;
	l->shown = t;
	double spent = l->seconds + t - l->began, rate = spent > 0 ? l->done / spent : 0;
	double left = fmax(0, (double)(epochs_of(l) - epoch) * l->batches.weight - s->weight);
	eg_progress p = {.epoch = epoch + 1, .epochs = epochs_of(l), .step = step, .steps = steps, .loss = s->loss / s->weight,
		.accuracy = share(s->right, s->asked), .lr = s->lr, .samples_per_second = rate, .seconds_left = rate > 0 ? left / rate : 0};
	return l->callbacks->step(l->callbacks->user, &p);
}

/* Forward, backward and the update. */
static eg_status update(loop *l, int epoch, int64_t k, const eg_batch *b, const ready *r, epoch_sums *s, eg_error *err) {
	s->lr = eg_schedule_lr(&l->config.schedule, &l->state->schedule, eg_optimizer_lr(l->optimizer),
		epoch + (double)k / (double)l->batches.count, epochs_of(l));
	eg_plan_run(r->plan, l->state->steps);
	double loss = (double)*eg_plan_output(r->plan, "loss");
	if (!isfinite(loss) || eg_optimizer_step(l->optimizer, s->lr, &s->norm, NULL))
		return numeric(l, r->plan, epoch, k, b->items, b->n, s->lr, err);
	l->state->steps++;
	s->loss += loss * b->weight;
	s->weight += b->weight;
	l->done += b->weight;
	if (l->classes) s->right += count_right(r, l->classes), s->asked += r->asked;
	return EG_OK;
}

static bool wants_to_stop(const loop *l) {
	return l->callbacks && l->callbacks->interrupted && l->callbacks->interrupted(l->callbacks->user);
}

/* Streams that begin anew at piece k, so that the network learns what to do with a state of zero. */
static void forget_some(const loop *l, eg_plan *plan, int epoch, int64_t k) {
	const eg_rng r = {l->config.seed, eg_stream(EG_RNG_SHUFFLE, 1, (uint64_t)epoch)};
	for (int i = 0; i < l->data->streams; i++)
		if (eg_rng_uniform(r, (uint64_t)(k * l->data->streams + i)) < l->config.forget) eg_plan_forget(plan, i);
}

static eg_status train_epoch(loop *l, int epoch, epoch_sums *s, eg_error *err) {
	int64_t steps = l->batches.count;
	ready r = {0};
	*s = (epoch_sums){0};
	eg_batches_shuffle(&l->batches, l->config.seed, epoch);
	for (int64_t k = 0; k < steps; k++) {
		eg_batch b = eg_batches_get(&l->batches, k);
		eg_status status = make_ready(&r, l->plans, l->graph, l->data, &b, l->classes, err);
		if (!status && l->config.forget > 0) forget_some(l, r.plan, epoch, k);
		if (!status && !is_empty(&r, &b)) status = update(l, epoch, k, &b, &r, s, err);
		else if (!status && l->data->streams) eg_plan_run(r.plan, l->state->steps); /* the state goes on, nothing is learnt */
		if (status) return status;
		bool go_on = !(s->weight > 0) || show(l, epoch, k + 1, steps, s);
		if (!go_on || wants_to_stop(l))
			return eg_fail(err, EG_ERR_STOPPED, "training was stopped in epoch %d after step %lld of %lld", epoch + 1, (long long)k + 1, (long long)steps);
	}
	return s->weight > 0 ? EG_OK : eg_fail(err, EG_ERR_ARG, "the training samples hold nothing to predict: every target is negative");
}

/* Is this epoch better than the best one so far? */
static bool is_better(const loop *l, const eg_epoch_report *r) {
	const eg_train_state *st = l->state;
	if (st->best_epoch == 0) return true;
	if (l->by_accuracy && r->val_accuracy != st->best_accuracy) return r->val_accuracy > st->best_accuracy;
	return r->val_loss < st->best_loss || (isnan(st->best_loss) && !isnan(r->val_loss));
}

/* Validation and the bookkeeping of the best epoch. */
static eg_status judge(loop *l, int epoch, eg_epoch_report *r, eg_error *err) {
	eg_train_state *st = l->state;
	score result;
	r->val_loss = r->val_accuracy = NAN;
	if (!l->validation || !l->best) return EG_OK;
	eg_status status = evaluate(l->eval_plans, l->graph, &l->eval_batches, l->classes, NULL, &result, err);
	if (status) return status;
	r->val_loss = result.loss;
	r->val_accuracy = result.accuracy;
	r->best = is_better(l, r);
	if (r->best) {
		st->best_epoch = epoch + 1;
		st->best_accuracy = isnan(r->val_accuracy) ? 0 : r->val_accuracy;
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

static eg_status run_epochs(loop *l, eg_train_result *result, eg_error *err) {
	eg_train_state *st = l->state;
	for (int epoch = st->epoch; epoch < epochs_of(l) && !out_of_patience(l); epoch++) {
		epoch_sums s;
		copy_weights(l, l->good, l->params->data);
		l->began = now();
		eg_status status = train_epoch(l, epoch, &s, err);
		double seconds = now() - l->began;
		l->seconds += seconds;
		l->began = now();
		if (status) return status;
		eg_epoch_report r = {.epoch = epoch + 1, .epochs = epochs_of(l), .loss = s.loss / s.weight, .accuracy = share(s.right, s.asked),
			.lr = s.lr, .grad_norm = s.norm, .seconds = seconds, .samples_per_second = seconds > 0 ? s.weight / seconds : 0};
		status = judge(l, epoch, &r, err);
		if (status) return status;
		eg_schedule_epoch(&l->config.schedule, &st->schedule, isnan(r.val_loss) ? r.loss : r.val_loss);
		st->epoch = epoch + 1;
		*result = (eg_train_result){.epochs_done = epoch + 1, .best_epoch = st->best_epoch, .loss = r.loss, .accuracy = r.accuracy,
			.val_loss = r.val_loss, .val_accuracy = r.val_accuracy};
		if (l->callbacks && l->callbacks->epoch && !l->callbacks->epoch(l->callbacks->user, &r))
			return eg_fail(err, EG_ERR_STOPPED, "training was stopped after epoch %d", epoch + 1);
	}
	return EG_OK;
}

eg_status eg_train(eg_graph *g, eg_params *p, const eg_train_config *config, const eg_dataset *train, const eg_dataset *validation,
	eg_optimizer *optimizer, eg_train_state *state, const eg_train_callbacks *callbacks, eg_train_result *result, eg_error *err) {
	eg_train_result unused;
	eg_error own;
	if (!err) err = &own;
	*err = (eg_error){0};
	loop l = {.graph = g, .params = p, .ctx = g->ctx, .config = config ? *config : (eg_train_config){0}, .data = train,
		.validation = validation && validation->count > 0 ? validation : NULL, .callbacks = callbacks, .optimizer = optimizer};
	l.state = state ? state : &l.own_state;
	if (!result) result = &unused;
	*result = (eg_train_result){.loss = NAN, .accuracy = NAN, .val_loss = NAN, .val_accuracy = NAN};
	eg_status status = setup(&l, err);
	if (!status) status = run_epochs(&l, result, err);
	if (!status && !l.config.keep_last && l.has_best) {
		copy_weights(&l, p->data, l.best);
		eg_params_changed(p);
		result->val_loss = l.state->best_loss;
		if (l.classes) result->val_accuracy = l.state->best_accuracy;
	}
	result->best_epoch = l.state->best_epoch;
	result->seconds = l.seconds;
	take_down(&l);
	return status;
}
