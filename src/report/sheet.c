/* sheet.c - a page that shows data: facts in a table, and records beside and below one another. HTML that is XML as
 * well, with everything in it: pictures as PNG data URIs, boxes and plots as SVG. It is light or dark as the viewer
 * likes it. Not here: the table of facts (sheet_facts.c), plots (sheet_plots.c). */
#include "report/sheet.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SIDE = 440, SMALL_SIDE = 150, LINE_HEIGHT = 96, LINE_WIDTH = 720, FRAME_SIDE = 110 };
enum { FRAMES = 7, TEXT = 3000, TOKENS = 300 };

static const char style[] =
	":root{color-scheme:light dark}\n"
	"body{font:15px/1.45 system-ui,sans-serif;margin:1.5em auto;max-width:78em;padding:0 1em}\n"
	"h1{font-size:1.6em;margin:.2em 0 .6em;overflow-wrap:anywhere}h2{font-size:1em;margin:0;overflow-wrap:anywhere}main+h2{margin-top:1.6em}\n"
	"small{opacity:.7;font-weight:normal}\n"
	"table{border-collapse:collapse;margin-bottom:1em}\n"
	"td,th{text-align:left;vertical-align:top;padding:.12em 1.4em .12em 0;border-bottom:1px solid #8883;"
	"overflow-wrap:anywhere}\n"
	"td:first-child{opacity:.7;padding-left:1em;min-width:6em;overflow-wrap:normal}th[colspan]{padding-top:.7em}\n"
	".h{margin-left:.7em;vertical-align:-.2em;fill:currentColor;opacity:.6}\n"
	".b{white-space:nowrap}.b span{display:inline-block;width:7em;margin-right:.6em}\n"
	".b i{display:block;height:.62em;min-width:1px;background:#3a86c8}\n"
	"main{display:flex;flex-wrap:wrap;gap:1em;align-items:flex-start;margin-top:1.4em}\n"
	"section{border:1px solid #8886;border-radius:6px;padding:.6em 1em;box-sizing:border-box;max-width:100%;"
	"display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.35em .9em}\n"
	"section>h2,section>details{grid-column:1/-1}.n{opacity:.7}\n"
	"details{width:0;min-width:100%;font-size:.88em;overflow-wrap:anywhere}summary{opacity:.8}\n"
	".p{display:inline-block;margin:0 .8em .2em 0;vertical-align:top;max-width:100%}\n"
	".p svg{display:block;image-rendering:pixelated;max-width:100%;height:auto}.p small{display:block}\n"
	".l{margin-right:.9em;white-space:nowrap}\n"
	".l b{display:inline-block;width:.9em;height:.9em;margin-right:.3em;vertical-align:-.1em}\n"
	".t{display:inline-block;margin:0 .1em;vertical-align:top;text-align:center}.w{margin:0 .28em}\n"
	".e{border-bottom:3px solid;padding:0 .1em}.e small{display:block;font-size:.72em;line-height:1.1}\n"
	".plots{display:flex;flex-wrap:wrap;gap:.2em 1em}.plot{max-width:100%}\n"
	".plot svg{max-width:100%;height:auto}.plot svg>rect[width=\"100%\"]{fill:none}.plot text{fill:currentColor}\n"
	".plot:not(.many) line,.many line[stroke=\"#222222\"],.plot rect[fill=\"none\"]{stroke:currentColor}.plot line[stroke=\"#dddddd\"]{stroke:#8884}"
	".plot:not(.many) path{stroke:#2f86c5;stroke-width:1.3}\n"
	"pre{font:inherit;white-space:pre-wrap;overflow-wrap:anywhere;margin:0}p{margin:.2em 0}\n";

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
	if (s->records) eg_put(s->w, "</main>\n");
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

/* A tag without what says where in a name it stands: B-PER and I-PER are PER. */
static const char *kind_of(const char *tag) { return tag[0] && strchr("BIESLU", tag[0]) && tag[1] == '-' ? tag + 2 : tag; }
static bool goes_on(const char *tag) { return tag[0] && strchr("IEL", tag[0]) && tag[1] == '-'; }

/* One colour for all tags of a kind: that of the first of them. */
static int colour_label(const eg_source *s, int k, int label) {
	char buf[24], other[24];
	const char *kind = kind_of(eg_class_name(s, k, label, buf));
	for (int i = 0; i < label; i++)
		if (!strcmp(kind, kind_of(eg_class_name(s, k, i, other)))) return i;
	return label;
}

