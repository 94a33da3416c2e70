/* task.h - the descriptor of a task, and the objects as the files of this folder see them.
 *
 * A new task is one file with an eg_task_type and one line in tasks.def. Most of its work is done for it: the data
 * section is read by its key tables, records come from the source, intakes make the network's inputs of their fields
 * (intake.h), samples.c makes data sets of them, judge.c and predictor.c show it row after row of what was computed.
 * What is left to say: which fields it needs, what the network has to put out, how good that is, and what it means. */
#ifndef ENGRAM_TASKS_TASK_H
#define ENGRAM_TASKS_TASK_H

#include "base/base.h"
#include "data/augment.h"
#include "engram_task.h"
#include "tasks/intake.h"

/* What a model that is no network says of a batch, where a network has an output "logits": (N,...), or, of `steps`,
 * (T,N,...). */
typedef struct eg_said {
	const eg_real *at;
	eg_dims dims;
	bool steps;
} eg_said;

/* One sample of a batch that has been run: what a task judges and answers. */
typedef struct eg_row {
	const eg_graph *graph;
	eg_plan *plan;
	eg_params *params;         /* of the graph; NULL: nobody has said, as in training */
	const char *text;          /* what a model that is no network writes; else NULL */
	const eg_said *said;       /* of a model that is no network, in place of the plan's outputs; else NULL */
	const eg_batch_run *batch; /* NULL: it is a question */
	int i, n;                  /* row i of n */
	int time, length;          /* steps of the batch and of this row; 0: no sequence */
	const eg_record *record;   /* with the fields that were asked for; NULL: the task makes its own batches */
	const char *name;          /* of the record or question, for files and messages */
	const char *target;        /* the graph's input with the truth, of a batch */
} eg_row;

/* A judge of this task; what it counts with stands behind it in a struct of its own. */
typedef struct eg_task_judge {
	eg_judge base;
	const eg_task *task;
	eg_graph *graph;
	eg_params *params; /* NULL: not known */
	const eg_samples *samples; /* what is judged is of them */
	/* Shows all rows of a part, where what is judged is no network: eg_task_judge_walk. NULL: it is one. */
	eg_status (*walk)(void *user, const eg_samples *s, eg_part part,
		eg_status (*take)(void *to, const eg_row *r, eg_error *err), void *to, eg_error *err);
	void *walker;
	int64_t total; /* predictions that were judged */
} eg_task_judge;

/* What eg_predictor_new's settings are read into; a task's own stand behind it. */
typedef struct eg_answer_options {
	const char *output; /* folder for answers that are files; NULL: none are written */
} eg_answer_options;

/* The field of a source with all texts that would be right for a record, of tasks that write. */
#define EG_REFERENCES "references"

typedef uint32_t eg_kinds; /* of fields: bit EG_FIELD_... */
#define EG_KIND(k) ((eg_kinds)1 << EG_FIELD_##k)

