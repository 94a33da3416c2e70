/* run.c - the floors of a recipe, all of them: samples as the recipe has them, folds, results and what they depend on.
 *
 * Not here: how one is tried, trained and judged (trial.c), how results are kept (cache.c). */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "floors/run.h"
#include "io/recipe.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct eg_floors {
	const eg_task_type *type;
	eg_floor_result *results;
	eg_value **settings;
	int n;
	eg_part part;
	int64_t learnt, judged;
	char remark[300];
};

/* ---- samples ----------------------------------------------------------------------------------------------------- */

void eg_floor_run_drop(eg_floor_run *r) {
	if (r->borrowed) r->graph = NULL, r->train = NULL;
	eg_graph_free(r->graph);
	eg_samples_free(r->test);
	eg_samples_free(r->train);
	r->graph = NULL;
	r->train = r->test = NULL;
}

static eg_status find_part(eg_floor_run *r, eg_error *err) {
	const char *split = r->options->split;
	r->part = eg_task_eval_part(r->task);
	if (r->options->folds > 1) r->part = EG_PART_VALIDATION;
	for (int i = 0; split && i <= EG_PARTS; i++) {
		if (i == EG_PARTS)
			return eg_fail(err, EG_ERR_ARG, "there is no part '%s': train, validation or test", split);
		if (strcmp(eg_part_name((eg_part)i), split) == 0) {
			r->part = (eg_part)i;
			break;
		}
	}
	return EG_OK;
}

/* The part that is judged, where it is no part of the training samples. Without a test part, and where none was
 * asked for, the validation part. */
static eg_status load_judged(eg_floor_run *r, eg_error *err) {
	if (r->part == EG_PART_TEST) {
		eg_error why = {0};
		eg_status status = eg_samples_load(r->task,
		        &(eg_samples_options){.part = EG_PART_TEST, .model = r->options->model}, &r->test, &why);
		bool none = status == EG_ERR_ARG && eg_source_count(r->task->source, EG_PART_TEST) == 0;
		if (!status) return EG_OK;
		if (r->options->split || !none || (r->train && !eg_samples_get(r->train, EG_PART_VALIDATION)))
			return *err = why, status;
		r->part = EG_PART_VALIDATION;
	}
	if (!r->train || eg_samples_get(r->train, r->part)) return EG_OK;
	return eg_fail(err, EG_ERR_ARG,
	        "there are no %s %s to judge floors by: give data.validation, or --folds", eg_part_name(r->part),
	        r->task->many);
}

static eg_status build(eg_floor_run *r, eg_error *err) {
	const eg_samples *s = r->train ? r->train : r->test;
	eg_status status = eg_recipe_build(r->recipe, r->ctx, eg_samples_sizes(s), &r->graph, err);
	return status ? status : eg_task_suits(r->task, r->graph, err);
}

/* Those that are there already. */
static eg_status take_samples(eg_floor_run *r, eg_error *err) {
	const eg_floors_options *o = r->options;
	if (r->part == EG_PART_TEST || r->fold > 0)
		return eg_fail(err, EG_ERR_ARG, "floors cannot be judged by the test part, or in folds, of these samples");
	r->borrowed = true;
	r->train = (eg_samples *)o->samples;
	r->graph = o->graph;
	return load_judged(r, err);
}

/* With EG_FLOORS_KEPT the training samples are read only where those that are judged are among them. */
eg_status eg_floor_run_load(eg_floor_run *r, eg_error *err) {
	const eg_floors_options *o = r->options;
	eg_status status = find_part(r, err);
	if (!status && o->samples) return take_samples(r, err);
	bool lone = o->use == EG_FLOORS_KEPT && o->model && r->part == EG_PART_TEST;
	if (!status && !lone)
		status = eg_samples_load(r->task,
		        &(eg_samples_options){.part = EG_PART_TRAIN, .model = o->model, .folds = o->folds, .fold = r->fold},
		        &r->train, err);
	if (!status && (o->folds < 2)) status = load_judged(r, err);
	if (!status && r->part != EG_PART_TEST && !r->train) status = eg_fail(err, EG_ERR_ARG, "no part to judge by");
	if (!status) status = build(r, err);
	return status;
}

/* ---- the key ----------------------------------------------------------------------------------------------------- */

