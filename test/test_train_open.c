/* test_train_open.c - data sets with further open dimensions: which samples make a batch and how large it is, lengths
 * of two sequences, pictures of many sizes; the same bits for any number of threads. */
#include "net.h"

#include "engram_ops.h"
#include "train/batches.h"

enum { COUNT = 120, LONGEST = 19, ANSWER = 26, LETTERS = 7 };

/* Two words to a sample, of lengths of their own; the answer is the sum of their last letters, modulo LETTERS. */
typedef struct words {
	long fills, seen[COUNT];
	int most[1];
} words;

static int length_of(void *user, uint32_t item) {
	EG_UNUSED(user);
	return 1 + (int)eg_rng_below((eg_rng){4, 5}, item, LONGEST);
}
static int answer_of(void *user, uint32_t item, int dim) {
	EG_UNUSED(user);
	assert_int_equal(dim, 0);
	return (int)eg_rng_below((eg_rng){4, 6}, item, ANSWER + 1); /* none at all, too */
}
static int32_t letter(uint32_t item, int word, int k) {
	return (int32_t)eg_rng_below((eg_rng){9, (uint64_t)word}, item * 64 + (uint32_t)k, LETTERS);
}

static eg_status fill_words(void *user, const eg_fill *f, void *const *slots, eg_error *err) {
	words *w = user;
	EG_UNUSED(err);
	int longest[2] = {0}, n = f->n;
	w->fills++;
	for (int i = 0; i < n; i++) {
		int length[2] = {length_of(w, f->items[i]), answer_of(w, f->items[i], 0)},
		    room[2] = {f->time, f->sizes[0]};
		w->seen[f->items[i]]++;
		for (int word = 0; word < 2; word++) {
			assert_true(length[word] <= room[word]);
			if (length[word] > longest[word]) longest[word] = length[word];
			for (int k = 0; k < room[word]; k++)
				((int32_t *)slots[word])[k * n + i] = k < length[word] ? letter(f->items[i], word, k)
				                                                       : LETTERS - 1;
		}
		int32_t a = letter(f->items[i], 0, length[0] - 1),
		        b = length[1] ? letter(f->items[i], 1, length[1] - 1) : 0;
		((int32_t *)slots[2])[i] = (a + b) % LETTERS;
	}
	assert_int_equal(f->time, longest[0] == LONGEST ? LONGEST : (longest[0] + 1) / 2 * 2);
	assert_int_equal(f->sizes[0], longest[1] == ANSWER ? ANSWER : longest[1] ? (longest[1] + 1) / 2 * 2 : 2);
	return EG_OK;
}

static eg_dataset word_data(words *w) {
	static const char *const inputs[] = {"x", "y", "t", NULL}, *const dims[] = {"answer", NULL};
	*w = (words){.most = {ANSWER}};
	return (eg_dataset){.user = w,
	        .count = COUNT,
	        .inputs = inputs,
	        .time = LONGEST,
	        .time_of = length_of,
	        .fill = fill_words,
	        .dims = dims,
	        .most = w->most,
	        .size_of = answer_of};
}

/* Ids (T,N) and (answer,N), and how many of each there are. */
static void two_words(eg_graph *g) {
	int64_t answer = eg_open_dim(g, "answer");
	eg_tensor x = eg_input(g, "x", EG_I32, EG_DIMS(EG_T, EG_N)),
	          y = eg_input(g, "y", EG_I32, EG_DIMS(answer, EG_N));
	eg_tensor nx = eg_input(g, "lengths", EG_I32, EG_DIMS(EG_N)),
	          ny = eg_input(g, "lengths.answer", EG_I32, EG_DIMS(EG_N));
	x = net_apply(g, "last", "", (eg_tensor[]){net_layer(g, "embedding", "size=24 count=7", x), nx}, 2);
	y = net_apply(g, "last", "", (eg_tensor[]){net_layer(g, "embedding", "size=24 count=7", y), ny}, 2);
	x = net_layer(
	        g, "tanh", "", net_layer(g, "linear", "units=40", net_apply(g, "add", "", (eg_tensor[]){x, y}, 2)));
	x = net_layer(g, "linear", "units=7", x);
	eg_output(g, "logits", x);
	eg_output(g, "loss", net_loss(g, "", x, eg_input(g, "t", EG_I32, EG_DIMS(EG_N))));
}

typedef struct rig {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
	eg_error err;
} rig;

