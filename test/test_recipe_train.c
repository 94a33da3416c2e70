/* test_recipe_train.c - what recipes say about updates: several batches to one, a moving average, groups of weights,
 * the best epoch. */
#include "engram_io.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD \
	"name: t\ntask: classify\ndata: {source: mnist}\ninput: [1, 8, 8]\n" \
	"model:\n  - conv: {filters: 2, kernel: 3}\n  - flatten\n  - linear: classes\n"

static eg_recipe *accepted(const char *text) {
	eg_recipe *r = NULL;
	eg_error err;
	if (eg_recipe_parse(text, strlen(text), "r.yaml", NULL, &r, &err)) fail_msg("%s", err.message);
	return r;
}

static void refused(const char *text, const char *part) {
	eg_recipe *r = NULL;
	eg_error err;
	if (eg_recipe_parse(text, strlen(text), "r.yaml", NULL, &r, &err) == EG_OK) fail_msg("accepted: %s", text);
	if (!strstr(err.message, part)) fail_msg("'%s' is not in: %s", part, err.message);
}

static void reads_updates(void **state) {
	(void)state;
	eg_recipe *r = accepted(HEAD "train:\n  accumulate: 4\n  average: 0.999\n  decay_all: true\n  groups:\n"
	                             "    - {pattern: \"*.bias\", lr: 2}\n"
	                             "    - {pattern: \"conv1.*\", weight_decay: 0, frozen: true}\n"
	                             "    - {pattern: \"linear1.weigh?\", weight_decay: 0.5}\n");
	const eg_train_config *t = eg_recipe_train(r);
	const eg_param_group *g = t->optimizer.groups;
	assert_true(t->accumulate == 4 && t->average == 0.999 && t->optimizer.decay_all && t->optimizer.ngroups == 3);
	assert_string_equal(g[0].pattern, "*.bias");
	assert_true(g[0].lr == 2 && g[0].weight_decay == 0 && !signbit(g[0].weight_decay) && !g[0].frozen);
	assert_true(g[1].lr == 0 && g[1].weight_decay == 0 && signbit(g[1].weight_decay) && g[1].frozen);
	assert_true(g[2].weight_decay == 0.5);
	eg_recipe_free(r);
	r = accepted(HEAD);
	t = eg_recipe_train(r);
	assert_true(t->accumulate == 0 && t->average == 0 && !t->optimizer.decay_all && t->optimizer.ngroups == 0);
	eg_recipe_free(r);
}

static void reads_best(void **state) {
	(void)state;
	static const struct {
		const char *text;
		eg_best_kind kind;
	} cases[] = {{HEAD, EG_BEST_DEFAULT}, {HEAD "train: {best: default}\n", EG_BEST_DEFAULT},
	        {HEAD "train: {best: metric}\n", EG_BEST_METRIC}, {HEAD "train: {best: accuracy}\n", EG_BEST_METRIC},
	        {HEAD "train: {best: loss}\n", EG_BEST_OBJECTIVE}};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		eg_recipe *r = accepted(cases[i].text);
		assert_int_equal(eg_recipe_train(r)->best, cases[i].kind);
		eg_recipe_free(r);
	}
}

static void refuses(void **state) {
	(void)state;
	refused(HEAD "train: {groups: 3}\n", "r.yaml:9:17: 'groups' in 'train' must be a list of maps");
	refused(HEAD "train: {groups: [{lr: 0.1}]}\n", "r.yaml:9:18: a group of 'train' needs 'pattern'");
	refused(HEAD "train: {groups: [{pattern: a, lr: 0}]}\n", "'lr' in a group of 'train' is 0; it must be above 0");
	refused(HEAD "train: {groups: [{pattern: a, weight_decay: -1}]}\n", "is -1; it must be at least 0");
	refused(HEAD "train: {groups: [{pattern: a, frosen: true}]}\n", "did you mean 'frozen'?");
	refused(HEAD "train: {accumulate: 0}\n", "'accumulate' in 'train' is 0; it must be at least 1");
	refused(HEAD "train: {average: 1}\n", "'average' in 'train' is 1; it must be at least 0 and below 1");
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(reads_updates),
	        cmocka_unit_test(reads_best),
	        cmocka_unit_test(refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
