/* test_packing.c - samples of different lengths in one batch: gradients of whole networks are the sums of those of the
 * samples alone, whoever tells where they end, a layer's lengths or the loss, and the same for any number of threads;
 * what lies behind the ends is left out by the products, and not only multiplied by 0. */
#include "core/context.h"
#include "core/plan.h"
#include "kern/kern.h"
#include "net.h"

enum { LONGEST = 9, TIME = 11, SOURCE = 8, SAMPLES = 13, WIDTH = 5, CLASSES = 4, IGNORED = -100 };

/* Length 1 and the longest; not in order. Of the second sequence of each sample too. */
static const int32_t lengths[SAMPLES] = {1, 9, 4, 9, 2, 7, 7, 3, 1, 5, 8, 6, 9}, sources[SAMPLES] = {8, 1, 3, 3, 6, 5, 1, 2, 7, 8, 4, 2, 1};

typedef struct net {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
} net;

static eg_tensor both(eg_graph *g, const char *op, const char *attrs, eg_tensor a, eg_tensor b) {
	return net_apply(g, op, attrs, (eg_tensor[]){a, b}, 2);
}

/* Two layers that look both ways, and the loss: of each step, or of the sequence of tags. */
static void tagger(eg_graph *g, const char *layer, const char *loss) {
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, WIDTH)), n = eg_input(g, "lengths", EG_I32, EG_DIMS(EG_N)),
		  t = eg_input(g, "t", EG_I32, EG_DIMS(EG_T, EG_N));
	eg_tensor h = both(g, layer, "hidden=19 layers=2 bidirectional=1", x, n);
	h = net_layer(g, "linear", "units=4", h);
	if (!strcmp(loss, "crf")) eg_output(g, "loss", net_apply(g, "crf", "reduction=sum", (eg_tensor[]){h, t, n}, 3));
	else eg_output(g, "loss", net_loss(g, "reduction=sum", h, t));
}
static void lstm_tagger(eg_graph *g) { tagger(g, "lstm", "cross_entropy"); }
static void gru_tagger(eg_graph *g) { tagger(g, "gru", "cross_entropy"); }
static void rnn_crf(eg_graph *g) { tagger(g, "rnn", "crf"); }
static void lstm_crf(eg_graph *g) { tagger(g, "lstm", "crf"); }

/* As a translation: only the encoder is told lengths; where the other sequence ends, the loss alone knows. */
static void writer(eg_graph *g) {
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, WIDTH)), t = eg_input(g, "t", EG_I32, EG_DIMS(EG_T, EG_N)),
		  s = eg_input(g, "s", EG_F32, EG_DIMS(eg_open_dim(g, "source"), EG_N, WIDTH)), n = eg_input(g, "lengths.source", EG_I32, EG_DIMS(EG_N));
	eg_tensor memory = both(g, "lstm", "hidden=10 bidirectional=1 layer_norm=1", s, n);
	eg_tensor h = net_layer(g, "lstm", "hidden=20", x);
	eg_tensor seen = net_apply(g, "multiplicative_attention", "", (eg_tensor[]){h, memory, n}, 3);
	h = both(g, "concat", "axis=2", h, seen);
	h = net_layer(g, "gru", "hidden=17", h);
	h = both(g, "add", "", net_layer(g, "linear", "units=17", h), h);
	h = net_layer(g, "tanh", "", net_layer(g, "linear", "units=30", h));
	h = net_layer(g, "linear", "units=4", h);
	eg_output(g, "logits", h); /* for a metric of training: looked at where the loss looks */
	eg_output(g, "loss", net_loss(g, "reduction=sum label_smoothing=0.1", h, t));
}

/* Who looks both ways without being told lengths begins at the last step, also where the loss knows of an end
 * before. */
