/* tune_kernels.c - engram tune-kernels: measures the ways to compute the convolutions of networks on this machine,
 * and keeps the times in a file that later runs go by. */
#include "engram_bench.h"
#include "print.h"

#include <stdlib.h>
#include <string.h>

typedef struct tuning {
	const cli_args *args;
	eg_context *ctx;
	eg_measurement *m; /* the texts are its own */
	int n, room;
	double seconds;
	const char *what;       /* the network at hand */
	const cli_network *net; /* NULL: a problem */
	const char *path; /* of the file */
	char usual[4096];
	bool json, layer;       /* layer: not a network, so the gradient of the input is wanted too */
} tuning;

static char *copy(const char *text) {
	char *c = cli_alloc(strlen(text) + 1);
	return strcpy(c, text);
}

static void found(void *user, const eg_measurement *m) {
	tuning *t = user;
	if (t->n == t->room) {
		t->room = t->room ? 2 * t->room : 64;
		eg_measurement *more = cli_alloc((size_t)t->room * sizeof *more);
		if (t->n) memcpy(more, t->m, (size_t)t->n * sizeof *more);
		free(t->m);
		t->m = more;
	}
	t->m[t->n++] = (eg_measurement){copy(m->problem), copy(m->pass), copy(m->algorithm), m->ns};
}

/* ---- what is shown ----------------------------------------------------------------------------------------------- */

static bool same_choice(const eg_measurement *a, const eg_measurement *b) {
	return !strcmp(a->problem, b->problem) && !strcmp(a->pass, b->pass);
}

/* The fastest of those for the same problem and pass. */
static bool is_best(const tuning *t, int i) {
	for (int k = 0; k < t->n; k++)
		if (same_choice(&t->m[i], &t->m[k]) && (t->m[k].ns < t->m[i].ns || (t->m[k].ns == t->m[i].ns && k < i)))
			return false;
	return true;
}

static void show_json(const eg_measurement *m, bool fastest) {
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_text(v, "problem", m->problem);
	eg_value_put_text(v, "pass", m->pass);
	eg_value_put_text(v, "algorithm", m->algorithm);
	eg_value_put_number(v, "ns", m->ns);
	eg_value_put_bool(v, "fastest", fastest);
	print_json(v);
	eg_value_free(v);
}

static void show(const tuning *t, int first) {
	for (int i = first; i < t->n; i++) {
		const eg_measurement *m = &t->m[i];
		if (t->json) {
			show_json(m, is_best(t, i));
		} else {
			printf("%-44s %-8s %-10s %11.4f ms%s\n", m->problem, m->pass, m->algorithm, m->ns * 1e-6,
			        is_best(t, i) ? "  fastest" : "");
		}
	}
	fflush(stdout);
}

/* ---- networks ---------------------------------------------------------------------------------------------------- */

static int measure(tuning *t, eg_graph *g, eg_params *p, int batch, bool train) {
	int first = t->n;
	eg_error err;
	eg_plan_options o = {.batch = batch, .train = train, .input_grads = train && t->layer};
	if (t->net) o.time = t->net->time, o.sizes = t->net->open;
	if (t->net && !train) o.outputs = eg_task_outputs(t->net->task, g);
	if (eg_tune(g, p, &o, t->seconds, found, t, &err)) return fail("tune-kernels", "%s: %s", t->what, err.message);
	if (t->n == first)
		fail("tune-kernels", "note: %s has no convolution that can be computed in several ways", t->what);
	show(t, first);
	return CLI_OK;
}

/* Infer and train, as asked for; by default both. */
static int measure_modes(tuning *t, eg_graph *g, eg_params *p, int infer, int train) {
	const char *mode = args_text(t->args, "mode");
	int batch = (int)args_number(t->args, "batch", 0), code = CLI_OK;
	if (!mode || !strcmp(mode, "infer")) code = measure(t, g, p, batch ? batch : infer, false);
	if (code == CLI_OK && (!mode || !strcmp(mode, "train"))) code = measure(t, g, p, batch ? batch : train, true);
	return code;
}

static int of_network(tuning *t, const char *path) {
	cli_network n;
	eg_error err;
	eg_params *own = NULL;
	int code = CLI_FAILED;
	if (cli_network_open(t->args, path, t->ctx, 0, &n)) {
		if (!n.model && !(own = eg_params_new(n.graph, eg_recipe_train(n.recipe)->seed, &err))) {
			code = fail_error("tune-kernels", &err);
		} else {
			t->net = &n;
			code = measure_modes(t, n.graph, own ? own : eg_model_params(n.model), 1,
			        cli_train_batch(n.recipe));
			t->net = NULL;
		}
	}
	eg_params_free(own);
	cli_network_free(&n);
	return code;
}

static int of_problem(tuning *t, const char *text) {
	eg_problem p;
	eg_error err;
	eg_graph *g = NULL;
	eg_params *params = NULL;
	if (eg_problem_parse(text, &p, &err)) return fail_usage("tune-kernels", "%s", err.message);
	if (eg_problem_value(&p, 't'))
		return fail_usage("tune-kernels", "%s: sequences have no convolutions to measure", text);
	if (eg_problem_graph(&p, t->ctx, &g, &err)) return fail_error("tune-kernels", &err);
	int n = eg_problem_value(&p, 'n'), code = CLI_OK;
	t->layer = !p.kind->network;
	if (!(params = eg_params_new(g, 1, &err))) code = fail_error("tune-kernels", &err);
	if (code == CLI_OK) code = measure_modes(t, g, params, n, n);
	eg_params_free(params);
	eg_graph_free(g);
	return code;
}

