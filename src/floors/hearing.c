/* hearing.c - the floor `mfcc-svm` asked about single sounds (tasks/hearer.h). */
#include "tasks/hearer.h"
#include "tasks/intake_sound.h"

#include "floors/floors.h"

struct eg_hearing {
	eg_task *task;
	eg_samples *samples;
	eg_floor *floor;
	eg_record room; /* of the features of the sound at hand */
	eg_real *steps; /* as the network is given them */
	size_t size;    /* that they may have, in bytes */
};

void eg_hearing_free(eg_hearing *h) {
	if (!h) return;
	eg_floor_close(h->floor);
	eg_samples_free(h->samples);
	eg_task_free(h->task);
	eg_record_free(&h->room);
	eg_release(NULL, h->steps);
	eg_release(NULL, h);
}

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a floor that listens"); }

eg_status eg_hearing_new(eg_model *m, eg_hearing **hearing, eg_error *err) {
	eg_graph *g = eg_model_graph(m);
	eg_hearing *h = eg_calloc(NULL, 1, sizeof *h);
	*hearing = NULL;
	if (!h) return no_memory(err);
	eg_status status = eg_task_open(eg_model_recipe(m), &h->task, err);
	if (!status) status = eg_samples_load(h->task, &(eg_samples_options){.part = EG_PART_TRAIN, .model = m}, &h->samples, err);
	if (!status) status = eg_task_suits(h->task, g, err);
	if (!status) status = eg_floor_fit("mfcc-svm", h->samples, g, &h->floor, err);
	if (status) {
		eg_hearing_free(h);
		return eg_fail_prefix(err, "the floor beside the model that listens"), status;
	}
	*hearing = h;
	return EG_OK;
}

eg_status eg_hearing_hear(eg_hearing *h, const eg_datum_sound *s, const char **class, eg_error *err) {
	const eg_intake *in = h->task->intakes[0];
	const eg_datum d = {.there = true, .sound = *s}, *data = &d;
	const int width = eg_sound_features_width(eg_intake_sound_options(in)), K = eg_floor_classes(h->floor);
	int steps = 0;
	eg_said said = {0};
	eg_record_reset(&h->room);
	eg_status status = in->type->extent(in, data, &h->room, 0, &steps, err);
	if (status) return status;
	const size_t size = ((size_t)steps + 1) * (size_t)width * sizeof *h->steps;
	if (size > h->size) {
		eg_release(NULL, h->steps);
		h->steps = eg_alloc(NULL, size);
		h->size = h->steps ? size : 0;
		if (!h->steps) return no_memory(err);
	}
	const eg_intake_fill fill = {.data = &data, .records = &h->room, .n = 1, .time = steps, .dims = {3, {steps, 1, width}}, .slot = h->steps};
	status = in->type->fill(in, &fill, err);
	const eg_floor_batch b = {.n = 1, .time = steps, .slots = {h->steps}};
	if (!status) status = h->floor->type->say(h->floor, &b, 0, steps, &said, err);
	if (!status) *class = eg_intake_names(eg_task_target(h->task))->at[eg_argmax(said.at, K)];
	return status;
}
