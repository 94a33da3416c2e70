/* svg.c - plots as SVG 1.1 text. See plot.h.
 *
 * Widths of texts are not known here, since the viewer chooses the font: room is left for 0.62 of the font size a
 * character, which the usual sans serif fonts stay below. */
#include "report/draw.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

/* ---- text -------------------------------------------------------------------------------------------------------- */

void eg_put(eg_writer *w, const char *fmt, ...) {
	char buf[640];
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(buf, sizeof buf, fmt, args);
	va_end(args);
	if (n > 0) eg_writer_put(w, buf, (size_t)n < sizeof buf ? (size_t)n : sizeof buf - 1);
}
#define put eg_put

static void point(char *number) {
	for (; *number; number++)
		if (*number == ',') *number = '.';
}

const char *eg_number(double v, char buf[32]) {
	snprintf(buf, 32, "%.9g", v);
	point(buf);
	return buf;
}

void eg_put_base64(eg_writer *w, const uint8_t *p, size_t n) {
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	for (size_t i = 0; i < n; i += 3) {
		const unsigned second = i + 1 < n ? p[i + 1] : 0, third = i + 2 < n ? p[i + 2] : 0;
		const unsigned v = (unsigned)p[i] << 16 | second << 8 | third;
		const char four[4] = {digits[v >> 18], digits[v >> 12 & 63], i + 1 < n ? digits[v >> 6 & 63] : '=',
		        i + 2 < n ? digits[v & 63] : '='};
		eg_writer_put(w, four, 4);
	}
}

/* A coordinate: at most two digits after the point. */
const char *eg_draw_at(double v, char buf[32]) {
	long long hundredths = llround((isfinite(v) ? v : 0) * 100);
	unsigned long long u = hundredths < 0 ? -(unsigned long long)hundredths : (unsigned long long)hundredths;
	int n = snprintf(buf, 32, "%s%llu.%02llu", hundredths < 0 ? "-" : "", u / 100, u % 100);
	while (buf[n - 1] == '0') buf[--n] = 0;
	if (buf[n - 1] == '.') buf[--n] = 0;
	return buf;
}

/* Bytes of the UTF-8 character at s, 0 where there is none: overlong forms, surrogates and what XML 1.0 forbids. */
static int character(const char *s) {
	const unsigned char *u = (const unsigned char *)s;
	int n = u[0] < 0x80 ? 1 : u[0] < 0xc2 ? 0 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : u[0] < 0xf5 ? 4 : 0;
	uint32_t code = n > 1 ? u[0] & (0x7fu >> n) : u[0];
	for (int i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80) return 0;
		code = code << 6 | (u[i] & 0x3f);
	}
	if (n == 1) return code >= ' ' && code != 0x7f;
	if (n == 2 && code < 0xa0) return 0;
	if (n == 3 && (code < 0x800 || (code >= 0xd800 && code < 0xe000) || code >= 0xfffe)) return 0;
	return n == 4 && (code < 0x10000 || code > 0x10ffff) ? 0 : n;
}

/* How many bytes one shown character takes of the text, and what is shown. */
static int visible(const char *s, char shown[8]) {
	int n = character(s);
	const char *mark = *s == ' '    ? "\xc2\xb7"
	                   : *s == '\n' ? "\xc2\xb6"
	                   : *s == '\t' ? "\xc2\xbb"
	                   : n          ? NULL
	                                : "\xef\xbf\xbd";
	size_t size = mark ? strlen(mark) : (size_t)n;
	memcpy(shown, mark ? mark : s, size);
	shown[size] = 0;
	if (n) return n;
	for (n = 1; (unsigned char)*s >= 0x80 && n < 4 && ((unsigned char)s[n] & 0xc0) == 0x80;) n++;
	return n; /* the rest of a damaged character belongs to it */
}

const char *eg_plot_visible(const char *text, char *buf, size_t size) {
	size_t used = 0;
	char shown[8];
	if (!size) return buf;
	while (*text) {
		text += visible(text, shown);
		size_t n = strlen(shown);
		if (used + n >= size) break;
		memcpy(buf + used, shown, n);
		used += n;
	}
	buf[used] = 0;
	return buf;
}

