/* sound_front.c - how a network's input is made of sound, as numbers that others compute with (eg_sound_front), and the
 * same as the model does it. */
#include "tasks/intake_sound.h"

#include <string.h>

typedef struct own_front {
	eg_sound_front front; /* first: who asks has its address */
	const eg_sound_intake *of;
} own_front;

const eg_sound_front *eg_intake_sound_front(eg_intake *f, eg_error *err) {
	const eg_sound_intake *p = (const eg_sound_intake *)f;
	const eg_sound_options *o = &p->o;
	own_front *own = eg_arena_alloc(&f->arena, sizeof *own);
	const bool raw = o->kind == EG_SOUND_RAW;
	const size_t bins = (size_t)o->fft / 2 + 1, bands = (size_t)o->bands;
	float *mel = raw ? NULL : eg_arena_alloc(&f->arena, bins * bands * sizeof *mel);
	float *cosines = o->kind == EG_SOUND_MFCC ? eg_arena_alloc(&f->arena, bands * (size_t)o->coefficients * sizeof *cosines) : NULL;
	if (!own || (!raw && !mel) || (o->kind == EG_SOUND_MFCC && !cosines)) return eg_record_no_memory(err), NULL;
	own->of = p;
	eg_sound_front *to = &own->front;
	*to = (eg_sound_front){.input = f->input, .rate = o->rate, .silence = eg_sound_silence(p), .window = o->window, .hop = o->hop, .fft = o->fft,
		.bands = o->bands, .coefficients = o->coefficients, .deltas = o->deltas, .reach = EG_DELTA_REACH, .width = eg_sound_features_width(o),
		.mel = mel, .cosines = cosines, .alone = p->keys.scale == EG_SCALE_RECORD};
	if (!raw) to->hann = eg_sound_features_window(p->features, &to->quietest);
	if (!raw) eg_sound_features_tables(p->features, mel, cosines);
	if (p->keys.scale == EG_SCALE_SET) to->mean = p->mean, to->std = p->std;
	return to;
}

int64_t eg_sound_front_steps(const eg_sound_front *f, int64_t n) {
	return n > 0 ? eg_sound_features_steps(&((const own_front *)f)->of->o, n + f->silence) : 0;
}

eg_status eg_sound_front_of(const eg_sound_front *f, const float *x, int64_t n, float *out, eg_error *err) {
	const eg_datum d = {.there = true, .sound = {.at = x, .n = n, .rate = f->rate, .channels = 1}};
	eg_record r = {0};
	float *at = NULL;
	int64_t steps = 0;
	eg_status status = eg_sound_steps_of(((const own_front *)f)->of, &d, &r, false, &at, &steps, err);
	if (!status) memcpy(out, at, (size_t)steps * (size_t)f->width * sizeof *out);
	eg_record_free(&r);
	return status;
}
