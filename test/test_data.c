/* test_data.c - tests of src/data: checksums, gzip, IDX, finding sets, pictures, batches. Downloading is in
 * test_get.c. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"
#include "data_bed.h"

#include <math.h>

/* Fails from the `left`-th allocation on, and counts what is not given back. */
typedef struct budget {
	int left, live;
} budget;

static void *budget_alloc(void *user, size_t bytes) {
	budget *b = user;
	if (b->left <= 0) return NULL;
	b->left--, b->live++;
	return malloc(bytes);
}

static void budget_release(void *user, void *p) {
	((budget *)user)->live--;
	free(p);
}

/* ---- sha256.c ---------------------------------------------------------------------------------------------------- */

static void test_sha256(void **state) {
	EG_UNUSED(state);
	static const char *const cases[][2] = {{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	                "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopq"
	         "rstnopqrstu",
	                "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"}};
	char hex[65];
	for (int i = 0; i < EG_COUNT(cases); i++)
		for (size_t piece = 1; piece < 70; piece += 17) {
			digest(cases[i][0], strlen(cases[i][0]), piece, hex);
			assert_string_equal(hex, cases[i][1]);
		}
	char *million = malloc(1000000);
	memset(million, 'a', 1000000);
	digest(million, 1000000, 977, hex);
	assert_string_equal(hex, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(million);
}

/* ---- reader.c and idx.c ------------------------------------------------------------------------------------------ */

#define IDX "test/corpus/idx/"

static void test_idx(void **state) {
	EG_UNUSED(state);
	static const char *const good[] = {"images", "images.gz", "two-members.gz"};
	uint8_t first[60];
	for (int i = 0; i < EG_COUNT(good); i++) {
		char path[100];
		snprintf(path, sizeof path, IDX "%s", good[i]);
		eg_error err;
		eg_idx idx;
		eg_reader *r = eg_reader_open(path, &err);
		assert_non_null(r);
		assert_int_equal(eg_idx_read(r, NULL, 3, 4, &idx, &err), EG_OK);
		eg_reader_close(r);
		assert_int_equal(idx.rank, 3);
		assert_int_equal(idx.d[0], 3);
		assert_int_equal(idx.d[1], 4);
		assert_int_equal(idx.d[2], 5);
		if (i == 0) memcpy(first, idx.data, 60);
		assert_memory_equal(idx.data, first, 60);
		eg_block_free(NULL, idx.data);
	}
}

static void test_idx_damaged(void **state) {
	EG_UNUSED(state);
	static const char *const cases[][2] = {{"cut", "is cut off: it holds 75 bytes where its header promises 76"},
	        {"longer", "more follows after the 76 bytes"}, {"head", "is cut off: it holds 6 bytes"},
	        {"empty", "is empty"}, {"floats", "elements are 32-bit floats (0x0D)"}, {"magic", "is not an IDX file"},
	        {"rank9", "of rank 9"}, {"labels", "is it the file of labels, not of pictures?"},
	        {"huge", "dimension 1 of its header is 4294967295"}, {"huge4", "is damaged"},
	        {"none", "dimension 1 of its header is 0"}, {"cut.gz", "gzip data end early"},
	        {"crc.gz", "incorrect data check"}, {"damaged.gz", "is damaged"}, {"followed.gz", "something follows"},
	        {"no such file", "cannot read"}, {".", "it is a folder"}};
	for (int i = 0; i < EG_COUNT(cases); i++) {
		char path[100];
		snprintf(path, sizeof path, IDX "%s", cases[i][0]);
		eg_error err = {EG_OK, ""};
		eg_pictures *p;
		eg_status status = eg_idx_load(path, IDX "labels", 0, NULL, 0, NULL, &p, &err);
		assert_int_equal(status, i < EG_COUNT(cases) - 2 ? EG_ERR_FORMAT : EG_ERR_IO);
		assert_int_equal(err.status, status);
		assert_null(p);
		assert_says(err, cases[i][1]);
		assert_says(err, path);
	}
}

/* A header that promises 5 MB in a gzip file of 60 bytes is refused before memory is asked for. */
static void test_idx_promise(void **state) {
	EG_UNUSED(state);
	uint8_t head[] = {0, 0, 8, 3, 0, 0, 0x20, 0, 0, 0, 0, 28, 0, 0, 0, 28}, packed[200];
	size_t n = gzip(head, sizeof head, packed, sizeof packed);
	budget b = {10, 0};
	eg_allocator a = {budget_alloc, budget_release, &b};
	eg_error err;
	eg_idx idx;
	eg_reader *r = eg_reader_memory(packed, n, "promise", &err);
	assert_int_equal(eg_idx_read(r, &a, 3, 4, &idx, &err), EG_ERR_FORMAT);
	assert_says(err, "so many cannot be in a file of this size");
	assert_int_equal(b.left, 10);
	eg_reader_close(r);
}

static void test_source_idx(void **state) {
	EG_UNUSED(state);
	static const char *const names[] = {"ant", "bee", "cat"};
	eg_error err;
	eg_pictures *p;
	eg_data_options o = {.images = IDX "images.gz", .labels = IDX "labels"};
	assert_int_equal(eg_data_load("idx", "train", &o, &p, &err), EG_OK);
	assert_int_equal(p->count, 3);
	assert_true(p->C == 1 && p->H == 4 && p->W == 5 && p->classes == 3);
	assert_int_equal(p->labels[0], 2);
	assert_string_equal(p->class_names[2], "2");
	eg_pictures_free(p);
	o.classes = 3, o.class_names = names, o.limit = 2;
	assert_int_equal(eg_data_load("idx", "train", &o, &p, &err), EG_OK);
	assert_int_equal(p->count, 2);
	assert_string_equal(p->class_names[2], "cat");
	eg_pictures_free(p);

	o.classes = 2, o.class_names = NULL;
	assert_int_equal(eg_data_load("idx", "train", &o, &p, &err), EG_ERR_FORMAT);
	assert_says(err, IDX "labels': label 0 (counted from 0) is 2, but there are only 2 classes, 0 to 1");
	assert_int_equal(eg_data_load("idx", "test", &o, &p, &err), EG_ERR_ARG);
	assert_says(err, "test_images is not given");
	assert_int_equal(eg_data_load("idx", "validation", &o, &p, &err), EG_ERR_ARG);
	assert_says(err, "not 'validation'");
	o.images = IDX "colour", o.classes = 0;
	assert_int_equal(eg_data_load("idx", "train", &o, &p, &err), EG_ERR_FORMAT);
	assert_says(err, "holds 2 pictures, but '" IDX "labels' holds 3 labels");
	assert_int_equal(eg_data_load("mnits", "train", NULL, &p, &err), EG_ERR_ARG);
	assert_says(err, "did you mean 'mnist'");
	assert_int_equal(eg_data_load("imagenet", "train", NULL, &p, &err), EG_ERR_ARG);
	assert_says(err, "there are: fashion-mnist, mnist, cifar10, orl, camvid, ");
	assert_says(err, ", pairs");
}

static void test_out_of_memory(void **state) {
	EG_UNUSED(state);
	int n = 0;
	for (eg_status status = EG_ERR_MEMORY; status != EG_OK; n++) {
		budget b = {n, 0};
		eg_allocator a = {budget_alloc, budget_release, &b};
		eg_data_options o = {.images = IDX "images", .labels = IDX "labels", .allocator = &a};
		eg_picture_options po = {.allocator = &a};
		uint32_t items[2] = {2, 0};
		eg_real out[12];
		eg_pictures *p = NULL;
		eg_picture_dataset *d = NULL;
		eg_picture pic = {0};
		eg_error err = {EG_OK, ""};
		status = eg_data_load("idx", "train", &o, &p, &err);
		if (status == EG_OK && !(d = eg_picture_dataset_new(p, items, 2, NULL, "x", "y", &err)))
			status = err.status;
		if (status == EG_OK) status = eg_picture_load("test/corpus/picture/p5.pgm", &po, &pic, &err);
		if (status == EG_OK) status = eg_picture_fit(&pic, NULL, 1, 3, 4, out, NULL, &err);
		if (status != EG_OK) assert_int_equal(status, EG_ERR_MEMORY);
		eg_picture_free(&pic);
		eg_picture_dataset_free(d);
		eg_pictures_free(p);
		assert_int_equal(b.live, 0);
		assert_true(n < 40);
	}
	assert_true(n > 8);
}

/* ---- finding sets ------------------------------------------------------------------------------------------------ */

/* A little MNIST: three pictures for training, two for testing; plain files. */
static void write_mnist(const char *folder) {
	static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4};
	for (int test = 0; test < 2; test++) {
		uint8_t n = test ? 2 : 3, images[16 + 3 * 784] = {0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, 28, 0, 0, 0, 28},
		        head[11];
		char path[300];
		for (int i = 0; i < n * 784; i++) images[16 + i] = (uint8_t)(i + test);
		snprintf(path, sizeof path, "%s/%s-images-idx3-ubyte", folder, test ? "t10k" : "train");
		write_file(path, images, 16 + (size_t)n * 784);
		memcpy(head, labels, 11);
		head[7] = n;
		snprintf(path, sizeof path, "%s/%s-labels-idx1-ubyte", folder, test ? "t10k" : "train");
		write_file(path, head, 8 + (size_t)n);
	}
}

