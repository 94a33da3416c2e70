/* transcript_page.c - when a network says what of a recording or a line, as a page: its labels above the amplitude or
 * the line, how sure it was of each at every step, and what each comes from; or which class it gives a recording, and
 * what that comes from. Not here: where that comes from
 * (transcript.c), how a page is written (album.c). */
#include "report/transcript.h"

#include "report/album.h"
#include "report/spectrogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FILES = 8, WIDTH = 900, POINTS = 1800, ROWS_MOST = 40 };

/* Places of the input in the unit of the axis: seconds of sound, pixels of a line. */
static double place(const eg_transcript_look *l, double step) {
	return eg_task_hears(l->task) ? eg_intake_sound_time(l->task->intakes[0], step) : step;
}
static const char *unit(const eg_transcript_look *l) { return eg_task_hears(l->task) ? "seconds" : "pixels"; }
/* Where all axes end, so that what is below one another belongs together: there may be silence behind the sound
 * (`after`). */
static double whole(const eg_transcript_look *l) {
	const eg_datum_sound *s = &l->datum.sound;
	return eg_task_hears(l->task) ? fmax((double)s->n / s->rate, place(l, l->length)) : l->length;
}

/* ---- plots ------------------------------------------------------------------------------------------------------- */

/* The labels, each where it is told; room for n of them, and for two points each. */
typedef struct told {
	eg_band *bands;
	double *x, *low, *high;
} told;

static bool lay_out(eg_album *a, const eg_transcript_look *l, double low, double high, told *t) {
	const size_t n = (size_t)l->read.n + 1;
	t->bands = eg_arena_alloc(&a->arena, n * sizeof *t->bands);
	t->x = eg_arena_alloc(&a->arena, 2 * n * sizeof *t->x);
	t->low = eg_arena_alloc(&a->arena, 2 * n * sizeof *t->low);
	t->high = eg_arena_alloc(&a->arena, 2 * n * sizeof *t->high);
	if (!t->bands || !t->x || !t->low || !t->high) return false;
	for (int i = 0; i < l->read.n; i++) {
		const eg_told_label *w = &l->labels[i];
		t->x[2 * i] = place(l, w->first * l->read.each), t->x[2 * i + 1] = fmin(place(l, w->end * l->read.each), whole(l));
		t->low[2 * i] = t->low[2 * i + 1] = low, t->high[2 * i] = t->high[2 * i + 1] = high;
		t->bands[i] = (eg_band){t->x + 2 * i, t->low + 2 * i, t->high + 2 * i, 2, i % 7, w->name};
	}
	return true;
}

/* A plot of a picture in the page; and, with a name, as a file beside it. */
static eg_status put_plot(eg_album *a, const char *name, const eg_pane *p, eg_line_plot *plot, eg_plot_picture *picture) {
	void *png;
	size_t size;
	eg_status status = name ? eg_album_png(a, name, p) : EG_OK;
	if (!status) status = eg_png_encode(3, p->H, p->W, p->rgb, &png, &size, a->err);
	if (status) return status;
	picture->png = png, picture->size = size;
	plot->picture = picture, plot->width = WIDTH;
	eg_plot_lines_into(a->out, plot);
	eg_put(a->out, "\n");
	free(png);
	return EG_OK;
}

/* ---- the recording or the line ----------------------------------------------------------------------------------- */

/* The least and the largest sample of each stretch, one after the other; returns how many points that are. */
static int outline(const eg_datum_sound *s, double *x, double *y) {
	int n = 0;
	for (int64_t k = 0; k < POINTS / 2; k++) {
		const int64_t from = k * s->n / (POINTS / 2), to = (k + 1) * s->n / (POINTS / 2);
		if (from >= to) continue;
		double least = INFINITY, most = -INFINITY;
		for (int64_t i = from; i < to; i++) least = fmin(least, s->at[i * s->channels]), most = fmax(most, s->at[i * s->channels]);
		x[n] = (double)from / s->rate, y[n++] = least;
		x[n] = (double)from / s->rate, y[n++] = most;
	}
	return n;
}

