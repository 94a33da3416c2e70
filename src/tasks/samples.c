/* samples.c - the parts of a task's data as data sets for the training loop: how long their samples are and how much
 * each weighs, and the loading of those that are asked for.
 *
 * Not here: which records they are (learn.c), batches of them (samples_fill.c). */
#include "tasks/samples.h"
#include "tasks/intake_text.h"
#include "tasks/learn.h"

#include <math.h>
#include <string.h>

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for the samples"); }

/* ---- a part as a data set ---------------------------------------------------------------------------------------- */

static int time_of(void *user, uint32_t item) { return ((const eg_sample_part *)user)->times[item]; }
static double weight_of(void *user, uint32_t item) { return ((const eg_sample_part *)user)->weights[item]; }
static int size_of(void *user, uint32_t item, int dim) {
	const eg_sample_part *p = user;
	int n = 0;
	while (p->dataset.dims[n]) n++;
	return p->sizes[(ptrdiff_t)item * n + dim];
}

/* Does the loss average over steps, so that a sample weighs as many as it has? */
static bool counts_steps(const eg_task *t) {
	const eg_intake *target = eg_task_target(t);
	return target && (target->type->kind == EG_FIELD_TAGS || target->type->kind == EG_FIELD_TEXT) && target->pad != -1;
}

/* A text weighs as many steps as are predicted. */
static eg_status weigh_text(const eg_intake *f, const eg_record *r, int time, double *weight, eg_error *err) {
	int unlearnt;
	eg_status status = eg_turns_unlearnt(f, r, &unlearnt, err);
	*weight = time - unlearnt;
	return status;
}

/* Augmentations of the training part: how many times as long they make a record at most. */
static double longest_of(const eg_samples *s, eg_part part) {
	double longest = 1;
	for (int i = 0; i < s->task->naugments && part == EG_PART_TRAIN && !s->options.model; i++) {
		const eg_augment_entry *a = &s->task->augments[i];
		if (a->type->longest) longest *= a->type->longest(a->options);
	}
	return longest;
}

/* Steps and other sizes of every sample, where they differ; where augmentations change them, the most there will be. */
static eg_status survey(eg_samples *s, eg_sample_part *p, int ndims, bool sequence, eg_error *err) {
	const eg_task *t = s->task;
	eg_record r = {0};
	eg_datum data[EG_TASK_INTAKES];
	int64_t count = p->dataset.count;
	int sizes[EG_MAX_DIMS + 1], most = 1;
	bool weighs = counts_steps(t);
	p->times = sequence ? eg_calloc(NULL, (size_t)count + 1, sizeof *p->times) : NULL;
	p->sizes = ndims ? eg_calloc(NULL, ((size_t)count + 1) * (size_t)ndims, sizeof *p->sizes) : NULL;
	p->weights = weighs ? eg_calloc(NULL, (size_t)count + 1, sizeof *p->weights) : NULL;
	if ((sequence && !p->times) || (ndims && !p->sizes) || (weighs && !p->weights)) return no_memory(err);
	eg_status status = EG_OK;
	for (int64_t i = 0; i < count && !status; i++) {
		int time = 0;
		status = eg_source_read(t->source, p->from, p->items ? p->items[i] : i, s->wanted, &r, err);
		for (int k = 0; k < t->nintakes && !status; k++) data[k] = r.fields[t->intakes[k]->field];
		if (!status) status = eg_task_extents(t, t->nintakes, &r, data, &time, sizes, err);
		if (status) break;
		if (time < 1) time = 1; /* an empty sequence is one step of padding */
		if (p->longest > 1) time = (int)fmin(ceil(time * p->longest) + 1, INT32_MAX / 2);
		if (sequence) p->times[i] = time;
		if (time > most) most = time;
		for (int j = 0; j < ndims; j++) {
			int size = sizes[j] > 0 ? sizes[j] : 1;
			p->sizes[i * ndims + j] = size;
			if (size > p->most[j]) p->most[j] = size;
		}
		for (int k = t->ninputs; k < t->nintakes && weighs && !status; k++) {
			if (!data[k].there) continue;
			if (t->intakes[k]->type->kind == EG_FIELD_TAGS) p->weights[i] = data[k].tags.n;
			if (t->intakes[k]->type->kind == EG_FIELD_TEXT) status = weigh_text(t->intakes[k], &r, time, &p->weights[i], err);
		}
	}
	eg_record_free(&r);
	if (sequence) p->dataset.time = most;
	return status;
}

