/* sheet.c - a page that shows data: facts in a table, and records one below the other. HTML that is XML as well, with
 * everything in it: pictures as PNG data URIs, boxes and plots as SVG. It is light or dark as the viewer likes it. */
#include "report/survey.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 480, SMALL_SIDE = 150, FRAMES = 8, PLOTS = 8, POINTS = 2000, TEXT = 3000, TOKENS = 300 };

struct eg_sheet {
	eg_writer *w;
	int plots;
};

static const char style[] =
	"body{font:15px/1.45 system-ui,sans-serif;margin:1.5em auto;max-width:76em;padding:0 1em}\n"
	":root{color-scheme:light dark}\n"
	"table{border-collapse:collapse}td:last-child{white-space:pre-wrap}\n"
	"td,th{text-align:left;vertical-align:top;padding:.15em .8em .15em 0;"
	"border-bottom:1px solid #8884}\n"
	"section{border:1px solid #8886;border-radius:6px;padding:.6em 1em;margin:1em 0}h2{font-size:1.05em;margin:.2em 0}\n"
	".f{margin:.5em 0}.n{opacity:.7;margin-right:.6em}\n"
	".p{display:inline-block;margin:.2em .8em .2em 0;vertical-align:top}\n"
	".p svg{image-rendering:pixelated}.p small{display:block;opacity:.75}\n"
	".l{margin-right:.9em;white-space:nowrap}\n"
	".l i,.t i{font-style:normal}.l b{display:inline-block;width:.9em;height:.9em;margin-right:.3em;vertical-align:-.1em}\n"
	".t{display:inline-block;margin:.1em .25em;text-align:center;border-bottom:3px solid transparent}"
	".t small{display:block;font-size:.72em;opacity:.8;min-height:1.2em}\n"
	".plot svg{width:100%;max-width:44em;height:auto}pre{white-space:pre-wrap;overflow-wrap:anywhere;margin:.2em 0}\n"
	"code{font-size:.88em;overflow-wrap:anywhere}\n";

eg_status eg_sheet_new(const char *path, const char *title, eg_sheet **sheet, eg_error *err) {
	eg_error why = {EG_ERR_IO, ""};
	eg_sheet *s = *sheet = eg_calloc(NULL, 1, sizeof *s);
	if (!s) return eg_fail(err, EG_ERR_MEMORY, "out of memory for '%s'", path);
	s->w = eg_writer_new(NULL, path, &why);
	if (!s->w) {
		eg_sheet_drop(s);
		*sheet = NULL;
		return eg_fail(err, why.status, "%s", why.message);
	}
	eg_put(s->w, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<title>");
	eg_put_escaped(s->w, title);
	eg_put(s->w, "</title>\n<style>\n");
	eg_writer_put(s->w, style, sizeof style - 1);
	eg_put(s->w, "</style>\n</head>\n<body>\n<h1>");
	eg_put_escaped(s->w, title);
	eg_put(s->w, "</h1>\n");
	return EG_OK;
}

eg_status eg_sheet_save(eg_sheet *s, eg_error *err) {
	eg_put(s->w, "</body>\n</html>\n");
	eg_status status = eg_writer_commit(s->w, err);
	eg_release(NULL, s);
	return status;
}

void eg_sheet_drop(eg_sheet *s) {
	if (!s) return;
	eg_writer_abort(s->w);
	eg_release(NULL, s);
}

/* ---- facts ------------------------------------------------------------------------------------------------------- */

static void cell(eg_writer *w, const char *text) {
	eg_put(w, "<td>");
	eg_put_escaped(w, text);
	eg_put(w, "</td>");
}

typedef struct rows {
	eg_writer *w;
	char part[32], field[128]; /* of the row before */
} rows;

static void fact(void *user, const eg_survey_line *l) {
	rows *r = user;
	eg_writer *w = r->w;
	const bool same = !strcmp(r->part, l->part);
	eg_put(w, "<tr>");
	cell(w, same ? "" : l->part);
	cell(w, same && !strcmp(r->field, l->field) ? "" : l->field);
	snprintf(r->part, sizeof r->part, "%s", l->part);
	snprintf(r->field, sizeof r->field, "%s", l->field);
	cell(w, l->what);
	cell(w, l->text);
	eg_put(w, "</tr>\n");
}

void eg_sheet_facts(eg_sheet *s, const eg_value *facts) {
	eg_put(s->w, "<table>\n<tr><th>part</th><th>field</th><th>what</th><th></th></tr>\n");
	eg_survey_lines(facts, fact, &(rows){.w = s->w});
	eg_put(s->w, "</table>\n");
}

/* ---- colours of classes ------------------------------------------------------------------------------------------ */

/* Neighbours far apart on the circle of hues, by the golden angle; lightness in turn. */
static void colour_of(int label, uint8_t rgb[3]) {
	static const double light[] = {0.50, 0.62, 0.40};
	const double h = fmod(label * 137.50776 + 210, 360) / 60, l = light[label % 3], c = (1 - fabs(2 * l - 1)) * 0.75;
	const double x = c * (1 - fabs(fmod(h, 2) - 1)), m = l - c / 2;
	const double p[6][3] = {{c, x, 0}, {x, c, 0}, {0, c, x}, {0, x, c}, {x, 0, c}, {c, 0, x}};
	for (int i = 0; i < 3; i++) rgb[i] = (uint8_t)lround((p[(int)h][i] + m) * 255);
}

static const char *hex_of(int label, char buf[8]) {
	uint8_t rgb[3];
	if (label < 0) return "#888888";
	colour_of(label, rgb);
	snprintf(buf, 8, "#%02x%02x%02x", rgb[0], rgb[1], rgb[2]);
	return buf;
}

/* ---- pictures ---------------------------------------------------------------------------------------------------- */

static void put_base64(eg_writer *w, const uint8_t *p, size_t n) {
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < n; i += 3) {
		const unsigned second = i + 1 < n ? p[i + 1] : 0, third = i + 2 < n ? p[i + 2] : 0;
		const unsigned v = (unsigned)p[i] << 16 | second << 8 | third;
		const char four[4] = {digits[v >> 18], digits[v >> 12 & 63], i + 1 < n ? digits[v >> 6 & 63] : '=',
		        i + 2 < n ? digits[v & 63] : '='};
		eg_writer_put(w, four, 4);
	}
}

