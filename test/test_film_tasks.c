/* test_film_tasks.c - networks that read films: frames that come next, by networks whose answer is known; the floors
 * beside them. */
#define _POSIX_C_SOURCE 200809L /* setenv */
#include "digits_bed.h"
#include "engram_film.h"
#include "floor_bed.h"

enum { FRAMES = 10, SIDE = 64, EACH = SIDE * SIDE };

/* Out of it comes what goes in, as black 0 and white 1, when `copy` has set its weights: the digits do not move any
 * more, they do it again. */
static eg_recipe *next(bench *b, const char *more) {
	return bench_recipe(b,
		"name: n\ntask: reconstruct\ndata: {source: moving-mnist, pictures: %s, count: 6, test_count: 4%s}\ninput: [time, 1, 64, 64]\n"
		"model: [fold_time, {conv: {filters: 1, kernel: 1}}, unfold_time]\ntrain: {loss: mse}\n",
		bench_path(b, "digits"), more);
}

typedef struct scale {
	double mean, std;
} scale;
static void copy(eg_params *p, const void *user) {
	const scale *s = user;
	*eg_params_data(p, eg_params_find(p, "conv1.weight")) = (eg_real)s->std;
	*eg_params_data(p, eg_params_find(p, "conv1.bias")) = (eg_real)s->mean;
}

static eg_model *copier(bench *b, const char *more) {
	eg_recipe *r = next(b, more);
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	const eg_value *kept = eg_samples_kept(d.samples);
	const scale s = {eg_value_number(eg_value_get(kept, "mean"), NAN), eg_value_number(eg_value_get(kept, "std"), NAN)};
	eg_model *m = bench_weigh(b, r, d.samples, copy, &s);
	undraw(&d);
	eg_recipe_free(r);
	return m;
}

/* The sum of the squared differences of two frames, or (b NULL) of one and black. */
static double apart(const uint8_t *a, const uint8_t *b) {
	double sum = 0;
	for (int i = 0; i < EACH; i++) {
		const double e = (a[i] - (b ? b[i] : 0)) / 255.0;
		sum += e * e;
	}
	return sum;
}

typedef struct errors {
	double again, last, blank, first; /* means over frames; `first` of frame 0, of the network that says it again */
} errors;

static errors errors_of(bench *b, eg_task *t, eg_part part) {
	errors e = {0};
	const eg_source *s = eg_task_source(t);
	const int64_t n = eg_source_count(s, part);
	for (int64_t i = 0; i < n; i++) {
		eg_record r = {0};
		OK(b, eg_source_read(s, part, i, ~0u, &r, &b->err));
		const uint8_t *seen = r.fields[0].frames.pixels, *wanted = r.fields[1].frames.pixels;
		for (int k = 0; k < FRAMES; k++) {
			e.again += apart(wanted + k * EACH, seen + k * EACH) / (double)(n * FRAMES);
			e.last += apart(wanted + k * EACH, seen + (FRAMES - 1) * EACH) / (double)(n * FRAMES);
			e.blank += apart(wanted + k * EACH, NULL) / (double)(n * FRAMES);
		}
		e.first += apart(wanted, seen) / (double)n;
		eg_record_free(&r);
	}
	return e;
}

static void foretold(void **state) {
	bench *b = *state;
	eg_model *m = copier(b, "");
	drawn d = draw_for(b, m, EG_PART_TEST, NULL, NULL);
	const errors e = errors_of(b, d.task, EG_PART_TEST);
	undraw(&d);
	eg_evaluation *v = bench_evaluate(b, m, EG_PART_TEST, NULL, NULL);
	assert_near(eg_evaluation_find(v, "mse"), e.again, 1e-3);
	assert_near(eg_evaluation_find(v, "psnr"), -10 * log10(e.again / EACH), 1e-4);
	const eg_value *by = eg_value_get(eg_evaluation_result(v), "by_frame");
	assert_int_equal(eg_value_count(by), FRAMES);
	assert_near(eg_value_number(eg_value_first(by), NAN), e.first, 1e-3);
	eg_evaluation_free(v);
	eg_model_free(m);
}

