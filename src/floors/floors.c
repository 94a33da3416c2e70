/* floors.c - the table of floors, and the helpers that their files share. */
#include "floors/floors.h"

#include <string.h>

#define EG_FLOOR(name) extern const eg_floor_type eg_floor_type_##name;
#include "floors/floors.def"
#undef EG_FLOOR

static const eg_floor_type *const types[] = {
#define EG_FLOOR(name) &eg_floor_type_##name,
#include "floors/floors.def"
#undef EG_FLOOR
};

int eg_floor_count(void) { return EG_COUNT(types); }
const eg_floor_type *eg_floor_type_at(int i) { return i >= 0 && i < EG_COUNT(types) ? types[i] : NULL; }
const eg_floor_info *eg_floor_at(int i) { return i >= 0 && i < EG_COUNT(types) ? &types[i]->info : NULL; }

eg_status(eg_floor_no_memory)(const eg_floor *f, eg_error *err) {
	return eg_fail(err, EG_ERR_MEMORY, "out of memory for the floor '%s'", f->type->info.name);
}

eg_real *eg_floor_room(eg_floor *f, size_t n) {
	if (n <= f->out_room) return f->out;
	eg_release(NULL, f->out);
	f->out = eg_calloc(NULL, n, sizeof *f->out);
	f->out_room = f->out ? n : 0;
	return f->out;
}

int eg_floor_classes(const eg_floor *f) {
	const eg_intake *target = eg_task_target(f->task), *of = target ? target : f->task->intakes[0];
	return of->type->count ? of->type->count(of) : 0;
}

bool eg_floor_takes(const eg_floor *f, eg_field_kind input) {
	return f->task->ninputs == 1 && f->task->intakes[0]->type->kind == input;
}

eg_status eg_floor_tell(eg_floor *f, double share, eg_error *err) {
	if (!f->progress || f->progress(f->user, f->done + f->weight * share)) return EG_OK;
	return eg_fail(err, EG_ERR_STOPPED, "stopped");
}