static void test_locate(void **state) {
	fixture *f = *state;
	char a[200], b[200], list[420], path[EG_PATH];
	eg_error err = {EG_OK, ""};
	eg_data_place place;
	eg_pictures *p;
	assert_int_equal(eg_data_load("mnist", "train", NULL, &p, &err), EG_ERR_IO);
	assert_says(err, "mnist is not on this machine: type `engram data get mnist`");
	assert_says(err, f->folder);

	write_mnist(path_in(f, a, "engram/mnist")); /* the cache */
	assert_int_equal(eg_data_locate("mnist", &place, &err), EG_OK);
	assert_int_equal(place.origin, EG_DATA_CACHE);
	assert_string_equal(place.folder, a);

	write_mnist(path_in(f, a, "one/mnist"));
	write_mnist(path_in(f, b, "two/mnist"));
	snprintf(path, sizeof path, "%s/t10k-labels-idx1-ubyte", a);
	unlink(path);
	snprintf(list, sizeof list, "/nowhere:%s/one::%s/two/", f->folder, f->folder);
	setenv("ENGRAM_DATA", list, 1);
	assert_int_equal(eg_data_locate("mnist", &place, &err), EG_OK);
	assert_int_equal(place.origin, EG_DATA_VARIABLE);
	assert_string_equal(place.folder, b);
	assert_int_equal(eg_data_load("mnist", "test", NULL, &p, &err), EG_OK);
	assert_int_equal(p->count, 2);
	assert_int_equal(p->labels[0], 5);
	assert_int_equal(p->pixels[784], 784 % 256 + 1);
	eg_pictures_free(p);

	eg_data_options o = {.folder = a}; /* lacks a file */
	assert_int_equal(eg_data_load("mnist", "train", &o, &p, &err), EG_ERR_IO);
	assert_says(err, "there is no t10k-labels-idx1-ubyte.gz in folder");
	snprintf(path, sizeof path, "%s/train-images-idx3-ubyte", b);
	assert_int_equal(truncate(path, 1000), 0);
	assert_int_equal(eg_data_load("mnist", "train", NULL, &p, &err), EG_ERR_FORMAT);
	assert_says(err, "is cut off");
	assert_says(err, "`engram data get mnist` checks the files");
	assert_int_equal(eg_data_get("mnist", NULL, NULL, NULL, &err), EG_ERR_FORMAT);
	assert_says(err, "it stands in a folder of ENGRAM_DATA");
	assert_int_equal(eg_data_get("idx", NULL, NULL, NULL, &err), EG_ERR_ARG);

	unsetenv("ENGRAM_DATA");
	snprintf(path, sizeof path, "%s/engram/mnist/train-labels-idx1-ubyte", f->folder);
	unlink(path);
	assert_int_equal(eg_data_locate("mnist", &place, &err), EG_ERR_IO);
	assert_says(err, "(lacks train-labels-idx1-ubyte.gz)");
	unsetenv("HOME");
	setenv("XDG_CACHE_HOME", "relative", 1);
	assert_int_equal(eg_data_cache_folder("x", path, &err), EG_ERR_IO);
	assert_says(err, "neither HOME nor XDG_CACHE_HOME");
}

