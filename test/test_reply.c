/* test_reply.c - the task `reply`: a network learns to answer by what was said before the last turn; the same talk and
 * seed make the same answer; of ten answers it knows the right one; what a text takes does not depend on how it is cut;
 * talk and answer in one sequence; what was answered to the most alike turn; the forms of files with talks, their
 * parts, and what is none of them.
 *
 * Not here: beam search (test_beam.c), BLEU and chrF (test_text_score.c), the talk on a terminal (cli_chat.sh). */
#define _POSIX_C_SOURCE 200809L /* setenv */
#include "floor_bed.h"
#include "sanitized.h"
#include "tasks/talk.h"

#include "engram_ops.h" /* behind the other: its eg_softmax is a macro */

#include <stdio.h>

/* It looks back at what it has read: a state that was carried so far alone would take long to be learnt. */
#define NETWORK \
	"[{embedding: 16}, {gru: {hidden: 24, name: read}}, " \
	"{multi_head_attention: {heads: 2, causal: true, context: 40, name: seen}}, " \
	"{concat: {from: [read, seen], axis: 2}}, {linear: classes}]"

static const char *const names[] = {"Ann", "Bob", "Dot", "Gus", "Kim", "Liz"};
enum { NAMES = sizeof names / sizeof *names };

/* Who says a name is asked for it two turns later. */
static void write_talks(bench *b) {
	char *text = calloc(1, 60000), *to = text;
	uint32_t x = 1;
	for (int i = 0; i < 420; i++) {
		x = x * 1103515245 + 12345;
		to += sprintf(to, "%s\nHi!\nWho?\n%s\n\n", names[(x >> 16) % NAMES], names[(x >> 16) % NAMES]);
	}
	bench_text(b, "talks.txt", text);
	free(text);
}

static eg_recipe *recipe(bench *b, const char *data, const char *network, const char *train) {
	return bench_recipe(b,
		"name: names\ntask: reply\ndata: {source: dialogue, path: %s/talks.txt, form: lines, validation: 0.05%s}\n"
		"input: [time]\nmodel: %s\n"
		"train: {loss: cross_entropy, optimizer: {adam: {lr: 0.02}}, schedule: cosine, batch: 32, seed: 2%s}\n",
		b->folder, data, network, train);
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
	write_talks(b);
	l = (learnt){b, bench_train_all(b, recipe(b, "", NETWORK, ", epochs: 8"))};
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

static void answers_by_the_talk(void **state) {
	bench *b = *state;
	const char *const settings[] = {NULL, "beam=1", "temperature=0.05", "length_norm=0"};
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
		eg_predictor *p = bench_predictor(b, l.model, settings[i]);
		assert_string_equal(said(b, p, "Bob\n\nHi!\n\nWho?"), "Bob");
		assert_string_equal(said(b, p, "Dot\n\nHi!\n\nWho?\n"), "Dot"); /* as a file has it */
		assert_string_equal(said(b, p, "\n\nGus\n\n\n\nHi!\n\nWho?\n\n"), "Gus");
		assert_string_equal(said(b, p, "Gus\n\nHi!"), "Who?");
		const eg_value *v = ask(b, p, text("Bob\n\nHi!"));
		assert_true(eg_value_number(eg_value_get(v, "logprob"), 1) <= 0);
		assert_int_equal(eg_value_int(eg_value_get(v, "read"), 0), 9); /* two turns, three marks */
		assert_int_equal(eg_value_int(eg_value_get(v, "unknown"), 1), 0);
		eg_predictor_free(p);
	}
}

static void draws_by_seed(void **state) {
	bench *b = *state;
	char first[4][600];
	static const char *const seeds[] = {"seed=3", "seed=3", "seed=7"};
	eg_predictor *p;
	for (int i = 0; i < 3; i++) {
		const char *list[] = {"temperature=30", seeds[i], NULL};
		OK(b, eg_predictor_new(l.model, b->ctx, list, &p, &b->err));
		snprintf(first[i], sizeof first[i], "%.500s", said(b, p, "Bob\n\nHi!"));
		if (i == 0) snprintf(first[3], sizeof first[3], "%.500s", said(b, p, "Ann\n\nHi!"));
		eg_predictor_free(p);
	}
	assert_string_equal(first[0], first[1]);
	assert_string_not_equal(first[0], first[2]);
	assert_string_not_equal(first[0], first[3]);
	const char *both[] = {"temperature=1", "beam=2", NULL};
	OK(b, eg_predictor_new(l.model, b->ctx, both, &p, &b->err));
	ask_in_vain(b, p, text("Bob"), "give one of them");
	eg_predictor_free(p);
}

