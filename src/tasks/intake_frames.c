/* intake_frames.c - films as an input: a picture a step, (time,N,C,H,W), brought to the input's size and normalised
 * like pictures, (byte / 255 - mean) / std, with one mean and deviation for all. As a target the pixels are 0..1.
 *
 * Not here: reading films (src/data/film.c). */
#include "tasks/intake.h"

#include "data/film.h"

#include <math.h>
#include <string.h>

#define MEMORY ((size_t)512 << 20) /* the frames of a question, at most */

typedef struct frames_intake {
	eg_intake base;
	bool known;
	int last; /* so many frames of a film are read, the last ones; 0: all */
	float mean, std;
	double sum, squares, n; /* of the training films, while they are looked at */
} frames_intake;

static bool is_known(const eg_intake *f) { return f->target || ((const frames_intake *)f)->known; }

static eg_status fits(const eg_intake *f, const eg_dims *d, eg_error *err) {
	EG_UNUSED(f);
	if (d->rank == 4 && d->d[0] < 0 && d->d[1] > 0 && d->d[2] > 0 && d->d[3] > 0) return EG_OK;
	return eg_fail(err, EG_ERR_SHAPE, "a film is a picture a step: write input: [time, CHANNELS, HEIGHT, WIDTH], such as [time, 1, 64, 64]");
}

static eg_status meet(eg_intake *f, const eg_field *field, eg_error *err) {
	const eg_dims *d = &f->sample;
	if (f->target || field->C == 0 || (d->d[1] == field->C && d->d[2] == field->H && d->d[3] == field->W)) return EG_OK;
	return eg_fail(err, EG_ERR_SHAPE, "its films are %d x %d x %d; write input: [time, %d, %d, %d]", field->C, field->H, field->W, field->C,
		field->H, field->W);
}

/* ---- what is known of the training films ------------------------------------------------------------------------- */

static eg_status begin(eg_intake *f, const eg_field *field, eg_error *err) {
	frames_intake *x = (frames_intake *)f;
	x->sum = x->squares = x->n = 0;
	return meet(f, field, err);
}

enum { LOOK_EVERY = 7 }; /* pixels: enough of a film that is seen by the thousand */
static eg_status look(eg_intake *f, const eg_datum *d, const eg_record *r, eg_error *err) {
	frames_intake *x = (frames_intake *)f;
	const size_t n = (size_t)d->frames.n * (size_t)d->frames.C * (size_t)d->frames.H * (size_t)d->frames.W;
	EG_UNUSED(r), EG_UNUSED(err);
	for (size_t i = 0; i < n; i += LOOK_EVERY) {
		const double v = d->frames.pixels[i] / 255.0;
		x->sum += v, x->squares += v * v, x->n++;
	}
	return EG_OK;
}

static eg_status looked(eg_intake *f, eg_error *err) {
	frames_intake *x = (frames_intake *)f;
	if (!(x->n > 0)) return eg_fail(err, EG_ERR_ARG, "there are no films to train on");
	const double mean = x->sum / x->n, variance = x->squares / x->n - mean * mean;
	x->mean = (float)mean;
	x->std = variance > 1e-10 ? (float)sqrt(variance) : 1;
	x->known = true;
	return EG_OK;
}

/* ---- batches ----------------------------------------------------------------------------------------------------- */

void eg_intake_frames_last(eg_intake *f, int n) { ((frames_intake *)f)->last = n; }

/* The first frame that is read. */
static int first_of(const eg_intake *f, const eg_datum *d) {
	const int last = ((const frames_intake *)f)->last;
	return last > 0 && d->frames.n > last ? d->frames.n - last : 0;
}

static eg_status extent(const eg_intake *f, const eg_datum *d, const eg_record *r, int axis, int *size, eg_error *err) {
	EG_UNUSED(r), EG_UNUSED(axis), EG_UNUSED(err);
	*size = d->frames.n - first_of(f, d) + f->delay;
	return EG_OK;
}

eg_status eg_intake_frame(
	const eg_datum_frames *d, int t, int C, int H, int W, uint8_t *room, const uint8_t **out, eg_error *err) {
	const uint8_t *pixels = d->pixels + (size_t)t * (size_t)d->C * (size_t)d->H * (size_t)d->W;
	*out = pixels;
	if (d->C == C && d->H == H && d->W == W) return EG_OK;
	*out = room;
	return eg_picture_bytes(&(eg_picture){.C = d->C, .H = d->H, .W = d->W, .pixels = (uint8_t *)pixels}, C, H, W, room, err);
}

