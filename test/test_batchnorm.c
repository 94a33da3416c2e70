/* test_batchnorm.c - batch normalisation and padding: the kernels of every table in every layout against sums in double
 * precision, and running statistics as a part of the parameters that is kept but not trained. */
#include "net.h"

#include "core/plan.h"

#include <stdio.h>

/* ---- kernels in all layouts -------------------------------------------------------------------------------------- */

typedef struct tensor {
	int N, C, I;
	eg_layout layout;
	real *v; /* whole blocks */
} tensor;

static ptrdiff_t block_of(const tensor *t) {
	return (ptrdiff_t)EG_BLOCK * t->I * (t->layout == EG_BLOCKED ? eg_channels(t->C) : t->C);
}
static size_t size_of(const tensor *t) { return (size_t)block_of(t) * (size_t)eg_blocks(t->N); }
static real *at(const tensor *t, int n, int c, int i) {
	ptrdiff_t b = n / EG_BLOCK * block_of(t), l = n % EG_BLOCK;
	if (t->layout == EG_LANES) return t->v + b + ((ptrdiff_t)c * t->I + i) * EG_BLOCK + l;
	if (t->layout == EG_PLAIN) return t->v + b + (l * t->C + c) * t->I + i;
	return t->v + b + l * eg_channels(t->C) * t->I + (ptrdiff_t)(c / EG_BLOCK * t->I + i) * EG_BLOCK + c % EG_BLOCK;
}
static eg_buf buf_of(const tensor *t) { return (eg_buf){t->v, block_of(t)}; }

/* Everywhere `junk`, then samples and channels that exist are drawn from (mean - 1, mean + 1). */
static tensor drawn(int N, int C, int I, eg_layout layout, double mean, double junk, uint64_t seed) {
	tensor t = {N, C, I, layout, NULL};
	t.v = malloc(size_of(&t) * sizeof *t.v);
	assert_non_null(t.v);
	for (size_t k = 0; k < size_of(&t); k++) t.v[k] = (real)junk;
	for (int n = 0; n < N; n++)
		for (int c = 0; c < C; c++)
			for (int i = 0; i < I; i++)
				*at(&t, n, c, i) = (real)(mean + net_random(seed + (uint64_t)c, (uint64_t)(n * I + i)) * (1 + c % 3));
	return t;
}

/* Lanes that belong to no sample and no channel. */
static void assert_empty_lanes(const tensor *t, bool zero) {
	tensor real_ones = *t;
	real_ones.v = calloc(size_of(t), sizeof *t->v);
	assert_non_null(real_ones.v);
	for (int n = 0; n < t->N; n++)
		for (int c = 0; c < t->C; c++)
			for (int i = 0; i < t->I; i++) *at(&real_ones, n, c, i) = 1;
	/* PLAIN and BLOCKED blocks end with the last sample; what lies behind is nobody's */
	size_t end = t->layout == EG_LANES ? size_of(t) : size_of(t) / EG_BLOCK / (size_t)eg_blocks(t->N) * (size_t)t->N;
	for (size_t k = 0; k < end; k++)
		if (real_ones.v[k] == 0) assert_true(zero ? t->v[k] == 0 : isfinite(t->v[k]));
	free(real_ones.v);
}

typedef struct expected {
	double mean[64], var[64], sum[64], product[64]; /* of x; of g and g xhat */
} expected;

static double normal(const tensor *x, const expected *e, int n, int c, int i, double eps) {
	return ((double)*at(x, n, c, i) - e->mean[c]) / sqrt(e->var[c] + eps);
}

static void expect(expected *e, const tensor *x) {
	double count = (double)x->N * x->I;
	for (int c = 0; c < x->C; c++) {
		e->mean[c] = e->var[c] = 0;
		for (int n = 0; n < x->N; n++)
			for (int i = 0; i < x->I; i++) e->mean[c] += (double)*at(x, n, c, i) / count;
		for (int n = 0; n < x->N; n++)
			for (int i = 0; i < x->I; i++) e->var[c] += pow((double)*at(x, n, c, i) - e->mean[c], 2) / count;
	}
}

