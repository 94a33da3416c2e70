/* test_tables.c - tests of the sources that are tables of text: tsv and intents, conll and msra. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "data/data.h"
#include "source_bed.h"

/* ---- tsv --------------------------------------------------------------------------------------------------------- */

/* Record i of a part of a source of texts and labels. */
static void has(sources *f, const eg_source *s, eg_part part, int64_t i, const char *text, const char *label,
	const char *place) {
	eg_record r = {0};
	read_record(f, s, part, i, &r);
	assert_int_equal(r.fields[0].text.size, strlen(text));
	assert_memory_equal(r.fields[0].text.bytes, text, strlen(text));
	assert_string_equal(eg_source_name(s, 1, r.fields[1].label), label);
	if (place) assert_string_equal(strrchr(r.place, '/') + 1, place);
	eg_record_free(&r);
}

static void tables(void **state) {
	sources *f = *state;
	char path[400];
	/* A byte order mark, CR LF, an empty line, a column more, capitals, no line end at the end. */
	setting(path, "path",
	        write_text(f, "a.tsv",
	                "\xef\xbb\xbflabel\tnumber\ttext\r\nb\t1\tone two\r\nZ\t2\t\xe4\xb8\xad \"quoted\"\r\n\r\na "
	                "b\t3\t third \r\nb\t\tfour"));
	eg_source *s = open_source(f, "tsv", 0, path, NULL);
	assert_null(eg_source_field(s, 1)->names);
	assert_int_equal(eg_source_learn_names(s, &f->err), EG_OK);
	assert_int_equal(eg_source_prepare(s, EG_PART_TRAIN, &f->err), EG_OK);
	assert_int_equal(eg_source_prepare(s, EG_PART_TEST, &f->err), EG_OK);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 4);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 0);
	assert_says(eg_source_remark(s, EG_PART_TEST), "give 'test', a share of the file, 'test_last', how many");
	assert_int_equal(eg_source_field(s, 1)->nnames, 3);
	assert_string_equal(eg_source_name(s, 1, 0), "Z");
	assert_string_equal(eg_source_name(s, 1, 1), "a b");
	assert_string_equal(eg_source_name(s, 1, 2), "b");
	has(f, s, EG_PART_TRAIN, 0, "one two", "b", "a.tsv:2");
	has(f, s, EG_PART_TRAIN, 1, "\xe4\xb8\xad \"quoted\"", "Z", "a.tsv:3");
	has(f, s, EG_PART_TRAIN, 2, " third ", "a b", "a.tsv:5");
	has(f, s, EG_PART_TRAIN, 3, "four", "b", "a.tsv:6");
	eg_source_close(s);
	setting(path, "path", write_gzip(f, "b.tsv.gz", "text\tlabel\npacked\tx\n"));
	s = open_source(f, "tsv", TRAIN, path, NULL);
	has(f, s, EG_PART_TRAIN, 0, "packed", "x", "b.tsv.gz:2");
	eg_source_close(s);
}

/* 7 of class a, 20 of class b. */
static const char *write_two_classes(const sources *f) {
	char text[1000] = "text\tlabel\n";
	for (int i = 0; i < 27; i++) snprintf(text + strlen(text), 30, "text %d\t%s\n", i, i % 4 == 1 ? "a" : "b");
	return write_text(f, "two.tsv", text);
}

static int count_class(sources *f, const eg_source *s, eg_part part, int label, bool *seen) {
	eg_record r = {0};
	int n = 0;
	for (int64_t i = 0; i < eg_source_count(s, part); i++) {
		read_record(f, s, part, i, &r);
		n += r.fields[1].label == label;
		int number = atoi(r.fields[0].text.bytes + 5);
		if (r.fields[1].label == label && seen) assert_false(seen[number]);
		if (r.fields[1].label == label && seen) seen[number] = true;
	}
	eg_record_free(&r);
	return n;
}

