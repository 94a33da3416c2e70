/* raster.h - pictures of shapes as pictures of pixels (raster.c). */
#ifndef ENGRAM_REPORT_RASTER_H
#define ENGRAM_REPORT_RASTER_H

#include "base/base.h"

/* A PNG of an SVG file, two pixels for each of its own; the SVG is removed. EG_ERR_ARG: built without librsvg;
 * EG_ERR_IO: it is not installed. */
eg_status eg_raster_file(const char *svg, const char *png, eg_error *err);

#endif
