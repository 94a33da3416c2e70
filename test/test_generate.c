/* test_generate.c - writing with a language model: same seed, same text; drawing from the distribution; prompts;
 * what is remembered, also as a file. Not here: the task itself (test_language.c). */
#include "text_bed.h"

#include <math.h>

static void same_seed_same_text(void **state) {
	bench *b = *state;
	eg_model *m = make_model(b, "letters.txt", "steps: 20", LSTM, NULL);
	for (uint64_t seed = 0; seed < 3; seed++) {
		written x = generate(b, m, "abc", 100, (eg_generate_options){.temperature = 1, .seed = seed});
		written y = generate(b, m, "abc", 100, (eg_generate_options){.temperature = 1, .seed = seed});
		written other = generate(b, m, "abc", 100, (eg_generate_options){.temperature = 1, .seed = seed + 1});
		assert_string_equal(x.text, y.text);
		assert_string_not_equal(x.text, other.text);
		assert_int_equal(x.n, 100);
	}
	written greedy = generate(b, m, "abc", 100, (eg_generate_options){.temperature = 0, .seed = 1});
	written k1 = generate(b, m, "abc", 100, (eg_generate_options){.temperature = 2, .seed = 2, .top_k = 1});
	written tiny = generate(b, m, "abc", 100, (eg_generate_options){.temperature = 1, .seed = 3, .top_p = 1e-9});
	assert_string_equal(greedy.text, k1.text);
	assert_string_equal(greedy.text, tiny.text);
	/* 0 is no limit where it is left, and the narrowest one where it is said; 1 lets all through. */
	written none = generate(b, m, "abc", 100, (eg_generate_options){.temperature = 1, .seed = 3});
	written one = generate(b, m, "abc", 100, (eg_generate_options){.temperature = 1, .seed = 3, .top_p = 1});
	written zero = generate(
	        b, m, "abc", 100, (eg_generate_options){.temperature = 1, .seed = 3, .top_p = (double)EG_ZERO_F});
	written cold = generate(b, m, "abc", 100, (eg_generate_options){.temperature = 5e-324, .seed = 3});
	written all = generate(b, m, "abc", 100, (eg_generate_options){.temperature = 1, .seed = 3, .top_k = INT32_MAX});
	assert_string_equal(greedy.text, zero.text);
	assert_string_equal(greedy.text, cold.text);
	assert_string_equal(none.text, one.text);
	assert_string_not_equal(none.text, greedy.text);
	assert_int_equal(all.n, 100);
	eg_model_free(m);
}

