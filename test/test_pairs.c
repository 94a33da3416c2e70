/* test_pairs.c - every task with every loss, alone and two together: what `engram check` asks either refuses the recipe
 * and says why, or it can be trained for some epochs, and the model judges and answers.
 *
 * Tasks and losses are those of the tables, so that a new one is met here by itself. Not here: that each learns
 * (test_task.c, test_tag.c, test_language.c, test_segmenter.c). */
#include "data/sound.h"
#include "digits_bed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- data -------------------------------------------------------------------------------------------------------- */

/* A task with data of its own, and networks that give an answer for each sample, step or place. */
typedef struct setting {
	const char *task, *data, *input;
	const char *bodies[3]; /* before the last layer, NULL-terminated */
	const char *works;     /* losses that have to work with one of them */
	const char *beside;    /* losses that have to work beside one of those, but tell no answer by themselves */
} setting;

#define EACH_STEP "{embedding: {count: 40, size: 4}}, {lstm: 4}"
#define READ_AND_WRITE \
	"{embedding: {size: 4, from: text}}, {lstm: {hidden: 4, name: memory}}, " \
	"{embedding: {count: classes, size: 4, from: previous}}, {lstm: {hidden: 4, name: state}}, " \
	"{multiplicative_attention: {from: [state, memory, lengths.source]}}"
#define LOOK_AND_WRITE \
	"{maxpool: {kernel: 16, from: picture}}, {flatten: 2}, {transpose: {perm: [2, 0, 1], name: places}}, " \
	"{embedding: {count: classes, size: 4, from: previous}}, {lstm: {hidden: 3, name: state}}, " \
	"{multiplicative_attention: {from: [state, places]}}"
static const setting settings[] = {
	{"classify", "{source: tsv, path: %s/table.tsv, test: 0.25}", "[time]", {EACH_STEP, EACH_STEP ", last"},
		"cross_entropy arcface dice jaccard multi_margin softmax_focal", "supervised_contrastive"},
	{"search", "{source: tsv, path: %s/table.tsv, test: 0.25}", "[time]", {EACH_STEP ", last", EACH_STEP},
		"cross_entropy arcface dice jaccard multi_margin softmax_focal supervised_contrastive", ""},
	{"verify", "{source: tsv, path: %s/table.tsv, test: 0.25}", "[time]", {EACH_STEP ", last", EACH_STEP},
		"cross_entropy arcface dice jaccard multi_margin softmax_focal supervised_contrastive", ""},
	{"reconstruct", "{source: windows, table: %s/steps.csv, target: y, past: 4, test_last: 4}", "[time, 1]",
		{"{gru: 4}"}, "mse l1 smooth_l1 huber bce_with_logits focal hinge quantile poisson_nll kl_divergence", ""},
	{"segment", "{source: masks, path: %s/scenes, class_names: [dark, bright]}", "[1, 4, 4]",
		{"{conv: {filters: 2, kernel: 3, padding: 1}}"},
		"cross_entropy arcface dice jaccard multi_margin softmax_focal", ""},
	/* one loss of classes and one of places: each with a target of its own, so none of these lists is it */
	{"detect", "{source: yolo, path: %s/dots, class_names: [dark, bright]}", "[1, 4, 4]", {"{conv: {filters: 2, kernel: 3}}"}, "", ""},
	{"tag", "{source: conll, path: %s/tags.conll, test_last: 2}", "[time]", {EACH_STEP, EACH_STEP ", last"},
		"cross_entropy crf arcface multi_margin softmax_focal", ""},
	{"translate", "{source: pairs, path: %s/pairs.tsv}", "{text: [source], previous: [time]}",
		{READ_AND_WRITE, READ_AND_WRITE ", last"}, "cross_entropy arcface multi_margin softmax_focal", ""},
	{"transcribe", "{source: digit-lines, pictures: %s/digits, count: 6, test_count: 2, most: 2}", "[1, 32, width]",
		{"{transpose: {perm: [3, 0, 1, 2]}}, {flatten: 2}"}, "ctc", ""},
	{"caption", "{source: scenes, clothes: %1$s/digits, digits: %1$s/digits, count: 6, test_count: 2, unit: word, longest: 30}",
		"{picture: [3, 64, 64], previous: [time]}", {LOOK_AND_WRITE, LOOK_AND_WRITE ", last"},
		"cross_entropy arcface multi_margin softmax_focal", ""},
	/* frames and stops: two losses with a target each, and an output more; this names neither, so none is it */
	{"speak", "{source: digit-strings, recordings: %s/speech, count: 6, test_count: 2, most: 3, sound: {bands: 8}}",
		"{text: [letters], voice: [1], previous: [time, 8]}",
		{"{lstm: {hidden: 4, from: previous}}", "{embedding: {size: 4, from: text}}, {linear: {units: 4, from: voice}}, {lstm: {hidden: 4, from: previous}}"}, "", ""},
	{"language", "{source: text, path: %s/text.txt, validation: 0.2, steps: 8}", "[time]",
		{EACH_STEP, EACH_STEP ", last"},
		"cross_entropy arcface multi_margin softmax_focal", ""},
	{"reply", "{source: dialogue, path: %s/talks.txt, form: lines, test: 0}", "[time]", {EACH_STEP, EACH_STEP ", last"},
		"cross_entropy arcface multi_margin softmax_focal", ""},
	{"forecast", "{source: windows, table: %s/steps.csv, target: y, past: 4, horizon: 1, test_last: 4}", "[time, 1]",
		{"{gru: 4}, last", "{gru: 4}"}, "mse l1 smooth_l1 huber bce_with_logits focal hinge quantile poisson_nll kl_divergence", ""},
	{"regress", "{source: adding, steps: 4, count: 20, test_count: 8}%.0s", "[time, 2]",
		{"{lstm: 4}", "{lstm: 4}, last"}, "mse l1 smooth_l1 huber bce_with_logits focal hinge quantile poisson_nll kl_divergence", ""},
};

