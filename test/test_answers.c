/* test_answers.c - questions about pictures: in every form, many at once, in threads; and what is turned black for
 * white. */
#include "halves_bed.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- answers ----------------------------------------------------------------------------------------------------- */

/* A picture of class 0; `paper`: black on white. */
static void paint(uint8_t *pixels, bool paper) {
	draw_half(pixels, 0, 5);
	for (int i = 0; i < PIXELS && paper; i++) pixels[i] = (uint8_t)(255 - pixels[i]);
}
/* As a PGM file; returns its size. */
static size_t write_pgm(bench *b, const char *name, const uint8_t *pixels, char file[100]) {
	strcpy(file, "P5 8 8 255\n");
	size_t head = strlen(file);
	memcpy(file + head, pixels, PIXELS);
	bench_write(b, name, file, head + PIXELS);
	return head + PIXELS;
}

static bool inverted(const eg_value *answer) { return eg_value_bool(eg_value_get(answer, "inverted"), false); }

static void predicts(void **state) {
	bench *b = *state;
	uint8_t pixels[PIXELS];
	char file[100];
	eg_model *m = bench_train_all(b, halves(b, NAMED)); /* nothing of the samples is needed */
	eg_predictor *p = bench_predictor(b, m, NULL);
	eg_question q = {.path = bench_path(b, "up.pgm")};
	for (int paper = 0; paper < 2; paper++) {
		paint(pixels, paper);
		write_pgm(b, "up.pgm", pixels, file);
		const eg_value *x = ask(b, p, q), *classes = eg_value_get(x, "classes"),
		               *first = eg_value_at(classes, 0);
		assert_int_equal(eg_value_count(classes), 2);
		assert_string_equal(class_of(x), "up");
		assert_string_equal(class_of(first), "up");
		assert_string_equal(class_of(eg_value_at(classes, 1)), "down");
		double most = eg_value_number(eg_value_get(first, "probability"), NAN);
		assert_true(most > 0.6 && most == eg_value_number(eg_value_get(x, "probability"), NAN));
		assert_near(
		        most + eg_value_number(eg_value_get(eg_value_at(classes, 1), "probability"), NAN), 1, 1e-12);
		assert_true(eg_value_bool(eg_value_get(x, "known"), false) && !eg_value_get(x, "note"));
		assert_true(inverted(x) == paper);
	}
	eg_predictor_free(p);
	eg_predictor_free(NULL);
	const char *const settings[] = {"top=1", "sure=1", "invert=no", NULL};
	OK(b, eg_predictor_new(m, NULL, settings, &p, &b->err));
	const eg_value *x = ask(b, p, q);
	assert_true(eg_value_count(eg_value_get(x, "classes")) == 1 && !inverted(x));
	assert_false(eg_value_bool(eg_value_get(x, "known"), true));
	assert_string_equal(eg_value_text(eg_value_get(x, "note")), "(unknown)");
	eg_predictor_free(p);
	p = bench_predictor(b, m, "invert=yes");
	assert_true(inverted(ask(b, p, q)));
	eg_predictor_free(p);
	assert_int_equal(eg_predictor_new(m, NULL, (const char *const[]){"tip=1", NULL}, &p, &b->err), EG_ERR_FORMAT);
	assert_null(p);
	SAYS(b, "'tip'");
	SAYS(b, "did you mean 'top'?");
	assert_int_not_equal(eg_predictor_new(m, NULL, (const char *const[]){"top=0", NULL}, &p, &b->err), EG_OK);
	eg_model_free(m);
}

