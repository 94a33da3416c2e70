/* test_film.c - tests of src/data/film*.c: frames of Y4M in all their colours, raw frames, folders; what is cut off, or
 * changes its size; films that are written and read again. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/film.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static eg_status open_bytes(const char *bytes, size_t n, const eg_film_options *o, eg_film **f, eg_error *err) {
	FILE *stream = n ? fmemopen((void *)(uintptr_t)bytes, n, "rb") : fopen("/dev/null", "rb");
	assert_non_null(stream);
	return eg_film_open_stream(stream, "street.y4m", o, f, err);
}

#define SAYS(err, words) \
	do { \
		if (!strstr((err).message, words)) fail_msg("'%s' is not said in '%s'", words, (err).message); \
	} while (0)

/* What is wrong with it, when it is opened or read to its end. */
static void refuse(const char *bytes, size_t n, const eg_film_options *o, const char *words) {
	eg_film *f;
	eg_error err = {0};
	const uint8_t *pixels = NULL;
	eg_status status = open_bytes(bytes, n, o, &f, &err);
	while (!status && !(status = eg_film_next(f, &pixels, &err)) && pixels) {}
	assert_int_not_equal(status, EG_OK);
	SAYS(err, words);
	eg_film_close(f);
}

static void near_to(const uint8_t *p, size_t n, int i, int red, int green, int blue) {
	const int want[3] = {red, green, blue};
	for (int c = 0; c < 3; c++)
		if (abs(p[(size_t)c * n + (size_t)i] - want[c]) > 1)
			fail_msg("pixel %d, channel %d: %d, not %d", i, c, p[(size_t)c * n + (size_t)i], want[c]);
}

/* Pure colours in BT.601 of studio range: red is (81, 90, 240), blue (41, 240, 110), white (235, 128, 128). */
static void colours(void **state) {
	static const struct {
		const char *bytes;
		size_t n;
	} films[] = {
#define FILM(s) {s, sizeof s - 1}
		/* 3 x 1: a sample of colour for two columns, the last one alone */
		FILM("YUV4MPEG2 W3 H1 F30000:1001 Ip C422\nFRAME\n\x51\x51\x29\x5a\xf0\xf0\x6e"),
		FILM("YUV4MPEG2 W3 H1 F30000:1001\nFRAME Ip\n\x51\x51\x29\x5a\xf0\xf0\x6e"),
		FILM("YUV4MPEG2 W3 H1 F30000:1001 C444 XYSCSS=444\nFRAME\n\x51\x51\x29\x5a\x5a\xf0\xf0\xf0\x6e"),
	};
	EG_UNUSED(state);
	for (int i = 0; i < EG_COUNT(films); i++) {
		eg_film *f;
		eg_error err;
		const uint8_t *p;
		if (open_bytes(films[i].bytes, films[i].n, NULL, &f, &err)) fail_msg("%d: %s", i, err.message);
		const eg_film_info *about = eg_film_about(f);
		assert_true(about->C == 3 && about->H == 1 && about->W == 3 && about->frames == -1);
		assert_true(about->rate == 30000 && about->per == 1001);
		if (eg_film_next(f, &p, &err)) fail_msg("%d: %s", i, err.message);
		near_to(p, 3, 0, 255, 0, 0);
		near_to(p, 3, 1, 255, 0, 0);
		near_to(p, 3, 2, 0, 0, 255);
		assert_int_equal(eg_film_next(f, &p, &err), EG_OK);
		assert_null(p);
		assert_int_equal(eg_film_next(f, &p, &err), EG_OK); /* and nothing comes behind the end */
		assert_null(p);
		eg_film_close(f);
	}
	/* Full range, and grey. */
	static const char full[] = "YUV4MPEG2 W1 H1 C444 XCOLORRANGE=FULL\nFRAME\n\xff\x80\x80",
			  mono[] = "YUV4MPEG2 W2 H1 F0:0 Cmono\nFRAME\n\x10\xebYUV4MPEG2 W2 H1 F0:0 Cmono\nFRAME\n\x7e\x7e";
	eg_film *f;
	eg_error err;
	const uint8_t *p;
	assert_int_equal(open_bytes(full, sizeof full - 1, NULL, &f, &err), EG_OK);
	assert_int_equal(eg_film_next(f, &p, &err), EG_OK);
	near_to(p, 1, 0, 255, 255, 255);
	eg_film_close(f);
	assert_int_equal(open_bytes(mono, sizeof mono - 1, NULL, &f, &err), EG_OK);
	assert_true(eg_film_about(f)->C == 1 && eg_film_about(f)->rate == 0 && eg_film_about(f)->per == 1);
	assert_int_equal(eg_film_next(f, &p, &err), EG_OK);
	assert_true(p[0] == 0 && p[1] == 255);
	assert_int_equal(eg_film_next(f, &p, &err), EG_OK); /* another file like it, put behind it */
	assert_true(p && p[0] == 128 && p[1] == 128);
	eg_film_close(f);
}

