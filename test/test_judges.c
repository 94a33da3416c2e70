/* test_judges.c - objectives and judges by name: that each prediction is seen once, which epoch is the best one, and
 * data sets run without training. */
#include "trainee.h"

/* ---- judges ------------------------------------------------------------------------------------------------------ */

/* Counts the samples that it sees, and says what it was told to say. */
typedef struct clerk {
	long seen[400];
	int resets, batches;
	double total;
	const double *script; /* values of its first metric, by number of resets; NULL: the mean of "other" */
	double sum;
} clerk;

static void clerk_reset(void *user) {
	clerk *c = user;
	c->resets++, c->batches = 0;
	c->total = c->sum = 0;
	memset(c->seen, 0, sizeof c->seen);
}
static eg_status clerk_add(void *user, const eg_batch_run *b, eg_error *err) {
	clerk *c = user;
	EG_UNUSED(err);
	const eg_real *other = eg_plan_output(b->plan, "other");
	const int32_t *t = eg_batch_input(b, "t");
	assert_non_null(t);
	assert_ptr_equal(t, b->slots[1]);
	assert_null(eg_batch_input(b, "nobody"));
	for (int i = 0; i < b->fill->n; i++) c->seen[b->fill->items[i]]++;
	c->batches++;
	c->total += b->weight;
	if (other && b->weight > 0) c->sum += (double)*other * b->weight;
	return EG_OK;
}
static void clerk_values(void *user, double *v) {
	const clerk *c = user;
	v[0] = c->script ? c->script[c->resets - 1] : c->sum / c->total;
	v[1] = (double)c->resets;
}

static const char *const other_outputs[] = {"other", NULL};
static const eg_metric_info clerk_metrics[] = {
	{.name = "errors", .doc = "", .lower_is_better = true}, {.name = "resets", .doc = ""}};
static eg_judge judge_of(clerk *c) {
	return (eg_judge){.user = c,
	        .outputs = other_outputs,
	        .metrics = clerk_metrics,
	        .nmetrics = 2,
	        .reset = clerk_reset,
	        .add = clerk_add,
	        .values = clerk_values};
}

static bool see_report(void *user, const eg_epoch_report *r) {
	*(eg_epoch_report *)user = *r;
	return true;
}

/* Each prediction once an epoch in training, and once in validation; what it reads does not change what is learnt. */
static void test_judges(void **state) {
	EG_UNUSED(state);
	trainee *t = new_trainee(2, normalised_net), *plain = new_trainee(2, normalised_net);
	clerk train = {0}, validation = {0};
	eg_judge jt = judge_of(&train), jv = judge_of(&validation);
	eg_train_config c = usual;
	eg_epoch_report last;
	eg_train_result r;
	double loss, other;
	t->train.holes = plain->train.holes = true;
	t->validation.holes = plain->validation.holes = true;
	c.keep_last = true;
	assert_int_equal(go(plain, &c, NULL, NULL), EG_OK);
	c.judge = &jv, c.train_judge = &jt;
	assert_int_equal(go(t, &c, &(eg_train_callbacks){.user = &last, .epoch = see_report}, &r), EG_OK);
	assert_same_weights(t, plain);
	for (int i = 0; i < 150; i++) assert_int_equal(train.seen[i], 1);
	for (int i = 0; i < 60; i++) assert_int_equal(validation.seen[i], 1);
	assert_true(train.resets == 4 && validation.resets == 4 && train.total == 100 && validation.total == 40);
	assert_true(last.nmetrics == 2 && last.metrics == clerk_metrics && last.train[1] == 4 && last.val[1] == 4 &&
	            isnan(last.val[2]));
	assert_int_equal(eg_evaluate(t->g, t->p, "other", 7, &t->val_data, NULL, &other, NULL), EG_OK);
	assert_int_equal(eg_evaluate(t->g, t->p, NULL, 0, &t->val_data, NULL, &loss, NULL), EG_OK);
	net_near(last.val[0], other, 1e-6);
	net_near(last.val_loss, loss, 1e-6);
	assert_true(fabs(other - loss) > 0.01);
	assert_true(!strcmp(r.metric, "errors") && r.val_metric == last.val[0] && r.train_metric == last.train[0]);
	free_trainee(t);
	free_trainee(plain);
}

