/* test_trainer.c - what can be chosen for an update: groups of parameters, several batches, a moving average, hooks;
 * and the public step against eg_train. Epochs, threads and interruptions as before are test_train.c's; metrics are
 * test_judges.c's. */
#include "trainee.h"

/* ---- several batches to an update -------------------------------------------------------------------------------- */

/* Batches of 5, four to an update, and batches of 20: each prediction counts the same, whatever batch it is in. */
static void test_accumulate(void **state) {
	EG_UNUSED(state);
	for (int holes = 0; holes < 2; holes++) {
		trainee *many = new_trainee(2, small_net), *one = new_trainee(1, small_net);
		eg_train_config c = usual;
		eg_step_report a = {0}, b = {0};
		many->train.holes = one->train.holes = holes;
		many->data.count = one->data.count = 147; /* the last update has fewer */
		eg_trainer *t1 = eg_trainer_new(one->g, one->p, &c, &one->data, NULL, NULL, NULL);
		c.batch = 5, c.accumulate = 4;
		eg_trainer *t4 = eg_trainer_new(many->g, many->p, &c, &many->data, NULL, NULL, NULL);
		for (int epoch = 0; epoch < 2; epoch++) {
			assert_int_equal(eg_trainer_begin_epoch(t1, epoch, NULL), EG_OK);
			assert_int_equal(eg_trainer_begin_epoch(t4, epoch, NULL), EG_OK);
			a.last = b.last = false;
			for (int k = 0; !a.last; k++) {
				assert_int_equal(eg_trainer_gradients(t1, &a, NULL), EG_OK);
				assert_int_equal(eg_trainer_gradients(t4, &b, NULL), EG_OK);
				assert_false(a.updated || b.updated);
				assert_true(a.weight == b.weight && a.last == b.last && a.lr == b.lr &&
				            b.batch == (k < 7 ? 4 * k + 4 : 30));
				assert_true(holes ? a.weight < 20 : a.weight == (k < 7 ? 20 : 7));
				net_near(a.loss, b.loss, 1e-5);
				assert_true(near_all(eg_params_flat_grad(one->p, NULL),
				        eg_params_flat_grad(many->p, NULL), one->trained, 1e-5));
				assert_int_equal(eg_trainer_update(t1, &a, NULL), EG_OK);
				assert_int_equal(eg_trainer_update(t4, &b, NULL), EG_OK);
				assert_true(a.updated && b.updated);
				net_near(a.grad_norm, b.grad_norm, 1e-4);
			}
			assert_true(b.last);
			assert_int_equal(eg_trainer_step(t1, &a, &one->err), EG_ERR_ARG); /* the epoch is over */
			assert_contains(one->err.message, "eg_trainer_begin_epoch");
		}
		assert_true(near_all(weights(one), weights(many), one->n, 1e-4));
		eg_trainer_free(t1);
		eg_trainer_free(t4);
		free_trainee(many);
		free_trainee(one);
	}
}

/* The batches of an update have masks of dropout of their own, even of the same samples. */
static eg_status fill_the_same(void *user, const eg_fill *f, void *const *slots, eg_error *err) {
	uint32_t items[20] = {0};
	eg_fill same = *f;
	same.items = items;
	return fill(user, &same, slots, err);
}

typedef struct first_logits {
	eg_real values[64];
	int n;
} first_logits;

static void keep_all(void *user) { EG_UNUSED(user); }
static eg_status note_logit(void *user, const eg_batch_run *b, eg_error *err) {
	first_logits *l = user;
	EG_UNUSED(err);
	l->values[l->n++] = *eg_plan_output(b->plan, "logits");
	return EG_OK;
}
static void no_value(void *user, double *v) {
	EG_UNUSED(user);
	*v = 0;
}

static void test_masks(void **state) {
	EG_UNUSED(state);
	static const char *const outputs[] = {"logits", NULL};
	static const eg_metric_info metric = {.name = "none", .doc = ""};
	first_logits l = {0};
	eg_judge j = {&l, outputs, &metric, 1, -1, keep_all, note_logit, no_value};
	trainee *t = new_trainee(1, dropout_net);
	eg_train_config c = usual;
	c.accumulate = 4, c.batch = 10, c.train_judge = &j;
	c.optimizer = (eg_optimizer_config){.lr = 1e-30}; /* the weights stay */
	t->data.count = 120;
	t->data.fill = fill_the_same;
	t->val_data.count = 0;
	c.epochs = 2;
	assert_int_equal(go(t, &c, NULL, NULL), EG_OK);
	assert_int_equal(l.n, 24);
	for (int i = 0; i < l.n; i++)
		for (int k = 0; k < i; k++) assert_true(l.values[i] != l.values[k]);
	free_trainee(t);
}

