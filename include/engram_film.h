/* engram_film.h - films: pictures of one size, one after the other, read and written a frame at a time. No codecs:
 * folders of pictures, Y4M (YUV4MPEG2, what ffmpeg and mjpegtools write) and raw frames. Part of libengram_io.
 *
 * A Y4M's colours are those of ITU-R BT.601, of studio range (16..235) unless it says XCOLORRANGE=FULL; chroma that is
 * stored for several pixels is taken for each of them. Ownership, threads, NULL and messages as in engram_io.h. */
#ifndef ENGRAM_FILM_H
#define ENGRAM_FILM_H

#include "engram.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eg_film_options {
	int H, W; /* of raw frames; 0: the film is none of raw frames */
	/* How a raw frame lies, NULL: "rgb24"; also "bgr24", "rgba", "bgra" (alpha is dropped), "gray", and the planes
	 * "yuv420p", "yuv422p", "yuv444p". The names are ffmpeg's. */
	const char *pixels;
	int rate, per; /* of films that do not say it: `rate` frames in `per` seconds (per 0: 1); rate 0: not known */
} eg_film_options;

typedef struct eg_film_info {
	const char *name; /* the path, or "standard input" */
	int C, H, W;      /* of every frame; C: 1 grey, 3 red, green, blue */
	int rate, per;    /* `rate` frames in `per` seconds, per >= 1; rate 0: not known */
	int64_t frames;   /* how many there are, of folders; else -1: it is known when they have been read */
} eg_film_info;

typedef struct eg_film eg_film;

/* Is there a Y4M at this path, by its first bytes? Of what is no regular file, and so could be read once only, by its
 * name's ending alone. */
EG_API bool eg_film_is(const char *path);
/* A folder (its pictures in the order of their names, numbers in them as numbers), a Y4M, or, with options->H and W,
 * raw frames; "-": standard input. options may be NULL. The first frame's size is known then. EG_ERR_FORMAT: it is
 * damaged, or no film. */
EG_API eg_status eg_film_open(const char *path, const eg_film_options *options, eg_film **film, eg_error *err);
EG_API const eg_film_info *eg_film_about(const eg_film *f);
/* The next frame, (C,H,W), valid until the next call; *pixels is NULL behind the last one. EG_ERR_FORMAT, with the
 * frame's number, counted from 0: it is cut off, or has another size than those before it. */
EG_API eg_status eg_film_next(eg_film *f, const uint8_t **pixels, eg_error *err);
EG_API void eg_film_close(eg_film *f); /* NULL is allowed */

/* A whole film in memory. */
typedef struct eg_film_frames {
	int n, C, H, W;
	int rate, per;   /* as in eg_film_info */
	uint8_t *pixels; /* (n,C,H,W), released by eg_film_frames_free */
} eg_film_frames;
/* The first `most` frames at most, of `bytes` at most in all (each 0: as many as there are); *more (may be NULL): there
 * are others behind them. */
EG_API eg_status eg_film_load(const char *path, const eg_film_options *options, int most, size_t bytes,
	eg_film_frames *frames, bool *more, eg_error *err);
EG_API void eg_film_frames_free(eg_film_frames *frames); /* and zeroes it */

/* ---- writing ----------------------------------------------------------------------------------------------------- */

typedef enum eg_film_chroma { EG_FILM_444, EG_FILM_422, EG_FILM_420, EG_FILM_MONO } eg_film_chroma;

typedef struct eg_film_writer eg_film_writer;
/* A Y4M at `path`, which is there as a whole after eg_film_commit, and not at all before. rate 0: 25 frames a
 * second. */
EG_API eg_status eg_film_create(
	const char *path, int H, int W, int rate, int per, eg_film_chroma chroma, eg_film_writer **writer, eg_error *err);
/* pixels: (C,H,W), C 1 or 3. What fails is told by eg_film_commit. */
EG_API void eg_film_put(eg_film_writer *w, int C, const uint8_t *pixels);
EG_API eg_status eg_film_commit(eg_film_writer *w, eg_error *err); /* frees w in every case */
EG_API void eg_film_abort(eg_film_writer *w);                      /* NULL is allowed */

#ifdef __cplusplus
}
#endif
#endif
