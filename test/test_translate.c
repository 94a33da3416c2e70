/* test_translate.c - the task `translate`: a network learns to write words backwards and answers; what is written does
 * not depend on what else is asked; references and metrics by hand; the translation memory; recipes that cannot write,
 * or not tell where they look; what is dropped of texts; pairs that are none.
 *
 * Not here: beam search by itself (test_beam.c), BLEU and chrF (test_text_score.c). */
#define _POSIX_C_SOURCE 200809L /* setenv */
#include "floor_bed.h"
#include "tasks/scribe.h"

#include "engram_ops.h" /* behind the other: its eg_softmax is a macro */

#include <stdio.h>

#define DECODER \
	"{embedding: {size: 16, count: classes, from: previous}}, {lstm: {hidden: 32, name: state}}, " \
	"{multiplicative_attention: {from: [state, memory, lengths.source], name: seen}}, " \
	"{concat: {from: [state, seen], axis: 2}}, {lstm: 32}, {linear: classes}"
#define ENCODER                                                                                                        \
	"{embedding: {size: 16, from: text}}, {lstm: {hidden: 16, bidirectional: true, name: memory, from: {lengths: lengths.source}}}"
#define NETWORK "[" ENCODER ", " DECODER "]"

/* Words and the same backwards. */
static void write_pairs(bench *b) {
	char *text = calloc(1, 40000), *to = text;
	uint32_t x = 1;
	for (int i = 0; i < 800; i++) {
		char word[8] = "";
		const int n = 2 + i % 3;
		for (int k = 0; k < n; k++) x = x * 1103515245 + 12345, word[k] = (char)('a' + (x >> 16) % 5);
		to += sprintf(to, "%s\t", word);
		for (int k = n; k-- > 0;) *to++ = (char)(word[k] - 'a' + 'A');
		*to++ = '\n';
	}
	bench_text(b, "words.tsv", text);
	free(text);
}

static eg_recipe *recipe(bench *b, const char *data, const char *network, const char *more) {
	return bench_recipe(b,
		"name: backwards\ntask: translate\ndata: {source: pairs, path: %s/words.tsv%s}\n"
		"inputs: {text: [source], previous: [time]}\nmodel: %s\n%s"
		"train: {loss: cross_entropy, optimizer: {adam: {lr: 0.02}}, schedule: cosine, batch: 16, epochs: 8, seed: 1}\n",
		b->folder, data, network, more);
}

typedef struct learnt {
	bench *b;
	eg_model *model;
} learnt;
static learnt l;

static int setup(void **state) {
	int status = bench_setup(state);
	bench *b = *state;
	if (status) return status;
	bench_one_thread(b);
	write_pairs(b);
	eg_recipe *r = recipe(b, ", bleu: char", NETWORK, "outputs: {attention: seen.weights}\n");
	l = (learnt){b, bench_train_all(b, r)};
	return 0;
}

static int teardown(void **state) {
	eg_model_free(l.model);
	return bench_teardown(state);
}

static eg_question text(const char *s) { return (eg_question){.bytes = s, .size = strlen(s), .name = s}; }
static const char *said(bench *b, eg_predictor *p, const char *s) {
	return eg_value_text(eg_value_get(ask(b, p, text(s)), "text"));
}

static void learns_and_answers(void **state) {
	bench *b = *state;
	const char *const settings[] = {NULL, "beam=1", "beam=12", "coverage=0.2", "length_norm=0"};
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
		eg_predictor *p = bench_predictor(b, l.model, settings[i]);
		assert_string_equal(said(b, p, "abc"), "CBA");
		assert_string_equal(said(b, p, "eda"), "ADE");
		assert_string_equal(said(b, p, "db"), "BD");
		const double logprob = eg_value_number(eg_value_get(ask(b, p, text("abcd")), "logprob"), 1);
		assert_true(logprob < 0 && logprob > -2);
		eg_predictor_free(p);
	}
}

/* What is written alone, to rounding. */
static void together_as_alone(void **state) {
	bench *b = *state;
	const char *const words[] = {"abcd", "dcba", "aabb", "ee", "c", "eeee"};
	eg_predictor *p = bench_predictor(b, l.model, NULL);
	eg_question q[6];
	const eg_value *answers[6];
	eg_error errors[6];
	double logprob[6];
	for (int i = 0; i < 6; i++) {
		q[i] = text(words[i]);
		logprob[i] = eg_value_number(eg_value_get(ask(b, p, q[i]), "logprob"), 1);
	}
	OK(b, eg_predictor_run(p, q, 6, answers, errors, &b->err));
	for (int i = 0; i < 6; i++) {
		assert_non_null(answers[i]);
		assert_true(fabs(eg_value_number(eg_value_get(answers[i], "logprob"), 1) - logprob[i]) < 1e-5);
	}
	eg_predictor_free(p);
}

