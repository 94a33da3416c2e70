/* test_bench.c - problems of `engram bench`: reading them, what is wrong with them, their operations; that each kind
 * runs; the machine's measures; the list of a plan's calls. */
#include "engram_bench.h"
#include "engram_ops.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void read_ok(const char *text, eg_problem *p) {
	eg_error err = {0};
	if (eg_problem_parse(text, p, &err)) fail_msg("'%s': %s", text, err.message);
}

static void kinds_and_letters(void **state) {
	eg_problem p;
	(void)state;
	read_ok("conv2d:n2c6h14w15k16r5s3p1q0u2v1g2", &p);
	assert_string_equal(p.kind->name, "conv2d");
	const char letters[] = "nchwkrspquvg";
	const int values[] = {2, 6, 14, 15, 16, 5, 3, 1, 0, 2, 1, 2};
	for (int i = 0; letters[i]; i++) assert_int_equal(eg_problem_value(&p, letters[i]), values[i]);
	assert_int_equal(eg_problem_value(&p, 'z'), 0);
	read_ok("conv2d:n1c1h28w28k6r5s5p2q2u1v1", &p);
	assert_int_equal(eg_problem_value(&p, 'g'), 1);
	read_ok(" \tlstm:l1t63n1i96h32b\r\n", &p);
	assert_true(p.bidirectional);
	assert_string_equal(p.text, "lstm:l1t63n1i96h32b");
	assert_int_equal(eg_problem_value(&p, 'h'), 32);
	read_ok("gru:l2t1n1i64h64", &p);
	assert_false(p.bidirectional);
	read_ok("charlstm:l2t128n32h256", &p);
	assert_true(p.kind->network);
	read_ok("lenet5:n16777216", &p);
}

static void mistakes(void **state) {
	static const struct {
		const char *text, *says;
	} wrong[] = {
		{"", "a kind and a colon come first"},
		{"gemm", "a kind and a colon come first"},
		{"gem:m1n1k1", "did you mean 'gemm'?"},
		{"softmax:n1", "there are conv2d, lstm, gru, rnn, gemm"},
		{"gemm:m1n1", "letter 'k' (depth) is missing at the end"},
		{"gemm:m1k1n1", "letter 'n' (columns) is expected where 'k1n1' stands"},
		{"gemm:m1n1kx", "letter 'k' (depth) needs a whole number"},
		{"gemm:m1n1k", "letter 'k' (depth) needs a whole number"},
		{"gemm:m1n1k-1", "letter 'k' (depth) needs a whole number"},
		{"gemm:m0n1k1", "letter 'm' (rows) is 0; allowed are 1 to 16777216"},
		{"gemm:m1n16777217k1", "letter 'n' (columns) is 16777217"},
		{"gemm:m1n99999999999999999999999999999999999999k1", "letter 'n' (columns) is 9999"},
		{"gemm:m1n1k1b", "nothing may follow letter 'k', but 'b' does"},
		{"gemm:m1n1k1 gemm:m1n1k1", "nothing may follow letter 'k'"},
		{"lstm:l1t1n1i1h1bb", "nothing may follow letter 'h', but 'bb' does"},
		{"conv2d:n1c3h8w8k4r3s3p1q1u1v1g2", "must be multiples of 'g' (2)"},
		{"conv2d:n1c3h8w8k4r3s3p1q1u0v1", "letter 'u' (stride of the height) is 0"},
		{"conv2d:n1c3h2w8k4r5s3p1q1u1v1", "letter 'r' (kernel height, 5) is larger"},
		{"conv2d:n1c3h8w2k4r3s5p1q1u1v1", "letter 's' (kernel width, 5) is larger"},
	};
	char longer[400];
	eg_problem p;
	eg_error err;
	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		err.message[0] = '\0';
		assert_int_equal(eg_problem_parse(wrong[i].text, &p, &err), EG_ERR_FORMAT);
		if (!strstr(err.message, wrong[i].says)) fail_msg("'%s': %s", wrong[i].text, err.message);
	}
	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	assert_int_equal(eg_problem_parse(longer, &p, &err), EG_ERR_FORMAT);
	assert_non_null(strstr(err.message, "too long"));
}

