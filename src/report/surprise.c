/* surprise.c - a page that shows how much each unit of a text surprised a language model: the text itself, coloured.
 * HTML that is XML as well, with everything in it. */
#include "base/base.h"
#include "engram_report.h"
#include "report/plot.h"

#include <math.h>
#include <string.h>

struct eg_surprise {
	eg_writer *w;
	eg_arena arena;
	int64_t lines;
};

/* Nats at which the colour is full: one of some three thousand equally likely units. */
static const double FULL = 8;

static const char style[] =
	"body{font:16px/1.7 ui-monospace,monospace;margin:1.5em auto;max-width:60em;padding:0 1em;color:#111;background:#fff}\n"
	"h1,p{font-family:system-ui,sans-serif}h1{font-size:1.2em}div{white-space:pre-wrap;overflow-wrap:anywhere}\n"
	"i{font-style:normal}small{display:inline-block;min-width:4.5em;color:#777}\n";

static void put_colour(eg_writer *w, double nats) {
	double x = nats < 0 ? 0 : nats > FULL ? 1 : nats / FULL;
	eg_put(w, "rgb(255,%d,%d)", (int)(255 - 175 * x + 0.5), (int)(255 - 205 * x + 0.5));
}

eg_status eg_surprise_new(const char *path, const char *title, eg_surprise **page, eg_error *err) {
	*page = eg_calloc(NULL, 1, sizeof **page);
	eg_writer *w = *page ? eg_writer_new(NULL, path, err) : NULL;
	if (!w) {
		eg_status status = *page && err ? err->status : eg_fail(err, EG_ERR_MEMORY, "out of memory for a page");
		eg_release(NULL, *page);
		*page = NULL;
		return status;
	}
	(*page)->w = w;
	eg_put(w, "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<meta charset=\"utf-8\"/>\n<title>");
	eg_put_escaped(w, title);
	eg_put(w, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<h1>", style);
	eg_put_escaped(w, title);
	eg_put(w, "</h1>\n<p>The redder, the less likely the model held what came. In nats:");
	for (int k = 0; k <= 8; k += 2) {
		eg_put(w, " <i style=\"background:");
		put_colour(w, k);
		eg_put(w, "\">\xC2\xA0%d%s\xC2\xA0</i>", k, k == 8 ? " or more" : "");
	}
	eg_put(w, "</p>\n");
	return EG_OK;
}

void eg_surprise_line(eg_surprise *p, int64_t number, double nats_per_unit) {
	char nats[32];
	eg_number(round(nats_per_unit * 1000) / 1000, nats);
	eg_put(p->w, "%s<div><small title=\"line %lld\">%s</small>", p->lines++ ? "</div>\n" : "", (long long)number, nats);
}

/* Without line ends, which have a sign. */
static eg_status put_text(eg_surprise *p, const char *text, size_t size, eg_error *err) {
	char *own = eg_arena_alloc(&p->arena, size + 1);
	size_t n = 0;
	if (!own) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a page");
	for (size_t i = 0; i < size; i++)
		if (text[i] != '\n') own[n++] = text[i] ? text[i] : '\x01'; /* either is shown as U+FFFD */
	own[n] = '\0';
	eg_put_escaped(p->w, own);
	eg_arena_reset(&p->arena);
	return EG_OK;
}

eg_status eg_surprise_unit(eg_surprise *p, const char *text, size_t size, double nats, eg_error *err) {
	char number[32];
	eg_put(p->w, "<i title=\"%s\" style=\"background:", eg_number(round(nats * 100) / 100, number));
	put_colour(p->w, nats);
	eg_put(p->w, "\">");
	eg_status status = put_text(p, text, size, err);
	/* A line end, and the end of a sample, have a sign to be coloured. */
	if (size == 0)
		eg_put(p->w, "\xC2\xA4");
	else if (memchr(text, '\n', size))
		eg_put(p->w, "\xE2\x86\xB5");
	eg_put(p->w, "</i>");
	return status;
}

void eg_surprise_drop(eg_surprise *p) {
	if (!p) return;
	eg_writer_abort(p->w);
	eg_arena_free(&p->arena);
	eg_release(NULL, p);
}

eg_status eg_surprise_save(eg_surprise *p, const char *last, eg_error *err) {
	eg_put(p->w, "%s<p>", p->lines ? "</div>\n" : "");
	eg_put_escaped(p->w, last);
	eg_put(p->w, "</p>\n</body>\n</html>\n");
	eg_status status = eg_writer_commit(p->w, err);
	p->w = NULL;
	eg_surprise_drop(p);
	return status;
}
