/* optest_rig.c - building, filling and running one setup of one case, and comparing what came out. */
#include "optest.h"

#include "engram_ops.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double now(void) {
	struct timespec t;
	timespec_get(&t, TIME_UTC);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

const char *input_name(int i) {
#define TEN(t) "in" t "0", "in" t "1", "in" t "2", "in" t "3", "in" t "4", "in" t "5", "in" t "6", "in" t "7", "in" t "8", "in" t "9"
	static const char *const names[] = {TEN(""), TEN("1"), TEN("2"), TEN("3"), TEN("4"), TEN("5"), TEN("6")};
#undef TEN
	static_assert(EG_COUNT(names) >= EG_MAX_INPUTS, "each input has a name");
	return names[i];
}

const char *output_name(int i) {
	static const char *const names[2 * EG_MAX_OUTPUTS] = {"out0", "out1", "out2", "out3", "out4", "out5", "out6",
		"out7", "out8", "out9", "out10", "out11", "out12", "out13", "out14", "out15", "out16", "out17", "out18", "out19", "out20", "out21",
		"out22", "out23", "out24", "out25", "out26", "out27", "out28", "out29", "out30", "out31"};
	return names[i];
}

bool isa_usable(eg_isa isa) {
	eg_cpu cpu;
	eg_kernels k;
	eg_cpu_detect(&cpu);
	return eg_kernels_get(&k, isa, &cpu);
}

const eg_op *neighbour(bool reads_y) {
	for (int i = 0; i < eg_ops_count; i++) {
		const eg_op *op = eg_ops[i];
		bool needs = false; /* an attribute without a default */
		for (int k = 0; k < op->info.nattrs; k++) needs |= isnan(op->info.attrs[k].def) != 0;
		if (op->info.max_inputs != 1 || op->info.params || needs || op->bwd_reads_y != reads_y || !op->bwd)
			continue;
		eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1, .isa = "ref"}, NULL);
		eg_graph *g = ctx ? eg_graph_new(ctx, NULL) : NULL;
		bool same = g != NULL;
		for (int size = 1; size <= 3 && same; size += 2) { /* one that squeeze leaves out, one of which pools
		                                                    * make less */
			eg_tensor x = eg_input(g, size == 1 ? "one" : "x", EG_F32, EG_DIMS(EG_N, 2, size));
			eg_dims d = eg_tensor_dims(g, eg_apply(g, op->info.name, NULL, &x, 1));
			same = d.rank == 3 && d.d[1] == 2 && d.d[2] == size;
		}
		eg_graph_free(g);
		eg_context_free(ctx);
		if (same) return op;
	}
	return NULL;
}

static const eg_op *op_named(const char *name) {
	for (int i = 0; i < eg_ops_count; i++)
		if (!strcmp(eg_ops[i]->info.name, name)) return eg_ops[i];
	return NULL;
}

void follow_with_pool(setup *s) {
	static const eg_maxpool2d_options windows = {.kernel = {2, 2}};
	s->after = op_named("maxpool2d");
	s->after_options = &windows;
}

void follow_with_norm(setup *s) {
	s->after = op_named("batchnorm");
	s->inference = true;
}

/* ---- building ---------------------------------------------------------------------------------------------------- */

/* The case's options, the second time with the first node as the one whose weights are used. */
static const void *options_of(const rig *r, char *copy, size_t size) {
	const setup *s = r->s;
	const eg_op_info *op = &s->op->info;
	const char *lender = NULL;
	if (op->options_size > size) return s->c->options;
	for (int i = 0; i < r->graph->nnodes && s->shared && !lender; i++)
		if (r->graph->nodes[i].op == s->op && r->graph->nodes[i].nparams) lender = r->graph->nodes[i].name;
	if (!lender) return s->c->options;
	memset(copy, 0, size);
	if (s->c->options) memcpy(copy, s->c->options, op->options_size);
	memcpy(copy + op->attrs[op->nattrs - 1].offset, &lender, sizeof lender); /* OP_WEIGHTS is the last row */
	return copy;
}

static void apply(rig *r, eg_tensor *in) {
	const setup *s = r->s;
	eg_graph *g = r->graph;
	_Alignas(16) char copy[512];
	eg_tensor first = eg_apply(g, s->op->info.name, options_of(r, copy, sizeof copy), in, s->c->nin);
	for (int i = 0; i < EG_MAX_OUTPUTS; i++) {
		eg_tensor t = i ? eg_result(g, first, i) : first;
		if (!t.id || (i && s->c->lone)) break;
		if (i == 0 && s->keep) eg_output(g, "kept", t);
		if (i == 0 && s->after) t = eg_apply(g, s->after->info.name, s->after_options, &t, 1);
		eg_output(g, output_name(r->noutputs++), t);
	}
}

