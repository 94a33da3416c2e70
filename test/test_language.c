/* test_language.c - the task `language`: how a text is cut into parts, vocabularies, samples, metrics, answers.
 * Small generated texts; where a distribution matters, a network of biases only, whose probabilities are known. Not
 * here: writing (test_generate.c). */
#include "text_bed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- the section ------------------------------------------------------------------------------------------------- */

static int size_of(bench *b, eg_task *t) {
	const eg_size *sizes;
	OK(b, eg_task_sizes(t, &sizes, &b->err));
	assert_string_equal(sizes[0].name, "units");
	return sizes[0].size;
}

static void task_of_a_recipe(void **state) {
	bench *b = *state;
	eg_task *t;
	eg_recipe *r = recipe(b, "letters.txt", "validation: 0.1", LSTM);
	OK(b, eg_task_open(r, &t, &b->err));
	assert_int_equal(eg_task_kind(t)->abilities, EG_ABLE_GENERATE);
	assert_string_equal(eg_source_info(eg_task_source(t))->name, "text");
	assert_string_equal(eg_task_unit(t, false), "characters");
	assert_string_equal(eg_task_unit(t, true), "character");
	assert_int_equal(eg_task_eval_part(t), EG_PART_VALIDATION);
	assert_int_equal(size_of(b, t), 28); /* letters, newline, exclamation mark */
	OK(b, eg_task_fits(t, &b->err));
	eg_task_free(t);
	eg_recipe_free(r);
	r = recipe(b, "letters.txt", "unit: byte, samples: true", LSTM);
	OK(b, eg_task_open(r, &t, &b->err));
	assert_string_equal(eg_task_unit(t, false), "bytes");
	assert_int_equal(eg_task_eval_part(t), EG_PART_TRAIN);
	assert_int_equal(size_of(b, t), 257);
	assert_int_equal(eg_task_set_source(t, "fashion-mnist", NULL, &b->err), EG_ERR_ARG);
	SAYS(b, "the task 'language' needs a text; a record of the source 'fashion-mnist' has: picture, label");
	assert_int_equal(eg_task_set_source(t, "tinyshakespear", NULL, &b->err), EG_ERR_ARG);
	SAYS(b, "did you mean 'tinyshakespeare'?");
	assert_int_equal(eg_task_eval_part(t), EG_PART_TRAIN); /* as it was */
	assert_int_equal(size_of(b, t), 257);
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
	refuse(b, "cut: true", "'cut' needs 'longest'");
	refuse(b, "longest: 9, cut: true", "'longest' needs 'samples: true'");
	refuse(b, "samples: true, cut: true", "'cut' needs 'longest'");
	refuse(b, "keep_title: false", "'keep_title' needs 'samples: true'");
	refuse(b, "sample: file", "'sample' needs 'samples: true'");
	refuse(b, "unit: byte, min_count: 2", "'min_count' does nothing with 'unit: byte'");
	static const char no_path[] =
	        "name: a\ntask: language\ndata: {source: text}\ninput: [time]\nmodel: [{linear: 2}]\n";
	OK(b, eg_recipe_parse(no_path, strlen(no_path), "r.yaml", NULL, &r, &b->err));
	assert_int_equal(eg_task_open(r, &t, &b->err), EG_ERR_ARG);
	SAYS(b, "r.yaml:3:");
	SAYS(b, "needs 'path', the file to read");
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
		assert_int_equal(
		        d->fill(d->user, &(eg_fill){.items = &i, .n = 1, .time = d->time, .epoch = -1}, slots, NULL),
		        EG_OK);
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
	drawn d = load(b, r);
	const eg_samples *s = d.samples;
	char *whole = bench_read(b, bench_path(b, "letters.txt"), NULL);
	eg_vocab *v = vocab_of(b, eg_samples_kept(s));
	assert_int_equal(eg_samples_units(s, EG_PART_TRAIN), 900);
	assert_int_equal(eg_samples_units(s, EG_PART_VALIDATION), 100);
	assert_int_equal(eg_samples_units(s, EG_PART_TEST), 0);
	assert_int_equal(eg_samples_get(s, EG_PART_TRAIN)->streams, 4); /* train.batch */
	assert_int_equal(eg_samples_get(s, EG_PART_TRAIN)->time, 16);
	assert_int_equal(eg_samples_get(s, EG_PART_VALIDATION)->streams, 1);
	assert_int_equal(units_of(s), 28); /* with the mark that only the last tenth holds */
	char *train = predictions(v, eg_samples_get(s, EG_PART_TRAIN));
	char *validation = predictions(v, eg_samples_get(s, EG_PART_VALIDATION));
	assert_int_equal(strlen(train), 899);
	assert_memory_equal(train, whole + 1, 899);
	assert_string_equal(validation, whole + 901); /* the first of each part is not predicted */
	free(train);
	free(validation);
	free(whole);
	eg_vocab_free(v);
	undraw(&d);
	eg_recipe_free(r);
}