/* ---- pictures ---------------------------------------------------------------------------------------------------- */

/* Pixels of H x W as they are shown: not above SIDE, and small ones as larger squares; lines of text may be longer. */
typedef struct view {
	int C, H, W;          /* of the file in the page */
	int from_H, from_W;   /* of the picture */
	double shown_H, shown_W;
	uint8_t *pixels;
} view;

static double grow_of(int H, int W, int side) {
	const int larger = H > W ? H : W;
	double grow = ceil((double)side / larger);
	if (side == SMALL_SIDE && W > 2 * H) grow = fmin(fmax(grow, ceil((double)LINE_HEIGHT / H)), floor((double)LINE_WIDTH / W));
	return fmax(grow, 1);
}

static eg_status view_of(view *v, const eg_datum_picture *p, int side, eg_error *err) {
	const int larger = p->H > p->W ? p->H : p->W;
	const double shrink = larger > SIDE ? (double)SIDE / larger : 1, grow = grow_of(p->H, p->W, side);
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
	eg_put_base64(w, png, size);
	eg_put(w, "\"/>");
	free(png);
	return EG_OK;
}

static void end_image(eg_writer *w, const char *below) {
	eg_put(w, "</svg><small>%s</small></div>\n", below);
}

/* A coordinate with at most two digits behind the point. */
static const char *at(double v, char buf[32]) { return eg_number(round(v * 100) / 100, buf); }

/* The class of a box, above it where there is room, and not where it is longer than the box. */
static void put_box_name(eg_writer *w, const char *name, double x, double y, double wide, const char *colour) {
	char a[32], b[32], c[32];
	const double needs = 6.4 * (double)eg_characters(name, strlen(name)) + 6;
	if (needs > wide + 8) return;
	const double top = y >= 14 ? y - 14 : y;
	eg_put(w, "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"14\" fill=\"%s\"/>", at(x - 1, a), at(top, b), at(needs, c), colour);
	eg_put(w, "<text x=\"%s\" y=\"%s\" font-size=\"11\" font-family=\"sans-serif\" fill=\"#fff\">", at(x + 2, a), at(top + 11, b));
	eg_put_escaped(w, name);
	eg_put(w, "</text>\n");
}

static void put_boxes(eg_writer *w, const eg_source *s, int k, const view *v, const eg_datum_boxes *b) {
	const double fx = v->shown_W / v->from_W, fy = v->shown_H / v->from_H;
	char x[32], y[32], W[32], H[32], name[24], hex[8];
	for (int i = 0; i < b->n; i++) {
		const eg_box *o = &b->at[i];
		eg_put(w, "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" fill=\"none\" stroke=\"%s\" stroke-width=\"2\"%s/>\n",
		        at(o->x0 * fx, x), at(o->y0 * fy, y), at((o->x1 - o->x0) * fx, W), at((o->y1 - o->y0) * fy, H),
		        hex_of(o->label, hex), o->difficult ? " stroke-dasharray=\"5 3\"" : "");
	}
	for (int i = 0; i < b->n; i++) {
		const eg_box *o = &b->at[i];
		put_box_name(w, eg_class_name(s, k, o->label, name), o->x0 * fx, o->y0 * fy, (o->x1 - o->x0) * fx,
		        hex_of(o->label, hex));
	}
}

static void legend_entry(eg_writer *w, const eg_source *s, int k, int label, const char *more) {
	char hex[8], name[24];
	eg_put(w, "<span class=\"l\"><b style=\"background:%s\"></b>", hex_of(label, hex));
	eg_put_escaped(w, label < 0 ? "void" : eg_class_name(s, k, label, name));
	eg_put(w, " %s</span>\n", more);
}

/* Which classes there are boxes of, and how many. */
static void put_box_legend(eg_writer *w, const eg_source *s, int k, const eg_datum_boxes *b) {
	char more[32];
	for (int i = 0; i < b->n; i++) {
		int before = 0, all = 0;
		for (int j = 0; j < b->n; j++) {
			before += j < i && b->at[j].label == b->at[i].label;
			all += b->at[j].label == b->at[i].label;
		}
		snprintf(more, sizeof more, "× %d", all);
		if (before == 0) legend_entry(w, s, k, b->at[i].label, more);
	}
	if (b->n == 0) eg_put(w, "none\n");
}

