/* test_no_memory.c - the N-th allocation fails, for every N: reading and writing JSON and YAML, models, checkpoints,
 * tuning files, pictures, tables and annotations. Either all went well, or it is told (EG_ERR_MEMORY), nothing leaks
 * that a next try would need, and a file is the old one or the new one, whole.
 *
 * Allocations of the libraries underneath fail too (shim_failing.c). Not here: the program (cli_failures.sh). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/voc.h"
#include "data/table.h"
#include "engram_series.h"
#include "engram_io.h"
#include "io/tree.h"
#include "io/value.h"
#include "shim_failing.h"
#include "source_bed.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char recipe_text[] =
	"name: small\ntask: classify\ndata: {source: mnist}\ninput: [1, 8, 8]\nmodel:\n"
	"  - conv: {filters: 3, kernel: 3, padding: 1}\n  - batchnorm\n  - relu\n  - flatten\n  - linear: classes\n"
	"train: {loss: cross_entropy, optimizer: {adam: {lr: 0.001}}, batch: 4, epochs: 3}\n";
static const eg_size sizes[] = {{"classes", 4}, {NULL, 0}};

/* What is tried: EG_OK or EG_ERR_MEMORY, and on success what it has to be. */
typedef eg_status (*attempt)(void *user, eg_error *err);

/* Fails each allocation in turn, once alone and once with all that follow. */
static void every_allocation(attempt try, void *user) {
	eg_error err;
	shim_fail(SHIM_MEMORY, 0, false);
	eg_status status = try(user, &err);
	long n = shim_stop();
	if (status) fail_msg("without a failure: %s", err.message);
	assert_true(n > 1);
	for (int all = 0; all < 2; all++)
		for (long k = 1; k <= n; k++) {
			err = (eg_error){0};
			shim_fail(SHIM_MEMORY, k, all);
			status = try(user, &err);
			shim_stop();
			if (status == EG_ERR_MEMORY && strstr(err.message, "memory")) continue;
			if (status) fail_msg("allocation %ld of %ld: status %d, \"%s\"", k, n, (int)status, err.message);
		}
}

/* ---- JSON and YAML ----------------------------------------------------------------------------------------------- */

static const char json[] = "{\"a\": [1, 2.5, \"t\\u00e9xt\", null, true], \"b\": {\"c\": {}, \"d\": [[], [-7]]}, \"e\": 1, \"f\": 2,"
	"\"g\": \"a long text that does not fit into what was there before\", \"h\": 0.1, \"i\": 3, \"j\": 4, \"k\": 5, \"l\": 6,"
	"\"m\": 7, \"n\": 8, \"o\": 9, \"p\": 10, \"q\": 11, \"r\": 12, \"s\": 13}";

static eg_status try_tree(void *user, eg_error *err) {
	eg_arena arena = {0};
	eg_tree *root;
	const char *text = NULL;
	eg_status status = eg_json_parse(&arena, json, sizeof json - 1, "json", &root, err);
	if (!status) status = eg_json_write(&arena, root, 0, &text, err);
	EG_UNUSED(user);
	if (!status) {
		shim_stop();
		eg_value *want, *got;
		assert_int_equal(eg_value_parse(json, sizeof json - 1, "want", &want, NULL), EG_OK);
		assert_int_equal(eg_value_parse(text, strlen(text), "got", &got, NULL), EG_OK);
		assert_true(eg_value_same(want, got));
		eg_value_free(want);
		eg_value_free(got);
	}
	eg_arena_free(&arena);
	return status;
}

static eg_status try_value(void *user, eg_error *err) {
	eg_value *v;
	char *text = NULL;
	eg_status status = eg_value_parse(json, sizeof json - 1, "json", &v, err);
	if (!status) status = eg_value_json(v, &text, NULL, err);
	if (!status) assert_string_equal(text, user);
	free(text);
	eg_value_free(v);
	return status;
}

static void test_json(void **state) {
	EG_UNUSED(state);
	eg_value *v;
	char *text;
	assert_int_equal(eg_value_parse(json, sizeof json - 1, "json", &v, NULL), EG_OK);
	assert_int_equal(eg_value_json(v, &text, NULL, NULL), EG_OK);
	every_allocation(try_tree, NULL);
	every_allocation(try_value, text);
	free(text);
	eg_value_free(v);
}

