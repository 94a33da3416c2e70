/* json.c - JSON on stdout, written as it goes. */
#include "print.h"

#include <math.h>
#include <string.h>

/* The length of the valid UTF-8 sequence at s, 0 if it is none (RFC 3629: no overlong forms, no surrogates). */
static int utf8_length(const unsigned char *s) {
	if (s[0] < 0x80) return 1;
	int n = s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
	for (int i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80) return 0;
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] >= 0xa0) || (s[0] == 0xf0 && s[1] < 0x90) ||
		(s[0] == 0xf4 && s[1] >= 0x90))
		return 0;
	return n;
}

/* `size` bytes, behind which is a zero. */
static void put_bytes(FILE *f, const char *text, size_t size) {
	const unsigned char *s = (const unsigned char *)text, *end = s + size;
	putc('"', f);
	while (s < end) {
		int n = utf8_length(s);
		if (n == 0 || n > end - s)
			fputs("\xef\xbf\xbd", f); /* U+FFFD, the replacement character */
		else if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else if (*s == '\n')
			fputs("\\n", f);
		else if (*s == '\t')
			fputs("\\t", f);
		else if (*s < 0x20 || *s == 0x7f)
			fprintf(f, "\\u%04x", *s);
		else
			fwrite(s, 1, (size_t)n, f);
		s += n && n <= end - s ? n : 1;
	}
	putc('"', f);
}

static void put_string(FILE *f, const char *text) { put_bytes(f, text, strlen(text)); }

static void begin(json *j, const char *key) {
	if (j->comma) fputs(", ", j->f);
	j->comma = true;
	if (!key) return;
	put_string(j->f, key);
	fputs(": ", j->f);
}

void json_put_open(json *j, const char *key, char bracket) {
	begin(j, key);
	putc(bracket, j->f);
	j->comma = false;
}

void json_put_close(json *j, char bracket) {
	putc(bracket, j->f);
	j->comma = true;
}

void json_put_string(json *j, const char *key, const char *value) {
	begin(j, key);
	if (value)
		put_string(j->f, value);
	else
		fputs("null", j->f);
}

void json_put_text(json *j, const char *key, const char *value, size_t size) {
	begin(j, key);
	put_bytes(j->f, value, size);
}

void json_put_int(json *j, const char *key, int64_t value) {
	begin(j, key);
	fprintf(j->f, "%lld", (long long)value);
}

void json_put_number(json *j, const char *key, double value) {
	begin(j, key);
	if (isfinite(value))
		fprintf(j->f, "%.9g", value);
	else
		fputs("null", j->f);
}

void json_put_bool(json *j, const char *key, bool value) {
	begin(j, key);
	fputs(value ? "true" : "false", j->f);
}

void json_put_end(json *j) {
	putc('\n', j->f);
	j->comma = false;
}
