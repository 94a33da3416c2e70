/* test_model.c - safetensors files and models: written and read again, refused when damaged, training resumed from a
 * checkpoint bit for bit. */
#define _POSIX_C_SOURCE 200809L /* truncate */
#include "engram_io.h"
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
static const eg_size SIZES[] = {{"classes", 4}, {NULL, 0}};
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
	refuse_header("{\"a\":{" T("\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]") "}}", 4,
		"has 9 dimensions; at most 8");
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
		4, "duplicate object key near '\"a\"'");
	refuse_header("{\"__metadata__\":{\"a\":1}}", 0, "__metadata__ 'a' is not a text");
	refuse_header("{\"a\":", 0, "'f' is damaged: header: JSON, line 1, column 5: unexpected token near end of file");
}

/* However large the header and whatever is in it, nothing is taken for more than a fixed number of nodes. */
static void header_memory(void **state) {
	EG_UNUSED(state);
	static const char *const fillings[] = {"[],", "{},", "0,", "\"\",", "[[[[]]]],", "{\"a\":0},"};
	enum { SIZE = 4 << 20 };
	char *file = malloc(8 + SIZE);
	assert_non_null(file);
	for (int i = 0; i < EG_COUNT(fillings); i++) {
		eg_st_file f = {0};
		eg_error err;
		size_t n = strlen(fillings[i]), at = 8;
		for (int k = 0; k < 8; k++) file[k] = (char)((uint64_t)SIZE >> 8 * k);
		at += (size_t)sprintf(file + at, "{\"a\":[");
		while (at + n < SIZE) memcpy(file + at, fillings[i], n), at += n;
		memset(file + at, ' ', 8 + SIZE - at);
		assert_int_equal(eg_st_parse(file, 8 + SIZE, "f", &f, &err), EG_ERR_FORMAT);
		assert_non_null(strstr(err.message, "more than 250000 values"));
		assert_int_equal(f.arena.used, 0);
		eg_st_free(&f);
	}
	free(file);
}

