/* picture_page.c - why a network says so of a picture, as a page and as PNG files (eg_picture_why_save). The page is
 * HTML that is XML as well, with everything in it; it is light or dark as the viewer likes it. Not here: what is shown
 * (picture_why.c), how numbers become pixels (panel.c). */
#include "report/panel.h"
#include "report/picture_why.h"
#include "report/survey.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 224, TILE = 56, GAP = 4, WIDE = 960, CHANNELS = 64, UNIT = 14, CROP = 72 };

static const uint8_t red[3] = {220, 30, 60};

static const char style[] =
	":root{color-scheme:light dark}\n"
	"body{font:15px/1.5 system-ui,sans-serif;margin:1.5em auto;max-width:78em;padding:0 1em}\n"
	"h1{font-size:1.5em;margin:.2em 0;overflow-wrap:anywhere}h2{font-size:1.15em;margin:1.6em 0 .2em}p{margin:.3em 0;max-width:56em}\n"
	"main{display:flex;flex-wrap:wrap;gap:1em}figure{margin:.6em 0;max-width:100%}figcaption{font-size:.85em;opacity:.8;max-width:26em}\n"
	"img{display:block;image-rendering:pixelated;max-width:100%;height:auto}.wide figcaption{max-width:60em}\n"
	"b.f{color:#2a6fe0}b.a{color:#e06000}\n";

typedef struct page {
	eg_picture_why *w;
	eg_writer *out;
	const char *folder;
	int scale;
	eg_arena arena; /* of the panel at hand */
	eg_error *err;
} page;

/* ---- pieces ------------------------------------------------------------------------------------------------------ */

static eg_status no_memory(const page *p) { return eg_fail(p->err, EG_ERR_MEMORY, "out of memory for a page"); }

static const char *short_number(double v, char buf[32]) {
	if (v == 0 || !isfinite(v)) return eg_number(v, buf);
	const double unit = pow(10, floor(log10(fabs(v))) - 3);
	return eg_number(round(v / unit) * unit, buf);
}

/* In hundredths: nothing that is not certain is called so. */
static const char *short_share(double p, char buf[32]) {
	if (p > 0 && p < 0.001) return strcpy(buf, "&lt; 0.1");
	if (p < 1 && p > 0.999) return strcpy(buf, "&gt; 99.9");
	return eg_number(round(p * 1000) / 10, buf);
}

/* "FOLDER/NAME.png", noted as written. */
static eg_status save_png(page *p, const char *name, const eg_pane *panel) {
	eg_picture_why *w = p->w;
	char *path = eg_arena_printf(&w->asked, "%s/%s.png", p->folder, name);
	if (!path) return no_memory(p);
	for (char *c = path + strlen(p->folder) + 1; *c; c++)
		if (*c == '/' || *c == '\\') *c = '_';
	eg_status status = eg_picture_save_png(path, 3, panel->H, panel->W, panel->rgb, p->err);
	if (!status && w->nfiles < EG_WHY_FILES) w->files[w->nfiles++] = path;
	return status;
}

/* A figure of the page, and, with a name, a file; its caption follows. Gives back the panel's memory. */
static eg_status begin_figure(page *p, const char *name, const eg_pane *panel, bool drawn) {
	void *png;
	size_t size;
	eg_status status = drawn ? EG_OK : no_memory(p);
	if (!status && name) status = save_png(p, name, panel);
	if (!status) status = eg_png_encode(3, panel->H, panel->W, panel->rgb, &png, &size, p->err);
	if (!status) {
		eg_put(p->out, "<figure><img width=\"%d\" height=\"%d\" alt=\"", panel->W, panel->H);
		eg_put_escaped(p->out, name ? name : "");
		eg_put(p->out, "\" src=\"data:image/png;base64,");
		eg_put_base64(p->out, png, size);
		eg_put(p->out, "\"/><figcaption>");
		free(png);
	}
	eg_arena_reset(&p->arena);
	return status;
}

static void end_figure(page *p) { eg_put(p->out, "</figcaption></figure>\n"); }

