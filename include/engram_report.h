/* engram_report.h - what happens inside a trained network, as pictures (SVG), tables (CSV) and numbers. Part of
 * libengram_io.
 *
 * Pictures for networks with recurrent layers: how much of the loss's gradient reaches the states of long ago, and what
 * gates and states do while a text is read. For networks that take pictures: what they look at. For any: what an answer
 * comes from; how the loss goes with the learning rate. Ownership, threads, NULL and messages as in engram_io.h. */
#ifndef ENGRAM_REPORT_H
#define ENGRAM_REPORT_H

#include "engram_data.h"
#include "engram_film.h"
#include "engram_io.h"
#include "engram_task.h"
#include "engram_value.h"

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

/* ---- what an answer comes from ----------------------------------------------------------------------------------- */

/* How much each number that a network reads has to do with one number that it answers. */
typedef enum eg_attribution_kind {
	EG_ATTRIBUTION_GRADIENT,       /* df/dx: Simonyan, Vedaldi and Zisserman 2014 */
	EG_ATTRIBUTION_GRADIENT_INPUT, /* x df/dx; of a network that is linear in x, what each number adds to f */
	EG_ATTRIBUTION_INTEGRATED,     /* integrated gradients, from a baseline to x: Sundararajan, Taly and Yan 2017 */
	EG_ATTRIBUTION_OCCLUSION       /* f(x) - f(x with a window covered): Zeiler and Fergus 2014 */
} eg_attribution_kind;

typedef struct eg_attribution_options {
	eg_attribution_kind kind;
	const char *output;   /* f is number `element` of a sample's part of this output: of logits a class, of a
	                       * sequence's (T,K) step * K + class. NULL: "logits" */
	int64_t element;
	eg_tensor by;         /* x: an input, or the result of a node: of an embedding, what was looked up */
	const void *baseline; /* one sample of x in its type: where nothing is seen. NULL: zeros */
	int steps;            /* integrated: on the way from the baseline to x at first; 0: 16 */
	int most_steps;       /* they become three times as many while the error is above the tolerance, but no more
	                       * than this;
	                       * 0: 500 */
	double tolerance;     /* of f(x) - f(baseline); 0: 0.01 */
	int window[2];        /* occlusion: positions covered at once (rows and columns; of a sequence the first), put
	                       * to */
	int stride[2];        /* positions so far apart, and at the end. 0: a window of 1; the stride is the window */
	int batch;            /* of so many steps or windows at once; 0: 32 */
	int time;             /* as in eg_plan_options, and so are */
	const eg_size *sizes;
} eg_attribution_options;

typedef struct eg_attribution {
	eg_dims dims;           /* of x, one sample (its batch is left out), and */
	eg_real *values;        /* of each number of it; occlusion: NULL, it only knows positions */
	eg_dims map_dims;       /* positions: (H,W) of a picture, (T) of a sequence, (F) of rows of numbers */
	eg_real *map;           /* values summed over all else, channels or an embedding's width; gradient: the largest
	                         * absolute value. Occlusion: the mean over the windows that cover the position */
	double output;          /* f(x) */
	double baseline_output; /* f(baseline); of gradients without one NAN */
	double sum;             /* of all values, or of a map without values */
	double error;           /* integrated: |sum - (f(x) - f(baseline))|, which is 0 but for the finite number of
	                         * steps; else NAN */
	int steps;              /* integrated: how many there were */
} eg_attribution;

/* Of one sample: `names` and `inputs` are the graph inputs that the output needs, each one sample, (T, ...), (C,H,W)
 * ... in its type. In inference mode: nothing is dropped, nothing is written to the parameters. Afterwards `a` holds
 * memory, also after a failure, to be given back by eg_attribution_free. */
EG_API eg_status eg_attribute(eg_graph *g, eg_params *p, const eg_attribution_options *options, const char *const *names,
	const void *const *inputs, int ninputs, eg_attribution *a, eg_error *err);
EG_API void eg_attribution_free(eg_attribution *a);

/* ---- which words counted ----------------------------------------------------------------------------------------- */

