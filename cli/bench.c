/* bench.c - engram bench: how fast this machine runs and trains operators and small networks. */
#define _POSIX_C_SOURCE 200809L /* getline, strdup */
#include "engram_bench.h"
#include "onnx.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct bench {
	const cli_args *args;
	eg_context *ctx;
	eg_bench_options options;
	eg_problem *problems; /* all that are known before the first one runs: those on the command line and in files */
	int n, room, width;   /* width: of the column with the problems */
	const eg_problem *current;
	int done, failed;
	double peak, handoff; /* the best peak and the last latency that were measured */
	bool json;
} bench;

/* ---- problems ---------------------------------------------------------------------------------------------------- */

static void append(bench *b, const eg_problem *p) {
	if (b->n == b->room) {
		b->room = b->room ? 2 * b->room : 64;
		eg_problem *more = cli_alloc((size_t)b->room * sizeof *more);
		if (b->n) memcpy(more, b->problems, (size_t)b->n * sizeof *more);
		free(b->problems);
		b->problems = more;
	}
	b->problems[b->n++] = *p;
	if ((int)strlen(p->text) > b->width) b->width = (int)strlen(p->text);
}

/* A line without its comment, and without the byte order mark of a file; false: there is nothing else on it. */
static bool is_problem(char *line) {
	size_t mark = eg_utf8_mark(line, strlen(line));
	if (mark) memmove(line, line + mark, strlen(line + mark) + 1);
	line[strcspn(line, "#\r\n")] = '\0';
	return line[strspn(line, " \t")] != '\0';
}

static int wrong(const char *file, int number, const eg_error *err) {
	if (!file) return fail_usage("bench", "%s", err->message);
	return fail_usage("bench", "%s:%d: %s", file, number, err->message);
}

/* All problems of a file, or, as each line comes in, those of standard input (`each` is called). */
static int read_file(bench *b, const char *path, void (*each)(bench *b, const eg_problem *p)) {
	bool standard = !strcmp(path, "-");
	FILE *f = standard ? stdin : fopen(path, "r");
	if (!f) return fail("bench", "cannot open the problem file %s", path);
	char *line = NULL;
	size_t size = 0;
	int code = CLI_OK, number = 0;
	while (code == CLI_OK && getline(&line, &size, f) >= 0) {
		eg_problem p;
		eg_error err;
		number++;
		if (!is_problem(line)) continue;
		if (eg_problem_parse(line, &p, &err)) code = wrong(standard ? "standard input" : path, number, &err);
		else each(b, &p);
	}
	if (code == CLI_OK && ferror(f)) code = fail("bench", "cannot read the problem file %s", path);
	free(line);
	if (!standard) fclose(f);
	return code;
}

static int collect(bench *b, const char *const *files, int nfiles) {
	for (int i = 0; i < b->args->noperands; i++) {
		eg_problem p;
		eg_error err;
		if (eg_problem_parse(b->args->operands[i], &p, &err)) return wrong(NULL, 0, &err);
		append(b, &p);
	}
	for (int i = 0; i < nfiles; i++) {
		int code = strcmp(files[i], "-") != 0 ? read_file(b, files[i], append) : CLI_OK;
		if (code != CLI_OK) return code;
	}
	return CLI_OK;
}

/* ---- what is shown ----------------------------------------------------------------------------------------------- */

static const char *mode(const bench *b) { return b->options.train ? "train" : "infer"; }

static void show_latency(double ns) {
	if (isnan(ns)) fputs("-", stdout);
	else printf("%.0f ns", ns);
}

static void show_head(bench *b) {
	char date[32] = "";
	time_t t = time(NULL);
	const struct tm *local = localtime(&t);
	eg_machine m;
	eg_machine_measure(b->ctx, &m);
	b->peak = m.peak_all;
	b->handoff = m.handoff_ns;
	if (local) strftime(date, sizeof date, "%Y-%m-%d %H:%M", local);
	printf("engram %s, %s, %s, %d thread%s on %d processor%s, FMA peak %.1f GFLOP/s one thread, %.1f all, core to core ", eg_version(),
		m.cpu, m.isa, m.threads, m.threads == 1 ? "" : "s", m.cores, m.cores == 1 ? "" : "s", m.peak_one, m.peak_all);
	show_latency(m.handoff_ns);
	printf(", %s\n\n", date);
	if (b->width < (int)strlen("problem")) b->width = (int)strlen("problem");
	printf("%-*s  %-5s  %11s  %11s  %5s  %9s  %6s  %9s  %s\n", b->width, "problem", "mode", "median ms", "best ms", "runs", "GFLOP/s", "% peak",
		"memory", "kernels");
	fflush(stdout);
}

