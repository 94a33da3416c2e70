/* train.c - engram train: from a recipe to a model file. Same seed, same bytes, also after a kill and --resume.
 *
 * Signals: SIGINT, SIGTERM and SIGHUP are blocked while training and looked for after every step, so that nothing is
 * ever interrupted in the middle. Several trainings (--folds) write nothing, and end as a signal says.
 *
 * Not here: weights of other models (train_from.c), files (train_files.c), what a checkpoint must agree with
 * (train_resume.c), what is shown (train_show.c), folds (train_folds.c). */
#define _POSIX_C_SOURCE 200809L /* sigpending */
#include "train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- signals ----------------------------------------------------------------------------------------------------- */

static void choose_signals(sigset_t *s) {
	struct sigaction hup;
	sigemptyset(s);
	sigaddset(s, SIGINT);
	sigaddset(s, SIGTERM);
	if (sigaction(SIGHUP, NULL, &hup) == 0 && hup.sa_handler != SIG_IGN)
		sigaddset(s, SIGHUP); /* ignored under nohup */
}

bool train_stop_wanted(const training *t) {
	sigset_t pending;
	if (sigpending(&pending)) return false;
	for (int number = 1; number < 32; number++)
		if (sigismember(&t->stop, number) == 1 && sigismember(&pending, number) == 1) return true;
	return false;
}

/* Takes back what stop_wanted saw, and lets signals through again. */
static void forget_signals(training *t) {
	int number;
	while (train_stop_wanted(t) && sigwait(&t->stop, &number) == 0) {}
	sigprocmask(SIG_UNBLOCK, &t->stop, NULL);
}

/* ---- while it runs ----------------------------------------------------------------------------------------------- */

static bool on_step(void *user, const eg_progress *p) {
	char left[64], epoch[NUMBER];
	snprintf(epoch, sizeof epoch, "%d/%d", p->epoch, p->epochs);
	snprintf(left, sizeof left, "%7s ", epoch);
	train_show_bar(user, left, p);
	return true;
}

/* After every update. Who stops it keeps this step. */
static bool interrupted(void *user) {
	training *t = user;
	if (train_stop_wanted(t)) {
		train_write_checkpoint(t);
		return true;
	}
	return !train_keep_step(t);
}

static bool on_epoch(void *user, const eg_epoch_report *r) {
	training *t = user;
	train_show_epoch(t, r);
	if (r->best || t->config.keep_last)
		t->reached = train_floor_value(t, r->metrics, r->nmetrics, r->val, r->val_loss);
	train_note_epoch(user, r);
	return train_keep_epoch(user) && !train_stop_wanted(user);
}

/* ---- getting ready ----------------------------------------------------------------------------------------------- */

static bool read_recipe(training *t) {
	eg_error err;
	t->recipe = cli_recipe(t->args, t->recipe_path);
	if (!t->recipe) return false;
	if (eg_task_open(t->recipe, &t->task, &err)) {
		fail_error("train", &err);
		return false;
	}
	t->config = *eg_recipe_train(t->recipe);
	return args_has(t->args, "folds") || train_files_open(t); /* folds write no file */
}

/* A sample of a task that writes is a prediction for each unit of its text. */
static double units_a_prediction(const training *t) {
	const eg_dataset *d = eg_samples_get(t->samples, EG_PART_TRAIN);
	double predictions = 0;
	for (int64_t i = 0; d && i < d->count; i++) predictions += d->weight ? d->weight(d->user, (uint32_t)i) : 1;
	return predictions > 0 ? (double)eg_samples_units(t->samples, EG_PART_TRAIN) / predictions : 1;
}

bool train_load(training *t, int folds, int fold) {
	eg_error err;
	const eg_samples_options o = {.part = EG_PART_TRAIN, .folds = folds, .fold = fold};
	if (!t->task && eg_task_open(t->recipe, &t->task, &err)) return fail_error(t->args->verb->name, &err), false;
	if (eg_task_fits(t->task, &err) || cli_samples(t->args, t->task, &o, &t->samples, &err))
		return fail_error(t->args->verb->name, &err), false;
	t->has_validation = eg_samples_count(t->samples, EG_PART_VALIDATION) > 0;
	snprintf(t->rate, sizeof t->rate, "%s/s", eg_task_unit(t->task, false));
	t->units = units_a_prediction(t);
	return train_advise(t);
}

/* ---- the network ------------------------------------------------------------------------------------------------- */

