/* engram_listen.h - sound transcribed as it comes: samples in, words out, each with its place in time, as soon as it
 * has been said. Part of libengram_io.
 *
 * For models of the task `transcribe` whose networks look back only (recipes/speech-stream.yaml). What is told of a
 * recording is what the whole of it would be told to be, in pieces of any length: the likeliest label of each step
 * (of the option `beam` nothing is heard here). Ownership, threads, NULL and messages as in engram_io.h. */
#ifndef ENGRAM_LISTEN_H
#define ENGRAM_LISTEN_H

#include "engram_io.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eg_listener eg_listener;

typedef struct eg_heard {
	const char *text;  /* a word; valid inside of the call */
	double start, end; /* seconds since the beginning */
} eg_heard;

/* What is called for each word. Of models that spell, a word ends at a space, behind a second in which nothing is
 * written, and before its 256th byte. */
typedef struct eg_ear {
	void (*heard)(void *user, const eg_heard *word);
	void *user;
} eg_ear;

/* rate: samples a second that will come; 0: as the network hears. ctx: a context of its own; NULL: the model's. The
 * model must outlive it. EG_ERR_ARG: the model hears a recording only as a whole, or none. */
EG_API eg_status eg_listener_new(eg_model *m, eg_context *ctx, double rate, eg_listener **listener, eg_error *err);
EG_API void eg_listener_free(eg_listener *l);
EG_API double eg_listener_rate(const eg_listener *l); /* that the network hears */
/* n samples of one channel, -1..1. Nothing is allocated. EG_ERR_NUMERIC: one of them, or an answer, is no number. */
EG_API eg_status eg_listener_push(eg_listener *l, const float *samples, int64_t n, const eg_ear *ear, eg_error *err);
/* The end of the recording: what is left of it is told. What comes next begins another one, at 0. */
EG_API eg_status eg_listener_end(eg_listener *l, const eg_ear *ear, eg_error *err);

/* Do these bytes begin a sound file (WAV, FLAC, Ogg, AIFF, AU), and not raw samples? Twelve are enough. */
EG_API bool eg_sound_begins_file(const void *head, size_t n);

#ifdef __cplusplus
}
#endif

#endif
