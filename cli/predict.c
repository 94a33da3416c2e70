/* predict.c - engram predict: what is on a picture. Nothing of the training data is read. */
#include "print.h"
#include "samples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct predictor {
	const cli_args *args;
	eg_model *model;
	eg_plan *plan;
	eg_fit_options fit;
	int shape[3], classes, top, name_width;
	double *probability; /* of each class */
	int *order;          /* classes, the likeliest first */
	bool json;
} predictor;

/* Of the training pictures only their mean is in the model: dark ones are taken to have a black border, bright ones a
 * white one. */
static double border_of_mean(const eg_picture_scale *s, int channels) {
	double mean = 0;
	for (int c = 0; c < channels && c < 3; c++) mean += (double)s->mean[c] / channels;
	return mean <= 0 ? 0.5 : mean < 0.4 ? 0 : mean > 0.6 ? 1 : 0.5;
}

static void softmax(predictor *p, const eg_real *logits) {
	double sum = 0, most = (double)logits[0];
	for (int k = 1; k < p->classes; k++)
		if ((double)logits[k] > most) most = (double)logits[k];
	for (int k = 0; k < p->classes; k++) sum += p->probability[k] = exp((double)logits[k] - most);
	for (int k = 0; k < p->classes; k++) p->probability[k] /= sum;
}

/* The `top` likeliest classes to the front, in order; the first among equals. */
static void rank(predictor *p) {
	for (int k = 0; k < p->classes; k++) p->order[k] = k;
	for (int i = 0; i < p->top; i++) {
		int best = i;
		for (int k = i + 1; k < p->classes; k++) {
			double a = p->probability[p->order[k]], b = p->probability[p->order[best]];
			if (a > b || (a == b && p->order[k] < p->order[best])) best = k;
		}
		int first = p->order[best];
		p->order[best] = p->order[i];
		p->order[i] = first;
	}
}

static void print_json(const predictor *p, const char *path, bool inverted) {
	json j = {.f = stdout};
	json_put_open(&j, NULL, '{');
	json_put_string(&j, "picture", path);
	json_put_string(&j, "class", eg_model_class_name(p->model, p->order[0]));
	json_put_number(&j, "probability", p->probability[p->order[0]]);
	json_put_bool(&j, "inverted", inverted);
	json_put_open(&j, "classes", '[');
	for (int i = 0; i < p->top; i++) {
		json_put_open(&j, NULL, '{');
		json_put_string(&j, "class", eg_model_class_name(p->model, p->order[i]));
		json_put_number(&j, "probability", p->probability[p->order[i]]);
		json_put_close(&j, '}');
	}
	json_put_close(&j, ']');
	json_put_close(&j, '}');
	json_put_end(&j);
}

static void print_text(const predictor *p, const char *path, bool inverted) {
	char share[NUMBER];
	char *name = cli_alloc(strlen(path) + 1);
	text_clean(strcpy(name, path));
	printf("%s%*s", name, p->name_width - text_width(name), "");
	for (int i = 0; i < p->top; i++) {
		number_percent(share, p->probability[p->order[i]]);
		printf("  %s%s %s", i == 0 && has_colour(stdout) ? "\x1b[1m" : "",
			eg_model_class_name(p->model, p->order[i]), share);
		if (i == 0 && has_colour(stdout)) fputs("\x1b[0m", stdout);
	}
	printf("%s\n", inverted ? "  (inverted)" : "");
	free(name);
}

static int failed(const predictor *p, const char *path, const eg_error *err) {
	json j = {.f = stdout};
	if (!p->json) return fail_error("predict", err);
	json_put_open(&j, NULL, '{');
	json_put_string(&j, "picture", path);
	json_put_string(&j, "error", err->message);
	json_put_close(&j, '}');
	json_put_end(&j);
	return CLI_FAILED;
}

