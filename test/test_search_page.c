/* test_search_page.c - the page of a search: what is read of a journal, which keys matter, which trial is best; pages
 * and pictures of searches of all shapes are whole; journals that are cut off, or none. */
#include "report/search.h"
#include "support_tasks.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static eg_value *parsed(bench *b, const char *text) {
	eg_value *v;
	OK(b, eg_value_parse(text, strlen(text), "journal", &v, &b->err));
	return v;
}

static uint32_t next(uint32_t *state) { return *state = *state * 1664525u + 1013904223u; }
static double uniform(uint32_t *state) { return (next(state) >> 8) / 16777216.0; }

#define SEARCH \
	"{\"metric\": \"accuracy\", \"lower_is_better\": false, \"space\": {\"train.lr\": {\"range\": [1e-4, 0.1], \"log\": true}, " \
	"\"model.1.dropout\": {\"range\": [0, 0.8]}, \"train.batch\": {\"choices\": [16, 64, 128]}, " \
	"\"train.optimizer\": {\"choices\": [\"adam\", {\"sgd\": {\"momentum\": 0.9}}]}}}"

/* n trials whose value comes of train.lr alone, but for a little noise; some are stopped, some fail. */
static eg_value *made(bench *b, int n) {
	static const int batches[] = {16, 64, 128};
	eg_value *list = eg_value_new(EG_VALUE_LIST), *search = parsed(b, SEARCH);
	uint32_t state = 7;
	for (int i = 0; i < n; i++) {
		eg_value *t = eg_value_put_map(list, NULL);
		const double lr = pow(10, -4 + 3 * uniform(&state)), off = log10(lr) + 2.5;
		eg_value_put_int(t, "trial", i);
		eg_value *s = eg_value_put_map(t, "settings");
		eg_value_put_number(s, "train.lr", lr);
		eg_value_put_number(s, "model.1.dropout", 0.8 * uniform(&state));
		eg_value_put_int(s, "train.batch", batches[next(&state) >> 16 & 1 ? 2 : next(&state) >> 16 & 1]);
		if (next(&state) >> 16 & 1)
			eg_value_put_text(s, "train.optimizer", "adam");
		else
			eg_value_put_number(eg_value_put_map(eg_value_put_map(s, "train.optimizer"), "sgd"), "momentum", 0.9);
		const double value = 0.9 - 0.2 * off * off + 0.01 * uniform(&state);
		const char *what = i % 10 == 9 ? "failed" : value < 0.75 ? "stopped" : "done";
		eg_value_put_int(t, "budget", value < 0.75 ? 3 : 9);
		eg_value_put_number(t, "value", i % 10 == 9 ? (double)NAN : value);
		eg_value_put_text(t, "state", what);
		if (i == 0) eg_value_put_copy(t, "search", search);
	}
	eg_value_free(search);
	assert_true(eg_value_whole(list));
	return list;
}

static void what_is_read(void **state) {
	bench *b = *state;
	eg_shown_search s;
	char text[64];
	eg_value *list = made(b, 40);
	OK(b, eg_shown_read(&s, list, &b->err));
	assert_int_equal(s.nkeys, 4);
	assert_int_equal(s.ntrials, 40);
	assert_string_equal(s.metric, "accuracy");
	assert_false(s.lower);
	assert_string_equal(s.keys[0].label, "lr");
	assert_true(s.keys[0].log && !s.keys[0].choice && s.keys[0].low == 1e-4 && s.keys[0].high == 0.1);
	assert_true(s.keys[2].choice && s.keys[2].nchoices == 3);
	assert_string_equal(s.keys[3].choices[1], "{\"sgd\": {\"momentum\": 0.9}}");
	assert_int_equal(s.trials[9].state, EG_SHOWN_FAILED);
	/* The best one has the highest value of those that are whole; ranks follow values. */
	for (int i = 0; i < s.ntrials; i++) {
		const eg_shown_trial *t = &s.trials[i], *best = &s.trials[s.best];
		assert_true(t->merit >= 0 && t->merit <= 1);
		if (t->state == EG_SHOWN_STOPPED) assert_true(t->value < 0.75 && t->merit < best->merit);
		if (t->state == EG_SHOWN_DONE) assert_true(t->value <= best->value && t->merit <= best->merit);
		if (t->state == EG_SHOWN_FAILED) assert_true(t->merit < 0.1);
	}
	assert_true(s.trials[s.best].merit == 1);
	assert_string_equal(eg_shown_text(&s.keys[0], 0.00123456, text), "0.001235");
	assert_string_equal(eg_shown_text(&s.keys[2], 2, text), "128");
	assert_string_equal(eg_shown_text(&s.keys[0], (double)NAN, text), "-");
	eg_shown_free(&s);
	eg_value_free(list);
}

