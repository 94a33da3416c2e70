/* predict_film.h - the part of engram predict for models that read films (predict_film.c). */
#ifndef ENGRAM_PREDICT_FILM_H
#define ENGRAM_PREDICT_FILM_H

#include "film.h"

/* Is the folder a film, its files being frames? */
bool predict_is_film(const char *folder);
/* Tags the frames of standard input as they come, if the model does that and goes in one direction. false: it does not,
 * and nothing has been read; else *code is the exit code. */
bool predict_as_it_comes(eg_model *m, const eg_film_options *o, bool json, int *code);
/* The answer, and the page that has been written of it; the caller's. */
eg_value *predict_summary(const char *folder, const char *path, const cli_whole_film *film, const eg_value *answer, eg_error *err);

#endif
