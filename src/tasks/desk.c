/* desk.c - see desk.h. */
#include "tasks/desk.h"

#include <string.h>

enum { LONGEST = 400 };

const eg_desk_keys eg_desk_usual = {5, 0.6, 0};

const eg_key eg_desk_option_keys[EG_DESK_OPTIONS + 1] = {
	{.name = "alignment",
		.type = EG_KEY_STRING,
		.offset = offsetof(eg_desk_options, alignment),
		.doc = "folder, or file with the ending .svg, for pictures of where the network looks"},
	EG_WRITTEN_BEAM_OPTIONS(eg_desk_options),
	{.name = "coverage",
		.type = EG_KEY_NUMBERS,
		.count = 1,
		.offset = offsetof(eg_desk_options, coverage),
		.min = 0,
		.max = 10,
		.doc = "penalty of what is not looked at (default: as the recipe says)"},
	{.name = "attention",
		.type = EG_KEY_BOOL,
		.offset = offsetof(eg_desk_options, attention),
		.doc = "tell of each word how much it looks at each place, or frame"},
};

void eg_desk_clear(eg_desk *d) {
	eg_scribe_free(d->scribe);
	*d = (eg_desk){0};
}

eg_status eg_desk_open(eg_desk **d, eg_error *err) {
	if (!*d) *d = eg_calloc(NULL, 1, sizeof **d);
	return *d ? EG_OK : eg_fail(err, EG_ERR_MEMORY, "out of memory for a task");
}

void eg_desk_close(eg_desk **d) {
	if (*d) eg_desk_clear(*d);
	eg_release(NULL, *d);
	*d = NULL;
}

/* ---- the network ------------------------------------------------------------------------------------------------- */

static const eg_intake *previous_of(const eg_task *t) { return t->ninputs > t->nasked ? t->intakes[t->nasked] : NULL; }

static eg_status refuse(const eg_task *t, const char *path, const char *why, eg_error *err) {
	eg_fail(err, EG_ERR_SHAPE, "%s", why);
	eg_recipe_locate(t->recipe, path, err);
	return EG_ERR_SHAPE;
}

/* Is one of its losses told how long each sequence is? */
static bool of_sequences(const eg_task *t) {
	bool any = false;
	for (int i = 0; i < eg_recipe_losses(t->recipe); i++) {
		const eg_op_info *op = eg_recipe_loss_at(t->recipe, i)->op;
		for (int k = 0; k < op->max_inputs; k++) any = any || strstr(op->inputs[k], "lengths");
	}
	return any;
}

bool eg_desk_attends(const eg_task *t) {
	bool any = false;
	for (int i = 0; i < t->recipe->noutputs; i++) any = any || !strcmp(t->recipe->outputs[i].name, "attention");
	return any;
}

eg_status eg_desk_untold(eg_error *err) {
	return eg_fail(err, EG_ERR_ARG,
		"`coverage` and pictures need to know where the network looks: give its recipe `outputs: {attention: "
		"LAYER.weights}`, LAYER being its attention, and train it again");
}

/* What is read of a text or a film has steps, how many differs; of a picture its size is known. */
static bool has_places(const eg_task *t, const eg_dims *read, const eg_dims *attention) {
	if (attention->rank != 3 || attention->d[0] != EG_N || attention->d[1] != EG_T) return false;
	return t->intakes[0]->type->kind == EG_FIELD_PICTURE ? attention->d[2] > 0 : attention->d[2] == read->d[0];
}

/* The output `attention` is what beam search and pictures take it for; `coverage` has one. */
static eg_status check_attention(const eg_task *t, const eg_graph *g, const eg_desk_keys *k, eg_error *err) {
	const eg_dims d = eg_tensor_dims(g, eg_graph_find(g, "attention")),
		      read = eg_tensor_dims(g, eg_graph_find(g, t->intakes[0]->input));
	char has[128], needs[128];
	if (!eg_desk_attends(t)) {
		if (k->coverage <= 0) return EG_OK;
		eg_desk_untold(err);
		eg_recipe_locate(t->recipe, "data.coverage", err);
		return EG_ERR_ARG;
	}
	if (has_places(t, &read, &d)) return EG_OK;
	const bool picture = t->intakes[0]->type->kind == EG_FIELD_PICTURE;
	const eg_dims right = {3, {EG_N, EG_T, read.d[0]}};
	eg_fail(err, EG_ERR_SHAPE,
		"the output `attention` is %s, and must be %s: let it be the weights of an attention to the %s of what is read, "
		"LAYER.weights, or leave it out of `outputs`",
		eg_shape_text(g, d, has, sizeof has), picture ? "(N,T,places)" : eg_shape_text(g, right, needs, sizeof needs), picture ? "places" : "steps");
	eg_recipe_locate(t->recipe, "outputs", err);
	return EG_ERR_SHAPE;
}

