/* augment_sound.c - augmentations of sound: how fast, how high and how loud it is, through which microphone it comes,
 * noise behind it, and parts of its features that are hidden. What suits any numbers over time is in
 * augment_series.c. */
#include "data/augment.h"
#include "data/sound.h"

#include <math.h>
#include <string.h>

/* The sounds among the inputs, one after the other: `i` is -1 first. */
static eg_datum *next_sound(const eg_augment_call *c, int *i) {
	while (++*i < c->nfields)
		if (c->record->fields[*i].there && c->fields[*i].kind == EG_FIELD_SOUND && c->inputs >> *i & 1) return &c->record->fields[*i];
	return NULL;
}

/* Takes n samples of each channel, from eg_alloc, over into room of the record. */
static eg_status put(eg_augment_call *c, eg_datum_sound *s, float *at, int64_t n, eg_error *err) {
	const size_t count = (size_t)n * (size_t)s->channels;
	float *own = eg_record_room(c->record, (count + 1) * sizeof *own);
	if (own && count) memcpy(own, at, count * sizeof *own);
	eg_release(NULL, at);
	if (!own) return eg_augment_no_memory(err);
	s->at = own, s->n = n;
	return EG_OK;
}

#define TIMED .refuses = EG_KINDS_OF(TAGS) | EG_KINDS_OF(SERIES), .why = "its places in time would have to move too"

/* ---- speed ------------------------------------------------------------------------------------------------------- */

typedef struct share_options {
	eg_augment_options base;
	double by;
} share_options;
static const eg_key speed_keys[] = {
	{.name = "by", .type = EG_KEY_DOUBLE, .offset = offsetof(share_options, by), .min = EG_ABOVE_0, .max = 0.5, .def = NAN,
		.doc = "a recording is played at 1 - by to 1 + by times its speed, and as much higher (0.1)"},
};
static void speed_defaults(void *options) { ((share_options *)options)->by = 0.1; }
static double slowest(const void *options) { return 1 / (1 - ((const share_options *)options)->by); }

static eg_status change_speed(eg_augment_call *c, eg_error *err) {
	const double by = ((const share_options *)c->options)->by;
	if (!eg_augment_happens(c)) return EG_OK;
	const double factor = eg_draw_uniform(&c->draw, 1 - by, 1 + by);
	eg_status status = EG_OK;
	eg_datum *d;
	for (int i = -1; !status && (d = next_sound(c, &i)) != NULL;) {
		float *out;
		int64_t n;
		status = eg_resample(d->sound.at, d->sound.n, d->sound.channels, 1 / factor, &out, &n, err);
		if (!status) status = put(c, &d->sound, out, n, err);
	}
	return status;
}

const eg_augment_type eg_augment_speed = {.name = "speed",
	.doc = "plays a recording faster and higher, or slower and lower",
	.works_on = EG_KINDS_OF(SOUND),
	TIMED,
	.usual = 1,
	.shorthand = "by",
	EG_AUGMENT_KEYS(speed_keys),
	.size = sizeof(share_options),
	.defaults = speed_defaults,
	.longest = slowest,
	.apply = change_speed};

/* ---- pitch ------------------------------------------------------------------------------------------------------- */

typedef struct pitch_options {
	eg_augment_options base;
	double semitones;
} pitch_options;
static const eg_key pitch_keys[] = {
	{.name = "semitones", .type = EG_KEY_DOUBLE, .offset = offsetof(pitch_options, semitones), .min = EG_ABOVE_0, .max = 12,
		.def = NAN, .doc = "a recording becomes at most so many semitones higher or lower, and stays as long as it is (2)"},
};
static void pitch_defaults(void *options) { ((pitch_options *)options)->semitones = 2; }

/* How well n samples go on from `a` if they are those at `b`: their correlation. */
static double likeness(const float *a, const float *b, int64_t n, int step) {
	double ab = 0, bb = 1e-9;
	for (int64_t i = 0; i < n; i++) ab += (double)a[i * step] * (double)b[i * step], bb += (double)b[i * step] * (double)b[i * step];
	return ab / sqrt(bb);
}

/* n samples become m, at the same pitch: overlapping pieces of 30 ms, each taken where it goes on best from the one
 * before (WSOLA: Verhelst and Roelands 1993). All channels by the first. */
