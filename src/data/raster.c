/* raster.c - SVG to pixels by librsvg and cairo, which are loaded when they are wanted: with glib they are some 30
 * libraries. Not here: writing PNG (data/picture). */
#include "data/raster.h"

#include "engram_data.h"

#include <stdio.h>
#include <string.h>

#ifdef ENGRAM_HAVE_RSVG

#include <dlfcn.h>
#include <librsvg/rsvg.h>

enum { SCALE = 2, PIXELS_MOST = 16384 };

/* What is used of the libraries: FUNCTION(name, result, arguments). */
#define FUNCTIONS(F) \
	F(rsvg_handle_new_from_file, RsvgHandle *, (const char *, GError **)) \
	F(rsvg_handle_new_from_data, RsvgHandle *, (const guint8 *, gsize, GError **)) \
	F(rsvg_handle_get_intrinsic_size_in_pixels, gboolean, (RsvgHandle *, gdouble *, gdouble *)) \
	F(rsvg_handle_render_document, gboolean, (RsvgHandle *, cairo_t *, const RsvgRectangle *, GError **)) \
	F(g_object_unref, void, (gpointer)) \
	F(cairo_image_surface_create, cairo_surface_t *, (cairo_format_t, int, int)) \
	F(cairo_image_surface_get_data, unsigned char *, (cairo_surface_t *)) \
	F(cairo_image_surface_get_stride, int, (cairo_surface_t *)) \
	F(cairo_surface_flush, void, (cairo_surface_t *)) \
	F(cairo_surface_mark_dirty, void, (cairo_surface_t *)) \
	F(cairo_surface_destroy, void, (cairo_surface_t *)) \
	F(cairo_create, cairo_t *, (cairo_surface_t *)) \
	F(cairo_destroy, void, (cairo_t *))

typedef struct library {
#define MEMBER(name, result, arguments) result(*name) arguments;
	FUNCTIONS(MEMBER)
#undef MEMBER
} library;

static eg_status load(library *l, eg_error *err) {
	static const char *const names[] = {"librsvg-2.so.2", "librsvg-2.so", "librsvg-2.2.dylib"};
	void *from = NULL, *p;
	bool whole = true;
	for (int i = 0; !from && i < EG_COUNT(names); i++) from = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (!from)
		return eg_fail(err, EG_ERR_IO, "librsvg-2.so.2 is not installed, which draws texts in PNG files (Debian: apt install librsvg2-2)");
	/* dlsym returns a pointer to data; POSIX promises that its bits are the function's address */
#define LOAD(name, result, arguments) p = dlsym(from, #name), memcpy(&l->name, &p, sizeof p), whole = whole && p;
	FUNCTIONS(LOAD)
#undef LOAD
	return whole ? EG_OK : eg_fail(err, EG_ERR_IO, "librsvg is older than 2.52, which draws texts in PNG files");
}

/* Cairo's pixels (blue, green, red and how opaque, by bytes of a number) as planes. */
static void planes(const unsigned char *from, int stride, int width, int height, uint8_t *to) {
	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++) {
			uint32_t v;
			memcpy(&v, from + (ptrdiff_t)y * stride + 4 * (ptrdiff_t)x, 4);
			for (int c = 0; c < 3; c++) to[((ptrdiff_t)c * height + y) * width + x] = (uint8_t)(v >> (16 - 8 * c));
		}
}

/* And back. */
static void from_planes(const uint8_t *from, int stride, int width, int height, unsigned char *to) {
	const ptrdiff_t plane = (ptrdiff_t)height * width;
	for (int y = 0; y < height; y++)
		for (int x = 0; x < width; x++, from++) {
			const uint32_t v = (uint32_t)from[0] << 16 | (uint32_t)from[plane] << 8 | from[2 * plane];
			memcpy(to + (ptrdiff_t)y * stride + 4 * (ptrdiff_t)x, &v, 4);
		}
}

