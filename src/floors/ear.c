/* ear.c - the floor `mfcc-svm` asked about single sounds (tasks/hearer.h). */
#include "tasks/hearer.h"
#include "tasks/intake_sound.h"

#include "floors/floors.h"

struct eg_ear {
	eg_task *task;
	eg_samples *samples;
	eg_floor *floor;
	eg_record room; /* of the features of the sound at hand */
	eg_real *steps; /* as the network is given them */
	size_t size;    /* that they may have, in bytes */
};

void eg_ear_free(eg_ear *e) {
	if (!e) return;
	eg_floor_close(e->floor);
	eg_samples_free(e->samples);
	eg_task_free(e->task);
	eg_record_free(&e->room);
	eg_release(NULL, e->steps);
	eg_release(NULL, e);
}

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a floor that listens"); }

eg_status eg_ear_new(eg_model *m, eg_ear **ear, eg_error *err) {
	eg_graph *g = eg_model_graph(m);
	eg_ear *e = eg_calloc(NULL, 1, sizeof *e);
	*ear = NULL;
	if (!e) return no_memory(err);
	eg_status status = eg_task_open(eg_model_recipe(m), &e->task, err);
	if (!status) status = eg_samples_load(e->task, &(eg_samples_options){.part = EG_PART_TRAIN, .model = m}, &e->samples, err);
	if (!status) status = eg_task_suits(e->task, g, err);
	if (!status) status = eg_floor_fit("mfcc-svm", e->samples, g, &e->floor, err);
	if (status) {
		eg_ear_free(e);
		return eg_fail_prefix(err, "the floor beside the model that listens"), status;
	}
	*ear = e;
	return EG_OK;
}

eg_status eg_ear_hear(eg_ear *e, const eg_datum_sound *s, const char **class, eg_error *err) {
	const eg_intake *in = e->task->intakes[0];
	const eg_datum d = {.there = true, .sound = *s}, *data = &d;
	const int width = eg_sound_features_width(eg_intake_sound_options(in)), K = eg_floor_classes(e->floor);
	int steps = 0;
	eg_said said = {0};
	eg_record_reset(&e->room);
	eg_status status = in->type->extent(in, data, &e->room, 0, &steps, err);
	if (status) return status;
	const size_t size = ((size_t)steps + 1) * (size_t)width * sizeof *e->steps;
	if (size > e->size) {
		eg_release(NULL, e->steps);
		e->steps = eg_alloc(NULL, size);
		e->size = e->steps ? size : 0;
		if (!e->steps) return no_memory(err);
	}
	const eg_intake_fill fill = {.data = &data, .records = &e->room, .n = 1, .time = steps, .dims = {3, {steps, 1, width}}, .slot = e->steps};
	status = in->type->fill(in, &fill, err);
	const eg_floor_batch b = {.n = 1, .time = steps, .slots = {e->steps}};
	if (!status) status = e->floor->type->say(e->floor, &b, 0, steps, &said, err);
	if (!status) *class = eg_intake_names(eg_task_target(e->task))->at[eg_argmax(said.at, K)];
	return status;
}
