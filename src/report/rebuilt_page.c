/* rebuilt_page.c - an auto-encoder of pictures as a page and PNG files: pictures and what is made of them, its codes as
 * a map, and whose errors are large. Not here: where that comes from (rebuilt.c), how a page is written (album.c). */
#include "report/rebuilt.h"

#include "report/album.h"

#include <math.h>
#include <string.h>

enum { TILE = 72, GAP = 4, MAP = 760, BORDER = 40, DOT = 3, BINS = 40, FILES = 8 };

/* As far apart as ten can be, for people with a colour vision deficiency too (after Okabe and Ito). */
static const uint8_t colours[][3] = {{0, 114, 178}, {213, 94, 0}, {0, 158, 115}, {204, 121, 167}, {60, 60, 60}, {230, 159, 0}, {86, 180, 233},
	{150, 30, 30}, {120, 200, 60}, {110, 70, 180}};
static const uint8_t white[3] = {255, 255, 255};

static const uint8_t *colour_of(int label) { return colours[(label < 0 ? 4 : label) % EG_COUNT(colours)]; }

/* ---- pictures ---------------------------------------------------------------------------------------------------- */

/* Rows above each other: as it is, with noise, what is made of that, what is made of the picture itself. */
static bool draw_rows(eg_album *a, const eg_rebuilt_look *l, const eg_rebuilt_picture *list, int n, bool noise, eg_pane *all) {
	eg_pane panels[4 * EG_REBUILT_SHOWN] = {{0}};
	const int scale = eg_pane_scale(l->shape[1], l->shape[2], TILE);
	bool drawn = true;
	int used = 0;
	for (int row = 0; row < 4 && drawn; row++) {
		if ((row == 1 || row == 2) && !noise) continue;
		for (int i = 0; i < n && drawn; i++) {
			const uint8_t *rows[] = {list[i].pixels, list[i].noisy, list[i].cleaned, list[i].rebuilt};
			drawn = eg_pane_picture(&a->arena, rows[row], l->shape, scale, &panels[used++]);
		}
	}
	return drawn && eg_pane_grid(&a->arena, panels, used, n, GAP, all);
}

static eg_status put_pictures(eg_album *a, const eg_rebuilt_look *l) {
	const bool noise = l->nshown > 0 && l->shown[0].noisy != NULL;
	char share[32];
	eg_pane all = {0};
	eg_album_head(a, "Pictures, and what is made of them");
	eg_put(a->out, "<div class=\"wide\">\n");
	eg_status status = eg_album_figure(a, "pictures", &all, draw_rows(a, l, l->shown, l->nshown, noise, &all));
	if (status) return status;
	if (noise)
		eg_put(a->out, "From above: the picture; the same with noise (%s %% of its pixels are taken away, as in training); what the network makes "
			"of that; what it makes of the picture itself.", eg_album_share(l->noise, share));
	else
		eg_put(a->out, "Above the picture, below what the network makes of it.");
	eg_album_end_figure(a);
	eg_put(a->out, "</div>\n");
	return EG_OK;
}

static eg_status put_worst(eg_album *a, const eg_rebuilt_look *l) {
	char number[32];
	eg_pane all = {0};
	eg_album_head(a, "Where it fails");
	eg_put(a->out, "<div class=\"wide\">\n");
	eg_status status = eg_album_figure(a, "worst", &all, draw_rows(a, l, l->worst, l->nworst, false, &all));
	if (status) return status;
	eg_put(a->out, "Those with the largest errors, below what is made of them: ");
	for (int i = 0; i < l->nworst; i++) {
		eg_put(a->out, "%s", i ? ", " : "");
		eg_put_escaped(a->out, eg_rebuilt_class(l, l->worst[i].label));
		eg_put(a->out, " %s", eg_album_number(l->worst[i].error, number));
	}
	eg_put(a->out, ".");
	eg_album_end_figure(a);
	eg_put(a->out, "</div>\n");
	return EG_OK;
}

/* ---- the map ----------------------------------------------------------------------------------------------------- */

static void paint(eg_pane *p, int y, int x, const uint8_t rgb[3]) {
	if (y < 0 || x < 0 || y >= p->H || x >= p->W) return;
	for (int c = 0; c < 3; c++) p->rgb[((ptrdiff_t)c * p->H + y) * p->W + x] = rgb[c];
}

