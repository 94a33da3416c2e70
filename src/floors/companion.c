/* companion.c - a floor beside a network (tasks/companion.h): one that is linear in what a text holds, which is all
 * that is kept of it: features with their weights, as hexadecimal texts, in the order in which they were met. */
#include "tasks/companion.h"
#include "floors/bags.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct eg_companion {
	eg_floor *floor; /* that it was trained as; NULL: it comes from a file, and its weights are */
	eg_bag_model own;
	eg_bag_model *model;
};

enum { MOST_FEATURES = 1 << 24, WORD = 8 /* digits of 32 bits */ };

static eg_status find(const char *floor, const eg_floor_type **found, eg_error *err) {
	char names[160] = "";
	const eg_floor_type *type;
	for (int i = 0; (type = eg_floor_type_at(i)); i++) {
		if (!type->bag_model) continue;
		*found = type;
		if (!strcmp(type->info.name, floor)) return EG_OK;
		const size_t n = strlen(names);
		snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", type->info.name);
	}
	return eg_fail(err, EG_ERR_ARG, "no floor '%.60s' can stand beside a network; these can: %s", floor, names);
}

eg_status eg_companion_suits(const char *floor, const eg_task *t, eg_error *err) {
	const eg_floor_type *type = NULL;
	eg_status status = find(floor, &type, err);
	const eg_floor f = {.type = type, .task = (eg_task *)t};
	if (status || type->serves != eg_floor_reads_words || eg_floor_reads_words(&f)) return status;
	return eg_fail(err, EG_ERR_ARG, "runs of letters are those of words: the floor '%s' needs a text, and unit: word", floor);
}

eg_status eg_companion_train(
	const char *floor, const eg_samples *s, eg_graph *g, eg_companion **companion, eg_error *err) {
	*companion = NULL;
	const eg_floor_type *type = NULL;
	eg_status status = find(floor, &type, err);
	eg_companion *c = status ? NULL : eg_calloc(NULL, 1, sizeof *c);
	if (!status && !c) status = eg_fail(err, EG_ERR_MEMORY, "out of memory for the floor '%s'", floor);
	if (!status) status = eg_floor_fit(floor, s, g, &c->floor, err);
	if (status) return eg_companion_free(c), status;
	c->model = c->floor->type->bag_model(c->floor);
	*companion = c;
	return EG_OK;
}

void eg_companion_free(eg_companion *c) {
	if (!c) return;
	eg_floor_close(c->floor);
	eg_bag_model_free(&c->own);
	eg_release(NULL, c);
}

const double *eg_companion_say(eg_companion *c, eg_bag_text text) {
	return eg_bag_model_read(c->model, text) ? c->model->scores : NULL;
}

bool eg_companion_why(eg_companion *c, eg_bag_text text, int k, double *each) {
	return eg_bag_model_add_units(c->model, text, k, each);
}

/* ---- in a file --------------------------------------------------------------------------------------------------- */

static char *put_word(char *to, uint32_t v) {
	static const char digits[] = "0123456789abcdef";
	for (int i = WORD; i-- > 0; v >>= 4) to[i] = digits[v & 15];
	return to + WORD;
}

static bool take_word(const char *from, uint32_t *v) {
	*v = 0;
	for (int i = 0; i < WORD; i++) {
		const char c = from[i];
		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return false;
		*v = *v << 4 | (uint32_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return true;
}

static char *put_float(char *to, double v) {
	const float f = (float)v;
	uint32_t word;
	memcpy(&word, &f, sizeof word);
	return put_word(to, word);
}

void eg_companion_save(const eg_companion *c, eg_value *map) {
	const eg_bag_model *m = c->model;
	const size_t F = (size_t)m->features.n, all = (F + 1) * (size_t)m->classes;
	char *keys = eg_alloc(NULL, 2 * WORD * F + 1), *weights = eg_alloc(NULL, WORD * all + 1), *to = keys;
	for (size_t i = 0; i < F && keys && weights; i++) {
		to = put_word(to, (uint32_t)(m->features.keys[i] >> 32));
		to = put_word(to, (uint32_t)m->features.keys[i]);
	}
	to = weights;
	for (size_t i = 0; i < all && keys && weights; i++) to = put_float(to, m->w[i]);
	eg_value_put_int(map, "n", m->features.n);
	eg_value_put_bool(map, "pairs", m->features.pairs);
	if (m->features.letters) eg_value_put_bool(map, "letters", true);
	eg_value_put_bool(map, "rooted", m->rooted);
	eg_value_put_bytes(map, "features", keys ? keys : "", keys && weights ? 2 * WORD * F : 0);
	eg_value_put_bytes(map, "weights", weights ? weights : "", keys && weights ? WORD * all : 0); /* "": damaged */
	eg_release(NULL, keys);
	eg_release(NULL, weights);
}

static eg_status damaged(const char *what, eg_error *err) {
	return eg_fail(err, EG_ERR_FORMAT, "damaged: the floor beside the network: %s", what);
}

static eg_status read_model(eg_bag_model *m, const eg_value *map, int classes, eg_error *err) {
	const eg_value *features = eg_value_get(map, "features"), *weights = eg_value_get(map, "weights");
	const size_t size = eg_value_text_size(features), n = size / (2 * WORD), K = (size_t)classes;
	if (!eg_value_text(features) || !eg_value_text(weights) || size % (2 * WORD) || n > MOST_FEATURES ||
	        eg_value_text_size(weights) != WORD * (n + 1) * K)
		return damaged("it has not as many weights as its features and classes need", err);
	m->features.pairs = eg_value_bool(eg_value_get(map, "pairs"), false);
	m->features.letters = eg_value_bool(eg_value_get(map, "letters"), false);
	m->rooted = eg_value_bool(eg_value_get(map, "rooted"), false);
	for (size_t i = 0; i < n; i++) {
		const char *at = eg_value_text(features) + 2 * WORD * i;
		uint32_t before, id;
		if (!take_word(at, &before) || !take_word(at + WORD, &id)) return damaged("a feature is no number", err);
		const int k = eg_features_put(&m->features, (uint64_t)before << 32 | id);
		if (k < 0) return eg_fail(err, EG_ERR_MEMORY, "out of memory for the floor beside the network");
		if ((size_t)k != i) return damaged("a feature is there twice", err);
	}
	if (!eg_bag_model_make(m, classes)) return eg_fail(err, EG_ERR_MEMORY, "out of memory for the floor beside the network");
	for (size_t i = 0; i < (n + 1) * K; i++) {
		uint32_t word;
		float f;
		if (!take_word(eg_value_text(weights) + WORD * i, &word)) return damaged("a weight is no number", err);
		memcpy(&f, &word, sizeof f);
		m->w[i] = (double)f;
		if (!isfinite(m->w[i])) return damaged("a weight is not finite", err);
	}
	return EG_OK;
}

eg_status eg_companion_restore(const eg_value *map, int classes, eg_companion **companion, eg_error *err) {
	*companion = NULL;
	eg_companion *c = eg_calloc(NULL, 1, sizeof *c);
	if (!c) return eg_fail(err, EG_ERR_MEMORY, "out of memory for the floor beside the network");
	c->model = &c->own;
	eg_status status = read_model(&c->own, map, classes, err);
	if (status)
		eg_companion_free(c);
	else
		*companion = c;
	return status;
}
