/* generate.c - a language model writes: units drawn one after the other from the network's distribution, each put
 * back in as the next input, through a session that keeps the recurrent state.
 *
 * Here too: how many nats each unit of a given text takes. Not here: how a unit is drawn (draw.c), the forms of verse
 * (verse.c), filling gaps (fill.c), vocabularies and their spelling (src/data/vocab.c), the task itself (language.c),
 * printing. */
#include "io/safetensors.h"
#include "tasks/generate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STATE_FORMAT = 1, BATCH_MOST = 256 };

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for generating text"); }

/* ---- life -------------------------------------------------------------------------------------------------------- */

static eg_status check_options(const eg_generate_options *o, eg_error *err) {
	if (!(o->temperature >= 0) || !isfinite(o->temperature))
		return eg_fail(err, EG_ERR_ARG,
		        "a temperature of %g; it is 0 (always the likeliest) or more, 1 is as learnt", o->temperature);
	if (!(o->top_p >= 0 && o->top_p <= 1))
		return eg_fail(err, EG_ERR_ARG,
		        "top-p is a probability, from 0 (only the likeliest, EG_ZERO_F) to 1, not %g", o->top_p);
	if (!(o->repeat_penalty >= 0) || (o->repeat_penalty > 0 && o->repeat_penalty < 1) || !isfinite(o->repeat_penalty))
		return eg_fail(err, EG_ERR_ARG, "a repeat penalty of %g; it is 1 (none) or more", o->repeat_penalty);
	if (o->batch < 0 || o->batch > BATCH_MOST)
		return eg_fail(err, EG_ERR_ARG, "%d texts side by side; 1 to %d are possible", o->batch, (int)BATCH_MOST);
	if (o->top_k < 0) return eg_fail(err, EG_ERR_ARG, "top-k is a number of units, at least 1, not %d", o->top_k);
	return EG_OK;
}

static eg_status check_model(const eg_generator *g, eg_error *err) {
	int writable = 0, unknown = eg_vocab_unknown(g->vocab);
	eg_dims d = eg_tensor_dims(eg_model_graph(g->model), eg_graph_find(eg_model_graph(g->model), "logits"));
	if (d.rank != 3 || d.d[0] != EG_T || d.d[2] != g->count)
		return eg_fail(err, EG_ERR_SHAPE,
		        "the network does not answer at every step with a number for each of the %d units of its "
		        "vocabulary",
		        g->count);
	for (int i = 0; i < g->count; i++) writable += i != unknown && i != eg_vocab_end(g->vocab);
	return writable > 0 ? EG_OK : eg_fail(err, EG_ERR_FORMAT, "the vocabulary holds nothing that could be written");
}

static eg_status prepare(eg_generator *g, eg_error *err) {
	static const char *const outputs[] = {"logits", NULL};
	eg_graph *graph = eg_model_graph(g->model);
	eg_error why;
	g->vocab = eg_intake_vocab(g->task->intakes[0]);
	g->count = eg_vocab_count(g->vocab);
	eg_status status = check_model(g, err);
	if (status) return status;
	size_t n = (size_t)g->count;
	for (int i = 0; i < g->count; i++) {
		size_t size;
		eg_vocab_token(g->vocab, i, &size);
		if (size + 8 > g->room) g->room = size + 8;
	}
	g->batch = g->options.batch > 0 ? g->options.batch : 1;
	g->lanes = eg_calloc(NULL, (size_t)g->batch, sizeof *g->lanes);
	g->logits = eg_calloc(NULL, EG_GENERATE_CHUNK * n, (size_t)g->batch * sizeof *g->logits);
	g->ids = eg_calloc(NULL, EG_GENERATE_CHUNK, (size_t)g->batch * sizeof *g->ids);
	g->recent = eg_calloc(NULL, n, sizeof *g->recent);
	g->weights = eg_calloc(NULL, n + EG_GENERATE_BLOCK, sizeof *g->weights);
	g->sums = eg_calloc(NULL, n / EG_GENERATE_BLOCK + 1, sizeof *g->sums);
	g->mark_next = eg_calloc(NULL, n, sizeof *g->mark_next);
	g->units = eg_calloc(NULL, n, sizeof *g->units);
	if (!g->lanes || !g->logits || !g->ids || !g->recent || !g->mark_next || !g->units || !g->weights || !g->sums)
		return no_memory(err);
	for (int i = 0; i < g->batch; i++) {
		eg_lane *l = &g->lanes[i];
		*l = (eg_lane){.sample = (uint64_t)i, .before = -1};
		l->next = eg_calloc(NULL, n, sizeof *l->next);
		l->spelled = eg_calloc(NULL, g->room, 1);
		if (!l->next || !l->spelled) return no_memory(err);
	}
	status = eg_verse_open(g, err);
	if (status) return status;
	g->session = eg_session_new(graph, eg_model_params(g->model),
	        &(eg_session_options){.batch = g->batch, .chunk = EG_GENERATE_CHUNK, .outputs = outputs}, &why);
	if (!g->session) {
		if (err) *err = why;
		return why.status;
	}
	g->mark_state = eg_calloc(NULL, eg_session_state_count(g->session) + 1, sizeof *g->mark_state);
	return g->mark_state ? EG_OK : no_memory(err);
}

