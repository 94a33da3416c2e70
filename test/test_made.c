/* test_made.c - tests of the data sets that are made by rule: digit-strings, digit-lines, turned-digits, moving-digits,
 * moving-mnist, scenes. The real sets under them are small ones of the test's own, in which every picture and recording
 * can be told from all others. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/made.h"
#include "source_bed.h"

#include <math.h>
#include <pthread.h>

/* ---- small sets under the rules ---------------------------------------------------------------------------------- */

enum { SIDE = 28, EACH = 20, CLASSES = 10 };

/* Of training pictures of a class number k is as bright as 140 + 5 k, of test pictures 80 + k: a solid L, wider for
 * later classes. */
enum { TRAIN_LEAST = 140, TRAIN_STEP = 5, KEPT = EACH / 10 };

static void write_pictures(const sources *f, const char *folder, const char *part, bool test) {
	static uint8_t images[16 + CLASSES * EACH * SIDE * SIDE], labels[8 + CLASSES * EACH];
	const uint8_t n = CLASSES * EACH;
	char name[80];
	memset(images, 0, sizeof images);
	memcpy(images, (uint8_t[]){0, 0, 8, 3, 0, 0, 0, n, 0, 0, 0, SIDE, 0, 0, 0, SIDE}, 16);
	memcpy(labels, (uint8_t[]){0, 0, 8, 1, 0, 0, 0, n}, 8);
	for (int i = 0; i < n; i++) {
		const int digit = i % CLASSES, k = i / CLASSES;
		uint8_t *p = images + 16 + (size_t)i * SIDE * SIDE;
		labels[8 + i] = (uint8_t)digit;
		for (int y = 5; y < 23; y++)
			for (int x = 9; x < (y < 15 ? 14 : 15 + digit / 2); x++)
				p[y * SIDE + x] = (uint8_t)(test ? 80 + k : TRAIN_LEAST + TRAIN_STEP * k);
	}
	snprintf(name, sizeof name, "%s/%s-images-idx3-ubyte", folder, part);
	write_file(f, name, images, sizeof images);
	snprintf(name, sizeof name, "%s/%s-labels-idx1-ubyte", folder, part);
	write_file(f, name, labels, sizeof labels);
}

static void write_sets(const sources *f) {
	static const char *const sets[] = {"mnist", "fashion-mnist"};
	for (int i = 0; i < 2; i++) write_pictures(f, sets[i], "train", false), write_pictures(f, sets[i], "t10k", true);
	setenv("ENGRAM_DATA", f->folder, 1);
}

enum { SPEAKERS = 3, TAKES = 16, TEST_TAKES = 5, RATE = 8000 };
static const char *const speakers[SPEAKERS] = {"anna", "ben", "cleo"};

/* Every sample of a recording is the same number, which tells which recording it is. */
static int mark_of(int speaker, int digit, int take) { return 1000 + (speaker * 10 + digit) * TAKES + take; }
static int length_of(int digit, int take) { return 40 + 3 * digit + take; }

static void write_speech(const sources *f) {
	for (int i = 0; i < SPEAKERS * 10 * TAKES; i++) {
		const int speaker = i / TAKES / 10, digit = i / TAKES % 10, take = i % TAKES, n = length_of(digit, take);
		uint8_t wav[44 + 2 * 200] = "RIFF\0\0\0\0WAVEfmt \20\0\0\0\1\0\1\0\100\37\0\0\200\76\0\0\2\0\20\0data";
		wav[40] = (uint8_t)(2 * n), wav[41] = (uint8_t)(2 * n >> 8);
		for (int t = 0; t < n; t++) {
			wav[44 + 2 * t] = (uint8_t)mark_of(speaker, digit, take);
			wav[45 + 2 * t] = (uint8_t)(mark_of(speaker, digit, take) >> 8);
		}
		char name[80];
		snprintf(name, sizeof name, "speech/recordings/%d_%s_%d.wav", digit, speakers[speaker], take);
		write_file(f, name, wav, 44 + 2 * (size_t)n);
	}
	setenv("ENGRAM_DATA", f->folder, 1);
}

static int brightest(const eg_datum_picture *p) {
	int most = 0;
	for (int i = 0; i < p->C * p->H * p->W; i++)
		if (p->pixels[i] > most) most = p->pixels[i];
	return most;
}

/* ---- one record, one value ------------------------------------------------------------------------------------- */

static uint64_t hash_bytes(uint64_t h, const void *data, size_t size) {
	for (size_t i = 0; i < size; i++) h = (h ^ ((const uint8_t *)data)[i]) * 1099511628211u;
	return h;
}