/* A film of 12 frames, of which the last 10 are read: they come out again, as a film and as a picture. */
static void of_a_film(void **state) {
	bench *b = *state;
	uint8_t film[12][EACH];
	eg_film_writer *w;
	eg_film_frames back = {0};
	char setting[200];
	eg_model *m = copier(b, "");
	OK(b, eg_film_create(bench_path(b, "film.y4m"), SIDE, SIDE, 25, 1, EG_FILM_MONO, &w, &b->err));
	for (int k = 0; k < 12; k++) {
		memset(film[k], 0, EACH);
		memset(film[k] + 5 * SIDE * k, 255, (size_t)SIDE);
		eg_film_put(w, 1, film[k]);
	}
	OK(b, eg_film_commit(w, &b->err));
	snprintf(setting, sizeof setting, "output=%s", b->folder);
	eg_predictor *p = bench_predictor(b, m, setting);
	const eg_value *a = ask(b, p, (eg_question){.path = bench_path(b, "film.y4m")});
	assert_int_equal(eg_value_int(eg_value_get(a, "frames"), 0), FRAMES);
	assert_true(isnan(eg_value_number(eg_value_get(a, "error"), NAN)));
	assert_int_equal(eg_value_count(eg_value_get(a, "errors")), 0);
	const char *file = eg_value_text(eg_value_get(a, "file"));
	assert_non_null(file);
	OK(b, eg_film_load(file, NULL, 0, 0, &back, NULL, &b->err));
	assert_int_equal(back.n, FRAMES);
	for (int k = 0; k < FRAMES; k++)
		for (int i = 0; i < EACH; i++) assert_near(back.pixels[k * EACH + i], film[k + 2][i], 1);
	eg_film_frames_free(&back);
	eg_picture pic;
	OK(b, eg_picture_read(NULL, eg_value_text(eg_value_get(a, "picture")), NULL, &pic, &b->err));
	assert_true(pic.W == FRAMES * (SIDE + 2) - 2 && pic.H == 2 * (SIDE + 2) - 2);
	assert_near(pic.pixels[5 * 2 * pic.W], 255, 0); /* the first that is read, above; and below what came of it */
	assert_near(pic.pixels[(SIDE + 2 + 5 * 2) * pic.W], 255, 1);
	eg_picture_free(&pic);
	eg_predictor_free(p);
	eg_model_free(m);
}

static void refused(void **state) {
	bench *b = *state;
	eg_task *t;
	eg_recipe *r = next(b, ", target_frames: 5");
	assert_int_equal(eg_task_open(r, &t, &b->err), EG_ERR_ARG);
	SAYS(b, "5 are to follow 10");
	eg_recipe_free(r);
	r = bench_recipe(b,
		"name: n\ntask: reconstruct\ndata: {source: moving-mnist, pictures: %s, count: 6, test_count: 4}\ninput: [time, 1, 64, 64]\n"
		"model: [fold_time, {maxpool: 2}, unfold_time]\ntrain: {loss: mse}\n",
		bench_path(b, "digits"));
	eg_graph *g;
	OK(b, eg_task_open(r, &t, &b->err));
	OK(b, eg_recipe_build(r, b->ctx, (eg_size[]){{0}}, &g, &b->err));
	assert_int_equal(eg_task_suits(t, g, &b->err), EG_ERR_SHAPE);
	SAYS(b, "(time, N, 1, 64, 64)");
	eg_graph_free(g);
	eg_task_free(t);
	eg_recipe_free(r);
}

/* ---- floors ------------------------------------------------------------------------------------------------------ */

static double told_error(stand *s) {
	eg_floor_batch batch = {.part = &s->train};
	eg_judge *j = eg_samples_judge(s->d.samples, s->graph, NULL, &s->b->err);
	double v[8];
	assert_non_null(j);
	j->reset(j->user);
	for (;;) {
		eg_said said = {0};
		OK(s->b, eg_floor_next(&batch, EG_FLOOR_BATCH, &s->b->err));
		if (batch.n == 0) break;
		OK(s->b, s->floor->type->say(s->floor, &batch, 0, batch.time, &said, &s->b->err));
		OK(s->b, eg_samples_judge_said(j, s->d.samples, &batch.run, &said, &s->b->err));
	}
	j->values(j->user, v);
	eg_floor_batch_free(&batch);
	eg_samples_judge_free(j);
	return v[0];
}

static void blank_and_last(void **state) {
	bench *b = *state;
	stand blank = stand_up(b, next(b, ""), "blank-frame", NULL);
	const errors e = errors_of(b, blank.d.task, EG_PART_TRAIN);
	assert_near(told_error(&blank), e.blank, 1e-3);
	stand_down(&blank);
	stand last = stand_up(b, next(b, ""), "last-frame", NULL);
	assert_near(told_error(&last), e.last, 1e-3);
	stand_down(&last);
}