/* Pixels of H x W as they are shown: not above SIDE, and small ones as larger squares. */
typedef struct view {
	int C, H, W;          /* of the file in the page */
	int from_H, from_W;   /* of the picture */
	double shown_H, shown_W;
	uint8_t *pixels;
} view;

static eg_status view_of(view *v, const eg_datum_picture *p, eg_error *err) {
	const int larger = p->H > p->W ? p->H : p->W;
	const double shrink = larger > SIDE ? (double)SIDE / larger : 1;
	const double grow = larger >= SMALL_SIDE ? 1 : ceil((double)SMALL_SIDE / larger);
	const eg_picture pic = {.C = p->C, .H = p->H, .W = p->W, .pixels = (uint8_t *)p->pixels};
	*v = (view){.C = p->C, .from_H = p->H, .from_W = p->W};
	v->H = shrink < 1 && p->H * shrink >= 1 ? (int)(p->H * shrink) : shrink < 1 ? 1 : p->H;
	v->W = shrink < 1 && p->W * shrink >= 1 ? (int)(p->W * shrink) : shrink < 1 ? 1 : p->W;
	v->shown_H = v->H * grow, v->shown_W = v->W * grow;
	v->pixels = eg_calloc(NULL, (size_t)v->H * (size_t)v->W, 3);
	if (!v->pixels) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a picture");
	return eg_picture_bytes(&pic, v->C, v->H, v->W, v->pixels, err);
}

static eg_status put_image(eg_writer *w, const view *v, eg_error *err) {
	void *png;
	size_t size;
	eg_status status = eg_png_encode(v->C, v->H, v->W, v->pixels, &png, &size, err);
	if (status) return status;
	eg_put(w, "<div class=\"p\"><svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
	          "viewBox=\"0 0 %d %d\"><image width=\"%d\" height=\"%d\" preserveAspectRatio=\"none\" "
	          "href=\"data:image/png;base64,",
	        (int)v->shown_W, (int)v->shown_H, (int)v->shown_W, (int)v->shown_H, (int)v->shown_W, (int)v->shown_H);
	put_base64(w, png, size);
	eg_put(w, "\"/>");
	free(png);
	return EG_OK;
}