/* Counted by hand. */
static void operations(void **state) {
	static const struct {
		const char *text;
		double flops;
	} known[] = {
		{"gemm:m2n3k4", 48},
		{"conv2d:n2c6h5w7k4r3s3p1q0u2v1", 2.0 * 2 * 4 * 3 * 5 * 6 * 9},
		{"conv2d:n2c6h5w7k4r3s3p1q0u2v1g2", 2.0 * 2 * 4 * 3 * 5 * 3 * 9},
		{"lstm:l1t5n2i3h4", 2.0 * 5 * 2 * 4 * 4 * (3 + 4)},
		{"gru:l2t5n2i3h4", 2.0 * 5 * 2 * 3 * 4 * (3 + 4 + 4 + 4)},
		{"rnn:l2t5n2i3h4b", 2.0 * 5 * 2 * 2 * 4 * (3 + 4 + 8 + 4)},
		{"chain:n5", 0},
		{"copy:n5", 0},
		{"lenet5:n3", 3 * 2.0 * (117600 + 240000 + 48000 + 10080 + 840)},
		{"resnet20:n3", 3 * 2.0 * 40551000},
		{"charlstm:l1t2n3h8", 2.0 * 2 * 3 * (4 * 8 * (64 + 8) + 65 * 8)},
	};
	eg_problem p;
	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		read_ok(known[i].text, &p);
		assert_true(eg_problem_flops(&p, false) == known[i].flops);
		assert_true(eg_problem_flops(&p, true) == 3 * known[i].flops);
	}
}

static void count_progress(void *user, double share) {
	assert_true(share > 0 && share <= 1);
	++*(int *)user;
}

static void every_kind_runs(void **state) {
	static const char *const small[] = {"conv2d:n2c3h8w9k4r3s3p1q1u1v1", "conv2d:n17c4h6w6k4r3s3p1q1u2v2g2", "lstm:l1t3n2i4h5b", "gru:l2t3n2i4h5",
		"rnn:l1t3n2i4h5", "gemm:m5n6k7", "chain:n100", "copy:n100", "lenet5:n2", "resnet20:n1", "charlstm:l1t4n2h8"};
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 2}, NULL);
	int nkinds, seen = 0;
	(void)state;
	assert_non_null(ctx);
	const eg_problem_kind *kinds = eg_problem_kinds(&nkinds);
	for (int k = 0; k < nkinds; k++)
		for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
			if (!strncmp(small[i], kinds[k].name, strlen(kinds[k].name)) && small[i][strlen(kinds[k].name)] == ':') {
				seen++;
				break;
			}
	assert_int_equal(seen, nkinds);
	for (size_t i = 0; i < sizeof small / sizeof small[0]; i++)
		for (int train = 0; train < 2; train++) {
			eg_problem p;
			eg_bench_result r;
			eg_error err = {0};
			int shown = 0;
			read_ok(small[i], &p);
			eg_bench_options o = {.train = train, .seconds = 0.03, .no_peak = i > 0, .progress = count_progress, .user = &shown};
			if (eg_bench_run(ctx, &p, &o, &r, &err)) fail_msg("%s: %s", small[i], err.message);
			assert_true(r.median_ms >= r.min_ms && r.min_ms > 0 && r.runs >= 3);
			assert_true(fabs(r.gflops - eg_problem_flops(&p, train) / r.median_ms * 1e-6) <= 1e-6 * r.gflops);
			assert_true(r.nkernels > 0 && r.memory >= r.plan.total && r.plan.total > 0);
			assert_true((r.peak > 0) == (i == 0) && isnan(r.percent) == (i > 0));
		}
	eg_context_free(ctx);
}