/* A share of every class, by a rule that never changes. */
static void share_for_test(void **state) {
	sources *f = *state;
	char path[400], other[400];
	bool seen[27] = {false};
	setting(path, "path", write_two_classes(f));
	eg_source *s = open_source(f, "tsv", ALL, path, "test=0.3", NULL);
	assert_int_equal(count_class(f, s, EG_PART_TRAIN, 0, seen), 5);
	assert_int_equal(count_class(f, s, EG_PART_TEST, 0, seen), 2);
	assert_int_equal(count_class(f, s, EG_PART_TRAIN, 1, seen), 14);
	assert_int_equal(count_class(f, s, EG_PART_TEST, 1, seen), 6);
	for (int i = 0; i < 27; i++) assert_true(seen[i]);
	static const int chosen[] = {0, 3, 11, 13, 18, 20, 21, 22};
	for (int i = 0; i < EG_COUNT(chosen); i++) {
		char text[20], place[20];
		snprintf(text, sizeof text, "text %d", chosen[i]);
		snprintf(place, sizeof place, "two.tsv:%d", chosen[i] + 2);
		has(f, s, EG_PART_TEST, i, text, chosen[i] % 4 == 1 ? "a" : "b", place);
	}
	eg_source_close(s);
	/* One of each class, then the next of each; the test part is the same. */
	s = open_source(f, "tsv", ALL, path, "test=0.3", "limit=3", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 3);
	assert_int_equal(count_class(f, s, EG_PART_TRAIN, 0, NULL), 2);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 8);
	has(f, s, EG_PART_TRAIN, 0, "text 1", "a", "two.tsv:3");
	has(f, s, EG_PART_TRAIN, 1, "text 2", "b", "two.tsv:4");
	eg_source_close(s);
	s = open_source(f, "tsv", TRAIN, path, "limit=25", NULL); /* class a is used up before */
	assert_int_equal(count_class(f, s, EG_PART_TRAIN, 0, NULL), 7);
	assert_int_equal(count_class(f, s, EG_PART_TRAIN, 1, NULL), 18);
	eg_source_close(s);
	s = open_source(f, "tsv", TRAIN, path, "limit=100", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 27);
	eg_source_close(s);
	/* Another file. */
	setting(other, "test_path", write_text(f, "other.tsv", "label\ttext\nb\tonly\n"));
	s = open_source(f, "tsv", TEST, path, other, NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 1);
	assert_int_equal(eg_source_field(s, 1)->nnames, 2);
	has(f, s, EG_PART_TEST, 0, "only", "b", "other.tsv:2");
	eg_source_close(s);
	refuse_source(f, "tsv", 0, "give 'test', a share of the file, 'test_last', how many lines at its end, or 'test_path', another file, not two", path,
	        other, "test=0.1", NULL);
	write_text(f, "other.tsv", "text\tlabel\nx\tb\ny\tc\n");
	refuse_source(f, "tsv", TEST, "other.tsv:3: no line of '|two.tsv' has the label 'c'", path, other, NULL);
	/* Put right, and prepared again. */
	s = open_source(f, "tsv", TRAIN, path, other, NULL);
	assert_int_equal(eg_source_prepare(s, EG_PART_TEST, &f->err), EG_ERR_FORMAT);
	write_text(f, "other.tsv", "text\tlabel\nx\tb\ny\ta\n");
	assert_int_equal(eg_source_prepare(s, EG_PART_TEST, &f->err), EG_OK);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 2);
	eg_source_close(s);
}

static void refuse_table(sources *f, const char *source, const char *text, size_t size, const char *words) {
	char path[400];
	setting(path, "path", write_file(f, "bad", text, size));
	refuse_source(f, source, TRAIN, words, path, NULL);
}

#define BAD(source, text, words) refuse_table(f, source, text, sizeof text - 1, words)

