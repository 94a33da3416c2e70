/* ensemble.c - a network and a floor that answer together (ensemble.h). Not here: the floor (companion.h). */
#include "tasks/ensemble.h"
#include "tasks/samples.h"

#include <math.h>
#include <string.h>

enum { MOST_WEIGHT = 10, ROUNDS = 50 };

static const eg_key keys[] = {
	{.name = "floor",
		.type = EG_KEY_STRING,
		.offset = offsetof(eg_ensemble_keys, floor),
		.required = true,
		.doc = "which simple model, by its name: `naive-bayes`, `logistic`, `nbsvm`"},
	{.name = "weights",
		.type = EG_KEY_NUMBERS,
		.count = 2,
		.offset = offsetof(eg_ensemble_keys, weights),
		.min = 0,
		.max = MOST_WEIGHT,
		.def = NAN,
		.doc = "two numbers, for the network and for the floor: what the logarithms of their probabilities are multiplied by "
		       "before they are added. Left out: those by which the validation samples are likeliest"},
};
const eg_variant eg_ensemble_map = {.keys = keys, .nkeys = EG_COUNT(keys)};

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for an ensemble"); }

/* ---- what may be asked for --------------------------------------------------------------------------------------- */

static eg_status refuse(const eg_task *t, const char *key, eg_error *err) {
	eg_recipe_locate(t->recipe, key, err);
	return EG_ERR_ARG;
}

eg_status eg_ensemble_check(const eg_task *t, const eg_ensemble_keys *k, eg_error *err) {
	const eg_field_kind kind = t->intakes[0]->type->kind;
	if (eg_companion_exists(k->floor, err)) return refuse(t, "data.ensemble.floor", err);
	if (k->weights.n == 1) {
		eg_fail(err, EG_ERR_ARG, "an ensemble has two weights, [network, floor]");
		return refuse(t, "data.ensemble.weights", err);
	}
	if (t->ninputs == 1 && (kind == EG_FIELD_TEXT || kind == EG_FIELD_TOKENS) && t->intakes[0]->sample.rank == 1) return EG_OK;
	eg_fail(err, EG_ERR_ARG, "floors that stand beside a network read one text, unit by unit: input: [time]");
	return refuse(t, "data.ensemble", err);
}

eg_status eg_ensemble_can_settle(
	const eg_task *t, const eg_ensemble_keys *k, bool folds, bool validation, eg_error *err) {
	if (k->weights.n > 0 || (validation && !folds)) return EG_OK;
	eg_fail(err, EG_ERR_ARG, folds ? "the samples of a fold judge, so they cannot choose the ensemble's weights: give data.ensemble.weights "
	                         "(engram train without --folds tells what validation samples choose)"
	                               : "'ensemble' chooses its weights by validation samples: data.validation must be above 0, such as 0.1, or "
	                                 "give data.ensemble.weights");
	return refuse(t, "data.ensemble", err);
}

/* ---- answering together ------------------------------------------------------------------------------------------ */

void eg_ensemble_free(eg_ensemble *e) {
	if (!e) return;
	eg_companion_free(e->companion);
	eg_release(NULL, e->logits);
	eg_release(NULL, e);
}

static eg_ensemble *make(const char *floor, int classes) {
	eg_ensemble *e = eg_calloc(NULL, 1, sizeof *e);
	if (!e) return NULL;
	*e = (eg_ensemble){.floor = floor, .a = 1, .network = NAN, .alone = NAN, .both = NAN, .classes = classes};
	e->logits = eg_calloc(NULL, (size_t)classes, sizeof *e->logits);
	if (e->logits) return e;
	eg_ensemble_free(e);
	return NULL;
}

/* What the floor says of the row. */
static const double *ask(eg_ensemble *e, const eg_task *t, const eg_row *r) {
	const char *input = t->intakes[0]->input;
	const int32_t *ids = r->batch ? eg_batch_input(r->batch, input) : eg_plan_input(r->plan, input);
	return e->said = ids ? eg_companion_say(e->companion, ids + r->i, r->length, r->n) : NULL;
}

const eg_real *eg_ensemble_logits(eg_ensemble *e, const eg_task *t, const eg_row *r, eg_error *err) {
	const eg_real *own = eg_row_output(r, "logits", 0, NULL);
	if (!e || r->said) return own;
	const double *said = ask(e, t, r);
	if (!said) {
		no_memory(err);
		return NULL;
	}
	for (int k = 0; k < e->classes; k++) e->logits[k] = (eg_real)(e->a * (double)own[k] + e->b * said[k]);
	return e->logits;
}