static void put_mask_legend(eg_writer *w, const eg_source *s, int k, const eg_datum_mask *m) {
	const int64_t n = (int64_t)m->H * m->W;
	int64_t count[256] = {0};
	char more[40], percent[32];
	for (int64_t i = 0; i < n; i++) count[m->classes[i]]++;
	for (int c = 0; c < 256; c++) {
		if (!count[c]) continue;
		const double tenths = round((double)count[c] * 1000 / (double)n);
		snprintf(more, sizeof more, "%s %%", tenths < 1 ? "&lt; 0.1" : eg_number(tenths / 10, percent));
		legend_entry(w, s, k, c == EG_VOID ? -1 : c, more);
	}
}

/* The picture in grey with the classes' colours over it; v's pixels are changed. */
static eg_status put_mask(eg_writer *w, view *v, const eg_datum_mask *m, eg_error *err) {
	const size_t n = (size_t)v->H * (size_t)v->W;
	char below[64];
	for (int y = 0; y < v->H; y++)
		for (int x = 0; x < v->W; x++) {
			const size_t i = (size_t)y * (size_t)v->W + (size_t)x;
			const int c = m->classes[(int64_t)y * m->H / v->H * m->W + (int64_t)x * m->W / v->W];
			uint8_t rgb[3] = {136, 136, 136};
			int grey = v->pixels[i];
			if (v->C == 3) grey = (grey * 299 + v->pixels[n + i] * 587 + v->pixels[2 * n + i] * 114) / 1000;
			if (c != EG_VOID) colour_of(c, rgb);
			for (size_t j = 0; j < 3; j++) v->pixels[j * n + i] = (uint8_t)((grey * 4 + rgb[j] * 6) / 10);
		}
	v->C = 3;
	eg_status status = put_image(w, v, err);
	snprintf(below, sizeof below, "mask, %d x %d", m->H, m->W);
	if (!status) end_image(w, below);
	return status;
}

static eg_status put_picture(
	eg_writer *w, const eg_source *s, const eg_record *r, const eg_datum_picture *p, eg_error *err) {
	char below[64];
	view v;
	eg_status status = view_of(&v, p, SMALL_SIDE, err);
	if (!status) status = put_image(w, &v, err);
	for (int k = 0; k < s->nfields && !status; k++)
		if (r->fields[k].there && s->fields[k].kind == EG_FIELD_BOXES) put_boxes(w, s, k, &v, &r->fields[k].boxes);
	snprintf(below, sizeof below, "%d x %d x %d", p->C, p->H, p->W);
	if (!status) end_image(w, below);
	for (int k = 0; k < s->nfields && !status; k++)
		if (r->fields[k].there && s->fields[k].kind == EG_FIELD_MASK)
			status = put_mask(w, &v, &r->fields[k].mask, err);
	eg_release(NULL, v.pixels);
	return status;
}

void eg_sheet_heading(eg_sheet *s, const char *text) {
	if (s->records) eg_put(s->w, "</main>\n");
	s->records = true;
	eg_put(s->w, "<h2>");
	eg_put_escaped(s->w, text);
	eg_put(s->w, "</h2>\n<main>\n");
}

eg_status eg_sheet_picture(eg_sheet *s, const eg_picture *pic, const char *title, const char *below, eg_error *err) {
	view v;
	if (!s->records) eg_put(s->w, "<main>\n");
	s->records = true;
	eg_put(s->w, "<section><h2>");
	eg_put_escaped(s->w, title ? title : "");
	eg_put(s->w, "</h2>\n");
	eg_status status = view_of(&v, &(eg_datum_picture){pic->C, pic->H, pic->W, pic->pixels}, SMALL_SIDE, err);
	if (!status) status = put_image(s->w, &v, err);
	eg_put(s->w, "</svg><small>");
	eg_put_escaped(s->w, below ? below : "");
	eg_put(s->w, "</small></div></section>\n");
	eg_release(NULL, v.pixels);
	return status;
}

