/* optest_mutate.c - does the tester notice a broken kernel? One slot of the kernel table at a time is replaced by a
 * wrong version, made from the right one without knowing it: after the right kernel has run, its result is spoilt;
 * or it is not run to the end. */
#include "optest_mutate.h"

#include "core/context.h"
#include "kern/slots.h"

#include <stdlib.h>
#include <string.h>

/* What no operator's case calls: it is the optimizer's, a loop's (test_loop.c), keeps what the next run begins with
 * (test_kern_sequence.c, test_attention_session.c), or looks where a loss's sequences end (test_packing.c). */
static const char *const of_others[] = {"update", "sumsq", "clip_value", "blend", "loop_rows", "keep_rows", "ends"};

static const char *const fault_names[] = {"sign flipped", "order reversed", "one element off by one",
"last unit skipped"};
/* What is right in any order: all elements are equal, or they are only summed up. */
static const char *const orderless[] = {"fill", "regress_fwd", "element_loss_fwd"};

/* A kernel has no room for a pointer of ours. */
static struct mutant {
	const eg_slot *slot; /* NULL: one that the recurrence calls, number `cell` */
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
static void wrong(const void *args, int begin, int end, const eg_worker *worker) {
	const eg_call *c = call_of(args);
	const eg_plan *p = mutant.plan;
	if (!c) { /* not the plan's call but one inside of another kernel, as the recurrence makes them */
		mutant.right(args, begin, end, worker);
		return;
	}
	bool indices = false; /* spoilt indices may lead anywhere */
	for (int i = c->reads; i < c->reads + c->writes; i++) indices |= holds_indices(c, i);
	if (mutant.fault == SKIP_LAST && !indices && end == c->units) {
		if (begin < end - 1) mutant.right(args, begin, end - 1, worker);
		mutant.applied = true;
		return;
	}
	mutant.right(args, begin, end, worker);
	int at = c->reads + mutant.output;
	if (mutant.fault == SKIP_LAST || mutant.output >= c->writes || c->buf[at] < 0 || holds_indices(c, at))
		return;
	const eg_pbuf *b = &p->bufs[c->buf[at]];
	if (!strcmp(c->kernel, "cast") && b->elem != sizeof(real)) return; /* spoiling writes real numbers */
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
	mutant.right = eg_slot_kernel(mutant.slot, k);
	eg_slot_put(mutant.slot, k, wrong);
}

static bool uses(eg_kernel run) {
	if (mutant.slot) return run == wrong;
	eg_kernels k;
	eg_kernels_ref(&k); /* its recurrence is every table's */
	return run == k.recurrent_fwd || run == k.recurrent_bwd;
}

/* ---- which setups call which slot -------------------------------------------------------------------------------- */

/* One way to run one case, and the slots that its plan calls: found once, so that a mutant is looked for where its slot
 * is used only. */
typedef struct visit {
	int op, kase;
	eg_layout_choice layout;
	eg_algorithm algorithm;
	bool used[EG_SLOTS];
	results *want; /* what is right; that of its case's first visit, where it is computed when it is asked for */
} visit;

/* What follows the operator: nothing, the pooling that a convolution may take over, the norm that it may fold. */
typedef enum tail { ALONE, BEFORE_POOL, BEFORE_NORM, TAILS } tail;

static struct {
	visit *at;
	int n;
} visits[TAILS];

static setup setup_of(tail after) {
	setup s = {0};
	for (int isa = 0; isa < EG_ISA_COUNT; isa++)
		if (isa_usable((eg_isa)isa)) s.isa = (eg_isa)isa;
	if (after == BEFORE_POOL) follow_with_pool(&s);
	if (after == BEFORE_NORM) follow_with_norm(&s);
	return s;
}

static void note_slots(visit *v, const rig *r) {
	for (int i = 0; i < EG_SLOTS; i++) {
		eg_kernel k = eg_slot_kernel(eg_slot_at((eg_slot_id)i), &r->ctx->kern);
		for (int c = 0; c < r->plan->ncalls; c++) v->used[i] |= r->plan->calls[c].run == k;
	}
}

static void visit_all(tail after) {
	setup s = setup_of(after);
	int room = 0;
	for (int i = 0; i < eg_ops_count; i++)
		for (int k = 0; k < eg_ops[i]->ncases; k++) {
			s.op = eg_ops[i];
			s.c = &s.op->cases[k];
			s.layout = EG_LAYOUT_PLAIN; /* what the planner chooses itself is among what follows */
			s.algorithm = EG_ALGORITHM_AUTO;
			results *want = calloc(1, sizeof *want);
			if (!want) abort();
			do {
				rig r;
				eg_error err;
				if (visits[after].n == room) {
					room = room ? 2 * room : 1024;
					visits[after].at = realloc(visits[after].at, (size_t)room * sizeof(visit));
					if (!visits[after].at) abort();
				}
				visit *v = &visits[after].at[visits[after].n];
				*v = (visit){.op = i, .kase = k, .layout = s.layout, .algorithm = s.algorithm, .want = want};
				if (rig_new(&r, &s, &err)) {
					note_slots(v, &r);
					visits[after].n++;
				}
				rig_free(&r);
			} while (next_way(&s));
			/* no plan can be made of it */
			if (!visits[after].n || visits[after].at[visits[after].n - 1].want != want) free(want);
		}
}

static void forget_visits(tail after) {
	for (int i = 0; i < visits[after].n; i++) {
		results *want = visits[after].at[i].want;
		if (i && want == visits[after].at[i - 1].want) continue;
		results_free(want);
		free(want);
	}
	free(visits[after].at);
}

/* Does it call the mutant's slot; or, of a part of the recurrence, the recurrence? */
static bool visits_mutant(const visit *v) {
	for (int i = 0; i < EG_SLOTS; i++) {
		bool meant = mutant.slot ? mutant.slot == eg_slot_at((eg_slot_id)i) : i == EG_SLOT_recurrent_fwd || i == EG_SLOT_recurrent_bwd;
		if (meant && v->used[i]) return true;
	}
	return false;
}

/* ---- the hunt ---------------------------------------------------------------------------------------------------- */

/* Of a case, by the reference: PLAIN, one thread, nothing fused or put off. */
static const results *right_of(const visit *v, const setup *s) {
	setup reference = {.op = s->op,
		.c = s->c,
		.before = s->before,
		.after = s->after,
		.after_options = s->after_options,
		.inference = s->inference,
		.layout = EG_LAYOUT_PLAIN,
		.no_fusion = true,
		.no_defer = true};
	rig r;
	eg_error err;
	if (!v->want->n && rig_new(&r, &reference, &err)) {
		rig_fill(&r);
		rig_run(&r);
		results_take(v->want, &r);
		rig_free(&r);
	}
	return v->want;
}

/* Does this setup notice? false also when it does not use the slot. */
static bool notices(const visit *v, setup s, double tolerance) {
	rig r;
	eg_error err;
	results have = {0};
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
	if (used) differs = results_differ(right_of(v, &s), &have, tolerance) != NULL;
	results_free(&have);
	return differs;
}

static tail tail_of(const eg_slot *slot) {
	if (slot && !strncmp(slot->name, "conv_pool_", 10)) return BEFORE_POOL;
	return slot && !strcmp(slot->name, "batchnorm_fold") ? BEFORE_NORM : ALONE;
}

/* Looks for a case that notices the mutant, beginning with visit *first, and leaves there where that was. */
static const visit *hunt(double tolerance, int *first) {
	tail after = tail_of(mutant.slot);
	if (!visits[after].at) visit_all(after);
	setup s = setup_of(after);
	for (int i = 0; i < visits[after].n; i++) {
		int at = (*first + i) % visits[after].n;
		const visit *v = &visits[after].at[at];
		if (!visits_mutant(v)) continue;
		s.op = eg_ops[v->op];
		s.c = &s.op->cases[v->kase];
		s.layout = v->layout;
		s.algorithm = v->algorithm;
		if (!notices(v, s, tolerance)) continue;
		*first = at;
		return v;
	}
	return NULL;
}

static bool listed(const char *const *names, int n, const char *name) {
	for (int i = 0; i < n; i++)
		if (!strcmp(names[i], name)) return true;
	return false;
}

/* All faults of one slot; adds up how many were noticed and how many not. */
static void mutate_slot(const eg_slot *slot, int cell, double tolerance, int *killed, int *alive) {
	const char *name = slot ? slot->name : cells_name(cell);
	const int outputs = slot ? 2 : CELL_OUTPUTS;
	bool used = false;
	int first = 0;
	for (int f = 0; f < FAULTS * outputs; f++) {
		mutant = (struct mutant){.slot = slot, .cell = cell, .fault = (fault)(f / outputs), .output = f % outputs};
		if (mutant.fault == SKIP_LAST && mutant.output) continue; /* it concerns all outputs */
		if (mutant.fault == REVERSE && listed(orderless, EG_COUNT(orderless), name)) continue;
		if (!used && f) break;
		const visit *v = hunt(tolerance, &first);
		if (!mutant.applied) continue;
		used = true;
		*killed += v != NULL;
		*alive += v == NULL;
		printf("%-24s %-24s output %d: %s%s%s%s\n", name, fault_names[mutant.fault], mutant.output,
			v ? eg_ops[v->op]->info.name : "NOT NOTICED", v ? " '" : "", v ? eg_ops[v->op]->cases[v->kase].what : "", v ? "'" : "");
	}
	if (used) return;
	++*alive;
	printf("%-24s NOT NOTICED: not used by any operator's case\n", name);
}

int mutate(double tolerance) {
	int alive = 0, killed = 0;
	for (int i = 0; i < EG_SLOTS; i++) {
		const eg_slot *s = eg_slot_at((eg_slot_id)i);
		if (!listed(of_others, EG_COUNT(of_others), s->name)) mutate_slot(s, 0, tolerance, &killed, &alive);
	}
	for (int i = 0; i < cells_count(); i++) mutate_slot(NULL, i, tolerance, &killed, &alive);
	recurrent_mistakes(tolerance, &killed, &alive);
	descriptor_mistakes(tolerance, &killed, &alive);
	printf("%d faults noticed, %d not noticed\n", killed, alive);
	for (int i = 0; i < TAILS; i++) forget_visits((tail)i);
	return alive;
}