static eg_tensor looking_back(eg_graph *g) {
	return net_layer(g, "lstm", "hidden=9", eg_input(g, "x", EG_F32, EG_DIMS(EG_T, EG_N, WIDTH)));
}
static void end_with(eg_graph *g, eg_tensor h) {
	eg_output(g, "loss", net_loss(g, "reduction=sum", net_layer(g, "linear", "units=4", h), eg_input(g, "t", EG_I32, EG_DIMS(EG_T, EG_N))));
}
static void both_ways(eg_graph *g) { end_with(g, net_layer(g, "gru", "hidden=11 bidirectional=1", looking_back(g))); }
static void from_behind(eg_graph *g) { end_with(g, net_layer(g, "lstm", "hidden=11 reverse=1", looking_back(g))); }

static void make(net *n, void (*build)(eg_graph *g), int threads, const char *isa) {
	eg_error err;
	*n = (net){.ctx = net_context(threads, isa)};
	n->g = eg_graph_new(n->ctx, NULL);
	build(n->g);
	if (eg_graph_status(n->g, &err)) fail_msg("%s", err.message);
	n->p = eg_params_new(n->g, 7, NULL);
	assert_non_null(n->p);
}
static void drop(net *n) {
	eg_params_free(n->p);
	eg_graph_free(n->g);
	eg_context_free(n->ctx);
}

/* Samples [first,first+n) as a batch; what is behind an end, where lengths are told, is no number. */
static void fill(eg_plan *plan, const char *name, int first, int n, int steps, const int32_t *ends, bool told, bool classes) {
	void *to = eg_plan_input(plan, name);
	for (int t = 0; to && t < steps; t++)
		for (int i = 0; i < n; i++)
			for (int k = 0; k < (classes ? 1 : WIDTH); k++) {
				const bool behind = t >= ends[first + i];
				const double r = net_random(5 + (uint64_t)classes, (uint64_t)((t * SAMPLES + first + i) * WIDTH + k));
				const int at = (t * n + i) * (classes ? 1 : WIDTH) + k;
				if (classes) ((int32_t *)to)[at] = behind ? IGNORED : (int32_t)((r + 1) / 2 * CLASSES);
				else ((eg_real *)to)[at] = (eg_real)(!behind ? r : told ? NAN : 0.5);
			}
}

/* Gradients of all weights of so many samples; returns how often the plan looks where sequences end. whole: nothing is
 * left out but by a layer's own lengths. logits: not NULL: the output of that name, too. */
static int gradients_of(const net *n, int first, int count, int time, int source, bool whole, eg_real *to, eg_real *logits) {
	eg_error err;
	const eg_size sizes[] = {{eg_graph_find(n->g, "s").id ? "source" : NULL, source}, {0}};
	eg_plan *plan = eg_plan_new(n->g, n->p, &(eg_plan_options){.batch = count, .time = time, .train = true, .objective = "loss", .sizes = sizes,
		.no_fusion = whole}, &err);
	if (!plan) fail_msg("%s", err.message);
	int32_t *nx = eg_plan_input(plan, "lengths"), *ns = eg_plan_input(plan, "lengths.source");
	for (int i = 0; i < count; i++) {
		if (nx) nx[i] = lengths[first + i];
		if (ns) ns[i] = sources[first + i];
	}
	fill(plan, "x", first, count, time, lengths, nx != NULL, false);
	fill(plan, "t", first, count, time, lengths, false, true);
	fill(plan, "s", first, count, source, sources, true, false);
	eg_plan_run(plan, 1);
	if (logits) memcpy(logits, eg_plan_output(plan, "logits"), sizeof(eg_real[TIME][SAMPLES][CLASSES]));
	for (int i = 0; i < eg_params_count(n->p); i++) {
		const eg_dims d = eg_params_dims(n->p, i);
		const int64_t all = eg_dims_count(&d, 0);
		memcpy(to, eg_params_grad(n->p, i), (size_t)all * sizeof *to);
		to += all;
	}
	int told = 0;
	for (const char *p = eg_plan_describe(plan); (p = strstr(p, " ends ")); p++) told++;
	eg_plan_free(plan);
	return told;
}