static eg_status try_recipe(void *user, eg_error *err) {
	static const char *const set[] = {"train.epochs=5", "data.path=/tmp", "model.0.conv.filters=7", NULL};
	eg_recipe *r;
	eg_status status = eg_recipe_parse(recipe_text, sizeof recipe_text - 1, "recipe", set, &r, err);
	if (!status) assert_string_equal(eg_recipe_text(r), user);
	eg_recipe_free(r);
	return status;
}

static void test_yaml(void **state) {
	EG_UNUSED(state);
	static const char *const set[] = {"train.epochs=5", "data.path=/tmp", "model.0.conv.filters=7", NULL};
	eg_recipe *r;
	assert_int_equal(eg_recipe_parse(recipe_text, sizeof recipe_text - 1, "recipe", set, &r, NULL), EG_OK);
	every_allocation(try_recipe, (void *)eg_recipe_text(r));
	eg_recipe_free(r);
}

/* ---- models ------------------------------------------------------------------------------------------------------ */

typedef struct bench {
	eg_context *ctx;
	eg_recipe *recipe;
	eg_graph *graph;
	eg_params *params;
	eg_optimizer *optimizer;
	eg_value *task;
	eg_train_state state;
	char folder[64], path[96];
	char *old, *new; /* the file before and after */
	size_t old_size, new_size;
} bench;

static char *contents(const char *path, size_t *size) {
	char *data;
	eg_error err;
	if (eg_file_read(NULL, path, 0, &data, size, &err)) fail_msg("%s", err.message);
	return data;
}

static int setup(void **state) {
	bench *b = calloc(1, sizeof *b);
	eg_error err;
	*state = b;
	if (!b) return -1;
	strcpy(b->folder, "/tmp/engram-test-XXXXXX");
	if (!mkdtemp(b->folder)) return -1;
	snprintf(b->path, sizeof b->path, "%s/m", b->folder);
	b->ctx = eg_context_new(&(eg_context_options){.threads = 1}, NULL);
	if (eg_recipe_parse(recipe_text, sizeof recipe_text - 1, "r", NULL, &b->recipe, &err) ||
		eg_recipe_build(b->recipe, b->ctx, sizes, &b->graph, &err))
		return -1;
	b->params = eg_params_new(b->graph, 1, NULL);
	b->optimizer = eg_optimizer_new(b->params, &eg_recipe_train(b->recipe)->optimizer, NULL);
	b->task = eg_value_new(EG_VALUE_MAP);
	eg_value *classes = eg_value_put_list(b->task, "classes");
	for (int i = 0; i < 4; i++) eg_value_put_text(classes, NULL, "name");
	b->state = (eg_train_state){.epoch = 1, .schedule = {.scale = 1}};
	return !b->params || !b->optimizer;
}

static int teardown(void **state) {
	bench *b = *state;
	unlink(b->path);
	int left = rmdir(b->folder); /* no temporary file may be there */
	free(b->old);
	free(b->new);
	eg_value_free(b->task);
	eg_optimizer_free(b->optimizer);
	eg_params_free(b->params);
	eg_graph_free(b->graph);
	eg_recipe_free(b->recipe);
	eg_context_free(b->ctx);
	free(b);
	return left;
}

static eg_status save(bench *b, int epoch, eg_error *err) {
	eg_train_result result = {.epochs_done = epoch, .loss = 0.1, .val_loss = 0.2, .metric = "accuracy"};
	b->state.epoch = epoch;
	eg_model_parts parts = {.recipe = b->recipe,
		.params = b->params,
		.sizes = sizes,
		.task = b->task,
		.result = &result,
		.optimizer = b->optimizer,
		.state = &b->state};
	return eg_model_save(b->path, &parts, err);
}

/* Saved over the old one: after it the file is the new one, or, with a message, the old one. */
static eg_status try_save(void *user, eg_error *err) {
	bench *b = user;
	size_t size;
	eg_status status = save(b, 2, err);
	shim_stop();
	char *data = contents(b->path, &size);
	const char *want = status ? b->old : b->new;
	assert_int_equal(size, status ? b->old_size : b->new_size);
	assert_memory_equal(data, want, size);
	eg_release(NULL, data);
	if (!status) assert_int_equal(save(b, 1, NULL), EG_OK);
	return status;
}

