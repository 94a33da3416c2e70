/* check.c - engram check: is a recipe right? Nothing is loaded but what alone tells what words in its layers stand
 * for, and nothing computed. */
#include "engram_tune.h"
#include "print.h"

enum { STAND_IN = 100 }; /* for each word, where the data that would tell is not there */

/* A set that is known by name, and is not on this machine. */
static bool is_absent(eg_recipe *r, const eg_task *t) {
	eg_data_place place;
	eg_error unused;
	const eg_data_info *info = eg_source_info(eg_task_source(t));
	return info->path == EG_DATA_PATH_SET && !eg_recipe_has(r, "data.path") &&
	       eg_data_locate(info->name, &place, &unused);
}

static void on_advice(void *user, const char *text) {
	(void)user;
	fail("check", "note: %s", text);
}

/* What training would say of the sizes of its first batch, for which neither weights nor a batch are needed. */
static eg_status check_plan(const eg_recipe *r, const eg_task *t, eg_graph *g, eg_error *err) {
	eg_size open[CLI_OPEN_MOST] = {{0}};
	eg_cost cost;
	eg_plan_options o = {.batch = cli_train_batch(r), .train = true, .sizes = open, .time = cli_open_sizes(t, g, 0, open)};
	eg_status status = eg_plan_measure(g, &o, &cost, err);
	if (!status && cost.lone && o.batch == 1) {
		snprintf(err->message, sizeof err->message,
		        "layer '%s' (batchnorm) would see one value of each channel at a time, which has no variance to "
		        "normalise by: make train.batch larger, or leave the layer out",
		        cost.lone);
		status = err->status = EG_ERR_ARG;
	}
	if (status) eg_recipe_locate(r, eg_recipe_has(r, "train.batch") ? "train.batch" : "model", err);
	return status;
}

/* *without names the data that the recipe could not be checked with; NULL: none was needed, or it was there. *data is
 * what is wrong with data of the user's own, which does not keep the rest from being checked. */
static eg_status check(eg_recipe *r, eg_context *ctx, const char **without, eg_error *data, eg_error *err) {
	eg_task *t;
	eg_space *space = NULL;
	eg_graph *g = NULL;
	const eg_size *sizes = NULL;
	*without = NULL;
	*data = (eg_error){EG_OK, ""};
	eg_status status = eg_recipe_tunes(r) ? eg_space_open(r, &space, err) : EG_OK;
	eg_space_free(space);
	if (!status) status = eg_task_open(r, &t, err);
	if (status) return status;
	status = eg_task_sizes(t, &sizes, err);
	if (status && is_absent(r, t)) {
		*without = eg_source_info(eg_task_source(t))->name;
		status = eg_task_sizes_guess(t, STAND_IN, &sizes, err);
	} else if (status == EG_ERR_IO || status == EG_ERR_FORMAT) {
		*data = *err;
		status = eg_task_sizes_guess(t, STAND_IN, &sizes, err);
	} else if (!status) {
		eg_source_there(eg_task_source(t), data);
	}
	if (!status) status = eg_task_fits(t, err);
	if (!status) status = eg_recipe_build(r, ctx, sizes, &g, err);
	if (!status) status = eg_task_suits(t, g, err);
	if (!status) status = eg_task_advise(t, on_advice, NULL, err);
	if (!status) status = check_plan(r, t, g, err);
	eg_graph_free(g);
	eg_task_free(t);
	return status;
}

static bool check_one(const cli_args *a, const char *path, eg_context *ctx) {
	eg_error err, data;
	const char *without;
	eg_recipe *r = cli_recipe(a, path);
	if (!r) return false;
	eg_status status = check(r, ctx, &without, &data, &err);
	if (data.status) fail("check", "%s: the data: %s", path, data.message);
	if (status)
		fail_error("check", &err);
	else if (data.status)
		printf("%s: the rest is ok, as far as can be told without the data\n", path);
	else if (without)
		printf("%s: ok, as far as can be told without the data: %s is not on this machine\n", path,
		        text_shown(without));
	else
		printf("%s: ok\n", path);
	eg_recipe_free(r);
	return !status && !data.status;
}

static int run(const cli_args *a) {
	eg_error err;
	int code = CLI_OK;
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err);
	if (!ctx) return fail_error("check", &err);
	for (int i = 0; i < a->noperands; i++)
		if (!check_one(a, a->operands[i], ctx)) code = CLI_FAILED;
	eg_context_free(ctx);
	return code;
}

static const cli_option options[] = {OPTION_SET, {0}};

const cli_verb verb_check = {
	.name = "check",
	.line = "say whether a recipe is right, and where not",
	.operands = "RECIPE...",
	.min_operands = 1,
	.max_operands = -1,
	.about = "Reads recipes and builds their networks: keys, types, ranges, layers and shapes are\n"
		 "checked, and the first error is told with file, line and column. The data is looked at only\n"
		 "where it alone says how many things there are to tell apart, or different characters. When it\n"
		 "is not on this machine, or cannot be read, the rest is checked all the same; a file or folder\n"
		 "of your own that cannot be read is told, and the exit code is 1.",
	.options = options,
	.examples = "  engram check recipes/*.yaml\n  engram check recipes/lenet5.yaml --set model.0.conv.kernel=7\n",
	.run = run,
};