eg_status eg_desk_suits(const eg_task *t, eg_graph *g, const eg_desk_keys *k, const char *one, eg_error *err) {
	const eg_dims d = eg_tensor_dims(g, eg_graph_find(g, "logits"));
	if (!previous_of(t))
		return refuse(t, "model",
			"to write, a network has to be told what it has written before: add the input `previous: [time]`, "
			"and let the decoder begin with `embedding: {count: classes, from: previous}`",
			err);
	if (t->intakes[0]->sample.d[0] == EG_T)
		return refuse(t, "inputs",
			strcmp(one, "text") == 0 ? "`time` is for what is written: let the text that is read have another word, such as `text: [source]`"
						 : "`time` is for what is written: let the film that is read have another word, such as `film: [frames, 1, 64, 64]`",
			err);
	for (int i = 0; i < t->intakes[0]->sample.rank; i++)
		if (t->intakes[0]->type->kind == EG_FIELD_PICTURE && t->intakes[0]->sample.d[i] < 0)
			return refuse(t, "inputs", "a picture that is written about has one size: write it as [channels, height, width]", err);
	if (d.rank != 3 || d.d[0] != EG_T || d.d[1] != EG_N)
		return refuse(t, "model",
			"to write, a network tells at every step of `previous` a number for each unit: end with "
			"`linear: classes`",
			err);
	if (of_sequences(t))
		return refuse(t, "train.loss",
			"this loss judges whole sequences, but a text is written unit by unit: take one of classes "
			"(loss: cross_entropy)",
			err);
	const eg_status status = eg_scribe_cut(g, previous_of(t)->input, err);
	if (status) eg_recipe_locate(t->recipe, "model", err);
	return status ? status : check_attention(t, g, k, err);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static eg_beam_options beam_of(const eg_task *t, const eg_desk_keys *k, const eg_desk_options *o) {
	const eg_intake *target = eg_task_target(t);
	const eg_vocab *v = eg_intake_vocab(target);
	const int longest = eg_intake_text_keys(target)->longest;
	eg_beam_options b = {.beam = k->beam,
		.longest = longest > 0 ? longest : LONGEST,
		.alpha = k->length_norm,
		.coverage = k->coverage,
		.units = eg_vocab_count(v),
		.begin = eg_vocab_end(v),
		.end = eg_vocab_end(v),
		.never = eg_vocab_unknown(v)};
	if (o && o->beam) b.beam = o->beam;
	if (o && o->length_norm.n) b.alpha = o->length_norm.at[0];
	if (o && o->coverage.n) b.coverage = o->coverage.at[0];
	return b;
}

eg_status eg_desk_write(eg_desk *d, const eg_task *t, const eg_desk_keys *k, const eg_desk_options *o, const eg_row *r,
	const eg_hypothesis **h, eg_error *err) {
	eg_status status = EG_OK;
	const eg_beam_options beam = beam_of(t, k, o);
	if (beam.coverage > 0 && !eg_desk_attends(t)) return eg_desk_untold(err);
	if (d->graph != r->graph || d->params != r->params) eg_desk_clear(d);
	if (!d->scribe)
		status = eg_scribe_new((eg_graph *)r->graph, r->params, t->intakes[0]->input, previous_of(t)->input, eg_desk_attends(t),
			&d->scribe, err);
	if (status) return status;
	d->graph = r->graph, d->params = r->params;
	if (r->i == 0 || !d->best || d->n != r->n) {
		d->best = NULL;
		status = eg_scribe_write(d->scribe, r, beam, &d->best, err);
		d->n = r->n;
	}
	if (!status) *h = &d->best[r->i];
	return status;
}