static void odd_questions(void **state) {
	bench *b = *state;
	eg_predictor *p = bench_predictor(b, l.model, NULL);
	assert_non_null(said(b, p, ""));
	const eg_value *v = ask(b, p, text("\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xf0\x9f\x98\x80"));
	assert_int_equal(eg_value_int(eg_value_get(v, "unknown"), 0), 6); /* no blank in any talk */
	ask_in_vain(b, p, text("Bob\n\n\xff"), "line 3, column 1");
	char *much = malloc(1000002);
	memset(much, 'a', 1000001), much[1000001] = '\0';
	v = ask(b, p, text(much));
	assert_int_equal(eg_value_int(eg_value_get(v, "read"), 0), 256);
	assert_true(eg_value_bool(eg_value_get(v, "cut"), false));
	memcpy(much + 1000000 - 4, "\n\nHi!", 6); /* the last turn is read whole */
	assert_null(eg_value_get(ask(b, p, text(much)), "cut"));
	assert_null(eg_value_get(ask(b, p, text("")), "cut"));
	free(much);
	eg_predictor_free(p);
}

typedef struct counted {
	int n, right;
	double logprob;
} counted;

static bool count(void *user, const eg_answered *a) {
	counted *c = user;
	const char *text = eg_value_text(eg_value_get(a->answer, "text")), *truth = eg_value_text(eg_value_get(a->truth, "text"));
	c->n++, c->right += !strcmp(text, truth);
	return true;
}

static void judges_what_it_writes(void **state) {
	bench *b = *state;
	counted c = {0};
	eg_evaluation *e;
	drawn d = draw_for(b, l.model, EG_PART_TEST, NULL, NULL);
	eg_predictor *p = bench_predictor(b, l.model, NULL);
	OK(b, eg_evaluation_run(l.model, d.samples, EG_PART_TEST, 0, &e, &b->err));
	OK(b, eg_samples_answer(p, d.samples, EG_PART_TEST, count, &c, &b->err));
	assert_int_equal(c.n, 126); /* the last tenth of 420 talks' three answers each */
	assert_int_equal(eg_evaluation_total(e), c.n);
	assert_true(fabs(eg_evaluation_find(e, "exact") - (double)c.right / c.n) < 1e-9);
	assert_true(eg_evaluation_find(e, "exact") > 0.9);
	assert_true(eg_evaluation_find(e, "loss") < 0.2);
	assert_true(eg_evaluation_find(e, "right_of_ten") > 0.85);
	assert_true(eg_evaluation_find(e, "right_of_ten_by_gain") > 0.6); /* some are as likely anywhere */
	eg_predictor_free(p);
	eg_evaluation_free(e);
	undraw(&d);
}

/* An untrained network, whose every unit is as likely, knows none of ten, nor of what is left of them when they are
 * cut. */
static void keep_zero(eg_params *p, const void *user) { (void)p, (void)user; }
static void knows_nothing(void **state) {
	bench *b = *state;
	for (int cut = 0; cut < 2; cut++) {
		eg_evaluation *e;
		eg_model *m = bench_weigh_all(b, recipe(b, cut ? ", longest: {target: 2}, cut: true" : "", NETWORK, ""), keep_zero, NULL);
		drawn d = draw_for(b, m, EG_PART_TEST, NULL, NULL);
		OK(b, eg_evaluation_run(m, d.samples, EG_PART_TEST, 0, &e, &b->err));
		const int units = eg_samples_sizes(d.samples)[0].size;
		assert_true(fabs(eg_evaluation_find(e, "loss") - log(units)) < 1e-5);
		assert_true(fabs(eg_evaluation_find(e, "right_of_ten") - 0.1) < 1e-5); /* all ten are as good */
		assert_true(fabs(eg_evaluation_find(e, "right_of_ten_by_gain") - 0.1) < 1e-5);
		eg_evaluation_free(e);
		undraw(&d);
		eg_model_free(m);
	}
}

/* An answer begins with the name that was said, and then has letters of an alphabet of its own size: so how dear it is
 * depends on these. A network that has also seen answers to something else makes those dear whose name is another. */