static void head(page *p, const char *title) { eg_put(p->out, "<h2>%s</h2>\n", title); }

static void put_class(page *p, int k) {
	char buf[32];
	eg_put_escaped(p->out, eg_why_class(p->w, k, buf));
}

/* ---- the picture and the maps over it ---------------------------------------------------------------------------- */

static void put_answer(page *p) {
	const eg_picture_why *w = p->w;
	const eg_value *facts = w->facts, *pixel = eg_value_get(eg_value_get(facts, "of"), "pixel");
	char a[32];
	eg_put(p->out, "<p>The network says: ");
	for (const eg_value *v = eg_value_first(eg_value_get(facts, "answers")); v; v = eg_value_next(v)) {
		const eg_value *share = eg_value_get(v, "probability");
		eg_put_escaped(p->out, eg_text_of(v, share ? "class" : "number"));
		if (share)
			eg_put(p->out, " %s %%", short_share(eg_value_number(share, 0), a));
		else
			eg_put(p->out, " is %s", short_number(eg_number_of(v, "value"), a));
		eg_put(p->out, "%s", eg_value_next(v) ? ", " : ".");
	}
	if (w->truth >= 0) eg_put(p->out, " The data says: "), put_class(p, w->truth), eg_put(p->out, ".");
	if (!isnan(w->true_number)) eg_put(p->out, " The data says: %s.", short_number(w->true_number, a));
	eg_put(p->out, "</p>\n<p>Explained is <b>");
	put_class(p, w->k);
	eg_put(p->out, "</b>");
	if (pixel) eg_put(p->out, " at row %d, column %d", w->pixel[0], w->pixel[1]);
	eg_put(p->out, ", of which the network puts out %s%s. <b class=\"f\">Blue</b> speaks for it, "
		"<b class=\"a\">orange</b> against it.</p>\n", short_number(w->value, a),
		eg_value_get(eg_value_get(facts, "of"), "class") ? " (a logit, before any softmax)" : "");
	if (w->note[0]) eg_put(p->out, "<p>Note: "), eg_put_escaped(p->out, w->note), eg_put(p->out, "</p>\n");
}

static bool draw_map(page *p, eg_arena *arena, const char *name, eg_pane *panel) {
	int H, W;
	const eg_picture_why *w = p->w;
	const eg_real *map = eg_picture_why_map(w, name, &H, &W);
	if (!map) return false;
	const bool size = !strcmp(name, "saliency") || !strcmp(name, "unit");
	return eg_pane_map(arena, map, H, W, size ? EG_PANE_SIZE : EG_PANE_FOR, 0, size ? NULL : w->pixels, w->shape[0], p->scale, panel);
}

/* In the picture whose pixel is explained that is marked. */
static bool draw_picture(page *p, eg_arena *arena, eg_pane *panel) {
	const eg_picture_why *w = p->w;
	if (!eg_pane_picture(arena, w->pixels, w->shape, p->scale, panel)) return false;
	if (w->logits_H * w->logits_W > 1) eg_pane_frame(panel, p->scale, (const int[]){w->pixel[0] - 1, w->pixel[1] - 1, 3, 3}, red);
	return true;
}

static eg_status put_integrated(page *p) {
	const eg_picture_why *w = p->w;
	char a[32], b[32], c[32], d[32];
	eg_pane panel = {0};
	eg_status status = begin_figure(p, "integrated-gradients", &panel, draw_map(p, &p->arena, "integrated-gradients", &panel));
	if (status) return status;
	eg_put(p->out, "Integrated gradients from %s: the pixels add %s, which takes it from %s to %s", w->baseline,
		short_number(w->integrated.sum, a), short_number(w->integrated.baseline_output, b), short_number(w->value, c));
	eg_put(p->out, "; what is missing is %s (%d steps).", short_number(w->integrated.error, d), w->integrated.steps);
	end_figure(p);
	return EG_OK;
}

static eg_status put_map(page *p, const char *name, const char *caption) {
	eg_pane panel = {0};
	int H, W;
	if (!eg_picture_why_map(p->w, name, &H, &W)) return EG_OK;
	eg_status status = begin_figure(p, name, &panel, draw_map(p, &p->arena, name, &panel));
	if (status) return status;
	eg_put_escaped(p->out, caption);
	end_figure(p);
	return EG_OK;
}

