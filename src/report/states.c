/* states.c - heat maps of gates, cell states and hidden states over the steps of a text, one file for each layer, and
 * the same numbers as a table. Of many units those are shown whose state varies most.
 *
 * Not here: which text (inspect.c), drawing (svg.c). */
#include "report/inspect.h"

#include <math.h>
#include <string.h>

enum { MAX_GATES = 4, MAX_PANELS = MAX_GATES + 4 };

/* What the blocks of the output `gates` are, in their order. */
typedef struct gate_name {
	const char *letter, *title;
	bool candidate; /* -1..1; gates are 0..1 */
} gate_name;
static const gate_name lstm_gates[MAX_GATES] = {{"i", "input gate i", false}, {"o", "output gate o", false},
	{"f", "forget gate f", false}, {"g", "candidate g", true}};
static const gate_name gru_gates[MAX_GATES] = {
	{"z", "update gate z", false}, {"r", "reset gate r", false}, {"n", "candidate n", true}};

/* One layer of one node, laid out (T, width). */
typedef struct view {
	eg_inspection *i;
	const eg_memory_cell *cell;
	int T, layer;
	const eg_real *h, *c, *gates; /* NULL: has none */
	int *h_units, *c_units;       /* which are shown: nh and nc of them; those of gates are as of c, or else of h */
	int nh, nc;
	const double *said; /* T: probability given to each unit before it was read; NULL: not known */
	eg_error *err;
} view;

/* ---- choosing ---------------------------------------------------------------------------------------------------- */

static double variance(const eg_real *x, int T, int width, int unit) {
	double sum = 0, squares = 0;
	for (int t = 0; t < T; t++) {
		double v = (double)x[(size_t)t * (size_t)width + (size_t)unit];
		sum += v, squares += v * v;
	}
	return squares / T - sum / T * (sum / T);
}

/* The units that vary most, in their own order; NULL: out of memory. */
static int *choose_units(view *v, const eg_real *x, int width, int *n) {
	*n = width < v->i->options.units ? width : v->i->options.units;
	int *units = eg_arena_alloc(&v->i->arena, (size_t)*n * sizeof *units);
	double *of = eg_arena_alloc(&v->i->arena, (size_t)width * sizeof *of);
	if (!units || !of) return NULL;
	for (int u = 0; u < width; u++) of[u] = variance(x, v->T, width, u);
	for (int k = 0; k < *n; k++) {
		int best = 0;
		for (int u = 1; u < width; u++)
			if (of[u] > of[best]) best = u;
		of[best] = -INFINITY;
		units[k] = best;
	}
	for (int k = 1; k < *n; k++) /* insertion sort: a few dozen */
		for (int j = k; j > 0 && units[j - 1] > units[j]; j--) {
			int t = units[j];
			units[j] = units[j - 1], units[j - 1] = t;
		}
	return units;
}

/* ---- panels ------------------------------------------------------------------------------------------------------ */

typedef struct panels {
	eg_heat_panel p[MAX_PANELS];
	const char *letter[MAX_PANELS]; /* for the table: "i", "c", ... */
	const int *units[MAX_PANELS];   /* NULL: rows are numbered */
	int n;
} panels;

/* Rows of x, which is (T, ld), at first + units. */
static eg_heat_panel *add_panel(
	view *v, panels *s, const eg_real *x, size_t ld, size_t first, const int *units, int rows, const char *letter) {
	const size_t T = (size_t)v->T;
	double *values = eg_arena_alloc(&v->i->arena, (size_t)rows * T * sizeof *values);
	const char **labels = eg_arena_alloc(&v->i->arena, (size_t)rows * sizeof *labels);
	if (!values || !labels) return NULL;
	for (int r = 0; r < rows; r++) {
		int unit = units ? units[r] : r;
		labels[r] = eg_arena_printf(&v->i->arena, "%d", unit);
		if (!labels[r]) return NULL;
		for (size_t t = 0; t < T; t++) values[(size_t)r * T + t] = (double)x[t * ld + first + (size_t)unit];
	}
	eg_heat_panel *p = &s->p[s->n];
	*p = (eg_heat_panel){.values = values, .rows = rows, .row_labels = labels};
	s->letter[s->n] = letter;
	s->units[s->n++] = units;
	return p;
}