static double right_with(bench *b, const char *augment) {
	eg_evaluation *e;
	eg_recipe *r = bench_recipe(b,
		"name: fits\ntask: reply\ndata: {source: dialogue, path: %s/fits.txt, form: lines, validation: 0.1, test: 0.3, beam: 1}\n"
		"input: [time]\naugment: [%s]\nmodel: [{embedding: 16}, {gru: {hidden: 24, name: read}}, "
		"{multi_head_attention: {heads: 2, causal: true, context: 40, name: seen}}, {concat: {from: [read, seen], axis: 2}}, "
		"{gru: {hidden: 24, name: fits}}, {concat: {from: [read, seen, fits], axis: 2}}, {linear: classes}]\n"
		"train: {loss: cross_entropy, optimizer: {adam: {lr: 0.01}}, schedule: cosine, batch: 16, epochs: %d, seed: 2}\n",
		b->folder, augment, SANITIZED ? 1 : 20);
	eg_model *m = bench_train_all(b, r);
	drawn d = draw_for(b, m, EG_PART_TEST, NULL, NULL);
	OK(b, eg_evaluation_run(m, d.samples, EG_PART_TEST, 0, &e, &b->err));
	const double right = eg_evaluation_find(e, "right_of_ten");
	eg_evaluation_free(e);
	undraw(&d);
	eg_model_free(m);
	return right;
}

static void knows_what_fits(void **state) {
	bench *b = *state;
	static const char *const said_[] = {"Ann", "Bob", "Dot", "Gus", "Kim", "Liz", "Max", "Pit"};
	char *file = calloc(1, 20000), *to = file;
	uint32_t x = 1;
	for (int i = 0; i < 700; i++) {
		char letters[9] = "";
		const char *name = said_[(x = x * 1103515245 + 12345) >> 16 & 7];
		const uint32_t of = 1 + ((x = x * 1103515245 + 12345) >> 16) % 20;
		for (int k = 0; k < 8; k++) letters[k] = (char)('a' + ((x = x * 1103515245 + 12345) >> 16) % of);
		to += sprintf(to, "%s\n%s%s\n\n", name, name, letters);
	}
	bench_text(b, "fits.txt", file);
	free(file);
	const double without = right_with(b, ""), with = right_with(b, "other_answer");
	if (SANITIZED) return; /* where it is trained for an epoch, to see that it is */
	assert_true(without > 0.15);
	assert_true(with > without + 0.1);
}

/* What texts take together, and what the network says unit by unit. */
static void scores_are_those_of_single_steps(void **state) {
	bench *b = *state;
	eg_graph *g = eg_model_graph(l.model);
	eg_params *p = eg_model_params(l.model);
	const int units = (int)eg_tensor_dims(g, eg_graph_find(g, "logits")).d[2];
	enum { HEARD = 150, MOST = 130 };
	int32_t heard[HEARD], said_[3][MOST];
	const int32_t *texts[3] = {said_[0], said_[1], said_[2]};
	const size_t sizes[3] = {MOST, 0, 5};
	double nats[3], again[3], one;
	eg_talk *t;
	for (int i = 0; i < HEARD; i++) heard[i] = (i * 7) % units;
	for (int i = 0; i < MOST; i++)
		for (int k = 0; k < 3; k++) said_[k][i] = (i * (k + 3) + 1) % units;
	OK(b, eg_talk_new(g, p, "input", units, &t, &b->err));
	OK(b, eg_talk_hear(t, heard, HEARD, &b->err));
	OK(b, eg_talk_score(t, texts, sizes, 3, 0, nats, &b->err));
	OK(b, eg_talk_score(t, texts, sizes, 3, 0, again, &b->err));
	assert_memory_equal(nats, again, sizeof nats);
	for (int k = 0; k < 3; k++) { /* as if all of it had been heard, but for the next unit */
		double sum = 0;
		int32_t all[HEARD + MOST];
		memcpy(all, heard, sizeof heard);
		memcpy(all + HEARD, texts[k], sizes[k] * sizeof *all);
		for (size_t i = 0; i <= sizes[k]; i++) {
			const int32_t end = i < sizes[k] ? texts[k][i] : 0;
			OK(b, eg_talk_hear(t, all, HEARD + i, &b->err));
			OK(b, eg_talk_score(t, texts, (size_t[]){0}, 1, end, &one, &b->err));
			sum += one;
		}
		assert_true(fabs(sum - nats[k]) < 1e-4 * (1 + sum));
	}
	eg_talk_free(t);
}

