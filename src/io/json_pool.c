/* json_pool.c - what a text of JSON needs, counted before it is read, and a pool of that size. See json_pool.h. */
#include "io/json_pool.h"

#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

/* ---- counting ---------------------------------------------------------------------------------------------------- */

/* Line and column of a place are found when they are wanted. */
static eg_status fail_at(eg_error *err, const char *source, const char *text, const char *place, const char *fmt, ...)
	EG_PRINTF(5, 6);
static eg_status fail_at(eg_error *err, const char *source, const char *text, const char *place, const char *fmt, ...) {
	char what[100];
	int line = 1, column = 1;
	va_list args;
	va_start(args, fmt);
	vsnprintf(what, sizeof what, fmt, args);
	va_end(args);
	for (const char *s = text; s < place; s++) {
		line += *s == '\n';
		column = *s == '\n' ? 1 : column + (((unsigned char)*s & 0xC0) != 0x80);
	}
	return eg_fail(err, EG_ERR_FORMAT, "%s: JSON, line %d, column %d: %s", source, line, column, what);
}

static bool one_of(const char *set, char c) { return c && strchr(set, c); }

/* Behind the token that begins at s: a text, a bracket, comma or colon, or what stands between those. */
static const char *token_end(const char *s, const char *end) {
	static const char marks[] = "[]{},:", ends[] = "[]{},:\" \t\r\n";
	if (one_of(marks, *s)) return s + 1;
	if (*s != '"') {
		while (s < end && !one_of(ends, *s)) s++;
		return s;
	}
	for (s++; s < end && *s != '"'; s++)
		if (*s == '\\' && s + 1 < end) s++;
	return s < end ? s + 1 : end;
}

typedef struct counts {
	size_t maps, lists, pairs, nodes, longest;
} counts;

/* At most, in bytes, each piece a multiple of 16 (jansson 2.14 in brackets). Tables double, and what they were before
 * stays in the pool: all are less than twice the last.
 *   map    its head and the first eight buckets (208)
 *   list   its head and the first eight slots (112)
 *   pair   of a map: buckets, pair, and a copy of the key (154)
 *   node   slot in a list, scalar, and what a text has besides its bytes (82)
 * A key's bytes are there twice; the token that is being read, in a buffer that doubles, four times. */
static size_t room_for(const counts *n, size_t size) {
	return 512 + 256 * n->maps + 128 * n->lists + 192 * n->pairs + 128 * n->nodes + 2 * size + 4 * n->longest;
}

eg_status eg_json_survey(
	const char *text, size_t size, const char *source, const eg_json_limits *limits, size_t *room, eg_error *err) {
	const char *end = text + size, *zero = memchr(text, 0, size), *next;
	bool begins = true; /* the next token is a value, or a key whose value is not counted again */
	counts n = {0};
	int depth = 0;
	*room = 0;
	if (zero) return fail_at(err, source, text, zero, "byte 0x00"); /* which jansson skips in some places */
	for (const char *s = text; s < end; s = next) {
		next = s + 1;
		if (one_of(" \t\r\n", *s)) continue;
		bool opens = *s == '[' || *s == '{', closes = *s == ']' || *s == '}';
		if (begins && !closes && ++n.nodes > (size_t)limits->nodes)
			return fail_at(err, source, text, s, "more than %d values", limits->nodes);
		depth += opens ? 1 : closes ? -1 : 0;
		if (depth > limits->depth)
			return fail_at(err, source, text, s, "nested more than %d deep", limits->depth - 1);
		n.maps += *s == '{';
		n.lists += *s == '[';
		n.pairs += *s == ':';
		next = token_end(s, end);
		if ((size_t)(next - s) > n.longest) n.longest = (size_t)(next - s);
		begins = opens || *s == ',';
	}
	*room = room_for(&n, size);
	return EG_OK;
}

/* ---- pool -------------------------------------------------------------------------------------------------------- */

/* No _Thread_local: in a library that is loaded late its memory is taken at first use, and the process ends if there is
 * none. */
static pthread_key_t here;
static atomic_bool have_key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void make_key(void) { have_key = pthread_key_create(&here, NULL) == 0; }

eg_json_pool *eg_json_pool_here(void) { return have_key ? pthread_getspecific(here) : NULL; }

void *eg_json_pool_take(eg_json_pool *p, size_t bytes) {
	const size_t align = alignof(max_align_t);
	size_t left = p->room - p->used, pad = (align - bytes % align) % align;
	if (left < pad || bytes > left - pad) longjmp(p->full, 1);
	p->used += bytes + pad;
	return p->block + p->used - bytes - pad;
}

/* Without variables of its own, which a jump would leave undefined. */
static bool guarded(eg_json_pool *p, void (*step)(void *user), void *user) {
	if (setjmp(p->full) != 0) return false;
	step(user);
	return true;
}

bool eg_json_pool_run(eg_json_pool *p, size_t room, void (*step)(void *user), void *user) {
	bool done = false;
	pthread_once(&once, make_key);
	if (!have_key || pthread_setspecific(here, p)) return false;
	for (; !done && room <= SIZE_MAX / 4; room *= 2) {
		eg_json_pool_free(p);
		p->block = eg_alloc(NULL, room);
		if (!p->block) break;
		p->room = room;
		done = guarded(p, step, user);
	}
	pthread_setspecific(here, NULL);
	if (!done) eg_json_pool_free(p);
	return done;
}

void eg_json_pool_free(eg_json_pool *p) {
	eg_release(NULL, p->block);
	p->block = NULL;
	p->room = p->used = 0;
}
