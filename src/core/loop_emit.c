/* loop_emit.c - what stands between the copies of a loop's body in a plan: reading a step of a sequence and writing
 * one, states before the first step and behind the last, states of samples that have ended.
 *
 *   open   x (T,N,...)            the same numbers, read by nobody but the loop
 *   get    x of open              (N,...): step t; 0 behind the lengths
 *   keep   new, old (N,...)       new where the sample goes on at step t, else old
 *   put    y so far, v (N,...)    y (T,N,...), in the same place, with v as step t; 0 behind the lengths. The
 *             first one has no y
 *   close  y, what keeps states   the same numbers, for the world
 *   begin                         a state at first: 0 or a weight; in a plan that carries, what the last run has
 *             left
 *   end    h                      the same numbers, kept for the next run
 *
 * All of it is done by blocks of samples, as the body is where that pays, so that many steps are one run of calls.
 * Every step of a sequence is read once and written once; the gradient of a whole sequence is thus put together of
 * rows that nobody else touches. */
#include "core/loop.h"
#include "core/plan.h"

#include <string.h>

static const eg_loop_step_options *options_of(const eg_emit *e) { return eg_emit_options(e); }

/* Numbers of a sample in rows (N,...). */
static int width_of(const eg_dims *rows) { return (int)eg_dims_count(rows, 1); }

/* For rows of these dimensions, which are cut into blocks where they have a batch. */
static void call_rows(eg_emit *e, eg_loop_rows_args a, const eg_dims *rows, bool block) {
	const int units = eg_blocks((int)rows->d[0]);
	a.N = (int)rows->d[0];
	a.n = width_of(rows);
	a.t = options_of(e)->t;
	a.x.stride = a.other.stride = a.y.stride = (ptrdiff_t)EG_BLOCK * a.n;
	eg_emit_call(e, &(eg_call_spec){EG_SLOT(e, loop_rows),
	                        .args = &a,
	                        .size = sizeof a,
	                        .reads = 3,
	                        .writes = 1,
	                        .block = block,
	                        .units = units,
	                        .flops = (double)eg_dims_count(rows, 0)});
}

static eg_buf lengths_of(eg_emit *e, int i) { return eg_emit_has_in(e, i) ? eg_emit_x(e, i, EG_PLAIN) : (eg_buf){0}; }

static void call_fill(eg_emit *e, eg_buf y, int64_t total, real value) {
	eg_fill_args a = {.y = {y.p, EG_CHUNK}, .unit = EG_CHUNK, .total = total, .value = value};
	eg_emit_call(e, &(eg_call_spec){EG_SLOT(e, fill),
	                        .args = &a,
	                        .size = sizeof a,
	                        .writes = 1,
	                        .units = (int)((total + EG_CHUNK - 1) / EG_CHUNK),
	                        .flops = (double)total});
}

static void call_copy(eg_emit *e, eg_buf x, eg_buf y, int64_t total, bool acc) {
	eg_map_args a = {.x = {x.p, EG_CHUNK}, .y = {y.p, EG_CHUNK}, .unit = EG_CHUNK, .total = total, .acc = acc};
	eg_emit_call(e, &(eg_call_spec){EG_SLOT(e, copy),
	                        .args = &a,
	                        .size = sizeof a,
	                        .reads = 1,
	                        .writes = 1,
	                        .units = (int)((total + EG_CHUNK - 1) / EG_CHUNK),
	                        .flops = (double)total});
}

/* ---- sequences --------------------------------------------------------------------------------------------------- */

static eg_status same_infer(eg_infer *s) {
	s->out[0] = s->in[0];
	s->out_type[0] = s->in_type[0];
	return EG_OK;
}

/* Is this buffer cut by other samples than those of a step (steps folded into the batch)? Block calls must not meet
 * it then. */
static bool foreign(const eg_emit *e, eg_buf x) {
	const int id = eg_handle_id(x.p);
	return id >= 0 && e->plan->bufs[id].block;
}

