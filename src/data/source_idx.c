/* source_idx.c - the user's own pictures, as IDX files that the recipe or the caller names. */
#include "data/data.h"

static eg_status load(
        const eg_source *s, const char *folder, bool test, const eg_data_options *o, eg_pictures **out, eg_error *err) {
	EG_UNUSED(folder);
	const char *images = test ? o->test_images : o->images, *labels = test ? o->test_labels : o->labels;
	const char *prefix = test ? "test_" : "";
	if (!images || !labels)
		return eg_fail(err, EG_ERR_ARG,
		        "data source '%s' needs the files %simages and %slabels; %s%s is not given", s->info.name,
		        prefix, prefix, prefix, images ? "labels" : "images");
	if (o->classes < 0 || o->classes > 256)
		return eg_fail(
		        err, EG_ERR_ARG, "classes is %d; labels of one byte can tell 1 to 256 apart", o->classes);
	if (o->class_names && o->classes == 0)
		return eg_fail(err, EG_ERR_ARG, "there are names of classes, but classes does not say how many");
	return eg_idx_load(images, labels, o->classes, o->class_names, o->limit, o->allocator, out, err);
}

const eg_source eg_source_idx = {.info = {.name = "idx",
                                         .doc = "your own pictures: images and labels are IDX files of bytes "
                                                "(test_images, test_labels), gzipped or not",
                                         .origin = "you",
                                         .licence = "yours"},
        .load = load};
