/* forecast.c - the picture of a forecast: the past, what is expected, how sure that is, and what was expected
 * before; and the page around it, with a few lines of script that say what is under the pointer. */
#include "engram_report.h"
#include "engram_series.h"
#include "report/draw.h"
#include "data/raster.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 860, HEIGHT = 380, LEFT = 76 }; /* as eg_plot_lines_into has it */

#define put eg_put

/* ---- the picture ------------------------------------------------------------------------------------------------- */

/* Forecasts from earlier origins, those that do not overlap, in one line with gaps. */
typedef struct folds {
	double *x, *y;
	int n;
} folds;

static bool gather_folds(const eg_forecast_plot *p, folds *f) {
	const eg_rolling *t = p->trial;
	const int h = t ? t->horizon : 0;
	int next = t && t->origins > 0 ? t->origin[t->origins - 1] : 0;
	const size_t room = t ? (size_t)t->origins * (size_t)(h + 1) + 1 : 1;
	*f = (folds){.x = eg_alloc(NULL, room * sizeof *f->x), .y = eg_alloc(NULL, room * sizeof *f->y)};
	if (!f->x || !f->y) return false;
	for (int i = t ? t->origins - 1 : -1; i >= 0; i--) { /* the last one first; each is drawn forwards */
		const int from = t->origin[i] - p->before;
		if (t->origin[i] > next || from < 0) continue;
		next = t->origin[i] - h;
		for (int k = 0; k < h && from + k < p->past; k++)
			f->x[f->n] = p->x[from + k], f->y[f->n++] = t->mean[(ptrdiff_t)i * h + k];
		if (h > 1) f->x[f->n] = NAN, f->y[f->n++] = NAN;
	}
	return true;
}

static void draw(eg_writer *w, const eg_forecast_plot *p, const folds *f) {
	const eg_outlook *o = p->outlook;
	const double *ahead = p->x + p->past;
	const eg_series lines[3] = {{.name = "measured", .x = p->x, .y = p->values, .n = p->past},
		{.name = "forecast", .x = ahead, .y = o->mean, .n = o->horizon}, {.name = "forecast before", .x = f->x, .y = f->y, .n = f->n}};
	const eg_band bands[2] = {{ahead, o->quantiles[0], o->quantiles[EG_LEVELS - 1], o->horizon, 1, NULL},
		{ahead, o->quantiles[1], o->quantiles[EG_LEVELS - 2], o->horizon, 1, NULL}};
	const eg_line_plot plot = {.title = p->title, .x_title = p->x_title, .y_title = p->y_title, .series = lines,
		.nseries = f->n > 0 ? 3 : 2, .bands = bands, .nbands = 2, .width = WIDTH, .height = HEIGHT};
	eg_plot_lines_into(w, &plot);
}

/* ---- the page ---------------------------------------------------------------------------------------------------- */

static const char style[] = "body{font:15px/1.5 system-ui,sans-serif;margin:1.5em auto;max-width:1120px;padding:0 1em;color:#222;"
	"background:#fff}table{border-collapse:collapse;margin:1em 0}th,td{padding:.15em .8em;text-align:right;"
	"border-bottom:1px solid #ddd;white-space:nowrap;font-variant-numeric:tabular-nums}th:first-child,td:first-child{text-align:left}"
	"#p{position:relative}#p svg{max-width:100%;height:auto}#b{position:absolute;display:none;pointer-events:none;background:#fff;"
	"border:1px solid #888;padding:.2em .6em;white-space:pre;font-size:13px}\n";

/* d: [pixel, time, value, forecast, 95 % from, 80 % from, 80 % to, 95 % to] of each step; what there is none of is
 * null. */
static const char script[] =
	"const p=document.getElementById('p'),b=document.getElementById('b'),s=p.querySelector('svg'),n='http://www.w3.org/2000/svg';\n"
	"const l=document.createElementNS(n,'line');l.setAttribute('stroke','#888');l.setAttribute('y1',46);l.setAttribute('y2',426);\n"
	"l.style.display='none';s.appendChild(l);\n"
	"p.onmousemove=e=>{const r=s.getBoundingClientRect(),x=(e.clientX-r.left)*s.viewBox.baseVal.width/r.width;\n"
	"let k=0;d.forEach((v,i)=>{if(Math.abs(v[0]-x)<Math.abs(d[k][0]-x))k=i});const v=d[k],f=y=>+y.toPrecision(5);\n"
	"l.setAttribute('x1',v[0]);l.setAttribute('x2',v[0]);l.style.display=b.style.display='block';\n"
	"b.textContent=v[1]+(v[2]===null?'':'\\nmeasured '+f(v[2]))+(v[3]===null?'':'\\nforecast '+f(v[3])+'\\n80 % '+f(v[5])+' to '+f(v[6])+"
	"'\\n95 % '+f(v[4])+' to '+f(v[7]));\n"
	"b.style.left=Math.min(e.clientX-r.left+14,r.width-b.offsetWidth)+'px';b.style.top=(e.clientY-r.top+14)+'px'};\n"
	"p.onmouseleave=()=>{l.style.display=b.style.display='none'};\n";

static void put_number(eg_writer *w, double v) {
	char buf[32];
	if (isfinite(v))
		put(w, ",%s", eg_number(v, buf));
	else
		put(w, ",null");
}

