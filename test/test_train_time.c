/* test_train_time.c - tests of src/train with sequences: which samples make a batch, padding and lengths, streams whose
 * state goes on from batch to batch, means over predictions, and a training that is stopped and gone on with. */
#include "net.h"

#include "core/params.h"
#include "train/batches.h"

/* ---- sequences --------------------------------------------------------------------------------------------------- */

/* Words of one to LONGEST letters; after letter a comes 5 a + 3. Every seventh word has nothing to predict. */
enum { LETTERS = 11, LONGEST = 21, WORDS = 150 };

typedef struct words {
	uint64_t seed;
	int steps;                 /* > 0: every sample has so many */
	bool all_silent;           /* nothing to predict anywhere */
	long fills, seen[WORDS];
	uint32_t order[4 * WORDS]; /* of all samples asked for */
	int norder, times[4 * WORDS];
} words;

static int word_length(void *user, uint32_t item) {
	const words *w = user;
	return w->steps ? w->steps : 1 + (int)eg_rng_below((eg_rng){w->seed, 5}, item, LONGEST);
}
static bool is_silent(const words *w, uint32_t item) { return w->all_silent || item % 7 == 3; }
static double word_weight(void *user, uint32_t item) {
	return is_silent(user, item) ? 0 : word_length(user, item);
}

static eg_status fill_words(void *user, const eg_fill *f, void *const *slots, eg_error *err) {
	const uint32_t *items = f->items;
	const int n = f->n, time = f->time;
	words *w = user;
	int32_t *x = slots[0], *t = slots[1];
	EG_UNUSED(err);
	w->fills++;
	for (int i = 0; i < n; i++) {
		int length = word_length(w, items[i]);
		int32_t a = (int32_t)eg_rng_below((eg_rng){w->seed, 6}, items[i], LETTERS);
		assert_true(length <= time);
		w->seen[items[i]]++;
		w->times[w->norder] = time;
		w->order[w->norder++] = items[i];
		for (int k = 0; k < time; k++) {
			x[k * n + i] = a;
			a = (5 * a + 3) % LETTERS;
			t[k * n + i] = k < length && !is_silent(w, items[i]) ? a : -100;
		}
	}
	return EG_OK;
}

static eg_dataset word_data(words *w) {
	static const char *const inputs[] = {"x", "t", NULL};
	memset(w, 0, sizeof *w);
	w->seed = 77;
	return (eg_dataset){.user = w,
	        .count = WORDS,
	        .inputs = inputs,
	        .time = LONGEST,
	        .time_of = word_length,
	        .weight = word_weight,
	        .fill = fill_words};
}

static void test_batches(void **state) {
	EG_UNUSED(state);
	words w;
	eg_error err;
	eg_dataset d = word_data(&w);
	eg_batches b = {0}, again = {0};
	double total = 0;
	int padding = 0, plain = 0, falls = 0, rises = 0;
	bool seen[WORDS] = {0};
	for (uint32_t i = 0; i < WORDS; i++) total += word_weight(&w, i);
	assert_int_equal(eg_batches_make(&b, NULL, &d, 4, &err), EG_OK);
	assert_int_equal(eg_batches_make(&again, NULL, &d, 4, &err), EG_OK);
	assert_int_equal(b.count, (WORDS + 3) / 4);
	net_near(b.weight, total, 0);
	eg_batches_shuffle(&b, 9, 2);
	for (int64_t k = 0, time = 0; k < b.count; k++) {
		eg_batch one = eg_batches_get(&b, k);
		int longest = 0;
		for (int i = 0; i < one.n; i++) {
			assert_false(seen[one.items[i]]);
			seen[one.items[i]] = true;
			int t = word_length(&w, one.items[i]);
			if (t > longest) longest = t;
			padding += one.time - t;
			plain += LONGEST - t;
		}
		assert_int_equal(one.time, longest == LONGEST ? LONGEST : (longest + 1) / 2 * 2);
		falls += one.time < time;
		rises += one.time > time;
		time = one.time;
	}
	for (int i = 0; i < WORDS; i++) assert_true(seen[i]);
	assert_true(padding < plain / 2);
	assert_true(falls > 5 && rises > 5); /* an epoch does not run from short to long */
	/* a function of seed and epoch */
	eg_batches_shuffle(&again, 9, 1);
	assert_memory_not_equal(b.order, again.order, WORDS * sizeof *b.order);
	eg_batches_shuffle(&again, 9, 2);
	assert_memory_equal(b.order, again.order, WORDS * sizeof *b.order);
	assert_memory_equal(b.turn, again.turn, (size_t)b.count * sizeof *b.turn);
	eg_batches_free(&b);
	eg_batches_free(&again);
	/* streams: piece k of every stream, epoch after epoch */
	d.streams = 6;
	assert_int_equal(eg_batches_make(&b, NULL, &d, 4, &err), EG_OK);
	assert_int_equal(b.count, WORDS / 6);
	eg_batches_shuffle(&b, 9, 1);
	for (int64_t k = 0; k < b.count; k++) {
		eg_batch one = eg_batches_get(&b, k);
		assert_int_equal(one.n, 6);
		for (int i = 0; i < 6; i++) assert_int_equal(one.items[i], i * (WORDS / 6) + k);
	}
	eg_batches_free(&b);
	d.streams = 7;
	assert_int_equal(eg_batches_make(&b, NULL, &d, 4, &err), EG_ERR_ARG);
	assert_contains(err.message, "150 samples cannot be the pieces of 7 streams");
	d.streams = 0;
	d.time = 12;
	assert_int_equal(eg_batches_make(&b, NULL, &d, 4, &err), EG_ERR_ARG);
	assert_contains(err.message, "1 to 12 are allowed");
	eg_batches_free(&b);
}

