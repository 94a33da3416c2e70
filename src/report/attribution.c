/* attribution.c - what an answer comes from: gradients, integrated gradients, occlusion (engram_report.h).
 *
 * One run of one sample tells f(x), x where it is the result of a node, and the gradient. What takes many runs makes
 * them as the samples of a batch: steps on the way from the baseline, or windows; a result of a node is then given to
 * the plan. Not here: drawing. */
#include "base/base.h"
#include "engram_report.h"

#include <math.h>
#include <string.h>

/* How the samples of a batch lie in a tensor: `outer` times (batch, inner). */
typedef struct spread {
	bool batched;
	int64_t outer, inner;
	size_t elem;
} spread;

typedef struct job {
	eg_graph *g;
	eg_params *p;
	eg_attribution_options o; /* none of them 0 */
	const char *const *names;
	const void *const *inputs;
	int ninputs;
	eg_attribution *out;
	eg_error *err;
	eg_arena arena;
	eg_plan *plan;
	spread x, y;
	int64_t n;   /* numbers of x in a sample, at */
	void *value; /* of one sample, and */
	void *base;
	int axes[2], naxes; /* of a sample's dimensions: its positions */
} job;

static eg_status no_memory(job *j) { return eg_fail(j->err, EG_ERR_MEMORY, "out of memory for an attribution"); }

/* ---- samples of a batch ------------------------------------------------------------------------------------------ */

/* Where the batch stands among the dimensions of t; -1: nowhere. */
static int batch_axis(const eg_graph *g, eg_tensor t) {
	const eg_dims d = eg_tensor_dims(g, t);
	for (int i = 0; i < d.rank; i++)
		if (d.d[i] == EG_N || d.d[i] == EG_TN) return i;
	return -1;
}

static spread spread_of(const job *j, eg_tensor t) {
	const eg_dims declared = eg_tensor_dims(j->g, t), d = eg_plan_dims(j->plan, t);
	const int k = batch_axis(j->g, t);
	spread s = {.batched = k >= 0, .outer = 1, .inner = 1, .elem = eg_dtype_size(eg_tensor_dtype(j->g, t))};
	for (int i = 0; i < d.rank; i++) *(i < k ? &s.outer : &s.inner) *= i == k ? 1 : d.d[i];
	if (k >= 0 && declared.d[k] == EG_TN) s.outer *= d.d[k] / eg_plan_batch(j->plan);
	return s;
}

static void put_sample(const job *j, spread s, void *to, int sample, const void *from) {
	const size_t run = (size_t)s.inner * s.elem, step = s.batched ? run * (size_t)eg_plan_batch(j->plan) : run;
	for (int64_t i = 0; i < s.outer; i++)
		memcpy((char *)to + (size_t)i * step + (size_t)sample * run, (const char *)from + (size_t)i * run, run);
}

static int64_t place_of(const job *j, spread s, int sample, int64_t i) {
	return (i / s.inner * (s.batched ? eg_plan_batch(j->plan) : 1) + sample) * s.inner + i % s.inner;
}

static double answer(const job *j, int sample) {
	return (double)eg_plan_output(j->plan, j->o.output)[place_of(j, j->y, sample, j->o.element)];
}

/* ---- plans ------------------------------------------------------------------------------------------------------- */

static const void *input_called(const job *j, const char *name) {
	for (int i = 0; i < j->ninputs; i++)
		if (!strcmp(j->names[i], name)) return j->inputs[i];
	return NULL;
}

static bool is_input(const job *j) {
	for (int i = 0; eg_graph_input(j->g, i).id; i++)
		if (eg_graph_input(j->g, i).id == j->o.by.id) return true;
	return false;
}

