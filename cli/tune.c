/* tune.c - engram tune: settings of a recipe found by trials. The verb: options, what comes of it, and training with
 * it.
 *
 * Not here: trials as processes (tune_jobs.c), what is shown (tune_show.c), and everything that decides (src/tune). */
#define _POSIX_C_SOURCE 200809L
#include "engram_report.h"
#include "tune.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *joined(const char *a, const char *b) {
	char *s = cli_alloc(strlen(a) + strlen(b) + 1);
	return strcat(strcpy(s, a), b);
}

static char *joined3(const char *a, const char *b, const char *c) {
	char *ab = joined(a, b), *abc = joined(ab, c);
	free(ab);
	return abc;
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

/* "90", "90s", "10m", "1.5h" in seconds. */
static bool read_time(const cli_args *a, const char *name, double *seconds) {
	static const struct {
		const char *unit;
		double seconds;
	} units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
	const char *text = args_text(a, name);
	char *end = NULL;
	if (!text) return true;
	double v = strtod(text, &end);
	for (size_t i = 0; i < sizeof units / sizeof *units && end > text; i++)
		if (!strcmp(end, units[i].unit) && v > 0 && v < 1e9) return *seconds = v * units[i].seconds, true;
	fail_usage(a->verb->name, "--%s needs a time such as 90s, 10m or 2h, not '%s'", name, text);
	return false;
}

static eg_search_options search_options(const tuning *t) {
	const cli_args *a = t->args;
	const int epochs = t->about->epochs, ninth = (epochs + 4) / 9;
	const bool random = args_text(a, "sampler") && !strcmp(args_text(a, "sampler"), "random");
	return (eg_search_options){.journal = t->journal,
	        .metric = t->about->metric,
	        .sampler = {.kind = random ? EG_SAMPLER_RANDOM : EG_SAMPLER_TPE,
	                .seed = eg_recipe_train(t->recipe)->seed,
	                .lower_is_better = t->about->lower_is_better},
	        .trials = (int)args_number(a, "trials", args_has(a, "budget") ? 1000000 : 40),
	        .lag = t->njobs > 4 ? t->njobs : 4,
	        .eta = (int)args_number(a, "halving", 3),
	        .first_rung = ninth > 1 ? ninth : 1,
	        .seeds = (int)args_number(a, "seeds", 1),
	        .finalists = (int)args_number(a, "finalists", 3),
	        .as_it_is = true};
}

/* Threads are shared out: a small network is trained faster by one thread, four times, than by four. */
static bool choose_jobs(tuning *t) {
	eg_error err;
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = (int)args_number(t->args, "threads", 0)}, &err);
	if (!ctx) return fail_error("tune", &err), false;
	int threads = eg_context_threads(ctx);
	eg_context_free(ctx);
	t->njobs = (int)args_number(t->args, "jobs", (uint64_t)(threads < 4 ? threads : 4));
	t->threads = threads / t->njobs > 0 ? threads / t->njobs : 1;
	double all = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
	t->limit_memory = (size_t)args_count(t->args, "limit-memory", all > 0 ? all / t->njobs : 0);
	return true;
}

/* ---- what comes of it -------------------------------------------------------------------------------------------- */

/* The settings of the best trial behind those of --set, NULL-terminated; to be freed with *own. */
static const char **best_settings(const tuning *t, int best, char ***own) {
	eg_error err;
	int n, k = 0;
	const char **set = args_all(t->args, "set", &n), *seed = args_text(t->args, "seed");
	if (eg_space_settings(t->space, eg_search_at(t->search, best, NULL, NULL)->point, own, &err)) exit(fail_error("tune", &err));
	while ((*own)[k]) k++;
	const char **all = cli_alloc((size_t)(n + k + 2) * sizeof *all);
	memcpy(all, set, (size_t)n * sizeof *all);
	if (seed) {
		static char line[80]; /* it is a number, or nothing would have been tried */
		snprintf(line, sizeof line, "train.seed=%s", seed);
		all[n++] = line;
	}
	memcpy(all + n, *own, (size_t)k * sizeof *all);
	free(set);
	return all;
}

