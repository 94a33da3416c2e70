/* space.c - spaces and their points: what a key's values are, which keys are tried at a point, points as settings.
 *
 * Not here: reading a recipe's section (section.c), making one up (guess.c), proposing points (random.c, tpe.c). */
#include "tune/tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static eg_status no_memory(eg_error *err) { return eg_fail(err, EG_ERR_MEMORY, "out of memory for a space"); }

eg_space *eg_space_empty(eg_recipe *r, eg_error *err) {
	eg_space *s = eg_calloc(NULL, 1, sizeof *s);
	if (s)
		s->recipe = r;
	else
		no_memory(err);
	return s;
}

void eg_space_free(eg_space *s) {
	if (!s) return;
	for (int i = 0; i < s->n; i++) eg_value_free(s->keys[i].values);
	eg_arena_free(&s->arena);
	eg_release(NULL, s);
}

int eg_space_count(const eg_space *s) { return s->n; }
const eg_tuned *eg_space_at(const eg_space *s, int i) { return i >= 0 && i < s->n ? &s->keys[i].tuned : NULL; }
bool eg_space_is_guessed(const eg_space *s) { return s->guessed; }

/* ---- conditions -------------------------------------------------------------------------------------------------- */

bool eg_space_tries(const eg_space *s, int i, const double *point) {
	const eg_tuned *k = &s->keys[i].tuned;
	for (int c = 0; c < k->nwhen; c++) {
		double v = point[k->when[c].key];
		if (isnan(v) || !(k->when[c].choices >> (int)v & 1)) return false;
	}
	return true;
}

/* What each key must be for key i to be tried, as bits; ~0: anything. Once through the order from its end, where who
 * has a condition comes before the key that it is about. */
static void narrow(const eg_space *s, int i, uint64_t *bits) {
	bool needed[EG_SPACE_KEYS] = {false};
	memset(bits, 0xff, EG_SPACE_KEYS * sizeof *bits);
	needed[i] = true;
	for (int o = s->n - 1; o >= 0; o--) {
		const eg_tuned *k = &s->keys[s->order[o]].tuned;
		for (int c = 0; c < k->nwhen && needed[s->order[o]]; c++) {
			bits[k->when[c].key] &= k->when[c].choices;
			needed[k->when[c].key] = true;
		}
	}
}

static uint64_t all_choices(const eg_tuned *k) {
	return k->nchoices >= EG_SPACE_CHOICES ? ~(uint64_t)0 : ((uint64_t)1 << k->nchoices) - 1;
}

void eg_space_reach(const eg_space *s, int i, double *point) {
	uint64_t bits[EG_SPACE_KEYS];
	narrow(s, i, bits);
	for (int k = 0; k < s->n; k++) {
		point[k] = NAN;
		if (bits[k] == ~(uint64_t)0) continue;
		int v = 0;
		while (v < EG_SPACE_CHOICES - 1 && !(bits[k] >> v & 1)) v++;
		point[k] = v;
	}
}

static eg_status fail_when(const eg_space *s, int i, eg_error *err, const char *what, const char *other) {
	const eg_space_key *k = &s->keys[i];
	const eg_tree place = {.source = "space"}, *at = k->condition ? k->condition : &place;
	return eg_tree_fail(err, at, EG_ERR_FORMAT, "'when' of '%s' in 'tune' %s%s%s", k->tuned.path, what, other,
	        *other ? "'" : "");
}

/* Depth first: 1 while a key is on the way, 2 when it stands in the order. */
static eg_status visit(eg_space *s, int i, int *mark, int *n, eg_error *err) {
	const eg_tuned *k = &s->keys[i].tuned;
	if (mark[i] == 2) return EG_OK;
	if (mark[i] == 1) return fail_when(s, i, err, "goes round in a circle: it depends on itself", "");
	mark[i] = 1;
	for (int c = 0; c < k->nwhen; c++) {
		eg_status status = visit(s, k->when[c].key, mark, n, err);
		if (status) return status;
	}
	mark[i] = 2;
	s->order[(*n)++] = i;
	return EG_OK;
}

static eg_status check_conditions(eg_space *s, eg_error *err) {
	int mark[EG_SPACE_KEYS] = {0}, n = 0;
	for (int i = 0; i < s->n; i++) {
		eg_status status = visit(s, i, mark, &n, err);
		if (status) return status;
	}
	for (int i = 0; i < s->n; i++) {
		uint64_t bits[EG_SPACE_KEYS];
		narrow(s, i, bits);
		for (int k = 0; k < s->n; k++)
			if (!(bits[k] & all_choices(&s->keys[k].tuned)) && s->keys[k].tuned.kind == EG_TUNED_CHOICE)
				return fail_when(s, i, err, "never holds: no choice is left for '", s->keys[k].tuned.path);
	}
	return EG_OK;
}

