/* jpeg.c - JPEG in through libjpeg (libjpeg-turbo); the only file that knows it. libjpeg's own memory comes from
 * malloc.
 *
 * libjpeg reports errors by a callback that must not return. Ours jumps back to a setjmp in guarded(), which has no
 * variables of its own; everything that lives across the jump is in the struct `reader`. */
#include "data/data.h"

#ifdef ENGRAM_HAVE_JPEG

#include <setjmp.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>

enum { EXIF_MARKER = JPEG_APP0 + 1 };
enum { SCANS = 200 }; /* a progressive file needs about ten; thousands would only keep us busy */

typedef struct reader {
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr errors;
	struct jpeg_progress_mgr progress;
	jmp_buf back;
	const uint8_t *data;
	size_t size;
	const eg_picture_options *options;
	eg_picture *pic;
	uint8_t *line; /* one row as libjpeg gives it */
	eg_status status;
	eg_error *err;
} reader;

static void on_error(j_common_ptr jpeg) {
	reader *r = jpeg->client_data;
	char reason[JMSG_LENGTH_MAX];
	jpeg->err->format_message(jpeg, reason);
	bool memory = jpeg->err->msg_code == JERR_OUT_OF_MEMORY;
	r->status = eg_fail(r->err, memory ? EG_ERR_MEMORY : EG_ERR_FORMAT, "it is damaged or cut off (%s)", reason);
	longjmp(r->back, 1);
}

static void leave(reader *r, eg_status status) {
	r->status = status;
	longjmp(r->back, 1);
}

/* level < 0: a warning. libjpeg would make up what is missing; a picture half grey is worse than none. Harmless ones,
 * such as stray bytes between markers, pass. */
static void on_message(j_common_ptr jpeg, int level) {
	int code = jpeg->err->msg_code;
	if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER || code == JWRN_HUFF_BAD_CODE))
		on_error(jpeg);
}

static void on_progress(j_common_ptr jpeg) {
	reader *r = jpeg->client_data;
	if (r->jpeg.input_scan_number > SCANS)
		leave(r, eg_fail(r->err, EG_ERR_FORMAT, "it has more than %d scans", SCANS));
}

static bool guarded(reader *r, void (*step)(reader *)) {
	if (setjmp(r->back) != 0) return false;
	step(r);
	return true;
}

/* CMYK: 255 is no ink. Photoshop began with it, marked such files as Adobe's, and every program followed; where the
 * mark is missing, somebody removed what he took for metadata (so browsers, ImageMagick and Pillow see it too). */
static void put_line(reader *r, int y) {
	const struct jpeg_decompress_struct *j = &r->jpeg;
	size_t W = (size_t)r->pic->W, plane = W * (size_t)r->pic->H;
	uint8_t *out = r->pic->pixels + (size_t)y * W;
	int n = j->output_components;
	for (int c = 0; c < r->pic->C; c++, out += plane)
		for (size_t x = 0; x < W; x++) {
			const uint8_t *px = r->line + x * (size_t)n;
			int v = px[c];
			if (n == 4) v = v * px[3] / 255;
			out[x] = (uint8_t)v;
		}
}

/* A picture too large is read at a half, a quarter or an eighth of its sides, where that is allowed: the decoder makes
 * it so small from the start. The largest that JPEG knows fits at an eighth, but of a file in several scans libjpeg
 * keeps all coefficients. */
static void choose_scale(reader *r) {
	struct jpeg_decompress_struct *j = &r->jpeg;
	int64_t most = eg_picture_most(r->options), all = (int64_t)j->image_height * j->image_width;
	if (!r->options->shrink || (jpeg_has_multiple_scans(j) && all / 4 > most)) return;
	j->scale_num = 1;
	for (j->scale_denom = 1; j->scale_denom <= 8; j->scale_denom *= 2) {
		jpeg_calc_output_dimensions(j);
		if ((int64_t)j->output_height * j->output_width <= most) return;
	}
	j->scale_denom = 1; /* not even so; jpeg_start_decompress is not come to */
	jpeg_calc_output_dimensions(j);
}

/* EXIF data lie in a marker APP1, behind their name; others use that marker too. */
static int orientation_of(const struct jpeg_decompress_struct *j) {
	static const char name[6] = "Exif\0"; /* two zeros */
	for (jpeg_saved_marker_ptr m = j->marker_list; m; m = m->next)
		if (m->marker == EXIF_MARKER && m->data_length > sizeof name && memcmp(m->data, name, sizeof name) == 0)
			return eg_exif_orientation(m->data + sizeof name, m->data_length - sizeof name);
	return 1;
}

static void decode(reader *r) {
	struct jpeg_decompress_struct *j = &r->jpeg;
	jpeg_create_decompress(j);
	j->client_data = r;
	j->progress = &r->progress;
	jpeg_mem_src(j, r->data, (unsigned long)r->size);
	jpeg_save_markers(j, EXIF_MARKER, 0xFFFF);
	jpeg_read_header(j, TRUE);
	if (j->jpeg_color_space == JCS_GRAYSCALE)
		j->out_color_space = JCS_GRAYSCALE;
	else if (j->jpeg_color_space == JCS_CMYK || j->jpeg_color_space == JCS_YCCK)
		j->out_color_space = JCS_CMYK;
	else
		j->out_color_space = JCS_RGB;
	int C = j->out_color_space == JCS_GRAYSCALE ? 1 : 3;
	jpeg_calc_output_dimensions(j);
	choose_scale(r);
	eg_status status = eg_picture_alloc(r->pic, C, j->output_height, j->output_width, r->options, r->err);
	if (status != EG_OK) leave(r, status);
	r->line = eg_calloc(r->pic->allocator, j->output_width, 4);
	if (!r->line) leave(r, eg_fail(r->err, EG_ERR_MEMORY, "out of memory"));
	jpeg_start_decompress(j);
	while (j->output_scanline < j->output_height) {
		int y = (int)j->output_scanline;
		JSAMPROW row = r->line;
		if (jpeg_read_scanlines(j, &row, 1) == 1) put_line(r, y);
	}
	int orientation = orientation_of(j); /* finishing forgets the markers */
	jpeg_finish_decompress(j);
	r->status = eg_picture_turn(r->pic, orientation, r->err);
}

static void destroy(reader *r) { jpeg_destroy_decompress(&r->jpeg); }

eg_status eg_jpeg_decode(
	const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err) {
	reader *r = eg_calloc(pic->allocator, 1, sizeof *r);
	if (!r) return eg_fail(err, EG_ERR_MEMORY, "out of memory");
	r->data = data, r->size = size, r->options = o, r->pic = pic, r->err = err;
	r->jpeg.err = jpeg_std_error(&r->errors);
	r->errors.error_exit = on_error;
	r->errors.emit_message = on_message;
	r->progress.progress_monitor = on_progress;
	r->jpeg.client_data = r; /* jpeg_create_decompress keeps it and err */
	guarded(r, decode);
	guarded(r, destroy);
	eg_status status = r->status;
	eg_release(pic->allocator, r->line);
	eg_release(pic->allocator, r);
	return status;
}

#else

eg_status eg_jpeg_decode(
	const uint8_t *data, size_t size, const eg_picture_options *o, eg_picture *pic, eg_error *err) {
	EG_UNUSED(data), EG_UNUSED(size), EG_UNUSED(o), EG_UNUSED(pic);
	return eg_fail(err, EG_ERR_ARG, "it is a JPEG, and this engram was built without libjpeg");
}

#endif
