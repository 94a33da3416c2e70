/* speak.c - engram speak: a text as sound, in one of a model's voices. What is spoken, and how, is the task's business
 * (src/tasks/speak.c); here the voice is found, and the file goes where it should. */
#define _POSIX_C_SOURCE 200809L /* mkstemp, unlink */
#include "print.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MOST = 1 << 20 };

typedef struct job {
	const cli_args *args;
	eg_model *model;
	eg_predictor *predictor;
	const eg_value *voices; /* a list of names; NULL: the model has but one, without a name */
	int text, voice;        /* which of the questions' fields they are; -1: there is none */
	int chosen;             /* voice */
	char *read;             /* of standard input */
	const char *said;
	size_t size;
} job;

/* ---- voices ------------------------------------------------------------------------------------------------------ */

static const eg_value *find_voices(const eg_model *m) {
	const eg_value *inputs = eg_value_get(eg_model_task(m), "inputs");
	for (const eg_value *v = eg_value_first(inputs); v; v = eg_value_next(v))
		if (eg_value_get(v, "classes")) return eg_value_get(v, "classes");
	return NULL;
}

static int voice_count(const job *j) { return (int)eg_value_count(j->voices); }
static const char *voice_name(const job *j, int i) { return eg_value_text(eg_value_at(j->voices, i)); }

/* "1 george, 2 jackson, ..." */
static const char *list_voices(const job *j, char *buf, size_t size) {
	size_t n = 0;
	buf[0] = '\0';
	for (int i = 0; i < voice_count(j) && n + 1 < size; i++)
		n += (size_t)snprintf(buf + n, size - n, "%s%d %s", i ? ", " : "", i + 1, text_shown(voice_name(j, i)));
	return buf;
}

/* By its name, or its number from 1; false after a message. */
static bool choose_voice(job *j) {
	const char *word = args_text(j->args, "voice");
	char list[600], *end;
	if (!word) return true;
	if (!j->voices) return fail("speak", "--voice %s: this model has a single voice; leave it out", word), false;
	for (int i = 0; i < voice_count(j); i++)
		if (!strcmp(word, voice_name(j, i))) return j->chosen = i, true;
	const long number = strtol(word, &end, 10);
	if (*word && !*end && number >= 1 && number <= voice_count(j)) return j->chosen = (int)number - 1, true;
	return fail("speak", "--voice %s: there is no such voice; there are %s", word, list_voices(j, list, sizeof list)), false;
}

/* Without a text: what can be asked for. */
static int tell(const job *j) {
	const eg_value *words = eg_value_get(eg_model_task(j->model), "words");
	if (args_has(j->args, "json")) {
		eg_value *v = eg_value_new(EG_VALUE_MAP);
		if (j->voices) eg_value_put_copy(v, "voices", j->voices);
		if (words) eg_value_put_copy(v, "words", words);
		print_json(v);
		eg_value_free(v);
		return CLI_OK;
	}
	for (int i = 0; i < voice_count(j); i++) printf("--voice %d  %s\n", i + 1, text_shown(voice_name(j, i)));
	if (words) printf("words:");
	for (const eg_value *w = eg_value_first(words); w; w = eg_value_next(w)) printf(" %s", text_shown(eg_value_text(w)));
	if (words) putchar('\n');
	return CLI_OK;
}

/* ---- the text ---------------------------------------------------------------------------------------------------- */

