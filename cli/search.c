/* search.c - engram search: what of an index (index.c) is nearest to a picture; as lines, as JSON, and as a page that
 * shows the pictures. */
#include "engram_report.h"
#include "engram_verify.h"
#include "print.h"
#include "search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct job {
	const cli_args *args;
	eg_model *model;
	eg_predictor *predictor;
	eg_index *index;
	eg_sheet *page; /* NULL: there is none */
	search_own *own; /* where the pictures of the page are those of the model's data; NULL: they are files */
	double threshold; /* what is farther away is unknown; NAN: everything is known */
	int top, code;
	/* of the picture at hand */
	eg_hit *hits;
	int found;
	double seconds; /* that it took to look through the index */
} job;

static double now(void) {
	struct timespec t;
	timespec_get(&t, TIME_UTC);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- what is shown ----------------------------------------------------------------------------------------------- */

/* Is the nearest near enough to be who it shows? */
static bool is_known(const job *j) { return j->found > 0 && (double)j->hits[0].distance <= j->threshold; }

static void show_json(const job *j, const char *path) {
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_text(v, "input", path);
	eg_value *answer = eg_value_put_map(v, "answer"), *list = eg_value_put_list(answer, "nearest");
	for (int i = 0; i < j->found; i++) {
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_text(one, "id", eg_index_id(j->index, j->hits[i].item));
		eg_value_put_text(one, "class", eg_index_class(j->index, j->hits[i].item));
		eg_value_put_number(one, "distance", (double)j->hits[i].distance);
	}
	if (!isnan(j->threshold)) {
		eg_value_put_text(answer, "class", is_known(j) ? eg_index_class(j->index, j->hits[0].item) : NULL);
		eg_value_put_bool(answer, "known", is_known(j));
		eg_value_put_number(answer, "threshold", j->threshold);
	}
	eg_value_put_int(v, "searched", eg_index_count(j->index));
	eg_value_put_number(v, "milliseconds", 1e3 * j->seconds);
	print_json(v);
	eg_value_free(v);
}

static void show(const job *j, const char *path) {
	char n[NUMBER];
	table *t = table_new("rrll");
	printf("%s: the nearest of %s, looked through in %.3g ms\n", text_shown(path), number_int(n, eg_index_count(j->index)), 1e3 * j->seconds);
	if (!isnan(j->threshold) && is_known(j)) {
		const char *class_name = eg_index_class(j->index, j->hits[0].item);
		printf("this is %s\n", text_shown(class_name ? class_name : eg_index_id(j->index, j->hits[0].item)));
	} else if (!isnan(j->threshold)) {
		printf("an unknown person: the nearest is farther away than the threshold %.4f\n", j->threshold);
	}
	putchar('\n');
	static const char *const head[] = {"rank", "distance", "class", "id"};
	for (int i = 0; i < 4; i++) table_cell(t, "%s", head[i]);
	table_rule(t);
	for (int i = 0; i < j->found; i++) {
		const char *class_name = eg_index_class(j->index, j->hits[i].item);
		table_cell(t, "%d", i + 1);
		table_cell(t, "%.4f", (double)j->hits[i].distance);
		table_cell(t, "%s", class_name ? class_name : "-");
		table_cell(t, "%s", eg_index_id(j->index, j->hits[i].item));
	}
	table_print(t, stdout, 2);
	table_free(t);
	putchar('\n');
}

/* A picture on the page; NULL: what cannot be read as one, its name alone. */
static eg_status put_picture(const job *j, const eg_picture *pic, const char *title, const char *below, eg_error *err) {
	static uint8_t grey = 200;
	const eg_picture none = {1, 1, 1, &grey, NULL};
	return eg_sheet_picture(j->page, pic ? pic : &none, title, below, err);
}

static eg_status draw(const job *j, const char *path, const char *title, eg_error *err) {
	eg_picture pic = {0};
	const bool there = !eg_picture_load(path, &(eg_picture_options){.shrink = true}, &pic, NULL);
	eg_status status = put_picture(j, there ? &pic : NULL, title, path, err);
	eg_picture_free(&pic);
	return status;
}

static eg_status draw_own(const job *j, const char *id, const char *class_name, const char *title, eg_error *err) {
	eg_picture pic;
	eg_error why = {0};
	const bool there = !search_own_picture(j->own, id, class_name, &pic, &why);
	if (!there) fail("search", "note: the page has '%s' by its name alone: %s", id, why.message);
	return put_picture(j, there ? &pic : NULL, title, id, err);
}

static eg_status draw_all(const job *j, const char *path, eg_error *err) {
	char title[80], head[600];
	snprintf(head, sizeof head, "%.500s, and what is nearest", path);
	eg_sheet_heading(j->page, head);
	eg_status status = draw(j, path, "asked", err);
	for (int i = 0; i < j->found && !status; i++) {
		const char *class_name = eg_index_class(j->index, j->hits[i].item), *id = eg_index_id(j->index, j->hits[i].item);
		snprintf(title, sizeof title, "%d: %.4f%s%.40s", i + 1, (double)j->hits[i].distance, class_name ? ", " : "", class_name ? class_name : "");
		status = j->own ? draw_own(j, id, class_name, title, err) : draw(j, id, title, err);
	}
	return status;
}

/* ---- searching --------------------------------------------------------------------------------------------------- */

static eg_status look(job *j, const eg_value *answer, eg_error *err) {
	int n;
	float *x = cli_embedding(answer, &n);
	if (n != eg_index_width(j->index)) {
		free(x);
		return snprintf(err->message, sizeof err->message, "the index holds embeddings of %d numbers, the model makes %d", eg_index_width(j->index), n), err->status = EG_ERR_ARG;
	}
	const double begin = now();
	eg_status status = eg_index_nearest(j->index, x, 1, NULL, j->top, j->hits, &j->found, err);
	j->seconds = now() - begin;
	free(x);
	return status;
}

/* false: nothing else is worth trying. */
static bool search(job *j, const char *path) {
	const eg_question q = {.path = path};
	const eg_value *answer;
	eg_error one, err;
	eg_status status = eg_predictor_run(j->predictor, &q, 1, &answer, &one, &err);
	if (status) return j->code = fail_error("search", &err), false;
	if (!answer) return j->code = fail_error("search", &one), true;
	if (look(j, answer, &err)) return j->code = fail_error("search", &err), true;
	if (args_has(j->args, "json"))
		show_json(j, path);
	else
		show(j, path);
	if (j->page && draw_all(j, path, &err)) return j->code = fail_error("search", &err), false;
	return true;
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

static bool open_index(job *j, const char *path) {
	eg_error err;
	const uint64_t threads = args_number(j->args, "threads", 0);
	if (!eg_index_open(path, (int)threads, &j->index, &err)) return true;
	fail_error("search", &err);
	return false;
}

/* The model that the index was made with. */
static bool open_model(job *j, eg_context *ctx) {
	eg_error err;
	const char *path = args_text(j->args, "model"), *kept = eg_index_kept(j->index, "model");
	if (!path && !kept) return fail("search", "the index does not say which model it was made with: give --model MODEL"), false;
	j->model = cli_model(j->args, path ? path : kept, ctx);
	if (!j->model) return path ? false : (fail("search", "that is the model of the index; if it lies elsewhere now, give --model MODEL"), false);
	if (!eg_index_check_model(j->index, j->model, &err) && !eg_predictor_new(j->model, NULL, NULL, &j->predictor, &err)) return true;
	fail_error("search", &err);
	return false;
}

/* From which distance on nobody is known: of a model that compares pairs what it has learnt. */
static bool open_threshold(job *j) {
	eg_error err;
	eg_verifier v;
	double rate = 0;
	const bool asked = args_has(j->args, "false-accepts");
	j->threshold = (double)NAN;
	if (!args_real(j->args, "false-accepts", 1e-6, 0.5, &rate) || !args_real(j->args, "threshold", 0, 1e9, &j->threshold))
		return j->code = CLI_USAGE, false;
	if (!isnan(j->threshold) || (!asked && !cli_is_able(j->model, EG_ABLE_COMPARE))) return true;
	if (!eg_verifier_of(j->model, rate, (double)NAN, &v, &err)) return j->threshold = v.threshold, true;
	if (asked) return fail("search", "%s", err.message), false;
	fail("search", "note: nobody is told as unknown: %s", err.message);
	return true;
}

static bool open_page(job *j) {
	eg_error err;
	const char *path = args_text(j->args, "output");
	char title[600];
	snprintf(title, sizeof title, "The nearest in %.500s", j->args->operands[0]);
	if (path && search_own_open(j->index, j->model, &j->own, &err))
		fail("search", "note: the page has names alone, since the data of the index cannot be read: %s", err.message);
	if (!path || !eg_sheet_new(path, title, &j->page, &err)) return true;
	fail_error("search", &err);
	j->code = CLI_UNWRITTEN;
	return false;
}

static void close_page(job *j) {
	eg_error err;
	const char *path = args_text(j->args, "output");
	if (j->page && eg_sheet_save(j->page, &err))
		fail_error("search", &err), j->code = CLI_UNWRITTEN;
	else if (j->page && !args_has(j->args, "json"))
		printf("%s shows them\n", text_shown(path));
}

static int run(const cli_args *a) {
	job j = {.args = a, .code = CLI_FAILED};
	eg_context *ctx = cli_context_one(a);
	if (ctx && open_index(&j, a->operands[0]) && open_model(&j, ctx) && open_threshold(&j) && open_page(&j)) {
		const int64_t n = eg_index_count(j.index), top = (int64_t)args_number(a, "top", 10);
		bool go_on = true;
		j.code = CLI_OK;
		j.top = (int)(top < n ? top : n > 0 ? n : 1);
		j.hits = cli_alloc((size_t)j.top * sizeof *j.hits);
		for (int i = 1; i < a->noperands && go_on; i++) go_on = search(&j, a->operands[i]);
		close_page(&j);
		free(j.hits);
	}
	search_own_close(j.own);
	eg_index_free(j.index);
	eg_predictor_free(j.predictor);
	eg_model_free(j.model);
	eg_context_free(ctx);
	return j.code;
}

static const cli_option options[] = {
	{"top", 0, "N", "how many to tell (default: 10)", 1, 65536},
	{"model", 0, "MODEL", "the model that the index was made with, where it lies elsewhere now", 0, 0},
	{"output", 'o', "PAGE", "also write a page (HTML, with everything in it) that shows the pictures", 0, 0},
	{"false-accepts", 0, "SHARE", "of the task `verify`: what is farther away than the threshold of so many false accepts is told as unknown (default: the recipe's)", 0, 0},
	{"threshold", 0, "DISTANCE", "what is farther away is told as unknown", 0, 0},
	OPTION_THREADS,
	OPTION_LIMIT,
	OPTION_JSON("one JSON object a picture: input, answer.nearest (id, class, distance), searched, milliseconds; with a threshold answer.class, known, threshold"),
	{0},
};

const cli_verb verb_search = {
	.name = "search",
	.line = "what of an index is nearest to a picture",
	.operands = "INDEX PICTURE...",
	.min_operands = 2,
	.max_operands = -1,
	.about = "Looks through an index (engram index) for what is nearest to each picture, and tells it with its\n"
	         "distance. All entries are compared: nothing is a guess. The model is the one that the index was\n"
	         "made with. Of faces (the task `verify`) whom a picture shows is told too, or that it is nobody of\n"
	         "the index: the nearest is then farther away than the model's threshold. Among n persons a stranger\n"
	         "is taken for one of them up to n times as often as for one alone: choose --false-accepts by that.",
	.examples = "  engram search photos.index picture.png\n"
	            "  engram search photos.index picture.png --top 20 -o nearest.html\n",
	.options = options,
	.run = run,
};
