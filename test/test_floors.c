/* Floors as such: the table, running them, the cache, what beats them; and most-frequent and kneser-ney, whose
 * numbers are known by hand. */
#define _POSIX_C_SOURCE 200809L /* setenv */
#include "floor_bed.h"

#include <sys/stat.h>

static const char letters[] = "abracadabra abracadabra cabala barba abba cadabra barracada abracadabra dabba";

static eg_recipe *text_recipe(bench *b, const char *more) {
	bench_text(b, "t.txt", letters);
	return bench_recipe(b,
	        "name: t\ntask: language\ndata: {source: text, path: %s, %s}\ninput: [time]\n"
	        "model: [{embedding: 2}, {linear: classes}]\ntrain: {batch: 1}\n",
	        bench_path(b, "t.txt"), more);
}

/* ---- Kneser-Ney -------------------------------------------------------------------------------------------------- */

/* The formula, word by word: units of the text are s[0..n-1], of which s[1..] were predicted; what stands before
 * the text is 0. A unit in front of `at`. */
static int before(const char *s, int at, int back) { return at - back < 0 ? 0 : s[at - back]; }

static bool same_history(const char *s, int a, int b, int n) {
	for (int k = 1; k <= n; k++)
		if (before(s, a, k) != before(s, b, k)) return false;
	return true;
}

/* c(h w): h are the order - 1 units before place `at`. Below the longest, different units in front of h are
 * counted. */
static int count(const char *s, int n, int order, int longest, int at, int w) {
	int seen[300] = {0}, all = 0;
	for (int i = 1; i < n; i++) {
		if (s[i] != w || !same_history(s, i, at, order - 1)) continue;
		if (order < longest && seen[before(s, i, order)]++) continue;
		all++;
	}
	return all;
}

static double probability(const char *s, int n, int order, int longest, int at, int w, const char *units) {
	const int V = (int)strlen(units);
	if (order == 0) return 1.0 / V;
	double all = 0, kinds = 0, mine = count(s, n, order, longest, at, w);
	for (int k = 0; k < V; k++) {
		int c = count(s, n, order, longest, at, units[k]);
		all += c, kinds += c > 0;
	}
	double shorter = probability(s, n, order - 1, longest, at, w, units);
	return all > 0 ? (mine > 0.75 ? mine - 0.75 : 0) / all + 0.75 * kinds / all * shorter : shorter;
}

static void kneser_ney_is_the_formula(void **state) {
	bench *b = *state;
	static const char units[] = " abcdlr";
	const int n = (int)strlen(letters);
	for (int order = 1; order <= 4; order++) {
		stand s = stand_up(b, text_recipe(b, "steps: 1000"), "kneser-ney", (double[]){order, 0, 0});
		eg_floor_batch batch;
		eg_said said = stand_say(&s, &batch);
		assert_int_equal(batch.time, n - 1);
		assert_int_equal(said.dims.d[2], (int)strlen(units));
		for (int t = 0; t < n - 1; t++) {
			double sum = 0;
			for (int w = 0; w < 7; w++) {
				double p = exp((double)said.at[t * 7 + w]);
				sum += p;
				assert_near(p, probability(letters, n, order, order, t + 1, units[w], units), 1e-6);
			}
			assert_near(sum, 1, 1e-5);
		}
		eg_floor_batch_free(&batch);
		stand_down(&s);
	}
}

/* "abab": behind the first unit b, a, b were to be predicted. By hand, n = 2: a is followed by b (2), b by a (1).
 * Order 1 counts what stands in front: a behind b, b behind a, one each. P_1 = 0.25/2 + 0.75 * 2/2 * 1/2 = 0.5 for
 * both; P(b | a) = 1.25/2 + 0.75 * 1/2 * 0.5 = 0.8125, P(a | b) = 0.25/1 + 0.75 * 0.5 = 0.625. */
static void kneser_ney_by_hand(void **state) {
	bench *b = *state;
	bench_text(b, "h.txt", "abab");
	eg_recipe *r = bench_recipe(b,
	        "name: h\ntask: language\ndata: {source: text, path: %s}\ninput: [time]\n"
	        "model: [{embedding: 2}, {linear: classes}]\ntrain: {batch: 1}\n",
	        bench_path(b, "h.txt"));
	stand s = stand_up(b, r, "kneser-ney", (double[]){2, 0, 0});
	eg_floor_batch batch;
	eg_said said = stand_say(&s, &batch);
	assert_near(exp((double)said.at[0 * 2 + 1]), 0.8125, 1e-6);
	assert_near(exp((double)said.at[0 * 2 + 0]), 0.1875, 1e-6);
	assert_near(exp((double)said.at[1 * 2 + 0]), 0.625, 1e-6);
	assert_near(exp((double)said.at[2 * 2 + 1]), 0.8125, 1e-6);
	eg_floor_batch_free(&batch);
	stand_down(&s);
}

