/* intake_sound.c - sound as an input: recordings become steps of features, as `sound` of the recipe's section data
 * says, and features are brought to mean 0 and deviation 1. The model file keeps what is needed to do the same with
 * any recording: it takes sound, not numbers that were made of it elsewhere.
 *
 * One way for all: the recording's channels are mixed, it is brought to the model's rate, and features are computed.
 * Not here: the features themselves (src/data/features.c). */
#include "tasks/intake_sound.h"

#include <math.h>
#include <string.h>

enum { CHANNELS_MIX, CHANNELS_ONE };
#define SILENCE 2e-4F /* from the lowest to the highest sample: a few steps of 16 bits */
typedef eg_sound_keys sound_keys;
typedef eg_sound_intake sound_intake;

static const char *const feature_names[] = {"log_mel", "mfcc", "raw", NULL};
static const char *const channel_names[] = {"mix", "one", NULL};
static const char *const scale_names[] = {"set", "record", "no", NULL};

#define AT(f) .offset = offsetof(sound_keys, f)
static const eg_key map_keys[] = {
	{.name = "features", .type = EG_KEY_ENUM, AT(features), .names = feature_names, .def = 0,
		.doc = "what a step is: log_mel (the default: the logarithm of the energy in bands), mfcc (their cosine transform), or "
		       "raw (the samples of the window)"},
	{.name = "rate", .type = EG_KEY_DOUBLE, AT(rate), .min = 100, .max = 1e6, .def = NAN,
		.doc = "samples a second that the network hears; recordings at others are brought to it (default: the source's)"},
	{.name = "window", .type = EG_KEY_DOUBLE, AT(window), .min = EG_ABOVE_0, .max = 10, .def = 0.025,
		.doc = "seconds of sound in a step (default: 0.025)"},
	{.name = "hop", .type = EG_KEY_DOUBLE, AT(hop), .min = EG_ABOVE_0, .max = 10, .def = 0.01,
		.doc = "seconds from one step to the next (default: 0.01)"},
	{.name = "fft", .type = EG_KEY_INT, AT(fft), .min = 2, .max = 1 << 20, .def = NAN,
		.doc = "samples of the Fourier transform, even (default: the power of two that holds the window)"},
	{.name = "bands", .type = EG_KEY_INT, AT(bands), .min = 1, .max = 1024, .def = 40,
		.doc = "log_mel, mfcc: how many bands of frequency (default: 40)"},
	{.name = "low", .type = EG_KEY_DOUBLE, AT(low), .min = 0, .max = 1e6, .def = 0,
		.doc = "Hz where the lowest band begins (default: 0)"},
	{.name = "high", .type = EG_KEY_DOUBLE, AT(high), .min = EG_ABOVE_0, .max = 1e6, .def = NAN,
		.doc = "Hz where the highest band ends (default: half the rate)"},
	{.name = "quietest", .type = EG_KEY_DOUBLE, AT(quietest), .min = -300, .max = -1, .def = NAN,
		.doc = "log_mel, mfcc: dB of energy below which a band does not go, so that silence is no quieter than a quiet room (default: "
		       "-100)"},
	{.name = "coefficients", .type = EG_KEY_INT, AT(coefficients), .min = 1, .max = 1024, .def = 13,
		.doc = "mfcc: how many (default: 13)"},
	{.name = "deltas", .type = EG_KEY_INT, AT(deltas), .min = 0, .max = 2, .def = 0,
		.doc = "1: the slopes of the features over nine steps too; 2: and the slopes of these (default: 0)"},
	{.name = "after", .type = EG_KEY_DOUBLE, AT(after), .min = 0, .max = 10, .def = 0,
		.doc = "seconds of silence that are put behind every recording, so that a network that looks back only has the time to tell what "
		       "it ended with (default: 0)"},
	{.name = "channels", .type = EG_KEY_ENUM, AT(channels), .names = channel_names, .def = 0,
		.doc = "recordings of several channels: mix (the default) takes their mean, one refuses them"},
	{.name = "scale", .type = EG_KEY_ENUM, AT(scale), .names = scale_names, .def = 0,
		.doc = "features get mean 0 and deviation 1: over the whole training part (set, the default), over each recording by itself "
		       "(record: nothing can be said before its end), or not (no)"},
};
const eg_variant eg_sound_map = {.keys = map_keys, .nkeys = EG_COUNT(map_keys)};
static const eg_key keys[] = {EG_SOUND_KEY(sound_intake, keys)};

/* ---- settings ---------------------------------------------------------------------------------------------------- */

