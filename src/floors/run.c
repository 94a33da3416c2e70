/* run.c - training and judging the floors of a recipe: samples as the recipe has them, settings tried on samples
 * that were not learnt from, the task's own judge, folds, and the cache.
 *
 * Not here: any model (a file each), how results are kept (cache.c). */
#define _POSIX_C_SOURCE 200809L /* clock_gettime */
#include "floors/floors.h"
#include "io/recipe.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ASKED = 256 };
enum { TRIED_SAMPLES = 1000, TRIED_UNITS = 20000 }; /* that a setting is judged by: samples, or steps of texts */

struct eg_floors {
	const eg_task_type *type;
	eg_floor_result *results;
	eg_value **settings;
	int n;
	eg_part part;
	int64_t learnt, judged;
	char remark[300];
};

/* One run over all floors. */
typedef struct running {
	eg_recipe *recipe;
	const eg_floors_options *options;
	eg_task *task;
	eg_context *ctx, *own_ctx;
	eg_graph *graph;
	bool borrowed; /* graph and training samples are the caller's */
	eg_samples *train, *test; /* test NULL: what is judged is among the training samples */
	eg_part part;
	const double *settings; /* NULL: they are tried */
	eg_floors *out;
	eg_floor_cache cache;
	int fold;
	eg_floor_progress tell;
} running;

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- one floor --------------------------------------------------------------------------------------------------- */

static bool on_progress(void *user, double share) {
	running *r = user;
	r->tell.share = share;
	return !r->options || !r->options->progress || r->options->progress(r->options->user, &r->tell);
}

void eg_floor_close(eg_floor *f) {
	if (!f) return;
	if (f->type->free) f->type->free(f);
	eg_release(NULL, f->out);
	eg_release(NULL, f);
}

static eg_floor *open_floor(running *r, const eg_floor_type *type, const double *settings, eg_error *err) {
	eg_floor *f = eg_calloc(NULL, 1, type->size ? type->size : sizeof *f);
	if (!f) {
		eg_fail(err, EG_ERR_MEMORY, "out of memory for the floor '%s'", type->info.name);
		return NULL;
	}
	f->type = type;
	f->task = r->task, f->graph = r->graph, f->ctx = r->ctx;
	f->user = r, f->progress = on_progress;
	f->weight = 1;
	memcpy(f->settings, settings, sizeof f->settings);
	return f;
}

static bool serves(running *r, const eg_floor_type *type) {
	const double settings[EG_FLOOR_SETTINGS] = {0};
	if (strcmp(type->info.task, r->task->type->info.name) != 0) return false;
	eg_floor *f = type->serves ? open_floor(r, type, settings, NULL) : NULL;
	bool does = !type->serves || (f && type->serves(f));
	eg_release(NULL, f);
	return does;
}

/* -ln p of what is right, of a floor that tells probabilities, where the judge leaves that to the network. */
typedef struct nats {
	double sum;
	int64_t n;
} nats;

static void add_nats(const eg_floor *f, const eg_floor_batch *b, const eg_said *said, nats *x) {
	int K = (int)said->dims.d[1];
	for (int i = 0; i < b->n && !said->steps; i++) {
		int32_t label = eg_floor_label(f, b, i);
		if (label < 0) continue;
		x->sum -= (double)said->at[(ptrdiff_t)i * K + label];
		x->n++;
	}
}

/* The steps from..from+steps-1 of a batch of one sample, as a batch. */
static eg_batch_run piece_of(const eg_floor_batch *b, int from, int steps, eg_fill *fill, void **slots) {
	eg_batch_run run = b->run;
	*fill = b->fill;
	fill->time = steps;
	for (int i = 0; b->part->data->inputs[i]; i++) slots[i] = (char *)b->slots[i] + (ptrdiff_t)from * 4;
	run.fill = fill;
	run.slots = slots;
	return run;
}

static eg_status judge_texts(eg_floor *f, eg_judge *j, const eg_floor_batch *b, eg_error *err) {
	const char **texts = eg_calloc(NULL, (size_t)b->n, sizeof *texts);
	eg_status status = texts ? f->type->write(f, b, texts, err) : eg_floor_no_memory(f, err);
	if (!status) status = eg_samples_judge_texts(j, b->part->samples, &b->run, texts, err);
	eg_release(NULL, texts);
	return status;
}