static void unknown_and_empty(void **state) {
	bench *b = *state;
	eg_predictor *p = bench_predictor(b, l.model, NULL);
	assert_non_null(said(b, p, ""));
	assert_non_null(said(b, p, "\xe4\xbd\xa0\xf0\x9f\x98\x80"));
	ask_in_vain(b, p, text("\xff"), "UTF-8");
	eg_predictor_free(p);
}

static void draws_where_it_looks(void **state) {
	bench *b = *state;
	char setting[200];
	size_t size;
	snprintf(setting, sizeof setting, "alignment='%s/a.svg'", b->folder);
	eg_predictor *p = bench_predictor(b, l.model, setting);
	assert_non_null(eg_value_get(ask(b, p, text("abc")), "file"));
	char *svg = bench_read(b, bench_path(b, "a.svg"), &size);
	assert_non_null(strstr(svg, "</svg>"));
	assert_non_null(strstr(svg, ">C</text>"));
	assert_non_null(strstr(svg, ">a</text>"));
	free(svg);
	eg_predictor_free(p);
}

typedef struct counted {
	int n, right, references;
} counted;

static bool count(void *user, const eg_answered *a) {
	counted *c = user;
	const char *text = eg_value_text(eg_value_get(a->answer, "text"));
	const eg_value *texts = eg_value_get(a->truth, "texts");
	bool right = false;
	for (const eg_value *t = eg_value_first(texts); t; t = eg_value_next(t))
		right = right || !strcmp(eg_value_text(t), text);
	assert_non_null(eg_value_text(eg_value_get(a->truth, "text")));
	c->n++, c->right += right, c->references += (int)eg_value_count(texts);
	return true;
}

/* As a training in folds does, with no model around the weights. */
static void judges_by_itself(bench *b, const eg_samples *s, double chrf) {
	eg_graph *g = eg_model_graph(l.model);
	double values[EG_METRICS_MOST], loss;
	eg_judge *j = eg_samples_judge(s, g, eg_model_params(l.model), &b->err);
	assert_non_null(j);
	OK(b, eg_evaluate(g, eg_model_params(l.model), NULL, 16, eg_samples_get(s, EG_PART_TEST), j, &loss, &b->err));
	j->values(j->user, values);
	assert_string_equal(j->metrics[1].name, "chrf");
	assert_true(fabs(values[1] - chrf) < 1e-9);
	eg_samples_judge_free(j);
}

/* What eval says is what its answers, counted here, say. */
static void judges_what_it_writes(void **state) {
	bench *b = *state;
	counted c = {0};
	eg_evaluation *e;
	drawn d = draw_for(b, l.model, EG_PART_TEST, NULL, NULL);
	eg_predictor *p = bench_predictor(b, l.model, NULL);
	OK(b, eg_evaluation_run(l.model, d.samples, EG_PART_TEST, 0, &e, &b->err));
	OK(b, eg_samples_answer(p, d.samples, EG_PART_TEST, count, &c, &b->err));
	assert_true(c.n > 20);
	assert_int_equal(eg_evaluation_total(e), c.n);
	assert_true(fabs(eg_evaluation_find(e, "exact") - (double)c.right / c.n) < 1e-9);
	assert_true(eg_evaluation_find(e, "exact") > 0.8);
	assert_true(eg_evaluation_find(e, "chrf") > 80);
	assert_true(eg_evaluation_find(e, "loss") < 0.3);
	assert_int_equal(c.references, c.n); /* equal pairs are one reference */
	eg_predictor_free(p);
	judges_by_itself(b, d.samples, eg_evaluation_find(e, "chrf"));
	eg_evaluation_free(e);
	undraw(&d);
}