/* What cannot be read again is not written. */
static void header_written(void **state) {
	EG_UNUSED(state);
	eg_arena arena = {0};
	eg_tree_builder b = {&arena, "t", false};
	eg_error err;
	const char *text;
	eg_tree *list = eg_tree_new(&b, EG_TREE_LIST);
	for (int i = 0; i < EG_JSON_NODES - 1; i++) eg_tree_put_int(&b, list, NULL, i);
	assert_int_equal(eg_json_write(&arena, list, 0, &text, &err), EG_OK);
	eg_tree_put_int(&b, list, NULL, 1);
	assert_int_equal(eg_json_write(&arena, list, 0, &text, &err), EG_ERR_ARG);
	assert_null(text);
	list = eg_tree_new(&b, EG_TREE_LIST);
	eg_tree_string(&b, list, NULL, "\xff");
	assert_int_equal(eg_json_write(&arena, list, 0, &text, &err), EG_ERR_ARG);
	eg_tree *map = eg_tree_new(&b, EG_TREE_MAP);
	eg_tree_put_double(&b, map, "tenth", 0.1);
	eg_tree_put_double(&b, map, "inf", (double)INFINITY);
	eg_tree_put_double(&b, map, "none", (double)NAN);
	eg_tree_string(&b, map, "q\"", "\x01\n\x7f\\");
	eg_tree_list(&b, eg_tree_list(&b, map, "l"), NULL);
	assert_int_equal(eg_json_write(&arena, map, 0, &text, &err), EG_OK);
	assert_string_equal(text, "{\"tenth\":0.1,\"inf\":\"inf\",\"none\":\"nan\",\"q\\\"\":\"\\u0001\\n\\u007f\\\\\",\"l\":[[]]}");
	assert_int_equal(eg_json_write(&arena, eg_tree_get(map, "l"), 2, &text, &err), EG_OK);
	assert_string_equal(text, "[\n  []\n]");
	eg_arena_free(&arena);
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
	OK(b, eg_recipe_build(t->recipe, b->ctx, SIZES, &t->graph, &b->err));
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

/* What a task might keep. */
static eg_value *kept(void) {
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value *classes = eg_value_put_list(v, "classes");
	eg_value_put_text(classes, NULL, "T-shirt");
	eg_value_put_text(classes, NULL, "two \"words\" \xc3\xa4\xc3\xb6");
	eg_value_put_number(eg_value_put_list(v, "std"), NULL, 0.1 + 0.2);
	eg_value_put_null(eg_value_put_map(v, "inner"), "nothing");
	assert_true(eg_value_whole(v));
	return v;
}

static eg_model_parts parts_of(trained *t, const eg_value *task) {
	static const eg_train_result result = {.epochs_done = 2,
		.best_epoch = 1,
		.loss = 0.1,
		.metric = "accuracy",
		.train_metric = 0.9,
		.val_loss = NAN,
		.val_metric = NAN,
		.seconds = 17};
	return (eg_model_parts){
		.recipe = t->recipe, .params = t->params, .sizes = SIZES, .task = task, .result = &result};
}

static void model_comes_back(void **state) {
	bench *b = *state;
	trained t;
	make(b, &t, RECIPE);
	eg_value *task = kept();
	eg_model_parts parts = parts_of(&t, task);
	OK(b, eg_model_save(b->path, &parts, &b->err));
	eg_model *m = NULL;
	OK(b, eg_model_load(b->path, b->ctx, &m, &b->err));
	assert_true(eg_value_same(eg_model_task(m), task));
	assert_string_equal(eg_model_path(m), b->path);
	const eg_size *sizes = eg_model_sizes(m);
	assert_string_equal(sizes[0].name, "classes");
	assert_true(sizes[0].size == NCLASSES && !sizes[1].name);
	assert_true(eg_model_size(m, "classes") == NCLASSES && eg_model_size(m, "units") == 0);
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

	/* What was read makes the same file again. */
	eg_st_file f = {0}, g = {0};
	eg_model_parts same = {.recipe = eg_model_recipe(m),
		.params = eg_model_params(m),
		.sizes = eg_model_sizes(m),
		.task = eg_model_task(m),
		.result = eg_model_result(m)};
	OK(b, eg_model_save(b->other, &same, &b->err));
	OK(b, eg_st_load(b->path, &f, &b->err));
	OK(b, eg_st_load(b->other, &g, &b->err));
	assert_int_equal(f.size, g.size);
	assert_memory_equal(f.bytes, g.bytes, f.size);
	eg_st_free(&f);
	eg_st_free(&g);
	eg_model_free(m);

	/* A NaN is loaded, and told. */
	x[0] = NAN;
	OK(b, eg_model_save(b->path, &parts, &b->err));
	OK(b, eg_model_load(b->path, b->ctx, &m, &b->err));
	assert_string_equal(eg_model_warning(m),
		"weight 'c1.weight' holds 1 value that is NaN or infinite: whatever it is asked, its answers mean nothing");
	eg_model_free(m);

	/* A task that keeps nothing has an empty map. */
	parts.task = NULL, parts.result = NULL;
	OK(b, eg_model_save(b->path, &parts, &b->err));
	OK(b, eg_model_load(b->path, b->ctx, &m, &b->err));
	assert_int_equal(eg_value_kind_of(eg_model_task(m)), EG_VALUE_MAP);
	assert_int_equal(eg_value_count(eg_model_task(m)), 0);
	assert_null(eg_model_result(m));
	eg_model_free(m);

	eg_value *list = eg_value_new(EG_VALUE_LIST);
	parts.task = list;
	assert_int_equal(eg_model_save(b->path, &parts, &b->err), EG_ERR_ARG);
	parts.task = NULL, parts.sizes = (const eg_size[]){{"classes", 0}, {NULL, 0}};
	assert_int_equal(eg_model_save(b->path, &parts, &b->err), EG_ERR_ARG);
	parts.recipe = NULL;
	assert_int_equal(eg_model_save(b->path, &parts, &b->err), EG_ERR_ARG);
	eg_value_free(list);
	eg_value_free(task);
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
	eg_value *task = kept();
	eg_model_parts parts = parts_of(&t, task);
	OK(b, eg_model_save(b->other, &parts, &b->err));
	unlink(b->path);
	refuse_model(b, "No such file");
	change(b, "engram_format", "3", NULL, NULL);
	refuse_model(b, "written by engram " EG_VERSION " in format 3; this is engram " EG_VERSION
			", which reads formats up to 2: a newer engram is needed");
	change(b, "engram_format", NULL, NULL, NULL);
	refuse_model(b, "not one of Engram's models");
	change(b, "recipe", "name: x\n", NULL, NULL);
	refuse_model(b, "its recipe: 'task' is missing");
	static const char *const damage[][3] = {{"sizes", NULL, "the sizes are missing"},
		{"sizes", "[]", "the sizes are missing"}, {"sizes", "{\"classes\": 0}", "damaged: the size 'classes'"},
		{"sizes", "{\"classes\": 1.5}", "damaged: the size 'classes'"},
		{"sizes", "{}",
			"'units' in layer 'linear1' must be a whole number, or a word for one (there is none here)"},
		{"sizes", "{\"classes\": 5}", "is (5) in the recipe but (4) in the file"},
		{"sizes", "{", "sizes: JSON, line 1"}, {"task", "[]", "what the task keeps is not a map"},
		{"task", "{\"a\": ", "task"}};
	for (size_t i = 0; i < sizeof damage / sizeof *damage; i++) {
		change(b, damage[i][0], damage[i][1], NULL, NULL);
		refuse_model(b, damage[i][2]);
		refuse_model(b, b->path);
	}
	/* What is not known is left out, or, in files of before, the text "nan". */
	static const char *const results[] = {
		"{\"epochs_done\": 3, \"best_epoch\": 2, \"loss\": \"nan\", \"train_metric\": "
		"\"-nan\", \"val_loss\": 0.5, \"val_metric\": \"nan\"}",
		"{\"epochs_done\": 3, \"best_epoch\": 2, \"val_loss\": 0.5}"};
	for (int i = 0; i < 2; i++) {
		eg_model *m = NULL;
		change(b, "result", results[i], NULL, NULL);
		OK(b, eg_model_load(b->path, b->ctx, &m, &b->err));
		const eg_train_result *r = eg_model_result(m);
		assert_true(r->epochs_done == 3 && r->val_loss == 0.5);
		assert_true(isnan(r->loss) && isnan(r->train_metric) && isnan(r->val_metric));
		eg_model_free(m);
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
	eg_value_free(task);
	unmake(&t);
}

/* ---- files of format 1 ------------------------------------------------------------------------------------------- */

static eg_value *json(const char *text) {
	eg_value *v = NULL;
	eg_error err;
	if (eg_value_parse(text, strlen(text), "expected", &v, &err)) fail_msg("%s", err.message);
	return v;
}

/* What the program before this one has written: pictures, and text. */
static void reads_format_1(void **state) {
	bench *b = *state;
	eg_model *m;
	OK(b, eg_model_load("test/corpus/model-1/digits.safetensors", b->ctx, &m, &b->err));
	eg_value *want = json(
		"{\"classes\": [\"0\",\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\"],"
		"\"mean\": [0.12754826247692108], \"std\": [0.30462858080863953], \"border\": 0.00032207697893972401}");
	assert_true(eg_value_same(eg_model_task(m), want));
	eg_value_free(want);
	assert_true(eg_model_size(m, "classes") == 10 && eg_model_size(m, "units") == 10 && eg_model_size(m, "x") == 0);
	const eg_train_result *r = eg_model_result(m);
	assert_true(r->epochs_done == 1 && r->best_epoch == 1 && r->val_loss == 2.2665528059005737 &&
		    r->val_metric == 0.2);
	assert_true(isnan(r->loss) && isnan(r->train_metric));
	eg_st_file f = {0};
	real bias[10];
	OK(b, eg_st_load("test/corpus/model-1/digits.safetensors", &f, &b->err));
	assert_true(eg_st_to_real(eg_st_find(&f, "linear1.bias"), bias, NULL));
	assert_memory_equal(bias,
		eg_params_data(eg_model_params(m), eg_params_find(eg_model_params(m), "linear1.bias")), sizeof bias);
	/* Saved again it is a file of format 2 that holds the same. */
	eg_model_parts parts = {.recipe = eg_model_recipe(m),
		.params = eg_model_params(m),
		.sizes = eg_model_sizes(m),
		.task = eg_model_task(m),
		.result = r};
	OK(b, eg_model_save(b->path, &parts, &b->err));
	eg_model *again;
	OK(b, eg_model_load(b->path, b->ctx, &again, &b->err));
	assert_true(eg_value_same(eg_model_task(again), eg_model_task(m)) && eg_model_size(again, "units") == 10);
	assert_true(eg_model_result(again)->val_metric == 0.2);
	eg_model_free(again);
	eg_st_free(&f);
	eg_model_free(m);

	OK(b, eg_model_load("test/corpus/model-1/text.safetensors", b->ctx, &m, &b->err));
	const eg_value *tokens = eg_value_get(eg_value_get(eg_model_task(m), "vocab"), "tokens");
	assert_int_equal(eg_value_count(eg_model_task(m)), 1);
	assert_true(
		eg_value_count(tokens) == 53 && eg_model_size(m, "units") == 53 && eg_model_size(m, "classes") == 53);
	assert_string_equal(eg_value_text(eg_value_first(tokens)), "\n");
	assert_int_equal(
		eg_params_dims(eg_model_params(m), eg_params_find(eg_model_params(m), "embedding1.weight")).d[0], 53);
	eg_model_free(m);
}

/* Without classes nothing is counted, though format 1 wrote an accuracy. */
static void numbers_of_format_1(void **state) {
	bench *b = *state;
	eg_model *m;
	const eg_st_text texts[] = {{"engram_format", "1"},
		{"recipe", "{name: n, task: regress, data: adding, input: 2, model: [relu], train: {loss: mse}}"},
		{"classes", "[]"}, {"result", "{\"epochs_done\":1,\"best_epoch\":1,\"val_loss\":1.5,\"val_accuracy\":0}"}};
	OK(b, eg_st_write(b->path, texts, EG_COUNT(texts), NULL, 0, &b->err));
	OK(b, eg_model_load(b->path, b->ctx, &m, &b->err));
	const eg_train_result *r = eg_model_result(m);
	assert_true(!r->metric && isnan(r->val_metric) && isnan(r->train_metric) && r->val_loss == 1.5);
	assert_null(eg_model_sizes(m)[0].name);
	assert_int_equal(eg_value_count(eg_value_get(eg_model_task(m), "classes")), 0);
	eg_model_free(m);
}

/* The texts of format 1 in a file of now: what becomes of each. */
static void damage_in_format_1(void **state) {
	bench *b = *state;
	trained t;
	make(b, &t, RECIPE);
	eg_model_parts parts = parts_of(&t, NULL);
	OK(b, eg_model_save(b->path, &parts, &b->err));
	eg_st_file f = {0};
	OK(b, eg_st_load(b->path, &f, &b->err));
	const eg_st_text texts[] = {{"engram_format", "1"}, {"engram_version", "0.0.9"},
		{"recipe", eg_st_text_of(&f, "recipe")}, {"classes", "[\"a\",\"b\",\"c\",\"d\"]"}, {"border", "[0]"}};
	OK(b, eg_st_write(b->other, texts, EG_COUNT(texts), f.tensors, f.n, &b->err));
	eg_st_free(&f);
	static const char *const cases[][4] = {
		{"border", "[0.5]", "{\"classes\":[\"a\",\"b\",\"c\",\"d\"],\"border\":0.5}", NULL},
		{"border", NULL, "{\"classes\":[\"a\",\"b\",\"c\",\"d\"]}", NULL},
		{"vocab", "{\"unit\":\"char\",\"tokens\":[\"x\"]}",
			"{\"classes\":[\"a\",\"b\",\"c\",\"d\"],\"border\":0,\"vocab\":{\"unit\":\"char\",\"tokens\":["
			"\"x\"]}}",
			NULL},
		{"classes", NULL, NULL, "the class names are missing"},
		{"classes", "{}", NULL, "the class names are missing"}, {"classes", "[]", NULL, "there is none here"},
		{"classes", "[\"a\"]", NULL, "is (1) in the recipe but (4) in the file"},
		{"border", "[1, 2]", NULL, "'border' is not a list of one number"},
		{"border", "[\"x\"]", NULL, "'border' is not a list of one number"}, {"mean", "{", NULL, "mean"}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		eg_model *m = NULL;
		change(b, cases[i][0], cases[i][1], NULL, NULL);
		if (cases[i][3]) {
			refuse_model(b, cases[i][3]);
			continue;
		}
		OK(b, eg_model_load(b->path, b->ctx, &m, &b->err));
		eg_value *want = json(cases[i][2]);
		assert_true(eg_value_same(eg_model_task(m), want));
		assert_int_equal(eg_model_size(m, "classes"), 4);
		assert_string_equal(eg_model_version(m), "0.0.9");
		eg_value_free(want);
		eg_model_free(m);
	}
	unmake(&t);
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
	eg_status status = eg_train(
		g, p, eg_recipe_train(r), &DATA, &DATA, o, s, stop ? &callbacks : NULL, NULL, &b->err);
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
	eg_model_parts parts = parts_of(&half, NULL);
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

/* Numbers that no training writes are not counted on from. */
static void refuses_states(void **state) {
	bench *b = *state;
	trained t;
	size_t n;
	make(b, &t, RECIPE);
	eg_params_flat(t.params, &n);
	eg_real *best = calloc(n, sizeof *best), *average = calloc(n, sizeof *average);
	const eg_train_state good = {.epoch = 5, .best_epoch = 3, .bad_epochs = 2, .schedule = {.scale = 0.5, .bad_epochs = 1},
		.best_weights = best, .average = average};
	eg_train_state states[9];
	for (int i = 0; i < EG_COUNT(states); i++) states[i] = good;
	states[1].bad_epochs = INT32_MAX;
	states[2].schedule.bad_epochs = 6;
	states[3].best_epoch = 6;
	states[4].epoch = INT32_MAX;
	states[5].schedule.scale = NAN;
	states[6].schedule.scale = -1;
	for (int i = 0; i < EG_COUNT(states); i++) {
		eg_model_parts parts = parts_of(&t, NULL);
		eg_model *m;
		parts.optimizer = t.optimizer;
		parts.state = &states[i];
		best[1] = i == 7 ? (eg_real)NAN : 1;
		average[2] = i == 8 ? (eg_real)INFINITY : 1;
		OK(b, eg_model_save(b->path, &parts, &b->err));
		eg_status status = eg_model_load(b->path, b->ctx, &m, &b->err);
		if (!status) status = eg_model_resume(m, t.optimizer, &states[i], &b->err);
		assert_int_equal(status, i ? EG_ERR_FORMAT : EG_OK);
		const char *says = i == 0 ? "" : i == 7 ? "1 of its best weights" : i == 8 ? "1 of its averaged weights" : "the state of training";
		if (i && !strstr(b->err.message, says)) fail_msg("case %d: %s", i, b->err.message);
		eg_model_free(m);
	}
	free(best);
	free(average);
	unmake(&t);
}

/* When each row of a table occurred last goes into a checkpoint and comes back; a step that was not done is refused. */
static void rows_come_back(void **state) {
	static const char recipe[] = "name: table\ntask: classify\ndata: {source: intents}\ninput: [time]\nmodel:\n"
				     "  - embedding: {size: 64, count: 600}\n  - mean_time\n  - linear: classes\n"
				     "train: {optimizer: {adam: {lr: 0.01}}, seed: 3}\n";
	bench *b = *state;
	trained t;
	make(b, &t, recipe);
	for (int bad = 0; bad < 3; bad++) {
		size_t n;
		int32_t *last = eg_optimizer_rows(t.optimizer, &n);
		assert_int_equal(n, 600);
		eg_optimizer_set_steps(t.optimizer, 1000);
		assert_true(last[0] == 1000 && last[599] == 1000);
		for (int i = 0; i < 600; i++) last[i] = i;
		if (bad) last[7] = bad == 1 ? 1001 : -1;
		eg_model_parts parts = parts_of(&t, NULL);
		parts.optimizer = t.optimizer;
		parts.state = &t.state;
		OK(b, eg_model_save(b->path, &parts, &b->err));
		eg_model *m = NULL;
		eg_train_state s = {0};
		OK(b, eg_model_load(b->path, b->ctx, &m, &b->err));
		eg_optimizer *o = eg_optimizer_new(eg_model_params(m), &eg_recipe_train(t.recipe)->optimizer, NULL);
		assert_int_equal(eg_model_resume(m, o, &s, &b->err), bad ? EG_ERR_FORMAT : EG_OK);
		if (bad) assert_non_null(strstr(b->err.message, "rows of tables"));
		else assert_memory_equal(eg_optimizer_rows(o, NULL), last, 600 * sizeof *last);
		eg_optimizer_free(o);
		eg_model_free(m);
	}
	unmake(&t);
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
		cmocka_unit_test(header_memory),
		cmocka_unit_test(header_written),
		TEST(model_comes_back),
		TEST(refuses_models),
		TEST(reads_format_1),
		TEST(numbers_of_format_1),
		TEST(damage_in_format_1),
		TEST(refuses_states),
		TEST(resumes_bit_for_bit),
		TEST(resumes_more),
		TEST(rows_come_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
