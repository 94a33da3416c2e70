/* einsum.c - sums of products as an equation of letters says: "bij,bjk->bik".
 *
 * The operands are taken from left to right, two at a time: what only one of them has and nobody needs later is
 * summed up first; then letters that both have are the stack of a batched product where they are needed later, its
 * inner dimension where not. A gradient is such an equation too: dy and the other operands give what the operand's
 * letters are; letters that only it has are repeated, and of a diagonal the rest is zero.
 *
 * Not here: the products themselves (gemm_batch, in kern/ref_gemm.c). */
#include "ops/dense.h"
#include "ops/flat.h"
#include "ops/strided.h"

typedef struct einsum_options {
	const char *name, *equation;
} einsum_options;

static const eg_attr einsum_attrs[] = {
	OP_STRING(einsum_options, equation, NAN, "equation",
		"letters for the dimensions of each operand, commas between them, and behind -> those of the result; "
		"... for any others, broadcast. Without ->: "
		"those of ... and then, in alphabetical order, letters that stand only once"),
};

/* ---- the equation ------------------------------------------------------------------------------------------------ */

enum {
	LETTERS = 52,
	LABELS = LETTERS + EG_MAX_DIMS
}; /* a-z, A-Z, and dimensions of "...", counted from the last one */

/* Which label each dimension has. */
typedef struct term {
	int n;
	int8_t label[LABELS];
} term;

typedef struct equation {
	term in[EG_MAX_INPUTS], out;
	int64_t size[LABELS]; /* 0: it does not stand there */
	int dots;             /* dimensions of the longest "..." */
} equation;

static int label_of(char c) { return c >= 'a' && c <= 'z' ? c - 'a' : c >= 'A' && c <= 'Z' ? 26 + c - 'A' : -1; }

/* One term, up to a comma, "->" or the end; `dots` dimensions stand for "...", -1: as many as are left of `rank`.
 * Returns what is behind it, NULL: it is none. */
static const char *read_term(const char *p, int rank, int *dots, term *t) {
	int letters = 0;
	bool seen = false;
	for (const char *q = p; *q && *q != ',' && *q != '-'; q++) letters += label_of(*q) >= 0;
	*t = (term){0};
	for (; *p && *p != ',' && *p != '-'; p++) {
		if (*p == ' ') continue;
		if (!strncmp(p, "...", 3)) {
			if (*dots < 0) *dots = rank - letters;
			if (seen || *dots < 0 || *dots > EG_MAX_DIMS) return NULL;
			for (int i = *dots - 1; i >= 0; i--) t->label[t->n++] = (int8_t)(LETTERS + i);
			seen = true;
			p += 2;
		} else if (label_of(*p) >= 0 && t->n < LABELS - EG_MAX_DIMS) {
			t->label[t->n++] = (int8_t)label_of(*p);
		} else {
			return NULL;
		}
	}
	return p;
}

static int count_of(const equation *q, int nin, int label) {
	int n = 0;
	for (int i = 0; i < nin; i++)
		for (int d = 0; d < q->in[i].n; d++) n += q->in[i].label[d] == label;
	return n;
}

static void implicit_out(equation *q, int nin) {
	for (int i = q->dots - 1; i >= 0; i--) q->out.label[q->out.n++] = (int8_t)(LETTERS + i);
	for (int c = 'A'; c <= 'z'; c++)
		if (label_of((char)c) >= 0 && count_of(q, nin, label_of((char)c)) == 1)
			q->out.label[q->out.n++] = (int8_t)label_of((char)c);
}

/* False: the text is no equation for operands of these ranks. */
static bool parse(const char *text, int nin, const int *rank, equation *q) {
	const char *p = text;
	*q = (equation){.dots = 0};
	for (int i = 0; i < nin; i++) {
		int dots = -1;
		p = read_term(p, rank[i], &dots, &q->in[i]);
		if (!p || q->in[i].n != rank[i] || (i + 1 < nin && *p != ',')) return false;
		if (dots > q->dots) q->dots = dots;
		if (i + 1 < nin) p++;
	}
	if (!*p) implicit_out(q, nin);
	if (!*p) return q->out.n <= EG_MAX_DIMS;
	if (strncmp(p, "->", 2)) return false;
	p = read_term(p + 2, 0, &q->dots, &q->out);
	if (!p || *p || q->out.n > EG_MAX_DIMS) return false;
	for (int d = 0; d < q->out.n; d++) {
		if (!count_of(q, nin, q->out.label[d])) return false;
		for (int k = 0; k < d; k++)
			if (q->out.label[k] == q->out.label[d]) return false;
	}
	return true;
}