static eg_status add_part(eg_samples *s, eg_part part, eg_part from, const uint32_t *items, int64_t n, eg_error *err) {
	eg_task *t = s->task;
	eg_sample_part *p = &s->parts[part];
	bool sequence = false, same = true;
	int ndims = eg_task_words(t, s->dims);
	if (n < 1) return EG_OK;
	p->samples = s, p->from = from, p->units = n;
	if (items) {
		p->items = eg_calloc(NULL, (size_t)n, sizeof *items);
		if (!p->items) return no_memory(err);
		memcpy(p->items, items, (size_t)n * sizeof *items);
	}
	p->longest = longest_of(s, part);
	p->dataset = eg_samples_dataset(p, n);
	if (s->options.model || eg_views_always(t)) eg_views_set(t, &p->dataset); /* an evaluation, or what validates */
	for (int i = 0; i < t->ninputs; i++) {
		const eg_field *field = eg_source_field(t->source, t->intakes[i]->field);
		for (int k = 0; k < t->intakes[i]->sample.rank; k++)
			if (t->intakes[i]->sample.d[k] == EG_T) {
				sequence = true;
				same = same && field->steps > 0;
				p->dataset.time = field->steps + t->intakes[i]->delay;
			}
	}
	if (ndims) p->dataset.dims = s->dims, p->dataset.size_of = size_of, p->dataset.most = p->most;
	if (ndims || (sequence && !same)) {
		eg_status status = survey(s, p, ndims, sequence && !same, err);
		if (status) return status;
		if (p->times) p->dataset.time_of = time_of;
		if (p->weights) p->dataset.weight = weight_of;
	}
	s->data[part] = &p->dataset;
	return EG_OK;
}

/* A part of the source, of n records, without what is left out. */
static eg_status add_rest(eg_samples *s, eg_part part, int64_t n, eg_error *err) {
	uint32_t *items = eg_calloc(NULL, (size_t)n + 1, sizeof *items);
	for (int64_t i = 0; i < n && items; i++) items[i] = (uint32_t)i;
	eg_status status = items ? eg_task_leave_out(s->task, part, items, &n, s->first_out, err) : no_memory(err);
	if (!status && n > 0) status = add_part(s, part, part, items, n, err);
	eg_release(NULL, items);
	return status;
}

/* ---- loading ----------------------------------------------------------------------------------------------------- */

static eg_status load_training(eg_samples *s, eg_error *err) {
	eg_task *t = s->task;
	eg_cut c = {0};
	eg_status status = eg_task_learn(t, &s->options, &c, err);
	s->left_out = c.left_out;
	memcpy(s->first_out, c.first_out, sizeof s->first_out);
	if (!status) status = add_part(s, EG_PART_TRAIN, EG_PART_TRAIN, c.items, c.n, err);
	if (!status && c.nsecond > 0) status = add_part(s, EG_PART_VALIDATION, EG_PART_TRAIN, c.second, c.nsecond, err);
	int64_t own = eg_source_count(t->source, EG_PART_VALIDATION);
	if (!status && s->options.folds < 1 && own > 0)
		status = eg_task_leaves_out(t, &s->options) ? add_rest(s, EG_PART_VALIDATION, own, err)
				       : add_part(s, EG_PART_VALIDATION, EG_PART_VALIDATION, NULL, own, err);
	eg_cut_free(&c);
	return status;
}

static eg_status load_test(eg_samples *s, eg_error *err) {
	eg_task *t = s->task;
	eg_cut c = {0};
	const char *name = eg_source_info(t->source)->name;
	eg_status status = EG_OK;
	bool known = true;
	for (int i = 0; i < t->nintakes; i++) known = known && t->intakes[i]->type->is_known(t->intakes[i]);
	if (!known) status = eg_task_learn(t, &s->options, &c, err); /* test records are never measured themselves */
	eg_cut_free(&c);
	eg_task_tell_size(t);
	if (!status) status = eg_source_prepare(t->source, EG_PART_TEST, err);
	if (!status) status = eg_task_meet(t, err);
	int64_t n = status ? 0 : eg_source_count(t->source, EG_PART_TEST);
	if (!status && n < 1) {
		const char *why = eg_source_remark(t->source, EG_PART_TEST);
		return eg_fail(err, EG_ERR_ARG,
		        "the data '%s' has no test %s%s%s; make it a test part, or judge by those that were kept aside in training (--split validation)",
		        name, t->many, why ? ": " : "", why ? why : "");
	}
	return status ? status : add_part(s, EG_PART_TEST, EG_PART_TEST, NULL, n, err);
}

