/* source_cifar10.c - CIFAR-10: as its makers publish it, a tar.gz of files of bytes, or as an archive of JPEG files
 * in a folder for each class, where that is found in its place.
 *
 *   data_batch_1.bin ... data_batch_5.bin, test_batch.bin: 10000 times a byte, the class, and 3 x 32 x 32 bytes
 *
 * Not here: archives (files.c), JPEG files in folders (source_folder.c). */
#include "data/data.h"

#include <math.h>
#include <string.h>

enum { CLASSES = 10, C = 3, SIDE = 32, PIXELS = C * SIDE * SIDE, BATCH = 10000, BATCHES = 5 };

static const char ARCHIVE[] = "cifar-10-binary.tar.gz", PICTURES[] = "cifar10-jpg.tar.gz";
static const char *const classes[] = {
	"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};

static eg_status take_batch(
	const eg_files *tree, const char *name, int64_t n, uint8_t *pixels, int32_t *labels, eg_error *err) {
	char path[EG_PATH], *data;
	size_t size;
	eg_status status = eg_join(path, eg_files_top(tree), name, "", err);
	if (!status) status = eg_files_read(tree, NULL, path, (size_t)BATCH * (PIXELS + 1), &data, &size, err);
	if (status) return status;
	if (size != (size_t)BATCH * (PIXELS + 1))
		status = eg_fail(err, EG_ERR_FORMAT, "'%s' has %zu bytes; %d pictures of 1 + %d bytes are %d", path, size, BATCH, PIXELS,
		        BATCH * (PIXELS + 1));
	for (int64_t i = 0; i < n && !status; i++) {
		const uint8_t *at = (const uint8_t *)data + i * (PIXELS + 1);
		labels[i] = at[0];
		memcpy(pixels + i * PIXELS, at + 1, PIXELS);
		if (at[0] >= CLASSES)
			status = eg_fail(err, EG_ERR_FORMAT, "'%s': picture %lld is of class %d; there are %d", path, (long long)i, at[0], CLASSES);
	}
	eg_release(NULL, data);
	return status;
}

static eg_status take_batches(const eg_files *tree, bool test, const eg_data_options *o, eg_pictures **out, eg_error *err) {
	const int64_t all = test ? BATCH : BATCH * BATCHES;
	eg_pictures set = {.count = o->limit > 0 && o->limit < all ? o->limit : all, .C = C, .H = SIDE, .W = SIDE, .classes = CLASSES};
	char name[40];
	set.pixels = eg_block_new(o->allocator, (size_t)set.count * PIXELS);
	set.labels = eg_calloc(o->allocator, (size_t)set.count, sizeof *set.labels);
	eg_status status =
	        set.pixels && set.labels ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", eg_files_top(tree));
	for (int64_t i = 0; i < set.count && !status; i += BATCH) {
		snprintf(name, sizeof name, test ? "test_batch.bin" : "data_batch_%d.bin", (int)(i / BATCH) + 1);
		const int64_t n = set.count - i < BATCH ? set.count - i : BATCH;
		status = take_batch(tree, name, n, set.pixels + i * PIXELS, set.labels + i, err);
	}
	if (status) {
		eg_block_free(o->allocator, set.pixels);
		eg_release(o->allocator, set.labels);
		return status;
	}
	*out = eg_pictures_new(o->allocator, &set, classes); /* takes pixels and labels over */
	return *out ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "cannot read '%s': out of memory", eg_files_top(tree));
}

/* Which of the two a folder has, as its makers publish it first. */
static eg_status find(const char *folder, char path[EG_PATH], bool *binary, eg_error *err) {
	*binary = eg_data_file_find(folder, ARCHIVE, path);
	return *binary ? EG_OK : eg_join(path, folder, PICTURES, "", err);
}

static eg_status load(const eg_source_type *type, const char *folder, bool test, const eg_data_options *o,
	eg_pictures **out, eg_error *err) {
	char path[EG_PATH];
	bool binary;
	eg_files *tree = NULL;
	EG_UNUSED(type);
	eg_status status = find(folder, path, &binary, err);
	if (status) return status;
	if (!binary) {
		eg_data_options same = *o;
		same.folder = path, same.C = C, same.H = SIDE, same.W = SIDE;
		same.class_names = classes, same.classes = CLASSES;
		return eg_source_type_find("folder", err)->load(NULL, NULL, test, &same, out, err);
	}
	status = eg_files_open(path, &tree, err);
	if (!status) status = take_batches(tree, test, o, out, err);
	eg_files_close(tree);
	return status;
}

static eg_status prepare(eg_source *base, eg_part part, eg_error *err) {
	eg_file_source *s = (eg_file_source *)base;
	eg_data_place place;
	char path[EG_PATH];
	bool binary;
	if (part == EG_PART_VALIDATION) return EG_OK; /* cut off the training part, above */
	eg_status status = eg_source_place(base, &place, err);
	if (!status) status = find(place.folder, path, &binary, err);
	if (status) return status;
	if (binary) return eg_picture_source_prepare(base, part, err);
	eg_source_want_picture(base, C, SIDE, SIDE); /* to another size the task brings them, as the others */
	status = eg_file_source_open(s, path, err);
	return status ? status : eg_folder_prepare(s, part, err);
}

static const eg_key keys[] = {EG_LIMIT_OF_PICTURES, EG_BROKEN_KEY, EG_MEMORY_KEY};

static const eg_field fields[] = {{.name = "picture", .kind = EG_FIELD_PICTURE, .C = C, .H = SIDE, .W = SIDE},
	{.name = "label", .kind = EG_FIELD_LABEL, .names = classes, .nnames = CLASSES}};

static const eg_data_file files[] = {{ARCHIVE, 170052171, 170052171,
	"c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", ARCHIVE}};

static const char *const urls[] = {"https://www.cs.toronto.edu/~kriz/", NULL};

const eg_source_type eg_source_type_cifar10 = {.info = {.name = "cifar10",
						       .doc = "photographs of ten kinds of animals and vehicles, 32x32 in colour",
						       .origin = "Krizhevsky, 2009",
						       .licence = "research use",
						       .path = EG_DATA_PATH_SET,
						       .train = BATCH * BATCHES,
						       .test = BATCH,
						       .files = files,
						       .nfiles = 1,
						       .packed_sums = true,
						       .instead = PICTURES,
						       .urls = urls,
						       .fields = fields,
						       .nfields = EG_COUNT(fields)},
	.keys = keys,
	.nkeys = EG_COUNT(keys),
	.size = sizeof(eg_file_source),
	.prepare = prepare,
	.read = eg_file_source_read,
	.close = eg_file_source_close,
	.load = load};
