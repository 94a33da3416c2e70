/* made.c - what sources share whose records are made by a rule. See made.h. */
#include "data/made.h"

#include <string.h>

const char *const eg_digit_names[10] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
const char *const eg_digit_words[10] = {EG_DIGIT_WORDS};

/* ---- the source -------------------------------------------------------------------------------------------------- */

int64_t eg_made_count(const eg_made_source *s, eg_part part) {
	return part == EG_PART_TRAIN  ? s->train
	       : part == EG_PART_TEST ? s->test
	                              : (int64_t)llround((double)s->train * s->base.validation);
}

void eg_made_only(eg_record *r, unsigned wanted) {
	for (int k = 0; k < EG_MAX_FIELDS; k++)
		if (!(wanted >> k & 1)) r->fields[k] = (eg_datum){0};
}

eg_draw eg_made_draw(const eg_made_source *s, eg_part part, int64_t i) {
	return (eg_draw){{(uint64_t)s->seed, eg_stream(EG_RNG_DATA, (uint32_t)part, (uint64_t)i)}, 0};
}

/* ---- the real records, by kind ----------------------------------------------------------------------------------- */

static eg_part real_part(eg_part part) { return part == EG_PART_TEST ? EG_PART_TEST : EG_PART_TRAIN; }

static int find_group(const eg_stock *k, const char *group) {
	for (int g = 0; g < k->ngroups; g++)
		if (strcmp(k->groups[g], group) == 0) return g;
	return -1;
}

/* Keeps the groups sorted. */
static eg_status add_group(eg_stock *k, const char *group, eg_error *err) {
	if (find_group(k, group) >= 0) return EG_OK;
	eg_arena *arena = &k->source->arena;
	const char **more = eg_arena_alloc(arena, ((size_t)k->ngroups + 1) * sizeof *more);
	const char *name = eg_arena_strdup(arena, group);
	if (!more || !name) return eg_source_no_memory(k->source, err);
	int at = 0;
	for (int g = 0; g < k->ngroups; g++) {
		if (strcmp(k->groups[g], name) < 0) at = g + 1;
		more[g + (strcmp(k->groups[g], name) > 0)] = k->groups[g];
	}
	more[at] = name;
	k->groups = more, k->ngroups++;
	return EG_OK;
}

static const char *group_of(const eg_record *r) { return r->group ? r->group : ""; }

static eg_status open_stock(eg_stock *k, eg_source *of, const char *name, const char *folder, eg_error *err) {
	const char *settings[2] = {NULL, NULL};
	eg_record r = {0};
	if (folder && !(folder = eg_source_path(of, folder, err))) return EG_ERR_MEMORY;
	if (folder && !(settings[0] = eg_arena_printf(&of->arena, "path=%s", folder))) return eg_source_no_memory(of, err);
	eg_status status = eg_source_open(name, settings, &k->source, err);
	for (int p = 0; p < EG_PARTS && !status; p++) {
		if (p == EG_PART_VALIDATION) continue;
		status = eg_source_prepare(k->source, (eg_part)p, err);
		for (int64_t i = 0; i < eg_source_count(k->source, (eg_part)p) && !status; i++) {
			status = eg_source_read(k->source, (eg_part)p, i, 1u << EG_STOCK_LABEL, &r, err);
			if (!status) status = add_group(k, group_of(&r), err);
		}
	}
	eg_record_free(&r);
	k->owner = of;
	k->classes = status ? 0 : eg_source_field(k->source, EG_STOCK_LABEL)->nnames;
	if (status) eg_stock_close(k);
	return status;
}

/* Which share of a kind's n records serves a part. */
static void share(const eg_source *of, eg_part part, uint32_t n, uint32_t *first, uint32_t *behind) {
	uint32_t kept = of->validation > 0 && part != EG_PART_TEST ? n / 10 + (n > 1 && n < 10) : 0;
	*first = part == EG_PART_VALIDATION ? n - kept : 0;
	*behind = part == EG_PART_TRAIN ? n - kept : n;
}

/* Counts kinds, or, with `out`, writes the records of each behind one another. */
static eg_status sort_real(const eg_stock *k, eg_part whole, uint32_t *at, uint32_t *out, eg_error *err) {
	eg_record r = {0};
	eg_status status = EG_OK;
	for (int64_t i = 0; i < eg_source_count(k->source, whole) && !status; i++) {
		status = eg_source_read(k->source, whole, i, 1u << EG_STOCK_LABEL, &r, err);
		if (status) break;
		const int kind = find_group(k, group_of(&r)) * k->classes + r.fields[EG_STOCK_LABEL].label;
		if (out)
			out[at[kind]++] = (uint32_t)i;
		else
			at[kind + 1]++;
	}
	eg_record_free(&r);
	return status;
}

