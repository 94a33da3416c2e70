/* advice.c - what the data says before and after a training: that there is nothing to be told apart, that a layer
 * cannot reach the targets, and what a network would reach that knows nothing of its inputs.
 *
 * Not here: what the recipe alone tells (src/io/advice.c). */
#include "tasks/embedding.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SURVEYED = 4096 }; /* targets that are looked at */

/* ---- nothing to be told apart ------------------------------------------------------------------------------------ */

static eg_status one_alone(const eg_task *t, const char *what, const char *name, eg_error *err) {
	eg_fail(err, EG_ERR_ARG,
	        "there is only one %s, '%s': whatever a network knows, it is right every time, and learns nothing; the "
	        "data needs samples of at least one other %s",
	        what, name, what);
	eg_recipe_locate(t->recipe, "data", err);
	return EG_ERR_ARG;
}

static eg_status check_classes(const eg_task *t, eg_error *err) {
	for (int i = t->ninputs; i < t->nintakes; i++) {
		const eg_intake *f = t->intakes[i];
		if (!f->type->count || !f->type->is_known(f) || f->type->count(f) != 1) continue;
		if (f->type->kind == EG_FIELD_TEXT) continue;  /* its end mark is one more */
		if (f->type->kind == EG_FIELD_BOXES) continue; /* places without an object are one more */
		return one_alone(t, f->type->kind == EG_FIELD_TAGS ? "tag" : "class", eg_intake_names(f)->at[0], err);
	}
	if (t->type->targets || t->nintakes != 1 || t->intakes[0]->type->kind != EG_FIELD_TEXT) return EG_OK;
	const eg_vocab *v = eg_intake_vocab(t->intakes[0]);
	size_t size;
	return v && eg_vocab_count(v) == 1 ? one_alone(t, t->one, eg_vocab_token(v, 0, &size), err) : EG_OK;
}

eg_status eg_task_advise(const eg_task *t, eg_advise advise, void *user, eg_error *err) {
	eg_status status = eg_recipe_advise(t->recipe, advise, user, err);
	return status ? status : check_classes(t, err);
}

/* ---- targets that are numbers ------------------------------------------------------------------------------------ */

typedef struct targets {
	int n, width;
	eg_real *at, *means; /* n times width; of each column */
	double low, high;
} targets;

static void free_targets(targets *x) {
	eg_release(NULL, x->at);
	eg_release(NULL, x->means);
	*x = (targets){0};
}

/* The intake that fills input `name`; NULL: it has no numbers. */
static const eg_intake *numbers_of(const eg_task *t, const char *name) {
	for (int i = t->ninputs; i < t->nintakes; i++)
		if (!strcmp(t->intakes[i]->input, name))
			return t->intakes[i]->type->kind == EG_FIELD_NUMBERS ? t->intakes[i] : NULL;
	return NULL;
}

static eg_status make_room(targets *x, int n, int width, eg_error *err) {
	x->n = n, x->width = width;
	x->low = (double)INFINITY, x->high = (double)-INFINITY;
	x->at = eg_calloc(NULL, (size_t)n * (size_t)width, sizeof *x->at);
	x->means = eg_calloc(NULL, (size_t)width, sizeof *x->means);
	return x->at && x->means ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for the targets");
}

static bool take(targets *x, int i, const eg_datum *d) {
	if (!x->at || !d->there || d->numbers.n != x->width) return false;
	for (int k = 0; k < x->width; k++) {
		double v = (double)d->numbers.at[k];
		x->at[(ptrdiff_t)i * x->width + k] = (eg_real)v;
		x->means[k] += (eg_real)(v / x->n);
		x->low = fmin(x->low, v), x->high = fmax(x->high, v);
	}
	return true;
}

/* The numbers of some of the training records, evenly from all. n is 0 where they are not as many in each. */
static eg_status gather(const eg_samples *s, const eg_intake *f, targets *x, eg_error *err) {
	const eg_sample_part *p = &s->parts[EG_PART_TRAIN];
	int64_t count = s->data[EG_PART_TRAIN] ? p->dataset.count : 0;
	int n = (int)(count < SURVEYED ? count : SURVEYED);
	eg_record r = {0};
	eg_status status = EG_OK;
	for (int i = 0; i < n && !status; i++) {
		int64_t item = count * i / n;
		status = eg_source_read(
		        s->task->source, p->from, p->items ? p->items[item] : item, 1u << f->field, &r, err);
		if (status) break;
		const eg_datum *d = &r.fields[f->field];
		if (i == 0 && d->there && d->numbers.n > 0) status = make_room(x, n, d->numbers.n, err);
		if (status || take(x, i, d)) continue;
		free_targets(x);
		break;
	}
	eg_record_free(&r);
	return status;
}