static void check_kernels(const eg_kernels *k, int N, int C, int I, eg_layout layout, double mean, bool relu, bool acc) {
	enum { MOST = 64 };
	const double eps = 1e-5, momentum = 0.3, slack = 3e-6 * (1 + fabs(mean)); /* x itself is rounded to 6e-8
	                                                                           * |mean| */
	int blocks = eg_blocks(N), rows = eg_channels(C);
	real w[MOST] = {0}, b[MOST] = {0}, rm[MOST], rv[MOST], coef[4 * MOST], slope[3 * MOST], dw[MOST], db[MOST];
	real *part = malloc(2 * (size_t)(rows * blocks) * sizeof *part);
	assert_non_null(part);
	tensor x = drawn(N, C, I, layout, mean, 7, 1), dy = drawn(N, C, I, layout, 0.2, 0, 2), y = drawn(N, C, I, layout, 0, 7, 3),
	       dx = drawn(N, C, I, layout, 0, 0, 4), before = drawn(N, C, I, layout, 0, 0, 4);
	const eg_bn_shape s = {N, C, I, layout};
	for (int c = 0; c < C; c++) {
		w[c] = (real)net_random(5, (uint64_t)c), b[c] = (real)net_random(6, (uint64_t)c);
		rm[c] = (real)c, rv[c] = (real)(1 + c), dw[c] = 3, db[c] = 5;
	}
	eg_bn_part_args p = {buf_of(&x), {part, 2 * rows}, s};
	for (int u = blocks - 1; u >= 0; u--) k->batchnorm_part(&p, u, u + 1, EG_WORKER(k, NULL));
	eg_bn_stats_args t = {{part, 2 * rows}, {w, 0}, {b, 0}, {coef, 0}, {rm, 0}, {rv, 0}, s, (real)eps, (real)momentum};
	k->batchnorm_stats(&t, 0, 1, EG_WORKER(k, NULL));
	eg_bn_fwd_args f = {buf_of(&x), {coef, 0}, buf_of(&y), s, eg_act_of(relu ? EG_ACT_RELU : EG_ACT_NONE)};
	k->batchnorm_fwd(&f, 0, blocks, EG_WORKER(k, NULL));
	expected e;
	double count = (double)N * I;
	expect(&e, &x);
	for (int c = 0; c < C; c++) {
		net_near(rm[c], (1 - momentum) * c + momentum * e.mean[c], 1e-6 * (1 + c + fabs(mean)));
		net_near(rv[c], (1 - momentum) * (1 + c) + momentum * e.var[c] * (count > 1 ? count / (count - 1) : 1), slack * (1 + c));
		e.sum[c] = e.product[c] = 0;
		for (int n = 0; n < N; n++)
			for (int i = 0; i < I; i++) {
				double want = (double)w[c] * normal(&x, &e, n, c, i, eps) + (double)b[c];
				net_near(*at(&y, n, c, i), relu && want < 0 ? 0 : want, slack * 4);
				if (relu && !(*at(&y, n, c, i) > 0)) continue; /* the kernel's own sign, should want be
				                                                * next to zero */
				e.sum[c] += (double)*at(&dy, n, c, i);
				e.product[c] += (double)*at(&dy, n, c, i) * normal(&x, &e, n, c, i, eps);
			}
	}
	assert_empty_lanes(&y, false);

	eg_bn_bwd_part_args q = {buf_of(&x), {coef, 0}, buf_of(&dy), {part, 2 * rows}, s, relu};
	k->batchnorm_bwd_part(&q, 0, blocks, EG_WORKER(k, NULL));
	eg_bn_bwd_stats_args r = {{part, 2 * rows}, {coef, 0}, {slope, 0}, {dw, 0}, {db, 0}, s, false, true, false};
	k->batchnorm_bwd_stats(&r, 0, 1, EG_WORKER(k, NULL));
	eg_bn_bwd_args g = {buf_of(&x), {coef, 0}, {slope, 0}, buf_of(&dy), buf_of(&dx), s, relu, acc};
	for (int u = 0; u < blocks; u++) k->batchnorm_bwd(&g, u, u + 1, EG_WORKER(k, NULL));
	for (int c = 0; c < C; c++) {
		net_near(dw[c], 3 + e.product[c], slack * (1 + sqrt(count)) * 4);
		net_near(db[c], e.sum[c], 3e-6 * (1 + sqrt(count)) * 4);
		for (int n = 0; n < N; n++)
			for (int i = 0; i < I; i++) {
				double gi = relu && !(*at(&y, n, c, i) > 0) ? 0 : (double)*at(&dy, n, c, i);
				double want = (double)w[c] / sqrt(e.var[c] + eps) *
				              (gi - e.sum[c] / count - normal(&x, &e, n, c, i, eps) * e.product[c] / count);
				if (acc) want += (double)*at(&before, n, c, i);
				if (count > 2) net_near(*at(&dx, n, c, i), want, slack * 8 / sqrt(e.var[c] + eps));
			}
	}
	assert_empty_lanes(&dx, true);
	tensor *const all[] = {&x, &dy, &y, &dx, &before};
	for (int i = 0; i < EG_COUNT(all); i++) free(all[i]->v);
	free(part);
}