/* lo and hi are minus and plus the largest value, or, with nothing below 0, from 0 on. */
static void fit_range(eg_heat_panel *p, int T) {
	double lo = 0, hi = 0;
	for (size_t k = 0; k < (size_t)p->rows * (size_t)T; k++)
		lo = fmin(lo, p->values[k]), hi = fmax(hi, p->values[k]);
	double most = fmax(hi, -lo);
	p->colours = lo < 0 ? EG_DIVERGING : EG_SEQUENTIAL;
	p->hi = most > 0 ? most : 1;
	p->lo = lo < 0 ? -p->hi : 0;
}

/* One cell may count far beyond the others: the scale ends at four times the mean magnitude, what is beyond gets the
 * colour of the end. */
static void fit_cells(eg_heat_panel *p, int T) {
	const size_t n = (size_t)p->rows * (size_t)T;
	double sum = 0;
	for (size_t k = 0; k < n; k++) sum += fabs(p->values[k]);
	fit_range(p, T);
	p->colours = EG_DIVERGING;
	if (sum > 0) p->hi = fmin(p->hi, 4 * sum / (double)n);
	p->lo = -p->hi;
}

static bool add_gates(view *v, panels *s) {
	const bool lstm = !strcmp(v->cell->op, "lstm");
	const int width = v->cell->cells ? v->cell->cells : v->cell->hidden, G = v->cell->gates;
	for (int g = 0; v->gates && g < G && g < MAX_GATES; g++) {
		const gate_name *name = lstm ? &lstm_gates[g] : &gru_gates[g];
		eg_heat_panel *p = add_panel(v, s, v->gates, (size_t)G * (size_t)width, (size_t)g * (size_t)width,
		        v->c ? v->c_units : v->h_units, v->c ? v->nc : v->nh, name->letter);
		if (!p) return false;
		p->title = name->title;
		p->colours = name->candidate ? EG_DIVERGING : EG_SEQUENTIAL;
		p->lo = name->candidate ? -1 : 0;
		p->hi = 1;
	}
	return true;
}

static bool add_states(view *v, panels *s) {
	if (v->c) {
		eg_heat_panel *p = add_panel(v, s, v->c, (size_t)v->cell->cells, 0, v->c_units, v->nc, "c");
		if (!p) return false;
		p->title = "cell state c";
		fit_cells(p, v->T);
	}
	eg_heat_panel *p = add_panel(v, s, v->h, (size_t)v->cell->hidden, 0, v->h_units, v->nh, "h");
	if (!p) return false;
	p->title = "hidden state h";
	fit_range(p, v->T);
	return true;
}

/* What goes in, where that is a few numbers. */
static bool add_input(view *v, panels *s) {
	const size_t width = v->i->one.input_step / sizeof(eg_real);
	if (v->i->ids || width > 8) return true;
	eg_heat_panel *p = add_panel(v, s, v->i->one.input, width, 0, NULL, (int)width, "x");
	if (!p) return false;
	p->title = "input x";
	fit_range(p, v->T);
	return true;
}