static rig rig_new(int threads, void (*net)(eg_graph *g)) {
	rig r = {.ctx = net_context(threads, NULL)};
	r.g = eg_graph_new(r.ctx, NULL);
	net(r.g);
	r.p = eg_params_new(r.g, 3, &r.err);
	if (!r.p) fail_msg("%s", r.err.message);
	return r;
}
static void rig_free(rig *r) {
	eg_params_free(r->p);
	eg_graph_free(r->g);
	eg_context_free(r->ctx);
}

static const eg_train_config usual = {.epochs = 30, .batch = 10, .seed = 2, .optimizer = {.kind = EG_ADAM, .lr = 0.02}};

static void test_two_lengths(void **state) {
	EG_UNUSED(state);
	words w[2];
	rig one = rig_new(1, two_words), three = rig_new(3, two_words);
	eg_dataset d = word_data(&w[0]), e = word_data(&w[1]);
	eg_train_result r;
	double loss, other;
	size_t n;
	if (eg_train(one.g, one.p, &usual, &d, NULL, NULL, NULL, NULL, &r, &one.err)) fail_msg("%s", one.err.message);
	assert_true(r.train_metric == 1);
	for (int i = 0; i < COUNT; i++) assert_int_equal(w[0].seen[i], 30);
	assert_int_equal(eg_train(three.g, three.p, &usual, &e, NULL, NULL, NULL, NULL, NULL, NULL), EG_OK);
	const eg_real *a = eg_params_flat(one.p, &n);
	assert_memory_equal(eg_params_flat(three.p, NULL), a, n * sizeof *a);
	/* padding plays no part, however samples are put together */
	assert_int_equal(eg_evaluate(one.g, one.p, NULL, 0, &d, NULL, &loss, NULL), EG_OK);
	for (int batch = 1; batch < 12; batch += 5) {
		assert_int_equal(eg_evaluate(one.g, one.p, NULL, batch, &d, NULL, &other, NULL), EG_OK);
		net_near(loss, other, 1e-6);
	}
	rig_free(&one);
	rig_free(&three);
}

/* Samples of like length meet; of these, samples of like size. */
static void test_sorted(void **state) {
	EG_UNUSED(state);
	words w;
	eg_dataset d = word_data(&w);
	eg_batches b = {0};
	double room = 0, used = 0;
	bool seen[COUNT] = {0};
	assert_int_equal(eg_batches_make(&b, NULL, &d, 5, NULL), EG_OK);
	eg_batches_shuffle(&b, 3, 1);
	for (int64_t k = 0; k < b.count; k++) {
		eg_batch one = eg_batches_get(&b, k);
		room += one.n * one.sizes[0];
		for (int i = 0; i < one.n; i++) used += answer_of(&w, one.items[i], 0), seen[one.items[i]] = true;
	}
	for (int i = 0; i < COUNT; i++) assert_true(seen[i]);
	assert_true(
	        used >
	        0.7 * room); /* at random it would be less than 0.6: the largest of 5 is five sixths of ANSWER, and
	                      * then rounded */
	eg_batches_free(&b);
	/* without sizes of its own, every sample has the largest */
	d.size_of = NULL, d.time_of = NULL;
	assert_int_equal(eg_batches_make(&b, NULL, &d, 5, NULL), EG_OK);
	eg_batch one = eg_batches_get(&b, 3);
	assert_true(one.sizes[0] == ANSWER && one.time == LONGEST && one.items[2] == 17 && !b.keys);
	eg_batches_free(&b);
}

/* ---- pictures of many sizes -------------------------------------------------------------------------------------- */

static int side_of(void *user, uint32_t item, int dim) {
	EG_UNUSED(user);
	return 6 + (int)(item * (dim ? 5 : 3) % 11);
}
static eg_status fill_pictures(void *user, const eg_fill *f, void *const *slots, eg_error *err) {
	const size_t height = (size_t)f->sizes[0], width = (size_t)f->sizes[1];
	EG_UNUSED(err);
	(*(long *)user)++;
	assert_int_equal(f->time, 0);
	eg_real *x = slots[0];
	memset(x, 0, (size_t)f->n * height * width * sizeof *x);
	for (int i = 0; i < f->n; i++) {
		int k = (int)(f->items[i] % 3), h = side_of(NULL, f->items[i], 0), v = side_of(NULL, f->items[i], 1);
		for (int row = 0; row < h; row++)
			for (int column = 0; column < v; column++) /* lines this way, that way, or none */
				x[((size_t)i * height + (size_t)row) * width + (size_t)column] =
				        (eg_real)(k == 0   ? row % 2
				                  : k == 1 ? column % 2
				                           : 0.5);
		((int32_t *)slots[1])[i] = k;
	}
	return EG_OK;
}