static void end_image(eg_writer *w, const char *below) {
	eg_put(w, "</svg><small>%s</small></div>\n", below);
}

/* A coordinate with at most two digits behind the point. */
static const char *at(double v, char buf[32]) { return eg_number(round(v * 100) / 100, buf); }

static void put_boxes(eg_writer *w, const eg_source *s, int k, const view *v, const eg_datum_boxes *b) {
	const double fx = v->shown_W / v->from_W, fy = v->shown_H / v->from_H;
	char x[32], y[32], W[32], H[32], name[24], hex[8];
	for (int i = 0; i < b->n; i++) {
		const eg_box *o = &b->at[i];
		const char *colour = hex_of(o->label, hex);
		eg_put(w, "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s/>",
		        at(o->x0 * fx, x), at(o->y0 * fy, y), at((o->x1 - o->x0) * fx, W), at((o->y1 - o->y0) * fy, H), colour,
		        o->difficult ? " stroke-dasharray=\"5 3\"" : "");
		eg_put(w, "<text x=\"%s\" y=\"%s\" font-size=\"11\" font-family=\"sans-serif\" fill=\"%s\" stroke=\"#fff\" "
		          "stroke-width=\"3\" paint-order=\"stroke\">",
		        at(o->x0 * fx + 3, x), at(o->y0 * fy + 12, y), colour);
		eg_put_escaped(w, eg_class_name(s, k, o->label, name));
		eg_put(w, "</text>\n");
	}
}

static void legend_entry(eg_writer *w, const eg_source *s, int k, int label, int64_t percent) {
	char hex[8], name[24];
	eg_put(w, "<span class=\"l\"><b style=\"background:%s\"></b>", hex_of(label, hex));
	eg_put_escaped(w, label < 0 ? "void" : eg_class_name(s, k, label, name));
	eg_put(w, percent > 0 ? " %d %%</span>\n" : " &lt; 1 %%</span>\n", (int)percent);
}

/* The picture in grey with the classes' colours over it; v's pixels are changed. */
static eg_status put_mask(eg_writer *w, const eg_source *s, int k, view *v, const eg_datum_mask *m, eg_error *err) {
	const size_t n = (size_t)v->H * (size_t)v->W;
	int64_t count[256] = {0};
	for (int y = 0; y < v->H; y++)
		for (int x = 0; x < v->W; x++) {
			const size_t i = (size_t)y * (size_t)v->W + (size_t)x;
			const int c = m->classes[(int64_t)y * m->H / v->H * m->W + (int64_t)x * m->W / v->W];
			uint8_t rgb[3] = {136, 136, 136};
			int grey = v->pixels[i];
			if (v->C == 3) grey = (grey * 299 + v->pixels[n + i] * 587 + v->pixels[2 * n + i] * 114) / 1000;
			if (c != EG_VOID) colour_of(c, rgb);
			for (size_t j = 0; j < 3; j++) v->pixels[j * n + i] = (uint8_t)((grey * 4 + rgb[j] * 6) / 10);
			count[c]++;
		}
	v->C = 3;
	eg_status status = put_image(w, v, err);
	if (status) return status;
	end_image(w, "mask");
	eg_put(w, "<div>");
	for (int c = 0; c < 256; c++)
		if (count[c]) legend_entry(w, s, k, c == EG_VOID ? -1 : c, count[c] * 100 / (int64_t)n);
	eg_put(w, "</div>\n");
	return EG_OK;
}

static eg_status put_picture(
	eg_writer *w, const eg_source *s, const eg_record *r, const eg_datum_picture *p, eg_error *err) {
	char below[64];
	view v;
	eg_status status = view_of(&v, p, err);
	if (!status) status = put_image(w, &v, err);
	for (int k = 0; k < s->nfields && !status; k++)
		if (r->fields[k].there && s->fields[k].kind == EG_FIELD_BOXES) put_boxes(w, s, k, &v, &r->fields[k].boxes);
	snprintf(below, sizeof below, "%d x %d x %d", p->C, p->H, p->W);
	if (!status) end_image(w, below);
	for (int k = 0; k < s->nfields && !status; k++)
		if (r->fields[k].there && s->fields[k].kind == EG_FIELD_MASK)
			status = put_mask(w, s, k, &v, &r->fields[k].mask, err);
	eg_release(NULL, v.pixels);
	return status;
}

