/* trial.c - what trials of a recipe share, and one of them run: the network of a point of the space, trained and
 * judged on the validation samples after each epoch. Samples are loaded once where no key changes what they are.
 *
 * Not here: which point is tried (search.c). No test part is ever read. */
#include "tune/tune.h"

#include <math.h>
#include <string.h>

/* What one run is made of. */
typedef struct made {
	eg_recipe *recipe;
	eg_task *task, *own_task;
	eg_samples *samples, *own_samples;
	eg_graph *graph;
	eg_params *params;
	eg_judge *judge, *train_judge;
} made;

static void drop(made *m) {
	eg_samples_judge_free(m->judge);
	eg_samples_judge_free(m->train_judge);
	eg_params_free(m->params);
	eg_graph_free(m->graph);
	eg_samples_free(m->own_samples);
	eg_task_free(m->own_task);
	eg_recipe_free(m->recipe);
}

/* ---- what is shared ---------------------------------------------------------------------------------------------- */

static bool begins(const char *path, const char *with) { return strncmp(path, with, strlen(with)) == 0; }

/* Does this key leave samples as they are? A text is read in as many pieces side by side as there are in a batch. */
static bool leaves_samples(const eg_task *t, const char *path) {
	if (begins(path, "model.")) return true;
	return begins(path, "train.") && !begins(path, "train.loss") && !(t->type->load && !strcmp(path, "train.batch"));
}

static eg_status load(eg_recipe *r, eg_task **task, eg_samples **samples, eg_error *err) {
	eg_status status = eg_task_open(r, task, err);
	if (!status) status = eg_task_fits(*task, err);
	if (!status) status = eg_samples_load(*task, &(eg_samples_options){.part = EG_PART_TRAIN}, samples, err);
	if (status || eg_samples_count(*samples, EG_PART_VALIDATION) > 0) return status;
	eg_fail(err, EG_ERR_ARG,
	        "there are no validation samples: trials would be judged by what they were trained on; set data.validation, "
	        "such as 0.1");
	eg_recipe_locate(r, "data", err);
	return EG_ERR_ARG;
}

/* Which number says how good a trial is: that which makes an epoch the best. Losses that are tried cannot be
 * compared. */
static eg_status choose_metric(eg_trials *t, const eg_judge *j, eg_error *err) {
	const eg_train_config *c = eg_recipe_train(t->recipe);
	const int told = eg_judge_told(j);
	bool losses = false;
	for (int i = 0; i < t->space->n; i++) losses |= begins(t->space->keys[i].tuned.path, "train.loss");
	t->deciding = c->best == EG_BEST_OBJECTIVE ? -1 : c->best == EG_BEST_METRIC || losses ? told : j ? j->best : -1;
	if (losses && t->deciding < 0)
		return eg_fail(err, EG_ERR_ARG,
			"'train.loss' is tuned, but the loss is all that trials could be compared by: leave it out of 'tune'");
	t->info.metric = t->deciding >= 0 ? j->metrics[t->deciding].name : "loss";
	t->info.share = t->deciding >= 0 && j->metrics[t->deciding].share;
	t->info.lower_is_better = t->deciding < 0 || j->metrics[t->deciding].lower_is_better;
	t->info.epochs = c->epochs > 0 ? c->epochs : 10;
	return EG_OK;
}

/* The recipe's own network, of which nothing but the judge's metrics is wanted. */
static eg_status look(eg_trials *t, eg_error *err) {
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, err);
	made m = {0};
	if (!ctx) return err ? err->status : EG_ERR_MEMORY;
	eg_status status = eg_recipe_build(t->recipe, ctx, eg_samples_sizes(t->samples), &m.graph, err);
	if (!status) status = eg_task_suits(t->task, m.graph, err);
	if (!status) status = eg_samples_train_judges(t->samples, m.graph, &m.judge, &m.train_judge, err);
	if (!status) status = choose_metric(t, m.judge, err);
	drop(&m);
	eg_context_free(ctx);
	return status;
}

