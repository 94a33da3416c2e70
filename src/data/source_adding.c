/* source_adding.c - the adding problem: Hochreiter and Schmidhuber 1997 ("Long short-term memory", experiment 4), in
 * the form of Le, Jaitly and Hinton 2015 ("A simple way to initialize recurrent networks of rectified linear
 * units").
 *
 * A record has T steps of two numbers: a value, uniform in [0,1), and a marker. Two markers are 1, one in the first
 * half of the steps and one in the second; all others are 0. Wanted is the sum of the two marked values, told after
 * the last step. Who always answers 1 has a mean squared error of 1/6, the variance of the sum; to do better, a
 * network has to carry a number over half the sequence on average.
 *
 * Nothing is stored: a record is a function of seed, part and its number. */
#include "data/data.h"

#include <math.h>

enum { INPUT, TARGET, COLUMNS = 2 };

typedef struct adding_source {
	eg_source base;
	int steps;
	int64_t train, test;
} adding_source;

static const eg_key keys[] = {
	{.name = "steps",
		.type = EG_KEY_INT,
		.offset = offsetof(adding_source, steps),
		.min = 2,
		.max = 100000,
		.def = 100,
		.doc = "how long a sequence is"},
	{.name = "count",
		.type = EG_KEY_INT64,
		.offset = offsetof(adding_source, train),
		.min = 1,
		.max = 1e9,
		.def = 100000,
		.doc = "how many sequences to train on; the share `validation` of so many more are made to judge each "
		       "epoch"},
	{.name = "test_count",
		.type = EG_KEY_INT64,
		.offset = offsetof(adding_source, test),
		.min = 1,
		.max = 1e9,
		.def = 10000,
		.doc = "how many others make the test part"},
};

static const char *const columns[COLUMNS] = {"value", "marker"}, *const sum[1] = {"sum"};
static const eg_field fields[] = {
	{.name = "input", .kind = EG_FIELD_SERIES, .columns = COLUMNS, .names = columns, .nnames = COLUMNS},
	{.name = "target", .kind = EG_FIELD_NUMBERS, .columns = 1, .names = sum, .nnames = 1}};

static eg_status open_source(eg_source *base, eg_error *err) {
	EG_UNUSED(err);
	base->fields[INPUT].steps = ((adding_source *)base)->steps;
	return EG_OK;
}

static eg_status prepare(eg_source *base, eg_part part, eg_error *err) {
	const adding_source *s = (const adding_source *)base;
	EG_UNUSED(err);
	base->count[part] = part == EG_PART_TRAIN  ? s->train
	                    : part == EG_PART_TEST ? s->test
	                                           : (int64_t)llround((double)s->train * base->validation);
	return EG_OK;
}

/* T steps into x (NULL: not wanted); returns the sum. */
static float make(eg_rng rng, int T, float *x) {
	uint64_t blocks = ((uint64_t)T + 3) / 4;
	int first = (int)eg_rng_below(rng, blocks, (uint64_t)T / 2);
	int second = T / 2 + (int)eg_rng_below(rng, blocks + 1, (uint64_t)(T - T / 2));
	uint32_t bits[4];
	float total = 0;
	for (int t = 0; t < T; t++) {
		bool marked = t == first || t == second;
		if (t % 4 == 0) eg_rng_u32x4(rng, (uint64_t)t / 4, bits);
		float value = (float)(bits[t % 4] >> 8) * 0x1p-24f;
		if (x) x[COLUMNS * t] = value, x[COLUMNS * t + 1] = marked;
		if (marked) total += value;
	}
	return total;
}

static eg_status read_record(
	const eg_source *base, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	const adding_source *s = (const adding_source *)base;
	float *x = NULL, *y = eg_record_room(r, sizeof *y);
	if (wanted & 1u << INPUT) x = eg_record_room(r, (size_t)s->steps * COLUMNS * sizeof *x);
	if (!y || (wanted & 1u << INPUT && !x)) return eg_record_no_memory(err);
	*y = make((eg_rng){base->seed, eg_stream(EG_RNG_DATA, (uint32_t)part, (uint64_t)i)}, s->steps, x);
	if (x) r->fields[INPUT] = (eg_datum){.there = true, .series = {s->steps, COLUMNS, x, NULL}};
	if (wanted & 1u << TARGET) r->fields[TARGET] = (eg_datum){.there = true, .numbers = {1, y}};
	return EG_OK;
}

const eg_source_type eg_source_type_adding = {.info = {.name = "adding",
						      .doc = "the adding problem, computed: sequences of values and "
							     "marks; wanted is the sum of the two marked values",
						      .origin = "Hochreiter and Schmidhuber, 1997",
						      .licence = "none needed",
						      .fields = fields,
						      .nfields = EG_COUNT(fields)},
	.keys = keys,
	.nkeys = EG_COUNT(keys),
	.size = sizeof(adding_source),
	.open = open_source,
	.prepare = prepare,
	.read = read_record};