/* Ids (T,N) to logits (T,N,LETTERS). */
static void word_net(eg_graph *g) {
	eg_tensor x = eg_input(g, "x", EG_I32, EG_DIMS(EG_T, EG_N)), t = eg_input(g, "t", EG_I32, EG_DIMS(EG_T, EG_N));
	x = net_layer(g, "embedding", "size=9 count=11", x);
	x = net_layer(g, "dropout", "rate=0.1", x);
	x = net_layer(g, "linear", "units=11", x);
	eg_output(g, "logits", x);
	eg_output(g, "loss", net_loss(g, "", x, t));
}

typedef struct speller {
	eg_context *ctx;
	eg_graph *g;
	eg_params *p;
	words train, validation;
	eg_dataset data, val_data;
	int stop_after, best_epoch;
	eg_epoch_report last;
	double best_loss;
	eg_error err;
} speller;

static speller *new_speller(int threads, void (*net)(eg_graph *g)) {
	speller *s = calloc(1, sizeof *s);
	s->ctx = net_context(threads, NULL);
	s->g = eg_graph_new(s->ctx, &s->err);
	net(s->g);
	s->p = eg_params_new(s->g, 3, &s->err);
	if (!s->p) fail_msg("%s", s->err.message);
	s->data = word_data(&s->train);
	s->val_data = word_data(&s->validation);
	s->validation.seed = 78;
	s->best_loss = INFINITY;
	return s;
}
static void free_speller(speller *s) {
	eg_params_free(s->p);
	eg_graph_free(s->g);
	eg_context_free(s->ctx);
	free(s);
}

static bool after_epoch(void *user, const eg_epoch_report *r) {
	speller *s = user;
	s->last = *r;
	s->train.norder = s->validation.norder = 0;
	assert_true(r->samples_per_second > 0 && isfinite(r->loss));
	/* of sequences the loss decides */
	if (!isnan(r->val_loss)) assert_int_equal(r->best, r->val_loss < s->best_loss);
	if (r->best) s->best_loss = r->val_loss, s->best_epoch = r->epoch;
	return r->epoch != s->stop_after;
}

static eg_status spell(speller *s, const eg_train_config *c, eg_optimizer *o, eg_train_state *st, eg_train_result *r) {
	eg_train_callbacks callbacks = {.user = s, .epoch = after_epoch};
	return eg_train(s->g, s->p, c, &s->data, &s->val_data, o, st, &callbacks, r, &s->err);
}

static const eg_train_config spelling = {
	.epochs = 6, .batch = 8, .seed = 2, .optimizer = {.kind = EG_ADAM, .lr = 0.05}};

