/* raster.h - pictures of shapes as pictures of pixels (raster.c). */
#ifndef ENGRAM_DATA_RASTER_H
#define ENGRAM_DATA_RASTER_H

#include "base/base.h"

/* A PNG of an SVG file, two pixels for each of its own; the SVG is removed. EG_ERR_ARG: built without librsvg;
 * EG_ERR_IO: it is not installed. */
eg_status eg_raster_file(const char *svg, const char *png, eg_error *err);
/* An SVG document as text, as large as the picture, drawn over its pixels, 3 x H x W. Failures likewise. */
eg_status eg_raster_over(const char *svg, size_t size, int H, int W, uint8_t *pixels, eg_error *err);

#endif
