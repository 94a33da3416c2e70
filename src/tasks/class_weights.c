/* class_weights.c - how much each class counts in a loss that says `class_weights: balanced`: n / (k count), for n
 * predictions of k classes that occur; or `median_frequency`: median f / f, where f is the class's share of the
 * predictions of those samples that show it (Eigen and Fergus 2015, section 6.3.2). They are counted in the training
 * samples, told to the recipe, and kept with the model, so that its loss is the same wherever it is computed. And how
 * much each sample counts in the mean of such a loss over many batches.
 *
 * Not here: the list in a recipe (io/train.c), its way into the graph (io/network_losses.c). */
#include "tasks/samples.h"

#include <stdlib.h>
#include <string.h>

/* How many places of a record's field are to be told, and the class of one of them; -1: nothing is asked there. */
static int64_t places_of(const eg_intake *f, const eg_datum *d) {
	if (!d->there) return 0;
	switch (f->type->kind) {
	case EG_FIELD_LABEL: return 1;
	case EG_FIELD_TAGS: return d->tags.n;
	case EG_FIELD_MASK: return (int64_t)d->mask.H * d->mask.W;
	default: return 0;
	}
}
static int class_at(const eg_intake *f, const eg_datum *d, int64_t i) {
	int k = f->type->kind == EG_FIELD_LABEL  ? d->label
	        : f->type->kind == EG_FIELD_TAGS ? d->tags.at[i]
	                                         : d->mask.classes[i];
	if (f->type->kind == EG_FIELD_MASK && k == EG_VOID) return -1;
	k = eg_intake_label(f, k);
	return k < eg_intake_names(f)->n ? k : -1;
}

/* Of each class: how often it is right, and how many predictions the samples have in which it is. */
typedef struct counts {
	int64_t *count, *around, *here; /* here: of one sample, zero between them */
	int n;
} counts;

static void count_field(const eg_intake *f, const eg_datum *d, counts *c) {
	int64_t all = 0;
	for (int64_t i = 0, n = places_of(f, d); i < n; i++) {
		int k = class_at(f, d, i);
		if (k >= 0) c->here[k]++, all++;
	}
	for (int k = 0; k < c->n; k++) {
		c->count[k] += c->here[k];
		if (c->here[k]) c->around[k] += all;
		c->here[k] = 0;
	}
}

static eg_status count_classes(const eg_samples *s, const eg_intake *f, counts *c, eg_error *err) {
	const eg_sample_part *p = &s->parts[EG_PART_TRAIN];
	eg_record r = {0};
	eg_status status = EG_OK;
	for (int64_t i = 0; i < p->dataset.count && !status; i++) {
		status = eg_source_read(s->task->source, p->from, p->items ? p->items[i] : i, 1u << f->field, &r, err);
		if (!status) count_field(f, &r.fields[f->field], c);
	}
	eg_record_free(&r);
	return status;
}

/* A class that does not occur weighs 1: nothing is known of it. */
static void balance(const int64_t *count, int n, float *weight) {
	int64_t all = 0;
	int classes = 0;
	for (int k = 0; k < n; k++) all += count[k], classes += count[k] > 0;
	for (int k = 0; k < n; k++)
		weight[k] = count[k] > 0 ? (float)((double)all / ((double)classes * (double)count[k])) : 1;
}

static int by_size(const void *a, const void *b) {
	const float x = *(const float *)a, y = *(const float *)b;
	return (x > y) - (x < y);
}

/* Over the classes that occur; of an even number of them the mean of the two in the middle. */
static void by_median_frequency(const counts *c, float *share, float *weight) {
	int classes = 0;
	for (int k = 0; k < c->n; k++)
		if (c->count[k] > 0) share[classes++] = (float)((double)c->count[k] / (double)c->around[k]);
	qsort(share, (size_t)classes, sizeof *share, by_size);
	const double median = classes ? ((double)share[(classes - 1) / 2] + (double)share[classes / 2]) / 2 : 1;
	for (int k = 0; k < c->n; k++)
		weight[k] = c->count[k] > 0 ? (float)(median * (double)c->around[k] / (double)c->count[k]) : 1;
}

static const eg_intake *field_of(const eg_task *t, const char *input) {
	for (int i = t->ninputs; i < t->nintakes; i++) {
		const eg_field_kind kind = t->intakes[i]->type->kind;
		bool classes = kind == EG_FIELD_LABEL || kind == EG_FIELD_TAGS || kind == EG_FIELD_MASK;
		if (classes && !strcmp(t->intakes[i]->input, input)) return t->intakes[i];
	}
	return NULL;
}