/* "reorder lanes, 2 conv_fwd direct blocked, gemm": kernels in the order they come. */
static void show_kernels(const eg_bench_result *r) {
	for (int i = 0; i < r->nkernels; i++) {
		const eg_bench_kernel *k = &r->kernels[i];
		if (i) fputs(", ", stdout);
		if (k->calls > 1) printf("%d ", k->calls);
		fputs(k->kernel, stdout);
		if (k->algorithm[0]) printf(" %s", k->algorithm);
		if (k->layout[0] && strcmp(k->layout, "plain") != 0 && strcmp(k->layout, k->algorithm) != 0) printf(" %s", k->layout);
	}
	putchar('\n');
}

static void show(const bench *b, const eg_problem *p, const eg_bench_result *r) {
	char memory[NUMBER];
	printf("%-*s  %-5s  %11.4f  %11.4f  %5d  %9.2f  ", b->width, text_shown(p->text), mode(b), r->median_ms, r->min_ms, r->runs, r->gflops);
	if (isnan(r->percent)) printf("%6s", "-");
	else printf("%6.1f", r->percent);
	printf("  %9s  ", number_bytes(memory, (double)r->memory));
	show_kernels(r);
}

static void show_foot(const bench *b) {
	printf("\n%% peak is of the FMA peak measured around each problem (best %.1f GFLOP/s). Core to core at the end: ", b->peak);
	show_latency(b->handoff);
	putchar('\n');
}

static void put_result(eg_value *v, const eg_bench_result *r) {
	eg_value_put_number(v, "percent_of_peak", r->percent);
	eg_value_put_number(v, "peak_gflops", r->peak);
	eg_value_put_number(v, "core_to_core_ns_before", r->handoff_before);
	eg_value_put_number(v, "core_to_core_ns_after", r->handoff_after);
	eg_value_put_int(v, "memory_bytes", (int64_t)r->memory);
	eg_value_put_int(v, "activation_bytes", (int64_t)r->plan.activations);
	eg_value *kernels = eg_value_put_list(v, "kernels");
	for (int i = 0; i < r->nkernels; i++) {
		eg_value *k = eg_value_put_map(kernels, NULL);
		eg_value_put_text(k, "kernel", r->kernels[i].kernel);
		if (r->kernels[i].algorithm[0]) eg_value_put_text(k, "algorithm", r->kernels[i].algorithm);
		eg_value_put_text(k, "layout", r->kernels[i].layout);
		eg_value_put_int(k, "calls", r->kernels[i].calls);
	}
}

static void show_json(const bench *b, const eg_problem *p, const eg_bench_result *r, const eg_error *err) {
	char peer[64];
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	snprintf(peer, sizeof peer, "engram %s", eg_version());
	eg_value_put_text(v, "problem", p->text);
	eg_value_put_text(v, "mode", mode(b));
	eg_value_put_int(v, "threads", eg_context_threads(b->ctx));
	if (err) {
		eg_value_put_text(v, "error", err->message);
	} else {
		eg_value_put_number(v, "median_ms", r->median_ms);
		eg_value_put_number(v, "min_ms", r->min_ms);
		eg_value_put_number(v, "gflops", r->gflops);
		eg_value_put_int(v, "runs", r->runs);
	}
	eg_value_put_text(v, "peer", peer);
	eg_value_put_text(v, "isa", eg_context_isa(b->ctx));
	if (!err) put_result(v, r);
	print_json(v);
	eg_value_free(v);
}

