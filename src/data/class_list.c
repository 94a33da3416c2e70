/* class_list.c - lists of classes with or without colours, of labelling tools and of recipes. */
#include "data/class_list.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

int eg_class_list_find(const eg_class_list *l, int32_t colour) {
	for (int i = 0; i < l->n; i++)
		if (l->colour[i] == colour) return i;
	return -1;
}

/* Behind what there is; `where` is for messages. */
static eg_status add(eg_class_list *l, const char *name, int32_t colour, const char *nothing, const char *where, eg_error *err) {
	if (l->n == EG_LISTED_MOST) return eg_fail(err, EG_ERR_FORMAT, "%s: there are more than %d classes", where, EG_LISTED_MOST);
	eg_status status = eg_class_name_check(name, err);
	if (status) return eg_fail_prefix(err, "%s", where), status;
	for (int i = 0; i < l->n; i++) {
		if (l->name[i] && !strcmp(l->name[i], name))
			return eg_fail(err, EG_ERR_FORMAT, "%s: the class '%s' is there twice", where, name);
		if (colour >= 0 && l->colour[i] == colour)
			return eg_fail(err, EG_ERR_FORMAT, "%s: '%s' has the colour %06x, which '%s' has already", where, name,
				(unsigned)colour, l->name[i] ? l->name[i] : nothing);
	}
	l->name[l->n] = strcasecmp(name, nothing) != 0 ? name : NULL;
	l->colour[l->n++] = colour;
	return EG_OK;
}

eg_status eg_class_list_of(const char *const *names, int n, const char *const *colours, int ncolours,
	const char *nothing, eg_class_list *out, eg_error *err) {
	*out = (eg_class_list){.coloured = ncolours > 0, .void_number = -1};
	if (ncolours > 0 && ncolours != n)
		return eg_fail(err, EG_ERR_ARG, "there are %d colours for %d classes: give each class its colour, and '%s' if there is one",
			ncolours, n, nothing);
	eg_status status = EG_OK;
	for (int i = 0; i < n && !status; i++) {
		char *end = NULL;
		const unsigned long v = ncolours ? strtoul(colours[i], &end, 16) : 0;
		if (ncolours && (strspn(colours[i], "0123456789abcdefABCDEF") != 6 || *end))
			return eg_fail(err, EG_ERR_ARG, "the colour '%.40s' of the class '%s' is not RRGGBB, as in \"804080\"", colours[i], names[i]);
		status = add(out, names[i], ncolours ? (int32_t)v : -1, nothing, "class_names", err);
	}
	return status;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* "128 64 128", with `between` after the first two: the text behind it; NULL: it is none. */
static char *three_numbers(char *s, char between, int32_t *colour) {
	*colour = 0;
	for (int c = 0; c < 3; c++) {
		char *end;
		const long v = strtol(s, &end, 10);
		if (*s < '0' || *s > '9' || v > 255 || (c < 2 && *end != between)) return NULL;
		*colour = (int32_t)(*colour << 8 | (int32_t)v);
		s = end + (c < 2);
		while (c < 2 && *s == ' ') s++;
	}
	return s;
}

/* NAME and its colour (-1: none) of a line, which is changed. */
static char *cut(char *line, int32_t *colour) {
	char *rest = three_numbers(line, ' ', colour);
	if (rest && *rest == ' ') return rest + strspn(rest, " \t");
	char *colon = strchr(line, ':');
	*colour = -1;
	if (!colon) return line;
	rest = three_numbers(colon + 1, ',', colour);
	if (!rest || (*rest && *rest != ':')) {
		*colour = -1;
		return line;
	}
	*colon = '\0';
	return line;
}

static eg_status take_line(eg_arena *arena, eg_class_list *l, char *line, int number, const char *path, const char *nothing, eg_error *err) {
	char where[600];
	int32_t colour;
	size_t n = strlen(line);
	while (n && strchr(" \t\r", line[n - 1])) line[--n] = '\0';
	line += strspn(line, " \t");
	if (!*line || *line == '#') return EG_OK;
	snprintf(where, sizeof where, "'%.500s', line %d", path, number);
	if (l->n == 0 && l->void_number < 0 && !strcmp(line, "__ignore__")) {
		l->void_number = EG_VOID;
		return EG_OK;
	}
	char *name = eg_arena_strdup(arena, cut(line, &colour));
	if (!name) return eg_fail(err, EG_ERR_MEMORY, "out of memory for the classes of '%s'", path);
	if (l->n == 0) l->coloured = colour >= 0;
	if (l->coloured != (colour >= 0))
		return eg_fail(err, EG_ERR_FORMAT, "%s: '%s' has %s colour, where those before it have %s: give all of them one, or none", where,
			name, colour >= 0 ? "a" : "no", l->coloured ? "one" : "none");
	return add(l, name, colour, nothing, where, err);
}

eg_status eg_class_list_read(
	eg_arena *arena, const char *path, const char *nothing, eg_class_list *out, eg_error *err) {
	char *data;
	size_t size;
	*out = (eg_class_list){.void_number = -1};
	eg_status status = eg_file_read(NULL, path, 1 << 20, &data, &size, err);
	if (status) return status;
	char *at = size >= 3 && !memcmp(data, "\xef\xbb\xbf", 3) ? data + 3 : data;
	for (int number = 1; at && !status; number++) {
		char *end = strchr(at, '\n');
		if (end) *end = '\0';
		status = take_line(arena, out, at, number, path, nothing, err);
		at = end ? end + 1 : NULL;
	}
	eg_release(NULL, data);
	if (!status && out->n == 0) status = eg_fail(err, EG_ERR_FORMAT, "'%s' names no class: a line for each, `R G B NAME` or `NAME`", path);
	return status;
}