static void open_fwd(eg_emit *e) {
	const eg_dims d = eg_emit_in_dims(e, 0);
	const eg_buf x = eg_emit_x(e, 0, EG_PLAIN);
	if (foreign(e, x) && eg_emit_in_type(e, 0) == EG_F32)
		call_copy(e, x, eg_emit_y(e, 0, EG_PLAIN), eg_dims_count(&d, 0), false);
	else
		eg_emit_same(e, 0, EG_PLAIN);
}
static void same_bwd(eg_emit *e) {
	if (eg_emit_needs_dx(e, 0)) eg_emit_dx_same(e, 0, EG_PLAIN);
}

static eg_status get_infer(eg_infer *s) {
	s->out[0].rank = s->in[0].rank - 1;
	memcpy(s->out[0].d, s->in[0].d + 1, (size_t)s->out[0].rank * sizeof s->in[0].d[0]);
	s->out_type[0] = s->in_type[0];
	return EG_OK;
}

static void get_fwd(eg_emit *e) {
	const eg_dims rows = eg_emit_out_dims(e, 0);
	call_rows(e,
	        (eg_loop_rows_args){.x = eg_emit_x(e, 0, EG_PLAIN),
	                .lengths = lengths_of(e, 1),
	                .y = eg_emit_y(e, 0, EG_PLAIN),
	                .x_steps = true,
	                .integers = eg_emit_in_type(e, 0) != EG_F32},
	        &rows, eg_emit_out_batched(e, 0));
}

/* The first one to come clears the gradient: of other steps there may be none. */
static void get_bwd(eg_emit *e) {
	const eg_dims rows = eg_emit_out_dims(e, 0), all = eg_emit_in_dims(e, 0);
	bool acc;
	if (!eg_emit_has_dy(e, 0) || !eg_emit_needs_dx(e, 0)) return;
	const eg_buf dx = eg_emit_dx(e, 0, EG_PLAIN, &acc);
	if (!acc) call_fill(e, dx, eg_dims_count(&all, 0), 0);
	call_rows(e,
	        (eg_loop_rows_args){
	                .x = eg_emit_dy(e, 0, EG_PLAIN), .lengths = lengths_of(e, 1), .y = dx, .y_steps = true},
	        &rows, eg_emit_out_batched(e, 0));
}

static eg_status put_infer(eg_infer *s) {
	const eg_loop_step_options *o = s->options;
	s->out[0].rank = s->in[1].rank + 1;
	s->out[0].d[0] = o->dims.d[0];
	memcpy(s->out[0].d + 1, s->in[1].d, (size_t)s->in[1].rank * sizeof s->in[1].d[0]);
	return EG_OK;
}

/* Rows that are written already may be anything but numbers in a run that looks for what is none; they are looked at
 * where they come from. */
static void no_numbers(const eg_emit *e, eg_buf y) {
	const int id = eg_handle_id(y.p);
	if (id >= 0) e->plan->bufs[id].real = false;
}

static void put_fwd(eg_emit *e) {
	const eg_dims rows = eg_emit_in_dims(e, 1);
	eg_loop_rows_args a = {.x = eg_emit_x(e, 1, EG_PLAIN), .lengths = lengths_of(e, 2), .y_steps = true};
	if (eg_emit_has_in(e, 0)) {
		eg_emit_same(e, 0, EG_PLAIN);
		a.y = eg_emit_x(e, 0, EG_PLAIN);
	} else {
		a.y = eg_emit_y(e, 0, EG_PLAIN);
		no_numbers(e, a.y);
	}
	call_rows(e, a, &rows, eg_emit_in_batched(e, 1));
}

static void put_bwd(eg_emit *e) {
	const eg_dims rows = eg_emit_in_dims(e, 1);
	const eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	eg_loop_rows_args a = {.x = dy, .lengths = lengths_of(e, 2), .x_steps = true};
	if (!dy.p) return;
	if (eg_emit_needs_dx(e, 1)) {
		a.y = eg_emit_dx(e, 1, EG_PLAIN, &a.acc);
		call_rows(e, a, &rows, eg_emit_in_batched(e, 1));
	}
	if (eg_emit_has_in(e, 0) && eg_emit_needs_dx(e, 0)) eg_emit_dx_same(e, 0, EG_PLAIN);
}

static void same_fwd(eg_emit *e) { eg_emit_same(e, 0, EG_PLAIN); }