static eg_status judge_batch(eg_floor *f, eg_judge *j, const eg_floor_batch *b, nats *x, eg_error *err) {
	int each = f->type->piece > 0 ? f->type->piece : b->time > 0 ? b->time : 1, all = b->time > 0 ? b->time : 1;
	eg_status status = EG_OK;
	if (f->type->write) return judge_texts(f, j, b, err);
	assert(f->type->say); /* a floor writes or says */
	for (int from = 0; from < all && !status; from += each) {
		int steps = all - from < each ? all - from : each;
		void *slots[EG_TASK_INTAKES + 4];
		eg_fill fill;
		eg_said said = {0};
		eg_batch_run run = f->type->piece > 0 ? piece_of(b, from, steps, &fill, slots) : b->run;
		status = f->type->say(f, b, from, steps, &said, err);
		if (!status && f->type->probabilities) add_nats(f, b, &said, x);
		if (!status) status = eg_samples_judge_said(j, b->part->samples, &run, &said, err);
	}
	return status;
}

/* For judges that look at other samples than those that they are shown. */
static eg_status walk(void *user, const eg_samples *s, eg_part part,
	eg_status (*take)(void *to, const eg_row *r, eg_error *err), void *to, eg_error *err) {
	eg_floor *f = user;
	eg_real *out = f->out; /* what has been said of the batch at hand stays */
	const size_t room = f->out_room;
	const eg_floor_part p = {.samples = s, .data = eg_samples_get(s, part), .graph = f->graph, .count = eg_samples_count(s, part)};
	eg_floor_batch b = {.part = &p};
	f->out = NULL, f->out_room = 0;
	eg_status status = eg_floor_next(&b, f->type->batch > 0 ? f->type->batch : ASKED, err);
	while (!status && b.n > 0) {
		eg_said said = {0};
		status = f->type->say(f, &b, 0, 1, &said, err);
		if (!status) status = eg_samples_each_said(s, f->graph, &b.run, &said, take, to, err);
		if (!status) status = eg_floor_next(&b, f->type->batch > 0 ? f->type->batch : ASKED, err);
	}
	eg_floor_batch_free(&b);
	eg_release(NULL, f->out);
	f->out = out, f->out_room = room;
	return status;
}

/* How well a trained floor does on these samples. */
static eg_status judge(eg_floor *f, const eg_floor_part *p, double *values, eg_error *err) {
	const eg_task_type *type = f->task->type;
	eg_floor_batch b = {.part = p};
	nats x = {0};
	eg_judge *j = eg_samples_judge(p->samples, f->graph, NULL, err);
	if (!j) return EG_ERR_MEMORY;
	int most = f->type->batch > 0 ? f->type->batch : ASKED;
	if (f->type->say) eg_samples_judge_by(j, walk, f);
	j->reset(j->user);
	eg_status status = eg_floor_next(&b, most, err);
	while (!status && b.n > 0) {
		status = judge_batch(f, j, &b, &x, err);
		if (!status) status = eg_floor_tell(f, (double)(b.first + b.n) / (double)p->count, err);
		if (!status) status = eg_floor_next(&b, most, err);
	}
	if (!status) j->values(j->user, values);
	for (int i = 0; i < type->nmetrics && !status; i++)
		if (isnan(values[i]) && x.n > 0 && strcmp(type->metrics[i].name, "loss") == 0) values[i] = x.sum / (double)x.n;
	eg_floor_batch_free(&b);
	eg_samples_judge_free(j);
	return status;
}

static bool better(const eg_task_type *type, double a, double b) {
	if (isnan(a) || isnan(b)) return isnan(b) && !isnan(a);
	return type->metrics[0].lower_is_better ? a < b : a > b;
}

/* ---- settings ---------------------------------------------------------------------------------------------------- */

static int ways(const eg_floor_type *type) {
	int n = 1;
	for (int k = 0; k < EG_FLOOR_SETTINGS && type->settings[k].name; k++) n *= type->settings[k].n;
	return n;
}

/* Combination number `way` of the settings. */
static void choose(const eg_floor_type *type, int way, double *settings) {
	for (int k = 0; k < EG_FLOOR_SETTINGS && type->settings[k].name; k++) {
		settings[k] = type->settings[k].tried[way % type->settings[k].n];
		way /= type->settings[k].n;
	}
}

/* Samples to try settings on. Those kept aside for validation where they are not what is judged in the end; else a
 * tenth of the training samples: the end of a text, of others every tenth. */
typedef struct trial {
	eg_floor_part train, test;
	uint32_t *items; /* what was cut of the training samples */
} trial;