static void test_model_save(void **state) {
	bench *b = *state;
	eg_error err;
	if (save(b, 2, &err)) fail_msg("%s", err.message);
	b->new = contents(b->path, &b->new_size);
	if (save(b, 1, &err)) fail_msg("%s", err.message);
	b->old = contents(b->path, &b->old_size);
	assert_memory_not_equal(b->old, b->new, b->new_size < b->old_size ? b->new_size : b->old_size);
	shim_fail(SHIM_MEMORY, 0, false);
	assert_int_equal(save(b, 1, &err), EG_OK);
	long n = shim_stop();
	for (int all = 0; all < 2; all++)
		for (long k = 1; k <= n; k++) {
			shim_fail(SHIM_MEMORY, k, all);
			eg_status status = try_save(b, &err);
			if (status && status != EG_ERR_MEMORY) fail_msg("allocation %ld: %s", k, err.message);
		}
}

static eg_status try_load(void *user, eg_error *err) {
	bench *b = user;
	eg_model *m;
	eg_train_state s = {0};
	eg_status status = eg_model_load(b->path, b->ctx, &m, err);
	if (status) {
		assert_null(m);
		return status;
	}
	eg_optimizer *o = eg_optimizer_new(eg_model_params(m), &eg_recipe_train(b->recipe)->optimizer, err);
	status = o ? eg_model_resume(m, o, &s, err) : err->status;
	if (!status) {
		size_t n, k;
		const eg_real *got = eg_params_flat(eg_model_params(m), &n), *want = eg_params_flat(b->params, &k);
		assert_int_equal(n, k);
		assert_memory_equal(got, want, n * sizeof *got);
		assert_int_equal(s.epoch, 2);
		assert_true(eg_value_same(eg_model_task(m), b->task));
	}
	eg_optimizer_free(o);
	eg_model_free(m);
	return status;
}

static void test_model_load(void **state) {
	bench *b = *state;
	assert_int_equal(save(b, 2, NULL), EG_OK);
	every_allocation(try_load, b);
}

/* ---- tuning ------------------------------------------------------------------------------------------------------ */

static const eg_measurement measured[] = {{"p1", "forward", "a", 10}, {"p2", "data", "b", 20.5}};

static eg_status try_tuning(void *user, eg_error *err) {
	bench *b = user;
	eg_status status = eg_tuning_save(b->ctx, b->path, measured, 2, err);
	return status ? status : eg_tuning_load(b->ctx, b->path, err);
}

