/* test_model.c - safetensors files and models: written and read again, refused when damaged, training resumed from a
 * checkpoint bit for bit. */
#define _POSIX_C_SOURCE 200809L /* truncate */
#include "engram_io.h"
#include "engram_text.h"
#include "io/safetensors.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char RECIPE[] =
	"name: small\ntask: classify\ndata: {source: mnist}\ninput: [1, 8, 8]\nmodel:\n"
	"  - conv: {filters: 6, kernel: 5, name: c1}\n  - relu\n  - dropout: 0.25\n  - flatten\n  - linear: classes\n"
	"train: {optimizer: {adam: {lr: 0.01}}, schedule: cosine, batch: 16, epochs: 4, seed: 3}\n";
static const char *const CLASSES[] = {"T-shirt", "two \"words\"", "\xc3\xa4\xc3\xb6", "d"};
enum { NCLASSES = 4, SAMPLES = 70 };

typedef struct bench {
	char path[64], other[64];
	eg_context *ctx;
	eg_error err;
} bench;

static int setup(void **state) {
	bench *b = calloc(1, sizeof *b);
	if (!b) return -1;
	snprintf(b->path, sizeof b->path, "/tmp/engram-test-model-%ld.safetensors", (long)getpid());
	snprintf(b->other, sizeof b->other, "/tmp/engram-test-other-%ld.safetensors", (long)getpid());
	b->ctx = eg_context_new(&(eg_context_options){.threads = 1}, NULL);
	*state = b;
	return b->ctx ? 0 : -1;
}

static int teardown(void **state) {
	bench *b = *state;
	unlink(b->path);
	unlink(b->other);
	eg_context_free(b->ctx);
	free(b);
	return 0;
}

#define OK(b, call) \
	do { \
		if (call) fail_msg("%s", (b)->err.message); \
	} while (0)

/* ---- safetensors ------------------------------------------------------------------------------------------------- */

static void tensors_come_back(void **state) {
	bench *b = *state;
	float x[6] = {1, 2, 3, -4, 0.5f, INFINITY};
	int64_t labels[3] = {1, -2, 1000};
	unsigned char small = 7;
	eg_st_tensor t[] = {
		{.name = "z", .dtype = EG_ST_F32, .dims = {2, {2, 3}}, .data = x},
		{.name = "a", .dtype = EG_ST_U8, .dims = {0, {0}}, .data = &small},
		{.name = "labels", .dtype = EG_ST_I64, .dims = {1, {3}}, .data = labels},
		{.name = "empty", .dtype = EG_ST_F32, .dims = {2, {0, 3}}, .data = x},
	};
	eg_st_text texts[] = {{"b", "2"}, {"a", "line\n\"quoted\""}};
	OK(b, eg_st_write(b->path, texts, 2, t, 4, &b->err));
	eg_st_file f = {0};
	OK(b, eg_st_load(b->path, &f, &b->err));
	assert_int_equal(f.n, 4);
	assert_string_equal(eg_st_text_of(&f, "a"), "line\n\"quoted\"");
	assert_null(eg_st_text_of(&f, "c"));
	real got[6];
	int32_t integers[3];
	int64_t odd;
	assert_true(eg_st_to_real(eg_st_find(&f, "z"), got, &odd));
	assert_true(got[3] == -4 && odd == 1);
	assert_true(eg_st_to_i32(eg_st_find(&f, "labels"), integers));
	assert_true(integers[1] == -2 && integers[2] == 1000);
	assert_int_equal(eg_st_find(&f, "empty")->bytes, 0);

	/* In another order: the same file. */
	eg_st_tensor turned[] = {t[3], t[2], t[1], t[0]};
	eg_st_text turned_texts[] = {texts[1], texts[0]};
	OK(b, eg_st_write(b->other, turned_texts, 2, turned, 4, &b->err));
	eg_st_file g = {0};
	OK(b, eg_st_load(b->other, &g, &b->err));
	assert_int_equal(f.size, g.size);
	assert_memory_equal(f.bytes, g.bytes, f.size);
	eg_st_free(&f);
	eg_st_free(&g);
}