static eg_status weigh(eg_samples *s, int i, const eg_intake *f, eg_error *err) {
	const int n = eg_intake_names(f)->n;
	int64_t *count = eg_calloc(NULL, (size_t)n, 3 * sizeof *count);
	float *weight = eg_calloc(NULL, (size_t)n, 2 * sizeof *weight);
	counts c = {.n = n};
	if (count) c.count = count, c.around = count + n, c.here = count + 2 * (ptrdiff_t)n;
	eg_status status = count && weight ? count_classes(s, f, &c, err)
	                                   : eg_fail(err, EG_ERR_MEMORY, "out of memory for the weights of classes");
	if (!status && eg_recipe_loss_at(s->task->recipe, i)->median_frequency)
		by_median_frequency(&c, weight + n, weight);
	else if (!status)
		balance(count, n, weight);
	if (!status) status = eg_recipe_weigh(s->task->recipe, i, weight, n, err);
	eg_release(NULL, count);
	eg_release(NULL, weight);
	return status;
}

/* ---- samples -----------------------------------------------------------------------------------------------------
 * */

static double weight_of(void *user, uint32_t item) { return ((const eg_sample_part *)user)->weights[item]; }

/* A loss with weights is a mean over them. So that the mean over batches is the mean of all, each sample says its
 * own. Of masks it is not known without reading every picture: there all samples count alike. */
static eg_status weigh_part(
	const eg_samples *s, eg_sample_part *p, const eg_intake *f, const float *classes, eg_error *err) {
	eg_record r = {0};
	double *weights = eg_calloc(NULL, (size_t)p->dataset.count + 1, sizeof *weights);
	eg_status status = weights ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for the weights of samples");
	for (int64_t i = 0; i < p->dataset.count && !status; i++) {
		status = eg_source_read(s->task->source, p->from, p->items ? p->items[i] : i, 1u << f->field, &r, err);
		const eg_datum *d = &r.fields[f->field];
		for (int64_t k = 0, n = status ? 0 : places_of(f, d); k < n; k++) {
			int c = class_at(f, d, k);
			if (c >= 0) weights[i] += (double)classes[c];
		}
	}
	eg_record_free(&r);
	eg_release(NULL, p->weights);
	p->weights = weights;
	p->dataset.weight = weight_of;
	return status;
}

static eg_status weigh_samples(eg_samples *s, eg_error *err) {
	const eg_recipe_loss_info *loss = eg_recipe_loss_at(s->task->recipe, 0);
	const eg_intake *f = eg_recipe_losses(s->task->recipe) == 1 && loss->classes ? field_of(s->task, loss->input)
	                                                                             : NULL;
	eg_status status = EG_OK;
	bool fits = f && f->type->kind != EG_FIELD_MASK && !loss->soft && /* shares: divided by the number of rows */
	            loss->nclasses == eg_intake_names(f)->n; /* else the graph says what is wrong */
	for (int p = 0; p < EG_PARTS && fits && !status; p++)
		if (s->data[p]) status = weigh_part(s, &s->parts[p], f, loss->classes, err);
	return status;
}

eg_status eg_samples_weigh(eg_samples *s, eg_error *err) {
	const eg_recipe *r = s->task->recipe;
	eg_value *map = NULL;
	for (int i = 0; i < eg_recipe_losses(r); i++) {
		const eg_recipe_loss_info *loss = eg_recipe_loss_at(r, i);
		const eg_intake *f = loss->balanced ? field_of(s->task, loss->input) : NULL;
		if (!loss->balanced) continue;
		if (!f) {
			eg_fail(err, EG_ERR_ARG,
			        "the loss '%s' cannot weigh classes by a word: the task '%s' has no field of classes in its "
			        "records that could be "
			        "counted; give `class_weights` a list of numbers, or leave it out",
			        loss->op->name, s->task->type->info.name);
			eg_recipe_locate(r, "train.loss", err);
			return EG_ERR_ARG;
		}
		eg_status status = s->data[EG_PART_TRAIN] ? weigh(s, i, f, err) : EG_OK;
		if (status) return status;
		if (!map) map = eg_value_put_map(s->kept, "class_weights");
		if (eg_value_get(map, loss->input)) continue; /* several losses of one field */
		eg_value *list = eg_value_put_list(map, loss->input);
		for (int k = 0; k < loss->nclasses; k++) eg_value_put_number(list, NULL, (double)loss->classes[k]);
	}
	return weigh_samples(s, err);
}