static void words_are_learnt_from_the_training_part(void **state) {
	bench *b = *state;
	bench_text(b, "words.txt", "the cat sat on the mat and the dog sat on the log while a zebra ate grass in Peru");
	eg_recipe *r = recipe(b, "words.txt", "unit: word, validation: 0.5", MARKOV);
	drawn d = load(b, r);
	const eg_samples *s = d.samples;
	eg_vocab *v = vocab_of(b, eg_samples_kept(s));
	bool dog = false;
	for (int i = 0; i < eg_vocab_count(v); i++) {
		assert_string_not_equal(eg_vocab_token(v, i, NULL), "zebra");
		dog = dog || !strcmp(eg_vocab_token(v, i, NULL), "dog");
	}
	assert_true(dog && eg_vocab_unknown(v) >= 0);
	assert_int_equal(eg_samples_units(s, EG_PART_TRAIN), 11); /* the middle is behind the eleventh word */
	assert_int_equal(eg_samples_units(s, EG_PART_VALIDATION), 9);
	eg_vocab_free(v);
	undraw(&d);
	eg_recipe_free(r);
}

static void rare_units_are_unknown(void **state) {
	bench *b = *state;
	eg_recipe *r = recipe(b, "letters.txt", "min_count: 2", MARKOV);
	drawn d = load(b, r);
	const eg_samples *s = d.samples;
	eg_vocab *v = vocab_of(b, eg_samples_kept(s));
	assert_true(eg_vocab_unknown(v) >= 0); /* the exclamation mark */
	eg_vocab_free(v);
	assert_int_equal(units_of(s), 28);
	assert_int_equal(eg_samples_units(s, EG_PART_TRAIN), 1000);
	assert_null(eg_samples_get(s, EG_PART_VALIDATION));
	undraw(&d);
	eg_recipe_free(r);
	r = recipe(b, "letters.txt", "max_size: 7, limit: 500", MARKOV);
	d = load(b, r), s = d.samples;
	assert_int_equal(units_of(s), 7);
	assert_int_equal(eg_samples_units(s, EG_PART_TRAIN), 500);
	undraw(&d);
	eg_recipe_free(r);
}

static void load_fails(bench *b, const char *file, const char *data, const char *message) {
	eg_task *t;
	eg_samples *s = NULL;
	eg_recipe *r = recipe(b, file, data, LSTM);
	OK(b, eg_task_open(r, &t, &b->err));
	assert_int_not_equal(eg_samples_load(t, &(eg_samples_options){.part = EG_PART_TRAIN}, &s, &b->err), EG_OK);
	assert_null(s);
	SAYS(b, message);
	eg_task_free(t);
	eg_recipe_free(r);
}

static void refuses_texts(void **state) {
	bench *b = *state;
	bench_text(b, "empty.txt", "");
	bench_text(b, "short.txt", "abcdefg");
	bench_text(b, "nine.txt", "abcdefghi");
	bench_write(b, "latin.txt", "Kaf\nfe caf\xe9 und", 15);
	load_fails(b, "nowhere.txt", "", "nowhere.txt");
	load_fails(b, "empty.txt", "", "is empty");
	load_fails(b, "short.txt", "", "7 characters are too few to train on: train.batch is 4");
	load_fails(b, "nine.txt", "validation: 0.1", "1 character to validate with: at least 2 are needed");
	load_fails(b, "latin.txt", "", "line 2, column 7");
	load_fails(b, "poems.txt", "samples: true, keep_title: false, longest: 7",
	        "poems.txt:10: the sample that begins here has 8 characters, but data.longest is 7: make it at least "
	        "8");
	bench_text(b, "blank.txt", "\n \n\t\n");
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
		drawn d = load(b, r);
		const eg_samples *s = d.samples;
		const eg_dataset *data = eg_samples_get(s, EG_PART_TRAIN);
		eg_vocab *v = vocab_of(b, eg_samples_kept(s));
		assert_int_equal(data->count, cases[i].count);
		assert_int_equal(data->streams, 0);
		assert_int_equal(eg_samples_units(s, EG_PART_TRAIN), cases[i].units);
		assert_true(data->time >= cases[i].time);
		assert_true(eg_vocab_end(v) >= 0 && eg_vocab_unknown(v) < 0);
		eg_vocab_free(v);
		if (i > 0) assert_int_equal(units_of(s), 8 + 2); /* a to h, newline, end: no capitals */
		undraw(&d);
		eg_recipe_free(r);
	}
	eg_recipe *r = recipe(b, "poems.txt", "samples: true, validation: 0.4", LSTM);
	drawn d = load(b, r);
	const eg_samples *s = d.samples;
	assert_int_equal(eg_samples_count(s, EG_PART_TRAIN), 3);
	assert_int_equal(eg_samples_count(s, EG_PART_VALIDATION), 2);
	undraw(&d);
	eg_recipe_free(r);
}