static bool add_said(view *v, panels *s) {
	const char **label = eg_arena_alloc(&v->i->arena, sizeof *label);
	if (!label) return false;
	if (!v->said) return true;
	label[0] = "p";
	s->letter[s->n] = "p";
	s->p[s->n++] = (eg_heat_panel){.title = "probability that the model gave to this unit before it came",
	        .values = v->said,
	        .rows = 1,
	        .row_labels = label,
	        .colours = EG_SEQUENTIAL,
	        .hi = 1};
	return true;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static void put_quoted(eg_writer *w, const char *s) {
	eg_put(w, "\"");
	for (; *s; s++) {
		eg_writer_put(w, s, 1);
		if (*s == '"') eg_writer_put(w, s, 1);
	}
	eg_put(w, "\"");
}

static eg_status write_table(view *v, const panels *s, const char *name) {
	char buf[96], number[32];
	const char *path = eg_inspect_path(v->i, name, v->err);
	eg_writer *w = path ? eg_writer_new(NULL, path, v->err) : NULL;
	if (!w) return v->err->status;
	eg_put(w, v->i->labels ? "step,unit" : "step");
	for (int k = 0; k < s->n; k++)
		for (int r = 0; r < s->p[k].rows; r++)
			eg_put(w, s->p[k].values == v->said ? ",%s" : ",%s%d", s->letter[k],
			        s->units[k] ? s->units[k][r] : r);
	for (int t = 0; t < v->T; t++) {
		eg_put(w, "\n%d", t);
		if (v->i->labels) eg_put(w, ","), put_quoted(w, eg_plot_visible(v->i->labels[t], buf, sizeof buf));
		for (int k = 0; k < s->n; k++)
			for (int r = 0; r < s->p[k].rows; r++) {
				double value = s->p[k].values[(size_t)r * (size_t)v->T + (size_t)t];
				eg_put(w, ",%s", isnan(value) ? "" : eg_number(value, number));
			}
	}
	eg_put(w, "\n");
	return eg_writer_commit(w, v->err);
}

/* "lstm1", "lstm1-2", "lstm1-2-reverse" */
static const char *file_name(view *v, const char *suffix) {
	const eg_memory_cell *c = v->cell;
	int layer = v->layer / c->directions + 1;
	const char *reverse = v->layer % c->directions ? "-reverse" : "";
	if (c->layers > c->directions)
		return eg_arena_printf(&v->i->arena, "%s-%d%s%s", c->name, layer, reverse, suffix);
	return eg_arena_printf(&v->i->arena, "%s%s%s", c->name, reverse, suffix);
}

static eg_status write_layer(view *v) {
	panels s = {.n = 0};
	char title[160];
	const eg_memory_cell *c = v->cell;
	v->h_units = choose_units(v, v->h, c->hidden, &v->nh);
	v->c_units = v->c && c->cells == c->hidden ? v->h_units : v->c ? choose_units(v, v->c, c->cells, &v->nc) : NULL;
	if (v->c && c->cells == c->hidden) v->nc = v->nh;
	if (!v->h_units || (v->c && !v->c_units)) return eg_inspect_no_memory(v->err);
	if (!add_input(v, &s) || !add_gates(v, &s) || !add_states(v, &s) || !add_said(v, &s))
		return eg_inspect_no_memory(v->err);
	snprintf(title, sizeof title, "%.60s (%s), layer %d%s: the %d of %d units that vary most", c->name, c->op,
	        v->layer / c->directions + 1, v->layer % c->directions ? ", reverse" : "", v->nh, c->hidden);
	const char *svg = file_name(v, ".svg"), *csv = file_name(v, ".csv");
	const char *path = svg && csv ? eg_inspect_path(v->i, svg, v->err) : NULL;
	if (!path) return eg_inspect_no_memory(v->err);
	eg_status status = eg_plot_heat(path,
	        &(eg_heat_map){
	                .title = title, .columns = v->T, .column_labels = v->i->labels, .panels = s.p, .npanels = s.n},
	        v->err);
	return status ? status : write_table(v, &s, csv);
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

/* Softmax of what the network says after step t-1, at what step t brings. */
static eg_status take_said(eg_inspection *i, eg_plan *plan, double **said, eg_error *err) {
	const int T = i->one.steps;
	eg_dims d = eg_tensor_dims(i->net.graph, eg_graph_find(i->net.graph, "logits"));
	const eg_real *logits = eg_plan_output(plan, "logits");
	*said = NULL;
	if (!i->ids || !logits || d.rank != 3 || d.d[0] != EG_T) return EG_OK;
	if (!(*said = eg_arena_alloc(&i->arena, (size_t)T * sizeof **said))) return eg_inspect_no_memory(err);
	(*said)[0] = (double)NAN;
	for (int t = 1; t < T; t++) {
		const eg_real *x = logits + (size_t)(t - 1) * (size_t)d.d[2];
		double most = -INFINITY, sum = 0;
		for (int64_t k = 0; k < d.d[2]; k++) most = fmax(most, (double)x[k]);
		for (int64_t k = 0; k < d.d[2]; k++) sum += exp((double)x[k] - most);
		(*said)[t] = i->ids[t] < d.d[2] ? exp((double)x[i->ids[t]] - most) / sum : (double)NAN;
	}
	return EG_OK;
}

static eg_plan *run_plan(eg_inspection *i, eg_error *err) {
	char name[3 * EG_MAX_RECURRENT][32];
	const char *outputs[3 * EG_MAX_RECURRENT + 2];
	int n = 0;
	for (int k = 0; k < i->net.n; k++) {
		const eg_memory_cell *c = &i->net.cell[k];
		outputs[n] = eg_unroll_name(name[n], "states", k), n++;
		if (c->cells) outputs[n] = eg_unroll_name(name[n], "cells", k), n++;
		if (c->gates) outputs[n] = eg_unroll_name(name[n], "gates", k), n++;
	}
	outputs[n++] = "logits";
	outputs[n] = NULL;
	eg_plan *plan = eg_plan_new(
	        i->net.graph, i->net.params, &(eg_plan_options){.batch = 1, .time = i->one.steps, .outputs = outputs}, err);
	if (!plan) return NULL;
	memcpy(eg_plan_input(plan, "input"), i->one.input, i->one.input_step * (size_t)i->one.steps);
	for (int k = 0; k < i->net.n; k++) {
		const eg_memory_cell *c = &i->net.cell[k];
		char buf[32];
		memset(eg_plan_input(plan, eg_unroll_name(buf, "h0", k)), 0,
		        (size_t)c->layers * (size_t)c->hidden * sizeof(eg_real));
		if (c->cells)
			memset(eg_plan_input(plan, eg_unroll_name(buf, "c0", k)), 0,
			        (size_t)c->layers * (size_t)c->cells * sizeof(eg_real));
	}
	eg_plan_run(plan, 0);
	return plan;
}

static eg_status write_all(eg_inspection *i, eg_plan *plan, eg_error *err) {
	char buf[32];
	double *said;
	eg_status status = take_said(i, plan, &said, err);
	for (int k = 0; k < i->net.n; k++) {
		const eg_memory_cell *c = &i->net.cell[k];
		const size_t T = (size_t)i->one.steps, G = (size_t)c->gates,
		             width = (size_t)(c->cells ? c->cells : c->hidden);
		const eg_real *h = eg_plan_output(plan, eg_unroll_name(buf, "states", k));
		const eg_real *cells = c->cells ? eg_plan_output(plan, eg_unroll_name(buf, "cells", k)) : NULL;
		const eg_real *gates = c->gates ? eg_plan_output(plan, eg_unroll_name(buf, "gates", k)) : NULL;
		for (int l = 0; l < c->layers && !status; l++) {
			view v = {.i = i, .cell = c, .T = i->one.steps, .layer = l, .said = said, .err = err};
			v.h = h + (size_t)l * T * (size_t)c->hidden;
			if (cells) v.c = cells + (size_t)l * T * (size_t)c->cells;
			if (gates) v.gates = gates + (size_t)l * T * G * width;
			status = write_layer(&v);
		}
	}
	return status;
}

eg_status eg_inspect_states(eg_inspection *i, eg_error *err) {
	eg_error why = {0};
	if (i->one.steps < 1) return eg_fail(err, EG_ERR_ARG, "no sequences have been chosen");
	eg_plan *plan = run_plan(i, &why);
	if (plan) write_all(i, plan, &why);
	eg_plan_free(plan);
	if (why.status && err) *err = why;
	return why.status;
}