static void write_scene(bench *b, int i) {
	uint8_t pixels[16], classes[16];
	char path[64];
	for (int k = 0; k < 16; k++) classes[k] = (uint8_t)((k + i) % 3 == 0), pixels[k] = classes[k] ? 230 : 20;
	snprintf(path, sizeof path, "scenes/train/%d.png", i);
	bench_picture(b, path, 1, 4, 4, pixels);
	snprintf(path, sizeof path, "scenes/trainannot/%d.png", i);
	bench_picture(b, path, 1, 4, 4, classes);
}

#ifdef ENGRAM_HAVE_SNDFILE
/* A short tone for each digit, twice to train on and once to test. */
static void write_speech(bench *b) {
	static const int takes[] = {0, 5, 6};
	float x[800];
	char path[64];
	for (int i = 0; i < 30; i++) {
		for (int k = 0; k < 800; k++) x[k] = (float)(0.3 * sin((0.1 + 0.05 * (i % 10)) * k));
		snprintf(path, sizeof path, "speech/recordings/%d_anna_%d.wav", i % 10, takes[i / 10]);
		bench_text(b, path, "");
		OK(b, eg_sound_write(bench_path(b, path), x, 800, 1, 8000, &b->err));
	}
}
static bool has_data(const setting *s) { return s != NULL; }
#else
static void write_speech(bench *b) { EG_UNUSED(b); }
static bool has_data(const setting *s) { return strcmp(s->task, "speak") != 0; }
#endif

