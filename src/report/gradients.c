/* gradients.c - gradient-norms.svg and .csv: how the gradient of a late loss by earlier states falls or grows with
 * the distance, for the model and for plain cells of its size before any training. (Hochreiter 1991; Bengio, Simard
 * and Frasconi 1994.)
 *
 * Not here: computing the norms (unroll.c). */
#include "report/inspect.h"

#include <math.h>
#include <string.h>

enum { NETS = 4 };

typedef struct net {
	const char *cell; /* NULL: the model */
	const char *name;
	eg_unrolled u;
	double *norms; /* rows x T, means over the seeds */
	int rows;
} net;

/* Norms of one network, or the means over as many as there are seeds. */
static eg_status run_net(eg_inspection *i, net *n, eg_error *err) {
	const int T = i->batch.steps, seeds = n->cell ? i->options.seeds : 1;
	double *one = NULL;
	eg_status status = EG_OK;
	for (int seed = 1; seed <= seeds && !status; seed++) {
		eg_unroll_free(&n->u);
		status = eg_unroll(&n->u, i->model, n->cell, (uint64_t)seed, err);
		if (status) break;
		n->rows = eg_unroll_rows(&n->u);
		const size_t count = (size_t)n->rows * (size_t)T;
		if (!one) one = eg_arena_alloc(&i->arena, count * sizeof *one);
		if (!n->norms) n->norms = eg_arena_alloc(&i->arena, count * sizeof *n->norms);
		if (!one || !n->norms) return eg_inspect_no_memory(err);
		status = eg_unroll_norms(&n->u, &i->batch, one, err);
		for (size_t k = 0; k < count && !status; k++) n->norms[k] += one[k] / seeds;
	}
	return status;
}

static bool shown(const net *n, int row, int T) { return !isnan(n->norms[(size_t)row * (size_t)T]); }

static eg_status write_table(eg_inspection *i, const net *nets, eg_error *err) {
	char buf[96], number[32];
	const int T = i->batch.steps;
	const char *path = eg_inspect_path(i, "gradient-norms.csv", err);
	eg_writer *w = path ? eg_writer_new(NULL, path, err) : NULL;
	if (!w) return err ? err->status : EG_ERR_IO;
	eg_put(w, "t");
	for (int k = 0; k < NETS; k++)
		for (int r = 0; r < nets[k].rows; r++)
			if (shown(&nets[k], r, T))
				eg_put(w, ",%s: %s", nets[k].cell ? nets[k].cell : "model",
				        eg_unroll_row_name(&nets[k].u, r, buf));
	for (int t = 0; t < T; t++) {
		eg_put(w, "\n%d", t);
		for (int k = 0; k < NETS; k++)
			for (int r = 0; r < nets[k].rows; r++)
				if (shown(&nets[k], r, T))
					eg_put(w, ",%s",
					        eg_number(nets[k].norms[(size_t)r * (size_t)T + (size_t)t], number));
	}
	eg_put(w, "\n");
	return eg_writer_commit(w, err);
}

static eg_status write_plot(eg_inspection *i, const net *nets, eg_error *err) {
	eg_series series[EG_CURVES];
	char title[120];
	const int T = i->batch.steps;
	double *x = eg_arena_alloc(&i->arena, (size_t)T * sizeof *x);
	if (!x) return eg_inspect_no_memory(err);
	for (int t = 0; t < T; t++) x[t] = t;
	i->ncurves = 0;
	for (int k = 0; k < NETS; k++)
		for (int r = 0; r < EG_NORM_LAYERS; r++) {
			if (!shown(&nets[k], r, T)) continue;
			const double *norms = nets[k].norms + (size_t)r * (size_t)T;
			const char *name = eg_arena_printf(
			        &i->arena, "%s: %s", nets[k].name, r == EG_NORM_C ? "c" : "h");
			if (!name) return eg_inspect_no_memory(err);
			series[i->ncurves] = (eg_series){name, x, norms, T};
			i->curves[i->ncurves++] = (eg_gradient_curve){name, norms, T};
		}
	const char *path = eg_inspect_path(i, "gradient-norms.svg", err);
	if (!path) return EG_ERR_MEMORY;
	snprintf(title, sizeof title, "Gradient of the loss at step T = %d by the state after step t", T);
	return eg_plot_lines(path,
	        &(eg_line_plot){.title = title,
	                .x_title = "t",
	                .y_title = "norm of d loss(T) / d state(t)",
	                .series = series,
	                .nseries = i->ncurves,
	                .log_y = true},
	        err);
}

eg_status eg_inspect_gradients(eg_inspection *i, eg_error *err) {
	net nets[NETS] = {{.name = "this model"}, {.cell = "rnn", .name = "rnn, untrained"},
	        {.cell = "lstm", .name = "lstm, untrained"}, {.cell = "gru", .name = "gru, untrained"}};
	eg_error why = {0};
	eg_status status = i->batch.steps > 0 ? EG_OK : eg_fail(&why, EG_ERR_ARG, "no sequences have been chosen");
	for (int k = 0; k < NETS && !status; k++) status = run_net(i, &nets[k], &why);
	if (!status) status = write_plot(i, nets, &why);
	if (!status) status = write_table(i, nets, &why);
	for (int k = 0; k < NETS; k++) eg_unroll_free(&nets[k].u);
	if (status && err) *err = why;
	return status;
}