eg_status eg_trials_open(eg_recipe *r, const eg_space *space, eg_trials **trials, eg_error *err) {
	eg_trials *t = eg_calloc(NULL, 1, sizeof *t);
	*trials = NULL;
	if (!t) return eg_fail(err, EG_ERR_MEMORY, "out of memory for trials");
	t->recipe = r;
	t->space = space;
	eg_status status = load(r, &t->task, &t->samples, err);
	if (!status) status = look(t, err);
	if (status) return eg_trials_free(t), status;
	t->info.train = eg_samples_count(t->samples, EG_PART_TRAIN);
	t->info.validation = eg_samples_count(t->samples, EG_PART_VALIDATION);
	t->info.shared = true;
	for (int i = 0; i < space->n; i++) t->info.shared &= leaves_samples(t->task, space->keys[i].tuned.path);
	if (!t->info.shared) {
		eg_samples_free(t->samples);
		eg_task_free(t->task);
		t->samples = NULL, t->task = NULL;
	}
	*trials = t;
	return EG_OK;
}

void eg_trials_free(eg_trials *t) {
	if (!t) return;
	eg_floor_trials_free(t->floor);
	eg_samples_free(t->samples);
	eg_task_free(t->task);
	eg_release(NULL, t);
}

const eg_trials_info *eg_trials_about(const eg_trials *t) { return &t->info; }

/* ---- while it is trained ----------------------------------------------------------------------------------------- */

typedef struct watching {
	const eg_trials *trials;
	const eg_trial *trial;
	const eg_trial_options *options;
	eg_trial_room *room;
	int epochs;
	double best;
	bool cut, stop, memory;
} watching;

static bool better(const eg_trials *t, double a, double b) {
	if (isnan(a) || isnan(b)) return !isnan(a);
	return t->info.lower_is_better ? a < b : a > b;
}

static bool on_epoch(void *user, const eg_epoch_report *r) {
	watching *w = user;
	const eg_trial *t = w->trial;
	eg_trial_room *room = w->room;
	double v = w->trials->deciding >= 0 ? r->val[w->trials->deciding] : r->val_loss;
	if (!eg_grow(NULL, &room->values, &room->cap, w->epochs, sizeof *room->values)) {
		w->memory = true;
		return false;
	}
	room->values[w->epochs++] = v;
	if (better(w->trials, v, w->best)) w->best = v;
	for (int i = 0; i < t->nrungs && r->epoch < r->epochs; i++)
		if (t->at[i] == r->epoch && better(w->trials, t->cut[i], w->best)) w->cut = true;
	if (w->options->epoch && !w->options->epoch(w->options->user, r->epoch, v)) w->stop = true;
	return !w->cut && !w->stop;
}

static bool on_interrupt(void *user) {
	watching *w = user;
	if (w->options->interrupted && w->options->interrupted(w->options->user)) w->stop = true;
	return w->stop;
}

/* ---- the network ------------------------------------------------------------------------------------------------- */

/* Weights of classes that were counted in the shared samples. */
static eg_status weigh(const eg_trials *t, eg_recipe *r, eg_error *err) {
	eg_status status = EG_OK;
	for (int i = 0; i < eg_recipe_losses(r) && !status; i++) {
		const eg_recipe_loss_info *from = eg_recipe_loss_at(t->recipe, i);
		if (from && from->balanced && from->nclasses > 0) status = eg_recipe_weigh(r, i, from->classes, from->nclasses, err);
	}
	return status;
}

static eg_status take_weights(const made *m, eg_context *ctx, eg_error *err) {
	char buf[4096];
	eg_status status = EG_OK;
	for (int i = 0; i < eg_recipe_froms(m->recipe) && !status; i++) {
		eg_model *model = NULL;
		status = eg_model_load(eg_recipe_from(m->recipe, i, buf, sizeof buf), ctx, &model, err);
		if (!status) status = eg_params_take(m->params, model, eg_recipe_from_layers(m->recipe), NULL, NULL, err);
		eg_model_free(model);
	}
	return status;
}

static eg_status check_memory(const made *m, size_t limit, eg_error *err) {
	const eg_train_config *c = eg_recipe_train(m->recipe);
	const eg_dataset *d = eg_samples_get(m->samples, EG_PART_TRAIN);
	eg_size sizes[EG_DATASET_DIMS + 1] = {{0}};
	eg_cost cost;
	for (int i = 0; d->dims && d->dims[i] && i < EG_DATASET_DIMS; i++) sizes[i] = (eg_size){d->dims[i], d->most[i]};
	const eg_plan_options o = {.batch = d->streams ? d->streams : c->batch > 0 ? c->batch : 32,
	        .time = d->time, .sizes = sizes, .carry = d->streams > 0, .train = true, .checkpoint_time = c->checkpoint_time};
	eg_status status = limit > 0 ? eg_plan_measure(m->graph, &o, &cost, err) : EG_OK;
	if (status || limit == 0) return status;
	double moments = eg_optimizer_moments_of(&c->optimizer),
	       bytes = (double)cost.memory.total + (double)cost.memory.gradients + (3 + moments) * (double)cost.memory.parameters;
	if (bytes <= (double)limit) return EG_OK;
	return eg_fail(err, EG_ERR_MEMORY, "it would take about %.0f MiB while it is trained, and may take %.0f",
	        bytes / 0x1p20, (double)limit / 0x1p20);
}