/* One judge for both, metrics found by name, and none at all. */
static void test_judge_names(void **state) {
	EG_UNUSED(state);
	clerk one = {0};
	eg_judge both = judge_of(&one), none = {.nmetrics = 0};
	eg_epoch_report last;
	eg_train_result r;
	eg_train_callbacks callbacks = {.user = &last, .epoch = see_report};
	eg_train_config c = usual;
	trainee *t = new_trainee(1, normalised_net);
	c.judge = c.train_judge = &both;
	c.epochs = 2;
	assert_int_equal(go(t, &c, &callbacks, NULL), EG_OK);
	assert_true(last.train[1] == 3 && last.val[1] == 4);
	c.train_judge = &none;
	t->state = (eg_train_state){0};
	assert_int_equal(go(t, &c, &callbacks, &r), EG_OK);
	assert_true(last.nmetrics == 2 && isnan(last.train[0]) && isfinite(last.val[0]) && isnan(r.train_metric));
	c.judge = &none, c.train_judge = NULL; /* accuracy of the training samples alone */
	t->state = (eg_train_state){0};
	assert_int_equal(go(t, &c, &callbacks, &r), EG_OK);
	assert_true(last.nmetrics == 1 && last.train[0] > 0.3 && isnan(last.val[0]) && !strcmp(r.metric, "accuracy") &&
	            isnan(r.val_metric));
	c.train_judge = &none;
	t->state = (eg_train_state){0};
	assert_int_equal(go(t, &c, &callbacks, &r), EG_OK);
	assert_true(last.nmetrics == 0 && !r.metric && isfinite(r.val_loss));
	c.best = EG_BEST_METRIC;
	assert_int_equal(go(t, &c, &callbacks, &r), EG_ERR_ARG);
	assert_contains(t->err.message, "nothing is measured");
	free_trainee(t);
}

/* The best epoch is the judge's to say: the highest or the lowest of a metric, or the objective. */
static void test_best(void **state) {
	EG_UNUSED(state);
	static const double script[] = {5, 2, 2, 3, NAN, 7};
	static const eg_metric_info higher = {.name = "points", .doc = ""};
	for (int k = 0; k < 5; k++) {
		trainee *t = new_trainee(1, small_net);
		clerk counts = {.script = script};
		eg_judge j = judge_of(&counts), none = {.nmetrics = 0};
		eg_train_config c = usual;
		eg_train_result r;
		c.epochs = 6, c.judge = &j, c.train_judge = &none;
		j.outputs = NULL;
		j.best = k < 2 ? 0 : -1;
		if (k == 1) j.metrics = &higher, j.nmetrics = 1;
		c.best = k == 2 ? EG_BEST_METRIC : k == 4 ? EG_BEST_OBJECTIVE : EG_BEST_DEFAULT;
		if (k == 4) j.best = 0;
		t->validation.seed = 100; /* its loss falls all the time */
		t->state.best_weights = malloc(t->n * sizeof(eg_real));
		assert_int_equal(go(t, &c, NULL, &r), EG_OK);
		if (k == 0 || k == 2)
			assert_true(r.best_epoch == 3 && r.val_metric == 2); /* of equals the one of the lower loss */
		if (k == 1) assert_true(r.best_epoch == 6 && r.val_metric == 7);
		if (k > 2) assert_true(r.best_epoch == 6 && r.val_metric == 7);
		assert_int_equal(t->state.best_epoch, r.best_epoch);
		assert_memory_equal(weights(t), t->state.best_weights, t->n * sizeof(eg_real));
		free_trainee(t);
	}
}

static eg_status stumble(void *user, const eg_batch_run *b, eg_error *err) {
	EG_UNUSED(b);
	return user ? eg_fail(err, EG_ERR_IO, "the judge is tired") : EG_ERR_FORMAT;
}

static void test_judge_refusals(void **state) {
	EG_UNUSED(state);
	static const char *const wrong[] = {"verdict", NULL};
	trainee *t = new_trainee(1, normalised_net);
	clerk c = {0};
	eg_judge j = judge_of(&c);
	double loss;
	j.outputs = wrong;
	assert_int_equal(eg_evaluate(t->g, t->p, NULL, 0, &t->val_data, &j, &loss, &t->err), EG_ERR_ARG);
	assert_contains(t->err.message, "reads 'verdict'");
	eg_train_config config = usual;
	config.train_judge = &j;
	assert_int_equal(go(t, &config, NULL, NULL), EG_ERR_ARG);
	j = judge_of(&c);
	j.best = 2;
	assert_int_equal(eg_evaluate(t->g, t->p, NULL, 0, &t->val_data, &j, &loss, &t->err), EG_ERR_ARG);
	j.best = 0;
	j.nmetrics = EG_METRICS_MOST + 1;
	assert_int_equal(eg_evaluate(t->g, t->p, NULL, 0, &t->val_data, &j, &loss, &t->err), EG_ERR_ARG);
	j.nmetrics = 2;
	j.add = stumble;
	assert_int_equal(eg_evaluate(t->g, t->p, NULL, 0, &t->val_data, &j, &loss, &t->err), EG_ERR_IO);
	assert_contains(t->err.message, "tired");
	j.user = NULL, j.reset = NULL;
	assert_int_equal(eg_evaluate(t->g, t->p, NULL, 0, &t->val_data, &j, &loss, &t->err), EG_ERR_ARG);
	assert_null(eg_judge_classes_new(t->g, "loss", "t", &t->err));
	assert_null(eg_judge_classes_new(t->g, "logits", "x", &t->err));
	assert_contains(t->err.message, "no classes to judge");
	eg_judge_classes_free(NULL);
	free_trainee(t);
}

/* ---- objectives -------------------------------------------------------------------------------------------------- */