static eg_status put_maps(page *p) {
	const eg_picture_why *w = p->w;
	char text[300];
	eg_pane panel = {0};
	eg_put(p->out, "<main>\n");
	eg_status status = begin_figure(p, "picture", &panel, draw_picture(p, &p->arena, &panel));
	if (status) return status;
	eg_put(p->out, "The picture as the network gets it: %d x %d x %d.", w->shape[0], w->shape[1], w->shape[2]);
	end_figure(p);
	status = put_map(p, "saliency", "Saliency: how much it changes with each pixel, whichever way (the gradient's size).");
	if (!status) status = put_integrated(p);
	const eg_value *window = eg_value_get(w->facts, "occlusion");
	snprintf(text, sizeof text, "Occlusion: by how much it falls where a window of %lld x %lld pixels, every %lld, is made %s.",
		(long long)eg_int_of(window, "window"), (long long)eg_int_of(window, "window"), (long long)eg_int_of(window, "stride"), w->baseline);
	if (!status) status = put_map(p, "occlusion", text);
	if (w->cam >= 0)
		snprintf(text, sizeof text, "Grad-CAM at layer %.60s (%d x %d positions): where its channels speak for it.", w->layers[w->cam].name,
			w->layers[w->cam].H, w->layers[w->cam].W);
	if (!status) status = put_map(p, "grad-cam", text);
	eg_put(p->out, "</main>\n");
	return status;
}

/* ---- a unit ------------------------------------------------------------------------------------------------------ */

static eg_status put_unit(page *p) {
	const eg_picture_why *w = p->w;
	if (w->cam < 0) return EG_OK;
	const eg_shown_layer *l = &w->layers[w->cam];
	char a[32];
	int window[4];
	const bool known = eg_why_window(w, l, w->chosen[1], w->chosen[2], w->shape, window);
	eg_pane panel = {0};
	head(p, "What one unit sees");
	eg_put(p->out, "<main>\n");
	bool drawn = eg_pane_picture(&p->arena, w->pixels, w->shape, p->scale, &panel);
	if (drawn && known) eg_pane_frame(&panel, p->scale, window, red);
	eg_status status = begin_figure(p, "receptive-field", &panel, drawn);
	if (status) return status;
	eg_put(p->out, "Layer ");
	eg_put_escaped(p->out, l->name);
	eg_put(p->out, ", channel %d, row %d, column %d, which is %s. ", w->chosen[0], w->chosen[1], w->chosen[2], short_number(w->unit_value, a));
	if (known)
		eg_put(p->out, "It can see rows %d to %d and columns %d to %d.", window[0], window[0] + window[2] - 1, window[1], window[1] + window[3] - 1);
	else
		eg_put(p->out, "Where it looks is not told: something before it adds, repeats or moves rows and columns.");
	end_figure(p);
	drawn = draw_map(p, &p->arena, "unit", &panel);
	if (drawn && known) eg_pane_frame(&panel, p->scale, window, red);
	status = begin_figure(p, "unit", &panel, drawn);
	if (status) return status;
	eg_put(p->out, "How much it changes with each pixel of this picture: what it really looks at.");
	end_figure(p);
	eg_put(p->out, "</main>\n");
	return EG_OK;
}

/* ---- pictures of the data ---------------------------------------------------------------------------------------- */

static bool draw_liked(page *p, const eg_liked *l, bool patch, eg_pane *panel) {
	const eg_picture_why *w = p->w;
	int window[4] = {0, 0, l->shape[1], l->shape[2]};
	if (patch && !eg_why_window(w, &w->layers[w->cam], l->row, l->column, l->shape, window))
		memcpy(window, (const int[]){0, 0, l->shape[1], l->shape[2]}, sizeof window);
	return eg_pane_part(&p->arena, l->pixels, l->shape, window, eg_pane_scale(window[2], window[3], CROP), panel);
}

