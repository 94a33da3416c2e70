/* number_logistic.c - the floor `logistic-numbers`: each pixel (or number) votes for each class, with weights that
 * make the training samples' classes likely: multinomial logistic regression, a network of one layer.
 *
 *   p(k | x) = exp(s_k) / sum_j exp(s_j),   s = W x + b;    minimised: the mean of -ln p(class | x)
 *
 * That is `flatten, linear: classes` with cross_entropy, so the engine trains it as it trains any network, on the
 * task's own data set: eight epochs (of few samples more: a thousand updates) of Adam (Kingma and Ba 2015), the
 * rate falling along half a cosine. */
#include "floors/floors.h"
#include "engram_ops.h" /* behind it: its builder eg_softmax is a macro */

#include <string.h>

enum { EPOCHS = 8, MOST_EPOCHS = 200, UPDATES = 1000, BATCH = 128 };

typedef struct logistic {
	eg_floor base;
	eg_graph *graph;
	eg_params *params;
	eg_plan *plan;
	int batch, epochs;
	eg_error *err;
} logistic;

static eg_status make_graph(logistic *m, eg_error *err) {
	const eg_task *t = m->base.task;
	const char *input = t->intakes[0]->input;
	m->graph = eg_graph_new(m->base.ctx, err);
	if (!m->graph) return EG_ERR_MEMORY;
	eg_dims d = eg_tensor_dims(m->base.graph, eg_graph_find(m->base.graph, input));
	eg_tensor x = eg_input(m->graph, input, EG_F32, d),
	          label = eg_input(m->graph, eg_task_target_input(t), EG_I32, EG_DIMS(EG_N)),
	          logits = eg_linear(m->graph, eg_flatten(m->graph, x), .units = eg_floor_classes(&m->base));
	eg_output(m->graph, "logits", logits);
	eg_output(m->graph, "loss", eg_cross_entropy(m->graph, logits, label));
	eg_output(m->graph, "shares", eg_log_softmax(m->graph, logits));
	m->params = eg_params_new(m->graph, 1, err);
	return m->params ? EG_OK : err->status;
}

static bool on_step(void *user, const eg_progress *p) {
	logistic *m = user;
	double epochs = p->epoch - 1 + (p->steps > 0 ? (double)p->step / (double)p->steps : 0);
	return !eg_floor_tell(&m->base, epochs / m->epochs, m->err);
}

/* Samples as they are: what a recipe draws anew for its network in every epoch is not part of the simplest model. */
static eg_status fill_plain(void *user, const eg_fill *f, void *const *slots, eg_error *err) {
	const eg_dataset *d = user;
	eg_fill plain = *f;
	plain.epoch = -1;
	return d->fill(d->user, &plain, slots, err);
}

static eg_status train(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	logistic *m = (logistic *)f;
	int64_t updates = (p->count + BATCH - 1) / BATCH, epochs = (UPDATES + updates - 1) / updates;
	m->epochs = epochs < EPOCHS ? EPOCHS : epochs > MOST_EPOCHS ? MOST_EPOCHS : (int)epochs;
	const eg_judge none = {.nmetrics = 0};
	const eg_train_callbacks callbacks = {.user = m, .step = on_step};
	const eg_train_config config = {.epochs = m->epochs,
	        .batch = BATCH,
	        .seed = 1,
	        .optimizer = {.kind = EG_ADAM, .lr = 2e-3},
	        .schedule = {.kind = EG_SCHEDULE_COSINE},
	        .keep_last = true,
	        .judge = &none,
	        .train_judge = &none};
	const eg_dataset plain = {.user = (void *)p->data, .count = p->count, .inputs = p->data->inputs, .fill = fill_plain};
	m->err = err;
	eg_status status = make_graph(m, err);
	return status ? status : eg_train(m->graph, m->params, &config, &plain, NULL, NULL, NULL, &callbacks, NULL, err);
}

static eg_status say(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	static const char *const outputs[] = {"shares", NULL};
	logistic *m = (logistic *)f;
	EG_UNUSED(from), EG_UNUSED(steps);
	if (m->batch != b->n) {
		eg_plan_free(m->plan);
		m->plan = eg_plan_new(m->graph, m->params, &(eg_plan_options){.batch = b->n, .outputs = outputs}, err);
		m->batch = m->plan ? b->n : 0;
		if (!m->plan) return EG_ERR_MEMORY;
	}
	eg_real *x = eg_plan_input(m->plan, f->task->intakes[0]->input);
	memcpy(x, b->slots[0], (size_t)(b->n * eg_floor_width(f)) * sizeof *x);
	eg_plan_run(m->plan, 0);
	*said = (eg_said){eg_plan_output(m->plan, "shares"), {2, {b->n, eg_floor_classes(f)}}, false};
	return EG_OK;
}

/* Sequences have another shape in memory than samples of one row. */
static bool serves(const eg_floor *f) {
	eg_dims d = eg_tensor_dims(f->graph, eg_graph_find(f->graph, f->task->intakes[0]->input));
	return f->task->ninputs == 1 && f->task->nintakes == 2 && d.d[0] == EG_N && eg_floor_width(f) > 0;
}

static void free_floor(eg_floor *f) {
	logistic *m = (logistic *)f;
	eg_plan_free(m->plan);
	eg_params_free(m->params);
	eg_graph_free(m->graph);
}

const eg_floor_type eg_floor_type_number_logistic = {
	.info = {.name = "logistic-numbers",
		.task = "classify",
		.doc = "pixels, or other numbers, vote, with weights that make the training samples' classes likely",
		.source = "Cox 1958; trained as Kingma and Ba 2015",
		.version = 1},
	.size = sizeof(logistic),
	.probabilities = true,
	.batch = EG_FLOOR_BATCH,
	.serves = serves,
	.train = train,
	.say = say,
	.free = free_floor,
};
