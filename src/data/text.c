/* text.c - reading a text: from a file or a known set, unpacked, checked to be UTF-8, with LF at the ends of its lines.
 *
 * UTF-8 is that of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. Not here: what the units of a
 * text are (vocab.c), which characters are letters (text_letters.c). */
#include "data/table.h"

#include <stdlib.h>
#include <string.h>

/* More than this is not read: the numbers of its units would fill four times as much again. */
static const int64_t TEXT_MOST = INT32_MAX;
enum { FIRST_ROOM = 16 << 20, BOM = 3 };

/* ---- UTF-8 ------------------------------------------------------------------------------------------------------- */

uint32_t eg_utf8_decode(const char *text, int *length) {
	const unsigned char *s = (const unsigned char *)text;
	int n = s[0] < 0x80 ? 1 : s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
	uint32_t c = n == 1 ? s[0] : s[0] & (0xFFu >> (n + 1));
	for (int i = 1; i < n; i++) c = c << 6 | (s[i] & 0x3F);
	if (length) *length = n;
	return c;
}

size_t eg_utf8_check(const char *s, size_t size) {
	size_t i = 0;
	while (i < size) {
		int n = s[i] ? eg_utf8_length(s + i, size - i) : 0;
		if (n == 0) return i;
		i += (size_t)n;
	}
	return size;
}