/* ---- the moving average ------------------------------------------------------------------------------------------ */

typedef struct by_hand {
	trainee *t;
	double *average, decay;
	uint64_t updates;
} by_hand;

static void average_by_hand(by_hand *h) {
	double t = (double)++h->updates, d = fmin(h->decay, t / (t + 9));
	for (size_t i = 0; i < h->t->n; i++) h->average[i] = d * h->average[i] + (1 - d) * (double)weights(h->t)[i];
}

static void test_average(void **state) {
	EG_UNUSED(state);
	static const double decays[] = {0.5, 0.999};
	for (int k = 0; k < EG_COUNT(decays); k++) {
		trainee *t = new_trainee(2, normalised_net), *whole = new_trainee(1, normalised_net),
		        *plain = new_trainee(1, normalised_net);
		eg_train_config c = usual;
		eg_step_report r = {0};
		by_hand h = {.t = t, .average = malloc(t->n * sizeof(double)), .decay = decays[k]};
		for (size_t i = 0; i < t->n; i++) h.average[i] = (double)weights(t)[i];
		t->val_data.count = whole->val_data.count = plain->val_data.count = 0;
		assert_int_equal(go(plain, &c, NULL, NULL), EG_OK);
		c.average = decays[k];
		t->state.average = calloc(t->n, sizeof(eg_real));
		eg_trainer *trainer = eg_trainer_new(t->g, t->p, &c, &t->data, NULL, &t->state, NULL);
		for (int epoch = 0; epoch < c.epochs; epoch++)
			for (eg_trainer_begin_epoch(trainer, epoch, NULL), r.last = false; !r.last;) {
				assert_int_equal(eg_trainer_step(trainer, &r, NULL), EG_OK);
				average_by_hand(&h);
			}
		assert_int_equal(h.updates, 4 * 8);
		for (size_t i = 0; i < t->n; i++) net_near(t->state.average[i], h.average[i], 1e-5);
		assert_same_weights(t, plain); /* the weights themselves know nothing of it */
		/* exchanged and back */
		eg_real *raw = copy_of(t);
		eg_trainer_swap_average(trainer);
		assert_memory_equal(t->state.average, raw, t->n * sizeof *raw);
		assert_int_equal(eg_trainer_step(trainer, NULL, &t->err), EG_ERR_ARG);
		assert_contains(t->err.message, "eg_trainer_swap_average");
		eg_trainer_swap_average(trainer);
		assert_memory_equal(weights(t), raw, t->n * sizeof *raw);
		/* eg_train leaves the average, running statistics too */
		assert_int_equal(go(whole, &c, NULL, NULL), EG_OK);
		assert_memory_equal(weights(whole), t->state.average, t->n * sizeof(eg_real));
		assert_memory_not_equal(weights(whole), raw, t->n * sizeof *raw);
		free(raw);
		free(h.average);
		eg_trainer_free(trainer);
		free_trainee(t);
		free_trainee(whole);
		free_trainee(plain);
	}
}

/* What is validated, and kept as the best, is the average. */
static void test_average_is_validated(void **state) {
	EG_UNUSED(state);
	for (int keep_last = 0; keep_last < 2; keep_last++) {
		trainee *t = new_trainee(2, normalised_net);
		eg_train_config c = usual;
		eg_train_result r;
		double loss, accuracy;
		c.average = 0.9;
		c.keep_last = keep_last;
		t->state.average = malloc(t->n * sizeof(eg_real));
		t->state.best_weights = malloc(t->n * sizeof(eg_real));
		assert_int_equal(go(t, &c, NULL, &r), EG_OK);
		eg_judge *j = eg_judge_classes_new(t->g, "logits", "t", NULL);
		assert_int_equal(eg_evaluate(t->g, t->p, NULL, 0, &t->val_data, j, &loss, NULL), EG_OK);
		j->values(j->user, &accuracy);
		net_near(loss, r.val_loss, 1e-6);
		net_near(accuracy, r.val_metric, 0);
		assert_memory_equal(
		        weights(t), keep_last ? t->state.average : t->state.best_weights, t->n * sizeof(eg_real));
		eg_judge_classes_free(j);
		free_trainee(t);
	}
}

/* ---- groups of parameters ---------------------------------------------------------------------------------------- */

/* One update with gradients of 0.5 from weights of 2: what became of head.weight and head.bias, and the norm. */
typedef struct update {
	double weight, bias, inner, norm;
} update;