static bool write_best(tuning *t) {
	eg_error err;
	bool commented = true;
	char **own;
	int best = eg_search_best(t->search, NULL);
	if (best < 0 || t->floor) return true;
	const char **settings = best_settings(t, best, &own);
	eg_status status = eg_recipe_write(t->recipe, settings, t->output, &commented, &err);
	free(settings);
	eg_space_settings_free(own);
	if (status) {
		fail_error("tune", &err);
		t->code = CLI_UNWRITTEN;
		return false;
	}
	if (!commented) fail("tune", "note: %s is written without the recipe's comments: they could not be kept", t->output);
	return true;
}

/* The page of a journal; nothing without --page. */
static int write_page(const cli_args *a, const char *journal, const char *name) {
	eg_error err;
	eg_value *trials = NULL;
	const char *path = args_text(a, "page");
	if (!path) return CLI_OK;
	char *title = joined(name, ": settings tried");
	eg_status status = eg_journal_read(journal, &trials, &err);
	if (!status) status = eg_journal_page(path, title, trials, &err);
	eg_value_free(trials);
	free(title);
	if (status) return fail_error(a->verb->name, &err), status == EG_ERR_IO ? CLI_UNWRITTEN : CLI_FAILED;
	if (!args_has(a, "json") && !args_has(a, "quiet")) printf("Page: %s\n", text_shown(path));
	return CLI_OK;
}

/* A journal in the place of a recipe: nothing is trained. */
static bool is_journal(const char *path) {
	const size_t n = strlen(path);
	return n > 6 && !strcmp(path + n - 6, ".jsonl");
}

static int page_of_journal(const cli_args *a, const char *path) {
	const char *slash = strrchr(path, '/');
	if (args_has(a, "page")) return write_page(a, path, slash ? slash + 1 : path);
	return fail_usage(a->verb->name, "%s is a journal; --page FILE makes a page of it, without a recipe", path);
}

