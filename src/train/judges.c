/* judges.c - the judge of classes, and how judges are asked. See eg_judge.
 *
 * Not here: what follows from a confusion matrix (metrics.c). */
#include "train/judges.h"

#include <math.h>
#include <string.h>

/* ---- classes ----------------------------------------------------------------------------------------------------- */

/* What eg_judge_classes_new returns is its first member. */
typedef struct classes_judge {
	eg_judge judge;
	const eg_allocator *allocator;
	eg_graph *graph;
	const char *outputs[2], *logits, *target;
	int classes;
	bool shares; /* the target is shares of classes, of which the largest is the right one */
	int64_t right, asked;
	eg_confusion *counts; /* the caller's, or NULL */
	char names[];
} classes_judge;

static const eg_metric_info accuracy[] = {
	{.name = "accuracy", .doc = "the likeliest class was the right one", .share = true}};

static void reset(void *user) {
	classes_judge *j = user;
	j->right = j->asked = 0;
	if (j->counts) eg_confusion_reset(j->counts);
}

static int32_t largest(const real *x, int n) {
	int32_t best = 0;
	for (int k = 1; k < n; k++)
		if (x[k] > x[best]) best = k;
	return best;
}

static eg_status add(void *user, const eg_batch_run *b, eg_error *err) {
	classes_judge *j = user;
	const real *logits = eg_plan_output(b->plan, j->logits);
	const void *target = eg_batch_input(b, j->target);
	eg_dims d = eg_plan_dims(b->plan, eg_graph_find(j->graph, j->logits));
	int64_t rows = eg_dims_count(&d, 0) / j->classes;
	if (!logits || !target)
		return eg_fail(err, EG_ERR_ARG, "accuracy needs '%s', which the data set does not fill", j->target);
	for (int64_t i = 0; i < rows; i++) {
		const real *x = logits + i * j->classes;
		const int32_t wanted = j->shares ? largest((const real *)target + i * j->classes, j->classes) : ((const int32_t *)target)[i];
		if (wanted < 0) continue;
		j->right += largest(x, j->classes) == wanted;
		j->asked++;
		if (j->counts) eg_confusion_add(j->counts, x, &wanted, 1);
	}
	return EG_OK;
}

static void values(void *user, double *v) {
	const classes_judge *j = user;
	v[0] = j->asked ? (double)j->right / (double)j->asked : (double)NAN;
}

/* Steps, of whatever open dimension: (T,N,...), or (T*N,...). */
static bool is_sequence(eg_dims d) { return d.d[0] < 0 && d.d[0] != EG_N; }

static bool fit(eg_dims x, eg_dims t) {
	if (t.rank != x.rank - 1 || !(x.rank == 2 || (x.rank == 3 && is_sequence(x))) || x.d[x.rank - 1] < 1)
		return false;
	for (int i = 0; i < t.rank; i++)
		if (t.d[i] != x.d[i]) return false;
	return true;
}

static bool is_shares(const eg_graph *g, eg_tensor t) { return g->values[t.id - 1].type == EG_F32; }

/* How many classes there are; 0: no such pair. */
static int classes_of(const eg_graph *g, const char *logits, const char *target) {
	int x = eg_feed_output(g, logits);
	eg_tensor t = eg_graph_find(g, target);
	if (x < 0 || !t.id || g->values[t.id - 1].node >= 0) return 0;
	eg_dims dims = g->values[x].dims;
	const eg_dims *target_dims = &g->values[t.id - 1].dims;
	const bool pair = is_shares(g, t) ? dims.rank == 2 && eg_dims_fit(&dims, target_dims) : fit(dims, *target_dims);
	return pair ? (int)dims.d[dims.rank - 1] : 0;
}