static update one_update(const eg_optimizer_config *c, double lr) {
	trainee *t = new_trainee(1, normalised_net);
	update u;
	for (size_t i = 0; i < t->n; i++) weights(t)[i] = 2;
	for (size_t i = 0; i < t->trained; i++) eg_params_flat_grad(t->p, NULL)[i] = 0;
	for (int i = 0; i < eg_params_count(t->p); i++) {
		eg_dims d = eg_params_dims(t->p, i);
		for (int64_t k = 0; k < eg_dims_count(&d, 0) && eg_params_trained(t->p, i); k++)
			eg_params_grad(t->p, i)[k] = (eg_real)0.5;
	}
	eg_optimizer *o = eg_optimizer_new(t->p, c, &t->err);
	if (!o) fail_msg("%s", t->err.message);
	assert_int_equal(eg_optimizer_step(o, lr, &u.norm, NULL), EG_OK);
	u.weight = (double)eg_params_data(t->p, eg_params_find(t->p, "head.weight"))[7];
	u.bias = (double)eg_params_data(t->p, eg_params_find(t->p, "head.bias"))[2];
	u.inner = (double)eg_params_data(t->p, eg_params_find(t->p, "inner.weight"))[80];
	eg_optimizer_free(o);
	free_trainee(t);
	return u;
}

static void assert_update(const eg_optimizer_config *c, double lr, double weight, double bias, double inner) {
	update u = one_update(c, lr);
	net_near(u.weight, weight, 1e-6);
	net_near(u.bias, bias, 1e-6);
	net_near(u.inner, inner, 1e-6);
}

/* Weights: conv 4*2*9, bias 4; norm 4 and 4; inner 9*144 and 9; head 27 and 3. */
enum { ELEMENTS = 72 + 4 + 8 + 1296 + 9 + 27 + 3 };

static void test_groups(void **state) {
	EG_UNUSED(state);
	const double lr = 0.1, step = lr * 0.5, decay = lr * 0.3 * 2; /* what comes off 2 by gradient and by decay */
	eg_optimizer_config c = {.weight_decay = 0.3};
	assert_update(&c, lr, 2 - step - decay, 2 - step, 2 - step - decay); /* biases do not decay */
	c.decay_all = true;
	assert_update(&c, lr, 2 - step - decay, 2 - step - decay, 2 - step - decay);
	c.decay_all = false;
	static const eg_param_group head[] = {{.pattern = "head.*", .lr = 0.5}};
	c.groups = head, c.ngroups = 1;
	assert_update(&c, lr, 2 - 0.5 * (step + decay), 2 - 0.5 * step, 2 - step - decay);
	static const eg_param_group factors[] = {
	        {.pattern = "*", .weight_decay = 3}, {.pattern = "h?ad.weight", .weight_decay = EG_ZERO_F}};
	c.groups = factors, c.ngroups = 2; /* the last that fits counts; one that is said holds for biases too */
	assert_update(&c, lr, 2 - step, 2 - step - 3 * decay, 2 - step - 3 * decay);
	static const eg_param_group frozen[] = {
	        {.pattern = "*", .frozen = true}, {.pattern = "*ead.bias", .lr = 2, .weight_decay = -1}};
	c.groups = frozen;
	update u = one_update(&c, lr);
	assert_true(u.weight == 2 && u.inner == 2);
	net_near(u.bias, 2 - 2 * step, 1e-6);
	net_near(u.norm, 0.5 * sqrt(3), 1e-6); /* three biases are left */
	c.clip_norm = 0.1;
	assert_update(&c, lr, 2, 2 - 2 * step * 0.1 / u.norm, 2);
	/* the first step of Adam is lr in every direction; its decay is decoupled */
	eg_optimizer_config w = {.kind = EG_ADAMW, .weight_decay = 0.3, .groups = head, .ngroups = 1};
	assert_update(&w, lr, (2 - 0.5 * decay) - 0.5 * lr, 2 - 0.5 * lr, 2 - decay - lr);
	w.ngroups = 0;
	net_near(one_update(&w, lr).norm, 0.5 * sqrt(ELEMENTS), 1e-4);
}

/* However many runs the block is cut into: the same bits as in one piece, for any number of threads. */
static void runs_net(eg_graph *g) {
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 150));
	for (int i = 0; i < 4; i++) x = net_layer(g, "linear", i % 2 ? "units=150" : "units=257", x);
	eg_output(g, "y", x);
}

