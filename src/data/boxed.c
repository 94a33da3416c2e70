/* boxed.c - pictures as files with their boxes in memory, as records: see boxed.h.
 * Not here: how annotations are written (voc.c, source_yolo.c). */
#include "data/boxed.h"

#include <math.h>
#include <string.h>

/* ---- boxes ------------------------------------------------------------------------------------------------------- */

double eg_box_overlap(const eg_box *a, const eg_box *b) {
	const double w = fmin(a->x1, b->x1) - fmax(a->x0, b->x0), h = fmin(a->y1, b->y1) - fmax(a->y0, b->y0);
	if (!(w > 0 && h > 0)) return 0;
	return w * h / ((a->x1 - a->x0) * (a->y1 - a->y0) + (b->x1 - b->x0) * (b->y1 - b->y0) - w * h);
}

/* Notes which box it was, as long as there is room for it. */
static void name_it(const eg_boxed *e, const char *class_name, eg_boxed_tally *t) {
	const size_t n = strlen(t->named);
	const char *slash = strrchr(e->annotation, '/');
	const int most = (int)(sizeof t->named - n);
	const int made = snprintf(t->named + n, (size_t)most, "%s%.60s in %.100s", n ? ", " : "", class_name, slash ? slash + 1 : e->annotation);
	if (made >= most)
		t->named[n] = '\0';
	else
		t->nnamed++;
}

void eg_boxed_put(eg_boxed *e, eg_box box, bool empty, const char *class_name, eg_boxed_tally *t) {
	const eg_box whole = box;
	if (empty) {
		t->empty++;
		name_it(e, class_name, t);
		return;
	}
	const int H = e->shares ? 1 : e->H, W = e->shares ? 1 : e->W;
	if (H > 0 && W > 0 && !eg_box_clip(&box, H, W)) {
		t->outside++;
		name_it(e, class_name, t);
		return;
	}
	/* shares are rounded where they are written: what is beyond by less is not told */
	const double least = e->shares ? 1e-5 : 0;
	t->cut += box.x0 > whole.x0 + least || box.y0 > whole.y0 + least || box.x1 < whole.x1 - least || box.y1 < whole.y1 - least;
	e->boxes[e->n++] = box;
}

void eg_boxed_tell(eg_source *s, eg_part part, const eg_boxed_tally *t) {
	const long long none = (long long)t->empty, outside = (long long)t->outside, cut = (long long)t->cut;
	if (none > 0)
		eg_source_remark_more(s, part, "%lld box%s no width or no height and %s left out", none, none == 1 ? " has" : "es have",
		        none == 1 ? "is" : "are");
	if (outside > 0)
		eg_source_remark_more(s, part, "%lld box%s outside of the picture and %s left out", outside, outside == 1 ? " lies" : "es lie",
		        outside == 1 ? "is" : "are");
	if (t->nnamed > 0)
		eg_source_remark_more(s, part, "left out: %s%s; draw them anew in the labelling tool, or remove them there", t->named,
		        t->nnamed < none + outside ? ", ..." : "");
	if (cut > 0)
		eg_source_remark_more(s, part, "%lld box%s out of the picture and %s cut to it", cut, cut == 1 ? " reaches" : "es reach",
		        cut == 1 ? "is" : "are");
}

/* ---- pictures ---------------------------------------------------------------------------------------------------- */

eg_status eg_boxed_find(eg_source *s, const eg_files *tree, const char *folder, const char *name, eg_boxed *e, eg_error *err) {
	static const char *const endings[] = {"jpg", "jpeg", "JPG", "png", "webp", "bmp"};
	for (int i = 0; i < EG_COUNT(endings); i++) {
		e->picture = eg_arena_printf(&s->arena, "%s/%s.%s", folder, name, endings[i]);
		if (!e->picture) return eg_source_no_memory(s, err);
		if (eg_files_is_file(tree, e->picture)) return EG_OK;
	}
	e->picture = NULL;
	return EG_OK;
}

eg_status eg_boxed_load(const eg_files *tree, const eg_boxed *e, eg_picture *pic, eg_error *err) {
	eg_status status = eg_picture_read(tree, e->picture, NULL, pic, err);
	if (status || e->H == 0 || e->W == 0 || (pic->H == e->H && pic->W == e->W)) return status;
	status = eg_fail(err, EG_ERR_FORMAT,
	        "'%s' is %d x %d (height, width) as it is to be seen, but '%s' says %d x %d: its boxes belong to another picture",
	        e->picture, pic->H, pic->W, e->annotation, e->H, e->W);
	eg_picture_free(pic);
	return status;
}

/* ---- records ----------------------------------------------------------------------------------------------------- */

static eg_status put_picture(const eg_picture *pic, eg_record *r, eg_error *err) {
	size_t size = (size_t)pic->C * (size_t)pic->H * (size_t)pic->W;
	uint8_t *pixels = eg_record_room(r, size);
	if (!pixels) return eg_record_no_memory(err);
	memcpy(pixels, pic->pixels, size);
	r->fields[EG_BOXED_PICTURE] = (eg_datum){.there = true, .picture = {pic->C, pic->H, pic->W, pixels}};
	return EG_OK;
}

/* Where the annotation does not say how large the picture is, boxes are cut here; shares become pixels. */
static eg_status put_boxes(const eg_boxed *e, const eg_picture *pic, eg_record *r, eg_error *err) {
	eg_box *boxes = eg_record_room(r, (size_t)e->n * sizeof *boxes);
	int n = 0;
	if (!boxes) return eg_record_no_memory(err);
	for (int i = 0; i < e->n; i++) {
		eg_box *b = &boxes[n];
		*b = e->boxes[i];
		if (e->shares) b->x0 *= pic->W, b->x1 *= pic->W, b->y0 *= pic->H, b->y1 *= pic->H;
		if (eg_box_clip(b, pic->H, pic->W)) n++;
	}
	r->fields[EG_BOXED_BOXES] = (eg_datum){.there = true, .boxes = {n, boxes}};
	return EG_OK;
}

eg_status eg_boxed_record(const eg_files *tree, const eg_boxed *e, unsigned wanted, eg_record *r, eg_error *err) {
	eg_picture pic = {0};
	bool sized = e->H > 0 && e->W > 0, picture = wanted & 1u << EG_BOXED_PICTURE, boxes = wanted & 1u << EG_BOXED_BOXES;
	r->id = e->id;
	r->place = e->picture;
	eg_status status = picture || (boxes && !sized) ? eg_boxed_load(tree, e, &pic, err) : EG_OK;
	if (!status && picture) status = put_picture(&pic, r, err);
	if (!status && boxes && sized) r->fields[EG_BOXED_BOXES] = (eg_datum){.there = true, .boxes = {e->n, e->boxes}};
	if (!status && boxes && !sized) status = put_boxes(e, &pic, r, err);
	eg_picture_free(&pic);
	return status;
}