static int setup(void **state) {
	int status = digits_setup(state);
	bench *b = *state;
	if (status) return status;
	write_speech(b);
	bench_text(b, "table.tsv",
	        "text\tlabel\ngo on\tgo\nwalk on\tgo\nrun\tgo\nstop\tstop\nhalt\tstop\nstand\tstop\n"
	        "now go\tgo\nnow stop\tstop\n");
	bench_text(
	        b, "tags.conll", "Ada\tN\nran\tO\n\nBob\tN\nsat\tO\ndown\tO\n\nhe\tO\n\nEve\tN\nran\tO\n\nAda\tN\n\n");
	bench_text(b, "pairs.tsv", "one\tun\ntwo\tdeux\nthree\ttrois\nfour\tquatre\nfive\tcinq\nsix\tsix\none two\tun deux\n");
	bench_text(b, "talks.txt", "Hi.\nHo.\nWho?\n\nHo.\nHi.\n\nHi.\nWho?\nHo.\n\nWho?\nHi.\n");
	bench_text(b, "steps.csv", "y\n1\n3\n2\n5\n4\n6\n5\n8\n7\n9\n8\n6\n9\n7\n8\n5\n6\n4\n7\n5\n");
	bench_text(b, "text.txt",
	        "the cat sat on the mat. the dog sat on the cat. the mat sat on the dog. "
	        "the cat sat on the mat. the dog sat on the cat. the mat sat on the dog. ");
	for (int i = 0; i < 4; i++) write_scene(b, i);
	return 0;
}

static const setting *setting_of(const char *task) {
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		if (!strcmp(settings[i].task, task)) return &settings[i];
	fail_msg("the task '%s' has no data here: add a line to `settings`", task);
	return NULL;
}

static bool has_word(const char *list, const char *word) {
	size_t n = strlen(word);
	for (const char *at = list; (at = strstr(at, word)) != NULL; at += n)
		if ((at == list || at[-1] == ' ') && (at[n] == ' ' || !at[n])) return true;
	return false;
}

/* ---- checking and using ------------------------------------------------------------------------------------------ */

static void no_advice(void *user, const char *text) { (void)user, (void)text; }

/* What `engram check` asks. */
static eg_status check(bench *b, eg_recipe *r) {
	eg_task *t;
	eg_graph *g = NULL;
	const eg_size *sizes;
	eg_status status = eg_task_open(r, &t, &b->err);
	if (status) return status;
	status = eg_task_sizes(t, &sizes, &b->err);
	if (!status) status = eg_task_fits(t, &b->err);
	if (!status) status = eg_recipe_build(r, b->ctx, sizes, &g, &b->err);
	if (!status) status = eg_task_suits(t, g, &b->err);
	if (!status) status = eg_task_advise(t, no_advice, NULL, &b->err);
	eg_graph_free(g);
	eg_task_free(t);
	return status;
}

static bool one_more(void *user, const eg_answered *a) {
	int *n = user;
	assert_true(eg_value_count(a->answer) > 0);
	++*n;
	return true;
}

/* Trains, judges and answers; whatever fails fails the test. */
static void use(bench *b, eg_recipe *r) {
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	eg_model *m = bench_train(b, r, &d);
	double chance;
	eg_evaluation *e;
	undraw(&d);
	d = draw_for(b, m, EG_PART_TRAIN, NULL, NULL);
	OK(b, eg_evaluation_run(m, d.samples, EG_PART_TRAIN, 0, &e, &b->err));
	assert_true(eg_evaluation_total(e) > 0);
	assert_true(isfinite(eg_evaluation_value(e, 0)));
	eg_evaluation_free(e);
	OK(b, eg_samples_chance(d.samples, eg_model_graph(m), &chance, &b->err));
	if (!isnan(chance) && !(chance > 0 && isfinite(chance))) fail_msg("chance is %g", chance);
	eg_predictor *p = bench_predictor(b, m, NULL);
	int answers = 0;
	OK(b, eg_samples_answer(p, d.samples, EG_PART_TRAIN, one_more, &answers, &b->err));
	assert_true(answers > 0);
	eg_predictor_free(p);
	undraw(&d);
	eg_model_free(m);
}

