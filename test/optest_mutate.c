/* optest_mutate.c - does the tester notice a broken kernel? One slot of the kernel table at a time is replaced by a
 * wrong version, made from the right one without knowing it: after the right kernel has run, its result is spoilt;
 * or it is not run to the end. */
#include "optest.h"

#include <string.h>

#define SLOTS(X)                                                                                                       \
	X(gemm) X(gemm_pack) X(gemm_packed) X(conv_lanes_pack) X(conv_lanes_fwd) X(conv_lanes_bwd_data)                \
	X(conv_lanes_bwd_weights) X(conv_plain_pack) X(conv_plain_fwd) X(conv_plain_bwd_data)                          \
	X(conv_plain_bwd_weights) X(maxpool_fwd) X(maxpool_bwd) X(avgpool_fwd) X(avgpool_bwd) X(act_fwd) X(act_bwd)    \
	X(copy) X(fill) X(dropout)                                                                                     \
	X(add) X(sum_to) X(softmax_fwd) X(softmax_bwd) X(ce_denom) X(ce_fwd) X(ce_mean) X(ce_bwd) X(reorder)           \
	X(shard_sum) X(sum_rows)

static const struct slot {
	const char *name;
	size_t offset;
} slots[] = {
#define X(name) {#name, offsetof(eg_kernels, name)},
	SLOTS(X)
#undef X
};

typedef enum fault { SIGN, REVERSE, ONE_OFF, SKIP_LAST, FAULTS } fault;
static const char *const fault_names[] = {"sign flipped", "order reversed", "one element off by one",
"last unit skipped"}; 
/* A kernel has no room for a pointer of ours. */
static struct mutant {
	const struct slot *slot;
	fault fault;
	int output; /* which of the written buffers */
	eg_kernel right;
	const eg_plan *plan;
	bool applied; /* it made a difference to memory */
} mutant;

static const eg_call *call_of(const void *args) {
	for (int i = 0; i < mutant.plan->ncalls; i++)
		for (int w = 0; w < mutant.plan->workers; w++)
			if (mutant.plan->calls[i].resolved[w] == args) return &mutant.plan->calls[i];
	return NULL;
}

static void spoil(real *v, int64_t n, fault f) {
	if (f == ONE_OFF) v[n / 2] += 1;
	for (int64_t i = 0; i < n && f == SIGN; i++) v[i] = -v[i];
	for (int64_t i = 0; i < n / 2 && f == REVERSE; i++) {
		real kept = v[i];
		v[i] = v[n - 1 - i];
		v[n - 1 - i] = kept;
	}
}

/* Runs the right kernel and spoils what it wrote: one block of a block job, else the whole buffer. */
static void wrong(const void *args, int begin, int end, void *scratch) {
	const eg_call *c = call_of(args);
	const eg_plan *p = mutant.plan;
	bool indices = false; /* spoilt indices may lead anywhere */
	for (int i = c->reads; i < c->reads + c->writes; i++) indices |= c->buf[i] >= 0 && p->bufs[c->buf[i]].elem == 2;
	if (mutant.fault == SKIP_LAST && !indices && end == (c->block ? p->blocks : c->units)) {
		if (begin < end - 1) mutant.right(args, begin, end - 1, scratch);
		mutant.applied = true;
		return;
	}
	mutant.right(args, begin, end, scratch);
	int at = c->reads + mutant.output;
	if (mutant.fault == SKIP_LAST || mutant.output >= c->writes || c->buf[at] < 0 || p->bufs[c->buf[at]].elem == 2)
		return;
	const eg_pbuf *b = &p->bufs[c->buf[at]];
	eg_buf out;
	memcpy(&out, (const char *)args + (size_t)at * sizeof out, sizeof out);
	int64_t n = (int64_t)(eg_pbuf_bytes(p, b) / sizeof(real));
	if (c->block && b->block) n = b->samples_elems ? b->samples_elems * eg_block_size(p->N, begin) : b->count;
	if (mutant.fault == REVERSE && n < 2) return;
	spoil(c->block ? eg_at(out, begin) : out.p, n, mutant.fault);
	mutant.applied = true;
}

static void tamper(eg_kernels *k) {
	char *slot = (char *)k + mutant.slot->offset;
	eg_kernel w = wrong;
	memcpy(&mutant.right, slot, sizeof mutant.right);
	memcpy(slot, &w, sizeof w);
}

/* Does this setup notice? false also when it does not use the slot. */
static bool notices(setup s, double tolerance) {
	rig r;
	eg_error err;
	results want = {0}, have = {0};
	bool differs = false, used = false;
	s.tamper = tamper;
	if (rig_new(&r, &s, &err)) {
		mutant.plan = r.plan;
		for (int i = 0; i < r.plan->ncalls; i++) used |= r.plan->calls[i].run == wrong;
		if (used) {
			rig_fill(&r);
			rig_run(&r);
			results_take(&have, &r);
		}
	}
	rig_free(&r);
	setup reference = {.op = s.op,
		.c = s.c,
		.before = s.before,
		.after = s.after,
		.layout = EG_LAYOUT_PLAIN,
		.no_fusion = true,
		.no_defer = true};
	if (used && rig_new(&r, &reference, &err)) {
		rig_fill(&r);
		rig_run(&r);
		results_take(&want, &r);
		differs = results_differ(&want, &have, tolerance) != NULL;
		rig_free(&r);
	}
	results_free(&want);
	results_free(&have);
	return differs;
}

/* Looks for a case that notices the mutant, beginning with operator *first, and leaves there whose case it was. */
static const eg_case *hunt(double tolerance, int *first) {
	setup s = {0};
	for (int isa = 0; isa < EG_ISA_COUNT; isa++)
		if (isa_usable((eg_isa)isa)) s.isa = (eg_isa)isa;
	for (int i = 0; i < eg_ops_count; i++) {
		int at = (*first + i) % eg_ops_count;
		s.op = eg_ops[at];
		for (int k = 0; k < s.op->ncases; k++) {
			s.c = &s.op->cases[k];
			for (int layout = EG_LAYOUT_PLAIN; layout <= EG_LAYOUT_LANES; layout++) {
				s.layout = (eg_layout_choice)layout;
				if (!notices(s, tolerance)) continue;
				*first = at;
				return s.c;
			}
		}
	}
	return NULL;
}

int mutate(double tolerance) {
	int alive = 0, killed = 0;
	for (int i = 0; i < EG_COUNT(slots); i++) {
		bool used = false;
		int op = 0;
		for (int f = 0; f < FAULTS * 2; f++) {
			mutant = (struct mutant){.slot = &slots[i], .fault = (fault)(f / 2), .output = f % 2};
			if (mutant.fault == SKIP_LAST && mutant.output) continue; /* it concerns all outputs */
			if (!used && f) break;
			const eg_case *c = hunt(tolerance, &op);
			if (!mutant.applied) continue;
			used = true;
			killed += c != NULL;
			alive += c == NULL;
			printf("%-24s %-24s output %d: %s%s%s%s\n", slots[i].name, fault_names[mutant.fault],
				mutant.output, c ? eg_ops[op]->info.name : "NOT NOTICED", c ? " '" : "",
				c ? c->what : "", c ? "'" : "");
		}
		if (!used) printf("%-24s not used by any operator's case\n", slots[i].name);
	}
	printf("%d faults noticed, %d not noticed\n", killed, alive);
	return alive;
}