/* Numbers of 102 that are linearly apart: films that are few are told by heart. */
static void mean_of_a_film(void **state) {
	bench *b = *state;
	stand s = stand_up(b,
		bench_recipe(b,
			"name: m\ntask: classify\ndata: {source: moving-digits, pictures: %s, count: 30, test_count: 2}\ninput: [time, 1, 64, 64]\n"
			"model: [{flatten: 2}, last, {linear: classes}]\ntrain: {loss: cross_entropy}\n",
			bench_path(b, "digits")),
		"film-mean", (double[]){1e6, 0, 0});
	eg_floor_batch batch = {.part = &s.train};
	int right = 0, n = 0;
	for (;;) {
		eg_said said = {0};
		OK(b, eg_floor_next(&batch, EG_FLOOR_BATCH, &b->err));
		if (batch.n == 0) break;
		OK(b, s.floor->type->say(s.floor, &batch, 0, 1, &said, &b->err));
		double sum = 0;
		const int K = (int)said.dims.d[1];
		for (int k = 0; k < K; k++) sum += exp((double)said.at[k]);
		assert_near(sum, 1, 1e-4);
		right += eg_argmax(said.at, K) == eg_floor_label(s.floor, &batch, 0), n++;
	}
	assert_int_equal(n, 30);
	assert_int_equal(right, 30);
	eg_floor_batch_free(&batch);
	stand_down(&s);
}

static void commonest_tag(void **state) {
	bench *b = *state;
	stand s = stand_up(b,
		bench_recipe(b,
			"name: m\ntask: tag\ndata: {source: moving-digits, pictures: %s, count: 9, test_count: 2, actions: 2}\ninput: [time, 1, 64, 64]\n"
			"model: [{flatten: 2}, {linear: classes}]\ntrain: {loss: cross_entropy}\n",
			bench_path(b, "digits")),
		"common-tag", NULL);
	eg_floor_batch batch = {.part = &s.train};
	int64_t count[32] = {0}, all = 0;
	eg_said said = {0};
	for (;;) {
		OK(b, eg_floor_next(&batch, EG_FLOOR_BATCH, &b->err));
		if (batch.n == 0) break;
		for (int t = 0; t < batch.time; t++, all++) count[((const int32_t *)eg_batch_input(&batch.run, "target"))[t]]++;
	}
	eg_floor_batch_free(&batch);
	said = stand_say(&s, &batch);
	const int K = (int)said.dims.d[2];
	for (int i = 0; i < 32 * K; i++) assert_near((double)said.at[i], log((double)(count[i % K] + 1) / (double)(all + K)), 1e-5);
	eg_floor_batch_free(&batch);
	stand_down(&s);
}

/* Of one scene there is one caption, which is said of all. */
static void likeliest_caption(void **state) {
	bench *b = *state;
	stand s = stand_up(b,
		bench_recipe(b,
			"name: c\ntask: caption\ndata: {source: scenes, clothes: %s, digits: %s, count: 1, test_count: 2, unit: word}\n"
			"inputs: {picture: [3, 64, 64], previous: [time]}\n"
			"model: [{maxpool: {kernel: 16, from: picture}}, {flatten: 2}, {transpose: {perm: [2, 0, 1], name: places}}, "
			"{embedding: {count: classes, size: 4, from: previous}}, {lstm: {hidden: 3, name: state}}, "
			"{multiplicative_attention: {from: [state, places]}}, {linear: classes}]\ntrain: {loss: cross_entropy}\n",
			bench_path(b, "digits"), bench_path(b, "digits")),
		"caption-ngram", NULL);
	eg_floor_batch batch = {.part = &s.train};
	eg_record r = {0};
	const char *text = NULL;
	OK(b, eg_floor_next(&batch, 1, &b->err));
	OK(b, s.floor->type->write(s.floor, &batch, &text, &b->err));
	OK(b, eg_source_read(eg_task_source(s.d.task), EG_PART_TRAIN, 0, ~0u, &r, &b->err));
	assert_string_equal(text, r.fields[1].text.bytes);
	eg_record_free(&r);
	eg_floor_batch_free(&batch);
	stand_down(&s);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(foretold), cmocka_unit_test(of_a_film), cmocka_unit_test(refused),
		cmocka_unit_test(blank_and_last), cmocka_unit_test(mean_of_a_film), cmocka_unit_test(commonest_tag),
		cmocka_unit_test(likeliest_caption)};
	return cmocka_run_group_tests(tests, digits_setup, bench_teardown);
}
