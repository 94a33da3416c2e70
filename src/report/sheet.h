/* sheet.h - what the files of a page share: sheet.c (the page, records, pictures and texts), sheet_facts.c (the table
 * of facts), sheet_plots.c (series and sound) and table_plots.c (columns of tables over time). */
#ifndef ENGRAM_REPORT_SHEET_H
#define ENGRAM_REPORT_SHEET_H

#include "report/survey.h"

struct eg_sheet {
	eg_writer *w;
	int plots; /* so far */
	bool records; /* have begun */
};

eg_status eg_sheet_series(eg_sheet *s, const eg_field *field, const eg_datum_series *d, eg_error *err);
/* table_plots.c: a column with at least one step, whose season has so many (1: it has none). */
eg_status eg_sheet_column(eg_sheet *s, const eg_time_table *t, const eg_time_column *c, int period, eg_error *err);
eg_status eg_sheet_sound(eg_sheet *s, const eg_datum_sound *d, eg_error *err);

#endif
