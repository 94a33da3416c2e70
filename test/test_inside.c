/* test_inside.c - trainings that are stopped inside of an epoch and gone on with from what the state holds there: the
 * bits of one that ran through, update by update, for any number of threads.
 *
 * Not here: the same through files and signals (cli_resume.sh, kill_resume.sh). */
#include "trainee.h"

#include <math.h>

/* ---- running texts side by side, and a network with a memory ----------------------------------------------------- */

enum { STREAMS = 4, STEPS = 5, PIECES = 7, LETTERS = 6, MOST = 200 };

static eg_status fill_text(void *user, const eg_fill *f, void *const *slots, eg_error *err) {
	EG_UNUSED(user), EG_UNUSED(err);
	for (int i = 0; i < f->n; i++)
		for (int k = 0; k < f->time; k++) {
			int at = (int)f->items[i] * f->time + k;
			((int32_t *)slots[0])[k * f->n + i] = at * at % LETTERS;
			((int32_t *)slots[1])[k * f->n + i] = (at + 1) * (at + 1) % LETTERS;
		}
	return EG_OK;
}

static void memory_net(eg_graph *g) {
	eg_tensor x = eg_input(g, "x", EG_I32, EG_DIMS(EG_T, EG_N)), t = eg_input(g, "t", EG_I32, EG_DIMS(EG_T, EG_N));
	x = net_layer(g, "embedding", "size=5 count=6", x);
	x = net_layer(g, "lstm", "hidden=7 layers=2 dropout=0.1", x);
	x = net_layer(g, "gru", "hidden=3", x);
	x = net_layer(g, "linear", "units=6", x);
	eg_output(g, "logits", x);
	eg_output(g, "loss", net_loss(g, "", x, t));
}

static trainee *new_streams(int threads) {
	static const char *const inputs[] = {"x", "t", NULL};
	trainee *t = new_trainee(threads, memory_net);
	t->data = (eg_dataset){.count = STREAMS * PIECES, .inputs = inputs, .time = STEPS, .streams = STREAMS, .fill = fill_text};
	t->val_data.count = 0;
	return t;
}

static trainee *new_pictures(int threads) {
	trainee *t = new_trainee(threads, normalised_net);
	t->val_data.count = 0;
	return t;
}

static trainee *new_validated(int threads) {
	trainee *t = new_trainee(threads, dropout_net);
	t->train.holes = true;
	return t;
}

/* ---- stopping ---------------------------------------------------------------------------------------------------- */

typedef struct stop {
	const eg_train_state *state;
	uint64_t after; /* updates */
	eg_real streams[MOST];
	size_t nstreams;
	double loss[8]; /* of each epoch that was ended */
} stop;

static bool interrupted(void *user) {
	stop *s = user;
	if (s->after == 0 || s->state->steps != s->after) return false;
	assert_true(s->state->nstreams <= MOST);
	s->nstreams = s->state->nstreams;
	if (s->nstreams) memcpy(s->streams, s->state->streams, s->nstreams * sizeof *s->streams);
	return true;
}

static bool epoch_done(void *user, const eg_epoch_report *r) {
	((stop *)user)->loss[r->epoch - 1] = r->loss;
	return true;
}

static void take_arrays(trainee *t, const eg_train_config *c) {
	t->state.best_weights = calloc(t->n, sizeof(eg_real));
	if (c->average > 0) t->state.average = calloc(t->n, sizeof(eg_real));
}

static eg_status run(trainee *t, const eg_train_config *c, eg_optimizer *o, stop *s, eg_train_result *r) {
	const eg_train_callbacks callbacks = {.user = s, .epoch = epoch_done, .interrupted = interrupted};
	s->state = &t->state;
	return eg_train(t->g, t->p, c, &t->data, t->val_data.count ? &t->val_data : NULL, o, &t->state, &callbacks, r, &t->err);
}

/* What a file would carry from one process to the other. */
static void carry(trainee *to, const trainee *from, eg_optimizer *o_to, eg_optimizer *o_from, const stop *s) {
	eg_real *best = to->state.best_weights, *average = to->state.average;
	memcpy(weights(to), weights(from), to->n * sizeof(eg_real));
	eg_params_changed(to->p);
	memcpy(best, from->state.best_weights, to->n * sizeof(eg_real));
	if (average) memcpy(average, from->state.average, to->n * sizeof(eg_real));
	for (int i = 0; i < eg_optimizer_moments(o_from); i++)
		memcpy(eg_optimizer_moment(o_to, i, NULL), eg_optimizer_moment(o_from, i, NULL), to->trained * sizeof(eg_real));
	eg_optimizer_set_steps(o_to, eg_optimizer_steps(o_from));
	to->state = from->state;
	to->state.best_weights = best, to->state.average = average;
	to->state.streams = s->nstreams ? s->streams : NULL;
	to->state.nstreams = s->nstreams;
}

