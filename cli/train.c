/* train.c - engram train: from a recipe to a model file, with a checkpoint after each epoch.
 *
 * Files: MODEL is written once, at the end; MODEL.checkpoint after an epoch, and removed at the end. Both appear whole
 * or not at all, and hold neither clock nor thread count: same seed, same bytes, also after a kill and --resume.
 *
 * Signals: SIGINT, SIGTERM and SIGHUP are blocked while training and looked for after every step, so that nothing is
 * ever interrupted in the middle. */
#define _POSIX_C_SOURCE 200809L /* sigpending */
#include "print.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct job {
	const cli_args *args;
	const char *recipe_path;
	char *model_path, *checkpoint_path;
	bool json, quiet, live; /* live: stdout is a terminal */
	eg_recipe *recipe;
	eg_task *task;
	eg_samples *samples;
	eg_context *ctx;
	eg_model *resumed; /* the checkpoint, which then owns graph and parameters */
	eg_graph *graph, *own_graph;
	eg_params *params, *own_params;
	eg_optimizer *optimizer;
	eg_train_state state;
	eg_train_config config;
	bool has_validation, has_classes, head_shown, checkpoint_failed;
	char rate[48]; /* "pictures/s" */
	int first, kept; /* epochs done before; epochs in the checkpoint, 0: there is none */
	double unkept;   /* seconds of training since the checkpoint */
	sigset_t stop;   /* signals that ask to stop */
} job;

/* ---- signals ----------------------------------------------------------------------------------------------------- */

static void choose_signals(sigset_t *s) {
	struct sigaction hup;
	sigemptyset(s);
	sigaddset(s, SIGINT);
	sigaddset(s, SIGTERM);
	if (sigaction(SIGHUP, NULL, &hup) == 0 && hup.sa_handler != SIG_IGN)
		sigaddset(s, SIGHUP); /* ignored under nohup */
}

static bool stop_wanted(void *user) {
	const job *j = user;
	sigset_t pending;
	if (sigpending(&pending)) return false;
	for (int number = 1; number < 32; number++)
		if (sigismember(&j->stop, number) == 1 && sigismember(&pending, number) == 1) return true;
	return false;
}

/* Takes back what stop_wanted saw, and lets signals through again. */
static void forget_signals(job *j) {
	int number;
	while (stop_wanted(j) && sigwait(&j->stop, &number) == 0) {}
	sigprocmask(SIG_UNBLOCK, &j->stop, NULL);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static char *joined(const char *a, const char *b, const char *c) {
	size_t n = strlen(a) + strlen(b) + strlen(c) + 1;
	char *s = cli_alloc(n);
	snprintf(s, n, "%s%s%s", a, b, c);
	return s;
}

/* Says before hours of training that the model could not be written after them. */
static bool can_write(const job *j) {
	struct stat st;
	const char *path = j->model_path, *slash = strrchr(path, '/');
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		fail("train", "cannot write the model: %s is a folder", path);
		return false;
	}
	if (stat(path, &st) == 0 && !S_ISREG(st.st_mode)) {
		fail("train", "cannot write the model: %s is not a plain file", path);
		return false;
	}
	if (!path[0] || (slash && !slash[1])) {
		fail_usage("train", "'%s' is not a file name for a model", path);
		return false;
	}
	char number[32];
	snprintf(number, sizeof number, ".probe-%ld", (long)getpid());
	char *probe = joined(path, number, "");
	int file = open(probe, O_WRONLY | O_CREAT | O_EXCL, 0666);
	if (file < 0)
		fail("train", "cannot write the model %s: %s", path,
			errno == ENOENT ? "its folder does not exist" : strerror(errno));
	else
		close(file), unlink(probe);
	free(probe);
	return file >= 0;
}

static eg_status save(job *j, const char *path, bool checkpoint, eg_error *err) {
	/* Training loss and accuracy are left out: after a resume at the very end they are not known. */
	eg_train_result result = {.epochs_done = j->state.epoch,
		.best_epoch = j->state.best_epoch,
		.loss = NAN,
		.train_metric = NAN,
		.val_loss = j->state.best_epoch ? j->state.best_loss : NAN,
		.metric = j->has_classes ? "accuracy" : NULL,
		.val_metric = j->state.best_epoch ? j->state.best_metric : NAN};
	eg_model_parts parts = {.recipe = j->recipe,
		.params = j->params,
		.result = &result};
	eg_samples_describe(j->samples, &parts);
	if (checkpoint) parts.optimizer = j->optimizer, parts.state = &j->state;
	return eg_model_save(path, &parts, err);
}