bool eg_sound_known(const eg_intake *f) { return ((const sound_intake *)f)->known; }

void eg_sound_close(eg_intake *f) { eg_sound_features_free(((sound_intake *)f)->features); }

static eg_status fits(const eg_intake *f, const eg_dims *d, eg_error *err) {
	EG_UNUSED(f);
	if (d->rank == 2 && d->d[0] == EG_T && d->d[1] > 0) return EG_OK;
	return eg_fail(err, EG_ERR_SHAPE, "sound comes in steps of features: write input: [time, FEATURES], such as [time, 40]");
}

/* What the keys say at this rate; the network's input must have as many numbers a step. */
static eg_status set_up(sound_intake *p, double rate, eg_error *err) {
	const sound_keys *k = &p->keys;
	eg_sound_options *o = &p->o;
	*o = (eg_sound_options){.kind = k->features, .rate = rate, .deltas = k->deltas, .low = k->low, .quietest = k->quietest < 0 ? k->quietest : 0};
	o->window = (int)lround(rate * (k->window > 0 ? k->window : 0.025));
	o->hop = (int)lround(rate * (k->hop > 0 ? k->hop : 0.01));
	o->bands = k->bands ? k->bands : 40;
	o->coefficients = k->coefficients ? k->coefficients : 13;
	o->high = k->high > 0 ? k->high : rate / 2;
	o->fft = k->fft;
	if (!o->fft)
		for (o->fft = 2; o->fft < o->window;) o->fft *= 2;
	eg_sound_features_free(p->features);
	p->features = eg_sound_features_new(o, err);
	if (!p->features) return eg_fail_prefix(err, "data.sound"), err ? err->status : EG_ERR_ARG;
	const int width = eg_sound_features_width(o), wanted = p->base.target ? width : (int)p->base.sample.d[1];
	if (wanted != width)
		return eg_fail(err, EG_ERR_SHAPE, "a step of sound has %d number%s here; write input: [time, %d]", width, width == 1 ? "" : "s", width);
	p->mean = eg_arena_alloc(&p->base.arena, (size_t)width * sizeof *p->mean);
	p->std = eg_arena_alloc(&p->base.arena, (size_t)width * sizeof *p->std);
	if (!p->mean || !p->std) return eg_record_no_memory(err);
	for (int i = 0; i < width; i++) p->std[i] = 1;
	return EG_OK;
}

/* ---- from a recording to features -------------------------------------------------------------------------------- */

static const char *name_of(const eg_record *r) { return r->place ? r->place : r->id ? r->id : "the recording"; }

/* Is there nothing in it but the noise of its last bits? */
static bool is_silent(const eg_datum_sound *s) {
	float low = INFINITY, high = -INFINITY;
	for (int64_t i = 0; i < s->n * s->channels; i++) low = fminf(low, s->at[i]), high = fmaxf(high, s->at[i]);
	return s->n > 0 && high - low < SILENCE;
}

int64_t eg_sound_silence(const eg_sound_intake *p) { return (int64_t)llround(p->keys.after * p->o.rate); }

static int64_t samples_of(const sound_intake *p, const eg_datum_sound *s) {
	const int64_t n = s->rate == p->o.rate ? s->n : (int64_t)ceil((double)s->n * (p->o.rate / s->rate));
	return n ? n + eg_sound_silence(p) : 0;
}

/* The n samples at *x, in room of the record with silence behind them. */
static eg_status fall_silent(const sound_intake *p, eg_record *r, const float **x, int64_t *n, eg_error *err) {
	const int64_t silence = eg_sound_silence(p);
	if (!silence || !*n) return EG_OK;
	float *own = eg_record_room(r, (size_t)(*n + silence) * sizeof *own);
	if (!own) return eg_record_no_memory(err);
	memcpy(own, *x, (size_t)*n * sizeof *own);
	memset(own + *n, 0, (size_t)silence * sizeof *own);
	*x = own, *n += silence;
	return EG_OK;
}