/* Of a model that classifies texts, by one embedding that reads them. The model must outlive it. */
typedef struct eg_why eg_why;
EG_API eg_status eg_why_open(eg_model *m, eg_why **why, eg_error *err);
EG_API void eg_why_close(eg_why *w);
/* Puts into `map`, an answer say: `why`, a list of the text's units: {"start", "end" (in characters, the end is
 * exclusive), "text", "adds" (to the log odds between the likeliest class and the next one), "share" (the same, sizes
 * being 1 in sum), "occlusion" (by how much the log odds fall without it)}; and, where it has any, `why_of`: {"class",
 * "against", "log_odds", "empty" (the log odds where nothing is read), "error", "steps"}: but for the error, `empty`
 * and all `adds` are `log_odds`. */
EG_API eg_status eg_why_text(
	eg_why *w, const char *text, size_t size, const char *name, eg_value *map, eg_error *err);
/* The same of a question as eg_predictor_run answers it: a file, bytes, or a JSON map with the text. */
EG_API eg_status eg_why_question(eg_why *w, const eg_question *q, eg_value *map, eg_error *err);
/* The same of n records of the model's own data, evenly over the part that it is judged by, or, where there is none,
 * over that it has learnt from: a map of each into `list`, with `truth`, its class. Texts of more than 4096 units,
 * which eg_why_text refuses, are left out. */
EG_API eg_status eg_why_data(eg_why *w, int n, eg_value *list, eg_error *err);
/* A page (HTML, with everything in it) of a list of such maps: the texts, coloured. It appears whole or not at all. */
EG_API eg_status eg_why_page(const char *path, const char *title, const eg_value *texts, eg_error *err);

/* ---- what of a picture a layer sees ------------------------------------------------------------------------------ */

/* Of one number of a layer's output: which pixels it depends on, the padding around the picture included. */
typedef struct eg_receptive {
	bool known;      /* it is computed of a picture */
	bool all;        /* a fully connected layer has mixed all positions */
	bool placed;     /* `begin` says where; not behind up-sampling, nor where layers of unlike positions meet */
	int64_t size[2]; /* rows, columns */
	double jump[2];  /* how far neighbours' windows lie apart; behind up-sampling below 1 */
	double begin[2]; /* where that of row 0, column 0 begins; in the padding it is negative */
} eg_receptive;
/* Of output 0 of every node, in their order (eg_graph_nodes of them). Returns the input that sizes are pixels of, the
 * first with a height and a width; {0}: there is none, and nothing is known. */
EG_API eg_tensor eg_receptive_fields(const eg_graph *g, eg_receptive *fields);

/* ---- why a network says so of a picture -------------------------------------------------------------------------- */

/* Of a model that takes one picture, of any task whose network puts out numbers for the whole picture or for each of
 * its pixels ("logits"): what one of these numbers comes from. The model must outlive it. */
typedef struct eg_picture_why eg_picture_why;

typedef struct eg_picture_why_options {
	const char *number;   /* what is explained: a class, or of numbers "0", "1", ...; NULL: the largest, of numbers
	                       * the first */
	const int *pixel;     /* row and column, where each pixel is answered: pixels of the network's picture; NULL:
	                       * the middle */
	const int *box;       /* of models that find boxes: which, the surest is 0; NULL: the surest, of the class
	                       * `number` where that is said, if there is one and no pixel is said */
	const char *layer;    /* for Grad-CAM, the receptive field and what units like best; NULL: the coarsest of at
	                       * least 4 x 4 positions */
	const int *unit;      /* channel, row, column of it; NULL: the one that counts most */
	int window;           /* occlusion, pixels; 0: a seventh of the longer side */
	int records;          /* of the training part, evenly over it, that are looked at for likes and neighbours;
	                       * 0: 2000; EG_ZERO: none */
	const float *beside;  /* of a model that makes embeddings: that of another picture, of `width` numbers:
	                       * explained is the cosine of the angle to it, what makes the two alike; NULL: there is
	                       * none */
	int width;
	const char *beside_path; /* the file of that other picture, to be named and shown; NULL: it is neither */
} eg_picture_why_options;

EG_API bool eg_picture_why_suits(eg_model *m); /* is it such a model? */
/* options may be NULL, and are copied with what they point to. A model of another kind is EG_ERR_ARG. */
EG_API eg_status eg_picture_why_open(eg_model *m, const eg_picture_why_options *options, eg_picture_why **why, eg_error *err);
EG_API void eg_picture_why_close(eg_picture_why *w);