/* The unknown unit, which is never written, may be by far the likeliest: then what is drawn is the next likely. */
static void draws_no_unknown(void **state) {
	bench *b = *state;
	eg_graph *g = eg_model_graph(l.model);
	const int units = (int)eg_tensor_dims(g, eg_graph_find(g, "logits")).d[2];
	const int32_t heard[] = {3, 4, 5};
	int order[2] = {-1, -1}; /* the likeliest, and the next */
	double nats[200];
	eg_talk *t;
	OK(b, eg_talk_new(g, eg_model_params(l.model), "input", units, &t, &b->err));
	OK(b, eg_talk_hear(t, heard, 3, &b->err));
	assert_true(units < 200);
	for (int u = 0; u < units; u++) {
		OK(b, eg_talk_score(t, (const int32_t *const[]){heard}, (size_t[]){0}, 1, u, &nats[u], &b->err));
		if (order[0] < 0 || nats[u] < nats[order[0]])
			order[1] = order[0], order[0] = u;
		else if (order[1] < 0 || nats[u] < nats[order[1]])
			order[1] = u;
	}
	const eg_beam_options o = {.longest = 1, .end = order[1], .never = order[0]};
	const eg_talk_draw d = {1e-4, {1, 2}};
	eg_hypothesis h;
	OK(b, eg_talk_write(t, &o, &d, &h, &b->err));
	assert_int_equal(h.n, 0); /* that ended it */
	eg_hypothesis_free(&h);
	eg_talk_free(t);
}

/* ---- in one sequence --------------------------------------------------------------------------------------------- */

/* Input and target of record `item` of the training part in an epoch (-1: as it is), as texts: an end mark is '$', the
 * unknown unit '?', what is not to be predicted '_'. */
static void spell_in_epoch(stand *s, uint32_t item, int epoch, char *input, char *target) {
	bench *b = s->b;
	const eg_dataset *set = eg_samples_get(s->d.samples, EG_PART_TRAIN);
	const eg_vocab *v = eg_intake_vocab(s->d.task->intakes[0]);
	int32_t x[2][64];
	const int time = set->time_of(set->user, item);
	assert_true(time < 64);
	OK(b, set->fill(set->user, &(eg_fill){.items = &item, .n = 1, .time = time, .epoch = epoch}, (void *[]){x[0], x[1]}, &b->err));
	for (int k = 0; k < 2; k++) {
		char *to = k ? target : input;
		for (int i = 0; i < time; i++)
			*to++ = x[k][i] < 0 ? '_' : x[k][i] == eg_vocab_end(v) ? '$' : x[k][i] == eg_vocab_unknown(v) ? '?' : *eg_vocab_token(v, x[k][i], NULL);
		*to = '\0';
	}
}

static void spell_sample(stand *s, uint32_t item, char *input, char *target) { spell_in_epoch(s, item, -1, input, target); }

static stand samples_in(bench *b, const char *file, const char *data, const char *augment, eg_samples_options options) {
	stand s = {.b = b};
	bench_text(b, "small.txt", file);
	s.recipe = bench_recipe(b,
		"name: small\ntask: reply\ndata: {source: dialogue, path: %s/small.txt, test: 0%s}\ninput: [time]\naugment: [%s]\nmodel: %s\n"
		"train: {loss: cross_entropy}\n", b->folder, data, augment, NETWORK);
	s.d = draw(b, s.recipe, options);
	OK(b, eg_recipe_build(s.recipe, b->ctx, eg_samples_sizes(s.d.samples), &s.graph, &b->err));
	OK(b, eg_task_suits(s.d.task, s.graph, &b->err));
	return s;
}

static stand samples_with(bench *b, const char *file, const char *data, const char *augment) {
	return samples_in(b, file, data, augment, (eg_samples_options){.part = EG_PART_TRAIN});
}

static stand samples_of(bench *b, const char *file, const char *data) { return samples_with(b, file, data, ""); }

static void samples_end(stand *s) {
	eg_graph_free(s->graph);
	undraw(&s->d);
	eg_recipe_free(s->recipe);
}