static eg_status fill(const eg_intake *f, const eg_intake_fill *a, eg_error *err) {
	const frames_intake *x = (const frames_intake *)f;
	const int time = (int)a->dims.d[0], C = (int)a->dims.d[2], H = (int)a->dims.d[3], W = (int)a->dims.d[4];
	const size_t each = (size_t)C * (size_t)H * (size_t)W;
	const eg_real mul = f->target ? (eg_real)(1 / 255.0) : (eg_real)(1 / (255.0 * (double)x->std));
	const eg_real add = f->target ? 0 : (eg_real)(-(double)x->mean / (double)x->std);
	for (int i = 0; i < a->n; i++) {
		const eg_datum *d = a->data[i];
		uint8_t *room = eg_record_room(eg_fill_record(a, i), each);
		if (!room) return eg_record_no_memory(err);
		const int first = first_of(f, d);
		for (int t = 0; t < time; t++) {
			eg_real *out = (eg_real *)a->slot + ((size_t)t * (size_t)a->n + (size_t)i) * each;
			const uint8_t *in = NULL;
			if (d->there && d->frames.n > 0 && first + t < d->frames.n + f->delay) {
				const int k = first + t < d->frames.n ? first + t : d->frames.n - 1;
				eg_status status = eg_intake_frame(&d->frames, k, C, H, W, room, &in, err);
				if (status) return status;
			}
			for (size_t k = 0; k < each; k++) out[k] = in ? (eg_real)in[k] * mul + add : 0;
		}
	}
	return EG_OK;
}

/* ---- questions --------------------------------------------------------------------------------------------------- */

static eg_status take(eg_film_frames *film, eg_record *r, eg_datum *d, eg_error *err) {
	const size_t n = (size_t)film->n * (size_t)film->C * (size_t)film->H * (size_t)film->W;
	uint8_t *own = eg_record_room(r, n + 1);
	if (own) memcpy(own, film->pixels, n);
	*d = (eg_datum){.there = true,
		.frames = {film->n, film->C, film->H, film->W, film->rate ? (double)film->rate / film->per : 0, own}};
	eg_film_frames_free(film);
	return own ? EG_OK : eg_record_no_memory(err);
}

static eg_status decode_path(const eg_intake *f, const char *path, eg_record *r, eg_datum *d, eg_error *err) {
	eg_film_frames film = {0};
	bool more = false;
	EG_UNUSED(f);
	eg_status status = eg_film_load(path, NULL, 0, MEMORY, &film, &more, err);
	if (status) return status;
	if (more) {
		eg_film_frames_free(&film);
		return eg_fail(err, EG_ERR_FORMAT, "'%s' is longer than %d MiB of frames: cut it into pieces", path, (int)(MEMORY >> 20));
	}
	if (film.n == 0) return eg_fail(err, EG_ERR_FORMAT, "'%s' has no frame", path);
	return take(&film, r, d, err);
}

/* The path of a film. */
static eg_status decode_json(const eg_intake *f, const eg_value *v, const char *name, eg_record *r, eg_datum *d, int *remark, eg_error *err) {
	EG_UNUSED(remark);
	if (eg_value_text(v)) return decode_path(f, eg_value_text(v), r, d, err);
	return eg_fail(err, EG_ERR_FORMAT, "%s: '%s' must be the path of a film", name, f->name);
}

/* ---- in a model's file ------------------------------------------------------------------------------------------- */

static void save(const eg_intake *f, eg_value *map) {
	const frames_intake *x = (const frames_intake *)f;
	if (f->target) return;
	eg_value_put_number(map, "mean", (double)x->mean);
	eg_value_put_number(map, "std", (double)x->std);
}

static eg_status restore(eg_intake *f, const eg_value *map, eg_error *err) {
	frames_intake *x = (frames_intake *)f;
	if (f->target) return EG_OK;
	const double mean = eg_value_number(eg_value_get(map, "mean"), (double)NAN), std = eg_value_number(eg_value_get(map, "std"), (double)NAN);
	if (!(fabs(mean) <= 1e9 && std >= 1e-30 && std <= 1e9)) return eg_fail(err, EG_ERR_FORMAT, "damaged: 'mean' and 'std' of films");
	x->mean = (float)mean, x->std = (float)std;
	x->known = true;
	return EG_OK;
}

const eg_intake_type eg_intake_frames_type = {.kind = EG_FIELD_FRAMES,
	.size = sizeof(frames_intake),
	.fits = fits,
	.is_known = is_known,
	.begin = begin,
	.look = look,
	.looked = looked,
	.extent = extent,
	.fill = fill,
	.decode_path = decode_path,
	.decode_json = decode_json,
	.save = save,
	.restore = restore,
	.meet = meet};