static eg_status make(const eg_trials *t, eg_context *ctx, const eg_trial *trial, const eg_trial_options *o, made *m,
	eg_error *err) {
	eg_status status = eg_space_recipe(t->space, trial->point, &m->recipe, err);
	if (!status && !t->task) status = load(m->recipe, &m->own_task, &m->own_samples, err);
	m->task = t->task ? t->task : m->own_task;
	m->samples = t->task ? t->samples : m->own_samples;
	if (!status && t->task) status = weigh(t, m->recipe, err);
	if (!status) status = eg_recipe_build(m->recipe, ctx, eg_samples_sizes(m->samples), &m->graph, err);
	if (!status) status = eg_task_suits(m->task, m->graph, err);
	if (!status) status = check_memory(m, o->limit_memory, err);
	if (status) return status;
	m->params = eg_params_new(m->graph, eg_recipe_train(m->recipe)->seed + trial->seed, err);
	if (!m->params) return err->status;
	status = eg_samples_whiten(m->samples, m->graph, m->params, err);
	if (!status) status = take_weights(m, ctx, err);
	eg_task_constrain(m->task, m->params);
	return status ? status : eg_samples_train_judges(m->samples, m->graph, &m->judge, &m->train_judge, err);
}

static eg_status train(const eg_trials *t, const made *m, const eg_trial *trial, watching *w, eg_error *err) {
	static const eg_judge none; /* costs nothing */
	const eg_train_callbacks callbacks = {.user = w, .epoch = on_epoch, .interrupted = on_interrupt};
	eg_train_config c = *eg_recipe_train(m->recipe);
	c.seed += trial->seed;
	c.judge = m->judge ? m->judge : &none;
	c.train_judge = &none;
	if (t->deciding >= 0) c.best = EG_BEST_METRIC;
	eg_status status = eg_train(m->graph, m->params, &c, eg_samples_get(m->samples, EG_PART_TRAIN),
	        eg_samples_get(m->samples, EG_PART_VALIDATION), NULL, NULL, &callbacks, NULL, err);
	if (!status && c.keep_last && w->epochs > 0) w->best = w->room->values[w->epochs - 1];
	return status;
}

/* ---- one trial --------------------------------------------------------------------------------------------------- */

void eg_trial_fail(eg_outcome *o, eg_trial_room *room, const char *why) {
	snprintf(room->error, sizeof room->error, "%s", why);
	o->state = EG_TRIAL_FAILED;
	o->value = NAN;
	o->error = room->error;
}

eg_status eg_trial_run(eg_trials *t, eg_context *ctx, const eg_trial *trial, const eg_trial_options *options,
	eg_trial_room *room, eg_outcome *outcome, eg_error *err) {
	static const eg_trial_options nothing;
	watching w = {.trials = t, .trial = trial, .options = options ? options : &nothing, .room = room, .best = (double)NAN};
	made m = {0};
	eg_error own;
	if (!err) err = &own;
	if (t->floor) return eg_trial_run_floor(t, trial, room, outcome, err);
	eg_status status = make(t, ctx, trial, w.options, &m, err);
	if (!status) status = train(t, &m, trial, &w, err);
	drop(&m);
	*outcome = (eg_outcome){.value = w.best, .budget = w.epochs, .values = room->values};
	if (status == EG_ERR_IO) return status; /* that is no setting's fault */
	if (status == EG_ERR_STOPPED && w.cut && !w.stop)
		outcome->state = EG_TRIAL_STOPPED;
	else if (status)
		eg_trial_fail(outcome, room, w.memory ? "out of memory" : err->message);
	else if (isnan(w.best))
		eg_trial_fail(outcome, room, "there is no value on the validation samples, or none that is a number");
	return w.stop ? EG_ERR_STOPPED : EG_OK;
}

void eg_trial_room_free(eg_trial_room *room) {
	eg_release(NULL, room->values);
	*room = (eg_trial_room){0};
}