static int gradients(const net *n, int first, int count, int time, int source, eg_real *to) {
	return gradients_of(n, first, count, time, source, false, to, NULL);
}

static int64_t weights(const net *n) {
	int64_t all = 0;
	for (int i = 0; i < eg_params_count(n->p); i++) {
		const eg_dims d = eg_params_dims(n->p, i);
		all += eg_dims_count(&d, 0);
	}
	return all;
}

static void check_alone(void (*build)(eg_graph *g), const char *isa, int ends) {
	net n;
	make(&n, build, 2, isa);
	const int64_t all = weights(&n);
	eg_real *whole = calloc((size_t)all, sizeof *whole), *one = calloc((size_t)all, sizeof *one);
	double *sum = calloc((size_t)all, sizeof *sum), largest = 0;
	assert_int_equal(gradients(&n, 0, SAMPLES, TIME, SOURCE, whole), ends);
	for (int i = 0; i < SAMPLES; i++) {
		gradients(&n, i, 1, lengths[i], sources[i], one);
		for (int64_t k = 0; k < all; k++) sum[k] += (double)one[k];
	}
	for (int64_t k = 0; k < all; k++) largest = fmax(largest, fabs(sum[k]));
	assert_true(largest > 0.1);
	for (int64_t k = 0; k < all; k++) net_near(whole[k], sum[k], 1e-5 * largest);
	free(whole), free(one), free(sum);
	drop(&n);
}

static void test_alone(void **state) {
	const char *isas[4];
	EG_UNUSED(state);
	for (int i = 0, n = net_isas(isas); i < n; i++) {
		check_alone(lstm_tagger, isas[i], 1);
		check_alone(gru_tagger, isas[i], 1);
		check_alone(lstm_crf, isas[i], 0);
		check_alone(rnn_crf, isas[i], 0);
		check_alone(writer, isas[i], 1);
	}
}

static void test_both_ways(void **state) {
	void (*const nets[])(eg_graph *g) = {both_ways, from_behind, writer};
	EG_UNUSED(state);
	for (int k = 0; k < EG_COUNT(nets); k++) {
		net n;
		make(&n, nets[k], 2, NULL);
		const int64_t all = weights(&n);
		eg_real *some = calloc((size_t)all, sizeof *some), *whole = calloc((size_t)all, sizeof *whole);
		assert_int_equal(gradients_of(&n, 0, SAMPLES, TIME, SOURCE, false, some, NULL), 1);
		assert_int_equal(gradients_of(&n, 0, SAMPLES, TIME, SOURCE, true, whole, NULL), 0);
		for (int64_t i = 0; i < all; i++) net_near(some[i], (double)whole[i], 1e-4);
		free(some), free(whole);
		drop(&n);
	}
}

static void test_threads(void **state) {
	void (*const nets[])(eg_graph *g) = {lstm_tagger, writer};
	EG_UNUSED(state);
	for (int k = 0; k < EG_COUNT(nets); k++) {
		eg_real *first = NULL;
		for (int threads = 1; threads <= 3; threads++) {
			net n;
			make(&n, nets[k], threads, NULL);
			const int64_t all = weights(&n);
			eg_real *now = calloc((size_t)all + TIME * SAMPLES * CLASSES, sizeof *now);
			gradients_of(&n, 0, SAMPLES, TIME, SOURCE, false, now, eg_graph_find(n.g, "s").id ? now + all : NULL);
			if (first) assert_memory_equal(first, now, ((size_t)all + TIME * SAMPLES * CLASSES) * sizeof *now);
			if (first) free(now);
			else first = now;
			drop(&n);
		}
		free(first);
	}
}

/* ---- products ---------------------------------------------------------------------------------------------------- */

enum { STEPS = 12, ROWS = 24, K = 40, COLUMNS = 48 };

