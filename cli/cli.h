/* cli.h - what the verbs of the program share: arguments, messages, exit codes. Text on the screen is in print.h.
 *
 * The program is the only code of Engram that prints and exits. Results go to stdout, messages to stderr. */
#ifndef ENGRAM_CLI_H
#define ENGRAM_CLI_H

#include "engram_data.h"
#include "engram_io.h"
#include "engram_task.h"
#include "engram_train.h"

#if defined(__GNUC__)
#define CLI_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define CLI_PRINTF(fmt, args)
#endif

/* Exit codes; the last: what was computed could not be written where it should be. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_UNWRITTEN = 3 };

/* ---- arguments (args.c) ------------------------------------------------------------------------------------------ */

/* One option of a verb. `value` is what its value is called in the help text, and says what it may be:
 * NULL: a flag; "N" and other single letters: a whole number in [min, max]; CLI_COUNT: a number that may be large;
 * "a|b|c": one of these; else any text. */
typedef struct cli_option {
	const char *name; /* without "--" */
	char letter;      /* 0: none */
	const char *value;
	const char *doc; /* begins with a small letter; wrapped by the help text */
	uint64_t min, max;
} cli_option;

typedef struct cli_args cli_args;

typedef struct cli_verb {
	const char *name;
	const char *line;               /* one line, for lists */
	const char *operands;           /* "RECIPE", "MODEL PICTURE..." */
	int min_operands, max_operands; /* max -1: any number */
	const char *about;              /* paragraphs of the help text, or NULL */
	const char *examples;           /* lines of the help text, or NULL */
	const cli_option *options;      /* ends with a NULL name */
	/* The options of all tasks are handed on as well (eg_task_options), and the help says what tasks take and
	 * answer. */
	bool answers;
	bool judges; /* the help says what the metrics of tasks mean */
	/* What it does with a model, for who has just trained one: "text like what it has read"; "": the task's answer;
	 * NULL: that is not told. */
	const char *next;
	const char *next_operands;     /* what it needs then beside the model: "INPUT...", or NULL */
	unsigned ability;              /* of eg_ability: what a model must be able to do for it; 0: nothing special */
	int (*run)(const cli_args *a); /* returns the exit code */
} cli_verb;

#define CLI_VERB(name) extern const cli_verb verb_##name;
#include "verbs.def"
#undef CLI_VERB
const cli_verb *cli_verb_at(int i); /* in order; NULL: no such */

typedef struct cli_given { /* an option as it was typed */
	const cli_option *option;
	const char *value;
} cli_given;

/* The options of all tasks, those of one name together. */
typedef struct cli_task_options {
	cli_option *options; /* ends with a NULL name */
	int n;
} cli_task_options;

struct cli_args {
	const cli_verb *verb;
	char **operands;
	int noperands;
	cli_given *given;
	int ngiven;
	cli_task_options *tasks; /* of verbs that answer; else NULL */
	bool help;
};

#define CLI_COUNT "N[k|M|G|T]"

/* Options that several verbs have. */
#define OPTION_THREADS \
	{ \
		"threads", 0, "N", \
		        "how many threads compute (default: ENGRAM_THREADS, else all processors). Results do not " \
		        "depend on it", \
		        1, 1024 \
	}
#define OPTION_LOADERS \
	{ \
		"loaders", 0, "N", \
		        "how many threads read and prepare samples ahead; 0: none, in line (default: ENGRAM_LOADERS, else " \
		        "some where it is worth it). Results do not depend on it", \
		        0, 64 \
	}
#define OPTION_LIMIT \
	{ \
		"limit-macs", 0, CLI_COUNT, \
		        "refuse a network that takes more multiply-adds than this for one sample, as in --limit-macs " \
		        "20G; of a text that is written, for one unit of it. For models from elsewhere: engram info says " \
		        "how many it takes", \
		        0, 0 \
	}
#define OPTION_SET \
	{ \
		"set", 0, "KEY=VALUE", \
		        "use this value in place of the recipe's, as in --set train.epochs=10; may be repeated", 0, 0 \
	}
#define OPTION_JSON(what) \
	{ "json", 0, NULL, what, 0, 0 }

/* Reads argv into *a; false: a usage error, which has been told. a->given is to be freed. */
bool args_parse(cli_args *a, const cli_verb *verb, int argc, char **argv);
void args_free(cli_args *a);
bool args_has(const cli_args *a, const char *name);
const char *args_text(const cli_args *a, const char *name); /* the last one given; NULL: none */
uint64_t args_number(const cli_args *a, const char *name, uint64_t otherwise);
/* The number of an option, which is left alone where it is not given; false: it is none from min to max, a usage error,
 * which has been told. */
bool args_real(const cli_args *a, const char *name, double min, double max, double *value);
double args_count(const cli_args *a, const char *name, double otherwise); /* of a CLI_COUNT */
/* All values of a repeated option, in order, *n of them; NULL after them, with room for one more. To be freed. */
const char **args_all(const cli_args *a, const char *name, int *n);
/* The options of tasks that were given, as settings "name=value" for eg_predictor_new, NULL-terminated; then `more`,
 * unless it is NULL. To be freed with args_settings_free. */