static eg_status put_row(page *p, const char *name, const eg_liked *list, int n, bool patch) {
	eg_pane panels[EG_LIKED + EG_NEAREST] = {{0}}, all = {0};
	bool drawn = true;
	for (int i = 0; i < n && drawn; i++) drawn = draw_liked(p, &list[i], patch, &panels[i]);
	drawn = drawn && eg_pane_grid(&p->arena, panels, n, n, GAP, &all);
	return begin_figure(p, name, &all, drawn);
}

static eg_status put_likes(page *p) {
	const eg_picture_why *w = p->w;
	char a[32], b[32], c[32], name[40];
	eg_status status = EG_OK;
	if (w->nlikes == 0 || w->looked == 0) return EG_OK;
	head(p, "What its channels like best");
	eg_put(p->out, "<p>Of %d training pictures, those parts that the channels of layer ", w->looked);
	eg_put_escaped(p->out, w->layers[w->cam].name);
	eg_put(p->out, " answer to most which add most to what is explained.</p>\n<main class=\"wide\">\n");
	for (int i = 0; i < w->nlikes && !status; i++) {
		const eg_like *l = &w->likes[i];
		snprintf(name, sizeof name, "likes-%d", l->channel);
		status = put_row(p, name, l->best, l->n, true);
		if (status) break;
		eg_put(p->out, "Channel %d, which adds %s; here it is at most ", l->channel, short_number(l->weight, a));
		double most = -INFINITY;
		const eg_shown_layer *cam = &w->layers[w->cam];
		const ptrdiff_t places = (ptrdiff_t)cam->H * cam->W;
		for (ptrdiff_t k = 0; k < places; k++) most = fmax(most, (double)cam->values[l->channel * places + k]);
		eg_put(p->out, "%s, there %s to %s.", short_number(most, a), short_number(l->best[l->n - 1].value, b), short_number(l->best[0].value, c));
		end_figure(p);
	}
	eg_put(p->out, "</main>\n");
	return status;
}

static eg_status put_nearest(page *p) {
	const eg_picture_why *w = p->w;
	char a[32];
	if (w->nnearest == 0) return EG_OK;
	head(p, "The nearest training pictures");
	eg_put(p->out, "<p>Of %d, by the angle between %s.</p>\n<div class=\"wide\">\n", w->looked,
		w->features ? "what the last layer of weights reads" : "the means of the layer for Grad-CAM");
	eg_status status = put_row(p, "nearest", w->nearest, w->nnearest, false);
	if (status) return status;
	for (int i = 0; i < w->nnearest; i++) {
		if (w->nearest[i].label >= 0) put_class(p, w->nearest[i].label), eg_put(p->out, " ");
		eg_put(p->out, "%s%s", eg_number(round(w->nearest[i].value * 1000) / 1000, a), i + 1 < w->nnearest ? ", " : "");
	}
	end_figure(p);
	eg_put(p->out, "</div>\n");
	return EG_OK;
}

/* ---- filters and feature maps ------------------------------------------------------------------------------------ */

/* A filter of three channels as a colour picture: grey is 0. */
static bool draw_filter(page *p, const eg_real *f, eg_dims d, double most, eg_pane *panel) {
	const int H = (int)d.d[2], W = (int)d.d[3], scale = eg_pane_scale(H, W, TILE);
	const size_t n = (size_t)H * (size_t)W;
	if (d.d[1] != 3) return eg_pane_map(&p->arena, f, H, W, EG_PANE_SIGNED, most, NULL, 1, scale, panel);
	uint8_t *pixels = eg_arena_alloc(&p->arena, 3 * n);
	if (!pixels) return false;
	for (size_t i = 0; i < 3 * n; i++) pixels[i] = (uint8_t)lround(127.5 + 127.5 * fmin(fmax((double)f[i] / most, -1), 1));
	return eg_pane_picture(&p->arena, pixels, (const int[]){3, H, W}, scale, panel);
}