static const eg_op_info *loss_at(int n) {
	for (int i = 0; i < eg_op_count(); i++) {
		const eg_op_info *op = eg_op_at(i);
		bool is_loss = op->min_inputs >= 2 && !strcmp(op->inputs[1], "target") && !op->layer;
		if (is_loss && n-- == 0) return op;
	}
	return NULL;
}

static bool names_a_loss(const char *says) {
	const eg_op_info *op;
	for (int i = 0; (op = loss_at(i)); i++)
		if (strstr(says, op->name)) return true;
	return false;
}

/* false: refused, in words that name the loss, the task or the layer at fault. */
static bool try_pair(bench *b, const setting *s, const char *body, const char *last, const char *loss) {
	char data[300];
	eg_recipe *r;
	snprintf(data, sizeof data, s->data, b->folder);
	eg_status status = bench_parse(b, &r,
	        "name: pair\ntask: %s\ndata: %s\n%s: %s\nmodel: [%s, %s]\n"
	        "train: {loss: %s, optimizer: {adam: {lr: 0.01}}, batch: 2, epochs: 3, clip_norm: 1}\n",
	        s->task, data, *s->input == '{' ? "inputs" : "input", s->input, body, last, loss);
	if (!status) status = check(b, r);
	if (status) {
		const char *says = b->err.message;
		bool clear = strlen(says) > 40 &&
		             (strstr(says, "loss") || strstr(says, s->task) || strstr(says, "layer") || names_a_loss(says));
		if (!clear) fail_msg("%s with %s: '%s' does not say what is wrong", s->task, loss, says);
	} else {
		use(b, r);
	}
	eg_recipe_free(r);
	return !status;
}

/* How often it worked: with each network, each kind of last layer. */
static int try_all(bench *b, const setting *s, const char *loss) {
	static const char *const lasts[] = {"{linear: classes}", "{linear: 1}", "{conv: {filters: classes, kernel: 1}}",
	        "{conv: {filters: 1, kernel: 1}}"};
	int worked = 0;
	for (int i = 0; i < 3 && s->bodies[i]; i++)
		for (size_t k = 0; k < sizeof lasts / sizeof *lasts; k++)
			if (!!strstr(lasts[k], "conv") == !strcmp(s->task, "segment"))
				worked += try_pair(b, s, s->bodies[i], lasts[k], loss);
	return worked;
}

static void one_loss(void **state) {
	const eg_op_info *op;
	int losses = 0;
	for (int i = 0; i < eg_task_count(); i++) {
		const setting *s = setting_of(eg_task_at(i)->name);
		for (losses = 0; has_data(s) && (op = loss_at(losses)); losses++) {
			int worked = try_all(*state, s, op->name);
			if ((worked > 0) != has_word(s->works, op->name))
				fail_msg("%s with %s worked %d times", s->task, op->name, worked);
		}
	}
	for (losses = 0; loss_at(losses);) losses++;
	assert_true(losses >= 7);
}

static bool helps(const setting *s, const eg_op_info *loss) { return has_word(s->beside, loss->name); }

/* Of a list each has to suit the task's one target. */
static void two_losses(void **state) {
	const eg_op_info *a, *c;
	char list[200];
	for (int i = 0; i < eg_task_count(); i++) {
		const setting *s = setting_of(eg_task_at(i)->name);
		for (int k = 0; has_data(s) && (a = loss_at(k)); k++)
			for (int j = k; (c = loss_at(j)); j++) {
				snprintf(list, sizeof list, "[%s, {%s: {}, weight: 0.5}]", a->name, c->name);
				int worked = try_all(*state, s, list);
				bool first = has_word(s->works, a->name), second = has_word(s->works, c->name);
				bool both = (first && (second || helps(s, c))) || (second && helps(s, a));
				if ((worked > 0) != both)
					fail_msg("%s with %s worked %d times: %s", s->task, list, worked,
					        ((bench *)*state)->err.message);
			}
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(one_loss), cmocka_unit_test(two_losses)};
	return cmocka_run_group_tests(tests, setup, bench_teardown);
}