static void test_sequences(void **state) {
	EG_UNUSED(state);
	speller *s = new_speller(2, word_net);
	eg_train_result r;
	double first, loss, other;
	int64_t asked = 0;
	assert_int_equal(eg_evaluate(s->g, s->p, NULL, 0, &s->val_data, NULL, &first, &s->err), EG_OK);
	assert_int_equal(spell(s, &spelling, NULL, NULL, &r), EG_OK);
	assert_true(first > 1.5 && r.val_loss < 0.05 && r.val_metric > 0.99 && r.train_metric > 0.9);
	assert_int_equal(r.best_epoch, s->best_epoch);
	/* each sample once an epoch, but for batches in which there is nothing to learn, which are looked at all the
	 * same */
	for (int i = 0; i < WORDS; i++) assert_int_equal(s->train.seen[i], 6);
	/* the mean is over predictions, however they are cut */
	eg_confusion *m = eg_confusion_new(LETTERS);
	eg_judge *j = eg_judge_confusion_new(s->g, "logits", "t", m, NULL);
	for (uint32_t i = 0; i < WORDS; i++) asked += (int64_t)word_weight(&s->validation, i);
	s->validation.norder = 0;
	assert_int_equal(eg_evaluate(s->g, s->p, NULL, 0, &s->val_data, j, &loss, &s->err), EG_OK);
	assert_int_equal(eg_confusion_total(m), asked);
	net_near(eg_confusion_accuracy(m), r.val_metric, 1e-12);
	net_near(loss, r.val_loss, 1e-6);
	for (int batch = 1; batch < 8; batch += 3) {
		s->validation.norder = 0;
		assert_int_equal(eg_evaluate(s->g, s->p, NULL, batch, &s->val_data, NULL, &other, &s->err), EG_OK);
		net_near(other, loss, 1e-6);
	}
	eg_judge_classes_free(j);
	eg_confusion_free(m);
	/* nothing to predict at all */
	s->validation.all_silent = s->train.all_silent = true;
	s->train.norder = s->validation.norder = 0;
	assert_int_equal(eg_evaluate(s->g, s->p, NULL, 0, &s->val_data, NULL, &loss, &s->err), EG_OK);
	assert_true(isnan(loss));
	assert_int_equal(spell(s, &spelling, NULL, NULL, &r), EG_ERR_ARG);
	assert_contains(s->err.message, "nothing to predict");
	s->data.weight = NULL; /* found out only batch by batch */
	assert_int_equal(spell(s, &spelling, NULL, NULL, &r), EG_ERR_ARG);
	assert_contains(s->err.message, "nothing to predict: every target is negative");
	free_speller(s);
}

/* The last letter of a word, from a network that is told how long words are; the target is (N). */
static eg_status fill_last(void *user, const eg_fill *f, void *const *slots, eg_error *err) {
	const uint32_t *items = f->items;
	const int n = f->n, time = f->time;
	const words *w = user;
	EG_UNUSED(err);
	for (int i = 0; i < n; i++)
		for (int k = 0; k < time; k++) {
			int32_t a = (int32_t)eg_rng_below((eg_rng){w->seed, 6}, items[i] * LONGEST + (uint32_t)k, LETTERS);
			((int32_t *)slots[0])[k * n + i] = a;
			if (k == word_length(user, items[i]) - 1) ((int32_t *)slots[1])[i] = a;
		}
	return EG_OK;
}

static void test_lengths(void **state) {
	EG_UNUSED(state);
	words w;
	eg_context *ctx = net_context(2, NULL);
	eg_graph *g = eg_graph_new(ctx, NULL);
	eg_tensor x = eg_input(g, "x", EG_I32, EG_DIMS(EG_T, EG_N)), t = eg_input(g, "t", EG_I32, EG_DIMS(EG_N));
	eg_tensor lengths = eg_input(g, "lengths", EG_I32, EG_DIMS(EG_N));
	x = net_layer(g, "embedding", "size=11 count=11", x);
	x = net_apply(g, "last", "", (eg_tensor[]){x, lengths}, 2);
	eg_output(g, "logits", x);
	eg_output(g, "loss", net_loss(g, "", x, t));
	eg_params *p = eg_params_new(g, 1, NULL);
	eg_dataset d = word_data(&w);
	eg_train_result r;
	eg_train_config c = spelling;
	d.fill = fill_last;
	d.weight = NULL;
	c.epochs = 10;
	assert_non_null(p);
	assert_int_equal(eg_train(g, p, &c, &d, &d, NULL, NULL, NULL, &r, NULL), EG_OK);
	assert_true(r.val_metric == 1);
	eg_params_free(p);
	eg_graph_free(g);
	eg_context_free(ctx);
}

