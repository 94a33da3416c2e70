/* score.c - engram score: how well a language model knows a text: nats for each line, in all, and for each unit, as a
 * page that shows them in colours. */
#include "engram_report.h"
#include "engram_text.h"
#include "print.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MOST = 1 << 30, SHOWN = 60 };

typedef struct unit {
	size_t at, size;
	double nats;
	int64_t line; /* from 1 */
} unit;

typedef struct scoring {
	const cli_args *args;
	eg_generator *generator;
	char *text;
	size_t size, from; /* from: where the sample that is read begins */
	unit *units;
	size_t n, room;
	int64_t line;
	double nats;
} scoring;

/* ---- scoring ----------------------------------------------------------------------------------------------------- */

static bool take(void *user, const eg_scored *u) {
	scoring *s = user;
	if (s->n == s->room) {
		size_t room = 2 * s->room + 1024;
		unit *more = cli_alloc(room * sizeof *more);
		if (s->n) memcpy(more, s->units, s->n * sizeof *more);
		free(s->units);
		s->units = more, s->room = room;
	}
	s->units[s->n++] = (unit){s->from + u->at, u->size, u->nats, s->line};
	s->nats += u->nats;
	for (size_t i = 0; i < u->size; i++) s->line += s->text[s->from + u->at + i] == '\n';
	return true;
}

/* Where the paragraph that begins at `from` ends, and the next begins. */
static size_t paragraph(const scoring *s, size_t from, size_t *next) {
	size_t at = from;
	while (at < s->size && !(s->text[at] == '\n' && (at + 1 == s->size || s->text[at + 1] == '\n'))) at++;
	*next = at;
	while (*next < s->size && s->text[*next] == '\n') ++*next;
	return at;
}

static int64_t lines_between(const scoring *s, size_t from, size_t to) {
	int64_t n = 0;
	for (size_t i = from; i < to; i++) n += s->text[i] == '\n';
	return n;
}

/* A running text as a whole; where samples were learnt from, every paragraph as one. */
static eg_status score(scoring *s, const char *name, eg_error *err) {
	const bool samples = eg_vocab_end(eg_generator_vocab(s->generator)) >= 0;
	eg_status status = EG_OK;
	s->line = 1;
	if (!samples) return eg_generator_score(s->generator, s->text, s->size, name, take, s, err);
	for (size_t at = 0, next = 0; at < s->size && !status; at = next) {
		if (s->text[at] == '\n') {
			next = at + 1, s->line++;
			continue;
		}
		size_t end = paragraph(s, at, &next);
		s->from = at;
		eg_generator_begin(s->generator, 0);
		status = eg_generator_score(s->generator, s->text + at, end - at, name, take, s, err);
		s->line += lines_between(s, end, next);
	}
	return status;
}

/* ---- telling ----------------------------------------------------------------------------------------------------- */

/* Units of one line: [i, end). */
static size_t line_end(const scoring *s, size_t i) {
	size_t end = i;
	while (end < s->n && s->units[end].line == s->units[i].line) end++;
	return end;
}

static double sum_of(const scoring *s, size_t from, size_t end) {
	double sum = 0;
	for (size_t i = from; i < end; i++) sum += s->units[i].nats;
	return sum;
}

static int64_t characters(const scoring *s) {
	int64_t n = 0;
	for (size_t i = 0; i < s->size; i++) n += ((unsigned char)s->text[i] & 0xC0) != 0x80;
	return n;
}

static const char *unit_name(const scoring *s) { return eg_unit_names()[eg_vocab_unit(eg_generator_vocab(s->generator))]; }

/* The bytes of line [i, end) without the line end. */
static size_t line_size(const scoring *s, size_t i, size_t end) {
	size_t from = s->units[i].at, to = s->units[end - 1].at + s->units[end - 1].size;
	while (to > from && s->text[to - 1] == '\n') to--;
	return to - from;
}

static void tell_json(const scoring *s, const char *model, const char *name) {
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_text(v, "model", model);
	eg_value_put_text(v, "file", name);
	eg_value_put_text(v, "unit", unit_name(s));
	eg_value_put_int(v, "n", (int64_t)s->n);
	eg_value_put_int(v, "characters", characters(s));
	eg_value_put_number(v, "nats", s->nats);
	eg_value_put_number(v, "loss", s->nats / (double)s->n);
	eg_value_put_number(v, "bits", s->nats / (double)s->n / log(2));
	eg_value_put_number(v, "perplexity", exp(s->nats / (double)s->n));
	eg_value_put_number(v, "nats_per_character", s->nats / (double)characters(s));
	eg_value *lines = eg_value_put_list(v, "lines");
	for (size_t i = 0, end; i < s->n; i = end) {
		end = line_end(s, i);
		eg_value *one = eg_value_put_map(lines, NULL);
		eg_value_put_int(one, "line", s->units[i].line);
		eg_value_put_bytes(one, "text", s->text + s->units[i].at, line_size(s, i, end));
		eg_value_put_int(one, "n", (int64_t)(end - i));
		eg_value_put_number(one, "nats", sum_of(s, i, end));
		eg_value *each = eg_value_put_list(one, "surprise");
		for (size_t k = i; k < end; k++) eg_value_put_number(each, NULL, s->units[k].nats);
	}
	print_json(v);
	eg_value_free(v);
}

/* "9,412 characters ..., 1.612 nats each; ..." */
static void summary(const scoring *s, char *buf, size_t size) {
	char n[NUMBER];
	const double each = s->nats / (double)s->n, character = s->nats / (double)characters(s);
	int k = snprintf(buf, size, "%s units (%s), %.1f nats: %.4f nats a unit, %.4f bits, perplexity %.4g", number_int(n, (int64_t)s->n),
	        unit_name(s), s->nats, each, each / log(2), exp(each));
	if (eg_vocab_unit(eg_generator_vocab(s->generator)) != EG_UNIT_CHAR && k > 0 && (size_t)k < size)
		snprintf(buf + k, size - (size_t)k, "; %.4f nats a character", character);
}

