/* optest_cells.c - wrong versions of the parts of a recurrent step: the slots that the recurrence calls, with matrices
 * of their own instead of the plan's buffers. Like optest_mutate.c they are made from the right ones: one output is
 * spoilt row by row, or the last row is left out. */
#include "optest_mutate.h"

#include <string.h>

/* All arguments begin with the number of rows and that of columns. */
typedef union part_args {
	struct {
		int rows, n;
	} size;
	eg_cell_args cell;
	eg_norm_args norm;
	eg_decay_args decay;
	eg_mul_args mul;
	eg_gates_args gates;
} part_args;
typedef enum kind { CELL, NORM, DECAY, MUL, GATES } kind;
static const size_t kind_bytes[] = {sizeof(eg_cell_args), sizeof(eg_norm_args), sizeof(eg_decay_args), sizeof(eg_mul_args), sizeof(eg_gates_args)};

/* An output: `blocks` blocks of columns of a matrix, beginning with block `first`. blocks 0: one number a row. */
typedef struct part_output {
	size_t p, ld;
	int first, blocks;
} part_output;

#define CELL_OUT(name, first, blocks) {offsetof(eg_cell_args, name), offsetof(eg_cell_args, ld_##name), first, blocks}
#define OUT(type, name) {offsetof(type, name), offsetof(type, ld_##name), 0, 1}
#define SLOT(kind, name) kind, #name, offsetof(eg_kernels, name)
static const struct part {
	kind kind;
	const char *name;
	size_t slot;
	part_output out[CELL_OUTPUTS];
	int outputs;
} parts[] = {
	{SLOT(CELL, rnn_fwd), {CELL_OUT(gates, 0, 1), CELL_OUT(h, 0, 1)}, 2},
	{SLOT(CELL, rnn_bwd), {CELL_OUT(gates, 0, 1)}, 1},
	{SLOT(CELL, lstm_fwd), {CELL_OUT(gates, 0, 4), CELL_OUT(c, 0, 1), CELL_OUT(h, 0, 1)}, 3},
	{SLOT(CELL, lstm_bwd), {CELL_OUT(gates, 0, 4), CELL_OUT(dc_prev, 0, 1)}, 2},
	{SLOT(CELL, lstm_out_fwd), {CELL_OUT(h, 0, 1)}, 1},
	{SLOT(CELL, lstm_out_bwd), {CELL_OUT(dcn, 0, 1)}, 1},
	{SLOT(CELL, gru_fwd), {CELL_OUT(gates, 0, 3), CELL_OUT(h, 0, 1)}, 2},
	{SLOT(CELL, gru_bwd), {CELL_OUT(gates, 0, 4), CELL_OUT(dh_prev, 0, 1)}, 2},
	{SLOT(CELL, gru_reset_fwd), {CELL_OUT(gates, 1, 2), CELL_OUT(rh, 0, 1)}, 2},
	{SLOT(CELL, gru_out_fwd), {CELL_OUT(gates, 0, 1), CELL_OUT(h, 0, 1)}, 2},
	{SLOT(CELL, gru_out_bwd), {CELL_OUT(gates, 0, 2), CELL_OUT(dh_prev, 0, 1)}, 2},
	{SLOT(CELL, gru_reset_bwd), {CELL_OUT(gates, 2, 1), CELL_OUT(dh_prev, 0, 1)}, 2},
	{SLOT(NORM, norm_fwd), {OUT(eg_norm_args, y), OUT(eg_norm_args, xhat), {offsetof(eg_norm_args, rstd), 0, 0, 0}}, 3},
	{SLOT(NORM, norm_bwd), {OUT(eg_norm_args, dx)}, 1},
	{SLOT(DECAY, decay_fwd), {OUT(eg_decay_args, y)}, 1},
	{SLOT(DECAY, decay_bwd), {OUT(eg_decay_args, dx), OUT(eg_decay_args, du)}, 2},
	{SLOT(MUL, mul_rows), {OUT(eg_mul_args, y)}, 1},
	{SLOT(GATES, gates_product), {{offsetof(eg_gates_args, c), offsetof(eg_gates_args, ldc), 0, 1}}, 1},
};

