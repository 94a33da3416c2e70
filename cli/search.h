/* search.h - what the files of engram search and engram index share. */
#ifndef ENGRAM_CLI_SEARCH_H
#define ENGRAM_CLI_SEARCH_H

#include "cli.h"
#include "engram_index.h"

/* search_own.c: an index of the data that its model was trained on keeps the records' names, not their pictures. Which
 * data they are of is kept with it, so that a page can show them. */

/* Keeps the part and what was said of the data on the command line (--data, --folder, --path). */
eg_status search_keep_data(eg_index *x, const cli_args *a, eg_part part, eg_error *err);

typedef struct search_own search_own;
/* Finds the data again. own NULL: the index is of files. m must outlive it. */
eg_status search_own_open(const eg_index *x, eg_model *m, search_own **own, eg_error *err);
void search_own_close(search_own *o); /* NULL is allowed */
/* The picture of the record of this name and class (NULL: of any); valid until the next one. EG_ERR_ARG: there is
 * none. */
eg_status search_own_picture(search_own *o, const char *id, const char *class_name, eg_picture *pic, eg_error *err);

#endif
