/* source_moving_digits.c - films in which handwritten digits (source mnist) do one of twelve things.
 *
 * The rule, for a record: one or two digits (up to `most_digits`), which they are and which pictures of them, all as
 * likely; then what they do, all of them the same, each in its own way. A digit has a place (its middle), a size (0.7
 * to 1 times MNIST's at first) and an angle. In 16 frames
 *   right, down-right, down, down-left, left, up-left, up, up-right: it moves straight on, by 12 to 30 pixels in all
 *     (of a slanting way: along each axis);
 *   bounce: it moves along both axes by 1.2 to 2 times the way between the edges, which throw it back;
 *   rotate: it turns by a quarter to three quarters, to either side;
 *   grow: it becomes 1.4 to 1.8 times as large, evenly;
 *   still: nothing changes.
 * Everything stays inside; a place or an action that would lead out is drawn anew. Places are rounded to whole pixels;
 * pixels of digits that overlap are added and cut off at 255.
 *
 * With `actions` above 1 a film has 16 frames for each, one action after the other from where the last has led, each
 * another than that before it; a border between two is up to 4 frames earlier or later. Then the film has no label.
 * The tag of a frame is what has led to it from the frame before; the first has that of the second.
 *
 * With `recast` each action has digits of its own, which are there from its first frame on; its tag is the action's.
 *
 * The caption says all of it, in words of lower case:
 *   caption = clause, clause ", then" clause, ...: one for each action; the first names its digits, the others with
 *             `recast`
 *   clause  = ["a" digit, "an eight", several with "and" between, the smaller first] verb
 *   verb    = "moves" direction, "bounces", "turns", "grows", "stays"; of several digits "move" direction, ... */
#include "data/made.h"

#include <string.h>

enum { FILM, LABEL, TAGS, CAPTION, SIDE = 64, SPRITE = 44, FRAMES = 16, JITTER = 4, DIGITS_MOST = 4, ACTIONS_MOST = 16 };
enum { BOUNCE = 8, ROTATE, GROW, STILL, ACTIONS };

static const char *const actions[ACTIONS] = {"right", "down-right", "down", "down-left", "left", "up-left", "up", "up-right",
	"bounce", "rotate", "grow", "still"};
/* Of one digit, and of several. */
static const char *const verbs[ACTIONS - BOUNCE][2] = {{"bounces", "bounce"}, {"turns", "turn"}, {"grows", "grow"}, {"stays", "stay"}};
/* Of the eight directions, in their order. */
static const int along_x[BOUNCE] = {1, 1, 0, -1, -1, -1, 0, 1}, along_y[BOUNCE] = {0, 1, 1, 1, 0, -1, -1, -1};

typedef struct film_source {
	eg_made_digits of;
	int most_digits, actions;
	bool recast;
} film_source;

static const eg_key keys[] = {
	EG_MADE_DIGITS_KEYS("films", 20000, 2000),
	{.name = "most_digits",
		.type = EG_KEY_INT,
		.offset = offsetof(film_source, most_digits),
		.min = 1,
		.max = DIGITS_MOST,
		.def = 2,
		.doc = "the most digits in a film; one is the fewest"},
	{.name = "actions",
		.type = EG_KEY_INT,
		.offset = offsetof(film_source, actions),
		.min = 1,
		.max = ACTIONS_MOST,
		.def = 1,
		.doc = "how many things happen in a film, one after the other, in 16 frames each on average"},
	{.name = "recast",
		.type = EG_KEY_BOOL,
		.offset = offsetof(film_source, recast),
		.doc = "each of them with other digits (default: false)"},
};

static const eg_field fields[] = {{.name = "frames", .kind = EG_FIELD_FRAMES, .C = 1, .H = SIDE, .W = SIDE, .steps = FRAMES},
	{.name = "label", .kind = EG_FIELD_LABEL, .names = actions, .nnames = ACTIONS},
	{.name = "tags", .kind = EG_FIELD_TAGS, .names = actions, .nnames = ACTIONS},
	{.name = "caption", .kind = EG_FIELD_TEXT}};

static eg_status open_source(eg_source *base, eg_error *err) {
	EG_UNUSED(err);
	base->fields[FILM].steps = FRAMES * ((const film_source *)base)->actions;
	return EG_OK;
}

/* ---- one digit --------------------------------------------------------------------------------------------------- */

enum { HALF = 14 /* of MNIST's pictures */ };
static const double least_travel = 12, most_travel = 30, least_growth = 1.4, most_growth = 1.8, most_scale = 1.5;

