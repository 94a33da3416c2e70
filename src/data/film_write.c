/* film_write.c - films as Y4M, whole or not at all. Rows are progressive, pixels square, colours of studio range. */
#include "data/film.h"

#include <stdio.h>
#include <string.h>

struct eg_film_writer {
	eg_writer *file;
	eg_film_form form;
	int H, W;
	size_t size;
	uint8_t *bytes;
};

static const struct {
	const char *word;
	int sx, sy;
} kinds[] = {
	[EG_FILM_444] = {"444", 1, 1},
	[EG_FILM_422] = {"422", 2, 1},
	[EG_FILM_420] = {"420jpeg", 2, 2}, /* samples of colour stand in the middle of their pixels */
	[EG_FILM_MONO] = {"mono", 0, 0},
};

eg_status eg_film_create(
	const char *path, int H, int W, int rate, int per, eg_film_chroma chroma, eg_film_writer **writer, eg_error *err) {
	char head[200];
	eg_error local;
	if (!err) err = &local;
	*writer = NULL;
	if (H < 1 || W < 1) return eg_fail(err, EG_ERR_ARG, "'%s': a film cannot be %d x %d (height, width)", path, H, W);
	eg_film_writer *w = eg_calloc(NULL, 1, sizeof *w);
	if (!w) return eg_fail(err, EG_ERR_MEMORY, "out of memory for a film");
	w->form = (eg_film_form){.sx = kinds[chroma].sx, .sy = kinds[chroma].sy};
	w->H = H, w->W = W;
	w->size = eg_film_form_bytes(&w->form, H, W);
	w->bytes = eg_alloc(NULL, w->size);
	w->file = w->bytes ? eg_writer_new(NULL, path, err) : NULL;
	if (!w->file) {
		const eg_status status = w->bytes ? err->status : eg_fail(err, EG_ERR_MEMORY, "out of memory for a film");
		eg_film_abort(w);
		return status;
	}
	const int n = snprintf(head, sizeof head, "YUV4MPEG2 W%d H%d F%d:%d Ip A1:1 C%s\n", W, H, rate > 0 ? rate : 25,
		rate > 0 && per > 0 ? per : 1, kinds[chroma].word);
	eg_writer_put(w->file, head, (size_t)n);
	*writer = w;
	return EG_OK;
}

void eg_film_put(eg_film_writer *w, int C, const uint8_t *pixels) {
	eg_film_encode(&w->form, w->H, w->W, C, pixels, w->bytes);
	eg_writer_put(w->file, "FRAME\n", 6);
	eg_writer_put(w->file, w->bytes, w->size);
}

static void release(eg_film_writer *w) {
	eg_release(NULL, w->bytes);
	eg_release(NULL, w);
}

eg_status eg_film_commit(eg_film_writer *w, eg_error *err) {
	const eg_status status = eg_writer_commit(w->file, err);
	release(w);
	return status;
}

void eg_film_abort(eg_film_writer *w) {
	if (!w) return;
	eg_writer_abort(w->file);
	release(w);
}