bool train_network(training *t) {
	eg_error err;
	eg_status status = eg_recipe_build(t->recipe, t->ctx, eg_samples_sizes(t->samples), &t->own_graph, &err);
	if (!status) status = eg_task_suits(t->task, t->own_graph, &err);
	t->graph = t->own_graph;
	if (!status && !(t->own_params = eg_params_new(t->graph, t->config.seed, &err))) status = err.status;
	if (!status) status = eg_samples_whiten(t->samples, t->graph, t->own_params, &err);
	t->params = t->own_params;
	if (status) return fail_error(t->args->verb->name, &err), false;
	if (!train_take_weights(t)) return false;
	eg_task_constrain(t->task, t->params);
	return true;
}

bool train_judges(training *t) {
	static eg_judge none; /* costs nothing */
	eg_error err;
	if (eg_samples_train_judges(t->samples, t->graph, &t->judge, &t->train_judge, &err))
		return fail_error("train", &err), false;
	t->told = eg_judge_told(t->judge);
	t->shown = t->told >= 0 && (t->judge->best >= 0 || t->train_judge) ? t->told : -1;
	t->config.judge = t->judge ? t->judge : &none;
	t->config.train_judge = t->train_judge ? t->train_judge : &none;
	return true;
}

void train_drop(training *t) {
	eg_samples_judge_free(t->judge);
	eg_samples_judge_free(t->train_judge);
	eg_params_free(t->own_params);
	eg_graph_free(t->own_graph);
	eg_samples_free(t->samples);
	eg_task_free(t->task);
	free(t->from);
	t->from = NULL;
	t->judge = t->train_judge = NULL;
	t->params = t->own_params = NULL;
	t->graph = t->own_graph = NULL;
	t->samples = NULL;
	t->task = NULL;
}

static void tell_files(const training *t, bool resume, bool there) {
	if (there && !resume)
		fail("train", "note: %s of an earlier training will be overwritten (--resume goes on with it)",
		        t->checkpoint_path);
	else if (args_has(t->args, "resume") && !there && !t->quiet)
		fail("train", "note: there is no %s to resume from; training begins anew", t->checkpoint_path);
}