/* An input that nobody fills would quietly be zero. */
static void test_unfilled(void **state) {
	EG_UNUSED(state);
	speller *s = new_speller(1, word_net);
	eg_graph *g = eg_graph_new(s->ctx, &s->err);
	eg_tensor x = eg_input(g, "x", EG_I32, EG_DIMS(EG_T, EG_N)), t = eg_input(g, "t", EG_I32, EG_DIMS(EG_T, EG_N));
	eg_tensor more = eg_input(g, "more", EG_I32, EG_DIMS(EG_T, EG_N));
	x = net_layer(g, "embedding", "size=11 count=11", x);
	more = net_layer(g, "embedding", "size=11 count=11", more);
	eg_output(g, "loss", net_loss(g, "", net_apply(g, "add", "", (eg_tensor[]){x, more}, 2), t));
	eg_params *p = eg_params_new(g, 1, &s->err);
	assert_non_null(p);
	assert_int_equal(eg_train(g, p, &spelling, &s->data, NULL, NULL, NULL, NULL, NULL, &s->err), EG_ERR_ARG);
	assert_contains(s->err.message, "an input 'more', which the data set does not fill");
	eg_params_free(p);
	eg_graph_free(g);
	free_speller(s);
}

/* ---- streams ----------------------------------------------------------------------------------------------------- */

/* Running texts side by side, of which each letter depends on the two before it, in pieces of `step` letters; the last
 * piece may be shorter. */
enum { STREAMS = 5, STREAM_LENGTH = 45 };
typedef struct text {
	int32_t letters[STREAMS][STREAM_LENGTH + 1];
	int step, pieces;
} text;

static int piece_length(void *user, uint32_t item) {
	const text *t = user;
	int left = STREAM_LENGTH - (int)item % t->pieces * t->step;
	return left < t->step ? left : t->step;
}
static double piece_weight(void *user, uint32_t item) { return piece_length(user, item); }

static eg_status fill_text(void *user, const eg_fill *f, void *const *slots, eg_error *err) {
	const uint32_t *items = f->items;
	const int n = f->n, time = f->time;
	const text *t = user;
	EG_UNUSED(err);
	for (int i = 0; i < n; i++) {
		const int32_t *from = t->letters[(int)items[i] / t->pieces] + (int)items[i] % t->pieces * t->step;
		int length = piece_length(user, items[i]);
		for (int k = 0; k < time; k++) {
			((int32_t *)slots[0])[k * n + i] = k < length ? from[k] : 0;
			((int32_t *)slots[1])[k * n + i] = k < length ? from[k + 1] : -100;
		}
	}
	return EG_OK;
}

static eg_dataset text_data(text *t, int step, bool carried) {
	static const char *const inputs[] = {"x", "t", NULL};
	*t = (text){.step = step, .pieces = (STREAM_LENGTH + step - 1) / step};
	for (int i = 0; i < STREAMS; i++) {
		t->letters[i][0] = i;
		t->letters[i][1] = 2 * i;
		for (int k = 2; k <= STREAM_LENGTH; k++)
			t->letters[i][k] = (t->letters[i][k - 1] + t->letters[i][k - 2] + 1) % LETTERS;
	}
	return (eg_dataset){.user = t,
	        .count = STREAMS * t->pieces,
	        .inputs = inputs,
	        .time = step,
	        .time_of = piece_length,
	        .streams = carried ? STREAMS : 0,
	        .weight = piece_weight,
	        .fill = fill_text};
}

static void memory_net(eg_graph *g) {
	eg_tensor x = eg_input(g, "x", EG_I32, EG_DIMS(EG_T, EG_N)), t = eg_input(g, "t", EG_I32, EG_DIMS(EG_T, EG_N));
	x = net_layer(g, "embedding", "size=9 count=11", x);
	x = net_layer(g, "lstm", "hidden=14", x);
	x = net_layer(g, "linear", "units=11", x);
	eg_output(g, "logits", x);
	eg_output(g, "loss", net_loss(g, "", x, t));
}

