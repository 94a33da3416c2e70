/* test_tag.c - the task `tag`: spans from tags, F1 by hand, heads with and without a conditional random field, answers
 * to sentences however they are given.
 *
 * Most networks here are a table, whose rows are set: a token that is called like a tag is given this tag. Not
 * here: reading tagged sentences (test_tables.c), the field's arithmetic (test_ctc_crf.c). */
#include "support_tasks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- networks ---------------------------------------------------------------------------------------------------- */

static eg_recipe *recipe(bench *b, const char *file, const char *more, const char *model, const char *loss) {
	return bench_recipe(b,
	        "name: tagger\ntask: tag\ndata: {source: conll, path: %s/%s%s}\ninput: [time]\nmodel: %s\n"
	        "train: {loss: %s, optimizer: {adam: {lr: 0.05}}, batch: 4, epochs: 20}\n",
	        b->folder, file, more, model, loss);
}

#define TABLE "[{embedding: classes}]"
#define READER "[{embedding: 6}, {lstm: {hidden: 5, bidirectional: true, from: {lengths: lengths}}}, {linear: classes}]"

/* The row of each token has a 1 at the tag it is called. user: what the task keeps. */
static void call_by_name(eg_params *p, const void *user) {
	const eg_value *tags = eg_value_get(user, "tags"), *names = eg_value_get(eg_value_get(user, "tokens"), "names");
	eg_real *row = eg_params_data(p, 0);
	int n = (int)eg_value_count(tags);
	for (const eg_value *token = eg_value_first(names); token; token = eg_value_next(token)) {
		int k = 0;
		row += n; /* row 0 is that of unknown tokens */
		for (const eg_value *tag = eg_value_first(tags); tag; tag = eg_value_next(tag), k++)
			if (!strcmp(eg_value_text(tag), eg_value_text(token))) row[k] = 1;
	}
}

static eg_model *table(bench *b, const char *file, const char *more, const char *loss) {
	eg_recipe *r = recipe(b, file, more, TABLE, loss);
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	eg_model *m = bench_weigh(b, r, d.samples, call_by_name, eg_samples_kept(d.samples));
	undraw(&d);
	eg_recipe_free(r);
	return m;
}

static const char TAGS[] = "B-PER\tB-PER\nI-PER\tI-PER\nB-LOC\tB-LOC\nI-LOC\tI-LOC\nO\tO\nN\tN\nV\tV\nB\tB\n\n";

/* ---- spans ------------------------------------------------------------------------------------------------------- */

static void spans_are(bench *b, eg_predictor *p, const char *text, const char *want) {
	char have[300] = "";
	const eg_value *answer = ask(b, p, (eg_question){.bytes = text, .size = strlen(text)});
	for (const eg_value *s = eg_value_first(eg_value_get(answer, "spans")); s; s = eg_value_next(s))
		snprintf(have + strlen(have), sizeof have - strlen(have), "%s %d-%d '%s';",
		        eg_value_text(eg_value_get(s, "type")), (int)eg_value_int(eg_value_get(s, "start"), -1),
		        (int)eg_value_int(eg_value_get(s, "end"), -1), eg_value_text(eg_value_get(s, "text")));
	if (strcmp(have, want) != 0) fail_msg("'%s': %s\ninstead of %s", text, have, want);
}

static void tags_make_spans(void **state) {
	static const char *const heads[] = {"crf", "cross_entropy"};
	bench *b = *state;
	bench_text(b, "tags.tsv", TAGS);
	for (int i = 0; i < 2; i++) {
		eg_model *m = table(b, "tags.tsv", "", heads[i]);
		eg_predictor *p = bench_predictor(b, m, NULL);
		assert_true((eg_graph_find(eg_model_graph(m), "path").id != 0) == (i == 0));
		spans_are(b, p, "B-PER I-PER O", "PER 0-2 'B-PER I-PER';");
		spans_are(b, p, "O O", "");
		spans_are(b, p, "B-PER B-PER", "PER 0-1 'B-PER';PER 1-2 'B-PER';");
		spans_are(b, p, "O B-LOC I-LOC", "LOC 1-3 'B-LOC I-LOC';");       /* ends with the sentence */
		spans_are(b, p, "N N V O N", "N 0-2 'N N';V 2-3 'V';N 4-5 'N';"); /* no B- and I-: runs of a tag */
		spans_are(b, p, "", "");
		spans_are(b, p, "B-PER", "PER 0-1 'B-PER';");
		eg_predictor_free(p);
		eg_model_free(m);
	}
}