eg_status eg_generator_from_vocab(
	eg_task *t, eg_model *m, const eg_generate_options *o, eg_generator **generator, eg_error *err) {
	eg_status status = check_options(o, err);
	eg_generator *g = status ? NULL : eg_calloc(NULL, 1, sizeof *g);
	if (!g) {
		eg_task_free(t);
		return status ? status : no_memory(err);
	}
	g->task = t;
	g->model = m;
	g->options = *o;
	g->mark_before = -1;
	status = prepare(g, err);
	if (status)
		eg_generator_free(g);
	else
		*generator = g;
	return status;
}

const eg_vocab *eg_generator_vocab(const eg_generator *g) { return g->vocab; }

void eg_generator_free(eg_generator *g) {
	if (!g) return;
	eg_session_free(g->session);
	eg_task_free(g->task);
	for (int i = 0; i < g->batch && g->lanes; i++) {
		eg_release(NULL, g->lanes[i].next);
		eg_release(NULL, g->lanes[i].spelled);
	}
	eg_release(NULL, g->lanes);
	eg_release(NULL, g->logits);
	eg_release(NULL, g->ids);
	eg_release(NULL, g->recent);
	eg_release(NULL, g->weights);
	eg_release(NULL, g->sums);
	eg_release(NULL, g->mark_next);
	eg_release(NULL, g->mark_state);
	eg_release(NULL, g->units);
	eg_verse_close(g);
	eg_release(NULL, g);
}

static void copy_logits(const eg_generator *g, eg_real *to, const eg_real *from) {
	memcpy(to, from, (size_t)g->count * sizeof *to);
}

void eg_generator_begin(eg_generator *g, uint64_t sample) {
	g->begun = g->mark_begun;
	eg_session_restore(g->session, g->mark_state);
	for (int i = 0; i < g->batch; i++) {
		eg_lane *l = &g->lanes[i];
		*l = (eg_lane){.next = l->next, .spelled = l->spelled, .sample = sample + (uint64_t)i, .before = g->mark_before};
		copy_logits(g, l->next, g->mark_next);
	}
}