static bool prepare(training *t) {
	eg_error err;
	size_t n;
	bool there = access(t->checkpoint_path, F_OK) == 0, resume = args_has(t->args, "resume") && there;
	if (args_has(t->args, "resume") && !there && train_refuse_finished(t)) return false;
	if (!(resume ? train_old_network(t) : train_network(t)) || !train_judges(t)) return false;
	tell_files(t, resume, there);
	t->optimizer = eg_optimizer_new(t->params, &t->config.optimizer, &err);
	if (!t->optimizer) {
		fail_error("train", &err);
		return false;
	}
	eg_params_flat(t->params, &n);
	t->state.best_weights = cli_alloc(n * sizeof *t->state.best_weights);
	if (t->config.average > 0) t->state.average = cli_alloc(n * sizeof *t->state.average);
	return train_know_data(t) && (!resume || train_old_state(t)) && train_room(t);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

void train_print_command(const training *t, FILE *f, const char *more) {
	const cli_args *a = t->args;
	fprintf(f, "  engram train %s", t->recipe_path);
	for (int i = 0; i < a->ngiven; i++) {
		const cli_option *o = a->given[i].option;
		if (!strcmp(o->name, "resume")) continue;
		bool quote = a->given[i].value && strpbrk(a->given[i].value, " '\"{}[]$&;|<>()*?#!\\");
		fprintf(f, " --%s", o->name);
		if (a->given[i].value) fprintf(f, quote ? " '%s'" : " %s", a->given[i].value);
	}
	fprintf(f, "%s\n", more);
}

static int stopped(const training *t, const eg_error *why) {
	char kept[120];
	if (t->code) return t->code; /* it was told why */
	fail_error("train", why);
	if (!train_kept_text(t, kept)) return CLI_FAILED;
	fprintf(stderr, "It is kept in %s up to %s. To go on from there:\n", text_shown(t->checkpoint_path),
	        kept);
	train_print_command(t, stderr, " --resume");
	return CLI_FAILED;
}

/* A training that fails replaces no model. */
static int not_finite(training *t, const eg_error *why) {
	char kept[120];
	fail_error("train", why);
	char *path = train_joined(t->model_path, ".last-good", "");
	if (train_write(t, path, false) && !t->code) fprintf(stderr, "Those weights are saved in %s.\n", text_shown(path));
	free(path);
	if (train_kept_text(t, kept)) {
		fprintf(stderr, "To go on from %s with a smaller learning rate:\n", kept);
		train_print_command(t, stderr, " --resume --set train.lr=...");
	}
	return t->code ? t->code : CLI_FAILED;
}

static void show_best(const training *t) {
	char loss[NUMBER], value[NUMBER];
	const eg_train_state *s = &t->state;
	printf("\nKept is epoch %d: validation ", s->best_epoch);
	if (t->shown >= 0)
		printf("%s %s, ", t->judge->metrics[t->shown].name,
		        train_metric(value, &t->judge->metrics[t->shown], s->best_metric));
	printf("loss %s.", number_loss(loss, s->best_loss));
}

/* Value i of a list; of a single value, that. */
static const eg_value *one_of(const eg_value *list, int i) {
	return eg_value_kind_of(list) == EG_VALUE_LIST ? eg_value_at(list, i) : i ? NULL : list;
}

/* Simple models that answer with the network. NULL: there is none. */
static const eg_value *show_ensemble(const training *t) {
	char share[NUMBER];
	const eg_value *e = eg_value_get(eg_samples_kept(t->samples), "ensemble"), *name;
	const eg_value *floors = eg_value_get(e, "floor"), *reached = eg_value_get(e, "validation_accuracy");
	if (!e) return NULL;
	printf("Ensemble, with weights: the network %.3f", eg_value_number(eg_value_at(eg_value_get(e, "weights"), 0), (double)NAN));
	for (int i = 0; (name = one_of(floors, i)); i++)
		printf(", %s %.3f", text_shown(eg_value_text(name)),
		        eg_value_number(eg_value_at(eg_value_get(e, "weights"), 1 + i), (double)NAN));
	printf(".\n");
	if (!reached) return NULL;
	printf("Validation accuracy: %s %s", one_of(floors, 1) ? "all" : "both",
	        number_percent(share, eg_value_number(eg_value_get(reached, "both"), (double)NAN)));
	printf(", the network alone %s", number_percent(share, eg_value_number(eg_value_get(reached, "network"), (double)NAN)));
	for (int i = 0; (name = one_of(floors, i)); i++)
		printf(", %s %s", text_shown(eg_value_text(name)),
		        number_percent(share, eg_value_number(one_of(eg_value_get(reached, "floor"), i), (double)NAN)));
	printf(".\n");
	return eg_value_get(reached, "both");
}

static int finish(training *t, const eg_train_result *result) {
	char time[NUMBER];
	const eg_train_state *s = &t->state;
	if (args_has(t->args, "keep-checkpoint")) {
		if (!train_keep(t)) return t->code;
	}
	eg_error err;
	if (eg_samples_settle(t->samples, t->graph, t->params, &err)) return fail_error("train", &err);
	if (!train_write(t, t->model_path, false)) return t->code;
	if (t->has_kept && !t->code && !args_has(t->args, "keep-checkpoint")) unlink(t->checkpoint_path);
	const bool noted = train_note_end(t, result);
	if (t->json || t->quiet || t->code) return t->code;
	int done = s->epoch - t->first;
	printf("\n%d epoch%s in %s", done, done == 1 ? "" : "s", number_time(time, result->seconds));
	printf(t->first ? ", %d in all." : ".", s->epoch);
	if (s->best_epoch > 0 && !t->config.keep_last) show_best(t);
	printf("\n");
	if (!noted) train_show_fitting(t);
	const eg_value *both = show_ensemble(t);
	train_show_floors(t, 0, both ? eg_value_number(both, (double)NAN) : t->reached);
	printf("Model: %s\n\n", text_shown(t->model_path));
	train_show_next(t);
	return CLI_OK;
}

static void show_plan(const training *t, const eg_dataset *d) {
	eg_size sizes[EG_DATASET_DIMS + 1] = {{0}};
	if (cli_verbose() < 1) return;
	for (int i = 0; d->dims && d->dims[i] && i < EG_DATASET_DIMS; i++) sizes[i] = (eg_size){d->dims[i], d->most[i]};
	eg_plan_options o = {.batch = d->streams ? d->streams : cli_train_batch(t->recipe),
	        .time = d->time,
	        .sizes = sizes,
	        .carry = d->streams > 0,
	        .train = true,
	        .checkpoint_time = t->config.checkpoint_time};
	cli_verbose_plan(t->graph, t->params, &o);
}

static int train(training *t) {
	eg_train_result result;
	eg_error err;
	eg_train_callbacks callbacks = {.user = t, .step = on_step, .epoch = on_epoch, .interrupted = interrupted};
	const eg_dataset *data = eg_samples_get(t->samples, EG_PART_TRAIN);
	if (!t->quiet && !t->json) train_introduce(t);
	if (t->json && t->from && !t->quiet) fprintf(stderr, "engram train: note: %s", t->from);
	show_plan(t, data);
	t->begun = t->kept_at = train_clock();
	sigprocmask(SIG_BLOCK, &t->stop, NULL);
	eg_status status = eg_train(t->graph, t->params, &t->config, data,
	        eg_samples_get(t->samples, EG_PART_VALIDATION), t->optimizer, &t->state, &callbacks, &result, &err);
	if (t->live) bar_clear(stdout);
	out_push();
	int code = status == EG_OK            ? finish(t, &result)
	           : status == EG_ERR_STOPPED ? stopped(t, &err)
	           : status == EG_ERR_NUMERIC ? not_finite(t, &err)
	                                      : fail_error("train", &err);
	forget_signals(t);
	return code;
}

static int train_all(training *t) {
	if (!read_recipe(t)) return t->code ? t->code : CLI_FAILED;
	sigprocmask(SIG_BLOCK, &t->stop, NULL); /* the team's threads inherit it: a signal must find this thread */
	t->ctx = cli_context(t->args);
	sigprocmask(SIG_UNBLOCK, &t->stop, NULL);
	if (!t->ctx) return CLI_FAILED;
	if (args_has(t->args, "folds")) return train_folds(t, (int)args_number(t->args, "folds", 2));
	if (train_load(t, 0, 0) && prepare(t)) return train(t);
	return t->code ? t->code : CLI_FAILED;
}

static int run(const cli_args *a) {
	training t = {.args = a,
	        .recipe_path = a->operands[0],
	        .json = args_has(a, "json"),
	        .quiet = args_has(a, "quiet"),
	        .every = 300,
	        .told = -1,
	        .reached = NAN,
	        .shown = -1};
	if (args_has(a, "folds") && (args_has(a, "resume") || args_has(a, "output")))
		return fail_usage("train", "--folds writes no file; it does not go with --%s",
		        args_has(a, "resume") ? "resume" : "output");
	if (!args_real(a, "checkpoint-every", 0, 1e9, &t.every)) return CLI_USAGE;
	t.live = is_terminal(stdout) && !t.json && !t.quiet;
	choose_signals(&t.stop);
	signal(SIGPIPE, SIG_IGN); /* who only looks on may leave */
	int code = train_all(&t);
	free(t.state.best_weights);
	free(t.state.average);
	eg_optimizer_free(t.optimizer);
	train_forget(&t);
	train_drop(&t);
	eg_model_free(t.resumed);
	eg_context_free(t.ctx);
	eg_recipe_free(t.recipe);
	train_files_close(&t);
	return code;
}

static const cli_option options[] = {
	{"output", 'o', "MODEL", "where the model goes (default: the recipe's name with .safetensors, in this folder)",
		0, 0},
	OPTION_SET,
	{"resume", 0, NULL,
		"go on from the checkpoint of a training that was stopped; the model becomes the same, byte for byte, "
		"as if it had not been",
		0, 0},
	{"checkpoint-every", 0, "SECONDS",
		"write a checkpoint inside of an epoch too, whenever so much time has gone by (default: 300)", 0, 0},
	{"keep-checkpoint", 0, NULL,
		"leave the last checkpoint when the training is over, so that --resume with a larger train.epochs goes "
		"on with it",
		0, 0},
	{"folds", 0, "K",
		"train K times, each time judged, after the last epoch, by another K-th of the training samples, and tell mean "
		"and deviation; no model is written",
		2, 1000},
	{"seed", 0, "S", "of everything random; same as --set train.seed=S", 0, INT64_MAX},
	OPTION_THREADS,
	OPTION_LOADERS,
	OPTION_JSON("one JSON object an epoch on stdout; with --folds one a fold, then mean and deviation"),
	{"quiet", 'q', NULL, "say nothing but errors", 0, 0},
	{0},
};

const cli_verb verb_train = {
	.name = "train",
	.line = "train a network as a recipe says",
	.operands = "RECIPE",
	.min_operands = 1,
	.max_operands = 1,
	.about = "Reads the recipe, trains its network on its data and writes one model file, which is\n"
		 "all that the other verbs need. Of all epochs the one that does best on the validation\n"
		 "samples is kept. The same seed gives the same file, byte for byte, for any number of\n"
		 "threads.\n\n"
		 "Beside the model a checkpoint is written after each epoch (epochs shorter than a second\n"
		 "share one) and every five minutes inside of longer ones, and removed at the end. Ctrl-C\n"
		 "finishes the step and keeps it; --resume goes on from exactly there, if recipe and data are\n"
		 "as they were. A model that is there is replaced only by a training that succeeds. When\n"
		 "nothing can be written, the exit code is 3.\n\n"
		 "With train.from: MODEL in the recipe the weights begin as those of another model, where\n"
		 "names and shapes are the same.",
	.options = options,
	.examples = "  engram train recipes/lenet5.yaml\n"
		    "  engram train recipes/lenet5.yaml -o mnist.safetensors --set data.source=mnist\n"
		    "  engram train recipes/lenet5.yaml --set train.epochs=20 --set train.lr=1e-3 --json\n"
		    "  engram train recipes/lenet5.yaml --folds 5\n",
	.run = run,
};