/* The same sample everywhere. */
static eg_status fill_inputs(job *j) {
	for (int i = 0; eg_graph_input(j->g, i).id; i++) {
		const eg_tensor t = eg_graph_input(j->g, i);
		void *to = eg_plan_tensor(j->plan, t);
		const void *from = input_called(j, eg_tensor_name(j->g, t));
		if (!to) continue;
		if (!from)
			return eg_fail(j->err, EG_ERR_ARG, "output '%s' needs the input '%s', which was not given",
			        j->o.output, eg_tensor_name(j->g, t));
		const spread s = spread_of(j, t);
		for (int k = 0; k < (s.batched ? eg_plan_batch(j->plan) : 1); k++) put_sample(j, s, to, k, from);
	}
	return EG_OK;
}

/* With a gradient where one is wanted, seeded for each sample; with x given where that is no input. */
static eg_status make_plan(job *j, int batch, bool gradient, bool given) {
	const eg_tensor by[] = {j->o.by, {0}};
	const char *const outputs[] = {j->o.output, NULL};
	eg_plan_free(j->plan);
	j->plan = eg_plan_new(j->g, j->p,
	        &(eg_plan_options){.batch = batch,
	                .time = j->o.time,
	                .sizes = j->o.sizes,
	                .outputs = outputs,
	                .objective = gradient ? j->o.output : NULL,
	                .grads = gradient ? by : NULL,
	                .given = given ? by : NULL},
	        j->err);
	if (!j->plan) return j->err->status;
	j->x = spread_of(j, j->o.by);
	j->y = spread_of(j, eg_graph_find(j->g, j->o.output));
	const int64_t numbers = j->y.outer * j->y.inner;
	if (j->o.element < 0 || j->o.element >= numbers)
		return eg_fail(j->err, EG_ERR_ARG, "element %lld of output '%s' is asked for, but a sample has %lld",
		        (long long)j->o.element, j->o.output, (long long)numbers);
	eg_real *seed = gradient ? eg_plan_grad(j->plan, j->o.output) : NULL;
	if (gradient && !seed)
		return eg_fail(j->err, EG_ERR_ARG, "output '%s' has no gradient: what computes it cannot be differentiated",
		        j->o.output);
	for (int k = 0; k < batch && gradient; k++) seed[place_of(j, j->y, k, j->o.element)] = 1;
	return fill_inputs(j);
}

/* ---- positions --------------------------------------------------------------------------------------------------- */

/* Which of a sample's dimensions are positions: the time, or an open size; of pictures the last two; else the last. */
static void find_positions(job *j, eg_dims declared, int batch, bool folded) {
	eg_attribution *a = j->out;
	const int rank = a->dims.rank;
	int open = -1;
	for (int i = 0, k = 0; i < declared.rank; i++) {
		if (i == batch && !folded) continue;
		if (declared.d[i] < 0 && open < 0) open = k;
		k++;
	}
	const bool time_first = folded || batch > 0;
	j->naxes = time_first || rank < 3 ? rank > 0 : 2;
	j->axes[0] = time_first ? 0 : rank < 3 ? (rank == 2 && open == 0 ? 0 : rank - 1) : rank - 2;
	j->axes[1] = rank - 1;
	a->map_dims.rank = j->naxes;
	for (int i = 0; i < j->naxes; i++) a->map_dims.d[i] = a->dims.d[j->axes[i]];
}

/* The position of number i of a sample. */
static void position_of(const job *j, int64_t i, int64_t at[2]) {
	const eg_dims *d = &j->out->dims;
	at[0] = at[1] = 0;
	for (int k = d->rank - 1; k >= 0; k--) {
		for (int p = 0; p < j->naxes; p++)
			if (j->axes[p] == k) at[p] = i % d->d[k];
		i /= d->d[k];
	}
}

static int64_t columns(const job *j) { return j->naxes == 2 ? j->out->map_dims.d[1] : 1; }

