/* train_from.c - a training that begins with the weights of other models (train.from): what is taken of which, and what
 * of none. */
#define _POSIX_C_SOURCE 200809L /* sigset_t, open_memstream */
#include "train.h"

#include "engram_onnx_file.h"

#include <stdlib.h>
#include <string.h>

/* What became of a weight. */
typedef struct fate {
	bool asked;
	int by;        /* of the models, the last that it was taken from, from 1; 0: none */
	char why[500]; /* it was not */
} fate;

typedef struct taking {
	const training *t;
	const char *path; /* of the model that is taken from now, */
	int model;        /* which of them that is, from 1 */
	fate *of;         /* by weight */
	FILE *text;       /* what is told */
} taking;

/* What is so of several models is said once. */
static void on_weight(void *user, const char *name, const char *why) {
	taking *k = user;
	fate *f = &k->of[eg_params_find(k->t->params, name)];
	const size_t n = strlen(f->why);
	f->asked = true;
	if (!why)
		f->by = k->model;
	else if (n == 0)
		snprintf(f->why, sizeof f->why, "%.200s", why);
	else if (!strstr(f->why, why))
		snprintf(f->why + n, sizeof f->why - n, "; of %.120s: %.200s", text_shown(k->path), why);
}

/* Of a model by name, of a network from elsewhere by order. */
static eg_status take_from(training *t, const char *path, const char *const *layers, taking *k, eg_error *err) {
	eg_model *m = NULL;
	eg_network *n = NULL;
	eg_status status = EG_OK;
	if (!eg_network_is(path)) {
		status = eg_model_load(path, t->ctx, &m, err);
		if (!status) status = eg_params_take(t->params, m, layers, on_weight, k, err);
	} else if ((n = eg_network_load(path, t->ctx, err))) {
		status = eg_network_take(t->graph, t->params, n, layers, on_weight, k, err);
	} else {
		status = err->status;
	}
	eg_network_free(n);
	eg_model_free(m);
	return status;
}

/* Of each model, when all have been taken from: what a later one has too counts as that one's. */
static void tell_taken(taking *k) {
	char room[4096];
	const char *chosen = eg_recipe_from_layers(k->t->recipe) ? " of the layers chosen" : "", *path;
	for (int model = 0; (path = eg_recipe_from(k->t->recipe, model, room, sizeof room)); model++) {
		int taken = 0, all = 0;
		for (int i = 0; i < eg_params_count(k->t->params); i++) taken += k->of[i].by == model + 1, all += k->of[i].asked;
		fprintf(k->text, "%d of %d weights%s are those of %s\n", taken, all, chosen, text_shown(path));
	}
}

/* Those that were asked for and are of none; then layers that were not asked for, on a line. */
static void tell_others(taking *k) {
	char last[128] = "", name[128];
	int n = 0;
	for (int i = 0; i < eg_params_count(k->t->params); i++) {
		if (!k->of[i].asked || k->of[i].by) continue;
		fprintf(k->text, "  not %s: %s; it begins anew\n", text_shown(eg_params_name(k->t->params, i)), text_shown(k->of[i].why));
	}
	for (int i = 0; i < eg_params_count(k->t->params); i++) {
		const char *weight = eg_params_name(k->t->params, i);
		snprintf(name, sizeof name, "%.*s", (int)strcspn(weight, "."), weight);
		if (k->of[i].asked || !strcmp(name, last)) continue;
		fprintf(k->text, "%s%s", n++ ? ", " : "  not asked for, and so begun anew: ", text_shown(name));
		memcpy(last, name, sizeof last);
	}
	if (n) fputc('\n', k->text);
}

static eg_status tell(taking *k, char **text, eg_error *err) {
	size_t size;
	free(*text);
	*text = NULL;
	if ((k->text = open_memstream(text, &size))) {
		tell_taken(k), tell_others(k);
		if (fclose(k->text) == 0 && *text) return EG_OK;
	}
	snprintf(err->message, sizeof err->message, "out of memory");
	return err->status = EG_ERR_MEMORY;
}

/* A weight that is to stay as it is, and is of none of the models. */
static eg_status check_frozen(const taking *k, eg_error *err) {
	for (int i = 0; i < eg_params_count(k->t->params); i++) {
		const char *name = eg_params_name(k->t->params, i);
		if (!k->of[i].asked || k->of[i].by || !eg_recipe_freezes(k->t->recipe, name)) continue;
		snprintf(err->message, sizeof err->message, "'%.100s' would stay at random numbers: it is frozen, but not taken over (%.300s); let it learn, "
			"or give the layer the size that it has there", name, k->of[i].why);
		return err->status = EG_ERR_SHAPE;
	}
	return EG_OK;
}

bool train_take_weights(training *t) {
	eg_error err;
	char room[4096];
	const char *const *layers = eg_recipe_from_layers(t->recipe);
	const int models = eg_recipe_froms(t->recipe);
	taking k = {.t = t};
	eg_status status = EG_OK;
	if (models == 0) return true;
	k.of = cli_alloc(((size_t)eg_params_count(t->params) + 1) * sizeof *k.of);
	memset(k.of, 0, ((size_t)eg_params_count(t->params) + 1) * sizeof *k.of);
	while (k.model < models && !status) {
		k.path = eg_recipe_from(t->recipe, k.model++, room, sizeof room);
		status = take_from(t, k.path, layers, &k, &err);
	}
	if (status) {
		eg_recipe_locate(t->recipe, layers && status == EG_ERR_ARG ? "train.from_layers" : "train.from", &err);
	} else if (!(status = check_frozen(&k, &err))) {
		status = tell(&k, &t->from, &err);
	} else {
		eg_recipe_locate(t->recipe, "train.groups", &err);
	}
	if (status) fail_error(t->args->verb->name, &err);
	free(k.of);
	return !status;
}
