/* predict.h - the rooms of engram predict: the verb (predict.c), what is asked about (predict_inputs.c), the data's own
 * records (predict_records.c), questions and their answers (predict_ask.c). */
#ifndef ENGRAM_PREDICT_H
#define ENGRAM_PREDICT_H

#include "engram_report.h"
#include "film.h"

enum { PREDICT_BATCH = 32 };

/* What is asked next: questions, and the names under which they are answered. */
typedef struct predict_asked {
	char *name;  /* "input" of JSON, and what stands before the answer */
	char *where; /* of the question, for messages; NULL: the name */
	char *bytes; /* NULL: the name is the path of a file */
	size_t size;
	bool json, is_text;
	cli_frame *frame; /* of a film, in place of bytes; NULL: it is none */
	cli_whole_film *film; /* likewise */
} predict_asked;

typedef struct predict_job {
	const cli_args *args;
	eg_model *model;
	eg_predictor *predictor;
	eg_why *why; /* NULL: it was not asked for */
	predict_asked batch[PREDICT_BATCH];
	int n, width, code;
	bool json, truth;
	bool pictures; /* are what the model takes: films then are asked about frame by frame */
	bool sounds;   /* are what it takes: raw samples then are transcribed as they come */
	bool films;    /* are, as a whole */
	eg_film_options film;
} predict_job;

/* ---- predict_ask.c ----------------------------------------------------------------------------------------------- */

/* One question more, whose memory goes over; a batch that is full is asked. false: there is no point in going on. */
bool predict_put(predict_job *j, predict_asked a);
/* Asks what has been gathered, and shows the answers in order. false likewise. */
bool predict_ask(predict_job *j);
/* What went wrong with an input, in its place among the answers. */
void predict_error(predict_job *j, const char *name, const eg_error *err);
/* The name in its column; a text that is long is cut. The column is as wide as the widest that it has been told of. */
void predict_name(const predict_job *j, const char *name, bool is_text);
void predict_widen(predict_job *j, const char *name);
/* An answer in a line; "-" where there is nothing to be said. To be freed. */
char *predict_spelled(const eg_value *v);
char *predict_copy(const char *s, size_t n); /* to be freed */

/* ---- the two things that can be asked about ---------------------------------------------------------------------- */

void predict_inputs(predict_job *j);
void predict_records(predict_job *j);

#endif