/* ---- what is shown ----------------------------------------------------------------------------------------------- */

static void show_head(job *j) {
	printf("\n%7s  %8s", "epoch", "loss");
	if (j->has_classes) printf("  %8s", "accuracy");
	if (j->has_validation) printf("  %8s", "val loss");
	if (j->has_validation && j->has_classes) printf("  %8s", "val acc");
	printf("  %10s  %7s\n", j->rate, "time");
	j->head_shown = true;
}

static void show_epoch(job *j, const eg_epoch_report *r) {
	char epoch[NUMBER], number[NUMBER], time[NUMBER];
	int width = (int)strlen(j->rate) > 10 ? (int)strlen(j->rate) : 10;
	if (!j->head_shown) show_head(j);
	snprintf(epoch, sizeof epoch, "%d/%d", r->epoch, r->epochs);
	printf("%7s  %8s", epoch, number_loss(number, r->loss));
	if (j->has_classes) printf("  %8s", number_percent(number, r->train[0]));
	if (j->has_validation) printf("  %8s", number_loss(number, r->val_loss));
	if (j->has_validation && j->has_classes) printf("  %8s", number_percent(number, r->val[0]));
	printf("  %*s  %7s%s\n", width, number_int(number, (int64_t)(r->samples_per_second + 0.5)),
		number_time(time, r->seconds), r->best ? "  best" : "");
}

static void show_epoch_json(const eg_epoch_report *r) {
	json j = {.f = stdout};
	json_put_open(&j, NULL, '{');
	json_put_int(&j, "epoch", r->epoch);
	json_put_int(&j, "epochs", r->epochs);
	json_put_number(&j, "loss", r->loss);
	json_put_number(&j, "accuracy", r->train[0]);
	json_put_number(&j, "val_loss", r->val_loss);
	json_put_number(&j, "val_accuracy", r->val[0]);
	json_put_number(&j, "lr", r->lr);
	json_put_number(&j, "grad_norm", r->grad_norm);
	json_put_number(&j, "seconds", r->seconds);
	json_put_number(&j, "samples_per_second", r->samples_per_second);
	json_put_bool(&j, "best", r->best);
	json_put_close(&j, '}');
	json_put_end(&j);
}

static bool on_step(void *user, const eg_progress *p) {
	const job *j = user;
	char left[64], epoch[NUMBER], loss[NUMBER], right[256], accuracy[64] = "", share[NUMBER], rate[NUMBER], time[NUMBER];
	if (!j->live) return true;
	if (!j->head_shown) show_head(user);
	snprintf(epoch, sizeof epoch, "%d/%d", p->epoch, p->epochs);
	snprintf(left, sizeof left, "%7s ", epoch);
	if (j->has_classes) snprintf(accuracy, sizeof accuracy, "accuracy %s  ", number_percent(share, p->train[0]));
	snprintf(right, sizeof right, "loss %s  %s%s %s  %s left", number_loss(loss, p->loss), accuracy,
		number_int(rate, (int64_t)p->samples_per_second), j->rate, number_time(time, p->seconds_left));
	bar_show(stdout, left, p->steps > 0 ? (double)p->step / (double)p->steps : 0, right);
	return true;
}

/* Epochs of less than a second share a checkpoint: syncing a file takes longer than they do. */
static void keep(job *j, const eg_epoch_report *r) {
	eg_error err;
	j->unkept += r->seconds;
	if (j->kept && j->unkept < 1 && !stop_wanted(j)) return;
	if (save(j, j->checkpoint_path, true, &err) == EG_OK) {
		j->kept = r->epoch;
		j->unkept = 0;
	} else if (!j->checkpoint_failed) {
		fail("train", "the checkpoint could not be written, training goes on without: %s", err.message);
		j->checkpoint_failed = true;
	}
}

static bool on_epoch(void *user, const eg_epoch_report *r) {
	job *j = user;
	if (j->live) bar_clear(stdout);
	if (j->json)
		show_epoch_json(r);
	else if (!j->quiet)
		show_epoch(j, r);
	fflush(stdout);
	keep(j, r);
	return true;
}

/* ---- getting ready ----------------------------------------------------------------------------------------------- */