static void stretch(const float *in, int64_t n, float *out, int64_t m, int channels, double rate) {
	const int64_t piece = 2 * (int64_t)fmax(8, rate * 0.015), hop = piece / 2, reach = (int64_t)(rate * 0.006);
	int64_t last = 0; /* where the piece before began in `in` */
	memset(out, 0, (size_t)(m * channels) * sizeof *out);
	for (int64_t to = 0; to < m; to += hop) {
		int64_t from = (int64_t)((double)to * (double)n / (double)m), best = from;
		if (to > 0 && last + hop + piece < n) {
			double most = -INFINITY;
			for (int64_t at = from - reach; at <= from + reach; at++) {
				if (at < 0 || at + piece > n) continue;
				const double like = likeness(in + (last + hop) * channels, in + at * channels, hop, channels);
				if (like > most) most = like, best = at;
			}
		}
		for (int64_t i = 0; i < piece && to + i < m && best + i < n; i++) {
			const float weight = to == 0 && i < hop ? 1 : (float)(0.5 - 0.5 * cos(3.14159265358979323846 * (double)i / (double)hop));
			for (int c = 0; c < channels; c++) out[(to + i) * channels + c] += weight * in[(best + i) * channels + c];
		}
		last = best;
	}
}

static eg_status change_pitch(eg_augment_call *c, eg_error *err) {
	const double most = ((const pitch_options *)c->options)->semitones;
	if (!eg_augment_happens(c)) return EG_OK;
	const double factor = exp2(eg_draw_uniform(&c->draw, -most, most) / 12);
	eg_status status = EG_OK;
	eg_datum *d;
	for (int i = -1; !status && (d = next_sound(c, &i)) != NULL;) {
		float *faster, *out;
		int64_t n, m = d->sound.n;
		status = eg_resample(d->sound.at, m, d->sound.channels, 1 / factor, &faster, &n, err);
		if (status) return status;
		out = eg_calloc(NULL, (size_t)m + 1, (size_t)d->sound.channels * sizeof *out);
		if (out) stretch(faster, n, out, m, d->sound.channels, d->sound.rate);
		eg_release(NULL, faster);
		status = out ? put(c, &d->sound, out, m, err) : eg_augment_no_memory(err);
	}
	return status;
}

const eg_augment_type eg_augment_pitch = {.name = "pitch",
	.doc = "makes a recording higher or lower",
	.works_on = EG_KINDS_OF(SOUND),
	.usual = 1,
	.shorthand = "semitones",
	EG_AUGMENT_KEYS(pitch_keys),
	.size = sizeof(pitch_options),
	.defaults = pitch_defaults,
	.apply = change_pitch};

/* ---- gain -------------------------------------------------------------------------------------------------------- */

typedef struct gain_options {
	eg_augment_options base;
	double decibels;
} gain_options;
static const eg_key gain_keys[] = {
	{.name = "decibels", .type = EG_KEY_DOUBLE, .offset = offsetof(gain_options, decibels), .min = EG_ABOVE_0, .max = 60,
		.def = NAN, .doc = "a recording becomes at most so many decibels louder or quieter (6)"},
};
static const eg_key microphone_keys[] = {
	{.name = "decibels", .type = EG_KEY_DOUBLE, .offset = offsetof(gain_options, decibels), .min = EG_ABOVE_0, .max = 60,
		.def = NAN, .doc = "frequencies become at most so many decibels stronger or weaker, neighbours alike (6)"},
};
static void gain_defaults(void *options) { ((gain_options *)options)->decibels = 6; }

/* A copy of a sound's samples; NULL: out of memory. */
static float *copied(eg_augment_call *c, eg_datum_sound *s) {
	const size_t count = (size_t)s->n * (size_t)s->channels;
	float *own = eg_record_room(c->record, (count + 1) * sizeof *own);
	if (own && count) memcpy(own, s->at, count * sizeof *own);
	if (own) s->at = own;
	return own;
}