void eg_generator_mark(eg_generator *g) {
	g->mark_begun = g->begun;
	g->mark_before = g->lanes[0].before;
	eg_session_save(g->session, g->mark_state);
	copy_logits(g, g->mark_next, g->lanes[0].next);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* Runs the network over g->ids, `steps` of each lane; `next` becomes the logits behind the last. */
static eg_status run(eg_generator *g, int steps, eg_error *err) {
	static const char *const names[] = {"input"};
	const void *inputs[] = {g->ids};
	eg_real *outputs[] = {g->logits};
	eg_status status = eg_session_run(g->session, steps, names, inputs, 1, outputs, err);
	for (int i = 0; i < g->batch && !status; i++)
		copy_logits(g, g->lanes[i].next, g->logits + ((ptrdiff_t)(steps - 1) * g->batch + i) * g->count);
	if (!status) g->begun = true;
	return status;
}

/* The same units into every lane. */
eg_status eg_generator_feed(eg_generator *g, const int32_t *ids, size_t n, eg_error *err) {
	while (n > 0) {
		int steps = n < EG_GENERATE_CHUNK ? (int)n : EG_GENERATE_CHUNK;
		for (int t = 0; t < steps; t++)
			for (int i = 0; i < g->batch; i++) g->ids[t * g->batch + i] = ids[t];
		eg_status status = run(g, steps, err);
		if (status) return status;
		ids += steps;
		n -= (size_t)steps;
	}
	return EG_OK;
}

static int find_unit(const eg_generator *g, char c) {
	for (int i = 0; i < g->count; i++) {
		size_t size;
		const char *s = eg_vocab_token(g->vocab, i, &size);
		if (size == 1 && s[0] == c && i != eg_vocab_end(g->vocab) && i != eg_vocab_unknown(g->vocab)) return i;
	}
	return -1;
}

/* What stands before a text that begins from nothing: the end mark of the one before, a line end, a space. */
int32_t eg_generator_opening(const eg_generator *g) {
	int id = eg_vocab_end(g->vocab);
	if (id < 0) id = find_unit(g, '\n');
	if (id < 0) id = find_unit(g, ' ');
	for (int i = 0; i < g->count && id < 0; i++)
		if (i != eg_vocab_unknown(g->vocab)) id = i;
	return id;
}

/* Unit numbers of a text without what is not known, or is no UTF-8; one by one: an encoding fails as a whole. */
static eg_status encode_known(const eg_generator *g, const char *text, size_t size, int32_t **ids, size_t *n,
	int64_t *skipped, eg_error *err) {
	int unknown = eg_vocab_unknown(g->vocab);
	eg_error why;
	if (unknown >= 0) {
		eg_status status = eg_vocab_encode(g->vocab, text, size, "", ids, n, err);
		size_t all = *n;
		*n = 0;
		for (size_t i = 0; i < all && !status; i++)
			if ((*ids)[i] != unknown) (*ids)[(*n)++] = (*ids)[i];
		*skipped = (int64_t)(all - *n);
		return status;
	}
	*n = 0;
	*ids = malloc((size + 1) * sizeof **ids);
	if (!*ids) return no_memory(err);
	for (size_t i = 0; i < size;) {
		int length = eg_utf8_length(text + i, size - i);
		int32_t *one = NULL;
		size_t k = 0;
		if (length == 0) length = 1;
		if (eg_vocab_encode(g->vocab, text + i, (size_t)length, "", &one, &k, &why) == EG_OK && k > 0)
			(*ids)[(*n)++] = one[0];
		else
			++*skipped;
		free(one);
		i += (size_t)length;
	}
	return EG_OK;
}

eg_status eg_generator_read(
	eg_generator *g, const char *text, size_t size, const char *name, int64_t *skipped, eg_error *err) {
	int64_t none = 0;
	int32_t *ids = NULL, begin = eg_generator_opening(g);
	size_t n = 0;
	if (!skipped) skipped = &none;
	*skipped = 0;
	eg_status status = EG_OK;
	const eg_unit of = eg_vocab_unit(g->vocab);
	if (size > 0 && g->options.skip_unknown && of != EG_UNIT_BYTE && of != EG_UNIT_SUBWORD)
		status = encode_known(g, text, size, &ids, &n, skipped, err);
	else if (size > 0)
		status = eg_vocab_encode(g->vocab, text, size, name, &ids, &n, err);
	if (!status && n > 0 && !g->begun && eg_vocab_end(g->vocab) >= 0) status = eg_generator_feed(g, &begin, 1, err);
	if (!status) status = eg_generator_feed(g, ids, n, err);
	for (int i = 0; i < g->batch && !status && n > 0; i++) g->lanes[i].before = ids[n - 1], g->lanes[i].ended = false;
	free(ids);
	return status;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* The next unit of one lane; the network has not seen it yet. */
static eg_status write_lane(eg_generator *g, eg_lane *l, eg_written *out, eg_error *err) {
	*out = (eg_written){.text = "", .id = -1, .end = l->ended};
	if (l->ended) return EG_OK;
	int32_t id = eg_verse_ends(g, l) ? eg_vocab_end(g->vocab) : eg_generator_draw(g, l);
	if (id < 0 && !eg_verse_ends(g, l))
		return eg_fail(err, EG_ERR_NUMERIC,
		        "the network's answer is not a number; the model is damaged or its training failed");
	l->last[l->written++ % EG_GENERATE_RECENT] = id < 0 ? 0 : id;
	out->id = id;
	out->end = l->ended = id < 0 || id == eg_vocab_end(g->vocab);
	if (out->end) return EG_OK;
	out->size = eg_vocab_spell(g->vocab, l->before, id, l->spelled, g->room);
	out->text = l->spelled;
	l->before = id;
	eg_verse_step(g, l, id);
	return EG_OK;
}

eg_status eg_generator_write_all(eg_generator *g, eg_written *out, eg_error *err) {
	eg_status status = EG_OK;
	bool all_ended = true;
	if (!g->begun) {
		int32_t begin = eg_generator_opening(g);
		status = eg_generator_feed(g, &begin, 1, err);
	}
	for (int i = 0; i < g->batch && !status; i++) {
		status = write_lane(g, &g->lanes[i], &out[i], err);
		all_ended = all_ended && out[i].end;
		g->ids[i] = out[i].end ? g->ids[i] : out[i].id; /* what has ended goes on unseen */
	}
	return status || all_ended ? status : run(g, 1, err);
}

eg_status eg_generator_write(eg_generator *g, eg_written *out, eg_error *err) {
	if (g->batch > 1)
		return eg_fail(err, EG_ERR_ARG, "%d texts are written side by side: eg_generator_write_all writes them", g->batch);
	if (g->lanes[0].ended) eg_generator_begin(g, g->lanes[0].sample + 1);
	return eg_generator_write_all(g, out, err);
}

/* ---- scoring ----------------------------------------------------------------------------------------------------- */

/* -ln of the probability that these logits give to a unit. */
double eg_generator_nats(const eg_generator *g, const eg_real *x, int id) {
	double sum = 0, highest = (double)x[eg_argmax(x, g->count)];
	for (int k = 0; k < g->count; k++) sum += exp((double)x[k] - highest);
	return log(sum) + highest - (double)x[id];
}

/* What these units take, the network being where it is, and where it is behind them. nats: n of them. */
eg_status eg_generator_take(eg_generator *g, const int32_t *ids, size_t n, double *nats, eg_error *err) {
	eg_status status = EG_OK;
	for (size_t at = 0; at < n && !status;) {
		size_t steps = n - at < EG_GENERATE_CHUNK ? n - at : EG_GENERATE_CHUNK;
		nats[at] = eg_generator_nats(g, g->lanes[0].next, ids[at]);
		status = eg_generator_feed(g, ids + at, steps, err);
		for (size_t k = 1; k < steps && !status; k++)
			nats[at + k] = eg_generator_nats(g, g->logits + (ptrdiff_t)(k - 1) * g->batch * g->count, ids[at + k]);
		at += steps;
	}
	return status;
}

static eg_status score(eg_generator *g, const char *text, size_t size, const char *name, int32_t **ids, double **nats,
	size_t *n, eg_error *err) {
	int32_t begin = eg_generator_opening(g);
	const int end = eg_vocab_end(g->vocab);
	eg_status status = eg_vocab_encode(g->vocab, text, size, name, ids, n, err);
	if (status) return status;
	*nats = eg_calloc(NULL, *n + 1, sizeof **nats);
	if (!*nats) return no_memory(err);
	if (!g->begun) status = eg_generator_feed(g, &begin, 1, err);
	if (!status) status = eg_generator_take(g, *ids, *n, *nats, err);
	if (!status) (*nats)[*n] = end >= 0 ? eg_generator_nats(g, g->lanes[0].next, end) : 0;
	for (size_t i = 0; i <= *n && !status; i++)
		if (!isfinite((*nats)[i]))
			status = eg_fail(err, EG_ERR_NUMERIC,
			        "the network's answer is not a number; the model is damaged or its training failed");
	return status;
}

eg_status eg_generator_score(eg_generator *g, const char *text, size_t size, const char *name,
	bool (*take)(void *user, const eg_scored *u), void *user, eg_error *err) {
	int32_t *ids = NULL;
	double *nats = NULL;
	size_t n = 0;
	eg_status status = score(g, text, size, name, &ids, &nats, &n, err);
	size_t *starts = status ? NULL : eg_calloc(NULL, n + 1, sizeof *starts);
	if (!status && !starts) status = no_memory(err);
	if (!status) eg_vocab_places(g->vocab, text, size, ids, n, starts);
	bool go_on = true;
	for (size_t i = 0; i < n && !status && go_on; i++)
		go_on = take(user, &(eg_scored){starts[i], starts[i + 1] - starts[i], ids[i], nats[i], false});
	if (!status && go_on && eg_vocab_end(g->vocab) >= 0)
		go_on = take(user, &(eg_scored){size, 0, eg_vocab_end(g->vocab), nats[n], true});
	if (!status && !go_on) status = eg_fail(err, EG_ERR_STOPPED, "stopped");
	free(ids);
	eg_release(NULL, nats);
	eg_release(NULL, starts);
	return status;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* A number that tells models apart: FNV-1a over the bytes of the weights. */
static uint64_t fingerprint(const eg_generator *g) {
	uint64_t hash = 0xcbf29ce484222325U;
	size_t n;
	const unsigned char *p = (const unsigned char *)eg_params_flat(eg_model_params(g->model), &n);
	for (size_t i = 0; i < n * sizeof(eg_real); i++) hash = (hash ^ p[i]) * 0x100000001b3U;
	return hash;
}

typedef struct number {
	const char *key;
	uint64_t value;
} number;
enum { FORMAT, MODEL, SAMPLE, WRITTEN, BEFORE, BEGUN, ENDED, NUMBERS };

static void numbers_of(const eg_generator *g, number n[NUMBERS]) {
	n[FORMAT] = (number){"engram_text_state", STATE_FORMAT};
	n[MODEL] = (number){"model", fingerprint(g)};
	const eg_lane *l = &g->lanes[0];
	n[SAMPLE] = (number){"sample", l->sample};
	n[WRITTEN] = (number){"written", l->written};
	n[BEFORE] = (number){"before", (uint64_t)(l->before + 1)};
	n[BEGUN] = (number){"begun", g->begun};
	n[ENDED] = (number){"ended", l->ended};
}

eg_status eg_generator_save(const eg_generator *g, const char *path, eg_error *err) {
	number n[NUMBERS];
	char values[NUMBERS][24];
	eg_st_text texts[NUMBERS];
	size_t count = eg_session_state_count(g->session);
	if (g->batch > 1 || eg_verse_is_on(g) || g->options.repeat_penalty > 1)
		return eg_fail(err, EG_ERR_ARG, "%s: a state is kept of one text without a form and a penalty", path);
	eg_real *state = eg_calloc(NULL, count + 1, sizeof *state);
	if (!state) return no_memory(err);
	eg_session_save(g->session, state);
	numbers_of(g, n);
	for (int i = 0; i < NUMBERS; i++) {
		snprintf(values[i], sizeof values[i], "%llu", (unsigned long long)n[i].value);
		texts[i] = (eg_st_text){n[i].key, values[i]};
	}
	eg_st_tensor tensors[] = {
	        {.name = "next", .dtype = eg_st_real, .dims = EG_DIMS(g->count), .data = g->lanes[0].next},
	        {.name = "state", .dtype = eg_st_real, .dims = EG_DIMS((int64_t)count), .data = state},
	};
	eg_status status = eg_st_write(path, texts, NUMBERS, tensors, EG_COUNT(tensors), err);
	eg_release(NULL, state);
	return status;
}

static bool holds(const eg_st_tensor *t, size_t n) {
	return t && t->dtype == eg_st_real && t->dims.rank == 1 && t->dims.d[0] == (int64_t)n;
}

static eg_status restore(eg_generator *g, const eg_st_file *f, const char *path, eg_error *err) {
	number n[NUMBERS];
	size_t count = eg_session_state_count(g->session);
	const eg_st_tensor *next = eg_st_find(f, "next"), *state = eg_st_find(f, "state");
	uint64_t model;
	numbers_of(g, n);
	model = n[MODEL].value;
	for (int i = 0; i < NUMBERS; i++) {
		const char *text = eg_st_text_of(f, n[i].key);
		char *end = NULL;
		if (text) n[i].value = strtoull(text, &end, 10);
		if (!text || end == text || *end)
			return eg_fail(err, EG_ERR_FORMAT, "%s: not the state of a text that was being written", path);
	}
	if (n[FORMAT].value != STATE_FORMAT)
		return eg_fail(err, EG_ERR_FORMAT,
		        "%s: written in format %llu; this is engram %s, which reads format %d", path,
		        (unsigned long long)n[FORMAT].value, EG_VERSION, STATE_FORMAT);
	if (n[MODEL].value != model)
		return eg_fail(err, EG_ERR_ARG, "%s: the state of another model; begin anew with this one", path);
	if (!holds(next, (size_t)g->count) || !holds(state, count) || n[BEFORE].value > (uint64_t)g->count)
		return eg_fail(err, EG_ERR_FORMAT, "%s: damaged", path);
	eg_real *values = eg_calloc(NULL, count + 1, sizeof *values);
	if (!values) return no_memory(err);
	eg_lane *l = &g->lanes[0];
	eg_st_to_real(next, l->next, NULL);
	eg_st_to_real(state, values, NULL);
	eg_session_restore(g->session, values);
	eg_release(NULL, values);
	l->sample = n[SAMPLE].value, l->written = n[WRITTEN].value;
	l->before = (int)n[BEFORE].value - 1;
	g->begun = n[BEGUN].value != 0, l->ended = n[ENDED].value != 0;
	return EG_OK;
}

eg_status eg_generator_restore(eg_generator *g, const char *path, eg_error *err) {
	eg_st_file f = {0};
	eg_status status = eg_st_load(path, &f, err);
	if (!status) status = restore(g, &f, path, err);
	eg_st_free(&f);
	return status;
}