static bool same_when(const eg_tuned *a, const eg_tuned *b) {
	if (a->nwhen != b->nwhen) return false;
	for (int c = 0; c < a->nwhen; c++)
		if (a->when[c].key != b->when[c].key || a->when[c].choices != b->when[c].choices) return false;
	return true;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

/* Ends of the line that 0..1 stands for: of a grid each step has the same share of it. */
static void ends(const eg_tuned *k, double *low, double *high) {
	double half = k->kind == EG_TUNED_NUMBER && k->step <= 0 ? 0 : (k->step > 0 ? k->step : 1) / 2;
	*low = k->low - half, *high = k->high + half;
	if (!k->log) return;
	if (*low < k->low / 2) *low = k->low / 2;
	*low = log(*low), *high = log(*high);
}

double eg_space_to_unit(const eg_tuned *k, double value) {
	double low, high;
	if (isnan(value)) return value;
	ends(k, &low, &high);
	double u = ((k->log ? log(value) : value) - low) / (high - low);
	return u < 0 ? 0 : u > 1 ? 1 : u;
}

/* To four digits, which is what a person would write. */
static double four_digits(double v) {
	char text[EG_TREE_NUMBER];
	snprintf(text, sizeof text, "%.4g", v);
	return strtod(text, NULL);
}

double eg_space_from_unit(const eg_tuned *k, double unit) {
	double low, high, step = k->step > 0 ? k->step : k->kind == EG_TUNED_INTEGER ? 1 : 0;
	if (isnan(unit)) return unit;
	ends(k, &low, &high);
	double v = low + unit * (high - low);
	if (k->log) v = exp(v);
	if (step > 0) {
		double n = floor((k->high - k->low) / step + 1e-9), i = round((v - k->low) / step);
		v = k->low + step * (i < 0 ? 0 : i > n ? n : i);
	}
	if (k->kind == EG_TUNED_NUMBER) v = four_digits(v);
	return v < k->low ? k->low : v > k->high ? k->high : v;
}

const char *eg_space_value_text(const eg_tuned *k, double value, char buf[EG_TREE_NUMBER]) {
	if (k->kind == EG_TUNED_CHOICE) return k->choices[(int)value];
	if (k->kind == EG_TUNED_NUMBER) return eg_tree_shortest(buf, value);
	snprintf(buf, EG_TREE_NUMBER, "%lld", (long long)value);
	return buf;
}

/* ---- what the recipe has now ------------------------------------------------------------------------------------- */

/* {adam: {lr: 0.001}} is the choice `adam` where everything in it is tried too. */
static bool is_word_of(const eg_space *s, const eg_tuned *k, const char *choice, const eg_tree *now) {
	char path[400];
	if (now->kind != EG_TREE_MAP || now->count != 1 || strcmp(now->first->key, choice) != 0) return false;
	for (const eg_tree *c = now->first->first; c; c = c->next) {
		bool found = false;
		snprintf(path, sizeof path, "%.200s.%.80s.%.80s", k->path, choice, c->key ? c->key : "");
		for (int i = 0; i < s->n; i++) found |= strcmp(s->keys[i].tuned.path, path) == 0;
		if (!found) return false;
	}
	return true;
}

static bool same_number(const eg_value *x, const eg_tree *t) {
	double v;
	bool number = eg_value_kind_of(x) == EG_VALUE_INT || eg_value_kind_of(x) == EG_VALUE_NUMBER;
	return number && eg_tree_number(t, &v) && v == eg_value_number(x, NAN);
}

static const char *number_text(eg_space *s, double v) {
	char text[EG_TREE_NUMBER];
	return eg_arena_strdup(&s->arena, eg_tree_shortest(text, v));
}

/* What a key is that the recipe does not say; NULL: that is not known here. */
static const char *unsaid(eg_space *s, const char *path) {
	const eg_optimizer_config *o = &s->recipe->train.optimizer;
	const eg_tree *t = eg_tree_find(s->recipe->root, "train.optimizer"), *attrs;
	const char *word = "sgd";
	char lr[80], decay[80];
	if (!strcmp(path, "train.schedule")) return "constant";
	if (!strcmp(path, "train.batch")) return number_text(s, s->recipe->train.batch > 0 ? s->recipe->train.batch : 32);
	if (t && eg_choice_read(t, "optimizer", &word, &attrs, NULL)) return NULL;
	if (!strcmp(path, "train.optimizer")) return word;
	snprintf(lr, sizeof lr, "train.optimizer.%.40s.lr", word);
	snprintf(decay, sizeof decay, "train.optimizer.%.40s.weight_decay", word);
	if (!strcmp(path, "train.lr") || !strcmp(path, lr)) return number_text(s, eg_optimizer_lr_of(o));
	if (!strcmp(path, decay)) return o->kind == EG_ADAMW ? "0.01" : "0";
	for (int i = 0; i < eg_train_keys.n && !strncmp(path, "train.", 6); i++) {
		const eg_key *k = &eg_train_keys.keys[i];
		const bool number = k->type == EG_KEY_INT || k->type == EG_KEY_INT64 || k->type == EG_KEY_DOUBLE || k->type == EG_KEY_FLOAT;
		if (!strcmp(path + 6, k->name) && number && !isnan(k->def)) return number_text(s, k->def);
	}
	return NULL;
}

static double find_now(eg_space *s, int i) {
	const eg_tuned *k = &s->keys[i].tuned;
	const eg_tree *t = s->recipe ? eg_tree_find(s->recipe->root, k->path) : NULL;
	eg_tree usual = {.kind = EG_TREE_SCALAR, .text = s->recipe && !t ? unsaid(s, k->path) : NULL};
	double v;
	if (!t && usual.text) t = &usual;
	if (!t) return NAN;
	if (k->kind != EG_TUNED_CHOICE) {
		if (!eg_tree_number(t, &v) || v < k->low || v > k->high) return NAN;
		return k->kind == EG_TUNED_INTEGER && v != floor(v) ? (double)NAN : v;
	}
	const char *text = eg_tree_flow(&s->arena, t);
	for (int c = 0; c < k->nchoices && text; c++)
		if (!strcmp(text, k->choices[c]) || is_word_of(s, k, k->choices[c], t) ||
		        same_number(eg_value_at(s->keys[i].values, c), t))
			return c;
	return NAN;
}

eg_status eg_space_close(eg_space *s, eg_error *err) {
	eg_status status = check_conditions(s, err);
	if (status) return status;
	s->ngroups = 0;
	for (int i = 0; i < s->n; i++) {
		eg_space_key *k = &s->keys[i];
		k->group = -1;
		for (int j = 0; j < i && k->group < 0; j++)
			if (same_when(&k->tuned, &s->keys[j].tuned)) k->group = s->keys[j].group;
		if (k->group < 0) k->group = s->ngroups++;
		k->tuned.now = find_now(s, i);
	}
	return EG_OK;
}

/* ---- spaces of programs ------------------------------------------------------------------------------------------ */

eg_status eg_space_values(eg_space *s, eg_space_key *k, eg_error *err) {
	k->values = eg_value_new(EG_VALUE_LIST);
	for (int c = 0; c < k->tuned.nchoices; c++) {
		const char *text = k->tuned.choices[c];
		eg_tree *t = NULL;
		eg_status status = eg_yaml_parse(&s->arena, text, strlen(text), k->tuned.path, &t, err);
		if (status) return status;
		eg_tree_to_value(t, k->values, NULL);
	}
	return eg_value_whole(k->values) ? EG_OK : no_memory(err);
}

static eg_status copy_choices(eg_space *s, eg_space_key *k, eg_error *err) {
	const char **texts = eg_arena_alloc(&s->arena, (size_t)k->tuned.nchoices * sizeof *texts);
	for (int c = 0; c < k->tuned.nchoices && texts; c++)
		if (!(texts[c] = eg_arena_strdup(&s->arena, k->tuned.choices[c]))) return no_memory(err);
	k->tuned.choices = texts;
	return texts ? eg_space_values(s, k, err) : no_memory(err);
}

static eg_status copy_key(eg_space *s, const eg_tuned *from, int n, eg_error *err) {
	eg_space_key *k = &s->keys[s->n++];
	k->tuned = *from;
	k->tuned.path = eg_arena_strdup(&s->arena, from->path);
	if (!k->tuned.path) return no_memory(err);
	if (from->kind == EG_TUNED_CHOICE ? from->nchoices < 1 || from->nchoices > EG_SPACE_CHOICES
	                                  : !(from->low < from->high) || (from->log && from->low <= 0))
		return eg_fail(err, EG_ERR_ARG, "'%s': there is nothing to choose from", from->path);
	if (from->nwhen > 0) {
		eg_tuned_when *when = eg_arena_alloc(&s->arena, (size_t)from->nwhen * sizeof *when);
		if (!when) return no_memory(err);
		memcpy(when, from->when, (size_t)from->nwhen * sizeof *when);
		k->tuned.when = when;
		for (int c = 0; c < from->nwhen; c++)
			if (when[c].key < 0 || when[c].key >= n) return eg_fail(err, EG_ERR_ARG, "'%s': no such key", from->path);
	}
	return from->kind == EG_TUNED_CHOICE ? copy_choices(s, k, err) : EG_OK;
}

eg_status eg_space_new(const eg_tuned *keys, int n, eg_space **space, eg_error *err) {
	*space = NULL;
	if (n < 1 || n > EG_SPACE_KEYS)
		return eg_fail(err, EG_ERR_ARG, "a space of %d keys; 1 to %d are possible", n, EG_SPACE_KEYS);
	eg_space *s = eg_space_empty(NULL, err);
	eg_status status = s ? EG_OK : EG_ERR_MEMORY;
	for (int i = 0; i < n && !status; i++) status = copy_key(s, &keys[i], n, err);
	if (!status) status = eg_space_close(s, err);
	for (int i = 0; i < n && !status; i++) s->keys[i].tuned.now = keys[i].now;
	if (status)
		eg_space_free(s);
	else
		*space = s;
	return status;
}

/* ---- points as settings ------------------------------------------------------------------------------------------ */

void eg_space_put(const eg_space *s, const double *point, eg_value *to) {
	for (int o = 0; o < s->n; o++) {
		const eg_space_key *k = &s->keys[s->order[o]];
		double v = point[s->order[o]];
		if (isnan(v)) continue;
		if (k->tuned.kind == EG_TUNED_CHOICE)
			eg_value_put_copy(to, k->tuned.path, eg_value_at(k->values, (int)v));
		else if (k->tuned.kind == EG_TUNED_INTEGER)
			eg_value_put_int(to, k->tuned.path, (int64_t)v);
		else
			eg_value_put_number(to, k->tuned.path, v);
	}
}

static bool same_value(const eg_value *a, const eg_value *b) {
	char place[80] = "";
	const eg_value *x, *y;
	return !eg_value_difference(a, b, place, sizeof place, &x, &y);
}

eg_status eg_space_point(const eg_space *s, const eg_value *settings, double *point, eg_error *err) {
	for (int o = 0; o < s->n; o++) {
		int i = s->order[o];
		const eg_space_key *k = &s->keys[i];
		const eg_value *v = eg_value_get(settings, k->tuned.path);
		point[i] = NAN;
		if (!v && !eg_space_tries(s, i, point)) continue;
		if (!v) return eg_fail(err, EG_ERR_FORMAT, "there is no '%s' among the settings", k->tuned.path);
		if (k->tuned.kind != EG_TUNED_CHOICE) {
			point[i] = eg_value_number(v, NAN);
		} else {
			for (int c = 0; c < k->tuned.nchoices; c++)
				if (same_value(v, eg_value_at(k->values, c))) point[i] = c;
		}
		if (isnan(point[i])) return eg_fail(err, EG_ERR_FORMAT, "'%s' has no such value", k->tuned.path);
	}
	for (const eg_value *v = eg_value_first(settings); v; v = eg_value_next(v)) {
		bool known = false;
		for (int i = 0; i < s->n; i++) known |= strcmp(s->keys[i].tuned.path, eg_value_key(v)) == 0;
		if (!known) return eg_fail(err, EG_ERR_FORMAT, "'%s' is not tried in this space", eg_value_key(v));
	}
	return EG_OK;
}

eg_status eg_space_settings(const eg_space *s, const double *point, char ***settings, eg_error *err) {
	char number[EG_TREE_NUMBER];
	int n = 0;
	char **list = calloc((size_t)s->n + 1, sizeof *list);
	*settings = list;
	if (!list) return no_memory(err);
	for (int o = 0; o < s->n; o++) {
		const eg_tuned *k = &s->keys[s->order[o]].tuned;
		double v = point[s->order[o]];
		if (isnan(v)) continue;
		const char *text = eg_space_value_text(k, v, number);
		size_t size = strlen(k->path) + strlen(text) + 2;
		if (!(list[n] = malloc(size))) {
			eg_space_settings_free(list);
			*settings = NULL;
			return no_memory(err);
		}
		snprintf(list[n++], size, "%s=%s", k->path, text);
	}
	return EG_OK;
}

void eg_space_settings_free(char **settings) {
	for (int i = 0; settings && settings[i]; i++) free(settings[i]);
	free(settings);
}

double eg_space_distance(const eg_space *s, const double *a, const double *b) {
	double sum = 0;
	for (int i = 0; i < s->n; i++) {
		const eg_tuned *k = &s->keys[i].tuned;
		double d = 0;
		if (isnan(a[i]) != isnan(b[i]))
			d = 1;
		else if (!isnan(a[i]) && k->kind == EG_TUNED_CHOICE)
			d = a[i] != b[i];
		else if (!isnan(a[i]))
			d = eg_space_to_unit(k, a[i]) - eg_space_to_unit(k, b[i]);
		sum += d * d;
	}
	return sqrt(sum);
}
