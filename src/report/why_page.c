/* why_page.c - a page that shows which words of texts a classifier's answers come from: the texts themselves, coloured.
 * HTML that is XML as well, with everything in it. */
#include "base/base.h"
#include "engram_report.h"
#include "report/plot.h"

#include <math.h>
#include <string.h>

static const char style[] =
	"body{font:16px/1.7 system-ui,sans-serif;margin:1.5em auto;max-width:50em;padding:0 1em;color:#111;background:#fff}\n"
	"h1{font-size:1.2em}div{white-space:pre-wrap;overflow-wrap:anywhere;margin:1em 0}\n"
	"i{font-style:normal}small{display:block;color:#666}\n";

/* For is blue, against is orange, which most eyes can tell apart. x: -1 to 1. */
static void put_colour(eg_writer *w, double x) {
	const double a = fmin(fabs(x), 1);
	if (x >= 0)
		eg_put(w, "rgb(%d,%d,255)", (int)(255 - 135 * a + 0.5), (int)(255 - 75 * a + 0.5));
	else
		eg_put(w, "rgb(255,%d,%d)", (int)(255 - 95 * a + 0.5), (int)(255 - 195 * a + 0.5));
}

static const char *number_of(char buf[32], double v) { return eg_number(round(v * 1000) / 1000, buf); }

/* The text between two units is what stands there: spaces. */
static eg_status put_text(eg_writer *w, const char *text, size_t size, eg_error *err) {
	char *own = eg_alloc(NULL, size + 1);
	if (!own) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a page");
	for (size_t i = 0; i < size; i++) own[i] = text[i] ? text[i] : '\x01'; /* either is shown as U+FFFD */
	own[size] = '\0';
	eg_put_escaped(w, own);
	eg_release(NULL, own);
	return EG_OK;
}

static eg_status put_units(eg_writer *w, const eg_value *why, eg_error *err) {
	double most = 0;
	int64_t at = 0;
	eg_status status = EG_OK;
	for (const eg_value *u = eg_value_first(why); u; u = eg_value_next(u))
		most = fmax(most, fabs(eg_value_number(eg_value_get(u, "share"), 0)));
	for (const eg_value *u = eg_value_first(why); u && !status; u = eg_value_next(u)) {
		const double share = eg_value_number(eg_value_get(u, "share"), 0);
		const eg_value *text = eg_value_get(u, "text");
		char adds[32], gone[32], part[32];
		for (const int64_t start = eg_value_int(eg_value_get(u, "start"), at); at < start; at++) eg_put(w, " ");
		at = eg_value_int(eg_value_get(u, "end"), at);
		eg_put(w, "<i title=\"share %s, adds %s, without it %s less\" style=\"background:", number_of(part, share),
		        number_of(adds, eg_value_number(eg_value_get(u, "adds"), 0)),
		        number_of(gone, eg_value_number(eg_value_get(u, "occlusion"), 0)));
		put_colour(w, most > 0 ? share / most : 0);
		eg_put(w, "\">");
		status = put_text(w, eg_value_text(text), eg_value_text_size(text), err);
		eg_put(w, "</i>");
	}
	return status;
}

static void put_line(eg_writer *w, const eg_value *one) {
	const eg_value *of = eg_value_get(one, "why_of");
	const char *truth = eg_value_text(eg_value_get(one, "truth"));
	char odds[32], empty[32], error[32];
	const char *class = eg_value_text(eg_value_get(of, "class")), *against = eg_value_text(eg_value_get(of, "against"));
	eg_put(w, "<small>");
	if (of) {
		eg_put_escaped(w, class ? class : "");
		eg_put(w, ", not ");
		eg_put_escaped(w, against ? against : "");
		eg_put(w, ": log odds %s, of an empty text %s, the words add the rest (to %s)",
		        number_of(odds, eg_value_number(eg_value_get(of, "log_odds"), (double)NAN)),
		        number_of(empty, eg_value_number(eg_value_get(of, "empty"), (double)NAN)),
		        eg_number(eg_value_number(eg_value_get(of, "error"), (double)NAN), error));
	} else
		eg_put(w, "an empty text");
	if (truth) {
		eg_put(w, "; it is labelled ");
		eg_put_escaped(w, truth);
	}
	eg_put(w, "</small>");
}

eg_status eg_why_page(const char *path, const char *title, const eg_value *texts, eg_error *err) {
	eg_writer *w = eg_writer_new(NULL, path, err);
	eg_status status = EG_OK;
	if (!w) return err ? err->status : EG_ERR_IO;
	eg_put(w, "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n<meta charset=\"utf-8\"/>\n<title>");
	eg_put_escaped(w, title);
	eg_put(w, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<h1>", style);
	eg_put_escaped(w, title);
	eg_put(w, "</h1>\n<p>Which words the answers come from: <i style=\"background:");
	put_colour(w, 1);
	eg_put(w, "\">\xC2\xA0" "for\xC2\xA0</i> the class that was answered, <i style=\"background:");
	put_colour(w, -1);
	eg_put(w, "\">\xC2\xA0" "against\xC2\xA0</i> it, the next likely one being the other; by integrated gradients.</p>\n");
	for (const eg_value *one = eg_value_first(texts); one && !status; one = eg_value_next(one)) {
		eg_put(w, "<div>");
		put_line(w, one);
		status = put_units(w, eg_value_get(one, "why"), err);
		eg_put(w, "</div>\n");
	}
	eg_put(w, "</body>\n</html>\n");
	if (!status) return eg_writer_commit(w, err);
	eg_writer_abort(w);
	return status;
}