static void tables_are_refused(void **state) {
	sources *f = *state;
	char path[400];
	BAD("tsv", "", "bad' is empty");
	BAD("tsv", "\n\n", "bad' has only empty lines");
	BAD("tsv", "text\tlabel\n", "bad' has no line behind the one that names the columns");
	BAD("tsv", "sentence\tlable\na\tb\n", "bad:1: there is no column 'text'|here they are: sentence, lable");
	BAD("tsv", "text\tlabels\na\tb\n", "bad:1: there is no column 'label'|Is it 'labels'?");
	BAD("tsv", "text,label\na,b\n", "bad:1: there is no column 'text'|with a tab between them");
	BAD("tsv", "text\tlabel\ttext\na\tb\tc\n", "bad:1: two columns are called 'text'; rename one");
	BAD("tsv", "text\tlabel\na\tb\nc\n", "bad:3: 1 column, but the first line names 2; write a tab");
	BAD("tsv", "text\tlabel\n\na\tb\tc\n", "bad:3: 3 columns, but the first line names 2|none inside of a text");
	BAD("tsv", "text\tlabel\na\t\n", "bad:2: there is no label; write one, or remove the line");
	BAD("tsv", "text\tlabel\n\tb\n", "bad:2: the text is empty; write one, or remove the line");
	BAD("tsv", "text\tlabel\na\tb\nc\xe9\td\n", "bad', line 3, column 2: byte 0xE9|is not UTF-8: convert the file");
	assert_null(strstr(f->err.message, "unit: byte"));
	BAD("tsv", "text\tlabel\na\tb\nc\0d\te\n", "bad', line 3, column 2: a zero byte");
	BAD("tsv", "\xff\xfet\0e\0", "is UTF-16, not UTF-8");
	BAD("tsv",
	        "\x1f\x8b\x08\0\0\0\0\0\0\3\x07"
	        "abcdefgh",
	        "bad' is damaged: its gzip data are wrong");
	write_gzip(f, "cut", "text\tlabel\na fairly long line that takes some bytes\tb\n");
	assert_int_equal(truncate(path_in(f, "cut"), 40), 0);
	refuse_source(f, "tsv", TRAIN, "cut' is cut off", setting(path, "path", path_in(f, "cut")), NULL);
	refuse_source(f, "tsv", TRAIN, "nothing-here': No such file", setting(path, "path", path_in(f, "nothing-here")),
	        NULL);
	refuse_source(f, "tsv", TRAIN, "it is a folder", setting(path, "path", f->folder), NULL);
	refuse_source(f, "tsv", 0, "'test'|is 1; it must be", path, "test=1", NULL);
	/* After a failure other labels may be there. */
	setting(path, "path", write_text(f, "bad", "text\tlabel\na\tx\nb\n"));
	eg_source *s = open_source(f, "tsv", 0, path, NULL);
	assert_int_equal(eg_source_prepare(s, EG_PART_TRAIN, &f->err), EG_ERR_FORMAT);
	write_text(f, "bad", "text\tlabel\na\tz\nb\ty\n");
	assert_int_equal(eg_source_prepare(s, EG_PART_TRAIN, &f->err), EG_OK);
	assert_string_equal(eg_source_name(s, 1, 0), "y");
	eg_source_close(s);
}

