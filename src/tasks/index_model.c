/* index_model.c - which model an index was made with, so that no picture is looked for with another one: embeddings of
 * two trainings have nothing in common. */
#include "tasks/index.h"
#include "tasks/samples.h"

#include <stdio.h>
#include <string.h>

/* A number of all weights, in words. */
static const char *weights_of(eg_params *p, char buf[20]) {
	size_t n = 0;
	const eg_real *at = eg_params_flat(p, &n);
	snprintf(buf, 20, "%016llx", (unsigned long long)(at ? eg_fingerprint(0, at, n * sizeof *at) : 0));
	return buf;
}

eg_status eg_index_keep_model(eg_index *x, eg_model *m, const char *path, eg_error *err) {
	char weights[20];
	eg_status status = eg_index_keep(x, "model", path, err);
	return status ? status : eg_index_keep(x, "weights", weights_of(eg_model_params(m), weights), err);
}

eg_status eg_index_check_weights(const eg_index *x, eg_params *p, eg_error *err) {
	char weights[20];
	const char *kept = eg_index_kept(x, "weights"), *path = eg_index_kept(x, "model");
	if (!kept || !strcmp(kept, weights_of(p, weights))) return EG_OK;
	return eg_fail(err, EG_ERR_ARG, "the index was made with other weights%s%s: make it anew with this model (engram index)",
		path ? " than these, those of " : " than these", path ? path : "");
}

eg_status eg_index_check_model(const eg_index *x, eg_model *m, eg_error *err) {
	return eg_index_check_weights(x, eg_model_params(m), err);
}
