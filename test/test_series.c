/* test_series.c - tests of series of numbers, pairs of sentences, recordings, and of the sets that are made of them
 * or of tables. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/table.h"
#include "source_bed.h"

#include <math.h>

/* ---- series ------------------------------------------------------------------------------------------------------ */

static const char hours[] =
	"no,year,month,day,hour,dust,wind\r\n1,2010,1,1,22,NA,N\r\n2,2010,1,1,23,5,S\r\n3,2010,1,2,0,7.5,N\r\n4,2010,1,2,1,8,\r\n"
	"5,2010,1,2,2,9,S\r\n";

static void series(void **state) {
	sources *f = *state;
	if (!HAVE_CSV) skip();
	char path[400];
	eg_record r = {0};
	setting(path, "path", write_text(f, "h.csv", hours));
	eg_source *s = open_source(f, "series", ALL, path, "columns=[dust, wind]", "time=[year, month, day, hour]",
	        "test_from=\"2010-01-02T01\"", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 1);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 1);
	assert_int_equal(eg_source_field(s, 0)->columns, 3);
	assert_string_equal(eg_source_field(s, 0)->names[2], "wind=S");
	read_record(f, s, EG_PART_TRAIN, 0, &r);
	const eg_datum_series *x = &r.fields[0].series;
	assert_true(x->steps == 3 && x->columns == 3);
	assert_true(isnan(x->at[0]) && x->at[1] == 1 && x->at[2] == 0 && x->at[3] == 5 && x->at[4] == 0 && x->at[5] == 1);
	assert_true(x->times[0] == 1262383200 && x->times[2] == x->times[0] + 7200);
	read_record(f, s, EG_PART_TEST, 0, &r);
	assert_int_equal(x->steps, 2);
	assert_true(x->at[0] == 8 && isnan(x->at[1]) && isnan(x->at[2]) && x->at[3] == 9);
	assert_string_equal(strrchr(r.place, '/') + 1, "h.csv:5");
	eg_source_close(s);
	s = open_source(f, "series", ALL, path, "time=[year, month, day, hour]", NULL); /* all that are numbers */
	assert_int_equal(eg_source_field(s, 0)->columns, 2);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 0);
	assert_says(eg_source_remark(s, EG_PART_TEST), "there is no test part: give 'test_last'");
	eg_source_close(s);
	refuse_source(f, "series", TRAIN, "all of which would be the test part", path, "test_last=5", NULL);
	refuse_source(f, "series", 0, "'test_from' needs 'time'", path, "test_from=\"2010\"", NULL);
	setting(path, "path", write_text(f, "t.csv", "t,v\n2010-01,1\n2010-02,2\n2010-02,3\nlater,4\n2010-03,x\n2010-04,5\n"));
	refuse_source(f, "series", TRAIN, "t.csv:4: the time '2010-02' is not later than that of line 3|3 of 6 records", path,
	        "time=[t]", "columns=[v]", NULL);
	s = open_source(f, "series", TRAIN, path, "time=[t]", "columns=[v]", "broken=skip", NULL);
	assert_says(eg_source_broken(s), "t.csv:5: 'later' in the column 't' is no time: write it as 2010-03-31");
	assert_says(eg_source_broken(s), "t.csv:6: 'x' in the column 'v' is no number");
	read_record(f, s, EG_PART_TRAIN, 0, &r);
	assert_true(x->steps == 3 && x->at[2] == 5 && x->times[2] == 1270080000);
	eg_source_close(s);
	eg_record_free(&r);
}

static void real_series(void **state) {
	sources *f = *state;
	if (!HAVE_CSV) skip();
	static const struct {
		const char *name;
		int train, test, columns, gaps;
		double first, last; /* of the first column */
		double begin;       /* of the test part */
	} sets[] = {{"airline", 96, 48, 1, 0, 112, 432, -410227200}, {"sunspots", 2256, 564, 1, 0, 58, 33.4, -1041379200},
	        {"temperatures", 3285, 365, 1, 0, 20.7, 13, 631152000},
	        {"pm25", 35064, 8760, 11, 2067, NAN, 12, 1388534400}};
	for (int i = 0; i < EG_COUNT(sets); i++) {
		eg_record r[2] = {{0}};
		int gaps = 0;
		if (!with_real_data(sets[i].name)) skip();
		if (SANITIZED && sets[i].train > 10000) continue;
		if (eg_data_get(sets[i].name, NULL, NULL, NULL, &f->err)) fail_msg("%s", f->err.message);
		eg_source *s = open_source(f, sets[i].name, ALL, NULL);
		read_record(f, s, EG_PART_TRAIN, 0, &r[0]);
		read_record(f, s, EG_PART_TEST, 0, &r[1]);
		const eg_datum_series *a = &r[0].fields[0].series, *b = &r[1].fields[0].series;
		assert_int_equal(a->steps, sets[i].train);
		assert_int_equal(b->steps, sets[i].test);
		assert_int_equal(a->columns, sets[i].columns);
		for (int k = 0; k < a->steps * a->columns; k++) gaps += isnan(a->at[k]);
		for (int k = 0; k < b->steps * b->columns; k++) gaps += isnan(b->at[k]);
		assert_int_equal(gaps, sets[i].gaps);
		assert_true(isnan(sets[i].first) || fabs((double)a->at[0] - sets[i].first) < 1e-4);
		assert_true(fabs((double)b->at[(b->steps - 1) * b->columns] - sets[i].last) < 1e-4);
		if (b->times[0] != sets[i].begin) fail_msg("%s: the test part begins at %.0f", sets[i].name, b->times[0]);
		for (int k = 0; k < 2; k++) eg_record_free(&r[k]);
		eg_source_close(s);
	}
}