static void half_precision(void **state) {
	(void)state;
	const char file[] = "\x6b\0\0\0\0\0\0\0{\"h\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,8]},"
			    "\"b\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[8,10]}}"
			    "\x00\x3c\x00\xc0\x01\x00\x00\x7c\x80\x3f";
	char bytes[sizeof file];
	memcpy(bytes, file, sizeof file);
	bytes[0] = (char)(sizeof file - 1 - 8 - 10);
	eg_st_file f = {0};
	eg_error err = {0};
	if (eg_st_parse(bytes, sizeof file - 1, "half", &f, &err)) fail_msg("%s", err.message);
	real v[4];
	assert_true(eg_st_to_real(eg_st_find(&f, "h"), v, NULL));
	assert_true(v[0] == 1 && v[1] == -2 && v[2] == (real)0x1p-24 && isinf(v[3]));
	assert_true(eg_st_to_real(eg_st_find(&f, "b"), v, NULL));
	assert_true(v[0] == 1);
	eg_st_free(&f);
}

/* A file with this header and `room` bytes of data is refused with a message that holds `words`. */
static void refuse_header(const char *header, size_t room, const char *words) {
	eg_st_file f = {0};
	eg_error err = {0};
	size_t n = strlen(header);
	char *bytes = calloc(1, 8 + n + room);
	assert_non_null(bytes);
	bytes[0] = (char)(n & 255), bytes[1] = (char)(n >> 8);
	memcpy(bytes + 8, header, n);
	assert_int_equal(eg_st_parse(bytes, 8 + n + room, "f", &f, &err), EG_ERR_FORMAT);
	if (!strstr(err.message, words)) fail_msg("%s", err.message);
	eg_st_free(&f);
	free(bytes);
}

