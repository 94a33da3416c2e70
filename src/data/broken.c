/* broken.c - records that cannot be read: they are gathered, so that one run names them all, and left out where the
 * recipe says so (`broken: skip`).
 *
 * Not here: finding them, which is each source's business. */
#include "data/data.h"

#include <string.h>

enum { NAMED = 40 };

struct eg_broken {
	int64_t n;
	char first[400]; /* what is wrong with the first of the part at hand; empty: none yet */
	size_t size;
	char text[NAMED * 240 + 80];
};

const char *const eg_broken_names[] = {"error", "skip", NULL};

int64_t eg_broken_count(const eg_source *s) { return s->broken ? s->broken->n : 0; }

static void say(struct eg_broken *b, const char *line, int most) {
	int n = snprintf(b->text + b->size, sizeof b->text - b->size, "%s%.*s", b->size ? "\n" : "", most, line);
	if (n > 0) b->size += (size_t)n < sizeof b->text - b->size ? (size_t)n : sizeof b->text - b->size - 1;
}

eg_status eg_broken_add(eg_source *s, eg_status status, const eg_error *why, eg_error *err) {
	if (status != EG_ERR_FORMAT && status != EG_ERR_IO) return eg_fail(err, status, "%s", why->message);
	if (!s->broken && !(s->broken = eg_calloc(NULL, 1, sizeof *s->broken))) return eg_source_no_memory(s, err);
	struct eg_broken *b = s->broken;
	if (b->n++ < NAMED) say(b, why->message, 238);
	if (!b->first[0]) snprintf(b->first, sizeof b->first, "%.*s", (int)sizeof b->first - 1, why->message);
	return EG_OK;
}

const char *eg_source_broken(const eg_source *s) {
	struct eg_broken *b = s->broken;
	char more[80];
	if (!b || b->n == 0) return NULL;
	if (b->n > NAMED && !strstr(b->text, "\nand ")) {
		snprintf(more, sizeof more, "and %lld more", (long long)(b->n - NAMED));
		say(b, more, 70);
	}
	return b->text;
}

eg_status eg_broken_end(eg_source *s, eg_part part, int64_t before, int64_t all, eg_error *err) {
	struct eg_broken *b = s->broken;
	char first[sizeof b->first];
	if (!b || b->n == before) return EG_OK;
	long long n = (long long)(b->n - before);
	const char *them = n == 1 ? "it" : "them";
	memcpy(first, b->first, sizeof first);
	b->first[0] = '\0';
	if (!s->skip_broken)
		return eg_fail(err, EG_ERR_FORMAT,
		        "%s. %lld of %lld records of the part '%s' cannot be read; mend or remove %s, or leave %s out with "
		        "'broken: skip' in 'data'",
		        first, n, (long long)all, eg_part_name(part), them, them);
	if (n == all)
		return eg_fail(err, EG_ERR_FORMAT, "none of the %lld records of the part '%s' can be read, the first: %s",
		        (long long)all, eg_part_name(part), first);
	eg_source_remark_more(s, part, "%lld of %lld records that cannot be read %s left out", n, (long long)all,
	        n == 1 ? "is" : "are");
	return EG_OK;
}

void eg_broken_free(eg_source *s) { eg_release(NULL, s->broken); }