static eg_status put_sound(eg_album *a, const eg_transcript_look *l) {
	const eg_datum_sound *s = &l->datum.sound;
	double *x = eg_arena_alloc(&a->arena, POINTS * sizeof *x), *y = eg_arena_alloc(&a->arena, POINTS * sizeof *y), most = 1e-6;
	if (!x || !y) return eg_album_no_memory(a);
	const int n = outline(s, x, y);
	for (int i = 0; i < n; i++) most = fmax(most, fabs(y[i]));
	told t;
	if (!lay_out(a, l, -most, most, &t)) return eg_album_no_memory(a);
	const eg_series line = {"", x, y, n};
	eg_plot_lines_into(a->out, &(eg_line_plot){.title = "", .x_title = unit(l), .y_title = "amplitude", .series = &line, .nseries = 1,
		.bands = t.bands, .nbands = l->classifies ? 0 : l->read.n, .y_min = -most, .y_max = most, .x_max = whole(l), .number = 1, .width = WIDTH,
		.height = 130});
	eg_put(a->out, "\n");
	eg_pane p;
	eg_status status = eg_spectrogram(&a->arena, s, WIDTH, &p, a->err);
	eg_plot_picture picture = {.x1 = (double)s->n / s->rate, .y1 = s->rate / 2000};
	eg_line_plot plot = {.title = "", .x_title = unit(l), .y_title = "kHz", .x_max = whole(l), .number = 2, .height = 150};
	if (!status) status = put_plot(a, "spectrogram", &p, &plot, &picture);
	eg_arena_reset(&a->arena);
	return status;
}

/* The picture as the network gets it, and how it stands in the file (C x H x W). */
static eg_status pixels_of(const eg_transcript_look *l, const uint8_t **pixels, int shape[3], eg_error *err) {
	return eg_intake_picture(l->task->intakes[0], &l->datum, (eg_record *)&l->record, pixels, shape, err);
}

static double height_of(const eg_transcript_look *l) { return fmin(fmax((double)WIDTH * l->H / l->length, 24), 160); }

static eg_status put_line(eg_album *a, const eg_transcript_look *l) {
	const uint8_t *pixels;
	int shape[3];
	told t;
	eg_pane p;
	eg_status status = pixels_of(l, &pixels, shape, a->err);
	if (status) return status;
	if (!lay_out(a, l, 0, shape[1], &t) || !eg_pane_picture(&a->arena, pixels, shape, 1, &p)) return eg_album_no_memory(a);
	const char *const none = "";
	eg_plot_picture picture = {.x1 = shape[2], .y1 = shape[1], .rows = &none}; /* no numbers beside it */
	eg_line_plot plot = {.title = "", .x_title = unit(l), .y_title = "", .bands = t.bands, .nbands = l->read.n, .number = 1, .height = height_of(l)};
	status = put_plot(a, "line", &p, &plot, &picture);
	eg_arena_reset(&a->arena);
	return status;
}

/* ---- how sure ---------------------------------------------------------------------------------------------------- */

/* Classes that are shown: none, and then those of the transcript, in their order, or, where they are few, all. */
static int rows_of(const eg_transcript_look *l, int rows[ROWS_MOST]) {
	const int classes = l->read.c.classes;
	int n = 0;
	for (int k = 0; k < classes && n < ROWS_MOST; k++) {
		bool there = k == 0 || classes <= 12;
		for (int i = 0; i < l->read.n; i++) there = there || l->read.labels[i] == k;
		if (there) rows[n++] = k;
	}
	return n;
}

