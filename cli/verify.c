/* verify.c - engram verify: are two pictures of one person? By a model of the task `verify`, whose threshold was
 * learnt of pairs of persons that it was not trained on; as lines, as JSON, and as a page that shows the pictures.
 * Many pairs come as lines of standard input. */
#define _POSIX_C_SOURCE 200809L /* getline */
#include "verify.h"
#include "engram_report.h"
#include "print.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct job {
	const cli_args *args;
	eg_model *model;
	eg_predictor *predictor;
	eg_verifier by;
	eg_sheet *page; /* NULL: there is none */
	int code;
} job;

/* ---- what is shown ----------------------------------------------------------------------------------------------- */

static void show_json(const job *j, const char *a, const char *b, const eg_verdict *v) {
	eg_value *map = eg_value_new(EG_VALUE_MAP);
	eg_value_put_text(map, "a", a);
	eg_value_put_text(map, "b", b);
	eg_value_put_number(map, "distance", v->distance);
	eg_value_put_number(map, "threshold", j->by.threshold);
	eg_value_put_bool(map, "same", v->same);
	eg_value_put_number(map, "confidence", v->confidence);
	eg_value_put_number(map, "probability", v->probability);
	eg_value_put_number(map, "false_accepts", j->by.false_accepts);
	print_json(map);
	eg_value_free(map);
}

/* "the same person (97.3 % sure)" */
static void tell(const eg_verdict *v, char *to, size_t size) {
	char sure[NUMBER] = "";
	if (!isnan(v->confidence)) number_probability(sure, v->confidence);
	snprintf(to, size, "%s%s%s%s", v->same ? "the same person" : "two persons", sure[0] ? " (" : "", sure, sure[0] ? " likely)" : "");
}

static void show(const job *j, const char *a, const char *b, const eg_verdict *v) {
	char text[120], rate[NUMBER];
	tell(v, text, sizeof text);
	printf("%s, ", text_shown(a));
	printf("%s: %s\n", text_shown(b), text);
	printf("  distance %.4f, threshold %.4f", v->distance, j->by.threshold);
	if (isnan(j->by.false_accepts))
		printf(" (given)\n");
	else
		printf(" (takes %s of the pairs of two persons for one)\n", number_percent(rate, j->by.false_accepts));
}

static eg_status draw(const job *j, const char *a, const char *b, const eg_verdict *v, eg_error *err) {
	char head[120], below[160];
	const char *paths[] = {a, b};
	tell(v, head, sizeof head);
	eg_sheet_heading(j->page, head);
	snprintf(below, sizeof below, "distance %.4f, threshold %.4f", v->distance, j->by.threshold);
	eg_status status = EG_OK;
	for (int i = 0; i < 2 && !status; i++) {
		eg_picture pic = {0};
		status = eg_picture_load(paths[i], &(eg_picture_options){.shrink = true}, &pic, err);
		if (!status) status = eg_sheet_picture(j->page, &pic, i ? "B" : "A", i ? below : paths[i], err);
		eg_picture_free(&pic);
	}
	return status;
}

/* ---- comparing --------------------------------------------------------------------------------------------------- */

/* false: nothing else is worth trying. */
static bool compare(job *j, const char *a, const char *b) {
	const eg_question q[] = {{.path = a}, {.path = b}};
	const eg_value *answers[2];
	eg_error errors[2], err;
	eg_status status = eg_predictor_run(j->predictor, q, 2, answers, errors, &err);
	if (status) return j->code = fail_error("verify", &err), false;
	for (int i = 0; i < 2; i++)
		if (!answers[i]) j->code = fail_error("verify", &errors[i]);
	if (!answers[0] || !answers[1]) return true;
	int width, other;
	eg_verdict v;
	float *x = cli_embedding(answers[0], &width), *y = cli_embedding(answers[1], &other);
	status = eg_verifier_compare(&j->by, x, y, width, &v, &err);
	free(x), free(y);
	if (status) return j->code = fail("verify", "%s and %s: %s", a, b, err.message), true;
	if (args_has(j->args, "json"))
		show_json(j, a, b, &v);
	else
		show(j, a, b, &v);
	out_push();
	if (j->page && draw(j, a, b, &v, &err)) return j->code = fail_error("verify", &err), false;
	return true;
}

