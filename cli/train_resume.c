/* train_resume.c - going on with a training from its checkpoint: what must be the same as then, and what differs, by
 * name.
 *
 * The section `train` of the recipe may change, but for the seed, which also draws the validation samples. */
#define _POSIX_C_SOURCE 200809L
#include "train.h"

#include <stdlib.h>
#include <string.h>

/* ---- the recipe -------------------------------------------------------------------------------------------------- */

/* The next line of a recipe's text that is not in its section `train`; its length in *n; NULL: there are no more. */
static const char *next_line(const char **text, size_t *n) {
	bool skip = false;
	while (**text) {
		const char *line = *text;
		*n = strcspn(line, "\n");
		*text += *n + (line[*n] == '\n');
		if (line[0] != ' ' && line[0] != '-') skip = !strncmp(line, "train:", 6);
		if (!skip) return line;
	}
	return NULL;
}

/* The first line that is another one now, as "'then', now 'now'", into buf; false: none is. */
static bool other_line(const char *then, const char *now, char *buf, size_t size) {
	for (;;) {
		size_t n = 0, k = 0;
		const char *a = next_line(&then, &n), *b = next_line(&now, &k);
		if (!a && !b) return false;
		if (a && b && n == k && !strncmp(a, b, n)) continue;
		snprintf(buf, size, "then '%.*s', now '%.*s'", a ? (int)(n < 100 ? n : 100) : 0, a ? a : "",
		        b ? (int)(k < 100 ? k : 100) : 0, b ? b : "");
		return true;
	}
}

static bool same_recipe(const training *t, const eg_recipe *then) {
	char what[300];
	unsigned long long seed = eg_recipe_train(then)->seed, now = eg_recipe_train(t->recipe)->seed;
	if (other_line(eg_recipe_text(then), eg_recipe_text(t->recipe), what, sizeof what)) {
		fail("train",
		        "%s was made by another recipe; only its section 'train' may change. The first line that "
		        "differs: %s. Begin anew without --resume",
		        t->checkpoint_path, what);
		return false;
	}
	if (seed == now) return true;
	fail("train",
	        "%s was made with train.seed: %llu, not %llu. The seed also draws the samples that validate: with "
	        "another one, samples that were trained on would judge. Leave it as it was, or begin anew without "
	        "--resume",
	        t->checkpoint_path, seed, now);
	return false;
}

/* ---- what the task keeps of the data ----------------------------------------------------------------------------- */

static void put_value(const eg_value *v, char *buf, size_t size) {
	char *text = NULL;
	if (!v)
		snprintf(buf, size, "nothing");
	else if (eg_value_json(v, &text, NULL, NULL))
		snprintf(buf, size, "?");
	else
		snprintf(buf, size, "%.80s%s", text, strlen(text) > 80 ? "..." : "");
	free(text);
}

static bool is_number(const eg_value *v) {
	return eg_value_kind_of(v) == EG_VALUE_INT || eg_value_kind_of(v) == EG_VALUE_NUMBER;
}

/* A number that is whole reads back from a file as an int. */
static bool same_leaf(const eg_value *a, const eg_value *b) {
	if (is_number(a) && is_number(b)) return eg_value_number(a, 0) == eg_value_number(b, 0);
	return eg_value_same(a, b);
}

/* The first place in two trees where they differ, as "vocab.tokens[7]", and the two values; false: nowhere. */
static bool first_difference(const eg_value *then, const eg_value *now, char *place, size_t size, const eg_value **a,
	const eg_value **b) {
	size_t n = strlen(place);
	eg_value_kind kind = eg_value_kind_of(then);
	bool inner = kind == EG_VALUE_MAP || kind == EG_VALUE_LIST;
	*a = then, *b = now;
	if (!inner || kind != eg_value_kind_of(now)) return !same_leaf(then, now);
	const eg_value *y = eg_value_first(now);
	int64_t i = 0;
	for (const eg_value *x = eg_value_first(then); x; x = eg_value_next(x), i++) {
		if (kind == EG_VALUE_MAP) {
			snprintf(place + n, size - n, "%s%.60s", n ? "." : "", eg_value_key(x));
			y = eg_value_get(now, eg_value_key(x));
		} else {
			snprintf(place + n, size - n, "[%lld]", (long long)i);
		}
		if (first_difference(x, y, place, size, a, b)) return true;
		place[n] = '\0';
		if (kind == EG_VALUE_LIST) y = eg_value_next(y);
	}
	*a = then, *b = now;
	return eg_value_count(now) != i; /* there is more now than then */
}

static bool same_task(const training *t, const eg_value *then, const eg_value *now) {
	char place[200] = "", was[100], is[100];
	const eg_value *a = NULL, *b = NULL;
	if (!first_difference(then, now, place, sizeof place, &a, &b)) return true;
	put_value(a, was, sizeof was);
	put_value(b, is, sizeof is);
	fail("train",
	        "%s was trained on other data: %s was %s then and is %s now. Bring the data back, or begin anew without "
	        "--resume",
	        t->checkpoint_path, *place ? place : "what is kept of it", was, is);
	return false;
}

static bool same_sizes(const training *t, const eg_size *a, const eg_size *b) {
	int k = 0;
	for (; a && a->name && b && b->name && !strcmp(a->name, b->name); a++, b++, k++)
		if (a->size != b->size) {
			fail("train",
			        "%s was trained on other data: there were %d %s then and there are %d now. Bring the data "
			        "back, or begin anew without --resume",
			        t->checkpoint_path, a->size, a->name, b->size);
			return false;
		}
	if ((!a || !a->name) && (!b || !b->name)) return true;
	fail("train", "%s was made by another recipe: its sizes are others. Begin anew without --resume",
	        t->checkpoint_path);
	return false;
}

