/* show.h - engram data show (show.c), for data.c. */
#ifndef ENGRAM_CLI_SHOW_H
#define ENGRAM_CLI_SHOW_H

#include "engram_report.h"
#include "print.h"

/* What is in the data set or recipe of this name; returns the exit code. */
int data_show(const cli_args *a, const char *name);
/* FILE.csv: a table over time, with one series or several; show_table.c. */
bool data_is_table(const char *name);
int data_show_table(const cli_args *a, const char *path);
/* The units of the texts of this recipe or model; vocab.c. */
int data_vocab(const cli_args *a, const char *name);

#endif