typedef struct eg_task_type {
	eg_task_info info;
	size_t size;       /* of its struct, whose first member is eg_task; 0: eg_task alone */
	eg_key_table keys; /* of the section `data`, beside those of source and intakes: offsets into that struct */
	eg_kinds inputs, targets; /* kinds of fields that it takes; targets 0: it makes its own */
	int (*target_field)(const eg_task *t); /* which field a target is, if the recipe does not say; NULL: the first
	                                        * of these kinds that is no input */
	const char *needs;        /* for messages: "a picture with a label" */
	const eg_intake_type *reads; /* how the fields of its inputs become numbers; NULL: by their kind */
	const eg_intake_type *tells; /* and those of its targets */
	const eg_intake_type *said;  /* and, where it writes, what `previous` is; NULL: eg_intake_previous_type */

	void (*defaults)(eg_task *t); /* of its keys, before they are read; NULL: zeros */
	eg_status (*open)(eg_task *t, eg_error *err); /* everything has been read; NULL: nothing to check */
	void (*close)(eg_task *t);                    /* NULL: nothing of its own */
	eg_part (*eval_part)(const eg_task *t);       /* NULL: the test part */
	eg_status (*suits)(const eg_task *t, eg_graph *g, eg_error *err); /* NULL: any graph that could be built */
	/* Records that are left out of training, and of what validates it, by what they are: does the recipe ask for
	 * some, and is this one? r NULL, once before: is what it asks for right? leaves_out alone may be NULL: none. */
	bool (*leaves_some_out)(const eg_task *t);
	eg_status (*leaves_out)(const eg_task *t, const eg_record *r, bool *out, eg_error *err);
	/* Fields of the source, a bit each, that this and the judge look at beside those of the intakes. NULL: none. */
	unsigned (*also)(const eg_task *t);
	/* Sets weights, new ones or a model's, that follow from the data: they are what they must be, whatever training
	 * did to them. NULL: none. */
	void (*constrain)(const eg_task *t, eg_params *p);
	/* In the place of the records one by one: makes the data sets of s itself (samples.h). */
	eg_status (*load)(eg_task *t, eg_samples *s, eg_error *err);
	void (*unload)(eg_samples *s);
	uint64_t (*fingerprint)(const eg_samples *s, eg_part part, uint64_t h); /* with load: eg_fingerprint of a
	                                                                         * part */
	eg_status (*measure)(eg_task *t, eg_error *err); /* with load: makes what sizes depend on */

	/* Judging. The metrics, the most telling first; `best` makes an epoch the best (-1: the objective). `quick`: in
	 * training accuracy is told instead, which costs next to nothing. */
	const eg_metric_info *metrics;
	int nmetrics, best;
	bool quick;
	bool whole_classes; /* those that validate are of classes that nothing is trained on */
	bool spare_class; /* the network may put out one number more than there are classes, for none of them */
	bool writes; /* units one after the other: an input `previous` holds the target's, one step later */
	const char *const *(*outputs)(
	        const eg_task *t, const eg_graph *g); /* that rows are judged and answered by; NULL: "logits" */
	const char *averaged; /* the output whose probabilities may be averaged over views; NULL: none */
	bool embeds; /* embeddings are what is averaged, always: those that are compared have to be made alike */
	size_t judge_size; /* of its struct, whose first member is eg_task_judge; 0: that alone */
	eg_status (*judge_open)(eg_task_judge *j, eg_error *err);
	void (*judge_close)(eg_task_judge *j);
	void (*judge_reset)(eg_task_judge *j);
	eg_status (*judge_row)(eg_task_judge *j, const eg_row *r, eg_error *err);
	void (*judge_values)(const eg_task_judge *j, double *values);
	void (*judge_details)(const eg_task_judge *j, eg_value *map); /* NULL: nothing beside its metrics */

	/* Answering. */
	eg_key_table options; /* offsets into a struct that begins with eg_answer_options */
	size_t options_size;  /* 0: that alone */
	eg_status (*answer)(
	        const eg_task *t, const eg_answer_options *o, const eg_row *r, eg_value *out, eg_error *err);
	eg_status (*truth)(const eg_task *t, const eg_row *r, eg_value *out, eg_error *err);

	/* Of tasks whose questions are files as a whole: all fields of the source's records, from a file's contents.
	 * Then a question that is a record has them all, too. */
	eg_status (*read_file)(
	        const eg_task *t, const void *bytes, size_t size, const char *name, eg_record *r, eg_error *err);

	/* What a model file keeps beside what the intakes do, and back. NULL: nothing. */
	void (*save)(const eg_task *t, eg_value *map);
	eg_status (*restore)(eg_task *t, const eg_value *map, eg_error *err);

	/* settle: what it learns when the network has been trained, of validation samples above all; NULL: nothing.
	 * settles: does it, by this recipe? NULL: by every one. can_settle: from such samples, in folds or not, with
	 * validation samples or not? It is asked before the training; NULL: always. */
	bool (*settles)(const eg_task *t);
	eg_status (*can_settle)(const eg_task *t, bool folds, bool validation, eg_error *err);
	eg_status (*settle)(eg_task *t, const eg_samples *s, eg_graph *g, eg_params *p, eg_error *err);
	const char *const *settled; /* the keys of what is kept that come of it; the last is NULL */

	eg_status (*new_generator)(
	        eg_task *t, eg_model *m, const eg_generate_options *o, eg_generator **generator, eg_error *err);
} eg_task_type;

enum { EG_TASK_INTAKES = 8 };

/* One entry of the recipe's `augment`. */
typedef struct eg_augment_entry {
	const eg_augment_type *type;
	void *options;
} eg_augment_entry;

struct eg_task {
	const eg_task_type *type;
	eg_recipe *recipe;
	eg_source *source;
	eg_intake *intakes[EG_TASK_INTAKES]; /* those of inputs, in the recipe's order, then those of targets */
	int nintakes, ninputs;
	int nasked; /* of the inputs, those that a question has: all but `previous` of a network that writes */
	const char *one, *many; /* its unit */
	eg_augment_entry *augments; /* naugments of them */
	int naugments;
	int views; /* which kind of views.c; 0: each sample once */
	bool other;             /* another source than the recipe's */
	bool whole;             /* and all of it is judged */
	eg_size sizes[EG_TASK_INTAKES + 2];
	/* what data sets fill whose records change their length (samples_fill.c): the inputs of all intakes, and, where
	 * the network that was met last takes it, "lengths" */
	const char *stretched[EG_TASK_INTAKES + 2];
	eg_arena arena;
};

/* Record number `record` of a part, for whoever asks about one; EG_ERR_ARG where there is none of that number. */
eg_status eg_task_read_record(const eg_task *t, eg_part part, int64_t record, unsigned fields, eg_record *r, eg_error *err);

/* section.c */
eg_status eg_task_read(
	eg_task *t, const char *source, const char *path, eg_error *err); /* after a failure it is as it was */
