/* optest_mutate.c - does the tester notice a broken kernel? One slot of the kernel table at a time is replaced by a
 * wrong version, made from the right one without knowing it: after the right kernel has run, its result is spoilt;
 * or it is not run to the end. */
#include "optest_mutate.h"

#include <string.h>

#define CONV(i) X(conv[i].pack) X(conv[i].run[0]) X(conv[i].run[1]) X(conv[i].run[2])
#define SLOTS(X)                                                                                                       \
	X(gemm) X(gemm_pack) X(gemm_packed) X(conv_lanes_pack) X(conv_lanes_fwd) X(conv_lanes_bwd_data)                \
	X(conv_lanes_bwd_weights) X(conv_plain_pack) X(conv_plain_fwd) X(conv_plain_bwd_data)                          \
	X(conv_plain_bwd_weights) CONV(0) CONV(1) CONV(2) CONV(3) X(maxpool_fwd) X(maxpool_bwd) X(avgpool_fwd) X(avgpool_bwd) X(act_fwd) X(act_bwd)    \
	X(upsample_fwd) X(upsample_bwd)                                                                                \
	X(conv_pool_pack) X(conv_pool_fwd) X(conv_pool_unpool) X(conv_pool_bwd_weights) X(batchnorm_fold) \
	X(batchnorm_part) X(batchnorm_stats) X(batchnorm_fixed) X(batchnorm_fwd) X(batchnorm_bwd_part)                 \
	X(batchnorm_bwd_stats) X(batchnorm_bwd) X(pad_fwd) X(pad_bwd)                                                  \
	X(unary_fwd) X(unary_bwd) X(binary) X(binary_bwd) X(select) X(reduce) X(reduce_bwd)                           \
	X(copy) X(fill) X(dropout)                                                                                     \
	X(add) X(sum_to) X(strided) X(concat) X(split) X(softmax_fwd) X(softmax_bwd) X(ce_denom) X(ce_fwd) X(ce_mean) X(ce_bwd)                      \
	X(embed_fwd) X(embed_bwd) X(steps) X(pool_steps) X(attention_fwd) X(attention_bwd) X(regress_fwd)              \
	X(regress_bwd) X(element_loss_fwd) X(element_loss_bwd) X(reorder) X(reorder_blocked)                                                                                 \
	X(shard_sum) X(sum_rows)                                                                                        \
	X(ctc_fwd) X(ctc_bwd) X(ctc_decode) X(loss_sum) X(crf_fwd) X(crf_bwd) X(crf_path)              \
	X(gates_pack) X(recurrent_fwd) X(recurrent_bwd) X(dot_rows)

static const struct slot {
	const char *name;
	size_t offset;
} slots[] = {
#define X(name) {#name, offsetof(eg_kernels, name)},
	SLOTS(X)
#undef X
};

static const char *const fault_names[] = {"sign flipped", "order reversed", "one element off by one",
"last unit skipped"}; 
/* What is right in any order: all elements are equal, or they are only summed up. */
static const char *const orderless[] = {"fill", "regress_fwd", "element_loss_fwd"};