static eg_status put_frames(eg_writer *w, const eg_datum_frames *f, eg_error *err) {
	const size_t size = (size_t)f->C * (size_t)f->H * (size_t)f->W;
	const int shown = f->n < FRAMES ? f->n : FRAMES;
	eg_status status = EG_OK;
	for (int i = 0; i < shown && !status; i++) {
		const int frame = (int)((int64_t)i * f->n / shown);
		char below[48];
		view v;
		status = view_of(&v, &(eg_datum_picture){f->C, f->H, f->W, f->pixels + size * (size_t)frame}, err);
		if (!status) status = put_image(w, &v, err);
		snprintf(below, sizeof below, "frame %d of %d", frame, f->n);
		if (!status) end_image(w, below);
		eg_release(NULL, v.pixels);
	}
	return status;
}

/* ---- plots ------------------------------------------------------------------------------------------------------- */

static void plot(eg_sheet *s, const char *title, const char *x_title, const double *x, const double *y, int n) {
	const eg_series line = {"", x, y, n};
	eg_put(s->w, "<div class=\"plot\">");
	const eg_line_plot p = {
	        .title = title, .x_title = x_title, .y_title = "", .series = &line, .nseries = 1, .number = ++s->plots};
	eg_plot_lines_into(s->w, &p);
	eg_put(s->w, "</div>\n");
}

static eg_status put_series(eg_sheet *s, const eg_field *field, const eg_datum_series *d, eg_error *err) {
	const int n = d->steps < POINTS ? d->steps : POINTS;
	double *x = eg_calloc(NULL, (size_t)n + 1, 2 * sizeof *x), *y = x + n;
	if (!x) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a plot");
	for (int c = 0; c < d->columns && c < PLOTS; c++) {
		char title[80];
		for (int i = 0; i < n; i++) {
			x[i] = i;
			y[i] = d->at[(ptrdiff_t)i * d->columns + c];
		}
		snprintf(title, sizeof title, "column %d", c);
		plot(s, field->names && c < field->nnames ? field->names[c] : title, "step", x, y, n);
	}
	if (n < d->steps) eg_put(s->w, "<p>The first %d of %d steps.</p>\n", n, d->steps);
	if (d->columns > PLOTS) eg_put(s->w, "<p>And %d more columns.</p>\n", d->columns - PLOTS);
	eg_release(NULL, x);
	return EG_OK;
}

