/* evaluate.c - running a data set without training: mean objective, metrics, or whatever the caller makes of the
 * batches. */
#include "train/evaluate.h"

#include <math.h>

enum { EVAL_BATCH = 256 };

static eg_status make(eg_evaluator *e, eg_graph *g, eg_params *p, const char *const *outputs, int batch,
	const eg_dataset *data, eg_error *err) {
	int size = batch > 0 && batch < EVAL_BATCH ? batch : EVAL_BATCH;
	eg_plan_options o = {.batch = 1, .time = data->time, .carry = data->streams > 0, .outputs = outputs};
	eg_status status = eg_batches_make(&e->batches, g->ctx->allocator, data, size, err);
	if (status) return status;
	e->plans = eg_plan_cache_new(g, p, &o, err);
	return e->plans ? eg_feed_make(&e->feed, g, data, &e->batches, e->plans, e->objective, err) : err->status;
}

eg_status eg_evaluator_make(eg_evaluator *e, eg_graph *g, eg_params *p, const char *objective, int batch,
	const eg_dataset *data, const eg_judge *judge, eg_error *err) {
	*e = (eg_evaluator){.judge = judge, .objective = objective};
	if (objective && eg_feed_output(g, objective) < 0)
		return eg_fail(
		        err, EG_ERR_ARG, "the graph has no output '%.60s'; declare it with eg_output", objective);
	eg_status status = eg_judge_check(g, judge, err);
	if (status) return status;
	const char **outputs = eg_feed_outputs(g->ctx->allocator, objective, NULL, judge);
	status = outputs ? make(e, g, p, outputs, batch, data, err)
	                 : eg_fail(err, EG_ERR_MEMORY, "out of memory for an evaluation");
	eg_release(g->ctx->allocator, outputs);
	return status;
}

void eg_evaluator_free(eg_evaluator *e) {
	eg_feed_free(&e->feed);
	eg_plan_cache_free(e->plans);
	eg_batches_free(&e->batches);
	*e = (eg_evaluator){0};
}

eg_status eg_evaluator_run(eg_evaluator *e, double *loss, eg_error *err) {
	double sum = 0, weight = 0;
	eg_feed *f = &e->feed;
	bool judged = e->judge && e->judge->nmetrics > 0;
	eg_feed_rewind(f, NULL, 0);
	eg_judge_reset(e->judge);
	for (int64_t k = 0; k < e->batches.count; k++) {
		eg_status status = eg_feed_put(f, k, err);
		if (status) return status;
		if (f->empty && !judged && !f->data->streams) continue; /* a stream's state goes on all the same */
		eg_plan_run(f->plan, 0);
		if (!f->empty && e->objective) {
			sum += (double)*eg_plan_output(f->plan, e->objective) * f->now->batch.weight;
			weight += f->now->batch.weight;
		}
		eg_batch_run run = eg_feed_run(f);
		status = eg_judge_add(e->judge, &run, err);
		if (status) return status;
	}
	*loss = weight > 0 ? sum / weight : (double)NAN;
	return EG_OK;
}

eg_status eg_evaluate(eg_graph *g, eg_params *p, const char *objective, int batch, const eg_dataset *data,
	const eg_judge *judge, double *loss, eg_error *err) {
	eg_error own;
	eg_evaluator e = {0};
	double result = 0;
	if (!err) err = &own;
	*err = (eg_error){0};
	if (!loss && (!judge || judge->nmetrics < 1)) return EG_OK; /* nothing is asked for */
	eg_status status = eg_evaluator_make(&e, g, p,
	        !loss       ? NULL
	        : objective ? objective
	                    : "loss",
	        batch, data, judge, err);
	if (!status) status = eg_evaluator_run(&e, &result, err);
	if (!status && loss) *loss = result;
	eg_evaluator_free(&e);
	return status;
}

eg_status eg_each_batch(eg_graph *g, eg_params *p, const char *const *outputs, int batch, const eg_dataset *data,
	bool (*done)(void *user, const eg_batch_run *b), void *user, eg_error *err) {
	eg_error own;
	eg_evaluator e = {0};
	if (!err) err = &own;
	*err = (eg_error){0};
	eg_status status = make(&e, g, p, outputs, batch, data, err);
	for (int64_t k = 0; k < e.batches.count && !status; k++) {
		status = eg_feed_put(&e.feed, k, err);
		if (status) break;
		eg_plan_run(e.feed.plan, 0);
		eg_batch_run run = eg_feed_run(&e.feed);
		if (!done(user, &run))
			status = eg_fail(err, EG_ERR_STOPPED, "stopped after batch %lld of %lld", (long long)k + 1,
			        (long long)e.batches.count);
	}
	eg_evaluator_free(&e);
	return status;
}