/* Numbers that are no limits. */
static void refuses_what_is_no_limit(void **state) {
	bench *b = *state;
	eg_model *m = make_model(b, "letters.txt", "steps: 20", LSTM, NULL);
	const struct {
		eg_generate_options o;
		const char *words;
	} cases[] = {
	        {{.temperature = -1}, "temperature of -1"},
	        {{.temperature = (double)NAN}, "temperature of nan"},
	        {{.temperature = (double)INFINITY}, "temperature of inf"},
	        {{.top_p = -0.1}, "not -0.1"},
	        {{.top_p = 1.5}, "not 1.5"},
	        {{.top_p = (double)NAN}, "top-p is a probability"},
	        {{.top_k = -1}, "not -1"},
	        {{.top_k = EG_ZERO}, "top-k is a number of units"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		eg_generator *g = NULL;
		assert_int_equal(eg_generator_new(m, &cases[i].o, &g, &b->err), EG_ERR_ARG);
		assert_null(g);
		SAYS(b, cases[i].words);
	}
	eg_model_free(m);
}

/* Sampling follows softmax(biases / temperature), cut by top-k and top-p, and never gives the unknown mark. */
static void draws_from_the_distribution(void **state) {
	enum { DRAWS = 20000, V = 6 };
	bench *b = *state;
	static const struct {
		double temperature, top_p;
		int top_k, kept; /* how many of the likeliest can be drawn */
	} cases[] = {{1, 0, 0, 5}, {0.5, 0, 0, 5}, {2, 0, 2, 2}, {1, 0.6, 0, 2}, {1, 0.9, 3, 3}, {1, 1, 0, 5}};
	const double logits[V] = {0, 2, 1, 0.5, 0, 9}; /* in order of id, but the unknown mark has the last */
	eg_real biases[V];
	bench_text(b, "five.txt", "aaabbbcccdddeeeaaabbbcccdddeeez");
	eg_recipe *r = recipe(b, "five.txt", "min_count: 2", MARKOV);
	drawn d = load(b, r);
	const eg_samples *s = d.samples;
	eg_vocab *v = vocab_of(b, eg_samples_kept(s));
	int unknown = eg_vocab_unknown(v), order[V];
	assert_int_equal(units_of(s), V);
	for (int i = 0, k = 0; i < V; i++) biases[i] = (eg_real)(i == unknown ? logits[V - 1] : logits[order[i] = k++]);
	eg_vocab_free(v);
	eg_model *m = model_of(b, r, &d, biases);
	for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
		eg_generator *g;
		eg_generate_options o = {.temperature = cases[c].temperature,
		        .top_p = cases[c].top_p,
		        .top_k = cases[c].top_k,
		        .seed = c};
		int counts[V] = {0};
		double sum = 0;
		/* Likeliest first: logits 1, 2, 3, then 0 and 4, which are equal. */
		static const int ranked[] = {1, 2, 3, 0, 4};
		OK(b, eg_generator_new(m, &o, &g, &b->err));
		for (int i = 0; i < DRAWS; i++) {
			eg_written w;
			OK(b, eg_generator_write(g, &w, &b->err));
			assert_int_not_equal(w.id, unknown);
			counts[order[w.id]]++;
		}
		eg_generator_free(g);
		for (int i = 0; i < cases[c].kept; i++) sum += exp(logits[ranked[i]] / o.temperature);
		for (int i = 0; i < 5; i++) {
			double p = i < cases[c].kept ? exp(logits[ranked[i]] / o.temperature) / sum : 0;
			double off = fabs(counts[ranked[i]] - DRAWS * p), deviation = sqrt(DRAWS * p * (1 - p));
			if (off > 4.5 * deviation)
				fail_msg("case %zu: unit %d came %d times, expected %g", c, ranked[i],
				        counts[ranked[i]], DRAWS * p);
		}
	}
	eg_model_free(m);
	undraw(&d);
	eg_recipe_free(r);
}

static void reads_in_any_pieces(void **state) {
	enum { LONG = 3000 };
	bench *b = *state;
	eg_model *m = make_model(b, "letters.txt", "steps: 20", LSTM, NULL);
	eg_generate_options o = {.temperature = 0.7, .seed = 5};
	char prompt[LONG + 1];
	eg_generator *whole, *pieces;
	eg_written x, y;
	for (int i = 0; i < LONG; i++) prompt[i] = (char)('a' + i * 7 % 26);
	prompt[LONG] = '\0';
	OK(b, eg_generator_new(m, &o, &whole, &b->err));
	OK(b, eg_generator_new(m, &o, &pieces, &b->err));
	OK(b, eg_generator_read(whole, prompt, LONG, "prompt", NULL, &b->err)); /* longer than anything in training */
	for (int i = 0, n = 1; i < LONG; i += n, n = n % 130 + 1) {
		if (n > LONG - i) n = LONG - i;
		OK(b, eg_generator_read(pieces, prompt + i, (size_t)n, "prompt", NULL, &b->err));
	}
	for (int i = 0; i < 100; i++) {
		OK(b, eg_generator_write(whole, &x, &b->err));
		OK(b, eg_generator_write(pieces, &y, &b->err));
		assert_int_equal(x.id, y.id);
	}
	char first[400], second[400], bytes[2][20000];
	size_t sizes[2];
	strcpy(first, bench_path(b, "whole.state"));
	strcpy(second, bench_path(b, "pieces.state"));
	OK(b, eg_generator_save(whole, first, &b->err));
	OK(b, eg_generator_save(pieces, second, &b->err));
	for (int i = 0; i < 2; i++) {
		FILE *f = fopen(i ? second : first, "rb");
		sizes[i] = fread(bytes[i], 1, sizeof bytes[i], f);
		fclose(f);
	}
	assert_true(sizes[0] == sizes[1] && sizes[0] < sizeof bytes[0] && !memcmp(bytes[0], bytes[1], sizes[0]));
	eg_generator_free(whole);
	eg_generator_free(pieces);
	eg_model_free(m);
}

