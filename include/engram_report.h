/* engram_report.h - what happens inside a trained network, as pictures (SVG) and tables (CSV). Part of libengram_io.
 *
 * So far for networks with recurrent layers: how much of the loss's gradient reaches the states of long ago, and what
 * gates and states do while a text is read. Ownership, threads, NULL and messages as in engram_io.h. */
#ifndef ENGRAM_REPORT_H
#define ENGRAM_REPORT_H

#include "engram_io.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eg_inspect_options {
	int steps; /* length T of the sequences for gradients; 0: 100. Where a sequence has one target: its own */
	int samples; /* sequences that norms are the mean over; 0: 16, or as many as there are */
	int seeds;   /* initial networks of each kind; 0: 5 */
	int units;   /* rows of a heat map: the units that vary most; 0: 24 */
	int columns; /* most steps that a heat map shows; 0: 200 */
} eg_inspect_options;

typedef struct eg_inspection eg_inspection;

/* `folder` must be there; files in it are written over. options may be NULL. The model must outlive the inspection. A
 * model without recurrent layers is EG_ERR_ARG. */
EG_API eg_status eg_inspect_open(
        eg_model *m, const eg_inspect_options *options, const char *folder, eg_inspection **inspection, eg_error *err);
EG_API void eg_inspect_close(eg_inspection *i);

/* What is run through the network, once: a text (of a language model; `name` is what messages call it), or samples of
 * the model's own data. */
EG_API eg_status eg_inspect_text(eg_inspection *i, const char *text, size_t size, const char *name, eg_error *err);
EG_API eg_status eg_inspect_data(eg_inspection *i, eg_error *err);

/* The norm of d loss(T) / d state(t) over t = 0..T-1, where loss(T) is the loss of the answer after step T, and
 * state(t) what the recurrent layers hold after t steps (h, and for lstm c, taken as independent): of the model, and
 * of plain rnn, lstm and gru in the place of its recurrent layers with initial weights. gradient-norms.svg has all
 * layers together, on a logarithmic axis; gradient-norms.csv each layer too. EG_ERR_ARG where the network looks at
 * more than the past (bidirectional, attention, a mean over time). */
EG_API eg_status eg_inspect_gradients(eg_inspection *i, eg_error *err);

/* Heat maps over the steps of the text (or of one sample) for every layer LAYER of every recurrent node NODE: gates,
 * c, h, and how likely the model held each unit of the text. NODE.svg, or NODE-LAYER.svg, and the same with .csv. */
EG_API eg_status eg_inspect_states(eg_inspection *i, eg_error *err);

/* What was written, in order, with the folder's name; NULL: no such. */
EG_API const char *eg_inspect_file(const eg_inspection *i, int k);

/* The curves of gradient-norms.svg. */
typedef struct eg_gradient_curve {
	const char *name;    /* "this model: h", "lstm, untrained: c" */
	const double *norms; /* of t = 0..steps-1 */
	int steps;
} eg_gradient_curve;
EG_API bool eg_inspect_curve(const eg_inspection *i, int k, eg_gradient_curve *curve); /* false: no such */

#ifdef __cplusplus
}
#endif

#endif