static void paint_dot(eg_pane *p, double y, double x, const uint8_t rgb[3]) {
	for (int i = -DOT; i <= DOT; i++)
		for (int k = -DOT; k <= DOT; k++)
			if (i * i + k * k <= DOT * DOT) paint(p, (int)lround(y) + i, (int)lround(x) + k, rgb);
}

/* A picture in a frame of its class's colour, its middle at this place. */
static bool paint_face(eg_album *a, eg_pane *p, const eg_rebuilt_look *l, const eg_rebuilt_picture *face, double y, double x) {
	const int scale = eg_pane_scale(l->shape[1], l->shape[2], 40), rim = 3;
	eg_pane one;
	if (!eg_pane_picture(&a->arena, face->pixels, l->shape, scale, &one)) return false;
	const int top = (int)lround(y) - one.H / 2, left = (int)lround(x) - one.W / 2;
	for (int i = -rim; i < one.H + rim; i++)
		for (int k = -rim; k < one.W + rim; k++) {
			const bool inside = i >= 0 && k >= 0 && i < one.H && k < one.W;
			uint8_t rgb[3];
			memcpy(rgb, colour_of(face->label), sizeof rgb);
			for (int c = 0; c < 3 && inside; c++) rgb[c] = one.rgb[((ptrdiff_t)c * one.H + i) * one.W + k];
			paint(p, top + i, left + k, rgb);
		}
	return true;
}

typedef struct frame {
	double low[2], unit; /* the same along both axes: distances are what the map shows */
	int H;
} frame;

static void place(const frame *f, const double *at, double *y, double *x) {
	*x = BORDER + (at[0] - f->low[0]) * f->unit;
	*y = f->H - BORDER - (at[1] - f->low[1]) * f->unit;
}

static bool draw_map(eg_album *a, const eg_rebuilt_look *l, eg_pane *p) {
	double high[2] = {-INFINITY, -INFINITY}, y, x;
	frame f = {.low = {INFINITY, INFINITY}};
	for (int i = 0; i < 2 * l->n; i++) f.low[i % 2] = fmin(f.low[i % 2], l->places[i]), high[i % 2] = fmax(high[i % 2], l->places[i]);
	const double range = fmax(fmax(high[0] - f.low[0], high[1] - f.low[1]), 1e-30);
	f.unit = (MAP - 2 * BORDER) / range;
	f.H = (int)ceil((high[1] - f.low[1]) * f.unit) + 2 * BORDER;
	if (!eg_pane_new(&a->arena, f.H, (int)ceil((high[0] - f.low[0]) * f.unit) + 2 * BORDER, white, p)) return false;
	for (int i = 0; i < l->n; i++) {
		place(&f, l->places + 2 * (ptrdiff_t)i, &y, &x);
		paint_dot(p, y, x, colour_of(l->labels[i]));
	}
	bool drawn = true;
	for (int k = 0; k < l->nfaces && drawn; k++) { /* in the middle of its class */
		double at[2] = {0, 0};
		int n = 0;
		for (int i = 0; i < l->n; i++)
			if (l->labels[i] == l->faces[k].label) at[0] += l->places[2 * i], at[1] += l->places[2 * i + 1], n++;
		at[0] /= n, at[1] /= n;
		place(&f, at, &y, &x);
		drawn = paint_face(a, p, l, &l->faces[k], y, x);
	}
	return drawn;
}

static eg_status put_map(eg_album *a, const eg_rebuilt_look *l) {
	char share[32];
	eg_pane all = {0};
	if (l->width < 2) {
		eg_album_head(a, "The bottleneck");
		eg_put(a->out, "<p>Name the layer with fewest numbers to see them as a map: <code>outputs: {embedding: LAYER}</code>.</p>\n");
		return EG_OK;
	}
	eg_album_head(a, "The bottleneck as a map");
	eg_put(a->out, "<div class=\"wide\">\n");
	eg_status status = eg_album_figure(a, "map", &all, draw_map(a, l, &all));
	if (status) return status;
	if (l->width == 2)
		eg_put(a->out, "Each dot is a picture, at the two numbers that the bottleneck makes of it");
	else
		eg_put(a->out, "Each dot is a picture: of the %d numbers of the bottleneck the two directions in which they vary most, which hold %s %% of "
			"what varies", l->width, eg_album_share(l->kept, share));
	eg_put(a->out, "%s.", l->nfaces ? "; a picture of each class lies in the middle of its class" : "");
	for (int k = 0; k < l->nfaces; k++) {
		const uint8_t *rgb = colour_of(l->faces[k].label);
		eg_put(a->out, " <span style=\"white-space:nowrap\"><span style=\"color:#%02x%02x%02x\">&#9679;</span> ", rgb[0], rgb[1], rgb[2]);
		eg_put_escaped(a->out, eg_rebuilt_class(l, l->faces[k].label));
		eg_put(a->out, "</span>");
	}
	eg_album_end_figure(a);
	eg_put(a->out, "</div>\n");
	return EG_OK;
}

