/* test_data.c - tests of src/data: checksums, gzip, IDX, finding and downloading sets, pictures, batches. Downloads
 * come from file URLs and from a small HTTP server in a child process; nothing outside this machine is asked. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"

#include <arpa/inet.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

/* ---- helpers ----------------------------------------------------------------------------------------------------- */

typedef struct fixture {
	char folder[64]; /* a new empty one for each test; HOME and the cache are inside */
} fixture;

static int remove_tree(const char *folder) {
	char command[300];
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

static int setup(void **state) {
	fixture *f = calloc(1, sizeof *f);
	strcpy(f->folder, "/tmp/engram-data-XXXXXX");
	if (!mkdtemp(f->folder)) return -1;
	setenv("XDG_CACHE_HOME", f->folder, 1);
	setenv("HOME", f->folder, 1);
	setenv("no_proxy", "127.0.0.1", 1);
	unsetenv("ENGRAM_MIRROR");
	unsetenv("ENGRAM_DATA");
	*state = f;
	return 0;
}

static int teardown(void **state) {
	fixture *f = *state;
	int r = remove_tree(f->folder);
	free(f);
	return r;
}

static const char *path_in(const fixture *f, char path[200], const char *name) {
	snprintf(path, 200, "%s/%s", f->folder, name);
	return path;
}

static void write_file(const char *path, const void *data, size_t size) {
	char folder[300];
	snprintf(folder, sizeof folder, "%s", path);
	*strrchr(folder, '/') = '\0';
	assert_int_equal(eg_make_folders(folder, NULL), EG_OK);
	FILE *file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
}

static bool there(const char *path) { return access(path, F_OK) == 0; }

static long size_of(const char *path) {
	struct stat st;
	return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

static size_t gzip(const void *data, size_t size, uint8_t *out, size_t room) {
	z_stream z = {0};
	deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY);
	z.next_in = (Bytef *)(uintptr_t)data;
	z.avail_in = (uInt)size;
	z.next_out = out;
	z.avail_out = (uInt)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

#define assert_says(err, text) \
	do { \
		if (!strstr((err).message, text)) fail_msg("\"%s\" does not say \"%s\"", (err).message, text); \
	} while (0)

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

static void digest(const void *data, size_t size, size_t piece, char hex[65]) {
	eg_sha256 s;
	eg_sha256_begin(&s);
	for (size_t i = 0; i < size; i += piece)
		eg_sha256_add(&s, (const char *)data + i, size - i < piece ? size - i : piece);
	eg_sha256_end(&s, hex);
}

/* The examples that NIST publishes with FIPS 180-4. */
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
	assert_says(err, "there are: fashion-mnist, mnist, camvid, tinyshakespeare, tang-poems, intents, msra, adding, "
	                 "folder, ");
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

/* ---- downloading ------------------------------------------------------------------------------------------------- */

enum { BODY = 30000 };

/* A set of two files, served from `served`; its addresses are set by the test. */
typedef struct tiny {
	eg_data_info info;
	eg_data_file files[2];
	char sums[2][65];
	const char *urls[3];
	uint8_t packed[2][BODY + 1000];
	size_t size[2];
	int notes, checks;
	int64_t first_done, stop_at;
	char last_note[1200];
} tiny;

static void tiny_make(tiny *t, const fixture *f) {
	static const char *const names[2] = {"first", "second"};
	uint8_t body[BODY];
	memset(t, 0, sizeof *t);
	for (int i = 0; i < 2; i++) {
		for (int j = 0; j < BODY; j++)
			body[j] = (uint8_t)(((uint32_t)j * 7919 + (uint32_t)i) * (uint32_t)(j + 1) >> 7);
		digest(body, BODY, BODY, t->sums[i]);
		t->size[i] = gzip(body, BODY, t->packed[i], sizeof t->packed[i]);
		t->files[i] = (eg_data_file){names[i], BODY, (int64_t)t->size[i], t->sums[i], NULL};
		char path[300];
		snprintf(path, sizeof path, "%s/served/tiny/%s.gz", f->folder, names[i]);
		write_file(path, t->packed[i], t->size[i]);
	}
	t->info = (eg_data_info){.name = "tiny", .files = t->files, .nfiles = 2, .urls = t->urls};
	t->first_done = -1;
	t->stop_at = INT64_MAX;
}

static bool on_progress(void *user, const eg_data_progress *p) {
	tiny *t = user;
	if (p->checking) {
		t->checks++;
		return true;
	}
	if (t->first_done < 0) t->first_done = p->done;
	return p->done < t->stop_at;
}

static void on_note(void *user, const char *text) {
	tiny *t = user;
	t->notes++;
	snprintf(t->last_note, sizeof t->last_note, "%s", text);
}

static eg_status tiny_get(tiny *t, const char *folder, eg_data_got *got, eg_error *err) {
	eg_data_callbacks cb = {t, on_progress, on_note};
	t->notes = t->checks = 0;
	t->first_done = -1;
	return eg_data_get_set(&t->info, folder, &cb, got, err);
}

static void test_get_files(void **state) {
	fixture *f = *state;
	tiny t;
	char url[200], wrong[200], path[200];
	eg_error err = {EG_OK, ""};
	eg_data_got got;
	eg_fetch *fetch = eg_fetch_new(&err);
	if (!fetch) skip(); /* no libcurl here */
	eg_fetch_free(fetch);
	tiny_make(&t, f);
	snprintf(url, sizeof url, "file://%s/served/tiny", f->folder);
	snprintf(wrong, sizeof wrong, "file://%s/nowhere/", f->folder);
	t.urls[0] = wrong, t.urls[1] = url;
	assert_int_equal(tiny_get(&t, NULL, &got, &err), EG_OK); /* into the cache, from the second address */
	assert_int_equal(got.downloaded, 2);
	assert_int_equal(got.place.origin, EG_DATA_CACHE);
	assert_true(t.notes == 2 && t.checks > 0);
	assert_int_equal(size_of(path_in(f, path, "engram/tiny/second.gz")), t.size[1]);
	assert_false(there(path_in(f, path, "engram/tiny/second.gz.part")));
	assert_int_equal(tiny_get(&t, NULL, &got, &err), EG_OK);
	assert_int_equal(got.downloaded, 0);

	write_file(path_in(f, path, "engram/tiny/first.gz"), "damaged", 7);
	assert_int_equal(tiny_get(&t, NULL, &got, &err), EG_OK);
	assert_int_equal(got.downloaded, 1);

	/* A part that ends early, one that is longer than the file, one that is of another file. */
	for (int i = 0; i < 3; i++) {
		unlink(path_in(f, path, "engram/tiny/first.gz"));
		path_in(f, path, "engram/tiny/first.gz.part");
		write_file(path, i == 2 ? t.packed[1] : t.packed[0], i == 1 ? sizeof t.packed[0] : 4000);
		assert_int_equal(tiny_get(&t, NULL, &got, &err), EG_OK);
		assert_int_equal(got.downloaded, 1);
		assert_false(there(path));
	}
	t.urls[1] = NULL; /* nothing to be had */
	assert_int_equal(tiny_get(&t, path_in(f, path, "other/place"), &got, &err), EG_ERR_IO);
	assert_says(err, "cannot get first.gz of tiny");
	assert_false(there(path_in(f, path, "other/place/first.gz.part")));
	snprintf(url, sizeof url, "file://%s/served", f->folder);
	setenv("ENGRAM_MIRROR", url, 1);
	assert_int_equal(tiny_get(&t, path_in(f, path, "other/place"), &got, &err), EG_OK);
	assert_int_equal(got.downloaded, 2);
	write_file(path_in(f, path, "file"), "x", 1);
	assert_int_equal(tiny_get(&t, path, &got, &err), EG_ERR_IO);
	assert_says(err, "a file of this name is in the way");
}

/* A file that is published plain, under another name, and lies in a folder that is not called like the set. */
static void test_get_plain(void **state) {
	fixture *f = *state;
	char url[200], mirror[200], path[200], sum[65];
	eg_error err = {EG_OK, ""};
	eg_data_got got;
	static const char body[] = "to be or not to be, that is the question";
	eg_fetch *fetch = eg_fetch_new(&err);
	if (!fetch) skip(); /* no libcurl here */
	eg_fetch_free(fetch);
	digest(body, sizeof body, sizeof body, sum);
	const eg_data_file file = {"hamlet.txt", sizeof body, sizeof body, sum, "input.txt"};
	const char *urls[] = {url, NULL};
	eg_data_info info = {.name = "hamlet",
	        .path = EG_DATA_PATH_SET,
	        .folder = "text",
	        .files = &file,
	        .nfiles = 1,
	        .urls = urls};
	snprintf(url, sizeof url, "file://%s/served", f->folder);
	write_file(path_in(f, path, "served/input.txt"), body, sizeof body);
	assert_int_equal(eg_data_get_set(&info, NULL, NULL, &got, &err), EG_OK);
	assert_int_equal(got.downloaded, 1);
	assert_string_equal(got.place.folder, path_in(f, path, "engram/text"));
	assert_int_equal(size_of(path_in(f, path, "engram/text/hamlet.txt")), sizeof body);
	assert_false(there(path_in(f, path, "engram/text/hamlet.txt.part")));
	assert_int_equal(eg_data_get_set(&info, NULL, NULL, &got, &err), EG_OK);
	assert_int_equal(got.downloaded, 0);

	/* A damaged gzipped one would be found first: it goes. A whole one will do. */
	write_file(path_in(f, path, "engram/text/hamlet.txt.gz"), "damaged", 7);
	assert_int_equal(eg_data_get_set(&info, NULL, NULL, &got, &err), EG_OK);
	assert_int_equal(got.downloaded, 1);
	assert_false(there(path_in(f, path, "engram/text/hamlet.txt.gz")));
	uint8_t packed[300];
	size_t n = gzip(body, sizeof body, packed, sizeof packed);
	unlink(path_in(f, path, "engram/text/hamlet.txt"));
	write_file(path_in(f, path, "engram/text/hamlet.txt.gz"), packed, n);
	assert_int_equal(eg_data_get_set(&info, NULL, NULL, &got, &err), EG_OK);
	assert_int_equal(got.downloaded, 0);

	/* A part goes on; something else is refused. */
	write_file(path_in(f, path, "other/hamlet.txt.part"), body, 10);
	assert_int_equal(eg_data_get_set(&info, path_in(f, path, "other"), NULL, &got, &err), EG_OK);
	assert_true(got.downloaded == 1 && there(path_in(f, path, "other/hamlet.txt")));
	write_file(path_in(f, path, "served/input.txt"), "<html>not found</html>", 22);
	assert_int_equal(eg_data_get_set(&info, path_in(f, path, "third"), NULL, &got, &err), EG_ERR_FORMAT);
	assert_says(err, "cannot get hamlet.txt of hamlet");

	/* A mirror is laid out as the cache is. */
	snprintf(mirror, sizeof mirror, "file://%s/mirror", f->folder);
	setenv("ENGRAM_MIRROR", mirror, 1);
	write_file(path_in(f, path, "mirror/text/hamlet.txt"), body, sizeof body);
	assert_int_equal(eg_data_get_set(&info, path_in(f, path, "third"), NULL, &got, &err), EG_OK);
	assert_int_equal(got.downloaded, 1);
	info.urls = NULL; /* then a mirror is all there is */
	assert_int_equal(eg_data_get_set(&info, path_in(f, path, "fourth"), NULL, &got, &err), EG_OK);
	unsetenv("ENGRAM_MIRROR");
	info.by_hand = "write it yourself";
	assert_int_equal(eg_data_get_set(&info, path_in(f, path, "fifth"), NULL, &got, &err), EG_ERR_IO);
	assert_says(err, "hamlet cannot be downloaded: write it yourself. 'hamlet.txt' is looked for in");
	assert_false(there(path_in(f, path, "fifth")));
}

/* ---- an HTTP server for one child process: GET, one request a connection ----------------------------------------- */

static void send_all(int fd, const void *data, size_t size) {
	const char *p = data;
	while (size > 0) {
		ssize_t n = send(fd, p, size, MSG_NOSIGNAL);
		if (n <= 0) return;
		p += n, size -= (size_t)n;
	}
}

/* The first folder of the path says how to behave: ok, plain (knows no ranges), cut (breaks off in the middle, but
 * not when asked for a range), wrong (another file), move (redirects to ok), large (endless). */
static void answer(int fd, const tiny *t) {
	char request[4096], head[300];
	size_t n = 0;
	while (n < sizeof request - 1) {
		ssize_t r = recv(fd, request + n, sizeof request - 1 - n, 0);
		if (r <= 0) return;
		request[n += (size_t)r] = '\0';
		if (strstr(request, "\r\n\r\n")) break;
	}
	const char *how = request + 5, *range = strstr(request, "Range: bytes=");
	int i = strstr(request, "/second.gz ") != NULL;
	bool known = strncmp(how, "ok/", 3) == 0 || strncmp(how, "plain/", 6) == 0 || strncmp(how, "cut/", 4) == 0 ||
	             strncmp(how, "wrong/", 6) == 0 || strncmp(how, "large/", 6) == 0;
	if (strncmp(how, "wrong/", 6) == 0) i = !i;
	size_t from = range && how[0] != 'p' ? strtoul(range + 13, NULL, 10) : 0, size = t->size[i];
	if (strncmp(how, "move/", 5) == 0)
		snprintf(head, sizeof head, "HTTP/1.1 302 Found\r\nLocation: /ok/%s.gz\r\nContent-Length: 0\r\n",
		        i ? "second" : "first");
	else if (!known)
		snprintf(head, sizeof head, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n");
	else if (from >= size)
		snprintf(head, sizeof head, "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Length: 0\r\n");
	else if (from > 0)
		snprintf(head, sizeof head,
		        "HTTP/1.1 206 Partial Content\r\nContent-Length: %zu\r\nContent-Range: bytes %zu-%zu/%zu\r\n",
		        size - from, from, size - 1, size);
	else if (how[0] == 'l')
		snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\n");
	else
		snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n", size);
	send_all(fd, head, strlen(head));
	send_all(fd, "Connection: close\r\n\r\n", 21);
	if (!known || from >= size) return;
	for (int k = 0; how[0] == 'l' && k < 100; k++) send_all(fd, t->packed[i], size);
	send_all(fd, t->packed[i] + from, how[0] == 'c' && !range ? size / 2 : size - from);
}

static pid_t serve(const tiny *t, int *port) {
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof address;
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(listener >= 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(listener, 8), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
	*port = ntohs(address.sin_port);
	pid_t child = fork();
	if (child == 0) {
		alarm(120); /* should the test die */
		for (;;) {
			int fd = accept(listener, NULL, NULL);
			if (fd < 0) _exit(0);
			answer(fd, t);
			close(fd);
		}
	}
	close(listener);
	assert_true(child > 0);
	return child;
}

static eg_status http_get(tiny *t, int port, const char *how, const char *folder, eg_data_got *got, eg_error *err) {
	char url[100];
	snprintf(url, sizeof url, "http://127.0.0.1:%d/%s/", port, how);
	t->urls[0] = url, t->urls[1] = NULL;
	*err = (eg_error){EG_OK, ""};
	eg_status status = tiny_get(t, folder, got, err);
	t->urls[0] = NULL;
	return status;
}

static void test_get_http(void **state) {
	fixture *f = *state;
	tiny t;
	char folder[200], part[200], path[200];
	int port;
	eg_error err = {EG_OK, ""};
	eg_data_got got;
	eg_fetch *fetch = eg_fetch_new(&err);
	if (!fetch) skip(); /* no libcurl here */
	eg_fetch_free(fetch);
	tiny_make(&t, f);
	pid_t server = serve(&t, &port);

	path_in(f, folder, "a");
	path_in(f, part, "a/first.gz.part");
	assert_int_equal(http_get(&t, port, "ok", folder, &got, &err), EG_OK);
	assert_int_equal(got.downloaded, 2);
	assert_int_equal(got.place.origin, EG_DATA_GIVEN);
	assert_int_equal(size_of(path_in(f, path, "a/first.gz")), t.size[0]);
	assert_int_equal(http_get(&t, port, "move", path_in(f, path, "m"), &got, &err), EG_OK);

	/* Broken off in the middle: what came is kept, and only the rest is asked for. */
	remove_tree(folder);
	assert_int_equal(http_get(&t, port, "cut", folder, &got, &err), EG_ERR_IO);
	assert_int_equal(size_of(part), t.size[0] / 2);
	assert_int_equal(http_get(&t, port, "ok", folder, &got, &err), EG_OK);
	assert_true(t.first_done >= (int64_t)(t.size[0] / 2));

	/* A whole part (killed before it was renamed), and a server that knows no ranges. */
	unlink(path_in(f, path, "a/first.gz"));
	write_file(part, t.packed[0], t.size[0]);
	assert_int_equal(http_get(&t, port, "ok", folder, &got, &err), EG_OK);
	unlink(path);
	write_file(part, t.packed[0], 3000);
	assert_int_equal(http_get(&t, port, "plain", folder, &got, &err), EG_OK);

	remove_tree(folder);
	assert_int_equal(http_get(&t, port, "missing", folder, &got, &err), EG_ERR_IO);
	assert_says(err, "HTTP 404 (not found)");
	assert_int_equal(http_get(&t, port, "wrong", folder, &got, &err), EG_ERR_FORMAT);
	assert_says(err, "brings something else than the published file");
	assert_int_equal(http_get(&t, port, "large", folder, &got, &err), EG_ERR_FORMAT);
	assert_says(err, "is larger than");
	assert_false(there(part));
	t.stop_at = 0;
	assert_int_equal(http_get(&t, port, "ok", folder, &got, &err), EG_ERR_STOPPED);
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	t.stop_at = INT64_MAX;
	assert_int_equal(http_get(&t, port, "ok", folder, &got, &err), EG_ERR_IO); /* nobody answers */
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
	static const char *const cases[][2] = {{"cut.png", "damaged or cut off"}, {"crc.png", "damaged"},
	        {"huge.png", "cut off"}, {"huge-bits.png", "cannot be in"}, {"few-rows.png", "damaged or cut off"},
	        {"no-pixels.png", "damaged"}, {"no-palette.png", "damaged"}, {"signature.png", "damaged"},
	        {"cut.jpg", "damaged"}, {"head.jpg", "damaged"}, {"marker.jpg", "damaged"},
	        {"cut.pgm", "cut off: 30 x 20 pixels are promised, 10 bytes"}, {"cut-plain.pgm", "cut off"},
	        {"above.pgm", "above the 15"}, {"above-raw.pgm", "value 16 is above the 15"}, {"huge.pgm", "cut off"},
	        {"zero.pgm", "no pixels"}, {"no-top.pgm", "highest value"}, {"empty", "it is empty"},
	        {"picture.gif", "it is a GIF"}, {"text", "none of PNG, JPEG, PGM and PPM"}};
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
	        cmocka_unit_test_setup_teardown(test_get_files, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_get_plain, setup, teardown),
	        cmocka_unit_test_setup_teardown(test_get_http, setup, teardown),
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