static void test_runs(void **state) {
	EG_UNUSED(state);
	static const eg_optimizer_config kinds[] = {{.weight_decay = 0.2},
	        {.weight_decay = 0.2, .momentum = 0.9, .nesterov = true}, {.kind = EG_ADAM, .weight_decay = 0.2},
	        {.kind = EG_ADAMW, .weight_decay = 0.2, .clip_norm = 1}};
	for (int k = 0; k < EG_COUNT(kinds); k++) {
		trainee *t[5]; /* decay everywhere; nowhere; by default on 1, 2, 3 threads */
		for (int i = 0; i < 5; i++) {
			eg_optimizer_config c = kinds[k];
			t[i] = new_trainee(i < 2 ? 1 : i - 1, runs_net);
			c.decay_all = i == 0;
			if (i == 1) c.weight_decay = EG_ZERO_F;
			eg_optimizer *o = eg_optimizer_new(t[i]->p, &c, NULL);
			for (uint64_t s = 0; s < 3; s++) {
				for (size_t e = 0; e < t[i]->trained; e++)
					eg_params_flat_grad(t[i]->p, NULL)[e] = (eg_real)net_random(s, e);
				assert_int_equal(eg_optimizer_step(o, 0.05, NULL, NULL), EG_OK);
			}
			eg_optimizer_free(o);
		}
		for (int i = 0; i < eg_params_count(t[0]->p); i++) {
			eg_dims d = eg_params_dims(t[0]->p, i);
			size_t bytes = (size_t)eg_dims_count(&d, 0) * sizeof(eg_real);
			const eg_real *want = eg_params_data(t[d.rank > 1 ? 0 : 1]->p, i),
			              *other = eg_params_data(t[d.rank > 1 ? 1 : 0]->p, i);
			assert_memory_equal(eg_params_data(t[2]->p, i), want, bytes);
			assert_memory_not_equal(other, want, bytes);
		}
		assert_same_weights(t[3], t[2]);
		assert_same_weights(t[4], t[2]);
		for (int i = 0; i < 5; i++) free_trainee(t[i]);
	}
}

static void factors_net(eg_graph *g) {
	eg_output(g, "y", net_layer(g, "layernorm", "axis=1", eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 3, 5))));
}

/* Factors of single numbers are no matrix, though there are as many as the numbers have dimensions: only decay_all lets
 * them decay, and Muon takes them as it takes biases. */
static void test_factors(void **state) {
	EG_UNUSED(state);
	for (int k = 0; k < 3; k++) {
		trainee *t = new_trainee(1, factors_net);
		eg_optimizer_config c = {.kind = k == 2 ? EG_MUON : EG_SGD, .weight_decay = 0.3, .decay_all = k == 1};
		eg_optimizer *o = eg_optimizer_new(t->p, &c, NULL);
		memset(eg_params_flat_grad(t->p, NULL), 0, t->trained * sizeof(eg_real));
		assert_int_equal(eg_params_dims(t->p, 0).rank, 2);
		assert_int_equal(eg_optimizer_step(o, 0.1, NULL, NULL), EG_OK);
		for (int e = 0; e < 15; e++) net_near(eg_params_data(t->p, 0)[e], k == 1 ? 1 - 0.03 : 1, 1e-6);
		eg_optimizer_free(o);
		free_trainee(t);
	}
}

static void test_group_refusals(void **state) {
	EG_UNUSED(state);
	static const struct {
		eg_param_group g;
		const char *part;
	} cases[] = {
	        {{.pattern = "cnov*"}, "'cnov*' fits none of the 8 parameters, the first of which is 'conv"},
	        {{.pattern = ""}, "group 1 has no pattern"},
	        {{.pattern = NULL}, "group 1 has no pattern"},
	        {{.pattern = "*", .lr = -1}, "multiplied by -1"},
	        {{.pattern = "*", .lr = EG_ZERO_F}, "`frozen`"},
	        {{.pattern = "*", .weight_decay = NAN}, "finite"},
	};
	trainee *t = new_trainee(1, small_net);
	for (int i = 0; i < EG_COUNT(cases); i++) {
		assert_null(
		        eg_optimizer_new(t->p, &(eg_optimizer_config){.groups = &cases[i].g, .ngroups = 1}, &t->err));
		assert_int_equal(t->err.status, EG_ERR_ARG);
		assert_contains(t->err.message, cases[i].part);
	}
	eg_train_config c = usual;
	c.optimizer.groups = &(eg_param_group){.pattern = "*", .frozen = true}, c.optimizer.ngroups = 1;
	assert_int_equal(go(t, &c, NULL, NULL), EG_ERR_ARG);
	assert_contains(t->err.message, "every parameter is frozen");
	free_trainee(t);
}

/* ---- freezing ---------------------------------------------------------------------------------------------------- */

static bool keep_norm(void *user, const eg_epoch_report *r) {
	*(double *)user = r->grad_norm;
	return true;
}