static void tell(const scoring *s) {
	char buf[300], shown[SHOWN + 8];
	table *t = table_new("rrrrl");
	static const char *const head[] = {"line", "units", "nats", "a unit", "text"};
	for (int i = 0; i < 5; i++) table_cell(t, "%s", head[i]);
	table_rule(t);
	for (size_t i = 0, end; i < s->n; i = end) {
		end = line_end(s, i);
		size_t n = line_size(s, i, end), cut = n < SHOWN ? n : SHOWN;
		const char *text = s->text + s->units[i].at;
		double nats = sum_of(s, i, end);
		while (cut > 0 && cut < n && ((unsigned char)text[cut] & 0xC0) == 0x80) cut--;
		snprintf(shown, sizeof shown, "%.*s%s", (int)cut, text, cut < n ? "..." : "");
		table_cell(t, "%lld", (long long)s->units[i].line);
		table_cell(t, "%zu", end - i);
		table_cell(t, "%.2f", nats);
		table_cell(t, "%.3f", nats / (double)(end - i));
		table_cell(t, "%s", shown);
	}
	table_print(t, stdout, 0);
	table_free(t);
	summary(s, buf, sizeof buf);
	printf("\n%s\n", buf);
}

static eg_status write_page(const scoring *s, const char *path, const char *name, eg_error *err) {
	eg_surprise *page;
	char buf[300];
	eg_status status = eg_surprise_new(path, name, &page, err);
	for (size_t i = 0, end; i < s->n && !status; i = end) {
		end = line_end(s, i);
		eg_surprise_line(page, s->units[i].line, sum_of(s, i, end) / (double)(end - i));
		for (size_t k = i; k < end && !status; k++)
			status = eg_surprise_unit(page, s->text + s->units[k].at, s->units[k].size, s->units[k].nats, err);
	}
	summary(s, buf, sizeof buf);
	if (!status) return eg_surprise_save(page, buf, err);
	eg_surprise_drop(page);
	return status;
}

/* ---- the verb ---------------------------------------------------------------------------------------------------- */

/* false after a message. */
static bool read_file(scoring *s, const char *path) {
	int file = strcmp(path, "-") ? open(path, O_RDONLY) : STDIN_FILENO;
	s->text = file >= 0 ? cli_slurp(file, TEXT_MOST, &s->size) : NULL;
	if (!s->text) fail("score", "cannot read %s: %s", path, strerror(errno));
	if (file > STDIN_FILENO) close(file);
	if (!s->text) return false;
	if (s->size > TEXT_MOST) return fail("score", "%s is longer than %d bytes: take a part of it", path, (int)TEXT_MOST), false;
	if (eg_vocab_unit(eg_generator_vocab(s->generator)) != EG_UNIT_BYTE) s->size = eg_text_normalize(s->text, s->size);
	return true;
}

static int score_file(scoring *s, const char *model, const char *path) {
	eg_error err;
	const char *page = args_text(s->args, "output"), *name = strcmp(path, "-") ? path : "standard input";
	if (!read_file(s, path)) return CLI_FAILED;
	eg_status status = score(s, name, &err);
	if (!status && s->n == 0) return fail("score", "%s: there is no text in it", name);
	if (!status && page) status = write_page(s, page, name, &err);
	if (status) return fail_error("score", &err);
	if (args_has(s->args, "json"))
		tell_json(s, model, name);
	else
		tell(s);
	if (page && !args_has(s->args, "json")) printf("%s shows them\n", text_shown(page));
	return CLI_OK;
}

static int run(const cli_args *a) {
	scoring s = {.args = a};
	eg_error err;
	int code = CLI_FAILED;
	const char *page = args_text(a, "output");
	eg_context *ctx = cli_context(a);
	eg_model *m = ctx ? cli_model(a, a->operands[0], ctx) : NULL;
	if (m && page && !cli_can_write(a, page)) {
		code = CLI_UNWRITTEN;
	} else if (m) {
		code = eg_generator_new(m, NULL, &s.generator, &err) ? fail_error("score", &err) : score_file(&s, a->operands[0], a->operands[1]);
	}
	free(s.text);
	free(s.units);
	eg_generator_free(s.generator);
	eg_model_free(m);
	eg_context_free(ctx);
	return code;
}

static const cli_option options[] = {
	{"output", 'o', "FILE.html", "a page that shows the text, coloured by how much each unit surprised the model", 0, 0},
	OPTION_THREADS,
	OPTION_LIMIT,
	OPTION_JSON("JSON instead of text: with the nats of every unit, by line"),
	{0},
};

const cli_verb verb_score = {
	.name = "score",
	.line = "how well a language model knows a text, line by line",
	.operands = "MODEL FILE",
	.min_operands = 2,
	.max_operands = 2,
	.about = "Reads a text (- is standard input) and tells how many nats each of its lines takes, which\n"
		 "is -ln of the probability that the model gave to what came, in all and for each unit\n"
		 "(character, byte, word or subword). The text is read as one that begins with a new line;\n"
		 "by a model of samples (poems, say) each paragraph as a sample, with its end.",
	.options = options,
	.ability = EG_ABLE_GENERATE,
	.examples = "  engram score char-lstm.safetensors act1.txt\n"
		    "  engram score char-lstm.safetensors act1.txt -o act1.html\n"
		    "  echo 'To be, or not to be' | engram score char-lstm.safetensors -\n",
	.run = run,
};