/* One channel at the model's rate. */
static eg_status mono(const sound_intake *p, const eg_datum_sound *s, eg_record *r, const float **x, int64_t *n, eg_error *err) {
	const float *one = s->at;
	*n = s->n;
	if (s->channels > 1) {
		if (p->keys.channels == CHANNELS_ONE)
			return eg_fail(err, EG_ERR_FORMAT, "%s has %d channels, and 'channels: one' in data.sound refuses such; 'channels: mix' takes their "
				"mean", name_of(r), s->channels);
		float *mixed = eg_record_room(r, (size_t)s->n * sizeof *mixed);
		if (!mixed) return eg_record_no_memory(err);
		eg_sound_mix(s->at, s->n, s->channels, mixed);
		one = mixed;
	}
	*x = one;
	if (s->rate == p->o.rate) return fall_silent(p, r, x, n, err);
	float *other = NULL, *own;
	eg_status status = eg_resample(one, s->n, 1, p->o.rate / s->rate, &other, n, err);
	if (status) return eg_fail_prefix(err, "%s, of %g samples a second", name_of(r), s->rate), status;
	*x = own = eg_record_room(r, ((size_t)*n + 1) * sizeof *own);
	if (own) memcpy(own, other, (size_t)*n * sizeof *own);
	eg_release(NULL, other);
	return own ? fall_silent(p, r, x, n, err) : eg_record_no_memory(err);
}

/* Mean 0 and deviation 1 of each feature of this recording. */
static void scale_alone(float *at, int64_t steps, int width) {
	for (int k = 0; k < width; k++) {
		double sum = 0, squares = 0;
		for (int64_t t = 0; t < steps; t++) sum += (double)at[t * width + k];
		const double mean = steps ? sum / (double)steps : 0;
		for (int64_t t = 0; t < steps; t++) squares += ((double)at[t * width + k] - mean) * ((double)at[t * width + k] - mean);
		const double std = steps ? sqrt(squares / (double)steps) : 0;
		for (int64_t t = 0; t < steps; t++) at[t * width + k] = (float)(((double)at[t * width + k] - mean) / (std > 1e-5 ? std : 1));
	}
}

void eg_intake_sound_scale(const eg_intake *f, float *step) {
	const sound_intake *p = (const sound_intake *)f;
	for (int k = 0; k < eg_sound_features_width(&p->o); k++) step[k] = (step[k] - p->mean[k]) / p->std[k];
}

const eg_sound_options *eg_intake_sound_options(const eg_intake *f) { return &((const sound_intake *)f)->o; }

const eg_sound_features *eg_intake_sound_features(const eg_intake *f, double *rate, int64_t *silence, eg_error *err) {
	const sound_intake *p = (const sound_intake *)f;
	*rate = p->o.rate;
	*silence = eg_sound_silence(p);
	if (p->keys.scale != EG_SCALE_RECORD) return p->features;
	eg_fail(err, EG_ERR_ARG, "by `scale: record` in data.sound, features are compared with their mean over the whole recording; train with "
		"`scale: set`");
	return NULL;
}

/* Steps of features, as they are (`plain`) or scaled, in room of the record. */
eg_status eg_sound_steps_of(const sound_intake *p, const eg_datum *d, eg_record *r, bool plain, float **out, int64_t *steps, eg_error *err) {
	const float *x = NULL;
	int64_t n = 0;
	eg_status status = mono(p, &d->sound, r, &x, &n, err);
	if (status) return status;
	const int width = eg_sound_features_width(&p->o);
	*steps = eg_sound_features_steps(&p->o, n);
	*out = eg_record_room(r, ((size_t)*steps * (size_t)width + 1) * sizeof **out);
	void *room = eg_record_room(r, eg_sound_features_room(p->features) + 16);
	if (!*out || !room) return eg_record_no_memory(err);
	eg_sound_features_of(p->features, x, n, *out, room);
	if (plain) return EG_OK;
	if (p->keys.scale == EG_SCALE_RECORD) scale_alone(*out, *steps, width);
	for (int64_t t = 0; t < *steps; t++) eg_intake_sound_scale(&p->base, *out + t * width);
	return EG_OK;
}

/* ---- what is known of the training records ----------------------------------------------------------------------- */

eg_status eg_sound_begin(eg_intake *f, const eg_field *field, eg_error *err) {
	sound_intake *p = (sound_intake *)f;
	const double rate = p->keys.rate > 0 ? p->keys.rate : field->rate;
	if (!(rate > 0))
		return eg_fail(err, EG_ERR_ARG, "recordings of this source may have any rate: say which one the network hears, as in "
			"data.sound: {rate: 16000}");
	eg_status status = set_up(p, rate, err);
	if (status) return status;
	const size_t width = (size_t)eg_sound_features_width(&p->o);
	p->steps = 0, p->silent = 0;
	p->sum = eg_arena_alloc(&f->arena, width * sizeof *p->sum);
	p->squares = eg_arena_alloc(&f->arena, width * sizeof *p->squares);
	return p->sum && p->squares ? EG_OK : eg_record_no_memory(err);
}