static struct {
	const struct part *part;
	fault fault;
	int output;
	bool *applied;
	eg_cell_kernel cell;
	eg_norm_kernel norm;
	eg_decay_kernel decay;
	eg_mul_kernel mul;
	eg_gates_kernel gates;
} broken;

static void run_right(const part_args *a) {
	switch (broken.part->kind) {
	case CELL: broken.cell(&a->cell); break;
	case NORM: broken.norm(&a->norm); break;
	case DECAY: broken.decay(&a->decay); break;
	case MUL: broken.mul(&a->mul); break;
	case GATES: broken.gates(&a->gates); break;
	}
}

static void run_wrong(const void *args) {
	part_args a;
	memcpy(&a, args, kind_bytes[broken.part->kind]);
	if (broken.fault == SKIP_LAST) {
		a.size.rows--;
		if (a.size.rows > 0) run_right(&a);
		*broken.applied = true;
		return;
	}
	run_right(&a);
	if (broken.output >= broken.part->outputs) return;
	const part_output *o = &broken.part->out[broken.output];
	real *p;
	ptrdiff_t ld = 1;
	memcpy(&p, (const char *)&a + o->p, sizeof p);
	if (o->blocks) memcpy(&ld, (const char *)&a + o->ld, sizeof ld);
	int64_t n = o->blocks ? a.size.n : 1;
	ptrdiff_t block = broken.part->kind == CELL ? a.cell.block : 0;
	if (p && broken.part->kind == GATES) { /* its units of the first gate */
		n = a.gates.end - a.gates.begin;
		p += a.gates.begin;
	}
	if (!p || (broken.fault == REVERSE && n < 2)) return;
	for (int i = 0; i < a.size.rows; i++)
		for (int k = 0; k < (o->blocks ? o->blocks : 1); k++) spoil(p + i * ld + (o->first + k) * block, n, broken.fault);
	*broken.applied = true;
}

static void wrong_cell(const eg_cell_args *a) { run_wrong(a); }
static void wrong_norm(const eg_norm_args *a) { run_wrong(a); }
static void wrong_decay(const eg_decay_args *a) { run_wrong(a); }
static void wrong_mul(const eg_mul_args *a) { run_wrong(a); }
static void wrong_gates(const eg_gates_args *a) { run_wrong(a); }

int cells_count(void) { return EG_COUNT(parts); }
const char *cells_name(int i) { return parts[i].name; }

void cells_break(eg_kernels *k, int i, fault f, int output, bool *applied) {
	static const eg_cell_kernel cell = wrong_cell;
	static const eg_norm_kernel norm = wrong_norm;
	static const eg_decay_kernel decay = wrong_decay;
	static const eg_mul_kernel mul = wrong_mul;
	static const eg_gates_kernel gates = wrong_gates;
	char *slot = (char *)k + parts[i].slot;
	broken.part = &parts[i], broken.fault = f, broken.output = output, broken.applied = applied;
	switch (parts[i].kind) {
	case CELL: memcpy(&broken.cell, slot, sizeof cell), memcpy(slot, &cell, sizeof cell); break;
	case NORM: memcpy(&broken.norm, slot, sizeof norm), memcpy(slot, &norm, sizeof norm); break;
	case DECAY: memcpy(&broken.decay, slot, sizeof decay), memcpy(slot, &decay, sizeof decay); break;
	case MUL: memcpy(&broken.mul, slot, sizeof mul), memcpy(slot, &mul, sizeof mul); break;
	case GATES: memcpy(&broken.gates, slot, sizeof gates), memcpy(slot, &gates, sizeof gates); break;
	}
}
