/* augment_series.c - augmentations of what has no pixels: series and sound (noise, shift, scale), and units of
 * texts. */
#include "data/augment.h"

#include <math.h>
#include <string.h>

/* ---- numbers over time ------------------------------------------------------------------------------------------- */

/* What series and sound have in common: rows of numbers. */
typedef struct rows {
	int64_t n;
	int width;
	float *at; /* a copy, to be changed */
} rows;

typedef void (*changer)(const eg_augment_call *c, rows *r, const double *drawn);

/* Those of the inputs: a target that is a series is what is to be told. */
static eg_status change_rows(eg_augment_call *c, changer change, const double *drawn, eg_error *err) {
	for (int i = 0; i < c->nfields; i++) {
		eg_datum *d = &c->record->fields[i];
		const bool series = c->fields[i].kind == EG_FIELD_SERIES, sound = c->fields[i].kind == EG_FIELD_SOUND;
		if (!d->there || !(c->inputs >> i & 1) || !(series || sound)) continue;
		rows r = {series ? d->series.steps : d->sound.n, series ? d->series.columns : d->sound.channels, NULL};
		const size_t count = (size_t)r.n * (size_t)r.width;
		r.at = eg_record_room(c->record, (count + 1) * sizeof *r.at);
		if (!r.at) return eg_augment_no_memory(err);
		if (count) memcpy(r.at, series ? d->series.at : d->sound.at, count * sizeof *r.at);
		change(c, &r, drawn);
		*(series ? &d->series.at : &d->sound.at) = r.at;
	}
	return EG_OK;
}

#define OVER_TIME .works_on = EG_KINDS_OF(SERIES) | EG_KINDS_OF(SOUND)

/* ---- noise ------------------------------------------------------------------------------------------------------- */

typedef struct noise_options {
	eg_augment_options base;
	double deviation;
} noise_options;
static const eg_key noise_keys[] = {
	{.name = "deviation", .type = EG_KEY_DOUBLE, .offset = offsetof(noise_options, deviation), .min = EG_ABOVE_0, .max = 1e6,
		.def = NAN, .doc = "of a normal distribution, as a share of each column's own deviation in this record (0.05)"},
};
static void noise_defaults(void *options) { ((noise_options *)options)->deviation = 0.05; }

/* Of one column, without its gaps. */
static double deviation_of(const rows *r, int column) {
	double sum = 0, squares = 0;
	int64_t n = 0;
	for (int64_t t = 0; t < r->n; t++) {
		const double v = (double)r->at[t * r->width + column];
		if (isfinite(v)) sum += v, n++;
	}
	const double mean = n ? sum / (double)n : 0;
	for (int64_t t = 0; t < r->n; t++) {
		const double v = (double)r->at[t * r->width + column] - mean;
		if (isfinite(v)) squares += v * v;
	}
	return n ? sqrt(squares / (double)n) : 0;
}

static void add_noise(const eg_augment_call *c, rows *r, const double *drawn) {
	const double share = ((const noise_options *)c->options)->deviation;
	EG_UNUSED(drawn);
	for (int k = 0; k < r->width; k++) {
		const double size = share * deviation_of(r, k);
		for (int64_t t = 0; t < r->n; t++) {
			const int64_t at = t * r->width + k;
			r->at[at] += (float)(size * eg_rng_normal(c->draw.rng, c->draw.next + (uint64_t)at));
		}
	}
}

static eg_status noise(eg_augment_call *c, eg_error *err) {
	return eg_augment_happens(c) ? change_rows(c, add_noise, NULL, err) : EG_OK;
}

const eg_augment_type eg_augment_noise = {.name = "noise",
	.doc = "adds random numbers to a series or a sound",
	OVER_TIME,
	.usual = 1,
	.shorthand = "deviation",
	EG_AUGMENT_KEYS(noise_keys),
	.size = sizeof(noise_options),
	.defaults = noise_defaults,
	.apply = noise};

/* ---- shift ------------------------------------------------------------------------------------------------------- */

typedef struct steps_options {
	eg_augment_options base;
	int steps;
} steps_options;
static const eg_key steps_keys[] = {
	{.name = "steps", .type = EG_KEY_INT, .offset = offsetof(steps_options, steps), .min = 1, .max = 1000000, .def = 1,
		.doc = "a series or a sound begins at most so many steps (of a sound: samples) earlier or later; what is missing is "
		       "its first or last step again (1)"},
};
static void steps_defaults(void *options) { ((steps_options *)options)->steps = 1; }

