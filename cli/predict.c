/* predict.c - engram predict: what is on a picture. Nothing of the training data is read. */
#include "print.h"

#include <stdlib.h>
#include <string.h>

typedef struct job {
	const cli_args *args;
	eg_model *model;
	eg_predictor *predictor;
	int name_width;
	bool json;
} job;

static void print_json(const char *path, const eg_prediction *p) {
	json j = {.f = stdout};
	json_put_open(&j, NULL, '{');
	json_put_string(&j, "picture", path);
	json_put_string(&j, "class", p->answers[0].name);
	json_put_number(&j, "probability", p->answers[0].probability);
	json_put_bool(&j, "inverted", p->inverted);
	json_put_open(&j, "classes", '[');
	for (int i = 0; i < p->n; i++) {
		json_put_open(&j, NULL, '{');
		json_put_string(&j, "class", p->answers[i].name);
		json_put_number(&j, "probability", p->answers[i].probability);
		json_put_close(&j, '}');
	}
	json_put_close(&j, ']');
	json_put_close(&j, '}');
	json_put_end(&j);
}

static void print_text(const job *j, const char *path, const eg_prediction *p) {
	char share[NUMBER];
	char *name = cli_alloc(strlen(path) + 1);
	text_clean(strcpy(name, path));
	printf("%s%*s", name, j->name_width - text_width(name), "");
	for (int i = 0; i < p->n; i++) {
		number_probability(share, p->answers[i].probability);
		printf("  %s%s %s", i == 0 && has_colour(stdout) ? "\x1b[1m" : "", p->answers[i].name, share);
		if (i == 0 && has_colour(stdout)) fputs("\x1b[0m", stdout);
	}
	printf("%s\n", p->inverted ? "  (inverted)" : "");
	free(name);
}

static int failed(bool as_json, const char *path, const eg_error *err) {
	json j = {.f = stdout};
	if (!as_json) return fail_error("predict", err);
	json_put_open(&j, NULL, '{');
	json_put_string(&j, "picture", path);
	json_put_string(&j, "error", err->message);
	json_put_close(&j, '}');
	json_put_end(&j);
	return CLI_FAILED;
}

static int predict(const job *j, const char *path) {
	eg_prediction p;
	eg_error err;
	if (eg_predictor_file(j->predictor, path, &p, &err)) return failed(j->json, path, &err);
	if (j->json)
		print_json(path, &p);
	else
		print_text(j, path, &p);
	return CLI_OK;
}

static bool prepare(job *j) {
	static const char *const outputs[] = {"logits", NULL};
	const char *invert = args_has(j->args, "invert") ? args_text(j->args, "invert") : "auto";
	eg_predict_options o = {.top = (int)args_number(j->args, "top", 3),
		.invert = !strcmp(invert, "auto")  ? EG_INVERT_AUTO
			  : !strcmp(invert, "yes") ? EG_INVERT_YES
						   : EG_INVERT_NO};
	eg_error err;
	cli_verbose_plan(eg_model_graph(j->model), eg_model_params(j->model),
		&(eg_plan_options){.batch = 1, .outputs = outputs});
	return !eg_predictor_new(j->model, &o, &j->predictor, &err) || (fail_error("predict", &err), false);
}

static int run(const cli_args *a) {
	int code = CLI_FAILED;
	job j = {.args = a, .json = args_has(a, "json")};
	eg_context *ctx = cli_context(a);
	j.model = ctx ? cli_model(a, a->operands[0], ctx) : NULL;
	for (int i = 1; i < a->noperands; i++) {
		int w = text_width(a->operands[i]);
		if (w > j.name_width && w <= 48) j.name_width = w;
	}
	if (j.model && prepare(&j)) {
		code = CLI_OK;
		for (int i = 1; i < a->noperands; i++)
			if (predict(&j, a->operands[i])) code = CLI_FAILED;
	}
	eg_predictor_free(j.predictor);
	eg_model_free(j.model);
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