static void cut_end(trial *t, const eg_floor_part *all) {
	uint32_t *second = t->items + all->count;
	for (; t->train.count < all->count - all->count / 10; t->train.count++)
		t->items[t->train.count] = (uint32_t)t->train.count;
	double units = 0;
	for (int64_t i = t->train.count; i < all->count && units < TRIED_UNITS; i++) {
		second[t->test.count++] = (uint32_t)i;
		units += all->data->weight ? all->data->weight(all->data->user, (uint32_t)i) : 1;
	}
}

/* Every tenth, of classes that may come in turn; of groups whole ones, by their names. */
static bool is_tenth(int64_t i) { return (i + i / 10) % 10 == 9; }

static eg_status cut_tenths(running *r, trial *t, const eg_floor_part *all, eg_error *err) {
	const eg_sample_part *p = &r->train->parts[EG_PART_TRAIN];
	uint32_t *second = t->items + all->count;
	eg_record record = {0};
	eg_status status = EG_OK;
	for (int64_t i = 0; i < all->count && !status; i++) {
		const int64_t item = all->items ? all->items[i] : i;
		status = eg_source_read(r->task->source, p->from, p->items ? p->items[item] : item, 0, &record, err);
		const char *group = status ? NULL : record.group;
		const bool aside = group ? eg_fingerprint(0, group, strlen(group)) % 10 == 9 : is_tenth(i);
		if (!aside)
			t->items[t->train.count++] = (uint32_t)item;
		else if (t->test.count < TRIED_SAMPLES)
			second[t->test.count++] = (uint32_t)item;
	}
	eg_record_free(&record);
	return status;
}

static eg_status cut(running *r, const eg_floor_part *all, trial *t, eg_error *err) {
	t->items = eg_calloc(NULL, (size_t)all->count + 1, 2 * sizeof *t->items);
	if (!t->items) return eg_fail(err, EG_ERR_MEMORY, "out of memory to try settings");
	t->train = t->test = *all;
	t->train.count = t->test.count = 0;
	t->train.items = t->items, t->test.items = t->items + all->count;
	if (!r->task->type->load) return cut_tenths(r, t, all, err);
	cut_end(t, all);
	return EG_OK;
}

/* The parts in `t` are selections of their own, to be released. */
static eg_status make_trial(running *r, const eg_floor_type *type, const eg_floor_part *all, trial *t, eg_error *err) {
	const eg_dataset *v = r->part == EG_PART_TEST ? eg_samples_get(r->train, EG_PART_VALIDATION) : NULL;
	trial whole = {.train = *all};
	eg_status status = v ? EG_OK : cut(r, all, &whole, err);
	if (v) whole.test = (eg_floor_part){.samples = r->train, .data = v, .graph = r->graph, .count = v->count};
	if (!status) status = eg_floor_some(&whole.train, type->trial > 0 ? type->trial : INT64_MAX, &t->train, err);
	if (!status) status = eg_floor_some(&whole.test, v ? TRIED_SAMPLES : INT64_MAX, &t->test, err);
	eg_release(NULL, whole.items);
	return status;
}