static bool stands_in(const term *t, int label) {
	for (int d = 0; d < t->n; d++)
		if (t->label[d] == label) return true;
	return false;
}

/* The size of a label, of operand i; false: it has another one elsewhere. Of those in "..." a size of 1 is repeated. */
static bool join_size(int64_t *size, int64_t d, bool dots) {
	if (*size == 0 || (dots && *size == 1)) {
		*size = d;
		return true;
	}
	if (dots && d == 1) return true;
	if (eg_dim_is_batch(*size) != eg_dim_is_batch(d) || !eg_dim_fits(*size, d)) return false;
	*size = eg_dim_surer(*size, d);
	return true;
}

static eg_status check_labels(eg_infer *s, const equation *q) {
	const einsum_options *o = s->options;
	int different = 0;
	for (int l = 0; l < LABELS; l++) {
		different += q->size[l] != 0;
		if (q->size[l] && eg_dim_is_batch(q->size[l]) && !stands_in(&q->out, l))
			return eg_fail(s->err, EG_ERR_SHAPE,
				"equation '%.60s' would sum over the batch, whose samples must not be mixed",
				o->equation);
	}
	if (different <= EG_WALK) return EG_OK;
	return eg_fail(s->err, EG_ERR_SHAPE, "equation '%.60s' has %d different dimensions, %d are possible",
		o->equation, different, EG_WALK);
}

static eg_status einsum_infer(eg_infer *s) {
	const einsum_options *o = s->options;
	int rank[EG_MAX_INPUTS];
	equation q;
	char text[128];
	for (int i = 0; i < s->nin; i++) {
		char name[16];
		snprintf(name, sizeof name, "x%d", i + 1);
		if (op_check_real(s, i, name)) return s->err->status;
		rank[i] = s->in[i].rank;
	}
	if (!parse(o->equation, s->nin, rank, &q))
		return eg_fail(s->err, EG_ERR_ARG,
			"equation '%.60s' does not fit %d operands, the first of %s: a letter for each dimension of "
			"each, commas between "
			"them, behind -> letters of theirs, each once, at most %d",
			o->equation, s->nin, eg_dims_text(&s->in[0], text, sizeof text), EG_MAX_DIMS);
	for (int i = 0; i < s->nin; i++)
		for (int d = 0; d < rank[i]; d++) {
			const int l = (unsigned char)q.in[i].label[d];
			if (!join_size(&q.size[l], s->in[i].d[d], l >= LETTERS))
				return eg_fail(s->err, EG_ERR_SHAPE,
					"equation '%.60s': dimension %d of operand %d, %s, has another size than the "
					"same letter elsewhere",
					o->equation, d, i + 1, eg_dims_text(&s->in[i], text, sizeof text));
			s->info->mixes_time |= d == 0 && op_time_first(&s->declared[i]) && !stands_in(&q.out, l);
		}
	if (check_labels(s, &q)) return s->err->status;
	s->out[0].rank = q.out.n;
	for (int d = 0; d < q.out.n; d++) s->out[0].d[d] = q.size[q.out.label[d]];
	s->info->macs = s->nin > 1;
	for (int l = 0; l < LABELS; l++)
		if (q.size[l] > 0) s->info->macs *= q.size[l];
	return EG_OK;
}

/* ---- what is computed of them ------------------------------------------------------------------------------------ */

/* A tensor by labels, none twice: a repeated one is a diagonal, with one stride. Dimensions of size 1 do not count. */
typedef struct view {
	eg_buf b;
	int n;
	int8_t label[EG_WALK];
	int64_t stride[EG_WALK];
} view;

typedef struct job {
	eg_emit *e;
	equation q;
} job;

