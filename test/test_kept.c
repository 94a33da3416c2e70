/* test_kept.c - what a model's file says, against its network: names of classes, tags, vocabularies, sizes, means.
 * Files are made by hand that say something else in one place; no verb may use them. And weights that a file has
 * not take no memory. */
#include "net.h"
#include "support_tasks.h"

#include "io/safetensors.h"

#define PICTURE "input: [1, 4, 4]\nmodel: [flatten, {linear: classes}]\n"
#define GREY "\"mean\": [0.5], \"std\": [0.25], \"border\": 0, "
#define ABCD "\"classes\": [\"a\", \"b\", \"c\", \"d\"]"
#define CHARS "\"vocab\": {\"unit\": \"char\", \"tokens\": [\"a\", \"b\", \"c\", \"d\"]}"
#define WORDS "\"tokens\": {\"characters\": false, \"names\": [\"x\", \"y\"]}, "

typedef struct file {
	const char *recipe, *kept;
	int classes, units; /* sizes; 0: the file says none */
	const char *words;  /* of the message; NULL: it is right */
} file;

#define CLASSIFY(rest) "name: a\ntask: classify\ndata: {source: mnist}\n" rest
#define TEXTS(rest) "name: a\ntask: classify\ndata: {source: tsv, path: a.tsv}\ninput: [time]\n" rest
#define LANGUAGE(rest) "name: a\ntask: language\ndata: {source: text, path: a.txt}\ninput: [time]\n" rest
#define TAG(rest) "name: a\ntask: tag\ndata: {source: conll, path: a.tsv}\ninput: [time]\n" rest
#define SEGMENT(rest) \
	"name: a\ntask: segment\ndata: {source: masks, path: a, class_names: [a, b, c, d]}\ninput: [3, 8, 8]\n" rest
#define READS "model: [{embedding: 3}, {gru: 4}, {linear: units}]\n"
#define TAGS "model: [{embedding: 3}, {linear: classes}]\ntrain: {loss: crf}\n"
#define PIXELS "model: [{conv: {filters: classes, kernel: 1}}]\n"
#define COLOUR "\"mean\": [0.5, 0.4, 0.3], \"std\": [0.25, 1, 1], "

