/* detect_draw.c - a picture with a frame around each box and its name and score above it, as PNG. Frames and names are
 * written as SVG, which librsvg draws over the pixels: so names are of any script. */
#include "data/raster.h"
#include "tasks/detect.h"

#include <math.h>
#include <string.h>

typedef struct text {
	char *at;
	size_t n, room;
} text;

static void put(text *t, const char *s) {
	const size_t n = strlen(s);
	if (n < t->room - t->n) memcpy(t->at + t->n, s, n + 1), t->n += n;
}

/* Whole pixels: a name of the program's locale may write points as commas. */
static void put_int(text *t, const char *before, double value, const char *behind) {
	char number[32];
	snprintf(number, sizeof number, "%ld", lround(value));
	put(t, before), put(t, number), put(t, behind);
}

/* Characters of XML become references. */
static void put_name(text *t, const char *name) {
	for (const char *c = name; *c; c++) {
		char one[2] = {*c, '\0'};
		put(t, *c == '<' ? "&lt;" : *c == '&' ? "&amp;" : *c == '>' ? "&gt;" : (unsigned char)*c < 32 ? " " : one);
	}
}

static int letters_of(const char *name) {
	int n = 0;
	for (; *name; name++) n += ((unsigned char)*name & 0xc0) != 0x80;
	return n;
}

/* The name stands above the frame, or inside where the picture ends there. */
static void put_box(text *t, const eg_found *f, const char *name, double size, int W) {
	const eg_box *b = &f->box;
	uint8_t rgb[3];
	char colour[16], score[16];
	eg_class_colour(b->label, rgb);
	snprintf(colour, sizeof colour, "#%02x%02x%02x", rgb[0], rgb[1], rgb[2]);
	snprintf(score, sizeof score, " %d %%", (int)(100 * f->score + 0.5));
	const double width = 0.6 * size * (letters_of(name) + (int)strlen(score)) + 4, height = 1.3 * size,
	             x = fmax(0, fmin(b->x0, W - width)), y = b->y0 >= height ? b->y0 - height : b->y0;
	put_int(t, "<rect fill='none' stroke-width='2' x='", b->x0, "'"), put_int(t, " y='", b->y0, "'");
	put_int(t, " width='", b->x1 - b->x0, "'"), put_int(t, " height='", b->y1 - b->y0, "' stroke='");
	put(t, colour), put(t, "'/>");
	put_int(t, "<rect x='", x, "'"), put_int(t, " y='", y, "'"), put_int(t, " width='", width, "'");
	put_int(t, " height='", height, "' fill='"), put(t, colour), put(t, "'/>");
	put_int(t, "<text x='", x + 2, "'"), put_int(t, " y='", y + size, "'");
	put(t, " font-family='sans-serif' fill='");
	/* of a bright ground black letters, of a dark one white ones */
	put(t, 299 * rgb[0] + 587 * rgb[1] + 114 * rgb[2] > 128000 ? "#000000" : "#ffffff");
	put_int(t, "' font-size='", size, "'>");
	put_name(t, name), put(t, score), put(t, "</text>");
}

static uint8_t *coloured(const eg_datum_picture *p) {
	const size_t plane = (size_t)p->H * (size_t)p->W;
	uint8_t *out = eg_alloc(NULL, 3 * plane);
	for (size_t c = 0; c < 3 && out; c++) memcpy(out + c * plane, p->pixels + (p->C == 3 ? c * plane : 0), plane);
	return out;
}

eg_status eg_found_draw(const char *path, const eg_datum_picture *picture, const eg_found *found, int n,
	const eg_lexicon *names, eg_error *err) {
	const int H = picture->H, W = picture->W;
	const double size = fmax(9, fmin(H, W) / 36.0);
	text t = {.room = 200};
	for (int i = 0; i < n; i++) t.room += 800 + 5 * strlen(names->at[found[i].box.label]);
	t.at = eg_alloc(NULL, t.room);
	uint8_t *pixels = coloured(picture);
	eg_status status = t.at && pixels ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for a picture");
	if (!status) {
		put_int(&t, "<svg xmlns='http://www.w3.org/2000/svg' width='", W, "'"), put_int(&t, " height='", H, "'>");
		for (int i = n - 1; i >= 0; i--) /* the surest on top */
			put_box(&t, &found[i], names->at[found[i].box.label], size, W);
		put(&t, "</svg>");
		status = n > 0 ? eg_raster_over(t.at, t.n, H, W, pixels, err) : EG_OK;
	}
	if (!status) status = eg_picture_save_png(path, 3, H, W, pixels, err);
	eg_release(NULL, pixels);
	eg_release(NULL, t.at);
	return status;
}