static job job_of(eg_emit *e) {
	const einsum_options *o = eg_emit_options(e);
	job j = {.e = e};
	int rank[EG_MAX_INPUTS] = {0};
	const int nin = eg_emit_nin(e);
	for (int i = 0; i < nin; i++) rank[i] = eg_emit_in_dims(e, i).rank;
	parse(o->equation, nin, rank, &j.q);
	for (int i = 0; i < nin; i++) {
		const eg_dims x = eg_emit_in_dims(e, i);
		for (int d = 0; d < x.rank; d++)
			if (x.d[d] > j.q.size[j.q.in[i].label[d]]) j.q.size[j.q.in[i].label[d]] = x.d[d];
	}
	return j;
}

static int place_of(const view *v, int label) {
	for (int d = 0; d < v->n; d++)
		if (v->label[d] == label) return d;
	return -1;
}

static int64_t stride_of(const view *v, int label) {
	const int d = place_of(v, label);
	return d < 0 ? 0 : v->stride[d];
}

static view view_of(const term *t, const eg_dims *x, eg_buf b) {
	view v = {.b = b};
	int64_t stride = 1;
	int at[EG_MAX_DIMS], n = 0;
	int64_t strides[EG_MAX_DIMS];
	for (int d = x->rank - 1; d >= 0; d--) {
		strides[d] = stride;
		stride *= x->d[d];
	}
	for (int d = 0; d < x->rank; d++)
		if (x->d[d] > 1) at[n++] = d;
	for (int i = 0; i < n; i++) {
		const int known = place_of(&v, t->label[at[i]]);
		if (known >= 0) {
			v.stride[known] += strides[at[i]];
			continue;
		}
		v.label[v.n] = t->label[at[i]];
		v.stride[v.n++] = strides[at[i]];
	}
	return v;
}

/* A contiguous tensor of these labels. */
static view contiguous(const job *j, const int8_t *label, int n, eg_buf b) {
	view v = {.b = b, .n = n};
	int64_t stride = 1;
	for (int d = n - 1; d >= 0; d--) {
		v.label[d] = label[d];
		v.stride[d] = stride;
		stride *= j->q.size[label[d]];
	}
	return v;
}

static int64_t product_of(const job *j, const int8_t *label, int n) {
	int64_t all = 1;
	for (int d = 0; d < n; d++) all *= j->q.size[label[d]];
	return all;
}

/* y (labels) = [y +] v; labels that v has not are repeated. */
static void take(const job *j, const view *v, const int8_t *label, int n, eg_buf y, bool acc) {
	int64_t size[EG_WALK], stride[EG_WALK];
	for (int d = 0; d < n; d++) {
		size[d] = j->q.size[label[d]];
		stride[d] = stride_of(v, label[d]);
	}
	strided_take(j->e, v->b, y, n, size, stride, 0, acc, EG_F32);
}

static bool lies_so(const job *j, const view *v, const int8_t *label, int n) {
	const view want = contiguous(j, label, n, v->b);
	for (int d = 0; d < n; d++)
		if (stride_of(v, label[d]) != want.stride[d]) return false;
	return n == v->n;
}

static view laid_out(const job *j, const view *v, const int8_t *label, int n) {
	if (lies_so(j, v, label, n)) return contiguous(j, label, n, v->b);
	const view y = contiguous(j, label, n, flat_temp(j->e, product_of(j, label, n)));
	take(j, v, label, n, y.b, false);
	return y;
}

/* Labels that `keep` has not are summed over. */
static view summed(const job *j, const view *v, uint64_t keep) {
	int8_t label[EG_WALK];
	int n = 0;
	for (int d = 0; d < v->n; d++)
		if (keep >> v->label[d] & 1) label[n++] = v->label[d];
	if (n == v->n) return *v;
	const view x = laid_out(j, v, v->label, v->n);
	const view y = contiguous(j, label, n, flat_temp(j->e, product_of(j, label, n)));
	eg_sum_to_args a = {.x = x.b, .y = y.b, .rank = x.n, .count = product_of(j, label, n)};
	for (int d = 0; d < x.n; d++) {
		a.dims[d] = j->q.size[x.label[d]];
		a.sy[d] = stride_of(&y, x.label[d]);
	}
	OP_CALL(j->e, sum_to, a, 1, 1, .units = (int)((a.count + EG_BLOCK - 1) / EG_BLOCK),
		.flops = (double)product_of(j, x.label, x.n));
	return y;
}