static const file files[] = {
	/* classify */
	{CLASSIFY(PICTURE), "{" GREY ABCD "}", 4, 0, NULL},
	{CLASSIFY(PICTURE), "{" GREY "\"classes\": [\"a\", \"b\", \"c\", \"d\", \"e\"]}", 4, 0,
		"it says that `classes` is 4, but it names 5"},
	{CLASSIFY(PICTURE), "{" GREY "\"classes\": [\"a\", \"b\"]}", 4, 0,
		"it says that `classes` is 4, but it names 2"},
	{CLASSIFY(PICTURE), "{" GREY "\"classes\": [\"a\", \"b\", \"b\", \"d\"]}", 4, 0,
		"the class 'b' is there twice"},
	{CLASSIFY(PICTURE), "{" GREY "\"classes\": {}}", 4, 0, "class names are missing"},
	{CLASSIFY(PICTURE), "{" GREY "\"classes\": [\"a\", 7, \"c\", \"d\"]}", 4, 0, "a class name is not a text"},
	/* Sizes that the network has by itself, so that nothing but the names can be wrong. */
	{CLASSIFY("input: [1, 4, 4]\nmodel: [flatten, {linear: 4}]\ntrain: {loss: [{cross_entropy: {}, target: "
		  "label}]}\n"),
		"{" GREY "\"inputs\": {\"target.label\": {" ABCD "}}}", 4, 0, NULL},
	{CLASSIFY("input: [1, 4, 4]\nmodel: [flatten, {linear: 4}]\ntrain: {loss: [{cross_entropy: {}, target: "
		  "label}]}\n"),
		"{" GREY "\"inputs\": {\"target.label\": {\"classes\": [\"a\", \"b\", \"c\", \"d\", \"e\"]}}}", 0, 0,
		"there are names for 5 classes of label, but the network puts out (N,4), 4 of them"},
	{CLASSIFY("input: [1, 4, 4]\nmodel: [flatten, {linear: 4}]\ntrain: {loss: [{cross_entropy: {}, target: "
		  "label}]}\n"),
		"{" GREY "\"inputs\": {\"target.label\": {\"classes\": [\"a\", \"b\", \"c\"]}}}", 0, 0,
		"there are names for 3 classes of label"},
	/* A loss of numbers, and a whole mean: the network gives one number. */
	{CLASSIFY("input: [1, 4, 4]\nmodel: [flatten, {linear: 1}]\ntrain: {loss: mse}\n"), "{" GREY ABCD "}", 4, 0,
		"compares with numbers"},
	{CLASSIFY("input: [1, 4, 4]\nmodel: [flatten, {linear: 1}]\ntrain: {loss: huber}\n"), "{" GREY ABCD "}", 4, 0,
		"compares with numbers"},
	/* Pictures. */
	{CLASSIFY(PICTURE), "{" COLOUR ABCD "}", 4, 0, "a mean of 3 channels for pictures of 1 channel"},
	{CLASSIFY("input: [3, 4, 4]\nmodel: [flatten, {linear: classes}]\n"), "{" GREY ABCD "}", 4, 0,
		"a mean of 1 channels for pictures of 3 channels"},
	{CLASSIFY(PICTURE), "{\"mean\": [0.5, 0.5], \"std\": [1, 1], " ABCD "}", 4, 0,
		"the mean of the training pictures"},
	{CLASSIFY(PICTURE), "{\"mean\": [0.5], \"std\": [1, 1], " ABCD "}", 4, 0, "1 values of 'mean', but 2 of 'std'"},
	{CLASSIFY(PICTURE), "{\"mean\": [1e300], \"std\": [1], " ABCD "}", 4, 0,
		"mean of the training pictures is no number"},
	{CLASSIFY(PICTURE), "{\"mean\": [null], \"std\": [1], " ABCD "}", 4, 0,
		"mean of the training pictures is no number"},
	{CLASSIFY(PICTURE), "{\"mean\": [0], \"std\": [1e-300], " ABCD "}", 4, 0, "a standard deviation of 1e-300"},
	{CLASSIFY(PICTURE), "{\"mean\": [0], \"std\": [-1], " ABCD "}", 4, 0, "a standard deviation of -1"},
	{CLASSIFY(PICTURE), "{\"mean\": [0], \"std\": [1], \"border\": 3, " ABCD "}", 4, 0,
		"'border' is not a brightness"},
	/* language */
	{LANGUAGE(READS), "{" CHARS "}", 4, 4, NULL},
	{LANGUAGE(READS), "{" CHARS "}", 5, 5, "it says that `units` is 5, but it names 4"},
	{LANGUAGE(READS), "{" CHARS "}", 3, 3, "it says that `units` is 3, but it names 4"},
	{LANGUAGE("model: [{embedding: {size: 3, count: 9}}, {gru: 4}, {linear: 4}]\n"), "{" CHARS "}", 4, 0, NULL},
	{LANGUAGE("model: [{embedding: {size: 3, count: 3}}, {gru: 4}, {linear: 4}]\n"), "{" CHARS "}", 4, 0,
		"layer 'embedding1' has rows for 3 ids, but the vocabulary of 'text' has 4 units"},
	/* Ids that come to their table on a detour. */
	{TEXTS("model: [fold_time, {embedding: {size: 3, count: 4}}, unfold_time, last, {linear: classes}]\n"),
		"{" CHARS ", " ABCD "}", 4, 0, NULL},
	{TEXTS("model: [fold_time, {embedding: {size: 3, count: 3}}, unfold_time, last, {linear: classes}]\n"),
		"{" CHARS ", " ABCD "}", 4, 0, "has rows for 3 ids, but the vocabulary of 'text' has 4 units"},
	{LANGUAGE("model: [{embedding: {size: 3, count: 9}}, {gru: 4}, {linear: 5}]\n"), "{" CHARS "}", 5, 0,
		"it says that `classes` is 5, but it names 4"},
	{LANGUAGE("model: [{embedding: {size: 3, count: 9}}, {gru: 4}, {linear: 1}]\ntrain: {loss: mse}\n"),
		"{" CHARS "}", 4, 0, "compares with numbers"},
	/* tag */
	{TAG(TAGS), "{" WORDS "\"tags\": [\"O\", \"B-X\", \"I-X\"]}", 3, 3, NULL},
	{TAG(TAGS), "{" WORDS "\"tags\": [\"O\", \"B-X\"]}", 3, 3, "it says that `classes` is 3, but it names 2"},
	{TAG(TAGS), "{" WORDS "\"tags\": [\"O\", \"B-X\", \"I-X\", \"B-Y\"]}", 3, 3,
		"it says that `classes` is 3, but it names 4"},
	{TAG(TAGS), "{" WORDS "\"tags\": [\"O\", \"B-X\", \"I-X\"]}", 3, 9,
		"it says that `units` is 9, but it names 3"},
	{TAG("model: [{embedding: {size: 3, count: 2}}, {linear: classes}]\ntrain: {loss: crf}\n"),
		"{" WORDS "\"tags\": [\"O\", \"B-X\", \"I-X\"]}", 3, 0,
		"has rows for 2 ids, but the vocabulary of 'tokens' has 3"},
	{TAG("model: [{embedding: 3}, {linear: 3}]\ntrain: {loss: mse}\n"),
		"{" WORDS "\"tags\": [\"O\", \"B-X\", \"I-X\"]}", 3, 3, "compares with numbers"},
	/* segment */
	{SEGMENT(PIXELS), "{" COLOUR ABCD "}", 4, 0, NULL},
	{SEGMENT(PIXELS), "{" COLOUR ABCD "}", 3, 0, "it says that `classes` is 3, but it names 4"},
	{SEGMENT(PIXELS), "{" COLOUR "\"classes\": [\"a\"]}", 4, 0, "it says that `classes` is 4, but it names 1"},
	{SEGMENT(PIXELS), "{" GREY ABCD "}", 4, 0, "a mean of 1 channels for pictures of 3 channels"},
	/* regress */
	{"name: a\ntask: regress\ndata: {source: adding}\ninput: [time, 2]\nmodel: [{gru: 3}, last, {linear: 1}]\n"
	 "train: {loss: mse}\n",
		"{}", 0, 0, NULL},
	{"name: a\ntask: regress\ndata: {source: adding}\ninput: [time, 2]\nmodel: [{gru: 3}, last, {linear: 3}]\n"
	 "train: {loss: mse}\n",
		"{}", 0, 0, "wants 1 number"},
};

