/* written.h - what tasks share whose answer is a text that is written unit by unit: how it is spelled, what would have
 * been right, and how near it comes to that (text_score.h). Not here: writing it. */
#ifndef ENGRAM_TASKS_WRITTEN_H
#define ENGRAM_TASKS_WRITTEN_H

#include "tasks/beam.h"
#include "tasks/task.h"
#include "tasks/text_score.h"

/* Key `bleu` of a task whose struct has EG_TOKENS_... as `member`. */
extern const char *const eg_tokens_names[]; /* as EG_TOKENS_... */
enum { EG_TOKENS_BY_TEXT = -1 };
#define EG_WRITTEN_BLEU_KEY(owner, member) \
	{ \
		.name = "bleu", .type = EG_KEY_ENUM, .offset = offsetof(owner, member), .names = eg_tokens_names, \
		.doc = "what BLEU counts: words (13a), Chinese characters and words (zh), characters (char). Left out: zh where " \
		       "most of what is written is Chinese, else 13a" \
	}

/* Options `beam` and `length_norm` of a question, in a struct with an int and an eg_numbers that are called so. */
#define EG_WRITTEN_BEAM_OPTIONS(owner) \
	{ \
		.name = "beam", .type = EG_KEY_INT, .offset = offsetof(owner, beam), .min = 1, .max = 1000, \
		.doc = "hypotheses that are followed (default: as the recipe says; 1: greedy)" \
	}, \
	{ \
		.name = "length_norm", .type = EG_KEY_NUMBERS, .count = 1, .offset = offsetof(owner, length_norm), .min = 0, .max = 10, \
		.doc = "how much longer texts are favoured (default: as the recipe says)" \
	}

/* The first metrics of such a task, in this order. */
enum { EG_WRITTEN_BLEU, EG_WRITTEN_CHRF, EG_WRITTEN_EXACT, EG_WRITTEN_LOSS, EG_WRITTEN_COUNT };
#define EG_WRITTEN_METRICS(one) \
	{.name = "bleu", .doc = "how many n-grams of what is written are in a " one ", 0 to 100"}, \
	{.name = "chrf", .doc = "the same of characters, both ways, 0 to 100"}, \
	{.name = "exact", .doc = "texts that are one of the " one "s", .share = true}, \
	{ \
		.name = "loss", .doc = "nats a unit", .lower_is_better = true \
	}

typedef struct eg_written_score {
	eg_text_score text;
	int64_t exact, total;
} eg_written_score;

/* The units as a text, in `room`. */
eg_status eg_written_spell(
	const eg_vocab *v, const eg_hypothesis *h, eg_arena *room, const char **text, eg_error *err);
/* EG_TOKENS_... of `key`; by the text: is most of what can be written Chinese? */
int eg_written_tokens(const eg_vocab *v, int key);
/* Judges what is written for a row. *judged: the data says what would be right. */
eg_status eg_written_add(eg_written_score *s, const eg_task *t, const eg_row *r, int tokens, const char *text,
	bool *judged, eg_error *err);
/* All texts that the data has for a record, at least the record's own; *n 0: it has none. */
eg_status eg_written_references(
	const eg_task *t, const eg_row *r, eg_arena *room, const char *const **list, int *n, eg_error *err);
void eg_written_values(const eg_written_score *s, double *v); /* but for the loss */
/* A task's `truth`: text, and texts, all that would be right. */
eg_status eg_written_truth(const eg_task *t, const eg_row *r, eg_value *out, eg_error *err);

#endif
