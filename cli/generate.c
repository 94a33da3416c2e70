/* generate.c - engram generate: a model goes on from a prompt, unit by unit, on stdout as it writes; several texts at
 * once, side by side; texts of a given form; and gaps that are filled.
 *
 * A reader that goes away (EPIPE) and Ctrl-C end it cleanly: what was written is whole units. */
#define _POSIX_C_SOURCE 200809L /* sigaction, clock_gettime */
#include "engram_text.h"
#include "print.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { STREAM_LENGTH = 500, SAMPLE_LENGTH = 2000, SIDE_BY_SIDE = 16, FILLED = 3 };

typedef struct bytes {
	char *data; /* a zero behind */
	size_t size, room;
} bytes;

/* One text that is written. */
typedef struct piece {
	bytes text;
	uint64_t n, lines; /* units, line ends */
	bool end, done;    /* the model says that it ends here; or it is long enough */
} piece;

typedef struct job {
	const cli_args *args;
	eg_model *model;
	eg_generator *generator;
	bytes prompt;
	piece pieces[SIDE_BY_SIDE];
	const char *prompt_name, *state, *stop, *acrostic, *fill;
	int columns, rows, side_by_side;
	double repeat_penalty;
	uint64_t seed, length, samples, lines; /* length and lines 0: no limit */
	bool json, echo, to_terminal, bytewise;
	char last; /* byte on stdout */
	char held[4];
	size_t nheld; /* of a character that is not whole yet */
} job;

static volatile sig_atomic_t stopped;
static void on_signal(int number) {
	(void)number;
	stopped = 1;
}