/* All translations of a sentence are its references, also the other way round. */
static void references_of_a_sentence(void **state) {
	bench *b = *state;
	for (int reverse = 0; reverse < 2; reverse++) {
		bench_text(b, "many.tsv",
			reverse ? "one\thi\ntwo\thi\ntwo\thi\nthree\thi\nfour\tho\n"
				: "hi\tone\nhi\ttwo\nhi\ttwo\nhi\tthree\nho\tfour\n");
		eg_recipe *r = bench_recipe(b,
			"name: many\ntask: translate\ndata: {source: pairs, path: %s/many.tsv, reverse: %s, validation: 0}\n"
			"inputs: {text: [source], previous: [time]}\nmodel: %s\n",
			b->folder, reverse ? "true" : "false", NETWORK);
		eg_task *t;
		eg_record record = {0};
		OK(b, eg_task_open(r, &t, &b->err));
		eg_source *s = (eg_source *)eg_task_source(t);
		int met = 0;
		for (int part = 0; part < EG_PARTS; part++) {
			OK(b, eg_source_prepare(s, (eg_part)part, &b->err));
			for (int64_t i = 0; i < eg_source_count(s, (eg_part)part); i++) {
				OK(b, eg_source_read(s, (eg_part)part, i, 7, &record, &b->err));
				const bool hi =
					record.fields[0].text.size == 2 && record.fields[0].text.bytes[1] == 'i';
				assert_int_equal(record.fields[2].tokens.n, hi ? 3 : 1);
				met++;
			}
		}
		assert_int_equal(met, 5);
		eg_record_free(&record);
		eg_task_free(t);
		eg_recipe_free(r);
	}
}

/* Each field may have settings of its own. */
static void settings_of_fields(void **state) {
	bench *b = *state;
	eg_recipe *r = recipe(b, ", unit: {text: word, target: char}, min_count: {target: 3}", NETWORK, "");
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	const eg_size *sizes = eg_samples_sizes(d.samples);
	assert_string_equal(sizes[0].name, "units");
	assert_true(sizes[0].size > 100); /* words */
	assert_int_equal(sizes[2].size, 7); /* A to E, the end mark, the unknown unit */
	assert_string_equal(sizes[2].name, "classes");
	undraw(&d);
	eg_recipe_free(r);
	r = recipe(b, ", unit: {txet: word}", NETWORK, "");
	eg_task *t;
	assert_int_not_equal(eg_task_open(r, &t, &b->err), EG_OK);
	SAYS(b, "did you mean 'text'");
	eg_recipe_free(r);
}

static void memory_finds_the_nearest(void **state) {
	bench *b = *state;
	stand s = stand_up(b, recipe(b, "", NETWORK, ""), "translation-memory", NULL);
	eg_floor_batch batch = {.part = &s.train};
	OK(b, eg_floor_next(&batch, 1, &b->err));
	for (int i = 0; i < 50; i++) { /* of a text that it knows: its own target */
		const char *texts[1] = {NULL};
		const eg_record *r = eg_samples_record(s.train.samples, &batch.fill, 0);
		OK(b, s.floor->type->write(s.floor, &batch, texts, &b->err));
		assert_int_equal(strlen(texts[0]), r->fields[1].text.size);
		assert_memory_equal(texts[0], r->fields[1].text.bytes, r->fields[1].text.size);
		OK(b, eg_floor_next(&batch, 1, &b->err));
	}
	eg_floor_batch_free(&batch);
	stand_down(&s);
}

/* Is it a recipe of a network that can write? */
static eg_status suits(bench *b, eg_recipe *r) {
	eg_task *t;
	eg_graph *g = NULL;
	const eg_size *sizes;
	eg_status status = eg_task_open(r, &t, &b->err);
	if (!status) {
		status = eg_task_sizes(t, &sizes, &b->err);
		if (!status) status = eg_task_fits(t, &b->err);
		if (!status) status = eg_recipe_build(r, b->ctx, sizes, &g, &b->err);
		if (!status) status = eg_task_suits(t, g, &b->err);
		eg_graph_free(g);
		eg_task_free(t);
	}
	eg_recipe_free(r);
	return status;
}

static void refuse(bench *b, const char *inputs, const char *network, const char *loss, const char *words) {
	eg_recipe *r = bench_recipe(b,
		"name: no\ntask: translate\ndata: {source: pairs, path: %s/words.tsv}\ninputs: %s\nmodel: %s\ntrain: {loss: %s}\n",
		b->folder, inputs, network, loss);
	assert_int_not_equal(suits(b, r), EG_OK);
	SAYS(b, words);
}

