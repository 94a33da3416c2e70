/* eval.c - engram eval: how well a model does, class by class. */
#include "print.h"
#include "samples.h"

#include <stdlib.h>
#include <string.h>

enum { EVAL_BATCH = 256, WIDEST = 100, MANY_CLASSES = 24 };

typedef struct result {
	const char *path, *source, *split;
	const eg_model *model;
	const eg_confusion *counts;
	double loss;
	int classes;
} result;

static int64_t support(const eg_confusion *c, int k) {
	int64_t n = 0;
	for (int i = 0; i < eg_confusion_classes(c); i++) n += eg_confusion_count(c, k, i);
	return n;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static void print_json(const result *r) {
	json j = {.f = stdout};
	const eg_confusion *c = r->counts;
	json_put_open(&j, NULL, '{');
	json_put_string(&j, "model", r->path);
	json_put_string(&j, "data", r->source);
	json_put_string(&j, "split", r->split);
	json_put_int(&j, "n", eg_confusion_total(c));
	json_put_number(&j, "loss", r->loss);
	json_put_number(&j, "accuracy", eg_confusion_accuracy(c));
	json_put_number(&j, "top3", eg_confusion_topk(c, 3));
	json_put_number(&j, "top5", eg_confusion_topk(c, 5));
	json_put_number(&j, "macro_f1", eg_confusion_macro_f1(c));
	json_put_open(&j, "per_class", '[');
	for (int k = 0; k < r->classes; k++) {
		json_put_open(&j, NULL, '{');
		json_put_string(&j, "class", eg_model_class_name(r->model, k));
		json_put_int(&j, "n", support(c, k));
		json_put_number(&j, "precision", eg_confusion_precision(c, k));
		json_put_number(&j, "recall", eg_confusion_recall(c, k));
		json_put_number(&j, "f1", eg_confusion_f1(c, k));
		json_put_close(&j, '}');
	}
	json_put_close(&j, ']');
	json_put_open(&j, "confusion", '[');
	for (int t = 0; t < r->classes; t++) {
		json_put_open(&j, NULL, '[');
		for (int k = 0; k < r->classes; k++) json_put_int(&j, NULL, eg_confusion_count(c, t, k));
		json_put_close(&j, ']');
	}
	json_put_close(&j, ']');
	json_put_close(&j, '}');
	json_put_end(&j);
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static void print_summary(const result *r) {
	char n[NUMBER], p[NUMBER];
	const eg_confusion *c = r->counts;
	printf("%s on %s, %s: %s pictures\n\n", r->path, r->source, r->split, number_int(n, eg_confusion_total(c)));
	printf("  accuracy  %9s\n", number_percent(p, eg_confusion_accuracy(c)));
	if (r->classes > 3)
		printf("  top 3     %9s   the right class is among the three likeliest\n",
			number_percent(p, eg_confusion_topk(c, 3)));
	if (r->classes > 5) printf("  top 5     %9s\n", number_percent(p, eg_confusion_topk(c, 5)));
	printf("  macro F1  %9s   mean over the classes\n", number_percent(p, eg_confusion_macro_f1(c)));
	printf("  loss      %9.4f\n\n", r->loss);
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

/* How many bytes the first `width` columns of UTF-8 text have. */
static int cut(const char *s, int width) {
	int bytes = 0;
	for (int n = 0; s[bytes]; bytes++)
		if (((unsigned char)s[bytes] & 0xc0) != 0x80 && ++n > width) break;
	while (bytes > 1 && s[bytes - 1] == ' ') bytes--;
	return bytes;
}

/* Rows are what the pictures show, columns what the model said; names are cut so that all fits. */
static void print_confusion(const result *r) {
	char align[MANY_CLASSES + 2];
	int longest = 0, digits = 1;
	for (int k = 0; k < r->classes; k++) {
		int w = text_width(eg_model_class_name(r->model, k));
		if (w > longest) longest = w;
	}
	for (int64_t n = eg_confusion_total(r->counts); n >= 10; n /= 10) digits++;
	int room = (WIDEST - 2 - longest) / r->classes - 2;
	if (room < 3) room = 3;
	memset(align, 'r', sizeof align);
	align[0] = 'l';
	align[r->classes + 1] = '\0';
	table *t = table_new(align);
	table_cell(t, "%s", "");
	for (int k = 0; k < r->classes; k++) {
		const char *name = eg_model_class_name(r->model, k);
		table_cell(t, "%.*s", cut(name, room), name);
	}
	table_rule(t);
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

static split parse_split(const char *name) {
	return !strcmp(name, "train") ? SPLIT_TRAIN : !strcmp(name, "validation") ? SPLIT_VALIDATION : SPLIT_TEST;
}

/* The data section of the model's recipe, or with --data that of another source. */
static eg_status load_samples(const cli_args *a, eg_model *m, split which, data_section *d, samples *s, eg_error *err) {
	const char *source = args_text(a, "data");
	eg_picture_scale scale = samples_model_scale(m);
	eg_recipe *r = eg_model_recipe(m);
	eg_status status = data_section_read(r, d, err);
	if (status) return status;
	if (source && strcmp(source, d->info->name)) {
		const char *names[64];
		int n = 0;
		for (; n < eg_data_count() && n < 64; n++) names[n] = eg_data_at(n)->name;
		const char *meant = did_you_mean(source, names, n);
		d->info = eg_data_find(source);
		d->options = (eg_data_options){0};
		d->limit = 0;
		if (!d->info && meant)
			return cli_error(err, EG_ERR_ARG, "no data source '%s'; did you mean '%s'?", source, meant);
		if (!d->info)
			return cli_error(err, EG_ERR_ARG,
				"no data source '%s'; 'engram data list' shows those there are", source);
	}
	d->options.folder = args_has(a, "folder") ? args_text(a, "folder") : d->options.folder;
	status = samples_load(s, d, r, which == SPLIT_TEST, &scale, err);
	if (!status && s->pictures->classes > eg_model_classes(m))
		status = cli_error(err, EG_ERR_SHAPE, "the data has %d classes, the model knows %d",
			s->pictures->classes, eg_model_classes(m));
	if (!status && !s->parts[which])
		status = cli_error(
			err, EG_ERR_ARG, "there are no validation pictures: the model's recipe has no data.validation");
	return status;
}

static int evaluate(const cli_args *a, eg_model *m) {
	const char *split_name = args_has(a, "split") ? args_text(a, "split") : "test";
	split which = parse_split(split_name);
	eg_error err;
	data_section d = {0};
	samples s = {0};
	int code = CLI_FAILED;
	eg_confusion *c = eg_confusion_new(eg_model_classes(m));
	eg_context *ctx = eg_graph_context(eg_model_graph(m));
	result r = {
		.path = a->operands[0], .split = split_name, .model = m, .counts = c, .classes = eg_model_classes(m)};
	cli_verbose_plan(eg_model_graph(m), eg_model_params(m), &(eg_plan_options){.batch = EVAL_BATCH});
	if (!c)
		fail("eval", "out of memory");
	else if (load_samples(a, m, which, &d, &s, &err))
		fail_error("eval", &err);
	else if (eg_evaluate(eg_model_graph(m), eg_model_params(m), EVAL_BATCH, eg_picture_dataset_get(s.parts[which]),
			 &r.loss, c))
		fail_error("eval", eg_context_error(ctx));
	else
		code = CLI_OK;
	if (code == CLI_OK) {
		r.source = d.info->name;
		if (args_has(a, "json"))
			print_json(&r);
		else {
			print_summary(&r);
			print_classes(&r);
			if (r.classes <= MANY_CLASSES)
				print_confusion(&r);
			else
				printf("\nWith --json the confusion of all %d classes is in `confusion`.\n", r.classes);
		}
	}
	samples_free(&s);
	data_section_free(&d);
	eg_confusion_free(c);
	return code;
}

static int run(const cli_args *a) {
	eg_context *ctx = cli_context(a);
	eg_model *m = ctx ? cli_model(a, a->operands[0], ctx) : NULL;
	int code = m ? evaluate(a, m) : CLI_FAILED;
	eg_model_free(m);
	eg_context_free(ctx);
	return code;
}

static const cli_option options[] = {
	{"split", 0, "train|validation|test",
		"which pictures (default: test). Validation pictures are those that were kept aside in "
		"training",
		0, 0},
	{"data", 0, "SOURCE", "another data set than the one the model was trained on", 0, 0},
	{"folder", 0, "DIR", "where the files of the data set lie", 0, 0},
	OPTION_THREADS,
	OPTION_JSON("one JSON object: split, n, loss, accuracy, top3, top5, macro_f1, per_class, confusion"),
	{0},
};

const cli_verb verb_eval = {
	.name = "eval",
	.line = "say how well a model does, class by class",
	.operands = "MODEL",
	.min_operands = 1,
	.max_operands = 1,
	.about = "Shows the model pictures whose classes are known, and counts: accuracy; how often the\n"
		 "right class is among the three likeliest; for each class precision (of those it calls\n"
		 "so, how many are), recall (of those that are, how many it finds) and F1, the harmonic\n"
		 "mean of both; and what is taken for what.",
	.options = options,
	.examples = "  engram eval lenet5.safetensors\n"
		    "  engram eval lenet5.safetensors --split validation --json\n"
		    "  engram eval lenet5.safetensors --data mnist\n",
	.run = run,
};