static eg_model *model_of(bench *b, const file *f) {
	eg_size sizes[3] = {{0}};
	int n = 0;
	if (f->classes) sizes[n++] = (eg_size){"classes", f->classes};
	if (f->units) sizes[n++] = (eg_size){"units", f->units};
	eg_recipe *r = bench_recipe(b, "%s", f->recipe);
	eg_value *kept = value_of(f->kept);
	eg_model *m = bench_model(b, r, sizes, kept, NULL, NULL);
	eg_value_free(kept);
	eg_recipe_free(r);
	return m;
}

/* Of every task, and whoever asks: answers, facts, writing. */
static void compared_with_the_network(void **state) {
	bench *b = *state;
	for (int i = 0; i < EG_COUNT(files); i++) {
		const file *f = &files[i];
		eg_model *m = model_of(b, f);
		eg_predictor *p = NULL;
		eg_value *facts = NULL;
		eg_generator *g = NULL;
		eg_status status[] = {eg_predictor_new(m, NULL, NULL, &p, &b->err), EG_OK, EG_OK};
		if ((status[0] == EG_OK) != !f->words)
			fail_msg("file %d: %s", i, status[0] ? b->err.message : "was taken");
		if (f->words) SAYS(b, f->words);
		if (f->words) SAYS(b, "m.safetensors'");
		status[1] = eg_task_describe(m, &facts, &b->err);
		if (f->words) SAYS(b, f->words);
		status[2] = eg_generator_new(m, NULL, &g, &b->err);
		if (f->words) SAYS(b, f->words);
		for (int k = 0; k < 3 && f->words; k++) assert_int_not_equal(status[k], EG_OK);
		assert_true(f->words || status[1] == EG_OK);
		eg_generator_free(g);
		eg_value_free(facts);
		eg_predictor_free(p);
		eg_model_free(m);
	}
}

