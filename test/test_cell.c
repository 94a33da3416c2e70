/* test_cell.c - cells in recipes: what of them becomes a loop, that a cell computes what a layer of the engine does,
 * what is refused, and where. */
#include "recipe_bed.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define GATES(w) \
	"        - linear: {units: 3, from: x, name: in, init: constant, init_value: " w "}\n" \
	"        - linear: {units: 3, bias: false, from: h, name: rec, init: constant, init_value: -0.5}\n" \
	"        - add: {from: [in, rec]}\n        - tanh: {name: new}\n"
#define TAIL "  - last\n  - linear: classes\n"

static eg_plan *run(const built *b, eg_params *p, int time, bool train, bool carry) {
	eg_error err = {0};
	const char *wanted[] = {"logits", NULL}, *all[] = {"logits", "loss", NULL};
	eg_plan *plan = eg_plan_new(b->g, p,
	        &(eg_plan_options){
	                .batch = 3, .time = time, .outputs = train ? all : wanted, .train = train, .carry = carry},
	        &err);
	if (!plan) fail_msg("%s", err.message);
	eg_real *x = eg_plan_input(plan, "input");
	eg_dims d = eg_plan_dims(plan, eg_graph_find(b->g, "input"));
	int64_t n = 1;
	for (int i = 0; i < d.rank; i++) n *= d.d[i];
	if (eg_tensor_dtype(b->g, eg_graph_find(b->g, "input")) == EG_I32)
		for (int64_t i = 0; i < n; i++) ((int32_t *)(void *)x)[i] = (int32_t)(i % 10);
	else
		for (int64_t i = 0; i < n; i++) x[i] = (eg_real)sin((double)i);
	for (int i = 0; i < 3 && eg_plan_input(plan, "lengths"); i++)
		((int32_t *)eg_plan_input(plan, "lengths"))[i] = time - i;
	eg_plan_run(plan, 0);
	return plan;
}

/* A cell that is written down gives what `rnn` with its weights gives. */
static void like_rnn(void **state) {
	(void)state;
	built a = build(SERIES
	        "model:\n  - cell:\n      name: mine\n      from: [input, lengths]\n      state: {h: 3}\n      "
	        "layers:\n" GATES("0.25") "      next: {h: new}\n"
	                                  "  - last: {from: {lengths: lengths}}\n  - linear: classes\n",
	        4);
	built b = build(SERIES "model:\n  - rnn: {hidden: 3, from: [input, lengths], name: its}\n  - last: {from: "
	                       "{lengths: lengths}}\n  - linear: classes\n",
	        4);
	eg_error err;
	eg_params *pa = eg_params_new(a.g, 1, &err), *pb = eg_params_new(b.g, 2, &err);
	static const char *const names[][2] = {{"mine/in.weight", "its.l0.weight"}, {"mine/in.bias", "its.l0.bias"},
	        {"mine/rec.weight", "its.l0.recurrent_weight"}, {"linear1.weight", "linear1.weight"},
	        {"linear1.bias", "linear1.bias"}};
	for (int i = 0; i < 5; i++) {
		const int at = eg_params_find(pa, names[i][0]), to = eg_params_find(pb, names[i][1]);
		eg_dims d = eg_params_dims(pa, at);
		int64_t n = 1;
		assert_true(at >= 0 && to >= 0);
		for (int k = 0; k < d.rank; k++) n *= d.d[k];
		memcpy(eg_params_data(pb, to), eg_params_data(pa, at), (size_t)n * sizeof(eg_real));
	}
	eg_params_changed(pb);
	eg_plan *one = run(&a, pa, 5, false, false), *two = run(&b, pb, 5, false, false);
	for (int i = 0; i < 12; i++)
		assert_true(fabs((double)(eg_plan_output(one, "logits")[i] - eg_plan_output(two, "logits")[i])) < 1e-6);
	eg_plan_free(one);
	eg_plan_free(two);
	eg_params_free(pa);
	eg_params_free(pb);
	drop(&a);
	drop(&b);
}