/* Dimensions and memory of the result, and the sample itself, now that there is a plan. */
static eg_status prepare(job *j) {
	const eg_dims declared = eg_tensor_dims(j->g, j->o.by), d = eg_plan_dims(j->plan, j->o.by);
	const int k = batch_axis(j->g, j->o.by);
	const bool folded = declared.d[k] == EG_TN;
	eg_attribution *a = j->out;
	for (int i = 0; i < d.rank; i++)
		if (i != k || folded) a->dims.d[a->dims.rank++] = i == k ? d.d[i] / eg_plan_batch(j->plan) : d.d[i];
	find_positions(j, declared, k, folded);
	j->n = j->x.outer * j->x.inner;
	const size_t bytes = (size_t)j->n * j->x.elem;
	j->value = eg_arena_alloc(&j->arena, bytes);
	j->base = eg_arena_alloc(&j->arena, bytes);
	a->map = eg_calloc(NULL, (size_t)eg_dims_count(&a->map_dims, 0), sizeof *a->map);
	if (j->o.kind != EG_ATTRIBUTION_OCCLUSION) a->values = eg_calloc(NULL, (size_t)j->n, sizeof *a->values);
	if (!j->value || !j->base || !a->map || (j->o.kind != EG_ATTRIBUTION_OCCLUSION && !a->values)) return no_memory(j);
	if (j->o.baseline) memcpy(j->base, j->o.baseline, bytes);
	return EG_OK;
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */

/* From values to the map and their sum. */
static void sum_up(job *j) {
	eg_attribution *a = j->out;
	a->sum = 0;
	for (int64_t i = 0; i < j->n; i++) {
		int64_t at[2];
		position_of(j, i, at);
		eg_real *m = &a->map[at[0] * columns(j) + at[1]], v = a->values[i];
		a->sum += (double)v;
		if (j->o.kind != EG_ATTRIBUTION_GRADIENT)
			*m += v;
		else if (*m < (v < 0 ? -v : v))
			*m = v < 0 ? -v : v;
	}
}

static void one_gradient(job *j) {
	const eg_real *g = eg_plan_tensor_grad(j->plan, j->o.by), *x = j->value;
	for (int64_t i = 0; i < j->n; i++)
		j->out->values[i] = j->o.kind == EG_ATTRIBUTION_GRADIENT ? g[i] : g[i] * x[i];
	sum_up(j);
}

/* Adds up the gradients at `count` points (first + k apart) of the way, a batch at a time. */
static void add_points(job *j, double first, double apart, int64_t count, double *sum) {
	const eg_real *x = j->value, *base = j->base;
	eg_real *to = eg_plan_tensor(j->plan, j->o.by);
	const int batch = eg_plan_batch(j->plan);
	for (int64_t done = 0; done < count; done += batch) {
		const int used = count - done < batch ? (int)(count - done) : batch;
		for (int k = 0; k < used; k++) {
			const double at = first + apart * (double)(done + k);
			for (int64_t i = 0; i < j->n; i++)
				to[place_of(j, j->x, k, i)] = (eg_real)((double)base[i] + at * ((double)x[i] - (double)base[i]));
		}
		eg_plan_run(j->plan, 0);
		const eg_real *g = eg_plan_tensor_grad(j->plan, j->o.by);
		for (int k = 0; k < used; k++)
			for (int64_t i = 0; i < j->n; i++) sum[i] += (double)g[place_of(j, j->x, k, i)];
	}
}

static void put_integral(job *j, int steps, const double *sum) {
	const eg_real *x = j->value, *base = j->base;
	eg_attribution *a = j->out;
	a->steps = steps;
	a->sum = 0;
	for (int64_t i = 0; i < j->n; i++) {
		const double v = ((double)x[i] - (double)base[i]) * sum[i] / steps;
		a->values[i] = (eg_real)v;
		a->sum += v;
	}
	a->error = fabs(a->sum - (a->output - a->baseline_output));
}

/* The midpoint rule: with three times as many steps its points are points still, so only the others are new. */
static eg_status integrate(job *j) {
	eg_attribution *a = j->out;
	double *sum = eg_arena_alloc(&j->arena, (size_t)j->n * sizeof *sum);
	eg_status status = sum ? make_plan(j, j->o.batch, true, !is_input(j)) : no_memory(j);
	if (status) return status;
	for (int k = 0; k < j->o.batch; k++) put_sample(j, j->x, eg_plan_tensor(j->plan, j->o.by), k, j->base);
	eg_plan_run(j->plan, 0);
	a->baseline_output = answer(j, 0);
	int steps = j->o.steps;
	add_points(j, 0.5 / steps, 1.0 / steps, steps, sum);
	put_integral(j, steps, sum);
	const double enough = j->o.tolerance * fabs(a->output - a->baseline_output);
	while (a->error > enough && steps <= j->o.most_steps / 3) {
		add_points(j, 0.5 / (3 * steps), 1.0 / steps, steps, sum);
		add_points(j, 2.5 / (3 * steps), 1.0 / steps, steps, sum);
		steps *= 3;
		put_integral(j, steps, sum);
	}
	sum_up(j);
	return EG_OK;
}

/* ---- occlusion --------------------------------------------------------------------------------------------------- */

/* Windows along one axis: how many, and where number i begins; the last ends where the axis does. */
static int64_t windows(int64_t length, int window, int stride) {
	return length <= window ? 1 : (length - window + stride - 1) / stride + 1;
}
static int64_t window_at(int64_t i, int64_t length, int window, int stride) {
	const int64_t last = length <= window ? 0 : length - window;
	return i * stride < last ? i * stride : last;
}

static bool covers(const job *j, int64_t w, const int64_t at[2]) {
	const eg_dims *d = &j->out->map_dims;
	const int64_t across = j->naxes == 2 ? windows(d->d[1], j->o.window[1], j->o.stride[1]) : 1;
	const int64_t number[2] = {w / across, w % across};
	for (int p = 0; p < j->naxes && p < EG_COUNT(number); p++) {
		const int64_t begin = window_at(number[p], d->d[p], j->o.window[p], j->o.stride[p]);
		if (at[p] < begin || at[p] >= begin + j->o.window[p]) return false;
	}
	return true;
}

/* Sample k of the batch with window w covered. */
static void cover(const job *j, int k, int64_t w) {
	char *to = eg_plan_tensor(j->plan, j->o.by);
	const size_t elem = j->x.elem;
	for (int64_t i = 0; i < j->n; i++) {
		int64_t at[2];
		position_of(j, i, at);
		const char *from = covers(j, w, at) ? j->base : j->value;
		memcpy(to + (size_t)place_of(j, j->x, k, i) * elem, from + (size_t)i * elem, elem);
	}
}

static eg_status occlude(job *j) {
	eg_attribution *a = j->out;
	const eg_dims *d = &a->map_dims;
	const int64_t positions = eg_dims_count(d, 0);
	int64_t all = 1;
	for (int p = 0; p < j->naxes; p++) all *= windows(d->d[p], j->o.window[p], j->o.stride[p]);
	int *times = eg_arena_alloc(&j->arena, (size_t)positions * sizeof *times);
	eg_status status = times ? make_plan(j, j->o.batch, false, !is_input(j)) : no_memory(j);
	if (status) return status;
	for (int64_t done = 0; done < all; done += j->o.batch) {
		const int used = all - done < j->o.batch ? (int)(all - done) : j->o.batch;
		for (int k = 0; k < j->o.batch; k++) cover(j, k, done + (k < used ? k : 0));
		eg_plan_run(j->plan, 0);
		for (int64_t i = 0; i < positions; i++)
			for (int k = 0; k < used; k++) {
				if (!covers(j, done + k, (int64_t[]){i / columns(j), i % columns(j)})) continue;
				a->map[i] += (eg_real)(a->output - answer(j, k));
				times[i]++;
			}
	}
	for (int64_t i = 0; i < positions; i++) {
		a->map[i] /= (eg_real)times[i];
		a->sum += (double)a->map[i];
	}
	return EG_OK;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static int otherwise(int given, int n) { return given > 0 ? given : n; }

static eg_status check(job *j) {
	eg_attribution_options *o = &j->o;
	if (!o->output) o->output = "logits";
	if (!eg_graph_find(j->g, o->output).id)
		return eg_fail(j->err, EG_ERR_ARG, "the graph has no output '%s' that something could be attributed to", o->output);
	if (batch_axis(j->g, eg_graph_find(j->g, o->output)) < 0)
		return eg_fail(j->err, EG_ERR_ARG, "output '%s' is one for the whole batch; one that each sample has is needed, "
			"such as the logits", o->output);
	if (o->by.id < 1 || !eg_tensor_name(j->g, o->by) || batch_axis(j->g, o->by) < 0)
		return eg_fail(j->err, EG_ERR_ARG, "what to attribute to (option by) is no tensor of this graph that each sample has");
	if ((o->kind != EG_ATTRIBUTION_OCCLUSION || !is_input(j)) && eg_tensor_dtype(j->g, o->by) != EG_F32)
		return eg_fail(j->err, EG_ERR_ARG, "'%s' holds no real numbers, by which there are gradients; ask for the result of "
			"the embedding that reads it, or for occlusion", eg_tensor_name(j->g, o->by));
	o->steps = otherwise(o->steps, 16);
	o->most_steps = otherwise(o->most_steps, 500);
	o->tolerance = o->tolerance > 0 ? o->tolerance : 0.01;
	o->batch = otherwise(o->batch, 32);
	for (int i = 0; i < 2; i++) {
		o->window[i] = otherwise(o->window[i], 1);
		o->stride[i] = otherwise(o->stride[i], o->window[i]);
		if (o->stride[i] > o->window[i])
			return eg_fail(j->err, EG_ERR_ARG, "a stride of %d leaves out positions between windows of %d", o->stride[i],
				o->window[i]);
	}
	return EG_OK;
}

static eg_status run(job *j) {
	eg_status status = check(j);
	if (!status) status = make_plan(j, 1, j->o.kind != EG_ATTRIBUTION_OCCLUSION || !is_input(j), false);
	if (!status) status = prepare(j);
	if (status) return status;
	eg_plan_run(j->plan, 0);
	memcpy(j->value, eg_plan_tensor(j->plan, j->o.by), (size_t)j->n * j->x.elem);
	j->out->output = answer(j, 0);
	switch (j->o.kind) {
	case EG_ATTRIBUTION_GRADIENT:
	case EG_ATTRIBUTION_GRADIENT_INPUT: one_gradient(j); return EG_OK;
	case EG_ATTRIBUTION_INTEGRATED: return integrate(j);
	case EG_ATTRIBUTION_OCCLUSION: return occlude(j);
	}
	return eg_fail(j->err, EG_ERR_ARG, "there is no attribution of kind %d", (int)j->o.kind);
}

eg_status eg_attribute(eg_graph *g, eg_params *p, const eg_attribution_options *options, const char *const *names,
	const void *const *inputs, int ninputs, eg_attribution *a, eg_error *err) {
	eg_error own = {0};
	*a = (eg_attribution){.baseline_output = (double)NAN, .error = (double)NAN};
	job j = {.g = g, .p = p, .o = *options, .names = names, .inputs = inputs, .ninputs = ninputs, .out = a, .err = err ? err : &own};
	eg_status status = run(&j);
	eg_plan_free(j.plan);
	eg_arena_free(&j.arena);
	return status;
}

void eg_attribution_free(eg_attribution *a) {
	eg_release(NULL, a->values);
	eg_release(NULL, a->map);
	*a = (eg_attribution){0};
}