/* ---- the network ------------------------------------------------------------------------------------------------- */

static void unsuited(bench *b, const char *layers, const char *message) {
	eg_task *t;
	eg_graph *g = NULL;
	eg_recipe *r = recipe(b, "letters.txt", "", layers);
	OK(b, eg_task_open(r, &t, &b->err));
	eg_status status = eg_recipe_build(
	        r, b->ctx, (const eg_size[]){{"classes", 28}, {"units", 28}, {NULL, 0}}, &g, &b->err);
	if (!status) status = eg_task_suits(t, g, &b->err);
	assert_int_not_equal(status, EG_OK);
	SAYS(b, message);
	eg_graph_free(g);
	eg_task_free(t);
	eg_recipe_free(r);
}

/* Three texts in two folders, and a file that is none of them. */
static void write_folder(bench *b) {
	bench_text(b, "code/b.c", "cc\n\ncc\n");
	bench_text(b, "code/a.c", "\xef\xbb\xbf" "aa\r\n\r\nbb");
	bench_text(b, "code/empty.c", "");
	bench_text(b, "code/note.txt", "zz");
	bench_text(b, "code/sub/c.c", "dd\n\nee\n\n");
	bench_text(b, "code/f.h", "xyz");
	bench_text(b, "code/g.h", "\xe4\xbd\xa0");
}

static void files_of_a_folder(void **state) {
	bench *b = *state;
	static const struct {
		const char *data;
		int64_t train, validation, units; /* samples, or units of a stream */
	} cases[] = {
	        {"files: .c, validation: 0.3", 15, 8, 6}, /* cut between files; no z */
	        {"files: '????.txt a.* b.c', validation: 0.1", 15, 2, 5},
	        {"files: .c, samples: true, validation: 0.34", 4, 2, 7}, /* whole files, also by chance */
	        {"files: .c, samples: true, validation: 0.2, validation_from: end", 4, 2, 7},
	        {"files: .c, samples: true, sample: file, keep_title: false", 3, 0, 5},
	        {"files: .c, samples: true, limit: 13", 3, 0, 5}, /* the last one may be cut */
	        {"files: .c, unit: word, validation: 0", 17, 0, 7}, /* words of the last one too */
	        {"files: .h, samples: true, sample: file, limit: 4, validation: 0", 1, 0, 4}, /* no cut character */
	};
	write_folder(b);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		eg_recipe *r = recipe(b, "code", cases[i].data, MARKOV);
		drawn d = load(b, r);
		const bool samples = strstr(cases[i].data, "samples") != NULL;
		const eg_dataset *data[] = {eg_samples_get(d.samples, EG_PART_TRAIN), eg_samples_get(d.samples, EG_PART_VALIDATION)};
		assert_int_equal(samples ? data[0]->count : eg_samples_units(d.samples, EG_PART_TRAIN), cases[i].train);
		assert_int_equal(samples && data[1] ? data[1]->count : eg_samples_units(d.samples, EG_PART_VALIDATION), cases[i].validation);
		assert_int_equal(units_of(d.samples), cases[i].units);
		undraw(&d);
		eg_recipe_free(r);
	}
	load_fails(b, "code", "", "code' is a folder: say which files in it are texts, as in files: .txt");
	load_fails(b, "code", "files: .py", "7 other files, but none with text in it whose name fits data.files, '.py'");
	load_fails(b, "code", "files: ' '", "'files' is blank");
	bench_write(b, "code/sub/c.c", "dd\ne\xff", 5);
	load_fails(b, "code", "files: .c", "code/sub/c.c', line 2, column 2: byte 0xFF");
}