static void networks_that_cannot_write(void **state) {
	bench *b = *state;
	refuse(b, "{text: [time]}", "[{embedding: 4}, {lstm: 4}, {linear: classes}]", "cross_entropy",
		"previous: [time]");
	refuse(b, "{text: [source], previous: [source]}", "[" ENCODER ", " DECODER "]", "cross_entropy",
		"previous: [time]");
	refuse(b, "{text: [source], previous: [time]}", NETWORK, "crf", "unit by unit");
	refuse(b, "{text: [source], previous: [time]}",
		"[{embedding: {size: 4, from: text}}, {lstm: {hidden: 4, name: memory}}, "
		"{embedding: {size: 4, count: classes, from: previous}}, {lstm: 4}, {linear: classes}]\noutputs: {read: memory}",
		"cross_entropy", "nothing that is written comes from the text");
}

/* A decoder between `previous` and an attention to the text. */
#define TRANSLATOR(layers, attention) \
	"[{embedding: {size: 16, from: text}}, {lstm: {hidden: 16, name: memory}}, " \
	"{embedding: {size: 16, count: classes, from: previous}}, " layers ", " attention ", {linear: classes}]"
#define LOOK "{multiplicative_attention: {from: [state, memory, lengths.source]}}"

static void decoders_that_need_more_than_a_step(void **state) {
	bench *b = *state;
	static const char *const networks[][2] = {
		{TRANSLATOR("{lstm: {hidden: 8, bidirectional: true, name: state}}", LOOK), "'state' (lstm) looks ahead"},
		{TRANSLATOR("{gru: {hidden: 16, reverse: true, name: state}}", LOOK), "'state' (gru) looks ahead"},
		{TRANSLATOR("{multi_head_attention: {heads: 2, causal: true, name: state}}", LOOK),
			"'state' (multi_head_attention) looks ahead"},
		{TRANSLATOR("{lstm: {hidden: 16, name: state}}",
			 "{multi_head_attention: {heads: 2, causal: true, from: [state, memory], name: seen}}"),
			"'seen' (multi_head_attention) looks ahead"},
		{TRANSLATOR("{lstm: {hidden: 16, from: {h0: memory.hn, c0: memory.cn}, name: state}}", LOOK),
			"'state' (lstm) is given the state it begins with"},
	};
	for (size_t i = 0; i < sizeof networks / sizeof *networks; i++)
		refuse(b, "{text: [source], previous: [time]}", networks[i][0], "cross_entropy", networks[i][1]);
	OK(b, suits(b, recipe(b, "",
		TRANSLATOR("{multi_head_attention: {heads: 2, causal: true, context: 9, name: state}}",
			"{multi_head_attention: {heads: 2, from: [state, memory]}}"), "")));
}

static void attention_that_is_told(void **state) {
	bench *b = *state;
	const char *const called = TRANSLATOR("{lstm: {hidden: 16, name: state}}",
		"{multiplicative_attention: {from: [state, memory], name: attention}}");
	assert_int_not_equal(suits(b, recipe(b, "", NETWORK, "outputs: {attention: state}\n")), EG_OK);
	SAYS(b, "`attention` is (T,N,32), and must be (N,T,source)");
	assert_int_not_equal(suits(b, recipe(b, ", coverage: 0.2", NETWORK, "")), EG_OK);
	SAYS(b, "need to know where the network looks");
	OK(b, suits(b, recipe(b, "", called, "")));
	assert_int_not_equal(suits(b, recipe(b, ", coverage: 0.2", called, "")), EG_OK); /* a layer is no output */
	OK(b, suits(b, recipe(b, ", coverage: 0.2", NETWORK, "outputs: {attention: seen.weights}\n")));
}

static void keep_weights(eg_params *p, const void *user) { (void)p, (void)user; }

static void attention_that_is_not_told(void **state) {
	bench *b = *state;
	static const char *const settings[] = {"coverage=0.2", "alignment=a.svg"};
	eg_model *m = bench_weigh_all(b, recipe(b, "", NETWORK, ""), keep_weights, NULL);
	for (int i = 0; i < 2; i++) {
		eg_predictor *p = bench_predictor(b, m, settings[i]);
		ask_in_vain(b, p, text("abc"), "need to know where the network looks");
		eg_predictor_free(p);
	}
	eg_model_free(m);
}