static bool read_recipe(job *j) {
	eg_error err;
	const char *path = args_text(j->args, "output");
	j->recipe = cli_recipe(j->args, j->recipe_path);
	if (!j->recipe) return false;
	if (eg_task_open(j->recipe, &j->task, &err)) {
		fail_error("train", &err);
		return false;
	}
	j->model_path = path ? joined(path, "", "") : joined(eg_recipe_name(j->recipe), ".safetensors", "");
	j->checkpoint_path = joined(j->model_path, ".checkpoint", "");
	j->config = *eg_recipe_train(j->recipe);
	return can_write(j);
}

static bool load_data(job *j) {
	eg_error err;
	if (eg_samples_load(j->task, EG_PART_TRAIN, NULL, &j->samples, &err)) {
		fail_error("train", &err);
		return false;
	}
	j->has_validation = eg_samples_count(j->samples, EG_PART_VALIDATION) > 0;
	j->has_classes = eg_samples_classes(j->samples) > 0;
	snprintf(j->rate, sizeof j->rate, "%s/s", eg_task_unit(j->task, false));
	return true;
}

/* The recipe's text without its section `train`, which may change when training goes on. */
static char *without_train(const char *text) {
	char *copy = cli_alloc(strlen(text) + 1), *to = copy;
	bool skip = false;
	while (*text) {
		size_t n = strcspn(text, "\n");
		n += text[n] == '\n';
		if (text[0] != ' ' && text[0] != '-') skip = !strncmp(text, "train:", 6);
		if (!skip) memcpy(to, text, n), to += n;
		text += n;
	}
	return copy;
}

static bool same_but_train(const eg_recipe *a, const eg_recipe *b) {
	char *x = without_train(eg_recipe_text(a)), *y = without_train(eg_recipe_text(b));
	bool same = !strcmp(x, y);
	free(x);
	free(y);
	return same;
}

static bool new_network(job *j) {
	eg_error err;
	if (eg_recipe_build(j->recipe, j->ctx, eg_samples_classes(j->samples), &j->own_graph, &err) ||
		eg_task_suits(j->task, j->own_graph, &err)) {
		fail_error("train", &err);
		return false;
	}
	j->graph = j->own_graph;
	j->params = j->own_params = eg_params_new(j->graph, j->config.seed, &err);
	return j->params || (fail_error("train", &err), false);
}

static bool old_network(job *j) {
	j->resumed = cli_model(j->args, j->checkpoint_path, j->ctx);
	if (!j->resumed) return false;
	const eg_recipe *r = eg_model_recipe(j->resumed);
	if (!same_but_train(r, j->recipe) || eg_model_classes(j->resumed) != eg_samples_classes(j->samples)) {
		fail("train",
			"%s was made by another recipe; only its section 'train' may change. Begin anew without "
			"--resume",
			j->checkpoint_path);
		return false;
	}
	if (strcmp(eg_recipe_text(r), eg_recipe_text(j->recipe)) && !j->quiet)
		fail("train", "note: the recipe's section 'train' has changed since the checkpoint; training goes on "
			      "with the new one");
	j->graph = eg_model_graph(j->resumed);
	j->params = eg_model_params(j->resumed);
	return true;
}

static bool prepare(job *j) {
	eg_error err;
	size_t n;
	bool there = access(j->checkpoint_path, F_OK) == 0, resume = args_has(j->args, "resume") && there;
	if (!(resume ? old_network(j) : new_network(j))) return false;
	if (there && !resume)
		fail("train", "note: %s of an earlier training will be overwritten (--resume goes on with it)",
			j->checkpoint_path);
	else if (args_has(j->args, "resume") && !there && !j->quiet)
		fail("train", "note: there is no %s to resume from; training begins anew", j->checkpoint_path);
	j->optimizer = eg_optimizer_new(j->params, &j->config.optimizer, &err);
	if (!j->optimizer) {
		fail_error("train", &err);
		return false;
	}
	eg_params_flat(j->params, &n);
	j->state.best_weights = cli_alloc(n * sizeof *j->state.best_weights);
	if (j->config.average > 0) j->state.average = cli_alloc(n * sizeof *j->state.average);
	if (!resume) return true;
	if (eg_model_resume(j->resumed, j->optimizer, &j->state, &err)) {
		fail("train", "%s: %s", j->checkpoint_path, err.message);
		return false;
	}
	j->first = j->kept = j->state.epoch;
	if (j->config.epochs == 0) j->config.epochs = 10;
	/* The checkpoint may be that of the last epoch: then only the model is left to be written. */
	if (j->config.early_stopping > 0 && j->has_validation && j->state.bad_epochs >= j->config.early_stopping)
		j->config.epochs = j->state.epoch;
	return true;
}

