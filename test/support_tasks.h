/* support_tasks.h - what tests of tasks share: a folder of files, recipes over them, samples, models as they come
 * back from their files, answers and values. Whatever fails here fails the test. */
#ifndef ENGRAM_TEST_SUPPORT_TASKS_H
#define ENGRAM_TEST_SUPPORT_TASKS_H

#include "base/base.h"
#include "engram_task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Can recordings be read, brought to another rate, and heard? */
#if defined ENGRAM_HAVE_SNDFILE && defined ENGRAM_HAVE_KISSFFT && defined ENGRAM_HAVE_SAMPLERATE
enum { HEARS = 1 };
#else
enum { HEARS = 0 };
#endif

typedef struct bench {
	char folder[64];
	eg_context *ctx; /* of two threads */
	eg_error err;
} bench;

#define OK(b, call) \
	do { \
		if (call) fail_msg("%s", (b)->err.message); \
	} while (0)
/* The last message has these words. */
#define SAYS(b, words) \
	do { \
		if (!strstr((b)->err.message, words)) fail_msg("'%s' instead of '%s'", (b)->err.message, words); \
	} while (0)

int bench_setup(void **state);
void bench_one_thread(bench *b); /* for networks so small that a second one would wait */
int bench_teardown(void **state); /* removes the folder */

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* FOLDER/NAME; in one of eight buffers that are used in turn. */
const char *bench_path(const bench *b, const char *name);
/* Writes FOLDER/NAME, with the folders above it; returns its path. */
const char *bench_write(const bench *b, const char *name, const void *data, size_t size);
const char *bench_text(const bench *b, const char *name, const char *text);
const char *bench_picture(bench *b, const char *name, int C, int H, int W, const uint8_t *pixels); /* as PNG */
char *bench_read(bench *b, const char *path, size_t *size); /* a whole file and a zero, to be freed; size may be NULL */

/* ---- recipes, samples, models ------------------------------------------------------------------------------------ */

/* A recipe as text, called "r.yaml". */
eg_recipe *bench_recipe(bench *b, const char *format, ...) EG_PRINTF(2, 3);
eg_status bench_parse(bench *b, eg_recipe **r, const char *format, ...) EG_PRINTF(3, 4);

/* A task with samples of it. */
typedef struct drawn {
	eg_task *task;
	eg_samples *samples;
} drawn;
drawn draw(bench *b, eg_recipe *r, eg_samples_options o);
/* Those of a model: its own, or (source or path not NULL) from elsewhere. */
drawn draw_for(bench *b, eg_model *m, eg_part part, const char *source, const char *path);
void undraw(drawn *d);
/* eg_task_open, eg_task_set_source and eg_samples_load must not work. */
void refuse_samples(bench *b, eg_model *m, eg_part part, const char *source, const char *path, const char *words);

/* Sets the weights of a network; they are all zero before. */
typedef void (*weigh)(eg_params *p, const void *user);
/* The model that a training with these samples makes. */
eg_model *bench_train(bench *b, eg_recipe *r, const drawn *d);
/* The same with weights that are set. */
eg_model *bench_weigh(bench *b, eg_recipe *r, const eg_samples *s, weigh set, const void *user);
/* Without samples: sizes, and what the task keeps, are given. set NULL: the weights of a beginning. */
eg_model *bench_model(bench *b, eg_recipe *r, const eg_size *sizes, const eg_value *kept, weigh set, const void *user);
/* Everything at once; the model holds its own recipe. */
eg_model *bench_train_all(bench *b, eg_recipe *r);
eg_model *bench_weigh_all(bench *b, eg_recipe *r, weigh set, const void *user);

/* ---- answers and values ------------------------------------------------------------------------------------------ */

eg_predictor *bench_predictor(bench *b, eg_model *m, const char *setting); /* NULL: none */
const eg_value *ask(bench *b, eg_predictor *p, eg_question q);
void ask_in_vain(
	bench *b, eg_predictor *p, eg_question q, const char *words); /* it has an error of its own, which says so */
eg_evaluation *bench_evaluate(bench *b, eg_model *m, eg_part part, const char *source, const char *path);

eg_value *value_of(const char *json); /* to be freed */
void assert_same(const eg_value *v, const eg_value *want);
void assert_value(const eg_value *v, const char *json);
void assert_near(double got, double want, double most);

#endif
