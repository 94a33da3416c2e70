/* print.c - messages, numbers that people can read, JSON, and what the terminal can do. */
#define _POSIX_C_SOURCE 200809L /* fileno, isatty */
#define _DEFAULT_SOURCE         /* struct winsize */
#include "engram_text.h"
#include "print.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* ---- the terminal ------------------------------------------------------------------------------------------------ */

bool is_terminal(FILE *f) {
	const char *term = getenv("TERM");
	return isatty(fileno(f)) && !(term && !strcmp(term, "dumb"));
}

bool has_colour(FILE *f) {
	const char *no = getenv("NO_COLOR"); /* no-color.org */
	return is_terminal(f) && !(no && *no);
}

int terminal_width(FILE *f) {
	struct winsize w;
	return ioctl(fileno(f), TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 80;
}

int text_width(const char *s) {
	int n = 0;
	for (; *s; s++) n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

static bool is_clean(const char *s) {
	bool shown = true;
	for (size_t n = strlen(s); n > 0 && shown;) {
		int k = eg_utf8_shown(s, n, &shown);
		s += k, n -= (size_t)k;
	}
	return shown;
}

char *text_clean(char *s) {
	char *to = s;
	const char *at = s;
	for (size_t n = strlen(s); n > 0;) {
		bool shown;
		int k = eg_utf8_shown(at, n, &shown);
		if (shown)
			memmove(to, at, (size_t)k), to += k;
		else
			*to++ = *at == '\n' || *at == '\t' || *at == '\r' ? ' ' : '?';
		at += k, n -= (size_t)k;
	}
	*to = '\0';
	return s;
}

const char *text_shown(const char *s) {
	typedef struct kept kept;
	struct kept {
		kept *next;
		char text[];
	};
	static kept *all;
	if (is_clean(s)) return s;
	size_t n = strlen(s) + 1;
	kept *k = cli_alloc(sizeof *k + n);
	memcpy(k->text, s, n);
	k->next = all;
	all = k;
	return text_clean(k->text);
}

void text_wrap(FILE *f, const char *text, int column, int indent, int width) {
	while (*text) {
		int n = (int)strcspn(text, " \n");
		if (column > indent && column + 1 + n > width) {
			fprintf(f, "\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			putc(' ', f);
			column++;
		}
		fprintf(f, "%.*s", n, text);
		column += n;
		text += n + (text[n] != '\0');
	}
	putc('\n', f);
}

static int write_error; /* of the first write that failed; later ones may leave another errno */

void out_push(void) {
	if (fflush(stdout) && !write_error) write_error = errno;
}

bool out_flush(void) {
	if (!fflush(stdout) && !ferror(stdout)) return true;
	int reason = write_error ? write_error : errno;
	if (reason == EPIPE) return false; /* the reader has seen enough */
	fprintf(stderr, "engram: cannot write to standard output: %s\n",
	        reason ? strerror(reason) : "an earlier write failed");
	return false;
}

/* ---- messages ---------------------------------------------------------------------------------------------------- */

static void tell(const char *verb, const char *fmt, va_list args) {
	char text[2048];
	vsnprintf(text, sizeof text, fmt, args);
	bar_clear(stderr);
	fprintf(stderr, "engram%s%s: %s\n", verb ? " " : "", verb ? verb : "", text_clean(text));
}

int fail(const char *verb, const char *fmt, ...) {
	va_list args;
	va_start(args, fmt);
	tell(verb, fmt, args);
	va_end(args);
	return CLI_FAILED;
}

int fail_usage(const char *verb, const char *fmt, ...) {
	va_list args;
	va_start(args, fmt);
	tell(verb, fmt, args);
	va_end(args);
	fprintf(stderr, "Try 'engram%s%s --help'.\n", verb ? " " : "", verb ? verb : "");
	return CLI_USAGE;
}

int fail_error(const char *verb, const eg_error *err) { return fail(verb, "%s", err->message); }

static _Noreturn void no_memory(void) {
	fputs("engram: out of memory\n", stderr);
	exit(CLI_FAILED);
}

void *cli_alloc(size_t bytes) {
	void *p = calloc(1, bytes ? bytes : 1);
	if (!p) no_memory();
	return p;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

void print_json(const eg_value *v) {
	char *text = NULL;
	if (!eg_value_whole(v) || eg_value_json(v, &text, NULL, NULL)) no_memory();
	puts(text);
	free(text);
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

const char *number_int(char buf[NUMBER], int64_t v) {
	char digits[NUMBER];
	int n = snprintf(digits, sizeof digits, "%llu", v < 0 ? 0ULL - (unsigned long long)v : (unsigned long long)v),
	    k = 0;
	if (v < 0) buf[k++] = '-';
	for (int i = 0; i < n; i++) {
		if (i && (n - i) % 3 == 0) buf[k++] = ',';
		buf[k++] = digits[i];
	}
	buf[k] = '\0';
	return buf;
}

/* Three significant digits and a prefix out of `units`, which are `step` apart. */
static const char *scaled(char buf[NUMBER], double v, double step, const char *const *units, int n) {
	int u = 0;
	while (u + 1 < n && v >= step * 0.9995) v /= step, u++;
	int digits = u == 0 || v >= 99.95 ? 0 : v >= 9.995 ? 1 : 2;
	snprintf(buf, NUMBER, "%.*f%s%s", digits, v, units[u][0] ? " " : "", units[u]);
	return buf;
}

const char *number_short(char buf[NUMBER], double v) {
	static const char *const units[] = {"", "k", "M", "G", "T", "P"};
	return scaled(buf, v, 1000, units, 6);
}

const char *number_bytes(char buf[NUMBER], double bytes) {
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
	return scaled(buf, bytes, 1024, units, 5);
}

const char *number_loss(char buf[NUMBER], double loss) {
	snprintf(buf, NUMBER, fabs(loss) < 1e4 ? "%.4f" : "%.2e", loss);
	return buf;
}

const char *number_percent(char buf[NUMBER], double share) {
	if (isnan(share))
		snprintf(buf, NUMBER, "-");
	else
		snprintf(buf, NUMBER, "%.2f %%", 100 * share);
	return buf;
}

/* A network is never certain: what would be rounded to 100 % or to nothing is told as a bound. */
const char *number_probability(char buf[NUMBER], double p) {
	if (p >= 0.99995)
		snprintf(buf, NUMBER, "> 99.99 %%");
	else if (p < 0.00005)
		snprintf(buf, NUMBER, "< 0.01 %%");
	else
		number_percent(buf, p);
	return buf;
}

const char *number_time(char buf[NUMBER], double seconds) {
	if (!(seconds < 1e9)) seconds = 1e9;
	long s = (long)(seconds + 0.5);
	if (s >= 3600)
		snprintf(buf, NUMBER, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
	else if (s >= 60)
		snprintf(buf, NUMBER, "%ld:%02ld", s / 60, s % 60);
	else if (seconds < 9.95)
		snprintf(buf, NUMBER, "%.1f s", seconds);
	else
		snprintf(buf, NUMBER, "%ld s", s);
	return buf;
}