static void one_sequence(void **state) {
	bench *b = *state;
	char input[64], target[64];
	static const char play[] = "A:\nHi.\n\nB:\nHo,\nyou.\n\nC:\n\nA:\nWe?\n";
	static const struct {
		const char *data;
		int item;
		const char *input, *target;
	} cases[] = {
		{"", 0, "$A:\nHi.$B:\nHo,\nyou.", "A:\nHi.$B:\nHo,\nyou.$"},
		{"", 1, "$A:\nHi.$B:\nHo,\nyou.$A:\nWe?", "A:\nHi.$B:\nHo,\nyou.$A:\nWe?$"},
		{", lower_case: true", 1, "$a:\nhi.$b:\nho,\nyou.$a:\nwe?", "a:\nhi.$b:\nho,\nyou.$a:\nwe?$"},
		{", turns: 1", 1, "$B:\nHo,\nyou.$A:\nWe?", "B:\nHo,\nyou.$A:\nWe?$"},
		{", speakers: no", 1, "$Hi.$Ho,\nyou.$We?", "Hi.$Ho,\nyou.$We?$"},
		{", speakers: before", 1, "$A:\nHi.$B:\nHo,\nyou.$A:\nWe?", "A:\nHi.$B:\nHo,\nyou.$A:\nWe?$"},
		{", longest: {text: 5}", 1, "you.$A:\nWe?", "ou.$A:\nWe?$"},
		/* of long turns beginning and end; then the answer alone is learnt */
		{", turn_longest: 5", 1, "$A:\ni.$B:\nu.$A:\nWe?", "____________A:\nWe?$"},
		{", turn_longest: 30", 0, "$A:\nHi.$B:\nHo,\nyou.", "_______B:\nHo,\nyou.$"},
		{", turn_longest: 6, speakers: before", 1, "$A:\nHi.$B:\nou.$A:\nWe?", "_________________We?$"},
		{", longest: {target: 3}, cut: true", 1, "$A:\nHi.$B:\nHo,\nyou.$A:\n", "A:\nHi.$B:\nHo,\nyou.$A:\n$"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		stand s = samples_of(b, play, cases[i].data);
		assert_int_equal(eg_samples_count(s.d.samples, EG_PART_TRAIN), 2);
		assert_non_null(strstr(eg_source_remark(eg_task_source(s.d.task), EG_PART_TRAIN), "the first in line 8"));
		spell_sample(&s, (uint32_t)cases[i].item, input, target);
		assert_string_equal(input, cases[i].input);
		assert_string_equal(target, cases[i].target);
		size_t predicted = 0;
		for (const char *c = target; *c; c++) predicted += *c != '_';
		const eg_dataset *set = eg_samples_get(s.d.samples, EG_PART_TRAIN);
		assert_true(set->weight(set->user, (uint32_t)cases[i].item) == (double)predicted);
		samples_end(&s);
	}
}

/* Another's answer, at most two records away: what is expected behind its first unit is the unknown one. */
static void another_answer(void **state) {
	bench *b = *state;
	char input[64], target[64], file[400] = "";
	int others = 0;
	for (int i = 0; i < 20; i++) sprintf(file + strlen(file), "%c1\n%c2\n\n", 'a' + i, 'a' + i);
	stand s = samples_with(b, file, ", form: lines, turn_longest: 9", "other_answer: 2");
	for (uint32_t item = 0; item < 20; item++) {
		spell_in_epoch(&s, item, 3, input, target);
		const int own = 'a' + (int)item;
		char right[20];
		snprintf(right, sizeof right, "$%c1$%c2", own, input[4]);
		assert_string_equal(input, right);
		assert_in_range(input[4], own - 2 < 'a' ? 'a' : own - 2, own + 2 > 't' ? 't' : own + 2);
		snprintf(right, sizeof right, "___%c2$", own);
		assert_string_equal(target, input[4] == own ? right : "____??");
		others += input[4] != own;
		spell_in_epoch(&s, item, 3, right, target);
		assert_string_equal(input, right); /* drawn by seed, epoch and record */
	}
	assert_in_range(others, 3, 16);
	samples_end(&s);
	eg_task *t;
	eg_recipe *r = bench_recipe(b,
		"name: no\ntask: classify\ndata: {source: tsv, path: %s/t.tsv}\ninput: [time]\naugment: [other_answer]\n"
		"model: [{embedding: 4}, mean_time, {linear: classes}]\n", b->folder);
	bench_text(b, "t.tsv", "text\tlabel\na\tb\n");
	assert_int_not_equal(eg_task_open(r, &t, &b->err), EG_OK);
	SAYS(b, "'other_answer' is for talks with their answers, the task 'reply', not for 'classify'");
	eg_recipe_free(r);
}

/* In a fold, where every second record is another's: so many records of the fold away. */
static void another_answer_of_a_fold(void **state) {
	bench *b = *state;
	char input[64], target[64], file[400] = "", own[64];
	int others = 0;
	for (int i = 0; i < 40; i++) sprintf(file + strlen(file), "%c1\n%c2\n\n", i < 20 ? 'a' + i : 'A' + i - 20, i < 20 ? 'a' + i : 'A' + i - 20);
	stand s = samples_in(b, file, ", form: lines, turn_longest: 9", "other_answer: 1", (eg_samples_options){.part = EG_PART_TRAIN, .folds = 2});
	const uint32_t n = (uint32_t)eg_samples_get(s.d.samples, EG_PART_TRAIN)->count;
	assert_in_range(n, 10, 30);
	for (uint32_t at = 0; at < n; at++) {
		spell_sample(&s, at, input, target);
		own[at] = input[1], own[at + 1] = '\0';
	}
	for (uint32_t at = 0; at < n; at++)
		for (int epoch = 0; epoch < 4; epoch++) {
			spell_in_epoch(&s, at, epoch, input, target);
			const char *found = strchr(own, input[4]);
			assert_non_null(found);
			assert_in_range(found - own + 1, at, at + 2);
			assert_true((found - own == at) == (target[4] == '2'));
			others += found - own != at;
		}
	assert_in_range(others, n / 2, 2 * n);
	samples_end(&s);
}

/* ---- forms of files ---------------------------------------------------------------------------------------------- */

static void forms_of_talks(void **state) {
	bench *b = *state;
	char input[64], target[64];
	static const char *const cases[][3] = {
		{"lines", "Hi.\nHo.\n\nBy.\nOh.\n", "$By.$Oh."},
		{"tabs", "Hi.\tHo.\nBy.\tOh.\n", "$By.$Oh."},
		{"json", "[\"Hi.\", \"Ho.\"]\n{\"turns\": [{\"speaker\": \"X\", \"text\": \"By.\"}, \"Oh\\n\\nno.\"]}\n", "$X:\nBy.$Oh\nno."},
		{"play", "A:\nHi.\n\nB:\nHo.\n\nA:\nBy.\n", "$A:\nHi.$B:\nHo.$A:\nBy."},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char form[40];
		snprintf(form, sizeof form, ", form: %s", cases[i][0]);
		stand s = samples_of(b, cases[i][1], form);
		assert_int_equal(eg_samples_count(s.d.samples, EG_PART_TRAIN), 2);
		spell_sample(&s, 1, input, target);
		assert_string_equal(input, cases[i][2]);
		samples_end(&s);
	}
}

static void cornell(void **state) {
	bench *b = *state;
	char input[64], target[64];
	bench_text(b, "movie_conversations.txt",
		"u0 +++$+++ u1 +++$+++ m0 +++$+++ ['L3', 'L5', 'L4']\nu0 +++$+++ u1 +++$+++ m0 +++$+++ ['L6', 'L7']\n");
	stand s = samples_of(b,
		"L7 +++$+++ u0 +++$+++ m0 +++$+++ X +++$+++ No +++$+++ yes\nL6 +++$+++ u1 +++$+++ m0 +++$+++ Y +++$+++ Why?\n"
		"L5 +++$+++ u1 +++$+++ m0 +++$+++ Y +++$+++ Ho.\nL4 +++$+++ u1 +++$+++ m0 +++$+++ X +++$+++ \n"
		"L3 +++$+++ u0 +++$+++ m0 +++$+++ X +++$+++ Hi.\n",
		", form: cornell");
	assert_int_equal(eg_samples_count(s.d.samples, EG_PART_TRAIN), 2);
	spell_sample(&s, 0, input, target);
	assert_string_equal(input, "$X:\nHi.$Y:\nHo.");
	spell_sample(&s, 1, input, target);
	assert_string_equal(input, "$Y:\nWhy?$X:\nNo +++$+++ yes");
	samples_end(&s);
}

/* By order: the last tenth is the test part, a share of what is left validation. */
static void parts_by_order(void **state) {
	bench *b = *state;
	char *file = calloc(1, 4000), *to = file;
	for (int i = 0; i < 41; i++) to += sprintf(to, "A:\n%d\n\n", i);
	bench_text(b, "order.txt", file);
	free(file);
	eg_recipe *r = bench_recipe(b,
		"name: o\ntask: reply\ndata: {source: dialogue, path: %s/order.txt, validation: 0.25, speakers: no}\ninput: [time]\n"
		"model: %s\n", b->folder, NETWORK);
	static const int first[] = {1, 28, 37}, counts[] = {27, 9, 4};
	eg_task *t;
	eg_record record = {0};
	OK(b, eg_task_open(r, &t, &b->err));
	eg_source *s = (eg_source *)eg_task_source(t);
	for (int part = 0; part < EG_PARTS; part++) {
		OK(b, eg_source_prepare(s, (eg_part)part, &b->err));
		assert_int_equal(eg_source_count(s, (eg_part)part), counts[part]);
		for (int64_t i = 0; i < eg_source_count(s, (eg_part)part); i++) {
			OK(b, eg_source_read(s, (eg_part)part, i, 3, &record, &b->err));
			assert_int_equal(strtol(record.fields[1].text.bytes, NULL, 10), first[part] + i);
		}
	}
	eg_record_free(&record);
	eg_task_free(t);
	eg_recipe_free(r);
}

static void talks_that_are_none(void **state) {
	bench *b = *state;
	static const char *const cases[][3] = {
		{"lines", "Hi.\nHo.\n\nalone\n\nA\nB\n", "bad.txt:4: column 6: a turn without an answer"},
		{"tabs", "Hi.\tHo.\nalone\n", "bad.txt:2: column 6: a turn without an answer"},
		{"tabs", "Hi.\t\n", "bad.txt:1: column 5: a turn in which nothing is said"},
		{"json", "[\"a\", \"b\"]\n[\"a\"]\n", "bad.txt:2: column 2: a turn without an answer"},
		{"json", "[\"a\", 7]\n", "bad.txt:1: column 1: a talk is a list of turns"},
		{"json", "[\"a\", \n", "bad.txt:1"},
		{"json", "[\"a\", {\"speaker\": \"A\\n\\nB\", \"text\": \"b\"}]\n", "bad.txt:1: column 1: a talk is a list of turns"},
		{"json", "[\"a\", {\"speaker\": 7, \"text\": \"b\"}]\n", "bad.txt:1: column 1: a talk is a list of turns"},
		{"play", "A:\nHi.\n\nno name here\n\nB:\nHo.\n", "bad.txt:4: column 13: a speech begins with the name"},
		{"play", "A:\nHi.\n", "bad.txt:1: column 4: a turn without an answer"},
		{"play", "A:\nHi.\n\nB:\nH\xffo.\n", "line 5, column 2"},
		{"cornell", "something\n", "bad.txt:1: column 1: a line of a film"},
		{"cornell", "L3 +++$+++ u0 +++$+++ m0 +++$+++ X +++$+++ Hi.\n", "movie_conversations.txt:1: column 1: a talk of fewer than two lines"},
	};
	bench_text(b, "movie_conversations.txt", "u0 +++$+++ u1 +++$+++ m0 +++$+++ ['L3', 'L5']\n");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		eg_task *t;
		eg_samples *s;
		bench_text(b, "bad.txt", cases[i][1]);
		eg_recipe *r = bench_recipe(b,
			"name: no\ntask: reply\ndata: {source: dialogue, form: %s, path: %s/bad.txt}\ninput: [time]\nmodel: %s\n",
			cases[i][0], b->folder, NETWORK);
		OK(b, eg_task_open(r, &t, &b->err));
		assert_int_not_equal(eg_samples_load(t, &(eg_samples_options){.part = EG_PART_TRAIN}, &s, &b->err), EG_OK);
		SAYS(b, cases[i][2]);
		eg_task_free(t);
		eg_recipe_free(r);
	}
}