/* ---- the samples ------------------------------------------------------------------------------------------------- */

bool train_know_data(training *t) {
	eg_error err;
	eg_train_state *s = &t->state;
	if (eg_samples_fingerprint(t->samples, EG_PART_TRAIN, &s->train_data, &err) ||
	        eg_samples_fingerprint(t->samples, EG_PART_VALIDATION, &s->validation_data, &err))
		return fail_error("train", &err), false;
	s->train_count = eg_samples_units(t->samples, EG_PART_TRAIN);
	s->validation_count = eg_samples_units(t->samples, EG_PART_VALIDATION);
	return true;
}

static bool same_part(const training *t, const char *what, uint64_t then, int64_t nthen, uint64_t now, int64_t nnow) {
	const char *unit = eg_task_unit(t->task, false);
	if (then == now) return true;
	if (nthen != nnow)
		fail("train",
		        "%s was trained on other data: there were %lld %s to %s then and there are %lld now. Bring the data "
		        "back, or begin anew without --resume",
		        t->checkpoint_path, (long long)nthen, unit, what, (long long)nnow);
	else
		fail("train",
		        "%s was trained on other data: there are %lld %s to %s as then, but with other contents, other "
		        "labels or in another order. Bring the data back, or begin anew without --resume",
		        t->checkpoint_path, (long long)nnow, unit, what);
	return false;
}

/* Checkpoints of older programs do not know. */
static bool same_data(const training *t, const eg_train_state *then) {
	const eg_train_state *now = &t->state;
	if (then->train_data == 0) return true;
	return same_part(t, "train on", then->train_data, then->train_count, now->train_data, now->train_count) &&
	       same_part(t, "validate with", then->validation_data, then->validation_count, now->validation_data,
	               now->validation_count);
}

/* ---- going on ---------------------------------------------------------------------------------------------------- */

bool train_old_network(training *t) {
	eg_error err;
	t->resumed = cli_model(t->args, t->checkpoint_path, t->ctx);
	if (!t->resumed) return false;
	const eg_recipe *r = eg_model_recipe(t->resumed);
	if (!eg_model_is_checkpoint(t->resumed)) {
		fail("train", "%s is not a checkpoint: it holds no state of training to go on from", t->checkpoint_path);
		return false;
	}
	if (!same_recipe(t, r) || !same_sizes(t, eg_model_sizes(t->resumed), eg_samples_sizes(t->samples)) ||
	        !same_task(t, eg_model_task(t->resumed), eg_samples_kept(t->samples)))
		return false;
	if (strcmp(eg_recipe_text(r), eg_recipe_text(t->recipe)) != 0 && !t->quiet)
		fail("train", "note: the recipe's section 'train' has changed since the checkpoint; training goes on "
		              "with the new one");
	t->graph = eg_model_graph(t->resumed);
	t->params = eg_model_params(t->resumed);
	return !eg_task_suits(t->task, t->graph, &err) || (fail_error("train", &err), false);
}

bool train_old_state(training *t) {
	eg_error err;
	eg_train_state then = t->state;
	if (eg_model_resume(t->resumed, t->optimizer, &then, &err)) {
		fail("train", "%s: %s", t->checkpoint_path, err.message);
		return false;
	}
	if (!same_data(t, &then)) return false;
	then.train_data = t->state.train_data, then.train_count = t->state.train_count;
	then.validation_data = t->state.validation_data, then.validation_count = t->state.validation_count;
	t->state = then;
	t->has_kept = true;
	t->first = t->kept = then.epoch;
	t->kept_batch = then.batch, t->kept_batches = then.batches;
	t->kept_at = train_clock();
	if (t->config.epochs == 0) t->config.epochs = 10;
	if (then.epoch > t->config.epochs || (then.epoch == t->config.epochs && then.batch > 0)) {
		fail("train", "%s is in epoch %d already, and train.epochs is %d: nothing is left to train",
		        t->checkpoint_path, then.epoch + (then.batch > 0), t->config.epochs);
		return false;
	}
	/* The checkpoint may be that of the last epoch: then only the model is left to be written. */
	if (t->config.early_stopping > 0 && t->has_validation && then.bad_epochs >= t->config.early_stopping)
		t->config.epochs = then.epoch;
	return true;
}

bool train_refuse_finished(const training *t) {
	const eg_train_result *r = NULL;
	eg_error err;
	eg_model *m = NULL;
	FILE *f = fopen(t->model_path, "rb");
	if (!f) return false;
	fclose(f);
	if (!eg_model_load(t->model_path, t->ctx, &m, &err)) r = eg_model_result(m);
	if (r)
		fail("train",
		        "%s is finished (%d epochs), and there is no %s to go on from. To train its weights on: --set "
		        "train.from=%s with another -o; to begin anew: without --resume. --keep-checkpoint leaves one to go "
		        "on from",
		        t->model_path, r->epochs_done, t->checkpoint_path, t->model_path);
	else
		fail("train",
		        "there is no %s to go on from, but there is a %s, which would be replaced. To begin anew: without "
		        "--resume",
		        t->checkpoint_path, t->model_path);
	eg_model_free(m);
	return true;
}
