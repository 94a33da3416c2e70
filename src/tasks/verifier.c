/* verifier.c - two embeddings compared by what a model of the task `verify` keeps (engram_verify.h). */
#include "engram_verify.h"
#include "tasks/pairs.h"

#include <math.h>
#include <string.h>

static double number_of(const eg_value *map, const char *key) { return eg_value_number(eg_value_get(map, key), (double)NAN); }

/* The largest rate that is kept and is no larger than `rate`: the list falls. */
static eg_status find_threshold(const eg_value *learnt, double rate, eg_verifier *v, eg_error *err) {
	const eg_value *last = NULL;
	for (const eg_value *c = eg_value_first(eg_value_get(learnt, "thresholds")); c; c = eg_value_next(c)) {
		last = c;
		if (number_of(c, "false_accepts") > rate * (1 + 1e-9)) continue;
		v->false_accepts = number_of(c, "false_accepts"), v->threshold = number_of(c, "threshold");
		if (isfinite(v->threshold)) return EG_OK;
		return eg_fail(err, EG_ERR_FORMAT, "damaged: the model's threshold is not a number");
	}
	return eg_fail(err, EG_ERR_ARG,
		"no threshold accepts so few as %g of the pairs of two persons: %lld such pairs validated the model, enough for %g; "
		"ask for that rate, or train with more persons in data.validation",
		rate, (long long)eg_value_int(eg_value_get(learnt, "other"), 0), last ? number_of(last, "false_accepts") : 1);
}

eg_status eg_verifier_of(const eg_model *m, double false_accepts, double threshold, eg_verifier *v, eg_error *err) {
	eg_task *t;
	eg_status status = eg_task_of_model((eg_model *)m, &t, err);
	if (status) return status;
	const eg_value *learnt = eg_value_get(eg_model_task(m), "verify");
	*v = (eg_verifier){.threshold = threshold, .false_accepts = (double)NAN};
	if (strcmp(t->type->info.name, "verify") != 0)
		status = eg_fail(err, EG_ERR_ARG,
			"it was trained to %s, and compares no pairs; train a recipe of the task 'verify', such as recipes/faces.yaml",
			t->type->info.name);
	else
		v->distance = eg_verify_distance(t);
	if (!status && !learnt && isnan(threshold))
		status = eg_fail(err, EG_ERR_ARG,
			"the model has no threshold, since no persons validated it: train it with data.validation (0.2: a fifth of the "
			"persons, two at least, with several pictures each), or give --threshold");
	if (!status && isnan(threshold))
		status = find_threshold(learnt, false_accepts > 0 ? false_accepts : eg_verify_rate(t), v, err);
	v->a = learnt ? number_of(learnt, "a") : (double)NAN, v->b = learnt ? number_of(learnt, "b") : (double)NAN;
	eg_task_free(t);
	return status;
}

eg_status eg_verifier_compare(
	const eg_verifier *v, const float *a, const float *b, int width, eg_verdict *to, eg_error *err) {
	double d;
	eg_status status = eg_embedding_distance(a, b, width, v->distance, &d, err);
	if (status) return status;
	d = (double)(float)d; /* as thresholds were found */
	const bool same = d <= v->threshold;
	const double p = eg_sureness_at((eg_sureness){v->a, v->b}, d);
	*to = (eg_verdict){.distance = d, .same = same, .probability = p, .confidence = same ? p : 1 - p};
	return EG_OK;
}