eg_status eg_stock_prepare(
	eg_stock *k, eg_source *of, const char *name, const char *folder, eg_part part, eg_error *err) {
	eg_status status = k->source ? EG_OK : open_stock(k, of, name, folder, err);
	if (status || k->from[part]) return status;
	const int kinds = k->ngroups * k->classes;
	const eg_part whole = real_part(part);
	eg_arena *arena = &k->source->arena;
	uint32_t *items = eg_arena_alloc(arena, ((size_t)eg_source_count(k->source, whole) + 1) * sizeof *items);
	uint32_t *from = eg_arena_alloc(arena, ((size_t)kinds + 1) * sizeof *from);
	uint32_t *at = eg_arena_alloc(arena, ((size_t)kinds + 1) * sizeof *at);
	if (!items || !from || !at) return eg_source_no_memory(of, err);
	status = sort_real(k, whole, from, NULL, err);
	if (status) return status;
	for (int j = 0; j < kinds; j++) from[j + 1] += from[j];
	memcpy(at, from, ((size_t)kinds + 1) * sizeof *at);
	status = sort_real(k, whole, at, items, err);
	if (!status) k->items[part] = items, k->from[part] = from;
	return status;
}

void eg_stock_close(eg_stock *k) {
	eg_source_close(k->source);
	*k = (eg_stock){0};
}

eg_status eg_stock_draw(
	const eg_stock *k, eg_part part, int kind, eg_draw *d, unsigned wanted, eg_record *r, eg_error *err) {
	const uint32_t *from = k->from[part];
	uint32_t first, behind;
	share(k->owner, part, from[kind + 1] - from[kind], &first, &behind);
	if (first >= behind)
		return eg_fail(err, EG_ERR_FORMAT, "%s has no record of class '%s'%s%s for the part '%s'",
		        eg_source_info(k->source)->name, eg_source_name(k->source, EG_STOCK_LABEL, kind % k->classes),
		        k->ngroups > 1 ? " of " : "", k->ngroups > 1 ? k->groups[kind / k->classes] : "", eg_part_name(part));
	const uint32_t item = k->items[part][from[kind] + (uint32_t)eg_draw_whole(d, first, (int64_t)behind - 1)];
	return eg_source_read(k->source, real_part(part), item, wanted, r, err);
}

eg_status eg_stock_picture(
	const eg_stock *k, eg_part part, int label, eg_draw *d, eg_datum_picture *p, eg_error *err) {
	eg_record r = {0};
	eg_status status = eg_stock_draw(k, part, label, d, 1, &r, err);
	*p = r.fields[0].picture; /* in the set, which outlives the record */
	eg_record_free(&r);
	return status;
}

/* ---- made of the digits of mnist --------------------------------------------------------------------------------- */

eg_status eg_made_digits_prepare(eg_source *base, eg_part part, eg_error *err) {
	eg_made_digits *s = (eg_made_digits *)base;
	base->count[part] = eg_made_count(&s->made, part);
	return eg_stock_prepare(&s->stock, base, "mnist", s->pictures, part, err);
}

void eg_made_digits_close(eg_source *base) { eg_stock_close(&((eg_made_digits *)base)->stock); }

/* ---- pictures ---------------------------------------------------------------------------------------------------- */

uint8_t *eg_black(eg_record *r, size_t bytes) {
	uint8_t *room = eg_record_room(r, bytes);
	if (room) memset(room, 0, bytes);
	return room;
}

eg_move eg_sprite_move(int side, double scale, double angle) {
	const double c = cos(angle) / scale, s = sin(angle) / scale;
	return eg_move_about_middle(c, s, -s, c, side, side);
}

eg_status eg_sprite(const eg_datum_picture *p, int side, const eg_move *m, eg_record *r, eg_datum_picture *out,
	eg_error *err) {
	uint8_t *square = eg_black(r, (size_t)side * (size_t)side);
	if (!square) return eg_record_no_memory(err);
	eg_paste(square, side, side, p, (side - p->W) / 2, (side - p->H) / 2, 255);
	*out = (eg_datum_picture){1, side, side, square};
	return eg_move_picture(m, EG_EDGE_ZERO, r, out, err);
}

eg_ink eg_ink_of(const eg_datum_picture *p) {
	enum { NEARLY_BLACK = 32 };
	eg_ink b = {p->W, p->H, 0, 0};
	for (int y = 0; y < p->H; y++)
		for (int x = 0; x < p->W; x++) {
			if (p->pixels[y * p->W + x] < NEARLY_BLACK) continue;
			if (x < b.x0) b.x0 = x;
			if (y < b.y0) b.y0 = y;
			if (x + 1 > b.x1) b.x1 = x + 1;
			b.y1 = y + 1;
		}
	return b.x1 > b.x0 ? b : (eg_ink){0, 0, p->W, p->H};
}

double eg_thrown_back(double x, double way) {
	if (way <= 0) return 0;
	const double turn = 2 * way, at = x - turn * floor(x / turn);
	return at <= way ? at : turn - at;
}

void eg_paste(uint8_t *area, int H, int W, const eg_datum_picture *p, int x, int y, int strength) {
	for (int j = 0; j < p->H; j++) {
		if (y + j < 0 || y + j >= H) continue;
		uint8_t *row = area + (ptrdiff_t)(y + j) * W;
		const uint8_t *in = p->pixels + (ptrdiff_t)j * p->W;
		for (int i = x < 0 ? -x : 0; i < p->W && x + i < W; i++) {
			const int sum = row[x + i] + (in[i] * strength + 127) / 255;
			row[x + i] = (uint8_t)(sum > 255 ? 255 : sum);
		}
	}
}
