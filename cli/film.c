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
	if (o->pixels && !size && strcmp(verb, "predict") != 0) return fail_usage(verb, "--pixels is about raw frames: say --size WxH too"), false;
	return true;
}

bool cli_film_on_stdin(int *first) {
	unsigned char c;
	*first = read(STDIN_FILENO, &c, 1) == 1 ? c : -1;
	return *first == 'Y' && ungetc(*first, stdin) == 'Y'; /* no picture begins so */
}

char *cli_film_stem(const char *path) {
	const char *slash = strrchr(path, '/'), *base = slash && slash[1] ? slash + 1 : path, *dot = strrchr(base, '.');
	const size_t n = dot && dot > base ? (size_t)(dot - base) : strcspn(base, "/");
	char *stem = cli_alloc(n + 1);
	memcpy(stem, base, n);
	return stem;
}

cli_frame *cli_frame_new(const eg_film_info *film, int64_t number, const uint8_t *pixels) {
	const size_t n = (size_t)film->C * (size_t)film->H * (size_t)film->W;
	char *stem = cli_film_stem(film->name);
	cli_frame *f = cli_alloc(sizeof *f);
	f->number = number;
	f->file = cli_alloc(strlen(stem) + 40);
	snprintf(f->file, strlen(stem) + 40, "%s-%06lld.frame", stem, (long long)number);
	free(stem);
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

enum { MEMORY = 512 }; /* MiB of frames of a film, at most */

cli_whole_film *cli_whole_film_new(const char *path, const eg_film_options *o, eg_error *err) {
	bool more = false;
	cli_whole_film *f = cli_alloc(sizeof *f);
	eg_status status = eg_film_load(path, o, 0, (size_t)MEMORY << 20, &f->frames, &more, err);
	const char *name = strcmp(path, "-") != 0 ? path : "standard input";
	if (!status && (more || f->frames.n == 0)) {
		status = err->status = EG_ERR_FORMAT;
		if (more)
			snprintf(err->message, sizeof err->message, "'%.300s' is longer than %d MiB of frames: cut it into pieces", name, MEMORY);
		else
			snprintf(err->message, sizeof err->message, "'%.300s' has no frame", name);
	}
	const eg_film_frames *x = &f->frames;
	f->record.id = path;
	f->record.fields[0] = (eg_datum){.there = true, .frames = {x->n, x->C, x->H, x->W, x->rate ? (double)x->rate / x->per : 0, x->pixels}};
	if (!status) return f;
	cli_whole_film_free(f);
	return NULL;
}

void cli_whole_film_free(cli_whole_film *f) {
	if (!f) return;
	eg_film_frames_free(&f->frames);
	free(f);
}

bool cli_reads_films(eg_model *m, eg_predictor *p) {
	const eg_field *fields;
	return m && eg_predictor_fields(p, &fields) == 1 && fields[0].kind == EG_FIELD_FRAMES;
}

void cli_film_as_model(eg_model *m, eg_film_options *o) {
	const eg_recipe *r = eg_model_recipe(m);
	eg_dims d = {0};
	for (int i = 0; i < eg_recipe_inputs(r); i++)
		if (eg_recipe_input_at(r, i)->dims.rank == 4) d = eg_recipe_input_at(r, i)->dims;
	if (o->W || d.rank != 4) return;
	o->H = (int)d.d[2], o->W = (int)d.d[3];
	if (!o->pixels && d.d[1] == 1) o->pixels = "gray";
}