static int predict(predictor *p, const char *path) {
	eg_picture pic = {0};
	eg_error err;
	bool inverted = false;
	eg_status status = eg_picture_load(path, NULL, &pic, &err);
	if (!status)
		status = eg_picture_fit(&pic, &p->fit, p->shape[0], p->shape[1], p->shape[2],
			eg_plan_input(p->plan, "input"), &inverted, &err);
	eg_picture_free(&pic);
	if (status) return failed(p, path, &err);
	eg_plan_run(p->plan, 0);
	softmax(p, eg_plan_output(p->plan, "logits"));
	if (isnan(p->probability[0])) {
		cli_error(&err, EG_ERR_NUMERIC,
			"%s: the network's answer is not a number; the model is damaged or its training failed", path);
		return failed(p, path, &err);
	}
	rank(p);
	if (p->json)
		print_json(p, path, inverted);
	else
		print_text(p, path, inverted);
	return CLI_OK;
}

static bool prepare(predictor *p, eg_context *ctx) {
	static const char *const outputs[] = {"logits", NULL};
	const char *invert = args_has(p->args, "invert") ? args_text(p->args, "invert") : "auto";
	eg_error err;
	data_section d;
	eg_recipe *r = eg_model_recipe(p->model);
	eg_status status = data_section_read(r, &d, &err);
	if (!status) status = data_section_shape(&d, r, p->shape, &err);
	data_section_free(&d);
	if (!status && p->shape[0] != 1 && p->shape[0] != 3)
		status = cli_error(
			&err, EG_ERR_SHAPE, "the model takes %d channels; pictures have 1 or 3", p->shape[0]);
	if (status) return fail_error("predict", &err), false;
	p->fit.scale = samples_model_scale(p->model);
	p->fit.border = border_of_mean(&p->fit.scale, p->shape[0]);
	p->fit.invert = !strcmp(invert, "auto")  ? EG_INVERT_AUTO
			: !strcmp(invert, "yes") ? EG_INVERT_YES
						 : EG_INVERT_NO;
	p->classes = eg_model_classes(p->model);
	uint64_t top = args_number(p->args, "top", 3);
	p->top = top < (uint64_t)p->classes ? (int)top : p->classes;
	p->probability = cli_alloc((size_t)p->classes * sizeof *p->probability);
	p->order = cli_alloc((size_t)p->classes * sizeof *p->order);
	eg_plan_options o = {.batch = 1, .outputs = outputs};
	cli_verbose_plan(eg_model_graph(p->model), eg_model_params(p->model), &o);
	p->plan = eg_plan_new(eg_model_graph(p->model), eg_model_params(p->model), &o);
	return p->plan || (fail_error("predict", eg_context_error(ctx)), false);
}

static int run(const cli_args *a) {
	int code = CLI_FAILED;
	predictor p = {.args = a, .json = args_has(a, "json")};
	eg_context *ctx = cli_context(a);
	p.model = ctx ? cli_model(a, a->operands[0], ctx) : NULL;
	for (int i = 1; i < a->noperands; i++) {
		int w = text_width(a->operands[i]);
		if (w > p.name_width && w <= 48) p.name_width = w;
	}
	if (p.model && prepare(&p, ctx)) {
		code = CLI_OK;
		for (int i = 1; i < a->noperands; i++)
			if (predict(&p, a->operands[i])) code = CLI_FAILED;
	}
	free(p.probability);
	free(p.order);
	eg_plan_free(p.plan);
	eg_model_free(p.model);
	eg_context_free(ctx);
	return code;
}

static const cli_option options[] = {
	{"top", 0, "K", "how many classes to show, the likeliest first (default: 3)", 1, 65536},
	{"invert", 0, "auto|yes|no",
		"turn black into white. auto (the default) does so when the model learnt bright things on a dark "
		"ground and the picture has a bright ground, or the other way round",
		0, 0},
	OPTION_THREADS,
	OPTION_JSON("one JSON object a picture: picture, class, probability, inverted, classes; or picture, error"),
	{0},
};

const cli_verb verb_predict = {
	.name = "predict",
	.line = "say what is on pictures",
	.operands = "MODEL PICTURE...",
	.min_operands = 2,
	.max_operands = -1,
	.about = "Reads pictures (PNG, JPEG, PGM, PPM), brings them to the size, colours and brightness\n"
		 "that the model was trained on, and shows the likeliest classes with their\n"
		 "probabilities. A picture that cannot be read is named, the others are still done, and\n"
		 "the exit code is 1.",
	.options = options,
	.examples = "  engram predict lenet5.safetensors boot.png\n"
		    "  engram predict lenet5.safetensors --top 1 --json *.jpg\n",
	.run = run,
};