/* The field of tags that are those of n boxes, frames or tokens, whichever comes first; -1: none. */
static int tags_of(const eg_source *s, const eg_record *r, eg_field_kind kind, int n) {
	int tags = -1;
	for (int k = s->nfields - 1; k >= 0; k--) {
		const eg_datum *d = &r->fields[k];
		if (!d->there) continue;
		if (s->fields[k].kind == EG_FIELD_TAGS && d->tags.n == n) tags = k;
		if (s->fields[k].kind == EG_FIELD_BOXES && d->boxes.n == n && kind != EG_FIELD_BOXES) return -1;
	}
	return tags;
}

static eg_status put_frames(
	eg_writer *w, const eg_source *s, const eg_record *r, const eg_datum_frames *f, eg_error *err) {
	const size_t size = (size_t)f->C * (size_t)f->H * (size_t)f->W;
	const int shown = f->n < FRAMES ? f->n : FRAMES, tags = tags_of(s, r, EG_FIELD_FRAMES, f->n);
	eg_status status = EG_OK;
	for (int i = 0; i < shown && !status; i++) {
		const int frame = shown > 1 ? (int)((int64_t)i * (f->n - 1) / (shown - 1)) : 0;
		char name[24];
		view v;
		status = view_of(&v, &(eg_datum_picture){f->C, f->H, f->W, f->pixels + size * (size_t)frame}, FRAME_SIDE, err);
		if (!status) status = put_image(w, &v, err);
		if (!status) eg_put(w, "</svg><small>%d%s", frame + 1, tags < 0 ? "" : ": ");
		if (!status && tags >= 0) eg_put_escaped(w, eg_class_name(s, tags, r->fields[tags].tags.at[frame], name));
		if (!status) eg_put(w, "</small></div>\n");
		eg_release(NULL, v.pixels);
	}
	eg_put(w, "<div><small>%s%d frames of %d x %d x %d</small></div>\n", shown < f->n ? "some of " : "", f->n, f->C, f->H,
	        f->W);
	return status;
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
	if (t->size <= TEXT) return;
	eg_words all = {0};
	eg_say_count(&all, eg_characters(t->bytes, t->size));
	eg_put(w, "<p><small>The beginning of %s characters.</small></p>\n", all.text);
}

static void put_token(eg_writer *w, const char *token) {
	eg_put(w, "<span class=\"t%s\">", token[0] && token[1] && (unsigned char)token[0] < 0x80 ? " w" : "");
	eg_put_escaped(w, token);
	eg_put(w, "</span>");
}

/* Tokens with their tags; those of one name (B-PER I-PER I-PER) above one line. */
static void put_tokens(eg_writer *w, const eg_source *s, const eg_record *r, const eg_datum_tokens *t) {
	const int tags = tags_of(s, r, EG_FIELD_TOKENS, t->n), shown = t->n < TOKENS ? t->n : TOKENS;
	char hex[8], name[24], next[24];
	for (int i = 0; i < shown;) {
		const int label = tags < 0 ? -1 : r->fields[tags].tags.at[i];
		const char *tag = tags < 0 ? "O" : eg_class_name(s, tags, label, name);
		int n = 1;
		if (!strcmp(tag, "O")) {
			put_token(w, t->at[i++]);
			continue;
		}
		for (; i + n < shown; n++) {
			const char *more = eg_class_name(s, tags, r->fields[tags].tags.at[i + n], next);
			if (!goes_on(more) || strcmp(kind_of(more), kind_of(tag)) != 0) break;
		}
		eg_put(w, "<span class=\"t e\" style=\"border-color:%s\">", hex_of(label < 0 ? -1 : colour_label(s, tags, label), hex));
		for (int k = 0; k < n; k++) put_token(w, t->at[i + k]);
		eg_put(w, "<small>");
		eg_put_escaped(w, kind_of(tag));
		eg_put(w, "</small></span>");
		i += n;
	}
	if (t->n > TOKENS) eg_put(w, "<p><small>The first %d of %d tokens.</small></p>\n", TOKENS, t->n);
}