/* Measurements of before stay, whatever fails. */
static void test_tuning(void **state) {
	bench *b = *state;
	static const eg_measurement before = {"p0", "forward", "c", 5};
	size_t size;
	assert_int_equal(eg_tuning_save(b->ctx, b->path, &before, 1, NULL), EG_OK);
	every_allocation(try_tuning, b);
	char *text = contents(b->path, &size);
	assert_non_null(strstr(text, "\"p0\""));
	assert_non_null(strstr(text, "\"p2\""));
	eg_release(NULL, text);
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

typedef struct table {
	const char *source, *text;
	eg_status (*take)(eg_source *s, eg_reader *reader, eg_error *err);
	const char *settings[6];
	int64_t train;
	bool quoted; /* needs libcsv */
} table;

static const table tables[] = {
	{"csv", "text,label,n\n\"a \"\"b\"\"\nc\",x,1\ncaf\xe9,y,\nd\ne\xcc\x81,x,3\n", eg_table_take,
		{"path=f", "text=text", "label=label", "broken=skip", "encoding=found"}, 3, true},
	{"csv", "k,n,c\nx,1,u\ny,2,v\nx,NA,u\ny,1,v\n", eg_table_take, {"path=f", "label=k", "numbers=[n, c]", "test=0.5"}, 2, true},
	{"series", "t,a\n2010-01,1\n2010-02,x\n2010-03,3\n", eg_series_take, {"path=f", "time=[t]", "columns=[a]", "broken=skip"}, 1, true},
	{"jsonl", "{\"a\": [\"u\", \"v\"], \"b\": [\"O\", \"X\"], \"n\": [1, null]}\n", eg_jsonl_take,
		{"path=f", "tokens=a", "tags=b", "numbers=[n]"}, 1, false},
	{"conll", "a\tO\nb\tX\n\nc\n\nd\tX\n", eg_conll_take, {"path=f", "broken=skip"}, 2, false},
	{"pairs", "a\tx\nb\tx\ne\xcc\x81\ty\n", eg_pairs_take, {"path=f"}, 3, false},
	{"dialogue", "A:\na\n\nB:\nb\n\nC:\n\nA:\nc\nd\n\n", eg_dialogue_take, {"path=f", "test=0"}, 2, false},
	{"dialogue", "[\"a\", {\"speaker\": \"B\", \"text\": \"b\"}]\n[]\n", eg_dialogue_take, {"path=f", "form=json", "test=0"}, 1, false},
};

static eg_status try_table(void *user, eg_error *err) {
	const table *t = user;
	eg_source *s = NULL;
	eg_reader *reader = NULL;
	eg_record r = {0};
	eg_status status = eg_source_open(t->source, t->settings, &s, err);
	if (!status) reader = eg_reader_memory(t->text, strlen(t->text), "f", err);
	if (!status && !reader) status = err->status;
	if (!status) status = t->take(s, reader, err);
	for (int p = 0; p < EG_PARTS && !status; p++) {
		status = eg_source_prepare(s, (eg_part)p, err);
		for (int64_t i = 0; !status && i < eg_source_count(s, (eg_part)p); i++)
			status = eg_source_read(s, (eg_part)p, i, ~0u, &r, err);
	}
	if (!status) assert_int_equal(eg_source_count(s, EG_PART_TRAIN), t->train);
	eg_record_free(&r);
	eg_reader_close(reader);
	eg_source_close(s);
	return status;
}

static eg_status try_forecast(void *user, eg_error *err) {
	eg_reader *reader = eg_reader_memory(user, strlen(user), "f", err);
	if (!reader) return err->status;
	eg_time_table *t = NULL;
	eg_forecaster *f = NULL;
	eg_outlook *o = NULL;
	eg_status status = eg_time_table_take(reader, NULL, &t, err);
	static const char *const specs[] = {"arima(1,1,0)", "ets(A,N,N)", "theta", "ridge(1)", "drift"};
	for (int i = 0; i < EG_COUNT(specs) && !status; i++) {
		const eg_past past = {.values = t->columns[0].values, .n = t->steps};
		const eg_rolling_options trials = {.horizon = 1, .first = t->steps - 1};
		eg_rolling *trial = NULL;
		status = eg_forecaster_fit(specs[i], &past, NULL, &f, err);
		o = status ? NULL : eg_outlook_new(2);
		if (!status && !o) status = eg_fail(err, EG_ERR_MEMORY, "out of memory");
		if (!status) status = eg_forecast(f, &past, o, err);
		if (!status) status = eg_rolling_run(specs[i], &past, &trials, &trial, err);
		eg_rolling_free(trial);
		eg_outlook_free(o);
		eg_forecaster_free(f);
		f = NULL;
	}
	eg_time_table_free(t);
	eg_reader_close(reader);
	return status;
}

static eg_status try_annotation(void *user, eg_error *err) {
	eg_arena arena = {0};
	eg_voc voc;
	eg_status status = eg_voc_parse(user, strlen(user), "a.xml", &arena, &voc, err);
	if (!status) assert_int_equal(voc.n, 1);
	eg_release(NULL, voc.objects);
	eg_arena_free(&arena);
	return status;
}

static void test_tables(void **state) {
	EG_UNUSED(state);
	static char annotation[] = "<annotation><object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>5</xmax>"
				   "<ymax>5</ymax></bndbox></object></annotation>";
	for (int i = 0; i < EG_COUNT(tables); i++)
		if (HAVE_CSV || !tables[i].quoted) every_allocation(try_table, (void *)&tables[i]);
	if (HAVE_CSV) every_allocation(try_forecast, "t,a\n2010,1\n2011,3\n2012,2\n2013,NA\n2014,5\n2015,4\n2016,6\n2017,5\n2018,8\n2019,7\n2020,8\n");
	if (HAVE_EXPAT) every_allocation(try_annotation, annotation);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_yaml),
		cmocka_unit_test_setup_teardown(test_model_save, setup, teardown),
		cmocka_unit_test_setup_teardown(test_model_load, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tuning, setup, teardown),
		cmocka_unit_test(test_tables),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
