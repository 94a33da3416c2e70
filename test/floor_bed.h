/* floor_bed.h - what tests of floors share: one floor, trained on the samples of a recipe. Whatever fails here
 * fails the test. */
#ifndef ENGRAM_TEST_FLOOR_BED_H
#define ENGRAM_TEST_FLOOR_BED_H

#include "floors/floors.h"
#include "support_tasks.h"

#include <math.h>
#include <stdlib.h>

/* A floor, with everything that it stands on. */
typedef struct stand {
	bench *b;
	eg_recipe *recipe;
	drawn d;
	eg_graph *graph;
	eg_floor *floor;
	eg_floor_part train;
} stand;

/* The floor called `name`; settings NULL: the first of each that are tried. */
static inline stand stand_up(bench *b, eg_recipe *r, const char *name, const double *settings) {
	stand s = {.b = b, .recipe = r, .d = draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN})};
	const eg_floor_type *type = NULL;
	for (int i = 0; eg_floor_type_at(i); i++)
		if (!strcmp(eg_floor_type_at(i)->info.name, name) &&
			!strcmp(eg_floor_type_at(i)->info.task, s.d.task->type->info.name))
			type = eg_floor_type_at(i);
	if (!type) fail_msg("no floor '%s'", name);
	OK(b, eg_recipe_build(r, b->ctx, eg_samples_sizes(s.d.samples), &s.graph, &b->err));
	OK(b, eg_task_suits(s.d.task, s.graph, &b->err));
	s.floor = calloc(1, type->size ? type->size : sizeof *s.floor);
	s.floor->type = type, s.floor->task = s.d.task, s.floor->graph = s.graph, s.floor->ctx = b->ctx;
	for (int k = 0; k < EG_FLOOR_SETTINGS; k++) s.floor->settings[k] = settings ? settings[k] : type->settings[k].tried[0];
	s.train = (eg_floor_part){.samples = s.d.samples,
	        .data = eg_samples_get(s.d.samples, EG_PART_TRAIN),
	        .graph = s.graph,
	        .count = eg_samples_count(s.d.samples, EG_PART_TRAIN)};
	assert_true(!type->serves || type->serves(s.floor));
	OK(b, type->train(s.floor, &s.train, &b->err));
	return s;
}

/* What it says of the first samples; the batch is to be freed. */
static inline eg_said stand_say(stand *s, eg_floor_batch *batch) {
	eg_said said = {0};
	*batch = (eg_floor_batch){.part = &s->train};
	OK(s->b, eg_floor_next(batch, EG_FLOOR_BATCH, &s->b->err));
	OK(s->b, s->floor->type->say(s->floor, batch, 0, batch->time > 0 ? batch->time : 1, &said, &s->b->err));
	return said;
}

static inline void stand_down(stand *s) {
	if (s->floor->type->free) s->floor->type->free(s->floor);
	eg_release(NULL, s->floor->out);
	free(s->floor);
	eg_graph_free(s->graph);
	undraw(&s->d);
	eg_recipe_free(s->recipe);
}

/* The cache goes to the test's own folder. */
static inline int floors_setup(void **state) {
	if (bench_setup(state)) return -1;
	setenv("XDG_CACHE_HOME", bench_path(*state, "cache"), 1);
	return 0;
}

static inline const eg_floor_result *floor_called(const eg_floors *f, const char *name) {
	for (int i = 0; i < eg_floors_count(f); i++)
		if (!strcmp(eg_floors_at(f, i)->info->name, name)) return eg_floors_at(f, i);
	fail_msg("no floor '%s' among %d", name, eg_floors_count(f));
	return NULL;
}

#endif