static void close_bwd(eg_emit *e) {
	const eg_dims d = eg_emit_in_dims(e, 0);
	const eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	bool acc;
	if (!dy.p || !eg_emit_needs_dx(e, 0)) return;
	if (eg_emit_in_batched(e, 0) || !foreign(e, dy)) {
		eg_emit_dx_same(e, 0, EG_PLAIN);
		return;
	}
	const eg_buf dx = eg_emit_dx(e, 0, EG_PLAIN, &acc);
	call_copy(e, dy, dx, eg_dims_count(&d, 0), acc);
}

/* ---- states ------------------------------------------------------------------------------------------------------ */

static void keep_fwd(eg_emit *e) {
	const eg_dims rows = eg_emit_out_dims(e, 0);
	call_rows(e,
	        (eg_loop_rows_args){.x = eg_emit_x(e, 0, EG_PLAIN),
	                .other = eg_emit_x(e, 1, EG_PLAIN),
	                .lengths = lengths_of(e, 2),
	                .y = eg_emit_y(e, 0, EG_PLAIN)},
	        &rows, eg_emit_out_batched(e, 0));
}

static void keep_bwd(eg_emit *e) {
	const eg_dims rows = eg_emit_out_dims(e, 0);
	const eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	for (int i = 0; i < 2 && dy.p; i++) {
		eg_loop_rows_args a = {.x = dy, .lengths = lengths_of(e, 2), .behind = i == 1};
		if (!eg_emit_needs_dx(e, i)) continue;
		a.y = eg_emit_dx(e, i, EG_PLAIN, &a.acc);
		call_rows(e, a, &rows, eg_emit_out_batched(e, 0));
	}
}

static eg_status begin_infer(eg_infer *s) {
	const eg_loop_step_options *o = s->options;
	s->out[0] = o->dims;
	if (!o->learned) return EG_OK;
	s->params[s->nparams].name = "initial";
	s->params[s->nparams].dims.rank = o->dims.rank - 1;
	memcpy(s->params[s->nparams++].dims.d, o->dims.d + 1, (size_t)(o->dims.rank - 1) * sizeof o->dims.d[0]);
	return EG_OK;
}

/* A state that is learned begins with its weight in the first run only: a number for each sample says whether there
 * was one before. */
static eg_buf ran_before(eg_emit *e, const eg_dims *rows) { return eg_emit_state(e, 1, 1, rows->d[0], 1); }
static eg_buf ran_before_saved(eg_emit *e, const eg_dims *rows) {
	return eg_emit_saved(e, 0, EG_ELEM_REAL, rows->d[0], false);
}

static void call_select(eg_emit *e, eg_select_args a, const eg_dims *rows) {
	const int64_t N = rows->d[0], n = eg_dims_count(rows, 1);
	a.at = (eg_spread){.rank = 2, .rows = EG_BLOCK, .dims = {N, n}, .s = {{1, 0}, {n, 1}, {0, 1}}};
	if (!a.a.p) a.at.s[2][0] = n;
	a.c.stride = EG_BLOCK;
	a.a.stride = a.y.stride = (ptrdiff_t)(EG_BLOCK * n);
	a.b.stride = a.a.p ? 0 : a.y.stride;
	eg_emit_call(e, &(eg_call_spec){EG_SLOT(e, select),
	                        .args = &a,
	                        .size = sizeof a,
	                        .reads = 3,
	                        .writes = 1,
	                        .units = eg_blocks((int)N),
	                        .flops = (double)(N * n)});
}

static void begin_fwd(eg_emit *e) {
	const eg_dims rows = eg_emit_out_dims(e, 0);
	const bool block = eg_emit_out_batched(e, 0);
	const eg_buf before = eg_emit_state(e, 0, 1, rows.d[0], width_of(&rows)), y = eg_emit_y(e, 0, EG_PLAIN);
	if (!options_of(e)->learned && !before.p) {
		const eg_walk w = eg_emit_walk_out(e, 0, EG_PLAIN);
		eg_fill_args a = {.y = {y.p, (ptrdiff_t)w.unit}, .unit = w.unit, .total = w.total};
		eg_emit_call(e, &(eg_call_spec){EG_SLOT(e, fill),
		                        .args = &a,
		                        .size = sizeof a,
		                        .writes = 1,
		                        .block = w.block,
		                        .units = w.units,
		                        .flops = (double)w.total});
	} else if (!options_of(e)->learned) {
		call_rows(e, (eg_loop_rows_args){.x = before, .y = y, .x_steps = true}, &rows, block);
	} else if (!before.p) {
		call_rows(e, (eg_loop_rows_args){.x = eg_emit_w(e, 0), .y = y, .x_repeats = true}, &rows, block);
	} else {
		const eg_buf ran = ran_before(e, &rows);
		if (eg_emit_training(e)) call_copy(e, ran, ran_before_saved(e, &rows), rows.d[0], false);
		call_select(e, (eg_select_args){.c = ran, .a = before, .b = eg_emit_w(e, 0), .y = y}, &rows);
	}
}