static void test_frozen(void **state) {
	EG_UNUSED(state);
	static const struct {
		const char *pattern, *frozen[2]; /* names begin so */
	} cases[] = {{"conv*", {"conv", "conv"}}, {"norm.*", {"norm", "norm"}},
	        {"inner.weight", {"inner.weight", "inner.weight"}}, {"?o*", {"conv", "norm"}}};
	for (int k = 0; k < EG_COUNT(cases); k++) {
		trainee *t = new_trainee(2, normalised_net);
		eg_param_group group = {.pattern = cases[k].pattern, .frozen = true};
		eg_train_config c = usual;
		double norm = 0, sum = 0;
		c.epochs = 1, c.keep_last = true, c.batch = 150; /* one update */
		c.optimizer = (eg_optimizer_config){
		        .lr = 0.1, .weight_decay = 0.1, .decay_all = true, .groups = &group, .ngroups = 1};
		eg_real *before = copy_of(t);
		assert_int_equal(go(t, &c, &(eg_train_callbacks){.user = &norm, .epoch = keep_norm}, NULL), EG_OK);
		for (int i = 0; i < eg_params_count(t->p); i++) {
			eg_dims d = eg_params_dims(t->p, i);
			size_t n = (size_t)eg_dims_count(&d, 0), at = (size_t)(eg_params_data(t->p, i) - weights(t));
			bool frozen = is(t, i, cases[k].frozen[0]) || is(t, i, cases[k].frozen[1]);
			const eg_real *grad = eg_params_grad(t->p, i);
			if (frozen)
				assert_memory_equal(eg_params_data(t->p, i), before + at, n * sizeof *before);
			else
				assert_memory_not_equal(eg_params_data(t->p, i), before + at, n * sizeof *before);
			for (size_t e = 0; e < n && grad; e++) sum += (double)grad[e] * (double)grad[e];
			for (size_t e = 0; e < n && grad && frozen; e++) assert_true(grad[e] == 0);
		}
		net_near(norm, sqrt(sum), 1e-5 * norm);
		free(before);
		free_trainee(t);
	}
}

/* What lies before the first parameter that changes needs no backward pass, and a frozen normalisation goes by its
 * running statistics. */
static void test_frozen_plan(void **state) {
	EG_UNUSED(state);
	trainee *t = new_trainee(1, normalised_net);
	bool frozen[16] = {0};
	for (int i = 0; i < eg_params_count(t->p); i++) frozen[i] = is(t, i, "conv") || is(t, i, "norm");
	eg_plan_options o = {.batch = 33, .train = true, .objective = "loss"};
	eg_plan *all = eg_plan_new(t->g, t->p, &o, NULL);
	o.frozen = frozen;
	eg_plan *some = eg_plan_new(t->g, t->p, &o, NULL);
	eg_plan *inference = eg_plan_new(t->g, t->p, &(eg_plan_options){.batch = 33}, NULL),
	        *plans[] = {all, some, inference};
	int backward[2] = {0};
	for (int k = 0; k < 2; k++)
		for (int i = 0; i < eg_plan_calls(plans[k]); i++) {
			eg_call_info c;
			eg_plan_call(plans[k], i, &c);
			backward[k] += c.backward && (!strcmp(c.node, "conv") || !strcmp(c.node, "norm"));
		}
	assert_true(backward[0] > 0 && backward[1] == 0);
	for (int i = 0; i < 2; i++) {
		int v = eg_params_find(t->p, i ? "norm.running_var" : "norm.running_mean");
		for (int c = 0; c < 4; c++) eg_params_data(t->p, v)[c] = (eg_real)(0.5 + 0.1 * c + i);
	}
	eg_params_changed(t->p);
	eg_real *before = copy_of(t);
	for (int k = 1; k < 3; k++) {
		net_fill(plans[k], "x", 33 * 128, 0, 3);
		net_fill(plans[k], "t", 33, 3, 4);
		eg_plan_run(plans[k], 0);
	}
	assert_memory_equal(weights(t), before, t->n * sizeof *before);
	assert_true(near_all(eg_plan_output(some, "logits"), eg_plan_output(inference, "logits"), 33 * 3, 1e-5));
	eg_real *grads = malloc(
	        t->trained * sizeof *grads); /* behind, the gradients are those of inference's numbers: not zero */
	memcpy(grads, eg_params_flat_grad(t->p, NULL), t->trained * sizeof *grads);
	assert_true(eg_params_grad(t->p, eg_params_find(t->p, "inner.weight"))[5] != 0);
	for (int c = 0; c < 3; c++) eg_plan_free(plans[c]);
	free(grads);
	free(before);
	free_trainee(t);
}

/* ---- hooks ------------------------------------------------------------------------------------------------------- */

typedef struct hook {
	trainee *t;
	uint64_t calls, stop_at;
	bool zero;
} hook;

