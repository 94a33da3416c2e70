/* intake_spoken.c - what a network that speaks is to say, and what it has said: the frames of a recording, `frames` of
 * them at a step. Three things are made of one recording:
 *
 *   a target as wide as `frames` frames   the frames themselves; behind the last one it is quiet
 *   a target of one number                1 at the last step and behind it, else 0: when to stop
 *   the input `previous`                  the last frame of the step before, or all of them; before the first nothing
 *
 * Frames are log-mel, scaled to mean 0 and deviation 1 over the training records. */
#include "tasks/intake_spoken.h"

#include <math.h>
#include <string.h>

typedef struct spoken_intake {
	eg_sound_intake sound;
	int frames;
} spoken_intake;

static const eg_key keys[] = {
	EG_SOUND_KEY(spoken_intake, sound.keys),
	{.name = "frames",
		.type = EG_KEY_INT,
		.offset = offsetof(spoken_intake, frames),
		.min = 1,
		.max = 64,
		.def = NAN,
		.doc = "speak: frames of sound, each `sound.hop` long, that the network tells at a step (default: 4); with several, attention "
		       "is learnt sooner"},
};

int eg_intake_spoken_frames(const eg_intake *f) {
	const int frames = ((const spoken_intake *)f)->frames;
	return frames ? frames : 4;
}

const eg_sound_intake *eg_intake_spoken_sound(const eg_intake *f) { return &((const spoken_intake *)f)->sound; }

void eg_intake_spoken_plain(const eg_intake *f, const eg_real *scaled, float *frame) {
	const eg_sound_intake *p = eg_intake_spoken_sound(f);
	for (int k = 0; k < p->o.bands; k++) frame[k] = (float)scaled[k] * p->std[k] + p->mean[k];
}

static eg_status refuse(eg_recipe *r, const char *path, const char *why, eg_error *err) {
	eg_fail(err, EG_ERR_ARG, "%s", why);
	eg_recipe_locate(r, path, err);
	return EG_ERR_ARG;
}

static eg_status open_intake(eg_intake *f, eg_recipe *r, eg_error *err) {
	const eg_sound_keys *k = &((const spoken_intake *)f)->sound.keys;
	if (k->features != EG_SOUND_LOG_MEL)
		return refuse(r, "data.sound.features", "a network that speaks tells log-mel frames: sound can be made of these (features: log_mel)", err);
	if (k->deltas) return refuse(r, "data.sound.deltas", "a network that speaks tells frames, not their slopes: leave 'deltas' out", err);
	if (k->scale) return refuse(r, "data.sound.scale", "what is spoken is scaled over the whole training part: leave 'scale' out", err);
	return EG_OK;
}

static eg_status steps_of(const eg_intake *f, const eg_datum *d, const eg_record *r, int *frames, int *steps, eg_error *err) {
	const int each = eg_intake_spoken_frames(f);
	eg_status status = eg_sound_count(eg_intake_spoken_sound(f), d, r, frames, err);
	*steps = status ? 0 : (int)(((int64_t)*frames + each - 1) / each);
	return status;
}

/* The frames of a recording, which stay in its record: `previous` and the target are made of the same. */
static eg_status frames_of(const eg_intake *f, const eg_intake_fill *a, int i, const float **at, int *n, eg_error *err) {
	eg_record *r = eg_fill_record(a, i);
	eg_datum *own = &r->fields[f->field];
	float *made = NULL;
	int64_t steps;
	int count;
	eg_status status = steps_of(f, a->data[i], r, n, &count, err);
	*at = own == a->data[i] ? own->heard : NULL;
	if (status || *at) return status;
	status = eg_sound_steps_of(eg_intake_spoken_sound(f), a->data[i], r, false, &made, &steps, err);
	*at = made;
	if (own == a->data[i]) own->heard = made;
	return status;
}

/* ---- targets ----------------------------------------------------------------------------------------------------- */

static int width_of(const eg_dims *d) { return d->rank == 3 ? (int)d->d[2] : d->rank == 2 ? 1 : 0; }

static eg_status fill_stops(const eg_intake *f, const eg_intake_fill *a, eg_error *err) {
	eg_real *out = a->slot;
	for (int i = 0; i < a->n; i++) {
		int frames, steps;
		eg_status status = steps_of(f, a->data[i], eg_fill_record(a, i), &frames, &steps, err);
		if (status) return status;
		for (int t = 0; t < (int)a->dims.d[0]; t++) out[(ptrdiff_t)t * a->n + i] = t >= steps - 1;
	}
	return EG_OK;
}

