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

/* Every optimizer's own keys arrive where they are read, and are kept within their ranges. */
static void optimizers(void **state) {
	(void)state;
	eg_recipe *r = accepted(HEAD "train: {optimizer: {rmsprop: {alpha: 0.9, momentum: 0.5, centered: true, lookahead: 4}}}\n");
	const eg_optimizer_config *o = &eg_recipe_train(r)->optimizer;
	assert_true(o->kind == EG_RMSPROP && o->alpha == 0.9 && o->momentum == 0.5 && o->centered && o->lookahead == 4);
	eg_recipe_free(r);
	r = accepted(HEAD "train: {optimizer: {adadelta: {rho: 0.8, lookahead_alpha: 1}}}\n");
	o = &eg_recipe_train(r)->optimizer;
	assert_true(o->kind == EG_ADADELTA && o->alpha == 0.8 && o->lookahead_alpha == 1);
	eg_recipe_free(r);
	r = accepted(HEAD "train: {optimizer: {nadam: {momentum_decay: 0}}}\n");
	o = &eg_recipe_train(r)->optimizer;
	assert_true(o->kind == EG_NADAM && o->momentum_decay == 0 && signbit(o->momentum_decay));
	eg_recipe_free(r);
	r = accepted(HEAD "train: {optimizer: adagrad}\n");
	assert_true(eg_recipe_train(r)->optimizer.kind == EG_ADAGRAD);
	eg_recipe_free(r);
	r = accepted(HEAD "train: {optimizer: {muon: {newton_schulz: 3, adam_lr: 0.1}},\n"
			  "  groups: [{pattern: '*', elementwise: true}]}\n");
	o = &eg_recipe_train(r)->optimizer;
	assert_true(o->kind == EG_MUON && o->newton_schulz == 3 && o->adam_lr == 0.1 && o->groups[0].elementwise);
	eg_recipe_free(r);
	refused(HEAD "train: {optimizer: {muon: {newton_schulz: 0}}}\n",
		"r.yaml:9:43: 'newton_schulz' in optimizer 'muon' is 0; it must be at least 1 and at most 100");
	refused(HEAD "train: {optimizer: {adagrad: {beta1: 0.5}}}\n",
		"r.yaml:9:31: unknown key 'beta1' in optimizer 'adagrad'; it takes: lr, eps, weight_decay, lookahead, "
		"lookahead_alpha");
}

static void schedules(void **state) {
	(void)state;
	eg_recipe *r = accepted(HEAD "train: {schedule: {one_cycle: {rise: 0.4, div: 10, final_div: 100, linear: true}}}\n");
	const eg_schedule_config *s = &eg_recipe_train(r)->schedule;
	assert_true(s->kind == EG_SCHEDULE_ONE_CYCLE && s->rise == 0.4 && s->div == 10 && s->final_div == 100 && s->linear);
	eg_recipe_free(r);
	r = accepted(HEAD "train: {schedule: {triangular: {every: 2, rise: 1, factor: 0.5, div: 3, warmup: 1}}}\n");
	s = &eg_recipe_train(r)->schedule;
	assert_true(s->kind == EG_SCHEDULE_TRIANGULAR && s->every == 2 && s->rise == 1 && s->factor == 0.5 && s->div == 3 &&
		s->warmup == 1);
	eg_recipe_free(r);
	r = accepted(HEAD "train: {schedule: {warm_restarts: {every: 5, mult: 2, min_lr: 0.001}}}\n");
	s = &eg_recipe_train(r)->schedule;
	assert_true(s->kind == EG_SCHEDULE_RESTARTS && s->every == 5 && s->mult == 2 && s->min_lr == 0.001);
	eg_recipe_free(r);
	r = accepted(HEAD "train: {schedule: {polynomial: {power: 2}}}\n");
	assert_true(eg_recipe_train(r)->schedule.kind == EG_SCHEDULE_POLYNOMIAL && eg_recipe_train(r)->schedule.power == 2);
	eg_recipe_free(r);
	r = accepted(HEAD "train: {schedule: {exponential: {factor: 0.9}}}\n");
	assert_true(eg_recipe_train(r)->schedule.kind == EG_SCHEDULE_EXPONENTIAL && eg_recipe_train(r)->schedule.factor == 0.9);
	eg_recipe_free(r);
	refused(HEAD "train: {schedule: {one_cycle: {linear: 3}}}\n", "'linear' in schedule 'one_cycle'");
	refused(HEAD "train: {schedule: {one_cycle: {div: 0.5}}}\n", "'div' in schedule 'one_cycle' is 0.5");
	refused(HEAD "train: {schedule: {warm_restarts: {mult: 0.5}}}\n", "'mult' in schedule 'warm_restarts' is 0.5");
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(reads_updates),
	        cmocka_unit_test(reads_best),
	        cmocka_unit_test(optimizers),
	        cmocka_unit_test(schedules),
	        cmocka_unit_test(refuses),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