static void test_table(void **state) {
	EG_UNUSED(state);
	assert_null(eg_data_at(-1));
	assert_null(eg_data_at(eg_data_count()));
	assert_null(eg_data_find("nothing"));
	for (int i = 0; i < eg_data_count(); i++) {
		const eg_data_info *d = eg_data_at(i);
		assert_ptr_equal(eg_data_find(d->name), d);
		assert_true(d->doc && d->origin && d->licence);
		assert_true(d->nfields > 0 && d->nfields <= EG_MAX_FIELDS);
		assert_true(!eg_data_is_set(d) || (d->path == EG_DATA_PATH_SET && (d->urls || d->by_hand)));
		for (int k = 0; k < d->nfiles; k++) {
			assert_int_equal(strlen(d->files[k].sha256), 64);
			assert_int_equal(strspn(d->files[k].sha256, "0123456789abcdef"), 64);
		}
	}
}

/* The real sets, where this machine has them. */
static void test_real(void **state) {
	EG_UNUSED(state);
	static const struct {
		const char *name;
		int first[5];
	} sets[] = {{"mnist", {5, 0, 4, 1, 9}}, {"fashion-mnist", {9, 0, 0, 3, 0}}};
	const char *data = getenv("ENGRAM_TEST_DATA");
	if (data) setenv("ENGRAM_DATA", data, 1);
	for (int i = 0; i < EG_COUNT(sets); i++) {
		eg_data_place place;
		eg_pictures *p;
		eg_error err = {EG_OK, ""};
		eg_data_got got;
		if (eg_data_locate(sets[i].name, &place, NULL) != EG_OK) continue;
		assert_int_equal(eg_data_get(sets[i].name, NULL, NULL, &got, &err), EG_OK);
		assert_int_equal(got.downloaded, 0);
		assert_int_equal(eg_data_load(sets[i].name, "train", NULL, &p, &err), EG_OK);
		assert_int_equal(p->count, 60000);
		for (int k = 0; k < 5; k++) assert_int_equal(p->labels[k], sets[i].first[k]);
		assert_true(eg_pictures_border(p) < 0.25);
		eg_picture_scale s = eg_pictures_statistics(p, NULL, 0); /* the figures everybody uses */
		assert_true(fabs(s.mean[0] - (i ? 0.2860 : 0.1307)) < 1e-4 &&
		            fabs(s.std[0] - (i ? 0.3530 : 0.3081)) < 1e-4);
		eg_pictures_free(p);
	}
}

