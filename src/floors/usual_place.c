/* usual_place.c - the floor `usual-place`: where do classes usually lie? Each pixel has the class that it has most
 * often in the training pictures: the sky above, the road below. The picture itself is not looked at.
 *
 *   class(y, x) = argmax_k of how many training masks have k at (y, x)
 *
 * Places are those of the first mask; in pictures of another size each has the class of the nearest place. */
#include "floors/floors.h"

#include <string.h>

typedef struct usual_place {
	eg_floor base;
	int H, W;
	eg_real *count; /* [class][y][x] */
} usual_place;

static eg_status add(usual_place *m, const eg_datum_mask *mask, eg_error *err) {
	const eg_intake *target = eg_task_target(m->base.task);
	int K = eg_floor_classes(&m->base);
	if (!m->count) {
		m->H = mask->H, m->W = mask->W;
		m->count = eg_calloc(NULL, (size_t)K * (size_t)m->H * (size_t)m->W, sizeof *m->count);
		if (!m->count) return eg_floor_no_memory(&m->base, err);
	}
	for (int y = 0; y < m->H; y++)
		for (int x = 0; x < m->W; x++) {
			int row = (int)((2 * (int64_t)y + 1) * mask->H / (2 * m->H)),
			    column = (int)((2 * (int64_t)x + 1) * mask->W / (2 * m->W));
			int k = mask->classes[(ptrdiff_t)row * mask->W + column];
			k = k == EG_VOID ? -1 : eg_intake_label(target, k);
			if (k >= 0 && k < K) m->count[((ptrdiff_t)k * m->H + y) * m->W + x]++;
		}
	return EG_OK;
}

static eg_status train(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	usual_place *m = (usual_place *)f;
	int field = eg_task_target(f->task)->field;
	eg_floor_batch b = {.part = p};
	eg_status status = eg_floor_next(&b, 16, err);
	while (!status && b.n > 0) {
		for (int i = 0; i < b.n && !status; i++) {
			const eg_datum *d = &eg_samples_record(p->samples, &b.fill, i)->fields[field];
			if (d->there) status = add(m, &d->mask, err);
		}
		if (!status) status = eg_floor_tell(f, (double)(b.first + b.n) / (double)p->count, err);
		if (!status) status = eg_floor_next(&b, 16, err);
	}
	eg_floor_batch_free(&b);
	if (!status && !m->count) status = eg_fail(err, EG_ERR_ARG, "no training picture has a mask");
	return status;
}

static eg_status say(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	const usual_place *m = (const usual_place *)f;
	EG_UNUSED(b), EG_UNUSED(from), EG_UNUSED(steps), EG_UNUSED(err);
	*said = (eg_said){m->count, {4, {1, eg_floor_classes(f), m->H, m->W}}, false};
	return EG_OK;
}

static void free_floor(eg_floor *f) { eg_release(NULL, ((usual_place *)f)->count); }

const eg_floor_type eg_floor_type_usual_place = {
	.info = {.name = "usual-place",
		.task = "segment",
		.doc = "each pixel has the class that training pictures have there most often",
		.source = "none; the mode of each pixel",
		.version = 1},
	.size = sizeof(usual_place),
	.batch = 1,
	.train = train,
	.say = say,
	.free = free_floor,
};