static void list_inputs(eg_samples *s) {
	const eg_task *t = s->task;
	for (int i = 0; i < t->nintakes; i++) {
		s->inputs[i] = t->intakes[i]->input;
		s->wanted |= 1u << t->intakes[i]->field;
	}
	const int references = t->type->writes ? eg_source_find_field(t->source, EG_REFERENCES) : -1;
	s->also = eg_task_also(t);
	if (references >= 0) s->also |= 1u << references;
}

static bool settles(const eg_task *t) { return t->type->settle && (!t->type->settles || t->type->settles(t)); }

static eg_status can_settle(const eg_samples *s, eg_error *err) {
	const eg_task *t = s->task;
	if (!t->type->can_settle || !settles(t)) return EG_OK;
	return t->type->can_settle(t, s->options.folds > 1, s->data[EG_PART_VALIDATION] != NULL, err);
}

eg_status eg_samples_settle(eg_samples *s, eg_graph *g, eg_params *p, eg_error *err) {
	eg_task *t = s->task;
	if (!settles(t)) return EG_OK;
	eg_status status = t->type->settle(t, s, g, p, err);
	if (!status) t->type->save(t, s->kept);
	return status ? status : eg_value_whole(s->kept) ? EG_OK : no_memory(err);
}

static eg_status load(eg_samples *s, eg_error *err) {
	eg_task *t = s->task;
	eg_status status = s->options.views ? eg_views_choose(t, s->options.views, err) : EG_OK;
	if (!status && s->options.model) status = eg_task_restore(t, eg_model_task(s->options.model), err);
	if (status) return status;
	list_inputs(s);
	if (t->type->load)
		status = t->type->load(t, s, err);
	else
		status = s->options.part == EG_PART_TEST ? load_test(s, err) : load_training(s, err);
	if (!status && !s->options.model && s->options.part != EG_PART_TEST && !s->data[EG_PART_VALIDATION])
		status = eg_task_no_validation(t, err);
	if (!status && !s->options.model && s->options.part != EG_PART_TEST) status = can_settle(s, err);
	if (status) return status;
	eg_task_count_words(t);
	s->kept = eg_value_new(EG_VALUE_MAP);
	if (!s->kept) return no_memory(err);
	eg_task_save(t, s->kept);
	status = eg_samples_weigh(s, err);
	if (status) return status;
	return eg_value_whole(s->kept) ? EG_OK : no_memory(err);
}

eg_status eg_samples_load(eg_task *t, const eg_samples_options *options, eg_samples **samples, eg_error *err) {
	*samples = NULL;
	eg_samples *s = eg_calloc(NULL, 1, sizeof *s);
	if (!s) return no_memory(err);
	s->task = t;
	s->options = *options;
	eg_status status = load(s, err);
	if (status)
		eg_samples_free(s);
	else
		*samples = s;
	return status;
}

void eg_samples_free(eg_samples *s) {
	if (!s) return;
	if (s->task->type->unload) s->task->type->unload(s);
	for (int i = 0; i < EG_PARTS; i++) {
		eg_release(NULL, s->parts[i].items);
		eg_release(NULL, s->parts[i].times);
		eg_release(NULL, s->parts[i].sizes);
		eg_release(NULL, s->parts[i].weights);
	}
	eg_samples_empty_room(&s->room);
	eg_value_free(s->kept);
	eg_release(NULL, s);
}

const eg_dataset *eg_samples_get(const eg_samples *s, eg_part part) { return s->data[part]; }
int64_t eg_samples_count(const eg_samples *s, eg_part part) { return s->data[part] ? s->data[part]->count : 0; }
int64_t eg_samples_units(const eg_samples *s, eg_part part) { return s->data[part] ? s->parts[part].units : 0; }
const eg_size *eg_samples_sizes(const eg_samples *s) { return s->task->sizes; }
const eg_value *eg_samples_kept(const eg_samples *s) { return s->kept; }