/* ---- pictures ---------------------------------------------------------------------------------------------------- */

#define PICTURES "test/corpus/picture/"

/* Formats that this build cannot read are left out; the others must give these pixels, up to `slack`. */
typedef struct known_picture {
	const char *name;
	int C, H, W, c, y, x, value, slack;
} known_picture;

static void test_picture_load(void **state) {
	EG_UNUSED(state);
	static const known_picture cases[] = {{"grey.png", 1, 5, 7, 0, 4, 6, 160, 0},
	        {"rgb.png", 3, 4, 6, 1, 3, 2, 120, 0}, {"rgb.png", 3, 4, 6, 2, 3, 2, 195, 0},
	        {"rgba.png", 3, 3, 4, 0, 1, 3, 200, 0}, {"rgba.png", 3, 3, 4, 0, 1, 0, 255, 0},
	        {"rgba.png", 3, 3, 4, 2, 1, 1, 187, 0}, {"palette.png", 3, 3, 4, 1, 2, 1, 255, 0},
	        {"palette.png", 3, 3, 4, 1, 2, 3, 255, 0}, {"bit.png", 1, 2, 9, 0, 1, 1, 0, 0},
	        {"bit.png", 1, 2, 9, 0, 1, 8, 255, 0}, {"grey16.png", 1, 2, 5, 0, 1, 4, 0x48, 0},
	        {"grey-alpha.png", 1, 2, 4, 0, 1, 1, 60, 0}, {"interlaced.png", 1, 5, 5, 0, 3, 4, 34, 0},
	        {"interlaced.png", 1, 5, 5, 0, 4, 1, 41, 0}, {"grey.jpg", 1, 13, 17, 0, 12, 16, 144, 4},
	        {"rgb.jpg", 3, 10, 24, 0, 5, 12, 220, 6}, {"progressive.jpg", 3, 10, 24, 2, 5, 12, 96, 10},
	        {"cmyk.jpg", 3, 8, 9, 0, 4, 4, 200, 4}, {"p5.pgm", 1, 2, 3, 0, 1, 1, 200, 0},
	        {"p5-16.pgm", 1, 1, 2, 0, 0, 1, 128, 0}, {"p2.pgm", 1, 2, 3, 0, 1, 0, 153, 0},
	        {"p3.ppm", 3, 1, 2, 2, 0, 1, 3, 0}, {"p6.ppm", 3, 2, 2, 1, 1, 0, 7, 0}};
	for (int i = 0; i < EG_COUNT(cases); i++) {
		const known_picture *k = &cases[i];
		char path[100];
		eg_picture pic;
		eg_error err;
		snprintf(path, sizeof path, PICTURES "%s", k->name);
		if (eg_picture_load(path, NULL, &pic, &err) != EG_OK) {
			if (!strstr(err.message, "was built without")) fail_msg("%s", err.message);
			continue;
		}
		int value = pic.pixels[(k->c * pic.H + k->y) * pic.W + k->x];
		if (pic.C != k->C || pic.H != k->H || pic.W != k->W || abs(value - k->value) > k->slack)
			fail_msg("%s: %dx%dx%d, value %d, expected %d", k->name, pic.C, pic.H, pic.W, value, k->value);
		eg_picture_free(&pic);
	}
	eg_picture_options o = {.set_backdrop = true};
	eg_picture pic;
	if (eg_picture_load(PICTURES "rgba.png", &o, &pic, NULL) == EG_OK) assert_int_equal(pic.pixels[0], 0);
	eg_picture_free(&pic);
}