/* Everything written below a key of the recipe. */
static uint64_t hash_tree(uint64_t h, const eg_tree *t) {
	if (!t) return eg_fingerprint(h, "", 0);
	h = eg_fingerprint(h, &t->kind, sizeof t->kind);
	if (t->key) h = eg_fingerprint(h, t->key, strlen(t->key));
	if (t->kind == EG_TREE_SCALAR) h = eg_fingerprint(h, t->text, strlen(t->text));
	for (const eg_tree *c = t->first; c; c = c->next) h = hash_tree(h, c);
	return h;
}

/* What a model of these samples keeps, without what is learnt when the network has been trained: no floor depends on
 * that. */
static eg_status kept_text(const eg_floor_run *r, const eg_samples *s, char **text, size_t *size, eg_error *err) {
	eg_value *kept = eg_value_new(EG_VALUE_MAP);
	for (const eg_value *v = eg_value_first(eg_samples_kept(s)); v; v = eg_value_next(v)) {
		const char *const *late = r->task->type->settled;
		while (late && *late && strcmp(*late, eg_value_key(v)) != 0) late++;
		if (!late || !*late) eg_value_put_copy(kept, eg_value_key(v), v);
	}
	eg_status status = eg_value_whole(kept) ? eg_value_json(kept, text, size, err) : eg_fail(err, EG_ERR_MEMORY, "out of memory for floors");
	eg_value_free(kept);
	return status;
}