/* Another output is made small; and those that a judge reads, scalars too, have no part in the gradients. */
static void test_objective(void **state) {
	EG_UNUSED(state);
	trainee *t = new_trainee(1, normalised_net), *plain = new_trainee(1, normalised_net);
	clerk counts = {0};
	eg_judge j = judge_of(&counts), none = {.nmetrics = 0};
	eg_train_config c = usual;
	double before[2], after[2];
	static const char *const names[] = {"loss", "other"};
	for (int i = 0; i < 2; i++) eg_evaluate(t->g, t->p, names[i], 0, &t->val_data, NULL, &before[i], NULL);
	c.train_judge = &none, c.keep_last = true;
	assert_int_equal(go(plain, &c, NULL, NULL), EG_OK);
	c.train_judge = &j;
	assert_int_equal(go(t, &c, NULL, NULL), EG_OK);
	assert_same_weights(t, plain);
	free_trainee(t);
	t = new_trainee(1, normalised_net);
	c.objective = "other";
	assert_int_equal(go(t, &c, NULL, NULL), EG_OK);
	assert_memory_not_equal(weights(t), weights(plain), t->n * sizeof(eg_real));
	for (int i = 0; i < 2; i++) eg_evaluate(t->g, t->p, names[i], 0, &t->val_data, NULL, &after[i], NULL);
	assert_true(after[1] < before[1]);
	eg_evaluate(plain->g, plain->p, "other", 0, &t->val_data, NULL, &after[0], NULL);
	assert_true(after[1] < after[0]); /* less than where it was not asked for */
	free_trainee(t);
	free_trainee(plain);
}

/* ---- running a data set ------------------------------------------------------------------------------------------ */

typedef struct reader {
	long seen[60];
	int batches, stop_at;
	double sum;
} reader;

static bool read_batch(void *user, const eg_batch_run *b) {
	reader *r = user;
	assert_null(eg_plan_output(b->plan, "loss"));
	assert_null(eg_plan_input(b->plan, "t"));
	assert_non_null(eg_batch_input(b, "t"));
	assert_true(b->fill->epoch == -1 && b->fill->seed == 0);
	for (int i = 0; i < b->fill->n; i++) {
		const eg_real *logits = eg_plan_output(b->plan, "logits") + i * 3;
		r->seen[b->fill->items[i]]++;
		r->sum += (double)logits[((const int32_t *)eg_batch_input(b, "t"))[i]];
	}
	return ++r->batches != r->stop_at;
}

static void test_each_batch(void **state) {
	EG_UNUSED(state);
	static const char *const outputs[] = {"logits", NULL};
	trainee *t = new_trainee(2, small_net);
	double sums[2];
	for (int k = 0; k < 2; k++) {
		reader r = {0};
		assert_int_equal(
		        eg_each_batch(t->g, t->p, outputs, k ? 7 : 0, &t->val_data, read_batch, &r, NULL), EG_OK);
		for (int i = 0; i < 60; i++) assert_int_equal(r.seen[i], 1);
		assert_int_equal(r.batches, k ? 9 : 1);
		sums[k] = r.sum;
	}
	net_near(sums[0], sums[1], 1e-4);
	reader r = {.stop_at = 3};
	assert_int_equal(eg_each_batch(t->g, t->p, outputs, 7, &t->val_data, read_batch, &r, &t->err), EG_ERR_STOPPED);
	assert_int_equal(r.batches, 3);
	/* accuracy without a loss, and nothing at all */
	eg_judge *j = eg_judge_classes_new(t->g, "logits", "t", NULL);
	double loss, with, without;
	assert_int_equal(eg_evaluate(t->g, t->p, NULL, 0, &t->val_data, j, NULL, NULL), EG_OK);
	j->values(j->user, &without);
	assert_int_equal(eg_evaluate(t->g, t->p, NULL, 0, &t->val_data, j, &loss, NULL), EG_OK);
	j->values(j->user, &with);
	assert_true(with == without && with > 0);
	assert_int_equal(eg_evaluate(t->g, t->p, NULL, 0, &t->val_data, NULL, NULL, NULL), EG_OK);
	eg_judge_classes_free(j);
	free_trainee(t);
}

/* Training tells the data set its seed and epoch, from which it may draw; an evaluation neither. */
static bool check_fill(void *user, const eg_epoch_report *r) {
	const trainee *t = user;
	assert_true(t->train.fill_seed == 5 && t->train.fill_epoch == r->epoch - 1);
	assert_true(t->validation.fill_seed == 0 && t->validation.fill_epoch == -1);
	return true;
}

static void test_fill(void **state) {
	EG_UNUSED(state);
	trainee *t = new_trainee(1, small_net);
	assert_int_equal(go(t, &usual, &(eg_train_callbacks){.user = t, .epoch = check_fill}, NULL), EG_OK);
	assert_true(t->train.fills == 4 * 8 && t->validation.fills == 4 * 3);
	free_trainee(t);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_judges),
	        cmocka_unit_test(test_judge_names),
	        cmocka_unit_test(test_best),
	        cmocka_unit_test(test_judge_refusals),
	        cmocka_unit_test(test_objective),
	        cmocka_unit_test(test_each_batch),
	        cmocka_unit_test(test_fill),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
