/* trainer.c - one update at a time: gradients of one or several batches, the update, the moving average, and the
 * message when a number stops being one.
 *
 * Not here: epochs, validation and the best weights (loop.c), which samples make a batch (batches.c). */
#include "train/trainer.h"

#include <math.h>
#include <string.h>

enum { SHARE_FROM = 32768 }; /* elements from which a second thread pays */

/* ---- life -------------------------------------------------------------------------------------------------------- */

static eg_status check_scalar(const eg_graph *g, const char *name, eg_error *err) {
	if (eg_feed_output(g, name) < 0)
		return eg_fail(err, EG_ERR_ARG, "the graph has no output '%.60s'; declare it with eg_output", name);
	if (eg_tensor_dims(g, eg_graph_find(g, name)).rank != 0)
		return eg_fail(err, EG_ERR_SHAPE, "the objective '%.60s' must be one number, a scalar", name);
	return EG_OK;
}

static eg_status check(const eg_trainer *t, eg_error *err) {
	const eg_train_config *c = &t->config;
	eg_status status = check_scalar(t->graph, c->objective, err);
	if (!status) status = check_scalar(t->graph, c->shown, err);
	if (status) return status;
	if (t->data->count < 1) return eg_fail(err, EG_ERR_ARG, "the training set is empty");
	if (!(c->average >= 0 && c->average < 1))
		return eg_fail(err, EG_ERR_ARG,
		        "average is %g; the decay of a moving average must be in [0, 1), such as 0.999", c->average);
	return eg_judge_check(t->graph, c->train_judge, err);
}

static eg_status make_plans(eg_trainer *t, eg_error *err) {
	const eg_train_config *c = &t->config;
	const char **outputs = eg_feed_outputs(t->ctx->allocator, c->objective, c->shown, t->judge);
	eg_plan_options o = {.batch = 1,
	        .time = t->data->time,
	        .carry = t->data->streams > 0,
	        .train = true,
	        .outputs = outputs,
	        .objective = c->objective,
	        .frozen = eg_optimizer_frozen(t->optimizer),
	        .seed = c->seed,
	        .checkpoint_time = c->checkpoint_time};
	if (outputs)
		t->plans = eg_plan_cache_new(t->graph, t->params, &o, err);
	else
		eg_fail(err, EG_ERR_MEMORY, "out of memory for training");
	eg_release(t->ctx->allocator, outputs);
	return t->plans ? eg_feed_make(&t->feed, t->graph, t->data, &t->batches, t->plans, c->objective, err) : err->status;
}

static eg_status make_arrays(eg_trainer *t, eg_error *err) {
	const eg_allocator *a = t->ctx->allocator;
	const eg_params *p = t->params;
	if (t->config.accumulate > 1) {
		t->params->whole = true; /* several batches' rows are one gradient */
		t->sum = eg_block_new(a, p->trained * sizeof(real) + EG_ALIGN);
		t->partial = eg_calloc(a, p->trained / EG_CHUNK + 1, sizeof *t->partial);
		if (!t->sum || !t->partial)
			return eg_fail(err, EG_ERR_MEMORY, "out of memory for the gradients of several batches");
	}
	if (!(t->config.average > 0)) return EG_OK;
	if (!t->state->average) t->own_average = eg_block_new(a, p->total * sizeof(real) + EG_ALIGN);
	t->average = t->state->average ? t->state->average : t->own_average;
	if (!t->average) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a moving average of the weights");
	if (t->own_average || t->state->steps == 0) memcpy(t->average, p->data, p->total * sizeof(real));
	return EG_OK;
}

static bool all_frozen(const eg_trainer *t) {
	const bool *frozen = eg_optimizer_frozen(t->optimizer);
	for (int i = 0; i < t->params->count && frozen; i++)
		if (!frozen[i] && eg_params_trained(t->params, i)) return false;
	return frozen != NULL;
}

static eg_status setup(eg_trainer *t, eg_error *err) {
	eg_train_config *c = &t->config;
	eg_status status = check(t, err);
	if (!status) status = eg_batches_make(&t->batches, t->ctx->allocator, t->data, c->batch, err);
	if (!status && !(t->batches.weight > 0))
		return eg_fail(err, EG_ERR_ARG, "the training samples hold nothing to predict");
	if (!status && !c->train_judge) status = eg_judge_default(t->graph, c->objective, t->data, &t->own_judge, err);
	if (status) return status;
	t->judge = c->train_judge ? c->train_judge : t->own_judge;
	if (!t->optimizer) t->optimizer = t->own_optimizer = eg_optimizer_new(t->params, &c->optimizer, err);
	if (!t->optimizer) return err->status;
	if (all_frozen(t)) return eg_fail(err, EG_ERR_ARG, "every parameter is frozen; there is nothing to train");
	status = make_plans(t, err);
	return status ? status : make_arrays(t, err);
}

