/* optest_contract.c - is an operator what its descriptor says? What bwd reads, the layouts, the names of weights; that
 * nothing depends on what lies behind lengths, and nothing on whether the next operator writes over the output.
 *
 * Where a member is wrong the numbers need not be: a plan may happen to leave alone what an op reads without saying so.
 * So what is said is compared with what is done, besides. */
#include "optest.h"

#include <ctype.h>
#include <string.h>

/* ---- what is said and what is done ------------------------------------------------------------------------------- */

/* Is it this name of the list? Where there are layers "l3.weight" is "l0.weight" of another one. */
static bool same_name(const char *listed, const char *name) {
	if (!strcmp(listed, name)) return true;
	const char *dot = strchr(name, '.');
	return name[0] == 'l' && isdigit((unsigned char)name[1]) && dot && !strncmp(listed, "l0.", 3) && !strcmp(listed + 3, dot + 1);
}

/* The place of a node's parameter in the list of its op; -1: it is not there. */
static int listed(const rig *r, const eg_op *op, const eg_node *n, int i) {
	const char *name = r->graph->params[n->param[i]].name + strlen(n->name) + 1;
	for (int k = 0; op->info.params && op->info.params[k]; k++)
		if (same_name(op->info.params[k], name)) return k;
	return -1;
}

static bool is_own(const rig *r, const eg_node *n) { return n->op == r->s->op || (r->s->instead && n->op == r->s->instead); }

const char *undeclared(const rig *r) {
	if (r->plan->undeclared) return r->plan->undeclared;
	for (int k = 0; k < r->graph->nnodes; k++) {
		const eg_node *n = &r->graph->nodes[k];
		for (int i = 0; i < n->nparams && is_own(r, n); i++)
			if (listed(r, n->op, n, i) < 0) return r->graph->params[n->param[i]].name;
	}
	return NULL;
}

void note_used(tally *t, const rig *r) {
	for (int k = 0; k < r->graph->nnodes; k++) {
		const eg_node *n = &r->graph->nodes[k];
		if (!is_own(r, n)) continue;
		t->read_x |= r->plan->nodes[k].read_x;
		t->read_y |= r->plan->nodes[k].read_y;
		for (int i = 0; i < n->nparams; i++) t->params |= (uint64_t)1 << (listed(r, n->op, n, i) & 63);
	}
}

void check_used(tally *t, const eg_op *op) {
	static const eg_case all = {.what = "all cases"};
	const setup s = {.op = op, .c = &all};
	check(t, &s, t->read_x || !op->bwd_reads_x, "bwd_reads_x is said", "but no backward pass asks for x");
	check(t, &s, t->read_y || !op->bwd_reads_y, "bwd_reads_y is said", "but no backward pass asks for y");
	for (int k = 0; op->info.params && op->info.params[k]; k++)
		check(t, &s, k < 64 && t->params >> k & 1, "no case has the parameter", op->info.params[k]);
}

/* ---- padding ----------------------------------------------------------------------------------------------------- */

static void check_padding_of(tally *t, setup s) {
	results want = {0};
	if (!run_setup(t, &s, &want)) return;
	for (s.padding = PADDED_BY_NAN; s.padding < PADDINGS; s.padding = (padding)(s.padding + 1)) {
		results have = {0};
		if (run_setup(t, &s, &have)) {
			const char *why = results_differ(&want, &have, 0);
			check(t, &s, !why, s.padding == PADDED_BY_NAN ? "NaN behind lengths matters" : "infinities behind lengths matter", why);
		}
		results_free(&have);
	}
	results_free(&want);
}

void check_padding(tally *t, setup s) {
	if (!has_lengths(&s)) return;
	for (int isa = 0; isa < EG_ISA_COUNT; isa++) {
		if (!wanted(t, isa)) continue;
		s.isa = (eg_isa)isa;
		for (int way = 0; way < 4; way++) {
			if (s.c->batch > 100 && way) break;
			s.inference = way == 1;
			s.checkpoint = way == 2 ? 2 : 0;
			s.twice = way == 3;
			check_padding_of(t, s);
		}
	}
}

/* ---- an output that is overwritten ------------------------------------------------------------------------------- */

void check_overwritten(tally *t, setup s) {
	if (!follow_in_place(&s)) return;
	for (int isa = 0; isa < EG_ISA_COUNT; isa++) {
		results want = {0}, have = {0};
		if (!wanted(t, isa)) continue;
		s.isa = (eg_isa)isa;
		s.keep = true;
		bool ok = run_setup(t, &s, &want);
		s.keep = false;
		if (ok && run_setup(t, &s, &have)) {
			const char *why = results_differ(&want, &have, tolerance_of(&s));
			check(t, &s, !why, "differs when its output is overwritten", why);
		}
		results_free(&want);
		results_free(&have);
	}
}
