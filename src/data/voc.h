/* voc.h - what an annotation of Pascal VOC says of one picture. */
#ifndef ENGRAM_DATA_VOC_H
#define ENGRAM_DATA_VOC_H

#include "data/data.h"

typedef struct eg_voc_object {
	const char *name; /* of the class */
	double x0, y0, x1, y1; /* as eg_box has them: xmin - 1, ymin - 1, xmax, ymax */
	bool difficult, empty; /* empty: xmax is no larger than xmin, or ymax than ymin */
} eg_voc_object;

typedef struct eg_voc {
	int H, W; /* as the annotation has them; 0: it does not say */
	eg_voc_object *objects;
	int n, cap;
} eg_voc;

/* Reads an annotation. Names lie in the arena; objects are released with eg_release(NULL, ...). `name` is the
 * file's, for messages, which tell the line. A document type declaration is refused, and so is what is nested
 * deeply. */
eg_status eg_voc_parse(
	const char *data, size_t size, const char *name, eg_arena *arena, eg_voc *voc, eg_error *err);
enum { EG_VOC_BYTES = 16 << 20 /* of an annotation */ };

#endif
