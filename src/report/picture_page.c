/* picture_page.c - why a network says so of a picture, as a page and as PNG files (eg_picture_why_save). Not here: what
 * is shown (picture_why.c), how numbers become pixels (panel.c), how a page is written (album.c). */
#include "report/album.h"
#include "report/picture_why.h"
#include "report/survey.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 224, TILE = 56, GAP = 4, WIDE = 960, CHANNELS = 64, UNIT = 14, CROP = 72 };

static const uint8_t red[3] = {220, 30, 60};

typedef struct page {
	eg_album a;
	eg_picture_why *w;
	int scale;
} page;

/* ---- pieces ------------------------------------------------------------------------------------------------------ */

static void put_class(page *p, int k) {
	char buf[32];
	eg_put_escaped(p->a.out, eg_why_class(p->w, k, buf));
}

/* Figures of the picture's size, the second of a row below the second of the row before. */
static void begin_even(page *p) {
	enum { CAPTION = 250 }; /* pixels: room for its words */
	const int width = p->w->shape[2] * p->scale;
	eg_put(p->a.out, "<main class=\"even\" style=\"grid-template-columns:repeat(auto-fill,minmax(min(100%%,%dpx),%dpx))\">\n",
		width > CAPTION ? width : CAPTION, width > CAPTION ? width : CAPTION);
}

/* Does something speak for what is explained, as for a class, or does it make a number larger? */
static bool speaks(const page *p) { return p->w->options.beside || eg_value_get(eg_value_get(p->w->facts, "of"), "class"); }

/* ---- the picture and the maps over it ---------------------------------------------------------------------------- */

/* The box that is explained: row, column, height, width, in whole pixels. */
static void box_of(const eg_picture_why *w, int box[4]) {
	const eg_box *b = &w->found.box;
	box[0] = (int)lround(b->y0), box[1] = (int)lround(b->x0);
	box[2] = (int)lround(b->y1) - box[0], box[3] = (int)lround(b->x1) - box[1];
}

static void put_answer(page *p) {
	const eg_picture_why *w = p->w;
	const eg_value *facts = w->facts, *pixel = eg_value_get(eg_value_get(facts, "of"), "pixel");
	char a[32];
	eg_put(p->a.out, "<p>The network says: ");
	for (const eg_value *v = eg_value_first(eg_value_get(facts, "answers")); v; v = eg_value_next(v)) {
		const eg_value *share = eg_value_get(v, "probability");
		eg_put_escaped(p->a.out, eg_text_of(v, share ? "class" : "number"));
		if (share)
			eg_put(p->a.out, " %s %%", eg_album_share(eg_value_number(share, 0), a));
		else
			eg_put(p->a.out, " is %s", eg_album_number(eg_number_of(v, "value"), a));
		eg_put(p->a.out, "%s", eg_value_next(v) ? ", " : ".");
	}
	if (w->truth >= 0) eg_put(p->a.out, " The data says: "), put_class(p, w->truth), eg_put(p->a.out, ".");
	if (!isnan(w->true_number)) eg_put(p->a.out, " The data says: %s.", eg_album_number(w->true_number, a));
	eg_put(p->a.out, "</p>\n<p>Explained is <b>");
	eg_put_escaped(p->a.out, eg_why_answer(w, w->k, a));
	eg_put(p->a.out, "</b>");
	if (w->options.beside_path) eg_put(p->a.out, " to "), eg_put_escaped(p->a.out, w->options.beside_path);
	if (w->boxed) {
		int box[4];
		box_of(w, box);
		eg_put(p->a.out, ", the box of %d x %d pixels from row %d, column %d (score %s %%), by its cell's middle", box[2], box[3], box[0],
			box[1], eg_album_share(w->found.score, a));
	}
	if (pixel) eg_put(p->a.out, " at row %d, column %d", w->pixel[0], w->pixel[1]);
	eg_put(p->a.out, ", of which the network puts out %s%s. <b class=\"f\">Blue</b> %s, <b class=\"a\">orange</b> %s.</p>\n",
		eg_album_number(w->value, a), eg_value_get(eg_value_get(facts, "of"), "class") ? " (a logit, before any softmax)" : "",
		speaks(p) ? "speaks for it" : "makes it larger", speaks(p) ? "against it" : "smaller");
	if (w->note[0]) eg_put(p->a.out, "<p>Note: "), eg_put_escaped(p->a.out, w->note), eg_put(p->a.out, "</p>\n");
}