/* A kernel has no room for a pointer of ours. */
static struct mutant {
	const struct slot *slot; /* NULL: one that the recurrence calls, number `cell` */
	int cell;
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

/* Which position won, in a pooling; 16 bits each, or, where a convolution pools, 8. */
static bool holds_indices(const eg_call *c, int i) {
	if (c->buf[i] < 0) return false;
	return mutant.plan->bufs[c->buf[i]].elem == 2 || (i > c->reads && !strcmp(c->kernel, "conv_pool_fwd"));
}

void spoil(real *v, int64_t n, fault f) {
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
	if (!c) { /* not the plan's call but one inside of another kernel, as the recurrence makes them */
		mutant.right(args, begin, end, scratch);
		return;
	}
	bool indices = false; /* spoilt indices may lead anywhere */
	for (int i = c->reads; i < c->reads + c->writes; i++) indices |= holds_indices(c, i);
	if (mutant.fault == SKIP_LAST && !indices && end == c->units) {
		if (begin < end - 1) mutant.right(args, begin, end - 1, scratch);
		mutant.applied = true;
		return;
	}
	mutant.right(args, begin, end, scratch);
	int at = c->reads + mutant.output;
	if (mutant.fault == SKIP_LAST || mutant.output >= c->writes || c->buf[at] < 0 || holds_indices(c, at))
		return;
	const eg_pbuf *b = &p->bufs[c->buf[at]];
	eg_buf out;
	memcpy(&out, (const char *)args + (size_t)at * sizeof out, sizeof out);
	int64_t n = (int64_t)(eg_pbuf_bytes(b) / sizeof(real)) - c->begin[at];
	if (c->block && b->block) n = b->samples_elems ? b->samples_elems * eg_block_size(b->samples, begin) : b->count;
	if (mutant.fault == REVERSE && n < 2) return;
	spoil(c->block ? eg_at(out, begin) : out.p, n, mutant.fault);
	mutant.applied = true;
}

static void tamper(eg_kernels *k) {
	if (!mutant.slot) {
		cells_break(k, mutant.cell, mutant.fault, mutant.output, &mutant.applied);
		return;
	}
	char *slot = (char *)k + mutant.slot->offset;
	eg_kernel w = wrong;
	memcpy(&mutant.right, slot, sizeof mutant.right);
	memcpy(slot, &w, sizeof w);
}

static bool uses(eg_kernel run) {
	if (mutant.slot) return run == wrong;
	eg_kernels k;
	eg_kernels_ref(&k); /* its recurrence is every table's */
	return run == k.recurrent_fwd || run == k.recurrent_bwd;
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
		for (int i = 0; i < r.plan->ncalls; i++) used |= uses(r.plan->calls[i].run);
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
		.after_options = s.after_options,
		.inference = s.inference,
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
	if (mutant.slot && !strncmp(mutant.slot->name, "conv_pool_", 10)) follow_with_pool(&s);
	if (mutant.slot && !strcmp(mutant.slot->name, "batchnorm_fold")) follow_with_norm(&s);
	for (int i = 0; i < eg_ops_count; i++) {
		int at = (*first + i) % eg_ops_count;
		s.op = eg_ops[at];
		for (int k = 0; k < s.op->ncases; k++) {
			s.c = &s.op->cases[k];
			s.layout = EG_LAYOUT_PLAIN;
			s.algorithm = EG_ALGORITHM_AUTO;
			do {
				if (!notices(s, tolerance)) continue;
				*first = at;
				return s.c;
			} while (next_way(&s));
		}
	}
	return NULL;
}

static bool harmless(const char *slot, fault f) {
	for (int i = 0; i < EG_COUNT(orderless); i++)
		if (f == REVERSE && !strcmp(slot, orderless[i])) return true;
	return false;
}

/* All faults of one slot; adds up how many were noticed and how many not. */
static void mutate_slot(const struct slot *slot, int cell, double tolerance, int *killed, int *alive) {
	const char *name = slot ? slot->name : cells_name(cell);
	const int outputs = slot ? 2 : CELL_OUTPUTS;
	bool used = false;
	int op = 0;
	for (int f = 0; f < FAULTS * outputs; f++) {
		mutant = (struct mutant){.slot = slot, .cell = cell, .fault = (fault)(f / outputs), .output = f % outputs};
		if (mutant.fault == SKIP_LAST && mutant.output) continue; /* it concerns all outputs */
		if (harmless(name, mutant.fault)) continue;
		if (!used && f) break;
		const eg_case *c = hunt(tolerance, &op);
		if (!mutant.applied) continue;
		used = true;
		*killed += c != NULL;
		*alive += c == NULL;
		printf("%-24s %-24s output %d: %s%s%s%s\n", name, fault_names[mutant.fault], mutant.output,
			c ? eg_ops[op]->info.name : "NOT NOTICED", c ? " '" : "", c ? c->what : "", c ? "'" : "");
	}
	if (used) return;
	++*alive;
	printf("%-24s NOT NOTICED: not used by any operator's case\n", name);
}

int mutate(double tolerance) {
	int alive = 0, killed = 0;
	for (int i = 0; i < EG_COUNT(slots); i++) mutate_slot(&slots[i], 0, tolerance, &killed, &alive);
	for (int i = 0; i < cells_count(); i++) mutate_slot(NULL, i, tolerance, &killed, &alive);
	recurrent_mistakes(tolerance, &killed, &alive);
	descriptor_mistakes(tolerance, &killed, &alive);
	printf("%d faults noticed, %d not noticed\n", killed, alive);
	return alive;
}