static eg_status put_steps(eg_album *a, const eg_transcript_look *l) {
	const eg_ctc *c = &l->read.c;
	const char *names[ROWS_MOST];
	int rows[ROWS_MOST];
	const int n = rows_of(l, rows);
	eg_pane p;
	eg_real *map = eg_arena_alloc(&a->arena, (size_t)n * (size_t)c->steps * sizeof *map + 1);
	if (!map) return eg_album_no_memory(a);
	for (int k = 0; k < n; k++) {
		names[k] = rows[k] ? eg_transcript_label(l->task, rows[k]) : "none";
		for (int t = 0; t < c->steps; t++) map[(ptrdiff_t)k * c->steps + t] = (eg_real)exp(c->lp[(ptrdiff_t)t * c->classes + rows[k]]);
	}
	if (!eg_pane_map(&a->arena, map, n, c->steps, EG_PANE_SIZE, 1, NULL, 1, 1, &p)) return eg_album_no_memory(a);
	eg_album_head(a, "What the network says at each step");
	eg_put(a->out, "<p>How probable it holds each label, dark 0, yellow 1; <i>none</i> is that of no label. What is written is what is left of the "
		"likeliest path when repeats are merged and none is left out. (CTC: Graves and others 2006.)</p>\n");
	eg_plot_picture picture = {.x1 = place(l, c->steps * l->read.each), .y1 = n, .rows = names, .nrows = n};
	eg_line_plot plot = {.title = "", .x_title = unit(l), .y_title = "", .x_max = whole(l), .number = 3, .height = 18.0 * n};
	eg_status status = put_plot(a, "steps", &p, &plot, &picture);
	eg_arena_reset(&a->arena);
	return status;
}

/* ---- what each comes from ---------------------------------------------------------------------------------------- */

/* Rows of a picture below one another, of sound a row each, each as strong as it can be. */
static bool draw_maps(eg_album *a, const eg_transcript_look *l, int n, eg_pane *all) {
	const size_t each = (size_t)l->length * (size_t)l->H;
	const uint8_t *pixels = NULL;
	int shape[3] = {1, l->H, l->length};
	eg_pane panes[EG_EXPLAINED];
	const bool hears = eg_task_hears(l->task);
	if (!hears && pixels_of(l, &pixels, shape, a->err)) return false;
	for (int i = 0; i < n; i++) {
		const eg_real *map = l->labels[i].map;
		double most = 0;
		for (size_t k = 0; k < each; k++) most = fmax(most, fabs((double)map[k]));
		if (!eg_pane_map(&a->arena, map, l->H, l->length, hears ? EG_PANE_SIZE : EG_PANE_FOR, most, pixels, shape[0], 1, &panes[i])) return false;
	}
	return eg_pane_grid(&a->arena, panes, n, 1, 0, all);
}