typedef struct state {
	double x, y, scale, angle;
} state;
/* What a step of an action changes; of bouncing the way as if there were no edges. */
typedef struct action_plan {
	int action;
	double x, y, scale, angle;
} action_plan;
typedef struct mover {
	int digit;
	eg_datum_picture real, sprite; /* sprite: as `drawn` has it */
	state now, drawn;
	action_plan plan;
} mover;

static double half_of(const state *s) { return HALF * s->scale; }

/* How far it may go in a direction until it touches an edge. */
static double room_along(const state *s, int action) {
	const double half = half_of(s);
	double room = SIDE;
	if (along_x[action]) room = fmin(room, along_x[action] > 0 ? SIDE - half - s->x : s->x - half);
	if (along_y[action]) room = fmin(room, along_y[action] > 0 ? SIDE - half - s->y : s->y - half);
	return room;
}

static double growth_room(const state *s) {
	const double nearest = fmin(fmin(s->x, SIDE - s->x), fmin(s->y, SIDE - s->y));
	return fmin(fmin(nearest / half_of(s), most_scale / s->scale), most_growth);
}

static bool fits(const state *s, int action) {
	if (action < BOUNCE) return room_along(s, action) >= least_travel;
	return action != GROW || growth_room(s) >= least_growth;
}

static double either(eg_draw *d) { return eg_draw_whole(d, 0, 1) ? 1 : -1; }

static action_plan plan_action(const state *s, int action, int steps, eg_draw *d) {
	action_plan p = {.action = action};
	const double way = SIDE - 2 * half_of(s), turn = 2 * acos(-1.0);
	if (action < BOUNCE) {
		const double travel = eg_draw_uniform(d, least_travel, fmin(room_along(s, action), most_travel)) / steps;
		p.x = along_x[action] * travel, p.y = along_y[action] * travel;
	} else if (action == BOUNCE) {
		p.x = either(d) * eg_draw_uniform(d, 1.2, 2) * way / steps;
		p.y = either(d) * eg_draw_uniform(d, 1.2, 2) * way / steps;
	} else if (action == ROTATE) {
		p.angle = either(d) * eg_draw_uniform(d, 0.25, 0.75) * turn / steps;
	} else if (action == GROW) {
		p.scale = s->scale * (eg_draw_uniform(d, least_growth, growth_room(s)) - 1) / steps;
	}
	return p;
}

/* Where `steps` steps lead from s. */
static state after(const state *s, const action_plan *p, int steps) {
	const double half = half_of(s), way = SIDE - 2 * half;
	state to = {s->x + p->x * steps, s->y + p->y * steps, s->scale + p->scale * steps, s->angle + p->angle * steps};
	if (p->action != BOUNCE) return to;
	to.x = half + eg_thrown_back(to.x - half, way);
	to.y = half + eg_thrown_back(to.y - half, way);
	return to;
}

static eg_status show(mover *m, const state *at, uint8_t *frame, eg_record *r, eg_error *err) {
	if (!m->sprite.pixels || at->scale != m->drawn.scale || at->angle != m->drawn.angle) {
		const eg_move how = eg_sprite_move(SPRITE, at->scale, at->angle);
		eg_status status = eg_sprite(&m->real, SPRITE, &how, r, &m->sprite, err);
		if (status) return status;
		m->drawn = *at;
	}
	eg_paste(frame, SIDE, SIDE, &m->sprite, (int)lround(at->x) - SPRITE / 2, (int)lround(at->y) - SPRITE / 2, 255);
	return EG_OK;
}

/* ---- a film ------------------------------------------------------------------------------------------------------ */

typedef struct film {
	mover digits[DIGITS_MOST];
	int ndigits, frames;
	uint8_t *pixels; /* NULL: not wanted */
	int32_t *tags;
} film;

static eg_status begin(const film_source *s, eg_part part, int action, film *f, eg_draw *d, eg_error *err) {
	f->ndigits = (int)eg_draw_whole(d, 1, s->most_digits);
	for (int k = 0; k < f->ndigits; k++) {
		mover *m = &f->digits[k];
		*m = (mover){.digit = (int)eg_draw_whole(d, 0, 9)};
		eg_status status = eg_stock_picture(&s->of.stock, part, m->digit, d, &m->real, err);
		if (status) return status;
		m->now.scale = eg_draw_uniform(d, 0.7, 1);
		do {
			const double half = half_of(&m->now);
			m->now.x = eg_draw_uniform(d, half, SIDE - half);
			m->now.y = eg_draw_uniform(d, half, SIDE - half);
		} while (!fits(&m->now, action));
	}
	return EG_OK;
}

/* Another action than the last, that all digits have room for, unless others come; there is always one: to stand still,
 * or to rotate. */