/* Cut into streams and pieces, the text is the same text. */
static void pieces_go_on(void **state) {
	bench *b = *state;
	double loss[2];
	for (int k = 0; k < 2; k++) {
		eg_recipe *r = text_recipe(b, k ? "steps: 5, validation: 0.3" : "steps: 1000, validation: 0.3");
		const eg_floors_options o = {.ctx = b->ctx, .use = EG_FLOORS_ANEW};
		eg_floors *f;
		OK(b, eg_floors_run(r, &o, &f, &b->err));
		assert_int_equal(eg_floors_part(f), EG_PART_VALIDATION);
		loss[k] = eg_floors_at(f, 0)->values[0];
		assert_int_equal(eg_value_int(eg_value_get(eg_floors_at(f, 0)->settings, "n"), 0), 6);
		eg_floors_free(f);
		eg_recipe_free(r);
	}
	assert_true(loss[0] > 0.5 && loss[0] < 2);
	assert_near(loss[0], loss[1], 1e-6);
}

static void samples_begin_with_their_end_mark(void **state) {
	bench *b = *state;
	bench_text(b, "s.txt", "ab\n\nab\n\nab\n\ncb\n");
	eg_recipe *r = bench_recipe(b,
	        "name: s\ntask: language\ndata: {source: text, path: %s, samples: true, keep_title: true}\ninput: [time]\n"
	        "model: [{embedding: 2}, {linear: classes}]\ntrain: {batch: 1}\n",
	        bench_path(b, "s.txt"));
	stand s = stand_up(b, r, "kneser-ney", (double[]){2, 0, 0});
	eg_floor_batch batch;
	eg_said said = stand_say(&s, &batch);
	/* Behind the end mark: a 3 times, c once. In front: of a the end mark, of b a and c, of c and of the mark
	 * one: 5. */
	int V = (int)said.dims.d[2];
	assert_int_equal(V, 5); /* the end mark, the line end, a, b, c */
	double a1 = 0.25 / 5 + 0.75 * 4 / 5 / 5, p = (3 - 0.75) / 4 + 0.75 * 2 / 4 * a1;
	assert_near(exp((double)said.at[2]), p, 1e-6);
	eg_floor_batch_free(&batch);
	stand_down(&s);
}

static void the_end_validates(void **state) {
	bench *b = *state;
	bench_text(b, "e.txt", "aa\n\nab\n\nba\n\nbb\n\ncc\n");
	const char *format = "name: s\ntask: language\ndata: {source: text, path: %s, samples: true, keep_title: true, "
	                     "validation: 0.2, validation_from: end}\ninput: [time]\n"
	                     "model: [{embedding: 2}, {linear: classes}]\ntrain: {batch: 1}\n";
	eg_recipe *r = bench_recipe(b, format, bench_path(b, "e.txt"));
	drawn d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN});
	assert_int_equal(eg_samples_count(d.samples, EG_PART_TRAIN), 4);
	const eg_dataset *v = eg_samples_get(d.samples, EG_PART_VALIDATION);
	assert_int_equal(v->count, 1);
	int32_t input[3], target[3];
	uint32_t item = 0;
	const eg_fill fill = {.items = &item, .n = 1, .time = 3, .epoch = -1};
	OK(b, v->fill(v->user, &fill, (void *[]){input, target}, &b->err));
	assert_int_equal(target[0], target[1]); /* "cc": end mark 0, line end 1, a 2, b 3, c 4 */
	assert_int_equal(target[0], 4);
	undraw(&d);
	eg_recipe_free(r);
	assert_int_equal(bench_parse(b, &r, "name: s\ntask: language\ndata: {source: text, path: x, validation_from: end}\n"
	                                    "input: [time]\nmodel: [{embedding: 2}, {linear: classes}]\n"),
	        EG_OK);
	eg_task *t;
	assert_int_not_equal(eg_task_open(r, &t, &b->err), EG_OK);
	SAYS(b, "'validation_from' needs 'samples: true'");
	eg_recipe_free(r);
}

/* ---- most frequent ----------------------------------------------------------------------------------------------- */