static bool draw_map(page *p, eg_arena *arena, const char *name, eg_pane *panel) {
	int H, W;
	const eg_picture_why *w = p->w;
	const eg_real *map = eg_picture_why_map(w, name, &H, &W);
	if (!map) return false;
	const bool size = !strcmp(name, "saliency") || !strcmp(name, "unit");
	return eg_pane_map(arena, map, H, W, size ? EG_PANE_SIZE : EG_PANE_FOR, 0, size ? NULL : w->pixels, w->shape[0], p->scale, panel);
}

/* In the picture whose pixel or box is explained that is marked. */
static bool draw_picture(page *p, eg_arena *arena, eg_pane *panel) {
	const eg_picture_why *w = p->w;
	if (!eg_pane_picture(arena, w->pixels, w->shape, p->scale, panel)) return false;
	if (w->boxed) {
		int box[4];
		box_of(w, box);
		eg_pane_frame(panel, p->scale, box, red);
	}
	if (w->logits_H * w->logits_W > 1) eg_pane_frame(panel, p->scale, (const int[]){w->pixel[0] - 1, w->pixel[1] - 1, 3, 3}, red);
	return true;
}

static eg_status put_integrated(page *p) {
	const eg_picture_why *w = p->w;
	char a[32], b[32], c[32], d[32];
	eg_pane panel = {0};
	eg_status status = eg_album_figure(&p->a, "integrated-gradients", &panel, draw_map(p, &p->a.arena, "integrated-gradients", &panel));
	if (status) return status;
	eg_put(p->a.out, "Integrated gradients from %s: the pixels add %s, which takes it from %s to %s", eg_why_ground(w),
		eg_album_number(w->integrated.sum, a), eg_album_number(w->integrated.baseline_output, b), eg_album_number(w->value, c));
	eg_put(p->a.out, "; what is missing is %s (%d steps).", eg_album_number(w->integrated.error, d), w->integrated.steps);
	eg_album_end_figure(&p->a);
	return EG_OK;
}

static eg_status put_map(page *p, const char *name, const char *caption) {
	eg_pane panel = {0};
	int H, W;
	if (!eg_picture_why_map(p->w, name, &H, &W)) return EG_OK;
	eg_status status = eg_album_figure(&p->a, name, &panel, draw_map(p, &p->a.arena, name, &panel));
	if (status) return status;
	eg_put_escaped(p->a.out, caption);
	eg_album_end_figure(&p->a);
	return EG_OK;
}

/* What this one is to be like. */
static eg_status put_beside(page *p) {
	const eg_picture_why *w = p->w;
	eg_record r = {0};
	eg_pane panel = {0};
	const uint8_t *pixels;
	int shape[3];
	if (!w->options.beside_path) return EG_OK;
	eg_status status = eg_why_beside(w, &r, &pixels, shape, p->a.err);
	if (!status)
		status = eg_album_figure(&p->a, "beside", &panel, eg_pane_picture(&p->a.arena, pixels, shape, eg_pane_scale(shape[1], shape[2], SIDE), &panel));
	eg_record_free(&r);
	if (status) return status;
	eg_put(p->a.out, "What it is compared with: ");
	eg_put_escaped(p->a.out, w->options.beside_path);
	eg_album_end_figure(&p->a);
	return EG_OK;
}