static uint64_t labels_of(const view *v) {
	uint64_t set = 0;
	for (int d = 0; d < v->n; d++) set |= (uint64_t)1 << v->label[d];
	return set;
}

/* Labels of a set, those that `first` has in its order, then the others as in v; returns how many. */
static int in_order(const term *first, const view *v, uint64_t set, int8_t *label) {
	int n = 0;
	for (int d = 0; first && d < first->n; d++)
		if (set >> first->label[d] & 1 && place_of(v, first->label[d]) >= 0) label[n++] = first->label[d];
	for (int d = 0; d < v->n; d++)
		if (set >> v->label[d] & 1 && !(first && stands_in(first, v->label[d]))) label[n++] = v->label[d];
	return n;
}

/* Where a result may go at once, if it has these labels in this order. */
typedef struct target {
	term t;
	eg_buf y;
	bool acc, done;
} target;

/* Does the target, its dimensions of size 1 left out, have these labels? */
static bool is_target(const job *j, const target *to, const int8_t *label, int n) {
	int k = 0;
	if (!to) return false;
	for (int d = 0; d < to->t.n; d++) {
		if (j->q.size[to->t.label[d]] == 1) continue;
		if (k == n || label[k] != to->t.label[d]) return false;
		k++;
	}
	return k == n;
}

/* Element by element, where there is nothing to be summed over. */
static void times(const job *j, const view *a, const view *b, const view *y) {
	eg_binary_args g = {.a = a->b,
		.b = b->b,
		.y = y->b,
		.op = EG_BINARY_MUL,
		.at = {.rank = y->n ? y->n : 1, .rows = EG_BLOCK, .dims = {1}}};
	for (int d = 0; d < y->n; d++) {
		g.at.dims[d] = j->q.size[y->label[d]];
		g.at.s[0][d] = stride_of(a, y->label[d]);
		g.at.s[1][d] = stride_of(b, y->label[d]);
	}
	g.a.stride = (ptrdiff_t)(g.at.s[0][0] * EG_BLOCK);
	g.b.stride = (ptrdiff_t)(g.at.s[1][0] * EG_BLOCK);
	g.y.stride = (ptrdiff_t)((y->n ? y->stride[0] : 1) * EG_BLOCK);
	OP_CALL(j->e, binary, g, 2, 1, .units = (int)((g.at.dims[0] + EG_BLOCK - 1) / EG_BLOCK),
		.flops = (double)product_of(j, y->label, y->n));
}

/* The labels of a product: a stack, and what only a, only b, or both have; `joined` is the result's: stack, a, b. */
typedef struct groups {
	int8_t stack[EG_WALK], left[EG_WALK], right[EG_WALK], inner[EG_WALK], joined[EG_WALK];
	int nstack, nleft, nright, ninner, njoined;
} groups;

static int append(int8_t *to, int n, const int8_t *from, int m) {
	memcpy(to + n, from, (size_t)m);
	return n + m;
}

static groups groups_of(const view *a, const view *b, uint64_t later, const term *order) {
	const uint64_t in_a = labels_of(a), in_b = labels_of(b);
	groups g = {.nstack = 0};
	g.nstack = in_order(order, a, in_a & in_b & later, g.stack);
	g.nleft = in_order(order, a, in_a & ~in_b, g.left);
	g.nright = in_order(order, b, in_b & ~in_a, g.right);
	g.ninner = in_order(NULL, a, in_a & in_b & ~later, g.inner);
	g.njoined = append(g.joined, 0, g.stack, g.nstack);
	g.njoined = append(g.joined, g.njoined, g.left, g.nleft);
	g.njoined = append(g.joined, g.njoined, g.right, g.nright);
	return g;
}

/* v as stacks of matrices (rows, columns), or, *turned, the other way round where it lies so already. */
static eg_buf as_matrices(const job *j, const view *v, const groups *g, const int8_t *rows, int nrows,
	const int8_t *columns, int ncolumns, bool *turned) {
	int8_t label[EG_WALK];
	int n = append(label, append(label, append(label, 0, g->stack, g->nstack), columns, ncolumns), rows, nrows);
	*turned = lies_so(j, v, label, n);
	if (*turned) return v->b;
	n = append(label, append(label, append(label, 0, g->stack, g->nstack), rows, nrows), columns, ncolumns);
	return laid_out(j, v, label, n).b;
}