void eg_put_escaped(eg_writer *w, const char *s) {
	while (*s) {
		int n = character(s);
		if (*s == '&')
			put(w, "&amp;");
		else if (*s == '<')
			put(w, "&lt;");
		else if (*s == '>')
			put(w, "&gt;");
		else if (*s == '"')
			put(w, "&quot;");
		else if (n)
			eg_writer_put(w, s, (size_t)n);
		else
			put(w, *s == '\n' || *s == '\t' ? " " : "\xef\xbf\xbd");
		s += n ? n : 1;
	}
}

static int length_of(const char *s) {
	int n = 0;
	for (; s && *s; s++) n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

double eg_draw_width(const char *s, int font) { return 0.62 * font * length_of(s); }

/* anchor: start, middle or end. turn: degrees about its own place. */
void eg_draw_text(eg_writer *w, double x, double y, int font, const char *anchor, int turn, const char *s) {
	put(w, "<text x=\"%s\" y=\"%s\" font-size=\"%d\" text-anchor=\"%s\" fill=\"" INK "\"", AT(x), AT(y), font,
	        anchor);
	if (turn) put(w, " transform=\"rotate(%d %s %s)\"", turn, AT(x), AT(y));
	put(w, ">");
	eg_put_escaped(w, s ? s : "");
	put(w, "</text>\n");
}

void eg_draw_line(eg_writer *w, double x, double y, double x2, double y2, const char *colour) {
	put(w, "<line x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\" stroke=\"%s\"/>\n", AT(x), AT(y), AT(x2), AT(y2), colour);
}

static void begin_file(eg_writer *w) { put(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"); }

void eg_draw_head(eg_writer *w, double width, double height, const char *title) {
	put(w,
	        "<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" "
	        "width=\"%s\" height=\"%s\" viewBox=\"0 0 %s %s\" " FONT ">\n<title>",
	        AT(width), AT(height), AT(width), AT(height));
	eg_put_escaped(w, title ? title : "");
	put(w, "</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n");
}

/* ---- axes -------------------------------------------------------------------------------------------------------- */

double eg_axis_place(const eg_axis *a, double v) {
	return a->from + ((a->log ? log10(v) : v) - a->lo) / (a->hi - a->lo) * (a->to - a->from);
}

/* 1, 2 or 5 times a power of ten, such that there are about `ticks` of them. */
double eg_axis_step(double range, int ticks) {
	double rough = range / ticks, power = pow(10, floor(log10(rough))), m = rough / power;
	return power * (m < 1.5 ? 1 : m < 3.5 ? 2 : m < 7.5 ? 5 : 10);
}

void eg_axis_fit_linear(eg_axis *a, double lo, double hi, int ticks, bool exact) {
	if (!(hi > lo)) lo -= fabs(lo) * 0.5 + 0.5, hi = lo + 2 * (fabs(lo) * 0.5 + 0.5);
	a->step = eg_axis_step(hi - lo, ticks);
	a->lo = exact ? lo : floor(lo / a->step + 1e-9) * a->step;
	a->hi = exact ? hi : ceil(hi / a->step - 1e-9) * a->step;
}

void eg_axis_fit_log(eg_axis *a, double lo, double hi) {
	a->log = true;
	a->lo = floor(log10(lo) + 1e-9);
	a->hi = ceil(log10(hi) - 1e-9);
	if (a->hi <= a->lo) a->hi = a->lo + 1;
	a->step = ceil((a->hi - a->lo) / 10);
}

/* As few digits as tell it from its neighbours. */
const char *eg_draw_number(double v, double step, char buf[32]) {
	int digits = step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9);
	if (fabs(v) < step * 1e-6) v = 0;
	if (fabs(v) >= 1e6 || digits > 5)
		snprintf(buf, 32, "%.3g", v);
	else
		snprintf(buf, 32, "%.*f", digits, v);
	point(buf);
	return buf;
}

/* 10 to the k as text, the exponent raised by hand: not every viewer knows baseline-shift, not every font such
 * digits. */
static void power_label(eg_writer *w, double x, double y, const char *anchor, int k) {
	put(w, "<text x=\"%s\" y=\"%s\" font-size=\"%d\" text-anchor=\"%s\" fill=\"" INK "\">", AT(x), AT(y), SMALL,
	        anchor);
	if (k >= 0 && k <= 3)
		put(w, "%d</text>\n", k == 0 ? 1 : k == 1 ? 10 : k == 2 ? 100 : 1000);
	else
		put(w, "10<tspan dy=\"-5\" font-size=\"%d\">%s%d</tspan></text>\n", SMALL - 2,
		        k < 0 ? "\xe2\x88\x92" : "", k < 0 ? -k : k);
}

void eg_axis_draw_y(eg_writer *w, const eg_axis *y, const eg_axis *x) {
	char label[32];
	/* An exact axis may begin anywhere. */
	const double first = y->log ? y->lo : ceil(y->lo / y->step - 1e-9) * y->step;
	int n = (int)((y->hi - first) / y->step + 1e-6);
	for (int i = 0; i <= n; i++) {
		double v = first + i * y->step, at_y = eg_axis_place(y, y->log ? pow(10, v) : v);
		eg_draw_line(w, x->from, at_y, x->to, at_y, FAINT);
		if (y->log)
			power_label(w, x->from - 7, at_y + 4, "end", (int)v);
		else
			eg_draw_text(w, x->from - 7, at_y + 4, SMALL, "end", 0, eg_draw_number(v, y->step, label));
	}
	for (int k = (int)y->lo; y->log && y->hi - y->lo <= 6 && k < (int)y->hi; k++)
		for (int m = 2; m < 10; m++) {
			double at_y = eg_axis_place(y, m * pow(10, k));
			eg_draw_line(w, x->from, at_y, x->from + (m == 5 ? 5 : 3), at_y, INK);
		}
}

static void x_axis(eg_writer *w, const eg_axis *x, const eg_axis *y) {
	char label[32];
	int first = (int)ceil(x->lo / x->step - 1e-9), last = (int)floor(x->hi / x->step + 1e-9);
	for (int i = first; i <= last; i++) {
		double v = i * x->step, at_x = eg_axis_place(x, x->log ? pow(10, v) : v);
		eg_draw_line(w, at_x, y->from, at_x, y->from + 5, INK);
		if (x->log)
			power_label(w, at_x, y->from + 18, "middle", (int)v);
		else
			eg_draw_text(w, at_x, y->from + 18, SMALL, "middle", 0, eg_draw_number(v, x->step, label));
	}
}

/* ---- lines ------------------------------------------------------------------------------------------------------- */

/* Okabe and Ito 2008: told apart by people who see colours otherwise. Yellow, which is lost on white, is left out. */
static const char *const line_colours[] = {
	"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#000000", "#e69f00", "#56b4e9", "#777777"};

static const char *dashes(int i) { return i < EG_COUNT(line_colours) ? "" : " stroke-dasharray=\"7 4\""; }

static const char *colour_of(const eg_line_plot *p, int i) {
	if (p->thin_first && i == 0) return "#a9bfd0";
	return line_colours[(i - p->thin_first) % EG_COUNT(line_colours)];
}

static bool shown(const eg_line_plot *p, double x, double y) {
	return isfinite(x) && isfinite(y) && (!p->log_x || x > 0) && (!p->log_y || y > 0);
}

static void fit_axes(const eg_line_plot *p, eg_axis *x, eg_axis *y) {
	double lo_x = INFINITY, hi_x = -INFINITY, lo = INFINITY, hi = -INFINITY;
	for (int i = 0; i < p->nseries; i++)
		for (int k = 0; k < p->series[i].n; k++) {
			double vx = p->series[i].x[k], vy = p->series[i].y[k];
			if (!shown(p, vx, vy)) continue;
			lo_x = fmin(lo_x, vx), hi_x = fmax(hi_x, vx);
			lo = fmin(lo, vy), hi = fmax(hi, vy);
		}
	for (int i = 0; i < p->nbands; i++)
		for (int k = 0; k < p->bands[i].n; k++) {
			const double at = p->bands[i].x[k];
			if (!shown(p, at, p->bands[i].low[k]) || !shown(p, at, p->bands[i].high[k])) continue;
			lo = fmin(lo, p->bands[i].low[k]), hi = fmax(hi, p->bands[i].high[k]);
		}
	const eg_plot_picture *picture = p->picture;
	if (picture) lo_x = fmin(lo_x, picture->x0), hi_x = fmax(hi_x, picture->x1), lo = fmin(lo, picture->y0), hi = fmax(hi, picture->y1);
	if (lo_x > hi_x) lo_x = p->log_x ? 0.1 : 0, hi_x = 1, lo = p->log_y ? 0.1 : 0, hi = 1; /* nothing to be seen */
	if (p->y_min < p->y_max) lo = p->y_min, hi = p->y_max;
	if (p->x_max > 0) hi_x = fmax(hi_x, p->x_max);
	if (p->log_x)
		eg_axis_fit_log(x, lo_x, hi_x);
	else
		eg_axis_fit_linear(x, lo_x, hi_x, p->width > 0 && p->width < 400 ? 5 : 8, true);
	if (p->log_y)
		eg_axis_fit_log(y, lo, hi);
	else
		eg_axis_fit_linear(y, lo, hi, p->height > 0 && p->height < 200 ? 4 : 6, p->y_min < p->y_max || p->picture);
}

/* What lies below the lines; its pixels stay as they are. */
static void picture(eg_writer *w, const eg_plot_picture *p, const eg_axis *x, const eg_axis *y) {
	const double left = eg_axis_place(x, p->x0), right = eg_axis_place(x, p->x1), top = eg_axis_place(y, p->y1), end = eg_axis_place(y, p->y0);
	put(w, "<image x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" "
	       "href=\"data:image/png;base64,",
	        AT(left), AT(top), AT(right - left), AT(end - top));
	eg_put_base64(w, p->png, p->size);
	put(w, "\"/>\n");
	for (int i = 0; p->rows && i < p->nrows; i++)
		eg_draw_text(w, x->from - 7, top + (end - top) * (i + 0.5) / p->nrows + 4, SMALL, "end", 0, p->rows[i]);
}

static void curve(eg_writer *w, const eg_line_plot *p, int i, const eg_axis *x, const eg_axis *y) {
	const eg_series *s = &p->series[i];
	const bool thin = i == 0 && p->thin_first;
	bool down = false;
	put(w,
	        "<path fill=\"none\" stroke=\"%s\" stroke-width=\"%s\" stroke-linejoin=\"round\" "
	        "clip-path=\"url(#frame%d)\"%s "
	        "d=\"",
	        colour_of(p, i), thin ? "1" : "1.8", p->number, dashes(i));
	for (int k = 0; k < s->n; k++) {
		bool here = shown(p, s->x[k], s->y[k]);
		if (here) {
			/* Far beyond the frame is as good as beyond: viewers compute in single precision. */
			double at_y = fmin(fmax(eg_axis_place(y, s->y[k]), y->to - 2000), y->from + 2000);
			put(w, "%s%s %s ", down ? "L" : "M", AT(eg_axis_place(x, s->x[k])), AT(at_y));
			const bool alone = !down && (k + 1 == s->n || !shown(p, s->x[k + 1], s->y[k + 1]));
			if (alone) put(w, "h0.01");
		}
		down = here;
	}
	put(w, "\" stroke-linecap=\"round\"/>\n");
}

static void band(eg_writer *w, const eg_line_plot *p, const eg_band *b, const eg_axis *x, const eg_axis *y) {
	put(w, "<path fill=\"%s\" fill-opacity=\"0.2\" stroke=\"none\" clip-path=\"url(#frame%d)\" d=\"",
	        line_colours[b->series % EG_COUNT(line_colours)], p->number);
	for (int k = 0; k < 2 * b->n; k++) {
		int i = k < b->n ? k : 2 * b->n - 1 - k;
		double at_y = eg_axis_place(y, k < b->n ? b->high[i] : b->low[i]);
		put(w, "%s%s %s ", k ? "L" : "M", AT(eg_axis_place(x, b->x[i])), AT(fmin(fmax(at_y, y->to - 2000), y->from + 2000)));
	}
	put(w, "Z\"/>\n");
	if (b->name)
		eg_draw_text(w, (eg_axis_place(x, b->x[0]) + eg_axis_place(x, b->x[b->n - 1])) / 2, y->to - 5, NORMAL, "middle", 0, b->name);
}

static void legend(eg_writer *w, const eg_line_plot *p, double x, double y) {
	for (int i = 0; i < p->nseries; i++, y += 20) {
		if (!p->series[i].name[0]) continue; /* one line whose title says it all */
		put(w, "<line x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\" stroke=\"%s\" stroke-width=\"2.5\"%s/>\n", AT(x),
		        AT(y), AT(x + 24), AT(y), colour_of(p, i), dashes(i));
		eg_draw_text(w, x + 30, y + 4, NORMAL, "start", 0, p->series[i].name);
	}
}

/* Their words away from the middle of both, one below the other where there are more. */
static void marks(eg_writer *w, const eg_line_plot *p, const eg_axis *x, const eg_axis *y) {
	for (int i = 0; i < p->nmarks; i++) {
		if (!shown(p, p->marks[i].x, 1)) continue;
		double at_x = eg_axis_place(x, p->marks[i].x);
		if (!(at_x >= x->from && at_x <= x->to)) continue;
		const bool left = p->nmarks == 2 ? p->marks[i].x < p->marks[1 - i].x : at_x > (x->from + x->to) / 2;
		put(w, "<line x1=\"%s\" y1=\"%s\" x2=\"%s\" y2=\"%s\" stroke=\"%s\" stroke-dasharray=\"4 3\"/>\n", AT(at_x),
		        AT(y->from), AT(at_x), AT(y->to), INK);
		eg_draw_text(w, at_x + (left ? -5 : 5), y->to + 16 + (p->nmarks > 2 ? 16 * i : 0), SMALL, left ? "end" : "start", 0, p->marks[i].name);
	}
}

void eg_plot_lines_into(eg_writer *w, const eg_line_plot *p) {
	double names = 0;
	eg_axis x = {.from = 76}, y = {.to = 46};
	for (int i = 0; i < p->nseries; i++) names = fmax(names, eg_draw_width(p->series[i].name, NORMAL));
	x.to = x.from + (p->width > 0 ? p->width : 520);
	y.from = y.to + (p->height > 0 ? p->height : 330);
	fit_axes(p, &x, &y);
	eg_draw_head(w, x.to + names + 62, y.from + 58, p->title);
	put(w, "<clipPath id=\"frame%d\"><rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\"/></clipPath>\n", p->number, AT(x.from),
	        AT(y.to), AT(x.to - x.from), AT(y.from - y.to));
	eg_draw_text(w, x.from, 26, LARGE, "start", 0, p->title);
	if (!p->picture || !p->picture->rows) eg_axis_draw_y(w, &y, &x);
	if (p->picture) picture(w, p->picture, &x, &y);
	x_axis(w, &x, &y);
	for (int i = 0; i < p->nbands; i++) band(w, p, &p->bands[i], &x, &y);
	marks(w, p, &x, &y);
	for (int i = 0; i < p->nseries; i++) curve(w, p, i, &x, &y);
	put(w, "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" fill=\"none\" stroke=\"" INK "\"/>\n", AT(x.from),
	        AT(y.to), AT(x.to - x.from), AT(y.from - y.to));
	eg_draw_text(w, (x.from + x.to) / 2, y.from + 42, NORMAL, "middle", 0, p->x_title);
	eg_draw_text(w, 20, (y.from + y.to) / 2, NORMAL, "middle", -90, p->y_title);
	legend(w, p, x.to + 16, y.to + 12);
	put(w, "</svg>\n");
}

eg_status eg_plot_lines(const char *path, const eg_line_plot *p, eg_error *err) {
	if (p->nseries < 1 || p->nseries > EG_MAX_SERIES)
		return eg_fail(
		        err, EG_ERR_ARG, "%s: a plot of %d lines; it takes 1 to %d", path, p->nseries, EG_MAX_SERIES);
	if (p->log_y && p->y_min < p->y_max && p->y_min <= 0)
		return eg_fail(err, EG_ERR_ARG, "%s: a logarithmic axis cannot begin at %g", path, p->y_min);
	eg_writer *w = eg_writer_new(NULL, path, err);
	if (!w) return err ? err->status : EG_ERR_IO;
	begin_file(w);
	eg_plot_lines_into(w, p);
	return eg_writer_commit(w, err);
}

/* ---- colours ----------------------------------------------------------------------------------------------------- */

/* At equal distances; between them it is linear. RdBu of ColorBrewer (Brewer 2003) with blue below, and viridis (van
 * der Walt and Smith 2015): both keep their order in grey and for people who see colours otherwise. */
static const uint8_t diverging[][3] = {{33, 102, 172}, {67, 147, 195}, {146, 197, 222}, {209, 229, 240},
	{247, 247, 247}, {253, 219, 199}, {244, 165, 130}, {214, 96, 77}, {178, 24, 43}};
static const uint8_t sequential[][3] = {{68, 1, 84}, {71, 44, 122}, {59, 81, 139}, {44, 113, 142}, {33, 144, 141},
	{39, 173, 129}, {92, 200, 99}, {170, 220, 50}, {253, 231, 37}};

enum { LEVELS = 65 }; /* odd: the middle is a level of its own */

static const char *level_colour(eg_colours kind, int level, char buf[8]) {
	const uint8_t(*stops)[3] = kind == EG_DIVERGING ? diverging : sequential;
	int per = (LEVELS - 1) / (EG_COUNT(diverging) - 1), i = level / per, part = level % per, rgb[3];
	for (int c = 0; c < 3; c++) {
		int next = part ? stops[i + 1][c] : 0;
		rgb[c] = (stops[i][c] * (per - part) + next * part + per / 2) / per;
	}
	snprintf(buf, 8, "#%02x%02x%02x", (unsigned)rgb[0] & 0xff, (unsigned)rgb[1] & 0xff, (unsigned)rgb[2] & 0xff);
	return buf;
}

const char *eg_draw_colour(eg_colours kind, double share, char buf[8]) {
	return level_colour(kind, (int)lround(fmin(fmax(share, 0), 1) * (LEVELS - 1)), buf);
}

/* -1: not a number. */
static int level_of(const eg_heat_panel *p, double v) {
	if (isnan(v)) return -1;
	double share = p->hi > p->lo ? (v - p->lo) / (p->hi - p->lo) : 0.5;
	return (int)lround(fmin(fmax(share, 0), 1) * (LEVELS - 1));
}

/* ---- heat maps --------------------------------------------------------------------------------------------------- */

enum { CELL = 13, TITLE = 30, BELOW = 34, BAR = 14, BAR_ROOM = 76, BAR_MOST = 104, BAR_LEAST = 39 };

typedef struct heat_place {
	double x, y, labels; /* where cells begin; height of the column labels above */
	bool turned;         /* column labels are words and stand upright */
} heat_place;

/* As high as the cells, but not so low that its numbers run into each other. */
static double bar_height(const eg_heat_panel *p) { return fmin(fmax(p->rows * CELL, BAR_LEAST), BAR_MOST); }

static double panel_height(const eg_heat_panel *p, double labels) {
	return TITLE + labels + fmax(p->rows * CELL + BELOW, bar_height(p) + 14);
}

/* One path a colour, a run of equal cells is one rectangle: some bytes a cell instead of a hundred. */
static void cells(eg_writer *w, const eg_heat_map *m, const eg_heat_panel *p, const heat_place *at_) {
	char colour[8];
	put(w,
	        "<rect x=\"%s\" y=\"%s\" width=\"%d\" height=\"%d\" fill=\"#b0b0b0\"/>\n<g "
	        "shape-rendering=\"crispEdges\">\n",
	        AT(at_->x), AT(at_->y), m->columns * CELL, p->rows * CELL);
	for (int level = 0; level < LEVELS; level++) {
		bool begun = false;
		for (int r = 0; r < p->rows; r++)
			for (int c = 0, n; c < m->columns; c += n) {
				const double *v = p->values + (size_t)r * (size_t)m->columns;
				for (n = 1; c + n < m->columns && level_of(p, v[c + n]) == level_of(p, v[c]);) n++;
				if (level_of(p, v[c]) != level) continue;
				if (!begun) put(w, "<path fill=\"%s\" d=\"", level_colour(p->colours, level, colour));
				put(w, "M%s %sh%dv%dh-%dz", AT(at_->x + c * CELL), AT(at_->y + r * CELL), n * CELL,
				        CELL, n * CELL);
				begun = true;
			}
		if (begun) put(w, "\"/>\n");
	}
	put(w,
	        "</g>\n<rect x=\"%s\" y=\"%s\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"" INK
	        "\" stroke-width=\"0.7\"/>\n",
	        AT(at_->x), AT(at_->y), m->columns * CELL, p->rows * CELL);
}

static void colour_bar(eg_writer *w, const eg_heat_panel *p, double x, double y) {
	char buf[32], colour[8];
	double height = bar_height(p) / LEVELS;
	put(w, "<g shape-rendering=\"crispEdges\">\n");
	for (int i = 0; i < LEVELS; i++)
		put(w, "<rect x=\"%s\" y=\"%s\" width=\"%d\" height=\"%s\" fill=\"%s\"/>\n", AT(x),
		        AT(y + (LEVELS - 1 - i) * height), BAR, AT(height + 0.3), level_colour(p->colours, i, colour));
	put(w, "</g>\n");
	for (int i = 0; i <= 2; i++) {
		double v = p->lo + (p->hi - p->lo) * i / 2, at_y = y + bar_height(p) * (2 - i) / 2;
		double step = eg_axis_step(p->hi > p->lo ? p->hi - p->lo : 1, 40);
		eg_draw_line(w, x + BAR, at_y, x + BAR + 3, at_y, INK);
		eg_draw_text(w, x + BAR + 6, at_y + 4, SMALL, "start", 0, eg_draw_number(v, step, buf));
	}
}

static void column_labels(eg_writer *w, const eg_heat_map *m, const heat_place *at_) {
	char buf[96];
	for (int c = 0; c < m->columns && m->column_labels; c++) {
		const char *label = eg_plot_visible(m->column_labels[c], buf, sizeof buf);
		double x = at_->x + (c + 0.5) * CELL;
		if (at_->turned)
			eg_draw_text(w, x + 4, at_->y - 4, SMALL, "start", -90, label);
		else
			eg_draw_text(w, x, at_->y - 4, NORMAL, "middle", 0, label);
	}
}

static void panel(eg_writer *w, const eg_heat_map *m, const eg_heat_panel *p, const heat_place *top) {
	char buf[32];
	heat_place at_ = *top;
	eg_draw_text(w, at_.x, at_.y + TITLE - 11, NORMAL + 1, "start", 0, p->title);
	at_.y += TITLE + at_.labels;
	column_labels(w, m, &at_);
	cells(w, m, p, &at_);
	for (int r = 0; r < p->rows && p->row_labels; r++)
		eg_draw_text(w, at_.x - 6, at_.y + (r + 0.5) * CELL + 4, SMALL, "end", 0, p->row_labels[r]);
	int every = m->columns <= 20 ? 5 : 10;
	for (int c = 0; c < m->columns; c += every) {
		double x = at_.x + (c + 0.5) * CELL, y = at_.y + p->rows * CELL;
		eg_draw_line(w, x, y, x, y + 4, INK);
		eg_draw_text(w, x, y + 15, SMALL, "middle", 0, eg_draw_number(c, 1, buf));
	}
	colour_bar(w, p, at_.x + m->columns * CELL + 16, at_.y);
}

static void draw_heat(eg_writer *w, const eg_heat_map *m) {
	char buf[96];
	double rows = 20, longest = 0, height = 44;
	heat_place at_ = {.y = 38};
	for (int i = 0; i < m->npanels; i++)
		for (int r = 0; r < m->panels[i].rows && m->panels[i].row_labels; r++)
			rows = fmax(rows, eg_draw_width(m->panels[i].row_labels[r], SMALL));
	for (int c = 0; c < m->columns && m->column_labels; c++) {
		const char *label = eg_plot_visible(m->column_labels[c], buf, sizeof buf);
		at_.turned |= length_of(label) > 1;
		longest = fmax(longest, eg_draw_width(label, SMALL));
	}
	at_.x = rows + 18;
	at_.labels = !m->column_labels ? 0 : at_.turned ? longest + 6 : 16;
	for (int i = 0; i < m->npanels; i++) height += panel_height(&m->panels[i], at_.labels);
	double width = at_.x + m->columns * CELL + BAR_ROOM + 12;
	eg_draw_head(w, fmax(width, at_.x + eg_draw_width(m->title, LARGE) + 12), height, m->title);
	eg_draw_text(w, at_.x, 26, LARGE, "start", 0, m->title);
	for (int i = 0; i < m->npanels; i++) {
		panel(w, m, &m->panels[i], &at_);
		at_.y += panel_height(&m->panels[i], at_.labels);
	}
	put(w, "</svg>\n");
}

eg_status eg_plot_heat(const char *path, const eg_heat_map *m, eg_error *err) {
	if (m->columns < 1 || m->npanels < 1)
		return eg_fail(err, EG_ERR_ARG, "%s: a heat map of %d columns and %d panels; it needs one of each",
		        path, m->columns, m->npanels);
	eg_writer *w = eg_writer_new(NULL, path, err);
	if (!w) return err ? err->status : EG_ERR_IO;
	begin_file(w);
	draw_heat(w, m);
	return eg_writer_commit(w, err);
}