static eg_status put_maps(page *p) {
	const eg_picture_why *w = p->w;
	char text[300];
	eg_pane panel = {0};
	begin_even(p);
	eg_status status = eg_album_figure(&p->a, "picture", &panel, draw_picture(p, &p->a.arena, &panel));
	if (status) return status;
	eg_put(p->a.out, "The picture as the network gets it: %d x %d x %d.", w->shape[0], w->shape[1], w->shape[2]);
	eg_album_end_figure(&p->a);
	status = put_beside(p);
	if (!status) status = put_map(p, "saliency", "Saliency: how much it changes with each pixel, whichever way (the gradient's size).");
	if (!status) status = put_integrated(p);
	const eg_value *window = eg_value_get(w->facts, "occlusion");
	snprintf(text, sizeof text, "Occlusion: by how much it falls where a window of %lld x %lld pixels, every %lld, is covered with %s.",
		(long long)eg_int_of(window, "window"), (long long)eg_int_of(window, "window"), (long long)eg_int_of(window, "stride"), eg_why_ground(w));
	if (!status) status = put_map(p, "occlusion", text);
	if (w->cam >= 0)
		snprintf(text, sizeof text, "Grad-CAM at layer %.60s (%d x %d positions): where its channels %s.", w->layers[w->cam].name,
			w->layers[w->cam].H, w->layers[w->cam].W,
			speaks(p) ? "speak for it" : "make it larger; what makes it smaller is left out");
	if (!status) status = put_map(p, "grad-cam", text);
	eg_put(p->a.out, "</main>\n");
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
	eg_album_head(&p->a, "What one unit sees");
	begin_even(p);
	bool drawn = eg_pane_picture(&p->a.arena, w->pixels, w->shape, p->scale, &panel);
	if (drawn && known) eg_pane_frame(&panel, p->scale, window, red);
	eg_status status = eg_album_figure(&p->a, "receptive-field", &panel, drawn);
	if (status) return status;
	eg_put(p->a.out, "Layer ");
	eg_put_escaped(p->a.out, l->name);
	eg_put(p->a.out, ", channel %d, row %d, column %d, which is %s. ", w->chosen[0], w->chosen[1], w->chosen[2], eg_album_number(w->unit_value, a));
	if (known)
		eg_put(p->a.out, "It can see rows %d to %d and columns %d to %d.", window[0], window[0] + window[2] - 1, window[1], window[1] + window[3] - 1);
	else
		eg_put(p->a.out, "Where it looks is not told: something before it adds, repeats or moves rows and columns.");
	eg_album_end_figure(&p->a);
	drawn = draw_map(p, &p->a.arena, "unit", &panel);
	if (drawn && known) eg_pane_frame(&panel, p->scale, window, red);
	status = eg_album_figure(&p->a, "unit", &panel, drawn);
	if (status) return status;
	eg_put(p->a.out, "How much it changes with each pixel of this picture: what it really looks at.");
	eg_album_end_figure(&p->a);
	eg_put(p->a.out, "</main>\n");
	return EG_OK;
}

/* ---- pictures of the data ---------------------------------------------------------------------------------------- */

static bool draw_liked(page *p, const eg_liked *l, bool patch, eg_pane *panel) {
	const eg_picture_why *w = p->w;
	int window[4] = {0, 0, l->shape[1], l->shape[2]};
	if (patch && !eg_why_window(w, &w->layers[w->cam], l->row, l->column, l->shape, window))
		memcpy(window, (const int[]){0, 0, l->shape[1], l->shape[2]}, sizeof window);
	return eg_pane_part(&p->a.arena, l->pixels, l->shape, window, eg_pane_scale(window[2], window[3], CROP), panel);
}

static eg_status put_row(page *p, const char *name, const eg_liked *list, int n, bool patch) {
	eg_pane panels[EG_LIKED + EG_NEAREST] = {{0}}, all = {0};
	bool drawn = true;
	for (int i = 0; i < n && drawn; i++) drawn = draw_liked(p, &list[i], patch, &panels[i]);
	drawn = drawn && eg_pane_grid(&p->a.arena, panels, n, n, GAP, &all);
	return eg_album_figure(&p->a, name, &all, drawn);
}

static eg_status put_likes(page *p) {
	const eg_picture_why *w = p->w;
	char a[32], b[32], c[32], name[40];
	eg_status status = EG_OK;
	if (w->nlikes == 0 || w->looked == 0) return EG_OK;
	eg_album_head(&p->a, "What its channels like best");
	eg_put(p->a.out, "<p>Of %d training pictures, those parts that the channels of layer ", w->looked);
	eg_put_escaped(p->a.out, w->layers[w->cam].name);
	eg_put(p->a.out, " answer to most which add most to what is explained.</p>\n<main class=\"wide\">\n");
	for (int i = 0; i < w->nlikes && !status; i++) {
		const eg_like *l = &w->likes[i];
		snprintf(name, sizeof name, "likes-%d", l->channel);
		status = put_row(p, name, l->best, l->n, true);
		if (status) break;
		eg_put(p->a.out, "Channel %d, which adds %s; here it is at most ", l->channel, eg_album_number(l->weight, a));
		double most = -INFINITY;
		const eg_shown_layer *cam = &w->layers[w->cam];
		const ptrdiff_t places = (ptrdiff_t)cam->H * cam->W;
		for (ptrdiff_t k = 0; k < places; k++) most = fmax(most, (double)cam->values[l->channel * places + k]);
		eg_put(p->a.out, "%s, there %s to %s.", eg_album_number(most, a), eg_album_number(l->best[l->n - 1].value, b), eg_album_number(l->best[0].value, c));
		eg_album_end_figure(&p->a);
	}
	eg_put(p->a.out, "</main>\n");
	return status;
}