static bool on_gradient(void *user, eg_params *p, uint64_t step) {
	hook *h = user;
	double sum = 0;
	size_t n;
	eg_real *g = eg_params_flat_grad(p, &n);
	assert_int_equal(step, h->calls);
	assert_int_equal(step, h->t->state.steps);
	h->calls++;
	for (size_t i = 0; i < n; i++) sum += fabs((double)g[i]);
	assert_true(sum > 0);
	if (h->zero) memset(g, 0, n * sizeof *g);
	return h->calls != h->stop_at;
}

static void test_hook(void **state) {
	EG_UNUSED(state);
	trainee *t = new_trainee(2, small_net), *plain = new_trainee(2, small_net);
	eg_train_config c = usual;
	hook h = {.t = t, .stop_at = 11};
	eg_train_callbacks callbacks = {.user = &h, .gradient = on_gradient};
	c.optimizer.momentum = 0;
	c.accumulate = 2;
	/* it may stop: the update is not made */
	assert_int_equal(go(t, &c, &callbacks, NULL), EG_ERR_STOPPED);
	assert_contains(t->err.message, "epoch 3 after step 6 of 8"); /* 4 updates an epoch, of two batches */
	assert_int_equal(t->state.steps, 10);
	/* who sets gradients to zero gets no update */
	free_trainee(t);
	t = new_trainee(2, small_net);
	h = (hook){.t = t, .zero = true};
	eg_real *before = copy_of(t);
	assert_int_equal(go(t, &c, &callbacks, NULL), EG_OK);
	assert_int_equal(h.calls, 16);
	assert_memory_equal(weights(t), before, t->n * sizeof *before);
	/* who only looks changes nothing */
	free_trainee(t);
	t = new_trainee(2, small_net);
	h = (hook){.t = t};
	assert_int_equal(go(t, &c, &callbacks, NULL), EG_OK);
	assert_int_equal(go(plain, &c, NULL, NULL), EG_OK);
	assert_same_weights(t, plain);
	free(before);
	free_trainee(t);
	free_trainee(plain);
}

/* ---- step by step ------------------------------------------------------------------------------------------------ */

static void by_steps(trainee *t, const eg_train_config *c, bool halves) {
	eg_trainer *trainer = eg_trainer_new(t->g, t->p, c, &t->data, NULL, &t->state, &t->err);
	if (!trainer) fail_msg("%s", t->err.message);
	for (int epoch = 0; epoch < c->epochs; epoch++) {
		double loss = 0, weight = 0, accuracy;
		const eg_metric_info *metrics;
		assert_int_equal(eg_trainer_begin_epoch(trainer, epoch, NULL), EG_OK);
		for (eg_step_report r = {0}; !r.last;) {
			if (halves) {
				assert_int_equal(eg_trainer_gradients(trainer, &r, NULL), EG_OK);
				assert_int_equal(eg_trainer_update(trainer, &r, NULL), EG_OK);
			} else {
				assert_int_equal(eg_trainer_step(trainer, &r, NULL), EG_OK);
			}
			loss += r.loss * r.weight, weight += r.weight;
		}
		double values[EG_METRICS_MOST];
		assert_int_equal(eg_trainer_metrics(trainer, &metrics, values), 1);
		accuracy = values[0];
		assert_string_equal(metrics->name, "accuracy");
		assert_true(accuracy > 0 && accuracy <= 1);
		t->state.epoch++;
		eg_schedule_epoch(&c->schedule, &t->state.schedule, loss / weight);
	}
	eg_trainer_free(trainer);
}

static void test_by_steps(void **state) {
	EG_UNUSED(state);
	for (int k = 0; k < 4; k++) {
		trainee *whole = new_trainee(1, dropout_net), *one = new_trainee(2, dropout_net),
		        *two = new_trainee(3, dropout_net);
		eg_train_config c = usual;
		c.schedule = (eg_schedule_config){.kind = k % 2 ? EG_SCHEDULE_PLATEAU : EG_SCHEDULE_COSINE,
		        .warmup = 1,
		        .patience = 1,
		        .threshold = 0.5};
		c.accumulate = k;
		c.optimizer.weight_decay = 0.01;
		whole->val_data.count = 0;
		assert_int_equal(go(whole, &c, NULL, NULL), EG_OK);
		by_steps(one, &c, false);
		by_steps(two, &c, true);
		assert_same_weights(one, whole);
		assert_same_weights(two, whole);
		assert_true(one->state.steps == whole->state.steps &&
		            one->state.schedule.scale == whole->state.schedule.scale);
		free_trainee(whole);
		free_trainee(one);
		free_trainee(two);
	}
}