/* ---- what is not in the file takes no memory --------------------------------------------------------------------- */

static void nothing_for_missing_weights(void **state) {
	bench *b = *state;
	static const char recipe[] = "name: a\ntask: classify\ndata: {source: mnist}\ninput: [1, 28, 28]\n"
	                             "model: [flatten, {linear: 500000}, {linear: classes}]\n";
	const eg_st_text texts[] = {{"engram_format", "2"}, {"engram_version", "0.1.0"}, {"recipe", recipe},
	        {"sizes", "{\"classes\":4}"}, {"task", "{" GREY ABCD "}"}};
	const float few[4] = {0};
	const eg_st_tensor wrong = {.name = "linear1.weight", .dtype = EG_ST_F32, .dims = {2, {2, 2}}, .data = few},
	                   bias = {.name = "linear2.bias", .dtype = EG_ST_F32, .dims = {1, {4}}, .data = few};
	const struct {
		const eg_st_tensor *tensor;
		const char *words;
	} cases[] = {{NULL, "weight 'linear1.weight' is missing"},
	        {&wrong, "is (500000,784) in the recipe but (2,2) in the file"},
	        {&bias, "weight 'linear1.weight' is missing"}};
	meter m = {.left = -1};
	eg_allocator a = {meter_alloc, meter_release, &m};
	eg_context *ctx = eg_context_new(&(eg_context_options){.threads = 1, .allocator = &a}, NULL);
	assert_non_null(ctx);
	for (int i = 0; i < EG_COUNT(cases); i++) {
		eg_model *model = NULL;
		eg_st_tensor tensors[1];
		if (cases[i].tensor) tensors[0] = *cases[i].tensor;
		OK(b, eg_st_write(bench_path(b, "bomb"), texts, EG_COUNT(texts), tensors, cases[i].tensor != NULL,
		              &b->err));
		assert_int_not_equal(eg_model_load(bench_path(b, "bomb"), ctx, &model, &b->err), EG_OK);
		SAYS(b, cases[i].words);
		assert_true(m.largest < 100000);
	}
	eg_context_free(ctx);
	assert_int_equal(m.live, 0);
}

/* ---- rows that look like steps ----------------------------------------------------------------------------------- */

/* Two texts of two characters, of which two classes are told apart: no size tells rows from steps. */
static void all_sizes_are_alike(void **state) {
	bench *b = *state;
	static const file f = {CLASSIFY("input: [time]\nmodel: [{embedding: 5}, last, {linear: classes}]\n"),
	        "{" CHARS ", \"classes\": [\"up\", \"down\"]}", 2, 4, NULL};
	char recipe[400];
	snprintf(recipe, sizeof recipe, "name: a\ntask: classify\ndata: {source: tsv, path: %s/x.tsv}\n%s", b->folder,
	        strstr(f.recipe, "input"));
	file own = f;
	own.recipe = recipe;
	eg_model *m = model_of(b, &own);
	eg_predictor *all = bench_predictor(b, m, NULL), *one = bench_predictor(b, m, NULL);
	const eg_question q[2] = {{.bytes = "ab", .size = 2}, {.bytes = "cd", .size = 2}};
	const eg_value *answers[2];
	eg_error errors[2];
	OK(b, eg_predictor_run(all, q, 2, answers, errors, &b->err));
	for (int i = 0; i < 2; i++) assert_same(ask(b, one, q[i]), answers[i]);
	eg_predictor_free(all);
	eg_predictor_free(one);
	eg_model_free(m);
}

int main(void) {
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, bench_setup, bench_teardown)
	        TEST(compared_with_the_network),
	        TEST(nothing_for_missing_weights),
	        TEST(all_sizes_are_alike),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