/* File, its contents, JSON, a record and the network's own numbers: one answer. */
static void one_answer_for_all_kinds(void **state) {
	bench *b = *state;
	uint8_t pixels[PIXELS];
	char file[100], json[500];
	const eg_field *fields;
	eg_real x[PIXELS];
	eg_model *m = bench_train_all(b, halves_with(b, NAMED, CONV, ""));
	eg_predictor *p = bench_predictor(b, m, "invert=no");
	paint(pixels, false);
	size_t size = write_pgm(b, "up.pgm", pixels, file);
	int n = snprintf(json, sizeof json, "{\"picture\": \"%s\"}", bench_path(b, "up.pgm"));
	bench_text(b, "up.json", json);
	assert_int_equal(eg_predictor_fields(p, &fields), 1);
	assert_true(!strcmp(fields[0].name, "picture") && fields[0].kind == EG_FIELD_PICTURE);
	eg_record r = {.fields = {{.there = true, .picture = {1, SIDE, SIDE, pixels}}}};
	const eg_value *kept = eg_model_task(m);
	double mean = number_at(kept, "mean", 0), deviation = number_at(kept, "std", 0);
	for (int i = 0; i < PIXELS; i++)
		x[i] = (eg_real)(pixels[i] * (eg_real)(1 / (255 * deviation)) + (eg_real)(-mean / deviation));
	const void *tensors[] = {x};
	const eg_question questions[] = {{.path = bench_path(b, "up.pgm")}, {.bytes = file, .size = size},
	        {.bytes = json, .size = (size_t)n, .json = true}, {.path = bench_path(b, "up.json"), .json = true},
	        {.record = &r}, {.tensors = tensors}};
	eg_value *first = eg_value_new(EG_VALUE_MAP);
	eg_value_put_copy(first, "answer", ask(b, p, questions[0]));
	for (int i = 0; i < EG_COUNT(questions); i++)
		assert_same(ask(b, p, questions[i]), eg_value_get(first, "answer"));
	eg_predictor_free(p);
	p = bench_predictor(b, m, NULL); /* a picture that nothing was read of is not inverted either */
	for (int i = 0; i < EG_COUNT(questions); i++)
		assert_same(ask(b, p, questions[i]), eg_value_get(first, "answer"));
	eg_value_free(first);
	eg_predictor_free(p);
	eg_model_free(m);
}

static void fails_alone(void **state) {
	enum { N = 6 };
	bench *b = *state;
	uint8_t pixels[PIXELS], large[100] = {0};
	char file[100];
	const eg_value *answers[N];
	eg_error errors[N];
	eg_recipe *row = bench_recipe(b,
	        "name: row\ntask: classify\ndata: {source: idx, images: %s/train-images, labels: "
	        "%s/train-labels}\ninput: 64\n"
	        "model: [{linear: classes}]\n",
	        b->folder, b->folder);
	eg_model *m = bench_train_all(b, row);
	eg_predictor *p = bench_predictor(b, m, NULL);
	paint(pixels, false);
	size_t size = write_pgm(b, "up.pgm", pixels, file);
	const eg_question questions[N] = {{.path = bench_path(b, "up.pgm")}, {.path = bench_path(b, "no.png")},
	        {.bytes = file, .size = size - 1, .name = "half"},
	        {.path = bench_picture(b, "large.png", 1, 10, 10, large)},
	        {.bytes = "{\"x\": 1}", .size = 8, .json = true}, {.bytes = file, .size = size}};
	OK(b, eg_predictor_run(p, questions, N, answers, errors, &b->err));
	assert_true(answers[0] && answers[5] && !answers[1] && !answers[2] && !answers[3] && !answers[4]);
	assert_same(answers[0], answers[5]);
	assert_true(errors[0].status == EG_OK && errors[5].status == EG_OK);
	assert_non_null(strstr(errors[1].message, "no.png"));
	assert_non_null(strstr(errors[2].message, "half"));
	assert_non_null(strstr(errors[3].message, "a picture of 1 x 10 x 10 does not fill 64 numbers"));
	assert_string_equal(errors[4].message, "the input: it has no 'picture'");
	ask_in_vain(b, p, (eg_question){.bytes = "{\"picture\": 3}", .size = 14, .json = true, .name = "line 1"},
	        "line 1: 'picture' must be the path of a picture");
	OK(b, eg_predictor_run(p, NULL, 0, NULL, NULL, &b->err));
	eg_predictor_free(p);
	eg_model_free(m);
}

/* ---- all at once, and in threads --------------------------------------------------------------------------------- */

static double probability_of(const eg_value *answer) {
	return eg_value_number(eg_value_get(answer, "probability"), NAN);
}

/* Of products every bit is the same, whatever else is asked; which way a convolution is computed depends on the
 * batch, and so does its rounding. */