/* One picture: a question's file or bytes, or a record of a part of the model's own data (EG_PARTS: of that by which it
 * is judged). What is known of the picture before is forgotten. Where the data cannot be read, likes and neighbours are
 * missing, and a note says why. */
EG_API eg_status eg_picture_why_question(eg_picture_why *w, const eg_question *q, eg_error *err);
EG_API eg_status eg_picture_why_record(eg_picture_why *w, eg_part part, int64_t record, eg_error *err);

/* Numbers of it: {"picture", "size": [C, H, W], "truth", "of": {"class", or "number" and "name", "beside", "pixel",
 * "box", "score"}, "value", "answers": [{"class", "probability", "value"}], "baseline": {"what", "value"},
 * "integrated_gradients": {"sum", "error", "steps"}, "occlusion": {"window", "stride"}, "grad_cam": {"layer", "rows",
 * "columns"}, "unit": {"layer", "channel", "row", "column", "value", "sees": [top, left, height, width]}, "likes":
 * [{"channel", "weight", "records": [{"record", "value", "class"}]}], "nearest": [{"record", "similarity", "class"}],
 * "records", "note"}; what does not apply is not there. Valid until the next picture. */
EG_API const eg_value *eg_picture_why_facts(const eg_picture_why *w);

/* Maps over the picture's pixels as the network gets them, H x W: "saliency" (the largest |df/dx| of the channels),
 * "integrated-gradients" and "occlusion" (what speaks for it is positive), "grad-cam" (brought to the picture's size,
 * each position at the centre of what it sees; no number below 0), "unit" (the largest |du/dx| of the chosen unit).
 * NULL: no such. */
EG_API const eg_real *eg_picture_why_map(const eg_picture_why *w, const char *name, int *H, int *W);

/* Into a folder that is there: why.html, a page that needs no other file, and its pictures as PNG, why.png with the
 * maps side by side among them. Files of these names are written over. */
EG_API eg_status eg_picture_why_save(eg_picture_why *w, const char *folder, eg_error *err);
EG_API const char *eg_picture_why_file(const eg_picture_why *w, int k); /* with the folder's name; NULL: no such */

/* ---- pictures once more ------------------------------------------------------------------------------------------ */

/* Of a model that rebuilds pictures (task reconstruct, (channels, height, width)): some of the part by which it is
 * judged, and what it makes of them, with and without the noise of its training (a dropout of the input); the output
 * `embedding` of all as a map; whose errors are large. Into a folder that is there: rebuilt.html, a page that needs no
 * other file, and its pictures as PNG. At most so many records are looked at, evenly over all; 0: 2000.
 * Facts, into a map: {"part", "records", "mse", "auc", "noise", "width", "kept", "files"}. */
EG_API bool eg_rebuilt_page_suits(eg_model *m);
EG_API eg_status eg_rebuilt_page(eg_model *m, int records, const char *folder, eg_value *facts, eg_error *err);

/* ---- what is told when ------------------------------------------------------------------------------------------- */

/* Of a model that transcribes: one recording or line (q), or record number `record` of the part by which it is judged
 * (q NULL). Into a folder that is there: transcript.html, a page that needs no other file, and its pictures as PNG:
 * labels above the amplitude or the line, how probable each was at every step, and what each comes from. Facts, into a
 * map: {"input", "text", "probability", "words", "truth", "steps", "labels": [{"label", "start", "end" (on the
 * likeliest path), "probability" (where it is surest), "from" (the step or column with the largest gradient times
 * input)}], "files"}; places are seconds, or pixels of the network's picture.
 * Of a model that classifies recordings: heard.html, amplitude, spectrogram, and what each of the likeliest classes
 * comes from; "class", "classes" and so on in the place of "text", and labels are classes, without places. */
EG_API bool eg_transcript_page_suits(eg_model *m);
EG_API eg_status eg_transcript_page(
	eg_model *m, const eg_question *q, int64_t record, const char *folder, eg_value *facts, eg_error *err);
/* ---- films and captions ------------------------------------------------------------------------------------------ */

