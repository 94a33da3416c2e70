/* raster.c - SVG to PNG by librsvg and cairo, which are loaded when they are wanted: with glib they are some 30
 * libraries. Not here: writing PNG (data/picture). */
#include "report/raster.h"

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
		return eg_fail(err, EG_ERR_IO, "librsvg-2.so.2 is not installed, which PNG files need (Debian: apt install librsvg2-2); write .svg");
	/* dlsym returns a pointer to data; POSIX promises that its bits are the function's address */
#define LOAD(name, result, arguments) p = dlsym(from, #name), memcpy(&l->name, &p, sizeof p), whole = whole && p;
	FUNCTIONS(LOAD)
#undef LOAD
	return whole ? EG_OK : eg_fail(err, EG_ERR_IO, "librsvg is older than 2.52, which PNG files need; write .svg");
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

static eg_status render(const library *l, RsvgHandle *handle, const char *png, eg_error *err) {
	double width = 0, height = 0;
	if (!l->rsvg_handle_get_intrinsic_size_in_pixels(handle, &width, &height) || width * SCALE > PIXELS_MOST || height * SCALE > PIXELS_MOST)
		return eg_fail(err, EG_ERR_ARG, "'%s': a picture of %g x %g is too large", png, width, height);
	const int w = (int)width * SCALE, h = (int)height * SCALE;
	cairo_surface_t *surface = l->cairo_image_surface_create(CAIRO_FORMAT_RGB24, w, h);
	unsigned char *data = l->cairo_image_surface_get_data(surface);
	if (data) memset(data, 0xff, (size_t)l->cairo_image_surface_get_stride(surface) * (size_t)h);
	l->cairo_surface_mark_dirty(surface);
	cairo_t *cairo = l->cairo_create(surface);
	const RsvgRectangle all = {0, 0, w, h};
	uint8_t *pixels = eg_alloc(NULL, (size_t)w * (size_t)h * 3);
	eg_status status = pixels && data ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for '%s'", png);
	if (!status && !l->rsvg_handle_render_document(handle, cairo, &all, NULL))
		status = eg_fail(err, EG_ERR_FORMAT, "librsvg cannot draw '%s'", png);
	l->cairo_destroy(cairo);
	l->cairo_surface_flush(surface);
	if (!status) planes(data, l->cairo_image_surface_get_stride(surface), w, h, pixels);
	if (!status) status = eg_picture_save_png(png, 3, h, w, pixels, err);
	l->cairo_surface_destroy(surface);
	eg_release(NULL, pixels);
	return status;
}

eg_status eg_raster_file(const char *svg, const char *png, eg_error *err) {
	library l = {0};
	eg_status status = load(&l, err);
	RsvgHandle *handle = status ? NULL : l.rsvg_handle_new_from_file(svg, NULL);
	if (!status && !handle) status = eg_fail(err, EG_ERR_IO, "librsvg cannot read '%s'", svg);
	if (!status) status = render(&l, handle, png, err);
	if (handle) l.g_object_unref(handle);
	remove(svg);
	return status;
}

#else

eg_status eg_raster_file(const char *svg, const char *png, eg_error *err) {
	remove(svg);
	return eg_fail(err, EG_ERR_ARG, "cannot write '%s': engram was built without librsvg; write .svg, or install librsvg2-dev and build anew", png);
}

#endif
