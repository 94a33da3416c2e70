/* kern_losses.h - losses of rows: several numbers each, of one tensor or of two or three, make one. One pair of slots
 * with an op code: a new loss is a line of the enumeration, its value and its derivative in ref_row_loss.c. And the
 * overlap of classes (Dice, Jaccard), and rows that are compared with all others of a batch.
 *
 * Not here: losses of single numbers (eg_element_loss, kern_sequences.h) and cross-entropy of classes (eg_ce_shape,
 * kern.h). */
#ifndef ENGRAM_KERN_LOSSES_H
#define ENGRAM_KERN_LOSSES_H

#include "kern/kern_types.h"

/* x, y and z are (outer, n, inner); label (outer, inner), int32_t; weight (n), by class; value (outer, inner). A row
 * is the n numbers of one (outer, inner); those that an op does not need are absent. p = softmax(x), t = label, w =
 * weight or 1.
 *   CE           (1-a) w[t] (-log p[t]) + a/n sum of w (-log p)
 *   SOFT         sum of w ((1-a) y + a/n) (-log p)
 *   NLL          -w[t] x[t]
 *   FOCAL        w[t] (1-p[t])^a (-log p[t])
 *   MARGIN       w[t]/n times the sum over c other than t of max(0, a - x[t] + x[c])^b
 *   ARC          CE of x with b cos(angle + a) in place of x[t] = b cos(angle), or, beyond angle + a = pi, with x[t]
 *                - b a sin(a); kind 1: with x[t] - b a
 *   COSINE       <x,y> / (max(|x|,a) max(|y|,a))
 *   COSINE_LOSS  label > 0: 1 - COSINE, else max(0, COSINE - a); norms are at least 1e-6
 *   DISTANCE     the a-norm of x - y + b
 *   CONTRASTIVE  D = |x - y|; label > 0: D^2/2, else max(0, a - D)^2/2
 *   TRIPLET      max(0, D(x,y) - D(x,z) + a), D = DISTANCE with b and c for its a and b; kind 1: the smaller of
 *                D(x,z), D(y,z)
 *   IOU          boxes, n = 4: 1 - I/U, U = union + 1e-7; kind 1 + (C-U)/C, C the box around both; 2 + distance of
 *                the centres by C's diagonal, both squared; 3 + alpha v too, v = 4/pi^2 times the square of the
 *                difference of atan(width/height), alpha = v/(1-I/U+v), which counts as a constant; a 0: a box is two
 *                corners, 1: its centre and size, 2: how far its left, upper, right and lower side are from a place;
 *                0 where y, the target, has no width or no height
 * Where t is `ignore` the loss of a row that has a class is 0, outside of 0..n-1 NaN. Unit u does outer indices
 * [u*rows, min((u+1)*rows, outer)), which begin at eg_at(.., u); weight has stride 0. Block or global job. */
typedef enum eg_row_op {
	EG_ROW_CE,
	EG_ROW_SOFT,
	EG_ROW_NLL,
	EG_ROW_FOCAL,
	EG_ROW_MARGIN,
	EG_ROW_ARC,
	EG_ROW_COSINE,
	EG_ROW_COSINE_LOSS,
	EG_ROW_DISTANCE,
	EG_ROW_CONTRASTIVE,
	EG_ROW_TRIPLET,
	EG_ROW_IOU
} eg_row_op;
typedef struct eg_row_shape {
	int64_t outer, rows;
	int n, inner;
	eg_row_op op;
	int kind;
	int32_t ignore;
	real a, b, c;
} eg_row_shape;
typedef struct eg_row_loss_fwd_args {
	eg_buf x, y, z, label, weight, value;
	eg_row_shape s;
} eg_row_loss_fwd_args;
/* row_loss_bwd: d = [d +] g * derivative by operand `side` (0: x, 1: y, 2: z); of the ops with classes and of IOU by
 *               x only.
 * g = dvalue[row], or where denom is there dvalue[0] / denom[0]. */
