/* source_moving_mnist.c - films of digits that move straight on and are thrown back by the edges, to be continued: the
 * rule of Srivastava, Mansimov and Salakhutdinov 2015 ("Unsupervised learning of video representations using LSTMs").
 *
 * The rule, for a record: for each of `digits` (2) which it is, which picture of it in mnist, where it begins (anywhere
 * inside), and a direction, all as likely. It moves 3.6 pixels a frame (a tenth of the way that it has) and is thrown
 * back where a further step would lead out; places are rounded to whole pixels. Where digits lie over one another their
 * pixels are added, and cut off at 255. The first `input_frames` are the input, the `target_frames` after them the
 * target. */
#include "data/made.h"

enum { INPUT, TARGET, SIDE = 64, FRAMES_MOST = 100, DIGITS_MOST = 8 };

typedef struct film_source {
	eg_made_digits of;
	int digits, input, target;
} film_source;

static const eg_key keys[] = {
	EG_MADE_DIGITS_KEYS("films", 10000, 1000),
	{.name = "digits",
		.type = EG_KEY_INT,
		.offset = offsetof(film_source, digits),
		.min = 1,
		.max = DIGITS_MOST,
		.def = 2,
		.doc = "how many digits move in a film"},
	{.name = "input_frames",
		.type = EG_KEY_INT,
		.offset = offsetof(film_source, input),
		.min = 1,
		.max = FRAMES_MOST,
		.def = 10,
		.doc = "how many frames are shown"},
	{.name = "target_frames",
		.type = EG_KEY_INT,
		.offset = offsetof(film_source, target),
		.min = 1,
		.max = FRAMES_MOST,
		.def = 10,
		.doc = "how many frames follow, which are to be foretold"},
};

static const eg_field fields[] = {{.name = "input", .kind = EG_FIELD_FRAMES, .C = 1, .H = SIDE, .W = SIDE},
	{.name = "target", .kind = EG_FIELD_FRAMES, .C = 1, .H = SIDE, .W = SIDE}};

static eg_status open_source(eg_source *base, eg_error *err) {
	const film_source *s = (const film_source *)base;
	EG_UNUSED(err);
	base->fields[INPUT].steps = s->input;
	base->fields[TARGET].steps = s->target;
	return EG_OK;
}

static eg_status read_record(
	const eg_source *base, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	const film_source *s = (const film_source *)base;
	const int n = s->input + s->target;
	eg_draw d = eg_made_draw(&s->of.made, part, i);
	uint8_t *pixels = eg_black(r, (size_t)n * SIDE * SIDE);
	if (!pixels) return eg_record_no_memory(err);
	for (int k = 0; k < s->digits; k++) {
		eg_datum_picture p;
		eg_status status = eg_stock_picture(&s->of.stock, part, (int)eg_draw_whole(&d, 0, 9), &d, &p, err);
		if (status) return status;
		const double way = SIDE - p.W, x = eg_draw_uniform(&d, 0, way), y = eg_draw_uniform(&d, 0, way);
		const double angle = eg_draw_uniform(&d, 0, 2 * acos(-1.0)), step = way / 10;
		for (int t = 0; t < n; t++)
			eg_paste(pixels + (size_t)t * SIDE * SIDE, SIDE, SIDE, &p,
			        (int)lround(eg_thrown_back(x + t * step * cos(angle), way)),
			        (int)lround(eg_thrown_back(y + t * step * sin(angle), way)), 255);
	}
	r->fields[INPUT] = (eg_datum){.there = true, .frames = {s->input, 1, SIDE, SIDE, 0, pixels}};
	r->fields[TARGET] = (eg_datum){
	        .there = true, .frames = {s->target, 1, SIDE, SIDE, 0, pixels + (size_t)s->input * SIDE * SIDE}};
	eg_made_only(r, wanted);
	return EG_OK;
}

const eg_source_type eg_source_type_moving_mnist = {
	.info = {.name = "moving-mnist",
		.doc = "films of two digits that move and are thrown back by the edges, 64x64, ten frames and the ten after them, "
		       "made by a rule of mnist (which has to be there)",
		.origin = "Srivastava, Mansimov, Salakhutdinov, 2015; made of mnist",
		.licence = "CC BY-SA 3.0",
		.fields = fields,
		.nfields = EG_COUNT(fields)},
	.keys = keys,
	.nkeys = EG_COUNT(keys),
	.size = sizeof(film_source),
	.open = open_source,
	.prepare = eg_made_digits_prepare,
	.read = read_record,
	.close = eg_made_digits_close};