/* A text in a script: quoted, and nothing in it that ends the script. */
static void put_text(eg_writer *w, const char *s) {
	put(w, ",\"");
	for (; *s; s++) {
		if (strchr("\"\\<>&", *s) || (unsigned char)*s < ' ')
			put(w, "\\u%04x", (unsigned char)*s);
		else
			eg_writer_put(w, s, 1);
	}
	put(w, "\"");
}

static void put_data(eg_writer *w, const eg_forecast_plot *p, const eg_forecast_words *words) {
	const eg_outlook *o = p->outlook;
	const int n = p->past + o->horizon;
	int first = 0; /* the axis begins with the first value that is there */
	while (first < p->past && isnan(p->values[first])) first++;
	const double lo = p->x[first < n ? first : 0], hi = p->x[n - 1];
	put(w, "const d=[");
	for (int i = 0; i < n; i++) {
		const int h = i - p->past;
		char buf[32];
		put(w, "%s[%s", i ? ",\n" : "", eg_draw_at(LEFT + (hi > lo ? (p->x[i] - lo) / (hi - lo) : 0) * WIDTH, buf));
		put_text(w, words->times[i]);
		put_number(w, h < 0 ? p->values[i] : (double)NAN);
		put_number(w, h < 0 ? (double)NAN : o->mean[h]);
		for (int q = 0; q < EG_LEVELS; q++)
			if (q != EG_LEVELS / 2) put_number(w, h < 0 ? (double)NAN : o->quantiles[q][h]);
		put(w, "]");
	}
	put(w, "];\n");
}

static void put_cell(eg_writer *w, const char *tag, const char *s) {
	put(w, "<%s>", tag);
	eg_put_escaped(w, s);
	put(w, "</%s>", tag);
}

static void put_models(eg_writer *w, const eg_forecast_words *words) {
	put(w, "<table>\n<tr>");
	for (int i = 0; i < words->columns; i++) put_cell(w, "th", words->heads[i]);
	put(w, "</tr>\n");
	for (int r = 0; r < words->rows; r++) {
		put(w, "<tr>");
		for (int i = 0; i < words->columns; i++) put_cell(w, "td", words->cells[(ptrdiff_t)r * words->columns + i]);
		put(w, "</tr>\n");
	}
	put(w, "</table>\n");
}

static void put_forecast(eg_writer *w, const eg_forecast_plot *p, const eg_forecast_words *words) {
	const eg_outlook *o = p->outlook;
	put(w, "<table>\n<tr><th>time</th><th>forecast</th><th>80 %% from</th><th>to</th><th>95 %% from</th><th>to</th></tr>\n");
	for (int h = 0; h < o->horizon; h++) {
		const double v[5] = {o->mean[h], o->quantiles[1][h], o->quantiles[3][h], o->quantiles[0][h], o->quantiles[4][h]};
		put(w, "<tr>");
		put_cell(w, "td", words->times[p->past + h]);
		for (int k = 0; k < 5; k++) {
			char buf[32];
			snprintf(buf, sizeof buf, "%.5g", v[k]);
			put_cell(w, "td", buf);
		}
		put(w, "</tr>\n");
	}
	put(w, "</table>\n");
}

static void page(eg_writer *w, const eg_forecast_plot *p, const eg_forecast_words *words, const folds *f) {
	put(w, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<title>");
	eg_put_escaped(w, p->title);
	put(w, "</title>\n<style>\n");
	eg_writer_put(w, style, sizeof style - 1);
	put(w, "</style>\n</head>\n<body>\n<div id=\"p\">\n");
	draw(w, p, f);
	put(w, "<div id=\"b\"></div>\n</div>\n");
	for (int i = 0; words->notes[i]; i++) {
		put_cell(w, "p", words->notes[i]);
		put(w, "\n");
	}
	put_models(w, words);
	put_forecast(w, p, words);
	put(w, "<script>\n");
	put_data(w, p, words);
	eg_writer_put(w, script, sizeof script - 1);
	put(w, "</script>\n</body>\n</html>\n");
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static bool ends_with(const char *s, const char *end) {
	const size_t n = strlen(s), m = strlen(end);
	return n > m && !strcmp(s + n - m, end);
}

static eg_status save(const char *path, const eg_forecast_plot *p, const eg_forecast_words *words, const folds *f, eg_error *err) {
	eg_error own;
	if (!err) err = &own;
	eg_writer *w = eg_writer_new(NULL, path, err);
	if (!w) return err->status;
	if (words)
		page(w, p, words, f);
	else {
		put(w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
		draw(w, p, f);
	}
	return eg_writer_commit(w, err);
}

eg_status eg_plot_forecast(const char *path, const eg_forecast_plot *p, const eg_forecast_words *words, eg_error *err) {
	folds f;
	const bool html = words && ends_with(path, ".html"), png = ends_with(path, ".png");
	char svg[4096];
	eg_status status = gather_folds(p, &f) ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for the picture '%s'", path);
	if (!status && png && snprintf(svg, sizeof svg, "%s.svg~", path) >= (int)sizeof svg)
		status = eg_fail(err, EG_ERR_ARG, "'%.60s...': the name is too long", path);
	if (!status) status = save(png ? svg : path, p, html ? words : NULL, &f, err);
	if (!status && png) status = eg_raster_file(svg, path, err);
	eg_release(NULL, f.x);
	eg_release(NULL, f.y);
	return status;
}