eg_trainer *eg_trainer_new(eg_graph *g, eg_params *p, const eg_train_config *config, const eg_dataset *data,
	eg_optimizer *optimizer, eg_train_state *state, eg_error *err) {
	eg_error own;
	if (!err) err = &own;
	*err = (eg_error){0};
	eg_trainer *t = eg_calloc(g->ctx->allocator, 1, sizeof *t);
	if (!t) {
		eg_fail(err, EG_ERR_MEMORY, "out of memory for training");
		return NULL;
	}
	*t = (eg_trainer){.graph = g, .params = p, .ctx = g->ctx, .data = data, .optimizer = optimizer, .epoch = -1};
	t->state = state ? state : &t->own_state;
	if (config) t->config = *config;
	if (!t->config.objective) t->config.objective = "loss";
	t->sums = t->config.shown && strcmp(t->config.shown, t->config.objective) != 0;
	if (!t->config.shown) t->config.shown = t->config.objective;
	if (t->config.batch < 1) t->config.batch = 32;
	if (t->config.epochs < 1) t->config.epochs = 10;
	if (t->config.accumulate < 1) t->config.accumulate = 1;
	if (setup(t, err) == EG_OK) return t;
	eg_trainer_free(t);
	return NULL;
}

void eg_trainer_free(eg_trainer *t) {
	if (!t) return;
	const eg_allocator *a = t->ctx->allocator;
	eg_feed_free(&t->feed);
	eg_plan_cache_free(t->plans);
	eg_batches_free(&t->batches);
	eg_optimizer_free(t->own_optimizer);
	eg_judge_classes_free(t->own_judge);
	eg_block_free(a, t->own_average);
	eg_block_free(a, t->sum);
	eg_release(a, t->partial);
	eg_release(a, t);
}

/* ---- when a number is none --------------------------------------------------------------------------------------- */

/* "a batch of 64 samples: 48181, 3, 901, ...", into buf. */
static const char *name_samples(char *buf, size_t size, const uint32_t *items, int n) {
	int used = snprintf(buf, size, "a batch of %d sample%s:", n, n == 1 ? "" : "s");
	for (int i = 0; i < n && i < 3; i++)
		used += snprintf(buf + used, size - (size_t)used, "%s %u", i ? "," : "", items[i]);
	if (n > 3) snprintf(buf + used, size - (size_t)used, ", ...");
	return buf;
}

/* Numbers the masks of dropout: each batch has its own. */
static uint64_t mask_of(const eg_trainer *t, int in_update) {
	return t->state->steps * (uint64_t)t->config.accumulate + (uint64_t)in_update;
}

/* Says which layer and samples. The update was not made: its batch shall not count in running statistics either. */
static eg_status numeric(eg_trainer *t, uint64_t mask, int64_t batch, eg_error *err) {
	eg_plan *plan = t->feed.plan;
	eg_error found;
	char samples[96];
	if (eg_plan_diagnose(plan, mask, &found) == EG_OK)
		snprintf(found.message, sizeof found.message, "the loss or the gradient is not finite");
	if (plan->updates_state) eg_params_restore_state(t->params);
	eg_params_changed(t->params);
	t->pending = false;
	return eg_fail(err, EG_ERR_NUMERIC, "epoch %d, step %lld (update %llu, %s): %s", t->epoch + 1,
	        (long long)batch + 1, (unsigned long long)t->state->steps + 1,
	        name_samples(samples, sizeof samples, t->feed.now->batch.items, t->feed.now->batch.n), found.message);
}

/* ---- flat arrays ------------------------------------------------------------------------------------------------- */

typedef struct blend_job {
	const eg_kernels *k;
	eg_blend_args blend;
	double *partial; /* NULL: no norm is wanted */
	int units;
} blend_job;

static void blend(void *arg, int rank, int size) {
	const blend_job *job = arg;
	int begin, end;
	eg_split(job->units, rank, size, &begin, &end);
	if (begin >= end) return;
	eg_sumsq_args sum = {.x = job->blend.x, .out = {job->partial, 1}, .n = job->blend.n};
	if (job->partial) job->k->sumsq(&sum, begin, end, EG_WORKER(job->k, NULL));
	if (job->blend.a > 0) job->k->blend(&job->blend, begin, end, EG_WORKER(job->k, NULL));
}