eg_status eg_augments_read(eg_task *t, eg_error *err); /* augment.c: t->augments, when intakes are known */
eg_status eg_views_read(eg_task *t, eg_error *err); /* views.c: t->views, by the recipe */
bool eg_views_always(const eg_task *t);                /* also in training, and of questions */
const char *eg_views_output(const eg_task *t);         /* what is averaged */
int eg_views_number(const eg_task *t); /* at least 1; the last one is the record as it is */
/* Adds to `mean`, 0 before the first, what was put out in view `number`; after the last the mean replaces `out`. */
eg_status eg_views_add(const eg_task *t, int number, double *mean, eg_real *out, const eg_dims *dims, eg_error *err);
eg_status eg_views_choose(eg_task *t, const char *word, eg_error *err); /* in place of that */
const eg_variant *eg_augment_variants(eg_arena *arena); /* the kinds with all their keys, for the schema; NULL: out
                                                         * of memory */
void eg_task_drop(eg_task *t);                                            /* source and intakes */
eg_status eg_task_no_validation(
	const eg_task *t, eg_error *err); /* is it right that there are no validation samples? */
/* What the intakes know as words of layers: fills t->sizes. */
void eg_task_count_words(eg_task *t);
/* targets.c: does every loss compare what its field holds? Without `shapes` only whether these are classes or
 * numbers. */
eg_status eg_task_check_targets(const eg_task *t, const eg_graph *g, bool shapes, eg_error *err);
/* agree.c: does what the intakes know fit the graph; and a model's sizes? */
eg_status eg_task_agrees(const eg_task *t, eg_graph *g, eg_error *err);
eg_status eg_task_same_sizes(const eg_task *t, const eg_model *m, eg_error *err);
/* Can the graph tell at every step which unit comes next, by what was read before it alone? `unit` is for messages. */
eg_status eg_task_reads_forward(const eg_task *t, eg_graph *g, const char *unit, eg_error *err);
/* The task of a model, with what its file keeps, which fits its network. */
eg_status eg_task_of_model(eg_model *m, eg_task **t, eg_error *err);
eg_status eg_task_restore(eg_task *t, const eg_value *kept, eg_error *err);
void eg_task_save(const eg_task *t, eg_value *map);
eg_intake *eg_task_target(const eg_task *t);                            /* the first; NULL: none */
const char *eg_task_target_input(const eg_task *t);                     /* of the graph */
const eg_task_type *eg_task_type_of(const eg_recipe *r, eg_error *err); /* NULL, with a message that says where */

/* ---- helpers that several tasks use ------------------------------------------------------------------------------ */

/* Output `name` of this row as the network put it out: (..., one of n rows, width): start of its numbers. Sequences: of
 * step t. */
const eg_real *eg_row_output(const eg_row *r, const char *name, int step, int *width);
eg_dims eg_row_dims(const eg_row *r, const char *name); /* of the whole output of the batch */
/* The same of an input that holds int32 (N) or (T,N). */
const int32_t *eg_row_ids(const eg_row *r, const char *name, int step);
int eg_argmax(const eg_real *x, int n); /* the first among equals */
/* Probabilities of n logits; false: they are no numbers. */
bool eg_softmax(const eg_real *x, int n, double *p);

/* Runs the network over a part and shows it row by row. */
eg_status eg_samples_each_row(const eg_samples *s, eg_graph *g, eg_params *p, eg_part part,
	eg_status (*take)(void *user, const eg_row *r, eg_error *err), void *user, eg_error *err);
/* Can a judge look at other samples than those that it is shown: are the weights known? And the rows of a part of such
 * samples, by what is judged. */
bool eg_task_judge_walks(const eg_task_judge *j);
eg_status eg_task_judge_walk(const eg_task_judge *j, const eg_samples *s, eg_part part,
	eg_status (*take)(void *user, const eg_row *r, eg_error *err), void *user, eg_error *err);
eg_part eg_row_part(const eg_row *r); /* that it is of; of a batch alone */
/* Field of the record that intake k of the task takes; NULL: it is not there. */
const eg_datum *eg_row_datum(const eg_task *t, const eg_row *r, int k);
/* Path of the file that belongs to this row's answer: folder/NAME.suffix, made of the record's or question's name.
 * EG_ERR_ARG: too long. */
eg_status eg_row_path(
	const eg_answer_options *o, const eg_row *r, const char *suffix, char *path, size_t size, eg_error *err);

/* `per_class` and `confusion` of classes that were told apart (one row a class that occurs or was said). */
void eg_put_classes(eg_value *map, const eg_confusion *c, const eg_lexicon *names);

/* generate.c: what the tasks whose networks go on with a text have as their new_generator. Takes the task over, also on
 * failure. */
eg_status eg_generator_from_vocab(
	eg_task *t, eg_model *m, const eg_generate_options *o, eg_generator **generator, eg_error *err);

#endif