static eg_recipe *label_recipe(bench *b, const char *more) {
	char rows[4000] = "text\tlabel\n";
	for (int i = 0; i < 60; i++) strcat(rows, i % 3 == 1 ? "no thanks\tno\n" : i % 6 == 2 ? "why so\tperhaps\n" : "yes please\tyes\n");
	bench_text(b, "l.tsv", rows);
	return bench_recipe(b,
	        "name: l\ntask: classify\ndata: {source: tsv, path: %s, validation: 0.2, unit: word%s}\ninput: [time]\n"
	        "model: [{embedding: 2}, mean_time, {linear: classes}]\n",
	        bench_path(b, "l.tsv"), more);
}

static void most_frequent_by_hand(void **state) {
	bench *b = *state;
	stand s = stand_up(b, label_recipe(b, ""), "most-frequent", NULL);
	eg_floor_batch batch;
	eg_said said = stand_say(&s, &batch);
	assert_int_equal(s.train.count, 48); /* 24 yes, 16 no, 8 perhaps */
	double sum = 0, most = 0;
	for (int k = 0; k < 3; k++) sum += exp((double)said.at[k]), most = fmax(most, exp((double)said.at[k]));
	assert_near(sum, 1, 1e-6);
	assert_near(most, 25.0 / 51, 1e-6);
	eg_floor_batch_free(&batch);
	stand_down(&s);
}

/* ---- running them, and the cache --------------------------------------------------------------------------------- */

static eg_floors *run(bench *b, eg_recipe *r, eg_floors_options o) {
	eg_floors *f;
	o.ctx = b->ctx;
	OK(b, eg_floors_run(r, &o, &f, &b->err));
	return f;
}

static bool is_kept(bench *b, eg_recipe *r, eg_floors_options o) {
	eg_floors *f = run(b, r, o);
	bool kept = eg_floors_count(f) > 0;
	for (int i = 0; i < eg_floors_count(f); i++) kept = kept && eg_floors_at(f, i)->kept;
	eg_floors_free(f);
	return kept;
}

static void results_are_kept(void **state) {
	bench *b = *state;
	eg_recipe *r = label_recipe(b, ""), *other = label_recipe(b, ", min_count: 2");
	eg_floors *f = run(b, r, (eg_floors_options){.use = EG_FLOORS_KEPT});
	assert_int_equal(eg_floors_count(f), 0);
	assert_true(eg_floors_beaten(f, 0.1));
	eg_floors_free(f);
	assert_false(is_kept(b, r, (eg_floors_options){0}));
	assert_true(is_kept(b, r, (eg_floors_options){0}));
	assert_true(is_kept(b, r, (eg_floors_options){.use = EG_FLOORS_KEPT}));
	assert_false(is_kept(b, r, (eg_floors_options){.use = EG_FLOORS_ANEW}));
	assert_false(is_kept(b, r, (eg_floors_options){.folds = 3}));
	assert_false(is_kept(b, other, (eg_floors_options){.use = EG_FLOORS_KEPT}));
	f = run(b, r, (eg_floors_options){0});
	const eg_floor_result *most = floor_called(f, "most-frequent");
	assert_near(most->values[0], 0.5, 1e-9);
	assert_true(isnan(most->deviation[0]));
	assert_int_equal(eg_floors_part(f), EG_PART_VALIDATION);
	assert_int_equal(eg_floors_units(f, true), 12);
	assert_null(eg_floors_remark(f));
	double best = eg_floors_at(f, 0)->values[0];
	for (int i = 1; i < eg_floors_count(f); i++) assert_true(eg_floors_at(f, i)->values[0] <= eg_floors_at(f, i - 1)->values[0]);
	assert_true(eg_floors_beaten(f, best + 0.01));
	assert_false(eg_floors_beaten(f, best));
	assert_false(eg_floors_beaten(f, NAN));
	eg_floors_free(f);
	/* Other contents. */
	bench_text(b, "l.tsv",
	        "text\tlabel\nyes please\tyes\nno thanks\tno\nyes please\tyes\nno thanks\tno\nyes\tyes\nno\tno\nyes\tyes\nno\tno\n");
	assert_false(is_kept(b, r, (eg_floors_options){.use = EG_FLOORS_KEPT}));
	eg_recipe_free(r);
	eg_recipe_free(other);
}

