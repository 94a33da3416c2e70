/* film.h - films as what verbs are asked about: options that say how raw frames lie, and frames as questions. */
#ifndef ENGRAM_CLI_FILM_H
#define ENGRAM_CLI_FILM_H

#include "cli.h"
#include "engram_film.h"
#include "engram_task.h"

#define OPTIONS_RAW_FRAMES \
	{"size", 0, "WxH", "raw frames on standard input: how wide and high they are, as in --size 320x240", 0, 0}, \
		{"pixels", 0, "rgb24|bgr24|rgba|bgra|gray|yuv420p|yuv422p|yuv444p", \
			"and how the bytes of a frame lie, in ffmpeg's names (default: rgb24)", 0, 0}
#define OPTIONS_FILM \
	OPTIONS_RAW_FRAMES, {"rate", 0, "N[:D]", "frames a second of films that do not say it themselves", 0, 0}

/* What these options say; false after a message about wrong usage. */
bool cli_film_options(const cli_args *a, eg_film_options *o);

/* Does standard input begin as a Y4M? Its first byte is looked at, and read again by the film; *first: that of another
 * input, which has been read, -1 at the end. */
bool cli_film_on_stdin(int *first);

/* A frame, kept until it has been answered. */
typedef struct cli_frame {
	int64_t number; /* from 0 */
	char *file;     /* "street-000012.frame": what its answer's file is called after */
	eg_record record;
	uint8_t *pixels;
} cli_frame;
cli_frame *cli_frame_new(const eg_film_info *film, int64_t number, const uint8_t *pixels);
void cli_frame_free(cli_frame *f); /* NULL is allowed */

/* A film as a whole, likewise. */
typedef struct cli_whole_film {
	eg_film_frames frames;
	eg_record record;
} cli_whole_film;
/* NULL: it cannot be read */
cli_whole_film *cli_whole_film_new(const char *path, const eg_film_options *o, eg_error *err);
void cli_whole_film_free(cli_whole_film *f); /* NULL is allowed */
/* What it is called: "street" of "films/street.y4m". To be freed. */
char *cli_film_stem(const char *path);
/* Does the model read films, not pictures? Raw frames whose size is not said are as large as it reads them then. */
bool cli_reads_films(eg_model *m, eg_predictor *p);
void cli_film_as_model(eg_model *m, eg_film_options *o);

#endif
