/* ensemble.c - a network and floors that answer together (ensemble.h). Not here: the floors (companion.h). */
#include "tasks/ensemble.h"
#include "tasks/samples.h"

#include <math.h>
#include <string.h>

enum { MOST_WEIGHT = 10, ROUNDS = 50 };

static const eg_key keys[] = {
	{.name = "floor",
		.type = EG_KEY_STRINGS,
		.count = EG_ENSEMBLE_FLOORS,
		.offset = offsetof(eg_ensemble_keys, floors),
		.required = true,
		.one_will_do = true,
		.doc = "which simple model, by its name, or a list of them: `naive-bayes`, `logistic`, `nbsvm`, `nbsvm-letters`"},
	{.name = "weights",
		.type = EG_KEY_NUMBERS,
		.count = 1 + EG_ENSEMBLE_FLOORS,
		.offset = offsetof(eg_ensemble_keys, weights),
		.min = 0,
		.max = MOST_WEIGHT,
		.def = NAN,
		.doc = "numbers for the network and for each floor: what the logarithms of their probabilities are multiplied by "
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
	for (int i = 0; i < k->floors.n; i++) {
		if (eg_companion_suits(k->floors.at[i], t, err)) return refuse(t, "data.ensemble.floor", err);
		for (int j = 0; j < i; j++) {
			if (strcmp(k->floors.at[i], k->floors.at[j]) != 0) continue;
			eg_fail(err, EG_ERR_ARG, "the floor '%s' is there twice in an ensemble", k->floors.at[i]);
			return refuse(t, "data.ensemble.floor", err);
		}
	}
	if (k->weights.n > 0 && k->weights.n != 1 + k->floors.n) {
		eg_fail(err, EG_ERR_ARG, "an ensemble of a network and %d floor%s has %d weights, the network's first; here %s %d", k->floors.n,
		        k->floors.n == 1 ? "" : "s", 1 + k->floors.n, k->weights.n == 1 ? "is" : "are", k->weights.n);
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
	for (int i = 0; i < e->nfloors; i++) eg_companion_free(e->companions[i]);
	eg_release(NULL, e->logits);
	eg_release(NULL, e);
}

static eg_ensemble *make(eg_strings floors, int classes) {
	eg_ensemble *e = eg_calloc(NULL, 1, sizeof *e);
	if (!e) return NULL;
	*e = (eg_ensemble){.floors = floors.at, .nfloors = floors.n, .weights = {1}, .both = NAN, .classes = classes};
	for (int i = 0; i <= e->nfloors; i++) e->alone[i] = NAN;
	e->logits = eg_calloc(NULL, (size_t)classes, sizeof *e->logits);
	if (e->logits) return e;
	eg_ensemble_free(e);
	return NULL;
}

bool eg_ensemble_ask(eg_ensemble *e, eg_bag_text text) {
	for (int i = 0; i < e->nfloors; i++)
		if (!(e->said[i] = eg_companion_say(e->companions[i], text))) return false;
	return true;
}

double eg_ensemble_sum(const eg_ensemble *e, double own, int k) {
	double sum = e->weights[0] * own;
	for (int i = 0; i < e->nfloors; i++) sum += e->weights[1 + i] * e->said[i][k];
	return sum;
}

/* What the floors say of the row. */
static bool ask(eg_ensemble *e, const eg_task *t, const eg_row *r) {
	const char *input = t->intakes[0]->input;
	const int32_t *ids = r->batch ? eg_batch_input(r->batch, input) : eg_plan_input(r->plan, input);
	return ids && eg_ensemble_ask(e, eg_bag_text_with(ids + r->i, r->length, r->n, t, eg_row_datum(t, r, 0)));
}

const eg_real *eg_ensemble_logits(eg_ensemble *e, const eg_task *t, const eg_row *r, eg_error *err) {
	const eg_real *own = eg_row_output(r, "logits", 0, NULL);
	if (!e || r->said) return own;
	if (!ask(e, t, r)) {
		no_memory(err);
		return NULL;
	}
	for (int k = 0; k < e->classes; k++) e->logits[k] = (eg_real)eg_ensemble_sum(e, (double)own[k], k);
	return e->logits;
}

/* ---- the weights ------------------------------------------------------------------------------------------------- */

enum { MEMBERS = 1 + EG_ENSEMBLE_FLOORS };

/* Validation samples: what the network and each floor say of each class, ln p but for a constant. */
typedef struct rows {
	eg_ensemble *e;
	const eg_task *task;
	double *said; /* [row][member][class] */
	double *p;    /* room: of each class */
	int32_t *label;
	int64_t n;
} rows;

static const double *row_at(const rows *x, int64_t i) {
	return x->said + i * (1 + x->e->nfloors) * x->e->classes;
}

static eg_status take_row(void *user, const eg_row *r, eg_error *err) {
	rows *x = user;
	const int K = x->e->classes;
	const eg_datum *d = eg_row_datum(x->task, r, x->task->ninputs);
	const int32_t label = d ? eg_intake_label(eg_task_target(x->task), d->label) : -1;
	if (label < 0) return EG_OK;
	const eg_real *own = eg_row_output(r, "logits", 0, NULL);
	double *to = x->said + x->n * (1 + x->e->nfloors) * K;
	if (!ask(x->e, x->task, r)) return no_memory(err);
	for (int k = 0; k < K; k++) {
		to[k] = (double)own[k];
		for (int j = 0; j < x->e->nfloors; j++) to[(1 + j) * K + k] = x->e->said[j][k];
	}
	x->label[x->n++] = label;
	return EG_OK;
}

/* What all say of the classes of row i, weighed. */
static void add_up(const rows *x, int64_t i, const double *w) {
	const int K = x->e->classes;
	const double *said = row_at(x, i);
	for (int k = 0; k < K; k++) {
		x->p[k] = 0;
		for (int j = 0; j <= x->e->nfloors; j++) x->p[k] += w[j] * said[j * K + k];
	}
}

/* Share of the rows of which the right class is the likeliest, the first among equals. */
static double accuracy(const rows *x, const double *w) {
	int64_t right = 0;
	for (int64_t i = 0; i < x->n; i++) {
		int best = 0;
		add_up(x, i, w);
		for (int k = 1; k < x->e->classes; k++)
			if (x->p[k] > x->p[best]) best = k;
		right += best == x->label[i];
	}
	return (double)right / (double)x->n;
}

/* Sum over the rows of -ln p of what is right, with its slope and curvature by the weights; and |w|^2 / 2, which keeps
 * them finite where all is right. */
typedef struct slopes {
	double value, by[MEMBERS], twice[MEMBERS][MEMBERS];
} slopes;

static void add_row(const rows *x, int64_t i, const double *w, slopes *s) {
	const int K = x->e->classes, n = 1 + x->e->nfloors;
	const double *said = row_at(x, i);
	double most = -INFINITY, sum = 0, mean[MEMBERS] = {0};
	add_up(x, i, w);
	s->value -= x->p[x->label[i]];
	for (int k = 0; k < K; k++) most = fmax(most, x->p[k]);
	for (int k = 0; k < K; k++) sum += x->p[k] = exp(x->p[k] - most);
	s->value += most + log(sum);
	for (int k = 0; k < K; k++)
		for (int j = 0; j < n; j++) mean[j] += x->p[k] / sum * said[j * K + k];
	for (int j = 0; j < n; j++) s->by[j] += mean[j] - said[j * K + x->label[i]];
	for (int k = 0; k < K; k++)
		for (int j = 0; j < n; j++)
			for (int l = 0; l < n; l++) s->twice[j][l] += x->p[k] / sum * (said[j * K + k] - mean[j]) * (said[l * K + k] - mean[l]);
}

static slopes slopes_at(const rows *x, const double *w) {
	slopes s = {0};
	for (int j = 0; j <= x->e->nfloors; j++) {
		s.value += w[j] * w[j] / 2;
		s.by[j] = w[j];
		s.twice[j][j] = 1;
	}
	for (int64_t i = 0; i < x->n; i++) add_row(x, i, w, &s);
	return s;
}

/* Newton's step, by Gauss's elimination: the curvature is positive definite. Of a weight that is held it is 0. */
static void step_of(slopes s, int n, const bool *held, double *step) {
	for (int j = 0; j < n; j++)
		for (int l = 0; l < n && held[j]; l++) s.twice[j][l] = s.twice[l][j] = j == l, s.by[j] = 0;
	for (int j = 0; j < n; j++)
		for (int l = j + 1; l < n; l++) {
			const double f = s.twice[l][j] / s.twice[j][j];
			for (int m = j; m < n; m++) s.twice[l][m] -= f * s.twice[j][m];
			s.by[l] -= f * s.by[j];
		}
	for (int j = n; j-- > 0;) {
		step[j] = s.by[j];
		for (int l = j + 1; l < n; l++) step[j] -= s.twice[j][l] * step[l];
		step[j] /= s.twice[j][j];
	}
}

/* Newton's method with steps that are halved until the sum is smaller; weights that are held stay 0. */
static void descend(const rows *x, const bool *held, double *w) {
	const int n = 1 + x->e->nfloors;
	for (int j = 0; j < n; j++) w[j] = held[j] ? 0 : j ? 0.1 : 0.5;
	slopes s = slopes_at(x, w);
	for (int round = 0; round < ROUNDS; round++) {
		double step[MEMBERS], tried[MEMBERS];
		slopes next = {.value = NAN};
		step_of(s, n, held, step);
		for (int half = 0; half < ROUNDS && !(next.value <= s.value); half++) {
			for (int j = 0; j < n; j++) tried[j] = w[j] - step[j], step[j] /= 2;
			next = slopes_at(x, tried);
		}
		if (!(next.value < s.value)) return;
		memcpy(w, tried, (size_t)n * sizeof *w);
		if (s.value - next.value < 1e-9 * s.value) return;
		s = next;
	}
}

/* The sum is convex. Who would count against what it says does not count: the one that would most, and then anew. Three
 * digits are kept, so that weights can be written down. */
static void choose_weights(const rows *x, double *w) {
	const int n = 1 + x->e->nfloors;
	bool held[MEMBERS] = {false};
	for (int worst = 0; worst >= 0;) {
		descend(x, held, w);
		worst = -1;
		for (int j = 0; j < n; j++)
			if (w[j] < 0 && (worst < 0 || w[j] < w[worst])) worst = j;
		if (worst >= 0) held[worst] = true;
	}
	for (int j = 0; j < n; j++) w[j] = round(1000 * fmin(fmax(w[j], 0), MOST_WEIGHT)) / 1000;
}

static eg_status weigh(eg_ensemble *e, const eg_ensemble_keys *k, const eg_samples *s, eg_graph *g, eg_params *p,
	eg_error *err) {
	const size_t n = (size_t)eg_samples_count(s, EG_PART_VALIDATION), K = (size_t)e->classes;
	rows x = {.e = e, .task = s->task};
	for (int i = 0; i < k->weights.n; i++) e->weights[i] = k->weights.at[i];
	if (n == 0) return EG_OK;
	x.said = eg_calloc(NULL, n * K, (1 + (size_t)e->nfloors) * sizeof *x.said);
	x.p = eg_calloc(NULL, K, sizeof *x.p);
	x.label = eg_calloc(NULL, n, sizeof *x.label);
	eg_status status = x.said && x.p && x.label ? eg_samples_each_row(s, g, p, EG_PART_VALIDATION, take_row, &x, err)
	                                            : no_memory(err);
	if (!status && x.n > 0) {
		if (k->weights.n == 0) choose_weights(&x, e->weights);
		for (int j = 0; j <= e->nfloors; j++) {
			double one[MEMBERS] = {0};
			one[j] = 1;
			e->alone[j] = accuracy(&x, one);
		}
		e->both = accuracy(&x, e->weights);
	}
	eg_release(NULL, x.said);
	eg_release(NULL, x.p);
	eg_release(NULL, x.label);
	return status;
}

eg_status eg_ensemble_settle(const eg_ensemble_keys *k, const eg_samples *s, eg_graph *g, eg_params *p,
	eg_ensemble **ensemble, eg_error *err) {
	eg_ensemble *e = make(k->floors, eg_intake_names(eg_task_target(s->task))->n);
	eg_ensemble_free(*ensemble);
	*ensemble = NULL;
	if (!e) return no_memory(err);
	eg_status status = EG_OK;
	for (int i = 0; i < e->nfloors && !status; i++)
		status = eg_companion_train(e->floors[i], s, g, &e->companions[i], err);
	if (!status) status = weigh(e, k, s, g, p, err);
	if (status)
		eg_ensemble_free(e);
	else
		*ensemble = e;
	return status;
}

/* ---- in a model's file, and in answers -------------------------------------------------------------------------- */

void eg_ensemble_put(eg_value *map, const eg_ensemble *e) {
	eg_value *names = e->nfloors > 1 ? eg_value_put_list(map, "floor") : map;
	for (int i = 0; i < e->nfloors; i++) eg_value_put_text(names, e->nfloors > 1 ? NULL : "floor", e->floors[i]);
	eg_value *list = eg_value_put_list(map, "weights");
	for (int i = 0; i <= e->nfloors; i++) eg_value_put_number(list, NULL, e->weights[i]);
}

void eg_ensemble_put_floors(eg_value *map, const char *key, const eg_ensemble *e, const double *of, int show) {
	eg_value *list = e->nfloors > 1 ? eg_value_put_list(map, key) : map;
	for (int i = 0; i < e->nfloors; i++)
		eg_value_mark(eg_value_put_number(list, e->nfloors > 1 ? NULL : key, of[i]), show, NULL);
}

void eg_ensemble_save(const eg_ensemble *e, eg_value *map) {
	eg_value *v = eg_value_put_map(map, "ensemble");
	eg_ensemble_put(v, e);
	if (!isnan(e->both)) {
		eg_value *reached = eg_value_put_map(v, "validation_accuracy");
		eg_value_put_number(reached, "network", e->alone[0]);
		eg_ensemble_put_floors(reached, "floor", e, e->alone + 1, 0);
		eg_value_put_number(reached, "both", e->both);
	}
	eg_value *models = e->nfloors > 1 ? eg_value_put_list(v, "model") : v;
	for (int i = 0; i < e->nfloors; i++)
		eg_companion_save(e->companions[i], eg_value_put_map(models, e->nfloors > 1 ? NULL : "model"));
}

/* Of floor i: in a list, where there are several. */
static const eg_value *of_floor(const eg_ensemble *e, const eg_value *map, const char *key, int i) {
	const eg_value *v = eg_value_get(map, key);
	return e->nfloors > 1 ? eg_value_at(v, i) : v;
}

static eg_status read_ensemble(eg_ensemble *e, const eg_value *map, eg_error *err) {
	const eg_value *reached = eg_value_get(map, "validation_accuracy");
	eg_status status = EG_OK;
	e->both = eg_value_number(eg_value_get(reached, "both"), (double)NAN);
	e->alone[0] = eg_value_number(eg_value_get(reached, "network"), (double)NAN);
	for (int i = 0; i <= e->nfloors; i++) {
		e->weights[i] = eg_value_number(eg_value_at(eg_value_get(map, "weights"), i), (double)NAN);
		if (!(e->weights[i] >= 0 && e->weights[i] <= MOST_WEIGHT))
			return eg_fail(err, EG_ERR_FORMAT, "damaged: an ensemble's weights are from 0 to %d", MOST_WEIGHT);
	}
	for (int i = 0; i < e->nfloors && !status; i++) {
		e->alone[1 + i] = eg_value_number(of_floor(e, reached, "floor", i), (double)NAN);
		status = eg_companion_restore(of_floor(e, map, "model", i), e->classes, &e->companions[i], err);
	}
	return status;
}

eg_status eg_ensemble_restore(
	const eg_value *map, eg_strings floors, int classes, eg_ensemble **ensemble, eg_error *err) {
	eg_ensemble *e = make(floors, classes);
	if (!e) return no_memory(err);
	eg_status status = read_ensemble(e, map, err);
	eg_ensemble_free(status ? NULL : *ensemble);
	if (status)
		eg_ensemble_free(e);
	else
		*ensemble = e;
	return status;
}
