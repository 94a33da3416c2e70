/* record.c - the memory of a record, the names of kinds and parts, tags of spans, and boxes.
 *
 * A record that is read again and again uses the same memory: after some reads it holds one piece that is large
 * enough. */
#include "data/data.h"

#include <string.h>

const char *eg_field_kind_name(eg_field_kind kind) {
	static const char *const names[EG_FIELD_KINDS] = {
	        "picture", "label", "mask", "boxes", "text", "tokens", "tags", "series", "sound", "frames", "numbers"};
	return (unsigned)kind < EG_FIELD_KINDS ? names[kind] : NULL;
}

const char *eg_part_name(eg_part p) {
	static const char *const names[EG_PARTS] = {"train", "validation", "test"};
	return (unsigned)p < EG_PARTS ? names[p] : NULL;
}

bool eg_tag_may_follow(const char *tag, const char *before) {
	if (strncmp(tag, "I-", 2) != 0) return true;
	return before && (before[0] == 'B' || before[0] == 'I') && before[1] == '-' && strcmp(before + 2, tag + 2) == 0;
}

/* ---- boxes ------------------------------------------------------------------------------------------------------- */

static double within(double x, double most) { return x < 0 ? 0 : x > most ? most : x; }

bool eg_box_clip(eg_box *box, int H, int W) {
	box->x0 = within(box->x0, W), box->x1 = within(box->x1, W);
	box->y0 = within(box->y0, H), box->y1 = within(box->y1, H);
	return box->x0 < box->x1 && box->y0 < box->y1; /* nothing that is no number */
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* A piece of memory, the newest and largest first; its bytes follow. */
struct eg_record_memory {
	struct eg_record_memory *older;
	size_t size, used;
};

enum { ALIGN = 16, HEAD = (sizeof(struct eg_record_memory) + ALIGN - 1) / ALIGN * ALIGN, LEAST = 1024 };

void *eg_record_room(eg_record *r, size_t bytes) {
	struct eg_record_memory *m = r->memory;
	if (bytes > SIZE_MAX / 4) return NULL;
	size_t take = (bytes + ALIGN - 1) / ALIGN * ALIGN;
	if (!m || take > m->size - m->used) {
		size_t size = m ? 2 * m->size : LEAST;
		if (size < take) size = take;
		struct eg_record_memory *more = eg_alloc(NULL, HEAD + size);
		if (!more) return NULL;
		*more = (struct eg_record_memory){.older = m, .size = size};
		r->memory = m = more;
	}
	void *room = (char *)m + HEAD + m->used;
	m->used += take;
	return room;
}

static void free_chain(struct eg_record_memory *m) {
	for (struct eg_record_memory *older; m; m = older) {
		older = m->older;
		eg_release(NULL, m);
	}
}

void eg_record_reset(eg_record *r) {
	if (!r->memory) return;
	free_chain(r->memory->older);
	r->memory->older = NULL;
	r->memory->used = 0;
}

void eg_record_free(eg_record *r) {
	if (!r) return;
	free_chain(r->memory);
	*r = (eg_record){0};
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

eg_status eg_record_no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a record"); }

/* Digits by hand: pictures in memory are handed out faster than printf writes a number. */
eg_status eg_record_number(eg_record *r, int64_t i, eg_error *err) {
	enum { DIGITS = 24 };
	char *text = eg_record_room(r, DIGITS);
	if (!text) return eg_record_no_memory(err);
	char *at = text + DIGITS - 1;
	*at = '\0';
	do *--at = (char)('0' + i % 10);
	while ((i /= 10) > 0);
	r->id = at;
	return EG_OK;
}

char *eg_record_printf(eg_record *r, const char *fmt, ...) {
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	char *text = n >= 0 ? eg_record_room(r, (size_t)n + 1) : NULL;
	if (!text) return NULL;
	va_start(args, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, args);
	va_end(args);
	return text;
}