static eg_status put_nearest(page *p) {
	const eg_picture_why *w = p->w;
	char a[32];
	if (w->nnearest == 0) return EG_OK;
	eg_album_head(&p->a, "The nearest training pictures");
	eg_put(p->a.out, "<p>Of %d, by the cosine of the angle between %s.</p>\n<div class=\"row\">\n", w->looked,
		w->features ? "what the last layer of weights reads" : "the means of the layer for Grad-CAM");
	eg_status status = put_row(p, "nearest", w->nearest, w->nnearest, false);
	if (status) return status;
	for (int i = 0; i < w->nnearest; i++) {
		eg_put(p->a.out, "<span>");
		if (w->nearest[i].label >= 0) put_class(p, w->nearest[i].label), eg_put(p->a.out, "<br/>");
		eg_put(p->a.out, "%s</span>", eg_number(round(w->nearest[i].value * 1000) / 1000, a));
	}
	eg_album_end_figure(&p->a);
	eg_put(p->a.out, "</div>\n");
	return EG_OK;
}

/* ---- filters and feature maps ------------------------------------------------------------------------------------ */

/* A filter of three channels as a colour picture: grey is 0. */
static bool draw_filter(page *p, const eg_real *f, eg_dims d, double most, eg_pane *panel) {
	const int H = (int)d.d[2], W = (int)d.d[3], scale = eg_pane_scale(H, W, TILE);
	const size_t n = (size_t)H * (size_t)W;
	if (d.d[1] != 3) return eg_pane_map(&p->a.arena, f, H, W, EG_PANE_SIGNED, most, NULL, 1, scale, panel);
	uint8_t *pixels = eg_arena_alloc(&p->a.arena, 3 * n);
	if (!pixels) return false;
	for (size_t i = 0; i < 3 * n; i++) pixels[i] = (uint8_t)lround(127.5 + 127.5 * fmin(fmax((double)f[i] / most, -1), 1));
	return eg_pane_picture(&p->a.arena, pixels, (const int[]){3, H, W}, scale, panel);
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
	drawn = drawn && eg_pane_grid(&p->a.arena, panels, n, WIDE / (panels[0].W + GAP), GAP, &all);
	eg_album_head(&p->a, "Filters of the first layer");
	eg_put(p->a.out, "<div class=\"wide\">\n");
	eg_status status = eg_album_figure(&p->a, "filters", &all, drawn);
	if (status) return status;
	eg_put(p->a.out, "%d of %d filters of layer ", n, (int)d.d[0]);
	eg_put_escaped(p->a.out, w->filters);
	eg_put(p->a.out, ", %d x %d; %s, to &#177; %s.", (int)d.d[2], (int)d.d[3], d.d[1] == 3 ? "as colours, grey is 0" : "red above, blue below 0",
		eg_album_number(most, a));
	eg_album_end_figure(&p->a);
	eg_put(p->a.out, "</div>\n");
	return EG_OK;
}

static bool draw_layer(page *p, const eg_shown_layer *l, bool sign, double most, eg_pane *all) {
	const ptrdiff_t places = (ptrdiff_t)l->H * l->W;
	const eg_pane_colours colours = sign ? EG_PANE_SIGNED : EG_PANE_SIZE;
	const int n = l->C < CHANNELS ? l->C : CHANNELS, scale = eg_pane_scale(l->H, l->W, TILE);
	eg_pane panels[CHANNELS] = {{0}};
	if (places == 1) { /* rows of units, 64 in each */
		const int rows = (l->C + CHANNELS - 1) / CHANNELS;
		eg_pane *units = eg_arena_alloc(&p->a.arena, (size_t)l->C * sizeof *units);
		bool drawn = units && rows > 0;
		for (int c = 0; c < l->C && drawn; c++)
			drawn = eg_pane_map(&p->a.arena, &l->values[c], 1, 1, colours, most, NULL, 1, UNIT, &units[c]);
		return drawn && eg_pane_grid(&p->a.arena, units, l->C, CHANNELS, 1, all);
	}
	for (int c = 0; c < n; c++)
		if (!eg_pane_map(&p->a.arena, l->values + c * places, l->H, l->W, colours, most, NULL, 1, scale, &panels[c])) return false;
	return eg_pane_grid(&p->a.arena, panels, n, WIDE / (l->W * scale + GAP) > 0 ? WIDE / (l->W * scale + GAP) : 1, GAP, all);
}