static void each_table(void (*check)(const eg_kernels *k)) {
	const char *isas[4];
	for (int i = net_isas(isas) - 1; i >= 0; i--) {
		eg_context *ctx = net_context(1, isas[i]);
		check(&ctx->kern);
		eg_context_free(ctx);
	}
}

static void check_shapes(const eg_kernels *k) {
	static const int shapes[][3] = {{1, 1, 1}, {16, 3, 35}, {18, 5, 12}, {3, 17, 6}, {33, 33, 1}, {2, 40, 3}, {17, 1, 300}, {5, 21, 1},
		{16, 2, 530}, {1, 16, 9}};
	for (int i = 0; i < EG_COUNT(shapes); i++)
		for (int layout = EG_PLAIN; layout <= EG_BLOCKED; layout++)
			for (int bits = 0; bits < 4; bits++)
				check_kernels(k, shapes[i][0], shapes[i][1], shapes[i][2], (eg_layout)layout, 0.3, bits & 1, bits & 2);
}
static void test_shapes(void **state) {
	EG_UNUSED(state);
	each_table(check_shapes);
}

/* Values far from zero: sums of squares would have nothing left of the variance. */
static void check_far(const eg_kernels *k) {
	for (int layout = EG_PLAIN; layout <= EG_BLOCKED; layout++) check_kernels(k, 37, 3, 50, (eg_layout)layout, 3000, false, false);
}
static void test_far_from_zero(void **state) {
	EG_UNUSED(state);
	each_table(check_far);
}

static void check_pad(const eg_kernels *k) {
	static const int pads[][6] = {{0, 16, 0, 0, 0, 0}, {16, 0, 1, 0, 0, 2}, {3, 2, 1, 2, 3, 1}, {0, 0, 0, 1, 1, 0}};
	for (int j = 0; j < EG_COUNT(pads); j++)
		for (int layout = EG_PLAIN; layout <= EG_BLOCKED; layout++) {
			enum { N = 18, C = 19, H = 3, W = 5 };
			const int *p = pads[j];
			int wide = W + p[4] + p[5], high = H + p[2] + p[3];
			tensor x = drawn(N, C, H * W, (eg_layout)layout, 0, 7, 1), y = drawn(N, C + p[0] + p[1], high * wide, (eg_layout)layout, 0, 9, 2),
			       dx = drawn(N, C, H * W, (eg_layout)layout, 0, 0, 3);
			if (layout == EG_LANES) /* what is beyond the last sample is what x has there */
				for (int c = 0; c < C; c++)
					for (int i = 0; i < H * W; i++)
						for (int n = N; n < 2 * EG_BLOCK; n++) *at(&x, n, c, i) = 0;
			eg_pad_args a = {.from = buf_of(&x), .to = buf_of(&y), .N = N, .C = C, .H = H, .W = W, .c0 = p[0], .c1 = p[1], .h0 = p[2], .h1 = p[3],
				.w0 = p[4], .w1 = p[5], .layout = (eg_layout)layout};
			k->pad_fwd(&a, 0, 2, EG_WORKER(k, NULL));
			for (int n = 0; n < N; n++)
				for (int c = 0; c < C + p[0] + p[1]; c++)
					for (int i = 0; i < high * wide; i++) {
						int h = i / wide - p[2], w = i % wide - p[4], d = c - p[0];
						bool inside = 0 <= h && h < H && 0 <= w && w < W && 0 <= d && d < C;
						assert_true(*at(&y, n, c, i) == (inside ? *at(&x, n, d, h * W + w) : 0));
					}
			assert_empty_lanes(&y, true);
			for (int acc = 0; acc < 2; acc++) {
				a.from = buf_of(&y), a.to = buf_of(&dx), a.acc = acc;
				k->pad_bwd(&a, 0, 2, EG_WORKER(k, NULL));
				for (int n = 0; n < N; n++)
					for (int c = 0; c < C; c++)
						for (int i = 0; i < H * W; i++) assert_true(*at(&dx, n, c, i) == (acc ? 2 : 1) * *at(&x, n, c, i));
				assert_empty_lanes(&dx, true);
			}
			free(x.v), free(y.v), free(dx.v);
		}
}
static void test_pad(void **state) {
	EG_UNUSED(state);
	each_table(check_pad);
}