/* y += a (x - y), and with `partial` the sum of squares of x. */
static double run_blend(const eg_trainer *t, const real *x, real *y, size_t n, double a, double *partial) {
	blend_job job = {.k = &t->ctx->kern, .partial = partial, .units = (int)((n + EG_CHUNK - 1) / EG_CHUNK)};
	job.blend = (eg_blend_args){
	        .x = {(void *)(uintptr_t)x, EG_CHUNK}, .y = {y, EG_CHUNK}, .n = (int64_t)n, .a = (real)a};
	int threads = n < SHARE_FROM ? 1 : eg_team_size(t->ctx->team);
	if (job.units > 0) eg_team_run(t->ctx->team, threads < job.units ? threads : job.units, blend, &job);
	double sum = 0;
	for (int i = 0; i < job.units && partial; i++) sum += partial[i];
	return sum;
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */

eg_status eg_trainer_begin_epoch(eg_trainer *t, int epoch, eg_error *err) {
	if (epoch < 0) return eg_fail(err, EG_ERR_ARG, "epoch %d; they are counted from 0", epoch);
	t->epoch = epoch;
	t->batch = 0;
	t->pending = false;
	t->feed.seed = t->config.seed;
	t->feed.epoch = epoch;
	eg_feed_rewind(&t->feed, NULL, 0);
	eg_batches_shuffle(&t->batches, t->config.seed, epoch);
	eg_judge_reset(t->judge);
	return EG_OK;
}

eg_status eg_trainer_resume_epoch(eg_trainer *t, int epoch, eg_error *err) {
	const eg_train_state *s = t->state;
	eg_status status = eg_trainer_begin_epoch(t, epoch, err);
	if (status || s->batch == 0) return status;
	if (s->batches != t->batches.count || s->batch < 0 || s->batch > s->batches)
		return eg_fail(err, EG_ERR_ARG,
		        "the training was stopped in epoch %d after %lld of %lld batches, but an epoch has %lld now: "
		        "inside of an epoch it goes on only with the same batch size and samples",
		        epoch + 1, (long long)s->batch, (long long)s->batches, (long long)t->batches.count);
	if (t->data->streams && !s->streams)
		return eg_fail(err, EG_ERR_ARG,
		        "the training was stopped inside of epoch %d, and the state of its streams is missing",
		        epoch + 1);
	t->batch = s->batch;
	eg_feed_rewind(&t->feed, s->streams, s->nstreams);
	return EG_OK;
}

/* Streams that begin anew at piece k, so that the network learns what to do with a state of zero. */
static void forget_some(const eg_trainer *t, int64_t k) {
	const eg_rng r = {t->config.seed, eg_stream(EG_RNG_SHUFFLE, 1, (uint64_t)t->epoch)};
	for (int i = 0; i < t->data->streams; i++)
		if (eg_rng_uniform(r, (uint64_t)(k * t->data->streams + i)) < t->config.forget)
			eg_plan_forget(t->feed.plan, i);
}

/* The running mean of gradients, each as much as it has predictions; of sums, all alike. */
static bool accumulate(eg_trainer *t, double weight, bool first) {
	size_t n = t->params->trained;
	double share = t->sums ? 1.0 / ++t->summed : weight / t->weight;
	double square = run_blend(t, t->params->grad, t->sum, n, first ? 0 : share, t->partial);
	if (first) memcpy(t->sum, t->params->grad, n * sizeof *t->sum);
	return isfinite(square);
}

/* The gradient of all of an update's batches, in the place of that of the last one. */
static void take_sum(const eg_trainer *t) {
	real factor = t->sums ? (real)t->summed : 1;
	for (size_t i = 0; i < t->params->trained; i++) t->params->grad[i] = t->sum[i] * factor;
}

/* A batch of one sample at an epoch's end may be too small for batch normalisation; where all are, it would never learn
 * what it is to go by. */
static eg_status check_statistics(const eg_trainer *t, eg_error *err) {
	eg_cost cost;
	eg_plan_cost(t->feed.plan, &cost);
	bool larger = t->data->streams ? t->data->streams > 1 : t->batches.size > 1 && t->data->count > 1;
	if (!cost.lone || larger) return EG_OK;
	return eg_fail(err, EG_ERR_ARG,
	        "layer '%s' (batchnorm) sees one value of each channel at a time, since every batch has one sample: one "
	        "value has no variance to normalise by. Take larger batches (train.batch: 16; 'accumulate' keeps them "
	        "apart), or leave the layer out, or freeze it",
	        cost.lone);
}

/* Forward and backward of batch k, which is the `in_update`-th of this update. */
static eg_status run_batch(eg_trainer *t, int64_t k, int in_update, eg_error *err) {
	eg_feed *f = &t->feed;
	eg_status status = eg_feed_put(f, k, err);
	if (!status) status = check_statistics(t, err);
	if (status) return status;
	const double weight = f->now->batch.weight;
	if (t->config.forget > 0) forget_some(t, k);
	uint64_t mask = mask_of(t, in_update);
	if (!f->empty || t->data->streams)
		eg_plan_run(f->plan, mask); /* a stream's state goes on, though nothing is learnt */
	if (f->empty) return EG_OK;
	double loss = (double)*eg_plan_output(f->plan, t->config.objective);
	if (!isfinite(loss)) return numeric(t, mask, k, err);
	bool first = !(t->weight > 0);
	t->loss += (t->sums ? (double)*eg_plan_output(f->plan, t->config.shown) : loss) * weight;
	t->weight += weight;
	if (t->sum && !accumulate(t, weight, first)) return numeric(t, mask, k, err);
	eg_batch_run run = eg_feed_run(f);
	return eg_judge_add(t->judge, &run, err);
}

static void report(const eg_trainer *t, eg_step_report *r) {
	*r = (eg_step_report){.batch = t->batch,
	        .batches = t->batches.count,
	        .last = t->batch == t->batches.count,
	        .weight = t->weight,
	        .loss = t->weight > 0 ? t->loss / t->weight : (double)NAN,
	        .lr = t->lr};
}

/* The learning rate of the update that begins now. */
static double scheduled(const eg_trainer *t) {
	double all = (double)t->batches.count, done = (double)t->batch;
	double share = fmin(t->config.accumulate, all - done) / all;
	return eg_schedule_lr(&t->config.schedule, &t->state->schedule, eg_optimizer_lr(t->optimizer),
	        t->epoch + done / all, share, t->config.epochs);
}

eg_status eg_trainer_gradients(eg_trainer *t, eg_step_report *r, eg_error *err) {
	eg_error own;
	eg_step_report unused;
	int64_t first = t->batch;
	if (!err) err = &own;
	*err = (eg_error){0};
	if (t->epoch < 0 || first == t->batches.count || t->swapped)
		return eg_fail(err, EG_ERR_ARG,
		        t->swapped ? "the average of the weights is in the parameters: call eg_trainer_swap_average "
		                     "before the next step"
		                   : "the epoch is over, or none was begun: call eg_trainer_begin_epoch");
	t->weight = t->loss = 0;
	t->summed = 0;
	t->lr = scheduled(t);
	for (int i = 0; i < t->config.accumulate && t->batch < t->batches.count; i++) {
		eg_status status = run_batch(t, t->batch, i, err);
		if (status) return status;
		t->batch++;
	}
	if (t->sum && t->weight > 0) take_sum(t);
	t->pending = t->weight > 0;
	if (t->pending) eg_optimizer_clear_frozen(t->optimizer);
	report(t, r ? r : &unused);
	return EG_OK;
}

/* ---- the update -------------------------------------------------------------------------------------------------- */

/* The first updates are soon forgotten: a tenth of all updates so far, until the configured decay is reached. */
static void update_average(eg_trainer *t) {
	double steps = (double)t->state->steps, decay = fmin(t->config.average, steps / (steps + 9));
	if (t->average) run_blend(t, t->params->data, t->average, t->params->total, 1 - decay, NULL);
}

eg_status eg_trainer_update(eg_trainer *t, eg_step_report *r, eg_error *err) {
	eg_error own;
	double norm = 0;
	if (!err) err = &own;
	*err = (eg_error){0};
	if (!t->pending) return EG_OK;
	if (eg_optimizer_step(t->optimizer, t->lr, &norm, NULL))
		return numeric(t, mask_of(t, t->config.accumulate - 1), t->batch - 1, err);
	t->pending = false;
	t->state->steps++;
	update_average(t);
	if (r) r->updated = true, r->grad_norm = norm;
	return EG_OK;
}

eg_status eg_trainer_step(eg_trainer *t, eg_step_report *r, eg_error *err) {
	eg_step_report unused;
	if (!r) r = &unused;
	eg_status status = eg_trainer_gradients(t, r, err);
	return status ? status : eg_trainer_update(t, r, err);
}

int eg_trainer_metrics(const eg_trainer *t, const eg_metric_info **metrics, double *values) {
	if (metrics) *metrics = t->judge ? t->judge->metrics : NULL;
	if (values) eg_judge_values(t->judge, values);
	return t->judge ? t->judge->nmetrics : 0;
}

void eg_trainer_swap_average(eg_trainer *t) {
	real *a = t->average, *w = t->params->data;
	if (!a) return;
	for (size_t i = 0; i < t->params->total; i++) {
		real x = a[i];
		a[i] = w[i];
		w[i] = x;
	}
	t->swapped = !t->swapped;
	eg_params_changed(t->params);
}