/* Pairs of standard input: two paths a line, with a tab between them. */
static void compare_lines(job *j) {
	char *line = NULL;
	size_t room = 0;
	bool go_on = true;
	for (int64_t n = 1; go_on; n++) {
		const ssize_t got = getline(&line, &room, stdin);
		if (got < 0) break;
		line[strcspn(line, "\r\n")] = '\0';
		char *tab = strchr(line, '\t');
		if (!line[0]) continue;
		if (!tab || strchr(tab + 1, '\t')) {
			j->code = fail("verify", "line %lld: two paths with a tab between them are needed, not '%s'", (long long)n, line);
			continue;
		}
		*tab = '\0';
		go_on = compare(j, line, tab + 1);
	}
	free(line);
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

static bool open_all(job *j, eg_context *ctx) {
	eg_error err;
	const char *path = j->args->operands[0], *page = args_text(j->args, "output");
	double rate = 0, own = (double)NAN;
	if (!args_real(j->args, "false-accepts", 1e-6, 0.5, &rate) || !args_real(j->args, "threshold", 0, 1e9, &own))
		return j->code = CLI_USAGE, false;
	j->model = cli_model(j->args, path, ctx);
	if (!j->model) return false;
	if (eg_verifier_of(j->model, rate, own, &j->by, &err)) return fail("verify", "%s: %s", path, err.message), false;
	if (eg_predictor_new(j->model, NULL, NULL, &j->predictor, &err)) return fail_error("verify", &err), false;
	if (!page || args_has(j->args, "split") || !eg_sheet_new(page, "Pairs of pictures", &j->page, &err)) return true;
	fail_error("verify", &err);
	j->code = CLI_UNWRITTEN;
	return false;
}

static void close_page(job *j) {
	eg_error err;
	if (j->page && eg_sheet_save(j->page, &err))
		fail_error("verify", &err), j->code = CLI_UNWRITTEN;
	else if (j->page && !args_has(j->args, "json"))
		printf("%s shows them\n", text_shown(args_text(j->args, "output")));
}

static int run(const cli_args *a) {
	job j = {.args = a, .code = CLI_FAILED};
	if (a->noperands == 2) return fail_usage("verify", "two pictures are compared, A and B; or none, and pairs come as lines of standard input");
	if (a->noperands == 3 && args_has(a, "split")) return fail_usage("verify", "--split is of the model's own data: leave out A and B, or it");
	eg_context *ctx = cli_context_one(a);
	if (ctx && open_all(&j, ctx)) {
		j.code = CLI_OK;
		if (args_has(a, "split"))
			j.code = verify_worst(a, j.model, j.predictor, &j.by);
		else if (a->noperands == 3)
			compare(&j, a->operands[1], a->operands[2]);
		else
			compare_lines(&j);
		close_page(&j);
	}
	eg_predictor_free(j.predictor);
	eg_model_free(j.model);
	eg_context_free(ctx);
	return j.code;
}

static const cli_option options[] = {
	{"false-accepts", 0, "SHARE", "share of the pairs of two persons that may be taken for one: it chooses the threshold (default: the recipe's, 0.01)", 0, 0},
	{"threshold", 0, "DISTANCE", "your own threshold in its place", 0, 0},
	{"output", 'o', "PAGE", "also write a page (HTML, with everything in it) that shows the pictures", 0, 0},
	{"split", 0, "train|validation|test", "without A and B: all pairs of a part of the model's own data, how many are wrong, and the worst", 0, 0},
	{"worst", 0, "N", "with --split: how many of the worst to tell (default: 10)", 1, 100},
	{"data", 0, "SOURCE", "with --split: another data set than the one the model was trained on", 0, 0},
	{"folder", 0, "DIR", "with --split: where the files of the data set lie", 0, 0},
	{"path", 0, "PATH", "with --split: your own data: a file or a folder laid out as the data set's reader takes it", 0, 0},
	OPTION_THREADS,
	OPTION_LIMIT,
	OPTION_JSON("one JSON object a pair: a, b, distance, threshold, same, confidence, probability, false_accepts; with --split one: split, threshold, same, other"),
	{0},
};

const cli_verb verb_verify = {
	.name = "verify",
	.line = "are two pictures of one person?",
	.operands = "MODEL [A B]",
	.min_operands = 1,
	.max_operands = 3,
	.about = "Compares two pictures by a model of the task `verify` (recipes/faces.yaml): how far apart they are,\n"
	         "whether that is near enough to be the same person, and how likely that is right. The threshold\n"
	         "was learnt of pairs of persons that the model was not trained on: --false-accepts says how many\n"
	         "of such pairs may be taken for one person. The likelihood is for pairs of which as many are of one\n"
	         "person as of two.\n\n"
	         "Without A and B pairs are read from standard input, a line each: two paths with a tab between them.\n"
	         "With --split all pairs of the model's own data are compared, and the worst are shown.\n"
	         "Whom of many a picture shows: engram index, engram search.",
	.examples = "  engram verify faces.safetensors door.png pass.png\n"
	            "  engram verify faces.safetensors door.png pass.png --false-accepts 0.001 --json\n"
	            "  engram verify faces.safetensors <pairs.tsv -o pairs.html\n"
	            "  engram verify faces.safetensors --split test -o worst.html\n",
	.options = options,
	.next = "are two pictures of one person?",
	.next_operands = "A B",
	.ability = EG_ABLE_COMPARE,
	.run = run,
};