static void raw(void **state) {
	static const char bytes[] = "abcdefghijkl";
	static const struct {
		const char *pixels;
		int H, W, frames;
		const char *first;
	} cases[] = {{NULL, 1, 2, 2, "adbecf"}, {"bgr24", 1, 2, 2, "cfbead"}, {"rgba", 1, 1, 3, "abc"}, {"bgra", 1, 1, 3, "cba"},
		{"gray", 2, 3, 2, "abcdef"}};
	eg_error err;
	eg_film *f;
	EG_UNUSED(state);
	for (int i = 0; i < EG_COUNT(cases); i++) {
		const eg_film_options o = {.H = cases[i].H, .W = cases[i].W, .pixels = cases[i].pixels, .rate = 12};
		const uint8_t *p = NULL;
		int n = 0;
		if (open_bytes(bytes, 12, &o, &f, &err)) fail_msg("%s", err.message);
		assert_true(eg_film_about(f)->rate == 12 && eg_film_about(f)->per == 1);
		for (; !eg_film_next(f, &p, &err) && p; n++)
			if (n == 0) assert_memory_equal(p, cases[i].first, strlen(cases[i].first));
		assert_int_equal(n, cases[i].frames);
		eg_film_close(f);
	}
	refuse(bytes, 11, &(eg_film_options){.H = 1, .W = 2}, "'street.y4m', frame 1: it is cut off, 5 of its 6 bytes are there; "
							      "are the frames of this size");
	refuse(bytes, 12, &(eg_film_options){.H = 1, .W = 2, .pixels = "rgb48"}, "raw frames cannot lie as 'rgb48': there are rgb24");
	refuse(bytes, 12, &(eg_film_options){.H = 1}, "raw frames cannot be 1 x 0");
}