static void begin_bwd(eg_emit *e) {
	const eg_dims rows = eg_emit_out_dims(e, 0);
	eg_sum_rows_args a = {
	        .x = eg_emit_dy(e, 0, EG_PLAIN), .m = (int)rows.d[0], .n = width_of(&rows), .ld = width_of(&rows)};
	if (!a.x.p || eg_emit_frozen(e, 0)) return;
	if (eg_emit_state(e, 0, 1, rows.d[0], a.n).p) {
		const eg_buf first = eg_emit_temp(e, EG_ELEM_REAL, rows.d[0] * a.n, false);
		call_select(e, (eg_select_args){.c = ran_before_saved(e, &rows), .b = a.x, .y = first}, &rows);
		a.x = first;
	}
	a.y = eg_emit_dw(e, 0, &a.acc);
	eg_emit_call(e, &(eg_call_spec){EG_SLOT(e, sum_rows),
	                        .args = &a,
	                        .size = sizeof a,
	                        .reads = 1,
	                        .writes = 1,
	                        .units = (a.n + 63) / 64,
	                        .flops = (double)a.m * a.n});
}

static void end_fwd(eg_emit *e) {
	const eg_dims rows = eg_emit_out_dims(e, 0);
	eg_emit begin = {.plan = e->plan, .node = options_of(e)->begin}; /* whose state it is */
	eg_emit_same(e, 0, EG_PLAIN);
	call_rows(e,
	        (eg_loop_rows_args){.x = eg_emit_x(e, 0, EG_PLAIN),
	                .y = eg_emit_state(&begin, 0, 1, rows.d[0], width_of(&rows)),
	                .y_steps = true},
	        &rows, eg_emit_out_batched(e, 0));
	if (options_of(e)->learned) call_fill(e, ran_before(&begin, &rows), rows.d[0], 1);
}

/* ---- the operators ----------------------------------------------------------------------------------------------- */

#define STEP_OP(what, text, ...) \
	const eg_op eg_op_step_##what = {.info = {.name = "loop_" #what, \
	                                         .doc = text, \
	                                         .equation = "", \
	                                         .source = "", \
	                                         .options_size = sizeof(eg_loop_step_options), \
	                                         .inputs = (const char *const[]){"x", "y", "lengths"}, \
	                                         .outputs = (const char *const[]){"y", NULL}}, \
	        .bwd_reads_x = true, \
	        __VA_ARGS__}

STEP_OP(open, "A sequence that a loop reads", .infer = same_infer, .fwd = open_fwd, .bwd = OP_BWD(same_bwd));
STEP_OP(get, "One step of it", .infer = get_infer, .fwd = get_fwd, .bwd = OP_BWD(get_bwd));
STEP_OP(keep, "A state, which stays where samples have ended", .infer = same_infer, .fwd = keep_fwd, .bwd = OP_BWD(keep_bwd));
STEP_OP(put, "One step of a sequence that a loop writes", .infer = put_infer, .fwd = put_fwd, .bwd = OP_BWD(put_bwd));
STEP_OP(close, "A result of a loop", .infer = same_infer, .fwd = same_fwd, .bwd = OP_BWD(close_bwd));
STEP_OP(begin, "A state before the first step", .infer = begin_infer, .fwd = begin_fwd, .bwd = OP_BWD(begin_bwd));
STEP_OP(end, "A state behind the last step", .infer = same_infer, .fwd = end_fwd, .bwd = OP_BWD(same_bwd));
