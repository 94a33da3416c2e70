/* search_page.c - the page of a search, drawn: every trial, what each key is worth, the two that matter most against
 * each other, each key alone; as a picture, or in HTML with a table of the best trials.
 *
 * Dark dots are good trials and pale ones bad, by rank; one that was stopped is hollow, one that failed a cross. */
#include "report/draw.h"
#include "report/search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ACCENT "#d55e00"
#define QUIET "#666666"

enum { WIDTH = 1040, LEFT = 72, GRID = 3, BEST_SHOWN = 10, NAMES = 26 };

typedef struct frame {
	double x, y, width, height; /* of the drawing, without its words */
} frame;

typedef struct page {
	eg_writer *w;
	const eg_shown_search *s;
	eg_axis value; /* of values, downwards; from and to are set for each frame */
} page;

#define put eg_put

/* ---- pieces ------------------------------------------------------------------------------------------------------ */

static void box(eg_writer *w, const frame *f) {
	put(w, "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" fill=\"none\" stroke=\"" INK "\"/>\n", AT(f->x), AT(f->y),
	        AT(f->width), AT(f->height));
}

static void heading(eg_writer *w, double x, double y, const char *words) {
	eg_draw_text(w, x, y, NORMAL + 1, "start", 0, words);
}

/* A text cut to so many characters. */
static const char *cut(const char *s, int most, char *buf, size_t size) {
	int n = 0;
	size_t i = 0;
	while (s[i] && (n < most || ((unsigned char)s[i] & 0xc0) == 0x80) && i + 8 < size) {
		n += ((unsigned char)s[i] & 0xc0) != 0x80;
		buf[i] = s[i], i++;
	}
	snprintf(buf + i, size - i, "%s", s[i] ? "\xe2\x80\xa6" : "");
	return buf;
}

static const char *value_text(double v, char buf[32]) {
	if (!isfinite(v)) return "-";
	const double unit = v != 0 ? pow(10, floor(log10(fabs(v))) - 3) : 1;
	return eg_number(unit < 1 ? round(v / unit) / round(1 / unit) : round(v / unit) * unit, buf);
}

static void dot_title(const page *p, const eg_shown_trial *t, bool all) {
	char number[64];
	put(p->w, "<title>trial %d", t->number);
	if (t->state == EG_SHOWN_FAILED)
		put(p->w, ", failed");
	else
		put(p->w, ": %s%s", value_text(t->value, number), t->state == EG_SHOWN_STOPPED ? ", stopped" : "");
	for (int i = 0; all && i < p->s->nkeys; i++) {
		if (isnan(t->at[i])) continue;
		put(p->w, "&#10;");
		eg_put_escaped(p->w, p->s->keys[i].label);
		put(p->w, ": ");
		eg_put_escaped(p->w, eg_shown_text(&p->s->keys[i], t->at[i], number));
	}
	put(p->w, "</title>");
}

static void dot(const page *p, const eg_shown_trial *t, double x, double y, bool all) {
	char colour[8];
	eg_draw_colour(EG_SEQUENTIAL, 0.9 * (1 - t->merit), colour);
	if (t->state == EG_SHOWN_FAILED) {
		put(p->w, "<path d=\"M%s %sl6 6m0 -6l-6 6\" stroke=\"" ACCENT "\" stroke-width=\"1.6\" fill=\"none\">", AT(x - 3),
		        AT(y - 3));
		dot_title(p, t, all);
		put(p->w, "</path>\n");
		return;
	}
	put(p->w, "<circle cx=\"%s\" cy=\"%s\" r=\"%s\" ", AT(x), AT(y), t->state == EG_SHOWN_STOPPED ? "3" : "3.6");
	if (t->state == EG_SHOWN_STOPPED)
		put(p->w, "fill=\"#ffffff\" stroke=\"%s\" stroke-width=\"1.3\">", colour);
	else
		put(p->w, "fill=\"%s\" fill-opacity=\"0.85\">", colour);
	dot_title(p, t, all);
	put(p->w, "</circle>\n");
}

static void ring(const page *p, double x, double y) {
	put(p->w, "<circle cx=\"%s\" cy=\"%s\" r=\"7\" fill=\"none\" stroke=\"" ACCENT "\" stroke-width=\"2\"/>\n", AT(x), AT(y));
}