static eg_dims case_dims(const eg_case *c, int i) {
	eg_dims d = {.rank = c->in[i].rank};
	for (int k = 0; k < d.rank; k++) d.d[k] = c->in[i].d[k];
	return d;
}

static void build(rig *r) {
	const setup *s = r->s;
	eg_tensor in[EG_MAX_INPUTS];
	for (const eg_size *z = s->c->sizes; z && z->name; z++) eg_open_dim(r->graph, z->name);
	for (int i = 0; i < s->c->nin; i++)
		in[i] = s->c->in[i].rank < 0 ? (eg_tensor){0} /* left out */
					     : eg_input(r->graph, input_name(i), (eg_dtype)s->c->type[i], case_dims(s->c, i));
	if (s->before) in[0] = r->inner = eg_apply(r->graph, s->before->info.name, NULL, in, 1);
	apply(r, in);
	if (s->twice || s->shared) apply(r, in);
	for (int i = 0; i < r->graph->nnodes && s->instead; i++)
		if (r->graph->nodes[i].op == s->op) r->graph->nodes[i].op = s->instead;
}

bool rig_new(rig *r, const setup *s, eg_error *err) {
	*r = (rig){.s = s};
	*err = (eg_error){0};
	r->ctx = eg_context_new(
		&(eg_context_options){
			.threads = s->threads ? s->threads : 1, .isa = eg_isa_name(s->isa), .allocator = s->allocator},
		err);
	if (!r->ctx) return false;
	if (s->tamper) s->tamper(&r->ctx->kern);
	r->graph = eg_graph_new(r->ctx, err);
	if (r->graph) {
		build(r);
		if (eg_graph_status(r->graph, err)) return false;
		r->params = eg_params_new(r->graph, 5, err);
	}
	const eg_tensor inner[] = {r->inner, {0}};
	if (r->params)
		r->plan = eg_plan_new(r->graph, r->params,
			&(eg_plan_options){.batch = s->c->batch,
				.time = s->c->time,
				.sizes = s->c->sizes,
				.train = !s->inference && !s->evaluation,
				.input_grads = !s->inference,
				.weight_grads = s->evaluation && !s->no_weights,
				.frozen = s->frozen,
				.grads = s->asks || s->gives ? inner : NULL,
				.given = s->gives ? inner : NULL,
				.checkpoint_time = s->checkpoint,
				.carry = s->carry,
				.seed = 11,
				.layout = s->layout,
				.algorithm = s->algorithm,
				.exact = s->algorithm < EG_ALGORITHM_WINOGRAD2,
				.no_fusion = s->no_fusion,
				.no_defer = s->no_defer}, err);
	return r->plan;
}

void rig_free(rig *r) {
	eg_plan_free(r->plan);
	eg_params_free(r->params);
	eg_graph_free(r->graph);
	eg_context_free(r->ctx);
	*r = (rig){0};
}

bool setup_fits(const setup *s) {
	rig r;
	eg_error err;
	bool ok = rig_new(&r, s, &err);
	rig_free(&r);
	return ok;
}