static void which_key_matters(void **state) {
	bench *b = *state;
	eg_shown_search s;
	eg_value *list = made(b, 400);
	OK(b, eg_shown_read(&s, list, &b->err));
	assert_int_equal(s.order[0], 0);
	assert_true(s.keys[0].worth > 0.6);
	for (int i = 1; i < s.nkeys; i++) assert_true(s.keys[i].worth >= 0 && s.keys[i].worth < 0.05);
	eg_shown_free(&s);
	eg_value_free(list);
	list = made(b, 7); /* too few */
	OK(b, eg_shown_read(&s, list, &b->err));
	assert_true(isnan(s.keys[0].worth));
	eg_shown_free(&s);
	eg_value_free(list);
	/* By hand: a choice that explains everything, and a number whose halves are equally good. */
	list = parsed(b,
	        "[{\"settings\": {\"a\": \"x\", \"c\": 1}, \"value\": 0, \"state\": \"done\"},"
	        "{\"settings\": {\"a\": \"x\", \"c\": 2}, \"value\": 0, \"state\": \"done\"},"
	        "{\"settings\": {\"a\": \"x\", \"c\": 8}, \"value\": 0, \"state\": \"done\"},"
	        "{\"settings\": {\"a\": \"x\", \"c\": 7}, \"value\": 0, \"state\": \"done\"},"
	        "{\"settings\": {\"a\": \"y\", \"c\": 3}, \"value\": 1, \"state\": \"done\"},"
	        "{\"settings\": {\"a\": \"y\", \"c\": 4}, \"value\": 1, \"state\": \"done\"},"
	        "{\"settings\": {\"a\": \"y\", \"c\": 5}, \"value\": 1, \"state\": \"done\"},"
	        "{\"settings\": {\"a\": \"y\", \"c\": 6}, \"value\": 1, \"state\": \"done\"}]");
	OK(b, eg_shown_read(&s, list, &b->err));
	assert_true(s.keys[0].choice && !s.keys[1].choice);
	assert_true(fabs(s.keys[0].worth - 1) < 1e-12);
	assert_true(s.keys[1].worth == 0);
	eg_shown_free(&s);
	eg_value_free(list);
}

static void the_mean_over_seeds(void **state) {
	bench *b = *state;
	eg_shown_search s;
	eg_value *list = parsed(b,
	        "[{\"trial\": 0, \"settings\": {\"a\": 1}, \"value\": 1, \"state\": \"done\"},"
	        "{\"trial\": 1, \"settings\": {\"a\": 2}, \"value\": 2, \"state\": \"done\"},"
	        "{\"trial\": 2, \"settings\": {\"a\": 3}, \"value\": 0.5, \"state\": \"done\"},"
	        "{\"trial\": 3, \"settings\": {\"a\": 1}, \"value\": 5, \"state\": \"done\", \"of\": 0},"
	        "{\"trial\": 4, \"settings\": {\"a\": 2}, \"value\": 3, \"state\": \"done\", \"of\": 1}]");
	OK(b, eg_shown_read(&s, list, &b->err));
	assert_int_equal(s.best, 1); /* 2.5, beside 3 of trial 0; trial 2 was not repeated */
	assert_true(s.best_value == 2.5);
	eg_shown_free(&s);
	eg_value_free(list);
	/* One of its seeds failed: its mean is not known. */
	list = parsed(b,
	        "[{\"trial\": 0, \"settings\": {\"a\": 1}, \"value\": 1, \"state\": \"done\"},"
	        "{\"trial\": 1, \"settings\": {\"a\": 2}, \"value\": 2, \"state\": \"done\"},"
	        "{\"trial\": 2, \"settings\": {\"a\": 1}, \"value\": 1, \"state\": \"done\", \"of\": 0},"
	        "{\"trial\": 3, \"settings\": {\"a\": 2}, \"value\": 3, \"state\": \"done\", \"of\": 1},"
	        "{\"trial\": 4, \"settings\": {\"a\": 1}, \"value\": null, \"state\": \"failed\", \"of\": 0}]");
	OK(b, eg_shown_read(&s, list, &b->err));
	assert_int_equal(s.best, 1);
	assert_true(s.best_value == 2.5);
	eg_shown_free(&s);
	eg_value_free(list);
}

/* ---- pages ------------------------------------------------------------------------------------------------------- */

/* Elements close in the order in which they opened. */
static void is_whole(const char *text, const char *name) {
	char open[32][16];
	int depth = 0;
	for (const char *at = strchr(text, '<'); at; at = strchr(at + 1, '<')) {
		char tag[16];
		if (at[1] == '!' || at[1] == '?') continue;
		const bool closes = at[1] == '/';
		size_t n = strcspn(at + 1 + closes, " />\n");
		snprintf(tag, sizeof tag, "%.*s", (int)n, at + 1 + closes);
		const char *end = strchr(at, '>');
		if (!end) fail_msg("%s: an open '<'", name);
		if (closes) {
			if (depth < 1 || strcmp(open[--depth], tag) != 0) fail_msg("%s: </%s> closes nothing", name, tag);
		} else if (end[-1] != '/') {
			assert_true(depth < 32);
			memcpy(open[depth++], tag, sizeof tag);
		}
	}
	if (depth) fail_msg("%s: <%s> is not closed", name, open[depth - 1]);
	if (strstr(text, "nan") || strstr(text, "inf\"")) fail_msg("%s: a coordinate that is no number", name);
}

