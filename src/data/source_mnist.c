/* source_mnist.c - MNIST and the sets that were made to take its place: four IDX files each, 28x28 grey, ten classes.
 *
 * The checksums are of the unpacked files: packages and mirrors have packed the same contents anew. */
#include "data/data.h"

#include <math.h>

enum { CLASSES = 10, SIDE = 28 };

static eg_status load(const eg_source_type *type, const char *folder, bool test, const eg_data_options *o,
	eg_pictures **out, eg_error *err) {
	const eg_data_info *info = &type->info;
	const eg_data_file *images = &info->files[test ? 2 : 0], *labels = &info->files[test ? 3 : 1];
	char image_path[EG_PATH], label_path[EG_PATH];
	const char *missing = !eg_data_file_find(folder, images->name, image_path)   ? images->name
	                      : !eg_data_file_find(folder, labels->name, label_path) ? labels->name
	                                                                             : NULL;
	if (missing)
		return eg_fail(err, EG_ERR_IO, "%s: there is no %s.gz in folder '%s'", info->name, missing, folder);
	eg_status status = eg_idx_load(
	        image_path, label_path, CLASSES, info->fields[1].names, o->limit, o->allocator, out, err);
	eg_pictures *p = *out;
	if (status == EG_OK && (p->C != 1 || p->H != SIDE || p->W != SIDE)) {
		status = eg_fail(err, EG_ERR_FORMAT,
		        "'%s': pictures are %dx%dx%d, those of %s are %dx%dx%d (channels, height, width)", image_path,
		        p->C, p->H, p->W, info->name, 1, SIDE, SIDE);
		eg_pictures_free(p);
		*out = NULL;
	}
	return status;
}

static const eg_key keys[] = {
	EG_LIMIT_OF_PICTURES,
};

#define FIELDS(classes_) \
	{ \
		{.name = "picture", .kind = EG_FIELD_PICTURE, .C = 1, .H = SIDE, .W = SIDE}, { \
			.name = "label", .kind = EG_FIELD_LABEL, .names = classes_, .nnames = CLASSES \
		} \
	}

#define TYPE(...) \
	{ \
		.info = {.nfields = 2, \
		        .train = 60000, \
		        .test = 10000, \
		        .path = EG_DATA_PATH_SET, \
		        .nfiles = 4, \
		        __VA_ARGS__}, \
		.keys = keys, .nkeys = EG_COUNT(keys), .size = sizeof(eg_picture_source), \
		.prepare = eg_picture_source_prepare, .read = eg_picture_source_read, \
		.close = eg_picture_source_close, .load = load \
	}

static const char *const fashion_classes[] = {
	"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"};
static const eg_field fashion_fields[] = FIELDS(fashion_classes);

static const eg_data_file fashion_files[] = {
	{"train-images-idx3-ubyte", 47040016, 26421880,
		"c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888", NULL},
	{"train-labels-idx1-ubyte", 60008, 29515, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
		NULL},
	{"t10k-images-idx3-ubyte", 7840016, 4422102, "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
		NULL},
	{"t10k-labels-idx1-ubyte", 10008, 5148, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
		NULL},
};

static const char *const fashion_urls[] = {"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
	"https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/", NULL};

const eg_source_type eg_source_type_fashion_mnist = TYPE(.name = "fashion-mnist",
	.doc = "photographs of clothes, 28x28 grey, ten kinds",
	.origin = "Xiao, Rasul, Vollgraf (Zalando Research), 2017, arXiv:1708.07747", .licence = "MIT",
	.fields = fashion_fields, .files = fashion_files, .urls = fashion_urls, .package = "dataset-fashion-mnist",
	.package_folder = "/usr/share/datasets/fashion-mnist");

static const char *const digits[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
static const eg_field digit_fields[] = FIELDS(digits);

static const eg_data_file mnist_files[] = {
	{"train-images-idx3-ubyte", 47040016, 9912422,
		"ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db", NULL},
	{"train-labels-idx1-ubyte", 60008, 28881, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
		NULL},
	{"t10k-images-idx3-ubyte", 7840016, 1648877, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
		NULL},
	{"t10k-labels-idx1-ubyte", 10008, 4542, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
		NULL},
};

static const char *const mnist_urls[] = {
	"https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/", NULL};

const eg_source_type eg_source_type_mnist = TYPE(.name = "mnist", .doc = "handwritten digits, 28x28 grey",
	.origin = "LeCun, Cortes, Burges, 1998", .licence = "CC BY-SA 3.0", .fields = digit_fields,
	.files = mnist_files, .urls = mnist_urls);