static void refuses_damage(void **state) {
	(void)state;
	eg_st_file f = {0};
	eg_error err = {0};
	assert_int_equal(eg_st_parse("", 0, "f", &f, &err), EG_ERR_FORMAT);
	assert_string_equal(err.message, "'f' is not a safetensors file: it is empty");
	assert_int_equal(eg_st_parse("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10, "f", &f, &err), EG_ERR_FORMAT);
	assert_non_null(strstr(err.message, "claims a header of 18446744073709551615 bytes"));
	assert_int_equal(eg_st_parse("\x40\0\0\0\0\0\0\0{}", 10, "f", &f, &err), EG_ERR_FORMAT);
	assert_non_null(strstr(err.message, "cut off: its header needs 64 bytes, 2 are there"));
	eg_st_free(&f);
#define T(s) "\"dtype\":\"F32\"," s
	refuse_header("{\"a\":1}", 0, "tensor 'a' has no known type");
	refuse_header("{\"a\":{\"dtype\":\"X9\"}}", 0, "tensor 'a' has no known type");
	refuse_header("{\"a\":{" T("\"shape\":[-1],\"data_offsets\":[0,4]") "}}", 4, "has a wrong shape");
	refuse_header("{\"a\":{" T("\"shape\":[1,1,1,1,1,1,1],\"data_offsets\":[0,4]") "}}", 4,
		"has 7 dimensions; at most 6");
	refuse_header("{\"a\":{" T("\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]") "}}", 0,
		"larger than any memory");
	refuse_header("{\"a\":{" T("\"shape\":[2],\"data_offsets\":[0,4]") "}}", 4, "do not agree with its shape");
	refuse_header(
		"{\"a\":{" T("\"shape\":[2],\"data_offsets\":[0,8]") "}}", 4, "is cut off: tensor 'a' ends at byte 8");
	refuse_header(
		"{\"a\":{" T("\"shape\":[1],\"data_offsets\":[4,8]") "}}", 8, "a gap in the data before tensor 'a'");
	refuse_header(
		"{\"a\":{" T("\"shape\":[1],\"data_offsets\":[0,4]") "}}", 8, "4 bytes at its end belong to no tensor");
	refuse_header("{\"a\":{" T("\"shape\":[2],\"data_offsets\":[0,8]") "},\"b\":{" T(
			      "\"shape\":[1],\"data_offsets\":[4,8]") "}}",
		8, "data used twice before tensor 'b'");
	refuse_header("{\"a\":{" T("\"shape\":[1],\"data_offsets\":[0,4]") "},\"a\":{" T(
			      "\"shape\":[1],\"data_offsets\":[0,4]") "}}",
		4, "duplicate object key");
	refuse_header("{\"__metadata__\":{\"a\":1}}", 0, "__metadata__ 'a' is not a text");
	refuse_header("{\"a\":", 0, "'f' is damaged: header: JSON, line 1, column 5");
}

/* ---- models ------------------------------------------------------------------------------------------------------ */

typedef struct trained {
	eg_recipe *recipe;
	eg_graph *graph;
	eg_params *params;
	eg_optimizer *optimizer;
	eg_train_state state;
} trained;

static void make(bench *b, trained *t, const char *text) {
	*t = (trained){0};
	OK(b, eg_recipe_parse(text, strlen(text), "r.yaml", NULL, &t->recipe, &b->err));
	OK(b, eg_recipe_build(t->recipe, b->ctx, NCLASSES, &t->graph, &b->err));
	t->params = eg_params_new(t->graph, 5, NULL);
	assert_non_null(t->params);
	t->optimizer = eg_optimizer_new(t->params, &eg_recipe_train(t->recipe)->optimizer, NULL);
	assert_non_null(t->optimizer);
}

static void unmake(trained *t) {
	eg_optimizer_free(t->optimizer);
	eg_params_free(t->params);
	eg_graph_free(t->graph);
	eg_recipe_free(t->recipe);
	free(t->state.best_weights);
	free(t->state.average);
}

static eg_model_parts parts_of(trained *t) {
	static const double mean[] = {0.28604}, deviation[] = {0.1 + 0.2}, border = 0.0625;
	static const eg_train_result result = {.epochs_done = 2,
		.best_epoch = 1,
		.loss = 0.1,
		.metric = "accuracy",
		.train_metric = 0.9,
		.val_loss = NAN,
		.val_metric = NAN,
		.seconds = 17};
	return (eg_model_parts){.recipe = t->recipe,
		.params = t->params,
		.classes = CLASSES,
		.nclasses = NCLASSES,
		.mean = mean,
		.std = deviation,
		.nmean = 1,
		.border = &border,
		.result = &result};
}

static void model_comes_back(void **state) {
	bench *b = *state;
	trained t;
	make(b, &t, RECIPE);
	eg_model_parts parts = parts_of(&t);
	OK(b, eg_model_save(b->path, &parts, &b->err));
	eg_model *m = NULL;
	OK(b, eg_model_load(b->path, b->ctx, &m, &b->err));
	assert_int_equal(eg_model_classes(m), NCLASSES);
	for (int i = 0; i < NCLASSES; i++) assert_string_equal(eg_model_class_name(m, i), CLASSES[i]);
	assert_null(eg_model_class_name(m, NCLASSES));
	const double *mean, *deviation;
	int n;
	eg_model_normalisation(m, &mean, &deviation, &n);
	assert_true(n == 1 && mean[0] == 0.28604 && deviation[0] == 0.1 + 0.2);
	assert_true(eg_model_border(m) == 0.0625);
	assert_true(eg_model_result(m)->train_metric == 0.9 && isnan(eg_model_result(m)->val_loss) &&
		    eg_model_result(m)->seconds == 0);
	assert_string_equal(eg_model_version(m), EG_VERSION);
	assert_null(eg_model_warning(m));
	assert_false(eg_model_is_checkpoint(m));
	assert_string_equal(eg_recipe_name(eg_model_recipe(m)), "small");
	size_t count, again;
	eg_real *x = eg_params_flat(t.params, &count), *y = eg_params_flat(eg_model_params(m), &again);
	assert_int_equal(count, again);
	assert_memory_equal(x, y, count * sizeof *x);
	assert_int_equal(eg_model_resume(m, t.optimizer, &t.state, &b->err), EG_ERR_ARG);
	eg_model_free(m);

	/* A NaN is loaded, and told. */
	x[0] = NAN;
	OK(b, eg_model_save(b->path, &parts, &b->err));
	OK(b, eg_model_load(b->path, b->ctx, &m, &b->err));
	assert_string_equal(eg_model_warning(m),
		"weight 'c1.weight' holds 1 values that are NaN or infinite: predictions will be useless");
	eg_model_free(m);
	unmake(&t);
}

/* Loading PATH is refused with a message that holds `words`. */
static void refuse_model(bench *b, const char *words) {
	eg_model *m = NULL;
	assert_int_not_equal(eg_model_load(b->path, b->ctx, &m, &b->err), EG_OK);
	assert_null(m);
	if (!strstr(b->err.message, words)) fail_msg("%s", b->err.message);
}

/* Saves the file again with one text changed, or one tensor more, less or of another shape. */
static void change(bench *b, const char *key, const char *value, const eg_st_tensor *tensor, const char *less) {
	eg_st_file f = {0};
	eg_st_text texts[16];
	eg_st_tensor tensors[32];
	int ntexts = 0, n = 0;
	OK(b, eg_st_load(b->other, &f, &b->err));
	for (const eg_tree *t = f.texts->first; t; t = t->next)
		if (!key || strcmp(t->key, key)) texts[ntexts++] = (eg_st_text){t->key, t->text};
	if (key && value) texts[ntexts++] = (eg_st_text){key, value};
	for (int i = 0; i < f.n; i++)
		if ((!less || strcmp(f.tensors[i].name, less)) && (!tensor || strcmp(f.tensors[i].name, tensor->name)))
			tensors[n++] = f.tensors[i];
	if (tensor) tensors[n++] = *tensor;
	OK(b, eg_st_write(b->path, texts, ntexts, tensors, n, &b->err));
	eg_st_free(&f);
}

static void refuses_models(void **state) {
	bench *b = *state;
	trained t;
	float zeros[200] = {0};
	make(b, &t, RECIPE);
	eg_model_parts parts = parts_of(&t);
	OK(b, eg_model_save(b->other, &parts, &b->err));
	unlink(b->path);
	refuse_model(b, "No such file");
	change(b, "engram_format", "2", NULL, NULL);
	refuse_model(b, "written by engram " EG_VERSION " in format 2; this is engram " EG_VERSION
			", which reads format 1: a newer engram is needed");
	change(b, "engram_format", NULL, NULL, NULL);
	refuse_model(b, "not one of Engram's models");
	change(b, "recipe", "name: x\n", NULL, NULL);
	refuse_model(b, "its recipe: 'task' is missing");
	change(b, "classes", "[]", NULL, NULL);
	refuse_model(b, "the class names are missing");
	change(b, "classes", "[\"a\", 2]", NULL, NULL);
	refuse_model(b, "a class name is not a text");
	change(b, "std", "[0]", NULL, NULL);
	refuse_model(b, "a standard deviation of 0");
	change(b, "std", "[1, 2]", NULL, NULL);
	refuse_model(b, "1 values of 'mean', but 2 of 'std'");
	change(b, "mean", "{", NULL, NULL);
	refuse_model(b, "mean: JSON, line 1");
	change(b, "border", "[2]", NULL, NULL);
	refuse_model(b, "'border' is not a brightness from 0 to 1");
	change(b, "border", NULL, NULL, NULL);
	eg_model *old = NULL;
	OK(b, eg_model_load(b->path, b->ctx, &old, &b->err)); /* files of before have none */
	assert_true(isnan(eg_model_border(old)));
	eg_model_free(old);
	/* What is not known is left out, or, in files of before, the text "nan". */
	static const char *const results[] = {"{\"epochs_done\": 3, \"best_epoch\": 2, \"loss\": \"nan\", \"accuracy\": "
					      "\"-nan\", \"val_loss\": 0.5, \"val_accuracy\": \"nan\"}",
		"{\"epochs_done\": 3, \"best_epoch\": 2, \"val_loss\": 0.5}"};
	for (int i = 0; i < 2; i++) {
		change(b, "result", results[i], NULL, NULL);
		OK(b, eg_model_load(b->path, b->ctx, &old, &b->err));
		const eg_train_result *r = eg_model_result(old);
		assert_true(r->epochs_done == 3 && r->val_loss == 0.5);
		assert_true(isnan(r->loss) && isnan(r->train_metric) && isnan(r->val_metric));
		eg_model_free(old);
	}
	change(b, "result", "{}", NULL, NULL);
	refuse_model(b, "the training summary");
	change(b, NULL, NULL, NULL, "c1.bias");
	refuse_model(b, "weight 'c1.bias' is missing in the file");
	change(b, NULL, NULL,
		&(eg_st_tensor){.name = "c1.weight", .dtype = EG_ST_F32, .dims = {4, {6, 1, 3, 3}}, .data = zeros},
		NULL);
	refuse_model(b, "weight 'c1.weight' is (6,1,5,5) in the recipe but (6,1,3,3) in the file");
	change(b, NULL, NULL, &(eg_st_tensor){.name = "c2.weight", .dtype = EG_ST_F32, .dims = {1, {2}}, .data = zeros},
		NULL);
	refuse_model(b, "weight 'c2.weight' is in the file, but the recipe has no such weight");
	change(b, NULL, NULL, &(eg_st_tensor){.name = "c1.bias", .dtype = EG_ST_I32, .dims = {1, {6}}, .data = zeros},
		NULL);
	refuse_model(b, "weight 'c1.bias' is of type I32");
	OK(b, eg_model_save(b->path, &parts, &b->err));
	assert_int_equal(truncate(b->path, 2000), 0);
	refuse_model(b, "cut off");
	assert_int_not_equal(eg_model_save("/nowhere/model.safetensors", &parts, &b->err), EG_OK);
	unmake(&t);
}

/* ---- vocabularies ------------------------------------------------------------------------------------------------ */

static const char CHARS[] = "name: chars\ntask: classify\ndata: {source: mnist}\ninput: [1, 8, 8]\nmodel:\n"
			    "  - flatten\n  - linear: classes\ntrain: {epochs: 1}\n";

static eg_vocab *vocab_of(bench *b, const char *text, eg_vocab_options o) {
	eg_vocab *v;
	OK(b, eg_vocab_build(text, strlen(text), &o, &v, &b->err));
	return v;
}

static void same_vocab(const eg_vocab *a, const eg_vocab *b) {
	assert_non_null(b);
	assert_true(eg_vocab_unit(a) == eg_vocab_unit(b) && eg_vocab_end(a) == eg_vocab_end(b));
	assert_int_equal(eg_vocab_unknown(a), eg_vocab_unknown(b));
	assert_int_equal(eg_vocab_count(a), eg_vocab_count(b));
	for (int i = 0; i < eg_vocab_count(a); i++) {
		size_t n, m;
		const char *x = eg_vocab_token(a, i, &n), *y = eg_vocab_token(b, i, &m);
		assert_int_equal(n, m);
		assert_memory_equal(x, y, n);
	}
}

static void vocabulary_comes_back(void **state) {
	bench *b = *state;
	static const char text[] = "a\"quote\", \\, tab\t\x7f\nand \xe4\xb8\xad \xf0\x9f\x98\x80 a a";
	const eg_vocab_options options[] = {{.unit = EG_UNIT_CHAR}, {.unit = EG_UNIT_CHAR, .end = true, .min_count = 2},
		{.unit = EG_UNIT_BYTE}, {.unit = EG_UNIT_BYTE, .end = true}, {.unit = EG_UNIT_WORD}};
	for (int i = 0; i < 5; i++) {
		eg_vocab *v = vocab_of(b, text, options[i]);
		int n = eg_vocab_count(v);
		eg_recipe *r;
		eg_graph *g;
		eg_model *m;
		OK(b, eg_recipe_parse(CHARS, strlen(CHARS), "r.yaml", NULL, &r, &b->err));
		OK(b, eg_recipe_build(r, b->ctx, n, &g, &b->err));
		eg_params *p = eg_params_new(g, 1, NULL);
		/* Its units are the classes; and once more with classes of their own. */
		eg_model_parts parts = {.recipe = r, .params = p, .vocab = v, .nclasses = i % 2 ? n : 0};
		OK(b, eg_model_save(b->path, &parts, &b->err));
		OK(b, eg_model_load(b->path, b->ctx, &m, &b->err));
		same_vocab(v, eg_model_vocab(m));
		assert_int_equal(eg_model_classes(m), n);
		assert_string_equal(eg_model_class_name(m, n - 1), eg_vocab_token(v, n - 1, NULL));
		eg_model_free(m);
		parts.nclasses = n + 1;
		assert_int_equal(eg_model_save(b->path, &parts, &b->err), EG_ERR_ARG);
		assert_non_null(strstr(b->err.message, "with a vocabulary of"));
		eg_params_free(p);
		eg_graph_free(g);
		eg_vocab_free(v);

		v = vocab_of(b, text, options[i]);
		OK(b, eg_recipe_build(r, b->ctx, NCLASSES, &g, &b->err));
		p = eg_params_new(g, 1, NULL);
		parts = (eg_model_parts){.recipe = r, .params = p, .vocab = v, .classes = CLASSES, .nclasses = NCLASSES};
		OK(b, eg_model_save(b->path, &parts, &b->err));
		OK(b, eg_model_load(b->path, b->ctx, &m, &b->err));
		same_vocab(v, eg_model_vocab(m));
		assert_int_equal(eg_model_classes(m), NCLASSES);
		assert_string_equal(eg_model_class_name(m, 0), "T-shirt");
		eg_model_free(m);
		eg_params_free(p);
		eg_graph_free(g);
		eg_vocab_free(v);
		eg_recipe_free(r);
	}
}

static void refuses_vocabularies(void **state) {
	bench *b = *state;
	static const char *const cases[][2] = {{"[]", "the vocabulary: it is not a map"},
		{"{\"unit\": ", "vocab: JSON"},
		{"{\"tokens\": [\"a\"]}", "the vocabulary: its unit is missing"},
		{"{\"unit\": \"letter\", \"tokens\": [\"a\"]}", "its unit is none of char, byte, word"},
		{"{\"unit\": \"char\"}", "the list of its units is missing"},
		{"{\"unit\": \"char\", \"tokens\": {}}", "the list of its units is missing"},
		{"{\"unit\": \"char\", \"tokens\": []}", "a vocabulary of 0 units"},
		{"{\"unit\": \"char\", \"tokens\": [\"a\", 1]}", "one of its units is not a text"},
		{"{\"unit\": \"char\", \"tokens\": [\"a\", \"ab\"]}", "unit 1, 'ab', is more than one character"},
		{"{\"unit\": \"char\", \"tokens\": [\"a\", \"b\", \"a\"]}", "units 0 and 2 are the same"},
		{"{\"unit\": \"word\", \"tokens\": [\"a b\"]}", "is more than one word"},
		{"{\"unit\": \"char\", \"end\": 2, \"tokens\": [\"a\", \"b\"]}", "the end mark is number 2"},
		{"{\"unit\": \"char\", \"end\": -1, \"tokens\": [\"a\"]}", "its end mark is not a number of a unit"},
		{"{\"unit\": \"char\", \"unknown\": 1.5, \"tokens\": [\"a\"]}", "its unknown mark is not a number"},
		{"{\"unit\": \"char\", \"end\": 0, \"unknown\": 0, \"tokens\": [\"a\"]}", "must be two numbers"},
		{"{\"unit\": \"byte\", \"tokens\": [\"a\"]}", "one of bytes has no list of units"},
		{"{\"unit\": \"byte\", \"unknown\": 3}", "no byte is unknown"},
		{"{\"unit\": \"byte\", \"end\": 257}", "the end mark is number 257"},
		/* right in itself, but the network was made for three units */
		{"{\"unit\": \"char\", \"tokens\": [\"a\", \"b\"]}", "is (2) in the recipe but (3) in the file"}};
	eg_vocab *v = vocab_of(b, "abc", (eg_vocab_options){0});
	eg_recipe *r;
	eg_graph *g;
	OK(b, eg_recipe_parse(CHARS, strlen(CHARS), "r.yaml", NULL, &r, &b->err));
	OK(b, eg_recipe_build(r, b->ctx, 3, &g, &b->err));
	eg_params *p = eg_params_new(g, 1, NULL);
	eg_model_parts parts = {.recipe = r, .params = p, .vocab = v};
	OK(b, eg_model_save(b->other, &parts, &b->err));
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		change(b, "vocab", cases[i][0], NULL, NULL);
		refuse_model(b, cases[i][1]);
		refuse_model(b, b->path);
	}
	change(b, "vocab", NULL, NULL, NULL); /* neither classes nor a vocabulary */
	refuse_model(b, "the class names are missing");
	eg_params_free(p);
	eg_graph_free(g);
	eg_recipe_free(r);
	eg_vocab_free(v);
}

/* ---- checkpoints ------------------------------------------------------------------------------------------------- */

/* Pictures that are a function of their number. */
static eg_status fill(void *user, const eg_fill *f, void *const *slots, eg_error *err) {
	const uint32_t *items = f->items;
	const int n = f->n;
	eg_real *x = slots[0];
	int32_t *labels = slots[1];
	(void)user, (void)err;
	for (int i = 0; i < n; i++) {
		labels[i] = (int32_t)(items[i] * 7 % NCLASSES);
		for (int k = 0; k < 64; k++)
			x[i * 64 + k] = (eg_real)((items[i] * 31 + (uint32_t)k * 17) % 13) / 13 +
					(k % NCLASSES == labels[i]);
	}
	return EG_OK;
}

static const char *const INPUTS[] = {"input", "target", NULL};
static const eg_dataset DATA = {.count = SAMPLES, .inputs = INPUTS, .fill = fill};

static bool stop_after_two(void *user, const eg_epoch_report *r) {
	(void)user;
	return r->epoch < 2;
}

static void train(
	bench *b, eg_graph *g, eg_params *p, eg_optimizer *o, const eg_recipe *r, eg_train_state *s, bool stop) {
	const eg_train_callbacks callbacks = {.epoch = stop_after_two};
	eg_status status = eg_train(g, p, eg_recipe_train(r), &DATA, &DATA, o, s, stop ? &callbacks : NULL, NULL, &b->err);
	if (status != (stop ? EG_ERR_STOPPED : EG_OK)) fail_msg("%s", b->err.message);
}

static void check_resume(bench *b, const char *recipe, bool average) {
	trained whole, half;
	size_t n;
	make(b, &whole, recipe);
	eg_real *expected = eg_params_flat(whole.params, &n);
	whole.state.best_weights = calloc(n, sizeof(eg_real));
	if (average) whole.state.average = calloc(n, sizeof(eg_real));
	train(b, whole.graph, whole.params, whole.optimizer, whole.recipe, &whole.state, false);

	make(b, &half, recipe);
	half.state.best_weights = calloc(n, sizeof(eg_real));
	if (average) half.state.average = calloc(n, sizeof(eg_real));
	train(b, half.graph, half.params, half.optimizer, half.recipe, &half.state, true);
	eg_model_parts parts = parts_of(&half);
	parts.optimizer = half.optimizer;
	parts.state = &half.state;
	OK(b, eg_model_save(b->path, &parts, &b->err));
	unmake(&half);

	eg_model *m = NULL;
	OK(b, eg_model_load(b->path, b->ctx, &m, &b->err));
	assert_true(eg_model_is_checkpoint(m));
	eg_optimizer *o = eg_optimizer_new(eg_model_params(m), &eg_recipe_train(eg_model_recipe(m))->optimizer, NULL);
	eg_train_state s = {.best_weights = calloc(n, sizeof(eg_real)), .average = average ? calloc(n, sizeof(eg_real)) : NULL};
	OK(b, eg_model_resume(m, o, &s, &b->err));
	assert_int_equal(s.epoch, 2);
	train(b, eg_model_graph(m), eg_model_params(m), o, eg_model_recipe(m), &s, false);
	assert_memory_equal(eg_params_flat(eg_model_params(m), NULL), expected, n * sizeof *expected);
	assert_memory_equal(s.best_weights, whole.state.best_weights, n * sizeof *expected);
	if (average) assert_memory_equal(s.average, whole.state.average, n * sizeof *expected);
	assert_true(s.best_loss == whole.state.best_loss && s.steps == whole.state.steps);
	eg_optimizer_free(o);

	/* Another optimizer has other moments. */
	o = eg_optimizer_new(eg_model_params(m), &(eg_optimizer_config){.kind = EG_SGD}, NULL);
	assert_int_equal(eg_model_resume(m, o, &s, &b->err), EG_ERR_FORMAT);
	assert_non_null(strstr(b->err.message, "was written by a different optimizer"));
	eg_optimizer_free(o);

	/* An average that the checkpoint has not begins with its weights. */
	if (!average) {
		s.average = calloc(n, sizeof(eg_real));
		o = eg_optimizer_new(eg_model_params(m), &eg_recipe_train(eg_model_recipe(m))->optimizer, NULL);
		OK(b, eg_model_resume(m, o, &s, &b->err));
		assert_memory_equal(s.average, eg_params_flat(eg_model_params(m), NULL), n * sizeof(eg_real));
		eg_optimizer_free(o);
	}
	free(s.average);
	free(s.best_weights);
	eg_model_free(m);
	unmake(&whole);
}

static void resumes_bit_for_bit(void **state) { check_resume(*state, RECIPE, false); }

/* With a moving average, two batches to an update, and groups. */
static void resumes_more(void **state) {
	char recipe[800];
	snprintf(recipe, sizeof recipe, "%.*s, average: 0.8, accumulate: 2, groups: [{pattern: \"*.bias\", lr: 0.5}, {pattern: \"c1.*\", frozen: true}]}\n",
		(int)strlen(RECIPE) - 2, RECIPE);
	check_resume(*state, recipe, true);
}

int main(void) {
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		TEST(tensors_come_back),
		cmocka_unit_test(half_precision),
		cmocka_unit_test(refuses_damage),
		TEST(model_comes_back),
		TEST(refuses_models),
		TEST(vocabulary_comes_back),
		TEST(refuses_vocabularies),
		TEST(resumes_bit_for_bit),
		TEST(resumes_more),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