/* Tags that stand below tokens. */
static bool are_shown(const eg_source *s, const eg_record *r, int tags) {
	for (int k = 0; k < s->nfields; k++) {
		const eg_datum *d = &r->fields[k];
		if (s->fields[k].kind == EG_FIELD_TOKENS && d->there && d->tokens.n <= TOKENS &&
		        tags_of(s, r, EG_FIELD_TOKENS, d->tokens.n) == tags)
			return true;
	}
	return false;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static eg_status put_field(
	eg_sheet *s, const eg_source *source, const eg_record *r, int k, const eg_value *words, eg_error *err) {
	const eg_field *f = &source->fields[k];
	const eg_datum *d = &r->fields[k];
	const char *holds = eg_text_of(words, "holds");
	eg_status status = EG_OK;
	if (d->there && f->kind == EG_FIELD_TAGS && are_shown(source, r, k)) return EG_OK;
	bool told = false; /* what it holds in words is below it */
	eg_put(s->w, "<span class=\"n\">");
	eg_put_escaped(s->w, f->name);
	eg_put(s->w, "</span><div>");
	switch (d->there ? f->kind : EG_FIELD_KINDS) {
	case EG_FIELD_PICTURE: status = put_picture(s->w, source, r, &d->picture, err); break;
	case EG_FIELD_FRAMES: status = put_frames(s->w, source, r, &d->frames, err); break;
	case EG_FIELD_MASK: put_mask_legend(s->w, source, k, &d->mask); break;
	case EG_FIELD_BOXES: put_box_legend(s->w, source, k, &d->boxes); break;
	case EG_FIELD_TEXT: put_text(s->w, &d->text); break;
	case EG_FIELD_TOKENS: put_tokens(s->w, source, r, &d->tokens); break;
	case EG_FIELD_SERIES:
		eg_put(s->w, "<div class=\"plots\">");
		status = eg_sheet_series(s, f, &d->series, err);
		eg_put(s->w, "</div>");
		told = true;
		break;
	case EG_FIELD_SOUND:
		status = eg_sheet_sound(s, &d->sound, err);
		told = true;
		break;
	default:
		eg_put_escaped(s->w, holds);
	}
	if (told) {
		eg_put(s->w, "<small>");
		eg_put_escaped(s->w, holds);
		eg_put(s->w, "</small>");
	}
	eg_put(s->w, "</div>\n");
	return status;
}

static void put_numbers(eg_writer *w, const eg_value *list, const char *between) {
	char number[32];
	for (const eg_value *v = eg_value_first(list); v; v = eg_value_next(v))
		eg_put(w, "%s%s", v == eg_value_first(list) ? "" : between, eg_brief(eg_value_number(v, 0), number));
}

/* "x f32 (1, 28, 28), -0.8 to 2.1; the first: ..." */
static void put_seen(eg_writer *w, const eg_value *seen) {
	char least[32], most[32];
	if (!eg_value_first(seen)) return;
	eg_put(w, "<details><summary>what the network gets</summary>\n");
	for (const eg_value *v = eg_value_first(seen); v; v = eg_value_next(v)) {
		const eg_value *first = eg_value_get(v, "first");
		int64_t n = 1;
		for (const eg_value *d = eg_value_first(eg_value_get(v, "shape")); d; d = eg_value_next(d)) n *= eg_value_int(d, 1);
		eg_put(w, "<p><b>");
		eg_put_escaped(w, eg_text_of(v, "input"));
		eg_put(w, "</b> %s (", eg_type_word(v));
		put_numbers(w, eg_value_get(v, "shape"), ", ");
		eg_put(w, ")");
		if (eg_value_first(first)) {
			eg_put(w, ", %s to %s:<br/><code>", eg_brief(eg_number_of(v, "min"), least), eg_brief(eg_number_of(v, "max"), most));
			put_numbers(w, first, " ");
			eg_put(w, "</code>%s", n > eg_value_count(first) ? " ..." : "");
		}
		eg_put(w, "</p>\n");
	}
	eg_put(w, "</details>\n");
}

eg_status eg_sheet_record(eg_sheet *s, const eg_source *source, const eg_record *r, const char *draw,
	const eg_value *seen, eg_error *err) {
	eg_value *words = eg_value_new(EG_VALUE_MAP);
	if (words) eg_record_describe(source, r, words);
	if (!s->records) eg_put(s->w, "<main>\n");
	s->records = true;
	eg_put(s->w, "<section>\n<h2>");
	eg_put_escaped(s->w, r->id ? r->id : "");
	if (r->group || draw) eg_put(s->w, "<small>");
	if (r->group) eg_put(s->w, ", group ");
	eg_put_escaped(s->w, r->group ? r->group : "");
	if (draw) eg_put(s->w, ", ");
	eg_put_escaped(s->w, draw ? draw : "");
	if (r->group || draw) eg_put(s->w, "</small>");
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