static bool is_problem(const char *text) {
	const char *colon = strchr(text, ':');
	return colon && !strpbrk(text, "/.") && colon > text;
}

static int of(tuning *t, const char *operand) {
	t->what = operand;
	t->layer = false;
	return is_problem(operand) ? of_problem(t, operand) : of_network(t, operand);
}

/* Problems, recipes and models, one a line; # begins a comment. */
static int of_file(tuning *t, const char *path) {
	char line[4096];
	int code = CLI_OK;
	FILE *f = fopen(path, "r");
	if (!f) return fail("tune-kernels", "cannot open the file of problems %s", path);
	while (code == CLI_OK && fgets(line, sizeof line, f)) {
		char *begin = line + eg_utf8_mark(line, strlen(line));
		begin += strspn(begin, " \t");
		begin[strcspn(begin, "#\r\n \t")] = '\0';
		if (*begin) code = of(t, begin);
	}
	t->what = path; /* not the line, which ends here */
	fclose(f);
	return code;
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

/* Where it goes, and whether it can: before minutes of measuring. */
static bool find_place(tuning *t) {
	eg_error err;
	t->path = args_text(t->args, "output");
	if (!t->path) {
		if (eg_tuning_path(t->usual, sizeof t->usual, &err)) return fail_error("tune-kernels", &err), false;
		t->path = t->usual;
	}
	return !eg_tuning_check(t->path, &err) || (fail_error("tune-kernels", &err), false);
}

static int save(tuning *t) {
	eg_error err;
	if (t->n == 0) return fail("tune-kernels", "nothing was measured; no file is written");
	if (eg_tuning_save(t->ctx, t->path, t->m, t->n, &err)) return fail_error("tune-kernels", &err);
	if (!t->json)
		printf("\n%d measurements in %s; to go by them: ENGRAM_TUNING=%s\n", t->n, t->path,
		        t->path == t->usual ? "1" : t->path);
	return CLI_OK;
}

static int run(const cli_args *a) {
	tuning t = {.args = a, .json = args_has(a, "json")};
	int nfiles, code = CLI_OK;
	if (!args_real(a, "seconds", 1e-6, 3600, &t.seconds)) return CLI_USAGE;
	const char **files = args_all(a, "file", &nfiles);
	if (nfiles == 0 && a->noperands == 0) code = fail_usage("tune-kernels", "RECIPE, MODEL or PROBLEM is missing");
	if (code == CLI_OK && (!find_place(&t) || !(t.ctx = cli_context(a)))) code = CLI_FAILED;
	for (int i = 0; i < a->noperands && code == CLI_OK; i++) code = of(&t, a->operands[i]);
	for (int i = 0; i < nfiles && code == CLI_OK; i++) code = of_file(&t, files[i]);
	if (code == CLI_OK) code = save(&t);
	for (int i = 0; i < t.n; i++) {
		free((char *)t.m[i].problem);
		free((char *)t.m[i].pass);
		free((char *)t.m[i].algorithm);
	}
	free(t.m);
	free(files);
	eg_context_free(t.ctx);
	return code;
}

static const cli_option options[] = {
	{"output", 'o', "FILE",
		"where to keep the measurements (default: engram/tuning.json in XDG_CACHE_HOME or ~/.cache)", 0, 0},
	{"mode", 0, "infer|train", "measure only this; default: both", 0, 0},
	{"batch", 0, "N",
		"samples at a time (default: a problem's own; of a network 1 to infer, the recipe's to train)", 1,
		65536},
	{"seconds", 0, "SECONDS", "time for each measurement (default: 0.05)", 0, 0},
	{"file", 'f', "FILE", "problems, recipes and models, one a line; # begins a comment. May be repeated", 0, 0},
	OPTION_SET,
	OPTION_THREADS,
	OPTION_JSON("one JSON object a measurement"),
	{0},
};

const cli_verb verb_tune_kernels = {
	.name = "tune-kernels",
	.line = "measure which kernels are fastest here, for later runs",
	.operands = "RECIPE|MODEL|PROBLEM...",
	.min_operands = 0,
	.max_operands = -1,
	.about = "Which of several ways to compute a convolution is the fastest, and how tensors should lie in\n"
		 "memory for it, is estimated from shapes. This verb measures instead, on this machine, every\n"
		 "way for every convolution of the networks that are named, and keeps the times in a file.\n"
		 "With that file in the environment variable ENGRAM_TUNING, all other verbs decide by these\n"
		 "times: the same in every run. Other ways to compute round otherwise, so a network trained\n"
		 "with the file is not, bit for bit, the one that is trained without it.\n\n"
		 "The file is JSON and holds for one CPU, instruction set and version; elsewhere it is refused,\n"
		 "and the estimates are used. Measurements of other problems that it holds already stay.\n"
		 "A PROBLEM is one of `engram bench`, such as conv2d:n1c64h56w56k64r3s3p1q1u1v1.",
	.options = options,
	.examples = "  engram tune-kernels recipes/lenet5.yaml\n"
		    "  ENGRAM_TUNING=1 engram train recipes/lenet5.yaml\n"
		    "  engram tune-kernels conv2d:n32c64h56w56k64r3s3p1q1u1v1 --mode train -o here.json\n",
	.run = run,
};