/* ---- running statistics as state --------------------------------------------------------------------------------- */

enum { SAMPLES = 19 };

typedef struct net {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
	eg_plan *train, *infer;
} net;

static net made(int threads) {
	net n = {.ctx = net_context(threads, NULL)};
	n.g = eg_graph_new(n.ctx, NULL);
	eg_tensor x = eg_input(n.g, "x", EG_F32, EG_DIMS(EG_N, 3, 6, 5)), t = eg_input(n.g, "t", EG_I32, EG_DIMS(EG_N));
	x = net_layer(n.g, "conv2d", "filters=5 kernel=3 bias=0", x);
	x = net_layer(n.g, "relu", "", net_layer(n.g, "batchnorm", "", x));
	x = net_layer(n.g, "flatten", "", net_layer(n.g, "globalavgpool2d", "", x));
	x = net_layer(n.g, "linear", "units=4", net_layer(n.g, "batchnorm", "momentum=0.5", x));
	eg_output(n.g, "logits", x);
	eg_output(n.g, "loss", net_loss(n.g, "", x, t));
	assert_int_equal(eg_graph_status(n.g, NULL), EG_OK);
	n.p = eg_params_new(n.g, 1, NULL);
	n.train = eg_plan_new(n.g, n.p, &(eg_plan_options){.batch = SAMPLES, .train = true}, NULL);
	n.infer = eg_plan_new(n.g, n.p, &(eg_plan_options){.batch = SAMPLES}, NULL);
	assert_non_null(n.train);
	assert_non_null(n.infer);
	eg_plan *const plans[] = {n.train, n.infer};
	for (int i = 0; i < 2; i++) {
		net_fill(plans[i], "x", SAMPLES * 3 * 6 * 5, 0, 3);
		net_fill(plans[i], "t", SAMPLES, 4, 4);
	}
	return n;
}
static void unmade(net *n) {
	eg_plan_free(n->train);
	eg_plan_free(n->infer);
	eg_params_free(n->p);
	eg_graph_free(n->g);
	eg_context_free(n->ctx);
}
static const real *state_of(const net *n) { return eg_params_data(n->p, eg_params_find(n->p, "batchnorm1.running_mean")); }

/* Momentum 0: the statistics are those of before for ever; with the default they follow the batch. */
static void test_no_momentum(void **state) {
	EG_UNUSED(state);
	for (int zero = 0; zero < 2; zero++) {
		eg_context *ctx = net_context(1, NULL);
		eg_graph *g = eg_graph_new(ctx, NULL);
		eg_output(g, "y", net_layer(g, "batchnorm", zero ? "momentum=0" : "", eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 3))));
		eg_params *p = eg_params_new(g, 1, NULL);
		eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = SAMPLES, .train = true}, NULL);
		assert_non_null(plan);
		net_fill(plan, "x", SAMPLES * 3, 0, 3);
		for (uint64_t step = 0; step < 3; step++) eg_plan_run(plan, step);
		const real *mean = eg_params_data(p, 2), *var = eg_params_data(p, 3);
		for (int c = 0; c < 3; c++) {
			assert_true((mean[c] == 0) == zero);
			assert_true((var[c] == 1) == zero);
		}
		eg_plan_free(plan);
		eg_params_free(p);
		eg_graph_free(g);
		eg_context_free(ctx);
	}
}