bool follow_in_place(setup *s) {
	s->after = op_named("sigmoid");
	s->no_fusion = true;
	return eg_op_has_gradient(s->op) && setup_fits(s);
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

int64_t rig_count(const rig *r, const char *name) {
	eg_dims d = eg_plan_dims(r->plan, eg_graph_find(r->graph, name));
	return eg_dims_count(&d, 0);
}

/* Uniform in (low, high). */
static void fill_between(real *v, int64_t n, double low, double high, uint32_t id) {
	eg_rng rng = {17, eg_stream(EG_RNG_TEST, id, 0)};
	for (int64_t i = 0; v && i < n; i++) v[i] = (real)(low + (high - low) * eg_rng_uniform(rng, (uint64_t)i));
}
static void fill(real *v, int64_t n, double low, uint32_t id) { fill_between(v, n, low, low + 2, id); }

/* Number k of data in a type other than EG_F32; of 16 bits as they are, from
 * the smallest normal number on. */
static void put_whole(void *data, eg_dtype type, int64_t k, int32_t v) {
	switch (type) {
	case EG_F32: break;
	case EG_I32: ((int32_t *)data)[k] = v; break;
	case EG_I64: ((int64_t *)data)[k] = v; break;
	case EG_F64: ((double *)data)[k] = v; break;
	case EG_U8:
	case EG_BOOL: ((uint8_t *)data)[k] = (uint8_t)v; break;
	case EG_F16:
	case EG_BF16: ((uint16_t *)data)[k] = (uint16_t)(0x0400 + (v << 4)); break;
	}
}

static double number_at(const void *data, eg_dtype type, int64_t k) {
	switch (type) {
	case EG_F32: return (double)((const real *)data)[k];
	case EG_I32: return ((const int32_t *)data)[k];
	case EG_I64: return (double)((const int64_t *)data)[k];
	case EG_F64: return ((const double *)data)[k];
	case EG_U8:
	case EG_BOOL: return ((const uint8_t *)data)[k];
	case EG_F16:
	case EG_BF16: return ((const uint16_t *)data)[k];
	}
	return 0;
}

/* Inputs after the first are positive, because they may be weights whose sum is a divisor. */
static void fill_input(rig *r, int i) {
	const eg_case *c = r->s->c;
	void *data = eg_plan_input(r->plan, input_name(i));
	int64_t n = c->in[i].rank < 0 || !data ? 0 : rig_count(r, input_name(i));
	eg_rng rng = {17, eg_stream(EG_RNG_TEST, (uint32_t)i, 0)};
	for (int64_t k = 0; k < n && c->type[i] != EG_F32; k++)
		put_whole(data, (eg_dtype)c->type[i], k,
			c->values && c->values[i] ? c->values[i][k] : (int32_t)eg_rng_below(rng, (uint64_t)k, (uint64_t)c->limit));
	for (int64_t k = 0; k < n && c->ties && c->type[i] == EG_F32; k++)
		((real *)data)[k] = (real)eg_rng_below(rng, (uint64_t)k, 4) / 2 - 1;
	if (i == 0 && c->low < c->high && c->type[i] == EG_F32)
		fill_between(data, n, (double)c->low, (double)c->high, 0);
	else if (c->type[i] == EG_F32 && !c->ties)
		fill(data, n, i == 0 ? -1 : 0.1, (uint32_t)i);
}

/* The number of the input that holds how long the sequences of input i are; -1: none does. */
static int lengths_of(const setup *s, int i) {
	const char c = s->op->lengths ? s->op->lengths[i] : '-';
	const int k = c >= 'a' && (i + 1 >= s->c->nin || s->c->in[i + 1].rank < 0) ? c - 'a' : c >= '0' && c <= '9' ? c - '0' : -1;
	return k >= 0 && k < s->c->nin && s->c->in[k].rank >= 0 ? k : -1;
}

bool has_lengths(const setup *s) {
	for (int i = 0; i < s->c->nin; i++)
		if (s->c->in[i].rank >= 0 && lengths_of(s, i) >= 0) return true;
	return false;
}

/* Fills what lies behind the lengths in input i. */
static void fill_padding(rig *r, int i) {
	static const real odd[PADDINGS][2] = {{0}, {(real)NAN, (real)NAN}, {(real)INFINITY, -(real)INFINITY}};
	const setup *s = r->s;
	const int k = s->c->in[i].rank < 0 ? -1 : lengths_of(s, i);
	if (k < 0 || s->padding == PADDED_BY_NUMBERS) return;
	const eg_dims d = eg_plan_dims(r->plan, eg_graph_find(r->graph, input_name(i)));
	const int32_t *lengths = eg_plan_input(r->plan, input_name(k));
	const bool time_first = s->c->in[i].d[0] != s->c->in[k].d[0];
	const int64_t each = eg_dims_count(&d, 2);
	void *data = eg_plan_input(r->plan, input_name(i));
	for (int64_t at = 0, n = d.d[0] * d.d[1] * each; lengths && data && at < n; at++) {
		const int64_t row = at / each / d.d[1], column = at / each % d.d[1];
		if ((time_first ? row : column) < lengths[time_first ? column : row]) continue;
		if (s->c->type[i] == EG_I32)
			((int32_t *)data)[at] = -1;
		else
			((real *)data)[at] = odd[s->padding][at % 2];
	}
}

void rig_fill(rig *r) {
	for (int i = 0; i < r->s->c->nin; i++) fill_input(r, i);
	for (int i = 0; i < r->s->c->nin; i++) fill_padding(r, i);
	for (int i = 0; i < eg_params_count(r->params); i++) {
		eg_dims d = eg_params_dims(r->params, i);
		fill(eg_params_data(r->params, i), eg_dims_count(&d, 0), -1, 100 + (uint32_t)i);
	}
	for (int i = 0; i < r->noutputs; i++)
		fill(eg_plan_grad(r->plan, output_name(i)), rig_count(r, output_name(i)), -0.7, 200 + (uint32_t)i);
}

/* State that a run updates (running statistics; positive, because it may be variances) begins with the same numbers in
 * every run. */
void rig_run(rig *r) {
	for (int i = 0; i < eg_params_count(r->params); i++) {
		eg_dims d = eg_params_dims(r->params, i);
		if (!eg_params_trained(r->params, i)) fill(eg_params_data(r->params, i), eg_dims_count(&d, 0), 0.1, 300 + (uint32_t)i);
	}
	eg_params_changed(r->params);
	eg_plan_run(r->plan, 3);
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

static void take(results *out, const char *what, const char *name, eg_dtype type, const void *v, int64_t n) {
	out->full |= v && out->n == MAX_RESULTS;
	if (!v || out->full) return;
	result *r = &out->r[out->n];
	snprintf(r->name, sizeof r->name, "%s%s", what, name);
	r->gradient = *what != '\0';
	r->v = malloc((size_t)n * sizeof(real));
	if (!r->v) return;
	if (type == EG_F32) memcpy(r->v, v, (size_t)n * sizeof(real));
	for (int64_t i = 0; i < n && type != EG_F32; i++) r->v[i] = (real)number_at(v, type, i);
	r->n = n;
	out->n++;
}

void results_take(results *out, const rig *r) {
	out->n = 0;
	out->full = false;
	for (int i = 0; i < r->noutputs; i++)
		take(out, "", output_name(i), eg_tensor_dtype(r->graph, eg_graph_find(r->graph, output_name(i))),
			eg_plan_output(r->plan, output_name(i)), rig_count(r, output_name(i)));
	const setup *s = r->s;
	if (s->inference) return;
	for (int i = 0; i < s->c->nin; i++)
		take(out, "gradient of ", input_name(i), EG_F32, eg_plan_grad(r->plan, input_name(i)),
			rig_count(r, input_name(i)));
	for (int i = 0; i < eg_params_count(r->params); i++) {
		eg_dims d = eg_params_dims(r->params, i);
		if (!eg_params_trained(r->params, i))
			take(out, "", eg_params_name(r->params, i), EG_F32, eg_params_data(r->params, i), eg_dims_count(&d, 0));
		if (s->no_weights || (s->frozen && s->frozen[i])) continue;
		take(out, "gradient of ", eg_params_name(r->params, i), EG_F32, eg_params_grad(r->params, i),
			eg_dims_count(&d, 0));
	}
}

void results_free(results *r) {
	for (int i = 0; i < r->n; i++) free(r->r[i].v);
	r->n = 0;
}

static const result *find(const results *r, const char *name) {
	for (int i = 0; i < r->n; i++)
		if (!strcmp(r->r[i].name, name)) return &r->r[i];
	return NULL;
}

/* Is there no gradient at all? */
static bool inference(const results *r) {
	for (int i = 0; i < r->n; i++)
		if (r->r[i].gradient) return false;
	return true;
}

const char *results_differ(const results *want, const results *have, double tolerance) {
	static char text[200];
	if (want->full || have->full) return "there are more results than the tester has room for (MAX_RESULTS)";
	for (int i = 0; i < want->n; i++) {
		const result *a = &want->r[i], *b = find(have, a->name);
		if (!b && a->gradient && inference(have)) continue;
		if (!b || b->n != a->n) {
			snprintf(text, sizeof text, "%s is missing or has another size", a->name);
			return text;
		}
		double largest = 0;
		for (int64_t k = 0; k < a->n; k++) largest = fmax(largest, fabs((double)a->v[k]));
		for (int64_t k = 0; k < a->n; k++) {
			double x = (double)a->v[k], y = (double)b->v[k];
			bool same_bits = x == y && signbit(x) == signbit(y);
			if (same_bits || fabs(x - y) <= tolerance * largest) continue;
			snprintf(text, sizeof text, "%s[%lld] of %lld is %.9g, expected %.9g", a->name, (long long)k,
				(long long)a->n, y, x);
			return text;
		}
	}
	return have->n ? NULL : "there is no result";
}
