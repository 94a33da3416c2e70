/* verify.h - what the files of engram verify share. */
#ifndef ENGRAM_CLI_VERIFY_H
#define ENGRAM_CLI_VERIFY_H

#include "cli.h"
#include "engram_verify.h"

/* verify_worst.c: of a part of the model's own data all pairs, and those that are worst: of one person the farthest
 * apart, of two the nearest. Returns an exit code. */
int verify_worst(const cli_args *a, eg_model *m, eg_predictor *p, const eg_verifier *by);

#endif