static void multiply(const job *j, const view *a, const view *b, const groups *g, eg_buf y, bool acc) {
	const int m = (int)product_of(j, g->left, g->nleft), n = (int)product_of(j, g->right, g->nright),
		  k = (int)product_of(j, g->inner, g->ninner);
	const int64_t stack = product_of(j, g->stack, g->nstack);
	eg_gemm_batch_args p = {.c = y, .m = m, .n = n, .k = k, .ldc = n, .acc = acc, .rank = 1, .dims = {stack},
		.sa = {(int64_t)m * k}, .sb = {(int64_t)k * n}, .sc = {(int64_t)m * n}};
	p.a = as_matrices(j, a, g, g->left, g->nleft, g->inner, g->ninner, &p.ta);
	p.b = as_matrices(j, b, g, g->inner, g->ninner, g->right, g->nright, &p.tb);
	p.lda = p.ta ? m : k;
	p.ldb = p.tb ? k : n;
	if (stack > 1) dense_gemm_batch(j->e, p);
	else dense_gemm(j->e, eg_gemm_of_batch(&p));
}

/* a b, summed over what is not needed later; into the target where it fits. */
static view product(const job *j, const view *x, const view *z, uint64_t later, target *to) {
	const view a = summed(j, x, labels_of(z) | later), b = summed(j, z, labels_of(x) | later);
	const groups g = groups_of(&a, &b, later, to ? &to->t : NULL),
		     other = groups_of(&b, &a, later, to ? &to->t : NULL);
	if (!is_target(j, to, g.joined, g.njoined) && is_target(j, to, other.joined, other.njoined))
		return product(j, z, x, later, to);
	const bool plain = g.ninner == 0 && g.njoined <= EG_KDIMS,
		   there = to && is_target(j, to, g.joined, g.njoined) && !(plain && to->acc);
	const eg_buf y = there ? to->y : flat_temp(j->e, product_of(j, g.joined, g.njoined));
	const view v = contiguous(j, g.joined, g.njoined, y);
	if (there) to->done = true;
	if (plain)
		times(j, &a, &b, &v);
	else
		multiply(j, &a, &b, &g, y, there && to->acc);
	return v;
}

/* All n of them together, summed over all labels that the target has not; NULL: over those that `keep` has not. */
static view contract(const job *j, const view *v, int n, uint64_t keep, target *to) {
	view r = v[0];
	for (int i = 1; i < n; i++) {
		uint64_t later = keep;
		for (int k = i + 1; k < n; k++) later |= labels_of(&v[k]);
		r = product(j, &r, &v[i], later, i == n - 1 ? to : NULL);
	}
	return n > 1 ? r : summed(j, &r, keep);
}

static uint64_t set_of(const term *t) {
	uint64_t set = 0;
	for (int d = 0; d < t->n; d++) set |= (uint64_t)1 << t->label[d];
	return set;
}

/* The labels of a term whose size is not 1, in their order. */
static int long_ones(const job *j, const term *t, int8_t *label) {
	int n = 0;
	for (int d = 0; d < t->n; d++)
		if (j->q.size[t->label[d]] > 1) label[n++] = t->label[d];
	return n;
}

static void einsum_fwd(eg_emit *e) {
	const job j = job_of(e);
	view v[EG_MAX_INPUTS] = {0};
	int8_t label[LABELS];
	for (int i = 0; i < eg_emit_nin(e); i++) {
		const eg_dims x = eg_emit_in_dims(e, i);
		v[i] = view_of(&j.q.in[i], &x, eg_emit_x(e, i, EG_PLAIN));
	}
	target to = {.t = j.q.out, .y = eg_emit_y(e, 0, EG_PLAIN)};
	const view r = contract(&j, v, eg_emit_nin(e), set_of(&j.q.out), &to);
	if (!to.done) take(&j, &r, label, long_ones(&j, &j.q.out, label), to.y, false);
}

/* ---- backward ---------------------------------------------------------------------------------------------------- */

