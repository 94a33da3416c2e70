/* most_frequent.c - the floor `most-frequent`: always the class that most training samples have. A classifier that
 * does no better has learnt nothing at all; where classes are of very different sizes it may look good.
 *
 *   p(k) = (n_k + 1) / (n + K)        n_k of n samples have class k of K (Laplace's rule of succession)
 *
 * It says the logarithm of p, so that its loss is how many nats the classes have when nothing else is known.
 *
 * And the floor `common-tag`, the same of the frames of films that are tagged. */
#include "floors/floors.h"

#include <math.h>

typedef struct most_frequent {
	eg_floor base;
	double *log_share;
} most_frequent;

static eg_status train(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	most_frequent *m = (most_frequent *)f;
	int K = eg_floor_classes(f);
	int32_t *labels = eg_calloc(NULL, (size_t)p->count + 1, sizeof *labels);
	m->log_share = eg_calloc(NULL, (size_t)K, sizeof *m->log_share);
	eg_status status = labels && m->log_share ? eg_floor_read(f, p, labels, NULL, err) : eg_floor_no_memory(f, err);
	int64_t n = 0;
	for (int64_t i = 0; i < p->count && !status; i++)
		if (labels[i] >= 0) m->log_share[labels[i]]++, n++;
	for (int k = 0; k < K && !status; k++) m->log_share[k] = log((m->log_share[k] + 1) / (double)(n + K));
	eg_release(NULL, labels);
	return status;
}

static eg_status say(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	const most_frequent *m = (const most_frequent *)f;
	int K = eg_floor_classes(f);
	eg_real *out = eg_floor_room(f, (size_t)b->n * (size_t)K);
	EG_UNUSED(from), EG_UNUSED(steps);
	if (!out) return eg_floor_no_memory(f, err);
	for (int i = 0; i < b->n; i++)
		for (int k = 0; k < K; k++) out[i * K + k] = (eg_real)m->log_share[k];
	*said = (eg_said){out, {2, {b->n, K}}, false};
	return EG_OK;
}

static void free_floor(eg_floor *f) { eg_release(NULL, ((most_frequent *)f)->log_share); }

const eg_floor_type eg_floor_type_most_frequent = {
	.info = {.name = "most-frequent",
		.task = "classify",
		.doc = "always the class that most training samples have",
		.source = "Laplace 1814 (rule of succession)",
		.version = 1},
	.size = sizeof(most_frequent),
	.probabilities = true,
	.train = train,
	.say = say,
	.free = free_floor,
};

/* ---- frames of films --------------------------------------------------------------------------------------------- */

static eg_status train_tags(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	most_frequent *m = (most_frequent *)f;
	const int K = eg_floor_classes(f);
	eg_floor_batch b = {.part = p};
	int64_t n = 0;
	m->log_share = eg_calloc(NULL, (size_t)K, sizeof *m->log_share);
	eg_status status = m->log_share ? eg_floor_next(&b, 1, err) : eg_floor_no_memory(f, err);
	while (!status && b.n > 0) {
		const int32_t *tags = eg_batch_input(&b.run, eg_task_target_input(f->task));
		for (int t = 0; t < b.time; t++)
			if (tags[t] >= 0) m->log_share[tags[t]]++, n++;
		status = eg_floor_tell(f, (double)(b.first + b.n) / (double)p->count, err);
		if (!status) status = eg_floor_next(&b, 1, err);
	}
	for (int k = 0; k < K && !status; k++) m->log_share[k] = log((m->log_share[k] + 1) / (double)(n + K));
	eg_floor_batch_free(&b);
	return status;
}

static eg_status say_tags(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	const most_frequent *m = (const most_frequent *)f;
	const int K = eg_floor_classes(f);
	eg_real *out = eg_floor_room(f, (size_t)steps * (size_t)K);
	EG_UNUSED(b), EG_UNUSED(from);
	if (!out) return eg_floor_no_memory(f, err);
	for (int i = 0; i < steps * K; i++) out[i] = (eg_real)m->log_share[i % K];
	*said = (eg_said){out, {3, {steps, 1, K}}, true};
	return EG_OK;
}

static bool are_films(const eg_floor *f) { return eg_floor_takes(f, EG_FIELD_FRAMES) && f->task->nintakes == 2; }

const eg_floor_type eg_floor_type_common_tag = {
	.info = {.name = "common-tag",
		.task = "tag",
		.doc = "of films: always the tag that most training frames have",
		.source = "Laplace 1814 (rule of succession)",
		.version = 1},
	.size = sizeof(most_frequent),
	.batch = 1,
	.serves = are_films,
	.train = train_tags,
	.say = say_tags,
	.free = free_floor,
};