static void runs_are_counted(void **state) {
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, NULL);
	eg_problem p;
	eg_bench_result r;
	(void)state;
	read_ok("gemm:m5n6k7", &p);
	assert_int_equal(eg_bench_run(ctx, &p, &(eg_bench_options){.runs = 3, .no_peak = true}, &r, NULL), EG_OK);
	assert_int_equal(r.runs, 3);
	assert_int_equal(r.nkernels, 1);
	assert_string_equal(r.kernels[0].kernel, "gemm");
	assert_int_equal(r.kernels[0].calls, 1);
	assert_int_equal(eg_bench_run(ctx, &p, &(eg_bench_options){.train = true, .runs = 3, .no_peak = true}, &r, NULL), EG_OK);
	assert_int_equal(r.kernels[0].calls, 3); /* y, da, db */
	eg_context_free(ctx);
}

static void too_large_is_told(void **state) {
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, NULL);
	eg_problem p;
	eg_bench_result r;
	eg_error err = {0};
	(void)state;
	read_ok("conv2d:n4096c64h4096w4096k64r3s3p1q1u1v1", &p);
	assert_int_equal(eg_bench_run(ctx, &p, &(eg_bench_options){.no_peak = true}, &r, &err), EG_ERR_SHAPE);
	assert_non_null(strstr(err.message, "2^31"));
	eg_context_free(ctx);
}

static void machine(void **state) {
	(void)state;
	for (int threads = 1; threads <= 2; threads++) {
		eg_machine m;
		eg_context *ctx = eg_context_new(&(eg_context_options){.threads = threads}, NULL);
		eg_machine_measure(ctx, &m);
		assert_int_equal(m.threads, threads);
		assert_string_equal(m.isa, eg_context_isa(ctx));
		assert_true(m.cpu[0] && m.cores >= 1 && m.peak_one > 0.01 && m.peak_all > 0.01);
		if (threads == 1 || m.cores < 2) assert_true(isnan(m.handoff_ns));
		else assert_true(m.handoff_ns > 1);
		eg_context_free(ctx);
	}
}

static void calls_of_a_plan(void **state) {
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1}, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	(void)state;
	eg_tensor h = eg_conv2d(g, eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 1, 8, 8)), .filters = 2, .kernel = {3, 3}, .name = "c");
	eg_output(g, "y", eg_linear(g, eg_flatten(g, h), .units = 3, .name = "d"));
	eg_params *p = eg_params_new(g, 1, NULL);
	eg_plan *plan = eg_plan_new(g, p, &(eg_plan_options){.batch = 32, .train = true, .layout = EG_LAYOUT_LANES}, NULL);
	assert_non_null(plan);
	int packs = 0, forward = 0, backward = 0, lanes = 0;
	for (int i = 0; i < eg_plan_calls(plan); i++) {
		eg_call_info c;
		eg_plan_call(plan, i, &c);
		assert_true(!strcmp(c.node, "c") || !strcmp(c.node, "d") || c.node[0]);
		assert_true(c.kernel[0] && c.units >= 1 && c.threads == 1);
		packs += c.pack;
		forward += !c.pack && !c.backward;
		backward += c.backward;
		lanes += !strcmp(c.kernel, "conv_lanes_fwd") && !strcmp(c.layout, "lanes") && !strcmp(c.node, "c");
	}
	assert_true(packs >= 2 && forward >= 2 && backward >= 2);
	assert_int_equal(lanes, 1);
	eg_plan_free(plan);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

int main(void) {
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_and_letters),
		cmocka_unit_test(mistakes),
		cmocka_unit_test(operations),
		cmocka_unit_test(every_kind_runs),
		cmocka_unit_test(runs_are_counted),
		cmocka_unit_test(too_large_is_told),
		cmocka_unit_test(machine),
		cmocka_unit_test(calls_of_a_plan),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
