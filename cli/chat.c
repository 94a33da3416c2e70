/* chat.c - engram chat: a talk with a model on the terminal, a line a turn; piped, the answers to the lines that come.
 * What has been said so far goes before the model with each line, as much of it as it reads.
 *
 * Not here: what is answered (src/tasks/reply.c). The terminal itself edits lines. */
#define _POSIX_C_SOURCE 200809L /* getline, clock_gettime */
#include "engram_text.h"
#include "print.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { KEPT = 1 << 20 }; /* bytes of a talk; no model reads more */
#define TEMPERATURE "0.7"

typedef struct talk {
	char *text; /* turns, an empty line between two; a zero behind */
	size_t size, room;
} talk;

typedef struct job {
	const cli_args *args;
	eg_model *model;
	eg_predictor *predictor;
	const char *name, *as; /* who types, who answers; NULL: nobody in particular */
	bool json, terminal;
	talk talk;
	int64_t line, unknown; /* unknown: units that the last answer was told not to know */
	int code;
} job;

/* ---- what has been said ------------------------------------------------------------------------------------------ */

static void append(talk *t, const char *s, size_t n) {
	if (t->size + n + 1 > t->room) {
		size_t room = 2 * (t->size + n) + 256;
		char *more = cli_alloc(room);
		if (t->size) memcpy(more, t->text, t->size);
		free(t->text);
		t->text = more, t->room = room;
	}
	memcpy(t->text + t->size, s, n);
	t->size += n;
	t->text[t->size] = '\0';
}

/* A turn begins: an empty line, and the name of who speaks. */
static void begin_turn(talk *t, const char *speaker) {
	if (t->size) append(t, "\n\n", 2);
	if (!speaker) return;
	append(t, speaker, strlen(speaker));
	append(t, ":\n", 2);
}

/* Turns that no model reads any more go. */
static void forget(talk *t) {
	if (t->size <= 2 * KEPT) return;
	char *from = strstr(t->text + t->size - KEPT, "\n\n");
	if (!from) return;
	t->size -= (size_t)(from + 2 - t->text);
	memmove(t->text, from + 2, t->size + 1);
}

/* ---- an answer --------------------------------------------------------------------------------------------------- */

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* On a terminal line by line, and nothing that could do more than write; else as it is, an empty line behind. */
static void show_text(const job *j, const char *text) {
	for (const char *at = text; j->terminal && at;) {
		const char *end = strchr(at, '\n');
		size_t n = end ? (size_t)(end - at) : strlen(at);
		char *line = cli_alloc(n + 1);
		memcpy(line, at, n);
		line[n] = '\0';
		puts(text_clean(line));
		free(line);
		at = end ? end + 1 : NULL;
	}
	if (!j->terminal) puts(text);
	putchar('\n');
}

static void show(const job *j, const char *said, const eg_value *answer, const char *error, double seconds) {
	if (j->json) {
		eg_value *v = eg_value_new(EG_VALUE_MAP);
		eg_value_put_text(v, "said", said);
		if (error) eg_value_put_text(v, "error", error);
		for (const eg_value *c = error ? NULL : eg_value_first(answer); c; c = eg_value_next(c))
			eg_value_put_copy(v, eg_value_key(c), c);
		if (!error) eg_value_put_number(v, "seconds", seconds);
		print_json(v);
		eg_value_free(v);
	} else if (!error) {
		show_text(j, eg_value_text(eg_value_get(answer, "text")));
	}
	if (cli_verbose() > 0 && !error) fprintf(stderr, "%.3f s\n", seconds);
	out_push();
}

static void refuse(job *j, const char *said, const char *why) {
	fail("chat", "%s", why);
	if (j->json) show(j, said, NULL, why, 0);
	j->code = CLI_FAILED;
}

