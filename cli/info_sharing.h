/* info_sharing.h - engram info --explain-sharing (info_sharing.c). */
#ifndef ENGRAM_INFO_SHARING_H
#define ENGRAM_INFO_SHARING_H

#include "cli.h"

int info_sharing(const cli_args *a); /* the exit code */

#endif
