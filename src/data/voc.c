/* voc.c - annotations of Pascal VOC (Everingham and others 2010), XML, read with expat. The only file that knows it.
 *
 *   <annotation><size><width>640</width><height>480</height></size>
 *     <object><name>cat</name><difficult>0</difficult>
 *       <bndbox><xmin>1</xmin><ymin>1</ymin><xmax>640</xmax><ymax>480</ymax></bndbox></object></annotation>
 *
 * Corners count from 1, and both belong to the box. Parts of an object (<part>) have boxes of their own, which are
 * passed over. Nothing is loaded from elsewhere: a document type declaration, where entities would be declared, is
 * an error. */
#include "data/voc.h"
#include "data/table.h"

#include <string.h>
#ifdef ENGRAM_HAVE_EXPAT
#include <expat.h>

enum { DEPTH = 32, TEXT = 256, OBJECTS = 100000, CORNERS = 4 };

typedef struct parsing {
	XML_Parser parser;
	const char *file;
	eg_arena *arena;
	eg_voc *voc;
	char path[DEPTH][24]; /* of the elements that are open; longer names are cut */
	int depth;
	char text[TEXT];      /* of the innermost */
	size_t size;
	double corner[CORNERS];
	bool has[CORNERS], difficult;
	const char *class_name;
	eg_status status;
	eg_error why;
} parsing;

static void stop(parsing *p, eg_status status) {
	p->status = status;
	XML_StopParser(p->parser, XML_FALSE);
}

static long long line_of(const parsing *p) { return (long long)XML_GetCurrentLineNumber(p->parser); }

/* Is this the path from the root that is open? */
static bool at(const parsing *p, const char *const *path, int n) {
	if (p->depth != n) return false;
	for (int i = 0; i < n; i++)
		if (strcmp(p->path[i], path[i]) != 0) return false;
	return true;
}
#define AT(p, ...) at(p, (const char *const[]){__VA_ARGS__}, EG_COUNT(((const char *const[]){__VA_ARGS__})))

static void XMLCALL on_start(void *data, const XML_Char *name, const XML_Char **attributes) {
	parsing *p = data;
	EG_UNUSED(attributes);
	if (p->depth == DEPTH) {
		stop(p, eg_fail(&p->why, EG_ERR_FORMAT, "%s:%lld: more than %d elements inside of each other", p->file, line_of(p), DEPTH));
		return;
	}
	snprintf(p->path[p->depth++], sizeof p->path[0], "%.*s", (int)sizeof p->path[0] - 1, name);
	p->size = 0;
	if (!AT(p, "annotation", "object")) return;
	memset(p->has, 0, sizeof p->has);
	p->difficult = false;
	p->class_name = NULL;
}

static void XMLCALL on_text(void *data, const XML_Char *text, int n) {
	parsing *p = data;
	size_t room = TEXT - 1 - p->size, take = (size_t)n < room ? (size_t)n : room;
	memcpy(p->text + p->size, text, take); /* what is longer is nothing that is wanted */
	p->size += take;
}

static void take_number(parsing *p, double *v) {
	if (!eg_cell_number(p->text, v))
		stop(p, eg_fail(&p->why, EG_ERR_FORMAT, "%s:%lld: '%.40s' in <%s> is no number", p->file, line_of(p), p->text,
		            p->path[p->depth - 1]));
}

static void take_size(parsing *p, int *size) {
	double v = 0;
	take_number(p, &v);
	if (p->status) return;
	if (!(v >= 0 && v <= 1e6))
		stop(p, eg_fail(&p->why, EG_ERR_FORMAT, "%s:%lld: a picture is not %.40s pixels wide or high", p->file, line_of(p),
		            p->text));
	else
		*size = (int)v;
}

static void end_object(parsing *p) {
	eg_voc *v = p->voc;
	static const char *const names[CORNERS] = {"xmin", "ymin", "xmax", "ymax"};
	const char *lacking = p->class_name ? NULL : "name";
	for (int i = 0; i < CORNERS; i++)
		if (!p->has[i]) lacking = names[i];
	if (lacking)
		stop(p, eg_fail(&p->why, EG_ERR_FORMAT, "%s:%lld: the object that ends here has no <%s>", p->file, line_of(p), lacking));
	else if (v->n == OBJECTS)
		stop(p, eg_fail(&p->why, EG_ERR_FORMAT, "%s: more than %d objects", p->file, OBJECTS));
	else if (!eg_grow(NULL, &v->objects, &v->cap, v->n, sizeof *v->objects))
		stop(p, eg_fail(&p->why, EG_ERR_MEMORY, "cannot read '%s': out of memory", p->file));
	if (p->status) return;
	v->objects[v->n++] = (eg_voc_object){.name = p->class_name,
	        .x0 = p->corner[0] - 1,
	        .y0 = p->corner[1] - 1,
	        .x1 = p->corner[2],
	        .y1 = p->corner[3],
	        .difficult = p->difficult,
	        .empty = p->corner[2] <= p->corner[0] || p->corner[3] <= p->corner[1]};
}