/* A line of a million characters: said, with its place and the cure, or cut. */
static void a_long_line(void **state) {
	bench *b = *state;
	char *file = malloc(1000100);
	memcpy(file, "Hi.\nHo.\n\nHi.\n", 13);
	memset(file + 13, 'x', 1000000);
	memcpy(file + 1000013, "\n", 2);
	bench_text(b, "long.txt", file);
	free(file);
	for (int cut = 0; cut < 2; cut++) {
		eg_task *t;
		eg_samples *s;
		eg_recipe *r = bench_recipe(b,
			"name: no\ntask: reply\ndata: {source: dialogue, form: lines, path: %s/long.txt, test: 0, longest: {target: 50}%s}\n"
			"input: [time]\nmodel: %s\n", b->folder, cut ? ", cut: true" : "", NETWORK);
		OK(b, eg_task_open(r, &t, &b->err));
		eg_status status = eg_samples_load(t, &(eg_samples_options){.part = EG_PART_TRAIN}, &s, &b->err);
		assert_int_equal(!status, cut);
		if (!cut) SAYS(b, "long.txt:5: a text of 1000000 units, but data.longest is 50");
		if (cut) eg_samples_free(s);
		eg_task_free(t);
		eg_recipe_free(r);
	}
}

/* ---- networks and floors ----------------------------------------------------------------------------------------- */

