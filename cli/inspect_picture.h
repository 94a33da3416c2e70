/* inspect_picture.h - the parts of engram inspect for networks that take pictures (inspect_picture.c), and for those
 * that transcribe (inspect_transcript.c). */
#ifndef ENGRAM_INSPECT_PICTURE_H
#define ENGRAM_INSPECT_PICTURE_H

#include "cli.h"

/* path NULL: a record of the model's own data. Returns the exit code. */
int inspect_picture(const cli_args *a, eg_model *m, const char *path);
int inspect_looks(const cli_args *a, eg_model *m, const char *path); /* of captions and films: inspect_looks.c */
int inspect_rebuilt(const cli_args *a, eg_model *m, const char *path); /* of an auto-encoder; path: NULL, or an error */
int inspect_transcript(const cli_args *a, eg_model *m, const char *path);

#endif
