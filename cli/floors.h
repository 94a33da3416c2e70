/* floors.h - floors on the screen: what engram floor and engram eval share (floor.c). */
#ifndef ENGRAM_CLI_FLOORS_H
#define ENGRAM_CLI_FLOORS_H

#include "engram_floor.h"
#include "print.h"

/* eg_floors_run with a bar on stderr. */
eg_status cli_floors(eg_recipe *r, const eg_floors_options *o, eg_floors **floors, eg_error *err);
/* A table, the best first; with a network (e not NULL) it is among them, marked. */
void floors_print(const eg_floors *f, const eg_evaluation *e);
/* [{name, settings, metrics...}]; `details`: also deviations of folds and seconds. */
void floors_put(eg_value *parent, const eg_floors *f, bool details);

#endif
