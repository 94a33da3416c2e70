/* load.c - contexts, recipes, models and data as the command line names them. */
#define _POSIX_C_SOURCE 200809L /* mkdir */
#include "engram_onnx_file.h"
#include "print.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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
	const int loaders = (int)args_number(a, "loaders", 0);
	eg_context_options o = {.threads = (int)args_number(a, "threads", 0),
	        .limit_macs = args_count(a, "limit-macs", 0),
	        .loaders = args_has(a, "loaders") && loaders == 0 ? EG_ZERO : loaders};
	eg_context *ctx = eg_context_new(&o, &err);
	if (!ctx)
		fail_error(a->verb->name, &err);
	else if (cli_verbose() > 0)
		fputs(eg_context_describe(ctx), stderr);
	if (ctx) cli_tuning(a, ctx);
	return ctx;
}

eg_context *cli_context_one(const cli_args *a) {
	eg_error err;
	const char *variable = getenv("ENGRAM_THREADS");
	eg_context_options one = {.threads = 1, .limit_macs = args_count(a, "limit-macs", 0)};
	if (args_has(a, "threads") || (variable && *variable)) return cli_context(a);
	eg_context *ctx = eg_context_new(&one, &err);
	if (!ctx)
		fail_error(a->verb->name, &err);
	else if (cli_verbose() > 0)
		fputs(eg_context_describe(ctx), stderr);
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

/* ---- what can be read only once ---------------------------------------------------------------------------------- */

char *cli_slurp(int file, size_t most, size_t *size) {
	size_t room = 1 << 16;
	char *data = cli_alloc(room);
	ssize_t n;
	*size = 0;
	while (*size <= most && (n = read(file, data + *size, room - *size)) != 0) {
		if (n < 0 && errno == EINTR) continue;
		if (n < 0) return free(data), NULL;
		*size += (size_t)n;
		if (*size < room) continue;
		char *more = cli_alloc(2 * room);
		memcpy(more, data, *size);
		free(data);
		data = more, room *= 2;
	}
	return data;
}

typedef struct kept kept;
struct kept {
	kept *next;
	char *path, *data;
	size_t size;
};

/* safetensors: 8 bytes with the length of the header, little-endian, then the header, a JSON object. */
enum { HEAD = 9, RECIPE_MOST = 2 << 20 };
static bool is_head(const char *head, size_t n) { return n >= HEAD && head[8] == '{' && !memcmp(head + 4, "\0\0\0", 4); }

/* A pipe (FIFO, /dev/stdin, <(...)) gives its bytes to the first who looks; NULL: it is a file, or cannot be read. */
static const kept *read_once(const char *path) {
	static kept *all; /* to the end of the program */
	struct stat st;
	for (kept *k = all; k; k = k->next)
		if (!strcmp(k->path, path)) return k;
	if (stat(path, &st) != 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) return NULL;
	int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0) return NULL;
	size_t head = 0, size = 0;
	char *first = cli_slurp(file, HEAD - 1, &head), *rest = NULL;
	/* A recipe is refused when it is larger; what never ends should not be read to its end. */
	if (first) rest = cli_slurp(file, is_head(first, head) ? (size_t)1 << 31 : RECIPE_MOST, &size);
	close(file);
	kept *k = cli_alloc(sizeof *k);
	k->path = strcpy(cli_alloc(strlen(path) + 1), path);
	k->data = cli_alloc(head + size + 1);
	if (first) memcpy(k->data, first, head);
	if (rest) memcpy(k->data + head, rest, size);
	k->size = head + size;
	k->next = all;
	all = k;
	free(first);
	free(rest);
	return k;
}

bool cli_is_model(const char *path) {
	char head[HEAD];
	const kept *k = read_once(path);
	if (k) return is_head(k->data, k->size);
	FILE *f = fopen(path, "rb");
	if (!f) return false;
	size_t n = fread(head, 1, sizeof head, f);
	fclose(f);
	return is_head(head, n);
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
	const kept *k = read_once(path);
	if (cli_is_model(path))
		fail(a->verb->name, "%s is a model; a recipe (a .yaml file) is expected here", path);
	else if (k ? eg_recipe_parse(k->data, k->size, path, set, &r, &err) : eg_recipe_load(path, set, &r, &err))
		fail_error(a->verb->name, &err);
	free(set);
	return r;
}