/* ---- errors ------------------------------------------------------------------------------------------------------ */

/* How many of each hundred pictures have an error in each bin; of those that are odd, and of the others. */
static void count(const eg_rebuilt_look *l, double most, double x[BINS], double usual[BINS], double odd[BINS]) {
	for (int b = 0; b < BINS; b++) x[b] = (b + 0.5) * most / BINS, usual[b] = odd[b] = 0;
	for (int i = 0; i < l->n; i++) {
		const int b = most > 0 ? (int)fmin(l->errors[i] / most * BINS, BINS - 1) : 0;
		if (l->odd[i])
			odd[b] += 100.0 / l->nodd;
		else
			usual[b] += 100.0 / (l->n - l->nodd);
	}
}

static void put_errors(eg_album *a, const eg_rebuilt_look *l) {
	double x[BINS], usual[BINS], odd[BINS], most = 0;
	char number[32];
	for (int i = 0; i < l->n; i++) most = fmax(most, l->errors[i]);
	count(l, most, x, usual, odd);
	const eg_series series[] = {{l->nodd ? "classes of training" : "", x, usual, BINS}, {"classes left out", x, odd, BINS}};
	eg_album_head(a, "Errors");
	if (l->nodd)
		eg_put(a->out, "<p>Of a picture of a class that was left out of training and one of another, the former has the larger error in %s of a hundred "
			"cases (the area under the ROC curve).</p>\n", eg_album_number(100 * l->auc, number));
	eg_plot_lines_into(a->out, &(eg_line_plot){.title = "how large the errors are", .x_title = "mean squared error (black 0, white 1)",
		.y_title = "% of the pictures", .series = series, .nseries = l->nodd ? 2 : 1, .number = 1});
	eg_put(a->out, "\n");
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

static eg_status put_page(eg_album *a, const eg_rebuilt_look *l) {
	char mse[32], psnr[32];
	eg_put(a->out, "<p>%d pictures of the part %s: mean squared error %s (black is 0, white 1), %s decibels below what a picture may vary by.</p>\n", l->n,
		eg_part_name(l->part), eg_album_number(l->mse, mse), eg_album_number(l->mse > 0 ? -10 * log10(l->mse) : INFINITY, psnr));
	eg_status status = put_pictures(a, l);
	if (!status) status = put_map(a, l);
	if (status) return status;
	put_errors(a, l);
	return put_worst(a, l);
}

static void put_facts(const eg_rebuilt_look *l, const eg_album *a, eg_value *facts) {
	eg_value_put_text(facts, "part", eg_part_name(l->part));
	eg_value_put_int(facts, "records", l->n);
	eg_value_put_number(facts, "mse", l->mse);
	eg_value_put_number(facts, "auc", l->auc);
	eg_value_put_number(facts, "noise", l->noise);
	eg_value_put_int(facts, "width", l->width);
	if (l->width > 1) eg_value_put_number(facts, "kept", l->kept);
	eg_value *files = eg_value_put_list(facts, "files");
	for (int i = 0; i < a->nfiles; i++) eg_value_put_text(files, NULL, a->files[i]);
}

eg_status eg_rebuilt_page(eg_model *m, int records, const char *folder, eg_value *facts, eg_error *err) {
	eg_error own = {0};
	if (!err) err = &own;
	const char *files[FILES];
	eg_rebuilt_look l = {.model = m, .auc = (double)NAN};
	eg_album a = {.folder = folder, .paths = &l.arena, .files = files, .most = FILES, .err = err};
	eg_status status = eg_rebuilt_gather(&l, records, err);
	if (!status) {
		status = eg_album_begin(&a, "rebuilt", eg_recipe_name(eg_model_recipe(m)), "pictures once more");
		if (!status) status = put_page(&a, &l);
		status = eg_album_finish(&a, status);
	}
	if (!status) put_facts(&l, &a, facts);
	eg_rebuilt_forget(&l);
	return status;
}