static void damaged(void **state) {
	static const struct {
		const char *bytes, *words;
	} cases[] = {
		{"", "is empty: it is no Y4M"},
		{"GIF89a", "does not begin with YUV4MPEG2: it is no Y4M (ffmpeg -i FILM NEW.y4m makes one)"},
		{"YUV4MPEG2", "frame 0: the line before it has no end"},
		{"YUV4MPEG2 H2\n", "does not say how wide its frames are (W240)"},
		{"YUV4MPEG2 W2\n", "does not say how high its frames are (H180)"},
		{"YUV4MPEG2 W0 H2\n", "'W0' in the first line: no width (1 to 32768)"},
		{"YUV4MPEG2 W2 H99999999999\n", "'H99999999999' in the first line: no height"},
		{"YUV4MPEG2 W2 H2 F25\n", "'F25' in the first line: no frame rate, as in F25:1"},
		{"YUV4MPEG2 W2 H2 C420p10\n", "'C420p10' in the first line: such colours are not read here"},
		{"YUV4MPEG2 W32768 H32768\n", "more than the 64 Mi pixels"},
		{"YUV4MPEG2 W2 H1 Cmono\nFRAME\nabFRAME\na", "frame 1: it is cut off, 1 of its 2 bytes are there"},
		{"YUV4MPEG2 W2 H1 Cmono\nFRAME\nabFRAM\n", "frame 1: the line FRAME is not there; the file is damaged"},
		{"YUV4MPEG2 W2 H1 Cmono\nFRAME\nabFRAME", "frame 1: the line before it has no end; the file is damaged or cut off"},
		{"YUV4MPEG2 W2 H1 Cmono\nFRAME\nabYUV4MPEG2 W1 H1 Cmono\nFRAME\na",
			"frame 1: another film begins here, 'YUV4MPEG2 W1 H1 Cmono', where those before it are 'YUV4MPEG2 W2 H1 Cmono'"},
	};
	EG_UNUSED(state);
	for (int i = 0; i < EG_COUNT(cases); i++) refuse(cases[i].bytes, strlen(cases[i].bytes), NULL, cases[i].words);
	char *line = eg_alloc(NULL, 3000);
	assert_non_null(line);
	memset(line, 'x', 3000);
	memcpy(line, "YUV4MPEG2 W2 H2 ", 16);
	refuse(line, 3000, NULL, "is longer than a Y4M's");
	eg_release(NULL, line);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static char folder[100];

static int make_folder(void **state) {
	EG_UNUSED(state);
	snprintf(folder, sizeof folder, "/tmp/engram-film-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
	char command[200];
	EG_UNUSED(state);
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

static const char *in_folder(const char *name) {
	static char path[200];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

/* Frames whose pixels of four columns and two rows are alike, so that no chroma is mixed: what comes back is what was
 * put in, to the rounding of bytes. */
static void there_and_back(void **state) {
	static const uint8_t tints[2][3] = {{200, 40, 90}, {10, 250, 128}};
	eg_error err;
	EG_UNUSED(state);
	for (int chroma = EG_FILM_444; chroma <= EG_FILM_MONO; chroma++) {
		enum { H = 4, W = 8, N = H * W };
		uint8_t frame[2][3 * N];
		eg_film_writer *w;
		eg_film_frames all;
		bool more;
		for (int t = 0; t < 2; t++)
			for (int c = 0; c < 3; c++)
				for (int i = 0; i < N; i++) frame[t][c * N + i] = tints[(t + (i % W) / 4) % 2][c];
		if (eg_film_create(in_folder("a.y4m"), H, W, 24, 1, (eg_film_chroma)chroma, &w, &err)) fail_msg("%s", err.message);
		for (int t = 0; t < 2; t++) eg_film_put(w, 3, frame[t]);
		assert_false(eg_film_is(in_folder("a.y4m"))); /* not before all of it is there */
		assert_int_equal(eg_film_commit(w, &err), EG_OK);
		assert_true(eg_film_is(in_folder("a.y4m")));
		if (eg_film_load(in_folder("a.y4m"), NULL, 0, 0, &all, &more, &err)) fail_msg("%s", err.message);
		assert_true(all.n == 2 && all.H == H && all.W == W && all.rate == 24 && all.per == 1 && !more);
		assert_int_equal(all.C, chroma == EG_FILM_MONO ? 1 : 3);
		for (int t = 0; t < 2; t++)
			for (int i = 0; i < N; i++) {
				const uint8_t *tint = tints[(t + (i % W) / 4) % 2];
				const int grey = (299 * tint[0] + 587 * tint[1] + 114 * tint[2] + 500) / 1000;
				for (int c = 0; c < all.C; c++) {
					const int have = all.pixels[(t * all.C + c) * N + i], want = all.C == 1 ? grey : tint[c];
					if (abs(have - want) > 2) fail_msg("chroma %d, channel %d: %d, not %d", chroma, c, have, want);
				}
			}
		eg_film_frames_free(&all);
		assert_int_equal(eg_film_load(in_folder("a.y4m"), NULL, 1, 0, &all, &more, &err), EG_OK);
		assert_true(all.n == 1 && more);
		eg_film_frames_free(&all);
		assert_int_equal(eg_film_load(in_folder("a.y4m"), NULL, 0, (size_t)all.C + 10, &all, &more, &err), EG_OK);
		assert_true(all.n == 0 && more);
		eg_film_frames_free(&all);
		assert_int_equal(unlink(in_folder("a.y4m")), 0);
	}
	eg_film_writer *w;
	assert_int_equal(eg_film_create(in_folder("no/b.y4m"), 2, 2, 0, 0, EG_FILM_444, &w, &err), EG_ERR_IO);
	assert_null(w);
	assert_int_equal(eg_film_create(in_folder("b.y4m"), 2, 2, 0, 0, EG_FILM_444, &w, &err), EG_OK);
	eg_film_abort(w);
	assert_int_not_equal(access(in_folder("b.y4m"), F_OK), 0);
	assert_false(eg_film_is(in_folder("b.y4m")));
	assert_false(eg_film_is(folder));
}

static void frame(const char *name, int H, int W, int value) {
	FILE *f = fopen(in_folder(name), "wb");
	assert_non_null(f);
	fprintf(f, "P2 %d %d 255\n", W, H);
	for (int i = 0; i < H * W; i++) fprintf(f, "%d\n", value + i);
	fclose(f);
}

static void folders(void **state) {
	eg_film *f;
	eg_error err;
	const uint8_t *p;
	EG_UNUSED(state);
	assert_int_equal(eg_film_open(folder, NULL, &f, &err), EG_ERR_FORMAT);
	SAYS(err, "there is no frame in the folder");
	frame("frame10.pgm", 2, 3, 100);
	frame("frame9.pgm", 2, 3, 90);
	frame("frame11.pgm", 3, 2, 110);
	if (eg_film_open(folder, &(eg_film_options){.rate = 30}, &f, &err)) fail_msg("%s", err.message);
	const eg_film_info *about = eg_film_about(f);
	assert_true(about->C == 3 && about->H == 2 && about->W == 3 && about->frames == 3 && about->rate == 30);
	for (int t = 0; t < 2; t++) {
		assert_int_equal(eg_film_next(f, &p, &err), EG_OK);
		for (int i = 0; i < 18; i++) assert_int_equal(p[i], 90 + 10 * t + i % 6);
	}
	assert_int_equal(eg_film_next(f, &p, &err), EG_ERR_FORMAT);
	SAYS(err, "/frame11.pgm', frame 2: it is 3 x 2 (height, width), but the frames before it are 2 x 3");
	SAYS(err, "mogrify -resize 3x2!");
	eg_film_close(f);
	assert_int_equal(eg_film_open(in_folder("none"), NULL, &f, &err), EG_ERR_IO);
	assert_null(f);
	eg_film_close(NULL);
}

int main(void) {
	const struct CMUnitTest tests[] = {cmocka_unit_test(colours), cmocka_unit_test(raw), cmocka_unit_test(damaged),
		cmocka_unit_test(there_and_back), cmocka_unit_test(folders)};
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