/* Without a crf a network may say what goes on with nothing: it begins a span. */
static void strays_begin_spans(void **state) {
	bench *b = *state;
	bench_text(b, "tags.tsv", TAGS);
	eg_model *m = table(b, "tags.tsv", "", "cross_entropy");
	eg_predictor *p = bench_predictor(b, m, NULL);
	spans_are(b, p, "I-PER O", "PER 0-1 'I-PER';"); /* I- without B- begins one */
	spans_are(b, p, "O I-PER I-PER", "PER 1-3 'I-PER I-PER';");
	spans_are(b, p, "B-PER I-LOC I-LOC",
	        "PER 0-1 'B-PER';LOC 1-3 'I-LOC I-LOC';"); /* another type begins one */
	spans_are(b, p, "B-PER I-LOC I-PER", "PER 0-1 'B-PER';LOC 1-2 'I-LOC';PER 2-3 'I-PER';");
	spans_are(b, p, "I-PER B-PER I-PER", "PER 0-1 'I-PER';PER 1-3 'B-PER I-PER';");
	spans_are(b, p, "B-PER O I-PER", "PER 0-1 'B-PER';PER 2-3 'I-PER';");
	spans_are(b, p, "B B I-PER", "B 0-2 'B B';PER 2-3 'I-PER';");
	spans_are(b, p, "N I-PER", "N 0-1 'N';PER 1-2 'I-PER';");
	assert_value(ask(b, p, (eg_question){.bytes = "O I-LOC", .size = 7}),
	        "{\"tags\": [\"O\", \"I-LOC\"], \"spans\": [{\"type\": \"LOC\", \"start\": 1, \"end\": 2, "
	        "\"text\": \"I-LOC\"}]}");
	eg_predictor_free(p);
	eg_model_free(m);
}

/* A crf does not, however much the network would like to; nor has anything else that it says changed. */
static void a_crf_goes_on_with_what_has_begun(void **state) {
	static const char *const asked[] = {"I-PER", "O I-PER I-PER", "B-PER I-LOC I-PER", "I-PER I-LOC I-PER I-LOC", "N I-LOC O"};
	bench *b = *state;
	bench_text(b, "tags.tsv", TAGS);
	eg_model *m = table(b, "tags.tsv", "", "crf");
	eg_predictor *p = bench_predictor(b, m, NULL);
	for (int i = 0; i < 5; i++) {
		const eg_value *answer = ask(b, p, (eg_question){.bytes = asked[i], .size = strlen(asked[i])});
		const char *before = "O";
		for (const eg_value *t = eg_value_first(eg_value_get(answer, "tags")); t; t = eg_value_next(t)) {
			const char *tag = eg_value_text(t);
			if (tag[0] == 'I' && (before[0] == 'O' || strcmp(before + 2, tag + 2) != 0))
				fail_msg("'%s': %s behind %s", asked[i], tag, before);
			before = tag;
		}
	}
	spans_are(b, p, "O I-PER I-PER O B-PER I-PER", "PER 1-3 'I-PER I-PER';PER 4-6 'B-PER I-PER';");
	eg_predictor_free(p);
	eg_model_free(m);
}

/* An I-X that follows no X is trained and judged as B-X, which is what it means. */
static bool take_truth(void *user, const eg_answered *a) {
	char *have = user;
	for (const eg_value *t = eg_value_first(eg_value_get(a->truth, "tags")); t; t = eg_value_next(t))
		strcat(strcat(have, eg_value_text(t)), " ");
	strcat(have, ". ");
	return true;
}

static void strays_are_targets(void **state) {
	bench *b = *state;
	char have[200] = "";
	bench_text(b, "strays.tsv", "a\tB-PER\nb\tI-PER\n\nb\tI-PER\na\tI-PER\nc\tO\na\tI-PER\n");
	eg_model *m = table(b, "strays.tsv", "", "crf");
	eg_predictor *p = bench_predictor(b, m, NULL);
	drawn d = draw_for(b, m, EG_PART_TRAIN, NULL, NULL);
	OK(b, eg_samples_answer(p, d.samples, EG_PART_TRAIN, take_truth, have, &b->err));
	assert_string_equal(have, "B-PER I-PER . B-PER I-PER O B-PER . ");
	undraw(&d);
	eg_predictor_free(p);
	eg_model_free(m);
}