static void page_is_whole(bench *b, const eg_value *journal, const char *words) {
	static const char *const names[] = {"page.html", "page.svg"};
	for (int i = 0; i < 2; i++) {
		OK(b, eg_journal_page(bench_path(b, names[i]), "a <search>", journal, &b->err));
		char *text = bench_read(b, bench_path(b, names[i]), NULL);
		is_whole(text, names[i]);
		if (!strstr(text, words)) fail_msg("%s does not say '%s'", names[i], words);
		assert_non_null(strstr(text, "a &lt;search&gt;"));
		assert_int_equal(strncmp(text, i ? "<?xml" : "<!DOCTYPE", 5), 0);
		free(text);
	}
}

static void pages(void **state) {
	bench *b = *state;
	static const int counts[] = {1, 2, 7, 40, 150};
	static const char *const odd[] = {
	        "[{\"settings\": {}, \"value\": 1, \"state\": \"done\"}]",
	        "[{\"settings\": {\"a\": 1}, \"value\": null, \"state\": \"failed\"}]",
	        "[{\"settings\": {\"a\": 0}, \"value\": -1e30, \"state\": \"done\"}, {\"settings\": {\"a\": -5, \"b\": true}, \"value\": "
	        "1e30, \"state\": \"stopped\"}]",
	        "[{\"settings\": {\"a\": 1e-300, \"<&\": \"\\u0001<\"}, \"value\": 1e-300, \"state\": \"done\"}, {\"settings\": {\"a\": "
	        "1e300, \"<&\": null}, \"value\": 1e300, \"state\": \"done\"}]"};
	for (size_t i = 0; i < EG_COUNT(counts); i++) {
		eg_value *list = made(b, counts[i]);
		page_is_whole(b, list, "train.optimizer");
		eg_value_free(list);
	}
	for (size_t i = 0; i < EG_COUNT(odd); i++) {
		eg_value *list = parsed(b, odd[i]);
		page_is_whole(b, list, "trials: ");
		eg_value_free(list);
	}
}

static void journals(void **state) {
	bench *b = *state;
	eg_value *list;
	const char *path = bench_text(b, "j.jsonl",
	        "{\"trial\": 0, \"settings\": {\"a\": 1}, \"budget\": 3, \"value\": 0.5, \"state\": \"done\"}\n"
	        "{\"trial\": 1, \"settings\": {\"a\": 2}, \"budget\": 3, \"value\": 0.25, \"state\": \"done\"}\n"
	        "{\"trial\": 2, \"settings\": {\"a\"");
	OK(b, eg_journal_read(path, &list, &b->err));
	assert_int_equal(eg_value_count(list), 2);
	page_is_whole(b, list, "the best: trial 1, value 0.25");
	eg_value_free(list);
	assert_int_equal(eg_journal_read(bench_text(b, "j.jsonl", "{\"trial\": 0}\nnot this\n"), &list, &b->err), EG_ERR_FORMAT);
	SAYS(b, "j.jsonl, line 2");
	assert_null(list);
	assert_int_equal(eg_journal_read(bench_path(b, "missing"), &list, &b->err), EG_ERR_IO);
	/* No journals: of another kind, and empty. */
	OK(b, eg_journal_read(bench_text(b, "j.jsonl", "{\"epoch\": 1}\n"), &list, &b->err));
	assert_int_equal(eg_journal_page(bench_path(b, "none.html"), "none", list, &b->err), EG_ERR_FORMAT);
	SAYS(b, "has no state or no settings");
	eg_value_free(list);
	OK(b, eg_journal_read(bench_text(b, "j.jsonl", ""), &list, &b->err));
	assert_int_equal(eg_journal_page(bench_path(b, "none.html"), "none", list, &b->err), EG_ERR_FORMAT);
	SAYS(b, "0 trials");
	eg_value_free(list);
	/* Lists where maps are needed. */
	OK(b, eg_journal_read(bench_text(b, "j.jsonl", "{\"trial\": 0, \"settings\": [1, 2], \"value\": 1, \"state\": \"done\"}\n"
	                                               "{\"trial\": 1, \"settings\": [3, \"x\"], \"value\": 1, \"state\": \"done\"}\n"),
		      &list, &b->err));
	assert_int_equal(eg_journal_page(bench_path(b, "none.html"), "none", list, &b->err), EG_ERR_FORMAT);
	SAYS(b, "has no state or no settings");
	eg_value_free(list);
	OK(b, eg_journal_read(bench_text(b, "j.jsonl", "{\"trial\": 0, \"settings\": {\"a\": 1}, \"value\": 1, \"state\": \"done\", "
	                                               "\"search\": {\"space\": [{\"range\": [0, 1]}, 3]}}\n"),
		      &list, &b->err));
	assert_int_equal(eg_journal_page(bench_path(b, "none.html"), "none", list, &b->err), EG_ERR_FORMAT);
	SAYS(b, "is no map of keys");
	eg_value_free(list);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(what_is_read), cmocka_unit_test(which_key_matters), cmocka_unit_test(the_mean_over_seeds),
	        cmocka_unit_test(pages), cmocka_unit_test(journals),
	};
	return cmocka_run_group_tests(tests, bench_setup, bench_teardown);
}