char **args_settings(const cli_args *a, const char *more);
void args_settings_free(char **settings);
void args_help(const cli_verb *verb);

/* ---- messages (print.c) ------------------------------------------------------------------------------------------ */

/* "engram VERB: message" on stderr; return the exit code. Control characters in texts from outside do not get
 * through. */
int fail(const char *verb, const char *fmt, ...) CLI_PRINTF(2, 3);
int fail_usage(const char *verb, const char *fmt, ...) CLI_PRINTF(2, 3); /* adds where help is */
int fail_error(const char *verb, const eg_error *err);
void *cli_alloc(size_t bytes); /* zeroed; out of memory ends the program with a message */

/* ---- contexts and files (load.c) --------------------------------------------------------------------------------- */

/* A context as --threads and --limit-macs say; NULL after a message. With ENGRAM_VERBOSE it is described on stderr. */
eg_context *cli_context(const cli_args *a);
/* The same with one thread, unless told otherwise: a step of one text is too little work to be shared. */
eg_context *cli_context_one(const cli_args *a);
/* The tuning file that ENGRAM_TUNING names into the context; one that does not fit is told and left alone. */
void cli_tuning(const cli_args *a, eg_context *ctx);
/* ENGRAM_VERBOSE: 0 quiet, 1 tells what was chosen, 2 also the plan. */
int cli_verbose(void);
/* With ENGRAM_VERBOSE: how convolutions are computed, on stderr; with 2 the whole plan too. */
void cli_verbose_plan(eg_graph *g, eg_params *p, const eg_plan_options *o);
/* The recipe with --set and --seed applied; NULL after a message. */
eg_recipe *cli_recipe(const cli_args *a, const char *path);
/* The rest of an open file, whole, or a little more than `most` bytes of it. NULL: it cannot be read, as errno says. */
char *cli_slurp(int file, size_t most, size_t *size);
/* Is this file a model (safetensors), not a recipe? False also for what cannot be read. What can be read only once, a
 * pipe, is kept for cli_recipe and cli_model. */
bool cli_is_model(const char *path);
eg_model *cli_model(const cli_args *a, const char *path, eg_context *ctx); /* to be used; NULL after a message */
eg_model *cli_model_to_look(const cli_args *a, const char *path, eg_context *ctx); /* its weights may be NaN */
/* Could a file of this name be written? Asked before long work, of what will write it; false after a message. */
bool cli_can_write(const cli_args *a, const char *path);
/* Makes a folder that is not there, and sees whether files can be written in it; false after a message. */
bool cli_make_folder(const cli_args *a, const char *path);
/* Names in a folder, sorted, without hidden ones, each and the list to be freed; *n -1: it cannot be read, as errno
 * says. */
char **cli_folder_names(const char *folder, int *n);
bool cli_ends_with(const char *path, const char *end); /* such as ".json" */
bool cli_is_able(eg_model *m, eg_ability ability); /* by its task */
/* The embedding of an answer, *n numbers. To be freed. */
float *cli_embedding(const eg_value *answer, int *n);
/* "train", ...: the part that --split names, else `otherwise`. */
eg_part cli_split(const cli_args *a, eg_part otherwise);
/* Takes samples from where --data, --folder and --path say. */
eg_status cli_choose_data(const cli_args *a, eg_task *t, eg_error *err);
/* eg_samples_load; tells what is odd about the parts that were read, and names every record that cannot be read. */
eg_status cli_samples(
	const cli_args *a, eg_task *t, const eg_samples_options *o, eg_samples **samples, eg_error *err);
/* What messages call the data: the path given, or the name of the source. */
const char *cli_data_name(const cli_args *a, const eg_task *t);

/* ---- networks (network.c) ---------------------------------------------------------------------------------------- */

enum { CLI_OPEN_SIZE = 64, CLI_OPEN_MOST = 8 };
/* What open sizes beside batch and time are taken to be, when something is to be planned: CLI_OPEN_SIZE each, with a
 * NULL name behind them, into `open`, which is zero. Returns how many steps: `time`, or if that is 0 as many as the
 * data has, where that is known, else CLI_OPEN_SIZE; 0: there are no sequences. */
int cli_open_sizes(const eg_task *t, const eg_graph *g, int time, eg_size *open);

/* The network of a recipe, made without its data where that is possible, or of a model. Zero-initialise. */
typedef struct cli_network {
	eg_model *model; /* NULL: of a recipe; then the rest is its own */
	eg_recipe *recipe;
	eg_task *task;
	eg_graph *graph; /* of a recipe no weights are made: they would take memory to be looked at */
	const eg_size *sizes;
	eg_size open[CLI_OPEN_MOST]; /* cli_open_sizes */
	int time;                    /* and steps; 0: there are no sequences */
} cli_network;

/* false after a message. time: steps to plan for, as for cli_open_sizes. */
bool cli_network_open(const cli_args *a, const char *path, eg_context *ctx, int time, cli_network *n);
void cli_network_free(cli_network *n);
int cli_train_batch(const eg_recipe *r); /* as the recipe says, or the default */

#endif
