/* eval.c - engram eval: how well a model does; of a classifier, class by class. */
#include "print.h"

#include <stdlib.h>
#include <string.h>

enum { EVAL_BATCH = 256, WIDEST = 100, MANY_CLASSES = 24 };

typedef struct result {
	const char *path, *source, *split, *why; /* why: of the split, when nobody asked for it */
	const char *unit;                        /* what was judged: "pictures" */
	const eg_model *model;
	const eg_evaluation *evaluation;
	const eg_confusion *counts; /* NULL: not a task with classes */
	int classes;
} result;

static int64_t support(const eg_confusion *c, int k) {
	int64_t n = 0;
	for (int i = 0; i < eg_confusion_classes(c); i++) n += eg_confusion_count(c, k, i);
	return n;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void print_classes_json(json *j, const result *r) {
	const eg_confusion *c = r->counts;
	json_put_open(j, "per_class", '[');
	for (int k = 0; k < r->classes; k++) {
		json_put_open(j, NULL, '{');
		json_put_string(j, "class", eg_model_class_name(r->model, k));
		json_put_int(j, "n", support(c, k));
		json_put_number(j, "precision", eg_confusion_precision(c, k));
		json_put_number(j, "recall", eg_confusion_recall(c, k));
		json_put_number(j, "f1", eg_confusion_f1(c, k));
		json_put_close(j, '}');
	}
	json_put_close(j, ']');
	json_put_open(j, "confusion", '[');
	for (int t = 0; t < r->classes; t++) {
		json_put_open(j, NULL, '[');
		for (int k = 0; k < r->classes; k++) json_put_int(j, NULL, eg_confusion_count(c, t, k));
		json_put_close(j, ']');
	}
	json_put_close(j, ']');
}

static void print_json(const result *r) {
	json j = {.f = stdout};
	json_put_open(&j, NULL, '{');
	json_put_string(&j, "model", r->path);
	json_put_string(&j, "data", r->source);
	json_put_string(&j, "split", r->split);
	json_put_string(&j, "unit", r->unit);
	json_put_int(&j, "n", eg_evaluation_total(r->evaluation));
	for (int i = 0; i < eg_evaluation_count(r->evaluation); i++)
		json_put_number(&j, eg_evaluation_name(r->evaluation, i), eg_evaluation_value(r->evaluation, i));
	if (r->counts) print_classes_json(&j, r);
	json_put_close(&j, '}');
	json_put_end(&j);
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void print_head(const result *r) {
	char n[NUMBER];
	printf("%s on %s, %s%s: %s %s\n\n", r->path, r->source, r->split, r->why,
		number_int(n, eg_evaluation_total(r->evaluation)), r->unit);
}

/* Of tasks without classes: every metric in a line of its own. */
static void print_metrics(const eg_evaluation *e) {
	char number[NUMBER];
	for (int i = 0; i < eg_evaluation_count(e); i++) {
		double v = eg_evaluation_value(e, i);
		printf("  %-10s  %9s", eg_evaluation_name(e, i),
			eg_evaluation_is_share(e, i) ? number_percent(number, v) : number_loss(number, v));
		printf("%s%s\n", *eg_evaluation_about(e, i) ? "   " : "", eg_evaluation_about(e, i));
	}
}

static void print_summary(const result *r) {
	char p[NUMBER];
	const eg_evaluation *e = r->evaluation;
	printf("  accuracy  %9s\n", number_percent(p, eg_evaluation_find(e, "accuracy")));
	if (r->classes > 3)
		printf("  top 3     %9s   the right class is among the three likeliest\n",
			number_percent(p, eg_evaluation_find(e, "top3")));
	if (r->classes > 5) printf("  top 5     %9s\n", number_percent(p, eg_evaluation_find(e, "top5")));
	printf("  macro F1  %9s   mean over the classes\n", number_percent(p, eg_evaluation_find(e, "macro_f1")));
	printf("  loss      %9.4f\n\n", eg_evaluation_find(e, "loss"));
}

static void print_classes(const result *r) {
	char n[NUMBER], p[NUMBER], q[NUMBER], f[NUMBER];
	table *t = table_new("lrrrr");
	table_cell(t, "class");
	table_cell(t, "precision");
	table_cell(t, "recall");
	table_cell(t, "F1");
	table_cell(t, "pictures");
	table_rule(t);
	for (int k = 0; k < r->classes; k++) {
		table_cell(t, "%s", eg_model_class_name(r->model, k));
		table_cell(t, "%s", number_percent(p, eg_confusion_precision(r->counts, k)));
		table_cell(t, "%s", number_percent(q, eg_confusion_recall(r->counts, k)));
		table_cell(t, "%s", number_percent(f, eg_confusion_f1(r->counts, k)));
		table_cell(t, "%s", number_int(n, support(r->counts, k)));
	}
	table_print(t, stdout, 2);
	table_free(t);
}

/* Columns of the first n bytes of UTF-8 text. */
static int width_of(const char *s, int n) {
	int width = 0;
	for (int i = 0; i < n; i++) width += ((unsigned char)s[i] & 0xc0) != 0x80;
	return width;
}

/* How many bytes of the first n of UTF-8 text `width` columns have room for. */
static int cut(const char *s, int n, int width) {
	int bytes = 0;
	for (int w = 0; bytes < n; bytes++)
		if (((unsigned char)s[bytes] & 0xc0) != 0x80 && ++w > width) break;
	while (bytes > 1 && s[bytes - 1] == ' ') bytes--;
	return bytes;
}

/* A class name above its column: in two lines, or only in the lower one. */
typedef struct head {
	const char *upper, *lower;
	int nupper, nlower, digits; /* bytes; columns of the largest count below */
} head;

static int head_width(const head *h) {
	int upper = width_of(h->upper, h->nupper), lower = width_of(h->lower, h->nlower);
	return upper > lower ? upper : lower;
}

/* Breaks at a space, or after / or -, such that the longer half is as short as can be. */
static void wrap(head *h) {
	const char *name = h->lower;
	for (const char *s = name + 1; *name && *s && s[1]; s++) {
		if (!strchr(" /-", *s)) continue;
		head two = {.upper = name, .nupper = (int)(s - name) + (*s != ' '), .lower = s + 1, .digits = h->digits};
		two.nlower = (int)strlen(two.lower);
		if (head_width(&two) < head_width(h)) *h = two;
	}
}

static int total_width(const head *heads, int n, int longest, int room) {
	int total = 2 + longest;
	for (int k = 0; k < n; k++) {
		int w = head_width(&heads[k]);
		if (w > room) w = room;
		total += 2 + (w > heads[k].digits ? w : heads[k].digits);
	}
	return total;
}

/* The class names above the columns: whole in one line or in two, or else cut so that all fits. */
static void print_heads(const result *r, table *t) {
	head heads[MANY_CLASSES] = {0};
	int n = r->classes, longest = 0, limit = terminal_width(stdout), room = 0;
	bool wrapped = false;
	for (int k = 0; k < n; k++) {
		heads[k].upper = heads[k].lower = eg_model_class_name(r->model, k);
		heads[k].nlower = (int)strlen(heads[k].lower);
		if (head_width(&heads[k]) > longest) longest = head_width(&heads[k]);
		int64_t most = 0;
		for (int i = 0; i < n; i++)
			if (eg_confusion_count(r->counts, i, k) > most) most = eg_confusion_count(r->counts, i, k);
		for (heads[k].digits = 1; most >= 10; most /= 10) heads[k].digits++;
	}
	if (limit < WIDEST) limit = WIDEST;
	if (total_width(heads, n, longest, longest) > limit)
		for (int k = 0; k < n; k++) {
			wrap(&heads[k]);
			wrapped = wrapped || heads[k].nupper;
		}
	for (room = longest; room > 3 && total_width(heads, n, longest, room) > limit;) room--;
	for (int line = !wrapped; line < 2; line++) {
		table_cell(t, "%s", "");
		for (int k = 0; k < n; k++) {
			const head *h = &heads[k];
			if (line == 0) table_cell(t, "%.*s", cut(h->upper, h->nupper, room), h->upper);
			if (line == 1) table_cell(t, "%.*s", cut(h->lower, h->nlower, room), h->lower);
			table_mark(t);
		}
	}
	table_rule(t);
}

/* Rows are what the pictures show, columns what the model said. */
static void print_confusion(const result *r) {
	char align[MANY_CLASSES + 2];
	memset(align, 'r', sizeof align);
	align[0] = 'l';
	align[r->classes + 1] = '\0';
	table *t = table_new(align);
	print_heads(r, t);
	for (int i = 0; i < r->classes; i++) {
		table_cell(t, "%s", eg_model_class_name(r->model, i));
		for (int k = 0; k < r->classes; k++) {
			int64_t n = eg_confusion_count(r->counts, i, k);
			if (n)
				table_cell(t, "%lld", (long long)n);
			else
				table_cell(t, "·");
			if (i == k) table_mark(t);
		}
	}
	printf("\nConfusion: a row is what the pictures show, a column what the model said.\n\n");
	table_print(t, stdout, 2);
	table_free(t);
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

static eg_part parse_split(const char *name) {
	return !strcmp(name, "train")        ? EG_PART_TRAIN
	       : !strcmp(name, "validation") ? EG_PART_VALIDATION
					     : EG_PART_TEST;
}

static void print(const cli_args *a, const result *r) {
	if (args_has(a, "json")) {
		print_json(r);
		return;
	}
	print_head(r);
	if (!r->counts) {
		print_metrics(r->evaluation);
		return;
	}
	print_summary(r);
	print_classes(r);
	if (r->classes <= MANY_CLASSES)
		print_confusion(r);
	else
		printf("\nWith --json the confusion of all %d classes is in `confusion`.\n", r->classes);
}

static void show_plan(eg_model *m, const eg_samples *s, eg_part part) {
	const eg_dataset *d = eg_samples_get(s, part);
	eg_plan_options o = {.batch = EVAL_BATCH, .time = d ? d->time : 0, .carry = d && d->streams > 0};
	if (d && d->streams > 0) o.batch = d->streams;
	cli_verbose_plan(eg_model_graph(m), eg_model_params(m), &o);
}

/* The data section of the model's recipe, or with --data or --path that of another source. */
static eg_status choose_data(const cli_args *a, eg_task *t, eg_part *part, eg_error *err) {
	const char *source = args_text(a, "data"), *path = args_text(a, "path");
	if (path && !source) source = eg_task_kind(t)->reader;
	eg_status status = eg_task_set_source(t, source, path ? path : args_text(a, "folder"), err);
	*part = args_has(a, "split") ? parse_split(args_text(a, "split")) : eg_task_eval_part(t);
	return status;
}

static void show(const cli_args *a, const eg_task *t, eg_part part, const eg_model *m, const eg_evaluation *e) {
	static const char *const names[] = {"train", "validation", "test"};
	const eg_confusion *counts = eg_evaluation_confusion(e);
	bool own = args_has(a, "path"), chosen = args_has(a, "split") || part == EG_PART_TEST;
	result r = {.path = a->operands[0],
		.source = own ? args_text(a, "path") : eg_task_source(t),
		.split = own && !counts ? "all of it" : names[part],
		.why = chosen ? "" : part == EG_PART_TRAIN ? " (it has no other part)" : " (it has no test part)",
		.unit = eg_task_unit(t, eg_evaluation_total(e) == 1),
		.model = m,
		.evaluation = e,
		.counts = counts,
		.classes = counts ? eg_confusion_classes(counts) : 0};
	print(a, &r);
}

static int evaluate(const cli_args *a, eg_model *m) {
	eg_error err;
	eg_part part = EG_PART_TEST;
	eg_task *t = NULL;
	eg_samples *s = NULL;
	eg_evaluation *e = NULL;
	eg_status status = eg_task_open(eg_model_recipe(m), &t, &err);
	if (!status) status = choose_data(a, t, &part, &err);
	if (!status) status = eg_samples_load(t, part, m, &s, &err);
	if (!status) show_plan(m, s, part);
	if (!status) status = eg_evaluation_run(m, s, part, 0, &e, &err);
	if (status)
		fail_error("eval", &err);
	else
		show(a, t, part, m, e);
	eg_evaluation_free(e);
	eg_samples_free(s);
	eg_task_free(t);
	return status ? CLI_FAILED : CLI_OK;
}

static int run(const cli_args *a) {
	if (args_has(a, "path") && args_has(a, "folder"))
		return fail_usage("eval", "--path and --folder exclude each other");
	eg_context *ctx = cli_context(a);
	eg_model *m = ctx ? cli_model(a, a->operands[0], ctx) : NULL;
	int code = m ? evaluate(a, m) : CLI_FAILED;
	eg_model_free(m);
	eg_context_free(ctx);
	return code;
}

static const cli_option options[] = {
	{"split", 0, "train|validation|test",
		"which samples (default: test, or validation where there is no test part, as of a text). Validation "
		"samples are those that were kept aside in training",
		0, 0},
	{"data", 0, "SOURCE", "another data set than the one the model was trained on", 0, 0},
	{"folder", 0, "DIR", "where the files of the data set lie", 0, 0},
	{"path", 0, "PATH", "your own: a folder of pictures with test/CLASS/, or a text for a language model", 0, 0},
	OPTION_THREADS,
	OPTION_JSON("one JSON object: split, unit, n, and the metrics: loss, accuracy, ..."),
	{0},
};

const cli_verb verb_eval = {
	.name = "eval",
	.line = "say how well a model does",
	.operands = "MODEL",
	.min_operands = 1,
	.max_operands = 1,
	.about = "Of a classifier: shows it pictures whose classes are known, and counts: accuracy; how\n"
		 "often the right class is among the three likeliest; for each class precision (of those\n"
		 "it calls so, how many are), recall (of those that are, how many it finds) and F1, the\n"
		 "harmonic mean of both; and what is taken for what.\n\n"
		 "Of a language model: how well it knows what comes next in a text it has not seen. The\n"
		 "loss is the mean of -ln of the probability that it gave to what came, in nats; the\n"
		 "same in bits; perplexity is e to the loss.",
	.options = options,
	.examples = "  engram eval lenet5.safetensors\n"
		    "  engram eval lenet5.safetensors --split validation --json\n"
		    "  engram eval lenet5.safetensors --data mnist\n"
		    "  engram eval char-lstm.safetensors --path sonnets.txt\n",
	.run = run,
};