/* What a cell may have: all can be trained and carried. */
static void forms(void **state) {
	(void)state;
	static const char *const recipes[] = {
	        /* the last layer is the output; several sequences; a state from a layer; weights of its own and of
	         * others */
	        SERIES "model:\n  - linear: {units: 2, name: other}\n  - rnn: {hidden: 3, name: first}\n  - last: "
	               "{name: begin}\n  - cell:\n      from: {a: input, b: other}\n"
	               "      state: {h: {size: [3], learned: true}, k: {size: 3, from: begin}}\n      layers:\n       "
	               " - add: {from: [a, b]}\n"
	               "        - linear: {units: 3, name: p}\n        - linear: {units: 3, from: k, name: q}\n        "
	               "- linear: {units: 3, from: h, weights: q}\n"
	               "        - add: {from: [p, linear3]}\n        - add: {from: [add2, q]}\n        - tanh\n      "
	               "next: {h: k, k: tanh1}\n" TAIL,
	        /* ids; the classes of a word */
	        LETTERS "model:\n  - cell:\n      state: {h: units}\n      layers:\n        - embedding: {size: 10, "
	                "from: x}\n        - add: {from: [embedding1, h]}\n"
	                "        - tanh\n      next: {h: tanh1}\n" TAIL,
	        /* backwards; no state at all */
	        SERIES "model:\n  - cell:\n      from: {lengths: lengths}\n      reverse: true\n      layers:\n        "
	               "- linear: 3\n        - relu\n" TAIL,
	        /* pictures: a convolutional LSTM */
	        "name: t\ntask: x\ndata: {source: mnist}\ninput: [time, 1, 6, 7]\nmodel:\n  - cell:\n      name: c\n   "
	        "   state: {h: [4, 6, 7], c: [4, 6, 7]}\n      layers:\n"
	        "        - concat: {from: [x, h], axis: 1}\n        - conv: {filters: 16, kernel: 3, padding: 1}\n     "
	        "   - slice: {starts: 0, ends: 12, axes: 1}\n"
	        "        - sigmoid: {name: gates}\n        - slice: {starts: 12, ends: 16, axes: 1, from: conv1}\n     "
	        "   - tanh: {name: content}\n"
	        "        - slice: {starts: 0, ends: 4, axes: 1, from: gates, name: i}\n        - slice: {starts: 4, "
	        "ends: 8, axes: 1, from: gates, name: o}\n"
	        "        - slice: {starts: 8, ends: 12, axes: 1, from: gates, name: f}\n        - mul: {from: [f, c], "
	        "name: kept}\n"
	        "        - mul: {from: [i, content], name: written}\n        - add: {from: [kept, written], name: "
	        "cell}\n        - tanh: {name: squashed}\n"
	        "        - mul: {from: [o, squashed], name: out}\n      next: {h: out, c: cell}\n  - flatten: {from: "
	        "c.h}\n  - linear: classes\n",
	        /* and the layer that is one, twice */
	        "name: t\ntask: x\ndata: {source: mnist}\ninput: [time, 1, 6, 7]\nmodel:\n  - convlstm: {filters: 3, kernel: [3, 1], "
	        "peephole: position, zoneout: 0.1, name: film}\n  - convlstm: {filters: 4, kernel: 3, last: true}\n  - flatten\n  - linear: classes\n",
	        /* what every step sees as a whole */
	        SERIES "model:\n  - last: {name: end}\n  - cell:\n      from: input\n      whole: {memory: end}\n      "
	               "state: {h: 2}\n      layers:\n"
	               "        - mul: {from: [memory, h]}\n        - add: {from: [x, mul1]}\n        - tanh\n      "
	               "next: {h: tanh1}\n" TAIL,
	};
	for (size_t i = 0; i < sizeof recipes / sizeof *recipes; i++) {
		built b = build(recipes[i], 10);
		eg_error err;
		eg_params *p = eg_params_new(b.g, 3, &err);
		if (!p) fail_msg("%s", err.message);
		for (int carry = 0; carry < 2; carry++) {
			eg_plan *plan = run(&b, p, 4, true, carry);
			assert_true(isfinite((double)*eg_plan_output(plan, "loss")));
			eg_plan_free(plan);
		}
		eg_params_free(p);
		drop(&b);
	}
}

#define CELL(rest) SERIES "model:\n  - cell:\n" rest TAIL
#define BODY "      layers:\n" GATES("1")

static void refusals(void **state) {
	(void)state;
	refused(SERIES "model:\n  - cell\n" TAIL,
	        "r.yaml:6:5: layer 'cell' takes {state: ..., layers: [...], next: ...}, not nothing");
	refused(CELL("      state: {h: 3}\n      next: {h: x}\n"),
	        "r.yaml:6:5: layer 'cell' needs 'layers', which are one step of it");
	refused(CELL("      state: {h: 3}\n" BODY "      nxt: {h: new}\n"),
	        "r.yaml:13:7: unknown key 'nxt' in layer 'cell'; did you mean 'next'?");
	refused(CELL("      state: {h: 3}\n" BODY),
	        "r.yaml:6:5: layer 'cell' does not say what its state 'h' becomes: next: {h: NAME}");
	refused(CELL("      state: {h: 3}\n" BODY "      next: {h: nw}\n"),
	        "r.yaml:13:17: no earlier layer 'nw'; there are: x, h, new, add1, rec, in");
	refused(CELL("      state: {h: 0}\n" BODY "      next: {h: new}\n"),
	        "r.yaml:7:18: a size of a state must be a whole number from 1 to 1000000, or a word for one, not the "
	        "number 0");
	refused(CELL("      state: {h: {learned: true}}\n" BODY "      next: {h: new}\n"),
	        "r.yaml:7:18: state 'h' needs 'size', such as [32]");
	refused(CELL("      state: {x: 3}\n" BODY "      next: {x: new}\n"),
	        "r.yaml:7:15: the name 'x' stands twice in this cell");
}

static void built_wrong(void **state) {
	(void)state;
	build_fails(CELL("      state: {h: 4}\n" BODY "      next: {h: new}\n"),
	        "r.yaml:7:18: loop 'cell1': the state 'cell1/h' (N,4) cannot become (N,3)");
	build_fails(CELL("      state: {h: many}\n" BODY "      next: {h: new}\n"),
	        "r.yaml:7:18: a size of state 'h' must be a whole number, or a word for one (there are: classes");
	build_fails(HEAD "model:\n  - flatten\n  - cell:\n      layers:\n        - linear: 3\n  - linear: classes\n",
	        "r.yaml:7:5: loop_input");
	build_fails(CELL("      layers:\n        - batchnorm\n"),
	        "r.yaml:8:11: batchnorm 'cell1/batchnorm1': inside of a loop it would update its");
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(like_rnn), cmocka_unit_test(forms),
	        cmocka_unit_test(refusals), cmocka_unit_test(built_wrong)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