static eg_status put_filters(page *p) {
	const eg_picture_why *w = p->w;
	char name[160], a[32];
	eg_pane panels[CHANNELS] = {{0}}, all = {0};
	snprintf(name, sizeof name, "%.140s.weight", w->filters ? w->filters : "");
	const int at = w->filters ? eg_params_find(w->p, name) : -1;
	const eg_dims d = at >= 0 ? eg_params_dims(w->p, at) : (eg_dims){0};
	if (d.rank != 4 || (d.d[1] != 1 && d.d[1] != 3)) return EG_OK;
	const int n = d.d[0] < CHANNELS ? (int)d.d[0] : CHANNELS;
	const ptrdiff_t each = (ptrdiff_t)(d.d[1] * d.d[2] * d.d[3]);
	const eg_real *f = eg_params_data(w->p, at);
	double most = 0;
	bool drawn = true;
	for (ptrdiff_t i = 0; i < n * each; i++) most = fmax(most, fabs((double)f[i]));
	if (!(most > 0)) most = 1;
	for (int k = 0; k < n && drawn; k++) drawn = draw_filter(p, f + k * each, d, most, &panels[k]);
	drawn = drawn && eg_pane_grid(&p->arena, panels, n, WIDE / (panels[0].W + GAP), GAP, &all);
	head(p, "Filters of the first layer");
	eg_put(p->out, "<div class=\"wide\">\n");
	eg_status status = begin_figure(p, "filters", &all, drawn);
	if (status) return status;
	eg_put(p->out, "%d of %d filters of layer ", n, (int)d.d[0]);
	eg_put_escaped(p->out, w->filters);
	eg_put(p->out, ", %d x %d; %s, to &#177; %s.", (int)d.d[2], (int)d.d[3], d.d[1] == 3 ? "as colours, grey is 0" : "red above, blue below 0",
		short_number(most, a));
	end_figure(p);
	eg_put(p->out, "</div>\n");
	return EG_OK;
}

static bool draw_layer(page *p, const eg_shown_layer *l, bool sign, double most, eg_pane *all) {
	const ptrdiff_t places = (ptrdiff_t)l->H * l->W;
	const eg_pane_colours colours = sign ? EG_PANE_SIGNED : EG_PANE_SIZE;
	const int n = l->C < CHANNELS ? l->C : CHANNELS, scale = eg_pane_scale(l->H, l->W, TILE);
	eg_pane panels[CHANNELS] = {{0}};
	if (places == 1) { /* rows of units, 64 in each */
		const int rows = (l->C + CHANNELS - 1) / CHANNELS;
		eg_pane *units = eg_arena_alloc(&p->arena, (size_t)l->C * sizeof *units);
		bool drawn = units && rows > 0;
		for (int c = 0; c < l->C && drawn; c++)
			drawn = eg_pane_map(&p->arena, &l->values[c], 1, 1, colours, most, NULL, 1, UNIT, &units[c]);
		return drawn && eg_pane_grid(&p->arena, units, l->C, CHANNELS, 1, all);
	}
	for (int c = 0; c < n; c++)
		if (!eg_pane_map(&p->arena, l->values + c * places, l->H, l->W, colours, most, NULL, 1, scale, &panels[c])) return false;
	return eg_pane_grid(&p->arena, panels, n, WIDE / (l->W * scale + GAP) > 0 ? WIDE / (l->W * scale + GAP) : 1, GAP, all);
}

static eg_status put_layer(page *p, const eg_shown_layer *l) {
	const size_t n = (size_t)l->C * (size_t)l->H * (size_t)l->W;
	char name[160], a[32], b[32];
	double least = 0, most = 0;
	eg_pane all = {0};
	for (size_t i = 0; i < n; i++) least = fmin(least, (double)l->values[i]), most = fmax(most, fabs((double)l->values[i]));
	snprintf(name, sizeof name, "layer-%.140s", l->name);
	eg_status status = begin_figure(p, name, &all, draw_layer(p, l, least < 0, most, &all));
	if (status) return status;
	eg_put(p->out, "<b>");
	eg_put_escaped(p->out, l->name);
	eg_put(p->out, "</b> (%s), %d x %d x %d%s: %s %s", l->operator_, l->C, l->H, l->W,
		l->C > CHANNELS && l->H * l->W > 1 ? ", the first 64 channels" : "", least < 0 ? "blue to red is \xC2\xB1" : "dark to bright is 0 to",
		short_number(most, a));
	if (l->field.known && l->field.all)
		eg_put(p->out, "; each number sees all of the picture");
	else if (l->field.known)
		eg_put(p->out, "; each number sees %lld x %lld pixels, neighbours lie %s apart", (long long)l->field.size[0],
			(long long)l->field.size[1], short_number(l->field.jump[0], b));
	eg_put(p->out, ".");
	end_figure(p);
	return EG_OK;
}