/* Every update of a rise moves the weights, one batch an epoch or several batches an update. */
static void test_warmup(void **state) {
	EG_UNUSED(state);
	static const struct {
		int batch, accumulate, updates;
		double warmup, rates[6]; /* of the first ones, as shares of lr */
	} cases[] = {
	        {150, 1, 1, 4, {0.25, 0.5, 0.75, 1, 1, 1}},
	        {50, 1, 3, 1, {1 / 3.0, 2 / 3.0, 1, 1, 1, 1}},
	        {50, 2, 2, 2, {1 / 3.0, 0.5, 5 / 6.0, 1, 1, 1}},
	};
	for (int k = 0; k < EG_COUNT(cases); k++) {
		trainee *t = new_trainee(1, small_net);
		eg_train_config c = usual;
		c.schedule.warmup = cases[k].warmup;
		c.batch = cases[k].batch, c.accumulate = cases[k].accumulate, c.epochs = 6;
		eg_trainer *trainer = eg_trainer_new(t->g, t->p, &c, &t->data, NULL, NULL, &t->err);
		assert_non_null(trainer);
		for (int i = 0; i < 6; i++) {
			eg_step_report r;
			eg_real *before = copy_of(t);
			if (i % cases[k].updates == 0)
				assert_int_equal(eg_trainer_begin_epoch(trainer, i / cases[k].updates, &t->err), EG_OK);
			assert_int_equal(eg_trainer_step(trainer, &r, &t->err), EG_OK);
			net_near(r.lr, c.optimizer.lr * cases[k].rates[i], 1e-15);
			assert_memory_not_equal(before, weights(t), t->n * sizeof *before);
			free(before);
		}
		eg_trainer_free(trainer);
		free_trainee(t);
	}
}

static void test_trainer_refusals(void **state) {
	EG_UNUSED(state);
	trainee *t = new_trainee(1, normalised_net);
	eg_train_config c = usual;
	c.objective = "costs";
	assert_null(eg_trainer_new(t->g, t->p, &c, &t->data, NULL, NULL, &t->err));
	assert_contains(t->err.message, "no output 'costs'");
	c.objective = "logits";
	assert_null(eg_trainer_new(t->g, t->p, &c, &t->data, NULL, NULL, &t->err));
	assert_contains(t->err.message, "a scalar");
	c = usual;
	c.average = 1;
	assert_null(eg_trainer_new(t->g, t->p, &c, &t->data, NULL, NULL, &t->err));
	assert_contains(t->err.message, "average is 1");
	eg_trainer *trainer = eg_trainer_new(t->g, t->p, NULL, &t->data, NULL, NULL, NULL);
	assert_int_equal(eg_trainer_step(trainer, NULL, &t->err), EG_ERR_ARG); /* no epoch was begun */
	assert_int_equal(eg_trainer_begin_epoch(trainer, -1, &t->err), EG_ERR_ARG);
	eg_trainer_free(trainer);
	eg_trainer_free(NULL);
	free_trainee(t);
}

/* ---- going on ---------------------------------------------------------------------------------------------------- */

static bool stop_after_two(void *user, const eg_epoch_report *r) {
	EG_UNUSED(user);
	return r->epoch != 2;
}

/* With several batches to an update and an average: stopped and gone on with in another process, the same bits. */
static void test_resume(void **state) {
	EG_UNUSED(state);
	for (int keep_last = 0; keep_last < 2; keep_last++) {
		trainee *whole = new_trainee(1, normalised_net), *begun = new_trainee(2, normalised_net),
		        *rest = new_trainee(3, normalised_net);
		eg_param_group group = {.pattern = "*.bias", .lr = 0.5};
		eg_train_config c = usual;
		eg_train_result r, r2;
		eg_error err;
		c.accumulate = 3, c.average = 0.8, c.keep_last = keep_last;
		c.optimizer = (eg_optimizer_config){.kind = EG_ADAMW, .groups = &group, .ngroups = 1};
		trainee *all[] = {whole, begun, rest};
		for (int i = 0; i < 3; i++) {
			all[i]->state.average = malloc(whole->n * sizeof(eg_real));
			all[i]->state.best_weights = malloc(whole->n * sizeof(eg_real));
		}
		assert_int_equal(go(whole, &c, NULL, &r), EG_OK);
		eg_optimizer *o = eg_optimizer_new(begun->p, &c.optimizer, NULL),
		             *o2 = eg_optimizer_new(rest->p, &c.optimizer, NULL);
		assert_int_equal(eg_train(begun->g, begun->p, &c, &begun->data, &begun->val_data, o, &begun->state,
		                         &(eg_train_callbacks){.epoch = stop_after_two}, NULL, &err),
		        EG_ERR_STOPPED);
		memcpy(weights(rest), weights(begun), rest->n * sizeof(eg_real));
		eg_params_changed(rest->p);
		eg_train_state s = begun->state;
		s.average = rest->state.average, s.best_weights = rest->state.best_weights;
		memcpy(s.average, begun->state.average, rest->n * sizeof(eg_real));
		memcpy(s.best_weights, begun->state.best_weights, rest->n * sizeof(eg_real));
		rest->state = s;
		for (int i = 0; i < 2; i++)
			memcpy(eg_optimizer_moment(o2, i, NULL), eg_optimizer_moment(o, i, NULL),
			        rest->trained * sizeof(eg_real));
		eg_optimizer_set_steps(o2, eg_optimizer_steps(o));
		assert_int_equal(
		        eg_train(rest->g, rest->p, &c, &rest->data, &rest->val_data, o2, &rest->state, NULL, &r2, &err),
		        EG_OK);
		assert_same_weights(rest, whole);
		assert_memory_equal(rest->state.average, whole->state.average, whole->n * sizeof(eg_real));
		assert_true(
		        r2.val_loss == r.val_loss && r2.best_epoch == r.best_epoch && r2.val_metric == r.val_metric);
		eg_optimizer_free(o);
		eg_optimizer_free(o2);
		for (int i = 0; i < 3; i++) free_trainee(all[i]);
	}
}

