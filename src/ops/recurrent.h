/* recurrent.h - what the operators rnn, lstm and gru (recurrent.c) tell the emitter of their calls
 * (recurrent_emit_fwd.c, recurrent_emit_bwd.c). */
#ifndef ENGRAM_OPS_RECURRENT_H
#define ENGRAM_OPS_RECURRENT_H

#include "ops/ops.h"

enum { RECURRENT_LAYERS = 8 };

/* The options of all three, resolved. */
typedef struct recurrent {
	eg_cell cell;
	int H, P, layers, dirs; /* P: numbers of state h; dirs: 1 or 2 */
	int G, S;               /* gates in the weights, blocks of H columns in a row of the gate buffer (kern.h) */
	bool reverse, sum, bias, norm, decay, peephole, coupled, reset_before, mirror;
	float dropout, recurrent_dropout, forget_bias;
	float zone_h, zone_c; /* zoneout of h, and of c of lstm */
	bool zones;           /* at random, as in training; else their expectation */
	real clip;
	eg_act act, gate_act, out_act;
} recurrent;

/* Numbers of the inputs and outputs; -1: it has no such thing. */
typedef struct recurrent_ports {
	int lengths, h0, c0, dt;
	int hn, cn, states, cells, gates;
} recurrent_ports;
recurrent_ports recurrent_ports_of(const recurrent *r);

/* The weights of one layer, in this order; those that the options do not ask for are left out. */
typedef enum recurrent_weight {
	WEIGHT,
	RECURRENT_WEIGHT,
	BIAS,
	RECURRENT_BIAS,
	PEEPHOLE,
	PROJECTION,
	DECAY,
	NORM_GAIN,
	NORM_BIAS,
	RECURRENT_WEIGHTS
} recurrent_weight;
bool recurrent_has(const recurrent *r, recurrent_weight kind);
int recurrent_param(const recurrent *r, int layer, recurrent_weight kind); /* its number */
/* (rows, columns) of one direction; columns 1 for lists. I: inputs of the network. */
void recurrent_size(const recurrent *r, int layer, int64_t I, recurrent_weight kind, int64_t *rows, int64_t *columns);
/* Numbers that layer `layer` reads at each time. */
static inline int64_t recurrent_inputs(const recurrent *r, int layer, int64_t I) {
	return layer == 0 ? I : r->sum ? r->P : (int64_t)r->P * r->dirs;
}

/* recurrent_onnx.c */
void recurrent_export(eg_export *x, const recurrent *r);
bool recurrent_import(eg_import *m, const char *op);

void recurrent_emit_fwd(eg_emit *e, const recurrent *r);
void recurrent_emit_bwd(eg_emit *e, const recurrent *r);

#endif