static void many_are_answered_as_one(void **state) {
	bench *b = *state;
	quiz *z = make_quiz();
	const eg_value *answers[MANY];
	eg_error errors[MANY];
	for (int conv = 0; conv < 2; conv++) {
		eg_model *m = bench_train_all(b, halves_with(b, NAMED, conv ? CONV : LINEAR, ""));
		eg_predictor *all = bench_predictor(b, m, NULL), *one = bench_predictor(b, m, NULL);
		for (int n = MANY; n > 0; n /= 2) {
			int from = (MANY - n) / 3;
			OK(b, eg_predictor_run(all, z->questions + from, n, answers, errors, &b->err));
			for (int i = 0; i < n; i++) {
				const eg_value *alone = ask(b, one, z->questions[from + i]);
				assert_string_equal(class_of(alone), class_of(answers[i]));
				assert_near(probability_of(alone), probability_of(answers[i]), 1e-6);
				if (!conv) assert_same(alone, answers[i]);
			}
		}
		eg_predictor_free(all);
		eg_predictor_free(one);
		eg_model_free(m);
	}
	free(z);
}

typedef struct worker {
	eg_model *model;
	const quiz *quiz;
	char *answers[MANY]; /* as JSON */
	int from;
	bool ok;
} worker;

/* Everything of one thread: a context and a predictor of its own. Nothing is asserted here: a test ends in its own
 * thread. */
static void *work(void *user) {
	worker *w = user;
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, NULL);
	eg_predictor *p = NULL;
	const eg_value *answers[MANY];
	eg_error errors[MANY];
	w->ok = ctx && !eg_predictor_new(w->model, ctx, NULL, &p, NULL);
	for (int round = 0; round < 3 && w->ok; round++)
		for (int i = 0; i < MANY && w->ok; i++) { /* in another order, one at a time, then several */
			int at = (w->from + i) % MANY, n = round == 0 ? 1 : 1 + (at + round) % 4;
			if (at + n > MANY) n = MANY - at;
			w->ok = !eg_predictor_run(p, w->quiz->questions + at, n, answers, errors, NULL) && answers[0];
			if (w->ok && round == 0) w->ok = !eg_value_json(answers[0], &w->answers[at], NULL, NULL);
		}
	eg_predictor_free(p);
	eg_context_free(ctx);
	return w;
}

static void threads_agree(void **state) {
	enum { THREADS = 4 };
	bench *b = *state;
	quiz *z = make_quiz();
	pthread_t threads[THREADS];
	worker w[THREADS] = {{0}};
	const char *const models[] = {LINEAR, CONV};
	for (int k = 0; k < EG_COUNT(models); k++) {
		eg_model *m = bench_train_all(b, halves_with(b, NAMED, models[k], ""));
		eg_predictor *p = bench_predictor(b, m, NULL);
		for (int i = 0; i < THREADS; i++) {
			w[i] = (worker){.model = m, .quiz = z, .from = i * 9};
			assert_int_equal(pthread_create(&threads[i], NULL, work, &w[i]), 0);
		}
		for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
		for (int i = 0; i < THREADS; i++) {
			assert_true(w[i].ok);
			for (int q = 0; q < MANY; q++) {
				eg_value *v = value_of(w[i].answers[q]);
				assert_same(v, ask(b, p, z->questions[q]));
				eg_value_free(v);
				free(w[i].answers[q]);
			}
		}
		eg_predictor_free(p);
		eg_model_free(m);
	}
	free(z);
}

/* ---- black and white --------------------------------------------------------------------------------------------- */

/* The border decides, also where the pictures' mean says nothing; without it the mean is gone by. */
static void inverts_by_the_border(void **state) {
	bench *b = *state;
	uint8_t pixels[PIXELS];
	char file[100];
	eg_question q = {.path = bench_path(b, "up.pgm")};
	paint(pixels, true);
	write_pgm(b, "up.pgm", pixels, file);
	for (int known = 0; known < 2; known++) {
		eg_recipe *r = halves(b, "  mean: 0.5\n  std: 0.5\n");
		drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
		eg_value *before = value_of(
		        "{\"mean\": [0.5], \"std\": [0.5], \"classes\": [\"up\", \"down\"]}"); /* as files of before */
		eg_model *m = bench_model(
		        b, r, eg_samples_sizes(d.samples), known ? eg_samples_kept(d.samples) : before, NULL, NULL);
		eg_predictor *p = bench_predictor(b, m, NULL);
		assert_true(inverted(ask(b, p, q)) == known);
		eg_predictor_free(p);
		eg_model_free(m);
		eg_value_free(before);
		undraw(&d);
		eg_recipe_free(r);
	}
}

