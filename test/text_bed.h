/* text_bed.h - what tests of language models share: two small texts, recipes over them, models whose probabilities
 * are known, and writing with them. */
#ifndef ENGRAM_TEST_TEXT_BED_H
#define ENGRAM_TEST_TEXT_BED_H

#include "engram_text.h"
#include "support_tasks.h"

#include <stdio.h>
#include <stdlib.h>

/* 1,000 characters of 26 letters, whose last tenth alone holds an exclamation mark. */
static inline void write_letters(bench *b) {
	char text[1001];
	for (int i = 0; i < 1000; i++) text[i] = (char)(i % 40 == 39 ? '\n' : 'a' + (i * 7 + i / 26 * 3) % 26);
	text[950] = '!';
	text[1000] = '\0';
	bench_text(b, "letters.txt", text);
}

static const char POEMS[] = "ONE\nabc\nde\n\n\nTWO\nab\n\nTHREE\nabcdefgh\n\nFOUR\n  \nFIVE\nc";

static inline int text_setup(void **state) {
	if (bench_setup(state)) return -1;
	write_letters(*state);
	bench_text(*state, "poems.txt", POEMS);
	return 0;
}

static const char MARKOV[] = "[{embedding: 8}, {linear: classes}]",
		  LSTM[] = "[{embedding: 8}, {lstm: 12}, {linear: classes}]";

static inline eg_status parse(
	bench *b, const char *file, const char *data, const char *model, const char *train, eg_recipe **r) {
	return bench_parse(b, r,
	        "name: words\ntask: language\ndata: {source: text, path: %s/%s%s%s}\ninput: [time]\nmodel: %s\n"
	        "train: {optimizer: {adam: {lr: 0.02}}, batch: 4, epochs: 3%s%s}\n",
	        b->folder, file, *data ? ", " : "", data, model, *train ? ", " : "", train);
}

static inline eg_recipe *recipe(bench *b, const char *file, const char *data, const char *model) {
	eg_recipe *r = NULL;
	OK(b, parse(b, file, data, model, "", &r));
	return r;
}

/* The samples of a recipe, to train on. */
static inline drawn load(bench *b, eg_recipe *r) { return draw(b, r, (eg_samples_options){.part = EG_PART_TRAIN}); }

/* The vocabulary among what a task keeps; to be freed. */
static inline eg_vocab *vocab_of(bench *b, const eg_value *kept) {
	eg_vocab *v;
	OK(b, eg_vocab_from_value(eg_value_get(kept, "vocab"), &v, &b->err));
	return v;
}

/* How many units there are; the same number is that of classes. */
static inline int units_of(const eg_samples *s) {
	const eg_size *sizes = eg_samples_sizes(s);
	assert_true(!strcmp(sizes[0].name, "units") && !strcmp(sizes[1].name, "classes") && !sizes[2].name);
	assert_int_equal(sizes[0].size, sizes[1].size);
	return sizes[0].size;
}

/* All weights zero, and these are the last layer's biases. */
static inline void set_biases(eg_params *p, const void *biases) {
	int last = eg_params_count(p) - 1;
	memcpy(eg_params_data(p, last), biases, (size_t)eg_params_dims(p, last).d[0] * sizeof(eg_real));
}

/* A model as it comes back from its file. biases: NULL to train. */
static inline eg_model *model_of(bench *b, eg_recipe *r, const drawn *d, const eg_real *biases) {
	return biases ? bench_weigh(b, r, d->samples, set_biases, biases) : bench_train(b, r, d);
}

/* Trained on a file, or with biases; everything else is released. */
static inline eg_model *make_model(
	bench *b, const char *file, const char *data, const char *layers, const eg_real *biases) {
	eg_recipe *r = recipe(b, file, data, layers);
	drawn d = load(b, r);
	eg_model *m = model_of(b, r, &d, biases);
	undraw(&d);
	eg_recipe_free(r);
	return m;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

typedef struct written {
	char text[600];
	int ids[200], n;
	bool end;
} written;

static inline written write_with(bench *b, eg_generator *g, int n) {
	written w = {.n = 0};
	size_t size = 0;
	for (; w.n < n && !w.end; w.n++) {
		eg_written one;
		OK(b, eg_generator_write(g, &one, &b->err));
		assert_int_equal(strlen(one.text), one.size);
		w.ids[w.n] = one.id;
		w.end = one.end;
		memcpy(w.text + size, one.text, one.size + 1);
		size += one.size;
	}
	return w;
}

static inline written generate(bench *b, eg_model *m, const char *prompt, int n, eg_generate_options o) {
	eg_generator *g;
	OK(b, eg_generator_new(m, &o, &g, &b->err));
	OK(b, eg_generator_read(g, prompt, strlen(prompt), "prompt", NULL, &b->err));
	written w = write_with(b, g, n);
	eg_generator_free(g);
	return w;
}

#endif