static eg_status put_saliency(eg_album *a, const eg_transcript_look *l) {
	const int n = l->read.n < EG_EXPLAINED ? l->read.n : EG_EXPLAINED;
	const char *names[EG_EXPLAINED];
	const bool hears = eg_task_hears(l->task);
	eg_pane p;
	if (n == 0) return EG_OK;
	for (int i = 0; i < n; i++) names[i] = l->labels[i].name;
	if (!draw_maps(a, l, n, &p)) return eg_album_no_memory(a);
	eg_album_head(a, l->classifies ? "What each class comes from" : "What each label comes from");
	if (hears)
		eg_put(a->out, "<p>A row for each %s: by how much each step of the sound changes the network's number for it%s "
			"(gradient times input, the sizes of all features of a step in sum; the strongest step of a row is yellow).</p>\n",
			l->classifies ? "of the likeliest classes" : "label", l->classifies ? "" : " at the step where it is surest");
	else
		eg_put(a->out, "<p>The line once for each label: <b class=\"f\">blue</b> pixels speak for it at the step where the network is surest of it, "
			"<b class=\"a\">orange</b> ones against it (gradient times input).</p>\n");
	if (n < l->read.n) eg_put(a->out, "<p>Of the first %d labels of %d.</p>\n", n, l->read.n);
	eg_plot_picture picture = {.x1 = place(l, l->length), .y1 = n, .rows = names, .nrows = n};
	eg_line_plot plot = {.title = "", .x_title = unit(l), .y_title = "", .x_max = whole(l), .number = 4, .height = (hears ? 18 : height_of(l)) * n};
	eg_status status = put_plot(a, "saliency", &p, &plot, &picture);
	eg_arena_reset(&a->arena);
	return status;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static eg_status put_page(eg_album *a, const eg_transcript_look *l) {
	char share[32];
	const char *text = eg_value_text(eg_value_get(l->answer, l->classifies ? "class" : "text"));
	eg_put(a->out, "<p>");
	eg_put_escaped(a->out, l->name);
	eg_put(a->out, ": <b>");
	eg_put_escaped(a->out, *text ? text : "nothing");
	eg_put(a->out, "</b>, probability %s %%", eg_album_share(eg_value_number(eg_value_get(l->answer, "probability"), 0), share));
	if (l->truth) {
		eg_put(a->out, "; right would be ");
		eg_put_escaped(a->out, strcmp(l->truth, text) ? l->truth : "just that");
	}
	eg_put(a->out, ".</p>\n");
	eg_album_head(a, l->classifies ? "What is heard" : eg_task_hears(l->task) ? "When it is said" : "Where it is written");
	eg_status status = eg_task_hears(l->task) ? put_sound(a, l) : put_line(a, l);
	if (!status && !l->classifies) status = put_steps(a, l);
	return status ? status : put_saliency(a, l);
}

static void put_facts(const eg_transcript_look *l, const eg_album *a, eg_value *facts) {
	eg_value_put_text(facts, "input", l->name);
	for (const eg_value *v = eg_value_first(l->answer); v; v = eg_value_next(v)) eg_value_put_copy(facts, eg_value_key(v), v);
	if (l->truth) eg_value_put_text(facts, "truth", l->truth);
	if (!l->classifies) eg_value_put_int(facts, "steps", l->read.c.steps);
	eg_value *list = eg_value_put_list(facts, "labels");
	for (int i = 0; i < l->read.n; i++) {
		const eg_told_label *w = &l->labels[i];
		eg_value *one = eg_value_put_map(list, NULL);
		eg_value_put_text(one, "label", w->name);
		if (!l->classifies) eg_value_put_number(one, "start", place(l, w->first * l->read.each));
		if (!l->classifies) eg_value_put_number(one, "end", place(l, w->end * l->read.each));
		eg_value_put_number(one, "probability", w->probability);
		double most = -1;
		int where = 0;
		for (int k = 0; w->map && k < l->length; k++) {
			double sum = 0;
			for (int y = 0; y < l->H; y++) sum += fabs((double)w->map[(ptrdiff_t)y * l->length + k]);
			if (sum > most) most = sum, where = k;
		}
		if (w->map) eg_value_put_number(one, "from", place(l, where));
	}
	eg_value *files = eg_value_put_list(facts, "files");
	for (int i = 0; i < a->nfiles; i++) eg_value_put_text(files, NULL, a->files[i]);
}

eg_status eg_transcript_page(eg_model *m, const eg_question *q, int64_t record, const char *folder, eg_value *facts, eg_error *err) {
	eg_error own = {0};
	if (!err) err = &own;
	const char *files[FILES];
	eg_transcript_look l = {.model = m};
	eg_album a = {.folder = folder, .paths = &l.arena, .files = files, .most = FILES, .err = err};
	eg_status status = eg_transcript_gather(&l, q, record, err);
	if (!status) {
		status = eg_album_begin(&a, l.classifies ? "heard" : "transcript", eg_recipe_name(eg_model_recipe(m)),
			l.classifies ? "what an answer comes from" : "what is told when");
		if (!status) status = put_page(&a, &l);
		status = eg_album_finish(&a, status);
	}
	if (!status) put_facts(&l, &a, facts);
	if (!status && !eg_value_whole(facts)) status = eg_fail(err, EG_ERR_MEMORY, "out of memory to show a transcript");
	eg_transcript_forget(&l);
	return status;
}