/* The state goes on from piece to piece, through plans of other lengths too, and begins anew with every pass. */
static void test_streams(void **state) {
	EG_UNUSED(state);
	static const int steps[] = {45, 45, 10, 7, 15, 1};
	speller *s = new_speller(2, memory_net);
	double whole = 0, loss;
	text t;
	eg_train_config c = spelling;
	eg_train_result r;
	c.epochs = 40;
	c.optimizer.lr = 0.02;
	s->data = text_data(&t, 10, true);
	s->val_data.count = 0;
	assert_int_equal(spell(s, &c, NULL, NULL, &r), EG_OK);
	assert_true(r.loss < 0.2 && r.train_metric > 0.95);
	for (int i = 0; i < EG_COUNT(steps); i++) {
		eg_dataset d = text_data(&t, steps[i], true);
		assert_int_equal(eg_evaluate(s->g, s->p, NULL, 0, &d, NULL, &loss, NULL), EG_OK);
		if (i)
			net_near(loss, whole, 1e-5);
		else
			whole = loss;
	}
	eg_dataset d = text_data(&t, 7, false); /* without, each piece begins in the dark */
	assert_int_equal(eg_evaluate(s->g, s->p, NULL, 0, &d, NULL, &loss, NULL), EG_OK);
	assert_true(loss > 1.2 * whole);
	free_speller(s);
}

/* Killed after epoch k and gone on, with sequences and with streams: the bits of one that ran through, for any number
 * of threads. */
static void check_sequence_resume(void (*net)(eg_graph *g), int streams, int k) {
	speller *whole = new_speller(1, net), *begun = new_speller(2, net), *rest = new_speller(3, net);
	speller *all[] = {whole, begun, rest};
	eg_train_state st = {0};
	eg_train_result r, r2;
	size_t n, m;
	for (int i = 0; i < 3 && streams; i++) {
		all[i]->data.streams = all[i]->val_data.streams = streams;
		all[i]->train.steps = all[i]->validation.steps = 12;
		all[i]->data.time = all[i]->val_data.time = 12;
	}
	assert_int_equal(spell(whole, &spelling, NULL, NULL, &r), EG_OK);
	eg_real *w = eg_params_flat(begun->p, &n);
	st.best_weights = malloc(n * sizeof *w);
	eg_optimizer *o = eg_optimizer_new(begun->p, &spelling.optimizer, NULL);
	eg_optimizer *o2 = eg_optimizer_new(rest->p, &spelling.optimizer, NULL);
	begun->stop_after = k;
	assert_int_equal(spell(begun, &spelling, o, &st, NULL), EG_ERR_STOPPED);
	memcpy(eg_params_flat(rest->p, &m), w, n * sizeof *w);
	eg_params_changed(rest->p);
	for (int i = 0; i < eg_optimizer_moments(o); i++)
		memcpy(eg_optimizer_moment(o2, i, &m), eg_optimizer_moment(o, i, &m), m * sizeof *w);
	eg_optimizer_set_steps(o2, eg_optimizer_steps(o));
	rest->best_loss = begun->best_loss;
	assert_int_equal(spell(rest, &spelling, o2, &st, &r2), EG_OK);
	assert_memory_equal(eg_params_flat(rest->p, &m), eg_params_flat(whole->p, &m), n * sizeof *w);
	net_near(r2.val_loss, r.val_loss, 0);
	assert_int_equal(r2.best_epoch, r.best_epoch);
	eg_optimizer_free(o);
	eg_optimizer_free(o2);
	free(st.best_weights);
	for (int i = 0; i < 3; i++) free_speller(all[i]);
}

static void test_sequence_resume(void **state) {
	EG_UNUSED(state);
	check_sequence_resume(word_net, 0, 2);
	check_sequence_resume(word_net, 6, 3);
	check_sequence_resume(memory_net, 0, 1);
	check_sequence_resume(memory_net, 6, 4);
}

int main(void) {
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(test_batches),
	        cmocka_unit_test(test_sequences),
	        cmocka_unit_test(test_lengths),
	        cmocka_unit_test(test_unfilled),
	        cmocka_unit_test(test_streams),
	        cmocka_unit_test(test_sequence_resume),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