/* It comes with the program: found from the source's folder, where tests run. */
static void intents(void **state) {
	sources *f = *state;
	eg_data_place place;
	if (eg_data_locate("intents", &place, &f->err)) fail_msg("%s", f->err.message);
	assert_int_equal(place.origin, EG_DATA_SHIPPED);
	assert_string_equal(place.folder, "recipes/data");
	if (eg_data_get("intents", NULL, NULL, NULL, &f->err)) fail_msg("%s", f->err.message); /* the checksum */
	eg_source *s = open_source(f, "intents", ALL, NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), eg_source_info(s)->train);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), eg_source_info(s)->test);
	assert_int_equal(eg_source_field(s, 1)->nnames, 25);
	for (int k = 0; k < 25; k++) {
		assert_int_equal(count_class(f, s, EG_PART_TRAIN, k, NULL), 72);
		assert_int_equal(count_class(f, s, EG_PART_TEST, k, NULL), 8);
	}
	eg_source_close(s);
	/* A folder of ENGRAM_DATA goes before; data/ beside a recipe before the working folder's. */
	write_text(f, "sets/intents/intents.tsv", "text\tlabel\nmine\tx\n");
	write_text(f, "recipe/data/intents.tsv", "text\tlabel\nbeside\tx\n");
	assert_int_equal(eg_source_new(eg_source_type_find("intents", NULL), &s, NULL), EG_OK);
	s->beside = path_in(f, "recipe");
	assert_int_equal(eg_source_opened(s, NULL), EG_OK);
	assert_int_equal(eg_source_prepare(s, EG_PART_TRAIN, &f->err), EG_OK);
	has(f, s, EG_PART_TRAIN, 0, "beside", "x", "intents.tsv:2");
	eg_source_close(s);
	setenv("ENGRAM_DATA", path_in(f, "sets"), 1);
	s = open_source(f, "intents", TRAIN, NULL);
	has(f, s, EG_PART_TRAIN, 0, "mine", "x", "intents.tsv:2");
	eg_source_close(s);
	assert_int_equal(eg_data_get("intents", NULL, NULL, NULL, &f->err), EG_ERR_FORMAT);
	assert_says(f->err.message, "it stands in a folder of ENGRAM_DATA");
	/* From a folder where there are no recipes: not found, and said where it comes from. */
	char here[1000];
	assert_non_null(getcwd(here, sizeof here));
	setenv("ENGRAM_DATA", "/nowhere", 1);
	assert_int_equal(chdir(f->folder), 0);
	eg_status status = eg_data_locate("intents", &place, &f->err);
	assert_int_equal(chdir(here), 0);
	if (status) assert_says(f->err.message, "it comes with engram, as recipes/data/intents.tsv of its source");
	if (!status) assert_non_null(strstr(place.folder, "/../")); /* beside the test program */
}

/* ---- conll ------------------------------------------------------------------------------------------------------- */

/* "token/TAG token/TAG" */
static void sentence(sources *f, const eg_source *s, eg_part part, int64_t i, const char *words, const char *place) {
	eg_record r = {0};
	char text[1000] = "";
	read_record(f, s, part, i, &r);
	const eg_datum_tokens *tokens = &r.fields[0].tokens;
	const eg_datum_tags *tags = &r.fields[1].tags;
	assert_int_equal(tokens->n, tags->n);
	for (int k = 0; k < tokens->n; k++)
		snprintf(text + strlen(text), 100, "%s%s/%s", k ? " " : "", tokens->at[k],
		        eg_source_name(s, 1, tags->at[k]));
	assert_string_equal(text, words);
	assert_string_equal(strrchr(r.place, '/') + 1, place);
	if (eg_source_read(s, part, i, 2, &r, &f->err)) fail_msg("%s", f->err.message);
	assert_true(!r.fields[0].there && r.fields[1].there);
	eg_record_free(&r);
}

static const char tagged[] =
	"\xef\xbb\xbf-DOCSTART- -X- O O\r\n\r\n\r\nAda\tB-PER\r\nLovelace\tI-PER\r\nwrote\tO\r\n\r\n"
	"-DOCSTART-\r\n  in   B-LOC  \r\nNew York\tB-LOC\r\n \t \r\n\xe4\xb8\xad O\r\n\r\nx\tI-ORG";