/* ---- batches of one ---------------------------------------------------------------------------------------------- */

static void dense_norm_net(eg_graph *g) {
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 2, 8, 8)), t = eg_input(g, "t", EG_I32, EG_DIMS(EG_N));
	x = net_layer(g, "linear", "units=9", net_layer(g, "flatten", "", x));
	x = net_layer(g, "linear", "units=3", net_layer(g, "batchnorm", "name=norm momentum=1", x));
	eg_output(g, "logits", x);
	eg_output(g, "loss", net_loss(g, "", x, t));
}

/* With momentum 1 the running statistics are those of the last batch that counts: one sample behind it leaves them. It
 * would make them 0. */
static void test_last_batch_of_one(void **state) {
	EG_UNUSED(state);
	eg_train_config c = usual;
	eg_train_result r;
	c.epochs = 10;
	trainee *t = new_trainee(1, dense_norm_net);
	t->data.count = 61; /* 3 batches of 20, and one */
	if (go(t, &c, NULL, &r)) fail_msg("%s", t->err.message);
	const eg_real *var = eg_params_data(t->p, eg_params_find(t->p, "norm.running_var"));
	for (int k = 0; k < 9; k++) assert_true(var[k] > (eg_real)0.05);
	assert_true(r.val_metric > 0.9);
	free_trainee(t);
}

static void test_only_batches_of_one(void **state) {
	EG_UNUSED(state);
	for (int i = 0; i < 2; i++) {
		eg_train_config c = usual;
		trainee *t = new_trainee(1, dense_norm_net);
		eg_real *before = copy_of(t);
		c.batch = i ? 20 : 1, c.accumulate = i ? 1 : 8;
		t->data.count = i ? 1 : 61;
		assert_int_equal(go(t, &c, NULL, NULL), EG_ERR_ARG);
		assert_contains(t->err.message, "layer 'norm' (batchnorm) sees one value of each channel at a time");
		assert_contains(t->err.message, "train.batch");
		assert_memory_equal(before, weights(t), t->n * sizeof *before);
		free(before);
		free_trainee(t);
	}
	/* Behind a convolution one picture has many values. */
	eg_train_config c = usual;
	trainee *t = new_trainee(1, normalised_net);
	c.batch = 1, c.epochs = 1, c.optimizer.lr = 1e-4;
	if (go(t, &c, NULL, NULL)) fail_msg("%s", t->err.message);
	free_trainee(t);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_accumulate),
	        cmocka_unit_test(test_masks),
	        cmocka_unit_test(test_average),
	        cmocka_unit_test(test_average_is_validated),
	        cmocka_unit_test(test_groups),
	        cmocka_unit_test(test_runs),
	        cmocka_unit_test(test_factors),
	        cmocka_unit_test(test_group_refusals),
	        cmocka_unit_test(test_frozen),
	        cmocka_unit_test(test_frozen_plan),
	        cmocka_unit_test(test_hook),
	        cmocka_unit_test(test_by_steps),
	        cmocka_unit_test(test_warmup),
	        cmocka_unit_test(test_trainer_refusals),
	        cmocka_unit_test(test_resume),
	        cmocka_unit_test(test_last_batch_of_one),
	        cmocka_unit_test(test_only_batches_of_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
