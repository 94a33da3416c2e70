/* next_frames.c - the floors `blank-frame` and `last-frame` of the task reconstruct, for films that go on: that
 * everything is black from now on, and that nothing moves any more. Of digits that move on black, the blank frame is
 * the better one: who says that a digit is where it is no more, is wrong twice. */
#include "floors/floors.h"

static bool goes_on(const eg_floor *f) {
	return eg_floor_takes(f, EG_FIELD_FRAMES) && eg_task_target(f->task)->field != f->task->intakes[0]->field;
}

static eg_status train(eg_floor *f, const eg_floor_part *p, eg_error *err) {
	EG_UNUSED(p); /* there is nothing to be learnt */
	return eg_floor_tell(f, 1, err);
}

/* Room for all frames of the batch, which holds one film, as they are to be said. */
static eg_status make_room(eg_floor *f, const eg_floor_batch *b, eg_said *said, int shape[3], eg_error *err) {
	const eg_dims d = eg_tensor_dims(f->graph, eg_graph_find(f->graph, "logits"));
	const int n = b->time;
	for (int k = 0; k < 3; k++) shape[k] = (int)d.d[2 + k];
	*said = (eg_said){NULL, {5, {n, 1, d.d[2], d.d[3], d.d[4]}}, true};
	said->at = eg_floor_room(f, (size_t)n * (size_t)(d.d[2] * d.d[3] * d.d[4]));
	return said->at ? EG_OK : eg_floor_no_memory(f, err);
}

static eg_status say_blank(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	int shape[3];
	EG_UNUSED(from), EG_UNUSED(steps);
	eg_status status = make_room(f, b, said, shape, err);
	for (int64_t i = 0; i < (int64_t)b->time * shape[0] * shape[1] * shape[2] && !status; i++) f->out[i] = 0;
	return status;
}

static eg_status say_last(eg_floor *f, const eg_floor_batch *b, int from, int steps, eg_said *said, eg_error *err) {
	eg_record *r = (eg_record *)eg_samples_record(b->part->samples, &b->fill, 0);
	const eg_datum *d = &r->fields[f->task->intakes[0]->field];
	const uint8_t *pixels;
	int shape[3];
	EG_UNUSED(from), EG_UNUSED(steps);
	eg_status status = make_room(f, b, said, shape, err);
	const int64_t each = status ? 0 : (int64_t)shape[0] * shape[1] * shape[2];
	uint8_t *room = eg_record_room(r, (size_t)each + 1);
	if (!status && !room) status = eg_record_no_memory(err);
	if (!status) status = eg_intake_frame(&d->frames, d->frames.n - 1, shape[0], shape[1], shape[2], room, &pixels, err);
	for (int64_t i = 0; i < each * b->time && !status; i++) f->out[i] = (eg_real)(pixels[i % each] / 255.0);
	return status;
}

#define TYPE(name_, doc_, say_) \
	{ \
		.info = {.name = name_, .task = "reconstruct", .doc = doc_, .source = "none", .version = 1}, .batch = 1, .serves = goes_on, \
		.train = train, .say = say_ \
	}
const eg_floor_type eg_floor_type_blank_frame = TYPE("blank-frame", "of films: everything is black from now on", say_blank);
const eg_floor_type eg_floor_type_last_frame = TYPE("last-frame", "of films: nothing moves any more", say_last);
