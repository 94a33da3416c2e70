/* check.c - engram check: is a recipe right? Nothing is loaded but what alone tells what words in its layers stand
 * for, and nothing computed. */
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

/* *without names the data that the recipe could not be checked with; NULL: none was needed, or it was there. */
static eg_status check(eg_recipe *r, eg_context *ctx, const char **without, eg_error *err) {
	eg_task *t;
	eg_graph *g = NULL;
	const eg_size *sizes = NULL;
	*without = NULL;
	eg_status status = eg_task_open(r, &t, err);
	if (status) return status;
	status = eg_task_sizes(t, &sizes, err);
	if (status && is_absent(r, t)) {
		*without = eg_source_info(eg_task_source(t))->name;
		status = eg_task_sizes_guess(t, STAND_IN, &sizes, err);
	}
	if (!status) status = eg_task_fits(t, err);
	if (!status) status = eg_recipe_build(r, ctx, sizes, &g, err);
	if (!status) status = eg_task_suits(t, g, err);
	if (!status) status = eg_task_advise(t, on_advice, NULL, err);
	eg_graph_free(g);
	eg_task_free(t);
	return status;
}

static int run(const cli_args *a) {
	eg_error err;
	int code = CLI_OK;
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, &err);
	if (!ctx) return fail_error("check", &err);
	for (int i = 0; i < a->noperands; i++) {
		const char *without;
		eg_recipe *r = cli_recipe(a, a->operands[i]);
		if (!r)
			code = CLI_FAILED;
		else if (check(r, ctx, &without, &err))
			code = fail_error("check", &err);
		else if (without)
			printf("%s: ok, as far as can be told without the data: %s is not on this machine\n",
			        a->operands[i], text_shown(without));
		else
			printf("%s: ok\n", a->operands[i]);
		eg_recipe_free(r);
	}
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
                 "where it alone says how many things there are to tell apart, or different characters; when it is not "
                 "on\n"
                 "this machine, the rest is checked.",
        .options = options,
        .examples = "  engram check recipes/*.yaml\n  engram check recipes/lenet5.yaml --set model.0.conv.kernel=7\n",
        .run = run,
};
