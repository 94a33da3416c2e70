/* alignment.h - where a network looked while it wrote, as a picture. */
#ifndef ENGRAM_TASKS_ALIGNMENT_H
#define ENGRAM_TASKS_ALIGNMENT_H

#include "base/base.h"

typedef struct eg_alignment {
	const char *const *read, *const *written; /* UTF-8 */
	int nread, nwritten;
	const eg_real *weights; /* row i, of what was written: nread of stride */
	int stride;
} eg_alignment;

/* SVG: what was read over the columns, what was written beside the rows, darker where a weight is larger. */
eg_status eg_alignment_save(const char *path, const eg_alignment *a, eg_error *err);

#endif