/* ---- pairs ------------------------------------------------------------------------------------------------------- */

static void pairs(void **state) {
	sources *f = *state;
	char path[400];
	eg_record r = {0};
	/* "a" and "b" share x, "b" and "c" share b: one group, called "a". */
	setting(path, "path", write_text(f, "p.txt", "c\tz\tsomeone\nb\tx\r\na\tx\tme\tmore\nb\tz\n\nd\ty\n"));
	eg_source *s = open_source(f, "pairs", ALL, path, NULL);
	int64_t n = 0;
	for (int p = 0; p < EG_PARTS; p++)
		for (int64_t i = 0; i < eg_source_count(s, (eg_part)p); i++, n++) {
			read_record(f, s, (eg_part)p, i, &r);
			assert_string_equal(r.group, r.fields[0].text.bytes[0] == 'd' ? "d" : "a");
			/* SHA-256 of "a" begins with ca: 202 mod 20 is 2; of "d" with 18: 24 mod 20 is 4 */
			assert_int_equal(p, EG_PART_TRAIN);
		}
	assert_int_equal(n, 5);
	read_record(f, s, EG_PART_TRAIN, 0, &r);
	assert_string_equal(r.fields[0].text.bytes, "c");
	assert_string_equal(r.fields[1].text.bytes, "z");
	eg_source_close(s);
	setting(path, "path", write_text(f, "q.txt", "a\tx\nb\n\ty\n"));
	refuse_source(f, "pairs", TRAIN, "q.txt:2: there is to be a tab between a sentence and its translation|2 of 3", path, NULL);
	s = open_source(f, "pairs", TRAIN, path, "broken=skip", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 1);
	assert_says(eg_source_broken(s), "q.txt:3: there is to be a sentence on each side of the tab");
	eg_source_close(s);
	eg_record_free(&r);
}

static void real_pairs(void **state) {
	sources *f = *state;
	if (SANITIZED || !with_real_data("tatoeba-eng-cmn")) skip();
	if (eg_data_get("tatoeba-eng-cmn", NULL, NULL, NULL, &f->err)) fail_msg("%s", f->err.message);
	eg_source *s = open_source(f, "tatoeba-eng-cmn", ALL, NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 23702);
	assert_int_equal(eg_source_count(s, EG_PART_VALIDATION), 1378);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 1308);
	eg_source_close(s);
}

/* ---- reviews ----------------------------------------------------------------------------------------------------- */

static void real_reviews(void **state) {
	sources *f = *state;
	if (!HAVE_CSV) skip();
	static const struct {
		const char *name;
		int counts[2];
	} sets[] = {{"rt-polarity", {5331, 5331}}, {"hotel-reviews", {2443, 5322}}};
	eg_record r = {0};
	for (int i = 0; i < EG_COUNT(sets) && !SANITIZED; i++) {
		int counts[2] = {0};
		if (!with_real_data(sets[i].name)) skip();
		if (eg_data_get(sets[i].name, NULL, NULL, NULL, &f->err)) fail_msg("%s", f->err.message);
		eg_source *s = open_source(f, sets[i].name, ALL, NULL);
		assert_int_equal(eg_source_count(s, EG_PART_TRAIN), eg_source_info(s)->train);
		for (int64_t k = 0; k < eg_source_count(s, EG_PART_TRAIN); k++) {
			read_record(f, s, EG_PART_TRAIN, k, &r);
			const eg_datum_text *t = &r.fields[0].text;
			assert_int_equal(eg_utf8_check(t->bytes, t->size), t->size);
			assert_true(t->size > 0);
			counts[r.fields[1].label]++;
		}
		assert_memory_equal(counts, sets[i].counts, sizeof counts);
		eg_source_close(s);
	}
	eg_record_free(&r);
}

/* ---- recordings -------------------------------------------------------------------------------------------------- */

static void real_speech(void **state) {
	sources *f = *state;
	eg_record r = {0};
	int counts[10] = {0};
	if (!HAVE_SNDFILE || !with_real_data("fsdd")) skip();
	eg_source *s = open_source(f, "fsdd", ALL, NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 2700);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 300);
	for (int64_t i = 0; i < 300; i++) {
		read_record(f, s, EG_PART_TEST, i, &r);
		counts[r.fields[1].label]++;
		assert_true(r.fields[0].sound.n > 500 && r.fields[0].sound.channels == 1 && r.fields[0].sound.rate == 8000);
	}
	for (int k = 0; k < 10; k++) assert_int_equal(counts[k], 30);
	read_record(f, s, EG_PART_TEST, 0, &r);
	assert_string_equal(r.id, "recordings/0_george_0.wav");
	assert_string_equal(r.group, "george");
	assert_int_equal(r.fields[0].sound.n, 2384);
	assert_true(r.fields[0].sound.at[0] == -1489 * 0x1p-15f);
	eg_record_free(&r);
	eg_source_close(s);
}

int main(void) {
	keep_real_data();
#define CASE(name) cmocka_unit_test_setup_teardown(name, sources_setup, sources_teardown)
	const struct CMUnitTest tests[] = {
	        CASE(series),
	        CASE(real_series),
	        CASE(real_reviews),
	        CASE(pairs),
	        CASE(real_pairs),
	        CASE(real_speech),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
