/* test_csv.c - tests of tables with quotation marks (csv) and of JSON lines (jsonl): columns by name, what cells say,
 * broken rows; and of the rules for text. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/table.h"
#include "source_bed.h"

#include <math.h>
#include <sys/resource.h>

/* Record i has this text (NULL: no such field) and label. */
static void says(sources *f, const eg_source *s, eg_part part, int64_t i, const char *text, const char *label) {
	eg_record r = {0};
	int at = eg_source_find_field(s, "text"), of = eg_source_find_field(s, "label");
	read_record(f, s, part, i, &r);
	if (text) assert_int_equal(r.fields[at].text.size, strlen(text));
	if (text) assert_memory_equal(r.fields[at].text.bytes, text, strlen(text));
	if (label) assert_string_equal(eg_source_name(s, of, r.fields[of].label), label);
	eg_record_free(&r);
}

/* The numbers of a field; NaN stands for a gap. */
static void numbers_are(sources *f, const eg_source *s, int64_t i, const char *field, int n, const double *v) {
	eg_record r = {0};
	int at = eg_source_find_field(s, field);
	assert_true(at >= 0);
	read_record(f, s, EG_PART_TRAIN, i, &r);
	assert_int_equal(r.fields[at].numbers.n, n);
	assert_int_equal(eg_source_field(s, at)->columns, n);
	for (int k = 0; k < n; k++) {
		double x = (double)r.fields[at].numbers.at[k];
		if (!(isnan(v[k]) ? isnan(x) : fabs(x - v[k]) < 1e-6)) fail_msg("number %d is %g, not %g", k, x, v[k]);
	}
	eg_record_free(&r);
}

/* ---- cells ------------------------------------------------------------------------------------------------------- */

static void cells(void **state) {
	EG_UNUSED(state);
	double v = 0;
	const char *words[] = {"-", "n/a", "age=-1"};
	const eg_strings missing = {words, 3};
	static const char *const none[] = {"", " ", "NA", "na", "NaN", "null", "-", "n/a", " NULL "};
	for (int i = 0; i < EG_COUNT(none); i++) assert_true(eg_cell_missing(none[i], "age", &missing));
	assert_false(eg_cell_missing("-", "age", NULL) || eg_cell_missing("N", "age", &missing) ||
	             eg_cell_missing("0", "age", &missing) || eg_cell_missing("-1", "ag", &missing));
	assert_true(eg_cell_missing("-1", "age", &missing));
	assert_true(eg_cell_number(" -1.5e2 ", &v) && v == -150);
	assert_false(eg_cell_number("inf", &v) || eg_cell_number("0x10", &v) || eg_cell_number("1,5", &v) ||
	             eg_cell_number("1 2", &v) || eg_cell_number("", &v));
	static const struct {
		const char *text;
		double seconds;
	} times[] = {{"1970", 0}, {"1970-01-02", 86400}, {"1969-12-31", -86400}, {"2000-03-01", 951868800},
	        {"2016-02-29T23:59:60", 1456790400}, {"2010-01-01 13:30", 1262352600}, {"2010-01-01T13", 1262350800},
	        {"2010-01-01T13:30:15.25Z", 1262352615.25}, {"2010-01-01T13:30+08:00", 1262323800}, {"1749-01", -6974035200.0}};
	for (int i = 0; i < EG_COUNT(times); i++)
		if (!eg_cell_time(times[i].text, &v) || fabs(v - times[i].seconds) > 1e-6)
			fail_msg("'%s' is %.3f, not %.3f", times[i].text, v, times[i].seconds);
	static const char *const no_times[] = {"2010-13", "2010-02-29", "2010-1-1", "10", "2010-01-01T25", "2010-01-01x", "today",
	        "2010-01-01T10:00+99:00", "2010-01-01T10:00:00.", "2010-01Z"};
	for (int i = 0; i < EG_COUNT(no_times); i++)
		if (eg_cell_time(no_times[i], &v)) fail_msg("'%s' is taken for a time", no_times[i]);
}

/* ---- csv --------------------------------------------------------------------------------------------------------- */