/* A grey picture, or one in colour, whose border has brightness `border` of 255, with something else inside. */
static void write_framed(bench *b, const char *name, int border, int inside, bool colour) {
	uint8_t pixels[3 * PIXELS];
	for (int i = 0; i < 3 * PIXELS; i++) {
		int y = i % PIXELS / SIDE, x = i % SIDE;
		bool edge = y == 0 || x == 0 || y == SIDE - 1 || x == SIDE - 1;
		pixels[i] = (uint8_t)(edge ? border : inside + y + (colour ? i / PIXELS * 20 : 0));
	}
	bench_picture(b, name, 3, SIDE, SIDE, pixels);
}

typedef struct checked {
	bench *b;
	eg_predictor *files;
	const char *folder;
	int64_t n;
	bool seen[16];
} checked;

static bool check_answer(void *user, const eg_answered *a) {
	checked *c = user;
	char path[400];
	snprintf(path, sizeof path, "%s/%s", c->folder, a->id);
	assert_same(ask(c->b, c->files, (eg_question){.path = path}), a->answer);
	assert_false(c->seen[a->index]);
	c->seen[a->index] = true;
	c->n++;
	return true;
}

/* What a model says of a picture of its own data, it says of the file, of which nothing is known: none is inverted
 * that training had likes of. `brights`: so many of the eight training pictures have a bright border, the others a
 * dark one; one of eight leaves the mean dark. */
static void check_own(bench *b, int brights, bool colour) {
	char folder[40], name[80];
	snprintf(folder, sizeof folder, "own-%d%d", brights, colour);
	for (int i = 0; i < 16; i++) {
		bool bright = i % 8 < brights;
		snprintf(name, sizeof name, "%s/%s/%c/%d.png", folder, i < 8 ? "train" : "test", i % 2 ? 'b' : 'a', i);
		write_framed(b, name, bright ? 250 - i : i, 50 + 10 * i, colour);
	}
	eg_recipe *r = bench_recipe(b,
	        "name: own\ntask: classify\ndata: {source: folder, path: %s}\ninput: [3, 8, 8]\nmodel: " LINEAR
	        "\ntrain: {epochs: 2, batch: 4}\n",
	        bench_path(b, folder));
	eg_model *m = bench_train_all(b, r);
	eg_predictor *own = bench_predictor(b, m, NULL);
	checked c = {.b = b, .files = bench_predictor(b, m, NULL), .folder = bench_path(b, folder)};
	for (eg_part part = EG_PART_TRAIN; part < EG_PARTS; part += 2) {
		drawn d = draw_for(b, m, part, NULL, NULL);
		memset(c.seen, 0, sizeof c.seen);
		OK(b, eg_samples_answer(own, d.samples, part, check_answer, &c, &b->err));
		undraw(&d);
	}
	assert_int_equal(c.n, 16);
	/* A negative of a training picture is one where training has no such border, and there is no colour in it. */
	for (int bright = 0; bright < 2; bright++)
		for (int coloured = 0; coloured < 2; coloured++) {
			snprintf(name, sizeof name, "%s/other.png", folder);
			write_framed(b, name, bright ? 252 : 3, 120, coloured);
			bool want = !coloured && brights == (bright ? 0 : 8);
			if (inverted(ask(b, c.files, (eg_question){.path = bench_path(b, name)})) != want)
				fail_msg("%d of 8 bright, a %s %s picture: it is%s inverted", brights,
				        bright ? "bright" : "dark", coloured ? "coloured" : "grey", want ? " not" : "");
		}
	eg_predictor_free(own);
	eg_predictor_free(c.files);
	eg_model_free(m);
}

static void own_pictures_are_taken_as_they_are(void **state) {
	static const int brights[] = {0, 1, 4, 7, 8};
	for (int i = 0; i < EG_COUNT(brights); i++)
		for (int colour = 0; colour < 2; colour++) check_own(*state, brights[i], colour);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(predicts),
	        cmocka_unit_test(one_answer_for_all_kinds),
	        cmocka_unit_test(fails_alone),
	        cmocka_unit_test(many_are_answered_as_one),
	        cmocka_unit_test(threads_agree),
	        cmocka_unit_test(inverts_by_the_border),
	        cmocka_unit_test(own_pictures_are_taken_as_they_are),
	};
	return cmocka_run_group_tests(tests, halves_setup, bench_teardown);
}