static void test_picture_damaged(void **state) {
	EG_UNUSED(state);
	static const char *const cases[][2] = {{"cut.png", "damaged or cut off (end of stream); copy it anew"}, {"crc.png", "damaged"},
	        {"huge.png", "cut off"}, {"huge-bits.png", "cannot be in"}, {"bomb.png", "8200 x 8200 pixels are more than"}, {"few-rows.png", "damaged or cut off"},
	        {"no-pixels.png", "damaged"}, {"no-palette.png", "damaged"}, {"signature.png", "damaged"},
	        {"cut.jpg", "damaged"}, {"head.jpg", "damaged"}, {"marker.jpg", "damaged"},
	        {"cut.pgm", "cut off: 30 x 20 pixels are promised, 10 bytes"}, {"cut-plain.pgm", "cut off"},
	        {"above.pgm", "above the 15"}, {"above-raw.pgm", "value 16 is above the 15"}, {"huge.pgm", "cut off"},
	        {"zero.pgm", "no pixels"}, {"no-top.pgm", "highest value"}, {"empty", "it is empty"},
	        {"picture.gif", "it is a GIF"}, {"text", "none of PNG, JPEG, WebP, BMP, PGM and PPM"}};
	for (int i = 0; i < EG_COUNT(cases); i++) {
		char path[100];
		eg_picture pic;
		eg_error err = {EG_OK, ""};
		snprintf(path, sizeof path, PICTURES "%s", cases[i][0]);
		eg_status status = eg_picture_load(path, NULL, &pic, &err);
		assert_null(pic.pixels);
		if (strstr(err.message, "was built without")) continue;
		if (status != EG_ERR_FORMAT) fail_msg("%s: status %d", path, status);
		assert_says(err, path);
		assert_says(err, cases[i][1]);
	}
	eg_picture_options o = {.max_pixels = 5};
	eg_picture pic;
	eg_error err;
	assert_int_equal(eg_picture_load(PICTURES "p5.pgm", &o, &pic, &err), EG_ERR_FORMAT);
	assert_says(err, "3 x 2 pixels are more than the 5");
}

static void test_picture_save(void **state) {
	fixture *f = *state;
	char path[200];
	uint8_t pixels[3 * 5 * 7];
	eg_error err = {EG_OK, ""};
	for (int i = 0; i < 3 * 5 * 7; i++) pixels[i] = (uint8_t)(i * 37);
	for (int C = 1; C <= 3; C += 2) {
		eg_picture pic;
		eg_status status = eg_picture_save_png(path_in(f, path, "picture.png"), C, 5, 7, pixels, &err);
		if (status == EG_ERR_ARG && strstr(err.message, "was built without")) skip();
		assert_int_equal(status, EG_OK);
		assert_int_equal(eg_picture_load(path, NULL, &pic, &err), EG_OK);
		assert_true(pic.C == C && pic.H == 5 && pic.W == 7);
		assert_memory_equal(pic.pixels, pixels, (size_t)C * 35);
		eg_picture_free(&pic);
	}
	assert_int_equal(eg_picture_save_png(path, 2, 5, 7, pixels, &err), EG_ERR_ARG);
	assert_int_equal(eg_picture_save_png(path_in(f, path, "no/folder.png"), 1, 5, 7, pixels, &err), EG_ERR_IO);
}