/* A frame in which there is nothing, as the network counts. */
static eg_real quiet(const eg_sound_intake *p, int band) {
	const double least = (p->o.quietest < 0 ? p->o.quietest : -100) * log(10) / 10;
	return (eg_real)((least - (double)p->mean[band]) / (double)p->std[band]);
}

static eg_status fill_target(const eg_intake *f, const eg_intake_fill *a, eg_error *err) {
	const eg_sound_intake *p = eg_intake_spoken_sound(f);
	const int each = eg_intake_spoken_frames(f), bands = p->o.bands, width = width_of(&a->dims);
	if (width == 1) return fill_stops(f, a, err);
	if (width != each * bands)
		return eg_fail(err, EG_ERR_SHAPE, "the network tells %d numbers a step, but %d frames of %d bands have %d: let the layer that is "
			"judged be `linear: %d`", width, each, bands, each * bands, each * bands);
	for (int i = 0; i < a->n; i++) {
		const float *at;
		int n;
		eg_status status = frames_of(f, a, i, &at, &n, err);
		if (status) return status;
		for (int t = 0; t < (int)a->dims.d[0]; t++) {
			eg_real *out = (eg_real *)a->slot + ((ptrdiff_t)t * a->n + i) * width;
			for (int j = 0; j < each; j++, out += bands)
				for (int k = 0, frame = t * each + j; k < bands; k++)
					out[k] = t * each >= n ? 0 : frame < n ? (eg_real)at[(ptrdiff_t)frame * bands + k] : quiet(p, k);
		}
	}
	return EG_OK;
}

const eg_intake_type eg_intake_spoken_type = {.kind = EG_FIELD_SOUND,
	.size = sizeof(spoken_intake),
	.keys = {keys, EG_COUNT(keys)},
	.open = open_intake,
	.close = eg_sound_close,
	.is_known = eg_sound_known,
	.begin = eg_sound_begin,
	.look = eg_sound_look,
	.looked = eg_sound_looked,
	.fill = fill_target,
	.save = eg_sound_save,
	.restore = eg_sound_restore,
	.meet = eg_sound_meet};

/* ---- what has been said ------------------------------------------------------------------------------------------ */

static eg_status fits(const eg_intake *f, const eg_dims *d, eg_error *err) {
	if (d->rank == 2 && d->d[0] == EG_T && d->d[1] > 0) return EG_OK;
	return eg_fail(err, EG_ERR_SHAPE, "what has been said comes in steps of bands: write %s: [time, BANDS], such as [time, 64]", f->input);
}

static bool follows_known(const eg_intake *f) { return eg_sound_known(f->follows); }

static eg_status extent(const eg_intake *f, const eg_datum *d, const eg_record *r, int axis, int *size, eg_error *err) {
	int frames;
	EG_UNUSED(axis);
	return steps_of(f->follows, d, r, &frames, size, err);
}

eg_status eg_intake_said_width(const eg_intake *f, eg_error *err) {
	const int each = eg_intake_spoken_frames(f->follows), bands = eg_intake_spoken_sound(f->follows)->o.bands;
	const int width = (int)f->sample.d[1];
	if (width == bands || width == each * bands) return EG_OK;
	return eg_fail(err, EG_ERR_SHAPE, "what has been said is the last frame of the step before or all of them: write %s: [time, %d], or [time, %d]",
		f->input, bands, each * bands);
}

static eg_status fill_said(const eg_intake *f, const eg_intake_fill *a, eg_error *err) {
	const int each = eg_intake_spoken_frames(f->follows), bands = eg_intake_spoken_sound(f->follows)->o.bands;
	const int width = (int)a->dims.d[2], before = width / bands;
	eg_status status = eg_intake_said_width(f, err);
	for (int i = 0; i < a->n && !status; i++) {
		const float *at;
		int n;
		status = frames_of(f->follows, a, i, &at, &n, err);
		for (int t = 0; t < (int)a->dims.d[0] && !status; t++) {
			eg_real *out = (eg_real *)a->slot + ((ptrdiff_t)t * a->n + i) * width;
			const int from = t * each - before;
			for (int k = 0; k < width; k++) out[k] = t > 0 && from + before <= n ? (eg_real)at[(ptrdiff_t)from * bands + k] : 0;
		}
	}
	return status;
}

const eg_intake_type eg_intake_said_type = {.kind = EG_FIELD_SOUND,
	.size = sizeof(eg_intake),
	.fits = fits,
	.is_known = follows_known,
	.extent = extent,
	.fill = fill_said};
