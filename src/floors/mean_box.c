/* mean_box.c - the floor `mean-box`: the median count and the mean box. Each picture has as many objects of a class as
 * training pictures have at the median, all of them where and as large as they are on average. The picture itself is
 * not looked at.
 *
 *   box(class) = mean of the training boxes, as shares of the width and height
 *   score of the i-th of them = share of the training pictures that have at least i
 *
 * At least half of the pictures have as many as the median, so from a score of 0.5 on it is that many. */
#include "floors/floors.h"
#include "tasks/detect.h"

#include <string.h>

enum { NUMBERS = 6 /* class, score, corners */ };

typedef struct mean_box {
	eg_floor base;
	int64_t pictures;
	int64_t *having; /* [class][i]: training pictures that have at least i + 1 */
	double *sum;     /* [class][corner] */
	int64_t *boxes;  /* of each class */
	eg_real *told;
	int ntold;
} mean_box;

static eg_status open(mean_box *m, eg_error *err) {
	const size_t K = (size_t)eg_floor_classes(&m->base);
	if (m->having) return EG_OK;
	m->having = eg_calloc(NULL, K * EG_FOUND_MOST, sizeof *m->having);
	m->sum = eg_calloc(NULL, K * 4, sizeof *m->sum);
	m->boxes = eg_calloc(NULL, 2 * K, sizeof *m->boxes);
	return m->having && m->sum && m->boxes ? EG_OK : eg_floor_no_memory(&m->base, err);
}

static void add(mean_box *m, const eg_datum_boxes *b, const eg_datum_picture *p) {
	const eg_intake *target = eg_task_target(m->base.task);
	const int K = eg_floor_classes(&m->base);
	int64_t *here = m->boxes + K;
	memset(here, 0, (size_t)K * sizeof *here);
	for (int i = 0; i < b->n; i++) {
		const eg_box *box = &b->at[i];
		const int k = eg_intake_label(target, box->label);
		if (k < 0 || k >= K || box->difficult) continue;
		const double corners[] = {box->x0 / p->W, box->y0 / p->H, box->x1 / p->W, box->y1 / p->H};
		for (int c = 0; c < EG_COUNT(corners); c++) m->sum[4 * k + c] += corners[c];
		m->boxes[k]++;
		if (here[k] < EG_FOUND_MOST) m->having[k * EG_FOUND_MOST + here[k]++]++;
	}
	m->pictures++;
}

/* The surest first, as many as are told of a picture. */
static eg_status settle(mean_box *m, eg_error *err) {
	const int K = eg_floor_classes(&m->base);
	m->told = eg_calloc(NULL, (size_t)EG_FOUND_MOST * NUMBERS, sizeof *m->told);
	int64_t *next = m->boxes + K;
	if (!m->told) return eg_floor_no_memory(&m->base, err);
	memset(next, 0, (size_t)K * sizeof *next);
	for (m->ntold = 0; m->ntold < EG_FOUND_MOST; m->ntold++) {
		int best = -1;
		for (int k = 0; k < K; k++) {
			if (next[k] == EG_FOUND_MOST) continue;
			if (best < 0 || m->having[k * EG_FOUND_MOST + next[k]] > m->having[best * EG_FOUND_MOST + next[best]]) best = k;
		}
		const double score = best < 0 ? 0 : (double)m->having[best * EG_FOUND_MOST + next[best]] / (double)m->pictures;
		if (score < EG_FOUND_LEAST) break;
		eg_real *at = m->told + (ptrdiff_t)m->ntold * NUMBERS;
		at[0] = (eg_real)best, at[1] = (eg_real)score;
		for (int c = 0; c < 4; c++) at[2 + c] = (eg_real)(m->sum[4 * best + c] / (double)m->boxes[best]);
		next[best]++;
	}
	return EG_OK;
}

static eg_status train(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	mean_box *m = (mean_box *)f;
	const int field = eg_task_target(f->task)->field, picture = f->task->intakes[0]->field;
	eg_floor_batch b = {.part = p};
	eg_status status = open(m, err);
	if (!status) status = eg_floor_next(&b, 16, err);
	while (!status && b.n > 0) {
		for (int i = 0; i < b.n; i++) {
			const eg_datum *d = eg_samples_record(p->samples, &b.fill, i)->fields;
			if (d[field].there) add(m, &d[field].boxes, &d[picture].picture);
		}
		status = eg_floor_tell(f, (double)(b.first + b.n) / (double)p->count, err);
		if (!status) status = eg_floor_next(&b, 16, err);
	}
	eg_floor_batch_free(&b);
	if (!status && m->pictures == 0) status = eg_fail(err, EG_ERR_ARG, "no training picture has boxes");
	return status ? status : settle(m, err);
}

static eg_status say(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	const mean_box *m = (const mean_box *)f;
	EG_UNUSED(b), EG_UNUSED(from), EG_UNUSED(steps), EG_UNUSED(err);
	*said = (eg_said){m->told, {3, {1, m->ntold, NUMBERS}}, false};
	return EG_OK;
}

static void free_floor(eg_floor *f) {
	mean_box *m = (mean_box *)f;
	eg_release(NULL, m->having);
	eg_release(NULL, m->sum);
	eg_release(NULL, m->boxes);
	eg_release(NULL, m->told);
}

const eg_floor_type eg_floor_type_mean_box = {
	.info = {.name = "mean-box",
		.task = "detect",
		.doc = "as many objects of each class as training pictures have at the median, all at the mean box",
		.source = "none; median and mean",
		.version = 1},
	.size = sizeof(mean_box),
	.batch = 1,
	.train = train,
	.say = say,
	.free = free_floor,
};