static void goes_on_from_a_file(void **state) {
	bench *b = *state;
	eg_model *m = make_model(b, "letters.txt", "steps: 20", LSTM, NULL);
	eg_generate_options o = {.temperature = 1, .seed = 9};
	eg_generator *g, *later;
	char path[400], bytes[20000];
	strcpy(path, bench_path(b, "g.state"));
	OK(b, eg_generator_new(m, &o, &g, &b->err));
	OK(b, eg_generator_new(m, &o, &later, &b->err));
	OK(b, eg_generator_read(g, "hello", 5, "prompt", NULL, &b->err));
	write_with(b, g, 10);
	OK(b, eg_generator_save(g, path, &b->err));
	OK(b, eg_generator_restore(later, path, &b->err));
	written x = write_with(b, g, 50), y = write_with(b, later, 50);
	assert_string_equal(x.text, y.text);

	FILE *f = fopen(path, "rb");
	size_t size = fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	for (size_t part = 0; part < size; part += size / 7 + 1) { /* every damage is told, and changes nothing */
		bench_write(b, "cut.state", bytes, part);
		assert_int_not_equal(eg_generator_restore(later, bench_path(b, "cut.state"), &b->err), EG_OK);
	}
	assert_int_not_equal(eg_generator_restore(later, bench_path(b, "m.safetensors"), &b->err), EG_OK);
	SAYS(b, "not the state of a text");
	x = write_with(b, g, 20), y = write_with(b, later, 20);
	assert_string_equal(x.text, y.text);
	eg_generator_free(later);
	eg_real zeros[28] = {0};
	eg_model *other = make_model(b, "letters.txt", "steps: 20", LSTM, zeros);
	OK(b, eg_generator_new(other, &o, &later, &b->err));
	assert_int_equal(eg_generator_restore(later, path, &b->err), EG_ERR_ARG);
	SAYS(b, "the state of another model");
	eg_generator_free(later);
	eg_generator_free(g);
	eg_model_free(other);
	eg_model_free(m);
}

static void begins_again_at_the_mark(void **state) {
	bench *b = *state;
	eg_model *m = make_model(b, "letters.txt", "steps: 20", LSTM, NULL);
	eg_generator *g;
	OK(b, eg_generator_new(m, &(eg_generate_options){.temperature = 1, .seed = 4}, &g, &b->err));
	written alone = write_with(b, g, 40);
	eg_generator_begin(g, 0);
	OK(b, eg_generator_read(g, "hello", 5, "prompt", NULL, &b->err));
	eg_generator_mark(g);
	written first = write_with(b, g, 40);
	eg_generator_begin(g, 1);
	written second = write_with(b, g, 40);
	eg_generator_begin(g, 0);
	written again = write_with(b, g, 40);
	assert_string_equal(first.text, again.text);
	assert_string_not_equal(first.text, second.text);
	assert_string_not_equal(first.text, alone.text);
	written direct = generate(b, m, "hello", 40, (eg_generate_options){.temperature = 1, .seed = 4});
	assert_string_equal(first.text, direct.text);
	eg_generator_free(g);
	eg_model_free(m);
}