static eg_status change_gain(eg_augment_call *c, eg_error *err) {
	const double most = ((const gain_options *)c->options)->decibels;
	if (!eg_augment_happens(c)) return EG_OK;
	const float factor = (float)pow(10, eg_draw_uniform(&c->draw, -most, most) / 20);
	eg_datum *d;
	for (int i = -1; (d = next_sound(c, &i)) != NULL;) {
		float *at = copied(c, &d->sound);
		if (!at) return eg_augment_no_memory(err);
		for (int64_t k = 0; k < d->sound.n * d->sound.channels; k++) at[k] *= factor;
	}
	return EG_OK;
}

const eg_augment_type eg_augment_gain = {.name = "gain",
	.doc = "makes a recording louder or quieter",
	.works_on = EG_KINDS_OF(SOUND),
	.usual = 1,
	.shorthand = "decibels",
	EG_AUGMENT_KEYS(gain_keys),
	.size = sizeof(gain_options),
	.defaults = gain_defaults,
	.apply = change_gain};

/* ---- microphones ------------------------------------------------------------------------------------------------- */

/* A filter without delay: KNOTS strengths in dB, of frequencies that are a mel-like scale apart, joined by straight
 * lines, and of these as many taps as tell apart what is about 1/TAPS of the rate apart. */
enum { KNOTS = 7, REACH = 32, TAPS = 2 * REACH + 1, GRID = 128 };

static void draw_filter(eg_draw *draw, double most, float *taps) {
	double decibels[KNOTS], strength[GRID + 1];
	for (int k = 0; k < KNOTS; k++) decibels[k] = eg_draw_uniform(draw, -most, most);
	for (int f = 0; f <= GRID; f++) {
		const double at = log1p(6.0 * f / GRID) / log1p(6.0) * (KNOTS - 1); /* knots are denser below */
		const int k = at < KNOTS - 1 ? (int)at : KNOTS - 2;
		strength[f] = pow(10, (decibels[k] + (at - k) * (decibels[k + 1] - decibels[k])) / 20);
	}
	for (int n = 0; n <= REACH; n++) {
		const double turn = 3.14159265358979323846 * n / GRID;
		double sum = (strength[0] + strength[GRID] * cos(GRID * turn)) / 2;
		for (int f = 1; f < GRID; f++) sum += strength[f] * cos(f * turn);
		const double window = 0.5 + 0.5 * cos(3.14159265358979323846 * n / (REACH + 1));
		taps[REACH + n] = taps[REACH - n] = (float)(sum / GRID * window);
	}
}

static eg_status change_microphone(eg_augment_call *c, eg_error *err) {
	float taps[TAPS];
	eg_datum *d;
	if (!eg_augment_happens(c)) return EG_OK;
	draw_filter(&c->draw, ((const gain_options *)c->options)->decibels, taps);
	for (int i = -1; (d = next_sound(c, &i)) != NULL;) {
		const float *in = d->sound.at;
		const int64_t n = d->sound.n, channels = d->sound.channels;
		float *out = copied(c, &d->sound);
		if (!out) return eg_augment_no_memory(err);
		for (int64_t t = 0; t < n; t++) {
			const int64_t from = t < REACH ? -t : -REACH, to = n - 1 - t < REACH ? n - 1 - t : REACH;
			for (int64_t channel = 0; channel < channels; channel++) {
				float sum = 0;
				for (int64_t k = from; k <= to; k++) sum += taps[REACH + k] * in[(t + k) * channels + channel];
				out[t * channels + channel] = sum;
			}
		}
	}
	return EG_OK;
}

const eg_augment_type eg_augment_microphone = {.name = "microphone",
	.doc = "raises and lowers frequencies, as another microphone and room would",
	.works_on = EG_KINDS_OF(SOUND),
	.usual = 1,
	.shorthand = "decibels",
	EG_AUGMENT_KEYS(microphone_keys),
	.size = sizeof(gain_options),
	.defaults = gain_defaults,
	.apply = change_microphone};

/* ---- noise behind it --------------------------------------------------------------------------------------------- */

typedef struct snr_options {
	eg_augment_options base;
	double least, most;
} snr_options;
static const eg_key snr_keys[] = {
	{.name = "least", .type = EG_KEY_DOUBLE, .offset = offsetof(snr_options, least), .min = -20, .max = 100, .def = NAN,
		.doc = "decibels by which a recording is stronger than the white noise that is added to it, at least (10)"},
	{.name = "most", .type = EG_KEY_DOUBLE, .offset = offsetof(snr_options, most), .min = -20, .max = 100, .def = NAN,
		.doc = "and at most (30)"},
};
static void snr_defaults(void *options) {
	((snr_options *)options)->least = 10;
	((snr_options *)options)->most = 30;
}
static const char *snr_check(const void *options) {
	const snr_options *o = options;
	return o->least <= o->most ? NULL : "'least' is above 'most'";
}