static bool read_text(job *j) {
	j->said = j->args->operands[1];
	j->size = strlen(j->said);
	if (strcmp(j->said, "-") != 0) return true;
	j->said = j->read = cli_slurp(STDIN_FILENO, TEXT_MOST, &j->size);
	if (!j->read) return fail("speak", "cannot read standard input: %s", strerror(errno)), false;
	while (j->size > 0 && (j->said[j->size - 1] == '\n' || j->said[j->size - 1] == '\r')) j->size--;
	return j->size <= TEXT_MOST || (fail("speak", "the text is longer than %d bytes: speak it in pieces", (int)TEXT_MOST), false);
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

/* "KEY='VALUE'", as a setting: in YAML's quotes. */
static char *setting(const char *key, const char *value) {
	char *s = cli_alloc(2 * strlen(value) + strlen(key) + 8), *to = s + sprintf(s, "%s='", key);
	for (; *value; value++) {
		if (*value == '\'') *to++ = '\'';
		*to++ = *value;
	}
	*to = '\'';
	return s;
}

/* To be freed with args_settings_free. */
static char **settings_of(const cli_args *a, const char *to) {
	static const char *const texts[] = {"alignment", "unknown"}, *const numbers[] = {"rounds", "seed"};
	char **all = cli_alloc(6 * sizeof *all);
	int n = 0;
	all[n++] = setting("output", to);
	for (int i = 0; i < 2; i++)
		if (args_has(a, texts[i])) all[n++] = setting(texts[i], args_text(a, texts[i]));
	for (int i = 0; i < 2; i++)
		if (args_has(a, numbers[i])) sprintf(all[n++] = cli_alloc(48), "%s=%.24s", numbers[i], args_text(a, numbers[i]));
	return all;
}

/* What standard output is given is written to a file first: only then its head says how long it is. NULL after a
 * message. */
static char *passing_file(void) {
	const char *folder = getenv("TMPDIR");
	char *path = cli_alloc((folder ? strlen(folder) : 4) + 40);
	sprintf(path, "%s/engram-XXXXXX", folder ? folder : "/tmp");
	const int file = mkstemp(path);
	if (file < 0) {
		fail("speak", "cannot make a file in %s: %s (TMPDIR names another folder)", folder ? folder : "/tmp", strerror(errno));
		free(path);
		return NULL;
	}
	close(file);
	strcat(path, ".wav"); /* what is made beside it, whole or not at all */
	return path;
}

static void drop_passing(char *path) {
	if (!path || !*path) return;
	unlink(path);
	path[strlen(path) - 4] = '\0'; /* ".wav" */
	unlink(path);
	*path = '\0';
}

/* Not through stdout's buffer: what fails here is told here, once. */
static bool write_out(const char *bytes, size_t size) {
	for (size_t at = 0; at < size;) {
		const ssize_t n = write(STDOUT_FILENO, bytes + at, size - at);
		if (n < 0 && errno != EINTR) return false;
		at += n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* The file goes before it is passed on: whoever reads may end this program. */
static int pass_on(char *path) {
	size_t size = 0;
	const int file = open(path, O_RDONLY);
	char *bytes = file >= 0 ? cli_slurp(file, (size_t)1 << 31, &size) : NULL;
	if (file >= 0) close(file);
	drop_passing(path);
	const bool done = bytes && fflush(stdout) == 0 && write_out(bytes, size);
	if (!done) fail("speak", "standard output: %s", strerror(errno));
	free(bytes);
	return done ? CLI_OK : CLI_UNWRITTEN;
}

/* ---- speaking ---------------------------------------------------------------------------------------------------- */

static eg_status speak(job *j, const eg_value **answer, eg_error *err) {
	eg_record r = {0};
	eg_error why = {0};
	r.fields[j->text] = (eg_datum){.there = true, .text = {j->said, j->size}};
	if (j->voice >= 0) r.fields[j->voice] = (eg_datum){.there = true, .label = j->chosen};
	const eg_question q = {.record = &r, .name = "the text"};
	eg_status status = eg_predictor_run(j->predictor, &q, 1, answer, &why, err);
	if (!status && why.status) *err = why, status = why.status;
	return status;
}

static void show(const job *j, const char *to, const eg_value *answer) {
	const double seconds = eg_value_number(eg_value_get(answer, "seconds"), 0), rate = eg_value_number(eg_value_get(answer, "rate"), 0);
	const eg_value *alignment = eg_value_get(answer, "alignment");
	if (args_has(j->args, "json")) {
		eg_value *v = eg_value_new(EG_VALUE_MAP);
		eg_value_put_bytes(v, "text", j->said, j->size);
		if (j->voices) eg_value_put_text(v, "voice", voice_name(j, j->chosen));
		for (const eg_value *c = eg_value_first(answer); c; c = eg_value_next(c)) eg_value_put_copy(v, eg_value_key(c), c);
		print_json(v);
		eg_value_free(v);
		return;
	}
	printf("%s: %.2f s at %g Hz", text_shown(to), seconds, rate);
	if (j->voices) printf(", voice %d (%s)", j->chosen + 1, text_shown(voice_name(j, j->chosen)));
	putchar('\n');
	if (alignment) printf("%s shows where in the text it was when\n", text_shown(eg_value_text(alignment)));
}

static int speak_to(job *j, const char *to) {
	eg_error err;
	const eg_value *answer = NULL;
	const bool pipe = !strcmp(to, "-");
	char *passing = pipe ? passing_file() : NULL;
	int code = CLI_FAILED;
	if (pipe && !passing) return CLI_UNWRITTEN;
	char **settings = settings_of(j->args, pipe ? passing : to);
	eg_predictor_free(j->predictor);
	j->predictor = NULL;
	eg_status status = eg_predictor_new(j->model, NULL, (const char *const *)settings, &j->predictor, &err);
	args_settings_free(settings);
	if (!status) status = speak(j, &answer, &err);
	if (status) {
		code = fail_error("speak", &err);
	} else {
		if (!eg_value_bool(eg_value_get(answer, "stopped"), true))
			fail("speak", "note: it did not stop by itself, and was made to after %.1f s", eg_value_number(eg_value_get(answer, "seconds"), 0));
		code = pipe ? pass_on(passing) : CLI_OK;
		if (!pipe) show(j, to, answer);
	}
	drop_passing(passing);
	free(passing);
	return code;
}

static bool is_wav(const char *path) {
	const size_t n = strlen(path);
	return !strcmp(path, "-") || (n > 4 && !strcmp(path + n - 4, ".wav"));
}

/* Where the sound goes; NULL after a message. */
static const char *destination(const cli_args *a, int *code) {
	const char *to = args_text(a, "output");
	*code = CLI_USAGE;
	if (!to) return fail_usage("speak", "say where the sound goes: -o FILE.wav, or -o - for standard output"), NULL;
	if (!is_wav(to)) return fail_usage("speak", "-o %s: sound is written as WAV; let the name end with .wav", to), NULL;
	if (!strcmp(to, "-") && args_has(a, "json")) return fail_usage("speak", "-o - and --json would both be standard output"), NULL;
	if (!strcmp(to, "-") && isatty(STDOUT_FILENO))
		return fail_usage("speak", "a terminal plays no sound: -o FILE.wav, or -o - into a program that plays (| aplay)"), NULL;
	*code = CLI_UNWRITTEN;
	return !strcmp(to, "-") || cli_can_write(a, to) ? to : NULL;
}

static bool prepare(job *j) {
	eg_error err;
	const eg_field *fields;
	if (!cli_is_able(j->model, EG_ABLE_SPEAK))
		return fail("speak", "%s does not speak; a model of the task 'speak' does (recipes/speak-digits.yaml)", j->args->operands[0]), false;
	if (eg_predictor_new(j->model, NULL, NULL, &j->predictor, &err)) return fail_error("speak", &err), false;
	const int n = eg_predictor_fields(j->predictor, &fields);
	j->text = j->voice = -1;
	for (int i = 0; i < n; i++)
		*(fields[i].kind == EG_FIELD_TEXT ? &j->text : &j->voice) = i;
	if (j->voice >= 0) j->voices = find_voices(j->model);
	return choose_voice(j);
}

static int run(const cli_args *a) {
	job j = {.args = a};
	int code = CLI_FAILED;
	const char *to = a->noperands > 1 ? destination(a, &code) : NULL;
	if (a->noperands > 1 && !to) return code;
	eg_context *ctx = cli_context_one(a);
	j.model = ctx ? cli_model(a, a->operands[0], ctx) : NULL;
	code = CLI_FAILED;
	if (j.model && prepare(&j)) {
		if (!to)
			code = tell(&j);
		else if (read_text(&j))
			code = speak_to(&j, to);
	}
	free(j.read);
	eg_predictor_free(j.predictor);
	eg_model_free(j.model);
	eg_context_free(ctx);
	return code;
}

static const cli_option options[] = {
	{"voice", 'v', "VOICE", "whose voice: a number from 1, or a name; `engram speak MODEL` lists them (default: 1)", 0, 0},
	{"output", 'o', "FILE.wav", "where the sound goes; - is standard output", 0, 0},
	{"alignment", 0, "FILE.svg", "also a picture of where in the text it was at each step", 0, 0},
	{"unknown", 0, "refuse|speak", "words that the model was never told: refuse them (the default), or speak them letter by letter", 0, 0},
	{"rounds", 0, "N", "times that the phases are brought nearer to what fits (default: 60)", 1, 10000},
	{"seed", 0, "N", "of the phases to begin with (default: 0): the same seed gives the same sound", 0, UINT32_MAX},
	OPTION_THREADS,
	OPTION_LIMIT,
	OPTION_JSON("one JSON object: text, voice, file, rate, samples, seconds, alignment; of voices: voices, words"),
	{0},
};

const cli_verb verb_speak = {
	.name = "speak",
	.line = "a text as sound, in one of a model's voices",
	.operands = "MODEL [TEXT]",
	.min_operands = 1,
	.max_operands = 2,
	.about = "Speaks a text by a model of the task `speak` (recipes/speak-digits.yaml), into a WAV file of 16\n"
		 "bits. TEXT is one word of the shell, or - for standard input. Without a text the voices are\n"
		 "listed, and the words that the model was told.",
	.examples = "  engram speak speak-digits.safetensors\n"
		    "  engram speak speak-digits.safetensors 'four two' --voice 3 -o out.wav\n"
		    "  engram speak speak-digits.safetensors 'nine' -v theo -o - | aplay\n"
		    "  engram speak speak-digits.safetensors 'seven' -o seven.wav --alignment seven.svg\n",
	.options = options,
	.next = "speaks a text",
	.next_operands = "TEXT -o FILE.wav",
	.ability = EG_ABLE_SPEAK,
	.run = run,
};