int64_t eg_intake_sound_silent(const eg_intake *f, const char **first) {
	const sound_intake *p = (const sound_intake *)f;
	*first = p->first_silent;
	return p->silent;
}

eg_status eg_sound_look(eg_intake *f, const eg_datum *d, const eg_record *r, eg_error *err) {
	sound_intake *p = (sound_intake *)f;
	float *at;
	int64_t steps;
	if (d->there && is_silent(&d->sound) && p->silent++ == 0 && !(p->first_silent = eg_arena_strdup(&f->arena, name_of(r))))
		return eg_record_no_memory(err);
	if (p->keys.scale != EG_SCALE_SET) return EG_OK;
	eg_status status = eg_sound_steps_of(p, d, (eg_record *)r, true, &at, &steps, err);
	if (status) return status;
	const int width = eg_sound_features_width(&p->o);
	for (int64_t t = 0; t < steps; t++)
		for (int k = 0; k < width; k++) {
			const double v = (double)at[t * width + k];
			p->sum[k] += v, p->squares[k] += v * v;
		}
	p->steps += (double)steps;
	return EG_OK;
}

eg_status eg_sound_looked(eg_intake *f, eg_error *err) {
	sound_intake *p = (sound_intake *)f;
	const int width = eg_sound_features_width(&p->o);
	p->known = true;
	if (p->keys.scale != EG_SCALE_SET) return EG_OK;
	if (!(p->steps > 0)) return eg_fail(err, EG_ERR_ARG, "there is no sound to train on");
	for (int k = 0; k < width; k++) {
		const double mean = p->sum[k] / p->steps, variance = p->squares[k] / p->steps - mean * mean;
		p->mean[k] = (float)mean;
		p->std[k] = variance > 1e-10 ? (float)sqrt(variance) : 1;
	}
	return EG_OK;
}

/* ---- batches ----------------------------------------------------------------------------------------------------- */

eg_status eg_sound_count(const sound_intake *p, const eg_datum *d, const eg_record *r, int *steps, eg_error *err) {
	const int64_t n = d->there ? eg_sound_features_steps(&p->o, samples_of(p, &d->sound)) : 0;
	if (n > INT32_MAX / 2) return eg_fail(err, EG_ERR_SHAPE, "%s is too long", name_of(r));
	*steps = (int)n;
	return EG_OK;
}

static eg_status extent(const eg_intake *f, const eg_datum *d, const eg_record *r, int axis, int *size, eg_error *err) {
	EG_UNUSED(axis);
	return eg_sound_count((const sound_intake *)f, d, r, size, err);
}

static bool is_hidden(const eg_sound_span *list, int n, int64_t i, int64_t of) {
	bool any = false;
	for (int k = 0; k < n; k++) any = any || ((double)i >= list[k].from * (double)of && (double)i < list[k].to * (double)of);
	return any;
}

/* Steps and bands that are hidden become the mean: 0, or, where features are not scaled, this recording's. */
static void hide(const sound_intake *p, const eg_sound_hidden *h, float *at, int64_t steps) {
	const int width = eg_sound_features_width(&p->o), base = width / (1 + p->o.deltas);
	for (int k = 0; k < width; k++) {
		const bool all = is_hidden(h->bands, h->nbands, k % base, base);
		double sum = 0;
		for (int64_t t = 0; t < steps && p->keys.scale == EG_SCALE_NO; t++) sum += (double)at[t * width + k];
		const float mean = steps ? (float)(sum / (double)steps) : 0;
		for (int64_t t = 0; t < steps; t++)
			if (all || is_hidden(h->steps, h->nsteps, t, steps)) at[t * width + k] = mean;
	}
}

static eg_status fill(const eg_intake *f, const eg_intake_fill *a, eg_error *err) {
	const sound_intake *p = (const sound_intake *)f;
	const int time = (int)a->dims.d[0], width = eg_sound_features_width(&p->o);
	for (int i = 0; i < a->n; i++) {
		float *at = NULL;
		int64_t steps = 0;
		eg_status status = a->data[i]->there ? eg_sound_steps_of(p, a->data[i], eg_fill_record(a, i), false, &at, &steps, err) : EG_OK;
		if (status) return status;
		if (at && a->data[i]->hidden) hide(p, a->data[i]->hidden, at, steps);
		for (int t = 0; t < time; t++) {
			eg_real *out = (eg_real *)a->slot + ((ptrdiff_t)t * a->n + i) * width;
			for (int k = 0; k < width; k++) out[k] = at && t < steps ? (eg_real)at[(ptrdiff_t)t * width + k] : 0;
		}
	}
	return EG_OK;
}