/* ---- fitting ----------------------------------------------------------------------------------------------------- */

static void assert_near(const eg_real *got, const double *want, int n) {
	for (int i = 0; i < n; i++)
		if (!(fabs((double)got[i] - want[i]) < 1e-5))
			fail_msg("[%d] is %g, expected %g", i, (double)got[i], want[i]);
}

static void test_fit_sizes(void **state) {
	EG_UNUSED(state);
	uint8_t px[] = {0, 51, 102, 204, 153, 255}; /* 2 x 3: 0 .2 .4 / .8 .6 1 */
	eg_picture pic = {1, 2, 3, px, NULL};
	eg_real out[64];
	assert_int_equal(eg_picture_fit(&pic, NULL, 1, 2, 3, out, NULL, NULL), EG_OK);
	assert_near(out, (double[]){0, .2, .4, .8, .6, 1}, 6);
	/* Shrinking to 1 x 2: areas of 2 x 1.5 pixels. */
	eg_picture_fit(&pic, NULL, 1, 1, 2, out, NULL, NULL);
	assert_near(out, (double[]){(0 + .1 + .8 + .3) / 3, (.1 + .4 + .3 + 1) / 3}, 2);
	/* Growing the height to 4: centres at -.25 (clamped), .25, .75, 1.25 (clamped). */
	eg_picture_fit(&pic, NULL, 1, 4, 3, out, NULL, NULL);
	assert_near(out, (double[]){0, .2, .4, .2, .3, .55, .6, .5, .85, .8, .6, 1}, 12);
	/* Proportions kept: 2 x 3 into 3 x 3 leaves one row (below, as the picture goes up), into 6 x 3 two above and
	 * two below. */
	eg_fit_options o = {.fit = EG_FIT_PAD};
	eg_picture_fit(&pic, &o, 1, 6, 3, out, NULL, NULL);
	assert_near(out, (double[]){.5, .5, .5, .5, .5, .5, 0, .2, .4, .8, .6, 1, .5, .5, .5, .5, .5, .5}, 18);
	/* A tall picture, one pixel wide. */
	eg_picture column = {1, 6, 1, px, NULL};
	eg_picture_fit(&column, NULL, 1, 3, 3, out, NULL, NULL);
	assert_near(out, (double[]){.1, .1, .1, .6, .6, .6, .8, .8, .8}, 9);
	eg_error err;
	assert_int_equal(eg_picture_fit(&pic, NULL, 2, 4, 4, out, NULL, &err), EG_ERR_SHAPE);
}

/* Shrinking keeps the mean, whatever the sizes. */
static void test_fit_mean(void **state) {
	EG_UNUSED(state);
	enum { H = 37, W = 53 };
	uint8_t px[H * W];
	double mean = 0;
	for (int i = 0; i < H * W; i++) px[i] = (uint8_t)(i * i >> 3), mean += px[i] / (255.0 * H * W);
	eg_picture pic = {1, H, W, px, NULL};
	for (int h = 1; h < H; h += 5)
		for (int w = 1; w < W; w += 7) {
			eg_real out[H * W];
			double sum = 0;
			eg_picture_fit(&pic, NULL, 1, h, w, out, NULL, NULL);
			for (int i = 0; i < h * w; i++) sum += (double)out[i];
			assert_true(fabs(sum / (h * w) - mean) < 1e-5);
		}
}

static void test_fit_values(void **state) {
	EG_UNUSED(state);
	uint8_t red[] = {255, 255, 0, 51, 0, 102}; /* 1 x 2 x 3 channels */
	eg_picture pic = {3, 1, 2, red, NULL};
	eg_real out[6];
	bool inverted;
	eg_picture_fit(&pic, NULL, 1, 1, 2, out, NULL, NULL);
	assert_near(out, (double[]){.299, .299 + .587 * .2 + .114 * .4}, 2);
	eg_fit_options o = {.invert = EG_INVERT_YES, .scale = {{.5F, .25F, 0}, {.5F, 0, 2}}};
	eg_picture_fit(&pic, &o, 3, 1, 2, out, &inverted, NULL);
	assert_near(out, (double[]){-1, -1, .75, .55, .5, .3}, 6);
	assert_true(inverted);
	uint8_t paper[] = {255, 250, 255, 240, 10, 250, 255, 245, 255}; /* a dark dot on white */
	eg_picture ink = {1, 3, 3, paper, NULL};
	assert_true(fabs(eg_picture_border(&ink) - 2005 / (8 * 255.0)) < 1e-9);
	static const struct {
		double border;
		bool invert;
	} autos[] = {{0, true}, {0.2, true}, {0.45, false}, {1, false}};
	eg_real grey[27];
	for (int i = 0; i < EG_COUNT(autos); i++) {
		eg_fit_options a = {.invert = EG_INVERT_AUTO, .border = autos[i].border};
		eg_picture_fit(&ink, &a, 3, 3, 3, grey, &inverted, NULL);
		assert_int_equal(inverted, autos[i].invert);
		assert_true(fabs((double)grey[22] - (inverted ? 245 : 10) / 255.0) < 1e-6);
	}
}