/* Of a model that writes captions of pictures or films and has an output `attention`: where it looks for each word; of
 * one that classifies films: which frames and pixels its answer depends on. looks.html, a page that needs no other
 * file, and its pictures as PNG, into a folder that is there. path: a picture, a film; NULL: this record of the part by
 * which the model is judged. of: the class that is explained, NULL: the likeliest. Facts, into a map: {"input",
 * "answer", "files"}; of classes "of" and "saliency", each frame's share of the size of all gradients. Of one that tags
 * the frames of films: on which of them the tag in the middle of each segment depends, "segments": a list of "type",
 * "start", "end", "from" (the frame on which it depends most). */
EG_API bool eg_looks_suit(eg_model *m);
EG_API eg_status eg_looks_page(eg_model *m, const char *path, int64_t record, const char *of, const char *folder, eg_value *facts, eg_error *err);

/* The summary of a film: FOLDER/NAME.html, with everything in it. answer: with `text` and `segments`, as the task
 * `caption` has it of films; put into `map` is `file`, the page's path. */
EG_API eg_status eg_film_summary(
	const char *folder, const char *name, const eg_film_frames *film, const eg_value *answer, eg_value *map, eg_error *err);

/* ---- forecasts --------------------------------------------------------------------------------------------------- */

typedef struct eg_forecast_plot {
	const char *title, *x_title, *y_title;
	const double *x;               /* of `past` values and, behind them, of the forecast's steps; rising */
	const double *values;          /* NAN: missing */
	int past;
	const struct eg_outlook *outlook; /* engram_series.h */
	const struct eg_rolling *trial; /* forecasts from earlier origins; NULL: none are drawn */
	int before;                    /* values of the series before the first that is shown */
} eg_forecast_plot;

/* What a page has beside the picture. Texts are as they are; a page escapes them. */
typedef struct eg_forecast_words {
	const char *const *times; /* of `past` values and of the forecast's steps */
	const char *const *heads; /* of a table of models, `columns` of them, and */
	const char *const *cells; /* its rows */
	int columns, rows;
	const char *const *notes; /* paragraphs, a NULL behind them */
} eg_forecast_words;

/* A picture: the past, the forecast, where four fifths and nineteen twentieths of the values are expected, and
 * forecasts from earlier origins; by the name SVG, PNG (.png; needs librsvg) or, with words, a page (.html) that
 * needs no other file and says what is under the pointer. */
EG_API eg_status eg_plot_forecast(
	const char *path, const eg_forecast_plot *p, const eg_forecast_words *words, eg_error *err);

/* ---- fault warning ----------------------------------------------------------------------------------------------- */

typedef struct eg_watch_plot {
	const char *title, *x_title, *y_title;
	/* n > 0 of each; a value that is missing is NAN. Scores: 1 is the threshold */
	const double *x, *values, *scores;
	int n;
	const double *begin, *end;         /* of each event, places on x */
	int nevents;
} eg_watch_plot;
/* A picture (SVG): what was measured, the score below it with its threshold, and events shaded in both. */
EG_API eg_status eg_plot_watch(const char *path, const eg_watch_plot *p, eg_error *err);

/* ---- what is in a data set --------------------------------------------------------------------------------------- */

/* What eg_survey_options.progress is told, every hundredth of a part; false: stop, EG_ERR_STOPPED. */
typedef bool (*eg_survey_progress)(void *user, eg_part part, int64_t done, int64_t count);

typedef struct eg_survey_options {
	/* Every record is read with all its fields. Else pictures, masks, sound and frames, which have to be decoded,
	 * are read of as many records of a part as hold some 256 MiB, of 100 at least, evenly over it; all other fields
	 * of every record. Duplicates are looked for among those that were read with all fields. */
	bool all;
	/* What a network gets of each part too: of a task's samples (training and validation), those of the test part
	 * (NULL: none), after eg_task_suits with this graph. They are not of the task that is surveyed. NULL: not. */
	const eg_samples *samples, *test;
	eg_graph *graph;
	void *user;
	eg_survey_progress progress; /* NULL: nothing is told */
} eg_survey_options;

