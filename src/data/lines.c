/* lines.c - the lines of a text, one after the other: UTF-8 (or Latin-1 that becomes it), without a byte order mark,
 * LF or CR LF at their ends. A line that is too long is refused before it is read.
 *
 * Not here: what lines mean. */
#include "data/table.h"

#include <stdlib.h>
#include <string.h>

enum { ROOM = 64 * 1024, CHUNK = 32 * 1024 };

struct eg_lines {
	eg_reader *reader;
	eg_text_rules rules;
	char *data; /* room + 1 bytes; what was read and not handed out yet lies from begin to end */
	size_t room, begin, end;
	bool ended, lost; /* the reader has; the next line cannot be found */
	char *form;       /* the line in another form */
	size_t form_room;
	char *composed;   /* likewise, of text_form.c; free() */
	int64_t number, at, latin1; /* at: of the file, where the line begins */
	int64_t next;               /* where the next one does */
};

eg_status eg_lines_new(eg_reader *reader, const eg_text_rules *rules, eg_lines **lines, eg_error *err) {
	*lines = NULL;
	eg_status status = eg_text_rules_check(rules, err);
	if (status) return status;
	eg_lines *l = eg_calloc(NULL, 1, sizeof *l);
	char *data = eg_alloc(NULL, ROOM + 1);
	if (!l || !data) {
		eg_release(NULL, l);
		eg_release(NULL, data);
		return eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", eg_reader_name(reader));
	}
	*l = (eg_lines){.reader = reader, .rules = *rules, .data = data, .room = ROOM};
	*lines = l;
	return EG_OK;
}

void eg_lines_free(eg_lines *l) {
	if (!l) return;
	eg_release(NULL, l->data);
	eg_release(NULL, l->form);
	free(l->composed);
	eg_release(NULL, l);
}

bool eg_lines_go_on(const eg_lines *l) { return !l->lost; }
int64_t eg_lines_number(const eg_lines *l) { return l->number; }
const char *eg_lines_name(const eg_lines *l) { return eg_reader_name(l->reader); }
int64_t eg_lines_latin1(const eg_lines *l) { return l->latin1; }

static eg_status no_memory(eg_lines *l, eg_error *err) {
	l->lost = true;
	return eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", eg_lines_name(l));
}

/* ---- finding a line ---------------------------------------------------------------------------------------------- */

/* Room for a chunk behind what is there. */
static eg_status make_room(eg_lines *l, eg_error *err) {
	size_t held = l->end - l->begin;
	if (l->room - l->end >= CHUNK) return EG_OK;
	if (l->room - held >= CHUNK) {
		memmove(l->data, l->data + l->begin, held);
		l->begin = 0, l->end = held;
		return EG_OK;
	}
	char *larger = eg_alloc(NULL, 2 * l->room + 1);
	if (!larger) return no_memory(l, err);
	memcpy(larger, l->data + l->begin, held);
	eg_release(NULL, l->data);
	l->data = larger, l->room *= 2, l->begin = 0, l->end = held;
	return EG_OK;
}

static eg_status too_long(eg_lines *l, eg_error *err) {
	l->lost = true;
	return eg_fail(err, EG_ERR_FORMAT,
	        "%s:%lld: the line is longer than %d MiB, the most that is read as one; is this a file of lines, with line feeds "
	        "(LF, or CR LF) at their ends?",
	        eg_lines_name(l), (long long)l->number, EG_LINE_MOST >> 20);
}

/* *n bytes from begin on are a line; *feed: an LF follows. */
static eg_status find_line(eg_lines *l, size_t *n, bool *feed, eg_error *err) {
	size_t looked = 0;
	for (;;) {
		char *from = l->data + l->begin, *stop = memchr(from + looked, '\n', l->end - l->begin - looked);
		size_t got = 0;
		*feed = stop != NULL;
		*n = stop ? (size_t)(stop - from) : l->end - l->begin;
		if (*n > EG_LINE_MOST) return too_long(l, err);
		if (stop || l->ended) return EG_OK;
		looked = *n;
		eg_status status = make_room(l, err);
		if (!status) status = eg_reader_read(l->reader, l->data + l->end, CHUNK, &got, err);
		if (status) {
			l->lost = true;
			return status;
		}
		l->end += got;
		l->ended = got == 0;
	}
}

/* ---- its form ---------------------------------------------------------------------------------------------------- */

static eg_status to_latin1(eg_lines *l, char **line, size_t *size, eg_error *err) {
	size_t need = 3 * *size + 1;
	if (need > l->form_room) {
		char *more = eg_alloc(NULL, need);
		if (!more) return no_memory(l, err);
		eg_release(NULL, l->form);
		l->form = more, l->form_room = need;
	}
	*size = eg_text_from_latin1(*line, *size, l->form);
	*line = l->form;
	return EG_OK;
}

static eg_status wrong_byte(const eg_lines *l, const char *line, size_t at, eg_error *err) {
	eg_text_place p = {(size_t)l->number, eg_text_place_of(line, at).column};
	return eg_text_wrong_byte(eg_lines_name(l), p, (unsigned char)line[at], l->at + (int64_t)at,
	        ", or read it with 'encoding: latin1' in 'data'", err);
}

static eg_status shape(eg_lines *l, char **line, size_t *size, eg_error *err) {
	const char *zero = memchr(*line, '\0', *size);
	if (zero) return wrong_byte(l, *line, (size_t)(zero - *line), err);
	eg_status status = EG_OK;
	bool latin1 = l->rules.encoding == EG_ENCODING_LATIN1;
	if (!latin1) {
		size_t wrong = eg_utf8_check(*line, *size);
		latin1 = wrong < *size && l->rules.encoding == EG_ENCODING_FOUND;
		if (wrong < *size && !latin1) return wrong_byte(l, *line, wrong, err);
		l->latin1 += latin1;
	}
	if (latin1) status = to_latin1(l, line, size, err);
	if (status || l->rules.normalize != EG_NORMALIZE_NFC) return status;
	free(l->composed);
	l->composed = NULL;
	status = eg_text_nfc(*line, *size, &l->composed, size, err);
	if (!status && l->composed) *line = l->composed;
	return status;
}

eg_status eg_lines_next(eg_lines *l, char **line, size_t *size, eg_error *err) {
	size_t n;
	bool feed;
	*line = NULL, *size = 0;
	l->number++;
	eg_status status = find_line(l, &n, &feed, err);
	if (status) return status;
	if (n == 0 && !feed) {
		l->number--;
		return EG_OK;
	}
	char *at = l->data + l->begin;
	l->begin += n + feed;
	l->at = l->next;
	l->next += (int64_t)n + feed;
	if (l->number == 1 && eg_text_is_utf16(at, n)) {
		l->lost = true;
		return eg_text_utf16(eg_lines_name(l), err);
	}
	if (feed && n > 0 && at[n - 1] == '\r') n--;
	at[n] = '\0';
	size_t mark = l->number == 1 ? eg_utf8_mark(at, n) : 0;
	at += mark, l->at += (int64_t)mark;
	*line = at, *size = n - mark;
	status = shape(l, line, size, err);
	if (status) *line = NULL, *size = 0;
	return status;
}
