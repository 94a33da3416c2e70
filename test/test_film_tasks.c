/* test_film_tasks.c - networks that read films: frames that come next, by networks whose answer is known; the floors
 * beside them; sentences about films, whose times follow from where the network looks; tags of frames as they come;
 * pages about all these. */
#define _POSIX_C_SOURCE 200809L /* setenv */
#include "digits_bed.h"
#include "engram_film.h"
#include "engram_report.h"
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

static bool next_batch(stand *s, eg_floor_batch *batch) {
	OK(s->b, eg_floor_next(batch, EG_FLOOR_BATCH, &s->b->err));
	return batch->n > 0;
}

static double told_error(stand *s) {
	eg_floor_batch batch = {.part = &s->train};
	eg_judge *j = eg_samples_judge(s->d.samples, s->graph, NULL, &s->b->err);
	double v[8];
	assert_non_null(j);
	j->reset(j->user);
	while (next_batch(s, &batch)) {
		eg_said said = {0};
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
	while (next_batch(&s, &batch)) {
		eg_said said = {0};
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
	while (next_batch(&s, &batch)) {
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

/* ---- captions ---------------------------------------------------------------------------------------------------- */

static eg_recipe *teller(bench *b) {
	return bench_recipe(b,
		"name: f\ntask: caption\ndata: {source: moving-digits, pictures: %s, actions: 2, recast: true, count: 12, test_count: 3, unit: word, "
		"longest: 20, beam: 2}\ninputs: {frames: [frames, 1, 64, 64], previous: [time]}\n"
		"model: [{flatten: {axis: 2, from: frames}}, {linear: 6}, {tanh: {name: memory}}, {embedding: {count: classes, size: 4, from: previous}}, "
		"{lstm: {hidden: 6, name: state}}, {multiplicative_attention: {from: [state, memory, lengths.frames], name: seen}}, {linear: classes}]\n"
		"outputs: {attention: seen.weights}\ntrain: {loss: cross_entropy, optimizer: {adam: {lr: 0.02}}, batch: 4, epochs: 3}\n",
		bench_path(b, "digits"));
}

static const char *write_film(bench *b, const char *name, int frames) {
	eg_film_writer *w;
	uint8_t pixels[EACH];
	OK(b, eg_film_create(bench_path(b, name), SIDE, SIDE, 10, 1, EG_FILM_MONO, &w, &b->err));
	for (int k = 0; k < frames; k++) {
		memset(pixels, 0, EACH);
		memset(pixels + 8 * SIDE + 128 * k, 255, 64);
		eg_film_put(w, 1, pixels);
	}
	OK(b, eg_film_commit(w, &b->err));
	return bench_path(b, name);
}

static void told_when(void **state) {
	bench *b = *state;
	eg_model *m = bench_train_all(b, teller(b));
	eg_predictor *p = bench_predictor(b, m, "attention=true");
	const eg_value *a = ask(b, p, (eg_question){.path = write_film(b, "told.y4m", 9)});
	int64_t at = 0;
	assert_non_null(eg_value_text(eg_value_get(a, "text")));
	for (const eg_value *s = eg_value_first(eg_value_get(a, "segments")); s; s = eg_value_next(s)) {
		const int64_t end = eg_value_int(eg_value_get(s, "end"), -1), key = eg_value_int(eg_value_get(s, "keyframe"), -1);
		assert_int_equal(eg_value_int(eg_value_get(s, "start"), -1), at);
		assert_true(end >= at && (end == at || (key >= at && key < end)));
		at = end;
	}
	assert_int_equal(at, eg_value_count(eg_value_get(a, "segments")) ? 9 : 0);
	for (const eg_value *w = eg_value_first(eg_value_get(a, "words")); w; w = eg_value_next(w)) {
		double sum = 0;
		for (const eg_value *v = eg_value_first(eg_value_get(w, "attention")); v; v = eg_value_next(v)) sum += eg_value_number(v, NAN);
		assert_near(sum, 1, 1e-4);
		assert_int_equal(eg_value_count(eg_value_get(w, "attention")), 9);
	}
	eg_predictor_free(p);
	eg_evaluation *v = bench_evaluate(b, m, EG_PART_TEST, NULL, NULL);
	assert_true(eg_evaluation_find(v, "exact") >= 0 && eg_evaluation_find(v, "clause") >= 0 && eg_evaluation_find(v, "f1_50") >= 0);
	assert_int_equal(eg_evaluation_total(v), 3);
	eg_evaluation_free(v);
	eg_model_free(m);
}

/* What is right of a film: its clauses, at the runs of its tags. */
static bool take_truth(void *user, const eg_answered *a) {
	int *n = user;
	const eg_value *s = eg_value_get(a->truth, "segments");
	assert_int_equal(eg_value_count(s), 2);
	assert_int_equal(eg_value_int(eg_value_get(eg_value_first(s), "start"), -1), 0);
	assert_int_equal(eg_value_int(eg_value_get(eg_value_first(s), "end"), -1), eg_value_int(eg_value_get(eg_value_at(s, 1), "start"), -2));
	assert_int_equal(eg_value_int(eg_value_get(eg_value_at(s, 1), "end"), -1), 32);
	char text[400];
	snprintf(text, sizeof text, "%s, then %s", eg_value_text(eg_value_get(eg_value_first(s), "text")), eg_value_text(eg_value_get(eg_value_at(s, 1), "text")));
	assert_string_equal(text, eg_value_text(eg_value_get(a->truth, "text")));
	++*n;
	return true;
}

static void contains(bench *b, const char *path, const char *words) {
	char *page = bench_read(b, path, NULL);
	if (!strstr(page, words)) fail_msg("no '%s' in %s", words, path);
	free(page);
}

static void pages(void **state) {
	bench *b = *state;
	int n = 0;
	eg_model *m = bench_train_all(b, teller(b));
	drawn d = draw_for(b, m, EG_PART_TEST, NULL, NULL);
	eg_predictor *p = bench_predictor(b, m, NULL);
	OK(b, eg_samples_answer(p, d.samples, EG_PART_TEST, take_truth, &n, &b->err));
	assert_int_equal(n, 3);
	eg_predictor_free(p);
	undraw(&d);
	eg_value *facts = eg_value_new(EG_VALUE_MAP);
	assert_true(eg_looks_suit(m));
	OK(b, eg_looks_page(m, NULL, 1, NULL, b->folder, facts, &b->err));
	assert_true(eg_value_count(eg_value_get(facts, "files")) >= 2);
	contains(b, bench_path(b, "looks.html"), "The film, frames 0 to 31");
	assert_int_equal(eg_looks_page(m, NULL, 3, NULL, b->folder, facts, &b->err), EG_ERR_ARG);
	SAYS(b, "no record 3");
	/* The summary of an answer. */
	eg_film_frames film;
	OK(b, eg_film_load(write_film(b, "told.y4m", 6), NULL, 0, 0, &film, NULL, &b->err));
	eg_value *answer = value_of("{\"text\": \"a <one> grows, then turns\", \"segments\": [{\"start\": 0, \"end\": 2, \"keyframe\": 1, \"text\": \"a <one> grows\"}, "
				    "{\"start\": 2, \"end\": 6, \"keyframe\": null, \"text\": \"turns\"}]}");
	OK(b, eg_film_summary(b->folder, "told", &film, answer, facts, &b->err));
	assert_string_equal(eg_value_text(eg_value_get(facts, "file")), bench_path(b, "told.html"));
	contains(b, bench_path(b, "told.html"), "a &lt;one&gt; grows</b><br/>frames 0 to 1, seconds 0 to 0.2; frame 1 is shown");
	contains(b, bench_path(b, "told.html"), "turns</b><br/>frames 2 to 5, seconds 0.2 to 0.6<");
	eg_film_frames_free(&film);
	eg_value_free(answer);
	eg_value_free(facts);
	eg_model_free(m);
}

/* By a network that sees where a film is bright at its third frame alone, no other frame matters. */
static void saliency(void **state) {
	bench *b = *state;
	eg_model *m = bench_train_all(b,
		bench_recipe(b,
			"name: m\ntask: classify\ndata: {source: moving-digits, pictures: %s, count: 16, test_count: 2}\ninput: [time, 1, 64, 64]\n"
			"model: [{slice: {starts: 2, ends: 3, axes: 0}}, {flatten: 2}, {linear: 8}, mean_time, {linear: classes}]\n"
			"train: {loss: cross_entropy, optimizer: adam, epochs: 1}\n",
			bench_path(b, "digits")));
	eg_value *facts = eg_value_new(EG_VALUE_MAP);
	assert_true(eg_looks_suit(m));
	OK(b, eg_looks_page(m, write_film(b, "s.y4m", 5), 0, "bounce", b->folder, facts, &b->err));
	const eg_value *list = eg_value_get(facts, "saliency");
	assert_int_equal(eg_value_count(list), 5);
	for (int t = 0; t < 5; t++) assert_near(eg_value_number(eg_value_at(list, t), NAN), t == 2, 1e-9);
	assert_int_equal(eg_looks_page(m, bench_path(b, "s.y4m"), 0, "dance", b->folder, facts, &b->err), EG_ERR_ARG);
	SAYS(b, "no class 'dance'");
	eg_value_free(facts);
	eg_model_free(m);
}

/* ---- frames as they come ----------------------------------------------------------------------------------------- */

static eg_model *tagger(bench *b, const char *way) {
	return bench_train_all(b,
		bench_recipe(b,
			"name: m\ntask: tag\ndata: {source: moving-digits, pictures: %s, count: 8, test_count: 2, actions: 2}\ninput: [time, 1, 64, 64]\n"
			"model: [fold_time, {conv: {filters: 2, kernel: 8, stride: 8}}, relu, unfold_time, {flatten: 2}, {lstm: {hidden: 8%s}}, {linear: classes}]\n"
			"train: {loss: cross_entropy, optimizer: {adam: {lr: 0.02}}, batch: 2, epochs: 3}\n",
			bench_path(b, "digits"), way));
}

static void as_they_come(void **state) {
	bench *b = *state;
	eg_frame_tagger *t;
	eg_film *film;
	const eg_value *one;
	const uint8_t *pixels;
	eg_model *m = tagger(b, "");
	eg_predictor *p = bench_predictor(b, m, NULL);
	const eg_value *tag = eg_value_first(eg_value_get(ask(b, p, (eg_question){.path = write_film(b, "come.y4m", 12)}), "tags"));
	OK(b, eg_frame_tagger_new(m, &t, &b->err));
	OK(b, eg_film_open(bench_path(b, "come.y4m"), NULL, &film, &b->err));
	for (int n = 0; tag; n++, tag = eg_value_next(tag)) {
		OK(b, eg_film_next(film, &pixels, &b->err));
		OK(b, eg_frame_tagger_next(t, 1, SIDE, SIDE, pixels, &one, &b->err));
		assert_string_equal(eg_value_text(eg_value_get(one, "tag")), eg_value_text(tag));
		if (n == 0) assert_true(eg_value_bool(eg_value_get(one, "begins"), false));
		assert_true(eg_value_number(eg_value_get(one, "probability"), NAN) > 1.0 / 13);
	}
	eg_film_close(film);
	eg_frame_tagger_free(t);
	eg_predictor_free(p);
	eg_model_free(m);
	m = tagger(b, ", bidirectional: true");
	assert_true(eg_frame_tagger_new(m, &t, &b->err) != EG_OK && !t);
	SAYS(b, "lstm1");
	eg_model_free(m);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(foretold), cmocka_unit_test(of_a_film), cmocka_unit_test(refused),
		cmocka_unit_test(blank_and_last), cmocka_unit_test(mean_of_a_film), cmocka_unit_test(commonest_tag),
		cmocka_unit_test(likeliest_caption), cmocka_unit_test(told_when), cmocka_unit_test(pages), cmocka_unit_test(saliency),
		cmocka_unit_test(as_they_come)};
	return cmocka_run_group_tests(tests, digits_setup, bench_teardown);
}