static void looks_forward_only(void **state) {
	bench *b = *state;
	eg_task *t;
	eg_recipe *r;
	unsuited(b, "[{embedding: 8}, {lstm: {hidden: 4, bidirectional: true}}, {linear: classes}]", "looks ahead");
	unsuited(b, "[{embedding: 8}, {multi_head_attention: {heads: 2, causal: true}}, {linear: classes}]", "with causal and a context");
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

/* Its own text, or another. */
static eg_evaluation *evaluate(bench *b, eg_model *m, const char *path) {
	eg_evaluation *e;
	drawn d;
	OK(b, eg_task_open(eg_model_recipe(m), &d.task, &b->err));
	OK(b, eg_task_set_source(d.task, path ? "text" : NULL, path, &b->err));
	eg_part part = eg_task_eval_part(d.task);
	OK(b, eg_samples_load(d.task, &(eg_samples_options){.part = part, .model = m}, &d.samples, &b->err));
	OK(b, eg_evaluation_run(m, d.samples, part, 0, &e, &b->err));
	undraw(&d);
	return e;
}

static void a_uniform_model_has_log_v_nats(void **state) {
	bench *b = *state;
	static const char *const names[] = {"loss", "bits", "perplexity", "accuracy", "nats_per_character"};
	static const char *const data[] = {
	        "validation: 0.2, steps: 7", "samples: true, validation: 0.4", "unit: byte, validation: 0.2"};
	static const double v[] = {28, 0, 256};
	eg_real zeros[300] = {0};
	for (int k = 0; k < 3; k++) {
		eg_model *m = make_model(b, k == 1 ? "poems.txt" : "letters.txt", data[k], LSTM, zeros);
		double units = k == 1 ? eg_model_size(m, "units") : v[k];
		eg_evaluation *e = evaluate(b, m, NULL);
		assert_int_equal(eg_evaluation_count(e), 5);
		for (int i = 0; i < 5; i++) assert_string_equal(eg_evaluation_metric(e, i)->name, names[i]);
		assert_true(fabs(eg_evaluation_find(e, "loss") - log(units)) < 1e-5);
		assert_true(fabs(eg_evaluation_find(e, "bits") - log2(units)) < 1e-5);
		assert_true(fabs(eg_evaluation_find(e, "perplexity") - units) < 1e-3);
		assert_true(eg_evaluation_metric(e, 3)->share && !eg_evaluation_metric(e, 0)->share);
		assert_true(
		        eg_evaluation_metric(e, 0)->lower_is_better && !eg_evaluation_metric(e, 3)->lower_is_better);
		assert_null(eg_value_get(eg_evaluation_result(e), "confusion"));
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
	eg_vocab *v = vocab_of(b, eg_model_task(m));
	strcpy(path, bench_path(b, "letters.txt"));
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
	eg_vocab_free(v);
	free(ids);
	eg_model_free(m);
}

/* Of a network of biases the loss on any text is known: the mean of -ln p(character). */
static void judges_another_text(void **state) {
	bench *b = *state;
	eg_real biases[28] = {0};
	biases[5] = 2;
	eg_model *m = make_model(b, "letters.txt", "validation: 0.1", LSTM, biases);
	eg_vocab *v = vocab_of(b, eg_model_task(m));
	const char *five = eg_vocab_token(v, 5, NULL);
	char text[64], path[400];
	snprintf(text, sizeof text, "a%s%s%sx\n", five, five, five);
	eg_vocab_free(v);
	bench_text(b, "other.txt", text);
	strcpy(path, bench_path(b, "other.txt"));
	eg_evaluation *e = evaluate(b, m, path);
	double sum = 27 + exp(2), loss = (3 * (log(sum) - 2) + 2 * log(sum)) / 5;
	assert_int_equal(eg_evaluation_total(e), 5);
	assert_true(fabs(eg_evaluation_find(e, "loss") - loss) < 1e-5);
	assert_true(fabs(eg_evaluation_find(e, "accuracy") - 0.6) < 1e-12);
	eg_evaluation_free(e);

	bench_text(b, "other.txt", "abc\nxy\xe2\x82\xac");
	refuse_samples(b, m, EG_PART_TEST, NULL, NULL, "has no test part");
	refuse_samples(b, m, EG_PART_TEST, "text", path, "other.txt, line 2, column 3");
	SAYS(b, "U+20AC");
	refuse_samples(b, m, EG_PART_VALIDATION, "text", path, "leave the split out");
	eg_model_free(m);
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

/* What comes next, by a network of biases: their softmax, whatever was read. */
static void tells_what_comes_next(void **state) {
	bench *b = *state;
	eg_real biases[28] = {0};
	char want[200];
	biases[5] = 2, biases[7] = 3;
	eg_model *m = make_model(b, "letters.txt", "", LSTM, biases);
	eg_vocab *v = vocab_of(b, eg_model_task(m));
	double sum = 26 + exp(2) + exp(3);
	eg_predictor *p = bench_predictor(b, m, "top=2");
	static const char *const texts[] = {"abc", "", "a\nb"};
	for (int i = 0; i < 3; i++) {
		const eg_value *answer = ask(b, p, (eg_question){.bytes = texts[i], .size = strlen(texts[i])});
		const eg_value *first = eg_value_at(eg_value_get(answer, "next"), 0),
		               *second = eg_value_at(eg_value_get(answer, "next"), 1);
		assert_int_equal(eg_value_count(eg_value_get(answer, "next")), 2);
		assert_string_equal(eg_value_text(eg_value_get(first, "text")), eg_vocab_token(v, 7, NULL));
		assert_string_equal(eg_value_text(eg_value_get(second, "text")), eg_vocab_token(v, 5, NULL));
		assert_near(eg_value_number(eg_value_get(first, "probability"), NAN), exp(3) / sum, 1e-6);
		assert_near(eg_value_number(eg_value_get(second, "probability"), NAN), exp(2) / sum, 1e-6);
	}
	snprintf(want, sizeof want, "x.txt, line 2, column 2");
	ask_in_vain(b, p, (eg_question){.bytes = "abc\nd?e", .size = 7, .name = "x.txt"}, want);
	ask_in_vain(b, p, (eg_question){.bytes = "ab\xff", .size = 3, .name = "x.txt"},
	        "x.txt, column 3: byte 0xFF is not UTF-8: convert the text, `iconv -f LATIN1");
	eg_predictor_free(p);
	eg_vocab_free(v);
	eg_model_free(m);

	eg_real bytes[256] = {0};
	bytes[200] = 9;
	m = make_model(b, "letters.txt", "unit: byte", LSTM, bytes);
	p = bench_predictor(b, m, "top=1");
	const eg_value *next = eg_value_get(ask(b, p, (eg_question){.bytes = "\xff\0", .size = 2}), "next");
	assert_int_equal(eg_value_int(eg_value_get(eg_value_at(next, 0), "text"), -1), 200); /* its number */
	eg_predictor_free(p);
	eg_model_free(m);
}

/* Words and subwords as they are written, the space before a subword among them. */
static void tells_which_word_comes_next(void **state) {
	bench *b = *state;
	static const char *const data[] = {"unit: word", "unit: subword, max_size: 300"}, *const words[] = {"cat", " cat"};
	bench_text(b, "cats.txt", "the cat and the cat, the cat or a cat");
	for (int k = 0; k < 2; k++) {
		eg_real biases[300] = {0};
		eg_model *m = make_model(b, "cats.txt", data[k], MARKOV, biases);
		eg_vocab *v = vocab_of(b, eg_model_task(m));
		for (int i = 0; i < eg_vocab_count(v); i++) biases[i] = strcmp(eg_vocab_token(v, i, NULL), words[k]) ? 0 : 5;
		eg_model_free(m);
		m = make_model(b, "cats.txt", data[k], MARKOV, biases);
		eg_predictor *p = bench_predictor(b, m, "top=1");
		const eg_value *next = eg_value_get(ask(b, p, (eg_question){.bytes = "the", .size = 3}), "next");
		assert_string_equal(eg_value_text(eg_value_get(eg_value_at(next, 0), "text")), words[k]);
		assert_near(eg_value_number(eg_value_get(eg_value_at(next, 0), "probability"), NAN),
		        exp(5) / (exp(5) + eg_vocab_count(v) - 1), 1e-5);
		eg_predictor_free(p);
		eg_vocab_free(v);
		eg_model_free(m);
	}
}

/* All nats by all characters, whatever the units; nothing is told of words that are not known. */
static void tells_nats_a_character(void **state) {
	bench *b = *state;
	static const struct {
		const char *data;
		double units, characters; /* predicted */
	} cases[] = {{"unit: subword, max_size: 300", 0, 0}, {"unit: byte", 38, 37}, {"unit: word", 11, 35}, {"unit: word, min_count: 2", 0, NAN}};
	static const eg_real zeros[300] = {0};
	bench_text(b, "cats.txt", "the cat and the cat, the cat or a c\xc3\xa1t\n");
	for (int k = 0; k < 4; k++) {
		eg_model *m = make_model(b, "cats.txt", cases[k].data, MARKOV, zeros);
		eg_evaluation *e = evaluate(b, m, NULL);
		const double n = (double)eg_evaluation_total(e), nats = n * eg_evaluation_find(e, "loss"), each = eg_evaluation_find(e, "nats_per_character");
		if (cases[k].units > 0) assert_int_equal((int)n, (int)cases[k].units);
		if (isnan(cases[k].characters))
			assert_true(isnan(each));
		else if (cases[k].characters > 0)
			assert_near(each, nats / cases[k].characters, 1e-6);
		else
			assert_true(nats / each > 30 && nats / each < 38); /* 37 without those of the first unit */
		eg_evaluation_free(e);
		eg_model_free(m);
	}
}

/* The likeliest that is told is what a generator writes that always takes it; a record, JSON, a file and ids say the
 * same. */
static void tells_what_it_would_write(void **state) {
	static const char *const data[] = {"steps: 20", "samples: true"}, *const texts[] = {"abc", "hello", "z", ""};
	bench *b = *state;
	for (int k = 0; k < 2; k++) {
		eg_model *m = make_model(b, k ? "poems.txt" : "letters.txt", data[k], LSTM, NULL);
		eg_predictor *p = bench_predictor(b, m, NULL);
		for (int i = k ? 3 : 0; i < 4 - !k; i++) {
			char json[100];
			const size_t size = strlen(texts[i]);
			eg_record r = {.fields = {{.there = true, .text = {texts[i], size}}}};
			written w = generate(b, m, texts[i], 1, (eg_generate_options){.temperature = 0});
			eg_value *first = eg_value_new(EG_VALUE_MAP);
			eg_value_put_copy(first, "answer", ask(b, p, (eg_question){.bytes = texts[i], .size = size}));
			const eg_value *answer = eg_value_get(first, "answer");
			assert_string_equal(
			        eg_value_text(eg_value_get(eg_value_at(eg_value_get(answer, "next"), 0), "text")),
			        w.text);
			snprintf(json, sizeof json, "{\"text\": \"%s\"}", texts[i]);
			assert_same(
			        ask(b, p, (eg_question){.bytes = json, .size = strlen(json), .json = true}), answer);
			assert_same(ask(b, p, (eg_question){.record = &r}), answer);
			assert_same(ask(b, p, (eg_question){.path = bench_text(b, "question.txt", texts[i])}), answer);
			eg_value_free(first);
		}
		eg_predictor_free(p);
		eg_model_free(m);
	}
}

typedef struct read_back {
	char text[1100];
	size_t size;
	int64_t n;
	double nats, units, right;
} read_back;

static bool read_answer(void *user, const eg_answered *a) {
	read_back *k = user;
	const eg_value *truth = eg_value_get(a->truth, "units"), *said = eg_value_get(a->answer, "units"),
	               *nats = eg_value_get(a->answer, "nats");
	assert_true(eg_value_count(truth) == eg_value_count(said) && eg_value_count(truth) == eg_value_count(nats));
	const eg_value *t = eg_value_first(truth), *s = eg_value_first(said), *n = eg_value_first(nats);
	for (; t; t = eg_value_next(t), s = eg_value_next(s), n = eg_value_next(n)) {
		const char *unit = eg_value_text(t);
		memcpy(k->text + k->size, unit, strlen(unit));
		k->size += strlen(unit);
		k->units++, k->nats += eg_value_number(n, NAN), k->right += !strcmp(unit, eg_value_text(s));
	}
	k->n++;
	return true;
}

/* Answers to a text: every unit that was to be predicted, once, and together what the evaluation says. */
static void answers_add_up(void **state) {
	static const char *const data[] = {"validation: 0.2, steps: 7", "samples: true, validation: 0.4"};
	bench *b = *state;
	for (int k = 0; k < 2; k++) {
		read_back all = {{0}, 0, 0, 0, 0, 0};
		eg_model *m = make_model(b, k ? "poems.txt" : "letters.txt", data[k], LSTM, NULL);
		eg_predictor *p = bench_predictor(b, m, NULL);
		drawn d = draw_for(b, m, EG_PART_VALIDATION, NULL, NULL);
		eg_evaluation *e;
		OK(b, eg_evaluation_run(m, d.samples, EG_PART_VALIDATION, 0, &e, &b->err));
		OK(b, eg_samples_answer(p, d.samples, EG_PART_VALIDATION, read_answer, &all, &b->err));
		assert_int_equal(all.n, eg_samples_count(d.samples, EG_PART_VALIDATION));
		assert_int_equal(all.units, eg_evaluation_total(e));
		assert_near(all.nats / all.units, eg_evaluation_find(e, "loss"), 1e-5);
		assert_near(all.right / all.units, eg_evaluation_find(e, "accuracy"), 1e-12);
		if (k == 0) { /* one stream: its units in order */
			char *whole = bench_read(b, bench_path(b, "letters.txt"), NULL);
			assert_string_equal(all.text, whole + 801);
			free(whole);
		}
		eg_evaluation_free(e);
		undraw(&d);
		eg_predictor_free(p);
		eg_model_free(m);
	}
}

static void tasks_say_what_they_do(void **state) {
	bench *b = *state;
	eg_generator *g;
	eg_value *kept = value_of("{\"mean\": [0], \"std\": [1], \"classes\": [\"a\", \"b\"]}");
	eg_recipe *r = bench_recipe(b, "name: a\ntask: classify\ndata: {source: mnist}\ninput: [1, 28, 28]\nmodel: "
	                               "[flatten, {linear: classes}]\n");
	eg_model *m = bench_model(b, r, (const eg_size[]){{"classes", 2}, {NULL, 0}}, kept, NULL, NULL);
	assert_int_equal(eg_generator_new(m, NULL, &g, &b->err), EG_ERR_ARG);
	assert_null(g);
	SAYS(b, "'classify' does not write text; it is for 'engram predict'");
	eg_model_free(m);
	eg_recipe_free(r);
	eg_value_free(kept);
}

/* A model whose file lacks what the task kept is damaged. */
static void vocabularies_are_checked(void **state) {
	bench *b = *state;
	eg_predictor *p;
	eg_recipe *r = recipe(b, "letters.txt", "", LSTM);
	const eg_size sizes[] = {{"units", 3}, {"classes", 3}, {NULL, 0}};
	static const char *const kept[] = {"{}", "{\"vocab\": 3}", "{\"vocab\": {\"unit\": \"char\", \"tokens\": []}}"};
	for (int i = 0; i < 3; i++) {
		eg_value *v = value_of(kept[i]);
		eg_model *m = bench_model(b, r, sizes, v, NULL, NULL);
		assert_int_equal(eg_predictor_new(m, NULL, NULL, &p, &b->err), EG_ERR_FORMAT);
		assert_null(p);
		SAYS(b, "m.safetensors");
		eg_model_free(m);
		eg_value_free(v);
	}
	eg_recipe_free(r);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(task_of_a_recipe),
	        cmocka_unit_test(refuses_sections),
	        cmocka_unit_test(a_stream_is_cut_at_its_end),
	        cmocka_unit_test(words_are_learnt_from_the_training_part),
	        cmocka_unit_test(rare_units_are_unknown),
	        cmocka_unit_test(refuses_texts),
	        cmocka_unit_test(paragraphs_are_samples),
	        cmocka_unit_test(files_of_a_folder),
	        cmocka_unit_test(looks_forward_only),
	        cmocka_unit_test(a_uniform_model_has_log_v_nats),
	        cmocka_unit_test(counts_without_a_matrix),
	        cmocka_unit_test(judges_as_a_session_reads),
	        cmocka_unit_test(judges_another_text),
	        cmocka_unit_test(tells_what_comes_next),
	        cmocka_unit_test(tells_which_word_comes_next),
	        cmocka_unit_test(tells_nats_a_character),
	        cmocka_unit_test(tells_what_it_would_write),
	        cmocka_unit_test(answers_add_up),
	        cmocka_unit_test(tasks_say_what_they_do),
	        cmocka_unit_test(vocabularies_are_checked),
	};
	return cmocka_run_group_tests(tests, text_setup, bench_teardown);
}