static void open_pictures(eg_graph *g) {
	eg_tensor x = eg_input(g, "x", EG_F32, EG_DIMS(EG_N, 1, eg_open_dim(g, "height"), eg_open_dim(g, "width")));
	x = net_layer(g, "relu", "", net_layer(g, "conv2d", "filters=6 kernel=3", x));
	x = net_layer(g, "flatten", "", net_layer(g, "globalavgpool2d", "", x));
	x = net_layer(g, "linear", "units=3", x);
	eg_output(g, "logits", x);
	eg_output(g, "loss", net_loss(g, "", x, eg_input(g, "t", EG_I32, EG_DIMS(EG_N))));
}

static eg_dataset picture_data(long *fills) {
	static const char *const inputs[] = {"x", "t", NULL}, *const dims[] = {"height", "width", NULL};
	static const int most[] = {16, 16};
	*fills = 0;
	return (eg_dataset){.user = fills,
	        .count = 90,
	        .inputs = inputs,
	        .fill = fill_pictures,
	        .dims = dims,
	        .most = most,
	        .size_of = side_of};
}

static void test_pictures(void **state) {
	EG_UNUSED(state);
	long fills;
	eg_real *first = NULL;
	for (int threads = 1; threads <= 3; threads++) {
		rig r = rig_new(threads, open_pictures);
		eg_dataset d = picture_data(&fills);
		eg_train_config c = usual;
		eg_train_result result;
		size_t n;
		c.accumulate = 2;
		if (eg_train(r.g, r.p, &c, &d, &d, NULL, NULL, NULL, &result, &r.err)) fail_msg("%s", r.err.message);
		assert_true(result.val_metric > 0.95);
		const eg_real *w = eg_params_flat(r.p, &n);
		if (first)
			assert_memory_equal(w, first, n * sizeof *w);
		else
			first = memcpy(malloc(n * sizeof *w), w, n * sizeof *w);
		rig_free(&r);
	}
	free(first);
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

static int too_large(void *user, uint32_t item, int dim) {
	EG_UNUSED(user);
	return item == 17 && dim == 1 ? 40 : 5;
}

static void test_refusals(void **state) {
	EG_UNUSED(state);
	static const char *const many[] = {"a", "b", "c", "d", "e", NULL}, *const one[] = {"height", NULL},
	                         *const wrong[] = {"height", "depth", NULL};
	static const int none[] = {16, 0};
	long fills;
	eg_error err;
	double loss;
	rig r = rig_new(1, open_pictures);
	eg_batches b = {0};
	eg_dataset d = picture_data(&fills), good = d;
	d.dims = many;
	assert_int_equal(eg_batches_make(&b, NULL, &d, 4, &err), EG_ERR_ARG);
	assert_contains(err.message, "5 open dimensions; at most 4");
	d = good;
	d.most = NULL;
	assert_int_equal(eg_batches_make(&b, NULL, &d, 4, &err), EG_ERR_ARG);
	d.most = none;
	assert_int_equal(eg_batches_make(&b, NULL, &d, 4, &err), EG_ERR_ARG);
	assert_contains(err.message, "'width' of a data set has sizes of at most 0");
	d = good;
	d.size_of = too_large;
	assert_int_equal(eg_batches_make(&b, NULL, &d, 4, &err), EG_ERR_ARG);
	assert_contains(err.message, "sample 17 has size 40 in dimension 'width'; 0 to 16 are allowed");
	d = good;
	d.dims = one;
	assert_int_equal(eg_evaluate(r.g, r.p, NULL, 0, &d, NULL, &loss, &err), EG_ERR_ARG);
	assert_contains(err.message, "width");
	d.dims = wrong;
	assert_int_equal(eg_evaluate(r.g, r.p, NULL, 0, &d, NULL, &loss, &err), EG_ERR_ARG);
	assert_contains(err.message, "depth");
	rig_free(&r);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_two_lengths),
	        cmocka_unit_test(test_sorted),
	        cmocka_unit_test(test_pictures),
	        cmocka_unit_test(test_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
