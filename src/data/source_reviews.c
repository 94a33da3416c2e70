/* source_reviews.c - rt-polarity: sentences about films (Pang and Lee 2005), those that praise in one file, those
 * that do not in another, a sentence in each line. They hold Latin-1, with the dashes of Windows.
 *
 * Not here: records of lines (shelf.c), tables with a column of classes (source_table.c). */
#include "data/table.h"

#include <math.h>
#include <string.h>

typedef struct reviews_source {
	eg_shelf_source shelf;
} reviews_source;

static const char *const classes[] = {"negative", "positive"};

/* The lines of one file, all of one class. */
static eg_status read_file(eg_source *s, eg_shelf *f, eg_reader *reader, const char *class_name, eg_error *err) {
	eg_lines *lines;
	eg_status status = eg_lines_new(reader, &((reviews_source *)s)->shelf.rules, &lines, err);
	if (status) return status;
	const char *file = eg_arena_strdup(&f->pool.arena, eg_reader_name(reader));
	if (!file) status = eg_source_no_memory(s, err);
	while (!status) {
		char *line;
		size_t size;
		status = eg_lines_next(lines, &line, &size, err);
		if (status || !line) break;
		while (size > 0 && line[size - 1] == ' ') size--;
		if (size == 0) continue;
		eg_item x = {.line = eg_lines_number(lines), .file = file, .class_name = class_name, .text_size = (uint32_t)size};
		x.text = eg_pool_text(&f->pool, line, size);
		if (!x.text || !eg_grow(NULL, &f->at, &f->cap, f->n, sizeof *f->at))
			status = eg_source_no_memory(s, err);
		else
			f->at[f->n++] = x;
	}
	eg_lines_free(lines);
	return status;
}

/* The reader has the first of the two files. */
static eg_status fill(eg_source *s, eg_shelf *f, eg_reader *reader, eg_error *err) {
	eg_reader *other = NULL;
	eg_status status = read_file(s, f, reader, classes[1], err);
	if (!status) status = eg_source_reader(s, 1, &other, err);
	if (!status) status = read_file(s, f, other, classes[0], err);
	eg_reader_close(other);
	return status;
}

static eg_status prepare(eg_source *s, eg_part part, eg_error *err) { return eg_shelf_prepare(s, part, fill, err); }

static eg_status open_source(eg_source *base, eg_error *err) {
	eg_shelf_source *s = &((reviews_source *)base)->shelf;
	s->one = "sentence", s->many = "sentences";
	s->fields = (eg_shelf_fields)EG_NO_FIELDS;
	s->fields.text = 0, s->fields.label = 1;
	s->rules.encoding = EG_ENCODING_LATIN1;
	return eg_shelf_open(base, err);
}

static const eg_key keys[] = {
	EG_SHELF_TEST_KEY(reviews_source, "sentences"), EG_SHELF_LIMIT_KEY, EG_NORMALIZE_KEY_OF(reviews_source, shelf.rules)};
static const eg_field fields[] = {{.name = "text", .kind = EG_FIELD_TEXT},
	{.name = "label", .kind = EG_FIELD_LABEL, .names = classes, .nnames = EG_COUNT(classes)}};
static const eg_data_file files[] = {
	{.name = "rt-polarity.pos",
		.bytes = 626139,
		.sha256 = "2da124ec187a9d5a29c9f04e91c540e02baed5af8868f550a26bd6fd4dbf8bf0",
		.published = "rt-polarity.pos"},
	{.name = "rt-polarity.neg",
		.bytes = 612256,
		.sha256 = "4ace77d558c3714723843f1d65b60c01e3417b208180f0728808d76ad0eeeaca",
		.published = "rt-polarity.neg"},
};

static const eg_data_archive archive = {
	.file = {.name = "rt-polaritydata.tar.gz",
		.bytes = 487770,
		.sha256 = "a05befe52aafda71d458d188a1c54506a998b1308613ba76bbda2e5029409ce9",
		.published = "rt-polaritydata.tar.gz"},
	.inside = "rt-polaritydata"};
static const char *const urls[] = {"https://www.cs.cornell.edu/people/pabo/movie-review-data/",
	"https://storage.googleapis.com/seldon-datasets/sentence_polarity_v1/", NULL};

const eg_source_type eg_source_type_rt_polarity = {
	.info = {.name = "rt-polarity",
		.doc = "10,662 sentences from film reviews in English, half of them positive; judged by folds, there is no test "
		       "part",
		.origin = "Pang, Lee, 2005",
		.licence = "research use",
		.path = EG_DATA_PATH_SET,
		.train = 10662,
		.folder = "sentiment",
		.files = files,
		.nfiles = EG_COUNT(files),
		.archive = &archive,
		.urls = urls,
		.fields = fields,
		.nfields = EG_COUNT(fields)},
	.keys = keys,
	.nkeys = EG_COUNT(keys),
	.size = sizeof(reviews_source),
	.open = open_source,
	.prepare = prepare,
	.read = eg_shelf_read,
	.close = eg_shelf_close};