static void networks_that_look_ahead(void **state) {
	bench *b = *state;
	static const char *const cases[][2] = {
		{"[{embedding: 4}, {gru: {hidden: 4, bidirectional: true}}, {linear: classes}]", "looks ahead"},
		{"[{embedding: 4}, {gru: 4}, last, {linear: classes}]", "looks ahead"}};
	for (int i = 0; i < 2; i++) {
		eg_task *t;
		eg_graph *g;
		const eg_size *sizes;
		eg_recipe *r = recipe(b, "", cases[i][0], "");
		OK(b, eg_task_open(r, &t, &b->err));
		OK(b, eg_task_sizes(t, &sizes, &b->err));
		OK(b, eg_recipe_build(r, b->ctx, sizes, &g, &b->err));
		assert_int_not_equal(eg_task_suits(t, g, &b->err), EG_OK);
		SAYS(b, cases[i][1]);
		eg_graph_free(g);
		eg_task_free(t);
		eg_recipe_free(r);
	}
}

/* Of a talk whose last turn it knows: what was answered to that. */
static void memory_of_the_last_turn(void **state) {
	bench *b = *state;
	stand s = stand_up(b, recipe(b, "", NETWORK, ""), "reply-memory", NULL);
	eg_floor_batch batch = {.part = &s.train};
	const char *texts[1];
	OK(b, eg_floor_next(&batch, 1, &b->err));
	for (int i = 0; i < 30; i++) {
		const eg_record *r = eg_samples_record(s.train.samples, &batch.fill, 0);
		OK(b, s.floor->type->write(s.floor, &batch, texts, &b->err));
		if (i % 3 == 1) assert_string_equal(texts[0], "Who?"); /* to "Hi!" */
		if (i % 3 == 0) assert_string_equal(texts[0], "Hi!");
		assert_non_null(r);
		OK(b, eg_floor_next(&batch, 1, &b->err));
	}
	eg_floor_batch_free(&batch);
	stand_down(&s);
}