/* ---- questions --------------------------------------------------------------------------------------------------- */

static eg_status decode(const eg_intake *f, const void *bytes, size_t size, const char *name, eg_record *r, eg_datum *d, int *remark,
	eg_error *err) {
	EG_UNUSED(f);
	eg_datum_sound s;
	eg_status status = eg_sound_decode(bytes, size, name, r, &s, err);
	*remark = !status && is_silent(&s);
	if (!status) *d = (eg_datum){.there = true, .sound = s};
	return status;
}

/* What a network makes of silence is no answer to anything. */
static void tell(const eg_intake *f, int remark, eg_value *answer) {
	EG_UNUSED(f);
	if (remark) eg_value_put_bool(answer, "silent", true);
}

/* The path of a file. */
static eg_status decode_json(const eg_intake *f, const eg_value *v, const char *name, eg_record *r, eg_datum *d, int *remark, eg_error *err) {
	char *data = NULL;
	size_t size = 0;
	if (!eg_value_text(v)) return eg_fail(err, EG_ERR_FORMAT, "%s: '%s' must be the path of a sound file", name, f->name);
	eg_status status = eg_file_read_regular(NULL, eg_value_text(v), 0, &data, &size, err);
	if (!status) status = decode(f, data, size, eg_value_text(v), r, d, remark, err);
	eg_release(NULL, data);
	return status;
}

double eg_intake_sound_time(const eg_intake *f, double t) {
	const sound_intake *p = (const sound_intake *)f;
	return t * p->o.hop / p->o.rate;
}

/* ---- in a model's file ------------------------------------------------------------------------------------------- */

void eg_sound_save(const eg_intake *f, eg_value *map) {
	const sound_intake *p = (const sound_intake *)f;
	eg_value_put_number(map, "rate", p->o.rate);
	if (p->keys.scale != EG_SCALE_SET) return;
	eg_value *mean = eg_value_put_list(map, "mean"), *std = eg_value_put_list(map, "std");
	for (int k = 0; k < eg_sound_features_width(&p->o); k++) {
		eg_value_put_number(mean, NULL, (double)p->mean[k]);
		eg_value_put_number(std, NULL, (double)p->std[k]);
	}
}

eg_status eg_sound_restore(eg_intake *f, const eg_value *map, eg_error *err) {
	sound_intake *p = (sound_intake *)f;
	const double rate = eg_value_number(eg_value_get(map, "rate"), (double)NAN);
	if (!(rate >= 100 && rate <= 1e6)) return eg_fail(err, EG_ERR_FORMAT, "damaged: 'rate' is no number of samples a second");
	eg_status status = set_up(p, rate, err);
	if (status) return status;
	const eg_value *mean = eg_value_get(map, "mean"), *std = eg_value_get(map, "std");
	const int width = eg_sound_features_width(&p->o), n = p->keys.scale == EG_SCALE_SET ? width : 0;
	if (n && (eg_value_count(mean) != n || eg_value_count(std) != n))
		return eg_fail(err, EG_ERR_FORMAT, "damaged: a step of sound has %d numbers, 'mean' and 'std' have %d and %d", n,
			(int)eg_value_count(mean), (int)eg_value_count(std));
	for (int k = 0; k < n; k++) {
		const double m = eg_value_number(eg_value_at(mean, k), (double)NAN), s = eg_value_number(eg_value_at(std, k), (double)NAN);
		if (!(fabs(m) <= 1e9 && s >= 1e-30 && s <= 1e9)) return eg_fail(err, EG_ERR_FORMAT, "damaged: 'mean' and 'std' of sound");
		p->mean[k] = (float)m, p->std[k] = (float)s;
	}
	p->known = true;
	return EG_OK;
}

eg_status eg_sound_meet(eg_intake *f, const eg_field *field, eg_error *err) {
	EG_UNUSED(f), EG_UNUSED(field), EG_UNUSED(err); /* any rate will do */
	return EG_OK;
}

const eg_intake_type eg_intake_sound_type = {.kind = EG_FIELD_SOUND,
	.size = sizeof(sound_intake),
	.keys = {keys, EG_COUNT(keys)},
	.close = eg_sound_close,
	.fits = fits,
	.is_known = eg_sound_known,
	.begin = eg_sound_begin,
	.look = eg_sound_look,
	.looked = eg_sound_looked,
	.extent = extent,
	.fill = fill,
	.decode = decode,
	.decode_json = decode_json,
	.tell = tell,
	.save = eg_sound_save,
	.restore = eg_sound_restore,
	.meet = eg_sound_meet};
