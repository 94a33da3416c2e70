/* inspect.h - the object behind eg_inspection, shared by inspect.c (what is run), gradients.c and states.c (what is
 * shown). */
#ifndef ENGRAM_REPORT_INSPECT_H
#define ENGRAM_REPORT_INSPECT_H

#include "engram_report.h"
#include "engram_text.h"
#include "report/plot.h"
#include "report/unroll.h"

enum { EG_CURVES = 8 };

struct eg_inspection {
	eg_model *model;
	eg_inspect_options options; /* none of them 0 */
	const char *folder;
	eg_arena arena;  /* everything that the pointers below point to */
	eg_unrolled net; /* the model's network with its weights */
	eg_vocab *vocab; /* of what it reads; NULL: it reads no text */

	eg_sequences batch;  /* for the gradients */
	eg_sequences one;    /* for the heat maps; no target */
	const int32_t *ids;  /* the same as `one.input` where the network takes ids; NULL: numbers */
	const char **labels; /* one.steps of them; NULL: none */
	bool first_given;    /* the first unit is a mark put in front, not text */

	eg_gradient_curve curves[EG_CURVES];
	int ncurves;
	const char **files;
	int nfiles, cap_files;
};

/* "FOLDER/NAME", noted as written. NULL after out of memory. */
const char *eg_inspect_path(eg_inspection *i, const char *name, eg_error *err);
eg_status eg_inspect_no_memory(eg_error *err);

#endif