static void watch_signals(void) {
	struct sigaction a = {.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND}; /* the second time it kills */
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

static void append(bytes *b, const char *s, size_t n) {
	if (b->size + n + 1 > b->room) {
		size_t room = 2 * (b->size + n) + 256;
		char *data = cli_alloc(room);
		if (b->size) memcpy(data, b->data, b->size);
		free(b->data);
		b->data = data;
		b->room = room;
	}
	memcpy(b->data + b->size, s, n);
	b->size += n;
	b->data[b->size] = '\0';
}

static bool read_file(bytes *b, const char *path) {
	char part[65536];
	bool input = !strcmp(path, "-");
	FILE *f = input ? stdin : fopen(path, "rb");
	size_t n;
	if (!f) {
		fail("generate", "cannot read %s: %s", path, strerror(errno));
		return false;
	}
	errno = 0;
	while ((n = fread(part, 1, sizeof part, f)) > 0) append(b, part, n);
	bool ok = !ferror(f);
	if (!ok) fail("generate", "cannot read %s: %s", path, strerror(errno));
	if (!input) fclose(f);
	return ok;
}

static bool read_prompt(job *j) {
	const char *text = args_text(j->args, "prompt"), *path = args_text(j->args, "prompt-file");
	append(&j->prompt, "", 0);
	j->prompt_name = path ? (strcmp(path, "-") ? path : "standard input") : "the prompt";
	if (text) append(&j->prompt, text, strlen(text));
	if (path && !read_file(&j->prompt, path)) return false;
	if (!j->bytewise) j->prompt.size = eg_text_normalize(j->prompt.data, j->prompt.size);
	return true;
}

static void put_byte(job *j, char c) {
	putchar(c);
	j->last = c;
}

/* How many more bytes the character needs that these begin; 0: it is whole, or none. */
static size_t missing(const char *s, size_t n) {
	unsigned char first = (unsigned char)s[0];
	size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC0 ? 2 : 1;
	for (size_t i = 1; i < n; i++)
		if (((unsigned char)s[i] & 0xC0) != 0x80) return 0;
	return n < length ? length - n : 0;
}

/* What is held of a character that came byte by byte, and may or may not be shown. */
static void put_held(job *j) {
	for (size_t at = 0; at < j->nheld;) {
		bool shown;
		size_t n = (size_t)eg_utf8_shown(j->held + at, j->nheld - at, &shown);
		if (shown || j->held[at] == '\n' || j->held[at] == '\t')
			for (size_t i = 0; i < n; i++) put_byte(j, j->held[at + i]);
		else
			put_byte(j, '?');
		at += n;
	}
	j->nheld = 0;
}

/* To a terminal nothing that could do more than write. */
static void put(job *j, const char *s, size_t n) {
	for (size_t i = 0; i < n; i++) {
		if (!j->to_terminal) {
			put_byte(j, s[i]);
			continue;
		}
		j->held[j->nheld++] = s[i];
		if (missing(j->held, j->nheld) == 0) put_held(j);
	}
}

/* ---- one sample -------------------------------------------------------------------------------------------------- */

static bool is_utf8(const bytes *b) {
	for (size_t i = 0; i < b->size;) {
		int n = eg_utf8_length(b->data + i, b->size - i);
		if (n == 0) return false;
		i += (size_t)n;
	}
	return true;
}

/* What JSON cannot hold, bytes that are not UTF-8, is there in hexadecimal as well. */
static void put_hex(eg_value *v, const bytes *b) {
	static const char digits[] = "0123456789abcdef";
	char *hex = cli_alloc(2 * b->size + 1);
	for (size_t i = 0; i < b->size; i++) {
		hex[2 * i] = digits[(unsigned char)b->data[i] >> 4];
		hex[2 * i + 1] = digits[(unsigned char)b->data[i] & 15];
	}
	eg_value_put_text(v, "hex", hex);
	free(hex);
}

static void show_json(const job *j, const piece *p, uint64_t sample) {
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_int(v, "sample", (int64_t)sample);
	eg_value_put_int(v, "seed", (int64_t)j->seed);
	eg_value_put_bytes(v, "prompt", j->prompt.data, j->prompt.size);
	eg_value_put_bytes(v, "text", p->text.data, p->text.size);
	if (!is_utf8(&p->text)) put_hex(v, &p->text);
	eg_value_put_text(v, "unit", eg_unit_names()[eg_vocab_unit(eg_generator_vocab(j->generator))]);
	eg_value_put_int(v, "n", (int64_t)p->n);
	eg_value_put_bool(v, "end", p->end);
	print_json(v);
	eg_value_free(v);
}

/* Cuts the text behind the first TEXT of --stop, or behind the last line that there may be; `from`: what is new. */
static void cut_piece(const job *j, piece *p, size_t from) {
	const size_t n = j->stop ? strlen(j->stop) : 0, first = from > n ? from - n : 0;
	for (size_t at = first; n > 0 && at + n <= p->text.size && !p->done; at++) {
		if (memcmp(p->text.data + at, j->stop, n) != 0) continue;
		p->done = true;
		p->text.size = at + n;
	}
	for (size_t at = from; at < p->text.size && j->lines > 0; at++) {
		p->lines += p->text.data[at] == '\n';
		if (p->lines < j->lines) continue;
		p->done = true;
		p->text.size = at + 1;
	}
	p->text.data[p->text.size] = '\0';
}

/* What was written goes behind the text; true: there is something new. */
static bool add_unit(const job *j, piece *p, const eg_written *w) {
	const size_t from = p->text.size;
	if (p->done) return false;
	p->end = p->done = w->end;
	if (w->end) return false;
	append(&p->text, w->text, w->size);
	p->n++;
	cut_piece(j, p, from);
	p->done = p->done || (j->length > 0 && p->n >= j->length);
	return true;
}

/* Writes until all texts are at their end, or somebody wants no more; one text is shown as it comes. */
static bool write_units(job *j, int n) {
	eg_written w[SIDE_BY_SIDE];
	eg_error err;
	for (bool more = true; more && !stopped;) {
		if (eg_generator_write_all(j->generator, w, &err)) {
			fflush(stdout);
			fail_error("generate", &err);
			return false;
		}
		more = false;
		for (int i = 0; i < n; i++) {
			piece *p = &j->pieces[i];
			const size_t from = p->text.size;
			bool is_new = add_unit(j, p, &w[i]);
			more = more || !p->done;
			if (!is_new || j->json || j->side_by_side > 1) continue;
			put(j, p->text.data + from, p->text.size - from);
			out_push();
			if (ferror(stdout)) return false; /* told at the end of the program */
		}
	}
	return true;
}

static void show_piece(job *j, const piece *p, uint64_t sample) {
	if (j->json) {
		show_json(j, p, sample);
		return;
	}
	if (j->side_by_side > 1) {
		if (sample > 0) putchar('\n');
		j->last = '\n';
		if (j->echo) put(j, j->prompt.data, j->prompt.size);
		put(j, p->text.data, p->text.size);
	}
	put_held(j);
	if (j->last != '\n' && !(j->bytewise && !j->to_terminal)) putchar('\n');
}

/* Texts number `sample` and the n - 1 behind it. */
static bool write_samples(job *j, uint64_t sample, int n) {
	for (int i = 0; i < n; i++) {
		piece *p = &j->pieces[i];
		*p = (piece){.text = p->text};
		p->text.size = 0;
		append(&p->text, "", 0);
	}
	j->last = '\n';
	if (!j->json && j->side_by_side == 1 && j->echo) put(j, j->prompt.data, j->prompt.size);
	bool ok = write_units(j, n);
	for (int i = 0; i < n && (ok || !j->json); i++) show_piece(j, &j->pieces[i], sample + (uint64_t)i);
	out_push();
	return !ferror(stdout) && ok;
}

/* ---- gaps -------------------------------------------------------------------------------------------------------- */

typedef struct filling {
	job *j;
	const char *right;
} filling;

static bool show_filled(void *user, const eg_filled *f) {
	const filling *x = user;
	const bytes *left = &x->j->prompt;
	const size_t right = strlen(x->right), size = left->size + f->size + right;
	char *all = cli_alloc(size + 1);
	memcpy(all, left->data, left->size);
	memcpy(all + left->size, f->text, f->size);
	memcpy(all + left->size + f->size, x->right, right);
	if (x->j->json) {
		eg_value *v = eg_value_new(EG_VALUE_MAP);
		eg_value_put_bytes(v, "text", all, size);
		eg_value_put_bytes(v, "gap", f->text, f->size);
		eg_value_put_number(v, "nats", f->nats);
		eg_value_put_number(v, "nats_right", f->nats_right);
		print_json(v);
		eg_value_free(v);
	} else {
		printf("%s\n", text_shown(all));
	}
	free(all);
	out_push();
	return !stopped;
}

static int fill_gap(job *j) {
	eg_error err;
	const char *gap = strstr(j->fill, "___");
	if (!gap) return CLI_USAGE; /* which check() has told */
	const char *right = gap + strspn(gap, "_");
	filling x = {.j = j, .right = right};
	const uint64_t longest = (uint64_t)args_number(j->args, "length", 0);
	append(&j->prompt, j->fill, strlen(j->fill) - strlen(gap));
	const eg_gap g = {.left = j->prompt.data,
	        .nleft = j->prompt.size,
	        .right = right,
	        .nright = strlen(right),
	        .longest = longest > 1 << 30 ? 1 << 30 : (int)longest,
	        .results = (int)args_number(j->args, "samples", FILLED)};
	return eg_generator_fill(j->generator, &g, show_filled, &x, &err) ? fail_error("generate", &err) : CLI_OK;
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static bool prepare_prompt(job *j) {
	eg_error err;
	int64_t skipped;
	if (j->state && access(j->state, F_OK) == 0 && eg_generator_restore(j->generator, j->state, &err)) {
		fail_error("generate", &err);
		return false;
	}
	if (eg_generator_read(j->generator, j->prompt.data, j->prompt.size, j->prompt_name, &skipped, &err)) {
		bool could_skip = err.status == EG_ERR_ARG || err.status == EG_ERR_FORMAT;
		fail("generate", "%s%s", err.message,
		        could_skip && !args_has(j->args, "skip-unknown")
		                ? ". --skip-unknown leaves out what the model does not know"
		                : "");
		return false;
	}
	if (skipped > 0) {
		bool words = eg_vocab_unit(eg_generator_vocab(j->generator)) == EG_UNIT_WORD;
		fail("generate", "note: %lld %s%s of the prompt, unknown to the model, %s left out", (long long)skipped,
		        words ? "word" : "character", skipped == 1 ? "" : "s", skipped == 1 ? "was" : "were");
	}
	eg_generator_mark(j->generator);
	return true;
}

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int generate(job *j) {
	eg_error err;
	bool ok = prepare_prompt(j);
	double began = now();
	const uint64_t group = (uint64_t)j->side_by_side;
	for (uint64_t i = 0; i < j->samples && ok && !stopped; i += group) {
		if (i > 0) eg_generator_begin(j->generator, i);
		ok = write_samples(j, i, (int)(j->samples - i < group ? j->samples - i : group));
	}
	if (cli_verbose() > 0) fprintf(stderr, "%.3f s\n", now() - began);
	if (ok && j->state && eg_generator_save(j->generator, j->state, &err)) return fail_error("generate", &err);
	return ok && !stopped ? CLI_OK : CLI_FAILED;
}

/* ---- arguments --------------------------------------------------------------------------------------------------- */

/* What cannot be asked for together. */
static bool check(const cli_args *a) {
	static const char *const pairs[][3] = {
	        {"prompt", "prompt-file", "exclude each other"},
	        {"form", "prompt", "do not go together: a form begins a new text"},
	        {"form", "prompt-file", "do not go together: a form begins a new text"},
	        {"acrostic", "prompt", "do not go together: an acrostic begins a new text"},
	        {"acrostic", "prompt-file", "do not go together: an acrostic begins a new text"},
	        {"form", "lines", "do not go together: the form says how many lines there are"},
	        {"acrostic", "lines", "do not go together: there is a line for each character"},
	        {"state", "form", "do not go together: a state is kept of a text that may go on"},
	        {"state", "acrostic", "do not go together: a state is kept of a text that may go on"},
	        {"state", "repeat-penalty", "do not go together: a state does not know the last units"},
	        {"state", "stop", "do not go together: the state could be one of behind it"},
	        {"state", "lines", "do not go together: the state could be one of behind them"}};
	static const char *const never_filled[] = {"prompt", "prompt-file", "form", "acrostic", "lines", "stop", "state", "temperature",
	        "top-k", "top-p", "seed", "repeat-penalty", "only-new", "skip-unknown"};
	for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
		if (args_has(a, pairs[i][0]) && args_has(a, pairs[i][1]))
			return fail_usage("generate", "--%s and --%s %s", pairs[i][0], pairs[i][1], pairs[i][2]), false;
	for (size_t i = 0; i < sizeof never_filled / sizeof *never_filled && args_has(a, "fill"); i++)
		if (args_has(a, never_filled[i]))
			return fail_usage("generate", "--fill and --%s do not go together: what is likeliest in the gap is searched for, "
			                              "not drawn", never_filled[i]), false;
	if (args_has(a, "state") && args_number(a, "samples", 1) > 1)
		return fail_usage("generate", "--state keeps one text; it does not go with --samples"), false;
	if (args_has(a, "stop") && !*args_text(a, "stop"))
		return fail_usage("generate", "--stop needs a text; behind nothing a text would never begin"), false;
	if (args_has(a, "fill") && !strstr(args_text(a, "fill"), "___"))
		return fail_usage("generate", "--fill needs a text with a gap, three underscores: 'To be or ___ to be'"), false;
	if (args_has(a, "fill")) {
		const char *gap = strstr(args_text(a, "fill"), "___");
		if (strstr(gap + strspn(gap, "_"), "___"))
			return fail_usage("generate", "--fill needs a text with one gap; fill the first, and then the next"), false;
	}
	return true;
}

/* "7x4" */
static bool read_form(job *j) {
	const char *form = args_text(j->args, "form");
	char *end = NULL;
	if (!form) return true;
	const long columns = strtol(form, &end, 10), rows = *end == 'x' ? strtol(end + 1, &end, 10) : 0;
	if (*end == '\0' && columns > 0 && columns < 1000 && rows > 0 && rows < 10000)
		return j->columns = (int)columns, j->rows = (int)rows, true;
	return fail_usage("generate", "--form needs characters x lines, as in 7x4, not '%s'", form), false;
}

static bool open_generator(job *j) {
	eg_error err;
	const cli_args *a = j->args;
	eg_generate_options o = {.temperature = 1,
	        .top_k = (int)args_number(a, "top-k", 0),
	        .seed = j->seed,
	        .skip_unknown = args_has(a, "skip-unknown"),
	        .batch = j->side_by_side,
	        .repeat_penalty = j->repeat_penalty,
	        .form_columns = j->columns,
	        .form_lines = j->rows,
	        .acrostic = j->acrostic};
	if (!args_real(a, "temperature", 0, 100, &o.temperature) || !args_real(a, "top-p", 0, 1, &o.top_p))
		return false;
	if (args_has(a, "top-p") && o.top_p == 0) o.top_p = (double)EG_ZERO_F; /* a limit, not none */
	if (eg_generator_new(j->model, &o, &j->generator, &err)) return fail_error("generate", &err), false;
	const eg_vocab *v = eg_generator_vocab(j->generator);
	j->bytewise = eg_vocab_unit(v) == EG_UNIT_BYTE;
	const uint64_t usual = j->columns || j->acrostic ? 0 : eg_vocab_end(v) >= 0 ? SAMPLE_LENGTH : STREAM_LENGTH;
	j->length = args_number(a, "length", usual);
	return true;
}

static int run(const cli_args *a) {
	if (!check(a)) return CLI_USAGE;
	double unused;
	job j = {.args = a,
	        .state = args_text(a, "state"),
	        .seed = args_number(a, "seed", 0),
	        .samples = args_number(a, "samples", 1),
	        .lines = args_number(a, "lines", 0),
	        .stop = args_text(a, "stop"),
	        .acrostic = args_text(a, "acrostic"),
	        .fill = args_text(a, "fill"),
	        .json = args_has(a, "json"),
	        .echo = !args_has(a, "only-new"),
	        .to_terminal = isatty(STDOUT_FILENO) == 1};
	int code = CLI_FAILED;
	j.side_by_side = j.fill ? 1 : j.samples < SIDE_BY_SIDE ? (int)j.samples : SIDE_BY_SIDE;
	if (!args_real(a, "temperature", 0, 100, &unused) || !args_real(a, "top-p", 0, 1, &unused) ||
	        !args_real(a, "repeat-penalty", 1, 1000, &j.repeat_penalty) || !read_form(&j))
		return CLI_USAGE;
	eg_context *ctx = cli_context_one(a);
	j.model = ctx ? cli_model(a, a->operands[0], ctx) : NULL;
	watch_signals();
	if (j.model && j.state && !cli_can_write(a, j.state)) eg_model_free(j.model), j.model = NULL;
	if (j.model && open_generator(&j) && (j.fill || read_prompt(&j))) code = j.fill ? fill_gap(&j) : generate(&j);
	free(j.prompt.data);
	for (int i = 0; i < SIDE_BY_SIDE; i++) free(j.pieces[i].text.data);
	eg_generator_free(j.generator);
	eg_model_free(j.model);
	eg_context_free(ctx);
	return code;
}

static const cli_option options[] = {
	{"prompt", 'p', "TEXT", "what to go on from (default: nothing, a new text begins)", 0, 0},
	{"prompt-file", 0, "FILE", "the same, from a file of any length; - is standard input", 0, 0},
	{"length", 'n', "N",
		"write at most so many characters, bytes or words, whichever the model writes (default: 500; 2000 for "
		"a model of "
		"samples, which says itself where one ends); 0: no limit",
		0, INT64_MAX},
	{"samples", 0, "N", "how many texts, each from the same prompt (default: 1; of --fill 3); up to 16 are written side by side",
		1, 1000000},
	{"stop", 0, "TEXT", "end behind this text, where it is written", 0, 0},
	{"lines", 0, "N", "end behind so many lines, the one that the prompt begins among them", 1, INT64_MAX},
	{"form", 0, "CxL",
		"Chinese verse: L lines of C characters, as in 7x4, with commas and full stops between them, then the end", 0, 0},
	{"acrostic", 0, "TEXT", "each line begins with one of these characters; without --form there are as many lines", 0, 0},
	{"repeat-penalty", 0, "NUMBER",
		"divide the probability of units among the last 64 that were written by this, 1 or more (default: 1)", 0, 0},
	{"fill", 0, "TEXT",
		"in place of writing: find what makes a text with a gap, as in 'To be or ___ to be', the likeliest; --length "
		"is then the longest gap (default: 20)",
		0, 0},
	{"temperature", 't', "NUMBER",
		"1: as likely as learnt (default); less: safer; 0: always the likeliest; more: wilder", 0, 0},
	{"top-k", 0, "K", "choose among the K likeliest only, at least 1 (default: among all)", 1, INT32_MAX},
	{"top-p", 0, "NUMBER",
		"choose among the fewest that are together at least this likely: 0: always the likeliest, to 1: among "
		"all (default)",
		0, 0},
	{"seed", 0, "S", "of what is chosen (default: 0); same seed, same text", 0, INT64_MAX},
	{"skip-unknown", 0, NULL, "leave out of the prompt what the model does not know, in place of an error", 0, 0},
	{"only-new", 0, NULL, "do not repeat the prompt", 0, 0},
	{"state", 0, "FILE",
		"go on where the text left off whose state is in this file, if it is there, and keep the state in it "
		"at the end",
		0, 0},
	OPTION_THREADS,
	OPTION_LIMIT,
	OPTION_JSON("one JSON object a text: sample, seed, prompt, text, unit, n, end; hex when the text is not UTF-8"),
	{0},
};

const cli_verb verb_generate = {
	.name = "generate",
	.line = "let a model write",
	.operands = "MODEL",
	.min_operands = 1,
	.max_operands = 1,
	.about = "Reads the prompt and goes on from it, one character, byte or word after the other,\n"
		 "whichever the model was trained on; each is drawn by how likely the model holds it to\n"
		 "be. The text appears as it is written. Ctrl-C ends it.\n\n"
		 "A model of samples (poems, say) stops at the end of one.",
	.options = options,
	.next = "text like what it has read",
	.ability = EG_ABLE_GENERATE,
	.examples = "  engram generate char-lstm.safetensors --prompt 'ROMEO:' --temperature 0.8\n"
		    "  engram generate char-lstm.safetensors --prompt-file act1.txt --length 2000 --top-p 0.9\n"
		    "  engram generate poems.safetensors --prompt 床前明月光 --samples 3 --seed 7\n"
		    "  engram generate poems.safetensors --form 7x4 --acrostic 春夏秋冬 --temperature 0.7\n"
		    "  engram generate char-lstm.safetensors --fill 'To be or ___ to be'\n",
	.run = run,
};
