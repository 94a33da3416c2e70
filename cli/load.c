/* load.c - contexts, recipes, models and data as the command line names them. */
#define _POSIX_C_SOURCE 200809L /* mkdir */
#include "print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int cli_verbose(void) {
	const char *s = getenv("ENGRAM_VERBOSE");
	return s ? (int)strtol(s, NULL, 10) : 0;
}

void cli_tuning(const cli_args *a, eg_context *ctx) {
	const char *wish = getenv("ENGRAM_TUNING");
	char path[4096];
	eg_error err;
	eg_status status = EG_OK;
	if (!wish || !*wish) return;
	if (!strcmp(wish, "1")) {
		status = eg_tuning_path(path, sizeof path, &err);
		wish = path;
	}
	if (!status) status = eg_tuning_load(ctx, wish, &err);
	if (status)
		fail(a->verb->name, "warning: %s. Kernels are chosen by estimates", err.message);
	else if (cli_verbose() > 0)
		fprintf(stderr, "kernels are chosen by the measurements in %s\n", wish);
}

eg_context *cli_context(const cli_args *a) {
	eg_error err;
	eg_context_options o = {.threads = (int)args_number(a, "threads", 0)};
	eg_context *ctx = eg_context_new(&o, &err);
	if (!ctx)
		fail_error(a->verb->name, &err);
	else if (cli_verbose() > 0)
		fputs(eg_context_describe(ctx), stderr);
	if (ctx) cli_tuning(a, ctx);
	return ctx;
}

void cli_verbose_plan(eg_graph *g, eg_params *p, const eg_plan_options *o) {
	if (cli_verbose() < 1) return;
	eg_plan *plan = eg_plan_new(g, p, o, NULL);
	const char *text = plan && cli_verbose() > 1 ? eg_plan_describe(plan) : NULL;
	for (int i = 0, n = plan ? eg_plan_choices(plan) : 0; i < n; i++) {
		eg_choice c;
		eg_plan_choice(plan, i, &c);
		fprintf(stderr, "%s, %s: %s, x %s, y %s\n", c.node, c.pass, c.algorithm, c.x, c.y);
	}
	if (text) fputs(text, stderr);
	eg_plan_free(plan);
}

eg_recipe *cli_recipe(const cli_args *a, const char *path) {
	char seed[48];
	eg_recipe *r = NULL;
	eg_error err;
	int n;
	const char **set = args_all(a, "set", &n); /* has room for one more and the NULL at the end */
	if (args_has(a, "seed")) {
		snprintf(seed, sizeof seed, "train.seed=%s", args_text(a, "seed"));
		set[n++] = seed;
	}
	if (cli_is_model(path))
		fail(a->verb->name, "%s is a model; a recipe (a .yaml file) is expected here", path);
	else if (eg_recipe_load(path, set, &r, &err))
		fail_error(a->verb->name, &err);
	free(set);
	return r;
}

bool cli_is_model(const char *path) {
	/* safetensors: 8 bytes with the length of the header, little-endian, then the header, a JSON object. */
	unsigned char head[9];
	FILE *f = fopen(path, "rb");
	if (!f) return false;
	size_t n = fread(head, 1, sizeof head, f);
	fclose(f);
	return n == sizeof head && head[8] == '{' && !head[4] && !head[5] && !head[6] && !head[7];
}

eg_model *cli_model(const cli_args *a, const char *path, eg_context *ctx) {
	eg_model *m = NULL;
	eg_error err;
	if (eg_model_load(path, ctx, &m, &err)) {
		fail_error(a->verb->name, &err);
		return NULL;
	}
	if (eg_model_warning(m)) fail(a->verb->name, "warning: %s: %s", path, eg_model_warning(m));
	return m;
}

bool cli_can_write(const cli_args *a, const char *path) {
	eg_error err;
	return !eg_output_check(path, 0, &err) || (fail_error(a->verb->name, &err), false);
}

bool cli_make_folder(const cli_args *a, const char *path) {
	struct stat st;
	if ((stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) && mkdir(path, 0777) != 0) {
		fail(a->verb->name, "cannot make the folder %s: %s", path,
		        errno == EEXIST ? "there is a file of that name" : strerror(errno));
		return false;
	}
	size_t room = strlen(path) + 16;
	char *inside = cli_alloc(room);
	snprintf(inside, room, "%s/.engram", path);
	bool ok = cli_can_write(a, inside);
	free(inside);
	return ok;
}

eg_part cli_split(const cli_args *a, eg_part otherwise) {
	const char *name = args_text(a, "split");
	for (int i = 0; name && i < EG_PARTS; i++)
		if (!strcmp(eg_part_name((eg_part)i), name)) return (eg_part)i;
	return otherwise;
}

eg_status cli_choose_data(const cli_args *a, eg_task *t, eg_error *err) {
	const char *path = args_text(a, "path");
	return eg_task_set_source(t, args_text(a, "data"), path ? path : args_text(a, "folder"), err);
}

const char *cli_data_name(const cli_args *a, const eg_task *t) {
	return args_has(a, "path") ? args_text(a, "path") : eg_source_info(eg_task_source(t))->name;
}
