/* film_page.c - the summary of a film as a page: what happens, and for each part of it when, with its key frame. */
#include "engram_report.h"
#include "report/album.h"
#include "report/survey.h"
#include "tasks/intake.h"

#include <math.h>

enum { KEY_SIDE = 192, FILES = 4 };

static void put_time(eg_album *a, const eg_film_frames *film, int64_t start, int64_t end) {
	char from[32], to[32];
	const double each = film->rate > 0 ? (double)film->per / film->rate : 0;
	eg_put(a->out, "frames %lld to %lld", (long long)start, (long long)(end - 1));
	if (each > 0)
		eg_put(a->out, ", seconds %s to %s", eg_album_number((double)start * each, from), eg_album_number((double)end * each, to));
}

static eg_status put_segment(eg_album *a, const eg_film_frames *film, const eg_value *segment) {
	const int shape[3] = {film->C, film->H, film->W};
	const size_t each = (size_t)film->C * (size_t)film->H * (size_t)film->W;
	const int64_t key = eg_value_int(eg_value_get(segment, "keyframe"), -1), start = eg_value_int(eg_value_get(segment, "start"), 0),
		      end = eg_value_int(eg_value_get(segment, "end"), 0);
	eg_pane p;
	if (key < 0 || key >= film->n) {
		eg_put(a->out, "<figure><figcaption>");
	} else {
		const bool drawn = eg_pane_picture(&a->arena, film->pixels + (size_t)key * each, shape, eg_pane_scale(film->H, film->W, KEY_SIDE), &p);
		eg_status status = eg_album_figure(a, NULL, &p, drawn);
		if (status) return status;
	}
	eg_put(a->out, "<b>");
	eg_put_escaped(a->out, eg_text_of(segment, "text"));
	eg_put(a->out, "</b><br/>");
	put_time(a, film, start, end);
	if (key >= 0) eg_put(a->out, "; frame %lld is shown", (long long)key);
	eg_album_end_figure(a);
	return EG_OK;
}

eg_status eg_film_summary(
	const char *folder, const char *name, const eg_film_frames *film, const eg_value *answer, eg_value *map, eg_error *err) {
	eg_error own = {0};
	eg_arena paths = {0};
	const char *files[FILES];
	eg_album a = {.folder = folder, .paths = &paths, .files = files, .most = FILES, .err = err ? err : &own};
	eg_status status = eg_album_begin(&a, name, name, "what happens");
	if (!status) {
		eg_put(a.out, "<p>");
		eg_put_escaped(a.out, eg_text_of(answer, "text"));
		eg_put(a.out, ".</p>\n<p>%d frames of %d x %d.</p>\n<main>\n", film->n, film->W, film->H);
	}
	for (const eg_value *s = eg_value_first(eg_value_get(answer, "segments")); s && !status; s = eg_value_next(s))
		status = put_segment(&a, film, s);
	if (!status) eg_put(a.out, "</main>\n");
	status = eg_album_finish(&a, status);
	if (!status) eg_value_put_text(map, "file", files[0]);
	eg_arena_free(&paths);
	return status;
}