static void call_trilu(eg_emit *e, eg_buf x, eg_buf y, int64_t n, int64_t all, bool upper) {
	eg_trilu_args a = {.x = x,
		.y = y,
		.rows = n,
		.columns = n,
		.total = all / n,
		.unit = n < EG_CHUNK ? EG_CHUNK / n : 1,
		.upper = upper};
	OP_CALL(e, trilu, a, 1, 1, .units = (int)((a.total + a.unit - 1) / a.unit), .flops = (double)all);
}

/* x (sizes) is zero but where its indices p and q are equal: they become the last two, and of these matrices the
 * diagonal stays. */
static eg_buf only_diagonal(eg_emit *e, eg_buf x, const int64_t *size, int n, int p, int q) {
	int64_t stride[EG_MAX_DIMS], to[EG_MAX_DIMS], from[EG_MAX_DIMS], back[EG_MAX_DIMS], all = 1;
	int at[EG_MAX_DIMS], k = 0;
	for (int d = n - 1; d >= 0; d--) {
		stride[d] = all;
		all *= size[d];
	}
	for (int d = 0; d < n; d++)
		if (d != p && d != q) at[k++] = d;
	at[k++] = p;
	at[k++] = q;
	int64_t step = 1;
	for (int d = n - 1; d >= 0; d--) {
		to[d] = size[at[d]];
		from[d] = stride[at[d]];
		back[at[d]] = step;
		step *= to[d];
	}
	const eg_buf turned = flat_temp(e, all), upper = flat_temp(e, all), both = flat_temp(e, all),
		     y = flat_temp(e, all);
	strided_take(e, x, turned, n, to, from, 0, false, EG_F32);
	call_trilu(e, turned, upper, size[p], all, true);
	call_trilu(e, upper, both, size[p], all, false);
	strided_take(e, both, y, n, size, back, 0, false, EG_F32);
	return y;
}

/* The gradient of input i from what its labels have: repeated where the others lacked one, and only on diagonals. */
static void spread(const job *j, int i, const view *r, eg_buf dx, bool acc) {
	const term *t = &j->q.in[i];
	const eg_dims x = eg_emit_in_dims(j->e, i);
	int64_t size[EG_MAX_DIMS], stride[EG_MAX_DIMS], all = eg_dims_count(&x, 0);
	int first[EG_MAX_DIMS], label[EG_MAX_DIMS], n = 0;
	bool repeated = false;
	for (int d = 0; d < x.rank; d++) {
		if (x.d[d] == 1) continue;
		first[n] = n;
		label[n] = (unsigned char)t->label[d];
		for (int k = n - 1; k >= 0; k--)
			if (label[k] == label[n]) first[n] = k;
		repeated |= first[n] != n;
		size[n] = x.d[d];
		stride[n] = first[n] == n ? stride_of(r, t->label[d]) : 0;
		n++;
	}
	if (!repeated) {
		strided_take(j->e, r->b, dx, n, size, stride, 0, acc, EG_F32);
		return;
	}
	eg_buf d = flat_temp(j->e, all);
	strided_take(j->e, r->b, d, n, size, stride, 0, false, EG_F32);
	for (int k = 0; k < n; k++)
		if (first[k] != k) d = only_diagonal(j->e, d, size, n, first[k], k);
	flat_copy(j->e, d, dx, all, acc, EG_F32);
}

/* Has every dimension of input i a label of its own, which dy or another operand has too? */
static bool all_known(const job *j, const view *own, const view *others, int n, const term *t) {
	uint64_t set = 0;
	int64_t longer = 0;
	for (int k = 0; k < n; k++) set |= labels_of(&others[k]);
	for (int d = 0; d < t->n; d++) longer += j->q.size[t->label[d]] > 1;
	return !(labels_of(own) & ~set) && longer == own->n;
}

static void einsum_bwd(eg_emit *e) {
	const job j = job_of(e);
	const eg_dims y = eg_emit_out_dims(e, 0);
	const eg_buf dy = eg_emit_dy(e, 0, EG_PLAIN);
	const int nin = eg_emit_nin(e);
	for (int i = 0; i < nin && dy.p; i++) {
		view v[EG_MAX_INPUTS];
		int n = 0;
		if (!eg_emit_needs_dx(e, i)) continue;
		v[n++] = view_of(&j.q.out, &y, dy);
		for (int k = 0; k < nin; k++) {
			const eg_dims x = eg_emit_in_dims(e, k);
			if (k != i) v[n++] = view_of(&j.q.in[k], &x, eg_emit_x(e, k, EG_PLAIN));
		}
		const eg_dims x = eg_emit_in_dims(e, i);
		const view own = view_of(&j.q.in[i], &x, dy);
		target to = {.t = j.q.in[i]};
		to.y = eg_emit_dx(e, i, EG_PLAIN, &to.acc);
		const view r = contract(&j, v, n, labels_of(&own), all_known(&j, &own, v, n, &j.q.in[i]) ? &to : NULL);
		if (!to.done) spread(&j, i, &r, to.y, to.acc);
	}
}

