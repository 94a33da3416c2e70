/* film.c - films as what verbs are asked about. */
#define _POSIX_C_SOURCE 200809L /* read */
#include "film.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "320x240", "30000:1001", "25" (second: 1, where it may be left out). */
static bool two_numbers(const char *text, char between, bool both, int *first, int *second) {
	char *end;
	const long a = strtol(text, &end, 10);
	long b = 1;
	bool ok = *text >= '0' && *text <= '9' && a > 0 && a < 1 << 30 && (*end == between || (!both && !*end));
	if (ok && *end) {
		const char *rest = end + 1;
		b = strtol(rest, &end, 10);
		ok = *rest >= '0' && *rest <= '9' && b > 0 && b < 1 << 30 && !*end;
	}
	*first = (int)a, *second = (int)b;
	return ok;
}

bool cli_film_options(const cli_args *a, eg_film_options *o) {
	const char *size = args_text(a, "size"), *rate = args_text(a, "rate"), *verb = a->verb->name;
	*o = (eg_film_options){.pixels = args_text(a, "pixels")};
	if (size && !two_numbers(size, 'x', true, &o->W, &o->H))
		return fail_usage(verb, "--size is WIDTHxHEIGHT, as in 320x240, not '%s'", size), false;
	if (rate && !two_numbers(rate, ':', false, &o->rate, &o->per))
		return fail_usage(verb, "--rate is a number of frames a second, as in 25 or 30000:1001, not '%s'", rate), false;
	if (o->pixels && !size) return fail_usage(verb, "--pixels is about raw frames: say --size WxH too"), false;
	return true;
}

bool cli_film_on_stdin(int *first) {
	unsigned char c;
	*first = read(STDIN_FILENO, &c, 1) == 1 ? c : -1;
	return *first == 'Y' && ungetc(*first, stdin) == 'Y'; /* no picture begins so */
}

cli_frame *cli_frame_new(const eg_film_info *film, int64_t number, const uint8_t *pixels) {
	const size_t n = (size_t)film->C * (size_t)film->H * (size_t)film->W;
	const char *slash = strrchr(film->name, '/'), *base = slash && slash[1] ? slash + 1 : film->name, *dot = strrchr(base, '.');
	const int stem = dot && dot > base ? (int)(dot - base) : (int)strcspn(base, "/");
	cli_frame *f = cli_alloc(sizeof *f);
	f->number = number;
	f->file = cli_alloc((size_t)stem + 40);
	snprintf(f->file, (size_t)stem + 40, "%.*s-%06lld.frame", stem, base, (long long)number);
	f->pixels = cli_alloc(n);
	memcpy(f->pixels, pixels, n);
	f->record.id = f->file;
	f->record.fields[0] = (eg_datum){.there = true, .picture = {film->C, film->H, film->W, f->pixels}};
	return f;
}

void cli_frame_free(cli_frame *f) {
	if (!f) return;
	free(f->file);
	free(f->pixels);
	free(f);
}
