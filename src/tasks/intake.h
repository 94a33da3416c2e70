/* intake.h - how a field of records becomes the numbers of one input of the network, and what has to be remembered of
 * the training records for that: the scale of pictures, a vocabulary, the names of classes.
 *
 * One file for each kind of field: intake_picture.c, intake_text.c, intake_tokens.c, intake_names.c (labels, tags,
 * masks), intake_boxes.c, intake_numbers.c (numbers, series), intake_previous.c (what has been written). A task says
 * which kinds it takes; it seldom needs to know more. */
#ifndef ENGRAM_TASKS_INTAKE_H
#define ENGRAM_TASKS_INTAKE_H

#include "base/base.h"
#include "data/data.h"
#include "engram_text.h"
#include "engram_value.h"
#include "io/recipe.h"
#include "tasks/lexicon.h"

typedef struct eg_intake eg_intake;

enum { EG_IGNORED = -100 }; /* as a target: nothing is asked here (ignore_index of cross_entropy) */

/* n records' field, into the input of a batch: row-major as the graph has it, (N,...) or (time,N,...). */
typedef struct eg_intake_fill {
	const eg_datum *const *data;
	eg_record *records; /* that they are of, for room and messages (eg_fill_record) */
	const int *which;   /* row i is of records[which[i]]; NULL: of records[i] */
	int n, time;        /* of the batch; time 0: no sequence */
	eg_dims dims;       /* of the input, concrete */
	void *slot;
} eg_intake_fill;
static inline eg_record *eg_fill_record(const eg_intake_fill *a, int i) {
	return &a->records[a->which ? a->which[i] : i];
}

typedef struct eg_intake_type {
	eg_field_kind kind;
	size_t size;       /* of its struct, whose first member is eg_intake */
	eg_key_table keys; /* of the data section: offsets into that struct */
	eg_status (*open)(eg_intake *f, eg_recipe *r, eg_error *err); /* keys have been read; NULL: nothing to check */
	void (*close)(eg_intake *f);
	/* May the network's input have this shape (of one sample, words negative) and type? NULL: any. `unit` is what a
	 * sample is called. */
	eg_status (*fits)(const eg_intake *f, const eg_dims *sample, eg_error *err);
	/* The training records are shown to it one by one, then `looked`, unless it `is_known` already. */
	bool (*is_known)(const eg_intake *f);
	eg_status (*begin)(eg_intake *f, const eg_field *field, eg_error *err);
	eg_status (*look)(
	        eg_intake *f, const eg_datum *d, const eg_record *r, eg_error *err); /* NULL: `begin` tells it all */
	eg_status (*looked)(eg_intake *f, eg_error *err);
	/* How large open dimension `axis` of the sample is for this record; 0: empty. NULL: it has none that could be
	 * open. */
	eg_status (*extent)(
	        const eg_intake *f, const eg_datum *d, const eg_record *r, int axis, int *size, eg_error *err);
	eg_status (*fill)(const eg_intake *f, const eg_intake_fill *a, eg_error *err);
	/* From a file's contents, or a JSON value, to what `fill` takes, in room of the record. *remark: something that
	 * `tell` puts into the answer.
	 * NULL: no questions can be asked with such a field. */
	eg_status (*decode)(const eg_intake *f, const void *bytes, size_t size, const char *name, eg_record *r,
	        eg_datum *d, int *remark, eg_error *err);
	eg_status (*decode_json)(const eg_intake *f, const eg_value *v, const char *name, eg_record *r, eg_datum *d,
	        int *remark, eg_error *err);
	/* In the place of `decode`: what lies at a path, a folder too. */
	eg_status (*decode_path)(const eg_intake *f, const char *path, eg_record *r, eg_datum *d, eg_error *err);
	void (*tell)(const eg_intake *f, int remark, eg_value *answer); /* NULL: nothing */
	/* What a model file keeps of it, keys of a map; and back, for a source whose field is given (NULL: for
	 * questions only). */
	void (*save)(const eg_intake *f, eg_value *map);
	eg_status (*restore)(eg_intake *f, const eg_value *map, eg_error *err);
	eg_status (*meet)(eg_intake *f, const eg_field *field,
	        eg_error *err);           /* a known intake, and another source: do its names agree? NULL: always */
	int (*count)(const eg_intake *f); /* what its word stands for; NULL: it has none */
	const char *word;                 /* "classes", "units" */
	const char *row;                  /* of a target: what its loss calls a size that extent tells of each sample */
} eg_intake_type;

struct eg_intake {
	const eg_intake_type *type;
	const char *input; /* of the graph */
	const char *name;  /* of the field */
	int field;         /* in the source; -1: the source has none (another one than the recipe's) */
	eg_dims sample;    /* of an input: without N; words are negative, EG_T is time */
	eg_dims shape; /* of the graph's input, when it is known (eg_task_bind): EG_N, EG_T, or numbers of words; rank
	                * 0: not known yet */
	const struct eg_intake *follows; /* of `previous`: the target, which is what has been written; else NULL */
	/* Films and their tags: steps that they have more than in the data. The last frame is shown so often once more,
	 * and tags are so many steps late: the network has seen so many frames behind the one that it tags. */
	int delay;
	bool target;
	int32_t pad; /* of a target of classes: what stands where nothing is asked */
	bool padded; /* pictures keep their size, and what is left over in a batch is filled up: the input's height or
	              * width is open */
	eg_arena arena;
};

/* NULL: no intake for this kind of field. */
const eg_intake_type *eg_intake_of(eg_field_kind kind);
eg_intake *eg_intake_new(const eg_intake_type *type, eg_error *err);
void eg_intake_free(eg_intake *f);