static eg_judge *new_judge(eg_graph *g, const char *logits, const char *target, eg_confusion *counts, eg_error *err) {
	int classes = classes_of(g, logits, target);
	size_t nlogits = strlen(logits) + 1, ntarget = strlen(target) + 1;
	if (!classes) {
		eg_fail(err, EG_ERR_ARG,
		        "no classes to judge: '%.60s' must be an output (N, classes) or (T, N, classes), '%.60s' an "
		        "int32 input (N) or (T, N), or one of shares (N, classes)",
		        logits, target);
		return NULL;
	}
	if (counts && eg_confusion_classes(counts) != classes) {
		eg_fail(err, EG_ERR_SHAPE, "a confusion matrix of %d classes for a network with %d",
		        eg_confusion_classes(counts), classes);
		return NULL;
	}
	classes_judge *j = eg_calloc(g->ctx->allocator, 1, sizeof *j + nlogits + ntarget);
	if (!j) {
		eg_fail(err, EG_ERR_MEMORY, "out of memory for a judge");
		return NULL;
	}
	j->allocator = g->ctx->allocator, j->graph = g, j->classes = classes, j->counts = counts;
	j->shares = is_shares(g, eg_graph_find(g, target));
	j->logits = j->outputs[0] = memcpy(j->names, logits, nlogits);
	j->target = memcpy(j->names + nlogits, target, ntarget);
	j->judge = (eg_judge){.user = j,
	        .outputs = j->outputs,
	        .metrics = accuracy,
	        .nmetrics = 1,
	        .reset = reset,
	        .add = add,
	        .values = values};
	j->judge.best = is_sequence(g->values[eg_feed_output(g, logits)].dims) ? -1 : 0;
	return &j->judge;
}

eg_judge *eg_judge_classes_new(eg_graph *g, const char *logits, const char *target, eg_error *err) {
	return new_judge(g, logits, target, NULL, err);
}
eg_judge *eg_judge_confusion_new(
	eg_graph *g, const char *logits, const char *target, eg_confusion *counts, eg_error *err) {
	return new_judge(g, logits, target, counts, err);
}
void eg_judge_classes_free(eg_judge *j) {
	if (j) eg_release(((classes_judge *)j)->allocator, j);
}

eg_status eg_judge_default(
	eg_graph *g, const char *objective, const eg_dataset *data, eg_judge **judge, eg_error *err) {
	eg_feed f = {0};
	*judge = NULL;
	eg_status status = eg_feed_make(&f, g, data, NULL, NULL, objective, err);
	for (int i = 0; i < f.ntargets && !status && !*judge; i++) {
		if (!classes_of(g, "logits", f.targets[i])) continue;
		*judge = new_judge(g, "logits", f.targets[i], NULL, err);
		if (!*judge) status = EG_ERR_MEMORY;
	}
	eg_feed_free(&f);
	return status;
}

/* ---- asking ------------------------------------------------------------------------------------------------------ */

static bool asks(const eg_judge *j) { return j && j->nmetrics > 0; }

eg_status eg_judge_check(const eg_graph *g, const eg_judge *j, eg_error *err) {
	if (!j) return EG_OK;
	if (j->nmetrics < 0 || j->nmetrics > EG_METRICS_MOST || j->best < -1 ||
	        (j->nmetrics > 0 && j->best >= j->nmetrics))
		return eg_fail(err, EG_ERR_ARG, "a judge of %d metrics (at most %d), of which number %d decides",
		        j->nmetrics, EG_METRICS_MOST, j->best);
	if (asks(j) && (!j->metrics || !j->reset || !j->add || !j->values))
		return eg_fail(err, EG_ERR_ARG, "a judge needs metrics, reset, add and values");
	for (int i = 0; asks(j) && j->outputs && j->outputs[i]; i++)
		if (eg_feed_output(g, j->outputs[i]) < 0)
			return eg_fail(err, EG_ERR_ARG,
			        "the judge of '%.60s' reads '%.60s', but the graph has no such output; declare it with "
			        "eg_output",
			        j->metrics[0].name, j->outputs[i]);
	return EG_OK;
}

void eg_judge_reset(const eg_judge *j) {
	if (asks(j)) j->reset(j->user);
}
eg_status eg_judge_add(const eg_judge *j, const eg_batch_run *b, eg_error *err) {
	eg_status status = asks(j) ? j->add(j->user, b, err) : EG_OK;
	return status && !err->status
	               ? eg_fail(err, status, "the judge of '%.60s' failed, and does not say why", j->metrics[0].name)
	               : status;
}
void eg_judge_values(const eg_judge *j, double *v) {
	for (int i = 0; i < EG_METRICS_MOST; i++) v[i] = (double)NAN;
	if (asks(j)) j->values(j->user, v);
}
