/* evaluate.c - running a data set without training: mean objective, metrics, or whatever the caller makes of the
 * batches. */
#include "train/evaluate.h"

#include <math.h>
#include <string.h>

enum { EVAL_BATCH = 256 };

static eg_status make(eg_evaluator *e, eg_graph *g, eg_params *p, const char *const *outputs, int batch,
	const eg_dataset *data, eg_error *err) {
	int size = batch > 0 && batch < EVAL_BATCH ? batch : EVAL_BATCH;
	eg_plan_options o = {.batch = 1, .time = data->time, .carry = data->streams > 0, .outputs = outputs};
	eg_status status = eg_batches_make(&e->batches, g->ctx->allocator, data, size, err);
	if (status) return status;
	e->plans = eg_plan_cache_new(g, p, &o, err);
	if (!e->plans) return err->status;
	status = eg_feed_make(&e->feed, g, data, &e->batches, e->plans, e->objective, err);
	if (data->views > 1) e->feed.views = data->views;
	return status;
}

/* ---- views ------------------------------------------------------------------------------------------------------- */

static eg_status take_view(eg_evaluator *e, int view, eg_error *err) {
	const eg_feed *f = &e->feed;
	const eg_dataset *d = f->data;
	const eg_allocator *a = f->graph->ctx->allocator;
	const eg_real *out = eg_plan_output(f->plan, d->averaged);
	const eg_dims dims = eg_plan_dims(f->plan, eg_graph_find(f->graph, d->averaged));
	if (!out) return eg_fail(err, EG_ERR_ARG, "views are averaged of an output '%.60s', and the network has none", d->averaged);
	const size_t count = (size_t)eg_dims_count(&dims, 0);
	if (count > e->room) {
		eg_release(a, e->mean);
		e->mean = eg_calloc(a, count, sizeof *e->mean);
		e->room = e->mean ? count : 0;
		if (!e->mean) return eg_fail(err, EG_ERR_MEMORY, "out of memory for the mean of views");
	}
	if (view == 0) memset(e->mean, 0, count * sizeof *e->mean);
	/* an output belongs to the plan until its next run, and nobody but the judge reads it until then */
	return d->add_view(d->user, view, e->mean, (eg_real *)(uintptr_t)out, &dims, err);
}

/* Runs batch k, all its views, and adds its loss, which is of no account without an objective. */
static eg_status run_batch(eg_evaluator *e, int64_t k, double *loss, eg_error *err) {
	eg_feed *f = &e->feed;
	*loss = 0;
	for (int view = 0; view < f->views; view++) {
		const double weight = f->data->view_weights ? f->data->view_weights[view] : 1.0 / f->views;
		eg_status status = eg_feed_put(f, k * f->views + view, err);
		if (status) return status;
		eg_plan_run(f->plan, 0);
		if (!f->empty && e->objective) *loss += weight * (double)*eg_plan_output(f->plan, e->objective);
		status = f->views > 1 ? take_view(e, view, err) : EG_OK;
		if (status) return status;
	}
	return EG_OK;
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
	const eg_allocator *a = e->feed.graph ? e->feed.graph->ctx->allocator : NULL;
	eg_feed_free(&e->feed);
	eg_plan_cache_free(e->plans);
	eg_batches_free(&e->batches);
	eg_release(a, e->mean);
	*e = (eg_evaluator){0};
}

eg_status eg_evaluator_run(eg_evaluator *e, double *loss, eg_error *err) {
	double sum = 0, weight = 0;
	eg_feed *f = &e->feed;
	eg_feed_rewind(f, NULL, 0);
	eg_judge_reset(e->judge);
	for (int64_t k = 0; k < e->batches.count; k++) {
		double one;
		eg_status status = run_batch(e, k, &one, err);
		if (status) return status;
		if (!f->empty && e->objective) {
			sum += one * f->now->batch.weight;
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
		double loss;
		status = run_batch(&e, k, &loss, err);
		if (status) break;
		eg_batch_run run = eg_feed_run(&e.feed);
		if (!done(user, &run))
			status = eg_fail(err, EG_ERR_STOPPED, "stopped after batch %lld of %lld", (long long)k + 1,
			        (long long)e.batches.count);
	}
	eg_evaluator_free(&e);
	return status;
}
