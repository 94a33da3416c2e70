/* optest_recurrent.c - would the cases of rnn, lstm and gru notice the mistakes that are easily made with
 * sequences? A direction turned round, two gates swapped, a length that is one too long, a bias forgotten: each is
 * put between the plan and the
 * right kernels, forward or backward, by altering the arguments of the call. */
#include "optest_mutate.h"

#include <string.h>

typedef enum mistake { TURNED, SWAPPED, LONGER, MISTAKES } mistake;
enum { SAMPLES_MOST = 1024 };

static struct {
	mistake what;
	bool bwd, bias, q_bias, applied;
	eg_kernels right;
} now_wrong;

/* One more step for every sample. */
static void lengthen(eg_buf *lengths, int N) {
	static int32_t longer[SAMPLES_MOST];
	if (!lengths->p || N > SAMPLES_MOST) return;
	for (int i = 0; i < N; i++) longer[i] = ((const int32_t *)lengths->p)[i] + 1;
	lengths->p = longer;
	now_wrong.applied = true;
}

/* The first two blocks of the rows [begin,end) of all steps. */
static void swap_gates(const eg_recurrent_shape *s, real *gates, int begin, int end) {
	for (int t = 0; t < s->T && s->S > 1; t++)
		for (int i = begin; i < end; i++)
			for (int j = 0; j < s->H; j++) {
				real *x = gates + ((ptrdiff_t)(t * s->N + i) * s->S) * s->H + j, kept = x[0];
				x[0] = x[s->H];
				x[s->H] = kept;
				now_wrong.applied = true;
			}
}

static void wrong_fwd(const void *args, int begin, int end, const eg_worker *worker) {
	eg_recurrent_fwd_args a = *(const eg_recurrent_fwd_args *)args;
	const bool whole = a.s.first == 0 && a.s.count == a.s.T;
	if (now_wrong.q_bias) {
		now_wrong.applied |= a.q_bias.p != NULL;
		a.q_bias.p = NULL;
	} else if (now_wrong.what == LONGER) {
		lengthen(&a.lengths, a.s.N);
	} else if (whole && now_wrong.what == SWAPPED) {
		swap_gates(&a.s, a.gates.p, begin, end);
	} else if (whole && now_wrong.what == TURNED && a.s.T > 1) {
		a.s.reverse = !a.s.reverse;
		now_wrong.applied = true;
	}
	now_wrong.right.recurrent_fwd(&a, begin, end, worker);
}

static void wrong_bwd(const void *args, int begin, int end, const eg_worker *worker) {
	eg_recurrent_bwd_args a = *(const eg_recurrent_bwd_args *)args;
	if (now_wrong.what == LONGER) lengthen(&a.lengths, a.s.N);
	if (now_wrong.what == TURNED && a.s.T > 1) {
		a.s.reverse = !a.s.reverse;
		now_wrong.applied = true;
	}
	now_wrong.right.recurrent_bwd(&a, begin, end, worker);
	if (now_wrong.what == SWAPPED) swap_gates(&a.s, a.gates.p, begin, end);
}

static void wrong_product(const void *args, int begin, int end, const eg_worker *worker) {
	eg_gemm_packed_args g = *(const eg_gemm_packed_args *)args;
	now_wrong.applied |= g.bias.p != NULL;
	g.bias.p = NULL;
	now_wrong.right.gemm_packed(&g, begin, end, worker);
}

static void tamper(eg_kernels *k) {
	now_wrong.right = *k;
	if (now_wrong.bias)
		k->gemm_packed = wrong_product;
	else if (now_wrong.bwd)
		k->recurrent_bwd = wrong_bwd;
	else
		k->recurrent_fwd = wrong_fwd;
}

static bool result_of(const setup *s, results *out) {
	rig r;
	eg_error err;
	bool ok = rig_new(&r, s, &err);
	if (ok) {
		rig_fill(&r);
		rig_run(&r);
		results_take(out, &r);
	}
	rig_free(&r);
	return ok;
}

/* The first case of the operator that notices; *used: the mistake could be made in one. */
static const char *hunt(const eg_op *op, double tolerance, bool *used) {
	const char *found = NULL;
	*used = false;
	for (int i = 0; i < op->ncases && !found; i++) {
		setup s = {.op = op, .c = &op->cases[i]};
		results want = {0}, have = {0};
		bool ok = result_of(&s, &want);
		now_wrong.applied = false;
		s.tamper = tamper;
		ok = ok && result_of(&s, &have);
		*used |= now_wrong.applied;
		if (ok && now_wrong.applied && results_differ(&want, &have, tolerance)) found = op->cases[i].what;
		results_free(&want);
		results_free(&have);
	}
	return found;
}

static void try_out(const char *name, double tolerance, int *killed, int *alive) {
	for (int i = 0; i < eg_ops_count; i++) {
		const eg_op *op = eg_ops[i];
		bool used;
		if (strcmp(op->info.name, "rnn") && strcmp(op->info.name, "lstm") && strcmp(op->info.name, "gru"))
			continue;
		const char *c = hunt(op, tolerance, &used);
		if (!used) continue;
		*(c ? killed : alive) += 1;
		printf("%-24s %-24s %s%s%s\n", op->info.name, name, c ? "'" : "NOT NOTICED", c ? c : "", c ? "'" : "");
	}
}

void recurrent_mistakes(double tolerance, int *killed, int *alive) {
	static const char *const names[MISTAKES][2] = {{"direction turned", "direction turned, bwd"},
	        {"gates swapped", "gates swapped, bwd"}, {"length off by one", "length off by one, bwd"}};
	for (int i = 0; i < MISTAKES * 2; i++) {
		memset(&now_wrong, 0, sizeof now_wrong);
		now_wrong.what = (mistake)(i / 2);
		now_wrong.bwd = i % 2;
		try_out(names[i / 2][i % 2], tolerance, killed, alive);
	}
	memset(&now_wrong, 0, sizeof now_wrong);
	now_wrong.bias = true;
	try_out("bias forgotten", tolerance, killed, alive);
	now_wrong.bias = false;
	now_wrong.q_bias = true;
	try_out("recurrent bias forgotten", tolerance, killed, alive);
}