/* ---- batches ----------------------------------------------------------------------------------------------------- */

static void test_dataset(void **state) {
	EG_UNUSED(state);
	eg_error err = {EG_OK, ""};
	eg_pictures *p;
	eg_data_options o = {.images = IDX "images", .labels = IDX "labels"};
	assert_int_equal(eg_data_load("idx", "train", &o, &p, &err), EG_OK);
	uint32_t part[] = {2, 0}, order[] = {1, 0, 1}, beyond[] = {0, 3};
	eg_picture_scale scale = eg_pictures_statistics(p, part, 2);
	eg_picture_dataset *d = eg_picture_dataset_new(p, part, 2, &scale, "image", "label", &err);
	assert_non_null(d);
	const eg_dataset *s = eg_picture_dataset_get(d);
	assert_int_equal(s->count, 2);
	assert_string_equal(s->inputs[0], "image");
	assert_string_equal(s->inputs[1], "label");
	assert_null(s->inputs[2]);
	eg_real x[3 * 20];
	int32_t y[3];
	assert_int_equal(s->fill(s->user, &(eg_fill){.items = order, .n = 3, .epoch = -1}, (void *[]){x, y}, &err), EG_OK);
	assert_true(y[0] == 2 && y[1] == 1 && y[2] == 2);
	for (int i = 0; i < 60; i++) {
		int item = i / 20 == 1 ? 2 : 0;
		double want = (p->pixels[item * 20 + i % 20] / 255.0 - (double)scale.mean[0]) / (double)scale.std[0];
		assert_true(fabs((double)x[i] - want) < 1e-5);
	}
	double sum = 0, squares = 0;
	for (int i = 0; i < 40; i++) sum += (double)x[i], squares += (double)x[i] * (double)x[i];
	assert_true(fabs(sum / 40) < 1e-5 && fabs(squares / 40 - 1) < 1e-5);
	eg_picture_dataset_free(d);

	d = eg_picture_dataset_new(p, NULL, 0, NULL, "x", "y", &err);
	s = eg_picture_dataset_get(d);
	assert_int_equal(s->count, 3);
	s->fill(s->user, &(eg_fill){.items = order, .n = 1, .epoch = -1}, (void *[]){x, y}, &err);
	assert_true(fabs((double)x[7] - p->pixels[27] / 255.0) < 1e-6 && y[0] == 0);
	eg_picture_dataset_free(d);
	assert_null(eg_picture_dataset_new(p, beyond, 2, NULL, "x", "y", &err));
	assert_says(err, "entry 1 is picture 3, but there are only 3");
	eg_pictures_free(p);
}

int main(void) {
	/* The tests change ENGRAM_DATA; where the real sets are is remembered. */
	const char *data = getenv("ENGRAM_DATA");
	if (data) setenv("ENGRAM_TEST_DATA", data, 1);
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_sha256),
	        cmocka_unit_test(test_idx),
	        cmocka_unit_test(test_idx_damaged),
	        cmocka_unit_test(test_idx_promise),
	        cmocka_unit_test(test_source_idx),
	        cmocka_unit_test(test_out_of_memory),
	        cmocka_unit_test_setup_teardown(test_locate, setup, teardown),
	        cmocka_unit_test(test_table),
	        cmocka_unit_test_setup_teardown(test_real, setup, teardown),
	        cmocka_unit_test(test_picture_load),
	        cmocka_unit_test(test_picture_damaged),
	        cmocka_unit_test_setup_teardown(test_picture_save, setup, teardown),
	        cmocka_unit_test(test_fit_sizes),
	        cmocka_unit_test(test_fit_mean),
	        cmocka_unit_test(test_fit_values),
	        cmocka_unit_test(test_dataset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
