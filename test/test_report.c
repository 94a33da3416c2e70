/* test_report.c - plots are well-formed XML whatever their labels are; gradients by states agree with central
 * differences; tables hold what the network computes. */
#include "engram_ops.h"
#include "engram_report.h"
#include "engram_text.h"
#include "report/plot.h"
#include "report/unroll.h"
#include "support_tasks.h"

#include <math.h>
#include <stdlib.h>

#define CONTAINS(text, part) \
	do { \
		if (!strstr(text, part)) fail_msg("'%s' is not in: %.600s", part, text); \
	} while (0)

/* A text of the folder, without zero bytes; to be freed. */
static char *read_all(bench *b, const char *name) {
	size_t size;
	char *text = bench_read(b, bench_path(b, name), &size);
	assert_int_equal(strlen(text), size);
	return text;
}

/* ---- XML --------------------------------------------------------------------------------------------------------- */

/* One element's head at *s, which stands behind '<'; attributes quoted, each once. True: it is closed at once. */
static bool xml_head(const char **s, char name[32]) {
	char seen[24][32];
	int n = 0;
	size_t length = strcspn(*s, " \n/>");
	assert_true(length > 0 && length < 32);
	memcpy(name, *s, length), name[length] = 0;
	for (*s += length;;) {
		*s += strspn(*s, " \n");
		if (**s == '>') return (*s)++, false;
		if (**s == '/') {
			assert_true((*s)[1] == '>');
			return *s += 2, true;
		}
		length = strcspn(*s, "= \n<>");
		assert_true(length > 0 && length < 32 && (*s)[length] == '=' && (*s)[length + 1] == '"' && n < 24);
		memcpy(seen[n], *s, length), seen[n][length] = 0;
		for (int i = 0; i < n; i++) assert_string_not_equal(seen[i], seen[n]);
		n++;
		*s += length + 2;
		length = strcspn(*s, "\"<&");
		assert_true((*s)[length] == '"');
		*s += length + 1;
	}
}

