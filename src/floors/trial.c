/* trial.c - one floor on the samples of a run: settings tried on samples that were not learnt from, trained, and judged
 * by the task's own judge.
 *
 * Not here: any model (a file each), all floors of a recipe (run.c). */
#include "floors/run.h"

#include <assert.h>
#include <math.h>
#include <string.h>

enum { ASKED = 256 };
enum { TRIED_SAMPLES = 1000, TRIED_UNITS = 20000 }; /* that a setting is judged by: samples, or steps of texts */

static bool on_progress(void *user, double share) {
	eg_floor_run *r = user;
	r->tell.share = share;
	return !r->options || !r->options->progress || r->options->progress(r->options->user, &r->tell);
}

void eg_floor_close(eg_floor *f) {
	if (!f) return;
	if (f->type->free) f->type->free(f);
	eg_release(NULL, f->out);
	eg_release(NULL, f);
}

eg_floor *eg_floor_open(eg_floor_run *r, const eg_floor_type *type, const double *settings, eg_error *err) {
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

bool eg_floor_serves(eg_floor_run *r, const eg_floor_type *type) {
	const double settings[EG_FLOOR_SETTINGS] = {0};
	if (strcmp(type->info.task, r->task->type->info.name) != 0) return false;
	eg_floor *f = type->serves ? eg_floor_open(r, type, settings, NULL) : NULL;
	bool does = !type->serves || (f && type->serves(f));
	eg_release(NULL, f);
	return does;
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

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

bool eg_floor_better(const eg_task_type *type, double a, double b) {
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

static eg_status cut_tenths(eg_floor_run *r, trial *t, const eg_floor_part *all, eg_error *err) {
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

static eg_status cut(eg_floor_run *r, const eg_floor_part *all, trial *t, eg_error *err) {
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
static eg_status make_trial(eg_floor_run *r, const eg_floor_type *type, const eg_floor_part *all, trial *t, eg_error *err) {
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
eg_status eg_floor_try(
	eg_floor_run *r, const eg_floor_type *type, const eg_floor_part *all, double *settings, eg_error *err) {
	int n = ways(type);
	double best = NAN, values[EG_METRICS_MOST];
	trial t = {0};
	choose(type, 0, settings);
	if (n < 2 || all->count < 20) return EG_OK;
	eg_status status = make_trial(r, type, all, &t, err);
	for (int way = 0; way < n && !status; way++) {
		double tried[EG_FLOOR_SETTINGS] = {0};
		choose(type, way, tried);
		eg_floor *f = eg_floor_open(r, type, tried, err);
		if (!f) status = EG_ERR_MEMORY;
		if (f) f->weight = 0.5 / n / 2, f->done = 0.5 * way / n;
		if (!status) status = type->train(f, &t.train, err);
		if (f) f->done += f->weight;
		if (!status) status = judge(f, &t.test, values, err);
		if (!status && eg_floor_better(r->task->type, values[0], best)) {
			best = values[0];
			memcpy(settings, tried, sizeof tried);
		}
		eg_floor_close(f);
	}
	eg_release(NULL, t.train.items);
	eg_release(NULL, t.test.items);
	return status;
}

/* ---- all of it --------------------------------------------------------------------------------------------------- */

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

/* Trains and judges a floor on the samples at hand. */
eg_status eg_floor_run_one(eg_floor_run *r, const eg_floor_type *type, double *values, eg_value *settings, eg_error *err) {
	eg_floor_part all = {.samples = r->train, .data = eg_samples_get(r->train, EG_PART_TRAIN), .graph = r->graph},
	              judged = all;
	double chosen[EG_FLOOR_SETTINGS] = {0};
	judged.samples = r->test ? r->test : r->train;
	judged.data = eg_samples_get(judged.samples, r->part);
	all.count = all.data->count, judged.count = judged.data->count;
	if (r->settings) memcpy(chosen, r->settings, sizeof chosen);
	eg_status status = r->settings ? EG_OK : eg_floor_try(r, type, &all, chosen, err);
	eg_floor *f = status ? NULL : eg_floor_open(r, type, chosen, err);
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