static void samples_end_by_themselves(void **state) {
	bench *b = *state;
	char poems[3000] = "";
	for (int i = 0; i < 60; i++) strcat(poems, i % 2 ? "abc\n\n" : "xyz\n\n");
	bench_text(b, "two.txt", poems);
	eg_recipe *r = bench_recipe(b,
	        "name: two\ntask: language\ndata: {source: text, path: %s/two.txt, samples: true}\ninput: "
	        "[time]\nmodel: %s\n"
	        "train: {optimizer: {adam: {lr: 0.03}}, batch: 4, epochs: 20}\n",
	        b->folder, LSTM);
	eg_model *m = bench_train_all(b, r);
	written x = generate(b, m, "x", 50, (eg_generate_options){.temperature = 0});
	assert_true(x.end);
	assert_string_equal(x.text, "yz");
	x = generate(b, m, "", 50, (eg_generate_options){.temperature = 0.5, .seed = 1});
	assert_true(x.end && (!strcmp(x.text, "xyz") || !strcmp(x.text, "abc")));
	eg_generator *g; /* writing on after the end begins the next sample */
	OK(b, eg_generator_new(m, &(eg_generate_options){.temperature = 0}, &g, &b->err));
	x = write_with(b, g, 50);
	written y = write_with(b, g, 50);
	assert_true(x.end && y.end);
	assert_string_equal(x.text, y.text);
	eg_generator_free(g);
	eg_model_free(m);
}

static void prompts_that_are_none(void **state) {
	bench *b = *state;
	eg_model *m = make_model(b, "letters.txt", "steps: 20", LSTM, NULL);
	eg_generate_options o = {.temperature = 1, .seed = 2};
	eg_generator *g;
	int64_t skipped = -1;
	OK(b, eg_generator_new(m, &o, &g, &b->err));
	assert_int_equal(eg_generator_read(g, "abc\nd?e", 7, "the prompt", NULL, &b->err), EG_ERR_ARG);
	SAYS(b, "the prompt, line 2, column 2: the character '?'");
	assert_int_not_equal(eg_generator_read(g, "ab\xff", 3, "the prompt", NULL, &b->err), EG_OK);
	SAYS(b, "the prompt, line 1, column 3");
	SAYS(b, "not UTF-8");
	OK(b, eg_generator_read(g, "", 0, "the prompt", NULL, &b->err)); /* nothing was read of those */
	written x = write_with(b, g, 30), y = generate(b, m, "", 30, o);
	assert_string_equal(x.text, y.text);
	eg_generator_free(g);
	o.skip_unknown = true;
	OK(b, eg_generator_new(m, &o, &g, &b->err));
	OK(b, eg_generator_read(g,
	              "a?b\xff\xe2\x82\xac"
	              "c",
	              8, "the prompt", &skipped, &b->err));
	assert_int_equal(skipped, 3);
	x = write_with(b, g, 30), y = generate(b, m, "abc", 30, o);
	assert_string_equal(x.text, y.text);
	eg_generator_free(g);
	eg_model_free(m);
}

/* Every byte can be read and written, zeros too, whatever they are together. */
static void bytes_are_bytes(void **state) {
	bench *b = *state;
	char data[600];
	for (int i = 0; i < 600; i++) data[i] = (char)(i % 256);
	bench_write(b, "bytes.bin", data, sizeof data);
	eg_real biases[256] = {0};
	biases[0] = 60; /* only zeros */
	eg_model *m = make_model(b, "bytes.bin", "unit: byte", LSTM, biases);
	eg_generator *g;
	eg_written w;
	OK(b, eg_generator_new(m, NULL, &g, &b->err));
	OK(b, eg_generator_read(g, data, sizeof data, "prompt", NULL, &b->err));
	OK(b, eg_generator_write(g, &w, &b->err));
	assert_true(w.size == 1 && w.text[0] == '\0' && w.text[1] == '\0');
	eg_generator_free(g);
	eg_model_free(m);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(same_seed_same_text),
	        cmocka_unit_test(refuses_what_is_no_limit),
	        cmocka_unit_test(draws_from_the_distribution),
	        cmocka_unit_test(reads_in_any_pieces),
	        cmocka_unit_test(goes_on_from_a_file),
	        cmocka_unit_test(begins_again_at_the_mark),
	        cmocka_unit_test(samples_end_by_themselves),
	        cmocka_unit_test(prompts_that_are_none),
	        cmocka_unit_test(bytes_are_bytes),
	};
	return cmocka_run_group_tests(tests, text_setup, bench_teardown);
}