static eg_status make_key(eg_floor_run *r, eg_floor_key *key, eg_error *err) {
	const eg_floors_options *o = r->options;
	const eg_samples *s = r->train ? r->train : r->test;
	const uint64_t numbers[3] = {eg_recipe_train(r->recipe)->seed, (uint64_t)(o->folds > 1 ? o->folds : 0), r->part};
	const eg_tree *root = r->recipe->root;
	char *kept = NULL;
	size_t size = 0;
	uint64_t judged = 0;
	eg_status status = kept_text(r, s, &kept, &size, err);
	if (status) return status;
	uint64_t h = eg_fingerprint(0, r->task->type->info.name, strlen(r->task->type->info.name));
	h = hash_tree(hash_tree(hash_tree(h, eg_tree_get(root, "data")), eg_tree_get(root, "input")), eg_tree_get(root, "inputs"));
	for (int i = 0; i < eg_recipe_losses(r->recipe); i++) {
		const char *field = eg_recipe_loss_at(r->recipe, i)->field;
		h = eg_fingerprint(h, field ? field : "", field ? strlen(field) : 0);
	}
	h = eg_fingerprint(eg_fingerprint(h, numbers, sizeof numbers), kept, size);
	free(kept);
	status = eg_samples_fingerprint(r->test ? r->test : r->train, r->part, &judged, err);
	key->hash = eg_fingerprint(h, &judged, sizeof judged);
	key->train = 0;
	if (!status && r->train && o->use != EG_FLOORS_KEPT)
		status = eg_samples_fingerprint(r->train, EG_PART_TRAIN, &key->train, err);
	return status;
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

/* What is kept of one floor and one fold, or of all of them. */
static eg_value *result_value(
	const eg_task_type *task, const eg_value *settings, double seconds, const double *values, const double *deviation) {
	eg_value *v = eg_value_new(EG_VALUE_MAP);
	eg_value_put_copy(v, "settings", settings);
	eg_value_put_number(v, "seconds", seconds);
	eg_value *m = eg_value_put_map(v, "metrics"), *d = deviation ? eg_value_put_map(v, "deviation") : NULL;
	for (int i = 0; i < task->nmetrics; i++) {
		eg_value_put_number(m, task->metrics[i].name, values[i]);
		eg_value_put_number(d, task->metrics[i].name, deviation ? deviation[i] : 0);
	}
	return v;
}

static eg_floor_result *add_result(eg_floor_run *r, const eg_floor_type *type) {
	eg_floors *out = r->out;
	int i = out->n;
	out->settings[i] = eg_value_new(EG_VALUE_MAP);
	if (!out->settings[i]) return NULL;
	out->results[i] = (eg_floor_result){.info = &type->info, .settings = out->settings[i]};
	out->n++;
	return &out->results[i];
}

/* One that is in the cache. */
static bool take_kept(eg_floor_run *r, const eg_floor_type *type, const eg_value *v) {
	const eg_task_type *task = r->task->type;
	const eg_value *m = eg_value_get(v, "metrics"), *d = eg_value_get(v, "deviation");
	if (!m || !eg_value_get(v, "settings")) return false;
	eg_floor_result *to = add_result(r, type);
	if (!to) return false;
	for (const eg_value *c = eg_value_first(eg_value_get(v, "settings")); c; c = eg_value_next(c))
		eg_value_put_copy(r->out->settings[r->out->n - 1], eg_value_key(c), c);
	for (int i = 0; i < task->nmetrics; i++) {
		to->values[i] = eg_value_number(eg_value_get(m, task->metrics[i].name), NAN);
		to->deviation[i] = eg_value_number(eg_value_get(d, task->metrics[i].name), NAN);
	}
	to->seconds = eg_value_number(eg_value_get(v, "seconds"), NAN);
	to->kept = true;
	return true;
}

static eg_status keep(eg_floor_run *r, eg_floor_result *to, eg_error *err) {
	const eg_task_type *task = r->task->type;
	eg_value *v = result_value(task, to->settings, to->seconds, to->values, r->options->folds > 1 ? to->deviation : NULL);
	eg_status status = eg_value_whole(v) ? eg_floor_cache_put(&r->cache, to->info, v, err)
	                                     : eg_fail(err, EG_ERR_MEMORY, "out of memory for a floor's result");
	eg_value_free(v);
	return status;
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void count_units(eg_floor_run *r) {
	const eg_samples *judged = r->test ? r->test : r->train;
	r->out->part = r->part;
	r->out->learnt = r->train ? eg_samples_units(r->train, EG_PART_TRAIN) : -1;
	r->out->judged = eg_samples_units(judged, r->part);
}

/* Sums over folds, kept beside the results as they come. */
typedef struct sums {
	double *first, *sum, *squares; /* of each metric: the first fold's; deviations from it, and their squares */
} sums;

static void add_fold(const eg_floor_run *r, sums *s, const double *values) {
	for (int i = 0; i < r->task->type->nmetrics; i++) {
		if (r->fold == 0) s->first[i] = values[i];
		double d = values[i] - s->first[i];
		s->sum[i] += d;
		s->squares[i] += d * d;
	}
}

static void mean_of_folds(const eg_floor_run *r, const sums *s, eg_floor_result *to) {
	double n = r->options->folds > 1 ? r->options->folds : 1;
	for (int i = 0; i < r->task->type->nmetrics; i++) {
		double variance = n > 1 ? (s->squares[i] - s->sum[i] * s->sum[i] / n) / (n - 1) : (double)NAN;
		to->values[i] = s->first[i] + s->sum[i] / n;
		to->deviation[i] = isnan(variance) ? variance : sqrt(fmax(variance, 0));
	}
}

/* The floor over all folds; the samples of fold 0 are loaded, and are again at the end. */
static eg_status run_folds(eg_floor_run *r, const eg_floor_type *type, eg_floor_result *to, eg_error *err) {
	double room[3][EG_METRICS_MOST] = {{0}}, values[EG_METRICS_MOST];
	sums s = {room[0], room[1], room[2]};
	int folds = r->options->folds > 1 ? r->options->folds : 1, settings = r->out->n - 1;
	double begin = now();
	eg_status status = EG_OK;
	for (int fold = 0; fold < folds && !status; fold++) {
		if (r->fold != fold) {
			eg_floor_run_drop(r);
			r->fold = fold;
			status = eg_floor_run_load(r, err);
		}
		r->tell.fold = fold;
		eg_value_clear(r->out->settings[settings]);
		if (!status) status = eg_floor_run_one(r, type, values, r->out->settings[settings], err);
		if (!status) add_fold(r, &s, values);
	}
	if (status) return status;
	mean_of_folds(r, &s, to);
	to->seconds = now() - begin;
	return keep(r, to, err);
}

static eg_status run_all(eg_floor_run *r, eg_error *err) {
	const eg_floor_type *type;
	eg_status status = EG_OK;
	for (int i = 0; (type = eg_floor_type_at(i)) && !status; i++) {
		if (!eg_floor_serves(r, type)) continue;
		const eg_value *kept = r->options->use == EG_FLOORS_ANEW ? NULL : eg_floor_cache_find(&r->cache, &type->info);
		r->tell.floor = type->info.name;
		if (!(kept && take_kept(r, type, kept)) && r->options->use != EG_FLOORS_KEPT) {
			eg_floor_result *to = add_result(r, type);
			status = to ? run_folds(r, type, to, err) : eg_fail(err, EG_ERR_MEMORY, "out of memory for floors");
		}
		r->tell.index++;
	}
	return status;
}

/* Insertion sort: the best first. */
static void rank(eg_floors *f) {
	for (int i = 1; i < f->n; i++)
		for (int k = i; k > 0 && eg_floor_better(f->type, f->results[k].values[0], f->results[k - 1].values[0]); k--) {
			eg_floor_result swap = f->results[k];
			f->results[k] = f->results[k - 1];
			f->results[k - 1] = swap;
		}
}

eg_status eg_floor_run_open(eg_floor_run *r, eg_error *err) {
	const eg_floors_options *o = r->options;
	if (o->folds == 1 || o->folds < 0) return eg_fail(err, EG_ERR_ARG, "%d folds: at least 2 are needed", o->folds);
	r->out = eg_calloc(NULL, 1, sizeof *r->out);
	if (r->out) r->out->results = eg_calloc(NULL, (size_t)eg_floor_count(), sizeof *r->out->results);
	if (r->out) r->out->settings = eg_calloc(NULL, (size_t)eg_floor_count(), sizeof *r->out->settings);
	if (!r->out || !r->out->results || !r->out->settings) return eg_fail(err, EG_ERR_MEMORY, "out of memory for floors");
	if (!o->ctx && !(r->own_ctx = eg_context_new(NULL, err))) {
		assert(!err || err->status);
		return err ? err->status : EG_ERR_MEMORY;
	}
	r->ctx = o->ctx ? o->ctx : r->own_ctx;
	if (o->samples) r->task = o->samples->task;
	eg_status status = o->samples ? EG_OK : eg_task_open(r->recipe, &r->task, err);
	if (!status && o->folder && !o->samples) status = eg_task_set_source(r->task, NULL, o->folder, err);
	if (status) return status;
	assert(r->task); /* a task that was opened is there */
	r->out->type = r->task->type;
	return EG_OK;
}

/* ---- the interface ----------------------------------------------------------------------------------------------- */

eg_status eg_floors_run(eg_recipe *recipe, const eg_floors_options *options, eg_floors **floors, eg_error *err) {
	eg_floor_run r = {.recipe = recipe, .options = options, .tell = {.folds = options->folds}};
	const eg_floor_type *type;
	eg_floor_key key;
	*floors = NULL;
	eg_status status = eg_floor_run_open(&r, err);
	if (!status) status = eg_floor_run_load(&r, err);
	for (int i = 0; (type = eg_floor_type_at(i)) && !status; i++) r.tell.floors += eg_floor_serves(&r, type);
	if (!status) status = make_key(&r, &key, err);
	if (!status) status = eg_floor_cache_open(&r.cache, key, err);
	if (!status) status = run_all(&r, err);
	if (!status) {
		count_units(&r);
		rank(r.out);
		memcpy(r.out->remark, r.cache.remark, sizeof r.out->remark);
	}
	eg_floor_cache_close(&r.cache);
	eg_floor_run_drop(&r);
	if (!options->samples) eg_task_free(r.task);
	eg_context_free(r.own_ctx);
	if (status)
		eg_floors_free(r.out);
	else
		*floors = r.out;
	return status;
}

void eg_floors_free(eg_floors *f) {
	if (!f) return;
	for (int i = 0; f->settings && i < f->n; i++) eg_value_free(f->settings[i]);
	eg_release(NULL, f->settings);
	eg_release(NULL, f->results);
	eg_release(NULL, f);
}

int eg_floors_count(const eg_floors *f) { return f->n; }
const eg_floor_result *eg_floors_at(const eg_floors *f, int i) { return i >= 0 && i < f->n ? &f->results[i] : NULL; }
const eg_metric_info *eg_floors_metric(const eg_floors *f, int i) {
	return i >= 0 && i < f->type->nmetrics ? &f->type->metrics[i] : NULL;
}
eg_part eg_floors_part(const eg_floors *f) { return f->part; }
int64_t eg_floors_units(const eg_floors *f, bool judged) { return judged ? f->judged : f->learnt; }
const char *eg_floors_remark(const eg_floors *f) { return f->remark[0] ? f->remark : NULL; }
bool eg_floors_beaten(const eg_floors *f, double value) {
	return !isnan(value) && (f->n == 0 || eg_floor_better(f->type, value, f->results[0].values[0]));
}
