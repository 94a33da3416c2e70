/* test_prefetch.c - batches that threads fill ahead: the same bits as in line for any number of threads, also when a
 * training is gone on with inside of an epoch; rooms, failures, stops, and memory that runs out. */
#include "net.h"

#include "core/context.h"
#include "core/params.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- a set that may be filled by several threads ----------------------------------------------------------------- */

enum { COUNT = 90, PIXELS = 128 };

/* What a batch was filled for stands in its room; a judge finds it there. */
typedef struct room {
	uint32_t first;
	int epoch;
	long fills;
} room;

typedef struct set {
	int fail_from; /* items from this on fail; 0: none does */
	int slow;      /* rounds of work in each item */
	atomic_long rooms, fills, elsewhere;
	pthread_t caller;
} set;

static eg_status room_new(void *user, void **out, eg_error *err) {
	EG_UNUSED(err);
	atomic_fetch_add(&((set *)user)->rooms, 1);
	*out = calloc(1, sizeof(room));
	return EG_OK;
}
static void room_free(void *user, void *r) {
	atomic_fetch_add(&((set *)user)->rooms, -1);
	free(r);
}

static eg_status fill(void *user, const eg_fill *f, void *const *slots, eg_error *err) {
	set *s = user;
	room *r = f->room;
	r->first = f->items[0], r->epoch = f->epoch, r->fills++;
	atomic_fetch_add(&s->fills, 1);
	if (!pthread_equal(pthread_self(), s->caller)) atomic_fetch_add(&s->elsewhere, 1);
	for (int i = 0; i < f->n; i++) {
		const uint32_t item = f->items[i];
		const eg_rng rng = {f->seed + item, eg_stream(EG_RNG_TEST, 3, (uint64_t)(int64_t)f->epoch)};
		if (s->fail_from && item >= (uint32_t)s->fail_from)
			return eg_fail(err, EG_ERR_IO, "item %u cannot be read", item);
		int32_t k = (int32_t)(item % 3);
		eg_real *x = (eg_real *)slots[0] + (ptrdiff_t)i * PIXELS;
		for (int round = 0; round <= s->slow; round++)
			for (int j = 0; j < PIXELS; j++) x[j] = (eg_real)(eg_rng_uniform(rng, (uint64_t)j) + k);
		((int32_t *)slots[1])[i] = k;
	}
	return EG_OK;
}

static eg_dataset data_of(set *s) {
	static const char *const inputs[] = {"x", "t", NULL};
	s->caller = pthread_self();
	return (eg_dataset){.user = s, .count = COUNT, .inputs = inputs, .fill = fill, .parallel = true, .room_new = room_new,
		.room_free = room_free};
}

static void net(eg_graph *g) { net_small(g, true); }

/* ---- trainings --------------------------------------------------------------------------------------------------- */

typedef struct trained {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
	set s, validation;
	eg_dataset data, val_data;
	eg_train_state state;
	eg_error err;
	size_t n;
} trained;

static trained *new_trained(int loaders, const eg_allocator *a) {
	trained *t = calloc(1, sizeof *t);
	t->ctx = eg_context_new(&(eg_context_options){.threads = 2, .loaders = loaders ? loaders : EG_ZERO, .allocator = a}, &t->err);
	if (!t->ctx) fail_msg("%s", t->err.message);
	t->g = eg_graph_new(t->ctx, NULL);
	net(t->g);
	t->p = eg_params_new(t->g, 11, &t->err);
	if (!t->p) fail_msg("%s", t->err.message);
	t->data = data_of(&t->s), t->val_data = data_of(&t->validation);
	eg_params_flat(t->p, &t->n);
	return t;
}

static void free_trained(trained *t) {
	assert_int_equal(atomic_load(&t->s.rooms), 0);
	assert_int_equal(atomic_load(&t->validation.rooms), 0);
	eg_params_free(t->p);
	eg_graph_free(t->g);
	eg_context_free(t->ctx);
	free(t);
}

static const eg_train_config usual = {.epochs = 3, .batch = 8, .seed = 5, .keep_last = true,
	.optimizer = {.lr = 0.05, .momentum = 0.9}};

static eg_status train(trained *t, const eg_train_config *c, const eg_train_callbacks *callbacks, eg_train_result *r) {
	return eg_train(t->g, t->p, c, &t->data, &t->val_data, NULL, &t->state, callbacks, r, &t->err);
}

static const int loaders[] = {0, 1, 3};

static void test_same_bits(void **state) {
	EG_UNUSED(state);
	trained *all[3];
	eg_train_result r[3];
	for (int i = 0; i < 3; i++) {
		all[i] = new_trained(loaders[i], NULL);
		assert_int_equal(eg_context_loaders(all[i]->ctx), loaders[i]);
		if (train(all[i], &usual, NULL, &r[i])) fail_msg("%s", all[i]->err.message);
		assert_int_equal(atomic_load(&all[i]->s.fills), 3 * 12); /* each batch once */
		if (i == 0) assert_int_equal(atomic_load(&all[i]->s.elsewhere), 0);
		assert_memory_equal(eg_params_flat(all[i]->p, NULL), eg_params_flat(all[0]->p, NULL), all[0]->n * sizeof(eg_real));
		assert_true(r[i].val_loss == r[0].val_loss && r[i].loss == r[0].loss && r[i].val_metric == r[0].val_metric);
	}
	for (int i = 0; i < 3; i++) free_trained(all[i]);
}