static void conll_files(void **state) {
	sources *f = *state;
	char path[400], other[400];
	setting(path, "path", write_text(f, "a.conll", tagged));
	eg_source *s = open_source(f, "conll", ALL, path, NULL);
	static const char *const tags[] = {"O", "B-LOC", "B-PER", "I-ORG", "I-PER"};
	assert_int_equal(eg_source_field(s, 1)->nnames, EG_COUNT(tags));
	for (int i = 0; i < EG_COUNT(tags); i++) assert_string_equal(eg_source_name(s, 1, i), tags[i]);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 4);
	assert_int_equal(eg_source_count(s, EG_PART_VALIDATION), 0);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 0);
	assert_says(eg_source_remark(s, EG_PART_TEST), "there are no test sentences: give 'test'");
	assert_says(eg_source_remark(s, EG_PART_TRAIN), "1 of the tags I-... follow none of their type (the first: ");
	assert_says(eg_source_remark(s, EG_PART_TRAIN), "a.conll:14)");
	sentence(f, s, EG_PART_TRAIN, 0, "Ada/B-PER Lovelace/I-PER wrote/O", "a.conll:4");
	sentence(f, s, EG_PART_TRAIN, 1, "in/B-LOC New York/B-LOC", "a.conll:9");
	sentence(f, s, EG_PART_TRAIN, 2, "\xe4\xb8\xad/O", "a.conll:12");
	sentence(f, s, EG_PART_TRAIN, 3, "x/I-ORG", "a.conll:14");
	eg_source_close(s);
	s = open_source(f, "conll", ALL, path, "test_last=3", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 1);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 3);
	sentence(f, s, EG_PART_TEST, 0, "in/B-LOC New York/B-LOC", "a.conll:9");
	sentence(f, s, EG_PART_TEST, 2, "x/I-ORG", "a.conll:14");
	eg_source_close(s);
	s = open_source(f, "conll", TRAIN, path, "limit=2", NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 2);
	eg_source_close(s);
	setting(other, "test_path", write_gzip(f, "b.conll.gz", "y O\n\nz\tB-PER\n"));
	s = open_source(f, "conll", TEST, path, other, NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 2);
	assert_null(eg_source_remark(s, EG_PART_TEST));
	sentence(f, s, EG_PART_TEST, 1, "z/B-PER", "b.conll.gz:3");
	eg_source_close(s);
	/* More columns, as in CoNLL-2003. */
	setting(other, "path", write_text(f, "c.conll", "EU NNP B-NP B-ORG\nrejects VBZ B-VP O\n\nGerman JJ B-NP I-MISC\n"));
	s = open_source(f, "conll", TRAIN, other, "tag_column=4", NULL);
	sentence(f, s, EG_PART_TRAIN, 0, "EU/B-ORG rejects/O", "c.conll:1");
	assert_says(eg_source_remark(s, EG_PART_TRAIN), "c.conll:4)");
	eg_source_close(s);
	s = open_source(f, "conll", TRAIN, other, "tag_column=3", NULL);
	sentence(f, s, EG_PART_TRAIN, 1, "German/B-NP", "c.conll:4");
	eg_source_close(s);
	refuse_source(f, "conll", TRAIN, "c.conll:1: 4 columns, but the tag is in number 5 (tag_column)", other, "tag_column=5", NULL);
	/* The tags of the recipe, in its order. */
	s = open_source(f, "conll", 0, path, "tags=[I-ORG, I-PER, B-PER, B-LOC, O, B-MISC]", NULL);
	assert_int_equal(eg_source_learn_names(s, NULL), EG_OK);
	assert_string_equal(eg_source_name(s, 1, 5), "B-MISC");
	assert_int_equal(eg_source_prepare(s, EG_PART_TRAIN, &f->err), EG_OK);
	sentence(f, s, EG_PART_TRAIN, 0, "Ada/B-PER Lovelace/I-PER wrote/O", "a.conll:4");
	eg_source_close(s);
}