/* The best of the settings; where there is but one way, or too few samples, the first. */
static eg_status try_settings(
	running *r, const eg_floor_type *type, const eg_floor_part *all, double *settings, eg_error *err) {
	int n = ways(type);
	double best = NAN, values[EG_METRICS_MOST];
	trial t = {0};
	choose(type, 0, settings);
	if (n < 2 || all->count < 20) return EG_OK;
	eg_status status = make_trial(r, type, all, &t, err);
	for (int way = 0; way < n && !status; way++) {
		double tried[EG_FLOOR_SETTINGS] = {0};
		choose(type, way, tried);
		eg_floor *f = open_floor(r, type, tried, err);
		if (!f) status = EG_ERR_MEMORY;
		if (f) f->weight = 0.5 / n / 2, f->done = 0.5 * way / n;
		if (!status) status = type->train(f, &t.train, err);
		if (f) f->done += f->weight;
		if (!status) status = judge(f, &t.test, values, err);
		if (!status && better(r->task->type, values[0], best)) {
			best = values[0];
			memcpy(settings, tried, sizeof tried);
		}
		eg_floor_close(f);
	}
	eg_release(NULL, t.train.items);
	eg_release(NULL, t.test.items);
	return status;
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

/* Numbers that are whole are told as such. */
static void put_settings(const eg_floor_type *type, const double *settings, eg_value *map) {
	for (int k = 0; k < EG_FLOOR_SETTINGS && type->settings[k].name; k++) {
		double v = settings[k];
		if (v == floor(v) && fabs(v) < 1e9)
			eg_value_put_int(map, type->settings[k].name, (int64_t)v);
		else
			eg_value_put_number(map, type->settings[k].name, v);
	}
}

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

/* Trains and judges a floor on the samples at hand. */
static eg_status run_floor(running *r, const eg_floor_type *type, double *values, eg_value *settings, eg_error *err) {
	eg_floor_part all = {.samples = r->train, .data = eg_samples_get(r->train, EG_PART_TRAIN), .graph = r->graph},
	              judged = all;
	double chosen[EG_FLOOR_SETTINGS] = {0};
	judged.samples = r->test ? r->test : r->train;
	judged.data = eg_samples_get(judged.samples, r->part);
	all.count = all.data->count, judged.count = judged.data->count;
	if (r->settings) memcpy(chosen, r->settings, sizeof chosen);
	eg_status status = r->settings ? EG_OK : try_settings(r, type, &all, chosen, err);
	eg_floor *f = status ? NULL : open_floor(r, type, chosen, err);
	if (!status && !f) status = EG_ERR_MEMORY;
	if (f) f->done = ways(type) > 1 && !r->settings ? 0.5 : 0, f->weight = (1 - f->done) / 2;
	if (!status) status = type->train(f, &all, err);
	if (f) f->done = 1 - f->weight;
	if (!status) status = judge(f, &judged, values, err);
	if (f) memcpy(chosen, f->settings, sizeof chosen);
	eg_floor_close(f);
	put_settings(type, chosen, settings);
	if (status && status != EG_ERR_STOPPED) eg_fail_prefix(err, "floor '%s'", type->info.name);
	return status;
}

static eg_floor_result *add_result(running *r, const eg_floor_type *type) {
	eg_floors *out = r->out;
	int i = out->n;
	out->settings[i] = eg_value_new(EG_VALUE_MAP);
	if (!out->settings[i]) return NULL;
	out->results[i] = (eg_floor_result){.info = &type->info, .settings = out->settings[i]};
	out->n++;
	return &out->results[i];
}

/* One that is in the cache. */
static bool take_kept(running *r, const eg_floor_type *type, const eg_value *v) {
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

static eg_status keep(running *r, eg_floor_result *to, eg_error *err) {
	const eg_task_type *task = r->task->type;
	eg_value *v = result_value(task, to->settings, to->seconds, to->values, r->options->folds > 1 ? to->deviation : NULL);
	eg_status status = eg_value_whole(v) ? eg_floor_cache_put(&r->cache, to->info, v, err)
	                                     : eg_fail(err, EG_ERR_MEMORY, "out of memory for a floor's result");
	eg_value_free(v);
	return status;
}

/* ---- samples ----------------------------------------------------------------------------------------------------- */

static void drop_samples(running *r) {
	if (r->borrowed) r->graph = NULL, r->train = NULL;
	eg_graph_free(r->graph);
	eg_samples_free(r->test);
	eg_samples_free(r->train);
	r->graph = NULL;
	r->train = r->test = NULL;
}

static eg_status find_part(running *r, eg_error *err) {
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
static eg_status load_judged(running *r, eg_error *err) {
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

static eg_status build(running *r, eg_error *err) {
	const eg_samples *s = r->train ? r->train : r->test;
	eg_status status = eg_recipe_build(r->recipe, r->ctx, eg_samples_sizes(s), &r->graph, err);
	return status ? status : eg_task_suits(r->task, r->graph, err);
}

/* Those that are there already. */
static eg_status take_samples(running *r, eg_error *err) {
	const eg_floors_options *o = r->options;
	if (r->part == EG_PART_TEST || r->fold > 0)
		return eg_fail(err, EG_ERR_ARG, "floors cannot be judged by the test part, or in folds, of these samples");
	r->borrowed = true;
	r->train = (eg_samples *)o->samples;
	r->graph = o->graph;
	return load_judged(r, err);
}

/* With EG_FLOORS_KEPT the training samples are read only where those that are judged are among them. */
static eg_status load(running *r, eg_error *err) {
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
static eg_status kept_text(const running *r, const eg_samples *s, char **text, size_t *size, eg_error *err) {
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

static eg_status make_key(running *r, eg_floor_key *key, eg_error *err) {
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

/* ---- all of them ------------------------------------------------------------------------------------------------- */

static void count_units(running *r) {
	const eg_samples *judged = r->test ? r->test : r->train;
	r->out->part = r->part;
	r->out->learnt = r->train ? eg_samples_units(r->train, EG_PART_TRAIN) : -1;
	r->out->judged = eg_samples_units(judged, r->part);
}

/* Sums over folds, kept beside the results as they come. */
typedef struct sums {
	double *first, *sum, *squares; /* of each metric: the first fold's; deviations from it, and their squares */
} sums;

static void add_fold(const running *r, sums *s, const double *values) {
	for (int i = 0; i < r->task->type->nmetrics; i++) {
		if (r->fold == 0) s->first[i] = values[i];
		double d = values[i] - s->first[i];
		s->sum[i] += d;
		s->squares[i] += d * d;
	}
}

static void mean_of_folds(const running *r, const sums *s, eg_floor_result *to) {
	double n = r->options->folds > 1 ? r->options->folds : 1;
	for (int i = 0; i < r->task->type->nmetrics; i++) {
		double variance = n > 1 ? (s->squares[i] - s->sum[i] * s->sum[i] / n) / (n - 1) : (double)NAN;
		to->values[i] = s->first[i] + s->sum[i] / n;
		to->deviation[i] = isnan(variance) ? variance : sqrt(fmax(variance, 0));
	}
}

/* The floor over all folds; the samples of fold 0 are loaded, and are again at the end. */
static eg_status run_folds(running *r, const eg_floor_type *type, eg_floor_result *to, eg_error *err) {
	double room[3][EG_METRICS_MOST] = {{0}}, values[EG_METRICS_MOST];
	sums s = {room[0], room[1], room[2]};
	int folds = r->options->folds > 1 ? r->options->folds : 1, settings = r->out->n - 1;
	double begin = now();
	eg_status status = EG_OK;
	for (int fold = 0; fold < folds && !status; fold++) {
		if (r->fold != fold) {
			drop_samples(r);
			r->fold = fold;
			status = load(r, err);
		}
		r->tell.fold = fold;
		eg_value_clear(r->out->settings[settings]);
		if (!status) status = run_floor(r, type, values, r->out->settings[settings], err);
		if (!status) add_fold(r, &s, values);
	}
	if (status) return status;
	mean_of_folds(r, &s, to);
	to->seconds = now() - begin;
	return keep(r, to, err);
}

static eg_status run_all(running *r, eg_error *err) {
	const eg_floor_type *type;
	eg_status status = EG_OK;
	for (int i = 0; (type = eg_floor_type_at(i)) && !status; i++) {
		if (!serves(r, type)) continue;
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
		for (int k = i; k > 0 && better(f->type, f->results[k].values[0], f->results[k - 1].values[0]); k--) {
			eg_floor_result swap = f->results[k];
			f->results[k] = f->results[k - 1];
			f->results[k - 1] = swap;
		}
}

static eg_status open_run(running *r, eg_error *err) {
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

/* ---- settings from elsewhere ------------------------------------------------------------------------------------- */

struct eg_floor_trials {
	running run;
	eg_floors_options options;
	const eg_floor_type *type;
};

static const eg_floor_type *find_type(const char *name, eg_error *err) {
	const char *names[64], *guess;
	int n = 0;
	for (const eg_floor_type *type; n < EG_COUNT(names) && (type = eg_floor_type_at(n)); n++) {
		names[n] = type->info.name;
		if (!strcmp(names[n], name)) return type;
	}
	guess = eg_did_you_mean(name, names, n);
	eg_fail(err, EG_ERR_ARG, "there is no floor '%.60s'; %s%s%s", name, guess ? "did you mean '" : "engram floor --list has them",
	        guess ? guess : "", guess ? "'?" : "");
	return NULL;
}

static bool has_range(const eg_floor_type *type) {
	for (int k = 0; k < EG_FLOOR_SETTINGS && type->settings[k].name; k++)
		if (type->settings[k].low < type->settings[k].high || type->settings[k].n > 1) return true;
	return false;
}

static eg_status open_trials(eg_floor_trials *t, const char *name, eg_error *err) {
	running *r = &t->run;
	t->type = find_type(name, err);
	if (!t->type) return EG_ERR_ARG;
	if (!has_range(t->type)) return eg_fail(err, EG_ERR_ARG, "the floor '%s' has nothing that could be set", name);
	r->own_ctx = eg_context_new(&(eg_context_options){.threads = 1}, err);
	if (!r->own_ctx) return EG_ERR_MEMORY;
	t->options = (eg_floors_options){.ctx = r->own_ctx, .use = EG_FLOORS_ANEW, .split = eg_part_name(EG_PART_VALIDATION)};
	eg_status status = open_run(r, err);
	if (!status) status = load(r, err);
	if (!status && !serves(r, t->type))
		status = eg_fail(err, EG_ERR_ARG, "the floor '%s' does not serve this recipe: engram floor shows which do", name);
	return status;
}

eg_status eg_floor_trials_open(eg_recipe *recipe, const char *name, eg_floor_trials **trials, eg_error *err) {
	eg_floor_trials *t = eg_calloc(NULL, 1, sizeof *t);
	*trials = NULL;
	if (!t) return eg_fail(err, EG_ERR_MEMORY, "out of memory for floors");
	t->run.recipe = recipe;
	t->run.options = &t->options;
	eg_status status = open_trials(t, name, err);
	if (status)
		eg_floor_trials_free(t);
	else
		*trials = t;
	return status;
}

void eg_floor_trials_free(eg_floor_trials *t) {
	if (!t) return;
	drop_samples(&t->run);
	eg_task_free(t->run.task);
	eg_context_free(t->run.own_ctx);
	eg_floors_free(t->run.out);
	eg_release(NULL, t);
}

const eg_floor_type *eg_floor_trials_type(const eg_floor_trials *t) { return t->type; }
const eg_metric_info *eg_floor_trials_metric(const eg_floor_trials *t) { return &t->run.task->type->metrics[0]; }

eg_status eg_floor_trials_run(eg_floor_trials *t, const double *settings, double *value, eg_error *err) {
	double values[EG_METRICS_MOST];
	eg_value *chosen = eg_value_new(EG_VALUE_MAP);
	t->run.settings = settings;
	eg_status status = run_floor(&t->run, t->type, values, chosen, err);
	*value = status ? (double)NAN : values[0];
	eg_value_free(chosen);
	return status;
}

/* ---- one beside a network ---------------------------------------------------------------------------------------- */

eg_status eg_floor_fit(const char *name, const eg_samples *s, eg_graph *g, eg_floor **floor, eg_error *err) {
	running r = {.recipe = s->task->recipe,
		.task = s->task,
		.ctx = eg_graph_context(g),
		.graph = g,
		.train = (eg_samples *)s,
		.part = EG_PART_VALIDATION};
	const eg_floor_type *type = find_type(name, err);
	const eg_floor_part all = {.samples = s,
	        .data = eg_samples_get(s, EG_PART_TRAIN),
	        .graph = g,
	        .count = eg_samples_count(s, EG_PART_TRAIN)};
	double settings[EG_FLOOR_SETTINGS] = {0};
	*floor = NULL;
	if (!type) return EG_ERR_ARG;
	if (!serves(&r, type)) return eg_fail(err, EG_ERR_ARG, "the floor '%s' does not serve this recipe", name);
	eg_status status = try_settings(&r, type, &all, settings, err);
	eg_floor *f = status ? NULL : open_floor(&r, type, settings, err);
	if (!status && !f) status = EG_ERR_MEMORY;
	if (!status) status = type->train(f, &all, err);
	if (f) f->progress = NULL, f->user = NULL;
	if (status)
		eg_floor_close(f);
	else
		*floor = f;
	return status;
}

/* ---- all floors, and what is asked of them ----------------------------------------------------------------------- */

eg_status eg_floors_run(eg_recipe *recipe, const eg_floors_options *options, eg_floors **floors, eg_error *err) {
	running r = {.recipe = recipe, .options = options, .tell = {.folds = options->folds}};
	const eg_floor_type *type;
	eg_floor_key key;
	*floors = NULL;
	eg_status status = open_run(&r, err);
	if (!status) status = load(&r, err);
	for (int i = 0; (type = eg_floor_type_at(i)) && !status; i++) r.tell.floors += serves(&r, type);
	if (!status) status = make_key(&r, &key, err);
	if (!status) status = eg_floor_cache_open(&r.cache, key, err);
	if (!status) status = run_all(&r, err);
	if (!status) {
		count_units(&r);
		rank(r.out);
		memcpy(r.out->remark, r.cache.remark, sizeof r.out->remark);
	}
	eg_floor_cache_close(&r.cache);
	drop_samples(&r);
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
	return !isnan(value) && (f->n == 0 || better(f->type, value, f->results[0].values[0]));
}