/* The least and largest sample of short stretches, up and down. */
static eg_status put_sound(eg_sheet *s, const eg_datum_sound *d, eg_error *err) {
	const int n = d->n < POINTS / 4 ? (int)d->n : POINTS / 4;
	double *x = eg_calloc(NULL, (size_t)n + 1, 4 * sizeof *x), *y = x + 2 * n;
	const double rate = d->rate > 0 ? d->rate : 1;
	if (!x) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a plot");
	for (int i = 0; i < n; i++) {
		const int64_t from = i * d->n / n, to = (i + 1) * d->n / n;
		double least = INFINITY, most = -INFINITY;
		for (int64_t k = from; k < to; k++) {
			least = fmin(least, d->at[k * d->channels]);
			most = fmax(most, d->at[k * d->channels]);
		}
		x[2 * i] = x[2 * i + 1] = (double)from / rate;
		y[2 * i] = least, y[2 * i + 1] = most;
	}
	plot(s, "wave", d->rate > 0 ? "seconds" : "sample", x, y, 2 * n);
	eg_release(NULL, x);
	return EG_OK;
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

static void put_text(eg_writer *w, const eg_datum_text *t) {
	char buf[TEXT + 4], *line = eg_cut_text(t->bytes, t->size, TEXT, buf);
	eg_put(w, "<pre>");
	for (char *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		eg_put_escaped(w, line);
		eg_put(w, "\n");
	}
	eg_put_escaped(w, line);
	eg_put(w, "</pre>\n");
}

/* Tokens with the tags of the first field that has as many. */
static void put_tokens(eg_writer *w, const eg_source *s, const eg_record *r, const eg_datum_tokens *t) {
	int tags = -1;
	char hex[8], name[24];
	for (int k = s->nfields - 1; k >= 0; k--)
		if (s->fields[k].kind == EG_FIELD_TAGS && r->fields[k].there && r->fields[k].tags.n == t->n) tags = k;
	for (int i = 0; i < t->n && i < TOKENS; i++) {
		const char *tag = tags < 0 ? "" : eg_class_name(s, tags, r->fields[tags].tags.at[i], name);
		const bool outside = tags < 0 || !strcmp(tag, "O");
		eg_put(w, "<span class=\"t\"");
		if (!outside) eg_put(w, " style=\"border-color:%s\"", hex_of(r->fields[tags].tags.at[i], hex));
		eg_put(w, ">");
		eg_put_escaped(w, t->at[i]);
		eg_put(w, "<small>");
		eg_put_escaped(w, outside ? "" : tag);
		eg_put(w, "</small></span>\n");
	}
	if (t->n > TOKENS) eg_put(w, "<p>The first %d of %d tokens.</p>\n", TOKENS, t->n);
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static eg_status put_field(
	eg_sheet *s, const eg_source *source, const eg_record *r, int k, const eg_value *words, eg_error *err) {
	const eg_field *f = &source->fields[k];
	const eg_datum *d = &r->fields[k];
	const char *holds = eg_value_text(eg_value_get(words, "holds"));
	eg_status status = EG_OK;
	eg_put(s->w, "<div class=\"f\"><span class=\"n\">");
	eg_put_escaped(s->w, f->name);
	eg_put(s->w, "</span>");
	switch (d->there ? f->kind : EG_FIELD_KINDS) {
	case EG_FIELD_PICTURE: status = put_picture(s->w, source, r, &d->picture, err); break;
	case EG_FIELD_FRAMES: status = put_frames(s->w, &d->frames, err); break;
	case EG_FIELD_SERIES: status = put_series(s, f, &d->series, err); break;
	case EG_FIELD_SOUND: status = put_sound(s, &d->sound, err); break;
	case EG_FIELD_TEXT: put_text(s->w, &d->text); break;
	case EG_FIELD_TOKENS: put_tokens(s->w, source, r, &d->tokens); break;
	default: break;
	}
	const eg_kinds shown = EG_KIND(PICTURE) | EG_KIND(FRAMES) | EG_KIND(TEXT) | EG_KIND(TOKENS);
	if (!d->there || !(1u << f->kind & shown)) eg_put_escaped(s->w, holds ? holds : "");
	eg_put(s->w, "</div>\n");
	return status;
}

static void put_seen(eg_writer *w, const eg_value *seen) {
	if (!eg_value_first(seen)) return;
	eg_put(w, "<details><summary>what the network gets</summary>\n");
	for (const eg_value *v = eg_value_first(seen); v; v = eg_value_next(v)) {
		char *json = NULL;
		if (eg_value_json(v, &json, NULL, NULL)) continue;
		eg_put(w, "<p><code>");
		eg_put_escaped(w, json);
		eg_put(w, "</code></p>\n");
		free(json);
	}
	eg_put(w, "</details>\n");
}

eg_status eg_sheet_record(eg_sheet *s, const eg_source *source, const eg_record *r, const char *draw,
	const eg_value *seen, eg_error *err) {
	eg_value *words = eg_value_new(EG_VALUE_MAP);
	if (words) eg_record_describe(source, r, words);
	eg_put(s->w, "<section>\n<h2>");
	eg_put_escaped(s->w, r->id ? r->id : "");
	if (r->group) eg_put(s->w, " (");
	eg_put_escaped(s->w, r->group ? r->group : "");
	if (r->group) eg_put(s->w, ")");
	if (draw) eg_put(s->w, ", ");
	eg_put_escaped(s->w, draw ? draw : "");
	eg_put(s->w, "</h2>\n");
	eg_status status = EG_OK;
	const eg_value *fields = eg_value_get(words, "fields");
	for (int k = 0; k < source->nfields && !status; k++)
		status = put_field(s, source, r, k, eg_value_at(fields, k), err);
	put_seen(s->w, seen);
	eg_put(s->w, "</section>\n");
	eg_value_free(words);
	return status;
}
