/* time_table.h - what the files of tables whose rows are steps in time share: the calendar and the grid (time_grid.c),
 * formats and time zones (time_zone.c), what is read of a file (time_table.c). */
#ifndef ENGRAM_DATA_TIME_TABLE_H
#define ENGRAM_DATA_TIME_TABLE_H

#include "data/table.h"

/* Year, month from 1, day from 1, seconds of the day, of seconds since 1970 by the calendar of today. */
void eg_time_civil(double seconds, int64_t *year, int *month, int *day, double *rest);

/* The grid of n > 0 rising times: the months or seconds of a step. */
void eg_time_grid_find(eg_time_table *t, const double *times, int n);
/* One that was asked for, so that the first time is in its first step. */
void eg_time_grid_set(eg_time_table *t, int months, double seconds, double first);
/* None: rows are steps, each at its own time of n > 0 rising ones, which have to last as long as the table. */
void eg_time_grid_none(eg_time_table *t, const double *times, int n);
/* The last of n rising times is so far from the one before. Behind a hole it is not what the next one will be: then the
 * median of those before it. 1: there is one time only. */
double eg_time_usual_step(const double *times, int n);
/* The step of row `row`; -1: it lies beside the grid. Seconds since 1970 are exact to some 2e-7. */
int64_t eg_time_grid_place(const eg_time_table *t, double time, int row);

/* The time that a text says in a format as of strptime; *zoned: with an offset. false: it does not have that form. */
bool eg_time_formatted(const char *text, const char *format, double *seconds, bool *zoned);
/* Does a time of ISO 8601 end with Z or an offset? */
bool eg_time_has_offset(const char *text);
/* Seconds since 1970 of what clocks of the process's time zone show: of two such times the one behind `before`. false:
 * they are put forward then, and never show it. */
bool eg_time_from_local(double shown, double before, double *seconds);
double eg_time_local_offset(double seconds); /* seconds that its clocks are ahead of UTC */
/* Is it a time at which clocks are changed in many countries: up to five in the morning of a Sunday in spring or
 * autumn? */
bool eg_time_maybe_changed(double shown);

#endif