/* Draws the document into `pixels`, 3 x h x w, over what is there or, not `over`, over white. */
static eg_status render(const library *l, RsvgHandle *handle, bool over, int h, int w, uint8_t *pixels, eg_error *err) {
	cairo_surface_t *surface = l->cairo_image_surface_create(CAIRO_FORMAT_RGB24, w, h);
	unsigned char *data = l->cairo_image_surface_get_data(surface);
	const int stride = data ? l->cairo_image_surface_get_stride(surface) : 0;
	if (data && over) from_planes(pixels, stride, w, h, data);
	if (data && !over) memset(data, 0xff, (size_t)stride * (size_t)h);
	l->cairo_surface_mark_dirty(surface);
	cairo_t *cairo = l->cairo_create(surface);
	const RsvgRectangle all = {0, 0, w, h};
	eg_status status = data ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for a picture");
	if (!status && !l->rsvg_handle_render_document(handle, cairo, &all, NULL))
		status = eg_fail(err, EG_ERR_FORMAT, "librsvg cannot draw a picture of %d x %d", w, h);
	l->cairo_destroy(cairo);
	l->cairo_surface_flush(surface);
	if (!status) planes(data, stride, w, h, pixels);
	l->cairo_surface_destroy(surface);
	return status;
}

static eg_status draw_file(const library *l, RsvgHandle *handle, const char *png, eg_error *err) {
	double width = 0, height = 0;
	if (!l->rsvg_handle_get_intrinsic_size_in_pixels(handle, &width, &height) || width * SCALE > PIXELS_MOST || height * SCALE > PIXELS_MOST)
		return eg_fail(err, EG_ERR_ARG, "'%s': a picture of %g x %g is too large", png, width, height);
	const int w = (int)width * SCALE, h = (int)height * SCALE;
	uint8_t *pixels = eg_alloc(NULL, (size_t)w * (size_t)h * 3);
	if (!pixels) return eg_fail(err, EG_ERR_MEMORY, "out of memory for '%s'", png);
	eg_status status = render(l, handle, false, h, w, pixels, err);
	if (!status) status = eg_picture_save_png(png, 3, h, w, pixels, err);
	eg_release(NULL, pixels);
	return status;
}

eg_status eg_raster_file(const char *svg, const char *png, eg_error *err) {
	library l = {0};
	eg_status status = load(&l, err);
	RsvgHandle *handle = status ? NULL : l.rsvg_handle_new_from_file(svg, NULL);
	if (!status && !handle) status = eg_fail(err, EG_ERR_IO, "librsvg cannot read '%s'", svg);
	if (!status) status = draw_file(&l, handle, png, err);
	if (handle) l.g_object_unref(handle);
	remove(svg);
	return status;
}

eg_status eg_raster_over(const char *svg, size_t size, int H, int W, uint8_t *pixels, eg_error *err) {
	library l = {0};
	eg_status status = load(&l, err);
	RsvgHandle *handle = status ? NULL : l.rsvg_handle_new_from_data((const guint8 *)svg, size, NULL);
	if (!status && !handle) status = eg_fail(err, EG_ERR_FORMAT, "librsvg cannot read what is to be drawn over a picture");
	if (!status) status = render(&l, handle, true, H, W, pixels, err);
	if (handle) l.g_object_unref(handle);
	return status;
}

#else

eg_status eg_raster_file(const char *svg, const char *png, eg_error *err) {
	remove(svg);
	return eg_fail(err, EG_ERR_ARG, "cannot write '%s': engram was built without librsvg; write .svg, or install librsvg2-dev and build anew", png);
}

eg_status eg_raster_over(const char *svg, size_t size, int H, int W, uint8_t *pixels, eg_error *err) {
	EG_UNUSED(svg), EG_UNUSED(size), EG_UNUSED(H), EG_UNUSED(W), EG_UNUSED(pixels);
	return eg_fail(err, EG_ERR_ARG, "nothing can be drawn over a picture: engram was built without librsvg; install librsvg2-dev and build anew");
}

#endif
