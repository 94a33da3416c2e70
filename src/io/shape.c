/* shape.c - what a recipe says of the network's inputs: `input` and `inputs`, sizes and the words that leave them open.
 *
 * A word is an open size, and the same word the same size in the whole recipe. In dims it is a negative number: EG_T is
 * `time`, the others count down from it. Not here: the graph's own numbers for them (network.c). */
#include "io/recipe.h"

#include <ctype.h>
#include <string.h>

enum { MOST = 1000000 };

bool eg_is_word(const char *text, size_t n) {
	for (size_t i = 0; i < n; i++)
		if (!islower((unsigned char)text[i]) &&
			(i == 0 || (!isdigit((unsigned char)text[i]) && text[i] != '_')))
			return false;
	return n > 0;
}

bool eg_is_name(const char *text) {
	size_t n = strlen(text);
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)text[i]) && text[i] != '_' && text[i] != '-') return false;
	return n >= 1 && n <= EG_RECIPE_NAME;
}

bool eg_is_reserved(const char *name) {
	static const char *const taken[] = {"target", "loss", "lengths", "target_lengths"};
	for (int i = 0; i < EG_COUNT(taken); i++)
		if (!strcmp(taken[i], name)) return true;
	return false;
}

int eg_recipe_word_index(const eg_recipe *r, const char *word) {
	for (int i = 0; i < r->nwords; i++)
		if (!strcmp(r->words[i], word)) return i;
	return -1;
}

int eg_recipe_find_input(const eg_recipe *r, const char *name) {
	for (int i = 0; i < r->ninputs; i++)
		if (!strcmp(r->inputs[i].name, name)) return i;
	return -1;
}

bool eg_recipe_leads(const eg_recipe *r, int word) {
	for (int i = 0; i < r->ninputs; i++)
		if (r->inputs[i].sequence && r->inputs[i].dims.d[0] == EG_T - word) return true;
	return false;
}

/* ---- one size ---------------------------------------------------------------------------------------------------- */

static eg_status read_word(
	eg_recipe *r, const eg_tree *t, const eg_dims *before, int64_t *size, const char *where, eg_error *err) {
	if (!strcmp(t->text, "batch"))
		return eg_tree_fail(err, t, EG_ERR_FORMAT,
			"`batch` is no size of %s: how many samples there are is not said; leave it out", where);
	if (!strcmp(t->text, "time") && before->rank > 0)
		return eg_tree_fail(
			err, t, EG_ERR_FORMAT, "`time` must be the first size of %s, as in [time, 2]", where);
	int i = eg_recipe_word_index(r, t->text);
	if (i < 0 && r->nwords == EG_RECIPE_WORDS)
		return eg_tree_fail(err, t, EG_ERR_FORMAT,
			"'%s' would be one of more than %d words for sizes left open", t->text, EG_RECIPE_WORDS - 1);
	if (i < 0) r->words[i = r->nwords++] = t->text;
	if (!r->word_trees[i]) r->word_trees[i] = t;
	*size = EG_T - i;
	for (int k = 0; k < before->rank; k++)
		if (before->d[k] == *size)
			return eg_tree_fail(err, t, EG_ERR_FORMAT,
				"`%s` stands twice in %s: sizes that may differ need two words", t->text, where);
	return EG_OK;
}

static eg_status read_size(
	eg_recipe *r, const eg_tree *t, const eg_dims *before, int64_t *size, const char *where, eg_error *err) {
	char got[64];
	bool scalar = t->kind == EG_TREE_SCALAR;
	if (eg_tree_integer(t, size) && *size >= 1 && *size <= MOST) return EG_OK;
	if (scalar && eg_tree_is_string(t) && !t->quoted && eg_is_word(t->text, strlen(t->text)))
		return read_word(r, t, before, size, where, err);
	return eg_tree_fail(err, t, EG_ERR_FORMAT, "a size of %s must be a whole number from 1 to %d%s, not %s", where,
		MOST,
		eg_tree_is_string(t) ? ", or a word of small letters, digits and _ that leaves it open, as `time`" : "",
		eg_tree_describe(t, got, sizeof got));
}

/* Sequences have the batch behind a first size that is left open; pictures of any size have not. */
static bool is_sequence(const eg_recipe *r, const eg_dims *d) {
	const char *word = eg_recipe_word(r, d->d[0]);
	return word && strcmp(word, "height") != 0 && strcmp(word, "width") != 0;
}

/* ---- one input --------------------------------------------------------------------------------------------------- */