static int then_train(const tuning *t) {
	char *argv[12];
	int argc = 0;
	cli_args args;
	argv[argc++] = t->output;
	if (args_has(t->args, "model")) argv[argc++] = joined("--output=", args_text(t->args, "model"));
	if (args_has(t->args, "threads")) argv[argc++] = joined("--threads=", args_text(t->args, "threads"));
	if (args_has(t->args, "loaders")) argv[argc++] = joined("--loaders=", args_text(t->args, "loaders"));
	if (t->json) argv[argc++] = joined("--json", "");
	if (t->quiet) argv[argc++] = joined("--quiet", "");
	if (!t->json && !t->quiet) putchar('\n');
	out_push();
	int code = args_parse(&args, &verb_train, argc, argv) ? verb_train.run(&args) : CLI_USAGE;
	args_free(&args);
	while (argc > 1) free(argv[--argc]);
	return code;
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

static int show_space(const tuning *t) {
	char *text;
	eg_error err;
	if (eg_space_text(t->space, &text, &err)) return fail_error("tune", &err);
	fputs(text, stdout);
	free(text);
	return CLI_OK;
}

static bool open_search(tuning *t) {
	eg_error err;
	const char *name = eg_recipe_name(t->recipe), *journal = args_text(t->args, "journal");
	char *of = t->floor ? joined3(name, ".", t->floor) : joined(name, "");
	t->journal = journal ? joined(journal, "") : joined(of, ".tune.jsonl");
	free(of);
	t->output = args_has(t->args, "output") ? joined(args_text(t->args, "output"), "") : joined(name, "-tuned.yaml");
	if ((!t->floor && !cli_can_write(t->args, t->output)) ||
	        (args_has(t->args, "page") && !cli_can_write(t->args, args_text(t->args, "page")))) {
		t->code = CLI_UNWRITTEN;
		return false;
	}
	if (!choose_jobs(t)) return false;
	if (!t->trials && eg_trials_open(t->recipe, t->space, &t->trials, &err)) return fail_error("tune", &err), false;
	t->about = eg_trials_about(t->trials);
	eg_search_options o = search_options(t);
	eg_value *same = eg_value_new(EG_VALUE_MAP);
	if (t->floor) eg_value_put_text(same, "floor", t->floor);
	eg_value *samples = t->floor ? NULL : eg_value_put_list(same, "samples");
	eg_value_put_int(samples, NULL, t->about->train);
	eg_value_put_int(samples, NULL, t->about->validation);
	o.same = same;
	eg_status status = eg_search_open(t->space, &o, &t->search, &err);
	eg_value_free(same);
	if (status == EG_ERR_IO) t->code = CLI_UNWRITTEN;
	return !status || (fail_error("tune", &err), false);
}

static int search(tuning *t) {
	if (!open_search(t)) return t->code ? t->code : CLI_FAILED;
	int code = tune_run(t);
	bool wrote = write_best(t);
	if (wrote) tune_show_end(t, code != CLI_OK);
	if (eg_search_told(t->search) > 0) {
		const int page = write_page(t->args, t->journal, eg_recipe_name(t->recipe));
		if (!t->code) t->code = page;
		if (page) return t->code;
	}
	if (code || !wrote) return t->code;
	if (eg_search_best(t->search, NULL) < 0) return CLI_FAILED;
	if (!args_has(t->args, "then-train")) return CLI_OK;
	eg_trials_free(t->trials); /* with the samples, which the training reads itself */
	t->trials = NULL;
	return then_train(t);
}

static int run(const cli_args *a) {
	eg_error err;
	tuning t = {.args = a, .recipe_path = a->operands[0], .json = args_has(a, "json"), .quiet = args_has(a, "quiet")};
	int code = CLI_FAILED;
	if (args_has(a, "lr")) return tune_lr(a);
	if (is_journal(a->operands[0])) return page_of_journal(a, a->operands[0]);
	if (!read_time(a, "budget", &t.budget) || !read_time(a, "trial-timeout", &t.timeout)) return CLI_USAGE;
	if (args_has(a, "model") && !args_has(a, "then-train"))
		return fail_usage("tune", "--model is where --then-train writes the model; without it none is made");
	t.live = is_terminal(stdout) && !t.json && !t.quiet;
	t.floor = args_text(a, "floor");
	if (t.floor && (args_has(a, "then-train") || args_has(a, "output")))
		return fail_usage("tune", "a floor's settings stand in no recipe: --floor does not go with --%s",
		        args_has(a, "output") ? "output" : "then-train");
	t.recipe = cli_recipe(a, t.recipe_path);
	eg_status status = !t.recipe ? EG_OK : t.floor ? eg_trials_open_floor(t.recipe, t.floor, &t.space, &t.trials, &err)
	                                               : eg_space_open(t.recipe, &t.space, &err);
	if (status)
		fail_error("tune", &err);
	else if (t.recipe)
		code = args_has(a, "show-space") ? show_space(&t) : search(&t);
	eg_search_free(t.search);
	eg_trials_free(t.trials);
	eg_space_free(t.space);
	eg_recipe_free(t.recipe);
	free(t.journal);
	free(t.output);
	return code;
}

static const cli_option options[] = {
	{"floor", 0, "NAME",
		"try the settings of a floor (engram floor --list) in place of the network's: n of kneser-ney, k of "
		"nearest-neighbours",
		0, 0},
	{"trials", 0, "N", "how many trials (default: 40; with --budget as many as there is time for)", 1, 1000000},
	{"budget", 0, "TIME", "begin no trial when so much time has gone by: 90s, 10m, 2h", 0, 0},
	{"sampler", 0, "tpe|random",
		"what proposes them: tpe looks closer where trials were good, random fills the space evenly (default: tpe)", 0, 0},
	{"halving", 0, "N",
		"at a ninth of the epochs, and N times as many, and so on, one trial in N goes on, the others stop (default: 3; "
		"0: all are trained to the end)",
		0, 100},
	{"seeds", 0, "N", "train the best ones with N seeds each; the mean decides (default: 1)", 1, 100},
	{"finalists", 0, "K", "how many these are (default: 3)", 1, 64},
	{"jobs", 0, "N",
		"how many trials run at a time, with an even share of the threads (default: as many as there are threads, at most "
		"4). With up to 4 results do not depend on it",
		1, TUNE_JOBS},
	{"journal", 0, "FILE",
		"a line of JSON for each trial; when it is there, the search goes on with it (default: the recipe's name with "
		".tune.jsonl, in this folder)",
		0, 0},
	{"output", 'o', "FILE",
		"where the recipe with the best settings goes, its comments kept (default: the recipe's name with -tuned.yaml, in "
		"this folder)",
		0, 0},
	{"page", 0, "FILE",
		"a page of it at the end: all trials, how much each key matters, the two that matter most (HTML, or FILE.svg). "
		"With a journal (.jsonl) in the place of the recipe the page alone is made",
		0, 0},
	{"then-train", 0, NULL, "train that recipe when the search is over", 0, 0},
	{"model", 0, "MODEL", "with --then-train: where the model goes", 0, 0},
	{"show-space", 0, NULL, "show what would be tried, as a section for the recipe, and end", 0, 0},
	{"trial-timeout", 0, "TIME", "a trial that takes longer has failed", 0, 0},
	{"lr", 0, NULL,
		"find a learning rate instead: train with a rising one, draw the loss and suggest one; -o FILE.svg is the curve",
		0, 0},
	{"steps", 0, "N", "with --lr: so many updates (default: 200)", 20, 100000},
	{"from", 0, "RATE", "with --lr: the first rate (default: a ten-thousandth of the optimizer's default)", 0, 0},
	{"to", 0, "RATE", "with --lr: the last one (default: ten thousand times that default, at most 1000)", 0, 0},
	{"limit-memory", 0, CLI_COUNT,
		"a network that would take more bytes than this while it is trained has failed (default: the machine's memory, "
		"shared out)",
		0, 0},
	OPTION_SET,
	{"seed", 0, "S", "of everything random, the search too; same as --set train.seed=S", 0, INT64_MAX},
	OPTION_THREADS,
	OPTION_LOADERS,
	OPTION_JSON("one JSON object a trial on stdout, then one with what was found"),
	{"quiet", 'q', NULL, "say nothing but errors", 0, 0},
	{0},
};

const cli_verb verb_tune = {
	.name = "tune",
	.line = "find the settings of a recipe by trials",
	.operands = "RECIPE",
	.min_operands = 1,
	.max_operands = 1,
	.about = "Trains the recipe's network again and again with other settings, and writes a recipe with\n"
		 "the best of them. What is tried stands in the recipe's section tune; without one it is what\n"
		 "is worth trying in such a recipe. Everything is judged on the validation samples alone.\n\n"
		 "Each trial is kept in a journal as soon as it is done. Stopped by Ctrl-C, killed or out of\n"
		 "disk, the search goes on where it was when the same command is given again, and ends with\n"
		 "the same journal, byte for byte. A trial that diverges, hangs (--trial-timeout) or takes too\n"
		 "much memory has failed, which is a result like others.\n\n"
		 "With --lr the network is trained for some hundred updates, each with a larger learning\n"
		 "rate than the one before, until the loss shoots up; the curve is drawn, and a rate\n"
		 "suggested: a tenth of that where the loss is lowest. Nothing is written but the picture.",
	.options = options,
	.examples = "  engram tune recipes/adding.yaml --trials 20\n"
		    "  engram tune recipes/lenet5.yaml --budget 10m -o better.yaml --then-train\n"
		    "  engram tune lenet5.tune.jsonl --page lenet5.html\n"
		    "  engram tune recipes/lenet5.yaml --show-space\n"
		    "  engram tune --lr recipes/lenet5.yaml --set train.optimizer=sgd -o curve.svg\n",
	.run = run,
};