/* The model answers to all that has been said; what it says is a turn too. */
static void answer(job *j, const char *said) {
	const double began = now();
	const size_t before = j->talk.size;
	const eg_value *a = NULL;
	eg_error wrong = {0}, err = {0};
	begin_turn(&j->talk, j->name);
	append(&j->talk, said, strlen(said));
	const size_t turn = j->talk.size;
	if (j->as) begin_turn(&j->talk, j->as);
	const eg_question q = {.bytes = j->talk.text, .size = j->talk.size, .name = "the talk"};
	eg_status status = eg_predictor_run(j->predictor, &q, 1, &a, &wrong, &err);
	if (status || !a) {
		refuse(j, said, status ? err.message : wrong.message);
		j->talk.size = before; /* as if the line had not been said */
		if (j->talk.text) j->talk.text[before] = '\0';
		return;
	}
	show(j, said, a, NULL, now() - began);
	if (eg_value_bool(eg_value_get(a, "cut"), false))
		fail("chat", "note: line %lld is too long: the model reads the last %lld units of a talk, and has not read what the line "
			"begins with; say less at a time",
			(long long)j->line, (long long)eg_value_int(eg_value_get(a, "read"), 0));
	const int64_t unknown = eg_value_int(eg_value_get(a, "unknown"), 0);
	if (unknown > j->unknown)
		fail("chat", "note: %lld units of the talk are unknown to the model, the last of them in line %lld; it reads them as one",
			(long long)unknown, (long long)j->line);
	j->unknown = unknown;
	const char *text = eg_value_text(eg_value_get(a, "text"));
	if (!j->as) j->talk.size = turn, begin_turn(&j->talk, NULL);
	append(&j->talk, text, strlen(text));
	forget(&j->talk);
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

static void help(void) {
	fputs("Say something; the model answers. /reset forgets the talk, /quit ends it (so does Ctrl-D).\n", stderr);
}

static void reset(job *j) {
	j->talk.size = 0;
	j->unknown = 0;
	if (j->talk.text) j->talk.text[0] = '\0';
}

/* false: it was the last. */
static bool command(job *j, const char *line) {
	char why[200];
	if (!strcmp(line, "/quit")) return false;
	if (!strcmp(line, "/reset")) {
		reset(j);
	} else if (!strcmp(line, "/help")) {
		help();
	} else {
		snprintf(why, sizeof why, "line %lld: there is no command '%.40s'; there are /help, /reset and /quit", (long long)j->line, line);
		refuse(j, line, why);
	}
	return true;
}

/* Is it text? Else where it is not is told. */
static bool is_text(job *j, const char *line, size_t n) {
	char why[200];
	int64_t column = 1;
	for (size_t i = 0; i < n; column++) {
		const int length = line[i] ? eg_utf8_length(line + i, n - i) : 0;
		i += (size_t)length;
		if (length) continue;
		snprintf(why, sizeof why, "line %lld, column %lld: this is no UTF-8 text (byte 0x%02X); convert it, and say it again",
			(long long)j->line, (long long)column, (unsigned char)line[i]);
		refuse(j, "", why);
		return false;
	}
	return true;
}

/* false: the talk is over. */
static bool take_line(job *j, char *line, size_t n) {
	char why[120];
	while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r')) line[--n] = '\0';
	j->line++;
	if (!is_text(j, line, n)) return true;
	if (line[strspn(line, " \t")] == '\0') {
		snprintf(why, sizeof why, "line %lld is empty; say something, or /quit", (long long)j->line);
		if (!j->terminal) refuse(j, "", why);
		return true;
	}
	if (*line == '/') return command(j, line);
	answer(j, line);
	return !ferror(stdout);
}

static void converse(job *j) {
	char *line = NULL;
	size_t room = 0;
	ssize_t n = 0;
	bool more = true;
	if (j->terminal) {
		fputs("It answers in the form of the talks that it has read, which makes no sense of what you say.\n", stderr);
		help();
	}
	while (more) {
		if (j->terminal) fputs("> ", stdout), fflush(stdout);
		errno = 0;
		n = getline(&line, &room, stdin);
		if (n < 0) break;
		more = take_line(j, line, (size_t)n);
	}
	if (n < 0 && ferror(stdin)) j->code = fail("chat", "cannot read standard input: %s", strerror(errno));
	if (n < 0 && j->terminal) putchar('\n');
	free(line);
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

/* Does a model of this task talk? */
static bool check_task(eg_model *m) {
	const char *name = eg_recipe_task(eg_model_recipe(m));
	for (int i = 0; eg_task_at(i); i++) {
		const eg_task_info *t = eg_task_at(i);
		if (strcmp(t->name, name) != 0 || t->abilities & EG_ABLE_TALK) continue;
		fail("chat", "a model of the task '%s' does not talk (%s); train one of the task 'reply', such as recipes/dialogue.yaml",
			name, t->doc);
		return false;
	}
	return true;
}

static bool open_predictor(job *j) {
	static const char *const names[][2] = {
		{"beam", "beam"}, {"temperature", "temperature"}, {"seed", "seed"}, {"length-norm", "length_norm"}};
	char settings[6][80];
	const char *list[7] = {NULL};
	int n = 0;
	eg_error err;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (args_has(j->args, names[i][0]))
			snprintf(settings[n++], sizeof settings[0], "%s=%s", names[i][1], args_text(j->args, names[i][0]));
	if (args_has(j->args, "greedy")) snprintf(settings[n++], sizeof settings[0], "beam=1");
	if (!args_has(j->args, "greedy") && !args_has(j->args, "beam") && !args_has(j->args, "temperature"))
		snprintf(settings[n++], sizeof settings[0], "temperature=" TEMPERATURE);
	for (int i = 0; i < n; i++) list[i] = settings[i];
	return !eg_predictor_new(j->model, NULL, list, &j->predictor, &err) || (fail_error("chat", &err), false);
}

static bool check(const cli_args *a) {
	static const char *const ways[] = {"greedy", "beam", "temperature"}, *const speakers[] = {"name", "as"};
	double unused;
	for (int i = 0; i < 2; i++) {
		const char *name = args_text(a, speakers[i]);
		if (name && (!*name || strpbrk(name, "\r\n")))
			return fail_usage("chat", "--%s needs a name, in one line", speakers[i]), false;
	}
	for (int i = 0; i < 3; i++)
		for (int k = i + 1; k < 3; k++)
			if (args_has(a, ways[i]) && args_has(a, ways[k]))
				return fail_usage("chat", "--%s and --%s exclude each other", ways[i], ways[k]), false;
	return args_real(a, "temperature", 0, 100, &unused) && args_real(a, "length-norm", 0, 10, &unused);
}

static int run(const cli_args *a) {
	if (!check(a)) return CLI_USAGE;
	job j = {.args = a,
		.name = args_text(a, "name"),
		.as = args_text(a, "as"),
		.json = args_has(a, "json"),
		.terminal = isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && !args_has(a, "json"),
		.code = CLI_OK};
	eg_context *ctx = cli_context_one(a);
	j.model = ctx ? cli_model(a, a->operands[0], ctx) : NULL;
	if (j.model && check_task(j.model) && open_predictor(&j))
		converse(&j);
	else
		j.code = CLI_FAILED;
	eg_predictor_free(j.predictor);
	eg_model_free(j.model);
	eg_context_free(ctx);
	free(j.talk.text);
	return j.code;
}

static const cli_option options[] = {
	{"temperature", 't', "NUMBER",
		"draw answers; 1: as likely as learnt; less: safer (default: " TEMPERATURE "); 0: as with --beam", 0, 0},
	{"greedy", 0, NULL, "always the likeliest unit", 0, 0},
	{"beam", 0, "N", "search for the likeliest answer, N hypotheses at a time", 1, 1000},
	{"length-norm", 0, "NUMBER", "of --beam: how much longer answers are favoured (default: as the recipe says)", 0, 0},
	{"seed", 0, "S", "of what is drawn (default: 0); the same talk and seed, the same answer", 0, INT64_MAX},
	{"name", 0, "NAME", "who you are: the line of a speaker, NAME:, goes before what you say", 0, 0},
	{"as", 0, "NAME", "who answers: the model goes on behind the line NAME:", 0, 0},
	OPTION_THREADS,
	OPTION_LIMIT,
	OPTION_JSON("one JSON object an answer: said, text, logprob, read and unknown (units of the talk), cut (the line was too long), seconds; of what failed said, error"),
	{0},
};

const cli_verb verb_chat = {
	.name = "chat",
	.line = "talk with a model",
	.operands = "MODEL",
	.min_operands = 1,
	.max_operands = 1,
	.about = "Reads lines from standard input and answers each. What has been said so far, by both,\n"
		 "goes before the model with every line, as much of it as the model reads. /reset forgets\n"
		 "it, /quit ends the talk, /help says so.\n\n"
		 "Piped, an empty line follows each answer. Small models answer in the form of what they\n"
		 "have read, not in sense.",
	.options = options,
	.next = "a talk",
	.ability = EG_ABLE_TALK,
	.examples = "  engram chat dialogue.safetensors\n"
		    "  engram chat dialogue.safetensors --name KATHARINA --as PETRUCHIO --temperature 0.5\n"
		    "  printf 'Who is there?\\n' | engram chat dialogue.safetensors --greedy --json\n",
	.run = run,
};
