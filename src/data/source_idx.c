/* source_idx.c - the user's own pictures, as IDX files that the recipe or the caller names. */
#include "data/data.h"

#include <math.h>

typedef struct idx_source {
	eg_picture_source pictures;
	const char *images, *labels, *test_images, *test_labels;
	int classes;
	eg_strings class_names;
} idx_source;

#define FILE_KEY(name_, doc_) \
	{ .name = #name_, .type = EG_KEY_STRING, .offset = offsetof(idx_source, name_), .def = NAN, .doc = doc_ }

static const eg_key keys[] = {
	FILE_KEY(images, "the IDX file of the training pictures"),
	FILE_KEY(labels, "the file of their classes"),
	FILE_KEY(test_images, "the file of the test pictures"),
	FILE_KEY(test_labels, "the file of their classes"),
	{.name = "classes",
		.type = EG_KEY_INT,
		.offset = offsetof(idx_source, classes),
		.min = 1,
		.max = 256,
		.def = NAN,
		.doc = "how many classes there are; left out: the highest label + 1"},
	{.name = "class_names",
		.type = EG_KEY_STRINGS,
		.count = 256,
		.offset = offsetof(idx_source, class_names),
		.def = NAN,
		.doc = "what the classes are called, in order; left out: 0, 1, ..."},
	EG_LIMIT_OF_PICTURES,
};

static eg_status load(const eg_source_type *type, const char *folder, bool test, const eg_data_options *o,
	eg_pictures **out, eg_error *err) {
	EG_UNUSED(folder);
	const char *images = test ? o->test_images : o->images, *labels = test ? o->test_labels : o->labels;
	const char *prefix = test ? "test_" : "";
	if (!images || !labels)
		return eg_fail(err, EG_ERR_ARG,
		        "data source '%s' needs the files %simages and %slabels; %s%s is not given", type->info.name,
		        prefix, prefix, prefix, images ? "labels" : "images");
	if (o->classes < 0 || o->classes > 256)
		return eg_fail(
		        err, EG_ERR_ARG, "classes is %d; labels of one byte can tell 1 to 256 apart", o->classes);
	if (o->class_names && o->classes == 0)
		return eg_fail(err, EG_ERR_ARG, "there are names of classes, but classes does not say how many");
	return eg_idx_load(images, labels, o->classes, o->class_names, o->limit, o->allocator, out, err);
}

/* The names of classes, where the settings tell them. */
static eg_status name_classes(idx_source *s, eg_error *err) {
	eg_source *base = &s->pictures.base;
	const char *numbers[256];
	char text[256][4];
	for (int i = 0; i < s->classes; i++) {
		snprintf(text[i], sizeof text[i], "%d", i & 255);
		numbers[i] = text[i];
	}
	return eg_source_set_names(base, 1, s->class_names.n > 0 ? s->class_names.at : numbers, s->classes, err);
}

static eg_status open_source(eg_source *base, eg_error *err) {
	idx_source *s = (idx_source *)base;
	const char **files[] = {&s->images, &s->labels, &s->test_images, &s->test_labels};
	int n = s->class_names.n;
	if (n > 0 && s->classes > 0 && n != s->classes)
		return eg_fail(err, EG_ERR_ARG,
		        "'class_names' must be a list of as many names as there are classes, %d; it has %d", s->classes,
		        n);
	if (n > 0) s->classes = n;
	for (int i = 0; i < EG_COUNT(files); i++)
		if (*files[i] && !(*files[i] = eg_source_path(base, *files[i], err))) return EG_ERR_MEMORY;
	return name_classes(s, err);
}

static eg_status prepare(eg_source *base, eg_part part, eg_error *err) {
	idx_source *s = (idx_source *)base;
	bool test = part == EG_PART_TEST;
	eg_pictures *set;
	if (part == EG_PART_VALIDATION) return EG_OK;
	if (test && !s->test_images && !s->test_labels) {
		eg_source_remark_on(
		        base, part, "there are no test pictures: 'test_images' and 'test_labels' are not given");
		return EG_OK;
	}
	eg_data_options o = {.images = s->images,
	        .labels = s->labels,
	        .test_images = s->test_images,
	        .test_labels = s->test_labels,
	        .classes = s->classes,
	        .class_names = s->class_names.at,
	        .limit = test ? 0 : s->pictures.base.limit};
	eg_status status = load(base->type, NULL, test, &o, &set, err);
	return status ? status : eg_picture_source_put(base, part, set, err);
}

const eg_source_type eg_source_type_idx = {
	.info = {.name = "idx",
		.doc = "your own pictures: images and labels are IDX files of bytes (test_images, test_labels), "
		       "gzipped or not",
		.origin = "you",
		.licence = "yours",
		.path = EG_DATA_PATH_SETTINGS,
		.fields = eg_picture_fields,
		.nfields = EG_COUNT(eg_picture_fields)},
	.keys = keys,
	.nkeys = EG_COUNT(keys),
	.size = sizeof(idx_source),
	.open = open_source,
	.prepare = prepare,
	.read = eg_picture_source_read,
	.close = eg_picture_source_close,
	.load = load};