static void texts(void **state) {
	sources *f = *state;
	if (!HAVE_CSV) skip();
	char path[400];
	eg_record r = {0};
	/* A mark, CR LF, quotation marks, a line end and separators inside of a cell, blanks, empty lines, a column
	 * more. */
	setting(path, "path",
	        write_text(f, "a.csv",
	                "\xef\xbb\xbf\"kind\",text,who,no\r\n b ,\"one, \"\"two\"\"\r\nthree\",anna,1\r\n\r\na, spaced ,ben,2\r\n"
	                "a,\"\xe4\xb8\xad\",anna,"));
	eg_source *s = open_source(f, "csv", ALL, path, "text=text", "label=kind", "group=who", NULL);
	assert_int_equal(eg_source_fields(s), 2);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 3);
	says(f, s, EG_PART_TRAIN, 0, "one, \"two\"\nthree", " b ");
	says(f, s, EG_PART_TRAIN, 1, " spaced ", "a");
	says(f, s, EG_PART_TRAIN, 2, "\xe4\xb8\xad", "a");
	read_record(f, s, EG_PART_TRAIN, 1, &r);
	assert_string_equal(r.group, "ben");
	assert_string_equal(strrchr(r.place, '/') + 1, "a.csv:5");
	eg_record_free(&r);
	eg_source_close(s);
	setting(path, "path", write_gzip(f, "b.csv.gz", "x;1\ny;2\nx;3\n"));
	s = open_source(f, "csv", ALL, path, "header=false", "separator=semicolon", "label=\"1\"", "numbers=[\"2\"]", "id=\"2\"", "test_last=1",
	        NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 2);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 1);
	says(f, s, EG_PART_TEST, 0, NULL, "x");
	read_record(f, s, EG_PART_TEST, 0, &r);
	assert_string_equal(r.id, "3");
	eg_record_free(&r);
	eg_source_close(s);
}

static const char people[] =
	"name,age,height,city,since,kind\nAnna,31,1.7,Bonn,1970-01-02,x\nBen,NA,1.8,Kiel,1970-01-03,y\nCleo,27,,Bonn,,x\n"
	"Dora,40,1.65,Kiel,1970-01-11,y\n";

static void found_columns(void **state) {
	sources *f = *state;
	if (!HAVE_CSV) skip();
	char path[400], other[400];
	setting(path, "path", write_text(f, "p.csv", people));
	/* All columns of numbers that are not named. */
	eg_source *s = open_source(f, "csv", TRAIN, path, "label=kind", NULL);
	numbers_are(f, s, 0, "numbers", 2, (double[]){31, 1.7});
	numbers_are(f, s, 1, "numbers", 2, (double[]){NAN, 1.8});
	assert_string_equal(eg_source_field(s, 0)->names[1], "height");
	assert_says(eg_source_remark(s, EG_PART_TRAIN),
	        "the columns name (text), city (class), since (time) are not read: they are not of numbers");
	eg_source_close(s);
	/* Those that are named: classes become as many numbers as there are, times days. */
	s = open_source(f, "csv", TRAIN, path, "numbers=[since, city]", "target=[age]", "broken=skip", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 3);
	numbers_are(f, s, 0, "numbers", 3, (double[]){1, 1, 0});
	numbers_are(f, s, 1, "numbers", 3, (double[]){NAN, 1, 0});
	numbers_are(f, s, 2, "numbers", 3, (double[]){10, 0, 1});
	numbers_are(f, s, 2, "target", 1, (double[]){40});
	assert_string_equal(eg_source_field(s, 0)->names[2], "city=Kiel");
	assert_says(eg_source_broken(s), "p.csv:3: the target is missing");
	eg_source_close(s);
	/* Declared: ages as classes; a number that says that there is none. */
	s = open_source(f, "csv", TRAIN, path, "numbers=[age, height]", "classes=[age]", "label=kind",
	        "missing=[\"height=1.7\"]", NULL);
	numbers_are(f, s, 0, "numbers", 4, (double[]){0, 1, 0, NAN});
	assert_string_equal(eg_source_field(s, 0)->names[0], "age=27");
	eg_source_close(s);
	refuse_source(f, "csv", TRAIN, "'classes' names 'city', which is not among the columns", path, "numbers=[age]",
	        "classes=[city]", "label=kind", NULL);
	refuse_source(f, "csv", TRAIN, "the column 'name' is of texts, not of numbers or of few values", path, "numbers=[name]",
	        "label=kind", NULL);
	/* Another file for the test: columns by name, in any order; a value that was never met is a broken row. */
	setting(other, "test_path", write_text(f, "q.csv", "kind,city,age\nx,Kiel,1\ny,Ulm,2\n"));
	refuse_source(f, "csv", TEST, "q.csv:3: 'Ulm' in the column 'city' is not among the values to train on", path, other,
	        "numbers=[city, age]", "label=kind", NULL);
	s = open_source(f, "csv", ALL, path, other, "numbers=[city, age]", "label=kind", "broken=skip", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 1);
	eg_record r = {0};
	read_record(f, s, EG_PART_TEST, 0, &r);
	assert_true(r.fields[0].numbers.at[0] == 0 && r.fields[0].numbers.at[1] == 1 && r.fields[0].numbers.at[2] == 1);
	eg_record_free(&r);
	eg_source_close(s);
	/* Most are numbers: what is none is broken, unless the recipe says that it is missing. */
	setting(path, "path", write_text(f, "n.csv", "a,b\n1,x\n2,y\n-,x\n4,y\n"));
	refuse_source(f, "csv", TRAIN, "n.csv:4: '-' in the column 'a' is no number, as most|or name it in 'missing'", path,
	        "numbers=[a]", "label=b", NULL);
	s = open_source(f, "csv", TRAIN, path, "numbers=[a]", "label=b", "missing=[\"-\"]", NULL);
	numbers_are(f, s, 2, "numbers", 1, (double[]){NAN});
	eg_source_close(s);
}