static void test_state(void **state) {
	EG_UNUSED(state);
	net n = made(1);
	size_t all, trained;
	eg_params_flat(n.p, &all);
	eg_params_flat_grad(n.p, &trained);
	assert_int_equal(all - trained, 4 * 16);
	for (int i = 0; i < eg_params_count(n.p); i++) {
		bool running = strstr(eg_params_name(n.p, i), "running_") != NULL;
		assert_true(eg_params_trained(n.p, i) == !running);
		assert_true(!eg_params_grad(n.p, i) == running);
		size_t at = (size_t)(eg_params_data(n.p, i) - eg_params_flat(n.p, NULL));
		assert_true(running ? at >= trained : at < trained);
	}
	assert_false(eg_params_trained(n.p, -1));
	eg_node_info info;
	for (int i = 0; i < eg_graph_nodes(n.g); i++) {
		eg_graph_node(n.g, i, &info);
		if (!strcmp(info.name, "batchnorm1")) assert_int_equal(info.params, 10);
		assert_int_equal(info.state, strcmp(info.op->name, "batchnorm") ? 0 : 10);
	}
	unmade(&n);
}

/* running = 0.9 running + 0.1 batch, once a run; with the same batch again and again it comes to the batch's. */
static void test_updates_once(void **state) {
	EG_UNUSED(state);
	net n = made(1);
	eg_plan_run(n.train, 0);
	double batch = (double)state_of(&n)[2] / 0.1, running = (double)state_of(&n)[2];
	for (int i = 1; i < 6; i++) {
		eg_plan_run(n.train, 0);
		running = 0.9 * running + 0.1 * batch;
		net_near(state_of(&n)[2], running, 1e-6);
	}
	real kept[5];
	memcpy(kept, state_of(&n), sizeof kept);
	eg_plan_run(n.infer, 0);
	assert_memory_equal(kept, state_of(&n), sizeof kept);
	real first = eg_plan_output(n.infer, "logits")[0];
	eg_plan_run(n.train, 0); /* without eg_params_changed: the plan that packed the statistics must notice */
	eg_plan_run(n.infer, 0);
	assert_true(eg_plan_output(n.infer, "logits")[0] != first);
	unmade(&n);
}

/* x (N,3) or (N,3,2,1) through one layer; *lone: what the plan says of it. */
static eg_plan *lone_plan(eg_graph *g, eg_params *p, eg_plan_options o, const char **lone) {
	eg_cost cost;
	eg_plan *plan = eg_plan_new(g, p, &o, NULL);
	assert_non_null(plan);
	eg_plan_cost(plan, &cost);
	*lone = cost.lone;
	return plan;
}