/* Rows of the last steps are behind all ends: a fast table neither reads nor computes them. */
static void test_left_out(void **state) {
	const char *isas[4];
	static eg_real a[STEPS * ROWS * K], b[STEPS * ROWS * COLUMNS], c[STEPS * ROWS * COLUMNS], right[STEPS * ROWS * COLUMNS];
	int32_t ends[ROWS];
	EG_UNUSED(state);
	for (int i = 0; i < ROWS; i++) ends[i] = 2 + i / 4;
	for (int i = 0, n = net_isas(isas); i < n; i++) {
		eg_context *ctx = net_context(1, isas[i]);
		const eg_kernels *k = &ctx->kern;
		for (int r = 0; r < STEPS * ROWS; r++) {
			const bool behind = r / ROWS >= ends[r % ROWS], far = r / ROWS >= 8;
			for (int j = 0; j < K; j++) a[r * K + j] = behind ? 0 : (eg_real)net_random(1, (uint64_t)(r * K + j));
			for (int j = 0; j < COLUMNS; j++) b[r * COLUMNS + j] = far && strcmp(isas[i], "ref") != 0 ? (eg_real)NAN : (eg_real)net_random(2, (uint64_t)(r * COLUMNS + j));
		}
		/* weights' gradient: the sum over rows */
		eg_gemm_args g = {.a = {a, 0}, .b = {b, 0}, .lengths = {ends, 0}, .c = {c, 0}, .m = K, .n = COLUMNS, .k = STEPS * ROWS, .N = ROWS,
			.lda = K, .ldb = COLUMNS, .ldc = COLUMNS, .ta = true};
		void *scratch = aligned_alloc(64, (k->gemm_scratch(&g) + 63) / 64 * 64 + 64);
		k->gemm(&g, 0, k->gemm_units(&g), &(eg_worker){.kernels = k, .scratch = scratch});
		g.lengths.p = NULL, g.c.p = right, g.k = 8 * ROWS;
		k->gemm(&g, 0, k->gemm_units(&g), &(eg_worker){.kernels = k, .scratch = scratch});
		for (int j = 0; j < K * COLUMNS; j++) net_near(c[j], right[j], 1e-4);
		free(scratch);
		/* forward: a row each */
		void *packed = aligned_alloc(64, (k->gemm_pack_bytes(K, COLUMNS) + 63) / 64 * 64);
		k->gemm_pack(&(eg_gemm_pack_args){.src = {b, 0}, .dst = {packed, 0}, .k = K, .n = COLUMNS, .ld = COLUMNS}, 0,
			k->gemm_pack_units(K, COLUMNS), &(eg_worker){.kernels = k});
		eg_gemm_packed_args p = {.a = {a, 2 * ROWS * K}, .b = {packed, 0}, .bias = {b, 0}, .lengths = {ends, 0}, .c = {c, 2 * ROWS * COLUMNS},
			.m = STEPS * ROWS, .rows = 2 * ROWS, .N = ROWS, .n = COLUMNS, .k = K, .lda = K, .ldc = COLUMNS, .nsplit = 1};
		k->gemm_packed(&p, 0, STEPS / 2, &(eg_worker){.kernels = k});
		p.lengths.p = NULL, p.c.p = right;
		k->gemm_packed(&p, 0, STEPS / 2, &(eg_worker){.kernels = k});
		for (int r = 0; r < STEPS * ROWS; r++)
			for (int j = 0; j < COLUMNS; j++) {
				const eg_real got = c[r * COLUMNS + j];
				if (r / ROWS < ends[r % ROWS]) assert_memory_equal(&got, &right[r * COLUMNS + j], sizeof got);
				else if (strcmp(isas[i], "ref") != 0) assert_true(got == 0);
				else assert_true(got == right[r * COLUMNS + j]);
			}
		free(packed);
		eg_context_free(ctx);
	}
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_left_out),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