typedef struct eg_row_loss_bwd_args {
	eg_buf x, y, z, label, weight, dvalue, denom, d;
	eg_row_shape s;
	int side;
	bool acc;
} eg_row_loss_bwd_args;
/* Both in plain C, for tables that have lanes for some of the losses only (ref_row_loss.c). */
void eg_row_loss_fwd(const void *args, int begin, int end, const eg_worker *worker);
void eg_row_loss_bwd(const void *args, int begin, int end, const eg_worker *worker);

/* Overlap of regions (soft Dice, Jaccard). prob (samples*per, n, inner), the share of each place that is class c; the
 * truth are class numbers, target (samples*per, inner) int32_t, with `ignore` for places that do not count and NaN as
 * the result where one is outside of 0..n-1, or, `shares`, real numbers like prob. A unit is a sample.
 * overlap_sums: sums (samples, n, 3): sum of prob * truth, of prob and of truth, over the places that count;
 *               `squared`: of prob^2 and truth^2.
 * overlap_loss: with I, P, T these three, of each sample or, `together`, of all: loss[0] = mean over samples and the
 *               classes from `first` on of 1 - (2 I + smooth) / (P + T + smooth), `jaccard`: 1 - (I + smooth) / (P +
 *               T - I + smooth); coef (samples, n, 2): its derivatives by I and P. Global, one unit.
 * overlap_bwd: dx = [dx +] dloss[0] times the derivative by what prob is made of: by its softmax over the classes,
 *              or, `shares`, sigmoid. */
typedef struct eg_overlap_shape {
	int64_t samples, per;
	int n, inner, first;
	int32_t ignore;
	real smooth;
	bool shares, squared, together, jaccard;
} eg_overlap_shape;
typedef struct eg_overlap_sums_args {
	eg_buf prob, target, sums;
	eg_overlap_shape s;
} eg_overlap_sums_args;
typedef struct eg_overlap_loss_args {
	eg_buf sums, loss, coef;
	eg_overlap_shape s;
} eg_overlap_loss_args;
typedef struct eg_overlap_bwd_args {
	eg_buf prob, target, coef, dloss, dx;
	eg_overlap_shape s;
	bool acc;
} eg_overlap_bwd_args;

/* Rows of length 1: x (rows, n) -> y = x / |x|, norm (rows) = |x|, at least 1e-12. unit_rows_bwd: dx = [dx +] (dy - y
 * <y,dy>) / norm, without the second part where the norm is the least. Unit u does rows [u*unit, min((u+1)*unit,
 * rows)); all buffers from p. Global. */
typedef struct eg_unit_rows_args {
	eg_buf x, y, norm;
	int64_t rows;
	int n, unit;
} eg_unit_rows_args;
typedef struct eg_unit_rows_bwd_args {
	eg_buf y, norm, dy, dx;
	int64_t rows;
	int n, unit;
	bool acc;
} eg_unit_rows_bwd_args;

/* Each row of z (rows, n) against all others, s_ij = <z_i, z_j> heat: a row's loss is the mean, over the others of
 * its label, of log(sum over k other than i of e^s_ik) - s_ij. Rows whose label is `ignore` are not there; those that
 * are alone with theirs are no anchors, but there for others. label (rows), int32_t.
 * contrast_fwd: loss (rows), 0 of those that are no anchors; scale (rows): the logarithm; peers (rows): how many
 *               others have the label.
 * contrast_mean: loss[0] = the mean over the anchors, 0 where there are none; anchors[0]: how many they are, at least
 *                1. Global, one unit.
 * contrast_bwd: dz = dloss[0] times the derivative. Units as for unit_rows. */
typedef struct eg_contrast_shape {
	int64_t rows;
	int n, unit;
	int32_t ignore;
	real heat;
} eg_contrast_shape;
typedef struct eg_contrast_fwd_args {
	eg_buf z, label, scale, peers, loss;
	eg_contrast_shape s;
} eg_contrast_fwd_args;
typedef struct eg_contrast_mean_args {
	eg_buf rowloss, peers, loss, anchors;
	int64_t rows;
} eg_contrast_mean_args;
typedef struct eg_contrast_bwd_args {
	eg_buf z, label, scale, peers, anchors, dloss, dz;
	eg_contrast_shape s;
} eg_contrast_bwd_args;

#endif
