/* status.c - status names, error messages and the guess at a mistyped word.
 *
 * Not here: any printing: the library only fills in text. */
#include "base/base.h"

#include <string.h>
#include <strings.h>

const char *eg_status_name(eg_status status) {
	switch (status) {
	case EG_OK: return "ok";
	case EG_ERR_ARG: return "wrong argument";
	case EG_ERR_SHAPE: return "shapes do not fit";
	case EG_ERR_MEMORY: return "out of memory";
	case EG_ERR_IO: return "input or output failed";
	case EG_ERR_FORMAT: return "damaged or unknown format";
	case EG_ERR_NUMERIC: return "NaN or infinity";
	case EG_ERR_STOPPED: return "stopped by the caller";
	}
	return "unknown status";
}

/* Ends a text that did not fit into `size` bytes with "...", without cutting a UTF-8 character in two. */
static void cut(char *text, size_t size) {
	size_t at = size - 4;
	while (at > 0 && ((unsigned char)text[at] & 0xC0) == 0x80) at--;
	memcpy(text + at, "...", 4);
}

/* Formats into a text of `size` bytes; cut with "..." when it does not fit. No newline is left at the end. */
static void format(char *text, size_t size, const char *fmt, va_list args) EG_PRINTF(3, 0);
static void format(char *text, size_t size, const char *fmt, va_list args) {
	int n = vsnprintf(text, size, fmt, args);
	if (n < 0) {
		snprintf(text, size, "(a message that could not be formatted)");
		return;
	}
	if ((size_t)n >= size) cut(text, size);
	for (size_t len = strlen(text); len > 0 && text[len - 1] == '\n'; len--) text[len - 1] = '\0';
}

eg_status (eg_fail)(eg_error *err, eg_status status, const char *fmt, ...) {
	if (!err) return status;
	char text[sizeof(err->message)]; /* the arguments may point into err->message */
	va_list args;
	va_start(args, fmt);
	format(text, sizeof(text), fmt, args);
	va_end(args);
	memcpy(err->message, text, strlen(text) + 1);
	err->status = status;
	return status;
}

void eg_fail_prefix(eg_error *err, const char *fmt, ...) {
	if (!err) return;
	char prefix[sizeof(err->message)], text[2 * sizeof(err->message) + 2];
	va_list args;
	va_start(args, fmt);
	format(prefix, sizeof(prefix), fmt, args);
	va_end(args);
	size_t n = (size_t)snprintf(text, sizeof(text), "%s: %s", prefix, err->message);
	if (n >= sizeof(err->message)) {
		cut(text, sizeof(err->message));
		n = strlen(text);
	}
	memcpy(err->message, text, n + 1);
}

/* ---- did you mean ------------------------------------------------------------------------------------------------ */

enum { WORD_MAX = 63, FAR = 1000 };

static int min2(int a, int b) { return a < b ? a : b; }

/* Damerau-Levenshtein distance in its optimal-string-alignment form: insertions, deletions, replacements and swaps of
 * neighbours each cost 1 (Damerau 1964; Boytsov 2011, section 2.1). Three rows of the table suffice. */
static int distance(const char *a, int m, const char *b, int n) {
	int rows[3][WORD_MAX + 1], *before = rows[0], *above = rows[1], *row = rows[2];
	for (int j = 0; j <= n; j++) above[j] = before[j] = j;
	for (int i = 1; i <= m; i++) {
		row[0] = i;
		for (int j = 1; j <= n; j++) {
			int d = above[j - 1] + (a[i - 1] != b[j - 1]);
			d = min2(d, min2(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d = min2(d, before[j - 2] + 1);
			row[j] = d;
		}
		int *oldest = before;
		before = above, above = row, row = oldest;
	}
	return above[n];
}

const char *eg_did_you_mean(const char *word, const char *const *names, int n) {
	const char *best = NULL;
	int best_d = FAR;
	size_t m = word ? strlen(word) : 0;
	if (m == 0 || m > WORD_MAX) return NULL;
	for (int i = 0; i < n; i++) {
		size_t len = names[i] ? strlen(names[i]) : 0;
		if (len == 0 || len > WORD_MAX) continue;
		if (strcasecmp(word, names[i]) == 0) return names[i];
		int d = distance(word, (int)m, names[i], (int)len);
		bool typo = d <= 2 && 2 * d < (int)m;
		bool prefix = strncmp(word, names[i], m < len ? m : len) == 0;
		if ((typo || prefix) && d < best_d) best = names[i], best_d = d;
	}
	return best;
}

/* ---- patterns ---------------------------------------------------------------------------------------------------- */

/* After a mismatch the last star takes one more. */
bool eg_name_fits(const char *pattern, const char *name) {
	const char *star = NULL, *from = NULL;
	while (*name) {
		if (*pattern == '*') {
			star = ++pattern, from = name;
		} else if (*pattern == *name || *pattern == '?') {
			pattern++, name++;
		} else if (star) {
			pattern = star, name = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*') pattern++;
	return !*pattern;
}
