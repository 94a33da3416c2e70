/* samples.h - the parts of a task's data as the training loop takes them. */
#ifndef ENGRAM_TASKS_SAMPLES_H
#define ENGRAM_TASKS_SAMPLES_H

#include "tasks/task.h"

enum { EG_SAMPLES_OTHERS = 64, EG_SAMPLES_NAME = 200 };
/* Where a batch is filled: its records, and what each intake is given of them. */
typedef struct eg_samples_room {
	eg_record *records;
	const eg_datum **data_of; /* by intake, then by record */
	int n;
	eg_record *others[EG_SAMPLES_OTHERS]; /* that augmentations mix into one */
	int nothers, used_others;
} eg_samples_room;
void eg_samples_empty_room(eg_samples_room *room);

/* A part: some records of one part of the source. */
typedef struct eg_sample_part {
	eg_dataset dataset;
	const eg_samples *samples;
	eg_part from;    /* of the source */
	uint32_t *items; /* which of its records; NULL: all */
	int *times;      /* steps of each; NULL: no sequences */
	int *sizes;      /* of each, those of dataset.dims side by side; NULL: there are none */
	int most[EG_MAX_DIMS];
	double *weights; /* predictions in each; NULL: one */
	double longest;  /* augmentations make a record at most so many times as long as it is */
	int64_t units;
} eg_sample_part;

struct eg_samples {
	eg_task *task;
	eg_samples_options options;
	eg_sample_part parts[EG_PARTS];
	const eg_dataset *data[EG_PARTS]; /* NULL: not loaded, or empty */
	eg_value *kept;
	/* of the records one by one */
	const char *inputs[EG_TASK_INTAKES + 4];
	const char *dims[EG_MAX_DIMS + 1];
	int64_t left_out;      /* training records that nothing can be learnt from */
	char first_out[EG_SAMPLES_NAME]; /* what the first of them is called */
	unsigned wanted, also; /* fields of the source; those that judges alone look at */
	eg_samples_room room; /* of batches that bring none of their own */
	int eval_batch; /* 0: as many as suit */
	void *own;      /* of a task that loads its samples itself */
};

/* fingerprint.c: h gone on with through `size` bytes. */
uint64_t eg_fingerprint(uint64_t h, const void *bytes, size_t size);
/* And through what a field holds. */
uint64_t eg_fingerprint_datum(uint64_t h, eg_field_kind kind, const eg_datum *d);
/* samples_fill.c: the part, whose records and `longest` are known, as a data set that is filled from its source. */
eg_dataset eg_samples_dataset(eg_sample_part *p, int64_t count);
/* The record of row i of this batch; NULL: there are none. */
const eg_record *eg_samples_record(const eg_samples *s, const eg_fill *f, int i);
/* augment.c: the record at this place of the training part, just read, as it is in this epoch; others, and those of
 * epoch -1, are left alone. */
eg_status eg_samples_augment(const eg_sample_part *p, eg_samples_room *room, int64_t at, uint64_t seed, int epoch,
	eg_record *r, eg_error *err);
/* The record's pictures as large as the network sees them, masks and boxes with them. */
eg_status eg_samples_fit(const eg_task *t, eg_record *r, eg_error *err);

/* views.c: the views of a data set that is evaluated; a record as the view of this number shows it. */
void eg_views_set(const eg_task *t, eg_dataset *d);
eg_status eg_views_apply(const eg_task *t, int number, eg_record *r, eg_error *err);

/* learn.c: the training records of a source that is prepared, cut in two as the recipe says: n to train on, and, behind
 * as many places as there are records, nsecond that validate. To be released. Not for tasks that load samples
 * themselves. */
eg_status eg_task_cut(const eg_task *t, uint32_t **items, int64_t *n, int64_t *nsecond, eg_error *err);
/* Shows the training records to the intakes that need it. */
eg_status eg_task_look(eg_task *t, eg_part from, const uint32_t *items, int64_t n, eg_error *err);
/* samples_fill.c: looks up the shapes of the network's inputs, which batches are filled by. */
eg_status eg_task_bind(eg_task *t, eg_graph *g, eg_error *err);
eg_dims eg_intake_dims(const eg_intake *f, int n, int time, const int *sizes);
/* The same of input i of their data sets, also where a task makes its own batches, and of "lengths" behind all. */
eg_dims eg_samples_dims(const eg_samples *s, int i, int n, int time, const int *sizes);
/* Fills the inputs of a plan from these records' fields, by all intakes (only those of inputs: questions). `which` as
 * in eg_intake_fill. */
eg_status eg_intakes_fill(const eg_task *t, int nintakes, eg_record *records, const int *which,
	const eg_datum *const *data, int n, int time, const eg_dims *dims, void *const *slots, eg_error *err);
/* Time steps of a record, as its inputs say; *sizes: of the other words of the recipe's inputs, in the order of
 * eg_task_words. */
eg_status eg_task_extents(
	const eg_task *t, int nintakes, const eg_record *r, const eg_datum *data, int *time, int *sizes, eg_error *err);
/* The words of open sizes of the inputs other than `time`, NULL-terminated, at most EG_MAX_DIMS; returns how many. */
int eg_task_words(const eg_task *t, const char *words[EG_MAX_DIMS + 1]);

/* class_weights.c: `class_weights: balanced` of the recipe's losses, counted in the training samples, which it is told,
 * and kept. */
eg_status eg_samples_weigh(eg_samples *s, eg_error *err);

/* judge.c: shows a judge of eg_samples_judge what a model that is no network says of a batch that has been filled, each
 * sample as long as the batch. */
eg_status eg_samples_judge_said(
	eg_judge *judge, const eg_samples *s, const eg_batch_run *b, const eg_said *said, eg_error *err);
/* Shows what it says row by row. */
eg_status eg_samples_each_said(const eg_samples *s, eg_graph *g, const eg_batch_run *b, const eg_said *said,
	eg_status (*take)(void *user, const eg_row *r, eg_error *err), void *user, eg_error *err);
/* Of such a judge: how it looks at other samples (eg_task_judge.walk). */
void eg_samples_judge_by(eg_judge *judge,
	eg_status (*walk)(void *user, const eg_samples *s, eg_part part,
		eg_status (*take)(void *to, const eg_row *r, eg_error *err), void *to, eg_error *err),
	void *walker);
/* The same of a model that writes a text for each sample. */
eg_status eg_samples_judge_texts(
	eg_judge *judge, const eg_samples *s, const eg_batch_run *b, const char *const *texts, eg_error *err);

/* predictor.c */
extern const eg_key eg_invert_key; /* an option of all tasks whose models may take pictures */
eg_model *eg_predictor_model(eg_predictor *p);
/* Of row r, whose record is one of the source of t: the predictor's own task, or that of samples. */
eg_status eg_predictor_answer(const eg_predictor *p, const eg_task *t, const eg_row *r, eg_value *out, eg_error *err);

#endif