static void refuse_csv(sources *f, const char *text, size_t size, const char *words) {
	char path[400];
	setting(path, "path", write_file(f, "bad", text, size));
	refuse_source(f, "csv", TRAIN, words, path, "text=text", "label=label", NULL);
}
#define BAD(text, words) refuse_csv(f, text, sizeof text - 1, words)

static void csv_is_refused(void **state) {
	sources *f = *state;
	if (!HAVE_CSV) skip();
	char path[400];
	BAD("", "bad' is empty: there is no table in it");
	BAD("\r\n\n", "bad' has only empty lines");
	BAD("text,label\n", "bad' has no line behind the one that names the columns");
	BAD("text,lable\na,b\n", "bad:1: there is no column 'label'|with a comma between them|here they are: text, lable|Is it 'lable'");
	BAD("text,text,label\na,b,c\n", "two columns are called 'text'");
	BAD("text,label\na,b\nc\n", "bad:3: 1 column, but the first line names 2|in quotation marks. 1 of 2 records");
	BAD("text,label\na,b,c\n", "bad:2: 3 columns");
	BAD("text,label\na \"b\" c,d\n", "bad:2: a quotation mark inside of a cell");
	BAD("text,label\n\"a\"b,d\n", "bad:2: a quotation mark inside of a cell");
	BAD("text,label\na,b\n\"c,d\ne,f\n", "bad:3: a quotation mark that is opened in this row is not closed before the end");
	BAD("text,label\na,b\n,d\n", "bad:3: the text is empty");
	BAD("text,label\na,b\nc\0d,e\n", "bad', line 3, column 2: a zero byte");
	BAD("text,label\na,b\nc\xe9,e\n", "line 3, column 2: byte 0xE9|or read it with 'encoding: latin1' in 'data'");
	BAD("\xff\xfet\0e\0", "is UTF-16, not UTF-8");
	setting(path, "path", write_text(f, "bad", "a,b\n1,2\n"));
	refuse_source(f, "csv", 0, "needs to know what its columns are: 'text: NAME'", path, NULL);
	refuse_source(f, "csv", 0, "give 'test', a share of the file|not two of them", path, "label=a", "test=0.5", "test_last=1",
	        NULL);
	refuse_source(f, "csv", TRAIN, "'test_last' is 1, but '|has 1 lines: none would be left", path, "label=a", "test_last=1",
	        NULL);
	/* Left out: all of them are named. */
	setting(path, "path", write_text(f, "bad", "text,label\na,x\nb\n\"c\"c,y\n\xff,x\nd,y\n"));
	eg_source *s = open_source(f, "csv", TRAIN, path, "text=text", "label=label", "broken=skip", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 2);
	assert_says(eg_source_broken(s), "bad:3: 1 column");
	assert_says(eg_source_broken(s), "bad:4: a quotation mark");
	assert_says(eg_source_broken(s), "line 5, column 1: byte 0xFF");
	assert_says(eg_source_remark(s, EG_PART_TRAIN), "3 of 5 records that cannot be read are left out");
	eg_source_close(s);
}

/* ---- what is too long -------------------------------------------------------------------------------------------- */