/* ---- pairs ------------------------------------------------------------------------------------------------------- */

/* x is A where a y follows and B where not: one number a step cannot tell. Units: 2 tokens and all others; 3 pairs,
 * "x y", "y x", "x ", and all others ("y " once only). */
static void pairs_see_the_next_token(void **state) {
	bench *b = *state;
	bench_text(b, "pairs.tsv", "x\tA\ny\tO\nx\tB\n\ny\tO\nx\tA\ny\tO\nx\tB\n\nx\tA\ny\tO\n");
	eg_recipe *r = bench_recipe(b,
	        "name: pairs\ntask: tag\ndata: {source: conll, path: %s/pairs.tsv, pairs: true}\ninput: [time, 2]\n"
	        "model: [{embedding: 4}, {flatten: 2}, {linear: classes}]\n"
	        "train: {optimizer: {adam: {lr: 0.1}}, batch: 4, epochs: 60}\n",
	        b->folder);
	eg_model *m = bench_train_all(b, r);
	eg_predictor *p = bench_predictor(b, m, NULL);
	assert_value(ask(b, p, (eg_question){.bytes = "xyx", .size = 3}),
	        "{\"tags\": [\"A\", \"O\", \"B\"], \"spans\": [{\"type\": \"A\", \"start\": 0, \"end\": 1, \"text\": \"x\"}, "
	        "{\"type\": \"B\", \"start\": 2, \"end\": 3, \"text\": \"x\"}]}");
	assert_int_equal(eg_value_count(eg_value_get(eg_value_get(eg_model_task(m), "tokens"), "pairs")), 3);
	eg_value *facts;
	OK(b, eg_task_describe(m, &facts, &b->err));
	assert_int_equal(eg_value_int(eg_value_get(facts, "vocabulary"), 0), 3 + 4);
	eg_value_free(facts);
	eg_predictor_free(p);
	eg_model_free(m);
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

/* The token is what is said, its tag the truth. The first sentence is right; in the others an end, a type are wrong,
 * something is too much, or missed. */
static const char JUDGED[] = "B-PER\tB-PER\nI-PER\tI-PER\nO\tO\nB-LOC\tB-LOC\n\n"
			     "B-PER\tB-PER\nO\tI-PER\nO\tO\n\n"
			     "B-LOC\tB-PER\n\n"
			     "O\tO\nB-PER\tO\n\n"
			     "O\tB-LOC\n\n"
			     "O\tB-PER\nO\tB-PER\n";

static const eg_value *type_at(const eg_evaluation *e, int i) {
	return eg_value_at(eg_value_get(eg_evaluation_result(e), "per_class"), i);
}
static double part_of(const eg_value *v, const char *key) { return eg_value_number(eg_value_get(v, key), NAN); }

static void spans_are_counted(void **state) {
	static const char *const heads[] = {"crf", "cross_entropy"}, *const names[] = {
	                                                                     "f1", "precision", "recall", "accuracy"};
	static const double want[] = {2 * 2.0 / (7 + 5), 2.0 / 5, 2.0 / 7, 7.0 / 13};
	bench *b = *state;
	char text[500];
	snprintf(text, sizeof text, "%s%s", TAGS, JUDGED);
	bench_text(b, "judged.tsv", text);
	for (int i = 0; i < 2; i++) {
		eg_model *m = table(b, "judged.tsv", ", test_last: 6", heads[i]);
		for (int batch = 1; batch <= 6; batch += 5) { /* with padding, and without */
			drawn d = draw_for(b, m, EG_PART_TEST, NULL, NULL);
			eg_evaluation *e;
			OK(b, eg_evaluation_run(m, d.samples, EG_PART_TEST, batch, &e, &b->err));
			assert_int_equal(eg_evaluation_count(e), 4);
			for (int k = 0; k < 4; k++) {
				assert_string_equal(eg_evaluation_metric(e, k)->name, names[k]);
				assert_true(eg_evaluation_metric(e, k)->share);
				assert_near(eg_evaluation_value(e, k), want[k], 1e-12);
			}
			assert_int_equal(eg_evaluation_total(e), 6);
			for (int k = 0; k < 2; k++) {
				const eg_value *t = type_at(e, k);
				bool place = !strcmp(eg_value_text(eg_value_get(t, "class")), "LOC");
				assert_int_equal(eg_value_int(eg_value_get(t, "n"), -1), place ? 2 : 5);
				assert_near(part_of(t, "precision"), place ? 1.0 / 2 : 1.0 / 3, 1e-12);
				assert_near(part_of(t, "recall"), place ? 1.0 / 2 : 1.0 / 5, 1e-12);
				assert_near(part_of(t, "f1"), place ? 1.0 / 2 : 2.0 / 8, 1e-12);
			}
			assert_null(type_at(e, 2));
			eg_evaluation_free(e);
			undraw(&d);
		}
		eg_model_free(m);
	}
}

typedef struct told {
	bool seen[10];
	int n, tokens, right;
} told;

static bool take_answer(void *user, const eg_answered *a) {
	told *t = user;
	static const char *const truths[] = {"PER 0-2 'B-PER I-PER';LOC 3-4 'B-LOC';", "PER 0-2 'B-PER O';",
	        "PER 0-1 'B-LOC';", "", "LOC 0-1 'O';", "PER 0-1 'O';PER 1-2 'O';"};
	char have[300] = "";
	assert_true(a->index >= 0 && a->index < 6 && !t->seen[a->index]);
	t->seen[a->index] = true;
	for (const eg_value *s = eg_value_first(eg_value_get(a->truth, "spans")); s; s = eg_value_next(s))
		snprintf(have + strlen(have), sizeof have - strlen(have), "%s %d-%d '%s';",
		        eg_value_text(eg_value_get(s, "type")), (int)eg_value_int(eg_value_get(s, "start"), -1),
		        (int)eg_value_int(eg_value_get(s, "end"), -1), eg_value_text(eg_value_get(s, "text")));
	assert_string_equal(have, truths[a->index]);
	const eg_value *said = eg_value_first(eg_value_get(a->answer, "tags")),
	               *meant = eg_value_first(eg_value_get(a->truth, "tags"));
	for (; said && meant; said = eg_value_next(said), meant = eg_value_next(meant)) {
		t->tokens++;
		t->right += !strcmp(eg_value_text(said), eg_value_text(meant));
	}
	assert_true(!said && !meant);
	t->n++;
	return true;
}

static void answers_have_truths(void **state) {
	bench *b = *state;
	char text[500];
	told t = {.n = 0};
	snprintf(text, sizeof text, "%s%s", TAGS, JUDGED);
	bench_text(b, "judged.tsv", text);
	eg_model *m = table(b, "judged.tsv", ", test_last: 6", "crf");
	eg_predictor *p = bench_predictor(b, m, NULL);
	drawn d = draw_for(b, m, EG_PART_TEST, NULL, NULL);
	OK(b, eg_samples_answer(p, d.samples, EG_PART_TEST, take_answer, &t, &b->err));
	assert_true(t.n == 6 && t.tokens == 13 && t.right == 7);
	undraw(&d);
	eg_predictor_free(p);
	eg_model_free(m);
}

/* ---- the field --------------------------------------------------------------------------------------------------- */

/* As call_by_name, but no I-PER may follow an O. */
static void forbid(eg_params *p, const void *user) {
	const eg_value *tags = eg_value_get(user, "tags");
	int n = (int)eg_value_count(tags), from = -1, to = -1, k = 0;
	call_by_name(p, user);
	for (const eg_value *tag = eg_value_first(tags); tag; tag = eg_value_next(tag), k++) {
		if (!strcmp(eg_value_text(tag), "O")) from = k;
		if (!strcmp(eg_value_text(tag), "I-PER")) to = k;
	}
	for (int i = 0; i < eg_params_count(p); i++) {
		eg_dims d = eg_params_dims(p, i);
		if (strstr(eg_params_name(p, i), "transitions")) eg_params_data(p, i)[from * n + to] = -5;
		assert_true(i == 0 || d.rank < 2 || strstr(eg_params_name(p, i), "transitions"));
	}
}

static void the_best_path_is_told(void **state) {
	bench *b = *state;
	bench_text(b, "tags.tsv", TAGS);
	eg_recipe *r = recipe(b, "tags.tsv", "", TABLE, "crf");
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	eg_model *m = bench_weigh(b, r, d.samples, forbid, eg_samples_kept(d.samples));
	eg_predictor *p = bench_predictor(b, m, NULL);
	spans_are(b, p, "B-PER I-PER", "PER 0-2 'B-PER I-PER';");
	const eg_value *tags = eg_value_get(ask(b, p, (eg_question){.bytes = "O I-PER I-PER", .size = 13}), "tags");
	bool o = !strcmp(eg_value_text(eg_value_at(tags, 0)), "O"),
	     inside = !strcmp(eg_value_text(eg_value_at(tags, 1)), "I-PER");
	assert_true(o != inside); /* each alone would be right */
	assert_string_equal(eg_value_text(eg_value_at(tags, 2)), "I-PER");
	eg_predictor_free(p);
	eg_model_free(m);
	undraw(&d);
	eg_recipe_free(r);
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

static const char WORDS[] = "Ada\tB-PER\nLovelace\tI-PER\nwrote\tO\nin\tO\nLondon\tB-LOC\n\nLondon\tB-"
			    "LOC\nis\tO\nlarge\tO\n\nAda\tB-PER\nis\tO\nin\tO\nLondon\tB-LOC\n",
		  CHARACTERS[] =
			  "\xe6\x9d\x8e\tB-PER\n\xe6\x98\x8e\tI-PER\n\xe5\x9c\xa8\tO\n\xe5\x8c\x97\tB-"
			  "LOC\n\xe4\xba\xac\tI-LOC\n\n\xe5\x9c\xa8\tO\n\xe5\x8c\x97\tB-LOC\n\xe4\xba\xac\tI-LOC\n";

/* Raw texts are cut as the training tokens were: at white space, or into characters; spans are put together
 * likewise. */
static void texts_are_cut(void **state) {
	bench *b = *state;
	bench_text(b, "words.tsv", WORDS);
	bench_text(b, "characters.tsv", CHARACTERS);
	eg_model *m = bench_train_all(b, recipe(b, "words.tsv", "", "[{embedding: 8}, {linear: classes}]", "crf"));
	eg_predictor *p = bench_predictor(b, m, NULL);
	spans_are(b, p, " Ada  Lovelace\tin\nLondon \r\n", "PER 0-2 'Ada Lovelace';LOC 3-4 'London';");
	assert_int_equal(
	        eg_value_count(eg_value_get(ask(b, p, (eg_question){.bytes = "what is that?", .size = 13}), "tags")),
	        3);
	ask_in_vain(b, p, (eg_question){.bytes = "caf\xe9", .size = 4, .name = "line 3"}, "line 3, column 4: byte 0xE9 is not UTF-8");
	eg_predictor_free(p);
	eg_model_free(m);
	m = bench_train_all(b, recipe(b, "characters.tsv", "", "[{embedding: 8}, {linear: classes}]", "cross_entropy"));
	p = bench_predictor(b, m, NULL);
	spans_are(b, p, "\xe6\x9d\x8e\xe6\x98\x8e\xe5\x9c\xa8\xe5\x8c\x97\xe4\xba\xac",
	        "PER 0-2 '\xe6\x9d\x8e\xe6\x98\x8e';LOC 3-5 '\xe5\x8c\x97\xe4\xba\xac';");
	assert_int_equal(eg_value_count(eg_value_get(ask(b, p, (eg_question){.bytes = "ab c", .size = 4}), "tags")),
	        4); /* a space is one too */
	eg_predictor_free(p);
	eg_model_free(m);
}

/* Text, file, JSON text, JSON list, record: one answer. Of numbers the tags are the same, and there is no text to
 * show. */
static void one_answer_for_all_kinds(void **state) {
	bench *b = *state;
	static const char text[] = "Ada is large in London", json[] = "{\"tokens\": \"Ada is large in London\"}",
	                  list[] = "{\"tokens\": [\"Ada\", \"is\", \"large\", \"in\", \"London\"]}";
	static const char *const words[] = {"Ada", "is", "large", "in", "London"};
	bench_text(b, "words.tsv", WORDS);
	eg_model *m = bench_train_all(b, recipe(b, "words.tsv", "", READER, "crf"));
	eg_predictor *p = bench_predictor(b, m, NULL);
	const eg_field *fields;
	assert_int_equal(eg_predictor_fields(p, &fields), 1);
	assert_true(!strcmp(fields[0].name, "tokens") && fields[0].kind == EG_FIELD_TOKENS);
	eg_record r = {.fields = {{.there = true, .tokens = {5, words}}}};
	const eg_question questions[] = {{.bytes = text, .size = sizeof text - 1},
	        {.path = bench_text(b, "text.txt", text)}, {.bytes = json, .size = sizeof json - 1, .json = true},
	        {.bytes = list, .size = sizeof list - 1, .json = true}, {.record = &r}};
	eg_value *first = eg_value_new(EG_VALUE_MAP);
	eg_value_put_copy(first, "answer", ask(b, p, questions[0]));
	const eg_value *answer = eg_value_get(first, "answer"),
	               *names = eg_value_get(eg_value_get(eg_model_task(m), "tokens"), "names");
	for (int i = 0; i < EG_COUNT(questions); i++) assert_same(ask(b, p, questions[i]), answer);
	int32_t ids[5] = {0};
	for (int i = 0; i < 5; i++)
		for (int k = 0; k < eg_value_count(names); k++)
			if (!strcmp(eg_value_text(eg_value_at(names, k)), words[i])) ids[i] = k + 1;
	const void *tensors[] = {ids};
	const eg_value *of_ids = ask(b, p, (eg_question){.tensors = tensors, .time = 5});
	assert_same(eg_value_get(of_ids, "tags"), eg_value_get(answer, "tags"));
	assert_int_equal(eg_value_count(eg_value_get(of_ids, "spans")), eg_value_count(eg_value_get(answer, "spans")));
	for (const eg_value *s = eg_value_first(eg_value_get(of_ids, "spans")); s; s = eg_value_next(s))
		assert_null(eg_value_text(eg_value_get(s, "text")));
	ask_in_vain(b, p, (eg_question){.bytes = "{\"tokens\": [1]}", .size = 15, .json = true},
	        "'tokens' must be a list of texts");
	eg_value_free(first);
	eg_predictor_free(p);
	eg_model_free(m);
}

/* Sentences of different lengths at once, and one after the other: the same. */
static void many_are_answered_as_one(void **state) {
	static const char *const texts[] = {"Ada", "Ada Lovelace wrote", "", "London is large", "in London",
	        "Ada Lovelace wrote in London", "is", "London London London"};
	static const char *const heads[] = {"crf", "cross_entropy"};
	bench *b = *state;
	bench_text(b, "words.tsv", WORDS);
	for (int h = 0; h < 2; h++) {
		eg_question questions[EG_COUNT(texts)];
		const eg_value *answers[EG_COUNT(texts)];
		eg_error errors[EG_COUNT(texts)];
		eg_model *m = bench_train_all(b, recipe(b, "words.tsv", "", READER, heads[h]));
		eg_predictor *all = bench_predictor(b, m, NULL), *one = bench_predictor(b, m, NULL);
		for (int i = 0; i < EG_COUNT(texts); i++)
			questions[i] = (eg_question){.bytes = texts[i], .size = strlen(texts[i])};
		OK(b, eg_predictor_run(all, questions, EG_COUNT(texts), answers, errors, &b->err));
		for (int i = 0; i < EG_COUNT(texts); i++) {
			assert_non_null(answers[i]);
			assert_same(ask(b, one, questions[i]), answers[i]);
		}
		assert_int_equal(eg_value_count(eg_value_get(answers[5], "tags")), 5);
		assert_int_equal(eg_value_count(eg_value_get(answers[2], "tags")), 0);
		spans_are(b, one, "Ada Lovelace wrote in London",
		        "PER 0-2 'Ada Lovelace';LOC 4-5 'London';"); /* it has learnt */
		eg_predictor_free(all);
		eg_predictor_free(one);
		eg_model_free(m);
	}
}

/* ---- the section and the network --------------------------------------------------------------------------------- */

static void refuse_network(bench *b, const char *model, const char *loss, const char *words) {
	eg_task *t;
	eg_graph *g = NULL;
	const eg_size *sizes;
	eg_recipe *r = recipe(b, "words.tsv", "", model, loss);
	OK(b, eg_task_open(r, &t, &b->err));
	OK(b, eg_task_sizes(t, &sizes, &b->err));
	eg_status status = eg_recipe_build(r, b->ctx, sizes, &g, &b->err);
	if (!status) status = eg_task_suits(t, g, &b->err);
	assert_int_not_equal(status, EG_OK);
	SAYS(b, words);
	eg_graph_free(g);
	eg_task_free(t);
	eg_recipe_free(r);
}

static void networks_answer_at_every_step(void **state) {
	bench *b = *state;
	eg_task *t;
	bench_text(b, "words.tsv", WORDS);
	refuse_network(b, "[{embedding: 6}, last, {linear: classes}]", "cross_entropy",
	        "r.yaml:5:8: to tag, a network answers at every step, with a number for each tag");
	refuse_network(b, "[{embedding: 6}, {linear: 3}]", "crf", "but there are 4 classes");
	eg_recipe *r = bench_recipe(b,
	        "name: a\ntask: tag\ndata: {source: conll, path: %s/words.tsv}\ninput: [time, 2]\nmodel: [{linear: "
	        "classes}]\n",
	        b->folder);
	OK(b, eg_task_open(r, &t, &b->err));
	assert_string_equal(eg_task_unit(t, true), "sentence");
	assert_string_equal(eg_task_unit(t, false), "sentences");
	assert_int_equal(eg_task_fits(t, &b->err), EG_ERR_SHAPE);
	SAYS(b, "tokens are read one by one: write input: [time]");
	eg_task_free(t);
	eg_recipe_free(r);
}

/* Another file has the same tags in another order; one that training has not is named. */
static void tags_meet_by_name(void **state) {
	bench *b = *state;
	char text[500], more[600];
	snprintf(text, sizeof text, "%s%s", TAGS, JUDGED);
	bench_text(b, "judged.tsv", text);
	snprintf(text, sizeof text, "B-LOC\tB-LOC\n\n%s", JUDGED); /* fewer tags, so other numbers */
	bench_text(b, "other.tsv", text);
	snprintf(more, sizeof more, "%s\nO\tB-PRE\n", text);
	bench_text(b, "odd.tsv", more);
	eg_model *m = table(b, "judged.tsv", ", test_last: 6", "crf");
	eg_evaluation *e = bench_evaluate(b, m, EG_PART_TEST, "conll", bench_path(b, "other.tsv"));
	assert_near(eg_evaluation_find(e, "f1"), 1.0 / 3, 1e-12);
	assert_near(eg_evaluation_find(e, "accuracy"), 7.0 / 13, 1e-12);
	eg_evaluation_free(e);
	refuse_samples(b, m, EG_PART_TEST, "conll", bench_path(b, "odd.tsv"),
	        "the data has a tag 'B-PRE', which is not among the 8 that the model knows (is it 'B-PER'?)");
	eg_value *facts;
	OK(b, eg_task_describe(m, &facts, &b->err));
	assert_value(facts, "{\"vocabulary\": 9, \"tags\": [\"O\", \"B\", \"B-LOC\", \"B-PER\", \"I-LOC\", \"I-PER\", "
	                    "\"N\", \"V\"]}");
	eg_value_free(facts);
	eg_model_free(m);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(tags_make_spans),
	        cmocka_unit_test(strays_begin_spans),
	        cmocka_unit_test(a_crf_goes_on_with_what_has_begun),
	        cmocka_unit_test(strays_are_targets),
	        cmocka_unit_test(pairs_see_the_next_token),
	        cmocka_unit_test(spans_are_counted),
	        cmocka_unit_test(answers_have_truths),
	        cmocka_unit_test(the_best_path_is_told),
	        cmocka_unit_test(texts_are_cut),
	        cmocka_unit_test(one_answer_for_all_kinds),
	        cmocka_unit_test(many_are_answered_as_one),
	        cmocka_unit_test(networks_answer_at_every_step),
	        cmocka_unit_test(tags_meet_by_name),
	};
	return cmocka_run_group_tests(tests, bench_setup, bench_teardown);
}