/* The bytes of a question as text: by the rules that hold for every text, and, with `nfc`, in Unicode's form C. In
 * room of the record, a zero behind. `any`: byte for byte. */
typedef struct eg_question_rules {
	bool any, nfc;
} eg_question_rules;
eg_status eg_intake_question(const void *bytes, size_t size, eg_question_rules rules, const char *name, eg_record *r,
	char **text, size_t *n, eg_error *err);

/* ---- what tasks ask certain intakes ------------------------------------------------------------------------------ */

/* intake_names.c: classes of labels, tags, masks. */
const eg_lexicon *eg_intake_names(const eg_intake *f);
void eg_intake_allow_unknown(eg_intake *f, bool allow); /* other data may have a class 'unknown', which is none: -1 */
void eg_intake_allow_others(eg_intake *f); /* other data may have classes that the model does not know: -1 */
int32_t eg_intake_label(const eg_intake *f, int32_t label); /* the source's number as the model counts; -1 stays -1 */
/* Do tags B-X and I-X make spans here? Then every I-X of what is filled in follows an X: one that follows none is read
 * as B-X. */
bool eg_intake_spans(const eg_intake *f);
/* intake_boxes.c: makes a target of boxes in this picture the one of places, or of classes. */
void eg_intake_boxes_are(eg_intake *f, bool places, const eg_intake *picture);
/* intake_text.c */
bool eg_intake_lowers(const eg_intake *f); /* capitals are read as small letters */
const eg_vocab *eg_intake_vocab(const eg_intake *f);
void eg_intake_set_vocab(eg_intake *f, eg_vocab *v); /* takes it over */
void eg_intake_begin_with(eg_intake *f, int id);     /* texts of questions are read behind this unit; -1: none */
/* The unit that `text` has at place i of its ids, as the model's units go. */
eg_status eg_intake_encode(
	const eg_intake *f, const eg_datum *d, const eg_record *r, int32_t **ids, size_t *n, eg_error *err);
typedef struct eg_text_keys {
	int unit, words, min_count, max_size, longest;
	bool cut;
} eg_text_keys;
const eg_text_keys *eg_intake_text_keys(const eg_intake *f);
/* intake_previous.c: the input `previous` of a network that writes, which follows its target. */
extern const eg_intake_type eg_intake_previous_type;
/* intake_turns.c: the input of a task that answers in a talk, and its target, in one sequence (eg_task_type.reads). */
extern const eg_intake_type eg_intake_turns_type;
void eg_intake_join(eg_intake *talk, eg_intake *answer);
/* intake_spelled.c: the target of a task that transcribes (eg_task_type.tells). */
extern const eg_intake_type eg_intake_spelled_type, eg_intake_spelled_lengths_type; /* (N): how many labels */
const eg_lexicon *eg_intake_letters(const eg_intake *f); /* label i is at[i - 1] */
bool eg_intake_letters_are_words(const eg_intake *f);
/* Labels of a record, 0 where training has not seen one, the first `most` of them into `labels`; returns how many there
 * are. */
int eg_intake_spell(const eg_intake *f, const eg_datum *d, int32_t *labels, int most);
/* Number i of those that training has not seen, cut to fit, into buf; NULL: there are fewer. */
enum { EG_UNKNOWN_LABEL = 48 };
const char *eg_intake_spell_unknown(const eg_intake *f, const eg_datum *d, int i, char buf[EG_UNKNOWN_LABEL]);
/* How many steps its labels need at least: one each, and one more between two that are the same. */
int eg_intake_spell_steps(const eg_intake *f, const eg_datum *d);
/* intake_sound.c: when step t of a recording begins, in seconds (t may lie between steps). */
double eg_intake_sound_time(const eg_intake *f, double t);
/* What computes its steps of samples at *rate, each of which then has to be brought to the network's scale. NULL, with
 * a message: they cannot be told before the recording has ended. */
const struct eg_sound_features *eg_intake_sound_features(const eg_intake *f, double *rate, int64_t *silence, eg_error *err);
void eg_intake_sound_scale(const eg_intake *f, float *step);
const struct eg_sound_options *eg_intake_sound_options(const eg_intake *f); /* what its steps are */
/* How many of the training recordings are silent, if they have just been looked at; *first: the name of one. */
int64_t eg_intake_sound_silent(const eg_intake *f, const char **first);
/* intake_tokens.c: its tokens; that of number i is at[i - 1], number 0 is unknown. */
const eg_lexicon *eg_intake_tokens(const eg_intake *f);
/* Do spaces stand between the tokens of a text? (else they are its characters) */
bool eg_intake_spaced(const eg_intake *f);
/* intake_picture.c: bytes of the picture as the network's input has them, C x H x W (open sizes: the picture's own). */
eg_status eg_intake_picture(
	const eg_intake *f, const eg_datum *d, eg_record *r, const uint8_t **pixels, int shape[3], eg_error *err);
/* What the bytes 0 and 255 of a channel are as numbers of the network. */
void eg_intake_picture_scale(const eg_intake *f, int channel, double *black, double *white);
/* intake_frames.c: reads no more than the last n frames of a film; 0: all. */
void eg_intake_frames_last(eg_intake *f, int n);
/* Frame t as C x H x W bytes, in `room` where it has another size. */
eg_status eg_intake_frame(
	const eg_datum_frames *d, int t, int C, int H, int W, uint8_t *room, const uint8_t **out, eg_error *err);

#endif
