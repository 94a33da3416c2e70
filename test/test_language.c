/* test_language.c - the task `language`: how a text is cut into parts, vocabularies, samples, metrics, and writing.
 * Small generated texts; where a distribution matters, a network of biases only, whose probabilities are known. */
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#include "engram_task.h"
#include "engram_text.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

typedef struct bench {
	char folder[64], path[400];
	eg_context *ctx;
	eg_error err;
} bench;

#define OK(b, call) \
	do { \
		if (call) fail_msg("%s", (b)->err.message); \
	} while (0)
#define SAYS(b, text) \
	do { \
		if (!strstr((b)->err.message, text)) fail_msg("'%s' instead of '%s'", (b)->err.message, text); \
	} while (0)

static const char *path_of(bench *b, const char *name) {
	snprintf(b->path, sizeof b->path, "%s/%s", b->folder, name);
	return b->path;
}

static void write_bytes(bench *b, const char *name, const void *data, size_t size) {
	FILE *f = fopen(path_of(b, name), "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}
static void write_text(bench *b, const char *name, const char *text) { write_bytes(b, name, text, strlen(text)); }

/* 1,000 characters of 26 letters, whose last tenth alone holds an exclamation mark. */
static void write_letters(bench *b) {
	char text[1001];
	for (int i = 0; i < 1000; i++) text[i] = (char)(i % 40 == 39 ? '\n' : 'a' + (i * 7 + i / 26 * 3) % 26);
	text[950] = '!';
	text[1000] = '\0';
	write_text(b, "letters.txt", text);
}

static const char POEMS[] = "ONE\nabc\nde\n\n\nTWO\nab\n\nTHREE\nabcdefgh\n\nFOUR\n  \nFIVE\nc";

static int setup(void **state) {
	bench *b = calloc(1, sizeof *b);
	if (!b) return -1;
	strcpy(b->folder, "/tmp/engram-test-language-XXXXXX");
	if (!mkdtemp(b->folder)) return -1;
	write_letters(b);
	write_text(b, "poems.txt", POEMS);
	b->ctx = eg_context_new(&(eg_context_options){.threads = 2}, NULL);
	*state = b;
	return b->ctx ? 0 : -1;
}

static int teardown(void **state) {
	bench *b = *state;
	DIR *d = opendir(b->folder);
	for (struct dirent *e; d && (e = readdir(d));)
		if (e->d_name[0] != '.') unlink(path_of(b, e->d_name));
	if (d) closedir(d);
	rmdir(b->folder);
	eg_context_free(b->ctx);
	free(b);
	return 0;
}

static const char MARKOV[] = "[{embedding: 8}, {linear: classes}]",
		  LSTM[] = "[{embedding: 8}, {lstm: 12}, {linear: classes}]";

static eg_status parse(
	bench *b, const char *file, const char *data, const char *model, const char *train, eg_recipe **r) {
	char text[2000];
	int n = snprintf(text, sizeof text,
		"name: words\ntask: language\ndata: {source: text, path: %s/%s%s%s}\ninput: [time]\nmodel: %s\n"
		"train: {optimizer: {adam: {lr: 0.02}}, batch: 4, epochs: 3%s%s}\n",
		b->folder, file, *data ? ", " : "", data, model, *train ? ", " : "", train);
	return eg_recipe_parse(text, (size_t)n, "r.yaml", NULL, r, &b->err);
}

static eg_recipe *recipe(bench *b, const char *file, const char *data, const char *model) {
	eg_recipe *r = NULL;
	OK(b, parse(b, file, data, model, "", &r));
	return r;
}

/* The samples of a recipe, to train on. */
static eg_samples *load(bench *b, eg_recipe *r) {
	eg_task *t;
	eg_samples *s = NULL;
	OK(b, eg_task_open(r, &t, &b->err));
	OK(b, eg_samples_load(t, EG_PART_TRAIN, NULL, &s, &b->err));
	eg_task_free(t);
	return s;
}

static const eg_vocab *vocab_of(const eg_samples *s) {
	eg_model_parts parts = {0};
	eg_samples_describe(s, &parts);
	return parts.vocab;
}

/* A model as it comes back from its file. biases: NULL to train, else no training, all weights zero, and these are
 * the last layer's. */
static eg_model *model_of(bench *b, eg_recipe *r, const eg_samples *s, const eg_real *biases) {
	eg_graph *g = NULL;
	eg_model *m = NULL;
	eg_model_parts parts = {.recipe = r};
	size_t n;
	OK(b, eg_recipe_build(r, b->ctx, eg_samples_classes(s), &g, &b->err));
	eg_params *p = eg_params_new(g, 1, &b->err);
	assert_non_null(p);
	if (biases) {
		eg_real *w = eg_params_flat(p, &n);
		memset(w, 0, n * sizeof *w);
		memcpy(eg_params_data(p, eg_params_count(p) - 1), biases,
			(size_t)eg_samples_classes(s) * sizeof *biases);
		eg_params_changed(p);
	} else if (eg_train(g, p, eg_recipe_train(r), eg_samples_get(s, EG_PART_TRAIN), NULL, NULL, NULL, NULL, NULL, &b->err)) {
		fail_msg("%s", b->err.message);
	}
	parts.params = p;
	eg_samples_describe(s, &parts);
	OK(b, eg_model_save(path_of(b, "m.safetensors"), &parts, &b->err));
	eg_params_free(p);
	eg_graph_free(g);
	OK(b, eg_model_load(path_of(b, "m.safetensors"), b->ctx, &m, &b->err));
	return m;
}

/* Trained on letters.txt, or with biases; everything else is released. */
static eg_model *make_model(bench *b, const char *file, const char *data, const char *layers, const eg_real *biases) {
	eg_recipe *r = recipe(b, file, data, layers);
	eg_samples *s = load(b, r);
	eg_model *m = model_of(b, r, s, biases);
	eg_samples_free(s);
	eg_recipe_free(r);
	return m;
}

/* ---- the section ------------------------------------------------------------------------------------------------- */

static void table_and_section(void **state) {
	bench *b = *state;
	eg_task *t;
	int shape[3], classes, found = -1;
	for (int i = 0; i < eg_task_count(); i++)
		if (!strcmp(eg_task_at(i)->name, "language")) found = i;
	assert_true(found >= 0);
	assert_string_equal(eg_task_at(found)->verb, "generate");
	assert_string_equal(eg_task_at(found)->reader, "text");
	eg_recipe *r = recipe(b, "letters.txt", "validation: 0.1", LSTM);
	OK(b, eg_task_open(r, &t, &b->err));
	assert_string_equal(eg_task_source(t), "text");
	assert_string_equal(eg_task_unit(t, false), "characters");
	assert_string_equal(eg_task_unit(t, true), "character");
	assert_int_equal(eg_task_eval_part(t), EG_PART_VALIDATION);
	OK(b, eg_task_classes(t, &classes, &b->err));
	assert_int_equal(classes, 28); /* letters, newline, exclamation mark */
	OK(b, eg_task_fits(t, &b->err));
	assert_int_equal(eg_task_shape(t, shape, &b->err), EG_ERR_ARG);
	SAYS(b, "takes no pictures");
	eg_task_free(t);
	eg_recipe_free(r);
	r = recipe(b, "letters.txt", "unit: byte, samples: true", LSTM);
	OK(b, eg_task_open(r, &t, &b->err));
	assert_int_equal(eg_task_eval_part(t), EG_PART_TRAIN);
	OK(b, eg_task_classes(t, &classes, &b->err));
	assert_int_equal(classes, 257);
	assert_int_equal(eg_task_set_source(t, "fashion-mnist", NULL, &b->err), EG_ERR_ARG);
	SAYS(b, "'fashion-mnist' is no text");
	assert_int_equal(eg_task_set_source(t, "tinyshakespear", NULL, &b->err), EG_ERR_ARG);
	SAYS(b, "did you mean 'tinyshakespeare'?");
	eg_task_free(t);
	eg_recipe_free(r);
}

static void refuse(bench *b, const char *data, const char *message) {
	eg_task *t = NULL;
	eg_recipe *r = NULL;
	eg_status status = parse(b, "letters.txt", data, LSTM, "", &r);
	if (!status) status = eg_task_open(r, &t, &b->err);
	assert_int_not_equal(status, EG_OK);
	assert_null(t);
	SAYS(b, message);
	eg_recipe_free(r);
}

static void refuses_sections(void **state) {
	bench *b = *state;
	eg_recipe *r = NULL;
	eg_task *t;
	refuse(b, "unit: letter", "r.yaml:3:");
	refuse(b, "step: 5", "did you mean 'steps'?");
	refuse(b, "steps: 0", "steps");
	refuse(b, "steps: 9, samples: true", "'steps' belongs to a text that is one stream");
	refuse(b, "longest: 9", "'longest' needs 'samples: true'");
	refuse(b, "cut: true", "'cut' needs 'samples: true'");
	refuse(b, "samples: true, cut: true", "'cut' needs 'longest'");
	refuse(b, "keep_title: false", "'keep_title' needs 'samples: true'");
	refuse(b, "unit: byte, min_count: 2", "'min_count' does nothing with 'unit: byte'");
	static const char no_path[] =
		"name: a\ntask: language\ndata: {source: text}\ninput: [time]\nmodel: [{linear: 2}]\n";
	OK(b, eg_recipe_parse(no_path, strlen(no_path), "r.yaml", NULL, &r, &b->err));
	assert_int_equal(eg_task_open(r, &t, &b->err), EG_ERR_ARG);
	SAYS(b, "r.yaml:3:");
	SAYS(b, "needs 'path', the file with the text");
	eg_recipe_free(r);
	OK(b, parse(b, "letters.txt", "", LSTM, "loss: {cross_entropy: {ignore_index: 3}}", &r));
	assert_int_equal(eg_task_open(r, &t, &b->err), EG_ERR_ARG);
	SAYS(b, "leave 'ignore_index' out");
	eg_recipe_free(r);
}

/* ---- parts and vocabularies -------------------------------------------------------------------------------------- */

/* Everything that a set of streams predicts, in the order of the text. */
static char *predictions(const eg_vocab *v, const eg_dataset *d) {
	int64_t pieces = d->count / d->streams;
	char *text = calloc((size_t)(d->count * d->time) + 1, 1);
	int32_t *input = calloc((size_t)d->time, sizeof *input), *target = calloc((size_t)d->time, sizeof *target);
	void *const slots[] = {input, target};
	size_t n = 0;
	assert_true(text && input && target && d->count % d->streams == 0 && pieces > 0);
	for (uint32_t i = 0; i < (uint32_t)d->count; i++) {
		assert_int_equal(d->fill(d->user, &(eg_fill){.items = &i, .n = 1, .time = d->time, .epoch = -1}, slots, NULL), EG_OK);
		for (int t = 0; t < d->time; t++)
			if (target[t] >= 0) text[n++] = *eg_vocab_token(v, target[t], NULL);
	}
	free(input);
	free(target);
	return text;
}

static void a_stream_is_cut_at_its_end(void **state) {
	bench *b = *state;
	eg_recipe *r = recipe(b, "letters.txt", "validation: 0.1, steps: 16", LSTM);
	eg_samples *s = load(b, r);
	char whole[1001] = "";
	FILE *f = fopen(path_of(b, "letters.txt"), "rb");
	assert_int_equal(fread(whole, 1, 1000, f), 1000);
	fclose(f);
	assert_int_equal(eg_samples_units(s, EG_PART_TRAIN), 900);
	assert_int_equal(eg_samples_units(s, EG_PART_VALIDATION), 100);
	assert_int_equal(eg_samples_units(s, EG_PART_TEST), 0);
	assert_int_equal(eg_samples_get(s, EG_PART_TRAIN)->streams, 4); /* train.batch */
	assert_int_equal(eg_samples_get(s, EG_PART_TRAIN)->time, 16);
	assert_int_equal(eg_samples_get(s, EG_PART_VALIDATION)->streams, 1);
	assert_int_equal(eg_samples_classes(s), 28); /* with the mark that only the last tenth holds */
	char *train = predictions(vocab_of(s), eg_samples_get(s, EG_PART_TRAIN));
	char *validation = predictions(vocab_of(s), eg_samples_get(s, EG_PART_VALIDATION));
	assert_int_equal(strlen(train), 899);
	assert_memory_equal(train, whole + 1, 899);
	assert_string_equal(validation, whole + 901); /* the first of each part is not predicted */
	free(train);
	free(validation);
	eg_samples_free(s);
	eg_recipe_free(r);
}

static void words_are_learnt_from_the_training_part(void **state) {
	bench *b = *state;
	write_text(b, "words.txt", "the cat sat on the mat and the dog sat on the log while a zebra ate grass in Peru");
	eg_recipe *r = recipe(b, "words.txt", "unit: word, validation: 0.5", MARKOV);
	eg_samples *s = load(b, r);
	const eg_vocab *v = vocab_of(s);
	bool dog = false;
	for (int i = 0; i < eg_vocab_count(v); i++) {
		assert_string_not_equal(eg_vocab_token(v, i, NULL), "zebra");
		dog = dog || !strcmp(eg_vocab_token(v, i, NULL), "dog");
	}
	assert_true(dog && eg_vocab_unknown(v) >= 0);
	assert_int_equal(eg_samples_units(s, EG_PART_TRAIN), 11); /* the middle is behind the eleventh word */
	assert_int_equal(eg_samples_units(s, EG_PART_VALIDATION), 9);
	eg_samples_free(s);
	eg_recipe_free(r);
}

static void rare_units_are_unknown(void **state) {
	bench *b = *state;
	eg_recipe *r = recipe(b, "letters.txt", "min_count: 2", MARKOV);
	eg_samples *s = load(b, r);
	assert_true(eg_vocab_unknown(vocab_of(s)) >= 0); /* the exclamation mark */
	assert_int_equal(eg_samples_classes(s), 28);
	assert_int_equal(eg_samples_units(s, EG_PART_TRAIN), 1000);
	assert_null(eg_samples_get(s, EG_PART_VALIDATION));
	eg_samples_free(s);
	eg_recipe_free(r);
	r = recipe(b, "letters.txt", "max_size: 7, limit: 500", MARKOV);
	s = load(b, r);
	assert_int_equal(eg_samples_classes(s), 7);
	assert_int_equal(eg_samples_units(s, EG_PART_TRAIN), 500);
	eg_samples_free(s);
	eg_recipe_free(r);
}

static void load_fails(bench *b, const char *file, const char *data, const char *message) {
	eg_task *t;
	eg_samples *s = NULL;
	eg_recipe *r = recipe(b, file, data, LSTM);
	OK(b, eg_task_open(r, &t, &b->err));
	assert_int_not_equal(eg_samples_load(t, EG_PART_TRAIN, NULL, &s, &b->err), EG_OK);
	assert_null(s);
	SAYS(b, message);
	eg_task_free(t);
	eg_recipe_free(r);
}

static void refuses_texts(void **state) {
	bench *b = *state;
	write_text(b, "empty.txt", "");
	write_text(b, "short.txt", "abcdefg");
	write_text(b, "nine.txt", "abcdefghi");
	write_bytes(b, "latin.txt", "Kaf\nfe caf\xe9 und", 15);
	load_fails(b, "nowhere.txt", "", "nowhere.txt");
	load_fails(b, "empty.txt", "", "is empty");
	load_fails(b, "short.txt", "", "7 characters are too few to train on: train.batch is 4");
	load_fails(b, "nine.txt", "validation: 0.1", "1 character to validate with: at least 2 are needed");
	load_fails(b, "latin.txt", "", "line 2, column 7");
	load_fails(b, "poems.txt", "samples: true, keep_title: false, longest: 7",
		"poems.txt:10: the sample that begins here has 8 characters, but data.longest is 7: make it at least "
		"8");
	write_text(b, "blank.txt", "\n \n\t\n");
	load_fails(b, "blank.txt", "samples: true", "there is no paragraph in it");
}

static void paragraphs_are_samples(void **state) {
	bench *b = *state;
	static const struct {
		const char *data;
		int64_t count, units;
		int time, end;
	} cases[] = {
		{"samples: true", 5, 10 + 6 + 14 + 4 + 6, 15, 1},             /* titles and line ends count */
		{"samples: true, keep_title: false", 4, 6 + 2 + 8 + 1, 9, 1}, /* FOUR has only its title */
		{"samples: true, keep_title: false, longest: 4, cut: true", 4, 4 + 2 + 4 + 1, 4, 1},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		eg_recipe *r = recipe(b, "poems.txt", cases[i].data, LSTM);
		eg_samples *s = load(b, r);
		const eg_dataset *d = eg_samples_get(s, EG_PART_TRAIN);
		assert_int_equal(d->count, cases[i].count);
		assert_int_equal(d->streams, 0);
		assert_int_equal(eg_samples_units(s, EG_PART_TRAIN), cases[i].units);
		assert_true(d->time >= cases[i].time);
		assert_true(eg_vocab_end(vocab_of(s)) >= 0 && eg_vocab_unknown(vocab_of(s)) < 0);
		if (i > 0) assert_int_equal(eg_samples_classes(s), 8 + 2); /* a to h, newline, end: no capitals */
		eg_samples_free(s);
		eg_recipe_free(r);
	}
	eg_recipe *r = recipe(b, "poems.txt", "samples: true, validation: 0.4", LSTM);
	eg_samples *s = load(b, r);
	assert_int_equal(eg_samples_count(s, EG_PART_TRAIN), 3);
	assert_int_equal(eg_samples_count(s, EG_PART_VALIDATION), 2);
	eg_samples_free(s);
	eg_recipe_free(r);
}

/* ---- the network ------------------------------------------------------------------------------------------------- */

static void unsuited(bench *b, const char *layers, const char *message) {
	eg_task *t;
	eg_graph *g = NULL;
	eg_recipe *r = recipe(b, "letters.txt", "", layers);
	OK(b, eg_task_open(r, &t, &b->err));
	eg_status status = eg_recipe_build(r, b->ctx, 28, &g, &b->err);
	if (!status) status = eg_task_suits(t, g, &b->err);
	assert_int_not_equal(status, EG_OK);
	SAYS(b, message);
	eg_graph_free(g);
	eg_task_free(t);
	eg_recipe_free(r);
}

static void looks_forward_only(void **state) {
	bench *b = *state;
	eg_task *t;
	eg_recipe *r;
	unsuited(b, "[{embedding: 8}, {lstm: {hidden: 4, bidirectional: true}}, {linear: classes}]", "looks ahead");
	unsuited(b, "[{embedding: 8}, {lstm: 4}, last, {linear: classes}]", "");
	static const char pictures[] = "name: a\ntask: language\ndata: {source: text, path: x}\ninput: [1, 8, 8]\n"
				       "model: [flatten, {linear: classes}]\n";
	OK(b, eg_recipe_parse(pictures, strlen(pictures), "r.yaml", NULL, &r, &b->err));
	OK(b, eg_task_open(r, &t, &b->err));
	assert_int_equal(eg_task_fits(t, &b->err), EG_ERR_SHAPE);
	SAYS(b, "r.yaml:4:");
	SAYS(b, "write input: [time]");
	eg_task_free(t);
	eg_recipe_free(r);
}

/* ---- metrics ----------------------------------------------------------------------------------------------------- */

static eg_evaluation *evaluate(bench *b, eg_model *m, const char *path) {
	eg_task *t;
	eg_samples *s;
	eg_evaluation *e;
	OK(b, eg_task_open(eg_model_recipe(m), &t, &b->err));
	if (path) OK(b, eg_task_set_source(t, "text", path, &b->err));
	OK(b, eg_samples_load(t, eg_task_eval_part(t), m, &s, &b->err));
	OK(b, eg_evaluation_run(m, s, eg_task_eval_part(t), 0, &e, &b->err));
	eg_samples_free(s);
	eg_task_free(t);
	return e;
}

static void a_uniform_model_has_log_v_nats(void **state) {
	bench *b = *state;
	static const char *const names[] = {"loss", "bits", "perplexity", "accuracy"};
	static const char *const data[] = {
		"validation: 0.2, steps: 7", "samples: true, validation: 0.4", "unit: byte, validation: 0.2"};
	static const double v[] = {28, 0, 256};
	eg_real zeros[300] = {0};
	for (int k = 0; k < 3; k++) {
		eg_model *m = make_model(b, k == 1 ? "poems.txt" : "letters.txt", data[k], LSTM, zeros);
		double units = k == 1 ? eg_vocab_count(eg_model_vocab(m)) : v[k];
		eg_evaluation *e = evaluate(b, m, NULL);
		assert_int_equal(eg_evaluation_count(e), 4);
		for (int i = 0; i < 4; i++) assert_string_equal(eg_evaluation_name(e, i), names[i]);
		assert_true(fabs(eg_evaluation_find(e, "loss") - log(units)) < 1e-5);
		assert_true(fabs(eg_evaluation_find(e, "bits") - log2(units)) < 1e-5);
		assert_true(fabs(eg_evaluation_find(e, "perplexity") - units) < 1e-3);
		assert_true(eg_evaluation_is_share(e, 3) && !eg_evaluation_is_share(e, 0));
		assert_non_null(strstr(eg_evaluation_about(e, 0), k == 2 ? "nats a byte" : "nats a character"));
		assert_null(eg_evaluation_confusion(e));
		if (k == 0) assert_int_equal(eg_evaluation_total(e), 199);
		eg_evaluation_free(e);
		eg_model_free(m);
	}
}

/* Without a matrix everything but the matrix is the same. */
static void counts_without_a_matrix(void **state) {
	enum { CLASSES = 7, ROWS = 40 };
	(void)state;
	eg_real logits[ROWS * CLASSES];
	int32_t labels[ROWS];
	eg_confusion *full = eg_confusion_new(CLASSES), *slim = eg_confusion_new_slim(CLASSES);
	double nats = 0;
	int n = 0;
	assert_true(full && slim);
	for (int i = 0; i < ROWS * CLASSES; i++) logits[i] = (eg_real)((i * 37 + i / 5) % 23) / 7;
	for (int i = 0; i < ROWS; i++) {
		double sum = 0;
		labels[i] = i % 9 == 8 ? -100 : i * 5 % CLASSES;
		if (labels[i] < 0) continue;
		for (int k = 0; k < CLASSES; k++) sum += exp((double)logits[i * CLASSES + k]);
		nats += log(sum) - (double)logits[i * CLASSES + labels[i]];
		n++;
	}
	for (int again = 0; again < 2; again++) {
		eg_confusion_add(full, logits, labels, ROWS);
		eg_confusion_add(slim, logits, labels, ROWS / 2);
		eg_confusion_add(slim, logits + ROWS / 2 * CLASSES, labels + ROWS / 2, ROWS / 2);
		assert_int_equal(eg_confusion_total(slim), n);
		assert_true(fabs(eg_confusion_nats(slim) - nats / n) < 1e-6);
		assert_true(fabs(eg_confusion_nats(full) - nats / n) < 1e-6);
		assert_true(eg_confusion_accuracy(slim) == eg_confusion_accuracy(full));
		assert_true(eg_confusion_macro_f1(slim) == eg_confusion_macro_f1(full));
		for (int k = 0; k < CLASSES; k++) {
			int64_t row = 0;
			for (int i = 0; i < CLASSES; i++) row += eg_confusion_count(full, k, i);
			double share = (double)eg_confusion_count(full, k, k) / (double)row;
			assert_true(eg_confusion_recall(full, k) == share);
			assert_int_equal(eg_confusion_count(slim, k, k), eg_confusion_count(full, k, k));
			assert_int_equal(eg_confusion_count(slim, k, (k + 1) % CLASSES), 0);
			assert_true(eg_confusion_precision(slim, k) == eg_confusion_precision(full, k));
			assert_true(eg_confusion_recall(slim, k) == eg_confusion_recall(full, k));
			assert_true(eg_confusion_f1(slim, k) == eg_confusion_f1(full, k));
			assert_true(eg_confusion_topk(slim, k) == eg_confusion_topk(full, k));
		}
		eg_confusion_reset(slim);
		eg_confusion_reset(full);
		assert_int_equal(eg_confusion_total(slim), 0);
	}
	eg_confusion_free(slim);
	eg_confusion_free(full);
}

/* What a plan judges in pieces, side by side, is what the network says of one character after the other. */
static void judges_as_a_session_reads(void **state) {
	static const char *const outputs[] = {"logits", NULL}, *const inputs[] = {"input"};
	bench *b = *state;
	eg_real y[40];
	int32_t *ids;
	size_t n;
	char text[1001] = "", path[400];
	eg_model *m = make_model(b, "letters.txt", "steps: 20", LSTM, NULL);
	const eg_vocab *v = eg_model_vocab(m);
	strcpy(path, path_of(b, "letters.txt"));
	FILE *f = fopen(path, "rb");
	assert_int_equal(fread(text, 1, 1000, f), 1000);
	fclose(f);
	OK(b, eg_vocab_encode(v, text, 1000, "letters", &ids, &n, &b->err));
	eg_session_options options = {.outputs = outputs};
	eg_session *s = eg_session_new(eg_model_graph(m), eg_model_params(m), &options, NULL);
	assert_non_null(s);
	double nats = 0;
	for (size_t i = 0; i + 1 < n; i++) {
		double sum = 0;
		const void *x = ids + i;
		eg_real *out = y;
		assert_int_equal(eg_session_run(s, 1, inputs, &x, 1, &out, NULL), EG_OK);
		for (int k = 0; k < eg_vocab_count(v); k++) sum += exp((double)y[k]);
		nats += log(sum) - (double)y[ids[i + 1]];
	}
	eg_evaluation *e = evaluate(b, m, path); /* shorter than one stream: nothing begins anew in between */
	assert_int_equal(eg_evaluation_total(e), 999);
	assert_true(fabs(eg_evaluation_find(e, "loss") - nats / 999) < 1e-5);
	assert_true(fabs(nats / 999 - log(28)) > 0.1); /* it is a trained one */
	eg_evaluation_free(e);
	eg_session_free(s);
	free(ids);
	eg_model_free(m);
}

/* Of a network of biases the loss on any text is known: the mean of -ln p(character). */
static void judges_another_text(void **state) {
	bench *b = *state;
	eg_task *t;
	eg_samples *s = NULL;
	eg_real biases[28] = {0};
	biases[5] = 2;
	eg_model *m = make_model(b, "letters.txt", "validation: 0.1", LSTM, biases);
	const char *five = eg_vocab_token(eg_model_vocab(m), 5, NULL);
	char text[64], path[400];
	snprintf(text, sizeof text, "a%s%s%sx\n", five, five, five);
	write_text(b, "other.txt", text);
	strcpy(path, path_of(b, "other.txt"));
	eg_evaluation *e = evaluate(b, m, path);
	double sum = 27 + exp(2), loss = (3 * (log(sum) - 2) + 2 * log(sum)) / 5;
	assert_int_equal(eg_evaluation_total(e), 5);
	assert_true(fabs(eg_evaluation_find(e, "loss") - loss) < 1e-5);
	assert_true(fabs(eg_evaluation_find(e, "accuracy") - 0.6) < 1e-12);
	eg_evaluation_free(e);

	write_text(b, "other.txt", "abc\nxy\xe2\x82\xac");
	OK(b, eg_task_open(eg_model_recipe(m), &t, &b->err));
	assert_int_equal(eg_samples_load(t, EG_PART_TEST, m, &s, &b->err), EG_ERR_ARG);
	SAYS(b, "has no test part");
	OK(b, eg_task_set_source(t, "text", path, &b->err));
	assert_int_equal(eg_task_eval_part(t), EG_PART_TEST);
	assert_int_equal(eg_samples_load(t, EG_PART_TEST, m, &s, &b->err), EG_ERR_ARG);
	SAYS(b, "other.txt, line 2, column 3");
	SAYS(b, "U+20AC");
	assert_int_equal(eg_samples_load(t, EG_PART_VALIDATION, m, &s, &b->err), EG_ERR_ARG);
	SAYS(b, "leave the split out");
	eg_task_free(t);
	eg_model_free(m);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

typedef struct written {
	char text[600];
	int ids[200], n;
	bool end;
} written;

static written write_with(bench *b, eg_generator *g, int n) {
	written w = {.n = 0};
	size_t size = 0;
	for (; w.n < n && !w.end; w.n++) {
		eg_written one;
		OK(b, eg_generator_write(g, &one, &b->err));
		assert_int_equal(strlen(one.text), one.size);
		w.ids[w.n] = one.id;
		w.end = one.end;
		memcpy(w.text + size, one.text, one.size + 1);
		size += one.size;
	}
	return w;
}

static written generate(bench *b, eg_model *m, const char *prompt, int n, eg_generate_options o) {
	eg_generator *g;
	OK(b, eg_generator_new(m, &o, &g, &b->err));
	OK(b, eg_generator_read(g, prompt, strlen(prompt), "prompt", NULL, &b->err));
	written w = write_with(b, g, n);
	eg_generator_free(g);
	return w;
}

static void same_seed_same_text(void **state) {
	bench *b = *state;
	eg_model *m = make_model(b, "letters.txt", "steps: 20", LSTM, NULL);
	for (uint64_t seed = 0; seed < 3; seed++) {
		written x = generate(b, m, "abc", 100, (eg_generate_options){.temperature = 1, .seed = seed});
		written y = generate(b, m, "abc", 100, (eg_generate_options){.temperature = 1, .seed = seed});
		written other = generate(b, m, "abc", 100, (eg_generate_options){.temperature = 1, .seed = seed + 1});
		assert_string_equal(x.text, y.text);
		assert_string_not_equal(x.text, other.text);
		assert_int_equal(x.n, 100);
	}
	written greedy = generate(b, m, "abc", 100, (eg_generate_options){.temperature = 0, .seed = 1});
	written k1 = generate(b, m, "abc", 100, (eg_generate_options){.temperature = 2, .seed = 2, .top_k = 1});
	written tiny = generate(b, m, "abc", 100, (eg_generate_options){.temperature = 1, .seed = 3, .top_p = 1e-9});
	assert_string_equal(greedy.text, k1.text);
	assert_string_equal(greedy.text, tiny.text);
	eg_model_free(m);
}

/* Sampling follows softmax(biases / temperature), cut by top-k and top-p, and never gives the unknown mark. */
static void draws_from_the_distribution(void **state) {
	enum { DRAWS = 20000, V = 6 };
	bench *b = *state;
	static const struct {
		double temperature, top_p;
		int top_k, kept; /* how many of the likeliest can be drawn */
	} cases[] = {{1, 0, 0, 5}, {0.5, 0, 0, 5}, {2, 0, 2, 2}, {1, 0.6, 0, 2}, {1, 0.9, 3, 3}, {1, 1, 0, 5}};
	const double logits[V] = {0, 2, 1, 0.5, 0, 9}; /* in order of id, but the unknown mark has the last */
	eg_real biases[V];
	write_text(b, "five.txt", "aaabbbcccdddeeeaaabbbcccdddeeez");
	eg_recipe *r = recipe(b, "five.txt", "min_count: 2", MARKOV);
	eg_samples *s = load(b, r);
	int unknown = eg_vocab_unknown(vocab_of(s)), order[V];
	assert_int_equal(eg_samples_classes(s), V);
	for (int i = 0, k = 0; i < V; i++) biases[i] = (eg_real)(i == unknown ? logits[V - 1] : logits[order[i] = k++]);
	eg_model *m = model_of(b, r, s, biases);
	for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
		eg_generator *g;
		eg_generate_options o = {.temperature = cases[c].temperature,
			.top_p = cases[c].top_p,
			.top_k = cases[c].top_k,
			.seed = c};
		int counts[V] = {0};
		double sum = 0;
		/* Likeliest first: logits 1, 2, 3, then 0 and 4, which are equal. */
		static const int ranked[] = {1, 2, 3, 0, 4};
		OK(b, eg_generator_new(m, &o, &g, &b->err));
		for (int i = 0; i < DRAWS; i++) {
			eg_written w;
			OK(b, eg_generator_write(g, &w, &b->err));
			assert_int_not_equal(w.id, unknown);
			counts[order[w.id]]++;
		}
		eg_generator_free(g);
		for (int i = 0; i < cases[c].kept; i++) sum += exp(logits[ranked[i]] / o.temperature);
		for (int i = 0; i < 5; i++) {
			double p = i < cases[c].kept ? exp(logits[ranked[i]] / o.temperature) / sum : 0;
			double off = fabs(counts[ranked[i]] - DRAWS * p), deviation = sqrt(DRAWS * p * (1 - p));
			if (off > 4.5 * deviation)
				fail_msg("case %zu: unit %d came %d times, expected %g", c, ranked[i],
					counts[ranked[i]], DRAWS * p);
		}
	}
	eg_model_free(m);
	eg_samples_free(s);
	eg_recipe_free(r);
}

static void reads_in_any_pieces(void **state) {
	enum { LONG = 3000 };
	bench *b = *state;
	eg_model *m = make_model(b, "letters.txt", "steps: 20", LSTM, NULL);
	eg_generate_options o = {.temperature = 0.7, .seed = 5};
	char prompt[LONG + 1];
	eg_generator *whole, *pieces;
	eg_written x, y;
	for (int i = 0; i < LONG; i++) prompt[i] = (char)('a' + i * 7 % 26);
	prompt[LONG] = '\0';
	OK(b, eg_generator_new(m, &o, &whole, &b->err));
	OK(b, eg_generator_new(m, &o, &pieces, &b->err));
	OK(b, eg_generator_read(whole, prompt, LONG, "prompt", NULL, &b->err)); /* longer than anything in training */
	for (int i = 0, n = 1; i < LONG; i += n, n = n % 130 + 1) {
		if (n > LONG - i) n = LONG - i;
		OK(b, eg_generator_read(pieces, prompt + i, (size_t)n, "prompt", NULL, &b->err));
	}
	for (int i = 0; i < 100; i++) {
		OK(b, eg_generator_write(whole, &x, &b->err));
		OK(b, eg_generator_write(pieces, &y, &b->err));
		assert_int_equal(x.id, y.id);
	}
	char first[400], second[400], bytes[2][20000];
	size_t sizes[2];
	strcpy(first, path_of(b, "whole.state"));
	strcpy(second, path_of(b, "pieces.state"));
	OK(b, eg_generator_save(whole, first, &b->err));
	OK(b, eg_generator_save(pieces, second, &b->err));
	for (int i = 0; i < 2; i++) {
		FILE *f = fopen(i ? second : first, "rb");
		sizes[i] = fread(bytes[i], 1, sizeof bytes[i], f);
		fclose(f);
	}
	assert_true(sizes[0] == sizes[1] && sizes[0] < sizeof bytes[0] && !memcmp(bytes[0], bytes[1], sizes[0]));
	eg_generator_free(whole);
	eg_generator_free(pieces);
	eg_model_free(m);
}

static void goes_on_from_a_file(void **state) {
	bench *b = *state;
	eg_model *m = make_model(b, "letters.txt", "steps: 20", LSTM, NULL);
	eg_generate_options o = {.temperature = 1, .seed = 9};
	eg_generator *g, *later;
	char path[400], bytes[20000];
	strcpy(path, path_of(b, "g.state"));
	OK(b, eg_generator_new(m, &o, &g, &b->err));
	OK(b, eg_generator_new(m, &o, &later, &b->err));
	OK(b, eg_generator_read(g, "hello", 5, "prompt", NULL, &b->err));
	write_with(b, g, 10);
	OK(b, eg_generator_save(g, path, &b->err));
	OK(b, eg_generator_restore(later, path, &b->err));
	written x = write_with(b, g, 50), y = write_with(b, later, 50);
	assert_string_equal(x.text, y.text);

	FILE *f = fopen(path, "rb");
	size_t size = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	for (size_t part = 0; part < size; part += size / 7 + 1) { /* every damage is told, and changes nothing */
		write_bytes(b, "cut.state", bytes, part);
		assert_int_not_equal(eg_generator_restore(later, path_of(b, "cut.state"), &b->err), EG_OK);
	}
	assert_int_not_equal(eg_generator_restore(later, path_of(b, "m.safetensors"), &b->err), EG_OK);
	SAYS(b, "not the state of a text");
	x = write_with(b, g, 20), y = write_with(b, later, 20);
	assert_string_equal(x.text, y.text);
	eg_generator_free(later);
	eg_real zeros[28] = {0};
	eg_model *other = make_model(b, "letters.txt", "steps: 20", LSTM, zeros);
	OK(b, eg_generator_new(other, &o, &later, &b->err));
	assert_int_equal(eg_generator_restore(later, path, &b->err), EG_ERR_ARG);
	SAYS(b, "the state of another model");
	eg_generator_free(later);
	eg_generator_free(g);
	eg_model_free(other);
	eg_model_free(m);
}

static void begins_again_at_the_mark(void **state) {
	bench *b = *state;
	eg_model *m = make_model(b, "letters.txt", "steps: 20", LSTM, NULL);
	eg_generator *g;
	OK(b, eg_generator_new(m, &(eg_generate_options){.temperature = 1, .seed = 4}, &g, &b->err));
	written alone = write_with(b, g, 40);
	eg_generator_begin(g, 0);
	OK(b, eg_generator_read(g, "hello", 5, "prompt", NULL, &b->err));
	eg_generator_mark(g);
	written first = write_with(b, g, 40);
	eg_generator_begin(g, 1);
	written second = write_with(b, g, 40);
	eg_generator_begin(g, 0);
	written again = write_with(b, g, 40);
	assert_string_equal(first.text, again.text);
	assert_string_not_equal(first.text, second.text);
	assert_string_not_equal(first.text, alone.text);
	written direct = generate(b, m, "hello", 40, (eg_generate_options){.temperature = 1, .seed = 4});
	assert_string_equal(first.text, direct.text);
	eg_generator_free(g);
	eg_model_free(m);
}

static void samples_end_by_themselves(void **state) {
	bench *b = *state;
	char poems[3000] = "";
	for (int i = 0; i < 60; i++) strcat(poems, i % 2 ? "abc\n\n" : "xyz\n\n");
	write_text(b, "two.txt", poems);
	eg_recipe *r = NULL;
	OK(b, parse(b, "two.txt", "samples: true", LSTM, "", &r));
	eg_recipe_free(r);
	eg_recipe *longer = NULL;
	char text[1000];
	int n = snprintf(text, sizeof text,
		"name: two\ntask: language\ndata: {source: text, path: %s/two.txt, samples: true}\ninput: "
		"[time]\nmodel: %s\n"
		"train: {optimizer: {adam: {lr: 0.03}}, batch: 4, epochs: 20}\n",
		b->folder, LSTM);
	OK(b, eg_recipe_parse(text, (size_t)n, "r.yaml", NULL, &longer, &b->err));
	eg_samples *s = load(b, longer);
	eg_model *m = model_of(b, longer, s, NULL);
	written x = generate(b, m, "x", 50, (eg_generate_options){.temperature = 0});
	assert_true(x.end);
	assert_string_equal(x.text, "yz");
	x = generate(b, m, "", 50, (eg_generate_options){.temperature = 0.5, .seed = 1});
	assert_true(x.end && (!strcmp(x.text, "xyz") || !strcmp(x.text, "abc")));
	eg_generator *g; /* writing on after the end begins the next sample */
	OK(b, eg_generator_new(m, &(eg_generate_options){.temperature = 0}, &g, &b->err));
	x = write_with(b, g, 50);
	written y = write_with(b, g, 50);
	assert_true(x.end && y.end);
	assert_string_equal(x.text, y.text);
	eg_generator_free(g);
	eg_model_free(m);
	eg_samples_free(s);
	eg_recipe_free(longer);
}

static void prompts_that_are_none(void **state) {
	bench *b = *state;
	eg_model *m = make_model(b, "letters.txt", "steps: 20", LSTM, NULL);
	eg_generate_options o = {.temperature = 1, .seed = 2};
	eg_generator *g;
	int64_t skipped = -1;
	OK(b, eg_generator_new(m, &o, &g, &b->err));
	assert_int_equal(eg_generator_read(g, "abc\nd?e", 7, "the prompt", NULL, &b->err), EG_ERR_ARG);
	SAYS(b, "the prompt, line 2, column 2: the character '?'");
	assert_int_not_equal(eg_generator_read(g, "ab\xff", 3, "the prompt", NULL, &b->err), EG_OK);
	SAYS(b, "the prompt, line 1, column 3");
	SAYS(b, "not UTF-8");
	OK(b, eg_generator_read(g, "", 0, "the prompt", NULL, &b->err)); /* nothing was read of those */
	written x = write_with(b, g, 30), y = generate(b, m, "", 30, o);
	assert_string_equal(x.text, y.text);
	eg_generator_free(g);
	o.skip_unknown = true;
	OK(b, eg_generator_new(m, &o, &g, &b->err));
	OK(b, eg_generator_read(g,
		      "a?b\xff\xe2\x82\xac"
		      "c",
		      8, "the prompt", &skipped, &b->err));
	assert_int_equal(skipped, 3);
	x = write_with(b, g, 30), y = generate(b, m, "abc", 30, o);
	assert_string_equal(x.text, y.text);
	eg_generator_free(g);
	assert_int_equal(eg_generator_new(m, &(eg_generate_options){.temperature = -1}, &g, &b->err), EG_ERR_ARG);
	assert_int_equal(eg_generator_new(m, &(eg_generate_options){.top_p = 1.5}, &g, &b->err), EG_ERR_ARG);
	assert_int_equal(eg_generator_new(m, &(eg_generate_options){.top_k = -1}, &g, &b->err), EG_ERR_ARG);
	assert_null(g);
	eg_model_free(m);
}

/* Every byte can be read and written, zeros too, whatever they are together. */
static void bytes_are_bytes(void **state) {
	bench *b = *state;
	char data[600];
	for (int i = 0; i < 600; i++) data[i] = (char)(i % 256);
	write_bytes(b, "bytes.bin", data, sizeof data);
	eg_real biases[256] = {0};
	biases[0] = 60; /* only zeros */
	eg_model *m = make_model(b, "bytes.bin", "unit: byte", LSTM, biases);
	eg_generator *g;
	eg_written w;
	OK(b, eg_generator_new(m, NULL, &g, &b->err));
	OK(b, eg_generator_read(g, data, sizeof data, "prompt", NULL, &b->err));
	OK(b, eg_generator_write(g, &w, &b->err));
	assert_true(w.size == 1 && w.text[0] == '\0' && w.text[1] == '\0');
	eg_generator_free(g);
	eg_model_free(m);
}

static void tasks_say_what_they_do(void **state) {
	bench *b = *state;
	eg_predictor *p;
	eg_generator *g;
	eg_real zeros[28] = {0};
	eg_model *m = make_model(b, "letters.txt", "", LSTM, zeros);
	assert_int_equal(eg_predictor_new(m, NULL, &p, &b->err), EG_ERR_ARG);
	assert_null(p);
	SAYS(b, "'language' gives no answers; it is for 'engram generate'");
	eg_model_free(m);
	static const char pictures[] = "name: a\ntask: classify\ndata: {source: mnist}\ninput: [1, 28, 28]\n"
				       "model: [flatten, {linear: classes}]\n";
	static const char *const names[] = {"a", "b"};
	eg_recipe *r = NULL;
	eg_graph *graph = NULL;
	OK(b, eg_recipe_parse(pictures, strlen(pictures), "r.yaml", NULL, &r, &b->err));
	OK(b, eg_recipe_build(r, b->ctx, 2, &graph, &b->err));
	eg_params *params = eg_params_new(graph, 1, NULL);
	eg_model_parts parts = {.recipe = r, .params = params, .classes = names, .nclasses = 2};
	OK(b, eg_model_save(path_of(b, "m.safetensors"), &parts, &b->err));
	OK(b, eg_model_load(path_of(b, "m.safetensors"), b->ctx, &m, &b->err));
	assert_int_equal(eg_generator_new(m, NULL, &g, &b->err), EG_ERR_ARG);
	assert_null(g);
	SAYS(b, "'classify' does not write text; it is for 'engram predict'");
	eg_model_free(m);
	eg_params_free(params);
	eg_graph_free(graph);
	eg_recipe_free(r);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_and_section),
		cmocka_unit_test(refuses_sections),
		cmocka_unit_test(a_stream_is_cut_at_its_end),
		cmocka_unit_test(words_are_learnt_from_the_training_part),
		cmocka_unit_test(rare_units_are_unknown),
		cmocka_unit_test(refuses_texts),
		cmocka_unit_test(paragraphs_are_samples),
		cmocka_unit_test(looks_forward_only),
		cmocka_unit_test(a_uniform_model_has_log_v_nats),
		cmocka_unit_test(counts_without_a_matrix),
		cmocka_unit_test(judges_as_a_session_reads),
		cmocka_unit_test(judges_another_text),
		cmocka_unit_test(same_seed_same_text),
		cmocka_unit_test(draws_from_the_distribution),
		cmocka_unit_test(reads_in_any_pieces),
		cmocka_unit_test(goes_on_from_a_file),
		cmocka_unit_test(begins_again_at_the_mark),
		cmocka_unit_test(samples_end_by_themselves),
		cmocka_unit_test(prompts_that_are_none),
		cmocka_unit_test(bytes_are_bytes),
		cmocka_unit_test(tasks_say_what_they_do),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