/* Threads do fill where filling is what takes the time: the caller alone could not have all of it to itself. */
static void test_ahead(void **state) {
	EG_UNUSED(state);
	trained *t = new_trained(2, NULL);
	t->s.slow = 40;
	assert_int_equal(train(t, &usual, NULL, NULL), EG_OK);
	assert_true(atomic_load(&t->s.elsewhere) > 0);
	free_trained(t);
}

static bool stop_at(void *user) { return --*(int *)user <= 0; }

/* Stopped after any update, and gone on with, by another number of threads. */
static void test_resume(void **state) {
	EG_UNUSED(state);
	eg_train_config c = usual;
	c.optimizer.momentum = 0;
	trained *whole = new_trained(0, NULL);
	assert_int_equal(train(whole, &c, NULL, NULL), EG_OK);
	for (int stop = 1; stop < 30; stop += 4) {
		trained *begun = new_trained(loaders[stop % 3], NULL), *rest = new_trained(loaders[(stop + 1) % 3], NULL);
		int left = stop;
		assert_int_equal(train(begun, &c, &(eg_train_callbacks){.user = &left, .interrupted = stop_at}, NULL), EG_ERR_STOPPED);
		memcpy(eg_params_flat(rest->p, NULL), eg_params_flat(begun->p, NULL), rest->n * sizeof(eg_real));
		eg_params_changed(rest->p);
		rest->state = begun->state;
		if (train(rest, &c, NULL, NULL)) fail_msg("%s", rest->err.message);
		assert_memory_equal(eg_params_flat(rest->p, NULL), eg_params_flat(whole->p, NULL), whole->n * sizeof(eg_real));
		free_trained(begun);
		free_trained(rest);
	}
	free_trained(whole);
}

/* ---- rooms ------------------------------------------------------------------------------------------------------- */

static const eg_metric_info metric[] = {{.name = "ok", .doc = ""}};
static void reset(void *user) { EG_UNUSED(user); }
static eg_status add(void *user, const eg_batch_run *b, eg_error *err) {
	const room *r = b->fill->room;
	EG_UNUSED(err);
	++*(long *)user;
	assert_non_null(r);
	assert_int_equal(r->first, b->fill->items[0]);
	assert_int_equal(r->epoch, b->fill->epoch);
	assert_int_equal(((const int32_t *)eg_batch_input(b, "t"))[0], (int)(r->first % 3));
	return EG_OK;
}
static void values(void *user, double *v) { v[0] = (double)*(long *)user; }

/* A judge finds the room of the very batch that was run. */
static void test_rooms(void **state) {
	EG_UNUSED(state);
	for (int i = 0; i < 3; i++) {
		long seen = 0;
		const eg_judge judge = {.user = &seen, .metrics = metric, .nmetrics = 1, .best = -1, .reset = reset, .add = add, .values = values};
		eg_train_config c = usual;
		trained *t = new_trained(loaders[i], NULL);
		c.judge = c.train_judge = &judge;
		assert_int_equal(train(t, &c, NULL, NULL), EG_OK);
		assert_int_equal(seen, 3 * (12 + 12));
		free_trained(t);
	}
}

/* ---- what goes wrong --------------------------------------------------------------------------------------------- */

/* The same batch fails, with the same message, whoever filled it. */
static void test_failure(void **state) {
	EG_UNUSED(state);
	char first[sizeof(eg_error)] = "";
	long steps = -1;
	for (int i = 0; i < 3; i++) {
		trained *t = new_trained(loaders[i], NULL);
		t->s.fail_from = COUNT - 1;
		assert_int_equal(train(t, &usual, NULL, NULL), EG_ERR_IO);
		assert_non_null(strstr(t->err.message, "item 89 cannot be read"));
		if (i == 0) snprintf(first, sizeof first, "%s", t->err.message), steps = (long)t->state.steps;
		assert_string_equal(t->err.message, first);
		assert_int_equal(t->state.steps, steps);
		free_trained(t);
	}
}

static void test_memory(void **state) {
	EG_UNUSED(state);
	meter m = {.left = -1};
	const eg_allocator a = {meter_alloc, meter_release, &m};
	eg_train_config c = usual;
	c.epochs = 1;
	trained *t = new_trained(2, &a);
	assert_int_equal(train(t, &c, NULL, NULL), EG_OK); /* the parameters have gradients now */
	t->state = (eg_train_state){0};
	const long before = m.calls, live = m.live;
	assert_int_equal(train(t, &c, NULL, NULL), EG_OK);
	const long all = m.calls - before;
	assert_int_equal(m.live, live);
	bool failed = true;
	for (long k = all > 400 ? all - 400 : 0; k < all && failed; k += 3) {
		t->state = (eg_train_state){0};
		m.left = k;
		eg_status status = train(t, &c, NULL, NULL);
		failed = status != EG_OK;
		assert_true(status == EG_OK || status == EG_ERR_MEMORY);
		assert_int_equal(m.live, live);
	}
	m.left = -1;
	free_trained(t);
	assert_int_equal(m.live, 0);
}

/* Nobody asked for threads: whatever is chosen, it runs; and numbers that are none. */
static void test_by_itself(void **state) {
	EG_UNUSED(state);
	trained *t = new_trained(0, NULL);
	t->ctx->loaders = 2, t->ctx->loaders_asked = -1;
	assert_int_equal(train(t, &usual, NULL, NULL), EG_OK);
	free_trained(t);
	assert_null(eg_context_new(&(eg_context_options){.loaders = 65}, NULL));
	assert_null(eg_context_new(&(eg_context_options){.loaders = -1}, NULL));
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_bits),
		cmocka_unit_test(test_ahead),
		cmocka_unit_test(test_resume),
		cmocka_unit_test(test_rooms),
		cmocka_unit_test(test_failure),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_by_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