static void progress(void *user, double share) {
	const bench *b = user;
	char right[NUMBER + 16] = "";
	if (b->n > 1) snprintf(right, sizeof right, "%d of %d", b->done + 1, b->n);
	bar_show(stderr, b->current->text, share, right);
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

static void measure(bench *b, const eg_problem *p) {
	eg_bench_result r;
	eg_error err;
	b->current = p;
	progress(b, 0);
	eg_status status = eg_bench_run(b->ctx, p, &b->options, &r, &err);
	bar_clear(stderr);
	b->done++;
	if (status) {
		b->failed++;
		fail("bench", "%s: %s", p->text, err.message);
	} else if (!b->options.no_peak) {
		if (r.peak > b->peak) b->peak = r.peak;
		b->handoff = r.handoff_after;
	}
	if (b->json) show_json(b, p, &r, status ? &err : NULL);
	else if (!status) show(b, p, &r);
	fflush(stdout);
}

static int run_all(bench *b, const char *const *files, int nfiles) {
	bool standard = false;
	int code = collect(b, files, nfiles);
	for (int i = 0; i < nfiles; i++) standard |= !strcmp(files[i], "-");
	if (code != CLI_OK) return code;
	if (b->n == 0 && !standard) return fail_usage("bench", "PROBLEM is missing: give some, or a file of them with -f");
	b->ctx = cli_context(b->args);
	if (!b->ctx) return CLI_FAILED;
	if (standard && b->width < 40) b->width = 40;
	if (!b->json) show_head(b);
	for (int i = 0; i < b->n; i++) measure(b, &b->problems[i]);
	if (standard) code = read_file(b, "-", measure);
	if (!b->json && !b->options.no_peak) show_foot(b);
	eg_context_free(b->ctx);
	return code != CLI_OK ? code : b->failed ? CLI_FAILED : CLI_OK;
}

static int run(const cli_args *a) {
	if (a->noperands && onnx_is_problem(a->operands[0])) return onnx_bench(a);
	bench b = {.args = a, .json = args_has(a, "json"), .handoff = NAN};
	const char *how = args_text(a, "mode");
	int nfiles;
	b.options = (eg_bench_options){
		.train = how && !strcmp(how, "train"), .runs = (int)args_number(a, "runs", 0), .no_peak = args_has(a, "no-peak"), .progress = progress, .user = &b};
	if (!args_real(a, "seconds", 1e-6, 3600, &b.options.seconds)) return CLI_USAGE;
	const char **files = args_all(a, "file", &nfiles);
	int code = run_all(&b, files, nfiles);
	free(files);
	free(b.problems);
	return code;
}

static const cli_option options[] = {
	{"mode", 0, "infer|train",
		"infer (default): forward, nothing kept for gradients, packed weights kept from run to run; train: "
		"forward and the gradients of weights and inputs, weights packed anew in each run; of whole networks "
		"the update too, but no gradient of the input",
		0, 0},
	{"seconds", 0, "SECONDS", "time spent measuring one problem (default: 2)", 0, 0},
	{"file", 'f', "FILE",
		"problems, one a line; # begins a comment. - is standard input, where each line is answered before the "
		"next is read. May be repeated",
		0, 0},
	{"runs", 0, "N", "exactly so many runs after a single one to warm up, in place of --seconds", 1, 400},
	{"no-peak", 0, NULL, "do not measure the machine's peak around each problem", 0, 0},
	OPTION_THREADS,
	OPTION_JSON("one JSON object a problem: problem, mode, threads, median_ms, min_ms, gflops, runs, peer, ..."),
	{0},
};

const cli_verb verb_bench = {
	.name = "bench",
	.line = "measure how fast this machine computes",
	.operands = "PROBLEM...",
	.min_operands = 0,
	.max_operands = -1,
	.about = "Runs operators and small networks on made-up data and tells the median and the best time\n"
		 "of one run, the floating-point operations a second (2 for each multiply-add of convolutions\n"
		 "and matrix products, three times that for training), their share of the peak of fused\n"
		 "multiply-adds, which is measured around each problem, memory, and the kernels chosen.\n\n"
		 "A problem is a kind, a colon, and letters with numbers in this order:\n\n"
		 "  conv2d:n1c3h32w32k16r3s3p1q1u1v1  batch, channels, height, width, filters,\n"
		 "      kernel height, width, padding of both, stride of both, then groups: g\n"
		 "  lstm:l1t100n32i128h128            layers, steps, batch, input size, hidden\n"
		 "      (also gru, rnn)               size; a b at the end: both directions\n"
		 "  gemm:m64n2048k512                 C(m,n) = A(m,k) B(k,n), nothing packed\n"
		 "  lenet5:n64                        batch; SGD with momentum\n"
		 "  resnet20:n64                      batch; SGD with momentum\n"
		 "  charlstm:l2t128n32h256            layers, steps, batch, hidden size; Adam\n\n"
		 "A problem that cannot run is told on stderr, the others go on, and the exit code is 1.\n"
		 "Or files of ONNX and what import has made of them: FILE:n64t100 (batch, and each other open\n"
		 "size; default 1 and 64).\n"
		 "Times are worth little on a machine that does something else.",
	.options = options,
	.examples = "  engram bench lenet5:n64 --mode train\n"
		    "  engram bench -f bench/suites/small.txt --threads 1\n"
		    "  engram bench gemm:m1024n1024k1024 --json\n"
		    "  engram bench net.onnx:n32t100\n",
	.run = run,
};