static void move_rows(const eg_augment_call *c, rows *r, const double *drawn) {
	const int64_t by = (int64_t)*drawn;
	const size_t row = (size_t)r->width * sizeof *r->at;
	EG_UNUSED(c);
	for (int64_t k = 0; k < r->n; k++) { /* in the order in which nothing is overwritten that is still to be
	                                      * moved */
		const int64_t to = by > 0 ? k : r->n - 1 - k;
		int64_t from = to + by;
		from = from < 0 ? 0 : from >= r->n ? r->n - 1 : from;
		memmove(r->at + to * r->width, r->at + from * r->width, row);
	}
}

static eg_status shift_steps(eg_augment_call *c, eg_error *err) {
	const steps_options *o = c->options;
	if (!eg_augment_happens(c)) return EG_OK;
	const double by = (double)eg_draw_whole(&c->draw, -o->steps, o->steps);
	return change_rows(c, move_rows, &by, err);
}

const eg_augment_type eg_augment_shift_steps = {.name = "shift",
	.doc = "moves a series or a sound in time",
	OVER_TIME,
	.refuses = EG_KINDS_OF(TAGS),
	.why = "the tags of its steps would have to move too",
	.usual = 1,
	.shorthand = "steps",
	EG_AUGMENT_KEYS(steps_keys),
	.size = sizeof(steps_options),
	.defaults = steps_defaults,
	.apply = shift_steps};

/* ---- scale ------------------------------------------------------------------------------------------------------- */

typedef struct factor_options {
	eg_augment_options base;
	double by;
} factor_options;
static const eg_key factor_keys[] = {
	{.name = "by", .type = EG_KEY_DOUBLE, .offset = offsetof(factor_options, by), .min = EG_ABOVE_0, .max = 1, .def = NAN,
		.doc = "all numbers of a series or a sound are multiplied by one from 1 - by to 1 + by (0.1)"},
};
static void factor_defaults(void *options) { ((factor_options *)options)->by = 0.1; }

static void multiply(const eg_augment_call *c, rows *r, const double *drawn) {
	EG_UNUSED(c);
	for (int64_t i = 0; i < r->n * r->width; i++) r->at[i] = (float)(*drawn * (double)r->at[i]);
}

static eg_status scale_numbers(eg_augment_call *c, eg_error *err) {
	const factor_options *o = c->options;
	if (!eg_augment_happens(c)) return EG_OK;
	const double factor = eg_draw_uniform(&c->draw, 1 - o->by, 1 + o->by);
	return change_rows(c, multiply, &factor, err);
}

const eg_augment_type eg_augment_scale_numbers = {.name = "scale",
	.doc = "makes the numbers of a series or a sound larger or smaller",
	OVER_TIME,
	.usual = 1,
	.shorthand = "by",
	EG_AUGMENT_KEYS(factor_keys),
	.size = sizeof(factor_options),
	.defaults = factor_defaults,
	.apply = scale_numbers};

/* ---- units of texts ---------------------------------------------------------------------------------------------- */

typedef struct units_options {
	eg_augment_options base;
	double rate;
} units_options;
static const eg_key units_keys[] = {
	{.name = "rate", .type = EG_KEY_DOUBLE, .offset = offsetof(units_options, rate), .min = EG_ABOVE_0, .max = EG_BELOW_1,
		.def = NAN, .doc = "with this probability each unit of a text becomes the unknown one (0.1)"},
};
static void units_defaults(void *options) { ((units_options *)options)->rate = 0.1; }

/* Which units there are, the network's input knows (tasks/intake_text.c, intake_tokens.c). */
static eg_status drop_units(eg_augment_call *c, eg_error *err) {
	if (!eg_augment_happens(c)) return EG_OK;
	eg_dropped *d = eg_record_room(c->record, sizeof *d);
	if (!d) return eg_augment_no_memory(err);
	*d = (eg_dropped){((const units_options *)c->options)->rate, c->draw.rng.seed, c->draw.rng.stream};
	for (int i = 0; i < c->nfields; i++) {
		const bool text = c->fields[i].kind == EG_FIELD_TEXT || c->fields[i].kind == EG_FIELD_TOKENS;
		if (text && c->record->fields[i].there && c->inputs >> i & 1) c->record->fields[i].dropped = d;
	}
	return EG_OK;
}

bool eg_unit_dropped(const eg_datum *d, int64_t unit) {
	const eg_dropped *x = d->dropped; /* the first number of the draw said whether it happens */
	return x && eg_rng_uniform((eg_rng){x->seed, x->stream}, 1 + (uint64_t)unit) < x->rate;
}

const eg_augment_type eg_augment_unit_dropout = {.name = "unit_dropout",
	.doc = "makes units of texts unknown: words, characters",
	.works_on = EG_KINDS_OF(TEXT) | EG_KINDS_OF(TOKENS),
	.usual = 1,
	.shorthand = "rate",
	EG_AUGMENT_KEYS(units_keys),
	.size = sizeof(units_options),
	.defaults = units_defaults,
	.apply = drop_units};