static eg_status put_layers(page *p) {
	const eg_picture_why *w = p->w;
	eg_status status = EG_OK;
	if (w->nlayers == 0) return EG_OK;
	head(p, "What the layers make of it");
	eg_put(p->out, "<p>A layer with its normalisation and activation is shown once, behind them.</p>\n<main class=\"wide\">\n");
	for (int i = 0; i < w->nlayers && !status; i++) status = put_layer(p, &w->layers[i]);
	eg_put(p->out, "</main>\n");
	return status;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

/* why.png: the picture and the maps, side by side. */
static eg_status save_overview(page *p) {
	static const char *const names[] = {"saliency", "integrated-gradients", "occlusion", "grad-cam"};
	eg_pane panels[1 + EG_COUNT(names)] = {{0}}, all = {0};
	int n = 0, H, W;
	bool drawn = draw_picture(p, &p->arena, &panels[n++]);
	for (int i = 0; i < EG_COUNT(names) && drawn; i++)
		if (eg_picture_why_map(p->w, names[i], &H, &W)) drawn = draw_map(p, &p->arena, names[i], &panels[n++]);
	drawn = drawn && eg_pane_grid(&p->arena, panels, n, n, 2 * GAP, &all);
	eg_status status = drawn ? save_png(p, "why", &all) : no_memory(p);
	eg_arena_reset(&p->arena);
	return status;
}

static eg_status put_page(page *p) {
	eg_picture_why *w = p->w;
	const char *title = eg_recipe_name(eg_model_recipe(w->model));
	eg_put(p->out, "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<title>");
	eg_put_escaped(p->out, title);
	eg_put(p->out, "</title>\n<style>\n");
	eg_writer_put(p->out, style, sizeof style - 1);
	eg_put(p->out, "</style>\n</head>\n<body>\n<h1>");
	eg_put_escaped(p->out, title);
	eg_put(p->out, ": ");
	eg_put_escaped(p->out, w->name);
	eg_put(p->out, "</h1>\n");
	put_answer(p);
	eg_status status = put_maps(p);
	if (!status) status = put_unit(p);
	if (!status) status = put_likes(p);
	if (!status) status = put_nearest(p);
	if (!status) status = put_filters(p);
	if (!status) status = put_layers(p);
	eg_put(p->out, "</body>\n</html>\n");
	return status;
}

eg_status eg_picture_why_save(eg_picture_why *w, const char *folder, eg_error *err) {
	eg_error own = {0};
	if (!err) err = &own;
	if (!w->facts) return eg_fail(err, EG_ERR_ARG, "there is nothing to save: no picture has been explained");
	page p = {.w = w, .folder = folder, .scale = eg_pane_scale(w->shape[1], w->shape[2], SIDE), .err = err};
	w->nfiles = 0;
	const char *path = eg_arena_printf(&w->asked, "%s/why.html", folder);
	if (!path) return no_memory(&p);
	p.out = eg_writer_new(NULL, path, err);
	if (!p.out) return err->status;
	w->files[w->nfiles++] = path;
	eg_status status = save_overview(&p);
	if (!status) status = put_page(&p);
	if (status)
		eg_writer_abort(p.out);
	else
		status = eg_writer_commit(p.out, err);
	eg_arena_free(&p.arena);
	if (status) w->nfiles = 0;
	return status;
}

const char *eg_picture_why_file(const eg_picture_why *w, int k) { return k >= 0 && k < w->nfiles ? w->files[k] : NULL; }
