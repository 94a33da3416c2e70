/* unroll.h - a model's network taken apart at its recurrent layers, so that their states can be set and seen at every
 * step. */
#ifndef ENGRAM_REPORT_UNROLL_H
#define ENGRAM_REPORT_UNROLL_H

#include "base/base.h"
#include "engram_io.h"

enum { EG_MAX_RECURRENT = 16 }; /* recurrent nodes in a network */

/* One recurrent node. */
typedef struct eg_memory_cell {
	const char *name, *op;  /* "lstm1", "lstm"; they belong to the model's graph */
	int layers, directions; /* layers counts both directions: it is the first size of the state */
	int hidden, cells;      /* size of h and of c; cells 0: it has no c */
	int gates;              /* how many its output `gates`, (layers,T,N,gates,hidden or cells), has; 0: none */
} eg_memory_cell;

/* The network again with its recurrent nodes' states as inputs and outputs, without dropout, and without `lengths`:
 * every sequence has all steps. Inputs "input" and "target" as in the model; state_name says what the others are
 * called. */
typedef struct eg_unrolled {
	eg_graph *graph;
	eg_params *params;
	int n;
	eg_memory_cell cell[EG_MAX_RECURRENT];
	char no_gradient[300]; /* why d loss / d state cannot be taken step by step; empty: it can */
} eg_unrolled;

/* cell NULL: the model's network with its weights. Else "rnn", "lstm" or "gru": a plain one in the place of each
 * recurrent node, with as many hidden units and layers, and initial weights of `seed`. A model without recurrence is
 * EG_ERR_ARG. `u` is to be freed in every case. */
eg_status eg_unroll(eg_unrolled *u, eg_model *m, const char *cell, uint64_t seed, eg_error *err);
void eg_unroll_free(eg_unrolled *u);

/* "hn", "cn", "states", "cells", "gates" (outputs), "h0", "c0" (inputs) of recurrent node i. */
const char *eg_unroll_name(char buf[32], const char *what, int i);

/* Sequences of equal length, and what is wanted after the last step. */
typedef struct eg_sequences {
	int steps, n;         /* T, N */
	void *input, *target; /* (T,N,...) and of the last step (N,...), as the network takes them */
	size_t input_step;    /* bytes of one step of `input`, all samples */
	size_t target_size;   /* bytes */
} eg_sequences;

/* Norms of d loss(T) / d state(t), means over the sequences. loss(T) is the loss of what the network says after step
 * T, and state(t) what the recurrent layers hold after t steps, t = 0..T-1; h and c are taken as independent. Rows:
 * all h together, all c together, then of each node and layer h and c. NAN where there is no c. */
enum { EG_NORM_H, EG_NORM_C, EG_NORM_LAYERS };
int eg_unroll_rows(const eg_unrolled *u);
const char *eg_unroll_row_name(const eg_unrolled *u, int row, char buf[96]); /* "h", "c", "lstm1 layer 2 h" */
/* norms: rows x T, from malloc'd memory of the caller. */
eg_status eg_unroll_norms(const eg_unrolled *u, const eg_sequences *s, double *norms, eg_error *err);

#endif