static int next_action(const film *f, int last, bool recast, eg_draw *d) {
	for (;;) {
		const int action = (int)eg_draw_whole(d, 0, ACTIONS - 1);
		bool all = action != last;
		for (int k = 0; k < f->ndigits && !recast; k++) all = all && fits(&f->digits[k].now, action);
		if (all) return action;
	}
}

/* Frames from..to-1; what they show at first is there already, unless the digits are `new`. */
static eg_status act(film *f, int action, int from, int to, bool new, eg_draw *d, eg_record *r, eg_error *err) {
	const int still = new, steps = to - from - still;
	eg_status status = EG_OK;
	for (int k = 0; k < f->ndigits; k++) {
		mover *m = &f->digits[k];
		m->plan = plan_action(&m->now, action, steps, d);
		for (int t = from; t < to && f->pixels && !status; t++) {
			const state at = after(&m->now, &m->plan, t - from + 1 - still);
			status = show(m, &at, f->pixels + (size_t)t * SIDE * SIDE, r, err);
		}
		m->now = after(&m->now, &m->plan, steps);
	}
	for (int t = from; t < to; t++) f->tags[t] = action;
	return status;
}

/* ---- what is said of it ------------------------------------------------------------------------------------------ */

/* "a two and an eight", the smaller first. */
static const char *say_digits(const film *f, eg_record *r) {
	const char *text = NULL;
	for (int digit = 0; digit < 10; digit++)
		for (int k = 0; k < f->ndigits; k++) {
			if (f->digits[k].digit != digit) continue;
			text = eg_record_printf(r, "%s%s%s %s", text ? text : "", text ? " and " : "", digit == 8 ? "an" : "a", eg_digit_words[digit]);
			if (!text) return NULL;
		}
	return text;
}

/* The caption with one more action; NULL: out of memory. */
static const char *say_action(const film *f, const char *before, int action, bool named, eg_record *r) {
	const bool several = f->ndigits > 1;
	const char *digits = named ? say_digits(f, r) : "", *verb = action < BOUNCE ? (several ? "move" : "moves") : verbs[action - BOUNCE][several];
	if (!digits || !before) return NULL;
	return eg_record_printf(r, "%s%s%s%s%s%s%s", before, *before ? ", then " : "", digits, named ? " " : "", verb, action < BOUNCE ? " " : "",
		action < BOUNCE ? actions[action] : "");
}

static eg_status read_record(
	const eg_source *base, eg_part part, int64_t i, unsigned wanted, eg_record *r, eg_error *err) {
	const film_source *s = (const film_source *)base;
	const bool seen = (wanted & 1u << FILM) != 0;
	eg_draw d = eg_made_draw(&s->of.made, part, i);
	film f = {.frames = FRAMES * s->actions};
	f.pixels = seen ? eg_black(r, (size_t)f.frames * SIDE * SIDE) : NULL;
	f.tags = eg_record_room(r, (size_t)f.frames * sizeof *f.tags);
	if ((seen && !f.pixels) || !f.tags) return eg_record_no_memory(err);
	int action = (int)eg_draw_whole(&d, 0, ACTIONS - 1);
	const char *caption = "";
	eg_status status = begin(s, part, action, &f, &d, err);
	for (int k = 0, from = 0; k < s->actions && !status; k++) {
		const bool last = k + 1 == s->actions, new = k == 0 || s->recast;
		const int to = last ? f.frames : FRAMES * (k + 1) + (int)eg_draw_whole(&d, -JITTER, JITTER);
		if (k > 0) action = next_action(&f, action, s->recast, &d);
		if (k > 0 && s->recast) status = begin(s, part, action, &f, &d, err);
		if (!status) status = act(&f, action, from, to, new, &d, r, err);
		const char *more = say_action(&f, caption, action, new, r);
		if (!more) return eg_record_no_memory(err);
		caption = more, from = to;
	}
	if (status) return status;
	r->fields[FILM] = (eg_datum){.there = true, .frames = {f.frames, 1, SIDE, SIDE, 0, f.pixels}};
	if (s->actions == 1) r->fields[LABEL] = (eg_datum){.there = true, .label = action};
	r->fields[TAGS] = (eg_datum){.there = true, .tags = {f.frames, f.tags}};
	r->fields[CAPTION] = (eg_datum){.there = true, .text = {caption, strlen(caption)}};
	eg_made_only(r, wanted);
	return EG_OK;
}

const eg_source_type eg_source_type_moving_digits = {
	.info = {.name = "moving-digits",
		.doc = "films of 16 frames of 64x64 in which one or two digits do one of twelve things, with captions, made by a rule of "
		       "mnist (which has to be there)",
		.origin = "made of mnist",
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
