/* kern_crf.h - losses and decoding of sequences (kern.h): CTC and the linear-chain CRF. */
#ifndef ENGRAM_KERN_CRF_H
#define ENGRAM_KERN_CRF_H

#include "kern/kern_types.h"

/* Sequences (T,N,...), row-major; all jobs global. Everything is summed as logarithms, each time step relative to its
 * largest (the sum of these is kept in double), so that nothing overflows or vanishes. int32 buffers: target, lengths,
 * path, ids.
 *
 * CTC (Graves et al. 2006). target (N,L); a sample's states are s = 0..2 len: blanks at even s, label (s-1)/2 at odd s.
 * Its input length is input_lengths[n], or T where that is absent; its target length target_lengths[n], or, absent, the
 * labels before the first -1. A sample is impossible when no alignment has a probability: too short for its labels (a
 * repeated label needs a blank in between), a label outside of 0..C-1 or equal to blank, a length outside of 0..T or
 * 0..L.
 * ctc_fwd: from x (T,N,C) and prob = softmax(x): losses[n] = -log p(target | x), +infinity for an impossible sample (0
 * with zero_infinity);
 *          factor[n] = 0 for an impossible sample, else, by_length, 1 / max(1, target length), else 1; alpha
 *          (N,T,2L+1), absent at inference: log p(a prefix that ends in state s), each step less its largest. A unit is
 *          a sample. Scratch: eg_ctc_scratch bytes.
 * ctc_bwd: dx = [dx +] dloss factor[n] scale (prob - occupancy), zero beyond the input length and for impossible
 * samples. dloss is one number or, `each`,
 *          one a sample. The occupancies follow backwards from alpha: p(s' at t-1 | s at t) = alpha[s'] / sum over s''
 *          that lead to s. A unit is a sample; the same scratch.
 * ctc_decode: ids (T,N) = the labels read off, -1 behind them. beam 1: the largest x of each step, repeats merged,
 * blanks left out. beam > 1:
 *          the prefix with the largest probability among those that a beam of that width kept (Graves 2012; ties: the
 *          smaller label). x and prob as in ctc_fwd; prob may be absent with beam 1. A unit is a sample; scratch:
 *          eg_ctc_decode_scratch bytes, none with beam 1.
 * loss_sum: loss[0] = scale * sum over n of factor[n] losses[n] (factor absent: 1) in rising order, in double; an
 * infinite loss stays
 *          infinite whatever its factor. One unit. */
typedef struct eg_ctc_shape {
	int T, N, C, L, blank;
	bool by_length, zero_infinity;
} eg_ctc_shape;
typedef struct eg_ctc_fwd_args {
	eg_buf x, prob, target, input_lengths, target_lengths, losses, factor, alpha;
	eg_ctc_shape s;
} eg_ctc_fwd_args;
typedef struct eg_ctc_bwd_args {
	eg_buf prob, target, input_lengths, target_lengths, factor, alpha, dloss, dx;
	eg_ctc_shape s;
	real scale;
	bool each, acc;
} eg_ctc_bwd_args;
typedef struct eg_ctc_decode_args {
	eg_buf x, prob, input_lengths, ids;
	int T, N, C, blank, beam;
} eg_ctc_decode_args;
EG_ALWAYS_INLINE size_t eg_ctc_scratch(const eg_ctc_shape *s) {
	return (4 * (2 * (size_t)s->L + 1) + (size_t)s->C) * sizeof(real);
}
/* A prefix that the search has kept at some step: its last label, the prefix before, and its extensions as a list. */
typedef struct eg_ctc_node {
	int32_t parent, label, child, sibling;
} eg_ctc_node;
/* A prefix in the beam, or one that may come into it: log probabilities of the alignments that end in a blank and in
 * its last label. */
typedef struct eg_ctc_prefix {
	real blank, label, all;
	int32_t node, add; /* add >= 0: the prefix is that of the node and this label */
} eg_ctc_prefix;
EG_ALWAYS_INLINE size_t eg_ctc_decode_scratch(const eg_ctc_decode_args *a) {
	size_t beam = (size_t)a->beam, nodes = 1 + (size_t)a->T * beam, row = (size_t)a->C;
	if (beam == 1) return 0;
	return 2 * beam * sizeof(eg_ctc_prefix) + row * sizeof(real) + nodes * sizeof(eg_ctc_node) + row;
}
typedef struct eg_loss_sum_args {
	eg_buf losses, factor, loss;
	int n;
	double scale;
} eg_loss_sum_args;

/* Linear-chain CRF (Lafferty et al. 2001): score(tags | x) = start[tag 0] + sum of x[t][tag t] + sum of transitions[tag
 * t-1][tag t] + end[last tag]. x (T,N,K), target (T,N) the tags, transitions (K,K). A sample's length is lengths[n],
 * or, absent, the tags before the first -1 (crf_path: T).
 * crf_fwd:  losses[n] = log sum over all paths of exp(score) - score(target); length 0: 0; a length outside of 0..T or
 *           a tag outside of 0..K-1: NaN. alpha (N,T,K), absent at inference: log sums over the paths that end in tag k
 *           at t, each step less its largest. A unit is a sample;
 *           scratch: eg_crf_scratch bytes, as in the others.
 * crf_bwd:  with w = dloss scale: dx = [dx +] w (p(tag k at t) - [target is k]), zero beyond the length; and the same
 *           differences, pairs, first and last tags, summed over the samples of a unit: d_transitions (units,K,K),
 *           d_start and d_end (units,K). Unit u is samples [u*rows, (u+1)*rows) of N. dx may be absent. Probabilities
 *           follow backwards from alpha as in ctc_bwd. NaN where the loss is.
 * crf_path: path (T,N) = the tags with the largest score (Viterbi; ties: the smaller tag), -1 beyond the length. A unit
 * is a sample. */
typedef struct eg_crf_shape {
	int T, N, K;
} eg_crf_shape;
EG_ALWAYS_INLINE size_t eg_crf_scratch(const eg_crf_shape *s) {
	return 4 * (size_t)s->K * sizeof(real) + (size_t)s->T * (size_t)s->K * sizeof(int32_t);
}
/* Two inner parts of these, which a table may do better; the walk over the steps is the same for all.
 * crf_columns: max[j] = the largest over i of v = alpha[i] + w[i*K + j] (0 where that is -infinity), sum[j] = sum over
 * i of exp(v - max[j]).
 * crf_pairs:   p = now[j] exp(v - max[j]) for all i, j; pairs[i*K + j] += scale p; before[i] = sum over j of p. */
typedef struct eg_crf_row_args {
	int K;
	real scale;
	const real *alpha, *w, *now;
	real *max, *sum, *pairs, *before;
} eg_crf_row_args;
typedef void (*eg_crf_kernel)(const eg_crf_row_args *a);
typedef struct eg_crf_fwd_args {
	eg_buf x, target, lengths, transitions, start, end, losses, alpha;
	eg_crf_shape s;
} eg_crf_fwd_args;
typedef struct eg_crf_bwd_args {
	eg_buf target, lengths, transitions, end, alpha, dloss, dx, d_transitions, d_start, d_end;
	eg_crf_shape s;
	int rows;
	real scale;
	bool each, acc;
} eg_crf_bwd_args;
typedef struct eg_crf_path_args {
	eg_buf x, lengths, transitions, start, end, path;
	eg_crf_shape s;
} eg_crf_path_args;

#endif