/* Facts of all parts of a source, a map: {"data", "parts": [{"part", "records", "read", "fields": [{"name", "kind",
 * "read", "missing", "classes": {"counted", "of": [{"class", "count"}], "none"}, "length", "height", "width": {"of",
 * "min", "median", "max", "histogram"}, "values": [{"column", "min", "mean", "max", "gaps"}], "more_values"}],
 * "inputs": [{"input", "type", "samples", "least", "most", "min", "mean", "max"}]}], "broken": {"count", "named"},
 * "duplicates": [{"part", "in", "count", "differ", "some": [{"record", "same_as", "differs"}]}]}; what does not apply
 * is not there. Of values, the first 32 columns are told, and how many more there are. Records that cannot be read are
 * left out and named. Records are duplicates when a hash of their contents is the same; they differ when their labels,
 * masks, boxes or tags do. The tree is the caller's. options may be NULL. */
EG_API eg_status eg_survey(eg_source *source, const eg_survey_options *options, eg_value **facts, eg_error *err);
/* Of the source of a recipe. What the recipe keeps aside to validate is a part of its own ("kept_aside_of": "train");
 * of a text that is one stream, the share is told ("kept_aside"). The task should not be trained on afterwards: its
 * broken records are left out. */
EG_API eg_status eg_survey_task(eg_task *t, const eg_survey_options *options, eg_value **facts, eg_error *err);

/* Of the series of a table: {"data", "series" (how many), "more_series" (of which there are no facts), "parts":
 * [{"part", "steps", "values": [...]}] of the first `most`, "odd": [{"series", "column", "what", "shown"}] of all,
 * "more_odd"}. Columns that count rows are left out; of one without numbers "words" tells what it holds. */
EG_API eg_status eg_survey_tables(const eg_time_tables *tables, int most, eg_value **facts, eg_error *err);

/* One line of a table of such facts; texts are valid inside of the call. */
typedef struct eg_survey_line {
	const char *part, *field; /* "": of the whole */
	const char *what, *text;  /* "length", "min 3, median 17, max 96 characters" */
} eg_survey_line;
EG_API void eg_survey_lines(
	const eg_value *facts, void (*take)(void *user, const eg_survey_line *line), void *user);

/* What a record holds, in a line for each field: {"record", "group", "fields": [{"name", "kind", "holds"}]}, into
 * `map`. */
EG_API void eg_record_describe(const eg_source *source, const eg_record *r, eg_value *map);
/* What the network gets of some samples of a part, evenly over it: "inputs" of eg_survey's facts, into `map`. */
EG_API eg_status eg_samples_inputs(const eg_samples *s, eg_graph *g, eg_part part, eg_value *map, eg_error *err);
/* What its texts are cut into, all of a part: "units" of eg_survey's facts, into `map`; nothing, where it reads
 * none. */
EG_API eg_status eg_samples_units_of(const eg_samples *s, eg_part part, eg_value *map, eg_error *err);
/* What the network gets of sample i of a part, as eg_samples_show says: [{"input", "type", "shape", "min", "mean",
 * "max", "first"}], into `list`; after eg_task_suits. epoch: as there. */
EG_API eg_status eg_samples_seen(
	const eg_samples *s, eg_graph *g, eg_part part, int64_t i, int epoch, eg_value *list, eg_error *err);

/* A page (HTML, with everything in it) that shows facts and records: pictures with masks and boxes, texts, tags, plots
 * of series and sound. It appears whole or not at all. */
typedef struct eg_sheet eg_sheet;
EG_API eg_status eg_sheet_new(const char *path, const char *title, eg_sheet **sheet, eg_error *err);
EG_API void eg_sheet_facts(eg_sheet *s, const eg_value *facts);
/* r: of this source; `seen` (may be NULL): what eg_samples_seen said of it. `draw`: a text behind its name, or NULL. */
EG_API eg_status eg_sheet_record(eg_sheet *s, const eg_source *source, const eg_record *r, const char *draw,
	const eg_value *seen, eg_error *err);
/* A series of a table as plots, with what eg_survey_tables said of it, an item of its "parts". */
EG_API eg_status eg_sheet_table(eg_sheet *s, const eg_time_table *t, const eg_value *part, eg_error *err);
/* A heading, below which records and pictures come side by side. */
EG_API void eg_sheet_heading(eg_sheet *s, const char *text);
/* A picture (C 1 or 3) by itself, with two lines of text, which may be NULL. */
EG_API eg_status eg_sheet_picture(eg_sheet *s, const eg_picture *pic, const char *title, const char *below, eg_error *err);
EG_API eg_status eg_sheet_save(eg_sheet *s, eg_error *err); /* frees it in every case */
EG_API void eg_sheet_drop(eg_sheet *s);                     /* without saving; NULL is allowed */