/* ---- the weights ------------------------------------------------------------------------------------------------- */

/* Validation samples: what the network and the floor say of each class, ln p but for a constant. */
typedef struct rows {
	eg_ensemble *e;
	const eg_task *task;
	double *network, *floor;
	int32_t *label;
	int64_t n;
} rows;

static eg_status take_row(void *user, const eg_row *r, eg_error *err) {
	rows *x = user;
	const int K = x->e->classes;
	const eg_datum *d = eg_row_datum(x->task, r, x->task->ninputs);
	const int32_t label = d ? eg_intake_label(eg_task_target(x->task), d->label) : -1;
	if (label < 0) return EG_OK;
	const eg_real *own = eg_row_output(r, "logits", 0, NULL);
	if (!ask(x->e, x->task, r)) return no_memory(err);
	for (int k = 0; k < K; k++) {
		x->floor[x->n * K + k] = x->e->said[k];
		x->network[x->n * K + k] = (double)own[k];
	}
	x->label[x->n++] = label;
	return EG_OK;
}

/* Share of the rows of which the right class is the likeliest, the first among equals. */
static double accuracy(const rows *x, double a, double b) {
	const int K = x->e->classes;
	int64_t right = 0;
	for (int64_t i = 0; i < x->n; i++) {
		const double *p = x->network + i * K, *q = x->floor + i * K;
		int best = 0;
		for (int k = 1; k < K; k++)
			if (a * p[k] + b * q[k] > a * p[best] + b * q[best]) best = k;
		right += best == x->label[i];
	}
	return (double)right / (double)x->n;
}

/* Sum over the rows of -ln p of what is right, and its slope and curvature by a and b; and (a^2 + b^2) / 2, which keeps
 * them finite where all is right. */
typedef struct slopes {
	double value, a, b, aa, ab, bb;
} slopes;

static slopes slopes_at(const rows *x, double a, double b) {
	const int K = x->e->classes;
	slopes s = {(a * a + b * b) / 2, a, b, 1, 0, 1};
	for (int64_t i = 0; i < x->n; i++) {
		const double *p = x->network + i * K, *q = x->floor + i * K;
		double most = -INFINITY, sum = 0, mp = 0, mq = 0, pp = 0, pq = 0, qq = 0;
		for (int k = 0; k < K; k++) most = fmax(most, a * p[k] + b * q[k]);
		for (int k = 0; k < K; k++) {
			const double w = exp(a * p[k] + b * q[k] - most);
			sum += w, mp += w * p[k], mq += w * q[k];
			pp += w * p[k] * p[k], pq += w * p[k] * q[k], qq += w * q[k] * q[k];
		}
		mp /= sum, mq /= sum;
		s.value += most + log(sum) - a * p[x->label[i]] - b * q[x->label[i]];
		s.a += mp - p[x->label[i]], s.b += mq - q[x->label[i]];
		s.aa += pp / sum - mp * mp, s.ab += pq / sum - mp * mq, s.bb += qq / sum - mq * mq;
	}
	return s;
}

/* Newton's method with steps that are halved until the sum is smaller; a weight that is held stays 0. */
static void descend(const rows *x, bool hold_a, bool hold_b, double *a, double *b) {
	*a = hold_a ? 0 : 0.5, *b = hold_b ? 0 : 0.1;
	slopes s = slopes_at(x, *a, *b);
	for (int round = 0; round < ROUNDS; round++) {
		const double ab = hold_a || hold_b ? 0 : s.ab, det = s.aa * s.bb - ab * ab;
		double da = hold_a ? 0 : (s.bb * s.a - ab * s.b) / det, db = hold_b ? 0 : (s.aa * s.b - ab * s.a) / det;
		slopes next = slopes_at(x, *a - da, *b - db);
		for (int half = 0; half < ROUNDS && !(next.value <= s.value); half++) {
			da /= 2, db /= 2;
			next = slopes_at(x, *a - da, *b - db);
		}
		if (!(next.value < s.value)) return;
		*a -= da, *b -= db;
		if (s.value - next.value < 1e-9 * s.value) return;
		s = next;
	}
}

/* The sum is convex. Three digits are kept, so that weights can be written down. */
static void choose_weights(const rows *x, double *a, double *b) {
	descend(x, false, false, a, b);
	if (*a < 0 || *b < 0) descend(x, *a < 0, *b < 0, a, b);
	*a = round(1000 * fmin(fmax(*a, 0), MOST_WEIGHT)) / 1000;
	*b = round(1000 * fmin(fmax(*b, 0), MOST_WEIGHT)) / 1000;
}