/* Elements nest, characters are legal, entities are known. Returns how many elements are called `count`. */
static int check_xml(const char *s, const char *count) {
	char open[16][32], name[32];
	int depth = 0, found = 0;
	assert_true(strncmp(s, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", 39) == 0);
	for (s += 39; *s;) {
		if (*s == '<' && s[1] == '/') {
			size_t length = strcspn(s + 2, ">");
			assert_true(depth > 0 && strlen(open[depth - 1]) == length);
			assert_memory_equal(s + 2, open[depth - 1], length);
			depth--, s += length + 3;
		} else if (*s == '<') {
			s++;
			bool closed = xml_head(&s, name);
			found += !strcmp(name, count);
			assert_true(closed || depth < 16);
			if (!closed) strcpy(open[depth++], name);
		} else if (*s == '&') {
			assert_true(!strncmp(s, "&amp;", 5) || !strncmp(s, "&lt;", 4) || !strncmp(s, "&gt;", 4) ||
			            !strncmp(s, "&quot;", 6));
			s += strcspn(s, ";");
		} else {
			int n = eg_utf8_length(s, strlen(s));
			if (n < 1 || (n == 1 && *s < ' ' && *s != '\n'))
				fail_msg("a character that XML has not: %.20s", s);
			assert_false(n == 1 && *s == '>');
			s += n;
		}
	}
	assert_int_equal(depth, 0);
	return found;
}

static void lines_are_drawn(void **state) {
	bench *b = *state;
	double x[] = {0, 1, 2, 3, 4}, good[] = {1, 0.1, 0.01, 1e-5, 1e-9}, holes[] = {NAN, 2, 0, -1, INFINITY},
	       huge[] = {1, 2, 1e300, 3, 4};
	eg_series s[] = {{"a < b & \"c\"", x, good, 5}, {"\xff damaged \xc3", x, holes, 5},
	        {"umlaut \xc3\xa4 \x01", x, huge, 5}};
	eg_line_plot p = {
	        .title = "<title> & more", .x_title = "x", .y_title = "y", .series = s, .nseries = 3, .log_y = true};
	for (int log = 0; log < 2; log++) {
		p.log_y = log;
		if (!log)
			p.y_min = 0, p.y_max = 2;
		else
			p.y_min = p.y_max = 0;
		OK(b, eg_plot_lines(bench_path(b, "lines.svg"), &p, &b->err));
		char *text = read_all(b, "lines.svg");
		assert_int_equal(check_xml(text, "path"), 3);
		CONTAINS(text, "a &lt; b &amp; &quot;c&quot;");
		CONTAINS(text, "umlaut \xc3\xa4 \xef\xbf\xbd");
		CONTAINS(text, "\xef\xbf\xbd damaged \xef\xbf\xbd");
		if (log) CONTAINS(text, "dy=\"-5\"");
		assert_null(strstr(text, "nan"));
		assert_null(strstr(text, "inf"));
		free(text);
	}
	eg_series none = {"nothing", x, holes, 1}, one = {"a point", x, good, 1};
	OK(b, eg_plot_lines(bench_path(b, "lines.svg"), &(eg_line_plot){.series = &none, .nseries = 1}, &b->err));
	OK(b, eg_plot_lines(bench_path(b, "lines.svg"), &(eg_line_plot){.series = &one, .nseries = 1, .log_y = true},
	              &b->err));
	char *text = read_all(b, "lines.svg");
	check_xml(text, "path");
	free(text);
	assert_int_equal(eg_plot_lines(bench_path(b, "lines.svg"), &(eg_line_plot){.series = s, .nseries = EG_MAX_SERIES + 1}, &b->err),
	        EG_ERR_ARG);
	assert_int_equal(eg_plot_lines("/no/such/folder/x.svg", &p, &b->err), EG_ERR_IO);
}

/* Where the lines go: a straight line on a log axis is straight on paper, and the ends are the frame's corners. */
static void log_axis_is_right(void **state) {
	bench *b = *state;
	double x[] = {0, 1, 2}, y[] = {1e-4, 1e-2, 1};
	eg_series s = {"s", x, y, 3};
	OK(b, eg_plot_lines(
	              bench_path(b, "log.svg"), &(eg_line_plot){.series = &s, .nseries = 1, .log_y = true}, &b->err));
	char *text = read_all(b, "log.svg");
	CONTAINS(text, "d=\"M76 376 L336 211 L596 46 \"");
	free(text);
}

static void heat_is_drawn(void **state) {
	bench *b = *state;
	const double v[] = {-1, -1, 0, 0, 1, NAN, 0.5, 0.5, 0.5, 7};
	const char *rows[] = {"r<0>", "r1"}, *columns[] = {" ", "\n", "&", "\xff", "\xe4\xb8\xad"};
	eg_heat_panel p[] = {{"one", v, 2, rows, EG_DIVERGING, -1, 1}, {"two", v, 1, NULL, EG_SEQUENTIAL, 0, 1}};
	OK(b, eg_plot_heat(bench_path(b, "heat.svg"), &(eg_heat_map){"a \"map\"", 5, columns, p, 2}, &b->err));
	char *text = read_all(b, "heat.svg");
	check_xml(text, "path");
	CONTAINS(text, ">\xc2\xb7</text>"); /* the space */
	CONTAINS(text, ">\xc2\xb6</text>"); /* the line end */
	CONTAINS(text, ">&amp;</text>");
	CONTAINS(text, ">\xef\xbf\xbd</text>"); /* no UTF-8 */
	CONTAINS(text, ">\xe4\xb8\xad</text>");
	/* -1 twice in the first row and, in the second panel, below 0..1: the two ends of the scales. A run is one
	 * rectangle. */
	CONTAINS(text, "<path fill=\"#2166ac\" d=\"M");
	CONTAINS(text, "h26v13h-26z");
	CONTAINS(text, "<path fill=\"#b2182b\" d=\"M");
	CONTAINS(text, "<path fill=\"#440154\" d=\"M");
	CONTAINS(text, "<path fill=\"#fde725\" d=\"M");
	free(text);
	assert_int_equal(eg_plot_heat(bench_path(b, "heat.svg"), &(eg_heat_map){"none", 0, NULL, p, 2}, &b->err), EG_ERR_ARG);
}

static void marks_are_visible(void **state) {
	char buf[16];
	(void)state;
	assert_string_equal(eg_plot_visible("a b\n", buf, sizeof buf), "a\xc2\xb7"
	                                                               "b\xc2\xb6");
	assert_string_equal(eg_plot_visible("\t\x1b\xe4\xb8", buf, sizeof buf), "\xc2\xbb\xef\xbf\xbd\xef\xbf\xbd");
	assert_string_equal(eg_plot_visible("\xed\xa0\x80", buf, sizeof buf), "\xef\xbf\xbd"); /* a surrogate */
	assert_string_equal(eg_plot_visible("\xe4\xb8\xad\xe4\xb8\xad", buf, 6), "\xe4\xb8\xad");
	assert_string_equal(eg_number(0.5, (char[32]){0}), "0.5");
}

/* ---- models ------------------------------------------------------------------------------------------------------ */

static const char ADDING[] =
	"name: a\ntask: regress\ndata: {source: adding, steps: 7, count: 40, test_count: 5}\ninput: [time, 2]\n"
	"model:\n  - %s\n  - dropout: 0.5\n  - last\n  - linear: 1\ntrain: {loss: mse, seed: 4}\n";

/* No two weights are the same, and biases are not zero. */
static void shake(eg_params *p, const void *user) {
	size_t n;
	eg_real *w = eg_params_flat(p, &n);
	(void)user;
	for (size_t i = 0; i < n; i++) w[i] = (eg_real)(0.3 * sin((double)(7 * i)) + 0.3 * cos((double)(i * i)));
}

static eg_model *make_model(bench *b, const char *recipe_text, const eg_size *sizes, const eg_value *kept) {
	eg_recipe *r = bench_recipe(b, "%s", recipe_text);
	eg_model *m = bench_model(b, r, sizes, kept, shake, NULL);
	eg_recipe_free(r);
	return m;
}

static eg_model *make_adding(bench *b, const char *cell) {
	char text[600];
	snprintf(text, sizeof text, ADDING, cell);
	return make_model(b, text, NULL, NULL);
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */

enum { T = 7, N = 3, MAX_STATE = 2 * 2 * 8 };
#ifdef ENGRAM_DOUBLE
static const double STEP = 1e-5, TOLERANCE = 1e-6;
#else
static const double STEP = 2e-2, TOLERANCE = 2e-2;
#endif

/* d loss / d state by central differences from a plan of the remaining steps; the norms over h and over c. */
static void differences(const eg_unrolled *u, const eg_sequences *s, int t, eg_plan *whole, double norm[2]) {
	static const char *const outputs[] = {"loss", NULL};
	char name[32];
	eg_plan *rest = eg_plan_new(
	        u->graph, u->params, &(eg_plan_options){.batch = N, .time = T - t, .outputs = outputs}, NULL);
	assert_non_null(rest);
	memcpy(eg_plan_input(rest, "input"), (char *)s->input + (size_t)t * s->input_step,
	        (size_t)(T - t) * s->input_step);
	memcpy(eg_plan_input(rest, "target"), s->target, s->target_size);
	const eg_memory_cell *c = &u->cell[0];
	eg_real *state[2] = {eg_plan_input(rest, eg_unroll_name(name, "h0", 0)), NULL};
	if (c->cells) state[1] = eg_plan_input(rest, eg_unroll_name(name, "c0", 0));
	const int width[2] = {c->hidden, c->cells};
	for (int k = 0; k < 2 && state[k]; k++) {
		const eg_real *all = eg_plan_output(whole, eg_unroll_name(name, k ? "cells" : "states", 0));
		for (int l = 0; l < c->layers; l++)
			for (int i = 0; i < N * width[k]; i++)
				state[k][l * N * width[k] + i] = t ? all[(l * T + t - 1) * N * width[k] + i] : 0;
	}
	norm[0] = norm[1] = 0;
	for (int k = 0; k < 2 && state[k]; k++)
		for (int n = 0; n < N; n++) {
			double squares = 0;
			for (int l = 0; l < c->layers; l++)
				for (int j = 0; j < width[k]; j++) {
					eg_real *x = &state[k][(l * N + n) * width[k] + j], before = *x;
					double loss[2];
					for (int side = 0; side < 2; side++) {
						*x = before + (eg_real)(side ? STEP : -STEP);
						eg_plan_run(rest, 0);
						loss[side] = (double)*eg_plan_output(rest, "loss");
					}
					*x = before;
					double d = (loss[1] - loss[0]) / (2 * STEP) * N; /* the loss is a mean */
					squares += d * d;
				}
			norm[k] += sqrt(squares) / N;
		}
	eg_plan_free(rest);
}

static void check_norms(bench *b, const char *cell_text, const char *other) {
	const char *const outputs[] = {"state.states.0", "state.cells.0", NULL};
	eg_model *m = make_adding(b, cell_text);
	eg_unrolled u;
	OK(b, eg_unroll(&u, m, other, 5, &b->err));
	const char *const h_only[] = {"state.states.0", NULL};
	eg_real input[T * N * 2], target[N];
	for (int i = 0; i < T * N * 2; i++) input[i] = (eg_real)sin(3.7 * i);
	for (int i = 0; i < N; i++) target[i] = (eg_real)(1.5 * i);
	eg_sequences s = {.steps = T,
	        .n = N,
	        .input = input,
	        .target = target,
	        .input_step = N * 2 * sizeof *input,
	        .target_size = sizeof target};
	int rows = eg_unroll_rows(&u);
	double *norms = calloc((size_t)rows * T, sizeof *norms), want[2];
	assert_non_null(norms);
	OK(b, eg_unroll_norms(&u, &s, norms, &b->err));
	eg_plan *whole = eg_plan_new(u.graph, u.params,
	        &(eg_plan_options){.batch = N, .time = T, .outputs = u.cell[0].cells ? outputs : h_only}, NULL);
	assert_non_null(whole);
	memcpy(eg_plan_input(whole, "input"), input, sizeof input);
	eg_plan_run(whole, 0); /* initial states are zero, as memory of a new plan is */
	for (int t = 0; t < T; t++) {
		differences(&u, &s, t, whole, want);
		for (int k = 0; k < 2; k++) {
			double got = norms[k * T + t];
			if (k == 1 && !u.cell[0].cells) {
				assert_true(isnan(got));
				continue;
			}
			if (!(fabs(got - want[k]) <= TOLERANCE * want[k]) || want[k] == 0)
				fail_msg("%s, t = %d, %s: %g instead of %g", cell_text, t, k ? "c" : "h", got, want[k]);
		}
	}
	eg_plan_free(whole);
	free(norms);
	eg_unroll_free(&u);
	eg_model_free(m);
}

/* A number that was said to be 0 is 0 in the unrolled network too, and one that was not said its default. */
static void zeros_are_kept(void **state) {
	bench *b = *state;
	const char *const cells[] = {"lstm: {hidden: 3}", "lstm: {hidden: 3, forget_bias: 0}"};
	for (int zero = 0; zero < 2; zero++) {
		eg_model *m = make_adding(b, cells[zero]);
		eg_unrolled u;
		eg_node_info node;
		OK(b, eg_unroll(&u, m, NULL, 0, &b->err));
		eg_graph_node(u.graph, 0, &node);
		assert_string_equal(node.op->name, "lstm");
		assert_true(((const eg_lstm_options *)node.options)->forget_bias == (zero ? 0 : 1));
		eg_unroll_free(&u);
		eg_model_free(m);
	}
}

static void norms_are_gradients(void **state) {
	bench *b = *state;
	check_norms(b, "lstm: {hidden: 5, layers: 2}", NULL);
	check_norms(b, "gru: {hidden: 6}", NULL);
	check_norms(b, "rnn: {hidden: 7, layers: 2}", NULL);
	check_norms(b, "gru: {hidden: 5, layers: 2, reset: before}", NULL);
	check_norms(b, "lstm: {hidden: 6, projection: 4, peephole: true}", NULL);
	check_norms(b, "lstm: {hidden: 5, recurrent_dropout: 0.5}", NULL);
	check_norms(b, "lstm: {hidden: 5}", "rnn");
	check_norms(b, "rnn: {hidden: 4, layers: 2}", "gru");
	check_norms(b, "lstm: {hidden: 6, projection: 4}", "lstm"); /* the plain one has none */
}

/* A gradient far below the smallest float: a linear recurrence that halves it in every step, so it is known. */
static void norms_do_not_underflow(void **state) {
	bench *b = *state;
	char text[600];
	enum { LONG = 300 };
	snprintf(text, sizeof text, ADDING, "rnn: {hidden: 2, activation: none}");
	eg_model *m = make_model(b, text, NULL, NULL);
	eg_unrolled u;
	OK(b, eg_unroll(&u, m, NULL, 0, &b->err));
	int i = eg_params_find(u.params, "rnn1.l0.recurrent_weight");
	assert_true(i >= 0);
	const eg_real half[] = {0.5f, 0, 0, 0.5f};
	memcpy(eg_params_data(u.params, i), half, sizeof half);
	eg_params_changed(u.params);
	eg_real input[LONG * 2] = {0}, target[1] = {3};
	eg_sequences s = {.steps = LONG,
	        .n = 1,
	        .input = input,
	        .target = target,
	        .input_step = 2 * sizeof *input,
	        .target_size = sizeof target};
	double norms[4 * LONG];
	OK(b, eg_unroll_norms(&u, &s, norms, &b->err));
	assert_true(norms[LONG - 1] > 0);
	assert_true(fabs(norms[0] / norms[LONG - 1] / ldexp(1, 1 - LONG) - 1) < 1e-4);
	eg_unroll_free(&u);
	eg_model_free(m);
}

static void who_cannot_be_inspected_is_told(void **state) {
	bench *b = *state;
	eg_inspection *i;
	eg_unrolled u;
	const char still[] = "name: s\ntask: classify\ndata: {source: mnist}\ninput: [1, 4, 4]\nmodel: [flatten, "
	                     "{linear: classes}]\n";
	eg_model *m = make_model(b, still, (const eg_size[]){{"classes", 2}, {NULL, 0}}, NULL);
	assert_int_equal(eg_inspect_open(m, NULL, b->folder, &i, &b->err), EG_ERR_ARG);
	CONTAINS(b->err.message, "no recurrent layer");
	assert_null(i);
	eg_model_free(m);

	m = make_adding(b, "gru: {hidden: 3, bidirectional: true}");
	OK(b, eg_inspect_open(m, NULL, b->folder, &i, &b->err));
	OK(b, eg_inspect_data(i, &b->err));
	assert_int_equal(eg_inspect_gradients(i, &b->err), EG_ERR_ARG);
	CONTAINS(b->err.message, "gru1");
	OK(b, eg_inspect_states(i, &b->err)); /* these can be shown: each direction has a file */
	assert_non_null(strstr(eg_inspect_file(i, 2), "gru1-reverse.svg"));
	assert_int_equal(eg_inspect_text(i, "abc", 3, "text", &b->err), EG_ERR_ARG);
	CONTAINS(b->err.message, "does not read text");
	eg_inspect_close(i);
	eg_model_free(m);

	m = make_adding(b, "rnn: {hidden: 3}");
	OK(b, eg_unroll(&u, m, "lstm", 1, &b->err));
	assert_int_equal(u.cell[0].cells, 3);
	eg_unroll_free(&u);
	eg_model_free(m);
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

/* The number in row `row` (0: below the head) of the column called `column`. */
static double cell_of(const char *table, const char *column, int row) {
	int at = 0, found = -1;
	const char *s = table;
	for (const char *c = s; *c && *c != '\n';) {
		size_t n = strcspn(c, ",\n");
		if (n == strlen(column) && !strncmp(c, column, n)) found = at;
		c += n + (c[n] == ',');
		at++;
	}
	if (found < 0) fail_msg("no column '%s' in %.200s", column, table);
	for (int r = 0; r <= row; r++) s = strchr(s, '\n') + 1;
	for (int c = 0; c < found; c++) {
		if (*s == '"') s += strcspn(s + 1, "\"") + 2; /* no quotes within in these tests */
		s += strcspn(s, ",") + 1;
	}
	return *s == ',' || *s == '\n' ? (double)NAN : strtod(s, NULL);
}

static void near(double got, double want) {
	if (!(fabs(got - want) <= 1e-6 + 1e-5 * fabs(want))) fail_msg("%.9g instead of %.9g", got, want);
}

static void tables_of_numbers_are_right(void **state) {
	bench *b = *state;
	eg_inspection *i;
	eg_gradient_curve c;
	eg_model *m = make_adding(b, "lstm: {hidden: 6, layers: 2}");
	OK(b, eg_inspect_open(m, &(eg_inspect_options){.units = 4, .seeds = 2}, b->folder, &i, &b->err));
	OK(b, eg_inspect_data(i, &b->err));
	OK(b, eg_inspect_gradients(i, &b->err));
	OK(b, eg_inspect_states(i, &b->err));
	char *table = read_all(b, "gradient-norms.csv");
	assert_true(eg_inspect_curve(i, 1, &c));
	assert_string_equal(c.name, "this model: c");
	assert_int_equal(c.steps, T);
	for (int t = 0; t < T; t++) near(cell_of(table, "model: c", t), c.norms[t]);
	double one = cell_of(table, "model: lstm1 layer 1 h", 3), two = cell_of(table, "model: lstm1 layer 2 h", 3);
	assert_true(one > 0 && two > 0 && cell_of(table, "model: h", 3) <= one + two);
	free(table);
	eg_inspect_close(i);

	/* The hidden state after the last step is what the head sees: h times its weights is the answer for the first
	 * sample. */
	static const char *const outputs[] = {"logits", NULL};
	drawn test = draw_for(b, m, EG_PART_TEST, NULL, NULL);
	OK(b, eg_task_suits(test.task, eg_model_graph(m), &b->err));
	const eg_dataset *d = eg_samples_get(test.samples, EG_PART_TEST);
	eg_plan *plan = eg_plan_new(
	        eg_model_graph(m), eg_model_params(m), &(eg_plan_options){.batch = 1, .time = T, .outputs = outputs}, NULL);
	eg_real target[1];
	void *slots[] = {eg_plan_input(plan, "input"), target};
	OK(b, d->fill(d->user, &(eg_fill){.items = (uint32_t[]){0}, .n = 1, .time = T, .epoch = -1}, slots, &b->err));
	eg_plan_run(plan, 0);
	OK(b, eg_inspect_open(m, &(eg_inspect_options){.units = 6}, b->folder, &i, &b->err)); /* all units */
	OK(b, eg_inspect_data(i, &b->err));
	OK(b, eg_inspect_states(i, &b->err));
	table = read_all(b, "lstm1-2.csv");
	eg_params *p = eg_model_params(m);
	const eg_real *w = eg_params_data(p, eg_params_find(p, "linear1.weight"));
	double y = (double)*eg_params_data(p, eg_params_find(p, "linear1.bias"));
	for (int k = 0; k < 6; k++) {
		char name[16];
		snprintf(name, sizeof name, "h%d", k);
		double h = cell_of(table, name, T - 1);
		y += (double)w[k] * h;
		snprintf(name, sizeof name, "o%d", k);
		double o = cell_of(table, name, T - 1);
		snprintf(name, sizeof name, "c%d", k);
		near(h, o * tanh(cell_of(table, name, T - 1)));
		snprintf(name, sizeof name, "f%d", k);
		double kept = cell_of(table, name, T - 1);
		snprintf(name, sizeof name, "c%d", k);
		double before = cell_of(table, name, T - 2), after = cell_of(table, name, T - 1);
		snprintf(name, sizeof name, "i%d", k);
		double let_in = cell_of(table, name, T - 1);
		snprintf(name, sizeof name, "g%d", k);
		near(after, kept * before + let_in * cell_of(table, name, T - 1));
	}
	near((double)*eg_plan_output(plan, "logits"), y);
	near(cell_of(table, "x0", 2), (double)((eg_real *)eg_plan_input(plan, "input"))[4]);
	free(table);
	eg_plan_free(plan);
	undraw(&test);
	eg_inspect_close(i);
	eg_model_free(m);
}

static void text_is_shown(void **state) {
	static const char TEXT[] = "to be, or not to be:\nthat is the question";
	static const char *const outputs[] = {"logits", NULL};
	static const char LANGUAGE[] =
	        "name: l\ntask: language\ndata: {source: text, path: none.txt}\ninput: [time]\nmodel:\n"
	        "  - embedding: {size: 5}\n  - gru: {hidden: 7}\n  - linear: classes\n";
	bench *b = *state;
	eg_inspection *i;
	eg_vocab *v;
	int32_t *ids;
	size_t n;
	OK(b, eg_vocab_build(TEXT, strlen(TEXT), &(eg_vocab_options){.unit = EG_UNIT_CHAR}, &v, &b->err));
	OK(b, eg_vocab_encode(v, TEXT, strlen(TEXT), "TEXT", &ids, &n, &b->err));
	int classes = eg_vocab_count(v);
	eg_value *kept = eg_value_new(EG_VALUE_MAP);
	eg_vocab_put(kept, "vocab", v);
	eg_model *m = make_model(b, LANGUAGE, (const eg_size[]){{"units", classes}, {"classes", classes}, {NULL, 0}}, kept);
	eg_value_free(kept);
	OK(b, eg_inspect_open(m, &(eg_inspect_options){.steps = 9}, b->folder, &i, &b->err));
	assert_int_equal(eg_inspect_text(i, "x", 1, "X", &b->err), EG_ERR_ARG); /* unknown, or too short */
	OK(b, eg_inspect_text(i, TEXT, strlen(TEXT), "TEXT", &b->err));
	OK(b, eg_inspect_gradients(i, &b->err));
	OK(b, eg_inspect_states(i, &b->err));
	char *picture = read_all(b, "gru1.svg"), *table = read_all(b, "gru1.csv");
	check_xml(picture, "path");
	CONTAINS(picture, ">\xc2\xb6</text>");
	CONTAINS(table, "\n20,\"\xc2\xb6\",");
	eg_plan *plan = eg_plan_new(eg_model_graph(m), eg_model_params(m),
	        &(eg_plan_options){.batch = 1, .time = (int)n, .outputs = outputs}, NULL);
	memcpy(eg_plan_input(plan, "input"), ids, n * sizeof *ids);
	eg_plan_run(plan, 0);
	assert_true(isnan(cell_of(table, "p", 0)));
	for (size_t t = 1; t < n; t++) {
		const eg_real *x = eg_plan_output(plan, "logits") + (t - 1) * (size_t)classes;
		double sum = 0;
		for (int k = 0; k < classes; k++) sum += exp((double)x[k]);
		near(cell_of(table, "p", (int)t), exp((double)x[ids[t]]) / sum);
	}
	eg_plan_free(plan);
	free(picture);
	free(table);
	eg_inspect_close(i);
	eg_model_free(m);
	free(ids);
	eg_vocab_free(v);
}

/* ---- the adding problem ------------------------------------------------------------------------------------------ */

static void adding_is_as_described(void **state) {
	enum { STEPS = 9, COUNT = 4000 };
	char text[600];
	bench *b = *state;
	eg_recipe *r;
	snprintf(text, sizeof text, ADDING, "rnn: {hidden: 3}");
	const char *const set[] = {
	        "data.steps=9", "data.count=4000", "data.test_count=4000", "data.validation=0.5", NULL};
	OK(b, eg_recipe_parse(text, strlen(text), "test", set, &r, &b->err));
	drawn train = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN}), test = draw(b, r, (eg_samples_options){.part = EG_PART_TEST});
	eg_graph *g;
	OK(b, eg_recipe_build(r, b->ctx, eg_samples_sizes(train.samples), &g, &b->err));
	OK(b, eg_task_suits(train.task, g, &b->err));
	OK(b, eg_task_suits(test.task, g, &b->err));
	assert_int_equal(eg_samples_count(train.samples, EG_PART_VALIDATION), 2000);
	const eg_dataset *d[] = {eg_samples_get(train.samples, EG_PART_TRAIN), eg_samples_get(train.samples, EG_PART_VALIDATION),
	        eg_samples_get(test.samples, EG_PART_TEST)};
	static eg_real x[3][STEPS * 2000 * 2], y[3][2000];
	static uint32_t items[2000];
	for (uint32_t k = 0; k < 2000; k++) items[k] = k;
	for (int part = 0; part < 3; part++)
		OK(b, d[part]->fill(d[part]->user, &(eg_fill){.items = items, .n = 2000, .time = STEPS, .epoch = -1}, (void *[]){x[part], y[part]}, &b->err));
	int first[STEPS] = {0};
	double squares = 0;
	for (int n = 0; n < 2000; n++) {
		eg_real sum = 0;
		int early = 0, late = 0;
		for (int t = 0; t < STEPS; t++) {
			eg_real value = x[0][(t * 2000 + n) * 2], marker = x[0][(t * 2000 + n) * 2 + 1];
			assert_true(value >= 0 && value < 1 && (marker == 0 || marker == 1));
			if (marker != 0) sum += value, first[t]++, *(t < STEPS / 2 ? &early : &late) += 1;
		}
		assert_true(early == 1 && late == 1 && sum == y[0][n]);
		squares += ((double)sum - 1) * ((double)sum - 1) / 2000;
	}
	for (int t = 0; t < STEPS; t++) /* 2000 over 4, and over 5 places, 6 deviations */
		assert_true(abs(first[t] - (t < STEPS / 2 ? 500 : 400)) < 120);
	assert_true(fabs(squares - 1.0 / 6) < 0.03); /* who always says 1 */
	for (int a = 0; a < 3; a++)
		for (int c = a + 1; c < 3; c++)
			for (int n = 0; n < 2000; n++)
				assert_true(x[a][n * 2] != x[c][n * 2] || x[a][(2000 + n) * 2] != x[c][(2000 + n) * 2]);
	/* One sample alone is the same sample. */
	eg_real alone[STEPS * 2], answer;
	OK(b, d[0]->fill(d[0]->user, &(eg_fill){.items = (uint32_t[]){1234}, .n = 1, .time = STEPS, .epoch = -1}, (void *[]){alone, &answer}, &b->err));
	for (int t = 0; t < STEPS; t++) assert_true(alone[t * 2] == x[0][(t * 2000 + 1234) * 2]);
	assert_true(answer == y[0][1234]);
	undraw(&train);
	undraw(&test);
	eg_graph_free(g);
	eg_recipe_free(r);
}

/* Metrics of a network that always answers 1: its errors are known from the targets. */
static void numbers_are_judged(void **state) {
	bench *b = *state;
	eg_evaluation *e;
	eg_model *m = make_adding(b, "rnn: {hidden: 3}");
	eg_params *p = eg_model_params(m);
	size_t n;
	eg_real *w = eg_params_flat(p, &n);
	memset(w, 0, n * sizeof *w);
	*eg_params_data(p, eg_params_find(p, "linear1.bias")) = 1;
	eg_params_changed(p);
	drawn test = draw_for(b, m, EG_PART_TEST, NULL, NULL);
	OK(b, eg_evaluation_run(m, test.samples, EG_PART_TEST, 3, &e, &b->err)); /* 5 samples: 3 and 2 */
	const eg_dataset *d = eg_samples_get(test.samples, EG_PART_TEST);
	eg_real x[T * 5 * 2], y[5];
	double square = 0, absolute = 0;
	OK(b, d->fill(d->user, &(eg_fill){.items = (uint32_t[]){0, 1, 2, 3, 4}, .n = 5, .time = T, .epoch = -1}, (void *[]){x, y}, &b->err));
	for (int k = 0; k < 5; k++) {
		double error = (double)y[k] - 1;
		square += error * error / 5, absolute += fabs(error) / 5;
	}
	near(eg_evaluation_find(e, "mse"), square);
	near(eg_evaluation_find(e, "rmse"), sqrt(square));
	near(eg_evaluation_find(e, "mae"), absolute);
	assert_int_equal(eg_evaluation_total(e), 5);
	assert_null(eg_value_get(eg_evaluation_result(e), "confusion"));
	eg_evaluation_free(e);
	assert_int_equal(eg_task_set_source(test.task, NULL, "file.csv", &b->err), EG_ERR_ARG);
	CONTAINS(b->err.message, "samples of the source 'adding' cannot be read from 'file.csv'");
	assert_int_equal(eg_task_set_source(test.task, "adding2", NULL, &b->err), EG_ERR_ARG);
	CONTAINS(b->err.message, "did you mean 'adding'");
	undraw(&test);
	eg_model_free(m);
}

int main(void) {
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, bench_setup, bench_teardown)
	        TEST(lines_are_drawn),
	        TEST(log_axis_is_right),
	        TEST(heat_is_drawn),
	        cmocka_unit_test(marks_are_visible),
	        TEST(zeros_are_kept),
	        TEST(norms_are_gradients),
	        TEST(norms_do_not_underflow),
	        TEST(who_cannot_be_inspected_is_told),
	        TEST(tables_of_numbers_are_right),
	        TEST(text_is_shown),
	        TEST(adding_is_as_described),
	        TEST(numbers_are_judged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
