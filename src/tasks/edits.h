/* edits.h - how far two sequences are from each other. */
#ifndef ENGRAM_TASKS_EDITS_H
#define ENGRAM_TASKS_EDITS_H

#include <stdbool.h>

/* The fewest pieces to put in, to leave out and to exchange that make n pieces of m others (Levenshtein 1966). row:
 * room for m + 1. */
int eg_edits(int n, int m, bool (*same)(const void *user, int i, int k), const void *user, int *row);

#endif