static void conll_is_refused(void **state) {
	sources *f = *state;
	char path[400], other[400];
	BAD("conll", "", "bad' is empty");
	BAD("conll", "\n-DOCSTART- O\n\n", "bad': there is no sentence in it");
	BAD("conll", "a\tO\nb\n", "bad:2: 'b' has no tag; write the token, a tab, and its tag");
	BAD("conll", "a\tO\nb\t\n", "bad:2: 'b' has no tag");
	BAD("conll", "a\tO\n\n\tO\n", "bad:3: there is no token before the tag 'O'");
	BAD("conll", "EU NNP B-NP B-ORG\n",
	        "bad:1: 4 columns; say in which the tag is: 'tag_column: 4' in 'data'");
	BAD("conll", "a\tO\tx\n", "bad:1: 3 columns");
	BAD("conll", "a\tO\nb\xff\tO\n", "bad', line 2, column 2: byte 0xFF");
	BAD("conll", "a\tO\0\n", "a zero byte");
	write_gzip(f, "cut", tagged);
	assert_int_equal(truncate(path_in(f, "cut"), 60), 0);
	refuse_source(f, "conll", TRAIN, "cut' is cut off", setting(path, "path", path_in(f, "cut")), NULL);
	setting(path, "path", write_text(f, "a.conll", tagged));
	refuse_source(f, "conll", TRAIN,
	        "a.conll:9:8: the tag 'B-LOC' is not among those of 'tags' of the recipe; did you mean 'B-LOK'?", path,
	        "tags=[O, B-LOK, B-PER, I-PER]", NULL);
	refuse_source(f, "conll", TRAIN,
	        "the tag 'B-LOC' is not among those of 'tags' of the recipe; there are: O, B-PER, I-PER", path,
	        "tags=[O, B-PER, I-PER]", NULL);
	refuse_source(f, "conll", 0, "'tags' has 'O' twice", path, "tags=[O, B-PER, O]", NULL);
	refuse_source(f, "conll", TRAIN, "'test_last' is 4, but '|a.conll' has 4 sentences: none would be left", path,
	        "test_last=4", NULL);
	setting(other, "test_path", write_text(f, "b.conll", "y O\nz\tI-PRE\n"));
	refuse_source(f, "conll", TEST,
	        "b.conll:2:3: the tag 'I-PRE' is not among those of|a.conll; did you mean 'I-PER'?", path, other, NULL);
	refuse_source(f, "conll", 0, "give 'test', a share of the file, 'test_last', how many sentences|not two of them", path, other, "test_last=1", NULL);
	/* Something else than tags in the second column. */
	char *text = calloc(1, 40000);
	for (int i = 0; i < 1001; i++) snprintf(text + strlen(text), 30, "a\tword%d\n", i);
	refuse_table(
	        f, "conll", text, strlen(text), "bad:1001:3: 'word1000' is the 1001th different tag; 1000 are possible");
	free(text);
}

static void real_msra(void **state) {
	sources *f = *state;
	eg_record r = {0};
	int64_t tokens = 0, seen[7] = {0};
	if (!with_real_data("msra")) skip();
	if (eg_data_get("msra", NULL, NULL, NULL, &f->err)) fail_msg("%s", f->err.message);
	eg_source *s = open_source(f, "msra", TRAIN | TEST, NULL);
	assert_int_equal(eg_source_count(s, EG_PART_TRAIN), 50658);
	assert_int_equal(eg_source_count(s, EG_PART_TEST), 4631);
	assert_says(eg_source_remark(s, EG_PART_TRAIN), "17 of the tags I-... follow none of their type (the first: ");
	assert_says(eg_source_remark(s, EG_PART_TRAIN), "msra-bio.tsv.gz:739284)");
	for (int p = 0; p < EG_PARTS; p++)
		for (int64_t i = 0; i < eg_source_count(s, (eg_part)p); i++) {
			read_record(f, s, (eg_part)p, i, &r);
			tokens += r.fields[1].tags.n;
			for (int k = 0; k < r.fields[1].tags.n; k++) seen[r.fields[1].tags.at[k]]++;
		}
	assert_int_equal(tokens, 2342480);
	/* O, then B- and I- of LOC, ORG, PER */
	static const int64_t counts[7] = {2080575, 39394, 21902, 19588, 53792, 89255, 37974};
	for (int k = 0; k < 7; k++) assert_int_equal(seen[k], counts[k]);
	read_record(f, s, EG_PART_TRAIN, 0, &r);
	assert_string_equal(r.fields[0].tokens.at[0], "\xe5\xbd\x93");
	eg_record_free(&r);
	eg_source_close(s);
}

int main(void) {
	keep_real_data();
#define CASE(name) cmocka_unit_test_setup_teardown(name, sources_setup, sources_teardown)
	const struct CMUnitTest tests[] = {
	        CASE(tables),
	        CASE(share_for_test),
	        CASE(tables_are_refused),
	        CASE(intents),
	        CASE(conll_files),
	        CASE(conll_is_refused),
	        CASE(real_msra),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