static void memory_among_ten(void **state) {
	bench *b = *state;
	eg_floors *f;
	eg_recipe *r = recipe(b, "", NETWORK, "");
	OK(b, eg_floors_run(r, &(eg_floors_options){.ctx = b->ctx, .use = EG_FLOORS_ANEW}, &f, &b->err));
	const eg_floor_result *x = floor_called(f, "reply-memory");
	assert_true(x->values[2] > 0.6 && x->values[2] < 0.8); /* it knows two answers of three, and guesses the name */
	assert_true(isnan(x->values[3]));
	assert_true(x->values[4] > 0.6 && x->values[4] < 0.8);
	eg_floors_free(f);
	eg_recipe_free(r);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_by_the_talk),
		cmocka_unit_test(draws_by_seed),
		cmocka_unit_test(odd_questions),
		cmocka_unit_test(judges_what_it_writes),
		cmocka_unit_test(knows_nothing),
		cmocka_unit_test(knows_what_fits),
		cmocka_unit_test(scores_are_those_of_single_steps),
		cmocka_unit_test(draws_no_unknown),
		cmocka_unit_test(one_sequence),
		cmocka_unit_test(another_answer),
		cmocka_unit_test(another_answer_of_a_fold),
		cmocka_unit_test(forms_of_talks),
		cmocka_unit_test(cornell),
		cmocka_unit_test(parts_by_order),
		cmocka_unit_test(talks_that_are_none),
		cmocka_unit_test(a_long_line),
		cmocka_unit_test(networks_that_look_ahead),
		cmocka_unit_test(memory_of_the_last_turn),
		cmocka_unit_test(memory_among_ten),
	};
	setenv("XDG_CACHE_HOME", "/nonexistent", 1);
	return cmocka_run_group_tests(tests, setup, teardown);
}