static long peak_kib(void) {
	struct rusage u;
	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

/* A line of 1 GB, and a quotation that never ends: refused before they are in memory. */
static void long_lines(void **state) {
	sources *f = *state;
	if (!HAVE_CSV) skip();
	char path[400];
	long before = peak_kib();
	setting(path, "path", write_text(f, "long.csv", "text,label\na,b\n"));
	assert_int_equal(truncate(path_in(f, "long.csv"), 1 << 30), 0);
	refuse_source(f, "csv", TRAIN, "long.csv:3: the line is longer than 16 MiB, the most that is read as one", path,
	        "text=text", "label=label", NULL);
	refuse_source(f, "conll", TRAIN, "long.csv:3: the line is longer than 16 MiB", path, "broken=skip", NULL);
	char *line = malloc((16 << 20) + 20); /* as long as may be, and one more */
	for (int more = 0; more < 2; more++) {
		int n = sprintf(line, "text\tlabel\n");
		memset(line + n, 'a', (16 << 20) + 1);
		strcpy(line + n + (16 << 20) - 2 + more, "\tb\n");
		setting(path, "path", write_text(f, "edge.tsv", line));
		if (!more) eg_source_close(open_source(f, "tsv", TRAIN, path, NULL));
		if (more) refuse_source(f, "tsv", TRAIN, "edge.tsv:2: the line is longer than 16 MiB", path, NULL);
	}
	free(line);
	FILE *file = fopen(write_text(f, "open.csv", "text,label\na,b\n\"never"), "ab");
	for (int i = 0; i < 18000; i++) fprintf(file, "%1000d\n", i);
	fclose(file);
	setting(path, "path", path_in(f, "open.csv"));
	refuse_source(f, "csv", TRAIN, "open.csv:3: a quotation mark that is opened in this row is not closed within 16 MiB", path,
	        "text=text", "label=label", NULL);
	assert_true(SANITIZED || peak_kib() - before < 160 * 1024);
}

/* ---- JSON lines -------------------------------------------------------------------------------------------------- */

static void json_lines(void **state) {
	sources *f = *state;
	char path[400];
	eg_record r = {0};
	setting(path, "path",
	        write_text(f, "a.jsonl",
	                "{\"text\": \"one\", \"kind\": 2, \"x\": [1, [2, null]], \"y\": 0.5, \"who\": \"anna\"}\r\n\n"
	                "{\"kind\": true, \"who\": null, \"text\": \"\\u4e2d\", \"y\": 3, \"x\": [4, 5, 6], \"more\": {}}\n"));
	eg_source *s = open_source(f, "jsonl", TRAIN, path, "text=text", "label=kind", "numbers=[x, y]", "group=who", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 2);
	says(f, s, EG_PART_TRAIN, 0, "one", "2");
	says(f, s, EG_PART_TRAIN, 1, "\xe4\xb8\xad", "true");
	numbers_are(f, s, 0, "numbers", 4, (double[]){1, 2, NAN, 0.5});
	numbers_are(f, s, 1, "numbers", 4, (double[]){4, 5, 6, 3});
	read_record(f, s, EG_PART_TRAIN, 0, &r);
	assert_string_equal(r.group, "anna");
	assert_string_equal(strrchr(r.place, '/') + 1, "a.jsonl:1");
	read_record(f, s, EG_PART_TRAIN, 1, &r);
	assert_null(r.group);
	assert_string_equal(strrchr(r.place, '/') + 1, "a.jsonl:3");
	eg_source_close(s);
	/* Nobody stands in both parts, though the first record is of nobody. */
	char lines[4000] = "{\"text\": \"one\", \"kind\": 1}\n";
	for (int i = 0; i < 40; i++)
		snprintf(lines + strlen(lines), sizeof lines - strlen(lines), "{\"text\": \"t%d\", \"kind\": %d, \"who\": \"p%d\"}\n", i,
		        i % 2, i % 8);
	setting(path, "path", write_text(f, "g.jsonl", lines));
	s = open_source(f, "jsonl", TRAIN | TEST, path, "text=text", "label=kind", "group=who", "test=0.3", NULL);
	bool in[2][8] = {{false}};
	for (int p = 0; p < 2; p++)
		for (int64_t i = 0; i < eg_source_count(s, p ? EG_PART_TEST : EG_PART_TRAIN); i++) {
			read_record(f, s, p ? EG_PART_TEST : EG_PART_TRAIN, i, &r);
			if (r.group) in[p][r.group[1] - '0'] = true;
		}
	for (int g = 0; g < 8; g++) assert_true(in[0][g] != in[1][g]);
	eg_source_close(s);
	setting(path, "path",
	        write_text(f, "b.jsonl",
	                "{\"w\": [\"Ada\", \"wrote\"], \"t\": [\"PER\", \"O\"]}\n{\"w\": [\"x\"], \"t\": [\"LOC\"]}\n"));
	s = open_source(f, "jsonl", TRAIN, path, "tokens=w", "tags=t", NULL);
	read_record(f, s, EG_PART_TRAIN, 0, &r);
	assert_int_equal(r.fields[0].tokens.n, 2);
	assert_string_equal(r.fields[0].tokens.at[1], "wrote");
	assert_string_equal(eg_source_name(s, 1, 0), "O");
	assert_string_equal(eg_source_name(s, 1, r.fields[1].tags.at[0]), "PER");
	assert_int_equal(r.fields[1].tags.at[1], 0);
	eg_source_close(s);
	setting(path, "path", write_text(f, "c.jsonl", "{\"s\": [[1, 2], [3, null]], \"y\": 1}\n{\"s\": [[5, 6]], \"y\": 2}\n"));
	s = open_source(f, "jsonl", TRAIN, path, "series=s", "target=[y]", NULL);
	read_record(f, s, EG_PART_TRAIN, 0, &r);
	assert_int_equal(r.fields[0].series.steps, 2);
	assert_int_equal(r.fields[0].series.columns, 2);
	assert_true(r.fields[0].series.at[2] == 3 && isnan(r.fields[0].series.at[3]));
	eg_source_close(s);
	eg_record_free(&r);
}

static void refuse_lines(sources *f, const char *text, const char *words) {
	char path[400];
	setting(path, "path", write_text(f, "bad", text));
	refuse_source(f, "jsonl", TRAIN, words, path, "text=a", "numbers=[b]", "label=c", NULL);
}

static void json_lines_are_refused(void **state) {
	sources *f = *state;
	char path[400];
	refuse_lines(f, "", "bad' is empty");
	refuse_lines(f, "{\"a\": \"x\", \"b\": 1, \"c\": 1}\n{\"a\": \n", "bad:2: JSON, line 1, column");
	refuse_lines(f, "[1, 2]\n", "bad:1: a line is a map");
	refuse_lines(f, "{\"a\": [1], \"b\": 1, \"c\": 1}\n", "bad:1: what stands behind 'a' is no text");
	refuse_lines(f, "{\"A\": \"x\", \"b\": 1, \"c\": 1}\n", "bad:1: there is no 'a'");
	refuse_lines(f, "{\"a\": \"\", \"b\": 1, \"c\": 1}\n", "bad:1: 'a' is empty");
	refuse_lines(f, "{\"a\": \"x\\u0000y\", \"b\": 1, \"c\": 1}\n", "bad:1: ");
	refuse_lines(f, "{\"a\": \"x\", \"b\": \"1\", \"c\": 1}\n", "what stands behind 'b' is no number or list of numbers");
	refuse_lines(f, "{\"a\": \"x\", \"b\": 1, \"c\": 1}\n{\"a\": \"x\", \"b\": [1, 2], \"c\": 1}\n",
	        "bad:2: 'numbers' is of 2 numbers, but those above are of 1");
	setting(path, "path", write_text(f, "bad", "{\"w\": [\"a\", 1]}\n"));
	refuse_source(f, "jsonl", 0, "needs to know what the names are", path, NULL);
	refuse_source(f, "jsonl", 0, "'tags' needs 'tokens'", path, "text=a", "tags=b", NULL);
	refuse_source(f, "jsonl", TRAIN, "what stands behind 'w' is no list of texts", path, "tokens=w", NULL);
	setting(path, "path", write_text(f, "bad", "{\"w\": [\"a\"], \"t\": [\"x\", \"y\"]}\n{\"w\": [\"b\"], \"t\": [\"x\"]}\n"));
	refuse_source(f, "jsonl", TRAIN, "bad:1: 1 tokens, but 2 tags", path, "tokens=w", "tags=t", NULL);
	eg_source *s = open_source(f, "jsonl", TRAIN, path, "tokens=w", "tags=t", "broken=skip", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 1);
	eg_source_close(s);
	setting(path, "path", write_text(f, "bad", "{\"s\": [[1, 2], [3]]}\n"));
	refuse_source(f, "jsonl", TRAIN, "bad:1: the steps of 's' are not of as many numbers each", path, "series=s", NULL);
}

/* ---- rules for text ---------------------------------------------------------------------------------------------- */

static void encodings(void **state) {
	sources *f = *state;
	if (!HAVE_CSV) skip();
	char path[400];
	setting(path, "path", write_text(f, "a.csv", "text,label\ncaf\xe9 \x96 \x80,x\nna\xc3\xafve,y\n"));
	eg_source *s = open_source(f, "csv", TRAIN, path, "text=text", "label=label", "encoding=found", NULL);
	says(f, s, EG_PART_TRAIN, 0, "caf\xc3\xa9 \xe2\x80\x93 \xe2\x82\xac", "x");
	says(f, s, EG_PART_TRAIN, 1, "na\xc3\xafve", "y");
	assert_says(eg_source_remark(s, EG_PART_TRAIN), "1 line is not UTF-8 and was read as Latin-1");
	eg_source_close(s);
	s = open_source(f, "csv", TRAIN, path, "text=text", "label=label", "encoding=latin1", NULL);
	says(f, s, EG_PART_TRAIN, 1, "na\xc3\x83\xc2\xafve", "y");
	eg_source_close(s);
	s = open_source(f, "text", TRAIN, setting(path, "path", write_text(f, "a.txt", "caf\xe9\r\nna\xc3\xafve\n")),
	        "encoding=found", NULL);
	eg_record r = {0};
	read_record(f, s, EG_PART_TRAIN, 0, &r);
	assert_int_equal(r.fields[0].text.size, 13);
	assert_memory_equal(r.fields[0].text.bytes, "caf\xc3\xa9\nna\xc3\xafve\n", 13);
	assert_says(eg_source_remark(s, EG_PART_TRAIN), "1 line is not UTF-8");
	eg_record_free(&r);
	eg_source_close(s);
#ifdef ENGRAM_HAVE_UTF8PROC
	/* e and an acute accent, two marks in the wrong order, a Hangul syllable in pieces. */
	setting(path, "path",
	        write_text(f, "b.csv", "text,label\ncafe\xcc\x81,x\na\xcc\x88\xcc\xa3,x\n\xe1\x84\x92\xe1\x85\xa1\xe1\x86\xab,x\n"));
	s = open_source(f, "csv", TRAIN, path, "text=text", "label=label", "normalize=nfc", NULL);
	says(f, s, EG_PART_TRAIN, 0, "caf\xc3\xa9", "x");
	says(f, s, EG_PART_TRAIN, 1, "\xe1\xba\xa1\xcc\x88", "x");
	says(f, s, EG_PART_TRAIN, 2, "\xed\x95\x9c", "x");
	eg_source_close(s);
	setting(path, "path", write_text(f, "b.txt", "cafe\xcc\x81\r\n"));
	s = open_source(f, "text", TRAIN, path, "normalize=nfc", NULL);
	read_record(f, s, EG_PART_TRAIN, 0, &r);
	assert_int_equal(r.fields[0].text.size, 6);
	assert_memory_equal(r.fields[0].text.bytes, "caf\xc3\xa9\n", 6);
	eg_record_free(&r);
	eg_source_close(s);
#endif
}

static void broken_sentences(void **state) {
	sources *f = *state;
	char path[400];
	eg_record r = {0};
	setting(path, "path", write_text(f, "a.conll", "a\tO\nb\tX\n\nc\tO\nd\ne\tO\n\nf\tX\n\n\xff\tO\ng\tO\n\nh\tO\n"));
	refuse_source(f, "conll", TRAIN, "a.conll:5: 'd' has no tag|2 of 5 records of the part 'train' cannot be read", path, NULL);
	eg_source *s = open_source(f, "conll", TRAIN, path, "broken=skip", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 3);
	read_record(f, s, EG_PART_TRAIN, 1, &r);
	assert_int_equal(r.fields[0].tokens.n, 1);
	assert_string_equal(r.fields[0].tokens.at[0], "f");
	read_record(f, s, EG_PART_TRAIN, 2, &r);
	assert_string_equal(r.fields[0].tokens.at[0], "h");
	assert_says(eg_source_broken(s), "line 10, column 1: byte 0xFF");
	eg_record_free(&r);
	eg_source_close(s);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, sources_setup, sources_teardown)
	const struct CMUnitTest tests[] = {
	        CASE(cells),
	        CASE(json_lines),
	        CASE(json_lines_are_refused),
	        CASE(broken_sentences),
	        CASE(texts),
	        CASE(found_columns),
	        CASE(csv_is_refused),
	        CASE(long_lines),
	        CASE(encodings),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
