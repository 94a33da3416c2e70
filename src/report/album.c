/* album.c - a page with pictures that are PNG files beside it: see album.h. Not here: how numbers become pixels
 * (panel.c), what is shown (picture_page.c, rebuilt_page.c). */
#include "report/album.h"

#include "report/survey.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char style[] =
	":root{color-scheme:light dark}\n"
	"body{font:15px/1.5 system-ui,sans-serif;margin:1.5em auto;max-width:78em;padding:0 1em}\n"
	"h1{font-size:1.5em;margin:.2em 0;overflow-wrap:anywhere}h2{font-size:1.15em;margin:1.6em 0 .2em}p{margin:.3em 0;max-width:56em}\n"
	"main{display:flex;flex-wrap:wrap;gap:1em}figure{margin:.6em 0;max-width:100%}figcaption{font-size:.85em;opacity:.8;max-width:26em}\n"
	"img{display:block;image-rendering:pixelated;max-width:100%;height:auto}.wide figcaption{max-width:60em}\n"
	"svg{max-width:100%;height:auto}b.f{color:#2a6fe0}b.a{color:#e06000}\n"
	".even{display:grid;gap:0 1em}.row figure{width:fit-content}.row figcaption{display:flex;width:0;min-width:100%;max-width:none}\n"
	".row span{flex:1 1 0;min-width:0;overflow-wrap:anywhere}\n";

eg_status eg_album_no_memory(const eg_album *a) { return eg_fail(a->err, EG_ERR_MEMORY, "out of memory for a page"); }

const char *eg_album_number(double v, char buf[32]) {
	if (v == 0 || !isfinite(v)) return eg_number(v, buf);
	const double unit = pow(10, floor(log10(fabs(v))) - 3);
	return eg_number(round(v / unit) * unit, buf);
}

const char *eg_album_share(double p, char buf[32]) {
	if (p > 0 && p < 0.001) return strcpy(buf, "&lt; 0.1");
	if (p < 1 && p > 0.999) return strcpy(buf, "&gt; 99.9");
	return eg_number(round(p * 1000) / 10, buf);
}

eg_status eg_album_png(eg_album *a, const char *name, const eg_pane *panel) {
	char *path = eg_arena_printf(a->paths, "%s/%s.png", a->folder, name);
	if (!path) return eg_album_no_memory(a);
	for (char *c = path + strlen(a->folder) + 1; *c; c++)
		if (*c == '/' || *c == '\\') *c = '_';
	eg_status status = eg_picture_save_png(path, 3, panel->H, panel->W, panel->rgb, a->err);
	if (!status && a->nfiles < a->most) a->files[a->nfiles++] = path;
	return status;
}

eg_status eg_album_figure(eg_album *a, const char *name, const eg_pane *panel, bool drawn) {
	void *png;
	size_t size;
	eg_status status = drawn ? EG_OK : eg_album_no_memory(a);
	if (!status && name) status = eg_album_png(a, name, panel);
	if (!status) status = eg_png_encode(3, panel->H, panel->W, panel->rgb, &png, &size, a->err);
	if (!status) {
		eg_put(a->out, "<figure><img width=\"%d\" height=\"%d\" alt=\"", panel->W, panel->H);
		eg_put_escaped(a->out, name ? name : "");
		eg_put(a->out, "\" src=\"data:image/png;base64,");
		eg_put_base64(a->out, png, size);
		eg_put(a->out, "\"/><figcaption>");
		free(png);
	}
	eg_arena_reset(&a->arena);
	return status;
}

void eg_album_end_figure(eg_album *a) { eg_put(a->out, "</figcaption></figure>\n"); }

void eg_album_head(eg_album *a, const char *title) { eg_put(a->out, "<h2>%s</h2>\n", title); }

eg_status eg_album_begin(eg_album *a, const char *name, const char *title, const char *more) {
	const char *path = eg_arena_printf(a->paths, "%s/%s.html", a->folder, name);
	if (!path) return eg_album_no_memory(a);
	a->out = eg_writer_new(NULL, path, a->err);
	if (!a->out) return a->err->status;
	if (a->nfiles < a->most) a->files[a->nfiles++] = path;
	eg_put(a->out, "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<title>");
	eg_put_escaped(a->out, title);
	eg_put(a->out, "</title>\n<style>\n");
	eg_writer_put(a->out, style, sizeof style - 1);
	eg_put(a->out, "</style>\n</head>\n<body>\n<h1>");
	eg_put_escaped(a->out, title);
	if (more) eg_put(a->out, ": "), eg_put_escaped(a->out, more);
	eg_put(a->out, "</h1>\n");
	return EG_OK;
}

eg_status eg_album_finish(eg_album *a, eg_status status) {
	if (a->out) eg_put(a->out, "</body>\n</html>\n");
	if (a->out && status) eg_writer_abort(a->out);
	if (a->out && !status) status = eg_writer_commit(a->out, a->err);
	a->out = NULL;
	eg_arena_free(&a->arena);
	if (status) a->nfiles = 0;
	return status;
}