static eg_status weigh(eg_ensemble *e, const eg_ensemble_keys *k, const eg_samples *s, eg_graph *g, eg_params *p,
	eg_error *err) {
	const size_t n = (size_t)eg_samples_count(s, EG_PART_VALIDATION), K = (size_t)e->classes;
	rows x = {.e = e, .task = s->task};
	if (k->weights.n > 0) e->a = k->weights.at[0], e->b = k->weights.at[1];
	if (n == 0) return EG_OK;
	x.network = eg_calloc(NULL, n * K, sizeof *x.network);
	x.floor = eg_calloc(NULL, n * K, sizeof *x.floor);
	x.label = eg_calloc(NULL, n, sizeof *x.label);
	eg_status status = x.network && x.floor && x.label ? eg_samples_each_row(s, g, p, EG_PART_VALIDATION, take_row, &x, err)
	                                                   : no_memory(err);
	if (!status && x.n > 0) {
		if (k->weights.n == 0) choose_weights(&x, &e->a, &e->b);
		e->network = accuracy(&x, 1, 0);
		e->alone = accuracy(&x, 0, 1);
		e->both = accuracy(&x, e->a, e->b);
	}
	eg_release(NULL, x.network);
	eg_release(NULL, x.floor);
	eg_release(NULL, x.label);
	return status;
}

eg_status eg_ensemble_settle(const eg_ensemble_keys *k, const eg_samples *s, eg_graph *g, eg_params *p,
	eg_ensemble **ensemble, eg_error *err) {
	eg_ensemble *e = make(k->floor, eg_intake_names(eg_task_target(s->task))->n);
	eg_ensemble_free(*ensemble);
	*ensemble = NULL;
	if (!e) return no_memory(err);
	eg_status status = eg_companion_train(k->floor, s, g, &e->companion, err);
	if (!status) status = weigh(e, k, s, g, p, err);
	if (status)
		eg_ensemble_free(e);
	else
		*ensemble = e;
	return status;
}

/* ---- in a model's file ------------------------------------------------------------------------------------------- */

void eg_ensemble_put_weights(eg_value *map, const eg_ensemble *e) {
	eg_value *list = eg_value_put_list(map, "weights");
	eg_value_put_number(list, NULL, e->a);
	eg_value_put_number(list, NULL, e->b);
}

void eg_ensemble_save(const eg_ensemble *e, eg_value *map) {
	eg_value *v = eg_value_put_map(map, "ensemble");
	eg_value_put_text(v, "floor", e->floor);
	eg_ensemble_put_weights(v, e);
	if (!isnan(e->both)) {
		eg_value *reached = eg_value_put_map(v, "validation_accuracy");
		eg_value_put_number(reached, "network", e->network);
		eg_value_put_number(reached, "floor", e->alone);
		eg_value_put_number(reached, "both", e->both);
	}
	eg_companion_save(e->companion, eg_value_put_map(v, "model"));
}

eg_status eg_ensemble_restore(
	const eg_value *map, const char *floor, int classes, eg_ensemble **ensemble, eg_error *err) {
	const eg_value *reached = eg_value_get(map, "validation_accuracy");
	eg_ensemble *e = make(floor, classes);
	if (!e) return no_memory(err);
	e->a = eg_value_number(eg_value_at(eg_value_get(map, "weights"), 0), (double)NAN);
	e->b = eg_value_number(eg_value_at(eg_value_get(map, "weights"), 1), (double)NAN);
	e->network = eg_value_number(eg_value_get(reached, "network"), (double)NAN);
	e->alone = eg_value_number(eg_value_get(reached, "floor"), (double)NAN);
	e->both = eg_value_number(eg_value_get(reached, "both"), (double)NAN);
	const bool sound = e->a >= 0 && e->a <= MOST_WEIGHT && e->b >= 0 && e->b <= MOST_WEIGHT;
	eg_status status = sound ? eg_companion_restore(eg_value_get(map, "model"), classes, &e->companion, err)
	                         : eg_fail(err, EG_ERR_FORMAT, "damaged: an ensemble's weights are from 0 to %d", MOST_WEIGHT);
	eg_ensemble_free(status ? NULL : *ensemble);
	if (status)
		eg_ensemble_free(e);
	else
		*ensemble = e;
	return status;
}
