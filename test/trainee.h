/* trainee.h - what tests of training share: a made-up problem, networks, and a network with its data. */
#ifndef ENGRAM_TEST_TRAINEE_H
#define ENGRAM_TEST_TRAINEE_H

#include "net.h"

#include "core/params.h"

/* ---- a problem made up ------------------------------------------------------------------------------------------- */

/* Pictures (2,8,8) of 3 classes; every third one has none when `holes`. */
typedef struct problem {
	uint64_t seed;
	bool holes;
	long seen[400];
	uint64_t fill_seed; /* of the last fill */
	int fill_epoch, fills;
} problem;

static inline bool is_hole(const problem *p, uint32_t item) { return p->holes && item % 3 == 1; }
static inline double weight_of(void *user, uint32_t item) { return is_hole(user, item) ? 0 : 1; }

static inline eg_status fill(void *user, const eg_fill *f, void *const *slots, eg_error *err) {
	problem *p = user;
	EG_UNUSED(err);
	p->fill_seed = f->seed, p->fill_epoch = f->epoch, p->fills++;
	for (int i = 0; i < f->n; i++) {
		uint32_t item = f->items[i];
		int32_t k = (int32_t)eg_rng_below((eg_rng){p->seed, 1}, item, 3);
		eg_real *x = (eg_real *)slots[0] + i * 128;
		for (int j = 0; j < 128; j++)
			x[j] = (eg_real)(net_random(50 + (uint64_t)k, (uint64_t)j) +
			                 net_random(p->seed + 1 + item, (uint64_t)j));
		((int32_t *)slots[1])[i] = is_hole(p, item) ? -100 : k;
		p->seen[item]++;
	}
	return EG_OK;
}

static inline eg_dataset dataset(problem *p, int64_t count) {
	static const char *const inputs[] = {"x", "t", NULL};
	return (eg_dataset){.user = p, .count = count, .inputs = inputs, .weight = weight_of, .fill = fill};
}

/* Convolution, batch normalisation and two linear layers; x (N,2,8,8), t (N). Outputs: logits, loss, and "other", a
 * second loss. */
static inline void normalised_net(eg_graph *g) {
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 2, 8, 8)), t = eg_input(g, "t", EG_I32, EG_DIMS(EG_N));
	x = net_layer(g, "conv2d", "filters=4 kernel=3 name=conv", x);
	x = net_layer(g, "batchnorm", "name=norm", x);
	x = net_layer(g, "relu", "", x);
	x = net_layer(g, "linear", "units=9 name=inner", net_layer(g, "flatten", "", x));
	x = net_layer(g, "linear", "units=3 name=head", net_layer(g, "tanh", "", x));
	eg_output(g, "logits", x);
	eg_output(g, "loss", net_loss(g, "", x, t));
	eg_output(g, "other", net_loss(g, "label_smoothing=0.5", x, t));
}
static inline void small_net(eg_graph *g) { net_small(g, false); }
static inline void dropout_net(eg_graph *g) { net_small(g, true); }

typedef struct trainee {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
	problem train, validation;
	eg_dataset data, val_data;
	eg_train_state state;
	eg_error err;
	size_t n, trained; /* elements */
} trainee;

static inline trainee *new_trainee(int threads, void (*net)(eg_graph *g)) {
	trainee *t = calloc(1, sizeof *t);
	t->ctx = net_context(threads, NULL);
	t->g = eg_graph_new(t->ctx, NULL);
	net(t->g);
	t->p = eg_params_new(t->g, 11, &t->err);
	if (!t->p) fail_msg("%s", t->err.message);
	t->train.seed = 100, t->validation.seed = 90000;
	t->data = dataset(&t->train, 150);
	t->val_data = dataset(&t->validation, 60);
	eg_params_flat(t->p, &t->n);
	eg_params_flat_grad(t->p, &t->trained);
	return t;
}
static inline void free_trainee(trainee *t) {
	free(t->state.average);
	free(t->state.best_weights);
	eg_params_free(t->p);
	eg_graph_free(t->g);
	eg_context_free(t->ctx);
	free(t);
}

static inline eg_real *weights(const trainee *t) { return eg_params_flat(t->p, NULL); }
static inline eg_real *copy_of(const trainee *t) {
	eg_real *copy = malloc(t->n * sizeof *copy);
	return memcpy(copy, weights(t), t->n * sizeof *copy);
}
static inline void assert_same_weights(const trainee *a, const trainee *b) {
	assert_int_equal(a->n, b->n);
	assert_memory_equal(weights(a), weights(b), a->n * sizeof(eg_real));
}
static inline eg_status go(
	trainee *t, const eg_train_config *c, const eg_train_callbacks *callbacks, eg_train_result *r) {
	return eg_train(t->g, t->p, c, &t->data, t->val_data.count ? &t->val_data : NULL, NULL, &t->state, callbacks, r,
	        &t->err);
}
static inline bool near_all(const eg_real *a, const eg_real *b, size_t n, double tolerance) {
	for (size_t i = 0; i < n; i++)
		if (!(fabs((double)a[i] - (double)b[i]) <= tolerance)) return false;
	return true;
}
static inline bool is(const trainee *t, int i, const char *begin) {
	return !strncmp(eg_params_name(t->p, i), begin, strlen(begin));
}

static const eg_train_config usual = {.epochs = 4, .batch = 20, .seed = 5, .optimizer = {.lr = 0.1, .momentum = 0.9}};

#endif