eg_model *cli_model_to_look(const cli_args *a, const char *path, eg_context *ctx) {
	if (eg_network_is(path)) {
		fail(a->verb->name, "%s is a network alone, without a recipe and a task: predict, info, bench and export take it", path);
		return NULL;
	}
	eg_model *m = NULL;
	eg_error err;
	const kept *k = read_once(path);
	if (!(k ? eg_model_parse(k->data, k->size, path, ctx, &m, &err) : eg_model_load(path, ctx, &m, &err))) return m;
	fail_error(a->verb->name, &err);
	return NULL;
}

eg_model *cli_model(const cli_args *a, const char *path, eg_context *ctx) {
	eg_model *m = cli_model_to_look(a, path, ctx);
	if (!m || !eg_model_warning(m)) return m;
	fail(a->verb->name, "%s: %s; train it anew, or take an earlier file", path, eg_model_warning(m));
	eg_model_free(m);
	return NULL;
}

/* ---- where to write ---------------------------------------------------------------------------------------------- */

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

bool cli_ends_with(const char *path, const char *end) {
	const size_t n = strlen(path), m = strlen(end);
	return n >= m && !strcmp(path + n - m, end);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

char **cli_folder_names(const char *folder, int *n) {
	char **all = NULL;
	int room = 0;
	DIR *d = opendir(folder);
	*n = d ? 0 : -1;
	for (struct dirent *e; d && (e = readdir(d));) {
		if (e->d_name[0] == '.') continue;
		if (*n == room) {
			char **more = cli_alloc((size_t)(room = 2 * room + 64) * sizeof *more);
			if (*n) memcpy(more, all, (size_t)*n * sizeof *more);
			free(all);
			all = more;
		}
		char *name = cli_alloc(strlen(e->d_name) + 1);
		all[(*n)++] = strcpy(name, e->d_name);
	}
	if (d) closedir(d);
	if (*n > 0) qsort(all, (size_t)*n, sizeof *all, by_name);
	return all;
}

bool cli_is_able(eg_model *m, eg_ability ability) {
	const char *name = eg_recipe_task(eg_model_recipe(m));
	for (int i = 0; eg_task_at(i); i++)
		if (!strcmp(eg_task_at(i)->name, name)) return (eg_task_at(i)->abilities & ability) != 0;
	return false;
}

float *cli_embedding(const eg_value *answer, int *n) {
	const eg_value *list = eg_value_get(answer, "embedding");
	float *x = cli_alloc(((size_t)eg_value_count(list) + 1) * sizeof *x);
	*n = 0;
	for (const eg_value *v = eg_value_first(list); v; v = eg_value_next(v)) x[(*n)++] = (float)eg_value_number(v, 0);
	return x;
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

/* Files of the user's that a model's recipe names, and that are not where they are looked for. */
static void advise_place(const cli_args *a, const eg_data_info *info, eg_error *err) {
	size_t n = strlen(err->message);
	bool settings = info->path == EG_DATA_PATH_SETTINGS;
	if (args_has(a, "path") || args_has(a, "folder")) return;
	if (!settings && info->path != EG_DATA_PATH_FILE && info->path != EG_DATA_PATH_FOLDER) return;
	snprintf(err->message + n, sizeof err->message - n,
	        ". Relative paths of a model's recipe are looked for in the working folder, then beside the model: %s",
	        settings ? "go where it was trained" : "say where the data is with --path");
}

eg_status cli_samples(
	const cli_args *a, eg_task *t, const eg_samples_options *o, eg_samples **samples, eg_error *err) {
	eg_status status = eg_samples_load(t, o, samples, err);
	const eg_source *s = eg_task_source(t);
	const char *broken = eg_source_broken(s);
	if (status == EG_ERR_IO && o->model) advise_place(a, eg_source_info(s), err);
	for (int p = 0; p < EG_PARTS && !status && o->fold == 0; p++) {
		const char *remark = eg_source_count(s, (eg_part)p) > 0 ? eg_source_remark(s, (eg_part)p) : NULL;
		if (remark) fail(a->verb->name, "note: data, part '%s': %s", eg_part_name((eg_part)p), remark);
	}
	/* Where there is but one, the error names it. */
	if (!broken || o->fold > 0 || (status && !strchr(broken, '\n'))) return status;
	for (const char *line = broken; *line; line += strspn(line, "\n")) {
		int n = (int)strcspn(line, "\n");
		fail(a->verb->name, "%.*s", n, line);
		line += n;
	}
	return status;
}