static uint64_t hash_record(const eg_source *s, const eg_record *r) {
	uint64_t h = 14695981039346656037u;
	for (int k = 0; k < eg_source_fields(s); k++) {
		const eg_datum *d = &r->fields[k];
		const eg_datum_frames *f = &d->frames;
		if (!d->there) continue;
		switch (eg_source_field(s, k)->kind) {
		case EG_FIELD_PICTURE:
			h = hash_bytes(h, d->picture.pixels, (size_t)(d->picture.C * d->picture.H * d->picture.W));
			break;
		case EG_FIELD_FRAMES: h = hash_bytes(h, f->pixels, (size_t)(f->n * f->C * f->H * f->W)); break;
		case EG_FIELD_SOUND: h = hash_bytes(h, d->sound.at, (size_t)d->sound.n * sizeof *d->sound.at); break;
		case EG_FIELD_TEXT: h = hash_bytes(h, d->text.bytes, d->text.size); break;
		case EG_FIELD_TAGS: h = hash_bytes(h, d->tags.at, (size_t)d->tags.n * sizeof *d->tags.at); break;
		case EG_FIELD_TOKENS:
			for (int i = 0; i < d->tokens.n; i++) h = hash_bytes(h, d->tokens.at[i], strlen(d->tokens.at[i]));
			break;
		default: break;
		}
	}
	return h;
}

enum { READ = 24 };
typedef struct reading {
	const eg_source *s;
	int from;
	uint64_t hash[READ];
	bool failed;
} reading;

static void *read_all(void *user) {
	reading *d = user;
	eg_record r = {0};
	for (int k = 0; k < READ; k++) {
		const int i = (k + d->from) % READ;
		if (eg_source_read(d->s, EG_PART_TRAIN, i, ~0u, &r, NULL)) d->failed = true;
		d->hash[i] = hash_record(d->s, &r);
	}
	eg_record_free(&r);
	return NULL;
}