/* ---- the learning-rate finder ------------------------------------------------------------------------------------ */

/* How the loss goes while the learning rate rises from update to update (Smith 2017, "Cyclical learning rates for
 * training neural networks"), and which rate follows from it. */
typedef struct eg_rate_options {
	double from, to; /* 0: the optimizer's default rate / 10^4 and x 10^4 */
	int steps;       /* updates, each with the same factor more than the one before; 0: 200 */
	void *user;
	bool (*interrupted)(void *user, int step); /* asked after each update; true: EG_ERR_STOPPED. May be NULL */
} eg_rate_options;

typedef enum eg_rate_end {
	EG_RATE_WHOLE,     /* all steps were made */
	EG_RATE_DIVERGED,  /* the loss rose far above its lowest */
	EG_RATE_NOT_FINITE /* a loss or gradient was NaN or infinite */
} eg_rate_end;

typedef struct eg_rate_curve {
	int n;                        /* updates made, of `steps` */
	int steps;
	double *rate, *loss, *smooth; /* n of each; loss: of the batch, before the update with this rate */
	eg_rate_end end;
	int lowest, steepest; /* where `smooth` is lowest, and falls most steeply before; -1: it did not fall */
	double suggested;     /* a tenth of the rate at the lowest, or of the middle where it is flat; NAN: none */
	double now;           /* the rate of the config */
} eg_rate_curve;

/* Trains with rising rates, from the parameters as they are, which are the same to the bit afterwards. Of the config
 * are used batch, seed, optimizer (with its groups, whose factors stay), forget, accumulate, objective and shown; no
 * schedule. Same seed, same bits. The curve holds memory, also after a failure: eg_rate_curve_free. */
EG_API eg_status eg_rate_find(eg_graph *g, eg_params *p, const eg_train_config *config, const eg_dataset *data,
	const eg_rate_options *options, eg_rate_curve *curve, eg_error *err);
EG_API void eg_rate_curve_free(eg_rate_curve *c);
/* As SVG: losses, the smoothed line, what is suggested and what is now. */
EG_API eg_status eg_rate_plot(const char *path, const char *title, const eg_rate_curve *c, eg_error *err);

/* ---- a search for settings --------------------------------------------------------------------------------------- */

/* The journal of `engram tune` as a list of its lines; a last one that was cut off is left out. The caller's. */
EG_API eg_status eg_journal_read(const char *path, eg_value **journal, eg_error *err);
/* A page that shows it: every trial and the best so far, how much each key matters, the two keys that matter most
 * against each other, each key alone. PATH.svg is a picture, all else a page (HTML, with everything in it) that has the
 * best trials in a table too. It appears whole or not at all. */
EG_API eg_status eg_journal_page(const char *path, const char *title, const eg_value *journal, eg_error *err);

/* ---- a text that surprises --------------------------------------------------------------------------------------- */

/* A page (HTML, with everything in it) that shows a text coloured by how much each unit surprised a language model
 * (eg_generator_score). It appears whole or not at all. */
typedef struct eg_surprise eg_surprise;
EG_API eg_status eg_surprise_new(const char *path, const char *title, eg_surprise **page, eg_error *err);
EG_API void eg_surprise_line(eg_surprise *p, int64_t number, double nats_per_unit); /* begins a line */
/* size 0: the end of a sample. */
EG_API eg_status eg_surprise_unit(eg_surprise *p, const char *text, size_t size, double nats, eg_error *err);
EG_API eg_status eg_surprise_save(eg_surprise *p, const char *last, eg_error *err); /* last: a line below. Frees it */
EG_API void eg_surprise_drop(eg_surprise *p);                                       /* NULL is allowed */

/* ---- networks ---------------------------------------------------------------------------------------------------- */

/* A picture of what computes `outputs` (names, NULL-terminated; NULL: all that the graph has), from the inputs above to
 * the outputs below: as SVG, or, with `dot`, as a text for Graphviz's dot. Nothing else is needed for either. It
 * appears whole or not at all. */
EG_API eg_status eg_graph_draw(const char *path, const eg_graph *g, const char *title, const char *const *outputs, bool dot, eg_error *err);

#ifdef __cplusplus
}
#endif

#endif