eg_text_place eg_text_place_of(const char *s, size_t at) {
	eg_text_place p = {1, 1};
	for (size_t i = 0; i < at; i++) {
		if (s[i] == '\n')
			p = (eg_text_place){p.line + 1, 1};
		else
			p.column += ((unsigned char)s[i] & 0xC0) != 0x80; /* a character counts with its first byte */
	}
	return p;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* Bytes into *data, room for one more behind them; at most `most` of them. What has a zero among the first of many is
 * no text, unless any bytes will do: the rest is left alone. */
static eg_status read_bytes(eg_reader *s, int64_t most, bool any, char **data, size_t *size, eg_error *err) {
	size_t room = FIRST_ROOM, got = 1;
	int64_t expected = eg_reader_most(s);
	if (expected > most) expected = most;
	if (expected < FIRST_ROOM) room = (size_t)expected + 1; /* one more, so that the end is seen without growing */
	*size = 0;
	*data = eg_alloc(NULL, room + 1);
	while (*data && got > 0) {
		if (*size == room) {
			char *larger = eg_alloc(NULL, 2 * room + 1);
			if (larger) memcpy(larger, *data, *size);
			eg_release(NULL, *data);
			*data = larger;
			room *= 2;
			if (!larger) break;
		}
		size_t want = room - *size, left = (size_t)most - *size;
		eg_status status = eg_reader_read(s, *data + *size, want < left ? want : left, &got, err);
		if (status) return status;
		*size += got;
		if (*size == FIRST_ROOM && !any && memchr(*data, 0, *size)) break;
	}
	if (*data) return EG_OK;
	return eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", eg_reader_name(s));
}

bool eg_text_is_utf16(const char *s, size_t size) {
	return size > 1 && (memcmp(s, "\xFF\xFE", 2) == 0 || memcmp(s, "\xFE\xFF", 2) == 0);
}

eg_status eg_text_utf16(const char *name, eg_error *err) {
	return eg_fail(err, EG_ERR_FORMAT, "'%s' is UTF-16, not UTF-8: convert it with `iconv -f UTF-16 -t UTF-8 FILE > NEW`",
	        name);
}

eg_status eg_text_wrong_byte(
	const char *name, eg_text_place p, unsigned char byte, int64_t at, const char *bytes, eg_error *err) {
	if (byte == 0)
		return eg_fail(err, EG_ERR_FORMAT,
		        "'%s', line %zu, column %zu: a zero byte (byte %lld of the file): this is no text. Take another file%s", name,
		        p.line, p.column, (long long)at, bytes);
	return eg_fail(err, EG_ERR_FORMAT,
	        "'%s', line %zu, column %zu: byte 0x%02X (byte %lld of the file) is not UTF-8: convert the file with `iconv -f "
	        "LATIN1 -t UTF-8 FILE > NEW` (for LATIN1 the encoding it is in)%s",
	        name, p.line, p.column, (unsigned)byte, (long long)at, bytes);
}

/* at: the first wrong byte; the text begins at s + from. */
static eg_status not_utf8(const char *name, const char *s, size_t from, size_t size, size_t at, eg_error *err) {
	if (eg_text_is_utf16(s, size)) return eg_text_utf16(name, err);
	return eg_text_wrong_byte(name, eg_text_place_of(s + from, at - from), (unsigned char)s[at], (int64_t)at,
	        s[at] ? ", or read it with 'encoding: latin1' in 'data', or as bytes (unit: byte)" : ", or read it as bytes (unit: byte)", err);
}

static size_t cut_to(const char *s, size_t limit) {
	size_t at = limit;
	while (at > 0 && limit - at < 3 && ((unsigned char)s[at] & 0xC0) == 0x80) at--;
	return ((unsigned char)s[at] & 0xC0) == 0x80 ? limit : at; /* not UTF-8: left to the check */
}

/* Checks the `size` bytes and brings them into shape. */
static eg_status tidy(const char *name, const eg_text_options *o, char *s, size_t *size, eg_error *err) {
	size_t from = eg_utf8_mark(s, *size), end = *size;
	if (o->any_bytes) {
		if (o->limit > 0 && (int64_t)end > o->limit) *size = (size_t)o->limit;
		return EG_OK;
	}
	if (o->limit > 0 && (int64_t)(end - from) > o->limit) end = from + cut_to(s + from, (size_t)o->limit);
	size_t wrong = eg_utf8_check(s + from, end - from) + from;
	if (wrong < end) return not_utf8(name, s, from, end, wrong, err);
	if (end > from && end < *size && s[end - 1] == '\r' && s[end] == '\n') end--; /* the limit cuts between them */
	*size = eg_text_normalize(s, end);
	return EG_OK;
}

/* The same by the rules that are not everyone's. */
static eg_status reshape(
	const char *name, const eg_text_options *o, char **data, size_t *size, int64_t *latin1, eg_error *err) {
	const eg_text_rules *rules = &o->rules;
	char *composed;
	eg_status status = EG_OK;
	bool bytes = o->any_bytes;
	if (!bytes && rules->encoding != EG_ENCODING_UTF8 && !eg_text_is_utf16(*data, *size))
		status = eg_text_lines_from_latin1(data, size, rules->encoding == EG_ENCODING_LATIN1, latin1, name, err);
	if (!status) status = tidy(name, o, *data, size, err);
	if (status || bytes || rules->normalize != EG_NORMALIZE_NFC) return status;
	status = eg_text_nfc(*data, *size, &composed, size, err);
	if (status || !composed) return status;
	eg_release(NULL, *data);
	*data = eg_alloc(NULL, *size + 1);
	if (*data) memcpy(*data, composed, *size);
	free(composed);
	return *data ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", name);
}

static eg_status check_size(const char *name, const eg_text_options *o, size_t read, size_t left, eg_error *err) {
	if (read == 0 || (left == 0 && o->limit == 0))
		return eg_fail(err, EG_ERR_FORMAT, "'%s' is empty: there is no text in it to learn from", name);
	if (left == 0)
		return eg_fail(err, EG_ERR_ARG, "nothing is left of '%s' with a limit of %lld bytes: raise the limit",
		        name, (long long)o->limit);
	if (o->limit == 0 && (int64_t)read > TEXT_MOST)
		return eg_fail(err, EG_ERR_FORMAT, "'%s' is larger than %lld bytes, the most that is read: take a part of it with a limit",
		        name, (long long)TEXT_MOST);
	return EG_OK;
}

eg_status eg_text_read(eg_reader *s, const eg_text_options *o, eg_text **text, eg_error *err) {
	const char *name = eg_reader_name(s);
	size_t n = strlen(name) + 1, size = 0, read;
	int64_t latin1 = 0;
	char *data = NULL;
	*text = NULL;
	if (o->limit < 0 || o->limit > TEXT_MOST)
		return eg_fail(err, EG_ERR_ARG, "a limit of %lld bytes of text; 1 to %lld are possible, 0 means all",
		        (long long)o->limit, (long long)TEXT_MOST);
	eg_status status = eg_text_rules_check(&o->rules, err);
	if (status) return status;
	/* Behind the limit: the byte order mark, the byte that tells whether a character is cut, the LF of a CR. */
	status = read_bytes(s, o->limit > 0 ? o->limit + BOM + 2 : TEXT_MOST + 1, o->any_bytes, &data, &size, err);
	read = size;
	if (!status && (o->limit > 0 || (int64_t)read <= TEXT_MOST)) status = reshape(name, o, &data, &size, &latin1, err);
	if (!status) status = check_size(name, o, read, size, err);
	eg_text *t = status ? NULL : eg_alloc(NULL, sizeof *t + n);
	if (!t) {
		eg_release(NULL, data);
		return status ? status : eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", name);
	}
	data[size] = '\0';
	*t = (eg_text){.bytes = data, .size = size, .latin1 = latin1, .name = memcpy(t + 1, name, n)};
	*text = t;
	return EG_OK;
}

/* ---- where the file is ------------------------------------------------------------------------------------------- */

static eg_status find_file(const eg_source_type *type, const eg_text_options *o, char path[EG_PATH], eg_error *err) {
	const eg_data_info *info = &type->info;
	eg_data_place place = {0};
	if (info->nfiles == 0) {
		if (!o->path || !*o->path)
			return eg_fail(err, EG_ERR_ARG,
			        "data source '%s' needs a file: its path is not given (data.path)", info->name);
		if (strlen(o->path) >= EG_PATH)
			return eg_fail(
			        err, EG_ERR_ARG, "the file's name is longer than %d bytes: '%s'", EG_PATH - 1, o->path);
		memcpy(path, o->path, strlen(o->path) + 1);
		return EG_OK;
	}
	if (o->path)
		return eg_fail(err, EG_ERR_ARG,
		        "data source '%s' has a file of its own; a path belongs to source 'text', not to it",
		        info->name);
	eg_status status = eg_source_type_place(type, o->folder, NULL, &place, err);
	if (!status && !eg_data_file_find(place.folder, info->files[0].name, path))
		status = eg_fail(err, EG_ERR_IO, "%s: there is no %s in folder '%s'", info->name, info->files[0].name,
		        place.folder);
	return status;
}

static bool is_text(const eg_data_info *info) { return info->nfields == 1 && info->fields[0].kind == EG_FIELD_TEXT; }

static eg_status no_text(const char *source, eg_error *err) {
	char list[400] = "";
	for (int i = 0; i < eg_data_count(); i++) {
		size_t n = strlen(list);
		if (is_text(eg_data_at(i)))
			snprintf(list + n, sizeof list - n, "%s%s", n ? ", " : "", eg_data_at(i)->name);
	}
	return eg_fail(err, EG_ERR_ARG, "data source '%s' is no text; there is: %s", source, list);
}

eg_status eg_text_load(const char *source, const eg_text_options *options, eg_text **text, eg_error *err) {
	static const eg_text_options none;
	const eg_text_options *o = options ? options : &none;
	char path[EG_PATH];
	*text = NULL;
	const eg_source_type *type = eg_source_type_find(source, err);
	if (!type) return EG_ERR_ARG;
	if (!is_text(&type->info)) return no_text(source, err);
	eg_status status = find_file(type, o, path, err);
	if (status) return status;
	eg_reader *reader;
	status = eg_reader_file(path, &reader, err);
	if (status) return status;
	status = eg_text_read(reader, o, text, err);
	eg_reader_close(reader);
	eg_source_advise(&type->info, status, err);
	return status;
}

void eg_text_free(eg_text *t) {
	if (!t) return;
	eg_release(NULL, t->bytes);
	eg_release(NULL, t);
}