/* There may be several classes, of which all samples to train on are of one. */
static eg_status check_labels(const eg_samples *s, eg_advise advise, void *user, eg_error *err) {
	const eg_sample_part *p = &s->parts[EG_PART_TRAIN];
	const eg_intake *f = eg_task_target(s->task);
	if (!f || f->type->kind != EG_FIELD_LABEL || !s->data[EG_PART_TRAIN]) return EG_OK;
	eg_record r = {0};
	char text[400];
	int32_t first = -1;
	int64_t n = p->dataset.count, i = 0;
	eg_status status = EG_OK;
	for (; i < n; i++) {
		status = eg_source_read(s->task->source, p->from, p->items ? p->items[i] : i, 1u << f->field, &r, err);
		int32_t label = status ? -1 : eg_intake_label(f, r.fields[f->field].label);
		if (status || (i > 0 && label != first)) break;
		first = label;
	}
	eg_record_free(&r);
	if (status || i < n || first < 0) return status;
	snprintf(text, sizeof text,
	        "all %lld samples to train on are of the class '%.200s'; nothing is learnt of the other %d", (long long)n,
	        eg_intake_names(f)->at[first], eg_intake_names(f)->n - 1);
	advise(user, text);
	return EG_OK;
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

static bool reads_text(const eg_samples *s) {
	const eg_task *t = s->task;
	const eg_field_kind kind = t->nintakes > 0 ? t->intakes[0]->type->kind : EG_FIELD_NUMBERS;
	return s->data[EG_PART_TRAIN] && !t->type->load && (kind == EG_FIELD_TEXT || kind == EG_FIELD_TOKENS);
}

/* Where training sample i is from. */
static eg_status place_of(const eg_samples *s, int64_t i, char *place, size_t size, eg_error *err) {
	const eg_sample_part *p = &s->parts[EG_PART_TRAIN];
	eg_record r = {0};
	const int64_t item = p->items ? p->items[i] : i;
	const eg_status status = eg_source_read(s->task->source, p->from, item, 1u << s->task->intakes[0]->field, &r, err);
	if (!status && r.place) snprintf(place, size, "%s", r.place);
	if (!status && !r.place) snprintf(place, size, "sample %s", r.id ? r.id : "");
	eg_record_free(&r);
	return status;
}

static int by_length(const void *a, const void *b) {
	const int x = *(const int *)a, y = *(const int *)b;
	return (x > y) - (x < y);
}

/* A text that is many times as long as others: all of its batch is filled up to it. */
static eg_status check_lengths(
	const eg_samples *s, const int *length, int stride, eg_advise advise, void *user, eg_error *err) {
	enum { LONG = 2000, TIMES = 50 };
	const int64_t n = s->parts[EG_PART_TRAIN].dataset.count;
	int64_t longest = 0;
	char place[400] = "", text[800];
	for (int64_t i = 1; i < n; i++)
		if (length[i * stride] > length[longest * stride]) longest = i;
	const int most = n > 0 ? length[longest * stride] : 0;
	if (most <= LONG) return EG_OK;
	int *sorted = eg_calloc(NULL, (size_t)n, sizeof *sorted);
	if (!sorted) return eg_fail(err, EG_ERR_MEMORY, "out of memory for the lengths of texts");
	for (int64_t i = 0; i < n; i++) sorted[i] = length[i * stride];
	qsort(sorted, (size_t)n, sizeof *sorted, by_length);
	const int median = sorted[n / 2];
	eg_release(NULL, sorted);
	if (most / TIMES <= median) return EG_OK;
	const eg_status status = place_of(s, longest, place, sizeof place, err);
	const bool tokens = s->task->intakes[0]->type->kind == EG_FIELD_TOKENS;
	snprintf(text, sizeof text,
	        "%s has %d steps, the median %d: the batch that it is in takes that many times the memory and time; %s", place,
	        most, median, tokens ? "cut it into sentences" : "cut it, or let data.longest and data.cut do so");
	if (!status) advise(user, text);
	return status;
}

/* Classes of which there is but one text to learn from, or none; of a few texts it is seen without being told. */
static eg_status check_rare(const eg_samples *s, eg_advise advise, void *user, eg_error *err) {
	enum { FEW = 20 };
	const eg_sample_part *p = &s->parts[EG_PART_TRAIN];
	const eg_intake *f = eg_task_target(s->task);
	if (!f || f->type->kind != EG_FIELD_LABEL || p->dataset.count < FEW) return EG_OK;
	const int K = eg_intake_names(f)->n;
	int64_t *count = eg_calloc(NULL, (size_t)K + 1, sizeof *count);
	if (!count) return eg_fail(err, EG_ERR_MEMORY, "out of memory for the classes of texts");
	eg_record r = {0};
	eg_status status = EG_OK;
	for (int64_t i = 0; i < p->dataset.count && !status; i++) {
		status = eg_source_read(s->task->source, p->from, p->items ? p->items[i] : i, 1u << f->field, &r, err);
		const int32_t label = status ? -1 : eg_intake_label(f, r.fields[f->field].label);
		if (label >= 0 && label < K) count[label]++;
	}
	eg_record_free(&r);
	int rare = 0, first = -1;
	char text[400];
	for (int k = 0; k < K; k++)
		if (count[k] < 2 && rare++ == 0) first = k;
	if (rare > 0 && !status) {
		snprintf(text, sizeof text,
		        "of %d of the %d classes there is at most one text to train on (of '%.100s' %s): hardly anything is "
		        "learnt of one; add texts, or leave the class out",
		        rare, K, eg_intake_names(f)->at[first], count[first] ? "one" : "none");
		advise(user, text);
	}
	eg_release(NULL, count);
	return status;
}

static eg_status check_texts(const eg_samples *s, eg_advise advise, void *user, eg_error *err) {
	const eg_sample_part *p = &s->parts[EG_PART_TRAIN];
	int open = 0;
	eg_status status = reads_text(s) ? check_rare(s, advise, user, err) : EG_OK;
	if (!reads_text(s)) return status;
	while (p->dataset.dims && p->dataset.dims[open]) open++;
	if (!status && p->times) status = check_lengths(s, p->times, 1, advise, user, err);
	for (int k = 0; k < open && p->sizes && !status; k++)
		status = check_lengths(s, p->sizes + k, open, advise, user, err);
	return status;
}

/* ---- transcripts that are too long ------------------------------------------------------------------------------- */

static void tell_left_out(const eg_samples *s, eg_advise advise, void *user) {
	char text[EG_SAMPLES_NAME + 200];
	const eg_intake *target = eg_task_target(s->task);
	if (s->left_out == 0 || !target || target->type != &eg_intake_spelled_type) return;
	snprintf(text, sizeof text, "%lld %s not trained on, of which the first is '%s': a transcript needs more steps than its recording has; make "
		"data.sound.hop smaller, or put the transcript right",
		(long long)s->left_out, s->left_out == 1 ? "recording is" : "recordings are", s->first_out);
	advise(user, text);
}

static void tell_silent(const eg_samples *s, eg_advise advise, void *user) {
	char text[EG_SAMPLES_NAME + 200];
	const char *first;
	for (int k = 0; k < s->task->nasked; k++) {
		const eg_intake *f = s->task->intakes[k];
		const int64_t n = f->type->kind == EG_FIELD_SOUND ? eg_intake_sound_silent(f, &first) : 0;
		if (n == 0) continue;
		snprintf(text, sizeof text, "%lld %s silent from end to end, and trained on like the others; the first is '%.200s': record it anew, or "
			"remove it, unless silence is what it shall teach", (long long)n, n == 1 ? "recording is" : "recordings are", first);
		advise(user, text);
	}
}

/* ---- all of them ------------------------------------------------------------------------------------------------- */

eg_status eg_samples_advise(const eg_samples *s, eg_advise advise, void *user, eg_error *err) {
	const eg_recipe *r = s->task->recipe;
	eg_status status = check_labels(s, advise, user, err);
	if (!status) status = check_texts(s, advise, user, err);
	if (!status) tell_left_out(s, advise, user), tell_silent(s, advise, user);
	if (!status && s->task->type->whole_classes) status = eg_samples_check_persons(s, advise, user, err);
	if (status) return status;
	for (int i = 0; i < eg_recipe_losses(r); i++) {
		const eg_recipe_loss_info *loss = eg_recipe_loss_at(r, i);
		const eg_intake *f = numbers_of(s->task, loss->input);
		targets x = {0};
		const char *layer;
		char text[400];
		double low, high;
		if (!f || loss->op->contains || !eg_recipe_limits(r, i, &layer, &low, &high)) continue;
		status = gather(s, f, &x, err);
		if (status) return free_targets(&x), status;
		bool beyond = x.n > 0 && (x.low < low || x.high > high);
		if (beyond)
			snprintf(text, sizeof text,
			        "the numbers to be told go from %g to %g, but layer '%s' gives %g to %g only: end "
			        "with `linear: %d`, or bring them to its range",
			        x.low, x.high, layer, low, high, x.width);
		free_targets(&x);
		if (beyond) advise(user, text);
	}
	return EG_OK;
}

/* ---- what a network reaches that knows nothing of its inputs ----------------------------------------------------- */

/* The loss of these targets where all that is said are their means, by the operator itself. */
static eg_status loss_of_means(
	const eg_recipe_loss_info *info, eg_context *ctx, const targets *x, double *loss, eg_error *err) {
	const eg_dims dims = EG_DIMS(x->n, x->width);
	_Alignas(max_align_t) char options[EG_LOSS_OPTIONS];
	eg_graph *g = eg_graph_new(ctx, err);
	if (!g) return err->status;
	const eg_tensor in[] = {eg_input(g, "x", EG_F32, dims), eg_input(g, "target", EG_F32, dims)};
	eg_output(g, "loss", eg_apply(g, info->op->name, eg_loss_as_mean(info->op, info->options, options), in, 2));
	eg_params *p = eg_params_new(g, 0, err);
	eg_plan *plan = p ? eg_plan_new(g, p, &(eg_plan_options){.batch = 1}, err) : NULL;
	eg_status status = plan ? EG_OK : err->status;
	if (plan) {
		eg_real *means = eg_plan_input(plan, "x");
		size_t row = (size_t)x->width * sizeof *means;
		for (int i = 0; i < x->n; i++) memcpy(means + (ptrdiff_t)i * x->width, x->means, row);
		memcpy(eg_plan_input(plan, "target"), x->at, (size_t)x->n * row);
		eg_plan_run(plan, 0);
		*loss = (double)*eg_plan_output(plan, "loss");
	}
	eg_plan_free(plan);
	eg_params_free(p);
	eg_graph_free(g);
	return status;
}

/* Steps of a sample, on average; 1: they have none. */
static double steps_of(const eg_dataset *d) {
	double sum = 0;
	if (d->time < 1 || d->count < 1) return 1;
	for (int64_t i = 0; i < d->count && d->time_of; i++) sum += d->time_of(d->user, (uint32_t)i);
	return d->time_of ? sum / (double)d->count : d->time;
}

/* Is one number the loss of a whole sequence? */
static bool is_of_sequences(const eg_op_info *op) {
	for (int i = 2; i < op->max_inputs; i++)
		if (!strcmp(op->inputs[i], "lengths") || !strcmp(op->inputs[i], "input_lengths")) return true;
	return false;
}

static eg_status chance_of(
	const eg_samples *s, eg_graph *g, const eg_recipe_loss_info *loss, double *chance, eg_error *err) {
	eg_target_info target;
	targets x = {0};
	eg_tensor of = eg_graph_find(g, loss->of);
	eg_dims d = eg_tensor_dims(g, of);
	*chance = (double)NAN;
	if (!of.id || eg_op_target(loss->op, loss->options, &d, &target, NULL)) return EG_OK;
	if (target.class_axis >= 0 && target.own_scale) return EG_OK;
	if (target.class_axis >= 0) { /* every class, or every path through them, is as likely */
		*chance = log((double)d.d[target.class_axis]);
		if (is_of_sequences(loss->op)) *chance *= steps_of(s->data[EG_PART_TRAIN]);
		return EG_OK;
	}
	const eg_intake *f = target.means ? numbers_of(s->task, loss->input) : NULL;
	eg_status status = f ? gather(s, f, &x, err) : EG_OK;
	if (!status && x.n > 0) status = loss_of_means(loss, eg_graph_context(g), &x, chance, err);
	free_targets(&x);
	return status;
}

eg_status eg_samples_chance(const eg_samples *s, eg_graph *g, double *chance, eg_error *err) {
	const eg_recipe *r = s->task->recipe;
	eg_status status = EG_OK;
	eg_error own;
	*chance = s->data[EG_PART_TRAIN] ? 0 : (double)NAN;
	for (int i = 0; i < eg_recipe_losses(r) && s->data[EG_PART_TRAIN] && !status; i++) {
		double one;
		const eg_recipe_loss_info *loss = eg_recipe_loss_at(r, i);
		status = chance_of(s, g, loss, &one, err ? err : &own);
		*chance += loss->weight * one;
	}
	return status;
}