static void damaged_files_are_written_anew(void **state) {
	bench *b = *state;
	eg_recipe *r = label_recipe(b, "");
	char command[300];
	static const char *const damage[] = {"", "{", "[1]", "{\"floors 1\": 3}", "{\"floors 1\": {\"train\": 1}}",
	        "{\"floors 1\": {\"train\": null, \"most-frequent\": {\"version\": 1, \"metrics\": 3}}}"};
	for (int i = 0; i < EG_COUNT(damage); i++) {
		assert_false(is_kept(b, r, (eg_floors_options){.use = EG_FLOORS_ANEW}));
		snprintf(command, sizeof command, "for f in '%s'/engram/floors/*; do printf '%%s' '%s' >\"$f\"; done",
		        bench_path(b, "cache"), damage[i]);
		assert_int_equal(system(command), 0);
		assert_false(is_kept(b, r, (eg_floors_options){.use = EG_FLOORS_KEPT}));
		assert_false(is_kept(b, r, (eg_floors_options){0}));
		assert_true(is_kept(b, r, (eg_floors_options){0}));
	}
	eg_recipe_free(r);
}

static void without_a_place_results_come_all_the_same(void **state) {
	bench *b = *state;
	eg_recipe *r = label_recipe(b, "");
	setenv("XDG_CACHE_HOME", bench_text(b, "file", "no folder"), 1);
	eg_floors *f = run(b, r, (eg_floors_options){0});
	assert_true(eg_floors_count(f) > 0);
	assert_non_null(strstr(eg_floors_remark(f), "results of floors are not kept"));
	eg_floors_free(f);
	eg_recipe_free(r);
}

static void folds_have_means(void **state) {
	bench *b = *state;
	eg_recipe *r = label_recipe(b, "");
	eg_floors *f = run(b, r, (eg_floors_options){.folds = 6});
	const eg_floor_result *most = floor_called(f, "most-frequent");
	assert_near(most->values[0], 0.5, 1e-9);
	assert_true(most->deviation[0] >= 0 && most->deviation[0] < 0.1);
	eg_floors_free(f);
	assert_true(is_kept(b, r, (eg_floors_options){.folds = 6}));
	eg_floors *none = NULL;
	assert_int_equal(eg_floors_run(r, &(eg_floors_options){.ctx = b->ctx, .folds = 1}, &none, &b->err), EG_ERR_ARG);
	assert_null(none);
	assert_int_equal(eg_floors_run(r, &(eg_floors_options){.ctx = b->ctx, .split = "test"}, &none, &b->err), EG_ERR_ARG);
	SAYS(b, "no test");
	assert_int_equal(eg_floors_run(r, &(eg_floors_options){.ctx = b->ctx, .split = "tset"}, &none, &b->err), EG_ERR_ARG);
	SAYS(b, "'tset'");
	eg_recipe_free(r);
}

static bool stop(void *user, const eg_floor_progress *p) {
	++*(int *)user;
	assert_true(p->share >= 0 && p->share <= 1 + 1e-9);
	return false;
}

static void they_can_be_stopped(void **state) {
	bench *b = *state;
	eg_recipe *r = label_recipe(b, "");
	eg_floors *f = NULL;
	int calls = 0;
	const eg_floors_options o = {.ctx = b->ctx, .user = &calls, .progress = stop};
	assert_int_equal(eg_floors_run(r, &o, &f, &b->err), EG_ERR_STOPPED);
	assert_null(f);
	assert_int_equal(calls, 1);
	eg_recipe_free(r);
}

static void the_table(void **state) {
	(void)state;
	for (int i = 0; i < eg_floor_count(); i++) {
		const eg_floor_info *x = eg_floor_at(i);
		bool task = false;
		for (int k = 0; k < eg_task_count(); k++) task |= !strcmp(eg_task_at(k)->name, x->task);
		assert_true(task && *x->doc && *x->source && x->version > 0);
		for (int k = 0; k < i; k++) /* one name for two tasks is one model */
			if (!strcmp(x->task, eg_floor_at(k)->task)) assert_string_not_equal(x->name, eg_floor_at(k)->name);
	}
	assert_null(eg_floor_at(eg_floor_count()));
	assert_null(eg_floor_at(-1));
}

#define T(f) cmocka_unit_test_setup_teardown(f, floors_setup, bench_teardown)
int main(void) {
	const struct CMUnitTest tests[] = {T(kneser_ney_is_the_formula), T(kneser_ney_by_hand), T(pieces_go_on),
	        T(samples_begin_with_their_end_mark), T(the_end_validates), T(most_frequent_by_hand), T(results_are_kept),
	        T(damaged_files_are_written_anew), T(without_a_place_results_come_all_the_same), T(folds_have_means),
	        T(they_can_be_stopped), T(the_table)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