static void introduce(const job *j) {
	char n[NUMBER], v[NUMBER], p[NUMBER];
	int64_t count = 0, units = eg_samples_units(j->samples, EG_PART_TRAIN);
	for (int i = 0; i < eg_params_count(j->params); i++) {
		eg_dims d = eg_params_dims(j->params, i);
		int64_t one = eg_params_trained(j->params, i);
		for (int k = 0; k < d.rank; k++) one *= d.d[k];
		count += one;
	}
	printf("%s: %s parameters\n", eg_recipe_name(j->recipe), number_int(p, count));
	printf("%s: %s %s to train on", eg_task_source(j->task), number_int(n, units),
		eg_task_unit(j->task, units == 1));
	if (j->has_validation)
		printf(", %s to validate", number_int(v, eg_samples_units(j->samples, EG_PART_VALIDATION)));
	printf("\n%d thread%s, %s%s", eg_context_threads(j->ctx), eg_context_threads(j->ctx) == 1 ? "" : "s",
		eg_context_isa(j->ctx), j->state.epoch > 0 ? "" : "\n");
	if (j->state.epoch > 0) printf("; going on after epoch %d\n", j->state.epoch);
	fflush(stdout);
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void print_command(const job *j, FILE *f, const char *more) {
	const cli_args *a = j->args;
	fprintf(f, "  engram train %s", j->recipe_path);
	for (int i = 0; i < a->ngiven; i++) {
		const cli_option *o = a->given[i].option;
		if (!strcmp(o->name, "resume")) continue;
		bool quote = a->given[i].value && strpbrk(a->given[i].value, " '\"{}[]$&;|<>()*?#!\\");
		fprintf(f, " --%s", o->name);
		if (a->given[i].value) fprintf(f, quote ? " '%s'" : " %s", a->given[i].value);
	}
	fprintf(f, "%s\n", more);
}

static int stopped(const job *j, const eg_error *why) {
	fail_error("train", why);
	if (!j->kept) {
		fprintf(stderr, "No epoch was finished, so nothing is kept and no model was written.\n");
		return CLI_FAILED;
	}
	fprintf(stderr, "Epoch %d is kept in %s. To go on from there:\n", j->kept, j->checkpoint_path);
	print_command(j, stderr, " --resume");
	return CLI_FAILED;
}

static int not_finite(job *j, const eg_error *why) {
	eg_error err;
	fail_error("train", why);
	if (save(j, j->model_path, false, &err)) return fail_error("train", &err);
	fprintf(stderr, "Those weights are saved in %s.\n", j->model_path);
	if (j->kept) {
		fprintf(stderr, "To go on from epoch %d with a smaller learning rate:\n", j->kept);
		print_command(j, stderr, " --resume --set train.lr=...");
	}
	return CLI_FAILED;
}

/* A training that diverged without a number ceasing to be one ends as any other; only its accuracy tells. */
static void warn_of_guessing(const job *j, const eg_train_result *result) {
	char percent[NUMBER];
	const eg_optimizer_config *o = &j->config.optimizer;
	double accuracy = j->has_validation ? result->val_metric : result->train_metric, lr = o->lr;
	int n = eg_samples_classes(j->samples);
	/* Half as good again as guessing, but with few classes not more than a little better. */
	if (j->quiet || n < 2 || !(accuracy <= fmin(1.5 / n, 1.0 / n + 0.05))) return;
	if (lr <= 0) lr = o->kind == EG_SGD ? 0.01 : 0.001;
	fail("train",
		"note: the network does no better than guessing (accuracy %s, %d classes): try a smaller learning rate "
		"(now %g), or a larger one if the loss hardly changed",
		number_percent(percent, accuracy), n, lr);
}

static void show_best(const job *j) {
	char loss[NUMBER], accuracy[NUMBER];
	const eg_train_state *s = &j->state;
	printf("\nKept is epoch %d: validation ", s->best_epoch);
	if (j->has_classes) printf("accuracy %s, ", number_percent(accuracy, s->best_metric));
	printf("loss %s.", number_loss(loss, s->best_loss));
}

/* What the model is good for, as its task says. */
static void show_next(const job *j) {
	const char *verb = eg_task_kind(j->task)->verb;
	printf("Next:\n  engram eval %s             how well it does on data it has not seen\n", j->model_path);
	if (verb && !strcmp(verb, "predict"))
		printf("  engram predict %s PICTURE  what is on a picture\n", j->model_path);
	else if (verb && !strcmp(verb, "generate"))
		printf("  engram generate %s         text like what it has read\n", j->model_path);
}

static int finish(job *j, const eg_train_result *result) {
	eg_error err;
	char time[NUMBER];
	const eg_train_state *s = &j->state;
	if (save(j, j->model_path, false, &err)) {
		fail_error("train", &err);
		if (j->kept) {
			fprintf(stderr,
				"The training is not lost: %s has it. When there is room, write the model with\n",
				j->checkpoint_path);
			print_command(j, stderr, " --resume");
		}
		return CLI_FAILED;
	}
	if (j->kept) unlink(j->checkpoint_path);
	warn_of_guessing(j, result);
	if (j->json || j->quiet) return CLI_OK;
	int done = s->epoch - j->first;
	printf("\n%d epoch%s in %s", done, done == 1 ? "" : "s", number_time(time, result->seconds));
	printf(j->first ? ", %d in all." : ".", s->epoch);
	if (s->best_epoch > 0 && !j->config.keep_last) show_best(j);
	printf("\nModel: %s\n\n", j->model_path);
	show_next(j);
	return CLI_OK;
}

static int train(job *j) {
	eg_train_result result;
	eg_error err;
	eg_train_callbacks callbacks = {.user = j, .step = on_step, .epoch = on_epoch, .interrupted = stop_wanted};
	if (!j->quiet && !j->json) introduce(j);
	const eg_dataset *data = eg_samples_get(j->samples, EG_PART_TRAIN);
	eg_plan_options shown = {.batch = data->streams      ? data->streams
					  : j->config.batch ? j->config.batch
							    : 32,
		.time = data->time,
		.carry = data->streams > 0,
		.train = true,
		.checkpoint_time = j->config.checkpoint_time};
	cli_verbose_plan(j->graph, j->params, &shown);
	sigprocmask(SIG_BLOCK, &j->stop, NULL);
	eg_status status = eg_train(j->graph, j->params, &j->config, data,
		eg_samples_get(j->samples, EG_PART_VALIDATION), j->optimizer, &j->state, &callbacks, &result, &err);
	if (j->live) bar_clear(stdout);
	fflush(stdout);
	int code = status == EG_OK            ? finish(j, &result)
		   : status == EG_ERR_STOPPED ? stopped(j, &err)
		   : status == EG_ERR_NUMERIC ? not_finite(j, &err)
					      : fail_error("train", &err);
	forget_signals(j);
	return code;
}

static int run(const cli_args *a) {
	job j = {.args = a, .recipe_path = a->operands[0], .json = args_has(a, "json"), .quiet = args_has(a, "quiet")};
	int code = CLI_FAILED;
	j.live = is_terminal(stdout) && !j.json && !j.quiet;
	choose_signals(&j.stop);
	signal(SIGPIPE, SIG_IGN); /* who only looks on may leave */
	if (read_recipe(&j)) {
		sigprocmask(
			SIG_BLOCK, &j.stop, NULL); /* the team's threads inherit it: a signal must find this thread */
		j.ctx = cli_context(a);
		sigprocmask(SIG_UNBLOCK, &j.stop, NULL);
		if (j.ctx && load_data(&j) && prepare(&j)) code = train(&j);
	}
	free(j.state.best_weights);
	free(j.state.average);
	eg_optimizer_free(j.optimizer);
	eg_params_free(j.own_params);
	eg_graph_free(j.own_graph);
	eg_model_free(j.resumed);
	eg_samples_free(j.samples);
	eg_context_free(j.ctx);
	eg_task_free(j.task);
	eg_recipe_free(j.recipe);
	free(j.model_path);
	free(j.checkpoint_path);
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
	{"seed", 0, "S", "of everything random; same as --set train.seed=S", 0, INT64_MAX},
	OPTION_THREADS,
	OPTION_JSON("one JSON object an epoch on stdout"),
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
		 "After each epoch a checkpoint is written beside the model, and removed at the end.\n"
		 "Ctrl-C finishes the step and keeps the checkpoint; --resume goes on with it.",
	.options = options,
	.examples = "  engram train recipes/lenet5.yaml\n"
		    "  engram train recipes/lenet5.yaml -o mnist.safetensors --set data.source=mnist\n"
		    "  engram train recipes/lenet5.yaml --set train.epochs=20 --set train.lr=1e-3 --json\n",
	.run = run,
};
