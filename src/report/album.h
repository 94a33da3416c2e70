/* album.h - a page with pictures that are PNG files beside it, too (album.c). HTML that is XML as well, with everything
 * in it; light or dark as the viewer likes it. */
#ifndef ENGRAM_REPORT_ALBUM_H
#define ENGRAM_REPORT_ALBUM_H

#include "report/panel.h"

typedef struct eg_album {
	const char *folder;
	eg_arena *paths;    /* where those of `files` are kept */
	const char **files; /* what has been written, the page first; room for `most` */
	int nfiles, most;
	eg_error *err;
	eg_writer *out; /* eg_album_begin */
	eg_arena arena; /* of the figure at hand: panels are drawn into it */
} eg_album;

/* FOLDER/NAME.html up to its heading: `title`, and `more` behind a colon (NULL: nothing). The caller sets all but out
 * and arena. */
eg_status eg_album_begin(eg_album *a, const char *name, const char *title, const char *more);
eg_status eg_album_png(eg_album *a, const char *name, const eg_pane *panel); /* FOLDER/NAME.png */
void eg_album_head(eg_album *a, const char *title); /* of a part of the page */
/* A figure, and, with a name, its file; `drawn` false: there was no memory for the panel. Its caption follows, then
 * eg_album_end_figure. The panel's memory is given back. */
eg_status eg_album_figure(eg_album *a, const char *name, const eg_pane *panel, bool drawn);
void eg_album_end_figure(eg_album *a);
/* In every case, `status` being how it went: the page appears whole or not at all. */
eg_status eg_album_finish(eg_album *a, eg_status status);
eg_status eg_album_no_memory(const eg_album *a);

/* Four digits; shares in hundredths, where nothing that is not certain is called so (as HTML). */
const char *eg_album_number(double v, char buf[32]);
const char *eg_album_share(double p, char buf[32]);

#endif