/* After every number of updates there is. */
static void check(trainee *(*make)(int threads), const eg_train_config *c) {
	trainee *whole = make(1);
	stop all = {0};
	eg_train_result expected;
	take_arrays(whole, c);
	if (run(whole, c, NULL, &all, &expected)) fail_msg("%s", whole->err.message);
	assert_true(whole->state.steps > 5 && whole->state.batch == 0 && whole->state.loss_weight == 0);
	for (uint64_t k = 1; k <= whole->state.steps; k++) {
		trainee *begun = make(2), *rest = make(3);
		stop at = {.after = k}, to_end = {0};
		eg_train_result result;
		eg_optimizer *o = eg_optimizer_new(begun->p, &c->optimizer, NULL), *o2 = eg_optimizer_new(rest->p, &c->optimizer, NULL);
		take_arrays(begun, c);
		take_arrays(rest, c);
		assert_int_equal(run(begun, c, o, &at, NULL), EG_ERR_STOPPED);
		assert_true(begun->state.batch > 0 && begun->state.batch <= begun->state.batches);
		assert_null(begun->state.streams);
		carry(rest, begun, o2, o, &at);
		if (run(rest, c, o2, &to_end, &result)) fail_msg("%s", rest->err.message);
		assert_same_weights(rest, whole);
		assert_true(rest->state.steps == whole->state.steps && rest->state.epoch == whole->state.epoch);
		assert_memory_equal(rest->state.best_weights, whole->state.best_weights, whole->n * sizeof(eg_real));
		for (int e = begun->state.epoch; e < whole->state.epoch; e++) assert_true(to_end.loss[e] == all.loss[e]);
		assert_true(result.best_epoch == expected.best_epoch && result.loss == expected.loss);
		eg_optimizer_free(o);
		eg_optimizer_free(o2);
		free_trainee(begun);
		free_trainee(rest);
	}
	free_trainee(whole);
}

/* Running statistics; a plateau of the training loss, which is a sum over the whole epoch. */
static void pictures(void **state) {
	EG_UNUSED(state);
	eg_train_config c = {.epochs = 3, .batch = 40, .seed = 5, .optimizer = {.lr = 0.1, .momentum = 0.9}};
	c.schedule = (eg_schedule_config){.kind = EG_SCHEDULE_PLATEAU, .patience = 1, .threshold = 0.5};
	check(new_pictures, &c);
}

/* Batches without anything to predict, validation, several batches to an update, an average. */
static void more(void **state) {
	EG_UNUSED(state);
	eg_train_config c = {.epochs = 3, .batch = 30, .seed = 6, .optimizer = {.kind = EG_ADAM, .lr = 0.01}};
	c.accumulate = 2;
	c.average = 0.9;
	c.schedule = (eg_schedule_config){.kind = EG_SCHEDULE_COSINE, .warmup = 1};
	check(new_validated, &c);
}

static void streams(void **state) {
	EG_UNUSED(state);
	eg_train_config c = {.epochs = 2, .seed = 7, .optimizer = {.kind = EG_ADAM, .lr = 0.01}};
	check(new_streams, &c);
	c.forget = 0.3;
	c.optimizer = (eg_optimizer_config){.kind = EG_NADAM, .lr = 0.01, .lookahead = 3};
	check(new_streams, &c);
	c.optimizer = (eg_optimizer_config){.kind = EG_MUON};
	check(new_streams, &c);
}

/* What cannot be gone on with is refused before an update. */
static void refused(void **state) {
	EG_UNUSED(state);
	eg_train_config c = usual;
	stop none = {0};
	trainee *t = new_pictures(1);
	eg_real *before = copy_of(t);
	t->state = (eg_train_state){.epoch = 1, .steps = 4, .batch = 4, .batches = 5, .loss_weight = 1};
	assert_int_equal(run(t, &c, NULL, &none, NULL), EG_ERR_ARG);
	assert_contains(t->err.message, "in epoch 2 after 4 of 5 batches, but an epoch has 8 now");
	assert_memory_equal(weights(t), before, t->n * sizeof(eg_real));
	free(before);
	free_trainee(t);

	t = new_streams(1);
	t->state = (eg_train_state){.steps = 4, .batch = 4, .batches = PIECES, .loss_weight = 1};
	assert_int_equal(run(t, &c, NULL, &none, NULL), EG_ERR_ARG);
	assert_contains(t->err.message, "the state of its streams is missing");
	t->state.streams = none.streams;
	t->state.nstreams = 3;
	assert_int_equal(run(t, &c, NULL, &none, NULL), EG_ERR_ARG);
	assert_contains(t->err.message, "is 3 numbers, but this network has");
	free_trainee(t);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(pictures), cmocka_unit_test(more), cmocka_unit_test(streams),
	        cmocka_unit_test(refused)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