/* The same records whoever reads them, in any order, from another source of the same seed; others with another. */
static void same_records(sources *f, const char *name) {
	enum { THREADS = 4 };
	pthread_t threads[THREADS];
	reading d[THREADS + 2] = {0};
	eg_source *s = open_source(f, name, TRAIN, "count=24", "seed=7", NULL);
	eg_source *again = open_source(f, name, 0, "count=24", "seed=7", NULL);
	eg_source *other = open_source(f, name, TRAIN, "count=24", "seed=8", NULL);
	eg_source_seed(again, 99); /* of training: it does not matter */
	assert_int_equal(eg_source_prepare(again, EG_PART_TEST, &f->err), EG_OK);
	assert_int_equal(eg_source_prepare(again, EG_PART_TRAIN, &f->err), EG_OK);
	for (int i = 0; i < THREADS; i++) {
		d[i].s = s, d[i].from = 5 * i;
		assert_int_equal(pthread_create(&threads[i], NULL, read_all, &d[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
	d[THREADS].s = again, d[THREADS + 1].s = other;
	read_all(&d[THREADS]), read_all(&d[THREADS + 1]);
	for (int i = 0; i < READ; i++) {
		for (int k = 0; k <= THREADS; k++) assert_true(!d[k].failed && d[k].hash[i] == d[0].hash[i]);
		assert_true(d[THREADS + 1].hash[i] != d[0].hash[i]);
		assert_true(i == 0 || d[0].hash[i] != d[0].hash[i - 1]);
	}
	eg_source_close(s), eg_source_close(again), eg_source_close(other);
}

static void same_for_everyone(void **state) {
	sources *f = *state;
	write_sets(f);
	write_speech(f);
	static const char *const names[] = {"digit-strings", "digit-lines", "turned-digits", "moving-digits", "moving-mnist", "scenes"};
	for (int i = 0; i < EG_COUNT(names); i++) same_records(f, names[i]);
}

/* What is not wanted is not there, and what is wanted does not depend on it. */
static void wanted_alone(void **state) {
	sources *f = *state;
	write_sets(f);
	write_speech(f);
	static const char *const names[] = {"digit-strings", "digit-lines", "turned-digits", "moving-digits", "moving-mnist", "scenes"};
	eg_record all = {0}, one = {0};
	for (int i = 0; i < EG_COUNT(names); i++) {
		eg_source *s = open_source(f, names[i], TEST, NULL);
		read_record(f, s, EG_PART_TEST, 3, &all);
		for (int k = 0; k < eg_source_fields(s); k++) {
			assert_int_equal(eg_source_read(s, EG_PART_TEST, 3, 1u << k, &one, &f->err), EG_OK);
			for (int j = 0; j < eg_source_fields(s); j++) assert_int_equal(one.fields[j].there, j == k);
			eg_record single = {0};
			single.fields[k] = all.fields[k];
			assert_true(hash_record(s, &single) == hash_record(s, &one));
		}
		eg_source_close(s);
	}
	eg_record_free(&all), eg_record_free(&one);
}

/* ---- digit-strings ----------------------------------------------------------------------------------------------- */

static const char *const words[] = {"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"};

/* Is the string what its digits and places say, of one speaker, with pauses of this length? Returns the speaker;
 * *least and *most become the numbers of the recordings. */
static int check_string(const eg_record *r, int pause_least, int pause_most, int *least, int *most) {
	const eg_datum_sound *x = &r->fields[0].sound;
	const eg_datum_tokens *digits = &r->fields[1].tokens;
	const eg_datum_series *places = &r->fields[2].series;
	int64_t at = 0;
	int speaker = -1;
	assert_true(x->rate == RATE && x->channels == 1 && places->steps == digits->n && places->columns == 2);
	for (int k = 0; k < digits->n; k++) {
		int64_t from = at;
		while (from < x->n && x->at[from] == 0) from++;
		assert_true(k == 0 ? from == 0 : from - at >= pause_least && from - at <= pause_most);
		const int mark = (int)lroundf(x->at[from] * 32768) - 1000, take = mark % TAKES, digit = mark / TAKES % 10;
		if (k > 0) assert_int_equal(speaker, mark / TAKES / 10);
		speaker = mark / TAKES / 10;
		assert_int_equal(atoi(digits->at[k]), digit);
		for (at = from; at < x->n && x->at[at] == x->at[from];) at++;
		assert_int_equal(at - from, length_of(digit, take));
		assert_true(fabs((double)places->at[2 * k] * RATE - (double)from) < 0.01);
		assert_true(fabs((double)places->at[2 * k + 1] * RATE - (double)at) < 0.01);
		if (take < *least) *least = take;
		if (take > *most) *most = take;
	}
	assert_int_equal(at, x->n);
	assert_string_equal(r->group, speakers[speaker]);
	char said[200] = "";
	for (int k = 0; k < digits->n; k++) sprintf(said + strlen(said), "%s%s", k ? " " : "", words[atoi(digits->at[k])]);
	assert_int_equal(r->fields[3].text.size, strlen(said));
	assert_memory_equal(r->fields[3].text.bytes, said, strlen(said));
	assert_int_equal(r->fields[4].label, speaker);
	return speaker;
}

static void digit_strings(void **state) {
	sources *f = *state;
	eg_record r = {0};
	write_speech(f);
	eg_source *s = open_source(f, "digit-strings", ALL, "count=200", "test_count=60", "validation=0.2", NULL);
	const int64_t counts[EG_PARTS] = {200, 40, 60};
	const int first[EG_PARTS] = {TEST_TAKES, TAKES - 1, 0}, last[EG_PARTS] = {TAKES - 2, TAKES - 1, TEST_TAKES - 1};
	for (int p = 0; p < EG_PARTS; p++) {
		int least = TAKES, most = -1, lengths = 0, heard = 0;
		assert_int_equal(eg_source_count(s, (eg_part)p), counts[p]);
		for (int64_t i = 0; i < counts[p]; i++) {
			read_record(f, s, (eg_part)p, i, &r);
			heard |= 1 << check_string(&r, 400, 2400, &least, &most);
			lengths |= 1 << r.fields[1].tokens.n;
		}
		assert_int_equal(lengths, 0xF8); /* 3 to 7, each of them */
		assert_int_equal(heard, 7);
		assert_true(least == first[p] && most == last[p]);
	}
	eg_source_close(s);
	s = open_source(f, "digit-strings", ALL, "left_out=ben", "least=2", "most=2", "pause_least=1", "pause_most=1", NULL);
	for (int i = 0; i < 60; i++) {
		int least = TAKES, most = -1;
		read_record(f, s, EG_PART_TRAIN, i, &r);
		assert_true(check_string(&r, 8, 8, &least, &most) != 1 && least >= TEST_TAKES && r.fields[1].tokens.n == 2);
		read_record(f, s, EG_PART_TEST, i, &r);
		assert_true(check_string(&r, 8, 8, &least, &most) == 1 && most >= 0);
	}
	eg_source_close(s);
	s = open_source(f, "fsdd", ALL, NULL); /* what it is made of: who speaks is read off the files */
	assert_int_equal(eg_source_field(s, 3)->nnames, SPEAKERS);
	read_record(f, s, EG_PART_TEST, 5, &r);
	assert_string_equal(r.group, eg_source_name(s, 3, r.fields[3].label));
	assert_memory_equal(r.fields[2].text.bytes, words[r.fields[1].label], r.fields[2].text.size);
	eg_source_close(s);
	eg_record_free(&r);
	refuse_source(f, "digit-strings", TRAIN, "there is no speaker 'bert'|anna, ben, cleo", "left_out=bert", NULL);
	refuse_source(f, "digit-strings", 0, "'least' is 5 and 'most' is 4", "least=5", "most=4", NULL);
	refuse_source(f, "digit-strings", 0, "'pause_least' is 400 and 'pause_most' is 300", "pause_least=400", NULL);
}

/* ---- digit-lines ------------------------------------------------------------------------------------------------- */

static void digit_lines(void **state) {
	sources *f = *state;
	eg_record r = {0};
	int lengths = 0;
	double gaps[2] = {100, 0}, sizes[2] = {100, 0};
	write_sets(f);
	eg_source *s = open_source(f, "digit-lines", TRAIN, "count=300", NULL);
	for (int i = 0; i < 300; i++) {
		read_record(f, s, EG_PART_TRAIN, i, &r);
		const eg_datum_picture *p = &r.fields[0].picture;
		const eg_datum_tokens *digits = &r.fields[1].tokens;
		const eg_datum_boxes *b = &r.fields[2].boxes;
		assert_true(p->C == 1 && p->H == 32 && b->n == digits->n);
		lengths |= 1 << digits->n;
		for (int k = 0; k < b->n; k++) {
			const eg_box *box = &b->at[k];
			assert_int_equal(atoi(digits->at[k]), box->label);
			assert_true(box->x0 >= 2 && box->x1 <= p->W - 2 && box->y0 >= 0 && box->y1 <= 32);
			sizes[0] = fmin(sizes[0], box->y1 - box->y0), sizes[1] = fmax(sizes[1], box->y1 - box->y0);
			if (k == 0) continue;
			gaps[0] = fmin(gaps[0], box->x0 - box[-1].x1), gaps[1] = fmax(gaps[1], box->x0 - box[-1].x1);
		}
		assert_true(b->at[0].x0 <= 6 && p->W - b->at[b->n - 1].x1 <= 6);
	}
	assert_int_equal(lengths, 0x1FFE); /* 1 to 12 */
	assert_true(gaps[0] == 0 && gaps[1] == 7);
	assert_true(sizes[0] >= 13 && sizes[0] < 16 && sizes[1] > 22 && sizes[1] <= 26); /* of 18, and a soft edge */
	eg_source_close(s);
	refuse_source(f, "digit-lines", 0, "'least' is 3 and 'most' is 2", "least=3", "most=2", NULL);
	eg_record_free(&r);
}

/* Which real pictures a part is made of. */
static void parts_apart(void **state) {
	sources *f = *state;
	eg_record r = {0};
	write_sets(f);
	eg_source *s = open_source(f, "digit-lines", ALL, "most=1", "count=200", "validation=0.5", NULL);
	const int first[EG_PARTS] = {TRAIN_LEAST, TRAIN_LEAST + TRAIN_STEP * (EACH - KEPT), 80};
	const int last[EG_PARTS] = {TRAIN_LEAST + TRAIN_STEP * (EACH - KEPT - 1), TRAIN_LEAST + TRAIN_STEP * (EACH - 1), 99};
	for (int p = 0; p < EG_PARTS; p++) {
		int least = 255, most = 0;
		for (int i = 0; i < 100; i++) {
			read_record(f, s, (eg_part)p, i, &r);
			const int b = brightest(&r.fields[0].picture);
			if (b < least) least = b;
			if (b > most) most = b;
		}
		assert_true(least == first[p] && most == last[p]);
	}
	eg_source_close(s);
	s = open_source(f, "digit-lines", ALL, "most=1", NULL); /* without a validation part nothing is kept aside */
	int most = 0;
	for (int i = 0; i < 200; i++) {
		read_record(f, s, EG_PART_TRAIN, i, &r);
		const int b = brightest(&r.fields[0].picture);
		if (b > most) most = b;
	}
	assert_true(most == TRAIN_LEAST + TRAIN_STEP * (EACH - 1) && eg_source_count(s, EG_PART_VALIDATION) == 0);
	eg_source_close(s);
	eg_record_free(&r);
}

/* ---- films ------------------------------------------------------------------------------------------------------- */

enum { FILM_SIDE = 64 };
typedef struct seen {
	double mass, x, y;
} seen;

static seen look(const eg_datum_frames *f, int t) {
	seen s = {0, 0, 0};
	const uint8_t *p = f->pixels + (size_t)t * FILM_SIDE * FILM_SIDE;
	for (int i = 0; i < FILM_SIDE * FILM_SIDE; i++)
		s.mass += p[i], s.x += p[i] * (i % FILM_SIDE), s.y += p[i] * (double)(i / FILM_SIDE);
	s.x /= s.mass, s.y /= s.mass;
	return s;
}

static bool same_frame(const eg_datum_frames *f, int a, int b) {
	const size_t size = FILM_SIDE * FILM_SIDE;
	return memcmp(f->pixels + (size_t)a * size, f->pixels + (size_t)b * size, size) == 0;
}

/* -1, 0, 1: which way this goes, by more than a pixel. */
static int way(double d) { return d > 1 ? 1 : d < -1 ? -1 : 0; }

/* One digit, from frame a to frame b: does it do what is said? */
static void check_action(const eg_datum_frames *f, int a, int b, int action) {
	static const int along_x[8] = {1, 1, 0, -1, -1, -1, 0, 1}, along_y[8] = {0, 1, 1, 1, 0, -1, -1, -1};
	const seen from = look(f, a), to = look(f, b);
	int ways_x = 0, ways_y = 0, turned = 0; /* bit way + 1 */
	for (int t = a; t < b; t++) {
		const seen p = look(f, t), q = look(f, t + 1);
		assert_true(action == 10 ? q.mass > 0.99 * p.mass : fabs(q.mass - p.mass) < 0.1 * p.mass);
		if (action < 8) assert_true(way(q.x - p.x) * along_x[action] >= 0 && way(q.y - p.y) * along_y[action] >= 0);
		ways_x |= 1 << (way(q.x - p.x) + 1), ways_y |= 1 << (way(q.y - p.y) + 1);
		turned += !same_frame(f, t, t + 1);
	}
	if (action < 8) {
		assert_int_equal(way(to.x - from.x), along_x[action]);
		assert_int_equal(way(to.y - from.y), along_y[action]);
		const double most = fmax(fabs(to.x - from.x), fabs(to.y - from.y));
		assert_true(most > 11 && most < 31);
	} else if (action == 8) {
		assert_true((ways_x & 5) == 5 && (ways_y & 5) == 5); /* there and back */
	} else {
		/* The L is up to 3 pixels off the middle that it turns about. */
		assert_true(fabs(to.x - from.x) < 7 && fabs(to.y - from.y) < 7);
	}
	if (action == 9) assert_true(turned == b - a && fabs(to.mass - from.mass) < 0.1 * from.mass);
	if (action == 10) assert_true(to.mass > 1.8 * from.mass && to.mass < 3.4 * from.mass);
	if (action == 11) assert_int_equal(turned, 0);
}

/* Which way the ink of a picture is longest, in degrees clockwise from the right; a half turn is none. */
static double axis_of(const eg_datum_picture *p) {
	double sum = 0, x1 = 0, y1 = 0, xx = 0, yy = 0, xy = 0;
	for (int y = 0; y < p->H; y++)
		for (int x = 0; x < p->W; x++) {
			const double v = p->pixels[y * p->W + x];
			sum += v, x1 += v * x, y1 += v * y, xx += v * x * x, yy += v * y * y, xy += v * x * y;
		}
	x1 /= sum, y1 /= sum;
	return atan2(2 * (xy / sum - x1 * y1), (xx / sum - x1 * x1) - (yy / sum - y1 * y1)) * 90 / acos(-1);
}

/* The same digits, hardly turned and turned: the angle between is the one that is told. */
static void turned_digits(void **state) {
	sources *f = *state;
	eg_record upright = {0}, turned = {0};
	double least = 0, most = 0;
	write_sets(f);
	eg_source *a = open_source(f, "turned-digits", TRAIN | TEST, "degrees=0.01", NULL), *b = open_source(f, "turned-digits", TRAIN | TEST, NULL);
	for (int i = 0; i < 200; i++) {
		const eg_part part = i % 2 ? EG_PART_TRAIN : EG_PART_TEST;
		read_record(f, a, part, i, &upright), read_record(f, b, part, i, &turned);
		const double by = (double)turned.fields[1].numbers.at[0], found = axis_of(&turned.fields[0].picture) - axis_of(&upright.fields[0].picture);
		assert_true(by >= -45 && by <= 45);
		assert_true(fabs(remainder(found - by, 180)) < 2);
		assert_true(brightest(&upright.fields[0].picture) == brightest(&turned.fields[0].picture));
		assert_true((brightest(&turned.fields[0].picture) >= TRAIN_LEAST) == (i % 2 == 1));
		least = fmin(least, by), most = fmax(most, by);
	}
	assert_true(least < -40 && most > 40);
	eg_source_close(a), eg_source_close(b);
	eg_record_free(&upright), eg_record_free(&turned);
}

static void moving_digits(void **state) {
	sources *f = *state;
	eg_record r = {0};
	int there = 0, brighter = 0;
	write_sets(f);
	eg_source *s = open_source(f, "moving-digits", TRAIN | TEST, "most_digits=1", NULL);
	assert_true(eg_source_field(s, 0)->steps == 16 && eg_source_field(s, 1)->nnames == 12);
	for (int i = 0; i < 150; i++) {
		read_record(f, s, i % 2 ? EG_PART_TRAIN : EG_PART_TEST, i, &r);
		const eg_datum_frames *film = &r.fields[0].frames;
		assert_true(film->n == 16 && film->C == 1 && film->H == FILM_SIDE && film->W == FILM_SIDE);
		const int action = r.fields[1].label;
		check_action(film, 0, 15, action);
		there |= 1 << action;
		for (int t = 0; t < 16; t++) assert_int_equal(r.fields[2].tags.at[t], action);
		const eg_datum_picture first = {1, FILM_SIDE, FILM_SIDE, film->pixels};
		assert_true((brightest(&first) >= TRAIN_LEAST) == (i % 2 == 1));
	}
	assert_int_equal(there, 0xFFF);
	eg_source_close(s);
	s = open_source(f, "moving-digits", TEST, NULL); /* the mass of a second digit */
	for (int i = 0; i < 60; i++) {
		read_record(f, s, EG_PART_TEST, i, &r);
		const eg_datum_picture first = {1, FILM_SIDE, FILM_SIDE, r.fields[0].frames.pixels};
		brighter += brightest(&first) > 99; /* two lie over one another: both count */
		assert_true(brightest(&first) <= 2 * 99);
	}
	assert_true(brighter > 5 && brighter < 55);
	eg_source_close(s);
	eg_record_free(&r);
}

static void several_actions(void **state) {
	sources *f = *state;
	eg_record r = {0};
	write_sets(f);
	eg_source *s = open_source(f, "moving-digits", TRAIN, "most_digits=1", "actions=4", NULL);
	for (int i = 0; i < 40; i++) {
		read_record(f, s, EG_PART_TRAIN, i, &r);
		const eg_datum_frames *film = &r.fields[0].frames;
		const int32_t *tags = r.fields[2].tags.at;
		int from = 0, parts = 0;
		assert_true(film->n == 64 && r.fields[2].tags.n == 64 && !r.fields[1].there);
		for (int t = 1; t <= 64; t++) {
			if (t < 64 && tags[t] == tags[t - 1]) continue;
			assert_true(t - from >= 8 && t - from <= 24);
			check_action(film, from > 0 ? from - 1 : 0, t - 1, tags[from]);
			from = t, parts++;
		}
		assert_int_equal(parts, 4);
	}
	eg_source_close(s);
	eg_record_free(&r);
}

/* Does a caption say what the tags do, with digits named where they are new? */
static void check_story(const char *text, const int32_t *tags, int frames, bool recast) {
	static const char *const one[] = {"moves right", "moves down-right", "moves down", "moves down-left", "moves left", "moves up-left", "moves up",
		"moves up-right", "bounces", "turns", "grows", "stays"};
	static const char *const two[] = {"move right", "move down-right", "move down", "move down-left", "move left", "move up-left", "move up",
		"move up-right", "bounce", "turn", "grow", "stay"};
	char clause[200];
	bool several = false;
	for (int t = 0, k = 0; t < frames; t++) {
		if (t > 0 && tags[t] == tags[t - 1]) continue;
		const char *end = strstr(text, ", then "), *verb = NULL;
		snprintf(clause, sizeof clause, "%.*s", end ? (int)(end - text) : (int)strlen(text), text);
		if (k == 0 || recast) several = strstr(clause, " and ") != NULL;
		verb = (several ? two : one)[tags[t]];
		assert_true(strlen(clause) >= strlen(verb) && !strcmp(clause + strlen(clause) - strlen(verb), verb));
		const bool named = k == 0 || recast;
		assert_int_equal(!strncmp(clause, "a ", 2) || !strncmp(clause, "an eight", 8), named);
		if (!named) assert_string_equal(clause, verb);
		text = end ? end + 7 : text + strlen(text);
		k++;
	}
	assert_string_equal(text, "");
}

static void captions_of_films(void **state) {
	sources *f = *state;
	eg_record r = {0}, plain = {0};
	write_sets(f);
	for (int recast = 0; recast < 2; recast++) {
		eg_source *s = open_source(f, "moving-digits", TRAIN, "actions=3", recast ? "recast=true" : "recast=false", NULL);
		int parts = 0, several = 0;
		for (int i = 0; i < 40; i++) {
			read_record(f, s, EG_PART_TRAIN, i, &r);
			const int32_t *tags = r.fields[2].tags.at;
			const char *text = r.fields[3].text.bytes;
			assert_int_equal(strlen(text), r.fields[3].text.size);
			check_story(text, tags, 48, recast);
			several += strstr(text, " and ") != NULL;
			for (int t = 0; t < 48; t++) parts += t == 0 || tags[t] != tags[t - 1];
		}
		assert_int_equal(parts, 3 * 40);
		assert_true(several > 5);
		eg_source_close(s);
	}
	/* The first action's films are the same, whatever comes later; of one action there is nothing to be cast
	 * anew. */
	eg_source *s = open_source(f, "moving-digits", TRAIN, "recast=true", NULL), *same = open_source(f, "moving-digits", TRAIN, NULL);
	for (int i = 0; i < 10; i++) {
		read_record(f, s, EG_PART_TRAIN, i, &r);
		read_record(f, same, EG_PART_TRAIN, i, &plain);
		assert_true(hash_record(s, &r) == hash_record(same, &plain));
	}
	eg_source_close(s), eg_source_close(same);
	eg_record_free(&r), eg_record_free(&plain);
}

static void moving_mnist(void **state) {
	sources *f = *state;
	eg_record r = {0};
	write_sets(f);
	eg_source *s = open_source(f, "moving-mnist", TRAIN | TEST, "digits=1", "input_frames=12", NULL);
	for (int i = 0; i < 30; i++) {
		read_record(f, s, EG_PART_TEST, i, &r);
		const eg_datum_frames *a = &r.fields[0].frames, *b = &r.fields[1].frames;
		assert_true(a->n == 12 && b->n == 10);
		assert_ptr_equal(b->pixels, a->pixels + (size_t)12 * FILM_SIDE * FILM_SIDE);
		const eg_datum_frames film = {22, 1, FILM_SIDE, FILM_SIDE, 0, a->pixels};
		/* All of it is inside, and no step is longer than 3.6 and the rounding. */
		for (int t = 0; t < 21; t++) {
			const seen p = look(&film, t), q = look(&film, t + 1);
			assert_true(p.mass == q.mass && hypot(q.x - p.x, q.y - p.y) < 3.6 + 1.5);
			if (t == 0) continue;
			const seen o = look(&film, t - 1);
			const bool turned = fabs(q.x - 2 * p.x + o.x) > 2.01 || fabs(q.y - 2 * p.y + o.y) > 2.01;
			/* The L begins 9 columns and 5 rows behind its picture's edge. */
			const bool near = p.x < 21 || p.x > 45 || p.y < 20 || p.y > 48;
			if (turned) assert_true(near);
		}
		const eg_datum_picture first = {1, FILM_SIDE, FILM_SIDE, a->pixels};
		assert_true(brightest(&first) >= 80 && brightest(&first) <= 99);
	}
	eg_source_close(s);
	int clipped = 0;
	s = open_source(f, "moving-mnist", TRAIN, NULL);
	for (int i = 0; i < 30; i++) {
		read_record(f, s, EG_PART_TRAIN, i, &r);
		assert_true(r.fields[0].frames.n == 10 && r.fields[1].frames.n == 10);
		for (int t = 0; t < 10 * FILM_SIDE * FILM_SIDE; t++) clipped += r.fields[0].frames.pixels[t] == 255;
	}
	assert_true(clipped > 0);
	eg_source_close(s);
	eg_record_free(&r);
}

/* ---- scenes ------------------------------------------------------------------------------------------------------ */

enum { PICTURE, CAPTION, REFERENCES, BOXES, COLOURS, COMBINATION };

/* Takes a word, or fails. */
static void word(const char **at, const char *w) {
	const size_t n = strlen(w);
	if (strncmp(*at, w, n) != 0) fail_msg("'%s' does not go on with '%s'", *at, w);
	*at += n;
}

/* Takes "a COLOUR CLASS" and finds which object of the scene that is. */
static int object(const eg_source *s, const eg_record *r, const char **at) {
	char name[60];
	for (int k = 0; k < r->fields[BOXES].boxes.n; k++) {
		const int n = snprintf(name, sizeof name, "a %s %s", eg_source_name(s, COLOURS, r->fields[COLOURS].tags.at[k]),
		        eg_source_name(s, BOXES, r->fields[BOXES].boxes.at[k].label));
		if (strncmp(*at, name, (size_t)n) != 0 || ((*at)[n] && (*at)[n] != ' ')) continue;
		*at += n;
		return k;
	}
	fail_msg("there is no object '%s'", *at);
	return 0;
}

/* Takes a relation and the object behind it. */
static int check_relation(const eg_source *s, const eg_record *r, const char **at, int a) {
	static const char *const relations[] = {" left of ", " right of ", " above ", " below "};
	int which = 0;
	while (which < 3 && strncmp(*at, relations[which], strlen(relations[which])) != 0) which++;
	word(at, relations[which]);
	const int b = object(s, r, at);
	const eg_box *p = &r->fields[BOXES].boxes.at[a], *q = &r->fields[BOXES].boxes.at[b];
	const double x = (q->x0 + q->x1 - p->x0 - p->x1) / 2, y = (q->y0 + q->y1 - p->y0 - p->y1) / 2;
	const double along = which < 2 ? x : y, across = which < 2 ? y : x;
	assert_true((which % 2 ? -along : along) > 20 && fabs(across) < 10);
	return b;
}

static void check_caption(const eg_source *s, const eg_record *r, const char *text) {
	const char *at = text;
	const int a = object(s, r, &at), b = check_relation(s, r, &at, a);
	int all = 1 << a | 1 << b;
	if (r->fields[BOXES].boxes.n == 3) {
		word(&at, " and");
		all |= 1 << check_relation(s, r, &at, a);
	}
	assert_string_equal(at, "");
	assert_int_equal(all, (1 << r->fields[BOXES].boxes.n) - 1); /* each object once */
}

/* The colour of the pixel in the middle of the long side of the L is the one that is told. */
static void check_colour(const eg_record *r, int k) {
	static const int paint[6] = {4, 2, 1, 6, 5, 3};
	const eg_box *b = &r->fields[BOXES].boxes.at[k];
	const int y = (int)((b->y0 + b->y1) / 2), x = (int)b->x0 + 2;
	int lit = 0;
	for (int c = 0; c < 3; c++)
		lit = lit * 2 + (r->fields[PICTURE].picture.pixels[(c * FILM_SIDE + y) * FILM_SIDE + x] > 40);
	assert_int_equal(lit, paint[r->fields[COLOURS].tags.at[k]]);
}

static void scenes(void **state) {
	sources *f = *state;
	eg_record r = {0};
	write_sets(f);
	eg_source *s = open_source(f, "scenes", ALL, "count=300", "validation=0.5", NULL);
	assert_true(eg_source_field(s, BOXES)->nnames == 20 && eg_source_field(s, COLOURS)->nnames == 6);
	int sizes = 0, unseen_kinds = 0;
	uint32_t labels = 0;
	for (int p = 0; p < EG_PARTS; p++)
		for (int i = 0; i < 150; i++) {
			read_record(f, s, (eg_part)p, i, &r);
			const eg_datum_boxes *b = &r.fields[BOXES].boxes;
			const eg_datum_tokens *all = &r.fields[REFERENCES].tokens;
			const eg_datum_text *caption = &r.fields[CAPTION].text;
			int unseen = 0;
			sizes |= 1 << b->n;
			for (int k = 0; k < b->n; k++) {
				unseen += r.fields[COLOURS].tags.at[k] == b->at[k].label % 6;
				labels |= 1u << b->at[k].label;
				check_colour(&r, k);
			}
			assert_int_equal(unseen, p == EG_PART_TEST && i % 2);
			assert_int_equal(r.fields[COMBINATION].label, unseen);
			unseen_kinds += unseen;
			assert_true(all->n == 2 && strcmp(all->at[0], all->at[1]) != 0);
			check_caption(s, &r, all->at[0]), check_caption(s, &r, all->at[1]);
			assert_true(strlen(all->at[0]) == caption->size || strlen(all->at[1]) == caption->size);
			assert_true(!memcmp(caption->bytes, all->at[0], caption->size) ||
			            !memcmp(caption->bytes, all->at[1], caption->size));
			const int bright = brightest(&r.fields[PICTURE].picture);
			assert_true(p == EG_PART_TEST ? bright <= 99 : bright >= TRAIN_LEAST);
		}
	assert_true(sizes == 12 && labels == 0xFFFFF && unseen_kinds == 75);
	eg_source_close(s);
	eg_record_free(&r);
}

/* ---- what is not there ------------------------------------------------------------------------------------------- */

static void nothing_under_it(void **state) {
	sources *f = *state;
	refuse_source(f, "digit-lines", TRAIN, "mnist is not on this machine|engram data get mnist", NULL);
	refuse_source(f, "digit-strings", TEST, "fsdd is not on this machine", NULL);
	refuse_source(f, "scenes", TRAIN, "data source 'scenes' takes no 'path'", "path=/tmp", NULL);
	char path[400];
	write_pictures(f, "here", "train", false), write_pictures(f, "here", "t10k", true);
	snprintf(path, sizeof path, "pictures=%s/here", f->folder);
	eg_source_close(open_source(f, "moving-mnist", ALL, path, NULL));
	refuse_source(f, "moving-digits", TRAIN, "there is no|in folder", "pictures=/nowhere", NULL);
	refuse_source(f, "moving-digits", 0, "'actions'|is 17; it must be at least 1 and at most 16", "actions=17", NULL);
	refuse_source(f, "moving-mnist", 0, "'count'|is 0; it must be at least 1", "count=0", NULL);
}

/* A class of which there is no picture is named when it is asked for. */
static void class_missing(void **state) {
	sources *f = *state;
	uint8_t images[16 + SIDE * SIDE] = {0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, SIDE, 0, 0, 0, SIDE};
	const uint8_t labels[9] = {0, 0, 8, 1, 0, 0, 0, 1, 4};
	eg_record r = {0};
	eg_status status = EG_OK;
	static const char *const parts[2] = {"train", "t10k"};
	for (int p = 0; p < 2; p++) {
		char name[60];
		snprintf(name, sizeof name, "mnist/%s-images-idx3-ubyte", parts[p]);
		write_file(f, name, images, sizeof images);
		snprintf(name, sizeof name, "mnist/%s-labels-idx1-ubyte", parts[p]);
		write_file(f, name, labels, sizeof labels);
	}
	setenv("ENGRAM_DATA", f->folder, 1);
	eg_source *s = open_source(f, "digit-lines", TRAIN, NULL);
	for (int i = 0; i < 20 && !status; i++) status = eg_source_read(s, EG_PART_TRAIN, i, ~0u, &r, &f->err);
	assert_int_equal(status, EG_ERR_FORMAT);
	assert_says(f->err.message, "mnist has no record of class '");
	eg_source_close(s);
	eg_record_free(&r);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test_setup_teardown(same_for_everyone, sources_setup, sources_teardown),
	        cmocka_unit_test_setup_teardown(wanted_alone, sources_setup, sources_teardown),
	        cmocka_unit_test_setup_teardown(digit_strings, sources_setup, sources_teardown),
	        cmocka_unit_test_setup_teardown(digit_lines, sources_setup, sources_teardown),
	        cmocka_unit_test_setup_teardown(parts_apart, sources_setup, sources_teardown),
	        cmocka_unit_test_setup_teardown(turned_digits, sources_setup, sources_teardown),
	        cmocka_unit_test_setup_teardown(moving_digits, sources_setup, sources_teardown),
	        cmocka_unit_test_setup_teardown(several_actions, sources_setup, sources_teardown),
	        cmocka_unit_test_setup_teardown(captions_of_films, sources_setup, sources_teardown),
	        cmocka_unit_test_setup_teardown(moving_mnist, sources_setup, sources_teardown),
	        cmocka_unit_test_setup_teardown(scenes, sources_setup, sources_teardown),
	        cmocka_unit_test_setup_teardown(nothing_under_it, sources_setup, sources_teardown),
	        cmocka_unit_test_setup_teardown(class_missing, sources_setup, sources_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