/* What the part that writes reads of the other is of samples, and as long as the text. */
static void results_of_no_sample(void **state) {
	bench *b = *state;
	static const eg_real ones[8] = {1, 1, 1, 1, 1, 1, 1, 1};
	for (int timed = 0; timed < 2; timed++) {
		eg_graph *g = eg_graph_new(b->ctx, &b->err);
		const eg_tensor previous = eg_input(g, "previous", EG_I32, EG_DIMS(EG_T, EG_N)),
				other = timed ? eg_input(g, "other", EG_F32, EG_DIMS(EG_T, EG_N, 8))
					      : eg_constant(g, ones, EG_F32, EG_DIMS(8));
		const eg_tensor y = eg_add(g, eg_embedding(g, previous, .count = 5, .size = 8), eg_relu(g, other));
		eg_output(g, "logits", eg_linear(g, y, .units = 5));
		OK(b, eg_graph_status(g, &b->err));
		assert_int_equal(eg_scribe_cut(g, "previous", &b->err), EG_ERR_SHAPE);
		SAYS(b, timed ? "has the size `time`" : "no dimension of their own");
		eg_graph_free(g);
	}
}

/* Of the text that is read, but not of the target, which `previous` is filled with. */
static void drops_units_of_the_text(void **state) {
	bench *b = *state;
	eg_recipe *r = recipe(b, "", NETWORK, "augment: [unit_dropout: 0.5]\n");
	stand s = {.b = b, .recipe = r, .d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN})};
	const eg_dataset *set = eg_samples_get(s.d.samples, EG_PART_TRAIN);
	OK(b, eg_recipe_build(r, b->ctx, eg_samples_sizes(s.d.samples), &s.graph, &b->err));
	OK(b, eg_task_suits(s.d.task, s.graph, &b->err));
	int dropped = 0;
	for (uint32_t item = 0; item < 40; item++) {
		int32_t x[2][4][16] = {{{0}}};
		int sizes[EG_MAX_DIMS] = {set->size_of(set->user, item, 0)};
		const int time = set->time_of(set->user, item);
		for (int k = 0; k < 2; k++)
			OK(b, set->fill(set->user,
				      &(eg_fill){.items = &item, .n = 1, .time = time, .sizes = sizes, .epoch = k - 1},
				      (void *[]){x[k][0], x[k][1], x[k][2], x[k][3]}, &b->err));
		for (int i = 0; i < sizes[0]; i++) dropped += x[0][0][i] != x[1][0][i];
		for (int i = 1; i < 4; i++) assert_memory_equal(x[0][i], x[1][i], sizeof x[0][i]);
	}
	assert_in_range(dropped, 20, 100);
	eg_graph_free(s.graph);
	undraw(&s.d);
	eg_recipe_free(r);
}

/* Lines that are no pairs stop a training, with their place, or are passed over and told. */
static void pairs_that_are_none(void **state) {
	bench *b = *state;
	static const char *const lines[][2] = {{"a\tb\nno second half\n", "broken.tsv:2"},
		{"a\tb\nx\t\n", "broken.tsv:2"}, {"\ty\na\tb\n", "broken.tsv:1"}};
	for (int i = 0; i < 3; i++) {
		bench_text(b, "broken.tsv", lines[i][0]);
		eg_recipe *r = bench_recipe(b,
		        "name: no\ntask: translate\ndata: {source: pairs, path: %s/broken.tsv}\n"
		        "inputs: {text: [source], previous: [time]}\nmodel: %s\n", b->folder, NETWORK);
		eg_task *t;
		eg_samples *s;
		OK(b, eg_task_open(r, &t, &b->err));
		assert_int_not_equal(
			eg_samples_load(t, &(eg_samples_options){.part = EG_PART_TRAIN}, &s, &b->err), EG_OK);
		SAYS(b, lines[i][1]);
		eg_task_free(t);
		eg_recipe_free(r);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(learns_and_answers),
	        cmocka_unit_test(together_as_alone),
	        cmocka_unit_test(unknown_and_empty),
	        cmocka_unit_test(draws_where_it_looks),
	        cmocka_unit_test(judges_what_it_writes),
	        cmocka_unit_test(references_of_a_sentence),
	        cmocka_unit_test(settings_of_fields),
	        cmocka_unit_test(memory_finds_the_nearest),
	        cmocka_unit_test(networks_that_cannot_write),
	        cmocka_unit_test(decoders_that_need_more_than_a_step),
	        cmocka_unit_test(attention_that_is_told),
	        cmocka_unit_test(attention_that_is_not_told),
	        cmocka_unit_test(results_of_no_sample),
	        cmocka_unit_test(drops_units_of_the_text),
	        cmocka_unit_test(pairs_that_are_none),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