/* One value has no variance: the running statistics are used, and left as they were. */
static void test_one_value(void **state) {
	EG_UNUSED(state);
	eg_context *ctx = net_context(1, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_output(g, "y", net_layer(g, "batchnorm", "momentum=0.5 name=bn", eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 3))));
	eg_params *p = eg_params_new(g, 1, NULL);
	const char *lone;
	eg_plan *four = lone_plan(g, p, (eg_plan_options){.batch = 4, .train = true}, &lone);
	assert_null(lone);
	net_fill(four, "x", 12, 0, 5);
	eg_plan_run(four, 0);
	const real *mean = eg_params_data(p, 2), *var = eg_params_data(p, 3);
	real *w = eg_params_data(p, 0), *b = eg_params_data(p, 1), before[6];
	memcpy(before, mean, 3 * sizeof *before), memcpy(before + 3, var, 3 * sizeof *before);
	assert_true(var[0] > 0.3 && mean[0] != 0);
	for (int c = 0; c < 3; c++) w[c] = (real)(c + 1), b[c] = (real)-c;
	eg_params_changed(p);

	eg_plan *one = lone_plan(g, p, (eg_plan_options){.batch = 1, .train = true, .input_grads = true}, &lone);
	assert_string_equal(lone, "bn");
	net_fill(one, "x", 3, 0, 9);
	const real *x = eg_plan_input(one, "x"), *y = eg_plan_output(one, "y"), *dx = eg_plan_grad(one, "x");
	real *dy = eg_plan_grad(one, "y");
	for (int c = 0; c < 3; c++) dy[c] = (real)(2 - c);
	for (uint64_t i = 0; i < 20; i++) eg_plan_run(one, i);
	assert_memory_equal(before, mean, 3 * sizeof *before);
	assert_memory_equal(before + 3, var, 3 * sizeof *before);
	for (int c = 0; c < 3; c++) {
		double rstd = 1 / sqrt((double)var[c] + 1e-5), at = ((double)x[c] - (double)mean[c]) * rstd;
		net_near(y[c], at * (c + 1) - c, 1e-5);
		net_near(dx[c], (2 - c) * (c + 1) * rstd, 1e-5);
		net_near(eg_params_grad(p, 0)[c], (2 - c) * at, 1e-5);
		net_near(eg_params_grad(p, 1)[c], 2 - c, 1e-6);
	}
	eg_plan_free(one);
	eg_plan_free(four);
	/* Nobody has to be told who does not train, or trains without statistics of the batch. */
	eg_plan_free(lone_plan(g, p, (eg_plan_options){.batch = 1}, &lone));
	assert_null(lone);
	eg_plan_free(lone_plan(g, p, (eg_plan_options){.batch = 1, .train = true, .frozen = (const bool[]){false, false, true, true}}, &lone));
	assert_null(lone);
	eg_params_free(p);
	eg_graph_free(g);
	g = eg_graph_new(ctx, NULL);
	eg_output(g, "y", net_layer(g, "batchnorm", "", eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 3, 2, 1))));
	p = eg_params_new(g, 1, NULL);
	eg_plan_free(lone_plan(g, p, (eg_plan_options){.batch = 1, .train = true}, &lone));
	assert_null(lone);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

static void test_diagnosis_leaves_state(void **state) {
	EG_UNUSED(state);
	net n = made(1);
	real kept[5];
	eg_error err;
	eg_plan_run(n.train, 0);
	eg_plan_run(n.train, 0);
	memcpy(kept, state_of(&n), sizeof kept);
	assert_int_equal(eg_plan_diagnose(n.train, 0, &err), EG_OK);
	assert_memory_equal(kept, state_of(&n), sizeof kept);
	unmade(&n);
}

/* Neither decay nor clipping nor momentum reach the state, and other numbers of threads give the same bits. */
static void test_optimizer_passes_over(void **state) {
	EG_UNUSED(state);
	real kept[64];
	for (int threads = 1; threads <= 3; threads++) {
		net n = made(threads);
		eg_optimizer *o = eg_optimizer_new(n.p, &(eg_optimizer_config){.lr = 0.1, .momentum = 0.9, .weight_decay = 0.5, .clip_norm = 0.1}, NULL);
		assert_non_null(o);
		size_t moment, trained, all;
		eg_optimizer_moment(o, 0, &moment);
		eg_params_flat_grad(n.p, &trained);
		assert_int_equal(moment, trained);
		for (int i = 0; i < 3; i++) {
			real before[64];
			eg_plan_run(n.train, 0);
			memcpy(before, eg_params_flat(n.p, &all) + trained, sizeof before);
			assert_int_equal(eg_optimizer_step(o, 0.1, NULL, NULL), EG_OK);
			assert_memory_equal(before, eg_params_flat(n.p, NULL) + trained, sizeof before);
		}
		if (threads > 1) assert_memory_equal(kept, eg_params_flat(n.p, NULL) + trained, sizeof kept);
		memcpy(kept, eg_params_flat(n.p, NULL) + trained, sizeof kept);
		eg_optimizer_free(o);
		unmade(&n);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_far_from_zero),
		cmocka_unit_test(test_pad),
		cmocka_unit_test(test_state),
		cmocka_unit_test(test_no_momentum),
		cmocka_unit_test(test_updates_once),
		cmocka_unit_test(test_one_value),
		cmocka_unit_test(test_diagnosis_leaves_state),
		cmocka_unit_test(test_optimizer_passes_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