/* The worst first, so that good ones lie above. */
static int by_merit(const void *a, const void *b) {
	const eg_shown_trial *const *x = a, *const *y = b;
	if ((*x)->merit != (*y)->merit) return (*x)->merit < (*y)->merit ? -1 : 1;
	return (*x)->number - (*y)->number;
}

static void each_dot(const page *p, const eg_shown_trial *const *drawn, bool all, const frame *f,
	bool (*where)(const page *p, const eg_shown_trial *t, const frame *f, int a, int b, double *x, double *y), int a,
	int b) {
	double x, y;
	for (int i = 0; i < p->s->ntrials; i++)
		if (where(p, drawn[i], f, a, b, &x, &y)) dot(p, drawn[i], x, y, all);
	if (p->s->best >= 0 && where(p, &p->s->trials[p->s->best], f, a, b, &x, &y)) ring(p, x, y);
}

/* ---- the axis of values ------------------------------------------------------------------------------------------ */

static int by_number(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* All values, but of linear ones the worst only as far as they do not flatten the rest. */
static bool fit_values(page *p) {
	const eg_shown_search *s = p->s;
	double *v = eg_calloc(NULL, (size_t)s->ntrials + 1, sizeof *v);
	int n = 0;
	if (!v) return false;
	for (int i = 0; i < s->ntrials; i++)
		if (s->trials[i].state != EG_SHOWN_FAILED) v[n++] = s->trials[i].value;
	qsort(v, (size_t)n, sizeof *v, by_number);
	double lo = n ? v[0] : 0, hi = n ? v[n - 1] : 1, middle = n ? v[n / 2] : 0;
	if (n && lo > 0 && hi / lo > 30)
		eg_axis_fit_log(&p->value, lo, hi);
	else {
		if (s->lower && middle > lo) hi = fmin(hi, lo + 5 * (middle - lo));
		if (!s->lower && middle < hi) lo = fmax(lo, hi - 5 * (hi - middle));
		eg_axis_fit_linear(&p->value, lo, hi, 5, false);
	}
	eg_release(NULL, v);
	return true;
}

/* Beyond the axis is at its end; what failed is at the bad end. */
static double value_at(const page *p, const eg_shown_trial *t, const frame *f) {
	eg_axis a = p->value;
	a.from = f->y + f->height, a.to = f->y;
	const double bad = p->s->lower ? a.to : a.from;
	if (t->state == EG_SHOWN_FAILED || (a.log && !(t->value > 0))) return bad;
	return fmin(fmax(eg_axis_place(&a, t->value), a.to), a.from);
}

static void value_axis(const page *p, const frame *f) {
	eg_axis a = p->value, x = {.from = f->x, .to = f->x + f->width};
	a.from = f->y + f->height, a.to = f->y;
	eg_axis_draw_y(p->w, &a, &x);
}

/* ---- axes of keys ------------------------------------------------------------------------------------------------ */

/* 0..1, with room at both ends. */
static double share_of(const eg_shown_key *k, double v) {
	if (k->choice) return (v + 0.5) / k->nchoices;
	if (!(k->high > k->low)) return 0.5;
	const double x = k->log ? log(v / k->low) / log(k->high / k->low) : (v - k->low) / (k->high - k->low);
	return 0.04 + 0.92 * x;
}

static void tick(const page *p, const frame *f, bool upright, double share, const char *words) {
	const double x = f->x + share * f->width, y = f->y + (1 - share) * f->height, below = f->y + f->height;
	if (upright) {
		eg_draw_line(p->w, f->x - 4, y, f->x, y, INK);
		eg_draw_text(p->w, f->x - 7, y + 4, SMALL, "end", 0, words);
	} else {
		eg_draw_line(p->w, x, below, x, below + 4, INK);
		eg_draw_text(p->w, x, below + 16, SMALL, "middle", 0, words);
	}
}

/* Powers of ten, and with few of them 2 and 5 times these. */
static void log_ticks(const page *p, const eg_shown_key *k, const frame *f, bool upright) {
	const double decades = log10(k->high / k->low), room = upright ? f->height / 24 : f->width / 48;
	const int every = decades > room ? (int)ceil(decades / room) : 1;
	static const int steps[] = {1, 2, 5};
	const int used = 3 * decades <= room && decades < 2.5 ? 3 : 1;
	for (int power = (int)floor(log10(k->low)); power <= (int)ceil(log10(k->high)); power += every)
		for (int i = 0; i < used; i++) {
			char words[32];
			const double v = steps[i] * pow(10, power);
			if (v < k->low * 0.999 || v > k->high * 1.001) continue;
			if (power < -4 || power > 4)
				snprintf(words, sizeof words, "%de%d", steps[i], power);
			else
				value_text(v, words);
			tick(p, f, upright, share_of(k, v), words);
		}
}

static void key_axis(const page *p, const eg_shown_key *k, const frame *f, bool upright) {
	char words[64], number[64];
	if (k->choice) {
		const int most = (int)((upright ? LEFT - 10 : f->width / k->nchoices) / (0.6 * SMALL));
		for (int i = 0; i < k->nchoices; i++)
			tick(p, f, upright, share_of(k, i), cut(k->choices[i], most < 2 ? 2 : most, words, sizeof words));
	} else if (k->log && k->high / k->low > 5) {
		log_ticks(p, k, f, upright);
	} else if (k->high > k->low) {
		const double step = eg_axis_step(k->high - k->low, 5);
		const double first = ceil(k->low / step - 1e-9) * step;
		for (int i = 0; first + i * step <= k->high + step * 1e-9; i++)
			tick(p, f, upright, share_of(k, first + i * step), eg_draw_number(first + i * step, step, number));
	} else
		tick(p, f, upright, 0.5, eg_shown_text(k, k->low, number));
}

/* Dots of a choice side by side, by their number. */
static double aside(const eg_shown_key *k, const eg_shown_trial *t) {
	return k->choice ? 0.5 / k->nchoices * (fmod(t->number * 0.618034, 1) - 0.5) : 0;
}

/* ---- every trial ------------------------------------------------------------------------------------------------- */

static bool in_history(const page *p, const eg_shown_trial *t, const frame *f, int a, int b, double *x, double *y) {
	(void)a, (void)b;
	*x = f->x + ((double)(t - p->s->trials) + 0.5) / p->s->ntrials * f->width;
	*y = value_at(p, t, f);
	return true;
}

static void best_so_far(const page *p, const frame *f) {
	const eg_shown_trial *best = NULL;
	double x, y;
	put(p->w, "<path fill=\"none\" stroke=\"" ACCENT "\" stroke-width=\"1.8\" d=\"");
	for (int i = 0; i < p->s->ntrials; i++) {
		const eg_shown_trial *t = &p->s->trials[i];
		if (t->state != EG_SHOWN_DONE || t->of >= 0) continue;
		if (best && !(p->s->lower ? t->value < best->value : t->value > best->value)) continue;
		in_history(p, t, f, 0, 0, &x, &y);
		put(p->w, best ? "H%sV%s" : "M%s %s", AT(x), AT(y));
		best = t;
	}
	put(p->w, "%s%s\"/>\n", best ? "H" : "M0 ", AT(best ? f->x + f->width : 0));
}

static void history(const page *p, const eg_shown_trial *const *drawn) {
	const frame f = {LEFT, 112, 560, 250};
	char words[32];
	heading(p->w, f.x, f.y - 12, p->s->metric);
	value_axis(p, &f);
	const int step = (int)fmax(1, eg_axis_step(p->s->ntrials, 8));
	for (int i = 0; i < p->s->ntrials; i += step) {
		const double x = f.x + (i + 0.5) / p->s->ntrials * f.width;
		eg_draw_line(p->w, x, f.y + f.height, x, f.y + f.height + 4, INK);
		snprintf(words, sizeof words, "%d", p->s->trials[i].number);
		eg_draw_text(p->w, x, f.y + f.height + 16, SMALL, "middle", 0, words);
	}
	eg_draw_text(p->w, f.x + f.width / 2, f.y + f.height + 36, NORMAL, "middle", 0, "trial");
	best_so_far(p, &f);
	each_dot(p, drawn, true, &f, in_history, 0, 0);
	box(p->w, &f);
}

/* ---- what each key is worth -------------------------------------------------------------------------------------- */

static void worth(const page *p) {
	const double x = 806, y = 112;
	const int n = p->s->nkeys < 12 ? p->s->nkeys : 12;
	const double row = n > 8 ? 20 : 28;
	char name[64], words[32];
	heading(p->w, x - 120, y - 12, "what each key explains alone");
	for (int i = 0; i < n; i++) {
		const eg_shown_key *k = &p->s->keys[p->s->order[i]];
		const double share = k->worth > 0 ? k->worth : 0, at = y + i * row;
		eg_draw_text(p->w, x - 8, at + row / 2 + 4, NORMAL, "end", 0, cut(k->label, 18, name, sizeof name));
		put(p->w, "<rect x=\"%s\" y=\"%s\" width=\"%s\" height=\"%s\" fill=\"#3b518b\"/>\n", AT(x), AT(at + 3),
		        AT(fmax(1, share * 160)), AT(row - 6));
		snprintf(words, sizeof words, isnan(k->worth) ? "?" : "%.0f %%", 100 * share);
		eg_draw_text(p->w, x + fmax(1, share * 160) + 6, at + row / 2 + 4, SMALL, "start", 0, words);
	}
}

/* ---- two keys ---------------------------------------------------------------------------------------------------- */

static bool in_pair(const page *p, const eg_shown_trial *t, const frame *f, int a, int b, double *x, double *y) {
	const eg_shown_key *ka = &p->s->keys[a], *kb = &p->s->keys[b];
	if (isnan(t->at[a]) || isnan(t->at[b])) return false;
	*x = f->x + (share_of(ka, t->at[a]) + aside(ka, t)) * f->width;
	*y = f->y + (1 - share_of(kb, t->at[b]) - aside(kb, t)) * f->height;
	return true;
}

/* From the worst to the best. */
static void scale(const page *p, double x, double y, double height) {
	enum { STEPS = 32 };
	char colour[8];
	for (int i = 0; i < STEPS; i++)
		put(p->w, "<rect x=\"%s\" y=\"%s\" width=\"12\" height=\"%s\" fill=\"%s\"/>\n", AT(x), AT(y + i * height / STEPS),
		        AT(height / STEPS + 0.5), eg_draw_colour(EG_SEQUENTIAL, 0.9 * i / (STEPS - 1), colour));
	eg_draw_text(p->w, x + 17, y + 9, SMALL, "start", 0, "best");
	eg_draw_text(p->w, x + 17, y + height, SMALL, "start", 0, "worst");
}

static void two_keys(const page *p, const eg_shown_trial *const *drawn, double top) {
	const frame f = {LEFT + 20, top, 430, 270};
	const int a = p->s->order[0], b = p->s->order[1];
	char name[64], words[160];
	snprintf(words, sizeof words, "%.60s and %.60s", p->s->keys[a].label, p->s->keys[b].label);
	heading(p->w, f.x, f.y - 12, words);
	key_axis(p, &p->s->keys[a], &f, false);
	key_axis(p, &p->s->keys[b], &f, true);
	each_dot(p, drawn, true, &f, in_pair, a, b);
	box(p->w, &f);
	eg_draw_text(p->w, f.x + f.width / 2, f.y + f.height + 36, NORMAL, "middle", 0,
	        cut(p->s->keys[a].path, 50, name, sizeof name));
	eg_draw_text(p->w, 18, f.y + f.height / 2, NORMAL, "middle", -90, cut(p->s->keys[b].path, 34, name, sizeof name));
	scale(p, f.x + f.width + 14, f.y, f.height);
}

/* ---- the best ---------------------------------------------------------------------------------------------------- */

static void best_trial(const page *p, double top) {
	const eg_shown_search *s = p->s;
	const double x = 640;
	char words[160], name[64], number[64];
	if (s->best < 0) return;
	const eg_shown_trial *t = &s->trials[s->best];
	snprintf(words, sizeof words, "the best: trial %d, %.40s %s", t->number, s->metric, value_text(s->best_value, number));
	heading(p->w, x, top - 12, words);
	double y = top + 14;
	for (int i = 0; i < s->nkeys && i < 16; i++) {
		const eg_shown_key *k = &s->keys[s->order[i]];
		if (isnan(t->at[s->order[i]])) continue;
		eg_draw_text(p->w, x, y, NORMAL, "start", 0, cut(k->path, 34, name, sizeof name));
		eg_draw_text(p->w, WIDTH - 36, y, NORMAL, "end", 0,
		        cut(eg_shown_text(k, t->at[s->order[i]], number), 20, words, sizeof words));
		eg_draw_line(p->w, x, y + 6, WIDTH - 36, y + 6, FAINT);
		y += 22;
	}
}

/* ---- each key alone ---------------------------------------------------------------------------------------------- */

static bool in_slice(const page *p, const eg_shown_trial *t, const frame *f, int a, int b, double *x, double *y) {
	const eg_shown_key *k = &p->s->keys[a];
	(void)b;
	if (isnan(t->at[a])) return false;
	*x = f->x + (share_of(k, t->at[a]) + aside(k, t)) * f->width;
	*y = value_at(p, t, f);
	return true;
}

static void slices(const page *p, const eg_shown_trial *const *drawn, double top) {
	const double wide = (WIDTH - 30.0) / GRID;
	for (int i = 0; i < p->s->nkeys; i++) {
		const int key = p->s->order[i];
		const eg_shown_key *k = &p->s->keys[key];
		const int row = i / GRID;
		const frame f = {LEFT + i % GRID * wide, top + row * 236.0, wide - LEFT - 4, 160};
		char name[80];
		heading(p->w, f.x, f.y - 10, cut(k->path, NAMES + 8, name, sizeof name));
		value_axis(p, &f);
		key_axis(p, k, &f, false);
		each_dot(p, drawn, false, &f, in_slice, key, 0);
		box(p->w, &f);
	}
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static void summary(const eg_shown_search *s, char *buf, size_t size) {
	int n[3] = {0}, repeats = 0;
	for (int i = 0; i < s->ntrials; i++) n[s->trials[i].state]++, repeats += s->trials[i].of >= 0;
	int used = snprintf(buf, size, "%d trials: %d to the end, %d stopped, %d failed", s->ntrials, n[EG_SHOWN_DONE],
	        n[EG_SHOWN_STOPPED], n[EG_SHOWN_FAILED]);
	if (repeats) used += snprintf(buf + used, size - (size_t)used, "; %d of them repeat others with another seed", repeats);
	snprintf(buf + used, size - (size_t)used, ". %s is better", s->lower ? "Lower" : "Higher");
}

static eg_status picture(page *p, const char *title, eg_error *err) {
	const eg_shown_search *s = p->s;
	const eg_shown_trial **drawn = eg_calloc(NULL, (size_t)s->ntrials + 1, sizeof *drawn);
	if (!drawn || !fit_values(p)) {
		eg_release(NULL, drawn);
		return eg_fail(err, EG_ERR_MEMORY, "out of memory for a search's page");
	}
	for (int i = 0; i < s->ntrials; i++) drawn[i] = &s->trials[i];
	qsort(drawn, (size_t)s->ntrials, sizeof *drawn, by_merit);
	char words[240];
	const double pair = 470, list = s->nkeys < 16 ? 22 * s->nkeys : 352;
	const double grid = pair + fmax(s->nkeys > 1 ? 270 + 96 : 0, list + 50);
	const int rows = (s->nkeys + GRID - 1) / GRID;
	eg_draw_head(p->w, WIDTH, grid + rows * 236.0 - 10, title);
	eg_draw_text(p->w, LEFT, 34, LARGE + 3, "start", 0, title);
	summary(s, words, sizeof words);
	put(p->w, "<text x=\"%d\" y=\"58\" font-size=\"%d\" fill=\"" QUIET "\">", LEFT, NORMAL);
	eg_put_escaped(p->w, words);
	put(p->w, "</text>\n");
	history(p, drawn);
	worth(p);
	if (s->nkeys > 1) two_keys(p, drawn, pair);
	best_trial(p, pair);
	slices(p, drawn, grid);
	put(p->w, "</svg>\n");
	eg_release(NULL, drawn);
	return EG_OK;
}

/* ---- in HTML ----------------------------------------------------------------------------------------------------- */

static const char style[] = "body{font:15px/1.5 system-ui,sans-serif;margin:1.5em auto;max-width:1040px;padding:0 1em;"
			    "background:#fff;color:#222}\n"
			    "svg{width:100%;height:auto}table{border-collapse:collapse;font-size:.9em}\n"
			    "td,th{text-align:right;padding:.2em .8em;border-bottom:1px solid #ddd}td:first-child,th:first-child{"
			    "padding-left:0}\n"
			    ".q{color:#666;font-size:.9em;max-width:62em}\n";

static void cell(eg_writer *w, const char *tag, const char *words) {
	put(w, "<%s>", tag);
	eg_put_escaped(w, words);
	put(w, "</%s>", tag);
}

static void table(const page *p, const eg_shown_trial *const *best) {
	const eg_shown_search *s = p->s;
	char number[64], words[64];
	put(p->w, "<h2>The best trials</h2>\n<table>\n<tr>");
	cell(p->w, "th", "trial");
	cell(p->w, "th", s->metric);
	for (int i = 0; i < s->nkeys; i++) cell(p->w, "th", s->keys[s->order[i]].label);
	put(p->w, "</tr>\n");
	for (int i = 0; i < BEST_SHOWN && i < s->ntrials && best[i]->state != EG_SHOWN_FAILED; i++) {
		put(p->w, "<tr><td>%d</td>", best[i]->number);
		snprintf(words, sizeof words, "%s%s", value_text(best[i]->value, number),
		        best[i]->state == EG_SHOWN_STOPPED ? " (stopped)" : "");
		cell(p->w, "td", words);
		for (int k = 0; k < s->nkeys; k++)
			cell(p->w, "td", eg_shown_text(&s->keys[s->order[k]], best[i]->at[s->order[k]], number));
		put(p->w, "</tr>\n");
	}
	put(p->w, "</table>\n");
}

static int best_first(const void *a, const void *b) {
	const eg_shown_trial *const *x = a, *const *y = b;
	if ((*x)->merit != (*y)->merit) return (*x)->merit > (*y)->merit ? -1 : 1;
	return (*x)->number - (*y)->number;
}

static eg_status html(page *p, const char *title, eg_error *err) {
	const eg_shown_search *s = p->s;
	const eg_shown_trial **best = eg_calloc(NULL, (size_t)s->ntrials + 1, sizeof *best);
	if (!best) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a search's page");
	for (int i = 0; i < s->ntrials; i++) best[i] = &s->trials[i];
	qsort(best, (size_t)s->ntrials, sizeof *best, best_first);
	put(p->w, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n<title>");
	eg_put_escaped(p->w, title);
	put(p->w, "</title>\n<style>\n");
	eg_writer_put(p->w, style, sizeof style - 1);
	put(p->w, "</style>\n</head>\n<body>\n");
	eg_status status = picture(p, title, err);
	table(p, best);
	put(p->w, "<p class=\"q\">Dots: dark is good, by rank; hollow was stopped early, a cross failed; the ring is the best. "
	          "The orange line is the best so far.</p>\n<p class=\"q\">What a key explains alone: the share of the "
	          "variance of ranks that lies between ranges of its values, less what chance would bring.");
	put(p->w, " It is said of these trials, which lie closer where results were good, and not of what two keys do only "
	          "together.</p>\n</body>\n</html>\n");
	eg_release(NULL, best);
	return status;
}

eg_status eg_journal_page(const char *path, const char *title, const eg_value *journal, eg_error *err) {
	eg_error own;
	if (!err) err = &own;
	eg_shown_search s;
	eg_status status = eg_shown_read(&s, journal, err);
	const size_t n = strlen(path);
	page p = {.s = &s, .w = status ? NULL : eg_writer_new(NULL, path, err)};
	if (!status && !p.w) status = err->status;
	if (!status) {
		const bool svg = n > 4 && !strcmp(path + n - 4, ".svg");
		if (svg) put(p.w, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
		status = svg ? picture(&p, title, err) : html(&p, title, err);
		if (status)
			eg_writer_abort(p.w);
		else
			status = eg_writer_commit(p.w, err);
	}
	eg_shown_free(&s);
	return status;
}