static void end_corner(parsing *p) {
	static const char *const names[CORNERS] = {"xmin", "ymin", "xmax", "ymax"};
	for (int i = 0; i < CORNERS; i++)
		if (AT(p, "annotation", "object", "bndbox", names[i])) {
			take_number(p, &p->corner[i]);
			p->has[i] = true;
		}
}

static void XMLCALL on_end(void *data, const XML_Char *name) {
	parsing *p = data;
	EG_UNUSED(name);
	if (p->status) return;
	while (p->size > 0 && strchr(" \t\r\n", p->text[p->size - 1])) p->size--;
	p->text[p->size] = '\0';
	size_t blanks = strspn(p->text, " \t\r\n");
	memmove(p->text, p->text + blanks, p->size - blanks + 1);
	if (AT(p, "annotation", "object"))
		end_object(p);
	else if (AT(p, "annotation", "object", "name")) {
		p->class_name = *p->text ? eg_arena_strdup(p->arena, p->text) : NULL;
		if (*p->text && !p->class_name) stop(p, eg_fail(&p->why, EG_ERR_MEMORY, "cannot read '%s': out of memory", p->file));
	} else if (AT(p, "annotation", "object", "difficult"))
		p->difficult = strcmp(p->text, "0") != 0 && *p->text;
	else if (AT(p, "annotation", "size", "width"))
		take_size(p, &p->voc->W);
	else if (AT(p, "annotation", "size", "height"))
		take_size(p, &p->voc->H);
	else
		end_corner(p);
	p->depth--;
	p->size = 0;
}

static void XMLCALL on_doctype(void *data, const XML_Char *name, const XML_Char *system, const XML_Char *public_, int inside) {
	parsing *p = data;
	EG_UNUSED(name), EG_UNUSED(system), EG_UNUSED(public_), EG_UNUSED(inside);
	stop(p, eg_fail(&p->why, EG_ERR_FORMAT,
	            "%s:%lld: a document type declaration (<!DOCTYPE ...>): no annotation needs one, and it can make a small file "
	            "endless; remove it",
	            p->file, line_of(p)));
}

eg_status eg_voc_parse(
	const char *data, size_t size, const char *name, eg_arena *arena, eg_voc *voc, eg_error *err) {
	parsing p = {.file = name, .arena = arena, .voc = voc, .parser = XML_ParserCreate(NULL)};
	*voc = (eg_voc){0};
	if (!p.parser) return eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", name);
	XML_SetUserData(p.parser, &p);
	XML_SetElementHandler(p.parser, on_start, on_end);
	XML_SetCharacterDataHandler(p.parser, on_text);
	XML_SetStartDoctypeDeclHandler(p.parser, on_doctype);
	enum XML_Status parsed = size <= EG_VOC_BYTES ? XML_Parse(p.parser, data, (int)size, XML_TRUE) : XML_STATUS_ERROR;
	eg_status status = EG_OK;
	if (size > EG_VOC_BYTES)
		status = eg_fail(err, EG_ERR_FORMAT, "'%s' is larger than %d MiB: this is no annotation", name, EG_VOC_BYTES >> 20);
	else if (p.status)
		status = eg_fail(err, p.status, "%s", p.why.message);
	else if (parsed != XML_STATUS_OK) {
		enum XML_Error code = XML_GetErrorCode(p.parser);
		status = eg_fail(err, code == XML_ERROR_NO_MEMORY ? EG_ERR_MEMORY : EG_ERR_FORMAT, "%s:%lld: XML, column %lld: %s",
		        name, line_of(&p), (long long)XML_GetCurrentColumnNumber(p.parser) + 1, XML_ErrorString(code));
	} else if (p.depth != 0 || strcmp(p.path[0], "annotation") != 0)
		status = eg_fail(err, EG_ERR_FORMAT, "'%s' is no annotation: its outermost element is <%s>, not <annotation>", name,
		        p.path[0]);
	XML_ParserFree(p.parser);
	if (status) {
		eg_release(NULL, voc->objects);
		*voc = (eg_voc){0};
	}
	return status;
}

#else

eg_status eg_voc_parse(
	const char *data, size_t size, const char *name, eg_arena *arena, eg_voc *voc, eg_error *err) {
	EG_UNUSED(data), EG_UNUSED(size), EG_UNUSED(arena);
	*voc = (eg_voc){0};
	return eg_fail(err, EG_ERR_ARG, "'%s' cannot be read: engram was built without expat", name);
}

#endif