static eg_status add_hiss(eg_augment_call *c, eg_error *err) {
	const snr_options *o = c->options;
	if (!eg_augment_happens(c)) return EG_OK;
	const double snr = eg_draw_uniform(&c->draw, o->least, o->most);
	uint64_t drawn = c->draw.next;
	eg_datum *d;
	for (int i = -1; (d = next_sound(c, &i)) != NULL;) {
		float *at = copied(c, &d->sound);
		const int64_t n = d->sound.n * d->sound.channels;
		double power = 0;
		if (!at) return eg_augment_no_memory(err);
		for (int64_t k = 0; k < n; k++) power += (double)at[k] * (double)at[k];
		const double size = n ? sqrt(power / (double)n) * pow(10, -snr / 20) : 0;
		for (int64_t k = 0; k < n; k++) at[k] += (float)(size * eg_rng_normal(c->draw.rng, drawn++));
	}
	return EG_OK;
}

const eg_augment_type eg_augment_hiss = {.name = "hiss",
	.doc = "adds white noise to a recording, so much weaker than it",
	.works_on = EG_KINDS_OF(SOUND),
	.usual = 1,
	EG_AUGMENT_KEYS(snr_keys),
	.size = sizeof(snr_options),
	.defaults = snr_defaults,
	.check = snr_check,
	.apply = add_hiss};

/* ---- parts of the features --------------------------------------------------------------------------------------- */

typedef struct hide_options {
	eg_augment_options base;
	double time, bands;
	int times;
} hide_options;
static const eg_key hide_keys[] = {
	{.name = "time", .type = EG_KEY_DOUBLE, .offset = offsetof(hide_options, time), .min = 0, .max = 0.9, .def = NAN,
		.doc = "at most this share of the steps is hidden in a row (0.1)"},
	{.name = "bands", .type = EG_KEY_DOUBLE, .offset = offsetof(hide_options, bands), .min = 0, .max = 0.9, .def = NAN,
		.doc = "at most this share of the bands (0.2)"},
	{.name = "times", .type = EG_KEY_INT, .offset = offsetof(hide_options, times), .min = 1, .max = EG_HIDDEN_MOST, .def = 2,
		.doc = "how often, of steps and of bands each (2)"},
};
static void hide_defaults(void *options) {
	hide_options *o = options;
	o->time = 0.1, o->bands = 0.2, o->times = 2;
}

/* Which ones there are, the network's input knows (tasks/intake_sound.c). */
static eg_status hide_parts(eg_augment_call *c, eg_error *err) {
	const hide_options *o = c->options;
	if (!eg_augment_happens(c)) return EG_OK;
	eg_sound_hidden *h = eg_record_room(c->record, sizeof *h);
	if (!h) return eg_augment_no_memory(err);
	*h = (eg_sound_hidden){.nsteps = o->times, .nbands = o->times};
	for (int i = 0; i < o->times; i++) {
		const double steps = eg_draw_uniform(&c->draw, 0, o->time), bands = eg_draw_uniform(&c->draw, 0, o->bands);
		h->steps[i].from = eg_draw_uniform(&c->draw, 0, 1 - steps), h->steps[i].to = h->steps[i].from + steps;
		h->bands[i].from = eg_draw_uniform(&c->draw, 0, 1 - bands), h->bands[i].to = h->bands[i].from + bands;
	}
	eg_datum *d;
	for (int i = -1; (d = next_sound(c, &i)) != NULL;) d->hidden = h;
	return EG_OK;
}

const eg_augment_type eg_augment_spectrum = {.name = "spec_augment",
	.doc = "hides steps and bands of a recording's features (SpecAugment: Park and others 2019)",
	.works_on = EG_KINDS_OF(SOUND),
	.usual = 1,
	EG_AUGMENT_KEYS(hide_keys),
	.size = sizeof(hide_options),
	.defaults = hide_defaults,
	.apply = hide_parts};