#define EINSUM(text) \
	&(const einsum_options) { .equation = text }
static const eg_case einsum_cases[] = {
	{"stacks of products", EINSUM("bij,bjk->bik"), .in = {OP_DIMS(EG_N, 3, 5), OP_DIMS(EG_N, 5, 4)}, .nin = 2,
		.batch = 18, .linear = true},
	{"scores of heads", EINSUM("bqhd,bkhd->bhqk"), .in = {OP_DIMS(EG_N, 3, 2, 5), OP_DIMS(EG_N, 4, 2, 5)}, .nin = 2,
		.batch = 3, .linear = true},
	{"bilinear, three operands", EINSUM("bi, oij, bj -> bo"),
		.in = {OP_DIMS(EG_N, 3), OP_DIMS(4, 3, 5), OP_DIMS(EG_N, 5)}, .nin = 3, .batch = 18, .linear = true},
	{"one operand, turned and summed", EINSUM("nijk->nki"), .in = {OP_DIMS(EG_N, 3, 2, 4)}, .nin = 1, .batch = 3,
		.linear = true},
	{"a diagonal", EINSUM("nk,ijik->nij"), .in = {OP_DIMS(EG_N, 4), OP_DIMS(3, 2, 3, 4)}, .nin = 2, .batch = 3,
		.linear = true},
	{"a trace", EINSUM("n,ii"), .in = {OP_DIMS(EG_N), OP_DIMS(5, 5)}, .nin = 2, .batch = 3, .linear = true},
	{"element by element, repeated", EINSUM("nij,ni,j->nij"),
		.in = {OP_DIMS(EG_N, 3, 4), OP_DIMS(EG_N, 3), OP_DIMS(4)}, .nin = 3, .batch = 18, .linear = true},
	{"dots", EINSUM("...ij,jk->...ik"), .in = {OP_DIMS(EG_N, 2, 3, 5), OP_DIMS(5, 4)}, .nin = 2, .batch = 3,
		.linear = true},
	{"dots of size 1, without an arrow", EINSUM("a...,...a"), .in = {OP_DIMS(3, 1, 4), OP_DIMS(5, 4, 3)}, .nin = 2,
		.batch = 2, .linear = true},
	{"what only one has is summed, an open size", EINSUM("nti,kj->nkt"),
		.in = {OP_DIMS(EG_N, EG_NAMED, 3), OP_DIMS(4, 2)}, .nin = 2, .batch = 3,
		.sizes = OP_SIZES({"length", 5}), .linear = true},
};

const eg_op eg_op_einsum = {
	.info = {
		.name = "einsum",
		.layer = "einsum",
		.doc = OP_TEXT("Sums of products as an equation says, a letter for each dimension: \"bij,bjk->bik\""),
		.equation = OP_TEXT("y[out] = sum over all letters that out has not of x1[in1] x2[in2] ...; letters "
			    "with the same name have the same index; dx_i: the sum of dy and the "
			    "others by x_i's letters"),
		.source = OP_TEXT("ONNX Einsum-12; numpy.einsum"),
		.attrs = einsum_attrs,
		.nattrs = EG_COUNT(einsum_attrs),
		.options_size = sizeof(einsum_options),
		.shorthand = "equation",
		.min_inputs = 1,
		.max_inputs = 2,
		.variadic = true,
		.inputs = (const char *const[]){"x1", "x2"},
		.outputs = (const char *const[]){"y", NULL},
	},
	.infer = einsum_infer,
	.fwd = einsum_fwd,
	.bwd = OP_BWD(einsum_bwd),
	.bwd_reads_x = true,
	.onnx = "Einsum",
	.onnx_since = 12,
	OP_CASES(einsum_cases),
};
