/* film.h - what the files of films share: how the samples of a frame lie in planes, and how these become colours. */
#ifndef ENGRAM_DATA_FILM_H
#define ENGRAM_DATA_FILM_H

#include "data/data.h"
#include "engram_film.h"

#include <stdio.h>

/* A frame as bytes: `each` bytes a pixel, of which red, green and blue are at these places; or (each 0) a plane of
 * brightness and two of colour, each of whose samples is for sx x sy pixels (sx 0: there are none). */
typedef struct eg_film_form {
	const char *name;
	int each, red, green, blue;
	int sx, sy;
	bool full; /* brightness is 0..255, not 16..235 */
} eg_film_form;

const eg_film_form *eg_film_form_of(const char *name); /* of raw frames; NULL: no such */
bool eg_film_form_grey(const eg_film_form *f);
size_t eg_film_form_bytes(const eg_film_form *f, int H, int W);
/* A frame's bytes as planes (C,H,W), C 1 if it is grey, else 3; and back, of planes of brightness and colour only. */
void eg_film_decode(const eg_film_form *f, int H, int W, const uint8_t *bytes, uint8_t *pixels);
void eg_film_encode(const eg_film_form *f, int H, int W, int C, const uint8_t *pixels, uint8_t *bytes);

/* A film of a stream that is open, and that the film closes; also on failure. For tests. */
eg_status eg_film_open_stream(
	FILE *stream, const char *name, const eg_film_options *options, eg_film **film, eg_error *err);

#endif