static eg_status put_layer(page *p, const eg_shown_layer *l) {
	const size_t n = (size_t)l->C * (size_t)l->H * (size_t)l->W;
	char name[160], a[32], b[32];
	double least = 0, most = 0;
	eg_pane all = {0};
	for (size_t i = 0; i < n; i++) least = fmin(least, (double)l->values[i]), most = fmax(most, fabs((double)l->values[i]));
	snprintf(name, sizeof name, "layer-%.140s", l->name);
	eg_status status = eg_album_figure(&p->a, name, &all, draw_layer(p, l, least < 0, most, &all));
	if (status) return status;
	eg_put(p->a.out, "<b>");
	eg_put_escaped(p->a.out, l->name);
	eg_put(p->a.out, "</b> (%s), %d x %d x %d%s: %s %s", l->operator_, l->C, l->H, l->W,
		l->C > CHANNELS && l->H * l->W > 1 ? ", the first 64 channels" : "", least < 0 ? "blue to red is \xC2\xB1" : "dark to bright is 0 to",
		eg_album_number(most, a));
	if (l->field.known && l->field.all)
		eg_put(p->a.out, "; each number sees all of the picture");
	else if (l->field.known)
		eg_put(p->a.out, "; each number sees %lld x %lld pixels, neighbours lie %s apart", (long long)l->field.size[0],
			(long long)l->field.size[1], eg_album_number(l->field.jump[0], b));
	eg_put(p->a.out, ".");
	eg_album_end_figure(&p->a);
	return EG_OK;
}

static eg_status put_layers(page *p) {
	const eg_picture_why *w = p->w;
	eg_status status = EG_OK;
	if (w->nlayers == 0) return EG_OK;
	eg_album_head(&p->a, "What the layers make of it");
	eg_put(p->a.out, "<p>A layer with its normalisation and activation is shown once, behind them.</p>\n<main class=\"wide\">\n");
	for (int i = 0; i < w->nlayers && !status; i++) status = put_layer(p, &w->layers[i]);
	eg_put(p->a.out, "</main>\n");
	return status;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

/* why.png: the picture and the maps, side by side. */
static eg_status save_overview(page *p) {
	static const char *const names[] = {"saliency", "integrated-gradients", "occlusion", "grad-cam"};
	eg_pane panels[1 + EG_COUNT(names)] = {{0}}, all = {0};
	int n = 0, H, W;
	bool drawn = draw_picture(p, &p->a.arena, &panels[n++]);
	for (int i = 0; i < EG_COUNT(names) && drawn; i++)
		if (eg_picture_why_map(p->w, names[i], &H, &W)) drawn = draw_map(p, &p->a.arena, names[i], &panels[n++]);
	drawn = drawn && eg_pane_grid(&p->a.arena, panels, n, n, 2 * GAP, &all);
	eg_status status = drawn ? eg_album_png(&p->a, "why", &all) : eg_album_no_memory(&p->a);
	eg_arena_reset(&p->a.arena);
	return status;
}

static eg_status put_page(page *p) {
	put_answer(p);
	eg_status status = put_maps(p);
	if (!status) status = put_unit(p);
	if (!status) status = put_likes(p);
	if (!status) status = put_nearest(p);
	if (!status) status = put_filters(p);
	if (!status) status = put_layers(p);
	return status;
}

eg_status eg_picture_why_save(eg_picture_why *w, const char *folder, eg_error *err) {
	eg_error own = {0};
	if (!err) err = &own;
	if (!w->facts) return eg_fail(err, EG_ERR_ARG, "there is nothing to save: no picture has been explained");
	page p = {.a = {.folder = folder, .paths = &w->asked, .files = w->files, .most = EG_WHY_FILES, .err = err},
		.w = w,
		.scale = eg_pane_scale(w->shape[1], w->shape[2], SIDE)};
	eg_status status = eg_album_begin(&p.a, "why", eg_recipe_name(eg_model_recipe(w->model)), w->name);
	if (!status) status = save_overview(&p);
	if (!status) status = put_page(&p);
	status = eg_album_finish(&p.a, status);
	w->nfiles = p.a.nfiles;
	return status;
}

const char *eg_picture_why_file(const eg_picture_why *w, int k) { return k >= 0 && k < w->nfiles ? w->files[k] : NULL; }