/* 784, or [1, 28, 28], or, of sequences, [time, 2] */
static eg_status read_shape(
	eg_recipe *r, const eg_tree *t, eg_recipe_input_info *input, const char *where, eg_error *err) {
	double count = 1;
	char got[64];
	int n = t->kind == EG_TREE_SCALAR ? 1 : t->count;
	if (t->kind == EG_TREE_MAP || n < 1 || n >= EG_MAX_DIMS)
		return eg_tree_fail(err, t, EG_ERR_FORMAT,
			"%s must be the shape of one sample, such as [1, 28, 28], of at most %d sizes, not %s%s", where,
			EG_MAX_DIMS - 1, eg_tree_describe(t, got, sizeof got),
			t->kind != EG_TREE_LIST ? ""
			: n < 1                 ? " of none"
						: " of more");
	for (int i = 0; i < n; i++) {
		const eg_tree *c = t->kind == EG_TREE_SCALAR ? t : eg_tree_at(t, i);
		eg_status status = read_size(r, c, &input->dims, &input->dims.d[i], where, err);
		if (status) return status;
		if (input->dims.d[i] > 0) count *= (double)input->dims.d[i];
		input->dims.rank++;
	}
	if (count > 1e9)
		return eg_tree_fail(
			err, t, EG_ERR_FORMAT, "one sample would have %.3g values; at most 1e9 are allowed", count);
	input->sequence = is_sequence(r, &input->dims);
	return EG_OK;
}

static eg_status read_named(eg_recipe *r, const eg_tree *t, eg_error *err) {
	char where[EG_RECIPE_NAME + 20];
	eg_recipe_input_info *input = &r->inputs[r->ninputs];
	if (!eg_is_name(t->key))
		return eg_tree_fail_key(err, t, EG_ERR_FORMAT,
			"the name '%.60s' of an input must be 1 to %d letters, digits, - or _", t->key, EG_RECIPE_NAME);
	if (eg_is_reserved(t->key) || !strcmp(t->key, "logits"))
		return eg_tree_fail_key(
			err, t, EG_ERR_FORMAT, "'%s' cannot be an input's name: the graph uses it", t->key);
	*input = (eg_recipe_input_info){.name = t->key, .field = t->key};
	snprintf(where, sizeof where, "input '%s'", t->key);
	eg_status status = read_shape(r, t, input, where, err);
	r->input_trees[r->ninputs++] = t;
	return status;
}

eg_status eg_inputs_read(eg_recipe *r, eg_error *err) {
	const eg_tree *one = eg_tree_get(r->root, "input"), *many = eg_tree_get(r->root, "inputs");
	char got[64];
	eg_status status = EG_OK;
	r->words[r->nwords++] = "time";
	if (one && many)
		return eg_tree_fail_key(
			err, many, EG_ERR_FORMAT, "a recipe has 'input' or 'inputs', not both: take one of them out");
	if (!one && !many)
		return eg_fail(err, EG_ERR_FORMAT,
			"%s: 'input' is missing (shape of one sample, such as [1, 28, 28]; 'inputs' where there are "
			"several)",
			r->source);
	if (one) {
		r->inputs[0] = (eg_recipe_input_info){.name = "input"};
		r->input_trees[r->ninputs++] = one;
		return read_shape(r, one, &r->inputs[0], "'input'", err);
	}
	if (many->kind != EG_TREE_MAP || many->count < 1)
		return eg_tree_fail(err, many, EG_ERR_FORMAT,
			"'inputs' must be a map of names and shapes, such as {image: [1, 28, 28], age: [1]}, not %s",
			many->kind == EG_TREE_MAP ? "an empty one" : eg_tree_describe(many, got, sizeof got));
	if (many->count > EG_RECIPE_INPUTS)
		return eg_tree_fail(
			err, many, EG_ERR_FORMAT, "%d inputs; at most %d are allowed", many->count, EG_RECIPE_INPUTS);
	for (const eg_tree *t = many->first; t && !status; t = t->next) status = read_named(r, t, err);
	return status;
}

/* ---- use --------------------------------------------------------------------------------------------------------- */

int eg_recipe_inputs(const eg_recipe *r) { return r->ninputs; }
const eg_recipe_input_info *eg_recipe_input_at(const eg_recipe *r, int i) {
	return i >= 0 && i < r->ninputs ? &r->inputs[i] : NULL;
}
eg_dims eg_recipe_input(const eg_recipe *r) { return r->inputs[0].dims; }
const char *eg_recipe_word(const eg_recipe *r, int64_t d) {
	return d <= EG_T && d > EG_T - r->nwords ? r->words[EG_T - d] : NULL;
}
